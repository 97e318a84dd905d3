"""The sample companies: regenerated to the byte, recounted in plain Python, opened as any company is."""

import json
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from scipy.stats import chi2

from analysis.company import open_company
from analysis.contract import TABLES
from analysis.kpi_table import kpi_table
from analysis.params import Params, load
from recount import DATA, PARAMS, by_year, count_oddity, ids, instant, left, number, read, sift

COMPANIES = ["acme", "shop", "forge"]
TRUTH: dict[str, Any] = json.loads((DATA / "truth.json").read_text(encoding="utf-8"))


def company_tables() -> list[tuple[str, str]]:
    """Every table of every sample company."""
    return [(company, table) for company in COMPANIES for table in TRUTH[company]["tables"]]


@pytest.fixture(scope="module", params=COMPANIES)
def params(request: pytest.FixtureRequest) -> Params:
    """Each sample company's settings."""
    return load(PARAMS / f"{request.param}.yaml")


# --- the files --------------------------------------------------------------------------------------------


def sample_files() -> list[Path]:
    """The files of the samples; a user's own companies may lie beside them."""
    return [DATA / "truth.json", *(path for name in TRUTH for path in (DATA / name).glob("*.csv"))]


def test_the_generator_writes_the_committed_files_to_the_byte(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(DATA / "generate.py"), str(tmp_path)], check=True, timeout=120)
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    here = sample_files()
    committed = {path.relative_to(DATA): path.read_bytes() for path in here}
    assert sorted(made) == sorted(committed)
    assert [str(name) for name in made if made[name] != committed[name]] == []


def test_the_files_are_small_enough_to_be_kept_with_the_code() -> None:
    sizes = [path.stat().st_size for path in sample_files()]
    assert max(sizes) < 1_500_000
    assert sum(sizes) < 6_000_000


def test_the_params_name_every_file_and_every_channel_of_the_data(params: Params) -> None:
    named = {str(source.file) for source in params.source.tables.values()}
    assert named == {path.name for path in (DATA / params.company).iterdir()}
    assert set(params.source.tables) == set(TRUTH[params.company]["tables"])
    assert str(params.as_of) == TRUTH[params.company]["as_of"]
    for table in params.source.tables:
        if "channel" in TABLES[table].names:
            assert {row.get("channel", "") for row in read(params, table)} - {""} <= set(params.channels), (
                table
            )


@pytest.mark.parametrize(("company", "table"), company_tables())
def test_the_truth_is_what_a_recount_in_plain_python_finds(company: str, table: str) -> None:
    params, truth = load(PARAMS / f"{company}.yaml"), TRUTH[company]["tables"][table]
    _, lost, flagged = sift(params, table)
    assert len(read(params, table)) == truth["rows"]
    assert {reason: n for reason, n in lost.items() if n} == truth["lost"]
    assert sum(lost.values()) <= 0.05 * truth["rows"]
    oddities = {name: n for name, n in truth["kept"].items() if name not in flagged}
    assert flagged == {name: n for name, n in truth["kept"].items() if name in flagged}
    assert {name: count_oddity(params, table, name) for name in oddities} == oddities


@pytest.mark.parametrize("company", ["acme", "forge"])
def test_won_revenue_of_the_truth_is_the_sum_over_the_accepted_rows(company: str) -> None:
    params = load(PARAMS / f"{company}.yaml")
    accepted, _, _ = sift(params, "opportunities")
    won = [row for row in accepted if row["outcome"] == "won"]
    truth = TRUTH[company]["tables"]["opportunities"]["totals"]["won"]
    assert by_year(params, "opportunities", won, "closed_at") == truth


@pytest.mark.parametrize("company", COMPANIES)
def test_orders_of_the_truth_are_the_sum_over_the_accepted_rows(company: str) -> None:
    params = load(PARAMS / f"{company}.yaml")
    accepted, _, _ = sift(params, "orders")
    assert (
        by_year(params, "orders", accepted, "ordered_at")
        == TRUTH[company]["tables"]["orders"]["totals"]["orders"]
    )


def test_nothing_has_happened_after_the_day_the_data_end(params: Params) -> None:
    end = datetime.combine(
        date.fromisoformat(str(params.as_of)), datetime.max.time(), ZoneInfo(params.timezone)
    )
    for name in params.source.tables:
        accepted, _, _ = sift(params, name)
        columns = {*TABLES[name].events, *TABLES[name].later}
        cells = [row[column] for row in accepted for column in columns if row.get(column)]
        assert max((instant(params, name, cell) for cell in cells), default=end) <= end, name


@pytest.mark.parametrize("company", ["acme", "shop"])
def test_times_without_an_offset_are_never_in_an_hour_that_is_skipped_or_comes_twice(company: str) -> None:
    params = load(PARAMS / f"{company}.yaml")
    for name in params.source.tables:
        times = [column.name for column in TABLES[name] if column.type == "instant"]
        accepted, _, _ = sift(params, name)
        for at in {
            instant(params, name, row[column]) for row in accepted for column in times if row.get(column)
        }:
            assert at.replace(fold=0).utcoffset() == at.replace(fold=1).utcoffset(), (name, at)


# --- the known truth --------------------------------------------------------------------------------------


@pytest.mark.parametrize("company", ["acme", "forge"])
def test_no_customer_belongs_to_a_rep_who_has_left_though_old_deals_do(company: str) -> None:
    params = load(PARAMS / f"{company}.yaml")
    gone = left(params)
    assert len(gone) == 1
    assert not gone & ids(params, "customers", "rep_id")
    assert gone <= ids(params, "opportunities", "rep_id", outcome="won")
    assert not gone & ids(params, "opportunities", "rep_id", outcome="open")


def test_deals_over_a_clock_change_last_as_long_as_the_truth_says() -> None:
    params = load(PARAMS / "forge.yaml")
    deals = {row["opportunity_id"]: row for row in read(params, "opportunities")}
    for number_, case in TRUTH["forge"]["generator"]["clock_changes"].items():
        row = deals[number_]
        assert (row["first_contact_at"], row["closed_at"], row["outcome"]) == (
            case["start"],
            case["closed"],
            "won",
        )
        length = datetime.fromisoformat(case["closed"]) - datetime.fromisoformat(case["start"])
        assert length / timedelta(days=1) == pytest.approx(case["cycle_days"], abs=1e-6)


@pytest.mark.parametrize("company", ["acme", "shop"])
def test_open_rates_of_people_are_what_the_generator_was_told(company: str) -> None:
    params, truth = load(PARAMS / f"{company}.yaml"), TRUTH[company]["generator"]["emails"]["open_rate"]
    accepted, _, _ = sift(params, "emails")
    by_person = [row for row in accepted if row["bounced"] == "false" and row.get("machine_open") != "true"]
    squares = []
    for campaign, rates in list(truth.items())[:-1]:  # the last one has had no time to be opened
        for variant, rate in rates.items():
            rows = [r for r in by_person if r["campaign_id"] == campaign and r["variant"] in (variant, "")]
            opened = sum(bool(row["opened_at"]) for row in rows)
            squares.append((opened - rate * len(rows)) ** 2 / (len(rows) * rate * (1 - rate)))
    assert sum(squares) < chi2.ppf(0.999, len(squares))


def test_the_quick_closers_customers_leave_and_the_slow_closers_stay() -> None:
    params, reps = load(PARAMS / "acme.yaml"), TRUTH["acme"]["generator"]["reps"]
    hares = {rep for rep, truth in reps.items() if truth["median_cycle_days"] < 30}
    tortoises = {rep for rep, truth in reps.items() if truth["median_cycle_days"] > 60}
    deals, _, _ = sift(params, "opportunities")
    contracts, _, _ = sift(params, "subscriptions")
    ends = {row["customer_id"]: row["ended_on"] for row in contracts}
    won = [
        row for row in deals if row["outcome"] == "won" and row["kind"] == "new" and row["first_contact_at"]
    ]

    def cycle(team: set[str]) -> float:
        lengths = [
            instant(params, "opportunities", r["closed_at"])
            - instant(params, "opportunities", r["first_contact_at"])
            for r in won
            if r["rep_id"] in team
        ]
        return median(lengths) / timedelta(days=1)

    def leavers(team: set[str]) -> float:
        fates = [
            bool(ends[row["customer_id"]])
            for row in won
            if row["rep_id"] in team and row["customer_id"] in ends
        ]
        return sum(fates) / len(fates)

    assert cycle(hares) < 30 < 50 < cycle(tortoises)
    assert leavers(tortoises) < 0.2 < 0.4 < leavers(hares)


# --- opened as any company --------------------------------------------------------------------------------


@pytest.mark.parametrize("company", COMPANIES)
def test_the_ledger_and_the_quarantine_hold_exactly_the_planted_faults(company: str) -> None:
    opened = open_company(company, params_dir=PARAMS)
    lost = opened.quarantine.groupby(["table", "reason"]).size().to_dict()
    ledger = opened.ledger.set_index("table")
    expected = {}
    for table, truth in TRUTH[company]["tables"].items():
        flagged = {i.reason: truth["kept"].get(i.reason, 0) for i in TABLES[table].intervals if not i.removed}
        reasons = {reason: n for reason, n in truth["lost"].items() if reason != "duplicate"}
        expected |= {(table, reason): n for reason, n in (reasons | flagged).items() if n}
        row = ledger.loc[table, ["rows_read", "filtered", "duplicates", "quarantined", "flagged"]].to_dict()
        assert row == {
            "rows_read": truth["rows"],
            "filtered": truth["kept"].get("deleted", 0),
            "duplicates": truth["lost"].get("duplicate", 0),
            "quarantined": sum(reasons.values()),
            "flagged": sum(flagged.values()),
        }, table
    assert lost == expected


def test_every_kpi_has_a_sound_value_somewhere_in_the_company_that_has_every_table() -> None:
    """But for what only a running period has: it is provisional, and no month of acme is running."""
    assert set(TRUTH["acme"]["tables"]) == set(TABLES)
    kpis = kpi_table(open_company("acme", params_dir=PARAMS))
    sound = set(kpis.loc[kpis["status"] == "ok", "kpi"])
    running = {"required_daily_revenue", "sales_growth_mtd"}
    assert sorted(set(kpis["kpi"]) - sound - running) == []
    by_kpi = kpis.groupby("kpi")["status"].unique()
    assert set(by_kpi["required_daily_revenue"]) == {"undefined", "provisional"}
    assert set(by_kpi["sales_growth_mtd"]) == {"undefined"}
    shop = kpi_table(open_company("shop", params_dir=PARAMS), ["growth"])
    month = shop[(shop["kpi"] == "sales_growth_mtd") & shop["value"].notna()]
    assert month["period_start"].dt.strftime("%Y-%m").tolist() == ["2026-05"]


@pytest.fixture(scope="module")
def forges_customers() -> pd.DataFrame:
    """The company's own KPIs of forge's customers and growth, by month."""
    kpis = kpi_table(open_company("forge", params_dir=PARAMS), families=["customers", "growth"])
    return kpis[(kpis["grain"] == "month") & (kpis["dimension"] == "")]


def test_churn_from_orders_is_what_plain_python_counts(forges_customers: pd.DataFrame) -> None:
    params = load(PARAMS / "forge.yaml")
    bought = [
        (row["customer_id"], instant(params, "orders", row["ordered_at"]).date())
        for row in sift(params, "orders")[0]
        if row["customer_id"] and number(params, "orders", row["amount"]) > 0
    ]

    def active(day: date) -> set[str]:
        return {who for who, at in bought if day - timedelta(days=180) < at <= day}

    churn = forges_customers[forges_customers["kpi"] == "churn_rate"]
    assert len(churn) >= 24
    for row in churn.itertuples():
        start, end = (pd.Timestamp(day).date() for day in (row.period_start, row.period_end))
        opening = active(start - timedelta(days=1))
        lost = opening - active(end - timedelta(days=1))
        assert (row.numerator, row.denominator) == (len(lost), len(opening)), start
    assert 0.02 < churn["value"].tail(12).mean() < 0.08


def test_lifetime_value_of_deals_takes_the_stated_margin_and_orders_have_their_own(
    forges_customers: pd.DataFrame,
) -> None:
    params = load(PARAMS / "forge.yaml")
    months = forges_customers.set_index(["kpi", "period_start"])["value"].unstack(0)
    rows = [row for row in sift(params, "orders")[0] if row["cost"]]
    amounts = sum(number(params, "orders", row["amount"]) for row in rows)
    costs = sum(number(params, "orders", row["cost"]) for row in rows)
    assert params.gross_margin == 0.41
    assert months["gross_margin_rate"].mean() == pytest.approx(float(1 - costs / amounts), abs=0.01)
    mean_churn = months["churn_rate"].rolling(6).mean()
    worth = (months["arpa"] * params.gross_margin / mean_churn).tail(12)
    pd.testing.assert_series_equal(months["clv"].tail(12), worth, check_names=False)


def test_a_company_without_orders_and_contracts_is_told_that_churn_cannot_be_known(tmp_path: Path) -> None:
    lines = (PARAMS / "forge.yaml").read_text(encoding="utf-8").splitlines(keepends=True)
    without = "".join(line for line in lines if "orders.csv" not in line)
    (tmp_path / "forge.yaml").write_text(without, encoding="utf-8")
    kpis = kpi_table(open_company("forge", params_dir=tmp_path), families=["customers"])
    churn = kpis[kpis["kpi"].isin(["churn_rate", "clv", "cohort_retention"])]
    assert set(churn["reason"]) == {"missing_table"}
    assert churn["value"].isna().all()
