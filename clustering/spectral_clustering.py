"""Spectral clustering: K-means on the leading eigenvectors of a normalized matrix of affinities.

    A(i, j) = exp(-D(i, j)^2 / 2 s^2) for i != j,   A(i, i) = 0          (Gaussian kernel)
    N = G^-1/2 A G^-1/2,   G: diagonal matrix of the degrees g_i = sum over j of A(i, j)
    y_i = row i of the k leading eigenvectors of N, divided by its length
    loss = sum over points i of ||y_i - c(i)||^2,   c(i): nearest center

D: dissimilarities (n, n), such as distances of points; s: width of the kernel. Affinities connect each point with points
nearby, so clusters can have any shape, as long as they are connected in themselves and separated from others. If the
affinities between clusters are 0, all points of a cluster have the same y. Ng, Jordan & Weiss 2001, "On spectral clustering:
analysis and an algorithm", NeurIPS 14.

As an alternative to the kernel, A(i, j) is 1 if i and j are among the nearest neighbors of each other, 1/2 if only one of them
is among those of the other, and 0 otherwise; von Luxburg 2007, doi:10.1007/s11222-007-9033-z.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve, eigh
from scipy.sparse.linalg import LinearOperator, eigsh

from clustering.kmeans import KMeans, Partition, PreparedPoints
from clustering.notices import Notice
from clustering.points import check_k, is_integer
from clustering.process import Alternating, State
from clustering.proximity import check_proximities

GAUSSIAN, NEIGHBORS = "gaussian", "neighbors"
AFFINITIES = (GAUSSIAN, NEIGHBORS)
SEPARATE_COMPONENTS = "separate components"
SCALE_NEIGHBOR = 7
"""the unit of the kernel width is the median distance to the nearest neighbor with this number, like the local scales in
Zelnik-Manor & Perona 2004, "Self-tuning spectral clustering", NeurIPS 17"""
MAX_DENSE = 800
"""number of points up to which the dense eigensolver is faster"""
MIN_LENGTH = 1e-9
"""length of a row of the eigenvectors, as a fraction of the longest, below which it is rounding error and counts as 0"""
SHIFT = 1e-6
"""distance of the shift of shift-invert mode, which finds the eigenvalues closest to it, from the largest eigenvalue, 1"""


class Spectrum(NamedTuple):
    """Largest eigenvalues of the normalized affinities N, and rows of their eigenvectors as points for K-means."""

    rows: PreparedPoints
    """rows y (n, k) of the eigenvectors with length 1, prepared for K-means"""
    values: np.ndarray
    """(k,) largest eigenvalues of N, in descending order; the first is 1"""
    degrees: np.ndarray
    """(n,) sum of the affinities of each point"""
    width: float
    """s, in the unit of the dissimilarities; NaN for nearest neighbors"""
    components: int
    """number of connected components of the affinities"""


@dataclass(frozen=True, eq=False)  # comparing would fail if `init` is an array
class SpectralClustering(Alternating):
    """Spectral clustering of dissimilarities by the algorithm of Ng, Jordan & Weiss.

    Parameters
    ----------
    k : int
        Number of clusters, 1..n, and of eigenvectors.
    affinity : {"gaussian", "neighbors"}
        Gaussian kernel, or graph of nearest neighbors.
    width : float
        Width s of the Gaussian kernel, above 0, as a multiple of the median distance of a point to its
        `SCALE_NEIGHBOR`-th nearest neighbor.
    neighbors : int
        Number of nearest neighbors, at least 1, not counting the point itself. Ties are broken by row.
    init : {"k-means++", "plain k-means++", "random", "maxmin"} or (k,) integer array or (k, k) array
        Initialization of K-means, see `clustering.seeding`, or rows of the points whose y are the initial centers, or the
        initial centers.

    Notes
    -----
    Parameters of a state are the centers (k, k) in the space of the eigenvectors. Needs the (n, n) matrix and O(n^3) time.

    The result depends on the width: if it is too small, single points become clusters, and if it is too large, clusters are
    those of K-means or worse. New points cannot be assigned.
    """

    k: int
    affinity: str = GAUSSIAN
    width: float = 1.0
    neighbors: int = 10
    init: str | np.ndarray = "k-means++"

    loss_name = "sum of squared distances between rows of eigenvectors and centers"
    tol = 0.0

    def __post_init__(self):
        if self.affinity not in AFFINITIES:
            raise ValueError(f"affinity must be one of {', '.join(AFFINITIES)}, got {self.affinity!r}")
        if not 0 < self.width < np.inf:
            raise ValueError(f"width must be a finite number above 0, got {self.width}")
        if not is_integer(self.neighbors) or self.neighbors < 1:
            raise ValueError(f"neighbors must be an integer of at least 1, got {self.neighbors}")

    @property
    def _kmeans(self) -> KMeans:
        return KMeans(self.k, self.init)

    def prepare(self, data) -> Spectrum:
        """Eigenvectors of the affinities; `data` is an (n, n) matrix of dissimilarities. A `Spectrum` is returned unchanged.

        Raises ValueError as in `check_proximities` and `check_k`, or if a `Spectrum` has another number of eigenvectors.
        """
        if isinstance(data, Spectrum):
            if len(data.values) != self.k:
                found = len(data.values)
                raise ValueError(f"this spectrum has {found} eigenvectors instead of k={self.k}: prepare the data again")
            return data
        matrix = check_proximities(data)
        check_k(self.k, len(matrix))
        affinities, width = self._affinities(matrix)
        degrees = affinities.sum(axis=1)
        values, vectors = _leading(affinities, degrees, self.k)
        lengths = np.linalg.norm(vectors, axis=1)
        # rows of rounding errors, in components that these eigenvectors do not reach, count as 0
        reached = lengths > MIN_LENGTH * lengths.max()
        rows = np.where(reached[:, None], vectors / np.where(reached, lengths, 1.0)[:, None], 0.0)
        return Spectrum(
            KMeans(self.k).prepare(rows)._replace(notices=()), values, degrees, width, _component_count(affinities)
        )

    def _affinities(self, matrix: np.ndarray) -> tuple[np.ndarray, float]:
        """Affinities (n, n), and the width of the kernel."""
        n = len(matrix)
        if self.affinity == GAUSSIAN:
            width = self.width * neighbor_scale(matrix)
            # in this order, because squares of small numbers may underflow
            affinities = np.exp(-0.5 * np.square(matrix / width))
            np.fill_diagonal(affinities, 0.0)
            return affinities, width
        distances = np.array(matrix)
        np.fill_diagonal(distances, -1.0)  # the point itself comes first, also among duplicates
        nearest = np.argsort(distances, axis=1, kind="stable")[:, 1 : self.neighbors + 1]
        affinities = np.zeros((n, n))
        np.put_along_axis(affinities, nearest, 0.5, axis=1)
        return affinities + affinities.T, np.nan

    def start(self, prepared: Spectrum, rng: np.random.Generator) -> np.ndarray:
        """Initial centers (k, k) in the space of the eigenvectors, given by `init`."""
        if isinstance(self.init, str):
            return self._kmeans.start(prepared.rows, rng)
        return self.check_start(prepared, self.init)

    def check_start(self, prepared: Spectrum, start) -> np.ndarray:
        """Copy of the centers (k, k), or the y of the given rows (k,).

        Raises ValueError as in `KMeans.check_start`, or if the rows are not k integers in 0..n-1.
        """
        start = np.asarray(start)
        if start.ndim != 1:
            return self._kmeans.check_start(prepared.rows, start)
        n = len(prepared.degrees)
        if start.shape != (self.k,) or not np.issubdtype(start.dtype, np.integer) or not ((start >= 0) & (start < n)).all():
            raise ValueError(f"start must be {self.k} rows in 0..n-1={n - 1}, or centers, got {start.tolist()}")
        return prepared.rows.points[start]

    def e_step(self, prepared: Spectrum, parameters, before: Partition | None = None) -> tuple[Partition, float]:
        return self._kmeans.e_step(prepared.rows, parameters, before)

    def m_step(self, prepared: Spectrum, assignment: Partition, parameters) -> np.ndarray:
        return self._kmeans.m_step(prepared.rows, assignment, parameters)

    def m_step_loss(self, prepared: Spectrum, assignment: Partition, parameters, new_parameters) -> float:
        return self._kmeans.m_step_loss(prepared.rows, assignment, parameters, new_parameters)

    def has_converged(self, before: State, parameters, assignment: Partition, loss: float, tol: float) -> bool:
        return self._kmeans.has_converged(before, parameters, assignment, loss, tol)

    def notices(self, prepared: Spectrum, parameters, assignment: Partition) -> tuple[Notice, ...]:
        found = self._kmeans.notices(prepared.rows, parameters, assignment)
        if prepared.components <= self.k:
            return found
        remedy = "a larger width" if self.affinity == GAUSSIAN else "more neighbors"
        text = (
            f"The affinities connect the points in {prepared.components:,} separate components, more than K = {self.k}, so "
            f"which of them form clusters is arbitrary. Choose {remedy}, or a larger K."
        )
        return (*found, Notice(SEPARATE_COMPONENTS, text))

    def rounding_error(self, prepared: Spectrum, assignment: Partition, loss: float) -> float:
        return self._kmeans.rounding_error(prepared.rows, assignment, loss)


def neighbor_scale(matrix: np.ndarray) -> float:
    """Median distance of a point to its `SCALE_NEIGHBOR`-th nearest neighbor, or to the farthest if there are fewer.

    If it is 0, because most points have duplicates, the smallest positive distance; 1 if all distances are 0.
    """
    n = len(matrix)
    number = min(SCALE_NEIGHBOR, n - 1)
    # a point is its own neighbor number 0
    scale = float(np.median(np.partition(matrix, number, axis=1)[:, number]))
    if scale > 0:
        return scale
    positive = matrix[matrix > 0]
    return float(positive.min()) if positive.size else 1.0


def _component_count(affinities: np.ndarray) -> int:
    """Number of connected components of a symmetric matrix: sets of points between which all entries are 0."""
    left, count = np.ones(len(affinities), dtype=bool), 0
    while left.any():
        found = np.flatnonzero(left)[:1]
        count += 1
        while found.size:
            left[found] = False
            found = np.flatnonzero((affinities[found] > 0).any(axis=0) & left)
    return count


def _leading(affinities: np.ndarray, degrees: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Largest k eigenvalues of the normalized affinities in descending order, and eigenvectors (n, k).

    The entry of each eigenvector with the largest absolute value is positive.
    """
    n = len(degrees)
    roots = np.where(degrees > 0, degrees, 1.0) ** -0.5
    normalized = affinities * roots
    normalized *= roots[:, None]
    if n <= MAX_DENSE or k > n // 10:
        values, vectors = eigh(normalized, subset_by_index=[n - k, n - 1], overwrite_a=True)
    else:
        factor = cho_factor((1 + SHIFT) * np.eye(n) - normalized, overwrite_a=True, check_finite=False)
        # of the matrix minus the shift, which is negative definite
        inverse = LinearOperator((n, n), matvec=lambda vector: -cho_solve(factor, vector, check_finite=False))
        v0 = np.random.default_rng(0).uniform(-1, 1, n)
        values, vectors = eigsh(normalized, k, sigma=1 + SHIFT, OPinv=inverse, v0=v0)
    order = np.argsort(-values)
    vectors = vectors[:, order]
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(k)])
    return values[order], vectors * signs
