"""Public data nobody here wrote, with a params file and no code, against figures that others computed in
plain pandas.
"""

from functools import lru_cache
from pathlib import Path

import pandas as pd
import pytest

from analysis.company import Company, open_company
from analysis.kpi_table import identities, kpi_table
from companies import cell, values
from conftest import real_data

HERE = Path(__file__).parent


@lru_cache(maxsize=1)
def opened(name: str) -> tuple[Company, pd.DataFrame]:
    company = open_company(name, params_dir=HERE)
    return company, kpi_table(company)


@pytest.fixture
def kpis(request) -> pd.DataFrame:
    """The KPI table of the company that the test names; skips by name where its data is not there."""
    real_data(request.param)
    company, table = opened(request.param)
    assert set(identities(company, table)["status"]) == {"holds"}
    return table


def company(name: str):
    return pytest.mark.parametrize("kpis", [name], indirect=True)


def rows_of(name: str) -> pd.DataFrame:
    """The ledger of a company by table."""
    return opened(name)[0].ledger.set_index("table")


def weighted(kpis: pd.DataFrame, kpi: str, **wanted) -> float:
    """Sum of numerators over sum of denominators of the monthly rows that match."""
    rows = kpis[(kpis["kpi"] == kpi) & (kpis["grain"] == "month")]
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    return rows["numerator"].sum() / rows["denominator"].sum()


@company("maven_crm")
def test_maven_revenue_by_month_and_quarter(kpis):
    assert values(kpis, "revenue", "year")["2017-01-01"] == 10_005_534
    quarters = list(values(kpis, "revenue", "quarter").values())[1:]
    assert quarters == [1_134_672, 3_086_111, 2_982_255, 2_802_496]
    months = [1134672, 721932, 1025713, 1338466, 696932, 1050059, 1235264, 731980, 938943, 1131573]
    assert list(values(kpis, "revenue").values())[-10:] == months
    assert list(values(kpis, "won_deals", "quarter").values())[1:] == [531, 1254, 1257, 1196]


@company("maven_crm")
def test_maven_monthly_growth_to_the_printed_digit(kpis):
    growth = [round(100 * v, 2) for v in list(values(kpis, "sales_growth_mom").values())[-9:]]
    assert growth == [-36.38, 42.08, 30.49, -47.93, 50.67, 17.64, -40.74, 28.27, 20.52]


@company("maven_crm")
def test_maven_win_rate_deal_size_cycle_and_sales_per_rep(kpis):
    win = cell(kpis, "win_rate", "2017-01-01", "year")
    assert (win["numerator"], win["denominator"]) == (4238, 4238 + 2473)
    assert round(win["value"], 5) == 0.63150
    assert round(cell(kpis, "deal_size", "2017-01-01", "year")["value"], 2) == 2360.91
    assert cell(kpis, "cycle_days", "2017-01-01", "year")["value"] == 57
    assert round(cell(kpis, "cycle_days_mean", "2017-01-01", "year")["value"], 3) == 51.782
    assert round(cell(kpis, "sales_per_rep", "2017-01-01", "year")["value"], 2) == 285_872.40


@company("maven_crm")
def test_maven_reps_and_regions(kpis):
    reps = {m: v for (_, m), v in values(kpis, "revenue", "year", "rep").items()}
    top = sorted(reps.items(), key=lambda pair: -pair[1])[:5]
    assert top == [
        ("Darcel Schlecht", 1_153_214),
        ("Vicki Laflamme", 478_396),
        ("Kary Hendrixson", 454_298),
        ("Cassey Cress", 450_489),
        ("Donn Cantrell", 445_860),
    ]
    deals = {m: v for (_, m), v in values(kpis, "won_deals", "year", "rep").items()}
    assert [deals[name] for name, _ in top] == [349, 221, 209, 163, 158]
    teams = {m: v for (_, m), v in values(kpis, "revenue", "year", "team").items()}
    assert teams == {"West": 3_568_647, "Central": 3_346_293, "East": 3_090_594}


@company("maven_crm")
def test_maven_open_deals_and_what_they_lack(kpis):
    ledger = rows_of("maven_crm")
    accepted = ledger.loc[["opportunities", "customers", "reps"], "accepted"]
    assert accepted.to_dict() == {"opportunities": 8800, "customers": 85, "reps": 35}
    assert "500 without any date of their start" in ledger.loc["opportunities", "note"]
    # of 2,089 open deals 500 have no start, and none has an amount yet
    row = cell(kpis, "open_pipeline", "2017-01-01", "year")
    assert (row["value"], row["n"]) == (0, 2089 - 500)
    deals = opened("maven_crm")[0].opportunities
    unnamed = deals.filter(deals.customer_id.isnull())
    assert unnamed.outcome.value_counts().to_pandas().to_numpy().tolist() == [["open", 1425]]


@company("maven_crm")
def test_maven_revenue_of_each_rep_who_sold(kpis):
    sold = [v for v in values(kpis, "revenue", "year", "rep").values() if v > 0]
    assert len(sold) == 30
    assert round(sum(sold) / len(sold), 2) == 333_517.80


@company("olist_funnel")
def test_olist_conversion_of_all_leads_and_by_origin(kpis):
    rows = kpis[(kpis["kpi"] == "lead_conversion_rate") & (kpis["grain"] == "month")]
    whole = rows[rows["dimension"] == ""]
    assert (whole["numerator"].sum(), whole["denominator"].sum()) == (842, 8000)
    assert round(100 * weighted(kpis, "lead_conversion_90d", dimension=""), 4) == 8.6375
    origins = rows[rows["dimension"] == "channel"].groupby("member")[["denominator", "numerator"]].sum()
    assert {m: (int(r["denominator"]), int(r["numerator"])) for m, r in origins.iterrows()} == {
        "organic search": (2296, 271),
        "paid search": (1586, 195),
        "social": (1350, 75),
        "unknown": (1099, 179),
        "direct traffic": (499, 56),
        "email": (493, 15),
        "referral": (284, 24),
        "other": (150, 4),
        "display": (118, 6),
        "other publicities": (65, 3),
        "(unassigned)": (60, 14),
    }


@company("olist_funnel")
def test_olist_days_to_convert_and_the_share_converted_in_the_year_of_all_leads(kpis):
    rate = cell(kpis, "lead_conversion_rate", "2017-06-01", "year")
    assert (rate["numerator"], rate["denominator"], round(100 * rate["value"], 3)) == (842, 8000, 10.525)
    days = cell(kpis, "convert_days", "2017-06-01", "year")
    assert (days["value"], days["n"]) == (14, 841), "one was won two days before its first contact"
    assert cell(kpis, "lead_conversion_90d", "2017-06-01", "year")["numerator"] == 691
    by_day = values(kpis, "converted_by_day", "year", "day")
    # all were followed for 90 days and more, so the curve is the plain share; without the one won before
    within = [round(by_day["2017-06-01", day] * 7999, 6) for day in ("30", "60", "90")]
    assert within == [554, 646, 691]


@company("olist_funnel")
def test_olist_wins_a_month_and_the_top_rep(kpis):
    wins = values(kpis, "won_deals")
    assert [wins[m] for m in sorted(wins)][-12:] == [3, 73, 113, 147, 207, 122, 57, 37, 33, 23, 21, 6]
    reps = kpis[(kpis["kpi"] == "won_deals") & (kpis["grain"] == "year") & (kpis["dimension"] == "rep")]
    assert reps.groupby("member")["value"].sum().max() == 133
    assert cell(kpis, "cycle_days", "2018-06-01", "year")["status"] == "provisional"


@company("ravenstack")
@pytest.mark.parametrize(
    ("month", "opening", "closing", "mrr_opening", "mrr_closing", "nrr", "grr"),
    [
        ("2023-12-01", 159, 185, 1_014_948, 1_262_113, 1.147314, 0.982205),
        ("2024-06-01", 302, 333, 3_316_249, 3_833_405, 1.121821, 0.995115),
        ("2024-11-01", 437, 474, 7_098_896, 8_460_824, 1.145721, 0.985083),
        ("2024-12-01", 474, 500, 8_460_824, 10_159_608, 1.142080, 0.980737),
    ],
)
def test_ravenstack_customers_and_recurring_revenue(
    kpis, month, opening, closing, mrr_opening, mrr_closing, nrr, grr
):
    whole = {kpi: cell(kpis, kpi, month)["value"] for kpi in ("customers_opening", "customers_closing")}
    assert list(whole.values()) == [opening, closing]
    assert cell(kpis, "mrr_opening", month)["value"] == mrr_opening
    assert cell(kpis, "mrr_closing", month)["value"] == mrr_closing
    assert round(cell(kpis, "nrr", month)["value"], 6) == nrr
    assert round(cell(kpis, "grr", month)["value"], 6) == grr


@company("ravenstack")
def test_ravenstack_movements(kpis):
    got = {(kpi, month): cell(kpis, kpi, month)["value"] for kpi, month, _ in RAVENSTACK_MOVES}
    assert got == {(kpi, month): value for kpi, month, value in RAVENSTACK_MOVES}


RAVENSTACK_MOVES = [
    ("customers_new", "2023-12-01", 26),
    ("customers_churned", "2023-12-01", 0),
    ("mrr_expansion", "2023-12-01", 167_577),
    ("mrr_contraction", "2023-12-01", 18_061),
    ("mrr_expansion", "2024-12-01", 1_365_101),
    ("mrr_contraction", "2024-12-01", 162_984),
]


@company("cdnow")
def test_cdnow_revenue_cohorts_and_silence(kpis):
    assert round(sum(values(kpis, "revenue").values()), 2) == 2_500_315.63
    revenue = kpis[(kpis["kpi"] == "revenue") & (kpis["grain"] == "month") & (kpis["dimension"] == "")]
    assert revenue["n"].sum() == rows_of("cdnow").loc["orders", "accepted"] == 69_659
    assert list(values(kpis, "new_accounts").values())[:3] == [7846, 8476, 7248]
    assert sum(values(kpis, "new_accounts").values()) == 23_570
    cohorts = ["1997-01-01", "1997-02-01", "1997-03-01"]
    # 15.47, not 15.48: one of February's customers came back in March for something that cost nothing
    for age, printed in (("1", [14.75, 15.47, 14.24]), ("2", [12.29, 11.56, 10.38])):
        rows = [cell(kpis, "cohort_retention", c, "month", "age_months", age) for c in cohorts]
        assert [round(100 * row["value"], 2) for row in rows] == printed
    gone = 1 - cell(kpis, "customers_closing", "1998-06-01")["value"] / 23_570
    assert round(100 * gone, 2) == 77.20


@company("online_retail")
def test_online_retail_revenue_and_cohorts(kpis):
    assert round(sum(values(kpis, "revenue").values()), 2) == 8_911_407.90
    revenue = kpis[(kpis["kpi"] == "revenue") & (kpis["grain"] == "month") & (kpis["dimension"] == "")]
    assert revenue["n"].sum() == 18_532
    assert sum(values(kpis, "new_accounts").values()) == 4_338
    assert revenue["status"].iloc[-1] == "provisional", "December has nine days"
    first = kpis[(kpis["kpi"] == "cohort_retention") & (kpis["member"] == "1")]
    assert round(100 * first["numerator"].sum() / first["denominator"].sum(), 3) == 23.654


SALES = """"InvoiceNo" not like 'C%' and "Quantity" > 0 and "UnitPrice" > 0"""


@pytest.mark.parametrize(("lines", "revenue"), [("true", 9_747_747.93), (SALES, 10_666_684.54)])
def test_online_retail_with_the_customers_nobody_named(tmp_path, lines, revenue):
    """Net of everything, and the valid sales; a quarter of the lines names no customer."""
    folder = real_data("online_retail").resolve()
    params = (HERE / "online_retail.yaml").read_text(encoding="utf-8")
    start, end = params.index("        where"), params.index("        group by")
    changed = f"{params[:start]}        where {lines}\n{params[end:]}"
    changed = changed.replace("../shared/data/online_retail", str(folder))
    (tmp_path / "online_retail.yaml").write_text(changed, encoding="utf-8")
    kpis = kpi_table(open_company("online_retail", params_dir=tmp_path), ["team"])
    assert round(sum(values(kpis, "revenue").values()), 2) == revenue


@company("adventureworks_reseller")
def test_adventure_works_orders_of_lines_by_quarter_and_rep(kpis):
    ledger = rows_of("adventureworks_reseller")
    assert ledger.loc["orders", ["accepted", "quarantined"]].tolist() == [3616, 0]
    assert {start[:7]: round(v, 2) for start, v in values(kpis, "revenue", "quarter").items()} == {
        "2017-07": 3_195_732.87, "2017-10": 4_874_022.71, "2018-01": 4_069_304.27, "2018-04": 4_289_982.75,
        "2018-07": 8_922_119.92, "2018-10": 7_047_379.31, "2019-01": 5_268_960.12, "2019-04": 6_741_320.18,
        "2019-07": 11_189_115.52, "2019-10": 9_300_609.76, "2020-01": 7_107_324.50, "2020-04": 5_542_698.29,
    }  # fmt: skip
    assert round(sum(values(kpis, "revenue", "year").values()), 2) == 77_548_570.20
    years = kpis[(kpis["kpi"] == "revenue") & (kpis["grain"] == "year") & (kpis["dimension"] == "rep")]
    reps = years.groupby("member")["value"].sum()
    assert (len(reps), reps.idxmax(), round(reps.max(), 2)) == (17, "282", 10_158_634.52)
    assert cell(kpis, "revenue", "2020-04-01", "quarter")["status"] == "provisional", "June is not in it"


@company("adventureworks_reseller")
def test_adventure_works_wide_sheet_of_targets_is_read_month_by_month(kpis):
    """Of 33 persons' years x 12 months 245 cells hold a number; NULL and the one empty cell hold none."""
    targets = opened("adventureworks_reseller")[0].targets.to_pandas()
    assert rows_of("adventureworks_reseller").loc["targets", ["rows_read", "accepted"]].tolist() == [245, 245]
    assert float(targets["target"].sum()) == 84_910_000
    mine = targets[targets["scope_id"] == "61161660"].set_index("period_start")["target"]
    assert {day.strftime("%Y-%m"): int(v) for day, v in mine.items()} == {
        "2017-07": 200_000, "2017-08": 400_000, "2017-09": 600_000, "2017-10": 400_000, "2017-11": 800_000,
        "2017-12": 800_000,
    }  # fmt: skip
    assert set(targets["period"]) == {"month"}
    assert set(targets["metric"]) == {"revenue"}


@company("telco_churn")
def test_telco_snapshot_who_and_what_has_left(kpis):
    got = {kpi: cell(kpis, kpi, "2020-01-01") for kpi in ("churn_rate", "revenue_churn_rate")}
    assert [(round(r["numerator"], 2), r["denominator"]) for r in got.values()] == [
        (1869, 7043),
        (139_130.85, 456_116.60),
    ]
    assert [round(100 * r["value"], 3) for r in got.values()] == [26.537, 30.503]
    assert cell(kpis, "mrr_opening", "2020-01-01")["value"] == 456_116.60
    assert cell(kpis, "mrr_churned", "2020-01-01")["value"] == 139_130.85
    assert cell(kpis, "customers_closing", "2020-01-01")["value"] == 7043 - 1869
