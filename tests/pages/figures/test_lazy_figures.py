"""Figures that are validated only when they are read."""

import base64
import json

import numpy as np
import plotly.graph_objects as go
import pytest

from pages.figures.plots import Figure, page_figure
from pages.figures.themes import DARK, LIGHT
from tests.pages.reading import PLOTLYS_FRAMES

X = np.array([1.5, np.nan, 3.0], dtype=np.float32)
Z = np.arange(6.0).reshape(2, 3)
DATA = [
    dict(x=X, y=[1, None, 3], mode="markers", marker=dict(color=["#123456"] * 3, symbol=np.array([0, 1, 2], dtype=np.uint8))),
    dict(type="heatmap", z=Z, xaxis="x2", yaxis="y2", text=None),
]
LAYOUT = dict(meta="name", xaxis=dict(range=[0.0, 4.0], title=None), height=300)
FRAMES = [dict(name="0", data=[dict(x=2 * X)], traces=[0]), dict(name="1", data=[dict(x=X)], traces=[0], baseframe="0")]


def unpacked(value):
    """The specification with binary arrays as lists, and without None."""
    if isinstance(value, dict) and "bdata" in value:
        kind = {"i1": "i1", "u1": "u1", "i2": "<i2", "i4": "<i4", "f4": "<f4", "f8": "<f8"}[value["dtype"]]
        array = np.frombuffer(base64.b64decode(value["bdata"]), kind)
        return unpacked(array.reshape([int(n) for n in value.get("shape", f"{len(array)}").split(",")]).tolist())
    if isinstance(value, dict):
        return {name: unpacked(part) for name, part in value.items() if part is not None}
    if isinstance(value, np.ndarray | tuple | list):
        return [unpacked(part) for part in value]
    return None if isinstance(value, float) and np.isnan(value) else value


def test_it_is_sent_as_plotly_would_send_it():
    expected = go.Figure(dict(data=DATA, layout=LAYOUT, frames=FRAMES)).to_dict()
    assert unpacked(Figure(DATA, LAYOUT, FRAMES).to_dict()) == unpacked(expected)


def test_sending_it_validates_nothing(monkeypatch):
    template = Figure([], {}).to_dict()["layout"]["template"]

    def fails(*_, **__):
        raise AssertionError("validated")

    monkeypatch.setattr(go.Figure, "__init__", fails)
    figure = Figure(DATA, LAYOUT, FRAMES)
    assert figure.meta == "name"
    assert figure.to_dict()["layout"]["template"] is template


def test_reading_it_gives_plotlys_properties(monkeypatch):
    monkeypatch.setattr(Figure, "frames", PLOTLYS_FRAMES)
    figure = Figure(DATA, LAYOUT, FRAMES)
    assert figure.layout.xaxis.range == (0.0, 4.0)
    assert [trace.type for trace in figure.data] == ["scatter", "heatmap"]
    assert [frame.name for frame in figure.frames] == ["0", "1"]
    assert all(isinstance(frame, go.Frame) for frame in figure.frames)
    with pytest.raises(AttributeError):
        _ = figure.nonsense


def test_an_invalid_figure_is_found_when_it_is_read():
    figure = Figure([dict(type="scatter", mode="nonsense")], {})
    with pytest.raises(ValueError, match="mode"):
        _ = figure.data


@pytest.mark.parametrize(
    "frame",
    [
        dict(data=[dict(x=X, mode="nonsense")]),
        dict(data=[dict(x=X, nonsense=1)]),
        dict(data=[dict(x=X, marker=dict(color=["#123456", "nonsense"]))]),
        dict(data=[dict(x=X, marker=dict(size=[-1, 2]))]),
        dict(data=[dict(x=X, opacity=1.5)]),
    ],
    ids=str,
)
def test_an_invalid_frame_among_valid_ones_is_found_when_tests_read_it(frame):
    valid = [
        dict(data=[dict(x=X, mode="lines")]),
        dict(data=[dict(x=X, marker=dict(color=["#654321"]))]),
        dict(data=[dict(x=X, marker=dict(size=[1, 2]))]),
        dict(data=[dict(x=X, opacity=0.5)]),
    ]
    assert len(Figure([], {}, valid).frames) == 4
    with pytest.raises(ValueError, match="nvalid"):
        _ = Figure([], {}, [*valid, frame]).frames


def test_changes_after_reading_are_sent():
    figure = Figure(DATA, LAYOUT, FRAMES)
    figure.update_layout(height=400)
    sent = figure.to_dict()
    assert sent["layout"]["height"] == 400
    assert len(sent["frames"]) == 2


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_a_figure_on_a_page_has_the_colors_of_the_theme_except_its_own_and_nothing_that_plotly_draws_twice(theme):
    trace = dict(x=np.array([0.1, 2], dtype=np.float32), y=np.arange(2.0), marker=dict(symbol=np.uint8([0, 1])))
    layout = dict(xaxis=dict(title=dict(text="a")), yaxis2=dict(gridcolor="#123456"), margin=dict(l=3))
    frame = dict(name="0", data=[dict(x=np.arange(2.0))], traces=[0])
    spec = json.loads(page_figure(Figure([trace], layout, [frame]), theme).to_json())
    [sent], layout = spec["data"], spec["layout"]
    assert "template" not in layout
    assert (sent["x"], sent["y"], sent["marker"]["symbol"]) == ([0.1, 2.0], [0.0, 1.0], [0, 1])
    assert "bdata" in spec["frames"][0]["data"][0]["x"]
    assert layout["xaxis"]["title"] == dict(text="a", standoff=12, font=dict(size=14))
    assert (layout["paper_bgcolor"], layout["font"]["color"]) == (theme.background, theme.text)
    assert (layout["xaxis"]["gridcolor"], layout["yaxis2"]["gridcolor"]) == (theme.grid, "#123456")
    assert layout["margin"] == dict(l=3, pad=8)


def test_a_figure_on_a_page_includes_later_changes():
    figure = Figure([dict(x=[1, 2])], dict(height=300))
    figure.update_layout(height=400)
    assert page_figure(figure, LIGHT).to_dict()["layout"]["height"] == 400


def test_a_figure_on_a_page_is_written_without_copies(monkeypatch):
    """Columns of an array are not contiguous."""
    points = np.arange(6.0).reshape(3, 2)
    monkeypatch.setattr("plotly.io._json.clean_to_json_compatible", lambda *args, **options: pytest.fail("copied"))
    spec = json.loads(page_figure(Figure([dict(x=points[:, 0], y=points[:, 1])], {}), LIGHT).to_json(validate=False))
    assert spec["data"][0] == dict(type="scatter", x=[0, 2, 4], y=[1, 3, 5])
