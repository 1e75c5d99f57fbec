"""Results of a run, as numbers and tables."""

import html
from contextlib import nullcontext

import numpy as np
import streamlit as st

from clustering.notices import ITERATION_LIMIT
from pages.datasets import units
from pages.datasets.data import Data
from pages.datasets.formatting import escape_markdown, pluralize
from pages.datasets.limits import MAX_LISTED_CLUSTERS
from pages.figures import palette, plots, summaries
from pages.figures.markup import breakable, cluster_mark, noise_mark, reading, reading_bar, table
from pages.runs.frames import Frame
from pages.runs.readings import FrameNumbers, cluster_texts, numbers_of
from pages.runs.run import Run
from pages.ui.charts import show_chart
from pages.ui.known_groups import known_clusters, show_more_scores
from pages.ui.widgets import PERSISTENT, session_cache

MAX_CENTER_COLUMNS = 6
"""maximum number of columns of the centers in the table of clusters"""
SCALED = "scaled values"
"""key of the toggle of scaled values"""
NUMBERS, SIZES = "frame_numbers", "frame_sizes"
"""keys of the containers of numbers that the player replaces in each frame"""


def notice_messages(run: Run) -> list[str]:
    """Messages of the notices of a run, with clusters numbered as on the screen and, if useful, the iteration."""
    messages = []
    for iteration, notice in run.history.unique_notices():
        if notice.name == ITERATION_LIMIT:
            notice = notice._replace(
                text=f"stopped at the limit of {run.history.iterations} iterations without converging. {run.view.limit_advice}"
            )
        where = f"Iteration {iteration}, {notice.name}: " if run.view.notices_by_iteration else ""
        messages.append(where + notice.message(run.ranks + 1))
    return messages


def show_notices(run: Run) -> None:
    """Show the notices of a run as warnings."""
    for message in notice_messages(run):
        st.warning(escape_markdown(message), icon=":material/warning:")


def show_frame_numbers(numbers: list[FrameNumbers], frame: int = -1) -> None:
    """Show numbers that the player replaces in each frame, at first those of this frame."""
    with st.container(horizontal=True, key=NUMBERS):
        for one in numbers:
            st.metric(one.name, one.texts[frame], help=escape_markdown(one.help) or None, width="content")


def readings_of_numbers(numbers: list[FrameNumbers]) -> dict[str, list[list[str]]]:
    """The texts of `show_frame_numbers` in each frame, as the player expects them."""
    return {NUMBERS: [list(texts) for texts in zip(*(one.texts for one in numbers), strict=True)]}


def show_numbers(run: Run, frames: list[Frame]) -> None:
    """Show iteration, status, agreement with the true labels and loss of the frame, and the scores of the result."""
    show_frame_numbers(numbers_of(run, frames))
    scores = run.view.scores(run)
    if scores:
        with st.container(horizontal=True):
            for score in scores:
                help = f"{score.help} Computed for the last frame.".lstrip()
                st.metric(f"{score.name}{' (final)' * score.varies}", score.text, help=help, width="content")
    if run.view.traits.loss is not None:
        st.caption(f"The loss is the {run.history.process.loss_name}. {run.view.traits.loss.rises}".rstrip())
    if run.known_groups is not None:
        show_more_scores([known_clusters(run)])


def show_sizes(run: Run, which: str = "") -> None:
    """Show a table of the clusters with their symbols, sizes and centers, the latter in the units of the table.

    The player replaces sizes and centers in each frame, unless `which` says which clusters they belong to, such as "clusters
    at the cut".
    """
    place = nullcontext()
    if run.data.scaling is not None:
        place = st.container()
        st.toggle("Scaled values", key=SCALED, help="Shows the values with which the clusters were computed.", **PERSISTENT)
    scaled, columns = shows_scaled(run), _center_columns(run)
    last = len(run.history.states) - 1
    rows = []
    for rank, (size, width, *others) in enumerate(cluster_texts(run, last, last, len(columns), scaled)):
        is_noise = rank == min(run.k, MAX_LISTED_CLUSTERS)
        bars = reading_bar(width, palette.NEUTRAL if is_noise else palette.color_of(rank))
        if not which:
            size, *others = map(reading, (size, *others))
        rows.append([noise_mark() if is_noise else cluster_mark(rank, run.number_and_name(rank)), size, bars, *others])
    names = run.view.center_names(run.history.parameters[-1], run.data)
    headers = [run.view.traits.cluster.capitalize(), run.size_name, "", *[run.center_name.capitalize()] * bool(names)]
    headers += map(breakable, columns)
    with place:
        with st.container(key=SIZES):
            st.html(table(headers, rows, f"{headers[0]} sizes"))
        if note := run.size_note + (_centers_note(run, scaled, which) if columns else ""):
            st.caption(escape_markdown(note))
        if run.k > MAX_LISTED_CLUSTERS:
            st.caption(f"{run.k - MAX_LISTED_CLUSTERS:,} more clusters are in the export.")
    noise = int((run.labels_by_rank < 0).sum())
    if run.view.traits.noise:
        if not which:
            st.caption("In the table, noise includes the points that have not been reached yet.")
    elif noise:
        st.caption(f"{noise:,} of {pluralize(len(run.labels_by_rank), 'point')} not assigned to a cluster.")


def readings_of(run: Run, frames: list[Frame]) -> dict[str, list[list[str]]]:
    """The texts of `show_numbers` and `show_sizes` in each frame, as the player expects them."""
    found = readings_of_numbers(numbers_of(run, frames))
    if run.view.traits.clusters:
        columns, scaled = len(_center_columns(run)), shows_scaled(run)
        tables = [cluster_texts(run, frame.state, frame.assigned, columns, scaled) for frame in frames]
        found[SIZES] = [[text for row in rows for text in row] for rows in tables]
    return found


def _center_columns(run: Run) -> tuple[str, ...]:
    """Names of the columns of the centers in the table of clusters; empty for a distance matrix."""
    return () if run.data.precomputed is not None else units.column_names(run.data, shows_scaled(run))[:MAX_CENTER_COLUMNS]


def shows_scaled(run: Run) -> bool:
    """Whether `show_sizes` shows scaled values, which the user can choose, instead of those in the units of the table."""
    return run.data.scaling is not None and st.session_state.get(SCALED, False)


def more_columns_note(data: Data) -> str:
    """A sentence about columns that tables do not show, after a space; empty if there are none."""
    more = len(data.columns) - MAX_CENTER_COLUMNS
    return f" {more:,} more {'column is' if more == 1 else 'columns are'} in the export." if more > 0 else ""


def _centers_note(run: Run, scaled: bool, which: str) -> str:
    """What the columns of the centers are, as sentences; `which` as in `show_sizes`."""
    kind = "" if run.data.scaling is None else ", scaled" if scaled else ", in original units"
    center, cluster = run.center_name.capitalize(), run.view.traits.cluster
    one = f"{center} of each {cluster if run.centers_vary else f'final {cluster}'}"
    return f"{f'{center}s of the {which}' if which else one}{kind}.{more_columns_note(run.data)}"


def show_tables(run: Run) -> None:
    """Show method-specific tables."""
    for result in run.view.tables(run):
        st.markdown(f"**{result.title}**")
        st.html(table(result.headers, result.rows, result.title))
        st.caption(result.caption)


def show_proximities(run: Run) -> None:
    """Show the distance matrix, sorted by cluster, and the members of each cluster."""
    labels, center = run.labels_by_rank, run.view.traits.center
    order = np.lexsort((run.view.distances_to_centers(run), labels))
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Distance matrix, ordered by cluster**")
        figure = session_cache().get(("heat", plots.token(run.key)), lambda: summaries.heat_map(run.data, order, labels, 420))
        show_chart(figure, alt="Heat map of the distance matrix, ordered by cluster.")
        st.caption("Dark blocks along the diagonal are clusters whose members are close to each other.")
    with right:
        st.markdown("**Cluster members**" + f", nearest to the {center} first" * bool(center))
        rows = []
        for rank in range(run.k):
            members = order[labels[order] == rank]
            names = html.escape(", ".join(run.data.names_of(members[1:41])))
            if len(members) > 41:
                names += f" and {len(members) - 41:,} more"
            rows.append(
                "<dt style='font-weight:600;margin-top:.6rem'>"
                f"<span style='color:{palette.color_of(rank)}' aria-hidden='true'>{palette.mark_of(rank)}</span> "
                f"{html.escape(run.data.names_of(members[:1])[0])}</dt><dd>{names}</dd>"
            )
        st.html(
            "<div style='max-height:420px;overflow-y:auto' tabindex='0' role='region' aria-label='Cluster members'>"
            f"<dl style='margin:0'>{''.join(rows)}</dl></div>"
        )
