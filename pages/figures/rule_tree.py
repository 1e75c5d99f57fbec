"""A drawing of a tree of yes–no questions, as an outline: each node is below its parent, and further to the right."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from pages.datasets.formatting import escape_html, escape_title, truncate
from pages.figures import palette
from pages.figures.plots import Figure

BOX, BOX_HEIGHT, ROW = 170, 40, 50
"""width and height of a box, and the distance between boxes below each other, in pixels"""
INDENT = 40
"""distance to the right between a node and its children"""
STEM = 14
"""distance of the line to the children from the left end of a box"""
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
    return 2 * MARGIN + BOX + INDENT * max(_levels(nodes).values())


def rule_tree(nodes: Sequence[TreeNode]) -> go.Figure:
    """Return a drawing of the tree with root `nodes[0]`, as wide as `drawing_width`."""
    levels, width, height = _levels(nodes), drawing_width(nodes), 2 * MARGIN + ROW * len(nodes)
    rows = {node: row for row, node in enumerate(levels)}

    def left(node: int) -> float:
        return MARGIN + INDENT * levels[node]

    def middle(node: int) -> float:
        return height - MARGIN - ROW * (rows[node] + 0.5)

    x, y, notes = [], [], []
    for i, node in enumerate(nodes):
        stem = left(i) + STEM
        for child, answer in ((node.yes, "yes"), (node.no, "no")):
            if child >= 0:
                x += [stem, stem, left(child), None]
                y += [middle(i) - BOX_HEIGHT / 2, middle(child), middle(child), None]
                above = dict(yanchor="bottom", font=dict(size=11))
                notes.append(_note(answer, (stem + left(child)) / 2, middle(child)) | above)
        mark = f"<span style='color:{node.color}'>{node.mark}</span> " if node.mark else ""
        title, text = (escape_html(truncate(part)) for part in (node.title, node.text))
        box = dict(xanchor="left", width=BOX - 6, height=BOX_HEIGHT - 6, borderpad=2, bordercolor=node.color)
        box |= dict(borderwidth=2 if node.yes < 0 else 1, hovertext=f"{escape_title(node.title)} {escape_title(node.text)}")
        notes.append(_note(f"{mark}<b>{title}</b><br>{text}", left(i), middle(i)) | box)
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


def _levels(nodes: Sequence[TreeNode]) -> dict[int, int]:
    """Level of each node, 0 for the root, in the order from top to bottom: yes before no."""
    levels, stack = {}, [(0, 0)]
    while stack:
        node, level = stack.pop()
        levels[node] = level
        if nodes[node].yes >= 0:
            stack += [(nodes[node].no, level + 1), (nodes[node].yes, level + 1)]
    return levels
