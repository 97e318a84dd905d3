"""What a browser gets: files of the reports folder, and events that tell a page to look again.

Files on disk hold no script of the server's. The copy that is served gets one, and its
Content-Security-Policy allows exactly that script by its digest, and requests to this server alone.
"""

import asyncio
import json
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import asdict
from hashlib import sha256
from html import escape, unescape
from pathlib import Path
from urllib.parse import quote

from tornado.iostream import StreamClosedError
from tornado.web import Application, HTTPError, RequestHandler

from analysis.serving.following import State

LIVE = (Path(__file__).parent / "live.js").read_text(encoding="utf-8").strip()
DIGEST = f"'sha256-{b64encode(sha256(LIVE.encode()).digest()).decode()}'"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".ipynb": "application/x-ipynb+json",
    ".pdf": "application/pdf",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".parquet": "application/vnd.apache.parquet",
}
END = ": ended\n\n"
BEAT = 15  # seconds between two signs of life on a quiet stream of events

_POLICY = re.compile(r'(<meta http-equiv="Content-Security-Policy" content=")([^"]*)(")')


class Board:
    """The state of every company, and who listens to it. `start` tells one serving from the next."""

    def __init__(self, start: str) -> None:
        self._start = start
        self._all = 0
        self._states: dict[str, State] = {}
        self._listeners: set[asyncio.Queue[str]] = set()

    def take(self, state: State) -> None:
        """A company's new state: keep it and tell every listener."""
        before = self._states.get(state.company)
        self._all += before is not None and before.version != state.version
        self._states[state.company] = state
        for listener in self._listeners:
            listener.put_nowait(self._event(state))

    def drop(self, company: str) -> None:
        """A company is followed no more."""
        self._states.pop(company, None)

    def listen(self) -> "asyncio.Queue[str]":
        """A queue of events, beginning with how every company stands."""
        queue: asyncio.Queue[str] = asyncio.Queue()
        for state in self._states.values():
            queue.put_nowait(self._event(state))
        self._listeners.add(queue)
        return queue

    def leave(self, queue: "asyncio.Queue[str]") -> None:
        """The listener is gone."""
        self._listeners.discard(queue)

    async def end(self) -> None:
        """Let every listener go."""
        for listener in self._listeners:
            listener.put_nowait(END)
        while self._listeners:
            await asyncio.sleep(0.01)

    def version(self, company: str) -> str:
        """What a page is told it shows: a company's report, or with "" the portfolio."""
        state = self._states.get(company)
        return f"{self._start}-{(state.version if state else 0) if company else self._all}"

    def _event(self, state: State) -> str:
        known = asdict(state) | {"version": self.version(state.company), "all": self.version("")}
        return f"data: {json.dumps(known)}\n\n"


class Guarded(RequestHandler):
    """Answers to this machine's own names only, so that no page of the web can reach it by another name."""

    def initialize(self, hosts: Callable[[], frozenset[str]]) -> None:
        self._hosts = hosts

    def prepare(self) -> None:
        if self.request.headers.get("Host", "").lower() not in self._hosts():
            raise HTTPError(403, reason="Unknown host")

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        for name, value in {
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Content-Security-Policy": "frame-ancestors 'none'",
        }.items():
            self.set_header(name, value)

    def compute_etag(self) -> None:
        return None

    def write_error(self, status_code: int, **_: object) -> None:
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{status_code} {self._reason}\n")


class Reports(Guarded):
    """Files of the reports folder, of the kinds that a report has; no list of a folder, nothing hidden."""

    def initialize(self, hosts: Callable[[], frozenset[str]], folder: Path, board: Board) -> None:  # type: ignore[override]
        super().initialize(hosts)
        self._folder, self._board = folder, board

    def get(self, path: str) -> None:
        found = self._find(path)
        if found.is_dir():
            self.redirect(self._page_of(found))
            return
        if found.suffix not in TYPES or not found.is_file():
            raise HTTPError(404)
        content = found.read_bytes()
        self.set_header("Content-Type", TYPES[found.suffix])
        if found.suffix == ".html":
            parts = found.relative_to(self._folder).parts
            page = with_script(content.decode(), self._board.version(parts[0] if len(parts) > 2 else ""))
            content = page.encode()
        self.finish(content)

    def head(self, path: str) -> None:
        self.get(path)

    def _find(self, path: str) -> Path:
        """The file or folder that a path of the address means."""
        names = [name for name in path.split("/") if name]
        if any(name.startswith(".") or "\\" in name or "\0" in name for name in names):
            raise HTTPError(404)
        found = self._folder.joinpath(*names)
        if not found.resolve().is_relative_to(self._folder.resolve()):
            raise HTTPError(404)
        return found

    def _page_of(self, folder: Path) -> str:
        """The address of a folder's page: the portfolio, a company's newest report, a report's first page."""
        parts = list(folder.relative_to(self._folder).parts)
        if len(parts) == 1:
            days = [p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")]
            parts.append(max(days, default=""))
        if len(parts) > 2 or "" in parts:
            raise HTTPError(404)
        pages = [p.name for p in self._folder.joinpath(*parts).glob("[!.]*.html")]
        if not pages:
            raise HTTPError(404)
        page = "index.html" if "index.html" in pages else min(pages)
        return "/" + "/".join(map(quote, [*parts, page]))


class Events(Guarded):
    """Server-sent events: how each company stands now, then each change."""

    def initialize(self, hosts: Callable[[], frozenset[str]], board: Board) -> None:  # type: ignore[override]
        super().initialize(hosts)
        self._board = board

    async def get(self) -> None:
        self.set_header("Content-Type", "text/event-stream")
        queue = self._board.listen()
        try:
            event = ""
            while event != END:
                try:
                    event = await asyncio.wait_for(queue.get(), BEAT)
                except TimeoutError:
                    event = ": still here\n\n"
                self.write(event)
                await self.flush()
        except StreamClosedError:
            self._auto_finish = False  # nobody is there to be told that this was all
        finally:
            self._board.leave(queue)


def with_script(page: str, version: str) -> str:
    """The page with the live script before its end, allowed by its policy, and the version it shows."""
    page = _POLICY.sub(
        lambda found: found[1] + escape(allowing(unescape(found[2])), quote=True) + found[3], page, count=1
    )
    head, end, rest = page.partition("</head>")
    page = f'{head}<meta name="kpi-live" content="{escape(version)}">\n{end}{rest}' if end else page
    before, end, after = page.rpartition("</body>")
    return f"{before}<script>{LIVE}</script>\n{end}{after}" if end else page


def allowing(policy: str) -> str:
    """A Content-Security-Policy that also allows the live script and its stream of events."""
    rules = {
        name: rest for name, _, rest in (rule.strip().partition(" ") for rule in policy.split(";")) if name
    }
    for name, more in (("script-src", DIGEST), ("connect-src", "'self'")):
        known = rules.get(name, "").replace("'none'", "").split()
        rules[name] = " ".join([*known, more])
    return "; ".join(f"{name} {rest}".strip() for name, rest in rules.items())


def application(folder: Path, board: Board, hosts: Callable[[], frozenset[str]]) -> Application:
    """The whole site: `/-/events` and the reports."""
    return Application(
        [
            (r"/-/events", Events, {"hosts": hosts, "board": board}),
            (r"/(.*)", Reports, {"hosts": hosts, "folder": folder, "board": board}),
        ],
        log_function=lambda handler: None,
    )
