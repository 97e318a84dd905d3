"""The texts that reports say, collected from code, templates, glossary and notebooks into the catalogues.

`make texts` runs this: each `locales/*.po` then has every text once, in order, new ones without a
translation, none that is not said any more; what stands above the first text, header and comment, stays.
"""

import ast
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import nbformat
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment, nodes

from analysis.batch.prose import pieces
from analysis.glossary import FAMILIES, KPIS, REASONS, STATUSES
from analysis.texts import LOCALES

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "analysis"
CALLS = {"say": 1, "say_n": 2, "mark": 1}
"""The functions that texts stand in, and how many of their first arguments are texts."""

Text = str | tuple[str, str]


def collected() -> set[Text]:
    """Every text: a string, or the two forms of one that counts."""
    found: set[Text] = {text for path in PACKAGE.rglob("*.py") for text in in_code(path)}
    found |= {text for path in PACKAGE.rglob("*.j2") for text in in_template(path)}
    found |= {text for path in (ROOT / "notebooks").glob("[!._]*.ipynb") for text in in_notebook(path)}
    counted = {text[0] for text in found if isinstance(text, tuple)}
    return {text for text in found | set(in_glossary()) if text and text not in counted}


def in_code(path: Path) -> Iterator[Text]:
    """What a module says: the texts that stand in calls of say, say_n and mark."""
    for call in calls(path):
        texts = [a.value for a in call.args[: CALLS[name_of(call)]] if isinstance(a, ast.Constant)]
        if len(texts) == CALLS[name_of(call)]:
            yield texts[0] if len(texts) == 1 else (texts[0], texts[1])


def calls(path: Path) -> list[ast.Call]:
    """The calls of say, say_n and mark in a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call) and name_of(node) in CALLS]


def name_of(call: ast.Call) -> str:
    """The name of what is called, without what it belongs to."""
    return getattr(call.func, "id", "") or getattr(call.func, "attr", "")


def in_template(path: Path) -> Iterator[Text]:
    """What a template says."""
    for call in Environment().parse(path.read_text(encoding="utf-8")).find_all(nodes.Call):
        name = getattr(call.node, "name", "")
        texts = [a.value for a in call.args[: CALLS.get(name, 0)] if isinstance(a, nodes.Const)]
        if texts and len(texts) == CALLS[name]:
            yield texts[0] if len(texts) == 1 else (texts[0], texts[1])


def in_notebook(path: Path) -> Iterator[Text]:
    """The prose of a notebook, piece by piece."""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            yield from (text for _, text in pieces(cell.source) if text)


def in_glossary() -> Iterator[Text]:
    """What the glossary tells of KPIs; `phrases` says it."""
    for kpi in KPIS.values():
        yield from (kpi.name, kpi.formula, kpi.source)
    yield from (*REASONS.values(), *STATUSES.values(), *FAMILIES.values())


def catalogue(path: Path) -> Catalog:
    """A catalogue as it is in its file."""
    with path.open("rb") as file:
        return read_po(file, locale=path.stem)


def written(path: Path) -> str:
    """What the file of a catalogue should hold: its own head, then every text with the translation it has."""
    old, new = catalogue(path), Catalog(locale=path.stem)
    for text in collected():
        known = old.get(text if isinstance(text, str) else text[0])
        new.add(text, known.string if known and known.pluralizable == isinstance(text, tuple) else None)
    for message in new:
        message.flags.clear()
    body = BytesIO()
    write_po(body, new, width=110, no_location=True, omit_header=True, sort_output=True)
    head = path.read_text(encoding="utf-8").split("\n\n", 1)[0]
    return head.rstrip("\n") + "\n\n" + body.getvalue().decode().strip("\n") + "\n"


if __name__ == "__main__":
    for po in sorted(LOCALES.glob("*.po")):
        po.write_text(written(po), encoding="utf-8")
