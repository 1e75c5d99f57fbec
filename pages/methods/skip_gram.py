"""Skip-gram with negative sampling (word2vec) in the app: word vectors that move to their final positions."""

import hashlib
from collections.abc import Callable
from functools import partial
from html import escape
from typing import NamedTuple

import numpy as np

from clustering import (
    Cooccurrences,
    SkipGram,
    Vectors,
    cooccurrences,
    most_similar,
    pointwise_mutual_information,
    unit_vectors,
)
from clustering.cooccurrences import WEIGHTINGS
from pages.datasets.data import Data
from pages.datasets.formatting import minus_signs, pluralize, truncate, with_article
from pages.datasets.limits import MAX_WORDS
from pages.datasets.texts import TEXT, Text
from pages.methods.base import ExportFile, MethodView, Score, Script
from pages.methods.formulas import (
    E_STEP,
    M_STEP,
    NOTE,
    VALUE,
    Formula,
    coordinates,
    fraction,
    loss_value,
    row,
    short_number,
    sign,
    subscript,
    sum_over,
    symbol,
    vector,
)
from pages.methods.options import Option, Settings
from pages.methods.traits import Loss, Traits

EMBEDDING = "embedding"
"""the page that shows this method"""
SEQUENCES = "sequences.txt"
"""file name of the words that a script reads"""
COMPARED = 200
"""number of the most frequent words among which captions look for a pair that came nearer"""
NOTICEABLE = 0.005
"""smallest change of a cosine that captions mention"""
ONLY = frozenset({EMBEDDING})
DIMENSION = Option(
    "dimension",
    "Dimensions",
    12,
    low=1,
    high=100,
    step=1,
    short_label=lambda d: f"{d} dimensions",
    help="Number of coordinates of each vector. The plot shows the two principal components of the final vectors.",
    width=112,
    pages=ONLY,
)
WINDOW = Option(
    "window",
    "Window",
    5,
    low=1,
    high=20,
    step=1,
    short_label=lambda window: f"window {window}",
    argument=None,
    applies_to=lambda text: text.ordered,
    help="Largest distance between two words of a sentence that count as a pair.",
    width=112,
    pages=ONLY,
)
MIN_COUNT = Option(
    "least",
    "Min. count",
    1,
    low=1,
    high=1_000,
    step=1,
    short_label=lambda count: f"minimum count {count}",
    argument=None,
    help="Minimum count: words or items that occur less often are left out.",
    width=112,
    pages=ONLY,
)
NEGATIVES = Option(
    "negatives",
    "Negative samples",
    5.0,
    low=0.5,
    high=50.0,
    step=0.5,
    short_label=lambda k: f"{k:g} negative samples",
    help="Negative samples for each pair of the text. They are not drawn at random: the loss contains their expectation.",
    width=220,
    advanced=True,
    pages=ONLY,
)
WEIGHTING = Option(
    "weighting",
    "Distance weighting",
    "flat",
    choices=dict(zip(WEIGHTINGS, ("Equal weights", "Linear (word2vec)", "1 / distance (GloVe)"), strict=True)),
    argument=None,
    applies_to=lambda text: text.ordered,
    help="Weight of a pair of words, depending on their distance in the sentence.",
    width=220,
    advanced=True,
    pages=ONLY,
)
SUBSAMPLING = Option(
    "subsampling",
    "Subsampling of frequent words or items",
    0.0,
    choices={0.0: "Off", 1e-2: "0.01", 1e-3: "0.001", 1e-4: "0.0001"},
    argument=None,
    help="Relative frequency above which the pairs of a word count less, as if some of its occurrences were dropped (Mikolov "
    "et al. 2013).",
    width=220,
    advanced=True,
    pages=ONLY,
)
RIDGE = Option(
    "ridge",
    "Ridge penalty",
    1e-3,
    choices={0.0: "No penalty", 1e-4: "0.0001", 1e-3: "0.001", 1e-2: "0.01"},
    help="Penalty on the mean squared length of the vectors. It keeps the vectors of rare words short.",
    width=220,
    advanced=True,
    pages=ONLY,
)


class Corpus(NamedTuple):
    """Input of a run."""

    text: Text
    cooccurrences: Cooccurrences

    @property
    def n_values(self) -> int:
        return self.cooccurrences.counts.nnz


class SkipGramView(MethodView):
    """Skip-gram in the app; only on the Embedding page, because it needs a text and finds no clusters."""

    name = "skipgram"
    title = "Skip-gram (word2vec)"
    title_in_sentence = "skip-gram"
    order = 7
    traits = Traits(
        data=frozenset({TEXT}),
        k="none",
        center=None,
        loss=Loss("nats per pair", "absolute", "0.0001 nats"),
        moves_points=True,
    )
    works_with = "words"
    options = (DIMENSION, WINDOW, MIN_COUNT, NEGATIVES, WEIGHTING, SUBSAMPLING, RIDGE)
    initializations = ()
    pages = frozenset()
    colors_by_true_label = True
    still_phases = frozenset({"initial", "contexts"})
    parameters_name = "dimensions or words"
    limit_advice = "Choose fewer dimensions or a larger ridge penalty."
    notices_by_iteration = False

    def process(self, settings: Settings, init=None) -> SkipGram:
        return SkipGram(**self.arguments(settings))

    def model_input(self, data: Text, settings: Settings, cache) -> Corpus:
        least, frequent = settings.option("least"), n_frequent(data, settings)
        if frequent < 2:
            raise ValueError(
                f"{'Only one' if frequent else 'No'} {data.noun} occurs at least {least:,} times, but two are needed: choose "
                "a smaller minimum count, or add more text"
            )
        counting = {
            "window": settings.option("window"),
            "weighting": settings.option("weighting") or "flat",
            "subsample": settings.option("subsampling"),
            "min_count": least,
            "max_words": MAX_WORDS,
        }
        key = ("co-occurrences", data.key, *counting.values())
        return cache.get(key, lambda: Corpus(data, cooccurrences(data.sequences, **counting)))

    def process_data(self, model_input: Corpus) -> Cooccurrences:
        return model_input.cooccurrences

    def input_note(self, data: Text, model_input: Corpus) -> str:
        used = len(model_input.cooccurrences.words)
        return (
            ""
            if used == data.n_distinct
            else (f"{used:,} of {data.n_distinct:,} distinct {data.noun}s are used, the most frequent ones.")
        )

    def values_per_state(self, data, settings: Settings, k=None) -> int:
        words = min(data.n_distinct, MAX_WORDS) if isinstance(data, Text) else len(data.points)
        return 2 * words * settings.option("dimension")

    def working_values(self, data, settings: Settings) -> int:
        return 4 * data.n_values

    def data_of_run(self, data: Text, model_input: Corpus, history) -> Data:
        """The final word vectors as points, with words as names."""
        vectors, words = history.last.parameters.words, model_input.cooccurrences.words
        labels = None
        if data.categories is not None:
            names = sorted(set(data.categories.values()))
            labels = np.array([names.index(data.categories[word]) if word in data.categories else -1 for word in words])
        return Data(
            key=f"vectors/{data.key}/{hashlib.sha256(vectors.tobytes()).hexdigest()[:24]}",
            title=data.title,
            columns=tuple(f"dimension {i + 1}" for i in range(vectors.shape[1])),
            points=vectors,
            labels=labels,
            label_name=data.category_name,
            names=np.array(words, dtype=object),
            noun=data.noun,
            occurrences=model_input.cooccurrences.frequencies,
        )

    # Plotting

    def positions(self, run, state: int) -> np.ndarray:
        """The word vectors in a state, rotated as closely as possible to the final ones: the loss depends on products only."""
        words = run.history.states[state].parameters.words
        left, _, right = np.linalg.svd(words.T @ run.data.points)
        return words @ (left @ right)

    # Explaining

    def phases(self, run) -> dict[str, str]:
        noun = run.data.noun
        return {
            "start": f"Each {noun} has two vectors: one as {with_article(noun)}, and one as a context of others. The plot "
            "shows the first ones, in the plane of the first two principal components of the final vectors.",
            "initial": "The loss is low if pairs that occur together have a large product, and other pairs a small one.",
            "words": f"Half-step for {noun}s: the assignment (E) gives each pair a weight, and the update (M) moves each "
            "vector to the solution of a weighted least-squares problem.",
            "contexts": f"Half-step for contexts: the same for the context vectors, while the {noun} vectors stay.",
        }

    def sentences(self) -> dict[str, Callable]:
        return {
            "start": self.start_sentence,
            "initial": self.initial_sentence,
            "words": self.words_sentence,
            "contexts": self.contexts_sentence,
        }

    def start_sentence(self, run, state: int, current) -> str:
        return f"Start: {pluralize(len(run.data.points), run.data.noun)} with short random vectors."

    def initial_sentence(self, run, state: int, current) -> str:
        return f"Random vectors: loss {self.loss_text(current.loss)}."

    def words_sentence(self, run, state: int, current) -> str:
        return f"{run.data.noun.capitalize()}s updated: {self._nearer(run, state, 0)}, loss {self.loss_text(current.loss)}."

    def contexts_sentence(self, run, state: int, current) -> str:
        return f"Contexts updated: {self._nearer(run, state, 1)}, loss {self.loss_text(current.loss)}."

    def _nearer(self, run, state: int, part: int) -> str:
        """The pair of frequent words whose cosine rose most; `part` is 0 for words and 1 for contexts."""
        old, new = (cosines(run.history.states[i].parameters[part][:COMPARED]) for i in (state - 1, state))
        i, j = np.unravel_index(np.argmax(new - old), new.shape)
        if new[i, j] - old[i, j] < NOTICEABLE:
            return "hardly any change"
        names = [f"“{truncate(name)}”" for name in run.data.names_of([i, j])]
        return minus_signs(f"{names[0]} came nearer to {names[1]} (cosine {old[i, j]:.2f} → {new[i, j]:.2f})")

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        history, counts, negatives = run.history, run.model_input.cooccurrences.counts, run.history.process.negatives
        total, sums = counts.sum(), counts.sum(axis=0)
        names = run.data.names_of(slice(None))
        own = counts[[point]].toarray()[0]
        partner = int(own.argmax())
        expected = negatives * sums[point] * sums[partner] / total
        n = own[partner] + expected
        information = pointwise_mutual_information(counts)[point, partner] - np.log(negatives)

        def vectors_of(frame) -> Vectors:
            return history.states[frame.state].parameters

        def e_values(frame) -> list[str]:
            words, contexts = vectors_of(frame)
            x = float(words[point] @ contexts[partner])
            weight = n * (np.tanh(x / 2) / (2 * x) if abs(x) > 1e-8 else 0.25)
            return [
                f"= {short_number(weight)}",
                f"count {short_number(own[partner])}, negative samples {short_number(expected)}, x = {short_number(x)} "
                f"(PMI − ln k = {short_number(information)}).",
            ]

        def m_values(frame) -> list[str]:
            words = vectors_of(frame).words
            indices, similarities = most_similar(words, point, 3)
            nearest = ", ".join(f"{names[i]} {cosine:.2f}" for i, cosine in zip(indices, similarities, strict=True))
            return [f"{coordinates(words[point])}; {minus_signs(nearest)}."]

        w, c, k = vector("w"), vector("c"), symbol("k")
        wc = row(symbol("w"), sign(","), symbol("c"))
        x, omega, n_wc = (subscript(symbol(name), wc) for name in ("x", "ω", "n"))
        count = _number(wc)
        negative = fraction(row(k, _number(symbol("w")), _number(symbol("c"))), symbol("N"))
        sigma = row(symbol("ln"), symbol("σ"))
        loss = row(
            symbol("L"), sign("="), sign("−"), fraction("<mn>1</mn>", symbol("N")), sum_over(wc), sign("["), count, sigma,
            sign("("), x, sign(")"), sign("+"), negative, sigma, sign("("), sign("−"), x, sign(")"), sign("]"), VALUE,
        )  # fmt: skip
        weight = row(
            n_wc, fraction(row(symbol("tanh"), sign("("), x, sign("/"), "<mn>2</mn>", sign(")")), row("<mn>2</mn>", x))
        )
        e_step = row(omega, sign("="), weight, VALUE)
        gram = row(sum_over(symbol("c")), omega, c, f"<msup>{c}{sign('⊤')}</msup>", sign("+"), symbol("λ"), vector("I"))
        inverse = f"<msup>{row(sign('('), gram, sign(')'))}{row(sign('−'), '<mn>1</mn>')}</msup>"
        target = row(sign("("), count, sign("−"), fraction(n_wc, "<mn>2</mn>"), sign(")"))
        m_step = row(w, sign("="), inverse, sum_over(symbol("c")), target, c)
        definitions = row(
            x, sign("="), f"<msup>{w}{sign('⊤')}</msup>", c, sign(","), n_wc, sign("="), count, sign("+"), negative
        )
        word, context = escape(names[point]), escape(names[partner])
        both = "words contexts"
        ridge = f"λ is the ridge penalty times N / V, with V {run.data.noun}s. Contexts likewise."
        return [
            Formula("Objective", "", loss, f"<math>{definitions}</math>; the ridge penalty is added.", loss_value),
            Formula(E_STEP, both, e_step, f"For “{word}” and its most frequent context, “{context}”: {NOTE}", e_values),
            Formula(M_STEP, both, m_step, f"“{word}” and its nearest {run.data.noun}s: {NOTE} {ridge}", m_values),
        ]

    # Exporting

    def scores(self, run) -> list[Score]:
        labels = run.data.labels
        if labels is None:
            return []
        nearest = cosines(run.data.points).argmax(axis=1)
        share = f"{np.mean(labels == labels[nearest]):.0%}"
        help = f"Share of the {run.data.noun}s whose nearest neighbor by cosine has the same {run.data.label_name}."
        return [Score(f"Neighbors of the same {run.data.label_name}", share, help)]

    def point_columns(self, run) -> dict[str, np.ndarray]:
        return {"count": run.data.occurrences}

    def parameter_columns(self, run) -> dict:
        contexts = run.history.parameters[-1].contexts
        columns = {"context": [str(name) for name in run.data.names]}
        return columns | dict(zip(run.data.columns, contexts.T, strict=True))

    def arrays(self, run) -> dict[str, np.ndarray]:
        words, contexts = zip(*run.history.parameters, strict=True)
        return {"word_vectors": np.stack(words), "context_vectors": np.stack(contexts)}

    def files(self, run) -> list[ExportFile]:
        noun = run.model_input.text.sequence_noun.capitalize()
        return [
            ExportFile("Vectors (word2vec text)", "vectors.txt", "text/plain", partial(word2vec_text, run)),
            ExportFile(f"{noun}s (TXT)", SEQUENCES, "text/plain", partial(sequences_text, run)),
        ]

    def data_code(self, run) -> Script:
        separator = "\\t"
        body = (
            f'with open("{SEQUENCES}", encoding="utf-8") as file:\n'
            f'    sequences = [line.rstrip("\\n").split("{separator}") for line in file]\n'
        )
        return Script(frozenset(), body)

    def input_code(self, settings: Settings) -> tuple[str, str, frozenset[str]]:
        arguments = f"sequences, {settings.option('window')}, min_count={settings.option('least')}, max_words={MAX_WORDS}"
        if settings.option("weighting") not in (None, "flat"):
            arguments += f', weighting="{settings.option("weighting")}"'
        if settings.option("subsampling"):
            arguments += f", subsample={settings.option('subsampling')}"
        return f"counts = cooccurrences({arguments})\n", "counts", frozenset({"cooccurrences"})


def n_frequent(text: Text, settings: Settings) -> int:
    """Number of words that occur often enough."""
    least = settings.option("least")
    return sum(frequency >= least for frequency in text.frequencies.values())


def with_fitting_dimension(text: Text, settings: Settings) -> Settings:
    """The settings with at most as many dimensions as there are words."""
    largest = max(min(n_frequent(text, settings), MAX_WORDS), 1)
    return settings.with_options(dimension=min(settings.option("dimension"), largest))


def cosines(vectors: np.ndarray) -> np.ndarray:
    """(n, n) cosines between the rows of an array (n, d), 0 for zero vectors; −1 on the diagonal."""
    directions = unit_vectors(vectors)
    found = directions @ directions.T
    np.fill_diagonal(found, -1.0)
    return found


def word2vec_text(run) -> bytes:
    """The word vectors in the text format of word2vec. Spaces within a word become underscores, as the format requires."""
    vectors = run.history.parameters[-1].words
    lines = [f"{len(vectors)} {vectors.shape[1]}"]
    for name, values in zip(run.data.names, vectors.tolist(), strict=True):
        lines.append(" ".join(["_".join(str(name).split()), *map(repr, values)]))
    return ("\n".join(lines) + "\n").encode()


def sequences_text(run) -> bytes:
    """The sequences that the script reads, one per line, with tabs between the words."""
    lines = ("\t".join(" ".join(word.split()) for word in sequence) for sequence in run.model_input.text.sequences)
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _number(of: str) -> str:
    return row(symbol("#"), sign("("), of, sign(")"))


METHOD = SkipGramView()
