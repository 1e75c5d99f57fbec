"""Settings that each page keeps for itself, although widgets of several pages have the same key and query parameter.

The pages that show the current run share its settings. Data settings do not belong here: all pages share them.
"""

import streamlit as st

CURRENT_RUN = ("", "segments", "report")
"""addresses of the pages that show the current run; the first is the Watch page"""
SHARED, OWN = "shared keys", "own keys"
"""session keys: keys of the widgets drawn so far that are bound to query parameters, by `dashboard.py` and by pages"""
KEPT = "own settings"
"""session key: by page, the values that its widgets get when it is opened, by key"""
CARRIED = "carried over"
"""session key: the page that is opened next, and the values that widgets of all pages get then, by key"""


def shared_keys() -> set[str]:
    """Keys of the widgets that all pages share."""
    return st.session_state.get(SHARED, set())


def own_keys() -> set[str]:
    """Keys of the widgets that belong to pages."""
    return st.session_state.get(OWN, set())


def note_keys(shared: set[str], own: set[str]) -> None:
    """Note keys of widgets that all pages share, and of widgets that belong to pages."""
    st.session_state[SHARED] = shared_keys() | shared
    st.session_state[OWN] = (own_keys() | own) - shared_keys()


def owner(page: str) -> str:
    """The page under which the settings of a page are kept."""
    return CURRENT_RUN[0] if page in CURRENT_RUN else page


def exchange(left: str, opened: str) -> None:
    """Keep the settings of the page that was left, and set widgets to those of the opened page; pages are given by address.

    Widgets without kept values get their defaults.
    """
    kept = st.session_state.setdefault(KEPT, {})
    present = {key: st.session_state[key] for key in own_keys() if key in st.session_state}
    kept[owner(left)] = kept.get(owner(left), {}) | present
    values = {key: value for key, value in kept.get(owner(opened), {}).items() if key not in shared_keys()}
    # Streamlit would ask the browser for another entry in its history if values had been set earlier
    for key in present.keys() | values.keys():
        if key in st.session_state:
            del st.session_state[key]
    st.session_state.update(values)
    page, carried = st.session_state.pop(CARRIED, (None, {}))
    if page == opened:
        st.session_state.update(carried)


def carry_over(page: str, state: dict) -> None:
    """Callback: set widgets to the values `state`, by key, on the page that is opened next.

    Those that belong to the page on the screen keep their values there. Those that all pages share are set now and again when
    the page is opened: until the browser has received the new values, it sends the old ones.
    """
    kept = st.session_state.setdefault(KEPT, {})
    kept[owner(page)] = kept.get(owner(page), {}) | {key: state[key] for key in state.keys() - shared_keys()}
    shown = st.session_state.get("page", page)
    if shown != page:
        st.session_state[CARRIED] = page, {key: state[key] for key in state.keys() & shared_keys()}
    is_same = owner(shown) == owner(page)
    st.session_state.update({key: value for key, value in state.items() if is_same or key not in own_keys()})
