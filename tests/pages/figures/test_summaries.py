"""Figures of a data set before clustering, and the parts that they share with figures of runs."""

import base64
import html
import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from clustering import principal_components
from pages.datasets import cleaning, matrices
from pages.datasets.catalog import draw_sample
from pages.datasets.cleaning import Preparation
from pages.datasets.data import Data
from pages.datasets.formatting import escape_html
from pages.datasets.planes import column_plane, principal_plane
from pages.figures import palette, plots, summaries
from pages.figures.plots import imputed_values, name_labels, padded_extent, rings

HOSTILE = (
    "<b>bold</b>",
    "%{x} 100%",
    "<script>alert(1)</script>",
    "{y}",
    "a & <i>b</i> &lt;",
    "<a href='x'>",
    "**md** [l](u)",
    "<br>" * 9,
)


def data_of(points, **options):
    points = np.asarray(points, dtype=float)
    options = dict(columns=tuple(f"x{j}" for j in range(points.shape[1]))) | options
    return Data(key="key", title="title", points=points, **options)


def random_data(n=40, d=3, **options):
    return data_of(np.random.default_rng(0).normal(size=(n, d)), **options)


def hostile_data():
    """Data with imputed values whose column, row, label and group names contain markup."""
    n = len(HOSTILE)
    rng = np.random.default_rng(0)
    table = pd.DataFrame({name: rng.normal(size=3 * n) for name in HOSTILE})
    table.iloc[0, 0] = np.nan
    table["names"] = 3 * list(HOSTILE)
    table["kind"] = 3 * list(HOSTILE)
    return cleaning.prepare(table, "<u>title</u>", Preparation((*HOSTILE, "kind"), "kind", "names", missing="ppca"))


def hostile_matrix(n=len(HOSTILE)):
    points = np.random.default_rng(0).normal(size=(n, 2))
    matrix = np.linalg.norm(points[:, None] - points, axis=2)
    return matrices.matrix_data(matrix, [HOSTILE[i % len(HOSTILE)] for i in range(n)], "<u>", "<u>kind</u>")


def all_figures(data):
    """All figures of the data."""
    if data.precomputed is not None:
        return [
            summaries.scatter(data, column_plane(data.columns, 0, 1)),
            summaries.heat_map(data, np.arange(len(data.points))),
        ]
    components = principal_components(data.points)
    return [
        summaries.scatter(data, column_plane(data.columns, 0, len(data.columns) - 1)),
        summaries.scatter(data, principal_plane(data.points)),
        summaries.scatter_matrix(data, list(range(min(len(data.columns), 6)))),
        summaries.explained_variance(components),
        summaries.loadings(data, components),
    ]


def texts_of(part):
    """All strings in a figure."""
    if isinstance(part, dict):
        for value in part.values():
            yield from texts_of(value)
    elif isinstance(part, list):
        for value in part:
            yield from texts_of(value)
    elif isinstance(part, str):
        yield part


# Names with markup


@pytest.mark.parametrize("hostile", [hostile_data, hostile_matrix, lambda: hostile_matrix(200)])
def test_names_with_markup_never_become_a_tag_or_a_variable(hostile):
    shown = ""
    for figure in all_figures(hostile()):
        for text in texts_of(json.loads(figure.to_json())):
            rest = text.replace("<br>", "").replace("<extra></extra>", "")
            assert "<" not in rest
            assert ">" not in rest
            if text.endswith("<extra></extra>"):
                variables = {part.split("}")[0].split(":")[0] for part in text.split("%{")[1:]}
                assert variables <= {"customdata", "x", "y", "z", "text"}
            shown += text
    assert escape_html("<b>bold</b>") in shown


@pytest.mark.parametrize("name", HOSTILE)
def test_escaping_keeps_the_visible_name(name):
    assert html.unescape(escape_html(name)) == name
    assert "%{" not in escape_html(name)


def test_tooltips_and_labels_show_names_literally():
    data = hostile_data()
    figure = summaries.scatter(data, column_plane(data.columns, 1, 0))
    tooltips = [html.unescape(text) for text in figure.data[0].customdata]
    for name, text in zip(3 * HOSTILE, tooltips, strict=True):
        assert text.startswith(f"{name}<br><b>bold</b>: ")
        assert "<br>%{x} 100%: " in text
    assert html.unescape(figure.layout.xaxis.title.text) == "%{x} 100%"
    assert figure.data[0].hovertemplate == "%{customdata}<extra></extra>"
    data = data_of(data.points[:, :2], columns=data.columns[:2])
    figure = summaries.scatter(data, column_plane(data.columns, 1, 0))
    assert html.unescape(figure.data[0].hovertemplate).startswith("%{customdata}<br>%{x} 100%: %{x}<br><b>bold</b>: %{y}")
    figure = summaries.heat_map(hostile_matrix(), np.arange(len(HOSTILE)))
    assert [html.unescape(name) for name in figure.layout.xaxis.ticktext] == [
        name if len(name) <= 22 else name[:21] + "…" for name in HOSTILE
    ]
    assert html.unescape(figure.data[0].text[0][1]) == f"{HOSTILE[0]} – {HOSTILE[1]}"
    assert html.unescape(figure.data[0].colorbar.title.text) == "<u>kind</u>"


def test_row_names_that_end_like_scaled_columns_are_kept():
    data = matrices.matrix_data(np.ones((2, 2)) - np.eye(2), ["a (robust)", "a (0–1)"], "t")
    assert summaries.heat_map(data, np.arange(2)).layout.yaxis.ticktext == ("a (robust)", "a (0–1)")


# Scatter


def test_points_have_the_color_of_their_true_group_and_are_gray_without_one():
    data = random_data(4, 2, labels=np.array([1, -1, 0, 1]))
    marker = summaries.scatter(data, column_plane(data.columns, 0, 1)).data[0].marker
    assert list(marker.color) == [palette.COLORS[1], palette.NEUTRAL, palette.COLORS[0], palette.COLORS[1]]
    np.testing.assert_array_equal(marker.symbol, palette.SYMBOL_NUMBERS[[1, 0, 0, 1]])
    none = random_data(4, 2, labels=np.full(4, -1))
    assert set(summaries.scatter(none, column_plane(none.columns, 0, 1)).data[0].marker.color) == {palette.NEUTRAL}
    plain = random_data(4, 2)
    assert set(summaries.scatter(plain, column_plane(plain.columns, 0, 1)).data[0].marker.color) == {palette.NEUTRAL}


def test_points_are_at_their_coordinates_inside_the_axes():
    data = random_data(30, 3)
    figure = summaries.scatter(data, column_plane(data.columns, 2, 0))
    np.testing.assert_array_equal(np.column_stack([figure.data[0].x, figure.data[0].y]), data.points[:, [2, 0]])
    for axis, values in ((figure.layout.xaxis, figure.data[0].x), (figure.layout.yaxis, figure.data[0].y)):
        assert axis.range[0] < min(values) < max(values) < axis.range[1]


@pytest.mark.parametrize("n", [1, 2, 30, 31, 80])
@pytest.mark.parametrize("kind", ["constant", "huge", "tiny", "one column", "ordinary"])
def test_any_points_can_be_plotted(n, kind, monkeypatch):
    for module, name, value in (
        (plots, "MAX_HOVERABLE", 20),
        (summaries, "MAX_MARKERS", 30),
        (summaries, "MAX_PANEL_MARKERS", 90),
    ):
        monkeypatch.setattr(module, name, value)
    points = np.random.default_rng(0).normal(size=(n, 3))
    points = {
        "constant": np.full((n, 3), 0.1),
        "huge": points * 1e149,
        "tiny": points * 1e-200,
        "one column": points[:, :1],
        "ordinary": points,
    }[kind]
    data = data_of(points, labels=np.arange(n) % 3 - 1)
    figure = summaries.scatter(data, column_plane(data.columns, 0, data.points.shape[1] - 1))
    assert len(figure.data[0].x) == (n if n <= 30 else 20)
    assert len(figure.layout.images) == (n > 30)
    if kind != "one column":
        matrix = summaries.scatter_matrix(data, [0, 1, 2])
        assert len(matrix.layout.images) == 3 * (n > 30)
        matrix.to_json()


def test_many_points_are_painted_in_the_colors_of_their_groups():
    xy = np.repeat([[-1.0, -1.0], [1.0, 1.0]], 2000, axis=0)
    data = data_of(xy, labels=np.repeat([1, -1], 2000))
    image = summaries.scatter(data, column_plane(data.columns, 0, 1)).layout.images[0]
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(image.source.split(",")[1]))).convert("RGBA")).astype(int)
    height, width = pixels.shape[:2]
    positions = [[int(height * 21 / 22), int(width / 22)], [int(height / 22), int(width * 21 / 22)]]
    for (row, column), color in zip(positions, (palette.COLORS[1], palette.NEUTRAL), strict=True):
        np.testing.assert_allclose(pixels[row, column, :3], palette.rgb([color])[0], atol=25)


def test_axes_have_equal_scales_only_if_columns_have_the_same_unit():
    sample = draw_sample("three", 50, 0, {})
    assert summaries.scatter(sample, column_plane(sample.columns, 0, 1)).layout.yaxis.scaleanchor == "x"
    data = random_data(50, 2)
    assert summaries.scatter(data, column_plane(data.columns, 0, 1)).layout.yaxis.scaleanchor is None


def test_the_padded_extent_contains_the_points_at_the_given_aspect():
    xy = np.array([[0.0, 5.0], [10.0, 5.0], [4.0, 7.0]])
    assert padded_extent(xy) == pytest.approx((-0.5, 10.5, 4.9, 7.1))
    left, right, bottom, top = padded_extent(xy, 2.0)
    assert (right - left) / (top - bottom) == pytest.approx(2)
    assert left < 0 < 10 < right
    assert (bottom + top) / 2 == pytest.approx(6)
    assert padded_extent(xy[:2]) == pytest.approx((-0.5, 10.5, 4.45, 5.55))
    left, right, bottom, top = padded_extent(np.full((3, 2), 1e17))
    assert left < 1e17 < right
    assert bottom < 1e17 < top


# Imputed values


def imputed_data():
    points = np.array([[1.0, 2.0, 3.0], [4.0, -5.0, 6.0], [7.0, 8.0, 9.0]])
    imputed = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 0]], dtype=bool)
    deviations = np.where(imputed, [[0.0, 0.25, 0.0]], 0.0)
    return data_of(
        points, columns=("a", "<b>", "c"), imputed=imputed, deviations=deviations, names=np.array(["A", "B", "<i>"], object)
    )


@pytest.mark.parametrize("scaling", ["standardize", "range"])
def test_tooltips_of_scaled_columns_are_in_original_units(scaling):
    table = pd.DataFrame({"<b>income</b>": [39424.0, 36657, 49125], "age": [23.5, 27, 55], "e": 1.0, "f": 2.0, "g": 3.0})
    table["day"] = pd.to_datetime(["2023-02-20", "2022-01-08", None])
    table["last"] = [1.0, 2.0, 3.0]
    preparation = Preparation(tuple(table.columns), missing="median", scaling=scaling)
    data = cleaning.prepare(table, "People", preparation)
    trace, ring = summaries.scatter(data, principal_plane(data.points)).data
    assert trace.hovertemplate == "%{customdata}<extra></extra>"
    assert trace.customdata[0].split("<br>") == [
        "row 1",
        "&lt;b&gt;income&lt;/b&gt;: 39,424",
        "age: 23.5",
        *("e: 1", "f: 2", "g: 3", "day: 2023‑02‑20"),
    ]
    assert list(ring.customdata) == ["row 3<br>imputed: day 2022‑07‑31"]


def test_imputed_values_are_described_with_their_uncertainty():
    data = imputed_data()
    assert imputed_values(data, 0) == []
    assert imputed_values(data, 1) == ["imputed: <b> −5 ± 0.25", "imputed: c 6"]


def test_rings_mark_rows_with_imputed_values_and_describe_them():
    data = imputed_data()
    (ring,) = rings(data, data.points[:, :2])
    np.testing.assert_array_equal(np.column_stack([ring["x"], ring["y"]]), [[4, -5], [7, 8]])
    assert ring["customdata"] == ["B<br>imputed: &lt;b&gt; −5 ± 0.25<br>imputed: c 6", "&lt;i&gt;<br>imputed: a 7"]
    np.testing.assert_array_equal(summaries.scatter(data, column_plane(data.columns, 0, 1)).data[1].x, [4, 7])
    assert rings(random_data(), np.zeros((40, 2))) == []
    assert rings(data_of(np.eye(2), imputed=np.zeros((2, 2), dtype=bool)), np.eye(2)) == []


@pytest.mark.parametrize("painted", [False, True])
def test_rings_in_a_panel_mark_rows_with_an_imputed_value_in_its_columns(painted, monkeypatch):
    if painted:
        monkeypatch.setattr(summaries, "MAX_PANEL_MARKERS", 6)
    data = imputed_data()
    figure = summaries.scatter_matrix(data, [2, 0, 1])
    found = {
        (trace.xaxis, trace.yaxis): (list(trace.x), list(trace.y), [text.split("<br>", 1)[1] for text in trace.customdata])
        for trace in figure.data
        if trace.type == "scatter" and trace.marker.symbol == "circle-open"
    }
    b = "imputed: &lt;b&gt; −5 ± 0.25"
    assert found == {
        ("x4", "y4"): ([6, 9], [4, 7], ["imputed: c 6", "imputed: a 7"]),
        ("x7", "y7"): ([6], [-5], [f"imputed: c 6<br>{b}"]),
        ("x8", "y8"): ([4, 7], [-5, 8], [b, "imputed: a 7"]),
    }


# Names next to points


def test_points_of_a_distance_matrix_are_labeled_with_their_names():
    data = hostile_matrix()
    labels = name_labels(data, np.arange(2))
    assert labels["mode"] == "markers+text"
    assert labels["text"] == [escape_html(name) for name in HOSTILE[:2]]
    assert name_labels(hostile_matrix(plots.MAX_NAME_LABELS + 1), np.arange(2)) == {}
    assert name_labels(imputed_data(), np.arange(2)) == {}
    long = matrices.matrix_data(np.ones((2, 2)) - np.eye(2), ["&" * 30, "b"], "t")
    assert html.unescape(name_labels(long, np.arange(2))["text"][0]) == "&" * 21 + "…"


# Scatter-plot matrix


def test_correlations_agree_with_pandas():
    points = np.random.default_rng(0).normal(size=(50, 4)) @ np.random.default_rng(1).normal(size=(4, 4)) + 1e3
    figure = summaries.scatter_matrix(data_of(points * [1, 1e-9, 1e60, 1]), [0, 1, 2, 3])
    expected = pd.DataFrame(points).corr().to_numpy()
    upper = [expected[i, j] for i in range(4) for j in range(i + 1, 4)]
    assert [float(a.text.replace("−", "-")) for a in figure.layout.annotations] == pytest.approx(upper, abs=0.00501)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9 / 3, 1e17])
def test_a_constant_column_has_no_correlation(constant):
    points = np.column_stack([np.arange(7.0), np.full(7, constant), np.arange(7.0) * -2])
    assert [a.text for a in summaries.scatter_matrix(data_of(points), [0, 1, 2]).layout.annotations] == ["", "−1.00", ""]


def test_columns_with_a_very_narrow_range_are_shown():
    points = np.column_stack([np.arange(4.0), [0.3, 0.1 + 0.2, 0.3, 0.3], 2.0**53 + np.array([0, 2, 0, 0])])
    bars = [trace for trace in summaries.scatter_matrix(data_of(points), [0, 1, 2]).data if trace.type == "bar"]
    assert [sorted(bar.y)[-2:] for bar in bars] == [[1, 1], [1, 3], [1, 3]]


def test_panels_show_pairs_and_the_diagonal_counts_all_rows():
    data = random_data(30, 4, labels=np.arange(30) % 2)
    figure = summaries.scatter_matrix(data, [3, 0])
    panel = next(trace for trace in figure.data if trace.type == "scatter" and len(trace.x) == 30)
    np.testing.assert_array_equal(np.column_stack([panel.x, panel.y]), data.points[:, [3, 0]])
    assert list(panel.marker.color) == 15 * list(palette.COLORS[:2])
    for trace, j in zip([t for t in figure.data if t.type == "bar"], [3, 0], strict=True):
        low, high = padded_extent(data.points[:, [j, j]])[:2]
        counts, edges = np.histogram(data.points[:, j], bins=24, range=(low, high))
        np.testing.assert_array_equal(trace.y, counts)
        np.testing.assert_allclose(trace.x, (edges[1:] + edges[:-1]) / 2)
    assert [figure.layout[f"xaxis{k}"].title.text for k in (3, 4)] == ["x3", "x0"]


def test_panels_of_many_points_are_painted(monkeypatch):
    monkeypatch.setattr(summaries, "MAX_PANEL_MARKERS", 90)
    data = random_data(40, 3)
    figure = summaries.scatter_matrix(data, [0, 1, 2])
    assert [(image.xref, image.yref) for image in figure.layout.images] == [("x4", "y4"), ("x7", "y7"), ("x8", "y8")]
    assert max(len(trace.x) for trace in figure.data) == 24


def test_panels_of_very_many_points_show_a_sample(monkeypatch):
    monkeypatch.setattr(summaries, "MAX_PAINTED_ROWS", 100)
    figure = summaries.scatter_matrix(random_data(500, 2), [0, 1])
    assert [sum(trace.y) for trace in figure.data if trace.type == "bar"] == [100, 100]


def test_column_names_are_truncated_and_omit_the_scaling():
    data = random_data(9, 2, columns=("length (standardized)", "x" * 40 + " (robust)"))
    layout = summaries.scatter_matrix(data, [0, 1]).layout
    assert (layout.xaxis3.title.text, layout.xaxis4.title.text) == ("length", "x" * 21 + "…")


# Principal components


def test_explained_variance_is_shown_per_component_and_cumulatively():
    components = principal_components(random_data(60, 4).points * [4, 3, 2, 1])
    bars, line = summaries.explained_variance(components).data
    np.testing.assert_array_equal(bars.y, components.shares)
    np.testing.assert_allclose(line.y, np.cumsum(components.shares))
    assert line.y[-1] == pytest.approx(1)
    assert len(summaries.explained_variance(principal_components(random_data(60, 30).points)).data[0].x) == 20


def test_loadings_agree_with_the_components():
    data = random_data(60, 4, columns=("a (0–1)", "b", "b", "c"))
    components = principal_components(data.points)
    heat = summaries.loadings(data, components).data[0]
    np.testing.assert_array_equal(heat.z, components.axes.T)
    assert [name.strip() for name in heat.y] == ["a", "b", "b", "c"]
    assert len(set(heat.y)) == 4
    assert heat.text[0][0] == f"{components.axes[0, 0]:.2f}".replace("-", "−")


def test_the_columns_with_the_largest_loadings_are_shown():
    points = np.random.default_rng(0).normal(size=(80, 40)) * np.where(np.arange(40) == 33, 50, 1)
    heat = summaries.loadings(data_of(points), principal_components(points)).data[0]
    assert np.shape(heat.z) == (24, 6)
    assert "x33 " in heat.y


# Heat map


def test_a_heat_map_has_the_given_order_and_lines_between_clusters():
    data = hostile_matrix()
    order = np.array([3, 1, 0, 2, 7, 6, 5, 4])
    labels = np.array([0, 0, 1, 0, 1, 1, 1, 1])
    figure = summaries.heat_map(data, order, labels)
    np.testing.assert_allclose(figure.data[0].z, data.precomputed[np.ix_(order, order)], rtol=1e-6)
    assert [html.unescape(name)[:9] for name in figure.layout.yaxis.ticktext] == [HOSTILE[i][:9] for i in order]
    boundaries = np.flatnonzero(np.diff(labels[order])) + 0.5
    assert [line.x0 for line in figure.layout.shapes if line.x0 == line.x1] == boundaries.tolist()
    assert [line.y0 for line in figure.layout.shapes if line.y0 == line.y1] == boundaries.tolist()


@pytest.mark.parametrize("unit", [1e-150, 1e150])
def test_a_heat_map_has_distances_in_any_unit(unit):
    data = hostile_matrix()
    scaled = replace(data, precomputed=data.precomputed * unit)
    figure = summaries.heat_map(scaled, np.arange(len(HOSTILE)))
    np.testing.assert_allclose(figure.data[0].z, scaled.precomputed)


def test_a_large_heat_map_shows_means_of_blocks():
    n = 2 * summaries.BLOCKS
    data = hostile_matrix(n)
    order = np.random.default_rng(0).permutation(n)
    figure = summaries.heat_map(data, order, np.where(np.argsort(order) < 100, 0, 1))
    expected = data.precomputed[np.ix_(order, order)].reshape(n // 2, 2, n // 2, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(figure.data[0].z, expected, rtol=1e-6)
    assert figure.layout.shapes[0].x0 == 49.5
    odd = summaries.heat_map(hostile_matrix(n + 3), np.arange(n + 3)).data[0].z
    assert odd.shape == (summaries.BLOCKS, summaries.BLOCKS)


@pytest.mark.parametrize("same_units", [True, False])
def test_the_pixels_of_painted_points_are_squares_on_the_screen(same_units):
    points = np.random.default_rng(0).normal(size=(plots.MAX_MARKERS + 1, 2)) * [30, 1]
    data = data_of(points, same_units=same_units)
    layout = summaries.scatter(data, column_plane(data.columns, 0, 1)).to_dict()["layout"]
    [image], y_axis = layout["images"], layout["yaxis"]
    width, height = Image.open(io.BytesIO(base64.b64decode(image["source"].split(",")[1]))).size
    assert y_axis["scaleanchor"] == "x"
    assert y_axis["scaleratio"] * image["sizey"] / height == pytest.approx(image["sizex"] / width, rel=0.02)
