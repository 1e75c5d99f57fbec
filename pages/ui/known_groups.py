"""More scores of clusters relative to known groups, and the confusion matrix."""

from functools import partial
from typing import NamedTuple

import numpy as np
import streamlit as st

from pages.datasets.formatting import escape_markdown, format_amount, minus_signs, truncate
from pages.export.spreadsheets import table_csv
from pages.figures.markup import Raw, cluster_mark, noise_mark, table
from pages.figures.plots import token
from pages.runs.known_groups import NAMES, NOISE_IS_A_GROUP, TEXTS, KnownGroups, group_names
from pages.runs.run import Run
from pages.ui.export_menu import download


class KnownClusters(NamedTuple):
    """A clustering with scores relative to known groups."""

    title: str
    scores: KnownGroups
    group_names: list[str]
    """by label"""
    cluster_names: list[str]
    cluster_marks: list[Raw]

    @property
    def groups(self) -> list[str]:
        """Names of the rows of the confusion matrix."""
        return [self.group_names[label] for label in self.scores.confusion.groups]

    @property
    def clusters(self) -> list[str]:
        """Names of its columns."""
        return ["noise" if i < 0 else self.cluster_names[i] for i in self.scores.confusion.clusters]

    @property
    def marks(self) -> list[Raw]:
        """Headers of its columns."""
        return [noise_mark() if i < 0 else self.cluster_marks[i] for i in self.scores.confusion.clusters]


def known_clusters(run: Run, title: str = "") -> KnownClusters:
    """The clusters of a run, which must have `known_groups`."""
    texts = [run.number_and_name(rank) for rank in run.ranks]
    return KnownClusters(
        title or run.title,
        run.known_groups,
        group_names(run.data),
        [f"{run.view.traits.cluster} {text}" for text in texts],
        [cluster_mark(rank, text) for rank, text in zip(run.ranks, texts, strict=True)],
    )


@st.fragment
def show_more_scores(shown: list[KnownClusters], key: str = "") -> None:
    """Show a popover with all scores of the clusterings, if there are any, and a confusion matrix with a download."""
    if not shown:
        return
    with st.popover("More scores", icon=":material/grid_on:", on_change="rerun", key=f"more scores{key}") as menu:
        if not menu.open:
            return
        rows = [[one.title, *(minus_signs(f"{getattr(one.scores, name):.3f}") for name in NAMES)] for one in shown]
        if shown[1:]:
            st.html(table(["Run", *NAMES.values()], rows, "Scores relative to the true labels", row_headers=True))
        else:
            lines = [[NAMES[name], value, TEXTS[name]] for name, value in zip(NAMES, rows[0][1:], strict=True)]
            st.html(table(["Score", "", "Meaning"], lines, "Scores relative to the true labels", row_headers=True))
        titles = [one.title for one in shown]
        chosen = st.selectbox("Confusion matrix of", titles, key=f"confusion of{key}") if shown[1:] else titles[0]
        one = shown[titles.index(chosen)]
        _show_confusion_matrix(one)
        content = one.groups, one.clusters, one.scores.confusion.counts.tolist()
        create = partial(table_csv, one.scores.table(one.groups, one.clusters))
        download("Confusion matrix (CSV)", "confusion-matrix.csv", "text/csv", (token(content),), create, key)


def _show_confusion_matrix(one: KnownClusters) -> None:
    confusion = one.scores.confusion
    shares = confusion.counts / confusion.counts.sum(axis=1, keepdims=True)
    rows = []
    for i, (name, counts, match) in enumerate(zip(one.groups, confusion.counts, confusion.matches, strict=True)):
        cells = [_cell(count, share, j == match) for j, (count, share) in enumerate(zip(counts, shares[i], strict=True))]
        rows.append([truncate(name), *cells, format_amount(counts.sum())])
    title = f"Confusion matrix of {one.title}"
    st.html(table(["Known group", *one.marks, "Sum"], rows, title, row_headers=True))
    matched = np.flatnonzero(confusion.matches >= 0)
    agreeing = confusion.counts[matched, confusion.matches[matched]].sum()
    total = confusion.counts.sum()
    weighted = " Numbers are sums of weights." * (one.scores.weights is not None)
    st.caption(
        escape_markdown(
            f"Rows: known groups; columns: clusters, in the order of the groups that they match one-to-one (bold). "
            f"{format_amount(agreeing)} of {format_amount(total)} points ({agreeing / total:.1%}) are in matching groups and "
            f"clusters.{weighted} "
            "Percentages: shares of the group." + f" In the scores, {NOISE_IS_A_GROUP}." * bool((confusion.clusters < 0).any())
        )
    )


def _cell(count: float, share: float, matches: bool) -> Raw:
    text = f"{format_amount(count)} <small>{share:.0%}</small>"
    return Raw(f"<b>{text}</b>" if matches else text)
