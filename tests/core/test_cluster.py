"""Runs on a cluster of two worker processes: a worker that is killed, errors of the cluster, and what stays in memory."""

import asyncio
import os
import signal
import time
import warnings
from types import SimpleNamespace

import dask
import dask.array as da
import numpy as np
import pytest

from clustering import GaussianMixture, History, KMeans, fit, iterate, pixel_counts, quantile_extent, tasks
from clustering.blocks import ALL_KEPT
from clustering.tasks import Tasks, places_of, while_waiting

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from distributed import Client, LocalCluster
    from distributed.utils import get_mp_context

pytestmark = pytest.mark.filterwarnings("default")  # of asyncio and of sockets, when a worker is killed


def random_block(block_info):
    """Points of three groups, drawn by the worker itself."""
    (begin, end), _ = block_info[None]["array-location"]
    rng = np.random.default_rng(begin)
    return rng.normal(size=(end - begin, 2)) + rng.integers(3, size=(end - begin, 1)) * [4, 2]


@pytest.fixture(scope="module")
def cluster():
    options = {"threads_per_worker": 1, "memory_limit": "400MiB", "dashboard_address": None, "silence_logs": 60}
    settings = {"distributed.worker.multiprocessing-method": "forkserver", "distributed.worker.profile.enabled": False}
    with dask.config.set(settings):
        # each worker is a copy of a process that has imported these packages
        get_mp_context().set_forkserver_preload(["distributed", "dask.array", "clustering"])
        with LocalCluster(n_workers=2, **options) as cluster, Client(cluster) as client:
            yield client


@pytest.fixture
def data(cluster):
    return da.map_blocks(random_block, chunks=((2_000,) * 6, (2,)), dtype=float)


def tasks_on_scheduler(client):
    return client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks))


def test_states_on_processes_are_those_in_memory(cluster, data):
    array = data.compute()
    start = array[:5]
    memory, dask = (History.record(KMeans(5), each, start=start, max_iter=3) for each in (array, data))
    assert dask.prepared.blocks.kept == ALL_KEPT
    np.testing.assert_allclose(dask.losses, memory.losses, rtol=1e-11)
    np.testing.assert_array_equal(dask.last.labels, memory.last.labels)
    mixture = fit(GaussianMixture(3), data, start=start[:3], max_iter=2)
    assert mixture.loss == pytest.approx(fit(GaussianMixture(3), array, start=start[:3], max_iter=2).loss, rel=1e-11)


def test_blocks_and_their_values_stay_with_one_worker(cluster, data):
    process = KMeans(5)
    prepared = process.prepare(data)
    places = prepared.blocks.places
    assert sorted(places.count(place) for place in set(places)) == [3, 3]
    assert places_of(prepared.blocks.tasks) == places
    for state in iterate(process, prepared, start=data.blocks[0].compute()[:5], max_iter=3):
        values = state.assignment.found.tasks
        assert places_of(Tasks(values.graph, [key for _, key, _ in values.items])) == places


def test_a_run_goes_on_and_ends_in_the_same_place_if_a_worker_is_killed(cluster, data):
    start = data.blocks[0].compute()[:5]
    expected = fit(KMeans(5), data, start=start, max_iter=4)
    killed = 0
    for state in iterate(KMeans(5), data, start=start, max_iter=4):
        if state.iteration == 2:
            process = min(cluster.run(os.getpid).values())
            os.kill(process, signal.SIGKILL)
            killed += 1
    assert killed == 1
    assert (state.iteration, state.loss) == (expected.iteration, expected.loss)
    np.testing.assert_array_equal(state.labels, expected.labels)


def test_the_scheduler_and_the_workers_forget_what_is_no_longer_needed(cluster, data, monkeypatch):
    monkeypatch.setattr("clustering.blocks.MAX_CHAIN", 2)
    start = data.blocks[0].compute()[:5]
    numbers, kept = [], []
    states = iterate(KMeans(5), data, start=start)
    for _, state in zip(range(11), states, strict=False):
        kept.append(state)  # also if the caller keeps all states
        numbers.append(tasks_on_scheduler(cluster))
    assert len(kept) == 11
    assert max(numbers[6:]) <= 1.2 * max(numbers[:6])  # released with a delay


def test_pictures_are_counted_on_the_workers(cluster, data):
    process = KMeans(3)
    prepared = process.prepare(data)
    last = fit(process, prepared, start=data.blocks[0].compute()[:3], max_iter=2)
    extent = quantile_extent(prepared.points)
    counts = pixel_counts(prepared.points, last.labels, extent, (20, 30), 3)
    np.testing.assert_array_equal(counts, pixel_counts(data.compute(), last.labels.compute(), extent, (20, 30), 3))
    assert counts.sum() > 0.95 * len(data)


def test_workers_that_die_again_and_again_are_reported(cluster):
    def allow(failures):
        cluster.run_on_scheduler(lambda dask_scheduler: setattr(dask_scheduler, "allowed_failures", failures))

    def exhausted(block):
        if len(block):
            os._exit(1)
        return block

    data = da.ones((10, 2), chunks=5).map_blocks(exhausted, meta=np.empty((0, 2)))
    allow(0)
    with pytest.raises(ValueError, match="workers were lost repeatedly, probably for lack of memory"):
        KMeans(2).prepare(data)
    allow(3)


def test_a_cluster_that_does_not_answer_is_reported():
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": 60}
    with LocalCluster(processes=False, **options) as closed, Client(closed):
        data = da.map_blocks(random_block, chunks=((200,) * 2, (2,)), dtype=float)
        states = iterate(KMeans(3), data, start=np.eye(3)[:, :2])
        next(states)
        closed.close()
        with pytest.raises(ValueError, match="the Dask cluster does not answer"):
            next(states)
        with pytest.raises(ValueError, match="the Dask cluster does not answer"):
            KMeans(3).prepare(data)


@pytest.fixture
def waiting_for_a_minute(monkeypatch):
    """Times of waiting that are as short as a test."""
    for name, seconds in {"WAIT": 0.3, "CHECKING": 0.05, "POLLING": 0.02}.items():
        monkeypatch.setattr(tasks, name, seconds)


@pytest.mark.parametrize(
    ("workers", "message"),
    [
        ({}, "the Dask cluster does not answer .*there are no workers"),
        ({"a": {"status": "paused", "nthreads": 1, "memory_limit": 2**30}}, "workers lack memory: use smaller blocks"),
        (None, "the Dask cluster does not answer"),
    ],
    ids=["no workers", "paused workers", "silent scheduler"],
)
def test_a_cluster_that_never_finishes_is_reported(cluster, monkeypatch, waiting_for_a_minute, workers, message):
    async def identity(**options):
        if workers is None:
            await asyncio.sleep(60)
        return {"workers": workers}

    data = da.ones((10, 2), chunks=5).map_blocks(sleeping, meta=np.empty((0, 2)))
    monkeypatch.setattr(cluster, "scheduler", SimpleNamespace(identity=identity))
    with pytest.raises(ValueError, match=message):
        KMeans(2).prepare(data)


SECONDS = 2


def sleeping(block):
    if len(block):
        time.sleep(SECONDS)
    return block


def test_a_computation_can_be_stopped_while_it_waits_for_the_workers(cluster):
    class Stopped(BaseException):
        pass

    def stop():
        raise Stopped

    data = da.ones((10, 2), chunks=5).map_blocks(sleeping, meta=np.empty((0, 2)))
    began = time.monotonic()
    with pytest.raises(Stopped), while_waiting(stop):
        KMeans(2).prepare(data)
    assert time.monotonic() - began < SECONDS
