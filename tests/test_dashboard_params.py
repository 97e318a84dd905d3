"""`dashboard:` of a params file: what a widget may say, and how its mistakes are told."""

import pytest

from analysis import params
from analysis.dashboard_params import FLOWS, STOCKS, adds_up
from analysis.errors import ParamsError
from analysis.glossary import COUNT, KPIS, MONEY
from analysis.identities import FLOWS as SUMMED_IN_EVERY_RUN

REQUIRED = """\
company: acme
name: Acme
as_of: 2026-06-30
currency: PLN
timezone: Europe/Warsaw
source: {connect: data/acme}
dashboard:
  - widget: tile
    kpi: revenue
"""
GOALS = """\
goals:
  - {name: Grow by a fifth, folder: Sales}
  - {name: 2026, folder: Sales}
"""


def load(folder, widget):
    path = folder / "acme.yaml"
    path.write_text(REQUIRED + f"  - {widget}\n" + GOALS, encoding="utf-8")
    return params.load(path).dashboard[1]


@pytest.mark.parametrize(
    "widget",
    [
        "{widget: line, kpi: win_rate, grain: quarter, last: 8, title: 2026}",
        "{widget: line, kpi: tasks_completed, grain: day}",
        "{widget: bar, kpi: open_pipeline, by: stage}",
        "{widget: pie, kpi: mrr_closing, by: segment}",
        "{widget: battery}",
        "{widget: battery, kpi: attainment_revenue, by: rep}",
        "{widget: battery, folder: Sales}",
        "{widget: battery, goal: 2026}",
        "{widget: calculation, kpi: revenue, calculation: sum}",
        "{widget: calculation, kpi: open_pipeline, by: rep, calculation: sum}",
        "{widget: calculation, kpi: open_pipeline, calculation: average}",
        "{widget: calculation, kpi: win_rate, calculation: median}",
        "{widget: table, kpi: win_rate, by: rep}",
    ],
)
def test_a_widget_is_read(tmp_path, widget):
    assert load(tmp_path, widget).widget in widget


@pytest.mark.parametrize(
    ("widget", "text"),
    [
        ("{kpi: revenue}", "`dashboard.1.widget` is missing; give tile, line, bar, pie, battery, calcul"),
        ("{widget: lines, kpi: revenue}", "dashboard.1.widget: 'lines' does not fit; write tile, line, ba"),
        ("{widget: line, kpi: revenu}", "dashboard.1.kpi: 'revenu' is no KPI; did you mean `revenue`?"),
        ("{widget: line}", "dashboard.1: a line needs `kpi`, a KPI's id such as revenue"),
        ("{widget: line, kpi: revenue, grian: month}", "unknown key `grian`; did you mean `grain`?"),
        ("{widget: line, kpi: revenue, grain: months}", "dashboard.1.grain: revenue has no grain 'months';"),
        ("{widget: line, kpi: clv, grain: year}", "dashboard.1.grain: clv has no grain 'year'; write month"),
        ("{widget: bar, kpi: clv, by: rep}", "dashboard.1.by: clv has no breakdown 'rep'; write segment"),
        ("{widget: bar, kpi: cmgr_6m, by: rep}", "cmgr_6m has no breakdown 'rep'; leave `by` out"),
        ("{widget: line, kpi: revenue, last: 0}", "dashboard.1.last: '0' does not fit; write a number of"),
        ("{widget: line, kpi: revenue, goal: x}", "dashboard.1: a line has no `goal`; its keys are kpi, "),
        ("{widget: pie, kpi: revenue}", "a pie needs `by`, rep, team, channel or segment: what it is cut"),
        ("{widget: pie, kpi: win_rate, by: rep}", "those of win_rate do not add up to one; take a bar"),
        ("{widget: pie, kpi: growth_effect, by: driver}", "those of growth_effect do not add up to one"),
        ("{widget: battery, kpi: revenue}", "a battery is full at 100 %, and revenue has no such end"),
        ("{widget: battery, goal: a, folder: b}", "a battery shows a `kpi`, a `goal` or a `folder` of goal"),
        (
            "{widget: battery, goal: grow by a fith}",
            "dashboard.1.goal: no goal of `goals` is called 'grow by a fith'; did you mean `Grow by a fi",
        ),
        (
            "{widget: battery, folder: Marketing}",
            "dashboard.1.folder: no folder of `goals` is called 'Marketing'; write Sales",
        ),
        ("{widget: calculation, kpi: revenue}", "a calculation needs `calculation`: sum, average, median"),
        (
            "{widget: calculation, kpi: win_rate, calculation: sum}",
            "the sum of win_rate over periods means nothing, for it is a ratio or the like; take median",
        ),
        (
            "{widget: calculation, kpi: deal_size, by: rep, calculation: average}",
            "the average of deal_size over members means nothing, for it is a ratio or the like",
        ),
        (
            "{widget: calculation, kpi: open_pipeline, calculation: sum}",
            "the sum of open_pipeline over periods means nothing, for it stands at a day",
        ),
        ("{widget: calculation, kpi: revenue, by: rep, calculation: change}", "leave `by` out"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_remedy(tmp_path, widget, text):
    with pytest.raises(ParamsError) as error:
        load(tmp_path, widget)
    assert "acme.yaml:10: " in str(error.value)
    assert text in str(error.value)


def test_a_goal_of_the_dashboard_without_any_goals_is_an_error(tmp_path):
    path = tmp_path / "acme.yaml"
    path.write_text(REQUIRED + "  - {widget: battery, goal: Grow}\n", encoding="utf-8")
    with pytest.raises(ParamsError, match=r"no goal of `goals` is called 'Grow'$"):
        params.load(path)


def test_only_amounts_and_counts_add_up_and_all_that_every_run_sums_do():
    assert {KPIS[kpi].unit for kpi in FLOWS | STOCKS} <= {MONEY, COUNT}
    assert set(SUMMED_IN_EVERY_RUN) <= FLOWS
    assert not FLOWS & STOCKS
    assert adds_up("open_pipeline", "members")
    assert not adds_up("open_pipeline", "periods")
