"""Frames of animated figures as images: positions and colors agree with the figures and Plotly's rules."""

import io
import itertools
from functools import cache

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image, ImageColor

from pages.datasets import catalog
from pages.datasets.data import POINTS
from pages.datasets.formatting import format_number
from pages.datasets.planes import column_plane
from pages.export import files
from pages.figures import palette, plots, stills
from pages.figures.stills import Stills
from pages.methods import method, methods, settings
from pages.runs import curves, pictures
from pages.runs.cache import RecentCache
from pages.runs.frames import frames_of
from pages.runs.run import make_run
from tests.pages.checks import sample_for

WIDTH, HEIGHT = 640, 430


@cache
def drawn(name="kmeans", n=80, **options):
    """A run, its frames and its animation."""
    data = catalog.draw_sample("round", n, 0, {"k": 3, "distance": 8.0, "d": 2})
    if POINTS not in method(name).traits.data:
        data = sample_for(method(name))
    run = make_run(data, settings(name, data=data), RecentCache(), lambda _: None)
    frames, _ = frames_of(run)
    plane = column_plane(run.data.columns, 0, 1)
    return run, frames, pictures.picture(run, frames, plane, "name", **options)


def pixels(image, figure, xy):
    """The colors (m, 3) at these coordinates (m, 2)."""
    (left, right), (bottom, top) = figure.layout.xaxis.range, figure.layout.yaxis.range
    width, height = WIDTH - stills.LEFT_MARGIN - 14, HEIGHT - 12 - stills.BOTTOM_MARGIN
    if figure.layout.yaxis.scaleanchor:
        scale = max((right - left) / width, (top - bottom) / height)
        left, right = (left + right - scale * width) / 2, (left + right + scale * width) / 2
        bottom, top = (bottom + top - scale * height) / 2, (bottom + top + scale * height) / 2
    x = stills.LEFT_MARGIN + (xy[:, 0] - left) / (right - left) * width
    y = 12 + (top - xy[:, 1]) / (top - bottom) * height
    return np.asarray(image)[y.round().astype(int), x.round().astype(int)].astype(int)


def share_near(colors, color, by=45):
    return (np.abs(colors - np.array(ImageColor.getrgb(color))).max(axis=1) <= by).mean()


def isolated(points):
    """The rows of points without near neighbors."""
    distances = np.linalg.norm(points[:, None] - points[None], axis=2) + 99 * np.eye(len(points))
    return np.flatnonzero(distances.min(axis=1) > 0.3)


def test_points_are_drawn_at_their_coordinates_in_the_colors_of_the_frame():
    run, frames, figure = drawn()
    images = Stills(figure, WIDTH, HEIGHT)
    points = run.data.points
    rows = isolated(points)
    assert len(rows) > 15
    first = pixels(images.at(0), figure, points[rows])
    assert share_near(first, "#a3a3ab") > 0.8  # the neutral gray at an opacity of 0.8
    last = pixels(images.at(len(frames) - 1), figure, points[rows])
    labels = run.history.last.labels[rows]
    for cluster, rank in enumerate(run.ranks):
        color = palette.color_of(rank)
        shown = tuple(round(0.8 * part + 0.2 * 255) for part in ImageColor.getrgb(color))
        assert share_near(last[labels == cluster], "#%02x%02x%02x" % shown) > 0.75  # noqa: UP031


def test_centers_are_drawn_over_the_points():
    run, frames, figure = drawn()
    found = pixels(Stills(figure, WIDTH, HEIGHT).at(len(frames) - 1), figure, run.centers[-1])
    for rank, color in zip(run.ranks, found, strict=True):
        assert share_near(color[None], palette.color_of(rank), 30) == 1


def test_the_cut_of_a_tree_has_the_colors_of_its_clusters():
    run, _, figure = drawn("tree")
    rows = isolated(run.data.points)
    found = pixels(Stills(figure, WIDTH, HEIGHT).at(len(figure.frames) - 1), figure, run.data.points[rows])
    labels = run.history.last.labels[rows]
    for cluster, rank in enumerate(run.ranks):
        assert share_near(found[labels == cluster], palette.color_of(rank), 60) > 0.7


@pytest.mark.one_in(3)
@pytest.mark.parametrize("name", methods())
def test_a_single_frame_is_the_same_as_in_sequence(name):
    run, frames, figure = drawn(name)
    sequence = list(Stills(figure, 160, 120).all())
    assert len(sequence) == len(frames)
    for i in (0, len(frames) // 2, len(frames) - 1):
        assert np.array_equal(np.asarray(sequence[i]), np.asarray(Stills(figure, 160, 120).at(i)))
    changes = [not np.array_equal(np.asarray(a), np.asarray(b)) for a, b in itertools.pairwise(sequence)]
    if run.view.traits.k == "found":  # points without a cluster do not change
        assert sum(changes) > len(changes) / 2
    else:
        assert changes[:2] == [True, True] or [frame.moves for frame in frames[1:4]] == changes[:3], "a frame shows no change"


def test_painted_points_are_drawn():
    run, _, figure = drawn(n=300, markers=100)
    found = pixels(Stills(figure, WIDTH, HEIGHT).at(len(figure.frames) - 1), figure, run.data.points)
    assert (np.ptp(found, axis=1) > 60).mean() > 0.9


def test_nothing_is_drawn_outside_the_axes():
    figure = go.Figure(
        dict(
            data=[dict(type="scatter", mode="lines", x=[-9, 9], y=[0.5, 0.5], line=dict(color="#ff0000", width=6))],
            layout=dict(xaxis=dict(range=[0, 1]), yaxis=dict(range=[0, 1])),
            frames=[dict(name="0", data=[], traces=[])],
        )
    )
    image = np.asarray(Stills(figure, 300, 200).at(0)).astype(int)
    red = (image[..., 0] > 200) & (image[..., 1] < 80)
    columns = np.flatnonzero(red.any(axis=0))
    assert (columns.min(), columns.max()) == pytest.approx((stills.LEFT_MARGIN, 300 - 14), abs=2)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-8.3, 7.7), (1e-9, 3e-9), (1e8, 1e8 + 10), (-1e12, 1e12)])
def test_ticks_are_few_and_within_the_range(low, high):
    ticks = stills._ticks(low, high, 7)
    assert 2 <= len(ticks) <= 8
    assert ticks.min() >= low - 1e-9 * (high - low)
    assert ticks.max() <= high + 1e-9 * (high - low)
    assert len({stills._tick_text(tick) for tick in ticks}) == len(ticks) or high - low < 1e-6 * abs(high)


def test_the_gif_has_all_frames_and_shows_the_last_one_longer():
    run, frames, figure = drawn()
    progress = []
    gif = Image.open(io.BytesIO(files.animation_gif(run, figure, frames, "K-means <b>of</b> round groups", progress.append)))
    assert gif.n_frames == len(frames)
    assert gif.size == (960, 540)
    assert progress == sorted(progress)
    assert progress[-1] == 1
    durations = []
    for i in range(gif.n_frames):
        gif.seek(i)
        durations.append(gif.info["duration"])
    assert durations[-1] > durations[0]
    last = pixels(gif.convert("RGB").crop((0, 40, 640, 470)), figure, run.centers[-1])
    assert all(share_near(color[None], palette.color_of(rank), 40) == 1 for rank, color in zip(run.ranks, last, strict=True))


def test_the_loss_curve_grows_with_the_frames():
    run, frames, _ = drawn()
    figure = curves.curve_of(run, frames, "name")
    assert figure.layout.yaxis.exponentformat == "e"  # losses are written as in sentences
    curve = Stills(figure, 320, 260)

    def drawn_pixels(i):
        image = np.asarray(curve.at(i)).astype(int)
        return (np.abs(image - palette.rgb([palette.CURVE])).max(axis=2) < 25).sum()

    assert drawn_pixels(0) < drawn_pixels(len(frames) // 2) <= drawn_pixels(len(frames) - 1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.25, "0.25"),
        (-1500, "-1,500"),
        (20_000, "20k"),
        (200_000, "200k"),
        (1_000_000, "1M"),
        (1.05e13, "10.5T"),
        (2e-7, "2e-07"),
    ],
)
def test_tick_labels_fit_the_margin(value, text):
    assert stills._tick_text(value) == text


@pytest.mark.parametrize(("value", "text"), [(2e8, "200M"), (1e9, "1e+09"), (1.05e13, "1.05e+13"), (-3e9, "-3e+09")])
def test_large_losses_are_in_scientific_notation(value, text):
    assert stills._tick_text(value, scientific=True) == text


@pytest.mark.parametrize("value", [2e-7, 9e-5, 1.1e-4, 0.3, 1, 2e4, 9e8, 1.1e9, 2e13])
def test_plotly_writes_numbers_on_an_axis_as_sentences_do(value):
    ticks = plots.number_ticks([0, value, np.nan])
    # Plotly's rule (autoTickRound in plots/cartesian/axes.js)
    with_exponent = abs(np.floor(np.log10(value) + 0.01)) > ticks["minexponent"]
    assert (ticks["exponentformat"], ticks["separatethousands"]) == ("e", True)
    assert with_exponent == ("e" in format_number(value))


def test_names_that_overlap_are_left_out_if_the_browser_hides_them():
    def picture(meta):
        trace = dict(x=[0.0, 0.01, 1.0], y=[0.0, 0.0, 1.0], mode="text", text=["first", "second", "third"], meta=meta)
        axis = dict(range=[-1.0, 2.0])
        figure = plots.Figure([trace], dict(xaxis=axis, yaxis=axis), [dict(name="0", data=[], traces=[])])
        return np.asarray(Stills(figure, WIDTH, HEIGHT).at(0), dtype=int)

    both, thinned = picture(None), picture(plots.THINNED)
    rows, columns = np.nonzero((both != thinned).any(axis=2))
    assert len(rows) > 0
    assert columns.max() < WIDTH / 2 + 40  # the third name is drawn in both
