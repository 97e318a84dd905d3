"""The dashboard: its figures are the KPI table's, its rows are behind them, and nothing on it is loaded."""

import csv
import re
from pathlib import Path

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from analysis.company import Company, open_company
from analysis.facts import Facts
from analysis.glossary import KPIS
from analysis.kpi_table import identities, kpi_table
from analysis.labels import Labels
from analysis.report import drill
from analysis.report.changes import Changes, changes, earlier
from analysis.report.dashboard import gather, write_dashboard, write_page
from analysis.report.drill import RECORDS, can_drill, records
from analysis.report.files import safe, write_json, write_kpis
from analysis.report.sections import pages_of
from analysis.report.summary import summary
from analysis.tables import ledger
from analysis.texts import language
from companies import cell, make_company

ROOT = Path(__file__).parents[1]
ORDERS = """\
order_id,customer_id,ordered_at,amount,cost,channel
o1,c1,2026-01-10,100,60,search
o2,c2,2026-02-10,150,60,direct
o3,c1,2026-02-11,50,30,search
o4,c1,2026-03-10,80,40,search
o5,c3,2026-03-11,-20,,direct
"""
DEALS = """\
opportunity_id,outcome,created_at,closed_at,amount,rep_id,channel,stage
d1,won,2026-01-05,2026-02-10,1000,R1,search,
d2,lost,2026-01-06,2026-02-12,500,R2,cold,
d3,won,2026-02-05,2026-03-10,3000,R2,cold,
d4,open,2026-03-06,,700,R1,search,offer
"""
REPS = "rep_id,name,started_on\nR1,Ann,2025-01-01\nR2,Bob,2025-01-01\n"
EVIL = ["<script>alert(1)</script>", '=HYPERLINK("http://x","y")', "\u202eאבג😀", "x" * 3000]


def page_of(
    client: Company, folder: Path, kpis: pd.DataFrame | None = None, reports: Path | None = None
) -> tuple[BeautifulSoup, pd.DataFrame]:
    """The dashboard of a company, and its KPI table."""
    folder.mkdir(parents=True, exist_ok=True)
    kpis = kpi_table(client) if kpis is None else kpis
    path = write_dashboard(client, kpis, identities(client, kpis), folder, reports or folder / "none")
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser"), kpis


def said(tag) -> str:
    return plain(tag.get_text(" "))


def plain(text: str) -> str:
    return " ".join(text.split())


def tiles(page: BeautifulSoup) -> dict[str, BeautifulSoup]:
    return {said(tile.h3): tile for tile in page.select("li.tile")}


def cards(page: BeautifulSoup) -> dict[str, BeautifulSoup]:
    return {said(card.h2): card for card in page.select("article.card")}


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def acme() -> tuple[Company, pd.DataFrame]:
    client = open_company("acme", params_dir=ROOT / "params")
    return client, kpi_table(client)


@pytest.fixture(scope="module")
def shop() -> tuple[Company, pd.DataFrame]:
    client = open_company("shop", params_dir=ROOT / "params")
    return client, kpi_table(client)


# --- figures ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["acme", "shop"])
def test_every_figure_of_the_headline_is_that_of_the_kpi_table(which, request, tmp_path):
    client, kpis = request.getfixturevalue(which)
    page, _ = page_of(client, tmp_path / "report", kpis)
    labels = Labels.of(client)
    shown = page.select("li.tile")
    assert len(shown) == 10
    for tile in shown:
        rows = read(tmp_path / "report" / tile.select_one(".behind a")["href"])
        kpi = rows[0]["kpi"]
        with language(client.params.locale):
            known = {
                plain(labels.value(float(row["value"]), row["unit"], kpi)): labels.span(
                    pd.Timestamp(row["period_start"]), pd.Timestamp(row["period_end"]), row["grain"]
                )
                for row in rows
                if row["value"]
            }
        value = said(tile.select_one(".value"))
        assert value in known
        assert said(tile.select_one(".period")).startswith(known[value])
        table = kpis[(kpis["kpi"] == kpi) & (kpis["dimension"] == "")]
        assert set(float(r["value"]) for r in rows if r["value"]) <= set(table["value"].dropna())


def test_a_running_month_is_held_against_as_many_selling_days_and_never_joined_to_the_trend(shop, tmp_path):
    client, kpis = shop
    page, _ = page_of(client, tmp_path / "report", kpis)
    tile = tiles(page)["Revenue"]
    growth = cell(kpis, "sales_growth_mtd", "2026-05-01")["value"]
    assert "May 2026 so far" in said(tile.select_one(".period"))
    assert f"{growth:+.1%}" in said(tile.select_one(".change"))
    assert "as many selling days" in said(tile.select_one(".change"))
    trend, last = tile.select_one("path.trend")["d"], tile.select_one("path.open")["d"]
    assert last.removesuffix("h0").removeprefix("M").split()[0] == "97"
    assert "L97" not in trend


def test_a_part_of_a_month_is_never_compared_with_a_whole_one(shop, tmp_path):
    client, kpis = shop
    page, _ = page_of(client, tmp_path / "report", kpis)
    tile = tiles(page)["New accounts"]
    assert said(tile.select_one(".value")) == str(int(cell(kpis, "new_accounts", "2026-04-01")["value"]))
    assert "against Mar 2026" in said(tile.select_one(".change"))


def test_better_and_worse_follow_the_kpi_and_are_said_in_words_beside_the_colour(tmp_path):
    client = make_company(tmp_path, {"orders": ORDERS}, revenue_from="orders", churn={"basis": "orders"})
    page, _ = page_of(client, tmp_path / "report")
    change = tiles(page)["Revenue"].select_one(".change")
    assert "▼" in said(change)
    assert "-70.0%" in said(change)
    assert "worse" in said(change)
    assert "bad" in change["class"]


def test_a_target_stands_with_what_is_due_by_now(tmp_path):
    targets = "metric,scope,scope_id,period_start,period,target\nrevenue,company,,2026-03-01,month,2000\n"
    tables = {"opportunities": DEALS, "reps": REPS, "targets": targets}
    page, _ = page_of(make_company(tmp_path, tables), tmp_path / "report")
    target = tiles(page)["Revenue"].select_one(".target")
    assert said(target) == "150.0% of the target of €2,000"
    assert "good" in target["class"]
    battery = cards(page)["Revenue against target"]
    assert "150.0%" in said(battery)


def test_a_goal_whose_kpi_is_undefined_says_why_and_is_not_0(tmp_path):
    target = {"name": "win", "type": "kpi", "kpi": "open_rate", "grain": "month", "end": 0.5}
    goals = [{"name": "Mail", "targets": [target]}]
    client = make_company(tmp_path, {"opportunities": DEALS, "reps": REPS}, goals=goals)
    page, _ = page_of(client, tmp_path / "report")
    item = cards(page)["Goals"].select_one("li")
    assert "0" not in said(item).replace("0 of", "")
    assert "the company has no such table" in said(item)
    assert item.select_one("rect.charge") is None


# --- layout -----------------------------------------------------------------------------------------------


def test_a_company_with_orders_alone_has_a_full_screen_and_one_line_of_what_is_missing(tmp_path):
    client = make_company(tmp_path, {"orders": ORDERS}, revenue_from="orders", churn={"basis": "orders"})
    page, _ = page_of(client, tmp_path / "report")
    assert {"Revenue", "Gross margin"} <= set(tiles(page))
    assert {"Revenue", "Revenue by channel", "What changed revenue by cause"} <= set(cards(page))
    lines = [said(line) for line in page.select("details.missing li")]
    assert any("opportunities" in line and "win rate" in line for line in lines)
    assert "win_rate" not in [Path(a["href"]).stem for a in page.select("a[href^=rows]")]


def test_a_company_with_deals_alone_has_those_of_deals(tmp_path):
    page, _ = page_of(make_company(tmp_path, {"opportunities": DEALS, "reps": REPS}), tmp_path / "report")
    assert {"Revenue", "Sales per rep", "Win rate", "Open pipeline"} <= set(tiles(page))
    assert {"Revenue", "Revenue by salesperson"} <= set(cards(page))


def test_the_params_say_what_stands_where(tmp_path):
    dashboard = [
        {"widget": "calculation", "kpi": "revenue", "calculation": "sum", "last": 3, "title": "This year"},
        {"widget": "tile", "kpi": "won_deals"},
        {"widget": "line", "kpi": "win_rate", "by": "rep"},
        {"widget": "table", "kpi": "revenue", "by": "rep"},
        {"widget": "bar", "kpi": "churn_rate", "by": "segment"},
        {"widget": "pie", "kpi": "revenue", "by": "rep", "grain": "quarter"},
    ]
    tables = {"opportunities": DEALS, "reps": REPS}
    page, _ = page_of(make_company(tmp_path, tables, dashboard=dashboard), tmp_path / "report")
    assert list(tiles(page)) == ["Deals won"]
    assert [said(card.h2) for card in page.select("article.card")] == [
        "This year", "Win rate by salesperson", "Revenue by salesperson", "Revenue by salesperson"
    ]  # fmt: skip
    assert said(cards(page)["This year"].select_one(".figure")) == "€4,000"
    assert any("subscriptions" in said(line) for line in page.select("details.missing li"))
    parts = [said(part) for part in page.select(".ring li")]
    assert parts == ["Bob 75.0%", "Ann 25.0%"]


@pytest.mark.parametrize("which", ["acme", "shop"])
def test_every_chart_has_its_numbers_and_its_rows(which, request, tmp_path):
    client, kpis = request.getfixturevalue(which)
    page, _ = page_of(client, tmp_path / "report", kpis)
    for card in page.select("article.card"):
        assert card.select("details table") or "table" in card["class"]
        assert card.select_one("footer .behind a")["href"].startswith("rows/")
    for link in page.select("a[href^=rows]"):
        assert read(tmp_path / "report" / link["href"])


# --- the page ---------------------------------------------------------------------------------------------


def test_a_count_of_a_few_has_whole_ticks(tmp_path):
    tables = {"opportunities": DEALS, "reps": REPS}
    dashboard = [{"widget": kind, "kpi": "won_deals"} for kind in ("line", "bar")]
    page, _ = page_of(make_company(tmp_path, tables, dashboard=dashboard), tmp_path / "report")
    assert [said(up) for up in page.select(".plot .up")] == ["0 1", "0 1"]


def test_head_and_foot_name_the_same_day_and_a_change_says_what_it_is_held_against(tmp_path):
    client = make_company(tmp_path, {"opportunities": DEALS, "reps": REPS}, locale="pl_PL")
    page, _ = page_of(client, tmp_path / "report")
    days = [said(day) for day in page.select("header.page .day, footer.page p")]
    assert days == ["Stan na 31 marca 2026", "Test Company · Stan na 31 marca 2026"]
    assert "wobec: lut 2026" in {said(tag) for tag in page.select(".tile .against")}


def test_a_rate_says_of_how_many_cases_it_is_and_a_count_does_not(tmp_path):
    dashboard = [{"widget": "tile", "kpi": kpi} for kpi in ("win_rate", "won_deals", "revenue")]
    tables = {"opportunities": DEALS, "reps": REPS}
    page, kpis = page_of(make_company(tmp_path, tables, dashboard=dashboard), tmp_path / "report")
    assert cell(kpis, "won_deals", "2026-03-01")["n"] == 1
    assert ["n = 1" in said(tile) for tile in tiles(page).values()] == [True, False, False]
    assert ["Records (1)" in said(tile) for tile in tiles(page).values()] == [False, True, True]


def test_the_page_loads_and_runs_nothing_and_is_small(acme, tmp_path):
    client, kpis = acme
    page, _ = page_of(client, tmp_path / "report", kpis)
    text = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert len(text) < 1_500_000
    policy = page.select_one("meta[http-equiv]")["content"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; ")
    assert not re.search(r"<script|@import|url\(|<link|<iframe| src=| on\w+=", text)
    assert not re.search(r'href="(https?:|//)', text)


def test_it_speaks_to_those_who_do_not_see_it(acme, tmp_path):
    client, kpis = acme
    page, _ = page_of(client, tmp_path / "report", kpis)
    assert page.html["lang"] == "pl-PL"
    assert [len(page.select(name)) for name in ("main", "nav", "h1", "header.page", "footer.page")] == [1] * 5
    for drawn in page.select("svg"):
        assert drawn.get("aria-hidden") == "true" or (drawn["role"] == "img" and drawn["aria-label"])
    ids = [tag["id"] for tag in page.select("[id]")]
    assert len(ids) == len(set(ids))
    assert all(tag["aria-labelledby"] in ids for tag in page.select("[aria-labelledby]"))
    assert all(region["tabindex"] == "0" and region["aria-label"] for region in page.select("div.table"))
    names = [a.get("aria-label") or said(a) for a in page.select("main a")]
    assert len(names) == len(set(names)) or all(names)


def test_evil_names_are_shown_as_text(tmp_path):
    lines = [
        f'd{n},won,2026-01-05,2026-03-{10 + n},{1000 + n},R{n},"{name.replace(chr(34), chr(34) * 2)}",'
        for n, name in enumerate(EVIL)
    ]
    deals = DEALS.splitlines()[0] + "\n" + "\n".join(lines) + "\n"
    reps = "rep_id,name\n" + "\n".join(
        f'R{n},"{name.replace(chr(34), chr(34) * 2)}"' for n, name in enumerate(EVIL)
    )
    dashboard = [
        {"widget": kind, "kpi": "revenue", "by": by}
        for kind in ("line", "bar", "pie", "table")
        for by in ("rep", "channel")
    ]
    client = make_company(tmp_path, {"opportunities": deals, "reps": reps}, name="evil", dashboard=dashboard)
    page, _ = page_of(client, tmp_path / "report")
    text = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert len(text) < 300_000
    assert len(page.select("article.card")) == 8
    found = [row for path in (tmp_path / "report" / "rows").iterdir() for row in read(path)]
    texts = [value for row in found for value in row.values() if value and not re.match(r"-?[\d.]+$", value)]
    assert any(value.startswith("'=HYPERLINK") for value in texts)
    assert not [value for value in texts if value.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_pseudonyms_hide_the_people_in_every_file(tmp_path):
    tables = {"opportunities": DEALS, "reps": REPS.replace("Ann", "Anna Zweig").replace("Bob", "Bert Kohl")}
    client = make_company(tmp_path, tables, people="pseudonyms")
    page_of(client, tmp_path / "report")
    for path in (tmp_path / "report").rglob("*.*"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"Anna Zweig|Bert Kohl|\bR[12]\b", text), path.name


def test_a_formula_is_text_in_a_spreadsheet_and_a_number_stays_one():
    frame = pd.DataFrame({"name": ["=1+1", "@x", "\ty", "plain", None], "value": [-1.0, 2, 3, 4, 5]})
    assert safe(frame)["name"].tolist()[:4] == ["'=1+1", "'@x", "'\ty", "plain"]
    assert safe(frame)["value"].tolist() == [-1.0, 2, 3, 4, 5]


# --- links ------------------------------------------------------------------------------------------------

SECTION = """<nav class="reports"><ul><li><a href="index.html">Dashboard</a></li>
<li><a href="growth.html">Growth &amp; more</a></li></ul></nav>
<h2 id="how-much">How much?</h2><dl><dt>Revenue <code>revenue</code></dt></dl>
<h2 id="how-many">How many?</h2><dl><dt>Deals won <code>won_deals</code></dt></dl>"""


def test_links_lead_to_the_section_that_defines_the_kpi(tmp_path):
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "growth.html").write_text(SECTION, encoding="utf-8")
    page, _ = page_of(make_company(tmp_path, {"opportunities": DEALS, "reps": REPS}), tmp_path / "report")
    links = [a["href"] for a in tiles(page)["Revenue"].select("a")]
    assert links[-1] == "growth.html#how-much"
    assert said(page.select("nav.reports a")[1]) == "Growth & more"


def test_no_link_of_the_page_is_dead(acme, tmp_path):
    client, kpis = acme
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "growth.html").write_text(SECTION, encoding="utf-8")
    for name in ("quarantine.csv", "kpis.csv", "kpis.parquet", "kpis.xlsx"):
        (tmp_path / "report" / name).touch()
    page, _ = page_of(client, tmp_path / "report", kpis)
    for link in page.select("a[href]"):
        name, _, at = link["href"].partition("#")
        if name == "../../index.html":
            continue
        target = tmp_path / "report" / (name or "index.html")
        assert target.is_file(), link
        if at:
            assert BeautifulSoup(target.read_text(encoding="utf-8"), "html.parser").find(id=at), link


def test_without_pages_there_are_no_sections(tmp_path):
    assert pages_of(tmp_path).links == ()
    assert pages_of(tmp_path).section("revenue") == ""


# --- drill-down -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["acme", "shop"])
def test_the_records_sum_to_the_number_in_every_grain(which, request):
    client, kpis = request.getfixturevalue(which)
    facts = Facts(client)
    checked = []
    for kpi in RECORDS:
        rows = kpis[(kpis["kpi"] == kpi) & (kpis["dimension"] == "") & kpis["value"].notna()]
        for _, found in rows.groupby("grain"):
            row = found.iloc[-1]
            behind = records(facts, kpi, (row["period_start"], row["period_end"]))
            assert behind.total == pytest.approx(row["value"], abs=0.005), (kpi, row["grain"])
            assert behind.count == len(behind.frame)
            checked.append(kpi)
    assert {"revenue", "new_accounts", "emails_delivered", "customers_closing"} <= set(checked)


def test_the_records_of_a_salesperson_sum_to_that_person_s_figure(acme):
    client, kpis = acme
    june = pd.Timestamp("2026-06-01"), pd.Timestamp("2026-07-01")
    found = records(Facts(client), "revenue", june).frame
    each = found.assign(counted=found["counted"].astype(float)).groupby("rep")["counted"].sum()
    for rep, value in each.items():
        row = cell(kpis, "revenue", "2026-06-01", dimension="rep", member=rep)
        assert value == pytest.approx(row["value"])


def test_a_past_period_has_the_records_of_its_own_days(tmp_path):
    client = make_company(tmp_path, {"opportunities": DEALS, "reps": REPS})
    facts = Facts(client)
    first, second = (pd.Timestamp(day) for day in ("2026-02-01", "2026-03-01"))
    won = records(facts, "won_deals", (first, second)).frame
    assert won["opportunity_id"].tolist() == ["d1"]
    waiting = records(facts, "open_pipeline", (first, second))
    assert waiting.frame["opportunity_id"].tolist() == ["d3"]
    assert waiting.total == 3000


@pytest.mark.parametrize("which", ["acme", "shop"])
def test_the_records_of_several_periods_sum_to_the_sum_of_their_figures(which, request):
    client, kpis = request.getfixturevalue(which)
    facts, checked = Facts(client), set()
    for kpi in RECORDS:
        rows = kpis[(kpis["kpi"] == kpi) & (kpis["grain"] == "month") & (kpis["dimension"] == "")]
        rows = rows[rows["value"].notna()]
        for found in (rows.tail(6), rows.iloc[[0, -1]] if len(rows) > 2 else rows[:0]):
            if len(found):
                behind = records(facts, kpi, *zip(found["period_start"], found["period_end"], strict=True))
                assert behind.total == pytest.approx(found["value"].sum(), abs=0.01), kpi
                assert behind.count >= len(behind.frame)
                checked.add(kpi)
    assert {"revenue", "customers_new", "customers_closing"} <= checked


def test_a_calculation_has_the_numbers_and_the_records_it_is_made_of(tmp_path):
    orders = ORDERS + "o6,c1,2026-04-02,999,1,search\n"
    dashboard = [
        {"widget": "calculation", "kpi": "revenue", "calculation": "sum", "last": 2, "title": "Both"},
        {"widget": "calculation", "kpi": "revenue", "calculation": "change", "last": 3, "title": "Step"},
        {"widget": "calculation", "kpi": "revenue", "by": "channel", "calculation": "sum", "title": "Parts"},
    ]
    more = {"as_of": "2026-04-10", "revenue_from": "orders", "churn": {"basis": "orders"}}
    client = make_company(tmp_path, {"orders": orders}, dashboard=dashboard, **more)
    page, _ = page_of(client, tmp_path / "report")
    shown = cards(page)

    def behind(name: str) -> tuple[str, list[list[str]], float, str]:
        card = shown[name]
        body = [[said(cell) for cell in row.select("th, td")][:2] for row in card.select("details tbody tr")]
        link = card.find("a", href=re.compile("-records"))
        counted = sum(float(row["counted"]) for row in read(tmp_path / "report" / link["href"]))
        return said(card.select_one(".figure")), body, counted, said(link)

    assert behind("Both") == ("€260", [["Feb 2026", "€200"], ["Mar 2026", "€60.00"]], 260, "Records (4)")
    figure, body, _, link = behind("Step")
    assert (figure, body, link) == ("-40.0%", [["Jan 2026", "€100"], ["Mar 2026", "€60.00"]], "Records (3)")
    assert said(shown["Step"].select_one(".of")) == "Mar 2026 against Jan 2026"
    figure, body, counted, _ = behind("Parts")
    assert (figure, body, counted) == ("€60.00", [["direct", "-€20.00"], ["search", "€80.00"]], 60)


def test_records_of_one_period_beside_a_chart_of_several_name_it(tmp_path):
    dashboard = [
        {"widget": "line", "kpi": "revenue"},
        {"widget": "bar", "kpi": "won_deals"},
        {"widget": "bar", "kpi": "revenue", "by": "rep"},
    ]
    tables = {"opportunities": DEALS, "reps": REPS}
    page, _ = page_of(make_company(tmp_path, tables, dashboard=dashboard), tmp_path / "report")
    links = [said(link) for link in page.select("article.card a[href*=-records]")]
    assert links == ["Records, Mar 2026 (1)", "Records, Mar 2026 (1)", "Records (1)"]


def test_a_long_file_is_cut_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(drill, "MOST", 2)
    client = make_company(tmp_path, {"orders": ORDERS}, revenue_from="orders", churn={"basis": "orders"})
    start, end = pd.Timestamp("2026-01-01"), pd.Timestamp("2027-01-01")
    found = records(Facts(client), "revenue", (start, end))
    assert (len(found.frame), found.count, found.total, found.is_cut) == (2, 5, 360.0, True)


def test_only_what_counts_records_can_be_opened():
    assert can_drill("revenue")
    assert not can_drill("win_rate")
    assert set(RECORDS) <= set(KPIS)


# --- what has changed -------------------------------------------------------------------------------------


def news(folder: Path, tables: dict, **params) -> Changes:
    """What has changed since the report in `folder`/reports/tiny/2026-02-28."""
    client = make_company(folder, tables, **params)
    kpis = kpi_table(client)
    labels = Labels.of(client)
    before = earlier(folder / "reports", "tiny", client.as_of)
    background = gather(client, kpis, identities(client, kpis), folder)
    parts = {str(kpi): found for kpi, found in kpis.groupby("kpi")}
    ids = ("revenue", "win_rate", "attainment_revenue")
    bad = int(client.ledger["quarantined"].sum())
    return changes(parts, labels, before, ids, background.standings, bad, background.broken)


def report(folder: Path, tables: dict, status: str = "ok", day: str = "2026-02-28", **params) -> None:
    """A report of an earlier day, as the batch leaves it."""
    place = folder / "reports" / "tiny" / day
    place.mkdir(parents=True)
    client = make_company(folder / f"then-{day}", tables, as_of=day, **params)
    write_kpis(kpi_table(client), place)
    write_json(place / "run.json", {"status": status, "quarantined_rows": 0})


TABLES = {"opportunities": DEALS, "reps": REPS}


def test_the_first_report_says_that_it_is(tmp_path):
    assert news(tmp_path, TABLES) == Changes(None, ())
    page, _ = page_of(make_company(tmp_path, TABLES), tmp_path / "report")
    assert "This is the first report." in said(page.select_one(".news"))


def test_a_material_step_is_one_sentence_and_chance_is_none(tmp_path):
    report(tmp_path, TABLES)
    found = news(tmp_path, TABLES)
    assert str(found.since) == "2026-02-28"
    assert found.sentences == ("Revenue has risen to €3,000 in Mar 2026 from €1,000 in Feb 2026.",)


def test_a_figure_that_was_another_one_is_named_as_restated(tmp_path):
    report(tmp_path, TABLES | {"opportunities": DEALS.replace("1000,R1", "1100,R1")})
    found = news(tmp_path, TABLES)
    assert "Restated: Revenue of Feb 2026 was €1,100 in the last report and is €1,000." in found.sentences


def test_a_threshold_crossed_is_said_with_the_threshold(tmp_path):
    targets = "metric,scope,scope_id,period_start,period,target\n" + "".join(
        f"revenue,company,,2026-0{month}-01,month,2000\n" for month in (2, 3)
    )
    report(tmp_path, TABLES | {"targets": targets})
    found = news(tmp_path, TABLES | {"targets": targets})
    sentence = "Revenue against target has risen above 100.0%: 150.0% in Mar 2026, 50.0% in Feb 2026."
    assert sentence in found.sentences


def test_new_rows_in_quarantine_are_told(tmp_path):
    report(tmp_path, TABLES)
    found = news(tmp_path, TABLES | {"opportunities": DEALS + "d9,Won!,2026-01-01,,1,R1,search,\n"})
    assert "1 more row of the data is in quarantine." in found.sentences


def test_a_goal_that_falls_behind_is_told(tmp_path):
    goals = [
        {
            "name": "Grow", "start_on": "2026-01-01", "due_on": "2026-04-10",
            "targets": [{"name": "n", "type": "number", "end": 100, "current": 60}],
        }
    ]  # fmt: skip
    report(tmp_path, TABLES, goals=goals)
    found = news(tmp_path, TABLES, goals=goals)
    assert "The goal “Grow”: behind (60.0%), before: on track (60.0%)." in found.sentences


def test_a_failed_report_and_one_of_the_same_day_are_no_base(tmp_path):
    report(tmp_path, TABLES, status="failed")
    report(tmp_path, TABLES, day="2026-03-31")
    assert news(tmp_path, TABLES).since is None


def test_a_report_that_cannot_be_read_hides_nothing(tmp_path):
    place = tmp_path / "reports" / "tiny" / "2026-02-28"
    place.mkdir(parents=True)
    (place / "run.json").write_text("{", encoding="utf-8")
    assert news(tmp_path, TABLES).since is None


# --- the data ---------------------------------------------------------------------------------------------


def test_the_data_s_freshness_and_faults_stand_on_the_page(tmp_path):
    tables = TABLES | {
        "opportunities": DEALS + "d9,Won!,2026-01-01,,1,R1,search,\n",
        "leads": "lead_id,created_at\nl1,2025-11-03\n",
    }
    page, _ = page_of(make_company(tmp_path, tables), tmp_path / "report")
    data = page.select_one("section.data")
    assert "Data up to Mar 10, 2026. 8 rows read from 3 tables." in said(data)
    assert data.find("a", href="quarantine.csv").get_text() == "1 row is in quarantine."
    assert said(data.select_one(".warn")) == "Nothing new in leads since Nov 3, 2025."


def test_rows_read_are_those_of_the_source_everywhere(tmp_path):
    client = make_company(tmp_path, {"orders": ORDERS}, revenue_from="orders", churn={"basis": "orders"})
    page, kpis = page_of(client, tmp_path / "report")
    assert "5 rows read from 1 table." in said(page.select_one("section.data"))
    lines = [[said(cell) for cell in row.select("th, td")] for row in page.select("table.ledger tbody tr")]
    assert {line[0]: line[2:] for line in lines} == {"orders": ["5", "0", "5"], "customers": ["–", "–", "3"]}
    assert summary(client, kpis, identities(client, kpis))["rows_read"] == 5
    text = ledger(client, Labels.of(client)).text
    assert text == "5 rows read from 1 table, 5 of them used; 0 were faulty and set aside."


def test_the_same_data_give_the_same_files(tmp_path):
    client = make_company(tmp_path, TABLES)
    kpis = kpi_table(client)
    written = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        background = gather(client, kpis, identities(client, kpis), tmp_path / name)
        write_page(background, kpis, tmp_path / name, tmp_path / "reports")
        written.append({p.name: p.read_bytes() for p in (tmp_path / name).rglob("*.*")})
    assert written[0] == written[1]
