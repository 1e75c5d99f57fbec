"""Dask graphs with one task per block of a table. Dask is used only here and in `clustering.dask_tables`, and not imported."""

import os
import pickle
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial, reduce
from operator import getitem
from typing import Any
from uuid import uuid4

import numpy as np

GROUP = 8
"""number of results that one task combines"""
WAIT = 60
"""seconds within which the scheduler must answer, and a worker must be ready if there is none"""
CHECKING = 10
"""seconds between two checks of the scheduler and the workers"""
POLLING = 0.1
"""seconds between two looks at a result, and between two calls of the function of `while_waiting`"""
SHARE_OF_WORKERS = 0.4
"""share of the workers' memory limit that results may occupy"""
SHARE_OF_MACHINE = 0.25
"""share of this machine's memory that results may occupy if Dask runs in this process"""


_on_wait: ContextVar[Callable[[], None] | None] = ContextVar("on_wait", default=None)


@contextmanager
def while_waiting(function: Callable[[], None]) -> Iterator[None]:
    """Call the function from time to time while this thread waits for workers.

    It may raise an exception to stop the computation, which like KeyboardInterrupt is not derived from `Exception`.
    """
    token = _on_wait.set(function)
    try:
        yield
    finally:
        _on_wait.reset(token)


def dask():
    """The package Dask, which must have been imported to create the array or dataframe that is used."""
    return sys.modules["dask"]


class InvalidBlock(ValueError):
    """An error in the contents of a block; the message is complete."""


@contextmanager
def _plain_errors():
    """Raises ValueError with a sentence for the user instead of any error."""
    try:
        yield
    except Exception as error:
        raise ValueError(_sentence(error)) from error


def _sentence(error: Exception) -> str:
    """What went wrong and what to do about it."""
    kind, text = type(error).__name__, " ".join(str(error).split())
    if isinstance(error, InvalidBlock):
        return text
    if isinstance(error, FileNotFoundError):
        return f"a file of the table has vanished ({text}): restore it, or open the table again"
    if kind == "KilledWorker" or isinstance(error, MemoryError):
        what = "workers were lost repeatedly, probably for lack of memory" if kind == "KilledWorker" else "workers lack memory"
        return f"{what}: use smaller blocks, or workers with more memory"
    if _is_of_distributed(error) or "Cancelled" in kind or isinstance(error, OSError | TimeoutError):
        return f"the Dask cluster does not answer ({kind}: {text}): check that its scheduler and workers are running"
    return f"a block of the table cannot be computed ({kind}: {text}): check that all files have the same columns of numbers"


class Holder:
    """Any value as an argument of a task; Dask would look for tasks inside tuples and lists."""

    def __init__(self, value):
        self.value = value

    def get(self):
        return self.value


class Tasks:
    """A sequence of tasks: a Dask collection, see https://docs.dask.org/en/stable/custom-collections.html."""

    def __init__(self, graph: dict, items: list, places: dict | None = None):
        """
        Parameters
        ----------
        graph : dict
        items : list
            Keys of the graph, or tasks that refer to keys of the graph and are evaluated as a part of other tasks.
        places : dict, optional
            Preferred worker of some keys.
        """
        self.graph, self.items, self.places = graph, items, places or {}

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: slice) -> "Tasks":
        return Tasks(self.graph, self.items[i])

    def call(self, function: Callable, *arguments) -> "Tasks":
        """Call the function with each item.

        Each of the further arguments has one value per item: it is a list of numbers, or `Tasks`; or `Tasks` with one item,
        which is used for all.
        """
        graph, columns = dict(self.graph), []
        for argument in arguments:
            if isinstance(argument, Tasks):
                graph |= argument.graph
                argument = argument.items if len(argument) == len(self) else argument.items * len(self)
            columns.append(argument)
        return Tasks(graph, [(function, *row) for row in zip(self.items, *columns, strict=True)])

    def part(self, i: int) -> "Tasks":
        """Item i of each result."""
        return self.call(getitem, [i] * len(self))

    def named(self, name: str, *suffix: int) -> "Tasks":
        """The same as tasks of their own, with keys (name, i, *suffix)."""
        keys = [(name, i, *suffix) for i in range(len(self))]
        return Tasks(self.graph | dict(zip(keys, self.items, strict=True)), keys)

    def tree(self, combine: Callable[[Any, Any], Any]) -> "Tasks":
        """One task that combines all results in their order, as a tree: (1, 2, …, `GROUP`), …"""
        level, operation = self, literal(combine)
        while len(level) > 1:
            groups = [level.items[i : i + GROUP] for i in range(0, len(level), GROUP)]
            level = Tasks(level.graph, groups).call(_reduced, operation).named(new_name("combine"))
        return level

    def array(self, counts: np.ndarray, width: tuple[int, ...], dtype):
        """Lazily computed Dask array of the results, arrays of shapes (counts[i], *width)."""
        name = new_name("clustering")
        graph = self.named(name, *(0 for _ in width)).graph
        return dask().array.Array(graph, name, (tuple(counts), *((size,) for size in width)), dtype)

    def __dask_graph__(self):
        return self.graph

    def __dask_keys__(self):
        return self.items

    def __dask_tokenize__(self):
        return self.items

    @property
    def __dask_scheduler__(self):
        return dask().threaded.get

    @property
    def __dask_optimize__(self):
        return partial(_optimized, places=self.places)

    def __dask_postcompute__(self):
        return list, ()

    def __dask_postpersist__(self):
        return self._with_results, ()

    def _with_results(self, results: dict, **_) -> "Tasks":
        return Tasks(dict(results), self.items)


def _optimized(graph, keys, places: dict, **_):
    """The part of the graph that the keys depend on. What a task with a place depends on is computed in the same place."""
    graph, dependencies = dask().optimization.cull(graph, keys)
    if not places:
        return graph
    places, remaining = dict(places), list(places)
    while remaining:
        key = remaining.pop()
        for dependency in dependencies.get(key, ()):
            if dependency not in places:
                places[dependency] = places[key]
                remaining.append(dependency)
    name, graphs = new_name("layer"), dask().highlevelgraph
    # without this, Dask moves blocks to whichever worker is free, instead of waiting for the one that has them
    layer = graphs.MaterializedLayer(graph, annotations={"workers": places.get, "allow_other_workers": True})
    return graphs.HighLevelGraph({name: layer}, {name: set()})


@_plain_errors()
def places_of(tasks: Tasks) -> list[str | None]:
    """A worker for each task: the one that has its result, or else equally many consecutive tasks for each thread."""
    client = _client()
    if client is None:
        return [None] * len(tasks)
    results = [tasks.graph.get(item) if isinstance(item[0], str) else None for item in tasks.items]
    if all(map(_is_of_distributed, results)):
        wait_for(results)
        keys = [result.key for result in results]
        holders = answer(client, "who_has", keys=keys)
        return [next(iter(holders[key]), None) for key in keys]
    threads = [address for address, worker in sorted(_workers(client).items()) for _ in range(worker["nthreads"])] or [None]
    return [threads[i * len(threads) // len(tasks)] for i in range(len(tasks))]


def new_name(name: str) -> str:
    """A name for the keys of new tasks that Dask shows as `name`."""
    return f"{name}-{uuid4().hex}"


def literal(value) -> Tasks:
    """A task with this result. It is sent once to each worker that needs it, not once with each task."""
    return Tasks({}, [_constant(value)]).named(new_name("argument"))


def _constant(value) -> tuple:
    return (Holder.get, Holder(value))


def joined(parts: Sequence[Tasks]) -> Tasks:
    """The items of all parts."""
    graph: dict = {}
    for part in parts:
        graph |= part.graph
    return Tasks(graph, [item for part in parts for item in part.items])


def computed(
    root: Tasks, keep: Tasks | None = None, places: dict | None = None, on_submit: Callable[[], None] | None = None
) -> tuple[Tasks, Any]:
    """Tasks with the results of `keep`, which Dask keeps in memory, and the result of the only item of `root`.

    `places`: preferred workers of some keys. `on_submit` is called when the tasks are submitted: what it releases is freed as
    soon as no task needs it any more.

    Raises ValueError with a sentence for the user if a task fails, or if the cluster does not answer.
    """
    root = root.named(new_name("result"))
    parts = [root] if keep is None else [root, keep]
    with _plain_errors():
        together = joined(parts)
        done = dask().persist(Tasks(together.graph, together.items, places), traverse=False)[0].graph
        if on_submit is not None:
            on_submit()
        result = _result(done[root.items[0]])
    if keep is None or all(_is_of_distributed(done[key]) for key in keep.items):
        return Tasks(done, keep.items if keep else []), result
    return Tasks({}, [_constant(done[key]) for key in keep.items]), result


def combined(tasks: Tasks, combine: Callable[[Any, Any], Any], name: str, places: list | None = None):
    """All results combined as a tree, in their order; `places`: the worker of each task, by default that of `places_of`."""
    tasks = tasks.named(new_name(name))
    places = places_of(tasks) if places is None else places
    return computed(tasks.tree(combine), None, dict(zip(tasks.items, places, strict=True)))[1]


def _is_of_distributed(value) -> bool:
    """Whether this is an object of the package `distributed`: a future, or an error of the cluster."""
    return type(value).__module__.partition(".")[0] == "distributed"


def _result(value):
    return result_of(value) if _is_of_distributed(value) else value


def result_of(future):
    """The result of a future of `distributed`. Raises its error, or one of `wait_for`."""
    while True:
        wait_for([future])
        try:
            return future.result(timeout=WAIT)
        except TimeoutError:
            if future.done():
                raise
            # the worker that had the result was lost


def wait_for(futures: list) -> None:
    """Wait until futures of `distributed` are finished.

    Raises TimeoutError if the scheduler does not answer or there are no workers for `WAIT` seconds, and MemoryError if all
    workers are paused for this time because their memory is full.
    """
    client, on_wait = futures[0].client, _on_wait.get()
    began = ready = checked = time.monotonic()
    while not all(future.done() for future in futures):
        # not `distributed.wait` with a timeout, whose exceptions keep all local variables of the callers alive for a while
        time.sleep(min(POLLING, 0.001 + 0.05 * (time.monotonic() - began)))
        if on_wait is not None:
            on_wait()
        if time.monotonic() - checked > CHECKING:
            states = {worker["status"] for worker in _workers(client).values()}
            checked = time.monotonic()
            if "running" in states:
                ready = checked
            elif checked - ready > WAIT:
                raise MemoryError("all workers are paused") if "paused" in states else TimeoutError("there are no workers")


def _reduced(results: list, combine: Callable):
    return reduce(combine, results)


def _client():
    """The client of `distributed` that Dask uses, or None if Dask runs in this process."""
    client = getattr(dask().base.get_scheduler(), "__self__", None)
    return client if hasattr(client, "scheduler_info") else None


def _workers(client) -> dict[str, dict]:
    """Properties of the workers by their address."""
    return answer(client, "identity", n_workers=-1)["workers"]


def answer(client, question: str, timeout: float | None = None, **arguments):
    """The answer of the scheduler. Raises TimeoutError or OSError if there is none within `timeout` seconds, or `WAIT`."""
    if client.status not in ("running", "connecting"):
        raise ConnectionError("the connection is closed")
    return client.sync(getattr(client.scheduler, question), callback_timeout=WAIT if timeout is None else timeout, **arguments)


@_plain_errors()
def memory() -> float:
    """Number of bytes that results may occupy."""
    client = _client()
    if client is None:
        return SHARE_OF_MACHINE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return SHARE_OF_WORKERS * sum(worker["memory_limit"] or np.inf for worker in _workers(client).values())


def size_of(value) -> int:
    """Number of bytes of the arrays in a nested value."""
    buffers: list = []
    pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    return sum(buffer.raw().nbytes for buffer in buffers)
