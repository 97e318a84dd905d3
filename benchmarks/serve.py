"""How soon a change in a CSV file shows in the browser: `kpi serve` on a copy of the sample company acme.

    python benchmarks/serve.py [times]

Copies params, data and one notebook of the project into a temporary folder, serves the company there, appends
a won deal and waits for the event on which a page loads itself again; then asks for that page, as the browser
does. The time runs from the end of writing the file to the end of receiving the page with the new figures.
"""

import csv
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMPANY, FILE = "acme", "deals_export.csv"


@contextmanager
def served() -> Iterator[tuple[Path, int]]:
    """The folder of the copied project and the port it is served on."""
    with tempfile.TemporaryDirectory(prefix="kpi-bench-") as folder:
        root = Path(folder)
        for name in ("params", "data"):
            shutil.copytree(ROOT / name, root / name)
        (root / "notebooks").mkdir()
        shutil.copy(ROOT / "notebooks" / "leads.ipynb", root / "notebooks")
        command = [sys.executable, "-m", "analysis", "serve", COMPANY, "--port", "0"]
        with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            found = re.search(r":(\d+)/", process.stdout.readline())
            try:
                yield root, int(found[1]) if found else 0
            finally:
                process.send_signal(signal.SIGINT)
                process.communicate()


def events(port: int) -> Iterator[dict]:
    """What a page is told, from now on."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=900)) as connection:
        connection.request("GET", "/-/events")
        with connection.getresponse() as answer:
            while line := answer.readline().decode():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))


def page(port: int, as_of: str) -> str:
    """The company's dashboard as it is served."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", f"/{COMPANY}/{as_of}/index.html")
        with connection.getresponse() as answer:
            return answer.read().decode()


def main(times: str = "5") -> None:
    """Serve, change, wait, say how long it took, so many times."""
    with served() as (root, port):
        ready = next(e for e in events(port) if e["phase"] == "ready" and e["as_of"])
        deals = root / "data" / COMPANY / FILE
        with deals.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        won = max((r for r in rows if r["Status"] == "Won"), key=lambda r: r["Closed"][:10].split(".")[::-1])
        took = []
        for number in range(int(times)):
            old = page(port, ready["as_of"])
            with deals.open("a", encoding="utf-8", newline="") as file:
                changed = won | {"Deal no": f"bench-{number}", "Value": str(10_000 * (number + 1))}
                csv.DictWriter(file, fieldnames=list(won)).writerow(changed)
            started = time.monotonic()
            for event in events(port):
                if event["version"] != ready["version"]:
                    break
            new = page(port, ready["as_of"])
            took.append(time.monotonic() - started)
            same = old.split("<body", 1)[1] == new.split("<body", 1)[1]
            print(f"{took[-1]:.1f} s after the change{': THE SAME PAGE' if same else ''}", flush=True)
            shown = event["version"]
            ready = next(e for e in events(port) if e["phase"] == "ready" and e["version"] != shown)
        middle = sorted(took)[len(took) // 2]
        print(f"{os.getloadavg()[0]:.1f} processes wanted one of {os.cpu_count()} cores in the last minute")
        print(f"{COMPANY}: {min(took):.1f} s at best, {middle:.1f} s in the middle of {times}")


if __name__ == "__main__":
    main(*sys.argv[1:])
