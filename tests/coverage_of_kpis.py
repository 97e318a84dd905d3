"""Which KPIs lack one of the four tests that every KPI needs: worked, empty, boundary, law.

    python tests/coverage_of_kpis.py

Collects the tests as pytest does, reads their `kpi` marks and lists what is missing; the exit status is 1
where anything is. A mark that names no KPI of the glossary, or no known kind, is an error too.
"""

import sys
from collections import defaultdict
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from analysis.glossary import KPIS

TESTS = Path(__file__).parent
KINDS = {
    "worked": "an example worked by hand",
    "empty": "a period without anything",
    "boundary": "the boundary day on both sides",
    "law": "a law that holds for any data",
}


class Marks:
    """Collects, as a plugin of pytest, the `kpi` marks of the tests that would run."""

    def __init__(self) -> None:
        self.tests: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.unknown: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            for mark in item.iter_markers("kpi"):
                kind, *ids = mark.args
                for kpi in ids:
                    self.tests[kpi, kind].append(item.nodeid)
                if kind not in KINDS or not ids or set(ids) - set(KPIS):
                    self.unknown.append(f"{item.nodeid}: {mark.args}")


def marks() -> Marks:
    """The marks of all tests beside this file."""
    found = Marks()
    with redirect_stdout(StringIO()):
        code = pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", str(TESTS)], [found])
    if code:
        raise SystemExit(f"pytest cannot collect the tests (exit status {int(code)})")
    return found


def lacking(found: Marks) -> list[str]:
    """One line per KPI and kind of test that is not there."""
    return [
        f"{kpi}: no test of {meaning} ({kind})"
        for kpi in KPIS
        for kind, meaning in KINDS.items()
        if not found.tests[kpi, kind]
    ]


def main() -> int:
    found = marks()
    gaps = [*(f"not understood: {mark}" for mark in found.unknown), *lacking(found)]
    counts = [f"{sum(bool(found.tests[k, kind]) for k in KPIS)} {kind}" for kind in KINDS]
    sys.stdout.write("\n".join([*gaps, f"{len(KPIS)} KPIs: {', '.join(counts)}"]) + "\n")
    return 1 if gaps else 0


if __name__ == "__main__":
    sys.exit(main())
