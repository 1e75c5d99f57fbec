"""The Dask cluster: a scheduler that does not answer, and a local cluster in processes of its own."""

import os

import pytest

from pages.datasets.server import cluster
from pages.datasets.server.tables import UnreadableTable

pytest.importorskip("distributed", reason="the extra `big` is not installed")


def test_a_scheduler_that_does_not_answer_is_reported_within_its_time_limit(monkeypatch):
    monkeypatch.setenv("CLUSTERING_SCHEDULER", "tcp://127.0.0.1:1")
    monkeypatch.setattr(cluster, "CONNECTION_TIMEOUT", 0.5)
    with pytest.raises(UnreadableTable, match="The Dask cluster of this server does not answer") as caught:
        cluster.cluster_client()
    assert "127.0.0.1" not in str(caught.value)


def test_an_address_of_a_scheduler_that_is_none_is_reported(monkeypatch):
    monkeypatch.setenv("CLUSTERING_SCHEDULER", "nonsense://x")
    with pytest.raises(UnreadableTable, match="does not answer"):
        cluster.cluster_client()


def test_a_local_cluster_starts_on_first_use_and_again_if_it_has_stopped(monkeypatch):
    monkeypatch.delenv("CLUSTERING_SCHEDULER", raising=False)
    monkeypatch.setenv("CLUSTERING_WORKER_MEMORY", "300 MiB")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0})
    try:
        client = cluster.cluster_client()
        first = cluster._connection.cluster
        workers = client.scheduler_info()["workers"].values()
        assert [worker["memory_limit"] for worker in workers] == [300 * 2**20]
        assert client.submit(os.getpid).result(timeout=30) != os.getpid()
        first.processes[0].kill()
        first.processes[0].wait()
        client = cluster.cluster_client()
        second = cluster._connection.cluster
        assert client.submit(sum, [1, 2]).result(timeout=30) == 3
        assert cluster.cluster_client() is client
    finally:
        cluster.close_cluster()
    for local in (first, second):
        assert not os.path.exists(local.folder)
        assert all(process.poll() is not None for process in local.processes)


def test_the_scheduler_of_a_local_cluster_stops_when_it_is_idle(monkeypatch):
    monkeypatch.setattr(cluster, "IDLE_SECONDS", 1)
    local = cluster.LocalCluster()
    try:
        local.processes[0].wait(30)
        assert not local.is_running
    finally:
        local.stop()
