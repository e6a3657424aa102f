"""What every test may ask for: real study data where it lies, reference tables, a store on each database."""

import os
from pathlib import Path

import pytest

_SHARED = Path(__file__).resolve().parents[2] / "shared"


def _folder(variable: str, default: Path, what: str) -> Path:
    folder = Path(os.environ.get(variable, default))
    if not folder.is_dir():
        pytest.skip(f"needs {what}: set {variable} to their folder (default {default.name} beside the checkout)")
    return folder


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real study data (cdiscpilot01, sdtm-example)."""
    return _folder("VIGIL_DATA", _SHARED / "data", "real study data")


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of reference tables (CTCAE cases, term lists)."""
    return _folder("VIGIL_REFERENCE", _SHARED / "reference", "reference tables")
