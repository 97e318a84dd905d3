"""What bad rows get: duplicates, splits, broken intervals, currencies, the quarantine and the 5 % rule."""

import json
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.errors import QuarantineError
from analysis.sources.loading import LEDGER
from source_folders import Project, rows


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


def ids(company, table, column):
    return [i for (i,) in rows(company, table, column)]


def quarantined(company):
    return company.quarantine[["table", "line", "key", "reason", "value"]].values.tolist()


def ledger(company, table):
    row = company.ledger.set_index("table").loc[table]
    return {name: int(row[name]) for name in LEDGER[2:-1] if row[name]}


# --- duplicates -------------------------------------------------------------------------------------------


def test_identical_rows_of_a_key_are_one_row_and_the_rest_is_counted(project):
    project.write(
        "orders.csv",
        "order_id,ordered_at,amount,note\n1,2026-01-05,5,a\n2,2026-01-05,6,\n1,2026-01-05,5.00,b\n",
    )
    company = project.open()
    assert ids(company, "orders", "order_id") == ["1", "2"]
    assert quarantined(company) == []
    assert ledger(company, "orders") == {"rows_read": 3, "duplicates": 1, "accepted": 2}


def test_rows_of_a_key_that_differ_are_all_quarantined_even_twins_among_them(project):
    project.write(
        "orders.csv",
        "order_id,ordered_at,amount\n1,2026-01-05,5\n2,2026-01-05,6\n1,2026-01-05,5\n1,2026-01-05,7\n",
    )
    company = project.open()
    assert ids(company, "orders", "order_id") == ["2"]
    assert quarantined(company) == [["orders", line, "1", "conflicting_duplicate", "1"] for line in (2, 4, 5)]
    assert ledger(company, "orders") == {"rows_read": 4, "quarantined": 3, "accepted": 1}


def test_missing_values_are_equal_to_each_other_among_duplicates(project):
    project.write("reps.csv", "rep_id,name,team\n1,Ann,\n1,Ann,\n2,Bob,\n2,Bob,North\n")
    company = project.open()
    assert ids(company, "reps", "rep_id") == ["1"]
    assert [row[3] for row in quarantined(company)] == ["conflicting_duplicate"] * 2


def test_a_target_is_named_by_all_it_says_missing_parts_included(project):
    project.write(
        "targets.csv",
        "metric,scope,scope_id,period_start,period,target,valid_from\n"
        "revenue,company,,2026-01-01,month,100,\n"
        "revenue,company,,2026-01-01,month,120,2026-01-10\n"
        "revenue,company,,2026-01-01,month,100,\n"
        "units,company,,2026-01-01,month,5,\nunits,company,,2026-01-01,month,6,\n",
    )
    company = project.open()
    assert rows(company, "targets", "target") == [(Decimal(100),), (Decimal(120),)]
    assert ledger(company, "targets") == {"rows_read": 5, "duplicates": 1, "quarantined": 2, "accepted": 2}


def test_identical_costs_are_different_costs(project):
    project.write("costs.csv", "month,category,amount\n2026-01-01,other,5\n2026-01-01,other,5\n")
    assert ledger(project.open(), "costs") == {"rows_read": 2, "accepted": 2}


# --- splits -----------------------------------------------------------------------------------------------


def test_thirds_sum_to_exactly_one_the_remainder_on_the_first_of_the_largest(project):
    project.write(
        "opportunity_splits.csv",
        "opportunity_id,rep_id,share\n1,a,0.333333\n1,b,0.333333\n1,c,0.333333\n2,a,0.5\n2,b,0.3\n2,c,0.2\n",
    )
    found = rows(project.open(), "opportunity_splits", "opportunity_id", "rep_id", "share")
    assert sorted(found) == [
        ("1", "a", Decimal("0.333334")),
        ("1", "b", Decimal("0.333333")),
        ("1", "c", Decimal("0.333333")),
        ("2", "a", Decimal("0.5")),
        ("2", "b", Decimal("0.3")),
        ("2", "c", Decimal("0.2")),
    ]


def test_splits_that_do_not_sum_to_one_are_quarantined_for_their_deal_alone(project):
    project.write("opportunities.csv", "opportunity_id,outcome,rep_id\n1,open,x\n2,open,y\n")
    project.write(
        "opportunity_splits.csv", "opportunity_id,rep_id,share\n1,a,0.6\n1,b,0.5\n2,a,0.5\n2,b,0.5\n"
    )
    company = project.open()
    assert quarantined(company) == [
        ["opportunity_splits", 2, "1 a", "splits do not sum to 1", "0.6"],
        ["opportunity_splits", 3, "1 b", "splits do not sum to 1", "0.5"],
    ]
    assert ids(company, "opportunity_splits", "opportunity_id") == ["2", "2"]
    assert ids(company, "opportunities", "opportunity_id") == ["1", "2"]


def test_an_unreadable_share_takes_the_other_shares_of_its_deal_along(project):
    project.write("opportunity_splits.csv", "opportunity_id,rep_id,share\n1,a,half\n1,b,0.5\n")
    assert [row[3] for row in quarantined(project.open())] == ["unreadable share", "splits do not sum to 1"]


# --- intervals --------------------------------------------------------------------------------------------


def test_a_deal_closed_before_it_started_stays_with_its_interval_marked(project):
    project.write(
        "opportunities.csv",
        "opportunity_id,outcome,created_at,first_contact_at,closed_at,amount\n"
        "1,won,2026-01-10,,2026-01-09,5\n"
        "2,won,2026-01-10 12:00,,2026-01-10,5\n"
        "3,won,2026-01-10 12:00,,2026-01-10 11:59,5\n"
        "4,won,2026-01-10,2026-01-05,2026-01-06,5\n"
        "5,won,,,2026-01-06,5\n",
    )
    company = project.open(max_quarantined="0")
    assert rows(company, "opportunities", "opportunity_id", "interval_ok") == [
        ("1", False), ("2", True), ("3", False), ("4", True), ("5", True)
    ]  # fmt: skip
    assert quarantined(company) == [
        ["opportunities", 2, "1", "closed before it started", "2026-01-09 00:00:00"],
        ["opportunities", 4, "3", "closed before it started", "2026-01-10 11:59:00"],
    ]
    assert ledger(company, "opportunities") == {"rows_read": 5, "flagged": 2, "accepted": 5}
    assert company.ledger["note"].tolist()[-1] == "1 without any date of their start"


def test_leads_and_tasks_with_a_broken_interval_stay_marked(project):
    project.write(
        "leads.csv",
        "lead_id,created_at,first_contact_at,qualified_at\n1,2026-01-10,2026-01-09,2026-01-08\n2,2026-01-10,,\n",
    )
    project.write(
        "tasks.csv", "task_id,created_at,completed_at\n1,2026-01-10,2026-01-09\n2,2026-01-10,2026-01-10\n"
    )
    company = project.open()
    assert rows(company, "leads", "lead_id", "interval_ok") == [("1", False), ("2", True)]
    assert rows(company, "tasks", "task_id", "interval_ok") == [("1", False), ("2", True)]
    assert [row[3] for row in quarantined(company)] == [
        "contacted before it was created; qualified before it was created",
        "completed before it was created",
    ]


def test_a_subscription_that_ended_before_its_start_is_taken_out_and_such_a_rep_stays_in_the_team(project):
    project.write(
        "subscriptions.csv",
        "subscription_id,customer_id,started_on,ended_on,mrr\n"
        "1,a,2026-01-10,2026-01-09,5\n2,a,2026-01-10,2026-01-10,5\n3,a,2026-01-10,,5\n",
    )
    project.write(
        "reps.csv", "rep_id,name,started_on,ended_on\n1,Ann,2026-01-10,2026-01-01\n2,Bob,2026-01-10,\n"
    )
    company = project.open()
    assert ids(company, "subscriptions", "subscription_id") == ["2", "3"]
    assert rows(company, "reps", "rep_id", "interval_ok") == [("1", False), ("2", True)]
    assert quarantined(company) == [
        ["reps", 2, "1", "ended before it started", "2026-01-01"],
        ["subscriptions", 2, "1", "ended before it started", "2026-01-09"],
    ]
    assert ledger(company, "reps") == {"rows_read": 2, "flagged": 1, "accepted": 2}


def test_a_decided_deal_needs_the_day_of_its_decision(project):
    project.write(
        "opportunities.csv",
        "opportunity_id,outcome,closed_at\n1,won,\n2,lost,\n3,open,\n4,won,who knows\n5,open,2030-01-01\n",
    )
    company = project.open()
    assert [row[2:] for row in quarantined(company)] == [
        ["1", "missing closed_at", ""],
        ["2", "missing closed_at", ""],
        ["4", "unreadable closed_at", "who knows"],
    ]
    assert rows(company, "opportunities", "opportunity_id", "closed_at") == [("3", None), ("5", None)]


# --- currencies -------------------------------------------------------------------------------------------

RATES = "currency,date,rate\nEUR,2026-01-05,4.20\nEUR,2026-02-02,4.30\nUSD,2026-01-05,3.90\n"


def test_an_amount_uses_the_last_rate_on_or_before_its_day(project):
    project.write("rates.csv", RATES)
    project.write(
        "orders.csv",
        "order_id,ordered_at,amount,cost,currency\n"
        "1,2026-01-05,100,10,EUR\n2,2026-02-01 23:59,100,,eur\n3,2026-02-02,100,,EUR\n"
        "4,2026-02-02,100,,\n5,2026-02-02,100,,PLN\n6,2026-01-04,100,,EUR\n7,2026-02-02,100,,CHF\n",
    )
    company = project.open()
    found = rows(company, "orders", "order_id", "amount", "cost", "currency")
    assert found == [
        ("1", Decimal(420), Decimal(42), "PLN"),
        ("2", Decimal(420), None, "PLN"),
        ("3", Decimal(430), None, "PLN"),
        ("4", Decimal(100), None, "PLN"),
        ("5", Decimal(100), None, "PLN"),
    ]
    assert quarantined(company) == [
        ["orders", 7, "6", "no_exchange_rate", "EUR"],
        ["orders", 8, "7", "no_exchange_rate", "CHF"],
    ]


def test_a_deal_is_converted_on_the_day_it_closed_or_began(project):
    project.write("rates.csv", RATES)
    project.write(
        "opportunities.csv",
        "opportunity_id,outcome,created_at,first_contact_at,closed_at,amount,currency\n"
        "1,won,2026-01-06,,2026-02-03,1000000,EUR\n2,open,2026-01-06,,2026-02-03,10,EUR\n"
        "3,open,,2026-01-06,,10,EUR\n4,open,,,,10,EUR\n5,open,,,,,CHF\n",
    )
    assert rows(project.open(), "opportunities", "opportunity_id", "amount") == [
        ("1", Decimal(4300000)),
        ("2", Decimal(42)),
        ("3", Decimal(42)),
        ("4", Decimal(43)),
        ("5", None),
    ]
    assert rows(project.open(as_of="2026-02-02"), "opportunities", "opportunity_id", "amount")[0] == (
        "1",
        Decimal(4200000),
    )


def test_a_rate_of_a_later_day_is_not_known_yet(project):
    project.write(
        "rates.csv", "currency,date,rate\nEUR,2026-01-05,4.20\nEUR,2026-01-05,4.20\nEUR,2026-03-01,9\n"
    )
    project.write(
        "costs.csv", "month,category,amount,currency\n2026-01-01,other,10,EUR\n2026-02-01,other,10,EUR\n"
    )
    company = project.open(as_of="2026-02-10")
    assert rows(company, "costs", "amount") == [(Decimal(42),)]
    assert ledger(company, "rates") == {"rows_read": 3, "after_as_of": 1, "duplicates": 1, "accepted": 1}


def test_products_of_large_amounts_and_shares_do_not_overflow(project):
    project.write("opportunities.csv", "opportunity_id,outcome,amount\n1,open,250000000\n")
    project.write("opportunity_splits.csv", "opportunity_id,rep_id,share\n1,a,1\n")
    company = project.open()
    deals = company.opportunities.join(company.opportunity_splits, "opportunity_id")
    assert (deals.amount * deals.share).sum().to_pyarrow().as_py() == Decimal(250000000)


# --- quarantine -------------------------------------------------------------------------------------------


def test_line_numbers_are_those_of_the_file_where_values_span_lines(project):
    project.write(
        "reps.csv",
        'rep_id,name,started_on\n1,"Ann\nMaria\nLęcka",2026-01-01\n\n2,Bob,soon\n3,"C\nD",never\n4,E,2026-01-01\n',
    )
    assert [row[1:3] for row in quarantined(project.open())] == [[6, "2"], [7, "3"]]


def test_line_numbers_count_the_blanks_of_a_white_space_file(project):
    project.write("sold.txt", " order_id ordered_at amount\n\n 1 2026-01-01 x\n")
    company = project.open("orders: {file: sold.txt, format: {delimiter: whitespace}}")
    assert [row[1] for row in quarantined(company)] == [3]


def test_all_that_a_quarantined_row_held_is_kept(project):
    project.write("reps.csv", 'rep_id,name,"Sta""rt",started_on\n,Łucja,x,someday\n')
    found = project.open().quarantine
    assert list(found.columns) == ["table", "file", "line", "key", "reason", "value", "row"]
    assert json.loads(found["row"][0]) == {
        "rep_id": None,
        "name": "Łucja",
        'Sta"rt': "x",
        "started_on": "someday",
    }
    assert found["reason"][0] == "missing rep_id; unreadable started_on"


def test_no_quarantine_is_an_empty_frame_with_its_columns(project):
    project.write("reps.csv", "rep_id,name\n1,Ann\n")
    project.write("orders.csv", "order_id,ordered_at,amount\n1,2026-01-01,1\n")
    found = project.open().quarantine
    assert list(found.columns) == ["table", "file", "line", "key", "reason", "value", "row"]
    assert found.empty


def deals(bad: int, good: int) -> str:
    lines = [f"b{i},{'Won!' if i % 3 else 'n/a'},2026-01-0{1 + i % 5}" for i in range(bad)]
    lines += [f"g{i},won,2026-01-01" for i in range(good)]
    return "\n".join(["opportunity_id,outcome,closed_at", *lines]) + "\n"


def test_five_percent_may_be_quarantined_and_no_row_more(project):
    project.write("opportunities.csv", deals(5, 95))
    assert ledger(project.open(max_quarantined="0.05"), "opportunities")["quarantined"] == 5
    project.write("opportunities.csv", deals(6, 94))
    with pytest.raises(QuarantineError) as caught:
        project.open(max_quarantined="0.05")
    assert str(caught.value) == (
        "data/opportunities.csv: opportunities: 6 of 100 rows quarantined (6.0 %), "
        "more than max_quarantined: 0.05 allows\n"
        "  unknown outcome (6 rows): 'Won!' (4), 'n/a' (2)\n"
        "    expected open, won or lost; did you mean `won`? Map them in params/firma.yaml under "
        "source.tables.opportunities.values.outcome"
    )


def test_a_decimal_comma_without_its_format_is_refused_with_the_remedy(project):
    project.write("orders.csv", 'order_id,ordered_at,amount\n1,2026-01-05,"12,50"\n2,2026-01-05,"1 234,00"\n')
    with pytest.raises(QuarantineError) as caught:
        project.open(max_quarantined="0.05")
    assert (
        'For a decimal comma write `format: {decimal: ","}` in params/firma.yaml under source.tables.orders'
        in str(caught.value)
    )


def test_rows_after_the_day_do_not_thin_the_share_out(project):
    project.write(
        "orders.csv",
        "order_id,ordered_at,amount\n1,2026-01-05,x\n" + "".join(f"9{i},2026-03-01,1\n" for i in range(99)),
    )
    project.open(max_quarantined="0.05", as_of="2026-03-01")
    with pytest.raises(QuarantineError, match="1 of 1 rows"):
        project.open(max_quarantined="0.05", as_of="2026-02-01")


def test_tables_with_too_much_are_all_told(project):
    project.write("orders.csv", "order_id,ordered_at,amount\n1,2026-01-05,x\n")
    project.write("leads.csv", "lead_id,created_at\n1,x\n")
    with pytest.raises(QuarantineError) as caught:
        project.open(max_quarantined="0.05")
    assert [line.split(":")[0] for line in str(caught.value).splitlines() if line.startswith("data")] == [
        "data/leads.csv",
        "data/orders.csv",
    ]


# --- ledger -----------------------------------------------------------------------------------------------

order_rows = st.lists(
    st.tuples(
        st.sampled_from(["1", "2", "3", "4", ""]),
        st.sampled_from(["2026-01-01", "2026-01-02 10:00", "2026-06-01", "bad", ""]),
        st.sampled_from(["1", "2", "bad"]),
        st.sampled_from(["EUR", "PLN", ""]),
        st.sampled_from(["true", "false", ""]),
    ),
    max_size=30,
)


@given(order_rows)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_read_is_accounted_for_once(project, lines):
    project.data.joinpath("orders.csv").write_text(
        "\n".join(["order_id,ordered_at,amount,currency,gone", *map(",".join, lines)]) + "\n"
    )
    company = project.open("orders: {where: {gone: false}}")
    row = company.ledger.set_index("table").loc["orders"]
    assert row["rows_read"] == len(lines)
    parts = ["filtered", "after_as_of", "duplicates", "quarantined", "accepted"]
    assert row["rows_read"] == sum(row[p] for p in parts)
    assert row["accepted"] == len(rows(company, "orders", "order_id"))
    assert row["quarantined"] == len(company.quarantine)
