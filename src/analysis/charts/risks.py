"""Charts of the customers' outlook: risk by what tells them apart, forecast against outcome, contracts over
time."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis.charts.style import (
    BAND,
    DASHES,
    GREY,
    INK,
    MAIN,
    PALETTE,
    canvas,
    finish,
    from_zero,
    legend,
    value_axis,
)
from analysis.display import Note
from analysis.labels import Labels
from analysis.texts import mark, say

FEW = 5
NARROW = 36  # letters of a title's line beside long names
NAMES = {"contractual": mark("Customers under contract"), "non_contractual": mark("Customers who order")}
NO_CURVES = mark("There are no contracts to draw a curve of.")
AXES = {
    "ratio": (mark("forecast: share who left"), mark("came true: share who left")),
    "count": (mark("forecast: orders a customer"), mark("came true: orders a customer")),
}


def risk_levels(factors: pd.DataFrame, labels: Labels, model: str, ax: Axes | None = None) -> Axes | None:
    """Mean risk of the next quarter by factor and level: a dot each, sorted by risk within its factor.

    Dots of few customers are grey. `factors` has `model`, `factor`, `level`, `n`, `risk`; None where it has
    nothing of the model, which the table beside it explains.
    """
    found = factors[factors["model"] == model].reset_index(drop=True) if len(factors) else factors
    if found.empty:
        return None
    places = [len(found) - i + found["factor"].nunique() - block for i, block in
              enumerate(pd.factorize(found["factor"])[0])]  # fmt: skip
    ax = canvas(ax, 1.1 + 0.24 * max(places))
    for place, (n, risk) in zip(places, found[["n", "risk"]].itertuples(index=False), strict=True):
        colour = GREY if n < FEW else MAIN
        ax.hlines(place, 0, risk, color=colour, linewidth=1, alpha=0.5)
        ax.plot(risk, place, marker="o", markersize=6, color=colour)
    ax.set_yticks(places, [f"{row.factor}: {row.level}" for row in found.itertuples(index=False)], fontsize=9)
    value_axis(ax, labels, "ratio", "", horizontal=True)
    from_zero(ax, horizontal=True, top=min(1.0, found["risk"].max() * 1.1 + 1e-9))
    title = say("{model}: risk in the next quarter", model=say(NAMES[model]))
    told = [
        f"{row.factor} {row.level} {labels.value(row.risk, 'ratio')}" for row in found.itertuples(index=False)
    ]
    alt = say("Dot chart: {title}. {values}.", title=title, values=", ".join(told))
    return finish(ax, title, alt, NARROW)


def came_true(calibration: pd.DataFrame, labels: Labels, model: str, ax: Axes | None = None) -> Axes | None:
    """The last forecast against what happened, a dot per group of customers, with its interval where known.

    On the dashed line the forecast was right; above it more happened than was forecast. None where there is
    nothing of the model.
    """
    found = calibration[calibration["model"] == model] if len(calibration) else calibration
    if found.empty:
        return None
    unit = "ratio" if model == "contractual" else "count"
    ax = canvas(ax, 4.2)
    top = 1.06 * float(found[["predicted", "observed"]].max().max())
    if "high" in found:
        top = max(top, 1.03 * float(found["high"].max()))
        known = found.dropna(subset=["low", "high"])
        ax.vlines(known["predicted"], known["low"], known["high"], color=MAIN, linewidth=1.2, alpha=0.5)
    top = top if top > 0 else 1.0
    ax.plot([0, top], [0, top], color=INK, linestyle="--", linewidth=1)
    ax.plot(found["predicted"], found["observed"], linestyle="none", marker="o", markersize=7, color=MAIN)
    value_axis(ax, labels, unit, "", horizontal=True)
    value_axis(ax, labels, unit, "")
    ax.set_xlim(0, top)
    ax.set_ylim(0, top)
    across, up = AXES[unit]
    ax.set_xlabel(say(across))
    ax.set_ylabel(say(up))
    right = Line2D([], [], color=INK, linestyle="--", label=say("forecast and outcome alike"))
    group = Line2D([], [], color=MAIN, linestyle="none", marker="o", label=say("group of customers"))
    legend(ax, [group, right])
    title = say("{model}: the last forecast and what came of it", model=say(NAMES[model]))
    told = [
        say(
            "{forecast} forecast, {outcome} came true",
            forecast=labels.tick(row.predicted, unit), outcome=labels.tick(row.observed, unit),
        )
        for row in found.itertuples(index=False)
    ]  # fmt: skip
    return finish(ax, title, say("Scatter chart: {title}. {values}.", title=title, values="; ".join(told)))


def lasting(curves: pd.DataFrame, labels: Labels, by: str = "segment", ax: Axes | None = None) -> Axes | Note:
    """The share of contracts still running by month, a stepped line per member, the intervals shaded.

    `curves` has `member`, `n`, `month`, `survival`, `low`, `high`.
    """
    if curves.empty:
        return Note(say(NO_CURVES), cause="contracts")
    ax = canvas(ax, 3.8)
    handles, told = [], []
    for i, (member, part) in enumerate(curves.groupby("member", sort=True)):
        colour, dash = PALETTE[i % len(PALETTE)], DASHES[i % len(DASHES)]
        name = labels.member(by, str(member))
        low, high = part["low"].fillna(part["survival"]), part["high"].fillna(part["survival"])
        ax.fill_between(part["month"], low, high, step="post", color=BAND, alpha=0.6)
        ax.step(part["month"], part["survival"], where="post", color=colour, linestyle=dash, linewidth=1.8)
        handles.append(Line2D([], [], color=colour, linestyle=dash, label=name))
        share = labels.value(part["survival"].iloc[-1], "ratio")
        months = part["month"].iloc[-1]
        told.append(say("{name} {share} after {months} months", name=name, share=share, months=months))
    value_axis(ax, labels, "ratio", "")
    ax.set_xlabel(say("months since the contract began"))
    ax.set_ylim(0, 1.03)
    ax.set_xlim(0, max(float(curves["month"].max()), 1.0))
    legend(ax, handles)
    title = labels.by(say("Contracts still running,"), by)
    return finish(ax, title, say("Line chart: {title}. {values}.", title=title, values=", ".join(told)))
