"""What came of a run, in numbers and tables: drawn below and beside its picture."""

import html

import numpy as np
import streamlit as st

from clustering import bic
from clustering.notices import ITERATION_LIMIT
from pages.datasets.formatting import number, plain
from pages.figures import palette, plots, summaries
from pages.figures.markup import bar, mark, table
from pages.mixture.density import compared
from pages.runs.run import MIDDLES, Run
from pages.ui.widgets import recent

ENDINGS = {True: "converged", False: "cut off"}


def told_notices(run: Run) -> list[str]:
    """What was unusual, and what to do about it, a sentence or two for each."""
    told = []
    for iteration, notice in run.history.named_notices():
        if notice.name == ITERATION_LIMIT:
            notice = notice._replace(
                text=f"the run was cut off after {run.history.iterations} iterations, the most that are made here, and had "
                "not converged. Another start or a smaller K may need fewer."
            )
        where = "" if run.settings.algorithm == "tree" else f"Iteration {iteration}, {notice.name}: "
        told.append(where + notice.told(run.ranks + 1))
    return told


def show_notices(run: Run) -> None:
    for sentences in told_notices(run):
        st.warning(plain(sentences), icon=":material/warning:")


def show_numbers(run: Run) -> None:
    history, n = run.history, len(run.data.points)
    with st.container(horizontal=True):
        st.metric("Iterations", history.iterations, width="content")
        st.metric("Ended", ENDINGS[history.converged], width="content")
        if run.agreement is not None:
            st.metric(
                "Adjusted Rand index",
                f"{run.agreement:.3f}",
                help=plain(f"Agreement with the known groups ({run.data.label_name}): 1 is the same, 0 is chance."),
                width="content",
            )
    with st.container(horizontal=True):
        st.metric("Final loss", number(history.losses[-1]), width="content")
        if run.settings.algorithm == "mixture":
            likelihood = -history.losses[-1] * n
            parameters = history.method.parameter_count(run.data.points.shape[1])
            st.metric("Log-likelihood (sum, nats)", f"{likelihood:,.3f}".replace("-", "−"), width="content")
            st.metric(
                "BIC",
                number(bic(likelihood, parameters, n)),
                help=f"{parameters} parameters; p ln n − 2 ln L, smaller is better. R's mclust shows the negative.",
                width="content",
            )
    st.caption(f"The loss is the {history.method.loss_name}.")


def show_sizes(run: Run) -> None:
    """A row per cluster: its mark, its size, and where its middle is."""
    sizes, middles = run.history.sizes[-1], run.centers[-1]
    largest = max(sizes.max(), 1)
    rows = []
    for k in np.argsort(run.ranks):
        rank = run.ranks[k]
        size = f"{sizes[k]:,.1f}" if run.settings.algorithm == "mixture" else f"{int(sizes[k]):,}"
        color = palette.color_of(rank)
        what = run.data.called(run.history.parameters[-1][[k]])[0] if run.settings.algorithm == "kmedoids" else ""
        if run.data.given is None:
            place = ", ".join(f"{value:.4g}".replace("-", "−") for value in middles[k][:4])
            what += f" ({place}{', …' if middles.shape[1] > 4 else ''})"
        rows.append([mark(palette.mark_of(rank), color, rank + 1), size, bar(sizes[k] / largest, color), what.strip()])
    headers = ["Cluster", "Size", "", MIDDLES[run.settings.algorithm].capitalize()]
    if not any(row[-1] for row in rows):  # proximities have no means
        headers, rows = headers[:-1], [row[:-1] for row in rows]
    st.html(table(headers, rows, "Sizes of the clusters"))


def show_truth(run: Run) -> None:
    """Found against true components, matched by the points that they share."""
    truth, found = run.data.truth, run.history.parameters[-1]
    st.markdown("**Found against true**")

    def vector(values):
        return "(" + ", ".join(f"{value:.2f}" for value in values).replace("-", "−") + ")"

    def matrix(values):
        return "; ".join(" ".join(f"{value:.2f}" for value in row) for row in values).replace("-", "−")

    rows, matched = [], compared(run)
    for i, j, divergence in matched:
        rank = run.ranks[i]
        row = [mark(palette.mark_of(rank), palette.color_of(rank), rank + 1), f"{found.weights[i]:.3f}"]
        row.append(None if j is None else f"{truth.weights[j]:.3f}")
        for of, told in (("means", vector), ("covariances", matrix)):
            row += [told(getattr(found, of)[i]), None if j is None else told(getattr(truth, of)[j])]
        rows.append([*row, None if divergence is None else f"{divergence:.4f}"])
    headers = ["Component", "Weight found", "true", "Mean found", "true", "Covariance found", "true", "KL divergence, nats"]
    st.html(table(headers, rows, "Found against true components"))
    missed = len(truth.weights) - sum(one.true is not None for one in matched)
    st.caption(
        "Matched by the points that they share. KL divergence of the true Gaussian from the one that was found: 0 is the same."
        + (f" {missed} of the {len(truth.weights)} true components have no partner among those found." if missed > 0 else "")
    )


def show_proximities(run: Run) -> None:
    """The matrix that was clustered, with the members of each cluster together, and who they are."""
    labels = run.ranks[run.history.last.labels]
    nearest = run.history.last.assignment.nearest
    order = np.lexsort((nearest, labels))
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**The proximities, ordered by cluster**")
        figure = recent().get(("heat", plots.token(run.key)), lambda: summaries.heat_map(run.data, order, labels, 420))
        st.plotly_chart(figure, config={"displayModeBar": False}, alt="Heat map of the proximities, ordered by cluster.")
        st.caption("Dark blocks along the diagonal: clusters whose members are near each other.")
    with right:
        st.markdown("**Who is with whom**, the nearest to the medoid first")
        rows = []
        for rank in range(run.settings.k):
            members = order[labels[order] == rank]
            names = html.escape(", ".join(run.data.called(members[1:41])))
            if len(members) > 41:
                names += f" and {len(members) - 41:,} more"
            rows.append(
                "<dt style='font-weight:600;margin-top:.6rem'>"
                f"<span style='color:{palette.color_of(rank)}' aria-hidden='true'>{palette.mark_of(rank)}</span> "
                f"{html.escape(run.data.called(members[:1])[0])}</dt><dd>{names}</dd>"
            )
        st.html(
            "<div style='max-height:420px;overflow-y:auto' tabindex='0' role='region' aria-label='Members of the clusters'>"
            f"<dl style='margin:0'>{''.join(rows)}</dl></div>"
        )
