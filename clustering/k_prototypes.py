"""K-prototypes for tables of numbers and categories, and K-modes for categories alone.

    loss = sum over rows x of ||x - c(x)||^2 + gamma * (number of categories in which x differs from the mode of its cluster)

x: `numbers` (n, p) and `codes` (n, q) of a `MixedTable`; c: `Prototypes.numbers` (k, p) with `Prototypes.modes` (k, q).
K-means is the case without categories, K-modes the case without numbers. Huang 1998, doi:10.1023/A:1009769707641.

    E step   each row belongs to the cluster with the smallest dissimilarity, the lowest index if tied
    M step   numbers: mean of the rows of the cluster; categories: the most frequent code, the lowest code if tied

Both steps minimize the loss, so it never rises. Huang updates a prototype after each reassigned row; here, as in Lloyd's
algorithm for K-means, all rows are assigned before the prototypes are updated.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from clustering.chunks import map_chunks
from clustering.distances import squared_distances
from clustering.notices import EMPTY_CLUSTER, Notice
from clustering.points import EPS, check_data, check_k, check_points, column_means, distinct_points_notices
from clustering.process import Alternating, State
from clustering.seeding import rows_by_name

CHUNK = 2**14
"""rows processed at a time"""


@dataclass(frozen=True, eq=False)
class MixedTable:
    """A table of numbers and categories without missing values."""

    numbers: np.ndarray
    """(n, p) numeric columns; p may be 0"""
    codes: np.ndarray
    """(n, q) category codes, integers of at least 0"""

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows) -> "MixedTable":
        """The table restricted to these rows."""
        return MixedTable(self.numbers[rows], self.codes[rows])


class Prototypes(NamedTuple):
    """The prototypes of k clusters."""

    numbers: np.ndarray
    """(k, p) means of the numeric columns"""
    modes: np.ndarray
    """(k, q) codes of the categories"""
    gamma: float = 1.0
    """weight of a category that differs; a run replaces the one of its start with its own"""


class PreparedMixedTable(NamedTuple):
    """A table in the form that the steps of `KPrototypes` use."""

    table: MixedTable
    columns: np.ndarray
    """(p, n) numeric columns"""
    origin: np.ndarray
    """(p,) means of the numeric columns; differences from them are summed, so that less precision is lost"""
    codes: np.ndarray
    """(q, n) category codes"""
    levels: tuple[np.ndarray, ...]
    """the distinct codes of each categorical column, in increasing order"""
    positions: np.ndarray
    """(q, n) position of each code among the distinct codes of its column"""
    gamma: float
    rounding: float
    """squared distance that rounding alone can produce between a row and the mean of its duplicates"""
    k: int
    """number of clusters that `notices` refer to"""
    notices: tuple[Notice, ...]


@dataclass(frozen=True, eq=False)
class MixedPartition:
    """Assignment of each row to the prototype with the smallest dissimilarity, the lowest index if tied."""

    compact_labels: np.ndarray
    """(n,) cluster of each row, in the smallest unsigned integer type that holds k - 1"""
    nearest: np.ndarray
    """(n,) dissimilarity of each row to its prototype"""
    sizes: np.ndarray
    """(k,) number of rows in each cluster"""
    changed: int
    """number of rows whose cluster differs from the previous iteration; n in the first one"""
    memberships = None
    """hard assignment: no memberships"""

    @cached_property
    def labels(self) -> np.ndarray:
        """(n,) cluster of each row"""
        return self.compact_labels.astype(np.intp)


@dataclass(frozen=True, eq=False)  # comparing would fail if `init` contains arrays
class KPrototypes(Alternating):
    """K-prototypes.

    Parameters
    ----------
    k : int
        Number of clusters, 1..n.
    gamma : float, optional
        Weight of a category that differs, in the unit of the squared distance of the numbers; at least 0. By default half of
        the mean standard deviation of the numeric columns, Huang's rule as in the package kmodes; 1 if there are no numeric
        columns or if all are constant.
    init : {"k-means++", "plain k-means++", "random", "maxmin"} or Prototypes
        Initialization with the dissimilarity of the loss, see `clustering.seeding`, or the initial prototypes.

    Notes
    -----
    The result is a local minimum that depends on the initialization; see `best_of`. The default of gamma is a standard
    deviation while distances are squared, so it suits standardized columns, for which it is 0.5; with other units, numbers
    with a large variance outweigh the categories. A category counts the same whether it is rare or common.

    The M step moves the prototype of an empty cluster to the row that is farthest from its assigned prototype, among clusters
    with at least two rows. This reduces the loss. If every row equals its prototype, the cluster stays empty.
    """

    k: int
    gamma: float | None = None
    init: str | Prototypes = "k-means++"

    loss_name = "sum of squared distances of the numbers plus gamma times the number of categories that differ"
    tol = 0.0

    def __post_init__(self):
        if self.gamma is not None and not 0 <= self.gamma < np.inf:
            raise ValueError(f"gamma must be a finite number of at least 0, got {self.gamma}")

    def prepare(self, data) -> PreparedMixedTable:
        """Check the table, a `MixedTable`.

        Raises ValueError if it has no column of categories, a code is not an integer of at least 0, or the numbers of rows
        differ; and as in `check_data` and `check_k`.
        """
        if isinstance(data, PreparedMixedTable):
            check_k(self.k, len(data.table))
            if data.k == self.k:
                return data
            return data._replace(k=self.k, notices=distinct_points_notices(_joined(data.table), self.k))
        table = self._checked(data)
        check_k(self.k, len(table))
        columns, codes = np.ascontiguousarray(table.numbers.T), np.ascontiguousarray(table.codes.T)
        origin, rounding, gamma = np.zeros(0), 0.0, 1.0
        if len(columns):
            origin, varies = column_means(table.numbers)
            largest = float(np.square(columns - origin[:, None]).sum(axis=0).max())
            rounding = len(columns) * (8 * EPS) ** 2 * (largest + float(np.square(origin[varies]).sum()))
            gamma = 0.5 * float(table.numbers.std(axis=0)[varies].sum()) / len(columns) or 1.0
        found = [np.unique(column, return_inverse=True) for column in codes]
        return PreparedMixedTable(
            table,
            columns,
            origin,
            codes,
            tuple(levels for levels, _ in found),
            np.stack([positions.reshape(-1) for _, positions in found]),
            gamma if self.gamma is None else float(self.gamma),
            rounding,
            self.k,
            distinct_points_notices(_joined(table), self.k),
        )

    def start(self, prepared: PreparedMixedTable, rng: np.random.Generator) -> Prototypes:
        """Initial prototypes according to `init`."""
        if not isinstance(self.init, str):
            return self.check_start(prepared, self.init)

        def at(rows) -> Prototypes:
            return Prototypes(prepared.columns[:, rows].T, prepared.codes[:, rows].T, prepared.gamma)

        def dissimilarities_to(rows):
            return dissimilarities(at(rows), prepared.columns, prepared.codes)

        return at(rows_by_name(self.init, dissimilarities_to, len(prepared.table), self.k, rng))

    def check_start(self, prepared: PreparedMixedTable, start) -> Prototypes:
        """Copy of the prototypes, with the gamma of the run. Raises ValueError if they do not fit the table."""
        numbers, modes = self._parts(start)
        codes = _checked_codes(modes, "modes")
        numbers = _checked_numbers(numbers, "start")
        shapes = (self.k, len(prepared.columns)), (self.k, len(prepared.codes))
        if (numbers.shape, codes.shape) != shapes:
            raise ValueError(
                f"start must be prototypes with numbers of shape {shapes[0]} and modes of shape {shapes[1]}, got "
                f"{numbers.shape} and {codes.shape}"
            )
        return Prototypes(numbers.copy(), codes.copy(), prepared.gamma)

    def predict(self, prototypes, data) -> np.ndarray:
        """(m,) cluster of each row of a table, seen or new: the smallest dissimilarity, the lowest index if tied.

        Raises ValueError as in `prepare`, or if the table has other columns than the prototypes.
        """
        table = self._checked(data)
        numbers, modes = prototypes.numbers, prototypes.modes
        widths = table.numbers.shape[1], table.codes.shape[1]
        if widths != (numbers.shape[1], modes.shape[1]):
            raise ValueError(
                f"the table must have {numbers.shape[1]} columns of numbers and {modes.shape[1]} of categories like the "
                f"prototypes, got {widths[0]} and {widths[1]}"
            )
        labels = np.empty(len(table), dtype=np.intp)
        columns, codes = table.numbers.T, table.codes.T

        def part(chunk):
            labels[chunk] = dissimilarities(prototypes, columns[:, chunk], codes[:, chunk]).argmin(axis=0)

        map_chunks(part, len(table), CHUNK)
        return labels

    def e_step(self, prepared: PreparedMixedTable, parameters: Prototypes, before: MixedPartition | None = None):
        n = len(prepared.table)
        labels, nearest = np.empty(n, dtype=np.min_scalar_type(self.k - 1)), np.empty(n)

        def part(chunk):
            values = dissimilarities(parameters, prepared.columns[:, chunk], prepared.codes[:, chunk])
            labels[chunk] = values.argmin(axis=0)
            nearest[chunk] = values.min(axis=0)

        map_chunks(part, n, CHUNK)
        changed = n if before is None else int(np.count_nonzero(labels != before.compact_labels))
        return MixedPartition(labels, nearest, np.bincount(labels, minlength=self.k), changed), float(nearest.sum())

    def m_step(self, prepared: PreparedMixedTable, assignment: MixedPartition, parameters: Prototypes) -> Prototypes:
        labels, sizes = _filled(prepared, assignment)
        numbers, modes = parameters.numbers.copy(), parameters.modes.copy()
        used = sizes > 0
        for j, (column, origin) in enumerate(zip(prepared.columns, prepared.origin, strict=True)):
            sums = np.bincount(labels, column - origin, self.k)
            numbers[used, j] = sums[used] / sizes[used] + origin
        for j, (positions, levels) in enumerate(zip(prepared.positions, prepared.levels, strict=True)):
            counts = np.bincount(labels * len(levels) + positions, minlength=self.k * len(levels)).reshape(self.k, -1)
            modes[used, j] = levels[counts.argmax(axis=1)][used]
        return Prototypes(numbers, modes, parameters.gamma)

    def m_step_loss(
        self, prepared: PreparedMixedTable, assignment: MixedPartition, parameters, new_parameters: Prototypes
    ) -> float:
        # rows moved to empty clusters count with their new prototypes
        labels, _ = _filled(prepared, assignment)
        squares = sum(
            float(np.square(column - new_parameters.numbers[labels, j]).sum()) for j, column in enumerate(prepared.columns)
        )
        differing = sum(
            int(np.count_nonzero(column != new_parameters.modes[labels, j])) for j, column in enumerate(prepared.codes)
        )
        return squares + prepared.gamma * differing

    def has_converged(self, before: State, parameters, assignment: MixedPartition, loss: float, tol: float) -> bool:
        if loss == 0 or (assignment.changed == 0 and assignment.sizes.all()):
            return True
        # with a tolerance, or an empty cluster that cannot be filled, compare losses
        same = all(np.array_equal(old, new) for old, new in zip(before.parameters, parameters, strict=True))
        return before.loss - loss <= tol and (tol > 0 or same)

    def notices(self, prepared: PreparedMixedTable, parameters, assignment: MixedPartition) -> tuple[Notice, ...]:
        if assignment.sizes.all():
            return prepared.notices
        empty = np.flatnonzero(assignment.sizes == 0)
        text = (
            "{who} lost all points. The M step moves the prototype of an empty cluster to the point farthest from its "
            "assigned prototype, unless all points equal their prototypes. If this happens often, K is too large or the "
            "initialization is poor."
        )
        return (*prepared.notices, Notice(EMPTY_CLUSTER, text, tuple(empty.tolist())))

    def rounding_error(self, prepared: PreparedMixedTable, assignment: MixedPartition, loss: float) -> float:
        return 1e-9 * abs(loss) + len(prepared.table) * prepared.rounding

    def _checked(self, data) -> MixedTable:
        if not isinstance(data, MixedTable):
            raise ValueError(f"the data must be a MixedTable of numbers and codes, got {type(data).__name__}")
        codes = _checked_codes(data.codes, "codes")
        numbers = _checked_numbers(data.numbers, "numbers")
        if len(numbers) != len(codes):
            raise ValueError(f"numbers and codes must have the same number of rows, got {len(numbers)} and {len(codes)}")
        return MixedTable(numbers, codes)

    def _parts(self, start) -> tuple[np.ndarray, np.ndarray]:
        """Numbers and modes of initial prototypes."""
        if not isinstance(start, Prototypes):
            raise ValueError(f"start must be Prototypes, got {type(start).__name__}")
        return start.numbers, start.modes


@dataclass(frozen=True, eq=False)
class KModes(KPrototypes):
    """K-modes: K-prototypes without numbers. The loss is the number of categories that differ from the modes.

    Parameters
    ----------
    k : int
        Number of clusters, 1..n.
    init : {"k-means++", "plain k-means++", "random", "maxmin"} or (k, q) array
        Initialization, as in `KPrototypes`, or the codes of the initial modes.

    Notes
    -----
    The data are category codes (n, q), integers of at least 0. Parameters are `Prototypes` without numbers.
    """

    gamma: float = field(default=1.0, init=False)
    init: str | np.ndarray = "k-means++"

    loss_name = "number of categories that differ from the modes"

    def _checked(self, data) -> MixedTable:
        codes = _checked_codes(data, "codes")
        return MixedTable(np.empty((len(codes), 0)), codes)

    def _parts(self, start) -> tuple[np.ndarray, np.ndarray]:
        modes = start.modes if isinstance(start, Prototypes) else np.asarray(start)
        return np.empty((len(modes), 0)), modes


def dissimilarities(prototypes: Prototypes, columns: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """(k, n) dissimilarity of each prototype to rows given transposed, as numbers (p, n) and codes (q, n)."""
    differing = np.zeros((len(prototypes.modes), codes.shape[1]))
    for column, modes in zip(codes, prototypes.modes.T, strict=True):
        differing += column != modes[:, None]
    return squared_distances(columns, prototypes.numbers) + prototypes.gamma * differing


def _filled(prepared: PreparedMixedTable, partition: MixedPartition) -> tuple[np.ndarray, np.ndarray]:
    """Labels (n,) and sizes (k,) after rows far from their prototypes were moved to empty clusters, one to each.

    Only rows of clusters with at least two rows are moved.
    """
    labels, sizes = partition.labels, partition.sizes
    if sizes.all():
        return labels, sizes
    labels, sizes, distances = labels.copy(), sizes.copy(), partition.nearest.copy()
    for cluster in np.flatnonzero(sizes == 0):
        distances[sizes[labels] < 2] = 0.0
        farthest = int(distances.argmax())
        if distances[farthest] <= prepared.rounding:  # it equals its prototype: no improvement possible
            break
        sizes[labels[farthest]] -= 1
        labels[farthest], sizes[cluster], distances[farthest] = cluster, 1, 0.0
    return labels, sizes


def _joined(table: MixedTable) -> np.ndarray:
    return np.column_stack([table.numbers, table.codes])


def _checked_numbers(numbers, name: str) -> np.ndarray:
    """Numbers (n, p) as doubles; p may be 0."""
    if np.ndim(numbers) == 2 and np.shape(numbers)[1] == 0:
        return np.asarray(numbers, dtype=float)
    return check_data(numbers) if name == "numbers" else check_points(numbers, name)


def _checked_codes(codes, name: str) -> np.ndarray:
    """Codes (n, q) as integers."""
    codes = np.asarray(codes)
    if codes.ndim != 2 or not codes.size or codes.dtype.kind not in "biu":
        raise ValueError(
            f"{name} must be category codes, an array of integers with at least one row and one column, got an array of "
            f"{codes.dtype} with shape {codes.shape}"
        )
    codes = codes.astype(np.int64)
    if codes.min() < 0:
        row, column = np.argwhere(codes < 0)[0]
        raise ValueError(
            f"{name} must be at least 0, but row {row}, column {column} is {codes[row, column]}: drop rows with missing "
            "categories or impute them"
        )
    return codes
