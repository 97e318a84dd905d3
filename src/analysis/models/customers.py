"""A company's customers as the models see them: who is likely to leave, what each is worth, how sure that is.

Contracts where a subscription's end is observed, orders where only those are; where a company has both, each
gets its own model, and the two are never mixed.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd
from threadpoolctl import threadpool_limits

from analysis.company import Company
from analysis.labels import Labels
from analysis.models.buyers import buyers
from analysis.models.contracts import contracts
from analysis.models.inputs import Inputs, inputs_of
from analysis.models.outcome import COLUMNS, CONTRACTUAL, NON_CONTRACTUAL, REASONS, Outcome
from analysis.models.reasons import Words, bare_number
from analysis.texts import ENGLISH, current

NUMBERS = [name for name in COLUMNS if name.startswith(("p_", "churn", "expected", "clv"))]
TEXTS = ("customer_id", "model", "verdict", "fallback", *REASONS)


@dataclass(frozen=True)
class CustomerModels:
    """What the models say of a company's customers.

    Attributes
    ----------
    customers : a row per customer alive to the model, and per model: the columns `outcome.COLUMNS` in that
        order; null where one does not apply. `p_active` is the probability of being under contract at the end
        of `horizon_end` (contractual), or of ordering at least once until then (non-contractual), and
        `churn_risk` the rest to 1. `expected_value` is the margin expected until then, not discounted; `clv`
        the discounted margin over the lifetime horizon. `fallback` names what was used instead of a model.
    outcomes : the models by name, contractual first; empty where the company has neither contracts nor orders
        that name a customer
    actions : the customers most worth a call: `customer_id`, `name`, `model`, `quarter_risk`, `clv`,
        `at_stake` (their product), `reasons`; by `at_stake`, as many as the team can look after
    inputs : what the models learned from
    horizon_end : the last day of the horizon
    """

    customers: pd.DataFrame
    outcomes: dict[str, Outcome]
    actions: pd.DataFrame
    inputs: Inputs
    horizon_end: date
    horizon_weeks: int
    months: int
    main: str

    def every(self, what: str) -> pd.DataFrame:
        """A frame of all models, such as `factors` or `calibration`, with the column `model`."""
        frames = [getattr(o, what).assign(model=name) for name, o in self.outcomes.items()]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame({"model": []})

    @property
    def first(self) -> Outcome | None:
        """The model that the company's own definition of churn asks for, else the one there is."""
        return self.outcomes.get(self.main) or next(iter(self.outcomes.values()), None)


def customer_models(company: Company) -> CustomerModels:
    """Fit, test and apply the models of a company; horizons and capacity are those of its params.

    Nothing random without a fixed seed; nothing that happened after the company's day is used.
    """
    with threadpool_limits(1):  # threads that wait for one another take longer than one, in a shared machine
        return fitted_to(company, inputs_of(company))


def fitted_to(company: Company, inputs: Inputs) -> CustomerModels:
    """The models of a company, from what they learn from."""
    params = company.params
    labels = Labels.of(company)
    words = Words(
        money=lambda amount: labels.money(amount, params.currency),
        share=lambda share: labels.value(share, "ratio"),
        number=lambda number: bound(number, labels),
        people=labels.people,
    )
    horizon, months = params.model.horizon_weeks, params.model.clv_horizon_months
    settings = (horizon, months, params.discount_rate)
    outcomes = {}
    if inputs.subscriptions is not None:
        outcomes[CONTRACTUAL] = contracts(inputs, *settings, words)
    if inputs.days is not None:
        outcomes[NON_CONTRACTUAL] = buyers(inputs, *settings, params.churn.inactive_days)
    end = company.as_of + timedelta(weeks=horizon)
    parts = [table_of(outcome, end) for outcome in outcomes.values()]
    customers = pd.concat(parts, ignore_index=True) if parts else no_customers()
    return CustomerModels(
        customers=customers,
        outcomes=outcomes,
        actions=actions(outcomes, inputs, params.model.capacity),
        inputs=inputs,
        horizon_end=end,
        horizon_weeks=horizon,
        months=months,
        main=CONTRACTUAL if params.churn.basis == "subscriptions" else NON_CONTRACTUAL,
    )


def bound(number: float, labels: Labels) -> str:
    """The bound of a level: whole where it is large; among English words as English writes it."""
    if current() == ENGLISH:
        return bare_number(number)
    return labels.plain(number if abs(number) < 10 else float(round(number)))


def no_customers() -> pd.DataFrame:
    """The customer table without a row."""
    return typed(pd.DataFrame(columns=list(COLUMNS)))


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """The columns in order and with their types: text, dates, float numbers."""
    table = table.reindex(columns=list(COLUMNS))
    kinds = {name: "float64" for name in NUMBERS} | {name: "str" for name in TEXTS}
    return table.astype(kinds | {"horizon_end": "datetime64[s]"})


def table_of(outcome: Outcome, end: date) -> pd.DataFrame:
    """The rows of one model, by customer id."""
    table = outcome.customers.reset_index().assign(
        model=outcome.model,
        horizon_end=pd.Timestamp(end),
        verdict=outcome.verdict.word,
        fallback=outcome.fallback or None,
    )
    return typed(table).sort_values("customer_id", kind="stable", ignore_index=True)


def actions(outcomes: dict[str, Outcome], inputs: Inputs, capacity: int) -> pd.DataFrame:
    """Today's customers by risk x value, as many of each model as the team can look after."""
    names = inputs.customers.set_index("customer_id")["name"]
    tables = []
    for outcome in outcomes.values():
        table = outcome.customers.reset_index()
        if not len(table):
            continue
        stake = (table["quarter_risk"] * table["clv"]).to_numpy(dtype="float64")
        best = table.assign(at_stake=stake, model=outcome.model)[(stake > 0) & table["watched"]]
        best = best.sort_values(["at_stake", "customer_id"], ascending=[False, True], kind="stable")[
            :capacity
        ]
        reasons = best[list(REASONS)].apply(
            lambda row: "; ".join(r for r in row if isinstance(r, str)), axis=1
        )
        tables.append(best.assign(name=names.reindex(best["customer_id"]).to_numpy(), reasons=reasons))
    columns = ["customer_id", "name", "model", "quarter_risk", "clv", "at_stake", "reasons"]
    if not tables:
        return pd.DataFrame(columns=columns)
    return pd.concat(tables, ignore_index=True)[columns]
