"""Counts of points per pixel, and the extent of a plot, in memory and on blocks."""

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

from clustering import pixel_counts, quantile_extent
from clustering.pixels import PRECISION, _add_counts


def test_counts_by_hand():
    points = np.array([[0.0, 0.0], [4.0, 2.0], [1.0, 1.0], [1.9, 1.9], [-0.1, 1.0], [2.0, 2.1], [3.0, 0.5]])
    counts = pixel_counts(points, [0, 1, 0, 1, 0, 1, -1], [[0, 4], [0, 2]], (2, 4), 2)
    assert counts[0].tolist() == [[0, 0, 0, 0], [1, 1, 0, 0]]  # (1, 1) is at the upper edge of its pixel, counted from the top
    assert counts[1].tolist() == [[0, 1, 0, 1], [0, 0, 0, 0]]
    assert counts.dtype == np.uint32


@pytest.mark.parametrize("rows", [7, 1000])
def test_counts_agree_with_numpy_on_blocks_and_in_memory(rows):
    rng = np.random.default_rng(0)
    points, labels = rng.normal(size=(1000, 2)), rng.integers(-1, 3, size=1000)
    expected = [
        np.histogram2d(-points[labels == i, 1], points[labels == i, 0], bins=(9, 13), range=[[-1, 2], [-1.5, 1]])[0]
        for i in range(3)
    ]
    extent = [[-1.5, 1], [-2, 1]]
    np.testing.assert_array_equal(pixel_counts(points, labels, extent, (9, 13), 3), expected)
    blocks, of_blocks = da.from_array(points, chunks=(rows, 2)), da.from_array(labels, chunks=123)
    np.testing.assert_array_equal(pixel_counts(blocks, of_blocks, extent, (9, 13), 3), expected)
    np.testing.assert_array_equal(pixel_counts(blocks, labels, extent, (9, 13), 3), expected)
    everything = pixel_counts(blocks, None, extent, (9, 13))
    np.testing.assert_array_equal(everything, pixel_counts(points, None, extent, (9, 13)))
    assert everything.shape == (1, 9, 13)
    frame = dd.from_pandas(pd.DataFrame(points), npartitions=4)
    np.testing.assert_array_equal(pixel_counts(frame[frame[0] > -9], None, extent, (9, 13)), everything)


def test_counts_that_exceed_32_bits_are_widened():
    large = np.array([2**31, 5], dtype=np.uint32)
    assert _add_counts(large, large).tolist() == [2**32, 10]
    assert _add_counts(large, np.array([1, 1], dtype=np.uint32)).dtype == np.uint32


POINTS = np.zeros((4, 2))
SQUARE = [[0, 1], [0, 1]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((POINTS[:, :1], None, SQUARE, (2, 2)), "points must have two columns, got 1"),
        ((POINTS, None, [[0, 1], [1, 1]], (2, 2)), "extent must have a lower and a larger upper limit"),
        ((POINTS, None, [[0, 1], [0, np.nan]], (2, 2)), "extent must have a lower and a larger upper limit"),
        ((POINTS, None, [0, 1], (2, 2)), "extent must have a lower and a larger upper limit"),
        ((POINTS, None, SQUARE, (0, 2)), r"height, width and k must be integers of at least 1, got shape \(0, 2\) and k = 1"),
        ((POINTS, [0, 0, 0, 2], SQUARE, (2, 2), 2), r"labels must be one per point and lie in -1\.\.k-1=1"),
        ((POINTS, [0, 0, 0, -2], SQUARE, (2, 2), 2), r"labels must be one per point and lie in -1\.\.k-1=1"),
        ((POINTS, [0, 0, 0], SQUARE, (2, 2), 2), "labels must be (one per point|4 integers, one per point)"),
    ],
)
def test_arguments_that_are_not_valid_are_rejected(arguments, message):
    points, *others = arguments
    for each in (points, da.from_array(points, chunks=3)):
        with pytest.raises(ValueError, match=message):
            pixel_counts(each, *others)


def test_labels_need_points_in_blocks_of_known_size():
    frame = dd.from_pandas(pd.DataFrame(POINTS), npartitions=2)
    with pytest.raises(ValueError, match="the blocks of the points have an unknown size: use `points` of the prepared data"):
        pixel_counts(frame[frame[0] < 1], np.zeros(4, dtype=int), SQUARE, (2, 2))


@pytest.mark.parametrize("order", ["mixed", "sorted"])
def test_outliers_do_not_determine_the_extent(order):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(20_000, 2))
    points[:40] *= np.geomspace(1e3, 1e100, 40)[:, None]
    if order == "sorted":  # the blocks at the ends then have only extreme values
        points = points[np.argsort(points[:, 0])]
    expected = quantile_extent(points)
    assert (np.abs(expected) < 4).all()
    width = np.diff(expected).max()
    np.testing.assert_allclose(quantile_extent(da.from_array(points, chunks=(999, 1))), expected, atol=2 * PRECISION * width)


def test_the_extent_has_the_stated_quantiles_and_margin():
    points = np.random.default_rng(0).normal(size=(5_000, 1))
    low, high = np.quantile(points, [0.01, 0.99])
    expected = [[low - 0.2 * (high - low), high + 0.2 * (high - low)]]
    np.testing.assert_allclose(quantile_extent(points, 0.01, 0.2), expected)


def test_the_extent_does_not_go_far_beyond_all_values():
    points = np.linspace(0, 1, 1001)[:, None]
    for each in (points, da.from_array(points, chunks=100)):
        np.testing.assert_allclose(quantile_extent(each, 0.2, 1.0), [[-0.05, 1.05]], atol=1e-9)


@pytest.mark.parametrize(("value", "expected"), [(0.0, [-0.5, 0.5]), (1.0, [0.5, 1.5]), (-8.0, [-12, -4])])
def test_a_constant_column_gets_an_axis_around_its_value(value, expected):
    points = np.full((10, 1), value)
    for each in (points, da.from_array(points, chunks=3)):
        np.testing.assert_allclose(quantile_extent(each), [expected])


def test_a_column_that_is_nearly_constant_shows_the_others():
    points = np.zeros((1000, 1))
    points[0] = 10.0
    for each in (points, da.from_array(points, chunks=300)):
        np.testing.assert_allclose(quantile_extent(each), [[-0.5, 10.5]])


def test_values_that_are_not_finite_are_ignored_in_blocks():
    points = np.random.default_rng(0).normal(size=(1000, 2))
    missing = points.copy()
    missing[::10] = np.nan
    missing[:300, 1] = np.inf
    found = quantile_extent(da.from_array(missing, chunks=(100, 2)))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, quantile_extent(points), atol=0.5)
    with pytest.raises(ValueError, match="column 1 has no finite value"):
        quantile_extent(da.from_array(np.array([[1.0, np.nan]]), chunks=1))


@pytest.mark.parametrize(("outside", "margin"), [(0.5, 0), (-0.1, 0), (0.1, -1), (0.1, np.inf)])
def test_quantiles_and_margins_out_of_range_are_rejected(outside, margin):
    with pytest.raises(ValueError, match=r"outside must lie in 0\.\.0\.5 and margin must be at least 0"):
        quantile_extent(np.ones((3, 1)), outside, margin)
