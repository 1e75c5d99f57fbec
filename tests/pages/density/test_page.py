"""The Density page: methods beside their figures, cuts at a radius, and branches that are chosen by hand."""

import numpy as np
import pytest
from sklearn.cluster import DBSCAN as PEER

from clustering import DBSCAN, HDBSCAN, OPTICS, fit, labels_below, three_gaussians
from clustering.core_points import FEW_CORE_POINTS, MANY_CORE_POINTS
from pages.density import figures
from pages.density.cut import (
    NOTES,
    branches_of,
    clusters_by_radius,
    core_notes,
    disjoint,
    with_branch,
    with_chosen_branches,
)
from pages.figures import palette
from pages.methods import density, method
from pages.runs.frames import frames_of
from tests.pages.app import latest, opened
from tests.pages.checks import run_of, sample

POINTS = three_gaussians(100, np.random.default_rng(0)).points
GROWTH, ORDER, TREE = (f"/density?n=100&density_method={title}" for title in ("DBSCAN", "OPTICS", "HDBSCAN"))


@pytest.fixture(scope="module")
def order_run():
    return run_of(method("optics"), sample("moons", 200), min_points=5)


@pytest.fixture(scope="module")
def tree_run():
    return run_of(method("hdbscan"), sample("moons", 200), min_cluster_size=5, min_points=3)


def tree_plot(run, frames):
    """The tree of a run of HDBSCAN."""
    parameters = run.history.parameters[-1]
    return figures.condensed_tree_plot(run, parameters.hierarchy.tree, parameters.clusters, False, frames, "name")


def plots(app):
    return [chart.proto.id for chart in app.get("plotly_chart")]


def test_optics_is_shown_with_its_order_and_the_distances():
    app = opened(f"{ORDER}&optics_eps=0")
    assert not app.error
    assert not app.exception
    run = latest(app, "run")
    option = run.settings.option
    expected = fit(OPTICS(option("min_points"), min_cluster_size=option("min_cluster_size")), POINTS)
    np.testing.assert_array_equal(run.labels, expected.labels)
    assert sum("density" in name for name in plots(app)) == 4


def test_hdbscan_is_shown_with_its_tree():
    app = opened(TREE)
    assert not app.error
    assert not app.exception
    run = latest(app, "run")
    option = run.settings.option
    expected = fit(HDBSCAN(option("min_cluster_size"), option("min_points")), POINTS)
    np.testing.assert_array_equal(run.labels, expected.labels)
    assert sum("density" in name for name in plots(app)) == 3


def test_a_radius_cuts_all_figures():
    app = opened(f"{ORDER}&optics_eps=0.5")
    run = latest(app, "run")
    np.testing.assert_array_equal(run.labels, labels_below(run.history.parameters[-1].order, 0.5))
    assert not app.exception


def test_the_formula_says_whether_a_cluster_splits_or_disappears(tree_run):
    tree = tree_run.history.parameters[-1].hierarchy.tree
    frame = frames_of(tree_run)[0][-1]
    ends = set()
    for branch in range(1, len(tree.parents)):
        run = with_chosen_branches(tree_run, (branch,))
        stability = next(one for one in run.view.formulas(run, 0, 0) if one.title == "Stability")
        end = "splits" if (tree.parents == branch).any() else "disappears"
        assert stability.values(frame)[1] == (
            f"Cluster 1 appears at level {tree.births[branch]:.3g} with {tree.sizes[branch]:,} points and {end} at "
            f"{tree.deaths[branch]:.3g}."
        )
        ends.add(end)
    assert len(ends) == 2


def numbers(app):
    return {metric.label: metric.value for metric in app.metric}


def test_dbscan_comes_first_and_is_shown_with_the_distances_the_order_and_the_tree():
    app = opened("/density?n=100")
    assert not app.error
    assert not app.exception
    run = latest(app, "run")
    option = run.settings.option
    np.testing.assert_array_equal(run.labels, fit(DBSCAN(option("eps"), option("min_points")), POINTS).labels)
    assert sum("density" in name for name in plots(app)) == 4


def test_the_first_picture_has_three_clusters_and_little_noise():
    run = latest(opened("/density"), "run")
    assert run.k == 3
    assert np.mean(run.labels < 0) < 0.1


def test_optics_begins_with_a_cut_that_follows_the_data_and_the_core_distances():
    app = opened("/density?density_method=OPTICS")
    run = latest(app, "run")
    assert run.k == 3
    assert np.mean(run.labels < 0) < 0.1
    assert "optics_eps" not in app.query_params
    for key, value in (("optics_min_points", 12), ("n", 200)):
        widget = app.select_slider(key=key) if key == "n" else app.number_input(key=key)
        widget.set_value(value).run()
        run = latest(app, "run")
        expected = density.default_radius(run.data, "euclidean", run.settings.option("min_points"))
        assert run.settings.option("eps") == expected
    app.number_input(key="optics_eps").set_value(0.5).run()
    app.number_input(key="optics_min_points").set_value(7).run()
    assert latest(app, "run").settings.option("eps") == 0.5
    button(app, "No cut").click().run()
    assert latest(app, "run").settings.option("eps") == 0
    assert "no cut" in " ".join(caption.value for caption in app.caption)
    assert latest(opened("/?algorithm=OPTICS"), "run").settings.option("eps") == 0


@pytest.mark.parametrize(("name", "title"), [("optics", "OPTICS"), ("hdbscan", "HDBSCAN"), ("dbscan", "DBSCAN")])
def test_a_link_with_an_option_but_without_a_method_shows_the_method_of_the_option(name, title):
    app = opened(f"/density?n=100&{name}_min_points=4")
    run = latest(app, "run")
    assert run.view.title == title
    assert run.settings.option("min_points") == 4
    assert not app.warning


def button(app, text):
    return next(button for button in app.button if button.label.startswith(text))


@pytest.mark.parametrize(("address", "key"), [(GROWTH, "dbscan_eps"), (ORDER, "optics_eps")])
def test_the_knee_and_the_default_are_used_with_a_click(address, key):
    app = opened(address)
    run = latest(app, "run")
    expected = {"knee": density.knee(run.view.core_distances(run)), "default": run.view.suggested_radius(run)}
    assert expected["knee"] != expected["default"]
    for name, radius in expected.items():
        assert f"({radius:.3g})" in button(app, f"Use the {name}").label
        if not button(app, f"Use the {name}").disabled:
            button(app, f"Use the {name}").click().run()
        assert not app.exception
        assert app.number_input(key=key).value == float(f"{radius:.4g}")
        assert latest(app, "run").settings.option("eps") == float(f"{radius:.4g}")
        assert button(app, f"Use the {name}").disabled


def test_no_or_all_points_as_core_points_have_a_warning():
    assert "None of 100 points is a core point" in opened(f"{GROWTH}&dbscan_eps=0.001").warning[0].value
    assert "are core points of a single cluster" in opened(f"{GROWTH}&dbscan_eps=9").warning[0].value


def test_notes_on_few_or_nearly_all_core_points_agree_with_the_warnings_at_every_radius():
    for name, data in (("dbscan", sample("moons", 200)), ("optics", sample(n=60))):
        run = run_of(method(name), data, min_points=5)
        cores = run.view.core_distances(run)
        radii, counts = clusters_by_radius(*run.view.cluster_ranges(run))
        notes = core_notes(radii, counts, cores)
        assert set(notes) == {"", *NOTES.values()}
        for i in np.linspace(0, len(radii) - 1, 12).astype(int).tolist():
            at_radius = run_of(method(name), data, min_points=5, eps=radii[i])
            names = [notice.name for notice in at_radius.history.last.notices]
            assert [NOTES[name] for name in names if name in NOTES] == [notes[i]] * (notes[i] != "")


def test_the_notes_of_a_sample_of_the_core_distances_compare_with_its_size():
    few, many = NOTES[FEW_CORE_POINTS], NOTES[MANY_CORE_POINTS]
    cores = np.arange(1.0, 101.0)
    assert core_notes([0.5, 1, 2, 98, 99], [0, 1, 1, 1, 1], cores) == [few, few, "", "", many]
    assert core_notes([99], [2], cores) == [""]


def test_without_enough_points_for_the_core_distances_all_are_noise():
    app = opened(f"{GROWTH}&dbscan_min_points=101")
    assert not app.exception
    assert numbers(app)["Clusters"] == "0"


def test_branches_in_a_link_are_the_clusters_until_other_settings_are_chosen():
    app = opened(TREE)
    run = latest(app, "run")
    branch = int(np.flatnonzero(run.history.parameters[-1].hierarchy.tree.parents == 0)[0])
    app = opened(f"{TREE}&branches={branch}")
    assert not app.exception
    assert not app.warning
    assert app.multiselect(key="branches").value == [branch]
    assert numbers(app)["Clusters"] == "1"
    app.run()
    assert numbers(app)["Clusters"] == "1"
    app.number_input(key="hdbscan_min_points").set_value(3).run()
    assert not app.exception
    assert app.multiselect(key="branches").value == []
    assert numbers(app)["Clusters"] == str(latest(app, "run").k)


def test_branches_stay_while_another_page_is_visited_unless_the_data_change_there():
    app = opened(f"{TREE}&branches=1")
    app.switch_page("pages/compare/page.py").run()
    app.switch_page("pages/density/page.py").run()
    assert app.multiselect(key="branches").value == [1]
    assert numbers(app)["Clusters"] == "1"
    app.switch_page("pages/compare/page.py").run()
    app.select_slider(key="n").set_value(200).run()
    app.switch_page("pages/density/page.py").run()
    assert not app.exception
    assert app.multiselect(key="branches").value == []
    assert numbers(app)["Clusters"] == str(latest(app, "run").k)


def test_of_branches_within_each_other_in_a_link_one_is_used():
    tree = latest(opened(TREE), "run").history.parameters[-1].hierarchy.tree
    parent = next(cluster for cluster in range(1, len(tree.parents)) if tree.has_children[cluster])
    child = int(np.flatnonzero(tree.parents == parent)[0])
    app = opened(f"{TREE}&branches={parent}&branches={child}")
    assert not app.exception
    assert numbers(app)["Clusters"] == "1"


def test_no_branches_are_chosen_automatically_again():
    app = opened(TREE)
    k = latest(app, "run").k
    assert k > 1
    app.multiselect(key="branches").set_value([1]).run()
    assert numbers(app)["Clusters"] == "1"
    app.multiselect(key="branches").set_value([]).run()
    assert numbers(app)["Clusters"] == str(k)


@pytest.mark.parametrize("branches", ["999", "0", "-1", "x", "1.5"])
def test_branches_that_do_not_exist_are_listed_and_ignored(branches):
    app = opened(f"{TREE}&branches={branches}")
    assert not app.exception
    assert f"branches = {branches}" in app.warning[0].value.replace("\\", "")
    assert numbers(app)["Clusters"] == str(latest(app, "run").k)


def test_dbscan_shows_a_distance_matrix_and_the_others_are_not_offered():
    app = opened("/density?source=Built-in&table=Number words")
    assert not app.exception
    assert not app.error
    run = latest(app, "run")
    assert run.view.title == "DBSCAN"
    assert [name for name in plots(app) if "order" in name] == []
    app = opened("/density?source=Built-in&table=Number words&density_method=OPTICS")
    assert latest(app, "run").view.title == "DBSCAN"


def test_the_number_of_clusters_at_a_radius_is_that_of_the_cut(order_run):
    order = order_run.history.parameters[-1].order
    radii, counts = clusters_by_radius(*order_run.view.cluster_ranges(order_run))
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
    figure = figures.reachability_plot(order_run, order_run.history.parameters[-1].order, frames, "name")
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
    figure = figures.reachability_plot(order_run, order_run.history.parameters[-1].order, frames, "name")
    for frame, spec in list(zip(frames, figure.frames, strict=True))[1:]:
        assert spec.data[0].x[0] == order_run.history.states[frame.state].parameters.reached
    assert figure.frames[0].data[0].x[0] == 0
    assert figure.frames[-1].data[0].x[0] == len(order_run.labels)


def test_the_area_of_a_branch_above_its_birth_is_its_stability(tree_run):
    frames, _ = frames_of(tree_run)
    figure = tree_plot(tree_run, frames)
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
    figure = tree_plot(tree_run, frames)
    top = figure.layout.yaxis.range[1]
    heights = [spec.data[1].y[0] for spec in figure.frames]
    assert heights[0] == top
    assert heights == sorted(heights, reverse=True)
    assert heights[-1] == 0


def test_tooltips_of_the_tree_name_the_branch_that_a_click_chooses(tree_run):
    frames, _ = frames_of(tree_run)
    markers = tree_plot(tree_run, frames).data[-1]
    tree = tree_run.history.parameters[-1].hierarchy.tree
    assert [entry[0] for entry in markers.customdata] == list(range(1, len(tree.parents)))
    assert f"{tree.sizes[1]} points" in markers.customdata[0][1]


def test_of_branches_within_each_other_the_last_is_kept(tree_run):
    tree = tree_run.history.parameters[-1].hierarchy.tree
    parent = next(cluster for cluster in range(1, len(tree.parents)) if tree.has_children[cluster])
    first, second = np.flatnonzero(tree.parents == parent).tolist()
    assert disjoint(tree, [parent, first, second]) == (first, second)
    assert disjoint(tree, [first, second, parent]) == (parent,)
    assert disjoint(tree, [second, first, second]) == (first, second)
    assert disjoint(tree, []) == ()


@pytest.fixture(scope="module")
def growth_run():
    return run_of(method("dbscan"), sample("moons", 200), min_points=5, eps=0.25)


def test_the_distance_curve_falls_from_the_largest_core_distance(growth_run):
    cores = np.where(np.arange(200) == 7, np.inf, np.arange(200.0))
    curve = figures.distance_curve(growth_run, cores, 0.25, {}).data[0]
    assert list(curve.x) == list(range(1, 201))
    assert list(curve.y)[1:] == [*range(199, 7, -1), *range(6, -1, -1)]


def test_marks_are_on_the_curve_with_their_values(growth_run):
    cores = growth_run.view.core_distances(growth_run)
    falling = np.sort(cores)[::-1]
    figure = figures.distance_curve(growth_run, cores, 0.25, {"knee": falling[20], "default": 5.0})
    knee, default = figure.data[1:]
    assert (knee.x[0], knee.y[0]) == (21, falling[20])
    assert knee.text[0] == f"knee {falling[20]:.3g}"
    assert (default.x[0], default.y[0]) == (1, 5.0)
    assert figure.layout.yaxis.range[1] > 5


def test_dots_of_the_curve_have_the_colors_of_the_clusters_so_far(growth_run):
    frames, _ = frames_of(growth_run)
    cores = growth_run.view.core_distances(growth_run)
    figure = figures.distance_curve(growth_run, cores, 0.25, {}, frames, "name")
    falling = np.argsort(-cores, kind="stable")
    np.testing.assert_array_equal(figure.data[1].y, cores[falling])
    assert len(figure.frames) == len(frames) > 5
    for frame, spec in zip(frames, figure.frames, strict=True):
        visits = growth_run.history.states[frame.state].parameters
        labels = np.where(visits.joined if frame.assigned is not None else False, visits.labels, -1)[falling]
        expected = [palette.NEUTRAL if label < 0 else palette.color_of(growth_run.ranks[label]) for label in labels.tolist()]
        assert list(spec.data[0].marker.color) == expected
        assert list(spec.traces) == [1]


def test_the_order_without_frames_is_not_animated(growth_run):
    figure = figures.reachability_plot(growth_run, growth_run.view.reachability(growth_run), [], "name")
    assert figure.layout.meta is None
    assert len(figure.data) == growth_run.k + 2


def branches_at_line(figure, tree, run, radius):
    """For each color of the branches that a line at this radius crosses: these branches, and their widths at the line."""
    widths = {}
    for branch, trace in zip(sorted({0, *figures.drawn_branches(tree)}), figure.data, strict=False):
        x, y = np.array(trace.x), np.array(trace.y)
        half = len(x) // 2
        crossed = np.flatnonzero((y[: half - 1] > radius) & (y[1:half] <= radius))
        if len(crossed):
            i = crossed[-1]
            widths.setdefault(trace.fillcolor, []).append((branch, round(x[-1 - i] - x[i])))
    return widths


@pytest.mark.parametrize("name", ["dbscan", "optics"])
@pytest.mark.parametrize("eps", [0.12, 0.16, 0.2, 0.25, 0.3])
def test_branches_at_the_radius_have_the_colors_and_the_core_points_of_the_clusters(name, eps):
    data = sample("moons", 200)
    run = run_of(method(name), data, min_points=4, eps=eps)
    tree = run.view.core_tree(run).tree
    branches = branches_of(tree, run.labels, run.k, eps)
    figure = figures.condensed_tree_plot(run, tree, branches, True, [], "name")
    found = branches_at_line(figure, tree, run, eps)
    peer = PEER(eps=eps, min_samples=4).fit(data.points)
    core = np.isin(np.arange(200), peer.core_sample_indices_)
    expected = {}
    for cluster in range(peer.labels_.max() + 1):
        members = core & (peer.labels_ == cluster)
        if members.sum() >= 4:  # smaller ones are not drawn
            (own,) = np.unique(run.labels[members])
            expected[palette.color_of(run.ranks[own])] = int(members.sum())
    assert {color: width for color, [(_, width)] in found.items()} == expected
    assert len(expected) >= 1
    assert palette.NEUTRAL not in found


def test_branches_above_those_at_the_radius_are_gray_and_those_below_have_their_color():
    run = run_of(method("dbscan"), sample("moons", 200), min_points=4, eps=0.25)
    tree = run.view.core_tree(run).tree
    branches = branches_of(tree, run.labels, run.k, 0.25)
    assert tree.has_children[branches].any()
    figure = figures.condensed_tree_plot(run, tree, branches, True, [], "name")
    for branch in range(1, len(tree.parents)):
        above = branch
        while above > 0 and above not in branches:
            above = int(tree.parents[above])
        expected = palette.color_of(run.ranks[branches.tolist().index(above)]) if above in branches else palette.NEUTRAL
        assert figure.data[branch].fillcolor == expected
    assert figure.data[0].fillcolor == palette.NEUTRAL
    assert figure.layout.meta is None
    assert f"radius {1 / tree.deaths[1]:.3g} to {1 / tree.births[1]:.3g}" in figure.data[-1].customdata[0][1]


def test_all_branches_have_the_color_of_the_only_cluster_at_a_radius_above_the_axis():
    run = run_of(method("dbscan"), sample("moons", 200), min_points=4, eps=2)
    tree = run.view.core_tree(run).tree
    figure = figures.condensed_tree_plot(run, tree, branches_of(tree, run.labels, run.k, 2), True, [], "name")
    assert figure.layout.yaxis.range[1] < 2
    assert {trace.fillcolor for trace in figure.data[:-1]} == {palette.color_of(0)}


def test_without_a_radius_no_branch_has_a_color(order_run):
    tree = order_run.view.core_tree(order_run).tree
    assert order_run.k > 1
    assert (branches_of(tree, order_run.labels, order_run.k, 0) == -1).all()


def test_the_tree_stays_readable_with_many_points():
    run = run_of(method("dbscan"), sample(n=3000))
    tree = run.view.core_tree(run).tree
    assert len(tree.homes) == 3000
    assert 2 < len(tree.parents) < 100
    branches = branches_of(tree, run.labels, run.k, run.settings.option("eps"))
    figure = figures.condensed_tree_plot(run, tree, branches, True, [], "name")
    assert sum(len(trace.x) for trace in figure.data[:-1]) < 10_000


@pytest.mark.parametrize(
    ("address", "figures_shown"),
    [
        ("/density?n=100&dbscan_min_points=101", ["distances"]),
        ("/density?n=100&dbscan_min_points=1", ["distances", "tree"]),
        ("/density?source=Built-in&table=Number words", ["distances", "tree"]),
        ("/density?n=100&dbscan_metric=Manhattan", ["distances", "tree"]),
        (f"{ORDER}&optics_eps=0", ["distances", "order", "tree"]),
    ],
)
def test_the_tree_is_shown_for_every_metric_if_there_are_enough_points(address, figures_shown):
    app = opened(address)
    assert not app.exception
    assert not app.error
    shown = [kind for kind in ("distances", "order", "tree") if any(f"density {kind}" in name for name in plots(app))]
    assert shown == figures_shown


def test_the_tree_follows_the_radius():
    seen = set()
    for eps in (0.3, 0.6, 3):
        app = opened(f"{GROWTH}&dbscan_eps={eps}")
        run = latest(app, "run")
        branches = branches_of(run.view.core_tree(run).tree, run.labels, run.k, eps)
        assert any(f"density tree {tuple(branches.tolist())}" in name for name in plots(app))
        seen.add(tuple(branches.tolist()))
    assert len(seen) == 3


def test_figures_that_are_not_computed_for_many_points_are_named(monkeypatch):
    monkeypatch.setattr(density, "MAX_ORDERED", 60)
    monkeypatch.setattr(density, "MAX_POINTS_FOR_DENSITY", 80)
    app = opened("/density?n=100")
    assert not app.exception
    captions = [caption.value for caption in app.caption]
    assert "The reachability plot is computed for at most 60 points." in captions
    assert "The tree of the clusters at all radii is computed for at most 80 points." in captions
    app = opened("/density?n=50")
    assert not any("is computed for at most" in caption.value for caption in app.caption)
