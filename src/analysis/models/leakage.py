"""Features that know the future: they make a model of churn look good, and useless.

A column is refused when it says how long a customer lasted rather than who they were: it follows the duration
(or the duration times another feature, as all that was ever billed does) or holds bands of it, carries dates
after the cut-off or the customer's end, is filled in (or given another value) only when a contract ends, or
is the outcome under another name.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from analysis.errors import AnalysisError
from analysis.texts import mark, say

SAME = 0.95  # a correlation above it is no coincidence
MOSTLY = 0.9  # share of a text's values that must be numbers or dates for it to be read as such
ALMOST_ALL = 0.99
LEAST = 5  # customers of each kind before a pattern means anything
LEAST_PAIRS = 20  # pairs of numbers before a correlation does
MOST_LEVELS = 20
MOST_GIVEN = 200  # levels that are looked at one by one
GIVEN_SPREADS, GIVEN_SHARE = 3.0, 0.75  # fewer still there than expected, by deviations and as a share
LATE = mark("{n} of its dates are after the cut-off {day} (the latest is {latest})")
AFTER_END = mark("{n} of its dates are those of the customer's own end or later")
ONLY_LEFT = mark("filled in only for customers who left ({n} of {left}, none of {others} others)")
MOSTLY_LEFT = mark("filled in for {left} of those who left and {others} of the others")
FOLLOWS = mark("correlation {correlation} with how long they were customers")
FOLLOWS_WITH = mark("correlation {correlation} with how long they were customers x {other}")
BANDS = mark("its values are bands of how long they were customers (correlation ratio {correlation})")
TELLS = mark("its values tell who left, with {n} exceptions of {customers}")
GIVEN = mark(
    "{level} seems to be given to those who leave: {there} such customers are still there, some {expected} "
    "would be if they left month by month"
)
EMPTY = ("", "nan", "none", "null", "n/a", "-", "<na>", "nat")


class LeakError(AnalysisError):
    """Features that could know the future; the text names each column and why."""


@dataclass(frozen=True)
class Leak:
    """A refused feature: its column, the kind of leak, and the reason in words."""

    column: str
    kind: str  # duration, product, after_cut_off, after_end, filled_at_end, given_at_end, outcome
    reason: str

    def __str__(self) -> str:
        return f"{self.column}: {self.reason}"


def find_leaks(
    features: pd.DataFrame,
    durations: ArrayLike,
    observed: ArrayLike,
    cut_off: date | None = None,
    ended_on: pd.Series | None = None,
    followed: ArrayLike | None = None,
) -> list[Leak]:
    """The features that could know the future, in their order.

    Parameters
    ----------
    features : one row per customer
    durations, observed : how long each was a customer, and whether the contract ended then
    cut_off : the last day that the features may know; None: dates are held against `ended_on` alone
    ended_on : the day each contract ended (null: it did not)
    followed : how long each could have been a customer by now, in the unit of `durations`; None: not known
    """
    time, ended = np.asarray(durations, dtype="float64"), np.asarray(observed).astype(bool)
    numbers = {name: as_numbers(features[name]) for name in features}
    known = {name: x for name, x in numbers.items() if x is not None}
    leaks = []
    for name in features:
        leak = date_leak(name, features[name], cut_off, ended_on, ended)
        leak = leak or filled_leak(name, features[name], ended)
        if leak is None and name in known:
            leak = duration_leak(name, known, time)
        leak = leak or band_leak(name, features[name], time) or outcome_leak(name, features[name], ended)
        if leak is None and followed is not None:
            leak = level_leak(name, features[name], time, ended, np.asarray(followed, dtype="float64"))
        leaks += [leak] if leak else []
    return leaks


def without_leaks(
    features: pd.DataFrame,
    durations: ArrayLike,
    observed: ArrayLike,
    cut_off: date | None = None,
    ended_on: pd.Series | None = None,
    followed: ArrayLike | None = None,
) -> tuple[pd.DataFrame, list[Leak]]:
    """The features that may be used, and the notices of those that may not."""
    leaks = find_leaks(features, durations, observed, cut_off, ended_on, followed)
    return features.drop(columns=[leak.column for leak in leaks]), leaks


def refuse_leaks(
    features: pd.DataFrame,
    durations: ArrayLike,
    observed: ArrayLike,
    cut_off: date | None = None,
    ended_on: pd.Series | None = None,
    followed: ArrayLike | None = None,
) -> None:
    """Raise for features that could know the future.

    Raises
    ------
    LeakError
        Names every such column, with its reason.
    """
    leaks = find_leaks(features, durations, observed, cut_off, ended_on, followed)
    if leaks:
        raise LeakError("features that could know the future; leave them out:\n" + "\n".join(map(str, leaks)))


def filled(values: pd.Series) -> np.ndarray:
    """Whether a cell says anything: neither missing nor a blank, nor a word for nothing."""
    there = values.notna().to_numpy()
    if is_text(values):
        there = there & ~values.astype(str).str.strip().str.lower().isin(EMPTY).to_numpy()
    return there


def is_text(values: pd.Series) -> bool:
    """Whether a column holds texts or categories, rather than numbers or dates."""
    kinds = (pd.api.types.is_numeric_dtype, pd.api.types.is_datetime64_any_dtype)
    return not any(kind(values.dtype) for kind in kinds)


def as_numbers(values: pd.Series) -> np.ndarray | None:
    """A column as numbers, also where they are written as text; None where it is none."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return None
    numbers = pd.to_numeric(values.astype(object) if is_text(values) else values, errors="coerce")
    x = numbers.to_numpy(dtype="float64", na_value=np.nan)
    x = np.where(np.isfinite(x), x, np.nan)
    there = filled(values)
    return x if there.any() and np.isfinite(x[there]).mean() >= MOSTLY else None


def as_dates(values: pd.Series) -> pd.Series | None:
    """A column as dates without a time zone, also where they are written as ISO text; None if it is none."""
    dates = values
    if not pd.api.types.is_datetime64_any_dtype(values.dtype):
        texts = values.astype(object)
        there = filled(values)
        looks = texts[there].astype(str).str.match(r"\s*\d{4}-\d{2}-\d{2}")
        if not there.any() or looks.mean() < MOSTLY:
            return None
        dates = pd.to_datetime(texts.where(there).astype(str), errors="coerce", utc=True, format="ISO8601")
    return dates.dt.tz_localize(None) if dates.dt.tz is not None else dates


def date_leak(
    name: str, values: pd.Series, cut_off: date | None, ended_on: pd.Series | None, ended: np.ndarray
) -> Leak | None:
    """A column of dates later than the cut-off, or of dates at or after the customers' own ends."""
    dates = as_dates(values)
    if dates is None:
        return None
    if cut_off is not None:
        late = (dates >= pd.Timestamp(cut_off) + pd.Timedelta(days=1)).to_numpy()
        if late.any():
            latest = f"{dates.max():%Y-%m-%d}"
            reason = say(LATE, n=late.sum(), day=cut_off, latest=latest)
            return Leak(name, "after_cut_off", reason)
    if ended_on is not None:
        ends = pd.to_datetime(ended_on)
        after = ((dates.to_numpy() >= ends.to_numpy()) & ended).sum()
        if after >= max(LEAST, ended.sum() / 2):
            return Leak(name, "after_end", say(AFTER_END, n=after))
    return None


def filled_leak(name: str, values: pd.Series, ended: np.ndarray) -> Leak | None:
    """A column that is filled in (or emptied) only when a contract ends."""
    there = filled(values)
    left, stayed = int(ended.sum()), int((~ended).sum())
    if left < LEAST or stayed < LEAST:
        return None
    of_left, of_stayed = there[ended].mean(), there[~ended].mean()
    if of_stayed == 0 and there.sum() * stayed >= LEAST * len(ended):  # so many of the others were expected
        reason = say(ONLY_LEFT, n=there.sum(), left=left, others=stayed)
        return Leak(name, "filled_at_end", reason)
    if abs(correlation(there.astype("float64"), ended.astype("float64"))) > SAME:
        reason = say(MOSTLY_LEFT, left=f"{of_left:.0%}", others=f"{of_stayed:.0%}")
        return Leak(name, "filled_at_end", reason)
    return None


def duration_leak(name: str, known: dict[str, np.ndarray], time: np.ndarray) -> Leak | None:
    """A number that follows the duration, or the duration times another feature that it is no twin of."""
    mine = known[name]
    if abs(r := alike(mine, time)) > SAME:
        return Leak(name, "duration", say(FOLLOWS, correlation=f"{r:.3f}"))
    for other, x in known.items():
        r = alike(mine, time * x) if other != name else 0.0
        if abs(r) > SAME and abs(alike(mine, x)) <= SAME:
            reason = say(FOLLOWS_WITH, correlation=f"{r:.3f}", other=other)
            return Leak(name, "product", reason)
    return None


def band_leak(name: str, values: pd.Series, time: np.ndarray) -> Leak | None:
    """A column of few levels that stand for bands of the duration (correlation ratio, adjusted for their
    number)."""
    level, names = pd.factorize(values, use_na_sentinel=False)
    k, n = len(names), len(time)
    whole = float(((time - time.mean()) ** 2).sum()) if n else 0.0
    if not 2 <= k <= MOST_LEVELS or n - k < LEAST_PAIRS or whole <= 0:
        return None
    mean = np.bincount(level, weights=time, minlength=k) / np.bincount(level, minlength=k)
    within = float(((time - mean[level]) ** 2).sum())
    ratio = np.sqrt(max(1 - within / (n - k) / (whole / (n - 1)), 0.0))
    return Leak(name, "duration", say(BANDS, correlation=f"{ratio:.3f}")) if ratio > SAME else None


def outcome_leak(name: str, values: pd.Series, ended: np.ndarray) -> Leak | None:
    """A column of few levels that tell almost without fail who left."""
    level, names = pd.factorize(values, use_na_sentinel=False)
    least = min(ended.sum(), (~ended).sum())
    if least < LEAST or not 2 <= len(names) <= MOST_LEVELS:
        return None
    left = np.bincount(level, weights=ended, minlength=len(names))
    size = np.bincount(level, minlength=len(names))
    wrong = np.minimum(left, size - left).sum()
    if wrong <= (1 - ALMOST_ALL) * least:
        return Leak(name, "outcome", say(TELLS, n=f"{wrong:.0f}", customers=len(ended)))
    return None


def level_leak(
    name: str, values: pd.Series, time: np.ndarray, ended: np.ndarray, followed: np.ndarray
) -> Leak | None:
    """A level that customers seem to be given when they leave: too few of it are still there.

    A level that is left often loses customers month by month, and who came lately is still there. At its own
    rate, ends / time of all its customers, so many should be there as exp(−rate · followed) adds up to; of a
    level that came with the end next to nobody is. A level whose contracts all last just as long, or which
    is sold no more, passes; one whose contracts were all ended on one day is refused with the leaks.
    """
    level, names = pd.factorize(values, use_na_sentinel=False)
    if not 2 <= len(names) <= MOST_GIVEN:
        return None
    k = len(names)
    ends, lived = (
        np.bincount(level, weights=ended, minlength=k),
        np.bincount(level, weights=time, minlength=k),
    )
    rate = np.divide(ends, lived, out=np.full(k, np.inf), where=lived > 0)
    stay = np.exp(-np.where(np.isfinite(rate), rate, 0.0)[level] * followed)
    expected = np.bincount(level, weights=stay, minlength=k)
    spread = np.sqrt(np.bincount(level, weights=stay * (1 - stay), minlength=k))
    there = np.bincount(level, minlength=k) - ends
    given = (expected - there > GIVEN_SPREADS * spread) & (there < GIVEN_SHARE * expected) & (lived > 0)
    if not given.any():
        return None
    worst = int(np.argmax(np.where(given, (expected - there) / np.maximum(spread, 1e-9), -np.inf)))
    reason = say(
        GIVEN, level=str(names[worst]), there=f"{there[worst]:.0f}", expected=f"{expected[worst]:.0f}"
    )
    return Leak(name, "given_at_end", reason)


def correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's correlation over the known pairs; 0 where they are few or one side never varies."""
    both = np.isfinite(x) & np.isfinite(y)
    if both.sum() < LEAST_PAIRS:
        return 0.0
    a, b = x[both] - x[both].mean(), y[both] - y[both].mean()
    spread = float(np.sqrt((a @ a) * (b @ b)))
    enough = np.sqrt(a @ a) > 1e-9 * (1 + np.abs(x[both]).max()) and spread > 0
    return float(a @ b) / spread if enough else 0.0


def alike(x: np.ndarray, y: np.ndarray) -> float:
    """The larger of Pearson's and Spearman's correlation: a leak may be bent, as logarithms are."""
    both = np.isfinite(x) & np.isfinite(y)
    found = (correlation(x, y), correlation(rankdata(x[both]), rankdata(y[both])))
    return max(found, key=abs)
