"""The figures of `ours.py` against lifelines, which computes them from the same data in its own environment.

    python tests/lifelines/theirs.py < figures.json

Prints the largest difference of each estimate, over all cases; the exit status is 1 where one is above
1e-10, or where only one of the two has a value.
"""

import json
import sys
import warnings
from collections import defaultdict
from typing import Any

import numpy as np
from lifelines.statistics import multivariate_logrank_test

import lifelines
from lifelines import AalenJohansenFitter, KaplanMeierFitter, NelsonAalenFitter

TOLERANCE = 1e-10
HALF = 1e-9  # a curve this close to one half is at or above it as its last bits fall: no median to compare


class Differences:
    """The largest difference of each estimate, and where it was."""

    def __init__(self) -> None:
        self.worst: dict[str, tuple[float, str]] = {}
        self.compared: dict[str, int] = defaultdict(int)

    def add(self, estimate: str, case: str, ours: Any, theirs: Any) -> None:
        a, b = (np.atleast_1d(np.asarray(x, dtype="float64")) for x in (ours, theirs))
        same = (np.isnan(a) & np.isnan(b)) | (a == b)
        with np.errstate(invalid="ignore"):
            gap = np.where(same, 0.0, np.abs(a - b) / np.maximum(1, np.abs(b)))
        gap = np.where(np.isnan(gap), np.inf, gap)
        self.compared[estimate] += len(a)
        worst = float(gap.max(initial=0.0))
        if worst >= self.worst.get(estimate, (-1.0, ""))[0]:
            self.worst[estimate] = (worst, case)

    def report(self) -> int:
        lines = [f"lifelines {lifelines.__version__}: largest difference (above 1: relative)"]
        lines += [
            f"  {name:26s} {self.worst[name][0]:8.1e} of {self.compared[name]:6,d} figures"
            + (f"   <- {self.worst[name][1]}" if self.worst[name][0] > TOLERANCE else "")
            for name in self.worst
        ]
        wrong = sum(gap > TOLERANCE for gap, _ in self.worst.values())
        lines += [f"{wrong} estimates differ by more than {TOLERANCE}" if wrong else "all agree to 1e-10"]
        sys.stdout.write("\n".join(lines) + "\n")
        return 1 if wrong else 0


def arrays(case: dict[str, Any]) -> dict[str, Any]:
    return {name: None if x is None else np.array(x) for name, x in case["data"].items()}


def at(frame: Any, times: Any) -> np.ndarray:
    """The last row at or before each time; lifelines has a row for every time at which anybody left."""
    place = np.searchsorted(frame.index.to_numpy(), np.asarray(times, dtype="float64"), side="right") - 1
    return frame.to_numpy()[place]


def missing_at_the_ends(curve: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """No interval where the estimate is 0 or 1: on that scale it has none, and lifelines fills it in."""
    inside = (curve > 0) & (curve < 1)
    return np.where(inside[:, None], np.sort(bounds, axis=1), np.nan)


def emptied(table: Any) -> bool:
    """Whether nobody was at risk before the last entered: there lifelines adds a whole harmonic sum to the
    hazard one by one (it looks up the element before the first).
    """
    return bool((table["at_risk"] - table["removed"]).iloc[:-1].eq(0).any())


def one_curve(found: Differences, case: dict[str, Any]) -> None:
    data, ours, name = arrays(case), case["ours"], case["name"]
    seen = data["causes"] > 0
    given = {"entry": data["entry"], "weights": data["weights"]}
    times = ours["times"]
    km = KaplanMeierFitter().fit(data["durations"], seen, **given)
    survival = at(km.survival_function_, times)[:, 0]
    found.add("Kaplan-Meier", name, ours["kaplan_meier"]["survival"], survival)
    found.add("at risk", name, ours["kaplan_meier"]["at_risk"], at(km.event_table["at_risk"], times))
    found.add("events", name, ours["kaplan_meier"]["events"], at(km.event_table["observed"], times))
    bounds = missing_at_the_ends(survival, at(km.confidence_interval_survival_function_, times))
    found.add("Kaplan-Meier, low", name, ours["kaplan_meier"]["low"], bounds[:, 0])
    found.add("Kaplan-Meier, high", name, ours["kaplan_meier"]["high"], bounds[:, 1])
    if not (np.abs(survival - 0.5) < HALF).any():
        median = km.median_survival_time_
        found.add("median", name, ours["median"], median if np.isfinite(median) else np.nan)
    for smooth, estimate in ((False, "nelson_aalen"), (True, "nelson_aalen_one_by_one")):
        if smooth and emptied(km.event_table):
            continue
        hazard = NelsonAalenFitter(nelson_aalen_smoothing=smooth).fit(data["durations"], seen, **given)
        label = "Nelson-Aalen, one by one" if smooth else "Nelson-Aalen"
        found.add(label, name, ours[estimate], at(hazard.cumulative_hazard_, times)[:, 0])
    if "incidence" in ours:
        incidence(found, case, given)
    if "log_rank" in ours:
        test = multivariate_logrank_test(data["durations"], data["groups"], seen, weights=data["weights"])
        found.add("log-rank, statistic", name, ours["log_rank"]["statistic"], test.test_statistic)
        found.add("log-rank, p-value", name, ours["log_rank"]["p_value"], test.p_value)


def incidence(found: Differences, case: dict[str, Any], given: dict[str, Any]) -> None:
    data, ours, name = arrays(case), case["ours"], case["name"]
    for cause in (1, 2):
        fitted = AalenJohansenFitter().fit(
            data["durations"], data["causes"], event_of_interest=cause, **given
        )
        theirs = at(fitted.cumulative_density_, ours["times"])[:, 0]
        if cause == 2:
            found.add("Aalen-Johansen, the other", name, ours["incidence_of_the_other"], theirs)
            continue
        found.add("Aalen-Johansen", name, ours["incidence"]["incidence"], theirs)
        variance = at(fitted.variance_, ours["times"])
        known = np.isfinite(variance)  # nobody left at risk: lifelines divides by it
        found.add(
            "incidence, variance", name, np.array(ours["incidence"]["variance"])[known], variance[known]
        )
        bounds = missing_at_the_ends(theirs, at(fitted.confidence_interval_, ours["times"]))
        for side, column in enumerate(("low", "high")):
            mine = np.array(ours["incidence"][column])
            found.add(f"incidence, {column}", name, mine[known], bounds[known, side])


def many_curves(found: Differences, case: dict[str, Any]) -> None:
    data, ours, name = arrays(case), case["ours"]["groups"], case["name"]
    seen, group = data["causes"] > 0, np.array(ours["group"])
    for each in np.unique(data["groups"]):
        mine = data["groups"] == each
        weights = None if data["weights"] is None else data["weights"][mine]
        km = KaplanMeierFitter().fit(data["durations"][mine], seen[mine], weights=weights)
        times = np.unique(data["durations"][mine & seen])
        survival = at(km.survival_function_, times)[:, 0]
        bounds = missing_at_the_ends(survival, at(km.confidence_interval_survival_function_, times))
        columns = (survival, bounds[:, 0], bounds[:, 1])
        for column, theirs in zip(("survival", "low", "high"), columns, strict=True):
            found.add("many curves at once", name, np.array(ours[column])[group == each], theirs)
        if not (np.abs(survival - 0.5) < HALF).any():
            median = km.median_survival_time_
            median = median if np.isfinite(median) else np.nan
            found.add("many medians at once", name, ours["medians"][each], median)


def main() -> int:
    warnings.simplefilter("ignore")
    found = Differences()
    for case in json.load(sys.stdin):
        one_curve(found, case)
        if "groups" in case["ours"]:
            many_curves(found, case)
    return found.report()


if __name__ == "__main__":
    sys.exit(main())
