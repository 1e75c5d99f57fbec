"""Frames of figures as tests read them: Plotly validates one of each kind only, because that takes long."""

import re
from collections.abc import Hashable

import numpy as np
import plotly.graph_objects as go

from pages.figures.plots import Figure

PLOTLYS_FRAMES = vars(Figure)["frames"]
"""the property of figures that `plain_frames` replaces"""
OBJECTS = {"layout", "marker", "line", "textfont"}
"""properties that Plotly shows as objects even if they are missing"""
ANY_TEXT = {"name", "text", "customdata", "source"}
"""properties whose texts are all valid"""
COLOR = re.compile("#[0-9a-f]{6}")
_validated: set[Hashable] = set()


class Plain(dict):
    """A dictionary whose values are read like properties of Plotly's objects."""

    def __getattr__(self, name: str):
        return _readable(self.get(name, {} if name in OBJECTS else None))

    def to_plotly_json(self) -> dict:
        return self


def _readable(value):
    if isinstance(value, dict):
        return Plain(value)
    return tuple(map(_readable, value)) if isinstance(value, list | tuple) else value


def kind(value) -> Hashable:
    """The same for values of which all are valid or none, whatever they are called and wherever they are drawn."""
    if isinstance(value, dict):
        return tuple((name, type(part) if name in ANY_TEXT else kind(part)) for name, part in value.items())
    if isinstance(value, str):
        return "a color" if COLOR.fullmatch(value) else value
    if isinstance(value, list | tuple):
        types = frozenset(map(type, value))
        if not types <= {int, float, type(None)}:
            return frozenset(map(kind, set(value) if types == {str} else value))
        return types, *_signs(np.array(value, dtype=float))
    if value is None or isinstance(value, bool):
        return value
    return type(value), *_signs(np.asarray(value))


def _signs(numbers: np.ndarray) -> Hashable:
    return numbers.dtype, numbers.ndim, bool((numbers < 0).any()), bool((numbers > 1).any())


def plain_frames(figure: Figure) -> tuple[Plain, ...]:
    """The frames of a figure. Raises ValueError if one is invalid."""
    *_, frames = figure._spec
    new = {kind(frame): frame for frame in frames}
    for one in new.keys() - _validated:
        go.Figure(frames=[new[one]])
        _validated.add(one)
    return tuple(map(Plain, frames))
