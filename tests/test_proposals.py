"""Goals proposed from history: percentiles of complete periods, as YAML that the params file takes."""

import re
from datetime import date
from pathlib import Path

import pytest

from analysis import params
from analysis.company import Company
from analysis.errors import GoalError
from analysis.glossary import KPIS
from analysis.goals import standings
from analysis.kpi_table import kpi_table
from analysis.proposals import history, next_period, propose
from companies import make_company, write_company
from test_params import REQUIRED

# won in the months from October 2025 on: 10, 30, 0, 20, 50, and 1000 in the running one
MONTHS = {"2025-10": [10], "2025-11": [10, 20], "2026-01": [20], "2026-02": [50], "2026-03": [1000]}


def deals(months: dict[str, list[int]] = MONTHS, rep: str = "R1") -> str:
    lines = ["opportunity_id,outcome,created_at,closed_at,amount,rep_id"]
    for month, amounts in months.items():
        lines += [f"{rep}{month}{i},won,{month}-01,{month}-02,{a},{rep}" for i, a in enumerate(amounts)]
    return "\n".join(lines)


def company(folder: Path, tables: dict[str, str] | None = None, **given) -> Company:
    return make_company(folder, tables or {"opportunities": deals()}, **{"as_of": "2026-03-15"} | given)


def proposed(client: Company, kpi: str = "revenue", grain: str = "month", by: str = "") -> list[dict]:
    """The goals that the printed YAML says, as the params file reads them."""
    text = propose(client, kpi_table(client, [KPIS[kpi].family]), kpi, grain, by)
    path = client.params.path.parent / "acme.yaml"
    path.write_text(REQUIRED + text, encoding="utf-8")
    return [goal.model_dump(exclude_none=True, exclude_defaults=True) for goal in params.load(path).goals]


def test_usual_is_the_median_and_ambitious_the_upper_quartile_of_the_complete_periods(tmp_path):
    (goal,) = proposed(company(tmp_path))
    # 0, 10, 20, 30, 50: the running month is left out
    assert goal == {
        "name": "Revenue, Apr 2026",
        "start_on": date(2026, 4, 1),
        "due_on": date(2026, 4, 30),
        "targets": [
            {"name": "as usual", "type": "kpi", "kpi": "revenue", "grain": "month", "end": 20},
            {"name": "ambitious", "type": "kpi", "kpi": "revenue", "grain": "month", "end": 30},
        ],
    }


def test_between_two_values_a_percentile_is_interpolated_linearly(tmp_path):
    (goal,) = proposed(company(tmp_path, as_of="2026-02-15"))
    # 0, 10, 20, 30: 15 is half way, 22.5 a quarter of the way from 20 to 30
    assert [target["end"] for target in goal["targets"]] == [15, 22.5]


def test_where_less_is_better_the_lower_quartile_is_ambitious_and_the_way_begins_above(tmp_path):
    rows = ["opportunity_id,outcome,created_at,closed_at,amount"]
    for month, lost in enumerate([4, 8, 6, 2, 7], start=10):
        day = f"{2025 + (month - 1) // 12}-{(month - 1) % 12 + 1:02}-02"
        rows += [f"{month}-{i},lost,{day},{day},1" for i in range(lost)]
    (goal,) = proposed(company(tmp_path, {"opportunities": "\n".join(rows)}), "lost_deals")
    usual, ambitious = goal["targets"]
    assert (usual["start"], usual["end"]) == (7, 6)
    assert (ambitious["start"], ambitious["end"]) == (7, 4)


def test_a_goal_that_is_pasted_is_measured(tmp_path):
    client = company(tmp_path)
    goals = [{**goal, "start_on": "2026-03-01"} for goal in proposed(client)]
    goals = [{**goal, "due_on": "2026-03-31"} for goal in goals]
    client = company(tmp_path / "then", goals=goals)
    found = standings(client, kpi_table(client))
    assert found["progress"].tolist() == [1, 50, 1000 / 30]


def test_each_salesperson_has_a_goal_of_their_own_history(tmp_path):
    other = deals({"2025-12": [5], "2026-02": [7]}, "R2")
    short = deals({"2026-01": [5], "2026-02": [7]}, "R3")
    left = deals(MONTHS, "R4")
    rows = "\n".join([deals(), *(line for text in (other, short, left) for line in text.splitlines()[1:])])
    reps = "rep_id,name,started_on,ended_on\nR1,Ann: <b>,,\nR2,Bob,,\nR3,Cid,,\nR4,Dan,,2026-03-15"
    tables = {"opportunities": rows, "reps": reps}
    client = company(tmp_path, tables)
    ann = proposed(client, by="rep")
    assert [goal["owner"] for goal in ann] == ["R1"]
    assert ann[0]["name"] == "Revenue, Apr 2026: Ann: <b>"
    assert ann[0]["targets"][0]["member"] == "R1"
    text = propose(client, kpi_table(client), "revenue", by="rep")
    assert "# left out for want of 4 complete periods, by rep: R2, R3\n" in text
    # Bob's months without a sale count as 0 once he has begun
    bob = history(kpi_table(client), KPIS["revenue"], "month", "rep")["R2"]
    assert bob.tolist() == [5, 0, 7]


@pytest.mark.parametrize(
    ("grain", "as_of", "start", "fiscal", "first", "last"),
    [
        ("month", "2026-03-31", 1, 1, date(2026, 4, 1), date(2026, 4, 30)),
        ("month", "2026-12-01", 1, 1, date(2027, 1, 1), date(2027, 1, 31)),
        ("quarter", "2026-03-31", 1, 2, date(2026, 5, 1), date(2026, 7, 31)),
        ("year", "2026-03-31", 1, 4, date(2026, 4, 1), date(2027, 3, 31)),
        ("year", "2026-04-01", 1, 4, date(2027, 4, 1), date(2028, 3, 31)),
        ("week", "2026-03-15", 1, 1, date(2026, 3, 16), date(2026, 3, 22)),
        ("week", "2026-03-16", 1, 1, date(2026, 3, 23), date(2026, 3, 29)),
        ("day", "2026-02-28", 1, 1, date(2026, 3, 1), date(2026, 3, 1)),
    ],
)
def test_the_goal_is_for_the_period_after_the_running_one(tmp_path, grain, as_of, start, fiscal, first, last):
    found = next_period(company(tmp_path, as_of=as_of, fiscal_year_start=fiscal), grain)
    assert (found.start, found.last_day) == (first, last)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("revenu",), "no KPI `revenu`; did you mean `revenue`?"),
        (("xyz",), "no KPI `xyz`; docs/kpis.md lists them"),
        (("goal_progress",), "no KPI `goal_progress`"),
        (("revenue", "months"), "revenue has no grain `months`; did you mean `month`?"),
        (("clv", "year"), "clv has no grain `year`; it has month"),
        (("revenue", "month", "reps"), "revenue has no breakdown `reps`; did you mean `rep`?"),
        (("lead_conversion_rate", "month", "xyz"), "lead_conversion_rate has no breakdown `xyz`; it has rep"),
        (
            ("revenue", "quarter"),
            "revenue has a value in 1 complete periods by quarter; a goal from history needs 4: try a "
            "shorter grain, or a longer history_months in the params file",
        ),
        (("churn_rate",), "churn_rate has no value, because the company has no such table"),
        (("revenue", "quarter", "rep"), "revenue of any rep has a value in 1 complete periods by quarter; "),
    ],
)
def test_what_cannot_be_proposed_is_told(tmp_path, asked, told):
    client = company(tmp_path)
    with pytest.raises(GoalError, match=f"^{re.escape(told)}"):
        propose(client, kpi_table(client), *asked)


def test_every_kpi_s_proposal_can_be_pasted(tmp_path):
    """A good way up, down or neither; a rate or a sum: the params file takes it."""
    months = {f"{2024 + m // 12}-{m % 12 + 1:02}": [m + 1, (m * 7) % 11 + 1] for m in range(26)}
    lost = deals({m: [3] for i, m in enumerate(months) if i % 3}, "L").replace(",won,", ",lost,")
    tables = {"opportunities": "\n".join([deals(months), *lost.splitlines()[1:]])}
    client = company(tmp_path, tables)
    kpis = kpi_table(client)
    tried = set()
    for kpi, spec in KPIS.items():
        if len(history(kpis, spec, "month")[""]) >= 4 and kpi != "goal_progress":
            tried.add(spec.direction)
            before = set(history(kpis, spec, "month")[""])
            if before == {0} or (len(before) == 1 and spec.direction != "up"):
                with pytest.raises(GoalError, match="there is no way to go"):
                    proposed(client, kpi)
                continue
            (goal,) = proposed(client, kpi)
            assert 1 <= len(goal["targets"]) <= (3 if spec.direction == "none" else 2), kpi
            assert all(t.get("start", 0) != t["end"] for t in goal["targets"]), kpi
            assert all("start" in t for t in goal["targets"]) or spec.direction == "up", kpi
    assert tried == {"up", "down", "none"}


def test_the_command_prints_it(tmp_path):
    from typer.testing import CliRunner

    from analysis.cli import app

    folder = write_company(tmp_path, {"opportunities": deals()}, as_of="2026-03-15")
    asked = ["propose", "tiny", "revenue", "--params", str(folder)]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("# Revenue: up to 5 complete periods by month, from 2025-10-01 on\n")
    assert "goals:\n  - name: Revenue, Apr 2026\n    start_on: 2026-04-01\n" in result.output
    assert isinstance(CliRunner().invoke(app, [*asked, "--grain", "yr"]).exception, GoalError)


def test_what_cannot_be_computed_is_told_by_what_it_lacks(tmp_path):
    client = make_company(tmp_path, {"opportunities": "opportunity_id,outcome\n1,open"})
    with pytest.raises(GoalError) as error:
        proposed(client, "new_leads")
    assert str(error.value) == "new_leads has no value, because the company has no such table; it needs leads"
