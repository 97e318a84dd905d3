"""How a batch and a company's data are told to a person: a bar on a terminal, plain lines elsewhere."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

import pandas as pd
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from analysis.batch.job import Result
from analysis.company import Company

LEDGER_NUMBERS = ("rows_read", "filtered", "after_as_of", "duplicates", "quarantined", "flagged", "accepted")


class Progression:
    """Watches a batch: a bar while it runs if `out` is a terminal, one line for each company when it ends.

    Failures go to `err`, whole.
    """

    def __init__(self, out: Console, err: Console) -> None:
        self._out, self._err = out, err
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=out,
            transient=True,
            disable=not out.is_terminal,
        )
        self._task = self._bar.add_task("reading")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begins(self, steps: int) -> None:
        """So many steps in all."""
        self._bar.update(self._task, total=steps)

    def step(self, company: str, name: str, steps: int) -> None:
        """A step ended."""
        self._bar.update(self._task, advance=steps, description=f"{company} {name}")

    def ends(self, result: Result) -> None:
        """A company's run ended: say how, in one line if it went well."""
        if result.cause:
            line(self._err, told_failure(result))
        else:
            line(self._out, told(result))


def told(result: Result) -> str:
    """One line on a run that succeeded, and one for each thing its report lacks."""
    parts = [
        f"{result.notebooks} notebook{'' if result.notebooks == 1 else 's'}",
        f"{result.kpi_rows} KPI rows",
    ]
    if result.quarantined:
        parts.append(f"{result.quarantined} rows quarantined")
    parts.append(f"{result.seconds:.0f} s")
    first = f"{result.company} {result.as_of}: {', '.join(parts)}: {result.folder}"
    return "\n".join([first, *(f"  {note}" for note in result.notes)])


def told_failure(result: Result) -> str:
    """What failed, where to look, and which report stands."""
    lines = result.cause.splitlines()
    if result.as_of:
        lines.append(f"what the run left is in {result.folder}")
    if result.last_good:
        lines.append(f"the last good report stays: {result.last_good}")
    return "\n".join(
        [f"{result.company} {result.as_of}".strip() + ": FAILED", *(f"  {text}" for text in lines)]
    )


def line(console: Console, text: str) -> None:
    """Text as it is: no markup read into it, no colours guessed, no line broken."""
    console.print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)


def tell_company(out: Console, client: Company) -> None:
    """A company's row ledger, and why rows were quarantined."""
    line(out, f"{client.params.company}: {client.params.name}, as of {client.as_of.isoformat()}")
    ledger = client.ledger
    _tell(out, ledger, {name: "right" for name in LEDGER_NUMBERS if name in ledger})
    reasons = reasons_of(client.quarantine)
    if not reasons.empty:
        quarantined, flagged = int(ledger["quarantined"].sum()), int(ledger["flagged"].sum())
        line(out, f"{quarantined} rows quarantined, {flagged} kept without their interval")
        _tell(out, reasons, {"rows": "right"})
    line(out, "")


def reasons_of(quarantine: pd.DataFrame) -> pd.DataFrame:
    """Rows quarantined or flagged for each reason: table, reason, rows, and the first example's place."""
    example = quarantine["file"].astype(str) + ":" + quarantine["line"].astype(str)
    grouped = quarantine.assign(example=example).groupby(["table", "reason"], sort=True)
    return grouped["example"].agg(rows="size", first="first").reset_index()


def _tell(out: Console, frame: pd.DataFrame, justify: Mapping[str, str]) -> None:
    """A frame as a ruled table on a terminal, as aligned plain text elsewhere."""
    heads = {name: str(name).replace("_", " ") for name in frame.columns}
    body = [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    if not out.is_terminal:
        widths = [max(len(text) for text in column) for column in zip(heads.values(), *body, strict=True)]
        right = [justify.get(name) == "right" for name in heads]
        for row in [list(heads.values()), *body]:
            cells = zip(row, widths, right, strict=True)
            line(out, "  " + "  ".join(t.rjust(w) if r else t.ljust(w) for t, w, r in cells).rstrip())
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name, head in heads.items():
        table.add_column(
            Text(head), justify="right" if justify.get(name) == "right" else "left", overflow="fold"
        )
    for row in body:
        table.add_row(*(Text(text) for text in row))
    out.print(table)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:g}"
    return "" if value is None or value is pd.NA else str(value)
