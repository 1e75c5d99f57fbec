"""The settings of a run and the options of a method."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pages.datasets.data import Data
from pages.methods.starts import Start

TUNED_VALUES = 20
"""number of values of an option on the Choose K page"""
SMALLEST, LARGEST = 1e-300, 1e300
"""limits of a positive number in the unit of the data"""


@dataclass(frozen=True)
class Option:
    """An option of a method.

    Its widget, query parameter, label in a comparison, entry in the report, JSON and script are derived from this declaration.
    """

    name: str
    label: str
    default: Any
    help: str | None = None
    choices: Mapping[Any, str] | None = None
    """values and their labels; None for a number"""
    low: float | None = None
    high: float | None = None
    step: float | None = None
    step_for: Callable[[Data], float] | None = None
    """approximate step of the widget for a data set; None if it does not depend on the data"""
    short_label: Callable[[Any], str] = str
    """abbreviated value, used in the names of runs in a comparison"""
    values_for: Callable[[Data], tuple] | None = None
    """allowed values for a data set, the default first; None if they do not depend on the data"""
    default_for: Callable[[Data], Any] | None = None
    """default value for a data set; None if it does not depend on the data"""
    number_for: Callable[[Data, Mapping[str, Any]], float] | None = None
    """default number for a data set and the values of the options before this one; None if it depends on neither"""
    omitted_in_labels: frozenset = frozenset()
    """common values, omitted from the names of runs if all runs share them; if empty, any shared value is omitted"""
    argument: str | None = ""
    """argument of the process; empty if it has the name of the option, None if there is no such argument"""
    width: int = 170
    """width of the widget in pixels"""
    applies_to: Callable[[Any], bool] | None = None
    """whether it has an effect on a data set; None if it always has. Without an effect its value is None"""
    advanced: bool = False
    """whether its widget is in a popover with other advanced options"""
    pages: frozenset[str] | None = None
    """pages that show the option; None for all. Other pages use its default"""

    def values(self, data: Data | None) -> dict[Any, str]:
        """Values and their labels for a data set."""
        if self.values_for is None or data is None:
            return dict(self.choices or {})
        return {value: (self.choices or {}).get(value, str(value).capitalize()) for value in self.values_for(data)}

    def applies(self, data: Data | None) -> bool:
        """Whether it has an effect on a data set."""
        return self.applies_to is None or data is None or self.applies_to(data)

    def default_value(self, data: Data | None, chosen: Mapping[str, Any] | None = None) -> Any:
        """Default value for a data set, given the values of the options before this one; None if it has no effect.

        The default of an option that is not among the `chosen` ones is its own.
        """
        if not self.applies(data):
            return None
        if self.number_for is not None and data is not None:
            return self.number_for(data, chosen or {})
        if self.default_for is not None and data is not None:
            return self.default_for(data)
        values = self.values(data)
        return self.default if self.values_for is None or data is None else next(iter(values))

    def label_of(self, value) -> str:
        """Label of a value; a dash if the option has no effect."""
        if value is None:
            return "–"
        if self.choices is not None and value in self.choices:
            return self.choices[value]
        return str(value).capitalize() if isinstance(value, str) else f"{value:g}"

    def depends_on(self, data: Data) -> bool:
        """Whether the values depend on uploaded data, so that links cannot contain them."""
        return self.values_for is not None and (data.mixed is not None or data.precomputed is not None)


@dataclass(frozen=True)
class Settings:
    """Everything that determines a run, apart from the data. Hashable, so it can be a cache key."""

    method: str
    k: int | None
    start: Start
    seed: int
    options: tuple[tuple[str, Hashable], ...] = ()
    """names and values of the method's options, in the order of `MethodView.options`"""

    def option(self, name: str) -> Any:
        """Value of an option; KeyError if the method does not have it."""
        return dict(self.options)[name]

    def with_options(self, **values) -> "Settings":
        """A copy with other values of these options; KeyError if the method does not have one."""
        for name in values:
            self.option(name)
        return replace(self, options=tuple((name, values.get(name, value)) for name, value in self.options))


@dataclass(frozen=True)
class TunedOption:
    """The main option of a method that finds K: the Choose K page compares its values instead of values of K."""

    name: str
    """name of the option"""
    title: str
    """short name, such as "eps\""""
    phrase: str
    """what it is called within sentences, such as "the radius eps\""""
    values_for: Callable[[Data, Settings], Sequence[int | float]]
    """increasing positive values that suit a data set, given the other options; ValueError if there are none"""
    unused: frozenset[str] = frozenset()
    """names of the options that have no effect with these values"""


def spaced(low: float, high: float) -> tuple[float, ...]:
    """`TUNED_VALUES` numbers of three significant digits in a range, in the ratio of which they are evenly spaced."""
    return tuple(dict.fromkeys(float(f"{value:.3g}") for value in np.geomspace(low, high, TUNED_VALUES)))


def spaced_integers(low: int, high: int) -> tuple[int, ...]:
    """At most `TUNED_VALUES` integers in a range, about evenly spaced in their ratio."""
    return tuple(dict.fromkeys(round(value) for value in np.geomspace(low, high, TUNED_VALUES)))
