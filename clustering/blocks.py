"""Functions of all points, evaluated in memory or on the blocks of a Dask array.

An algorithm computes everything that depends on all points with two functions:

    map_points(f, prepared, before, …)   f(prepared, before, …) -> values of the points, totals
    sum_points(f, prepared, values, …)   f(prepared, values, …) -> totals

Points in memory are a single block, and f is simply called. A Dask array has many blocks. Dask's workers call f with each
block and add up the totals as a tree, and only the final totals are sent back. The values, such as labels, stay on the
workers until the next iteration. Labels of earlier states are computed again from their parameters when they are needed, so a
run of any length has the values of one iteration in memory. All tasks are functions of their arguments alone: if a worker is
lost, Dask repeats its tasks elsewhere. Each block stays with one worker; workers that join later are used after the next
`prepare`. The workers need this package, too.
"""

from collections.abc import Callable
from functools import cached_property
from operator import add
from typing import Any

import numpy as np

from clustering.chunks import single_thread
from clustering.dask_tables import label_tasks, numbers_of
from clustering.tasks import Tasks, combined, computed, joined, literal, memory, new_name, places_of, size_of

MAX_CHAIN = 32
"""number of iterations after which values are computed without those of the iteration before; this bounds the number of tasks
that Dask remembers, and has to repeat if a worker is lost"""
BYTES_OF_VALUES = 8
"""estimated size of the values of a point that are kept between two steps"""

NOTHING_KEPT, VALUES_KEPT, POINTS_KEPT, ALL_KEPT = range(4)
"""what stays in memory between two steps: only labels; all values of the points; these and the points themselves, so that the
table is read only once; or also everything that the algorithm precomputes"""


def map_points(function: Callable, prepared, before, *args) -> tuple[Any, tuple]:
    """Values of all points, and totals.

    Parameters
    ----------
    function : callable
        `function(prepared, before, *args)` returns values of the points, and a tuple of totals that can be added.
    prepared
        Prepared data with an attribute `blocks`: `Blocks`, or None for data in memory.
    before
        The values of the previous iteration, or None. Those on the workers are released. If they are needed again, they are
        recomputed by `function` with `before=None`, which must return the same values. If the values have a method `compact`,
        the workers keep only its result.
    """
    if prepared.blocks is None:
        return function(prepared, before, *args)
    return prepared.blocks.map(function, before, *args)


def sum_points(function: Callable, prepared, values, *args, combine: Callable | None = None):
    """Totals over all points: `function(prepared, values, *args)`, which returns a number, an array or a tuple of these.

    `combine(a, b)` combines the totals of two blocks, of which `a` precedes `b`; by default they are added.
    """
    if prepared.blocks is None:
        return function(prepared, values, *args)
    return prepared.blocks.sum(function, values, *args, combine=combine)


def added(a, b):
    """The sum of two totals: numbers, arrays, or tuples of these. Lists are joined."""
    return tuple(map(add, a, b)) if isinstance(a, tuple) else a + b


class Blocks:
    """Blocks of a table, each the result of a task."""

    def __init__(self, tasks: Tasks, counts: np.ndarray | None = None, kept: int = NOTHING_KEPT, places: list | None = None):
        """
        Parameters
        ----------
        tasks : Tasks
        counts : (blocks,) array, optional
            Number of rows of each block, if known.
        kept : int
            What stays in memory.
        places : list, optional
            The worker of each block, by default chosen by `places_of`.
        """
        self.tasks, self.counts, self.kept = tasks, counts, kept
        self.places = places_of(tasks) if places is None else places

    @cached_property
    def ends(self) -> np.ndarray:
        """(blocks,) number of rows up to the end of each block."""
        return np.cumsum(self.counts)

    def map(self, function: Callable, before: "Values | None", *args) -> tuple["Values", tuple]:
        """See `map_points`."""
        chain = 0 if before is None or before.chain == MAX_CHAIN else before.chain + 1
        pairs = self.call(function, None if before is None else before.tasks if chain else before.recipe(), args)
        pairs = pairs.call(_compact).named(new_name(_name(function)))
        parts = pairs.part(1).named(new_name("totals"))  # so that only these, not the values, are sent to where they are added
        release = None if before is None else before.release
        kept, totals = computed(parts.tree(added), pairs, self._placed(pairs) | self._placed(parts), release)
        return Values(self, kept.part(0), (function, args), chain), totals

    def sum(self, function: Callable, values: "Values | None", *args, combine: Callable | None = None):
        """See `sum_points`."""
        return combined(self.call(function, values and values.tasks, args), combine or added, _name(function), self.places)

    def _placed(self, tasks: Tasks) -> dict:
        return dict(zip(tasks.items, self.places, strict=True))

    def call(self, function: Callable, values: Tasks | None, args: tuple) -> Tasks:
        """Tasks that call the function with each block and its values."""
        return self.tasks.call(_call, values or [None] * len(self.tasks), literal((function, args)))

    def each(self, function: Callable, values: "Values | None", arguments: dict[int, tuple]) -> list:
        """Results of `function(block, values, *arguments[i])` for the blocks i, in this order."""
        calls = joined([self.call(function, values and values.tasks, args)[i : i + 1] for i, args in arguments.items()])
        return combined(calls.call(_listed), add, _name(function), [self.places[i] for i in arguments])

    def rows(self, rows: np.ndarray, points_of: Callable | None = None) -> np.ndarray:
        """Points (m, d) with these row numbers (m,); `points_of(block)` returns the points of a block, by default itself."""
        blocks = self.ends.searchsorted(rows, side="right")
        local = rows - (self.ends - self.counts)[blocks]
        arguments = {i: (points_of, local[blocks == i]) for i in np.unique(blocks).tolist()}
        return np.concatenate(self.each(_take, None, arguments))[np.argsort(blocks, kind="stable").argsort()]

    def values_of(self, labels, function: Callable, *args) -> "Values":
        """Values `function(labels, *args)` of the points of each block, given the labels (n,) of all points."""
        parts = label_tasks(labels, self.counts.tolist())
        return Values(self, parts.call(_values, literal((function, args))), None, 0)

    def points(self, d: int):
        """The points of prepared blocks, their attribute `points`, as a lazily computed Dask array (n, d)."""
        return self.tasks.call(getattr, ["points"] * len(self.tasks)).array(self.counts, (d,), float)

    def kept_if_possible(self, n: int, d: int) -> "Blocks":
        """The same blocks, of n points in d columns in all, kept in memory if they fit, see `clustering.tasks.memory`."""
        if self.kept or n * (8 * d + BYTES_OF_VALUES) > memory():
            return self
        return Blocks(self._kept(self.tasks), self.counts, POINTS_KEPT, self.places)

    def _kept(self, tasks: Tasks) -> Tasks:
        """Compute the tasks and keep their results in memory."""
        tasks = tasks.named(new_name("block"))
        done = tasks.call(_done).named(new_name("done"))
        return computed(done.tree(add), tasks, self._placed(tasks) | self._placed(done))[0]

    def prepared(self, function: Callable, shared) -> "Blocks":
        """Blocks in the form that the steps of an algorithm use.

        Parameters
        ----------
        function : callable
            `function(points, shared, first_row, kept)` prepares the points of a block; `kept` is one of the four constants.
        shared
            Everything that is the same for all blocks.

        Notes
        -----
        The prepared blocks are kept in memory if they fit, judging by the largest one. Otherwise each step prepares them anew
        from the points.
        """

        def prepare(kept):
            first_rows = (self.ends - self.counts).tolist()
            return self.tasks.call(function, arguments, first_rows, [kept] * len(first_rows))

        arguments, largest = literal(shared), int(self.counts.argmax())
        blocks = prepare(ALL_KEPT)
        size = computed(blocks[largest : largest + 1].call(size_of))[1] / self.counts[largest]
        if (size + BYTES_OF_VALUES) * self.ends[-1] <= memory():
            return Blocks(self._kept(blocks), self.counts, ALL_KEPT, self.places)
        kept = self.kept
        if kept == NOTHING_KEPT and BYTES_OF_VALUES * self.ends[-1] <= memory():
            kept = VALUES_KEPT
        return Blocks(prepare(kept), self.counts, kept, self.places)


class Values:
    """Values of the points of each block, kept in memory until the next iteration, and recomputed if needed later."""

    def __init__(self, blocks: Blocks, tasks: Tasks, origin: tuple[Callable, tuple], chain: int):
        """`origin`: function and arguments that computed them; `chain`: number of earlier values that they depend on."""
        self.blocks, self.origin, self.chain = blocks, origin, chain
        self._tasks: Tasks | None = tasks

    @property
    def tasks(self) -> Tasks:
        """A task for the values of each block."""
        return self._tasks or self.recipe()

    def recipe(self) -> Tasks:
        """Tasks that compute the values from the points alone."""
        function, args = self.origin
        return self.blocks.call(function, None, args).part(0)

    def release(self) -> None:
        """Let Dask free the memory."""
        self._tasks = None

    @property
    def labels(self):
        """(n,) lazily computed Dask array of the points' clusters."""
        return self.tasks.call(_labels).array(self.blocks.counts, (), np.intp)

    def memberships(self, k: int):
        """(n, k) lazily computed Dask array of the points' memberships in k clusters."""
        return self.recipe().call(_memberships).array(self.blocks.counts, (k,), float)


def blocks_of(data, name: str) -> tuple[Blocks, int]:
    """The rows of a Dask array or dataframe as blocks, arrays of doubles, and the number of columns; see `numbers_of`.

    They are kept in memory if their number is known and they fit.
    """
    tasks, d, counts = numbers_of(data, name)
    blocks = Blocks(tasks)
    return (blocks if counts is None else blocks.kept_if_possible(sum(counts), d)), d


def _call(block, values, call: tuple[Callable, tuple]):
    function, args = call
    with single_thread():  # Dask runs as many tasks at once as there are cores
        return function(block, values, *args)


def _name(function: Callable) -> str:
    return function.__name__.strip("_")


def _values(labels: np.ndarray, call: tuple[Callable, tuple]):
    function, args = call
    return function(labels, *args)


def _done(_) -> int:
    return 1


def _listed(value) -> list:
    return [value]


def _compact(pair: tuple) -> tuple:
    values, totals = pair
    return (values.compact() if hasattr(values, "compact") else values), totals


def _memberships(values) -> np.ndarray:
    return values.rows.T


def _labels(values) -> np.ndarray:
    return values.labels.astype(np.intp)


def _take(block, _, points_of: Callable | None, rows: np.ndarray) -> np.ndarray:
    return (points_of(block) if points_of else block)[rows]
