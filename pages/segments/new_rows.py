"""New rows: a second file with the same columns, assigned to the segments of the run or of a saved model."""

from dataclasses import replace
from functools import partial

import streamlit as st

from pages.datasets.columns import cell_text
from pages.datasets.formatting import as_sentence, escape_markdown, format_short, pluralize
from pages.export.spreadsheets import table_csv
from pages.figures.markup import cluster_mark, table
from pages.runs.model import Model, model_of
from pages.runs.model_file import from_json
from pages.runs.new_rows import NewRows, assign, points_text
from pages.runs.profiles import Profiles
from pages.ui.export_menu import download, file_on_demand
from pages.ui.opening import open_cached
from pages.ui.widgets import session_cache

SHOWN = 50
"""maximum number of rows, and of columns, that are shown"""
SENTENCES = 3
"""maximum number of sentences about drift"""
MAX_REASONS = 10
"""maximum number of reasons for leaving out rows that are shown"""
MAX_QUICK_CELLS = 100_000
"""maximum number of cells of a table that is written without a progress bar"""
DOWNLOAD = "New rows with their segments (CSV)"
NEW, SAVED = "new rows file", "model file"
"""session keys of the uploaded files, which the uploaders lose when they are not on the page"""


def show(profiles: Profiles) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        _upload(
            "New rows: a table with the same columns",
            NEW,
            "Read like a file on the Data page. Its rows are cleaned and scaled as the old rows were, with the means, ranges "
            "and fill-in values found in the old rows, and assigned by the same rule. Columns that were not used for "
            "clustering are optional.",
        )
    with right:
        _upload(
            "Saved model (optional), instead of the current segments",
            SAVED,
            "A model file that was saved under Export on this page. The old rows are not needed.",
            "json",
        )
    try:
        model, key = _model(profiles)
        st.caption(escape_markdown(_about(model, saved=SAVED in st.session_state)))
        file = st.session_state.get(NEW)
        if file is None:
            return
        opened = open_cached(f"new {file.file_id}", file.getvalue(), file.name)
        if opened.reading is None:
            raise ValueError(opened.error)
        given = dict(ignore_case=model.ignore_case, missing=model.missing_marks, dates=model.dates)
        wanted = replace(opened.format, **given)
        if wanted != opened.format:
            opened = open_cached(f"new {file.file_id} {wanted}", file.getvalue(), file.name, wanted)
            if opened.reading is None:
                raise ValueError(opened.error)
        rows = session_cache().get(("new rows", file.file_id, *key), lambda: assign(model, opened.reading.table))
    except ValueError as error:
        st.error(escape_markdown(as_sentence(error)), icon=":material/error:")
        return
    _show_sizes(rows)
    _show_unlike(rows)
    _show_drift(rows)
    _show_left_out(rows)
    content = (file.file_id, *key)
    create = partial(table_csv, rows.result)
    if rows.result.size <= MAX_QUICK_CELLS or file_on_demand(DOWNLOAD, content, create):
        download(DOWNLOAD, "new-rows-with-segments.csv", "text/csv", content, create)


def _upload(label: str, key: str, help: str, kind: str | None = None) -> None:
    """A file uploader whose file is kept in the session under `key`."""
    widget = f"segments_{key}"

    def keep():
        st.session_state[key] = st.session_state[widget]

    st.file_uploader(label, kind, key=widget, on_change=keep, help=help)
    kept = st.session_state.get(key)
    if kept is not None and st.session_state[widget] is None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(escape_markdown(kept.name), width="content")
            st.button("Remove", on_click=st.session_state.pop, args=(key,), key=f"segments_remove {key}", type="tertiary")


def _model(profiles: Profiles) -> tuple[Model, tuple]:
    """The saved model if there is one, else that of the current segments; and its cache key. Raises ValueError."""
    saved = st.session_state.get(SAVED)
    if saved is not None:
        key = ("model file", saved.file_id)
        return session_cache().get(key, lambda: from_json(saved.getvalue())), key
    key = ("model", *profiles.segments.key)
    return session_cache().get(key, lambda: model_of(profiles.segments)), key


def _about(model: Model, saved: bool) -> str:
    names = [feature.name for feature in model.features]
    more = f" and {len(names) - 12:,} more" if len(names) > 12 else ""
    title = f"{'Saved' if saved else 'Current'} model: {pluralize(model.k, 'segment')} of {model.n:,} rows ({model.title})"
    weights = " Old rows count with their weights, each new row once." * model.weighted
    shown = ", ".join(names[:12])
    if not more:
        shown = " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
    return f"{title}, clustered on {shown}{more}. {model.rule}{weights}"


def _show_sizes(rows: NewRows) -> None:
    """How many rows joined which segment."""
    model, assigned, old = rows.model, int(rows.sizes.sum()), sum(rows.model.sizes)
    left_out = len(rows.labels) - assigned
    unlike = int(rows.unlike.sum())
    st.markdown(
        f"**{pluralize(assigned, 'new row')} in {pluralize(model.k, 'segment')}**"
        + f", {left_out:,} left out" * bool(left_out)
        + f". {unlike:,} of the {assigned:,} {'is' if unlike == 1 else 'are'} unlike all segments."
    )
    lines = []
    for i in range(model.k):
        old_share, new_share = model.sizes[i] / max(old, 1), rows.sizes[i] / max(assigned, 1)
        change = points_text(new_share - old_share) if assigned else None
        lines.append(
            [
                cluster_mark(model.ranks[i], model.names[i]),
                f"{model.sizes[i]:,}",
                f"{old_share:.0%}",
                f"{rows.sizes[i]:,}",
                f"{new_share:.0%}" if assigned else None,
                change,
                f"{int(rows.unlike[rows.labels == i].sum()):,}",
            ]
        )
    headers = ["Segment", "Old rows", "Old share", "New rows", "New share", "Change", "Unlike all"]
    st.html(table(headers, lines, "New rows by segment", True))


def _show_unlike(rows: NewRows) -> None:
    """The rows that are unlike all segments, the farthest first."""
    model, found = rows.model, rows.unlike.nonzero()[0]
    st.subheader("Rows unlike all segments")
    st.caption(
        f"Farther from their segment than 99% of the old rows: more than {format_short(model.limit)} "
        f"({escape_markdown(model.distance_name)}{', of the scaled columns' * bool((model.scale != 1).any())}). Without any "
        f"change, this would be about 1% of the new rows; here it is {len(found) / max(rows.sizes.sum(), 1):.1%}."
    )
    if not len(found):
        return
    found = found[(-rows.distances[found]).argsort(kind="stable")]
    columns = list(rows.table.columns[:SHOWN])
    lines = [
        [row + 1, model.names[rows.labels[row]], format_short(rows.distances[row]), *map(cell_text, cells)]
        for row, cells in zip(found[:SHOWN], rows.table[columns].iloc[found[:SHOWN]].astype(object).values, strict=True)
    ]
    if len(found) > SHOWN:
        st.caption(f"The {SHOWN} farthest of {len(found):,} are shown; the file below has all.")
    st.html(table(["Row", "Segment", "Distance", *columns], lines, "Rows unlike all segments"))


def _show_drift(rows: NewRows) -> None:
    """How the columns of the new rows differ from those of the old ones."""
    st.subheader("Drift")
    clear = [drift for drift in rows.drifts if drift.is_clear]
    text = " ".join(drift.sentence for drift in clear[:SENTENCES])
    if len(clear) > SENTENCES:
        text += f" {pluralize(len(clear) - SENTENCES, 'more column')} changed clearly."
    st.markdown(escape_markdown(text or "No column has changed clearly."))
    lines = []
    for drift in rows.drifts:
        feature = drift.feature
        name = f"{feature.name} = {drift.category}" if drift.category else feature.name
        new = None if drift.new != drift.new else feature.text(drift.new)
        gaps = f"{feature.missing:.0%} → {drift.missing:.0%}"
        cells = [feature.text(drift.old), new, drift.change_text, f"{drift.stability:.2f}", gaps]
        lines.append([name, *cells, "yes" if drift.is_clear else "no"])
    headers = ["Column", "Old", "New", "Change", "PSI", "Missing", "Clear"]
    st.html(table(headers, lines, "Drift by column", True))
    st.caption(
        "Old and New: mean, or for categories the share that changed most. Change: in standard deviations (SD) of the old "
        "rows, or in percentage points for categories. Clear: at least 0.2 SD or 5 percentage points, and three standard "
        "errors. PSI, the population stability index, compares the whole distribution, in ten bins for numbers: below 0.1 is "
        "commonly called stable, above 0.25 a major shift."
    )


def _show_left_out(rows: NewRows) -> None:
    """Why rows are left out."""
    reasons = rows.left_out
    if not reasons:
        return
    st.subheader("Rows left out")
    lines = [[reason[:1].upper() + reason[1:], f"{count:,}"] for reason, count in reasons[:MAX_REASONS]]
    if len(reasons) > MAX_REASONS:
        others = sum(count for _, count in reasons[MAX_REASONS:])
        lines.append([f"{len(reasons) - MAX_REASONS} other reasons", f"{others:,}"])
    st.html(table(["Reason", "Rows"], lines, "Rows left out", True))
