"""The numbers in the figures of segments, against NumPy, pandas and SciPy."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import gaussian_kde

from pages.datasets.planes import column_plane
from pages.figures import palette, segment_plots
from pages.figures.segment_plots import FAINT, ColoredSegments, density_of
from tests.pages.checks import sample

NAMES = ("A <1>", "B%{y}", "C")


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    values = np.random.default_rng(2).normal(size=60) * 7
    values[[4, 9]] = np.nan
    return values


def groups(**options) -> ColoredSegments:
    labels = np.arange(60) % 4 - 1
    return ColoredSegments(labels, NAMES, (0, 2, 5), **options)


def chosen() -> np.ndarray:
    return np.arange(60) < 25


def test_points_outside_of_the_picked_segment_and_of_the_selection_are_faint():
    data, plane = sample(), column_plane(("x1", "x2"), 0, 1)
    everything = segment_plots.points(data, plane, groups())
    assert [len(trace.x) for trace in everything.data] == [0, 60]
    assert everything.data[1].marker.color[:4] == (palette.NEUTRAL, *map(palette.color_of, (0, 2, 5)))
    faint, picked = segment_plots.points(data, plane, groups(picked=1)).data
    np.testing.assert_allclose(picked.x, data.points[groups().labels == 1, 0])
    assert faint.marker.opacity == faint.unselected.marker.opacity == FAINT
    selected = segment_plots.points(data, plane, groups(picked=1, selected=chosen()))
    np.testing.assert_allclose(selected.data[1].y, data.points[:25, 1])
    assert "A &lt;1&gt;" in selected.data[1].customdata[1]


def test_many_points_are_painted_and_those_in_color_are_an_image_of_their_own(monkeypatch):
    monkeypatch.setattr(segment_plots, "MAX_MARKERS", 50)
    plane = column_plane(("x1", "x2"), 0, 1)
    assert len(segment_plots.points(sample(), plane, groups()).layout.images) == 1
    back, front = segment_plots.points(sample(), plane, groups(picked=0), "lasso").layout.images
    assert back.opacity < 1
    assert front.opacity is None
    assert back.sizex != front.sizex  # otherwise Plotly draws only one of them
    assert back.sizex == pytest.approx(front.sizex)


def test_the_bars_of_a_histogram_count_the_rows_in_color_by_segment_and_all_others(values):
    figure = segment_plots.histogram(values, groups(selected=chosen()), "value")
    edges = np.linspace(np.nanmin(values), np.nanmax(values), segment_plots.BINS + 1)
    bars = {trace.hovertemplate.split("<br>")[0]: np.array(trace.y) for trace in figure.data}
    labels, known = groups().labels, ~np.isnan(values)
    for name, rows in (
        ("B&#37;{y}", chosen() & (labels == 1)),
        ("No segment", chosen() & (labels < 0)),
        ("Other rows", ~chosen()),
    ):
        np.testing.assert_array_equal(bars[name], np.histogram(values[rows & known], edges)[0])
    assert sum(counts.sum() for counts in bars.values()) == known.sum()


def test_integers_have_a_bar_each_and_equal_values_a_single_one():
    np.testing.assert_array_equal(segment_plots.bin_edges(np.array([3.0, 5.0, 3.0])), [2.5, 3.5, 4.5, 5.5])
    assert len(segment_plots.bin_edges(np.full(4, 0.25))) == 2
    assert len(segment_plots.bin_edges(np.array([0.0, 0.5]))) == segment_plots.BINS + 1


def test_a_density_is_the_kernel_estimate_of_scipy_with_silvermans_bandwidth():
    values = np.random.default_rng(1).gamma(2, 3, 400)
    at = np.linspace(-5, 40, 201)
    q1, q3 = np.quantile(values, [0.25, 0.75])
    width = 0.9 * min(values.std(), (q3 - q1) / 1.34) * 400**-0.2
    expected = gaussian_kde(values, width / values.std(ddof=1))(at)
    np.testing.assert_allclose(density_of(values, at), expected, atol=2e-3 * expected.max())
    assert density_of(values, at).sum() * (at[1] - at[0]) == pytest.approx(1, abs=0.01)
    assert density_of(np.ones(5), at) is None


def test_boxes_have_the_quartiles_of_pandas_and_whiskers_that_end_at_values(values):
    figure = segment_plots.box_plot(values, groups(selected=chosen()), "value")
    boxes = [trace for trace in figure.data if trace.type == "box"]
    frame = pd.DataFrame(dict(value=values, label=groups().labels))
    described = frame[frame.label >= 0].groupby("label").value.describe()
    described.loc[3] = frame[chosen()].value.describe()
    for box, (_, row) in zip(boxes, described.iterrows(), strict=True):
        assert [box.q1[0], box.median[0], box.q3[0]] == pytest.approx(row[["25%", "50%", "75%"]].tolist())
        assert box.lowerfence[0] >= row["25%"] - 1.5 * (row["75%"] - row["25%"])
        assert {box.lowerfence[0], box.upperfence[0]} <= set(values)


def test_the_bars_of_categories_are_shares_of_the_known_values_in_each_segment():
    codes = np.random.default_rng(3).integers(-1, 3, 60)
    figure = segment_plots.category_bars(codes, ("no", "yes", "<b>"), groups(selected=chosen()), "answer")
    known = codes >= 0
    shares = pd.crosstab(groups().labels[known], codes[known], normalize="index")
    for i, trace in enumerate(figure.data[:3]):
        np.testing.assert_allclose(trace.y, shares.loc[i, list(trace.customdata)])
    selected = pd.Series(codes[known & chosen()]).value_counts(normalize=True)
    np.testing.assert_allclose(figure.data[3].y, selected[list(figure.data[3].customdata)])
    assert "&lt;b&gt;" in figure.data[0].x


def test_each_cell_of_the_heat_map_has_a_marker_with_its_column_and_segment():
    z = np.array([[1.0, 0.0, -1.0], [0.5, np.nan, 2.0]])
    figure = segment_plots.heat_map(z, [["a", "b", "c"], ["d", "–", "f"]], ["x", "x"], groups(picked=2))
    heat, cells = figure.data
    assert len(set(heat.y)) == 2
    for x, y, (j, i) in zip(cells.x, cells.y, cells.customdata, strict=True):
        assert (heat.y.index(y), heat.x.index(x)) == (j, i)
    assert [figure.layout.shapes[0].x0, figure.layout.shapes[0].x1] == [1.5, 2.5]


def test_lines_pass_through_the_medians_and_the_selected_rows_have_a_dotted_one():
    heights = np.array([[0.1, 0.5, 0.9], [0.2, 0.4, 0.6]])
    selected = np.array([0.3, 0.7]), ["5", "6"]
    figure = segment_plots.lines(heights, [["1", "2", "3"]] * 2, ["age", "age"], groups(picked=0), selected)
    np.testing.assert_array_equal([trace.y for trace in figure.data], [*heights.T, selected[0]])
    assert [trace.opacity for trace in figure.data] == [1, FAINT, FAINT, 1]
    assert [trace.line.dash for trace in figure.data] == ["solid"] * 3 + ["dot"]
    assert len(set(figure.data[0].x)) == 2
