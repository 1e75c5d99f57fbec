"""What a page shows while it waits for memory, and after its results were dropped because memory was short."""

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st

from pages.datasets.formatting import pluralize
from pages.runs.budget import budget
from pages.ui.progress import Progress
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
def memory_turn() -> Iterator[None]:
    """Context of a script, whose large runs share the memory with those of other sessions.

    While one of them waits, its place in the queue is shown where the context begins. The Stop button, or changing any
    setting, ends the waiting.
    """
    place, cache = st.container(), session_cache()
    progress = None

    def on_wait(ahead: int) -> None:
        nonlocal progress
        if progress is None:
            with place:
                progress = Progress()
        if ahead:
            progress.show(0.0, f"Waiting for memory: {pluralize(ahead, 'large run')} {'is' if ahead == 1 else 'are'} ahead.")
        else:
            progress.done()

    with budget().turn(cache, on_wait):
        yield
    if cache.recomputed:
        cache.recomputed = False
        place.info(DROPPED, icon=":material/memory:")
