"""A Dask cluster in the process of the tests, which starts much faster than processes of its own."""

from contextlib import contextmanager

import pytest

from pages.datasets.server import cluster as module


@contextmanager
def cluster_in_process():
    """Everything that reads a table on the server uses a scheduler and a worker in threads of this process."""
    distributed = pytest.importorskip("distributed", reason="the extra `big` is not installed")
    import dask

    options = dict(processes=False, n_workers=1, threads_per_worker=2, dashboard_address=":0", memory_limit=0)
    settings = {"distributed.worker.profile.enabled": False, "distributed.admin.tick.interval": "1s"}
    with dask.config.set(settings), distributed.Client(**options) as client, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module._connection, "open", lambda: client)
        yield client
