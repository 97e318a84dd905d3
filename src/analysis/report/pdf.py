"""A report's pages as PDF, printed by Chromium where the machine has it.

Pages are printed from a copy outside the report, without the links to the report's other files, so that a PDF
names no folder of this machine. Its dates are the report's day: the same page gives the same bytes.
"""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

VARIABLE = "KPI_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
AT_ONCE = 2  # pages; each takes a browser of some 200 MB
TIMEOUT = 60  # seconds a page
FLAGS = (
    "--headless", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--disable-default-apps", "--mute-audio", "--no-pdf-header-footer",
)  # fmt: skip

_LINK = re.compile(
    r"""(<a\b[^>]*?)\s(?:xlink:)?href=(["'])(?!#|https?:|mailto:).*?\2""", re.IGNORECASE | re.DOTALL
)
_DATE = re.compile(rb"(/(?:CreationDate|ModDate) \(D:)\d{14}([^)]*\))")


def browser() -> str:
    """The path of a Chromium: what KPI_CHROMIUM names, else the first of the usual names; "" for none."""
    named = os.environ.get(VARIABLE, "")
    return next((path for name in ([named] if named else NAMES) if (path := shutil.which(name))), "")


def lack_of_browser() -> str:
    """What to tell a person who wants PDF where there is no Chromium."""
    named = os.environ.get(VARIABLE, "")
    found = (
        f"{VARIABLE} names {named}, which is no program"
        if named
        else f"none of {', '.join(NAMES)} is in PATH"
    )
    return f"no PDF: Chromium was not found ({found}); install it, or name it in {VARIABLE}"


def print_pages(pages: Sequence[Path], program: str, day: date) -> tuple[list[str], list[str]]:
    """Write `<name>.pdf` beside each page.

    Returns
    -------
    The file names written, in the order of the pages, and a sentence for each page that could not be printed.
    """
    with ThreadPoolExecutor(AT_ONCE) as threads:
        problems = list(threads.map(lambda page: _print(page, program, day), pages))
    written = [page.with_suffix(".pdf").name for page, bad in zip(pages, problems, strict=True) if not bad]
    return written, [problem for problem in problems if problem]


def without_links(page: str) -> str:
    """The page without its links to other files; those inside it and to the web stay."""
    return _LINK.sub(r"\1", page)


def dated(pdf: bytes, day: date) -> bytes:
    """The PDF with that day instead of the time it was printed at."""
    return _DATE.sub(rb"\g<1>" + f"{day:%Y%m%d}000000".encode() + rb"\g<2>", pdf)


def _print(page: Path, program: str, day: date) -> str:
    """Print one page; what went wrong, or nothing."""
    with TemporaryDirectory(prefix="kpi-pdf-", ignore_cleanup_errors=True) as temporary:
        copy, target = Path(temporary) / page.name, Path(temporary) / "page.pdf"
        copy.write_text(without_links(page.read_text(encoding="utf-8")), encoding="utf-8")
        command = [program, *FLAGS, f"--user-data-dir={temporary}/profile", f"--print-to-pdf={target}"]
        as_root = os.name == "posix" and os.geteuid() == 0  # Chromium's sandbox refuses root
        try:
            with _running([*command, *(["--no-sandbox"] if as_root else []), copy.as_uri()]) as process:
                process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            return f"{page.name}: not printed: Chromium took longer than {TIMEOUT} s"
        except OSError as error:
            return f"{page.name}: not printed: {program}: {error.strerror}"
        if not target.is_file() or process.returncode:
            return f"{page.name}: not printed: Chromium ended with exit status {process.returncode}"
        page.with_suffix(".pdf").write_bytes(dated(target.read_bytes(), day))
        return ""


@contextmanager
def _running(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A program in a group of its own, ended with all its children whatever happens."""
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                if os.name == "posix":
                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    process.kill()
