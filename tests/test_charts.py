"""Charts: what is drawn is what the KPI table says, with its status to be seen."""

import math
from io import BytesIO

import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from analysis import charts
from analysis.charts.style import BAND, GREY, MAIN, OTHERS, PALE, PALETTE, colours
from analysis.display import Note
from kpi_rows import labels, months, row, table


def heights(ax: Axes) -> list[float]:
    return [float(bar.get_height()) for bar in ax.patches]


def legend_texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()] if ax.get_legend() else []


# --- bars -------------------------------------------------------------------------------------------------


def test_bars_are_the_values_in_the_order_of_the_periods_and_start_at_zero():
    kpis = table(*reversed(months("revenue", [100, 300, 200])))
    ax = charts.bars(kpis, labels(), "revenue")
    assert heights(ax) == [100, 300, 200]
    assert ax.get_ylim()[0] == 0
    assert ax.get_title(loc="left") == "Revenue per month"
    assert ax.get_ylabel() == "EUR (€)"
    assert [t.get_text().split("\n")[0] for t in ax.get_xticklabels()] == ["Jan", "Feb", "Mar"]


def test_a_provisional_bar_is_hatched_and_one_of_few_cases_grey_and_the_legend_says_so():
    first, second, third = months("revenue", [1, 2, 3])
    kpis = table(first, second | {"status": "small_n"}, third | {"status": "provisional"})
    ax = charts.bars(kpis, labels(), "revenue")
    assert [bar.get_hatch() for bar in ax.patches] == [None, None, "////"]
    assert [to_hex(bar.get_facecolor()).upper() for bar in ax.patches] == [MAIN.upper(), GREY, "#FFFFFF"]
    assert legend_texts(ax) == ["provisional", "few cases"]


def test_targets_are_lines_across_the_bars_of_their_periods():
    kpis = table(*months("revenue", [1, 2]), row("target_revenue", "2026-02-01", 5))
    ax = charts.bars(kpis, labels(), "revenue", target="target_revenue")
    (line,) = [found for found in ax.collections if isinstance(found, LineCollection)]
    (drawn,) = [segment for segment in line.get_segments() if len(segment)]
    assert drawn[:, 1].tolist() == [5, 5]
    assert drawn[:, 0].mean() == 1
    assert legend_texts(ax) == ["target"]


def test_negative_growth_goes_below_zero():
    ax = charts.bars(table(*months("sales_growth_mom", [0.1, -0.4])), labels(), "sales_growth_mom")
    assert ax.get_ylim()[0] < -0.4
    assert ax.get_title(loc="left") == "Monthly sales growth"


# --- lines ------------------------------------------------------------------------------------------------


def test_a_line_leaves_out_provisional_months_and_shows_gaps():
    one, two, three, four = months("open_rate", [0.1, None, 0.3, 0.4], low=0.05, high=0.45)
    ax = charts.line(table(one, two, three, four | {"status": "provisional"}), labels(), "open_rate")
    trend = [None if math.isnan(y) else y for y in ax.lines[0].get_ydata()]
    assert trend == [0.1, None, 0.3, None]
    hollow = next(line for line in ax.lines if line.get_markerfacecolor() == "white")
    assert [y for y in hollow.get_ydata() if not math.isnan(y)] == [0.4]
    assert ax.get_ylim()[0] == 0
    assert legend_texts(ax) == ["provisional"]


def test_the_interval_is_a_band_from_low_to_high():
    ax = charts.line(table(*months("open_rate", [0.2, 0.3], low=0.15, high=0.4)), labels(), "open_rate")
    ys = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (ys.min(), ys.max()) == (0.15, 0.4)


def test_several_lines_differ_in_dash_and_marker_not_in_colour_alone():
    kpis = table(*months("nrr", [1.0, 1.1]), *months("grr", [0.9, 0.8]))
    ax = charts.line(kpis, labels(), "nrr", "grr")
    trends = [line for line in ax.lines if line.get_linestyle() != "None"]
    assert len({line.get_linestyle() for line in trends}) == 2
    assert legend_texts(ax) == ["Net revenue retention", "Gross revenue retention"]


# --- breakdowns -------------------------------------------------------------------------------------------


def test_a_stack_keeps_the_largest_members_and_adds_the_rest_up():
    whole = row("new_leads", "2026-06-01", 60)
    parts = [row("new_leads", "2026-06-01", n, by="channel", member=f"c{n}") for n in (10, 20, 30)]
    ax = charts.stacked(table(whole, *parts), labels(), "new_leads", by="channel", at_most=1)
    assert legend_texts(ax) == ["c30", OTHERS]
    assert heights(ax) == [30, 30]


def test_a_single_smallest_member_keeps_its_name():
    whole = row("new_leads", "2026-06-01", 50)
    parts = [row("new_leads", "2026-06-01", n, by="channel", member=f"c{n}") for n in (20, 30)]
    ax = charts.stacked(table(whole, *parts), labels(), "new_leads", by="channel", at_most=1)
    assert legend_texts(ax) == ["c20", "c30"]


def test_a_members_colour_does_not_depend_on_the_others_drawn_with_it():
    both = colours(["b", "a", "(unassigned)"])
    assert both == colours(["(unassigned)", "a", "b"])
    assert both["a"] == PALETTE[0]
    assert both["(unassigned)"] not in PALETTE


def test_attainment_stands_by_name_not_by_result_the_whole_company_first():
    kpis = table(
        row("attainment_revenue", "2026-06-01", 0.8),
        row("attainment_revenue", "2026-06-01", 1.5, by="rep", member="r2"),
        row("attainment_revenue", "2026-06-01", 0.4, by="rep", member="r1"),
        row("attainment_revenue", "2026-05-01", 0.9, by="rep", member="r1"),
    )
    ax = charts.attainment(kpis, labels(), "attainment_revenue")
    assert [text.get_text() for text in ax.get_yticklabels()] == ["All", "Ann", "Bob"]
    assert [bar.get_width() for bar in ax.patches] == [0.8, 0.4, 1.5]
    assert ax.get_title(loc="left") == "Revenue against target by salesperson, Jun 2026"
    assert ax.get_xlim()[0] == 0


def test_an_interval_is_drawn_from_low_to_high_and_few_cases_are_grey():
    kpis = table(
        row("win_rate", "2026-06-01", 0.5),
        row("win_rate", "2026-06-01", 0.75, by="rep", member="r1", low=0.3, high=0.95, status="small_n", n=4),
        row("win_rate", "2026-06-01", 0.4, by="rep", member="r2", low=0.2, high=0.6, n=20),
        row("win_rate", "2026-06-01", by="rep", member="r3"),
    )
    ax = charts.intervals(kpis, labels(), "win_rate", by="rep")
    spans = [found.get_segments()[0][:, 0].tolist() for found in ax.collections]
    assert spans == [[0.3, 0.95], [0.2, 0.6]]
    assert [to_hex(found.get_color()[0]).upper() for found in ax.collections] == [GREY, MAIN]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["Ann", "Bob"]


def test_the_companys_own_interval_is_a_band_behind_its_line():
    kpis = table(
        row("win_rate", "2026-06-01", 0.5, low=0.45, high=0.55),
        row("win_rate", "2026-06-01", 0.4, by="rep", member="r2", low=0.2, high=0.6, n=20),
    )
    ax = charts.intervals(kpis, labels(), "win_rate", by="rep")
    (band,) = [p for p in ax.patches if to_hex(p.get_facecolor()).upper() == BAND]
    assert (band.get_x(), band.get_x() + band.get_width()) == (0.45, 0.55)
    assert legend_texts(ax) == ["whole company", "its interval", "value with interval"]


def test_the_rate_as_it_is_simply_counted_is_a_cross_beside_the_interval():
    kpis = table(
        row("win_rate_shrunk", "2026-06-01", 0.45, by="rep", member="r1", low=0.4, high=0.5, n=20),
        row("win_rate_shrunk", "2026-06-01", 0.4, by="rep", member="r2", low=0.3, high=0.5, n=20),
        row("win_rate", "2026-06-01", 0.8, by="rep", member="r2"),
        row("win_rate", "2026-05-01", 0.1, by="rep", member="r1"),
    )
    ax = charts.intervals(kpis, labels(), "win_rate_shrunk", by="rep", plain="win_rate")
    (crosses,) = [line for line in ax.lines if line.get_marker() == "x"]
    assert math.isnan(crosses.get_xdata()[0])
    assert (crosses.get_xdata()[1], crosses.get_ydata()[1]) == (0.8, 1)
    assert ax.get_xlim()[1] > 0.8
    assert "Win rate" in legend_texts(ax)


def test_a_stack_of_stages_stands_in_their_order_and_is_hatched_while_the_period_runs():
    stages = ("prospect", "offer", "contract")
    parts = [row("new_leads", "2026-07-01", 5, by="stage", member=stage) for stage in sorted(stages)]
    whole = row("new_leads", "2026-07-01", 15, status="provisional")
    ax = charts.stacked(table(whole, *parts), labels(stages=stages), "new_leads", by="stage")
    assert legend_texts(ax) == [*stages, "provisional"]
    assert {bar.get_hatch() for bar in ax.patches if bar.get_height()} == {"////"}


def test_of_many_members_those_with_most_cases_are_shown_by_name():
    parts = [row("win_rate", "2026-06-01", 0.5, by="rep", member=f"m{n:02}", n=n) for n in range(1, 19)]
    ax = charts.intervals(table(row("win_rate", "2026-06-01", 0.5), *parts), labels(), "win_rate", by="rep")
    assert [t.get_text() for t in ax.get_yticklabels()] == [f"m{n:02}" for n in range(3, 19)]


def test_groups_stand_side_by_side_per_quarter():
    kpis = table(
        *[
            row("cac", start, value, grain="quarter", by="motion", member=member)
            for start, member, value in [
                ("2026-01-01", "inbound", 1),
                ("2026-01-01", "outbound", 2),
                ("2026-04-01", "inbound", 3),
            ]
        ]
    )
    ax = charts.grouped(kpis, labels(), "cac", by="motion")
    assert sorted((round(bar.get_x() + bar.get_width() / 2, 1), bar.get_height()) for bar in ax.patches) == [
        (-0.2, 1),
        (0.2, 2),
        (0.8, 3),
    ]
    assert legend_texts(ax) == ["inbound", "outbound"]


# --- movements and cohorts --------------------------------------------------------------------------------


def test_a_waterfall_leads_from_opening_to_closing():
    moves = {"opening": 100, "new": 20, "reactivated": 5, "churned": 10, "closing": 115}
    kpis = table(*[row(f"customers_{name}", "2026-06-01", value) for name, value in moves.items()])
    ax = charts.waterfall(kpis, labels(), "customers")
    assert [(bar.get_y(), bar.get_height()) for bar in ax.patches] == [(100, 20), (120, 5), (125, -10)]
    assert [text.get_text() for text in ax.texts] == ["+20", "+5", "−10", "100", "115"]
    assert ax.get_label().endswith("opening 100, new 20, won back 5, lost 10, closing 115.")


def test_cohorts_show_each_age_hatch_the_provisional_and_leave_the_unknown_blank():
    kpis = table(
        row("cohort_retention", "2026-05-01", 1.0, by="age_months", member="0"),
        row("cohort_retention", "2026-05-01", 0.5, by="age_months", member="1", status="provisional"),
        row("cohort_retention", "2026-06-01", 0.8, by="age_months", member="0"),
    )
    ax = charts.cohorts(kpis, labels())
    assert [text.get_text() for text in ax.texts] == ["100%", "80%", "50%"]
    assert [patch.get_hatch() for patch in ax.patches] == ["////"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["May 2026", "Jun 2026"]


def test_a_cohort_of_few_customers_is_grey():
    kpis = table(
        row("cohort_retention", "2026-05-01", 1.0, by="age_months", member="0", status="small_n"),
        row("cohort_retention", "2026-06-01", 0.8, by="age_months", member="0"),
    )
    ax = charts.cohorts(kpis, labels())
    assert [to_hex(patch.get_facecolor()).upper() for patch in ax.patches] == [PALE]
    assert legend_texts(ax) == ["few cases"]


def test_a_waterfall_of_a_running_period_is_hatched():
    moves = {"opening": 100, "new": 20, "reactivated": 5, "churned": 10, "closing": 115}
    kpis = table(*[row(f"customers_{k}", "2026-07-01", v, status="provisional") for k, v in moves.items()])
    ax = charts.waterfall(kpis, labels(), "customers")
    assert {bar.get_hatch() for bar in ax.patches} == {"////"}
    assert legend_texts(ax) == ["provisional"]


def causes(**effects):
    parts = [row("growth_effect", "2026-06-01", v, by="driver", member=m) for m, v in effects.items()]
    whole = row("growth_effect", "2026-06-01", sum(effects.values()))
    return table(*months("revenue", [100, 130], first="2026-05-01"), whole, *parts)


def test_the_causes_lead_from_the_revenue_before_to_this_ones_and_add_up():
    kpis = causes(price=-5, new=50, volume=5, lost=-20)
    ax = charts.effects(kpis, labels())
    assert [(bar.get_y(), bar.get_height()) for bar in ax.patches] == [
        (100, 50),
        (150, -20),
        (130, 5),
        (135, -5),
    ]
    assert [text.get_text() for text in ax.texts] == [
        "+€50.00",
        "−€20.00",
        "+€5.00",
        "−€5.00",
        "€100",
        "€130",
    ]
    names = [text.get_text().replace("\n", " ") for text in ax.get_xticklabels()]
    assert names[1:3] == ["new customers", "lost customers"]
    assert (names[0], names[-1]) == ("May 2026", "Jun 2026")


def test_what_names_no_customer_is_a_cause_only_where_it_is_something():
    for rest, count in ((0, 6), (7, 7)):
        kpis = causes(new=50, lost=-20, volume=0, price=0, **{"(unassigned)": rest})
        assert len(charts.effects(kpis, labels()).get_xticklabels()) == count


def test_without_a_period_before_the_causes_are_a_note():
    kpis = causes(new=50, lost=-20)
    kpis = kpis[~((kpis["kpi"] == "revenue") & (kpis["value"] == 100))]
    assert isinstance(charts.effects(kpis, labels()), Note)


# --- shares by day ----------------------------------------------------------------------------------------


def by_day(start, values, **more):
    return [
        row("lead_conversion_rate", start, value, grain="quarter", by="day", member=str(day), **more)
        for day, value in zip((30, 60, 180), values, strict=True)
    ]


def test_a_curve_has_a_line_per_settled_cohort_and_a_dashed_hollow_one_that_is_still_young():
    kpis = table(
        *by_day("2025-07-01", [0.1, 0.2, 0.3]),
        *by_day("2025-10-01", [0.1, 0.2, 0.3], low=0.05, high=0.4),
        *by_day("2026-01-01", [0.2, 0.3, 0.4]),
        *by_day("2026-04-01", [0.3, None, None], status="provisional"),
    )
    ax = charts.curve(kpis, labels(), "lead_conversion_rate", last=2)
    trends = [line for line in ax.lines if len(line.get_xdata()) > 1 or line.get_linestyle() == "--"]
    assert [list(line.get_ydata()) for line in trends] == [[0.1, 0.2, 0.3], [0.2, 0.3, 0.4], [0.3]]
    assert [line.get_linestyle() for line in trends] == ["-", "-", "--"]
    assert legend_texts(ax) == ["Q4 2025", "Q1 2026", "Q2 2026", "provisional"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["30", "60", "180"]
    spans = [segment[:, 1].tolist() for segment in ax.collections[0].get_segments()]
    assert spans == [[0.05, 0.4]] * 3
    assert ax.get_ylim()[0] == 0


# --- two KPIs of each member ------------------------------------------------------------------------------


def tortoise_and_hare(**of_cid):
    people = {"r1": (20, 0.4), "r2": (60, 0.9), "r3": (40, 0.7)}
    found = [
        row("cycle_days", "2025-01-01", 41, grain="year"),
        row("churn_rate", "2025-01-01", 0.6, grain="year"),
    ]
    for rep, (days, share) in people.items():
        more = {"grain": "year", "by": "rep", "member": rep} | (of_cid if rep == "r3" else {})
        found.append(row("cycle_days", "2025-01-01", days, low=days - 5, high=days + 9, **more))
        found.append(row("churn_rate", "2025-01-01", share, low=share - 0.1, high=share + 0.1, **more))
    return table(*found)


def test_each_person_is_a_point_at_both_values_with_both_intervals_and_the_company_a_cross_hair():
    ax = charts.pairs(tortoise_and_hare(), labels(), "cycle_days", "churn_rate")
    points = [(line.get_xdata()[0], line.get_ydata()[0]) for line in ax.lines if line.get_marker() == "o"]
    assert points == [(20, 0.4), (60, 0.9), (40, 0.7)]
    assert [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == "--"] == [41, 0]
    assert ax.collections[0].get_segments()[0][:, 0].tolist() == [15, 29]
    assert ax.collections[1].get_segments()[0][:, 1].tolist() == [pytest.approx(0.3), 0.5]
    assert sorted(text.get_text() for text in ax.texts) == ["Ann", "Bob", "r3"]


def test_a_person_of_few_cases_is_a_grey_point_without_a_name():
    ax = charts.pairs(tortoise_and_hare(status="small_n"), labels(), "cycle_days", "churn_rate")
    assert sorted(text.get_text() for text in ax.texts) == ["Ann", "Bob"]
    assert "r3" not in ax.get_label()
    assert GREY in [to_hex(line.get_color()).upper() for line in ax.lines]


def test_names_beside_points_that_stand_close_do_not_overlap():
    people = {f"r{i}": f"Somebody of the long name {i}" for i in range(9)}
    found = []
    for i, rep in enumerate(people):
        for kpi, value in (("cycle_days", 30 + i % 3), ("churn_rate", 0.5 + 0.01 * i)):
            found.append(row(kpi, "2025-01-01", value, grain="year", by="rep", member=rep))
    ax = charts.pairs(table(*found), labels(people=people), "cycle_days", "churn_rate")
    ax.get_figure().draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in ax.texts]  # without the line that leads there
    assert len(boxes) == 9
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


# --- what every chart keeps to ----------------------------------------------------------------------------


def every_chart(kpis, given, ax=None):
    return [
        charts.bars(kpis, given, "revenue", ax=ax),
        charts.line(kpis, given, "open_rate", ax=ax),
        charts.stacked(kpis, given, "new_leads", by="channel", ax=ax),
        charts.attainment(kpis, given, "attainment_revenue", ax=ax),
        charts.intervals(kpis, given, "win_rate", by="rep", ax=ax),
        charts.grouped(kpis, given, "cac", by="motion", ax=ax),
        charts.waterfall(kpis, given, "mrr", ax=ax),
        charts.cohorts(kpis, given, ax=ax),
        charts.curve(kpis, given, "won_by_day", ax=ax),
        charts.pairs(kpis, given, "cycle_days", "retention_12m_by_rep", ax=ax),
        charts.effects(kpis, given, ax=ax),
    ]


def test_a_long_legend_stands_in_lines_and_leaves_the_chart_its_width():
    ids = ("lead_opportunity_ratio", "lead_conversion_90d", "open_rate_adjusted", "lead_conversion_rate")
    kpis = table(*[found for kpi in ids for found in months(kpi, [0.1, 0.2])])
    ax = charts.line(kpis, labels(), *ids)
    ax.get_figure().draw_without_rendering()
    assert ax.get_window_extent().width > 0.85 * ax.get_figure().bbox.width
    assert ax.get_title(loc="left") == "Lead-opportunity ratio and what goes with it per month"


def test_without_a_value_every_chart_is_a_note():
    kpis = table(row("open_rate", "2026-06-01", reason="missing_table"))
    assert all(isinstance(drawn, Note) for drawn in every_chart(kpis, labels()))


def test_show_displays_each_part_once_and_of_notes_with_one_cause_the_first(monkeypatch):
    seen = []
    monkeypatch.setattr("analysis.charts.style.display", seen.append)
    notes = [Note("no leads", "leads"), Note("no leads either", "leads"), Note("else"), Note("else")]
    ax = charts.bars(full_table(), labels(), "revenue")
    assert charts.show(ax, *notes) is None
    assert [type(part).__name__ for part in seen] == ["Picture", "Note", "Note"]
    assert [repr(part) for part in seen[1:]] == ["no leads", "else"]


def full_table():
    steps = ("opening", "new", "reactivated", "expansion", "contraction", "churned", "closing")
    return table(
        *months("revenue", [1, 2]),
        *months("open_rate", [0.1, 0.2], low=0.05, high=0.3),
        row("new_leads", "2026-06-01", 3),
        row("new_leads", "2026-06-01", 3, by="channel", member="web"),
        row("attainment_revenue", "2026-06-01", 0.5, by="rep", member="r1"),
        row("win_rate", "2026-06-01", 0.5, by="rep", member="r1", low=0.2, high=0.8, n=9),
        row("cac", "2026-04-01", 10, grain="quarter", by="motion", member="inbound"),
        *[row(f"mrr_{step}", "2026-06-01", 10) for step in steps],
        row("cohort_retention", "2026-05-01", 1.0, by="age_months", member="0"),
        row("won_by_day", "2026-01-01", 0.3, grain="quarter", by="day", member="30"),
        row("cycle_days", "2025-01-01", 30, grain="year", by="rep", member="r1"),
        row("retention_12m_by_rep", "2025-01-01", 0.7, grain="year", by="rep", member="r1"),
        row("growth_effect", "2026-02-01", 1),
        row("growth_effect", "2026-02-01", 1, by="driver", member="new"),
    )


def test_every_chart_draws_on_the_axes_it_is_given():
    for i in range(len(every_chart(full_table(), labels()))):
        ax = Figure().add_subplot()
        assert every_chart(full_table(), labels(), ax)[i] is ax


def test_every_chart_has_a_title_a_unit_and_an_alternative_text_that_holds_the_figures():
    for ax in every_chart(full_table(), labels()):
        assert ax.get_title(loc="left")
        assert ax.get_xlabel() or ax.get_ylabel()
        assert ax.get_label().startswith(
            ("Bar", "Line", "Stacked", "Interval", "Grouped", "Waterfall", "Heat", "Scatter")
        )


def test_no_chart_changes_the_table_it_draws():
    kpis = full_table()
    before = kpis.copy()
    every_chart(kpis, labels())
    assert kpis.equals(before)


def test_a_picture_is_one_png_at_twice_its_size_with_its_alternative_text_and_the_same_each_time():
    drawn = [charts.picture(charts.bars(full_table(), labels(), "revenue")) for _ in range(2)]
    bundle, metadata = drawn[0]._repr_mimebundle_()
    assert set(bundle) == {"image/png", "text/plain"}
    assert metadata["image/png"] == {"alt": bundle["text/plain"], "width": 800}
    assert drawn[0].png() == drawn[1].png()
    with Image.open(BytesIO(drawn[0].png())) as image:
        assert image.width == 1600


def test_drawing_leaves_no_figure_behind_in_pyplot():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    every_chart(full_table(), labels())
    assert pyplot.get_fignums() == []
