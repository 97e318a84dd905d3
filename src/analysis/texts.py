"""The texts of reports in the reader's language.

A text stands in the code in English, inside `say` or `say_n`, and that is also its key. Each other language
is one gettext catalogue, `locales/<language>.po`; a text that a catalogue lacks stays English. The language
is that of the notebooks' own prose, English, until `language` or the environment of a kernel says otherwise.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

LOCALES = Path(__file__).parent / "locales"
ENGLISH = "en"
LANGUAGE = "KPI_LANGUAGE"
"""The environment variable that tells a kernel the language of its outputs."""

_chosen: ContextVar[str] = ContextVar("language", default="")


def say(text: str, **values: object) -> str:
    """The text in the reader's language, with `{name}` filled in from the values."""
    found = catalogue(current()).gettext(text) if text else text
    return found.format(**values) if values else found


def say_n(one: str, many: str, n: int, **values: object) -> str:
    """The text in the form its language has for n things; `{n}` and the values are filled in."""
    return catalogue(current()).ngettext(one, many, n).format(**{"n": n, **values})


def mark(text: str) -> str:
    """A text that is said later, `say(CONSTANT)`, marked for those who collect texts; it stays as it is."""
    return text


def current() -> str:
    """The language of the texts here: en, pl, …"""
    return _chosen.get() or os.environ.get(LANGUAGE, "") or ENGLISH


@contextmanager
def language(locale: str) -> Iterator[None]:
    """Texts inside are in this locale's language (pl_PL: Polish), in English where there is no catalogue."""
    token = _chosen.set(language_of(locale))
    try:
        yield
    finally:
        _chosen.reset(token)


def language_of(locale: str) -> str:
    """The language in which texts of a locale are said: that of its catalogue, or English."""
    wanted = locale.replace("-", "_").split("_")[0].lower()
    return wanted if wanted in languages() else ENGLISH


def languages() -> list[str]:
    """The languages there are: English and each that has a catalogue."""
    return [ENGLISH, *sorted(path.stem for path in LOCALES.glob("*.po"))]


@cache
def catalogue(name: str) -> NullTranslations:
    """The translations into a language, read from its catalogue once; none for English."""
    path = LOCALES / f"{name}.po"
    if name == ENGLISH or not path.is_file():
        return NullTranslations()
    packed = BytesIO()
    with path.open("rb") as file:
        write_mo(packed, read_po(file, locale=name))
    packed.seek(0)
    return Translations(packed)
