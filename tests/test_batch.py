"""A batch on a small project: what is refused, what is written, what one company's failure does to others."""

import hashlib
import json
import os
import re
import shutil
import signal
import tempfile
from concurrent.futures import Future
from datetime import date
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from analysis.batch.job import DATA, Data, Job, Plan, Result
from analysis.batch.run import Options, run
from analysis.batch.watch import told, told_failure
from analysis.errors import RunError
from analysis.kernel import Processes, kernel_options
from analysis.report.files import new_folder
from small_project import SHOW, company, notebook, small_project, write

DAY = "2026-03-31"


class Watch:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.total = self.done = 0
        self.ended: list[str] = []

    def begins(self, steps):
        self.total = steps

    def step(self, company, name, steps):
        self.done += steps

    def ends(self, result):
        self.ended.append(result.company)


@pytest.fixture(scope="session")
def processes():
    return Processes(preload=["analysis.batch.job"])


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return small_project(tmp_path)


@pytest.fixture
def go(processes):
    def batch(*names, watch=None, **options) -> list[Result]:
        return run(names, Options(jobs=2, **options), watch or Watch(), processes)

    return batch


@pytest.fixture(scope="module")
def done(tmp_path_factory, processes):
    """The small project after a run of both companies; for tests that only look."""
    root = small_project(tmp_path_factory.mktemp("done"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        watch = Watch()
        results = run([], Options(jobs=2, parameters={"top": "7"}), watch, processes)
    assert [result.cause for result in results] == ["", ""]
    assert watch.done == watch.total == 8
    assert sorted(watch.ended) == ["ann", "bob"]
    return root


def contents(folder: Path, but: str = "run.json") -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name != but
    }


def record(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


# --- refused before anything runs ---------------------------------------------------------------------


def test_a_parameter_the_notebook_does_not_have_is_refused_with_the_near_match(site, go):
    with pytest.raises(RunError) as refused:
        go("ann", parameters={"tpo": "5"})
    assert "notebooks/sales.ipynb: has no parameter `tpo`; did you mean `top`?" in str(refused.value)
    assert not (site / "reports").exists()


def test_a_notebook_that_cannot_be_told_the_company_is_refused(site, go):
    write(site, "team", notebook(parameters='firm = "ann"\nas_of = ""\nparams_dir = ""'))
    with pytest.raises(RunError, match=r"notebooks/team\.ipynb: has no parameter `company`"):
        go("ann")
    assert not (site / "reports").exists()


def test_a_text_for_a_number_is_refused(site, go):
    with pytest.raises(RunError, match="`top` is like 3, and 'many' is not"):
        go("ann", parameters={"top": "many"})


def test_the_batchs_own_parameters_cannot_be_given(site, go):
    with pytest.raises(RunError, match="-p company: is set by the batch itself"):
        go("ann", parameters={"company": "bob"})


def test_an_unknown_notebook_is_refused_with_the_near_match(site, go):
    with pytest.raises(RunError, match=r"no notebook `sale`; did you mean `sales`\?\n.* are sales, team"):
        go("ann", notebooks=["sale"])


def test_a_notebook_without_a_parameters_cell_is_refused(site, go):
    nb = notebook(SHOW)
    del nb.cells[1]
    write(site, "team", nb)
    with pytest.raises(RunError, match=r"team\.ipynb: no cells are tagged `parameters`"):
        go("ann")


def test_a_damaged_notebook_is_refused(site, go):
    (site / "notebooks" / "team.ipynb").write_text('{"cells": [', encoding="utf-8")
    with pytest.raises(RunError, match=r"team\.ipynb: is no notebook that can be run"):
        go("ann")


def test_a_day_that_is_none_is_refused(site, go):
    with pytest.raises(RunError, match="--as-of: '2026-02-30' is no date; write YYYY-MM-DD or latest"):
        go("ann", as_of="2026-02-30")


# --- what a good run writes ---------------------------------------------------------------------------


def test_a_good_run_leaves_exactly_the_reports(done):
    files = ["kpis.csv", "kpis.parquet", "kpis.xlsx", "quarantine.csv", "run.json", "summary.json"]
    files += ["index.html", "rows"]
    books = ["sales.html", "sales.ipynb", "team.html", "team.ipynb"]
    assert sorted(p.name for p in (done / "reports").iterdir()) == ["ann", "bob", "index.html"]
    for name in ("ann", "bob"):
        assert [p.name for p in (done / "reports" / name).iterdir()] == [DAY]
        assert sorted(p.name for p in (done / "reports" / name / DAY).iterdir()) == sorted(files + books)


def test_the_page_shows_outputs_and_no_code(done):
    page = (done / "reports/ann" / DAY / "sales.html").read_text(encoding="utf-8")
    assert '<td class="figure short">1 234,50 zł</td>' in page
    assert "Ann &amp; Daughters ann 2026-03-31 7" in page  # -p top=7 reached the notebook as a number
    assert 'alt="One dot"' in page
    for code in ("SECRET_OF_THE_CODE", "params_dir", "display(", "import"):
        assert code not in page


def test_the_page_names_company_title_and_day_and_links_its_siblings(done):
    page = (done / "reports/ann" / DAY / "sales.html").read_text(encoding="utf-8")
    assert '<html lang="pl-PL">' in page
    assert "<h1>Sales: who buys</h1>" in page
    assert page.count("<h1") == 1
    assert "<title>Sales: who buys · Ann &amp; Daughters · 2026-03-31</title>" in page
    assert '<time datetime="2026-03-31" lang="pl-PL">31 marca 2026</time>' in page
    assert '<a href="sales.html" aria-current="page">Sales</a>' in page
    assert '<a href="team.html">Zespół</a>' in page, "the title Team is a text that the catalogue has"
    assert '<a href="../../index.html">' in page


def test_no_page_fetches_anything(done):
    pages = list((done / "reports").rglob("*.html"))
    assert len(pages) == 7
    for path in pages:
        page = path.read_text(encoding="utf-8")
        assert "default-src 'none'" in page
        loads = [
            tag[name]
            for tag in BeautifulSoup(page, "html.parser").find_all(lambda tag: tag.name != "a")
            for name in ("src", "srcset", "href", "data", "poster", "background")
            if name in tag.attrs and not tag[name].startswith("data:image/")
        ]
        assert loads == []
        scripts = 1 if path.parent.name == "reports" else 0  # the portfolio's own, allowed by its hash
        assert page.count("<script") == scripts
        assert not re.search(r"@import|url\(|<link|<iframe", page)


def test_the_executed_notebook_holds_no_trace_of_the_run(done):
    nb = nbformat.read(done / "reports/ann" / DAY / "sales.ipynb", as_version=4)
    assert "papermill" not in nb.metadata
    assert not any({"papermill", "execution"} & set(cell.metadata) for cell in nb.cells)
    assert [c.execution_count for c in nb.cells if c.cell_type == "code"] == [1, 2, 3, 4]
    (injected,) = [c for c in nb.cells if "injected-parameters" in c.metadata.get("tags", [])]
    assert injected.source.splitlines()[1:] == [
        'company = "ann"', 'as_of = "2026-03-31"', 'params_dir = "params"', "top = 7",
    ]  # fmt: skip
    nbformat.validate(nb)


def test_run_json_says_what_the_numbers_rest_on(done):
    run_json = record(done / "reports/ann" / DAY)
    params, data = done / "params/ann.yaml", done / "data/ann/opportunities.csv"
    assert run_json["status"] == "ok"
    assert run_json["params"] == {
        "file": "params/ann.yaml",
        "sha256": hashlib.sha256(params.read_bytes()).hexdigest(),
    }
    assert run_json["inputs"] == [
        {
            "file": "data/ann/opportunities.csv",
            "sha256": hashlib.sha256(data.read_bytes()).hexdigest(),
            "size": data.stat().st_size,
        }
    ]
    deals = next(row for row in run_json["ledger"] if row["table"] == "opportunities")
    assert (deals["rows_read"], deals["accepted"]) == (2, 2)
    assert {row["status"] for row in run_json["identities"]} == {"holds"}
    assert [(b["name"], b["status"], b["parameters"]) for b in run_json["notebooks"]] == [
        ("sales", "ok", {"top": 7}),
        ("team", "ok", {"top": 7}),
    ]
    assert {"python", "sales-kpi-notebooks", "pandas", "duckdb"} <= set(run_json["versions"])
    assert run_json["seconds"]["total"] >= run_json["seconds"]["data"] > 0


def test_nothing_written_names_this_machines_folders(done):
    for path in (done / "reports").rglob("*"):
        if path.is_file():
            assert str(done).encode() not in path.read_bytes(), path


def test_csv_and_parquet_hold_the_same(done):
    folder = done / "reports/ann" / DAY
    csv = pd.read_csv(folder / "kpis.csv", keep_default_na=False, na_values={"value": [""]})
    parquet = pd.read_parquet(folder / "kpis.parquet")
    assert list(csv) == list(parquet)
    assert len(csv) == len(parquet) == record(folder)["kpi_rows"] > 0
    pd.testing.assert_series_equal(csv["value"], parquet["value"], check_exact=True)
    assert csv["period_start"].tolist() == [day.isoformat() for day in parquet["period_start"]]
    assert "\r" not in (folder / "kpis.csv").read_text(encoding="utf-8")


def test_two_companies_run_together_leak_nothing(done):
    names = {"ann": (b"Ann", b"zoe", b"100.5"), "bob": (b"Bob", b"quentin", b"77.0")}
    for mine, other in (("ann", "bob"), ("bob", "ann")):
        everything = b"".join(contents(done / "reports" / mine, but="").values())
        assert names[mine][0] in everything
        assert names[mine][1] in everything
        assert not any(word in everything for word in names[other])


def test_the_same_run_again_gives_the_same_bytes(site, go):
    go("ann")
    first = contents(site / "reports")
    shutil.move(site / "reports", site / "before")
    go("ann")
    assert contents(site / "reports") == first
    assert len([name for name in first if "/rows/" not in name]) == 11


def test_an_earlier_day_gets_a_folder_of_its_own_and_the_portfolio_links_both(site, go):
    go("ann", notebooks=["sales"])
    go("ann", notebooks=["sales"], as_of="2026-02-28")
    soup = BeautifulSoup((site / "reports/index.html").read_text(encoding="utf-8"), "html.parser")
    days = [link["href"].rsplit("/", 1)[0] for link in soup.select("#companies tbody a")]
    assert days == ["ann/2026-03-31", "ann/2026-02-28"]


def test_a_notebook_edited_during_the_batch_is_the_one_that_was_checked(site, go):
    class Editor(Watch):
        def begins(self, steps):
            write(site, "sales", notebook("1 / 0", parameters='firm = "ann"'))

    (result,) = go("ann", notebooks=["sales"], watch=Editor())
    assert result.cause == ""


def test_params_and_reports_may_lie_elsewhere(site, go, tmp_path_factory):
    away = tmp_path_factory.mktemp("a {way}")
    shutil.move(site / "params" / "ann.yaml", away)
    (result,) = go("ann", params_dir=away, reports_dir=away / "out", notebooks=["sales"])
    assert result.cause == ""
    assert (away / "out/ann" / DAY / "sales.html").is_file()
    assert str(away).encode() not in (away / "out/ann" / DAY / "sales.ipynb").read_bytes()


# --- failures -----------------------------------------------------------------------------------------

FAULTY = """
for number in range(3):
    assert company != "bob", f"no {number} & <b>"
"""


@pytest.fixture(scope="module")
def failing(tmp_path_factory, processes):
    """Both companies had a good run; then `sales` fails for bob, whose other one is fine. Only to look at."""
    root = small_project(tmp_path_factory.mktemp("failing"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        run([], Options(jobs=2), Watch(), processes)
        before = contents(root / "reports", but="")
        write(root, "sales", notebook(SHOW, FAULTY))
        return root, before, run([], Options(jobs=2), Watch(), processes)


def test_one_companys_failure_is_told_with_its_cell_and_stops_no_other(failing):
    _, _, (ann, bob) = failing
    assert ann.cause == ""
    assert bob.cause == "sales.ipynb, cell [4] `for number in range(3):`\n    AssertionError: no 0 & <b>"
    assert told(ann).startswith("ann 2026-03-31: 2 notebooks, ")
    assert told_failure(bob).splitlines() == [
        "bob 2026-03-31: FAILED",
        "  sales.ipynb, cell [4] `for number in range(3):`",
        "      AssertionError: no 0 & <b>",
        "  what the run left is in reports/.failed/bob/2026-03-31",
        "  the last good report stays: reports/bob/2026-03-31",
    ]


def test_a_failed_run_replaces_nothing_and_keeps_the_notebook(failing):
    site, before, _ = failing
    now = contents(site / "reports", but="")
    kept = [name for name in before if name.startswith("bob/")]
    assert len([name for name in kept if "/rows/" not in name]) == 11
    assert all(now[name] == before[name] for name in kept)
    nb = nbformat.read(site / "reports/.failed/bob" / DAY / "sales.ipynb", as_version=4)
    assert [o.ename for c in nb.cells for o in c.get("outputs", []) if o.output_type == "error"] == [
        "AssertionError"
    ]
    assert [p.name for p in (site / "reports").iterdir() if p.name.startswith(".")] == [".failed"]


def test_the_portfolio_tells_the_failure_and_links_the_last_good_report(failing):
    soup = BeautifulSoup((failing[0] / "reports/index.html").read_text(encoding="utf-8"), "html.parser")
    ann, bob = soup.select("#companies tbody tr")
    assert "failed" not in ann["data-s"].split()
    assert "failed" in bob["data-s"].split()
    assert "AssertionError: no 0 & <b>" in bob.select_one("pre.cause").text
    assert bob.select_one("th a")["href"].startswith("bob/2026-03-31/")


def test_a_good_run_forgets_the_failure(failing, tmp_path, monkeypatch, go):
    site = shutil.copytree(failing[0], tmp_path / "copy")
    monkeypatch.chdir(site)
    write(site, "sales", notebook(SHOW))
    assert [result.cause for result in go("bob")] == [""]
    assert sorted(p.name for p in (site / "reports").iterdir()) == ["ann", "bob", "index.html"]
    assert 'class="badge failed"' not in (site / "reports/index.html").read_text(encoding="utf-8")


def test_a_cell_that_runs_too_long_and_a_kernel_that_dies_are_failures_like_others(site, go):
    write(site, "sales", notebook("import time\ntime.sleep(60)"))
    write(site, "team", notebook("import os\nos._exit(3)"))
    (result,) = go("ann", timeout=2)
    assert sorted(result.cause.splitlines()) == [
        "    CellTimeoutError: ran longer than 2 s; --timeout allows more",
        "    DeadKernelError: the kernel died; out of memory, perhaps",
        "sales.ipynb, cell [3] `import time`",
        "team.ipynb, cell [3] `import os`",
    ]


def test_params_and_data_that_are_wrong_fail_the_company_before_its_notebooks(site, go):
    company(site, "bob", "Bob", "1,won,2026-01-05,2026-03-10,77,quentin\n", extra="fiscal_year_strat: 4\n")
    company(site, "cat", "Cat", "1,perhaps,2026-01-05,2026-03-10,77,cleo\n")
    ann, bob, cat = go(notebooks=["sales"])
    assert ann.cause == ""
    assert bob.cause.startswith("params/bob.yaml:8: unknown key `fiscal_year_strat`; did you mean")
    assert "unknown outcome" in cat.cause
    assert (bob.notebooks, cat.notebooks) == (0, 0)
    assert record(site / "reports/.failed/bob")["status"] == "failed"
    assert not (site / "reports/bob").exists()


def plan(root: Path) -> Plan:
    return Plan(root, root / "reports", "params", "", [], {}, 600)


def test_a_broken_identity_is_a_failed_run(tmp_path):
    with new_folder(tmp_path / "reports", "ann") as folder:
        job = Job(plan(tmp_path), "ann", folder)
        (step,) = job.begin()
        answer: Future = Future()
        data = Data("Ann", date(2026, 3, 31), "en_US", {}, [], [], [], 1, 0, ["broken identity: a = b"], 0.1)
        answer.set_result(data)
        assert step.name == DATA
        assert job.take(step, answer) == []
        result = job.finish()
    assert result.cause == "broken identity: a = b"
    assert not (tmp_path / "reports/ann").exists()
    assert record(tmp_path / "reports/.failed/ann")["cause"] == "broken identity: a = b"


# --- processes and kernels ----------------------------------------------------------------------------


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refuse() -> None:
    raise RunError("two\nlines")


def where() -> tuple[str, str | None]:
    return os.getcwd(), os.environ.get("PLANTED")


def test_a_step_that_is_killed_takes_nobody_along(processes, tmp_path):
    with pytest.raises(RunError, match="ended by SIGKILL; the machine ran out of memory, perhaps"):
        processes.call(die, folder=tmp_path)
    with pytest.raises(RunError, match=r"^two\nlines$"):
        processes.call(refuse, folder=tmp_path)


def test_a_step_runs_in_its_folder_with_todays_environment(processes, tmp_path, monkeypatch):
    monkeypatch.setenv("PLANTED", "yes")
    assert processes.call(where, folder=tmp_path) == (str(tmp_path), "yes")
    monkeypatch.delenv("PLANTED")
    assert processes.call(where, folder=tmp_path) == (str(tmp_path), None)


def test_kernels_talk_over_private_sockets_with_short_paths(tmp_path, monkeypatch):
    deep = tmp_path / ("x" * 90)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with kernel_options() as options:
        connection = options["config"]["LocalKernelManager"]
        folder = Path(connection["connection_file"]).parent
        assert connection["transport"] == "ipc"
        assert len(str(folder / "k-ipc-12")) < 100
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()
