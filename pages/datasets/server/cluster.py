"""The Dask cluster of this process: that of the configured scheduler, or a local one that runs while it is needed."""

import atexit
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from clustering.tasks import answer, result_of, while_waiting
from pages.datasets.server.configuration import configured_scheduler, configured_worker_memory
from pages.datasets.server.tables import UnreadableTable

IDLE_SECONDS = 600
"""a local cluster stops after this time without work"""
START_TIMEOUT = 60
"""seconds within which a local cluster must start"""
STOP_TIMEOUT = 3
"""seconds within which a process of a local cluster must stop before it is killed"""
CONNECTION_TIMEOUT = 10
"""seconds within which a configured scheduler must answer"""
SHARE_OF_MEMORY = 0.5
"""default memory limit of all workers together, as a share of the machine's memory"""
ROOT = Path(__file__).resolve().parents[3]
NO_ANSWER = "The Dask cluster of this server does not answer. Try again later, or ask the operator of this server."
OUT_OF_MEMORY = (
    "The workers of this server ran out of memory. Choose fewer columns, or ask the operator of this server for more memory."
)

logger = logging.getLogger(__name__)
_lock = threading.Lock()


class LocalCluster:
    """A scheduler and one worker per core, as processes of their own.

    Unlike Dask's class of this name, it does not start processes with `multiprocessing`, which would run the page script of
    the visitor in each of them. The scheduler stops when it is idle, and the workers with it.
    """

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="clustering-")
        self.file = os.path.join(self.folder, "scheduler.json")
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        memory = SHARE_OF_MEMORY * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / cores
        options = [
            "--scheduler-file",
            self.file,
            "--no-dashboard",
            "--dashboard-address",
            "127.0.0.1:0",
            "--host",
            "127.0.0.1",
        ]
        self.n_workers = cores
        self.processes = [
            _dask("scheduler", "--port", "0", "--idle-timeout", f"{IDLE_SECONDS}s", *options),
            _dask(
                "worker",
                *(
                    "--nworkers",
                    str(cores),
                    "--nthreads",
                    "1",
                    "--memory-limit",
                    configured_worker_memory() or str(int(memory)),
                ),
                *("--death-timeout", str(START_TIMEOUT), "--local-directory", self.folder, *options),
            ),
        ]
        atexit.register(self.stop)

    @property
    def is_running(self) -> bool:
        return all(process.poll() is None for process in self.processes)

    def stop(self) -> None:
        """Stop all processes, the workers first, and delete their files."""
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        atexit.unregister(self.stop)


def _dask(command: str, *options: str) -> subprocess.Popen:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.dask_{command}", *options],
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


class _Connection:
    """The client of this process, and the local cluster if there is one."""

    client = cluster = None

    def open(self):
        if self._is_open():
            return self.client
        self.close()
        from distributed import Client

        address = configured_scheduler()
        try:
            if address is not None:
                self.client = Client(address, timeout=CONNECTION_TIMEOUT)
            else:
                self.cluster = LocalCluster()
                self.client = Client(scheduler_file=self.cluster.file, timeout=START_TIMEOUT)
            self.client.wait_for_workers(self.cluster.n_workers if self.cluster else 1, timeout=START_TIMEOUT)
        except (OSError, TimeoutError, ValueError):
            self.close()
            raise UnreadableTable(NO_ANSWER) from None
        return self.client

    def _is_open(self) -> bool:
        """Whether there is a connection to a scheduler that answers."""
        if self.client is None or self.client.status != "running":
            return False
        if self.cluster is not None and not self.cluster.is_running:
            return False
        try:
            # brief, because all visitors wait for it
            answer(self.client, "identity", CONNECTION_TIMEOUT, n_workers=0)
        except (OSError, TimeoutError):
            return False
        return True

    def close(self) -> None:
        if self.client is not None:
            self.client.close(timeout=2)
        if self.cluster is not None:
            self.cluster.stop()
        self.client = self.cluster = None


_connection = _Connection()


def cluster_client():
    """Dask's client, which is the default of this process from then on. A local cluster is started if there is none.

    Raises UnreadableTable if the cluster does not answer.
    """
    with _lock:
        return _connection.open()


def close_cluster() -> None:
    """Disconnect from the cluster, and stop a local one."""
    with _lock:
        _connection.close()


def computed(futures: list, result, on_progress: Callable[[float], None]):
    """The result of a future.

    Parameters
    ----------
    futures : futures on which it depends; those that are finished are counted for `on_progress`.
    result : the future.
    on_progress : called with the completed share from time to time; it may raise an exception to stop the computation.

    Raises UnreadableTable as in `readable_errors`.
    """

    def on_wait():
        on_progress(sum(future.done() for future in futures) / (len(futures) + 1))

    try:
        with readable_errors(), while_waiting(on_wait):
            return result_of(result)
    finally:
        for future in [*futures, result]:
            future.release()  # tasks that nobody else needs are not started


@contextmanager
def readable_errors() -> Iterator[None]:
    """Raises errors of the cluster and of its tasks as UnreadableTable. The log has the original error.

    Errors of this process that have no cause, such as those about settings of a run, are raised unchanged.
    """
    try:
        yield
    except UnreadableTable:
        raise
    except Exception as error:
        cause = error.__cause__ or error
        kind = type(cause).__name__
        if isinstance(cause, UnreadableTable):
            raise cause from None
        if error is cause and type(error) is ValueError:
            raise
        logger.exception("Error on the Dask cluster")
        if kind == "KilledWorker" or isinstance(cause, MemoryError):
            raise UnreadableTable(OUT_OF_MEMORY) from None
        if "Cancelled" in kind or isinstance(cause, OSError | TimeoutError):
            raise UnreadableTable(NO_ANSWER) from None
        raise UnreadableTable("A part of the table could not be computed. Ask the operator of this server.") from None
