"""What all tests share: the project's root, real data that may not be there, how properties are tried."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]
REAL_DATA = ROOT.parent / "shared" / "data"

# A busy machine is no failure; in CI the same examples are tried every time.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(scope="session")
def project() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """`real_data("maven_crm")` is the folder of that data set, or skips the test, naming what is missing."""

    def folder(name: str) -> Path:
        if not (REAL_DATA / name).is_dir():
            pytest.skip(
                f"real data not here: {name} (looked for in {os.path.relpath(REAL_DATA / name, ROOT)})"
            )
        return REAL_DATA / name

    return folder
