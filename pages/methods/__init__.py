"""The clustering methods of the app, one file each; they are discovered by listing this folder."""

import importlib
import pkgutil
from functools import cache

from pages.datasets.data import POINTS, Data
from pages.methods.base import MethodView
from pages.methods.options import Settings
from pages.methods.starts import ONLY_SEED, Initialization


@cache
def methods() -> dict[str, MethodView]:
    """All methods by name, sorted by `order`: the `METHOD` of each module in this folder that has one."""
    modules = (importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__))
    found = sorted((module.METHOD for module in modules if hasattr(module, "METHOD")), key=lambda view: view.order)
    return {view.name: view for view in found}


def method(name: str) -> MethodView:
    """The method with this name; ValueError if there is none."""
    try:
        return methods()[name]
    except KeyError:
        raise ValueError(f"unknown method {name!r}; choose from {', '.join(methods())}") from None


def available_methods(page: str, data: Data | None = None) -> dict[str, MethodView]:
    """Methods that can be chosen on a page, by name; if `data` is given, only those that work with it."""
    return {
        name: view
        for name, view in methods().items()
        if view.available_on(page) and (data is None or data.kinds & view.traits.data)
    }


def methods_for_points(page: str) -> dict[str, MethodView]:
    """Methods that can be chosen on a page and work with any points, such as simulated samples, by name."""
    return {name: view for name, view in available_methods(page).items() if POINTS in view.traits.data}


def initializations() -> dict[str, Initialization]:
    """Initializations of all methods, by name."""
    return {initialization.name: initialization for view in methods().values() for initialization in view.initializations}


def repeatable_initializations() -> dict[str, Initialization]:
    """Initializations that the Restarts page can compare, by name."""
    found = {name: initialization for name, initialization in initializations().items() if initialization.repeatable}
    return found | {ONLY_SEED.name: ONLY_SEED}


def settings(name: str, k: int | None = 3, start=None, seed: int = 1, data: Data | None = None, **options) -> Settings:
    """Settings of the method with this name; see `MethodView.settings`."""
    return method(name).settings(k, start, seed, data, **options)
