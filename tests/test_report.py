"""Pages of handwritten notebooks, files that are the same for the same table."""

import csv
import io
import json
from datetime import date

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from analysis.report import files
from analysis.report.files import csv_text, json_text, keep, new_folder, put_in_place, table_bytes
from analysis.report.html import Link, Page, render
from small_project import PIXEL

PAGE = Page("Ann", date(2026, 3, 31), "en_US", [Link("a.html", "A", True), Link("b.html", "B")])


def html_output(html: str):
    return new_output("display_data", data={"text/html": html, "text/plain": "plain text"})


def shown(*cells, page=PAGE) -> BeautifulSoup:
    return BeautifulSoup(render(new_notebook(cells=list(cells)), page), "html.parser")


def shown_html(html: str) -> BeautifulSoup:
    return shown(new_code_cell("code()", outputs=[html_output(html)])).find(id="content")


# --- pages --------------------------------------------------------------------------------------------


def test_the_first_top_heading_is_the_only_one_and_stands_in_the_header():
    page = shown(
        new_markdown_cell("# One\n\ntext"), new_markdown_cell("# Two"), new_markdown_cell("## Three\n### 4")
    )
    assert [(h.name, h.text) for h in page.find_all(["h1", "h2", "h3"])] == [
        ("h1", "One"), ("h2", "Two"), ("h2", "Three"), ("h3", "4"),
    ]  # fmt: skip
    assert page.find("h1").parent.name == "header"


def test_sections_are_listed_with_ids_that_differ():
    page = shown(new_markdown_cell("# T\n## Żółw & co\n## Żółw & co\n## ?"))
    links = page.find("nav", class_="sections").find_all("a")
    assert [(a["href"], a.text) for a in links] == [
        ("#zow-co", "Żółw & co"), ("#zow-co-2", "Żółw & co"), ("#section", "?"),
    ]  # fmt: skip
    assert all(page.find(id=a["href"][1:]) for a in links)


def test_a_notebook_without_a_title_takes_the_companys_name():
    assert shown(new_markdown_cell("text")).find("h1").text == "Ann"


def test_names_with_markup_stay_text():
    page = Page("<script>alert(1)</script>", date(2026, 3, 31), "en_US", [Link('"><i>', "<i>x</i>")])
    text = render(new_notebook(cells=[new_markdown_cell("# T")]), page)
    assert "<script" not in text
    assert "<i>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_the_language_is_the_locales_and_the_words_are_marked_as_english():
    page = shown(new_markdown_cell("# T"), page=Page("A", date(2026, 3, 1), "pl_PL"))
    assert (page.html["lang"], page.body["lang"]) == ("pl-PL", "en")
    assert page.find("time").text == "1 marca 2026"


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        '<img src="https://example.org/x.png">',
        '<img src="x" onerror="alert(1)">',
        '<p onclick="alert(1)">x</p>',
        '<a href="javascript:alert(1)">x</a>',
        '<a href=" JAVASCRIPT:alert(1)">x</a>',
        '<iframe src="https://example.org"></iframe>',
        '<meta http-equiv="refresh" content="0; url=https://example.org">',
        '<link rel="stylesheet" href="https://example.org/x.css">',
        '<style>@import "https://example.org/x.css"</style>',
        '<p style="background: url(https://example.org/x.png)">x</p>',
        '<form action="https://example.org"><input name="x"></form>',
        '<svg onload="alert(1)"></svg>',
        '<table background="https://example.org/x.png"><tr><td>x</td></tr></table>',
    ],
)
def test_nothing_that_runs_or_loads_comes_through(html):
    for content in (shown_html(html), shown(new_markdown_cell(f"# T\n\n{html}")).find(id="content")):
        text = str(content).lower()
        assert "example.org" not in text
        assert "alert" not in text


def test_a_link_to_a_source_stays_a_link():
    link = shown(new_markdown_cell("# T\n\n[book](https://example.org/book)")).find(id="content").find("a")
    assert link["href"] == "https://example.org/book"
    assert link["rel"] == ["noopener", "noreferrer"]


def test_columns_of_figures_go_right_and_columns_of_words_and_days_left():
    frame = pd.DataFrame(
        {
            "rep": ["Ann", "Bob"],
            "sum": ["1 234,50 zł", "–"],
            "rate": ["12.5 %", "-3 %*"],
            "range": ["10 % – 20 %", ""],
            "euro": ["€1,234.00", "EUR 5"],
            "day": ["2026-01-31", "2026-02-28"],
            "mixed": ["3", "few"],
            "none": ["–", "–"],
        }
    )
    table = shown_html(frame.to_html(index=False)).find("table")
    for row in table.find_all("tr"):
        right = ["figure" in cell.get("class", []) for cell in row.find_all(["th", "td"])]
        assert right == [False, True, True, True, True, False, False, False]


def test_row_headers_that_span_rows_do_not_shift_the_columns():
    frame = pd.DataFrame({"g": ["a", "a"], "k": ["x", "y"], "n": [1, 2], "t": ["p", "q"]}).set_index(
        ["g", "k"]
    )
    rows = shown_html(frame.to_html()).find("tbody").find_all("tr")
    assert [[c.text for c in row.find_all(class_="figure")] for row in rows] == [["1"], ["2"]]


def test_a_note_is_made_once_in_a_section():
    note = html_output('<p class="missing">No table targets.</p>')
    other = html_output('<p class="missing">No table leads.</p>')
    code = [new_code_cell(outputs=[each]) for each in (note, note, other, note)]
    main = shown(new_markdown_cell("## A"), *code[:3], new_markdown_cell("## B"), code[3]).find(id="content")
    assert [tag.text for tag in main.select("h2, p.missing")] == [
        "A", "No table targets.", "No table leads.", "B", "No table targets.",
    ]  # fmt: skip
    assert all(output.text.strip() for output in main.select(".output"))


def test_short_cells_stay_on_one_line_and_long_ones_get_room():
    body = f"<tr><th>ab</th><td>{'w ' * 30}</td><td>{'x' * 30}</td></tr>"
    html = f"<table><thead><tr><th>{'h' * 99}</th></tr></thead><tbody>{body}</tbody></table>"
    cells = shown_html(html).select("tbody th, tbody td")
    assert [cell.get("class") for cell in cells] == [["short"], ["long"], None]


@pytest.mark.parametrize(("columns", "wide"), [(9, False), (10, True)])
def test_a_table_of_many_columns_is_marked_for_paper(columns, wide):
    table = shown_html(f"<table><tr>{'<td>1</td>' * columns}</tr></table>").find("table")
    assert ("wide" in table.get("class", [])) == wide


def test_a_table_scrolls_in_a_named_box():
    box = shown_html("<table border=1><caption>Won deals</caption><tr><td>1</td></tr></table>").find(
        class_="table"
    )
    assert (box["role"], box["tabindex"], box["aria-label"]) == ("region", "0", "Won deals")
    assert not box.table.has_attr("border")


def test_a_picture_keeps_its_words_or_gets_the_headings():
    data = {"image/png": PIXEL, "text/plain": "x"}
    said = new_output("display_data", data=data, metadata={"image/png": {"alt": 'a "b" <c>', "width": 320}})
    silent = new_output("display_data", data=data)
    page = shown(new_markdown_cell("# T\n## Who won"), new_code_cell(outputs=[said, silent]))
    first, second = page.find_all("img")
    assert (first["alt"], first["width"]) == ('a "b" <c>', "320")
    assert second["alt"] == "Chart: Who won"
    assert {image.parent.name for image in (first, second)} == {"figure"}


def test_code_and_parameters_are_hidden_even_where_they_print():
    out = [new_output("stream", name="stdout", text="printed")]
    told = new_code_cell("secret()", outputs=out, metadata={"tags": ["injected-parameters"]})
    main = shown(told, new_code_cell("code()", outputs=out)).find(id="content")
    assert main.text.split() == ["printed"]


def test_provenance_folds_into_one_place():
    tag = {"tags": ["provenance"]}
    cells = [
        new_markdown_cell("# T"),
        new_markdown_cell("## Provenance", metadata=tag),
        new_code_cell("x", outputs=[html_output("<p>hashes</p>")], metadata=tag),
    ]
    (details,) = shown(*cells).find_all("details")
    assert details.find("p").text == "hashes"
    assert details.find("h2").text == "Provenance"


def test_a_warning_is_shown_and_an_empty_one_is_not():
    cells = [
        new_code_cell(outputs=[new_output("stream", name="stderr", text=text)])
        for text in ("careful\n", "\n")
    ]
    warnings = shown(*cells).find_all(class_="warning")
    assert [w.text.strip() for w in warnings] == ["careful"]


# --- files --------------------------------------------------------------------------------------------

FRAME = pd.DataFrame(
    {
        "day": pd.to_datetime(["2026-03-01", None]).astype("datetime64[s]"),
        "value": [0.1 + 0.2, float("nan")],
        "n": [1, 2],
        "text": ["Łódź, \"x\"", ""],
    }
)  # fmt: skip


def test_csv_holds_iso_days_shortest_floats_and_nothing_for_null():
    assert csv_text(FRAME) == ('day,value,n,text\n2026-03-01,0.30000000000000004,1,"Łódź, ""x"""\n,,2,\n')


def test_json_holds_null_and_iso_days():
    assert json.loads(json_text(FRAME)) == [
        {"day": "2026-03-01", "value": 0.30000000000000004, "n": 1, "text": 'Łódź, "x"'},
        {"day": None, "value": None, "n": 2, "text": ""},
    ]


def test_parquet_is_the_same_bytes_again_and_reads_back():
    import io

    once = table_bytes(FRAME, "parquet")
    assert once == table_bytes(FRAME.copy(), "parquet")
    back = pd.read_parquet(io.BytesIO(once))
    assert back["day"].tolist() == [date(2026, 3, 1), None]
    pd.testing.assert_series_equal(back["value"], FRAME["value"], check_exact=True)


def test_a_column_with_times_of_day_keeps_them():
    frame = pd.DataFrame({"at": pd.to_datetime(["2026-03-01 12:30:00"])})
    assert "2026-03-01 12:30:00" in csv_text(frame)


def test_a_text_that_a_spreadsheet_would_run_is_text_in_csv():
    texts = ['=HYPERLINK("http://x")', "+1", "-1", "@x", "\tx", "plain", None]
    frame = pd.DataFrame({"name": texts, "value": [-1.0] * len(texts)})
    rows = list(csv.reader(io.StringIO(csv_text(frame), newline="")))[1:]
    assert [row[0] for row in rows] == [*(f"'{text}" for text in texts[:5]), "plain", ""]
    assert {row[1] for row in rows} == {"-1.0"}
    assert csv_text(pd.DataFrame({"name": ["\rx"]})) == "name\n'\rx\n"


@pytest.mark.parametrize("swaps", [True, False])
def test_a_folder_replaces_the_old_one_whole(tmp_path, monkeypatch, swaps):
    if not swaps:
        monkeypatch.setattr(files, "_swapped", lambda one, other: False)
    for text in ("old", "new"):
        with new_folder(tmp_path, "ann") as folder:
            (folder / text).write_text(text)
            put_in_place(folder, tmp_path / "ann" / "2026-03-31")
    assert [p.name for p in (tmp_path / "ann" / "2026-03-31").iterdir()] == ["new"]
    assert [p.name for p in tmp_path.iterdir()] == ["ann"]


def test_the_old_folder_stands_when_the_new_one_cannot_be_moved(tmp_path, monkeypatch):
    place = tmp_path / "ann" / "2026-03-31"
    place.mkdir(parents=True)
    (place / "old").touch()
    monkeypatch.setattr(files, "_swapped", lambda one, other: False)
    with pytest.raises(FileNotFoundError):
        put_in_place(tmp_path / "gone", place)
    assert [p.name for p in place.iterdir()] == ["old"]


def test_an_unfinished_folder_is_gone_and_a_new_failure_replaces_the_last(tmp_path):
    with pytest.raises(KeyError), new_folder(tmp_path, "ann"):
        raise KeyError
    assert list(tmp_path.iterdir()) == []
    for text in ("first", "second"):
        with new_folder(tmp_path, "ann") as folder:
            (folder / "run.json").write_text(text)
            (folder / text).touch()
            keep(folder, tmp_path / ".failed" / "ann", "2026-03-31")
    assert [p.name for p in (tmp_path / ".failed/ann/2026-03-31").iterdir()] == ["second"]
    assert (tmp_path / ".failed/ann/run.json").read_text() == "second"


def test_a_report_can_be_read_by_whom_the_folder_lets_in(tmp_path):
    with new_folder(tmp_path, "ann") as folder:
        path = files.write_text(folder / "x", "x")
        plain = tmp_path / "plain"
        plain.touch()
        assert path.stat().st_mode == plain.stat().st_mode
