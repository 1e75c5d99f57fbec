"""Figures and computations of the Gaussian mixture page: densities, margins, responsibilities, bootstrap, the K-means limit.

Also the formulas of all methods, and the claims of the failure examples about mixtures.
"""

import base64
import io
import re
from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest
import scipy.stats
from PIL import Image
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans as Peer
from sklearn.mixture import GaussianMixture as PeerMixture

from clustering import bic, notices
from pages import methods
from pages.datasets import catalog
from pages.datasets.data import Data
from pages.datasets.planes import column_plane, principal_plane
from pages.figures import palette
from pages.figures.ellipses import ellipses
from pages.methods.formulas import typeset
from pages.methods.mixture import COVARIANCE, matched_components
from pages.methods.starts import ManualStart
from pages.mixture import density as mixture_density
from pages.mixture import figures as mixture_figures
from pages.mixture import limit, limit_figures
from pages.mixture.bootstrap import Bootstrap
from pages.mixture.density import ENCLOSED, LOG_LEVELS, LOG_STEP, DensityBackground, MarginalDensities
from pages.mixture.limit import width_path
from pages.mixture.posterior import Posterior
from pages.runs import pictures
from pages.runs.cache import RecentCache
from pages.runs.frames import frames_of
from pages.runs.run import make_run
from pages.ui.failure_examples import FAILURES


@pytest.fixture(autouse=True)
def grid(monkeypatch):
    """A density image of fewer cells."""
    shape = (92, 120)
    monkeypatch.setattr(mixture_density, "GRID", shape)
    return shape


def sample(name="three", n=100, seed=0, **values):
    defaults = {s.name: catalog.SAMPLES[name].default(s) for s in catalog.SAMPLES[name].settings}
    return catalog.draw_sample(name, n, seed, defaults | values)


def run_of(data, method="mixture", **settings):
    return make_run(data, methods.settings(method, data=data, **settings), RecentCache(), lambda _: None)


def of_points(points, **settings):
    points = np.asarray(points, dtype=float)
    columns = tuple(f"column {i + 1}" for i in range(points.shape[1]))
    return run_of(Data(f"test data {points[:5].tolist()}", "Test data", columns, points), **settings)


def complete_state(run, t):
    """The number of the complete state of iteration t."""
    iteration = range(len(run.history))[t]
    return max(i for i, state in enumerate(run.history.states) if state.iteration == iteration)


def plane_of(run):
    return column_plane(run.data.columns, 0, min(1, len(run.data.columns) - 1))


@pytest.fixture(scope="module")
def run():
    return run_of(sample())


@pytest.fixture(scope="module")
def iris(table):
    return of_points(table("iris", 4), start="k-means")


# the density in the plane


def alphas(source):
    kind, code = source.split(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(code))).convert("RGBA"))[..., 3].astype(int)


def on_the_grid(mixture, extent):
    """The density at the center of each cell by SciPy, top row first."""
    left, right, bottom, top = extent
    rows, columns = mixture_density.GRID
    x = left + (np.arange(columns) + 0.5) * (right - left) / columns
    y = top - (np.arange(rows) + 0.5) * (top - bottom) / rows
    cells = np.dstack(np.meshgrid(x, y))
    return sum(w * scipy.stats.multivariate_normal(m, s).pdf(cells) for w, m, s in zip(*mixture, strict=True))


def contours(mixture, points, log=False):
    """The densities of the contours: they enclose fixed fractions of the points, or their logarithms are equally spaced."""
    of_points = sum(w * scipy.stats.multivariate_normal(m, s).pdf(points) for w, m, s in zip(*mixture, strict=True))
    if log:
        return np.exp(np.quantile(np.log(of_points), 0.98) - LOG_STEP * np.arange(LOG_LEVELS)[::-1])
    return np.exp(np.quantile(np.log(of_points), 1 - ENCLOSED))


def within_bands(alpha):
    """Whether each cell equals its eight neighbors, so that no contour runs through it."""
    alike = np.zeros(alpha.shape, dtype=bool)
    around = [np.roll(alpha, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    alike[1:-1, 1:-1] = np.all([alpha == other for other in around], axis=0)[1:-1, 1:-1]
    return alike


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("t", [0, 2, -1])
def test_the_opacity_increases_with_the_density(run, monkeypatch, log, t):
    grid = (230, 300)  # in a smaller image too few cells of a band have no contour
    monkeypatch.setattr(mixture_density, "GRID", grid)
    plane = plane_of(run)
    extent = pictures.extent_of([run], plane)
    alpha = alphas(DensityBackground(run, plane, extent, log).source(complete_state(run, t)))
    assert alpha.shape == grid
    inside = within_bands(alpha)
    density = on_the_grid(run.history.parameters[t], extent)[inside]
    strengths, which = np.unique(alpha[inside], return_inverse=True)
    assert len(strengths) >= (8 if t == -1 else 3)
    ends = [(density[which == i].min(), density[which == i].max()) for i in range(len(strengths))]
    assert all(below[1] <= above[0] for below, above in zip(ends, ends[1:], strict=False))


@pytest.mark.parametrize("log", [False, True])
def test_contours_have_the_same_densities_in_every_state(run, log):
    plane = plane_of(run)
    extent = pictures.extent_of([run], plane)
    background = DensityBackground(run, plane, extent, log)
    heights = contours(run.history.parameters[-1], run.data.points, log)
    most = []
    for t in range(len(run.history)):
        alpha = alphas(background.source(complete_state(run, t)))
        density = on_the_grid(run.history.parameters[t], extent)
        level = (density[..., None] > heights).sum(axis=-1)
        inside = within_bands(alpha)
        np.testing.assert_allclose(alpha[inside], 255 * 0.6 * level[inside] / len(heights), atol=1)
        most.append(level.max())
    assert most[0] < most[-1]  # the density grows


def test_the_density_of_more_than_two_columns_is_the_marginal_density_of_the_two_shown(iris):
    plane = column_plane(iris.data.columns, 2, 0)
    extent = pictures.extent_of([iris], plane)
    alpha = alphas(DensityBackground(iris, plane, extent).source(-1))
    weights, means, covariances = iris.history.parameters[-1]
    density = on_the_grid((weights, means[:, [2, 0]], covariances[:, [[2], [0]], [2, 0]]), extent)
    inside = within_bands(alpha)
    mixture = weights, means[:, [2, 0]], covariances[:, [[2], [0]], [2, 0]]
    level = (density[..., None] > contours(mixture, iris.data.points[:, [2, 0]])).sum(axis=-1)
    np.testing.assert_allclose(alpha[inside], 255 * 0.6 * level[inside] / len(ENCLOSED), atol=1)


def test_the_density_along_principal_components_is_where_samples_of_the_mixture_are(iris, grid):
    plane = principal_plane(iris.data.points)
    extent = pictures.extent_of([iris], plane)
    alpha = alphas(DensityBackground(iris, plane, extent).source(-1))
    # samples from the mixture, projected
    rng = np.random.default_rng(0)
    weights, means, covariances = iris.history.parameters[-1]
    drawn = np.concatenate(
        [rng.multivariate_normal(m, s, round(20_000 * w)) for w, m, s in zip(weights, means, covariances, strict=True)]
    )
    x, y = plane.project(drawn).T
    left, right, bottom, top = extent
    rows = np.clip((top - y) / (top - bottom) * grid[0], 0, grid[0] - 1).astype(int)
    columns = np.clip((x - left) / (right - left) * grid[1], 0, grid[1] - 1).astype(int)
    assert alpha[rows, columns].mean() > 3 * alpha.mean()


# the margins


def parts_of(line):
    """The parts of a line with gaps, as (m, 2) arrays."""
    x, y = (np.array([np.nan if v is None else v for v in line[axis]], dtype=float) for axis in ("x", "y"))
    gaps = np.flatnonzero(np.isnan(x) | np.isnan(y))
    return [np.delete(part, np.isnan(part).any(axis=1), axis=0) for part in np.split(np.column_stack([x, y]), gaps)]


def check_margins(lines, mixture, extent):
    """Compare the margins with SciPy: (lines of the components, line of the mixture) for each axis."""
    weights, means, covariances = mixture
    assert len(lines) % 2 == 0
    for i in range(len(lines) // 2):
        low, high = extent[2 * i : 2 * i + 2]
        among, whole = ([part[:, ::-1] if i else part for part in parts_of(line)] for line in lines[2 * i : 2 * i + 2])
        width = np.sqrt(covariances[:, i, i])
        share = weights * np.subtract(*(scipy.stats.norm.cdf(end, means[:, i], width) for end in (high, low)))
        np.testing.assert_allclose([np.trapezoid(part[:, 1], part[:, 0]) for part in among], share, atol=2e-3)
        (whole,) = whole
        assert whole[0, 0] == pytest.approx(low, abs=1e-3 * (high - low))
        assert whole[-1, 0] == pytest.approx(high, abs=1e-3 * (high - low))
        density = (weights * scipy.stats.norm.pdf(whole[:, [0]], means[:, i], width)).sum(axis=1)
        np.testing.assert_allclose(whole[:, 1], density, atol=5e-3 * density.max())
        np.testing.assert_allclose(whole[:, 1], sum(part[:, 1] for part in among), atol=1e-3 * density.max())


@pytest.mark.parametrize("t", [0, 1, -1])
def test_the_line_of_each_component_integrates_to_its_weight_and_the_total_is_their_sum(run, t):
    plane = plane_of(run)
    wide = (-30.0, 30.0, -28.0, 32.0)
    lines = MarginalDensities(run, plane, wide).at(complete_state(run, t))
    check_margins(lines, run.history.parameters[t], wide)
    for line in (lines[0], dict(x=lines[2]["y"], y=lines[2]["x"])):
        areas = [np.trapezoid(part[:, 1], part[:, 0]) for part in parts_of(line)]
        np.testing.assert_allclose(areas, run.history.parameters[t].weights, atol=1e-3)


def test_the_margins_are_as_wide_as_the_plot(run):
    plane = plane_of(run)
    extent = pictures.extent_of([run], plane)
    check_margins(MarginalDensities(run, plane, extent).at(-1), run.history.parameters[-1], extent)


@pytest.mark.parametrize("offset", [-5_000.0, 1e6])
def test_margins_of_data_far_from_zero_keep_their_shape(run, offset):
    far = of_points(run.data.points + offset)
    plane = plane_of(far)
    extent = pictures.extent_of([far], plane)
    check_margins(MarginalDensities(far, plane, extent).at(-1), far.history.parameters[-1], extent)


def test_margins_are_drawn_where_numbers_are_too_coarse_for_a_histogram_of_absolute_coordinates(run):
    far = of_points(run.data.points + 1e15)
    plane = plane_of(far)
    margins = MarginalDensities(far, plane, pictures.extent_of([far], plane))
    for trace, axes in zip(margins.static_traces(), ("xy", "yx"), strict=True):
        along, height = (trace[axis] for axis in axes)
        assert np.trapezoid(height, along) == pytest.approx(1, rel=0.3)  # neighboring numbers differ by 0.125


def test_margins_of_data_in_tiny_and_huge_units_keep_their_shape(run):
    for unit in (1e-6, 1e5):
        other = of_points(run.data.points * unit)
        plane = plane_of(other)
        extent = pictures.extent_of([other], plane)
        for i, line in enumerate(MarginalDensities(other, plane, extent).at(-1)[1::2]):
            x, y = (np.array(line[axis]) for axis in ("xy" if i == 0 else "yx"))
            assert np.trapezoid(y, x) == pytest.approx(1, abs=0.05)


def test_the_histogram_has_area_one_and_its_cumulative_counts_match_the_points(run):
    plane = plane_of(run)
    top, right = MarginalDensities(run, plane, pictures.extent_of([run], plane)).static_traces()
    for i, (along, height) in enumerate(((top["x"], top["y"]), (right["y"], right["x"]))):
        assert np.trapezoid(height, along) == pytest.approx(1)
        # the area up to the middle is the fraction of the points to the left of it
        middle = along[len(along) // 2]
        half = np.trapezoid(height[: len(along) // 2], along[: len(along) // 2])
        assert half == pytest.approx((run.data.points[:, i] < middle).mean(), abs=0.03)


def test_a_single_column_has_one_margin():
    run = run_of(sample("round", d=1))
    plane = plane_of(run)
    extent = pictures.extent_of([run], plane)
    margins = MarginalDensities(run, plane, extent)
    assert len(margins.static_traces()) == 1
    lines = margins.at(-1)
    assert len(lines) == 2
    check_margins(lines, run.history.parameters[-1], extent)
    layout = picture(run, margins=MarginalDensities).layout
    assert layout.yaxis2.domain == (0.86, 1)
    assert "xaxis2" not in layout


def picture(run, **parts):
    frames, _ = frames_of(run)
    return pictures.picture(run, frames, plane_of(run), "name", **parts)


@pytest.mark.parametrize("imputed", [False, True])
def test_every_frame_sets_the_margins_to_its_own_state(imputed):
    run = run_of(sample(n=60), start="k-means")
    if imputed:  # the rings around imputed values are another trace
        holes = np.zeros(run.data.points.shape, dtype=bool)
        holes[:3, 0] = True
        run = run_of(replace(run.data, key="imputed", imputed=holes), start="k-means")
    frames, _ = frames_of(run)
    figure = picture(run, background=DensityBackground, margins=MarginalDensities)
    extent = (*figure.layout.xaxis.range, *figure.layout.yaxis.range)
    margin_traces = [i for i, trace in enumerate(figure.data) if "x2" in (trace.xaxis, "") or trace.yaxis == "y2"]
    moved = [i for i in margin_traces if not figure.data[i].fill]
    assert len(moved) == 4
    assert len(margin_traces) == 6
    assert [frame.name for frame in figure.frames] == [str(i) for i in range(len(frames))]
    for frame, drawn in zip(frames, figure.frames, strict=True):
        assert len(drawn.traces) == len(set(drawn.traces)) == len(drawn.data)
        assert not {i for i in margin_traces if figure.data[i].fill} & set(drawn.traces)
        lines = [drawn.data[drawn.traces.index(i)] for i in moved]
        check_margins(lines, run.history.states[frame.state].parameters, extent)
    for i in moved:
        last = figure.frames[-1].data[figure.frames[-1].traces.index(i)]
        np.testing.assert_array_equal([last.x, last.y], [figure.data[i].x, figure.data[i].y])


def test_every_frame_has_the_density_of_its_state(monkeypatch):
    monkeypatch.setattr(mixture_density, "GRID", (230, 300))  # the last states differ in a few cells only
    run = run_of(sample(n=300))
    frames, _ = frames_of(run)
    figure = picture(run, background=DensityBackground, margins=MarginalDensities)
    sources = [drawn.layout.images[0].source for drawn in figure.frames]
    assert len(sources) == len(frames) > 20
    by_state = {}
    for frame, source in zip(frames, sources, strict=True):
        assert by_state.setdefault(frame.parameters, source) == source
    assert len(set(by_state.values())) == len(by_state) == run.history.iterations + 1
    assert figure.layout.images[0].source == sources[-1]
    assert all(alphas(source).max() > 0 for source in by_state.values())


def test_painted_points_are_above_the_density_in_every_frame(grid):
    figure = picture(
        run_of(sample(), start="k-means"),
        background=partial(DensityBackground, log=True),
        margins=MarginalDensities,
        markers=60,
    )
    for drawn in figure.frames:
        own = [image.source for image in drawn.layout.images]
        assert len(own) == (1 if drawn.baseframe else 2)
    below, points = figure.layout.images
    assert alphas(below.source).shape == grid
    assert alphas(points.source).shape != grid


def test_the_margins_of_a_collapsing_component_stay_finite():
    run = failed("collapse")
    figure = picture(run, background=DensityBackground, margins=MarginalDensities)
    tops = figure.layout.yaxis2.range[1], figure.layout.xaxis2.range[1]
    for drawn in figure.frames:
        for line, top, axis in zip(drawn.data[-4:], np.repeat(tops, 2), "yyxx", strict=True):
            values = line[axis][~np.isnan(line[axis])]  # a line is broken at NaN
            assert np.isfinite(values).all()
            assert values.max() <= 3.01 * top


# responsibilities and densities of the points


@pytest.mark.parametrize("settings", [dict(), dict(k=1), dict(k=5, covariance="spherical"), dict(start="alike")], ids=str)
def test_the_entropy_of_the_responsibilities_agrees_with_scipy(settings):
    run = run_of(sample("overlap"), **settings)
    posterior = Posterior(run)
    by_number = run.history.last.assignment.responsibilities[:, np.argsort(run.ranks)]
    np.testing.assert_array_equal(posterior.responsibilities, by_number)
    np.testing.assert_allclose(posterior.entropy, scipy.stats.entropy(by_number, axis=1), atol=1e-9)


def test_the_history_of_a_point_has_its_responsibilities_in_every_state(run):
    posterior = Posterior(run)
    for point in (0, 17, int(posterior.entropy.argmax())):
        history = posterior.by_iteration(point)
        assert history.shape == (run.history.iterations + 1, 3)
        np.testing.assert_allclose(history[-1], posterior.responsibilities[point], atol=1e-9)
        np.testing.assert_allclose(history.sum(axis=1), 1)
        for t, state in enumerate(run.history.parameters):
            joint = [
                w * scipy.stats.multivariate_normal(m, s).pdf(run.data.points[point]) for w, m, s in zip(*state, strict=True)
            ]
            np.testing.assert_allclose(history[t, run.ranks], joint / np.sum(joint), atol=1e-9)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.2, 1.0])
def test_the_threshold_separates_the_points_of_lowest_density_from_the_others(run, share):
    rows, threshold = Posterior(run).lowest_density(share)
    density = scipy_log_density(run)
    assert len(rows) == round(share * 100)
    np.testing.assert_array_equal(rows, np.argsort(density)[: len(rows)])
    if 0 < share < 1:
        assert density[rows].max() < threshold < np.delete(density, rows).min()


def scipy_log_density(run):
    state = run.history.parameters[-1]
    parts = [scipy.stats.multivariate_normal(m, s).logpdf(run.data.points) for m, s in zip(*state[1:], strict=True)]
    return scipy.special.logsumexp(parts, axis=0, b=state.weights[:, None])


def test_log_densities_agree_with_scipy(run):
    np.testing.assert_allclose(Posterior(run).log_density, scipy_log_density(run))


def test_the_points_of_lowest_density_in_a_sample_with_outliers_are_outliers():
    data = sample("outliers", n=500, share=0.05)
    rows, _ = Posterior(run_of(data, start="k-means")).lowest_density(0.02)
    alone = np.bincount(data.labels[data.labels >= 0]).argmin() if (data.labels >= 0).all() else -1
    assert (data.labels[rows] == alone).mean() > 0.8


def divergence(mean_a, a, mean_b, b):
    """Kullback-Leibler divergence KL(a || b) of two Gaussians."""
    d, inverse = mean_b - mean_a, np.linalg.inv(b)
    return 0.5 * (np.trace(inverse @ a) + d @ inverse @ d - len(a) + np.log(np.linalg.det(b) / np.linalg.det(a)))


def test_estimated_components_are_compared_with_the_true_ones_that_share_their_points():
    run = run_of(sample(n=2_000), start="k-means")
    truth, found = run.data.truth, run.history.parameters[-1]
    rows = matched_components(run)
    assert [run.ranks[row.found] for row in rows] == [0, 1, 2]
    assert sorted(row.true for row in rows) == [0, 1, 2]
    for row in rows:
        nearest = cdist(found.means[[row.found]], truth.means).argmin()
        assert row.true == nearest
        expected = divergence(
            truth.means[nearest], truth.covariances[nearest], found.means[row.found], found.covariances[row.found]
        )
        assert row.divergence == pytest.approx(expected, rel=1e-6)
        assert 0 < row.divergence < 0.05


@pytest.mark.parametrize(("k", "matched"), [(1, 1), (2, 2), (5, 3)])
def test_unmatched_components_have_no_divergence(k, matched):
    rows = matched_components(run_of(sample(), k=k))
    assert len(rows) == k
    partners = [row.true for row in rows if row.true is not None]
    assert len(set(partners)) == len(partners) == matched
    assert all((row.true is None) == (row.divergence is None) for row in rows)


# bootstrap


def test_an_interrupted_bootstrap_resumes_with_the_same_fits(run):
    class Interrupted(Exception):
        pass

    def on_progress(share, text):
        if len(job.results) == 3:
            raise Interrupted

    messages, job, whole = [], Bootstrap(run, 7), Bootstrap(run, 7)
    with pytest.raises(Interrupted):
        job.resume(on_progress)
    assert job.remaining == [3, 4, 5, 6]
    kept = job.fits
    assert len(kept) == 3
    job.resume(lambda *_: None)
    whole.resume(lambda *step: messages.append(step))
    assert job.remaining == []
    assert all(one is other for one, other in zip(job.fits, kept, strict=False))
    for one, other in zip(job.fits, whole.fits, strict=True):
        for part, same in zip(one, other, strict=True):
            np.testing.assert_array_equal(part, same)
    assert len(messages) > 7  # several in each fit
    assert list(dict.fromkeys(messages)) == [(i / 7, f"Fitting resample {i + 1} of 7.") for i in range(7)]
    assert len({one.means.tobytes() for one in job.fits}) == 7


def test_standard_errors_of_a_single_gaussian_are_those_of_a_mean():
    data = sample("round", n=400, k=1)
    job = Bootstrap(run_of(data, k=1), 300)
    job.resume(lambda *_: None)
    error, low, high = job.spread("means")
    expected = data.points.std(axis=0) / np.sqrt(400)
    np.testing.assert_allclose(error[0], expected, rtol=0.15)
    mean = data.points.mean(axis=0)
    np.testing.assert_allclose(low[0], mean - 1.96 * expected, atol=0.4 * expected.max())
    np.testing.assert_allclose(high[0], mean + 1.96 * expected, atol=0.4 * expected.max())
    np.testing.assert_allclose(job.spread("weights")[0], 0, atol=1e-12)


# K-means as a limit


def check_width_path(run):
    path = width_path(run, n_widths=12)
    points = path.data.points
    spread = points.std(axis=0).max()
    first, last = path.soft[0], path.soft[-1]
    np.testing.assert_allclose(first.means, np.tile(points.mean(axis=0), (run.settings.k, 1)), atol=1e-3 * spread)
    peer = Peer(run.settings.k, init=run.history.parameters[0].means, n_init=1, tol=0, algorithm="lloyd").fit(points)
    np.testing.assert_allclose(path.kmeans_centers, peer.cluster_centers_, atol=1e-6 * spread)
    np.testing.assert_allclose(last.means, peer.cluster_centers_, atol=1e-2 * spread)
    assert (last.responsibilities.argmax(axis=1) == peer.labels_).mean() > 0.99
    assert (np.diff(path.widths) < 0).all()
    assert path.certainty[-1] > 0.98
    assert path.distance[-1] < 1e-2 * spread


@pytest.mark.parametrize("name", ["three", "overlap"])
def test_with_decreasing_width_all_means_separate_from_one_point_and_end_at_the_k_means_centers(name):
    run = run_of(sample(name))
    check_width_path(run)
    assert width_path(run, n_widths=1).certainty[0] == pytest.approx(1 / 3, abs=1e-3)


def test_means_coincide_at_the_first_width_for_correlated_columns():
    rng = np.random.default_rng(0)
    along = rng.normal(size=(300, 1)) + np.repeat([[0.0], [6.0], [12.0]], 100, axis=0)
    check_width_path(of_points(along + 0.1 * rng.normal(size=(300, 4))))


def test_the_limit_of_many_points_is_computed_for_a_sample(monkeypatch):
    monkeypatch.setattr(limit, "MAX_POINTS", 60)
    run = run_of(sample())
    path = width_path(run, n_widths=4)
    np.testing.assert_array_equal(path.ranks, run.ranks)
    assert len(path.data.points) == 60
    assert all(len(one.responsibilities) == 60 for one in path.soft)


def test_the_figures_of_the_limit_have_a_frame_and_a_sentence_for_each_width(run):
    path = width_path(run, n_widths=8)
    plane = plane_of(run)
    figure = limit_figures.picture(path, plane, "name")
    curve = limit_figures.curve(path, "name")
    assert len(figure.frames) == len(path.frames) == len(curve.frames) == 8
    order = np.argsort(run.ranks)
    for one, frame, line in zip(path.soft, figure.frames, curve.frames, strict=True):
        np.testing.assert_allclose(np.column_stack([frame.data[-1].x, frame.data[-1].y]), one.means[order])
        certainty = one.responsibilities.max(axis=1).mean()
        assert line.data[-1].y[0] == pytest.approx(certainty)
        for i, ring in enumerate(frame.data[1:4]):
            away = np.hypot(ring.x - one.means[order[i], 0], ring.y - one.means[order[i], 1])
            np.testing.assert_allclose(away, one.width, rtol=1e-4)
    assert f"mean of each point's largest responsibility is {path.certainty[3]:.3f}" in path.frames[3].sentence


# the ternary plot


def plotted_responsibilities(run, frame):
    """(n, 3) the responsibilities that a frame shows, from the distances of its points to the sides of the triangle."""
    x, y = (np.asarray(part, dtype=float) for part in (frame.data[0].x, frame.data[0].y))
    third = y / np.sqrt(0.75)
    second = x - third / 2
    return np.column_stack([1 - second - third, second, third])


def test_points_in_the_ternary_plot_are_at_their_responsibilities_and_clearly_assigned_ones_in_corners():
    run = run_of(sample(distance=1, name="overlap"))
    frames, _ = frames_of(run)
    figure = mixture_figures.ternary_plot(run, frames, "name")
    assert len(figure.frames) == len(frames)
    order = np.argsort(run.ranks)
    for frame, drawn in zip(frames, figure.frames, strict=True):
        if frame.phase == "M":
            assert drawn.baseframe is not None
            continue
        if frame.assigned is None:
            shares = np.full((100, 3), 1 / 3)
        else:
            shares = run.history.assignment(frame.assigned).responsibilities[:, order]
        np.testing.assert_allclose(plotted_responsibilities(run, drawn), shares, atol=1e-6)
    shares = run.history.last.assignment.responsibilities[:, order]
    sure = np.flatnonzero(shares.max(axis=1) > 0.9999)
    cloud, _, corners = figure.data
    assert len(sure)
    own = shares[sure].argmax(axis=1)
    np.testing.assert_allclose(cloud.x[sure], np.array(corners.x)[own], atol=1e-3)
    np.testing.assert_allclose(cloud.y[sure], np.array(corners.y)[own], atol=1e-3)
    assert {cloud.marker.color[i] for i in sure[own == 1]} <= {corners.marker.color[1]}
    assert list(corners.text) == ["1", "2", "3"]


def test_the_ternary_plot_of_many_points_shows_a_sample(monkeypatch):
    monkeypatch.setattr(mixture_figures, "MAX_TERNARY_POINTS", 60)
    run = run_of(sample())
    frames, _ = frames_of(run)
    figure = mixture_figures.ternary_plot(run, frames, "name")
    assert len(figure.data[0].x) == 60 == len(figure.frames[-1].data[0].x)


# pictures


def test_a_click_returns_the_position_of_the_point(run, monkeypatch):
    monkeypatch.setattr(mixture_figures, "MAX_ANIMATED_MARKERS", 60)  # painted
    points = mixture_figures.marks(run, plane_of(run), np.array([3, 5]), 7)[0]
    rows = np.array(points["customdata"])
    assert all(type(row) is int for row in points["customdata"])
    np.testing.assert_allclose(np.column_stack([points["x"], points["y"]]), run.data.points[rows])
    assert list(points["text"]) == [f"point {row + 1}" for row in rows]


def test_circles_and_crosshairs_are_on_the_given_points(run):
    rings, *cross = mixture_figures.marks(run, plane_of(run), np.array([3, 5]), 7)
    np.testing.assert_array_equal(np.column_stack([rings["x"], rings["y"]]), run.data.points[[3, 5]])
    for mark in cross:
        np.testing.assert_array_equal(np.column_stack([mark["x"], mark["y"]]), run.data.points[[7]])


def test_ellipses_are_at_one_and_two_standard_deviations():
    run = run_of(sample("round", n=200, k=1), k=1)
    (covariance,) = run.history.parameters[-1].covariances
    (curve,) = ellipses(covariance[None], plane_of(run))
    away = np.einsum("ni,ij,nj->n", curve, np.linalg.inv(covariance), curve)
    np.testing.assert_allclose(away, 1)
    (mean,) = run.history.parameters[-1].means
    extent = pictures.extent_of([run], plane_of(run))
    for drawn, scale in zip(mixture_figures.model_plot(run, plane_of(run), extent).data, (1, 2), strict=True):
        shown = (np.column_stack([drawn.x, drawn.y]) - mean) / scale
        np.testing.assert_allclose(np.einsum("ni,ij,nj->n", shown, np.linalg.inv(covariance), shown), 1)


def test_the_responsibilities_of_a_point_are_bars_in_the_colors_of_the_components():
    bars = mixture_figures.responsibility_bars(np.array([0.2, 0.5, 0.3])).data[0]
    assert list(bars.y) == [0.2, 0.5, 0.3]
    assert [label.split()[1] for label in bars.x] == ["1", "2", "3"]
    assert list(bars.marker.color) == list(palette.COLORS[:3])


# the formulas


def numbers(text):
    """The numbers in a text, in order."""
    found = re.findall(r"[−-]?\d[\d,]*(?:\.\d+)?(?:e[+−-]?\d+)?", text)
    return [float(one.replace("−", "-").replace(",", "").rstrip(".")) for one in found]


def formulas_of(run, point=0, rank=0):
    """The frames of a run and its formulas for this point and the cluster of this number, from 0."""
    frames, _ = frames_of(run)
    cluster = int(np.flatnonzero(run.ranks == rank)[0])
    return frames, typeset(run.view.formulas(run, point, cluster), frames)


def assigned_at(run, frame):
    """The parameters with which the points of a frame were assigned."""
    return run.history.states[frame.assigned].parameters


def drawn_at(run, frame):
    """The parameters that a frame shows."""
    return run.history.states[frame.state].parameters


def iteration_of(run, frame):
    """The iteration of the parameters that a frame shows."""
    return run.history.states[frame.state].iteration


TOLERANCE = dict(rel=6e-3, abs=1e-12)
ALL_METHODS = [
    ("kmeans", {}),
    ("kmeans", dict(k=1)),
    ("kmeans", dict(k=12)),
    ("kmedoids", {}),
    ("kmedoids", dict(update="swap")),
    ("kmedoids", dict(update="steepest swap", start="build", metric="manhattan")),
    ("kmedoids", dict(k=1, update="swap")),
    *(("mixture", dict(covariance=kind)) for kind in COVARIANCE.choices),
    ("mixture", dict(k=1)),
    ("mixture", dict(k=12)),
]


@pytest.mark.parametrize(("algorithm", "settings"), ALL_METHODS, ids=str)
def test_every_frame_has_a_value_for_each_placeholder(algorithm, settings):
    run = run_of(sample(), algorithm, **settings)
    frames, shown = formulas_of(run, 5, run.settings.k - 1)
    assert len(shown.values) == len(frames)
    places = len(re.findall("class='value'", shown.html))
    assert {len(values) for values in shown.values} == {places}
    assert all(isinstance(value, str) for values in shown.values for value in values)
    assert re.findall("data-phase='(.*?)'", shown.html) == ["", "E", "M"]
    assert shown.html.count("<math ") == shown.html.count("</math>") >= 3
    assert shown.values[0][:1] == [""]  # no loss before anything is assigned


@pytest.mark.parametrize("settings", [dict(), dict(k=5, seed=4)], ids=str)
def test_the_formulas_of_k_means_show_loss_distances_cluster_and_mean(settings):
    run = run_of(sample(), "kmeans", **settings)
    points, history = run.data.points, run.history
    point, rank = 11, run.settings.k - 1
    cluster = int(np.flatnonzero(run.ranks == rank)[0])
    frames, shown = formulas_of(run, point, rank)
    assert shown.values[0][1:3] == ["", "not assigned yet."]
    for frame, (loss, label, squares, place, update) in zip(frames[1:], shown.values[1:], strict=True):
        centers = assigned_at(run, frame)
        distances = cdist(points, centers, "sqeuclidean")
        own = distances.argmin(axis=1)
        now = drawn_at(run, frame)
        assert numbers(loss) == [pytest.approx(np.square(points - now[own]).sum(), rel=1e-5)]
        assert label == f"= {run.ranks[own[point]] + 1}"
        pairs = [numbers(part) for part in squares.split(", ")]
        assert [pair[1] for pair in pairs] == list(range(1, run.settings.k + 1))
        assert [pair[0] for pair in pairs] == pytest.approx(distances[point, np.argsort(run.ranks)].tolist(), **TOLERANCE)
        if iteration_of(run, frame):
            members = cdist(points, history.parameters[iteration_of(run, frame) - 1]).argmin(axis=1) == cluster
            assert numbers(place) == pytest.approx(points[members].mean(axis=0).tolist(), **TOLERANCE)
            assert update == f"mean of its {members.sum()} points."
        else:
            assert place == ""
            assert numbers(update) == pytest.approx(now[cluster].tolist(), **TOLERANCE)


@pytest.mark.parametrize(
    "settings", [dict(), dict(metric="manhattan", seed=3), dict(update="swap"), dict(update="steepest swap", k=5)], ids=str
)
def test_the_formulas_of_k_medoids_show_loss_dissimilarities_cluster_and_medoid(settings):
    run = run_of(sample(), "kmedoids", **settings)
    metric = {"manhattan": "cityblock"}.get(run.settings.option("metric"), "euclidean")
    points, history = run.data.points, run.history
    point, rank = 11, run.settings.k - 1
    cluster = int(np.flatnonzero(run.ranks == rank)[0])
    frames, shown = formulas_of(run, point, rank)
    for frame, (loss, label, distances, place, update) in zip(frames[1:], shown.values[1:], strict=True):
        medoids = assigned_at(run, frame)
        away = cdist(points, points[medoids], metric)
        assert numbers(loss) == [pytest.approx(frame.loss, rel=1e-5)]
        if frame.phase == "E":
            assert numbers(loss) == [pytest.approx(away.min(axis=1).sum(), rel=1e-5)]
        assert label == f"= {run.ranks[away[point].argmin()] + 1}"
        assert [numbers(part)[0] for part in distances.split(", ")] == pytest.approx(
            away[point, np.argsort(run.ranks)].tolist(), **TOLERANCE
        )
        if iteration_of(run, frame) == 0:
            first = f"initial medoid: point {history.parameters[0][cluster] + 1}."
            assert update == ("No swap yet." if "swap" in run.settings.option("update") else first)
            continue
        if "swap" in run.settings.option("update"):
            slots = np.flatnonzero(history.parameters[iteration_of(run, frame) - 1] != drawn_at(run, frame))
            if not len(slots):
                assert update == "No swap lowers the loss."
                continue
            slot = slots[0]
            gone, taken = (history.parameters[iteration_of(run, frame) - 1 + i][slot] + 1 for i in (0, 1))
            assert place == ""
            words, losses = update.split(", loss ")
            assert words == f"Cluster {run.ranks[slot] + 1}: point {taken} replaces point {gone}"
            after, before = numbers(losses)
            assert after < before == pytest.approx(history.losses[iteration_of(run, frame) - 1], rel=1e-5)
            continue
        before, now = (history.parameters[iteration_of(run, frame) - 1 + i][cluster] for i in (0, 1))
        assert place == f"= point {now + 1}"
        if before == now:
            assert update == "unchanged."
        else:
            previous = cdist(points, points[history.parameters[iteration_of(run, frame) - 1]], metric)
            members = points[previous.argmin(axis=1) == cluster]
            sums = [cdist(members, points[[medoid]], metric).sum() for medoid in (before, now)]
            assert numbers(update) == pytest.approx([len(members), *sums], **TOLERANCE)


@pytest.mark.parametrize("kind", COVARIANCE.choices)
def test_the_formulas_of_a_mixture_show_loss_responsibility_weight_mean_and_covariance(kind):
    run = run_of(sample(), covariance=kind)
    points, history = run.data.points, run.history
    point, rank = int(Posterior(run).entropy.argmax()), 1
    cluster = int(np.flatnonzero(run.ranks == rank)[0])
    frames, shown = formulas_of(run, point, rank)
    for frame, (loss, share, parts, nothing, update) in zip(frames[1:], shown.values[1:], strict=True):
        state, next_one = assigned_at(run, frame), drawn_at(run, frame)
        densities = np.array([scipy.stats.multivariate_normal(m, s).pdf(points) for m, s in zip(*state[1:], strict=True)])
        joint = state.weights[:, None] * densities
        shares = joint / joint.sum(axis=0)
        if frame.phase == "E":
            assert numbers(loss) == [pytest.approx(-np.log(joint.sum(axis=0)).mean(), rel=1e-5)]
        else:  # the bound, by its definition
            logs = [
                np.log(w) + scipy.stats.multivariate_normal(m, s).logpdf(points) for w, m, s in zip(*next_one, strict=True)
            ]
            bound = -(shares * (logs - np.log(shares))).sum() / len(points)
            assert numbers(loss) == [pytest.approx(bound, rel=1e-5)]
        assert numbers(share) == [pytest.approx(shares[cluster, point], abs=6e-4)]
        calculated, among = parts.split("; responsibilities: ")
        expected = [state.weights[cluster], densities[cluster, point], joint[:, point].sum()]
        assert numbers(calculated) == pytest.approx(expected, **TOLERANCE)
        assert [numbers(part)[0] for part in among.split(", ")] == pytest.approx(
            shares[np.argsort(run.ranks), point].tolist(), **TOLERANCE
        )
        assert nothing == ""
        if iteration_of(run, frame) == 0:
            continue
        mass = history.assignment_of_iteration(iteration_of(run, frame) - 1).responsibilities[:, cluster].sum()
        weight, mean, covariance = (part[cluster] for part in next_one)
        of_weight, _, rest = update.partition(", m = ")
        of_mean, _, of_covariance = rest.partition(", S = ")
        assert numbers(of_weight) == pytest.approx([mass, 100, weight], **TOLERANCE)
        assert numbers(of_mean) == pytest.approx(mean.tolist(), **TOLERANCE)
        assert numbers(of_covariance) == pytest.approx(covariance.ravel().tolist(), **TOLERANCE)


def test_the_cluster_number_in_the_formula_is_that_of_the_mark_in_the_plot():
    run = run_of(sample(), "kmeans", seed=3)
    frames, shown = formulas_of(run, 20)
    last = pictures.picture(run, frames, plane_of(run), "name").data[-1]
    marks = np.column_stack([last.x, last.y])
    nearest = cdist(run.data.points[[20]], marks).argmin()
    assert shown.values[-1][1] == f"= {last.customdata[nearest]}"


def test_the_loss_in_the_formula_equals_that_in_the_sentence_in_every_frame():
    for algorithm in ("kmeans", "kmedoids", "mixture"):
        frames, shown = formulas_of(run_of(sample(), algorithm))
        for frame, values in zip(frames[1:], shown.values[1:], strict=True):
            assert values[0].removeprefix("= ") in frame.sentence


@pytest.mark.parametrize("algorithm", ["kmeans", "kmedoids", "mixture"])
def test_names_with_markup_are_text_in_the_formulas(algorithm):
    names = np.array([f"<img src=x onerror=alert({i})>&'" for i in range(60)])
    run = run_of(replace(sample(n=60), key="odd", names=names), algorithm)
    _, shown = formulas_of(run, 4)
    assert "<img" not in shown.html
    assert "&lt;img src=x onerror=alert(4)&gt;&amp;&#x27;" in shown.html


def test_formulas_of_many_columns_and_clusters_show_the_first_ones():
    run = of_points(np.random.default_rng(0).normal(size=(200, 7)), k=12, covariance="diagonal")
    _, shown = formulas_of(run)
    _, _, among, _, update = shown.values[-1]
    assert len(among.split("; responsibilities: ")[1].split(", ")) == 9  # eight and an ellipsis
    assert update.count("…") == 2


def test_the_center_of_an_emptied_cluster_is_not_described_as_the_mean_of_no_points():
    start = ((0.0, 0.0), (100.0, 100.0), (200.0, 200.0))
    points = np.random.default_rng(0).normal(size=(40, 2))
    data = Data("near", "Near", ("a", "b"), points)
    run = run_of(data, "kmeans", start=ManualStart(start))
    assert notices.EMPTY_CLUSTER in {notice.name for _, notice in run.history.unique_notices()}
    lost = int(np.flatnonzero((run.history.sizes == 0).any(axis=0))[0])
    _, shown = formulas_of(run, 0, int(run.ranks[lost]))
    assert "no points" not in " ".join(values[-1] for values in shown.values)


# claims of the failure examples


@cache
def failed(name, fixed=False):
    """The run of a failure example, or of its fix."""
    scene = FAILURES[name].scene(fixed)
    state = scene.state()
    values = {s.name: state[f"{state['sample']}_{s.name}"] for s in catalog.SAMPLES[state["sample"]].settings}
    data = catalog.draw_sample(state["sample"], state["n"], state["data_seed"], values)
    return make_run(data, scene.settings, RecentCache(), lambda _: None)


def widths(run):
    """The smallest eigenvalue of each final covariance, for standardized columns."""
    scale = run.data.points.std(axis=0)
    return np.linalg.eigvalsh(run.history.parameters[-1].covariances / np.outer(scale, scale)).min(axis=1)


def criterion(run):
    n, d = run.data.points.shape
    return bic(-run.history.losses[-1] * n, run.history.process.parameter_count(d), n)


def test_a_component_collapses_without_a_variance_floor_and_does_not_with_one():
    collapsed, fixed = failed("collapse"), failed("collapse", True)
    assert widths(collapsed).min() == pytest.approx(1e-12, rel=0.1)  # the limit of double precision
    assert widths(fixed).min() > 1e-2
    assert collapsed.history.losses[-1] < fixed.history.losses[-1] - 0.5
    assert -np.diff(collapsed.history.losses).min() > 0.4  # a sudden drop
    assert collapsed.history.parameters[-1].weights.min() * 50 < 5  # onto a few points
    assert [notice.name for _, notice in collapsed.history.unique_notices()] == [notices.COLLAPSING_COMPONENT]
    assert not fixed.history.unique_notices()
    # the floor alone prevents it, too
    floored = make_run(collapsed.data, collapsed.settings.with_options(floor=1e-2), RecentCache(), lambda _: None)
    assert widths(floored).min() == pytest.approx(1e-2, rel=1e-6)


def test_identical_means_converge_at_once_to_three_identical_gaussians():
    run = failed("alike")
    assert run.history.converged
    assert run.history.iterations == 1
    weights, means, covariances = run.history.parameters[-1]
    points = run.data.points
    np.testing.assert_allclose(weights, 1 / 3)
    np.testing.assert_allclose(means, np.tile(points.mean(axis=0), (3, 1)))
    np.testing.assert_allclose(covariances, np.tile(np.cov(points.T, bias=True), (3, 1, 1)))
    single = scipy.stats.multivariate_normal(points.mean(axis=0), np.cov(points.T, bias=True)).logpdf(points).mean()
    assert run.history.losses[-1] == pytest.approx(-single)
    peer = PeerMixture(1).fit(points)
    assert run.history.losses[-1] == pytest.approx(-peer.score(points), rel=1e-5)


def test_components_with_different_initial_means_find_the_three_groups():
    assert failed("alike", True).agreement > 0.85
    # responsibilities are equal up to rounding errors, which decide the labels and differ between processors
    alike = failed("alike")
    np.testing.assert_allclose(alike.history.last.assignment.responsibilities, 1 / 3, rtol=1e-9)
    assert abs(alike.agreement) < 0.15


def test_identical_means_do_not_depend_on_the_seed():
    data = sample()
    one, other = (run_of(data, start="alike", seed=seed) for seed in (1, 2))
    np.testing.assert_array_equal(one.history.parameters[-1].means, other.history.parameters[-1].means)


def test_too_many_components_lose_their_points_and_have_a_higher_bic():
    many, three = failed("many"), failed("many", True)
    assert many.history.parameters[-1].weights.min() < 1.5 / 500
    assert many.history.iterations > 100  # slowly
    assert three.settings.k == 3
    assert many.history.losses[-1] < three.history.losses[-1] < many.history.losses[-1] + 0.1  # a little lower
    assert criterion(many) > criterion(three)


def test_three_components_find_the_three_groups():
    assert failed("many", True).agreement > 0.85


@pytest.mark.parametrize("name", [name for name, failure in FAILURES.items() if failure.scene().page == "mixture"])
def test_a_failure_sets_all_settings_that_it_depends_on_and_its_fix_changes_some_of_them(name):
    failure = FAILURES[name]
    state, fixed = failure.scene().state(), failure.scene(fixed=True).state()
    assert {"source", "sample", "n", "data_seed", "k", "start_mixture", "mixture_covariance", "mixture_floor", "seed"} <= set(
        state
    )
    assert set(fixed) == set(state)
    assert any(state[key] != value for key, value in fixed.items())


def test_the_variance_floor_is_a_setting_of_the_run():
    data = sample("outliers", n=50)
    runs = {floor: run_of(data, k=4, seed=2, floor=floor) for floor in (0.0, 1e-6, 1e-3, 1e-2)}
    assert len({run.key for run in runs.values()}) == 4
    losses = [run.history.losses[-1] for run in runs.values()]
    assert losses == sorted(losses)
    for floor, run in runs.items():
        assert widths(run).min() >= max(floor, 1e-12) * 0.9


def test_a_mixture_projected_on_its_columns_is_unchanged(run):
    state = run.history.parameters[-1]
    for part, same in zip(state.project(np.eye(2), np.zeros(2)), state, strict=True):
        np.testing.assert_allclose(part, same)
