"""Texts that several of the readers' errors share."""

import difflib
from collections.abc import Iterable, Sequence

import duckdb


def near(word: str, words: Iterable[str], n: int = 3) -> list[str]:
    """The nearest of `words`, upper and lower case, blanks and signs aside; the nearest first."""

    def plain(text: str) -> str:
        return "".join(c for c in text.lower() if c.isalnum())

    by_plain: dict[str, str] = {}
    for candidate in words:
        by_plain.setdefault(plain(candidate), candidate)
    close = difflib.get_close_matches(plain(word), by_plain, n=n, cutoff=0.6)
    contained = [p for p in by_plain if p and plain(word) and (plain(word) in p or p in plain(word))]
    return [by_plain[p] for p in dict.fromkeys([*close, *contained])][:n]


def listing(words: Sequence[str], most: int = 12) -> str:
    """`a, b, c`, shortened with a count when there are many; `nothing` when there are none."""
    if not words:
        return "nothing"
    shown = ", ".join(words[:most])
    return f"{shown} and {len(words) - most} more" if len(words) > most else shown


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """'; did you mean `x` or `y`?', or nothing when no word is near."""
    found = near(word, words)
    return f"; did you mean {' or '.join(f'`{f}`' for f in found)}?" if found else ""


def first_line(error: duckdb.Error | Exception) -> str:
    """The first line of a library's message, without its class names."""
    text = str(error).strip().splitlines()
    line = text[0] if text else type(error).__name__
    for prefix in (
        "Invalid Input Error: ",
        "IO Error: ",
        "Parser Error: ",
        "Binder Error: ",
        "Catalog Error: ",
    ):
        line = line.removeprefix(prefix)
    return line
