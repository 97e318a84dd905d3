"""The portfolio: what it shows of each company, what it says of failed runs, how large it gets."""

import json
import re
import runpy
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from analysis.glossary import COUNT, KPIS, MONEY, unit_of
from analysis.kpi_table import identities, kpi_table
from analysis.labels import Labels
from analysis.report.files import RECORD, write_json
from analysis.report.index import EARLIER, entries, shared_locale, write_index
from analysis.report.summary import LAST, LONGEST_NAME, SHOWN, SUMMARY, one, summary, write_summary
from companies import make_company

DEALS = """
    opportunity_id,outcome,created_at,closed_at,amount,rep_id,customer_id
    1,won,2026-01-05,2026-01-20,100.50,zoe,C1
    2,won,2026-01-07,2026-02-11,201,zoe,C1
    3,lost,2026-01-07,2026-02-12,50,adam,C2
    4,won,2026-03-01,2026-03-05,67,adam,C2
"""
BAD_ROW = "    5,perhaps,2026-03-01,2026-03-06,67,adam,C2\n"
EVIL = ["<script>alert(1)</script>", '=HYPERLINK("http://x")', "x" * 3000, "שלום עולם", "🦔 & <b>", "a\nb"]


def report(folder: Path, day: str, name: str = "Ann <b>", **content) -> Path:
    """A report folder with a record, and a summary where `content` says what else it holds."""
    place = folder / day
    place.mkdir(parents=True)
    write_json(place / RECORD, {"name": name, "notebooks": [{"title": "T", "html": "sales.html"}]})
    if content:
        kpis = {kpi: {"value": None, "status": "undefined", "reason": "missing_table"} for kpi in SHOWN}
        base = {"name": name, "currency": "EUR", "locale": "en_GB", "data_to": day}
        base |= {"rows_read": 10, "quarantined": 0, "kpis": kpis | content.pop("kpis", {})}
        write_json(place / SUMMARY, base | content)
    return place


def failed(reports: Path, company: str, **record) -> None:
    place = reports / ".failed" / company
    place.mkdir(parents=True)
    write_json(place / RECORD, record)


def page(reports: Path, locale: str = "") -> BeautifulSoup:
    return BeautifulSoup(write_index(reports, locale).read_text(encoding="utf-8"), "html.parser")


def companies(soup: BeautifulSoup) -> list:
    return soup.select("#companies tbody tr")


@pytest.fixture
def told(tmp_path):
    """A small company, its KPI table and its summary."""
    client = make_company(
        tmp_path, {"opportunities": DEALS + BAD_ROW}, locale="pl_PL", currency="PLN", history_months=24
    )
    kpis = kpi_table(client)
    return client, kpis, summary(client, kpis, identities(client, kpis))


# --- the summary --------------------------------------------------------------------------------------


def test_a_summary_holds_the_latest_figure_its_text_and_the_change(told):
    revenue = told[2]["kpis"]["revenue"]
    assert revenue["value"] == 67
    assert revenue["text"] == "67,00\xa0zł"
    assert (revenue["unit"], revenue["status"], revenue["start"]) == ("PLN", "ok", "2026-03-01")
    assert revenue["change"] == "-66,7%"  # 67 after 201
    assert revenue["trend"] == "worse"
    assert revenue["series"] == [100.5, 201, 67]


def test_a_summary_says_why_there_is_no_figure(told):
    assert told[2]["kpis"]["new_leads"]["value"] is None
    assert told[2]["kpis"]["new_leads"]["reason"] == "missing_table"
    assert told[2]["kpis"]["new_leads"]["status"] == "undefined"


def test_a_summary_tells_how_far_the_data_reach_and_what_was_set_aside(told):
    assert told[2]["data_to"] == "2026-03-05"
    assert (told[2]["rows_read"], told[2]["quarantined"]) == (5, 1)
    assert told[2]["identities"]["checked"] > 0
    assert told[2]["identities"]["broken"] == 0


def test_the_interval_of_a_rate_goes_with_it_and_an_overlap_is_no_change(told):
    rate = told[2]["kpis"]["win_rate"]
    assert rate["value"] == 1
    assert 0 < rate["low"] < rate["high"] <= 1
    assert rate["trend"] == "unclear"  # 1 of 1 after 1 of 2


def test_a_summary_names_nobody(told):
    text = json.dumps(told[2], ensure_ascii=False)
    assert not any(name in text for name in ("zoe", "adam", "C1"))


def test_a_trend_has_the_last_complete_periods_and_no_running_one():
    months = pd.date_range("2025-01-01", periods=15, freq="MS")
    kpis = pd.DataFrame(
        {
            "kpi": "revenue", "grain": "month", "dimension": "", "member": "", "unit": "EUR",
            "period_start": months, "period_end": months + pd.offsets.MonthBegin(1),
            "value": range(100, 115), "status": ["ok"] * 14 + ["provisional"], "reason": "",
            "n": 30.0, "low": float("nan"), "high": float("nan"),
        }
    )  # fmt: skip
    labels = Labels("en_US", "EUR", pd.Timestamp("2026-03-10").date())
    found = one(kpis, labels, "revenue")
    assert (found["value"], found["start"]) == (113, "2026-02-01")
    assert found["series"] == list(range(102, 114))
    assert len(found["series"]) == LAST


def test_the_largest_summary_is_under_4_kb(tmp_path, told):
    client, kpis, _ = told
    name = "🦔" * 3000
    client = make_company(tmp_path / "evil", {"opportunities": DEALS}, name="evil", locale="ar_EG")
    client = type(client)(**{**vars(client), "params": client.params.model_copy(update={"name": name})})
    months = pd.date_range("2024-10-01", periods=18, freq="MS")
    wide = pd.DataFrame(
        [
            ("evil", kpi, "month", start, start + pd.offsets.MonthBegin(1), "", "", -1.23456789012 * size,
             unit_of(KPIS[kpi], "IDR"), "ok", "", 1.0, 1.0, 1234567, -1.2345678 * size, 1.2345678 * size)
            for kpi in SHOWN for start in months
            for size in (1e9 if KPIS[kpi].unit == MONEY else 1e7 if KPIS[kpi].unit == COUNT else 0.1,)
        ],
        columns=kpis.columns,
    )  # fmt: skip
    path = write_summary(client, wide, identities(client, kpis), tmp_path)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert len(content["name"]) == LONGEST_NAME
    assert all(len(figures["series"]) == LAST for figures in content["kpis"].values())
    assert path.stat().st_size <= 4096


# --- what the page shows ------------------------------------------------------------------------------


def test_a_row_shows_value_change_and_word(tmp_path, told):
    report(tmp_path / "reports" / "tiny", "2026-03-31", **told[2])
    (row,) = companies(page(tmp_path / "reports", "en_GB"))
    revenue = row.select("td")[1]
    assert revenue.select_one("b").text == "67,00\xa0zł"
    assert revenue.select_one("small.worse").text == "-66,7% worse"
    assert revenue["data-v"] == "67"
    assert revenue.select_one("svg path")["d"] == "M0 10L30 0 60 14"  # 100.5, 201, 67 between 67 and 201
    leads = row.select("td")[5]
    assert (leads["data-v"], leads["class"], leads.text) == ("", ["undefined"], "a table is missing")


def test_few_cases_and_running_periods_are_told_in_words(tmp_path):
    small = {"value": 0.5, "text": "50 %", "status": "small_n", "reason": "", "series": [1]}
    small |= {"grain": "month", "start": "2026-02-01"}
    moving = {**small, "status": "provisional"}
    report(tmp_path / "ann", "2026-03-31", kpis={"win_rate": small, "churn_rate": moving})
    (row,) = companies(page(tmp_path))
    assert "few cases" in row.select_one("td.small_n").text
    assert "provisional" in row.select_one("td.provisional").text
    assert row["data-s"] == "few"


def test_a_period_is_told_in_the_pages_language_and_only_where_it_is_another(tmp_path, told):
    report(tmp_path / "reports" / "tiny", "2026-03-31", **told[2])
    (row,) = companies(page(tmp_path / "reports", "en_US"))
    assert row.select_one("th small").text == "Mar 31, 2026 · Mar 2026"
    assert told[2]["kpis"]["revenue"]["period"] == "mar 2026"
    assert "2026" not in row.select("td")[1].text
    content = json.loads(json.dumps(told[2]))
    content["kpis"]["win_rate"]["start"] = "2026-02-01"
    report(tmp_path / "other" / "tiny", "2026-03-31", **content)
    (row,) = companies(page(tmp_path / "other", "en_US"))
    assert row.select("td")[4].select("small")[-1].text == "Feb 2026"


def test_the_newest_report_is_shown_and_earlier_ones_are_linked(tmp_path):
    days = [f"2026-03-{day:02d}" for day in range(1, 12)]
    for day in days:
        report(tmp_path / "ann", day)
    (entry,) = entries(tmp_path)
    assert (entry.as_of, entry.href) == ("2026-03-11", "ann/2026-03-11/sales.html")
    assert [link.title for link in entry.earlier] == days[-2 : -2 - EARLIER : -1]
    assert entry.more == len(days) - 1 - EARLIER


def test_a_company_links_its_dashboard_where_there_is_one(tmp_path):
    place = report(tmp_path / "ann", "2026-03-31")
    (place / "index.html").touch()
    (entry,) = entries(tmp_path)
    assert entry.href == "ann/2026-03-31/index.html"


def test_a_report_without_a_summary_is_still_listed(tmp_path):
    report(tmp_path / "ann", "2026-03-31")
    (row,) = companies(page(tmp_path))
    assert row.select_one("th a").text == "Ann <b>"
    assert row.select("td")[1].text == "not in this report"


def test_a_damaged_record_hides_no_other_report(tmp_path):
    report(tmp_path / "ann", "2026-02-28")
    for name in (RECORD, SUMMARY):
        (report(tmp_path / "ann", "2026-03-31") if name == RECORD else tmp_path / "ann/2026-03-31").joinpath(
            name
        ).write_text('{"name": ', encoding="utf-8")
    report(tmp_path / "bob", "2026-03-31", name="Bob")
    assert [(e.company, e.as_of) for e in entries(tmp_path)] == [("ann", "2026-02-28"), ("bob", "2026-03-31")]


def test_a_failed_run_is_told_with_its_cause_and_the_age_of_the_last_good_report(tmp_path):
    report(tmp_path / "ann", "2026-02-28", locale="en_GB")
    failed(tmp_path, "ann", name="Ann", as_of="2026-03-31", cause="leads.ipynb: <no>")
    (row,) = companies(page(tmp_path))
    assert row["data-s"].split()[0] == "failed"
    assert row.select_one("pre.cause").text == "leads.ipynb: <no>"
    assert "last good report 31 days older" in row.text
    assert row.select_one("th a")["href"] == "ann/2026-02-28/sales.html"


def test_a_run_that_failed_before_it_had_a_day_is_aged_by_the_pages_newest_day(tmp_path):
    report(tmp_path / "ann", "2026-03-30")
    report(tmp_path / "bob", "2026-03-31")
    failed(tmp_path, "ann", cause="params/ann.yaml:3: no")
    assert "last good report 1 day older" in companies(page(tmp_path))[0].text


def test_a_company_that_never_had_a_report_is_told_with_its_cause(tmp_path):
    failed(tmp_path, "ann", cause="params/ann.yaml:3: <no>")
    (row,) = companies(page(tmp_path))
    assert row.select_one("pre.cause").text == "params/ann.yaml:3: <no>"
    assert "there is no earlier report" in row.text


@pytest.mark.parametrize(("data_to", "states"), [("2026-02-28", ""), ("2026-02-27", "stale"), ("", "stale")])
def test_data_are_old_from_the_32nd_day_before_the_newest_report_on(tmp_path, data_to, states):
    report(tmp_path / "ann", "2026-02-28", data_to=data_to)
    report(tmp_path / "bob", "2026-03-31", locale="en_GB")
    assert companies(page(tmp_path))[0]["data-s"] == states


def test_an_empty_folder_says_how_to_fill_it(tmp_path):
    assert "kpi run --all" in write_index(tmp_path).read_text(encoding="utf-8")


# --- language and safety ------------------------------------------------------------------------------


def test_the_page_is_in_the_language_that_all_companies_share(tmp_path):
    report(tmp_path / "ann", "2026-03-31", locale="pl_PL")
    assert shared_locale(entries(tmp_path)) == "pl_PL"
    assert "31 mar 2026" in companies(page(tmp_path))[0].text
    assert page(tmp_path).html["lang"] == "pl"
    report(tmp_path / "bob", "2026-03-31", locale="en_GB")
    assert shared_locale(entries(tmp_path)) == "en"
    assert page(tmp_path).html["lang"] == "en"
    assert page(tmp_path, "pl_PL").html["lang"] == "pl"


@pytest.mark.parametrize("name", EVIL)
def test_a_name_is_text_whatever_it_holds(tmp_path, name):
    report(tmp_path / "ann", "2026-03-31", name=name, locale="en_GB")
    failed(tmp_path, "ann", name=name, cause=name)
    soup = page(tmp_path)
    shown = soup.select_one("th bdi").text
    assert shown.rstrip("…") == " ".join(name.split())[: len(shown.rstrip("…"))]
    assert len(shown) <= LONGEST_NAME
    assert len(soup.find_all("script")) == 1
    assert not soup.select("th b")
    assert len(companies(soup)) == 1


def test_only_the_pages_own_script_may_run_and_nothing_is_loaded(tmp_path):
    report(tmp_path / "ann", "2026-03-31", locale="en_GB")
    text = write_index(tmp_path).read_text(encoding="utf-8")
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    policy = BeautifulSoup(text, "html.parser").select_one("[http-equiv]")["content"]
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy.replace("style-src 'unsafe-inline'", "")
    assert not re.search(r"""\s(?:src|srcset|on\w+)=|@import|url\(|<link|https?:""", text)


def test_the_page_of_500_companies_is_under_2_mb(project, tmp_path):
    runpy.run_path(str(project / "benchmarks" / "portfolio.py"))["write_reports"](tmp_path, 500)
    path = write_index(tmp_path)
    soup = path.read_text(encoding="utf-8")
    assert soup.count('<tr role="row" data-s') == 500
    assert soup.count("<svg") == 500 * len(SHOWN)
    assert path.stat().st_size < 2_000_000
