"""What lies undone and with whom, how points came about, and the follow-up tasks for what nobody touched."""

import csv
import io
from pathlib import Path

import pandas as pd
import pytest

from analysis import tables
from analysis.behind import overdue_tasks, uncalled_leads, uncleared_notifications
from analysis.company import Company
from analysis.display import Note, Table
from analysis.follow_up import COLUMNS, follow_ups, untold
from analysis.kpi_table import kpi_table
from analysis.labels import Labels
from analysis.report.customers import FOLDER
from analysis.report.follow_up import save_follow_up
from companies import make_company, values

REPS = "rep_id,name,email\nann,Ann,ann@x.example\nbob,Bob,\n"
UNDONE = {
    "reps": REPS,
    "tasks": """
        task_id,rep_id,title,created_at,due_on,completed_at,cancelled_at,points
        t1,ann,Call them,2026-03-01,2026-03-30,,,1
        t2,bob,,2026-03-01,2026-03-10,,,2
        t3,,Send it,2026-03-01,2026-03-10,,,2
        t4,bob,On time,2026-03-01,2026-03-31,,,2
        t5,bob,Done,2026-03-01,2026-03-10,2026-03-31,,2
        t6,bob,Off,2026-03-01,2026-03-10,,2026-03-31,2
    """,
    "notifications": """
        notification_id,rep_id,created_at,cleared_at
        n1,ann,2026-03-31T09:00:00,
        n2,ann,2026-03-01T23:00:00,
        n3,bob,2026-03-01T23:00:00,2026-03-31T10:00:00
    """,
    "leads": """
        lead_id,created_at,rep_id,first_contact_at
        l1,2026-03-20T10:00:00,ann,
        l2,2026-03-01T10:00:00,ann,2026-03-31
        l3,2026-03-02T10:00:00,,
        l4,2026-01-02T10:00:00,ann,
    """,
    "activities": "activity_id,rep_id,at,kind,lead_id\n1,ann,2026-03-31T10:00:00,call,l4",
}


def opened(folder: Path, files: dict[str, str], **params) -> tuple[Company, pd.DataFrame, Labels]:
    company = make_company(folder, files, locale="en_US", **params)
    return company, kpi_table(company, ["leads", "goals"]), Labels.of(company)


def lines(table: Table | Note) -> list[tuple[str, ...]]:
    assert isinstance(table, Table), table
    return [row.cells for row in table.body]


def test_the_lists_hold_what_the_kpis_count_the_oldest_first(tmp_path):
    company, kpis, _ = opened(tmp_path, UNDONE)
    tasks, notes, leads = overdue_tasks(company), uncleared_notifications(company), uncalled_leads(company)
    assert tasks[["task_id", "days", "rep"]].values.tolist() == [
        ["t2", 21, "bob"],
        ["t3", 21, "(unassigned)"],
        ["t1", 1, "ann"],
    ]
    assert notes[["notification_id", "days"]].values.tolist() == [["n2", 30], ["n1", 0]]
    assert leads[["lead_id", "days", "rep"]].values.tolist() == [
        ["l3", 29, "(unassigned)"],
        ["l1", 11, "ann"],
    ]
    assert values(kpis, "tasks_overdue")["2026-03-01"] == len(tasks)
    assert values(kpis, "notifications_uncleared")["2026-03-01"] == len(notes)
    assert values(kpis, "unworked_leads")["2026-03-01"] == 3, "l4 is unworked, but somebody called"


def test_who_is_behind_stands_by_name_with_the_number_and_the_age_of_what_lies(tmp_path):
    table = tables.behind(*opened(tmp_path, UNDONE))
    assert lines(table) == [
        ("Ann", "1", "1", "2", "30", "1", "11"),
        ("Bob", "1", "21", "–", "–", "–", "–"),
        ("not assigned", "1", "21", "–", "–", "1", "29"),
    ]


def test_the_lists_are_shown_with_names_titles_and_days(tmp_path):
    client, kpis, labels = opened(tmp_path, UNDONE)
    assert lines(tables.overdue(client, kpis, labels, first=2)) == [
        ("t2", "Mar 10, 2026", "21", "Bob"),
        ("Send it", "Mar 10, 2026", "21", "not assigned"),
    ]
    assert tables.overdue(client, kpis, labels, first=2).caption.startswith("The oldest of 3 overdue tasks")
    assert tables.overdue(client, kpis, labels).caption.startswith("All 3 overdue tasks")
    assert [line[0] for line in lines(tables.uncleared(client, kpis, labels))] == ["n2", "n1"]
    assert [line[0] for line in lines(tables.uncalled(client, kpis, labels))] == ["l3", "l1"]


def test_a_kind_the_company_does_not_have_is_left_out_and_named(tmp_path):
    client, kpis, labels = opened(tmp_path, {name: UNDONE[name] for name in ("reps", "tasks")})
    table = tables.behind(client, kpis, labels)
    assert len(table.head) == 3 and len(table.notes) == 2
    assert "`notifications`" in table.notes[0] and "`leads`" in table.notes[1]
    assert isinstance(tables.uncleared(client, kpis, labels), Note)


def test_without_any_of_it_one_sentence_says_what_is_missing(tmp_path):
    client, kpis, labels = opened(tmp_path, {"orders": "order_id,ordered_at,amount\n1,2026-03-01,5"})
    for table in (tables.behind, tables.overdue, tables.uncleared, tables.uncalled, tables.points):
        note = table(client, kpis, labels)
        assert isinstance(note, Note) and "no table" in note.text


def test_points_are_told_with_the_weight_of_each_task_and_nobody_is_ranked(tmp_path):
    tasks = """
        task_id,rep_id,created_at,completed_at,points
        1,bob,2026-02-01,2026-03-01T00:00:00,8
        2,bob,2026-02-01,2026-03-31T23:59:59,8
        3,bob,2026-02-01,2026-03-02,0.5
        4,ann,2026-02-01,2026-03-02,
        5,ann,2026-02-01,2026-02-28T23:59:59,100
    """
    client, kpis, labels = opened(tmp_path, {"reps": REPS, "tasks": tasks}, min_n=2)
    table = tables.points(client, kpis, labels)
    assert lines(table) == [
        ("Ann", "1", "0", "1 × 0"),
        ("Bob", "3", "16.50", "1 × 0.50 + 2 × 8"),
        ("All", "4", "16.50", "1 × 0 + 1 × 0.50 + 2 × 8"),
    ]
    assert [row.status for row in table.body] == ["small_n", "ok", "ok"]


# --- follow-up --------------------------------------------------------------------------------------------

# 31 March 2026 is a Tuesday, Good Friday the 3rd of April and Easter Monday the 6th are days off in Poland
NEW = {
    "reps": REPS,
    "customers": """
        customer_id,name,rep_id,acquired_on
        c1,Alone Ltd,ann,2026-03-05
        c2,Called Ltd,ann,2026-03-05
        c3,Tasked Ltd,ann,2026-03-05
        c4,Contacted Ltd,ann,2026-03-05
        c5,Old Ltd,ann,2025-03-05
    """,
    "opportunities": """
        opportunity_id,outcome,created_at,first_contact_at,closed_at,customer_id
        d1,won,2026-03-01,,2026-03-05,c1
        d2,won,2026-03-01,,2026-03-05,c2
        d3,won,2026-03-01,,2026-03-05,c3
        d4,won,2026-03-01,2026-03-02,2026-03-05,c4
        d9,open,2026-03-01,,,
    """,
    "leads": """
        lead_id,created_at,rep_id,first_contact_at,opportunity_id,customer_id
        alone,2026-03-20T10:00:00,ann,,,
        owned,2026-03-19T10:00:00,,,,c1
        contacted,2026-03-20T10:00:00,ann,2026-03-31,,
        called,2026-03-20T10:00:00,ann,,,
        tasked,2026-03-20T10:00:00,ann,,,
        cancelled,2026-03-20T10:00:00,bob,,,
        qualified,2026-03-20T10:00:00,ann,,d9,
        last_new,2026-01-01T00:00:00,ann,,,
        too_old,2025-12-31T23:59:59,ann,,,
    """,
    "tasks": """
        task_id,created_at,cancelled_at,lead_id,opportunity_id
        1,2026-03-30,,tasked,
        2,2026-03-30,2026-03-31,cancelled,
        3,2026-03-30,,,d3
    """,
    "activities": """
        activity_id,rep_id,at,kind,lead_id,opportunity_id
        1,ann,2026-03-31T10:00:00,call,called,
        2,ann,2026-03-31T10:00:00,call,,d2
    """,
}


def test_there_is_a_task_for_each_new_lead_and_account_that_nobody_has_touched(tmp_path):
    company, _, labels = opened(tmp_path, NEW, country="PL", maturity_days=90)
    found = follow_ups(company, labels)
    assert list(found.columns) == COLUMNS
    assert found[["Lead ID", "Company ID", "Company name", "Created on"]].values.tolist() == [
        ["last_new", "", "", "2026-01-01"],
        ["owned", "c1", "Alone Ltd", "2026-03-19"],
        ["alone", "", "", "2026-03-20"],
        ["cancelled", "", "", "2026-03-20"],
        ["", "c1", "Alone Ltd", "2026-03-05"],
    ]
    assert found["Task name"].tolist()[-2:] == ["Call lead cancelled", "Call new customer Alone Ltd"]
    assert found["Assigned to"].tolist() == ["ann@x.example", "", "ann@x.example", "", "ann@x.example"]
    assert found["Assignee name"].tolist() == ["Ann", "", "Ann", "Bob", "Ann"]
    assert found["Priority"].tolist() == ["High"] * 4 + ["Low"]
    assert untold(company) == (False, False)


def test_a_lead_is_due_on_the_next_selling_day_and_an_account_on_the_third(tmp_path):
    due = {}
    for as_of in ("2026-03-31", "2026-04-02"):
        company, _, labels = opened(tmp_path / as_of, NEW, country="PL", as_of=as_of)
        found = follow_ups(company, labels)
        due[as_of] = (found["Due date"].iloc[0], found["Due date"].iloc[-1])
    assert due["2026-03-31"] == ("2026-04-01", "2026-04-03"), "Good Friday is no day off in Poland"
    assert due["2026-04-02"] == ("2026-04-03", "2026-04-08"), "the 6th is Easter Monday"


def test_where_no_data_can_show_a_touch_nothing_is_taken_for_untouched(tmp_path):
    bare = {"leads": "lead_id,created_at\nl,2026-03-01", "customers": "customer_id,acquired_on\nc,2026-03-01"}
    company, _, labels = opened(tmp_path, bare)
    assert untold(company) == (True, True)
    assert len(follow_ups(company, labels)) == 0
    note = tables.follow_up(company, labels)
    assert isinstance(note, Note) and "cannot show" in note.text


def test_without_a_task_the_file_is_the_header_alone(tmp_path):
    company, _, labels = opened(tmp_path, {"orders": "order_id,ordered_at,amount\n1,2026-03-01,5"})
    save_follow_up(company, labels, tmp_path)
    assert (tmp_path / "follow_up.csv").read_text(encoding="utf-8") == ",".join(COLUMNS) + "\n"


HOSTILE = ["=HYPERLINK(1)", "+1", "-1", "@x", "<script>alert(1)</script>", "x" * 3000, "שלום", "🙂"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text_in_the_file_and_on_the_page(tmp_path, name):
    files = {
        "reps": f"rep_id,name,email\nann,{name},{name}\n",
        "customers": f"customer_id,name,rep_id,acquired_on\nc,{name},ann,2026-03-05",
        "leads": f"lead_id,created_at,rep_id,first_contact_at,customer_id\n{name},2026-03-20,ann,,",
        "tasks": f"task_id,rep_id,title,created_at,due_on,completed_at\n1,ann,{name},2026-03-01,2026-03-10,",
    }
    company, kpis, labels = opened(tmp_path, files)
    save_follow_up(company, labels, tmp_path)
    text = (tmp_path / "follow_up.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 2, "the lead and the customer"
    assert not [cell for row in rows for cell in row.values() if cell[:1] in ("=", "+", "-", "@")]
    assert rows[0]["Lead ID"].removeprefix("'") == name
    for table in (tables.follow_up(company, labels), tables.overdue(company, kpis, labels)):
        assert "<script>" not in table._repr_html_()
        assert max(len(cell) for row in table.body for cell in row.cells) <= 60


def test_by_hand_nothing_is_written_and_in_a_batch_it_lies_beside_the_report(tmp_path, monkeypatch):
    company, _, labels = opened(tmp_path, NEW)
    monkeypatch.delenv(FOLDER, raising=False)
    assert "Nothing was written" in save_follow_up(company, labels).text
    (tmp_path / "report").mkdir()
    monkeypatch.setenv(FOLDER, str(tmp_path / "report"))
    note = save_follow_up(company, labels)
    assert note.text == "Written beside this report: follow_up.csv, with 5 tasks."
    assert [path.name for path in (tmp_path / "report").iterdir()] == ["follow_up.csv"]


def test_under_pseudonyms_neither_a_name_nor_an_address_of_a_person_is_in_it(tmp_path):
    company, _, labels = opened(tmp_path, NEW, people="pseudonyms")
    text = follow_ups(company, labels).to_csv()
    assert "Ann" not in text and "x.example" not in text and "Rep " in text
