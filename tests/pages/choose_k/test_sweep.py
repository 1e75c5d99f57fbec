"""How many clusters: the sweep over K, the verdict, the figures and the page."""

import re
from pathlib import Path

import numpy as np
import pytest
import sklearn.metrics
from streamlit.testing.v1 import AppTest

from clustering import match_clusters, proximity_matrix, subsample_agreement, subsample_size
from pages.choose_k import figures as sweep_figures
from pages.choose_k.sweep import REFERENCES, START, Sweep
from pages.choose_k.verdict import NAMES, Criterion, Verdict, _chosen, matched_colors
from pages.datasets import catalog
from pages.datasets.data import Data
from pages.methods import available_methods, settings
from pages.methods.base import NeedsPoints
from pages.methods.traits import CHOOSE_K
from pages.runs.cache import RecentCache
from pages.runs.run import make_run

DASHBOARD = Path(__file__).resolve().parents[3] / "dashboard.py"
PAGE = "pages/choose_k/page.py"


def sample(name="three", n=300, **values):
    defaults = {s.name: catalog.SAMPLES[name].default(s) for s in catalog.SAMPLES[name].settings}
    return catalog.draw_sample(name, n, 0, defaults | values)


def swept(data, most=6, runs=5, method="kmeans", **options):
    sweep = Sweep.of(data, settings(method, data=data, **options), most, runs)
    sweep.resume(lambda share, text: None)
    return sweep


@pytest.fixture(scope="module")
def three():
    return Verdict(swept(sample(n=500)))


@pytest.fixture(scope="module")
def by_mixtures():
    return Verdict(swept(sample(n=200), most=4, runs=3, method="mixture"))


def test_three_gaussians_are_three_by_every_criterion(three):
    assert {name: criterion.choice for name, criterion in three.criteria.items()} == dict.fromkeys(three.criteria, 3)
    assert all(criterion.evidence for criterion in three.criteria.values())
    assert three.headline == "3 (Silhouette, Gap statistic, Calinski–Harabasz, Davies–Bouldin, Stability)"


@pytest.mark.parametrize("seed", range(4))
def test_uniform_noise_is_no_evidence_for_more_than_one_cluster(seed):
    data = catalog.draw_sample("uniform", 400, seed, {"d": 2})
    assert Verdict(swept(data)).headline.startswith("No evidence for more than one cluster")


def test_uniform_noise_is_no_evidence_by_mixtures_either_though_bic_may_want_several():
    verdict = Verdict(swept(catalog.draw_sample("uniform", 200, 0, {"d": 2}), 4, 3, method="mixture"))
    assert verdict.headline.startswith("No evidence for more than one cluster")


def test_values_are_those_of_scikit_learn(three):
    points = three.sweep.data.points
    peers = {
        "silhouette": sklearn.metrics.silhouette_score,
        "calinski_harabasz": sklearn.metrics.calinski_harabasz_score,
        "davies_bouldin": sklearn.metrics.davies_bouldin_score,
    }
    for name, peer in peers.items():
        expected = [peer(points, part.labels) for part in three.best_runs[1:]]
        np.testing.assert_allclose(three.criteria[name].values, expected, rtol=1e-9)
    assert three.criteria["silhouette"].noise.shape == (REFERENCES, 5)


def test_each_partition_is_the_best_run_that_watch_would_make(three):
    data = three.sweep.data
    for part in three.best_runs:
        runs = [make_run(data, settings("kmeans", part.k, START, seed), RecentCache(), lambda _: None) for seed in range(1, 6)]
        losses = [run.history.last.loss for run in runs]
        assert part.loss == min(losses) == losses[part.seed - 1]
        np.testing.assert_array_equal(part.labels, runs[part.seed - 1].history.last.labels)


def test_the_loss_of_the_best_runs_falls_with_every_cluster(three):
    assert (np.diff([part.loss for part in three.best_runs]) < 0).all()


def test_information_criteria_are_there_for_each_number_and_covariance_model(by_mixtures):
    assert len(by_mixtures.information) == 16
    assert {"bic", "icl", "aic"} < set(by_mixtures.criteria)
    assert all(one.icl >= one.bic - 1e-9 for one in by_mixtures.information)  # entropy is not negative
    best = min(by_mixtures.information, key=lambda one: one.bic)
    assert by_mixtures.criteria["bic"].choice == best.k == 3
    assert best.model in by_mixtures.criteria["bic"].clarity


def test_work_that_an_exception_ends_keeps_what_was_done_and_resumes_from_there():
    class Left(Exception):
        pass

    told = []

    def tell(share, text):
        told.append((share, text))
        if share > 0.3:
            raise Left

    sweep = Sweep.of(sample(n=100), settings("kmeans"), 4, 3)
    with pytest.raises(Left):
        sweep.resume(tell)
    done = dict(sweep.results)
    assert 0.2 * len(sweep.tasks) < len(done) < 0.5 * len(sweep.tasks)
    partial = Verdict(sweep)
    assert set(partial.criteria) == {"elbow", "silhouette"}  # what needs noise or resampling is not there yet
    sweep.resume(lambda *_: None)
    assert not sweep.remaining
    assert all(sweep.results[task] is result for task, result in done.items())
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert told[0][1] == "Clustering with K = 1."


def test_proximities_are_judged_without_noise_by_fixed_limits():
    points = sample("round", 60, distance=12.0).points
    data = Data("given", "Given", ("a", "b"), points, precomputed=proximity_matrix(points), matrix_name="road lengths")
    verdict = Verdict(swept(data, 5, 3, method="kmedoids", update="swap"))
    assert not verdict.noise
    assert set(verdict.criteria) == {"elbow", "silhouette", "stability"}
    assert verdict.headline == "3 (Silhouette, Stability)"
    with pytest.raises(NeedsPoints):
        Sweep.of(data, settings("kmeans"), 5, 3)


def test_identical_points_are_one_sentence_and_copies_no_crash():
    with pytest.raises(ValueError, match="all points are identical"):
        Sweep.of(Data("same", "Same", ("a", "b"), np.ones((20, 2))), settings("kmeans"), 5, 3)
    copies = np.repeat([[0.0, 0.0], [1.0, 0.0]], 10, axis=0)
    verdict = Verdict(swept(Data("two", "Two", ("a", "b"), copies), 4, 2))
    assert verdict.criteria["silhouette"].choice == 2
    assert isinstance(verdict.headline, str)


def few(n):
    """n points of the sample "three"."""
    return Data(f"few {n}", "Few", ("a", "b"), sample(n=300).points[:n])


@pytest.mark.parametrize("n", range(4, 41))
def test_a_subsample_has_the_size_that_is_said(n):
    sizes = []

    def cluster(rows, rng):
        sizes.append(len(rows))
        return np.zeros(len(rows))

    subsample_agreement(n, cluster, 1, np.random.default_rng(0))
    assert sizes == [subsample_size(n)] * 2


FEW = [(4, 2), (5, 3), (8, 5), (9, 6), (12, 8)]


@pytest.mark.parametrize(
    ("method", "n", "most"),
    [("kmeans", *few) for few in FEW] + [(method, 9, 6) for method in available_methods(CHOOSE_K) if method != "kmeans"],
)
def test_few_points_have_all_criteria_and_stability_as_far_as_subsamples_are_larger_than_k(method, n, most):
    verdict = Verdict(swept(few(n), 8, 1, method=method))
    assert verdict.ks.tolist() == list(range(1, min(8, n - 1) + 1))
    assert [best.k for best in verdict.best_runs] == verdict.ks.tolist()
    expected = set(NAMES) if verdict.sweep.models else set(NAMES) - {"bic", "icl", "aic"}
    assert set(verdict.criteria) == expected
    for name, criterion in verdict.criteria.items():
        whole = verdict.ks if name in ("elbow", "gap", "bic", "icl", "aic") else verdict.ks[1:]
        assert criterion.ks.tolist() == (whole.tolist() if name != "stability" else list(range(2, most + 1)))
        assert criterion.choice in criterion.ks
        assert "nan" not in criterion.clarity
        sweep_figures.curve(criterion)
    assert verdict.criteria["stability"].spread.shape == (10, most - 1)
    assert "nan" not in verdict.headline


@pytest.mark.parametrize("n", [4, 5, 8, 9])
def test_few_proximities_have_all_criteria_too(n):
    points = few(n).points
    data = Data("given", "Given", ("a", "b"), points, precomputed=proximity_matrix(points), matrix_name="road lengths")
    verdict = Verdict(swept(data, 8, 3, method="kmedoids"))
    assert set(verdict.criteria) == {"elbow", "silhouette", "stability"}
    stability = verdict.criteria["stability"]
    assert stability.ks.max() == subsample_size(n) - 1
    assert f"{stability.values.max():.2f}" in stability.clarity


def test_many_points_are_a_stated_sample():
    sweep = Sweep.of(sample(n=20_000), settings("kmeans"), 4, 3)
    assert len(sweep.data.points) == 5_000
    assert "a sample of 5,000 of the 20,000 points" in sweep.note
    pairwise = Sweep.of(sample(n=20_000), settings("kmedoids"), 4, 3)
    assert len(pairwise.data.points) == 1_500
    assert "a sample of 1,500 of the 20,000 points" in pairwise.note


def test_colors_are_carried_over_and_the_cluster_that_is_left_over_gets_the_new_one(three):
    colors = matched_colors(three.best_runs)
    for i, (before, after) in enumerate(zip(three.best_runs, three.best_runs[1:], strict=False)):
        assert sorted(colors[i + 1]) == list(range(after.k))
        same = colors[i][before.labels] == colors[i + 1][after.labels]
        best = match_clusters(after.labels, before.labels, after.k)
        assert same.sum() == (best[after.labels] == before.labels).sum()


@pytest.mark.parametrize(("value", "evidence"), [(0.9, True), (0.55, False)])
def test_a_criterion_counts_only_if_it_is_beyond_noise(value, evidence):
    noise = np.tile([[0.5], [0.52], [0.54], [0.5], [0.54]], (1, 3))
    criterion = _chosen(Criterion("x", np.array([2, 3, 4]), np.array([0.4, value, 0.3]), True, noise=noise))
    assert (criterion.choice, criterion.evidence) == (3, evidence)
    less = _chosen(Criterion("x", np.array([2, 3, 4]), -np.array([0.4, value, 0.3]), False, noise=-noise))
    assert (less.choice, less.evidence) == (3, evidence)


def test_the_flow_between_numbers_keeps_every_point(three):
    link = sweep_figures.flow(three.best_runs, matched_colors(three.best_runs)).data[0].link
    assert sum(link.value) == 500 * (len(three.best_runs) - 1)
    assert max(link.target) == sum(part.k for part in three.best_runs) - 1


def test_the_silhouette_plot_has_every_point_once(three):
    part, colors = three.best_runs[2], matched_colors(three.best_runs)[2]
    *clusters, mean = sweep_figures.silhouettes(part, colors).data
    assert sum(len(trace.x) - 2 for trace in clusters) == 500
    assert mean.x[0] == part.silhouette.mean


def test_the_curves_mark_what_is_preferred(three):
    for criterion in three.criteria.values():
        *_, mark = sweep_figures.curve(criterion).data
        assert list(mark.x) == [3]
        assert mark.y[0] == criterion.values[list(criterion.ks).index(3)]


@pytest.fixture
def app():
    return AppTest.from_file(str(DASHBOARD), default_timeout=90).run().switch_page(PAGE).run()


def headline(app):
    return app.main.subheader[0].value.replace("\\", "")


def test_the_page_says_what_each_criterion_prefers_and_shows_every_k(app):
    assert not app.exception
    assert not app.error
    assert [title.value for title in app.title] == ["How many clusters?"]
    assert headline(app).startswith("3 (Silhouette")
    table = next(e.proto.body for e in app.get("html") if "What each criterion prefers" in e.proto.body)
    assert all(name in table for key, name in NAMES.items() if key not in ("bic", "icl", "aic"))
    watched = [button for button in app.button if button.label.startswith("K = ")]
    assert [button.label.split(",")[0] for button in watched] == [f"K = {k}" for k in range(1, 9)]
    watched[3].click().run()
    assert not app.exception
    app.switch_page("pages/watch/page.py").run()
    assert app.number_input(key="k").value == 4
    assert app.selectbox(key="start_kmeans").value == START
    assert f"loss {next(m.value for m in app.metric if m.label == 'Final loss')}" in watched[3].label


def test_the_page_of_uniform_noise_and_of_proximities(app):
    app.number_input(key="k_up_to").set_value(4)
    app.selectbox(key="sample").set_value("uniform").run()
    assert headline(app).startswith("No evidence for more than one cluster")
    app.button_group(key="source").set_value("real").run()
    app.selectbox(key="table").set_value("numbers").run()
    assert not app.exception
    assert not app.error
    assert any("no noise to compare" in caption.value for caption in app.caption)


@pytest.mark.parametrize("rows", [4, 5, 8, 9])
def test_the_page_of_few_points_shows_every_k_and_all_criteria(rows):
    app = AppTest.from_file(str(DASHBOARD), default_timeout=90).switch_page("pages/data/page.py").run()
    app.button_group(key="source").set_value("own").run()
    app.button_group(key="how").set_value("paste").run()
    points = few(rows).points
    app.text_area(key="pasted").set_value("a,b\n" + "".join(f"{x:.3f},{y:.3f}\n" for x, y in points)).run()
    app.switch_page(PAGE).run()
    assert not app.exception
    assert not app.error
    table = next(e.proto.body for e in app.get("html") if "What each criterion prefers" in e.proto.body)
    names = [re.search("<th scope='row'>(.*?)</th>", row)[1] for row in re.findall("<tr>(.*?)</tr>", table)[1:]]
    assert names == [name for key, name in NAMES.items() if key not in ("bic", "icl", "aic")]
    watched = [button.label for button in app.button if button.label.startswith("K = ")]
    assert [label.split(",")[0] for label in watched] == [f"K = {k}" for k in range(1, rows)]
