"""The team's review: completed, worked on, points, overdue, not cleared; by day, week and month."""

from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.company import open_company
from analysis.glossary import KPIS, REVIEW_GRAINS
from analysis.identities import identities
from analysis.kpi_table import kpi_table
from analysis.labels import Labels
from analysis.periods import Calendar
from analysis.tables import crosstab
from companies import cell, kpis_of, make_company, values

REVIEW = ("tasks_completed", "tasks_worked_on", "points", "tasks_overdue", "notifications_uncleared")
STOCKS = ("tasks_overdue", "notifications_uncleared")
GOALS = ("goals",)

# 31 March 2026 is a Tuesday: the running week began on Monday the 30th
TABLES = {
    "tasks": """
        task_id,rep_id,created_at,due_on,completed_at,cancelled_at,points
        a,ann,2026-03-02T09:00:00,2026-03-10,2026-03-30T17:00:00,,3
        b,ann,2026-03-02T09:00:00,2026-03-29,2026-03-31T08:00:00,,0.5
        c,bob,2026-02-02T09:00:00,2026-02-10,,,8
        d,bob,2026-03-02T09:00:00,2026-03-12,,2026-03-13T09:00:00,8
        e,,2026-03-27T09:00:00,,2026-03-29T23:00:00,,
        f,bob,2026-03-02T09:00:00,2026-04-30,,,1
    """,
    "activities": """
        activity_id,rep_id,at,kind,task_id
        1,ann,2026-03-30T10:00:00,call,a
        2,ann,2026-03-30T11:00:00,call,a
        3,bob,2026-03-31T10:00:00,call,a
        4,bob,2026-03-29T10:00:00,call,c
        5,bob,2026-03-31T10:00:00,call,
        6,ann,2026-02-27T10:00:00,note,gone
    """,
    "notifications": """
        notification_id,rep_id,created_at,cleared_at
        1,ann,2026-03-02T09:00:00,2026-03-30T09:00:00
        2,ann,2026-03-31T09:00:00,
        3,bob,2026-02-27T09:00:00,2026-03-01T00:00:00
        4,bob,2026-02-27T09:00:00,2026-02-28T23:59:59
    """,
}


@pytest.fixture(scope="module")
def kpis(tmp_path_factory) -> pd.DataFrame:
    return kpis_of(Path(tmp_path_factory.mktemp("review")), TABLES, GOALS)


def last(kpis: pd.DataFrame, kpi: str, grain: str, n: int, dimension: str = "", member: str = "") -> list:
    found = kpis[(kpis["kpi"] == kpi) & (kpis["grain"] == grain)]
    periods = sorted(found["period_start"].unique())[-n:]
    here = found[(found["dimension"] == dimension) & (found["member"] == member)].set_index("period_start")
    return here["value"].reindex(periods).fillna(0).tolist()


@pytest.mark.kpi("worked", "tasks_completed", "points")
def test_what_was_completed_counts_on_the_day_it_was_and_adds_its_points(kpis):
    assert last(kpis, "tasks_completed", "day", 4) == [0, 1, 1, 1], "28 to 31 March"
    assert last(kpis, "tasks_completed", "week", 3) == [0, 1, 2]
    assert values(kpis, "tasks_completed") == {"2026-02-01": 0, "2026-03-01": 3}
    assert values(kpis, "tasks_completed", dimension="rep") == {
        ("2026-03-01", "(unassigned)"): 1,
        ("2026-03-01", "ann"): 2,
    }
    assert last(kpis, "points", "day", 4) == [0, 0, 3, 0.5]
    assert last(kpis, "points", "week", 2, "rep", "ann") == [0, 3.5]
    assert values(kpis, "points") == {"2026-02-01": 0, "2026-03-01": 3.5}
    assert cell(kpis, "points", "2026-03-01")["n"] == 3


@pytest.mark.kpi("worked", "tasks_worked_on")
def test_a_task_counts_once_however_often_it_was_worked_on_and_once_for_each_who_did(kpis):
    assert last(kpis, "tasks_worked_on", "day", 3) == [1, 1, 1]
    assert last(kpis, "tasks_worked_on", "week", 2) == [1, 1], "Ann's and Bob's is one and the same task"
    assert values(kpis, "tasks_worked_on") == {"2026-02-01": 1, "2026-03-01": 2}
    assert values(kpis, "tasks_worked_on", dimension="rep") == {
        ("2026-02-01", "ann"): 1,
        ("2026-03-01", "ann"): 1,
        ("2026-03-01", "bob"): 2,
    }


@pytest.mark.kpi("worked", "tasks_overdue")
def test_a_task_is_overdue_after_its_day_until_it_is_completed_or_cancelled(kpis):
    """In the middle of March a and c; d was cancelled the day after it was due; b from the 30th for a day."""
    assert last(kpis, "tasks_overdue", "day", 4) == [2, 2, 2, 1]
    assert last(kpis, "tasks_overdue", "week", 5) == [1, 2, 2, 2, 1]
    assert values(kpis, "tasks_overdue") == {"2026-02-01": 1, "2026-03-01": 1}
    assert values(kpis, "tasks_overdue", "day", "rep", "ann")["2026-03-30"] == 1
    assert values(kpis, "tasks_overdue", "day", "rep", "bob")["2026-03-30"] == 1
    assert cell(kpis, "tasks_overdue", "2026-03-01")["n"] == 1


@pytest.mark.kpi("worked", "notifications_uncleared")
def test_a_notification_lies_until_it_is_cleared(kpis):
    assert last(kpis, "notifications_uncleared", "day", 3) == [1, 0, 1]
    assert last(kpis, "notifications_uncleared", "week", 2, "rep", "ann") == [1, 1]
    assert values(kpis, "notifications_uncleared") == {"2026-02-01": 1, "2026-03-01": 1}


EARLY = {
    "opportunities": "opportunity_id,outcome,created_at\n1,open,2026-01-02",
    "tasks": """
        task_id,rep_id,created_at,due_on,completed_at,points
        a,ann,2026-02-02,2026-02-10,2026-02-12,3
    """,
    "activities": "activity_id,rep_id,at,task_id\n1,ann,2026-02-02,a",
    "notifications": "notification_id,rep_id,created_at,cleared_at\n1,ann,2026-02-02,2026-02-03",
}


@pytest.mark.kpi("empty", *REVIEW)
@pytest.mark.parametrize("kpi", REVIEW)
def test_a_period_without_any_of_it_is_zero(tmp_path, kpi):
    """In January there is nothing but a deal, and after February nothing at all."""
    kpis = kpis_of(tmp_path, EARLY, GOALS)
    assert cell(kpis, kpi, "2026-01-01")[["value", "reason"]].tolist() == [0, ""]
    assert cell(kpis, kpi, "2026-03-01")[["value", "reason"]].tolist() == [0, ""]
    for grain, periods in (("day", 13), ("week", 6)):
        assert last(kpis, kpi, grain, periods) == [0] * periods
    assert kpis[kpis["kpi"] == kpi]["value"].notna().all()


MONDAY, SUNDAY = "2026-03-30T00:00:00", "2026-03-29T23:59:59"
EDGES = {
    "tasks": f"""
        task_id,rep_id,created_at,due_on,completed_at,cancelled_at,points
        last,ann,2026-03-01,,{SUNDAY},,1
        first,ann,2026-03-01,,{MONDAY},,10
        month,ann,2026-01-01,,2026-02-28T23:59:59,,100
        next,ann,2026-01-01,,2026-03-01T00:00:00,,1000
    """,
    "activities": f"""
        activity_id,rep_id,at,task_id
        1,ann,{SUNDAY},last
        2,ann,{MONDAY},first
        3,ann,2026-02-28T23:59:59,month
        4,ann,2026-03-01T00:00:00,next
    """,
}


@pytest.mark.kpi("boundary", "tasks_completed", "tasks_worked_on", "points")
@pytest.mark.parametrize(
    ("kpi", "sunday", "monday", "february", "march"),
    [
        ("tasks_completed", 1, 1, 1, 3),
        ("tasks_worked_on", 1, 1, 1, 3),
        ("points", 1, 10, 100, 1011),
    ],
)
def test_the_last_second_of_sunday_is_in_its_week_and_monday_begins_the_next(
    tmp_path, kpi, sunday, monday, february, march
):
    kpis = kpis_of(tmp_path, EDGES, GOALS)
    assert last(kpis, kpi, "day", 3) == [sunday, monday, 0]
    assert last(kpis, kpi, "week", 2) == [sunday, monday]
    assert values(kpis, kpi) == {"2026-01-01": 0, "2026-02-01": february, "2026-03-01": march}


DUE = """
    task_id,rep_id,created_at,due_on,completed_at,cancelled_at
    before,ann,2026-01-01,{before},,
    on_it,ann,2026-01-01,{day},,
    done,ann,2026-01-01,{before},{day}T23:59:59,
    done_after,ann,2026-01-01,{before},{after}T00:00:00,
    cancelled,ann,2026-01-01,{before},,{day}T23:59:59
    cancelled_after,ann,2026-01-01,{before},,{after}T00:00:00
    created,ann,{day}T23:59:59,{before},,
    created_after,ann,{after}T00:00:00,{before},,
"""


@pytest.mark.kpi("boundary", "tasks_overdue")
@pytest.mark.parametrize(
    ("before", "day", "after", "grain", "start"),
    [
        ("2026-03-24", "2026-03-25", "2026-03-26", "day", "2026-03-25"),
        ("2026-03-28", "2026-03-29", "2026-03-30", "week", "2026-03-23"),
        ("2026-02-27", "2026-02-28", "2026-03-01", "month", "2026-02-01"),
        ("2025-10-30", "2025-10-31", "2025-11-01", "month", "2025-10-01"),
    ],
)
def test_what_is_due_on_the_closing_day_is_not_overdue_and_what_is_settled_on_it_no_longer(
    tmp_path, before, day, after, grain, start
):
    """Four are overdue that day: one due before, one completed and one cancelled after it, one made on it."""
    tables = {"tasks": DUE.format(before=before, day=day, after=after)}
    tables["tasks"] = tables["tasks"].replace("2026-01-01", "2025-10-02")
    kpis = kpis_of(tmp_path, tables, GOALS)
    assert cell(kpis, "tasks_overdue", start, grain)["value"] == 4
    assert cell(kpis, "tasks_overdue", "2026-03-31", "day")["value"] == 4, "before, on_it and the two created"


@pytest.mark.kpi("boundary", "notifications_uncleared")
@pytest.mark.parametrize(
    ("grain", "start", "day", "after"),
    [
        ("day", "2026-03-25", "2026-03-25", "2026-03-26"),
        ("week", "2026-03-23", "2026-03-29", "2026-03-30"),
        ("month", "2026-02-01", "2026-02-28", "2026-03-01"),
        ("month", "2025-10-01", "2025-10-31", "2025-11-01"),
    ],
)
def test_a_notification_of_the_closing_day_lies_and_one_cleared_on_it_does_not(
    tmp_path, grain, start, day, after
):
    notes = f"""
        notification_id,rep_id,created_at,cleared_at
        1,ann,{day}T23:59:59,
        2,ann,{after}T00:00:00,
        3,ann,{day}T00:00:00,{day}T23:59:59
        4,ann,{day}T00:00:00,{after}T00:00:00
    """
    kpis = kpis_of(tmp_path, {"notifications": notes}, GOALS)
    assert cell(kpis, "notifications_uncleared", start, grain)["value"] == 2
    assert cell(kpis, "notifications_uncleared", "2026-03-31", "day")["value"] == 2


# --- laws -------------------------------------------------------------------------------------------------


@pytest.mark.kpi("law", "tasks_completed", "points", *STOCKS)
@pytest.mark.parametrize("kpi", ["tasks_completed", "points", *STOCKS])
def test_reps_and_unassigned_sum_to_the_company(kpis, kpi):
    own = kpis[kpis["kpi"] == kpi]
    key = ["grain", "period_start"]
    parts = own[own["dimension"] == "rep"].groupby(key)["value"].sum()
    whole = own[own["dimension"] == ""].set_index(key)["value"]
    assert (whole > 0).any()
    np.testing.assert_allclose(parts.reindex(whole.index).fillna(0), whole)


@pytest.mark.kpi("law", "tasks_worked_on")
def test_a_company_works_on_no_fewer_tasks_than_any_rep_and_no_more_than_all_of_them(kpis):
    own = kpis[kpis["kpi"] == "tasks_worked_on"]
    key = ["grain", "period_start"]
    reps = own[own["dimension"] == "rep"].groupby(key)["value"]
    whole = own[own["dimension"] == ""].set_index(key)["value"]
    whole = whole[whole > 0].sort_index()
    assert (reps.max() <= whole).all() and (whole <= reps.sum()).all()
    assert (whole < reps.sum()).any(), "a task of two reps"


@pytest.mark.kpi("law", *REVIEW)
@pytest.mark.parametrize(
    ("as_of", "grain", "start"),
    [
        ("2026-03-30", "day", "2026-03-30"),
        ("2026-03-24", "day", "2026-03-24"),
        ("2026-03-29", "week", "2026-03-23"),
        ("2026-02-28", "month", "2026-02-01"),
    ],
)
def test_a_past_period_says_what_the_report_of_its_closing_day_said(tmp_path, as_of, grain, start):
    make_company(tmp_path, TABLES)
    told = []
    for day in (None, as_of):
        kpis = kpi_table(open_company("tiny", day, tmp_path / "params"), GOALS)
        kpis = kpis[kpis["kpi"].isin(REVIEW) & (kpis["grain"] == grain)]
        here = kpis[kpis["period_start"] == pd.Timestamp(start)]
        told.append(here.set_index(["kpi", "dimension", "member"])["value"])
    assert told[0].sum() > 0
    pd.testing.assert_series_equal(*told)


@pytest.mark.kpi("law", "tasks_completed", "points")
def test_days_sum_to_weeks(tmp_path):
    company = make_company(tmp_path, TABLES)
    found = identities(company, kpi_table(company, GOALS)).set_index("identity")
    assert found.loc["days = week", "checked"] > 0
    assert set(found["status"]) == {"holds"}


# --- periods and what is missing --------------------------------------------------------------------------


def test_days_and_weeks_are_the_last_thirteen_and_the_running_week_is_provisional(tmp_path):
    tables = {"tasks": TABLES["tasks"].replace("2026-02-02", "2025-01-02")}
    own = kpis_of(tmp_path, tables, GOALS)
    own = own[(own["kpi"] == "tasks_overdue") & (own["dimension"] == "")]
    spans = own.groupby("grain")["period_start"].agg(["min", "max", "size"])
    assert spans.loc["day"].tolist() == [pd.Timestamp("2026-03-19"), pd.Timestamp("2026-03-31"), 13]
    assert spans.loc["week"].tolist() == [pd.Timestamp("2026-01-05"), pd.Timestamp("2026-03-30"), 13]
    assert set(own["grain"]) == set(REVIEW_GRAINS)
    running = own[own["status"] == "provisional"]
    assert running[["grain", "period_start"]].values.tolist() == [["week", pd.Timestamp("2026-03-30")]]
    assert (own["period_end"] - own["period_start"])[own["grain"] == "week"].dt.days.eq(7).all()


@pytest.mark.parametrize(
    ("as_of", "first", "history", "days", "weeks"),
    [
        (date(2026, 3, 29), date(2020, 1, 1), 24, ["2026-03-17", "2026-03-29"], ["2025-12-29", "2026-03-23"]),
        (date(2026, 3, 30), date(2020, 1, 1), 24, ["2026-03-18", "2026-03-30"], ["2026-01-05", "2026-03-30"]),
        (date(2026, 3, 5), date(2026, 3, 4), 24, ["2026-03-01", "2026-03-05"], ["2026-02-23", "2026-03-02"]),
        (date(2026, 1, 1), date(2020, 1, 1), 1, ["2026-01-01", "2026-01-01"], ["2025-12-29", "2025-12-29"]),
    ],
)
def test_a_week_starts_on_monday_and_nothing_is_shown_from_before_the_first_month(
    as_of, first, history, days, weeks
):
    calendar = Calendar(as_of, first, history_months=history)
    for grain, ends in (("day", days), ("week", weeks)):
        shown = calendar.periods([grain])
        assert [str(shown[0].start), str(shown[-1].start)] == ends
        assert all(a.end == b.start for a, b in pairwise(shown))
        assert shown[-1].closing_day(as_of) == as_of
    assert all(period.start.isoweekday() == 1 for period in calendar.periods(["week"]))


@pytest.mark.parametrize(
    ("tables", "kpi", "reason"),
    [
        ({"leads": "lead_id,created_at\n1,2026-03-01"}, "tasks_completed", "missing_table"),
        ({"leads": "lead_id,created_at\n1,2026-03-01"}, "tasks_worked_on", "missing_table"),
        ({"leads": "lead_id,created_at\n1,2026-03-01"}, "notifications_uncleared", "missing_table"),
        ({"tasks": "task_id,created_at,completed_at\n1,2026-03-01,"}, "points", "missing_column"),
        ({"tasks": "task_id,created_at,completed_at\n1,2026-03-01,"}, "tasks_overdue", "missing_column"),
        ({"tasks": "task_id,created_at,due_on\n1,2026-03-01,"}, "tasks_overdue", "missing_column"),
        ({"activities": "activity_id,rep_id,at\n1,a,2026-03-01"}, "tasks_worked_on", "missing_column"),
    ],
)
def test_without_the_table_or_the_column_every_period_says_so(tmp_path, tables, kpi, reason):
    kpis = kpis_of(tmp_path, tables, GOALS)
    own = kpis[kpis["kpi"] == kpi]
    assert set(own["reason"]) == {reason} and own["value"].isna().all()
    assert set(own["grain"]) == set(KPIS[kpi].grains)
    assert set(own["dimension"]) == {""}


def test_the_other_kpis_keep_month_quarter_and_year(tmp_path):
    kpis = kpis_of(tmp_path, TABLES)
    others = kpis[~kpis["kpi"].isin(REVIEW)]
    assert not set(others["grain"]) & {"day", "week"}


def test_a_day_on_which_nobody_finished_anything_stands_in_the_table_of_days(tmp_path):
    company = make_company(tmp_path, TABLES, locale="en_US")
    kpis = kpi_table(company, GOALS)
    table = crosstab(kpis, Labels.of(company), "tasks_completed", by="rep", grain="day", last=4)
    assert [row.cells for row in table.body] == [
        ("Mar 28, 2026", "–", "–", "0°"),
        ("Mar 29, 2026", "–", "1", "1"),
        ("Mar 30, 2026", "1", "–", "1"),
        ("Mar 31, 2026", "1", "–", "1"),
    ]
    week = crosstab(kpis, Labels.of(company), "points", by="rep", grain="week", last=1)
    assert week.body[0].cells[0] == "Mar 30\u2009–\u2009Apr 5, 2026".replace("\u2009", " ")


def test_a_day_and_a_week_have_names_in_the_readers_language():
    polish, english = (Labels(locale, "EUR", date(2026, 3, 31)) for locale in ("pl_PL", "en_GB"))
    assert english.period(date(2026, 3, 30), "week") == "30 Mar – 5 Apr 2026"
    assert polish.period(date(2026, 3, 23), "week") == "23–29 mar 2026"
    assert polish.period(date(2026, 3, 30), "day") == "30 mar 2026"
    assert english.day_tick(date(2026, 3, 30), first=True) == "30 Mar\n2026"
    assert english.day_tick(date(2026, 3, 30), first=False) == "30 Mar\n"
