"""Fixtures shared by all tests: where the recorded market data lies, and isolation from the caller."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A first call compiles or imports; a deadline would fail on a busy machine for no reason of the code's.
settings.register_profile("harvester", deadline=None, print_blob=True)
settings.load_profile("harvester")

# The width of the terminal that the tests are started in is none of theirs.
os.environ.pop("COLUMNS", None)

ROOT = Path(__file__).resolve().parents[1]


def _real_data_folder() -> Path:
    return Path(os.environ.get("HARVESTER_REAL_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of recorded market data; a skip says so, and CI (which sets the variable) fails instead."""
    folder = _real_data_folder()
    if not (folder / "README.md").is_file():
        reason = f"recorded market data not found in {folder}; set HARVESTER_REAL_DATA to its folder"
        if "HARVESTER_REAL_DATA" in os.environ:
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The root of this checkout."""
    return ROOT
