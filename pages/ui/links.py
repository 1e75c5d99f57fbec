"""Query parameters: widget values in links and in the address, and a warning about those that cannot be applied."""

import json
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlencode

import numpy as np
import streamlit as st
from streamlit.errors import StreamlitAPIException

from pages.datasets.catalog import SAMPLES, TABLES
from pages.datasets.cleaning import MISSING_OPTIONS, SCALINGS
from pages.datasets.formatting import escape_markdown, truncate
from pages.methods import initializations, methods
from pages.ui.data_choice import SIZES, SOURCES, current
from pages.ui.own_settings import CURRENT_RUN, exchange, note_keys, own_keys, owner, shared_keys
from pages.ui.placing import CENTERS, PLACED, parse_positions
from pages.ui.player import FRAME, PRESENT, RESTING
from pages.ui.query_parameters import (
    WRITTEN,
    correct,
    discard,
    follow_address,
    is_history_navigation,
    received_query,
    release_parameters,
    replace_parameters,
    widget_parameters,
    written_parameters,
)
from pages.ui.segments import EDITS_IN_LINK
from pages.ui.text_choice import GENERATED, TEXT_SOURCES, uses_own_text
from pages.ui.widgets import SAME, SAME_LABEL, STARTS

TITLES = {name: one.title for name, one in (SAMPLES | TABLES).items()}
OLD_LABELS = {
    r".*_metric.*": {"Squared euclidean": "Squared Euclidean"},
    r".*_covariance.*": {"Tied: shared": "Tied: same ellipse for all"},
    r".*_single.*": {"Not allowed": "No", "Allowed": "Yes"},
    "segments_section": {"Pictures": "Plots", "One row": "Explain a row"},
}
"""labels of widget values in old links, and those that replaced them, by pattern of the names of query parameters"""
MAX_NUMBER = 2**53
"""largest absolute value of a number in a link: browsers do not represent larger integers exactly"""
MAX_LISTED = 5
"""maximum number of unavailable parameters in a warning; the rest are counted"""
ADDRESS = "address"
"""session key: the query parameters of the page when it was last drawn"""
LEFT_OVER = "left over"
"""session key: the query parameters with which the page was opened, and the names of those of the page that was left"""
OF_PAGES = "parameters of pages"
"""session key: by page, its query parameters that are not those of all pages, when it was last drawn"""
FOLLOWING = "following the address"
"""session key: whether the user went back or forward to the page, and its script has not ended since"""
COMPLETE = "complete"
"""session key: whether the last run of the script was not interrupted"""


def requested_parameters() -> dict[str, list[str]]:
    """Return the query parameters with which the session began, each with its values.

    Call it for the first time before any widget is drawn.
    """
    _correct_old_labels()
    if "requested parameters" not in st.session_state:
        st.session_state["requested parameters"] = {name: st.query_params.get_all(name) for name in st.query_params}
        harmful = [name for name, values in st.session_state["requested parameters"].items() if not _is_harmless(name, values)]
        if harmful:
            for name in harmful:
                del st.query_params[name]
            st.rerun()  # otherwise widgets would still receive them
        n = st.query_params.get("n", "")
        if n.isdecimal() and int(n) in SIZES:  # Streamlit accepts only the labels of the slider, which contain commas
            st.session_state["n"] = int(n)
    return st.session_state["requested parameters"]


def expect_parameters(address: dict[str, list[str]]) -> None:
    """Let `warn_of_unavailable_parameters` check these query parameters of a link that was opened in this session."""
    st.session_state["requested parameters"] = _with_new_labels(address)
    st.session_state.pop("unavailable", None)


def _with_new_labels(address: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return these query parameters, with labels of old links replaced by those that widgets have now."""

    def labels_of(name: str) -> dict[str, str]:
        return next((labels for pattern, labels in OLD_LABELS.items() if re.fullmatch(pattern, name)), {})

    return {name: [labels_of(name).get(value, value) for value in values] for name, values in address.items()}


def _correct_old_labels() -> None:
    found = {name: st.query_params.get_all(name) for name in st.query_params}
    if changed := {name: values for name, values in _with_new_labels(found).items() if values != found[name]}:
        correct(changed)


def _is_harmless(name: str, values: list[str]) -> bool:
    """Whether a widget can receive a query parameter: Streamlit raises errors for some names and numbers."""
    if not name or name.startswith("$$"):  # not allowed as keys in the session
        return False
    for value in values:
        with suppress(ValueError):
            if abs(float(value)) > MAX_NUMBER:  # not a number is never larger, and is refused by Streamlit
                return False
    return True


def restore_address(page: str) -> None:
    """Restore the settings of a page when it is opened. Call it before any widget is drawn.

    When the user goes back or forward in the browser, the address decides. Otherwise, the page gets its own settings as they
    were, and those that all pages share are kept: without this, Streamlit forgets those that came from a link.
    """
    note_keys(*release_parameters())
    left = st.session_state.get("page", page)
    st.session_state["page"], st.session_state[WRITTEN] = page, set()
    st.session_state[RESTING] = None
    _resume_navigation(left, page)
    if is_history_navigation() and CENTERS in st.query_params:
        st.session_state.pop(PLACED, None)
    if left != page:
        exchange(left, page)
        shared, address = shared_keys(), st.session_state.get(ADDRESS, {})
        for name in shared:
            if name in st.session_state and st.query_params.get_all(name) != address.get(name, []):
                st.session_state[name] = st.session_state[name]
        others = [name for name in st.query_params if name not in (*shared, CENTERS, EDITS_IN_LINK)]
        st.session_state[LEFT_OVER] = st.query_params.to_dict(), others
    if not st.session_state.get(COMPLETE, True):
        # the browser may not have received the values that the last run sent, and Streamlit sends only changed ones
        for name in shared_keys() | own_keys():
            if name in st.session_state:
                st.session_state[name] = st.session_state[name]
    st.session_state[COMPLETE] = False
    address, names = st.session_state.get(LEFT_OVER, ({}, []))
    # the browser sends the parameters of the page that was left until one is changed
    if names and not is_history_navigation() and st.query_params.to_dict() == address:
        discard(names)
    else:
        st.session_state.pop(LEFT_OVER, None)


def _resume_navigation(left: str, page: str) -> None:
    """Let widgets follow the address until the script has ended once, after the user went back or forward to the page."""
    if is_history_navigation() or (left == page and st.session_state.get(FOLLOWING)):
        follow_address()
        _correct_old_labels()
        discard([name for name in st.query_params if not _is_harmless(name, st.query_params.get_all(name))])
    st.session_state[FOLLOWING] = is_history_navigation()


def note_parameters() -> None:
    """Note the query parameters of the page, and those of all pages. Call it after the page ran, even if only in part."""
    address = st.session_state[ADDRESS] = current_address()
    shared, own = release_parameters()
    note_keys(shared, own)
    of_pages, page = st.session_state.setdefault(OF_PAGES, {}), owner(st.session_state["page"])
    others = {name: texts for name, texts in of_pages.get(page, {}).items() if name in own_keys() - own}
    of_pages[page] = others | {name: texts for name, texts in address.items() if name not in shared_keys()}
    st.session_state[FOLLOWING] = False


def current_address() -> dict[str, list[str]]:
    """Return the query parameters of this page, including those that `write_address` will add.

    Call it after all widgets are drawn, and before `note_parameters`.
    """
    return widget_parameters() | written_parameters()


def _is_drawn(name: str) -> bool:
    """Whether this page has drawn a widget with this key: Streamlit then refuses to set its value."""
    if not _is_widget_value(name):
        return False
    try:
        st.session_state[name] = st.session_state[name]
    except StreamlitAPIException:
        return True
    return False


def _is_widget_value(name: str) -> bool:
    """Whether the session value with this key can belong to a widget; the session also holds data and results."""
    if name not in st.session_state:
        return False
    value = st.session_state[name]
    return all(isinstance(part, str | int | float | None) for part in (value if isinstance(value, list | tuple) else [value]))


def write_address() -> None:
    """Correct the address. Call it after the page is drawn.

    Streamlit omits values that were restored, and retains parameters of the page that was left.
    """
    wanted, page, received = st.session_state[ADDRESS], st.session_state["page"], received_query()
    st.session_state[COMPLETE] = True
    replace_parameters(wanted)
    of_pages = {one: _query(parameters) for one, parameters in st.session_state[OF_PAGES].items()}
    of_pages |= dict.fromkeys(CURRENT_RUN, of_pages.get(CURRENT_RUN[0], ""))
    values = page, received, _query(wanted), sorted(shared_keys()), of_pages, time.time_ns() // 1_000_000
    arguments = json.dumps(values).replace("<", "\\u003c")
    # the browser may run a script again when another page is opened
    st.html(f"<script>window.writeAddress?.(...{arguments})</script>", unsafe_allow_javascript=True)


def _query(parameters: dict[str, list[str]]) -> str:
    return urlencode(parameters, doseq=True)


def warn_of_unavailable_parameters(place) -> None:
    """Show a warning that lists the query parameters that could not be applied, until it is dismissed.

    `place` is the Streamlit container of the warning. If the link was made with uploaded data, an explanation is shown
    instead, until data are chosen. Call it after the page is drawn.
    """
    if "unavailable" not in st.session_state:
        found = {name: values for name in requested_parameters() if (values := _unavailable_values(name))}
        st.session_state["unavailable"] = [f"{name} = {truncate(text)}" for name, texts in found.items() for text in texts]
        for name in found:
            if name in st.query_params and not _is_drawn(name):  # it would stay in links copied from here
                del st.query_params[name]
        st.session_state["without data"] = requested_parameters().get("source") == [SOURCES["own"]]
        own_texts = {label for name, label in TEXT_SOURCES.items() if name not in GENERATED}
        st.session_state["without text"] = not own_texts.isdisjoint(requested_parameters().get("text", ()))
    if st.session_state["without data"] and st.session_state.get("source") == "own" and "own" not in st.session_state:
        place.info(
            "This link was made with uploaded data, which links cannot contain. Upload the file on the Data page; until then "
            f"“{escape_markdown(current().title)}” is shown.",
            icon=":material/link_off:",
        )
        return
    if st.session_state["without text"] and uses_own_text() and "has own text" not in st.session_state:
        place.info(
            "This link was made with a pasted or uploaded text, which links cannot contain. Paste or upload it to apply the "
            "other settings of the link.",
            icon=":material/link_off:",
        )
        return
    unavailable = st.session_state["unavailable"]
    if not unavailable:
        return
    more = len(unavailable) - MAX_LISTED
    listed = unavailable[:MAX_LISTED] + ([f"{more} more"] if more > 0 else [])
    text = ", ".join(listed)
    with place.container(horizontal=True, vertical_alignment="center"):
        st.warning(
            escape_markdown(f"Ignored unavailable settings in the link: {text}. Defaults are used."),
            icon=":material/link_off:",
        )
        st.button("Dismiss", on_click=unavailable.clear)


def _unavailable_values(name: str) -> list[str]:
    """The requested values of this query parameter that no widget of the page accepted."""
    values, kept = requested_parameters()[name], st.query_params.get_all(name)
    if name == CENTERS:
        current_centers, wanted = (parse_positions(text) for text in (*kept[:1], *values[:1])) if kept else (None, None)
        return [] if current_centers is not None and np.array_equal(current_centers, wanted) else values
    if name == FRAME:
        return [value for value in values if value not in written_parameters().get(FRAME, ())]
    if name == PRESENT:
        return [value for value in values if value != "1"]
    if name == EDITS_IN_LINK:
        return [value for value in values if value != st.session_state.get("edits of link")]
    if not _is_harmless(name, values) or not _is_drawn(name):
        return values
    # Streamlit omits defaults from the address
    chosen = st.session_state[name]
    texts = {text for one in (chosen if isinstance(chosen, list | tuple) else [chosen]) for text in _texts_of(one)}
    return [value for value in values if value not in kept and value not in texts and not _is_number(value, chosen)]


def _texts_of(value) -> set[str]:
    """All strings that may represent this widget value in an address."""
    texts = {
        str(value),
        str(value).capitalize(),
        str(value).lower(),
        "none" if value is None else TITLES.get(value, str(value)),
    }
    return texts | {label for labels in _labels() for key, label in labels.items() if key == value}


def _labels() -> list[Mapping]:
    """The labels of widget values, which also represent them in an address; one mapping for each kind of widget."""
    views = methods().values()
    choices = [option.choices for view in views for option in view.options if option.choices is not None]
    titles = {view.name: view.title for view in views}
    starts = {name: initialization.label for name, initialization in initializations().items()} | {SAME: SAME_LABEL}
    return [SOURCES, TEXT_SOURCES, MISSING_OPTIONS, SCALINGS, STARTS, titles, starts, *choices]


def _is_number(text: str, value) -> bool:
    """Whether the text represents the number `value`."""
    try:
        return not isinstance(value, str) and float(text) == value
    except ValueError:
        return False
