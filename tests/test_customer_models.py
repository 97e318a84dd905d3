"""The models on whole companies: who is in the table, what it says, what odd companies get instead."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.company import open_company
from analysis.full_table import full_table, model_table
from analysis.models.candidates import PURCHASE_MODELS
from analysis.models.contracts import FALLBACKS
from analysis.models.customers import customer_models
from analysis.models.outcome import COLUMNS
from companies import cell, make_company, values
from conftest import ROOT

MONTHLY = {"churn": {"basis": "subscriptions"}, "gross_margin": 0.5, "discount_rate": 0.0}
ORDERS = {"churn": {"basis": "orders"}, "revenue_from": "orders"}
WORDS = {"usable", "indicative", "do not use"}


def subscriptions(*rows: str) -> dict[str, str]:
    return {"subscriptions": "\n".join(["subscription_id,customer_id,started_on,ended_on,mrr,plan", *rows])}


def orders(*rows: str) -> dict[str, str]:
    return {"orders": "\n".join(["order_id,customer_id,ordered_at,amount,cost", *rows])}


def many_contracts(count: int, leave: bool = True) -> list[str]:
    """Contracts begun a week apart; of those that may leave every third does, after five months."""
    rows = []
    for i in range(count):
        start = date(2024, 1, 1) + timedelta(weeks=i % 60)
        end = start + timedelta(days=150) if leave and i % 3 == 0 else ""
        rows.append(f"s{i},c{i:03d},{start},{end},{100 + i},basic")
    return rows


def many_orders(count: int) -> list[str]:
    rows = []
    for i in range(count):
        start = date(2024, 6, 1) + timedelta(days=3 * (i % 90))
        for k in range(1 + i % 5):
            day = start + timedelta(days=(20 + i % 37) * k)
            if day <= date(2026, 3, 31):
                rows.append(f"o{i}-{k},c{i:03d},{day},{10 + i % 7},{4 + i % 3}")
    return rows


TINY = {
    "one customer": (subscriptions("1,a,2026-01-01,,10,x"), MONTHLY),
    "begun today": (subscriptions("1,a,2026-03-31,,10,x"), MONTHLY),
    "all left": (subscriptions("1,a,2026-01-01,2026-02-01,10,x", "2,b,2025-01-01,2026-02-01,10,x"), MONTHLY),
    "nobody left": (subscriptions(*many_contracts(40, leave=False)), MONTHLY),
    "one date, one price": (subscriptions(*(f"{i},c{i},2025-01-01,,10,x" for i in range(60))), MONTHLY),
    "no plan, no price": (subscriptions("1,a,2026-01-01,,0,"), MONTHLY),
    "no contract yet": (subscriptions(), MONTHLY),
    "one order": (orders("1,a,2026-03-31,5,1"), ORDERS),
    "one refund": (orders("1,a,2026-03-30,-5,"), ORDERS),
    "no order names a customer": (orders("1,,2026-03-30,5,"), ORDERS),
    "all on one day": (orders(*(f"{i},c{i},2026-03-01,7,2" for i in range(150))), ORDERS),
    "ties": (orders(*(f"{i}-{k},c{i},2026-0{k}-01,7,7" for i in range(120) for k in (1, 2, 3))), ORDERS),
    "each order is a loss": (orders(*(f"{i}-{k},c{i},2025-{k:02d}-{1 + i % 28},5,9"
                                      for i in range(130) for k in range(1, 2 + i % 9))), ORDERS),
    "orders worth nothing": (orders(*(f"{i},c{i % 9},2026-01-{1 + i % 28:02d},0,"
                                      for i in range(60))), ORDERS),
    "both": (subscriptions("1,a,2026-01-01,,10,x") | orders("1,a,2026-02-01,5,1"), MONTHLY),
}  # fmt: skip


@pytest.mark.parametrize("shape", TINY)
def test_a_tiny_or_odd_company_gets_finite_numbers_and_a_named_fallback(tmp_path, shape):
    tables, params = TINY[shape]
    company = make_company(tmp_path, tables, **params)
    models = customer_models(company)
    found = models.customers
    assert list(found.columns) == list(COLUMNS)
    always = ["p_active", "churn_risk", "expected_value", "clv", "clv_low", "clv_high"]
    assert np.isfinite(found[always].to_numpy()).all()
    bought = found[found["model"] == "non_contractual"]
    assert np.isfinite(bought.filter(like="expected_orders").to_numpy()).all()
    assert found["p_active"].between(0, 1).all()
    assert (found["clv_low"] <= found["clv"] + 1e-9).all() and (
        found["clv"] <= found["clv_high"] + 1e-9
    ).all()
    assert set(found["verdict"]) <= WORDS
    assert found["fallback"].notna().all()
    for outcome in models.outcomes.values():
        numbers = [outcome.leaving_value, *vars(outcome.leaving).values(), *vars(outcome.total).values()]
        assert np.isfinite(numbers).all()
    kpis = model_table(company, models)
    assert np.isfinite(kpis["value"].dropna()).all()


@pytest.mark.kpi("worked", "clv_model")
def test_customers_of_whom_nobody_ever_left_bring_their_price_for_the_whole_horizon(tmp_path):
    rows = many_contracts(40, leave=False)
    company = make_company(tmp_path, subscriptions(*rows), **MONTHLY, model={"clv_horizon_months": 24})
    row = cell(full_table(company), "clv_model", "2026-03-01")
    # prices 100 to 139, half of it margin, 24 months, no discount, nobody leaves
    assert row["numerator"] == pytest.approx(0.5 * 24 * sum(range(100, 140)))
    assert (row["n"], row["denominator"], row["unit"]) == (40, 40, "EUR")
    assert row["value"] == pytest.approx(0.5 * 24 * 119.5)
    assert row["low"] <= row["value"] <= row["high"]


@pytest.mark.kpi("empty", "clv_model")
def test_only_the_periods_that_hold_the_day_have_a_value(tmp_path):
    company = make_company(tmp_path, subscriptions(*many_contracts(20)), **MONTHLY, history_months=6)
    kpis = full_table(company)
    months = kpis[(kpis["kpi"] == "clv_model") & (kpis["grain"] == "month") & (kpis["dimension"] == "")]
    assert months["value"].notna().tolist() == [False] * (len(months) - 1) + [True]
    assert set(months["reason"][:-1]) == {"none_eligible"}
    gone = make_company(tmp_path / "gone", subscriptions("1,a,2025-01-01,2025-02-01,9,x"), **MONTHLY)
    assert cell(full_table(gone), "clv_model", "2026-03-01")["reason"] == "no_denominator"


@pytest.mark.kpi("boundary", "clv_model")
def test_who_ends_on_the_day_is_no_customer_any_more_and_who_ends_the_day_after_is(tmp_path):
    rows = ["1,a,2025-01-01,2026-03-31,10,x", "2,b,2025-01-01,2026-04-01,10,x", "3,c,2026-03-31,,10,x",
            "4,d,2026-04-01,,10,x"]  # fmt: skip
    company = make_company(tmp_path, subscriptions(*rows), **MONTHLY)
    assert customer_models(company).customers["customer_id"].tolist() == ["b", "c"]


@pytest.mark.kpi("law", "clv_model")
def test_who_last_ordered_just_so_long_ago_is_no_customer_of_today_any_more(tmp_path):
    rows = ["1,gone,2025-12-31,5,1", "2,there,2026-01-01,5,1", "3,now,2026-03-31,5,1"]
    params = ORDERS | {"churn": {"basis": "orders", "inactive_days": 90}}
    customers = customer_models(make_company(tmp_path, orders(*rows), **params)).outcomes["non_contractual"]
    assert customers.customers["watched"].to_dict() == {"gone": False, "now": True, "there": True}


def test_ten_times_the_price_is_ten_times_the_value_and_segments_add_up_to_the_whole(tmp_path):
    rows = [row.split(",") for row in many_contracts(60)]
    dear = [",".join([*row[:4], str(int(row[4]) * 10), row[5]]) for row in rows]
    segments = "customer_id,segment\n" + "\n".join(f"c{i:03d},{'xyz'[i % 3]}" for i in range(59))
    whole = {}
    for name, lines in (("plain", [",".join(row) for row in rows]), ("dear", dear)):
        tables = subscriptions(*lines) | {"customers": segments}
        whole[name] = full_table(make_company(tmp_path / name, tables, **MONTHLY))
    plain, ten = (cell(whole[name], "clv_model", "2026-03-01") for name in ("plain", "dear"))
    assert ten["value"] == pytest.approx(10 * plain["value"], rel=1e-6)
    kpis = whole["plain"]
    rows = kpis[(kpis["kpi"] == "clv_model") & (kpis["grain"] == "month") & (kpis["dimension"] == "segment")]
    assert set(rows["member"]) <= {"x", "y", "z", "(unassigned)"}
    assert rows["numerator"].sum() == pytest.approx(plain["numerator"])
    assert rows["n"].sum() == plain["n"]


def test_with_both_models_each_has_its_rows_and_churn_of_subscriptions_asks_for_the_contracts(tmp_path):
    tables = subscriptions(*many_contracts(30)) | orders(*many_orders(150))
    by_contract = make_company(tmp_path / "one", tables, **MONTHLY)
    models = customer_models(by_contract)
    assert list(models.outcomes) == ["contractual", "non_contractual"]
    assert models.customers["model"].value_counts().to_dict() == {"non_contractual": 150, "contractual": 20}
    assert models.customers.groupby("model")["expected_orders"].count().to_dict() == {
        "contractual": 0,
        "non_contractual": 150,
    }
    assert values(model_table(by_contract, models), "clv_model", grain="year") != {}
    assert cell(model_table(by_contract, models), "clv_model", "2026-03-01")["n"] == 20
    by_order = make_company(tmp_path / "two", tables, **ORDERS)
    assert cell(full_table(by_order), "clv_model", "2026-03-01")["n"] == 150


def test_the_table_has_its_types_and_the_horizon_ends_so_many_weeks_after_the_day(tmp_path):
    company = make_company(
        tmp_path, subscriptions(*many_contracts(30)), **MONTHLY, model={"horizon_weeks": 10}
    )
    found = customer_models(company).customers
    assert set(found["horizon_end"]) == {pd.Timestamp("2026-06-09")}
    assert {str(kind) for kind in found.filter(regex="^(p_|churn|expected|clv)").dtypes} == {"float64"}
    assert found["customer_id"].tolist() == sorted(found["customer_id"])
    assert (found["p_active"] + found["churn_risk"]).tolist() == pytest.approx([1.0] * len(found))
    assert found["reason_1"].str.len().gt(0).all()


def test_a_day_back_in_time_gives_what_was_known_then(tmp_path):
    known = orders(*many_orders(150))
    later = {"orders": known["orders"] + "\nz1,c001,2026-03-15,900,1\nz2,new,2026-03-20,5,1"}
    then = make_company(
        tmp_path / "then",
        known,
        **ORDERS,
    )
    now = make_company(tmp_path / "now", later, **ORDERS)
    back = open_company("tiny", as_of="2026-03-01", params_dir=tmp_path / "now" / "params")
    same = open_company("tiny", as_of="2026-03-01", params_dir=tmp_path / "then" / "params")
    pd.testing.assert_frame_equal(customer_models(back).customers, customer_models(same).customers)
    assert len(customer_models(now).customers) == len(customer_models(then).customers) + 1


def test_what_knows_the_future_is_left_out_and_told(tmp_path):
    rows = many_contracts(60)
    segment = ["left" if row.split(",")[3] else "stays" for row in rows]
    customers = "customer_id,segment,channel\n" + "\n".join(
        f"c{i:03d},{segment[i]},{'ab'[i % 2]}" for i in range(60)
    )
    tables = subscriptions(*rows) | {"customers": customers}
    inputs = customer_models(make_company(tmp_path, tables, **MONTHLY)).inputs
    assert [leak.column for leak in inputs.leaks] == ["segment"]
    assert "segment" not in inputs.features and "channel" in inputs.features


def test_a_plan_that_was_renamed_when_the_contract_ended_is_left_out_and_told(tmp_path):
    rows = [row.replace("basic", "cancelled" if row.split(",")[3] else "basic") for row in many_contracts(60)]
    found = customer_models(make_company(tmp_path, subscriptions(*rows), **MONTHLY)).inputs
    assert [leak.column for leak in found.leaks] == ["plan"]
    assert found.subscriptions is not None and "plan" not in found.subscriptions
    rows = [row.replace("basic", "ab"[i % 2]) for i, row in enumerate(many_contracts(60))]
    found = customer_models(make_company(tmp_path / "honest", subscriptions(*rows), **MONTHLY)).inputs
    assert not found.leaks and found.subscriptions is not None and "plan" in found.subscriptions


def test_quick_deals_that_were_won_before_the_contract_began_are_known_with_their_cycle(tmp_path):
    deals = """
        opportunity_id,outcome,customer_id,created_at,first_contact_at,closed_at,amount
        1,won,a,2025-01-01,2025-01-11,2025-01-31,9
        2,won,b,2025-03-01,,2025-03-31,9
        3,won,b,2025-02-01,,2025-05-31,9
        4,lost,c,2025-01-01,,2025-01-02,9
    """
    rows = ["1,a,2025-02-01,,10,x", "2,b,2025-03-01,,10,x", "3,c,2025-03-01,,10,x"]
    inputs = customer_models(make_company(tmp_path, subscriptions(*rows) | {"opportunities": deals})).inputs
    cycle = inputs.customers.set_index("customer_id")["cycle_days"]
    assert cycle["a"] == 20
    assert cycle[["b", "c"]].isna().all()


def test_the_sample_shows_that_the_quick_closers_customers_leave():
    models = customer_models(open_company("acme", None, ROOT / "params"))
    outcome = models.outcomes["contractual"]
    owner = models.inputs.customers.set_index("customer_id")["rep_id"].reindex(outcome.customers.index)
    risk = outcome.customers["churn_risk"].groupby(owner).mean()
    assert risk[["R03", "R07"]].min() > risk[["R02", "R06", "R09"]].max()
    assert outcome.verdict.word != "do not use"
    assert models.outcomes["non_contractual"].verdict.word == "do not use"


def test_the_page_on_the_models_explains_every_column_and_fallback():
    text = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    short = {name for name in COLUMNS if name.startswith("expected_orders_")} | {"reason_2"}
    names = {*COLUMNS, *PURCHASE_MODELS, *FALLBACKS.values(), "regression", "boosting", "naive_rate"}
    missing = {name for name in names - short - {"pareto_nbd"} if f"`{name}`" not in text}
    assert not missing


def test_where_nobody_ever_left_the_interval_holds_what_that_leaves_possible(tmp_path):
    company = make_company(tmp_path, subscriptions(*many_contracts(40, leave=False)), **MONTHLY)
    outcome = customer_models(company).outcomes["contractual"]
    assert outcome.leaving.value == outcome.leaving.low == 0 and 0 < outcome.leaving.high < 40
    assert 0.5 * outcome.total.value < outcome.total.low < outcome.total.value == outcome.total.high
    assert (outcome.customers["clv_low"] < outcome.customers["clv"]).all()


def test_a_forecast_that_was_never_tested_leaves_everything_possible(tmp_path):
    rows = [f"{i},c{i},2026-03-31,10,4" for i in range(30)]
    outcome = customer_models(make_company(tmp_path, orders(*rows), **ORDERS)).outcomes["non_contractual"]
    assert (outcome.leaving.low, outcome.leaving.high) == (0, 30)


def test_without_a_margin_there_is_no_expected_margin(tmp_path):
    rows = [",".join(row.split(",")[:4]) for row in many_orders(60)]
    tables = {"orders": "\n".join(["order_id,customer_id,ordered_at,amount", *rows])}
    company = make_company(tmp_path, tables, **ORDERS)
    models = customer_models(company)
    assert not models.inputs.margin_known and models.customers["clv"].notna().all()
    found = cell(model_table(company, models), "clv_model", "2026-03-01")
    assert np.isnan(found["value"]) and found["reason"] == "missing_column"
