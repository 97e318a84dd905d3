"""The portfolio of 500 companies: the size of its page, how long writing it and opening it takes.

    python benchmarks/portfolio.py [--companies 500] [--runs 5] [--keep FOLDER]

Every company has all nine KPIs with their last twelve periods, three earlier reports, and one in twenty has
failed. Opening is in Chromium, from the request to the first frame after everything is laid out and the
script has run; sorting from the click to the frame after it.
"""

import argparse
import json
import shutil
import statistics
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, sync_playwright

from analysis.glossary import KPIS, RATIO, unit_of
from analysis.labels import Labels
from analysis.report.index import TRENDS, write_index
from analysis.report.summary import LAST, SHOWN, SUMMARY

AS_OF = date(2026, 6, 30)
PLACES = (("pl_PL", "PLN"), ("en_US", "USD"), ("en_IE", "EUR"), ("de_DE", "EUR"))
CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")
OPENED = (
    """() => new Promise(done => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))"""
)
SORTED = """() => new Promise(done => {
  const start = performance.now();
  document.querySelectorAll("#companies thead button")[2].click();
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
})"""


def write_reports(folder: Path, companies: int, seed: int = 7, earlier: int = 3) -> None:
    """Report folders with generated summaries, and the records of failed runs."""
    rng = np.random.default_rng(seed)
    for number in range(companies):
        company, name = f"client_{number:03d}", f"Client number {number} of somewhere"
        for month in range(6 - earlier, 7):
            place = folder / company / date(2026, month, 28).isoformat()
            place.mkdir(parents=True)
            (place / "index.html").write_text("<!DOCTYPE html><title>A dashboard</title>", encoding="utf-8")
            (place / "run.json").write_text(json.dumps({"name": name, "status": "ok"}), encoding="utf-8")
        content = {"company": company, "name": name, **_summary(rng, number)}
        (place / SUMMARY).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        if number % 20 == 7:
            failed = folder / ".failed" / company
            failed.mkdir(parents=True)
            record = {"name": name, "as_of": AS_OF.isoformat(), "cause": "leads.ipynb, cell [4]: no\n" * 8}
            (failed / "run.json").write_text(json.dumps(record), encoding="utf-8")


def _summary(rng: np.random.Generator, number: int) -> dict:
    locale, currency = PLACES[number % len(PLACES)]
    labels = Labels(locale, currency, AS_OF)
    return {
        "as_of": "2026-06-28",
        "currency": currency,
        "locale": locale,
        "data_to": "2026-06-28",
        "rows_read": int(rng.integers(1000, 90000)),
        "quarantined": int(rng.integers(0, 90)),
        "identities": {"checked": 2000, "broken": 0},
        "kpis": {kpi: _figures(rng, labels, kpi) for kpi in SHOWN},
    }


def _figures(rng: np.random.Generator, labels: Labels, kpi: str) -> dict:
    unit = unit_of(KPIS[kpi], labels.currency)
    size = 1 if unit == RATIO else 10 ** rng.uniform(2, 6)
    series = [float(f"{value:.4g}") for value in rng.uniform(0.05, 0.95, LAST) * size]
    return {
        "value": series[-1],
        "text": labels.value(series[-1], unit, kpi),
        "unit": unit,
        "status": "small_n" if rng.uniform() < 0.1 else "ok",
        "reason": "",
        "grain": "month",
        "start": "2026-05-01",
        "period": labels.period(date(2026, 5, 1), "month"),
        "change": labels.change(series[-1], series[-2], unit, kpi),
        "trend": str(rng.choice(list(TRENDS))),
        "n": int(rng.integers(5, 5000)),
        "series": series,
        "basis": "",
    }


def opening(browser: Browser, path: Path, width: int) -> tuple[float, float, float]:
    """Milliseconds until the page stands, of CPU for it, and of sorting it, in a new page."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(path.as_uri())
    opened = page.evaluate(OPENED)
    metrics = {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}
    ordered = page.evaluate(SORTED)
    page.close()
    return opened, metrics["TaskDuration"] * 1000, ordered


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--companies", type=int, default=500)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="leave the reports in this folder")
    given = parser.parse_args()
    folder = given.keep or Path(tempfile.mkdtemp(prefix="portfolio-"))
    write_reports(folder, given.companies)
    start = time.process_time()
    path = write_index(folder)
    print(f"written in {time.process_time() - start:.2f} s of CPU, {path.stat().st_size / 1e6:.2f} MB")
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        for width in (1440, 390):
            runs = [opening(browser, path, width) for _ in range(given.runs)]
            wall, cpu, ordered = (statistics.median(column) for column in zip(*runs, strict=True))
            print(
                f"{width} px: opened in {wall:.0f} ms (median of {given.runs}, at least "
                f"{min(runs)[0]:.0f}), {cpu:.0f} ms of CPU; sorted in {ordered:.0f} ms"
            )
        browser.close()
    if not given.keep:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
