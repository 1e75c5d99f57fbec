"""Entry point of the app: the list of pages, and the sidebar and address handling that all pages share."""

import streamlit as st

from pages.figures.icon import app_icon
from pages.ui.memory import memory_cleaner
from pages.ui.preload import preload_scripts

NAME = "Clustering, step by step"


def main() -> None:
    """Draw the open page with everything that all pages share."""
    memory_cleaner()
    # an image, before the menu, because Streamlit would load an icon given by name from the network
    st.set_page_config(page_icon=app_icon(), layout="wide")
    preload_scripts()
    watch = st.Page("pages/watch/page.py", title="Watch", icon=":material/play_circle:", default=True)
    hierarchy = st.Page("pages/hierarchy/page.py", url_path="hierarchy", title="Hierarchical", icon=":material/account_tree:")
    density = st.Page("pages/density/page.py", url_path="density", title="Density", icon=":material/terrain:")
    mixture = st.Page("pages/mixture/page.py", url_path="mixture", title="Gaussian mixture", icon=":material/blur_on:")
    embedding = st.Page("pages/embedding/page.py", url_path="embedding", title="Embedding", icon=":material/text_fields:")
    data = st.Page("pages/data/page.py", url_path="data", title="Data", icon=":material/table_chart:")
    segments = st.Page("pages/segments/page.py", url_path="segments", title="Segments", icon=":material/groups:")
    report = st.Page("pages/report/page.py", url_path="report", title="Report", icon=":material/description:")
    compare = st.Page("pages/compare/page.py", url_path="compare", title="Compare", icon=":material/view_column:")
    restarts = st.Page("pages/restarts/page.py", url_path="restarts", title="Restarts", icon=":material/stacked_line_chart:")
    choose_k = st.Page("pages/choose_k/page.py", url_path="choose_k", title="Choose K", icon=":material/question_mark:")
    failures = st.Page("pages/failures/page.py", url_path="failures", title="Failures", icon=":material/healing:")
    breaking_points = st.Page(
        "pages/breaking_points/page.py", url_path="breaking_points", title="Breaking points", icon=":material/trending_down:"
    )
    grid = st.Page("pages/grid/page.py", url_path="grid", title="Grid", icon=":material/grid_view:")
    page = st.navigation(
        {
            "Explore": [watch, segments, hierarchy, density, mixture, embedding, data, report],
            "Compare": [compare, grid, breaking_points, restarts, choose_k],
            "Learn": [failures],
        },
        expanded=True,
    )
    st.set_page_config(page_title=NAME if page is watch else f"{page.title} · {NAME}")

    # imported here, after the menu was sent to the browser, because the first import takes about a second
    from pages.datasets.server.tables import UnreadableTable
    from pages.ui.buttons import WITHOUT_DATA, copy_link
    from pages.ui.data_choice import choose_data, show_heading, show_limits
    from pages.ui.errors import show_error
    from pages.ui.frame import style_page
    from pages.ui.links import (
        note_parameters,
        requested_parameters,
        restore_address,
        warn_of_unavailable_parameters,
        write_address,
    )
    from pages.ui.playlist import playlist_button, show_bar
    from pages.ui.progress import Stopped, begin_script, end_script
    from pages.ui.project import keep, restore_rest, resume, save_project, warn_of_unavailable_choices
    from pages.ui.text_choice import uses_own_text
    from pages.ui.turns import using_results
    from pages.ui.widgets import uses_own_data

    begin_script(page.url_path)
    requested = requested_parameters()  # stores them before widgets change the address
    tab = st.empty()
    resume(tab, requested)
    with st.container(key="playlist_strip"):
        show_bar()
    restore_address(page.url_path)
    style_page(page is watch)
    body = st.container(key=f"page_{page.url_path or 'watch'}")  # for the style sheets
    with body:
        notices = st.container()
    try:
        if page is data:
            with body:
                settings, body, below = st.container(), st.container(), st.container()
            with settings:
                show_heading()
                choose_data(below)
            with below:
                show_limits()
        else:
            with st.sidebar:
                st.subheader("Data for the other pages" if page in (embedding, grid, breaking_points) else "Data")
                choose_data()
        restore_rest()
        with st.sidebar:
            save_project()
            copy_link(WITHOUT_DATA if (uses_own_text() if page is embedding else uses_own_data()) else "")
            playlist_button(page.title)
        with body, using_results(notices):
            page.run()
        end_script()
    except Stopped:
        pass
    except UnreadableTable as error:  # raised while a figure of all rows of a table on the server is drawn
        show_error(error)
    finally:
        note_parameters()
    warn_of_unavailable_parameters(notices)
    warn_of_unavailable_choices(notices)
    write_address()
    keep(tab, page.url_path)
    memory_cleaner().schedule()


if __name__ == "__main__":  # worker processes import this file under another name
    main()
