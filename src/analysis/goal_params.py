"""`goals:` of a params file: what is to be reached, by when, and the targets it is measured by."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from analysis import param_values as check
from analysis.glossary import KPIS
from analysis.param_section import Currency, Day, Number, Section
from analysis.yaml_lines import Key

Type = Literal["number", "currency", "true_false", "tasks", "kpi"]
Name = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=0)]

GOAL_KPIS = ("goal_progress", "target_progress")
"""The KPIs that are made of the goals, so that no goal can be made of them."""

KEYS: dict[str, tuple[str, ...]] = {
    "number": ("start", "end", "current"),
    "currency": ("start", "end", "current", "currency"),
    "true_false": ("done", "current"),
    "tasks": ("done", "all", "cancelled", "filter"),
    "kpi": ("kpi", "grain", "dimension", "member", "period", "start", "end"),
}
"""What each type of target may say beside `name`, `type` and `weight`."""

NEEDED = {"number": ("end",), "currency": ("end",), "kpi": ("kpi", "grain", "end")}


class TaskFilter(Section):
    """Which rows of the table `tasks` a target counts: those that fit all that is written."""

    rep_id: str | None = Field(None, description="the id of a salesperson")
    title: str | None = Field(None, description="a text that the title contains")
    linked_to: Literal["lead", "opportunity"] | None = Field(None, description="lead or opportunity")
    created_from: Day | None = Field(None, description="YYYY-MM-DD")
    created_to: Day | None = Field(None, description="YYYY-MM-DD")
    due_from: Day | None = Field(None, description="YYYY-MM-DD")
    due_to: Day | None = Field(None, description="YYYY-MM-DD")


class Target(Section):
    """One measure of a goal. Which keys go with which type is in KEYS."""

    name: Name = Field(description="the target's name as reports show it")
    type: Type = Field(description="number, currency, true_false, tasks or kpi")
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(1, description="a number above 0")
    start: Number | None = Field(None, description="a number: where it began")
    end: Number | None = Field(None, description="a number: what is to be reached")
    current: Annotated[bool | Number | dict[date, Number] | None, BeforeValidator(check.dated)] = Field(
        None, description="a number, or `YYYY-MM-DD: number` lines; of true_false: true or false"
    )
    currency: Currency | None = Field(None, description="a currency code such as EUR")
    done: Annotated[bool | date | int | None, BeforeValidator(check.done)] = Field(
        None, description="true, false or the day it was done; of tasks: how many are done"
    )
    all: Count | None = Field(None, description="how many tasks there are, 0 or more")
    cancelled: Count | None = Field(None, description="how many tasks were cancelled, 0 or more")
    filter: TaskFilter | None = Field(None, description="`key: value` lines: which tasks count")
    kpi: Annotated[str | None, check.one_of("KPI", set(KPIS) - set(GOAL_KPIS), "revenue")] = Field(
        None, description="a KPI's id such as revenue"
    )
    grain: str | None = Field(None, description="a grain that the KPI has, such as month")
    dimension: str | None = Field(None, description="a breakdown that the KPI has, such as rep")
    member: str | None = Field(None, description="a member of the breakdown, such as a rep_id")
    period: Literal["running", "complete"] | None = Field(None, description="running or complete")


class Goal(Section):
    """What is to be reached, whose it is, by when, and its targets."""

    name: Name = Field(description="the goal's name as reports show it")
    folder: str | None = Field(None, description="a folder's name")
    owner: str | None = Field(None, description="a rep_id, or a name")
    start_on: Day | None = Field(None, description="YYYY-MM-DD")
    due_on: Day | None = Field(None, description="YYYY-MM-DD")
    targets: list[Target] = Field([], description="a list of targets, each of `key: value` lines")


SECTIONS: dict[Key, type[Section]] = {
    ("goals", "*"): Goal,
    ("goals", "*", "targets", "*"): Target,
    ("goals", "*", "targets", "*", "filter"): TaskFilter,
}
"""The mappings under `goals`; `*` stands for a place in a list."""


def checks(goals: Any, lines: dict[Key, int]) -> Iterator[tuple[int, str]]:
    """What no single value can tell, as (line, text): names given twice, keys of another type of target."""
    taken: dict[str, int] = {}
    members: dict[str, int] = {}
    for at, goal in _mappings(goals, ("goals",)):
        yield from _once(goal.get("name"), lines[at], taken, "a goal")
        start, due = (_day(goal.get(key)) for key in ("start_on", "due_on"))
        if start and due and due < start:
            yield lines[(*at, "due_on")], f"{'.'.join(at)}.due_on: {due} is before start_on, {start}"
        names: dict[str, int] = {}
        for place, target in _mappings(goal.get("targets"), (*at, "targets")):
            name = target.get("name")
            if name in names:
                yield from _once(name, lines[place], names, "a target of this goal")
            else:
                names[str(name)] = lines[place]
                yield from _once(f"{goal.get('name')} / {name}", lines[place], members, "a goal and target")
            if target.get("type") in KEYS:
                yield from _target(target, place, lines)


def _mappings(items: Any, at: Key) -> Iterator[tuple[Key, dict[str, Any]]]:
    for place, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict):
            yield (*at, str(place)), item


def _once(name: Any, line: int, taken: dict[str, int], what: str) -> Iterator[tuple[int, str]]:
    if isinstance(name, str):
        if name in taken:
            yield line, f"{name!r} is the name of {what} in line {taken[name]} already; give each its own"
        taken.setdefault(name, line)


def _target(target: dict[str, Any], at: Key, lines: dict[Key, int]) -> Iterator[tuple[int, str]]:
    """The keys that the target's type has or needs."""
    kind, dotted = target["type"], ".".join(at)
    given = {key for key, value in target.items() if value is not None}
    for key in target:
        if key in Target.model_fields and key not in (*KEYS[kind], "name", "type", "weight"):
            homes = " or ".join(other for other, keys in KEYS.items() if key in keys)
            yield lines[(*at, key)], f"{dotted}.{key}: a target of type {kind} has none; it goes with {homes}"
    for key in NEEDED.get(kind, ()):
        if key not in given:
            yield lines[at], f"`{dotted}.{key}` is missing; give {Target.model_fields[key].description}"
    if kind == "tasks":
        yield from _tasks(target, given, at, lines)
    if kind == "true_false" and {"done", "current"} <= given:
        yield lines[(*at, "done")], f"{dotted}: `done` and `current`; keep one of them"
    if kind == "true_false" and target.get("current") not in (None, "true", "false", True, False):
        yield lines[(*at, "current")], f"{dotted}.current: {target['current']!r} is neither true nor false"
    if kind in ("number", "currency") and target.get("current") in ("true", "false", True, False):
        yield lines[(*at, "current")], f"{dotted}.current: {str(target['current'])!r} is no number"
    if kind == "kpi" and target.get("kpi") in KPIS:
        yield from _kpi(target, given, at, lines)


def _tasks(
    target: dict[str, Any], given: set[str], at: Key, lines: dict[Key, int]
) -> Iterator[tuple[int, str]]:
    """Either counts or a filter; no more done than there are."""
    dotted = ".".join(at)
    if "filter" in target and given & {"done", "all", "cancelled"}:
        yield lines[(*at, "filter")], f"{dotted}: a filter and counts; keep one of them"
    elif "filter" not in target and not {"done", "all"} <= given:
        yield lines[at], f"{dotted}: tasks need `done` and `all`, or a `filter` over the table tasks"
    counts = [target.get(key) or "0" for key in ("done", "all", "cancelled")]
    if {"done", "all"} <= given and all(str(count).isdecimal() for count in counts):
        done, every, cancelled = (int(count) for count in counts)
        if done + cancelled > every:
            yield lines[(*at, "all")], f"{dotted}.all: {every} is less than what is done and cancelled"
    elif "done" in given and not str(target["done"]).isdecimal():
        yield lines[(*at, "done")], f"{dotted}.done: {str(target['done'])!r} is no number of tasks"


def _kpi(
    target: dict[str, Any], given: set[str], at: Key, lines: dict[Key, int]
) -> Iterator[tuple[int, str]]:
    """A grain, a breakdown and a direction that the KPI has."""
    spec, dotted = KPIS[target["kpi"]], ".".join(at)
    for key, known in (("grain", spec.grains), ("dimension", spec.dims)):
        value = target.get(key)
        if isinstance(value, str) and value not in known:
            hint = check.near(value, known) or f"; it has {', '.join(known) or 'none'}"
            yield lines[(*at, key)], f"{dotted}.{key}: {spec.id} has no {key} {value!r}{hint}"
    if len({"dimension", "member"} & given) == 1:
        yield lines[at], f"{dotted}: give `dimension` and `member` together, or neither"
    if "start" not in given and spec.direction != "up":
        yield (
            lines[at],
            f"`{dotted}.start` is missing; give where {spec.id} began, since more of it is not better",
        )


def _day(value: Any) -> date | None:
    try:
        return check.parse_day(value)
    except ValueError:
        return None
