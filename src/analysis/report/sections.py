"""Where in the pages of a report a KPI is explained, read from the pages: so no link is dead."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path

from analysis.report.html import Link
from analysis.texts import mark

DASHBOARD = "index.html"
DASHBOARD_TITLE = mark("Dashboard")
_NAVIGATION = re.compile(r'<nav class="reports".*?</nav>', re.DOTALL)
_ENTRY = re.compile(r'<a href="([\w-]+\.html)"[^>]*>(.*?)</a>', re.DOTALL)
_PLACE = re.compile(r'<h2 id="([^"]+)"|<dt>[^<]*<code>([a-z][a-z0-9_]*)</code>')


@dataclass(frozen=True)
class Pages:
    """The pages of a report in reading order, and for each KPI the section that defines it."""

    links: tuple[Link, ...] = ()
    sections: dict[str, str] = field(default_factory=dict)

    def section(self, kpi: str) -> str:
        """`growth.html#what-changed` where the KPI has its definition; nothing where it has none."""
        return self.sections.get(kpi, "")


def pages_of(folder: Path) -> Pages:
    """The notebooks' pages that are there, and where each KPI is defined; the first definition counts."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.html"))}
    texts.pop(DASHBOARD, None)
    entries = [entry for text in texts.values() for entry in _entries(text)]
    links = {name: title for name, title in entries if name in texts}
    links |= {name: name.removesuffix(".html") for name in texts if name not in links}
    sections: dict[str, str] = {}
    for name in links:
        for kpi, at in _defined(texts[name]):
            sections.setdefault(kpi, f"{name}#{at}" if at else name)
    return Pages(tuple(Link(name, title) for name, title in links.items()), sections)


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """File and title of every page in a page's navigation."""
    found = _NAVIGATION.search(text)
    for name, title in _ENTRY.findall(found[0] if found else ""):
        yield name, unescape(re.sub(r"<[^>]+>", "", title)).strip()


def _defined(text: str) -> Iterator[tuple[str, str]]:
    """Every KPI that has a definition card, and the id of the section it lies in."""
    at = ""
    for found in _PLACE.finditer(text):
        at = unescape(found[1]) if found[1] else at
        if found[2]:
            yield found[2], at
