"""How a run compares with other random starts, with one click to the best start and to a bad one."""

from dataclasses import replace

import streamlit as st

from pages.datasets.formatting import escape_markdown
from pages.figures import plots
from pages.runs.random_starts import BEST_OF, MANY_STARTS, RandomStarts, Standing, affordable_runs, has_random_start
from pages.runs.run import Run
from pages.ui.progress import run_job
from pages.ui.widgets import session_cache

WANTED, FOUND = "bad start wanted", "found seed"
"""session keys: the search for a bad start that the user asked for; the seed that it found, for the next run of the script"""


LAST = "last start"
"""session key: the latest run, by data and settings, its seed and loss, and what was said about it"""


def use_found_start() -> None:
    """Set the seed of a bad start that the last run of the script found. Call it before widgets are drawn."""
    if (seed := st.session_state.pop(FOUND, None)) is not None:
        st.session_state["seed"] = seed


def _search(run: Run, wanted: int) -> tuple[str, RandomStarts]:
    """A search with this many random starts, or fewer if the data are large, and its name."""
    # the same for all seeds, so that the best start, once shown, is known to be the best
    settings, data = replace(run.settings, seed=0), run.data
    key = "random starts", data.key, settings, affordable_runs(data, settings, wanted)
    process, prepared = run.history.process, run.history.prepared
    return plots.token(*key), session_cache().get(key, lambda: RandomStarts(process, prepared, data, settings, key[-1]))


def show_random_starts(run: Run) -> None:
    """Compare a run with other random starts, and offer the best start and a bad one; nothing if its start is not random."""
    if not has_random_start(run.settings):
        return
    if text := _comparison_with_last(run):
        st.caption(text)
    if affordable_runs(run.data, run.settings, BEST_OF) == 1:
        st.caption("The data are large, so no other random start was tried.")
        return
    few, many = _search(run, BEST_OF), _search(run, MANY_STARTS)
    if st.session_state.get(WANTED) != many[0]:
        st.session_state[WANTED] = None
    name, job = many if st.session_state[WANTED] or many[1].found is not None else few
    job = run_job(name, job)
    if job.found is None:
        return
    standing = Standing.of(run, job.found)
    if st.session_state[WANTED] and not job.remaining:
        st.session_state[WANTED] = None
        if not standing.is_only and job.found.worst != run.settings.seed:
            st.session_state[FOUND] = job.found.worst
            st.rerun()
    fewer = f" The data are large, so only {job.count} starts were tried." if job.count < BEST_OF else ""
    st.caption(escape_markdown(standing.sentence + fewer))
    with st.container(horizontal=True):
        if standing.better:
            _offer(job.found.best)
        if name == few[0] or not standing.is_only:
            st.button(
                "Find a bad start",
                icon=":material/trending_down:",
                on_click=st.session_state.update,
                args=({WANTED: many[0]},),
                help=f"Try {many[1].count} random starts and show the one that ends with the highest loss",
            )


def _comparison_with_last(run: Run) -> str:
    """A sentence if the run before this one had another seed only, and found the same optimum; otherwise empty."""
    key, seed, loss = (run.data.key, replace(run.settings, seed=0)), run.settings.seed, run.history.losses[-1]
    last_key, last_seed, last_loss, text = st.session_state.get(LAST, (None, None, None, ""))
    if key != last_key:
        text = ""
    elif seed != last_seed:
        is_same = abs(loss - last_loss) <= 1e-9 * abs(last_loss)
        text = f"This start, seed {seed}, finds the same optimum as the one before, seed {last_seed}." if is_same else ""
    st.session_state[LAST] = key, seed, loss, text
    return text


def warn_of_better_start(run: Run, consequence: str) -> None:
    """Warn with this sentence if `show_random_starts` has found a better optimum than that of a run, and offer it."""
    if not has_random_start(run.settings):
        return
    found = [job.found for _, job in (_search(run, MANY_STARTS), _search(run, BEST_OF)) if job.found is not None]
    if found and (standing := Standing.of(run, found[0])).better:
        st.warning(escape_markdown(f"{standing.sentence} {consequence}"))
        _offer(found[0].best, consequence)


def _offer(seed: int, key: str = "") -> None:
    st.button(
        f"Show the best start (seed {seed})",
        icon=":material/trending_up:",
        on_click=st.session_state.update,
        args=({"seed": seed},),
        key=f"best start {key}",
    )
