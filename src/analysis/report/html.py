"""An executed notebook as one HTML page to send: no code, nothing fetched, nothing that runs.

nbconvert renders the notebook's prose and outputs with the template `report`; this module takes out whatever
could run or load, lays out tables, pictures and headings, and puts the result into `page.html.j2`. A page
forbids itself every request by its Content-Security-Policy.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from babel import Locale
from babel.dates import format_date
from bs4 import BeautifulSoup, Tag
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from traitlets.config import Config

from analysis.texts import ENGLISH, current, language, say, say_n

TEMPLATES = Path(__file__).parent / "templates"
SHOWN = ["text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/plain"]
ACTIVE = [
    "script", "style", "link", "meta", "base", "iframe", "frame", "object", "embed", "applet", "form",
    "input", "button", "select", "textarea", "audio", "video", "source", "track", "template",
    "svg", "math", "noscript",
]  # fmt: skip
HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]
SHORT, LONG = 24, 45  # characters of a cell: up to here never broken, from here given room
WIDE = 9  # columns of a table that paper needs smaller

_DAY = re.compile(r"\d{4}-\d{2}")
_SIGN = r"[-+−–]?"
_MONEY = r"(?:[A-Z]{3}|[^\w\s,.;:]|zł)?\s?"
_UNIT = r"(?:\s?(?:[%‰€$£¥×°*]|[^\W\d_]{1,6}\.?)){0,3}"
_ONE = rf"{_SIGN}\s?{_MONEY}{_SIGN}\d[\d\s.,'’]*{_UNIT}"  # 1 234,50 zł or -$0.3 or 12.5 %*
_FIGURE = re.compile(rf"[(\[]?{_ONE}(?:\s?[–,;-]\s?{_ONE})?[)\]]?")  # one, or an interval of two
_NOTHING = frozenset({"", "-", "–", "—", "−", "nan", "NaN", "None", "NaT", "<NA>"})


@dataclass(frozen=True)
class Link:
    """One entry of a page's navigation; `current` marks the page itself."""

    href: str
    title: str
    current: bool = False


@dataclass(frozen=True)
class Page:
    """What a page says around its notebook. `locale` is the params', such as pl_PL; `home` the portfolio."""

    company: str
    as_of: date
    locale: str
    links: Sequence[Link] = ()
    home: str = "../../index.html"

    @property
    def language(self) -> str:
        """The locale as HTML writes it: pl-PL."""
        return self.locale.replace("_", "-")

    @property
    def day(self) -> str:
        """The day the numbers are known as of, in the locale's words."""
        return format_date(self.as_of, "long", Locale.parse(self.locale))


def render(nb: NotebookNode, page: Page) -> str:
    """The whole HTML page of an executed notebook; the same text for the same notebook and page.

    Its own words are in the notebook's language, which its metadata name where it is not English.
    """
    with language(nb.metadata.get("language", ENGLISH)):
        return _render(nb, page)


def _render(nb: NotebookNode, page: Page) -> str:
    soup = BeautifulSoup(_exporter().from_notebook_node(nb)[0], "html.parser")
    _disarm(soup)
    title = _take_title(soup) or page.company
    sections = _headings(soup, nb.metadata.get("headings", {}))
    _say_once(soup)
    for table in soup.find_all("table"):
        _table(soup, table)
    for image in soup.find_all("img"):
        _image(soup, image)
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            page=page,
            title=title,
            sections=sections,
            language=current(),
            content=Markup(soup),
        )
    )


def environment() -> Environment:
    """Jinja on this package's templates; everything a template prints is escaped unless it is Markup."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    env.globals |= {"say": say, "say_n": say_n}
    env.globals["css"] = lambda name: Markup((TEMPLATES / name).read_text(encoding="utf-8"))
    return env


def _exporter() -> HTMLExporter:
    exporter = HTMLExporter(
        template_name="report",
        extra_template_basedirs=[str(TEMPLATES)],
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
        config=Config({"NbConvertBase": {"display_data_priority": SHOWN}}),
    )
    exporter.environment.globals["say"] = say
    return exporter


# --- what may stand in a page -----------------------------------------------------------------------------


def _disarm(soup: BeautifulSoup) -> None:
    """Take out what runs or loads. The page's policy would stop it too; the file itself shall not hold it."""
    for tag in soup.find_all(ACTIVE):
        tag.decompose()
    for tag in soup.find_all(True):
        for name in [n for n in tag.attrs if _unwelcome(tag, n)]:
            del tag.attrs[name]
    for link in soup.find_all("a", href=re.compile("^https?:", re.IGNORECASE)):
        link["rel"] = "noopener noreferrer"


def _unwelcome(tag: Tag, name: str) -> bool:
    value = str(tag.attrs[name]).strip().lower()
    if name.startswith("on") or name in ("srcset", "background", "ping", "action", "formaction", "data-src"):
        return True
    if name == "src":
        return not value.startswith("data:image/")
    if name == "href":
        return not (tag.name == "a" and re.match(r"https?:|mailto:|#|[\w./-]+$", value))
    return name == "style" and ("url(" in value or "@import" in value or "expression(" in value)


# --- headings ---------------------------------------------------------------------------------------------


def _take_title(soup: BeautifulSoup) -> str:
    """The text of the first top heading, which moves to the page's header; a second one goes down a level."""
    title = ""
    for heading in soup.find_all("h1"):
        if title:
            heading.name = "h2"
        else:
            title = _text(heading)
            heading.decompose()
    return title


def _headings(soup: BeautifulSoup, english: Mapping[str, str]) -> list[tuple[str, str]]:
    """Id and text of each section (second-level heading), after giving each heading an id of its own.

    The id is made of the heading's `english` words where those are known, whatever the page's language.
    """
    taken: set[str] = set()
    for heading in soup.find_all(HEADINGS):
        heading["id"] = _fresh_id(english.get(_text(heading), _text(heading)), taken)
    return [(str(h["id"]), _text(h)) for h in soup.find_all("h2")]


def _fresh_id(text: str, taken: set[str]) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "section"
    fresh, number = slug, 1
    while fresh in taken:
        number += 1
        fresh = f"{slug}-{number}"
    taken.add(fresh)
    return fresh


def _text(tag: Tag) -> str:
    return " ".join(tag.get_text().split())


def _heading_above(tag: Tag) -> str:
    above = tag.find_previous(HEADINGS)
    return _text(above) if isinstance(above, Tag) else ""


def _say_once(soup: BeautifulSoup) -> None:
    """Within a section, leave out a note (of something the company lacks) that was made above already."""
    made: set[tuple[str, str]] = set()
    for note in soup.select("p.missing"):
        said = (_heading_above(note), _text(note))
        if said in made:
            output = note.find_parent(class_="output")
            note.decompose()
            if output and not output.find(True):
                output.decompose()
        made.add(said)


# --- tables -----------------------------------------------------------------------------------------------


def _table(soup: BeautifulSoup, table: Tag) -> None:
    """Put a table into a box that scrolls by itself, and its columns of figures to the right."""
    del table["border"]
    for row in table.find_all("tr"):
        del row["style"]
    for column in _figure_columns(table):
        for cell in column:
            _mark(cell, "figure")
    for cell in table.select("tbody th, tbody td"):
        length = len(_text(cell))
        if length > LONG or length <= SHORT:
            _mark(cell, "long" if length > LONG else "short")
    if max((len(row.find_all(["td", "th"])) for row in table.find_all("tr")), default=0) > WIDE:
        _mark(table, "wide")
    caption = table.find("caption")
    name = _text(caption) if isinstance(caption, Tag) else _heading_above(table)
    box = soup.new_tag(
        "div", attrs={"class": "table", "role": "region", "tabindex": "0", "aria-label": name or say("Table")}
    )
    table.wrap(box)


def _mark(cell: Tag, name: str) -> None:
    cell["class"] = " ".join([*filter(None, cell.get_attribute_list("class")), name])


def _figure_columns(table: Tag) -> Iterator[list[Tag]]:
    """The cells, head included, of each column whose body holds figures or nothing, one at least a figure.

    Columns are counted from the right, because a row header that spans rows is written in its first row only.
    """
    rows = [[c for c in row.find_all(["td", "th"], recursive=False)] for row in table.find_all("tr")]
    regular = [row for row in rows if not any(cell.has_attr("colspan") for cell in row)]
    for back in range(1, max(map(len, regular), default=0) + 1):
        column = [row[-back] for row in regular if len(row) >= back]
        body = [_text(cell) for cell in column if cell.name == "td"]
        if any(map(_is_figure, body)) and all(_is_figure(t) or t in _NOTHING for t in body):
            yield column


def _is_figure(text: str) -> bool:
    return bool(_FIGURE.fullmatch(text)) and not _DAY.match(text)


# --- pictures ---------------------------------------------------------------------------------------------


def _image(soup: BeautifulSoup, image: Tag) -> None:
    """A picture on its own card, with words for those who cannot see it."""
    if not str(image.get("alt") or "").strip():
        above = _heading_above(image)
        image["alt"] = say("Chart: {heading}", heading=above) if above else say("Chart")
    if isinstance(image.parent, Tag) and image.parent.name != "figure":
        image.wrap(soup.new_tag("figure"))
