"""Sweeps over an option of a method that finds K: values, criteria, figures and unusual data."""

from pathlib import Path

import numpy as np
import pytest
import sklearn.cluster

from clustering import clusters_of_most, proximity_matrix, uniform_reference
from pages.choose_k import figures, sections, sweep, verdict
from pages.choose_k.sections import evidence_text, how_evidence_is_judged
from pages.choose_k.sweep import Axis, Range, Sweep, longest_range, ranges_of
from pages.choose_k.verdict import Criterion, OptionVerdict, matched_colors
from pages.datasets.data import Data
from pages.figures import palette
from pages.methods import method, methods, settings
from pages.runs.cache import RecentCache
from pages.runs.run import make_run
from tests.pages.choose_k.test_sweep import few, sample
from tests.pages.methods.test_k_prototypes import mixed_table

TUNED = [name for name, view in methods().items() if view.tuned is not None]
MATRICES = [name for name in TUNED if "proximities" in method(name).traits.data]
FINDING_K = [name for name, view in methods().items() if view.traits.k == "found"]


def silent(*_):
    pass


def sweep_of(data, name, **options):
    return Sweep.of(data, settings(name, None, data=data, **options))


def swept(data, name, kinds=("data", "stability", "reference sweep"), **options):
    """A sweep with the results of the tasks of these kinds."""
    found = sweep_of(data, name, **options)
    for task in found.tasks:
        if task[0] in kinds:
            found.finish(task, found.run_task(task, silent))
    return found


@pytest.fixture(scope="module")
def three():
    """By method, the sweep over three groups, without reference data."""
    return {name: OptionVerdict(swept(sample("round", 150, distance=12.0), name, ("data", "stability"))) for name in TUNED}


def test_every_method_that_finds_k_has_an_option_to_compare():
    assert TUNED == FINDING_K


def test_the_page_names_no_method_that_finds_k():
    source = "".join(file.read_text(encoding="utf-8") for file in Path(sweep.__file__).parent.glob("*.py")).lower()
    named = [text for name in TUNED for text in (name, method(name).title.lower()) if text in source]
    assert named == []


@pytest.mark.parametrize("name", TUNED)
@pytest.mark.parametrize("data", [sample(n=150), few(40), sample("uniform", n=60)], ids=["three", "few", "uniform"])
def test_the_values_follow_the_data(name, data):
    values = sweep_of(data, name).axis.values
    assert 8 <= len(values) <= 20
    assert all(low < high for low, high in zip(values, values[1:], strict=False))
    assert values[0] > 0
    scaled = Data("scaled", "Scaled", ("a", "b"), data.points * 1000)
    unit = np.divide(sweep_of(scaled, name).axis.values, values)
    assert np.allclose(unit, 1000, rtol=0.02) or (unit == 1).all()  # a length, or a number of points


@pytest.mark.one_in(2)
@pytest.mark.parametrize("name", TUNED)
def test_few_large_clusters_remain_at_the_end_of_the_axis(name, three):
    first, last = (three[name].best_runs[at].labels for at in (0, -1))
    assert clusters_of_most(last) == 0 or last.max() <= first.max()


@pytest.mark.parametrize("name", TUNED)
def test_the_option_is_all_that_differs_between_the_runs(name, three):
    found = three[name].sweep
    view = found.view
    for best in found.results["data", found.axis.values[4]], found.results["data", found.axis.values[-4]]:
        chosen = settings(name, None, data=found.data, **{view.tuned.name: best.value})
        run = make_run(found.data, chosen, RecentCache(), silent)
        np.testing.assert_array_equal(best.labels, run.history.last.labels)
        assert best.k == run.k
        for other in view.tuned.unused:  # it has no effect, so the page does not show it
            [option] = [option for option in view.options if option.name == other]
            changed = chosen.with_options(**{other: option.low})
            assert changed != chosen
            unaffected = make_run(found.data, changed, RecentCache(), silent)
            np.testing.assert_array_equal(best.labels, unaffected.history.last.labels)


def test_numbers_of_clusters_and_noise_equal_those_of_scikit_learn():
    peers = {
        "dbscan": lambda option, value: sklearn.cluster.DBSCAN(eps=value, min_samples=option("min_points")),
        "hdbscan": lambda option, value: sklearn.cluster.HDBSCAN(
            min_cluster_size=value, min_samples=option("min_points"), copy=True
        ),
        "optics": lambda option, value: sklearn.cluster.OPTICS(
            min_samples=option("min_points"), cluster_method="dbscan", eps=value
        ),
        "meanshift": lambda option, value: sklearn.cluster.MeanShift(bandwidth=value),
    }
    for name, peer in peers.items():
        found = OptionVerdict(swept(sample(n=150), name, ("data",)))
        option, points = found.sweep.settings.option, found.sweep.data.points
        expected = [peer(option, best.value).fit(points).labels_ for best in found.best_runs[::2]]
        assert [best.k for best in found.best_runs[::2]] == [labels.max() + 1 for labels in expected], name
        if "noise" in found.further_curves:
            shares = [np.mean(labels < 0) for labels in expected]
            np.testing.assert_array_equal(found.further_curves["noise"].values[::2], shares, name)
            assert max(shares) > 0.05


@pytest.mark.parametrize("name", TUNED)
def test_silhouettes_leave_out_noise(name, three):
    found = three[name]
    values = found.criteria["silhouette"].values
    for best, value in zip(found.best_runs, values, strict=True):
        inside = best.labels >= 0
        if best.k < 2:
            assert np.isnan(value)
        else:
            expected = sklearn.metrics.silhouette_score(found.sweep.data.points[inside], best.labels[inside])
            assert value == pytest.approx(expected, rel=1e-9)


@pytest.mark.one_in(2)
@pytest.mark.parametrize("name", TUNED)
def test_three_groups_are_suggested_and_uniform_noise_is_no_evidence(name, three, few_resamples):
    found = swept(three[name].sweep.data, name, ("reference sweep",))
    found.results |= three[name].sweep.results
    judged = OptionVerdict(found)
    first = next(iter(judged.votes))
    assert first.clusters == 3
    assert judged.headline.startswith(f"Suggested {found.axis.name}: {first.first:g} to {first.last:g} with 3 clusters (")
    assert {"Longest range", "Silhouette"} <= set(judged.votes[first])
    assert "highest on reference data" in judged.criteria["range"].evidence
    assert "Gray bands" in how_evidence_is_judged(judged)
    noise = OptionVerdict(swept(sample("uniform", n=100), name))
    assert noise.headline.startswith(("No evidence for more", "Most criteria find no evidence for more"))
    for key, criterion in noise.criteria.items():
        if not criterion.supported and criterion.choice:
            assert f"= {criterion.choice:g}: not clearly better than" in evidence_text(key, criterion, found.axis)


@pytest.mark.parametrize("name", TUNED)
def test_scores_of_reference_data_are_those_of_a_sweep_over_them(name, few_resamples):
    found = sweep_of(sample(n=80), name)
    scores = found.run_task(("reference sweep", 0), silent)
    reference = Data("reference", "Reference", ("a", "b"), uniform_reference(found.data.points, np.random.default_rng([1, 0])))
    own = Sweep.of(reference, found.settings)
    own.results = {task: own.run_task(task, silent) for task in own.tasks if task[0] == "data"}
    judged = OptionVerdict(own)
    assert judged.several.any(), "the comparison says nothing"
    assert scores.range_share == pytest.approx(judged.longest.share_of(own.axis.values))
    for key in ("silhouette", "validity"):
        if key in judged.criteria:
            criterion = judged.criteria[key]
            assert getattr(scores, key) == pytest.approx(criterion.values[criterion.counted].max())
    assert 0 <= scores.stability <= 1
    assert found.run_task(("reference sweep", sweep.RESAMPLED_SETS), silent).stability is None


def test_ranges_are_values_with_the_same_number_of_clusters():
    ranges = ranges_of((1, 2, 4, 8, 16, 32), [0, 3, 3, 3, 2, 2])
    assert ranges == [Range(1, 1, 0), Range(2, 8, 3), Range(16, 32, 2)]
    assert longest_range(ranges) == Range(2, 8, 3)
    assert longest_range([Range(1, 100, 0)]) is None
    assert longest_range(ranges).share_of((1, 2, 4, 8, 16, 32)) == pytest.approx(2 / 5)


class Result:
    """A run of a sweep with these labels."""

    silhouette, validity, loss, seed = None, np.nan, None, 1

    def __init__(self, value, labels, width=np.nan):
        self.value, self.labels, self.k = value, np.array(labels), max(labels) + 1
        self.centers = np.empty((0, 2))
        if not np.isnan(width):
            self.silhouette = type("Silhouette", (), {"mean": width})


def verdict_of_labels(results):
    data = few(20)
    name = TUNED[0]
    axis = Axis("eps", "Radius eps", tuple(result.value for result in results), method(name).tuned.name)
    found = Sweep(data, settings(name, None, data=data), axis, 1, "")
    found.results = {("data", result.value): result for result in results}
    return OptionVerdict(found)


HALVES, MOST_NOISE, ONE = [0] * 10 + [1] * 10, [0] * 5 + [1] * 5 + [-1] * 10, [0] * 20


def test_values_with_most_points_in_noise_are_not_suggested():
    judged = verdict_of_labels([Result(1, MOST_NOISE, 0.9), Result(2, HALVES, 0.5), Result(4, ONE)])
    criterion = judged.criteria["silhouette"]
    assert (criterion.choice, criterion.evidence) == (2, "0.50")
    assert criterion.counted.tolist() == [False, True, False]
    assert judged.longest == Range(2, 2, 2)
    colors = figures.curve(criterion, judged.sweep.axis).data[0].marker.color
    assert colors[0] == colors[2] != colors[1]
    none = verdict_of_labels([Result(1, MOST_NOISE, 0.9), Result(2, MOST_NOISE, 0.8), Result(4, ONE)])
    assert none.headline == f"No evidence for more than one cluster with {none.sweep.view.title}; suggested eps: none (" + (
        "Longest range, Silhouette)"
    )
    assert none.criteria["range"].evidence == verdict.NO_CLUSTERS
    assert evidence_text("range", none.criteria["range"], none.sweep.axis) == verdict.NO_CLUSTERS


def test_the_middle_of_the_longest_range_is_suggested():
    labels = [MOST_NOISE, HALVES, HALVES, HALVES, HALVES, ONE]
    judged = verdict_of_labels([Result(2**i, each, 0.5) for i, each in enumerate(labels)])
    criterion = judged.criteria["range"]
    assert criterion.choice in (4, 8)
    assert criterion.supported
    assert criterion.evidence == "2 clusters in 60% of the axis"
    assert judged.headline == "Suggested eps: 2 to 16 with 2 clusters (Longest range, Silhouette)"
    assert judged.first_shown == criterion.choice
    short = verdict_of_labels([Result(2**i, HALVES if i in (3, 4) else ONE) for i in range(7)])
    assert short.criteria["range"].evidence == "2 clusters in 17% of the axis, below 25%"
    assert not short.criteria["range"].supported
    assert short.first_shown == short.criteria["range"].choice  # the best there is


def test_criteria_agree_only_within_the_same_range():
    labels = [HALVES, HALVES, MOST_NOISE, HALVES, HALVES, HALVES, HALVES]
    widths = [0.9, 0.1, 0.1, 0.2, 0.2, 0.2, 0.2]
    results = [Result(2**i, each, width) for i, (each, width) in enumerate(zip(labels, widths, strict=True))]
    judged = verdict_of_labels(results)
    assert judged.headline.startswith("The criteria do not agree on more than one cluster")
    assert judged.headline.endswith(
        "suggested eps: 1 to 2 with 2 clusters (Silhouette), 8 to 64 with 2 clusters (Longest range)"
    )


def test_subsamples_without_clusters_do_not_agree():
    data = sample("round", 60, distance=12.0)
    for name in MATRICES:  # with a radius
        found = sweep_of(data, name)
        found.axis = Axis("eps", "Eps", (1e-6, 1.5), found.axis.option)
        found.results = {("data", 1e-6): found.run_task(("data", 1e-6), silent)}
        assert found.results["data", 1e-6].k == 0
        assert found.run_task(("stability", 1e-6), silent).tolist() == [0.0] * sweep.SUBSAMPLE_PAIRS
        assert found.run_task(("stability", 1.5), silent).min() > 0.7


def test_a_stopped_sweep_has_the_criteria_that_are_finished(three):
    found = three[TUNED[0]].sweep
    part = Sweep(found.data, found.settings, found.axis, 1, "")
    part.results = {task: result for task, result in found.results.items() if task[0] == "data"}
    judged = OptionVerdict(part)
    assert "stability" not in judged.criteria
    assert "fixed thresholds apply" in how_evidence_is_judged(judged)
    assert judged.headline.startswith("Suggested")
    assert found.describe(("data", found.axis.values[0]), None) == f"Clustering with {found.axis.label(found.axis.values[0])}."
    assert found.describe(("reference sweep", 1), None) == "Clustering reference data set 2 of 10."
    assert [task for task in found.tasks if task not in found.results] == [("reference sweep", b) for b in range(10)]


@pytest.mark.one_in(3)
@pytest.mark.parametrize("name", TUNED)
@pytest.mark.usefixtures("few_resamples")
@pytest.mark.parametrize("n", [2, 3, 4, 5, 9])
def test_few_points_have_a_headline(name, n):
    judged = OptionVerdict(swept(few(n), name))
    assert "nan" not in judged.headline
    assert judged.shown
    for criterion in (judged.criteria | judged.further_curves).values():
        assert "nan" not in criterion.evidence
        figures.curve(criterion, judged.sweep.axis)


@pytest.mark.parametrize("name", TUNED)
def test_one_point_and_identical_points_are_rejected(name):
    for points in (np.ones((20, 2)), np.ones((1, 2))):
        with pytest.raises(ValueError, match="all points are identical, so there is only one cluster"):
            sweep_of(Data("same", "Same", ("a", "b"), points), name)


@pytest.mark.parametrize("name", MATRICES)
def test_a_distance_matrix_is_judged_by_fixed_thresholds(name):
    points = sample("round", 60, distance=12.0).points
    data = Data("given", "Given", ("a", "b"), points, precomputed=proximity_matrix(points), matrix_name="road lengths")
    judged = OptionVerdict(swept(data, name))
    assert {task[0] for task in judged.sweep.tasks} == {"data", "stability"}
    assert set(judged.criteria) == {"range", "silhouette", "stability"}
    assert next(iter(judged.votes)).clusters == 3
    same = Data("same", "Same", ("a", "b"), np.zeros((4, 2)), precomputed=np.zeros((4, 4)), matrix_name="road lengths")
    with pytest.raises(ValueError, match="all distances are 0"):
        sweep_of(same, name)


@pytest.mark.parametrize("name", TUNED)
def test_many_points_are_sampled_with_a_note(name, monkeypatch):
    monkeypatch.setattr(sweep, "MAX_SWEEP_POINTS", 90)
    monkeypatch.setattr(sweep, "MAX_SWEEP_POINTS_PAIRWISE", 80)
    found = sweep_of(sample(n=100), name)
    limit = 90 if found.view.max_points(found.settings) is None else 80
    assert len(found.data.points) == limit
    assert f"a sample of {limit} of the 100 points" in found.note
    assert found.note.endswith(
        f"Values of {found.view.tuned.phrase} that suit the sample may not suit all points, which are denser."
    )


def test_colors_are_those_of_the_matching_clusters(three):
    for judged in three.values():
        runs = judged.best_runs
        first, same = (int(np.flatnonzero(judged.values == end)[0]) for end in judged.longest[:2])
        colors = matched_colors(runs, first)
        assert colors[first].tolist() == list(range(runs[first].k))
        for best, own in zip(runs, colors, strict=True):
            assert len(set(own.tolist())) == best.k == len(own)
        assert same > first + 1
        inside = (runs[first].labels >= 0) & (runs[same].labels >= 0)
        assert np.mean(colors[first][runs[first].labels] == colors[same][runs[same].labels], where=inside) > 0.9


def test_colors_follow_the_clusters_in_both_directions_and_new_clusters_get_free_colors():
    swapped = [1] * 10 + [0] * 10
    parts = [2] * 6 + [0] * 4 + [1] * 10
    runs = [Result(1, parts), Result(2, swapped), Result(4, HALVES), Result(8, swapped), Result(16, [-1] * 20)]
    assert [own.tolist() for own in matched_colors(runs, 2)] == [[2, 1, 0], [1, 0], [0, 1], [1, 0], []]


def test_noise_is_gray_in_pictures_and_in_the_flow_diagram(monkeypatch):
    runs = [Result(1, MOST_NOISE), Result(2, HALVES)]
    painted = []
    monkeypatch.setattr(sections, "thumbnail", lambda data, plane, labels, centers: painted.append(labels.tolist()))
    sections.picture(None, None, runs[0], np.array([4, 2]))
    assert painted == [[4] * 5 + [2] * 5 + [-1] * 10]
    axis = Axis("eps", "Eps", (1, 2), "eps")
    sankey = figures.flow(runs, [np.array([0, 1])] * 2, axis).data[0]
    names = sankey.node.customdata
    links = dict(
        zip(
            [(names[a], names[b]) for a, b in zip(sankey.link.source, sankey.link.target, strict=True)],
            sankey.link.value,
            strict=True,
        )
    )
    assert links == {
        ("eps = 1, cluster 1", "eps = 2, cluster 1"): 5,
        ("eps = 1, cluster 2", "eps = 2, cluster 1"): 5,
        ("eps = 1, noise", "eps = 2, cluster 2"): 10,
    }
    assert sankey.node.color[2] == palette.NEUTRAL


def test_the_flow_diagram_contains_every_point_and_noise(three):
    for judged in three.values():
        runs = judged.best_runs
        sankey = figures.flow(runs, matched_colors(runs), judged.sweep.axis).data[0]
        assert sum(sankey.link.value) == 150 * (len(runs) - 1)
        has_noise = [bool((best.labels < 0).any()) for best in runs]
        assert sum("noise" in text for text in sankey.node.customdata) == sum(has_noise)
        assert max(sankey.link.target) == sum(best.k for best in runs) + sum(has_noise) - 1


def test_the_number_of_clusters_is_shown_with_the_longest_range(three):
    for judged in three.values():
        figure = figures.cluster_counts(judged)
        assert list(figure.data[0].y) == [best.k for best in judged.best_runs]
        [shape] = figure.layout.shapes
        assert (shape.x0, shape.x1) == judged.longest[:2]
        assert list(figure.data[-1].y) == [
            sum(count >= 3 for count in np.bincount(best.labels[best.labels >= 0])) for best in judged.best_runs
        ]


@pytest.mark.parametrize(("low", "high"), [(0.26, 0.85), (2, 125), (1, 4000), (1.001, 1.6), (3e-9, 8e-9)])
def test_logarithmic_axes_have_a_few_ticks(low, high):
    ticks = figures.log_ticks(low, high)
    assert 1 <= len(ticks["tickvals"]) <= figures.MAX_TICKS
    assert all(low <= tick * 1.001 <= high * 1.002 for tick in ticks["tickvals"])
    assert [float(text) for text in ticks["ticktext"]] == pytest.approx(ticks["tickvals"])


def test_pictures_show_a_few_values_with_the_suggested_ones(three):
    for judged in three.values():
        suggested = {criterion.choice for criterion in judged.criteria.values() if criterion.supported}
        assert suggested <= set(judged.shown)
        assert len(judged.shown) <= verdict.MAX_PICTURES
        assert {judged.values[0], judged.values[-1]} <= set(judged.shown)


def test_a_criterion_is_pale_only_where_it_does_not_count():
    figure = figures.curve(Criterion("x", np.array([1, 2, 4]), np.zeros(3), True), Axis("eps", "Eps", (1, 2, 4), "eps"))
    assert isinstance(figure.data[0].marker.color, str)


@pytest.mark.usefixtures("few_resamples")
def test_the_seed_draws_the_subsamples():
    data = sample(n=60)
    name = TUNED[0]
    one, same, other = (Sweep.of(data, settings(name, None, seed=seed, data=data)) for seed in (1, 1, 2))
    task = "stability", one.axis.values[8]
    results = [found.run_task(task, silent).tolist() for found in (one, same, other)]
    assert results[0] == results[1] != results[2]


def test_a_table_with_categories_has_no_reference_data_for_its_own_distance():
    for name in MATRICES:
        judged = OptionVerdict(swept(mixed_table(), name, metric="gower"))
        assert {task[0] for task in judged.sweep.tasks} == {"data", "stability"}
        assert set(judged.criteria) >= {"range", "silhouette"}
        assert max(judged.values) <= 1  # of Gower's distance
