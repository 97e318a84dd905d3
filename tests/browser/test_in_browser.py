"""Reports in a real browser: from the portfolio down to the rows; light, dark, Polish, on paper, on a phone.

The reports of a sample company and of one with hostile names are written once, with one notebook each.
"""

import csv
import io
import re
import runpy
import shutil
import xml.etree.ElementTree as ElementTree
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pypdfium2 import PdfDocument

from analysis.batch.run import Options, run
from analysis.contract import TABLES
from analysis.kernel import Processes
from analysis.report.files import FAILED, RECORD, write_json
from analysis.report.index import portfolio_page, write_index
from analysis.report.standing import standing_page
from analysis.texts import catalogue, language, say
from companies import write_company
from test_batch import Watch

NOTEBOOK = "team_performance"
CHROMIUM = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
A4 = {"width": 680, "height": 980}  # what the margins leave of the sheet, in pixels
SCRIPT, FORMULA, LONG = "<script>alert(1)</script>", '=HYPERLINK("http://evil.example","x")', "L" * 3000
RIGHT_TO_LEFT, EMOJI = "שלום עולם", "🦔💰"
EVIL = (SCRIPT, FORMULA, LONG, RIGHT_TO_LEFT, EMOJI)
PAGES = ("portfolio", "standing", "dashboard", "notebook", "evil dashboard", "evil notebook")
ALL_TEXT = """() => {
  const texts = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) if (!walk.currentNode.parentElement.closest("script, style"))
    texts.push(walk.currentNode.textContent.replace(/\\s+/g, " ").trim());
  return texts;
}"""
CUT = """(height) => [...document.querySelectorAll("figure, svg, tr, article, li.tile")].flatMap(box => {
  const place = box.getBoundingClientRect();
  if (!place.height || box.parentElement.closest("figure, svg, tr, article, li.tile")) return [];
  let kept = false;
  for (let up = box; up && up !== document.body; up = up.parentElement)
    kept ||= getComputedStyle(up).breakInside.startsWith("avoid");
  return kept && place.height <= height ? [] : [`${box.tagName}.${box.className}: ${place.height} ${kept}`];
})"""


def evil_tables() -> dict[str, str]:
    """Deals, salespeople and leads that are all called something hostile."""
    reps = [[f"R{number}", name, name] for number, name in enumerate(EVIL)]
    deals = [
        [f"D{month}{number}", outcome, f"2026-{month:02d}-02", f"2026-{month:02d}-20", 100 * (number + 1),
         f"R{number}", f"{name} {number}", name]
        for month in (1, 2, 3) for number, name in enumerate(EVIL) for outcome in ("won",)
    ]  # fmt: skip
    leads = [[f"L{number}", name, "2026-02-03", f"R{number}"] for number, name in enumerate(EVIL)]
    return {
        "reps": _csv(["rep_id", "name", "team"], reps),
        "opportunities": _csv(
            ["opportunity_id", "outcome", "created_at", "closed_at", "amount", "rep_id", "customer_id",
             "channel"], deals,
        ),
        "leads": _csv(["lead_id", "channel", "created_at", "rep_id"], leads),
    }  # fmt: skip


def _csv(head: list[str], rows: list[list]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    return text.getvalue()


@pytest.fixture(scope="module")
def site(tmp_path_factory, project) -> Path:
    """The reports folder: a sample company in Polish, a hostile one in English, and one that failed."""
    if shutil.which("chromium") is None:
        pytest.skip("Chromium is not here: apt-get install chromium")
    root = tmp_path_factory.mktemp("site")
    goal = {"folder": SCRIPT, "start_on": "2026-01-01", "due_on": "2026-12-31"}
    targets = [{"name": name, "type": "number", "end": 10, "current": 4} for name in EVIL]
    goals = [{"name": name, **goal, "targets": targets} for name in EVIL]
    evil = {"locale": "en_GB", "channels": dict.fromkeys(EVIL, "inbound"), "goals": goals}
    params = write_company(root, evil_tables(), "evil", **evil)
    told = (params / "evil.yaml").read_text(encoding="utf-8")
    told = told.replace("name: Test Company", f'name: "{SCRIPT} {EMOJI} {LONG}"', 1)
    (params / "evil.yaml").write_text(told, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        processes, reports = Processes(preload=["analysis.batch.job"]), root / "reports"
        for names, folder in ((["acme"], Path("params")), (["evil"], params)):
            options = Options(params_dir=folder, reports_dir=reports, notebooks=[NOTEBOOK], jobs=2)
            assert [result.cause for result in run(names, options, Watch(), processes)] == [""]
    failed = reports / FAILED / "gone"
    failed.mkdir(parents=True)
    write_json(failed / RECORD, {"name": "Gone & Co", "cause": f"params/gone.yaml:3: {SCRIPT}"})
    write_index(reports)
    (root / "standing.html").write_text(standing_page(reports, "acme"), encoding="utf-8")
    (root / "polish.html").write_text(portfolio_page(reports, "pl_PL"), encoding="utf-8")
    return reports


@pytest.fixture(scope="module")
def browser(site):
    with sync_playwright() as tools:
        found = tools.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        yield found
        found.close()


@pytest.fixture
def opened(browser, site):
    """Opens pages that must say nothing in the console, ask for nothing, and open no dialog."""

    @contextmanager
    def opening(name: str, **context):
        with watched(browser, **context) as page:
            page.goto(address(site, name))
            yield page

    return opening


@contextmanager
def watched(browser: Browser, viewport=None, **options):
    context = browser.new_context(viewport=viewport or WIDE, accept_downloads=True, **options)
    page, told, asked = context.new_page(), [], []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("dialog", lambda dialog: (told.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: asked.append(request.url))
    yield page
    context.close()
    assert told == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def address(site: Path, name: str) -> str:
    """Where one of PAGES lies, or `polish`: the portfolio in Polish."""
    if name == "portfolio":
        return (site / "index.html").as_uri()
    if name in ("standing", "polish"):
        return (site.parent / f"{name}.html").as_uri()
    (folder,) = (site / ("evil" if "evil" in name else "acme")).iterdir()
    return (folder / ("index.html" if "dashboard" in name else f"{NOTEBOOK}.html")).as_uri()


# --- the way down -------------------------------------------------------------------------------------


def test_from_the_portfolio_to_the_rows_behind_a_number(opened):
    with opened("portfolio") as page:
        page.get_by_role("link", name="Acme Instruments").click()
        assert page.url.endswith("/index.html")
        assert "/acme/" in page.url
        explained = page.locator(f'a[href^="{NOTEBOOK}.html#"]').first
        target = explained.get_attribute("href").split("#")[1]
        explained.click()
        expect(page.locator(f"[id='{target}']")).to_be_in_viewport()
        page.go_back()
        numbers = page.locator("article details").first
        numbers.locator("summary").click()
        expect(numbers.locator("table")).to_be_visible()
        assert len(numbers.locator("tbody tr").all()) > 0
        with page.expect_download() as download:
            page.locator("article a[download]").first.click()
        rows = list(csv.reader(Path(download.value.path()).read_text(encoding="utf-8").splitlines()))
        assert len(rows) > 1
        assert {len(row) for row in rows} == {len(rows[0])}


def test_every_link_leads_somewhere(opened, site):
    for name in PAGES[:1] + PAGES[2:]:
        with opened(name) as page:
            here = Path(page.url.removeprefix("file://")).parent
            for link in page.locator("a[href]").all():
                href = link.get_attribute("href")
                path, _, anchor = href.partition("#")
                if re.match(r"https?:|mailto:", href):
                    continue
                target = (here / path) if path else Path(page.url.removeprefix("file://"))
                assert target.exists(), f"{name}: {href}"
                if anchor and target.suffix == ".html":
                    assert f'id="{anchor}"' in target.read_text(encoding="utf-8"), f"{name}: {href}"


# --- sorting and filtering ----------------------------------------------------------------------------


def names(page: Page) -> list[str]:
    return [
        row.locator("bdi").text_content() or "" for row in page.locator("#companies tbody tr:visible").all()
    ]


def test_the_portfolio_sorts_by_click_and_by_keyboard_undefined_last(opened):
    with opened("portfolio") as page:
        head = page.locator("#companies thead th").nth(2)
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == "descending"
        keys = page.locator("#companies tbody tr").evaluate_all(
            "rows => rows.map(row => [row.dataset.c, row.cells[2].dataset.v])"
        )
        assert [currency for currency, _ in keys] == ["EUR", "PLN", ""]
        company = page.locator("#companies thead th").first
        company.get_by_role("button").focus()
        page.keyboard.press("Enter")
        assert company.get_attribute("aria-sort") == "ascending"
        assert head.get_attribute("aria-sort") is None
        up = names(page)
        page.keyboard.press("Space")
        assert company.get_attribute("aria-sort") == "descending"
        assert names(page) == up[::-1]
        assert len(up) == 3


def test_the_portfolio_finds_by_name_and_state(opened):
    with opened("portfolio") as page:
        expect(page.get_by_role("status")).to_have_text("Shown: 3 of 3")
        page.get_by_label("Find a company").fill("ACMÉ inst")
        assert names(page) == ["Acme Instruments"]
        expect(page.get_by_role("status")).to_have_text("Shown: 1 of 3")
        page.get_by_label("Find a company").fill("")
        page.get_by_label("last run failed").check()
        assert names(page) == ["Gone & Co"]
        page.get_by_label("data are old").check()
        assert "Acme Instruments" not in names(page)
        assert len(names(page)) == 2  # either state
        page.get_by_label("last run failed").uncheck()
        page.get_by_label("data are old").uncheck()
        assert len(names(page)) == 3


def test_the_portfolio_is_a_plain_table_without_a_script(opened):
    with opened("portfolio", java_script_enabled=False) as page:
        assert page.locator("#companies tbody tr:visible").count() == 3
        assert not page.locator("#tools").is_visible()
        assert page.locator("#companies thead button").count() == 0


# --- for everybody ------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_and_readable(opened, name, scheme):
    with opened(name, color_scheme=scheme, bypass_csp=True) as page:
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        found = Axe().run(page).response["violations"]
        assert [(v["id"], n["target"], n.get("failureSummary", "")) for v in found for n in v["nodes"]] == []
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        red = int(re.findall(r"\d+", ground)[0])
        assert red < 60 if scheme == "dark" else red > 200


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_never_scrolls_the_page_sideways(opened, name):
    with opened(name, viewport=PHONE) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize("name", PAGES)
def test_no_chart_and_no_row_is_cut_on_paper(opened, name):
    with opened(name, viewport=A4) as page:
        page.emulate_media(media="print")
        assert page.evaluate(CUT, A4["height"]) == []
        assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_the_head_of_the_portfolio_stands_on_every_sheet(browser, project, tmp_path):
    runpy.run_path(str(project / "benchmarks" / "portfolio.py"))["write_reports"](tmp_path, 30)
    with watched(browser) as page:
        page.goto(write_index(tmp_path).as_uri())
        sheets = PdfDocument(page.pdf(prefer_css_page_size=True))
        texts = [sheet.get_textpage().get_text_range() for sheet in sheets]
        sheets.close()
    rows = [text for text in texts if "Client number" in text]
    assert len(rows) > 1
    assert all("Last run" in text and "Win rate" in text for text in rows)


# --- in Polish ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["polish", "standing", "dashboard", "notebook"])
def test_a_polish_company_is_told_in_polish(opened, name):
    with language("pl_PL"):
        polish = {text: say(text) for text in catalogue("pl")._catalog if isinstance(text, str) and text}
    english = {text for text, told in polish.items() if told != text and len(text) > 3} - set(TABLES)
    with opened(name) as page:
        assert page.locator("html").get_attribute("lang").split("-")[0] == "pl"
        shown = set(page.evaluate(ALL_TEXT))
        assert shown & english == set()
        assert len(shown & set(polish.values())) > 10
        assert "zł" in page.locator("main").inner_text()


# --- hostile names ------------------------------------------------------------------------------------


def test_hostile_names_are_text_everywhere(opened, site):
    for name in ("portfolio", "evil dashboard", "evil notebook"):
        with opened(name) as page:
            text = page.evaluate("document.body.textContent")
            assert SCRIPT in text
            assert page.locator("script").count() == (1 if name == "portfolio" else 0)
            if name == "evil notebook":
                assert FORMULA in text
                assert RIGHT_TO_LEFT in text
            assert "🦔" in text
            header = page.locator("header.page").bounding_box()
            assert header["height"] < WIDE["height"] / 3  # however long the company's name


def test_hostile_names_are_text_in_csv_and_xlsx(site):
    (folder,) = (site / "evil").iterdir()
    tables = [path for path in folder.rglob("*.csv") if path.name != "quarantine.csv"]
    assert len(tables) > 2
    for path in tables:
        with path.open(encoding="utf-8", newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        formulas = [cell for cell in cells if cell[:1] in ("=", "@", "\t", "\r")]
        assert formulas == [], path.name
    shutil.unpack_archive(folder / "kpis.xlsx", folder.parent.parent.parent / "unpacked", "zip")
    sheets = list((folder.parent.parent.parent / "unpacked/xl/worksheets").glob("*.xml"))
    assert sheets
    for sheet in sheets:
        tags = {element.tag.split("}")[1] for element in ElementTree.parse(sheet).iter()}
        assert "f" not in tags
