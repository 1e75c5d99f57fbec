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


def work_on(what: str, left: str, work: Callable[[Callable[[float, str], None]], None]) -> None:
    """Does long work that keeps what it has done, with a bar and a button to stop; then with a button to go on.

    `what` names the work, `left` says how much is still to be done. `work` is given a function to tell the share that is done
    and what is being done, which ends it when the button is pressed or anything else changes.
    """

    def stop():
        st.session_state["stopped"] = what

    def go_on():
        st.session_state["stopped"] = None

    if st.session_state.get("stopped") == what:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(f"Stopped with {left} still to be made; what follows is about what was.")
            st.button("Go on", on_click=go_on, icon=":material/play_arrow:")
        return
    progress = Progress(stop)
    work(progress.show)
    progress.done()
