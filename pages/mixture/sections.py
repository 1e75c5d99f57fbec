"""The sections below the animated plot of a mixture, one of which is shown at a time."""

from dataclasses import replace

import numpy as np
import streamlit as st

from clustering import restarts, sample_mixture
from pages.datasets import units
from pages.datasets.data import Data
from pages.datasets.formatting import format_number, format_short, format_value, minus_signs, pluralize
from pages.datasets.limits import MAX_BOOTSTRAP_FITS, MAX_GENERATED_POINTS, MAX_ITERATIONS, MAX_SAMPLE_VALUES, MAX_STATE_VALUES
from pages.datasets.planes import Plane
from pages.figures import plots
from pages.figures.markup import cluster_mark, table
from pages.methods.mixture import COVARIANCE, WEIGHTED_OBSERVATIONS
from pages.methods.starts import PLUS_PLUS, NamedStart
from pages.mixture import figures, limit_figures
from pages.mixture.bootstrap import Bootstrap
from pages.mixture.limit import width_path
from pages.mixture.posterior import Posterior
from pages.runs.background import OnProgress
from pages.runs.cache import RecentCache
from pages.runs.pictures import extent_of
from pages.runs.preparation import prepare_run
from pages.runs.run import Run, make_run
from pages.runs.run_pictures import RunPictures
from pages.ui.charts import show_chart
from pages.ui.player import player
from pages.ui.progress import Progress, is_running, resume, run_job
from pages.ui.random_starts import warn_of_better_start
from pages.ui.results import MAX_CENTER_COLUMNS, more_columns_note, show_tables, shows_scaled
from pages.ui.widgets import PERSISTENT, PERSISTENT_IN_LINK, session_cache

MODEL_RUNS = 5
"""number of runs of each covariance model"""
MODELS = {kind: label.split(":")[0] for kind, label in COVARIANCE.choices.items()}
"""short names of the covariance models"""
SECTIONS = {
    "responsibilities": "Responsibilities",
    "parameters": "Means and covariances",
    "truth": "Estimated vs. true parameters",
    "low_density": "Low-density points",
    "sampling": "Sample from the model",
    "models": "Covariance models",
    "limit": "K-means as a limit",
    "bootstrap": "Uncertainty (bootstrap)",
}


def choose_section(data: Data) -> str:
    """The section to show, one of `SECTIONS`."""
    offered = [name for name in SECTIONS if name != "truth" or data.truth is not None]
    options = dict(format_func=SECTIONS.get, default="responsibilities", required=True, key="section")
    return st.segmented_control("Section", offered, **options, **PERSISTENT_IN_LINK)


def choose_circled(section: str, run: Run) -> np.ndarray:
    """Chooses the points to circle in the plot, and says what they are; none for most sections."""
    if section == "responsibilities":
        return _choose_uncertain(run)
    return _choose_unlikely(run) if section == "low_density" else np.empty(0, dtype=int)


def show_section(
    section: str, run: Run, plane: Plane, progress: Progress, shown: RunPictures, point: int, rows: np.ndarray
) -> None:
    """Shows one of `SECTIONS`.

    Parameters
    ----------
    shown : the plots above; the ternary plot is animated with them
    point : index of the selected point
    rows : indices of the points of `choose_circled`
    """
    {
        "responsibilities": lambda: show_responsibilities(run, shown, point),
        "parameters": lambda: show_parameters(run),
        "truth": lambda: show_tables(run),
        "low_density": lambda: show_low_density(run, rows),
        "sampling": lambda: show_sampling(run, plane),
        "models": lambda: show_models(run, plane, progress),
        "limit": lambda: show_limit(run, plane, progress),
        "bootstrap": lambda: show_bootstrap(run, plane),
    }[section]()


def _choose_uncertain(run: Run) -> np.ndarray:
    if run.settings.k == 1:
        return np.empty(0, dtype=int)
    posterior = Posterior(run)
    percent = st.slider("Circle the most uncertain points (%)", 0, 30, 5, key="uncertain", **PERSISTENT)
    rows = np.argsort(-posterior.entropy, kind="stable")[: round(percent / 100 * len(run.data.points))]
    st.caption(
        (
            f"Circled: {circled(len(rows))} with the highest assignment entropy (highest: {posterior.entropy[rows].max():.3f} "
            f"nats; the largest possible value, ln K, is {np.log(run.settings.k):.3f}). "
            if len(rows)
            else ""
        )
        + "Click a point in the plot to show its responsibilities."
    )
    return rows


def show_responsibilities(run: Run, shown: RunPictures, point: int) -> None:
    posterior = Posterior(run)
    n = len(run.data.points)
    final, history, triangle = st.columns(3, gap="medium")
    with final:
        show_chart(
            figures.responsibility_bars(posterior.responsibilities[point]),
            key="shares",
            alt="Bar chart of the responsibilities of the selected point.",
        )
        st.caption(f"Responsibilities of the selected point. Entropy {posterior.entropy[point]:.3f} nats.")
    with history:
        show_chart(
            figures.responsibility_history(posterior.by_iteration(point)),
            key="way",
            alt="Responsibilities of the selected point in each iteration.",
        )
        st.caption("Responsibilities of the selected point in each iteration.")
    if run.settings.k != 3:
        return
    with triangle:
        with st.container(key="triangle"):
            show_chart(
                session_cache().get(("triangle", shown.name), lambda: figures.ternary_plot(run, shown.frames, shown.name)),
                key="triangle chart",
                alt="Ternary plot of the responsibilities: clearly assigned points are near the corners.",
            )
        st.caption(
            "Ternary plot of all points. Near a corner: clearly assigned. On an edge: between two components. The points move "
            "with the animation."
            + (f" A sample of {figures.MAX_TERNARY_POINTS:,} points." if n > figures.MAX_TERNARY_POINTS else "")
        )


def show_parameters(run: Run) -> None:
    """Shows the weight, mean and covariance of each component, by default in the units of the table."""
    scaled = shows_scaled(run)
    data, (weights, means, covariances) = run.data, run.history.parameters[-1]
    names = units.column_names(data, scaled)[:MAX_CENTER_COLUMNS]
    texts, covariances = (
        units.position_texts(data, means, len(names), scaled),
        units.covariances_in_units(data, covariances, scaled),
    )
    rows = []
    for i in np.argsort(run.ranks):
        rank = run.ranks[i]
        for j, (name, mean) in enumerate(zip(names, texts[i], strict=True)):
            first = [cluster_mark(rank, run.number_and_name(rank)), f"{weights[i]:.3f}"]
            numbers = np.sqrt(covariances[i, j, j]), *covariances[i, j, : len(names)]
            rows.append([*(first if j == 0 else ("", "")), name, mean, *map(format_value, numbers)])
    headers = ["Component", "Weight", "Column", "Mean", "SD", *(f"Covariance with {name}" for name in names)]
    st.html(table(headers, rows, "Means and covariances"))
    dates = " Standard deviations and covariances of dates are in days." * bool(units.date_columns(data))
    kind = "" if data.scaling is None else " The values are scaled." if scaled else " The values are in original units."
    st.caption(f"SD: standard deviation.{kind}{dates}{more_columns_note(data)}")


def circled(count: int) -> str:
    """Text for the circled points, if `count` points should be circled; at most `MAX_MARKERS` are."""
    limit = plots.MAX_MARKERS
    return f"the first {limit:,} of {pluralize(count, 'point')}" if count > limit else pluralize(count, "point")


def _choose_unlikely(run: Run) -> np.ndarray:
    posterior = Posterior(run)
    percent = st.slider("Circle the points with the lowest density (%)", 0.0, 20.0, 2.0, 0.5, key="unlikely", **PERSISTENT)
    rows, threshold = posterior.lowest_density(percent / 100)
    if len(rows):
        density = minus_signs(f"log density below {threshold:.2f}")
        st.caption(
            f"Circled: {circled(len(rows))}, {density}. If the model fits well, they are outliers or in sparse regions."
        )
    else:
        st.caption("No points are circled.")
    return rows


def show_low_density(run: Run, rows: np.ndarray) -> None:
    posterior = Posterior(run)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _, threshold = posterior.lowest_density(len(rows) / len(run.data.points))
        show_chart(
            figures.log_densities(posterior, threshold),
            key="log densities",
            alt="Histogram of log densities.",
        )
    with right:
        cells = [
            [name, minus_signs(f"{posterior.log_density[row]:.2f}")]
            for name, row in zip(run.data.names_of(rows[:200]), rows[:200], strict=True)
        ]
        st.html(
            f"<div style='max-height:16rem;overflow:auto'>{table(['Point', 'Log density'], cells, 'Lowest densities')}</div>"
        )


def show_sampling(run: Run, plane: Plane) -> None:
    n = len(run.data.points)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        max_size = min(MAX_GENERATED_POINTS, MAX_SAMPLE_VALUES // run.data.points.shape[1])
        count = int(st.number_input("Sample size", 1, max_size, min(n, max_size), key=f"new points {n}", width=150))
        seed = int(st.number_input("Random seed (sample)", 0, 2**31 - 1, 0, key="new seed", width=170, **PERSISTENT))
    mixture = run.history.parameters[-1]
    drawn = sample_mixture(count, *mixture, np.random.default_rng(seed))
    ranks = run.ranks[drawn.labels]
    show_chart(
        figures.side_by_side(run.data, plane, drawn.points, ranks),
        key="generated",
        alt="Scatter plots of the data and of a sample from the mixture.",
    )
    st.caption("Systematic differences between the sample and the data indicate a poor fit.")

    def use():
        data = Data(
            key=plots.token("drawn", run.key, count, seed),
            title=f"Sample from the mixture fitted to {run.data.title} (K = {run.settings.k}, seed {seed})",
            columns=run.data.columns,
            points=drawn.points,
            labels=ranks,
            truth=type(mixture)(*(part[np.argsort(run.ranks)] for part in mixture)),
            same_units=run.data.same_units,
            scaling=run.data.scaling,
        )
        st.session_state.update({"own": data, "source": "own"})

    st.button("Use as data set", icon=":material/input:", on_click=use)


def best_model(run: Run, kind: str, cache: RecentCache, on_progress: OnProgress) -> Run:
    """Best of `MODEL_RUNS` runs with this kind of covariance, because a single run may end in a poor local optimum."""
    settings = replace(run.settings.with_options(covariance=kind), start=NamedStart(PLUS_PLUS.name))
    seeds = range(settings.seed, settings.seed + MODEL_RUNS)

    def on_step(state):
        done = list(MODELS).index(kind) / len(MODELS)
        on_progress(done, f"{MODELS[kind]} covariance, iteration {state.iteration}.")

    def find_seed():
        inputs = prepare_run(run.data, settings, cache)
        with inputs.errors():
            runs = restarts(inputs.process, inputs.prepared_data, seeds, on_step=on_step, max_iter=MAX_ITERATIONS)
            return min(zip(seeds, runs, strict=True), key=lambda pair: pair[1].last.loss)[0]

    seed = cache.get(("best model", run.data.key, settings), find_seed)
    return make_run(run.data, replace(settings, seed=seed), cache, on_step)


def show_models(run: Run, plane: Plane, progress: Progress) -> None:
    cache = session_cache()
    runs = progress.compute(
        ("models", run.key), lambda on_progress: {kind: best_model(run, kind, cache, on_progress) for kind in MODELS}
    )
    extent = extent_of(list(runs.values()), plane)
    n, d = run.view.observations(run.data), run.data.points.shape[1]
    rows, criteria = [], {}
    for kind, one in runs.items():
        process, last = one.history.process, one.history.last
        criteria[kind] = one.view.criteria(process, last, one.data)["bic"]
        count = process.parameter_count(d)
        rows.append([COVARIANCE.choices[kind], count, format_number(-float(last.loss) * n), format_number(criteria[kind])])
    best = min(criteria, key=criteria.get)
    for row, kind in zip(rows, runs, strict=True):
        row.append("best" if kind == best else f"+{format_short(criteria[kind] - criteria[best])}")
    for place, (kind, one) in zip(st.columns(4), runs.items(), strict=True):
        with place:
            st.markdown(f"**{MODELS[kind]}**")
            show_chart(
                session_cache().get(("model", one.key, plane.names), lambda one=one: figures.model_plot(one, plane, extent)),
                key=f"model {kind}",
                alt=f"{COVARIANCE.choices[kind]}: BIC {format_number(criteria[kind])}.",
            )
    headers = ["Covariance", "Parameters", "Log-likelihood (nats)", "BIC", "Difference"]
    st.html(table(headers, rows, "Covariance models", row_headers=True))
    st.caption(
        f"Best of {MODEL_RUNS} runs from k-means++ for each model. BIC = p ln n − 2 ln L for p parameters, n points and "
        "likelihood L. Lower is better; extra parameters are penalized."
        + f" Here n = {n:,.6g} {WEIGHTED_OBSERVATIONS}."
        * (run.weights is not None)
    )


def show_limit(run: Run, plane: Plane, progress: Progress) -> None:
    path = progress.compute(("narrowing", run.key), lambda on_progress: width_path(run), "Narrowing the width.")
    name = plots.token("narrowing", run.key, plane.names)
    picture, curve = session_cache().get(
        ("narrowing figures", name),
        lambda: (limit_figures.picture(path, plane, name), limit_figures.curve(path, name)),
    )
    left, right = st.columns([3, 2], gap="medium")
    with left, st.container(key="narrowing"):
        show_chart(picture, key="narrowing picture", alt="Points colored by responsibilities, for each width.")
    with right:
        with st.container(key="certainty"):
            show_chart(
                curve,
                key="narrowing curve",
                alt="Mean of each point's largest responsibility against the width.",
            )
        st.caption(
            "Spherical Gaussians with equal weights and one fixed width (standard deviation); only the means are fitted, from "
            "the same initial means for each width. As the width goes to zero, the responsibilities go to 0 or 1 and the "
            "means to the K-means centers (crosses). Components with equal initial means stay equal."
            + " The weights of rows are ignored." * (run.weights is not None)
            + (f" Fitted to a sample of {len(path.data.points):,} points." if len(path.data.points) < run.data.n else "")
        )
    pace = [6] * (len(path.frames) - 1)
    player(name, name, [path.frames], [("narrowing", picture)], ["certainty"], pace=pace, key="width player")


def show_bootstrap(run: Run, plane: Plane) -> None:
    values = run.view.state_size(run.k, run.data.points.shape[1])
    max_fits = max(20, min(MAX_BOOTSTRAP_FITS, MAX_STATE_VALUES // values))  # because all fits are kept
    st.session_state["resampled"] = min(st.session_state.get("resampled", 100), max_fits)
    n_fits = int(st.number_input("Bootstrap resamples", 20, max_fits, step=20, key="resampled", width=190, **PERSISTENT))
    if len(run.data.points) < run.data.n:
        st.caption(
            f"The refits use the random sample of {len(run.data.points):,} points, so they show the uncertainty of estimates "
            f"from that many points. It is smaller for all {run.data.n:,} points."
        )
    if run.weights is not None:
        st.caption(
            "All rows are drawn with equal probability, each together with its weight, and count as one observation. If the "
            "weights are frequencies, the uncertainty shown is therefore too large."
        )
    warn_of_better_start(run, "The bootstrap describes only the optimum shown here, not the better one.")
    job = session_cache().get(("bootstrap", run.key, n_fits), lambda: Bootstrap(run, n_fits))
    name = plots.token("bootstrap", run.key, n_fits)
    if not (job.fits or is_running(name) or st.button("Run bootstrap", icon=":material/play_arrow:", on_click=resume)):
        st.caption("Fits the mixture to resamples drawn with replacement; the spread of the refits shows the uncertainty.")
        return
    job = run_job(name, job)
    if len(job.fits) < 2:
        return
    scaled = shows_scaled(run)
    weight_spread, (errors, *bounds) = job.spread("weights"), job.spread("means")
    estimate, rows = run.history.parameters[-1], []
    errors = units.errors_in_units(run.data, errors, scaled)
    means, *bounds = (units.in_units(run.data, part, scaled) for part in (estimate.means, *bounds))
    names = units.column_names(run.data, scaled)[:MAX_CENTER_COLUMNS]

    def text(value, error, low, high) -> str:
        digits = ".3f" if max(abs(low), abs(high)) < 1000 else ",.0f"
        return minus_signs(f"{value:{digits}} ± {error:{digits}} ({low:{digits}} to {high:{digits}})")

    for i in np.argsort(run.ranks):
        rank = run.ranks[i]
        row = [cluster_mark(rank, run.number_and_name(rank))]
        row.append(text(estimate.weights[i], *(part[i] for part in weight_spread)))
        row += [text(*(part[i, j] for part in (means, errors, *bounds))) for j in range(len(names))]
        rows.append(row)
    left, right = st.columns([2, 3], gap="medium")
    with left:
        show_chart(
            figures.bootstrap_means(job, plane),
            key="bootstrap",
            alt="Scatter plot of the component means of the refits over the points.",
        )
        st.caption("Dots: component means of the refits.")
    with right:
        headers = ["Component", "Weight", *(f"Mean, {name}" for name in names)]
        st.html(table(headers, rows, "Standard errors and intervals"))
        st.caption(
            f"Estimate ± standard error (95% percentile interval) from {pluralize(len(job.fits), 'fit')} to bootstrap "
            "resamples, each initialized at the estimates shown. Unreliable if components swap labels between refits."
        )
