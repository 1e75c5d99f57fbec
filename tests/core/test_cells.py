"""K-means by cells: cells and their bounds by hand, and the same runs as point by point."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustering import History, KMeans, fit, iterate
from clustering.cells import CellLabels, assign_by_cells, cells_pay, grid_cells
from tests.core.tables import examples, seeds, tables

SIDE = 2.0**-20


@pytest.fixture(params=[1, 4, 1000], ids="{} per cell".format)
def always(monkeypatch, request):
    """Use cells for any data. With 1000 points per cell all cells are loose at first."""
    monkeypatch.setattr("clustering.cells.PER_CELL", request.param)
    use_cells(monkeypatch)


def use_cells(patch):
    patch.setattr("clustering.cells.cells_pay", lambda d, n, k: True)
    patch.setattr("clustering.cells.MAX_LOOSE", 1.0)


def run_of(k, points, cells, **options):
    """All states of a run, by cells or point by point."""
    prepared = KMeans(k).prepare(points)
    prepared = prepared._replace(cells=grid_cells(prepared.columns) if cells else None)
    states = list(iterate(KMeans(k), prepared, **options))
    assert all(isinstance(state.assignment.found, CellLabels) == cells for state in states)
    return states


def assert_same_runs(k, points, **options):
    """Compare every state of a run by cells with the run point by point."""
    one, other = (run_of(k, points, cells, **options) for cells in (True, False))
    prepared = KMeans(k).prepare(points)
    margin = 1e-12 * prepared.total + len(points) * prepared.rounding
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.labels, b.labels)
        np.testing.assert_array_equal(a.assignment.sizes, b.assignment.sizes)
        assert a.assignment.sizes.dtype.kind == "i"
        assert a.assignment.changed == b.assignment.changed
        assert a.loss == pytest.approx(b.loss, rel=1e-11, abs=margin)
        assert (a.converged, a.notices) == (b.converged, b.notices)
    return one


def groups(n, d, k, seed, spread=1.0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-5, 5, size=(k, d))[rng.integers(k, size=n)] + spread * rng.standard_normal((n, d))


# cells


def test_cells_hold_each_point_once_and_know_its_sums_and_bounding_boxes(monkeypatch):
    monkeypatch.setattr("clustering.cells.PER_CELL", 1)
    # four groups of points around the corners of a square, and a group of one
    columns = np.array([[0.0, 9.0, 1.0, 9.0, 0.0, 0.0, 9.0], [0.0, 0.0, 0.0, 9.0, 9.0, 1.0, 9.0]])
    cells = grid_cells(columns)
    np.testing.assert_array_equal(columns[:, cells.order], cells.columns)
    by_corner = {tuple(mass[1:]): (mass[0], middle, width) for mass, middle, width in zip(
        cells.masses.T, cells.middles.T.tolist(), cells.widths, strict=True
    )}  # fmt: skip
    assert by_corner == {
        (1, 1): (3, [0.5, 0.5], np.sqrt(2)),  # (0, 0), (1, 0), (0, 1)
        (9, 0): (1, [9, 0], 0),
        (0, 9): (1, [0, 9], 0),
        (18, 18): (2, [9, 9], 0),
    }


@examples(100)
@given(points=tables(), per_cell=st.sampled_from([1, 3, 16]))
def test_every_point_is_in_one_cell_and_within_its_bounding_box(points, per_cell):
    columns = np.ascontiguousarray(points.T)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clustering.cells.PER_CELL", per_cell)
        cells = grid_cells(columns)
    assert sorted(cells.order) == list(range(len(points)))
    assert cells.counts.sum() == len(points)
    np.testing.assert_array_equal(cells.begins, np.append(0, cells.counts.cumsum()[:-1]))
    assert len(cells.counts) <= max(1, len(points) / per_cell)
    cell = np.repeat(np.arange(len(cells.counts)), cells.counts)
    away = np.sqrt(np.square(cells.columns - cells.middles[:, cell]).sum(axis=0))
    assert (2 * away <= cells.widths[cell] * (1 + 1e-12) + 1e-15 * np.abs(points).max()).all()


def test_an_outlier_does_not_put_all_other_points_into_one_cell():
    points = np.random.default_rng(0).normal(size=(2000, 2))
    points[8] = 1e9
    cells = grid_cells(np.ascontiguousarray(points.T))
    assert len(cells.counts) > 60
    assert np.median(cells.widths) < 1


@pytest.mark.parametrize("scale", [1e-9, 0.0])
def test_a_column_much_narrower_than_a_cell_is_not_divided(scale):
    points = np.random.default_rng(0).uniform(size=(1600, 2)) * [1.0, scale]
    cells = grid_cells(np.ascontiguousarray(points.T))
    assert 90 <= len(cells.counts) <= 100
    assert cells.widths.max() < 0.04  # the two outer ones hold 2 percent each


def test_cells_pay_for_many_points_in_few_dimensions_and_few_clusters():
    assert cells_pay(2, 100_000, 8)
    assert cells_pay(1, 100_000, 8)
    assert cells_pay(3, 1_000_000, 8)
    assert not cells_pay(1, 1_000, 3)
    assert not cells_pay(3, 50_000, 8)
    assert not cells_pay(4, 10_000_000, 2)
    assert not cells_pay(2, 100_000, 1)
    assert not cells_pay(2, 100_000, 1_000)


# assignments by hand


def nearest_on_a_line(centers, asked):
    """Nearest centers of points on a line; `asked` collects the rows that `rows` returns for all of them."""

    def nearest(columns, squares, rows):
        np.testing.assert_array_equal(squares, columns[0] ** 2)
        if rows is not None:
            asked.append(rows(np.arange(columns.shape[1])).tolist())
        distances = np.sort(np.abs(columns[0] - np.array(centers)[:, None]), axis=0)
        return np.abs(columns[0] - np.array(centers)[:, None]).argmin(axis=0), distances[1] - distances[0]

    return nearest


def test_only_points_of_cells_between_two_centers_are_evaluated(monkeypatch):
    monkeypatch.setattr("clustering.cells.PER_CELL", 4)
    # four cells of four points; centers at 0 and 13 meet at 6.5
    columns = np.array([[0.0, 1, 2, 3, 13, 12, 11, 10, 15, 14, 9, 8, 7, 6, 5, 4]])
    monkeypatch.setattr("clustering.cells.np.quantile", lambda *args, **options: np.array([[-0.5], [15.5]]))
    cells, asked, zeros = grid_cells(columns), [], np.zeros(2)
    assert cells.counts.tolist() == [4, 4, 4, 4]
    first, sizes, sums, changed = assign_by_cells(cells, None, zeros, zeros + 1e-6, nearest_on_a_line([0, 13], asked))
    assert first.labels.tolist() == [0] * 4 + [1] * 6 + [1, 1, 1, 0, 0, 0]
    assert asked == [[12, 13, 14, 15]]  # 7, 6, 5, 4
    assert (sizes.tolist(), sums.tolist(), changed) == ([7, 9], [[21.0], [99.0]], 16)
    # centers at 4 and 21 meet at 12.5: the cell 4..7 is whole again and the cell 12..15 is loose
    drift = np.array([12.0, 12.0])
    second, sizes, sums, changed = assign_by_cells(cells, first, drift, drift + 1e-6, nearest_on_a_line([4, 21], asked))
    assert second.labels.tolist() == [0] * 4 + [1, 0, 0, 0, 1, 1] + [0] * 6
    assert (sizes.tolist(), sums.tolist(), changed) == ([6, -6], [[57.0], [-57.0]], 6)
    assert asked[1:] == [[4, 5, 8, 9]]
    assert second.loose.rows.tolist() == [12, 13, 14, 15]
    # the same centers again: no cell and no point is evaluated
    third, _, _, changed = assign_by_cells(cells, second, drift, drift + 1e-6, lambda *args: pytest.fail("evaluated"))
    assert (third.labels.tolist(), changed) == (second.labels.tolist(), 0)
    assert first.labels.tolist() == [0] * 4 + [1] * 6 + [1, 1, 1, 0, 0, 0]  # not modified


def test_too_many_points_in_loose_cells_are_left_to_a_search_point_by_point(monkeypatch):
    monkeypatch.setattr("clustering.cells.cells_pay", lambda d, n, k: True)
    points = groups(200, 2, 4, 0, spread=3.0)
    states = list(iterate(KMeans(12), points, start=points[:12]))
    assert not any(isinstance(state.assignment.found, CellLabels) for state in states)
    few = list(iterate(KMeans(2), np.repeat([[0.0, 0], [9, 9], [0, 9]], 60, axis=0), start=[[0, 0], [9, 9.5]]))
    assert all(isinstance(state.assignment.found, CellLabels) for state in few)


# the same runs as point by point


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("n", "d", "k"), [(300, 1, 3), (700, 2, 5), (700, 2, 17), (600, 3, 6)])
def test_runs_by_cells_equal_runs_point_by_point(n, d, k, seed):
    points = groups(n, d, k, seed)
    states = assert_same_runs(k, points, start=points[:k])
    assert states[-1].converged


@examples(150)
@given(points=tables(), data=st.data(), seed=seeds, per_cell=st.sampled_from([1, 2, 5]))
def test_any_table_has_the_same_labels_in_every_iteration(points, data, seed, per_cell):
    k = data.draw(st.integers(1, len(points)))
    start = points[np.random.default_rng(seed).choice(len(points), k, replace=False)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clustering.cells.PER_CELL", per_cell)
        use_cells(patch)
        # rounding of sums decides ties in later iterations, so each state is compared with a full search
        method = KMeans(k)
        prepared = method.prepare(points)
        bare = prepared._replace(cells=None)
        states = list(iterate(method, prepared, start=start, max_iter=25))
        for state in states:
            full, loss = method.e_step(bare, state.parameters)
            assert isinstance(state.assignment.found, CellLabels)
            np.testing.assert_array_equal(state.labels, full.labels)
            np.testing.assert_array_equal(state.assignment.sizes, full.sizes)
            assert state.loss == pytest.approx(loss, rel=1e-9, abs=1e-12 * prepared.total + len(points) * prepared.rounding)
        for before, after in pairwise(states):
            assert after.assignment.changed == np.count_nonzero(before.labels != after.labels)
        assert states[0].assignment.changed == len(points)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("k", [2, 4, 9, 16])
def test_exact_ties_on_a_lattice_go_to_the_lowest_index(monkeypatch, k):
    monkeypatch.setattr("clustering.cells.CHUNK", 100)  # ties in every chunk, not only in the first
    # centers on a coarse lattice, some at the same place, so that many points are exactly between two or more of them
    rng = np.random.default_rng(k)
    points = rng.integers(-8, 9, size=(800, 2)).astype(float)
    prepared = KMeans(k).prepare(points)
    ties, before = 0, None
    for _ in range(8):
        centers = rng.integers(-1, 2, size=(k, 2)) * 4.0
        before, _ = KMeans(k).e_step(prepared, centers, before)
        distances = np.square(points[:, None] - centers).sum(axis=2)
        np.testing.assert_array_equal(before.labels, distances.argmin(axis=1))
        ties += np.count_nonzero((distances == distances.min(axis=1)[:, None]).sum(axis=1) > 1)
    assert isinstance(before.found, CellLabels)
    assert ties > 100


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("offset", [1e8, -1e8, np.array([1e8, -3.0])])
def test_a_far_offset_does_not_change_the_labels(offset):
    points = np.random.default_rng(0).integers(-50, 50, size=(400, 2)).astype(float)
    one = assert_same_runs(5, points + offset, start=points[:5] + offset)
    np.testing.assert_array_equal(one[-1].labels, fit(KMeans(5), points, start=points[:5]).labels)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("move", [0.0, 1e-9, 1e-3, 3.0, 1e6])
def test_a_previous_assignment_by_any_centers_does_not_affect_the_result(move):
    rng = np.random.default_rng(1)
    points, centers, before = groups(500, 2, 4, 1), rng.normal(size=(6, 2)), None
    method = KMeans(6)
    prepared = method.prepare(points)
    for _ in range(6):
        centers = centers + move * rng.normal(size=(6, 2))
        before, loss = method.e_step(prepared, centers, before)
        full, expected = method.e_step(prepared._replace(cells=None), centers)
        np.testing.assert_array_equal(before.labels, full.labels)
        np.testing.assert_array_equal(before.sizes, full.sizes)
        np.testing.assert_allclose(before.sums, full.sums, atol=1e-9)
        assert loss == pytest.approx(expected, rel=1e-11)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("empty", [1, 2, 4])
def test_empty_clusters_are_refilled_with_the_same_points(empty):
    points = groups(300, 2, 3, 2)
    start = np.vstack([points[: 5 - empty], np.full((empty, 2), 1e3) + np.arange(empty)[:, None]])
    states = assert_same_runs(5, points, start=start)
    assert np.count_nonzero(states[0].assignment.sizes == 0) == empty
    assert states[-1].assignment.sizes.all()


@pytest.mark.usefixtures("always")
def test_duplicates_constant_columns_one_cluster_and_one_cluster_per_point_run_as_point_by_point():
    points = groups(60, 2, 3, 3)
    assert_same_runs(3, np.repeat(points, 7, axis=0), start=points[:3])
    assert_same_runs(3, np.column_stack([points, np.full(60, 1e15)]), start=np.column_stack([points[:3], np.full(3, 1e15)]))
    assert_same_runs(1, points, start=points[:1])
    assert_same_runs(60, points, start=points)
    assert_same_runs(2, np.ones((30, 2)), start=[[1.0, 1], [2, 2]])
    assert_same_runs(256, groups(600, 2, 3, 3), start=groups(600, 2, 3, 3)[:256])
    assert_same_runs(3, points * 1e-149, start=points[:3] * 1e-149)
    assert_same_runs(2, points * 1e-149, start=[[0.0, 0.0], [1e149, 0.0]])


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("width", [SIDE, SIDE**2])
def test_the_loss_of_clusters_much_tighter_than_the_data_is_accurate(width):
    within = np.random.default_rng(0).integers(-9, 10, size=(120, 2)) * width
    labels = np.repeat([0, 1, 2], 40)
    points = np.array([[-1.0, 0.0], [1.0, 0.0], [0.5, 2.0]])[labels] + within
    exact = sum(np.square(within[labels == k] - within[labels == k].mean(axis=0)).sum() for k in range(3))
    assert assert_same_runs(3, points, start=points[[0, 40, 80]])[-1].loss == pytest.approx(exact, rel=1e-6, abs=0)


# large data, with the settings as they are


@pytest.fixture(scope="module")
def many():
    return groups(60_000, 2, 5, 4)


def test_large_data_use_cells_in_several_chunks_and_equal_a_run_point_by_point(monkeypatch, many):
    monkeypatch.setattr("clustering.cells.CHUNK", 1000)
    assert KMeans(5).prepare(many).cells is not None
    assert_same_runs(5, many, start=many[:5])


def test_a_search_by_cells_evaluates_few_points(many):
    states = run_of(5, many, cells=True, start=many[:5])
    assert len(states) > 5
    assert all(len(state.assignment.found.loose.rows) < 0.3 * len(many) for state in states)


def test_labels_are_computed_only_when_requested(monkeypatch, many):
    monkeypatch.setattr(CellLabels, "labels", property(lambda self: pytest.fail("labels were computed")))
    history = History.record(KMeans(5), many, start=many[:5])
    assert history.converged
    monkeypatch.undo()
    for t in (0, 2, -1):
        distances = np.square(many[:, None] - history.parameters[t]).sum(axis=2)
        np.testing.assert_array_equal(history.assignment_of_iteration(t).labels, distances.argmin(axis=1))


def test_prepared_data_get_cells_when_another_number_of_clusters_profits(many):
    prepared = KMeans(1000).prepare(many)
    assert prepared.cells is None
    again = KMeans(5).prepare(prepared)
    assert again.cells is not None
    assert KMeans(6).prepare(again).cells is again.cells
