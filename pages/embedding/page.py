"""Embedding page: word vectors (word2vec) learned step by step, from a generated text or the user's own."""

import streamlit as st

from pages.datasets.formatting import with_article
from pages.datasets.texts import Text
from pages.embedding.sections import choose_section, show_section
from pages.figures import palette
from pages.figures.markup import legend
from pages.methods.skip_gram import EMBEDDING, METHOD, with_fitting_dimension
from pages.runs.run import Run
from pages.ui import run_view
from pages.ui.errors import show_error
from pages.ui.export_menu import show_export_menu
from pages.ui.navigation import open_requested_page
from pages.ui.placing import plane_of
from pages.ui.progress import Progress
from pages.ui.text_choice import choose_text
from pages.ui.widgets import choose_settings_of, focused_name


def show_run(run: Run, text: Text, progress: Progress) -> None:
    left, right = run_view.columns_of_run()
    shown = run_view.pictures_of(run, plane_of(run.data), progress, EMBEDDING)
    names = run.data.names_of(slice(None))
    word = focused_name(names)
    key = f"words {word}"  # with the same key, the last click would be handled again

    def clicked():
        picked = st.session_state[key]["selection"]["points"]
        if picked and picked[0]["curve_number"] == 0:
            st.session_state["focus_name"] = names[picked[0]["point_index"]]

    with left:
        if run.data.labels is not None:
            categories = sorted(set(text.categories.values()))
            st.html(legend([(palette.color_of(i), category) for i, category in enumerate(categories)]))
        run_view.show_picture(run, shown, key, on_select=clicked, selection_mode="points")
        panel = run_view.player_panel()
        formulas, word = run_view.choose_formulas(run, shown, always=True)
        st.caption(
            f"Each point is {with_article(run.data.noun)}. Frequent ones have larger labels; labels that would overlap are "
            "hidden." + (f" {shown.omitted_note}" if shown.omitted_note else "")
        )
        show_export_menu(run, shown.picture, shown.frames)
    with right:
        run_view.show_results(run, shown, formulas)
    section = choose_section()
    with panel:
        run_view.show_player(run, shown, other_figures=("neighbors",) if section == "neighbors" else ())
    show_section(section, run, shown, word)


st.title("Embedding")
open_requested_page()
progress = Progress()
try:
    text = choose_text()
    if text is not None:
        settings = choose_settings_of(METHOD, text, EMBEDDING)
        fitting = with_fitting_dimension(text, settings)
        if fitting != settings:
            n = fitting.option("dimension")
            st.warning(f"Only {n} {text.noun}s, so the vectors have {n} dimensions.", icon=":material/info:")
            settings = fitting
        run = run_view.computed_run(text, settings, progress)
        if run.note:
            st.info(run.note, icon=":material/info:")
        show_run(run, text, progress)
except ValueError as error:
    show_error(error)
progress.done()
