"""Sweeps over K, their criteria and figures."""

import re

import numpy as np
import pytest
import sklearn.metrics

from clustering import match_clusters, proximity_matrix, subsample_agreement, subsample_size
from pages.choose_k import figures as sweep_figures
from pages.choose_k import sweep as sweep_module
from pages.choose_k.sections import evidence_text
from pages.choose_k.sweep import INITIALIZATION, REFERENCE_SETS, Sweep
from pages.choose_k.verdict import NAMES, Criterion, KVerdict, _with_choice, matched_colors
from pages.datasets import catalog
from pages.datasets.data import Data
from pages.methods import methods_for_points, settings
from pages.methods.base import NeedsPoints
from pages.methods.traits import CHOOSE_K
from pages.runs.cache import RecentCache
from pages.runs.run import make_run


def sample(name="three", n=300, **values):
    defaults = {s.name: catalog.SAMPLES[name].default(s) for s in catalog.SAMPLES[name].settings}
    return catalog.draw_sample(name, n, 0, defaults | values)


def swept(data, max_k=5, runs=3, method="kmeans", **options):
    sweep = Sweep.of(data, settings(method, data=data, **options), max_k, runs)
    sweep.resume(lambda share, text: None)
    return sweep


@pytest.fixture(scope="module")
def three():
    return KVerdict(swept(sample(), 6))


@pytest.fixture(scope="module")
def by_mixtures():
    """The data and the models only, without reference data and subsamples."""
    data = sample(n=200)
    sweep = Sweep.of(data, settings("mixture", data=data), 4, 2)
    for task in sweep.tasks:
        if task[0] in ("data", "model"):
            sweep.results[task] = sweep.run_task(task, lambda _: None)
    return KVerdict(sweep)


def test_every_criterion_suggests_three_for_three_gaussians(three):
    assert {name: criterion.choice for name, criterion in three.criteria.items()} == dict.fromkeys(three.criteria, 3)
    assert all(criterion.supported for criterion in three.criteria.values())
    assert re.match(
        r"\S+ \(highest on reference data at K = 3: \S+\); next: K = \d with", three.criteria["stability"].evidence
    )
    assert re.match(
        r"always weak: distance 0\.\d\d from the line joining the first and last", three.criteria["elbow"].evidence
    )
    assert three.headline == "Suggested K: 3 (Silhouette, Gap statistic, Caliński–Harabasz, Davies–Bouldin, Stability)"


@pytest.mark.parametrize("seed", range(3))
def test_uniform_noise_is_no_evidence_for_more_than_one_cluster(seed):
    data = catalog.draw_sample("uniform", 100, seed, {"d": 2})
    verdict = KVerdict(swept(data, 6))
    assert verdict.headline.startswith("No evidence for more than one cluster with K-means; suggested K: 1 (")
    assert "Stability" in verdict.votes[1]
    assert verdict.criteria["gap"].evidence.startswith("K = 2 is not better than K = 1")
    evidence = evidence_text("stability", verdict.criteria["stability"], verdict.sweep.axis)
    form = r"K = \d: not clearly better than reference data: \S+ \(highest there at K = \d: \S+\); next: K = \d with \S+"
    assert re.fullmatch(form, evidence)


@pytest.mark.usefixtures("few_resamples")
def test_uniform_noise_is_no_evidence_with_mixtures_even_if_bic_suggests_several():
    verdict = KVerdict(swept(catalog.draw_sample("uniform", 100, 0, {"d": 2}), 3, 2, method="mixture"))
    assert verdict.headline.startswith("Most criteria find no evidence for more than one cluster")


@pytest.mark.parametrize(
    ("choices", "headline"),
    [
        (
            dict(silhouette=2, gap=3, davies_bouldin=4),
            "The criteria do not agree on more than one cluster with K-means; suggested K: 2 (Silhouette), 3 (Gap statistic), "
            "4 (Davies–Bouldin)",
        ),
        (
            dict(silhouette=1, gap=1, stability=4),
            "Most criteria find no evidence for more than one cluster with K-means; suggested K: 1 (Silhouette, Gap "
            "statistic), 4 (Stability)",
        ),
        (
            dict(silhouette=1, gap=1, bic=3, icl=3),
            "The criteria do not agree on more than one cluster with K-means; suggested K: 1 (Silhouette, Gap statistic), "
            "3 (BIC, ICL)",
        ),
        (dict(silhouette=3, bic=3, gap=1), "Suggested K: 3 (Silhouette, BIC), 1 (Gap statistic)"),
        (
            dict(elbow=3, silhouette=1, gap=1, aic=4),
            "No evidence for more than one cluster with K-means; suggested K: 1 (Silhouette, Gap statistic)",
        ),
        (dict(elbow=3), "No evidence for more than one cluster with K-means"),
    ],
)
def test_the_headline_distinguishes_disagreement_from_a_lack_of_evidence(three, choices, headline):
    verdict = KVerdict(three.sweep)
    verdict.criteria = {
        name: Criterion(NAMES[name], verdict.ks, np.zeros(len(verdict.ks)), True, choice=max(k, 2), supported=k > 1)
        for name, k in choices.items()
    }
    assert verdict.headline == headline


def test_values_equal_those_of_scikit_learn(three):
    points = three.sweep.data.points
    peers = {
        "silhouette": sklearn.metrics.silhouette_score,
        "calinski_harabasz": sklearn.metrics.calinski_harabasz_score,
        "davies_bouldin": sklearn.metrics.davies_bouldin_score,
    }
    for name, peer in peers.items():
        expected = [peer(points, best.labels) for best in three.best_runs[1:]]
        np.testing.assert_allclose(three.criteria[name].values, expected, rtol=1e-9)
    assert three.criteria["silhouette"].reference.shape == (REFERENCE_SETS, 5)


def test_each_best_run_can_be_repeated_on_the_watch_page(three):
    data = three.sweep.data
    for best in three.best_runs:
        runs = [
            make_run(data, settings("kmeans", best.k, INITIALIZATION, seed), RecentCache(), lambda _: None)
            for seed in range(1, 4)
        ]
        losses = [run.history.last.loss for run in runs]
        assert best.loss == min(losses) == losses[best.seed - 1]
        np.testing.assert_array_equal(best.labels, runs[best.seed - 1].history.last.labels)


def test_the_loss_of_the_best_run_decreases_with_k(three):
    assert (np.diff([best.loss for best in three.best_runs]) < 0).all()


def test_information_criteria_are_computed_for_each_k_and_covariance_model(by_mixtures):
    assert len(by_mixtures.information) == 16
    assert {"bic", "icl", "aic"} < set(by_mixtures.criteria)
    assert all(one.icl >= one.bic - 1e-9 for one in by_mixtures.information)  # entropy is not negative
    best = min(by_mixtures.information, key=lambda one: one.bic)
    assert by_mixtures.criteria["bic"].choice == best.k == 3
    assert best.model in by_mixtures.criteria["bic"].evidence


@pytest.mark.usefixtures("few_resamples")
def test_a_stopped_sweep_keeps_its_results_and_can_be_resumed():
    class Stop(Exception):
        pass

    messages = []

    def on_progress(share, text):
        messages.append((share, text))
        if share > 0.3:
            raise Stop

    sweep = Sweep.of(sample(n=100), settings("kmeans"), 4, 3)
    with pytest.raises(Stop):
        sweep.resume(on_progress)
    finished = dict(sweep.results)
    assert 0.2 * len(sweep.tasks) < len(finished) < 0.5 * len(sweep.tasks)
    partial = KVerdict(sweep)
    assert set(partial.criteria) == {"elbow", "silhouette"}  # the others need reference data or subsamples
    sweep.resume(lambda *_: None)
    assert not sweep.remaining
    assert all(sweep.results[task] is result for task, result in finished.items())
    shares = [share for share, _ in messages]
    assert shares == sorted(shares)
    assert messages[0][1] == "Clustering with K = 1."


def test_a_distance_matrix_is_judged_by_fixed_thresholds():
    points = sample("round", 60, distance=12.0).points
    data = Data("given", "Given", ("a", "b"), points, precomputed=proximity_matrix(points), matrix_name="road lengths")
    verdict = KVerdict(swept(data, 5, 3, method="kmedoids", update="swap"))
    assert not verdict.reference
    assert set(verdict.criteria) == {"elbow", "silhouette", "stability"}
    assert verdict.headline == "Suggested K: 3 (Silhouette, Stability)"
    with pytest.raises(NeedsPoints):
        Sweep.of(data, settings("kmeans"), 5, 3)


@pytest.mark.usefixtures("few_resamples")
def test_identical_points_are_rejected_and_duplicates_accepted():
    with pytest.raises(ValueError, match="all points are identical"):
        Sweep.of(Data("same", "Same", ("a", "b"), np.ones((20, 2))), settings("kmeans"), 5, 3)
    copies = np.repeat([[0.0, 0.0], [1.0, 0.0]], 10, axis=0)
    verdict = KVerdict(swept(Data("two", "Two", ("a", "b"), copies), 4, 2))
    assert verdict.criteria["silhouette"].choice == 2
    assert isinstance(verdict.headline, str)


def few(n):
    """n points of the sample "three"."""
    return Data(f"few {n}", "Few", ("a", "b"), sample().points[:n])


def test_subsamples_have_the_stated_size():
    for n in range(4, 41):
        sizes = []

        def cluster(rows, rng, sizes=sizes):
            sizes.append(len(rows))
            return np.zeros(len(rows))

        subsample_agreement(n, cluster, 1, np.random.default_rng(0))
        assert sizes == [subsample_size(n)] * 2


FEW = [(4, 2), (5, 3), (8, 5), (9, 6), (12, 8)]


@pytest.mark.one_in(3)
@pytest.mark.usefixtures("few_resamples")
@pytest.mark.parametrize(
    ("method", "n", "most"),
    [("kmeans", *few) for few in FEW]
    + [(name, *FEW[1]) for name, view in methods_for_points(CHOOSE_K).items() if name != "kmeans" and view.tuned is None],
)
def test_few_points_have_all_criteria_and_stability_for_k_below_the_subsample_size(method, n, most):
    verdict = KVerdict(swept(few(n), 8, 1, method=method))
    assert verdict.ks.tolist() == list(range(1, min(8, n - 1) + 1))
    assert [best.k for best in verdict.best_runs] == verdict.ks.tolist()
    expected = set(NAMES) if verdict.sweep.models else set(NAMES) - {"bic", "icl", "aic"}
    if not verdict.sweep.view.traits.loss.over_k:
        expected -= {"elbow"}
    assert set(verdict.criteria) == expected
    for name, criterion in verdict.criteria.items():
        whole = verdict.ks if name in ("elbow", "gap", "bic", "icl", "aic") else verdict.ks[1:]
        assert criterion.at.tolist() == (whole.tolist() if name != "stability" else list(range(2, most + 1)))
        assert criterion.choice in criterion.at
        assert "nan" not in criterion.evidence
        sweep_figures.curve(criterion, verdict.sweep.axis)
    assert verdict.criteria["stability"].samples.shape == (sweep_module.SUBSAMPLE_PAIRS, most - 1)
    assert "nan" not in verdict.headline


@pytest.mark.usefixtures("few_resamples")
@pytest.mark.parametrize("n", [4, 5, 8, 9])
def test_small_distance_matrices_have_all_criteria(n):
    points = few(n).points
    data = Data("given", "Given", ("a", "b"), points, precomputed=proximity_matrix(points), matrix_name="road lengths")
    verdict = KVerdict(swept(data, 8, 3, method="kmedoids"))
    assert set(verdict.criteria) == {"elbow", "silhouette", "stability"}
    stability = verdict.criteria["stability"]
    assert stability.at.max() == subsample_size(n) - 1
    assert f"{stability.values.max():.2f}" in stability.evidence


def test_many_points_are_sampled_with_a_note(monkeypatch):
    monkeypatch.setattr(sweep_module, "MAX_SWEEP_POINTS", 90)
    monkeypatch.setattr(sweep_module, "MAX_SWEEP_POINTS_PAIRWISE", 80)
    sweep = Sweep.of(sample(n=100), settings("kmeans"), 4, 3)
    assert len(sweep.data.points) == 90
    assert "a sample of 90 of the 100 points" in sweep.note
    pairwise = Sweep.of(sample(n=100), settings("kmedoids"), 4, 3)
    assert len(pairwise.data.points) == 80
    assert "a sample of 80 of the 100 points" in pairwise.note


@pytest.mark.parametrize("update", ["alternating", "swap", "steepest swap"])
def test_the_chosen_options_of_the_method_are_used(update):
    data = sample("uniform", n=100)
    chosen = settings("kmedoids", 6, INITIALIZATION, data=data, update=update)
    sweep = Sweep.of(data, chosen, 6, 1)
    run = make_run(data, chosen, RecentCache(), lambda _: None)
    best = sweep.run_task(("data", 6), lambda _: None)
    assert best.loss == run.history.last.loss
    np.testing.assert_array_equal(best.labels, run.history.last.labels)
    others = [
        make_run(data, settings("kmedoids", 6, INITIALIZATION, data=data, update=other), RecentCache(), lambda _: None)
        for other in {"alternating", "swap", "steepest swap"} - {update}
    ]
    assert best.loss not in [other.history.last.loss for other in others]


def test_matching_clusters_keep_their_color_and_the_additional_one_gets_a_new_color(three):
    colors = matched_colors(three.best_runs)
    for i, (before, after) in enumerate(zip(three.best_runs, three.best_runs[1:], strict=False)):
        assert sorted(colors[i + 1]) == list(range(after.k))
        same = colors[i][before.labels] == colors[i + 1][after.labels]
        best = match_clusters(after.labels, before.labels, after.k)
        assert same.sum() == (best[after.labels] == before.labels).sum()


@pytest.mark.parametrize(("value", "supported"), [(0.9, True), (0.55, False)])
def test_a_criterion_is_supported_only_if_it_is_better_than_on_reference_data(value, supported):
    noise = np.tile([[0.5], [0.52], [0.54], [0.5], [0.54]], (1, 3))
    criterion = _with_choice(Criterion("x", np.array([2, 3, 4]), np.array([0.4, value, 0.3]), True, reference=noise))
    assert (criterion.choice, criterion.supported) == (3, supported)
    less = _with_choice(Criterion("x", np.array([2, 3, 4]), -np.array([0.4, value, 0.3]), False, reference=-noise))
    assert (less.choice, less.supported) == (3, supported)


def test_the_flow_diagram_contains_every_point(three):
    link = sweep_figures.flow(three.best_runs, matched_colors(three.best_runs), three.sweep.axis).data[0].link
    assert sum(link.value) == 300 * (len(three.best_runs) - 1)
    assert max(link.target) == sum(best.k for best in three.best_runs) - 1


def test_the_silhouette_plot_contains_every_point_once(three):
    best, colors = three.best_runs[2], matched_colors(three.best_runs)[2]
    *clusters, mean = sweep_figures.silhouettes(best, colors).data
    assert sum(len(trace.x) - 2 for trace in clusters) == 300
    assert mean.x[0] == best.silhouette.mean


def test_the_curves_mark_the_suggested_k(three):
    for criterion in three.criteria.values():
        figure = sweep_figures.curve(criterion, three.sweep.axis)
        assert figure.layout.yaxis.exponentformat == "e"  # values are written as in sentences
        *_, mark = figure.data
        assert list(mark.x) == [3]
        assert mark.y[0] == criterion.values[list(criterion.at).index(3)]
