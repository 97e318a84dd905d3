"""Running an earlier day on today's files gives, byte for byte, what that day's files gave."""

import csv
import io
from collections.abc import Collection
from datetime import date, timedelta
from pathlib import Path

import pytest

from analysis.company import open_company
from analysis.kpi_table import kpi_table
from companies import make_company, values
from test_kpis_against_reference import AS_OF, NAMES, PARAMS, Maker

# what makes a row exist, and what is learnt about it later
BORN = {
    "leads": "created_at", "opportunities": "created_at", "orders": "ordered_at", "emails": "sent_at",
    "subscriptions": "started_on", "costs": "month", "reps": "started_on", "stage_history": "entered_at",
    "tasks": "created_at", "activities": "at", "notifications": "created_at",
}  # fmt: skip
LEARNT = {
    "opportunities": ["closed_at"], "emails": ["opened_at", "clicked_at", "unsubscribed_at"],
    "subscriptions": ["ended_on"],
    "reps": ["ended_on"], "customers": ["acquired_on"], "leads": ["first_contact_at", "qualified_at"],
    "tasks": ["completed_at", "cancelled_at"], "notifications": ["cleared_at"],
}  # fmt: skip


def moved_since(tables: dict[str, str], day: date) -> set[str]:
    """The deals that entered a stage after `day`."""
    entries = csv.DictReader(io.StringIO(tables.get("stage_history", "")))
    return {e["opportunity_id"] for e in entries if e["entered_at"] >= str(day + timedelta(days=1))}


def as_it_was(table: str, text: str, day: date, moved: Collection[str] = ()) -> str:
    """The CSV as it stood at the end of `day`: later rows are not there, later facts are not filled in.

    What stage a deal named then is not known where it has closed since or is one of those `moved`.
    """
    limit = str(day + timedelta(days=1))
    rows = []
    for row in csv.DictReader(io.StringIO(text)):
        if table in BORN and row[BORN[table]] and row[BORN[table]] >= limit:
            continue
        for column in LEARNT.get(table, []):
            if row[column] and row[column] >= limit:
                row[column] = ""
                if column == "closed_at":
                    row["outcome"], row["stage"] = "open", ""
                if column == "opened_at":
                    row["machine_open"] = "false"
        if table == "opportunities" and row["opportunity_id"] in moved:
            row["stage"] = ""
        rows.append(row)
    if not rows:
        return text.splitlines()[0]
    return "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)])


@pytest.mark.parametrize("seed", range(6))
def test_an_earlier_day_gives_what_it_gave(tmp_path: Path, seed: int):
    params = {**PARAMS[seed % 2], "timezone": "UTC", "history_months": 9, "stages": ["first", "second"]}
    tables = {NAMES[k]: text for k, text in Maker(100 + seed).tables().items() if text}
    day = [date(2026, 2, 28), date(2025, 12, 31), date(2026, 2, 11)][seed % 3]
    then = make_company(
        tmp_path / "then",
        {t: as_it_was(t, text, day, moved_since(tables, day)) for t, text in tables.items()},
        as_of=str(day),
        **params,
    )
    now = make_company(tmp_path / "now", tables, as_of=str(AS_OF), **params)
    back = open_company("tiny", as_of=day, params_dir=tmp_path / "now" / "params")
    assert back.as_of == day != now.as_of
    was, is_now = (kpi_table(c).to_csv(index=False) for c in (then, back))
    assert was == is_now
    assert was != kpi_table(now).to_csv(index=False)


def test_the_order_of_rows_and_a_repeated_row_change_nothing(tmp_path: Path):
    tables = {NAMES[k]: text for k, text in Maker(7).tables().items() if text}
    keyed = [t for t in tables if t != "costs"]
    turned = {t: "\n".join([text.splitlines()[0], *text.splitlines()[:0:-1]]) for t, text in tables.items()}
    doubled = {t: turned[t] + "\n" + turned[t].splitlines()[-1] if t in keyed else turned[t] for t in tables}
    options = {"as_of": str(AS_OF), "timezone": "UTC", **PARAMS[0]}
    a = make_company(tmp_path / "a", tables, **options)
    b = make_company(tmp_path / "b", doubled, **options)
    assert kpi_table(a).to_csv(index=False) == kpi_table(b).to_csv(index=False)
    assert b.ledger.set_index("table")["duplicates"].loc[keyed].eq(1).all()
    assert len(b.quarantine) == 0


def test_ten_times_the_money_is_ten_times_every_amount_and_no_other_number(tmp_path: Path):
    tables = {NAMES[k]: text for k, text in Maker(8).tables().items() if text}
    money = {"opportunities": ["amount"], "orders": ["amount"], "subscriptions": ["mrr"], "costs": ["amount"]}

    def scaled(table: str, text: str) -> str:
        rows = list(csv.DictReader(io.StringIO(text)))
        for row in rows:
            columns = ["target"] if row.get("metric") == "revenue" else money.get(table, [])
            for column in columns:
                row[column] = row[column] and f"{float(row[column]) * 10:.2f}"
        return "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)])

    options = {"as_of": str(AS_OF), "timezone": "UTC", **PARAMS[0]}
    a = kpi_table(make_company(tmp_path / "a", tables, **options))
    b = kpi_table(make_company(tmp_path / "b", {t: scaled(t, x) for t, x in tables.items()}, **options))
    in_money = a["unit"] == "EUR"
    times = a["value"].where(~in_money, a["value"] * 10)
    assert ((b["value"] - times).abs() <= 1e-6 + 1e-9 * times.abs()).where(a["value"].notna(), True).all()
    assert in_money.any() and (~in_money).any()


LINKED = {
    "leads": """
        lead_id,created_at,opportunity_id
        L1,2026-01-05,
        L2,2026-03-15,late
    """,
    "opportunities": """
        opportunity_id,outcome,created_at,first_contact_at,closed_at,amount,lead_id
        early,open,,2026-03-10,,100,L1
        late,won,,,2026-01-20,1000,
        plain,won,2026-01-02,,2026-01-25,10,
    """,
}


def test_a_deal_whose_lead_or_first_contact_comes_later_is_there_as_soon_as_anything_of_it_is(tmp_path: Path):
    february = kpi_table(make_company(tmp_path, LINKED, as_of="2026-02-28"))
    march = kpi_table(make_company(tmp_path, LINKED, as_of="2026-03-31"))
    for kpis in (february, march):
        assert values(kpis, "revenue")["2026-01-01"] == 1010, "won without a start is revenue all the same"
        assert values(kpis, "new_opportunities")["2026-01-01"] == 2, "one began as the lead of January"
        assert values(kpis, "lead_opportunity_ratio")["2026-01-01"] == 1


def test_an_amount_has_the_rate_of_its_event_and_what_was_created_keeps_its_own(tmp_path: Path):
    tables = {
        "opportunities": """
            opportunity_id,outcome,created_at,closed_at,amount,currency
            a,won,2026-01-10,2026-02-20,100,GBP
            b,open,2026-01-10,,100,GBP
        """,
        "rates": "currency,date,rate\nGBP,2026-01-01,1\nGBP,2026-02-01,2\nGBP,2026-03-01,3",
    }
    for day in ("2026-01-31", "2026-02-28", "2026-03-31"):
        kpis = kpi_table(make_company(tmp_path, tables, as_of=day))
        assert values(kpis, "pipeline_created")["2026-01-01"] == 200, day
    assert values(kpis, "revenue")["2026-02-01"] == 200
