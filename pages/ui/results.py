"""Results of a run, as numbers and tables."""

import html

import numpy as np
import streamlit as st

from clustering.notices import ITERATION_LIMIT
from pages.datasets import units
from pages.datasets.data import Data
from pages.datasets.formatting import escape_markdown, format_number, minus_signs, pluralize
from pages.figures import palette, plots, summaries
from pages.figures.markup import bar, breakable, cluster_mark, table
from pages.runs.known_groups import NAMES, TEXTS
from pages.runs.run import Run
from pages.ui.charts import show_chart
from pages.ui.known_groups import known_clusters, show_more_scores
from pages.ui.widgets import PERSISTENT, session_cache

MAX_CENTER_COLUMNS = 6
"""maximum number of columns of the centers in the table of clusters"""
SCALED = "scaled values"
"""key of the toggle of scaled values"""
STATUS = {True: "converged", False: "iteration limit reached"}


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


def show_numbers(run: Run) -> None:
    """Show the status of a run, its loss, its agreement with the true labels, and method-specific scores."""
    history = run.history
    with st.container(horizontal=True):
        st.metric("Iterations", history.iterations, width="content")
        st.metric("Status", STATUS[history.converged], width="content")
        if run.agreement is not None:
            for name in ("adjusted_rand", "v_measure"):
                st.metric(
                    NAMES[name],
                    minus_signs(f"{getattr(run.known_groups, name):.3f}"),
                    help=escape_markdown(f"Agreement with the {run.data.true_labels_name}: {TEXTS[name]}."),
                    width="content",
                )
    with st.container(horizontal=True):
        if run.view.traits.loss is not None:
            st.metric("Final loss", format_number(history.losses[-1]), width="content")
        for score in run.view.scores(run):
            st.metric(score.name, score.text, help=score.help or None, width="content")
    if run.view.traits.loss is not None:
        st.caption(f"The loss is the {history.process.loss_name}.")
    if run.known_groups is not None:
        show_more_scores([known_clusters(run)])


def show_sizes(run: Run) -> None:
    """Show a table of the clusters with their symbols, sizes and centers, the latter in the units of the table."""
    place = st.container()
    data, has_columns = run.data, run.data.precomputed is None
    if data.scaling is not None:
        st.toggle("Scaled values", key=SCALED, help="The values with which the clusters were computed.", **PERSISTENT)
    scaled = shows_scaled(run)
    columns = units.column_names(data, scaled)[:MAX_CENTER_COLUMNS] if has_columns else ()
    centers = units.position_texts(data, run.cluster_centers, len(columns), scaled) if has_columns else []
    sizes = run.sizes
    largest = max(sizes.max(initial=0), 1)
    soft = run.view.traits.membership is not None
    names = run.view.center_names(run.history.parameters[-1], run.data)
    rows = []
    for k in np.argsort(run.ranks):
        rank = run.ranks[k]
        size = f"{sizes[k]:,.1f}" if soft else f"{int(sizes[k]):,}"
        color = palette.color_of(rank)
        row = [cluster_mark(rank, run.number_and_name(rank)), size, bar(sizes[k] / largest, color)]
        row += [names[k]] if names else []
        rows.append(row + (centers[k] if columns else []))
    headers = [run.view.traits.cluster.capitalize(), "Size", "", *[run.center_name.capitalize()] * bool(names)]
    headers += map(breakable, columns)
    with place:
        st.html(table(headers, rows, f"{headers[0]} sizes"))
        if has_columns:
            st.caption(escape_markdown(_centers_note(run, scaled)))
    noise = int((run.labels_by_rank < 0).sum())
    if noise:
        st.caption(f"{noise:,} of {pluralize(len(run.labels_by_rank), 'point')} not assigned to a cluster.")


def shows_scaled(run: Run) -> bool:
    """Whether `show_sizes` shows scaled values, which the user can choose, instead of those in the units of the table."""
    return run.data.scaling is not None and st.session_state.get(SCALED, False)


def more_columns_note(data: Data) -> str:
    """A sentence about columns that tables do not show, after a space; empty if there are none."""
    more = len(data.columns) - MAX_CENTER_COLUMNS
    return f" {more:,} more {'column is' if more == 1 else 'columns are'} in the export." if more > 0 else ""


def _centers_note(run: Run, scaled: bool) -> str:
    """What the columns of the centers are, as sentences."""
    kind = "" if run.data.scaling is None else ", scaled" if scaled else ", in original units"
    return f"{run.center_name.capitalize()} of each {run.view.traits.cluster}{kind}.{more_columns_note(run.data)}"


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
