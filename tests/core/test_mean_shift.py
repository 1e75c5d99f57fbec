"""Mean shift: by hand, against scikit-learn, the loss, histories, notices, invalid arguments."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import gaussian_kde
from sklearn.cluster import MeanShift as ScikitLearnMeanShift

from clustering import History, MeanShift, fit, iterate, proximity_matrix, suggested_bandwidth, three_gaussians
from clustering.mean_shift import KERNELS
from tests.core.tables import examples, seeds, tables

POINTS = three_gaussians(200, np.random.default_rng(1)).points
each_kernel = pytest.mark.parametrize("kernel", KERNELS)


def names(state):
    return [notice.name for notice in state.notices]


# by hand


def test_five_points_on_a_line_by_hand():
    states = list(iterate(MeanShift(1.5), [[0.0], [1.0], [2.0], [8.0], [9.0]]))
    positions = [state.parameters.positions.ravel().tolist() for state in states]
    assert positions[0] == [0, 1, 2, 8, 9]
    assert positions[1] == [0.5, 1, 1.5, 8.5, 8.5]
    assert positions[2] == [1, 1, 1, 8.5, 8.5]
    assert positions[-1] == positions[2]
    assert [state.phase for state in states] == ["density", *["shift"] * (len(states) - 2), "merge"]
    assert states[-2].labels.tolist() == [-1] * 5
    assert states[-1].parameters.modes.ravel().tolist() == [1, 8.5]  # the higher density first
    assert states[-1].labels.tolist() == [0, 0, 0, 1, 1]
    assert states[-1].assignment.sizes.tolist() == [3, 2]
    assert states[-1].converged
    # Epanechnikov's kernel of radius 1.5 integrates to 1 with the factor 3 / (4 * 1.5)
    heights = np.array([1 + 5 / 9, 1 + 10 / 9, 1 + 5 / 9, 1 + 5 / 9, 1 + 5 / 9]) * 3 / (4 * 1.5) / 5
    assert states[0].loss == pytest.approx(-np.log(heights).mean())


def test_the_loss_of_the_gaussian_kernel_is_that_of_a_kernel_density():
    points, h = POINTS[:50], 0.8
    first = next(iter(iterate(MeanShift(h, "gaussian"), points)))
    density = np.exp(-0.5 * proximity_matrix(points, "squared euclidean") / h**2).mean(axis=1) / (2 * np.pi * h**2)
    assert first.loss == pytest.approx(-np.log(density).mean())
    line = points[:, :1]
    scipy = gaussian_kde(line.ravel(), h / line.std(ddof=1)).logpdf(line.ravel())
    assert next(iter(iterate(MeanShift(h, "gaussian"), line))).loss == pytest.approx(-scipy.mean())


# against scikit-learn


@examples(25)
@given(seed=seeds, n=st.integers(1, 60), d=st.integers(1, 3), bandwidth=st.sampled_from([0.3, 0.7, 1.0, 1.5, 3.0]))
def test_modes_and_labels_equal_those_of_scikit_learn(seed, n, d, bandwidth):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, d)) + 4 * rng.integers(0, 3, size=(n, 1))
    state, peer = fit(MeanShift(bandwidth), points), ScikitLearnMeanShift(bandwidth=bandwidth).fit(points)
    np.testing.assert_allclose(state.parameters.modes, peer.cluster_centers_, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(state.labels, peer.labels_)


# laws


@each_kernel
@examples(40)
@given(points=tables(), factor=st.sampled_from([0.1, 0.5, 2.0]))
def test_the_loss_never_rises_and_every_state_is_finite(kernel, points, factor):
    distances = proximity_matrix(points)
    bandwidth = factor * float(distances[distances > 0].mean() if distances.any() else 1.0)
    states = list(iterate(MeanShift(bandwidth, kernel), points, max_iter=40))
    losses = np.array([state.loss for state in states])
    assert np.isfinite(losses).all()
    assert (np.diff(losses) <= 1e-9 * (1 + np.abs(losses[1:]))).all()
    last = states[-1]
    assert np.isfinite(last.parameters.positions).all()
    assert 0 <= last.labels.min() <= last.labels.max() < len(last.parameters.modes)
    assert (proximity_matrix(last.parameters.modes) + bandwidth * 2 * np.eye(len(last.parameters.modes)) > bandwidth).all()


def test_a_larger_bandwidth_leaves_fewer_modes():
    counts = [len(fit(MeanShift(h), POINTS).parameters.modes) for h in (0.5, 1.0, 2.0, 10.0)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 10
    assert counts[-1] == 1


@each_kernel
def test_the_suggested_bandwidth_finds_three_gaussians_at_any_scale(kernel):
    for scale in (1e-3, 1.0, 1e3):
        points = scale * POINTS
        assert len(fit(MeanShift(suggested_bandwidth(points, kernel), kernel), points).parameters.modes) == 3


def test_the_suggested_bandwidth_by_hand():
    points = np.array([[-1.0], [1.0]])  # variance 1
    assert suggested_bandwidth(points, "gaussian") == pytest.approx((4 / 5) ** (1 / 7) * 2 ** (-1 / 7))
    assert suggested_bandwidth(points) == pytest.approx(5**0.5 * suggested_bandwidth(points, "gaussian"))
    assert suggested_bandwidth([[3.0], [3.0]]) > 0


# histories


@each_kernel
def test_a_history_can_show_every_state(kernel):
    process = MeanShift(2.0, kernel)
    history, states = History.record(process, POINTS), list(iterate(process, POINTS))
    assert len(history) == len(states)
    for t, state in enumerate(states):
        np.testing.assert_array_equal(history.assignment_of_iteration(t).labels, state.labels)
        np.testing.assert_array_equal(history.parameters[t].positions, state.parameters.positions)
    assert history.converged
    assert [len(sizes) for sizes in history.sizes][-2:] == [0, len(states[-1].parameters.modes)]


def test_earlier_states_are_not_modified():
    states = iterate(MeanShift(2.0), POINTS)
    first = next(states)
    kept = first.parameters.positions.copy()
    list(states)
    np.testing.assert_array_equal(first.parameters.positions, kept)


def test_a_run_that_is_stopped_early_has_modes_and_a_notice():
    state = fit(MeanShift(2.0), POINTS, max_iter=2)
    assert (state.iteration, state.converged, state.phase) == (2, False, "merge")
    assert "iteration limit" in names(state)
    assert state.labels.min() == 0
    start = fit(MeanShift(2.0), POINTS, max_iter=0)
    assert (start.iteration, start.converged, names(start)) == (0, False, ["iteration limit"])


def test_new_points_belong_to_the_nearest_mode():
    process = MeanShift(2.0)
    state = fit(process, POINTS)
    np.testing.assert_array_equal(process.predict(state.parameters, POINTS), state.labels)
    first = next(iter(iterate(process, POINTS)))
    assert process.predict(first.parameters, POINTS[:3]).tolist() == [-1, -1, -1]


# notices


@pytest.mark.parametrize(
    ("bandwidth", "expected"), [(0.01, ["many modes"]), (100.0, ["one mode"]), (2.0, [])], ids=["small", "large", "good"]
)
def test_bandwidths_that_find_no_structure_have_a_notice(bandwidth, expected):
    assert names(fit(MeanShift(bandwidth), POINTS)) == expected


# invalid arguments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0,), "bandwidth must be a finite number above 0, got 0.0"),
        ((np.nan,), "bandwidth must be a finite number above 0, got nan"),
        ((1.0, "round"), "kernel must be one of flat, gaussian, got 'round'"),
    ],
)
def test_invalid_settings_raise(arguments, message):
    with pytest.raises(ValueError, match=message):
        MeanShift(*arguments)


def test_invalid_data_and_starts_raise():
    with pytest.raises(ValueError, match="points must be finite"):
        fit(MeanShift(1.0), [[0.0], [np.inf]])
    with pytest.raises(ValueError, match="mean shift does not accept a start"):
        iterate(MeanShift(1.0), POINTS, start=POINTS)
