"""Restart studies: their runs, findings and figures."""

import base64
import io
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.distance import cdist

from clustering import adjusted_rand_index, centroid_index, match_clusters, proximity_matrix
from pages.datasets import catalog
from pages.datasets.data import PRECOMPUTED, Data
from pages.datasets.formatting import format_number
from pages.datasets.planes import column_plane, principal_plane
from pages.figures import palette
from pages.figures.thumbnails import thumbnail
from pages.methods import available_methods, base, method, settings
from pages.methods.base import NeedsPoints
from pages.methods.traits import RESTARTS
from pages.restarts import figures as restart_figures
from pages.restarts import study as study_module
from pages.restarts.examples import EXAMPLES
from pages.restarts.study import MAX_DIFFERENCE, RemainingRuns, RestartStudy
from pages.runs.cache import RecentCache
from pages.runs.run import make_run

REPEATABLE = {
    "kmeans": ["random", "k-means++", "plain k-means++", "maxmin", "k-means||"],
    "kmedoids": ["random", "k-means++", "plain k-means++", "maxmin", "build"],
    "fuzzy": ["random", "k-means++", "plain k-means++", "maxmin"],
    "bisecting": [""],
    "spectral": ["random", "k-means++", "plain k-means++", "maxmin"],
    "mixture": ["random", "k-means++", "plain k-means++", "maxmin", "k-means||", "k-means"],
}


def sample(name="three", n=200, **values):
    return catalog.draw_sample(name, n, 0, values)


def study_of(data, initializations=(), runs=0, method="kmeans", **options):
    study = RestartStudy.of(data, settings(method, data=data, **options), RecentCache())
    run_all(study, initializations, runs)
    return study


def run_all(study, initializations, runs, on_progress=lambda share, text: None):
    RemainingRuns.of(study, initializations, runs).resume(on_progress)


def findings_of(data, initializations=("random", "k-means++"), runs=20, **options):
    return study_of(data, initializations, runs, **options).findings(initializations, runs)


def finished(study):
    """The runs of each initialization, by seed."""
    initializations = {}
    for initialization, i in sorted(study.finished, key=lambda task: task[1]):
        initializations.setdefault(initialization, []).append(study.finished[initialization, i])
    return initializations


def count(study):
    return {initialization: len(runs) for initialization, runs in finished(study).items()}


def remaining(study, initializations, runs):
    """Number of remaining runs of each initialization."""
    tasks = RemainingRuns.of(study, initializations, runs).remaining
    return {initialization: sum(task[0] == initialization for task in tasks) for initialization in initializations}


def s1(**changes):
    table = catalog.read_table("s1")
    points = table.iloc[:, :2].to_numpy(dtype=float)
    labels = np.unique(table["label"], return_inverse=True)[1]
    return Data(**dict(key="s1", title="S1", columns=("x", "y"), points=points, labels=labels) | changes)


@pytest.fixture(scope="module")
def on_s1():
    """Half of the runs of the example."""
    return findings_of(s1(), EXAMPLES["s1"].initializations, 100, k=15)


@pytest.fixture(scope="module")
def on_a_grid():
    return findings_of(sample("grid", 270, side=3), ["random", "k-means++", "maxmin"], 40, k=9, seed=5)


@pytest.fixture(scope="module")
def by_mixtures():
    return findings_of(sample("overlap", 100), ["random", "k-means"], 8, method="mixture", k=4)


@pytest.fixture(params=["on_s1", "on_a_grid", "by_mixtures"])
def findings(request):
    return request.getfixturevalue(request.param)


def test_every_method_offers_its_repeatable_initializations():
    offered = {
        name: [initialization.name for initialization in view.repeatable] for name, view in available_methods(RESTARTS).items()
    }
    assert {name: offered[name] for name in REPEATABLE} == REPEATABLE
    assert all(offered.values())


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("kmeans", {}),
        ("kmedoids", {}),
        ("kmedoids", dict(update="swap", metric="manhattan")),
        ("mixture", dict(covariance="diagonal")),
        ("bisecting", {}),
        ("spectral", dict(width=2.0)),
    ],
    ids=str,
)
def test_run_i_equals_the_run_of_the_watch_page_with_seed_i(method, options):
    data, cache = sample(n=100), RecentCache()
    initializations = REPEATABLE[method]
    study = study_of(data, initializations, 2, method, k=4, seed=11, **options)
    assert list(finished(study)) == initializations
    for initialization, runs in finished(study).items():
        assert [run.seed for run in runs] == ([11] if initialization == "build" else [11, 12])
        for run in runs:
            watched = make_run(data, settings(method, 4, initialization, run.seed, **options), cache, lambda _: None)
            assert run.initialization == initialization == watched.settings.start.initialization
            np.testing.assert_array_equal(run.losses, watched.history.losses)
            np.testing.assert_array_equal(run.labels, watched.history.last.labels)
            np.testing.assert_array_equal(run.centers, watched.centers[-1] if watched.centers else np.empty((0, 2)))
            assert run.loss == watched.history.last.loss


def test_more_runs_keep_the_finished_ones():
    data = sample()
    study = study_of(data, ["random", "maxmin"], 4, seed=2)
    before = finished(study)
    assert remaining(study, ["random", "maxmin", "k-means++"], 7) == {"random": 3, "maxmin": 3, "k-means++": 7}
    messages = []
    run_all(study, ["random", "k-means++"], 7, lambda share, text: messages.append((share, text)))
    after = finished(study)
    assert len(after["random"]) == len(after["k-means++"]) == 7
    assert after["maxmin"] == before["maxmin"]
    assert all(a is b for a, b in zip(before["random"], after["random"], strict=False))
    new = [len(run.losses) for run in after["random"][4:]], [len(run.losses) for run in after["k-means++"]]
    # one message before each run, and one per state; the seven runs from k-means++ are computed together
    assert len(messages) == 10 + sum(new[0]) + max(new[1])
    assert messages[0] == (0, "Run 1 of 10, iteration 0.")
    assert [text for _, text in messages if text.startswith("Run 2 of")] == [
        f"Run 2 of 10, iteration {i}." for i in (0, *range(max(new[1])))
    ]
    assert messages[-1][1] == "Run 10 of 10, iteration 0."
    shares = [share for share, _ in messages]
    assert shares == sorted(shares)
    assert shares[-1] < 1
    at_once = finished(study_of(data, ["random"], 7, seed=2))["random"]
    assert [run.seed for run in after["random"]] == [run.seed for run in at_once] == list(range(2, 9))
    for a, b in zip(after["random"], at_once, strict=True):
        np.testing.assert_array_equal(a.losses, b.losses)
    messages.clear()
    run_all(study, ["random"], 5, lambda *what: messages.append(what))
    assert messages == []


class Stop(Exception):
    pass


def stop_at(message):
    def on_progress(share, text):
        if text == message:
            raise Stop

    return on_progress


@pytest.mark.parametrize(
    ("method", "message", "runs"),
    [
        ("kmedoids", "Run 6 of 12, iteration 1.", 5),
        ("kmeans", "Run 6 of 12, iteration 0.", 5),
        ("kmeans", "Run 2 of 12, iteration 2.", 1),  # all runs from maxmin are being computed
    ],
)
@pytest.mark.parametrize("new", [True, False], ids=["new job", "same job"])
def test_a_stopped_job_keeps_its_runs_and_can_be_resumed(method, message, runs, new):
    data = sample()
    at_once = finished(study_of(data, ["random", "maxmin"], 6, method))
    study = study_of(data, method=method)
    job = RemainingRuns.of(study, ["random", "maxmin"], 6)
    with pytest.raises(Stop):
        job.resume(stop_at(message))
    counts = {"random": (runs + 1) // 2, "maxmin": runs // 2}  # they take turns
    assert count(study) == {initialization: number for initialization, number in counts.items() if number}
    found = study.findings(["random", "maxmin"], 6)
    assert len(found.runs) == sum(solution.count for solution in found.solutions) == runs
    job = RemainingRuns.of(study, ["random", "maxmin"], 6) if new else job
    job.resume(lambda *_: None)
    assert count(study) == {"random": 6, "maxmin": 6}
    for initialization, runs in at_once.items():
        assert [run.seed for run in finished(study)[initialization]] == [run.seed for run in runs]
        for a, b in zip(finished(study)[initialization], runs, strict=True):
            np.testing.assert_array_equal(a.losses, b.losses)


def test_a_job_stopped_at_its_first_step_has_no_runs():
    study = study_of(sample())

    def stop(*_):
        raise Stop

    with pytest.raises(Stop):
        run_all(study, ["random"], 3, stop)
    assert study.finished == {}
    assert study.findings(["random"], 3) is None
    assert remaining(study, ["random"], 3) == {"random": 3}


def test_a_deterministic_initialization_has_one_run_only():
    study = study_of(sample(n=80), method="kmedoids")
    assert remaining(study, ["build", "random"], 10) == {"build": 1, "random": 10}
    run_all(study, ["build", "random"], 10)
    run_all(study, ["build", "random"], 12)
    assert count(study) == {"build": 1, "random": 12}
    assert remaining(study, ["build", "random"], 12) == {"build": 0, "random": 0}
    assert [row.runs for row in study.findings(["build", "random"], 12).scores] == [1, 12]


def test_results_beyond_the_memory_limit_are_rejected():
    wide = Data("wide", "Wide", tuple(f"x{i}" for i in range(400)), np.random.default_rng(0).normal(size=(20, 400)))
    study = study_of(wide, method="mixture", k=5)
    assert len(RemainingRuns.of(study, ["random"], 100).tasks) == 100
    with pytest.raises(
        ValueError, match=r"the results of 500 runs exceed the memory limit \(802,000 values each\): choose fewer runs"
    ):
        RemainingRuns.of(study, ["random", "maxmin", "k-means++", "plain k-means++", "k-means"], 100)


def test_findings_use_the_selected_initializations_and_number_of_runs():
    study = study_of(sample(), ["random", "maxmin", "k-means++"], 12)
    found = study.findings(["k-means++", "random", "plain k-means++"], 5)
    assert list(found.by_initialization) == ["k-means++", "random"]
    assert [run.seed for run in found.runs] == [1, 2, 3, 4, 5] * 2
    assert {run.initialization for run in found.runs} == {"k-means++", "random"}


def test_k_medoids_uses_a_sample_of_many_points_and_says_so(monkeypatch):
    monkeypatch.setattr(base, "MAX_POINTS_FOR_PROXIMITIES", 80)
    study = study_of(sample(n=100), method="kmedoids")
    assert "a sample of 80 of the 100 points" in study.inputs.note
    assert study.data.points.shape == (80, 2)


def test_runs_on_many_points_are_compared_on_the_same_sample(monkeypatch):
    monkeypatch.setattr(study_module, "MAX_COMPARED_POINTS", 80)
    study = study_of(sample(n=120), ["random"], 3)
    assert len(np.unique(study.compared_rows)) == 80
    labels = make_run(study.data, settings("kmeans"), RecentCache(), lambda _: None).history.last.labels
    np.testing.assert_array_equal(study.finished["random", 0].labels, labels[study.compared_rows])
    assert len(study_of(sample(n=80)).compared_rows) == 80


def test_distance_matrices_need_k_medoids():
    points = sample("round", 60).points
    data = Data("given", "Given", ("a", "b"), points, precomputed=proximity_matrix(points, "manhattan"), matrix_name="roads")
    for name in ("kmeans", "mixture"):
        with pytest.raises(NeedsPoints, match="roads"):
            study_of(data, method=name)
    found = findings_of(data, ["random", "build"], 10, method="kmedoids", metric=PRECOMPUTED)
    for run in found.runs:
        medoids = run.parameters
        assert run.loss == pytest.approx(data.precomputed[:, medoids].min(axis=1).sum())


def test_scores_summarize_the_runs_of_each_initialization(findings):
    least = min(run.loss for run in findings.runs)
    mixture = findings.settings.method == "mixture"
    assert [row.initialization for row in findings.scores] == list(findings.by_initialization)
    for row in findings.scores:
        runs = findings.by_initialization[row.initialization]
        losses = [run.loss for run in runs]
        assert row.runs == len(runs)
        assert row.best_loss == min(losses)
        assert row.mean_loss == pytest.approx(np.mean(losses))
        reaching = [loss <= (least + 1e-4 if mixture else 1.0001 * least) for loss in losses]
        assert row.best_loss_rate == pytest.approx(np.mean(reaching))
        assert row.mean_iterations == pytest.approx(np.mean([len(run.losses) - 1 for run in runs]))
        to = findings.best.centers if findings.true_means is None else findings.true_means
        indices = [centroid_index(run.centers, to) for run in runs]
        assert row.mean_centroid_index == pytest.approx(np.mean(indices))
        assert row.success_rate == pytest.approx(indices.count(0) / len(indices))
    assert max(row.best_loss_rate for row in findings.scores) > 0


def test_the_best_run_is_the_first_with_the_lowest_loss(findings):
    least = min(run.loss for run in findings.runs)
    assert findings.best.loss == pytest.approx(least, rel=1e-9)
    earlier = [run for run in findings.runs if run.seed < findings.best.seed]  # the initializations take turns
    assert all(run.loss > findings.best.loss for run in earlier)


def test_if_losses_are_equal_up_to_rounding_the_smallest_seed_is_best_everywhere():
    found = findings_of(sample(), ["random", "k-means++"], 20)
    lowest = min(found.runs, key=lambda run: run.loss)
    assert (lowest.seed, lowest.loss) != (1, found.best.loss)  # the lowest loss without regard to rounding
    assert found.ranked[:2] == [found.by_initialization[name][0] for name in ("random", "k-means++")]
    assert found.ranked[0] is found.best is found.solutions[0].best
    assert sorted(run.seed for run in found.ranked) == sorted(run.seed for run in found.runs)
    first = [bar.customdata[0] for bar in bars(restart_figures.histogram(found))]
    assert [tuple(which) for which in first] == [("random", 1), ("k-means++", 1)]
    bold = restart_figures.curves(found, 300).data[-1]
    assert tuple(bold.customdata[0]) == ("random", 1)


def test_ranked_runs_have_increasing_losses(findings):
    losses = np.array([run.loss for run in findings.ranked])
    assert (np.diff(losses) >= -1e-9 * np.abs(losses[1:])).all()
    assert losses[-1] > losses[0]


def test_losses_on_axes_are_written_as_in_sentences(on_s1):
    axes = [restart_figures.curves(on_s1, 300).layout.yaxis, *restart_figures.histogram(on_s1).select_xaxes()]
    assert "e+" in format_number(on_s1.best.loss)
    assert {(axis.exponentformat, axis.minexponent) for axis in axes} == {("e", 8)}


def test_true_means_need_as_many_true_groups_as_clusters():
    data = sample("outliers", 300, share=0.1)
    found = findings_of(data, ["random"], 2, k=3)
    np.testing.assert_allclose(found.true_means, [data.points[data.labels == g].mean(axis=0) for g in range(3)])
    assert findings_of(data, ["random"], 2, k=4).true_means is None
    assert findings_of(Data("x", "X", ("a", "b"), data.points), ["random"], 2, k=3).true_means is None


def test_without_true_means_the_reference_is_the_best_run():
    found = findings_of(sample("grid", 400, side=3), ["random"], 20, k=8)
    assert found.true_means is None
    assert found.centroid_index(found.best) == 0
    indices = [found.centroid_index(run) for run in found.runs]
    assert max(indices) > 0
    assert indices == [centroid_index(run.centers, found.best.centers) for run in found.runs]


def test_clusters_of_a_method_without_centers_are_compared_by_the_points_that_they_share():
    data = sample("rings", 60)
    found = findings_of(data, ["random"], 4, method="spectral", k=2)
    assert found.true_means is not None
    labels = data.labels.copy()
    labels[:3] = 1 - labels[:3]  # of 30 in each group
    run = replace(found.best, labels=labels)
    common, moved = [(labels == g) & (data.labels == g) for g in range(2)], np.arange(60) < 3
    for g in range(2):
        either = (labels == g) | (data.labels == g)
        assert found.distances(run)[g, g] == pytest.approx(1 - common[g].sum() / either.sum())
    assert (common[0] | common[1] | moved).all()
    assert found.centroid_index(run) == 0
    assert found.centroid_index(replace(run, labels=np.zeros(60, dtype=int))) == 1
    assert [len(part) for part in found.misplaced(run)] == [0, 0]
    alone = findings_of(replace(data, labels=None), ["random"], 4, method="spectral", k=2)
    assert alone.reference_name == "the best run"
    assert np.diag(alone.distances(alone.best)).tolist() == [0, 0]


def published(data, k=15, name="kmeans", **options):
    return method(name).published(data, settings(name, k, **options))


def test_published_results_are_shown_for_s1_with_fifteen_clusters_only():
    data = s1()
    known = published(data)
    assert known.initializations["random"].success_rate == "3%"
    assert set(known.initializations) == {"random", "plain k-means++", "maxmin"}
    assert known.source == "Fränti & Sieranoja 2019, Pattern Recognition 93, 95–112"
    assert published(data, seed=9, start="maxmin") == known
    scaled = (data.points - data.points.mean(axis=0)) / data.points.std(axis=0)
    assert published(data, 14) is None
    assert published(data, 15, "mixture") is None
    assert published(data, 15, "kmedoids") is None
    for other in (
        s1(points=scaled),
        s1(points=data.points[:, ::-1]),
        s1(points=data.points[:, :1]),
        s1(points=data.points[:-1], labels=data.labels[:-1]),
        sample("uniform", 5_000),
    ):
        assert published(other) is None


def test_results_on_s1_agree_with_published_ones(on_s1):
    random, plain, greedy, maxmin = on_s1.scores
    assert [row.initialization for row in on_s1.scores] == ["random", "plain k-means++", "k-means++", "maxmin"]
    assert 0.01 <= random.success_rate <= 0.08
    assert random.success_rate < plain.success_rate < greedy.success_rate
    assert random.success_rate < maxmin.success_rate
    assert greedy.success_rate > 0.5
    assert 1.7 <= random.mean_centroid_index <= 2.2
    assert on_s1.best.loss == pytest.approx(published(s1()).best_loss, rel=1e-6)
    assert random.best_loss_rate == random.success_rate  # on these data the lowest loss and the true groups coincide


def findings_of_example(name):
    example = EXAMPLES[name]
    values = {setting.name: example.data[f"{name}_{setting.name}"] for setting in catalog.SAMPLES[name].settings}
    data = catalog.draw_sample(name, example.data["n"], example.data["data_seed"], values)
    return findings_of(data, example.initializations, 40, k=example.k)


def test_on_a_grid_better_initializations_find_all_groups_more_often():
    random, plain, greedy, _ = findings_of_example("grid").scores
    assert random.success_rate < plain.success_rate < greedy.success_rate


def test_on_uniform_noise_no_solution_is_frequent():
    found = findings_of_example("uniform")
    assert len(found.solutions) > len(found.runs) / 2


def test_solutions_partition_the_runs_and_the_most_frequent_is_first(findings):
    solutions = findings.solutions
    assert sum(solution.count for solution in solutions) == len(findings.runs)
    for initialization, runs in findings.by_initialization.items():
        assert sum(solution.counts[initialization] for solution in solutions) == len(runs)
    assert all(sum(solution.counts.values()) == solution.count for solution in solutions)
    counts = [(-solution.count, solution.best.loss) for solution in solutions]
    assert counts == sorted(counts)
    assert len({(solution.best.initialization, solution.best.seed) for solution in solutions}) == len(solutions)
    assert findings.best.loss == pytest.approx(min(solution.best.loss for solution in solutions))


def test_runs_with_the_same_clusters_are_one_solution(on_a_grid):
    most, *_ = on_a_grid.solutions
    same = [run for run in on_a_grid.runs if adjusted_rand_index(run.labels, most.best.labels) > 0.9999]
    assert 1 < len(same) <= most.count < len(on_a_grid.runs)
    for a, b in combinations([solution.best.labels for solution in on_a_grid.solutions], 2):
        assert np.mean(match_clusters(a, b, 9)[a] != b) > MAX_DIFFERENCE


def test_solutions_have_the_colors_of_the_best_run_as_on_the_watch_page(on_a_grid):
    best = on_a_grid.best
    watched = make_run(
        on_a_grid.study.data, settings("kmeans", 9, best.initialization, best.seed), RecentCache(), lambda _: None
    )
    colors = on_a_grid.colors_of(best)
    np.testing.assert_array_equal(colors, watched.ranks[watched.history.last.labels])
    for solution in on_a_grid.solutions[:4]:
        own = on_a_grid.colors_of(solution.best)
        assert adjusted_rand_index(own, solution.best.labels) == 1
        index = centroid_index(solution.best.centers, best.centers)
        assert np.mean(own == colors) > 0.85 - 0.2 * index
        # swapping the colors of two clusters would not match more points
        for a in range(9):
            for b in range(a):
                swapped = np.where(own == a, b, np.where(own == b, a, own))
                assert np.count_nonzero(swapped == colors) <= np.count_nonzero(own == colors)


def bars(figure):
    return [trace for trace in figure.data if trace.type == "bar"]


def test_bars_count_the_runs_and_refer_to_their_best_run(findings):
    figure = restart_figures.histogram(findings)
    assert len(bars(figure)) == len(findings.by_initialization)
    for bar, (initialization, runs) in zip(bars(figure), findings.by_initialization.items(), strict=True):
        assert sum(bar.y) == len(runs)
        assert min(bar.y) > 0
        assert bar.marker.color == restart_figures.color_of_initialization(initialization)
        lost = 0
        for x, width, y, (named, seed) in zip(bar.x, bar.width, bar.y, bar.customdata, strict=True):
            half = width / 0.94 / 2 * (1 + 1e-9)
            within = [run for run in runs if abs(run.loss - x) <= half]
            chosen = next(run for run in runs if run.seed == seed)
            assert named == initialization
            assert chosen in within
            assert chosen.loss == pytest.approx(min(run.loss for run in within), rel=1e-9)
            lost += abs(len(within) - y)
        assert lost <= 1  # one run may lie on the edge between two bars


def test_all_bars_and_the_line_of_the_best_loss_are_within_the_axis(findings):
    figure = restart_figures.histogram(findings)
    for axis in figure.select_xaxes():
        low, high = axis.range
        assert low < findings.best.loss < high
        for bar in bars(figure):
            assert min(np.subtract(bar.x, np.divide(bar.width, 2))) >= low
            assert max(np.add(bar.x, np.divide(bar.width, 2))) <= high
    assert [shape.x0 for shape in figure.layout.shapes] == [findings.best.loss] * len(findings.by_initialization)


@pytest.mark.parametrize("name", ["three", "copies"])
def test_equal_runs_are_one_bar_and_one_solution(name):
    data = sample() if name == "three" else Data("copies", "Copies", ("a", "b"), np.ones((20, 2)))
    found = findings_of(data, ["random", "maxmin"], 10, k=1)
    for bar in bars(restart_figures.histogram(found)):
        assert list(bar.y) == [10]
        assert abs(bar.x[0] - found.best.loss) < bar.width[0]
        assert bar.customdata[0][1] == 1
    assert len(found.solutions) == 1
    assert [row.best_loss_rate for row in found.scores] == [1, 1]
    assert np.isfinite(restart_figures.curves(found, 300).layout.yaxis.range).all()


def test_every_point_of_the_curves_refers_to_its_run(findings):
    figure = restart_figures.curves(findings, 400)
    runs = {(run.initialization, run.seed): run for run in findings.runs}
    ends = set()
    named = [trace for trace in figure.data if trace.customdata is not None]
    assert len(named) == len(findings.by_initialization) + 1
    for trace in named:
        for t, loss, which in zip(trace.x, trace.y, trace.customdata, strict=True):
            run = runs[tuple(which)]
            assert run.losses[int(t)] == loss
            if t == len(run.losses) - 1:
                ends.add(tuple(which))
    assert ends == set(runs)  # every run can be clicked at its end


def test_curves_are_the_losses_of_the_runs(findings):
    figure = restart_figures.curves(findings, 400)
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    for trace, runs in zip(lines, findings.by_initialization.values(), strict=True):
        breaks = [i for i, x in enumerate(trace.x) if x is None]
        assert len(breaks) == len(runs)
        for begin, end, run in zip([0, *(i + 1 for i in breaks)], breaks, runs, strict=False):
            at = list(trace.x[begin:end])
            assert (at[0], at[-1]) == (0, len(run.losses) - 1)
            assert len(at) <= restart_figures.MAX_VERTICES
            assert list(trace.y[begin:end]) == run.losses[at].tolist()


def test_the_best_run_is_drawn_last_and_in_bold(findings):
    *others, best = restart_figures.curves(findings, 400).data
    which = (findings.best.initialization, findings.best.seed)
    assert {tuple(point) for point in best.customdata} == {which}
    assert best.y[-1] == findings.best.loss
    assert best.line.color == restart_figures.color_of_initialization(findings.best.initialization)
    assert best.line.width > max(trace.line.width or 0 for trace in others)


def test_every_initialization_has_its_own_color():
    names = {initialization for initializations in REPEATABLE.values() for initialization in initializations}
    assert len(set(map(restart_figures.color_of_initialization, names))) == len(names) == 8


def picture_of(found, plane):
    return thumbnail(found.study.data, plane, found.colors_of(found.best), found.best.centers)


def read_picture(uri):
    """Circles (k, 2), size, and image of the points as an RGBA array."""
    kind, content = uri.split(",")
    assert kind == "data:image/svg+xml;base64"
    root = ET.fromstring(base64.b64decode(content))
    inside = "{http://www.w3.org/2000/svg}"
    circles = [(float(c.get("cx")), float(c.get("cy"))) for c in root.iter(f"{inside}circle")]
    source = next(root.iter(f"{inside}image")).get("href")
    painted = np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))).convert("RGBA"))
    width, height = map(float, root.get("viewBox").split()[2:])
    return np.array(circles), (width, height), painted


def test_thumbnails_show_points_in_the_colors_of_their_clusters_and_the_centers(on_a_grid):
    data = on_a_grid.study.data
    plane = column_plane(data.columns, 0, 1)
    circles, (width, height), painted = read_picture(picture_of(on_a_grid, plane))
    assert circles.shape == (9, 2)
    centers = on_a_grid.best.centers
    for at, place, size in ((circles[:, 0], centers[:, 0], width), (circles[:, 1], -centers[:, 1], height)):
        assert at.min() >= 0
        assert at.max() <= size
        slope, offset = np.polyfit(place, at, 1)
        assert slope > 0
        np.testing.assert_allclose(slope * place + offset, at, atol=0.2)
    colors = on_a_grid.colors_of(on_a_grid.best)
    rows, columns, _ = painted.shape
    for (x, y), middle in zip(circles, centers, strict=True):
        i, j = int(y / height * rows), int(x / width * columns)
        around = painted[max(i - 12, 0) : i + 13, max(j - 12, 0) : j + 13].reshape(-1, 4).astype(float)
        color = around[around[:, 3] > 120, :3].mean(axis=0)
        mine = colors[np.square(data.points - middle).sum(axis=1).argmin()]
        distances = np.abs(palette.rgb([palette.color_of(rank) for rank in range(9)]) - color).sum(axis=1)
        assert distances.argmin() == mine


@pytest.mark.parametrize("d", [1, 3])
def test_thumbnails_work_with_one_or_many_features(d):
    data = sample("round", 150, d=d)
    found = findings_of(data, ["random"], 3)
    plane = principal_plane(data.points) if d > 2 else column_plane(data.columns, 0, 0)
    circles, _, painted = read_picture(picture_of(found, plane))
    assert circles.shape == (3, 2)
    assert np.isfinite(circles).all()
    assert painted[..., 3].max() > 100


def test_extra_centers_and_missed_groups_are_ringed_in_thumbnails(on_a_grid):
    poor = max(on_a_grid.runs, key=on_a_grid.centroid_index)
    extra, missed = on_a_grid.misplaced(poor)
    assert max(len(extra), len(missed)) == on_a_grid.centroid_index(poor) > 0
    nearest = cdist(poor.centers, on_a_grid.true_means)
    assert all(
        len(set(np.flatnonzero((poor.centers == place).all(axis=1))) & set(nearest.argmin(axis=0))) == 0 for place in extra
    )
    data = on_a_grid.study.data
    plane = column_plane(data.columns, 0, 1)
    numbers = on_a_grid.colors_of(poor)
    plain, *_ = read_picture(thumbnail(data, plane, numbers, poor.centers))
    ringed, *_ = read_picture(thumbnail(data, plane, numbers, poor.centers, extra, missed))
    assert len(ringed) == len(plain) + len(extra) + len(missed)
    assert [len(part) for part in on_a_grid.misplaced(on_a_grid.best)] == [0, 0]


def test_the_centroid_index_of_medoids_uses_the_distance_matrix():
    matrix = np.abs(np.subtract.outer(np.arange(6.0), np.arange(6.0)))
    layout = np.zeros((6, 2))  # uninformative
    data = Data("given", "Given", ("a", "b"), layout, precomputed=matrix, matrix_name="road lengths")
    found = findings_of(data, ["random"], 30, method="kmedoids", k=2)
    assert found.true_means is None
    for run in found.runs:
        assert found.centroid_index(run) == centroid_index(run.parameters[:, None], found.best.parameters[:, None])
    assert found.centroid_index(found.best) == 0
