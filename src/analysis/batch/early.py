"""New data shown at once: a company's report with the notebooks' pages as they were, until they are run."""

import json
import os
import shutil
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from analysis.batch.job import Data, Job, Plan, last_good, prepare
from analysis.errors import RunError
from analysis.kernel import Processes
from analysis.params import find
from analysis.report.dashboard import write_page
from analysis.report.files import RECORD, new_folder, put_in_place, write_json


def show_early(company: str, plan: Plan, processes: Processes) -> Data:
    """Compute what needs no notebook and put it in place, with the other files of the last good report.

    `pending` in its `run.json` names the notebooks whose pages are older than the data.

    Raises
    ------
    RunError
        Params or data are wrong, an identity is broken, or the folder could not be moved; nothing changed.
    """
    with new_folder(plan.reports_dir, company) as folder:
        job = Job(plan, company, folder, started=time.monotonic())
        old = last_good(plan.reports_dir / company)
        data = job.data = processes.call(_quick, company, plan, old, folder, folder=plan.root)
        if data.broken:
            raise RunError("\n".join(data.broken))
        books = _record(old).get("notebooks", []) if old else []
        pending = [book.name for book in plan.notebooks]
        write_json(folder / RECORD, job.record("") | {"notebooks": books, "pending": pending})
        place = plan.reports_dir / company / data.as_of.isoformat()
        try:
            put_in_place(folder, place)
        except OSError as error:
            raise RunError(f"the report could not be moved to {place}: {error.strerror}") from None
    return data


def _quick(company: str, plan: Plan, old: Path | None, folder: Path) -> Data:
    """In a process of its own: the data's files, the old report's pages, and the dashboard on both."""
    data = prepare(company, plan, folder)
    if old and not data.broken:
        _take_along(old, folder)
    if data.background and data.kpis is not None and not data.broken:
        write_page(data.background, data.kpis, folder, plan.reports_dir)
    return replace(data, kpis=None, background=None)


def _take_along(old: Path, folder: Path) -> None:
    """Bring the old report's files that are not made anew; the rows behind the dashboard are."""
    for path in sorted(old.iterdir()):
        new = folder / path.name
        if path.is_file() and not new.exists():
            try:
                os.link(path, new)
            except OSError:  # a file system without links
                shutil.copyfile(path, new)


def is_current(company: str, plan: Plan) -> bool:
    """Whether the newest good report rests on the params and the files as they are now."""
    place = last_good(plan.reports_dir / company)
    record = _record(place) if place else {}
    if not record or record.get("pending"):
        return False
    params = find(company, plan.root / plan.params_dir)
    files = [(plan.root / str(i["file"]), i) for i in record.get("inputs", [])]
    return (
        all((place / str(book["html"])).is_file() for book in record.get("notebooks", []) if place)
        and record.get("params", {}).get("sha256") == _digest(params)
        and all(path.is_file() and path.stat().st_size == i["size"] for path, i in files)
        and all(_digest(path) == i["sha256"] for path, i in files)
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        digest = sha256()
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def _record(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
