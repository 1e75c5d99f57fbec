"""Many links to large runs at once, smaller than those of `large_runs.py` and with a smaller budget."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tests.load.large_runs import MAX_SMALL_SECONDS, measure
from tests.load.server import Server

BUDGET, OVERHEAD = 250, 350
"""megabytes of the budget, and of everything that is not part of it"""
PEOPLE, POINTS, K = 8, 100_000, 50


def test_large_runs_at_once_stay_within_the_budget_and_leave_time_for_small_runs():
    server = Server(0, limits={"MAX_ITERATIONS": 1}, environment={"CLUSTERING_MEMORY": f"{BUDGET} MB"})
    try:
        server.wait()
        with ThreadPoolExecutor(1) as thread:  # because Playwright keeps an event loop in this one after browser tests
            found = thread.submit(asyncio.run, measure(server, PEOPLE, POINTS, K)).result()
        assert server.process.poll() is None
    finally:
        server.stop()
    assert found.errors == []
    assert len(found.large) == PEOPLE
    assert found.peak - found.before < BUDGET + OVERHEAD
    assert np.median(found.small) < MAX_SMALL_SECONDS
