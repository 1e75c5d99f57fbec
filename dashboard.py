"""The frame of the app: its pages, and the sidebar that all of them share."""

import streamlit as st

from pages.shared.emblem import emblem
from pages.shared.memory import tidying

tidying()
# a drawn icon, because a named one would be fetched from the network
st.set_page_config(page_title="Watch it cluster", page_icon=emblem(), layout="wide")
watch = st.Page("pages/explore/watch.py", title="Watch", icon=":material/play_circle:", default=True)
tree = st.Page("pages/explore/tree.py", title="The tree", icon=":material/account_tree:")
mixture = st.Page("pages/explore/mixture.py", title="Inside a mixture", icon=":material/blur_on:")
data = st.Page("pages/explore/data.py", title="Data", icon=":material/table_chart:")
race = st.Page("pages/compare/race.py", title="The race", icon=":material/view_column:")
starts = st.Page("pages/compare/starts.py", title="Many starts", icon=":material/stacked_line_chart:")
how_many = st.Page("pages/compare/how_many.py", title="How many clusters?", icon=":material/question_mark:")
report = st.Page("pages/explore/report.py", title="Report", icon=":material/description:")
gallery = st.Page("pages/learn/gallery.py", title="When it goes wrong", icon=":material/healing:")
page = st.navigation(
    {"Explore": [watch, tree, mixture, data, report], "Compare": [race, starts, how_many], "Learn": [gallery]}
)

# only now, when the menu is on its way to the screen: the first time this takes a second
from pages.shared.buttons import LACKS, copy_link  # noqa: E402
from pages.shared.choosing import choose_data  # noqa: E402
from pages.shared.frame import dress  # noqa: E402
from pages.shared.links import asked, keep_address, tell_of_nonsense, write_address  # noqa: E402
from pages.shared.widgets import is_own  # noqa: E402

asked()
keep_address(page.url_path)
notice = st.empty()

dress(page is watch)
if page is data:
    st.title("Data")
    st.caption("What is chosen here is what every page works on.")
    choose_data(full=True)
else:
    with st.sidebar:
        st.subheader("Data")
        choose_data(full=False)
with st.sidebar:
    copy_link(LACKS if is_own() else "")
page.run()
tell_of_nonsense(notice)
write_address()
tidying().soon()
