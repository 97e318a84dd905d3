"""A company's report kept in step with its data: what is quick first, then the notebooks.

A change during a run starts another afterwards; one that comes while the notebooks run ends them, for their
pages would be old before they are seen, but not for ever.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from analysis.batch.early import is_current, show_early
from analysis.batch.job import Job, Plan, Result
from analysis.batch.run import Options, plan_of, work
from analysis.batch.watch import told, told_failure
from analysis.errors import AnalysisError
from analysis.kernel import Processes
from analysis.params import find, load
from analysis.report.files import new_folder
from analysis.report.index import write_index
from analysis.texts import language, mark, say

PRELOAD = ["analysis.batch.job"]
INTERRUPTIONS = 3  # of the notebooks by new changes, one after the other
COMPUTING = mark("The data has changed; the figures are being computed.")
RUNNING = mark("The figures are new; the notebooks are being run again.")
FAILED = mark("The last run failed; this is the last good report.")


@dataclass(frozen=True)
class State:
    """How a company's report stands: `version` counts what was put in place, `text` is for its readers.

    `phase` is ready, computing, running (the notebooks) or failed; `cause` says why it failed.
    """

    company: str
    version: int = 0
    phase: str = "ready"
    as_of: str = ""
    text: str = ""
    cause: str = ""


class Quiet:
    """A batch's watch that tells nobody."""

    def begins(self, steps: int) -> None:
        """Nothing."""

    def step(self, company: str, name: str, steps: int) -> None:
        """Nothing."""

    def ends(self, result: Result) -> None:
        """Nothing."""


@dataclass
class Lanes:
    """How much runs at a time: quick work of two companies beside the notebooks of one."""

    quick: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    notebooks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    index: asyncio.Lock = field(default_factory=asyncio.Lock)


class Follower:
    """Follows one company. `changed` wakes it; `tell` hears each new state, `say_out` and `warn` lines."""

    def __init__(
        self,
        company: str,
        options: Options,
        lanes: Lanes,
        tell: Callable[[State], None],
        say_out: Callable[[str], None],
        warn: Callable[[str], None],
    ) -> None:
        self.state = State(company)
        self.changed = asyncio.Event()
        self._options, self._lanes = options, lanes
        self._tell, self._say_out, self._warn = tell, say_out, warn
        self._processes: Processes | None = None
        self._interrupted = 0

    async def follow(self) -> None:
        """Run the company whenever it changed; endless."""
        while True:
            await self.changed.wait()
            self.changed.clear()
            try:
                await self._once()
            except AnalysisError as error:
                self._failed(str(error))

    async def is_current(self) -> bool:
        """Whether the report is there and rests on what there is now."""
        try:
            plan = plan_of(self._options)
            return await asyncio.to_thread(is_current, self.state.company, plan)
        except (AnalysisError, OSError):
            return False

    def stop(self) -> None:
        """End what runs."""
        if self._processes:
            self._processes.stop()

    async def _once(self) -> None:
        company, plan = self.state.company, plan_of(self._options)
        self._set(phase="computing", text=COMPUTING)
        async with self._lanes.quick:
            self._processes = Processes(PRELOAD)
            data = await asyncio.to_thread(show_early, company, plan, self._processes)
        await self._put(as_of=data.as_of.isoformat(), phase="running", text=RUNNING)
        self._say_out(
            f"{company} {data.as_of}: new figures after {data.seconds:.1f} s; running the notebooks"
        )
        async with self._lanes.notebooks:
            if self.changed.is_set():
                return
            result = await self._notebooks(plan)
        if result is None:
            return
        self._interrupted = 0
        if result.cause:
            self._warn(told_failure(result))
            self._set(phase="failed", text=FAILED, cause=result.cause)
            return
        self._say_out(told(result))
        await self._put(as_of=result.as_of, phase="ready", text="")

    async def _notebooks(self, plan: Plan) -> Result | None:
        """A whole run; None when a new change, or the end of serving, stopped it."""
        processes = self._processes = Processes(PRELOAD)
        run = asyncio.create_task(asyncio.to_thread(_run, self.state.company, plan, processes))
        change = asyncio.create_task(self.changed.wait())
        await asyncio.wait({run, change}, return_when=asyncio.FIRST_COMPLETED)
        if not run.done() and self._interrupted < INTERRUPTIONS:
            self._interrupted += 1
            processes.stop()
        result = await run
        change.cancel()
        return result

    async def _put(self, as_of: str, phase: str, text: str) -> None:
        """A report was put in place: the portfolio again, then tell."""
        async with self._lanes.index:
            await asyncio.to_thread(write_index, plan_of(self._options).reports_dir)
        self._set(version=self.state.version + 1, as_of=as_of, phase=phase, text=text, cause="")

    def _failed(self, cause: str) -> None:
        lines = "\n".join(f"  {line}" for line in cause.splitlines())
        self._warn(f"{self.state.company}: FAILED\n{lines}")
        self._set(phase="failed", text=FAILED, cause=cause)

    def _set(self, text: str, **changes: object) -> None:
        try:
            locale = load(find(self.state.company, self._options.params_dir)).locale
        except AnalysisError:
            locale = "en"
        with language(locale):
            changes["text"] = say(text)
        self.state = replace(self.state, **{"cause": "", **changes})  # type: ignore[arg-type]
        self._tell(self.state)


def _run(company: str, plan: Plan, processes: Processes) -> Result | None:
    with new_folder(plan.reports_dir, company) as folder:
        return work([Job(plan, company, folder)], 2, Quiet(), processes).get(company)
