"""A bar for work that takes longer than a moment."""

import time

import streamlit as st


class Progress:
    """A bar that appears when work takes longer than a moment. A change of any setting leaves the work behind it."""

    def __init__(self):
        self.place, self.began = st.empty(), time.monotonic()

    def show(self, share: float, text: str) -> None:
        if time.monotonic() - self.began > 0.4:
            self.place.progress(share, text=f"{text} Change any setting to leave this.")

    def done(self) -> None:
        self.place.empty()


def share_of(iteration: int) -> float:
    """How far to say that a run of unknown length is: the bar slows down but never stands."""
    return iteration / (iteration + 30)
