"""Which files of a folder fill a table."""

from dataclasses import dataclass, field
from pathlib import Path

from analysis.contract import TABLES
from analysis.errors import SourceError
from analysis.params import Params
from analysis.sources.connecting import Connection
from analysis.sources.messages import listing, near

SUFFIXES = (".csv", ".csv.gz", ".parquet", ".xlsx")
"""What a file named after its table may end in, when the params file does not name it."""

_READABLE = (*SUFFIXES, ".txt", ".txt.gz", ".tsv", ".tsv.gz", ".xlsm", ".xls", ".xlsb", ".ods")


@dataclass(frozen=True)
class File:
    """A source file; messages, the quarantine and the ledger call it `shown`."""

    path: Path = field(repr=False)
    shown: str

    @property
    def stem(self) -> str:
        """The name without what it ends in, `.csv.gz` being one ending: the file's table name in `sql`."""
        name = self.path.name
        ending = next((s for s in _READABLE if name.lower().endswith(s) and s.count(".") == 2), "")
        return name[: -len(ending)] if ending else self.path.stem


def _file(path: Path, connection: Connection) -> File:
    return File(path, f"{connection.shown}/{path.relative_to(connection.path).as_posix()}")


def files_in(connection: Connection) -> list[File]:
    """The folder's readable files, by name."""
    paths = sorted(p for p in connection.path.iterdir() if p.name.lower().endswith(_READABLE))
    return [_file(p, connection) for p in paths if p.is_file() and not p.name.startswith((".", "~$"))]


def named_after(table: str, connection: Connection) -> File | None:
    """The file called `<table>.csv` or the like; SourceError when there are several."""
    found = [f for f in files_in(connection) if f.path.name in {table + s for s in SUFFIXES}]
    if len(found) > 1:
        raise SourceError(
            f"{connection.shown}: {' and '.join(f.path.name for f in found)} could both be {table}; "
            f"keep one, or write source.tables.{table}.file in the params file"
        )
    return found[0] if found else None


def tables_in(connection: Connection) -> list[str]:
    """The canonical tables that have a file of their name."""
    names = {f.path.name for f in files_in(connection)}
    return [t for t in TABLES if any(t + s in names for s in SUFFIXES)]


def _matching(pattern: str, connection: Connection) -> list[File]:
    root = connection.path
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise SourceError(f"`file: {pattern}` leaves the folder {connection.shown}; name a file inside it")
    exact = root / pattern
    if exact.is_file():
        return [_file(exact, connection)]
    hits = sorted(root.glob(pattern)) if any(c in pattern for c in "*?[") else []
    return [_file(p, connection) for p in hits if p.is_file() and not p.name.startswith((".", "~$"))]


def find(table: str, pattern: str | None, connection: Connection, params: Params) -> list[File]:
    """The files of a table, at least one, in a fixed order.

    Raises
    ------
    SourceError
        There is none; the text names the near matches of the folder and what to write.
    """
    where = params.where("source", "tables", table, "file")
    try:
        if pattern is None:
            own = named_after(table, connection)
            found = [own] if own else []
        else:
            found = _matching(pattern, connection)
    except SourceError as error:
        raise SourceError(f"{where}: {table}: {error}") from None
    if found:
        return found
    there = [f.path.name for f in files_in(connection)]
    wanted = pattern or f"{table}.csv"
    close = near(wanted, there)
    hint = f"write `file: {close[0]}`" if close else "write `file:` with the name of one of them"
    if not there:
        hint = "put the file there, or correct source.connect"
    raise SourceError(
        f"{where}: {table}: there is no file {wanted} in {connection.shown}; it holds {listing(there)}\n"
        f"  {hint} under source.tables.{table}, or take {table} out"
    )
