"""Choose K with weights of rows, compared with tables that repeat rows."""

from itertools import combinations

import numpy as np
import pytest

from clustering import KMeans, fit, principal_components, within_groups
from pages.choose_k import figures as sweep_figures
from pages.choose_k import sweep as sweep_module
from pages.choose_k.sweep import WEIGHTS_NOTE, Sweep
from pages.choose_k.verdict import INFORMATION, KVerdict, verdict_of
from pages.methods import method
from pages.runs.known_groups import KnownGroups
from tests.pages.runs.test_row_weights import data_of, repeated, table

MAX_K = 4


def finished(data, name="kmeans", kinds=("data", "model"), **options):
    """A sweep with the results of these kinds of tasks."""
    sweep = Sweep.of(data, method(name).settings(3, data=data), MAX_K, 10, **options)
    for task in sweep.tasks:
        if task[0] in kinds and task[1] in sweep.axis.values:
            sweep.results[task] = sweep.run_task(task, lambda _: None)
    return sweep


@pytest.fixture(scope="module")
def both():
    """Verdicts with weights and with repeated rows, with the same reference data, which are not those of the app."""
    sweeps = finished(data_of()), finished(repeated())
    for sweep in sweeps:
        sweep.results |= {
            ("reference", k, b): sweeps[0].run_task(("reference", k, b), silent) for k in range(1, 5) for b in range(5)
        }
    return tuple(map(KVerdict, sweeps))


def silent(_):
    pass


def test_losses_and_criteria_equal_those_of_a_table_that_repeats_rows(both):
    ours, theirs = both
    np.testing.assert_allclose([one.loss for one in ours.best_runs], [one.loss for one in theirs.best_runs], rtol=1e-9)
    assert set(ours.criteria) == set(theirs.criteria) == {"elbow", "silhouette", "gap", "calinski_harabasz", "davies_bouldin"}
    for name, criterion in ours.criteria.items():
        np.testing.assert_allclose(criterion.values, theirs.criteria[name].values, rtol=1e-9)
        assert criterion.choice == theirs.criteria[name].choice
        assert criterion.evidence == theirs.criteria[name].evidence
    assert ours.headline == theirs.headline
    assert {name for name, criterion in ours.criteria.items() if criterion.choice == 3} >= {"silhouette", "gap"}


def test_criteria_with_weights_differ_from_those_without(both):
    plain = KVerdict(finished(data_of(weight=None)))
    for k in (1, 2, 3):
        assert plain.best_runs[k].silhouette.mean != pytest.approx(both[0].best_runs[k].silhouette.mean, rel=1e-4)


def test_information_criteria_equal_those_of_a_table_that_repeats_rows():
    ours, theirs = (KVerdict(finished(data, "mixture")) for data in (data_of(), repeated()))
    compared = [
        ([getattr(one, name) for name in INFORMATION], [getattr(other, name) for name in INFORMATION])
        for one, other in zip(ours.information, theirs.information, strict=True)
        # with more parameters there are several optima, of which random starts may find another one
        if one.k < 3 or (one.k, one.model) == (3, "tied")
    ]
    assert len(compared) == 9
    np.testing.assert_allclose(*map(np.array, zip(*compared, strict=True)), rtol=1e-5)


def test_reference_data_have_the_weights_of_the_rows_and_lie_in_the_box_of_those_that_count():
    frame = table()
    frame.loc[0, ["x", "count"]] = 1000.0, 0
    sweep, others = finished(data_of(frame), kinds=()), data_of(frame.loc[frame.index.repeat(frame["count"])], weight=None)
    components = principal_components(others.points)
    points = sweep._reference(0)
    assert points.shape == sweep.data.points.shape
    scores, box = ((one - components.mean) @ components.axes.T for one in (points, others.points))
    assert (scores >= box.min(axis=0) - 1e-9).all()
    assert (scores <= box.max(axis=0) + 1e-9).all()
    result = sweep.run_task(("reference", 1, 0), silent)
    expected = np.repeat(points, frame["count"].to_numpy(), axis=0)
    assert result.within == pytest.approx(np.square(expected - expected.mean(axis=0)).sum())


def test_subsamples_contain_only_rows_that_count(monkeypatch):
    frame = table()
    frame["count"] = np.where(np.arange(60) >= 55, 2, 0)
    sweep = Sweep.of(data_of(frame), method("kmeans").settings(3), 8, 2)
    assert sweep.axis.values == (1, 2, 3, 4)
    assert sweep.resampled == (2, 3)
    for task in (("reference stability", 3, 0), ("reference", 4, 0)):
        sweep.run_task(task, silent)
    asked = []

    def agreement(n, cluster, pairs, rng, weights):
        asked.append((n, weights.tolist(), cluster(np.arange(4), rng).tolist()))
        return np.ones(pairs)

    monkeypatch.setattr(sweep_module, "subsample_agreement", agreement)
    sweep.run_task(("stability", 3), silent)
    [(n, weights, labels)] = asked
    assert (n, weights) == (5, [2.0] * 5)
    points = sweep.data.points[55:59]
    best = min(fit(KMeans(3), points, start=points[list(rows)]).loss for rows in combinations(range(4), 3))
    assert within_groups(points, labels) == pytest.approx(best)


def test_the_page_says_what_weights_change():
    view = method("mixture")
    sweep = Sweep.of(data_of(), view.settings(3), 3, 2)
    assert sweep.note == f"{view.weights_note(data_of())} {WEIGHTS_NOTE}"
    sweep = Sweep.of(data_of(), method("fuzzy").settings(3), 3, 2)
    assert sweep.note == "Fuzzy c-means ignores the weights of rows in column count."
    assert sweep.weights is None
    assert not Sweep.of(data_of(weight=None), view.settings(3), 3, 2).note


def test_a_method_that_ignores_weights_has_the_criteria_of_the_rows():
    ours, theirs = (verdict_of(finished(data, "fuzzy")) for data in (data_of(), data_of(weight=None)))
    for one, other in zip(ours.best_runs, theirs.best_runs, strict=True):
        assert one.loss == other.loss
        assert one.silhouette is None or one.silhouette.mean == other.silhouette.mean


def test_figures_show_weights(both):
    ours, theirs = both
    colors = [np.arange(best.k) for best in ours.best_runs]
    [one], [other] = (
        sweep_figures.flow(verdict.best_runs, colors, verdict.sweep.axis, verdict.sweep.weights).data for verdict in both
    )
    assert sorted(one.link.value) == pytest.approx(sorted(other.link.value))
    assert "weight" in one.link.customdata[0]
    assert "point" in other.link.customdata[0]
    best = ours.best_runs[2]
    bars = sweep_figures.silhouettes(best, np.arange(3)).data[:-1]
    heights = [bar.y[-1] - bar.y[0] for bar in bars]
    assert sorted(heights) == pytest.approx(
        sorted(theirs.best_runs[2].silhouette.widths.size * share for share in shares(best))
    )


def shares(best):
    sums = np.bincount(best.labels, table()["count"])
    return sums / sums.sum()


def test_agreement_with_known_groups_equals_that_of_repeated_rows():
    groups, clusters = np.arange(60) % 3, np.arange(60) // 20
    counts = table()["count"].to_numpy()
    ours = KnownGroups.of(groups, clusters, counts.astype(float))
    theirs = KnownGroups.of(np.repeat(groups, counts), np.repeat(clusters, counts))
    for name in ("adjusted_rand", "v_measure", "homogeneity", "completeness", "fowlkes_mallows", "purity"):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name))
    np.testing.assert_array_equal(ours.confusion.counts, theirs.confusion.counts)
