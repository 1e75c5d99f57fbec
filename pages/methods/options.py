"""Settings of a run, and the options that a method declares."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pages.datasets.data import Data
from pages.methods.starts import Start


@dataclass(frozen=True)
class Option:
    """A setting of one method: its widget, address, name in a comparison, row in the report, JSON and script come of this."""

    name: str
    label: str
    default: Any
    help: str | None = None
    choices: Mapping[Any, str] | None = None
    """the values and what they are called; None for a number"""
    low: float | None = None
    high: float | None = None
    step: float | None = None
    short_label: Callable[[Any], str] = str
    """how the value tells two panels of a comparison apart"""
    values_for: Callable[[Data], tuple] | None = None
    """the values that the data allow, the first as default, where that depends on them"""
    default_for: Callable[[Data], Any] | None = None
    """the default, where that alone depends on the data"""
    omitted_in_labels: frozenset = frozenset()
    """values that a comparison need not mention where all panels have the same; all others it does. Empty: it mentions none"""
    argument: str | None = ""
    """of the process that takes it: by default that of the same name; None where it is no argument of the process"""
    width: int = 170
    pages: frozenset[str] | None = None
    """on which it is offered, None for all; on others it has its default"""

    def values(self, data: Data | None) -> dict[Any, str]:
        """The values on offer for these data and what they are called."""
        if self.values_for is None or data is None:
            return dict(self.choices or {})
        return {value: (self.choices or {}).get(value, str(value).capitalize()) for value in self.values_for(data)}

    def default_value(self, data: Data | None) -> Any:
        """The value until another one is chosen."""
        if self.default_for is not None and data is not None:
            return self.default_for(data)
        values = self.values(data)
        return self.default if self.values_for is None or data is None else next(iter(values))

    def label_of(self, value) -> str:
        """What the value is called."""
        if self.choices is not None and value in self.choices:
            return self.choices[value]
        return str(value).capitalize() if isinstance(value, str) else f"{value:g}"

    def depends_on(self, data: Data) -> bool:
        """Whether its values are the data's own, so that no address can carry them."""
        return self.values_for is not None and (data.mixed is not None or data.given is not None)


@dataclass(frozen=True)
class Settings:
    """All that a run depends on beside the data. Hashable: the key of what is kept of a run."""

    method: str
    k: int | None
    start: Start
    seed: int
    options: tuple[tuple[str, Hashable], ...] = ()
    """this method's only, in the order in which it declares them"""

    def option(self, name: str) -> Any:
        """The value of this option. KeyError if the method has none of this name."""
        return dict(self.options)[name]

    def with_options(self, **values) -> "Settings":
        """The same with these values. KeyError for an option that the method does not have."""
        for name in values:
            self.option(name)
        return replace(self, options=tuple((name, values.get(name, value)) for name, value in self.options))
