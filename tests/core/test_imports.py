"""What loading the core brings along, in a fresh interpreter."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
import {module}
print(*sorted({{name.partition(".")[0] for name in sys.modules}}))
"""


@pytest.mark.parametrize("module", ["clustering", "clustering.sampling", "clustering.seeding"])
def test_the_core_loads_numpy_and_scipy_and_nothing_that_draws_or_serves(module):
    program = PROGRAM.format(module=module)
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(result.stdout.split())
    assert {"clustering", "numpy", "scipy"} <= loaded
    assert not loaded & {"plotly", "streamlit", "pandas", "matplotlib", "PIL", "sklearn", "kmedoids", "pages"}


def test_importing_prints_nothing_and_warns_of_nothing():
    command = [sys.executable, "-W", "error", "-c", "import clustering"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_every_public_name_is_there():
    program = "import clustering; print([name for name in clustering.__all__ if not hasattr(clustering, name)])"
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
