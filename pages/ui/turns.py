"""Results that may be dropped because memory is short."""

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st

from pages.runs.budget import budget
from pages.ui.widgets import session_cache

DROPPED = "An earlier result was dropped because memory was short; it was computed again."


def droppable(key: tuple, value: Any) -> Callable[[], Any]:
    """A function that returns a value, for a fragment: the value itself, as an argument, could not be dropped from memory.

    The session keeps the value in its cache. If it was dropped, the function runs the page again.
    """
    reference = weakref.ref(session_cache().get(key, lambda: value))

    def get() -> Any:
        kept = reference()
        if kept is None:
            st.rerun()
        return kept

    return get


@contextmanager
def using_results(place) -> Iterator[None]:
    """Context of a script that uses results of the session's cache; shows a note in `place` if some were computed again."""
    cache = session_cache()
    with budget().script(cache):
        yield
    if cache.recomputed:
        cache.recomputed = False
        place.info(DROPPED, icon=":material/memory:")
