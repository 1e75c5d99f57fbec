"""What a link asks for, and what of it cannot be had."""

import streamlit as st

from pages.shared.choosing import SOURCES
from pages.shared.datasets import SAMPLES, TABLES
from pages.shared.placing import CENTERS
from pages.shared.runs import RACERS, STARTS, UPDATES
from pages.shared.tables import GAPS, SCALINGS
from pages.shared.widgets import COVARIANCES, FLOOR_NAMES, LABELS
from pages.shared.wording import plain, shortened

NAMES = (SOURCES, RACERS, STARTS, LABELS, UPDATES, COVARIANCES, FLOOR_NAMES, GAPS, SCALINGS)
"""what values are called where they are chosen, and so in the address"""
TITLES = {name: one.title for name, one in (SAMPLES | TABLES).items()}


def asked() -> dict[str, list[str]]:
    """What the address asked for when the session began. To be called before there is any widget."""
    if "asked" not in st.session_state:
        st.session_state["asked"] = {name: st.query_params.get_all(name) for name in st.query_params}
    return st.session_state["asked"]


def tell_of_nonsense(place) -> None:
    """Says there what of the link is not to be had, until that is read. To be called when the page is drawn."""
    if "nonsense" not in st.session_state:
        st.session_state["nonsense"] = [
            f"{name} = {shortened(value)}" for name, values in asked().items() for value in _not_to_be_had(name, values)
        ]
    found = st.session_state["nonsense"]
    if not found:
        return
    few = found[:5] + ([f"{len(found) - 5} more"] if len(found) > 5 else [])
    told = " and ".join([", ".join(few[:-1])] * (len(few) > 1) + few[-1:])
    with place.container(horizontal=True, vertical_alignment="center"):
        st.warning(
            plain(f"This link asks for {told}, which cannot be: instead the page shows its defaults."),
            icon=":material/link_off:",
        )
        st.button("I see", on_click=found.clear)


def _not_to_be_had(name: str, values: list[str]) -> list[str]:
    """Which of the values that the address had by this name nothing on the page has taken."""
    kept = st.query_params.get_all(name)
    if name == CENTERS:
        return [] if kept == values else values
    if name not in st.session_state:
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
    for names in NAMES:
        if value in names:
            told |= {names[value], names[value].capitalize()}
    return told


def _is_number(text: str, value) -> bool:
    try:
        return not isinstance(value, str) and float(text) == value
    except ValueError:
        return False
