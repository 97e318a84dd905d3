"""The server: on this machine's own address alone, with a follower for each company, until told to end."""

import asyncio
import secrets
import signal
import webbrowser
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from socket import socket

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from analysis.batch.job import last_good
from analysis.batch.notebooks import FOLDER
from analysis.batch.run import Options, plan_of
from analysis.errors import RunError
from analysis.kernel import quiet
from analysis.params import companies, find
from analysis.report.index import write_index
from analysis.serving.following import Follower, Lanes
from analysis.serving.pages import Board, application
from analysis.serving.watching import Watcher

ADDRESS = "127.0.0.1"


@dataclass
class Serving:
    """One serving under way: the companies named, or all, each with its follower and its task."""

    named: Sequence[str]
    options: Options
    say_out: Callable[[str], None]
    warn: Callable[[str], None]

    def __post_init__(self) -> None:
        self.board = Board(secrets.token_hex(4))
        self._lanes = Lanes()
        self._followers: dict[str, tuple[Follower, asyncio.Task[None]]] = {}

    async def watch(self) -> None:
        """Wake the follower of each company that changed, at first of those whose report is not current."""
        plan = plan_of(self.options)
        watcher = Watcher(plan, self.named, plan.root / FOLDER)
        await asyncio.to_thread(watcher.look)
        for company in watcher.state:
            follower = self._follower(company, last_good(plan.reports_dir / company))
            if not await follower.is_current():
                follower.changed.set()
        async for changed in watcher.changes():
            for company in sorted(changed):
                if company in watcher.state:
                    self._follower(company).changed.set()
                else:
                    self._forget(company)

    def stop(self) -> None:
        """End what runs, and follow nobody any more."""
        for company in list(self._followers):
            self._forget(company)

    def _follower(self, company: str, report: Path | None = None) -> Follower:
        if company not in self._followers:
            follower = Follower(company, self.options, self._lanes, self.board.take, self.say_out, self.warn)
            follower.state = replace(follower.state, as_of=report.name if report else "")
            self.board.take(follower.state)
            self._followers[company] = follower, asyncio.create_task(follower.follow())
        return self._followers[company][0]

    def _forget(self, company: str) -> None:
        follower, task = self._followers.pop(company)
        task.cancel()
        follower.stop()
        self.board.drop(company)


def serve(
    named: Sequence[str],
    options: Options,
    port: int,
    show: bool,
    say_out: Callable[[str], None],
    warn: Callable[[str], None],
) -> None:
    """Serve the reports on 127.0.0.1 and follow the companies named, or all, until SIGINT or SIGTERM.

    Port 0 is any that is free; `show` opens the browser.

    Raises
    ------
    RunError, ParamsError
        An unknown company or notebook, or the port is taken.
    """
    quiet()
    for name in named or companies(options.params_dir):
        find(name, options.params_dir)
    plan = plan_of(options)
    plan.reports_dir.mkdir(parents=True, exist_ok=True)
    write_index(plan.reports_dir)
    sockets = _sockets(port)
    port = sockets[0].getsockname()[1]
    url = f"http://{ADDRESS}:{port}/"
    serving = Serving(list(dict.fromkeys(named)), options, say_out, warn)
    say_out(f"serving {url} (Ctrl-C ends it)")
    if show:
        webbrowser.open(url)
    asyncio.run(_until_told(serving, sockets, port))
    say_out("ended")


async def _until_told(serving: Serving, sockets: list[socket], port: int) -> None:
    loop, end = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end.set)
    hosts = frozenset(f"{name}{suffix}" for name in (ADDRESS, "localhost")
                      for suffix in ([f":{port}", ""] if port == 80 else [f":{port}"]))  # fmt: skip
    folder = plan_of(serving.options).reports_dir
    server = HTTPServer(application(folder, serving.board, lambda: hosts))
    server.add_sockets(sockets)
    watching = asyncio.create_task(serving.watch())
    ending = asyncio.create_task(end.wait())
    try:
        await asyncio.wait({watching, ending}, return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()
    finally:
        server.stop()
        serving.stop()
        await serving.board.end()
        for task in (watching, ending):
            task.cancel()
        await asyncio.gather(watching, ending, return_exceptions=True)


def _sockets(port: int) -> list[socket]:
    try:
        return bind_sockets(port, ADDRESS)
    except OSError as error:
        raise RunError(f"port {port} cannot be used: {error.strerror}; give another with --port") from None
