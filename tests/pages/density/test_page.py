"""The Density page: both methods beside their figures, cuts at a radius, and branches that are chosen by hand."""

import numpy as np
import pytest

from clustering import HDBSCAN, OPTICS, fit, labels_below, three_gaussians
from pages.density import figures
from pages.density.cut import clusters_by_radius, with_branch, with_chosen_branches
from pages.density.sections import BRANCHES
from pages.figures import palette
from pages.methods import method
from pages.runs.frames import frames_of
from tests.pages.app import latest, opened
from tests.pages.checks import run_of, sample

POINTS = three_gaussians(100, np.random.default_rng(0)).points
ORDER, TREE = "/density?n=100", "/density?n=100&density_method=HDBSCAN"


@pytest.fixture(scope="module")
def order_run():
    return run_of(method("optics"), sample("moons", 200), min_points=5)


@pytest.fixture(scope="module")
def tree_run():
    return run_of(method("hdbscan"), sample("moons", 200), min_cluster_size=5, min_points=3)


def plots(app):
    return [chart.proto.id for chart in app.get("plotly_chart")]


def test_optics_is_shown_with_its_order_and_the_distances():
    app = opened(ORDER)
    assert not app.error
    assert not app.exception
    run = latest(app, "run")
    option = run.settings.option
    expected = fit(OPTICS(option("min_points"), min_cluster_size=option("min_cluster_size")), POINTS)
    np.testing.assert_array_equal(run.labels, expected.labels)
    assert sum("density" in name for name in plots(app)) == 3


def test_hdbscan_is_shown_with_its_tree():
    app = opened(TREE)
    assert not app.error
    assert not app.exception
    run = latest(app, "run")
    option = run.settings.option
    expected = fit(HDBSCAN(option("min_cluster_size"), option("min_points")), POINTS)
    np.testing.assert_array_equal(run.labels, expected.labels)
    assert sum("density" in name for name in plots(app)) == 2


def test_a_radius_cuts_all_figures():
    app = opened(f"{ORDER}&optics_eps=0.5")
    run = latest(app, "run")
    np.testing.assert_array_equal(run.labels, labels_below(run.history.parameters[-1].order, 0.5))
    assert not app.exception


def test_branches_that_were_chosen_are_the_clusters_until_they_are_selected_automatically():
    app = opened(TREE)
    run = latest(app, "run")
    branches = np.flatnonzero(run.history.parameters[-1].hierarchy.tree.parents == 0)
    app.session_state[BRANCHES] = run.key, (int(branches[0]),)
    app.run()
    assert not app.exception
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Clusters"] == "1"
    next(button for button in app.button if button.label == "Select automatically").click().run()
    assert {metric.label: metric.value for metric in app.metric}["Clusters"] == str(run.k)


def test_a_distance_matrix_is_refused_with_a_reason():
    app = opened("/density?source=Built-in&table=Number words")
    assert not app.exception
    assert "needs points" in app.error[0].value


def test_the_number_of_clusters_at_a_radius_is_that_of_the_cut(order_run):
    order = order_run.history.parameters[-1].order
    radii, counts = clusters_by_radius(order.cores, order.reachability)
    assert radii == sorted(set(radii))
    assert len(radii) > 100
    assert counts == [labels_below(order, radius).max() + 1 for radius in radii]
    assert max(counts) > 2


def test_a_chosen_branch_replaces_those_above_and_below_it(tree_run):
    tree = tree_run.history.parameters[-1].hierarchy.tree
    parent = next(cluster for cluster in range(1, len(tree.parents)) if tree.has_children[cluster])
    first, second = np.flatnonzero(tree.parents == parent).tolist()
    assert with_branch(tree, (first, second), parent) == (parent,)
    assert with_branch(tree, (parent,), second) == (second,)
    assert with_branch(tree, (first,), second) == (first, second)
    assert with_branch(tree, (first, second), second) == (first,)


def test_points_of_chosen_branches_have_the_labels_and_strengths_of_these_branches(tree_run):
    tree = tree_run.history.parameters[-1].hierarchy.tree
    branch = int(np.flatnonzero(tree.parents == 0)[1])
    run = with_chosen_branches(tree_run, (branch,))
    assert run.k == 1
    below = {branch}
    for cluster, parent in enumerate(tree.parents.tolist()):
        if parent in below:
            below.add(cluster)
    inside = np.isin(tree.homes, list(below))
    np.testing.assert_array_equal(run.labels >= 0, inside)
    strengths = np.minimum(tree.levels / tree.deaths[branch], 1)
    np.testing.assert_allclose(run.history.last.assignment.strengths, np.where(inside, strengths, 0))
    frames, _ = frames_of(run)
    assert len(run.history.states) == len(tree_run.history.states)
    assert "1 cluster" in frames[-2].sentence


def test_the_reachability_plot_has_the_height_and_color_of_every_point(order_run):
    frames, _ = frames_of(order_run)
    figure = figures.reachability_plot(order_run, frames, "name")
    order = order_run.history.parameters[-1].order
    n = len(order.ordering)
    heights = np.full(n, np.nan)
    for cluster, trace in zip((-1, *range(order_run.k)), figure.data, strict=False):
        members = np.flatnonzero(order_run.labels[order.ordering] == cluster)
        x, y = (np.array(part, dtype=float) for part in (trace.x, trace.y))
        for position in members:  # a bar is a horizontal side above its position
            above = (x[:-1] == position) & (x[1:] == position + 1) & (y[:-1] == y[1:]) & (y[1:] > 0)
            heights[position] = y[1:][above].item()
        assert np.isfinite(y).sum() == 2 * len(members) + 2 * (1 + np.count_nonzero(np.diff(members) > 1)) * (len(members) > 0)
        expected = palette.NEUTRAL if cluster < 0 else palette.color_of(order_run.ranks[cluster])
        assert trace.fillcolor == expected
    finite = np.isfinite(order.reachability[order.ordering])
    np.testing.assert_allclose(heights[finite], order.reachability[order.ordering][finite])
    assert (heights[~finite] == figure.layout.yaxis.range[1]).all()


def test_the_veil_of_the_plot_begins_at_the_points_reached(order_run):
    frames, _ = frames_of(order_run)
    figure = figures.reachability_plot(order_run, frames, "name")
    for frame, spec in list(zip(frames, figure.frames, strict=True))[1:]:
        assert spec.data[0].x[0] == order_run.history.states[frame.state].parameters.reached
    assert figure.frames[0].data[0].x[0] == 0
    assert figure.frames[-1].data[0].x[0] == len(order_run.labels)


def test_the_area_of_a_branch_above_its_birth_is_its_stability(tree_run):
    frames, _ = frames_of(tree_run)
    figure = figures.condensed_tree_plot(tree_run, frames, "name")
    tree = tree_run.history.parameters[-1].hierarchy.tree
    for cluster, trace in enumerate(figure.data[: len(tree.parents)]):
        x, y = np.array(trace.x), np.array(trace.y)
        half = len(x) // 2
        assert x[-1] - x[0] == pytest.approx(tree.sizes[cluster])
        assert y[0] == pytest.approx(tree.births[cluster])
        area = 0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))
        assert area == pytest.approx(tree.stabilities[cluster], rel=1e-9)
        assert half * 2 == len(x)
    children = np.flatnonzero(tree.parents >= 0)
    for cluster in children.tolist():
        inner, outer = figure.data[cluster], figure.data[int(tree.parents[cluster])]
        assert min(outer.x) - 1e-9 <= min(inner.x) <= max(inner.x) <= max(outer.x) + 1e-9


def test_the_veil_of_the_tree_ends_at_the_density_level(tree_run):
    frames, _ = frames_of(tree_run)
    figure = figures.condensed_tree_plot(tree_run, frames, "name")
    top = figure.layout.yaxis.range[1]
    heights = [spec.data[1].y[0] for spec in figure.frames]
    assert heights[0] == top
    assert heights == sorted(heights, reverse=True)
    assert heights[-1] == 0


def test_tooltips_of_the_tree_name_the_branch_that_a_click_chooses(tree_run):
    frames, _ = frames_of(tree_run)
    markers = figures.condensed_tree_plot(tree_run, frames, "name").data[-1]
    tree = tree_run.history.parameters[-1].hierarchy.tree
    assert [entry[0] for entry in markers.customdata] == list(range(1, len(tree.parents)))
    assert f"{tree.sizes[1]} points" in markers.customdata[0][1]


def test_the_distance_curve_falls_from_the_largest_core_distance():
    cores = np.array([3.0, 1.0, 2.0, np.inf])
    curve = figures.distance_curve(cores, 4).data[0]
    assert list(curve.x) == [1, 2, 3, 4]
    assert list(curve.y)[1:] == [3, 2, 1]
