"""Tables of the customers' outlook: who may leave, what they are worth, and how far to trust it."""

import numpy as np

from analysis.display import Note, Row, Table
from analysis.labels import NOTHING, Labels
from analysis.models.customers import CustomerModels
from analysis.models.evaluation import called
from analysis.models.outcome import CONTRACTUAL, Outcome
from analysis.models.staying import difference, staying
from analysis.texts import mark, say, say_n

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
ALL_ALIKE = mark("{model}: all have the same risk, nothing tells them apart.")
NO_ONE = mark("{model}: there are none to tell apart.")
NO_TEST = mark("{model}: there is no earlier day to forecast from.")
NO_CALL = mark("{model}: nobody is both at risk and worth anything.")
NOTHING_CAME = {
    "contractual": mark("nobody left after the earlier forecast"),
    "non_contractual": mark("nothing was ordered after the earlier forecast"),
}
FAILED = mark("{caption}. This forecast failed its test: do not rest a decision on it")
UNTESTED = mark("{caption}. This forecast could not be tested: do not rest a decision on it")
CLEARLY_SHORTER = 0.9  # a test of less than this share of the horizon
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
        say("Can it be used?"): [say(VERDICTS[o.verdict.word]) for o in found],
        say("Customers today"): [labels.plain(float(o.customers["watched"].sum())) for o in found],
        say("Likely to leave, or not to order, in the next quarter"): [
            around(labels, o.leaving.value, o.leaving.low, o.leaving.high) for o in found
        ],
        say("What those are worth"): [money(labels, o.leaving_value) for o in found],
        say("What all customers of today are worth"): [
            f"{money(labels, o.today.value)} ({money(labels, o.today.low)} – {money(labels, o.today.high)})"
            for o in found
        ],
        say("No order for too long, not counted among those who order today"): [
            gone_quiet(o, labels) for o in found
        ],
        say("How wrong the last such forecast was"): [last_time(o, labels) for o in found],
    }
    body = tuple(Row((name, *cells)) for name, cells in lines.items() if set(cells) != {NOTHING})
    caption = say("Outlook as of {day}", day=labels.day(labels.as_of))
    head = ("", *(say(NAMES[o.model]) for o in found))
    return Table(caption, head, body, outlook_notes(models, found), "outlook")


def outlook_notes(models: CustomerModels, found: list[Outcome]) -> tuple[str, ...]:
    """What worth means, who is counted twice, what stands against each forecast, and which test was short."""
    told = [
        say_n(
            "Worth: margin expected in the coming month, discounted; in brackets the 95 % interval",
            "Worth: margin expected in the coming {n} months, discounted; in brackets the 95 % interval",
            models.months,
        )
    ]
    if not models.inputs.margin_known:
        told.append(say("No margin is known: worth is revenue here, in full"))
    if len(found) > 1:
        told.append(say("A customer who has a contract and also orders is counted in both columns"))
    told += [f"{say(NAMES[o.model])}: {reason}" for o in found for reason in o.verdict.reasons]
    ahead = models.horizon_weeks * 7
    told += [
        say_n(
            "{model}: the forecast looks {ahead} days ahead and was tested on {n} day",
            "{model}: the forecast looks {ahead} days ahead and was tested on {n} days",
            o.tested_days,
            model=say(NAMES[o.model]),
            ahead=ahead,
        )
        for o in found
        if o.tested_from is not None and o.tested_days < CLEARLY_SHORTER * ahead
    ]
    return tuple(told)


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
    """By how much the last holdout was missed and how long it was, in words."""
    if outcome.tested_from is None:
        return say("there is no earlier forecast to look back at")
    if np.isnan(outcome.missed):
        return say(NOTHING_CAME[outcome.model])
    return say_n("{missed}, in {n} day", "{missed}, in {n} days", outcome.tested_days,
                 missed=miss(outcome, labels))  # fmt: skip


def miss(outcome: Outcome, labels: Labels) -> str:
    """How far off the number of leavers was, or that of the orders and what they brought."""
    share, many = labels.value(abs(outcome.missed), "ratio"), outcome.missed > 0
    if outcome.model == CONTRACTUAL:
        return (
            say("{share} too many leavers", share=share)
            if many
            else say("{share} too few leavers", share=share)
        )
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
        return Note(say(NO_CALL, model=say(NAMES[model])))
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
    caption = say("{model}: whom to call first", model=say(NAMES[model]))
    outcome = models.outcomes[model]
    if outcome.verdict.word == "do not use":
        tested = outcome.tested_from is not None and not np.isnan(outcome.missed)
        caption = say(FAILED, caption=caption) if tested else say(UNTESTED, caption=caption)
    return Table(caption, head, body, (say("At stake: risk x worth"),), "calls")


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
        named = say(NAMES[model])
        return Note(say(ALL_ALIKE, model=named) if some else say(NO_ONE, model=named))
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
        return Note(say(NO_TEST, model=say(NAMES[model])))
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
        return Note(say(NO_TEST, model=say(NAMES[model])))
    found = outcome.scores
    body = tuple(
        Row((called(str(name)), *(labels.fine(x) if np.isfinite(x) else NOTHING for x in line)))
        for name, line in zip(found.index, found.to_numpy(dtype="float64"), strict=True)
    )
    notes = [made_with(outcome)]
    if np.isfinite(outcome.coverage):
        share = labels.value(outcome.coverage, "ratio")
        notes.append(say("95 % intervals that were right: {share}", share=share))
    names = (say(SCORES[name]) if name in SCORES else str(name).replace("_", " ") for name in found)
    caption = say("{model}: against the baselines", model=say(NAMES[model]))
    return Table(caption, (say("Forecast"), *names), body, tuple(notes), "scores")


def made_with(outcome: Outcome) -> str:
    """The forecast in use, and what else went into it in place of the usual: no name twice."""
    method = called(outcome.method)
    others = [name for name in map(called, outcome.fallback.split(", ")) if name not in ("", method)]
    if not others:
        return say("Used: {method}", method=method)
    return say("Used: {method}, with {fallback}", method=method, fallback=", ".join(others))


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
