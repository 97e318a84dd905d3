"""A company's params file: typed, checked, every problem told at once with its file and line.

The file is read as YAML 1.2 (`no` is text, not false). Numbers and dates reach the models as the text that
was written, so that messages quote it unchanged; the models turn it into values. Nothing of a source is
opened here: `${env:NAME}` in `source.connect` stays as written and is expanded by whoever connects.
"""

import zoneinfo
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from babel.localedata import locale_identifiers
from holidays.registry import COUNTRIES
from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, ValidationError
from pydantic_core import ErrorDetails

from analysis import dashboard_params, goal_params
from analysis import param_values as check
from analysis.contract import TABLES
from analysis.dashboard_params import Widget
from analysis.errors import ParamsError
from analysis.goal_params import Goal
from analysis.param_section import Currency, Section
from analysis.yaml_lines import Key, Scalar, Tree, read, where

Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Rate = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
TimeZone = Annotated[str, check.one_of("time zone", zoneinfo.available_timezones(), "Europe/Warsaw")]
LocaleName = Annotated[str, check.one_of("locale", locale_identifiers(), "en_US")]
Country = Annotated[str, check.one_of("country", (codes[1] for codes in COUNTRIES.values()), "PL")]


class Churn(Section):
    """When a customer counts as active."""

    basis: Literal["subscriptions", "orders"] = Field("subscriptions", description="subscriptions or orders")
    inactive_days: Count = Field(90, description="a number of days, 1 or more")


class Horizons(Section):
    """How far the customer-lifetime models look ahead, and how many customers their list of calls holds."""

    horizon_weeks: Count = Field(26, le=520, description="a number of weeks from 1 to 520")
    clv_horizon_months: Count = Field(36, le=240, description="a number of months from 1 to 240")
    capacity: Count = Field(20, description="a number of customers, 1 or more")


class Format(Section):
    """How a text file is written."""

    delimiter: Annotated[str, AfterValidator(check.delimiter)] = Field(
        ",", description="one character, tab or whitespace"
    )
    encoding: Annotated[str, AfterValidator(check.encoding)] = Field(
        "utf-8", description="an encoding such as utf-8 or cp1250"
    )
    decimal: Literal[".", ","] = Field(".", description='"." or ","')
    thousands: str = Field("", max_length=1, description='one character, or "" for none')
    dates: Annotated[str | list[str] | None, BeforeValidator(check.date_formats)] = Field(
        None, description="a date format such as %Y-%m-%d, or a list of them"
    )
    header: bool = Field(True, description="true or false")


class TableSource(Section):
    """Where a canonical table comes from and how its columns and values are named there."""

    file: str | None = Field(None, description="a file name or a pattern such as deals_*.csv")
    table: str | None = Field(None, description="a table of the source, such as sales.deals")
    sql: str | None = Field(None, description="one select statement over the source's own tables")
    preset: str | None = Field(None, description="a ready mapping such as hubspot.owners")
    format: Format = Field(
        default_factory=Format, description="`key: value` lines on how the file is written"
    )
    columns: dict[str, str | None] = Field({}, description="canonical column: source column")
    values: dict[str, dict[str, Scalar]] = Field(
        {}, description="canonical column: {source value: canonical value}"
    )
    constants: dict[str, Scalar] = Field({}, description="canonical column: value")
    where: dict[str, Scalar | list[Scalar]] = Field(
        {}, description="source column: value, or a list of values"
    )


class Source(Section):
    """What to connect to and how it fills the canonical tables."""

    connect: Annotated[str, AfterValidator(check.connect)] = Field(description="a folder or a database's URL")
    tables: dict[str, TableSource] = Field({}, description="`canonical table: mapping` lines")


class Params(Section):
    """One company's settings; `docs/params.md` explains each. Frozen: `with_as_of` gives a changed copy."""

    company: Annotated[str, AfterValidator(check.company)] = Field(description="1 to 40 of a-z, 0-9, _ and -")
    name: str = Field(min_length=1, description="the company's name as reports show it")
    as_of: Annotated[date | Literal["latest"], BeforeValidator(check.as_of)] = Field(
        description="YYYY-MM-DD or latest"
    )
    currency: Currency = Field(description="a currency code such as EUR")
    timezone: TimeZone = Field(description="a time zone such as Europe/Warsaw")
    locale: LocaleName = Field("en_US", description="a locale such as en_US or pl_PL")
    country: Country | None = Field(None, description="a two-letter country code such as PL")
    fiscal_year_start: int = Field(1, ge=1, le=12, description="a month number, 1 to 12")
    history_months: Count = Field(24, description="a number of months, 1 or more")
    revenue_from: Literal["opportunities", "orders"] = Field(
        "opportunities", description="opportunities or orders"
    )
    churn: Churn = Field(default_factory=Churn, description="`key: value` lines: basis, inactive_days")
    gross_margin: Fraction | None = Field(None, description="a fraction from 0 to 1, such as 0.72")
    discount_rate: Rate = Field(0.10, description="a yearly rate of 0 or more, such as 0.10")
    maturity_days: int = Field(90, ge=0, description="a number of days, 0 or more")
    min_n: Count = Field(5, description="a number of observations, 1 or more")
    people: Literal["names", "pseudonyms"] = Field("names", description="names or pseudonyms")
    max_quarantined: Fraction = Field(0.05, description="a fraction from 0 to 1, such as 0.05")
    channels: dict[str, Literal["inbound", "outbound"]] = Field({}, description="inbound or outbound")
    stages: Annotated[list[str], AfterValidator(check.no_repeats)] = Field(
        [], description="a list of stages, in order"
    )
    model: Horizons = Field(
        default_factory=Horizons,
        description="`key: value` lines: horizon_weeks, clv_horizon_months, capacity",
    )
    source: Source = Field(description="`key: value` lines: connect, and tables where a mapping is needed")
    goals: list[Goal] = Field([], description="a list of goals, each of `key: value` lines")
    dashboard: list[Widget] = Field([], description="a list of widgets, each of `key: value` lines")

    _path: Path | None = PrivateAttr(None)
    _lines: dict[Key, int] = PrivateAttr(default_factory=dict)

    @property
    def path(self) -> Path:
        """The params file; for params made in code, the file they would be in."""
        return self._path or project_root() / "params" / f"{self.company}.yaml"

    def where(self, *key: str) -> str:
        """`file:line` of a key, or of its nearest ancestor that is written in the file, or the file alone.

        `params.where("source", "tables", "leads")` is `params/acme.yaml:14`.
        """
        return where(shown(self.path), self._lines, key)


SECTIONS: dict[Key, type[Section]] = {
    (): Params,
    ("churn",): Churn,
    ("model",): Horizons,
    ("source",): Source,
    ("source", "tables", "*"): TableSource,
    ("source", "tables", "*", "format"): Format,
    **goal_params.SECTIONS,
    **dashboard_params.SECTIONS,
}
"""Every mapping of the file that has keys of its own; `*` is a table's name or a place in a list."""

LISTS = ("goals", "dashboard")
"""The keys whose values are lists of mappings with keys of their own."""


def load(path: str | Path) -> Params:
    """Read and check a params file.

    Raises
    ------
    ParamsError
        The file is missing, no YAML, or wrong: every problem of it, a line each, in the file's order.
    """
    path = Path(path)
    tree = read(path, shown(path), _is_free)
    problems = [*tree.problems, *_cross_checks(tree, path)]
    try:
        params = Params.model_validate(tree.data)
    except ValidationError as invalid:
        problems += [_problem(error, tree) for error in invalid.errors()]
    if problems:
        file = shown(path)
        lines = [f"{file}:{line}: {text}" if line else f"{file}: {text}" for line, text in sorted(problems)]
        raise ParamsError("\n".join(dict.fromkeys(lines)))
    params._path = path.resolve()
    params._lines = tree.lines
    return params


def _is_free(key: Key) -> bool:
    """Whether no model says what the scalars under `key` are, so that YAML's own types hold."""
    return key[3:4] in (("values",), ("constants",), ("where",))


def _section(key: Key) -> type[Section] | None:
    general = (*key[:2], "*", *key[3:]) if key[:2] == ("source", "tables") and len(key) > 2 else key
    if key[:1] and key[0] in LISTS:
        general = tuple("*" if part.isdecimal() else part for part in key)
    return SECTIONS.get(general)


def _problem(error: ErrorDetails, tree: Tree) -> tuple[int, str]:
    """Line (0 when there is none) and text of one of pydantic's errors."""
    key = tuple(str(part) for part in error["loc"])
    if error["type"] == "missing":
        return tree.lines.get(key[:-1], 0), f"`{'.'.join(key)}` is missing; give {_expected(key)}"
    while key and key not in tree.lines:
        key = key[:-1]
    line = tree.lines.get(key, 0)
    if error["type"] == "extra_forbidden":
        return line, _unknown_key(key)
    dotted = ".".join(key)
    if error["type"] == check.OWN:
        return line, f"{dotted}: {error['msg']}"
    value = tree.data
    for part in key:
        value = value[int(part)] if isinstance(value, list) else value[part]
    if value is None or value == "":
        return line, f"{dotted} is empty; write {_expected(key)}"
    quoted = (
        "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(str(value))
    )
    return line, f"{dotted}: {quoted} does not fit; write {_expected(key)}"


def _unknown_key(key: Key) -> str:
    name = key[-1]
    section = _section(key[:-1])
    keys = list(section.model_fields) if section else []
    homes = [".".join(home) for home, other in SECTIONS.items() if name in other.model_fields]
    own = [home for home in homes if home.split(".")[0] == key[0] and key[0] in LISTS]
    homes = own or [home for home in homes if home.split(".")[0] not in LISTS]
    if homes:
        hint = f"; it belongs under {' or '.join(f'`{h}`' if h else 'no other key' for h in homes)}"
    else:
        hint = check.near(name, keys) or f"; the keys here are {', '.join(keys)}"
    return f"unknown key `{name}`{hint}"


def _expected(key: Key) -> str:
    """What to write at `key`, or at the nearest key above it that has a description."""
    for depth in range(len(key), 0, -1):
        section = _section(key[: depth - 1])
        field = section.model_fields.get(key[depth - 1]) if section else None
        if field:
            return str(field.description)
    return "`key: value` lines"


def _cross_checks(tree: Tree, path: Path) -> Iterator[tuple[int, str]]:
    """What no single value can tell: the file's name, the canonical names, one origin for a table."""
    company = tree.data.get("company")
    if isinstance(company, str) and check.COMPANY.fullmatch(company) and company != path.stem:
        remedy = f"rename the file to {company}.yaml or write company: {path.stem}"
        yield (
            tree.lines[("company",)],
            f"company: {company!r} differs from the file's name {path.stem!r}; {remedy}",
        )
    goals = tree.data.get("goals")
    yield from goal_params.checks(goals, tree.lines)
    yield from dashboard_params.checks(tree.data.get("dashboard"), goals, tree.lines)
    source = tree.data.get("source")
    tables = source.get("tables") if isinstance(source, dict) else None
    for name, mapping in tables.items() if isinstance(tables, dict) else ():
        if name in TABLES:
            yield from _mapping_checks(name, mapping if isinstance(mapping, dict) else {}, tree)
        else:
            hint = check.near(name, TABLES) or f"; the tables are {', '.join(TABLES)}"
            yield tree.lines[("source", "tables", name)], f"source.tables: no table `{name}`{hint}"


def _mapping_checks(name: str, mapping: dict[str, Any], tree: Tree) -> Iterator[tuple[int, str]]:
    table = TABLES[name]
    key = ("source", "tables", name)
    origins = [k for k in ("file", "table", "sql") if mapping.get(k) is not None]
    if len(origins) > 1:
        named = " and ".join(f"`{o}`" for o in origins)
        yield tree.lines[(*key, origins[1])], f"{'.'.join(key)}: {named}; keep one of them"
    columns, values, constants = (
        part if isinstance(part, dict) else {}
        for part in (mapping.get(k) for k in ("columns", "values", "constants"))
    )
    for section, part in (("columns", columns), ("values", values), ("constants", constants)):
        for column in part:
            at = (*key, section, column)
            if column not in table.names:
                hint = check.near(column, table.names) or f"; its columns are {', '.join(table.names)}"
                yield tree.lines[at], f"{'.'.join(at[:-1])}: {name} has no column `{column}`{hint}"
            elif allowed := table.column(column).values:
                given = part[column] if isinstance(part[column], dict) else {column: part[column]}
                yield from _enum_checks(at, given if section != "columns" else {}, allowed, tree)
            if section == "constants" and columns.get(column) is not None:
                yield tree.lines[at], f"{'.'.join(at)}: `columns` names it too; keep one of the two"


def _enum_checks(
    at: Key, given: dict[str, Any], allowed: tuple[str, ...], tree: Tree
) -> Iterator[tuple[int, str]]:
    for source_value, value in given.items():
        if value is not None and value not in allowed:
            line = tree.lines.get((*at, source_value), tree.lines[at])
            expected = f"{', '.join(allowed[:-1])} or {allowed[-1]}"
            yield line, f"{'.'.join(at)}: {str(value)!r} does not fit; write {expected}"


def project_root() -> Path:
    """The folder that holds `params/`: upward from the current folder, else from the package's own.

    The current folder when there is none.
    """
    here = Path.cwd().resolve()
    package = Path(__file__).resolve().parent
    for folder in (here, *here.parents, *package.parents):
        if (folder / "params").is_dir():
            return folder
    return here


def shown(path: Path) -> str:
    """A path as messages show it: from the project's root when it lies there."""
    full = path.resolve()
    root = project_root()
    return full.relative_to(root).as_posix() if full.is_relative_to(root) else str(path)


def _folder(params_dir: str | Path) -> Path:
    """A relative folder as seen from the current folder, else from the project's root."""
    folder = Path(params_dir)
    if not folder.is_dir():
        folder = project_root() / folder
    if not folder.is_dir():
        raise ParamsError(f"{params_dir}: there is no such folder; it should hold a params file per company")
    return folder


def companies(params_dir: str | Path = "params") -> list[str]:
    """The names of the params files of a folder, sorted; a file that starts with `_` is no company's."""
    return sorted(p.stem for p in _folder(params_dir).glob("*.yaml") if not p.name.startswith("_"))


def find(company: str, params_dir: str | Path = "params") -> Path:
    """The params file of a company.

    Raises
    ------
    ParamsError
        There is none; the text names the nearest company and those there are.
    """
    known = companies(params_dir)
    if company in known:
        return _folder(params_dir) / f"{company}.yaml"
    there = f"the companies there are {', '.join(known)}" if known else "it holds no params file yet"
    raise ParamsError(f"{params_dir}: no company `{company}`{check.near(company, known)}\n  {there}")


def with_as_of(params: Params, as_of: str | date | None) -> Params:
    """The same params as of another day; None and "" leave the day as it is.

    Raises
    ------
    ParamsError
        `as_of` is neither a date, nor `YYYY-MM-DD`, nor `latest`.
    """
    if as_of is None or as_of == "":
        return params
    try:
        day: date | str = "latest" if as_of == "latest" else check.parse_day(as_of)
    except ValueError as error:
        raise ParamsError(f"as_of: {error} or latest") from None
    return params.model_copy(update={"as_of": day})
