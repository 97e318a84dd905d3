"""The words of a notebook in the company's language: its Markdown, block by block, before it is executed.

A message is one paragraph, heading or list item; the signs that make it a heading or an item stay outside.
Code cells and blocks of code stay as they are.
"""

import re
from collections.abc import Iterator

from nbformat import NotebookNode

from analysis.texts import ENGLISH, current, say

_SIGNS = re.compile(r"(\s*(?:#{1,6}|[-*+]|\d+[.)])\s+)(.+)")
FENCES = ("```", "~~~")


def pieces(source: str) -> Iterator[tuple[str, str]]:
    """The Markdown in parts that joined give it again: signs and space, and a message or nothing."""
    for block in re.split(r"(\n{2,})", source):
        lines = block.split("\n")
        if not block.strip() or block.startswith(FENCES):
            yield block, ""
        elif any(_SIGNS.fullmatch(line) for line in lines):
            for number, line in enumerate(lines):
                found = _SIGNS.fullmatch(line)
                end = "\n" if number else ""
                yield (end + found[1], found[2]) if found else (end, line)
        else:
            yield "", block


def heading(source: str) -> str:
    """The first top heading of a Markdown text, or nothing."""
    return next((text for signs, text in pieces(source) if signs.strip() == "#"), "")


def translate(nb: NotebookNode) -> None:
    """Put, in place, the Markdown into the language of the texts here; nothing is touched in English.

    The notebook's metadata then name the language, and keep each heading's own English words: the ids of a
    page's sections are made of those, and so are the same in every language.
    """
    if current() == ENGLISH:
        return
    headings: dict[str, str] = {}
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            parts = [(signs, text, say(text)) for signs, text in pieces(cell.source)]
            cell.source = "".join(signs + said for signs, _, said in parts)
            headings |= {said: text for signs, text, said in parts if signs.strip().startswith("#")}
    nb.metadata["language"] = current()
    nb.metadata["headings"] = headings
