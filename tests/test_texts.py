"""Texts in the reader's language: a lookup, catalogues that lack nothing, a Polish report without English."""

import ast
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from string import Formatter

import nbformat
import pytest
from babel.messages.catalog import Message
from bs4 import BeautifulSoup

from analysis import phrases
from analysis.batch.prose import pieces, translate
from analysis.labels import Labels
from analysis.report.html import Page, render
from analysis.texts import LOCALES, current, language, language_of, languages, say, say_n
from catalogue import CALLS, PACKAGE, ROOT, calls, catalogue, collected, name_of, written

CATALOGUES = sorted(LOCALES.glob("*.po"))
every_catalogue = pytest.mark.parametrize("po", CATALOGUES, ids=lambda po: po.stem)

# --- the lookup -----------------------------------------------------------------------------------------


def test_a_text_is_english_until_a_language_is_chosen():
    assert current() == "en"
    with language("pl_PL"):
        assert (current(), say("Win rate")) == ("pl", "Współczynnik wygranych")
    assert say("Win rate") == "Win rate"


def test_a_locale_without_a_catalogue_is_english():
    assert language_of("xx_XX") == "en"
    with language("xx_XX"):
        assert say("{name} by channel", name="Revenue") == "Revenue by channel"
    assert {"en", "pl"} <= set(languages())


@pytest.mark.parametrize(("n", "text"), [(1, "1 dzień"), (3, "3 dni"), (5, "5 dni")])
def test_a_count_has_the_form_of_its_language(n, text):
    with language("pl"):
        assert say_n("{n} day", "{n} days", n) == text
    assert say_n("{n} week", "{n} weeks", n) == f"{n} week{'' if n == 1 else 's'}"


def test_a_value_with_braces_is_shown_as_it_is():
    assert say("{name} by channel", name="{0} {x}") == "{0} {x} by channel"


def test_figures_follow_the_locale_and_words_the_language():
    labels = Labels("pl_PL", "PLN", date(2026, 6, 30))
    assert labels.period(date(2026, 4, 1), "quarter") == "Q2 2026"
    with language("pl_PL"):
        assert labels.period(date(2026, 4, 1), "quarter") == "II kw. 2026"
        assert labels.value(41.5, "days") == "41,5 dnia"
        assert labels.interval(12, 53.25, "days") == "12,0 – 53,2 dnia"
        assert labels.change(0.4, 0.3, "ratio") == "+10,0 pp"
        assert phrases.by(phrases.name_of("revenue"), "channel") == "Przychód według kanału"


# --- what is said ---------------------------------------------------------------------------------------

LOOKUPS = ("get", "values", "items")
PARTS_OF_CONSTANTS = ("word", "name", "formula", "source", "meaning", "title")
SAID_AS_GIVEN = {  # arguments that callers fill with marked constants, and what is collected from elsewhere
    "batch/prose.py": {"text"},
    "charts/members.py": {"alt"},
    "charts/over_time.py": {"alt"},
    "report/changes.py": {"name", "text"},
    "report/sheets.py": {"str(c['identity'])"},
    "report/widgets.py": {"name"},
    "sources/checking.py": {"tests[i][1]"},
    "tables/review.py": {"head"},
    "serving/following.py": {"text"},
}


def is_a_constant(node: ast.expr) -> bool:
    """A literal, something of a constant of the module (TITLES[kind]), or a text that the glossary has."""
    if isinstance(node, ast.BoolOp):
        return all(map(is_a_constant, node.values))
    if isinstance(node, ast.IfExp):
        return is_a_constant(node.body) and is_a_constant(node.orelse)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LOOKUPS:
        return is_a_constant(node.func.value)
    if isinstance(node, ast.Subscript):
        return is_a_constant(node.value)
    if isinstance(node, ast.Attribute):
        return node.attr in PARTS_OF_CONSTANTS or is_a_constant(node.value)
    return (isinstance(node, ast.Name) and node.id.isupper()) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def named_constants(path: Path) -> set[str]:
    """Local names that are given nothing but constants: `across, up = AXES[unit]`, `for text in TEXTS`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    given: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.For | ast.comprehension):
            targets, value = [node.target], node.iter
        for name in (name for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)):
            given.setdefault(name.id, []).append(value)
    return {name for name, values in given.items() if all(map(is_a_constant, values))}


@pytest.mark.parametrize(
    "path",
    sorted(set(PACKAGE.rglob("*.py")) - {PACKAGE / "texts.py"}),
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_what_is_said_stands_in_the_code_as_a_whole(path):
    allowed = named_constants(path) | SAID_AS_GIVEN.get(str(path.relative_to(PACKAGE)), set())
    made_up = [
        f"{path.name}:{call.lineno} {ast.unparse(text)}"
        for call in calls(path)
        for text in call.args[: CALLS[name_of(call)]]
        if not is_a_constant(text) and ast.unparse(text) not in allowed
    ]
    assert not made_up, "a text is said as a literal or as a constant that is marked"


# --- the catalogues -------------------------------------------------------------------------------------


def forms(message: Message) -> list[str]:
    return list(message.string) if message.pluralizable else [message.string]


def originals(message: Message) -> list[str]:
    return list(message.id) if message.pluralizable else [message.id]


def fields(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def code(text: str) -> list[str]:
    return sorted(re.findall(r"`[^`]*`", text))


@every_catalogue
def test_a_catalogue_holds_what_is_said_and_nothing_else(po):
    assert po.read_text(encoding="utf-8") == written(po), "make texts, then translate what is new"


@every_catalogue
def test_every_text_is_translated_in_all_its_forms(po):
    found = catalogue(po)
    lacking = [m.id for m in found if m.id and not (len(forms(m)) and all(forms(m)))]
    short = [m.id for m in found if m.id and m.pluralizable and len(m.string) != found.num_plurals]
    assert not (lacking or short or found.obsolete or [m.id for m in found if m.id and m.fuzzy])


@every_catalogue
def test_a_translation_has_the_same_placeholders_code_and_per_cent_signs(po):
    for message in filter(lambda m: m.id, catalogue(po)):
        for form in forms(message):
            assert fields(form) in [fields(text) for text in originals(message)], message.id
            assert code(form) in [code(text) for text in originals(message)], message.id
            assert form.count("%") in [text.count("%") for text in originals(message)], message.id
            assert (form.strip() == form) == all(text.strip() == text for text in originals(message))


def test_collecting_finds_code_templates_glossary_and_notebooks():
    assert {
        "Cases",
        ("{n} day", "{n} days"),
        "All reports",
        "Win rate",
        "Who leaves, who stays?",
    } <= collected()


# --- prose ----------------------------------------------------------------------------------------------

PROSE = "# Customers\n\nText\nof two lines.\n\n- Why do they leave?\n- unknown\n\n```\n- Revenue\n```\n"


def test_markdown_falls_apart_into_messages_and_joins_again():
    assert "".join(signs + text for signs, text in pieces(PROSE)) == PROSE
    said = [text for _, text in pieces(PROSE) if text]
    assert said == ["Customers", "Text\nof two lines.", "Why do they leave?", "unknown"]


def test_prose_is_translated_and_code_is_not():
    cells = [nbformat.v4.new_markdown_cell(PROSE), nbformat.v4.new_code_cell("'Revenue'")]
    book = nbformat.v4.new_notebook(cells=cells)
    translate(book)
    assert book.cells[0].source == PROSE and "language" not in book.metadata
    with language("pl_PL"):
        translate(book)
    assert book.cells[0].source.startswith(
        "# Klienci\n\nText\nof two lines.\n\n- Dlaczego odchodzą?\n- unknown"
    )
    assert book.cells[1].source == "'Revenue'"
    assert (book.metadata.language, book.metadata.headings) == ("pl", {"Klienci": "Customers"})


def test_sections_of_a_translated_page_keep_their_ids():
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# Customers\n\n## Why do they leave?")]
    )
    with language("pl_PL"):
        translate(book)
    page = BeautifulSoup(render(book, Page("Ann", date(2026, 3, 31), "pl_PL")), "html.parser")
    assert (page.body["lang"], page.h1.text, page.find("p", class_="day").text) == (
        "pl", "Klienci", "Stan na 31 marca 2026",
    )  # fmt: skip
    assert [(h["id"], h.text) for h in page.find("main").find_all("h2")] == [
        ("why-do-they-leave", "Dlaczego odchodzą?")
    ]


# --- a whole report -------------------------------------------------------------------------------------

ENGLISH_WORDS = re.compile(r"\b(?:the|of|and|with|are|this|that|from|for|not|which|there)\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, str]:
    """The pages of a Polish company's report as a reader gets them: all text, and that of attributes."""
    folder = tmp_path_factory.mktemp("reports")
    done = subprocess.run(
        [sys.executable, "-m", "analysis", "run", "acme", "--reports", str(folder)],
        cwd=ROOT, capture_output=True, text=True, timeout=900, env=os.environ | {"NO_COLOR": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {path.name: visible(path) for path in folder.glob("acme/*/*.html")}


def visible(path: Path) -> str:
    soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    for tag in soup.find_all(["style", "script"]):
        tag.decompose()
    said = [
        str(tag[name])
        for tag in soup.find_all(True)
        for name in ("alt", "aria-label", "title")
        if tag.has_attr(name)
    ]
    assert (soup.body.get("lang") or soup.html["lang"]).startswith("pl"), path.name
    return " ".join(" ".join([soup.get_text(" "), *said]).split())


def test_a_polish_report_holds_no_english_sentence(pages):
    assert len(pages) >= 5
    polish = catalogue(LOCALES / "pl.po")
    sentences = {}
    for message in filter(lambda m: m.id, polish):
        for text in originals(message):
            plain = re.sub(r"[*`]", "", text)
            for part in re.split(r"\{\w+\}", plain):
                fragment = " ".join(part.split()).strip(" .:;,")
                if len(re.findall(r"[A-Za-z]{2,}", fragment)) >= 3 and fragment not in " ".join(
                    forms(message)
                ):
                    sentences[fragment] = text
    assert len(sentences) > 400
    left = {
        (name, fragment)
        for name, text in pages.items()
        for fragment in sentences
        if re.search(rf"(?<!\w){re.escape(fragment)}(?!\w)", text)
    }
    assert not left


def test_a_polish_report_holds_none_of_the_commonest_english_words(pages):
    found = {
        (name, text[max(0, hit.start() - 40) : hit.end() + 40])
        for name, text in pages.items()
        for hit in ENGLISH_WORDS.finditer(text)
    }
    assert not found
