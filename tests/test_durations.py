"""KPIs on what has not ended yet: days to close, hours to the first contact, won and converted by day."""

import random
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis import durations
from analysis.durations import MICROSECONDS_A_DAY, cells, incidence, median
from analysis.periods import Calendar
from analysis.survival import kaplan_meier, median_time
from companies import cell, kpis_of, values

TEAM, LEADS, GROWTH = ["team"], ["leads"], ["growth"]
NEXT_DAY = date(2026, 4, 1)  # the midnight at which the report's day, 31 March 2026, ends
MONTH = timedelta(days=31)


def deals(*rows: str) -> dict[str, str]:
    return {
        "opportunities": "\n".join(["opportunity_id,outcome,created_at,first_contact_at,closed_at", *rows])
    }


def closed_after(outcome: str, *days: int, start: str = "2026-01-05") -> list[str]:
    """Deals of one first day that were decided so many days later."""
    first = date.fromisoformat(start)
    return [f"{outcome}{start}{n},{outcome},{start},,{first + timedelta(days=n)}" for n in days]


def open_for(*days: int) -> list[str]:
    """Deals that at the end of the report's day have been open for so many days."""
    return [f"open{n},open,{NEXT_DAY - timedelta(days=n)},," for n in days]


def by_day(kpis: pd.DataFrame, kpi: str, start: str, grain: str = "month") -> list[float]:
    return [cell(kpis, kpi, start, grain, "day", day)["value"] for day in ("30", "60", "90", "180")]


def reasons(kpis: pd.DataFrame, kpi: str, start: str, grain: str = "month") -> list[str]:
    return [cell(kpis, kpi, start, grain, "day", day)["reason"] for day in ("30", "60", "90", "180")]


def test_curves_taken_in_many_pieces_are_the_curves_taken_at_once(monkeypatch):
    chance = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "month": 2026 * 12 + chance.integers(-14, 3, 400),
            "rep": chance.choice(["R1", "R2", "R3"], 400),
            "duration": chance.integers(0, 200, 400) * MICROSECONDS_A_DAY,
            "cause": chance.integers(0, 3, 400),
            "n": chance.integers(1, 4, 400),
        }
    )
    frame.loc[:20, "duration"] = np.nan
    calendar = Calendar(date(2026, 3, 31), date(2025, 2, 1), history_months=12)
    ways = ((median, incidence), ("n",))
    at_once = cells(frame, ["rep"], calendar, *ways)
    monkeypatch.setattr(durations, "AT_ONCE", 50)
    pd.testing.assert_frame_equal(cells(frame, ["rep"], calendar, *ways), at_once, rtol=1e-12)
    assert len(cells(frame.iloc[:0], ["rep"], calendar, *ways)) == len(calendar.table())


# --- days to close ----------------------------------------------------------------------------------------


@pytest.mark.kpi("worked", "close_days_km", "won_by_day")
def test_half_of_the_deals_are_closed_later_than_half_of_the_closed_ones(tmp_path):
    rows = [*closed_after("won", 10, 12, 15, 20, 25, 30), *open_for(40, 45, 60, 90)]
    kpis = kpis_of(tmp_path, deals(*rows), TEAM)
    quarter = cell(kpis, "close_days_km", "2026-01-01", "quarter")
    assert cell(kpis, "cycle_days", "2026-01-01", "quarter")["value"] == 17.5
    assert (quarter["value"], quarter["n"], quarter["unit"]) == (25, 10, "days")
    curve = kaplan_meier([10, 12, 15, 20, 25, 30, 40, 45, 60, 90], [1] * 6 + [0] * 4)
    assert quarter["low"] == median_time(curve, "low") == 10
    assert np.isnan(quarter["high"]), "the upper end of the curve never comes down to one half"
    assert by_day(kpis, "won_by_day", "2026-01-01", "quarter")[:3] == pytest.approx([0.6, 0.6, 0.6])
    assert reasons(kpis, "won_by_day", "2026-01-01", "quarter") == ["", "", "", "none_eligible"]


@pytest.mark.kpi("worked", "won_by_day", "close_days_km")
def test_a_deal_that_may_be_lost_instead_worked_by_hand(tmp_path):
    """Five deals: won on day 15, lost on day 25, open for 31 days, won on day 100, open for 190 days.

    Day 30: 1/5. Day 25 leaves 3 of 5 open; on day 100 two are left, so 1/5 + 3/5 x 1/2.
    """
    rows = [
        *closed_after("won", 15, 100, start="2025-11-20"),
        *closed_after("lost", 25, start="2025-11-20"),
        *open_for(31, 190),
    ]
    kpis = kpis_of(tmp_path, deals(*rows), TEAM, fiscal_year_start=4)
    assert by_day(kpis, "won_by_day", "2025-04-01", "year") == pytest.approx([0.2, 0.2, 0.2, 0.5])
    late = cell(kpis, "won_by_day", "2025-04-01", "year", "day", "180")
    half = 1.959963984540054 * 0.065**0.5 / (0.5 * np.log(0.5))  # variance: see test_survival
    assert (late["low"], late["high"]) == pytest.approx((0.5 ** np.exp(-half), 0.5 ** np.exp(half)))
    assert (late["n"], late["unit"]) == (5, "ratio")
    assert cell(kpis, "close_days_km", "2025-04-01", "year")["value"] == 100, "4/5, 3/5, then 3/10"


@pytest.mark.kpi("empty", "close_days_km", "won_by_day")
def test_a_month_in_which_no_deal_started_has_no_days_to_close_and_no_share_won(tmp_path):
    rows = ["1,won,2026-01-02,,2026-01-20", "2,open,2026-03-02,,"]
    kpis = kpis_of(tmp_path, deals(*rows), TEAM)
    february = cell(kpis, "close_days_km", "2026-02-01")
    assert (february["status"], february["reason"], february["n"]) == ("undefined", "no_denominator", 0)
    assert np.isnan(by_day(kpis, "won_by_day", "2026-02-01")).all()
    assert reasons(kpis, "won_by_day", "2026-02-01") == ["no_denominator"] * 4
    march = cell(kpis, "close_days_km", "2026-03-01")
    assert (march["status"], march["reason"]) == ("undefined", "not_reached")
    assert np.isnan(march[["value", "low", "high"]].astype("float64")).all()
    everything = values(kpis, "won_by_day", dimension="day")
    assert len(everything) == 3 * 4, "every month has every day"


@pytest.mark.kpi("boundary", "close_days_km", "won_by_day")
def test_a_deal_belongs_to_the_month_of_its_first_contact_else_of_its_creation(tmp_path):
    rows = [
        "1,won,2026-01-02,2026-01-31T23:59:59,2026-02-03",
        "2,won,2026-01-02,2026-02-01,2026-02-06",
        "3,won,2026-02-28,,2026-03-07",
        "4,won,2026-03-01,,2026-03-12",
        "5,won,,,2026-03-12",  # nobody knows when it started
        "6,won,2026-03-20,,2026-03-12",  # closed before it started
    ]
    kpis = kpis_of(tmp_path, deals(*rows), TEAM)
    assert values(kpis, "close_days_km") == {"2026-01-01": 3, "2026-02-01": 5, "2026-03-01": 11}
    counted = kpis[(kpis["kpi"] == "close_days_km") & (kpis["grain"] == "month")]["n"]
    assert list(counted) == [1, 2, 1]
    assert list(values(kpis, "won_by_day", dimension="day", member="30").values()) == [1, 1, 1]


@pytest.mark.kpi("boundary", "won_by_day", "close_days_km")
def test_day_thirty_counts_and_day_thirty_one_does_not(tmp_path):
    on_the_day = [*closed_after("won", 30, 31), "x,won,2026-01-05T12:00,,2026-02-04T12:00:01"]
    kpis = kpis_of(tmp_path, deals(*on_the_day), TEAM)
    assert by_day(kpis, "won_by_day", "2026-01-01") == pytest.approx([1 / 3, 1, 1, 1])
    assert cell(kpis, "close_days_km", "2026-01-01")["value"] == pytest.approx(30 + 1 / 86400)
    to_the_second = kpis_of(tmp_path, deals("x,won,2026-01-05T12:00,,2026-02-04T12:00:00"), TEAM)
    assert by_day(to_the_second, "won_by_day", "2026-01-01") == [1, 1, 1, 1]


@pytest.mark.kpi("boundary", "won_by_day")
def test_a_day_is_known_as_soon_as_somebody_was_followed_to_it(tmp_path):
    followed = kpis_of(tmp_path, deals(*open_for(30)), TEAM)
    assert by_day(followed, "won_by_day", "2026-03-01")[0] == 0
    assert reasons(followed, "won_by_day", "2026-03-01") == ["", *["none_eligible"] * 3]
    younger = kpis_of(tmp_path, deals(*open_for(29)), TEAM)
    assert reasons(younger, "won_by_day", "2026-03-01") == ["none_eligible"] * 4
    instant = kpis_of(tmp_path, deals("1,open,2026-03-02T00:00:00,,", "2,open,2026-03-29T00:00,,"), TEAM)
    assert reasons(instant, "won_by_day", "2026-03-01")[0] == "none_eligible", "an hour was lost on 29 March"
    all_over = kpis_of(tmp_path, deals(*closed_after("won", 3), *closed_after("lost", 9)), TEAM)
    assert by_day(all_over, "won_by_day", "2026-01-01") == [0.5] * 4, "nobody is left whom time could change"


@pytest.mark.kpi("law", "close_days_km", "won_by_day")
def test_open_deals_never_make_closing_quicker_nor_winning_surer(tmp_path):
    r = random.Random(4)
    decided = [
        f"{i},{r.choice(['won', 'lost'])},2025-05-01T08:00,,"
        f"{date(2025, 5, 2) + timedelta(days=r.randint(0, 220))}"
        for i in range(25)
    ]
    more = [f"open{i},open,2025-05-01T08:00,," for i in range(10)]
    year = ("2025-01-01", "year")
    without, with_open = (kpis_of(tmp_path, deals(*rows), TEAM) for rows in (decided, [*more, *decided]))
    days = [
        (date.fromisoformat(row.split(",")[4]) - date(2025, 5, 1)).days
        for row in decided
        if row.split(",")[1] == "won"
    ]
    shares = [sum(d <= n for d in days) / 25 for n in (30, 60, 90, 180)]
    assert by_day(without, "won_by_day", *year) == pytest.approx(shares), "without open deals it is a share"
    assert by_day(with_open, "won_by_day", *year) == pytest.approx([s * 25 / 35 for s in shares])
    medians = [cell(kpis, "close_days_km", *year)["value"] for kpis in (without, with_open)]
    assert medians[0] < medians[1]
    turned = kpis_of(tmp_path, deals(*decided[::-1], *more), TEAM)
    pd.testing.assert_frame_equal(turned, with_open)


@pytest.mark.kpi("law", "won_by_day", "converted_by_day")
def test_a_share_by_day_never_falls_with_the_days_and_lies_in_its_interval(tmp_path):
    r = random.Random(5)
    rows = ["opportunity_id,outcome,created_at,closed_at,lead_id"]
    leads = ["lead_id,created_at"]
    for i in range(60):
        start = date(2025, 4, 1) + timedelta(days=r.randint(0, 300))
        end = min(start + timedelta(days=r.randint(0, 200)), date(2026, 3, 31))
        outcome = r.choice(["won", "lost", "open"])
        leads.append(f"L{i},{start}")
        rows.append(f"{i},{outcome},{start},{'' if outcome == 'open' else end},L{i}")
    tables = {"opportunities": "\n".join(rows), "leads": "\n".join(leads)}
    kpis = kpis_of(tmp_path, tables, ["team", "growth"], fiscal_year_start=4)
    shares = kpis[kpis["kpi"].isin(["won_by_day", "converted_by_day"])].dropna(subset="value")
    assert set(shares["dimension"]) == {"day"}
    steps = shares.groupby(["kpi", "grain", "period_start"])["value"].apply(
        lambda each: bool((each.diff().dropna() >= -1e-12).all())
    )
    assert steps.all()
    inside = shares.dropna(subset="low")
    assert len(inside) > 30
    assert ((inside["low"] < inside["value"]) & (inside["value"] < inside["high"])).all()


def test_what_the_deals_do_not_say_is_told_and_never_guessed(tmp_path):
    for tables, reason in (
        ({"orders": "order_id,ordered_at,amount\n1,2026-03-01,5"}, "missing_table"),
        ({"opportunities": "opportunity_id,outcome,closed_at\n1,won,2026-03-01"}, "missing_column"),
    ):
        kpis = kpis_of(tmp_path, tables, TEAM)
        for kpi in ("close_days_km", "won_by_day"):
            assert set(kpis.loc[kpis["kpi"] == kpi, "reason"]) == {reason}


def test_a_deal_decided_nobody_knows_when_is_left_out(tmp_path):
    kpis = kpis_of(tmp_path, deals("1,won,2026-01-02,,", "2,won,2026-01-02,,2026-01-12"), TEAM)
    january = cell(kpis, "close_days_km", "2026-01-01")
    assert (january["value"], january["n"]) == (10, 1)


# --- the first contact ------------------------------------------------------------------------------------


def leads(*rows: str) -> dict[str, str]:
    head = "lead_id,created_at,first_contact_at,rep_id,channel,qualified_at"
    return {"leads": "\n".join([head, *(f"{i},{row}" for i, row in enumerate(rows))])}


WAITING = leads(
    "2026-03-02T08:00,2026-03-02T09:00,ann,web,",
    "2026-03-02T08:00,2026-03-02T11:00,ann,web,",
    "2026-03-31T14:00,,bob,web,",  # ten hours so far
    "2026-03-31T04:00,,bob,fair,",  # twenty
    "2026-03-02T08:00,2026-03-03T14:00,bob,fair,",
)


@pytest.mark.kpi("worked", "first_response_hours", "contacted_24h_rate")
def test_leads_that_still_wait_make_the_first_contact_later(tmp_path):
    """Contacted after 1, 3 and 30 hours, waiting for 10 and 20: half are contacted after 30, not after 3."""
    kpis = kpis_of(tmp_path, WAITING, LEADS)
    march = cell(kpis, "first_response_hours", "2026-03-01")
    assert (march["value"], march["n"], march["unit"]) == (30, 5, "hours")
    assert march["low"] == 1, "S(1) = 4/5 has an interval that reaches below one half"
    assert np.isnan(march["high"])
    by_rep = values(kpis, "first_response_hours", dimension="rep")
    assert by_rep == {("2026-03-01", "ann"): 1, ("2026-03-01", "bob"): 30}
    assert values(kpis, "first_response_hours", "year", "channel") == {
        ("2026-01-01", "fair"): 30,
        ("2026-01-01", "web"): 3,
    }
    soon = cell(kpis, "contacted_24h_rate", "2026-03-01")
    assert (soon["numerator"], soon["denominator"]) == (2, 3), "the two of the last day are too young to tell"
    assert values(kpis, "contacted_24h_rate", dimension="rep") == {
        ("2026-03-01", "ann"): 1,
        ("2026-03-01", "bob"): 0,
    }


@pytest.mark.kpi("worked", "contacted_24h_rate")
def test_three_of_four_contacted_in_time_with_wilsons_interval(tmp_path):
    kpis = kpis_of(
        tmp_path,
        leads(
            "2026-03-02,2026-03-02,ann,web,",
            "2026-03-02,2026-03-03,ann,web,",  # plain dates: the next day is in time
            "2026-03-02,2026-03-04,ann,web,",
            "2026-03-02T23:00,2026-03-03,ann,web,",
        ),
        LEADS,
    )
    march = cell(kpis, "contacted_24h_rate", "2026-03-01")
    assert (march["value"], round(march["low"], 3), round(march["high"], 3)) == (0.75, 0.301, 0.954)
    assert cell(kpis, "first_response_hours", "2026-03-01")["value"] == 24


@pytest.mark.kpi("empty", "first_response_hours", "contacted_24h_rate")
def test_a_month_without_leads_has_no_first_contact_and_one_of_young_leads_none_to_judge(tmp_path):
    kpis = kpis_of(
        tmp_path,
        leads("2026-01-05,2026-01-06,ann,web,", "2026-03-31T12:00,2026-03-31T13:00,ann,web,"),
        LEADS,
    )
    for kpi in ("first_response_hours", "contacted_24h_rate"):
        february = cell(kpis, kpi, "2026-02-01")
        assert (february["status"], february["reason"]) == ("undefined", "no_denominator")
    march = cell(kpis, "contacted_24h_rate", "2026-03-01")
    assert (march["status"], march["reason"], march["denominator"]) == ("undefined", "none_eligible", 0)
    assert cell(kpis, "contacted_24h_rate", "2026-03-01", dimension="rep", member="ann")["reason"] == (
        "none_eligible"
    )
    assert cell(kpis, "first_response_hours", "2026-03-01")["value"] == 1
    unanswered = kpis_of(tmp_path, leads("2026-03-01,,ann,web,"), LEADS)
    assert cell(unanswered, "first_response_hours", "2026-03-01")["reason"] == "not_reached"
    assert cell(unanswered, "contacted_24h_rate", "2026-03-01")["value"] == 0


@pytest.mark.kpi("boundary", "first_response_hours", "contacted_24h_rate")
def test_a_lead_belongs_to_the_month_it_was_created_in_and_twenty_four_hours_are_counted_to_the_second(
    tmp_path,
):
    kpis = kpis_of(
        tmp_path,
        leads(
            "2026-01-31T23:59:59,2026-02-01T23:59:59,ann,web,",
            "2026-02-01T00:00:00,2026-02-02T00:00:01,ann,web,",
            "2026-02-28T22:30:00Z,2026-02-28T23:30:00Z,ann,web,",  # created in February, contacted in March
            "2026-02-28T23:30:00Z,2026-03-01T03:30:00Z,ann,web,",  # March in Warsaw
        ),
        LEADS,
    )
    assert values(kpis, "contacted_24h_rate") == {"2026-01-01": 1, "2026-02-01": 0.5, "2026-03-01": 1}
    assert values(kpis, "first_response_hours") == {"2026-01-01": 24, "2026-02-01": 1, "2026-03-01": 4}


@pytest.mark.kpi("boundary", "contacted_24h_rate")
def test_a_lead_counts_from_twenty_four_hours_before_the_end_of_the_day_on(tmp_path):
    for created, as_of, eligible in (
        ("2026-03-31T00:00:00", "2026-03-31", 1),
        ("2026-03-31T00:00:01", "2026-03-31", 0),
        ("2026-03-29T00:00:00", "2026-03-29", 0),  # a day of 23 hours
        ("2026-03-28T23:00:00", "2026-03-29", 1),
        ("2026-03-31", "2026-03-31", 1),
    ):
        table = leads(f"{created},,ann,web,")
        row = cell(kpis_of(tmp_path, table, LEADS, as_of=as_of), "contacted_24h_rate", "2026-03-01")
        assert row["denominator"] == eligible, created


@pytest.mark.kpi("boundary", "first_response_hours", "contacted_24h_rate")
def test_a_contact_before_the_creation_is_left_out_but_an_impossible_qualification_is_not(tmp_path):
    kpis = kpis_of(
        tmp_path,
        leads(
            "2026-03-02T08:00,2026-03-02T07:59:59,ann,web,",
            "2026-03-05,2026-03-04,ann,web,",
            "2026-03-02T08:00,2026-03-02T10:00,ann,web,2026-02-01",
            "2026-02-05,2026-02-04,ann,web,",
        ),
        LEADS,
    )
    march = {kpi: cell(kpis, kpi, "2026-03-01") for kpi in ("first_response_hours", "contacted_24h_rate")}
    assert [(row["value"], row["n"]) for row in march.values()] == [(2, 1), (1, 1)]
    february = {kpi: cell(kpis, kpi, "2026-02-01")["reason"] for kpi in march}
    assert february == {"first_response_hours": "no_denominator", "contacted_24h_rate": "none_eligible"}


@pytest.mark.kpi("law", "first_response_hours", "contacted_24h_rate")
def test_members_sum_to_the_company_and_waiting_leads_never_make_it_quicker(tmp_path):
    r = random.Random(6)
    rows = [
        f"2026-0{r.randint(1, 3)}-{r.randint(1, 20):02d}T{r.randint(8, 17):02d}:00,,"
        f"{r.choice(['ann', 'bob', ''])},web,"
        for _ in range(40)
    ]
    answered = []
    for row in rows:
        at, _, rest = row.partition(",,")
        contact = pd.Timestamp(at) + pd.Timedelta(hours=r.randint(0, 60))
        answered.append(f"{at},{contact.isoformat()},{rest}")
    all_answered = kpis_of(tmp_path, leads(*answered), LEADS)
    some_wait = kpis_of(tmp_path, leads(*answered[:30], *rows[30:]), LEADS)
    turned = kpis_of(tmp_path, leads(*rows[:29:-1], *answered[29::-1]), LEADS)
    pd.testing.assert_frame_equal(turned, some_wait)
    rate = some_wait[(some_wait["kpi"] == "contacted_24h_rate") & (some_wait["grain"] == "quarter")]
    totals = rate.groupby("dimension")[["numerator", "denominator"]].sum()
    assert (totals == totals.loc[""]).all(axis=None)
    hours = [cell(k, "first_response_hours", "2026-01-01", "year") for k in (all_answered, some_wait)]
    assert hours[0]["value"] <= hours[1]["value"]
    assert hours[0]["n"] == hours[1]["n"] == 40
    waits = sorted(
        (pd.Timestamp(a.split(",")[1]) - pd.Timestamp(a.split(",")[0])) / pd.Timedelta("1h") for a in answered
    )
    assert hours[0]["value"] == waits[19], "with everybody contacted it is the twentieth of forty"


def test_without_word_of_contacts_there_is_no_speed_of_contact(tmp_path):
    for tables, reason in (
        ({"orders": "order_id,ordered_at,amount\n1,2026-03-01,5"}, "missing_table"),
        ({"leads": "lead_id,created_at\n1,2026-03-01"}, "missing_column"),
    ):
        kpis = kpis_of(tmp_path, tables, LEADS)
        for kpi in ("first_response_hours", "contacted_24h_rate"):
            assert set(kpis.loc[kpis["kpi"] == kpi, "reason"]) == {reason}


# --- leads that become customers --------------------------------------------------------------------------


def conversions(*rows: tuple[str, int | None]) -> dict[str, str]:
    """Leads by the day they were created and the days after which their deal was won, None for not yet."""
    created = [f"L{i},{day}" for i, (day, _) in enumerate(rows)]
    won = [
        f"D{i},won,{day},{date.fromisoformat(day) + timedelta(days=after)},L{i}"
        for i, (day, after) in enumerate(rows)
        if after is not None
    ]
    return {
        "leads": "\n".join(["lead_id,created_at", *created]),
        "opportunities": "\n".join(
            ["opportunity_id,outcome,created_at,closed_at,lead_id", *won, "x,open,,,"]
        ),
    }


@pytest.mark.kpi("worked", "converted_by_day")
def test_leads_that_may_still_convert_count_for_as_long_as_they_were_seen(tmp_path):
    """Won after 20, 50 and 100 days; seen without a win for 40, 70 and 200.

    20: 5/6 are left; 50: of four one; 100: of two one. 1 - 5/6 = 1/6; 1 - 5/6 x 3/4 = 3/8; then 11/16.
    """
    seen = [str(NEXT_DAY - timedelta(days=n)) for n in (40, 70, 200)]
    tables = conversions(
        ("2025-09-01", 20), ("2025-09-01", 50), ("2025-09-01", 100), *((day, None) for day in seen)
    )
    kpis = kpis_of(tmp_path, tables, GROWTH, fiscal_year_start=9)
    year = ("2025-09-01", "year")
    assert by_day(kpis, "converted_by_day", *year) == pytest.approx([1 / 6, 3 / 8, 3 / 8, 11 / 16])
    curve = kaplan_meier([20, 50, 100, 40, 70, 200], [1, 1, 1, 0, 0, 0])
    row = cell(kpis, "converted_by_day", *year, "day", "60")
    assert (row["low"], row["high"]) == pytest.approx((1 - curve.loc[50, "high"], 1 - curve.loc[50, "low"]))
    assert (row["n"], row["unit"]) == (6, "ratio")
    assert cell(kpis, "convert_days", *year)["value"] == 50, "among the converted alone"


@pytest.mark.kpi("empty", "converted_by_day")
def test_a_month_without_leads_has_no_conversion_by_any_day(tmp_path):
    kpis = kpis_of(tmp_path, conversions(("2026-01-05", 3), ("2026-03-05", None)), GROWTH)
    assert reasons(kpis, "converted_by_day", "2026-02-01") == ["no_denominator"] * 4
    assert reasons(kpis, "converted_by_day", "2026-03-01") == ["none_eligible"] * 4
    assert by_day(kpis, "converted_by_day", "2026-01-01") == [1] * 4


def test_without_leads_or_deals_there_is_no_conversion_by_any_day(tmp_path):
    only_leads, only_deals = (
        {"leads": "lead_id,created_at\n1,2026-01-05"},
        deals("1,won,2026-01-05,,2026-01-06"),
    )
    for folder, tables in (("leads", only_leads), ("deals", only_deals)):
        kpis = kpis_of(tmp_path / folder, tables, GROWTH)
        found = kpis[kpis["kpi"] == "converted_by_day"]
        assert set(found["reason"]) == {"missing_table"}
        assert set(found["dimension"]) == {""}


@pytest.mark.kpi("boundary", "converted_by_day")
def test_the_days_of_a_conversion_and_of_a_lead_still_open_are_counted_to_the_day(tmp_path):
    tables = conversions(("2025-08-31", 180), ("2025-08-01", 181), ("2025-09-01", 3))
    kpis = kpis_of(tmp_path, tables, GROWTH)
    assert by_day(kpis, "converted_by_day", "2025-08-01") == [0, 0, 0, 0.5]
    assert by_day(kpis, "converted_by_day", "2025-09-01") == [1] * 4
    for age, reason in ((180, ""), (179, "none_eligible")):
        day = str(NEXT_DAY - timedelta(days=age))
        kpis = kpis_of(tmp_path, conversions((day, None)), GROWTH)
        assert reasons(kpis, "converted_by_day", f"{day[:8]}01")[3] == reason
    old = kpis_of(tmp_path, conversions(("2025-04-02", 170), *[("2025-04-01", None)] * 3), GROWTH)
    assert by_day(old, "converted_by_day", "2025-04-01") == pytest.approx([0, 0, 0, 0.25])


@pytest.mark.kpi("boundary", "converted_by_day")
def test_a_conversion_before_the_lead_is_no_duration(tmp_path):
    kpis = kpis_of(tmp_path, conversions(("2026-01-05", -2), ("2026-01-05", 3), ("2026-01-06", None)), GROWTH)
    row = cell(kpis, "converted_by_day", "2026-01-01", "month", "day", "30")
    assert (row["value"], row["n"]) == (0.5, 2)
    assert cell(kpis, "lead_conversion_rate", "2026-01-01")["n"] == 3


@pytest.mark.kpi("law", "converted_by_day")
def test_a_cohort_followed_to_the_end_has_the_plain_shares_and_a_young_one_no_less(tmp_path):
    r = random.Random(7)
    days = [r.choice([None, r.randint(0, 220)]) for _ in range(40)]
    kpis = kpis_of(tmp_path, conversions(*(("2025-02-03", d) for d in days)), GROWTH)
    shares = [sum(d is not None and d <= n for d in days) / 40 for n in (30, 60, 90, 180)]
    assert by_day(kpis, "converted_by_day", "2025-02-01") == pytest.approx(shares)
    young = [str(NEXT_DAY - timedelta(days=r.randint(1, 80))) for _ in range(20)]
    mixed = conversions(*(("2025-04-03", d) for d in days), *((day, None) for day in young))
    kpis = kpis_of(tmp_path, mixed, GROWTH, fiscal_year_start=4)
    curve = by_day(kpis, "converted_by_day", "2025-04-01", "year")
    assert all(
        sum(d is not None and d <= n for d in days) / 60 <= c
        for n, c in zip((30, 60, 90), curve, strict=False)
    )
    turned = {name: "\n".join([t.splitlines()[0], *t.splitlines()[:0:-1]]) for name, t in mixed.items()}
    pd.testing.assert_frame_equal(kpis_of(tmp_path, turned, GROWTH, fiscal_year_start=4), kpis)
