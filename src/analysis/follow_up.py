"""A follow-up task for each new lead and account that nobody has touched, as work tools import tasks.

New is what is younger than the company's `maturity_days`. A lead is touched by a first contact, an
opportunity, an activity or a task that is not cancelled; an account by any of these on one of its leads or
deals. Where a company's data can show no touch at all, nothing is known to be untouched, and there are no
tasks.

The columns are those that the importers of ClickUp (tasks), HubSpot (tasks) and Pipedrive (activities) have a
field for; each asks which column is which. Dates are ISO, High and Low are priorities of all three.
"""

from datetime import date, timedelta

import ibis
import pandas as pd
from ibis import Table

from analysis.behind import acted_on, without
from analysis.company import Company
from analysis.facts import Facts
from analysis.labels import Labels
from analysis.pipeline import WORK, lead_work, links
from analysis.selling_days import selling_days
from analysis.texts import say

COLUMNS = [
    "Task name", "Description", "Task type", "Status", "Priority", "Due date", "Assigned to", "Assignee name",
    "Lead ID", "Company ID", "Company name", "Created on",
]  # fmt: skip
"""
============== =============== =============== ===================
here           ClickUp         HubSpot         Pipedrive
============== =============== =============== ===================
Task name      Task name       Task title      Subject
Description    Description     Notes           Note
Task type      custom field    Task type       Type
Status         Status          Status          custom, or left out
Priority       Priority        Priority        Priority
Due date       Due date        Due date        Due date
Assigned to    Assignee        Assigned to     Assigned to user
Company name   custom field    Company         Organization
============== =============== =============== ===================
"""
DUE = {"lead": 1, "account": 3}  # by which selling day after the report's
LATEST = timedelta(days=60)  # within which there is such a day in any country
IDS = ("lead_id", "opportunity_id")


def follow_ups(company: Company, labels: Labels) -> pd.DataFrame:
    """The tasks, the soonest due first, then the oldest; COLUMNS, all of them text, empty where unknown."""
    facts = Facts(company)
    leads, accounts = new_leads(facts), new_accounts(facts)
    found = pd.concat([leads.assign(what="lead"), accounts.assign(what="account")], ignore_index=True)
    found["due"] = found["what"].map(due_days(facts))
    found["created"] = pd.to_datetime(found["created"]).dt.normalize()
    found = found.sort_values(["due", "created", "what", "id"], ignore_index=True)
    names = found["name"].where(found["name"].notna(), found["id"])
    tasks = {
        "Task name": [
            say("Call lead {lead}", lead=i) if what == "lead" else say("Call new customer {name}", name=name)
            for what, i, name in zip(found["what"], found["id"], names, strict=True)
        ],
        "Description": [
            described(what, labels.day(day), labels)
            for what, day in zip(found["what"], found["created"], strict=True)
        ],
        "Task type": "Call",
        "Status": "To do",
        "Priority": found["what"].map({"lead": "High", "account": "Low"}),
        "Due date": found["due"],
        "Assigned to": found["email"],
        "Assignee name": found["rep_name"].where(found["rep_name"].notna(), found["rep_id"]),
        "Lead ID": found["id"].where(found["what"] == "lead"),
        "Company ID": found["customer_id"],
        "Company name": found["name"],
        "Created on": found["created"].dt.strftime("%Y-%m-%d"),
    }
    return pd.DataFrame(tasks, columns=COLUMNS, index=found.index).astype("str").fillna("")


def described(what: str, day: str, labels: Labels) -> str:
    """Why the task is there, in a sentence."""
    until = labels.day(labels.as_of)
    if what == "lead":
        return say("New lead of {day}; nobody had been in touch by {until}.", day=day, until=until)
    return say("New customer since {day}; nobody had been in touch by {until}.", day=day, until=until)


def due_days(facts: Facts) -> dict[str, str]:
    """The day each kind of task is due, as ISO text: so many selling days after the report's day."""
    days = selling_days(facts.company.params.country, facts.calendar)
    first = facts.company.as_of + timedelta(days=1)
    return {what: str(days.nth(first, first + LATEST, k)) for what, k in DUE.items()}


def untold(company: Company) -> tuple[bool, bool]:
    """Whether the data cannot show that a lead, and that an account, was touched."""
    leads = company.has("leads") and (
        company.has_column("leads", "first_contact_at") or bool(tasked(company, "lead_id"))
        or bool(acted_on(company, "lead_id"))
    )  # fmt: skip
    return not leads, not (company.has("customers") and touched_accounts(Facts(company)))


# --- leads and accounts -----------------------------------------------------------------------------------


def new_leads(facts: Facts) -> pd.DataFrame:
    """New leads nobody has touched: id, created, customer_id, name (of the customer), rep and e-mail."""
    company = facts.company
    if untold(company)[0]:
        return pd.DataFrame(columns=["id", "created", "customer_id", "name", "rep_id", "rep_name", "email"])
    work = lead_work(facts)
    fresh = work.filter(work.created_at >= ibis.date(since(company)), *(work[c].isnull() for c in WORK))
    idle = without(fresh, "lead_id", [*acted_on(company), *tasked(company, "lead_id")])
    leads = company.table("leads")
    rows = leads.semi_join(idle, "lead_id").select(
        "customer_id", "rep_id", id=leads.lead_id, created=leads.created_at.date()
    )
    return described_rows(company, rows)


def new_accounts(facts: Facts) -> pd.DataFrame:
    """New customers nobody has touched: the columns of `new_leads`."""
    company = facts.company
    if untold(company)[1]:
        return pd.DataFrame(columns=["id", "created", "customer_id", "name", "rep_id", "rep_name", "email"])
    customers = company.table("customers")
    fresh = customers.filter(customers.acquired_on >= ibis.date(since(company)))
    idle = without(fresh, "customer_id", touched_accounts(facts))
    rows = idle.select("customer_id", "rep_id", id=idle.customer_id, created=idle.acquired_on)
    return described_rows(company, rows)


def since(company: Company) -> date:
    """The first day of what is new."""
    return company.as_of - timedelta(days=company.params.maturity_days - 1)


def described_rows(company: Company, rows: Table) -> pd.DataFrame:
    """The rows with the names of their customer and rep, and the rep's e-mail."""
    frame = rows.to_pandas()
    for table, key, names in (
        ("customers", "customer_id", {"name": "name"}),
        ("reps", "rep_id", {"name": "rep_name", "email": "email"}),
    ):
        if company.has(table):
            of = company.table(table)
            known = of.semi_join(rows, key).select(key, *names)
            frame = frame.merge(known.to_pandas().rename(columns=names), how="left", on=key, validate="m:1")
        else:
            frame = frame.assign(**dict.fromkeys(names.values()))
    return frame


# --- touches ----------------------------------------------------------------------------------------------


def tasked(company: Company, column: str) -> list[Table]:
    """The ids of a column of `tasks` that a task not cancelled is linked to: one table, or none."""
    if not company.has("tasks") or not company.has_column("tasks", column):
        return []
    tasks = company.table("tasks")
    return [tasks.filter(tasks[column].notnull(), tasks.cancelled_at.isnull()).select(touched=tasks[column])]


def contacted(company: Company, table: str, column: str) -> list[Table]:
    """The ids of the leads or opportunities with a first contact: one table, or none."""
    if not company.has(table) or not company.has_column(table, "first_contact_at"):
        return []
    rows = company.table(table)
    return [rows.filter(rows.first_contact_at.notnull()).select(touched=rows[column])]


def touched_accounts(facts: Facts) -> list[Table]:
    """The customers of touched leads and deals, a table per kind of touch."""
    company, found = facts.company, []
    tables = {"lead_id": "leads", "opportunity_id": "opportunities"}
    for column, table in tables.items():
        if not company.has(table):
            continue
        owners = company.table(table)
        owners = owners.filter(owners.customer_id.notnull()).select("customer_id", of=owners[column])
        if column == "lead_id" and company.has("opportunities"):
            deals = company.table("opportunities").select("opportunity_id", "customer_id")
            by_deal = links(facts).inner_join(deals, "opportunity_id")
            by_deal = by_deal.filter(by_deal.customer_id.notnull())
            owners = owners.union(by_deal.select("customer_id", of=by_deal.lead_id))
        for ids in (*contacted(company, table, column), *acted_on(company, column), *tasked(company, column)):
            found.append(owners.semi_join(ids, owners.of == ids.touched).select(touched=owners.customer_id))
    return found
