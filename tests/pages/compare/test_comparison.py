"""Comparisons of runs: shared initial points, matched colors, aligned frames, scores."""

import html.parser
import re
from dataclasses import replace
from functools import cache
from itertools import permutations

import numpy as np
import pytest
import sklearn.metrics
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from clustering import KMedoids, classical_scaling, proximity_matrix
from pages.compare import comparison as comparison_module
from pages.compare import figures as comparison_figures
from pages.compare.agreement import Agreement, Clustering
from pages.compare.comparison import make_comparison, panel_names, shared_rows
from pages.compare.scores import scores
from pages.datasets import catalog
from pages.datasets.data import PRECOMPUTED, Data
from pages.datasets.formatting import format_number
from pages.datasets.planes import column_plane, principal_plane
from pages.figures import palette
from pages.figures.markup import Raw, bar, mark, table
from pages.methods import methods, settings
from pages.methods.starts import NamedStart, RowsStart
from pages.runs import curves, pictures
from pages.runs import frames as frames_module
from pages.runs.cache import RecentCache
from pages.runs.frames import aligned_frames, frames_of
from pages.runs.run import make_run
from pages.runs.segments import Edit, segments_of
from tests.pages.methods.fakes import FAKES

ALL_THREE = (dict(), dict(name="kmedoids"), dict(name="mixture"))


def sample(name="three", n=120, **values):
    return catalog.draw_sample(name, n, 0, values)


def settings_of(name="kmeans", **panel):
    return settings(name, **panel)


def a_comparison(data, *panels, start="random", shared=None, on_step=lambda *_: None):
    panels = [settings_of(data=data, **panel) for panel in panels]
    k = max(panel.k for panel in panels)
    return make_comparison(
        data, panels, RecentCache(), on_step, shared=shared or [True] * len(panels), k=k, initialization=start
    )


def given_data(n=60, labels=True):
    """Data with a distance matrix only."""
    points = sample("round", n).points
    matrix = proximity_matrix(points, "manhattan")
    layout = classical_scaling(matrix).points
    known = sample("round", n).labels if labels else None
    return Data(f"given {n}", "Given", ("a", "b"), layout, known, "group", precomputed=matrix, matrix_name="road lengths")


@pytest.fixture(scope="module")
def default():
    return a_comparison(sample(), *ALL_THREE)


@pytest.mark.parametrize("start", ["random", "k-means++", "plain k-means++", "maxmin"])
def test_panels_share_their_initial_points(start):
    data = sample()
    comparison = a_comparison(data, *ALL_THREE, start=start)
    means, medoids, mixture = (run.history.parameters[0] for _, run in comparison.named_runs)
    assert len(set(medoids.tolist())) == 3
    np.testing.assert_array_equal(means, data.points[medoids])
    np.testing.assert_array_equal(mixture.means, data.points[medoids])


@pytest.mark.parametrize("start", ["random", "k-means++", "plain k-means++", "maxmin"])
def test_panels_with_smaller_k_start_at_the_first_shared_points(start):
    comparison = a_comparison(sample(), dict(k=2), dict(k=5), dict(name="kmedoids", k=4), dict(name="mixture"), start=start)
    most = comparison.runs[1].centers[0]
    assert len(np.unique(most, axis=0)) == 5
    for run in comparison.runs:
        np.testing.assert_array_equal(run.centers[0], most[: run.settings.k])


@pytest.mark.parametrize("method", ["kmeans", "kmedoids", "mixture"])
@pytest.mark.parametrize("seed", [1, 7])
def test_shared_random_points_repeat_the_single_run_with_that_seed(method, seed):
    data = sample()
    panels = [panel | dict(seed=seed, k=4) for panel in ALL_THREE]
    mine = next(run for run in a_comparison(data, *panels).runs if run.settings.method == method).history
    other = make_run(data, settings_of(name=method, k=4, seed=seed), RecentCache(), lambda _: None).history
    np.testing.assert_allclose(mine.losses, other.losses, rtol=1e-12)
    for a, b in zip(mine.parameters, other.parameters, strict=True):
        np.testing.assert_allclose(getattr(a, "means", a), getattr(b, "means", b), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(mine.last.labels, other.last.labels)


def test_different_seeds_select_different_points():
    data = sample()
    assert len({shared_rows(data, 3, 3, start, seed) for start in ("random", "k-means++", "maxmin") for seed in range(4)}) > 8


def test_a_panel_with_its_own_initialization_leaves_the_shared_points_unchanged():
    data = sample()
    own = dict(start="k-means++", seed=5)
    comparison = a_comparison(data, dict(seed=5), own, dict(name="mixture", seed=5), shared=[True, False, True])
    alone = make_run(data, settings_of(**own), RecentCache(), lambda _: None)
    np.testing.assert_array_equal(comparison.runs[1].centers[0], alone.centers[0])
    np.testing.assert_array_equal(comparison.runs[1].history.losses, alone.history.losses)
    np.testing.assert_array_equal(comparison.runs[0].centers[0], comparison.runs[2].centers[0])
    assert not np.array_equal(comparison.runs[0].centers[0], comparison.runs[1].centers[0])


def test_all_panels_may_have_their_own_initialization():
    data = sample()
    comparison = a_comparison(data, dict(start="maxmin"), dict(name="kmedoids", start="build"), shared=[False, False])
    built = KMedoids(3, init="build")
    np.testing.assert_array_equal(
        comparison.runs[1].history.parameters[0], built.start(built.prepare(proximity_matrix(data.points)), None)
    )
    assert not isinstance(comparison.runs[0].settings.start, RowsStart)


def in_common(labels, reference, ranks):
    return np.count_nonzero(np.append(ranks, -2)[labels] == reference)


def check_colors(comparison, reference, known=None):
    """No other colors would match more points of the reference, for any clustering of the comparison."""
    number = reference.max() + 1
    labelings = [(run.history.last.labels, run.ranks) for _, run in comparison.named_runs]
    for labels, ranks in labelings:
        assert len(set(ranks.tolist())) == len(ranks)
        assert set(ranks.tolist()) <= set(range(number))
        best = max(in_common(labels, reference, names) for names in permutations(range(number), len(ranks)))
        assert in_common(labels, reference, ranks) == best
    if known is not None:
        groups = np.unique(known[known >= 0])
        numbered = np.where(known >= 0, np.searchsorted(groups, known), -1)
        best = max(in_common(numbered, reference, names) for names in permutations(range(number), len(groups)))
        assert np.count_nonzero(comparison.true_labels.labels[known >= 0] == reference[known >= 0]) == best
        np.testing.assert_array_equal(comparison.true_labels.labels == -1, known < 0)
        for group in groups:
            assert len(np.unique(comparison.true_labels.labels[known == group])) == 1
        assert len(np.unique(comparison.true_labels.labels[known >= 0])) == len(groups)


@pytest.mark.parametrize(
    ("name", "k"),
    [("three", 2), ("three", 5), ("stretched", 3), ("uniform", 2), ("overlap", 2), ("overlap", 5), ("moons", 3)]
    + [("rings", 2), ("rings", 5), ("sizes", 3)],
)
def test_colors_are_matched_on_as_many_points_as_possible(name, k):
    data = sample(name)
    comparison = a_comparison(data, *(panel | dict(k=k) for panel in ALL_THREE))
    if data.groups <= k:  # the others are matched to the first panel, whose colors are ordered by position
        first = comparison.runs[0]
        alone = make_run(data, settings_of(k=k), RecentCache(), lambda _: None)
        np.testing.assert_array_equal(first.ranks, alone.ranks)
        check_colors(comparison, first.ranks[first.history.last.labels], data.labels)
    else:
        check_colors(comparison, comparison.true_labels.labels, data.labels)


def test_panels_with_different_k_are_matched_to_the_largest():
    data = sample()
    comparison = a_comparison(data, dict(k=2), dict(k=5), dict(name="kmedoids", k=4), dict(name="mixture", k=5))
    reference = comparison.runs[1]
    check_colors(comparison, reference.ranks[reference.history.last.labels], data.labels)
    assert [clustering.name for clustering in comparison.clusterings] == [
        "1. K-means, K = 2",
        "2. K-means, K = 5",
        "3. K-medoids, K = 4",
        "4. Mixture (full), K = 5",
        "True labels",
    ]


@pytest.mark.parametrize("k", [2, 3, 4])
def test_points_without_a_true_group_do_not_count_in_matching(k):
    data = sample("outliers", share=0.2)
    assert -1 in data.labels
    comparison = a_comparison(data, *(panel | dict(k=k) for panel in ALL_THREE))
    reference = comparison.true_labels.labels if k < 3 else comparison.runs[0].ranks[comparison.runs[0].history.last.labels]
    check_colors(comparison, reference, data.labels)


@pytest.mark.parametrize("names", [(4, 9, 2), (-7, 0, 100)])
def test_true_groups_may_have_any_integer_labels(names):
    drawn = sample("round", 150)
    known = np.array(names)[drawn.labels]
    data = Data("odd", "Odd", ("a", "b"), drawn.points, known, "group")
    comparison = a_comparison(data, dict(), dict(name="mixture"))
    first = comparison.runs[0]
    check_colors(comparison, first.ranks[first.history.last.labels], known)


def test_without_true_groups_only_the_runs_are_compared():
    data = Data("few", "Few", ("a", "b"), sample(n=100).points)
    comparison = a_comparison(data, *ALL_THREE)
    assert comparison.true_labels is None
    assert len(comparison.clusterings) == 3
    assert comparison.adjusted_rand.shape == (3, 3)
    assert all(row.adjusted_rand is None and row.v_measure is None for row in scores(comparison))


def test_the_key_of_a_comparison_depends_on_its_colors():
    data = sample()
    two, three = a_comparison(data, dict(k=3)), a_comparison(data, dict(k=3), dict(k=5))
    assert two.key == a_comparison(data, dict(k=3)).key
    recolored = three.runs[0]
    assert not np.array_equal(recolored.ranks, two.runs[0].ranks)
    assert three.key[0] != two.key[0]


def test_matching_colors_does_not_change_the_cached_run():
    data, cache = sample(), RecentCache()
    settings = settings_of(start="maxmin")
    alone = make_run(data, settings, cache, lambda _: None)
    before = alone.ranks.copy()
    comparison = make_comparison(
        data, [settings, settings_of(k=6)], cache, lambda *_: None, shared=[False, False], k=3, initialization="random"
    )
    assert comparison.runs[0].history is alone.history
    assert make_run(data, settings, cache, lambda _: None) is alone
    np.testing.assert_array_equal(alone.ranks, before)


@pytest.fixture
def _at_most_a_hundred_pairwise(monkeypatch):
    """Limits distance matrices to 100 points."""
    monkeypatch.setattr(comparison_module, "MAX_POINTS_FOR_PROXIMITIES", 100)


@pytest.mark.usefixtures("_at_most_a_hundred_pairwise")
def test_a_pairwise_method_puts_all_runs_on_the_same_sample_of_many_points():
    data = sample()
    comparison = a_comparison(data, *ALL_THREE)
    assert comparison.data.points.shape == (100, 2)
    assert "all runs use the same sample of 100 of the 120 points" in comparison.note
    for run in comparison.runs:
        assert run.data is comparison.data
        assert run.history.last.labels.shape == (100,)
    assert {tuple(point) for point in comparison.data.points.tolist()} <= {tuple(point) for point in data.points.tolist()}
    np.testing.assert_array_equal(comparison.runs[0].centers[0], comparison.runs[1].centers[0])
    assert [len(clustering.labels) for clustering in comparison.clusterings] == [100] * 4


@pytest.mark.usefixtures("_at_most_a_hundred_pairwise")
def test_without_a_pairwise_method_all_points_are_used():
    data = sample()
    comparison = a_comparison(data, dict(), dict(name="mixture"))
    assert comparison.data is data
    assert comparison.note == ""
    assert [len(run.history.last.labels) for run in comparison.runs] == [120] * 2


def test_given_distances_are_compared_from_the_same_initial_medoids():
    data = given_data()
    updates = ("alternating", "swap", "steepest swap")
    panels = [dict(name="kmedoids", metric=PRECOMPUTED, update=update, seed=3) for update in updates]
    comparison = a_comparison(data, *panels, start="k-means++")
    starts = [run.history.parameters[0].tolist() for run in comparison.runs]
    alone = make_run(data, settings_of(**panels[0], start="k-means++"), RecentCache(), lambda _: None)
    assert starts == [alone.history.parameters[0].tolist()] * 3
    np.testing.assert_array_equal(comparison.runs[0].history.losses, alone.history.losses)
    for row, run in zip(scores(comparison), comparison.runs, strict=True):
        labels = run.history.last.labels
        peer = sklearn.metrics.silhouette_score(data.precomputed, labels, metric="precomputed")
        assert row.silhouette == pytest.approx(peer, abs=1e-12)
        assert row.loss == pytest.approx(data.precomputed[:, run.history.parameters[-1]].min(axis=1).sum())


def test_methods_that_need_points_give_an_error_on_distances_and_k_medoids_runs():
    comparison = a_comparison(given_data(), dict(), dict(name="kmedoids", metric=PRECOMPUTED), dict(name="mixture"))
    assert comparison.runs[0].startswith("K-means needs points")
    assert comparison.runs[0].endswith(".")
    assert comparison.runs[2].startswith("Gaussian mixture needs points")
    assert [name for name, _ in comparison.named_runs] == ["2. K-medoids"]


def with_a_row_of_zeros():
    points = sample(n=100).points.copy()
    points[30] = 0
    return Data("zero", "Zero", ("a", "b"), points, sample(n=100).labels, "group")


def test_a_failed_run_has_an_error_message_and_the_others_are_unchanged():
    data = with_a_row_of_zeros()
    comparison = a_comparison(data, dict(), dict(name="kmedoids", metric="cosine"), dict(name="mixture"))
    assert comparison.runs[1] == "Cosine is not defined for row 31, which is all zeros: remove it or choose another metric."
    assert [name for name, _ in comparison.named_runs] == ["1. K-means", "3. Mixture (full)"]
    others = a_comparison(data, dict(), dict(name="mixture"))
    for mine, other in zip((comparison.runs[0], comparison.runs[2]), others.runs, strict=True):
        np.testing.assert_array_equal(mine.history.losses, other.history.losses)
        np.testing.assert_array_equal(mine.ranks, other.ranks)
    assert len(comparison.clusterings) == 3
    assert [row.name for row in scores(comparison)] == ["1. K-means", "3. Mixture (full)"]


def test_if_all_runs_fail_each_has_an_error_message():
    comparison = a_comparison(with_a_row_of_zeros(), *[dict(name="kmedoids", metric="cosine")] * 2)
    assert all("all zeros" in sentence for sentence in comparison.runs)
    assert comparison.named_runs == []
    assert [clustering.name for clustering in comparison.clusterings] == ["True labels"]
    assert scores(comparison) == []


def test_on_step_is_called_for_each_state_of_each_panel_and_may_raise():
    class Stop(Exception):
        pass

    seen = []
    comparison = a_comparison(sample(), *ALL_THREE, on_step=lambda i, state: seen.append((i, state.iteration)))
    assert seen == [(i, t) for i, run in enumerate(comparison.runs) for t in range(run.history.iterations + 1)]

    def stop(i, state):
        if (i, state.iteration) == (1, 1):
            raise Stop

    with pytest.raises(Stop):
        a_comparison(sample(), *ALL_THREE, on_step=stop)


@pytest.mark.parametrize("name", ["three", "stretched", "outliers", "rings"])
def test_scores_equal_those_of_scikit_learn(name):
    data = sample(name)
    comparison = a_comparison(data, *ALL_THREE)
    for row, (panel, run) in zip(scores(comparison), comparison.named_runs, strict=True):
        labels = run.history.last.labels
        assert row.name == panel
        assert (row.duration, row.loss) == (str(run.history.iterations), run.history.last.loss)
        known = data.labels >= 0  # outliers have no true label
        pair = data.labels[known], labels[known]
        assert row.adjusted_rand == pytest.approx(sklearn.metrics.adjusted_rand_score(*pair), abs=1e-12)
        peer = sklearn.metrics.normalized_mutual_info_score(*pair)
        assert row.v_measure == pytest.approx(peer, abs=1e-12)
        assert row.silhouette == pytest.approx(sklearn.metrics.silhouette_score(data.points, labels), abs=1e-9)


@pytest.mark.parametrize(("covariance", "parameters"), [("full", 17), ("tied", 11), ("diagonal", 14), ("spherical", 11)])
def test_bic_of_mixtures_equals_its_definition(covariance, parameters):
    # 2 weights and 6 coordinates of means; 3 x 3, 3, 3 x 2 and 3 numbers of covariances
    data = sample()
    comparison = a_comparison(data, dict(), dict(name="mixture", covariance=covariance))
    found = comparison.runs[1].history.parameters[-1]
    parts = [
        np.log(w) + multivariate_normal(m, c).logpdf(data.points)
        for w, m, c in zip(found.weights, found.means, found.covariances, strict=True)
    ]
    means, mixture = scores(comparison)
    run = comparison.runs[1]
    bic = run.view.criteria(run.history.process, run.history.last, run.data)["bic"]
    assert bic == pytest.approx(parameters * np.log(len(data.points)) - 2 * logsumexp(parts, axis=0).sum(), rel=1e-9)
    assert mixture.compared == {"BIC": format_number(bic)}
    assert means.compared == {}


def test_a_single_cluster_has_no_silhouette():
    comparison = a_comparison(sample(n=50), dict(k=1), dict(k=2))
    alone, two = scores(comparison)
    assert alone.silhouette is None
    assert two.silhouette > 0
    assert comparison.runs[0].silhouette is None


def test_the_adjusted_rand_matrix_is_symmetric_has_a_unit_diagonal_and_equals_that_of_scikit_learn():
    comparison = a_comparison(sample("overlap"), *ALL_THREE, dict(k=5))
    labels = [clustering.labels for clustering in comparison.clusterings]
    assert comparison.adjusted_rand.shape == (5, 5)
    np.testing.assert_array_equal(comparison.adjusted_rand, comparison.adjusted_rand.T)
    np.testing.assert_array_equal(np.diag(comparison.adjusted_rand), np.ones(5))
    peer = [[sklearn.metrics.adjusted_rand_score(a, b) for b in labels] for a in labels]
    np.testing.assert_allclose(comparison.adjusted_rand, peer, atol=1e-12)
    assert comparison.adjusted_rand.min() < 0.95


def small_agreement() -> Agreement:
    a = Clustering("A", np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, -1]))
    b = Clustering("B", np.array([0, 0, 1, 1, 1, 1, 0, 2, 1, 2]))
    return Agreement.between(a, b)


def test_cells_list_disagreements_first_then_large_cells():
    pair = small_agreement()
    sizes = [len(pair.rows(cell)) for cell in pair.cells]
    changes = [a != b for a, b in pair.cells]
    assert changes == [True] * 3 + [False] * 3
    assert sizes == [2, 1, 1, 2, 2, 1]
    assert pair.cells[0] == (0, 1)
    assert set(pair.cells[1:3]) == {(1, 0), (2, 1)}
    assert set(pair.cells[3:5]) == {(0, 0), (1, 1)}
    assert pair.cells[5] == (2, 2)
    assert sizes == [pair.count(cell) for cell in pair.cells]
    assert pair.count(None) == len(pair.rows(None)) == 4


def test_cells_partition_the_points_and_none_selects_all_disagreements():
    pair = small_agreement()
    assert sorted(row for cell in pair.cells for row in pair.rows(cell)) == list(range(9))
    assert pair.rows(None).tolist() == [2, 3, 6, 8]
    assert pair.rows((0, 1)).tolist() == [2, 3]
    assert pair.rows((1, 2)).tolist() == []


def test_the_sentence_counts_the_disagreements():
    a = Clustering("A", np.array([0, 0, 1, 1]))
    assert Agreement.between(a, Clustering("B", a.labels)).sentence == "A and B agree on all 4 points."
    assert Agreement.between(a, Clustering("B", np.array([0, 1, 1, 1]))).sentence == (
        "A and B disagree on 1 of 4 points (25.0%)."
    )
    assert small_agreement().sentence == "A and B disagree on 4 of 9 points (44.4%). 1 point without a label is excluded."


def test_the_squares_of_the_contingency_table_are_its_cells_with_their_counts():
    pair = small_agreement()
    square = comparison_figures.contingency(pair).data[0]
    cells = [tuple(cell) for cell in square.customdata]
    assert sorted(cells) == sorted(pair.cells)
    for cell, text, x, y, width in zip(cells, square.text, square.x, square.y, square.marker.line.width, strict=True):
        assert text == str(len(pair.rows(cell)))
        assert (pair.groups_a[y], pair.groups_b[x]) == cell
        assert (width > 0) == (cell[0] != cell[1])
    counts = np.array([len(pair.rows(cell)) for cell in cells])
    sizes = np.array(square.marker.size, dtype=float)
    np.testing.assert_allclose(sizes**2 / sizes.max() ** 2, counts / counts.max())


@pytest.mark.parametrize("n", [200, 2_500])
def test_highlighted_points_are_drawn_in_the_colors_of_both_clusterings(n):
    comparison = a_comparison(sample("overlap", n), dict(), dict(name="mixture"))
    a, b, _ = comparison.clusterings
    pair = Agreement.between(a, b)
    rows = pair.rows(None)
    assert 0 < len(rows) < n
    plane = column_plane(comparison.data.columns, 0, 1)
    backdrops = [comparison_figures.backdrop(comparison.data, plane, one) for one in (a, b)] if n > 2_000 else []
    drawn = comparison_figures.side_by_side(comparison.data, plane, pair, rows, backdrops)
    left, right = (trace for trace in drawn.data if trace.customdata is not None)
    for trace, clustering in ((left, a), (right, b)):
        np.testing.assert_array_equal(np.column_stack([trace.x, trace.y]), comparison.data.points[rows])
        assert list(trace.marker.color) == [palette.color_of(g) for g in clustering.labels[rows]]
    assert drawn.layout.xaxis2.matches == "x"
    assert list(drawn.layout.xaxis.range) == list(drawn.layout.xaxis2.range)
    assert len(drawn.layout.images) == (2 if n > 2_000 else 0)


def test_names_with_markup_are_escaped_in_figures():
    names = ("<b>bold</b>", "%{x}")
    data = Data("odd", "Odd", names, sample(n=40).points, names=np.array(["<i>%{y}</i>"] * 40))
    pair = Agreement.between(Clustering("<u>A</u>", np.zeros(40, dtype=int)), Clustering("B", np.arange(40) % 2))
    figures = (
        comparison_figures.side_by_side(data, column_plane(names, 0, 1), pair, pair.rows(None)),
        comparison_figures.contingency(pair),
    )
    for figure in figures:
        texts = list(strings(figure.to_dict()))
        assert not [text for text in texts if re.search("<[biu]>", text)]
        assert any("&lt;u&gt;A&lt;/u&gt;" in text for text in texts)
    assert any("&lt;b&gt;bold&lt;/b&gt;" in text for text in strings(figures[0].to_dict()))


def strings(part):
    """All strings in a nested structure."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        yield from (text for value in part.values() for text in strings(value))
    elif isinstance(part, (list, tuple)):
        yield from (text for value in part for text in strings(value))


LATE = dict(name="mixture", k=5, covariance="tied")
"""ends at an iteration that would not be shown for the longest run alone"""
COMPARISONS = {
    "three": (dict(name="three"), ALL_THREE),
    "long": (dict(name="uniform", n=100), (dict(), dict(name="mixture", k=6), LATE, dict(name="kmedoids"))),
    "many clusters": (dict(name="uniform", n=100), (dict(k=13), dict(name="mixture", k=2))),
    "different lengths": (dict(name="overlap"), (dict(k=2), dict(k=1), dict(name="kmedoids"))),
}
MAX_FRAMES, FIRST = 61, 10
"""as in `pages.runs.frames`, but smaller"""


@pytest.fixture(scope="module", autouse=True)
def _fewer_frames():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames_module, "MAX_FRAMES", MAX_FRAMES)
        patch.setattr(frames_module, "FIRST", FIRST)
        yield


@cache
def runs_of(name):
    data, panels = COMPARISONS[name]
    return [run for _, run in a_comparison(sample(**data), *panels).named_runs]


@pytest.fixture(scope="module", params=COMPARISONS)
def compared(request):
    return runs_of(request.param)


def state_of(run, frame):
    """Iteration of the state that a frame shows."""
    return run.history.states[frame.state].iteration


def moment(run, frame):
    """Phase, iteration of the parameters, and iteration of the assignment of a frame."""
    states = run.history.states
    assert states[frame.parameters].parameters is states[frame.state].parameters
    assigned = None if frame.assigned is None else states[frame.assigned].iteration
    return frame.phase, states[frame.state].iteration, assigned


def test_frame_i_is_the_same_half_step_of_the_same_iteration_in_all_runs(compared):
    frames_of_runs, _ = aligned_frames(compared)
    moments = [[moment(run, frame) for frame in frames] for run, frames in zip(compared, frames_of_runs, strict=True)]
    longest = max(moments, key=len)
    for run, frames, mine in zip(compared, frames_of_runs, moments, strict=True):
        assert mine == longest[: len(frames)]
        assert mine[-1] == ("E", run.history.iterations, run.history.iterations)
        for frame, (phase, _, t) in zip(frames[1:], mine[1:], strict=True):
            assert frame.loss == (run.history.half_losses[t] if phase == "M" else run.history.losses[t])


def test_aligned_frames_are_all_half_steps_or_a_note_counts_the_omitted_ones(compared):
    frames_of_runs, omitted_note = aligned_frames(compared)
    longest = max(run.history.iterations for run in compared)
    if not omitted_note:
        assert [len(frames) for frames in frames_of_runs] == [2 * run.history.iterations + 2 for run in compared]
        return
    most = MAX_FRAMES if max(run.settings.k for run in compared) <= 12 else MAX_FRAMES // 2
    assert 2 * longest + 2 > most
    assert max(map(len, frames_of_runs)) <= most + 2 * len(compared)
    moments = [[moment(run, frame) for frame in frames] for run, frames in zip(compared, frames_of_runs, strict=True)]
    states = {t for mine in moments for phase, _, t in mine if phase == "E"}
    assert omitted_note.startswith(f"Showing the start and {len(states) - 1} of {longest} iterations")
    assert set(range(FIRST)) <= states
    for run, mine in zip(compared, moments, strict=True):
        assert [t for phase, _, t in mine if phase == "E"] == sorted(t for t in states if t <= run.history.iterations)


def test_the_comparisons_in_these_tests_have_long_and_short_runs():
    lengths = {}
    for name in COMPARISONS:
        frames_of_runs, omitted_note = aligned_frames(runs_of(name))
        lengths[name] = [len(own) for own in frames_of_runs], omitted_note
    late, longest = runs_of("long")[2], max(runs_of("long"), key=lambda run: run.history.iterations)
    assert late.history.iterations not in {state_of(longest, frame) for frame in frames_of(longest)[0]}
    assert lengths["long"][1] != ""
    assert lengths["many clusters"][1] != ""
    assert lengths["different lengths"][1] == ""
    assert all(len(set(frames)) > 1 for frames, _ in lengths.values())


def test_frames_of_a_single_run_equal_its_aligned_frames(default):
    run = default.runs[0]
    assert aligned_frames([run])[0][0] == frames_of(run)[0] == aligned_frames(list(default.runs))[0][0]


def test_each_marker_follows_the_loss_of_its_run_on_the_same_axis_of_iterations(compared):
    frames_of_runs, _ = aligned_frames(compared)
    ranges = set()
    for run, frames in zip(compared, frames_of_runs, strict=True):
        figure = curves.curve_of(run, frames, "name", compared)
        ranges.add(tuple(figure.layout.xaxis.range))
        assert [frame.name for frame in figure.frames] == [str(i) for i in range(len(frames))]
        whole = figure.data[0]
        np.testing.assert_array_equal(whole.y[::2], run.history.losses)
        np.testing.assert_array_equal(whole.y[1::2], run.history.half_losses)
        for frame, drawn in zip(frames, figure.frames, strict=True):
            line, marker = drawn.data
            if frame.loss is None:
                assert (marker.x, line.x) == ((None,), (None,))
                continue
            _, _, t = moment(run, frame)
            here = t + 0.5 * (frame.phase == "M")
            assert frame.position == here
            assert (tuple(marker.x), tuple(marker.y)) == ((here,), (frame.loss,))
            assert max(line.x) <= here
            assert marker.y[0] == pytest.approx(np.interp(here, whole.x, whole.y))
    assert len(ranges) == 1
    assert ranges.pop()[1] > max(run.history.iterations for run in compared)


def test_every_frame_of_every_panel_shows_the_centers_of_its_run(compared):
    plane = column_plane(compared[0].data.columns, 0, 1)
    frames_of_runs, _ = aligned_frames(compared)
    extent = pictures.extent_of(compared, plane)
    for run, frames in zip(compared, frames_of_runs, strict=True):
        picture = pictures.picture(run, frames, plane, "name", height=300, markers=10, extent=extent)
        assert (*picture.layout.xaxis.range, *picture.layout.yaxis.range) == extent
        assert picture.layout.height == 300
        assert len(picture.layout.images) == 1  # an image, because there are more than ten points
        for frame, drawn in zip(frames, picture.frames, strict=True):
            centers = np.column_stack([drawn.data[-1].x, drawn.data[-1].y])
            np.testing.assert_allclose(centers, run.centers[frame.parameters], atol=1e-3)


def test_the_shared_axis_ranges_include_the_centers_of_all_runs_in_all_states():
    data = sample("outliers", share=0.2)
    plane = column_plane(data.columns, 0, 1)
    runs = list(a_comparison(data, *ALL_THREE).runs)
    left, right, bottom, top = pictures.extent_of(runs, plane)
    everything = np.vstack([data.points, *(centers for run in runs for centers in run.centers)])
    assert (everything > (left, bottom)).all()
    assert (everything < (right, top)).all()
    assert pictures.extent_of(runs, plane) == pictures.extent_of(runs[::-1], plane)
    mixture = pictures.extent_of(runs[2:], plane)
    reach = 2 * np.sqrt(runs[2].history.parameters[-1].covariances[:, 0, 0])
    assert mixture[1] >= (runs[2].centers[-1][:, 0] + reach).max()


def test_all_panels_use_the_same_projection():
    data = sample("round", 150, d=4)
    plane = principal_plane(data.points)
    runs = list(a_comparison(data, *ALL_THREE).runs)
    frames_of_runs, _ = aligned_frames(runs)
    extent = pictures.extent_of(runs, plane)
    for run, frames in zip(runs, frames_of_runs, strict=True):
        drawn = pictures.picture(run, frames, plane, "name", extent=extent).frames[-1].data[-1]
        np.testing.assert_allclose(np.column_stack([drawn.x, drawn.y]), plane.project(run.centers[-1]), atol=1e-3)


def test_plots_use_the_matched_colors(default):
    plane = column_plane(default.data.columns, 0, 1)
    for _, run in default.named_runs:
        frames, _ = frames_of(run)
        drawn = pictures.picture(run, frames, plane, "name").data[0].marker
        np.testing.assert_array_equal(drawn.symbol, palette.SYMBOL_NUMBERS[run.ranks[run.history.last.labels]])


class Cells(html.parser.HTMLParser):
    """Tags, texts and attributes of an HTML table."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.attributes = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.texts.append(data)


HOSTILE = "<img src=x onerror=alert(1)> & \"double\" 'single'"


@pytest.mark.parametrize("row_headers", [False, True])
def test_tables_escape_everything_except_raw_html(row_headers):
    written = table([HOSTILE, "", "n"], [[HOSTILE, 3, None], [Raw("<em>ready</em>"), HOSTILE, 0]], HOSTILE, row_headers)
    cells = Cells(written)
    assert "img" not in cells.tags
    assert cells.texts.count(HOSTILE) == 3
    assert ("aria-label", HOSTILE) in cells.attributes
    assert cells.tags.count("em") == 1
    assert "ready" in cells.texts
    assert [text for text in cells.texts if text in ("3", "–", "0", "n")] == ["n", "3", "–", "0"]
    assert cells.tags.count("tr") == 3
    assert cells.attributes.count(("scope", "row")) == (2 if row_headers else 0)


def test_a_colored_mark_escapes_its_text():
    cells = Cells(table(["a"], [[mark("●", "#123456", HOSTILE)], [bar(0.25, "#123456")]], "label"))
    assert "img" not in cells.tags
    assert any(HOSTILE in text for text in cells.texts)
    assert any("width:25.0%" in value for name, value in cells.attributes if name == "style")


def test_points_without_a_true_group_do_not_lower_the_scores():
    data = sample("round", 100, k=3, distance=30.0, d=2)
    labels = np.where(np.arange(100) % 2, data.labels, -1)
    comparison = a_comparison(
        Data("half", "Half", data.columns, data.points, labels=labels, label_name="group"), *ALL_THREE[:1]
    )
    (row,) = scores(comparison)
    assert (row.adjusted_rand, row.v_measure) == (1.0, 1.0)
    assert comparison.named_runs[0][1].agreement == 1.0
    np.testing.assert_array_equal(comparison.adjusted_rand, np.ones((2, 2)))
    sentence = Agreement.between(*comparison.clusterings).sentence
    assert sentence == "1. K-means and the true labels agree on all 50 points. 50 points without a label are excluded."


def test_the_silhouette_is_none_if_its_sample_lies_in_one_cluster():
    points = np.random.default_rng(0).normal(size=(20_000, 2))
    points[7] = 1e4
    comparison = a_comparison(Data("far", "Far", ("a", "b"), points), dict(k=2, start="k-means++"), shared=[False])
    assert sorted(np.bincount(comparison.named_runs[0][1].history.last.labels)) == [1, 19_999]
    assert scores(comparison)[0].silhouette is None


def test_a_comparison_is_cached_and_changing_one_panel_keeps_the_other_runs(monkeypatch):
    monkeypatch.setattr(RecentCache, "MAX_VALUES", 10_000)  # less than a distance matrix, so the cache keeps one run only
    data, cache, computed = sample(), RecentCache(), []
    panels = [settings_of(name=method) for method in ("kmeans", "kmedoids", "mixture")]

    def comparison(panels):
        return make_comparison(
            data, panels, cache, lambda i, _: computed.append(i), shared=[True] * 3, k=3, initialization="random"
        )

    first = comparison(panels)
    assert set(computed) == {0, 1, 2}
    assert comparison(panels) is first
    computed.clear()
    comparison([*panels[:2], settings_of(name="mixture", covariance="tied")])
    assert set(computed) == {2}


@pytest.mark.parametrize(
    ("panels", "names"),
    [
        ([{}, {}], ["1. K-means", "2. K-means"]),
        ([{}, {"k": 5}], ["1. K-means, K = 3", "2. K-means, K = 5"]),
        (
            [{"name": "kmedoids"}, {"name": "kmedoids", "metric": "manhattan"}],
            ["1. K-medoids, Euclidean", "2. K-medoids, Manhattan"],
        ),
        (
            [{"name": "kmedoids", "update": "swap"}, {"name": "kmedoids", "update": "steepest swap"}],
            ["1. K-medoids, first swap", "2. K-medoids, best swap"],
        ),
        (
            [{"start": "maxmin"}, {}, {"name": "mixture"}],
            ["1. K-means, from farthest-first traversal", "2. K-means, from random data points", "3. Mixture (full)"],
        ),
    ],
)
def test_panels_are_named_by_the_settings_that_differ(panels, names):
    assert panel_names([settings_of(**panel) for panel in panels]) == names


@pytest.fixture
def _scan_available(monkeypatch):
    """Adds a method that finds the number of clusters."""
    monkeypatch.setitem(methods(), "scan", FAKES["scan"])


@pytest.mark.usefixtures("_scan_available")
def test_k_is_part_of_a_name_only_if_the_chosen_k_differ():
    scan, three, four = settings_of("scan", k=None), settings_of(k=3), settings_of(k=4)
    assert panel_names([scan, three]) == ["1. Density scan", "2. K-means"]
    assert panel_names([three, scan, four]) == ["1. K-means, K = 3", "2. Density scan", "3. K-means, K = 4"]


@pytest.mark.usefixtures("_scan_available")
def test_a_method_that_finds_k_can_be_compared_with_methods_that_share_a_start():
    data = sample("round", 200, k=3, distance=12.0)
    panels = [settings_of("scan", k=None, data=data, eps=0.8), settings_of(k=3), settings_of("kmedoids", k=2)]
    comparison = make_comparison(data, panels, RecentCache(), lambda *_: None, shared=[True] * 3, k=3, initialization="maxmin")
    (_, scan), (_, means), (_, medoids) = comparison.named_runs
    assert scan.settings == panels[0]
    assert scan.settings.k is None
    assert isinstance(means.settings.start, RowsStart)
    assert means.settings.start.rows[:2] == medoids.settings.start.rows
    labels = scan.history.last.labels
    assert scan.k >= 3
    assert (labels < 0).any()
    found = comparison.clusterings[0].labels
    assert ((found < 0) == (labels < 0)).all()
    assert np.mean(found[labels >= 0] == means.labels_by_rank[labels >= 0]) > 0.9


@pytest.mark.usefixtures("_scan_available")
def test_a_method_that_finds_k_keeps_its_own_start():
    scan = replace(settings_of("scan", k=None), start=NamedStart("random"))
    for others in ([settings_of(k=2)], []):
        panels, shared = [scan, *others], [True] * (1 + len(others))
        started = make_comparison(
            sample(n=60), panels, RecentCache(), lambda *_: None, shared=shared, k=3, initialization="maxmin"
        ).panels
        assert started[0] == scan
        assert [len(settings.start.rows) for settings in started[1:]] == [2] * len(others)


def test_a_start_of_one_method_only_cannot_be_shared():
    with pytest.raises(ValueError, match=r"init must be .* got 'build'"):
        shared_rows(sample(), 3, 3, "build", 1)


@pytest.mark.parametrize("start", ["random", "k-means++", "plain k-means++", "maxmin"])
def test_shared_rows_equal_the_initial_points_of_a_single_run(start):
    points, given = sample(n=100), given_data(40)
    alone = make_run(points, settings_of(k=5, start=start, seed=4), RecentCache(), lambda _: None)
    np.testing.assert_allclose(
        points.points[list(shared_rows(points, 5, 5, start, 4))], alone.history.parameters[0], atol=1e-12
    )
    alone = make_run(given, settings_of("kmedoids", k=5, start=start, seed=4, data=given), RecentCache(), lambda _: None)
    assert shared_rows(given, 5, 5, start, 4) == tuple(alone.history.parameters[0])


@pytest.mark.usefixtures("_at_most_a_hundred_pairwise")
def test_several_metrics_share_the_memory_limit_of_one_matrix():
    panels = [dict(name="kmedoids", metric=metric, k=2) for metric in ("euclidean", "manhattan")]
    comparison = a_comparison(sample(), *panels)
    assert len(comparison.data.points) == 70  # 100 / sqrt(2)
    assert "a distance matrix for 2 metrics" in comparison.note


def test_segments_join_a_comparison_with_their_names_and_the_labels_of_the_clusters_that_they_match(default):
    run = next(run for _, run in default.named_runs)
    whole = segments_of(replace(run, matched_ranks=None))
    same = default.with_segments(whole)
    assert len(same.clusterings) == len(default.clusterings) + 1
    assert np.array_equal(same.clusterings[-1].labels, run.labels_by_rank)
    assert sorted(same.clusterings[-1].group_names) == ["Cluster 1", "Cluster 2", "Cluster 3"]
    edited = whole.edited(Edit("split", (0,))).edited(Edit("rename", (0,), name="Half"))
    clustering = default.with_segments(edited).clusterings[-1]
    group = clustering.group_names.index("Half")
    assert np.array_equal(clustering.labels == group, edited.labels == 0)
    assert clustering.group_name(group).endswith(f"{group + 1}: Half")
    assert default.with_segments(None) is default


def test_segments_of_other_rows_do_not_join_a_comparison(default):
    other = segments_of(make_run(sample(n=50), settings_of(), RecentCache(), lambda state: None))
    assert default.with_segments(other) is default
