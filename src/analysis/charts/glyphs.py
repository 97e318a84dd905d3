"""What the charts' font can draw."""

from functools import cache

from matplotlib.font_manager import findfont, get_font

BOX = "▯"  # for a character that the font has none for, such as most emoji


def drawable(text: str) -> str:
    """The text with a box for every character that would be missing; the table beside it has them all."""
    return "".join(letter if _is_known(letter) else BOX for letter in text)


@cache
def _is_known(letter: str) -> bool:
    return bool(get_font(findfont("DejaVu Sans")).get_char_index(ord(letter)))
