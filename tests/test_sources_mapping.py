"""Columns, values, constants, where and presets: what the params file may say about a table."""

from datetime import datetime

import pytest

from analysis.errors import AnalysisError
from analysis.sources import mapping
from source_folders import Project, rows


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


def failing(project, tables=""):
    with pytest.raises(AnalysisError) as caught:
        project.open(tables)
    return str(caught.value)


DEALS = """
nr,stan,zamknięta,kwota,właściciel,kind
00017,Wygrana,2026-02-01,"100.50",Żaneta,new
00018,Przegrana,2026-02-02,,,
00019,open,,5,Żaneta,new
"""


def test_columns_are_renamed_values_mapped_and_constants_set(project):
    project.write("deals.csv", DEALS)
    company = project.open(
        """
        opportunities:
          file: deals.csv
          columns: {opportunity_id: nr, outcome: stan, closed_at: zamknięta,
                    amount: kwota, rep_id: właściciel}
          values: {outcome: {Wygrana: won, Przegrana: lost}, rep_id: {"": house}}
          constants: {kind: expansion, channel: fair}
        """
    )
    assert rows(company, "opportunities", "opportunity_id", "outcome", "rep_id", "kind", "channel") == [
        ("00017", "won", "Żaneta", "expansion", "fair"),
        ("00018", "lost", "house", "expansion", "fair"),
        ("00019", "open", "Żaneta", "expansion", "fair"),
    ]


def test_a_canonical_name_in_the_source_is_taken_unless_it_is_mapped_to_nothing(project):
    project.write("deals.csv", DEALS)
    mapped = "{opportunity_id: nr, outcome: stan, closed_at: zamknięta"
    values = "values: {outcome: {Wygrana: won, Przegrana: lost}}"
    taken = project.open(f"opportunities: {{file: deals.csv, columns: {mapped}}}, {values}}}")
    assert [kind for _, kind in rows(taken, "opportunities", "opportunity_id", "kind")] == [
        "new",
        None,
        "new",
    ]
    assert taken.has_column("opportunities", "kind")
    left = project.open(f"opportunities: {{file: deals.csv, columns: {mapped}, kind: null}}, {values}}}")
    assert [kind for _, kind in rows(left, "opportunities", "opportunity_id", "kind")] == [None, None, None]
    assert not left.has_column("opportunities", "kind")


def test_a_value_mapped_to_nothing_is_missing(project):
    project.write("reps.csv", "rep_id,name,team\n1,Ann,n/a\n2,Bob,North\n")
    company = project.open("reps: {values: {team: {n/a: null}}}")
    assert rows(company, "reps", "rep_id", "team") == [("1", None), ("2", "North")]


def test_keys_of_values_are_compared_as_text(project):
    project.write("deals.csv", "opportunity_id,outcome,closed_at\n1,1,2026-01-01\n2,true,2026-01-01\n")
    company = project.open("opportunities: {file: deals.csv, values: {outcome: {1: won, true: lost}}}")
    assert rows(company, "opportunities", "opportunity_id", "outcome") == [("1", "won"), ("2", "lost")]


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ("{is_deleted: false}", "ade"),
        ("{is_deleted: true}", "bc"),
        ("{size: 1}", "ab"),
        ("{size: [1, 2]}", "abc"),
        ("{kind: Fair, is_deleted: false}", "a"),
        ("{kind: null}", "d"),
        ("{size: '02'}", "c"),
        ("{kind: 'x'' or true --'}", ""),
    ],
)
def test_where_takes_rows_by_text_number_or_truth(project, where, kept):
    project.write(
        "reps.csv",
        "rep_id,name,is_deleted,size,kind\na,A,false,1,Fair\nb,B,TRUE,1.0,Fair\nc,C,1,02,Fair\nd,D,,3,\ne,E,0,4,fair\n",
    )
    company = project.open(f"reps: {{where: {where}}}")
    assert "".join(i for (i,) in rows(company, "reps", "rep_id")) == kept
    ledger = company.ledger.iloc[0]
    assert (ledger["rows_read"], ledger["filtered"]) == (5, 5 - len(kept))


def test_the_row_number_is_a_key_for_sources_without_one(project):
    project.write("sold.csv", "ordered_at,amount\n2026-01-05,1\n2026-01-05,1\n")
    company = project.open("orders: {file: sold.csv, columns: {order_id: $row}}")
    assert [i for (i,) in rows(company, "orders", "order_id")] == ["1", "2"]


def test_a_missing_required_column_names_near_ones_and_what_to_write(project):
    project.write("orders.csv", "order_nr,ordered_at,amounts\n1,2026-01-05,1\n")
    assert failing(project, "orders: {}") == (
        "data/orders.csv: orders.order_id: the required column is missing (near: order_nr)\n"
        "  the source's columns are order_nr, ordered_at, amounts\n"
        "  write `columns: {order_id: order_nr}` under source.tables.orders (params/firma.yaml:10)\n"
        "data/orders.csv: orders.amount: the required column is missing (near: amounts)\n"
        "  the source's columns are order_nr, ordered_at, amounts\n"
        "  write `columns: {amount: amounts}` under source.tables.orders (params/firma.yaml:10)"
    )


def test_a_mapped_column_that_is_not_there_is_refused_even_when_it_is_optional(project):
    project.write("orders.csv", "order_id,ordered_at,amount,sales_channel\n1,2026-01-05,1,a\n")
    assert failing(project, "orders: {columns: {channel: sale_channel}}") == (
        "data/orders.csv: orders.channel: there is no column `sale_channel`; did you mean `sales_channel`?\n"
        "  the source's columns are order_id, ordered_at, amount, sales_channel\n"
        "  write `columns: {channel: sales_channel}` at params/firma.yaml:10"
    )


def test_where_on_a_column_that_is_not_there_is_refused(project):
    project.write("reps.csv", "rep_id,name,deleted\n1,Ann,false\n")
    assert "`where` names the column `is_deleted`, which is not there; did you mean `deleted`?" in failing(
        project, "reps: {where: {is_deleted: false}}"
    )


def test_names_full_of_quotes_are_names_and_never_sql(project):
    name = "a\"; drop table x; --'"
    project.write("reps.csv", '"a""; drop table x; --\'",name\n"r\'1; --",O\'Hara\n')
    company = project.open(f"reps: {{columns: {{rep_id: '{name.replace(chr(39), chr(39) * 2)}'}}}}")
    assert rows(company, "reps", "rep_id", "name") == [("r'1; --", "O'Hara")]


# --- presets ----------------------------------------------------------------------------------------------


def test_every_preset_fills_a_table_of_the_contract():
    known = mapping.presets()
    assert {
        "hubspot.owners",
        "hubspot.deals",
        "hubspot.contacts",
        "pipedrive.deals",
        "salesforce.opportunities",
    } == set(known)
    for preset in known.values():
        table = mapping.TABLES[preset["table"]]
        for part in ("columns", "values", "constants", "joined"):
            assert set(preset.get(part, {})) <= set(table.names)
        for column, values in preset.get("values", {}).items():
            assert set(values.values()) <= set(table.column(column).values)


def test_hubspot_presets_read_an_export(project):
    project.write("reps.csv", "id,email,firstName,lastName\n77,ann@firma.example,Ann,Łęcka\n")
    project.write(
        "all-deals.csv",
        "Record ID,Deal Name,Deal Stage,Close Date,Create Date,Deal owner,Amount,Deal Type\n"
        "1,Big,Closed Won,2026-02-01 10:00,2026-01-01 09:00,Ann Łęcka,500,New Business\n"
        "2,Small,Contract Sent,2026-05-01 10:00,2026-01-02 09:00,,20,Existing Business\n",
    )
    company = project.open(
        """
        reps: {preset: hubspot.owners}
        opportunities: {preset: hubspot.deals, file: all-deals.csv}
        """
    )
    assert rows(company, "reps", "rep_id", "name") == [("77", "Ann Łęcka")]
    assert rows(company, "opportunities", "opportunity_id", "outcome", "closed_at", "kind") == [
        ("1", "won", datetime(2026, 2, 1, 10), "new"),
        ("2", "open", None, "expansion"),
    ]


def test_what_stands_beside_a_preset_goes_before_it(project):
    project.write(
        "opportunities.csv",
        "Id,StageName,CloseDate,CreatedDate,Amount,Type,MyStage\n"
        "1,Closed Won,2026-02-01,2026-01-01T08:00:00.000+0000,500,x,Lost it\n",
    )
    company = project.open(
        """
        opportunities:
          preset: salesforce.opportunities
          columns: {outcome: MyStage}
          values: {outcome: {Lost it: lost}}
        """
    )
    assert rows(company, "opportunities", "outcome", "created_at", "stage") == [
        ("lost", datetime(2026, 1, 1, 9), "Closed Won")
    ]


def test_pipedrive_preset_reads_an_export(project):
    project.write(
        "deals.csv",
        "Deal - ID,Deal - Status,Deal - Value,Deal - Currency of Value,Deal - Deal created,"
        "Deal - Deal closed on,Deal - Owner\n"
        "9,Won,10,PLN,2026-01-01 08:00:00,2026-01-09 08:00:00,Ann\n",
    )
    company = project.open("opportunities: {preset: pipedrive.deals, file: deals.csv}")
    assert rows(company, "opportunities", "opportunity_id", "outcome", "rep_id") == [("9", "won", "Ann")]


def test_an_unknown_preset_names_those_there_are(project):
    project.write("reps.csv", "rep_id,name\n1,Ann\n")
    message = failing(project, "reps: {preset: hubspot.owner}")
    assert message.startswith(
        "params/firma.yaml:10: there is no preset `hubspot.owner`; did you mean `hubspot.owners`"
    )
    assert "the presets are hubspot.owners, hubspot.deals" in message


def test_a_preset_of_another_table_is_refused(project):
    project.write("reps.csv", "rep_id,name\n1,Ann\n")
    assert "hubspot.deals fills opportunities, not reps" in failing(project, "reps: {preset: hubspot.deals}")
