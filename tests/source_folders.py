"""A company of source files for tests: any files, any `source.tables`, opened the way a user opens it."""

from pathlib import Path
from textwrap import dedent, indent

from analysis.company import Company, open_company

SETTINGS = {
    "name": "Firma",
    "as_of": "2026-03-31",
    "currency": "PLN",
    "timezone": "Europe/Warsaw",
    "max_quarantined": "1.0",
}


class Project:
    """A folder with `params/firma.yaml` and `data/`; the working folder while the test runs."""

    def __init__(self, root: Path):
        self.root = root
        self.data = root / "data"
        for folder in (self.data, root / "params"):
            folder.mkdir()

    def write(self, name: str, text: str | bytes, encoding: str = "utf-8") -> Path:
        """A source file; the indentation of text is removed."""
        path = self.data / name
        path.write_bytes(text if isinstance(text, bytes) else dedent(text).lstrip("\n").encode(encoding))
        return path

    def open(
        self, tables: str = "", connect: str = "data", as_of: str | None = None, **settings: str
    ) -> Company:
        """The company, `tables` being the YAML under `source.tables`."""
        lines = [f"{key}: {value}" for key, value in {**SETTINGS, **settings}.items()]
        lines += ["source:", f"  connect: {connect}"]
        if tables:
            lines += ["  tables:", indent(dedent(tables).strip("\n"), "    ")]
        text = "company: firma\n" + "\n".join(lines) + "\n"
        (self.root / "params" / "firma.yaml").write_text(text, encoding="utf-8")
        return open_company("firma", as_of)


def rows(company: Company, table: str, *columns: str) -> list[tuple]:
    """The values of a table's columns as plain tuples, None where missing, ordered by the first column."""
    expression = company.table(table)
    found = expression.select(*(columns or expression.columns)).to_pyarrow().to_pylist()
    return sorted((tuple(row.values()) for row in found), key=lambda row: str(row[0]))
