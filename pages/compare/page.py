"""Compare page: several runs on the same data, side by side and synchronized."""

from pages.compare.comparison import make_comparison
from pages.compare.examples import EXAMPLES
from pages.compare.sections import RUN_SHARE, panel_containers, show_agreement, show_messages, show_plots, show_scores
from pages.datasets.formatting import format_number
from pages.runs.jobs import progress_after
from pages.ui.data_choice import current
from pages.ui.examples import choose_example, title_with_examples
from pages.ui.placing import choose_plane
from pages.ui.progress import Progress
from pages.ui.segments import last_segments
from pages.ui.widgets import choose_comparison, choose_panel, session_cache

beside, below = title_with_examples("Compare")
data = current()
panels, k, initialization, seed = choose_comparison(data)
progress = Progress()
containers = panel_containers(panels)
chosen = []
for i, container in enumerate(containers):
    with container:
        chosen.append(choose_panel(data, i + 1, k, seed))
choose_example(EXAMPLES, beside, below)


def on_step(i, state) -> None:
    share = (i + progress_after(state.iteration)) / panels
    loss = "" if state.loss is None else f": loss {format_number(state.loss)}"
    progress.show(RUN_SHARE * share, f"Run {i + 1}, iteration {state.iteration}{loss}.")


comparison = make_comparison(
    data,
    [panel.settings for panel in chosen],
    session_cache(),
    on_step,
    shared=[panel.shares_start for panel in chosen],
    k=k,
    initialization=initialization,
)
segments = last_segments(data)
show_messages(comparison, containers)
if comparison.named_runs:
    plane = choose_plane(comparison.data)
    show_plots(comparison, plane, containers, progress)
    show_scores(comparison)
    if len(comparison.clusterings) > 1 or segments is not None:
        compared = comparison.with_segments(segments)
        key = (*comparison.key, segments and segments.key)
        show_agreement(key, comparison.data, plane, compared.clusterings, compared.adjusted_rand)
progress.done()
