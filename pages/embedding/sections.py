"""The sections below the animated plot of word vectors, one of which is shown at a time."""

from dataclasses import replace

import numpy as np
import streamlit as st

from clustering import analogy, unit_vectors
from pages.datasets.data import Data
from pages.datasets.formatting import escape_markdown, minus_signs, with_article
from pages.datasets.grammar import ANALOGIES
from pages.datasets.limits import MAX_CLUSTERS
from pages.embedding import figures
from pages.figures import plots
from pages.figures.markup import table
from pages.runs.run import Run
from pages.runs.run_pictures import RunPictures
from pages.ui.charts import show_chart
from pages.ui.navigation import open_own_data
from pages.ui.widgets import PERSISTENT, PERSISTENT_IN_LINK, session_cache

SECTIONS = {"neighbors": "Nearest neighbors", "analogies": "Analogies", "matrix": "Mutual information", "use": "Use as data"}
ANSWERS = 5
"""number of answers to an analogy that are shown"""
METHODS = {"add": "3CosAdd", "multiply": "3CosMul"}


def choose_section() -> str:
    options = dict(format_func=SECTIONS.get, default="neighbors", required=True, key="embedding_section")
    return st.segmented_control("Section", list(SECTIONS), **options, **PERSISTENT_IN_LINK)


def show_section(section: str, run: Run, shown: RunPictures, word: int) -> None:
    """Shows one of `SECTIONS`; `word` is the index of the chosen word, and `shown` are the plots above."""
    {
        "neighbors": lambda: show_neighbors(run, shown, word),
        "analogies": lambda: show_analogies(run),
        "matrix": lambda: show_matrix(run),
        "use": lambda: show_use(run),
    }[section]()


def show_neighbors(run: Run, shown: RunPictures, word: int) -> None:
    name, count = run.data.names_of([word])[0], min(figures.NEIGHBORS, len(run.data.points) - 1)
    with st.container(key="neighbors"):
        figure = session_cache().get(
            ("neighbors", shown.name, word), lambda: figures.neighbor_history(run, shown.frames, word, shown.name)
        )
        show_chart(
            figure,
            key=f"neighbors of {word}",
            alt=f"Cosine similarity of {name} and its nearest neighbors in each iteration.",
        )
    st.caption(
        escape_markdown(
            f"Cosine of “{name}” and the {count} {run.data.noun}s nearest to it in the end. The gray line moves with the "
            f"animation. Click {with_article(run.data.noun)} in the plot above to see its neighbors."
        )
    )


def show_analogies(run: Run) -> None:
    names = run.data.names_of(slice(None))
    index = {name: i for i, name in enumerate(names)}
    known = [words for words in ANALOGIES if all(word in index for word in words)]
    if len(names) < 4:
        st.caption(f"Analogies need at least four {run.data.noun}s.")
        return
    if known:
        example = st.selectbox(
            "Example",
            range(len(known)),
            format_func=lambda i: "{} is to {} as {} is to …".format(*known[i]),
            key="analogy",
            width=360,
            **PERSISTENT,
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = []
        defaults = [index[word] for word in known[example][:3]] if known else [0, 1, 2]
        ending = f" {run.data.title} {example if known else ''}"
        for label, default in zip(("a", "is to b as c", "is to …"), defaults, strict=True):
            chosen.append(
                st.selectbox(
                    {"a": "a is to", "is to b as c": "b as", "is to …": "c is to …"}[label],
                    range(len(names)),
                    default,
                    format_func=names.__getitem__,
                    key=f"analogy {label}{ending}",
                    width=200,
                    **PERSISTENT,
                )
            )
    if len(set(chosen)) < 3:
        st.info("Choose three different entries.", icon=":material/info:")
        return
    columns = st.columns(2, gap="medium")
    for column, (method, title) in zip(columns, METHODS.items(), strict=True):
        answers, scores = analogy(run.data.points, *chosen, ANSWERS, method)
        rows = [[names[i], minus_signs(f"{score:.3f}")] for i, score in zip(answers, scores, strict=True)]
        with column:
            st.html(table([title, "Score"], rows, f"Answers by {title}"))
    text = (
        "3CosAdd: cosine with b − a + c (Mikolov et al. 2013). 3CosMul: product of the similarities (cosine + 1) / 2 with b "
        "and c, divided by that with a (Levy & Goldberg 2014)."
    )
    if known:
        right = {method: sum(_is_right(run.data.points, index, words, method) for words in known) for method in METHODS}
        counts = " and ".join(f"{right[method]} with {title}" for method, title in METHODS.items())
        text += f" Of the {len(known)} analogies of the grammar, {counts} have the right first answer."
    st.caption(text)


def _is_right(vectors: np.ndarray, index: dict[str, int], words: tuple[str, ...], method: str) -> bool:
    a, b, c, answer = (index[word] for word in words)
    return analogy(vectors, a, b, c, 1, method)[0][0] == answer


def show_matrix(run: Run) -> None:
    figure = session_cache().get(("matrices", plots.token(run.key)), lambda: figures.matrices(run))
    show_chart(
        figure,
        key="matrices",
        alt="Two heat maps of frequent words: pointwise mutual information, and the products of the learned vectors.",
    )
    sorting = f"by {run.data.label_name}" if run.data.labels is not None else "along the first principal component"
    st.caption(
        f"The {len(figures.matrix_order(run))} most frequent {run.data.noun}s, sorted {sorting}. Left: pointwise mutual "
        "information (PMI), ln of the count of a pair divided by the count expected by chance; empty where a pair never "
        "occurs. Right: products of word and context vectors plus ln k, for k negative samples. With as many dimensions as "
        f"{run.data.noun}s and no penalty, both would be equal wherever a pair occurs (Levy & Goldberg 2014)."
    )


def show_use(run: Run) -> None:
    st.markdown(f"Use the {run.data.noun} vectors as data on the other pages, with the {run.data.noun}s as row names.")
    normalized = st.toggle(
        "Normalize to length 1",
        True,
        key="normalize vectors",
        help="Euclidean distances then depend on the cosines only, not on the lengths of the vectors.",
        **PERSISTENT,
    )
    data = vectors_as_data(run, normalized)
    k = min(max(data.groups, 2), MAX_CLUSTERS)
    with st.container(horizontal=True):
        for label, page, state in (
            ("K-means", "watch", dict(algorithm="kmeans", k=k)),
            ("Hierarchical clustering", "hierarchy", dict(k=k)),
            ("Gaussian mixture", "mixture", dict(k=k)),
            ("Explore the data", "data", {}),
        ):
            st.button(
                label, key=f"use for {page}", on_click=open_own_data, args=(page, data), kwargs=state, icon=":material/input:"
            )
    if data.labels is not None:
        st.caption(f"The true labels are the {run.data.label_name} of each {run.data.noun}.")


def vectors_as_data(run: Run, normalized: bool) -> Data:
    """The word vectors as a data set, at length 1 if `normalized`; zero vectors stay zero."""
    data = replace(run.data, title=f"{run.data.title}: {run.data.noun} vectors", same_units=True)
    if not normalized:
        return replace(data, key=f"{data.key}/raw")
    return replace(data, key=f"{data.key}/normalized", points=unit_vectors(data.points))
