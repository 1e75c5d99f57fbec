"""A bar for work that takes longer than a moment."""

import time
from collections.abc import Callable

import streamlit as st


class Progress:
    """A bar that appears when work takes longer than a moment. A change of any setting leaves the work behind it.

    With `on_stop` there is a button too, by which the work is left on purpose.
    """

    def __init__(self, on_stop: Callable[[], None] | None = None):
        self.place, self.began = st.empty(), time.monotonic()
        self.on_stop, self.bar, self.last = on_stop, None, 0.0

    def show(self, share: float, text: str) -> None:
        now = time.monotonic()
        if now - self.began < 0.4 or now - self.last < 0.05:
            return
        self.last = now
        if self.bar is None:
            self.bar = self.place
            if self.on_stop is not None:
                with self.place.container():
                    self.bar = st.empty()
                    st.button("Stop here", icon=":material/stop_circle:", on_click=self.on_stop)
        leave = "Change any setting to leave this." if self.on_stop is None else "What is found so far is kept."
        self.bar.progress(share, text=f"{text} {leave}")

    def done(self) -> None:
        self.place.empty()


def share_of(iteration: int) -> float:
    """How far to say that a run of unknown length is: the bar slows down but never stands."""
    return iteration / (iteration + 30)
