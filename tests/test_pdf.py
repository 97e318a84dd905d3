"""Pages as PDF through Chromium: what is printed, what is not cut, and what happens without Chromium."""

from datetime import date
from pathlib import Path

import numpy as np
import pypdfium2
import pytest

from analysis.report import pdf
from analysis.report.pdf import browser, dated, lack_of_browser, print_pages, without_links

DAY = date(2026, 3, 31)
STYLE = (Path(pdf.__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")
CHART = (
    '<figure><img alt="c" src="data:image/svg+xml;utf8,'
    "<svg xmlns='http://www.w3.org/2000/svg' width='1800' height='900'>"
    "<rect width='1800' height='900' fill='rgb(0,0,255)'/>"
    "<rect width='40' height='900' fill='rgb(255,0,0)'/>"
    "<rect x='1760' width='40' height='900' fill='rgb(0,255,0)'/></svg>\"></figure>"
)
PAGE = (
    f"<!DOCTYPE html><html lang='pl'><head><title>Łódź</title><style>{STYLE}</style></head><body><main>"
    '<p>Zażółć <a href="team.html">team</a> <a href="#x">here</a></p>' + CHART * 3 + "</main></body></html>"
)
needs_chromium = pytest.mark.skipif(not browser(), reason="no Chromium on this machine")


@pytest.fixture
def page(tmp_path):
    folder = tmp_path / "a {folder} & more"
    folder.mkdir()
    path = folder / "sales.html"
    path.write_text(PAGE, encoding="utf-8")
    return path


@needs_chromium
def test_a_page_is_printed_beside_it_the_same_each_time_and_names_no_folder(page):
    assert print_pages([page], browser(), DAY) == (["sales.pdf"], [])
    first = page.with_suffix(".pdf").read_bytes()
    assert print_pages([page], browser(), DAY) == (["sales.pdf"], [])
    assert page.with_suffix(".pdf").read_bytes() == first
    assert b"D:20260331000000" in first
    assert b"file:" not in first and b"kpi-pdf-" not in first and str(page.parent).encode() not in first
    text = pypdfium2.PdfDocument(first)[0].get_textpage().get_text_range()
    assert "Zażółć team here" in text
    assert sorted(path.name for path in page.parent.iterdir()) == ["sales.html", "sales.pdf"]


def charts_of(printed) -> list[np.ndarray]:
    """The pictures on a printed page, from top to bottom: True where it is the chart's red, blue or green."""
    ink = np.asarray(printed.render(scale=0.5).to_pil().convert("RGB")).astype(int)
    strong = (ink.max(axis=2) > 200) & (ink.min(axis=2) < 80)
    filled = np.flatnonzero(np.diff(np.pad(strong.any(axis=1), 1).astype(int)))
    return [ink[top:end] for top, end in zip(filled[::2], filled[1::2], strict=True)]


@needs_chromium
def test_no_chart_is_cut(page):
    """Each of the charts lies on one page, half as high as wide, from its red edge to its green one."""
    print_pages([page], browser(), DAY)
    charts = [c for p in pypdfium2.PdfDocument(page.with_suffix(".pdf")) for c in charts_of(p)]
    assert len(charts) == 3
    for chart in charts:
        line = chart[len(chart) // 2]
        red, green = (np.flatnonzero((line[:, one] > 200) & (line[:, other] < 80) & (line[:, 2] < 80))
                      for one, other in ((0, 1), (1, 0)))  # fmt: skip
        assert red.size and green.size
        assert len(chart) == pytest.approx((green.max() - red.min()) / 2, rel=0.05)


def test_without_chromium_the_reason_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(pdf.VARIABLE, raising=False)
    assert browser() == ""
    assert "none of chromium, " in lack_of_browser() and "KPI_CHROMIUM" in lack_of_browser()
    monkeypatch.setenv(pdf.VARIABLE, "/nowhere/chromium")
    assert browser() == ""
    assert "KPI_CHROMIUM names /nowhere/chromium, which is no program" in lack_of_browser()


def test_a_browser_that_fails_or_hangs_is_told_and_leaves_no_file(page, tmp_path, monkeypatch):
    fails, hangs = tmp_path / "fails", tmp_path / "hangs"
    fails.write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    hangs.write_text("#!/bin/sh\nsleep 600 & wait\n", encoding="utf-8")
    for program in (fails, hangs):
        program.chmod(0o755)
    monkeypatch.setattr(pdf, "TIMEOUT", 0.5)
    assert print_pages([page], str(fails), DAY) == (
        [],
        ["sales.html: not printed: Chromium ended with exit status 3"],
    )
    assert print_pages([page], str(hangs), DAY)[1] == [
        "sales.html: not printed: Chromium took longer than 0.5 s"
    ]
    assert not page.with_suffix(".pdf").exists()


def test_links_to_files_are_taken_out_of_what_is_printed():
    page = (
        '<a class="x" href="team.html#top">a</a><a href="#b">b</a>'
        "<a href=\"https://c.example/\">c</a><A HREF='../../index.html'>d</A>"
    )
    assert without_links(page) == (
        '<a class="x">a</a><a href="#b">b</a><a href="https://c.example/">c</a><A>d</A>'
    )


def test_a_pdf_bears_the_reports_day():
    made = b"<</CreationDate (D:20261123165009+00'00')\n/ModDate (D:20261123165009+00'00')>>"
    assert dated(made, DAY) == (
        b"<</CreationDate (D:20260331000000+00'00')\n/ModDate (D:20260331000000+00'00')>>"
    )
