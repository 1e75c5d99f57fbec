"""Properties of runs on arbitrary tables: any scale, ties, duplicates, constant columns, any number of clusters.

With ties, where two centers or candidates are equally good, rounding errors of sums decide, and these depend on the order of
the points. Permutation and duplication are therefore tested for a single iteration, where the results are exact; whole runs
are compared on points without ties.
"""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from clustering import GaussianMixture, KMeans, KMedoids, fit, iterate
from clustering.kmedoids import UPDATES
from clustering.notices import LOSS_ROSE
from tests.core.tables import METHODS, dissimilarities, examples, method_of, numbers, parts, runs, seeds, tables

each = pytest.mark.parametrize("name", METHODS)


@each
@examples(60)
@given(data=st.data())
def test_the_loss_never_increases_in_any_half_step(name, data):
    method, input_data, seed = data.draw(runs(name))
    prepared = method.prepare(input_data)
    steps = list(iterate(method, prepared, rng=seed, max_iter=25))
    for before, after in pairwise(steps):
        between = method.m_step_loss(prepared, before.assignment, before.parameters, after.parameters)
        margins = [method.rounding_error(prepared, step.assignment, step.loss) for step in (before, after)]
        if isinstance(method, GaussianMixture) and prepared.rounding < 1e-14:
            # the margin must be small compared with the loss
            assert max(margins) <= 1e-6 * (1 + abs(before.loss))
        assert between <= before.loss + margins[0]
        assert after.loss <= between + margins[1]
    assert all(notice.name != LOSS_ROSE for step in steps for notice in step.notices)


@each
@examples(30)
@given(data=st.data())
def test_every_state_is_finite_and_assigns_every_point(name, data):
    method, input_data, seed = data.draw(runs(name))
    n = len(input_data)
    for step in iterate(method, input_data, rng=seed, max_iter=12):
        assert np.isfinite(step.loss)
        assert all(np.isfinite(part).all() for part in parts(step.parameters))
        assert step.labels.shape == (n,)
        assert step.labels.min() >= 0
        assert step.labels.max() < method.k
        assert step.assignment.sizes.sum() == pytest.approx(n)
        if isinstance(method, GaussianMixture):
            shares = step.assignment.responsibilities
            assert shares.min() >= 0
            np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-12)
            np.testing.assert_array_equal(step.labels, shares.argmax(axis=1))
            assert step.parameters.weights.sum() == pytest.approx(1)
        else:
            np.testing.assert_array_equal(step.assignment.sizes, np.bincount(step.labels, minlength=method.k))
            assert step.loss >= 0


@each
@examples(20)
@given(data=st.data())
def test_fit_returns_the_last_state_and_earlier_states_are_not_modified(name, data):
    method, input_data, seed = data.draw(runs(name))
    before = input_data.copy()
    steps, copies_of_steps = [], []
    for step in iterate(method, input_data, rng=seed, max_iter=8):
        steps.append(step)
        copies_of_steps.append([np.copy(part) for part in (*parts(step.parameters), step.labels, step.assignment.sizes)])
    for step, copies in zip(steps, copies_of_steps, strict=True):
        for part, copy in zip((*parts(step.parameters), step.labels, step.assignment.sizes), copies, strict=True):
            np.testing.assert_array_equal(part, copy)
    np.testing.assert_array_equal(input_data, before)
    last = fit(method, input_data, rng=seed, max_iter=8)
    assert (last.loss, last.iteration, last.converged) == (steps[-1].loss, steps[-1].iteration, steps[-1].converged)
    np.testing.assert_array_equal(last.labels, steps[-1].labels)
    for part, other in zip(parts(last.parameters), parts(steps[-1].parameters), strict=True):
        np.testing.assert_array_equal(part, other)


# scaling


@pytest.mark.parametrize("name", [name for name in METHODS if not issubclass(METHODS[name][0], GaussianMixture)])
@examples(40)
@given(data=st.data(), power=st.integers(-30, 30))
def test_scaling_by_a_power_of_two_scales_the_run_exactly(name, data, power):
    method, input_data, seed = data.draw(runs(name))
    steps = list(iterate(method, input_data, rng=seed, max_iter=25))
    scaled = list(iterate(method, input_data * 2.0**power, rng=seed, max_iter=25))
    assert len(scaled) == len(steps)
    for one, other in zip(steps, scaled, strict=True):
        np.testing.assert_array_equal(other.labels, one.labels)
        if isinstance(method, KMeans):
            np.testing.assert_array_equal(other.parameters, one.parameters * 2.0**power)
            assert other.loss == one.loss * 4.0**power
        else:
            np.testing.assert_array_equal(other.parameters, one.parameters)
            assert other.loss == one.loss * 2.0**power


@pytest.mark.parametrize("name", [name for name in METHODS if METHODS[name][0] is GaussianMixture])
@examples(25)
@given(data=st.data(), power=st.integers(-30, 30))
def test_scaling_by_a_power_of_two_scales_the_mixture_exactly(name, data, power):
    method, points, seed = data.draw(runs(name))
    assume(np.ptp(points, axis=0).any())  # constant columns have no width to scale
    one, other = (fit(method, points * unit, rng=seed, max_iter=8) for unit in (1.0, 2.0**power))
    np.testing.assert_array_equal(other.labels, one.labels)
    np.testing.assert_array_equal(other.parameters.weights, one.parameters.weights)
    np.testing.assert_array_equal(other.parameters.means, one.parameters.means * 2.0**power)
    np.testing.assert_array_equal(other.parameters.covariances, one.parameters.covariances * 4.0**power)
    assert other.loss == pytest.approx(one.loss + points.shape[1] * power * np.log(2), rel=1e-12, abs=1e-9)


# permutation, duplication and translation


@st.composite
def starts(draw, name, **options):
    """A process, its input, and row numbers of distinct points to start from."""
    kind = METHODS[name][0]
    data = draw(dissimilarities() if kind is KMedoids else tables(**options))
    rows = np.arange(len(data)) if kind is KMedoids else np.unique(data, axis=0, return_index=True)[1]
    k = draw(numbers(len(rows)))
    return method_of(name, k), data, np.random.default_rng(draw(seeds)).permutation(rows)[:k]


def after_one_step(method, data, start):
    """Assignment and loss of the first E step, then parameters and loss of the M step."""
    prepared = method.prepare(data)
    start = method.check_start(prepared, start)
    assignment, loss = method.e_step(prepared, start)
    new = method.m_step(prepared, assignment, start)
    return assignment, loss, new, method.m_step_loss(prepared, assignment, start, new)


def margin_of(method, data):
    """Rounding error of a loss for these data."""
    prepared = method.prepare(data)
    if isinstance(method, KMeans):
        return 1e-12 * prepared.total + len(data) * prepared.rounding
    # rounding errors of means are amplified by the narrowest component allowed
    return 1e-12 * data.sum() if isinstance(method, KMedoids) else 1e-6 + 10 * prepared.rounding / method.floor


@each
@examples(40)
@given(data=st.data())
def test_permuting_the_points_permutes_the_labels_of_one_iteration(name, data):
    method, input_data, rows = data.draw(starts(name))
    order = np.random.default_rng(data.draw(seeds)).permutation(len(input_data))
    if isinstance(method, KMedoids):
        start, moved, shuffled = rows, np.argsort(order)[rows], input_data[np.ix_(order, order)]
    else:
        start, moved, shuffled = input_data[rows], input_data[rows], input_data[order]
    one, other = after_one_step(method, input_data, start), after_one_step(method, shuffled, moved)
    margin = margin_of(method, input_data)
    assert other[1] == pytest.approx(one[1], rel=1e-9, abs=margin)
    if isinstance(method, GaussianMixture):
        np.testing.assert_allclose(other[0].responsibilities, one[0].responsibilities[order], atol=margin)
    else:
        np.testing.assert_array_equal(other[0].labels, one[0].labels[order])
    if name != "swap":  # takes the first improving row, which depends on the order
        assert other[3] == pytest.approx(one[3], rel=1e-9, abs=margin)


# the prior of the variational mixture does not grow with the number of points
@pytest.mark.parametrize("name", [name for name in METHODS if name != "variational"])
@examples(40)
@given(data=st.data())
def test_duplicating_the_points_duplicates_the_labels_and_the_loss_of_one_iteration(name, data):
    method, input_data, rows = data.draw(starts(name))
    twice = np.repeat(np.arange(len(input_data)), 2)
    if isinstance(method, KMedoids):
        # the duplicate of a medoid is assigned to the same cluster only if no other medoid is at distance zero
        between_medoids = input_data[np.ix_(rows, rows)] + np.eye(len(rows))
        assume(between_medoids.all())
        start, moved, doubled = rows, 2 * rows, input_data[np.ix_(twice, twice)]
    else:
        start, moved, doubled = input_data[rows], input_data[rows], input_data[twice]
    one, other = after_one_step(method, input_data, start), after_one_step(method, doubled, moved)
    margin = 2 * margin_of(method, input_data)
    times = 1 if isinstance(method, GaussianMixture) else 2  # its loss is a mean over points
    assert other[1] == pytest.approx(times * one[1], rel=1e-9, abs=margin)
    if isinstance(method, GaussianMixture):
        np.testing.assert_allclose(other[0].responsibilities, one[0].responsibilities[twice], atol=margin)
    else:
        np.testing.assert_array_equal(other[0].labels, one[0].labels[twice])
    if name not in ("swap", "steepest swap"):  # a swap may move only one of two duplicates
        assert other[3] == pytest.approx(times * one[3], rel=1e-9, abs=margin)


@pytest.mark.parametrize("name", ["K-means", "full", "tied", "diagonal", "spherical"])
@examples(40)
@given(data=st.data())
def test_without_ties_whole_runs_are_invariant_under_permutation_duplication_and_translation(name, data):
    method, points, rows = data.draw(starts(name, ties=False))
    rng = np.random.default_rng(data.draw(seeds))
    order = rng.permutation(np.repeat(np.arange(len(points)), 2))
    shift = np.abs(points).max() * rng.normal(size=points.shape[1])
    # mixtures converge slowly where components overlap, and so do the effects of rounding
    steps = 100 if isinstance(method, KMeans) else 3
    one = fit(method, points, start=points[rows], max_iter=steps)
    other = fit(method, points[order] + shift, start=points[rows] + shift, max_iter=steps)
    times = 1 if isinstance(method, GaussianMixture) else 2
    margin = margin_of(method, points[order] + shift)
    assert other.loss == pytest.approx(times * one.loss, rel=1e-6, abs=margin)
    if isinstance(method, KMeans):
        np.testing.assert_array_equal(other.labels, one.labels[order])
        np.testing.assert_allclose(other.parameters - shift, one.parameters, rtol=1e-9, atol=1e-9 * np.abs(shift).max())


@examples(200)
@given(run=runs("K-means"))
def test_k_means_assigns_points_to_nearest_centers_and_converges_to_cluster_means(run):
    method, points, seed = run
    # columns smaller than the rounding error of another column have no effect
    rounding = points.size * np.square(1e-14 * np.abs(points).max())
    for step in iterate(method, points, rng=seed):
        squares = np.square(points[:, None] - step.parameters).sum(axis=2)
        own = squares[np.arange(len(points)), step.labels]
        assert (own <= squares.min(axis=1) * (1 + 1e-12)).all()
        assert step.loss == pytest.approx(own.sum(), rel=1e-6, abs=rounding)
    assert step.converged
    for cluster in np.unique(step.labels):
        mean = points[step.labels == cluster].mean(axis=0)
        assert np.square(mean - step.parameters[cluster]).sum() <= rounding


@pytest.mark.parametrize("update", UPDATES)
@examples(50)
@given(data=st.data())
def test_k_medoids_assigns_points_to_nearest_medoids_and_medoids_to_themselves(update, data):
    method, matrix, seed = data.draw(runs(update))
    for step in iterate(method, matrix, rng=seed):
        to_medoids = matrix[step.parameters]
        np.testing.assert_array_equal(to_medoids[step.labels, np.arange(len(matrix))], to_medoids.min(axis=0))
        np.testing.assert_array_equal(step.labels[step.parameters], np.arange(method.k))
        assert step.loss == pytest.approx(to_medoids.min(axis=0).sum(), rel=1e-12)
    assert step.converged
