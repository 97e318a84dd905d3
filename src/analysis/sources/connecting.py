"""`source.connect`: a folder of files or a DuckDB file. Secrets are expanded here and go no further."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from analysis.errors import AnalysisError, SourceError
from analysis.params import Params, project_root
from analysis.sources.messages import first_line
from analysis.sources.quoting import literal

DATABASE = "source_database"
"""The name a connected database is attached under while a company is loaded."""

_SECRET = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class Connection:
    """Where the source is; `shown` is `connect` as written, the only form that messages may hold."""

    path: Path = field(repr=False)
    shown: str
    is_database: bool

    def redact(self, text: str) -> str:
        """The text with every mention of the place replaced by `connect` as written."""
        place = str(self.path)
        return text.replace(place, self.shown).replace(self.path.name, Path(self.shown).name)


def _expand(params: Params) -> str:
    missing: list[str] = []

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            missing.append(match[1])
        return os.environ.get(match[1], "")

    text = _SECRET.sub(value, params.source.connect)
    if missing:
        raise SourceError(
            f"{params.where('source', 'connect')}: the environment variable {' and '.join(missing)} "
            "is not set; set it before the run"
        )
    return text


def connect(params: Params) -> Connection:
    """The place that `source.connect` names, which exists.

    Raises
    ------
    SourceError
        It is not there, or an environment variable is not set.
    AnalysisError
        It is of a kind that cannot be read yet.
    """
    target, shown, where = _expand(params), params.source.connect, params.where("source", "connect")
    scheme, _, rest = target.partition("://")
    if not rest or scheme == "file":
        folder = project_root() / (rest or target)
        if folder.is_dir():
            return Connection(folder, shown.rstrip("/"), False)
        if folder.is_file():
            raise SourceError(
                f"{where}: {shown} is a file; write the folder it is in, "
                f"or duckdb:///{shown} for a DuckDB file"
            )
        raise SourceError(
            f"{where}: there is no folder {shown}; a relative path starts at the project's root"
        )
    if scheme != "duckdb":
        kind = scheme.split("+")[0] if "${" not in shown.partition("://")[0] else "this kind of"
        raise AnalysisError(
            f"{where}: {kind} sources are not supported yet; write a folder of files or duckdb:///file.duckdb"
        )
    name = rest.partition("?")[0]
    for path in (Path(name), project_root() / name.lstrip("/")):
        if path.is_absolute() and path.is_file():
            return Connection(path, shown, True)
    raise SourceError(f"{where}: there is no DuckDB file at {shown}")


def attach(con: duckdb.DuckDBPyConnection, connection: Connection, where: str) -> None:
    """Attach a DuckDB file read-only; SourceError when it is none, or another program holds it."""
    try:
        con.execute(f"ATTACH {literal(connection.path)} AS {DATABASE} (READ_ONLY)")
    except duckdb.Error as error:
        if "lock" in str(error).lower():
            problem = "another program has it open for writing; close that program, or read a copy"
        else:
            problem = f"cannot be opened as a DuckDB file: {connection.redact(first_line(error))}"
        raise SourceError(f"{where}: {connection.shown}: {problem}") from None
