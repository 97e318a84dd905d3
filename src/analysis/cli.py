"""The command line: `kpi …`, or `python -m analysis …`. Arguments only; the work is done below.

Expensive imports wait until a command needs them, so that `--help` is quick.
"""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from analysis.errors import AnalysisError

app = typer.Typer(
    name="kpi",
    add_completion=False,
    help="Sales KPIs from raw files: checked data, one KPI table, reports for every company.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ParamsDir = Annotated[Path, typer.Option("--params", metavar="DIR", help="Folder of the params files.")]
AsOf = Annotated[
    str,
    typer.Option(
        "--as-of", metavar="DAY", help="YYYY-MM-DD or latest, instead of what the params file says."
    ),
]


class Format(StrEnum):
    """How `kpi table` writes."""

    csv = "csv"
    parquet = "parquet"
    json = "json"


def main() -> None:
    """Run the command line; an error a user can mend is its message and exit status 1, no traceback."""
    try:
        app()
    except AnalysisError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"kpi {version('sales-kpi-notebooks')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    companies: Annotated[list[str] | None, typer.Argument(metavar="[COMPANY]...", show_default=False)] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every company of the params folder.")] = False,
    params: ParamsDir = Path("params"),
    reports: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where reports go; by default reports/ of the project.")
    ] = None,
    as_of: AsOf = "",
    notebooks: Annotated[
        str,
        typer.Option(
            metavar="A,B", help="Only these notebooks; the report then holds only these. By default all."
        ),
    ] = "",
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="One more parameter for the notebooks."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Steps at a time; by default one for each core.")
    ] = None,
    timeout: Annotated[
        int, typer.Option(min=1, metavar="SECONDS", help="The longest one cell may run.")
    ] = 600,
    pdf: Annotated[
        bool, typer.Option("--pdf", help="Print each page to PDF too, with Chromium where there is one.")
    ] = False,
) -> None:
    """Run the notebooks and write the reports: of the companies named, or of all."""
    if bool(companies) == everyone:
        raise typer.BadParameter("name one or more companies, or give --all", param_hint="COMPANY")
    from analysis.kernel import Processes

    processes = Processes(preload=["analysis.batch.job"])  # imports while this process does its own
    from rich.console import Console

    from analysis.batch.run import Options, run
    from analysis.batch.watch import Progression

    options = Options(
        params_dir=params,
        reports_dir=reports,
        as_of=as_of,
        notebooks=[name.strip() for name in notebooks.split(",") if name.strip()],
        parameters=_pairs(parameter or []),
        jobs=jobs or 0,
        timeout=timeout,
        pdf=pdf,
    )
    with Progression(Console(), Console(stderr=True)) as watch:
        results = run(companies or [], options, watch, processes)
    if any(result.cause for result in results):
        raise typer.Exit(1)


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise typer.BadParameter(f"{text!r}: write NAME=VALUE", param_hint="-p")
        pairs[name] = value
    return pairs


@app.command()
def serve(
    companies: Annotated[list[str] | None, typer.Argument(metavar="[COMPANY]...", show_default=False)] = None,
    params: ParamsDir = Path("params"),
    reports: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where reports lie; else reports/ of the project."),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 is any that is free.")] = 8000,
    show: Annotated[bool, typer.Option("--open", help="Open the browser.")] = False,
) -> None:
    """Serve the reports to this machine and run companies again when their data or params change."""
    from analysis.kernel import Processes

    Processes(preload=["analysis.batch.job"])  # imports while this process does its own
    from functools import partial

    from rich.console import Console

    from analysis.batch.run import Options
    from analysis.batch.watch import line
    from analysis.serving.server import serve

    options = Options(params_dir=params, reports_dir=reports)
    serve(companies or [], options, port, show, partial(line, Console()), partial(line, Console(stderr=True)))


@app.command()
def check(
    companies: Annotated[list[str] | None, typer.Argument(metavar="[COMPANY]...", show_default=False)] = None,
    params: ParamsDir = Path("params"),
    as_of: AsOf = "",
) -> None:
    """Validate params and data and show the row ledger: of the companies named, else of all."""
    from rich.console import Console

    from analysis.batch.check import check

    if not check(companies or [], params, as_of, Console(), Console(stderr=True)):
        raise typer.Exit(1)


@app.command()
def table(
    company: str,
    form: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.csv,
    params: ParamsDir = Path("params"),
    as_of: AsOf = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Instead of standard output.")
    ] = None,
) -> None:
    """Write a company's KPI table, the models' KPIs included, without notebooks."""
    if form is Format.parquet and output is None and sys.stdout.isatty():
        raise typer.BadParameter("parquet is not for a terminal; give --output FILE", param_hint="--format")
    from analysis.company import open_company
    from analysis.full_table import full_table
    from analysis.report.files import table_bytes

    content = table_bytes(full_table(open_company(company, as_of, params)), form.value)
    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        _write(output, content)


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise AnalysisError(f"{path}: cannot be written: {error.strerror}") from None


@app.command()
def portfolio(
    anonymous: Annotated[
        str,
        typer.Option(metavar="COMPANY", help="Where this company stands among the others, naming no other."),
    ] = "",
    reports: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where reports lie; else reports/ of the project.")
    ] = None,
    locale: Annotated[
        str, typer.Option(metavar="LOCALE", help="The page's language, such as pl_PL or en_GB.")
    ] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Instead of where it belongs.")
    ] = None,
) -> None:
    """Write the portfolio page again, reports/index.html, or to standard output where a company stands."""
    from analysis.params import project_root
    from analysis.report.index import portfolio_page
    from analysis.report.standing import standing_page

    folder = reports or project_root() / "reports"
    page = standing_page(folder, anonymous, locale) if anonymous else portfolio_page(folder, locale)
    if anonymous and output is None:
        typer.echo(page, nl=False)
    else:
        _write(output or folder / "index.html", page.encode())


@app.command()
def propose(
    company: str,
    kpi: Annotated[str, typer.Argument(metavar="KPI", help="A KPI's id, such as revenue.")],
    grain: Annotated[str, typer.Option(metavar="GRAIN", help="Of which periods.")] = "month",
    by: Annotated[str, typer.Option(metavar="BREAKDOWN", help="A goal for each member, such as rep.")] = "",
    params: ParamsDir = Path("params"),
    as_of: AsOf = "",
) -> None:
    """Write goals for the coming period from a company's history, as YAML for its params file."""
    from analysis.company import open_company
    from analysis.kpi_table import kpi_table
    from analysis.proposals import propose, spec_of

    spec = spec_of(kpi, grain, by)
    client = open_company(company, as_of, params)
    typer.echo(propose(client, kpi_table(client, [spec.family]), kpi, grain, by), nl=False)


@app.command("list")
def list_companies(params: ParamsDir = Path("params")) -> None:
    """List the companies of the params folder."""
    from analysis.params import companies

    for name in companies(params):
        typer.echo(name)


@app.command()
def new(
    company: Annotated[str, typer.Argument(metavar="NAME")],
    folder: Annotated[
        Path, typer.Option("--from", metavar="FOLDER", help="The folder with the company's files.")
    ],
    params: ParamsDir = Path("params"),
) -> None:
    """Write a commented params file for a new company, its mapping guessed from the files of a folder."""
    from analysis.scaffold import new_company

    typer.echo(new_company(company, folder, params))
