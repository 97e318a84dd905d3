"""The command line: what each command prints, where, and with which exit status."""

import io
import json
import subprocess
import sys
import time

import pandas as pd
import pytest

from analysis.cli import main
from small_project import SHOW, company, notebook, small_project, write


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return small_project(tmp_path)


@pytest.fixture
def kpi(site, capfdbinary, monkeypatch):
    """`kpi("list")` gives exit status, standard output and standard error."""

    def call(*arguments: str, text: bool = True):
        monkeypatch.setattr(sys, "argv", ["kpi", *arguments])
        try:
            main()
            status = 0
        except SystemExit as leaving:
            status = leaving.code
        out, err = capfdbinary.readouterr()
        return status, out.decode() if text else out, err.decode()

    return call


def test_help_is_quick_and_names_every_command():
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "analysis", "--help"], capture_output=True, text=True, check=True
    )
    assert time.perf_counter() - started < 3  # 0.3 s on an idle machine
    commands = ("run", "serve", "check", "table", "propose", "new", "list")
    assert all(f" {command} " in done.stdout for command in commands)


def test_help_imports_nothing_slow():
    code = (
        "import sys; sys.argv = ['kpi', '--help']\n"
        "import analysis.cli\n"
        "try: analysis.cli.main()\n"
        "except SystemExit: pass\n"
        "print('SLOW', {'pandas', 'ibis', 'papermill', 'nbconvert', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("SLOW set()\n")


def test_version(kpi):
    status, out, _ = kpi("--version")
    assert status == 0
    assert out.startswith("kpi 0.")


def test_list(kpi):
    assert kpi("list") == (0, "ann\nbob\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ("run",),
        ("run", "ann", "--all"),
        ("run", "ann", "-p", "top"),
        ("run", "ann", "--jobs", "0"),
        ("run", "ann", "--timeout", "0"),
        ("table",),
        ("table", "ann", "--format", "xml"),
        ("new", "cat"),
        ("rum",),
    ],
)
def test_a_wrong_call_is_exit_status_2(kpi, site, arguments):
    status, out, err = kpi(*arguments)
    assert (status, out) == (2, "")
    assert "Usage:" in err
    assert not (site / "reports").exists()


@pytest.mark.parametrize("command", ["run", "check", "table"])
def test_an_unknown_company_is_told_with_the_near_one_and_no_traceback(kpi, command):
    status, out, err = kpi(command, "anna")
    assert (status, out) == (1, "")
    assert "no company `anna`; did you mean `ann`?" in err
    assert "Traceback" not in err


def test_check_prints_the_ledger_and_the_reasons(kpi, site):
    rows = "".join(f"{n},won,2026-01-05,2026-02-10,5,zoe\n" for n in range(60))
    company(site, "ann", "Ann & [b]", rows + "x,won,2026-01-05,2026-02-10,much,zoe\n")
    status, out, err = kpi("check", "ann")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "ann: Ann & [b], as of 2026-03-31"
    (deals,) = [line.split() for line in lines if line.split()[:1] == ["opportunities"] and "csv " in line]
    assert deals[1:] == ["data/ann/opportunities.csv", "61", "0", "0", "0", "1", "0", "60"]
    (reason,) = [line.split() for line in lines if "unreadable amount" in line]
    assert reason == ["opportunities", "unreadable", "amount", "1", "data/ann/opportunities.csv:62"]


def test_check_goes_on_after_a_company_that_fails(kpi, site):
    company(site, "ann", "Ann", "1,perhaps,2026-01-05,2026-02-10,5,zoe\n")
    status, out, err = kpi("check")
    assert status == 1
    assert out.startswith("bob: Bob GmbH")
    assert err.startswith("ann: FAILED\n  data/ann/opportunities.csv: ")
    assert "Traceback" not in err


def test_table_gives_one_table_in_three_forms(kpi, site):
    status, out, err = kpi("table", "ann", "--as-of", "2026-02-28")
    assert (status, err) == (0, "")
    csv = pd.read_csv(io.StringIO(out))
    february = csv[
        (csv["kpi"] == "revenue") & (csv["period_start"] == "2026-02-01") & (csv["grain"] == "month")
    ]
    assert february.loc[february["dimension"].isna(), "value"].tolist() == [100.5]
    rows = json.loads(kpi("table", "ann", "--as-of", "2026-02-28", "--format", "json")[1])
    assert len(rows) == len(csv)
    assert list(rows[0]) == list(csv)
    status, out, _ = kpi("table", "ann", "--as-of", "2026-02-28", "--format", "parquet", text=False)
    assert pd.read_parquet(io.BytesIO(out))["kpi"].tolist() == csv["kpi"].tolist()


def test_table_writes_to_a_file(kpi, site):
    assert kpi("table", "ann", "--output", "t.csv") == (0, "", "")
    assert kpi("table", "ann")[1].encode() == (site / "t.csv").read_bytes()


def test_run_says_one_line_a_company_and_fails_with_1(kpi, site):
    write(site, "sales", notebook(SHOW, 'assert company == "ann", "[red]not ann[/red]"'))
    status, out, err = kpi("run", "--all", "--notebooks", "sales", "--jobs", "2")
    assert status == 1
    assert [line.split(":")[0] for line in out.splitlines()] == ["ann 2026-03-31"]
    assert err.splitlines()[:3] == [
        "bob 2026-03-31: FAILED",
        '  sales.ipynb, cell [4] `assert company == "ann", "[red]not ann[/red]"`',
        "      AssertionError: [red]not ann[/red]",
    ]


def test_run_refuses_an_unknown_parameter(kpi, site):
    status, out, err = kpi("run", "ann", "-p", "tpo=5")
    assert (status, out) == (1, "")
    assert "nothing was run" in err
    assert "has no parameter `tpo`; did you mean `top`?" in err
    assert not (site / "reports").exists()


def test_new_writes_a_params_file_that_runs(kpi, site):
    assert kpi("new", "cat", "--from", "data/ann")[0] == 0
    status, out, err = kpi("check", "cat")
    assert (status, err) == (0, "")
    assert "data/ann/opportunities.csv" in out
    assert kpi("new", "cat", "--from", "data/ann")[0] == 1
