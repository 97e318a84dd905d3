"""Names and values in generated SQL, quoted so that nothing a file or a params file says becomes SQL."""

from collections.abc import Iterable
from datetime import date

SCRATCH = "loading"
"""Schema of the tables that live only while a company is loaded."""


def ident(name: str) -> str:
    """A quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """A quoted text; dates as DATE; None as NULL."""
    if value is None:
        return "NULL"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    return "'" + str(value).replace("'", "''") + "'"


def literals(values: Iterable[object]) -> str:
    """A comma-separated list of quoted values."""
    return ", ".join(literal(v) for v in values)


def scratch(name: str) -> str:
    """A table of the loading schema."""
    return f"{SCRATCH}.{ident(name)}"
