"""Processes of a batch: one for each step, and the kernel of one notebook.

A step runs in a fresh process forked from a server that has done the slow imports once. So no step sees
another's working directory, memory or modules, and one that dies takes nobody along. The seam for kernels
forked from the same server is `kernel_options`: what it yields is all that a run knows about its kernel.
"""

import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from traitlets import Unicode
from traitlets.config import Config

from analysis.errors import AnalysisError, RunError
from analysis.texts import ENGLISH, LANGUAGE

_SOCKET_PATH = 100  # bytes of a socket's path that every Unix allows (103 on macOS, 107 on Linux)
_NOISY = ("papermill", "traitlets", "nbconvert", "nbclient", "asyncio")


# --- processes --------------------------------------------------------------------------------------------


class Processes:
    """Runs functions, each in a process of its own; `stop` ends those that still run, and begins no other.

    `preload` names the modules the server of the forks imports, beginning at once. Safe for many threads.
    """

    def __init__(self, preload: Sequence[str]) -> None:
        methods = multiprocessing.get_all_start_methods()
        kind = "forkserver" if "forkserver" in methods else "spawn"
        self._context: Any = multiprocessing.get_context(kind)
        if kind == "forkserver":
            self._context.set_forkserver_preload([*preload])
            forkserver.ensure_running()
        self.stopped = False
        self._running: set[BaseProcess] = set()
        self._lock = threading.Lock()

    def call(self, function: Callable[..., Any], *args: Any, folder: Path) -> Any:
        """`function(*args)`, a module-level function, run in `folder`; its result, which must be picklable.

        Raises
        ------
        RunError
            The function raised an AnalysisError (its text), broke (its traceback goes to stderr), or died.
        """
        receiver, sender = self._context.Pipe(duplex=False)
        with receiver:
            with sender:
                process = self._context.Process(
                    target=_answer, args=(sender, folder, dict(os.environ), function, args), daemon=False
                )
                with self._lock:
                    if self.stopped:
                        raise RunError("the run was stopped")
                    process.start()
                    self._running.add(process)
            try:
                fine, value = receiver.recv()
            except EOFError:
                fine, value = False, None
            process.join()
        with self._lock:
            self._running.discard(process)
        if not fine:
            raise RunError(value or _death(process.exitcode))
        return value

    def stop(self) -> None:
        """End every process that still runs, with its kernel."""
        with self._lock:
            self.stopped = True
            for process in self._running:
                process.terminate()


def _death(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        name = signal.Signals(-exitcode).name
        why = "; the machine ran out of memory, perhaps: try fewer --jobs" if name == "SIGKILL" else ""
        return f"its process was ended by {name}{why}"
    return f"its process ended without an answer (exit status {exitcode})"


def _answer(
    sender: Connection, folder: Path, environ: Mapping[str, str], function: Callable[..., Any], args: Sequence
) -> None:
    """In the new process: send (True, result) or (False, what went wrong)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides, and says SIGTERM
    signal.signal(signal.SIGTERM, _leave)
    os.environ.clear()  # the server of the forks holds the environment of its own start
    os.environ.update(environ)
    os.chdir(folder)
    quiet()
    with _Teller(sender):
        sender.send((True, function(*args)))


class _Teller(AbstractContextManager[None]):
    """Tells the parent what ended a step: an AnalysisError's text, or another error's name, which goes on."""

    def __init__(self, sender: Connection) -> None:
        self._sender = sender

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, AnalysisError):
            self._sender.send((False, str(error)))
        elif isinstance(error, Exception):
            self._sender.send(
                (False, f"{type(error).__name__}: {error} (not foreseen; the traceback is above)")
            )
        return isinstance(error, AnalysisError)


def _leave(signum: int, frame: FrameType | None) -> None:
    sys.exit(128 + signum)


def quiet() -> None:
    """Keep the libraries' own logs off the terminal: what matters to a reader is said by the batch."""
    for name in _NOISY:
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = False


# --- kernels ----------------------------------------------------------------------------------------------


class LocalKernelManager(AsyncKernelManager):
    """Starts this interpreter's own kernel, whatever the machine has under the notebook's kernel name."""

    report_folder = Unicode("", help="where the notebook may leave files of its report").tag(config=True)
    language = Unicode(ENGLISH, help="the language of the notebook's outputs").tag(config=True)

    @property
    def kernel_spec(self) -> KernelSpec:
        home = os.path.join(os.path.dirname(self.connection_file), "ipython")
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python 3 (ipykernel)",
            language="python",
            env={
                "IPYTHONDIR": home,  # nobody's start-up files, nobody's history
                "MPLBACKEND": "module://matplotlib_inline.backend_inline",
                "PYTHONHASHSEED": "0",
                "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),  # a batch fills the cores itself
                "KPI_REPORT_FOLDER": self.report_folder,
                LANGUAGE: self.language,
                "TMPDIR": os.path.dirname(self.connection_file),  # goes with it, however it ends
            },
        )


@contextmanager
def kernel_options(report_folder: str = "", language: str = ENGLISH) -> Iterator[dict[str, Any]]:
    """nbclient's options for one kernel that talks over sockets in a folder only this user can enter.

    The kernel's environment names the `report_folder`, where there is one, as KPI_REPORT_FOLDER, and the
    language of its texts as KPI_LANGUAGE.
    """
    short = tempfile.gettempdir()
    if os.name == "posix" and len(os.fsencode(short)) + len("/kpi-12345678/k-ipc-12") > _SOCKET_PATH:
        short = "/tmp"
    with tempfile.TemporaryDirectory(prefix="kpi-", dir=short, ignore_cleanup_errors=True) as folder:
        connection = {
            "connection_file": os.path.join(folder, "k.json"),
            "report_folder": report_folder,
            "language": language,
        }
        if os.name == "posix":
            connection["transport"] = "ipc"
        yield {
            "kernel_manager_class": LocalKernelManager,
            "config": Config({"LocalKernelManager": connection}),
            "record_timing": False,
            "shutdown_kernel": "immediate",
        }
