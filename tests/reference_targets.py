"""Targets, pace, the shrunk win rate and the growth of the running month a second time, in plain loops."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from math import exp, lgamma, log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reference import Reference

NONE = "(unassigned)"
DAY = timedelta(days=1)
SIZES = {"month": 1, "quarter": 3, "year": 12}
FINER = {"year": "quarter", "quarter": "month"}
OFF = {  # on weekdays; the report's day is in 2026
    "PL": {
        *(date(y, m, d) for y in range(2023, 2028) for m, d in
          [(1, 1), (1, 6), (5, 1), (5, 3), (8, 15), (11, 1), (11, 11), (12, 25), (12, 26)]),
        *(date(y, 12, 24) for y in (2025, 2026, 2027)),  # a holiday since 2025
        date(2023, 4, 10), date(2024, 4, 1), date(2025, 4, 21), date(2026, 4, 6),  # Easter Monday
        date(2023, 6, 8), date(2024, 5, 30), date(2025, 6, 19), date(2026, 6, 4),  # Corpus Christi
    }
}  # fmt: skip


def month_later(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)


def selling_days(ref: Reference, start: date, end: date) -> list[date]:
    """The selling days of [start, end), one by one."""
    found, day = [], start
    while day < end:
        if day.weekday() < 5 and day not in OFF.get(ref.p.get("country"), ()):
            found.append(day)
        day += DAY
    return found


def quotient(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None or abs(b) < 1e-9 else a / b


def target_of(ref: Reference, metric: str, scope: str, who: str, grain: str, start: date) -> float | None:
    """The latest target known for the period, else the sum of finer ones that tile it."""
    latest = None
    for row in ref.t["targets"]:
        same = (row["metric"], row["scope"], row["period"], row["period_start"].replace(day=1))
        if same != (metric, scope, grain, start) or (scope != "company" and (row["scope_id"] or NONE) != who):
            continue
        if latest is None or (row["valid_from"] or date.min) > (latest["valid_from"] or date.min):
            latest = row
    if latest:
        return latest["target"]
    if grain == "month":
        return None
    size = SIZES[FINER[grain]]
    starts = [month_later(start, m) for m in range(0, SIZES[grain], size)]
    parts = [target_of(ref, metric, scope, who, FINER[grain], s) for s in starts]
    return None if None in parts else sum(parts)


def targets(ref: Reference) -> None:
    if "targets" not in ref.t:
        return
    for grain, start, end in ref.periods():
        days = selling_days(ref, start, end)
        over = [d for d in days if d <= ref.as_of]
        for metric in ("revenue", "units", "new_accounts"):
            for scope, dim in (("company", ""), ("team", "team"), ("rep", "rep")):
                aimed = {r["scope_id"] or NONE for r in ref.t["targets"] if r["scope"] == scope}
                made = {k[4] for k in list(ref.out) if k[:4] == (metric, grain, start, dim)}
                for who in sorted(aimed | made) if dim else [""]:
                    target = target_of(ref, metric, scope, who, grain, start)
                    made_here = ref.out.get((metric, grain, start, dim, who))
                    if dim and target is None and made_here is None:
                        continue
                    reached = made_here or 0
                    due = None if target is None else target * len(over) / len(days)
                    if not dim or target is not None:
                        ref.put(f"target_{metric}", grain, start, dim, who, target)
                    ref.put(f"attainment_{metric}", grain, start, dim, who, quotient(reached, target))
                    ref.put(f"pace_{metric}", grain, start, dim, who, quotient(reached, due))
                    if metric == "revenue" and not dim:
                        missing = None if target is None else max(target - reached, 0)
                        needed = quotient(missing, len(days) - len(over))
                        ref.put("required_daily_revenue", grain, start, "", "", needed)
        given = [
            target_of(ref, "revenue", "rep", who, grain, start)
            for who in {r["scope_id"] or NONE for r in ref.t["targets"] if r["scope"] == "rep"}
        ]
        reps = [t for t in given if t is not None]
        company = target_of(ref, "revenue", "company", "", grain, start)
        ref.put("target_cascade", grain, start, "", "", quotient(sum(reps) if reps else None, company))


# --- win rates drawn towards the team's -------------------------------------------------------------------


def log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def strength(reps: list[tuple[float, float]], mean: float, most: float) -> float:
    """The prior's worth in deals: the likeliest of many, then of ever fewer around it."""

    def likelihood(m: float) -> float:
        return sum(
            log_beta(won + mean * m, decided - won + (1 - mean) * m) - log_beta(mean * m, (1 - mean) * m)
            for won, decided in reps
        )

    if not 0 < mean < 1 or not reps or most <= 1:
        return max(most, 1)
    low, high = 0.0, log(most)
    for _ in range(30):
        points = [low + (high - low) * i / 12 for i in range(13)]
        best = max(range(13), key=lambda i: likelihood(exp(points[i])))
        low, high = points[max(best - 1, 0)], points[min(best + 1, 12)]
    found = likelihood(exp((low + high) / 2))
    as_high = likelihood(most) >= found - 1e-9 * (1 + abs(found))
    return most if as_high else exp((low + high) / 2)


def shrunk(ref: Reference) -> None:
    if "opportunities" not in ref.t:
        return
    decided = [d for d in ref.t["opportunities"] if d["outcome"] != "open"]
    credits = [c for deal in decided for c in ref.credits(deal)]
    for grain, start, end in ref.periods():
        by_rep: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for c in credits:
            closed = c["deal"]["closed_at"]
            if start <= (closed.date() if hasattr(closed, "date") else closed) < end:
                by_rep[c["rep"]][0] += c["share"] if c["deal"]["outcome"] == "won" else 0
                by_rep[c["rep"]][1] += c["share"]
        won, all_ = (sum(pair[i] for pair in by_rep.values()) for i in (0, 1))
        mean = quotient(won, all_)
        ref.put("win_rate_shrunk", grain, start, "", "", mean)
        if mean is None:
            continue
        mean = 1.0 if mean > 1 - 1e-9 else 0.0 if mean < 1e-9 else mean
        worth = strength([tuple(pair) for who, pair in by_rep.items() if who != NONE], mean, all_)
        for who, (x, n) in by_rep.items():
            ref.put("win_rate_shrunk", grain, start, "rep", who, (x + mean * worth) / (n + worth))


# --- the running month ------------------------------------------------------------------------------------


def month_to_date(ref: Reference) -> None:
    for _, start, end in ref.periods(("month",)):
        value = None
        if end - DAY > ref.as_of:
            k = len([d for d in selling_days(ref, start, end) if d <= ref.as_of])
            before = month_later(start, -1)
            days = selling_days(ref, before, start)
            last = start - DAY if len(days) < k else days[k - 1] if k else before - DAY
            base, now = ref.revenue_of(before, last + DAY), ref.revenue_of(start, end)
            value = (now - base) / base if base > 1e-9 else None
        ref.put("sales_growth_mtd", "month", start, "", "", value)
