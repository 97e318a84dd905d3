"""The files of a report's folder, and how a finished folder takes its place.

The same table gives the same bytes: no clock, no machine, no order that depends on chance.
"""

import ctypes
import errno
import io
import json
import os
import shutil
import tempfile
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import is_datetime64_any_dtype

FAILED = ".failed"
"""The folder, inside the reports folder, that keeps what a company's failed run left."""
RECORD = "run.json"

RISKY = ("=", "+", "-", "@", "\t", "\r")
"""What a text must not begin with in a file that a spreadsheet opens."""

_EXCHANGE = 2  # renameat2's RENAME_EXCHANGE
_HERE = -100  # AT_FDCWD


# --- tables -----------------------------------------------------------------------------------------------


def write_kpis(kpis: pd.DataFrame, folder: Path) -> None:
    """`kpis.csv` and `kpis.parquet`: the same rows and columns, dates as dates."""
    write_text(folder / "kpis.csv", csv_text(kpis))
    (folder / "kpis.parquet").write_bytes(parquet_bytes(kpis))


def csv_text(frame: pd.DataFrame) -> str:
    """CSV in UTF-8: header, ISO dates, the shortest digits that give the same float back, empty for null.

    A text that a spreadsheet would take for a formula stands behind an apostrophe.
    """
    return safe(_with_dates(frame)).to_csv(index=False, lineterminator="\n")


def safe(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with every text that a spreadsheet would take for a formula behind an apostrophe."""
    texts = [name for name in frame.columns if pd.api.types.is_string_dtype(frame[name])]
    return frame.assign(**{name: frame[name].map(_safe, na_action="ignore") for name in texts})


def _safe(text: str) -> str:
    return f"'{text}" if isinstance(text, str) and text.startswith(RISKY) else text


def parquet_bytes(frame: pd.DataFrame) -> bytes:
    """Parquet; columns that hold whole days are dates, not instants."""
    buffer = io.BytesIO()
    _with_dates(frame).to_parquet(buffer, engine="pyarrow", index=False, compression="zstd")
    return buffer.getvalue()


def json_text(frame: pd.DataFrame) -> str:
    """A JSON list with an object for each row; null for what is missing, ISO dates."""
    return json.dumps(records(frame), ensure_ascii=False, indent=1, default=str) + "\n"


def table_bytes(frame: pd.DataFrame, form: str) -> bytes:
    """A table in one of the forms csv, json and parquet. Raises KeyError for another."""
    if form == "parquet":
        return parquet_bytes(frame)
    return {"csv": csv_text, "json": json_text}[form](frame).encode()


def records(frame: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """The rows as plain values that JSON knows, dates as text."""
    plain = _with_dates(frame).astype(object)
    return plain.where(plain.notna(), None).to_dict("records")


def _with_dates(frame: pd.DataFrame) -> pd.DataFrame:
    """Instants at midnight, all of a column, as dates."""
    days = [
        name
        for name in frame.columns
        if is_datetime64_any_dtype(frame[name])
        and (frame[name].isna() | (frame[name] == frame[name].dt.normalize())).all()
    ]
    return frame.assign(**{name: frame[name].dt.date.where(frame[name].notna(), None) for name in days})


def write_json(path: Path, content: Mapping[str, Any]) -> Path:
    """JSON for people to read: indented, in the order given."""
    return write_text(path, json.dumps(content, ensure_ascii=False, indent=2, default=str) + "\n")


def write_text(path: Path, text: str) -> Path:
    """Write a file whole: readers see the old text or the new one, never a part."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with open(handle, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    _open_to_readers(Path(name))
    os.replace(name, path)
    return path


def _open_to_readers(path: Path) -> None:
    """The permissions a plain `open` or `mkdir` would have given; temporary ones are the owner's alone."""
    mask = os.umask(0)
    os.umask(mask)
    path.chmod((0o777 if path.is_dir() else 0o666) & ~mask)


# --- folders ----------------------------------------------------------------------------------------------


@contextmanager
def new_folder(reports_dir: Path, company: str) -> Iterator[Path]:
    """A folder in the reports folder, to be filled and moved into place; gone afterwards if it was not."""
    reports_dir.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".new-{company}-", dir=reports_dir))
    _open_to_readers(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put_in_place(folder: Path, place: Path) -> None:
    """Make `folder` stand at `place`, at once where the system can swap folders; what stood there goes."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.exists():
        folder.rename(place)
    elif _swapped(folder, place):
        shutil.rmtree(folder)
    else:
        _replaced(folder, place)


def keep(folder: Path | None, place: Path, name: str = "") -> None:
    """Keep what a failed run left: its record at `place`, the rest in `place`/`name`; None: nothing."""
    shutil.rmtree(place, ignore_errors=True)
    if folder is not None:
        place.mkdir(parents=True)
        (folder / RECORD).rename(place / RECORD)
        if name:
            folder.rename(place / name)
    elif place.parent.is_dir() and not any(place.parent.iterdir()):
        place.parent.rmdir()


def _replaced(folder: Path, place: Path) -> None:
    """Two renames, the first undone when the second fails."""
    aside = folder.with_name(f"{folder.name}-old")
    place.rename(aside)
    try:
        folder.rename(place)
    except OSError:
        aside.rename(place)
        raise
    shutil.rmtree(aside)


def _swapped(one: Path, other: Path) -> bool:
    """Exchange two folders at once; False where the system or the file system cannot (Linux can)."""
    exchange = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if os.name == "posix" else None
    if exchange is None:
        return False
    failed = exchange(_HERE, os.fsencode(one), _HERE, os.fsencode(other), ctypes.c_uint(_EXCHANGE))
    if failed and (number := ctypes.get_errno()) not in (
        errno.EINVAL,
        errno.ENOSYS,
        errno.EPERM,
        errno.ENOTSUP,
    ):
        raise OSError(number, os.strerror(number), str(other))
    return not failed
