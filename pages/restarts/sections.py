"""The parts of the page: figures of all runs, scores of the initializations, and the most frequent solutions."""

from dataclasses import replace

import streamlit as st

from pages.datasets.formatting import counted, number, plain
from pages.datasets.planes import Plane
from pages.figures import plots
from pages.figures.markup import mark, table
from pages.figures.plots import CHART
from pages.figures.thumbnails import as_html, thumbnail
from pages.methods.options import Settings
from pages.methods.starts import PLUS_PLUS, NamedStart
from pages.restarts import figures as restart_figures
from pages.restarts.study import ALIKE, Findings, Solution
from pages.ui.navigation import open_in_watch
from pages.ui.placing import plane_of
from pages.ui.widgets import initialization_label, session_cache

MOST_SOLUTIONS = 6


def show(findings: Findings) -> None:
    settings, best = findings.settings, findings.best
    name = plots.token(findings.study.data.key, settings, list(findings.by_initialization))
    st.markdown(
        f"**{counted(len(findings.runs), 'run')} came to {counted(len(findings.solutions), 'distinct solution')}. The best "
        f"loss, {plain(number(best.loss))}, was reached by {findings.reached:,} of them.**"
    )
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Final losses**, by initialization")
        histogram = restart_figures.histogram(findings)
        clickable(histogram, f"histogram {name}", settings, "Histograms of the final losses by initialization.")
        st.caption("The dotted line is the best loss of all. Click a bar to watch the best run in it.")
    with right:
        st.markdown("**All losses**, the best run drawn thick")
        curves = restart_figures.curves(findings, histogram.layout.height)
        clickable(curves, f"curves {name}", settings, "Loss curves of all runs.")
        st.caption("Click a line, at its end or at one of its first iterations, to watch that run.")
    choose_run(findings)
    show_scores(findings)
    show_solutions(findings)


def clickable(figure, name: str, settings: Settings, alt: str) -> None:
    """The figure; a click on what stands for a run opens it in Watch."""
    # another key after each click, or the same click would be there again when one comes back
    key = f"{name} {st.session_state.setdefault('opened', 0)}"

    def clicked():
        picked = [point["customdata"] for point in st.session_state[key]["selection"]["points"] if "customdata" in point]
        if picked:
            initialization, seed = picked[0]
            open_in_watch(replace(settings, start=NamedStart(initialization), seed=seed))

    st.plotly_chart(figure, key=key, on_select=clicked, selection_mode="points", alt=alt, **CHART)


def choose_run(findings: Findings) -> None:
    """Any run, without a mouse."""
    runs = sorted(findings.runs, key=lambda run: run.loss)
    called = {
        (run.initialization, run.seed): f"{number(run.loss)}: {initialization_label(run.initialization)}, seed {run.seed}"
        for run in runs
    }
    with st.container(horizontal=True, vertical_alignment="bottom"):
        initialization, seed = st.selectbox("Or choose a run, the best first", list(called), format_func=called.get, width=380)
        st.button(
            "Watch this run",
            icon=":material/play_circle:",
            on_click=open_in_watch,
            args=(replace(findings.settings, start=NamedStart(initialization), seed=seed),),
        )


def show_scores(findings: Findings) -> None:
    st.subheader("Which start is better?")
    known = findings.view.published(findings.study.data, findings.settings)
    to = findings.reference_name
    headers = ["Start", "Runs", "Reach the best loss", "Best loss", "Mean loss", f"Centroid index to {to}", "Index 0"]
    headers += ["Published: index", "Published: index 0"] if known else []
    headers += ["Iterations", "Time of a run"]
    rows = []
    for row in findings.scores:
        printed = known and known.initializations.get(row.initialization)
        rows.append(
            [
                mark(
                    "●", restart_figures.color_of_initialization(row.initialization), initialization_label(row.initialization)
                ),
                row.runs,
                f"{row.reached:.1%}",
                number(row.best),
                number(row.mean),
                f"{row.index:.2f}",
                f"{row.right:.1%}",
                *([printed and printed.index, printed and printed.right] if known else []),
                f"{row.iterations:.1f}",
                f"{1000 * row.seconds:.1f} ms",
            ]
        )
    st.html(table(headers, rows, "Scores of the initializations", row_headers=True))
    sentences = [
        f"A run reaches the best loss if it ends within {findings.view.traits.loss.near} of the best of all these runs.",
        f"The centroid index counts the groups of {to} that have no cluster of their own (Fränti, Rezaei & Zhao 2014), "
        f"{findings.distance_name}: 0 is the same structure.",
        "The time of a run is that of its start and all its steps.",
    ]
    if PLUS_PLUS.name in findings.by_initialization:
        sentences.append(
            "k-means++ is here the greedy variant, which tries several candidates for each center; plain has one."
        )
    for initialization in map(findings.view.initialization, findings.by_initialization):
        if not initialization.random:
            sentences.append(f"Nothing in {initialization.label} is random: one run tells all.")
    if known:
        sentences.append(f"Published: {known.source}; the least loss known of these data is {number(known.least_loss)}.")
    st.caption(plain(" ".join(sentences)))


def show_solutions(findings: Findings) -> None:
    solutions, repeated = findings.solutions, plots.about_colors(findings.settings.k)
    st.subheader("The most frequent solutions")
    st.caption(
        f"Runs that differ in at most {ALIKE:.0%} of the points, groups matched, count as one solution. The same group has "
        f"the same color in all pictures.{repeated} A ring marks a center too many, a dashed one a group without a center of "
        f"its own, compared with {findings.reference_name}."
    )
    plane = plane_of(findings.study.data)
    shown = list(enumerate(solutions[:MOST_SOLUTIONS]))
    for row in (shown[:3], shown[3:]):
        for place, (i, solution) in zip(st.columns(3, gap="medium"), row, strict=False):
            with place:
                show_solution(findings, plane, i, solution)
    rest = len(solutions) - len(shown)
    if rest > 0:
        runs = sum(solution.count for solution in solutions[MOST_SOLUTIONS:])
        st.caption(f"{counted(rest, 'other solution')} came {runs:,} times in all.")


def show_solution(findings: Findings, plane: Plane, i: int, solution: Solution) -> None:
    best, data, settings = solution.best, findings.study.data, findings.settings

    def draw():
        return thumbnail(data, plane, findings.numbers_of(best), best.centers, *findings.misplaced(best))

    reference = findings.best.initialization, findings.best.seed
    source = session_cache().get(("solution", data.key, settings, best.initialization, best.seed, reference), draw)
    st.html(as_html(source, f"Solution {i + 1}: the points in their clusters."))
    share = solution.count / len(findings.runs)
    st.markdown(f"**{counted(solution.count, 'run')}, {share:.0%}**, loss {plain(number(best.loss))}")
    counts = [
        f"{count} of {len(findings.by_initialization[initialization])} by {initialization_label(initialization)}"
        for initialization, count in solution.counts.items()
        if count
    ]
    st.caption(plain(f"{', '.join(counts)}. Centroid index {findings.index(best)}."))
    st.button(
        "Watch it",
        key=f"solution {i}",
        icon=":material/play_circle:",
        on_click=open_in_watch,
        args=(replace(settings, start=NamedStart(best.initialization), seed=best.seed),),
    )
