import numpy as np
import pandas as pd
import pytest

from analysis.kpi_table import identities, kpi_table
from companies import cell, kpis_of, make_company, values

CUSTOMERS = ["customers"]
COSTS = """
    month,category,channel,amount
    2026-01-01,advertising,web,60
    2026-01-01,salaries,,30
    2026-02-01,advertising,web,60
    2026-03-01,advertising,fair,30
"""
THREE = """
    customer_id,channel,acquired_on
    1,web,2026-03-01
    2,web,2026-03-31
    3,,2026-03-15
"""
LEADS = "lead_id,created_at,customer_id\nl1,2026-01-31,1\nl2,2026-01-01,2\nl3,2026-01-15,3"


def lagged(folder, costs: str, customers: str, leads: str, **more) -> pd.DataFrame:
    """`cac_lagged` of a company."""
    tables = {"costs": costs, "customers": customers, "leads": leads, **more.pop("tables", {})}
    kpis = kpis_of(folder, tables, CUSTOMERS, **more)
    return kpis[kpis["kpi"].isin(["cac", "cac_lagged"])]


@pytest.mark.kpi("worked", "cac_lagged")
def test_customers_won_two_months_after_they_became_leads_cost_what_was_spent_two_months_before(tmp_path):
    kpis = lagged(tmp_path, COSTS, THREE, LEADS)
    assert cell(kpis, "cac", "2026-03-01")["value"] == 10
    row = cell(kpis, "cac_lagged", "2026-03-01")
    assert (row["value"], row["numerator"], row["denominator"], row["n"]) == (30, 90, 3, 3)
    assert values(kpis, "cac_lagged", dimension="channel") == {
        ("2026-03-01", "web"): 30,
        ("2026-03-01", "(unassigned)"): 30,
    }
    assert set(kpis.loc[kpis["kpi"] == "cac_lagged", "grain"]) == {"month"}


@pytest.mark.kpi("worked", "cac_lagged")
def test_the_months_weigh_by_how_many_customers_became_leads_in_them_whoever_names_the_other(tmp_path):
    tables = {
        "opportunities": """
            opportunity_id,outcome,closed_at,customer_id,lead_id
            o1,won,2026-03-20,by deal,a
            o2,won,2026-03-20,by lead,
        """,
    }
    customers = """
        customer_id,channel,acquired_on
        by deal,web,2026-03-02
        by lead,web,2026-03-02
        itself,web,2026-03-02
        itself too,fair,2026-03-02
        no lead,fair,2026-03-02
        late,fair,2026-03-02
    """
    leads = """
        lead_id,created_at,customer_id,opportunity_id
        a,2026-01-20,,
        b,2026-02-20,,o2
        c,2026-03-31,itself,
        d,2026-02-01,itself too,
        e,2026-03-01,itself too,
        f,2026-04-01,late,
        g,2025-12-01,,gone
        h,2025-12-01,stranger,
    """
    kpis = lagged(tmp_path, COSTS, customers, leads, tables=tables, as_of="2026-04-30")
    row = cell(kpis, "cac_lagged", "2026-03-01")
    # four of the six have a lead in time: one of March, two of February, one of January
    assert row["numerator"] == (30 * 1 + 60 * 2 + 90 * 1) / 4
    assert row["value"] == 60 / 6
    by_channel = kpis[(kpis["kpi"] == "cac_lagged") & (kpis["dimension"] == "channel")].dropna(
        subset=["value"]
    )
    got = {r.member: (r.numerator, r.denominator) for r in by_channel.itertuples()}
    assert got == {"web": ((60 * 2 + 60 * 1) / 4, 3), "fair": (30 / 4, 3)}
    alone = cell(kpis, "cac_lagged", "2026-03-01", dimension="channel", member="(unassigned)")
    assert (alone["numerator"], alone["reason"]) == (30 / 4, "no_denominator")


@pytest.mark.kpi("empty", "cac_lagged")
def test_without_a_customer_or_without_a_lead_in_twelve_months_there_is_no_cost_of_one(tmp_path):
    leads = "lead_id,created_at,customer_id\nl,2026-02-01,led"
    customers = "customer_id,acquired_on\nunled,2026-01-05\nled,2026-02-05\nunled too,2026-04-05"
    kpis = lagged(tmp_path, COSTS, customers, leads, as_of="2026-04-30")
    got = {
        month: (row["value"], row["reason"])
        for month in ("2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01")
        for row in [cell(kpis, "cac_lagged", month)]
    }
    assert got == {
        "2026-01-01": (pytest.approx(np.nan, nan_ok=True), "none_eligible"),
        "2026-02-01": (60, ""),
        "2026-03-01": (pytest.approx(np.nan, nan_ok=True), "no_denominator"),
        "2026-04-01": (0, ""),
    }


@pytest.mark.kpi("boundary", "cac_lagged")
def test_months_are_calendar_months_for_the_lead_the_customer_and_the_cost(tmp_path):
    customers = "customer_id,acquired_on\na,2026-02-28\nb,2026-03-01"
    for born, of_february, of_march in (
        ("2026-01-31T23:59:59", 90, 60),
        ("2026-02-01T00:00:00", 60, 30),
    ):
        leads = f"lead_id,created_at,customer_id\n1,{born},a"
        kpis = lagged(tmp_path, COSTS, customers, leads)
        got = values(kpis, "cac_lagged")
        assert (got["2026-02-01"], got["2026-03-01"]) == (of_february, of_march), born


@pytest.mark.kpi("boundary", "cac_lagged")
def test_the_lag_is_that_of_customers_of_eleven_months_ago_and_not_of_twelve(tmp_path):
    customers = "customer_id,acquired_on\nold,2025-04-01\nnew,2026-03-31"
    for acquired, wanted in (("2025-04-01", 60), ("2025-03-31", np.nan)):
        text = customers.replace("2025-04-01", acquired)
        leads = f"lead_id,created_at,customer_id\n1,{pd.Timestamp(acquired) - pd.DateOffset(months=1)},old"
        row = cell(lagged(tmp_path, COSTS, text, leads), "cac_lagged", "2026-03-01")
        assert row["value"] == pytest.approx(wanted, nan_ok=True)
        assert row["reason"] == ("none_eligible" if np.isnan(wanted) else "")


def test_a_long_lag_reaches_back_behind_everything_that_is_shown_and_finds_nothing_before_the_table(tmp_path):
    customers = "customer_id,acquired_on\na,2026-03-01\nb,2026-03-02"
    leads = "lead_id,created_at,customer_id\n1,2022-01-01,a\n2,2021-12-31,b"
    costs = "month,category,amount\n2022-01-01,other,100"
    kpis = lagged(tmp_path, costs, customers, leads, history_months=1)
    row = cell(kpis, "cac_lagged", "2026-03-01")
    assert (row["numerator"], row["value"]) == (50, 25)


@pytest.mark.parametrize("gone", ["costs", "leads"])
def test_it_needs_the_costs_and_the_leads(tmp_path, gone):
    tables = {"costs": COSTS, "customers": THREE, "leads": LEADS}
    kpis = kpis_of(tmp_path, {t: text for t, text in tables.items() if t != gone}, CUSTOMERS)
    found = kpis[kpis["kpi"] == "cac_lagged"]
    assert set(found["reason"]) == {"missing_table"}
    assert set(found["dimension"]) == {""}


def busy(rng: np.random.Generator) -> dict[str, str]:
    """Two years of costs, leads and customers of three channels or none."""
    months = pd.date_range("2024-01-01", "2026-03-01", freq="MS").strftime("%Y-%m-%d")
    channels = np.array(["web", "fair", "call", ""])
    spent = [
        f"{m},other,{c},{rng.integers(1, 99999)}e-2" for m in months for c in channels if rng.random() < 0.7
    ]
    born = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, 120), "D")
    won = born + pd.to_timedelta(rng.integers(0, 120, 120), "D")
    leads = [f"{i},{born[i].date()},{i}" for i in range(120) if rng.random() < 0.8]
    came = [f"{i},{rng.choice(channels)},{won[i].date()}" for i in range(120)]
    return {
        "costs": "\n".join(["month,category,channel,amount", *spent]),
        "leads": "\n".join(["lead_id,created_at,customer_id", *leads]),
        "customers": "\n".join(["customer_id,channel,acquired_on", *came]),
    }


@pytest.mark.kpi("law", "cac_lagged")
@pytest.mark.parametrize("seed", range(3))
def test_the_channels_sum_to_the_company_and_an_even_spend_costs_the_same_whatever_the_lag(tmp_path, seed):
    tables = busy(np.random.default_rng(seed))
    kpis = lagged(tmp_path, tables["costs"], tables["customers"], tables["leads"])
    found = kpis[kpis["kpi"] == "cac_lagged"].dropna(subset=["numerator"])
    whole = found[found["dimension"] == ""].set_index("period_start")
    parts = found[found["dimension"] == "channel"].groupby("period_start")[["numerator", "denominator"]].sum()
    pd.testing.assert_frame_equal(parts, whole[["numerator", "denominator"]])
    months = pd.date_range("2023-01-01", "2026-03-01", freq="MS").strftime("%Y-%m-%d")
    even = "\n".join(["month,category,channel,amount", *(f"{m},other,web,100" for m in months)])
    same = lagged(tmp_path, even, tables["customers"], tables["leads"]).set_index(
        ["kpi", "grain", "period_start", "dimension", "member"]
    )["value"]
    got = same["cac_lagged"].dropna()
    pd.testing.assert_series_equal(got, same["cac"].loc[got.index])


IDENTITY = "cost per customer: cost of the channels = cost"


def test_the_run_checks_that_the_costs_of_the_channels_are_all_costs(tmp_path):
    company = make_company(tmp_path, {"costs": COSTS, "customers": THREE, "leads": LEADS})
    kpis = kpi_table(company, CUSTOMERS)
    checked = identities(company, kpis).set_index("identity")
    assert checked.loc[IDENTITY, "status"] == "holds"
    assert checked.loc["members of channel = company", "status"] == "holds"
    for kpi in ("cac", "cac_lagged"):
        wrong = (kpis["kpi"] == kpi) & (kpis["member"] == "(unassigned)")
        planted = kpis.assign(numerator=kpis["numerator"].mask(wrong, kpis["numerator"] + 0.01))
        assert identities(company, planted).set_index("identity").loc[IDENTITY, "status"] == "broken", kpi
