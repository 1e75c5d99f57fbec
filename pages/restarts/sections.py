"""Sections of the Restarts page: figures of all runs, scores of the initializations, most frequent solutions."""

from dataclasses import replace

import streamlit as st

from pages.datasets.formatting import escape_markdown, format_number, pluralize
from pages.datasets.planes import Plane
from pages.figures import plots
from pages.figures.markup import mark, table
from pages.figures.thumbnails import as_html, thumbnail
from pages.methods.options import Settings
from pages.methods.starts import PLUS_PLUS, start_named
from pages.restarts import figures as restart_figures
from pages.restarts.figures import CLICKABLE, color_of_initialization, label_of_initialization, label_of_run
from pages.restarts.study import MAX_DIFFERENCE, Findings, Solution
from pages.ui.charts import show_chart
from pages.ui.navigation import open_in_watch
from pages.ui.placing import plane_of
from pages.ui.widgets import session_cache

MAX_SOLUTIONS = 6


def show(findings: Findings) -> None:
    settings, best = findings.settings, findings.best
    name = plots.token(findings.study.data.key, settings, list(findings.by_initialization))
    st.markdown(
        f"**{pluralize(len(findings.runs), 'run')} gave {pluralize(len(findings.solutions), 'distinct solution')}; "
        f"{findings.reached_count:,} of the runs reached the best loss, {escape_markdown(format_number(best.loss))}.**"
    )
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Final losses** by initialization" if findings.view.initializations else "**Final losses**")
        histogram = restart_figures.histogram(findings)
        clickable(histogram, f"histogram {name}", settings, "Histograms of the final losses by initialization.")
        st.caption("Dotted line: best loss. Click a bar to open its best run.")
    with right:
        st.markdown("**Loss curves** (best run in bold)")
        iterations = f"{', '.join(map(str, CLICKABLE[:-1]))} or {CLICKABLE[-1]}"
        curves = restart_figures.curves(findings, histogram.layout.height)
        clickable(curves, f"curves {name}", settings, "Loss curves of all runs.")
        st.caption(f"Click a curve at its end, or at iteration {iterations}, to open that run.")
    choose_run(findings)
    show_scores(findings)
    show_solutions(findings)


def clickable(figure, name: str, settings: Settings, alt: str) -> None:
    """Show a figure in which a click on a run opens it on the Watch page."""
    # a new key after each click, so that the selection is not repeated on return to this page
    key = f"{name} {st.session_state.setdefault('opened', 0)}"

    def on_select():
        points = st.session_state[key]["selection"]["points"]
        selected = [point["customdata"] for point in points if "customdata" in point]
        if selected:
            initialization, seed = selected[0]
            open_in_watch(replace(settings, start=start_named(initialization), seed=seed))

    show_chart(figure, key=key, on_select=on_select, selection_mode="points", alt=alt)


def choose_run(findings: Findings) -> None:
    """Draw a select box and a button to open any run without clicking a figure."""
    labels = {
        (run.initialization, run.seed): f"{format_number(run.loss)}: {label_of_run(run.initialization, run.seed)}"
        for run in findings.ranked
    }
    with st.container(horizontal=True, vertical_alignment="bottom"):
        initialization, seed = st.selectbox("Select a run (best first)", list(labels), format_func=labels.get, width=380)
        st.button(
            "Open run",
            icon=":material/play_circle:",
            on_click=open_in_watch,
            args=(replace(findings.settings, start=start_named(initialization), seed=seed),),
        )


def show_scores(findings: Findings) -> None:
    st.subheader("Comparison of initializations" if findings.view.initializations else "Scores of the runs")
    known = findings.view.published(findings.study.data, findings.settings)
    headers = ["Initialization", "Runs", "Best loss reached", "Best loss", "Mean loss"]
    headers += ["Centroid index (mean)", "Runs with centroid index 0"]
    headers += ["Published: mean index", "Published: runs with index 0"] if known else []
    headers += ["Iterations", "Time per run"]
    rows = []
    for row in findings.scores:
        published = known and known.initializations.get(row.initialization)
        rows.append(
            [
                mark("●", color_of_initialization(row.initialization), label_of_initialization(row.initialization)),
                row.runs,
                f"{row.best_loss_rate:.1%}",
                format_number(row.best_loss),
                format_number(row.mean_loss),
                f"{row.mean_centroid_index:.2f}",
                f"{row.success_rate:.1%}",
                *([published and published.centroid_index, published and published.success_rate] if known else []),
                f"{row.mean_iterations:.1f}",
                f"{1000 * row.mean_seconds:.1f} ms",
            ]
        )
    st.html(table(headers, rows, "Scores of the initializations", row_headers=True))
    sentences = [
        f"A run reaches the best loss if its loss is within {findings.view.traits.loss.tolerance_text} of the best of all "
        "runs.",
        f"Centroid index: number of groups without a {'center' if findings.has_centers else 'cluster'} of their own, relative "
        f"to {findings.reference_name}, "
        f"{findings.distance_name} (Fränti, Rezaei & Zhao 2014); 0 = same structure.",
        "Time includes initialization.",
    ]
    if PLUS_PLUS.name in findings.by_initialization:
        sentences.append("k-means++ is the greedy variant, with several candidates per center.")
    for initialization in map(findings.view.initialization, findings.by_initialization):
        if not initialization.random:
            sentences.append(f"{initialization.label} is deterministic, so one run is enough.")
    if known:
        sentences.append(f"Published: {known.source}; lowest known loss for these data: {format_number(known.best_loss)}.")
    st.caption(escape_markdown(" ".join(sentences)))


def show_solutions(findings: Findings) -> None:
    solutions, repeated = findings.solutions, plots.colors_note(findings.settings.k)
    st.subheader("Most frequent solutions")
    rings = (
        f" Solid ring: extra center. Dashed ring: group without its own center, relative to {findings.reference_name}."
        if findings.has_centers
        else ""
    )
    st.caption(
        f"Runs that differ in at most {MAX_DIFFERENCE:.0%} of the points, after matching clusters, count as one solution. "
        f"Matching clusters have the same color.{repeated}{rings}"
    )
    plane = plane_of(findings.study.data)
    shown = list(enumerate(solutions[:MAX_SOLUTIONS]))
    with st.container(key="solutions"):
        for column, (i, solution) in zip(st.columns(len(shown), gap="medium"), shown, strict=True):
            with column:
                show_solution(findings, plane, i, solution)
    rest = len(solutions) - len(shown)
    if rest > 0:
        runs = sum(solution.count for solution in solutions[MAX_SOLUTIONS:])
        st.caption(f"{pluralize(rest, 'other solution')}, found by the remaining {pluralize(runs, 'run')}.")


def show_solution(findings: Findings, plane: Plane, i: int, solution: Solution) -> None:
    best, data, settings = solution.best, findings.study.data, findings.settings

    def draw():
        return thumbnail(data, plane, findings.colors_of(best), best.centers, *findings.misplaced(best))

    reference = findings.best.initialization, findings.best.seed
    source = session_cache().get(("solution", data.key, settings, best.initialization, best.seed, reference), draw)
    st.html(as_html(source, f"Solution {i + 1}: points colored by cluster."))
    share = solution.count / len(findings.runs)
    st.markdown(f"**{pluralize(solution.count, 'run')}, {share:.0%}**, loss {escape_markdown(format_number(best.loss))}")
    counts = [
        f"{label_of_initialization(initialization)}: {count} of {len(findings.by_initialization[initialization])}"
        for initialization, count in solution.counts.items()
        if count
    ]
    by_initialization = f"{', '.join(counts)}. " if findings.view.initializations else ""
    st.caption(escape_markdown(f"{by_initialization}Centroid index {findings.centroid_index(best)}."))
    st.button(
        "Open run",
        key=f"solution {i}",
        icon=":material/play_circle:",
        on_click=open_in_watch,
        args=(replace(settings, start=start_named(best.initialization), seed=best.seed),),
    )
