"""pyproject.toml, requirements.lock and environment.yml name the same packages within the same bounds."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
CONDA = (ROOT / "environment.yml").read_text(encoding="utf-8")

CONDA_NAMES = {
    "duckdb": "python-duckdb",
    "ibis-framework": "ibis-duckdb",  # the extra `duckdb` is a package of its own
    "jupyter-client": "jupyter_client",
    "matplotlib": "matplotlib-base",  # without the Qt windows
    "playwright": "playwright-python",
    "ruamel-yaml": "ruamel.yaml",
    "seaborn": "seaborn-base",  # without statsmodels
}
ONLY_CONDA = {"python", "pip"}
PART_OF = {"pydantic_core": "pydantic"}  # pydantic itself holds it to one version


def direct() -> dict[str, Requirement]:
    project = tomllib.loads(PYPROJECT)["project"]
    texts = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    requirements = [Requirement(text) for text in texts]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def conda() -> dict[str, SpecifierSet]:
    """What conda installs, itself or by its pip, which takes what conda-forge may not have."""
    lines = YAML(typ="safe").load(CONDA)["dependencies"]
    found = {}
    for line in [line for line in lines if isinstance(line, str)]:
        name, _, bounds = line.partition(" ")
        found[name] = SpecifierSet(bounds)
    by_pip = [line for part in lines if isinstance(part, dict) for line in part["pip"]]
    requirements = [Requirement(line) for line in by_pip if not line.startswith("--")]
    return found | {requirement.name: requirement.specifier for requirement in requirements}


def locked() -> dict[str, list[str]]:
    versions: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", LOCK, re.MULTILINE):
        versions.setdefault(canonicalize_name(name), []).append(version)
    return versions


def entries() -> list[str]:
    """The lock's entries, each with its continued lines and without comments."""
    text = "\n".join(line for line in LOCK.splitlines() if not line.lstrip().startswith("#"))
    return re.sub(r"\\\n", "", text).splitlines()


@pytest.mark.parametrize("name", direct())
def test_the_lock_holds_every_direct_dependency_within_its_bounds(name):
    requirement, versions = direct()[name], locked().get(name, [])
    assert versions, f"{name} stands in pyproject.toml but not in requirements.lock: make lock"
    outside = [version for version in versions if version not in requirement.specifier]
    assert not outside, f"{name} {outside} of the lock lies outside {requirement.specifier}: make lock"


@pytest.mark.parametrize("name", direct())
def test_conda_gets_every_direct_dependency_within_the_same_bounds(name):
    bounds = conda().get(CONDA_NAMES.get(name, name))
    assert bounds is not None, f"environment.yml lacks {CONDA_NAMES.get(name, name)}"
    assert bounds == direct()[name].specifier


def test_conda_gets_nothing_else():
    expected = {CONDA_NAMES.get(name, name) for name in direct()} | ONLY_CONDA
    assert set(conda()) == expected


def test_conda_wants_the_same_python():
    assert conda()["python"] == SpecifierSet(tomllib.loads(PYPROJECT)["project"]["requires-python"])


def test_what_the_package_imports_is_a_direct_dependency():
    nodes = [node for path in (ROOT / "src").rglob("*.py") for node in ast.walk(ast.parse(path.read_bytes()))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {
        node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module
    }
    known = packages_distributions()
    project = tomllib.loads(PYPROJECT)["project"]
    dependencies = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}
    borrowed = {
        top
        for top in {name.split(".")[0] for name in names} - {"analysis", *PART_OF} - sys.stdlib_module_names
        if not {canonicalize_name(distribution) for distribution in known.get(top, [])} & dependencies
    }
    assert not borrowed, f"write into pyproject.toml and environment.yml, then make lock: {sorted(borrowed)}"


def test_every_entry_of_the_lock_is_one_version_with_hashes():
    assert len(entries()) > 100
    for entry in entries():
        assert re.match(r"[A-Za-z0-9._-]+==\S+", entry), entry[:100]
        assert "--hash=sha256:" in entry, entry[:100]


@pytest.mark.parametrize(("name", "text"), {"lock": LOCK, "conda": CONDA, "project": PYPROJECT}.items())
def test_no_address_and_no_index_stands_in(name, text):
    found = re.findall(r"\w+://\S*|--(?:extra-)?index-url|--find-links|--trusted-host", text)
    assert not found, f"{name}: {found}"


@pytest.mark.parametrize("text", [PYPROJECT, CONDA], ids=["pyproject.toml", "environment.yml"])
@pytest.mark.parametrize("name", [name for name, r in direct().items() if "<" in str(r.specifier)])
def test_a_pin_stands_beside_its_reason(name, text):
    names = "|".join(map(re.escape, {name, CONDA_NAMES.get(name, name)}))
    lines = [line for line in text.splitlines() if re.search(rf"[\s\"](?:{names})(?:\[\w+\])?[ \"<>=]", line)]
    assert len(lines) == 1
    assert re.search(r"#\s*\S+(?:\s+\S+){3,}", lines[0]), f"no reason beside {lines[0].strip()}"
