"""A whole small project in a folder: params, data and stub notebooks that start in a second."""

import base64
from pathlib import Path
from textwrap import dedent

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PIXEL = base64.b64encode(
    base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
).decode()

PARAMETERS = 'company = "ann"\nas_of = ""\nparams_dir = "params"\ntop = 3\n'
SHOW = """
from IPython.display import HTML, display
from pathlib import Path
SECRET_OF_THE_CODE = 1
text = (Path(params_dir) / f"{company}.yaml").read_text()
name = next(line for line in text.splitlines() if line.startswith("name:"))[6:]
display(HTML(f"<table><caption>Told</caption><thead><tr><th>what</th><th>n</th></tr></thead>"
             f"<tbody><tr><th>{name} {company} {as_of} {top}</th><td>1 234,50 zł</td></tr></tbody></table>"))
"""
PICTURE = f"""
alt = {{"image/png": {{"alt": "One dot"}}}}
display({{"image/png": "{PIXEL}", "text/plain": "x"}}, raw=True, metadata=alt)
"""


def notebook(
    *cells: str, title: str = "Sales: who buys", parameters: str = PARAMETERS
) -> nbformat.NotebookNode:
    """A notebook with a title, a parameters cell and these code cells."""
    nb = new_notebook(
        metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "Python"}}
    )
    nb.cells = [
        new_markdown_cell(f"# {title}\n\nProse with a [source](https://example.org/book)."),
        new_code_cell(parameters, metadata={"tags": ["parameters"]}),
        *(new_code_cell(dedent(cell).strip()) for cell in cells),
    ]
    return nb


def write(root: Path, name: str, nb: nbformat.NotebookNode) -> None:
    """Save a notebook of the project."""
    nbformat.write(nb, root / "notebooks" / f"{name}.ipynb")


def company(root: Path, name: str, full_name: str, rows: str, extra: str = "") -> None:
    """A params file and the company's deals."""
    (root / "params" / f"{name}.yaml").write_text(
        f"company: {name}\nname: {full_name}\nas_of: 2026-03-31\ncurrency: EUR\ntimezone: Europe/Warsaw\n"
        f"locale: pl_PL\nsource: {{connect: data/{name}}}\n{extra}",
        encoding="utf-8",
    )
    folder = root / "data" / name
    folder.mkdir(parents=True, exist_ok=True)
    header = "opportunity_id,outcome,created_at,closed_at,amount,rep_id\n"
    (folder / "opportunities.csv").write_text(header + dedent(rows).lstrip(), encoding="utf-8")


def small_project(root: Path) -> Path:
    """Two companies, ann and bob, and the notebooks `sales` and `team`."""
    for folder in ("params", "data", "notebooks"):
        (root / folder).mkdir()
    company(
        root,
        "ann",
        "Ann & Daughters",
        "1,won,2026-01-05,2026-02-10,100.50,zoe\n2,lost,2026-01-07,2026-02-11,50,zoe\n",
    )
    company(root, "bob", "Bob GmbH", "1,won,2026-01-05,2026-03-10,77,quentin\n")
    write(root, "sales", notebook(SHOW, PICTURE))
    write(root, "team", notebook(SHOW, title="Team"))
    return root
