"""Tables for display: the figures of the KPI table in the company's locale, every mark explained."""

from html.parser import HTMLParser

import pandas as pd
import pytest

from analysis.display import Note, Row, Table
from analysis.glossary import KPIS
from analysis.kpi_table import kpi_table
from analysis.labels import Labels
from analysis.tables import (
    breakdown,
    comparison,
    crosstab,
    definition,
    fold,
    headline,
    numbers,
    response,
    running,
    waiting,
    waiting_list,
)
from analysis.views import finest, latest, missing, rows
from companies import make_company
from kpi_rows import labels, months, row, table


def cells(shown: Table | Note) -> list[tuple[str, ...]]:
    assert isinstance(shown, Table), shown
    return [line.cells for line in shown.body]


# --- labels -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locale", "number", "unit", "text"),
    [
        ("en_US", 1234567.891, "EUR", "€1,234,568"),
        ("pl_PL", 1234567.891, "PLN", "1\xa0234\xa0568\xa0zł"),
        ("pl_PL", 12.5, "PLN", "12,50\xa0zł"),
        ("de_DE", 0.3214, "ratio", "32,1\xa0%"),
        ("pl_PL", 0.3214, "ratio", "32,1%"),
        ("en_US", 1200, "count", "1,200"),
        ("en_US", 2.5, "count", "2.5"),
        ("pl_PL", 41.25, "days", "41,2 days"),
        ("en_US", float("nan"), "EUR", "–"),
        ("en_US", None, "ratio", "–"),
    ],
)
def test_a_value_is_written_as_the_locale_writes_it(locale, number, unit, text):
    assert labels(locale=locale).value(number, unit) == text


def test_a_ratio_of_two_amounts_is_read_as_times_and_a_share_as_per_cent():
    assert labels().value(3, "ratio", "quick_ratio") == "3.0"
    assert labels().value(3, "ratio", "nrr") == "300.0%"


@pytest.mark.parametrize(
    ("now", "before", "unit", "text"),
    [
        (0.30, 0.25, "ratio", "+5.0 pp"),
        (12, 14.5, "days", "-2.5 days"),
        (110, 100, "EUR", "+10.0%"),
        (90, 100, "count", "-10.0%"),
        (90, 0, "count", "–"),
        (90, float("nan"), "count", "–"),
    ],
)
def test_a_change_is_in_points_for_shares_in_days_for_days_and_else_in_per_cent(now, before, unit, text):
    assert labels().change(now, before, unit) == text


@pytest.mark.parametrize(
    ("start", "grain", "text"),
    [
        ("2026-06-01", "month", "Jun 2026"),
        ("2026-04-01", "quarter", "Q2 2026"),
        ("2026-01-01", "year", "2026"),
        ("2025-11-01", "quarter", "Nov 2025 – Jan 2026"),
        ("2025-04-01", "year", "Apr 2025 – Mar 2026"),
    ],
)
def test_a_fiscal_period_off_the_calendar_is_named_by_its_first_and_last_month(start, grain, text):
    assert labels().period(row("revenue", start)["period_start"], grain) == text


def test_a_period_is_complete_at_the_end_of_its_last_day_and_not_a_day_before():
    end = row("revenue", "2026-06-01")["period_end"]
    assert labels().is_complete(end)
    assert not labels(as_of=labels().as_of.replace(day=29)).is_complete(end)


def test_people_are_shown_by_name_and_a_row_without_owner_as_not_assigned():
    assert [labels().member("rep", m) for m in ("r1", "gone", "(unassigned)", "")] == [
        "Ann",
        "gone",
        "not assigned",
        "All",
    ]


def test_a_difference_of_shares_is_in_points_with_its_sign():
    given = labels()
    assert given.value(0.0512, "ratio", "open_rate_lift") == "+5.1 pp"
    assert given.interval(-0.01, 0.05, "ratio", "open_rate_lift") == "-1.0 pp – +5.0 pp"
    assert given.tick(0, "ratio", "open_rate_lift") == "0"
    assert given.unit("ratio", "open_rate_lift") == "percentage points"


def test_days_stages_and_causes_have_their_own_order_and_words():
    given = labels(stages=("offer", "contract"))
    in_order = [
        sorted(names, key=lambda name, by=by: given.order(by, name))
        for by, names in {
            "day": ["180", "30", "90"],
            "stage": ["(unassigned)", "contract", "other", "offer"],
            "driver": ["(unassigned)", "price", "volume", "lost", "new"],
        }.items()
    ]
    assert in_order == [
        ["30", "90", "180"],
        ["offer", "contract", "other", "(unassigned)"],
        ["new", "lost", "volume", "price", "(unassigned)"],
    ]
    assert given.member("day", "30") == "by day 30"
    assert given.member("driver", "(unassigned)") == "no customer named"
    assert (given.by("Won by day", "day"), given.by("Revenue", "rep")) == (
        "Won by day",
        "Revenue by salesperson",
    )


# --- slices -----------------------------------------------------------------------------------------------


def test_a_slice_is_rows_of_the_kpi_table_unchanged_in_the_order_of_period_and_member():
    kpis = table(
        row("cohort_retention", "2026-02-01", 0.9, by="age_months", member="10"),
        row("cohort_retention", "2026-02-01", 0.8, by="age_months", member="2"),
        row("cohort_retention", "2026-01-01", 0.7, by="age_months", member="(unassigned)"),
        row("cohort_retention", "2026-01-01", 0.6, by="age_months", member="0"),
        row("cohort_retention", "2026-01-01", 0.5),
    )
    found = rows(kpis, "cohort_retention", by="age_months")
    assert found["member"].tolist() == ["0", "(unassigned)", "2", "10"]
    assert found.columns.tolist() == kpis.columns.tolist()
    assert rows(kpis, "cohort_retention", by="age_months", last=1)["member"].tolist() == ["2", "10"]


def test_the_latest_period_passes_over_running_months_and_young_cohorts():
    kpis = table(
        row("lead_conversion_90d", "2026-04-01", 0.2),
        row("lead_conversion_90d", "2026-05-01", 0.1, status="provisional"),
        row("lead_conversion_90d", "2026-06-01", reason="none_eligible"),
        row("lead_conversion_90d", "2026-07-01", 0.3),
    )
    assert str(latest(kpis, labels(), "lead_conversion_90d").date()) == "2026-04-01"


def test_without_a_settled_period_the_latest_with_a_value_is_shown():
    kpis = table(
        row("lead_conversion_rate", "2026-05-01", 0.2, status="provisional"),
        row("lead_conversion_rate", "2026-06-01", reason="none_eligible"),
    )
    assert str(latest(kpis, labels(), "lead_conversion_rate").date()) == "2026-05-01"


def test_a_kpi_with_targets_by_quarter_only_is_finest_at_the_quarter():
    kpis = table(
        row("attainment_units", "2026-04-01", reason="no_target"),
        row("attainment_units", "2026-04-01", 0.9, grain="quarter"),
        row("attainment_units", "2026-01-01", 0.8, grain="year"),
    )
    assert finest(kpis, "attainment_units") == "quarter"


# --- what is missing --------------------------------------------------------------------------------------


def test_a_missing_table_is_told_in_one_sentence_with_what_to_do():
    kpis = table(row("open_rate", "2026-06-01", reason="missing_table"))
    note = missing(kpis, labels(absent=frozenset({"emails"})), ["open_rate"])
    assert repr(note) == (
        "This company has no table `emails`, so “E-mail open rate” cannot be computed; "
        "add it under source.tables in the params file."
    )


def test_a_missing_column_names_the_column():
    kpis = table(row("open_rate_adjusted", "2026-06-01", reason="missing_column"))
    note = missing(kpis, labels(absent=frozenset({"emails.machine_open"})), ["open_rate_adjusted"])
    assert "table `emails` has no column `machine_open`" in repr(note)


def test_a_kpi_without_needs_of_its_own_names_the_table_its_family_rests_on():
    kpis = table(row("churn_rate", "2026-06-01", reason="missing_table"))
    given = labels(absent=frozenset({"subscriptions"}), basis={"customers": "subscriptions"})
    assert "no table `subscriptions`" in repr(missing(kpis, given, ["churn_rate"]))


def test_any_other_reason_is_told_in_the_glossarys_words():
    kpis = table(*months("attainment_revenue", [None, None], reason="no_target"))
    note = missing(kpis, labels(), ["attainment_revenue"])
    assert repr(note) == "“Revenue against target” has no value in any month: no target is set."


def test_the_note_is_returned_by_every_table_in_its_place():
    kpis = table(row("open_rate", "2026-06-01", reason="missing_table"))
    given = labels(absent=frozenset({"emails"}))
    for shown in (
        numbers(kpis, given, "open_rate"),
        breakdown(kpis, given, "open_rate", by="campaign"),
        crosstab(kpis, given, "open_rate", by="campaign"),
    ):
        assert isinstance(shown, Note)
        assert "<code>emails</code>" in shown._repr_html_()


# --- headline ---------------------------------------------------------------------------------------------


def test_the_headline_shows_the_latest_complete_period_the_one_before_and_the_step():
    kpis = table(
        *months("revenue", [70, 100, 200, 150], first="2026-04-01"),
        row("churn_rate", "2026-05-01", 0.02, low=0.010, high=0.03),
        row("churn_rate", "2026-06-01", 0.05, low=0.035, high=0.07),
    )
    assert cells(headline(kpis, labels(), "revenue", "churn_rate")) == [
        ("Revenue", "Jun 2026", "€200", "€100", "+100.0%", "better"),
        ("Customer churn", "Jun 2026", "5.0%", "2.0%", "+3.0 pp", "worse"),
    ]


def test_a_step_within_the_intervals_is_no_clear_change_and_the_note_says_why():
    kpis = table(
        row("churn_rate", "2026-05-01", 0.02, low=0.01, high=0.04),
        row("churn_rate", "2026-06-01", 0.05, low=0.03, high=0.07),
    )
    shown = headline(kpis, labels(), "churn_rate")
    assert cells(shown)[0][-1] == "no clear change"
    assert shown.notes[0].startswith("no clear change: the 95 % intervals")


def test_a_kpi_that_is_neither_good_nor_bad_is_higher_or_lower():
    kpis = table(*months("cycle_days", [30, 28], first="2026-05-01"))
    assert cells(headline(kpis, labels(), "cycle_days"))[0][-2:] == ("-2.0 days", "lower")


def test_few_cases_no_target_and_a_missing_table_are_said_in_words():
    kpis = table(
        row("win_rate", "2026-05-01", 0.5),
        row("win_rate", "2026-06-01", 0.9, status="small_n"),
        *months("attainment_revenue", [0.9, None], first="2026-05-01", reason="no_target"),
        row("cac", "2026-06-01", reason="missing_table"),
    )
    shown = headline(kpis, labels(absent=frozenset({"costs"})), "win_rate", "attainment_revenue", "cac")
    assert [line[-1] for line in cells(shown)] == ["few cases", "no target"]
    assert shown.notes[-1] == "Left out for want of the table costs: customer acquisition cost"


def test_a_headline_without_any_data_is_a_note():
    kpis = table(row("cac", "2026-06-01", reason="missing_table"))
    assert isinstance(headline(kpis, labels(absent=frozenset({"costs"})), "cac"), Note)


def test_growth_is_read_by_its_own_sign():
    kpis = table(*months("sales_growth_mom", [0.4, 0.1, -0.1], first="2026-04-01"))
    assert cells(headline(kpis, labels(), "sales_growth_mom"))[0][-1] == "shrinking"


def test_a_period_without_any_case_is_passed_over_now_and_before():
    kpis = table(*months("open_rate", [0.3, None, 0.4, None], first="2026-03-01"))
    assert cells(headline(kpis, labels(), "open_rate"))[0][1:5] == ("May 2026", "40.0%", "30.0%", "+10.0 pp")


def test_a_column_whose_table_is_missing_is_left_out_and_named_below():
    kpis = table(
        row("revenue", "2026-06-01", 60), row("target_revenue", "2026-06-01", reason="missing_table")
    )
    shown = numbers(kpis, labels(absent=frozenset({"targets"})), "revenue", "target_revenue")
    assert shown.head == ("Month", "Revenue")
    assert shown.notes == ("Left out for want of the table targets: revenue target",)


def test_a_breakdown_in_which_nobody_is_named_is_a_note():
    kpis = table(
        row("revenue", "2026-06-01", 60), row("revenue", "2026-06-01", 60, by="rep", member="(unassigned)")
    )
    shown = breakdown(kpis, labels(), "revenue", by="rep")
    assert repr(shown) == "“Revenue” cannot be told by salesperson: the data name none."


def test_a_running_period_is_said_to_run():
    kpis = table(
        row("revenue", "2026-04-01", 9, by="rep", member="r1", grain="quarter"),
        row("revenue", "2026-07-01", 1, by="rep", member="r1", grain="quarter", status="provisional"),
    )
    assert breakdown(kpis, labels(), "revenue", by="rep", grain="quarter").caption.endswith("Q2 2026")
    shown = breakdown(kpis, labels(), "revenue", by="rep", grain="quarter", running=True)
    assert shown.caption.endswith("Q3 2026 so far")


def test_accented_letters_sort_after_plain_ones_and_brackets_last():
    given = labels(people={"1": "Zofia", "2": "Świt", "3": "Szymon", "4": "Łucja", "5": "Lena"})
    found = sorted(["(unassigned)", "1", "2", "3", "4", "5"], key=lambda m: given.order("rep", m))
    assert [given.member("rep", m) for m in found] == [
        "Lena",
        "Łucja",
        "Szymon",
        "Świt",
        "Zofia",
        "not assigned",
    ]


def test_the_headline_falls_back_to_the_grain_that_has_values():
    kpis = table(
        row("attainment_units", "2026-06-01", reason="no_target"),
        row("attainment_units", "2026-01-01", 0.8, grain="quarter"),
        row("attainment_units", "2026-04-01", 0.9, grain="quarter"),
    )
    assert cells(headline(kpis, labels(), "attainment_units"))[0][1:4] == ("Q2 2026", "90.0%", "80.0%")


# --- numbers ----------------------------------------------------------------------------------------------


def test_one_kpi_is_shown_with_what_it_is_made_of():
    kpis = table(
        row(
            "win_rate",
            "2026-05-01",
            0.75,
            numerator=3,
            denominator=4,
            n=4,
            low=0.301,
            high=0.954,
            status="small_n",
        ),
        row("win_rate", "2026-06-01", numerator=0, denominator=0, n=0),
    )
    shown = numbers(kpis, labels(), "win_rate")
    assert shown.head == ("Month", "Win rate", "Numerator", "Denominator", "95 % interval", "Status")
    assert cells(shown) == [
        ("May 2026", "75.0%", "3", "4", "30.1% – 95.4%", "few cases"),
        ("Jun 2026", "–", "0", "0", "–", "no cases"),
    ]
    assert shown.notes == ("few cases (grey): fewer cases than this company ranks on",)


def test_several_kpis_stand_side_by_side_and_marks_are_explained():
    kpis = table(
        *months("won_deals", [3, 4], first="2026-05-01"),
        row("win_rate", "2026-05-01", 0.5, status="small_n"),
        row("win_rate", "2026-06-01", 0.6, status="provisional"),
    )
    shown = numbers(kpis, labels(), "won_deals", "win_rate")
    assert cells(shown) == [("May 2026", "3", "50.0%°"), ("Jun 2026", "4", "60.0%*")]
    assert [note.split(":")[0] for note in shown.notes] == ["* (hatched)", "° (grey)"]


def test_only_the_last_periods_are_shown():
    kpis = table(*months("revenue", [1, 2, 3]))
    assert [line[0] for line in cells(numbers(kpis, labels(), "revenue", last=2))] == ["Feb 2026", "Mar 2026"]


def test_a_breakdown_lists_members_by_name_the_unassigned_after_them_and_the_whole_last():
    kpis = table(
        row("revenue", "2026-06-01", 60),
        row("revenue", "2026-06-01", 10, by="rep", member="(unassigned)"),
        row("revenue", "2026-06-01", 20, by="rep", member="r2"),
        row("revenue", "2026-06-01", 30, by="rep", member="r1"),
        row("target_revenue", "2026-06-01", 50, by="rep", member="r1"),
    )
    shown = breakdown(kpis, labels(), "revenue", "target_revenue", by="rep")
    assert shown.caption == "Revenue, revenue target by salesperson, Jun 2026"
    assert cells(shown) == [
        ("Ann", "€30.00", "€50.00"),
        ("Bob", "€20.00", "–"),
        ("not assigned", "€10.00", "–"),
        ("All", "€60.00", "–"),
    ]


def test_a_crosstab_has_a_row_per_period_and_a_column_per_member():
    kpis = table(
        *months("new_leads", [5, 7], first="2026-05-01"),
        *months("new_leads", [2, 3], first="2026-05-01", by="motion", member="outbound"),
        row("new_leads", "2026-06-01", 4, by="motion", member="inbound"),
    )
    shown = crosstab(kpis, labels(), "new_leads", by="motion")
    assert shown.head == ("Month", "inbound", "outbound", "All")
    assert cells(shown) == [("May 2026", "–", "2", "5"), ("Jun 2026", "4", "3", "7")]


# --- single members against the team ----------------------------------------------------------------------


def test_a_person_is_above_or_below_the_team_only_where_the_intervals_do_not_overlap():
    spans = {"r1": (0.6, 0.55, 0.65), "r2": (0.42, 0.3, 0.5), "r3": (0.2, 0.1, 0.3)}
    whole = {"low": 0.4, "high": 0.5, "n": 200}
    kpis = table(
        row("win_rate_amount", "2026-06-01", 0.45, **whole),
        row("win_rate", "2026-06-01", 0.44),
        *[
            row("win_rate_amount", "2026-06-01", value, by="rep", member=rep, low=low, high=high, n=20)
            for rep, (value, low, high) in spans.items()
        ],
        row(
            "win_rate_amount", "2026-06-01", 1, by="rep", member="r4", low=0.9, high=1, n=2, status="small_n"
        ),
        row("win_rate", "2026-06-01", 0.7, by="rep", member="r1"),
    )
    shown = comparison(kpis, labels(), "win_rate_amount", "win_rate")
    assert [(line[0], line[1], line[-1]) for line in cells(shown)] == [
        ("Ann", "70.0%", "above the team"),
        ("Bob", "–", "cannot be told apart from the team"),
        ("r3", "–", "below the team"),
        ("r4", "–", "few cases, not compared"),
        ("All", "44.0%", ""),
    ]
    assert shown.notes[0].startswith("cannot be told apart: the 95 % intervals")


def test_leads_that_wait_are_a_list_the_oldest_first_with_their_number():
    leads = pd.DataFrame(
        {
            "lead_id": ["a", "b", "c"],
            "created_at": pd.to_datetime(["2026-05-01", "2026-06-01", "2026-06-29"]),
            "days_waiting": [60, 29, 1],
            "channel": ["web", None, "web"],
            "rep": ["r1", "r1", None],
        }
    )
    shown = waiting_list(leads, labels(), first=2)
    assert shown.caption == "The oldest of 3 unworked leads on Jun 30, 2026, the oldest first"
    assert cells(shown) == [
        ("a", "May 1, 2026", "60", "web", "Ann"),
        ("b", "Jun 1, 2026", "29", "not assigned", "Ann"),
    ]
    assert len(cells(waiting_list(leads, labels(), first=0))) == 3
    assert repr(waiting_list(leads.head(0), labels())) == "No lead waits to be worked on Jun 30, 2026."


def test_hours_to_the_first_contact_stand_beside_what_the_contacted_leads_alone_would_give(tmp_path):
    leads = """lead_id,created_at,first_contact_at
        1,2026-01-10 08:00,2026-01-10 10:00
        2,2026-01-10 08:00,2026-01-10 18:00
        3,2026-01-10 08:00,
        4,2026-01-10 08:00,"""
    client = make_company(tmp_path, {"leads": leads}, as_of="2026-01-31")
    shown = response(client, kpi_table(client, ["leads"]), Labels.of(client), grain="month")
    assert cells(shown) == [("Jan 2026", "4", "2", "10.0 hours", "6.0 hours", "50.0%")]
    assert [line[:3] for line in cells(waiting(client, kpi_table(client, ["leads"]), Labels.of(client)))] == [
        ("3", "Jan 10, 2026", "21"),
        ("4", "Jan 10, 2026", "21"),
    ]


def test_without_leads_what_waits_is_one_sentence(tmp_path):
    client = make_company(tmp_path, {"orders": "order_id,ordered_at,amount\n1,2026-03-02,5"})
    kpis, given = kpi_table(client, ["leads"]), Labels.of(client)
    assert "no table `leads`" in repr(response(client, kpis, given))
    assert "no table `leads`" in repr(waiting(client, kpis, given))


# --- the running periods ----------------------------------------------------------------------------------


def test_the_month_quarter_and_year_of_the_day_stand_side_by_side_and_what_runs_is_marked():
    kpis = table(
        row("revenue", "2026-05-01", 5),
        row("revenue", "2026-06-01", 10),
        row("revenue", "2026-04-01", 30, grain="quarter"),
        row("revenue", "2026-01-01", 60, grain="year", status="provisional"),
        row("attainment_revenue", "2026-06-01", 0.5),
        row("attainment_revenue", "2026-04-01", grain="quarter", reason="no_target"),
        row("cac", "2026-06-01", reason="missing_table"),
    )
    shown = running(kpis, labels(absent=frozenset({"costs"})), "revenue", "attainment_revenue", "cac")
    assert shown.head == ("KPI", "Jun 2026", "Q2 2026", "2026 so far")
    assert cells(shown) == [
        ("Revenue", "€10.00", "€30.00", "€60.00*"),
        ("Revenue against target", "50.0%", "no target", "–"),
    ]
    assert shown.body[0].looks == ("ok", "ok", "ok", "provisional")
    assert shown.notes[-1] == "Left out for want of the table costs: customer acquisition cost"
    assert '<td class="provisional">' in shown._repr_html_()


def test_running_periods_without_any_value_are_a_note():
    kpis = table(row("attainment_revenue", "2026-06-01", reason="no_target"))
    assert isinstance(running(kpis, labels(), "attainment_revenue"), Note)


# --- what is displayed ------------------------------------------------------------------------------------


class Tags(HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_a_table_is_semantic_html_with_caption_scopes_and_escaped_text():
    shown = Table("<b>Leads & more", ("Rep", "Leads"), (Row(("<script>", "<i>1</i>"), "small_n"),), ("note",))
    text = shown._repr_html_()
    assert "<script>" not in text
    assert "<i>" not in text
    assert "&lt;b&gt;Leads &amp; more" in text
    tags = Tags(text).found
    assert [attrs.get("scope") for tag, attrs in tags if tag == "th"] == ["col", "col", "row"]
    assert ("tr", {"class": "small_n"}) in tags
    assert not any("id" in attrs or "style" in attrs for _, attrs in tags)


def test_a_provisional_cell_is_marked_and_of_its_own_class_among_others():
    kpis = table(
        *months("new_leads", [2, 3], first="2026-05-01", by="motion", member="outbound"),
        row("new_leads", "2026-06-01", 4, by="motion", member="inbound", status="provisional"),
    )
    text = crosstab(kpis, labels(), "new_leads", by="motion")._repr_html_()
    assert text.count('<td class="provisional">4*</td>') == 1
    assert text.count("provisional") == 1
    assert "* (hatched): the period is not over yet" in text


def test_a_folded_table_opens_from_its_caption_which_is_said_once():
    shown = fold(Table("Leads & more", ("Rep", "Leads"), (Row(("Ann", "1")),)))
    assert shown._repr_html_().count("Leads &amp; more") == 1
    assert "<summary>Leads &amp; more</summary>" in shown._repr_html_()
    assert repr(shown) == "Leads & more\nRep  Leads\nAnn      1"
    note = Note("nothing")
    assert fold(note) is note


def test_plain_text_is_aligned_with_caption_and_notes():
    shown = Table("Leads", ("Rep", "Leads"), (Row(("Ann", "1")), Row(("Bo", "200"))), ("note",))
    assert repr(shown) == "Leads\nRep  Leads\nAnn      1\nBo     200\nnote"


def test_a_definition_card_says_what_the_glossary_says():
    text = repr(definition("cac"))
    assert text == f"Customer acquisition cost (cac): {KPIS['cac'].formula}. Lower is better."
    with pytest.raises(KeyError):
        definition("no_such_kpi")


def test_two_people_of_one_name_are_told_apart_by_their_id():
    class Reps:
        def select(self, *_):
            return self

        def order_by(self, *_):
            return self

        def to_pandas(self):
            return pd.DataFrame({"rep_id": ["r1", "r2", "r3"], "name": ["Ann", "Ann", None]})

    class Client:
        params = type("P", (), {"locale": "en_US", "currency": "EUR", "fiscal_year_start": 1, "stages": []})()
        as_of = labels().as_of

        def has(self, table):
            return table == "reps"

        def has_column(self, table, column):
            return True

        def table(self, name):
            return Reps()

    Client.params.churn = type("C", (), {"basis": "orders"})()
    Client.params.revenue_from = "orders"
    found = Labels.of(Client())
    assert found.people == {"r1": "Ann (r1)", "r2": "Ann (r2)", "r3": "r3"}
    assert found.lacking("churn_rate") == ("orders",)
    assert found.lacking("open_rate") == ("emails",)
