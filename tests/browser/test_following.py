"""A page of `kpi serve`, open in a real browser: it follows its data by itself, and says what failed."""

import shutil
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from test_in_browser import CHROMIUM

from small_project import notebook, small_project, write
from test_serving import DAY, LONG, ROWS, SUM, Site

MILLISECONDS = 1000
BROKEN = "1,perhaps,2026-01-05,2026-02-10,100.50,zoe\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Site]:
    if shutil.which("chromium") is None:
        pytest.skip("Chromium is not here: apt-get install chromium")
    root = small_project(tmp_path_factory.mktemp("followed"))
    write(root, "sales", notebook(SUM))
    (root / "notebooks" / "team.ipynb").unlink()
    site = Site(root)
    try:
        site.ready()
        yield site
    finally:
        site.end(signal.SIGTERM)


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=[*CHROMIUM])
        page = browser.new_page()
        page.set_default_timeout(LONG * MILLISECONDS)
        yield page
        browser.close()


def test_an_open_page_follows_its_data_and_says_what_failed(served, page):
    expect.set_options(timeout=LONG * MILLISECONDS)
    errors, elsewhere, here = [], [], f"http://127.0.0.1:{served.port}/"
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(here) else elsewhere.append(asked.url))
    page.goto(f"{here}ann/{DAY}/sales.html")
    expect(page.get_by_text("Won in all: 100.50")).to_be_visible()
    served.deals(ROWS + "3,won,2026-01-08,2026-02-12,1000,zoe\n")
    expect(page.get_by_text("Won in all: 1100.50")).to_be_visible()
    served.deals(BROKEN)
    expect(page.get_by_text("perhaps")).to_be_visible()
    expect(page.get_by_text("Won in all: 1100.50")).to_be_visible()
    served.deals(ROWS)
    expect(page.get_by_text("Won in all: 100.50")).to_be_visible()
    expect(page.get_by_text("perhaps")).to_have_count(0)
    assert (errors, elsewhere) == ([], [])
