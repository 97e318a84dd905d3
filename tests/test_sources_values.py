"""Single values: numbers, dates, instants in time zones, flags; what cannot be read is never guessed."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from analysis.errors import AnalysisError
from source_folders import Project, rows


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


def read(project, column, values, fmt="{}", **settings):
    """The values of one column of orders, and the raw values that could not be read."""
    lines = [
        f'{i},{v if column == "ordered_at" else "2026-01-05"},"{v if column == "amount" else 1}"'
        for i, v in enumerate(values)
    ]
    project.write("orders.csv", "\n".join(["order_id,ordered_at,amount", *lines]) + "\n")
    company = project.open(f"orders: {{format: {fmt}}}", **settings)
    columns = [column, f"{column}_utc"] if column == "ordered_at" else [column]
    found = [row[1:] for row in rows(company, "orders", "order_id", *columns)]
    return found, company.quarantine["value"].tolist()


@pytest.mark.parametrize(
    ("fmt", "text", "number"),
    [
        ("{}", "1234.5", "1234.5"),
        ("{}", "-0.000001", "-0.000001"),
        ("{}", "+7", "7"),
        ("{}", "1e3", "1000"),
        ("{}", "123456789012.123456", "123456789012.123456"),
        ('{decimal: ","}', "1234,5", "1234.5"),
        ('{decimal: ",", thousands: "."}', "1.234.567,89", "1234567.89"),
        ('{decimal: ",", thousands: " "}', "1 234,50", "1234.5"),
        ('{decimal: ",", thousands: " "}', "1\u00a0234,50", "1234.5"),
        ('{decimal: ",", thousands: " "}', "1\u202f234,50", "1234.5"),
        ('{thousands: ","}', "1,234.50", "1234.5"),
        ('{thousands: ","}', "1234.50", "1234.5"),
    ],
)
def test_numbers_are_read_as_the_format_says_and_exactly(project, fmt, text, number):
    assert read(project, "amount", [text], fmt) == ([(Decimal(number),)], [])


@pytest.mark.parametrize(
    ("fmt", "text"),
    [
        ("{}", "1,234"),
        ("{}", "1 000"),
        ("{}", "1_000"),
        ("{}", "12 zł"),
        ("{}", "nan"),
        ("{}", "inf"),
        ("{}", "1e20"),
        ("{}", "0x10"),
        ('{decimal: ","}', "1.5"),
        ('{thousands: ","}', "1,5"),
        ('{thousands: ","}', "12,34,567"),
    ],
)
def test_a_number_written_otherwise_is_quarantined_and_not_guessed(project, fmt, text):
    assert read(project, "amount", [text], fmt) == ([], [text])


@pytest.mark.parametrize(
    ("text", "local", "utc"),
    [
        ("2026-01-05", datetime(2026, 1, 5), None),
        ("2026/01/05", datetime(2026, 1, 5), None),
        ("2026-01-05 10:30", datetime(2026, 1, 5, 10, 30), datetime(2026, 1, 5, 9, 30)),
        (
            "2026-01-05T10:30:15.25",
            datetime(2026, 1, 5, 10, 30, 15, 250000),
            datetime(2026, 1, 5, 9, 30, 15, 250000),
        ),
        ("2026-01-05T23:30:00Z", datetime(2026, 1, 6, 0, 30), datetime(2026, 1, 5, 23, 30)),
        ("2026-01-05T10:00:00+05:30", datetime(2026, 1, 5, 5, 30), datetime(2026, 1, 5, 4, 30)),
        ("2026-01-05 10:00:00 +0200", datetime(2026, 1, 5, 9), datetime(2026, 1, 5, 8)),
        ("2026-01-05T10:00:00.000+0000", datetime(2026, 1, 5, 11), datetime(2026, 1, 5, 10)),
    ],
)
def test_instants_are_local_and_utc_and_a_day_has_no_utc(project, text, local, utc):
    assert read(project, "ordered_at", [text]) == ([(local, utc)], [])


def test_summer_time_begins_and_ends_where_the_company_is(project):
    values = ["2026-03-29 01:59", "2026-03-29 03:00", "2025-10-26 03:00", "2025-10-26 01:59"]
    found, bad = read(project, "ordered_at", values)
    assert [utc for _, utc in found] == [
        datetime(2026, 3, 29, 0, 59),
        datetime(2026, 3, 29, 1, 0),
        datetime(2025, 10, 26, 2, 0),
        datetime(2025, 10, 25, 23, 59),
    ]
    assert bad == []


def test_the_same_instant_is_another_day_elsewhere(project):
    value = ["2026-01-05T03:00:00Z"]
    assert read(project, "ordered_at", value, timezone="America/New_York")[0][0][0] == datetime(
        2026, 1, 4, 22
    )
    assert read(project, "ordered_at", value, timezone="Asia/Tokyo")[0][0][0] == datetime(2026, 1, 5, 12)


@pytest.mark.parametrize(
    ("dates", "text", "local", "utc"),
    [
        ('"%d.%m.%Y"', "05.01.2026", datetime(2026, 1, 5), None),
        ('"%d.%m.%Y"', "2026-01-05", datetime(2026, 1, 5), None),
        (
            '["%d.%m.%Y", "%d.%m.%Y %H:%M"]',
            "05.01.2026 10:00",
            datetime(2026, 1, 5, 10),
            datetime(2026, 1, 5, 9),
        ),
        ('["%d.%m.%Y", "%d.%m.%Y %H:%M"]', "05.01.2026", datetime(2026, 1, 5), None),
        ('"%m/%d/%Y %I:%M %p"', "01/05/2026 10:00 PM", datetime(2026, 1, 5, 22), datetime(2026, 1, 5, 21)),
        ('"%d.%m.%Y %H:%M %z"', "05.01.2026 10:00 +0000", datetime(2026, 1, 5, 11), datetime(2026, 1, 5, 10)),
    ],
)
def test_dates_are_read_by_their_formats_first_and_then_as_iso(project, dates, text, local, utc):
    assert read(project, "ordered_at", [text], f"{{dates: {dates}}}") == ([(local, utc)], [])


@pytest.mark.parametrize(
    "text",
    [
        "05.01.2026",
        "2026-02-30",
        "2026-13-01",
        "01/02/2026",
        "epoch",
        "infinity",
        "0001-01-01",
        "20260-01-05",
        "soon",
    ],
)
def test_a_date_that_is_none_is_quarantined(project, text):
    assert read(project, "ordered_at", [text]) == ([], [text])


def test_a_format_that_is_none_is_told_with_its_line(project):
    with pytest.raises(AnalysisError, match=r"params/firma.yaml:10: '%Q' is no date format"):
        read(project, "ordered_at", ["2026-01-05"], '{dates: "%Q"}')


def test_a_format_that_is_none_is_told_before_any_sql_runs(project):
    project.write("sold.csv", "order_id,ordered_at,amount\n1,2026-01-05,1\n")
    with pytest.raises(AnalysisError, match=r"params/firma.yaml:11: '%Q' is no date format"):
        project.open('orders:\n  format: {dates: "%Q"}\n  sql: select * from sold')


def test_a_month_of_costs_is_its_first_day(project):
    project.write(
        "costs.csv", "month,category,amount\n2026-01,other,1\n2026-02-01,other,2\n2026-03-17,other,3\n"
    )
    assert [m for (m,) in rows(project.open(), "costs", "month")] == [
        date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
    ]  # fmt: skip


def test_flags_are_read_in_any_case_and_missing_is_false(project):
    words = ["true", "FALSE", "1", "0", "Yes", "no", "t", "F", "Y", "n", ""]
    lines = [f"{i:02},2026-01-05,{word}" for i, word in enumerate([*words, "perhaps"])]
    project.write("emails.csv", "\n".join(["email_id,sent_at,bounced", *lines]) + "\n")
    company = project.open()
    found = [(b, m) for _, b, m in rows(company, "emails", "email_id", "bounced", "machine_open")]
    assert [b for b, _ in found] == [True, False] * 5 + [False]
    assert not any(m for _, m in found)
    assert company.quarantine[["reason", "value"]].values.tolist() == [["unreadable bounced", "perhaps"]]


def test_all_faults_of_a_row_are_listed_with_their_values_and_the_row_is_kept_whole(project):
    project.write("costs.csv", "month,category,amount,note\nMay,PR,much,żółć\n")
    found = project.open().quarantine
    assert found.drop(columns="row").values.tolist() == [
        [
            "costs",
            "data/costs.csv",
            2,
            "",
            "unreadable month; unknown category; unreadable amount",
            "May; PR; much",
        ]
    ]
    assert found["row"].tolist() == ['{"month":"May","category":"PR","amount":"much","note":"żółć"}']


def test_enum_words_are_taken_as_they_are_written(project):
    project.write("opportunities.csv", "opportunity_id,outcome\n1,open\n2,Open\n3,\n")
    found = project.open().quarantine
    assert found[["key", "reason", "value"]].values.tolist() == [
        ["2", "unknown outcome", "Open"],
        ["3", "missing outcome", ""],
    ]
