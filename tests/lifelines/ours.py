"""Survival curves of this package on generated data, as JSON on standard output, for `theirs.py` to judge.

Lifelines needs an older pandas than this package, so the two never share an environment: this half runs in
ours, the other in its own, and what goes between them is the data and the figures.
"""

import json
import sys
from typing import Any

import numpy as np

from analysis.survival import (
    aalen_johansen,
    event_tables,
    incidence_curve,
    kaplan_meier,
    log_rank,
    median_time,
    median_times,
    nelson_aalen,
    with_survival,
)

SIZES = (1, 2, 7, 50, 400, 3000)
KINDS = ("plain", "ties", "entry", "weights", "all of it")


def subjects(rng: np.random.Generator, size: int, kind: str) -> dict[str, Any]:
    """Durations, causes (0 censored, 1, 2), entries and weights; whole days where there are ties.

    Nobody enters at the very time of an event, where the two count differently: here one who enters at t is
    at risk after t, there already at t.
    """
    ties = kind in ("ties", "all of it")
    length, end = rng.weibull(1.3, size) * 60, rng.uniform(5, 150, size)
    time = np.minimum(length, end)
    time = np.ceil(time) if ties else time
    late = kind in ("entry", "all of it")
    entry = np.where(rng.random(size) < 0.4, rng.uniform(0, 1, size) * time, 0)
    entry = np.minimum(np.floor(entry) + 0.5, time - 0.5) if ties else entry
    weighted = kind in ("weights", "all of it")
    return {
        "durations": time,
        "causes": np.where(length <= end, rng.integers(1, 3, size), 0),
        "entry": entry if late else None,
        "weights": rng.integers(1, 6, size) if weighted else None,
        "groups": rng.integers(0, 3, size),
    }


def figures(data: dict[str, Any], tied_causes: bool) -> dict[str, Any]:
    """Everything the two are compared on."""
    time, cause, entry, weight = (data[c] for c in ("durations", "causes", "entry", "weights"))
    curve = kaplan_meier(time, cause > 0, weight, entry)
    found = {
        "kaplan_meier": {c: curve[c] for c in ("survival", "low", "high", "at_risk", "events")},
        "times": curve.index,
        "median": median_time(curve),
        "nelson_aalen": nelson_aalen(time, cause > 0, weight, entry),
        "nelson_aalen_one_by_one": nelson_aalen(time, cause > 0, weight, entry, tied=False),
    }
    if not tied_causes:  # lifelines moves tied times by chance before it computes an incidence
        incidence = incidence_curve(time, cause, weight, entry)
        columns = {"incidence": "incidence", "variance": "variance"}
        columns |= {"low": "incidence_low", "high": "incidence_high"}
        found["incidence"] = {name: incidence[column] for name, column in columns.items()}
        other = aalen_johansen(time, cause, weight, entry)
        found["incidence_of_the_other"] = other[2] if 2 in other else other.sum(axis=1) * 0
    if entry is None and len(set(data["groups"])) > 1 and (cause > 0).any():
        test = log_rank(time, cause > 0, data["groups"], weight)
        found["log_rank"] = {"statistic": test.statistic, "p_value": test.p_value}
    return found


def many(data: dict[str, Any]) -> dict[str, Any]:
    """The curves and medians of the groups, computed all at once."""
    table = with_survival(event_tables(data["groups"], data["durations"], data["causes"], data["weights"]))
    return {
        "group": table["group"],
        "survival": table["survival"],
        "low": table["low"],
        "high": table["high"],
        "medians": median_times(table, 3),
    }


def cases() -> list[dict[str, Any]]:
    rng = np.random.default_rng(20260331)
    found = []
    for kind in KINDS:
        for size in SIZES:
            data = subjects(rng, size, kind)
            tied = len(np.unique(data["durations"])) < size
            case = {"name": f"{kind}, {size}", "data": data, "ours": figures(data, tied)}
            if data["entry"] is None:
                case["ours"]["groups"] = many(data)
            found.append(case)
    return found


if __name__ == "__main__":
    json.dump(cases(), sys.stdout, default=lambda array: array.tolist())
