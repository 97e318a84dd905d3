"""Targets: what was to be reached, how much of it is, how much was due by now, and what is left for each day.

A target is the one known on the report's day for exactly the period and scope, else the sum of the finer ones
that tile it; a coarser one is never split. A scope that is `(unassigned)` names no team or rep.
"""

import numpy as np
import pandas as pd

from analysis.facts import Facts
from analysis.glossary import UNASSIGNED
from analysis.periods import MONTHS_IN, Calendar, month_index
from analysis.rows import KEYS, MONEY_DIGITS, missing_rows, pick, rows
from analysis.selling_days import by_period
from analysis.stats import ratio

METRICS = ("revenue", "units", "new_accounts")
SCOPES = {"company": "", "team": "team", "rep": "rep"}
SPAN = ["grain", "first_month"]


def targets(facts: Facts, actuals: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """`target_*`, `attainment_*`, `pace_*`, `required_daily_revenue` and `target_cascade`.

    `actuals` holds the rows of each of METRICS as the KPI table has them.
    """
    lack = facts.lack("target_revenue")
    if lack:
        each = [f"{kind}_{metric}" for metric in METRICS for kind in ("target", "attainment", "pace")]
        whole = ["required_daily_revenue", "target_cascade"]
        return missing_rows([*each, *whole], lack, facts.calendar)
    known = known_targets(facts)
    days = by_period(facts.company.params.country, facts.calendar)
    parts = []
    for metric in METRICS:
        here = known[known["metric"] == metric].drop(columns="metric")
        grid = facts.calendar.table()[SPAN].assign(dimension="", member="")
        set_for = grid.merge(here, how="outer", on=KEYS)
        reached = against(set_for, actuals[metric], days)
        parts += [
            rows(f"target_{metric}", set_for, set_for["target"], reason="no_target"),
            attainment(metric, reached),
            pace(metric, reached),
        ]
        if metric == "revenue":
            parts += [required_daily(reached), cascade(set_for)]
    return pd.concat(parts, ignore_index=True)


def against(set_for: pd.DataFrame, actual: pd.DataFrame, days: pd.DataFrame) -> pd.DataFrame:
    """Every scope with a target or a result: KEYS, `target`, `actual`, `n`, `reason` and the selling days.

    Without a row a result is 0, unless the whole KPI is missing: then it is NaN. `reason` says why nothing
    can be divided by the target, where nothing can.
    """
    absent = bool(len(actual)) and actual["reason"].isin(["missing_table", "missing_column"]).all()
    members = set_for if absent else actual[KEYS].merge(set_for, how="outer", on=KEYS)
    members = members[members["dimension"].isin(SCOPES.values())]
    reached = pick(actual, "value", members)
    lacking = np.where(members["target"].isna(), "no_target", "no_denominator")
    return members.assign(
        actual=np.where(np.isnan(reached) & (not absent), 0.0, reached),
        n=np.nan_to_num(pick(actual, "n", members)),
        reason=actual["reason"].iloc[0] if absent else lacking,
    ).merge(days, how="left", on=SPAN, validate="m:1")


def attainment(metric: str, reached: pd.DataFrame) -> pd.DataFrame:
    """`attainment_*` = actual / target."""
    return rows(
        f"attainment_{metric}",
        reached,
        ratio(reached["actual"], reached["target"]),
        numerator=reached["actual"],
        denominator=reached["target"],
        n=reached["n"],
        reason=reached["reason"],
    )


def pace(metric: str, reached: pd.DataFrame) -> pd.DataFrame:
    """`pace_*` = actual / the part of the target that was due by the closing day, equal for each selling day.

    due = target x selling days elapsed / selling days of the period; over a whole period it is the target.
    480,000 of 1,000,000 after 12 of 23 selling days is 0.92.
    """
    due = reached["target"] * ratio(reached["elapsed"], reached["selling_days"])
    return rows(
        f"pace_{metric}",
        reached,
        ratio(reached["actual"], due),
        numerator=reached["actual"],
        denominator=due,
        n=reached["n"],
        reason=reached["reason"],
    )


def required_daily(reached: pd.DataFrame) -> pd.DataFrame:
    """`required_daily_revenue` = max(target - actual, 0) / selling days left in the period."""
    missing = (reached["target"] - reached["actual"]).clip(lower=0).round(MONEY_DIGITS)
    return rows(
        "required_daily_revenue",
        reached,
        ratio(missing, reached["left"]),
        numerator=missing,
        denominator=reached["left"],
        n=reached["n"],
        reason=reached["reason"],
    )


def cascade(set_for: pd.DataFrame) -> pd.DataFrame:
    """`target_cascade` = the reps' revenue targets of the period, summed / the company's."""
    company = set_for[set_for["dimension"] == ""]
    reps = set_for[set_for["dimension"] == "rep"].groupby(SPAN)["target"].sum().round(MONEY_DIGITS)
    given = reps.reindex(pd.MultiIndex.from_frame(company[SPAN])).to_numpy()
    unset = np.isnan(given) | company["target"].isna()
    return rows(
        "target_cascade",
        company,
        ratio(given, company["target"]),
        numerator=given,
        denominator=company["target"],
        reason=np.where(unset, "no_target", "no_denominator"),
    )


def known_targets(facts: Facts) -> pd.DataFrame:
    """Targets as known on the report's day for every period they give or tile: metric, KEYS, `target`."""
    frame = facts.company.table("targets").to_pandas()
    if frame.empty:
        return pd.DataFrame(columns=["metric", *KEYS, "target"]).astype({"target": "float64"})
    frame["valid_from"] = pd.to_datetime(frame["valid_from"])
    frame["first_month"] = [month_index(day) for day in pd.to_datetime(frame["period_start"])]
    frame["target"] = frame["target"].astype("float64")
    frame["dimension"] = frame["scope"].map(SCOPES)
    frame["member"] = frame["scope_id"].where(frame["scope"] != "company", "").fillna(UNASSIGNED)
    frame = frame.rename(columns={"period": "grain"})
    frame = frame[frame["first_month"] == aligned(frame, facts.calendar)]
    frame = frame.sort_values("valid_from", kind="stable", na_position="first").drop_duplicates(
        ["metric", *KEYS], keep="last"
    )
    parts = []
    for (metric, dimension, member), group in frame.groupby(["metric", "dimension", "member"]):
        tiled = tile(group.set_index(["grain", "first_month"])["target"].to_dict(), facts.calendar)
        parts.append(tiled.assign(metric=metric, dimension=dimension, member=member))
    return pd.concat(parts, ignore_index=True)[["metric", *KEYS, "target"]]


def aligned(frame: pd.DataFrame, calendar: Calendar) -> pd.Series:
    """First month of the fiscal period that holds each target's start; a target that starts elsewhere fits
    no period.
    """
    months = [
        calendar.of(month, grain) for month, grain in zip(frame["first_month"], frame["grain"], strict=True)
    ]
    return pd.Series(months, index=frame.index)


def tile(known: dict[tuple[str, int], float], calendar: Calendar) -> pd.DataFrame:
    """The target of every shown period: its own, else the sum of finer ones when all of them are there."""

    def target(grain: str, first: int) -> float | None:
        if (grain, first) in known:
            return known[grain, first]
        finer = {"year": "quarter", "quarter": "month"}.get(grain)
        if finer is None:
            return None
        pieces = [target(finer, m) for m in range(first, first + MONTHS_IN[grain], MONTHS_IN[finer])]
        there = [piece for piece in pieces if piece is not None]
        return round(sum(there), MONEY_DIGITS) if len(there) == len(pieces) else None

    found = [(p.grain, p.first_month, target(p.grain, p.first_month)) for p in calendar.periods()]
    kept = [f for f in found if f[2] is not None]
    return pd.DataFrame(kept, columns=["grain", "first_month", "target"]).astype({"target": "float64"})
