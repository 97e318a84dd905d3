"""Team performance: targets and attainment, sales per rep, win rate, sales-cycle length."""

import numpy as np
import pandas as pd

from analysis.durations import closing, with_start
from analysis.facts import MICROSECONDS_A_DAY, Facts, elapsed, month_of, numbered, sorted_frame
from analysis.glossary import UNASSIGNED
from analysis.retention_by_rep import retention_12m_by_rep
from analysis.rows import (
    KEYS,
    MONEY_DIGITS,
    missing_rows,
    order_statistics,
    ratio_rows,
    roll_up,
    rows,
    sum_rows,
)
from analysis.shrinkage import shrunk
from analysis.targets import targets

DEAL_DIMS = ("rep", "team", "channel", "segment")


def table(facts: Facts) -> pd.DataFrame:
    """All rows of the family."""
    actuals = {"revenue": revenue(facts), "units": units(facts), "new_accounts": new_accounts(facts)}
    parts = [
        *actuals.values(),
        targets(facts, actuals),
        sales_per_rep(facts, actuals["revenue"]),
        deals(facts),
        cycle(facts),
        closing(facts),
        retention_12m_by_rep(facts),
    ]
    return pd.concat([part for part in parts if len(part)], ignore_index=True)


def revenue(facts: Facts) -> pd.DataFrame:
    """`revenue`: amounts of deals won, or of orders, by the day they closed or were placed."""
    lack = facts.lack("revenue", facts.revenue_table, f"{facts.revenue_table}.amount")
    if lack:
        return missing_rows(["revenue"], lack, facts.calendar)
    rolled = roll_up(facts.revenue, ["amount", "n"], DEAL_DIMS, facts.calendar)
    return sum_rows("revenue", rolled, "amount", n="n")


def units(facts: Facts) -> pd.DataFrame:
    """`units` of the deals won."""
    lack = facts.lack("units")
    if lack:
        return missing_rows(["units"], lack, facts.calendar)
    rolled = roll_up(facts.closed_deals, ["units", "won_n"], ("rep", "team"), facts.calendar)
    return sum_rows("units", rolled, "units", n="won_n")


def new_accounts(facts: Facts) -> pd.DataFrame:
    """`new_accounts`: customers by the day they were acquired."""
    lack = facts.lack("new_accounts")
    if lack:
        return missing_rows(["new_accounts"], lack, facts.calendar)
    rolled = roll_up(facts.acquired, ["acquired"], DEAL_DIMS, facts.calendar)
    return sum_rows("new_accounts", rolled, "acquired", n="acquired")


def deals(facts: Facts) -> pd.DataFrame:
    """Deals won and lost, their size and the win rates, over deals closed in the period."""
    counted = ("won_deals", "lost_deals", "win_rate", "win_rate_shrunk")
    money = ("deal_size", "win_rate_amount")
    lacks = {kpi: facts.lack(kpi) for kpi in (*counted, *money)}
    parts = [missing_rows([kpi], lack, facts.calendar) for kpi, lack in lacks.items() if lack]
    if not lacks["won_deals"]:
        measures = ["won", "lost", "won_amount", "lost_amount", "n", "won_n", "lost_n"]
        frame = facts.closed_deals
        frame = frame.assign(
            **{f"lost_n{d}": frame[f"n{d}"] - frame[f"won_n{d}"] for d in ("", "_team", "_rep")}
        )
        rolled = roll_up(frame, measures, DEAL_DIMS, facts.calendar)
        rolled["decided"] = (rolled["won"] + rolled["lost"]).round(MONEY_DIGITS)
        rolled["decided_amount"] = (rolled["won_amount"] + rolled["lost_amount"]).round(MONEY_DIGITS)
        parts += [
            sum_rows("won_deals", rolled, "won", n="won_n"),
            sum_rows("lost_deals", rolled, "lost", n="lost_n"),
            ratio_rows("win_rate", rolled, "won", "decided", n="n", interval=True),
            shrunk_win_rate(rolled),
        ]
    if not lacks["deal_size"]:
        parts += [
            ratio_rows("deal_size", rolled, "won_amount", "won", n="won_n"),
            ratio_rows("win_rate_amount", rolled, "won_amount", "decided_amount", n="n"),
        ]
    return pd.concat(parts, ignore_index=True)


def shrunk_win_rate(rolled: pd.DataFrame) -> pd.DataFrame:
    """`win_rate_shrunk`: each rep's win rate drawn towards the team's of the period (see `shrinkage`).

    `rolled` has `won`, `decided`, `n`. The company's row is the team's rate itself, with Wilson's interval;
    deals of nobody are part of it, but have no say in how firmly the reps are drawn to it.
    """
    spans = ["grain", "first_month"]
    team, reps = (rolled[rolled["dimension"] == dimension] for dimension in ("", "rep"))
    group = pd.MultiIndex.from_frame(team[spans]).get_indexer(pd.MultiIndex.from_frame(reps[spans]))
    won, decided = reps["won"].to_numpy(), reps["decided"].to_numpy()
    named = (reps["member"] != UNASSIGNED).to_numpy()
    known = np.where(decided > 0, 1, np.nan)
    found = shrunk(group, won, decided, named, team["won"].to_numpy(), team["decided"].to_numpy())
    value, low, high = (each * known for each in found)
    return pd.concat(
        [
            ratio_rows("win_rate_shrunk", team, "won", "decided", n="n", interval=True),
            rows(
                "win_rate_shrunk",
                reps,
                value,
                numerator=reps["won"],
                denominator=reps["decided"],
                n=reps["n"],
                low=low,
                high=high,
            ),
        ]
    )


def cycle_facts(facts: Facts) -> pd.DataFrame:
    """Won deals by month of the close, breakdowns and whole microseconds from start to close, with counts.

    The start is the first contact, else the creation; a deal without either, or closed before it, is left
    out.
    """
    deals = with_start(facts.credits)
    deals = deals.filter(
        deals.outcome == "won", deals.start.notnull(), deals.closed_at.notnull(), deals.interval_ok
    )
    cells = facts.closed_deals[list(DEAL_DIMS)].drop_duplicates(ignore_index=True)
    deals = numbered(deals, cells)
    keys = {"month": month_of(deals.closed_at), "duration": elapsed(deals, "start", "closed_at")}
    counted = deals.group_by(**keys, cell=deals.cell).agg(
        n=deals.count(where=deals.n == 1), n_team=deals.count(where=deals.n_team == 1), n_rep=deals.count()
    )
    frame = sorted_frame(counted.filter(counted.month >= facts.calendar.starts("year")[0]))
    for dim in DEAL_DIMS:
        codes, members = pd.factorize(cells[dim])
        frame[dim] = pd.Categorical.from_codes(codes[frame["cell"].to_numpy()], members)
    return frame


def cycle(facts: Facts) -> pd.DataFrame:
    """`cycle_days` (median, with its interval), `cycle_days_mean`, `cycle_days_p90` of the deals won."""
    names = {"cycle_days": "median", "cycle_days_mean": "mean", "cycle_days_p90": "p90"}
    lack = facts.lack("cycle_days")
    if not lack and not facts.has_start:
        lack = "missing_column"
    if lack:
        return missing_rows(names, lack, facts.calendar)
    frame = cycle_facts(facts)
    rolled = order_statistics(
        frame.assign(days=frame["duration"] / MICROSECONDS_A_DAY), "days", DEAL_DIMS, facts.calendar
    )
    interval = {"low": rolled["low"], "high": rolled["high"]}
    return pd.concat(
        [
            rows(kpi, rolled, rolled[stat], n=rolled["n"], **(interval if stat == "median" else {}))
            for kpi, stat in names.items()
        ],
        ignore_index=True,
    )


def sales_per_rep(facts: Facts, revenue_rows: pd.DataFrame) -> pd.DataFrame:
    """`sales_per_rep`: revenue of the period over the reps on the team on any day of it."""
    lack = facts.lack("sales_per_rep", "reps", facts.revenue_table, f"{facts.revenue_table}.amount")
    if lack:
        return missing_rows(["sales_per_rep"], lack, facts.calendar)
    staff = staff_by_period(facts)
    amounts = revenue_rows[revenue_rows["dimension"].isin(["", "team"])]
    rolled = amounts[KEYS].assign(amount=amounts["value"], n=amounts["n"])
    rolled = rolled.merge(staff, how="outer", on=KEYS).fillna({"amount": 0, "reps": 0, "n": 0})
    return ratio_rows("sales_per_rep", rolled, "amount", "reps", n="n")


def staff_by_period(facts: Facts) -> pd.DataFrame:
    """Reps on the team on any day of each shown period, for the company and each team: KEYS and `reps`."""
    staff = facts.company.table("reps")
    reps = staff.filter(staff.interval_ok).select("rep_id", "team", "started_on", "ended_on").to_pandas()
    reps["team"] = reps["team"].fillna(UNASSIGNED)
    started, ended = (pd.to_datetime(reps[c]) for c in ("started_on", "ended_on"))
    parts = []
    for period in facts.calendar.periods():
        here = reps[~(started > pd.Timestamp(period.last_day)) & ~(ended < pd.Timestamp(period.start))]
        counts = here.groupby("team").size()
        members = pd.Series({"": len(here), **counts})
        parts.append(
            pd.DataFrame({"member": members.index, "reps": members.to_numpy(dtype="float64")}).assign(
                grain=period.grain, first_month=period.first_month
            )
        )
    staff = pd.concat(parts, ignore_index=True)
    return staff.assign(dimension=np.where(staff["member"] == "", "", "team"))[[*KEYS, "reps"]]
