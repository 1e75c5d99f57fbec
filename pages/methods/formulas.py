"""Formulas of a method as MathML, which browsers draw themselves, with quantities that the player fills in frame by frame."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from pages.datasets.formatting import minus, number, short

MOST_SHOWN = 4
"""clusters of which a distance is shown, and coordinates of a vector"""


@dataclass(frozen=True)
class Formula:
    """A formula with its quantities."""

    title: str
    phase: str
    """of the frames in which it is lit up; empty for none"""
    mathml: str
    """with `VALUE` in the place of a quantity"""
    note: str
    """HTML, with `NOTE` in the place of a quantity"""
    values: Callable[[Any], list[str]]
    """the quantities of a frame, in the order of their places in the formula and then in the note"""


@dataclass(frozen=True)
class Typeset:
    """Formulas of a run as a page shows them."""

    html: str
    """with an empty element of the class "value" for each quantity"""
    values: list[list[str]]
    """the quantities of each frame, as text, in this order"""


def typeset(formulas: Sequence[Formula], frames: Sequence) -> Typeset:
    """The formulas as HTML, with their quantities in each of the frames."""
    body = "".join(
        f"<div class='formula' data-phase='{one.phase}'><span class='what'>{one.title}</span>"
        f"<div class='math'><math display='block'>{one.mathml}</math></div><span class='note'>{one.note}</span></div>"
        for one in formulas
    )
    return Typeset(body, [[value for one in formulas for value in one.values(frame)] for frame in frames])


def symbol(name: str) -> str:
    return f"<mi>{name}</mi>"


def vector(name: str) -> str:
    """A vector."""
    return f"<mi mathvariant='bold'>{name}</mi>"


def sign(sign: str) -> str:
    return f"<mo>{escape(sign)}</mo>"


def row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"


def sub(of: str, below: str) -> str:
    return f"<msub>{of}{below}</msub>"


def total(over: str) -> str:
    return f"<munder><mo>∑</mo>{over}</munder>"


def fraction(above: str, below: str) -> str:
    return f"<mfrac>{row(above)}{row(below)}</mfrac>"


def squared_norm(of: str) -> str:
    return f"<msup>{row(sign('‖'), of, sign('‖'))}<mn>2</mn></msup>"


VALUE = "<mspace width='0.4em'/><mtext class='value'></mtext>"
"""the place of a quantity"""
NOTE = "<span class='value'></span>"
"""the same in a sentence"""
N, K, J, Z = symbol("n"), symbol("k"), symbol("j"), symbol("z")
X = sub(vector("x"), N)
NK = sub(symbol("N"), K)


def coordinates(values: Iterable[float]) -> str:
    values = list(values)
    shown = ", ".join(short_number(value) for value in values[:MOST_SHOWN])
    return f"({shown}{', …' if len(values) > MOST_SHOWN else ''})"


def short_number(value: float) -> str:
    return minus(short(float(value)))


def loss_value(frame) -> list[str]:
    """The loss of a frame as the quantity of an objective."""
    return ["" if frame.loss is None else f"= {number(frame.loss)}"]


def number_of(run, cluster: int) -> int:
    """The number of a cluster on the screen, from 1."""
    return int(run.ranks[cluster]) + 1


def by_cluster(run, quantities) -> str:
    """The quantities (k,) of all clusters, in the order of their numbers, as far as there is room."""
    shown = [f"{number_of(run, k)}: {short_number(quantities[k])}" for k in np.argsort(run.ranks)[: 2 * MOST_SHOWN]]
    return ", ".join(shown) + (", …" if len(quantities) > 2 * MOST_SHOWN else "")


def nearest_center(run, point: int, distances: Callable, what: str, center: str, mathml: str, label: Callable) -> Formula:
    """The E step of a method that assigns each point to the nearest center.

    `distances` gives (k,) quantities of the chosen point by parameters and `label` its cluster; `what` names the quantities,
    and `mathml` is the one that is minimized.
    """

    def values(frame) -> list[str]:
        if frame.assigned is None:
            return ["", "not yet."]
        parameters = run.history.states[frame.assigned].parameters
        return [f"= {number_of(run, label(parameters))}", f"{by_cluster(run, distances(parameters))}."]

    least = f"<munder><mo>arg min</mo>{K}</munder>"
    called = escape(run.data.names_of([point])[0])
    formula = row(sub(Z, N), sign("="), least, mathml, VALUE)
    return Formula("E step", "E", formula, f"For {called}, {what} to {center} {NOTE}", values)
