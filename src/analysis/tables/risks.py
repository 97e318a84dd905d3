"""Tables of the customers' outlook: who may leave, what they are worth, and how far to trust it."""

import numpy as np

from analysis.display import Note, Row, Table
from analysis.labels import NOTHING, Labels
from analysis.models.customers import CustomerModels
from analysis.models.evaluation import called
from analysis.models.outcome import CONTRACTUAL, Outcome
from analysis.models.staying import difference, staying
from analysis.texts import mark, say

NAMES = {"contractual": mark("Customers under contract"), "non_contractual": mark("Customers who order")}
AT_MONTHS = (3, 6, 12, 24, 36)
NONE = mark("This company has neither contracts nor orders that name a customer, so nothing can be forecast.")
ABSENT = {
    "contractual": mark(
        "This company has no table `subscriptions`, so no end of a contract can be learned from."
    ),
    "non_contractual": mark(
        "This company has no orders that name a customer, so no next order can be forecast."
    ),
}
LEFT_OUT = mark("column left out, it could know the future: {column}: {reason}")
ALL_ALIKE = mark("All these customers have the same risk: nothing tells them apart.")
NO_TEST = mark("There is no earlier day to forecast from.")
VERDICTS = {
    "usable": mark("usable"),
    "indicative": mark("indicative"),
    "do not use": mark("do not use"),
}
SCORES = {
    "ibs": mark("ibs"),
    "uno_c": mark("uno c"),
    "auc": mark("auc"),
    "deviance": mark("deviance"),
    "spearman": mark("spearman"),
    "mae": mark("mae"),
    "total_error": mark("total error"),
    "spend_mae": mark("mae of value"),
    "spend_mae_flat": mark("mae of value, one amount for all"),
}


def outlook(models: CustomerModels, labels: Labels) -> Table | Note:
    """The answer: how many are likely to leave, their worth, how wrong it was last time, a verdict."""
    if not models.outcomes:
        return Note(say(NONE))
    found = list(models.outcomes.values())
    lines = {
        say("Customers today"): [labels.plain(float(o.customers["watched"].sum())) for o in found],
        say("Likely to leave, or not to order, in the next quarter"): [
            around(labels, o.leaving.value, o.leaving.low, o.leaving.high) for o in found
        ],
        say("What those are worth"): [money(labels, o.leaving_value) for o in found],
        say("What all customers of today are worth"): [
            f"{money(labels, o.today.value)} ({money(labels, o.today.low)} – {money(labels, o.today.high)})"
            for o in found
        ],
        say("Silent too long, not counted as customers today"): [gone_quiet(o, labels) for o in found],
        say("How wrong the last such forecast was"): [last_time(o, labels) for o in found],
        say("Can it be used?"): [say(VERDICTS[o.verdict.word]) for o in found],
    }
    body = tuple(Row((name, *cells)) for name, cells in lines.items() if set(cells) != {NOTHING})
    caption = say("Outlook as of {day}", day=labels.day(labels.as_of))
    worth = say(
        "Worth: margin expected in the coming {months} months, discounted; in brackets the 95 % interval",
        months=models.months,
    )
    told = [f"{say(NAMES[o.model])}: {reason}" for o in found for reason in o.verdict.reasons]
    if len(found) > 1:
        told.insert(0, say("The columns count different people; who has a contract and orders is in both"))
    return Table(caption, ("", *(say(NAMES[o.model]) for o in found)), body, (worth, *told), "outlook")


def gone_quiet(outcome: Outcome, labels: Labels) -> str:
    """How many customers are known and not counted today, and what is still expected of them."""
    quiet = int((~outcome.customers["watched"].astype("bool")).sum())
    if not quiet:
        return NOTHING
    amount = money(labels, outcome.total.value - outcome.today.value)
    return say("{customers}, worth {amount}", customers=labels.plain(float(quiet)), amount=amount)


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
        return say("there is no earlier forecast to look back at")
    share = labels.value(abs(outcome.missed), "ratio")
    if outcome.model == CONTRACTUAL:
        many = outcome.missed > 0
        return (
            say("{share} too many leavers", share=share)
            if many
            else say("{share} too few leavers", share=share)
        )
    many = outcome.missed > 0
    orders = (
        say("{share} too many orders", share=share) if many else say("{share} too few orders", share=share)
    )
    if np.isnan(outcome.missed_spend):
        return orders
    share, much = labels.value(abs(outcome.missed_spend), "ratio"), outcome.missed_spend > 0
    value = (
        say("{share} too much value", share=share) if much else say("{share} too little value", share=share)
    )
    return f"{orders}, {value}"


def absent(models: CustomerModels, model: str) -> Note | None:
    """A word on a model that the company has no data for; nothing where the other one speaks."""
    return None if models.outcomes else Note(say(ABSENT[model]))


def calls(models: CustomerModels, labels: Labels, model: str) -> Table | Note | None:
    """The customers most worth a call: risk x value, the highest first."""
    if model not in models.outcomes:
        return absent(models, model)
    found = models.actions[models.actions["model"] == model]
    if found.empty:
        return Note(say("No customer is both at risk and worth anything."))
    body = tuple(
        Row(
            (
                who(row.name, row.customer_id),
                labels.value(float(row.quarter_risk), "ratio"),
                money(labels, row.clv),
                money(labels, row.at_stake),
                row.reasons,
            )
        )
        for row in found.rename(columns={"Index": "place"}).itertuples(index=False)
    )
    head = (say("Customer"), say("Risk in the next quarter"), say("Worth"), say("At stake"), say("Why"))
    notes = [say("At stake: risk x worth")]
    if models.outcomes[model].verdict.word == "do not use":
        notes.append(say("This forecast failed its last test: do not rest a decision on the list"))
    return Table(
        say("{model}: whom to call first", model=say(NAMES[model])), head, body, tuple(notes), "calls"
    )


def who(name: object, customer_id: object) -> str:
    """A customer by name and id, or by the id alone where that is all there is."""
    if not isinstance(name, str) or name in ("", str(customer_id)):
        return str(customer_id)
    return f"{name} ({customer_id})"


def levels(models: CustomerModels, labels: Labels, model: str) -> Table | Note | None:
    """The risk of the next quarter by what tells the customers apart."""
    outcome = models.outcomes.get(model)
    if outcome is None:
        return absent(models, model)
    if outcome.factors.empty:
        some = len(outcome.customers) and bool(outcome.customers["watched"].any())
        return Note(say(ALL_ALIKE) if some else say("There are no customers to tell apart."))
    body = tuple(
        Row(
            (f"{row.factor}: {row.level}", labels.plain(float(row.n)), labels.value(float(row.risk), "ratio"))
        )
        for row in outcome.factors.itertuples(index=False)
    )
    head = (say("Customers by"), say("How many"), say("Mean risk in the next quarter"))
    caption = say("{model}: risk in the next quarter", model=say(NAMES[model]))
    return Table(caption, head, body, kind="levels")


def looked_back(models: CustomerModels, labels: Labels, model: str) -> Table | Note | None:
    """The forecast of the last holdout beside what happened, by groups of customers."""
    outcome = models.outcomes.get(model)
    if outcome is None:
        return absent(models, model)
    if outcome.tested_from is None or outcome.calibration.empty:
        return Note(say(NO_TEST))
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
    what = (say("Forecast: orders each"), say("Came true: orders each"))
    if model == CONTRACTUAL:
        what = (say("Forecast: who left"), say("Came true: who left"))
    caption = say(
        "{model}: forecast of {day}, {days} days later",
        model=say(NAMES[model]), day=labels.day(outcome.tested_from), days=outcome.tested_days,
    )  # fmt: skip
    return Table(caption, (say("Group"), say("Customers"), *what), body, (), "tested")


def told(labels: Labels, number: float, unit: str) -> str:
    """A share, or a mean count with two decimals."""
    return labels.value(float(number), "ratio") if unit == "ratio" else labels.plain(float(number))


def scores(models: CustomerModels, labels: Labels, model: str) -> Table | Note | None:
    """Each forecast and each baseline at the last holdout; the first number decides, the less the better."""
    outcome = models.outcomes.get(model)
    if outcome is None:
        return absent(models, model)
    if outcome.scores.empty:
        return Note(say(NO_TEST))
    found = outcome.scores
    body = tuple(
        Row((called(str(name)), *(labels.fine(x) if np.isfinite(x) else NOTHING for x in line)))
        for name, line in zip(found.index, found.to_numpy(dtype="float64"), strict=True)
    )
    method = called(outcome.method)
    fallback = ", ".join(map(called, outcome.fallback.split(", ")))
    notes = [say("Used: {method}", method=method)]
    if fallback:
        notes = [say("Used: {method}; fallback: {fallback}", method=method, fallback=fallback)]
    if np.isfinite(outcome.coverage):
        share = labels.value(outcome.coverage, "ratio")
        notes.append(say("95 % intervals that were right: {share}", share=share))
    names = (say(SCORES[name]) if name in SCORES else str(name).replace("_", " ") for name in found)
    caption = say("{model}: against the baselines", model=say(NAMES[model]))
    return Table(caption, (say("Forecast"), *names), body, tuple(notes), "scores")


def lasting(models: CustomerModels, labels: Labels, by: str = "segment") -> Table | Note:
    """The share of contracts still running after so many months, by member, and whether members differ."""
    curves, p = staying(models.inputs, by), difference(models.inputs, by)
    if curves.empty:
        there = models.inputs.subscriptions is not None
        text = say("There are no contracts to draw by segment.") if there else say(ABSENT["contractual"])
        return Note(text, cause="contracts")
    body = []
    for member, part in curves.groupby("member"):
        at = part.set_index("month")["survival"].reindex(AT_MONTHS)
        cells = [labels.value(float(share), "ratio") for share in at]
        body.append(Row((labels.member(by, str(member)), labels.plain(float(part["n"].iloc[0])), *cells)))
    after = (say("after {months} months", months=months) for months in AT_MONTHS)
    head = (labels.dimension(by).capitalize(), say("Contracts"), *after)
    notes = []
    if not np.isnan(p):
        shown = labels.fine(p)
        notes = [say("Log-rank test: p = {p}, chance alone may explain it", p=shown)]
        if p < 0.05:
            notes = [say("Log-rank test: p = {p}, a difference beyond chance", p=shown)]
    caption = labels.by(say("Contracts still running,"), by)
    return Table(caption, head, tuple(body), tuple(notes), "lasting")


def caveats(models: CustomerModels, labels: Labels) -> Table | Note:
    """What the figures rest on and what could not be done, model by model."""
    body = [Row((say("All"), models.inputs.margin_note))]
    body += [
        Row((say("All"), say(LEFT_OUT, column=leak.column, reason=leak.reason)))
        for leak in models.inputs.leaks
    ]
    for outcome in models.outcomes.values():
        body += [Row((say(NAMES[outcome.model]), note.replace("_", " "))) for note in outcome.notes]
    return Table(say("What the figures rest on"), (say("Of"), say("Note")), tuple(body), kind="caveats")
