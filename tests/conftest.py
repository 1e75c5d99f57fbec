"""Settings and fixtures for all tests, and how they are divided between processes."""

import gc
import os

# before NumPy is imported: the tests run in as many processes as cores, where threads of BLAS would wait for each other
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # scikit-learn

from pathlib import Path

import hypothesis
import numpy as np
import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.selection import EXAMPLES, SELECTED, is_chosen, selects

# By default property tests run a fifth of their examples; max_examples is a percentage here: see `examples` in
# tests/core/tables.py.
PROPERTIES = {
    "deadline": None,
    "derandomize": True,
    "suppress_health_check": [hypothesis.HealthCheck.too_slow],
}
hypothesis.settings.register_profile("fifth", max_examples=20, **PROPERTIES)
hypothesis.settings.register_profile("all", max_examples=100, **PROPERTIES)
hypothesis.settings.load_profile("all" if EXAMPLES == "all" else "fifth")

FOLDER = Path(__file__).resolve().parents[1] / "pages" / "datasets" / "tables"


@pytest.fixture(scope="session")
def table():
    """table(name, columns): the first columns of a bundled data set, an (n, columns) array."""

    def read(name, columns=2):
        return np.loadtxt(FOLDER / f"{name}.csv", delimiter=",", skiprows=1, usecols=range(columns))

    return read


def pytest_configure(config):
    """With paths as arguments, all cases of the tests are run. The processes that run the tests always have paths."""
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        os.environ[SELECTED] = "1"


def pytest_report_header():
    return "of tests with many similar cases some are run; EXAMPLES=all or a path runs all" if selects() else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Long tests first, so that all processes finish at about the same time: browser, then pages, then core."""
    if selects():
        items[:] = filter(is_chosen, items)
    items.sort(key=lambda item: ("browser" not in item.path.parts, "pages" not in item.path.parts))


def pytest_collection_finish():
    """Garbage is collected less often, and without looking at all imported modules: that took 7% of the processor time."""
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


class OneBrowser(LoadScopeScheduling):
    """Runs the browser tests in one process, one after the other, and the other files in whatever process is free."""

    def __init__(self, config, log):
        super().__init__(config, log)
        config.option.loadscopereorder = False  # xdist would run files with many tests first

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0]
        return "browser" if "/browser/" in f"/{file}" else file


def pytest_xdist_make_scheduler(config, log):
    return OneBrowser(config, log)


def pytest_make_parametrize_id(val):
    """Test names must be the same in all processes, but compressed files, and even their lengths, depend on the time."""
    return ascii(val[:4]) if isinstance(val, bytes) else None
