"""Notebooks as the batch sees them: which there are, what they can be told, one executed and cleaned.

papermill only warns of a parameter that a notebook does not have, and runs it with the default: here all that
is to be passed is held against the notebook's own `parameters` cell first.
"""

import ast
import difflib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.utils import nb_kernel_name, nb_language

from analysis.batch.prose import heading, translate
from analysis.errors import RunError
from analysis.kernel import kernel_options
from analysis.report.files import write_text
from analysis.report.html import Page, render
from analysis.texts import current, language, say

FOLDER = "notebooks"
ORDER = ("team_performance", "leads", "growth", "customers", "clv_churn", "goals")
ENGINE = "analysis"
ERROR_MARKER = "papermill-error-cell-tag"  # the tag of the cells papermill adds to a failed notebook
TRACES = ("papermill", "execution", "collapsed", "scrolled")  # of a run, not of a notebook

Value = str | int | float | bool


@dataclass(frozen=True)
class Notebook:
    """One notebook, read once, so that all companies of a batch get the same.

    `title` is its top heading, in English; `parameters` are the names its parameters cell sets, with the
    defaults' source text; `source` is the notebook itself, as JSON without outputs.
    """

    name: str
    title: str
    parameters: Mapping[str, str]
    source: str

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.name}.ipynb"

    def link(self, locale: str) -> str:
        """A name for it in the locale's language, short enough for a link."""
        with language(locale):
            return short(say(self.title))


@dataclass(frozen=True)
class Outcome:
    """How one notebook's run ended; `failure` is empty when it succeeded, else cell and error in words."""

    seconds: float
    failure: str = ""


# --- what there is ----------------------------------------------------------------------------------------


def discover(root: Path, names: Sequence[str] = ()) -> list[Notebook]:
    """The notebooks of the project in reading order, or those named.

    A project of params alone has the package's notebooks.

    Raises
    ------
    RunError
        One is named that is not there, cannot be read or has no `parameters` cell; all such problems at once.
    """
    folders = (root / FOLDER, Path(__file__).parents[3] / FOLDER)
    found = next((notebooks for folder in folders if (notebooks := sorted(folder.glob("[!._]*.ipynb")))), [])
    there = {path.stem: path for path in found}
    if not there:
        raise RunError(f"{FOLDER}/: there are no notebooks in this folder of the project")
    known = sorted(there, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    chosen = [name.removesuffix(".ipynb") for name in names] or known
    unknown = [f"{FOLDER}/: no notebook `{n}`{near(n, known)}" for n in chosen if n not in there]
    if unknown:
        raise RunError("\n".join([*unknown, f"  the notebooks there are {', '.join(known)}"]))
    return [_read(there[name]) for name in dict.fromkeys(chosen)]


def near(word: str, words: Sequence[str]) -> str:
    """'; did you mean `x`?' for the nearest of the words, or nothing."""
    found = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return f"; did you mean `{found[0]}`?" if found else ""


def _read(path: Path) -> Notebook:
    shown = f"{FOLDER}/{path.name}"
    try:
        nb = nbformat.read(path, as_version=4)
        nb_kernel_name(nb), nb_language(nb)
    except nbformat.ValidationError as error:
        raise RunError(f"{shown}: is no valid notebook: {error.message}") from None
    except (ValueError, AttributeError, KeyError, OSError) as error:
        raise RunError(f"{shown}: is no notebook that can be run: {error}") from None
    tagged = sum("parameters" in cell.metadata.get("tags", []) for cell in nb.cells)
    if tagged != 1:
        raise RunError(f"{shown}: {tagged or 'no'} cells are tagged `parameters`; exactly one must be")
    found = papermill.inspect_notebook(_as_it_is(path))
    parameters = {name: str(parameter["default"]) for name, parameter in found.items()}
    cells = (cell.source for cell in nb.cells if cell.cell_type == "markdown")
    title = next(filter(None, map(heading, cells)), path.stem.replace("_", " ").capitalize())
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return Notebook(path.stem, title, parameters, nbformat.writes(nb))


def _as_it_is(path: Path) -> str:
    """papermill fills `{…}` in paths; a folder's own braces stay."""
    return str(path).replace("{", "{{").replace("}", "}}")


def short(title: str) -> str:
    """A title up to its first colon or dash."""
    return re.split(r":\s|\s[–—-]\s", title.strip())[0].strip()


# --- what they can be told --------------------------------------------------------------------------------


def fill(
    notebooks: Sequence[Notebook], own: Mapping[str, Value], extra: Mapping[str, str]
) -> dict[str, dict[str, Value]]:
    """Each notebook's parameters: the batch's own and the extra ones, typed as the notebook's defaults.

    Raises
    ------
    RunError
        A notebook lacks one, or an extra one's text is not of the default's type; all problems at once.
    """
    problems: list[str] = [
        f"-p {name}: is set by the batch itself; use the options of `kpi run`"
        for name in extra
        if name in own
    ]
    filled: dict[str, dict[str, Value]] = {}
    for notebook in notebooks:
        known = list(notebook.parameters)
        shown = f"{FOLDER}/{notebook.file}"
        problems += [
            f"{shown}: has no parameter `{name}`{near(name, known)}"
            for name in [*own, *extra]
            if name not in known
        ]
        filled[notebook.name] = dict(own)
        for name, text in extra.items():
            value = _typed(text, notebook.parameters.get(name, ""))
            if value is None:
                problems.append(f"{shown}: `{name}` is like {notebook.parameters[name]}, and {text!r} is not")
            else:
                filled[notebook.name][name] = value
    if problems:
        raise RunError(
            "\n".join(["nothing was run:", *(f"  {problem}" for problem in dict.fromkeys(problems))])
        )
    return filled


def _typed(text: str, default: str) -> Value | None:
    """The text as a value of the default's type; None when it is not one."""
    kind = type(_literal(default))
    if kind is bool:
        return {"true": True, "false": False}.get(text.lower())
    value = _literal(text)
    if kind is int:
        return value if isinstance(value, int) and not isinstance(value, bool) else None
    if kind is float:
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    return text


def _literal(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


# --- one run ----------------------------------------------------------------------------------------------


class Engine(NBClientEngine):
    """papermill's engine, except that a time-out and a dead kernel stand in their cell like other errors."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, **options: Any
    ) -> None:
        try:
            super().execute_managed_notebook(nb_man, kernel_name, **options)
        except CellTimeoutError:
            limit = options["execution_timeout"]
            _blame(nb_man.nb, "CellTimeoutError", f"ran longer than {limit} s; --timeout allows more")
        except DeadKernelError:
            _blame(nb_man.nb, "DeadKernelError", "the kernel died; out of memory, perhaps")


def _blame(nb: NotebookNode, name: str, text: str) -> None:
    """Write an error into the cell that ran last, instead of what its interruption left there."""
    begun = [c for c in nb.cells if c.cell_type == "code" and c.metadata.papermill.get("start_time")]
    cell = begun[-1]
    cell.execution_count = cell.execution_count or len(begun)
    error = nbformat.v4.new_output("error", ename=name, evalue=text, traceback=[f"{name}: {text}"])
    cell.outputs = [*(output for output in cell.outputs if output.output_type != "error"), error]


def execute(
    notebook: Notebook, folder: Path, parameters: Mapping[str, Value], page: Page, timeout: int
) -> Outcome:
    """Run a notebook in the current folder, write `<name>.ipynb` and, if it succeeded, `<name>.html`.

    Prose and outputs are in the language of the page's locale. Both are the same for the same notebook,
    parameters and data. `timeout` is in seconds, for each cell.
    """
    started = time.monotonic()
    papermill_engines.register(ENGINE, Engine)
    failure, source = "", nbformat.reads(notebook.source, as_version=4)
    with language(page.locale):
        translate(source)
        spoken = current()
    with TemporaryDirectory(prefix="kpi-") as temporary, kernel_options(str(folder), spoken) as options:
        given, output = Path(temporary) / "given.ipynb", Path(temporary) / "run.ipynb"
        given.write_text(nbformat.writes(source), encoding="utf-8")
        try:
            papermill.execute_notebook(
                _as_it_is(given),
                _as_it_is(output),
                parameters=dict(parameters),
                engine_name=ENGINE,
                request_save_on_cell_execute=False,
                progress_bar=False,
                execution_timeout=timeout,
                **options,
            )
        except PapermillExecutionError as error:
            failure = _in_words(notebook, error)
        nb = nbformat.read(output, as_version=4)
    clean(nb, [cell.get("id", "") for cell in source.cells])
    write_text(folder / notebook.file, nbformat.writes(nb) + "\n")
    if not failure:
        write_text(folder / f"{notebook.name}.html", render(nb, page))
    return Outcome(round(time.monotonic() - started, 3), failure)


def _in_words(notebook: Notebook, error: PapermillExecutionError) -> str:
    """Notebook, cell (number and first line) and error, as far as a reader needs to find it."""
    first = next((line.strip() for line in error.source.splitlines() if line.strip()), "")
    text = "\n    ".join(str(error.evalue).strip().splitlines())
    what = f"{error.ename}: {text}" if text else error.ename
    return f"{notebook.file}, cell [{error.exec_count}] `{first}`\n    {what}"


def clean(nb: NotebookNode, known_ids: Sequence[str]) -> None:
    """Take out, in place, what differs from run to run: times, paths, chance ids, papermill's own cells."""
    nb.cells = [cell for cell in nb.cells if ERROR_MARKER not in cell.metadata.get("tags", [])]
    nb.metadata.pop("papermill", None)
    for number, cell in enumerate(nb.cells):
        for trace in TRACES:
            cell.metadata.pop(trace, None)
        if not cell.metadata.get("tags"):
            cell.metadata.pop("tags", None)
        if cell.get("id") not in known_ids:
            injected = "injected-parameters" in cell.metadata.get("tags", [])
            cell["id"] = "injected-parameters" if injected else f"cell-{number}"
    nb.nbformat_minor = max(nb.nbformat_minor, 5)
