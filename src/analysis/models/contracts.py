"""Customers under contract: how likely each is to leave, what each is worth, and how far to trust it.

The hazard model is backtested from one horizon before the company's day and, where that holdout saw few ends,
from up to three earlier days. Where a baseline did better on all of them together (the lower mean integrated
Brier score, weighted by customers), the baseline is what the customers are forecast with. Whether a forecast
ranks them is told by all days too; how far the number of leavers was missed, by the last holdout alone.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from analysis.models.contract_backtest import MODEL, ContractBacktest, rolling_backtest
from analysis.models.contract_value import ContractValue, contract_values, linear_slopes
from analysis.models.evaluation import (
    ALIKE,
    INDICATIVE_TOTAL,
    MISSED,
    REPLACED,
    USABLE_TOTAL,
    Verdict,
    called,
    rank_fault,
)
from analysis.models.factors import contract_factors
from analysis.models.hazard import DiscreteTimeHazard
from analysis.models.inputs import Inputs
from analysis.models.outcome import (
    CONTRACTUAL,
    DAYS_OF_MONTH,
    QUARTER_MONTHS,
    Estimate,
    Outcome,
)
from analysis.models.person_periods import alive_now, person_periods
from analysis.models.reasons import Words, contract_reasons
from analysis.models.spells import contract_spells, day_of, days_of
from analysis.stats import Z95, ratio
from analysis.texts import mark, say, say_n

FALLBACKS = {
    "Kaplan-Meier": "kaplan_meier",
    "Kaplan-Meier by plan": "kaplan_meier_by_plan",
    "tenure only": "tenure_only",
}
USABLE_ENDS = 30  # in the holdout: fewer tell little about how good a forecast is
LEAST_SPREAD = 1e-9  # of the risks: below it all are the same
BY_TENURE = mark("it knows nothing but the time as a customer: all who came together have the same forecast")
ANOTHER_KIND = mark("the model of today is of another kind than the one that was tested at the earlier day")
DIMS = ("segment", "channel")
BY_CHANCE = mark("chance alone may explain how well it ranks customers")
NO_EARLIER_DAY = mark("no earlier day to forecast from: there is nothing to compare with")
NOBODY_LEFT = mark("nobody left in the holdout: there is nothing to compare with")
BEATEN = mark("from {n} earlier days {name} forecast better than the model on average: it is what is used")
POOLED = mark("ibs and uno c are means over forecasts from {n} earlier days")
BEYOND_CHANCE = mark("missed the last holdout by {share}, more than {limit} and chance")


class LifeTableAlone(DiscreteTimeHazard):
    """The life table of tenure, however many events there are."""

    def fit_regression(
        self, frame: pd.DataFrame, y: np.ndarray, weight: np.ndarray, customers: np.ndarray
    ) -> "LifeTableAlone":
        self.notice_ = say("Kaplan-Meier alone")
        self.covariance_ = np.diag(self.life_table_.variance)
        return self


@dataclass(frozen=True)
class Fitted:
    """The models in use: each with the places of its customers among those alive (one model: all).

    `tested` is their name among the scores of the backtest.
    """

    parts: list[tuple[np.ndarray, DiscreteTimeHazard]]
    fallback: str
    tested: str = MODEL

    def values(self, alive: pd.DataFrame, margin: float, rate: float, months: int) -> ContractValue:
        """`contract_values` of all parts; intervals of the total add up, as if all erred together."""
        found = [contract_values(m, alive.iloc[at], margin, rate, months) for at, m in self.parts if len(at)]
        if not found:
            return contract_values(self.parts[0][1], alive.iloc[:0], margin, rate, months)
        customers = pd.concat([one.customers for one in found]).reindex(alive.index)
        return ContractValue(customers, pd.concat([one.total for one in found], axis=1).sum(axis=1))

    def hazards(self, alive: pd.DataFrame, months: int) -> np.ndarray:
        """Hazards of the next months, a row per customer alive."""
        result = np.zeros((len(alive), months))
        for at, model in self.parts:
            if len(at):
                result[at] = model.predict_hazards(asked(model, alive.iloc[at]), months)
        return result

    def error_of_leavers(self, alive: pd.DataFrame, months: int) -> float:
        """Standard error, for want of knowledge of the coefficients, of how many leave within the months."""
        paid = np.append(np.zeros(months - 1), 1.0)
        error = 0.0
        for at, model in self.parts:
            block = asked(model, alive.iloc[at])
            if len(at):
                slopes, _ = linear_slopes(model, block, paid)
                pulled = model.gradient(block, slopes).sum(axis=0)
                error += float(np.sqrt(max(pulled @ model.covariance_ @ pulled, 0.0)))
        return error


def asked(model: DiscreteTimeHazard, rows: pd.DataFrame) -> pd.DataFrame:
    """The columns that the model was fitted to."""
    return rows[[name for name in model.feature_names_in_ if name in rows]]


def contracts(inputs: Inputs, horizon_weeks: int, months: int, rate: float, words: Words) -> Outcome:
    """The contractual model of a company that has subscriptions.

    Per customer under contract on the day: `p_active` = P(still under contract after the horizon),
    `expected_value` = margin expected within the horizon (not discounted), `clv` = discounted margin within
    `months`. A month's margin is earned at its end, if the customer is still there.
    """
    assert inputs.subscriptions is not None
    about = None if len(inputs.features.columns) == 1 else inputs.features
    spells = contract_spells(inputs.subscriptions, inputs.as_of)
    table = person_periods(spells, inputs.subscriptions, inputs.as_of, None, about)
    alive = alive_now(spells, inputs.subscriptions, inputs.as_of, about)
    cut_off = inputs.as_of - timedelta(weeks=horizon_weeks)
    past = tested(inputs, spells, cut_off, about)
    fitted, notes = best(table, alive, past)
    value = fitted.values(alive, inputs.margin, rate, months)
    customers = per_customer(fitted, alive, value, inputs.margin, horizon_weeks * 7 / DAYS_OF_MONTH)
    quarter = customers["quarter_risk"].to_numpy()
    missed, word = judged(past, fitted, quarter)
    model = fitted.parts[0][1]
    customers = customers.join(contract_reasons(model, alive, words).set_index(customers.index))
    ends = ordered(np.array([value.total["low"]]), np.array([value.total["high"]]))
    total = Estimate(float(value.total["value"]), float(ends[0][0]), float(ends[1][0]))
    return Outcome(
        model=CONTRACTUAL,
        customers=customers,
        leaving=leavers(fitted, alive, quarter),
        leaving_value=float(quarter @ customers["clv"].to_numpy()),
        total=total,
        today=total,
        method=fitted.fallback or {"logistic": MODEL, "boosted": "boosted trees"}[model.kind_],
        fallback=fitted.fallback,
        verdict=word,
        missed=missed,
        tested_from=cut_off if past else None,
        tested_days=(inputs.as_of - cut_off).days if past else 0,
        scores=past.pooled if past else pd.DataFrame(),
        calibration=shown_calibration(past, fitted.tested),
        coverage=np.nan,
        factors=contract_factors(model, alive, quarter, words),
        notes=(*notes, say(POOLED, n=past.days)) if past and past.days > 1 else notes,
        groups=by_member(inputs, fitted, alive, rate, months),
    )


def per_customer(
    fitted: Fitted, alive: pd.DataFrame, value: ContractValue, margin: float, span: float
) -> pd.DataFrame:
    """The numbers of each customer alive; `span` is the horizon in months."""
    there = survival(fitted.hazards(alive, int(np.ceil(span))), span)
    quarter = 1 - survival(fitted.hazards(alive, QUARTER_MONTHS), QUARTER_MONTHS)[:, -1]
    parts = np.minimum(1.0, span - np.arange(there.shape[1]))
    low, high = ordered(value.customers["low"], value.customers["high"])
    return pd.DataFrame(
        {
            "p_active": there[:, -1],
            "churn_risk": 1 - there[:, -1],
            "expected_value": margin * alive["price"].to_numpy() * (there @ parts),
            "clv": value.customers["value"].to_numpy(),
            "clv_low": low,
            "clv_high": high,
            "quarter_risk": quarter,
            "watched": True,
        },
        index=pd.Index(alive["customer_id"], name="customer_id"),
    )


def tested(
    inputs: Inputs, spells: pd.DataFrame, cut_off: date, about: pd.DataFrame | None
) -> ContractBacktest | None:
    """The backtest from the cut-off, and from days before it; None where no contract had begun by it."""
    assert inputs.subscriptions is not None
    if not len(spells) or days_of(spells["started_on"]).min() >= day_of(cut_off):
        return None
    return rolling_backtest(inputs.subscriptions, inputs.as_of - cut_off, inputs.as_of, about)


def best(
    table: pd.DataFrame, alive: pd.DataFrame, past: ContractBacktest | None
) -> tuple[Fitted, tuple[str, ...]]:
    """The hazard model, or the baseline that beat it in the backtests, fitted to all that is known today."""
    y, weight, X = table["churned"], table["weight"], table.drop(columns="churned")
    everyone = np.arange(len(alive))
    ibs = past.pooled["ibs"] if past is not None else pd.Series(dtype="float64")
    winner = str(ibs.idxmin()) if ibs.notna().any() else MODEL
    if winner == MODEL or not ibs[winner] < ibs[MODEL]:
        model = DiscreteTimeHazard().fit(X, y, weight)
        fallback = "kaplan_meier" if model.kind_ == "kaplan_meier" else ""
        return Fitted([(everyone, model)], fallback), (model.notice_,) if model.notice_ else ()
    note = replaced(past, winner)
    if winner == "tenure only":
        tenure = DiscreteTimeHazard(term_months=0, challenger=False)
        return Fitted(
            [(everyone, tenure.fit(X[["customer_id", "month"]], y, weight))], "tenure_only", winner
        ), (note,)
    overall = LifeTableAlone().fit(X[["customer_id", "month"]], y, weight)
    if winner == "Kaplan-Meier" or "plan" not in table:
        return Fitted([(everyone, overall)], "kaplan_meier", "Kaplan-Meier"), (note,)
    own, theirs = table["plan"].astype(str).to_numpy(), alive["plan"].astype(str).to_numpy()
    parts = [(np.flatnonzero(~np.isin(theirs, own)), overall)]
    for plan in np.unique(own):
        mine = own == plan
        model = LifeTableAlone().fit(X.loc[mine, ["customer_id", "month"]], y[mine], weight[mine])
        parts.append((np.flatnonzero(theirs == plan), model))
    return Fitted(parts, "kaplan_meier_by_plan", winner), (note,)


def replaced(past: ContractBacktest | None, name: str) -> str:
    """That a baseline is used, and why: one holdout, or several, said so."""
    if past is None or past.days == 1:
        return say(REPLACED, name=called(name))
    return say(BEATEN, n=past.days, name=called(name))


def survival(hazard: np.ndarray, months: float) -> np.ndarray:
    """P(still there) after 1, 2 … months; the last column after all of `months`, of a part of one where it
    is."""
    length = np.minimum(1.0, months - np.arange(hazard.shape[1]))
    return np.cumprod((1 - hazard) ** length, axis=1)


def leavers(fitted: Fitted, alive: pd.DataFrame, risk: np.ndarray) -> Estimate:
    """How many leave in the next quarter: chance of each customer, and what the model does not know."""
    expected = float(risk.sum())
    spread = np.sqrt(float((risk * (1 - risk)).sum()) + fitted.error_of_leavers(alive, QUARTER_MONTHS) ** 2)
    low, high = expected - Z95 * spread, expected + Z95 * spread
    for at, model in fitted.parts:
        if len(at) and model.events_ == 0:  # nobody ever left: what that leaves possible
            high += len(at) * (1 - (1 - model.life_table_.unseen()) ** QUARTER_MONTHS)
    return Estimate(expected, float(max(low, 0.0)), float(min(high, len(risk))))


def ordered(one: np.ndarray | pd.Series, other: np.ndarray | pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """The ends of intervals, the lower first: a margin below 0 turns them round."""
    a, b = np.asarray(one, dtype="float64"), np.asarray(other, dtype="float64")
    return np.minimum(a, b), np.maximum(a, b)


def ranking(past: ContractBacktest, fitted: Fitted, risk: np.ndarray) -> list[str]:
    """Why the forecast in use tells nobody who is at risk; empty where it does."""
    if len(risk) and np.ptp(risk) <= LEAST_SPREAD:
        return [say(ALIKE)]
    if fitted.fallback == "kaplan_meier":
        return [say(BY_TENURE)]
    fault = rank_fault(float(past.pooled.loc[fitted.tested, "uno_c"]))
    return [fault] if fault else []


def caution(past: ContractBacktest, fitted: Fitted) -> list[str]:
    """What is known of the forecast in use but for its errors: a baseline, too few ends, never tested."""
    model = fitted.parts[0][1]
    if fitted.tested != MODEL:
        return [replaced(past, fitted.tested)]
    if fitted.fallback:
        return [model.notice_]
    return [] if model.kind_ == past.model.kind_ else [say(ANOTHER_KIND)]


def beyond_chance(concordance: float, ends: int) -> bool:
    """Whether a concordance is above .5 by more than chance explains (95 %).

    Of n who left among many, ranked at random, it has a variance of 1 / 12 n (Mann and Whitney 1947).
    """
    return bool(ends) and concordance - 0.5 > Z95 / np.sqrt(12 * ends)


def judged(past: ContractBacktest | None, fitted: Fitted, risk: np.ndarray) -> tuple[float, Verdict]:
    """By how much the number of leavers was missed in the holdout, and a word on the forecast in use.

    *usable*: the model beats every baseline (all holdouts together), ranks customers better than chance
    explains, and missed by at most 15 % in a last holdout of 30 leavers or more. *do not use*: missed by more
    than 30 % and by more than chance explains (95 %), or nobody left, or there was no holdout, or it ranks
    nobody: the same for all, by tenure alone without a model, Uno's C of .5 or less over all holdouts.
    *indicative*: the rest. A baseline in the model's place is never more than indicative. `risk` is today's,
    of each customer.
    """
    if past is None or not past.ends:
        why = NO_EARLIER_DAY if past is None else NOBODY_LEFT
        return np.nan, Verdict("do not use", (say(why),))
    table = shown_calibration(past, fitted.tested)
    expected, left = float(table["n"] @ table["predicted"]), float(table["n"] @ table["observed"])
    missed = float(ratio(expected - left, left))
    chance = Z95 * float(np.sqrt(max(left, expected)))
    bad, against = ranking(past, fitted, risk), caution(past, fitted)
    if not bad and not beyond_chance(float(past.pooled.loc[fitted.tested, "uno_c"]), past.ends):
        against.append(say(BY_CHANCE))
    if abs(missed) > INDICATIVE_TOTAL and abs(expected - left) > chance:
        bad.append(say(BEYOND_CHANCE, share=f"{missed:+.0%}", limit=f"{INDICATIVE_TOTAL:.0%}"))
    elif abs(missed) > USABLE_TOTAL:
        against.append(say(MISSED, share=f"{missed:+.0%}", limit=f"{USABLE_TOTAL:.0%}"))
    if past.ends < USABLE_ENDS:
        against.append(
            say_n(
                "{n} customer left in the holdout, fewer than {limit}",
                "{n} customers left in the holdout, fewer than {limit}",
                past.ends,
                limit=USABLE_ENDS,
            )
        )
    word = "do not use" if bad else "indicative" if against else "usable"
    return missed, Verdict(word, (*bad, *against))


def shown_calibration(past: ContractBacktest | None, name: str) -> pd.DataFrame:
    """Predicted and observed churn by group, at the last horizon of the backtest."""
    if past is None:
        return pd.DataFrame(columns=["group", "n", "predicted", "observed", "low", "high"], dtype="float64")
    table = past.calibrations[name]
    last = table[table["horizon"] == table["horizon"].max()]
    return last.drop(columns="horizon").reset_index(drop=True)


def by_member(inputs: Inputs, fitted: Fitted, alive: pd.DataFrame, rate: float, months: int) -> pd.DataFrame:
    """Lifetime value of the customers of each segment and channel, with the interval of its total."""
    about = inputs.customers.set_index("customer_id").reindex(alive["customer_id"])
    rows = []
    for dim in DIMS:
        members = about[dim].to_numpy(dtype=object)
        for member in [*sorted({m for m in members if isinstance(m, str)}), None]:
            mine = np.array([m == member if member else not isinstance(m, str) for m in members], dtype=bool)
            if mine.any():
                at = np.flatnonzero(mine)
                inside = [(np.flatnonzero(np.isin(at, rows_of)), model) for rows_of, model in fitted.parts]
                total = Fitted(inside, "").values(alive.iloc[at], inputs.margin, rate, months).total
                low, high = sorted((total["low"], total["high"]))
                rows.append((dim, member, len(at), total["value"], low, high))
    return pd.DataFrame(rows, columns=["dimension", "member", "customers", "value", "low", "high"])
