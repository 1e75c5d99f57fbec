"""Pictures of runs whose points move, and of outlines that stay the same."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from pages.datasets import catalog
from pages.datasets.planes import column_plane, principal_plane
from pages.datasets.texts import Text
from pages.figures import palette, plots
from pages.methods import method, settings
from pages.runs import frames, pictures
from pages.runs.cache import RecentCache
from pages.runs.frames import frames_of
from pages.runs.run import make_run

N = 60


def run_on(data, name, **options):
    return make_run(data, settings(name, data=data, **options), RecentCache(), lambda _: None)


@pytest.fixture(scope="module")
def hiding():
    """Points of two columns, of which some values are hidden."""
    return run_on(catalog.draw_sample("three", N, 3, {}), "pca", hidden=0.3)


@pytest.fixture(scope="module")
def words():
    """Vectors of nine words in two categories and one of neither."""
    sentences = [("cat", "drinks", "milk"), ("dog", "eats", "bread"), ("cat", "eats", "fish"), ("dog", "drinks", "water")]
    categories = dict.fromkeys(["cat", "dog", "fish"], "animal") | dict.fromkeys(["drinks", "eats"], "verb")
    text = Text("few", "Few", (*sentences, ("the", "cat")), categories=categories, category_name="kind")
    return run_on(text, "skipgram", dimension=3)


def plane_of(run):
    return column_plane(run.data.columns, 0, 1)


def drawn(run, plane=None, **options):
    shown, _ = frames_of(run)
    return shown, pictures.picture(run, shown, plane or plane_of(run), "name", **options)


def xy_of(trace) -> np.ndarray:
    return np.column_stack([trace.x, trace.y]).astype(float)


def image_of(source: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))).convert("RGBA"))


def test_rings_move_with_the_rows_that_have_imputed_values(hiding):
    shown, figure = drawn(hiding)
    rows = np.flatnonzero(hiding.model_input.hidden.any(axis=1))
    assert 10 < len(rows) < N
    assert figure.data[1].marker.symbol == "circle-open"
    np.testing.assert_allclose(xy_of(figure.data[1]), hiding.data.points[rows])
    for frame, spec in zip(shown, figure.frames, strict=True):
        assert spec.traces[:2] == (0, 1)
        expected = hiding.view.positions(hiding, frame.state)
        np.testing.assert_allclose(xy_of(spec.data[0]), expected, atol=1e-5)
        np.testing.assert_allclose(xy_of(spec.data[1]), expected[rows], atol=1e-5)
    assert np.abs(xy_of(figure.frames[0].data[1]) - xy_of(figure.frames[-1].data[1])).max() > 0.1


def test_without_imputed_values_there_are_no_rings(words):
    _, figure = drawn(words)
    assert "circle-open" not in [trace.marker.symbol for trace in figure.data]
    assert figure.frames[0].traces[:2] == (0,)


def test_more_points_than_markers_are_painted_at_their_positions_in_each_frame(hiding, monkeypatch):
    monkeypatch.setattr(frames, "MAX_FRAMES", 48)
    shown, figure = drawn(hiding, markers=N - 1)
    assert figure.data[0].mode == "none"
    left, right, bottom, top = pictures.extent_of([hiding], plane_of(hiding))
    sources = [spec.layout.images[0].source for spec in figure.frames]
    assert len(sources) == len(shown)
    assert len(set(sources)) > 3
    assert figure.layout.images[0].source == sources[-1]
    row = int(np.flatnonzero(hiding.model_input.hidden.any(axis=1))[0])
    for frame, source in zip(shown, sources, strict=True):
        alpha = image_of(source)[..., 3]
        height, width = alpha.shape
        for x, y in hiding.view.positions(hiding, frame.state)[[0, row]]:
            column, line = int((x - left) / (right - left) * width), int((top - y) / (top - bottom) * height)
            assert alpha[max(line - 1, 0) : line + 2, max(column - 1, 0) : column + 2].max() > 0
    assert pictures.picture(hiding, shown, plane_of(hiding), "name", markers=N).data[0].mode == "markers"


def test_the_extent_contains_the_points_of_all_states(words):
    plane = principal_plane(words.data.points)
    left, right, bottom, top = pictures.extent_of([words], plane)
    for state in range(len(words.history.states)):
        xy = plane.positions(words.view.positions(words, state))
        assert left < xy[:, 0].min() <= xy[:, 0].max() < right
        assert bottom < xy[:, 1].min() <= xy[:, 1].max() < top


def test_words_have_the_colors_of_their_categories_as_markers_and_when_painted(words, monkeypatch):
    monkeypatch.setattr(frames, "MAX_FRAMES", 50)
    colors = [palette.NEUTRAL if label < 0 else palette.color_of(label) for label in words.data.labels]
    assert len(set(colors)) == 3
    plane = principal_plane(words.data.points)
    _, figure = drawn(words, plane)
    assert list(figure.data[0].marker.color) == colors
    assert all(spec.data[0].marker.color is None for spec in figure.frames)
    _, figure = drawn(words, plane, markers=5)
    assert figure.data[0].mode == "text"
    image = image_of(figure.layout.images[0].source)
    painted = {"#{:02x}{:02x}{:02x}".format(*pixel[:3]) for pixel in image.reshape(-1, 4) if pixel[3] > 0}
    assert set(colors) <= painted


def test_points_without_categories_are_gray(hiding):
    _, figure = drawn(hiding)
    assert figure.data[0].marker.color == palette.NEUTRAL


def test_names_are_larger_for_frequent_words_and_only_the_first_ones_are_written(words, monkeypatch):
    monkeypatch.setattr(plots, "MAX_NAME_LABELS", 4)
    _, figure = drawn(words)
    points = figure.data[0]
    assert list(points.text[:4]) == list(words.data.names[:4])
    assert set(points.text[4:]) == {""}
    assert points.meta == plots.THINNED
    weights = words.data.occurrences
    assert list(points.textfont.size) == [round(10 + 8 * (weight / weights[0]) ** 0.5, 1) for weight in weights]
    _, small = drawn(words, height=pictures.HEIGHT - 1)
    assert small.data[0].text is None


def test_the_closed_form_is_dashed_and_visible_from_the_first_frame_on(hiding):
    shown, figure = drawn(hiding)
    static, moving = figure.data[2:4]
    assert (static.line.dash, moving.line.dash) == ("dash", None)
    (expected,) = hiding.view.static_outlines(hiding, plane_of(hiding))
    np.testing.assert_allclose(xy_of(static), expected, rtol=1e-5)
    assert shown[0].phase == "start"
    np.testing.assert_allclose(xy_of(figure.frames[0].data[figure.frames[0].traces.index(2)]), expected, rtol=1e-5)
    for spec in figure.frames[1:]:  # it is sent once
        assert 2 not in spec.traces
        assert spec.baseframe is None
    for frame, spec in zip(shown, figure.frames, strict=True):
        (line,) = hiding.view.outlines(hiding, frame.state, plane_of(hiding))
        np.testing.assert_allclose(xy_of(spec.data[spec.traces.index(3)]), line, rtol=1e-4, atol=1e-4)


def test_static_outlines_of_clusters_appear_with_the_first_assignment(monkeypatch):
    view = method("mixture")
    line = np.array([[0.0, 0.0], [1.0, 2.0]])
    monkeypatch.setattr(type(view), "static_outlines", lambda self, run, plane: [line])
    run = run_on(catalog.draw_sample("three", N, 3, {}), "mixture")
    shown, figure = drawn(run)
    assert [frame.phase for frame in shown[:2]] == ["start", "E"]
    before, first = (spec.data[spec.traces.index(1)] for spec in figure.frames[:2])
    assert list(before.x) == [None]
    np.testing.assert_allclose(xy_of(first), line)
    assert figure.data[1].line.dash == view.static_dash == "solid"


def test_lines_to_reconstructions_begin_with_the_first_scores(hiding):
    shown, figure = drawn(hiding)
    (style,) = hiding.view.highlights
    assert figure.data[4].line.color == style["line"]["color"]
    lines = [spec.data[spec.traces.index(4)] for spec in figure.frames]
    assert list(lines[0].x) == [None]
    for frame, line in zip(shown[1:], lines[1:], strict=True):
        assert len(line.x) == 3 * N - 1
        np.testing.assert_allclose(xy_of(line), hiding.view.highlight(hiding, frame.state, plane_of(hiding)), atol=1e-4)


def test_words_glide_only_in_their_own_half_steps(words, monkeypatch):
    monkeypatch.setattr(frames, "MAX_FRAMES", 1_000)
    shown, _ = frames_of(words)
    for before, frame in zip(shown, shown[1:], strict=False):
        assert frame.state == before.state + 1
        assert frame.moves == (frame.phase == "words")


def test_in_a_thinned_run_words_glide_also_into_frames_of_contexts_that_follow_omitted_ones(words, monkeypatch):
    monkeypatch.setattr(frames, "MAX_FRAMES", 60)
    shown, omitted_note = frames_of(words)
    assert omitted_note.startswith("Showing the start and ")
    skipped = 0
    for before, frame in zip(shown, shown[1:], strict=False):
        positions = [words.view.positions(words, one.state) for one in (before, frame)]
        if frame.state > before.state + 1:
            skipped += 1
            assert frame.moves
        elif not frame.moves:
            np.testing.assert_allclose(*positions, atol=1e-9)
    assert skipped > 3
    assert not shown[0].moves


def test_the_same_run_with_imputed_values_of_the_data_page_has_a_ring_for_each_such_row():
    data = catalog.draw_sample("three", N, 3, {})
    imputed = np.zeros(data.points.shape, dtype=bool)
    imputed[[5, 9, 9], [0, 0, 1]] = True
    run = run_on(replace(data, key="with imputed values", imputed=imputed, truth=None), "pca")
    shown, figure = drawn(run)
    assert len(figure.data[1].x) == 2
    means = np.where(imputed, np.nan, data.points)
    np.testing.assert_allclose(xy_of(figure.frames[0].data[1])[1], np.nanmean(means, axis=0), atol=1e-5)
    assert shown[1].moves
