"""Files of every kind become the same table; a broken one is told with its name, its line and the remedy."""

import gzip
import os
import traceback
from datetime import date, datetime

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.errors import AnalysisError, SourceError
from source_folders import Project, rows

ORDERS = "order_id,ordered_at,amount\n001,2026-01-05,10.50\n002,2026-01-06,-2\n"
EXPECTED = [
    ("001", datetime(2026, 1, 5), "10.500000"),
    ("002", datetime(2026, 1, 6), "-2.000000"),
]


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


def orders(company):
    return [
        (i, at, str(amount)) for i, at, amount in rows(company, "orders", "order_id", "ordered_at", "amount")
    ]


def failing(project, tables="", **settings):
    with pytest.raises(AnalysisError) as caught:
        project.open(tables, **settings)
    return str(caught.value)


# --- CSV --------------------------------------------------------------------------------------------------


def test_files_named_after_their_table_need_no_mapping_and_ids_keep_their_zeros(project):
    project.write("orders.csv", ORDERS)
    assert orders(project.open()) == EXPECTED


def test_a_gzipped_csv_reads_like_the_plain_one(project):
    project.write("orders.csv.gz", gzip.compress(ORDERS.encode()))
    assert orders(project.open()) == EXPECTED


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_any_line_end_will_do(project, line_end):
    project.write("orders.csv", ORDERS.replace("\n", line_end))
    assert orders(project.open()) == EXPECTED


def test_mixed_line_ends_will_do_and_lose_no_row(project):
    project.write("orders.csv", ORDERS.replace("\n", "\r\n", 2))
    assert orders(project.open()) == EXPECTED


def test_blanks_around_names_and_values_and_a_byte_order_mark_are_no_part_of_them(project):
    project.write(
        "orders.csv",
        "\ufeff order_id , ordered_at, amount \n 001 ,2026-01-05 ,10.50\n\n002, 2026-01-06,\u00a0-2\n",
    )
    assert orders(project.open()) == EXPECTED


def test_blank_lines_before_the_header_are_passed_over(project):
    project.write("orders.csv", b"\n\n" + ORDERS.encode())
    assert orders(project.open()) == EXPECTED


def test_cp1250_with_semicolons_and_decimal_comma_reads_with_its_format(project):
    text = "order_id;ordered_at;amount;channel\n001;05.01.2026;1 234,50;Łódź\n002;06.01.2026;-2,00;żółć\n"
    project.write("orders.csv", text, encoding="cp1250")
    company = project.open(
        """
        orders:
          format: {delimiter: ";", encoding: cp1250, decimal: ",", thousands: " ", dates: "%d.%m.%Y"}
        """
    )
    assert rows(company, "orders", "order_id", "channel") == [("001", "Łódź"), ("002", "żółć")]
    assert [amount for _, _, amount in orders(company)] == ["1234.500000", "-2.000000"]


def test_white_space_as_delimiter_splits_on_runs_of_it(project):
    project.write(
        "sold.txt", b" order_id  ordered_at amount \r\n 00001 19970101  1.5\r\n\r\n 00002\t19970102 12\r\n"
    )
    company = project.open(
        """
        orders:
          file: sold.txt
          format: {delimiter: whitespace, dates: "%Y%m%d"}
        """
    )
    assert orders(company) == [
        ("00001", datetime(1997, 1, 1), "1.500000"),
        ("00002", datetime(1997, 1, 2), "12.000000"),
    ]


def test_a_file_without_header_has_columns_by_number(project):
    project.write("sold.csv", "001,2026-01-05,10.50\n002,2026-01-06,-2\n")
    company = project.open(
        """
        orders:
          file: sold.csv
          format: {header: false}
          columns: {order_id: "1", ordered_at: "2", amount: "3"}
        """
    )
    assert orders(company) == EXPECTED


def test_a_header_alone_is_an_empty_table_and_not_an_absent_one(project):
    project.write("orders.csv", "order_id,ordered_at,amount\n")
    company = project.open()
    assert company.has("orders")
    assert rows(company, "orders", "order_id") == []


def test_an_empty_file_is_refused_with_its_name(project):
    project.write("orders.csv", "")
    assert failing(project).startswith("data/orders.csv: the file is empty")


def test_a_delimiter_that_is_not_the_one_given_names_the_remedy(project):
    project.write("orders.csv", ORDERS.replace(",", ";"))
    assert 'write `format: {delimiter: ";"}`' in failing(project)
    project.write("orders.csv", ORDERS.replace(",", "\t"))
    assert 'write `format: {delimiter: "tab"}`' in failing(project)
    assert orders(project.open("orders: {format: {delimiter: tab}}")) == EXPECTED


def test_bytes_that_are_no_utf8_name_the_line_the_byte_and_the_remedy(project):
    project.write("orders.csv", "order_id,ordered_at,amount\n001,2026-01-05,1\nż2,2026-01-06,2\n", "cp1250")
    assert failing(project).startswith(
        "data/orders.csv:3: byte 0xbf is not utf-8\n"
        "  write the file's encoding, for example `format: {encoding: cp1250}`"
    )


def test_a_cut_row_names_its_line(project):
    project.write("orders.csv", 'order_id,ordered_at,amount\n001,"2026-\n01-05",1\n002,2026-01-06\n')
    told = failing(project)
    assert "data/orders.csv:4: 2 fields where the header has 3: '" in told
    assert "mend or remove the row" in told


def test_a_row_with_too_much_names_its_line(project):
    project.write("orders.csv", ORDERS + "003,2026-01-07,1,50\n")
    assert "data/orders.csv:4: 4 fields where the header has 3" in failing(project)


def test_a_row_with_too_much_is_not_cut_where_line_ends_are_mixed(project):
    project.write("orders.csv", ORDERS.replace("\n", "\r\n", 1) + "003,2026-01-07,1,50\n")
    assert "data/orders.csv:4: 4 fields where the header has 3" in failing(project)


def test_a_quote_that_is_not_closed_names_its_line(project):
    project.write("orders.csv", ORDERS + '"003,2026-01-07,1\n004,2026-01-08,1\n')
    assert "data/orders.csv:4: a quote that is not closed" in failing(project)


def test_a_column_named_twice_is_refused(project):
    project.write("orders.csv", "order_id,amount,ordered_at,amount\n1,2,2026-01-01,3\n")
    assert "data/orders.csv:1: the column amount is there more than once" in failing(project)


def test_names_that_differ_in_case_only_are_different_columns(project):
    project.write("orders.csv", "order_id,Amount,ordered_at,amount\n1,2,2026-01-01,3\n")
    assert orders(project.open()) == [("1", datetime(2026, 1, 1), "3.000000")]


def test_a_half_written_gzip_is_refused(project):
    packed = gzip.compress(ORDERS.encode() * 50)
    project.write("orders.csv.gz", packed[: len(packed) // 2])
    assert failing(project).startswith("data/orders.csv.gz: the gzip file is damaged or half-written")


# --- which files ------------------------------------------------------------------------------------------


def test_a_pattern_takes_all_its_files_in_order_columns_by_name(project):
    project.write("sold_2.csv", "amount,order_id,ordered_at,channel\n7,003,2026-02-01,shop\n")
    project.write("sold_1.csv", ORDERS)
    company = project.open("orders: {file: 'sold_*.csv'}")
    assert orders(company) == [*EXPECTED, ("003", datetime(2026, 2, 1), "7.000000")]
    assert rows(company, "orders", "order_id", "channel") == [("001", None), ("002", None), ("003", "shop")]
    assert list(company.ledger["source"])[-1] == "data/sold_1.csv, data/sold_2.csv"
    assert [i["file"] for i in company.inputs] == ["data/sold_1.csv", "data/sold_2.csv"]


def test_quarantine_tells_the_right_file_and_line_of_a_pattern(project):
    project.write("sold_1.csv", ORDERS)
    project.write("sold_2.csv", "order_id,ordered_at,amount\n003,2026-01-05,1\n004,someday,1\n")
    found = project.open("orders: {file: 'sold_*.csv'}").quarantine
    assert list(zip(found["file"], found["line"], found["key"], strict=True)) == [
        ("data/sold_2.csv", 3, "004")
    ]


def test_a_file_that_is_not_there_names_what_is_near_and_where_to_write_it(project):
    project.write("order_lines.csv", ORDERS)
    message = failing(project, "orders: {file: orders_lines.csv}")
    assert message.startswith("params/firma.yaml:10: orders: there is no file orders_lines.csv in data")
    assert "write `file: order_lines.csv`" in message


def test_a_pattern_does_not_leave_the_folder(project):
    (project.root / "orders.csv").write_text(ORDERS)
    assert "leaves the folder data" in failing(project, "orders: {file: ../orders.csv}")


def test_all_problems_are_told_at_once(project):
    project.write("orders.csv", "id,when\n1,2026-01-01\n")
    message = failing(project, "orders: {}\nleads: {}")
    assert message.count("the required column is missing") == 3
    assert "leads: there is no file leads.csv" in message


def test_a_folder_that_is_not_there_is_refused_with_the_line(project):
    assert failing(project, connect="dat").startswith("params/firma.yaml:8: there is no folder dat;")


def test_a_folder_with_nothing_named_after_a_table_is_refused(project):
    project.write("notes.csv", "a,b\n1,2\n")
    assert "has nothing named after a table" in failing(project)


def test_two_files_that_could_both_be_the_table_are_refused(project):
    project.write("orders.csv", ORDERS)
    project.write("orders.csv.gz", gzip.compress(ORDERS.encode()))
    assert "orders.csv and orders.csv.gz could both be orders" in failing(project)


# --- workbooks, Parquet -----------------------------------------------------------------------------------


def workbook(project, name="orders.xlsx", sheet="Sheet"):
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    page.append(["order_id", "customer_id", "ordered_at", "amount"])
    page.append(["001", 17850.0, datetime(2026, 1, 5, 10, 30), 10.5])
    page.append(["002", 17851, datetime(2026, 1, 6), -2])
    book.save(project.data / name)


def test_a_workbook_gives_whole_numbers_as_ids_and_cells_of_dates(project):
    workbook(project)
    assert rows(project.open(), "orders", "order_id", "customer_id", "ordered_at", "ordered_at_utc") == [
        ("001", "17850", datetime(2026, 1, 5, 10, 30), datetime(2026, 1, 5, 9, 30)),
        ("002", "17851", datetime(2026, 1, 6), None),
    ]


def test_a_decimal_comma_of_the_params_does_not_disturb_the_numbers_of_a_workbook(project):
    workbook(project)
    assert [a for _, _, a in orders(project.open('orders: {format: {decimal: ","}}'))] == [
        "10.500000",
        "-2.000000",
    ]


def test_a_workbook_line_is_the_row_of_the_sheet(project):
    workbook(project)
    book = openpyxl.load_workbook(project.data / "orders.xlsx")
    book.active.append(["003", None, "soon", 1])
    book.save(project.data / "orders.xlsx")
    found = project.open().quarantine
    assert list(zip(found["line"], found["reason"], found["value"], strict=True)) == [
        (4, "unreadable ordered_at", "soon")
    ]


@pytest.mark.parametrize("share", [0, 0.3, 0.9])
def test_a_half_written_workbook_is_refused(project, share):
    workbook(project)
    path = project.data / "orders.xlsx"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    message = failing(project)
    assert message.startswith("data/orders.xlsx: cannot be read as a workbook")
    assert "half-written" in message


def test_parquet_gives_typed_columns(project):
    table = pa.table(
        {
            "order_id": pa.array([1, 2]),
            "customer_id": pa.array([17850.0, float("nan")]),
            "ordered_at": pa.array([datetime(2026, 1, 5, 10), datetime(2026, 1, 6)], pa.timestamp("us")),
            "amount": pa.array([10.5, -2.0]),
        }
    )
    pq.write_table(table, project.data / "orders.parquet")
    assert rows(project.open(), "orders", "order_id", "customer_id", "ordered_at", "ordered_at_utc") == [
        ("1", "17850", datetime(2026, 1, 5, 10), datetime(2026, 1, 5, 9)),
        ("2", None, datetime(2026, 1, 6), datetime(2026, 1, 5, 23)),
    ]


def test_a_timestamp_column_of_midnights_means_days(project):
    days = pa.array([datetime(2026, 1, 5), datetime(2026, 1, 6)], pa.timestamp("us"))
    pq.write_table(
        pa.table({"order_id": ["1", "2"], "ordered_at": days, "amount": [1, 2]}),
        project.data / "orders.parquet",
    )
    assert rows(project.open(), "orders", "ordered_at", "ordered_at_utc") == [
        (datetime(2026, 1, 5), None),
        (datetime(2026, 1, 6), None),
    ]


def test_several_parquet_files_are_one_table_and_tell_their_rows(project):
    for n, at in ((1, "2026-01-05"), (2, "never")):
        pq.write_table(
            pa.table({"order_id": [f"{n}a", f"{n}b"], "ordered_at": ["2026-01-05", at], "amount": [1, 2]}),
            project.data / f"part_{n}.parquet",
        )
    company = project.open("orders: {file: 'part_*.parquet'}")
    assert [i for i, _, _ in orders(company)] == ["1a", "1b", "2a"]
    found = company.quarantine
    assert list(zip(found["file"], found["line"], found["key"], strict=True)) == [
        ("data/part_2.parquet", 2, "2b")
    ]


def test_a_half_written_parquet_is_refused(project):
    project.write("orders.parquet", b"PAR1 and then nothing")
    assert failing(project).startswith("data/orders.parquet: cannot be read as Parquet")


# --- DuckDB -----------------------------------------------------------------------------------------------


@pytest.fixture
def database(project):
    with duckdb.connect(str(project.root / "firma.duckdb")) as con:
        con.execute(
            "CREATE TABLE orders AS SELECT * FROM (VALUES ('001', DATE '2026-01-05', 10.5), "
            "('002', DATE '2026-01-06', -2)) t(order_id, ordered_at, amount)"
        )
        con.execute("CREATE SCHEMA crm")
        con.execute("CREATE TABLE crm.people AS SELECT 'r1' AS id, 'Ann' AS name")
    return project


def test_a_duckdb_file_gives_the_tables_of_canonical_names(database):
    company = database.open(connect="duckdb:///firma.duckdb")
    assert orders(company) == EXPECTED
    assert [i["file"] for i in company.inputs] == ["duckdb:///firma.duckdb"]


def test_a_duckdb_table_is_named_with_its_schema_and_sql_runs_inside(database):
    company = database.open(
        """
        reps: {table: crm.people, columns: {rep_id: id}}
        orders: {sql: "select order_id, ordered_at, amount * 2 as amount from orders where amount > 0"}
        """,
        connect="duckdb:///firma.duckdb",
    )
    assert rows(company, "reps", "rep_id", "name") == [("r1", "Ann")]
    assert orders(company) == [("001", datetime(2026, 1, 5), "21.000000")]


def test_a_duckdb_table_that_is_not_there_names_the_near_ones(database):
    message = failing(database, "reps: {table: crm.peple}", connect="duckdb:///firma.duckdb")
    assert "there is no table crm.peple in duckdb:///firma.duckdb; did you mean `crm.people`?" in message


def test_a_duckdb_file_is_never_written(database):
    before = (database.root / "firma.duckdb").read_bytes()
    failing(database, "orders: {sql: 'drop table orders'}", connect="duckdb:///firma.duckdb")
    database.open(connect="duckdb:///firma.duckdb")
    assert (database.root / "firma.duckdb").read_bytes() == before


def test_a_file_that_is_no_duckdb_is_refused(project):
    (project.root / "x.duckdb").write_bytes(b"no database" * 1000)
    assert "cannot be opened as a DuckDB file" in failing(project, connect="duckdb:///x.duckdb")


@pytest.mark.parametrize("url", ["postgres://host/db", "pyspark://local", "snowflake://a/b"])
def test_other_databases_are_not_supported_yet(project, url):
    assert f"{url.split(':')[0]} sources are not supported yet" in failing(project, connect=url)


# --- secrets ----------------------------------------------------------------------------------------------


def test_a_secret_in_connect_is_expanded_and_appears_nowhere(project, monkeypatch):
    secret = project.root / "hush-hush"
    secret.mkdir()
    (secret / "orders.csv").write_text(ORDERS + "003,never,1\n")
    monkeypatch.setenv("FIRMA_FOLDER", str(secret))
    company = project.open(connect='"${env:FIRMA_FOLDER}"')
    assert orders(company) == EXPECTED
    everything = [
        repr(company), company.ledger.to_csv(), company.quarantine.to_csv(), repr(company.inputs),
        repr(company.params), repr(company.con.con.execute("SELECT * FROM duckdb_databases()").fetchall()),
        repr(company.con.con.execute("SELECT * FROM duckdb_views() WHERE NOT internal").fetchall()),
    ]  # fmt: skip
    assert "hush-hush" not in "".join(everything)
    assert company.quarantine["file"].tolist() == ["${env:FIRMA_FOLDER}/orders.csv"]


@pytest.mark.parametrize("name", ["orders.csv", "orders.parquet", "orders.xlsx", "orders.csv.gz"])
def test_a_secret_does_not_appear_in_errors(project, monkeypatch, name):
    secret = project.root / "hush-hush"
    secret.mkdir()
    (secret / name).write_bytes(b"\xff\xfe\x00 no such thing")
    monkeypatch.setenv("FIRMA_FOLDER", str(secret))
    with pytest.raises(SourceError) as caught:
        project.open(connect='"${env:FIRMA_FOLDER}"')
    assert "hush-hush" not in str(caught.value)
    assert "hush-hush" not in "".join(traceback.format_exception(caught.value))


def test_a_database_behind_a_secret_is_not_told_even_when_it_is_broken(project, monkeypatch):
    (project.root / "hush-hush.duckdb").write_bytes(b"no database" * 1000)
    monkeypatch.setenv("FIRMA_URL", f"duckdb://{project.root}/hush-hush.duckdb")
    assert "hush-hush" not in failing(project, connect='"${env:FIRMA_URL}"')


def test_a_secret_that_is_not_set_is_told_by_its_name(project, monkeypatch):
    monkeypatch.delenv("FIRMA_FOLDER", raising=False)
    assert "environment variable FIRMA_FOLDER is not set" in failing(project, connect='"${env:FIRMA_FOLDER}"')


# --- sql over files ---------------------------------------------------------------------------------------


def test_sql_makes_orders_of_order_lines_with_exact_amounts_and_ids_as_they_are(project):
    project.write(
        "lines.csv",
        "nr,klient,kiedy,ile,cena\n007,01,2026-01-05 10:00:00,3,0.10\n007,01,2026-01-05 10:00:00,2,1.15\n",
    )
    company = project.open(
        """
        orders:
          sql: >
            select nr as order_id, klient as customer_id,
                   min(kiedy) as ordered_at, sum(ile * cena) as amount
            from lines group by all
        """
    )
    found = rows(company, "orders", "order_id", "customer_id", "ordered_at")
    assert found == [("007", "01", datetime(2026, 1, 5, 10))]
    assert [a for _, _, a in orders(company)] == ["2.600000"]
    assert [i["file"] for i in company.inputs] == ["data/lines.csv"]


def test_sql_joins_files_and_numbers_its_rows(project):
    project.write("deal items.csv", "item,price\na,2\nb,3\n")
    project.write("sold.csv", "day,item\n2026-01-05,a\n2026-01-06,b\n")
    company = project.open(
        """
        orders:
          sql: select day, price from sold join "deal items" using (item) order by day
          columns: {order_id: $row, ordered_at: day, amount: price}
        """
    )
    assert orders(company) == [
        ("1", datetime(2026, 1, 5), "2.000000"),
        ("2", datetime(2026, 1, 6), "3.000000"),
    ]


def test_sql_reads_a_decimal_comma_as_the_format_says(project):
    project.write("sold.csv", "order_id;ordered_at;net\n1;2026-01-05;1,25\n2;2026-01-06;2,50\n")
    company = project.open(
        """
        orders:
          sql: select order_id, ordered_at, net * 2 as amount from sold
          format: {delimiter: ";", decimal: ","}
        """
    )
    assert [a for _, _, a in orders(company)] == ["2.500000", "5.000000"]


def test_sql_reads_dates_as_the_format_says(project):
    project.write("sold.csv", "nr,day,net\n1,31.01.2026,1\n1,01.02.2026,2\n")
    company = project.open(
        """
        orders:
          sql: select nr as order_id, min(day) as ordered_at, sum(net) as amount from sold group by nr
          format: {dates: "%d.%m.%Y"}
        """
    )
    assert orders(company) == [("1", datetime(2026, 1, 31), "3.000000")]


def test_a_parquet_file_damaged_in_the_middle_is_refused(project):
    path = project.data / "orders.parquet"
    count = 5000
    table = pa.table(
        {"order_id": [f"o{i * 7919}" for i in range(count)], "ordered_at": ["2026-01-05"] * count}
    )
    pq.write_table(table.append_column("amount", [list(range(count))]), path, compression="snappy")
    damaged = bytearray(path.read_bytes())
    damaged[40:4000] = b"\x07" * 3960
    path.write_bytes(damaged)
    assert failing(project).startswith("data/orders.parquet: cannot be read")


@pytest.mark.parametrize(
    "sql",
    [
        "drop table sold",
        "select 1; select 2",
        "copy sold to 'out.csv'",
        "create table x as select 1",
    ],
)
def test_sql_is_one_select_and_nothing_else(project, sql):
    project.write("sold.csv", ORDERS)
    assert "must be one SELECT statement" in failing(project, f'orders: {{sql: "{sql}"}}')
    assert not os.path.exists(project.root / "out.csv")


def test_sql_over_a_file_that_is_not_there_names_the_near_ones(project):
    project.write("sold.csv", ORDERS)
    message = failing(project, "orders: {sql: select * from solde}")
    assert "there is no file for the table solde; did you mean `sold`?" in message


def test_sql_that_names_a_wrong_column_is_told_with_its_line(project):
    project.write("sold.csv", ORDERS)
    message = failing(project, "orders: {sql: select order_idd from sold}")
    assert message.startswith("params/firma.yaml:10: orders: sql:")
    assert "order_idd" in message


def test_two_sql_tables_may_share_a_file(project):
    project.write("sold.csv", "id,day,net,rep\n1,2026-01-05,5,r1\n")
    company = project.open(
        """
        reps: {sql: "select distinct rep as rep_id, rep as name from sold"}
        orders: {sql: "select id as order_id, day as ordered_at, net as amount, rep as rep_id from sold"}
        """
    )
    assert rows(company, "reps", "rep_id") == [("r1",)]
    assert [i for i, _, _ in orders(company)] == ["1"]


def test_inputs_hold_the_hash_and_size_of_every_file_read(project):
    project.write("orders.csv", "order_id,ordered_at,amount\n")
    assert project.open().inputs == [
        {
            "file": "data/orders.csv",
            "sha256": "027bf050d802c3a7c1b61151d31853e18c47e88782090b7798299b7de8107fc6",
            "size": 27,
        }
    ]


def test_the_day_of_a_source_date_is_no_instant(project):
    project.write(
        "subscriptions.csv", "subscription_id,customer_id,started_on,mrr\n1,c,2026-01-01T23:30:00Z,5\n"
    )
    assert rows(project.open(), "subscriptions", "started_on") == [(date(2026, 1, 2),)]
