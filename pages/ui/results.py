"""What came of a run, in numbers and tables: drawn below and beside its picture."""

import html

import numpy as np
import streamlit as st

from clustering.notices import ITERATION_LIMIT
from pages.datasets.formatting import counted, minus, number, plain
from pages.figures import palette, plots, summaries
from pages.figures.markup import bar, mark, table
from pages.figures.plots import CHART
from pages.runs.run import Run
from pages.ui.widgets import session_cache

ENDINGS = {True: "converged", False: "cut off"}


def notice_messages(run: Run) -> list[str]:
    """What was unusual, and what to do about it, a sentence or two for each."""
    told = []
    for iteration, notice in run.history.named_notices():
        if notice.name == ITERATION_LIMIT:
            notice = notice._replace(
                text=f"the run was cut off after {run.history.iterations} iterations, the most that are made here, and had "
                "not converged. Another start or a smaller K may need fewer."
            )
        where = f"Iteration {iteration}, {notice.name}: " if run.view.notices_by_iteration else ""
        told.append(where + notice.message(run.ranks + 1))
    return told


def show_notices(run: Run) -> None:
    for sentences in notice_messages(run):
        st.warning(plain(sentences), icon=":material/warning:")


def show_numbers(run: Run) -> None:
    """How the run ended, its loss, its agreement with the known groups, and the scores that only its method has."""
    history = run.history
    with st.container(horizontal=True):
        st.metric("Iterations", history.iterations, width="content")
        st.metric("Ended", ENDINGS[history.converged], width="content")
        if run.agreement is not None:
            st.metric(
                "Adjusted Rand index",
                minus(f"{run.agreement:.3f}"),
                help=plain(f"Agreement with the known groups ({run.data.label_name}): 1 is the same, 0 is chance."),
                width="content",
            )
    with st.container(horizontal=True):
        if run.view.traits.loss is not None:
            st.metric("Final loss", number(history.losses[-1]), width="content")
        for score in run.view.scores(run):
            st.metric(score.name, score.text, help=score.help or None, width="content")
    if run.view.traits.loss is not None:
        st.caption(f"The loss is the {history.process.loss_name}.")


def show_sizes(run: Run) -> None:
    """A row per cluster: its mark, its size, and where it is."""
    sizes = run.history.last.assignment.sizes
    largest = max(sizes.max(initial=0), 1)
    soft = run.view.traits.share is not None
    names = run.view.center_names(run.history.parameters[-1], run.data)
    rows = []
    for k in np.argsort(run.ranks):
        rank = run.ranks[k]
        size = f"{sizes[k]:,.1f}" if soft else f"{int(sizes[k]):,}"
        color = palette.color_of(rank)
        what = names[k] if names else ""
        if run.data.given is None:
            place = ", ".join(minus(f"{value:.4g}") for value in run.cluster_centers[k][:4])
            what += f" ({place}{', …' if run.cluster_centers.shape[1] > 4 else ''})"
        rows.append([mark(palette.mark_of(rank), color, rank + 1), size, bar(sizes[k] / largest, color), what.strip()])
    headers = ["Cluster", "Size", "", run.center_name.capitalize()]
    if not any(row[-1] for row in rows):  # proximities have no means
        headers, rows = headers[:-1], [row[:-1] for row in rows]
    st.html(table(headers, rows, "Sizes of the clusters"))
    alone = int((run.numbers < 0).sum())
    if alone:
        st.caption(f"{counted(alone, 'point')} of {len(run.numbers):,} {'is' if alone == 1 else 'are'} in no cluster.")


def show_tables(run: Run) -> None:
    """The tables that only this method has."""
    for one in run.view.tables(run):
        st.markdown(f"**{one.title}**")
        st.html(table(one.headers, one.rows, one.title))
        st.caption(one.caption)


def show_proximities(run: Run) -> None:
    """The matrix that was clustered, with the members of each cluster together, and who they are."""
    labels, center = run.numbers, run.view.traits.center
    order = np.lexsort((run.view.distances_to_centers(run), labels))
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**The proximities, ordered by cluster**")
        figure = session_cache().get(("heat", plots.token(run.key)), lambda: summaries.heat_map(run.data, order, labels, 420))
        st.plotly_chart(figure, **CHART, alt="Heat map of the proximities, ordered by cluster.")
        st.caption("Dark blocks along the diagonal: clusters whose members are near each other.")
    with right:
        st.markdown("**Who is with whom**" + f", the nearest to the {center} first" * bool(center))
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
            "<div style='max-height:420px;overflow-y:auto' tabindex='0' role='region' aria-label='Members of the clusters'>"
            f"<dl style='margin:0'>{''.join(rows)}</dl></div>"
        )
