"""Query parameters: restores them from a link, keeps them in the address across pages, and reports invalid ones."""

import json
from collections.abc import Mapping

import numpy as np
import streamlit as st
from streamlit.errors import StreamlitAPIException

from pages.datasets.catalog import SAMPLES, TABLES
from pages.datasets.cleaning import MISSING_OPTIONS, SCALINGS
from pages.datasets.formatting import escape_markdown, truncate
from pages.methods import initializations, methods
from pages.ui.data_choice import SIZES, SOURCES, current
from pages.ui.placing import CENTERS, read_places
from pages.ui.widgets import SAME, SAME_LABEL

TITLES = {name: one.title for name, one in (SAMPLES | TABLES).items()}
MAX_LISTED = 5
"""unavailable parameters that a warning lists; it counts the rest"""


def requested() -> dict[str, list[str]]:
    """Returns the query parameters with which the session began, each with its values.

    The first call must come before any widget is drawn.
    """
    if "asked" not in st.session_state:
        st.session_state["asked"] = {name: st.query_params.get_all(name) for name in st.query_params}
        n = st.query_params.get("n", "")
        if n.isdecimal() and int(n) in SIZES:  # Streamlit accepts only the slider's labels, which contain commas
            st.session_state["n"] = int(n)
            st.session_state["in address"] = {"n": (int(n), [f"{int(n):,}"])}
    return st.session_state["asked"]


def restore_address(page: str) -> None:
    """Carries widget values from the previous page's address over to this page. Must be called before any widget is drawn.

    Streamlit would forget those values that came by a link.
    """
    held = st.session_state.get("in address", ()) if st.session_state.get("page") != page else ()
    carried = {name: st.session_state[name] for name in held if _is_widget_value(name)}
    for name, value in (carried | st.session_state.pop("to restore", {})).items():
        st.session_state[name] = value
    st.session_state["page"], st.session_state["carried over"] = page, carried


def current_address() -> dict[str, list[str]]:
    """Returns the query parameters of this page, including those that `write_address` is going to add.

    Must be called after all widgets are drawn.
    """
    now = {name: st.query_params.get_all(name) for name in st.query_params}
    before = st.session_state.get("in address", {})
    return now | {
        name: texts
        for name, (value, texts) in before.items()
        if name not in now and _is_drawn(name) and st.session_state[name] == value
    }


def _is_drawn(name: str) -> bool:
    """Whether this page has drawn a widget with this key: its value can then no longer be set."""
    if not _is_widget_value(name):
        return False
    try:
        st.session_state[name] = st.session_state[name]
    except StreamlitAPIException:
        return True
    return False


def _is_widget_value(name: str) -> bool:
    """Whether the session value with this key may be that of a widget; the session also holds data and results."""
    if name not in st.session_state:
        return False
    value = st.session_state[name]
    return all(isinstance(part, str | int | float | None) for part in (value if isinstance(value, list | tuple) else [value]))


def write_address() -> None:
    """Adds the query parameters that Streamlit leaves out. Must be called after the page is drawn.

    Streamlit leaves out values that were carried over from another page which a link had opened. When the browser goes back,
    it also resets widgets that both pages have; these get their values again, and the page reruns once.
    """
    carried = st.session_state["carried over"]
    reset = {name: value for name, value in carried.items() if _is_drawn(name) and st.session_state[name] != value}
    if reset:
        st.session_state["to restore"] = reset
        st.rerun()
    held = current_address()
    lacking = {name: texts for name, texts in held.items() if name not in st.query_params}
    st.session_state["in address"] = {
        name: (st.session_state[name], texts) for name, texts in held.items() if _is_widget_value(name)
    }
    if lacking:
        written = json.dumps(lacking).replace("<", "\\u003c")
        st.html(
            f"""<script>{{
            const url = new URL(location.href);
            for (const [name, texts] of Object.entries({written})) {{
                url.searchParams.delete(name);
                for (const text of texts) url.searchParams.append(name, text);
            }}
            history.replaceState(history.state, "", url);
            }}</script>""",
            unsafe_allow_javascript=True,
        )


def warn_of_unavailable(place) -> None:
    """Shows a warning that lists query parameters which could not be applied, until it is dismissed.

    `place` is the Streamlit container of the warning. A link to uploaded data gets an explanation instead, until data are
    chosen. Must be called after the page is drawn.
    """
    if "unavailable" not in st.session_state:
        found = {name: values for name in requested() if (values := _unavailable_values(name))}
        st.session_state["unavailable"] = [f"{name} = {truncate(text)}" for name, texts in found.items() for text in texts]
        for name in found:
            if name in st.query_params and not _is_drawn(name):  # or every link copied from here would have it
                del st.query_params[name]
        st.session_state["lacks data"] = requested().get("source") == [SOURCES["own"]]
    if st.session_state["lacks data"] and st.session_state.get("source") == "own" and "own" not in st.session_state:
        place.info(
            "This address is that of somebody's own data, which it cannot hold: bring them on the page Data. Until then this "
            f"is {escape_markdown(current().title)}.",
            icon=":material/link_off:",
        )
        return
    unavailable = st.session_state["unavailable"]
    if not unavailable:
        return
    more = len(unavailable) - MAX_LISTED
    listed = unavailable[:MAX_LISTED] + ([f"{more} more"] if more > 0 else [])
    text = " and ".join([", ".join(listed[:-1])] * (len(listed) > 1) + listed[-1:])
    with place.container(horizontal=True, vertical_alignment="center"):
        st.warning(
            escape_markdown(f"This link asks for {text}, which cannot be: there the page shows its defaults."),
            icon=":material/link_off:",
        )
        st.button("I see", on_click=unavailable.clear)


def _unavailable_values(name: str) -> list[str]:
    """The requested values of this query parameter that no widget on the page has taken."""
    values, kept = requested()[name], st.query_params.get_all(name)
    if name == CENTERS:
        placed, wanted = (read_places(text) for text in (*kept[:1], *values[:1])) if kept else (None, None)
        return [] if placed is not None and np.array_equal(placed, wanted) else values
    if not _is_drawn(name):
        return values
    # Streamlit drops a default from the address
    chosen = st.session_state[name]
    texts = {text for one in (chosen if isinstance(chosen, list | tuple) else [chosen]) for text in _texts_of(one)}
    return [value for value in values if value not in kept and value not in texts and not _is_number(value, chosen)]


def _texts_of(value) -> set[str]:
    """All texts that stand for this widget value in an address."""
    texts = {
        str(value),
        str(value).capitalize(),
        str(value).lower(),
        "none" if value is None else TITLES.get(value, str(value)),
    }
    return texts | {label for labels in _labels() for key, label in labels.items() if key == value}


def _labels() -> list[Mapping]:
    """The labels of widget values, which are also their texts in an address, one mapping for each kind of widget."""
    views = methods().values()
    choices = [option.choices for view in views for option in view.options if option.choices is not None]
    titles = {view.name: view.title for view in views}
    starts = {name: initialization.label for name, initialization in initializations().items()} | {SAME: SAME_LABEL}
    return [SOURCES, MISSING_OPTIONS, SCALINGS, titles, starts, *choices]


def _is_number(text: str, value) -> bool:
    """Whether the text is the number `value`, however it is written."""
    try:
        return not isinstance(value, str) and float(text) == value
    except ValueError:
        return False
