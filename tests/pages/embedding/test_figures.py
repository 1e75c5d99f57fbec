"""Figures of word vectors: cosines with the nearest neighbors, and the matrices that skip-gram compares."""

import math

import numpy as np
import pytest

from pages.datasets.grammar import draw_grammar
from pages.datasets.texts import from_text
from pages.embedding import figures
from pages.figures import palette
from pages.methods import settings
from pages.runs.cache import RecentCache
from pages.runs.frames import frames_of
from pages.runs.run import make_run

SENTENCES = "The cat drinks milk. The dog eats bread. The cat eats fish. The dog drinks water. Alone."


def run_on(text, **options):
    return make_run(text, settings("skipgram", data=text, **options), RecentCache(), lambda _: None)


@pytest.fixture(scope="module")
def run():
    """Nine words; "alone" never occurs together with another one, so its vector is zero."""
    return run_on(from_text(SENTENCES, "Few sentences"), dimension=3, negatives=2.0)


@pytest.fixture(scope="module")
def grammar():
    return run_on(draw_grammar(150, 3), dimension=4)


def cosine(u, v) -> float:
    product = sum(a * b for a, b in zip(u, v, strict=True))
    lengths = math.sqrt(sum(a * a for a in u)) * math.sqrt(sum(b * b for b in v))
    return product / lengths if lengths else 0.0


def test_each_curve_has_the_cosines_of_the_word_with_one_of_its_final_neighbors(run):
    names, word = list(run.data.names), list(run.data.names).index("cat")
    figure = figures.neighbor_history(run, frames_of(run)[0], word, "name")
    *curves, _ = figure.data
    last = {name: cosine(run.data.points[word], vector) for name, vector in zip(names, run.data.points, strict=True)}
    del last["cat"]
    assert [curve.name for curve in curves] == sorted(last, key=lambda name: -last[name])[: figures.NEIGHBORS]
    for curve in curves:
        assert list(curve.x) == list(range(run.history.iterations + 1))
        neighbor = names.index(curve.name)
        expected = [cosine(vectors.words[word], vectors.words[neighbor]) for vectors in run.history.parameters]
        np.testing.assert_allclose(curve.y, expected, atol=1e-12)
        low, high = figure.layout.yaxis.range
        assert low < min(curve.y) <= max(curve.y) < high
    assert [curve.line.color for curve in curves] == list(palette.COLORS[: len(curves)])


def test_a_word_that_never_occurs_with_others_has_cosines_of_zero(run):
    word = list(run.data.names).index("alone")
    figure = figures.neighbor_history(run, frames_of(run)[0], word, "name")
    assert len(figure.data) == figures.NEIGHBORS + 1
    assert all(set(curve.y) == {0.0} for curve in figure.data[:-1])


def test_the_gray_line_is_at_the_iteration_of_each_frame_and_at_the_last_one_initially(run, monkeypatch):
    monkeypatch.setattr("pages.runs.frames.MAX_FRAMES", 1_000)
    frames, _ = frames_of(run)
    figure = figures.neighbor_history(run, frames, 0, "name")
    assert figure.layout.meta == "name"
    assert [frame.name for frame in figure.frames] == [str(i) for i in range(len(frames))]
    positions = []
    for drawn in figure.frames:
        assert drawn.traces == (len(figure.data) - 1,)
        (cursor,) = drawn.data
        assert cursor.x[0] == cursor.x[1]
        assert tuple(cursor.y) == figure.layout.yaxis.range
        positions.append(cursor.x[0])
    assert positions[:5] == [0, 0, 0.5, 1, 1.5]  # words lie between two iterations, contexts end one
    assert positions == run.history.positions.tolist()
    assert figure.data[-1].x[0] == run.history.iterations


def test_a_long_run_has_a_gray_line_only_in_the_frames_that_are_shown(run, monkeypatch):
    monkeypatch.setattr("pages.runs.frames.MAX_FRAMES", 45)
    frames, omitted_note = frames_of(run)
    assert omitted_note
    figure = figures.neighbor_history(run, frames, 0, "name")
    assert [drawn.data[0].x[0] for drawn in figure.frames] == [run.history.positions[frame.state] for frame in frames]
    assert len(figure.data[0].x) == run.history.iterations + 1


def test_the_matrices_have_the_mutual_information_of_the_text_and_the_products_of_the_vectors_plus_ln_k(run):
    figure = figures.matrices(run)
    names = list(run.data.names)
    counts = run.model_input.cooccurrences.counts.toarray()
    words, contexts = run.history.parameters[-1]
    text, learned = figure.data
    assert list(text.x) == list(text.y) == list(learned.x) == list(learned.y)
    assert sorted(text.x) == sorted(names)
    n_empty = 0
    for i, word in enumerate(text.y):
        for j, context in enumerate(text.x):
            w, c = names.index(word), names.index(context)
            product = sum(a * b for a, b in zip(words[w], contexts[c], strict=True))
            assert learned.z[i][j] == pytest.approx(product + math.log(2.0), abs=1e-12)
            if counts[w, c]:
                chance = counts[w].sum() * counts[:, c].sum() / counts.sum()
                assert text.z[i][j] == pytest.approx(math.log(counts[w, c] / chance), abs=1e-12)
            else:
                n_empty += 1
                assert math.isnan(text.z[i][j])
    assert 0 < n_empty < len(names) ** 2
    assert (text.coloraxis, learned.coloraxis) == ("coloraxis", "coloraxis")


def test_the_matrices_show_only_the_most_frequent_words(grammar, monkeypatch):
    assert len(figures.matrices(grammar).data[0].x) == figures.MATRIX_WORDS < len(grammar.data.points)
    monkeypatch.setattr(figures, "MATRIX_WORDS", 6)
    shown = set(figures.matrices(grammar).data[0].x)
    assert shown == set(list(grammar.model_input.text.frequencies)[:6])


def test_words_of_the_matrices_are_sorted_by_category_and_within_it_along_the_first_component(grammar):
    order = figures.matrix_order(grammar)
    centered = grammar.data.points - grammar.data.points.mean(axis=0)
    _, vectors = np.linalg.eigh(centered.T @ centered)
    position = (centered @ vectors[:, -1])[order]
    labels = grammar.data.labels[order]
    assert (np.diff(labels) >= 0).all()
    assert len(set(labels)) > 2
    steps = np.diff(position)[np.diff(labels) == 0]
    assert (steps >= 0).all() or (steps <= 0).all()  # the sign of a component is arbitrary


def test_without_categories_words_of_the_matrices_are_sorted_along_the_first_component(run):
    centered = run.data.points - run.data.points.mean(axis=0)
    _, vectors = np.linalg.eigh(centered.T @ centered)
    steps = np.diff((centered @ vectors[:, -1])[figures.matrix_order(run)])
    assert (steps >= 0).all() or (steps <= 0).all()
