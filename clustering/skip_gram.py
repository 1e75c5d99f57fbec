"""Skip-gram with negative sampling (word2vec) on exact co-occurrence counts, fitted by EM.

    loss = -(1/N) sum over w, c of [ #(w, c) ln s(w'c) + k #(w) #(c) / N ln s(-w'c) ]  +  ridge/2 (mean |w|^2 + mean |c|^2)

w: vector of a word (d,); c: vector of a context word (d,); #(w, c): their count; #(w), #(c): row and column sums; N: sum of
all counts; s(x) = 1 / (1 + exp(-x)); k: negative samples per pair. Negative samples are not drawn: the loss has their
expectation, so there is no sampling noise, and EM needs no learning rate. The loss is in nats per pair.

For fixed contexts, the loss is a sum of logistic regressions, one for each word, and vice versa. Each half-step improves one
side by one iteration of EM with Pólya-Gamma weights as latent variables, where x = w'c and n = #(w, c) + k #(w) #(c) / N:

    E step   weights  omega = n tanh(x / 2) / (2 x)
    M step   w = (sum over c of omega c c' + (ridge N / V) I)^-1 sum over c of (#(w, c) - n / 2) c

V: number of words; then the same for the contexts. Each half-step minimizes an upper bound of the loss that touches it at the
old vectors, so the loss never rises. At full rank without ridge, w'c at the minimum is the pointwise mutual information minus
ln k, if all counts are positive.

References: Mikolov, Sutskever, Chen, Corrado & Dean 2013, arXiv:1310.4546; Levy & Goldberg 2014, Neural word embedding as
implicit matrix factorization, NeurIPS; Polson, Scott & Windle 2013, doi:10.1080/01621459.2013.829001; the same bound: Jaakkola
& Jordan 2000, doi:10.1023/A:1008932416310.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse

from clustering.chunks import map_chunks
from clustering.cooccurrences import check_counts
from clustering.notices import Notice
from clustering.points import EPS, MAX_MAGNITUDE, is_integer
from clustering.process import State, check_limits, iteration_limit_notice, loss_rose_notice

WORDS_WITHOUT_PAIRS = "words without pairs"
FEWER_PAIRS_THAN_PARAMETERS = "fewer pairs than parameters"

START_DEVIATION = 0.3
"""standard deviation of the coordinates of initial vectors"""
ENTRIES_PER_BLOCK = 2**21
"""number of floats in the dense arrays of a block of words; larger blocks take more memory, smaller ones more time"""
ENTRIES_PER_PIECE = 2**16
"""number of entries that a thread processes at a time, so that they stay in the processor cache"""
MAX_PRODUCTS = 2**24
"""maximum number of products of context coordinates in memory"""
TINY = 1e-5
"""|x| up to which tanh(x / 2) / (2 x) is 1/4 to within rounding errors"""


class Vectors(NamedTuple):
    """Parameters of skip-gram. Rotating both together does not change the loss, which depends on products and lengths only."""

    words: np.ndarray
    """(n, d) vector of each word"""
    contexts: np.ndarray
    """(m, d) vector of each context word"""


class Side(NamedTuple):
    """Counts with one row for each vector that a half-step improves, divided by their sum N."""

    counts: sparse.csr_array
    """(n, m) relative frequency of each pair"""
    rows: np.ndarray
    """(n,) row sums"""
    columns: np.ndarray
    """(m,) column sums"""
    positions: np.ndarray
    """index of each positive count in the dense array, row * m + column"""
    lifts: np.ndarray
    """each positive count divided by its row sum and its column sum"""


class PreparedCounts(NamedTuple):
    """Counts in the form that the half-steps of `SkipGram` use."""

    words: Side
    """words in rows, contexts in columns"""
    contexts: Side
    """contexts in rows, words in columns"""
    pairs: float
    """N, the sum of all counts"""


@dataclass(frozen=True)
class SkipGram:
    """Skip-gram with negative sampling, fitted by EM to co-occurrence counts.

    Parameters
    ----------
    dimension : int
        Number d of coordinates of each vector, in 1..min(n, m).
    negatives : float
        Number k of negative samples per pair, above 0. Larger values push apart the vectors of words that rarely occur
        together.
    ridge : float
        Penalty on the mean squared length of the vectors, at least 0, in nats per pair. It keeps the vectors of rare words
        short. Without it, vectors can grow without bound where words never meet.

    Notes
    -----
    There are no clusters: assignments are None.

    An iteration takes time proportional to n m d^2, because the loss includes each pair of a word and a context, whether it
    occurs or not: this suits vocabularies of some thousand words. The optimum may be local, and EM may be slow: the loss may
    fall by less than `tol` per iteration while the vectors still move.
    """

    dimension: int
    negatives: float = 5
    ridge: float = 1e-3

    loss_name = "skip-gram loss (nats per pair)"
    tol = 5e-5
    k = None

    def __post_init__(self):
        if not is_integer(self.dimension) or self.dimension < 1:
            raise ValueError(f"dimension must be an integer of at least 1, got {self.dimension}")
        if not 0 < self.negatives < np.inf:
            raise ValueError(f"negatives must be finite and above 0, got {self.negatives}")
        if not 0 <= self.ridge < np.inf:
            raise ValueError(f"ridge must be finite and at least 0, got {self.ridge}")

    def prepare(self, data) -> PreparedCounts:
        """Check the counts: `Cooccurrences`, or a sparse or dense (n, m) array. `PreparedCounts` are returned unchanged.

        Raises
        ------
        ValueError
            As in `check_counts`, if there are fewer than two words, or if `dimension` does not lie in 1..min(n, m).
        """
        if isinstance(data, PreparedCounts):
            self._check_dimension(data.words.counts.shape)
            return data
        counts = check_counts(data)
        if counts.shape[0] < 2:
            raise ValueError(f"counts must have at least two words, got {counts.shape[0]}")
        self._check_dimension(counts.shape)
        pairs = float(counts.data.sum())
        counts.data /= pairs
        transposed = sparse.csr_array(counts.T)
        transposed.sort_indices()
        return PreparedCounts(_side(counts), _side(transposed), pairs)

    def _check_dimension(self, shape) -> None:
        if self.dimension > min(shape):
            raise ValueError(f"dimension must lie in 1..min(n, m)={min(shape)}, got {self.dimension}")

    def start(self, prepared: PreparedCounts, rng: np.random.Generator) -> Vectors:
        """Vectors with independent Gaussian coordinates; zero for words without pairs."""
        n, m = prepared.words.counts.shape
        words = START_DEVIATION * rng.standard_normal((n, self.dimension))
        contexts = START_DEVIATION * rng.standard_normal((m, self.dimension))
        return _without_isolated(prepared, words, contexts)

    def check_start(self, prepared: PreparedCounts, start) -> Vectors:
        """A copy of the given `Vectors`, with zeros for words without pairs.

        Raises ValueError if they are not finite or do not match the counts.
        """
        try:
            words, contexts = (np.array(part, dtype=float) for part in start)
        except (TypeError, ValueError):
            raise ValueError("start must be `Vectors`: words (n, d) and contexts (m, d)") from None
        n, m = prepared.words.counts.shape
        if (words.shape, contexts.shape) != ((n, self.dimension), (m, self.dimension)):
            raise ValueError(
                f"start must have words of shape {(n, self.dimension)} and contexts of shape {(m, self.dimension)}, "
                f"got {words.shape} and {contexts.shape}"
            )
        if not all((np.abs(part) <= MAX_MAGNITUDE).all() for part in (words, contexts)):
            raise ValueError(f"start must be finite, with coordinates of at most {MAX_MAGNITUDE:g}")
        return _without_isolated(prepared, words, contexts)

    def states(
        self,
        prepared: PreparedCounts,
        *,
        start=None,
        rng: np.random.Generator | int | None = None,
        tol: float | None = None,
        max_iter: int = 300,
    ) -> Iterator[State]:
        """Iterate over the states: "initial", then one with phase "contexts" per iteration; see `Process.states`.

        The run has converged when the loss falls by at most `tol` in an iteration.
        """
        tol = self.tol if tol is None else tol
        check_limits(tol, max_iter)
        if start is None:
            vectors = self.start(prepared, np.random.default_rng(rng))
        else:
            vectors = self.check_start(prepared, start)
        return self._states_from(prepared, vectors, tol, max_iter)

    def _states_from(self, prepared: PreparedCounts, vectors: Vectors, tol: float, max_iter: int) -> Iterator[State]:
        lasting = self._notices(prepared)
        before = None
        for iteration in range(max_iter + 1):
            # one pass over all pairs gives the loss of the current vectors and the next vectors of the words
            loss, words = self._sweep(prepared.words, vectors.words, vectors.contexts, solve=iteration < max_iter)
            loss += self._penalty(vectors)
            notices, converged = lasting, False
            if before is not None:
                converged = before - loss <= tol
                if loss - before > 1e-12 * abs(before):
                    notices += (loss_rose_notice(loss - before, iteration),)
            if iteration == max_iter and not converged:
                notices += (iteration_limit_notice(max_iter),)
            yield State("contexts" if iteration else "initial", iteration, vectors, None, loss, converged, notices)
            if converged or iteration == max_iter:
                return
            _, contexts = self._sweep(prepared.contexts, vectors.contexts, words)
            before, vectors = loss, Vectors(words, contexts)

    def between(self, prepared: PreparedCounts, before: State, after: State) -> tuple[State, ...]:
        """The state after the update of the words, with phase "words": the new words with the old contexts."""
        vectors = Vectors(after.parameters.words, before.parameters.contexts)
        return (State("words", after.iteration, vectors, None, self.loss(prepared, vectors)),)

    def assign(self, prepared: PreparedCounts, parameters: Vectors) -> None:
        """None: there are no clusters."""
        return

    def loss(self, prepared: PreparedCounts, vectors: Vectors) -> float:
        """The loss of any vectors, in nats per pair."""
        return self._sweep(prepared.words, vectors.words, vectors.contexts, solve=False)[0] + self._penalty(vectors)

    def _penalty(self, vectors: Vectors) -> float:
        return self.ridge / 2 * sum(float(np.square(part).sum()) / len(part) for part in vectors)

    def _sweep(self, side: Side, left: np.ndarray, right: np.ndarray, solve: bool = True) -> tuple[float, np.ndarray | None]:
        """Loss of the vectors without the penalty, and the improved `left` vectors, or None unless `solve`.

        left : (n, d) vectors of the rows of the counts; right: (m, d) those of the columns.
        """
        (n, m), d = side.counts.shape, self.dimension
        first, second = np.triu_indices(d)
        square = np.empty((d, d), dtype=int)
        square[first, second] = square[second, first] = np.arange(len(first))
        parts = []
        if solve:
            linear = (side.counts @ right - self.negatives * np.outer(side.rows, side.columns @ right)) / 2
            width = max(MAX_PRODUCTS // m, 1)
            parts = [slice(begin, begin + width) for begin in range(0, len(first), width)]
        coordinates = np.ascontiguousarray(right.T)
        weighted = coordinates * side.columns
        improved, total = np.empty_like(left), 0.0
        height = max(ENTRIES_PER_BLOCK // max(m, d * d), 1)
        for begin in range(0, n, height):
            rows = slice(begin, min(begin + height, n))
            x = left[rows] @ coordinates
            total += self._logistic(side, rows, x)
            if not solve:
                continue
            normal = np.empty((len(x), len(first)))
            for part in parts:
                if begin == 0 or len(parts) > 1:
                    # (products, m): each product of two coordinates of a context, weighted by its share of all pairs
                    products = weighted[first[part]] * coordinates[second[part]]
                np.matmul(x, products.T, out=normal[:, part])
            normal *= self.negatives * side.rows[rows, None]
            improved[rows] = _solve(normal[:, square], linear[rows], self.ridge / n)
        return total, improved if solve else None

    def _logistic(self, side: Side, rows: slice, x: np.ndarray) -> float:
        """Sum of the loss over the products x (rows, m) of these rows. Overwrites x with the weights of the E step.

        The weights are divided by those of the negative samples, k #(w) #(c) / N: n / (k #(w) #(c) / N) tanh(x / 2) / (2 x).
        """
        m, begins = x.shape[1], side.counts.indptr

        def piece(part):
            row = slice(rows.start + part.start, rows.start + part.stop)
            positive = slice(begins[row.start], begins[row.stop])
            position = side.positions[positive] - row.start * m
            x_part = x[part]
            weights = np.abs(x_part)
            small = np.exp(-weights)
            tiny = weights <= TINY
            sums = small + 1
            softplus = np.log(sums)
            # ln(1 + exp(-x)) = ln(1 + exp(-|x|)) + max(-x, 0)
            positive_loss = softplus.ravel()[position] + np.maximum(-x_part.ravel()[position], 0)
            softplus += np.maximum(x_part, 0)
            loss = float(side.counts.data[positive] @ positive_loss)
            # einsum, because BLAS would start threads of its own
            loss += self.negatives * float(side.rows[row] @ np.einsum("wc,c->w", softplus, side.columns))
            # tanh(|x| / 2) = (1 - exp(-|x|)) / (1 + exp(-|x|))
            sums *= weights
            np.subtract(0.5, 0.5 * small, out=small)
            with np.errstate(invalid="ignore"):
                np.divide(small, sums, out=x_part)
            if tiny.any():
                x_part[tiny] = 0.25
            flat = x_part.reshape(-1)
            flat[position] *= 1 + side.lifts[positive] / self.negatives
            return loss

        return sum(map_chunks(piece, len(x), max(ENTRIES_PER_PIECE // m, 1)))

    def _notices(self, prepared: PreparedCounts) -> tuple[Notice, ...]:
        notices = ()
        isolated = int(np.count_nonzero(prepared.words.rows == 0))
        if isolated:
            subject = "1 word never occurs" if isolated == 1 else f"{isolated:,} words never occur"
            text = f"{subject} near another word, so the vector is zero. Widen the window, or leave out rare words."
            notices += (Notice(WORDS_WITHOUT_PAIRS, text),)
        parameters = self.dimension * sum(prepared.words.counts.shape)
        if prepared.pairs < parameters:
            text = (
                f"There are fewer pairs ({prepared.pairs:,.0f}) than parameters ({parameters:,}), so nearest neighbors may be "
                "due to chance. Use more text, fewer dimensions, or fewer words."
            )
            notices += (Notice(FEWER_PAIRS_THAN_PARAMETERS, text),)
        return notices


def _side(counts: sparse.csr_array) -> Side:
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    row = np.repeat(np.arange(len(rows)), np.diff(counts.indptr))
    positions = row * len(columns) + counts.indices.astype(np.int64)
    return Side(counts, rows, columns, positions, counts.data / rows[row] / columns[counts.indices])


def _without_isolated(prepared: PreparedCounts, words: np.ndarray, contexts: np.ndarray) -> Vectors:
    """`Vectors` with zeros for words and contexts without pairs. Overwrites both arrays."""
    words[prepared.words.rows == 0] = 0
    contexts[prepared.contexts.rows == 0] = 0
    return Vectors(words, contexts)


def _solve(matrices: np.ndarray, right: np.ndarray, ridge: float) -> np.ndarray:
    """(n, d) solutions of (matrix + ridge I) v = right for n positive semidefinite matrices (n, d, d).

    Those of minimum norm if a matrix is singular. Overwrites the matrices.
    """
    d = right.shape[1]
    diagonal = np.einsum("ndd->nd", matrices)
    negligible = 8 * d * EPS * diagonal.sum(axis=1)
    diagonal += ridge
    regular = ridge > negligible
    if regular.all():
        return np.linalg.solve(matrices, right[:, :, None])[:, :, 0]
    solutions = np.empty_like(right)
    solutions[regular] = np.linalg.solve(matrices[regular], right[regular, :, None])[:, :, 0]
    values, vectors = np.linalg.eigh(matrices[~regular])
    components = np.einsum("nij,ni->nj", vectors, right[~regular])
    determined = values > negligible[~regular, None]
    components = np.divide(components, values, out=np.zeros_like(components), where=determined)
    solutions[~regular] = np.einsum("nij,nj->ni", vectors, components)
    return solutions
