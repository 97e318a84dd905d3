"""A company's files read and checked a second time, in plain Python: what the loader is held against."""

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from analysis.contract import TABLES, Table
from analysis.params import Params, load

ROOT = Path(__file__).parents[1]
DATA, PARAMS = ROOT / "data", ROOT / "params"
NO_RATE = "no_exchange_rate"

Row = dict[str, str]


def read(params: Params, table: str) -> list[Row]:
    """The rows of a table's file as text, under the canonical names; `#` holds the cells as they stand."""
    return read_once(params.company, table)


@cache
def read_once(company: str, table: str) -> list[Row]:
    """The same by the company's name, each file once."""
    params = load(PARAMS / f"{company}.yaml")
    source = params.source.tables[table]
    given = {name: column for name, column in source.columns.items() if column}
    with (DATA / params.company / str(source.file)).open(
        encoding=source.format.encoding, newline=""
    ) as stream:
        raw = list(csv.DictReader(stream, delimiter=source.format.delimiter))
    rows = []
    for cells in raw:
        names = given or {name: name for name in cells}
        row = {name: cells[column] for name, column in names.items()}
        for name, words in source.values.items():
            row[name] = str(words.get(row[name], row[name]))
        rows.append(row | {"#": "\x1f".join(cells.values()), "deleted": cells.get("IsDeleted", "false")})
    return rows


def instant(params: Params, table: str, text: str) -> datetime:
    """A cell as an instant in the company's time zone; ValueError when it is none."""
    dates, zone = params.source.tables[table].format.dates, ZoneInfo(params.timezone)
    if dates:
        return datetime.strptime(text, str(dates)).replace(tzinfo=zone)
    at = datetime.fromisoformat(text)
    return at.astimezone(zone) if at.tzinfo else at.replace(tzinfo=zone)


def number(params: Params, table: str, text: str) -> Decimal:
    """A cell as a number; InvalidOperation when it is none."""
    form = params.source.tables[table].format
    whole, point, fraction = text.partition(form.decimal)
    if form.thousands:
        groups = whole.lstrip("-").split(form.thousands)
        if any(len(group) != 3 for group in groups[1:]):
            raise InvalidOperation(text)
        whole = whole.replace(form.thousands, "")
    return Decimal(f"{whole}.{fraction}" if point else whole)


def reads(parse: Callable[[Params, str, str], Any], params: Params, table: str, text: str) -> bool:
    """Whether the cell can be read."""
    try:
        parse(params, table, text)
    except (ValueError, InvalidOperation):
        return False
    return True


def faults(params: Params, table: Table, row: Row, rated: set[str]) -> list[str]:
    """What is wrong with one row by itself, in the words of the quarantine."""
    found = []
    for column in table:
        cell = row.get(column.name, "")
        if not cell:
            found += [f"missing {column.name}"] if column.required else []
        elif column.type in ("instant", "date", "month"):
            found += [] if reads(instant, params, table.name, cell) else [f"unreadable {column.name}"]
        elif column.type in ("money", "number", "rate", "share"):
            found += [] if reads(number, params, table.name, cell) else [f"unreadable {column.name}"]
        elif column.values and cell not in column.values:
            found.append(f"unknown {column.name}")
    if table.name != "rates" and row.get("currency", "") not in rated:
        found.append(NO_RATE)
    return found


def broken_intervals(params: Params, table: Table, row: Row) -> list[tuple[str, bool]]:
    """The intervals that end before they start: reason, and whether the row is removed for it."""
    found = []
    for interval in table.intervals:
        start = next((row[name] for name in interval.start if row.get(name)), "")
        end = row.get(interval.end, "")
        if start and end and instant(params, table.name, end) < instant(params, table.name, start):
            found.append((interval.reason, interval.removed))
    return found


def sift(params: Params, name: str) -> tuple[list[Row], Counter[str], Counter[str]]:
    """The accepted rows of a table, the rows lost by reason, and those kept with a broken interval."""
    return sift_once(params.company, name)


@cache
def sift_once(company: str, name: str) -> tuple[list[Row], Counter[str], Counter[str]]:
    """The same by the company's name, each table once."""
    params = load(PARAMS / f"{company}.yaml")
    table, rows = TABLES[name], [row for row in read(params, name) if row["deleted"] == "false"]
    rates = read(params, "rates") if "rates" in params.source.tables else []
    rated = {"", params.currency, *(row["currency"] for row in rates)}
    lost: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    sound = []
    for row in rows:
        wrong = faults(params, table, row, rated)
        wrong += (
            [] if wrong else [reason for reason, removed in broken_intervals(params, table, row) if removed]
        )
        lost.update(wrong)
        sound += [] if wrong else [row]
    accepted = single(table, sound, lost)
    if name == "opportunity_splits":
        accepted = balanced(accepted, lost)
    for row in accepted:
        kept.update(reason for reason, removed in broken_intervals(params, table, row) if not removed)
    return accepted, lost, kept


def single(table: Table, rows: list[Row], lost: Counter[str]) -> list[Row]:
    """One row of every key; all copies of a key go when they differ in a column of the contract."""
    if not table.key:
        return rows
    by_key: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        by_key[tuple(row.get(name, "") for name in table.key)].append(row)
    accepted = []
    for copies in by_key.values():
        if len({tuple(row.get(name, "") for name in table.names) for row in copies}) > 1:
            lost["conflicting_duplicate"] += len(copies)
        else:
            lost.update(["duplicate"] * (len(copies) - 1))
            accepted.append(copies[0])
    return accepted


def balanced(rows: list[Row], lost: Counter[str]) -> list[Row]:
    """The splits of deals whose shares sum to 1."""
    shares: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        shares[row["opportunity_id"]] += Decimal(row["share"])
    accepted = [row for row in rows if shares[row["opportunity_id"]] == 1]
    lost["splits do not sum to 1"] += len(rows) - len(accepted)
    return accepted


def by_year(params: Params, table: str, rows: Iterable[Row], at: str) -> dict[str, dict[str, dict[str, str]]]:
    """Number of rows and sum of amounts by fiscal year and currency, as the truth writes them."""
    count: Counter[tuple[str, str]] = Counter()
    amount: dict[tuple[str, str], Decimal] = defaultdict(lambda: Decimal("0.00"))
    for row in rows:
        day = instant(params, table, row[at])
        year = day.year - (day.month < params.fiscal_year_start)
        key = (f"{year}-{params.fiscal_year_start:02d}-01", row["currency"] or params.currency)
        count[key] += 1
        amount[key] += number(params, table, row["amount"])
    found: dict[str, dict[str, dict[str, str]]] = {}
    for (start, currency), n in sorted(count.items()):
        found.setdefault(start, {})[currency] = {"n": str(n), "amount": str(amount[start, currency])}
    return found


def ids(params: Params, table: str, column: str, **where: str) -> set[str]:
    """The ids in a column of another table, of the rows with the given values; do not change it."""
    return ids_once(params.company, table, column, tuple(where.items()))


@cache
def ids_once(company: str, table: str, column: str, where: tuple[tuple[str, str], ...]) -> set[str]:
    """The same by the company's name, each once."""
    rows = read_once(company, table)
    return {row[column] for row in rows if all(row[name] == value for name, value in where)}


def left(params: Params) -> set[str]:
    """The reps who have left."""
    return {row["rep_id"] for row in read(params, "reps") if row["ended_on"]}


def paying(params: Params) -> set[str]:
    """The customers with a contract or a won deal."""
    return ids(params, "subscriptions", "customer_id") | ids(
        params, "opportunities", "customer_id", outcome="won"
    )


ODDITIES: dict[str, Callable[[Params, str, Row], bool]] = {
    "deleted": lambda p, t, row: row["deleted"] == "true",
    "later_valid_from": lambda p, t, row: row["valid_from"] not in ids(p, t, "valid_from", scope="team"),
    "never_contacted": lambda p, t, row: not row["first_contact_at"],
    "newline_in_text": lambda p, t, row: "\n" in row["#"],
    "no_customer": lambda p, t, row: not row["customer_id"],
    "no_date_of_start": lambda p, t, row: (
        not (row["created_at"] or row["first_contact_at"] or row["lead_id"])
    ),
    "null_acquired_on": lambda p, t, row: not row["acquired_on"] and row["customer_id"] in paying(p),
    "null_channel": lambda p, t, row: not row["channel"],
    "null_cost": lambda p, t, row: not row["cost"],
    "null_created": lambda p, t, row: not row["created_at"],
    "null_created_on_linked_lead": lambda p, t, row: not row["created_at"] and bool(row["lead_id"]),
    "null_owner": lambda p, t, row: not row["rep_id"],
    "null_segment": lambda p, t, row: not row["segment"],
    "owner_left": lambda p, t, row: row["rep_id"] in left(p),
    "refund": lambda p, t, row: row["amount"].startswith("-"),
    "unattributed": lambda p, t, row: not row["channel"],
    "unknown_opportunity": lambda p, t, row: (
        row["opportunity_id"] not in ids(p, "opportunities", "opportunity_id")
    ),
    "unknown_rep": lambda p, t, row: bool(row["rep_id"]) and row["rep_id"] not in ids(p, "reps", "rep_id"),
}


def count_oddity(params: Params, table: str, name: str) -> int:
    """How many rows of the file are strange in that way."""
    return sum(1 for row in read(params, table) if ODDITIES[name](params, table, row))
