"""Values of the widgets that links do not contain: collected for projects, and set when a project is opened.

Keys of the widgets for a file begin with a prefix that depends on its content and on how it is read. Projects contain the rest
of the key, grouped by the level of the prefix, so that they do not depend on how prefixes are built.
"""

import re
from collections.abc import Iterable
from dataclasses import fields
from functools import cache
from typing import Any

import streamlit as st

from pages.datasets.columns import Column, possible_kinds
from pages.datasets.formatting import truncate
from pages.datasets.readers import Format
from pages.figures.summaries import MAX_PANELS as MAX_SHOWN_COLUMNS
from pages.methods import methods
from pages.ui.own_settings import KEPT, owner

MAX_NUMBER = 2**53
LEVELS = ("table", "reading", "sheet", "text")
"""levels of prefixes; later ones may be the beginning of earlier ones"""
PENDING = "choices to apply"
"""session key: choices by root and level"""
PREFIXES = "prefixes of choices"
"""session key: the prefix by root and level"""
APPLIED = "applied choices"
"""session key: what was set, with values by key, and labels of what could not be set"""


def _one_of(*kinds: type):
    def fits(value: Any) -> bool:
        return type(value) in kinds and (type(value) not in (int, float) or abs(value) <= MAX_NUMBER)

    return fits


def _list_of(*kinds: type):
    fits = _one_of(*kinds)
    return lambda value: isinstance(value, list) and all(map(fits, value))


text, whole, yes_or_no, texts, optional = _one_of(str), _one_of(int), _one_of(bool), _list_of(str), _one_of(str, type(None))
_SIMPLE = str | int | float | list | dict | None
_KINDS = {bool: yes_or_no, int: whole, str: text, tuple: text}
RULES = {
    "sheet": {"_sheet": text},
    "reading": {"_interpretation": text, "_header": _one_of(int, bool, type(None))}
    | {
        f"_{one.name}": _KINDS[type(one.default)]
        for one in fields(Format)
        if one.name not in ("kind", "compressed", "sheet", "header")
    },
    "table": {
        "_columns": texts,
        "_categories": texts,
        "_label": optional,
        "_names": optional,
        "_weight": optional,
        "_words": text,
        "_scaling": text,
        "_interpretation": text,
        "_gaps (True|False)": text,
        r"_components_of_\d+": whole,
        " wanted components": whole,
        " types": lambda value: isinstance(value, dict) and texts(list(value.values())),
    },
    "text": {" kind": text, " columns": texts, " column": text, ".* separator.*": text},
}
"""patterns of the rest of the key, and checks of the value, by level"""
SETTINGS = {
    "input": text,
    "focus|focus_cluster": whole,
    "focus_name": text,
    "formulas": yes_or_no,
    "view (True|False)": text,
    r"panels \[.*": lambda value: _list_of(int)(value) and len(set(value)) == len(value) <= MAX_SHOWN_COLUMNS,
    r"(across|up)_\(.*": whole,
    "text_kind": text,
    "text_case": yes_or_no,
    "text_separator .*": text,
}
"""the same for all other widgets whose values are kept"""


PAGES = {
    r"k(_\d(_given)?)?": _one_of(int, type(None)),
    "seed|first_seed|runs|k_up_to|best_of|panels": whole,
    r"algorithm.*|density_method.*|starts|start_.*|\w+_section": text,
    "ways_.*": texts,
    "branches": _list_of(int),
}
"""the same for widgets that belong to pages, see `own_settings`"""


def _options(ending: str) -> dict:
    """The same for the options of methods; `ending` is a pattern for the end of the key."""
    return {
        f"{re.escape(f'{view.name}_{option.name}')}{ending}": _one_of(type(option.default), str if option.choices else int)
        for view in methods().values()
        for option in view.options
    }


@cache
def _settings_rules() -> dict:
    """`SETTINGS`, and the options of methods whose values depend on the data."""
    return SETTINGS | _options("(_[^ ]*)? .*")


@cache
def _page_rules() -> dict:
    """`PAGES`, and the options of methods."""
    return PAGES | _options("(_[^ ]*)?")


def apply_choices(root: str, level: str, prefix: str, columns: Iterable[Column] = ()) -> None:
    """Set the widgets of a file to the values of the project that was opened, once; call it before they are drawn.

    Parameters
    ----------
    root : prefix that identifies the content
    level : one of `LEVELS`
    prefix : prefix of the keys of this level
    columns : the columns of the table, whose types are checked
    """
    st.session_state.setdefault(PREFIXES, {}).setdefault(root, {})[level] = prefix
    chosen = st.session_state.get(PENDING, {}).get(root, {}).pop(level, {})
    possible = {column.name: possible_kinds(column) for column in columns}
    for rest, value in chosen.items():
        if rest == " types":
            _note_unavailable(f"{name}: {kind}" for name, kind in value.items() if kind not in possible.get(name, ()))
            value = {name: kind for name, kind in value.items() if kind in possible.get(name, ())}
        _set(f"{prefix}{rest}", value)


def collect_choices(root: str) -> dict[str, dict]:
    """The values of the widgets of a file by level, without prefixes; `root` identifies its content."""
    state, found, taken = st.session_state.to_dict(), {}, set()
    pending, prefixes = (state.get(key, {}).get(root, {}) for key in (PENDING, PREFIXES))
    for level in LEVELS:
        if level in pending:
            found[level] = pending[level]
        elif level in prefixes:
            n = len(prefixes[level])
            keys = [key for key in state if str(key).startswith(prefixes[level]) and key not in taken]
            found[level] = _fitting({key[n:]: state[key] for key in keys}, RULES[level])[0]
            taken |= {f"{prefixes[level]}{rest}" for rest in found[level]}
    return {level: values for level, values in found.items() if values}


def expect_choices(root: str, levels: Any) -> None:
    """Let `apply_choices` set these values, as collected by `collect_choices`; they are not trusted."""
    pending = {}
    for level, values in levels.items() if isinstance(levels, dict) else ():
        if level in RULES and isinstance(values, dict):
            pending[level], refused = _fitting(values, RULES[level])
            _note_unavailable(_label(name, values[name]) for name in refused)
    st.session_state.setdefault(PENDING, {})[root] = pending


def collect_settings() -> dict[str, Any]:
    """The values of all other widgets that links do not contain."""
    return _fitting(st.session_state.to_dict(), _settings_rules())[0]


def set_settings(values: Any) -> None:
    """Set widgets to values of `collect_settings`, which are not trusted; call it before they are drawn."""
    values = values if isinstance(values, dict) else {}
    fitting, refused = _fitting(values, _settings_rules())
    st.session_state.update(fitting)
    _note_unavailable(_label(name, values[name]) for name in refused)


def collect_pages(shown: str) -> dict[str, dict]:
    """The settings of all pages but the one that is shown, by page and key."""
    kept = {page: values for page, values in st.session_state.get(KEPT, {}).items() if page != owner(shown)}
    found = {page: _fitting(values, _page_rules())[0] for page, values in kept.items()}
    return {page: values for page, values in found.items() if values}


def set_pages(pages: Any) -> None:
    """Let pages have the settings that `collect_pages` collected, when they are opened; they are not trusted."""
    for page, values in pages.items() if isinstance(pages, dict) else ():
        if isinstance(values, dict):
            st.session_state.setdefault(KEPT, {})[page] = _fitting(values, _page_rules())[0]


def unavailable_choices() -> list[str]:
    """The choices of the project that could not be applied. Call it after the page is drawn."""
    values, labels = st.session_state.get(APPLIED, ({}, []))
    for key, (rest, value) in list(values.items()):
        if key in st.session_state:
            now = st.session_state[key]
            if (list(now) if isinstance(now, tuple) else now) != value:
                labels.append(_label(rest, value))
            del values[key]
    return labels


def _fitting(values: dict, rules: dict) -> tuple[dict, list[str]]:
    """The values that fit the rules, and the names of the others."""
    fitting, refused = {}, []
    known = re.compile("|".join(f"(?:{pattern})" for pattern in rules), re.DOTALL)  # most keys of a session match no rule
    for name, value in values.items():
        if (
            isinstance(value, _SIMPLE)
            and known.fullmatch(str(name))
            and any(re.fullmatch(pattern, str(name), re.DOTALL) and fits(value) for pattern, fits in rules.items())
        ):
            fitting[name] = value
        else:
            refused.append(str(name))
    return fitting, refused


def _label(name: str, value: Any) -> str:
    return truncate(f"{name.strip(' _')} = {value}")


def _set(key: str, value: Any) -> None:
    st.session_state[key] = value
    st.session_state.setdefault(APPLIED, ({}, []))[0][key] = key.rpartition("_")[2], value


def _note_unavailable(labels: Iterable[str]) -> None:
    st.session_state.setdefault(APPLIED, ({}, []))[1].extend(labels)
