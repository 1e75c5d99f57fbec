"""Compare page: several runs on the same data, side by side and synchronized."""

from functools import partial

from pages.compare.comparison import Comparison, comparison_key, make_comparison
from pages.compare.examples import EXAMPLES
from pages.compare.scores import weights_in_agreement
from pages.compare.sections import RUN_SHARE, panel_containers, show_agreement, show_messages, show_plots, show_scores
from pages.datasets.formatting import format_number
from pages.runs.background import OnProgress
from pages.runs.jobs import progress_after
from pages.ui.data_choice import current
from pages.ui.examples import appliers_of, choose_example, title_with_examples
from pages.ui.placing import choose_plane
from pages.ui.player import Stage
from pages.ui.progress import Progress
from pages.ui.segments import last_segments
from pages.ui.widgets import choose_comparison, choose_panel, next_seed, session_cache

beside, below = title_with_examples("Compare")
data = current()
panels, restarts, k, initialization, seed = choose_comparison(data)
progress = Progress()
containers = panel_containers(panels)
chosen = []
for i, container in enumerate(containers):
    with container:
        chosen.append(choose_panel(data, i + 1, k, seed, narrow=panels > 3))
choose_example(EXAMPLES, beside, below)


def compared(on_progress: OnProgress) -> Comparison:
    def on_step(i, state) -> None:
        share = (i + progress_after(state.iteration)) / panels
        loss = "" if state.loss is None else f": loss {format_number(state.loss)}"
        on_progress(RUN_SHARE * share, f"Run {i + 1}, iteration {state.iteration}{loss}.")

    return make_comparison(data, settings, cache, on_step, **starts)


cache, settings = session_cache(), [panel.settings for panel in chosen]
shared = [panel.shares_start for panel in chosen]
starts = dict(shared=shared, k=k, initialization=initialization, restarts=restarts)
comparison = progress.compute(comparison_key(data, settings, **starts), compared, "Preparing the runs.")
segments = last_segments(data)
show_messages(comparison, containers)
if comparison.named_runs:
    plane = choose_plane(comparison.data)
    stage = Stage(comparison.data.title, partial(next_seed, restarts), examples=appliers_of(EXAMPLES))
    show_plots(comparison, plane, containers, progress, stage)
    show_scores(comparison)
    if len(comparison.clusterings) > 1 or segments is not None:
        with_segments = comparison.with_segments(segments)
        key = (*comparison.key, segments and segments.key)
        show_agreement(
            key,
            comparison.data,
            plane,
            with_segments.clusterings,
            with_segments.adjusted_rand,
            weights_in_agreement(comparison),
        )
progress.done()
