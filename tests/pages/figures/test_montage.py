"""Several animated figures as one."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from pages.datasets import catalog
from pages.datasets.planes import column_plane
from pages.export.files import comparison_gif, comparison_html, sentences_of
from pages.figures.montage import montage
from pages.figures.plots import Figure
from pages.methods import settings
from pages.runs import pictures
from pages.runs.cache import RecentCache
from pages.runs.frames import aligned_frames
from pages.runs.run import make_run


def figure_of(xs, image=None):
    """A trace that never changes, and one that moves to these positions; with an image that is replaced in each frame."""
    still, moving = dict(x=[9], y=[9]), dict(x=[xs[-1]], y=[0], marker=dict(color="red", size=3))
    axes = dict(xaxis=dict(range=[0, 9]), yaxis=dict(range=[0, 9], scaleanchor="x"))
    frames = [dict(name=str(i), traces=[1], data=[dict(x=[x], marker=dict(size=x))]) for i, x in enumerate(xs)]
    if image:
        axes["images"] = [dict(source=image, xref="x", yref="y")]
        for i, frame in enumerate(frames):
            frame["layout"] = dict(images=[dict(source=f"{image}{i}")])
    return Figure([still, moving], axes, frames)


def test_each_figure_has_axes_of_its_own_and_shorter_ones_keep_their_last_frame():
    whole = montage([figure_of([1, 2, 3], "a"), figure_of([5, 6], "b")], [figure_of([7]), figure_of([8])], ["One", "<Two>"])
    spec = whole.to_dict()
    assert [trace["xaxis"] for trace in spec["data"]] == ["x", "x", "x2", "x2", "x3", "x3", "x4", "x4"]
    layout = spec["layout"]
    assert [layout[f"yaxis{number}"]["scaleanchor"] for number in ("", 2, 3, 4)] == ["x", "x2", "x3", "x4"]
    assert layout["xaxis2"]["domain"] == layout["xaxis4"]["domain"]
    assert layout["xaxis"]["domain"][1] < layout["xaxis2"]["domain"][0]
    assert layout["yaxis3"]["domain"][1] < layout["yaxis"]["domain"][0]
    assert [(image["source"], image["xref"]) for image in layout["images"]] == [("a", "x"), ("b", "x2")]
    assert [text["text"] for text in layout["annotations"]] == ["One", "&lt;Two&gt;"]
    shown = [[trace["x"][0] for trace in frame["data"]] for frame in spec["frames"]]
    assert shown == [[1, 5, 7, 8], [2, 6, 7, 8], [3, 6, 7, 8]]
    assert {tuple(frame["traces"]) for frame in spec["frames"]} == {(1, 3, 5, 7)}
    sources = [[image["source"] for image in frame["layout"]["images"]] for frame in spec["frames"]]
    assert sources == [["a0", "b0"], ["a1", "b1"], ["a2", "b1"]]
    assert len(whole.frames) == 3  # valid for Plotly


@pytest.fixture(scope="module")
def compared():
    """Arguments of the exports of a comparison."""
    data, names = catalog.draw_sample("three", 40, 0, {}), ["1. K-means", "2. K-medoids"]
    runs = [make_run(data, settings(name, seed=3), RecentCache(), lambda _: None) for name in ("kmeans", "kmedoids")]
    frames, _ = aligned_frames(runs)
    plane = column_plane(data.columns, 0, 1)
    figures = [pictures.picture(run, row, plane, "name", height=300) for run, row in zip(runs, frames, strict=True)]
    return runs, names, figures, frames, "Both <runs>"


def test_every_frame_of_a_comparison_can_be_shown_after_any_other(compared):
    runs, names, figures, frames, _ = compared
    spec = montage(figures, figures, names).to_dict()
    n_traces = [len(frame["traces"]) for frame in spec["frames"]]
    assert len(set(n_traces)) == 1
    for i, frame in enumerate(spec["frames"]):
        state = frames[0][min(i, len(frames[0]) - 1)].state
        numbers = [number for number in frame["traces"] if spec["data"][number]["xaxis"] == "x"]
        x = np.frombuffer(base64.b64decode(frame["data"][len(numbers) - 1]["x"]["bdata"]), dtype="f4")
        assert x == pytest.approx(runs[0].centers[state][:, 0], abs=1e-4)


def test_a_comparison_is_one_html_file_and_one_gif_with_the_sentences_of_all_runs(compared):
    _, names, _, frames, _ = compared
    longest = max(map(len, frames))
    sentences = sentences_of(names, frames)
    assert len(sentences) == longest
    assert sentences[-1] == "\n".join(f"{name}: {row[-1].sentence}" for name, row in zip(names, frames, strict=True))
    page = comparison_html(*compared).decode()
    assert "Both &lt;runs&gt;" in page.replace("\\u0026", "&")
    assert frames[1][-1].sentence in page
    gif = Image.open(io.BytesIO(comparison_gif(*compared)))
    assert gif.n_frames == longest
    assert gif.size == (960, 630)
