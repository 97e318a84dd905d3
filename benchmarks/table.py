"""The KPI table of a typical client: CPU seconds after imports, from CSV files to the finished frame.

    python benchmarks/table.py [--runs 5]

5,000 deals, 10,000 leads, 20,000 e-mails, 5,000 subscriptions over 24 months, generated from a seed; prints
one line a run and the median, and the share that loading takes.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.company import open_company
from analysis.kpi_table import identities, kpi_table

MONTHS = pd.date_range("2024-01-01", "2025-12-01", freq="MS")
LAST = pd.Timestamp("2025-12-31")
CHANNELS = np.array(["search", "newsletter", "referral", "cold_call", "fair"])


def days(rng: np.random.Generator, size: int) -> pd.Series:
    """Random days of the 24 months."""
    return pd.Series(MONTHS[0] + pd.to_timedelta(rng.integers(0, (LAST - MONTHS[0]).days, size), "D"))


def instants(rng: np.random.Generator, start: pd.Series, most: int) -> pd.Series:
    """Up to `most` days after the start, null where that is after the last day."""
    later = start + pd.to_timedelta(rng.integers(60, most * 86400, len(start)), "s")
    return later.where(later <= LAST)


def write(folder: Path, seed: int = 7) -> None:
    """The client's CSV files."""
    rng = np.random.default_rng(seed)
    reps = [f"R{i:02d}" for i in range(30)]
    n = 10_000
    created = days(rng, n)
    leads = pd.DataFrame(
        {"lead_id": [f"L{i}" for i in range(n)], "created_at": created, "channel": rng.choice(CHANNELS, n)}
    )
    leads["rep_id"] = rng.choice(reps, n)
    leads["first_contact_at"] = instants(rng, created, 5)
    leads.to_csv(folder / "leads.csv", index=False)
    n = 5_000
    begun = created[:n] + pd.Timedelta(days=2)
    closed = instants(rng, begun, 120)
    outcome = np.where(closed.isna(), "open", np.where(rng.random(n) < 0.45, "won", "lost"))
    pd.DataFrame(
        {
            "opportunity_id": [f"D{i}" for i in range(n)],
            "lead_id": [f"L{i}" for i in range(n)],
            "outcome": outcome,
            "created_at": begun,
            "closed_at": closed,
            "amount": rng.gamma(2, 4000, n).round(2),
            "units": rng.integers(1, 20, n),
            "customer_id": [f"C{i}" for i in rng.integers(0, 2500, n)],
            "rep_id": leads["rep_id"][:n],
            "channel": leads["channel"][:n],
        }
    ).to_csv(folder / "opportunities.csv", index=False)
    n = 20_000
    sent = days(rng, n)
    opened = instants(rng, sent, 4).where(rng.random(n) < 0.4)
    pd.DataFrame(
        {
            "email_id": [f"E{i}" for i in range(n)],
            "campaign_id": [f"campaign {i}" for i in rng.integers(0, 40, n)],
            "variant": rng.choice(["A", "B"], n),
            "rep_id": rng.choice(reps, n),
            "sent_at": sent,
            "bounced": rng.random(n) < 0.03,
            "opened_at": opened,
            "machine_open": opened.notna() & (rng.random(n) < 0.3),
            "clicked_at": opened.where(rng.random(n) < 0.2),
        }
    ).to_csv(folder / "emails.csv", index=False)
    n = 5_000
    started = days(rng, n)
    ended = (started + pd.to_timedelta(rng.integers(30, 500, n), "D")).where(rng.random(n) < 0.5)
    pd.DataFrame(
        {
            "subscription_id": [f"S{i}" for i in range(n)],
            "customer_id": [f"C{i}" for i in rng.integers(0, 2500, n)],
            "started_on": started,
            "ended_on": ended,
            "mrr": rng.gamma(2, 100, n).round(2),
        }
    ).to_csv(folder / "subscriptions.csv", index=False)
    pd.DataFrame({"rep_id": reps, "name": reps, "team": [f"team {i % 5}" for i in range(30)]}).to_csv(
        folder / "reps.csv", index=False
    )
    spending = pd.MultiIndex.from_product(
        [MONTHS, ["marketing", "advertising", "salaries"], CHANNELS]
    ).to_frame(index=False)
    spending.columns = ["month", "category", "channel"]
    spending.assign(amount=rng.gamma(2, 500, len(spending)).round(2)).to_csv(
        folder / "costs.csv", index=False
    )
    yearly = [(m, "revenue", "rep", rep, "month", 50_000) for m in MONTHS for rep in reps]
    frame = pd.DataFrame(yearly, columns=["period_start", "metric", "scope", "scope_id", "period", "target"])
    frame.to_csv(folder / "targets.csv", index=False)


PARAMS = """\
company: client
name: A typical client
as_of: 2025-12-31
currency: EUR
timezone: Europe/Berlin
locale: de_DE
country: DE
gross_margin: 0.7
history_months: 24
channels: {search: inbound, newsletter: inbound, referral: inbound, cold_call: outbound, fair: outbound}
source: {connect: %s}
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder)
        (folder / "client.yaml").write_text(PARAMS % folder, encoding="utf-8")
        seconds = []
        for run in range(runs):
            start = time.process_time()
            company = open_company("client", params_dir=folder)
            loaded = time.process_time()
            kpis = kpi_table(company)
            done = time.process_time()
            identities(company, kpis)
            seconds.append(done - start)
            print(
                f"run {run + 1}: {done - start:.2f} s of CPU, {loaded - start:.2f} s of it loading; "
                f"{len(kpis):,} rows"
            )
        print(f"median {statistics.median(seconds):.2f} s of CPU (goal: under 2 s)")


if __name__ == "__main__":
    main()
