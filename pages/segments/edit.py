"""Edits of the segments by hand, and what they change."""

import html
import re
from dataclasses import replace

import numpy as np
import streamlit as st

from clustering import adjusted_rand_index, as_frequencies, contingency_table, within_groups
from pages.datasets.data import Data
from pages.datasets.formatting import escape_markdown, format_amount, format_number, minus_signs, pluralize, truncate
from pages.datasets.limits import MAX_CLUSTERS
from pages.figures import palette
from pages.figures.markup import cluster_mark, mark, table
from pages.figures.plots import token
from pages.methods import available_methods, method
from pages.methods.options import Settings
from pages.methods.starts import MANUAL, ManualStart
from pages.methods.traits import COMPARE, WATCH
from pages.runs.known_groups import TEXTS, KnownGroups, group_names
from pages.runs.profiles import Profiles
from pages.runs.run import Run
from pages.runs.segments import Edit, Segments, segments_of
from pages.ui import run_view
from pages.ui.data_choice import current
from pages.ui.errors import show_error
from pages.ui.known_groups import KnownClusters, show_more_scores
from pages.ui.navigation import open_with_centers
from pages.ui.progress import Progress
from pages.ui.segments import EDIT_ERROR, edit, select_rows, selected_rows, show_edit_error, undo
from pages.ui.widgets import session_cache

ROWS = "segments_rows"
"""key of the row numbers that were entered"""
TRUTH = "true labels"
"""the choice of the true labels for a comparison"""


def show(profiles: Profiles) -> None:
    segments = profiles.segments
    show_edit_error()
    left, right = st.columns(2, gap="medium")
    with left:
        if segments.k > 1:
            _offer_merge(segments)
        if segments.k:
            _offer_split_and_drop(segments)
            _offer_move(segments)
    with right:
        _show_sizes(segments)
        _show_edits(segments)
    if segments.is_edited:
        _compare_with_original(segments)
    _compare_with_another(segments)
    _offer_start(segments)


def _key(name: str, segments: Segments) -> str:
    """Key of a widget that is reset after each edit."""
    return f"segments_{name} {token(segments.key)}"


def _choose(label: str, name: str, segments: Segments, index: int = 0) -> str:
    """Choose a segment; returns the key of the widget."""
    key, names = _key(name, segments), segments.names.__getitem__
    st.selectbox(label, range(segments.k), min(index, segments.k - 1), format_func=names, key=key, width=180)
    return key


def _chosen(*keys: str) -> tuple[int, ...]:
    return tuple(st.session_state[key] for key in keys)


def _box(title: str):
    box = st.container(border=True)
    box.markdown(f"**{title}**")
    return box.container(horizontal=True, vertical_alignment="bottom")


def _offer_merge(segments: Segments) -> None:
    with _box("Merge two segments"):
        keys = _choose("Merge", "merge", segments), _choose("with", "merge with", segments, 1)
        st.button("Merge", icon=":material/merge:", on_click=lambda: edit(segments, Edit("merge", _chosen(*keys))))


def _offer_split_and_drop(segments: Segments) -> None:
    with _box("Split a segment, or drop it as noise"):
        key = _choose("Segment", "split", segments)
        st.button(
            "Split in two",
            icon=":material/call_split:",
            help="K-means with two clusters splits the segment.",
            on_click=lambda: edit(segments, Edit("split", _chosen(key))),
        )
        st.button(
            "Drop as noise",
            icon=":material/delete:",
            help="Its rows then belong to no segment.",
            on_click=lambda: edit(segments, Edit("drop", _chosen(key))),
        )


def _offer_move(segments: Segments) -> None:
    data = segments.data
    with _box("Move rows to another segment"):
        st.text_input("Row numbers", key=ROWS, placeholder="5, 12-20", width=180)
        key = _choose("to", "move", segments)

        def move_entered():
            try:
                rows = positions_of(st.session_state[ROWS], data)
            except ValueError as error:
                st.session_state[EDIT_ERROR] = str(error)
            else:
                edit(segments, Edit("move", _chosen(key), rows))
                st.session_state[ROWS] = ""

        def move_selected():
            edit(segments, Edit("move", _chosen(key), tuple(selected_rows(data).tolist())))
            select_rows(data, ())

        st.button("Move", icon=":material/move_item:", on_click=move_entered)
        count = len(selected_rows(data))
        if count:
            st.button(f"Move the {pluralize(count, 'selected row')}", on_click=move_selected)
        else:
            st.caption("Or select rows in a plot, in the section Plots.")


def positions_of(text: str, data: Data) -> tuple[int, ...]:
    """Positions in the data of row numbers such as "5, 12-20".

    Raises ValueError, with a sentence, if the text is malformed or a row is not among the points.
    """
    numbers: set[int] = set()
    for part in filter(None, re.split(r"[,;\s]+", re.sub(r"\s*[-–−]\s*", "-", text.strip()))):
        if not (match := re.fullmatch(r"(\d{1,12})(?:-(\d{1,12}))?", part)):
            raise ValueError(f"“{part}” is not a row number: enter numbers such as 5, 12-20.")
        first, last = int(match[1]), int(match[2] or match[1])
        if not data.rows[0] <= first <= last <= data.rows[-1]:
            raise ValueError(f"Row numbers must be in {data.rows[0]}..{data.rows[-1]}, the smaller one first, got {part}.")
        numbers.update(range(first, last + 1))
    if not numbers:
        raise ValueError("Enter at least one row number.")
    found = np.flatnonzero(np.isin(data.rows, list(numbers)))
    if not found.size:
        raise ValueError("None of these rows was clustered: rows with missing values may have been left out.")
    return tuple(found.tolist())


def _show_sizes(segments: Segments) -> None:
    rows = [
        [cluster_mark(rank, name), format_amount(size), f"{size / segments.total:.0%}"]
        for rank, name, size in zip(segments.ranks, segments.names, segments.sizes, strict=True)
    ]
    if (segments.labels < 0).any():
        none = segments.left_out
        rows.append([mark("●", palette.NEUTRAL, "No segment"), format_amount(none), f"{none / segments.total:.0%}"])
    size = f"{segments.data.noun.capitalize()}s" if segments.weights is None else "Sum of weights"
    st.html(table(["Segment", size, "Share"], rows, "Sizes of the segments", True))


def _show_edits(segments: Segments) -> None:
    if not segments.edits:
        st.caption("No edits yet.")
        return
    texts = session_cache().get(("edit texts", *segments.key), lambda: edit_texts(segments))
    with st.container(horizontal=True):
        st.button("Undo", icon=":material/undo:", on_click=undo, args=(segments,))
        st.button("Undo all", on_click=undo, args=(segments, len(segments.edits)))
    st.html(f"<ol style='max-height:16rem;overflow-y:auto'>{''.join(f'<li>{html.escape(text)}</li>' for text in texts)}</ol>")


def edit_texts(segments: Segments) -> list[str]:
    """A sentence about each edit."""
    texts, before = [], segments_of(segments.run)
    for change in segments.edits:
        after = before.edited(change)
        texts.append(_edit_text(change, before, after))
        before = after
    return texts


def _edit_text(change: Edit, before: Segments, after: Segments) -> str:
    noun = before.data.noun
    named = [f"{before.names[i]} ({before.amount_text(before.sizes[i])})" for i in change.segments]
    match change.kind:
        case "rename":
            return f"{before.names[change.segments[0]]} is named {after.names[change.segments[0]]}."
        case "merge":
            return f"{named[0]} and {named[1]} are merged."
        case "drop":
            return f"{named[0]} is dropped as noise."
        case "split":
            halves = after.sizes[change.segments[0]], after.sizes[-1]
            return f"{named[0]} is split into {format_amount(halves[0])} and {before.amount_text(halves[1])}."
        case "move":
            verb = "is" if len(change.rows) == 1 else "are"
            return f"{pluralize(len(change.rows), noun).capitalize()} {verb} moved to {before.names[change.segments[0]]}."
    return f"{pluralize(len(change.rows), noun).capitalize()} become a segment: {after.names[-1]}."


def _compare_with_original(segments: Segments) -> None:
    original = segments_of(segments.run)
    st.subheader("Edited segments and original clusters")
    _show_agreement(segments.labels, segments.names, original.labels, original.names, "Original clusters", segments.weights)
    if segments.data.precomputed is None and segments.sizes.any():
        points, none = segments.data.points, (segments.labels < 0).any() or (original.labels < 0).any()
        losses = []
        for one in (original, segments):
            inside = one.labels >= 0
            own = None if segments.weights is None else segments.weights[inside]
            losses.append(within_groups(points[inside], one.labels[inside], own))
        st.markdown(
            f"Within-cluster sum of squares: {escape_markdown(format_number(losses[0]))} in the original clusters, "
            f"{escape_markdown(format_number(losses[1]))} in the edited segments"
            + (", without points in no segment." if none else ".")
        )


def _compare_with_another(segments: Segments) -> None:
    data = current()
    st.subheader("Comparison with another clustering")
    methods = {name: view.title for name, view in available_methods(COMPARE, data).items()}
    choices = methods | ({TRUTH: segments.data.true_labels_name.capitalize()} if segments.data.groups else {})
    chosen = st.selectbox(
        f"Compare with (K = {segments.k} for algorithms that need K)",
        list(choices),
        None,
        format_func=choices.get,
        key="segments_other",
        placeholder="Choose an algorithm",
        width=320,
    )
    if chosen is None:
        return
    if chosen == TRUTH:
        labels = segments.data.labels
        names = group_names(segments.data)
        _show_agreement(segments.labels, segments.names, labels, names, "True labels", segments.weights)
        scores = KnownGroups.of(labels, segments.labels, segments.weights)
        if scores is not None:
            marks = [cluster_mark(rank, name) for rank, name in zip(segments.ranks, segments.names, strict=True)]
            st.markdown(f"V-measure: **{scores.v_measure:.3f}** ({TEXTS['v_measure']}).")
            show_more_scores([KnownClusters("the segments", scores, names, list(segments.names), marks)])
        return
    progress = Progress()
    try:
        settings = method(chosen).settings(max(min(segments.k, MAX_CLUSTERS, len(data.points)), 1), data=data)
        other = segments_of(run_view.computed_run(data, settings, progress))
    except ValueError as error:
        show_error(error)
    else:
        mine, theirs = common_rows(segments.run, other.run)
        weights = None if segments.weights is None else segments.weights[mine]
        _show_agreement(
            segments.labels[mine], segments.names, other.labels[theirs], other.names, other.run.view.title, weights
        )
    progress.done()


def common_rows(one: Run, other: Run) -> tuple[np.ndarray, np.ndarray]:
    """Positions in two runs of the rows that both have; runs of slow methods have a sample."""
    return np.intersect1d(one.data.rows, other.data.rows, assume_unique=True, return_indices=True)[1:]


def _show_agreement(
    labels: np.ndarray, names, other_labels: np.ndarray, other_names, title: str, weights: np.ndarray | None
) -> None:
    """Show the contingency table and the adjusted Rand index of the segments and another clustering of the same points.

    weights : (n,) weights of the points
    """
    counts, rows, columns = contingency_table(labels, other_labels, weights)
    # -1 becomes the last name
    names, other_names = [*names, "No segment"], [*other_names, "No segment"]
    headers = [f"Segment ↓, {title} →", *(truncate(other_names[j]) for j in columns)]
    cells = [[names[i], *map(format_amount, line)] for i, line in zip(rows, counts, strict=True)]
    st.html(table(headers, cells, f"Contingency table of the segments and {title}", True))
    if weights is not None:
        st.caption("Numbers are sums of weights.")
    both = (labels >= 0) & (other_labels >= 0)
    if both.any() and (weights is None or weights[both].any()):
        own = None if weights is None else as_frequencies(weights)[both]
        index = minus_signs(f"{adjusted_rand_index(labels[both], other_labels[both], own):.3f}")
        left_out = int((~both).sum())
        note = f", without {pluralize(left_out, 'point')} in no segment" * bool(left_out)
        st.markdown(f"Adjusted Rand index: **{index}**{note} (1: the same segments; 0: as similar as by chance).")


def _offer_start(segments: Segments) -> None:
    st.subheader("Use as a start")
    settings = start_settings(segments)
    if settings is None:
        st.caption(f"An algorithm can start from 1 to {MAX_CLUSTERS} segments.")
        return
    data = current()
    title = method(settings.method).title
    st.button(
        f"Start {title} from these segments",
        icon=":material/play_circle:",
        on_click=lambda: open_with_centers(settings, data, segments.centers),
    )
    st.caption(
        "Opens the Watch page with the segments' centers as manual initial centers. The center of an edited segment is the "
        "mean of its rows."
    )


def start_settings(segments: Segments) -> Settings | None:
    """Settings with manual centers, one for each segment; of the run's own method if it can have them; None if none can."""
    if not 1 <= segments.k <= MAX_CLUSTERS:
        return None
    views = [segments.run.view, *available_methods(WATCH, segments.data).values()]
    view = next((one for one in views if one.traits.k == "chosen" and MANUAL in one.initializations), None)
    if view is None:
        return None
    if view is segments.run.view:
        return replace(segments.run.settings, k=segments.k, start=ManualStart(()))
    return view.settings(segments.k, MANUAL.name, data=segments.data)
