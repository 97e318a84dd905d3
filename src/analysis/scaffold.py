"""A params file for a new company, written from a look at its files: a start for a person to check."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from analysis.contract import TABLES
from analysis.errors import ParamsError
from analysis.guessing import Guess, guesses
from analysis.param_values import COMPANY
from analysis.params import project_root, shown
from analysis.sources.sniffing import Sample, look

_PLAIN = re.compile(r"[^\W\d_](?:[\w ./()-]*[\w.)])?")
_WORDS_OF_YAML = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
_DEFAULT_CURRENCY = "EUR"
_FORMATS = ("delimiter", "encoding", "decimal", "thousands", "dates", "header")


@dataclass(frozen=True)
class NewCompany:
    """The params file that was written, and what was guessed, in a few lines."""

    path: Path
    text: str

    def __str__(self) -> str:
        return self.text


def new_company(name: str, folder: str | Path, params_dir: str | Path = "params") -> NewCompany:
    """Write `<params_dir>/<name>.yaml` for the files of a folder, with a guessed mapping and comments.

    The file loads as it stands. A relative folder is seen from the current one, else from the project's root.

    Raises
    ------
    ParamsError
        The name is no company id, the params file is there already, or the folder is not there or holds no
        file that fills a table.
    """
    if not COMPANY.fullmatch(name) or name.startswith("_"):
        raise ParamsError(
            f"{name!r} is no company id; write 1 to 40 of a-z, 0-9, _ and -, not beginning with _"
        )
    target = _seen(Path(params_dir))
    path = target / f"{name}.yaml"
    if path.exists():
        raise ParamsError(
            f"{shown(path)} is there already; choose another name, or take that file away first"
        )
    source = _seen(Path(folder)).resolve()
    if not source.is_dir():
        raise ParamsError(
            f"{folder}: there is no such folder; --from takes the folder of the company's files"
        )
    samples, unreadable = look(source, shown(source))
    found, unused = guesses(samples)
    usable = [g for g in found if not g.missing]
    if not usable:
        seen = "".join(f"\n  {s.file.path.name}: {', '.join(s.names[:12])}" for s in samples)
        raise ParamsError(
            f"{folder}: no file looks like one of the tables; copy params/_template.yaml and map by hand"
            + (seen or "\n  the folder holds no CSV, Parquet or XLSX file")
        )
    text = _file(name, shown(source), found, unused, unreadable)
    target.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    return NewCompany(path, _summary(path, usable, found, unused, unreadable))


def _seen(path: Path) -> Path:
    return path if path.is_absolute() or path.exists() else project_root() / path


# --- the file's text --------------------------------------------------------------------------------------


def _word(value: object) -> str:
    """A scalar as YAML that reads back as the same text."""
    text = str(value)
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS_OF_YAML
    return text if plain else "".join(map(_visible, json.dumps(text, ensure_ascii=False)))


def _visible(letter: str) -> str:
    """A letter inside quotes, one that cannot be seen as YAML's escape."""
    return letter if letter.isprintable() else f"\\U{ord(letter):08X}"


def _aside(text: str) -> str:
    """Text for a comment: of one line, whatever a header holds."""
    return "".join(c if c.isprintable() else " " for c in text)


def _file(name: str, connect: str, found: list[Guess], unused: list[Sample], unreadable: list[str]) -> str:
    usable = [g for g in found if not g.missing]
    lines = [
        f"# {_title(name)}: guessed from the files in {_aside(connect)}.",
        f"# Look at every line that says `check`, then run `kpi check {name}`.",
        "# params/_template.yaml explains every key, docs/data.md every column.",
        "",
        *_settings(name, usable),
        "",
        "source:",
        f"  connect: {_word(connect)}",
    ]
    if all(g.is_canonical for g in found):
        lines += ["  # The files have the names and the columns of the contract: nothing to map."]
    else:
        lines += ["  tables:"]
        for guess in found:
            lines += _commented(_table(guess)) if guess.missing else _table(guess)
    lines += _leftovers(unused, unreadable)
    return "\n".join(lines) + "\n"


def _title(name: str) -> str:
    return " ".join(word.capitalize() for word in re.split("[-_]+", name) if word)


def _cells(found: list[Guess], table: str, column: str) -> Counter[str]:
    """How often each value of a canonical column is there, after the mapping of values."""
    counted: Counter[str] = Counter()
    for guess in found:
        if guess.table.name == table and column in guess.columns and guess.columns[column] != "$row":
            meant = guess.values.get(column, {})
            counted.update(meant.get(c, c) for c in guess.sample.column(guess.columns[column]))
    return counted


def _settings(name: str, found: list[Guess]) -> list[str]:
    currencies = sum(
        (_cells(found, g.table.name, "currency") for g in found if g.table.name != "rates"), Counter()
    )
    codes = [c for c, _ in currencies.most_common() if re.fullmatch("[A-Z]{3}", c)]
    revenue, churn = _revenue(found), _churn(found)
    channels = sorted(sum((_cells(found, g.table.name, "channel") for g in found), Counter()))
    stages = sorted(_cells(found, "stage_history", "stage") or _cells(found, "opportunities", "stage"))
    lines = [
        f"company: {_word(name)}",
        f"name: {_word(_title(name) or name)}  # check: as the reports should show it",
        "as_of: latest",
        f"currency: {codes[0] if codes else _DEFAULT_CURRENCY}  # check",
        "timezone: UTC  # check: such as Europe/Warsaw",
        "locale: en_US  # check: such as pl_PL",
        "#country: PL  # for public holidays",
        "#fiscal_year_start: 1",
        f"revenue_from: {revenue[0]}{revenue[1]}",
        churn,
        "#gross_margin: 0.72  # where rows carry no cost",
    ]
    if channels:
        lines += ["#channels:  # inbound: they come to you; outbound: you go to them", *_listed(channels)]
    if stages:
        lines += [
            f"#stages: [{', '.join(map(_word, stages[:20]))}]  # put them in order, without won and lost"
        ]
    return lines


def _listed(channels: list[str]) -> list[str]:
    more = [f"#  # and {len(channels) - 30} more"] if len(channels) > 30 else []
    return [f"#  {_word(c)}: inbound" for c in channels[:30]] + more


def _revenue(found: list[Guess]) -> tuple[str, str]:
    tables = {g.table.name: g for g in found}
    deals, orders = tables.get("opportunities"), tables.get("orders")
    if deals and "amount" in deals.columns:
        return "opportunities", "  # check: there are orders, too" if orders else ""
    if orders:
        return "orders", ""
    return (
        "opportunities",
        "  # check: no amounts were found" if deals else "  # check: neither deals nor orders",
    )


def _churn(found: list[Guess]) -> str:
    names = {g.table.name for g in found}
    if "subscriptions" in names:
        return "churn: {basis: subscriptions}"
    if "orders" in names:
        return "churn: {basis: orders, inactive_days: 90}  # check: days after which a customer is lost"
    return "#churn: {basis: subscriptions}  # neither subscriptions nor orders were found"


def _table(guess: Guess) -> list[str]:
    table = guess.table
    lines = [
        f"    {table.name}:"
        + (f"  # check: nothing found for {', '.join(guess.missing)}" if guess.missing else "")
    ]
    lines += [f"      file: {_word(guess.pattern)}"]
    if guess.format:
        parts = [f"{k}: {_format(guess.format[k])}" for k in _FORMATS if k in guess.format]
        lines += [f"      format: {{{', '.join(parts)}}}{_check(guess, 'format')}"]
    lines += ["      columns:"]
    for column in table:
        if column.name in guess.columns:
            source = guess.columns[column.name]
            doubt = _check(guess, column.name) if column.name not in guess.values else ""
            lines += [f"        {column.name}: {source if source == '$row' else _word(source)}{doubt}"]
    unfit = [name for name in guess.unfit if name not in guess.missing]
    lines += [f"        {name}:  # check: left empty, its content reads as something else" for name in unfit]
    known = {*guess.columns, *guess.constants, *guess.missing, *unfit}
    absent = [c.name for c in table if c.name not in known]
    lines += [f"        #{name}: ?  # required: write the column's name" for name in guess.missing]
    lines += [f"        # nothing found for {', '.join(absent)}"] if absent else []
    if guess.values:
        lines += ["      values:"]
        for name, meant in guess.values.items():
            lines += [f"        {name}:{_check(guess, name)}"]
            lines += [f"          {_word(k)}:{f' {v}' if v else ''}" for k, v in meant.items()]
    if guess.constants:
        lines += ["      constants:"]
        lines += [f"        {k}: {_word(v)}{_check(guess, k)}" for k, v in guess.constants.items()]
    if guess.where:
        lines += ["      where:", *(f"        {_word(k)}: {v}" for k, v in guess.where.items())]
    lines += [f"      # not used: {_aside(', '.join(guess.spare))}"] if guess.spare else []
    return lines


def _commented(lines: list[str]) -> list[str]:
    return [re.sub(r"^( *)(?=[^ #])", r"\1#", line) for line in lines]


def _check(guess: Guess, name: str) -> str:
    return f"  # check: {_aside(guess.doubts[name])}" if name in guess.doubts else ""


def _format(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(json.dumps(v) for v in value)}]"
    return "tab" if value == "\t" else _word(value)


def _leftovers(unused: list[Sample], unreadable: list[str]) -> list[str]:
    lines = []
    if unused:
        lines += ["", "# Files that fill no table, as far as their names and columns tell:"]
        lines += [f"#   {_aside(s.file.path.name)}: {_aside(', '.join(s.names[:20]))}" for s in unused]
    if unreadable:
        lines += [
            "",
            "# Files that could not be read:",
            *(f"#   {_aside(problem)}" for problem in unreadable),
        ]
    return lines


# --- what is said afterwards ------------------------------------------------------------------------------


def _summary(
    path: Path, usable: list[Guess], found: list[Guess], unused: list[Sample], unreadable: list[str]
) -> str:
    lines = [f"{shown(path)} is written."]
    width = max(len(g.table.name) for g in found)
    for guess in found:
        files = guess.pattern
        if guess.missing:
            said = f"left out: {files} has nothing for {', '.join(guess.missing)}; see the comments"
        else:
            filled = len(guess.columns) + len(guess.constants)
            said = f"from {files}, {filled} of {len(guess.table.names)} columns"
        lines += [f"  {guess.table.name:<{width}}  {said}"]
    lines += [f"  not used: {', '.join(s.file.path.name for s in unused)}"] if unused else []
    lines += [f"  could not be read: {problem}" for problem in unreadable]
    checks = path.read_text(encoding="utf-8").count("# check")
    absent = [t for t in TABLES if t not in {g.table.name for g in usable}]
    lines += [f"  no file for {', '.join(absent)}: what needs them will say so"] if absent else []
    elsewhere = "" if path.parent.resolve() == (project_root() / "params") else f" --params {path.parent}"
    lines += [f"Look at the {checks} lines that say `check`, then run `kpi check {path.stem}{elsewhere}`."]
    return "\n".join(lines)
