"""What a notebook displays beside pictures: a sentence, a table, a definition card.

Each is HTML in a notebook or report and plain text elsewhere; all text is escaped, and nothing in it depends
on the machine, so that committed outputs can be compared.
"""

import re
from dataclasses import dataclass
from html import escape

from analysis.glossary import Kpi
from analysis.phrases import formula_of, name_of, source_of
from analysis.texts import mark, say

GOOD = {
    "up": mark("Higher is better."),
    "down": mark("Lower is better."),
    "none": mark("Neither high nor low is good in itself."),
}


@dataclass(frozen=True)
class Note:
    """One plain sentence, displayed where a chart or a table has nothing to show.

    `cause` is what several notes may have in common; of those with one cause a reader needs only the first.
    """

    text: str
    cause: str = ""

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        text = re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(self.text))
        return f'<p class="missing">{text}</p>'


@dataclass(frozen=True)
class Row:
    """One row: the text of its cells, the first being its header, and the status that greys or hatches it.

    Where the cells differ in status, `looks` has one for each cell.
    """

    cells: tuple[str, ...]
    status: str = "ok"
    looks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table to display: caption, column heads, rows, notes below it. All text is escaped when shown."""

    caption: str
    head: tuple[str, ...]
    body: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    kind: str = "numbers"

    def __repr__(self) -> str:
        lines = [self.head, *(row.cells for row in self.body)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.head))]
        text = [
            "  ".join(
                [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]
            )
            for line in lines
        ]
        return "\n".join(line.rstrip() for line in [self.caption, *text, *self.notes])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{escape(text)}</th>' for text in self.head)
        parts = [
            f'<table class="kpi {self.kind}">',
            f"<caption>{escape(self.caption)}</caption>",
            f"<thead><tr>{head}</tr></thead>",
            "<tbody>",
            *(_html_row(row) for row in self.body),
            "</tbody>",
            "</table>",
        ]
        parts += [f'<p class="note">{escape(note)}</p>' for note in self.notes]
        return "\n".join(parts)


@dataclass(frozen=True)
class Folded:
    """A sentence that opens to a table; it is the table's own caption where it says the same."""

    text: str
    table: Table

    def __repr__(self) -> str:
        return repr(self.table) if self.text == self.table.caption else f"{self.text}\n{self.table!r}"

    def _repr_html_(self) -> str:
        inside = self.table._repr_html_()
        if self.text == self.table.caption:
            inside = inside.replace(f"<caption>{escape(self.text)}</caption>\n", "", 1)
        return f"<details><summary>{escape(self.text)}</summary>\n{inside}\n</details>"


@dataclass(frozen=True)
class Definitions:
    """Definition cards of KPIs: name, id, formula, which way is good, source."""

    kpis: tuple[Kpi, ...]

    def __repr__(self) -> str:
        return "\n".join(f"{name_of(k.id)} ({k.id}): {formula_of(k)}. {_reading_of(k)}" for k in self.kpis)

    def _repr_html_(self) -> str:
        cards = [
            f"<dt>{escape(name_of(k.id))} <code>{escape(k.id)}</code></dt>"
            f"<dd>{escape(formula_of(k))}. <em>{escape(_reading_of(k))}</em></dd>"
            for k in self.kpis
        ]
        return "\n".join(['<dl class="definition">', *cards, "</dl>"])


def _html_row(row: Row) -> str:
    head, *cells = row.cells
    looks = row.looks[1:] or ["ok"] * len(cells)
    found = "".join(f"<td{_kind(look)}>{escape(cell)}</td>" for cell, look in zip(cells, looks, strict=True))
    return f'<tr{_kind(row.status)}><th scope="row">{escape(head)}</th>{found}</tr>'


def _kind(status: str) -> str:
    """The class of a row or cell that is not simply ok."""
    return "" if status == "ok" else f' class="{escape(status)}"'


def _reading_of(kpi: Kpi) -> str:
    good, source = say(GOOD[kpi.direction]), source_of(kpi)
    return f"{good} {source[0].upper()}{source[1:]}." if source else good
