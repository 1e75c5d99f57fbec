"""What can be looked at of a mixture, each below its moving picture: responsibilities, what is unlikely, new points, other
covariance models, the limit of narrow widths, and how sure the parameters are."""

from dataclasses import replace

import numpy as np
import streamlit as st

from clustering import restarts, sample_mixture
from pages.datasets.data import Data
from pages.datasets.formatting import counted, minus, number, short
from pages.datasets.limits import MOST_GENERATED, MOST_ITERATIONS, MOST_RESAMPLED, MOST_SAMPLED, MOST_STATE_NUMBERS
from pages.datasets.planes import Plane
from pages.figures import plots
from pages.figures.markup import mark, table
from pages.figures.palette import color_of, mark_of
from pages.figures.plots import CHART
from pages.methods.mixture import COVARIANCE
from pages.methods.starts import PLUS_PLUS, NamedStart
from pages.mixture import figures, limit_figures
from pages.mixture.posterior import Posterior
from pages.mixture.bootstrap import Bootstrap
from pages.mixture.limit import MOST_POINTS, width_path
from pages.runs.pictures import extent_of
from pages.runs.run import Run, make_run
from pages.runs.run_pictures import RunPictures
from pages.ui.player import player
from pages.ui.progress import Progress, work_on
from pages.ui.results import show_tables
from pages.ui.widgets import PERSISTENT, session_cache

MODEL_RUNS = 5
"""runs of each covariance model"""
MODELS = {kind: label.split(":")[0] for kind, label in COVARIANCE.choices.items()}
"""short names of the covariance models"""
SECTIONS = {
    "responsibilities": "Responsibilities",
    "truth": "Found against true",
    "unlikely": "What is unlikely",
    "generator": "New points",
    "models": "Covariance models",
    "limit": "K-means as a limit",
    "sureness": "How sure",
}


def show_section(section: str, run: Run, plane: Plane, progress: Progress, shown: RunPictures, point: int) -> None:
    """Shows the section of this name.

    `shown` is what is above: some figures move with its picture. `point` is the position of the chosen point.
    """
    {
        "responsibilities": lambda: show_responsibilities(run, plane, shown, point),
        "truth": lambda: show_tables(run),
        "unlikely": lambda: show_unlikely(run, plane),
        "generator": lambda: show_generator(run, plane),
        "models": lambda: show_models(run, plane, progress),
        "limit": lambda: show_limit(run, plane),
        "sureness": lambda: show_sureness(run, plane),
    }[section]()


def show_responsibilities(run: Run, plane: Plane, shown: RunPictures, point: int) -> None:
    posterior = Posterior(run)
    n = len(run.data.points)
    share = 0
    if run.settings.k > 1:
        share = st.slider("Mark the most uncertain, in % of the points", 0, 30, 5, key="uncertain", **PERSISTENT)
    most = np.argsort(-posterior.entropy, kind="stable")[: round(share / 100 * n)]
    left, right = st.columns([3, 2], gap="medium")

    def clicked():
        picked = st.session_state[f"responsibilities {point}"]["selection"]["points"]
        if picked and isinstance(picked[0].get("customdata"), int):
            st.session_state["focus"] = picked[0]["customdata"] + 1

    with left:
        st.plotly_chart(
            figures.marked(posterior, plane, most, point),
            key=f"responsibilities {point}",  # another key, or the last click would count again
            on_select=clicked,
            selection_mode="points",
            alt=f"The points in blended colors; the {len(most)} most uncertain have a ring.",
            **CHART,
        )
        st.caption(
            f"Rings: {ringed(len(most))} with the highest entropy of responsibilities, "
            f"up to {posterior.entropy[most].max():.3f} of at most {np.log(run.settings.k):.3f} nats. "
            "Click a point to see its shares."
            if len(most) and run.settings.k > 1
            else "Click a point to see its shares."
        )
    with right:
        st.plotly_chart(
            figures.shares(posterior.responsibilities[point]), key="shares", alt="Responsibilities of the point.", **CHART
        )
        st.plotly_chart(
            figures.shares_by_iteration(posterior.by_iteration(point)),
            key="way",
            alt="Its responsibilities in each iteration.",
            **CHART,
        )
        st.caption(
            f"The shares of the components in this point, and how they changed. Entropy {posterior.entropy[point]:.3f}."
        )
    if run.settings.k == 3:
        with left:
            st.markdown("**All points between the three components**")
            with st.container(key="triangle"):
                st.plotly_chart(
                    session_cache().get(("triangle", shown.name), lambda: figures.triangle(run, shown.frames, shown.name)),
                    key="triangle chart",
                    alt="Triangle plot of the responsibilities: points that are sure are in the corners.",
                    **CHART,
                )
            st.caption(
                "Who is sure is in a corner, who is torn between two on an edge. It moves with the player."
                + (f" A sample of {figures.MOST_CORNERED:,} points." if n > figures.MOST_CORNERED else "")
            )


def ringed(count: int) -> str:
    """Which of `count` points to be ringed have a ring, in words."""
    most = plots.MOST_MARKERS
    return f"the first {most:,} of {counted(count, 'point')}" if count > most else counted(count, "point")


def show_unlikely(run: Run, plane: Plane) -> None:
    posterior = Posterior(run)
    share = st.slider("The least likely, in % of the points", 0.0, 20.0, 2.0, 0.5, key="unlikely", **PERSISTENT)
    rows, threshold = posterior.lowest_density(share / 100)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.plotly_chart(
            figures.marked(posterior, plane, rows),
            key="unlikely picture",
            alt=f"{len(rows)} points have a ring.",
            **CHART,
        )
        below = minus(f"log density below {threshold:.2f}") if len(rows) else "none"
        st.caption(f"Rings: {ringed(len(rows))}, {below}. In a model that fits, these are where few points are.")
    with right:
        st.plotly_chart(
            figures.log_densities(posterior, threshold), key="log densities", alt="Histogram of log densities.", **CHART
        )
        cells = [
            [name, minus(f"{posterior.log_density[row]:.2f}")]
            for name, row in zip(run.data.names_of(rows[:200]), rows[:200], strict=True)
        ]
        st.html(
            f"<div style='max-height:16rem;overflow:auto'>{table(['Point', 'Log density'], cells, 'The least likely')}</div>"
        )


def show_generator(run: Run, plane: Plane) -> None:
    n = len(run.data.points)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        most = min(MOST_GENERATED, MOST_SAMPLED // run.data.points.shape[1])
        count = int(st.number_input("New points", 1, most, min(n, most), key=f"new points {n}", width=150))
        seed = int(st.number_input("Seed of the new points", 0, 2**31 - 1, 0, key="new seed", width=170, **PERSISTENT))
    mixture = run.history.parameters[-1]
    drawn = sample_mixture(count, *mixture, np.random.default_rng(seed))
    ranks = run.ranks[drawn.labels]
    st.plotly_chart(
        figures.side_by_side(run.data, plane, drawn.points, ranks),
        key="generated",
        alt="The data beside points that were drawn from the mixture.",
        **CHART,
    )
    st.caption("What the model takes the data for: where both sides look alike it fits, and where they do not it does not.")

    def use():
        data = Data(
            key=plots.token("drawn", run.key, count, seed),
            title=f"Drawn from a mixture of {run.data.title} (K = {run.settings.k}, seed {seed})",
            columns=run.data.columns,
            points=drawn.points,
            labels=ranks,
            label_name="component drawn from",
            truth=type(mixture)(*(part[np.argsort(run.ranks)] for part in mixture)),
            same_units=run.data.same_units,
        )
        st.session_state.update({"own": data, "source": "own"})

    st.button("Make these the data set of the app", icon=":material/input:", on_click=use)


def best_model(run: Run, kind: str, progress: Progress) -> Run:
    """The best of several runs with these covariances: a single one may end in a poor optimum and be taken for the model."""
    settings = replace(run.settings.with_options(covariance=kind), start=NamedStart(PLUS_PLUS.name))
    seeds = range(settings.seed, settings.seed + MODEL_RUNS)

    def on_step(state):
        done = list(MODELS).index(kind) / len(MODELS)
        progress.show(done, f"{MODELS[kind]} covariances, iteration {state.iteration}.")

    def find_seed():
        process = run.view.process(settings)
        runs = restarts(process, run.data.points, seeds, on_step=on_step, max_iter=MOST_ITERATIONS)
        return min(zip(seeds, runs, strict=True), key=lambda pair: pair[1].last.loss)[0]

    seed = session_cache().get(("best model", run.data.key, settings), find_seed)
    return make_run(run.data, replace(settings, seed=seed), session_cache(), lambda state: None)


def show_models(run: Run, plane: Plane, progress: Progress) -> None:
    runs = {kind: best_model(run, kind, progress) for kind in MODELS}
    extent = extent_of(list(runs.values()), plane)
    n, d = run.data.points.shape
    rows, criteria = [], {}
    for kind, one in runs.items():
        process, last = one.history.process, one.history.last
        criteria[kind] = one.view.criteria(process, last, one.data)["bic"]
        count = process.parameter_count(d)
        rows.append([COVARIANCE.choices[kind], count, number(-float(last.loss) * n), number(criteria[kind])])
    best = min(criteria, key=criteria.get)
    for row, kind in zip(rows, runs, strict=True):
        row.append("the least" if kind == best else f"+{short(criteria[kind] - criteria[best])}")
    for place, (kind, one) in zip(st.columns(4), runs.items(), strict=True):
        with place:
            st.markdown(f"**{MODELS[kind]}**")
            st.plotly_chart(
                session_cache().get(("model", one.key, plane.names), lambda one=one: figures.model(one, plane, extent)),
                key=f"model {kind}",
                alt=f"{COVARIANCE.choices[kind]}: BIC {number(criteria[kind])}.",
                **CHART,
            )
    headers = ["Covariances", "Parameters", "Log-likelihood, nats", "BIC", ""]
    st.html(table(headers, rows, "Covariance models", row_headers=True))
    st.caption(
        f"Each the best of {MODEL_RUNS} runs from k-means++. BIC is p ln n − 2 ln L: less is better, and each parameter has "
        "to earn its place."
    )


def show_limit(run: Run, plane: Plane) -> None:
    path = session_cache().get(("narrowing", run.key), lambda: width_path(run))
    name = plots.token("narrowing", run.key, plane.names)
    picture, curve = session_cache().get(
        ("narrowing figures", name),
        lambda: (limit_figures.picture(path, plane, name), limit_figures.curve(path, name)),
    )
    left, right = st.columns([3, 2], gap="medium")
    with left, st.container(key="narrowing"):
        st.plotly_chart(picture, key="narrowing picture", alt="Points in blended colors, for each width.", **CHART)
    with right:
        with st.container(key="certainty"):
            st.plotly_chart(curve, key="narrowing curve", alt="Certainty over the width.", **CHART)
        st.caption(
            "Round Gaussians of one width and equal weights, of which only the means are fitted, each time from the same "
            "start. As the width goes to zero, the responsibilities go to 0 and 1, and the means to the centers of K-means "
            "(crosses): K-means is this mixture without any doubt. Means that start alike never part."
            + (f" On a sample of {MOST_POINTS:,} points." if len(run.data.points) > MOST_POINTS else "")
        )
    pace = [6] * (len(path.frames) - 1)
    player(name, name, [path.frames], ["narrowing"], ["certainty"], pace=pace, key="width player")


def show_sureness(run: Run, plane: Plane) -> None:
    numbers = run.view.state_size(run.k, run.data.points.shape[1])
    most = max(20, min(MOST_RESAMPLED, MOST_STATE_NUMBERS // numbers))  # because all fits are kept
    st.session_state["resampled"] = min(st.session_state.get("resampled", 100), most)
    wanted = int(st.number_input("Resampled data sets", 20, most, step=20, key="resampled", width=190, **PERSISTENT))
    job = session_cache().get(("bootstrap", run.key, wanted), lambda: Bootstrap(run, wanted))
    if not job.fits and not st.button("Fit them", icon=":material/play_arrow:"):
        st.caption(
            "Each is drawn from the data with replacement and fitted anew; how far the fits scatter says how sure this one is."
        )
        return
    work_on(plots.token("bootstrap", run.key, wanted), job)
    if len(job.fits) < 2:
        return
    spreads = {of: job.spread(of) for of in ("weights", "means")}
    found, rows = run.history.parameters[-1], []

    def text(value, error, low, high) -> str:
        return minus(f"{value:.3f} ± {error:.3f} ({low:.3f} to {high:.3f})")

    for i in np.argsort(run.ranks):
        rank = run.ranks[i]
        row = [mark(mark_of(rank), color_of(rank), rank + 1)]
        row.append(text(found.weights[i], *(part[i] for part in spreads["weights"])))
        row += [text(value, *(part[i, j] for part in spreads["means"])) for j, value in enumerate(found.means[i][:6])]
        rows.append(row)
    left, right = st.columns([2, 3], gap="medium")
    with left:
        st.plotly_chart(
            figures.sureness(job, plane), key="sureness", alt="Means of the resampled fits over the points.", **CHART
        )
        st.caption("A dot for the mean of each component in each of the fits.")
    with right:
        headers = ["Component", "Weight", *(f"Mean, {column}" for column in run.data.columns[:6])]
        st.html(table(headers, rows, "Standard errors and intervals"))
        st.caption(
            f"Estimate ± standard error (95 % interval), from {counted(len(job.fits), 'fit')} to data sets of the same size, "
            "drawn from this one with replacement, each started at the fit. Where components overlap so much that two change "
            "places these say less than it seems."
        )
