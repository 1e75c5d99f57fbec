"""Texts to learn word vectors from: sequences of words, items of baskets, or values of table rows.

Input that cannot be used raises `ValueError` with a message for the page.
"""

import ast
import csv
import hashlib
import json
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import pandas as pd

from clustering.cooccurrences import tokenize
from pages.datasets.columns import value_text
from pages.datasets.formatting import pluralize, truncate
from pages.datasets.limits import MAX_TOKENS

TEXT = "text"
"""the kind of these data, besides the kinds in `data`"""
SEPARATORS = ("\t", "|", ";", "；", "؛", "\n", ",", "，", "、", "،", " ")
"""separators of items; " " stands for any whitespace. If several are equally frequent, the first one is more likely, because
the later ones also occur within items."""
UNSEPARATED = re.compile(r"(?<=['\"])\s+(?=['\"])")
"""space between two items of an array that NumPy has converted to text, such as "['a' 'b']"; Python would join these items"""
SOURCE_OF_ROWS = "The chosen columns"
"""subject of error messages about rows"""
PIECES, PIECE = 64, 2**13
"""number and size (characters) of the pieces of a text from which its number of words is estimated"""
SEQUENCE_VALUES, WORD_VALUES = 7, 30
"""approximate size in memory of an empty tuple, and of a distinct word with its frequency, in values of 8 bytes"""


@dataclass(frozen=True, eq=False)
class Text:
    """Sequences of words or other discrete objects, such as sentences or shopping baskets."""

    key: str
    """identifies the text: two texts with the same key are equal"""
    title: str
    sequences: tuple[tuple[str, ...], ...]
    """the words of each sentence, the items of each basket or the values of each row"""
    ordered: bool = True
    """whether the order within a sequence matters"""
    noun: str = "word"
    """what an element of a sequence is called: "word", "item" or "value\""""
    sequence_noun: str = "sentence"
    """what a sequence is called: "sentence", "basket" or "row\""""
    categories: Mapping[str, str] | None = None
    """true category of each word, if known; never used for learning"""
    category_name: str = ""
    """what a category is called, such as "section\""""
    note: str = ""
    """sentences about what was left out"""
    kinds: ClassVar[frozenset[str]] = frozenset({TEXT})
    """the kind of data, as in `Data.kinds`"""
    all_rows: ClassVar[None] = None
    """as in `Data`"""
    row_weights: ClassVar[None] = None
    """as in `Data`"""

    @cached_property
    def frequencies(self) -> Mapping[str, int]:
        """Number of occurrences of each distinct word, most frequent first; ties in order of first occurrence."""
        counts = Counter()
        for sequence in self.sequences:
            counts.update(sequence)
        return dict(counts.most_common())

    @cached_property
    def n_tokens(self) -> int:
        """Number of words, counted with repetitions."""
        return sum(map(len, self.sequences))

    @property
    def n_distinct(self) -> int:
        """Number of distinct words."""
        return len(self.frequencies)

    @property
    def n_values(self) -> int:
        """Approximate size in memory, in values of 8 bytes."""
        return self.n_tokens + SEQUENCE_VALUES * len(self.sequences) + WORD_VALUES * self.n_distinct


def from_text(text: str, title: str, *, lowercase: bool = True) -> Text:
    """The sentences of a text.

    Parameters
    ----------
    text : the text, with one or more sentences per line
    title : title of the text
    lowercase : whether upper and lower case are the same

    Raises
    ------
    ValueError
        If there are fewer than two distinct words, no sentence with two words, or more than `MAX_TOKENS` words.
    """
    sequences = _tokenize(text, "This text", lowercase)
    return _checked(
        sequences,
        "This text",
        empty="This text contains no words: type or paste whole sentences.",
        advice="add more text",
        apart="Every sentence of this text is a single word, so no words occur together: put whole sentences on each line, "
        "with spaces between the words.",
        title=title,
    )


def from_texts(column: pd.Series, title: str, *, lowercase: bool = True) -> Text:
    """The sentences of a column of texts, one document per cell. A sentence ends with its cell at the latest.

    Parameters
    ----------
    column : the texts; numbers are read as text, missing and blank cells are skipped and counted in `note`
    title : title of the text
    lowercase : whether upper and lower case are the same

    Raises
    ------
    ValueError
        As in `from_text`.
    """
    cells = [cell for cell in map(value_text, column.dropna()) if cell.strip()]
    source = f"Column {column.name}"
    return _checked(
        _tokenize("\n".join(cells), source, lowercase),
        source,
        empty=f"{source} contains no words: choose a column with sentences.",
        advice="choose another column",
        apart=f"Every sentence of column {column.name} is a single word, so no words occur together: choose a column with "
        "whole sentences, or read this one as item lists.",
        title=title,
        note=_skipped_note(len(column) - len(cells), "cell"),
    )


def from_items(column: pd.Series, title: str, separator: str | None = None, source: str = "") -> Text:
    """The baskets of a column of item lists, such as "milk; bread; eggs", '["milk", "bread"]' or lists of Python objects.

    Whitespace around items is removed, and that within them becomes single spaces. Items keep their case, and empty items are
    dropped. An item that is repeated within a basket counts once there, because repetitions say nothing about what is bought
    together; `note` states their number.

    Parameters
    ----------
    column : the lists, one basket per cell; missing and empty cells are skipped and counted in `note`
    title : title of the baskets
    separator : separator of items in cells that are not JSON or Python lists, " " for any whitespace; by default the one found
        by `detect_separator`
    source : what contains the lists, the subject of error messages; by default the column

    Raises
    ------
    ValueError
        If there are fewer than two distinct items, no basket with two items, or more than `MAX_TOKENS` items.
    """
    cells = list(map(_parse_list, column.dropna()))
    if separator is None:
        separator = _most_common_separator(cells)
    baskets, repetitions = [], 0
    for cell in cells:
        items = _split(cell, separator) if isinstance(cell, str) else cell
        items = [item for item in (" ".join(item.split()) for item in items) if item]
        basket = list(dict.fromkeys(items))
        repetitions += len(items) - len(basket)
        if basket:
            baskets.append(basket)
    note = _skipped_note(len(column) - len(baskets), "cell")
    if repetitions:
        note += f" {pluralize(repetitions, 'repetition')} within a basket {'was' if repetitions == 1 else 'were'} left out."
    advice = "add more lists" if source else "choose another column"
    source = source or f"Column {column.name}"
    return _checked(
        baskets,
        source,
        empty=f"{source} contains no items: {advice}.",
        advice=advice,
        apart=f"{source} has only baskets with a single item, so no items occur together: choose another separator, or "
        f"{advice}.",
        title=title,
        ordered=False,
        noun="item",
        sequence_noun="basket",
        note=note.strip(),
    )


def from_rows(table: pd.DataFrame, columns: Sequence[str], title: str) -> Text:
    """The values of each row in some columns, as "column=value". The true category of a value is its column.

    Parameters
    ----------
    table : the table
    columns : names of at least two columns of categories; missing and infinite values are skipped, and rows without any value
        are counted in `note`
    title : title of the rows

    Raises
    ------
    ValueError
        If there are fewer than two columns or distinct values, no row with two values, or more than `MAX_TOKENS` values.
    """
    columns = list(dict.fromkeys(columns))
    if len(columns) < 2:
        raise ValueError("Choose at least two columns, because values occur together only with values of other columns.")
    present = {name: table[name].replace([np.inf, -np.inf], np.nan) for name in columns}
    _check_size(sum(int(cells.count()) for cells in present.values()), SOURCE_OF_ROWS, "value")
    rows, categories = [[] for _ in range(len(table))], {}
    for name, cells in present.items():
        codes, values = pd.factorize(cells)
        values = [" ".join(f"{name}={value_text(value)}".split()) for value in values]
        categories |= dict.fromkeys(values, str(name))
        for row, code in zip(rows, codes.tolist(), strict=True):
            if code >= 0:
                row.append(values[code])
    sequences = [row for row in rows if row]
    return _checked(
        sequences,
        SOURCE_OF_ROWS,
        empty=f"{SOURCE_OF_ROWS} contain no values: choose other columns.",
        advice="choose other columns",
        apart="Every row has a value in only one of the chosen columns, so no values occur together: choose other columns.",
        title=title,
        ordered=False,
        noun="value",
        sequence_noun="row",
        categories=categories,
        category_name="column",
        note=_skipped_note(len(table) - len(sequences), "row"),
    )


def detect_separator(column: pd.Series) -> str:
    """The separator of item lists: the one of `SEPARATORS` that occurs in most cells, whitespace only if no other one occurs.

    Cells that are JSON or Python lists are ignored. Returns "" if no separator occurs.
    """
    return _most_common_separator(map(_parse_list, column.dropna()))


def _most_common_separator(cells: Iterable) -> str:
    texts = [cell.strip() for cell in cells if isinstance(cell, str)]
    counts = {separator: sum(separator in text for text in texts) for separator in SEPARATORS[:-1]}
    best = max(counts, key=counts.get)
    if counts[best]:
        return best
    return " " if any(len(text.split()) > 1 for text in texts) else ""


def _split(text: str, separator: str) -> list[str]:
    if not separator:
        return [text]
    if separator == " ":
        return text.split()
    if '"' in text and len(separator) == 1 and separator != "\n":  # items in quotes may contain the separator
        return next(csv.reader([text], delimiter=separator, skipinitialspace=True), [])
    return text.split(separator)


def _parse_list(cell) -> str | list[str]:
    """The items of a list, or of a text that is a JSON or Python list; the text of any other cell."""
    if isinstance(cell, str):
        text = cell.strip()
        items = _literal(text) if text.startswith("[") and text.endswith("]") else None
        if not isinstance(items, list):
            return cell
        cell = items
    if isinstance(cell, set | frozenset):
        return sorted(map(value_text, cell))  # because the order of a set differs from process to process
    if isinstance(cell, list | tuple | np.ndarray):
        return [value_text(item) for item in cell if not (pd.api.types.is_scalar(item) and pd.isna(item))]
    return value_text(cell)


def _literal(text: str):
    """The value of a JSON or Python literal; None for any other text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    text = UNSEPARATED.sub(", ", text)
    try:
        with warnings.catch_warnings(action="ignore"):  # warnings about backslashes
            return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None


def _tokenize(text: str, source: str, lowercase: bool) -> list[list[str]]:
    """The sentences of a text. Raises ValueError if it is much too long, before it is tokenized completely."""
    estimate = _estimated_words(text) if len(text) > MAX_TOKENS else 0
    if estimate > 1.5 * MAX_TOKENS:  # otherwise the exact number decides
        _check_size(round(float(f"{estimate:.1e}")), source, "word", "about ")
    return tokenize(text, lowercase=lowercase)


def _estimated_words(text: str) -> float:
    """Number of words in a text, estimated from `PIECES` pieces that are evenly spread over it."""
    starts = np.linspace(0, max(0, len(text) - PIECE), PIECES).astype(int).tolist()
    pieces = [text[start : start + PIECE] for start in starts]
    words = sum(len(sentence) for piece in pieces for sentence in tokenize(piece))
    return words * len(text) / max(1, sum(map(len, pieces)))


def _checked(sequences: Iterable[Sequence[str]], source: str, *, empty: str, advice: str, apart: str, **fields) -> Text:
    """A `Text` of these sequences, if words occur together in them.

    Parameters
    ----------
    sequences : words of each sequence
    source : where they are from, the subject of error messages
    empty, apart : error messages if there are no words, or no sequence with two words
    advice : what to do if there is only one distinct word
    fields : other fields of `Text`

    Raises
    ------
    ValueError
        If there are no sequences, more than `MAX_TOKENS` words, only one distinct word, or no sequence with two words.
    """
    noun = fields.get("noun", "word")
    _check_size(sum(map(len, sequences)), source, noun)
    shared: dict[str, str] = {}  # one object per distinct word, because a word takes more memory than a reference to it
    sequences = tuple(tuple(map(shared.setdefault, sequence, sequence)) for sequence in sequences)
    if not shared:
        raise ValueError(empty)
    if len(shared) == 1:
        (word,) = shared
        raise ValueError(
            f"{source} {_has(source)} only one distinct {noun}, “{truncate(word)}”, but at least two are needed: {advice}."
        )
    if max(map(len, sequences)) < 2:
        raise ValueError(apart)
    text = Text(key="", sequences=sequences, **fields)
    return replace(text, key=_digest(text))


def _digest(text: Text) -> str:
    """A key computed from everything that a plot or a run depends on."""
    digest = hashlib.sha256(repr(text.sequences).encode())
    categories = None if text.categories is None else list(text.categories.items())
    settings = (text.title, text.ordered, text.noun, text.sequence_noun, categories, text.category_name, text.note)
    digest.update(repr(settings).encode())
    return f"{TEXT}/{digest.hexdigest()[:24]}"


def _check_size(n: int, source: str, noun: str, about: str = "") -> None:
    """Raises ValueError if there are more than `MAX_TOKENS` words."""
    if n > MAX_TOKENS:
        remedy = "use fewer rows or columns" if source == SOURCE_OF_ROWS else "use a part of it"
        raise ValueError(f"{source} {_has(source)} {about}{n:,} {noun}s, more than the limit of {MAX_TOKENS:,}: {remedy}.")


def _has(source: str) -> str:
    return "have" if source == SOURCE_OF_ROWS else "has"


def _skipped_note(n: int, noun: str) -> str:
    return f"{n:,} empty {noun}{' was' if n == 1 else 's were'} skipped." if n else ""
