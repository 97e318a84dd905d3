"""A company: its params and its checked tables as of a day. The one thing that notebooks and the CLI open."""

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from multiprocessing.util import Finalize
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

import ibis
import pandas as pd
from ibis.backends.duckdb import Backend
from ibis.expr.types import Table

from analysis.contract import TABLES
from analysis.errors import MissingTable
from analysis.params import Params, find, with_as_of
from analysis.params import load as load_params
from analysis.sources.loading import load
from analysis.sources.viewing import event_days

MEMORY = "1200MB"
"""What the engine may hold in memory at a time; the rest of a large company waits on disk."""

DISK = "kept"
"""The name that a large company's kept results are attached under."""


@dataclass(frozen=True)
class Company:
    """A company's checked tables as they were at the end of the day `as_of`.

    Attributes
    ----------
    params : its settings
    as_of : the day looked from; what happened later is unknown
    first_event : the earliest day on which anything happened
    con : the embedded engine that holds the tables
    ledger : a row per table: table, source, rows_read, filtered, after_as_of, duplicates, quarantined,
        flagged (kept with a broken interval), accepted, note;
        rows_read = filtered + after_as_of + duplicates + quarantined + accepted
    quarantine : a row per quarantined row: table, file, line, key, reason, value, row (all it held, as JSON)
    inputs : the files read: file, sha256, size in bytes
    is_large : some tables are views on their files, read anew for every figure

    A canonical table is an attribute: `company.orders` is `company.table("orders")`.
    """

    params: Params
    as_of: date
    first_event: date
    con: Backend = field(repr=False, compare=False)
    ledger: pd.DataFrame = field(repr=False, compare=False)
    quarantine: pd.DataFrame = field(repr=False, compare=False)
    inputs: list[dict[str, str | int]] = field(repr=False, compare=False)
    _supplied: dict[str, frozenset[str]] = field(repr=False, compare=False)
    _tables: dict[str, Table] = field(repr=False, compare=False)
    is_large: bool = field(default=False, repr=False, compare=False)

    def has(self, table: str) -> bool:
        """Whether the company has that canonical table."""
        return table in self._tables

    def has_column(self, table: str, column: str) -> bool:
        """Whether the company's source supplies that column; one that is absent is there, all null."""
        return column in self._supplied.get(table, frozenset())

    def table(self, name: str) -> Table:
        """The accepted rows of a canonical table as of the day; its columns are those of `contract`.

        Raises
        ------
        MissingTable
            The company does not have it.
        KeyError
            There is no such canonical table.
        """
        if name not in TABLES:
            raise KeyError(name)
        if name not in self._tables:
            raise MissingTable(f"{self.params.name} has no table {name}.")
        return self._tables[name]

    @cached_property
    def last_event(self) -> date | None:
        """The last day, up to `as_of`, on which anything happened: how far the data reach."""
        found = self.con.con.execute(event_days(self._tables, '"{}"', "true", "max")).fetchone()
        return found[0] if found else None

    def last_day(self, table: str) -> date | None:
        """The last day, up to `as_of`, on which anything happened in a table; None where that is not told."""
        found = self.con.con.execute(event_days([table], '"{}"', "true", "max")).fetchone()
        return found[0] if found else None

    def keep(self, name: str, result: Table) -> Table:
        """Compute a result once, for all the figures that are made of it; of a large company on disk."""
        if self.is_large:
            return self.con.create_table(name, result, database=f"{DISK}.main", overwrite=True)
        return self.con.create_table(name, result, temp=True, overwrite=True)

    def __getattr__(self, name: str) -> Any:
        if name in TABLES:
            return self.table(name)
        raise AttributeError(name)


def from_params(params: Params, as_of: str | date | None = None) -> Company:
    """Load a company from its params; `as_of` replaces theirs.

    Raises
    ------
    AnalysisError
        The source cannot be read as the params say, or too many rows of a table are quarantined.
    """
    params = with_as_of(params, as_of)
    folder = Path(mkdtemp(prefix="kpi-engine-"))
    con = engine(folder)
    loaded = load(con.con, params, params.as_of)
    if loaded.is_large:
        con.con.execute("SET preserve_insertion_order = false")
        con.con.execute("SET enable_external_file_cache = false")  # the system's own does as well
        con.con.execute(f"ATTACH '{folder / DISK}.duckdb' AS {DISK}")
    return Company(
        params=params,
        as_of=loaded.as_of,
        first_event=loaded.first_event,
        con=con,
        ledger=loaded.ledger,
        quarantine=loaded.quarantine,
        inputs=loaded.inputs,
        _supplied=loaded.supplied,
        _tables={name: con.table(name) for name in loaded.tables},
        is_large=loaded.is_large,
    )


def engine(folder: Path) -> Backend:
    """The embedded engine; what does not fit into MEMORY goes to the folder, which goes with the engine."""
    con = ibis.duckdb.connect(
        autoinstall_known_extensions=False,
        autoload_known_extensions=False,
        memory_limit=MEMORY,
        temp_directory=str(folder),
    )
    Finalize(con, rmtree, (folder, True), exitpriority=0)  # a forked kernel ends without atexit
    if con.con.execute("SELECT current_setting('enable_progress_bar')").fetchall()[0][0]:
        con.con.execute("SET enable_progress_bar = false")  # an error where it is off already
    return con


def open_company(company: str, as_of: str | date | None = None, params_dir: str | Path = "params") -> Company:
    """Open the company of `params_dir`/`company`.yaml; `as_of` empty: as its params say.

    Raises
    ------
    AnalysisError
        The params file is missing or wrong, or the source cannot be read as it says.
    """
    return from_params(load_params(find(company, params_dir)), as_of)
