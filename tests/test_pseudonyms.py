"""Salespeople under pseudonyms: who they are is nowhere to be read, and no number changes by it."""

import io
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from analysis.batch.run import Options, run
from analysis.company import open_company
from analysis.contract import REP_IDS, TABLES
from analysis.errors import QuarantineError
from analysis.kernel import Processes
from analysis.kpi_table import identities, kpi_table
from analysis.labels import Labels
from analysis.sources import loading
from analysis.sources import pseudonyms as made
from analysis.sources.pseudonyms import pseudonyms
from companies import DEFAULTS, make_company, write_company

FORM = re.compile(r"Rep [B-DF-HJ-NP-TV-XZ]{6}")
TOLD = ("quist", "zamboni", "okonkwo", "wrobel", "ghost-77", "zq7-")  # of every id, name and e-mail below

HERE = {
    "reps": """
        rep_id,name,team,manager_id,email,started_on,ended_on
        zq7-1,Anna Quist,North,zq7-3,a.quist@example.org,2025-01-01,
        zq7-2,Bo Zamboni,North,zq7-3,bo.zamboni@example.org,,2026-03-01
        zq7-3,Cy Okonkwo,South,,cy@okonkwo.example,,
        zq7-4,Di Wrobel,South,,,2026-02-02,2026-01-01
        zq7-5,Ed Wrobel,South,,,,
        zq7-5,Ed Zamboni,South,,,,
        ,Flo Quist,,,,,
    """,
    "customers": """
        customer_id,name,rep_id,acquired_on
        A,Acme,zq7-1,2026-01-20
        B,Bolt,ghost-77,2026-02-20
        C,Cog,,
    """,
    "leads": """
        lead_id,created_at,rep_id,opportunity_id,first_contact_at
        L1,2026-01-02,zq7-1,1,2026-01-03
        L2,2026-02-02,zq7-2,,
        L3,Zamboni,zq7-2,,
    """,
    "opportunities": """
        opportunity_id,outcome,created_at,closed_at,amount,rep_id,customer_id
        1,won,2026-01-02,2026-01-20,100,zq7-1,A
        2,lost,2026-01-02,2026-02-20,50,zq7-2,B
        3,open,2026-02-02,,70,ghost-77,C
        4,won,2026-02-20,2026-02-10,30,,C
        5,won,2026-02-20,2026-02-25,30,zq7-3,D
        6,Wrobel,2026-02-20,2026-02-25,30,zq7-3,C
        7,won,2026-02-20,2026-02-25,Anna Quist,zq7-3,C
    """,
    "opportunity_splits": """
        opportunity_id,rep_id,share
        1,zq7-1,0.5
        1,zq7-2,0.5
        2,zq7-2,0.9
        2,zq7-3,Okonkwo
    """,
    "orders": "order_id,ordered_at,amount,rep_id\nO1,2026-01-05,10,zq7-1\nO2,2026-02-30,10,zq7-2",
    "emails": "email_id,sent_at,rep_id,bounced\nE1,2026-01-05,zq7-1,no\nE2,2026-01-05,zq7-2,wrobel",
    "targets": """
        metric,scope,scope_id,period_start,period,target
        revenue,rep,zq7-1,2026-01-01,month,90
        revenue,rep,zq7-2,2026-01-01,month,soon
        revenue,team,North,2026-01-01,month,100
        revenue,company,,2026-01-01,month,200
        revenue,rep,zq7-3,2026-02-01,month,20
        revenue,rep,zq7-3,2026-02-01,month,30
    """,
    "tasks": "task_id,rep_id,created_at,completed_at\nT1,zq7-1,2026-01-02,2026-01-01\nT2,zq7-2,2026-01-02,",
    "activities": "activity_id,rep_id,at\nV1,zq7-1,2026-01-02\nV2,zq7-2,never",
    "notifications": "notification_id,rep_id,created_at\nN1,zq7-1,2026-01-02\nN2,zq7-2,",
}


def telling(text: str) -> list[str]:
    """What of the salespeople a text tells."""
    return [word for word in TOLD if word in text.casefold()]


def everything(company) -> str:
    """All text of a company's tables, ledger, quarantine and KPI table."""
    frames = [company.table(name).to_pandas() for name in TABLES if company.has(name)]
    frames += [company.ledger, company.quarantine, kpi_table(company)]
    return "\n".join(frame.to_csv() for frame in frames)


# --- the pseudonym ----------------------------------------------------------------------------------------


def test_a_pseudonym_is_made_of_the_company_and_the_id_alone():
    both = pseudonyms(["zq7-1", "zq7-2"], "tiny")
    assert pseudonyms(["zq7-2"], "tiny") == {"zq7-2": both["zq7-2"]}
    assert pseudonyms(["zq7-2", "zq7-1", "zq7-2"], "tiny") == both
    assert pseudonyms(["zq7-1"], "other")["zq7-1"] != both["zq7-1"]
    assert all(FORM.fullmatch(name) for name in both.values())
    assert both["zq7-1"] == "Rep FFBMDS", "the same in every version"


def test_no_two_people_share_one_even_where_there_are_hardly_any_left(monkeypatch):
    monkeypatch.setattr(made, "LENGTH", 1)
    names = pseudonyms(map(str, range(20)), "tiny")
    assert len(set(names.values())) == len(names) == 20


def test_a_thousand_people_have_a_thousand_pseudonyms():
    assert len(set(pseudonyms((f"{i:05d}" for i in range(1000)), "tiny").values())) == 1000


# --- a company --------------------------------------------------------------------------------------------


def test_every_column_that_names_a_rep_is_one_that_is_replaced():
    naming = {
        (t.name, c) for t in TABLES.values() for c in t.names if c in ("rep_id", "manager_id", "scope_id")
    }
    assert naming == {(t, c) for t, columns in made._IDS.items() for c in columns}
    assert {t for t, _ in naming} == {*REP_IDS, "reps", "targets"}


def test_the_company_of_these_tests_tells_of_everybody_by_name(tmp_path):
    assert telling(everything(make_company(tmp_path, HERE))) == list(TOLD)


def test_no_table_ledger_quarantine_or_kpi_tells_who_a_rep_is(tmp_path):
    company = make_company(tmp_path, HERE, people="pseudonyms")
    assert telling(everything(company)) == []
    reps = company.table("reps").to_pandas()
    assert reps["rep_id"].str.fullmatch(FORM).all()
    assert reps["name"].tolist() == reps["rep_id"].tolist()
    assert reps["email"].isna().all()
    names = pseudonyms(["zq7-1", "zq7-2", "zq7-3", "zq7-4", "ghost-77"], "tiny")
    assert set(reps["rep_id"]) == set(names.values()) - {names["ghost-77"]}
    assert set(reps["manager_id"].dropna()) == {names["zq7-3"]}
    assert set(company.table("customers").to_pandas()["rep_id"].dropna()) == {
        names["zq7-1"],
        names["ghost-77"],
    }
    targets = company.table("targets").to_pandas().set_index("scope")["scope_id"]
    assert targets["rep"] == names["zq7-1"]
    assert targets["team"] == "North", "a team keeps its name"
    labels = Labels.of(company)
    assert labels.member("rep", names["zq7-1"]) == names["zq7-1"]


def test_the_quarantine_says_where_to_look_and_nothing_of_what_is_there(tmp_path):
    hidden = make_company(tmp_path, HERE, people="pseudonyms").quarantine
    shown = make_company(tmp_path, HERE).quarantine
    same = ["table", "file", "line", "reason"]
    pd.testing.assert_frame_equal(hidden[same], shown[same])
    assert set(hidden["row"]) == set(hidden["value"]) == {""}
    keyed = hidden["table"].isin(["reps", "opportunity_splits", "targets"])
    assert set(hidden.loc[keyed, "key"]) == {""}
    assert hidden.loc[~keyed, "key"].tolist() == shown.loc[~keyed, "key"].tolist()


def test_a_run_that_fails_for_its_quarantine_names_nobody_either(tmp_path):
    with pytest.raises(QuarantineError) as failed:
        make_company(tmp_path, HERE, people="pseudonyms", max_quarantined=0)
    text = str(failed.value)
    assert telling(text) == []
    assert "reps" in text
    assert "conflicting_duplicate (2 rows)\n" in text


def test_no_number_changes_by_it_only_the_members(tmp_path):
    named, hidden = (make_company(tmp_path, HERE, people=people) for people in ("names", "pseudonyms"))
    renamed = pseudonyms(["zq7-1", "zq7-2", "zq7-3", "zq7-4", "ghost-77"], "tiny")
    before, after = kpi_table(named), kpi_table(hidden)
    keys = ["kpi", "grain", "period_start", "dimension", "member"]
    before["member"] = before["member"].where(before["dimension"] != "rep", before["member"].replace(renamed))
    pd.testing.assert_frame_equal(
        before.sort_values(keys, ignore_index=True), after.sort_values(keys, ignore_index=True)
    )
    assert set(identities(hidden, after)["status"]) == {"holds"}


def test_derived_reps_and_companies_without_any_are_hidden_too(tmp_path):
    derived = make_company(tmp_path, {"opportunities": HERE["opportunities"]}, people="pseudonyms")
    assert telling(everything(derived)) == []
    assert len(derived.table("reps").to_pandas()) == 4
    none = make_company(
        tmp_path / "none", {"costs": "month,category,amount\n2026-01-01,other,5"}, people="pseudonyms"
    )
    assert not none.has("reps")


def test_tables_that_are_read_where_they_lie_are_hidden_too(tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "LARGE", 0)
    params = write_company(tmp_path, {"reps": HERE["reps"]}, people="pseudonyms")
    for name in ("opportunities", "orders", "leads"):
        text = "\n".join(line.strip() for line in HERE[name].strip().splitlines())
        frame = pd.read_csv(io.StringIO(text), dtype="str")
        frame.to_parquet(tmp_path / "data" / "tiny" / f"{name}.parquet", index=False)
    company = open_company("tiny", params_dir=params)
    assert company.con.con.execute("SELECT count(*) FROM named_opportunities").fetchone() == (5,)
    assert telling(everything(company)) == []
    assert company.table("opportunities").to_pandas()["rep_id"].dropna().str.fullmatch(FORM).all()


# --- a report ---------------------------------------------------------------------------------------------


class Quiet:
    """Is told how a batch goes and does nothing."""

    def begins(self, steps):
        pass

    def step(self, company, name, steps):
        pass

    def ends(self, result):
        pass


def text_of(path: Path) -> str:
    if path.suffix == ".parquet":
        return pd.read_parquet(path).to_csv()
    if path.suffix == ".xlsx":
        sheets = pd.read_excel(path, sheet_name=None, header=None, engine="openpyxl")
        return "\n".join(f"{title}\n{sheet.to_csv()}" for title, sheet in sheets.items())
    return path.read_text(encoding="utf-8")


def test_no_file_of_a_report_folder_tells_who_a_rep_is(tmp_path, monkeypatch, project):
    write_company(tmp_path, HERE, people="pseudonyms")
    write_company(tmp_path, HERE, "fails", people="pseudonyms", max_quarantined=0)
    (tmp_path / "notebooks").mkdir()
    shutil.copy(project / "notebooks" / "team_performance.ipynb", tmp_path / "notebooks")
    monkeypatch.chdir(tmp_path)
    good, bad = run([], Options(jobs=2), Quiet(), Processes(preload=["analysis.batch.job"]))[::-1]
    assert (good.company, good.cause) == ("tiny", "")
    assert bad.cause
    files = [path for path in (tmp_path / "reports").rglob("*") if path.is_file()]
    texts = {path.relative_to(tmp_path).as_posix(): text_of(path) for path in files}
    assert {path: told for path, text in texts.items() if (told := telling(text))} == {}
    shown = [path for path, text in texts.items() if pseudonyms(["zq7-1"], "tiny")["zq7-1"] in text]
    assert {Path(path).name for path in shown} >= {
        "kpis.csv",
        "team_performance.html",
        "team_performance.ipynb",
    }
    assert DEFAULTS["name"] in texts["reports/index.html"]
