"""The batch itself: which companies and notebooks, all checked first, then the steps, so many at a time."""

import os
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from analysis.batch.job import Job, Plan, Result, Step, shown
from analysis.batch.notebooks import discover, fill
from analysis.errors import RunError
from analysis.kernel import Processes, quiet
from analysis.param_values import parse_day
from analysis.params import companies, find, project_root
from analysis.report.files import new_folder
from analysis.report.index import write_index


@dataclass(frozen=True)
class Options:
    """What `kpi run` is told.

    `reports_dir` None is the project's reports/; `jobs` 0 is one for each core; `timeout` is in seconds, for
    each cell.
    """

    params_dir: Path = Path("params")
    reports_dir: Path | None = None
    as_of: str = ""
    notebooks: Sequence[str] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    jobs: int = 0
    timeout: int = 600
    pdf: bool = False


class Watch(Protocol):
    """Who is told how the batch goes."""

    def begins(self, steps: int) -> None:
        """So many steps in all, if nothing fails."""

    def step(self, company: str, name: str, steps: int) -> None:
        """A step ended; so many are settled by it."""

    def ends(self, result: Result) -> None:
        """A company's run ended."""


def run(names: Sequence[str], options: Options, watch: Watch, processes: Processes) -> list[Result]:
    """Run the companies named, all of the params folder when none is; results in that order.

    Raises
    ------
    RunError, ParamsError
        Before anything runs: an unknown company, notebook or parameter, or a day that is none.
    """
    quiet()
    chosen = list(dict.fromkeys(names)) or companies(options.params_dir)
    if not chosen:
        raise RunError(f"{options.params_dir}: there are no companies yet; `kpi new` writes a params file")
    for name in chosen:
        find(name, options.params_dir)
    plan = plan_of(options)
    with ExitStack() as folders:
        jobs = [Job(plan, name, folders.enter_context(new_folder(plan.reports_dir, name))) for name in chosen]
        watch.begins(len(jobs) * (2 + len(plan.notebooks)))
        results = work(jobs, options.jobs or os.cpu_count() or 1, watch, processes)
    write_index(plan.reports_dir)
    return [results[name] for name in chosen]


def plan_of(options: Options) -> Plan:
    """What the options come to: the folders found, the notebooks read and their parameters checked.

    Raises
    ------
    RunError
        An unknown notebook or parameter, or a day that is none.
    """
    root = project_root()
    as_of = _day(options.as_of)
    folder = find_folder(options.params_dir, root)
    notebooks = discover(root, options.notebooks)
    own = {"company": "", "as_of": "", "params_dir": ""}
    return Plan(
        root=root,
        reports_dir=options.reports_dir.resolve() if options.reports_dir else root / "reports",
        params_dir=shown(folder, root),
        as_of=as_of,
        notebooks=notebooks,
        parameters=fill(notebooks, own, options.parameters),
        timeout=options.timeout,
        pdf=options.pdf,
    )


def find_folder(params_dir: Path, root: Path) -> Path:
    """The params folder as `params.find` looks for it: from the current folder, else from the project's."""
    return params_dir.resolve() if params_dir.is_dir() else (root / params_dir).resolve()


def _day(text: str) -> str:
    if text in ("", "latest"):
        return text
    try:
        return parse_day(text).isoformat()
    except ValueError as error:
        raise RunError(f"--as-of: {error} or latest") from None


def work(jobs: Sequence[Job], at_once: int, watch: Watch, processes: Processes) -> dict[str, Result]:
    """Run all steps, a begun company's before another's; each company ends on its own.

    Where somebody has stopped the processes, the companies still under way have no result and leave nothing.
    """
    waiting: deque[tuple[Job, Step]] = deque((job, step) for job in jobs for step in job.begin())
    running: dict[Future[Any], tuple[Job, Step]] = {}
    results: dict[str, Result] = {}
    threads = ThreadPoolExecutor(at_once, thread_name_prefix="step")
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                job, step = waiting.popleft()
                job.starts(step)
                call = threads.submit(processes.call, step.function, *step.arguments, folder=job.plan.root)
                running[call] = (job, step)
            for call in wait(running, return_when=FIRST_COMPLETED).done:
                job, step = running.pop(call)
                following = job.take(step, call)
                waiting.extendleft((job, each) for each in reversed(following))
                watch.step(job.company, step.name, 1 + job.unneeded)
                if not job.open_steps and not processes.stopped:
                    results[job.company] = job.finish()
                    watch.ends(results[job.company])
    finally:
        if sys.exc_info()[0]:
            processes.stop()
        threads.shutdown(cancel_futures=True)
    return results
