"""Runs over all rows of a table on the server."""

import base64
import io
import threading
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from clustering import History
from pages.datasets.data import Data
from pages.datasets.planes import column_plane
from pages.datasets.server import rows
from pages.datasets.server.files import FileTable
from pages.datasets.server.loading import load
from pages.datasets.server.tables import UnreadableTable, forget_kept
from pages.figures import paint, palette
from pages.methods import methods, methods_for_points, settings
from pages.methods.starts import ManualStart, NoStart
from pages.methods.traits import WATCH
from pages.restarts.study import RemainingRuns, RestartStudy
from pages.runs import pictures
from pages.runs import run as run_module
from pages.runs.background import Work
from pages.runs.cache import RecentCache
from pages.runs.frames import frames_of
from pages.runs.pixels import painted_rows
from pages.runs.run import make_run
from tests.pages.cluster import cluster_in_process

N = 4_000
ON_BLOCKS = [name for name, view in methods().items() if view.traits.blocks]


@pytest.fixture(scope="module", autouse=True)
def cluster():
    with cluster_in_process() as client:
        yield client


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(1)
    centers = np.array([[0.0, 0.0], [8.0, 1.0], [3.0, 7.0]])
    return centers[rng.choice(3, N, p=[0.5, 0.3, 0.2])] + rng.normal(size=(N, 2))


def table(points, folder):
    for i, part in enumerate(np.array_split(points, 3)):
        pd.DataFrame(part, columns=["x", "y"]).to_parquet(folder / f"{i}.parquet")
    return FileTable("visits", str(folder))


@pytest.fixture(scope="module")
def data(points, tmp_path_factory):
    """All rows, with a sample of 600."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "SAMPLE_ROWS", 600)
        forget_kept()
        return load(table(points, tmp_path_factory.mktemp("t")), ["x", "y"], "none", None, lambda share: None)


@pytest.fixture(scope="module")
def in_memory(points):
    """The same points without a table on the server."""
    return Data(key="all", title="all", columns=("x", "y"), points=points)


def run_on(data, name, start=None, on_step=lambda state: None, **options):
    start = start or ManualStart(((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)))
    return make_run(data, settings(name, 3, start, 1, data, **options), RecentCache(), on_step)


@pytest.fixture(scope="module", params=ON_BLOCKS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def run(data, name):
    """On all rows of the table."""
    return run_on(data, name)


@pytest.fixture(scope="module")
def expected(in_memory, name):
    return run_on(in_memory, name)


def test_parameters_losses_and_sizes_are_those_of_all_rows(run, expected):
    assert run.history.iterations == expected.history.iterations > 2
    np.testing.assert_allclose(run.history.losses, expected.history.losses)
    np.testing.assert_allclose(run.history.half_losses, expected.history.half_losses)
    np.testing.assert_array_equal(run.history.changed, expected.history.changed)
    np.testing.assert_allclose(run.history.sizes, expected.history.sizes)
    np.testing.assert_allclose(run.sizes, expected.sizes)
    np.testing.assert_allclose(run.cluster_centers, expected.cluster_centers)
    assert [score.text for score in run.view.scores(run)] == [score.text for score in expected.view.scores(expected)]


def test_labels_and_memberships_are_those_of_the_sample(data, run, expected):
    np.testing.assert_array_equal(run.labels, expected.labels[data.rows - 1])
    for i in range(len(run.history.states)):
        ours, theirs = run.history.assignment(i), expected.history.assignment(i)
        assert (ours is None) == (theirs is None)
        if ours is not None:
            np.testing.assert_array_equal(ours.labels, theirs.labels[data.rows - 1])
    if run.view.traits.membership is not None:
        np.testing.assert_allclose(run.memberships, expected.memberships[data.rows - 1], atol=1e-9)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("start", ["random", "k-means++", "tree"])
def test_every_initialization_starts_on_all_rows(data, name, start, monkeypatch):
    monkeypatch.setattr(run_module, "iteration_limit", lambda *_: 2)
    run = run_on(data, name, start)
    assert run.history.sizes[0].sum() == pytest.approx(N)


@pytest.mark.parametrize(
    "name", [name for name, view in methods_for_points(WATCH).items() if name not in ON_BLOCKS and view.traits.clusters]
)
def test_other_methods_use_the_sample_and_say_so(data, name):
    view = methods()[name]
    run = run_on(data, name, view.initializations[0].name if view.initializations else NoStart())
    assert run.note.startswith(f"{run.view.title} uses a random sample of 600 of the 4,000 points.")
    assert len(run.labels) == 600
    if run.view.traits.membership is None:
        assert run.sizes.sum() + np.count_nonzero(run.labels < 0) == 600


def pixels(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGBA")).astype(int)


def test_the_canvas_of_counts_is_that_of_the_points(points):
    extent, labels = (-4.0, 12.0, -4.0, 11.0), (points[:, 0] > 2).astype(int)
    colors = palette.rgb([palette.color_of(0), palette.color_of(1)])
    found, place = np.unique(paint.pixels_of(*points.T, extent), return_inverse=True)
    counts = np.bincount(place)
    shares = np.stack([np.bincount(place, labels == label) / counts for label in range(2)])
    image = paint.Canvas.of_counts(found, counts).paint(colors, responsibilities=shares, dithered=False)
    assert np.abs(pixels(image) - pixels(paint.Canvas(*points.T, extent).paint(colors, labels=labels))).max() <= 1


def test_pictures_show_all_rows(run, expected):
    expected = replace(expected, matched_ranks=run.ranks)
    plane, extent = column_plane(("x", "y"), 0, 1), (-3.0, 11.0, -3.0, 10.0)
    frames, _ = frames_of(run)
    ours, theirs = (
        [image["source"] for image in picture["layout"]["images"]]
        for picture in (pictures.picture(each, frames, plane, "name", extent=extent).to_dict() for each in (run, expected))
    )
    difference = np.abs(pixels(ours[-1]) - pixels(theirs[-1]))
    # in a few pixels that points of several clusters share, blended colors are rounded differently
    assert (difference.max(axis=2) > 8).mean() < 0.001
    assert (pixels(ours[-1])[..., 3] > 0).sum() > 600 * 10


def test_the_image_of_the_last_state_has_the_memberships_of_all_rows(run, monkeypatch):
    counts, shares = [], []
    of_counts, paint_on = paint.Canvas.of_counts, paint.Canvas.paint

    def kept_counts(pixels, totals, *options):
        counts.append(totals)
        return of_counts(pixels, totals, *options)

    def kept_shares(canvas, colors, responsibilities=None, **options):
        shares.append(responsibilities)
        return paint_on(canvas, colors, responsibilities=responsibilities, **options)

    monkeypatch.setattr(paint.Canvas, "of_counts", kept_counts)
    monkeypatch.setattr(paint.Canvas, "paint", kept_shares)
    last = len(run.history.states) - 1
    extent = -300.0, 300.0, -300.0, 300.0  # several points in each pixel
    painted_rows(run, [last], column_plane(("x", "y"), 0, 1), extent, lambda share: None)
    assert counts[0].max() > 10
    np.testing.assert_allclose(shares[-1] @ counts[0], run.sizes, rtol=1e-9)


def test_images_of_earlier_states_have_the_colors_of_that_state(data):
    run = run_on(data, "kmeans")
    plane, extent = column_plane(("x", "y"), 0, 1), (-3.0, 11.0, -3.0, 10.0)
    first = next(i for i, state in enumerate(run.history.states) if state.assignment is not None)
    images = painted_rows(run, [first], plane, extent, lambda share: None)
    canvas = paint.Canvas(*plane.positions(data.all_rows.array().compute()).T, extent)
    labels = run.history.process.predict(run.history.states[first].parameters, data.all_rows.array().compute())
    expected = canvas.paint(palette.rgb([palette.color_of(rank) for rank in run.ranks]), labels=labels)
    assert (np.abs(pixels(images[first]) - pixels(expected)).max(axis=2) > 8).mean() < 0.001
    assert images.keys() == {None, first}


def test_restarts_run_on_all_rows(data, in_memory):
    losses = []
    for each in (data, in_memory):
        chosen = settings("kmeans", 3, "random", 5, each)
        study = RestartStudy.of(each, chosen, RecentCache())
        job = RemainingRuns.of(study, ["random"], 3)
        job.resume(lambda share, text: None)
        findings = study.findings(["random"], 3)
        assert len(findings.solutions) >= 1
        assert len(findings.colors_of(findings.best)) == len(each.points)
        losses.append(findings.best.loss)
    assert losses[0] == pytest.approx(losses[1])


def test_a_run_can_be_stopped_after_each_iteration(data):
    class Stopped(BaseException):
        pass

    seen = []

    def on_step(state):
        seen.append(state.iteration)
        if state.iteration == 1:
            raise Stopped

    with pytest.raises(Stopped):
        run_on(data, "kmeans", on_step=on_step)
    assert seen == [0, 1]


BEGUN, GO_ON = threading.Event(), threading.Event()


def read_slowly(*_):
    BEGUN.set()
    GO_ON.wait(20)


def test_a_run_can_be_stopped_while_it_waits_for_the_workers(data, monkeypatch):
    monkeypatch.setattr(rows, "read_points", read_slowly)
    work = Work("run", lambda on_progress: run_on(data, "kmeans"))
    threading.Thread(target=work.run).start()
    assert BEGUN.wait(20)
    work.stop()
    ended = work.wait(5)
    GO_ON.set()
    assert ended
    assert work.error is None


def test_a_file_that_vanishes_is_reported_by_the_run(points, tmp_path):
    forget_kept()
    data = load(table(points, tmp_path), ["x", "y"], "none", None, lambda share: None)
    (tmp_path / "1.parquet").unlink()
    with pytest.raises(UnreadableTable, match="A file of the table “visits” no longer exists") as caught:
        run_on(data, "kmeans")
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "ran out of memory"),
        (OSError("tcp://10.0.0.7:8786"), "does not answer"),
        (KeyError("/x"), "could not be"),
    ],
)
def test_errors_of_the_cluster_are_sentences_without_addresses(data, monkeypatch, error, message):
    def fail(*args, **options):
        raise ValueError("tcp://10.0.0.7:8786 and /x") from error

    monkeypatch.setattr(History, "record", fail)
    with pytest.raises(UnreadableTable, match=message) as caught:
        run_on(data, "kmeans")
    assert "10.0.0.7" not in str(caught.value)
    assert "/x" not in str(caught.value)
