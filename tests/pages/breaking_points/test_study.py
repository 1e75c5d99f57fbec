"""Where methods fail on deformed groups, without a page."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.cluster import KMeans as TheirKMeans
from sklearn.metrics import adjusted_rand_score

from pages.breaking_points import study as module
from pages.breaking_points.figures import scores_by_deformation
from pages.breaking_points.study import DEFORMATIONS, Case, Outcome, RemainingCases, ScoreCurve, Study
from pages.datasets import catalog

STRETCH, OVERLAP, NOISE = (DEFORMATIONS[title] for title in ("Stretch", "Overlap", "Noise"))


def curve(deformation, **means):
    return ScoreCurve("kmeans", deformation, {float(value[1:]): np.array([mean]) for value, mean in means.items()})


@pytest.mark.parametrize(
    ("deformation", "means", "point"),
    [
        (STRETCH, {"_1": 1.0, "_2": 0.9, "_4": 0.5, "_6": 0.1}, 2.5),
        (STRETCH, {"_1": 1.0, "_2": 0.7, "_4": 0.9, "_6": 0.1}, 1 + 0.2 / 0.3),  # the first time, although it recovers
        (STRETCH, {"_1": 0.7, "_2": 0.6}, 1.0),
        (STRETCH, {"_1": 1.0, "_2": 0.8}, None),
        (OVERLAP, {"_8": 1.0, "_6": 0.6}, 7.0),
    ],
)
def test_the_breaking_point_is_interpolated_where_the_mean_first_falls_below_the_threshold(deformation, means, point):
    assert curve(deformation, **means).breaking_point(0.8) == pytest.approx(point)


def test_a_breaking_point_at_zero_is_marked_too():
    broken = curve(NOISE, _0=0.7, _1=0.6)
    [*_, mark] = scores_by_deformation(NOISE, [broken], broken, 0.8).data
    assert (list(mark.x), list(mark.y)) == ([0.0], [0.7])


def test_a_curve_has_means_and_quantiles_without_failed_runs():
    one = ScoreCurve("kmeans", STRETCH, {1: np.array([0.0, 0.5, 1.0, np.nan]), 2: np.array([0.25])})
    np.testing.assert_allclose(one.means, [0.5, 0.25])
    np.testing.assert_allclose(one.band, [[0.1, 0.25], [0.9, 0.25]])


@pytest.mark.parametrize("deformation", DEFORMATIONS.values(), ids=list(DEFORMATIONS))
def test_deformations_are_settings_of_the_sample_and_begin_with_the_mildest(deformation):
    setting = next(one for one in catalog.SAMPLES[module.SAMPLE].settings if one.name == deformation.setting)
    assert all(setting.low <= value <= setting.high for value in deformation.values)
    assert list(deformation.values) == sorted(deformation.values, reverse=deformation.is_descending)
    study = Study(deformation, 300, 0)
    limits = [np.mean([study.limit(value, i) for i in range(5)]) for value in (deformation.values[0], deformation.values[-1])]
    assert limits[0] > 0.9
    assert limits[0] > limits[1] - 0.05


def test_a_run_is_the_best_of_ten_and_is_scored_without_noise():
    study = Study(NOISE, 100, 3)
    data = study.data(0.2, 1)
    outcome = study.outcome(Case(0.2, 1, "kmeans"), lambda state: None)
    theirs = TheirKMeans(3, n_init=50, random_state=0).fit(data.points)
    assert data.key == catalog.draw_sample("deformed", 100, 4, {"noise": 0.2}).key
    assert (data.labels == -1).sum() == 20
    known = data.labels >= 0
    assert outcome.agreement == pytest.approx(adjusted_rand_score(data.labels[known], theirs.labels_[known]), abs=1e-12)


@pytest.mark.parametrize(("deformation", "value"), [(OVERLAP, 2), (NOISE, 0.3), (DEFORMATIONS["Unequal sizes"], 16)])
def test_the_limit_is_the_classification_by_the_true_densities(deformation, value):
    study = Study(deformation, 200, 0)
    data = study.data(value, 0)
    values = {} if deformation is NOISE else {deformation.setting: value}
    truth = catalog.draw_sample("deformed", 5, 1, values).truth
    densities = [
        weight * multivariate_normal(mean, covariance).pdf(data.points)
        for weight, mean, covariance in zip(*truth, strict=True)
    ]
    known = data.labels >= 0
    expected = adjusted_rand_score(data.labels[known], np.argmax(densities, axis=0)[known])
    assert study.limit(value, 0) == pytest.approx(expected, abs=1e-12)


def test_a_stretch_breaks_k_means_but_not_a_mixture():
    study = Study(STRETCH, 100, 0)
    RemainingCases.of(study, ["kmeans", "mixture"], 1).resume(lambda *_: None)
    kmeans, mixture = study.curves(["kmeans", "mixture"], 1)
    assert 2.5 < kmeans.breaking_point(0.8) < 5
    assert mixture.breaking_point(0.8) is None


def test_runs_are_kept_and_only_missing_ones_are_added(monkeypatch):
    study = Study(STRETCH, 50, 0)
    monkeypatch.setattr(study, "outcome", lambda case, on_step: Outcome(case.number / 10))
    job = RemainingCases.of(study, ["kmeans"], 2)
    assert len(job.tasks) == 2 * len(STRETCH.values)
    assert [task.value for task in job.tasks[: len(STRETCH.values)]] == list(STRETCH.values)

    def stop(share, text):
        if len(job.results) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job.resume(stop)
    assert len(study.finished) == 3
    again = RemainingCases.of(study, ["kmeans", "mixture"], 2)
    assert len(again.tasks) == 4 * len(STRETCH.values) - 3
    again.resume(lambda *_: None)
    assert [len(scores) for scores in study.curves(["mixture"], 2)[0].scores.values()] == [2] * len(STRETCH.values)
    assert study.curves(["mixture"], 1)[0].means.tolist() == [0] * len(STRETCH.values)


def test_the_typical_data_set_has_the_median_score():
    study = Study(STRETCH, 50, 0)
    for number, score in enumerate([0.1, 0.9, 0.25, np.nan, 0.75]):
        study.finished[Case(2, number, "kmeans")] = Outcome(score)
    study.finished[Case(2, 9, "mixture")] = Outcome(0.55)
    assert study.typical(2, "kmeans") == 2  # the median of four is 0.5; on ties, the first


def test_a_run_that_cannot_be_done_has_its_reason(monkeypatch):
    def refuse(*arguments):
        raise ValueError("the points are too few")

    monkeypatch.setattr(module, "best_start", refuse)
    study = Study(STRETCH, 50, 0)
    RemainingCases.of(study, ["kmeans"], 1).resume(lambda *_: None)
    assert {outcome.error for outcome in study.finished.values()} == {"the points are too few"}
    assert study.curves(["kmeans"], 1) == []
