"""A drawing of a tree of yes–no questions, from left to right."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from pages.datasets.formatting import escape_html, truncate
from pages.figures import palette
from pages.figures.plots import Figure

LEVEL, BOX = 190, 152
"""horizontal distance between levels, and width of a box, in pixels"""
LEAF_HEIGHT, BOX_HEIGHT = 54, 42
MARGIN = 8


@dataclass(frozen=True)
class TreeNode:
    """A node of the drawing: a question with two children, or a leaf."""

    title: str
    """first line"""
    text: str
    """second line"""
    color: str = palette.NEUTRAL
    mark: str = ""
    """colored symbol before the first line"""
    yes: int = -1
    """child for the answer yes; -1 for a leaf"""
    no: int = -1


def drawing_width(nodes: Sequence[TreeNode]) -> int:
    """Return the width of the drawing in pixels."""
    return 2 * MARGIN + BOX + LEVEL * max(level for level, _ in _places(nodes).values())


def rule_tree(nodes: Sequence[TreeNode]) -> go.Figure:
    """Return a drawing of the tree with root `nodes[0]`, as wide as `drawing_width`. For yes, go up; for no, go down."""
    places, width = _places(nodes), drawing_width(nodes)
    height = 2 * MARGIN + LEAF_HEIGHT * sum(node.yes < 0 for node in nodes)

    def xy(node: int) -> tuple[float, float]:
        """Left end of the box of a node, and its middle."""
        level, row = places[node]
        return MARGIN + LEVEL * level, height - MARGIN - LEAF_HEIGHT * (row + 0.5)

    x, y, notes = [], [], []
    for i, node in enumerate(nodes):
        left, middle = xy(i)
        for child, answer in ((node.yes, "yes"), (node.no, "no")):
            if child >= 0:
                end, level = xy(child)
                bend = left + BOX + 12
                x += [left + BOX, bend, bend, end, None]
                y += [middle, middle, level, level, None]
                notes.append(_note(answer, (bend + end) / 2, level) | dict(yanchor="bottom", font=dict(size=11)))
        mark = f"<span style='color:{node.color}'>{node.mark}</span> " if node.mark else ""
        title, text = (escape_html(truncate(part)) for part in (node.title, node.text))
        box = _note(f"{mark}<b>{title}</b><br>{text}", left, middle) | dict(xanchor="left", width=BOX - 6, height=BOX_HEIGHT)
        is_leaf = node.yes < 0
        look = dict(bordercolor=node.color, borderwidth=2 if is_leaf else 1, borderpad=2)
        look |= dict(hovertext=escape_html(f"{node.title} {node.text}"))
        notes.append(box | look)
    lines = dict(type="scatter", mode="lines", x=x, y=y, hoverinfo="skip", line=dict(color=palette.NEUTRAL, width=1.5))
    axis = dict(visible=False, fixedrange=True)
    layout = dict(
        width=width,
        height=height,
        margin=dict(l=0, r=0, t=0, b=0, pad=0),
        showlegend=False,
        dragmode=False,
        annotations=notes,
        xaxis=axis | dict(range=[0, width]),
        yaxis=axis | dict(range=[0, height]),
    )
    return Figure([lines], layout)


def _note(text: str, x: float, y: float) -> dict:
    return dict(text=text, x=x, y=y, showarrow=False, xanchor="center", yanchor="middle")


def _places(nodes: Sequence[TreeNode]) -> dict[int, tuple[int, float]]:
    """Level of each node, and its row: leaves have the rows 0, 1, … from the top, other nodes the middle of their children."""
    places: dict[int, tuple[int, float]] = {}
    rows = 0
    stack = [(0, 0, False)]
    while stack:
        node, level, visited = stack.pop()
        yes, no = nodes[node].yes, nodes[node].no
        if yes < 0:
            places[node] = level, rows
            rows += 1
        elif visited:
            places[node] = level, (places[yes][1] + places[no][1]) / 2
        else:
            stack += [(node, level, True), (no, level + 1, False), (yes, level + 1, False)]
    return places
