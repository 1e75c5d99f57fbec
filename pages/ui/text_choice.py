"""Widgets that choose the text of the Embedding page: a generated one, or the user's own."""

import hashlib
from pathlib import PurePath

import pandas as pd
import streamlit as st

from pages.datasets import readers, texts
from pages.datasets.baskets import draw_baskets
from pages.datasets.formatting import escape_markdown, pluralize
from pages.datasets.grammar import draw_grammar
from pages.datasets.limits import MAX_TOKENS
from pages.datasets.readers import Reading
from pages.datasets.texts import Text
from pages.ui.kept_choices import apply_choices
from pages.ui.opening import open_cached
from pages.ui.progress import Progress
from pages.ui.upload import kept_upload, root_of_file, show_kept_upload
from pages.ui.widgets import HIGHEST_SEED, PERSISTENT, PERSISTENT_IN_LINK, session_cache

TEXT_SOURCES = {"grammar": "Small grammar", "baskets": "Baskets", "paste": "Paste", "file": "File"}
GENERATED = {"grammar": (draw_grammar, "Sentences"), "baskets": (draw_baskets, "Baskets")}
"""function that draws a text, and what its sequences are called"""
DESCRIPTIONS = {
    "grammar": "Generated; the category of each word is known.",
    "baskets": "Generated; the section of each product is known.",
}
INTERPRETATIONS = {"text": "Sentences", "items": "Item lists, one per line"}
COLUMN_INTERPRETATIONS = {"texts": "A column of texts", "items": "A column of item lists", "rows": "Categories in rows"}
SEPARATORS = {"": "no separator", ",": "comma", ";": "semicolon", "|": "pipe", "\t": "tab", " ": "space", "\n": "line break"}
SEPARATORS |= {mark: f"comma ({mark})" for mark in ("，", "、", "،")} | {mark: f"semicolon ({mark})" for mark in ("；", "؛")}
SEQUENCES_RANGE = (100, 100_000)
PREVIEWED = 5
"""number of sequences shown as a preview"""
PREVIEW_WIDTH = 120
"""maximum number of characters of each"""


def choose_text() -> Text | None:
    """Shows the widgets that choose the text, a summary and a preview; returns the text, or None if there is none yet.

    Raises
    ------
    ValueError
        If the text cannot be used; the message is for the page.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        source = _choose("Text", TEXT_SOURCES, "text", PERSISTENT_IN_LINK)
        row = st.container(horizontal=True, vertical_alignment="bottom", gap="small", width="content")
    if source in GENERATED:
        with row:
            text = _generated(source)
    else:
        text = {"paste": _pasted, "file": _uploaded}[source]()
    if text is not None:
        if source not in GENERATED:
            st.session_state["has own text"] = True
        with row, st.popover(f"First {text.sequence_noun}s"):
            st.markdown(preview(text))
        st.caption(escape_markdown(f"{DESCRIPTIONS.get(source, '')} {summary(text)}".strip()))
    return text


def _choose(label: str, options: dict[str, str], key: str, kept: dict = PERSISTENT) -> str:
    """One of the options, by default the first."""
    return st.segmented_control(
        label, list(options), format_func=options.get, default=next(iter(options)), required=True, key=key, **kept
    )


def uses_own_text() -> bool:
    """Whether the text was pasted or uploaded, so that links cannot contain it."""
    return st.session_state.get("text") not in (None, *GENERATED)


def summary(text: Text) -> str:
    """The size of a text and the note about what was left out, as sentences."""
    n = len(text.sequences)
    size = f"{pluralize(n, text.sequence_noun)} with {pluralize(text.n_tokens, text.noun)}, {text.n_distinct:,} distinct."
    return f"{size} {text.note}".strip()


def preview(text: Text) -> str:
    """The first sequences, one per line, in Markdown."""
    separator = " " if text.ordered else ", "
    lines = [_shortened(separator.join(sequence)) for sequence in text.sequences[:PREVIEWED]]
    return "\n".join(f"- {escape_markdown(line)}" for line in lines)


def _shortened(line: str) -> str:
    return line if len(line) <= PREVIEW_WIDTH else f"{line[:PREVIEW_WIDTH]}…"


def _generated(source: str) -> Text:
    draw, noun = GENERATED[source]
    n = int(st.number_input(noun, *SEQUENCES_RANGE, 5_000, 1_000, key=f"{source}_n", width=140, **PERSISTENT_IN_LINK))
    seed = int(st.number_input("Random seed (text)", 0, HIGHEST_SEED, 0, key="text_seed", width=150, **PERSISTENT_IN_LINK))
    return session_cache().get(("text", source, n, seed), lambda: draw(n, seed))


def _pasted() -> Text | None:
    content = st.text_area(
        "Text", height=180, key="pasted text", placeholder="The cat drinks milk.\nThe dog eats bread.", **PERSISTENT
    )
    kind = _choose("Interpret as", INTERPRETATIONS, "text_kind")
    if not content.strip():
        st.caption("Paste a text, or one list of items per line. Links do not contain it.")
        return None
    return _from_content(content, "Pasted text", kind)


def _uploaded() -> Text | None:
    st.file_uploader(
        f"Text file (.txt), or a table with a column of texts, item lists or categories; up to {MAX_TOKENS:,} words",
        key="text file",
        on_change=_keep_upload,
    )
    file = st.session_state.get("text upload")
    if file is None:
        return None
    if st.session_state["text file"] is None:  # the uploader loses its file when another page is shown
        show_kept_upload("text upload")
    content, key = file.content, root_of_file(file, "text file")
    apply_choices(key, "text", key)
    if not content:
        raise ValueError(f"{file.name} is empty: choose another file")
    if ".txt" in PurePath(file.name).suffixes:
        kind = _choose("Interpret as", INTERPRETATIONS, f"{key} kind")
        return _from_content(readers.text_of(content), file.name, kind)
    opened = open_cached(key, content, file.name)
    if opened.reading is None:
        raise ValueError(opened.error)
    reading = opened.reading
    for note in reading.notes:
        st.caption(escape_markdown(note))
    return _from_table(reading, file.name, key)


def _keep_upload() -> None:
    """Keeps the uploaded file in the session, because the uploader loses it when it is not on the page."""
    st.session_state["text upload"] = kept_upload("text file")


def _from_content(content: str, title: str, kind: str) -> Text:
    """A plain text, as sentences or as item lists."""
    if kind == "items":
        lines = pd.Series(content.splitlines(), dtype=object)
        separator = _choose_separator(lines, "text_separator")
        return _cached(
            content, (title, kind, separator), lambda: texts.from_items(lines, title, separator, source="This text")
        )
    ignore_case = st.toggle("Ignore case", True, key="text_case", **PERSISTENT)
    return _cached(content, (title, kind, ignore_case), lambda: texts.from_text(content, title, lowercase=ignore_case))


def _from_table(reading: Reading, title: str, key: str) -> Text:
    """The words of a table."""
    table = reading.table
    kind = _choose("Use", COLUMN_INTERPRETATIONS, f"{key} kind")
    if kind == "rows":
        names = list(table.columns)
        default = [name for name in names if table[name].nunique() <= max(20, len(table) // 20)]
        columns = st.multiselect("Columns", names, default=default, key=f"{key} columns", **PERSISTENT)
        return _cached(key, (kind, *columns), lambda: texts.from_rows(table, columns, title))
    lengths = {name: table[name].dropna().astype(str).str.len().mean() for name in table.columns}
    names = list(table.columns)
    longest = max(names, key=lambda name: lengths[name] if lengths[name] == lengths[name] else 0)
    column = st.selectbox("Column", names, names.index(longest), key=f"{key} column", **PERSISTENT)
    if kind == "items":
        separator = _choose_separator(table[column], f"{key} {column} separator")
        return _cached(key, (kind, column, separator), lambda: texts.from_items(table[column], title, separator))
    ignore_case = st.toggle("Ignore case", True, key="text_case", **PERSISTENT)
    return _cached(key, (kind, column, ignore_case), lambda: texts.from_texts(table[column], title, lowercase=ignore_case))


def _choose_separator(column, key: str) -> str:
    detected = texts.detect_separator(column)
    names = list(SEPARATORS)
    return st.selectbox(
        "Separator of items",
        names,
        names.index(detected),
        format_func=SEPARATORS.get,
        key=f"{key} {detected}",  # so that the choice for one list is not kept for a list with another separator
        width=200,
        **PERSISTENT,
    )


def _cached(content: str, choices: tuple, read) -> Text:
    """The text from the cache if possible."""
    digest = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
    progress = Progress()
    text = progress.compute(("text", digest, *choices), lambda on_progress: read(), "Reading the text.")
    progress.done()
    return text
