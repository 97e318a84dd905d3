"""What all tests share: the project's root, real data that may not be there, how properties are tried."""

import os
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


def real_data(name: str) -> Path:
    """The folder of a public data set beside the project; skips the test by its name where it is not
    there.
    """
    folder = REAL_DATA / name
    if not folder.is_dir():
        pytest.skip(f"real data not here: {name} (looked for in {os.path.relpath(folder, ROOT)})")
    return folder
