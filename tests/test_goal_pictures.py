"""Goals shown: the table, the batteries and the map say what the standings say."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.colors import to_hex

from analysis import charts, tables
from analysis.display import Note
from analysis.goals import families, standings
from analysis.kpi_table import kpi_table
from analysis.labels import Labels
from analysis.texts import language
from companies import make_company

LONG = "x" * 3000
WICKED = ["<script>alert(1)</script>", '=HYPERLINK("a")', LONG, "שלום 🎯", "$x^2$ and $y"]
DATES = {"start_on": "2026-01-01", "due_on": "2026-03-31"}
DEALS = """
    opportunity_id,outcome,created_at,closed_at,amount,rep_id
    1,won,2026-01-02,2026-01-20,100,R1
    2,lost,2026-01-03,2026-02-10,50,R1
"""


def target(name: str = "n", **more) -> dict:
    return {"name": name, "type": "number", "end": 100} | more


def of_company(folder: Path, *goals: dict, **params) -> tuple[pd.DataFrame, Labels]:
    client = make_company(folder, {"opportunities": DEALS}, goals=list(goals), **params)
    return standings(client, kpi_table(client, families(client) or ["team"])), Labels.of(client)


FOUR = (
    {"name": "Behind", "folder": "Sales", "owner": "R1", "targets": [target(current=50)], **DATES},
    {"name": "Done", "targets": [target(current=130)], **DATES},
    {"name": "Sales too", "folder": "Sales", "targets": [target("a", current=99), target("b")]},
    {"name": "Unknown", "targets": [{"name": "k", "type": "kpi", "kpi": "nrr", "grain": "year", "end": 1}]},
)


def test_the_table_shows_goals_by_folder_each_with_its_targets(tmp_path):
    found = tables.goals(*of_company(tmp_path, *FOUR))
    assert [row.cells[0] for row in found.body] == [
        "Done", "– n", "Unknown", "– k (2026 so far)",
        "Sales", "Behind", "– n", "Sales too (1 of 2 without data)", "– a", "– b",
    ]  # fmt: skip
    behind, done = found.body[5], found.body[0]
    assert behind.cells == ("Behind", "R1", "–", "–", "–", "50.0%", "100.0%", "behind", "Mar 31, 2026")
    assert found.body[6].cells[2:6] == ("0", "50", "100", "50.0%")
    assert (done.cells[5], found.body[1].cells[5], done.cells[7]) == ("100.0%", "130.0%", "done")
    unknown = found.body[2]
    assert unknown.cells[5] == "the company has no such table"
    assert (unknown.cells[7], unknown.status) == ("no pace", "undefined")
    assert found.body[3].cells[5] == "Net revenue retention: the company has no such table"


def test_yes_and_no_are_words_in_the_table(tmp_path):
    done = {"name": "t", "type": "true_false", "done": "2026-03-01"}
    found = tables.goals(*of_company(tmp_path, {"name": "Do", "targets": [done]}))
    assert found.body[1].cells[2:6] == ("no", "yes", "yes", "100.0%")


def test_batteries_are_filled_as_far_as_the_goals_have_come(tmp_path):
    ax = charts.batteries(*of_company(tmp_path, *FOUR))
    fills = [bar for bar in ax.patches if bar.get_fill() and bar.get_height() > 0.5]
    assert [bar.get_width() for bar in fills] == [0.5, 1.0, 0.99]
    assert len({to_hex(bar.get_facecolor()) for bar in fills}) == 3
    assert [text.get_text() for text in ax.texts] == [
        "50.0%, behind",
        "100.0%, done",
        "99.0%, no pace, 1 of 2 without data",
        "the company has no such table",
    ]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["Behind", "Done", "Sales too", "Unknown"]
    picture = charts.picture(ax)
    assert picture.alt == (
        "Battery chart: Goals on Mar 31, 2026. Behind: 50.0%, behind; Done: 100.0%, done; "
        "Sales too: 99.0%, no pace, 1 of 2 without data; Unknown: the company has no such table."
    )
    assert picture.png()[:4] == b"\x89PNG"


def test_without_goals_a_sentence_says_where_to_write_them(tmp_path):
    found = of_company(tmp_path)
    for shown in (tables.goals(*found), charts.batteries(*found)):
        assert isinstance(shown, Note)
        assert "`goals`" in shown.text


@pytest.mark.parametrize("name", WICKED, ids=["script", "formula", "long", "rtl", "math"])
def test_whatever_a_goal_is_called_is_text_and_fits(tmp_path, name):
    goal = {"name": name, "owner": name, "folder": name, "targets": [target(name, current=50)], **DATES}
    found, labels = of_company(tmp_path, goal)
    html = tables.goals(found, labels)._repr_html_()
    assert "<script>" not in html
    assert LONG[:60] not in html
    ax = charts.batteries(found, labels)
    assert all(len(tick.get_text()) <= 40 for tick in ax.get_yticklabels())
    assert len(charts.picture(ax).png()) > 1000


def test_goals_are_told_in_the_company_s_language_and_dates(tmp_path):
    found, labels = of_company(tmp_path, FOUR[0], locale="pl_PL")
    with language("pl_PL"):
        shown = tables.goals(found, labels)
    assert shown.body[1].cells[-1] == "31 mar 2026"
    assert shown.body[1].cells[5] == "50,0%"
    assert labels.as_of == date(2026, 3, 31)
