"""What a single value of a params file may be: one small check per kind, with the text a user reads."""

import codecs
import difflib
import re
from collections.abc import Iterable
from datetime import date
from math import isfinite, nan
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

COMPANY = re.compile(r"[a-z0-9_-]{1,40}")
OWN = "params"
"""The type of pydantic errors whose text is complete as it is."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SECRET = re.compile(r"\$\{env:[A-Za-z_][A-Za-z0-9_]*\}")
_SECRET_NAMES = {"password", "passwd", "pwd", "token", "access_token", "motherduck_token", "secret"}


def near(word: str, words: Iterable[str]) -> str:
    """'; did you mean `x`?' for the nearest of `words`, upper and lower case aside; "" when none is near."""
    by_lower = {w.lower(): w for w in words}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f"; did you mean `{by_lower[found[0]]}`?" if found else ""


def parse_day(value: object) -> date:
    """The date of a date or of `YYYY-MM-DD` text; ValueError when it is neither."""
    if isinstance(value, date):
        return value
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError(f"{str(value)!r} is no date; write YYYY-MM-DD")


def _wrong(text: str) -> PydanticCustomError:
    return PydanticCustomError(OWN, "{text}", {"text": text})


def as_of(value: object) -> object:
    """A date, or the word latest."""
    if value is None or isinstance(value, dict | list):
        return value
    try:
        return value if value == "latest" else parse_day(value)
    except ValueError as error:
        raise _wrong(f"{error} or latest") from None


def day(value: object) -> object:
    """A date."""
    if value is None or isinstance(value, dict | list):
        return value
    try:
        return parse_day(value)
    except ValueError as error:
        raise _wrong(str(error)) from None


def dated(value: object) -> object:
    """A finite number, a flag, or a mapping of days to numbers."""
    if isinstance(value, dict):
        return {day(key): _number(cell) for key, cell in value.items()}
    if value is None or isinstance(value, list | bool) or value in ("true", "false"):
        return value == "true" if isinstance(value, str) else value
    return _number(value)


def _number(value: object) -> float:
    try:
        number = float(str(value))
    except ValueError:
        number = nan
    if not isfinite(number):
        raise _wrong(f"{str(value)!r} is no number; write one such as 120 or 99.5")
    return number


def done(value: object) -> object:
    """A flag, a day, or a number of tasks."""
    if isinstance(value, str):
        if value in ("true", "false"):
            return value == "true"
        if value.isdecimal():
            return int(value)
    if value is None or isinstance(value, dict | list | bool | int):
        return value
    try:
        return parse_day(value)
    except ValueError:
        raise _wrong(f"{str(value)!r} is neither true, false nor a day; write YYYY-MM-DD for a day") from None


def company(value: str) -> str:
    """A company id: the name of its params file and of its report folder."""
    if not COMPANY.fullmatch(value):
        raise _wrong(f"{value!r} is no company id; write 1 to 40 of a-z, 0-9, _ and -")
    return value


def one_of(what: str, known: Iterable[str], example: str) -> AfterValidator:
    """A check that a value is one of a long list; the message names the nearest, or the example."""
    words = frozenset(known)

    def check(value: str | None) -> str | None:
        if value is not None and value not in words:
            raise _wrong(f"{value!r} is no {what}{near(value, words) or f'; write one such as {example}'}")
        return value

    return AfterValidator(check)


def connect(value: str) -> str:
    """A folder or a database's URL, free of secrets; messages never quote it."""
    if not value.strip():
        raise _wrong("is empty; write a folder such as data/acme, or a database's URL")
    bare = _SECRET.sub("", value)
    if "${" in bare:
        raise _wrong("an environment variable is written ${env:NAME}")
    if "://" in bare:
        url = urlsplit(bare)
        secrets = [v for k, v in parse_qsl(url.query) if k.lower() in _SECRET_NAMES]
        if any(secrets) or url.netloc.rpartition("@")[0].partition(":")[2]:
            raise _wrong("holds a password; put the URL in an environment variable and write ${env:NAME}")
    return value


def encoding(value: str) -> str:
    """An encoding Python knows."""
    try:
        codecs.lookup(value)
    except LookupError:
        raise _wrong(f"{value!r} is no encoding; write one such as utf-8, cp1250 or iso-8859-2") from None
    return value


def delimiter(value: str) -> str:
    """One character (`tab` becomes it), or the word whitespace."""
    value = {"tab": "\t", "\\t": "\t"}.get(value, value)
    if value != "whitespace" and len(value) != 1:
        raise _wrong(f"{value!r} is no delimiter; write one character, tab or whitespace")
    return value


def date_formats(value: object) -> object:
    """A strptime format, or a list of them."""
    for text in value if isinstance(value, list) else [value]:
        if not isinstance(text, str) or "%" not in text:
            raise _wrong(f"{str(text)!r} is no date format; write one such as %Y-%m-%d, or a list of them")
    return value


def no_repeats(value: list[str]) -> list[str]:
    """Each item once."""
    repeated = sorted({v for v in value if value.count(v) > 1})
    if repeated:
        raise _wrong(f"{', '.join(map(repr, repeated))} more than once; write each once, in order")
    return value
