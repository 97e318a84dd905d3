"""Targets: what was to be reached, how much of it is, how much was due by now, and what is left for each day.

A target is the one known on the report's day for exactly the period and scope, else the sum of the finer ones
that tile it; a coarser one is never split. A scope that is `(unassigned)` names no team or rep.
"""

import numpy as np
import pandas as pd

from analysis.facts import Facts
from analysis.glossary import UNASSIGNED
from analysis.periods import MONTHS_IN, Calendar
from analysis.rows import KEYS, MONEY_DIGITS, missing_rows, rows
from analysis.selling_days import by_period
from analysis.stats import ratio

METRICS = ("revenue", "units", "new_accounts")
SCOPES = {"company": "", "team": "team", "rep": "rep"}
SPAN = ["grain", "first_month"]
FINER = {"quarter": "month", "year": "quarter"}


def targets(facts: Facts, actuals: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """`target_*`, `attainment_*`, `pace_*`, `required_daily_revenue` and `target_cascade`.

    `actuals` holds the rows of each of METRICS as the KPI table has them.
    """
    lack = facts.lack("target_revenue")
    if lack:
        each = [f"{kind}_{metric}" for metric in METRICS for kind in ("target", "attainment", "pace")]
        whole = ["required_daily_revenue", "target_cascade"]
        return missing_rows([*each, *whole], lack, facts.calendar)
    grid = facts.calendar.table()[SPAN].assign(dimension="", member="")
    grid = pd.concat([grid.assign(metric=metric) for metric in METRICS])
    set_for = grid.merge(known_targets(facts), how="outer", on=["metric", *KEYS], validate="1:1")
    reached = against(set_for, actuals, by_period(facts.company.params.country, facts.calendar))
    parts = []
    for metric in METRICS:
        aimed = set_for[set_for["metric"] == metric]
        made = reached[reached["metric"] == metric]
        parts += [
            rows(f"target_{metric}", aimed, aimed["target"], reason="no_target"),
            attainment(metric, made),
            pace(metric, made),
        ]
        if metric == "revenue":
            parts += [required_daily(made), cascade(aimed)]
    return pd.concat(parts, ignore_index=True)


def against(set_for: pd.DataFrame, actuals: dict[str, pd.DataFrame], days: pd.DataFrame) -> pd.DataFrame:
    """Every scope with a target or a result: metric, KEYS, `target`, `actual`, `n`, `reason`, selling days.

    Without a row a result is 0, unless the whole KPI is missing: then it is NaN. `reason` says why nothing
    can be divided by the target, where nothing can.
    """
    columns = ["metric", *KEYS, "value", "n"]
    made = pd.concat([results.assign(metric=metric) for metric, results in actuals.items()])[columns]
    made = made[made["dimension"].isin(SCOPES.values())]
    members = made.merge(set_for, how="outer", on=["metric", *KEYS], validate="1:1")
    missing = {
        metric: results["reason"].iloc[0]
        for metric, results in actuals.items()
        if len(results) and results["reason"].isin(["missing_table", "missing_column"]).all()
    }
    absent = members["metric"].isin(missing)
    lacking = np.where(members["target"].isna(), "no_target", "no_denominator")
    return members.assign(
        actual=members["value"].where(absent, members["value"].fillna(0)),
        n=members["n"].fillna(0),
        reason=members["metric"].map(missing).where(absent, lacking),
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
    """Targets as known on the report's day for every shown period they give or tile: metric, KEYS, target."""
    given, calendar = latest_targets(facts), facts.calendar
    known: dict[str, pd.DataFrame] = {}
    for grain in MONTHS_IN:
        own = given[given["grain"] == grain]
        own = own[own["first_month"] == calendar.of(own["first_month"], grain)]  # others fit no period
        known[grain] = tiled(own, known[FINER[grain]], grain, calendar) if grain in FINER else own
    return pd.concat(known.values()).merge(calendar.table()[SPAN], on=SPAN)[["metric", *KEYS, "target"]]


def latest_targets(facts: Facts) -> pd.DataFrame:
    """The last target set for each metric, scope and span that begins in a month: metric, KEYS, `target`."""
    table = facts.company.table("targets")
    amount = table.target.cast("float64")
    given = table.select(
        "metric", "scope", "scope_id", "period_start", "valid_from", grain=table.period, target=amount
    ).to_pandas()
    start = pd.to_datetime(given["period_start"])
    given = given.assign(
        first_month=(start.dt.year * 12 + start.dt.month - 1).astype("int64"),
        dimension=given["scope"].map(SCOPES).astype("str"),
        member=given["scope_id"].where(given["scope"] != "company", "").fillna(UNASSIGNED),
        valid_from=pd.to_datetime(given["valid_from"]),
    )
    given = given.sort_values("valid_from", kind="stable", na_position="first")
    return given.drop_duplicates(["metric", *KEYS], keep="last")[["metric", *KEYS, "target"]]


def tiled(own: pd.DataFrame, finer: pd.DataFrame, grain: str, calendar: Calendar) -> pd.DataFrame:
    """The targets set for a grain and, where none is, the sum of finer ones when all of them are there."""
    whose = ["metric", "dimension", "member", "first_month"]
    pieces = finer.assign(first_month=calendar.of(finer["first_month"], grain)).groupby(whose)["target"]
    sums = pieces.sum().round(MONEY_DIGITS)[pieces.size() == MONTHS_IN[grain] // MONTHS_IN[FINER[grain]]]
    return pd.concat([own, sums.reset_index().assign(grain=grain)]).drop_duplicates(whose)
