"""What each company's report rests on, and whether it has changed.

The system tells that something moved; what it was is found by comparing names, sizes and times of the files,
looked at every few seconds too, so that a folder put in another's place or a network drive is noticed.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from watchfiles import awatch

from analysis.batch.job import Plan
from analysis.errors import AnalysisError
from analysis.params import companies, find, load
from analysis.sources.connecting import connect

EVERY = 2000  # milliseconds between two looks when nothing is told
STILL = 200  # milliseconds without a further change before a look
LONGEST_WAIT = 1600  # milliseconds of changes without a pause
NOTEBOOK = "*.ipynb"

Seen = Mapping[Path, tuple[int, int]]
"""Files with their sizes and times of change."""


@dataclass
class Watcher:
    """Watches the named companies, or all there are; `state` holds what was seen of each.

    `reports` is left out of every folder watched: what a run writes must not start another.
    """

    plan: Plan
    named: Sequence[str]
    notebooks: Path
    state: dict[str, Seen] = field(default_factory=dict)
    places: set[Path] = field(default_factory=set)

    async def changes(self) -> AsyncIterator[set[str]]:
        """The companies whose data, params or notebooks changed since the last look; endless."""
        while True:
            places = {place for place in self.places if place.exists()}
            async for _ in awatch(
                *places, debounce=LONGEST_WAIT, step=STILL, rust_timeout=EVERY, yield_on_timeout=True
            ):
                if changed := await asyncio.to_thread(self.look):
                    yield changed
                if places != {place for place in self.places if place.exists()}:
                    break

    def look(self) -> set[str]:
        """Look at all files; the companies that changed, are new or are gone since the last look."""
        folder = self.plan.root / self.plan.params_dir
        notebooks = _files(self.notebooks, NOTEBOOK)
        places = {folder, self.notebooks}
        state: dict[str, Seen] = {}
        for company in self.named or companies(folder):
            seen = dict(notebooks)
            try:
                path = find(company, folder)
                seen |= _stamp(path)
                source = connect(load(path)).path.resolve()
            except AnalysisError:  # the run will tell it; what is seen of the params shows when it is mended
                source = None
            if source is not None:
                places.add(source)
                seen |= dict(self._of_source(source))
            state[company] = seen
        changed = {name for name in state | self.state if state.get(name) != self.state.get(name)}
        self.state, self.places = state, places
        return changed

    def _of_source(self, source: Path) -> Iterator[tuple[Path, tuple[int, int]]]:
        """The files of a source, which is a file or a folder; hidden ones and the reports do not count."""
        if source.is_file():
            yield from _stamp(source).items()
        for base, folders, files in os.walk(source):
            folders[:] = [
                name for name in folders if name[0] != "." and Path(base, name) != self.plan.reports_dir
            ]
            for name in files:
                if not name.startswith((".", "~$")):
                    yield from _stamp(Path(base, name)).items()


def _files(folder: Path, pattern: str) -> dict[Path, tuple[int, int]]:
    return {p: stamp for path in folder.glob(pattern) for p, stamp in _stamp(path).items()}


def _stamp(path: Path) -> dict[Path, tuple[int, int]]:
    try:
        found = path.stat()
    except OSError:  # gone between being listed and being looked at
        return {}
    return {path: (found.st_size, found.st_mtime_ns)}
