"""`kpi serve`: pages that follow their data, what a broken file does, and who gets an answer at all."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from html import unescape
from pathlib import Path

import pytest

from analysis.batch.job import Plan
from analysis.serving.following import RUNNING, State
from analysis.serving.pages import DIGEST, LIVE, Board, allowing, with_script
from analysis.serving.watching import Watcher
from analysis.texts import language, say
from small_project import company, notebook, small_project, write

DAY = "2026-03-31"
LONG = 180  # seconds; a busy machine is no failure
SUM = """
import csv
from pathlib import Path
from IPython.display import HTML
rows = csv.DictReader(Path(f"data/{company}/opportunities.csv").open(encoding="utf-8"))
won = sum(float(row["amount"]) for row in rows if row["outcome"] == "won")
HTML(f"<p>Won in all: {won:.2f}</p>")
"""


class Site:
    """A small project that is being served by a process of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.err = root / "err.txt"
        with self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "analysis", "serve", "ann", "--port", "0"],
                cwd=root, stdout=subprocess.PIPE, stderr=err, text=True, start_new_session=True,
            )  # fmt: skip
        assert self.process.stdout
        self.told = self.process.stdout.readline()
        found = re.search(r"serving http://127\.0\.0\.1:(\d+)/", self.told)
        assert found, self.err.read_text(encoding="utf-8")
        self.port = int(found[1])

    def end(self, how: signal.Signals) -> str:
        """Tell it to end; the rest of what it said."""
        self.process.send_signal(how)
        return self.process.communicate(timeout=LONG)[0]

    @contextmanager
    def asked(self, method: str, path: str, **headers: str) -> Iterator[http.client.HTTPResponse]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG)) as connection:
            connection.request(method, path, headers=headers)
            with connection.getresponse() as answer:
                yield answer

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
        with self.asked("GET", path, **headers) as answer:
            found = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, found, answer.read().decode(errors="replace")

    def page(self) -> str:
        return self.get(f"/ann/{DAY}/sales.html")[2]

    def wait(self, wanted: Callable[[dict], bool]) -> list[dict]:
        """The events from now until the one that is wanted."""
        events: list[dict] = []
        until = time.monotonic() + LONG
        with self.asked("GET", "/-/events") as answer:
            assert answer.getheader("Content-Type") == "text/event-stream"
            while time.monotonic() < until:
                line = answer.readline().decode()
                if line.startswith("data: "):
                    events.append(json.loads(line.removeprefix("data: ")))
                    if wanted(events[-1]):
                        return events
        pytest.fail(f"not told in {LONG} s: {events[-3:]} {self.err.read_text(encoding='utf-8')}")

    def ready(self) -> list[dict]:
        return self.wait(lambda event: event["phase"] == "ready" and event["as_of"] != "")

    def deals(self, rows: str) -> None:
        company(self.root, "ann", "Ann & Daughters", rows)


ROWS = "1,won,2026-01-05,2026-02-10,100.50,zoe\n2,lost,2026-01-07,2026-02-11,50,zoe\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    root = small_project(tmp_path_factory.mktemp("served"))
    write(root, "sales", notebook(SUM))
    (root / "notebooks" / "team.ipynb").unlink()
    (root / "secret.csv").write_text("secret", encoding="utf-8")
    served = Site(root)
    try:
        served.ready()
        yield served
    finally:
        served.end(signal.SIGTERM)


def test_a_company_without_a_report_is_run_at_once_and_the_page_goes_to_it(site):
    assert "Won in all: 100.50" in site.page()
    assert site.get("/")[1]["location"] == "/index.html"
    assert site.get("/ann/")[1]["location"].startswith(f"/ann/{DAY}/")
    assert site.get(f"/ann/{DAY}")[0] == 302


def test_a_changed_file_shows_quick_figures_first_and_then_the_notebooks(site):
    site.ready()
    before = re.search('name="kpi-live" content="([^"]+)"', site.page())
    site.deals(ROWS + "3,won,2026-01-08,2026-02-12,1000,zoe\n")
    events = site.wait(lambda event: event["phase"] == "running")
    assert "2026-02-01,2026-03-01,,,1100.5,EUR" in site.get(f"/ann/{DAY}/kpis.csv")[2]
    with language("pl_PL"):  # the company's
        assert events[-1]["text"] == say(RUNNING) != RUNNING
    last = site.ready()[-1]
    page = site.page()
    assert "Won in all: 1100.50" in page
    assert before and before[1] != last["version"]
    assert f'<meta name="kpi-live" content="{last["version"]}">' in page
    assert not (site.root / "reports/ann" / DAY / "run.json").read_text(encoding="utf-8").count("pending")


def test_a_broken_file_keeps_the_last_good_page_and_says_why_until_it_is_mended(site):
    site.ready()
    good = site.page()
    site.deals("1,perhaps,2026-01-05,2026-02-10,100.50,zoe\n")
    failed = site.wait(lambda event: event["phase"] == "failed")[-1]
    assert "unknown outcome" in failed["cause"]
    assert str(site.root) not in failed["cause"]
    assert site.page() == good
    assert "ann: FAILED" in site.err.read_text(encoding="utf-8")
    site.deals(ROWS + "4,won,2026-01-08,2026-02-12,7,zoe\n")
    assert site.ready()[-1]["cause"] == ""
    assert "Won in all: 107.50" in site.page()


def test_a_params_file_that_is_wrong_is_told_and_mended(site):
    site.ready()
    path = site.root / "params" / "ann.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "fiscal_year_strat: 4\n", encoding="utf-8")
    failed = site.wait(lambda event: event["phase"] == "failed")[-1]
    assert "unknown key `fiscal_year_strat`" in failed["cause"]
    path.write_text(text.replace("Ann & Daughters", "Ann & Sons"), encoding="utf-8")
    site.ready()
    assert "Ann &amp; Sons" in site.page()


def test_the_file_on_disk_has_no_script_and_the_served_copy_one_that_its_policy_allows(site):
    site.ready()
    on_disk = (site.root / "reports/ann" / DAY / "sales.html").read_text(encoding="utf-8")
    served = site.page()
    assert "<script" not in on_disk
    assert served.count("<script") == 1
    policy = re.search('Content-Security-Policy" content="([^"]*)"', served)
    assert policy and f"script-src {DIGEST}; connect-src 'self'" in unescape(policy[1])
    assert "default-src 'none'" in unescape(policy[1])


def test_only_this_machines_own_names_are_answered(site):
    path = f"/ann/{DAY}/kpis.csv"
    for host in ("evil.example", f"evil.example:{site.port}", "127.0.0.1", f"127.0.0.1:{site.port + 1}", ""):
        for asked in (path, "/", "/-/events"):
            status, _, text = site.get(asked, Host=host)
            assert status == 403
            assert "kpi" not in text
    for host in (f"127.0.0.1:{site.port}", f"LOCALHOST:{site.port}"):
        assert site.get(path, Host=host)[0] == 200


def test_it_listens_on_loopback_alone(site):
    listening = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="utf-8").splitlines()[1:]]
    port = f"{site.port:04X}"
    mine = [line[1] for line in listening if line[3] == "0A" and line[1].endswith(f":{port}")]
    assert mine == [f"0100007F:{port}"]
    if Path("/proc/net/tcp6").exists():
        assert f":{port} " not in Path("/proc/net/tcp6").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.csv", "/%2e%2e/secret.csv", "/ann/../../secret.csv", "/..%2fsecret.csv", "//secret.csv",
        "/ann/%2e%2e/%2e%2e/secret.csv", "/..%5csecret.csv", "/%00", "/.failed/ann/run.json", "/.failed",
        "/link.csv", "/tool.py", "/nothing", "/ann/2026-01-01/", "/nobody/",
    ],
)  # fmt: skip
def test_nothing_but_the_files_of_reports_is_served(site, path):
    reports = site.root / "reports"
    (reports / "tool.py").write_text("secret", encoding="utf-8")
    (reports / ".failed").mkdir(exist_ok=True)
    if not (reports / "link.csv").is_symlink():
        (reports / "link.csv").symlink_to(site.root / "secret.csv")
    status, headers, text = site.get(path)
    assert status == 404
    assert "secret" not in text
    assert headers["cache-control"] == "no-store"


def test_answers_are_not_stored_and_are_what_they_say(site):
    _, headers, _ = site.get(f"/ann/{DAY}/kpis.csv")
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-type"] == "text/csv; charset=utf-8"
    assert "access-control-allow-origin" not in headers


def test_other_methods_are_refused(site):
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        with site.asked(method, "/index.html") as answer:
            assert answer.status == 405


def test_it_ends_when_told_and_takes_its_processes_along(site, tmp_path):
    root = small_project(tmp_path)
    write(root, "sales", notebook("import time\ntime.sleep(600)"))
    other = Site(root)
    other.wait(lambda event: event["phase"] == "running")
    assert other.end(signal.SIGINT).endswith("ended\n")
    assert other.process.returncode == 0
    until = time.monotonic() + LONG
    while time.monotonic() < until and group(other.process.pid):
        time.sleep(0.2)
    assert group(other.process.pid) == []
    assert [p.name for p in (root / "reports").iterdir() if p.name.startswith(".new")] == []
    assert "Traceback" not in other.err.read_text(encoding="utf-8")


def group(leader: int) -> list[int]:
    """The processes of a session that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session = path.read_text(encoding="utf-8").rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(session) == leader and state != "Z":
            found.append(int(path.parent.name))
    return found


def test_a_port_in_use_is_told(tmp_path):
    root = small_project(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "analysis", "serve", "--port", port],
            cwd=root, capture_output=True, text=True, check=False, timeout=LONG,
        )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert re.match(rf"port {port} cannot be used: .*; give another with --port\n$", done.stderr)


# --- the parts --------------------------------------------------------------------------------------------


def test_a_policy_keeps_what_it_allowed_and_allows_the_live_script():
    assert allowing("default-src 'none'; script-src 'sha256-abc='") == (
        f"default-src 'none'; script-src 'sha256-abc=' {DIGEST}; connect-src 'self'"
    )
    assert "'none'" not in allowing("script-src 'none'; connect-src 'none'")


def test_a_policy_written_with_escapes_is_understood():
    policy = '<meta http-equiv="Content-Security-Policy" content="script-src &#39;sha256-a&#39;">'
    page = f"<head>{policy}</head><body></body>"
    served = with_script(page, "1")
    assert f"script-src &#x27;sha256-a&#x27; {DIGEST.replace(chr(39), '&#x27;')}; connect-src" in served
    assert served.endswith(f"<script>{LIVE}</script>\n</body>")


def test_a_listener_first_hears_how_all_stand_and_leaves():
    board = Board("x")
    board.take(State("ann"))
    board.take(State("ann", version=1))
    queue = board.listen()
    assert json.loads(queue.get_nowait().removeprefix("data: "))["version"] == "x-1"
    assert board.version("") == "x-1"
    board.leave(queue)
    board.take(State("ann", version=2))
    assert queue.empty()


def test_what_counts_as_a_change(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = small_project(tmp_path)
    plan = Plan(root, root / "reports", "params", "", [], {}, 600)
    watcher = Watcher(plan, [], root / "notebooks")
    assert watcher.look() == {"ann", "bob"}
    assert watcher.look() == set()
    deals = root / "data" / "ann" / "opportunities.csv"
    stat = deals.stat()
    deals.write_text(deals.read_text(encoding="utf-8").replace("100.50", "900.50"), encoding="utf-8")
    os.utime(deals, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000))
    assert watcher.look() == {"ann"}
    (root / "data" / "bob" / "leads.csv").write_text("lead_id\n", encoding="utf-8")
    assert watcher.look() == {"bob"}
    (root / "data" / "bob" / ".~lock").write_text("x", encoding="utf-8")
    assert watcher.look() == set()
    (root / "notebooks" / "team.ipynb").unlink()
    assert watcher.look() == {"ann", "bob"}
    (root / "params" / "bob.yaml").unlink()
    assert watcher.look() == {"bob"}
    assert set(watcher.state) == {"ann"}


def test_what_a_run_writes_starts_no_other_though_the_source_holds_the_reports(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = small_project(tmp_path)
    path = root / "params" / "ann.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("data/ann", "."), encoding="utf-8")
    watcher = Watcher(Plan(root, root / "reports", "params", "", [], {}, 600), ["ann"], root / "notebooks")
    watcher.look()
    (root / "reports" / "ann").mkdir(parents=True)
    (root / "reports" / "ann" / "kpis.csv").write_text("x", encoding="utf-8")
    assert watcher.look() == set()
    (root / "data" / "bob" / "opportunities.csv").write_text("x", encoding="utf-8")
    assert watcher.look() == {"ann"}
