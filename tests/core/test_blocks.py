"""Runs on Dask arrays: the same states as in memory, and what stays on the workers."""

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

from clustering import (
    GaussianMixture,
    Gaussians,
    History,
    KMeans,
    best_of,
    block_table,
    blocks,
    dask_tables,
    fit,
    iterate,
    notices,
    restarts,
)
from clustering.blocks import ALL_KEPT, NOTHING_KEPT, POINTS_KEPT, VALUES_KEPT
from clustering.kmeans import _assigned
from clustering.point_labels import PointLabels
from clustering.sampling import three_gaussians

COVARIANCES = ("full", "tied", "diagonal", "spherical")


@pytest.fixture(params=[ALL_KEPT, POINTS_KEPT, VALUES_KEPT, NOTHING_KEPT], ids=["all", "points", "values", "nothing"])
def kept(request, monkeypatch):
    """Runs a test with enough memory for everything, and for less."""
    if request.param < ALL_KEPT:
        monkeypatch.setattr(blocks, "size_of", lambda block: 2**60)
    if request.param == VALUES_KEPT:
        monkeypatch.setattr(blocks.Blocks, "kept_if_possible", lambda self, n, d: self)
    if request.param == NOTHING_KEPT:
        monkeypatch.setattr(blocks, "memory", lambda: 0)
    return request.param


def points(n=1_000, seed=0, d=2):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(6, d))[rng.integers(6, size=n)] * 6 + rng.normal(size=(n, d))


def in_blocks(array, rows=97):
    return da.from_array(array, chunks=(rows, -1))


def assert_same_history(process, array, data=None, **options):
    memory, dask = (History.record(process, each, **options) for each in (array, in_blocks(array) if data is None else data))
    assert len(memory) == len(dask)
    scale = np.abs(memory.losses).max()
    np.testing.assert_allclose(dask.losses, memory.losses, rtol=1e-11, atol=1e-14 * scale)
    np.testing.assert_allclose(dask.half_losses, memory.half_losses, rtol=1e-11, atol=1e-14 * scale)
    np.testing.assert_array_equal(dask.changed, memory.changed)
    np.testing.assert_allclose(dask.sizes, memory.sizes, rtol=1e-9)
    assert dask.notices == memory.notices
    for t in (0, len(memory) // 2, -1):
        np.testing.assert_array_equal(dask.assignment_of_iteration(t).labels, memory.assignment_of_iteration(t).labels)
    assert dask.last.converged == memory.last.converged
    return memory, dask


@pytest.mark.one_in(3)
@pytest.mark.parametrize("init", ["random", "k-means++", "plain k-means++", "maxmin", "k-means||"])
def test_k_means_has_the_same_states_as_in_memory_from_the_same_seed(init, kept):
    memory, dask = assert_same_history(KMeans(5, init=init), points(), rng=1, max_iter=6)
    np.testing.assert_allclose(dask.parameters[0], memory.parameters[0], atol=1e-12)
    np.testing.assert_allclose(dask.parameters[-1], memory.parameters[-1], atol=1e-12)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("covariance", COVARIANCES)
@pytest.mark.parametrize("init", ["k-means", "k-means++", "k-means||"])
def test_a_mixture_has_the_same_states_as_in_memory_from_the_same_seed(covariance, init):
    memory, dask = assert_same_history(GaussianMixture(4, covariance, init=init), points(), rng=1, max_iter=6)
    for one, other in zip(memory.parameters[-1], dask.parameters[-1], strict=True):
        np.testing.assert_allclose(other, one, atol=1e-9)
    memberships = dask.last.assignment.memberships
    assert isinstance(memberships, da.Array)
    np.testing.assert_allclose(memberships, memory.last.assignment.memberships, atol=1e-9)


def test_cells_of_large_blocks_give_the_same_states(kept):
    array = points(100_000)
    process, data = KMeans(4), in_blocks(array, 50_000)
    assert process.prepare(array).cells is not None
    assert len(process.prepare(data).blocks.counts) == 2
    assert_same_history(process, array, data, start=array[:4], max_iter=40)


def test_ties_are_resolved_as_in_memory():
    grid = np.array([[x, y] for x in range(12) for y in range(12)], dtype=float) + 1e6
    assert_same_history(KMeans(5), grid, in_blocks(grid, 7), start=grid[[0, 5, 60, 77, 143]])


@pytest.mark.parametrize("far", [[1e3], [1e3, 2e3, 3e3]])
def test_empty_clusters_get_the_farthest_points_of_all_blocks(far, kept):
    array = points(300)
    start = np.vstack([array[:3], [[x, x] for x in far]])
    memory, _ = assert_same_history(KMeans(len(start)), array, in_blocks(array, 31), start=start)
    assert (memory.sizes[0][3:] == 0).all()
    assert (memory.sizes[1] > 0).all()


def test_equally_far_points_for_empty_clusters_are_taken_in_the_order_of_rows():
    square = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0], [1.0, 1.0], [0.0, 0.0]])
    start = [[1.0, 1.0], [50.0, 50.0], [60.0, 60.0]]
    assert_same_history(KMeans(3), square, in_blocks(square, 2), start=start)


def test_tight_clusters_whose_loss_cancels_have_the_same_losses():
    rng = np.random.default_rng(0)
    array = rng.integers(3, size=(200, 2)) + 1e-6 * rng.normal(size=(200, 2))
    start = np.vstack([np.array([[x, y] for x in range(3) for y in range(3)], dtype=float), [[90.0, 90.0]]])
    assert_same_history(KMeans(10), array, in_blocks(array, 33), start=start)


def test_a_far_and_narrow_component_is_computed_from_differences_as_in_memory(kept):
    rng = np.random.default_rng(0)
    array = np.vstack([rng.normal(size=(300, 2)), [1e3, 0] + 1e-4 * rng.normal(size=(30, 2))])
    start = Gaussians(np.array([0.5, 0.5]), np.array([[0.0, 0.0], [1e3, 0.0]]), np.array([np.eye(2), 1e-8 * np.eye(2)]))
    process = GaussianMixture(2, floor=0)
    memory, _ = assert_same_history(process, array, in_blocks(array, 41), start=start, max_iter=5)
    assert memory.last.assignment.coefficients is None


def test_fewer_distinct_points_than_clusters_are_reported():
    array = np.repeat([[1.0, 2.0], [3.0, 4.0]], 30, axis=0)
    _, dask = assert_same_history(KMeans(3), array, in_blocks(array, 13), start=array[[0, 0, 59]])
    assert notices.FEWER_DISTINCT_POINTS in {notice.name for notice in dask.last.notices}
    prepared = KMeans(2).prepare(in_blocks(array, 13))
    assert not prepared.notices
    assert [notice.name for notice in KMeans(3).prepare(prepared).notices] == [notices.FEWER_DISTINCT_POINTS]


@pytest.mark.parametrize("init", ["k-means++", "maxmin", "k-means||", "random"])
def test_all_clusters_start_if_there_are_fewer_distinct_points(init):
    array = np.repeat([[1.0, 2.0], [3.0, 4.0]], 30, axis=0)
    assert_same_history(KMeans(4, init=init), array, in_blocks(array, 13), rng=0)


def test_a_constant_column_and_a_large_offset_do_not_matter():
    array = np.column_stack([points(400) * 1e-3 + 1e7, np.full(400, 0.1)])
    assert_same_history(KMeans(3), array, start=array[:3])
    memory, dask = (
        History.record(GaussianMixture(2), each, start=array[:2], max_iter=5) for each in (array, in_blocks(array))
    )
    np.testing.assert_allclose(dask.losses, memory.losses, rtol=1e-6)


def test_values_are_computed_without_those_of_before_after_a_limited_number_of_iterations(kept, monkeypatch):
    monkeypatch.setattr(blocks, "MAX_CHAIN", 2)
    assert_same_history(KMeans(5), points(), start=points()[:5])
    assert_same_history(KMeans(6, init="k-means++"), points(), rng=0)


def test_restarts_and_the_best_run_are_those_in_memory():
    array = points(300)
    memory, dask = (list(restarts(KMeans(4, init="random"), each, range(5))) for each in (array, in_blocks(array)))
    for one, other in zip(memory, dask, strict=True):
        np.testing.assert_allclose(other.losses, one.losses, rtol=1e-11)
    best = best_of(3, KMeans(4), in_blocks(array), rng=0)
    assert best.loss == pytest.approx(best_of(3, KMeans(4), array, rng=0).loss, rel=1e-11)


def test_labels_are_lazy_and_those_of_earlier_states_are_recomputed():
    array = points()
    states = list(iterate(KMeans(5), in_blocks(array), start=array[:5]))
    expected = [state.labels for state in iterate(KMeans(5), array, start=array[:5])]
    assert len(states) > 3
    assert all(state.assignment.found._tasks is None for state in states[:-1])
    assert states[-1].assignment.found._tasks is not None
    for state, labels in zip(states, expected, strict=True):
        assert isinstance(state.labels, da.Array)
        assert state.labels.chunks == in_blocks(array).chunks[:1]
        np.testing.assert_array_equal(state.labels, labels)


def test_a_dataframe_with_partitions_of_unknown_size_gives_the_same_states(kept):
    array = points(500)
    frame = dd.from_pandas(pd.DataFrame(array, columns=["a", "b"]), npartitions=4)
    frame = frame[frame["a"] > -1e9]  # Dask no longer knows how many rows there are
    assert_same_history(KMeans(4), array, frame, start=array[:4])
    some = array[array[:, 0] > 0]
    assert KMeans(2).prepare(frame[frame["a"] > 0]).points.shape == some.shape
    assert KMeans(2).prepare(frame).blocks.kept == kept


def test_long_partitions_are_divided(kept, monkeypatch):
    monkeypatch.setattr(dask_tables, "MAX_ROWS", 60)
    monkeypatch.setattr(block_table, "MAX_ROWS", 60)
    array = points(300)
    frame = dd.from_pandas(pd.DataFrame(array), npartitions=2)
    assert KMeans(2).prepare(frame).blocks.counts.tolist() == [50] * 6
    assert_same_history(KMeans(4), array, frame, start=array[:4])


def test_partitions_without_rows_are_skipped():
    frame = dd.from_pandas(pd.DataFrame({"a": np.arange(100.0)}), npartitions=10)
    array = np.arange(70.0, 100)[:, None]
    assert_same_history(KMeans(3), array, frame[frame["a"] >= 70], start=array[:3])


def test_columns_in_several_chunks_and_long_chunks_are_rearranged(monkeypatch):
    array = points(500, d=3)
    monkeypatch.setattr(dask_tables, "MAX_ROWS", 120)
    data = da.from_array(array, chunks=(300, 2))
    assert KMeans(2).prepare(data).blocks.counts.tolist() == [100, 100, 100, 100, 100]
    assert_same_history(KMeans(4), array, data, start=array[:4])


def test_integers_and_single_precision_are_accepted():
    array = np.random.default_rng(0).integers(-9, 9, size=(200, 2))
    assert_same_history(KMeans(3), array, in_blocks(array), start=array[:3])
    assert_same_history(KMeans(3), array.astype(np.float32), in_blocks(array.astype(np.float32)), start=array[:3])


def test_labels_can_initialize_a_mixture():
    array = points()
    labels = np.arange(len(array)) % 3
    expected = fit(GaussianMixture(3, init=labels), array, max_iter=3).loss
    for given in (labels, da.from_array(labels, chunks=50)):
        assert fit(GaussianMixture(3, init=given), in_blocks(array), max_iter=3).loss == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ValueError, match=r"labels must lie in 0\.\.k-1=1"):
        fit(GaussianMixture(2, init=labels), in_blocks(array))
    with pytest.raises(ValueError, match="labels must be 1000 integers, one per point, got int64 of shape"):
        fit(GaussianMixture(3, init=labels[1:]), in_blocks(array))


def test_prepared_points_can_be_reused_and_their_table_is_not_read_again(kept):
    calls = []

    def counted(block):
        if block.size:  # Dask calls it once with an empty array to find the type
            calls.append(1)
        return block

    array = points(400)
    data = in_blocks(array, 100).map_blocks(counted, meta=np.empty((0, 2)))
    prepared = KMeans(3).prepare(data)
    read = len(calls)
    last = fit(KMeans(3), prepared, start=array[:3])
    assert last.loss == pytest.approx(fit(KMeans(3), array, start=array[:3]).loss, rel=1e-12)
    if kept < POINTS_KEPT:
        assert len(calls) > read
    else:
        assert (read, len(calls)) == (4, 4)


def test_the_result_does_not_depend_on_the_scheduler():
    array = three_gaussians(500, np.random.default_rng(0)).points
    losses = []
    for scheduler in ("threads", "synchronous"):
        with dask.config.set(scheduler=scheduler):
            losses.append(fit(GaussianMixture(3), in_blocks(array), rng=0).loss)
    assert losses[0] == losses[1]


def test_what_is_known_about_all_points_is_the_same_as_in_memory():
    array = points(200)
    array[3] = [400, 0]  # the largest in the first of the blocks
    for process, names in ((KMeans(3), ("total", "max_square", "rounding")), (GaussianMixture(3), ("scale", "rounding"))):
        memory, dask = process.prepare(array), process.prepare(in_blocks(array))
        for name in ("origin", "points", "columns", *names):
            np.testing.assert_allclose(getattr(dask, name), getattr(memory, name), rtol=1e-12, atol=1e-12)


def test_a_column_whose_squares_underflow_is_accepted_beside_others():
    array = points(200) * [1e-151, 1.0]
    assert_same_history(KMeans(3), array, start=array[:3])


def test_bounds_in_single_precision_are_rounded_down_and_only_once():
    expiry = np.array([0.1, 1 / 3, 1e300, -1e300, 1e-300, -np.inf, 0.5])
    labels = PointLabels(np.zeros(7, dtype=np.uint8), expiry)
    compact = labels.compact()
    assert compact.expiry.dtype == np.float32
    assert (compact.expiry <= expiry).all()
    np.testing.assert_allclose(compact.expiry[:2], expiry[:2], rtol=2e-7)
    again = PointLabels(labels.labels, compact.expiry.astype(float)).compact()
    np.testing.assert_array_equal(again.expiry, compact.expiry)


def test_bounds_that_are_computed_again_count_from_the_drift_of_their_iteration():
    prepared, centers = KMeans(3).prepare(points(100))._replace(has_gaps=True), points(100)[:3]
    drift = np.array([1.0, 2.0, 3.0])
    first, later = (_assigned(prepared, None, centers, each)[0] for each in (np.zeros(3), drift))
    np.testing.assert_allclose(later.expiry - first.expiry, drift[first.labels])
