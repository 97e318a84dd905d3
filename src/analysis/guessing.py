"""Which canonical table a file most likely is, and which of its columns and values mean what.

A guess for a person to check, never part of a run: names are compared with `vocabulary`, contents with the
type the contract asks for.
"""

import re
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import product, takewhile

from analysis.contract import TABLES, Column, Table
from analysis.sources.sniffing import Sample
from analysis.vocabulary import COLUMNS, CONSTANTS, DELETED, FILES, PREFIXES, VALUES, normal

ENOUGH = 0.9
"""The share of a column's cells that have to read as the type a canonical column asks for."""

_ISO = re.compile(
    r"\d{4}[-/]\d{1,2}([-/]\d{1,2})?([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?([-+]\d{2}:?\d{2}|Z))?)?"
)
_DAYS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y.%m.%d", "%Y%m%d", "%d.%m.%y",
         "%d/%m/%y", "%m/%d/%y", "%d %b %Y", "%b %d, %Y")  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", ", %H:%M", " %I:%M %p")
_DATES = tuple(day + time for time, day in product(_TIMES, _DAYS))
_NUMBERS = {  # (decimal, thousands): what such a number looks like; the likelier first
    (".", ""): re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)"),
    (".", ","): re.compile(r"[-+]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?"),
    (",", ""): re.compile(r"[-+]?\d+(,\d*)?"),
    (",", "."): re.compile(r"[-+]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?"),
    (",", " "): re.compile(r"[-+]?(\d{1,3}([ \u00a0\u202f]\d{3})+|\d+)(,\d+)?"),
    (".", " "): re.compile(r"[-+]?(\d{1,3}([ \u00a0\u202f]\d{3})+|\d+)(\.\d+)?"),
    (".", "'"): re.compile(r"[-+]?(\d{1,3}('\d{3})+|\d+)(\.\d+)?"),
}
_FLAGS = {"true", "false", "t", "f", "yes", "no", "y", "n", "1", "0"}
_MOST_VALUES = 40


@dataclass
class Guess:
    """How a file fills a table.

    Attributes
    ----------
    columns, values, constants, where : as in a params file; "" in `values` stands for nothing
    format : what differs from the defaults
    doubts : canonical column, or "format", to what a person should look at
    missing : required columns nothing was found for; the guess is usable when there are none
    spare : source columns that fill nothing
    files : all files that have these columns, `sample` first
    score : how sure the guess is, against other tables and other files
    """

    table: Table
    sample: Sample
    columns: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    where: dict[str, str] = field(default_factory=dict)
    format: dict[str, object] = field(default_factory=dict)
    doubts: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    spare: list[str] = field(default_factory=list)
    files: list[Sample] = field(default_factory=list)
    score: float = 0.0

    @property
    def is_canonical(self) -> bool:
        """Whether the file is one that needs no mapping at all."""
        named = self.sample.sheet or self.sample.file.stem
        identical = all(name == source for name, source in self.columns.items())
        plain = not (self.values or self.constants or self.where or self.format or self.missing)
        plain = plain and not self.unfit
        return named == self.table.name and identical and plain and len(self.files) == 1

    @property
    def unfit(self) -> list[str]:
        """Canonical columns that the file has by name, but whose content is something else."""
        return [c.name for c in self.table if c.name in self.spare and c.name not in self.columns]

    @property
    def pattern(self) -> str:
        """The file's name, or the pattern that the names of all its files have."""
        names = sorted(s.file.path.name for s in self.files)
        if len(names) == 1:
            return names[0]
        return f"{_common(names)}*{_common([n[::-1] for n in names])[::-1]}"


def _common(names: list[str]) -> str:
    """What all names begin with."""
    return "".join(letters[0] for letters in takewhile(lambda x: len(set(x)) == 1, zip(*names, strict=False)))


# --- contents ---------------------------------------------------------------------------------------------


def _share(cells: Iterable[str], *patterns: re.Pattern[str]) -> float:
    """The share of the cells that one of the patterns describes; 1 for no cells."""
    cells = list(cells)
    return sum(any(p.fullmatch(c) for p in patterns) for c in cells) / len(cells) if cells else 1.0


def _is_date(cell: str, form: str) -> bool:
    if form.startswith("%Y%m%d") and not re.match(r"\d{8}", cell):
        return False
    try:
        time.strptime(cell, form)
    except ValueError:
        return False
    return True


def date_formats(cells: Iterable[str]) -> tuple[list[str], float, bool]:
    """The formats that read the cells, none for ISO; the share read; whether day and month may be swapped."""
    left = Counter(cells)
    total = left.total()
    left = Counter({c: n for c, n in left.items() if not _ISO.fullmatch(c)})
    found: list[str] = []
    unsure = False
    while left.total() > 0.02 * total:
        some = [c for c, _ in left.most_common(500)]
        reads = {form: sum(_is_date(c, form) for c in some) for form in _DATES}
        best = max(_DATES, key=lambda form: reads[form])
        if not reads[best]:
            break
        other = best.replace("%d", "%M%").replace("%m", "%d").replace("%M%", "%m")
        unsure = unsure or (other != best and reads.get(other) == reads[best])
        found.append(best)
        left = Counter({c: n for c, n in left.items() if not _is_date(c, best)})
    return found, 1 - left.total() / total if total else 1.0, unsure


def number_format(cells: Iterable[str]) -> tuple[tuple[str, str], float]:
    """Decimal and thousands separators that read the most cells, and the share they read."""
    cells = list(cells)
    best = max(_NUMBERS, key=lambda signs: _share(cells, _NUMBERS[signs]))
    return best, _share(cells, _NUMBERS[best])


def _fits(column: Column, cells: list[str]) -> bool:
    """Whether the cells may be of the column's type."""
    cells = cells[:2000]
    if column.values:
        return 0 < len(set(cells)) <= _MOST_VALUES and bool(_value_words(column, cells)[1])
    if column.type in ("date", "instant", "month"):
        return date_formats(cells)[1] >= ENOUGH
    if column.type == "flag":
        return {c.lower() for c in cells} <= _FLAGS
    return column.type == "text" or number_format(cells)[1] >= ENOUGH


def _is_known(column: Column, cell: str, meaning: str) -> bool:
    """Whether a word says that the cell means this, rather than that it is the rest."""
    if not meaning:
        return False
    return normal(cell) == meaning or bool(
        set(normal(cell).split("_")) & set(VALUES[column.name][meaning].split())
    )


def _value_words(column: Column, cells: list[str]) -> tuple[dict[str, str], set[str]]:
    """What each source value means, as far as known, and which canonical values that gives by their words."""
    words = {value: set(VALUES[column.name][value].split()) | {value} for value in column.values}
    rest = next((value for value, text in VALUES[column.name].items() if not text), None)
    meant: dict[str, str] = {}
    sure: set[str] = set()
    for cell in dict.fromkeys(cells):
        word = normal(cell)
        found = [v for v, known in words.items() if word in known or set(word.split("_")) & known]
        if column.name == "outcome" and word in ("true", "1", "false", "0"):
            found = ["won" if word in ("true", "1") else "lost"]
        sure.update(found[:1])
        if found or rest:
            meant[cell] = found[0] if found else str(rest)
    return meant, sure - {"open", "other"} if column.name == "outcome" else sure


# --- names ------------------------------------------------------------------------------------------------


def _named(words: str, stem: str) -> bool:
    return any(re.search(rf"(^|_){word}(_|$)", stem) for word in words.split())


def _ranks(table: Table, names: list[str]) -> list[tuple[int, str, str]]:
    """(rank, canonical column, source column) of all that may be meant; 0 is the canonical name itself."""
    found = []
    prefixes = PREFIXES.get(table.name, "").split()
    for source in names:
        plain = normal(source)
        forms = [plain, *(plain.removeprefix(f"{p}_") for p in prefixes if plain.startswith(f"{p}_"))]
        for column in table:
            known = [column.name, *COLUMNS[table.name].get(column.name, "").split()]
            places = [known.index(form) * 2 + i for i, form in enumerate(forms) if form in known]
            if places:
                found.append((min(places), column.name, source))
    return sorted(found)


def _assign(guess: Guess) -> None:
    """Give every canonical column its likeliest source column; the key and required ones choose first."""
    table, sample = guess.table, guess.sample
    ranks = _ranks(table, sample.names)
    exact = [r for r in ranks if r[0] == 0]
    keys = [r for r in ranks if r[1] in table.key and table.column(r[1]).required]
    required = [r for r in ranks if table.column(r[1]).required]
    for _, name, source in (*exact, *keys, *required, *ranks):
        free = name not in guess.columns and source not in guess.columns.values()
        if free and _fits(table.column(name), sample.column(source)):
            guess.columns[name] = source
    if table.name in ("reps", "customers"):  # where people and firms have no id, the name is one
        key, people = guess.columns.get(table.key[0]), guess.columns.get("name")
        if key and not people and _share(sample.column(key), re.compile(r"\D{4,}")) >= ENOUGH:
            guess.columns["name"] = key
        if people and not key and _is_unique(sample, people):
            guess.columns[table.key[0]] = people


def _fill(guess: Guess, named: bool) -> None:
    """What required columns without a source column may be, when the file's name says which table it is."""
    table, sample = guess.table, guess.sample
    lacking = [c.name for c in table if c.required and c.name not in guess.columns]
    sales = table.name == "orders" and lacking == ["order_id"] and "customer_id" in guess.columns
    for name in lacking:
        constant = CONSTANTS.get(table.name, {}).get(name)
        if name == "scope" and "scope_id" not in guess.columns:
            constant = "company"
        if (named or sales) and table.key == (name,):
            unique = [
                n
                for n in sample.names
                if _is_unique(sample, n) and re.search(r"(^|_)id$|^id_|^nr_", normal(n))
            ]
            guess.columns[name] = unique[0] if unique else "$row"
            guess.doubts[name] = "no column is named like the key; this one is different in every row"
            if not unique:
                guess.doubts[name] = "no column is a key; the rows are numbered, and identical rows all count"
        elif named and constant and (name != "outcome" or _only_won(guess)):
            guess.constants[name] = constant
            guess.doubts[name] = "no column says so"
        else:
            guess.missing.append(name)


def _only_won(guess: Guess) -> bool:
    source = normal(f"{guess.sample.file.stem}_{guess.columns.get('closed_at', '')}")
    return _named("won closed wygrane wygrania", source)


def _is_unique(sample: Sample, name: str) -> bool:
    cells = sample.column(name)
    return 1 < len(cells) == len(sample.rows) == len(set(cells))


# --- the whole file ---------------------------------------------------------------------------------------


def _explain(guess: Guess) -> None:
    """The file's format and the meaning of listed values, for the columns that were found."""
    sample = guess.sample
    guess.format = dict(sample.format)
    typed = [(guess.table.column(n), sample.column(s)) for n, s in guess.columns.items() if s != "$row"]
    dates = [c for column, cells in typed if column.type in ("date", "instant", "month") for c in cells]
    formats, _, unsure = date_formats(dates)
    if formats:
        guess.format["dates"] = formats[0] if len(formats) == 1 else formats
    if unsure:
        guess.doubts["format"] = "day and month could be the other way round"
    numeric = ("money", "number", "rate", "share")
    (decimal, thousands), _ = number_format(
        c for column, cells in typed if column.type in numeric for c in cells
    )
    if decimal != ".":
        guess.format["decimal"] = decimal
    if thousands:
        guess.format["thousands"] = thousands
    for column, cells in typed:
        if column.values:
            meant, _ = _value_words(column, cells)
            if not column.required:  # a word nobody knows is no reason to lose the row
                meant |= {cell: "" for cell in dict.fromkeys(cells) if cell not in meant}
            guess.values[column.name] = {k: v for k, v in meant.items() if k != v}
            told = [v for v in dict.fromkeys(cells) if v not in meant or not _is_known(column, v, meant[v])]
            if told:
                guess.doubts[column.name] = f"not sure of {', '.join(map(repr, told[:8]))}"
    guess.values = {name: values for name, values in guess.values.items() if values}
    if len(guess.table.key) == 1 and (key := guess.columns.get(guess.table.key[0], "$row")) != "$row":
        cells = sample.column(key)
        if len(set(cells)) < 0.95 * len(cells):
            guess.doubts[guess.table.key[0]] = "stands in several rows; `sql` can make one row of them"
    for name in sample.names:
        if _named(DELETED, normal(name)) and {c.lower() for c in sample.column(name)} <= _FLAGS:
            guess.where[name] = "false"
    used = {*guess.columns.values(), *guess.where}
    guess.spare = [n for n in sample.names if n not in used]
    if guess.table.name == "opportunities" and "closed_at" not in guess.columns:
        guess.doubts["outcome"] = "won and lost deals need closed_at: without it they cannot be used"


def guess_table(table: Table, sample: Sample) -> Guess:
    """How the file would fill this table."""
    guess = Guess(table, sample, files=[sample])
    stem = normal(sample.sheet or sample.file.stem)
    named = _named(FILES[table.name], stem)
    _assign(guess)
    keyed = sum(name in guess.columns for name in table.key)
    _fill(guess, named)
    needed = sum(c.required and c.name in guess.columns for c in table)
    _explain(guess)
    own_name = 100 if stem == table.name else 0
    guess.score = own_name + 6 * named + 2 * keyed + needed + len(guess.columns) - 4 * len(guess.missing)
    if not named and (guess.missing or len(guess.columns) < 3):
        guess.score = 0
    return guess


def guesses(samples: list[Sample]) -> tuple[list[Guess], list[Sample]]:
    """The likeliest table of each file, one per table, in the contract's order; and the files that fill none.

    Files with the same columns and a common beginning of their names, as in `deals_2025.csv` and
    `deals_2026.csv`, go together.
    """
    chosen: dict[str, Guess] = {}
    unused: list[Sample] = []
    ranked = [max((guess_table(t, s) for t in TABLES.values()), key=lambda g: g.score) for s in samples]
    for guess in sorted(ranked, key=lambda g: (-g.score, g.sample.file.shown)):
        first = chosen.get(guess.table.name)
        if guess.score <= 0:
            unused.append(guess.sample)
        elif first is None:
            chosen[guess.table.name] = guess
        elif first.sample.names == guess.sample.names and not guess.sample.sheet:
            first.files.append(guess.sample)
        else:
            unused.append(guess.sample)
    for guess in chosen.values():
        caught = [s for s in samples if fnmatchcase(s.file.path.name, guess.pattern)]
        if len(guess.files) > 1 and len(caught) > len(guess.files):
            unused += guess.files[1:]
            guess.files = guess.files[:1]
    return [chosen[t] for t in TABLES if t in chosen], unused
