"""A company's params file: typed, checked, every problem told at once with its file and line.

The file is read as YAML 1.2 (`no` is text, not false). Numbers and dates reach the models as the text that was
written, so that messages quote it unchanged; the models turn it into values. Nothing of a source is opened here:
`${env:NAME}` in `source.connect` stays as written and is expanded by whoever connects.
"""

import codecs
import difflib
import re
import zoneinfo
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import urlsplit

from babel.localedata import locale_identifiers
from babel.numbers import list_currencies
from holidays.registry import COUNTRIES
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from analysis.errors import ParamsError

Scalar = str | bool | int | float | date | None
Key = tuple[str, ...]

_COMPANY = re.compile(r"[a-z0-9_-]{1,40}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SECRET = re.compile(r"\$\{env:[A-Za-z_][A-Za-z0-9_]*\}")
_OWN = "params"  # the type of errors whose text is complete as it is


# --- values -----------------------------------------------------------------------------------------------


def _near(word: str, words: Iterable[str]) -> str:
    """'; did you mean `x`?' for the nearest of `words`, upper and lower case aside, or nothing."""
    by_lower = {w.lower(): w for w in words}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f"; did you mean `{by_lower[found[0]]}`?" if found else ""


def _wrong(text: str) -> PydanticCustomError:
    return PydanticCustomError(_OWN, "{text}", {"text": text})


def parse_day(value: object) -> date:
    """A date of `YYYY-MM-DD` text or of a date; ValueError when it is neither, or no day of the calendar."""
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError(f"{value!r} is no date; write YYYY-MM-DD")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value!r} is no date; write YYYY-MM-DD") from None


def _as_of(value: object) -> object:
    if value == "latest":
        return value
    try:
        return parse_day(value)
    except ValueError as error:
        raise _wrong(f"{error} or latest") from None


def _company(value: str) -> str:
    if not _COMPANY.fullmatch(value):
        raise _wrong(f"{value!r} is no company id; write 1 to 40 of a-z, 0-9, _ and -")
    return value


def _one_of(what: str, known: Iterable[str], example: str) -> AfterValidator:
    words = frozenset(known)

    def check(value: str) -> str:
        if value not in words:
            raise _wrong(f"{value!r} is no {what}{_near(value, words) or f'; write one such as {example}'}")
        return value

    return AfterValidator(check)


def _connect(value: str) -> str:
    if not value.strip():
        raise _wrong("is empty; write a folder such as data/acme, or a database's URL")
    if "${" in _SECRET.sub("", value):
        raise _wrong("an environment variable is written ${env:NAME}")
    url = urlsplit(_SECRET.sub("", value))
    if "://" in value and url.netloc.rpartition("@")[0].partition(":")[2]:
        raise _wrong("holds a password; put the whole URL in an environment variable and write ${env:NAME}")
    return value


def _encoding(value: str) -> str:
    try:
        codecs.lookup(value)
    except LookupError:
        raise _wrong(f"{value!r} is no encoding; write one such as utf-8, cp1250 or iso-8859-2") from None
    return value


def _delimiter(value: str) -> str:
    value = {"tab": "\t", "\\t": "\t"}.get(value, value)
    if value != "whitespace" and len(value) != 1:
        raise _wrong(f"{value!r} is no delimiter; write one character, tab or whitespace")
    return value


def _dates(value: object) -> object:
    formats = value if isinstance(value, list) else [value]
    for text in formats:
        if not isinstance(text, str) or "%" not in text:
            raise _wrong(
                f"{text!r} is no date format; write one such as %Y-%m-%d or %d.%m.%Y, or a list of them"
            )
    return value


def _no_repeats(value: list[str]) -> list[str]:
    repeated = sorted({v for v in value if value.count(v) > 1})
    if repeated:
        raise _wrong(
            f"{', '.join(map(repr, repeated))} stands there more than once; write every stage once, in order"
        )
    return value


Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


# --- models -----------------------------------------------------------------------------------------------


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _empty_is_default(cls, data: Any) -> Any:
        """A key with nothing after it takes its default, as if the line were not there."""
        if data is None:
            return {}
        if not isinstance(data, dict):
            return data
        fields = cls.model_fields
        return {k: v for k, v in data.items() if v is not None or k not in fields or fields[k].is_required()}


class Churn(_Section):
    """When a customer counts as active."""

    basis: Literal["subscriptions", "orders"] = Field("subscriptions", description="subscriptions or orders")
    inactive_days: int = Field(90, ge=1, description="a number of days, 1 or more")


class Horizons(_Section):
    """How far the customer-lifetime models look ahead."""

    horizon_weeks: int = Field(26, ge=1, description="a number of weeks, 1 or more")
    clv_horizon_months: int = Field(36, ge=1, description="a number of months, 1 or more")


class Format(_Section):
    """How a text file is written."""

    delimiter: Annotated[str, AfterValidator(_delimiter)] = Field(
        ",", description="one character, tab or whitespace"
    )
    encoding: Annotated[str, AfterValidator(_encoding)] = Field(
        "utf-8", description="an encoding such as utf-8"
    )
    decimal: Literal[".", ","] = Field(".", description='"." or ","')
    thousands: str = Field("", max_length=1, description='one character, or "" for none')
    dates: Annotated[str | list[str] | None, BeforeValidator(_dates)] = Field(
        None, description="a date format such as %Y-%m-%d, or a list of them"
    )
    header: bool = Field(True, description="true or false")


class TableSource(_Section):
    """Where a canonical table comes from and how its columns and values are named there."""

    file: str | None = Field(None, description="a file name or a pattern such as deals_*.csv")
    table: str | None = Field(None, description="a table of the source, such as sales.deals")
    sql: str | None = Field(None, description="one select statement over the source's own tables")
    preset: str | None = Field(None, description="a ready mapping such as hubspot.owners")
    format: Format = Field(default_factory=Format, description="how the file is written")
    columns: dict[str, str | None] = Field({}, description="canonical column: source column")
    values: dict[str, dict[str, Scalar]] = Field(
        {}, description="canonical column: {source value: canonical value}"
    )
    constants: dict[str, Scalar] = Field({}, description="canonical column: value")
    where: dict[str, Scalar | list[Scalar]] = Field(
        {}, description="source column: value, or a list of values"
    )


class Source(_Section):
    """What to connect to and how it fills the canonical tables."""

    connect: Annotated[str, AfterValidator(_connect)] = Field(description="a folder or a database's URL")
    tables: dict[str, TableSource] = Field(
        {}, description="a canonical table and its mapping, one under the other"
    )


class Params(_Section):
    """One company's settings; `docs/params.md` explains each. Frozen: `with_as_of` gives a changed copy."""

    company: Annotated[str, AfterValidator(_company)] = Field(description="1 to 40 of a-z, 0-9, _ and -")
    name: str = Field(min_length=1, description="the company's name as reports show it")
    as_of: Annotated[date | Literal["latest"], BeforeValidator(_as_of)] = Field(
        description="YYYY-MM-DD or latest"
    )
    currency: Annotated[str, _one_of("currency code", list_currencies(), "EUR")] = Field(
        description="a currency code such as EUR"
    )
    timezone: Annotated[str, _one_of("time zone", zoneinfo.available_timezones(), "Europe/Warsaw")] = Field(
        description="a time zone such as Europe/Warsaw"
    )
    locale: Annotated[str, _one_of("locale", locale_identifiers(), "en_US")] = Field(
        "en_US", description="a locale such as en_US or pl_PL"
    )
    country: Annotated[str, _one_of("country", (c[1] for c in COUNTRIES.values()), "PL")] | None = Field(
        None, description="a two-letter country code such as PL"
    )
    fiscal_year_start: int = Field(1, ge=1, le=12, description="a month number, 1 to 12")
    history_months: int = Field(24, ge=1, description="a number of months, 1 or more")
    revenue_from: Literal["opportunities", "orders"] = Field(
        "opportunities", description="opportunities or orders"
    )
    churn: Churn = Field(default_factory=Churn, description="basis, inactive_days")
    gross_margin: Fraction | None = Field(None, description="a fraction from 0 to 1, such as 0.72")
    discount_rate: float = Field(
        0.10, ge=0, allow_inf_nan=False, description="a yearly rate, 0 or more, such as 0.10"
    )
    maturity_days: int = Field(90, ge=0, description="a number of days, 0 or more")
    min_n: int = Field(5, ge=1, description="a number of observations, 1 or more")
    max_quarantined: Fraction = Field(0.05, description="a fraction from 0 to 1, such as 0.05")
    channels: dict[str, Literal["inbound", "outbound"]] = Field({}, description="inbound or outbound")
    stages: Annotated[list[str], AfterValidator(_no_repeats)] = Field(
        [], description="a list of stages, in order"
    )
    model: Horizons = Field(default_factory=Horizons, description="horizon_weeks, clv_horizon_months")
    source: Source = Field(description="connect, and tables where the files need a mapping")
    goals: list[dict[str, Any]] = Field([], description="a list of goals, each of key: value lines")
    dashboard: list[dict[str, Any]] = Field([], description="a list of widgets, each of key: value lines")

    _path: Path | None = PrivateAttr(None)
    _lines: dict[Key, int] = PrivateAttr(default_factory=dict)

    @property
    def path(self) -> Path:
        """The params file; for params made in code, the file they would be in."""
        return self._path or project_root() / "params" / f"{self.company}.yaml"

    def where(self, *key: str) -> str:
        """`file:line` of a key, or of its nearest ancestor that is written in the file.

        `params.where("source", "tables", "leads")` is `params/acme.yaml:14`; the file alone when no part is there.
        """
        return _where(_shown(self.path), self._lines, key)


# --- the file ---------------------------------------------------------------------------------------------


class _Tree(NamedTuple):
    data: Any
    lines: dict[Key, int]
    problems: list[tuple[int, str]]


def _where(shown: str, lines: dict[Key, int], key: Sequence[str]) -> str:
    for depth in range(len(key), 0, -1):
        if line := lines.get(tuple(key[:depth])):
            return f"{shown}:{line}"
    return shown


def _shown(path: Path) -> str:
    """The path as messages show it: from the project's root when it lies there."""
    full = path.resolve()
    root = project_root()
    return full.relative_to(root).as_posix() if full.is_relative_to(root) else str(path)


def _typed(key: Key) -> bool:
    """Whether plain scalars under `key` become values here, because no model says what they are."""
    return key[0] in ("goals", "dashboard") or (len(key) > 3 and key[3] in ("values", "constants", "where"))


def _scalar(node: ScalarNode, typed: bool) -> Scalar:
    text: str = node.value
    kind = node.tag.rpartition(":")[2]
    if kind == "null":
        return None
    if not typed or kind == "str":
        return text
    if kind == "bool":
        return text.lower() == "true"
    leading_zero = re.match(r"[-+]?0\d", text)  # 00017 is an id and stays what it is
    try:
        if kind == "int" and not leading_zero:
            return int(text, 0)
        if kind == "float" and not leading_zero:
            return float(text)
        if kind == "timestamp":
            return parse_day(text)
    except ValueError:
        return text
    return text


def _plain(node: Node, key: Key, tree: _Tree, above: tuple[int, ...] = ()) -> Any:
    """Plain dicts, lists and scalars of a YAML node, noting the line of every key on the way."""
    if id(node) in above:
        tree.problems.append((node.start_mark.line + 1, f"`*{node.anchor}` refers to itself"))
        return None
    inside = (*above, id(node))
    if isinstance(node, ScalarNode):
        return _scalar(node, bool(key) and _typed(key))
    if isinstance(node, SequenceNode):
        items = enumerate(node.value)
        tree.lines.update({(*key, str(i)): item.start_mark.line + 1 for i, item in items})
        return [_plain(item, (*key, str(i)), tree, inside) for i, item in enumerate(node.value)]
    assert isinstance(node, MappingNode)
    result: dict[str, Any] = {}
    for name_node, value in node.value:
        line = name_node.start_mark.line + 1
        name = name_node.value
        if not isinstance(name, str):
            tree.problems.append((line, "a key must be one word or a text in quotes"))
        elif name in result:
            first = tree.lines[(*key, name)]
            tree.problems.append(
                (line, f"`{name}` stands here a second time (first in line {first}); keep one")
            )
        else:
            tree.lines[(*key, name)] = line
            result[name] = _plain(value, (*key, name), tree, inside)
    return result


def _read(path: Path) -> _Tree:
    shown = _shown(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ParamsError(f"{shown}: there is no such file") from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ParamsError(f"{shown}:{line}: is not UTF-8 text; save the file as UTF-8") from None
    except OSError as error:
        raise ParamsError(f"{shown}: cannot be read: {error.strerror}") from None
    try:
        node = YAML().compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        begun = f" ({error.context}, line {error.context_mark.line + 1})" if error.context_mark else ""
        line = f":{mark.line + 1}" if mark else ""
        raise ParamsError(f"{shown}{line}: is not valid YAML: {error.problem}{begun}") from None
    except YAMLError as error:
        raise ParamsError(f"{shown}: is not valid YAML: {error}") from None
    if not isinstance(node, MappingNode):
        raise ParamsError(f"{shown}: holds no `key: value` lines; start from params/_template.yaml")
    tree = _Tree({}, {}, [])
    return tree._replace(data=_plain(node, (), tree))


# --- problems ---------------------------------------------------------------------------------------------

SECTIONS: dict[Key, type[_Section]] = {
    (): Params,
    ("churn",): Churn,
    ("model",): Horizons,
    ("source",): Source,
    ("source", "tables", "*"): TableSource,
    ("source", "tables", "*", "format"): Format,
}
"""Every mapping of the file with keys of its own; `*` stands for a canonical table's name."""


def _section(key: Key) -> type[_Section] | None:
    general = (*key[:2], "*", *key[3:]) if key[:2] == ("source", "tables") and len(key) > 2 else key
    return SECTIONS.get(general)


def _unknown_key(key: Key) -> str:
    name = key[-1]
    section = _section(key[:-1])
    near = _near(name, section.model_fields if section else ())
    if not near:
        homes = [".".join(k) for k, s in SECTIONS.items() if name in s.model_fields]
        near = (
            f"; it belongs under {' or '.join(f'`{h}`' if h else 'no other key' for h in homes)}"
            if homes
            else ""
        )
    if not near and section:
        near = f"; the keys here are {', '.join(section.model_fields)}"
    return f"unknown key `{name}`{near}"


def _quote(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else repr(str(value))


def _expected(key: Key) -> str:
    for depth in range(len(key), 0, -1):
        section = _section(key[: depth - 1])
        field = section.model_fields.get(key[depth - 1]) if section else None
        if field:
            return str(field.description)
    return "`key: value` lines"


def _problem(error: ErrorDetails, tree: _Tree) -> tuple[int, str]:
    """Line (0 when none) and text of one of pydantic's errors."""
    key = tuple(str(part) for part in error["loc"])
    if error["type"] == "missing":
        here = tree.lines.get(key[:-1], 0)
        return here, f"`{'.'.join(key)}` is missing; write {key[-1]}: and {_expected(key)}"
    while key and key not in tree.lines:
        key = key[:-1]
    line = tree.lines.get(key, 0)
    if error["type"] == "extra_forbidden":
        return line, _unknown_key(key)
    dotted = ".".join(key)
    if error["type"] == _OWN:
        return line, f"{dotted}: {error['msg']}"
    value = tree.data
    for part in key:
        value = value[int(part)] if isinstance(value, list) else value[part]
    quoted = "this" if key == ("source", "connect") else _quote(value)
    return line, f"{dotted}: {quoted} does not fit; write {_expected(key)}"


def _cross_checks(tree: _Tree, path: Path) -> Iterator[tuple[int, str]]:
    """What no single key can tell."""
    company = tree.data.get("company")
    if isinstance(company, str) and _COMPANY.fullmatch(company) and company != path.stem:
        yield (
            tree.lines[("company",)],
            f"company: {company!r} is not the file's name {path.stem!r}; "
            f"rename the file to {company}.yaml or write company: {path.stem}",
        )
    source = tree.data.get("source")
    tables = source.get("tables") if isinstance(source, dict) else None
    for name, table in tables.items() if isinstance(tables, dict) else ():
        given = [k for k in ("file", "table", "sql") if isinstance(table, dict) and table.get(k) is not None]
        if len(given) > 1:
            line = tree.lines[("source", "tables", name, given[1])]
            yield line, f"source.tables.{name}: {' and '.join(f'`{g}`' for g in given)}; keep one of them"


def load(path: str | Path) -> Params:
    """Read and check a params file.

    Raises
    ------
    ParamsError
        The file is missing, no YAML, or wrong: every problem of it, a line each, in the file's order.
    """
    path = Path(path)
    tree = _read(path)
    problems = [*tree.problems, *_cross_checks(tree, path)]
    try:
        params = Params.model_validate(tree.data)
    except ValidationError as invalid:
        problems += [_problem(error, tree) for error in invalid.errors()]
    if problems:
        shown = _shown(path)
        lines = [f"{shown}:{line}: {text}" if line else f"{shown}: {text}" for line, text in sorted(problems)]
        raise ParamsError("\n".join(dict.fromkeys(lines)))
    params._path = path.resolve()
    params._lines = tree.lines
    return params


# --- companies --------------------------------------------------------------------------------------------


def project_root() -> Path:
    """The folder that holds `params/`: upward from the current folder, else from the package, else the current."""
    here = Path.cwd().resolve()
    package = Path(__file__).resolve().parent
    for folder in (here, *here.parents, *package.parents):
        if (folder / "params").is_dir():
            return folder
    return here


def _folder(params_dir: str | Path) -> Path:
    """A relative folder as seen from the current folder, else from the project's root."""
    folder = Path(params_dir)
    if not folder.is_absolute() and not folder.is_dir():
        folder = project_root() / folder
    if not folder.is_dir():
        raise ParamsError(
            f"{params_dir}: there is no such folder; it should hold one params file per company"
        )
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
    there = f"the companies there are {', '.join(known)}" if known else "there are no companies there yet"
    raise ParamsError(f"{params_dir}: no company `{company}`{_near(company, known)}\n  {there}")


def with_as_of(params: Params, as_of: str | date | None) -> Params:
    """The same params as of another day; `None` and "" leave the day as it is.

    Raises
    ------
    ParamsError
        `as_of` is neither a date, nor `YYYY-MM-DD`, nor `latest`.
    """
    if as_of is None or as_of == "":
        return params
    try:
        day: date | str = "latest" if as_of == "latest" else parse_day(as_of)
    except ValueError as error:
        raise ParamsError(f"as_of: {error} or latest") from None
    return params.model_copy(update={"as_of": day})
