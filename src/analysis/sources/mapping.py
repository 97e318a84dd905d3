"""How a source's columns become a table's: presets, columns, values, constants, where."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from analysis.contract import TABLES, Column, Table
from analysis.errors import ParamsError, SourceError
from analysis.params import Format, Params, TableSource
from analysis.sources.messages import did_you_mean, listing, near
from analysis.sources.parsing import FALSE, TRUE, Input, as_text, is_numeric, present
from analysis.sources.quoting import literal, literals
from analysis.sources.reading import Raw, SourceColumn

PRESETS = Path(__file__).parent / "presets"

Place = str | list[str] | None
"""A source column, the first there is of several, or none."""


@dataclass(frozen=True)
class Spec:
    """A table's entry of the params file with its preset, if any, filled in."""

    table: Table
    file: str | None = None
    database_table: str | None = None
    sql: str | None = None
    format: Format = field(default_factory=Format)
    columns: Mapping[str, Place] = field(default_factory=dict)
    joined: Mapping[str, list[str]] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    where: Mapping[str, Any] = field(default_factory=dict)
    from_preset: frozenset[str] = frozenset()


def presets() -> dict[str, dict[str, Any]]:
    """The ready mappings by name, such as `hubspot.owners`."""
    found = {}
    for path in sorted(PRESETS.glob("*.yaml")):
        for name, preset in YAML(typ="safe").load(path.read_text(encoding="utf-8")).items():
            found[f"{path.stem}.{name}"] = preset
    return found


def _preset(table: str, source: TableSource, params: Params) -> dict[str, Any]:
    if source.preset is None:
        return {}
    known = presets()
    if source.preset not in known:
        raise ParamsError(
            f"{params.where('source', 'tables', table, 'preset')}: there is no preset `{source.preset}`"
            f"{did_you_mean(source.preset, known)}\n  the presets are {', '.join(known)}"
        )
    preset = known[source.preset]
    if preset["table"] != table:
        raise ParamsError(
            f"{params.where('source', 'tables', table, 'preset')}: {source.preset} fills {preset['table']}, "
            f"not {table}; write it under source.tables.{preset['table']}"
        )
    return preset


def specs(params: Params) -> dict[str, Spec]:
    """The tables that the params file names, presets filled in.

    Raises
    ------
    ParamsError
        A preset that does not exist, or that fills another table: all of them, a line each.
    """
    found, problems = {}, []
    for name, source in params.source.tables.items():
        try:
            found[name] = _spec(TABLES[name], source, _preset(name, source, params))
        except ParamsError as error:
            problems.append(str(error))
    if problems:
        raise ParamsError("\n".join(problems))
    return found


def _spec(table: Table, source: TableSource, preset: dict[str, Any]) -> Spec:
    own = {name: getattr(source.format, name) for name in source.format.model_fields_set}
    values: dict[str, dict[str, Any]] = {c: dict(v) for c, v in preset.get("values", {}).items()}
    for column, mapping in source.values.items():
        values[column] = {**values.get(column, {}), **mapping}
    taken = set(source.columns) | set(source.constants)
    ready = {c: place for c, place in preset.get("columns", {}).items() if c not in taken}
    constants = {c: v for c, v in preset.get("constants", {}).items() if c not in taken}
    return Spec(
        table,
        file=source.file,
        database_table=source.table,
        sql=source.sql,
        format=Format(**{**preset.get("format", {}), **own}),
        columns={**ready, **source.columns},
        joined={c: parts for c, parts in preset.get("joined", {}).items() if c not in taken},
        values=values,
        constants={**constants, **source.constants},
        where={**preset.get("where", {}), **source.where},
        from_preset=frozenset(ready) | (frozenset(preset.get("where", {})) - set(source.where)),
    )


# --- columns ----------------------------------------------------------------------------------------------


def _wrong_column(spec: Spec, raw: Raw, column: str, name: str, params: Params) -> str:
    close = near(name, raw.names) or near(column, raw.names)
    where = params.where("source", "tables", spec.table.name, "columns", column)
    write = f"{{{column}: {close[0] if close else 'one of them'}}}"
    return (
        f"{raw.shown}: {spec.table.name}.{column}: there is no column `{name}`"
        f"{did_you_mean(name, raw.names)}\n"
        f"  the source's columns are {listing(raw.names)}\n"
        f"  write `columns: {write}` at {where}"
    )


def _missing_column(spec: Spec, raw: Raw, column: Column, params: Params) -> str:
    is_key = spec.table.key == (column.name,)
    taken = {*spec.table.names, *(p for p in spec.columns.values() if isinstance(p, str))}
    close = near(column.name, [n for n in raw.names if n not in taken]) or (["$row"] if is_key else [])
    where = params.where("source", "tables", spec.table.name)
    hint = f" (near: {', '.join(close)})" if close else ""
    return (
        f"{raw.shown}: {spec.table.name}.{column.name}: the required column is missing{hint}\n"
        f"  the source's columns are {listing(raw.names)}\n"
        f"  write `columns: {{{column.name}: {close[0] if close else 'its name in the source'}}}` under "
        f"source.tables.{spec.table.name} ({where})"
    )


def _chosen(spec: Spec, raw: Raw, column: str) -> tuple[SourceColumn | None, str | None]:
    """The source column of a canonical column, and the name that was asked for and is not there."""
    if column not in spec.columns:
        return raw.column(column), None
    place = spec.columns[column]
    names = [place] if isinstance(place, str) else list(place or ())
    for name in names:
        if name == "$row":
            return SourceColumn("$row", raw.row, "BIGINT"), None
        if found := raw.column(name):
            return found, None
    return None, names[0] if names and column not in spec.from_preset else None


def _mapped(source: SourceColumn, values: Mapping[str, Any]) -> Input:
    """The column's value, replaced where `values` says so; what is not listed passes through."""
    if not values:
        bare = source.sql if source.type == "VARCHAR" else ""
        return Input(present(source.sql, source.type), source.type, bare)
    text = present(as_text(source.sql, source.type), "VARCHAR")
    nothing = [v for k, v in values.items() if k == ""]
    listed = {k.lower() if source.type == "BOOLEAN" else k: v for k, v in values.items() if k != ""}
    cases = " ".join(f"WHEN {literal(k)} THEN {literal(_plain(v))}" for k, v in listed.items())
    out = f"CASE {text} {cases} ELSE {text} END" if cases else text
    return Input(f"coalesce({out}, {literal(_plain(nothing[0]))})" if nothing else out)


def _plain(value: object) -> str | None:
    """A scalar of the params file as a source would write it."""
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def inputs(spec: Spec, raw: Raw, params: Params) -> dict[str, Input]:
    """What feeds each canonical column that the source supplies.

    Raises
    ------
    SourceError
        A required column is missing, or a mapped one is not in the source: all of them.
    """
    found: dict[str, Input] = {}
    problems = []
    for column in spec.table:
        name = column.name
        if name in spec.constants:
            value = _plain(spec.constants[name])
            found[name] = Input(f"CAST({literal(value)} AS VARCHAR)")
            continue
        if name in spec.joined and (parts := [c for n in spec.joined[name] if (c := raw.column(n))]):
            texts = ", ".join(present(as_text(c.sql, c.type), "VARCHAR") for c in parts)
            found[name] = Input(f"nullif(concat_ws(' ', {texts}), '')")
            continue
        source, absent = _chosen(spec, raw, name)
        if absent is not None:
            problems.append(_wrong_column(spec, raw, name, absent, params))
        elif source is not None:
            found[name] = _mapped(source, spec.values.get(name, {}))
        elif column.required:
            problems.append(_missing_column(spec, raw, column, params))
    if problems:
        raise SourceError("\n".join(problems))
    return found


# --- where ------------------------------------------------------------------------------------------------


def _equals(source: SourceColumn, value: object) -> str:
    given = present(source.sql, source.type)
    if value is None:
        return f"({given}) IS NULL"
    text = as_text(given, source.type)
    if isinstance(value, bool):
        words = literals(TRUE if value else FALSE)
        same = f"lower({text}) IN ({words})"
        return same if value else f"({same} OR ({given}) IS NULL)"
    same = f"{text} = {literal(_plain(value))}"
    if isinstance(value, int | float):
        amount = given if is_numeric(source.type) else f"TRY_CAST({text} AS DOUBLE)"
        return f"({same} OR {amount} = {value!r})"
    if source.type == "BOOLEAN":
        return f"{text} = {literal(str(value).lower())}"
    return same


def where(spec: Spec, raw: Raw, params: Params) -> str:
    """SQL of the rows to take; an empty cell counts as false.

    Raises
    ------
    SourceError
        A column that the source does not have.
    """
    conditions = []
    for name, value in spec.where.items():
        source = raw.column(name)
        if source is None and name in spec.from_preset:
            continue
        if source is None:
            at = params.where("source", "tables", spec.table.name, "where", name)
            raise SourceError(
                f"{raw.shown}: {spec.table.name}: `where` names the column `{name}`, which is not there"
                f"{did_you_mean(name, raw.names)}\n  the source's columns are {listing(raw.names)}; see {at}"
            )
        any_of = value if isinstance(value, list) else [value]
        tests = [f"coalesce({_equals(source, v)}, false)" for v in any_of] or ["false"]
        conditions.append(f"({' OR '.join(tests)})")
    return " AND ".join(conditions) or "true"
