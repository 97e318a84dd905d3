"""Goals: progress of targets, what they roll up to, the time that is gone, and the KPI table's rows."""

from datetime import date
from math import isnan, nan
from pathlib import Path
from random import Random

import pandas as pd
import pytest

import reference_goals
from analysis.full_table import full_table
from analysis.glossary import KPIS
from analysis.goal_params import GOAL_KPIS
from analysis.goals import COLUMNS, TOLERANCE, families, standings
from analysis.kpi_table import COLUMNS as KPI_COLUMNS
from analysis.kpi_table import kpi_table
from companies import cell, make_company, values

NO_KPIS = pd.DataFrame(columns=KPI_COLUMNS)
TASKS = """
    task_id,rep_id,title,created_at,due_on,completed_at,cancelled_at,lead_id,opportunity_id
    T1,R1,Call Anna,2026-01-05,2026-01-10,2026-01-09,,L1,
    T2,R1,call Bob,2026-02-05,2026-02-10,,,,O1
    T3,R2,CALL Cid,2026-02-28,2026-03-10,2026-03-05,,L2,
    T4,R2,Write,2026-03-01,,,2026-03-02,L2,
    T5,,,2026-03-31,,,,,
"""
DEALS = """
    opportunity_id,outcome,created_at,closed_at,amount,rep_id
    1,won,2025-11-01,2025-11-20,40,R1
    2,won,2026-01-02,2026-01-20,100,R1
    3,lost,2026-01-03,2026-02-10,50,R2
    4,won,2026-03-01,2026-03-31,60,R2
    5,won,2026-03-01,2026-04-01,500,R2
"""


def number(name: str = "n", end: float = 100, **more) -> dict:
    return {"name": name, "type": "number", "end": end} | more


def goal(*targets: dict, name: str = "Grow", **more) -> dict:
    return {"name": name, "targets": list(targets)} | more


def stood(folder: Path, *goals: dict, tables: dict | None = None, **params) -> pd.DataFrame:
    """The standings of a company with these goals."""
    client = make_company(folder, tables or {"tasks": TASKS}, goals=list(goals), **params)
    return standings(client, kpi_table(client, families(client)) if families(client) else NO_KPIS)


def one(folder: Path, target: dict, tables: dict | None = None, **params) -> pd.Series:
    """The row of the only target of the only goal."""
    found = stood(folder, goal(target), tables=tables, **params)
    assert found["target"].tolist() == ["", target["name"]]
    return found.iloc[1]


# --- one target -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "current", "progress"),
    [
        (14, 7, 10.5, 0.5),
        (0, 200, 50, 0.25),
        (0, 100, 130, 1.3),
        (10, 20, 5, -0.5),
        (14, 7, 14, 0),
        (14, 7, 7, 1),
        (-10, 10, 0, 0.5),
    ],
)
@pytest.mark.kpi("worked", "target_progress")
def test_progress_is_the_way_gone_of_the_way_to_go_whichever_way_it_leads(
    tmp_path, start, end, current, progress
):
    row = one(tmp_path, number(start=start, end=end, current=current))
    assert row["progress"] == progress
    assert (row["start"], row["current"], row["end"], row["unit"]) == (start, current, end, "count")


def test_an_amount_is_in_its_currency_or_the_company_s(tmp_path):
    own = {"name": "a", "type": "currency", "end": 200, "current": 50, "currency": "PLN"}
    found = stood(tmp_path, goal(own, own | {"name": "b", "currency": None}))
    assert found["unit"].tolist() == ["ratio", "PLN", "EUR"]
    assert found["progress"].tolist() == [0.25, 0.25, 0.25]


@pytest.mark.kpi("empty", "target_progress")
def test_a_target_that_ends_where_it_starts_or_has_no_value_is_undefined(tmp_path):
    same, unknown = number("same", 5, start=5, current=5), number("unknown")
    found = stood(tmp_path, goal(same, unknown))
    assert found["progress"].isna().all()
    assert found["reason"].tolist() == ["no_data", "no_denominator", "no_value"]
    assert found["pace"].tolist() == ["undefined"] * 3


@pytest.mark.parametrize(
    ("given", "progress"),
    [({"done": True}, 1), ({"done": False}, 0), ({"current": True}, 1), ({"current": False}, 0), ({}, nan)],
)
def test_something_to_be_done_is_0_or_1_and_nothing_when_nobody_says(tmp_path, given, progress):
    row = one(tmp_path, {"name": "t", "type": "true_false", **given})
    assert row["progress"] == progress or (isnan(row["progress"]) and isnan(progress))


@pytest.mark.parametrize(("as_of", "progress"), [("2026-03-30", 0), ("2026-03-31", 1)])
@pytest.mark.kpi("boundary", "target_progress")
def test_something_done_on_a_day_is_done_at_the_end_of_that_day(tmp_path, as_of, progress):
    row = one(tmp_path, {"name": "t", "type": "true_false", "done": "2026-03-31"}, as_of=as_of)
    assert row["progress"] == progress


@pytest.mark.parametrize(
    ("as_of", "current"), [("2026-02-27", nan), ("2026-02-28", 30), ("2026-03-30", 30), ("2026-03-31", 40)]
)
def test_of_values_by_day_the_last_one_known_holds(tmp_path, as_of, current):
    target = number(current={"2026-02-28": 30, "2026-03-31": 40})
    found = one(tmp_path, target, as_of=as_of)["current"]
    assert found == current or (isnan(found) and isnan(current))


def test_cancelled_tasks_leave_the_count(tmp_path):
    row = one(tmp_path, {"name": "t", "type": "tasks", "done": 3, "all": 8, "cancelled": 2})
    assert (row["progress"], row["current"], row["end"]) == (0.5, 3, 6)
    row = one(tmp_path / "none", {"name": "t", "type": "tasks", "done": 0, "all": 2, "cancelled": 2})
    assert (isnan(row["progress"]), row["reason"]) == (True, "no_denominator")


@pytest.mark.parametrize(
    ("wanted", "done", "counted"),
    [
        ({}, 2, 4),
        ({"rep_id": "R1"}, 1, 2),
        ({"title": "call"}, 2, 3),
        ({"linked_to": "lead"}, 2, 2),
        ({"linked_to": "opportunity"}, 0, 1),
        ({"created_from": "2026-02-05", "created_to": "2026-02-28"}, 1, 2),
        ({"created_from": "2026-02-06", "created_to": "2026-02-27"}, 0, 0),
        ({"due_from": "2026-02-10", "due_to": "2026-03-10"}, 1, 2),
        ({"rep_id": "R2", "title": "call", "linked_to": "lead"}, 1, 1),
        ({"rep_id": "R9"}, 0, 0),
    ],
)
def test_tasks_of_the_table_are_counted_by_what_the_filter_says(tmp_path, wanted, done, counted):
    row = one(tmp_path, {"name": "t", "type": "tasks", "filter": wanted})
    assert (row["current"], row["end"]) == (done, counted)
    assert row["reason"] == ("" if counted else "no_denominator")


def test_tasks_are_as_they_were_on_the_day(tmp_path):
    target = {"name": "t", "type": "tasks", "filter": {"title": "call"}}
    row = one(tmp_path, target, as_of="2026-03-04")
    assert (row["current"], row["end"]) == (1, 3)


def test_without_the_table_or_a_column_of_tasks_a_filter_says_so(tmp_path):
    target = {"name": "t", "type": "tasks", "filter": {"title": "call"}}
    assert one(tmp_path / "a", target, {"opportunities": DEALS})["reason"] == "missing_table"
    untitled = "task_id,created_at,completed_at\n1,2026-01-01,"
    assert one(tmp_path / "b", target, {"tasks": untitled})["reason"] == "missing_column"


# --- measured by a KPI ------------------------------------------------------------------------------------


def kpi(name: str, grain: str, end: float, **more) -> dict:
    return {"name": "k", "type": "kpi", "kpi": name, "grain": grain, "end": end} | more


@pytest.mark.parametrize(
    ("target", "current", "period"),
    [
        (kpi("revenue", "month", 120), 60, "2026-03-01"),
        (kpi("revenue", "quarter", 320), 160, "2026-01-01"),
        (kpi("revenue", "year", 320), 160, "2026-01-01"),
        (kpi("revenue", "year", 200, dimension="rep", member="R1"), 100, "2026-01-01"),
        (kpi("revenue", "month", 200, dimension="rep", member="R1"), 0, "2026-03-01"),
        (kpi("win_rate", "quarter", 1), 2 / 3, "2026-01-01"),
        (kpi("revenue", "month", 200, period="complete"), 60, "2026-03-01"),
    ],
)
def test_a_kpi_s_value_is_that_of_the_period_that_holds_the_day(tmp_path, target, current, period):
    row = one(tmp_path, target, {"opportunities": DEALS})
    assert (row["current"], row["period_start"]) == (current, pd.Timestamp(period))
    assert row["progress"] == pytest.approx(current / target["end"])


def test_the_running_period_counts_so_far_and_a_complete_one_is_the_last_that_is_over(tmp_path):
    tables = {"opportunities": DEALS}
    running = one(tmp_path / "a", kpi("revenue", "month", 100), tables, as_of="2026-04-01")
    assert (running["current"], running["status"]) == (500, "provisional")
    over = one(tmp_path / "b", kpi("revenue", "month", 100, period="complete"), tables, as_of="2026-04-01")
    assert (over["current"], over["status"], over["period_start"].month) == (60, "ok", 3)
    before = one(tmp_path / "c", kpi("revenue", "month", 100, period="complete"), tables, as_of="2026-03-30")
    assert (before["current"], before["period_start"].month) == (0, 2)


def test_a_goal_that_was_due_is_measured_by_the_period_it_was_due_in(tmp_path):
    tables = {"opportunities": DEALS}
    month = {"start_on": "2026-02-01", "due_on": "2026-02-28"}
    running, complete = kpi("revenue", "month", 50), kpi("revenue", "month", 50, period="complete")
    for folder, as_of, wanted in (
        ("a", "2026-02-28", running),
        ("b", "2026-03-31", running),
        ("c", "2026-03-31", complete),
    ):
        found = stood(tmp_path / folder, goal(wanted, **month), tables=tables, as_of=as_of)
        row = found[found["target"] != ""].iloc[0]
        assert row["period_start"] == pd.Timestamp("2026-02-01"), (as_of, wanted)


def test_a_growth_rate_is_that_of_the_last_whole_month_and_a_cohort_s_rate_that_of_a_grown_one(tmp_path):
    growth = kpi("sales_growth_mom", "month", 0.1)
    row = one(tmp_path / "a", growth, {"opportunities": DEALS}, as_of="2026-02-15")
    assert row["period_start"] == pd.Timestamp("2026-01-01")
    leads = "lead_id,created_at,opportunity_id\n1,2026-01-01,1\n2,2026-01-31,\n3,2026-03-01,"
    target = kpi("lead_conversion_rate", "month", 1)
    tables = {"opportunities": DEALS, "leads": leads}
    young = one(tmp_path / "b", target, tables, as_of="2026-03-31", maturity_days=60)
    assert (young["period_start"], young["current"]) == (
        pd.Timestamp("2025-12-01"),
        pytest.approx(nan, nan_ok=True),
    )
    grown = one(tmp_path / "c", target, tables, as_of="2026-04-01", maturity_days=60)
    assert (grown["period_start"], grown["current"]) == (pd.Timestamp("2026-01-01"), 0.5)
    now = one(tmp_path / "d", target | {"period": "running"}, tables, as_of="2026-03-31", maturity_days=60)
    assert now["period_start"] == pd.Timestamp("2026-03-01")


def test_less_may_be_the_goal_of_a_kpi(tmp_path):
    target = kpi("lost_deals", "quarter", 0, start=2)
    assert one(tmp_path, target, {"opportunities": DEALS})["progress"] == 0.5


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (kpi("churn_rate", "month", 0, start=1), "missing_table"),
        (kpi("open_rate", "month", 1, dimension="rep", member="R1"), "missing_table"),
        (kpi("win_rate", "month", 1, dimension="rep", member="R1"), "no_denominator"),
        (kpi("revenue", "month", 1, dimension="rep", member="R7"), "no_member"),
        (kpi("revenue_churn_rate", "month", 0, start=1), "missing_table"),
        (kpi("attainment_revenue", "month", 1), "missing_table"),
        (kpi("clv_model", "year", 9), "not_modelled"),
    ],
)
def test_a_goal_whose_kpi_is_undefined_says_why_and_never_counts_as_nought(tmp_path, target, reason):
    found = stood(tmp_path, goal(target), tables={"opportunities": DEALS})
    assert found["progress"].isna().all()
    assert found["reason"].tolist() == [reason, reason]
    assert found["with_data"].tolist() == [0, 0]


def test_a_goal_by_a_modelled_kpi_is_reckoned_where_the_models_were_asked(tmp_path):
    client = make_company(
        tmp_path, {"opportunities": DEALS}, goals=[goal(kpi("clv_model", "year", 9), number(current=10))]
    )
    quick, full = kpi_table(client), full_table(client)
    for kpis in (quick, full):
        rows = kpis[kpis["kpi"].isin(GOAL_KPIS) & (kpis["dimension"] == "goal")]
        assert rows["member"].tolist() == ["Grow", "Grow / k", "Grow / n"]
        assert not kpis.duplicated(["kpi", "grain", "period_start", "dimension", "member"]).any()
    assert standings(client, quick)["reason"].tolist() == ["", "not_modelled", ""]
    assert standings(client, full)["reason"][1] in ("missing_table", "no_denominator", "none_eligible")


# --- a goal -----------------------------------------------------------------------------------------------


@pytest.mark.kpi("worked", "goal_progress")
def test_a_goal_is_the_mean_of_its_targets_each_from_0_to_1(tmp_path):
    found = stood(tmp_path, goal(number("a", current=130), number("b", current=50), number("c", current=-20)))
    assert found["progress"].tolist() == [0.5, 1.3, 0.5, -0.2]
    assert found[["with_data", "targets"]].iloc[0].tolist() == [3, 3]


@pytest.mark.kpi("worked", "goal_progress")
def test_weights_weigh(tmp_path):
    heavy, light = number("a", current=130, weight=3), number("b", current=0)
    assert stood(tmp_path, goal(heavy, light))["progress"][0] == 0.75


def test_a_target_without_a_value_takes_no_part_and_is_told_of(tmp_path):
    found = stood(tmp_path, goal(number("a", current=100, weight=5), number("b"), number("c", current=40)))
    assert found["progress"][0] == pytest.approx((5 * 1 + 0.4) / 6)
    assert found[["with_data", "targets"]].iloc[0].tolist() == [2, 3]


@pytest.mark.kpi("empty", "goal_progress")
def test_a_goal_without_targets_has_no_progress(tmp_path):
    found = stood(tmp_path, goal())
    assert found[["reason", "pace", "targets"]].iloc[0].tolist() == ["no_target", "undefined", 0]


def test_a_company_without_goals_has_none(tmp_path):
    found = stood(tmp_path)
    assert list(found.columns) == COLUMNS
    assert found.empty


def test_goals_and_targets_stand_in_the_order_they_are_written_in(tmp_path):
    found = stood(tmp_path, goal(number("z"), number("a"), name="Second"), goal(number("x"), name="First"))
    assert found["goal"].tolist() == ["Second"] * 3 + ["First"] * 2
    assert found["target"].tolist() == ["", "z", "a", "", "x"]


# --- pace -------------------------------------------------------------------------------------------------

MARCH = {"start_on": "2026-03-01", "due_on": "2026-03-20"}  # 20 days


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [("2026-03-01", 0.05), ("2026-03-10", 0.5), ("2026-03-19", 0.95), ("2026-03-20", 1), ("2026-03-21", 1)],
)
@pytest.mark.kpi("boundary", "goal_progress")
def test_what_is_expected_is_the_share_of_the_days_that_are_over(tmp_path, as_of, expected):
    found = stood(tmp_path, goal(number(current=1), **MARCH), as_of=as_of)
    assert found["expected"].tolist() == [expected, expected]


@pytest.mark.kpi("boundary", "goal_progress", "target_progress")
def test_a_goal_begins_on_its_first_day(tmp_path):
    before = make_company(
        tmp_path / "a", {"tasks": TASKS}, as_of="2026-02-28", goals=[goal(number(current=1), **MARCH)]
    )
    found = standings(before, kpi_table(before))
    assert found["progress"].isna().all()
    assert found["reason"].tolist() == ["not_begun", "not_begun"]
    assert found["pace"].tolist() == ["undefined", "undefined"]
    assert values(kpi_table(before), "goal_progress", dimension="goal") == {}
    first = make_company(
        tmp_path / "b", {"tasks": TASKS}, as_of="2026-03-01", goals=[goal(number(current=1), **MARCH)]
    )
    assert values(kpi_table(first), "goal_progress", dimension="goal") == {("2026-03-01", "Grow"): 0.01}
    assert values(kpi_table(first), "target_progress", dimension="goal") == {("2026-03-01", "Grow / n"): 0.01}


@pytest.mark.parametrize(
    ("as_of", "current", "pace"),
    [
        ("2026-03-10", 44, "behind"),
        ("2026-03-10", 45, "on track"),
        ("2026-03-10", 50, "on track"),
        ("2026-03-10", 55, "on track"),
        ("2026-03-10", 56, "ahead"),
        ("2026-03-10", 100, "done"),
        ("2026-03-10", 130, "done"),
        ("2026-03-20", 96, "on track"),
        ("2026-03-20", 94, "behind"),
        ("2026-03-21", 99, "behind"),
        ("2026-03-21", 100, "done"),
    ],
)
def test_pace_holds_progress_against_the_time_that_is_gone(tmp_path, as_of, current, pace):
    assert TOLERANCE == 0.05
    found = stood(tmp_path, goal(number(current=current), **MARCH), as_of=as_of)
    assert found["pace"].tolist() == [pace, pace]


@pytest.mark.parametrize(
    ("dates", "current", "pace"),
    [
        ({}, 50, "undefined"),
        ({}, 100, "done"),
        ({"start_on": "2026-01-01"}, 50, "undefined"),
        ({"due_on": "2026-04-01"}, 50, "undefined"),
        ({"due_on": "2026-03-30"}, 50, "behind"),
        ({"due_on": "2026-03-30"}, 100, "done"),
        ({"due_on": "2026-03-31"}, 50, "undefined"),
    ],
)
def test_without_both_dates_there_is_no_pace_but_done_and_overdue(tmp_path, dates, current, pace):
    assert stood(tmp_path, goal(number(current=current), **dates))["pace"][0] == pace


def test_a_goal_is_not_done_while_a_target_is_unknown(tmp_path):
    found = stood(tmp_path, goal(number("a", current=100), number("b"), **MARCH), as_of="2026-03-05")
    assert found["progress"][0] == 1
    assert found["pace"].tolist() == ["ahead", "done", "undefined"]
    later = stood(tmp_path / "later", goal(number("a", current=100), number("b"), **MARCH))
    assert later["pace"].tolist() == ["behind", "done", "undefined"]


# --- whose ------------------------------------------------------------------------------------------------


def test_the_owner_is_told_by_pseudonym_where_people_are(tmp_path):
    mine = goal(kpi("revenue", "year", 100, dimension="rep", member="R1"), owner="R1", folder="Sales")
    theirs = goal(name="Other", owner="The board")
    filtered = goal({"name": "t", "type": "tasks", "filter": {"rep_id": "R1"}}, name="Tasks")
    goals = [mine, theirs, filtered]
    client = make_company(
        tmp_path, {"opportunities": DEALS, "tasks": TASKS}, goals=goals, people="pseudonyms"
    )
    found = standings(client, kpi_table(client))
    assert found["owner"][0].startswith("Rep ")
    assert found["member"][1] == found["owner"][0]
    assert found["owner"][2] == "The board"
    assert (found["current"][1], found["current"][4], found["folder"][0]) == (100, 1, "Sales")
    assert not found.map(lambda text: text == "R1").any().any()


# --- the KPI table ----------------------------------------------------------------------------------------


def test_goals_are_rows_of_the_month_that_holds_the_day(tmp_path):
    targets = [number("a", start=14, end=7, current=10.5), number("b", current=130, weight=3), number("c")]
    client = make_company(tmp_path, {"opportunities": DEALS}, goals=[goal(*targets)])
    kpis = kpi_table(client)
    whole = cell(kpis, "goal_progress", "2026-03-01", dimension="goal", member="Grow")
    assert whole[["value", "numerator", "denominator", "unit", "status", "reason"]].tolist() == [
        0.875, 3.5, 4, "ratio", "ok", ""
    ]  # fmt: skip
    down = cell(kpis, "target_progress", "2026-03-01", dimension="goal", member="Grow / a")
    assert down[["value", "numerator", "denominator"]].tolist() == [0.5, -3.5, -7]
    none = cell(kpis, "target_progress", "2026-03-01", dimension="goal", member="Grow / c")
    assert (isnan(none["value"]), none["status"], none["reason"]) == (True, "undefined", "none_eligible")
    earlier = cell(kpis, "goal_progress", "2026-02-01")
    assert (isnan(earlier["value"]), earlier["reason"]) == (True, "no_target")
    assert len(kpis[(kpis["kpi"] == "goal_progress") & (kpis["period_start"] == "2026-03-01")]) == 1


def test_in_a_month_that_is_not_over_progress_is_provisional(tmp_path):
    client = make_company(tmp_path, {"tasks": TASKS}, as_of="2026-03-15", goals=[goal(number(current=1))])
    row = cell(kpi_table(client), "goal_progress", "2026-03-01", dimension="goal", member="Grow")
    assert row["status"] == "provisional"


def test_the_glossary_ends_with_the_goals_as_the_kpi_table_does(tmp_path):
    assert tuple(KPIS)[-2:] == GOAL_KPIS
    client = make_company(
        tmp_path, {"opportunities": DEALS}, goals=[goal(number(current=1), name="b"), goal(name="a")]
    )
    kpis = kpi_table(client)
    last = kpis[kpis["kpi"] == "goal_progress"]
    assert last["member"].tolist()[-2:] == ["a", "b"]
    assert set(kpis.tail(1)["kpi"]) == {"target_progress"}


def test_goals_alone_are_measured_by_other_families_that_stay_out(tmp_path):
    client = make_company(tmp_path, {"opportunities": DEALS}, goals=[goal(kpi("revenue", "year", 320))])
    alone, all_of_it = kpi_table(client, ["goals"]), kpi_table(client)
    assert {KPIS[name].family for name in alone["kpi"]} == {"goals"}
    own = all_of_it[all_of_it["kpi"].isin(set(alone["kpi"]))].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, own)
    assert values(alone, "goal_progress", dimension="goal") == {("2026-03-01", "Grow"): 0.5}
    assert "goal_progress" not in set(kpi_table(client, ["team"])["kpi"])


# --- laws -------------------------------------------------------------------------------------------------


@pytest.mark.kpi("law", "goal_progress", "target_progress")
def test_in_other_units_and_another_order_progress_is_the_same(tmp_path):
    numbers = [(3, 11, 5, 1), (20, 4, 17, 2.5), (0, 7, 9, 4), (-5, 5, -7, 1)]

    def targets(times: float, plus: float, weigh: float) -> list[dict]:
        return [
            number(
                f"t{i}",
                end * times + plus,
                start=start * times + plus,
                current=now * times + plus,
                weight=w * weigh,
            )
            for i, (start, end, now, w) in enumerate(numbers)
        ]

    plain = stood(tmp_path / "a", goal(*targets(1, 0, 1))).set_index("target")["progress"]
    other = stood(tmp_path / "b", goal(*targets(-16, 64, 2)[::-1])).set_index("target")["progress"]
    pd.testing.assert_series_equal(plain.sort_index(), other.sort_index())
    assert 0 <= plain[""] <= 1


@pytest.mark.kpi("law", "goal_progress", "target_progress")
def test_turned_round_what_is_left_and_what_is_done_make_one(tmp_path):
    there = one(tmp_path / "a", number(start=3, end=11, current=5))["progress"]
    back = one(tmp_path / "b", number(start=11, end=3, current=5))["progress"]
    assert there + back == 1


@pytest.mark.kpi("law", "goal_progress", "target_progress")
def test_ten_times_the_money_and_the_target_is_the_same_progress(tmp_path):
    ten = "\n".join(
        ",".join([*cells[:4], f"{cells[4]}0" if cells[4].isdecimal() else cells[4], *cells[5:]])
        for cells in (line.strip().split(",") for line in DEALS.strip().splitlines())
    )
    for grain in ("month", "quarter", "year"):
        a = one(tmp_path / f"a{grain}", kpi("revenue", grain, 300), {"opportunities": DEALS})
        b = one(tmp_path / f"b{grain}", kpi("revenue", grain, 3000), {"opportunities": ten})
        assert a["progress"] == b["progress"] > 0


# --- a second time, and as files are ----------------------------------------------------------------------


def random_goal(draw: Random, at: int) -> dict:
    """A goal of targets that need no table, with dates, weights and values left out at random."""
    targets: list[dict] = []
    for place in range(draw.randrange(5)):
        kind = draw.choice(["number", "currency", "true_false", "tasks"])
        given: dict = {"name": f"t{place}", "type": kind}
        if draw.random() < 0.5:
            given["weight"] = draw.choice([0.5, 2, 3])
        if kind == "tasks":
            given |= {"all": draw.randrange(6), "done": 0}
            given["cancelled"] = draw.randrange(given["all"] + 1)
            given["done"] = draw.randrange(given["all"] - given["cancelled"] + 1)
        elif kind == "true_false":
            given |= draw.choice([{}, {"done": True}, {"current": False}, {"done": "2026-03-15"}])
        else:
            given |= {"end": draw.randrange(-4, 9), "start": draw.randrange(-4, 9)}
            dated = {"2026-02-01": draw.randrange(9), "2026-03-15": draw.randrange(9) + 0.5}
            given |= draw.choice([{}, {"current": draw.randrange(-9, 9)}, {"current": dated}])
        targets.append(given)
    days = {"start_on": f"2026-03-{draw.randrange(1, 20):02}", "due_on": f"2026-03-{draw.randrange(20, 31)}"}
    kept = {key: day for key, day in days.items() if draw.random() < 0.8}
    return goal(*targets, name=f"g{at}", **kept)


@pytest.mark.parametrize("as_of", ["2026-02-28", "2026-03-14", "2026-03-15", "2026-03-25", "2026-03-31"])
@pytest.mark.kpi("law", "goal_progress", "target_progress")
def test_random_goals_stand_as_fractions_and_plain_loops_have_them(tmp_path, as_of):
    draw = Random(as_of)
    goals = [random_goal(draw, at) for at in range(60)]
    found = stood(tmp_path, *goals, as_of=as_of)
    paces = set()
    for given in goals:
        progress, pace, each = reference_goals.goal(given, date.fromisoformat(as_of))
        rows = found[found["goal"] == given["name"]]
        told = [None if isnan(p) else p for p in rows["progress"]]
        expected = [None if p is None else pytest.approx(float(p)) for p in (progress, *each)]
        assert told == expected, given
        assert rows["pace"].iloc[0] == pace, given
        paces.add(pace)
    assert len(paces) > 1 or as_of == "2026-02-28"


def test_an_earlier_day_gives_what_its_files_gave(tmp_path):
    """Tasks done later are open, deals won later are not there, and values of later days are not known."""
    goals = [
        goal(
            number("n", current={"2026-02-28": 30, "2026-03-31": 40}),
            kpi("revenue", "year", 320),
            {"name": "t", "type": "tasks", "filter": {"title": "call"}},
            {"name": "d", "type": "true_false", "done": "2026-03-20"},
            start_on="2026-01-01",
            due_on="2026-12-31",
        )
    ]
    then = {
        "opportunities": DEALS.replace("won,2026-03-01,2026-03-31", "open,2026-03-01,").replace(
            "won,2026-03-01,2026-04-01", "open,2026-03-01,"
        ),
        "tasks": TASKS.replace("2026-03-05", "").replace("    T5,,,2026-03-31,,,,,\n", ""),
    }
    day = "2026-03-04"
    was = make_company(tmp_path / "then", then, as_of=day, goals=goals)
    now = make_company(tmp_path / "now", {"opportunities": DEALS, "tasks": TASKS}, as_of=day, goals=goals)
    pd.testing.assert_frame_equal(kpi_table(was), kpi_table(now))
    assert standings(was, kpi_table(was))["progress"].tolist()[1:] == [0.3, 100 / 320, 1 / 3, 0]
    later = make_company(tmp_path / "now", {"opportunities": DEALS, "tasks": TASKS}, goals=goals)
    assert standings(later, kpi_table(later))["progress"].tolist()[1:] == [0.4, 0.5, 2 / 3, 1]
