"""The frame of the app: its pages, and the sidebar that all of them share."""

import streamlit as st

from pages.figures.icon import app_icon
from pages.ui.memory import memory_cleaner

memory_cleaner()
# a drawn icon, because a named one would be fetched from the network
st.set_page_config(page_title="Watch it cluster", page_icon=app_icon(), layout="wide")
watch = st.Page("pages/watch/page.py", title="Watch", icon=":material/play_circle:", default=True)
tree = st.Page("pages/hierarchy/page.py", url_path="hierarchy", title="The tree", icon=":material/account_tree:")
mixture = st.Page("pages/mixture/page.py", url_path="mixture", title="Inside a mixture", icon=":material/blur_on:")
data = st.Page("pages/data/page.py", url_path="data", title="Data", icon=":material/table_chart:")
race = st.Page("pages/compare/page.py", url_path="compare", title="The race", icon=":material/view_column:")
starts = st.Page("pages/restarts/page.py", url_path="restarts", title="Many starts", icon=":material/stacked_line_chart:")
how_many = st.Page("pages/choose_k/page.py", url_path="choose_k", title="How many clusters?", icon=":material/question_mark:")
report = st.Page("pages/report/page.py", url_path="report", title="Report", icon=":material/description:")
gallery = st.Page("pages/failures/page.py", url_path="failures", title="When it goes wrong", icon=":material/healing:")
page = st.navigation(
    {"Explore": [watch, tree, mixture, data, report], "Compare": [race, starts, how_many], "Learn": [gallery]}
)

# only now, when the menu is on its way to the screen: the first time this takes a second
from pages.ui.buttons import WITHOUT_DATA, copy_link  # noqa: E402
from pages.ui.data_choice import choose_data  # noqa: E402
from pages.ui.frame import style_page  # noqa: E402
from pages.ui.links import requested, restore_address, warn_of_unavailable, write_address  # noqa: E402
from pages.ui.widgets import uses_own_data  # noqa: E402

requested()
restore_address(page.url_path)
notice = st.empty()

style_page(page is watch)
if page is data:
    st.title("Data")
    st.caption("What is chosen here is what every page works on.")
    choose_data(full=True)
else:
    with st.sidebar:
        st.subheader("Data")
        choose_data(full=False)
with st.sidebar:
    copy_link(WITHOUT_DATA if uses_own_data() else "")
page.run()
warn_of_unavailable(notice)
write_address()
memory_cleaner().soon()
