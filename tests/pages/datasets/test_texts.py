"""Texts, columns of texts, item lists and rows as sequences of words."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.datasets import texts
from pages.datasets.limits import MAX_TOKENS
from pages.datasets.texts import TEXT, detect_separator, from_items, from_rows, from_text, from_texts
from tests.core.tables import examples

NAMES = st.text(st.sampled_from("abc é日"), min_size=1, max_size=6).map(lambda name: " ".join(name.split())).filter(bool)
TABLE = pd.DataFrame({"color": ["red", "blue", None], "size": [1.0, np.inf, np.nan], "shape": ["round", "round", None]})


def column(cells, name="basket"):
    return pd.Series(cells, name=name, dtype=object)


def items(cells, separator=None):
    return from_items(column(cells), "title", separator)


# Sentences


def test_a_text_is_split_into_sentences_of_lowercase_words():
    text = from_text("The dog barks. The cat sleeps!\nDogs bark", "Pets")
    assert text.sequences == (("the", "dog", "barks"), ("the", "cat", "sleeps"), ("dogs", "bark"))
    assert (text.title, text.kinds, text.noun, text.sequence_noun, text.ordered) == ("Pets", {TEXT}, "word", "sentence", True)
    assert text.categories is None


def test_upper_case_can_be_kept():
    assert from_text("The dog", "title", lowercase=False).sequences == (("The", "dog"),)
    assert from_texts(column(["The dog"]), "title", lowercase=False).sequences == (("The", "dog"),)


def test_words_are_counted_by_frequency_and_ties_by_first_occurrence():
    text = from_text("b a c a. d c", "title")
    assert list(text.frequencies.items()) == [("a", 2), ("c", 2), ("b", 1), ("d", 1)]
    assert (text.n_tokens, text.n_distinct) == (6, 4)


def test_the_size_in_memory_grows_with_tokens_and_sentences():
    text, longer, sentences = (from_text(t, "title") for t in ("a b", "a b a b", "a b. a b"))
    assert text.n_tokens < text.n_values < longer.n_values < sentences.n_values


def test_equal_words_are_stored_once():
    first, second = from_text("ab cd. ab cd", "title").sequences
    assert all(a is b for a, b in zip(first, second, strict=True))


def test_each_cell_is_a_document_and_numbers_are_texts():
    text = from_texts(pd.Series(["Hi there. You", 3.0, None, " ", 2.5, 7], dtype=object), "title")
    assert text.sequences[:3] == (("hi", "there"), ("you",), ("3",))
    assert text.sequences[-1] == ("7",)
    assert text.note == "2 empty cells were skipped."
    assert from_texts(column(["a b", None]), "title").note == "1 empty cell was skipped."
    assert from_texts(column(["a b"]), "title").note == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *[(empty, "This text contains no words: type or paste whole sentences.") for empty in ("", " \n", "🙂 🙂", "?! …")],
        ("Spam", "This text has only one distinct word, “spam”, but at least two are needed: add more text."),
        ("spam Spam. spam", "This text has only one distinct word, “spam”, but at least two are needed: add more text."),
        ("x" * 99, f"This text has only one distinct word, “{'x' * 21}…”, but at least two are needed: add more text."),
        (
            "milk\neggs\nmilk",
            "Every sentence of this text is a single word, so no words occur together: put whole sentences on each line, with "
            "spaces between the words.",
        ),
    ],
)
def test_a_text_without_words_that_occur_together_is_rejected(text, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        from_text(text, "title")


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([], "Column basket contains no words: choose a column with sentences."),
        ([None, "🙂"], "Column basket contains no words: choose a column with sentences."),
        (["a", "a"], "Column basket has only one distinct word, “a”, but at least two are needed: choose another column."),
        (
            ["a", "b"],
            "Every sentence of column basket is a single word, so no words occur together: choose a column with whole "
            "sentences, or read this one as item lists.",
        ),
    ],
)
def test_a_column_without_words_that_occur_together_is_rejected(cells, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        from_texts(column(cells), "title")


# Size


@pytest.mark.parametrize(("part", "times"), [("word ", 10_000_000), ("a,", 10_000_000), ("Слово и дело. ", 3_333_334)])
def test_a_text_of_ten_million_words_is_rejected_without_tokenizing_all_of_it(part, times, monkeypatch):
    sizes = []

    def tokenize(text, **options):
        sizes.append(len(text))
        return original(text, **options)

    original = texts.tokenize
    monkeypatch.setattr(texts, "tokenize", tokenize)
    message = f"This text has about 10,000,000 words, more than the limit of {MAX_TOKENS:,}: use a part of it."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        from_text(part * times, "title")
    assert sum(sizes) < 1_000_000


def test_the_exact_number_of_words_decides_near_the_limit(monkeypatch):
    monkeypatch.setattr(texts, "MAX_TOKENS", 10)
    assert from_text("ab cd " * 5, "title").n_tokens == 10
    message = "{} has 11 words, more than the limit of 10: use"
    with pytest.raises(ValueError, match=message.format("This text")):
        from_text("ab cd " * 5 + "ef", "title")
    with pytest.raises(ValueError, match=message.format("Column basket")):
        from_texts(column(["ab cd"] * 5 + ["ef"]), "title")
    assert from_text("ab " + " " * 10_000 + "cd", "title").n_tokens == 2  # few words in many characters


def test_too_many_items_and_values_are_rejected(monkeypatch):
    monkeypatch.setattr(texts, "MAX_TOKENS", 4)
    assert items(["a,b", "c,d"]).n_tokens == 4
    with pytest.raises(ValueError, match="Column basket has 5 items, more than the limit of 4: use"):
        items(["a,b", "c,d", "e"])
    assert from_rows(TABLE, ["color", "shape"], "title").n_tokens == 4
    with pytest.raises(ValueError, match="The chosen columns have 5 values, more than the limit of 4: use fewer rows or"):
        from_rows(TABLE, ["color", "shape", "size"], "title")


# Item lists


@pytest.mark.parametrize(
    ("cell", "basket"),
    [
        ("milk; bread;eggs", ("milk", "bread", "eggs")),
        ("milk, bread", ("milk", "bread")),
        ("milk|bread|", ("milk", "bread")),
        ("milk\tbread", ("milk", "bread")),
        ("milk\nbread\n", ("milk", "bread")),
        ("milk bread", ("milk", "bread")),
        ("Orange Juice, ,eggs", ("Orange Juice", "eggs")),
        ('["orange juice", "eggs", null, " ", 3]', ("orange juice", "eggs", "3")),
        ("['cats; dogs', \"it's\"]", ("cats; dogs", "it's")),
        ("['a\\d', 'b']", ("a\\d", "b")),
        ("['a' 'b'\n 'c d']", ("a", "b", "c d")),
        ("[a]; [b]", ("[a]", "[b]")),
        ("[" * 9000 + "; b]", ("[" * 9000, "b]")),
        (["a, b", None, np.nan, 2.0], ("a, b", "2")),
        (("a", "b"), ("a", "b")),
        (np.array(["a", "b"], dtype=object), ("a", "b")),
        ({"b", "a"}, ("a", "b")),
    ],
)
def test_an_item_list_is_read(cell, basket):
    text = items([cell])
    assert text.sequences == (basket,)
    assert (text.ordered, text.noun, text.sequence_noun) == (False, "item", "basket")


def test_text_of_lists_and_text_with_separators_may_be_mixed():
    assert items(['["a, b", "c"]', "d;e", "f", 7]).sequences == (("a, b", "c"), ("d", "e"), ("f",), ("7",))


def test_an_item_counts_once_in_a_basket_and_empty_cells_are_skipped():
    text = items(["milk,eggs, milk,milk", None, " , ", "eggs"])
    assert text.sequences == (("milk", "eggs"), ("eggs",))
    assert text.note == "2 empty cells were skipped. 2 repetitions within a basket were left out."
    assert items(["a,b,a"]).note == "1 repetition within a basket was left out."


@pytest.mark.parametrize(
    ("cells", "separator"),
    [
        (["a;b", "c, d", "e;f"], ";"),
        (["a, b", "c", "d, e; f"], ","),
        (["orange juice", "green tea", "milk|eggs"], "|"),  # spaces are in most cells, but within items
        (["milk, 2 l|bread, sliced"], "|"),
        (["milk, 2 l\neggs", "bread\nham"], "\n"),
        (["milk, 2 l\teggs, 6"], "\t"),
        (["milk eggs", "bread"], " "),
        (["milk", " bread "], ""),
        (['["a;b", "c;d"]', "e,f"], ","),
        ([None, 3], ""),
        ([], ""),
    ],
)
def test_the_separator_of_most_cells_is_detected_and_used(cells, separator):
    assert detect_separator(column(cells)) == separator
    if separator:
        assert items(cells).key == items(cells, separator).key


def test_a_given_separator_is_used():
    assert items(["a, b;c, d"], ",").sequences == (("a", "b;c", "d"),)
    assert items(["a  b\tc, d"], " ").sequences == (("a", "b", "c,", "d"),)
    assert items(["a -- b"], "--").sequences == (("a", "b"),)


@examples(100)
@given(st.lists(st.lists(NAMES, min_size=2, max_size=5, unique=True), min_size=1, max_size=5), st.sampled_from("\t|;\n,"))
def test_baskets_are_read_from_every_notation(baskets, separator):
    expected = tuple(map(tuple, baskets))
    for write in (separator.join, f" {separator}".join, json.dumps, repr, list, tuple):
        assert items([write(basket) for basket in baskets]).sequences == expected


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([None, ";"], "Column basket contains no items: choose another column."),
        (["a", "a,a"], "Column basket has only one distinct item, “a”, but at least two are needed: choose another column."),
        (
            ["a,", "b"],
            "Column basket has only baskets with a single item, so no items occur together: choose another separator, or "
            "choose another column.",
        ),
    ],
)
def test_a_column_without_items_that_occur_together_is_rejected(cells, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        items(cells)


# Rows


def test_each_row_gives_its_values_with_their_columns():
    text = from_rows(TABLE, ["color", "size", "shape"], "title")
    assert text.sequences == (("color=red", "size=1", "shape=round"), ("color=blue", "shape=round"))
    assert (text.ordered, text.noun, text.sequence_noun) == (False, "value", "row")
    assert text.note == "1 empty row was skipped."


def test_the_category_of_a_value_is_its_column():
    text = from_rows(TABLE, ["color", "shape"], "title")
    assert text.categories == {"color=red": "color", "color=blue": "color", "shape=round": "shape"}
    assert text.category_name == "column"


def test_only_the_chosen_columns_count():
    assert from_rows(TABLE, ["shape", "color"], "title").sequences[0] == ("shape=round", "color=red")


@pytest.mark.parametrize(
    ("table", "columns", "message"),
    [
        *[
            (TABLE, columns, "Choose at least two columns, because values occur together only with values of other columns.")
            for columns in ([], ["color"], ["color", "color"])
        ],
        (
            pd.DataFrame({"a": [None], "b": [np.inf]}),
            ["a", "b"],
            "The chosen columns contain no values: choose other columns.",
        ),
        (
            pd.DataFrame({"a": ["x", "x"], "b": [None, None]}),
            ["a", "b"],
            "The chosen columns have only one distinct value, “a=x”, but at least two are needed: choose other columns.",
        ),
        (
            pd.DataFrame({"a": ["x", None], "b": [None, "y"]}),
            ["a", "b"],
            "Every row has a value in only one of the chosen columns, so no values occur together: choose other columns.",
        ),
    ],
)
def test_rows_without_values_that_occur_together_are_rejected(table, columns, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        from_rows(table, columns, "title")


# Keys


def test_equal_texts_have_equal_keys():
    assert from_text("a b. c d", "title").key == from_text("A b!\nc d", "title").key
    assert items(["a;b", "c"]).key == items([["a", "b"], "c"]).key


def test_different_texts_have_different_keys():
    different = [
        from_text("a b c", "title"),
        from_text("a b c", "other title"),
        from_text("a b. c", "title"),
        from_text("a c b", "title"),
        from_text("A b c", "title", lowercase=False),
        from_texts(column(["a b c", None]), "title"),
        items(["a,b,c"]),
        from_rows(pd.DataFrame({"a": ["x"], "b": ["y"]}), ["a", "b"], "title"),
        items(["a=x,b=y"]),
        *[
            from_rows(pd.DataFrame({name: [value], "d": ["e"]}), [name, "d"], "title")
            for name, value in (("a", "b=c"), ("a=b", "c"))
        ],
    ]
    assert len({text.key for text in different}) == len(different)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ('"milk, skimmed", bread', ("milk, skimmed", "bread")),
        ('"eggs", eggs, ham', ("eggs", "ham")),
        ("牛奶、鱼", ("牛奶", "鱼")),
        ("حليب، سمك", ("حليب", "سمك")),
    ],
)
def test_items_in_quotes_and_other_scripts_are_split(cell, expected):
    assert items([cell]).sequences == (expected,)
