"""Goals a second time, in fractions and plain loops: progress, roll-up, the time that is gone, and pace."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

POINTS = Fraction(5, 100)


def exact(value: Any) -> Fraction:
    return Fraction(str(value))


def target(given: dict[str, Any], as_of: date) -> Fraction | None:
    """Progress of one target that needs no table, as written in the params; None where there is none."""
    if given["type"] == "true_false":
        done = given.get("done", given.get("current"))
        if done is None:
            return None
        return Fraction(int(done <= as_of.isoformat() if isinstance(done, str) else done))
    if given["type"] == "tasks":
        counted = given["all"] - given.get("cancelled", 0)
        return Fraction(given["done"], counted) if counted else None
    current = given.get("current")
    if isinstance(current, dict):
        days = sorted(day for day in current if day <= as_of.isoformat())
        current = current[days[-1]] if days else None
    start, end = exact(given.get("start", 0)), exact(given["end"])
    if current is None or start == end:
        return None
    return (exact(current) - start) / (end - start)


def goal(given: dict[str, Any], as_of: date) -> tuple[Fraction | None, str, list[Fraction | None]]:
    """Progress and pace of a goal, and the progress of its targets."""
    first, last = (date.fromisoformat(given[k]) if k in given else None for k in ("start_on", "due_on"))
    each = [target(t, as_of) for t in given["targets"]]
    if first and as_of < first:
        return None, "undefined", [None] * len(each)
    done, weights = Fraction(0), Fraction(0)
    for progress, one in zip(each, given["targets"], strict=True):
        if progress is not None:
            weight = exact(one.get("weight", 1))
            done += weight * min(max(progress, Fraction(0)), Fraction(1))
            weights += weight
    if not weights:
        return None, "undefined", each
    progress = done / weights
    return progress, pace(progress, first, last, as_of, None not in each), each


def pace(progress: Fraction, first: date | None, last: date | None, as_of: date, whole: bool) -> str:
    if progress >= 1 and whole:
        return "done"
    if last and as_of > last:
        return "behind"
    if not first or not last:
        return "undefined"
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    gap = progress - Fraction(sum(day <= as_of for day in days), len(days))
    return "on track" if abs(gap) <= POINTS else "ahead" if gap > 0 else "behind"
