"""What a link asks for, and what of it cannot be had."""

import json
from collections.abc import Mapping

import numpy as np
import streamlit as st
from streamlit.errors import StreamlitAPIException

from pages.datasets.catalog import SAMPLES, TABLES
from pages.datasets.cleaning import GAPS, SCALINGS
from pages.datasets.formatting import plain, shortened
from pages.methods import methods, ways
from pages.ui.data_choice import SIZES, SOURCES, current
from pages.ui.placing import CENTERS, read_places
from pages.ui.widgets import SAME, SAME_LABEL

TITLES = {name: one.title for name, one in (SAMPLES | TABLES).items()}


def asked() -> dict[str, list[str]]:
    """What the address asked for when the session began. To be called before there is any widget."""
    if "asked" not in st.session_state:
        st.session_state["asked"] = {name: st.query_params.get_all(name) for name in st.query_params}
        n = st.query_params.get("n", "")
        if n.isdecimal() and int(n) in SIZES:  # as a person writes it; Streamlit knows only the slider's, which has commas
            st.session_state["n"] = int(n)
            st.session_state["in address"] = {"n": (int(n), [f"{int(n):,}"])}
    return st.session_state["asked"]


def keep_address(page: str) -> None:
    """To be called before there is any widget. What was in the address of another page is kept on this one: Streamlit would
    forget those values that came by a link."""
    held = st.session_state.get("in address", ()) if st.session_state.get("page") != page else ()
    brought = {name: st.session_state[name] for name in held if _is_choice(name)}
    for name, value in (brought | st.session_state.pop("to restore", {})).items():
        st.session_state[name] = value
    st.session_state["page"], st.session_state["brought"] = page, brought


def address() -> dict[str, list[str]]:
    """What the address of the page holds, or will in a moment. To be called when all widgets are drawn."""
    now = {name: st.query_params.get_all(name) for name in st.query_params}
    before = st.session_state.get("in address", {})
    return now | {
        name: texts
        for name, (value, texts) in before.items()
        if name not in now and _is_drawn(name) and st.session_state[name] == value
    }


def _is_drawn(name: str) -> bool:
    """Whether there is a widget of this key on the page: only then its value cannot be set any more."""
    if not _is_choice(name):
        return False
    try:
        st.session_state[name] = st.session_state[name]
    except StreamlitAPIException:
        return True
    return False


def _is_choice(name: str) -> bool:
    """Whether what the session knows by this name can be the value of a widget: it knows other things, too."""
    if name not in st.session_state:
        return False
    value = st.session_state[name]
    return all(isinstance(part, str | int | float | None) for part in (value if isinstance(value, list | tuple) else [value]))


def write_address() -> None:
    """To be called when the page is drawn: puts into the address what Streamlit leaves out of it, because it came from another
    page that it had come to by a link. On the way Back it even sets to their defaults what both pages have: then they get
    their values again, and the page is drawn once more."""
    brought = st.session_state["brought"]
    wiped = {name: value for name, value in brought.items() if _is_drawn(name) and st.session_state[name] != value}
    if wiped:
        st.session_state["to restore"] = wiped
        st.rerun()
    held = address()
    lacking = {name: texts for name, texts in held.items() if name not in st.query_params}
    st.session_state["in address"] = {
        name: (st.session_state[name], texts) for name, texts in held.items() if _is_choice(name)
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


def tell_of_nonsense(place) -> None:
    """Says there what of the link is not to be had, until that is read. To be called when the page is drawn."""
    if "nonsense" not in st.session_state:
        found = {name: wrong for name, values in asked().items() if (wrong := _not_to_be_had(name, values))}
        st.session_state["nonsense"] = [f"{name} = {shortened(text)}" for name, wrong in found.items() for text in wrong]
        for name in found:
            if name in st.query_params and not _is_drawn(name):  # or it would be in all links that are copied from here
                del st.query_params[name]
        st.session_state["lacks data"] = asked().get("source") == [SOURCES["own"]]
    if st.session_state["lacks data"] and st.session_state.get("source") == "own" and "own" not in st.session_state:
        place.info(
            "This address is that of somebody's own data, which it cannot hold: bring them on the page Data. Until then this "
            f"is {plain(current().title)}.",
            icon=":material/link_off:",
        )
        return
    found = st.session_state["nonsense"]
    if not found:
        return
    few = found[:5] + ([f"{len(found) - 5} more"] if len(found) > 5 else [])
    told = " and ".join([", ".join(few[:-1])] * (len(few) > 1) + few[-1:])
    with place.container(horizontal=True, vertical_alignment="center"):
        st.warning(
            plain(f"This link asks for {told}, which cannot be: there the page shows its defaults."),
            icon=":material/link_off:",
        )
        st.button("I see", on_click=found.clear)


def _not_to_be_had(name: str, values: list[str]) -> list[str]:
    """Which of the values that the address had by this name nothing on the page has taken."""
    kept = st.query_params.get_all(name)
    if name == CENTERS:
        known, asked_for = (read_places(text) for text in (*kept[:1], *values[:1])) if kept else (None, None)
        return [] if known is not None and np.array_equal(known, asked_for) else values
    if not _is_drawn(name):
        return values
    # a value that is the default is not kept in the address
    chosen = st.session_state[name]
    said = {text for one in (chosen if isinstance(chosen, list | tuple) else [chosen]) for text in _texts(one)}
    return [value for value in values if value not in kept and value not in said and not _is_number(value, chosen)]


def _texts(value) -> set[str]:
    """All that the value may be called in the address."""
    told = {
        str(value),
        str(value).capitalize(),
        str(value).lower(),
        "none" if value is None else TITLES.get(value, str(value)),
    }
    return told | {label for names in _labels() for key, label in names.items() if key == value}


def _labels() -> list[Mapping]:
    """What values are called where they are chosen, and so in the address."""
    views = methods().values()
    chosen = [option.choices for view in views for option in view.options if option.choices is not None]
    titles = {view.name: view.title for view in views}
    starts = {name: way.label for name, way in ways().items()} | {SAME: SAME_LABEL}
    return [SOURCES, GAPS, SCALINGS, titles, starts, *chosen]


def _is_number(text: str, value) -> bool:
    try:
        return not isinstance(value, str) and float(text) == value
    except ValueError:
        return False
