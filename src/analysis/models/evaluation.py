"""How good a forecast was, once what it forecast has happened: scores, baselines to beat, and a verdict.

A split is in time, never at random: a forecast knows what was known at its cut-off, and is held against what
came after. No setting of a model is ever chosen on the holdout.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from analysis.stats import Z95, ratio
from analysis.texts import mark, say, say_n

LEAST_FORECAST = 1e-9  # a forecast of 0 that was wrong would be infinitely wrong

OWN_MODELS = ("bg_nbd", "nbd")  # baselines that are models of their own: not to be worse than, that is enough
USABLE_TOTAL, INDICATIVE_TOTAL = 0.15, 0.30  # how far the total may be off
MISSED = mark("missed the last holdout by {share}, more than {limit}")
NOTHING_BOUGHT = mark("nothing was bought in the holdout: there is nothing to compare with")
VALUE_MISSED = mark("missed the value of the last holdout's orders by {share}, more than {limit}")
VALUE_MISSED_BEFORE = mark("missed the value of orders by {share} at another earlier day, more than {limit}")
NOTHING_EARNED = mark("nothing was earned in the holdout: what orders are worth was not tested")
REPLACED = mark("{name} forecast the last holdout better than the model: it is what is used")
ALIKE = mark("everybody has the same forecast: it tells nobody apart")
NO_RANK = mark("it ranks customers no better than chance")
NOT_RANKED = mark("whether it ranks customers right cannot be told")
NAMES = {
    "discrete-time hazard": mark("discrete-time hazard"),
    "Kaplan-Meier by plan": mark("Kaplan-Meier by plan"),
    "kaplan_meier": mark("kaplan meier"),
    "kaplan_meier_by_plan": mark("kaplan meier by plan"),
    "tenure only": mark("tenure only"),
    "tenure_only": mark("tenure only"),
    "boosted trees": mark("boosted trees"),
    "geometric_mean": mark("geometric mean"),
    "regression": mark("regression"),
    "boosting": mark("boosting"),
    "mean_rate": mark("mean rate"),
    "naive_rate": mark("naive rate"),
    "mean_amount": mark("mean amount"),
    "credibility": mark("credibility"),
    "pareto_nbd": "Pareto/NBD",
    "bg_nbd": "BG/NBD",
    "nbd": "NBD",
    "gamma_gamma": "Gamma-Gamma",
}
USABLE_CUSTOMERS = 500
USABLE_COVERAGE = (0.90, 0.99)  # of the 95 % intervals of customers with a forecast above 1


def called(name: str) -> str:
    """A way to forecast by the name its reader knows."""
    return say(NAMES[name]) if name in NAMES else name.replace("_", " ")


def rank_fault(concordance: float) -> str:
    """What stands against a forecast's order of customers; "" where that is better than chance (above .5)."""
    if np.isnan(concordance):
        return say(NOT_RANKED)
    return "" if concordance > 0.5 else say(NO_RANK)


def order_fault(actual: np.ndarray, forecast: np.ndarray) -> str:
    """The same of a forecast of purchases: by its AUC, and where all bought or nobody by Spearman."""
    if np.ptp(forecast) <= LEAST_FORECAST * np.max(np.abs(forecast)):
        return say(ALIKE)
    concordance = auc(actual > 0, forecast)
    return rank_fault((1 + spearman(actual, forecast)) / 2 if np.isnan(concordance) else concordance)


def poisson_deviances(actual: ArrayLike, forecast: ArrayLike) -> np.ndarray:
    """Poisson deviance of each forecast count: 2 (y log(y / f) − (y − f)), 0 where they agree."""
    y = np.asarray(actual, dtype="float64")
    f = np.maximum(np.asarray(forecast, dtype="float64"), LEAST_FORECAST)
    return 2 * (np.where(y > 0, y * np.log(np.where(y > 0, y, 1.0) / f), 0.0) - (y - f))


def poisson_deviance(actual: ArrayLike, forecast: ArrayLike) -> float:
    """Mean Poisson deviance; NaN of nobody."""
    each = poisson_deviances(actual, forecast)
    return float(each.mean()) if len(each) else np.nan


def spearman(actual: ArrayLike, forecast: ArrayLike) -> float:
    """Spearman's rank correlation, ties at their middle ranks; NaN where either does not vary."""
    if len(np.asarray(actual)) < 2:
        return np.nan
    one, other = rankdata(np.asarray(actual)), rankdata(np.asarray(forecast))
    one, other = one - one.mean(), other - other.mean()
    return float(ratio((one * other).sum(), np.sqrt((one**2).sum() * (other**2).sum())))


def auc(event: ArrayLike, score: ArrayLike) -> float:
    """How often who had the event was given the higher score than who had not; equal scores count one half.

    NaN where all had the event or nobody.
    """
    had = np.asarray(event).astype("bool")
    yes, no = int(had.sum()), int((~had).sum())
    ranks = rankdata(np.asarray(score)) if len(had) else np.zeros(0)
    return float(ratio(ranks[had].sum() - yes * (yes + 1) / 2, yes * no))


def total_error(actual: ArrayLike, forecast: ArrayLike) -> float:
    """Forecast total / actual total − 1; NaN where nothing happened."""
    happened = float(np.sum(np.asarray(actual, dtype="float64")))
    return float(ratio(np.sum(np.asarray(forecast, dtype="float64")) - happened, happened))


def spend_error(actual: ArrayLike, forecast: ArrayLike) -> float:
    """`total_error` of money; NaN where, net of refunds, nothing was earned."""
    return total_error(actual, forecast) if np.sum(np.asarray(actual, dtype="float64")) > 0 else np.nan


def scores(actual: ArrayLike, forecasts: dict[str, np.ndarray]) -> pd.DataFrame:
    """One row per forecast (index `model`): `deviance`, `spearman`, `auc` of any purchase, `mae`,
    `total_error`."""
    y = np.asarray(actual, dtype="float64")
    rows = {
        model: {
            "deviance": poisson_deviance(y, forecast),
            "spearman": spearman(y, forecast),
            "auc": auc(y > 0, forecast),
            "mae": float(np.abs(y - forecast).mean()) if len(y) else np.nan,
            "total_error": total_error(y, forecast),
        }
        for model, forecast in forecasts.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


def decile_table(actual: ArrayLike, forecast: ArrayLike, groups: int = 10) -> pd.DataFrame:
    """Customers in tenths by forecast, the highest first: `customers`, mean `forecast` and `actual`, `share`.

    `share` is of all that happened. Equal forecasts stay together, in the tenth of the first of them; tenths
    without anybody are left out. Index `decile`, 1 to 10.
    """
    y, f = np.asarray(actual, dtype="float64"), np.asarray(forecast, dtype="float64")
    place = rankdata(-f, method="min").astype("int64") - 1
    decile = place * groups // max(len(f), 1) + 1
    table = pd.DataFrame({"decile": decile, "forecast": f, "actual": y}).groupby("decile")
    result = table.agg(customers=("actual", "size"), forecast=("forecast", "mean"), actual=("actual", "mean"))
    return result.assign(share=ratio(table["actual"].sum(), y.sum()))


def coverage(actual: ArrayLike, low: ArrayLike, high: ArrayLike) -> float:
    """Share of what happened that lies within its interval, ends included; NaN of nobody."""
    y = np.asarray(actual, dtype="float64")
    inside = (y >= np.asarray(low)) & (y <= np.asarray(high))
    return float(inside.mean()) if len(y) else np.nan


def paired_interval(one: ArrayLike, other: ArrayLike) -> tuple[float, float, float]:
    """Mean of one − other, pair by pair, with its 95 % interval (normal); all 0 with fewer than two pairs.

    Of losses such as deviances: an interval wholly below 0 says that the one is better.
    """
    difference = np.asarray(one, dtype="float64") - np.asarray(other, dtype="float64")
    if len(difference) < 2:
        return 0.0, 0.0, 0.0
    mean, half = float(difference.mean()), Z95 * float(difference.std(ddof=1)) / np.sqrt(len(difference))
    return mean, mean - half, mean + half


def worse(one: ArrayLike, other: ArrayLike) -> bool:
    """Whether the one loss is larger than the other beyond chance (`paired_interval`)."""
    return paired_interval(one, other)[1] > 0


@dataclass(frozen=True)
class Verdict:
    """`word` is `usable`, `indicative` or `do not use`; `reasons` say what stands against a better word."""

    word: str
    reasons: tuple[str, ...]


def verdict(
    customers: int, actual: np.ndarray, forecast: np.ndarray, baselines: dict[str, np.ndarray], covered: float
) -> Verdict:
    """A word on a forecast of purchases, from its last holdout.

    *usable*: at least 500 customers, the total missed by at most 15 %, a deviance below every baseline's by
    more than chance explains (95 % paired interval; against BG/NBD or NBD, which are models of their own,
    just not above it), and 90 to 99 % of the customers' intervals right. *indicative*: the total missed by at
    most 30 % and a deviance below every baseline's but theirs. *do not use*: else, wherever nothing happened
    to compare, and of a forecast that ranks nobody: the same for all, or no better than chance. `covered` may
    be NaN (no customer with a forecast above 1): then it is not asked for.
    """
    missed = total_error(actual, forecast)
    if np.isnan(missed):
        return Verdict("do not use", (say(NOTHING_BOUGHT),))
    fault = order_fault(actual, forecast)
    against, bad = [], [fault] if fault else []
    if abs(missed) > INDICATIVE_TOTAL:
        bad.append(say(MISSED, share=f"{missed:+.0%}", limit=f"{INDICATIVE_TOTAL:.0%}"))
    elif abs(missed) > USABLE_TOTAL:
        against.append(say(MISSED, share=f"{missed:+.0%}", limit=f"{USABLE_TOTAL:.0%}"))
    mine = poisson_deviances(actual, forecast)
    for name, baseline in baselines.items():
        mean, _, high = paired_interval(mine, poisson_deviances(actual, baseline))
        if mean > 0:
            (against if name in OWN_MODELS else bad).append(say("worse than {name}", name=called(name)))
        elif high >= 0 and name not in OWN_MODELS:
            against.append(say("no better than {name} beyond chance", name=called(name)))
    if customers < USABLE_CUSTOMERS:
        against.append(
            say_n(
                "{n} customer, fewer than {limit}",
                "{n} customers, fewer than {limit}",
                customers,
                limit=USABLE_CUSTOMERS,
            )
        )
    if covered < USABLE_COVERAGE[0] or covered > USABLE_COVERAGE[1]:
        against.append(say("{share} of the 95 % intervals were right", share=f"{covered:.0%}"))
    word = "do not use" if bad else "indicative" if against else "usable"
    return Verdict(word, (*bad, *against))


def valued(judged: Verdict, actual: np.ndarray, forecast: np.ndarray, elsewhere: ArrayLike = ()) -> Verdict:
    """The verdict on a forecast of purchases, once the spend that goes with it has been looked at too.

    Where its total was missed by more than 30 %, in the last holdout or at another earlier day (`elsewhere`,
    errors), or nothing was earned that it could be held against, a forecast is *indicative* at best.
    """
    missed, reason = spend_error(actual, forecast), ""
    others = np.asarray(elsewhere, dtype="float64")
    others = others[np.isfinite(others)]
    worst = float(others[np.argmax(np.abs(others))]) if len(others) else 0.0
    if abs(missed) > INDICATIVE_TOTAL:
        reason = say(VALUE_MISSED, share=f"{missed:+.0%}", limit=f"{INDICATIVE_TOTAL:.0%}")
    elif np.isnan(missed) and forecast.sum() > 0:
        reason = say(NOTHING_EARNED)
    elif abs(worst) > INDICATIVE_TOTAL:
        reason = say(VALUE_MISSED_BEFORE, share=f"{worst:+.0%}", limit=f"{INDICATIVE_TOTAL:.0%}")
    if not reason or say(NOTHING_BOUGHT) in judged.reasons:
        return judged
    word = "indicative" if judged.word == "usable" else judged.word
    return Verdict(word, (*judged.reasons, reason))
