"""Skip-gram by EM: by hand, against plain loops and L-BFGS, mutual information, history, notices, invalid arguments."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import approx_fprime, minimize

from clustering import (
    History,
    SkipGram,
    Vectors,
    best_of,
    cooccurrences,
    fit,
    iterate,
    most_similar,
    notices,
    pointwise_mutual_information,
    restarts,
    skip_gram,
    tokenize,
)
from tests.core.tables import examples, seeds

TWO = [[3.0, 1.0], [1.0, 3.0]]
SENTENCES = tokenize(
    "The cat eats the fish. The dog eats the bone. The dog chases the cat. A cat sees a bird. A bird eats a fish. "
    "The bird sees the dog. A dog sees the bone."
)
PAIRS = cooccurrences(SENTENCES, 2)


def names(state):
    return [notice.name for notice in state.notices]


def random_counts(rng, n, m, density=0.5):
    counts = rng.poisson(3, size=(n, m)) * (rng.random((n, m)) < density).astype(float)
    counts[rng.integers(n), rng.integers(m)] += 2
    return counts


def plain_loss(counts, vectors, negatives, ridge):
    """The loss by loops over all pairs."""
    counts = np.asarray(counts, dtype=float)
    total, loss = counts.sum(), 0.0
    for w, word in enumerate(vectors[0]):
        for c, context in enumerate(vectors[1]):
            negative = negatives * counts[w].sum() * counts[:, c].sum() / total
            loss += counts[w, c] * np.logaddexp(0, -word @ context) + negative * np.logaddexp(0, word @ context)
    lengths = [np.mean([vector @ vector for vector in part]) for part in vectors]
    return loss / total + ridge / 2 * sum(lengths)


def plain_half_step(counts, words, contexts, negatives, ridge):
    """The improved words by weighted least squares for one word after the other."""
    total, improved = counts.sum(), np.zeros_like(words)
    for w, word in enumerate(words):
        matrix, right = ridge * total / len(words) * np.eye(len(word)), np.zeros(len(word))
        for c, context in enumerate(contexts):
            n = counts[w, c] + negatives * counts[w].sum() * counts[:, c].sum() / total
            x = word @ context
            weight = n / 4 if x == 0 else n * np.tanh(x / 2) / (2 * x)
            matrix += weight * np.outer(context, context)
            right += (counts[w, c] - n / 2) * context
        improved[w] = np.linalg.lstsq(matrix, right, rcond=1e-10)[0]
    return improved


def gradient(process, counts, vectors):
    """Gradient of the loss by finite differences."""
    prepared, shapes = process.prepare(counts), [part.shape for part in vectors]
    flat = np.concatenate([part.ravel() for part in vectors])

    def loss(values):
        words, contexts = np.split(values, [np.prod(shapes[0])])
        return process.loss(prepared, Vectors(words.reshape(shapes[0]), contexts.reshape(shapes[1])))

    return approx_fprime(flat, loss, 1e-6)


@st.composite
def problems(draw, ridges=(0.0, 1e-6, 1e-3, 1.0)):
    """A process and counts of any shape and scale, with empty rows and columns."""
    rng = np.random.default_rng(draw(seeds))
    n, m = draw(st.integers(2, 9)), draw(st.integers(1, 9))
    counts = random_counts(rng, n, m, draw(st.sampled_from([0.1, 0.5, 1.0]))) * 10.0 ** draw(st.integers(-9, 9))
    if draw(st.booleans()):
        counts *= np.exp(3 * rng.normal(size=(n, 1)))
    dimension, negatives = draw(st.integers(1, min(n, m))), draw(st.sampled_from([0.5, 1, 5, 20]))
    process = SkipGram(dimension, negatives=negatives, ridge=draw(st.sampled_from(ridges)))
    return process, sparse.csr_array(counts) if draw(st.booleans()) else counts


# by hand


def test_two_words_in_one_dimension_by_hand():
    # N = 8 and all row and column sums are 4: n is 3 + 2 and 1 + 2, kappa is 1/2 and -1/2; with words 0 all weights are n / 4
    process, start = SkipGram(1, negatives=1, ridge=0), Vectors([[0.0], [0.0]], [[1.0], [-1.0]])
    states = list(iterate(process, TWO, start=start, max_iter=1))
    assert [state.phase for state in states] == ["initial", "contexts"]
    assert [state.iteration for state in states] == [0, 1]
    assert [state.assignment for state in states] == [None, None]
    # 2 ln 2 per pair: one for the pair itself, one for its negative sample
    assert states[0].loss == pytest.approx(2 * np.log(2))
    # (1/2 + 1/2) / (5/4 + 3/4) = 1/2
    np.testing.assert_allclose(states[1].parameters.words, [[0.5], [-0.5]])
    # all products are 1/2 or -1/2: weights n tanh(1/4), and c = 1/2 / (8 tanh(1/4) / 4)
    context = 0.5 / (2 * np.tanh(0.25))
    np.testing.assert_allclose(states[1].parameters.contexts, [[context], [-context]])
    (words,) = process.between(process.prepare(TWO), *states)
    assert (words.phase, words.iteration, words.assignment) == ("words", 1, None)
    assert words.parameters.contexts is states[0].parameters.contexts
    assert words.parameters.words is states[1].parameters.words
    # counts 3 and negative samples 2 where x = 1/2; 1 and 2 where x = -1/2
    right, wrong = np.logaddexp(0, -0.5), np.logaddexp(0, 0.5)
    assert words.loss == pytest.approx(2 * (3 * right + 2 * wrong + 1 * wrong + 2 * right) / 8)


def test_the_ridge_is_a_penalty_on_the_mean_squared_length():
    start = Vectors([[0.0], [2.0], [0.0]], [[3.0], [0.0]])
    counts = [[1.0, 2.0], [0.0, 3.0], [1.0, 1.0]]
    losses = [fit(SkipGram(1, ridge=ridge), counts, start=start, max_iter=0).loss for ridge in (0.0, 0.5)]
    # the second word and the first context do not occur together: x = 6 in a negative sample with weight 5 * 3/8 * 2/8
    negative = 5 * 3 / 8 * 2 / 8
    assert losses[0] == pytest.approx(6 * np.log(2) - negative * np.log(2) + negative * np.logaddexp(0, 6))
    assert losses[1] - losses[0] == pytest.approx(0.25 * (4 / 3 + 9 / 2))


# against plain loops


@examples(150)
@given(problem=problems(), seed=seeds)
def test_losses_and_half_steps_match_plain_loops(problem, seed):
    process, counts = problem
    dense = counts.toarray() if sparse.issparse(counts) else counts
    states = list(iterate(process, counts, rng=seed, max_iter=2))
    prepared = process.prepare(counts)
    for before, after in pairwise(states):
        (between,) = process.between(prepared, before, after)
        (words, contexts), (new_words, new_contexts) = before.parameters, after.parameters
        for state in (before, between, after):
            expected = plain_loss(dense, state.parameters, process.negatives, process.ridge)
            assert state.loss == pytest.approx(expected, rel=1e-11)
            assert state.loss == pytest.approx(process.loss(prepared, state.parameters), rel=1e-13)
        if process.ridge >= 1e-6:
            options = dict(rtol=1e-6, atol=1e-6)
            expected = plain_half_step(dense, words, contexts, process.negatives, process.ridge)
            np.testing.assert_allclose(new_words, expected, **options)
            expected = plain_half_step(dense.T, contexts, new_words, process.negatives, process.ridge)
            np.testing.assert_allclose(new_contexts, expected, **options)


@examples(150)
@given(problem=problems(), seed=seeds)
def test_no_half_step_raises_the_loss(problem, seed):
    process, counts = problem
    history = History.record(process, counts, rng=seed, tol=0, max_iter=25)
    losses = np.array([state.loss for state in history.states[1:]])
    assert (np.diff(losses) <= 1e-12 * losses[:-1]).all()
    assert all(np.isfinite(part).all() for state in history.states for part in state.parameters)
    assert notices.LOSS_ROSE not in [notice.name for _, notice in history.unique_notices()]


@pytest.mark.parametrize("ridge", [0.0, 1e-3])
def test_results_do_not_depend_on_the_block_sizes(ridge, monkeypatch):
    counts = random_counts(np.random.default_rng(3), 30, 20)
    expected = list(iterate(SkipGram(6, ridge=ridge), counts, rng=0, max_iter=5))
    names = ("ENTRIES_PER_BLOCK", "ENTRIES_PER_PIECE", "MAX_PRODUCTS")
    for values in [(1, 1, 1), (250, 2**16, 2**24), (2**21, 70, 2**24), (2**21, 2**16, 100), (250, 70, 100)]:
        with monkeypatch.context() as patch:
            for name, value in zip(names, values, strict=True):
                patch.setattr(skip_gram, name, value)
            states = list(iterate(SkipGram(6, ridge=ridge), counts, rng=0, max_iter=5))
        for state, other in zip(states, expected, strict=True):
            assert state.loss == pytest.approx(other.loss, rel=1e-12)
            np.testing.assert_allclose(state.parameters.words, other.parameters.words, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("scale", [0.0, 1e-200, 1e-6, 1e-3, 30.0, 1e6])
def test_the_loss_is_exact_for_tiny_and_huge_products(scale):
    rng = np.random.default_rng(0)
    counts, process = random_counts(rng, 8, 6), SkipGram(2, ridge=0)
    vectors = Vectors(scale * rng.normal(size=(8, 2)), rng.normal(size=(6, 2)))
    state, after = iterate(process, counts, start=vectors, max_iter=1)
    assert state.loss == pytest.approx(plain_loss(counts, vectors, 5, 0), rel=1e-14)
    assert after.loss < state.loss
    assert all(np.isfinite(part).all() for part in after.parameters)


@examples(60)
@given(problem=problems(), exponent=st.integers(-20, 20), seed=seeds)
def test_the_vectors_do_not_depend_on_the_unit_of_the_counts(problem, exponent, seed):
    process, counts = problem
    one, other = (fit(process, data, rng=seed, max_iter=3) for data in (counts, counts * 2.0**exponent))
    np.testing.assert_array_equal(one.parameters.words, other.parameters.words)
    assert one.loss == other.loss


# the minimum


@pytest.mark.parametrize("negatives", [1, 5, 0.5])
def test_at_full_rank_products_are_the_mutual_information_minus_the_log_of_the_negatives(negatives):
    rng = np.random.default_rng(1)
    for shape in [(7, 7), (9, 5), (4, 8)]:
        counts = rng.integers(5, 50, size=shape).astype(float)
        process = SkipGram(min(shape), negatives=negatives, ridge=0)
        words, contexts = fit(process, counts, rng=0, tol=0, max_iter=3000).parameters
        expected = pointwise_mutual_information(counts) - np.log(negatives)
        np.testing.assert_allclose(words @ contexts.T, expected, atol=1e-6)


def test_the_gradient_is_zero_at_convergence_only():
    process = SkipGram(3, ridge=1e-2)
    states = list(iterate(process, PAIRS, rng=0, tol=1e-13, max_iter=5000))
    assert states[-1].converged
    assert np.abs(gradient(process, PAIRS, states[-1].parameters)).max() < 1e-6
    assert np.abs(gradient(process, PAIRS, states[5].parameters)).max() > 1e-4


def test_with_fixed_contexts_the_words_converge_to_the_minimum_of_l_bfgs():
    rng = np.random.default_rng(2)
    counts, process = random_counts(rng, 6, 9), SkipGram(3)
    prepared, contexts = process.prepare(counts), rng.normal(size=(9, 3))
    words = np.zeros((6, 3))
    for _ in range(400):
        words = fit(process, prepared, start=Vectors(words, contexts), max_iter=1).parameters.words

    def loss(flat):
        return process.loss(prepared, Vectors(flat.reshape(6, 3), contexts))

    peer = minimize(loss, np.zeros(18), method="L-BFGS-B", options=dict(ftol=1e-15, gtol=1e-8, maxfun=10**5))
    assert loss(words.ravel()) <= peer.fun + 1e-9
    np.testing.assert_allclose(words, peer.x.reshape(6, 3), atol=1e-3)


def test_l_bfgs_finds_no_lower_loss_from_the_same_start():
    process = SkipGram(2, ridge=1e-2)
    counts = random_counts(np.random.default_rng(4), 6, 6, density=0.8)
    prepared = process.prepare(counts)
    start = process.start(prepared, np.random.default_rng(0))
    last = fit(process, prepared, start=start, tol=1e-12, max_iter=5000)

    def loss(flat):
        return process.loss(prepared, Vectors(*flat.reshape(2, 6, 2)))

    peer = minimize(loss, np.ravel(start), method="L-BFGS-B", options=dict(ftol=1e-14, gtol=1e-8, maxfun=10**5))
    assert last.loss == pytest.approx(peer.fun, abs=1e-7)


def test_words_of_the_same_category_are_neighbors():
    rng = np.random.default_rng(0)
    slots = {"animal": 8, "food": 8, "place": 8, "eats": 3, "goes": 3}
    categories = {f"{slot}{i}": slot for slot, size in slots.items() for i in range(size)}
    patterns = [("animal", "eats", "food"), ("animal", "goes", "place"), ("food", "goes", "place")]

    def sentence():
        return [f"{slot}{rng.integers(slots[slot])}" for slot in patterns[rng.integers(3)]]

    pairs = cooccurrences([sentence() for _ in range(2000)])
    last = fit(SkipGram(8), pairs, rng=0)
    assert last.converged
    assert last.notices == ()
    nearest = [pairs.words[most_similar(last.parameters.words, w, n=1)[0][0]] for w in range(len(pairs.words))]
    assert np.mean([categories[word] == categories[other] for word, other in zip(pairs.words, nearest, strict=True)]) >= 0.95


def test_without_a_ridge_singular_equations_have_solutions_of_minimum_norm():
    # contexts on a line: the part of the words that is orthogonal to it does not matter
    counts = random_counts(np.random.default_rng(5), 5, 4, density=1.0)
    contexts = np.outer([1.0, -2.0, 0.5, 1.5], [3.0, 4.0])
    process = SkipGram(2, ridge=0)
    state, after = iterate(process, counts, start=Vectors(np.ones((5, 2)), contexts), max_iter=1)
    np.testing.assert_allclose(after.parameters.words @ [4.0, -3.0], 0, atol=1e-12)
    expected = plain_half_step(counts, np.ones((5, 2)), contexts, 5, 0)
    np.testing.assert_allclose(after.parameters.words, expected, rtol=1e-9)
    assert after.loss < state.loss


# runs


def test_the_history_has_the_words_between_the_contexts():
    process = SkipGram(3)
    history = History.record(process, PAIRS, rng=0, max_iter=4, tol=0)
    assert [state.phase for state in history.states] == ["start", "initial", *["words", "contexts"] * 4]
    assert [state.iteration for state in history.states] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert history.positions.tolist() == [0, 0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4]
    states = list(iterate(process, PAIRS, rng=0, max_iter=4, tol=0))
    assert history.losses.tolist() == [state.loss for state in states]
    assert (np.diff(history.losses) < 0).all()
    assert (history.half_losses < history.losses[:-1]).all()
    assert (history.half_losses > history.losses[1:]).all()
    assert history.assignment(-1) is None
    assert history.assignment_of_iteration(2) is None
    assert history.changed.tolist() == [0] * 5


def test_the_run_stops_when_the_loss_falls_by_at_most_tol():
    states = list(iterate(SkipGram(3), PAIRS, rng=0, tol=1e-3))
    falls = -np.diff([state.loss for state in states])
    assert [state.converged for state in states] == [False] * len(falls) + [True]
    assert falls[-1] <= 1e-3 < falls[:-1].min()


def test_a_run_with_tolerance_zero_stops_when_nothing_changes():
    # vectors of length 0 are a stationary point
    states = list(iterate(SkipGram(1), TWO, start=np.zeros((2, 2, 1)), tol=0))
    assert [state.converged for state in states] == [False, True]
    assert states[1].loss == states[0].loss == pytest.approx(6 * np.log(2))


def test_the_same_seed_gives_the_same_run_and_another_seed_another_one():
    one, same, other = (fit(SkipGram(3), PAIRS, rng=seed, max_iter=5) for seed in (7, 7, 8))
    np.testing.assert_array_equal(one.parameters.words, same.parameters.words)
    assert not np.allclose(one.parameters.words, other.parameters.words)
    runs = list(restarts(SkipGram(3), PAIRS, range(3)))
    assert min(run.last.loss for run in runs) < max(run.last.loss for run in runs)
    assert best_of(2, SkipGram(3), PAIRS, rng=0).loss > 0


def test_prepared_counts_serve_any_settings():
    prepared = SkipGram(2).prepare(PAIRS)
    assert SkipGram(4, negatives=1).prepare(prepared) is prepared
    for process in (SkipGram(4, negatives=1), SkipGram(2, ridge=0)):
        expected = fit(process, PAIRS.counts.toarray(), rng=0, max_iter=5)
        np.testing.assert_array_equal(fit(process, prepared, rng=0, max_iter=5).parameters.words, expected.parameters.words)
    assert sparse.issparse(prepared.words.counts)


def test_earlier_states_and_the_data_are_never_modified():
    counts, start = PAIRS.counts.copy(), Vectors(np.ones((len(PAIRS.words), 2)), np.ones((len(PAIRS.words), 2)))
    kept = []
    for state in iterate(SkipGram(2), counts, start=start, max_iter=4):
        kept.append((state, [part.copy() for part in state.parameters]))
    for state, parts in kept:
        for part, copy in zip(state.parameters, parts, strict=True):
            np.testing.assert_array_equal(part, copy)
    np.testing.assert_array_equal(counts.toarray(), PAIRS.counts.toarray())
    assert (start.words == 1).all()
    assert not np.shares_memory(kept[0][0].parameters.words, start.words)


# notices


def test_words_without_neighbors_have_zero_vectors_and_a_notice():
    pairs = cooccurrences([*SENTENCES, ["alone"], ["lonely"]], 2)
    for start in (None, Vectors(*np.ones((2, len(pairs.words), 3)))):
        for ridge in (0.0, 1e-3):
            for state in iterate(SkipGram(3, ridge=ridge), pairs, rng=0, start=start, max_iter=3):
                assert not any(part[-2:].any() for part in state.parameters)
                assert skip_gram.WORDS_WITHOUT_PAIRS in names(state)
    text = state.notices[0].sentence
    assert text.startswith("2 words never occur near another word, so the vector is zero.")
    single = fit(SkipGram(3), cooccurrences([*SENTENCES, ["alone"]], 2), rng=0)
    assert single.notices[0].sentence.startswith("1 word never occurs near another word")


def test_few_pairs_have_a_notice():
    assert names(fit(SkipGram(2), TWO, rng=0)) == []
    assert names(fit(SkipGram(2), [[3.0, 1.0], [1.0, 2.0]], rng=0)) == [skip_gram.FEWER_PAIRS_THAN_PARAMETERS]
    text = fit(SkipGram(2), [[1.0, 0.0], [0.0, 1.0]], rng=0).notices[0].sentence
    assert text.startswith("There are fewer pairs (2) than parameters (8), so nearest neighbors may be due to chance.")


def test_a_loss_that_rises_has_a_notice(monkeypatch):
    solve = skip_gram._solve
    monkeypatch.setattr(skip_gram, "_solve", lambda *arguments: 10 * solve(*arguments))
    last = fit(SkipGram(1), TWO, start=Vectors([[0.5], [-0.5]], [[1.0], [-1.0]]), tol=0, max_iter=1)
    assert names(last) == [notices.LOSS_ROSE]


def test_a_run_at_the_iteration_limit_has_a_notice_and_is_not_converged():
    last = fit(SkipGram(3), PAIRS, rng=0, max_iter=2)
    assert not last.converged
    assert notices.ITERATION_LIMIT in names(last)


# invalid arguments


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SkipGram(0), "dimension must be an integer of at least 1, got 0"),
        (lambda: SkipGram(2.0), "dimension must be an integer of at least 1, got 2.0"),
        (lambda: SkipGram(2, negatives=0), "negatives must be finite and above 0, got 0"),
        (lambda: SkipGram(2, negatives=np.inf), "negatives must be finite and above 0, got inf"),
        (lambda: SkipGram(2, ridge=-1), "ridge must be finite and at least 0, got -1"),
        (lambda: SkipGram(2, ridge=np.nan), "ridge must be finite and at least 0, got nan"),
        (lambda: iterate(SkipGram(3), TWO), r"dimension must lie in 1\.\.min\(n, m\)=2, got 3"),
        (lambda: iterate(SkipGram(3), SkipGram(1).prepare(TWO)), r"dimension must lie in 1\.\.min\(n, m\)=2, got 3"),
        (lambda: iterate(SkipGram(1), [[5.0, 1.0]]), "counts must have at least two words, got 1"),
        (lambda: iterate(SkipGram(1), np.zeros((2, 2))), "counts must not all be zero"),
        (lambda: iterate(SkipGram(1), [[1.0, -1.0], [1.0, 1.0]]), "at least 0, but row 0, column 1 is -1"),
        (lambda: iterate(SkipGram(1), TWO, start=np.zeros((2, 1))), r"words of shape \(2, 1\) .* got \(1,\) and \(1,\)"),
        (lambda: iterate(SkipGram(1), TWO, start=3), "start must be `Vectors`"),
        (lambda: iterate(SkipGram(1), TWO, start=([[1.0, 2.0]], [[1.0]])), r"words of shape \(2, 1\) .* got \(1, 2\) and"),
        (lambda: iterate(SkipGram(1), TWO, start=([[1.0], [np.nan]], [[1.0], [1.0]])), "start must be finite"),
        (lambda: iterate(SkipGram(1), TWO, max_iter=-1), "max_iter must be an integer of at least 0, got -1"),
        (lambda: iterate(SkipGram(1), TWO, tol=-1), "tol must be at least 0, got -1"),
    ],
)
def test_invalid_arguments_raise_an_error_when_called(call, message):
    with pytest.raises(ValueError, match=message):
        call()
