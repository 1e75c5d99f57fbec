"""Formulas as MathML, which browsers render natively, with values that the player updates in each frame."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from pages.datasets.formatting import format_number, format_short, minus_signs

E_STEP, M_STEP = "Assignment (E)", "Update (M)"
"""names of the two half-steps on the screen"""
MAX_SHOWN = 4
"""maximum number of coordinates shown; values of up to twice as many clusters are listed"""


@dataclass(frozen=True)
class Formula:
    """A formula with values that change from frame to frame."""

    title: str
    phase: str
    """phases of the frames in which it is highlighted, separated by spaces; empty for none"""
    mathml: str | tuple[str, ...]
    """contains `VALUE` where a value is inserted; several equations are side by side or below each other"""
    note: str
    """HTML, contains `NOTE` where a value is inserted"""
    values: Callable[[Any], list[str]]
    """returns the values for a frame: first those of the formula, then those of the note"""


@dataclass(frozen=True)
class Typeset:
    """Formulas as HTML."""

    html: str
    """contains an empty element of class "value" for each value"""
    values: list[list[str]]
    """values of each frame, in the order of these elements"""


def typeset(formulas: Sequence[Formula], frames: Sequence) -> Typeset:
    """Convert formulas to HTML and compute their values for all frames."""

    def equations(formula: Formula) -> str:
        parts = (formula.mathml,) if isinstance(formula.mathml, str) else formula.mathml
        return "".join(f"<math display='block'>{part}</math>" for part in parts)

    body = "".join(
        f"<div class='formula' data-phase='{one.phase}'><span class='what'>{one.title}</span>"
        f"<div class='math'>{equations(one)}</div><span class='note'>{one.note}</span></div>"
        for one in formulas
    )
    return Typeset(body, [[value for one in formulas for value in one.values(frame)] for frame in frames])


def symbol(name: str) -> str:
    return f"<mi>{name}</mi>"


def vector(name: str) -> str:
    return f"<mi mathvariant='bold'>{name}</mi>"


def sign(sign: str) -> str:
    return f"<mo>{escape(sign)}</mo>"


def row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"


def subscript(base: str, index: str) -> str:
    return f"<msub>{base}{index}</msub>"


def sum_over(index: str) -> str:
    return f"<munder><mo>∑</mo>{index}</munder>"


def fraction(numerator: str, denominator: str) -> str:
    return f"<mfrac>{row(numerator)}{row(denominator)}</mfrac>"


def squared_norm(vector: str) -> str:
    return f"<msup>{row(sign('‖'), vector, sign('‖'))}<mn>2</mn></msup>"


VALUE = "<mspace width='0.4em'/><mtext class='value'></mtext>"
"""placeholder for a value in a formula"""
NOTE = "<span class='value'></span>"
"""placeholder for a value in a note"""
N, K, J, Z = symbol("n"), symbol("k"), symbol("j"), symbol("z")
X = subscript(vector("x"), N)
NK = subscript(symbol("N"), K)


def coordinates(values: Iterable[float]) -> str:
    """A vector as text, truncated after `MAX_SHOWN` coordinates."""
    values = list(values)
    shown = ", ".join(short_number(value) for value in values[:MAX_SHOWN])
    return f"({shown}{', …' if len(values) > MAX_SHOWN else ''})"


def short_number(value: float) -> str:
    return minus_signs(format_short(float(value)))


def loss_value(frame) -> list[str]:
    """The loss of a frame, as the value of an objective function."""
    return ["" if frame.loss is None else f"= {format_number(frame.loss)}"]


def cluster_number(run, cluster: int) -> int:
    """Displayed number of a cluster, from 1."""
    return int(run.ranks[cluster]) + 1


def values_by_cluster(run, values, noun: str) -> str:
    """Values (k,) of the clusters as text, sorted by cluster number and truncated after `2 * MAX_SHOWN`.

    `noun` is what a cluster is called; for example, "0.9 (component 1), 0.1 (2)".
    """
    order = np.argsort(run.ranks)[: 2 * MAX_SHOWN]
    shown = [
        f"{short_number(values[k])} ({'' if i else f'{noun} '}{cluster_number(run, k)})" for i, k in enumerate(order.tolist())
    ]
    return ", ".join(shown) + (", …" if len(values) > 2 * MAX_SHOWN else "")


def nearest_center(
    run, point: int, distances: Callable, distances_name: str, center: str, mathml: str, label: Callable
) -> Formula:
    """E step of a method that assigns each point to the nearest center.

    Parameters
    ----------
    run, point : the run, and the index of the point that is shown.
    distances : function of the parameters; returns (k,) distances of the point.
    distances_name : what these distances are called, a plural.
    center : name of a center.
    mathml : the distance that is minimized.
    label : function of the parameters; returns the cluster of the point.
    """

    def values(frame) -> list[str]:
        if frame.assigned is None:
            return ["", "not assigned yet."]
        parameters = run.history.states[frame.assigned].parameters
        values_text = values_by_cluster(run, distances(parameters), center)
        return [f"= {cluster_number(run, label(parameters))}", f"{distances_name}: {values_text}."]

    argmin = f"<munder><mo>arg min</mo>{K}</munder>"
    name = escape(run.data.names_of([point])[0])
    formula = row(subscript(Z, N), sign("="), argmin, mathml, VALUE)
    return Formula(E_STEP, "E", formula, f"For {name}: {NOTE}", values)
