"""Importing the package in a fresh interpreter."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import clustering, sys
print(*sorted({name.partition(".")[0] for name in sys.modules}))
print(*(name for name in clustering.__all__ if not hasattr(clustering, name)))
"""


@pytest.fixture(scope="module")
def interpreter():
    """Result of a fresh interpreter that imports the package with warnings as errors."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_package_imports_numpy_and_scipy_but_no_plotting_or_server_libraries(interpreter):
    imported = set(interpreter.stdout.splitlines()[0].split())
    assert {"clustering", "numpy", "scipy"} <= imported
    assert not imported & {"plotly", "streamlit", "pandas", "matplotlib", "PIL", "sklearn", "kmedoids", "pages"}


def test_importing_prints_nothing_and_gives_no_warnings(interpreter):
    assert (interpreter.returncode, interpreter.stderr) == (0, "")
    assert len(interpreter.stdout.splitlines()) == 2  # those of the program above


def test_every_public_name_exists(interpreter):
    assert interpreter.stdout.splitlines()[1] == ""
