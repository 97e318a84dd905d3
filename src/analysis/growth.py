"""Growth: how many leads become customers and how fast, and how revenue grows."""

from datetime import timedelta

import ibis
import numpy as np
import pandas as pd
from ibis import Table

from analysis.durations import BY_DAYS, age, by_day_rows, cells, ended
from analysis.facts import MICROSECONDS_A_DAY, Facts, elapsed, labelled, month_of, sorted_frame
from analysis.growth_effects import growth_effect
from analysis.month_to_date import sales_growth_mtd
from analysis.pipeline import links, stage_entries
from analysis.rows import KEYS, MONEY_DIGITS, missing_rows, order_statistics, ratio_rows, roll_up, rows
from analysis.stats import growth, ratio

CONVERSIONS = (
    "lead_opportunity_ratio",
    "lead_conversion_rate",
    "lead_conversion_90d",
    "convert_days",
    "converted_by_day",
)
LEAD_DIMS = ("rep", "channel", "motion")
MATURE_DAYS = 90


def table(facts: Facts) -> pd.DataFrame:
    """All rows of the family."""
    return pd.concat(
        [
            conversions(facts),
            stage_conversion(facts),
            sales_growth(facts),
            sales_growth_mtd(facts),
            growth_effect(facts),
            gross_margin(facts),
        ],
        ignore_index=True,
    )


def lead_outcomes(facts: Facts) -> Table:
    """One row per lead: when it was created and, if any of its opportunities was won, when the first one was.

    A lead is linked to an opportunity from either side. `qualified` says whether it has one that exists on
    the report's day, or a date of its own at which it got one; `duration` is microseconds from creation to
    conversion, null where the lead has not converted or the dates contradict each other.
    """
    leads, deals = facts.company.table("leads"), facts.company.table("opportunities")
    found = links(facts).inner_join(deals.drop("lead_id"), "opportunity_id")
    won = (found.outcome == "won") & found.closed_at.notnull()
    first = found.group_by(lead_id=found.lead_id).agg(
        deals=found.count(),
        converted_at=found.closed_at.min(where=won),
        converted_at_utc=found.closed_at_utc.min(where=won),
    )
    joined = leads.left_join(first, "lead_id").drop("lead_id_right")
    qualified = joined.deals.notnull() | (joined.opportunity_id.notnull() & joined.qualified_at.notnull())
    outcome = joined.select(
        "created_at",
        "created_at_utc",
        "converted_at",
        "converted_at_utc",
        rep=labelled(joined.rep_id),
        channel=labelled(joined.channel),
        qualified=qualified,
    )
    duration = elapsed(outcome, "created_at", "converted_at")
    known = outcome.converted_at.notnull() & (duration >= 0)
    return outcome.mutate(duration=known.ifelse(duration, ibis.null("int64")))


def conversion_facts(facts: Facts) -> pd.DataFrame:
    """Leads by month created, rep, channel, motion and microseconds to conversion: counts of each stage
    reached.

    Those that have not converted are told apart by the microseconds `followed`, those followed for longer
    than the last of BY_DAYS counted as one.
    """
    leads = lead_outcomes(facts)
    so_far = age(facts, leads, "created_at")
    old_enough = so_far >= MATURE_DAYS * MICROSECONDS_A_DAY
    in_time = leads.duration <= MATURE_DAYS * MICROSECONDS_A_DAY
    longest = ibis.least(so_far, ibis.literal(max(BY_DAYS) * MICROSECONDS_A_DAY, "int64"))
    counts = leads.group_by(
        month=month_of(leads.created_at),
        rep=leads.rep,
        channel=leads.channel,
        duration=leads.duration,
        followed=leads.converted_at.isnull().ifelse(longest, ibis.null("int64")),
    ).agg(
        leads=leads.count(),
        qualified=leads.count(where=leads.qualified),
        converted=leads.count(where=leads.converted_at.notnull()),
        eligible=leads.count(where=old_enough),
        in_time=leads.count(where=old_enough & in_time),
    )
    frame = sorted_frame(counts)
    return frame.assign(motion=facts.motion(frame["channel"]))


def conversions(facts: Facts) -> pd.DataFrame:
    """The cohort of leads created in the period: how many were qualified and converted, and how fast."""
    lack = facts.lack("lead_conversion_rate")
    if lack:
        return missing_rows(CONVERSIONS, lack, facts.calendar)
    frame = conversion_facts(facts)
    measures = ["leads", "qualified", "converted", "eligible", "in_time"]
    rolled = roll_up(frame, measures, LEAD_DIMS, facts.calendar)
    within = ratio_rows("lead_conversion_90d", rolled, "in_time", "eligible", interval=True)
    timed = frame[frame["duration"].notna()].assign(n=lambda f: f["leads"])
    timed = timed.assign(days=timed["duration"].astype("float64") / MICROSECONDS_A_DAY)
    speed = order_statistics(timed, "days", ("channel",), facts.calendar)
    lasted = frame.assign(
        cause=frame["duration"].notna(),
        duration=frame["duration"].fillna(frame["followed"]),
        n=frame["leads"],
    )
    seen = cells(lasted, (), facts.calendar, (ended,))
    return pd.concat(
        [
            ratio_rows("lead_opportunity_ratio", rolled, "qualified", "leads", interval=True),
            ratio_rows("lead_conversion_rate", rolled, "converted", "leads", interval=True),
            within.assign(reason=within["reason"].replace("no_denominator", "none_eligible")),
            rows("convert_days", speed, speed["median"], n=speed["n"], low=speed["low"], high=speed["high"]),
            by_day_rows("converted_by_day", seen),
        ],
        ignore_index=True,
    )


def stage_conversion(facts: Facts) -> pd.DataFrame:
    """`stage_conversion` of every stage of the params in every period; undefined where they name none."""
    lack = facts.lack("stage_conversion")
    stages = facts.company.params.stages
    if lack or not stages:
        return missing_rows(["stage_conversion"], lack or "no_denominator", facts.calendar)
    rolled = roll_up(stage_entries(facts), ["entered", "advanced"], ("stage",), facts.calendar)
    every = facts.calendar.table()[["grain", "first_month"]].merge(
        pd.DataFrame({"member": stages}), how="cross"
    )
    every = every.assign(dimension="stage").merge(rolled, how="left", on=KEYS, validate="1:1")
    every = every.fillna({"entered": 0, "advanced": 0})
    return ratio_rows("stage_conversion", every, "advanced", "entered", interval=True)


def sales_growth(facts: Facts) -> pd.DataFrame:
    """`sales_growth_mom`, `sales_growth_yoy`, `cmgr_6m`: revenue against an earlier period, which must be
    above 0.
    """
    kpis = ("sales_growth_mom", "sales_growth_yoy", "cmgr_6m")
    lack = facts.lack("revenue", facts.revenue_table, f"{facts.revenue_table}.amount")
    if lack:
        return missing_rows(kpis, lack, facts.calendar)
    rolled = facts.revenue_by_period
    before = {back: earlier(rolled, back) for back in (1, 6, 12)}
    now, six = rolled["amount"], before[6]
    complete = rolled["first_month"].isin(complete_months(facts)) & (now > 0) & (six > 0)
    change = {"sales_growth_mom": before[1], "sales_growth_yoy": before[12]}
    parts = [
        rows(
            kpi,
            rolled,
            growth(now, base),
            numerator=now - base,
            denominator=base,
            n=rolled["n"],
            reason="no_base",
        )
        for kpi, base in change.items()
    ]
    value = np.where(complete, ratio(now, six.where(complete)) ** (1 / 6) - 1, np.nan)
    parts.append(
        rows("cmgr_6m", rolled, value, numerator=now, denominator=six, n=rolled["n"], reason="no_base")
    )
    return pd.concat(parts, ignore_index=True)


def earlier(rolled: pd.DataFrame, months: int) -> pd.Series:
    """The amount of the same grain `months` earlier, in the row order of `rolled`; 0 before the first
    event.
    """
    amounts = rolled.set_index(["grain", "first_month"])["amount"]
    wanted = pd.MultiIndex.from_arrays([rolled["grain"], rolled["first_month"] - months])
    return pd.Series(amounts.reindex(wanted).to_numpy(), index=rolled.index).fillna(0)


def complete_months(facts: Facts) -> set[int]:
    """Months that are over at the end of the report's day."""
    calendar = facts.calendar
    tomorrow = facts.company.as_of + timedelta(days=1)
    running = set() if tomorrow.day == 1 else {calendar.last_month}
    return set(range(calendar.earliest_month, calendar.last_month + 1)) - running


def gross_margin(facts: Facts) -> pd.DataFrame:
    """`gross_margin_rate` of the company, from orders with a cost, else as the params state it."""
    rolled = facts.gross_margin
    rolled = rolled.assign(profit=(rolled["costed_amount"] - rolled["cost"]).round(MONEY_DIGITS))
    why = facts.lack("gross_margin_rate", "orders.cost") or "no_denominator"
    return rows(
        "gross_margin_rate",
        rolled,
        rolled["margin"],
        numerator=rolled["profit"].where(rolled["from_rows"]),
        denominator=rolled["costed_amount"].where(rolled["from_rows"]),
        n=rolled["costed_n"].where(rolled["from_rows"]),
        reason=np.where(rolled["from_rows"], "no_denominator", why),
    )
