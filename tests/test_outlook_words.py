"""What the page of the customers' outlook says: of whom, in which words, within the picture."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis import charts, tables
from analysis.company import open_company
from analysis.display import Note
from analysis.labels import Labels
from analysis.models.customers import customer_models
from analysis.models.evaluation import Verdict, decile_table, verdict
from analysis.models.factors import by_level, cut
from analysis.models.forecast import forecast_purchases
from analysis.models.orders import customer_days
from analysis.models.reasons import Words, order_reasons, silence, span, tenure
from analysis.models.staying import staying
from analysis.tables.risks import made_with, who
from analysis.texts import language
from companies import make_company
from conftest import ROOT

ORDERS = {"churn": {"basis": "orders"}, "revenue_from": "orders"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Every third customer fell silent more than a year ago."""
    rows = ["order_id,customer_id,ordered_at,amount,cost"]
    for i in range(150):
        last = date(2026, 3, 1) - timedelta(days=i % 20 + (500 if i % 3 == 0 else 0))
        rows += [f"{i}-{k},{i:05d},{last - timedelta(days=30 * k)},{10 + i % 7},4" for k in range(1 + i % 5)]
    company = make_company(tmp_path_factory.mktemp("shop"), {"orders": "\n".join(rows)}, **ORDERS)
    return customer_models(company), Labels.of(company)


def cells(table, name: str) -> tuple:
    return next(row.cells[1:] for row in table.body if row.cells[0] == name)


def test_the_worth_is_that_of_todays_customers_and_the_silent_have_a_row_of_their_own(shop):
    models, labels = shop
    outcome = models.outcomes["non_contractual"]
    customers = outcome.customers
    assert 0 < customers["watched"].sum() < len(customers) == 150
    assert outcome.today.value == pytest.approx(customers.loc[customers["watched"], "clv"].sum())
    assert outcome.today.low <= outcome.today.value <= outcome.today.high
    table = tables.outlook(models, labels)
    assert cells(table, "Customers today") == ("100",)
    worth = labels.money(outcome.today.value, labels.currency)
    assert cells(table, "What all customers of today are worth")[0].startswith(worth)
    rest = labels.money(outcome.total.value - outcome.today.value, labels.currency)
    assert cells(table, "No order for too long, not counted among those who order today") == (
        f"50, worth {rest}",
    )


def test_only_customers_of_today_are_to_be_called(shop):
    models, _ = shop
    watched = models.outcomes["non_contractual"].customers["watched"]
    assert len(models.actions) > 0
    assert watched[models.actions["customer_id"]].all()


def test_two_models_may_count_the_same_customer_and_say_so(shop):
    company = open_company("acme", None, ROOT / "params")
    labels = Labels.of(company)
    table = tables.outlook(customer_models(company), labels)
    assert any("counted in both" in note for note in table.notes)
    assert not any("counted in both" in note for note in tables.outlook(*shop).notes)


@pytest.mark.parametrize("tongue", ["en", "pl_PL"])
@pytest.mark.parametrize("model", ["contractual", "non_contractual"])
def test_a_title_names_its_model_and_ends_within_the_picture(tongue, model):
    factors = pd.DataFrame(
        {
            "model": model,
            "factor": "opiekun: Jan Kowalski-Wiśniewski, od",
            "level": ["do pół roku", "ponad rok"],
        }
    ).assign(n=9, risk=[0.2, 0.4])
    with language(tongue):
        ax = charts.risk_levels(factors, Labels("pl_PL", "PLN", date(2026, 6, 30)), model)
    ax.figure.draw_without_rendering()
    box = next(t for t in (ax._left_title, ax.title) if t.get_text()).get_window_extent()
    assert box.x1 <= ax.figure.bbox.x1
    names = {"contractual": "Customers under contract", "non_contractual": "Customers who order"}
    assert tongue != "en" or ax._left_title.get_text().replace("\n", " ").startswith(names[model])


def test_short_times_are_told_in_words():
    assert silence(0.2, 20, 4) == "ordered today, usually every 3 weeks"
    assert silence(0, 0, 0) == "one order only, today"
    assert silence(9, 1.1, 40) == "no order for 9 days, usually every day"
    assert (tenure(1), tenure(4), span(1)) == ("less than a month", "3 months", "1 day")


def test_one_of_a_thing_is_no_plural():
    customers = pd.DataFrame({"age_weeks": [50.0], "t_x_weeks": [45.0], "repeats": [5.0]})
    seen = pd.DataFrame({"gap_last_share": [0.1], "last_half": [1.0]})
    told = order_reasons(customers, seen).iloc[0].dropna().tolist()
    assert "1 repeat order in the later half of the time, 4 in the earlier" in told
    actual = pd.Series([2.0]).to_numpy()
    assert "1 customer, fewer than 500" in verdict(1, actual, actual, {}, 0.95).reasons
    days = customer_days(pd.DataFrame({"customer_id": [1, 1], "day": [0, 9], "amount": 5.0}))
    assert forecast_purchases(days, 20, 4).reason.startswith("1 customer, 1 with a repeat purchase")


def test_an_id_is_no_name():
    assert who("01004", "01004") == who(None, "01004") == who(float("nan"), "01004") == "01004"
    assert who("Firma", "01004") == "Firma (01004)"


def test_forecasts_have_names_in_the_reasons():
    actual = pd.Series([0.0, 1, 2, 3] * 50).to_numpy()
    reasons = verdict(200, actual, actual[::-1] + 0.1, {"mean_rate": actual + 0.1}, 0.95).reasons
    assert "worse than mean rate" in reasons
    assert "_" not in " ".join(reasons)


def test_a_company_of_orders_alone_reads_nothing_of_contracts_but_once(shop):
    models, labels = shop
    for part in (tables.calls, tables.levels, tables.looked_back, tables.scores):
        assert part(models, labels, "contractual") is None
        assert part(models, labels, "non_contractual") is not None
    assert charts.risk_levels(models.every("factors"), labels, "contractual") is None
    assert charts.came_true(models.every("calibration"), labels, "contractual") is None
    curve = charts.lasting(staying(models.inputs, "segment"), labels)
    table = tables.lasting(models, labels)
    assert isinstance(curve, Note) and isinstance(table, Note) and curve.cause == table.cause != ""


def test_of_many_levels_those_that_differ_most_are_shown_and_the_others_are_one():
    levels = pd.Series([f"rep {i:02d}" for i in range(12) for _ in range(5)] + ["risky"] * 3)
    risk = np.where(levels == "risky", 0.9, np.where(levels < "rep 05", 0.3, 0.1))
    table = by_level("salesperson", levels, risk)
    assert table["level"].iloc[0] == "risky" and "others" in set(table["level"])
    assert len(table) == 9 and table["n"].sum() == 63
    assert table["n"] @ table["risk"] == pytest.approx(risk.sum())


def test_equal_forecasts_stay_together_whatever_the_order_of_the_rows():
    found = decile_table([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1.0] * 10)
    assert found["customers"].tolist() == [10] and found["actual"].tolist() == [4.5]
    found = decile_table([0, 4, 1, 9], [1.0, 2.0, 1.0, 3.0], groups=4)
    assert found["customers"].to_dict() == {1: 1, 2: 1, 3: 2}
    assert found["actual"].tolist() == [9, 4, 0.5]


def test_one_risk_for_all_is_told_and_not_drawn(shop):
    models, labels = shop
    alike = replace(models.first, factors=models.first.factors.iloc[:0])
    found = tables.levels(replace(models, outcomes={"non_contractual": alike}), labels, "non_contractual")
    assert found.text == "Customers who order: all have the same risk, nothing tells them apart."
    nobody = replace(alike, customers=alike.customers.iloc[:0])
    found = tables.levels(replace(models, outcomes={"non_contractual": nobody}), labels, "non_contractual")
    assert found.text == "Customers who order: there are none to tell apart."


def changed(models, **fields):
    """The same models with another outcome of the orders."""
    return replace(models, outcomes={"non_contractual": replace(models.first, **fields)})


def test_whether_it_can_be_used_stands_first_and_a_failed_test_above_the_list(shop):
    models, labels = shop
    assert tables.outlook(models, labels).body[0].cells[0] == "Can it be used?"
    for word, missed, told in (
        ("usable", 0.1, "first"),
        ("do not use", 0.9, "failed its test: do not rest a decision on it"),
        ("do not use", np.nan, "could not be tested: do not rest a decision on it"),
    ):
        found = changed(models, verdict=Verdict(word, ()), missed=missed, tested_from=date(2025, 9, 1))
        assert tables.calls(found, labels, "non_contractual").caption.endswith(told)


def test_the_last_forecast_is_told_with_its_days_or_with_why_there_is_nothing_to_tell(shop):
    models, labels = shop
    row, day = "How wrong the last such forecast was", date(2025, 9, 1)
    for fields, told in (
        ({"missed": -0.085, "missed_spend": -0.266},
         "8.5% too few orders, 26.6% too little value, in 182 days"),
        ({"missed": np.nan}, "nothing was ordered after the earlier forecast"),
        ({"tested_from": None}, "there is no earlier forecast to look back at"),
        ({"missed": np.nan, "model": "contractual"}, "nobody left after the earlier forecast"),
    ):  # fmt: skip
        found = changed(models, **({"tested_from": day, "tested_days": 182} | fields))
        assert cells(tables.outlook(found, labels), row) == (told,)


def test_a_test_shorter_than_the_forecast_is_told(shop):
    models, labels = shop
    ahead = models.horizon_weeks * 7
    told = f"Customers who order: the forecast looks {ahead} days ahead and was tested on 60 days"
    for days, said in ((60, True), (ahead, False)):
        found = changed(models, tested_from=date(2025, 9, 1), tested_days=days)
        assert (told in tables.outlook(found, labels).notes) == said


def test_worth_is_that_of_a_month_or_of_months(shop):
    models, labels = shop
    for months, told in ((1, "in the coming month,"), (36, "in the coming 36 months,")):
        assert told in tables.outlook(replace(models, months=months), labels).notes[0]


@pytest.mark.parametrize(
    ("method", "fallback", "told"),
    [
        ("geometric_mean", "", "Used: geometric mean"),
        ("geometric_mean", "bg_nbd, credibility", "Used: geometric mean, with BG/NBD, credibility"),
        ("naive_rate", "naive_rate", "Used: naive rate"),
        ("naive_rate", "naive_rate, mean_amount", "Used: naive rate, with mean amount"),
        ("kaplan_meier", "kaplan_meier", "Used: kaplan meier"),
    ],
)
def test_what_was_used_is_named_once(shop, method, fallback, told):
    assert made_with(replace(shop[0].first, method=method, fallback=fallback)) == told


def test_thirds_of_a_number_say_where_they_begin_and_end():
    months = pd.Series([1, 6, 6, 7, 13, 13, 20, 30, 40])
    assert cut(months, Words()).tolist() == ["up to 6"] * 3 + ["over 6, up to 13"] * 3 + ["over 13"] * 3
    assert cut(pd.Series([4, 4, 4]), Words()).tolist() == ["up to 4"] * 3
