"""How many clusters: the work, the verdict, the figures and the page."""

from pathlib import Path

import numpy as np
import pytest
import sklearn.metrics
from streamlit.testing.v1 import AppTest

from clustering import match_clusters
from pages.choose_k import figures as sweep_figures
from pages.choose_k.sweep import REFERENCES, START, Counting
from pages.choose_k.verdict import NAMES, Criterion, Verdict, _chosen, matched
from pages.datasets import catalog
from pages.datasets.data import Data
from pages.runs.run import NeedsPoints, Recent, Settings, make_run

DASHBOARD = Path(__file__).resolve().parents[2] / "dashboard.py"
PAGE = "pages/choose_k/page.py"


def sample(name="three", n=300, **values):
    defaults = {s.name: catalog.SAMPLES[name].default(s) for s in catalog.SAMPLES[name].settings}
    return catalog.draw_sample(name, n, 0, defaults | values)


def counted(data, most=6, starts=5, watch=lambda share, text: None, **settings):
    counting = Counting.of(data, Settings(**settings), most, starts)
    counting.go_on(watch)
    return counting


@pytest.fixture(scope="module")
def three():
    return Verdict(counted(sample(n=500)))


@pytest.fixture(scope="module")
def by_mixtures():
    return Verdict(counted(sample(n=200), most=4, starts=3, algorithm="mixture"))


def test_three_gaussians_are_three_by_every_criterion(three):
    assert {name: criterion.choice for name, criterion in three.criteria.items()} == dict.fromkeys(three.criteria, 3)
    assert all(criterion.evidence for criterion in three.criteria.values())
    assert three.headline == "3 (Silhouette, Gap statistic, Calinski–Harabasz, Davies–Bouldin, Stability)"


@pytest.mark.parametrize("seed", range(4))
def test_uniform_noise_is_no_evidence_for_more_than_one_cluster(seed):
    data = catalog.draw_sample("uniform", 400, seed, {"d": 2})
    assert Verdict(counted(data)).headline.startswith("No evidence for more than one cluster")


def test_uniform_noise_is_no_evidence_by_mixtures_either_though_bic_may_want_several():
    verdict = Verdict(counted(catalog.draw_sample("uniform", 200, 0, {"d": 2}), 4, 3, algorithm="mixture"))
    assert verdict.headline.startswith("No evidence for more than one cluster")


def test_values_are_those_of_scikit_learn(three):
    points = three.counting.data.points
    peers = {
        "silhouette": sklearn.metrics.silhouette_score,
        "calinski_harabasz": sklearn.metrics.calinski_harabasz_score,
        "davies_bouldin": sklearn.metrics.davies_bouldin_score,
    }
    for name, peer in peers.items():
        expected = [peer(points, part.labels) for part in three.partitions[1:]]
        np.testing.assert_allclose(three.criteria[name].values, expected, rtol=1e-9)
    assert three.criteria["silhouette"].noise.shape == (REFERENCES, 5)


def test_each_partition_is_the_best_run_that_watch_would_make(three):
    data = three.counting.data
    for part in three.partitions:
        runs = [make_run(data, Settings(k=part.k, start=START, seed=seed), Recent(), lambda _: None) for seed in range(1, 6)]
        losses = [run.history.last.loss for run in runs]
        assert part.loss == min(losses) == losses[part.seed - 1]
        np.testing.assert_array_equal(part.labels, runs[part.seed - 1].history.last.labels)


def test_the_loss_of_the_best_runs_falls_with_every_cluster(three):
    assert (np.diff([part.loss for part in three.partitions]) < 0).all()


def test_densities_are_there_for_each_number_and_covariance_model(by_mixtures):
    assert len(by_mixtures.densities) == 16
    assert {"bic", "icl", "aic"} < set(by_mixtures.criteria)
    assert all(one.icl >= one.bic - 1e-9 for one in by_mixtures.densities)  # entropy is not negative
    best = min(by_mixtures.densities, key=lambda one: one.bic)
    assert by_mixtures.criteria["bic"].choice == best.k == 3
    assert best.covariance in by_mixtures.criteria["bic"].clarity


def test_what_watch_raises_leaves_what_was_done_and_it_goes_on_from_there():
    class Left(Exception):
        pass

    told = []

    def watch(share, text):
        told.append((share, text))
        if share > 0.3:
            raise Left

    counting = Counting.of(sample(n=100), Settings(), 4, 3)
    with pytest.raises(Left):
        counting.go_on(watch)
    done = dict(counting.done)
    assert 0.2 * len(counting.pieces) < len(done) < 0.5 * len(counting.pieces)
    partial = Verdict(counting)
    assert set(partial.criteria) == {"elbow", "silhouette"}  # what needs noise or resampling is not there yet
    counting.go_on(lambda *_: None)
    assert counting.missing == 0
    assert all(counting.done[piece] is result for piece, result in done.items())
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert told[0][1] == "Clustering with K = 1."


def test_proximities_are_judged_without_noise_by_fixed_limits():
    from clustering import proximity_matrix

    points = sample("round", 60, distance=12.0).points
    data = Data("given", "Given", ("a", "b"), points, given=proximity_matrix(points), given_name="road lengths")
    verdict = Verdict(counted(data, 5, 3, algorithm="kmedoids", update="swap"))
    assert not verdict.noise
    assert set(verdict.criteria) == {"elbow", "silhouette", "stability"}
    assert verdict.headline == "3 (Silhouette, Stability)"
    with pytest.raises(NeedsPoints):
        Counting.of(data, Settings(), 5, 3)


def test_identical_points_are_one_sentence_and_copies_no_crash():
    with pytest.raises(ValueError, match="all points are identical"):
        Counting.of(Data("same", "Same", ("a", "b"), np.ones((20, 2))), Settings(), 5, 3)
    copies = np.repeat([[0.0, 0.0], [1.0, 0.0]], 10, axis=0)
    verdict = Verdict(counted(Data("two", "Two", ("a", "b"), copies), 4, 2))
    assert verdict.criteria["silhouette"].choice == 2
    assert isinstance(verdict.headline, str)


def test_many_points_are_a_stated_sample():
    counting = Counting.of(sample(n=20_000), Settings(), 4, 3)
    assert len(counting.data.points) == 5_000
    assert "a sample of 5,000 of the 20,000 points" in counting.note


def test_colours_are_carried_over_and_the_cluster_that_is_left_over_gets_the_new_one(three):
    colours = matched(three.partitions)
    for i, (before, after) in enumerate(zip(three.partitions, three.partitions[1:], strict=False)):
        assert sorted(colours[i + 1]) == list(range(after.k))
        same = colours[i][before.labels] == colours[i + 1][after.labels]
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
    link = sweep_figures.flow(three.partitions, matched(three.partitions)).data[0].link
    assert sum(link.value) == 500 * (len(three.partitions) - 1)
    assert max(link.target) == sum(part.k for part in three.partitions) - 1


def test_the_silhouette_plot_has_every_point_once(three):
    part, colours = three.partitions[2], matched(three.partitions)[2]
    *clusters, mean = sweep_figures.silhouettes(part, colours).data
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
