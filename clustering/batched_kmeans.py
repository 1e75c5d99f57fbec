"""Many runs of K-means on the same points, computed together.

Runs on a few thousand points or fewer spend most of their time on the overhead of NumPy calls, not on arithmetic. Here each
call serves all runs of a batch, and points are compared with centers in single precision. Where the two nearest centers of a
point are too close for that, the point is compared in double precision. Starts, labels, sums and losses are those of
`KMeans.states`, whose bounds on the gaps are used here too. A run with an empty cluster or a very small loss is not completed
here, but by `KMeans.states`.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from typing import Any

import numpy as np

from clustering.batched_seeding import SINGLE, SinglePrecision, plus_plus_rows
from clustering.chunks import chunk_size
from clustering.process import Restart, State, check_limits, iteration_limit_notice, separate_runs, summarized
from clustering.seeding import plus_plus_trials

MAX_VALUES = 2**18
"""maximum number of runs times points in a batch, which bounds its memory to about 10 MB"""
MAX_RUNS = 200
"""maximum number of runs in a batch"""
MAX_PRODUCTS = 2**24
"""maximum number of runs times multiplications per E step, because batches save calls, not multiplications"""
MIN_RUNS = 4
"""smallest number of runs for which a batch is faster"""
MAX_SCORES = 2**17
"""maximum number of scores (of one center for one point) that are compared at a time, so that they stay in the cache"""
MAX_CLOSE = 0.5
"""share of comparisons too close for single precision, above which the remaining runs are left to `KMeans.states`"""
MIN_SQUARE = 1e-250
"""smallest `max_square` for which no square of a relevant difference underflows"""
SLACK = 8 * SINGLE
"""rounding error of gaps, and of their sums with drifts, in single precision, relative to the largest norm of a point"""


def batch_size(process, prepared) -> int:
    """Number of runs of `KMeans` that are computed together; 0 if the settings or the data do not suit batches."""
    d, n = prepared.columns.shape
    given = not isinstance(process.init, str)  # all runs are the same, and centers may lie far from the points
    many = prepared.cells is not None or n > chunk_size(d + 2 * process.k)  # E steps would add up sums in another order
    if process.k == 1 or given or many or prepared.max_square < MIN_SQUARE:
        return 0
    return min(MAX_RUNS, MAX_VALUES // n, MAX_PRODUCTS // (n * process.k * d))


def batched_restarts(
    process,
    prepared,
    rngs: Iterable[np.random.Generator | int],
    partition: Callable[..., Any],
    *,
    on_step: Callable[[State], None] | None = None,
    **options,
) -> Iterator[Restart]:
    """Same as `clustering.restarts`, for K-means with prepared points.

    Runs are computed lazily in batches of `batch_size`. `on_step` is called after each iteration of a batch with the state of
    its first unfinished run, without the assignment.

    Parameters
    ----------
    process : KMeans
    prepared : PreparedPoints
    rngs, on_step, options
        As in `clustering.restarts`.
    partition : callable
        Constructs a `Partition` from its fields, with labels and expiry of each point in place of `found`.
    """
    size, rngs = batch_size(process, prepared), iter(rngs)
    if size < MIN_RUNS or options.get("start") is not None:
        yield from separate_runs(process, prepared, rngs, on_step=on_step, **options)
        return
    while batch := list(islice(rngs, size)):
        if len(batch) < MIN_RUNS:
            yield from separate_runs(process, prepared, batch, on_step=on_step, **options)
        else:
            yield from _restarts_of_batch(process, prepared, batch, partition, on_step, **options)


def _restarts_of_batch(process, prepared, rngs, partition, on_step, *, start=None, tol=None, max_iter=300):
    tol = process.tol if tol is None else tol
    check_limits(tol, max_iter)
    starts = _starts(process, prepared, [np.random.default_rng(rng) for rng in rngs])
    runs = Batch(prepared, np.array(starts)).run(tol, max_iter, on_step)
    for start, run in zip(starts, runs, strict=True):
        if run is None:
            yield summarized(process._states_from(prepared, start, tol, max_iter), on_step)
            continue
        losses, converged, parameters, fields = run
        notices = prepared.notices if converged else (*prepared.notices, iteration_limit_notice(max_iter))
        iteration, loss = len(losses) - 1, float(losses[-1])
        yield Restart(start, losses, State("E", iteration, parameters, partition(**fields), loss, converged, notices))


def _starts(process, prepared, rngs) -> list[np.ndarray]:
    """Initial centers (k, d) of each run."""
    trials = plus_plus_trials(process.init, process.k)
    independent = len({id(rng.bit_generator) for rng in rngs}) == len(rngs)
    if trials is None or not independent:
        return [process.start(prepared, rng) for rng in rngs]
    return [prepared.columns[:, rows].T + prepared.origin for rows in plus_plus_rows(prepared, process.k, rngs, trials)]


class Batch:
    """Runs of K-means from different starts. Cluster j of the run in row r of the arrays has number r k + j.

    Drifts and gaps are divided by the largest norm of a point.
    """

    def __init__(self, prepared, starts: np.ndarray):
        """`starts` (R, k, d): initial centers, which must be convex combinations of the points."""
        self.prepared, (r, self.k, self.d), self.n = prepared, starts.shape, prepared.columns.shape[1]
        self.single = SinglePrecision(prepared.columns, prepared.squares)
        self.bits = (1 << (self.k - 1).bit_length()) - 1
        """mask of the lowest bits of a score, which hold the number of its center"""
        self.error = self.single.error + 4 * self.bits * SINGLE
        """bound on the error of a squared distance"""
        width = max(MAX_SCORES // self.k, 1024)
        self.scores = np.empty((self.k, width), dtype=np.float32)
        self.chosen = np.ones((self.d + 1, width), dtype=np.float32)
        """buffer for the points that are compared"""
        self.compared = self.close = 0
        """number of points that have been compared, and of those too close for single precision"""
        self.numbers = np.arange(r)
        """(R,) number of each unfinished run"""
        self.labels = np.repeat(self.numbers * self.k, self.n).reshape(r, self.n)
        """(R, n) cluster number of each point"""
        self.expiry = np.empty((r, self.n), dtype=np.float32)
        """(R, n) see `PointLabels`"""
        self.drift = np.zeros(r * self.k)
        self.parameters = np.ascontiguousarray(starts.transpose(2, 0, 1)).reshape(self.d, -1)
        """(d, R k) centers"""
        self.centers = self.parameters - prepared.origin[:, None]
        # with this layout here, and that of `_m_step` in later iterations, rounding errors are those of `KMeans`
        first = (starts - prepared.origin).reshape(-1, self.d)
        self.squared_norms = np.einsum("md,md->m", first, first)
        self._assign(np.arange(r * self.n))
        self.changed = np.full(r, self.n)
        flat = self.labels.ravel()
        self.sizes = self._tally(flat)
        self.sums = np.array([self._tally(flat, np.tile(column, r)) for column in prepared.columns])

    def run(self, tol: float, max_iter: int, on_step: Callable[[State], None] | None = None) -> list[tuple | None]:
        """Complete the runs.

        Returns
        -------
        list of R tuples (losses, converged, parameters, fields)
            `fields`: those of the `Partition` of the last state. None instead of a run that is left to `KMeans.states`.
        """
        finished: dict[int, tuple] = {}
        losses: list[np.ndarray] = []
        total = len(self.numbers)
        negligible = max(1e-5 * self.prepared.total, self.n * self.prepared.rounding)
        for iteration in count():
            now = self._losses()
            losses.append(np.full(total, np.nan))
            losses[-1][self.numbers] = now
            if on_step is not None:
                on_step(State("E", iteration, self._of_run(self.parameters, 0), None, float(now[0])))
            usual = self.sizes.reshape(-1, self.k).all(axis=1) & (now > negligible)
            converged = np.zeros(len(now), dtype=bool)
            if iteration:
                decrease = losses[-2][self.numbers] - now
                usual &= decrease >= -1e-9 * now  # otherwise the loss may have risen by more than rounding errors
                converged = (self.changed == 0) | ((decrease <= tol) & (tol > 0))
            stopped = converged | ~usual | (iteration == max_iter)
            for row in np.flatnonzero(stopped & usual):
                finished[self.numbers[row]] = iteration, bool(converged[row]), *self._result(row)
            if stopped.all() or self.close > MAX_CLOSE * self.compared:
                break
            if stopped.any():
                self._keep(~stopped)
            self._m_step()
            self._e_step()
        table = np.array(losses)
        return [(table[: finished[i][0] + 1, i].copy(), *finished[i][1:]) if i in finished else None for i in range(total)]

    def _of_run(self, values: np.ndarray, row: int) -> np.ndarray:
        """(k, …) values of one run, given those of all clusters (…, R k)."""
        return values[..., row * self.k : (row + 1) * self.k].T.copy()

    def _result(self, row: int) -> tuple[np.ndarray, dict[str, Any]]:
        """Parameters of one run, and the fields of its `Partition`."""
        return self._of_run(self.parameters, row), dict(
            labels=(self.labels[row] - row * self.k).astype(np.min_scalar_type(self.k - 1)),
            sizes=self._of_run(self.sizes, row),
            changed=int(self.changed[row]),
            sums=self._of_run(self.sums, row),
            centers=self._of_run(self.centers, row),
            drift=self._of_run(self.drift, row) * self.single.unit,
            zero_loss=False,
            expiry=self.expiry[row] * (self.single.unit * (1 - SLACK)),
        )

    def _keep(self, rows: np.ndarray) -> None:
        """Drop all runs except those in these rows (R,)."""
        clusters, kept = np.repeat(rows, self.k), np.flatnonzero(rows)
        self.parameters, self.centers, self.sums = (
            values.compress(clusters, axis=1) for values in (self.parameters, self.centers, self.sums)
        )
        self.drift, self.sizes = self.drift[clusters], self.sizes[clusters]
        self.labels = self.labels[kept] - (self.k * (kept - np.arange(len(kept))))[:, None]
        self.expiry, self.numbers = self.expiry[kept], self.numbers[kept]

    def _tally(self, labels: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """(R k,) sum of the weights of each cluster, or its size."""
        return np.bincount(labels, weights, minlength=len(self.drift))

    def _losses(self) -> np.ndarray:
        """(R,) loss of each run, rounded as in `KMeans.e_step`."""
        centers, sums = (
            values.reshape(self.d, -1, self.k).transpose(1, 2, 0).reshape(-1, self.k * self.d)
            for values in (self.centers, self.sums)
        )
        sizes, squared_norms = self.sizes.reshape(-1, self.k).astype(float), self.squared_norms.reshape(-1, self.k)
        return self.prepared.total - (2 * np.vecdot(centers, sums) - np.vecdot(sizes, squared_norms))

    def _m_step(self) -> None:
        parameters = self.sums / self.sizes + self.prepared.origin[:, None]
        centers = parameters - self.prepared.origin[:, None]
        self.drift += self._shrinkage(centers - self.centers)
        self.parameters, self.centers = parameters, centers
        self.squared_norms = np.einsum("dm,dm->m", centers, centers)

    def _shrinkage(self, moves: np.ndarray) -> np.ndarray:
        """(R k,) upper bound on how much the gaps of each cluster's points shrink, as in `KMeans`; `moves` (d, R k)."""
        lengths = (np.sqrt(np.einsum("dm,dm->m", moves, moves)) / self.single.unit).reshape(-1, self.k)
        runs, most_moved = np.arange(len(lengths)), lengths.argmax(axis=1)
        largest = lengths[runs, most_moved]
        shrinkage = lengths + largest[:, None]
        lengths[runs, most_moved] = 0.0
        shrinkage[runs, most_moved] = largest + lengths.max(axis=1)
        return shrinkage.ravel()

    def _e_step(self) -> None:
        """Assign the points whose gap may be used up."""
        due = (self.drift * (1 + SLACK)).astype(np.float32)
        moved, old, new = self._assign(np.flatnonzero(self.expiry < due.take(self.labels, mode="clip")))
        runs, points = np.divmod(moved, self.n)
        self.changed = np.bincount(runs, minlength=len(self.numbers))
        if moved.size:
            self.sizes = self.sizes + (self._tally(new) - self._tally(old))
            columns = self.prepared.columns.take(points, axis=1)
            self.sums = self.sums + np.array([self._tally(new, column) - self._tally(old, column) for column in columns])

    def _assign(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Assign points to the nearest centers of their runs.

        Parameters
        ----------
        rows : (m,) increasing indices into the flattened labels

        Returns
        -------
        moved, old, new : rows whose label has changed, with their old and new cluster numbers
        """
        factors = self.single.factors(self.centers).reshape(len(self.numbers), self.k, self.d + 1)
        drift, width = self.drift.astype(np.float32), self.scores.shape[1]
        all_labels, all_expiry = self.labels.reshape(-1), self.expiry.reshape(-1)
        parts = [(np.empty(0, dtype=np.intp),) * 3]
        for begin in range(0, len(rows), width):
            part = rows[begin : begin + width]
            bounds = part.searchsorted(np.arange(len(factors) + 1) * self.n)
            runs = np.repeat(np.arange(len(factors)), np.diff(bounds))
            labels, gaps = self._nearest(factors, bounds, runs, part - runs * self.n)
            labels += runs * self.k
            old = all_labels.take(part)
            all_labels[part], all_expiry[part] = labels, gaps + drift.take(labels, mode="clip")
            moved = (labels != old).nonzero()
            parts.append((part[moved], old[moved], labels[moved]))
        return tuple(map(np.concatenate, zip(*parts, strict=True)))

    def _nearest(self, factors, bounds, runs, points) -> tuple[np.ndarray, np.ndarray]:
        """Labels (m,) in 0..k-1 and lower bounds (m,) on the gaps of m pairs of `runs` and `points`, sorted by run.

        The pairs of run i start at `bounds[i]`. `factors` (R, k, d + 1): centers, see `SinglePrecision.factors`.
        """
        columns, scores = self.chosen[:, : points.size], self.scores[:, : points.size]
        for column, out in zip(self.single.columns[:-1], columns, strict=False):
            column.take(points, out=out, mode="clip")  # other modes copy `out`
        with np.errstate(invalid="ignore"):  # a product of finite numbers may set this flag in partly filled registers
            for i in np.flatnonzero(np.diff(bounds)).tolist():
                part = slice(bounds[i], bounds[i + 1])
                np.matmul(factors[i], columns[:, part], out=scores[:, part])
        # store the number of the center in the lowest bits of each score, so that the minimum carries it
        bits = scores.view(np.int32)
        bits &= ~self.bits
        bits |= np.arange(self.k, dtype=np.int32)[:, None]
        smallest, second = two_smallest(scores)
        labels = (smallest.view(np.int32) & self.bits).astype(np.intp)
        close = np.flatnonzero(second - smallest < 2 * self.error)
        squares = self.single.squares.take(points)
        smallest += squares
        second += squares
        smallest += self.error
        second -= self.error
        gaps = np.sqrt(np.maximum(second, 0.0, out=second), out=second)
        gaps -= np.sqrt(np.maximum(smallest, 0.0, out=smallest), out=smallest)
        self.compared += points.size
        self.close += close.size
        if close.size:
            labels[close], gaps[close] = self._resolve(runs[close], points[close])
        gaps -= SLACK
        return labels, gaps

    def _resolve(self, runs, points) -> tuple[np.ndarray, np.ndarray]:
        """Labels and gaps of pairs of runs and points, from the original points in double precision as in `KMeans.e_step`."""
        distances = np.zeros((len(points), self.k))
        for column, coordinates in zip(self.prepared.points.T, self.parameters, strict=True):
            distances += np.square(column[points][:, None] - coordinates.reshape(-1, self.k)[runs])
        labels = distances.argmin(axis=1)
        distances.partition(1, axis=1)
        return labels, (np.sqrt(distances[:, 1]) - np.sqrt(distances[:, 0])) / self.single.unit


def two_smallest(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and second smallest entry of each column of `rows` (k, m), in rounds that halve the number of rows."""
    half = len(rows) // 2
    smallest, second = np.minimum(rows[:half], rows[half : 2 * half]), np.maximum(rows[:half], rows[half : 2 * half])
    if len(rows) % 2:
        _merge(smallest[0], second[0], rows[-1], None)
    while len(smallest) > 1:
        if len(smallest) % 2:
            _merge(smallest[0], second[0], smallest[-1], second[-1])
        half = len(smallest) // 2
        _merge(smallest[:half], second[:half], smallest[half : 2 * half], second[half : 2 * half])
        smallest, second = smallest[:half], second[:half]
    return smallest[0], second[0]


def _merge(smallest, second, other_smallest, other_second) -> None:
    """Update the two smallest entries with those of other rows; overwrites its first two arguments."""
    if other_second is not None:
        np.minimum(second, other_second, out=second)
    np.minimum(second, np.maximum(smallest, other_smallest), out=second)
    np.minimum(smallest, other_smallest, out=smallest)
