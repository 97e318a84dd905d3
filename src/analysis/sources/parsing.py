"""Source values into typed values, as SQL: numbers, dates, instants, flags, allowed words; and what fails."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from analysis.contract import SQL_TYPES, Column, Table
from analysis.params import Format
from analysis.sources.csv_files import BLANKS
from analysis.sources.quoting import ident, literal, literals

TRUE = ("true", "t", "yes", "y", "1")
FALSE = ("false", "f", "no", "n", "0")

_INTEGERS = frozenset(
    ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
)
_DAY = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}"
_EARLIEST, _LATEST = "TIMESTAMP '1900-01-01'", "TIMESTAMP '2200-01-01'"


@dataclass(frozen=True)
class Shift:
    """From the time `since` on (microseconds), what is added to a time for the wall time and for UTC."""

    since: int
    wall: int
    utc: int


@dataclass(frozen=True)
class Input:
    """What feeds a canonical column: SQL over the source's relation and its DuckDB type.

    Attributes
    ----------
    bare : the source's text column that `sql` strips of blanks; '' where there is more to it
    whole_days : a TIMESTAMP whose every value is a midnight, so that it stands for days
    shifts : all that the time zone does to the column's times; empty where its rules are looked up
    latest : a day after which the column has no value, where that is known
    """

    sql: str
    type: str = "VARCHAR"
    bare: str = ""
    whole_days: bool = False
    shifts: tuple[Shift, ...] = ()
    latest: date | None = None


def present(sql: str, kind: str) -> str:
    """The value, null where it is blank text or not a number."""
    if kind == "VARCHAR":
        return f"nullif(trim({sql}, {literal(BLANKS)}), '')"
    if kind in ("DOUBLE", "FLOAT"):
        return f"CASE WHEN NOT isnan({sql}) THEN {sql} END"
    return sql


def as_text(sql: str, kind: str) -> str:
    """The value as text; a number that is whole has no decimal point, a timestamp is written in ISO."""
    if kind == "VARCHAR":
        return sql
    text = f"CAST({sql} AS VARCHAR)"
    if kind in ("DOUBLE", "FLOAT"):
        whole = f"{sql} = trunc({sql}) AND abs({sql}) < 1e15"
        return f"CASE WHEN {whole} THEN CAST(CAST({sql} AS BIGINT) AS VARCHAR) ELSE {text} END"
    if kind.startswith("DECIMAL") and not kind.endswith(",0)"):
        return f"regexp_replace({text}, '\\.?0+$', '')"
    return text


def is_numeric(kind: str) -> bool:
    """Whether a DuckDB type is a number."""
    return kind in _INTEGERS or kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL")


def number(sql: str, kind: str, fmt: Format, target: str) -> str:
    """A number of the SQL type `target`; null when the value is none, or not written as `fmt` says."""
    if kind != "VARCHAR":
        return f"TRY_CAST({sql if is_numeric(kind) else as_text(sql, kind)} AS {target})"
    # text straight to a wide decimal takes thirty times as long as over a narrow one
    quick = "DECIMAL(18, 6)" if target == "DECIMAL(20, 6)" else target
    if not fmt.thousands and fmt.decimal == ".":  # the cast itself is as strict, underscores aside
        value = f"CASE WHEN NOT contains({sql}, '_') THEN TRY_CAST({sql} AS {quick}) END"
    else:
        text, groups = sql, fmt.thousands
        if groups and not groups.strip("\u00a0\u202f "):
            text, groups = f"translate({sql}, '\u00a0\u202f', '  ')", " "
        point = re.escape(fmt.decimal)
        digits = rf"\d{{1,3}}({re.escape(groups)}\d{{3}})+|\d+" if groups else r"\d+"
        pattern = rf"[-+]?(({digits})({point}\d*)?|{point}\d+)([eE][-+]?\d+)?"
        plain = f"replace({text}, {literal(groups)}, '')" if groups else text
        plain = f"replace({plain}, ',', '.')" if fmt.decimal == "," else plain
        value = (
            f"CASE WHEN regexp_full_match({text}, {literal(pattern)}) THEN TRY_CAST({plain} AS {quick}) END"
        )
    return value if quick == target else f"CAST({value} AS {target})"


def flag(sql: str, kind: str) -> str:
    """A boolean from true/false, yes/no, t/f, y/n, 1/0 in any case; null when it is none of them."""
    if kind == "BOOLEAN":
        return sql
    text = f"lower({as_text(sql, kind)})"
    return (
        f"CASE WHEN {text} IN ({literals(TRUE)}) THEN true WHEN {text} IN ({literals(FALSE)}) THEN false END"
    )


def date_formats(fmt: Format) -> tuple[list[str], list[str], list[str]]:
    """The date formats: of days, of wall times, of instants with an offset."""
    given = [fmt.dates] if isinstance(fmt.dates, str) else list(fmt.dates or ())
    zoned = [f for f in given if "%z" in f or "%Z" in f]
    timed = [f for f in given if f not in zoned and re.search("%-?[HIMSfpcXTR]", f)]
    return [f for f in given if f not in zoned and f not in timed], timed, zoned


def _coalesce(parts: list[str], kind: str) -> str:
    return f"coalesce({', '.join([*parts, f'CAST(NULL AS {kind})'])})"


def _day_and_instant(name: str, source: Input, fmt: Format, timezone: str) -> tuple[str, str]:
    """SQL of the day (TIMESTAMP) and of the instant (TIMESTAMPTZ) that the value gives; one is null."""
    zone = literal(timezone)
    no_day, no_instant = "CAST(NULL AS TIMESTAMP)", "CAST(NULL AS TIMESTAMPTZ)"
    if source.type == "DATE":
        return f"CAST({name} AS TIMESTAMP)", no_instant
    if source.type == "TIMESTAMP WITH TIME ZONE":
        return no_day, name
    if source.type.startswith("TIMESTAMP"):
        wall = f"CAST({name} AS TIMESTAMP)"
        return (wall, no_instant) if source.whole_days else (no_day, f"timezone({zone}, {wall})")
    text = as_text(name, source.type)
    days, timed, zoned = date_formats(fmt)
    day = [f"try_strptime({text}, [{literals(days)}])"] if days else []
    day.append(f"CASE WHEN regexp_full_match({text}, '{_DAY}') THEN TRY_CAST({text} AS TIMESTAMP) END")
    instant = [f"timezone({zone}, try_strptime({text}, [{literals(timed)}]))"] if timed else []
    instant += [f"try_strptime({text}, [{literals(zoned)}])"] if zoned else []
    joined = f"regexp_replace({text}, ' +([-+][0-9:]+)$', '\\1')"  # 10:00:00 +0200
    iso = f"coalesce(TRY_CAST({text} AS TIMESTAMPTZ), TRY_CAST({joined} AS TIMESTAMPTZ))"
    instant.append(f"CASE WHEN contains({text}, ':') THEN {iso} END")
    return _coalesce(day, "TIMESTAMP"), _coalesce(instant, "TIMESTAMPTZ")


def _is_temporal(column: Column) -> bool:
    return column.type in ("date", "month", "instant")


def _value(column: Column, source: Input, name: str, fmt: Format) -> str:
    """SQL of a typed value that is no date or instant."""
    if column.values:
        text = as_text(name, source.type)
        return f"CASE WHEN {text} IN ({literals(column.values)}) THEN {text} END"
    if column.type == "text":
        return as_text(name, source.type)
    if column.type == "flag":
        return flag(name, source.type)
    return number(name, source.type, fmt, SQL_TYPES[column.type])


def _second(column: Column, source: Input, fmt: Format, timezone: str) -> list[str]:
    """The select items of the second layer: the value, or day and instant."""
    name = ident(f"in_{column.name}")
    if source.shifts:
        return []
    if not _is_temporal(column):
        return [f"{_value(column, source, name, fmt)} AS {ident(column.name)}"]
    day, instant = _day_and_instant(name, source, fmt, timezone)
    if column.type == "month" and source.type == "VARCHAR":
        is_month = f"regexp_full_match({name}, '\\d{{4}}-\\d{{2}}')"
        day = f"coalesce(CASE WHEN {is_month} THEN TRY_CAST({name} || '-01' AS TIMESTAMP) END, {day})"
    return [f"{day} AS {ident('day_' + column.name)}", f"{instant} AS {ident('instant_' + column.name)}"]


def _shifted(given: str, source: Input, which: str) -> str:
    """SQL of a time moved by the shifts of its zone; `which` is wall or utc."""
    time = f"timezone('UTC', {given})" if source.type == "TIMESTAMP WITH TIME ZONE" else given
    time = f"CAST({time} AS TIMESTAMP)"
    steps = [(shift.since, getattr(shift, which)) for shift in source.shifts]
    changes = [step for i, step in enumerate(steps) if i == 0 or step[1] != steps[i - 1][1]]
    if len(changes) == 1 and not changes[0][1]:
        return time
    micros = f"epoch_us({time})"
    cases = [f"WHEN {micros} >= {since} THEN {by}" for since, by in reversed(changes[1:])]
    by = f"CASE {' '.join(cases)} ELSE {changes[0][1]} END" if cases else str(changes[0][1])
    return f"make_timestamp({micros} + {by})"


def _third(column: Column, source: Input, timezone: str) -> list[str]:
    """The select items of the third layer: the physical columns, dates out of their range made null."""
    name = ident(column.name)
    if not _is_temporal(column):
        return [name]
    day, instant = ident("day_" + column.name), ident("instant_" + column.name)
    wall = f"coalesce({day}, timezone({literal(timezone)}, {instant}))"
    wall = f"CASE WHEN {wall} >= {_EARLIEST} AND {wall} < {_LATEST} THEN {wall} END"
    utc = f"CASE WHEN {day} IS NULL THEN timezone('UTC', {instant}) END"
    if source.shifts:
        given = ident(f"in_{column.name}")
        wall, utc = _shifted(given, source, "wall"), _shifted(given, source, "utc")
    if column.type == "date":
        return [f"CAST({wall} AS DATE) AS {name}"]
    if column.type == "month":
        return [f"CAST(date_trunc('month', {wall}) AS DATE) AS {name}"]
    return [f"{wall} AS {name}", f"{utc} AS {ident(column.name + '_utc')}"]


def _fails(column: Column) -> str:
    """SQL that is true where a value is there and cannot be read."""
    return f"({ident('in_' + column.name)} IS NOT NULL AND {ident(column.name)} IS NULL)"


def _always_reads(column: Column, source: Input) -> bool:
    """Whether the source has no value that the column cannot hold."""
    if source.shifts:
        return True
    if SQL_TYPES[column.type] != "DECIMAL(20, 6)":
        return False
    found = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", source.type)
    narrow = ("TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER")
    return source.type in narrow if not found else int(found[2]) <= 6 and int(found[1]) - int(found[2]) <= 14


def _faults(table: Table, inputs: Mapping[str, Input]) -> tuple[dict[str, str], list[str]]:
    """SQL of each reason that is true where it holds; select items of raw values, null without a fault."""
    reasons: dict[str, str] = {}
    values = []
    for column in table:
        if column.name not in inputs:
            continue
        given = ident("in_" + column.name)
        if column.required:
            reasons[f"missing {column.name}"] = f"{given} IS NULL"
        if (column.type != "text" or column.values) and not _always_reads(column, inputs[column.name]):
            word = "unknown" if column.values else "unreadable"
            reasons[f"{word} {column.name}"] = _fails(column)
            values.append(f"CASE WHEN {_fails(column)} THEN CAST({given} AS VARCHAR) END")
    if table.name == "opportunities":
        closed = ident("in_closed_at") if "closed_at" in inputs else "NULL"
        test = f"(outcome IN ('won', 'lost') AND {closed} IS NULL)"
        reasons["missing closed_at"] = test
    return reasons, values


@dataclass(frozen=True)
class Parsing:
    """The SELECTs that parse a table: every row of the relation that `where` takes, in three layers."""

    table: Table
    inputs: Mapping[str, Input]
    relation: str
    row: str
    where: str
    fmt: Format
    timezone: str

    def _typed(self) -> str:
        """The rows with what was given (`in_x`) beside the physical columns."""
        mapped = [c for c in self.table if c.name in self.inputs]
        first = [f"{self.inputs[c.name].sql} AS {ident('in_' + c.name)}" for c in mapped]
        givens = [ident("in_" + c.name) for c in mapped]
        second = [i for c in mapped for i in _second(c, self.inputs[c.name], self.fmt, self.timezone)]
        third = [i for c in mapped for i in _third(c, self.inputs[c.name], self.timezone)]
        return (
            f"(SELECT {', '.join(['_row', *givens, *third])} "
            f"FROM (SELECT {', '.join(['_row', *givens, *second])} "
            f"FROM (SELECT {', '.join([f'{self.row} AS _row', *first])} "
            f"FROM {self.relation} WHERE {self.where})))"
        )

    def _columns(self) -> str:
        out = []
        for c in self.table:
            if c.name in self.inputs:
                flags = c.type == "flag"
                out += [
                    f"coalesce({ident(n)}, false) AS {ident(n)}" if flags else ident(n) for n in c.physical
                ]
            else:
                nothing = "false" if c.type == "flag" else "NULL"
                out += [f"CAST({nothing} AS {SQL_TYPES[c.type]}) AS {ident(n)}" for n in c.physical]
        return ", ".join(out)

    def _found(self) -> str:
        reasons, values = _faults(self.table, self.inputs)
        cases = [f"CASE WHEN {test} THEN {literal(reason)} END" for reason, test in reasons.items()]
        return (
            f"concat_ws('; ', {', '.join([*cases, 'NULL'])}) AS _reason, "
            f"concat_ws('; ', {', '.join([*values, 'NULL'])}) AS _value"
        )

    def every(self) -> str:
        """`_row`, the columns, `_reason` and `_value` ('' where nothing is wrong) of every row."""
        return f"SELECT _row, {self._columns()}, {self._found()} FROM {self._typed()}"

    def faulty(self) -> str:
        """`_row`, `_reason` and `_value` of the rows with which something is wrong."""
        reasons, _ = _faults(self.table, self.inputs)
        tests = " OR ".join(reasons.values()) or "false"
        return f"SELECT _row, {self._found()} FROM {self._typed()} WHERE {tests}"

    def readable(self, faults: str | None) -> str:
        """The same as `every`, of a kept result of `faulty`; None: nothing is wrong with any row."""
        rows = f"SELECT _row, {self._columns()} FROM {self._typed()}"
        if faults is None:
            return f"SELECT *, '' AS _reason, '' AS _value FROM ({rows})"
        found = "coalesce(f._reason, '') AS _reason, coalesce(f._value, '') AS _value"
        return f"SELECT r.*, {found} FROM ({rows}) r LEFT JOIN {faults} f USING (_row)"
