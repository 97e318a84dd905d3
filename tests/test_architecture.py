"""The shape of the package, read from its syntax trees: imports point down, tools stay where they belong."""

import ast
import graphlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "analysis"

# From the bottom up. A module imports from the rows below its own, never from its own or above; a folder is
# one name here, and its modules may import each other as long as no circle comes of it.
LAYERS = (
    {"errors", "texts"},
    {"glossary", "periods", "stats"},
    {"phrases", "selling_days", "shrinkage", "survival"},
    {"contract", "param_values", "vocabulary", "yaml_lines"},
    {"param_section"},
    {"dashboard_params", "goal_params"},
    {"params"},
    {"sources"},
    {"company", "guessing"},
    {"display", "labels", "rows"},
    {"facts", "goal_words"},
    {"buying"},
    {"activity", "durations", "identities", "month_to_date", "pipeline", "targets"},
    {"goal_measures", "acquisition", "growth_effects", "historic_value", "retention_by_rep"},
    {"team", "leads", "growth", "customers", "goals", "review", "behind", "models", "naive"},
    {"follow_up"},
    {"goal_map", "kpi_table", "proposals", "scaffold"},
    {"full_table"},
    {"views"},
    {"tables"},
    {"charts"},
    {"report"},
    {"kernel"},
    {"batch"},
    {"serving"},
    {"cli"},
    {"__main__"},
)
FAMILIES = {"team", "leads", "growth", "customers", "goals", "review"}
# what writes Ibis expressions
ENGINE = FAMILIES | {
    "facts",
    "buying",
    "goal_measures",
    "proposals",
    "acquisition",
    "activity",
    "durations",
    "models",
    "month_to_date",
    "pipeline",
    "growth_effects",
    "historic_value",
    "retention_by_rep",
    "behind",
    "follow_up",
}
CHARTS_MAY_IMPORT = {
    "display",
    "errors",
    "glossary",
    "goal_words",
    "labels",
    "periods",
    "phrases",
    "texts",
    "views",
}

AT_HOME = {  # third-party package: the only modules or folders that import it
    "matplotlib": {"charts"},
    "seaborn": {"charts"},
    "papermill": {"batch"},
    "sklearn": {"models"},
    "duckdb": {"sources"},
    "python_calamine": {"sources"},
    "pyarrow.csv": {"sources"},
    "pyarrow.parquet": {"sources"},
    "xlsxwriter": {"report"},
    "tornado": {"serving"},
    "watchfiles": {"serving"},
    "jinja2": {"report"},
    "nbconvert": {"report", "batch"},
    "typer": {"cli"},
    "rich": {"cli", "batch"},
}
FILE_READERS = {"read_csv", "read_excel", "read_parquet", "read_json", "read_table", "ExcelFile"}
CLOCKS = {
    "now",
    "today",
    "utcnow",
    "time",
    "time_ns",
    "perf_counter",
    "perf_counter_ns",
    "monotonic",
    "process_time",
}
CLOCK_OWNERS = {"datetime", "date", "time", "Timestamp", "dt", "pd", "ibis", "Period"}
CLOCKS_AT_HOME = {"batch", "kernel"}  # durations in run.json, time-outs
BLIND = {"Exception", "BaseException"}

LINES_OF_A_MODULE = 400
ONE_LONG_LIST = {"glossary"}  # definitions one after the other, with nothing in it to follow
LINES_OF_A_FUNCTION = 40  # without its signature and docstring


def modules() -> list[str]:
    paths = sorted(PACKAGE.rglob("*.py"))
    return [".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in paths]


def tree(module: str) -> ast.Module:
    path = PACKAGE.joinpath(*module.split(".")).with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def part(module: str) -> str:
    """The name a module has in LAYERS: its own, or its folder's."""
    return module.split(".")[0]


def imports(node: ast.AST, module: str = "") -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything imported anywhere below `node`."""
    for child in ast.walk(node):
        if isinstance(child, ast.Import):
            yield from ((child.lineno, alias.name) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            package = ["analysis", *module.split(".")][: -child.level] if child.level else []
            base = ".".join([*package, *([child.module] if child.module else [])])
            yield from ((child.lineno, f"{base}.{alias.name}") for alias in child.names)


def inner(module: str) -> Iterator[tuple[int, str]]:
    """Line and module of everything imported from this package, as modules() names them."""
    known = set(modules())
    for line, name in imports(tree(module), module):
        if name.split(".")[0] == "analysis":
            names = name.split(".")[1:]
            dotted = [".".join(names[:end]) for end in range(len(names), 0, -1)]
            found = [m for d in dotted for m in (d, f"{d}.__init__") if m in known]
            yield line, found[0] if found else "__init__"


def functions(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (f for f in ast.walk(node) if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef))


def row(name: str) -> int:
    return next((number for number, names in enumerate(LAYERS) if name in names), len(LAYERS))


MODULES = [module for module in modules() if module != "__init__"]
every_module = pytest.mark.parametrize("module", MODULES)


@every_module
def test_a_module_has_its_place_in_the_layers(module):
    assert any(part(module) in names for names in LAYERS), (
        f"write {part(module)} into LAYERS, or name it better"
    )
    assert "utils" not in module


@every_module
def test_imports_point_down(module):
    upward = [
        f"{module}:{line} imports {other}"
        for line, other in inner(module)
        if other != "__init__" and part(other) != part(module) and row(part(other)) >= row(part(module))
    ]
    assert not upward


def test_no_circle_of_imports():
    graph = {module: {other for _, other in inner(module) if other != module} for module in MODULES}
    list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError, naming the circle


@pytest.mark.parametrize("module", [m for m in MODULES if part(m) in FAMILIES])
def test_a_family_never_imports_another(module):
    others = {part(other) for _, other in inner(module)} & (FAMILIES | {"models"}) - {part(module)}
    assert not others


@pytest.mark.parametrize("module", [m for m in MODULES if part(m) == "charts"])
def test_charts_know_words_and_nothing_of_companies(module):
    known = {part(other) for _, other in inner(module)} - {"charts", "__init__"}
    assert known <= CHARTS_MAY_IMPORT


@every_module
def test_tools_stay_where_they_belong(module):
    away = [
        f"{module}:{line} imports {name}, at home in {' and '.join(sorted(homes))}"
        for line, name in imports(tree(module), module)
        for tool, homes in AT_HOME.items()
        if f"{name}.".startswith(f"{tool}.") and part(module) not in homes
    ]
    assert not away


@every_module
def test_only_sources_read_files_of_data(module):
    calls = [node for node in ast.walk(tree(module)) if isinstance(node, ast.Attribute)]
    readers = [f"{module}:{node.lineno} {node.attr}" for node in calls if node.attr in FILE_READERS]
    assert not readers or part(module) == "sources"


@pytest.mark.parametrize("module", [m for m in MODULES if m != "cli"])
def test_no_import_inside_a_function(module):
    hidden = [f"{module}:{line} {name}" for f in functions(tree(module)) for line, name in imports(f, module)]
    assert not hidden


@pytest.mark.parametrize("module", [m for m in MODULES if part(m) not in CLOCKS_AT_HOME])
def test_no_clock(module):
    called = {node.func for node in ast.walk(tree(module)) if isinstance(node, ast.Call)}
    read = [
        f"{module}:{func.lineno} {ast.unparse(func)}()"
        for func in called
        if isinstance(func, ast.Attribute)
        and func.attr in CLOCKS
        and re.split(r"\W", ast.unparse(func.value))[-1] in CLOCK_OWNERS
    ]
    read += [
        f"{module}:{line} {name}"
        for line, name in imports(tree(module))
        if name.startswith("time.") and name.removeprefix("time.") in CLOCKS
    ]
    assert not read


@every_module
def test_no_print(module):
    calls = [node for node in ast.walk(tree(module)) if isinstance(node, ast.Call)]
    printed = [f"{module}:{node.lineno}" for node in calls if getattr(node.func, "id", "") == "print"]
    assert not printed


@every_module
def test_an_error_is_caught_by_its_name(module):
    handlers = [node for node in ast.walk(tree(module)) if isinstance(node, ast.ExceptHandler)]
    blind = [
        f"{module}:{handler.lineno}"
        for handler in handlers
        if handler.type is None
        or any(isinstance(name, ast.Name) and name.id in BLIND for name in ast.walk(handler.type))
    ]
    assert not blind


def is_ibis(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function works on Ibis expressions: its signature or its body names them."""
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    annotations = [arg.annotation for arg in arguments if arg.annotation] + [
        function.returns or ast.Constant(None)
    ]
    typed = {part for node in annotations for part in re.findall(r"\w+", ast.unparse(node))}
    named = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    return bool(typed & {"Table", "Value", "Column", "ir"} or named & {"ibis", "_"})


def bare_divisions(function: ast.AST) -> Iterator[int]:
    """Lines that divide without `.nullif(…)` on the denominator; a quotient of two constants is none."""
    for node in ast.walk(function):
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            left, right = (
                (node.left, node.right) if isinstance(node, ast.BinOp) else (node.target, node.value)
            )
            guarded = "nullif(" in ast.unparse(right)
            constant = all(isinstance(side, ast.Constant) for side in (left, right))
            if not guarded and not constant:
                yield node.lineno


@pytest.mark.parametrize("module", [m for m in MODULES if part(m) in ENGINE])
def test_no_bare_division_between_columns_of_the_engine(module):
    """Some engines cut an integer quotient silently: divide in pandas, or cast and nullif."""
    bare = [
        f"{module}.{f.name}:{line}"
        for f in functions(tree(module))
        if is_ibis(f)
        for line in bare_divisions(f)
    ]
    assert not bare


@pytest.mark.parametrize("module", [m for m in MODULES if m not in ONE_LONG_LIST])
def test_a_module_is_short(module):
    lines = len(
        PACKAGE.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8").splitlines()
    )
    assert lines <= LINES_OF_A_MODULE, f"{module} has {lines} lines"


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    documented = ast.get_docstring(function) is not None and len(function.body) > 1
    first = function.body[1] if documented else function.body[0]
    return (function.end_lineno or 0) - first.lineno + 1


@every_module
def test_a_function_is_short(module):
    long = {f.name: length(f) for f in functions(tree(module)) if length(f) > LINES_OF_A_FUNCTION}
    assert not long


# --- the checks themselves see what they are for -----------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        "def f(deals: Table):\n    return deals.won / deals.lost",
        "def f(deals):\n    return deals.aggregate(x=_.won.sum() / _.n.sum())",
        "def f(deals: ir.Table):\n    won = deals.won.sum()\n    won /= deals.count()\n    return won",
    ],
)
def test_a_bare_division_is_seen(source):
    (function,) = functions(ast.parse(source))
    assert is_ibis(function)
    assert list(bare_divisions(function))


@pytest.mark.parametrize(
    "source",
    [
        "def f(deals: Table):\n    return deals.won.cast('float64') / deals.n.cast('float64').nullif(0)",
        "def f(deals: Table):\n    return deals.won * (1 / 2)",
    ],
)
def test_a_guarded_division_is_none(source):
    (function,) = functions(ast.parse(source))
    assert not list(bare_divisions(function))


def test_a_pandas_division_is_free():
    (function,) = functions(ast.parse("def f(rows: pd.DataFrame):\n    return rows.won / rows.n"))
    assert not is_ibis(function)


def test_relative_imports_are_followed():
    source = "from . import values\nfrom ..errors import SourceError"
    names = [name for _, name in imports(ast.parse(source), "sources.files")]
    assert names == ["analysis.sources.values", "analysis.errors.SourceError"]


def test_the_docstring_and_the_signature_do_not_count():
    (function,) = functions(
        ast.parse('def f(\n    a,\n    b,\n):\n    """One.\n\n    Two.\n    """\n    return a')
    )
    assert length(function) == 1
