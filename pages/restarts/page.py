"""Many starts: one method on one data set, again and again from other starts."""

import streamlit as st

from pages.datasets.formatting import counted, number, plain
from pages.datasets.planes import Plane
from pages.figures import plots
from pages.figures.markup import mark, table
from pages.figures.thumbnails import as_html, thumbnail
from pages.restarts import figures as restart_figures
from pages.restarts import published
from pages.restarts.study import ALIKE, NOT_RANDOM, Attempts, Findings, Solution
from pages.runs.run import STARTS, Settings
from pages.ui.data_choice import current
from pages.ui.errors import show_fault
from pages.ui.examples import STARTS_EXAMPLES, choose_example
from pages.ui.navigation import open_in_watch, opening
from pages.ui.placing import plane_of
from pages.ui.progress import share_of, work_on
from pages.ui.widgets import choose_starts, recent

CHART = dict(config={"displayModeBar": False})
MOST_SOLUTIONS = 6


def show(findings: Findings) -> None:
    settings, best = findings.attempts.settings, findings.best
    name = plots.token(findings.attempts.data.key, settings, list(findings.made))
    st.markdown(
        f"**{counted(len(findings.runs), 'run')} came to {counted(len(findings.solutions), 'distinct solution')}. The best "
        f"loss, {plain(number(best.loss))}, was reached by {findings.reached:,} of them.**"
    )
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Final losses**, by way of starting")
        histogram = restart_figures.histogram(findings)
        clickable(histogram, f"histogram {name}", settings, "Histograms of the final losses by way of starting.")
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
            open_in_watch(settings, *picked[0])

    st.plotly_chart(figure, key=key, on_select=clicked, selection_mode="points", alt=alt, **CHART)


def choose_run(findings: Findings) -> None:
    """Any run, without a mouse."""
    runs = sorted(findings.runs, key=lambda run: run.loss)
    called = {(run.way, run.seed): f"{number(run.loss)}: {STARTS[run.way]}, seed {run.seed}" for run in runs}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        run = st.selectbox("Or choose a run, the best first", list(called), format_func=called.get, width=380)
        st.button(
            "Watch this run",
            icon=":material/play_circle:",
            on_click=open_in_watch,
            args=(findings.attempts.settings, *run),
        )


def show_scores(findings: Findings) -> None:
    st.subheader("Which start is better?")
    known = published.published_starts(findings.attempts.data, findings.attempts.settings)
    to = "the truth" if findings.truth is not None else "the best run"
    headers = ["Start", "Runs", "Reach the best loss", "Best loss", "Mean loss", f"Centroid index to {to}", "Index 0"]
    headers += ["Published: index", "Published: index 0"] if known else []
    headers += ["Iterations", "Time of a run"]
    rows = []
    for row in findings.scores:
        printed = known.get(row.way)
        rows.append(
            [
                mark("●", restart_figures.COLORS[row.way], STARTS[row.way]),
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
    st.html(table(headers, rows, "Scores of the ways of starting", row_headers=True))
    nearest = "by Euclidean distance"
    if findings.truth is None and findings.attempts.settings.algorithm == "kmedoids":
        nearest = "by the proximities"
    told = [
        "A run reaches the best loss if it ends within "
        + ("0.0001 nats per point" if findings.attempts.settings.algorithm == "mixture" else "0.01 %")
        + " of the best of all these runs.",
        f"The centroid index counts the groups of {to} that have no cluster of their own (Fränti, Rezaei & Zhao 2014), "
        f"{nearest}: 0 is the same structure.",
    ]
    told.append("The time of a run is that of its start and all its steps.")
    if "k-means++" in findings.made:
        told.append("k-means++ is here the greedy variant, which tries several candidates for each center; plain has one.")
    if any(way in NOT_RANDOM for way in findings.made):
        told.append("Nothing in BUILD is random: one run tells all.")
    if known:
        told.append(f"Published: {published.SOURCE}; the least loss known of these data is {number(published.LEAST_LOSS)}.")
    st.caption(plain(" ".join(told)))


def show_solutions(findings: Findings) -> None:
    solutions, attempts = findings.solutions, findings.attempts
    settings = attempts.settings
    st.subheader("The most frequent solutions")
    reference = "the best run" if findings.truth is None else "the truth"
    st.caption(
        f"Runs that differ in at most {ALIKE:.0%} of the points, groups matched, count as one solution. The same group has "
        f"the same colour in all pictures.{plots.about_colours(settings.k)} A ring marks a center too many, a dashed one a "
        f"group without a center of its own, compared with {reference}."
    )
    plane = plane_of(attempts.data)
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
    best, data, settings = solution.best, findings.attempts.data, findings.attempts.settings

    def draw():
        return thumbnail(data, plane, findings.numbers_of(best), best.middles, *findings.misplaced(best))

    reference = findings.best.way, findings.best.seed
    source = recent().get(("solution", data.key, settings, best.way, best.seed, reference), draw)
    st.html(as_html(source, f"Solution {i + 1}: the points in their clusters."))
    share = solution.count / len(findings.runs)
    st.markdown(f"**{counted(solution.count, 'run')}, {share:.0%}**, loss {plain(number(best.loss))}")
    counts = [f"{count} of {len(findings.made[way])} by {STARTS[way]}" for way, count in solution.counts.items() if count]
    st.caption(plain(f"{', '.join(counts)}. Centroid index {findings.index(best)}."))
    st.button(
        "Watch it",
        key=f"solution {i}",
        icon=":material/play_circle:",
        on_click=open_in_watch,
        args=(settings, best.way, best.seed),
    )


def make(attempts: Attempts, ways: list[str], runs: int) -> None:
    """Makes the runs that are missing, unless that was stopped."""

    def missing():
        return sum(attempts.missing(ways, runs).values())

    begun_with = missing()

    def work(tell):
        def told(step):
            made = begun_with - missing()
            share = (made + share_of(step.iteration)) / begun_with
            tell(share, f"Run {made + 1:,} of {begun_with:,}, iteration {step.iteration}.")

        attempts.go_on(ways, runs, told)

    if begun_with:
        work_on(plots.token(attempts.data.key, attempts.settings, ways, runs), counted(begun_with, "run"), work)


st.title("Many starts")
opening()
examples = st.container()
data = current()
settings, ways, runs = choose_starts(data)
with examples:
    choose_example(STARTS_EXAMPLES)
try:
    if not ways:
        raise ValueError("choose at least one way of starting")
    attempts = recent().get(("attempts", data.key, settings), lambda: Attempts.of(data, settings, recent()))
    make(attempts, ways, runs)
except ValueError as fault:
    show_fault(fault)
else:
    if attempts.note:
        st.info(attempts.note, icon=":material/info:")
    if any(attempts.made.get(way) for way in ways):
        show(attempts.found(ways, runs))
