"""Many runs of a mixture on the same points, computed together.

Runs on a few thousand points or fewer spend most of their time on the overhead of NumPy calls, not on arithmetic. Here the
arrays of all unfinished runs of a batch are stacked, so that each call serves all of them. Every run has the same states as
alone. A run whose components are too narrow for sums of products (see `clustering.mixture`) is completed alone.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import is_dataclass
from itertools import islice
from typing import Any

import numpy as np

from clustering.process import Restart, State, check_limits, separate_runs

MAX_VALUES = 2**18
"""maximum number of runs times components times points in a batch, which bounds its memory to about 20 MB"""
MIN_RUNS = 2
"""smallest number of runs for which a batch is faster"""


def batched_restarts(
    process,
    prepared,
    rngs: Iterable[np.random.Generator | int],
    *,
    on_step: Callable[[State], None] | None = None,
    **options,
) -> Iterator[Restart]:
    """Same as `clustering.restarts`, for a `GaussianMixture` or a subclass whose steps accept several runs at once.

    Runs are computed lazily in batches. `on_step` is called after each iteration of a batch with the state of its first
    unfinished run, without the assignment.
    """
    size, rngs = batch_size(process, prepared), iter(rngs)
    if size < MIN_RUNS or options.get("start") is not None:
        yield from separate_runs(process, prepared, rngs, on_step=on_step, **options)
        return
    while batch := list(islice(rngs, size)):
        if len(batch) < MIN_RUNS:
            yield from separate_runs(process, prepared, batch, on_step=on_step, **options)
        else:
            yield from _restarts_of_batch(process, prepared, batch, on_step, **options)


def batch_size(process, prepared) -> int:
    """Number of runs that are computed together; 0 if the settings or the data do not suit batches."""
    given = not isinstance(process.init, str)  # all runs are the same
    if given or process.covariance == "tied" or prepared.blocks is not None or prepared.weights is not None:
        return 0
    return MAX_VALUES // (process.k * prepared.columns.shape[1])


def _restarts_of_batch(process, prepared, rngs, on_step, *, start=None, tol=None, max_iter=300):
    tol = process.tol if tol is None else tol
    check_limits(tol, max_iter)
    starts = [process.start(prepared, np.random.default_rng(rng)) for rng in rngs]
    losses: list[list[float]] = [[] for _ in rngs]
    last: list[State | None] = [None] * len(rngs)
    rest: dict[int, Iterator[State]] = {}
    """the remaining states of the runs that are completed alone"""
    numbers, parameters, before = np.arange(len(rngs)), _stacked(starts), None
    for iteration in range(max_iter + 1):
        assignment, found = process.e_step(prepared, parameters, before and before.assignment)
        after = State("E", iteration, parameters, assignment, found)
        alone = np.isnan(found)
        for row in np.flatnonzero(alone).tolist():
            state = before and _of_run(before, row)
            rest[numbers[row]] = process._states_from(prepared, _of_run(parameters, row), tol, max_iter, state)
        ends = alone.copy()
        if before is not None:
            ends |= process.has_converged(before, parameters, assignment, found, tol)
        ends |= iteration == max_iter
        for row in np.flatnonzero(~alone).tolist():
            losses[numbers[row]].append(float(found[row]))
            if ends[row]:
                state = before and _of_run(before, row)
                last[numbers[row]] = process._state(prepared, state, *_of_run(after[2:5], row), iteration, tol, max_iter)
        numbers = numbers[~ends]
        if on_step is not None and len(numbers):
            row = int(np.flatnonzero(~ends)[0])
            on_step(State("E", iteration, _of_run(parameters, row), None, float(found[row])))
        if not len(numbers):
            break
        before = _rows(after, ~ends) if ends.any() else after
        parameters = process.m_step(prepared, before.assignment, before.parameters)
    for i, start in enumerate(starts):
        for state in rest.get(i, ()):
            losses[i].append(state.loss)
            last[i] = state
            if on_step is not None:
                on_step(state)
        yield Restart(start, np.array(losses[i]), last[i])


def _stacked(starts: list[tuple]) -> tuple:
    """Parameters of several runs, as parameters whose arrays have a leading axis of runs."""
    return type(starts[0])(*map(np.stack, zip(*starts, strict=True)))


def _rows(value: Any, rows: np.ndarray) -> Any:
    """The part of a state, or of a part of it, that belongs to these runs (R,)."""
    return _mapped(lambda array: array[rows], value)


def _of_run(value: Any, row: int) -> Any:
    """The part of a state, or of a part of it, that belongs to one run, as copies and Python numbers."""
    return _mapped(lambda array: array[row].copy() if array.ndim > 1 else array[row].item(), value)


def _mapped(function: Callable[[np.ndarray], Any], value: Any) -> Any:
    """The value with the function applied to each array in it."""
    if isinstance(value, np.ndarray):
        return function(value)
    if isinstance(value, tuple):
        parts = [_mapped(function, part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if is_dataclass(value):
        return type(value)(**{name: _mapped(function, part) for name, part in vars(value).items()})
    return value
