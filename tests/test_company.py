"""A company as of a day: what happened later is unknown; links, customers and reps are filled in."""

from datetime import date, datetime
from decimal import Decimal

import pandas as pd
import pytest

from analysis.errors import AnalysisError, MissingTable
from source_folders import Project, rows


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


DEALS = """
opportunity_id,outcome,created_at,first_contact_at,closed_at,amount,customer_id,lead_id,rep_id
1,won,2026-01-10,,2026-02-10 23:59,100,a,,r1
2,lost,2026-01-10,,2026-02-11 00:00,,b,,r1
3,won,2026-02-11,,2026-03-01,50,c,,
4,open,2026-01-15,,2026-12-31,70,a,,r9
"""


# --- as of ------------------------------------------------------------------------------------------------


def test_a_deal_closed_after_the_day_is_open_and_one_created_after_it_does_not_exist(project):
    project.write("opportunities.csv", DEALS)
    company = project.open(as_of="2026-02-10")
    assert rows(company, "opportunities", "opportunity_id", "outcome", "closed_at", "amount") == [
        ("1", "won", datetime(2026, 2, 10, 23, 59), Decimal(100)),
        ("2", "open", None, None),
        ("4", "open", None, Decimal(70)),
    ]
    assert company.as_of == date(2026, 2, 10)
    assert company.ledger.set_index("table").loc["opportunities", "after_as_of"] == 1


def test_the_day_ends_at_midnight_where_the_company_is(project):
    project.write(
        "orders.csv", "order_id,ordered_at,amount\n1,2026-02-10T22:59:59Z,1\n2,2026-02-10T23:00:00Z,1\n"
    )
    assert rows(project.open(as_of="2026-02-10"), "orders", "order_id") == [("1",)]
    assert len(rows(project.open(as_of="2026-02-10", timezone="UTC"), "orders", "order_id")) == 2


def test_later_facts_of_every_table_are_unknown(project):
    project.write(
        "leads.csv",
        "lead_id,created_at,first_contact_at,qualified_at\n1,2026-01-01,2026-01-31,2026-02-01\n2,2026-02-01,,\n",
    )
    project.write(
        "emails.csv",
        "email_id,sent_at,opened_at,machine_open,clicked_at,unsubscribed_at\n"
        "1,2026-01-31,2026-02-01,true,2026-02-01,2026-02-02\n2,2026-01-30,2026-01-31,true,2026-02-01,\n",
    )
    project.write(
        "subscriptions.csv",
        "subscription_id,customer_id,started_on,ended_on,mrr\n1,a,2026-01-01,2026-02-01,5\n2,a,2026-01-01,2026-01-31,5\n",
    )
    project.write(
        "reps.csv",
        "rep_id,name,started_on,ended_on\n1,Ann,2025-01-01,2026-02-01\n2,Bob,2026-02-01,\n3,Cy,,\n",
    )
    project.write(
        "tasks.csv",
        "task_id,created_at,due_on,completed_at,cancelled_at\n"
        "1,2026-01-01,2026-05-01,2026-02-01,\n2,2026-01-01,,,2026-02-01\n",
    )
    project.write(
        "notifications.csv", "notification_id,rep_id,created_at,cleared_at\n1,1,2026-01-31,2026-02-01\n"
    )
    project.write("customers.csv", "customer_id,name,acquired_on\na,A,2026-02-01\n")
    company = project.open(as_of="2026-01-31")
    assert rows(company, "leads", "lead_id", "first_contact_at", "qualified_at") == [
        ("1", datetime(2026, 1, 31), None)
    ]
    assert rows(
        company, "emails", "email_id", "opened_at", "machine_open", "clicked_at", "unsubscribed_at"
    ) == [
        ("1", None, False, None, None),
        ("2", datetime(2026, 1, 31), True, None, None),
    ]
    assert rows(company, "subscriptions", "subscription_id", "ended_on") == [
        ("1", None),
        ("2", date(2026, 1, 31)),
    ]
    assert rows(company, "reps", "rep_id", "ended_on") == [("1", None), ("3", None)]
    assert rows(company, "tasks", "task_id", "due_on", "completed_at", "cancelled_at") == [
        ("1", date(2026, 5, 1), None, None),
        ("2", None, None, None),
    ]
    assert rows(company, "notifications", "cleared_at", "cleared_at_utc") == [(None, None)]
    assert rows(company, "customers", "customer_id", "acquired_on") == [("a", date(2026, 1, 1))]


def test_later_rows_of_every_table_do_not_exist(project):
    project.write("costs.csv", "month,category,amount\n2026-01-01,other,1\n2026-02-01,other,1\n")
    project.write("rates.csv", "currency,date,rate\nEUR,2026-01-31,4\nEUR,2026-02-01,5\n")
    project.write("annotations.csv", "date,text\n2026-01-31,a\n2026-02-01,b\n")
    project.write("stage_history.csv", "opportunity_id,stage,entered_at\n1,a,2026-01-31\n1,b,2026-02-01\n")
    project.write("activities.csv", "activity_id,rep_id,at\n1,r,2026-01-31 23:00\n2,r,2026-02-01 00:00\n")
    project.write(
        "targets.csv",
        "metric,scope,period_start,period,target,valid_from\nrevenue,company,2026-03-01,month,1,\n"
        "revenue,company,2026-03-01,month,2,2026-01-31\nrevenue,company,2026-03-01,month,3,2026-02-01\n",
    )
    company = project.open(as_of="2026-01-31")
    counts = company.ledger.set_index("table")["accepted"].to_dict()
    assert counts == {
        "reps": 1, "costs": 1, "rates": 1, "annotations": 1, "stage_history": 1, "activities": 1, "targets": 2
    }  # fmt: skip


LAST_MONTH = {
    "opportunities.csv": """
        opportunity_id,outcome,created_at,first_contact_at,closed_at,amount,customer_id,lead_id,rep_id
        1,won,2026-01-10,,2026-01-20,100,a,,r1
        2,open,2026-01-10,,,,b,,r1
        3,open,,,,,b,,r1
        5,open,2026-01-12,,,5,d,,
        """,
    "leads.csv": """
        lead_id,created_at,first_contact_at,opportunity_id
        L1,2026-01-05,,1
        L3,2026-01-06,2026-01-07,3
        """,
    "orders.csv": "order_id,ordered_at,amount\n1,2026-01-05,5\n2,bad,5\n",
}
THIS_MONTH = {
    "opportunities.csv": """
        opportunity_id,outcome,created_at,first_contact_at,closed_at,amount,customer_id,lead_id,rep_id
        6,open,2026-02-03,,,1,e,,r7
        1,won,2026-01-10,,2026-01-20,100,a,,r1
        2,won,2026-01-10,,2026-02-09,,b,,r1
        3,lost,,,2026-02-02,,b,,r1
        5,won,2026-01-12,,2026-02-02,5,d,,
        6,won,2026-02-03,,2026-02-05,1,e,,r7
        7,won,,,2026-02-08,1,f,,r8
        """,
    "leads.csv": """
        lead_id,created_at,first_contact_at,opportunity_id
        L1,2026-01-05,2026-02-01,1
        L3,2026-01-06,2026-01-07,3
        L7,2026-02-07,2026-02-08,7
        """,
    "orders.csv": "order_id,ordered_at,amount\n1,2026-01-05,5\n2,bad,5\n3,2026-02-05,5\n3,2026-02-06,5\n",
}


def test_this_months_files_as_of_last_month_give_what_last_months_gave(project):
    def seen():
        company = project.open(as_of="2026-01-31")
        tables = {t: rows(company, t) for t in ("opportunities", "leads", "orders", "customers", "reps")}
        return tables, company.first_event, company.quarantine.drop(columns=["line", "row"]).values.tolist()

    for name, text in LAST_MONTH.items():
        project.write(name, text)
    last = seen()
    for name, text in THIS_MONTH.items():
        project.write(name, text)
    assert seen() == last


def test_latest_is_the_last_day_on_which_anything_happened_and_nothing_planned_counts(project):
    project.write("opportunities.csv", DEALS)
    project.write("tasks.csv", "task_id,created_at,due_on\n1,2026-02-01,2027-01-01\n")
    project.write(
        "targets.csv", "metric,scope,period_start,period,target\nrevenue,company,2027-01-01,month,1\n"
    )
    project.write("rates.csv", "currency,date,rate\nEUR,2026-05-01,4\n")
    project.write("orders.csv", "order_id,ordered_at,amount\n1,2026-03-04T23:30:00Z,5\n2,2026-08-01,bad\n")
    assert project.open(as_of="latest").as_of == date(2026, 3, 5)


def test_latest_without_any_event_is_refused(project):
    project.write("reps.csv", "rep_id,name,started_on\n1,Ann,2026-01-01\n")
    with pytest.raises(AnalysisError, match="as_of: latest needs a table in which something happened"):
        project.open(as_of="latest")


def test_the_first_event_is_the_earliest_known_on_the_day(project):
    project.write("opportunities.csv", DEALS)
    project.write("reps.csv", "rep_id,name,started_on\n1,Ann,2020-01-01\n")
    assert project.open().first_event == date(2026, 1, 10)
    project.write("customers.csv", "customer_id,name,acquired_on\na,A,2025-12-24\n")
    assert project.open().first_event == date(2025, 12, 24)


def test_a_day_before_anything_has_empty_tables_and_is_its_own_first_event(project):
    project.write("opportunities.csv", DEALS)
    company = project.open(as_of="2025-01-01")
    assert rows(company, "opportunities") == []
    assert company.first_event == date(2025, 1, 1)


# --- links ------------------------------------------------------------------------------------------------


def test_a_deal_without_creation_gets_its_leads_whichever_side_holds_the_link(project):
    project.write(
        "opportunities.csv",
        "opportunity_id,outcome,created_at,lead_id\n1,open,,L1\n2,open,,\n3,open,2026-01-09,L3\n4,open,,\n",
    )
    project.write(
        "leads.csv",
        "lead_id,created_at,opportunity_id\n"
        "L1,2026-01-01 10:00,\nL2,2026-01-03,2\nL2b,2026-01-02,2\nL3,2026-01-04,\n",
    )
    company = project.open()
    assert rows(company, "opportunities", "opportunity_id", "created_at", "created_at_utc", "lead_id") == [
        ("1", datetime(2026, 1, 1, 10), datetime(2026, 1, 1, 9), "L1"),
        ("2", datetime(2026, 1, 2), None, "L2b"),
        ("3", datetime(2026, 1, 9), None, "L3"),
        ("4", None, None, None),
    ]
    assert rows(company, "leads", "lead_id", "opportunity_id") == [
        ("L1", "1"),
        ("L2", "2"),
        ("L2b", "2"),
        ("L3", "3"),
    ]
    assert company.has_column("opportunities", "created_at")


def test_the_interval_is_checked_after_the_lead_gave_its_start(project):
    project.write("opportunities.csv", "opportunity_id,outcome,closed_at,lead_id\n1,won,2026-01-01,L1\n")
    project.write("leads.csv", "lead_id,created_at\nL1,2026-01-03\n")
    company = project.open()
    assert rows(company, "opportunities", "interval_ok") == [(False,)]
    assert company.quarantine["reason"].tolist() == ["closed before it started"]


def test_a_leads_deal_that_does_not_exist_yet_stays_its_deal(project):
    project.write("opportunities.csv", "opportunity_id,outcome,created_at\n1,open,2026-02-01\n")
    project.write("leads.csv", "lead_id,created_at,opportunity_id\nL1,2026-01-03,1\n")
    assert rows(project.open(as_of="2026-01-31"), "leads", "opportunity_id") == [("1",)]


# --- customers and reps -----------------------------------------------------------------------------------


def test_customers_are_made_of_the_ids_in_deals_orders_and_subscriptions(project):
    project.write("opportunities.csv", DEALS)
    project.write(
        "orders.csv",
        "order_id,ordered_at,amount,customer_id\n1,2026-01-02,-5,b\n2,2026-01-03,5,b\n3,2026-01-04,1,\n",
    )
    project.write(
        "subscriptions.csv",
        "subscription_id,customer_id,started_on,mrr\n1,d,2026-01-06,0\n2,a,2026-02-20,5\n",
    )
    company = project.open()
    assert rows(company, "customers", "customer_id", "acquired_on") == [
        ("a", date(2026, 2, 10)),
        ("b", date(2026, 1, 3)),
        ("c", date(2026, 3, 1)),
        ("d", date(2026, 1, 6)),
    ]
    ledger = company.ledger.set_index("table").loc["customers"]
    assert (ledger["source"], ledger["rows_read"], ledger["accepted"]) == ("derived", 4, 4)
    assert ledger["note"] == "derived from the ids in opportunities, orders, subscriptions"


def test_a_customers_own_day_goes_before_the_derived_one(project):
    project.write("opportunities.csv", DEALS)
    project.write("customers.csv", "customer_id,name,acquired_on\na,A,2024-01-01\nc,C,\nz,Z,\n")
    company = project.open()
    assert rows(company, "customers", "customer_id", "acquired_on") == [
        ("a", date(2024, 1, 1)),
        ("c", date(2026, 3, 1)),
        ("z", None),
    ]
    notes = company.ledger.set_index("table")["note"]
    assert notes["opportunities"] == "1 of an unknown customer"


def test_reps_are_made_of_the_ids_seen_anywhere(project):
    project.write("opportunities.csv", DEALS)
    project.write("tasks.csv", "task_id,created_at,rep_id\n1,2026-02-01,r2\n")
    project.write(
        "targets.csv",
        "metric,scope,scope_id,period_start,period,target\n"
        "revenue,rep,r3,2026-01-01,month,1\nrevenue,team,north,2026-01-01,month,1\n",
    )
    assert rows(project.open(), "reps", "rep_id", "name", "team") == [
        ("r1", "r1", None), ("r2", "r2", None), ("r3", "r3", None), ("r9", "r9", None)
    ]  # fmt: skip


def test_a_deal_of_an_unknown_rep_stays_and_is_counted(project):
    project.write("opportunities.csv", DEALS)
    project.write("reps.csv", "rep_id,name\nr1,Ann\n")
    company = project.open()
    assert ("4", "r9") in rows(company, "opportunities", "opportunity_id", "rep_id")
    assert company.ledger.set_index("table").loc["opportunities", "note"] == "1 of an unknown rep"


def test_a_company_without_any_rep_id_has_no_reps(project):
    project.write("orders.csv", "order_id,ordered_at,amount\n1,2026-01-05,5\n")
    assert not project.open().has("reps")


# --- what a company answers -------------------------------------------------------------------------------


def test_a_table_that_is_absent_says_so_in_one_sentence(project):
    project.write("orders.csv", "order_id,ordered_at,amount\n1,2026-01-05,5\n")
    company = project.open()
    assert company.has("orders") and not company.has("emails")
    with pytest.raises(MissingTable, match=r"^Firma has no table emails\.$"):
        company.table("emails")
    with pytest.raises(MissingTable):
        _ = company.emails
    with pytest.raises(KeyError):
        company.table("mails")
    with pytest.raises(AttributeError):
        _ = company.mails


def test_a_column_is_there_only_when_the_source_supplies_it(project):
    project.write("orders.csv", "order_id,ordered_at,amount,channel\n1,2026-01-05,5,\n")
    company = project.open()
    assert company.has_column("orders", "channel")
    assert not company.has_column("orders", "cost")
    assert not company.has_column("emails", "sent_at")
    assert "cost" in company.orders.columns


def test_the_tables_have_exact_types(project):
    project.write("opportunities.csv", DEALS)
    schema = {name: str(kind) for name, kind in project.open().opportunities.schema().items()}
    assert {
        name: schema[name]
        for name in ("opportunity_id", "closed_at", "closed_at_utc", "amount", "interval_ok")
    } == {
        "opportunity_id": "string",
        "closed_at": "timestamp(6)",
        "closed_at_utc": "timestamp(6)",
        "amount": "decimal(20, 6)",
        "interval_ok": "boolean",
    }


def test_the_day_may_be_given_as_text_as_a_date_or_left_to_the_params(project):
    project.write("orders.csv", "order_id,ordered_at,amount\n1,2026-01-05,5\n")
    assert project.open().as_of == date(2026, 3, 31)
    assert project.open(as_of="").as_of == date(2026, 3, 31)
    assert project.open(as_of="2026-01-06").as_of == date(2026, 1, 6)
    assert project.open(as_of="latest").as_of == date(2026, 1, 5)
    with pytest.raises(AnalysisError, match="is no date"):
        project.open(as_of="yesterday")


def test_loading_twice_gives_the_same(project):
    project.write("opportunities.csv", DEALS)
    first, second = project.open(), project.open()
    pd.testing.assert_frame_equal(first.ledger, second.ledger)
    for table in first.ledger["table"]:
        pd.testing.assert_frame_equal(first.table(table).to_pandas(), second.table(table).to_pandas())


def test_nothing_of_the_loading_stays_behind(project):
    project.write("opportunities.csv", DEALS)
    company = project.open()
    names = company.con.con.execute(
        "SELECT table_schema, table_name FROM information_schema.tables"
    ).fetchall()
    assert sorted(names) == [("main", "customers"), ("main", "opportunities"), ("main", "reps")]
    assert company.con.con.execute("SELECT current_setting('TimeZone')").fetchone() == ("UTC",)


def test_the_order_of_rows_in_a_file_does_not_matter(project):
    project.write("opportunities.csv", DEALS)
    before = rows(project.open(), "opportunities")
    head, *lines = DEALS.strip().splitlines()
    project.write("opportunities.csv", "\n".join([head, *reversed(lines)]))
    assert rows(project.open(), "opportunities") == before
