"""What the three companies' generators share: random calendars, and tables whose faults are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

WEEKDAYS = (1.0, 1.1, 1.1, 1.0, 0.8, 0.08, 0.04)
NO_RATE = "no_exchange_rate"
ISO = "%Y-%m-%d %H:%M:%S"


class Sheet:
    """A table on its way to CSV: text cells, and a count of every fault planted in them.

    A row gets one fault at most, so that the counts by reason add up to the rows lost.
    """

    def __init__(self, frame: pd.DataFrame, rng: np.random.Generator) -> None:
        self.frame = frame.astype("object").where(frame.notna(), "").reset_index(drop=True)
        self.rng = rng
        self.used: set[int] = set()
        self.gone: set[int] = set()
        self.lost: Counter[str] = Counter()
        self.odd: Counter[str] = Counter()
        self.extra: list[tuple[float, pd.Series]] = []
        self.totals: dict[str, Any] = {}

    def pick(self, n: int, where: pd.Series | None = None) -> list[int]:
        """n rows that have no fault yet, out of those for which `where` holds."""
        mask = np.ones(len(self.frame), dtype=bool) if where is None else where.to_numpy(dtype=bool)
        free = [i for i in np.flatnonzero(mask) if i not in self.used]
        rows = sorted(int(i) for i in self.rng.choice(free, size=n, replace=False))
        self.used.update(rows)
        return rows

    def lose(self, word: str, column: str, values: Sequence[str], where: pd.Series | None = None) -> None:
        """Write values into `column` that cost the row: `word` says what they are, such as unreadable."""
        reason = word if word == NO_RATE else f"{word} {column}"
        for row, value in zip(self.pick(len(values), where), values, strict=True):
            self.frame.loc[row, column] = value
            self.lost[reason] += 1
            self.gone.add(row)

    def oddity(self, name: str, column: str, values: Sequence[str], where: pd.Series | None = None) -> None:
        """Write a value that is strange but legal: those rows are kept."""
        for row, value in zip(self.pick(len(values), where), values, strict=True):
            self.frame.loc[row, column] = value
            self.odd[name] += 1

    def repeat(self, n: int) -> None:
        """Repeat n rows exactly; one copy of each is kept, the other is a `duplicate`."""
        for row in self.pick(n):
            self.extra.append((row + self.rng.uniform(0.1, 40.0), self.frame.loc[row]))
            self.lost["duplicate"] += 1

    def conflict(self, n: int, column: str, value: str) -> None:
        """Repeat n rows with another value in `column`; both copies are lost."""
        for row in self.pick(n, self.frame[column].ne(value)):
            twin = self.frame.loc[row].copy()
            twin[column] = value
            self.extra.append((row + self.rng.uniform(0.1, 40.0), twin))
            self.lost["conflicting_duplicate"] += 2
            self.gone.add(row)

    def nameless(self, key: str) -> None:
        """Add a row like another one, but without its key."""
        for row in self.pick(1):
            twin = self.frame.loc[row].copy()
            twin[key] = ""
            self.extra.append((row + 0.5, twin))
            self.lost[f"missing {key}"] += 1

    def count(self, name: str, column: str, holds: Callable[[str], bool]) -> None:
        """Count the rows of the file, repeated ones included, whose `column` is odd."""
        cells = [*self.frame[column], *(row[column] for _, row in self.extra)]
        self.odd[name] = sum(holds(str(cell)) for cell in cells)

    def accepted(self) -> pd.DataFrame:
        """The rows that survive the checks, each once."""
        return self.frame.drop(index=sorted(self.gone))

    def export(self, columns: Mapping[str, str]) -> None:
        """Keep the columns named, under the source's names."""
        self.frame = self.frame[list(columns)].rename(columns=columns)
        self.extra = [(at, row[list(columns)].rename(index=columns)) for at, row in self.extra]

    def finished(self) -> pd.DataFrame:
        """The table with its repeated rows in place."""
        if not self.extra:
            return self.frame
        places = [float(i) for i in range(len(self.frame))] + [place for place, _ in self.extra]
        rows = pd.concat([self.frame, pd.DataFrame([row for _, row in self.extra])], ignore_index=True)
        return rows.iloc[np.argsort(places, kind="stable")].reset_index(drop=True)

    def truth(self) -> dict[str, Any]:
        """Rows in the file, rows lost by reason, odd rows that are kept, totals of the accepted rows."""
        return {
            "rows": len(self.frame) + len(self.extra),
            "lost": dict(sorted(self.lost.items())),
            "kept": dict(sorted(self.odd.items())),
            "totals": self.totals,
        }


def write(folder: Path, sheets: Mapping[str, Sheet], **options: Any) -> dict[str, Any]:
    """Write every sheet as `<name>.csv` and return their truths; `options` go to `DataFrame.to_csv`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, sheet in sheets.items():
        settings = {"index": False, "lineterminator": "\n", "encoding": "utf-8"} | options.get(name, {})
        sheet.finished().to_csv(folder / f"{name}.csv", **settings)
    return {name: sheet.truth() for name, sheet in sheets.items()}


def days(
    rng: np.random.Generator,
    first: pd.Timestamp,
    last: pd.Timestamp,
    n: int,
    growth: float,
    months: Sequence[float],
    weekdays: Sequence[float] = WEEKDAYS,
) -> pd.DatetimeIndex:
    """n days out of first..last, in order, growing by `growth` a month, with month and weekday factors."""
    calendar = pd.date_range(first, last, freq="D")
    weight = np.exp(np.log1p(growth) * np.arange(len(calendar)) / 30.4)
    weight = weight * np.asarray(months)[calendar.month - 1] * np.asarray(weekdays)[calendar.dayofweek]
    return calendar[np.sort(rng.choice(len(calendar), size=n, p=weight / weight.sum()))]


def office_hour(rng: np.random.Generator, day: pd.Timestamp) -> pd.Timestamp:
    """An instant between 8 and 18 o'clock of the day, or of the Monday after when it is a weekend."""
    day = day.normalize()
    if day.dayofweek >= 5:
        day += pd.Timedelta(days=7 - day.dayofweek)
    return day + pd.Timedelta(seconds=int(rng.integers(8 * 3600, 18 * 3600)))


def later(rng: np.random.Generator, start: pd.Timestamp, wait_days: float) -> pd.Timestamp:
    """An office hour about `wait_days` after `start`, and never before it."""
    at = office_hour(rng, start + pd.Timedelta(days=wait_days))
    return at if at > start else start + pd.Timedelta(minutes=int(rng.integers(5, 90)))


def awake(at: pd.Timestamp) -> pd.Timestamp:
    """Two hours later when it is between 1 and 3 at night: the clocks may have changed in between."""
    return at + pd.Timedelta(hours=2) if at.hour in (1, 2) else at


def text(column: pd.Series, pattern: str = ISO) -> pd.Series:
    """Instants or days as text, nulls as the empty text."""
    return pd.to_datetime(column).dt.strftime(pattern).astype("object").fillna("")


def pick_one(rng: np.random.Generator, weights: Mapping[str, float]) -> str:
    """One key, with its weight."""
    names = list(weights)
    p = np.array([weights[name] for name in names])
    return names[int(rng.choice(len(names), p=p / p.sum()))]


def plain(value: float) -> str:
    """Money as text with two decimals and a point."""
    return f"{value:.2f}"


def by_year(rows: pd.DataFrame, at: pd.Series, first_month: int = 1) -> dict[str, dict[str, dict[str, str]]]:
    """Number of rows and exact sum of `amount` by fiscal year (its first day) and currency."""
    year = at.dt.year - (at.dt.month < first_month)
    found: dict[str, dict[str, dict[str, str]]] = {}
    for (start, currency), group in rows.groupby([year, "currency"]):
        total = sum((Decimal(str(amount)) for amount in group["amount"]), Decimal("0.00"))
        key = f"{int(start)}-{first_month:02d}-01"
        found.setdefault(key, {})[str(currency)] = {"n": str(len(group)), "amount": str(total)}
    return found


def weekly_rates(rng: np.random.Generator, first: str, last: str, start: dict[str, float]) -> pd.DataFrame:
    """A rate every Monday and currency: a slow random walk, four decimals."""
    mondays = pd.date_range(first, last, freq="W-MON")
    parts = []
    for currency, rate in start.items():
        steps = rng.normal(0.0, 0.004, size=len(mondays))
        walk = rate * np.exp(np.cumsum(steps))
        parts.append(
            pd.DataFrame(
                {
                    "currency": currency,
                    "date": text(pd.Series(mondays), "%Y-%m-%d"),
                    "rate": [f"{value:.4f}" for value in walk],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
