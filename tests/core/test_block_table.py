"""Tables in blocks: what is rejected, with which sentence, and samples of rows."""

import dask.array as da
import dask.bag
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from dask import delayed

from clustering import (
    FuzzyCMeans,
    Gaussians,
    KMeans,
    KMedoids,
    ProbabilisticPCA,
    SoftKMeans,
    TreeCut,
    adjusted_rand_index,
    calinski_harabasz,
    entropies,
    fit,
    principal_components,
    proximity_matrix,
    sample_rows,
    silhouette,
    tree_of_points,
    uniform_reference,
)
from clustering.points import MAX_MAGNITUDE

POINTS = np.random.default_rng(0).normal(size=(100, 2))


def with_value(value, row=57, column=1):
    points = POINTS.copy()
    points[row, column] = value
    return da.from_array(points, chunks=(10, 2))


def text_in_one_file():
    def part(value):
        return pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, value]})

    meta = pd.DataFrame({"a": [0.0], "b": [0.0]})
    return dd.from_delayed([delayed(part)(4.0), delayed(part)("many")], meta=meta, verify_meta=False)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (with_value(np.nan), "points must be finite, but row 57, column 1 is nan$"),
        (with_value(-np.inf), "points must be finite, but row 57, column 1 is -inf$"),
        (with_value(np.inf, [93, 99], 0), r"points must be finite, but row 93, column 0 is inf \(and 1 more\)$"),
        (
            da.ma.masked_greater(da.from_array(POINTS, chunks=50), 2.0),
            r"points must be finite, but row 39, column 1 is nan$",
        ),
        (da.from_array(POINTS * 1e-151, chunks=50), "points must have a column with values above 1e-150"),
        (da.from_array(POINTS * [1e-151, 0] + [0, 7], chunks=50), "the largest value of column 0 is [0-9.]+e-151: multiply"),
        (with_value(2e150), "points must not exceed 1e.150, so that their squares do not overflow, but row 57, column 1"),
        (da.ones(10, chunks=5), r"points must have two dimensions \(n, d\), got 1"),
        (da.ones((0, 2), chunks=5), r"points must have at least one row and one column, got shape \(0, 2\)"),
        (da.ones((4, 0), chunks=5), r"points must have at least one row and one column, got shape \(4, 0\)"),
        (da.ones((4, 2), chunks=5).astype(str), "points must be numbers, but the array has the type <U"),
        (da.ones((4, 2), chunks=5).astype(complex), "points must be numbers, but the array has the type complex128"),
        (
            dd.from_pandas(pd.DataFrame({"a": [1.0, 2.0], "name": ["x", "y"]}), npartitions=1),
            "points must be numbers, but column 'name' has the type",
        ),
        (text_in_one_file(), "points must be numbers, but in block 1, column 'b' has the type (str|object)"),
        (dask.bag.from_sequence([1, 2]), "points must be a Dask array or dataframe of numbers, got Bag"),
        (da.from_array(POINTS[:3], chunks=2), r"k must lie in 1\.\.n=3, got 4"),
    ],
)
def test_a_table_that_is_not_valid_is_rejected_with_the_reason(data, message):
    with pytest.raises(ValueError, match=message):
        KMeans(4).prepare(data)


def test_the_limit_of_values_itself_is_accepted():
    assert KMeans(2).prepare(with_value(MAX_MAGNITUDE)).points.shape == (100, 2)


def test_a_file_that_has_vanished_is_named(tmp_path):
    for i in range(2):
        pd.DataFrame(POINTS, columns=["a", "b"]).to_parquet(tmp_path / f"{i}.parquet")
    frame = dd.read_parquet(tmp_path)
    (tmp_path / "1.parquet").unlink()
    with pytest.raises(ValueError, match=r"a file of the table has vanished \(.*1\.parquet.*\): restore it, or open"):
        KMeans(2).prepare(frame)


def test_a_block_that_fails_for_another_reason_is_reported():
    def broken(block):
        if block.size:
            raise KeyError("column b")
        return block

    data = da.from_array(POINTS, chunks=50).map_blocks(broken, meta=np.empty((0, 2)))
    with pytest.raises(ValueError, match=r"a block of the table cannot be computed \(KeyError: 'column b'\)"):
        KMeans(2).prepare(data)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: fit(FuzzyCMeans(2), x),
        lambda x: fit(SoftKMeans(2, 1.0), x),
        lambda x: fit(KMedoids(2), x),
        lambda x: fit(TreeCut(2), x),
        lambda x: fit(ProbabilisticPCA(1), x),
        lambda x: tree_of_points(x, "ward"),
        lambda x: proximity_matrix(x),
        lambda x: silhouette(x, np.zeros(100, dtype=int)),
        lambda x: silhouette(POINTS, x[:, 0].astype(int)),
        lambda x: calinski_harabasz(x, np.zeros(100, dtype=int)),
        lambda x: calinski_harabasz(POINTS, x[:, 0].astype(int)),
        lambda x: uniform_reference(x, np.random.default_rng(0)),
        lambda x: adjusted_rand_index(x[:, 0].astype(int), np.zeros(100, dtype=int)),
        lambda x: entropies(x),
        lambda x: Gaussians(np.ones(1), np.zeros((1, 2)), np.eye(2)[None]).log_joint(x),
        lambda x: fit(KMeans(2), POINTS, start=x[:2]),
    ],
)
def test_what_needs_all_points_in_memory_says_to_take_a_sample(call):
    with pytest.raises(ValueError, match=r"is a Dask array: take a sample with clustering\.sample_rows, or call compute\(\)"):
        call(da.from_array(POINTS, chunks=(50, 2)))


def test_samples_are_distinct_rows_in_order_and_independent_of_the_blocks():
    table = np.arange(200.0).reshape(100, 2)
    sample = sample_rows(table, 30, rng=1)
    assert (np.diff(sample[:, 0]) > 0).all()
    assert len(sample) == 30
    for rows in (7, 100):
        np.testing.assert_array_equal(sample_rows(da.from_array(table, chunks=(rows, 1)), 30, rng=1), sample)
    np.testing.assert_array_equal(sample_rows(da.from_array(table, chunks=9), 1000), table)
    with pytest.raises(ValueError, match="n must be an integer of at least 1, got 0"):
        sample_rows(table, 0)


@pytest.mark.parametrize("offset", [0.0, 1e7])
@pytest.mark.parametrize(("n", "d"), [(300, 3), (3, 5), (40, 1)])
def test_principal_components_are_those_in_memory(n, d, offset):
    points = np.random.default_rng(0).normal(size=(n, d)) * np.arange(1, d + 1) + offset
    data = da.from_array(points, chunks=(7, -1))
    expected, found = principal_components(points), principal_components(data)
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-15, atol=1e-15)
    np.testing.assert_allclose(found.variances, expected.variances, rtol=1e-8, atol=1e-12)
    used = expected.variances > 1e-12
    np.testing.assert_allclose(found.axes[used], expected.axes[used], atol=1e-7)
    projected = found.project(data, 1)
    assert isinstance(projected, da.Array)
    np.testing.assert_allclose(projected, expected.project(points, 1), atol=1e-6)


def test_new_points_on_dask_are_predicted_block_by_block():
    points = da.from_array(POINTS, chunks=(30, 2))
    frame = dd.from_pandas(pd.DataFrame(POINTS), npartitions=3)
    centers = POINTS[:3]
    expected = KMeans(3).predict(centers, POINTS)
    np.testing.assert_array_equal(KMeans(3).predict(centers, points), expected)
    np.testing.assert_array_equal(KMeans(3).predict(centers, frame), expected)
    assert KMeans(3).predict(centers, points).chunks == ((30, 30, 30, 10),)
    with pytest.raises(ValueError, match="points must have 2 columns like the centers, got 1"):
        KMeans(3).predict(centers, points[:, :1]).compute()
