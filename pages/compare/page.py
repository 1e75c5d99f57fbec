"""The race: several runs on the same data, side by side and in step."""

import streamlit as st

from pages.compare.comparison import make_comparison
from pages.compare.examples import EXAMPLES
from pages.compare.sections import RUNNING, lay_out, show_agreement, show_faults, show_pictures, show_scores
from pages.datasets.formatting import number
from pages.runs.jobs import share_of
from pages.ui.data_choice import current
from pages.ui.examples import choose_example
from pages.ui.placing import choose_plane
from pages.ui.progress import Progress
from pages.ui.widgets import choose_comparison, choose_panel, recent

st.title("The race")
data = current()
examples = st.container()
panels, k, start, seed = choose_comparison(data)
progress = Progress()
places = lay_out(panels)
chosen = []
for i, place in enumerate(places):
    with place:
        chosen.append(choose_panel(data, i + 1, k, seed))
with examples:
    choose_example(EXAMPLES)


def on_step(i, state) -> None:
    share = (i + share_of(state.iteration)) / panels
    loss = "" if state.loss is None else f": loss {number(state.loss)}"
    progress.show(RUNNING * share, f"Panel {i + 1}, iteration {state.iteration}{loss}.")


comparison = make_comparison(
    data,
    [panel.settings for panel in chosen],
    recent(),
    on_step,
    shared=[panel.shares_start for panel in chosen],
    k=k,
    start=start,
)
show_faults(comparison, places)
if comparison.ran:
    plane = choose_plane(comparison.data)
    show_pictures(comparison, plane, places, progress)
    show_scores(comparison)
    if len(comparison.clusterings) > 1:
        show_agreement(comparison.key, comparison.data, plane, comparison.clusterings, comparison.rand)
progress.done()
