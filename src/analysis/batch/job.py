"""One company's run: its data, then its notebooks, then its folder in place, or what failed told and kept."""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

import pandas as pd

from analysis.batch.closing import Closed, close
from analysis.batch.notebooks import Notebook, Outcome, Value, execute, short
from analysis.company import open_company
from analysis.errors import RunError
from analysis.kpi_table import identities, kpi_table
from analysis.report.customers import HANDED_OVER
from analysis.report.dashboard import Background, gather
from analysis.report.files import (
    FAILED,
    RECORD,
    csv_text,
    keep,
    put_in_place,
    records,
    write_json,
    write_kpis,
    write_text,
)
from analysis.report.html import Link, Page
from analysis.report.sections import DASHBOARD, DASHBOARD_TITLE
from analysis.report.sheets import About
from analysis.report.summary import write_summary
from analysis.texts import language, say

DATA = "data"
CLOSING = "files"
OWN = ("company", "as_of", "params_dir")  # the parameters that every notebook is given
PACKAGES = (
    "sales-kpi-notebooks", "pandas", "numpy", "pyarrow", "ibis-framework", "duckdb", "matplotlib", "seaborn",
    "papermill", "nbclient", "nbconvert", "ipykernel",
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """What all companies of a batch share. Folders are absolute; `params_dir` is as a notebook is told it."""

    root: Path
    reports_dir: Path
    params_dir: str
    as_of: str
    notebooks: Sequence[Notebook]
    parameters: dict[str, dict[str, Value]]
    timeout: int
    pdf: bool = False


@dataclass(frozen=True)
class Data:
    """What the rest of the run must know of a company's data; `broken` names identities that do not hold."""

    name: str
    as_of: date
    locale: str
    params: dict[str, str]
    inputs: list[dict[str, Any]]
    ledger: list[dict[Any, Any]]
    identities: list[dict[Any, Any]]
    kpi_rows: int
    quarantined: int
    broken: list[str]
    seconds: float
    kpis: pd.DataFrame | None = field(default=None, repr=False, compare=False)
    currency: str = ""
    background: Background | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Result:
    """How a company's run ended. `cause` is empty when it succeeded, else what failed, in words.

    `folder` is where the report is, or what a failed run left; `last_good` the newest good report; `notes`
    say what the report lacks although the run succeeded.
    """

    company: str
    as_of: str
    folder: str
    notebooks: int
    kpi_rows: int
    quarantined: int
    seconds: float
    cause: str = ""
    last_good: str = ""
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Step:
    """One piece of work for a process of its own."""

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


@dataclass
class Job:
    """A company under way. `folder` is the temporary one; the job is done when `open_steps` is empty."""

    plan: Plan
    company: str
    folder: Path
    started: float = 0.0
    data: Data | None = None
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    closed: Closed | None = None
    taken: int = 0
    failures: list[str] = field(default_factory=list)
    open_steps: set[str] = field(default_factory=set)

    def begin(self) -> list[Step]:
        """The first step: everything that needs no notebook."""
        return self._opened([Step(DATA, prepare, (self.company, self.plan, self.folder))])

    def starts(self, step: Step) -> None:
        """A step is about to run; the company's time begins with the first."""
        if step.name == DATA:
            self.started = time.monotonic()

    def take(self, step: Step, future: Future[Any]) -> list[Step]:
        """Note how a step ended; the steps that follow from it."""
        self.open_steps.discard(step.name)
        self.taken += 1
        error = future.exception()
        if error is not None and not isinstance(error, RunError):
            raise error
        if error is not None:
            inner = step.name in (DATA, CLOSING)
            self.failures.append(str(error) if inner else f"{step.name}.ipynb: {error}")
        elif step.name == CLOSING:
            self.closed = future.result()
        elif step.name != DATA:
            self.outcomes[step.name] = future.result()
            self.failures += [future.result().failure] if future.result().failure else []
        else:
            self.data = future.result()
            self.failures += self.data.broken
            if not self.failures and self.plan.notebooks:
                return self._opened([self._run(book, self.data) for book in self.plan.notebooks])
        return self._last()

    @property
    def unneeded(self) -> int:
        """How many steps a job that is done has left out."""
        return 0 if self.open_steps else 2 + len(self.plan.notebooks) - self.taken

    def _last(self) -> list[Step]:
        """The last step, once every notebook has succeeded."""
        data = self.data
        if self.open_steps or self.failures or self.closed or data is None or data.kpis is None:
            return []
        about = About(data.name, data.as_of, data.currency, data.identities)
        told = (data.kpis, about, data.locale, data.background, self.plan.reports_dir)
        return self._opened([Step(CLOSING, close, (*told, self.folder, self.plan.pdf))])

    def finish(self) -> Result:
        """Move the folder into place, or tell what failed and keep what there is."""
        as_of = self.data.as_of.isoformat() if self.data else ""
        place, kept = self.plan.reports_dir / self.company, self.plan.reports_dir / FAILED / self.company
        if not self.failures:
            self._place(place / as_of)
        cause = "\n".join(self.failures).replace(f"{self.plan.root}{os.sep}", "")
        if cause:
            (self.folder / HANDED_OVER).unlink(missing_ok=True)
            write_json(self.folder / RECORD, self.record(cause))
        keep(self.folder if cause else None, kept, as_of)
        return Result(
            company=self.company,
            as_of=as_of,
            folder=shown((kept if cause else place) / as_of, self.plan.root),
            notebooks=len(self.outcomes),
            kpi_rows=self._kpi_rows(),
            quarantined=self.data.quarantined if self.data else 0,
            seconds=time.monotonic() - self.started,
            cause=cause,
            last_good=shown(good, self.plan.root) if (good := last_good(place)) else "",
            notes=self.closed.notes if self.closed else (),
        )

    def _kpi_rows(self) -> int:
        return self.closed.kpi_rows if self.closed else self.data.kpi_rows if self.data else 0

    def _place(self, place: Path) -> None:
        write_json(self.folder / RECORD, self.record(""))
        try:
            put_in_place(self.folder, place)
        except OSError as error:
            self.failures.append(f"the report could not be moved to {place}: {error.strerror}")

    def record(self, cause: str) -> dict[str, Any]:
        """What `run.json` says: everything the numbers rest on, no secret, no path of this machine."""
        data = self.data
        books = [self._notebook(book) for book in self.plan.notebooks if book.name in self.outcomes]
        run: dict[str, Any] = {"company": self.company, "status": "failed" if cause else "ok"}
        run |= {"cause": cause} if cause else {}
        if data:
            run |= {"name": data.name, "as_of": data.as_of.isoformat()}
            run |= {"params": data.params, "inputs": data.inputs}
            run |= {"ledger": data.ledger, "identities": data.identities}
            run |= {"kpi_rows": self._kpi_rows(), "quarantined_rows": data.quarantined}
        run |= {"pdf": self.closed.pdf} if self.closed and self.closed.pdf else {}
        seconds = {"data": data.seconds if data else None, "total": round(time.monotonic() - self.started, 3)}
        return run | {"notebooks": books, "versions": versions(), "seconds": seconds}

    def _notebook(self, book: Notebook) -> dict[str, Any]:
        outcome = self.outcomes[book.name]
        extra = {k: v for k, v in self.plan.parameters[book.name].items() if k not in OWN}
        state = {"status": "failed", "failure": outcome.failure} if outcome.failure else {"status": "ok"}
        files = {"title": short(book.title), "notebook": book.file, "html": f"{book.name}.html"}
        return {"name": book.name, **files, "parameters": extra, **state, "seconds": outcome.seconds}

    def _opened(self, steps: list[Step]) -> list[Step]:
        self.open_steps |= {step.name for step in steps}
        return steps

    def _run(self, book: Notebook, data: Data) -> Step:
        links = [
            Link(f"{b.name}.html", b.link(data.locale), b.name == book.name) for b in self.plan.notebooks
        ]
        with language(data.locale):
            links.insert(0, Link(DASHBOARD, say(DASHBOARD_TITLE)))
        page = Page(data.name, data.as_of, data.locale, links)
        own = {"company": self.company, "as_of": data.as_of.isoformat(), "params_dir": self.plan.params_dir}
        parameters = {**self.plan.parameters[book.name], **own}
        return Step(book.name, execute, (book, self.folder, parameters, page, self.plan.timeout))


def prepare(company: str, plan: Plan, folder: Path) -> Data:
    """Open the company and write what needs no notebook: KPI table, quarantined rows, records, summary."""
    started = time.monotonic()
    client = open_company(company, plan.as_of, plan.params_dir)
    kpis = kpi_table(client)
    write_kpis(kpis, folder)
    write_text(folder / "quarantine.csv", csv_text(client.quarantine))
    checks = identities(client, kpis)
    write_summary(client, kpis, checks, folder)
    background = gather(client, kpis, checks, folder)
    broken = checks[checks["status"] == "broken"]
    params_file = client.params.path
    return Data(
        name=client.params.name,
        as_of=client.as_of,
        locale=client.params.locale,
        params={
            "file": shown(params_file, plan.root),
            "sha256": sha256(params_file.read_bytes()).hexdigest(),
        },
        inputs=[{**i, "file": shown(plan.root / str(i["file"]), plan.root)} for i in client.inputs],
        ledger=records(client.ledger),
        identities=records(checks),
        kpi_rows=len(kpis),
        quarantined=int(client.ledger["quarantined"].sum()),
        broken=[
            f"broken identity: {row.identity}: {row.broken} of {row.checked}, at worst by {row.worst:g}"
            for row in broken.itertuples()
        ],
        seconds=round(time.monotonic() - started, 3),
        kpis=kpis,
        currency=client.params.currency,
        background=background,
    )


def shown(path: Path, root: Path) -> str:
    """A path as seen from the project's root, so that no record tells where on a machine the project lies."""
    return Path(os.path.relpath(path, root)).as_posix()


def last_good(place: Path) -> Path | None:
    """The newest report folder of a company."""
    found = sorted(record.parent for record in place.glob(f"*/{RECORD}") if record.parent.name[0] != ".")
    return found[-1] if found else None


@cache
def versions() -> dict[str, str]:
    """Python's version and those of the packages that have a say in the numbers and the pages."""
    return {"python": python_version(), **{package: version(package) for package in PACKAGES}}
