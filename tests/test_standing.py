"""Where one company stands: percentiles by hand, who is compared, and that nobody is named."""

import re
from itertools import pairwise

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from analysis.cli import app
from analysis.errors import RunError
from analysis.report.standing import LEAST, blur, percentile, standing_page
from test_portfolio import report

OWN = {"status": "ok", "reason": "", "grain": "month", "start": "2026-03-01", "period": "Mar 2026"}


def figures(value: float, unit: str = "ratio", text: str = "", **other) -> dict:
    return {**OWN, "value": value, "text": text or f"{value:.1%}", "unit": unit, "basis": "", **other}


def others(folder, kpi: str, values, **other) -> None:
    for number, value in enumerate(values):
        name = f"Rival Ironworks {number}"
        report(folder / f"rival_{number}", "2026-03-31", name, kpis={kpi: figures(value, **other)})


def row(folder, kpi_name: str, locale: str = "en_GB") -> list[str]:
    soup = BeautifulSoup(standing_page(folder, "own", locale), "html.parser")
    (found,) = [r for r in soup.select("tbody tr") if r.th.contents[0] == kpi_name]
    return [cell.get_text(" ") for cell in found.select("td")]


# --- percentiles --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "direction", "expected"),
    [
        (0.35, "up", 0.6),  # above 0.1, 0.2, 0.3 of five
        (0.35, "down", 0.4),  # the other two are worse
        (0.3, "up", 0.5),  # above two, equal to one
        (0.3, "down", 0.5),
        (0.05, "up", 0.0),
        (0.9, "up", 1.0),
    ],
)
def test_a_percentile_is_the_share_of_worse_ones_and_half_of_the_equal(value, direction, expected):
    assert percentile(value, [0.1, 0.2, 0.3, 0.4, 0.5], direction) == expected


@given(st.lists(st.integers(-5, 5), min_size=1), st.integers(-6, 6))
def test_the_two_directions_add_up_to_one_and_a_better_value_stands_no_lower(values, value):
    up, down = (percentile(value, values, direction) for direction in ("up", "down"))
    assert up + down == pytest.approx(1)
    assert percentile(value + 1, values, "up") >= up
    assert percentile(value, values[::-1], "up") == up


def test_a_mark_is_the_mean_of_three_neighbours():
    values = [1, 2, 4, 8, 16]
    assert [blur(values, share) for share in (0.25, 0.5, 0.75)] == [7 / 3, 14 / 3, 28 / 3]
    assert blur(values, 0) == 7 / 3
    assert blur(values, 1) == 28 / 3


@given(st.lists(st.floats(-1e6, 1e6), min_size=LEAST))
def test_marks_rise_and_lie_between_the_least_and_the_largest(values):
    values.sort()
    marks = [blur(values, share) for share in (0.25, 0.5, 0.75)]
    assert all(low <= high + 1e-6 for low, high in pairwise([values[0], *marks, values[-1]]))


# --- who is compared ----------------------------------------------------------------------------------


def test_a_company_is_better_than_a_share_of_so_many_others(tmp_path):
    report(tmp_path / "own", "2026-03-31", "Own", kpis={"win_rate": figures(0.35)})
    others(tmp_path, "win_rate", [0.1, 0.2, 0.3, 0.4, 0.5])
    value, standing, strip = row(tmp_path, "Win rate")
    assert value == "35.0% Mar 2026"
    assert standing == "better than 60% of 5 companies"
    assert strip == "20% · 30% · 40%"


def test_where_lower_is_better_the_lower_figure_stands_higher_and_right(tmp_path):
    report(tmp_path / "own", "2026-03-31", "Own", kpis={"churn_rate": figures(0.05)})
    others(tmp_path, "churn_rate", [0.1, 0.2, 0.3, 0.4, 0.5])
    assert row(tmp_path, "Customer churn")[1] == "better than 100% of 5 companies"
    page = standing_page(tmp_path, "own")
    assert 'cx="100"' in page


def test_with_too_few_others_there_is_no_percentile(tmp_path):
    report(tmp_path / "own", "2026-03-31", "Own", kpis={"win_rate": figures(0.35)})
    others(tmp_path, "win_rate", [0.1, 0.2, 0.3, 0.4])
    assert row(tmp_path, "Win rate")[1:] == [
        "fewer than 5 other companies have a figure that compares", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [
        {"status": "small_n"},
        {"status": "provisional"},
        {"grain": "quarter"},
        {"basis": "orders 90"},
        {"start": "2025-02-01"},
        {"unit": "USD"},
        {"value": None},
    ],
)
def test_only_what_compares_is_compared(tmp_path, other):
    report(tmp_path / "own", "2026-03-31", "Own", kpis={"win_rate": figures(0.35)})
    others(tmp_path, "win_rate", [0.1, 0.2, 0.3, 0.4, 0.5])
    report(tmp_path / "odd", "2026-03-31", "Odd", kpis={"win_rate": figures(0.9) | other})
    assert row(tmp_path, "Win rate")[1] == "better than 60% of 5 companies"


def test_a_year_apart_still_compares(tmp_path):
    report(tmp_path / "own", "2026-03-31", "Own", kpis={"win_rate": figures(0.35)})
    others(tmp_path, "win_rate", [0.1, 0.2, 0.3, 0.4, 0.5], start="2025-03-01")
    assert row(tmp_path, "Win rate")[1] == "better than 60% of 5 companies"


def test_amounts_are_compared_in_one_currency_only(tmp_path):
    report(tmp_path / "own", "2026-03-31", "Own", kpis={"revenue": figures(50, "EUR", "€50")})
    others(tmp_path, "revenue", [10, 20, 30, 40, 60], unit="EUR", text="€?")
    report(tmp_path / "yen", "2026-03-31", "Yen", kpis={"revenue": figures(9000, "JPY", "JP¥9,000")})
    assert row(tmp_path, "Revenue")[1] == "better than 80% of 5 companies"


def test_a_figure_of_few_cases_or_none_is_not_ranked(tmp_path):
    few = figures(0.35, status="small_n")
    report(tmp_path / "own", "2026-03-31", "Own", kpis={"win_rate": few})
    others(tmp_path, "win_rate", [0.1, 0.2, 0.3, 0.4, 0.5])
    assert row(tmp_path, "Win rate")[1] == "not compared: few cases"
    assert row(tmp_path, "Revenue")[1] == "a table is missing"


# --- nobody is named ----------------------------------------------------------------------------------


def test_no_other_company_can_be_recognised(tmp_path):
    report(tmp_path / "own", "2026-03-31", "Own", kpis={"revenue": figures(500000, "EUR", "€500,000")})
    values = [123456, 234567, 345678, 456789, 567891, 678912]
    for number, value in enumerate(values):
        kpis = {"revenue": figures(value, "EUR", f"€{value:,}", n=98765)}
        report(tmp_path / f"rival_{number}", "2026-03-31", f"Rival Ironworks {number}", kpis=kpis)
    page = standing_page(tmp_path, "own", "en_GB")
    assert "Own" in page
    assert "€500,000" in page
    for number, value in enumerate(values):
        for trace in (f"rival_{number}", f"Rival Ironworks {number}", f"{value:,}", str(value), "98765"):
            assert trace not in page
    assert "Rival" not in page
    assert not re.search(r"rival", page, re.IGNORECASE)


def test_a_mark_that_would_be_somebodys_own_figure_is_told_more_coarsely(tmp_path):
    report(tmp_path / "own", "2026-03-31", "Own", kpis={"new_leads": figures(99, "count", "99")})
    others(tmp_path, "new_leads", [1240, 1240, 1240, 1240, 1240], unit="count", text="1,200")
    assert row(tmp_path, "New leads")[2] == "1,000 · 1,000 · 1,000"


# --- the command --------------------------------------------------------------------------------------


def test_an_unknown_company_is_refused_with_the_near_match(tmp_path):
    report(tmp_path / "acme", "2026-03-31", "Acme", locale="en_GB")
    with pytest.raises(RunError, match="no report of `acne`; did you mean `acme`"):
        standing_page(tmp_path, "acne")


def test_a_report_without_a_summary_is_refused(tmp_path):
    report(tmp_path / "own", "2026-03-31")
    with pytest.raises(RunError, match="its newest report has no summary"):
        standing_page(tmp_path, "own")


def test_the_command_writes_the_portfolio_or_where_a_company_stands(tmp_path):
    report(tmp_path / "own", "2026-03-31", "Own & Sons", locale="en_GB")
    reports = ["--reports", str(tmp_path)]
    assert CliRunner().invoke(app, ["portfolio", *reports, "--locale", "pl-PL"]).exit_code == 0
    assert '<html lang="pl">' in (tmp_path / "index.html").read_text(encoding="utf-8")
    shown = CliRunner().invoke(app, ["portfolio", *reports, "--anonymous", "own"])
    assert "<bdi>Own &amp; Sons</bdi>" in shown.output
    written = tmp_path / "standing.html"
    CliRunner().invoke(app, ["portfolio", *reports, "--anonymous", "own", "-o", str(written)])
    assert written.read_text(encoding="utf-8") == shown.output
    refused = CliRunner().invoke(app, ["portfolio", *reports, "--locale", "xx"])
    assert isinstance(refused.exception, RunError)
