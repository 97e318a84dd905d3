"""Laws that hold for any company, tried on random ones and told for every KPI by itself.

The order of rows and rows that come twice change nothing; ten times the money is ten times every amount and
no other number. A KPI passes only where it has a value in at least one of the companies.
"""

import csv
import io
import random
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest

from analysis.glossary import KPIS, MONEY
from analysis.kpi_table import kpi_table
from companies import make_company
from test_kpis_against_reference import AS_OF, NAMES, PARAMS, STAGES, Maker

SEEDS = (7, 8, 11)
KEYLESS = ("costs", "annotations")  # identical rows of these are different rows
IN_MONEY = {
    "opportunities": ["amount"], "orders": ["amount", "cost"], "subscriptions": ["mrr"], "costs": ["amount"],
    "targets": ["target"],
}  # fmt: skip
KEYS = ["kpi", "grain", "period_start", "dimension", "member"]
COUNTED_TARGETS = ("units", "new_accounts")

Tables = Mapping[str, str]


def lines(text: str) -> tuple[str, list[str]]:
    head, *rows = text.splitlines()
    return head, rows


def shuffled(tables: Tables, seed: int) -> dict[str, str]:
    """Every table's rows in another order."""
    turn = random.Random(seed)
    out = {}
    for name, text in tables.items():
        head, rows = lines(text)
        turn.shuffle(rows)
        out[name] = "\n".join([head, *rows])
    return out


def doubled(tables: Tables, seed: int) -> dict[str, str]:
    """A third of the rows of every table with a key a second time."""
    pick = random.Random(seed)
    out = {}
    for name, text in tables.items():
        head, rows = lines(text)
        again = [] if name in KEYLESS else [row for row in rows if pick.random() < 1 / 3]
        out[name] = "\n".join([head, *rows, *again])
    return out


def times_ten(tables: Tables, seed: int) -> dict[str, str]:
    """Every amount of money ten times as large; targets in units or accounts stay."""
    out = {}
    for name, text in tables.items():
        rows = list(csv.DictReader(io.StringIO(text)))
        for row in rows:
            counted = row.get("metric") in COUNTED_TARGETS
            for column in () if counted else IN_MONEY.get(name, ()):
                if row.get(column):
                    row[column] = f"{float(row[column]) * 10:.2f}"
        out[name] = "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)])
    return out


def same(tables: Tables, seed: int) -> dict[str, str]:
    return dict(tables)


@cache
def computed(change: Callable[[Tables, int], Tables], seed: int) -> pd.DataFrame:
    """The KPI table of one random company after the change, by its keys."""
    tables = {NAMES[k]: text for k, text in Maker(seed).tables().items() if text}
    options = {"as_of": str(AS_OF), "timezone": "UTC", **PARAMS[seed % 2], "stages": STAGES[0]}
    with TemporaryDirectory() as folder:
        company = make_company(Path(folder), change(tables, seed), **options)
        assert len(company.quarantine) == 0, company.quarantine.to_string()
        return kpi_table(company).set_index(KEYS)


def valued(kpi: str) -> list[int]:
    """The seeds of the companies in which the KPI has a value."""
    seeds = [s for s in SEEDS if computed(same, s).loc[[kpi], "value"].notna().any()]
    assert seeds, f"{kpi} has no value in any of these companies, so nothing is tried"
    return seeds


def law(*kpis: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("kpi", [pytest.param(k, marks=pytest.mark.kpi("law", k)) for k in kpis])


# an estimate of the model notebook and goals of the params are not in these companies
TRIED = tuple(
    k
    for k, spec in KPIS.items()
    if (spec.family in ("team", "leads", "growth", "customers") or "day" in spec.grains) and not spec.modelled
)


@law(*TRIED)
@pytest.mark.parametrize("change", [shuffled, doubled])
def test_neither_the_order_of_the_rows_nor_a_row_that_comes_twice_changes_it(change, kpi: str):
    for seed in valued(kpi):
        pd.testing.assert_frame_equal(
            computed(change, seed).loc[[kpi]], computed(same, seed).loc[[kpi]], check_exact=True
        )


@law(*TRIED)
def test_ten_times_the_money_is_ten_times_an_amount_and_no_other_number(kpi: str):
    factor = 10 if KPIS[kpi].unit == MONEY else 1
    for seed in valued(kpi):
        before, after = computed(same, seed).loc[[kpi]], computed(times_ten, seed).loc[[kpi]]
        assert before.index.equals(after.index)
        for column in ("value", "low", "high"):
            np.testing.assert_allclose(after[column], before[column] * factor, rtol=1e-9, atol=1e-6)
        pd.testing.assert_series_equal(after["n"], before["n"])
        pd.testing.assert_series_equal(after["status"], before["status"])


# the rows and the day by which each sum counts them
COUNTED_BY = {
    "revenue": ("opportunities", "closed_at"),
    "units": ("opportunities", "closed_at"),
    "won_deals": ("opportunities", "closed_at"),
    "lost_deals": ("opportunities", "closed_at"),
    "new_opportunities": ("opportunities", "created_at"),
    "pipeline_created": ("opportunities", "created_at"),
    "new_leads": ("leads", "created_at"),
    "emails_delivered": ("emails", "sent_at"),
    "tasks_completed": ("tasks", "completed_at"),
    "points": ("tasks", "completed_at"),
    "tasks_overdue": ("tasks", "created_at"),
    "notifications_uncleared": ("notifications", "created_at"),
}


def part(text: str, column: str, wanted: Callable[[str], bool]) -> str:
    """The rows of a CSV whose value in the column is wanted."""
    rows = list(csv.DictReader(io.StringIO(text)))
    kept = [row for row in rows if wanted(row[column])]
    return "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in kept)])


@cache
def halves(table: str, column: str, seed: int) -> list[pd.DataFrame]:
    """The KPI tables of a company that knows the first part of each month, of one with the rest, of both."""
    tables = {NAMES[k]: text for k, text in Maker(seed).tables().items() if text}
    tables["orders"] += "\nfirst,,2024-09-01,0,,"  # both begin on the same day
    options = {"as_of": str(AS_OF), "timezone": "UTC", **PARAMS[0]}
    out = []
    for first in (True, False, None):
        cut = dict(tables)
        if first is not None:
            cut[table] = part(tables[table], column, lambda day, f=first: (day[8:10] <= "10") == f)
        with TemporaryDirectory() as folder:
            out.append(kpi_table(make_company(Path(folder), cut, **options)).set_index(KEYS)["value"])
    return out


@law(*COUNTED_BY)
def test_a_month_cut_in_two_adds_up_to_the_month(kpi: str):
    first, rest, whole = (frame.loc[[kpi]] for frame in halves(*COUNTED_BY[kpi], seed=8))
    assert (first != 0).any() and (rest != 0).any()
    total = first.add(rest, fill_value=0)
    np.testing.assert_allclose(total.reindex(whole.index).fillna(0), whole, rtol=1e-9, atol=1e-6)


CLOSED_VIEW = ("revenue", "won_deals", "lost_deals", "win_rate", "deal_size", "cycle_days", "cycle_days_p90")


@cache
def with_open_deals(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A random company without and with three more deals for each one won, begun then and still open."""
    tables = {NAMES[k]: text for k, text in Maker(seed).tables().items() if text}
    rows = list(csv.DictReader(io.StringIO(tables["opportunities"])))
    more = [
        {**row, "opportunity_id": f"open{i}-{at}", "outcome": "open", "closed_at": "", "lead_id": ""}
        for i, row in enumerate(rows)
        for at in range(3)
        if row["outcome"] == "won" and row["created_at"]
    ]
    longer = tables["opportunities"] + "\n" + "\n".join(",".join(row.values()) for row in more)
    options = {"as_of": str(AS_OF), "timezone": "UTC", **PARAMS[0]}
    out = []
    for deals in (tables["opportunities"], longer):
        with TemporaryDirectory() as folder:
            company = make_company(Path(folder), {**tables, "opportunities": deals}, **options)
            out.append(kpi_table(company, ["team"]).set_index(KEYS))
    return out[0], out[1]


@law(*CLOSED_VIEW)
def test_more_open_deals_leave_what_is_counted_from_closed_ones_as_it_was(kpi: str):
    before, after = with_open_deals(8)
    pd.testing.assert_frame_equal(before.loc[[kpi]], after.loc[[kpi]], check_exact=True)


@pytest.mark.kpi("law", "close_days_km", "won_by_day")
def test_more_open_deals_make_the_unfinished_view_slower_and_no_win_more_likely():
    before, after = with_open_deals(8)
    for kpi, slower in (("close_days_km", 1), ("won_by_day", -1)):
        was = before.loc[[kpi], "value"]
        step = slower * (after.loc[[kpi], "value"] - was)
        assert (step.dropna() >= -1e-12).all()
        assert (step > 0).any() or (was.notna() & step.isna()).any(), "some move, or are no longer reached"
