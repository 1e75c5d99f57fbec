"""Frames, figures and painted images of runs, and the cache of recent results."""

import base64
import dataclasses
import io
import re

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.distance import cdist

from clustering import History
from pages.datasets import catalog
from pages.datasets.data import POINTS, SCIPY_METRICS, Data
from pages.datasets.formatting import format_number
from pages.datasets.planes import column_plane, principal_plane
from pages.figures import paint, palette, plots
from pages.methods import method, methods, settings
from pages.methods.starts import MANUAL, ManualStart
from pages.runs import curves, pictures
from pages.runs.cache import RecentCache
from pages.runs.frames import frames_of
from pages.runs.run import make_run
from tests.pages.checks import sample_for


def run_on(data, name="kmeans", **options):
    return make_run(data, settings(name, data=data, **options), RecentCache(), lambda _: None)


def sample_run(n=100, sample="three", values=None, **options):
    return run_on(catalog.draw_sample(sample, n, 0, values or {}), **options)


def iteration_of(run, state):
    return run.history.states[state].iteration


def plane_of(run):
    return column_plane(run.data.columns, 0, 1)


RUNS = [
    dict(),
    dict(name="kmedoids"),
    dict(name="kmedoids", update="swap"),
    dict(name="kmedoids", update="steepest swap", start="build"),
    dict(name="mixture"),
    dict(name="mixture", covariance="tied", start="k-means"),
    dict(k=1),
    dict(k=100),
]


@pytest.mark.parametrize("options", RUNS, ids=str)
def test_frames_show_every_half_step_and_the_loss_never_increases(options):
    run = sample_run(**options)
    frames, omitted_note = frames_of(run)
    assert [f.phase for f in frames[:2]] == ["start", "E"]
    assert frames[-1].phase == "E"
    assert frames[-1].state == frames[-1].assigned == len(run.history.states) - 1
    if not omitted_note:
        assert [f.state for f in frames] == list(range(len(run.history.states)))
    losses = [f.loss for f in frames[1:]]
    assert (np.diff(losses) <= 1e-9 * (1 + np.abs(losses[:-1]))).all()
    for frame in frames:
        if frame.phase == "M":
            assert iteration_of(run, frame.assigned) == iteration_of(run, frame.state) - 1
            assert frame.position == iteration_of(run, frame.state) - 0.5
        states = run.history.states
        assert states[frame.parameters].parameters is states[frame.state].parameters
        if frame.loss is not None:
            assert format_number(frame.loss) in frame.sentence
    assert "Converged after" in frames[-1].sentence


def test_only_the_first_frame_of_each_phase_explains_it():
    frames, _ = frames_of(sample_run())
    explained = [i for i, frame in enumerate(frames) if frame.explanation]
    assert explained == [0, 1, 2]


def test_the_caption_counts_the_points_that_changed_cluster():
    run = sample_run()
    frames, _ = frames_of(run)
    before, after = run.history.assignment_of_iteration(1).labels, run.history.assignment_of_iteration(2).labels
    changed = int((before != after).sum())
    sentence = next(frame.sentence for frame in frames if frame.phase == "E" and iteration_of(run, frame.assigned) == 2)
    assert sentence.startswith(f"Assignment (E): {changed} point")


def test_long_runs_are_shown_in_part_with_a_message(monkeypatch):
    monkeypatch.setattr("pages.runs.frames.MAX_FRAMES", 50)
    run = sample_run(sample="uniform", name="mixture", k=6)
    assert run.history.iterations > 50
    frames, omitted_note = frames_of(run)
    assert len(frames) <= 51
    for previous, frame in zip(frames, frames[1:], strict=False):
        if frame.phase == "M":  # shown only together with the iteration before it
            assert iteration_of(run, previous.state) == iteration_of(run, frame.state) - 1
    assert re.search(rf"of {run.history.iterations} iterations", omitted_note)
    assert iteration_of(run, frames[-1].state) == run.history.iterations


@pytest.mark.parametrize("options", RUNS[:5], ids=str)
def test_every_frame_of_both_figures_shows_the_results_of_the_core(options):
    run = sample_run(**options)
    frames, _ = frames_of(run)
    picture = pictures.picture(run, frames, plane_of(run), "name", background=pictures.Regions)
    curve = curves.curve_of(run, frames, "name")
    assert [f.name for f in picture.frames] == [f.name for f in curve.frames] == [str(i) for i in range(len(frames))]
    for frame, drawn, point in zip(frames, picture.frames, curve.frames, strict=True):
        centers = drawn.data[-1]
        np.testing.assert_allclose(np.column_stack([centers.x, centers.y]), run.centers[frame.parameters], atol=1e-3)
        if frame.loss is not None:
            assert point.data[1].y[0] == frame.loss
            t = iteration_of(run, frame.assigned)
            assert point.data[1].x[0] == t + (0.5 if frame.phase == "M" else 0)
            half = frame.phase == "M"
            assert frame.loss == (run.history.half_losses[t] if half else run.history.losses[t])


@pytest.mark.parametrize(("far", "unit"), [(0.0, 1.0), (1e6, 1.0), (-1e12, 1.0), (0.0, 1e-120), (0.0, 1e120)], ids=str)
@pytest.mark.parametrize("name", ["kmeans", "mixture"])
def test_centers_and_outlines_are_accurate_at_any_offset_and_scale(name, far, unit):
    data = catalog.draw_sample("three", 100, 0, {})
    data = dataclasses.replace(data, points=far + unit * data.points, truth=None)
    run = run_on(data, name, start="k-means++")
    frames, _ = frames_of(run)
    picture = pictures.picture(run, frames, plane_of(run), "name")
    for frame, drawn in zip(frames, picture.frames, strict=True):
        true = run.centers[frame.parameters]
        centers = np.column_stack([drawn.data[-1].x, drawn.data[-1].y])
        np.testing.assert_allclose(centers, true, rtol=0, atol=1e-4 * unit)
        if name == "mixture":  # the last ellipse of each outline is centered at the mean
            for outline, center in zip(drawn.data[-5:-2], true, strict=True):
                ellipse = np.column_stack([outline.x, outline.y])[-36:]
                np.testing.assert_allclose(ellipse.mean(axis=0), center, rtol=0, atol=1e-3 * unit)


def test_points_have_the_color_and_symbol_of_their_cluster():
    run = sample_run()
    frames, _ = frames_of(run)
    drawn = pictures.picture(run, frames, plane_of(run), "name").data[0].marker  # the last E step changed nothing
    labels = run.history.last.labels
    assert [palette.COLORS[rank] for rank in run.ranks[labels]] == list(drawn.color)
    np.testing.assert_array_equal(drawn.symbol, palette.SYMBOL_NUMBERS[run.ranks[labels]])


def test_points_between_two_gaussians_have_a_blended_color():
    run = sample_run(sample="overlap", values=dict(distance=2.0, d=2), name="mixture", start="k-means", k=3)
    frames, _ = frames_of(run)
    drawn = pictures.picture(run, frames, plane_of(run), "name").frames[-1].data[0].marker
    responsibilities = run.history.last.assignment.responsibilities
    shared = int(np.abs(responsibilities.max(axis=1) - 0.5).argmin())
    expected = responsibilities[shared] @ palette.rgb([palette.color_of(rank) for rank in run.ranks])
    np.testing.assert_allclose(palette.rgb([drawn.color[shared]])[0], expected, atol=0.51)
    assert drawn.color[shared] not in palette.COLORS


def test_the_same_clusters_have_the_same_colors_for_all_initializations_and_methods():
    runs = [sample_run(seed=seed, start="k-means++") for seed in range(4)]
    runs += [sample_run(name="kmedoids", start="build"), sample_run(name="mixture", start="k-means")]
    colors = np.array([run.ranks[run.history.last.labels] for run in runs])
    assert (colors == colors[0]).mean() > 0.95


def test_m_step_frames_contain_only_traces_that_move():
    run = sample_run()
    frames, _ = frames_of(run)
    picture = pictures.picture(run, frames, plane_of(run), "name")
    for i, frame in enumerate(frames):
        if frame.phase == "M":
            assert picture.frames[i].baseframe == str(i - 1)
            assert 0 not in picture.frames[i].traces


@pytest.mark.parametrize("options", [*RUNS[:3], dict(name="mixture", k=2)], ids=str)
def test_lines_have_equally_many_points_in_an_e_frame_and_the_next_m_frame(options):
    run = sample_run(**options)
    frames, _ = frames_of(run)
    picture = pictures.picture(run, frames, plane_of(run), "name")
    for i, frame in enumerate(frames):
        if frame.phase == "M":
            before = dict(zip(picture.frames[i - 1].traces, picture.frames[i - 1].data, strict=True))
            for trace, data in zip(picture.frames[i].traces, picture.frames[i].data, strict=True):
                assert len(before[trace].x) == len(data.x)


def decoded(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))).convert("RGBA"))


@pytest.mark.parametrize("m", [3, 15, 16, 40])
@pytest.mark.parametrize("width", [1, 2, 7])
def test_regions_have_the_colors_of_their_labels_whatever_the_width_and_the_number_of_colors(m, width):
    rng = np.random.default_rng(m + width)
    labels, numbers, colors = rng.integers(-1, 5, (6, width)), rng.integers(m, size=5), rng.integers(256, size=(m, 3))
    image = decoded(paint.regions(labels, numbers, colors, opacity=0.2))
    assert image.shape == (6, width, 4)
    for pixel, label in zip(image.reshape(-1, 4).tolist(), labels.ravel().tolist(), strict=True):
        assert pixel == ([0, 0, 0, 0] if label < 0 else [*colors[numbers[label]], 51])


def test_many_points_are_painted_and_each_frame_has_its_own_image():
    run = sample_run(n=3000)
    frames, _ = frames_of(run)
    picture = pictures.picture(run, frames, plane_of(run), "name", background=pictures.Regions)
    recolored = [
        state.phase != "M" and (state.assignment is None or state.assignment.changed > 0) for state in run.history.states
    ]
    sources = [frame.layout.images[1].source for frame, is_new in zip(picture.frames, recolored, strict=True) if is_new]
    assert len(set(sources)) == len(sources) == recolored.count(True)
    # the last E step changed nothing, so its frame refers to an earlier one
    assert run.history.last.assignment.changed == 0
    assert len(picture.frames[-1].layout.images) == 1
    assert picture.frames[-1].baseframe == picture.frames[-3].name
    assert picture.layout.images[1].source == sources[-1]
    assert len(picture.data[0].x) == plots.MAX_HOVERABLE


@pytest.mark.parametrize("n", [100, 10_000, 1_000_000])
def test_isolated_points_are_visible_and_the_background_is_transparent(n):
    crowd = np.random.default_rng(0).normal(0, 0.2, size=(n, 2))
    x, y = np.vstack([crowd, [[3.0, 3.0]]]).T
    canvas = paint.Canvas(x, y, (-4, 4, -4, 4))
    alpha = decoded(canvas.paint(palette.rgb(palette.COLORS[:2]), labels=np.append(np.zeros(n, dtype=int), 1)))[..., 3]
    row, column = int(paint.HEIGHT / 8), int(paint.WIDTH * 7 / 8)
    around = alpha[row - 3 : row + 4, column - 3 : column + 4]
    assert (around > 60).sum() >= 5
    assert alpha[-5:, :5].max() == 0


def test_painted_colors_are_those_of_the_clusters_and_are_blended_for_shared_points():
    x, y = np.repeat([[-1.0, -1.0], [1.0, 1.0], [0.0, 0.0]], 3000, axis=0).T
    responsibilities = np.repeat([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5]], 3000, axis=1)
    colors = palette.rgb(["#ff0000", "#0000ff"])
    image = decoded(paint.Canvas(x, y, (-2, 2, -2, 2)).paint(colors, responsibilities=responsibilities)).astype(int)

    def color_at(fx, fy):
        return image[int((1 - fy) * paint.HEIGHT), int(fx * paint.WIDTH), :3]

    np.testing.assert_allclose(color_at(0.25, 0.25), [255, 0, 0], atol=25)
    np.testing.assert_allclose(color_at(0.75, 0.75), [0, 0, 255], atol=25)
    np.testing.assert_allclose(color_at(0.5, 0.5), [128, 0, 128], atol=25)


def painted_grid(n, colors, **assignment):
    """(n², 4) colors and opacities at the centers of n x n points that do not overlap."""
    steps = np.linspace(-0.9, 0.9, n)
    x, y = np.stack(np.meshgrid(steps, -steps)).reshape(2, -1)
    image = decoded(paint.Canvas(x, y, (-1, 1, -1, 1)).paint(colors, **assignment)).astype(int)
    rows = ((1 - y) * paint.HEIGHT / 2).astype(int)
    return image[rows, ((1 + x) * paint.WIDTH / 2).astype(int)]


def test_painted_clusters_have_their_exact_colors():
    labels = np.arange(400) % 10
    colors = palette.rgb(palette.COLORS)
    painted = painted_grid(20, colors, labels=labels)
    np.testing.assert_array_equal(painted[:, :3], colors[labels])
    assert len(set(painted[:, 3])) == 1
    np.testing.assert_allclose(painted_grid(20, colors, responsibilities=np.eye(10)[:, labels]), painted, atol=1)


@pytest.mark.parametrize("rare", range(10))
def test_a_small_cluster_keeps_its_color_among_many_points_of_others(rare):
    rng = np.random.default_rng(0)
    colors = palette.rgb(palette.COLORS)
    labels = rng.choice([label for label in range(10) if label != rare], 5_000)
    others = rng.uniform(-3, 3, size=(10, 2))[labels] + rng.normal(size=(5_000, 2))
    x, y = np.concatenate([others, [[-9.0, 9.0], [9.0, 9.0]]]).T
    labels = np.concatenate([labels, [rare, rare]])
    width, height = 360, 280
    canvas = paint.Canvas(x, y, (-10, 10, -10, 10), height, width)
    for assignment in (dict(labels=labels), dict(responsibilities=np.eye(10)[:, labels])):
        image = decoded(canvas.paint(colors, **assignment))
        assert len(np.unique(image.view(np.uint32))) > 200  # nearly all of the 256 colors of a palette are used
        for column in (0.05, 0.95):
            color = image[int(0.05 * height), int(column * width), :3]
            np.testing.assert_array_equal(color, colors[rare])


def test_blended_images_are_as_opaque_as_others_nearly_everywhere():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 5_000))
    assignments = [{}, dict(responsibilities=rng.dirichlet(np.ones(6), 5_000).T)]
    canvas, colors = paint.Canvas(x, y, (-4, 4, -4, 4)), palette.rgb(palette.COLORS[:6])
    plain, blended = (decoded(canvas.paint(colors, **assignment))[..., 3].astype(int) for assignment in assignments)
    assert (np.abs(plain - blended) > 0).mean() < 0.01
    assert (np.abs(plain - blended) > 20).mean() < 0.003


@pytest.mark.parametrize(("unit", "far"), [(1.0, 0.0), (1e-120, 0.0), (1e120, 0.0), (1.0, 1e9)], ids=str)
@pytest.mark.parametrize(
    "options",
    [dict(), dict(name="kmedoids"), dict(name="kmedoids", metric="manhattan"), dict(name="mixture")],
    ids=str,
)
@pytest.mark.parametrize("columns", [(0, 1), (1, 0)], ids=str)
def test_regions_are_those_of_the_predicted_clusters(options, unit, far, columns):
    data = catalog.draw_sample("three", 100, 0, {})
    data = dataclasses.replace(data, points=far + unit * data.points, truth=None)
    run = run_on(data, **{"start": "k-means++"} | options)
    plane = column_plane(data.columns, *columns)
    painted = pictures.Regions(run, plane, pictures.extent_of([run], plane))
    if run.settings.method == "kmedoids":
        metric = SCIPY_METRICS[run.settings.option("metric")]
        labels = cdist(painted.grid.points, run.centers[-1], metric).argmin(axis=1)
    else:
        labels = run.history.process.predict(run.history.parameters[-1], painted.grid.points)
    expected = palette.rgb([palette.color_of(rank) for rank in run.ranks])[labels].reshape(*pictures.GRID, 3)
    same = (decoded(painted.source(len(run.history.states) - 1))[..., :3] == expected).all(axis=-1)
    assert same.mean() > 0.999
    assert len(np.unique(labels)) == 3


def test_with_more_colors_than_a_palette_holds_each_point_has_nearly_its_color():
    rows, columns = np.divmod(np.arange(900), 30) / np.array([[29.0], [29.0]])
    shares = np.array([rows * columns, rows * (1 - columns), (1 - rows) * columns, (1 - rows) * (1 - columns)])
    colors = palette.rgb(["#ff0000", "#00ff00", "#0000ff", "#ffffff"])
    painted = painted_grid(30, colors, responsibilities=shares)[:, :3]
    assert len(np.unique(painted, axis=0)) > 200
    np.testing.assert_allclose(painted, shares.T @ colors, atol=40)
    assert np.sqrt(np.square(painted - shares.T @ colors).mean()) < 8


def test_column_names_with_markup_are_shown_as_text():
    run = sample_run()
    hostile = column_plane(("<b>bold</b>", "%{x} & <a href='x'>y</a>"), 0, 1)
    frames, _ = frames_of(run)
    picture = pictures.picture(run, frames, hostile, "name")
    assert picture.layout.xaxis.title.text == "&lt;b&gt;bold&lt;/b&gt;"
    assert "<b>" not in picture.data[0].hovertemplate
    assert "<a" not in picture.data[0].hovertemplate
    assert picture.data[0].hovertemplate.count("%{") == 3


def test_axis_titles_state_the_share_of_variance_of_principal_components():
    points = np.random.default_rng(0).normal(size=(500, 3)) * [10, 1, 0.1]
    plane = principal_plane(points)
    kept = plane.project(points).var(axis=0) / points.var(axis=0).sum()
    assert plane.names == tuple(f"PC {i + 1} ({share:.0%} of the variance)" for i, share in enumerate(kept))


def test_projected_covariances_are_those_of_projected_points():
    points = np.random.default_rng(0).normal(size=(300, 4)) @ np.random.default_rng(1).normal(size=(4, 4))
    plane = principal_plane(points)
    projected = plane.project_covariances(np.cov(points.T)[None])[0]
    np.testing.assert_allclose(projected, np.cov(plane.project(points).T), atol=1e-9)


def test_points_with_a_single_feature_are_spread_out_vertically():
    run = sample_run(sample="round", values=dict(k=3, distance=6.0, d=1), k=3)
    frames, _ = frames_of(run)
    picture = pictures.picture(run, frames, column_plane(run.data.columns, 0, 0), "name")
    assert len(np.unique(picture.data[0].y)) == len(run.data.points)
    assert set(picture.frames[-1].data[-1].y) == {0.0}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (812.4, "812.400"),
        (0, "0"),
        (-1130.2641, "−1,130.26"),
        (8.91762e12, "8.91762e+12"),
        (0.0012345, "0.00123450"),
        (25, "25.0000"),
    ],
)
def test_numbers_are_formatted(value, text):
    assert format_number(value) == text


@pytest.mark.parametrize(("kind", "limit"), [*RecentCache.LIMITS.items(), ("some kind", RecentCache.DEFAULT_LIMIT)])
def test_the_cache_keeps_the_most_recently_used_results_of_each_kind(kind, limit):
    cache = RecentCache()
    computed = []
    for i in [*range(limit), 0, limit]:  # the first is used again, so the second is the oldest
        cache.get((kind, i), lambda i=i: computed.append(i))
    assert computed == list(range(limit + 1))
    assert list(cache) == [(kind, i) for i in range(2, limit)] + [(kind, 0)] * (limit > 1) + [(kind, limit)]
    cache.get(("another", 0), lambda: None)
    assert len(cache) == limit + 1


def test_the_cache_keeps_fewer_large_results():
    cache = RecentCache()
    for i, n in enumerate([10, 20, RecentCache.MAX_VALUES // 2 + 1]):
        data = Data(str(i), "", ("a",), np.zeros((n, 1)))
        assert cache.get(("run", i), lambda data=data: data) is data
    assert list(cache) == [("run", 0), ("run", 1), ("run", 2)]
    cache.get(("run", 3), lambda: Data("3", "", ("a",), np.zeros((RecentCache.MAX_VALUES, 1))))
    assert list(cache) == [("run", 3)]


def arrays_of(value) -> list[np.ndarray]:
    """All arrays in the fields of parameters or assignments."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, tuple):
        return [array for part in value for array in arrays_of(part)]
    return [array for part in vars(value).values() for array in arrays_of(part)] if hasattr(value, "__dict__") else []


@pytest.mark.parametrize("name", methods())
def test_the_size_of_a_run_limits_how_many_are_cached(name, monkeypatch):
    data, cache = catalog.draw_sample("three", 60, 0, {}), RecentCache()
    if POINTS not in method(name).traits.data:
        data = sample_for(method(name))
    first, second = (settings(name, k, seed=k, data=data) for k in (2, 3))
    run = make_run(data, first, cache, lambda _: None)
    initial = History.record(run.history.process, run.history.prepared, rng=1, max_iter=0)
    shared = {id(array) for array in arrays_of(run.history.parameters[0])}
    states = sum(
        array.size for parameters in run.history.parameters[1:] for array in arrays_of(parameters) if id(array) not in shared
    )
    assert (
        run.n_values - dataclasses.replace(run, history=initial).n_values >= 0.8 * states
    )  # without the weights of a mixture
    assert run.n_values >= run.data.points.size
    if run.view.traits.pairwise and name != "tree":  # a tree is computed without a matrix
        assert run.n_values >= 60 * 60
    monkeypatch.setattr(RecentCache, "MAX_VALUES", run.n_values)
    make_run(data, second, cache, lambda _: None)
    assert [key[-1] for key in cache if key[0] == "run"] == [second]  # both are too large together


def test_runs_with_slightly_different_manual_centers_have_different_keys():
    # hash(-1) == hash(-2) in Python
    data = catalog.draw_sample("three", 50, 0, {})
    runs = [run_on(data, start=ManualStart(((x, 0.0), (0.0, 1.0), (5.0, 5.0)))) for x in (-1.0, -2.0)]
    assert plots.token(runs[0].key) != plots.token(runs[1].key)


@pytest.mark.parametrize(
    "name", [name for name, view in methods().items() if MANUAL in view.initializations and POINTS in view.traits.data]
)
def test_a_run_starts_at_manually_placed_centers(name):
    data = catalog.draw_sample("three", 100, 0, {})
    centers = ((4.0, -1.0), (-6.0, 0.0), (0.5, 1.0))
    run = run_on(data, name, start=ManualStart(centers))
    np.testing.assert_allclose(run.centers[0], centers, atol=0.0 if name != "kmedoids" else 0.6)
    np.testing.assert_array_equal(run.ranks, [0, 1, 2])  # they keep the colors of the plot in which they were placed
    assert "from manual placement" in frames_of(run)[0][0].sentence


@pytest.mark.parametrize(
    ("points", "centers", "text"),
    [
        ([[0], [0], [4]], [[0], [3], [9]], "Update (M): centers moved by at most 1, loss 0."),
        (
            [[0], [0], [1], [4]],
            [[0], [90]],
            "Cluster 2 was empty, so its center moved to the point farthest from its assigned center.",
        ),
        (
            [[0], [1], [4], [7]],
            [[0], [90], [91]],
            "Clusters 2 and 3 were empty, so their centers moved to the points farthest from their assigned centers.",
        ),
    ],
)
def test_the_caption_of_an_m_step_names_empty_clusters_whose_centers_moved(points, centers, text):
    data = Data(repr(points), "Few", ("a",), np.array(points, dtype=float))
    run = run_on(data, k=len(centers), start=ManualStart(tuple(map(tuple, centers))))
    assert frames_of(run)[0][2].sentence.endswith(text)


def test_medoids_placed_at_the_same_position_are_different_points():
    data = catalog.draw_sample("three", 50, 0, {})
    run = run_on(data, "kmedoids", start=ManualStart(((0.0, 0.0),) * 3))
    assert len(set(run.history.parameters[0].tolist())) == 3
