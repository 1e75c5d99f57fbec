"""Several animated figures as one: a row of pictures, with a curve below each."""

from collections.abc import Iterator
from copy import copy

import plotly.graph_objects as go

from pages.datasets.formatting import escape_title
from pages.figures.plots import Figure

GAP = 0.04
"""gap between columns, as a share of the width"""
PICTURES, CURVES = (0.34, 1.0), (0.0, 0.22)
"""bottom and top of both rows, as shares of the height"""


def montage(pictures: list[go.Figure], curves: list[go.Figure], titles: list[str]) -> Figure:
    """The pictures side by side with their titles, and the curve of each below it; one animation of all of them.

    Each figure has one pair of axes. Figures with fewer frames keep their last one.
    """
    width = (1 - GAP * (len(pictures) - 1)) / len(pictures)
    specs = [figure.to_dict() for figure in (*pictures, *curves)]
    longest = max(len(spec["frames"]) for spec in specs[: len(pictures)])
    data, frames = [], [dict(name=str(i), data=[], traces=[], layout=dict(images=[])) for i in range(longest)]
    layout = dict(showlegend=False, hovermode="closest", dragmode=False, images=[], annotations=[])
    for part, spec in enumerate(specs):
        column, number = part % len(pictures), "" if part == 0 else str(part + 1)
        left = column * (width + GAP)
        bottom, top = CURVES if part >= len(pictures) else PICTURES
        x, y = spec["layout"]["xaxis"], spec["layout"]["yaxis"]
        layout[f"xaxis{number}"] = x | dict(domain=[left, left + width], anchor=f"y{number}")
        layout[f"yaxis{number}"] = y | dict(domain=[bottom, top], anchor=f"x{number}")
        if "scaleanchor" in y:
            layout[f"yaxis{number}"]["scaleanchor"] = f"x{number}"
        axes, references = dict(xaxis=f"x{number}", yaxis=f"y{number}"), dict(xref=f"x{number}", yref=f"y{number}")
        if part < len(pictures):
            text = dict(text=escape_title(titles[part]), x=left, y=top, xref="paper", yref="paper", font=dict(size=14))
            layout["annotations"].append(text | dict(xanchor="left", yanchor="bottom", showarrow=False))
        states = list(_states(spec))
        for i, frame in enumerate(frames):
            traces, images, changed = states[min(i, len(states) - 1)]
            frame["data"] += [traces[trace] for trace in changed]
            frame["traces"] += [len(data) + trace for trace in changed]
            frame["layout"]["images"] += [image | references for image in images]
        data += [trace | axes for trace in spec["data"]]
        layout["images"] += [image | references for image in spec["layout"].get("images", [])]
    if not layout["images"]:
        frames = [{name: value for name, value in frame.items() if name != "layout"} for frame in frames]
    return Figure(data, layout, frames)


def _states(spec: dict) -> Iterator[tuple[list[dict], list[dict], list[int]]]:
    """For each frame the values of each trace that frames change, the images, and the numbers of these traces.

    They do not depend on the frame that was shown before.
    """
    traces: list[dict] = [{} for _ in spec["data"]]
    images = [dict(image) for image in spec["layout"].get("images", [])]
    changed = sorted({trace for frame in spec["frames"] for trace in frame.get("traces", [])})
    for frame in spec["frames"]:
        for i, change in zip(frame.get("traces", []), frame.get("data", []), strict=True):
            before = traces[i]
            traces[i] = before | {
                name: before[name] | value if isinstance(before.get(name), dict) and "bdata" not in value else value
                for name, value in change.items()
            }
        sources = frame.get("layout", {}).get("images", [])
        images = [image | change for image, change in zip(images, sources, strict=False)] + images[len(sources) :]
        yield copy(traces), images, changed
