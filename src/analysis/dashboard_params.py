"""`dashboard:` of a params file: which KPI is shown as which widget, at which grain and by what."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from analysis import param_values as check
from analysis.glossary import GRAINS, KPIS, RATIO
from analysis.param_section import Section
from analysis.yaml_lines import Key

Kind = Literal["tile", "line", "bar", "pie", "battery", "calculation", "table"]
Calculation = Literal["sum", "average", "median", "lowest", "highest", "change"]
KINDS = "tile, line, bar, pie, battery, calculation or table"
MOST = 120  # periods

FLOWS = frozenset({
    "revenue", "units", "new_accounts", "target_revenue", "target_units", "target_new_accounts", "won_deals",
    "lost_deals", "emails_delivered", "new_leads", "new_opportunities", "pipeline_created", "growth_effect",
    "customers_new", "customers_reactivated", "customers_churned", "customers_flash", "mrr_new",
    "mrr_reactivated", "mrr_expansion", "mrr_contraction", "mrr_churned", "acquisition_cost",
    "tasks_completed", "points",
})  # fmt: skip
"""What happens in a period and is counted once: it may be added up over periods, and over members."""
STOCKS = frozenset({
    "open_pipeline", "unworked_leads", "customers_opening", "customers_closing", "mrr_opening", "mrr_closing",
    "tasks_overdue", "notifications_uncleared",
})  # fmt: skip
"""What stands at the end of a period: it may be added up over members, never over periods."""
SIGNED = frozenset({"growth_effect"})  # its parts may be below zero
TIMELESS = frozenset({"quick_ratio", "ltv_cac", "open_rate_lift", "cmgr_6m"})  # ratios that 1 is no end of


class Widget(Section):
    """One widget of the dashboard. Which keys go with which widget is in KEYS."""

    widget: Kind = Field(description=KINDS)
    kpi: Annotated[str | None, check.one_of("KPI", KPIS, "revenue")] = Field(
        None, description="a KPI's id such as revenue"
    )
    grain: str | None = Field(None, description="a grain that the KPI has, such as month")
    by: str | None = Field(None, description="a breakdown that the KPI has, such as channel")
    last: Annotated[int, Field(ge=1, le=MOST)] = Field(13, description=f"a number of periods, 1 to {MOST}")
    title: str | None = Field(None, description="a text")
    calculation: Calculation | None = Field(
        None, description="sum, average, median, lowest, highest or change"
    )
    goal: str | None = Field(None, description="a goal's name")
    folder: str | None = Field(None, description="a folder's name")

    @field_validator("grain")
    @classmethod
    def _grain_of_the_kpi(cls, grain: str | None, info: ValidationInfo) -> str | None:
        kpi = info.data.get("kpi")
        known = KPIS[kpi].grains if kpi in KPIS else (*GRAINS, "day", "week")
        if grain is not None and grain not in known:
            hint = check.near(grain, known) or f"; write {_either(known)}"
            raise _wrong(f"{kpi or 'a KPI'} has no grain {grain!r}{hint}")
        return grain

    @field_validator("by")
    @classmethod
    def _breakdown_of_the_kpi(cls, by: str | None, info: ValidationInfo) -> str | None:
        kpi = info.data.get("kpi")
        if by is not None and kpi in KPIS and by not in KPIS[kpi].dims:
            dims = KPIS[kpi].dims
            hint = check.near(by, dims) or (f"; write {_either(dims)}" if dims else "; leave `by` out")
            raise _wrong(f"{kpi} has no breakdown {by!r}{hint}")
        return by

    @model_validator(mode="after")
    def _fits_together(self) -> "Widget":
        for text in _faults(self):
            raise _wrong(text)
        return self


KEYS: dict[str, tuple[str, ...]] = {
    "tile": ("kpi", "grain", "last"),
    "line": ("kpi", "grain", "by", "last"),
    "bar": ("kpi", "grain", "by", "last"),
    "pie": ("kpi", "grain", "by"),
    "battery": ("kpi", "grain", "by", "goal", "folder"),
    "calculation": ("kpi", "grain", "by", "last", "calculation"),
    "table": ("kpi", "grain", "by", "last"),
}
"""What each widget may say beside `widget` and `title`."""

SECTIONS: dict[Key, type[Section]] = {("dashboard", "*"): Widget}


def adds_up(kpi: str, over: str) -> bool:
    """Whether values of the KPI may be added up: over "periods", or over the "members" of a breakdown."""
    return kpi in FLOWS or (over == "members" and kpi in STOCKS)


def checks(dashboard: Any, goals: Any, lines: dict[Key, int]) -> Iterator[tuple[int, str]]:
    """What no single value can tell, as (line, text): a goal or folder that the goals do not have."""
    for place, widget in enumerate(dashboard if isinstance(dashboard, list) else ()):
        for key, field in (("goal", "name"), ("folder", "folder")):
            name = widget.get(key) if isinstance(widget, dict) else None
            known = list(dict.fromkeys(str(goal[field]) for goal in _mappings(goals) if goal.get(field)))
            if isinstance(name, str) and name not in known:
                hint = check.near(name, known) or (f"; write {_either(tuple(known))}" if known else "")
                at = ("dashboard", str(place), key)
                yield lines[at], f"{'.'.join(at)}: no {key} of `goals` is called {name!r}{hint}"


def _mappings(items: Any) -> list[dict[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _faults(widget: Widget) -> list[str]:
    """What is wrong with the keys taken together, the gravest first."""
    kind, given = widget.widget, widget.model_fields_set
    own = KEYS[kind]
    stray = [key for keys in KEYS.values() for key in keys if key in given and key not in own]
    if stray:
        return [f"a {kind} has no `{stray[0]}`; its keys are {', '.join((*own, 'title'))}"]
    if kind == "battery":
        return _battery_faults(widget)
    if not widget.kpi:
        return [f"a {kind} needs `kpi`, a KPI's id such as revenue"]
    if kind == "pie":
        return _pie_faults(widget)
    return _calculation_faults(widget) if kind == "calculation" else []


def _battery_faults(widget: Widget) -> list[str]:
    if sum(x is not None for x in (widget.kpi, widget.goal, widget.folder)) > 1:
        return ["a battery shows a `kpi`, a `goal` or a `folder` of goals; keep one of them"]
    if widget.kpi and (KPIS[widget.kpi].unit != RATIO or widget.kpi in TIMELESS):
        return [f"a battery is full at 100 %, and {widget.kpi} has no such end; attainment_revenue has one"]
    return []


def _pie_faults(widget: Widget) -> list[str]:
    kpi = widget.kpi or ""
    if not widget.by:
        dims = KPIS[kpi].dims
        return [f"a pie needs `by`{f', {_either(dims)}' if dims else ''}: what it is cut into"]
    if not adds_up(kpi, "members") or kpi in SIGNED:
        return [f"a pie shows parts of a whole, and those of {kpi} do not add up to one; take a bar"]
    return []


def _calculation_faults(widget: Widget) -> list[str]:
    kpi, how = widget.kpi or "", widget.calculation
    if not how:
        return ["a calculation needs `calculation`: sum, average, median, lowest, highest or change"]
    over = "members" if widget.by else "periods"
    if how in ("sum", "average") and not adds_up(kpi, over):
        if kpi in STOCKS and how == "average":
            return []
        why = "stands at a day" if kpi in STOCKS else "is a ratio or the like"
        return [f"the {how} of {kpi} over {over} means nothing, for it {why}; take median, lowest or highest"]
    if how == "change" and widget.by:
        return ["a change is one over periods; leave `by` out"]
    return []


def _either(words: tuple[str, ...]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _wrong(text: str) -> PydanticCustomError:
    return PydanticCustomError(check.OWN, "{text}", {"text": text})
