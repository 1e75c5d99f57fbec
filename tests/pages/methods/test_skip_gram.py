"""Skip-gram in the app: captions, formulas, exported files and scores, checked by plain loops."""

import math
import re
from contextlib import chdir, redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pages.datasets.grammar import draw_grammar
from pages.datasets.texts import Text, from_items, from_text
from pages.export import scripts
from pages.methods import method, settings, skip_gram
from pages.methods.formulas import coordinates, short_number
from pages.runs.cache import RecentCache
from pages.runs.frames import frames_of
from pages.runs.run import make_run

SENTENCES = "The cat drinks milk. The dog eats bread. The cat eats fish. The dog drinks water. A cat sleeps."
NEARER = re.compile(r": “(.*)” came nearer to “(.*)” \(cosine (.*) → (.*)\), loss")


def run_on(text, **options):
    return make_run(text, settings("skipgram", data=text, **options), RecentCache(), lambda _: None)


@pytest.fixture(scope="module")
def run():
    return run_on(from_text(SENTENCES, "Few sentences"), dimension=3, negatives=2.0)


@pytest.fixture(scope="module")
def grammar():
    return run_on(draw_grammar(150, 3), dimension=4)


def cosine(u, v) -> float:
    lengths = math.sqrt(sum(a * a for a in u)) * math.sqrt(sum(b * b for b in v))
    return sum(a * b for a, b in zip(u, v, strict=True)) / lengths if lengths else 0.0


def rises(run, state: int) -> dict[frozenset, tuple[float, float]]:
    """For each pair of words, the cosine of the vectors that a half-step moves, before and after it."""
    part = {"words": 0, "contexts": 1}[run.history.states[state].phase]
    old, new = (run.history.states[i].parameters[part].tolist() for i in (state - 1, state))
    names = list(run.data.names)
    return {
        frozenset((names[i], names[j])): (cosine(old[i], old[j]), cosine(new[i], new[j]))
        for i in range(len(names))
        for j in range(i)
    }


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def test_captions_name_the_pair_whose_cosine_rose_most_or_say_that_hardly_any_did(run):
    named = {"words": set(), "contexts": set()}
    for i, state in enumerate(run.history.states):
        sentence = run.view.sentence(run, i)
        if state.phase not in named:
            continue
        pairs = rises(run, i)
        highest = max(after - before for before, after in pairs.values())
        found = NEARER.search(sentence)
        assert (found is None) == ("hardly any change" in sentence) == (highest < 0.005)
        if found:
            before, after = pairs[frozenset(found.groups()[:2])]
            assert after - before == pytest.approx(highest, abs=1e-12)
            assert (number(found[3]), number(found[4])) == pytest.approx((before, after), abs=0.0051)
            named[state.phase].add(frozenset(found.groups()[:2]))
        assert sentence.startswith({"words": "Words updated: ", "contexts": "Contexts updated: "}[state.phase])
    assert all(len(pairs) > 2 for pairs in named.values())
    assert "hardly any change" in run.view.sentence(run, len(run.history.states) - 1)


def test_captions_compare_only_the_most_frequent_words(grammar, monkeypatch):
    monkeypatch.setattr(skip_gram, "COMPARED", 5)
    frequent = set(list(grammar.model_input.text.frequencies)[:5])
    found = [NEARER.search(grammar.view.sentence(grammar, i)) for i in range(2, 12)]
    named = {name for one in found if one for name in one.groups()[:2]}
    assert len(named) > 1
    assert named <= frequent


def test_formulas_have_the_values_of_plain_loops(run):
    counts = run.model_input.cooccurrences.counts.toarray()
    names, total = list(run.data.names), counts.sum()
    word = names.index("cat")
    partner = max(range(len(names)), key=lambda i: counts[word, i])
    assert counts[word, partner] == 2
    objective, e_step, m_step = run.view.formulas(run, word, 0)
    negative = 2.0 * counts[word].sum() * counts[partner].sum() / total
    information = math.log(counts[word, partner] * total / (counts[word].sum() * counts[partner].sum()))
    frames, _ = frames_of(run)
    for frame in (frames[0], frames[1], frames[2], frames[-1]):
        words, contexts = run.history.states[frame.state].parameters
        x = sum(a * b for a, b in zip(words[word], contexts[partner], strict=True))
        weight = (counts[word, partner] + negative) * math.tanh(x / 2) / (2 * x)
        assert e_step.values(frame) == [
            f"= {short_number(weight)}",
            f"count 2, negative samples {short_number(negative)}, x = {short_number(x)} "
            f"(PMI − ln k = {short_number(information - math.log(2.0))}).",
        ]
        cosines = sorted(((cosine(words[word], words[i]), i) for i in range(len(names)) if i != word), reverse=True)
        nearest = ", ".join(f"{names[i]} {value:.2f}" for value, i in cosines[:3])
        assert m_step.values(frame) == [f"{coordinates(words[word])}; {nearest}.".replace("-", "−")]
    assert number(objective.values(frames[-1])[0].removeprefix("= ")) == pytest.approx(loss_by_loops(run, -1), rel=1e-5)
    assert f"For “cat” and its most frequent context, “{names[partner]}”:" in e_step.note
    assert (e_step.phase, m_step.phase) == ("words contexts", "words contexts")


def loss_by_loops(run, state: int) -> float:
    """The loss as the formula on the page says, plus the penalty."""
    counts = run.model_input.cooccurrences.counts.toarray()
    words, contexts = run.history.states[state].parameters
    k, total, loss = run.settings.option("negatives"), counts.sum(), 0.0
    for w in range(len(words)):
        for c in range(len(contexts)):
            x = sum(a * b for a, b in zip(words[w], contexts[c], strict=True))
            loss += counts[w, c] * math.log1p(math.exp(-x))
            loss += k * counts[w].sum() * counts[:, c].sum() / total * math.log1p(math.exp(x))
    squares = (np.square(words).sum() + np.square(contexts).sum()) / len(words)
    return loss / total + run.settings.option("ridge") / 2 * squares


def test_positions_of_each_state_are_its_vectors_rotated_near_the_final_ones(run):
    final = run.data.points
    for i in {*range(len(run.history.states))[::20], len(run.history.states) - 1}:
        words, shown = run.history.states[i].parameters.words, run.view.positions(run, i)
        np.testing.assert_allclose(shown @ shown.T, words @ words.T, atol=1e-10)
        assert np.linalg.norm(shown - final) <= np.linalg.norm(words - final) + 1e-10
        # the best rotation makes the product with the final vectors symmetric and positive semidefinite
        product = final.T @ shown
        np.testing.assert_allclose(product, product.T, atol=1e-8)
        assert np.linalg.eigvalsh(product).min() > -1e-8
    np.testing.assert_allclose(run.view.positions(run, len(run.history.states) - 1), run.history.last.parameters.words)
    assert not np.allclose(run.view.positions(run, 0), run.history.states[0].parameters.words, atol=0.05)


def test_positions_stay_in_half_steps_for_contexts_and_move_in_those_for_words(run):
    phases = [state.phase for state in run.history.states]
    assert phases[:4] == ["start", "initial", "words", "contexts"]
    for i in range(1, 12):
        moved = not np.allclose(run.view.positions(run, i), run.view.positions(run, i - 1), atol=1e-9)
        assert moved == (phases[i] == "words")


def parsed(content: bytes) -> tuple[list[str], np.ndarray]:
    """Words and vectors of a file in the text format of word2vec."""
    header, *lines = content.decode("utf-8").splitlines()
    n, d = map(int, header.split(" "))
    rows = [line.split(" ") for line in lines]
    assert len(rows) == n
    assert {len(row) for row in rows} == {d + 1}
    return [row[0] for row in rows], np.array([row[1:] for row in rows], dtype=float)


def file_of(run, name: str) -> bytes:
    return next(file for file in run.view.files(run) if file.name == name).create()


def test_the_word2vec_file_has_a_header_and_the_exact_vectors(run):
    words, vectors = parsed(file_of(run, "vectors.txt"))
    assert words == list(run.data.names)
    np.testing.assert_array_equal(vectors, run.data.points)


ITEMS = pd.Series(["dark  bread; oat\tmilk", "oat\tmilk; Gänse-“Käse”; it's", "it's; dark  bread", "Gänse-“Käse”; oat\tmilk"])


def test_spaces_within_items_become_underscores_in_the_word2vec_file():
    run = run_on(from_items(ITEMS, "Items", ";"), dimension=2)
    assert set(run.data.names) == {"dark bread", "oat milk", "Gänse-“Käse”", "it's"}
    words, vectors = parsed(file_of(run, "vectors.txt"))
    assert words == ["_".join(name.split()) for name in run.data.names]
    assert {"dark_bread", "oat_milk"} <= set(words)
    np.testing.assert_array_equal(vectors, run.data.points)


@pytest.mark.parametrize(
    "options",
    [dict(), dict(window=1, least=2), dict(weighting="harmonic", subsampling=1e-2, ridge=0.0)],
    ids=str,
)
@pytest.mark.parametrize("text", [from_text(SENTENCES, "Sentences"), from_items(ITEMS, "Items", ";")], ids=["text", "items"])
def test_the_script_repeats_the_run_with_the_exported_sequences(text, options, tmp_path):
    if not text.ordered:
        options = {name: value for name, value in options.items() if name not in ("window", "weighting")}
    run = run_on(text, dimension=2, **options)
    (tmp_path / "sequences.txt").write_bytes(file_of(run, "sequences.txt"))
    names: dict = {}
    with chdir(tmp_path), redirect_stdout(StringIO()) as printed:
        exec(scripts.with_clustering(run), names)
    assert [tuple(sequence) for sequence in names["sequences"]] == [
        tuple(" ".join(word.split()) for word in sequence) for sequence in text.sequences
    ]
    state = names["state"]
    assert state.iteration == run.history.iterations
    assert len(printed.getvalue().splitlines()) > run.history.iterations
    np.testing.assert_allclose(state.parameters.words, run.data.points, rtol=1e-9, atol=1e-12)
    assert names["counts"].words == tuple(" ".join(word.split()) for word in run.data.names)


def few(categories, name="kind") -> Text:
    sentences = (("a", "b", "a", "c"), ("b", "d"), ("c", "d", "a"))
    return Text("few", "Few", sentences, categories=categories, category_name=name)


def test_true_labels_are_the_sorted_categories_and_unknown_for_other_words():
    run = run_on(few({"a": "y", "c": "x", "d": "y", "other": "z"}), dimension=2)
    assert list(run.data.names) == ["a", "b", "c", "d"]
    assert run.data.labels.tolist() == [1, -1, 0, 1]
    assert run.data.label_name == "kind"
    assert run.data.occurrences.tolist() == [3, 2, 2, 2]
    assert run.data.columns == ("dimension 1", "dimension 2")
    np.testing.assert_array_equal(run.data.points, run.history.last.parameters.words)
    assert run_on(few(None, ""), dimension=2).data.labels is None


def test_the_score_is_the_share_of_words_whose_nearest_neighbor_has_the_same_category(grammar):
    names, categories = list(grammar.data.names), draw_grammar(150, 3).categories
    vectors = grammar.data.points.tolist()
    same = 0
    for i, name in enumerate(names):
        nearest = max((j for j in range(len(names)) if j != i), key=lambda j: cosine(vectors[i], vectors[j]))
        same += categories[names[nearest]] == categories[name]
    (score,) = grammar.view.scores(grammar)
    assert 0 < same < len(names)
    assert (score.name, score.text) == ("Neighbors of the same category", f"{same / len(names):.0%}")


def test_without_categories_there_is_no_score(run):
    assert run.view.scores(run) == []


def test_a_note_says_that_only_the_most_frequent_words_are_used(monkeypatch):
    text = from_text(SENTENCES, "Sentences")
    assert run_on(text, dimension=2).note == ""
    monkeypatch.setattr(skip_gram, "MAX_WORDS", text.n_distinct)
    assert run_on(text, dimension=2).note == ""
    monkeypatch.setattr(skip_gram, "MAX_WORDS", 5)
    run = run_on(text, dimension=2)
    assert run.note == f"5 of {text.n_distinct} distinct words are used, the most frequent ones."
    assert list(run.data.names) == list(text.frequencies)[:5]
    assert "max_words=5" in scripts.with_clustering(run)
    monkeypatch.undo()
    rare_left_out = run_on(text, dimension=2, least=2)
    assert list(rare_left_out.data.names) == ["the", "cat", "drinks", "dog", "eats"]
    assert rare_left_out.note == run.note


def test_a_run_has_at_most_as_many_dimensions_as_words_that_are_frequent_enough(monkeypatch):
    text, view = from_text(SENTENCES, "Sentences"), method("skipgram")
    for least, expected in ((1, 11), (2, 5), (3, 2), (99, 1)):
        chosen = view.settings(data=text, dimension=50, least=least)
        assert skip_gram.n_frequent(text, chosen) == sum(
            SENTENCES.lower().replace(".", "").split().count(word) >= least for word in text.frequencies
        )
        assert skip_gram.with_fitting_dimension(text, chosen).option("dimension") == expected
    monkeypatch.setattr(skip_gram, "MAX_WORDS", 4)
    assert skip_gram.with_fitting_dimension(text, view.settings(data=text, dimension=50)).option("dimension") == 4
    unchanged = view.settings(data=text, dimension=3)
    assert skip_gram.with_fitting_dimension(text, unchanged) == unchanged


def test_files_and_arrays_have_the_vectors_of_contexts_and_of_all_iterations(run):
    columns = run.view.parameter_columns(run)
    assert columns["context"] == list(run.data.names)
    last = run.history.last.parameters
    np.testing.assert_array_equal(np.column_stack([columns[f"dimension {i}"] for i in (1, 2, 3)]), last.contexts)
    arrays = run.view.arrays(run)
    assert arrays["word_vectors"].shape == arrays["context_vectors"].shape == (run.history.iterations + 1, 11, 3)
    np.testing.assert_array_equal(arrays["context_vectors"][-1], last.contexts)
    np.testing.assert_array_equal(arrays["word_vectors"][-1], last.words)
    counts = [SENTENCES.lower().replace(".", "").split().count(name) for name in run.data.names]
    assert run.view.point_columns(run)["count"].tolist() == counts


def test_sequences_are_written_one_per_line_even_with_unencodable_characters(tmp_path):
    run = run_on(Text("odd", "Odd", (("a", "b\ud800", "c"), ("c", "a"))), dimension=2)
    path = Path(tmp_path / "sequences.txt")
    path.write_bytes(file_of(run, "sequences.txt"))
    assert [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()] == [["a", "b?", "c"], ["c", "a"]]
