"""Query parameters of widgets, as Streamlit keeps them; this module alone uses parts of Streamlit without documentation.

Streamlit adds an entry to the browser history for each change of the query parameters that the server requests, so functions
of this module change them without telling the browser; `links.write_address` replaces the address at the end.
"""

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.state.query_params import _coerce_value_for_query_url

WRITTEN = "written parameters"
"""session key: names of query parameters that belong to this page, but to no widget"""


def is_history_navigation() -> bool:
    """Whether the script runs because the user went back or forward in the browser; widgets then follow the address."""
    return get_script_run_ctx().is_history_navigation


def is_opening() -> bool:
    """Whether the page is opened by a link, or by going back or forward, and has not been drawn since."""
    return is_history_navigation() or "unavailable" not in st.session_state


def received_query() -> str:
    """The query string with which the browser requested this run. Call it before `replace_parameters`."""
    return get_script_run_ctx().query_string


def follow_address() -> None:
    """Let widgets follow the address in this run. Call it before any widget is drawn."""
    context = get_script_run_ctx()
    context.is_history_navigation = True
    # Streamlit omits parameters with names of widgets of another page if the script of that page was interrupted
    with context.session_state.query_params() as parameters:
        parameters.populate_from_query_string(context.query_string)
        parameters.set_initial_query_params_from_current()


def release_parameters() -> tuple[set[str], set[str]]:
    """Names of the parameters of the widgets drawn by `dashboard.py`, and of those drawn by the page.

    Call it in every run after the page is drawn, and `widget_parameters` only before it. It keeps Streamlit from removing
    parameters of widgets that are no longer drawn, for example because another page is opened: that would change the address
    in the browser history. `discard` and `links.write_address` remove them instead. A script that is interrupted does not get
    so far, so call it at the beginning, too.
    """
    context = get_script_run_ctx()
    shared, own, main = set(), set(), context.pages_manager.main_script_hash
    with context.session_state.query_params() as parameters:
        for binding in list(parameters._bindings_by_widget.values()):
            (shared if binding.script_hash == main else own).add(binding.param_key)
            parameters.unbind_widget(binding.widget_id)
    return shared, own


def widget_parameters() -> dict[str, list[str]]:
    """The query parameters of all widgets drawn so far whose values are not the defaults."""
    context = get_script_run_ctx()
    found = {}
    with context.session_state.query_params() as parameters:
        state = context.session_state._state
        for binding in parameters._bindings_by_widget.values():
            metadata, value = state.get_widget_metadata(binding.widget_id), state[binding.widget_id]
            if value != metadata.deserializer(None):
                text = _coerce_value_for_query_url(metadata.serializer(value), metadata.value_type)
                found[binding.param_key] = text if isinstance(text, list) else [text]
    return found


def write_parameter(name: str, text: str) -> None:
    """Write a query parameter that belongs to this page, but to no widget."""
    st.session_state.setdefault(WRITTEN, set()).add(name)
    if st.query_params.get(name) != text:
        st.query_params[name] = text


def written_parameters() -> dict[str, list[str]]:
    """The parameters that `write_parameter` wrote on this page."""
    names = st.session_state.get(WRITTEN, set()) & set(st.query_params)
    return {name: st.query_params.get_all(name) for name in names}


def discard(names: Iterable[str]) -> None:
    """Remove query parameters before any widget is drawn, so that no widget receives them."""
    with get_script_run_ctx().session_state.query_params() as parameters:
        for name in names:
            parameters.discard_param_no_forward_msg(name)
        parameters.set_initial_query_params_from_current()


def correct(changed: Mapping[str, list[str]]) -> None:
    """Change query parameters before any widget is drawn, so that widgets receive these values."""
    with get_script_run_ctx().session_state.query_params() as parameters:
        for name, values in changed.items():
            parameters.set_with_no_forward_msg(name, values[0] if len(values) == 1 else values)
        parameters.set_initial_query_params_from_current()


def replace_parameters(wanted: dict[str, list[str]]) -> None:
    """Let Streamlit assume that the address has these query parameters."""
    context = get_script_run_ctx()
    with context.session_state.query_params() as parameters:
        parameters.populate_from_query_string(urlencode(wanted, doseq=True))
    context.query_string = urlencode(wanted, doseq=True)
