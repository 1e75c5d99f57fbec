"""What tests share: the bundled data sets, and two processes, of which one has the tests in the browser, one after the other,
while all else runs beside it."""

import os

# before NumPy is imported: the tests run in as many processes as cores, where threads of BLAS would wait for each other
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # scikit-learn

from pathlib import Path

import hypothesis
import numpy as np
import pytest
from xdist.scheduler import LoadScopeScheduling

# By default property tests run a fifth of their examples; HYPOTHESIS_PROFILE=full, as in .ci/run, runs all of them.
# max_examples is a percentage here: see `examples` in tests/core/tables.py.
PROPERTIES = {
    "deadline": None,
    "derandomize": True,
    "suppress_health_check": [hypothesis.HealthCheck.too_slow],
}
hypothesis.settings.register_profile("fifth", max_examples=20, **PROPERTIES)
hypothesis.settings.register_profile("full", max_examples=100, **PROPERTIES)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fifth"))

FOLDER = Path(__file__).resolve().parents[1] / "pages" / "datasets" / "tables"


@pytest.fixture(scope="session")
def table():
    """table(name, columns): the first so many columns of a bundled data set, as (n, columns) floats."""

    def read(name, columns=2):
        return np.loadtxt(FOLDER / f"{name}.csv", delimiter=",", skiprows=1, usecols=range(columns))

    return read


class BrowserApart(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        """What stays together: all tests in the browser, or else those of a file."""
        file = nodeid.split("::")[0]
        return "browser" if "/browser/" in f"/{file}" else file


def pytest_xdist_make_scheduler(config, log):
    return BrowserApart(config, log)


def pytest_make_parametrize_id(val):
    """Names of tests must be the same in both processes, and what is packed holds the time at which it was."""
    return f"{len(val)} bytes" if isinstance(val, bytes) else None
