"""From facts by month to rows of the KPI table: roll up over grains and breakdowns, divide, put an interval
beside it.

Facts are frames with an integer `month`, one text column per breakdown and additive measures. A *rolled*
frame has `grain, first_month, dimension, member` and the measures; a *rows* frame has the columns `COLUMNS`.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis.glossary import GRAINS, KPIS
from analysis.periods import MONTHS_IN, Calendar
from analysis.stats import ratio, summaries, wilson

KEYS = ["grain", "first_month", "dimension", "member"]
COLUMNS = ["kpi", *KEYS, "value", "numerator", "denominator", "n", "low", "high", "reason"]
MONEY_DIGITS = 9  # frees sums of exact decimals of the last bits that adding floats leaves


def no_rows() -> pd.DataFrame:
    """A rows frame without a row."""
    return pd.DataFrame(columns=COLUMNS)


def roll_up(
    facts: pd.DataFrame,
    measures: Sequence[str],
    dims: Sequence[str],
    calendar: Calendar,
    grains: Iterable[str] = GRAINS,
) -> pd.DataFrame:
    """Sum `measures` of facts by month over every grain, for the company and for each breakdown in `dims`.

    The company total has every period from the calendar's earliest month on, with 0 where there are no
    facts; a breakdown has its members with facts only. Where the facts have a column `n_rep`, it stands for
    the measure `n` in the breakdown by rep (a deal of three splits is one deal for the company and one for
    each of three reps).
    """
    facts = facts[facts["month"].between(calendar.earliest_month, calendar.last_month)]
    parts = []
    for dim in ("", *dims):
        members, there, sums = by_member(facts, measures, dim, calendar)
        for grain in grains:
            size = MONTHS_IN[grain]
            starts = calendar.earliest_month + size * np.arange(there.shape[1] // size)
            shape = (len(members), len(starts), size)
            held = there.reshape(shape).any(axis=2)
            member, period = np.nonzero(held if dim else starts[None, :] <= calendar.last_month)
            part = {
                "grain": grain,
                "first_month": starts[period],
                "dimension": dim,
                "member": members.take(member),
            }
            for name, total in zip(measures, sums, strict=True):
                summed = total.reshape(shape).sum(axis=2)[member, period]
                part[name] = summed.round(MONEY_DIGITS).astype("float64")
            parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True)


def by_member(
    facts: pd.DataFrame, measures: Sequence[str], dim: str, calendar: Calendar
) -> tuple[pd.Index, np.ndarray, list[np.ndarray]]:
    """The members of a breakdown, whether each has facts in each month, and each measure's sums: members x
    months, whole fiscal years from the calendar's earliest month on.
    """
    codes, members = pd.factorize(facts[dim]) if dim else (np.zeros(len(facts), dtype="int64"), [""])
    months = ((calendar.last_month - calendar.earliest_month) // 12 + 1) * 12
    known = codes >= 0
    cell = (codes * months + facts["month"].to_numpy(dtype="int64") - calendar.earliest_month)[known]
    shape = (len(members), months)
    order = np.argsort(cell, kind="stable")
    cells, starts = np.unique(cell[order], return_index=True)
    there = np.zeros(len(members) * months, dtype=bool)
    there[cells] = True
    sums = []
    for measure in measures:
        counted = facts[f"{measure}_{dim}" if f"{measure}_{dim}" in facts else measure]
        each = np.nan_to_num(counted.to_numpy(dtype="float64"))[known][order].astype(np.longdouble)
        total = np.zeros(len(there), dtype=np.longdouble)  # long, so that adding leaves no last bits
        total[cells] = np.add.reduceat(each, starts) if len(cells) else 0
        sums.append(total.reshape(shape))
    return pd.Index(members, dtype="str"), there.reshape(shape), sums


def rows(kpi: str, rolled: pd.DataFrame, value: ArrayLike, **columns: ArrayLike) -> pd.DataFrame:
    """Rows of one KPI from a rolled frame; only the breakdowns and grains that the glossary names for it.

    `columns` may set numerator, denominator, n, low, high and reason (why the value is missing, where it is;
    without one it is `no_denominator`).
    """
    spec = KPIS[kpi]
    wanted = (rolled["dimension"].isin(["", *spec.dims]) & rolled["grain"].isin(spec.grains)).to_numpy()

    def chosen(column: ArrayLike) -> np.ndarray:
        plain = np.asarray(column, dtype="float64") + 0.0  # a zero has no sign
        return np.broadcast_to(plain, len(rolled))[wanted]

    why = np.broadcast_to(np.asarray(columns.get("reason", "no_denominator"), dtype=object), len(rolled))
    values = chosen(value)
    frame = rolled.loc[wanted, KEYS]
    frame.insert(0, "kpi", kpi)
    frame["value"] = values
    for name in ("numerator", "denominator", "n", "low", "high"):
        frame[name] = chosen(columns.get(name, np.nan))
    frame["reason"] = pd.array(np.where(np.isnan(values), why[wanted], ""), dtype="str")
    return frame


def sum_rows(kpi: str, rolled: pd.DataFrame, measure: str, n: str | None = None) -> pd.DataFrame:
    """Rows of a sum or count: its value is the measure, its n the column `n`."""
    return rows(kpi, rolled, rolled[measure], n=rolled[n] if n else np.nan)


def ratio_rows(
    kpi: str,
    rolled: pd.DataFrame,
    numerator: str,
    denominator: str,
    n: str | None = None,
    interval: bool = False,
) -> pd.DataFrame:
    """Rows of a ratio of sums; undefined without a denominator; with `interval`, Wilson's for a
    proportion.
    """
    top, bottom = rolled[numerator], rolled[denominator]
    low, high = wilson(top, bottom) if interval else (np.nan, np.nan)
    return rows(
        kpi,
        rolled,
        ratio(top, bottom),
        numerator=top,
        denominator=bottom,
        n=rolled[n] if n else bottom,
        low=low,
        high=high,
    )


def missing_rows(kpis: Iterable[str], reason: str, calendar: Calendar) -> pd.DataFrame:
    """The company total of each KPI, undefined in every shown period for the same reason."""
    parts = []
    for kpi in kpis:
        grid = calendar.table(KPIS[kpi].grains)[["grain", "first_month"]].assign(dimension="", member="")
        parts.append(rows(kpi, grid, np.nan, reason=reason))
    return pd.concat(parts, ignore_index=True) if parts else no_rows()


def order_statistics(
    facts: pd.DataFrame, value: str, dims: Sequence[str], calendar: Calendar
) -> pd.DataFrame:
    """A rolled frame of exact order statistics of `value` (see `stats.summaries`), `n` = 0 where there are
    none.

    `facts` has one row per month, breakdown and value, with `n` (or `n_rep` for the breakdown by rep, …)
    saying how many times it occurred.
    """
    facts = facts[facts["month"].between(calendar.earliest_month, calendar.last_month)]
    values = facts[value].to_numpy(dtype="float64")
    order = np.argsort(values, kind="stable")  # once: then every breakdown only has to be sorted by group
    values, month = values[order], facts["month"].to_numpy(dtype="int64")[order]
    parts = []
    for dim in ("", *dims):
        times = facts[f"n_{dim}" if f"n_{dim}" in facts else "n"].to_numpy(dtype="int64")[order]
        codes, members = pd.factorize(facts[dim]) if dim else (np.zeros(len(facts), "int64"), [""])
        for grain in GRAINS:
            starts = calendar.of(month, grain)
            period = (starts - calendar.of(calendar.earliest_month, grain)) // MONTHS_IN[grain]
            stats = summaries(period * len(members) + codes[order], values, times)
            period, member = np.divmod(stats.index.to_numpy(dtype="int64"), max(len(members), 1))
            part = stats.assign(
                first_month=calendar.of(calendar.earliest_month, grain) + period * MONTHS_IN[grain],
                member=np.asarray(members, dtype=object)[member],
            )
            if not dim:
                grid = pd.DataFrame({"first_month": calendar.starts(grain), "member": ""})
                part = grid.merge(part, how="left", on=["first_month", "member"])
            parts.append(part.assign(grain=grain, dimension=dim))
    return pd.concat(parts, ignore_index=True).fillna({"n": 0})


def pick(rolled: pd.DataFrame, measure: str, keys: pd.DataFrame) -> np.ndarray:
    """The measure of another rolled frame, in the row order of `keys` (both keyed by KEYS); NaN where it has
    no row.
    """
    return keys[KEYS].merge(rolled[[*KEYS, measure]], how="left", on=KEYS, validate="m:1")[measure].to_numpy()
