"""Whether segments are found again: resamples clustered with the settings of a run, against the core and by hand."""

from itertools import islice

import numpy as np
import pytest

from clustering import KMeans, Stability, fit, resampled
from pages.methods import method, methods_for_points, settings
from pages.methods.traits import COMPARE
from pages.runs.cache import RecentCache
from pages.runs.resampling import SCHEMES, Resampling, schemes_for, summary, verdict
from pages.runs.run import make_run
from pages.runs.segments import Edit, segments_of
from tests.pages.checks import proximities, sample, silent


def segments_of_sample(name="kmeans", edits=(), data=None, **options):
    data = data or sample()
    return segments_of(make_run(data, settings(name, 3, data=data, **options), RecentCache(), silent), edits)


def resumed(segments, scheme="bootstrap", count=5):
    job = Resampling.of(segments, scheme, count)
    job.resume(lambda share, text: None)
    return job


def test_resamples_are_those_of_the_core():
    segments = segments_of_sample(seed=1)
    job = resumed(segments, count=3)
    expected = Stability.of(segments.labels)
    for task in range(3):
        rng = np.random.default_rng([1, 0, task])
        one = next(
            resampled(lambda rows, task=task: fit(KMeans(3, init="random"), sample().points[rows], rng=task).labels, 60, rng)
        )
        expected = expected.add(one)
    assert np.array_equal(job.stability.similarities, expected.similarities)
    assert np.array_equal(job.stability.together, expected.together)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", [view.name for view in methods_for_points(COMPARE).values()])
def test_clear_groups_come_again_with_every_method_and_scheme(name, scheme):
    job = resumed(segments_of_sample(name), scheme, 4)
    assert job.stability.resamples == 4
    # a method that finds the number of clusters may also find parts of the groups; with added noise, a component of a mixture
    # can cover the noise instead of a group
    means = job.stability.mean
    lowest = 0.4 if scheme == "noise" else 0.5
    assert (means.max() if method(name).traits.k == "found" else means.min()) > lowest
    assert len(job.remaining) == 0


def test_distance_matrices_are_resampled_but_not_disturbed_by_noise():
    segments = segments_of_sample("kmedoids", data=proximities())
    assert schemes_for(segments) == ["bootstrap", "subset"]
    assert resumed(segments).stability.resamples == 5


def test_edited_segments_are_compared_with_the_clusters_of_the_method():
    whole = resumed(segments_of_sample())
    merged = resumed(segments_of_sample(edits=[Edit("merge", (0, 1))]))
    assert len(merged.stability.mean) == 2
    assert merged.stability.mean[0] < whole.stability.mean.min()  # no cluster of the method is that large


def test_noise_left_out_by_hand_belongs_to_no_segment():
    job = resumed(segments_of_sample(edits=[Edit("drop", (0,))]))
    assert len(job.stability.mean) == 2
    assert np.isnan(job.stability.kept[job.labels < 0]).all()


def test_a_stopped_resampling_keeps_its_results_and_goes_on():
    segments = segments_of_sample()
    job = Resampling.of(segments, "bootstrap", 4)

    class Stop(Exception):
        pass

    def stop_after_two(share, text):
        if share >= 0.5:
            raise Stop

    with pytest.raises(Stop):
        job.resume(stop_after_two)
    assert job.stability.resamples == 2
    job.resume(lambda share, text: None)
    assert np.array_equal(job.stability.similarities, resumed(segments, count=4).stability.similarities)


def test_large_data_are_represented_by_a_sample(monkeypatch):
    monkeypatch.setattr("pages.runs.resampling.MAX_RESAMPLED_POINTS", 40)
    segments = segments_of_sample()
    job = resumed(segments)
    assert job.note == "A random sample of 40 of the 60 points is used."
    assert np.array_equal(job.labels, segments.labels[sample().sample_indices(40)])


def test_the_summary_states_how_often_each_segment_came_again():
    segments = segments_of_sample(edits=[Edit("rename", (0,), name="Left")])
    job = resumed(segments, "subset", 4)
    shares = [f"{share:.0%}" for share in job.stability.recovered / 4]
    expected = f"Found again: Left in {shares[0]}, Cluster 2 in {shares[1]} and Cluster 3 in {shares[2]} of 4 random halves."
    assert summary(segments, job) == expected
    assert summary(segments, Resampling.of(segments, "subset", 4)) == ""


@pytest.mark.parametrize(
    ("similarity", "text"),
    [(0.9, "highly stable"), (0.85, "highly stable"), (0.8, "stable"), (0.59, "not stable"), (0, "not stable")],
)
def test_verdicts_are_those_of_fpc(similarity, text):
    assert verdict(similarity) == text


def test_resamples_smaller_than_k_are_clustered_with_smaller_k():
    data = sample(n=6)
    segments = segments_of(make_run(data, settings("kmeans", 5), RecentCache(), silent))
    assert len(resumed(segments, count=10).stability.mean) == 5
    assert list(islice(resumed(segments, "subset", 3).results.values(), 3)) == [True] * 3
