"""The methods of the app: one file for each, found by listing this folder."""

import importlib
import pkgutil
from functools import cache

from pages.datasets.data import Data
from pages.methods.base import MethodView
from pages.methods.options import Settings
from pages.methods.starts import Initialization
from pages.methods.traits import POINTS, PROXIMITIES


@cache
def methods() -> dict[str, MethodView]:
    """All methods by name, in the order in which they are offered: the `METHOD` of each file here that has one."""
    modules = (importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__))
    found = sorted((module.METHOD for module in modules if hasattr(module, "METHOD")), key=lambda view: view.order)
    return {view.name: view for view in found}


def method(name: str) -> MethodView:
    """The method of this name.

    Raises
    ------
    ValueError
        If there is none.
    """
    try:
        return methods()[name]
    except KeyError:
        raise ValueError(f"there is no method {name!r}; there are {', '.join(methods())}") from None


def kind_of(data: Data) -> str:
    """Which kind of data these are, as `Traits.data` has it."""
    return POINTS if data.given is None else PROXIMITIES


def available_methods(page: str, data: Data | None = None) -> dict[str, MethodView]:
    """The methods that may be chosen on this page, by name; with `data` only those that can cluster them."""
    return {
        name: view
        for name, view in methods().items()
        if view.available_on(page) and (data is None or kind_of(data) in view.traits.data)
    }


def initializations() -> dict[str, Initialization]:
    """All initializations by name, of all methods."""
    return {initialization.name: initialization for view in methods().values() for initialization in view.initializations}


def settings(name: str, k: int | None = 3, start=None, seed: int = 1, data: Data | None = None, **options) -> Settings:
    """Settings of the method of this name; as `MethodView.settings`."""
    return method(name).settings(k, start, seed, data, **options)
