"""Widgets that choose features, the treatment of missing values, and scaling, and turn a table into points."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd
import streamlit as st

from clustering import State
from pages.datasets import cleaning
from pages.datasets.cleaning import MISSING_OPTIONS, SCALINGS, Preparation
from pages.datasets.columns import KINDS, Column, possible_kinds, with_kind
from pages.datasets.data import Data, SourceFile
from pages.datasets.formatting import escape_markdown
from pages.datasets.limits import MAX_CATEGORIES
from pages.methods import methods
from pages.runs.background import OnProgress
from pages.runs.jobs import progress_after
from pages.ui.progress import Progress
from pages.ui.widgets import IN_LINK, PERSISTENT, session_cache

SCALING_KEY = "scaling"
"""key of the widget for the scaling of tables that links can contain"""
OWN_SOURCE = "own source"
"""session key: the `Source` of the user's own table"""


@dataclass(frozen=True, eq=False)
class Source:
    """An uploaded, pasted or bundled table."""

    key: str
    """identifies the table; prefix of widget keys"""
    title: str
    table: pd.DataFrame
    columns: list[Column]
    """descriptions of the columns"""
    initial: Preparation
    """initial values of the widgets"""
    persistence: dict
    """widget arguments that keep the values of the widgets of this table: `IN_LINK` or `PERSISTENT`"""
    file: SourceFile | None = None
    """the file of the table"""

    @property
    def n_values(self) -> int:
        """Number of values in the table."""
        return self.table.size

    @property
    def scaling_key(self) -> str:
        """Key of the widget for the scaling; bundled tables and tables on the server share one, which is in links."""
        return f"{self.key}_scaling" if self.persistence is PERSISTENT else SCALING_KEY


def prepare(source: Source, below=None) -> Data:
    """Shows the widgets for a table and returns the resulting points.

    On the Data page, `below` is a container for explanations, the description of the columns, and rare choices.
    """
    if below is None:
        first = second = st.container()
    else:
        first, second = st.columns([3, 1], gap="medium")
    preparation = _choose_columns(source, first, below)
    key = (source.key, preparation.columns, preparation.as_categories)
    selected = session_cache().get(("selected", *key), lambda: cleaning.select_columns(source.table, preparation))
    effects = session_cache().get(("effects", *key), lambda: cleaning.missing_effects(selected))
    if effects:
        with first if below is None else below.expander("Missing values", icon=":material/help_center:"):
            preparation = _choose_missing(source, preparation, effects, cleaning.max_components(selected), below is not None)
    with second:
        default = source.initial.scaling
        scaling = choose_scaling(source.scaling_key, default, source.persistence)
    if below is not None and default == scaling == "standardize":
        show_standardized(source.scaling_key)
    if source.persistence is PERSISTENT:
        st.session_state[OWN_SOURCE] = source
    return prepared(source, replace(preparation, scaling=scaling))


def prepared(source: Source, preparation: Preparation) -> Data:
    """The points of a table with these settings, cached."""

    def compute(on_progress: OnProgress) -> Data:
        def on_step(state) -> None:
            on_progress(progress_after(state.iteration), f"Probabilistic PCA, iteration {state.iteration}.")

        return points_of_source(source, preparation, on_step)

    progress = Progress()
    data = progress.compute(("prepared", source.key, preparation), compute, "Preparing the data.")
    progress.done()
    return data


def points_of_source(source: Source, preparation: Preparation, on_step: Callable[[State], None] | None = None) -> Data:
    """The points of a table with these settings; `on_step` is called with each state of probabilistic PCA."""
    data = cleaning.prepare(source.table, source.title, preparation, on_step)
    # tables may differ in columns that are not features
    return replace(data, key=f"{data.key}/{source.key}", origin=replace(data.origin, file=source.file))


def _choose_columns(source: Source, place, below) -> Preparation:
    """Choose features, true labels, names and types: the first in the container `place`, the others below on the Data page."""
    key, initial = source.key, source.initial
    types = st.session_state.get(_types_key(source), {})
    columns = {column.name: with_kind(column, types.get(column.name, column.kind)) for column in source.columns}
    usable = [column.name for column in columns.values() if column.usable]
    if below is None:
        details = place.expander("Labels and categories")
    else:
        details = below.expander(
            "Columns: types, true labels, row names, weights", icon=":material/view_column:", expanded=not usable
        )
        details.caption(
            "Features are the columns used for clustering. Types are detected automatically and can be changed in the table. "
            "Text, non-numeric identifiers, constants, and columns with more than "
            f"{MAX_CATEGORIES} categories cannot be features."
        )
    table = details.container()
    if not usable:
        if below is not None:
            with table:
                _edit_types(source, columns)
        raise ValueError(
            "No column of this table can be a feature: clustering needs numbers that are not all equal, or categories with "
            f"2 to {MAX_CATEGORIES} distinct values."
        )
    features = place.multiselect(
        "Features",
        usable,
        default=[name for name in initial.columns if name in usable],
        key=f"{key}_columns",
        **source.persistence,
    )
    numbers = [column.name for column in source.columns if column.kind == "number" and column.name != initial.label]
    if below is not None and len(numbers) > cleaning.MAX_PRESELECTED:
        place.caption(f"The first {cleaning.MAX_PRESELECTED} of {len(numbers)} numeric columns are selected initially.")
    codes = [c.name for c in columns.values() if c.kind == "number" and "category" in possible_kinds(c)]
    groups = [c.name for c in source.columns if c.distinct <= MAX_CATEGORIES and c.kind != "constant"]
    # drawn on every page, because links contain only the values of widgets on the page
    places = [details] * 4 if below is None else details.columns(4)
    with places[0]:
        label = _choose_optional(
            source, "True labels (optional)", groups, initial.label, "label", "Used for colors and scores, not for clustering."
        )
        st.caption(escape_markdown(_labels_note(label, initial.label)))
    with places[1]:
        names = _choose_optional(
            source, "Column of row names", columns, initial.names, "names", "Names of the rows, shown on hover."
        )
    with places[2]:
        weights = [c.name for c in columns.values() if c.kind == "number"]
        weight = _choose_optional(source, "Weights of rows (optional)", weights, None, "weight", _weights_help())
        if weight in features:
            features = [name for name in features if name != weight]
            st.caption(escape_markdown(f"{weight} is not a feature as long as it holds the weights."))
    as_categories = ()
    if codes:
        with places[3]:
            as_categories = st.multiselect(
                "Treat as categorical",
                codes,
                key=f"{key}_categories",
                help="Numeric columns whose values are codes without an order.",
                **source.persistence,
            )
    if below is not None:
        with table:
            _edit_types(source, columns | {name: with_kind(columns[name], "category") for name in as_categories})
    if label is not None and label in features:
        st.warning(
            escape_markdown(
                f"The column of true labels, {label}, is also a feature, so scores against it are too optimistic."
            ),
            icon=":material/warning:",
        )
    categories = tuple(name for name in features if name in as_categories)
    return Preparation(tuple(features), label, names, categories, weight=weight)


def _weights_help() -> str:
    """What weights of rows are, and which methods use them."""
    *titles, last = (view.title_in_sentence for view in methods().values() if view.traits.weights)
    used = " and ".join([", ".join(titles), last]) if titles else last
    return f"How often each row counts, such as a frequency: numbers of at least 0. Used by {used}; other methods ignore them."


def _labels_note(label: str | None, guess: str | None) -> str:
    """What the true labels are used for, or what is not possible without them, as sentences."""
    if label is None:
        return "Scores such as the adjusted Rand index need true labels."
    scores = "Scores such as the adjusted Rand index compare the clusters with these labels."
    return f"Recognized by its name. {scores}" if label == guess else scores


def _choose_missing(
    source: Source, preparation: Preparation, effects: dict[str, str], max_components: int, full: bool
) -> Preparation:
    key = source.key
    options = [option for option in MISSING_OPTIONS if option != "ppca" or max_components]
    missing = st.radio(
        "Missing values",
        options,
        format_func=MISSING_OPTIONS.get,
        captions=[escape_markdown(effects[option]) for option in options] if full else None,
        key=f"{key}_gaps {max_components > 0}",
        help="Infinite values are treated as missing.",
        **source.persistence,
    )
    components = 1
    if missing == "ppca" and max_components > 1:
        # one key per range, because Streamlit resets a value outside the range
        name, wanted = f"{key}_components_of_{max_components}", f"{key} wanted components"
        if wanted in st.session_state:
            st.session_state.setdefault(name, min(st.session_state[wanted], max_components))
        components = st.session_state[wanted] = st.number_input(
            "Components",
            1,
            max_components,
            min(2, max_components),
            key=name,
            help="More components fit better but may overfit.",
            width=160,
            **source.persistence,
        )
    return replace(preparation, missing=missing, components=int(components))


def choose_scaling(key: str = SCALING_KEY, default: str = "none", persistence: dict = IN_LINK) -> str:
    """Choose one of `SCALINGS`."""
    if default != "none":
        st.session_state.setdefault(key, default)
    return st.selectbox(
        "Scaling",
        list(SCALINGS),
        format_func=SCALINGS.get,
        key=key,
        help=f"{cleaning.SCALING_TEXTS[st.session_state.get(key, 'none')]} Columns with a large variance dominate the "
        "distances unless scaled.",
        **persistence,
    )


def scaling_source(data: Data) -> Source | None:
    """The user's own table from which exactly these data were prepared; None if they have another origin."""
    source = st.session_state.get(OWN_SOURCE)
    return source if source is not None and data.key.endswith(f"/{source.key}") else None


def with_chosen_scaling(data: Data) -> Data:
    """The user's own data, prepared again if another scaling was chosen on a page that does not show its widget."""
    source = scaling_source(data)
    if source is None:
        return data
    preparation = data.origin.preparation
    scaling = st.session_state.get(source.scaling_key, preparation.scaling)
    return data if scaling == preparation.scaling else prepared(source, replace(preparation, scaling=scaling))


def show_standardized(key: str) -> None:
    """Shows that columns are standardized by default, and a button that undoes it; `key` is that of the scaling's widget."""
    with st.container(horizontal=True, vertical_alignment="center"):
        text = "The columns have very different standard deviations, so they are standardized by default."
        st.caption(text, width="content")
        original = dict(key="original units", icon=":material/undo:", type="tertiary")
        st.button("Use original units", on_click=_set_scaling, args=(key, "none"), **original)


def show_dominance(data: Data, key: str | None) -> None:
    """Shows a warning if one column dominates the distances, and a button that standardizes the columns.

    `key` is that of the scaling's widget, None if there is none.
    """
    warning = session_cache().get(("dominance_warning", data.key), lambda: cleaning.dominance_warning(data))
    if not warning:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning(escape_markdown(warning), icon=":material/warning:")
        if key is not None and (data.scaling is None or data.scaling.name != "standardize"):
            st.button("Standardize", icon=":material/straighten:", on_click=_set_scaling, args=(key, "standardize"))


def _set_scaling(key: str, scaling: str) -> None:
    """Callback: choose a scaling."""
    st.session_state[key] = scaling


def _choose_optional(source: Source, label: str, names, default: str | None, key: str, help: str) -> str | None:
    """Choose one of the column names, or None."""
    options = [None, *names]
    return st.selectbox(
        label,
        options,
        index=options.index(default) if default in options else 0,
        format_func=lambda column: "none" if column is None else column,
        key=f"{source.key}_{key}",
        help=help,
        **source.persistence,
    )


def _types_key(source: Source) -> str:
    """Session key: the types of columns that were changed, by name, except for numbers that are treated as categories."""
    return f"{source.key} types"


def _edit_types(source: Source, columns: dict[str, Column]) -> None:
    """Shows a table that describes the columns, in which their types can be changed.

    `columns` have their present types, those of `source` the detected ones.
    """
    changes = f"{source.key} type changes"
    # a new key after each change, so that the table does not keep a type that is not possible
    editor = f"{source.key} columns {st.session_state.get(changes, 0)}"
    st.data_editor(
        [
            {
                "Column": c.name,
                "Type": c.kind,
                "Missing": c.missing,
                "Distribution": list(c.counts),
                "Values": c.summary,
                "Unique": c.distinct,
            }
            for c in columns.values()
        ],
        hide_index=True,
        disabled=["Column", "Missing", "Distribution", "Values", "Unique"],
        column_config={
            "Type": st.column_config.SelectboxColumn(options=KINDS, required=True, help="Click twice to change the type."),
            "Distribution": st.column_config.BarChartColumn(width="medium", y_min=0, color="blue"),
        },
        height=min(420, 38 + 35 * len(columns)),
        key=editor,
        on_change=_change_types,
        args=(source, editor, changes),
    )
    for message in st.session_state.pop(f"{changes} refused", []):
        st.warning(escape_markdown(message), icon=":material/warning:")


def _change_types(source: Source, editor: str, changes: str) -> None:
    """Callback: change the types that were edited in the table; those that are not possible give a message."""
    refused = []
    for row, edit in st.session_state[editor]["edited_rows"].items():
        try:
            change_type(source, source.columns[int(row)], edit["Type"])
        except ValueError as error:
            refused.append(str(error))
    st.session_state[f"{changes} refused"] = refused
    st.session_state[changes] = st.session_state.get(changes, 0) + 1


def change_type(source: Source, column: Column, kind: str) -> None:
    """Sets the widgets so that a column has this type, and makes it a feature if it becomes usable, or removes it.

    Raises
    ------
    ValueError
        If the column cannot have this type.
    """
    changed, state, name = with_kind(column, kind), st.session_state, column.name
    types = state.get(_types_key(source), {})
    before = types.get(name, column.kind)
    categories = [other for other in state.get(f"{source.key}_categories", []) if other != name]
    if kind == "category" and "number" in possible_kinds(column):
        kind = "number"  # the multiselect of codes, which is in links, says that it is a category
        categories.append(name)
    features = list(state.get(f"{source.key}_columns", source.initial.columns))
    if changed.kind in ("text", "identifier"):
        features = [other for other in features if other != name]
    elif before in ("text", "identifier") and name not in features:
        features.append(name)
    state[_types_key(source)] = {other: one for other, one in types.items() if other != name} | {name: kind}
    state[f"{source.key}_categories"], state[f"{source.key}_columns"] = categories, features
