"""`kpi new`: what a folder of files is taken for, and that the params file it writes works."""

import gzip
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from analysis import params, scaffold
from analysis.company import open_company
from analysis.contract import TABLES
from analysis.errors import ParamsError
from analysis.guessing import date_formats, guesses, number_format
from analysis.scaffold import NewCompany, new_company
from analysis.sources.sniffing import look
from analysis.vocabulary import COLUMNS as OTHER_NAMES
from analysis.vocabulary import CONSTANTS, FILES, VALUES, normal


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """An empty project, and the current folder in it."""
    (tmp_path / "params").mkdir()
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def folder(project) -> Path:
    """The folder of a company's files."""
    (project / "data" / "acme").mkdir()
    return project / "data" / "acme"


def table(written: NewCompany, name: str) -> dict[str, object]:
    """What the params file says of a table, without what is empty."""
    source = params.load(written.path).source.tables[name]
    told = source.model_dump(exclude={"format"}) | {"format": source.format.model_dump(exclude_unset=True)}
    return {k: v for k, v in told.items() if v not in (None, {}, [])}


# --- what a file is taken for -----------------------------------------------------------------------------


def test_a_crm_s_deals_are_mapped_with_outcome_words_and_the_key(folder):
    (folder / "sales_pipeline.csv").write_text(
        "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value\n"
        "1C1I7A6R,Ann Lee,GTX,Cancity,Won,2016-10-20,2017-03-01,1054\n"
        "Z063OYW0,Bob Ray,GTX,Isdom,Lost,2016-10-25,2017-03-11,0\n"
        "EC4QE1BX,Ann Lee,MG,,Engaging,2016-10-25,,\n"
        "MV1LWRNH,Bob Ray,MG,,Prospecting,,,\n"
    )
    written = new_company("acme", folder)
    assert table(written, "opportunities") == {
        "file": "sales_pipeline.csv",
        "columns": {
            "opportunity_id": "opportunity_id",
            "outcome": "deal_stage",
            "first_contact_at": "engage_date",
            "closed_at": "close_date",
            "amount": "close_value",
            "customer_id": "account",
            "rep_id": "sales_agent",
        },
        "values": {"outcome": {"Won": "won", "Lost": "lost", "Engaging": "open", "Prospecting": "open"}},
    }
    text = written.path.read_text()
    assert "outcome:  # check: not sure of 'Engaging', 'Prospecting'\n" in text
    assert "# not used: product\n" in text
    assert "# nothing found for created_at, stage, units, currency, kind, lead_id, channel\n" in text


def test_a_polish_export_in_cp1250_with_decimal_commas_is_mapped(folder):
    (folder / "Szanse sprzedaży.csv").write_bytes(
        (
            "Numer szansy;Handlowiec;Klient;Status;Etap;Data utworzenia;Data zamknięcia;Wartość netto;"
            "Waluta;Źródło\r\n"
            "S/1;Żaneta Łoś;Zielona Wieś;Wygrana;Oferta;03.02.2026;28.02.2026;1 234,56;PLN;Targi\r\n"
            "S/2;Jan Kot;Żubr S.A.;Przegrana;Oferta;13.02.2026;01.03.2026;12 500,00;PLN;Polecenie\r\n"
            "S/3;Jan Kot;Żubr S.A.;W toku;Analiza;14.02.2026;;999,90;PLN;Targi\r\n"
        ).encode("cp1250")
    )
    written = new_company("acme", folder)
    assert table(written, "opportunities") == {
        "file": "Szanse sprzedaży.csv",
        "columns": {
            "opportunity_id": "Numer szansy",
            "outcome": "Status",
            "created_at": "Data utworzenia",
            "closed_at": "Data zamknięcia",
            "stage": "Etap",
            "amount": "Wartość netto",
            "currency": "Waluta",
            "customer_id": "Klient",
            "rep_id": "Handlowiec",
            "channel": "Źródło",
        },
        "values": {"outcome": {"Wygrana": "won", "Przegrana": "lost", "W toku": "open"}},
        "format": {
            "delimiter": ";",
            "encoding": "cp1250",
            "decimal": ",",
            "thousands": " ",
            "dates": "%d.%m.%Y",
        },
    }
    assert params.load(written.path).currency == "PLN"
    amounts = open_company("acme").opportunities.order_by("opportunity_id").to_pandas()["amount"]
    assert [float(a) for a in amounts] == [1234.56, 12500.0, 999.9]


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (  # Pipedrive
            "Deal - ID,Deal - Status,Deal - Value,Deal - Currency,Deal - Owner,Deal - Organization,"
            "Deal - Deal created,Deal - Deal closed on",
            {
                "opportunity_id": "Deal - ID",
                "outcome": "Deal - Status",
                "amount": "Deal - Value",
                "currency": "Deal - Currency",
                "rep_id": "Deal - Owner",
                "customer_id": "Deal - Organization",
                "created_at": "Deal - Deal created",
                "closed_at": "Deal - Deal closed on",
            },
        ),
        (  # Salesforce
            "Id,StageName,Amount,CurrencyIsoCode,OwnerId,AccountId,CreatedDate,CloseDate",
            {
                "opportunity_id": "Id",
                "outcome": "StageName",
                "amount": "Amount",
                "currency": "CurrencyIsoCode",
                "rep_id": "OwnerId",
                "customer_id": "AccountId",
                "created_at": "CreatedDate",
                "closed_at": "CloseDate",
            },
        ),
        (  # HubSpot
            "Record ID,Deal Stage,Amount,Currency,Deal owner,Associated Company,Create Date,Close Date",
            {
                "opportunity_id": "Record ID",
                "outcome": "Deal Stage",
                "amount": "Amount",
                "currency": "Currency",
                "rep_id": "Deal owner",
                "customer_id": "Associated Company",
                "created_at": "Create Date",
                "closed_at": "Close Date",
            },
        ),
    ],
    ids=["pipedrive", "salesforce", "hubspot"],
)
def test_the_headers_of_known_exports_are_understood(folder, header, columns):
    row = "{},Closed {},100,EUR,R{},C1,2026-01-0{} 10:00,2026-02-01 09:00\n"
    rows = row.format("a1", "Won", 1, 1) + row.format("a2", "Lost", 2, 2)
    (folder / "deals.csv").write_text(f"{header}\n{rows}")
    found = table(new_company("acme", folder), "opportunities")
    assert found["columns"] == columns
    assert found["values"] == {"outcome": {"Closed Won": "won", "Closed Lost": "lost"}}


def test_leads_and_won_deals_without_a_key_of_their_own_are_linked(folder):
    (folder / "marketing_qualified_leads.csv").write_text(
        "mql_id,first_contact_date,landing_page_id,origin\n"
        "m1,2018-02-01,p1,social\nm2,2018-02-02,p1,email\nm3,2018-02-03,p2,social\n"
    )
    (folder / "closed_deals.csv").write_text(
        "mql_id,seller_id,sr_id,won_date,lead_type\n"
        "m1,s1,r1,2018-02-26 19:58:54,online\nm3,s2,r1,2018-03-26 10:00:00,online\n"
    )
    written = new_company("acme", folder)
    assert table(written, "leads")["columns"] == {
        "lead_id": "mql_id",
        "created_at": "first_contact_date",
        "channel": "origin",
    }
    deals = table(written, "opportunities")
    assert deals["columns"] == {
        "opportunity_id": "mql_id",
        "closed_at": "won_date",
        "customer_id": "seller_id",
        "lead_id": "mql_id",
        "rep_id": "sr_id",
    }
    assert deals["constants"] == {"outcome": "won"}
    text = written.path.read_text()
    assert "revenue_from: opportunities  # check: no amounts were found\n" in text
    assert "#channels:" in text and "#  social: inbound\n" in text


def test_a_shop_s_orders_of_several_years_go_together(folder):
    for year in (2025, 2026):
        (folder / f"orders_{year}.csv").write_text(
            "Order number;Customer no;Order date;Total;Currency;State\n"
            f"{year}1;00017;31/01/{year} 12:30;10,50;EUR;CA\n{year}2;00018;01/02/{year} 08:00;-4,00;EUR;CA\n"
        )
    written = new_company("acme", folder)
    assert table(written, "orders") == {
        "file": "orders_202*.csv",
        "columns": {
            "order_id": "Order number",
            "customer_id": "Customer no",
            "ordered_at": "Order date",
            "amount": "Total",
            "currency": "Currency",
        },
        "format": {"delimiter": ";", "decimal": ",", "dates": "%d/%m/%Y %H:%M"},
    }
    told = params.load(written.path)
    assert (told.revenue_from, told.churn.basis) == ("orders", "orders")
    assert open_company("acme").orders.count().to_pandas() == 4


def test_files_of_the_same_columns_whose_pattern_catches_others_do_not_go_together(folder):
    for name in ("a_orders", "b_orders"):
        (folder / f"{name}.csv").write_text("order_id,ordered_at,amount\n1,2026-01-01,5\n2,2026-01-02,6\n")
    (folder / "c_orders.csv").write_text("what,ever\nx,y\n")
    written = new_company("acme", folder)
    assert table(written, "orders")["file"] == "a_orders.csv"
    assert "#   b_orders.csv: order_id, ordered_at, amount\n" in written.path.read_text()


def test_people_without_an_id_are_known_by_their_name(folder):
    (folder / "sales_teams.csv").write_text(
        "sales_agent,manager,regional_office\nAnna Snell,Dustin B,Central\nCecily Lamp,Dustin B,East\n"
    )
    assert table(new_company("acme", folder), "reps")["columns"] == {
        "rep_id": "sales_agent",
        "name": "sales_agent",
        "manager_id": "manager",
        "team": "regional_office",
    }


def test_subscriptions_and_accounts_are_told_from_events_and_tickets(folder):
    (folder / "accounts.csv").write_text(
        "account_id,account_name,industry,signup_date,churn_flag\nA-1,One,EdTech,2024-10-16,FALSE\n"
        "A-2,Two,FinTech,2023-08-17,TRUE\n"
    )
    (folder / "subscriptions.csv").write_text(
        "subscription_id,account_id,start_date,end_date,plan_tier,mrr_amount\n"
        "S-1,A-1,2023-12-23,2024-04-12,Enterprise,2786\nS-2,A-2,2024-06-11,,Pro,833\n"
    )
    (folder / "churn_events.csv").write_text(
        "churn_event_id,account_id,churn_date,reason_code,refund_amount_usd\nC-1,A-1,2024-10-27,pricing,4.03\n"
    )
    (folder / "support_tickets.csv").write_text(
        "ticket_id,account_id,submitted_at,closed_at,priority\nT-1,A-1,2023-07-27,2023-07-28 3:00,high\n"
    )
    written = new_company("acme", folder)
    told = params.load(written.path)
    assert list(told.source.tables) == ["customers", "subscriptions"]
    assert told.source.tables["subscriptions"].columns == {
        "subscription_id": "subscription_id",
        "customer_id": "account_id",
        "started_on": "start_date",
        "ended_on": "end_date",
        "mrr": "mrr_amount",
        "plan": "plan_tier",
    }
    assert told.churn.basis == "subscriptions"
    assert "not used: churn_events.csv, support_tickets.csv" in written.text


def test_sales_separated_by_white_space_are_numbered(folder):
    (folder / "master.txt").write_text(
        "customer_id     date    cds    dollar_value\r\n"
        "00001  19970101    1   11.77\r\n00001  19970101    1   11.77\r\n00002  19970112    5   77.00\r\n"
    )
    written = new_company("acme", folder)
    assert table(written, "orders") == {
        "file": "master.txt",
        "columns": {
            "order_id": "$row",
            "customer_id": "customer_id",
            "ordered_at": "date",
            "amount": "dollar_value",
        },
        "format": {"delimiter": "whitespace", "dates": "%Y%m%d"},
    }
    assert "identical rows all count" in written.path.read_text()
    assert open_company("acme").orders.count().to_pandas() == 3


def test_order_lines_are_told_to_need_a_sum(folder):
    (folder / "orders.csv").write_text(
        "order_no,date,amount\n1,2026-01-01,5\n1,2026-01-01,6\n2,2026-01-02,6\n2,2026-01-02,7\n"
    )
    text = new_company("acme", folder).path.read_text()
    assert "order_id: order_no  # check: stands in several rows; `sql` can make one row of them\n" in text


def test_deleted_rows_are_left_out_and_unknown_kinds_are_no_loss(folder):
    (folder / "opportunities.csv").write_text(
        "Id,IsDeleted,Status,Type,ClosedDate,Amount\n1,false,Won,New Business,2026-01-01,5\n"
        "2,true,Lost,Renewal,2026-01-01,5\n3,false,Won,Replacement,2026-01-01,5\n"
    )
    written = new_company("acme", folder)
    deals = table(written, "opportunities")
    assert deals["where"] == {"IsDeleted": False}
    assert deals["values"] == {
        "outcome": {"Won": "won", "Lost": "lost"},
        "kind": {"New Business": "new", "Renewal": "renewal", "Replacement": None},
    }
    assert "kind:  # check: not sure of 'Replacement'\n" in written.path.read_text()
    kinds = open_company("acme").opportunities.order_by("opportunity_id").to_pandas()["kind"]
    assert [k if isinstance(k, str) else None for k in kinds] == ["new", None]


def test_a_column_whose_content_is_of_another_kind_is_not_taken_for_its_name(folder):
    (folder / "orders.csv").write_text(
        "order_id,ordered_at,amount,cost\n1,2026-01-01,5,low\n2,2026-01-02,6,high\n"
    )
    written = new_company("acme", folder)
    assert table(written, "orders")["columns"]["cost"] is None
    assert "cost:  # check: left empty, its content reads as something else\n" in written.path.read_text()
    acme = open_company("acme")
    assert acme.orders.count().to_pandas() == 2
    assert not acme.has_column("orders", "cost")


def test_what_a_table_lacks_is_written_as_a_comment_to_fill_in(folder):
    (folder / "orders.csv").write_text("order_id,ordered_at,amount\n1,2026-01-01,5\n2,2026-01-02,6\n")
    (folder / "leads.csv").write_text("lead_id,source\nL1,web\nL2,web\n")
    written = new_company("acme", folder)
    text = written.path.read_text()
    assert "    #leads:  # check: nothing found for created_at\n      #file: leads.csv\n" in text
    assert "        #created_at: ?  # required: write the column's name\n" in text
    assert "leads   left out: leads.csv has nothing for created_at; see the comments" in written.text
    assert list(params.load(written.path).source.tables) == ["orders"]


def test_parquet_xlsx_and_gz_are_looked_into(folder):
    orders = pd.DataFrame(
        {"order_no": ["a", "b"], "date": pd.to_datetime(["2026-01-01", "2026-01-02"]), "total": [1.5, 2]}
    )
    orders.to_parquet(folder / "orders.parquet")
    people = pd.DataFrame({"rep_id": ["R1", "R2"], "full_name": ["Ann", "Bob"]})
    people.to_excel(folder / "people_reps.xlsx", index=False)
    with gzip.open(folder / "mailing.csv.gz", "wt") as file:
        file.write(
            "message_id,sent_at,email\nm1,2026-01-01T10:00:00Z,a@example.com\nm2,2026-01-01T11:00:00Z,b@example.com\n"
        )
    written = new_company("acme", folder)
    assert table(written, "orders")["columns"] == {
        "order_id": "order_no",
        "ordered_at": "date",
        "amount": "total",
    }
    assert table(written, "reps")["columns"] == {"rep_id": "rep_id", "name": "full_name"}
    assert table(written, "emails")["columns"] == {
        "email_id": "message_id",
        "sent_at": "sent_at",
        "recipient": "email",
    }
    acme = open_company("acme")
    assert [acme.table(t).count().to_pandas() for t in ("orders", "reps", "emails")] == [2, 2, 2]


def test_names_and_values_that_yaml_would_misread_are_quoted(folder):
    (folder / "deals.csv").write_text(
        'id,status,closed_at,amount,"Owner: main #1",yes\n'
        '1,Won,2026-01-01,5,x,1\n2,"Lost: #2",2026-01-01,5,y,2\n'
        "3,no,2026-01-01,5,y,2\n4,2,2026-01-01,5,y,2\n"
    )
    found = table(new_company("acme", folder), "opportunities")
    assert found["values"] == {"outcome": {"Won": "won", "Lost: #2": "lost", "no": "open", "2": "open"}}


# --- a folder that needs no mapping -----------------------------------------------------------------------


def canonical(folder: Path) -> None:
    (folder / "customers.csv").write_text("customer_id,name,segment\nC1,One,small\nC2,Two,large\n")
    (folder / "subscriptions.csv").write_text(
        "subscription_id,customer_id,started_on,ended_on,mrr,currency\n"
        "S1,C1,2026-01-01,,100,PLN\nS2,C2,2026-01-15,2026-03-01,50,PLN\n"
    )
    (folder / "tasks.csv").write_text("task_id,created_at,title\n")


def test_a_folder_of_canonical_files_needs_no_mapping_and_runs_as_it_is(folder):
    canonical(folder)
    written = new_company("acme", "data/acme")
    told = params.load(written.path)
    assert told.source.model_dump() == {"connect": "data/acme", "tables": {}}
    assert (told.currency, told.as_of, told.churn.basis) == ("PLN", "latest", "subscriptions")
    acme = open_company("acme")
    assert acme.subscriptions.count().to_pandas() == 2
    assert acme.has("tasks") and not acme.has("orders")


def test_a_canonical_file_beside_one_that_needs_a_mapping_is_mapped_too(folder):
    canonical(folder)
    (folder / "crm_export_deals.csv").write_text(
        "id,status,closed_at,value\nd1,Won,2026-01-05,10\nd2,Lost,2026-01-06,9\n"
    )
    told = params.load(new_company("acme", folder).path)
    assert list(told.source.tables) == ["customers", "opportunities", "subscriptions", "tasks"]
    assert open_company("acme").opportunities.count().to_pandas() == 2


@pytest.mark.parametrize("company", ["acme", "forge", "shop"])
def test_the_samples_data_is_understood_as_their_params_files_say(project, company):
    """Every column that the committed params file maps is mapped the same way by the guess."""
    root = Path(__file__).parents[1]
    known = params.load(root / "params" / f"{company}.yaml")
    guessed = params.load(new_company(company, root / "data" / company).path)
    assert set(guessed.source.tables) == set(known.source.tables)
    for name, source in known.source.tables.items():
        assert guessed.source.tables[name].file == source.file, name
        assert source.columns.items() <= guessed.source.tables[name].columns.items(), name
        for column, meant in source.values.items():
            found = guessed.source.tables[name].values.get(column, {})
            assert {k: found.get(k, k) for k in meant} == meant or column == "stage", (name, column)
    assert (guessed.revenue_from, guessed.churn.basis) == (
        known.revenue_from,
        known.churn.basis,
    ) or company == "forge"
    assert guessed.currency == known.currency


# --- the file, and what goes wrong ------------------------------------------------------------------------


def test_the_file_has_its_defaults_to_check_and_says_what_was_guessed(folder):
    canonical(folder)
    written = new_company("acme-poland", folder)
    assert written.path.name == "acme-poland.yaml"
    text = written.path.read_text()
    assert "name: Acme Poland  # check: as the reports should show it\n" in text
    assert "timezone: UTC  # check: such as Europe/Warsaw\n" in text
    lines = str(written).splitlines()
    assert lines[0] == "params/acme-poland.yaml is written."
    assert lines[1] == "  customers      from customers.csv, 3 of 8 columns"
    assert lines[-1] == "Look at the 5 lines that say `check`, then run `kpi check acme-poland`."


def test_an_existing_file_is_never_overwritten(project, folder):
    canonical(folder)
    (project / "params" / "acme.yaml").write_text("mine")
    with pytest.raises(ParamsError, match=r"^params/acme\.yaml is there already; "):
        new_company("acme", folder)
    assert (project / "params" / "acme.yaml").read_text() == "mine"


@pytest.mark.parametrize("name", ["Acme", "a b", "../acme", "_template", ""])
def test_a_name_that_is_no_company_id_is_refused(project, folder, name):
    canonical(folder)
    with pytest.raises(ParamsError, match="is no company id"):
        new_company(name, folder)
    assert list((project / "params").iterdir()) == []


def test_a_folder_that_is_not_there_is_told(project):
    with pytest.raises(ParamsError, match=r"^data/nothing: there is no such folder"):
        new_company("acme", "data/nothing")


def test_a_folder_with_nothing_to_map_is_told_with_what_it_holds(project, folder):
    (folder / "products.csv").write_text("product,series\nGTX,G\n")
    with pytest.raises(ParamsError) as caught:
        new_company("acme", folder)
    assert str(caught.value).splitlines()[1:] == ["  products.csv: product, series"]
    assert list((project / "params").iterdir()) == []


def test_a_file_that_cannot_be_read_is_told_and_the_others_are_mapped(folder):
    canonical(folder)
    (folder / "empty.csv").write_text("")
    (folder / "half.xlsx").write_bytes(b"PK\x03\x04 half")
    (folder / "half.parquet").write_bytes(b"PAR1")
    written = new_company("acme", folder)
    told = [line for line in written.text.splitlines() if "could not be read" in line]
    assert [line.split(": ")[1].rpartition("/")[2] for line in told] == [
        "empty.csv",
        "half.parquet",
        "half.xlsx",
    ]
    assert params.load(written.path).company == "acme"


# --- the parts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "formats", "unsure"),
    [
        (["2026-06-30", "2026-06-30 14:05:00", "2026-06-30T14:05:00+02:00"], [], False),
        (["30.06.2026", "01.02.2026"], ["%d.%m.%Y"], False),
        (["06/30/2026", "01/02/2026"], ["%m/%d/%Y"], False),
        (["30/06/2026", "01/02/2026"], ["%d/%m/%Y"], False),
        (["03/04/2026", "01/02/2026"], ["%d/%m/%Y"], True),
        (["30.06.2026", "01.02.2026 10:00"], ["%d.%m.%Y", "%d.%m.%Y %H:%M"], False),
        (["20260630"], ["%Y%m%d"], False),
    ],
)
def test_date_formats_are_told_from_the_cells(cells, formats, unsure):
    assert date_formats(cells) == (formats, 1.0, unsure)


def test_cells_that_are_no_dates_are_told_by_their_share():
    assert date_formats(["2026-01-01", "soon", "later", "2026-01-02"]) == ([], 0.5, False)


@pytest.mark.parametrize(
    ("cells", "signs"),
    [
        (["1234.5", "-3", "0.25"], (".", "")),
        (["1234,5", "-3"], (",", "")),
        (["1,234.50", "12"], (".", ",")),
        (["1,234", "12,500"], (".", ",")),
        (["1.234,50", "12"], (",", ".")),
        (["1 234,50", "12"], (",", " ")),
        (["1\u00a0234,50", "12,1"], (",", " ")),
        ([], (".", "")),
    ],
)
def test_number_formats_are_told_from_the_cells(cells, signs):
    assert number_format(cells) == (signs, 1.0)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Data zamknięcia", "data_zamkniecia"),
        ("CloseDate", "close_date"),
        ("Deal - ID", "deal_id"),
        ("customerID", "customer_id"),
        ("Łączna wartość (PLN)", "laczna_wartosc"),
    ],
)
def test_names_are_compared_without_case_accents_and_signs(text, plain):
    assert normal(text) == plain


def test_a_text_in_a_western_encoding_is_told_from_a_polish_one(folder):
    (folder / "a.csv").write_bytes("order_id,city\n1,Köln\n2,Orléans\n".encode("cp1252"))
    (folder / "b.csv").write_bytes("order_id,city\n1,Łódź\n2,Wąchock\n".encode("cp1250"))
    (folder / "c.csv").write_bytes("order_id,city\n1,Łódź\n".encode("utf-16"))
    samples, problems = look(folder, "data/acme")
    assert problems == []
    assert [s.format.get("encoding") for s in samples] == ["cp1252", "cp1250", "utf-16"]


def test_a_file_without_a_header_has_numbered_columns(folder):
    (folder / "orders.csv").write_text("1,2026-01-01,10.50\n2,2026-01-02,11.50\n")
    (sample,), _ = look(folder, "data/acme")
    assert (sample.names, sample.format) == (["1", "2", "3"], {"header": False})
    assert len(sample.rows) == 2
    assert guesses([sample])[0][0].missing == ["ordered_at", "amount"]


def test_the_vocabulary_speaks_of_the_contract_and_in_its_own_form():
    assert list(FILES) == list(TABLES)
    assert list(OTHER_NAMES) == list(TABLES)
    for name, columns in OTHER_NAMES.items():
        assert set(columns) <= set(TABLES[name].names), name
        assert all(normal(word) == word for text in columns.values() for word in text.split()), name
    listed = {c.name: set(c.values) for t in TABLES.values() for c in t if c.values}
    assert {column: set(words) for column, words in VALUES.items()} == listed
    for name, constants in CONSTANTS.items():
        assert all(value in TABLES[name].column(column).values for column, value in constants.items())


@pytest.mark.parametrize("text", ["👩\u200d👩 Family", "a\x7fb", "x\ny", 'q"\\', "true", "01"])
def test_a_word_in_a_params_file_reads_back_as_the_same_text(text):
    assert YAML(typ="safe").load(scaffold._word(text)) == text
