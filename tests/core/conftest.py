"""Fixtures of the tests of the package."""

import sys

import pytest


@pytest.fixture(autouse=True, scope="module")
def own_scheduler():
    """Dask's default scheduler. In the same process, tests of pages may have set that of a cluster which is closed now."""
    if "dask" not in sys.modules:
        yield
        return
    import dask

    with dask.config.set(scheduler=None):
        yield
