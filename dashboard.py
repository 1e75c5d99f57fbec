"""The frame of the app: its pages, and the sidebar that all of them share."""

import streamlit as st

from pages.shared.emblem import emblem

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
from pages.shared.links import asked, keep_address, tell_of_nonsense, write_address  # noqa: E402
from pages.shared.widgets import is_own  # noqa: E402

asked()
keep_address(page.url_path)
notice = st.empty()

# the picture, not the frame, is what the screen is for
st.html(
    "<style>.stMainBlockContainer{padding-top:3.5rem;padding-bottom:3rem}.stMainBlockContainer h3{font-size:1.3rem}"
    # the curve goes below the picture where both side by side would be too narrow
    ".st-key-stage [data-testid=stHorizontalBlock]:has(>[data-testid=stColumn]){flex-wrap:wrap}"
    ".st-key-stage [data-testid=stColumn]:first-child{min-width:min(100%,30rem)}"
    ".st-key-stage [data-testid=stColumn]:last-child{min-width:min(100%,17rem)}"
    # where pictures are below each other, what plays them stays in reach
    "[data-testid=stLayoutWrapper]:has(>.st-key-driver){position:sticky;bottom:0;z-index:9;padding:.4rem 0"
    ";background:var(--st-background-color,Canvas)}"
    "@media (max-width:640px){.st-key-driver{max-height:14rem;overflow-y:auto;border-top:1px solid #8888}}"
    ".st-key-onwards a{border:1px solid currentColor;border-radius:.5rem;padding:.5rem .9rem;justify-content:center}"
    ".st-key-onwards a *{font-weight:600}"
    ".stMainBlockContainer h1{font-size:2rem;padding:.4rem 0}[data-testid=stMetricValue]{font-size:1.5rem}</style>"
)
st.html(
    """<script>
    // Going to a page is a step in the browser's history; what is set on it changes the address of that step. Streamlit would
    // make a step of every value that it writes there, and Back would have to go through all of them.
    if (!Object.hasOwn(history, "pushState")) {
        const { pushState, replaceState } = History.prototype;
        history.pushState = function (state, title, url) {
            const stays = url && new URL(url, location.href).pathname === location.pathname;
            (stays ? replaceState : pushState).call(history, state, title, url);
        };
    }
    </script>""",
    unsafe_allow_javascript=True,
)
if page is not watch:
    # Because there is a folder pages/, Streamlit looks for scripts in it before it knows of the navigation above, and greets
    # the first visitor of a new server with "Page not found", over a page that is there.
    st.html(
        """<script>{
        const closing = setInterval(() => {
            const dialog = document.querySelector("[role=dialog]");
            if (dialog?.textContent.startsWith("Page not found")) dialog.querySelector("button[aria-label=Close]").click();
        }, 50);
        setTimeout(() => clearInterval(closing), 2000);
        }</script>""",
        unsafe_allow_javascript=True,
    )
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
