"""Tables of the customers' outlook: who may leave, what they are worth, and how far to trust it."""

import numpy as np
import pandas as pd

from analysis.display import Note, Row, Table
from analysis.labels import NOTHING, Labels
from analysis.models.customers import CustomerModels
from analysis.models.outcome import CONTRACTUAL, Outcome
from analysis.models.staying import difference, staying

NAMES = {"contractual": "Customers under contract", "non_contractual": "Customers who order"}
AT_MONTHS = (3, 6, 12, 24, 36)
NONE = "This company has neither contracts nor orders that name a customer, so nothing can be forecast."
ABSENT = {
    "contractual": "This company has no table `subscriptions`, so no end of a contract can be learned from.",
    "non_contractual": "This company has no orders that name a customer, so no next order can be forecast.",
}


def outlook(models: CustomerModels, labels: Labels) -> Table | Note:
    """The answer: how many are likely to leave, their worth, how wrong it was last time, a verdict."""
    if not models.outcomes:
        return Note(NONE)
    found = list(models.outcomes.values())
    lines = {
        "Customers today": [labels.plain(float(o.customers["watched"].sum())) for o in found],
        "Likely to leave, or not to order, in the next quarter": [
            around(labels, o.leaving.value, o.leaving.low, o.leaving.high) for o in found
        ],
        "What those are worth": [money(labels, o.leaving_value) for o in found],
        "What all customers are worth": [
            f"{money(labels, o.total.value)} ({money(labels, o.total.low)} – {money(labels, o.total.high)})"
            for o in found
        ],
        "How wrong the last such forecast was": [last_time(o, labels) for o in found],
        "Can it be used?": [o.verdict.word for o in found],
    }
    body = tuple(Row((name, *cells)) for name, cells in lines.items())
    caption = f"Outlook as of {labels.day(labels.as_of)}"
    worth = f"Worth: margin expected in the coming {models.months} months, discounted"
    worth += "; in brackets the 95 % interval"
    told = [f"{NAMES[o.model]}: {reason}" for o in found for reason in o.verdict.reasons]
    return Table(caption, ("", *(NAMES[o.model] for o in found)), body, (worth, *told), "outlook")


def around(labels: Labels, value: float, low: float, high: float) -> str:
    """A number of customers with its interval."""
    one, two, three = (labels.plain(float(round(number))) for number in (value, low, high))
    return f"{one} ({two} – {three})"


def money(labels: Labels, amount: float) -> str:
    """An amount in the company's currency."""
    return labels.money(float(amount), labels.currency)


def last_time(outcome: Outcome, labels: Labels) -> str:
    """By how much the last holdout was missed, in words."""
    if np.isnan(outcome.missed):
        return "there is no earlier forecast to look back at"
    way = "too many" if outcome.missed > 0 else "too few"
    what = "leavers" if outcome.model == CONTRACTUAL else "orders"
    return f"{labels.value(abs(outcome.missed), 'ratio')} {way} {what}"


def calls(models: CustomerModels, labels: Labels, model: str) -> Table | Note:
    """The customers most worth a call: risk x value, the highest first."""
    if model not in models.outcomes:
        return Note(ABSENT[model])
    found = models.actions[models.actions["model"] == model]
    if found.empty:
        return Note("No customer is both at risk and worth anything.")
    body = tuple(
        Row(
            (
                str(row.customer_id) if pd.isna(row.name) else f"{row.name} ({row.customer_id})",
                labels.value(float(row.quarter_risk), "ratio"),
                money(labels, row.clv),
                money(labels, row.at_stake),
                row.reasons,
            )
        )
        for row in found.rename(columns={"Index": "place"}).itertuples(index=False)
    )
    head = ("Customer", "Risk in the next quarter", "Worth", "At stake", "Why")
    notes = ["At stake: risk x worth"]
    if models.outcomes[model].verdict.word == "do not use":
        notes.append("This forecast failed its last test: do not rest a decision on the list")
    return Table(f"{NAMES[model]}: whom to call first", head, body, tuple(notes), "calls")


def levels(models: CustomerModels, labels: Labels, model: str) -> Table | Note:
    """The risk of the next quarter by what tells the customers apart."""
    outcome = models.outcomes.get(model)
    if outcome is None or outcome.factors.empty:
        return Note(ABSENT[model] if outcome is None else "There are no customers to tell apart.")
    body = tuple(
        Row(
            (f"{row.factor}: {row.level}", labels.plain(float(row.n)), labels.value(float(row.risk), "ratio"))
        )
        for row in outcome.factors.itertuples(index=False)
    )
    head = ("Customers by", "How many", "Mean risk in the next quarter")
    return Table(f"{NAMES[model]}: risk in the next quarter", head, body, kind="levels")


def looked_back(models: CustomerModels, labels: Labels, model: str) -> Table | Note:
    """The forecast of the last holdout beside what happened, by groups of customers."""
    outcome = models.outcomes.get(model)
    if outcome is None or outcome.tested_from is None or outcome.calibration.empty:
        return Note(ABSENT[model] if outcome is None else "There is no earlier day to forecast from.")
    unit = "ratio" if model == CONTRACTUAL else "count"
    body = tuple(
        Row(
            (
                str(place),
                labels.plain(float(row.n)),
                told(labels, row.predicted, unit),
                told(labels, row.observed, unit),
            )
        )
        for place, row in enumerate(outcome.calibration.itertuples(index=False), start=1)
    )
    what = "who left" if model == CONTRACTUAL else "orders each"
    day = labels.day(outcome.tested_from)
    caption = f"{NAMES[model]}: forecast of {day}, {outcome.tested_days} days later"
    return Table(
        caption, ("Group", "Customers", f"Forecast: {what}", f"Came true: {what}"), body, (), "tested"
    )


def told(labels: Labels, number: float, unit: str) -> str:
    """A share, or a mean count with two decimals."""
    return labels.value(float(number), "ratio") if unit == "ratio" else labels.plain(float(number))


def scores(models: CustomerModels, labels: Labels, model: str) -> Table | Note:
    """Each forecast and each baseline at the last holdout; the first number decides, the less the better."""
    outcome = models.outcomes.get(model)
    if outcome is None or outcome.scores.empty:
        return Note(ABSENT[model] if outcome is None else "There is no earlier day to forecast from.")
    found = outcome.scores
    body = tuple(
        Row((str(name).replace("_", " "), *(f"{x:.3f}" if np.isfinite(x) else NOTHING for x in line)))
        for name, line in zip(found.index, found.to_numpy(dtype="float64"), strict=True)
    )
    used = f"Used: {outcome.method}" + (f"; fallback: {outcome.fallback}" if outcome.fallback else "")
    right = f"95 % intervals that were right: {labels.value(outcome.coverage, 'ratio')}"
    notes = (used.replace("_", " "), right) if np.isfinite(outcome.coverage) else (used.replace("_", " "),)
    head = ("Forecast", *(str(name).replace("_", " ") for name in found))
    return Table(f"{NAMES[model]}: against the baselines", head, body, notes, "scores")


def lasting(models: CustomerModels, labels: Labels, by: str = "segment") -> Table | Note:
    """The share of contracts still running after so many months, by member, and whether members differ."""
    curves, p = staying(models.inputs, by), difference(models.inputs, by)
    if curves.empty:
        return Note("There are no contracts to draw by segment." if models.inputs.subscriptions is not None
                    else ABSENT["contractual"])  # fmt: skip
    body = []
    for member, part in curves.groupby("member"):
        at = part.set_index("month")["survival"].reindex(AT_MONTHS)
        cells = [labels.value(float(share), "ratio") for share in at]
        body.append(Row((labels.member(by, str(member)), labels.plain(float(part["n"].iloc[0])), *cells)))
    head = (labels.dimension(by).capitalize(), "Contracts", *(f"after {m} months" for m in AT_MONTHS))
    word = "a difference beyond chance" if p < 0.05 else "chance alone may explain it"
    notes = () if np.isnan(p) else (f"Log-rank test: p = {p:.3f}, {word}",)
    caption = f"Contracts still running, by {labels.dimension(by)}"
    return Table(caption, head, tuple(body), notes, "lasting")


def caveats(models: CustomerModels, labels: Labels) -> Table | Note:
    """What the figures rest on and what could not be done, model by model."""
    body = [Row(("All", models.inputs.margin_note))]
    body += [
        Row(("All", f"column left out, it could know the future: {leak}")) for leak in models.inputs.leaks
    ]
    for outcome in models.outcomes.values():
        body += [Row((NAMES[outcome.model], note.replace("_", " "))) for note in outcome.notes]
    return Table("What the figures rest on", ("Of", "Note"), tuple(body), kind="caveats")
