"""The Embedding page without a browser: texts, word vectors, and the sections below them."""

import json
import re

import numpy as np
import pytest

from clustering import SkipGram, analogy, cooccurrences, fit, most_similar
from pages.datasets import texts
from pages.datasets.baskets import draw_baskets
from pages.datasets.grammar import ANALOGIES, draw_grammar
from pages.embedding.sections import SECTIONS
from tests.pages.app import component, latest, opened

PICTURE, NEIGHBORS = r"words \d+", r"neighbors of \d+"
"""keys of the plot and of the curves of the neighbors, which end in the number of the chosen word"""
GRAMMAR = "/embedding?grammar_n=150&skipgram_dimension=3"
"""a small text, so that runs are short"""
SENTENCES = """The cat drinks milk. The dog eats bread.
The cat eats fish. The dog drinks water.
A cat sleeps! A dog barks! The Cat drinks water."""


def shown_run(app):
    return latest(app, "run")


def metrics(app):
    return {metric.label: metric.value for metric in app.metric}


def texts_of(app):
    elements = (*app.warning, *app.error, *app.info, *app.caption, *app.markdown)
    return " ".join(element.value.replace("\\", "") for element in elements)


def chart(app, key):
    """The figure with this key, a regular expression, as sent to the browser; None if it is not on the page."""
    found = [one.proto.spec for one in app.get("plotly_chart") if re.search(f"-{key}$", one.proto.id)]
    return json.loads(found[0]) if found else None


def tables(app):
    """The cells of each table of answers on the page, by its label."""
    found = {}
    for element in app.get("html"):
        label = re.search("aria-label='(Answers by [^']*)'", element.proto.body)
        if label:
            rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall("<tr>(.*?)</tr>", element.proto.body)]
            found[label[1]] = [[cell.replace("−", "-") for cell in row] for row in rows if row]
    return found


def open_section(app, section):
    app.button_group(key="embedding_section").set_value(section).run()
    assert not app.exception
    return app


def paste(app, text, kind="text"):
    app.text_area(key="pasted text").set_value(text)
    app.button_group(key="text_kind").set_value(kind).run()
    assert not app.exception
    return app


def upload(app, name, content):
    app.file_uploader(key="text file").set_value((name, content, "text/plain")).run()
    assert not app.exception
    return app


def labeled(widgets, label):
    return next(widget for widget in widgets if widget.label == label)


@pytest.fixture(scope="module")
def pasting():
    """One session for tests that only paste something else."""
    return opened("/embedding?text=Paste")


@pytest.fixture(scope="module")
def uploading():
    """One session for tests that only upload something else."""
    return opened("/embedding?text=File")


@pytest.fixture(scope="module")
def grammar():
    """One session for tests that only open another section of the small grammar."""
    return opened(GRAMMAR)


def test_it_opens_with_vectors_of_the_grammar_a_plot_and_a_player():
    app = opened("/embedding")
    assert not app.error
    assert not app.warning
    assert [title.value for title in app.title] == ["Embedding"]
    text = draw_grammar(5_000, 0)
    last = fit(SkipGram(12), cooccurrences(text.sequences), rng=1, max_iter=500)
    assert metrics(app)["Iteration"] == str(last.iteration)
    assert metrics(app)["Status"] == "converged"
    assert float(metrics(app)["Loss"]) == pytest.approx(last.loss, rel=1e-5)
    assert f"5,000 sentences with {text.n_tokens:,} words, {text.n_distinct} distinct." in texts_of(app)
    picture = chart(app, PICTURE)
    assert picture["data"][0]["customdata"] == list(text.frequencies)
    (player,) = [json.loads(one.proto.json) for one in app.get("bidi_component") if one.proto.id.endswith("-player")]
    assert player["curves"] == ["loss", "neighbors"]
    names = {chart(app, key)["layout"]["meta"] for key in (PICTURE, "loss curve", NEIGHBORS)}
    assert names == {player["figures"]}
    assert {len(chart(app, key)["frames"]) for key in (PICTURE, "loss curve", NEIGHBORS)} == {len(player["phases"])}


def test_the_categories_of_the_grammar_have_a_legend_and_are_the_colors_of_the_words(grammar):
    (legend,) = [one.proto.body for one in open_section(grammar, "neighbors").get("html") if "adjective" in one.proto.body]
    categories = sorted(set(draw_grammar(150, 0).categories.values()))
    found = [legend.index(category) for category in categories]
    assert found == sorted(found)
    colors = dict(zip(categories, re.findall("#[0-9a-f]{6}", legend), strict=True))
    points = chart(grammar, PICTURE)["data"][0]
    expected = [colors[draw_grammar(150, 0).categories[word]] for word in points["customdata"]]
    assert points["marker"]["color"] == expected
    assert len(set(expected)) == len(categories)


def test_baskets_have_items_instead_of_words_and_no_window():
    app = opened("/embedding?text=Baskets&baskets_n=150&text_seed=2&skipgram_dimension=3")
    assert not app.error
    run = shown_run(app)
    assert run.model_input.text.sequences == draw_baskets(150, 2).sequences
    counts = cooccurrences(draw_baskets(150, 2).sequences, None)
    assert (run.model_input.cooccurrences.counts != counts.counts).nnz == 0
    assert run.settings.option("window") is None
    assert not {"Window", "Distance weighting"} & {widget.label for widget in (*app.number_input, *app.selectbox)}
    assert "150 baskets with " in texts_of(app)
    assert "Each point is an item." in texts_of(app)
    assert "Neighbors of the same section" in metrics(app)
    assert labeled(app.selectbox, "Item").options == list(counts.words)
    assert chart(app, PICTURE)["data"][0]["customdata"] == list(counts.words)


def test_another_size_or_seed_of_the_text_gives_another_text():
    app = opened(GRAMMAR)
    app.number_input(key="grammar_n").set_value(100)
    app.number_input(key="text_seed").set_value(4).run()
    assert not app.exception
    assert shown_run(app).model_input.text.sequences == draw_grammar(100, 4).sequences


def test_without_a_text_the_page_asks_for_one(pasting):
    paste(pasting, " \n ")
    assert not pasting.error
    assert "Paste a text, or one list of items per line." in texts_of(pasting)
    assert not pasting.get("plotly_chart")


BAD = {
    "only emoji": ("text", "😀 🎉\n🙂", "contains no words"),
    "one word": ("text", "hello", "only one distinct word, “hello”"),
    "one repeated word": ("text", "Again again, AGAIN.", "only one distinct word, “again”"),
    "one word per line": ("text", "one\ntwo\nthree", "Every sentence of this text is a single word"),
    "too long": ("text", "one two three. " * 5, "has 15 words, more than the limit of 12"),
    "much too long": ("text", "one two three. " * 50, "has about 150 words, more than the limit of 12"),
    "no items": ("items", ", ,\n,", "contains no items"),
    "one repeated item": ("items", "milk, milk\nmilk", "only one distinct item, “milk”"),
    "one item per line": ("items", "milk\nbread", "has only baskets with a single item"),
    "rare words": ("least", "one two three. four five six.", "No word occurs at least 2 times"),
    "one frequent word": ("least", "one two one three.", "Only one word occurs at least 2 times"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_text_that_cannot_be_used_gives_one_sentence_and_stays_in_its_field(pasting, case, monkeypatch):
    kind, content, message = BAD[case]
    app = opened("/embedding?text=Paste") if kind == "items" else pasting
    if "long" in case:
        monkeypatch.setattr(texts, "MAX_TOKENS", 12)
    if kind == "least":
        app.session_state["skipgram_least"] = 2
    paste(app, content, "items" if kind == "items" else "text")
    (error,) = app.error
    sentence = error.value.replace("\\", "")
    assert message in sentence
    assert re.fullmatch(r"[A-Z][^.]*[^.:!? ]\.", sentence)
    assert not app.get("plotly_chart")
    assert app.text_area(key="pasted text").value == content
    if kind == "least":
        app.number_input(key="skipgram_least").set_value(1).run()


def test_a_pasted_text_can_be_corrected(pasting):
    paste(pasting, "hello")
    assert pasting.error
    paste(pasting, SENTENCES)
    assert not pasting.error
    assert chart(pasting, PICTURE)
    assert "7 sentences with 26 words, 12 distinct." in texts_of(pasting)


def test_upper_and_lower_case_differ_only_if_case_is_not_ignored(pasting):
    paste(pasting, SENTENCES)
    assert {"the", "cat"} < set(shown_run(pasting).data.names)
    pasting.toggle(key="text_case").set_value(False).run()
    assert not pasting.exception
    assert {"The", "Cat", "cat"} < set(shown_run(pasting).data.names)
    assert "the" not in shown_run(pasting).data.names
    pasting.toggle(key="text_case").set_value(True).run()
    assert "the" in shown_run(pasting).data.names


@pytest.mark.parametrize(("separator", "label"), [(",", "comma"), (";", "semicolon"), ("|", "pipe"), (" ", "space")])
def test_each_line_of_pasted_items_is_a_basket_and_the_separator_is_detected(separator, label):
    lines = [["bread", "milk"], ["bread", "milk", "jam"], ["beer", "chips"], ["milk"]]
    app = paste(opened("/embedding?text=Paste"), "\n".join(separator.join(line) for line in lines), "items")
    assert not app.error
    box = labeled(app.selectbox, "Separator of items")
    assert box.options[box.index] == label
    text = shown_run(app).model_input.text
    assert text.sequences == tuple(map(tuple, lines))
    assert not text.ordered
    assert "4 baskets with 8 items, 5 distinct." in texts_of(app)


def test_the_separator_is_detected_again_for_another_text(pasting):
    paste(pasting, "bread, milk\nmilk, jam", "items")
    assert "2 baskets with 4 items" in texts_of(pasting)
    paste(pasting, "bread; milk, fresh\nmilk, fresh; jam", "items")
    assert not pasting.error
    assert shown_run(pasting).model_input.text.sequences == (("bread", "milk, fresh"), ("milk, fresh", "jam"))


def test_another_separator_of_items_can_be_chosen():
    app = paste(opened("/embedding?text=Paste"), "dark bread, milk; jam\nmilk, dark bread\njam, milk", "items")
    assert "milk; jam" in shown_run(app).data.names
    labeled(app.selectbox, "Separator of items").set_value(";").run()
    assert not app.exception
    text = shown_run(app).model_input.text
    assert text.sequences == (("dark bread, milk", "jam"), ("milk, dark bread",), ("jam, milk",))


def test_with_fewer_words_than_dimensions_as_many_are_used_and_a_warning_says_so(pasting):
    paste(pasting, "The cat sleeps. The dog sleeps. " * 5)
    assert [warning.value for warning in pasting.warning] == ["Only 4 words, so the vectors have 4 dimensions."]
    assert shown_run(pasting).data.points.shape == (4, 4)
    assert pasting.number_input(key="skipgram_dimension").value == 12
    pasting.number_input(key="skipgram_dimension").set_value(4).run()
    assert not pasting.warning
    pasting.number_input(key="skipgram_dimension").set_value(12)
    paste(pasting, "one two one two one two one two")
    assert [warning.value for warning in pasting.warning] == ["Only 2 words, so the vectors have 2 dimensions."]
    assert shown_run(pasting).data.points.shape == (2, 2)
    assert chart(pasting, PICTURE)


def test_a_single_dimension_is_shown_too(pasting):
    paste(pasting, 2 * SENTENCES)
    pasting.number_input(key="skipgram_dimension").set_value(1).run()
    assert not pasting.exception
    assert not pasting.error
    assert not pasting.warning
    assert "(jittered)" in chart(pasting, PICTURE)["layout"]["yaxis"]["title"]["text"]
    pasting.number_input(key="skipgram_dimension").set_value(12).run()


def test_words_with_html_or_markdown_are_shown_unchanged():
    app = paste(opened("/embedding?text=Paste"), "<b>x</b>, *y*, <script>alert(1)</script>\n<b>x</b>, *y*\n$q$, *y*", "items")
    assert "<b>x</b>" in shown_run(app).data.names
    for section in SECTIONS:
        open_section(app, section)
        assert all("<script>alert" not in element.proto.body for element in app.get("html"))
        for element in (*app.caption, *app.markdown):
            assert "<b>" not in re.sub(r"\\.", "", element.value)
        for one in app.get("plotly_chart"):
            assert not re.search(r"<b>x|<script>", json.dumps(json.loads(one.proto.spec)))


@pytest.mark.parametrize("section", SECTIONS)
def test_each_section_is_shown_alone_and_only_neighbors_follow_the_player(grammar, section):
    open_section(grammar, section)
    assert not grammar.error
    shown = {
        "neighbors": chart(grammar, NEIGHBORS) is not None,
        "analogies": bool(tables(grammar)),
        "matrix": chart(grammar, "matrices") is not None,
        "use": any(button.label == "Explore the data" for button in grammar.button),
    }
    assert shown == {name: name == section for name in SECTIONS}
    (player,) = [json.loads(one.proto.json) for one in grammar.get("bidi_component") if one.proto.id.endswith("-player")]
    assert player["curves"] == ["loss"] + ["neighbors"] * (section == "neighbors")


def test_choosing_a_word_shows_its_neighbors(grammar):
    open_section(grammar, "neighbors")
    run = shown_run(grammar)
    index = list(run.data.names).index("king")
    grammar.selectbox(key="focus_name").set_value("king").run()
    assert not grammar.exception
    nearest, cosines = most_similar(run.data.points, index, 8)
    figure = chart(grammar, f"neighbors of {index}")
    assert [trace["name"] for trace in figure["data"][:-1]] == run.data.names_of(nearest)
    assert "Cosine of “king” and the 8 words nearest to it in the end" in texts_of(grammar)
    grammar.toggle(key="formulas").set_value(True).run()
    assert not grammar.exception
    formulas = component(grammar, "formulas of formulas_beside")
    assert re.search("For “?king”? and its most frequent context", formulas["html"])
    assert any(f"{run.data.names[nearest[0]]} {cosines[0]:.2f}" in value for value in formulas["values"][-1])
    grammar.toggle(key="formulas").set_value(False).run()


def test_the_chosen_word_is_kept_in_another_text_that_has_it_and_otherwise_replaced(pasting):
    paste(pasting, SENTENCES)
    pasting.selectbox(key="focus_name").set_value("sleeps").run()
    paste(pasting, "The cat sleeps. The dog sleeps. The bird flies.")
    assert not pasting.error
    assert pasting.selectbox(key="focus_name").value == "sleeps"
    assert "Cosine of “sleeps” and the 5 words nearest to it" in texts_of(pasting)
    paste(pasting, "The cat eats. The dog eats.")
    assert not pasting.error
    word = pasting.selectbox(key="focus_name").value
    assert word in ("the", "cat", "eats", "dog")
    assert f"Cosine of “{word}” and the 3 words nearest to it" in texts_of(pasting)
    assert chart(pasting, NEIGHBORS)


def test_analogies_have_the_answers_of_the_core_and_the_right_ones_are_counted(grammar):
    open_section(grammar, "analogies")
    run = shown_run(grammar)
    names = list(run.data.names)
    known = [words for words in ANALOGIES if set(words) <= set(names)]
    assert 5 < len(known) <= len(grammar.selectbox(key="analogy").options)
    grammar.selectbox(key="analogy").set_value(3).run()
    words = [labeled(grammar.selectbox, label).value for label in ("a is to", "b as", "c is to …")]
    assert [names[i] for i in words] == list(known[3][:3])
    for method, title in (("add", "3CosAdd"), ("multiply", "3CosMul")):
        answers, scores = analogy(run.data.points, *words, 5, method)
        expected = [[names[i], f"{score:.3f}"] for i, score in zip(answers, scores, strict=True)]
        assert tables(grammar)[f"Answers by {title}"] == expected
    right = []
    for method in ("add", "multiply"):
        indices = [[names.index(word) for word in row] for row in known]
        right.append(sum(analogy(run.data.points, *row[:3], 1, method)[0][0] == row[3] for row in indices))
    sentence = f"Of the {len(known)} analogies of the grammar, {right[0]} with 3CosAdd and {right[1]} with 3CosMul have"
    assert sentence in texts_of(grammar)


def test_an_analogy_needs_three_different_words(grammar):
    open_section(grammar, "analogies")
    a, b = (labeled(grammar.selectbox, label) for label in ("a is to", "b as"))
    before = b.value
    b.set_value(a.value).run()
    assert not grammar.exception
    assert "Choose three different entries." in texts_of(grammar)
    assert not tables(grammar)
    labeled(grammar.selectbox, "b as").set_value(before).run()
    assert len(tables(grammar)) == 2


def test_analogies_of_a_pasted_text_need_four_words_and_have_no_examples(pasting):
    paste(pasting, "one two three. two three one.")
    open_section(pasting, "analogies")
    assert "Analogies need at least four words." in texts_of(pasting)
    paste(pasting, "one two three. two three four.")
    assert len(tables(pasting)) == 2
    assert "of the grammar" not in texts_of(pasting)
    assert not [box for box in pasting.selectbox if box.label == "Example"]
    open_section(pasting, "neighbors")


PAGES = ("watch", "hierarchy", "mixture", "data")


@pytest.mark.parametrize(("page", "normalized"), [*((page, True) for page in PAGES), ("data", False)])
def test_the_vectors_become_the_data_of_another_page_and_stay_when_going_back(page, normalized):
    app = opened(f"{GRAMMAR}&embedding_section=Use as data")
    run = shown_run(app)
    if not normalized:
        app.toggle(key="normalize vectors").set_value(False).run()
    app.button(key=f"use for {page}").click().run()
    assert not app.exception
    app.switch_page(f"pages/{page}/page.py").run()
    assert not app.exception
    assert not app.error
    data = app.session_state["last data"]
    lengths = np.linalg.norm(run.data.points, axis=1, keepdims=True)
    np.testing.assert_allclose(data.points, run.data.points / (lengths if normalized else 1), rtol=1e-12)
    assert list(data.names) == list(run.data.names)
    categories = draw_grammar(150, 0).categories
    groups = sorted(set(categories.values()))
    assert [groups[label] for label in data.labels] == [categories[word] for word in data.names]
    assert data.title == "Small grammar: word vectors"
    if page == "data":
        assert app.button_group(key="input").value == "vectors"
        assert "Vectors" in app.button_group(key="input").options
    else:
        assert app.number_input(key="k").value == len(groups)
    if page == "watch":
        assert latest(app, "run").data.key == data.key
        assert latest(app, "run").settings.method == "kmeans"
        assert "Adjusted Rand index" in metrics(app)
    app.switch_page("pages/embedding/page.py").run()
    assert not app.exception
    assert app.button_group(key="embedding_section").value == "use"
    assert app.toggle(key="normalize vectors").value == normalized
    assert app.number_input(key="skipgram_dimension").value == 3
    assert shown_run(app).data.key == run.data.key
    assert app.session_state["last data"] is data
    if page == "data":
        app.switch_page("pages/data/page.py").run()
        assert app.button_group(key="input").value == "vectors"
        app.button_group(key="input").set_value("paste").run()
        app.text_area(key="pasted").set_value("a,b\n1,2\n3,5\n").run()
        assert app.session_state["last data"].points.shape == (2, 2)
        app.button_group(key="input").set_value("vectors").run()
        assert not app.exception
        assert app.session_state["last data"].points is data.points


def test_a_pasted_text_and_its_interpretation_survive_a_visit_to_another_page():
    app = paste(opened("/embedding?text=Paste"), "bread, milk\nmilk, jam", "items")
    app.switch_page("pages/data/page.py").run()
    app.switch_page("pages/embedding/page.py").run()
    assert not app.exception
    assert app.text_area(key="pasted text").value == "bread, milk\nmilk, jam"
    assert app.button_group(key="text_kind").value == "items"
    assert shown_run(app).model_input.text.sequences == (("bread", "milk"), ("milk", "jam"))


def test_a_text_file_is_read_as_sentences_or_as_item_lists(uploading):
    upload(uploading, "text.txt", "Grüße, Welt. Die Welt grüßt.\nbread, milk".encode())
    assert shown_run(uploading).model_input.text.sequences == (
        ("grüße", "welt"),
        ("die", "welt", "grüßt"),
        ("bread", "milk"),
    )
    assert shown_run(uploading).data.title == "text.txt"
    labeled(uploading.button_group, "Interpret as").set_value("items").run()
    assert not uploading.exception
    assert shown_run(uploading).model_input.text.sequences == (("Grüße", "Welt. Die Welt grüßt."), ("bread", "milk"))


TABLE = b"""size,words,items
big,The cat drinks milk.,a; b
small,The dog eats bread.,b; c; a
big,,
small,A cat sleeps. A dog barks.,c
"""


def test_a_table_is_read_as_a_column_of_texts_and_the_longest_is_chosen(uploading):
    upload(uploading, "table.csv", TABLE)
    assert labeled(uploading.selectbox, "Column").value == "words"
    sequences = shown_run(uploading).model_input.text.sequences
    assert sequences == (
        ("the", "cat", "drinks", "milk"),
        ("the", "dog", "eats", "bread"),
        ("a", "cat", "sleeps"),
        ("a", "dog", "barks"),
    )
    assert "1 empty cell was skipped." in texts_of(uploading)


def test_a_table_is_read_as_a_column_of_item_lists(uploading):
    upload(uploading, "table.csv", TABLE)
    labeled(uploading.button_group, "Use").set_value("items").run()
    labeled(uploading.selectbox, "Column").set_value("items").run()
    assert not uploading.exception
    assert shown_run(uploading).model_input.text.sequences == (("a", "b"), ("b", "c", "a"), ("c",))
    assert "3 baskets with 6 items, 3 distinct." in texts_of(uploading)


def test_a_table_is_read_as_categories_in_rows_with_columns_as_true_categories(uploading):
    upload(uploading, "table.csv", b"size,color\nbig,red\nsmall,blue\nbig,blue\nsmall,\n")
    labeled(uploading.button_group, "Use").set_value("rows").run()
    assert not uploading.exception
    run = shown_run(uploading)
    assert run.model_input.text.sequences[:2] == (("size=big", "color=red"), ("size=small", "color=blue"))
    assert run.model_input.text.sequences[3] == ("size=small",)
    assert [name.partition("=")[0] for name in run.data.names] == [["color", "size"][label] for label in run.data.labels]
    assert "Neighbors of the same column" in metrics(uploading)
    labeled(uploading.multiselect, "Columns").set_value(["size"]).run()
    (error,) = uploading.error
    assert error.value.startswith("Choose at least two columns")


def test_a_file_that_cannot_be_read_gives_one_sentence(uploading):
    upload(uploading, "table.xlsx", b"PK\x03\x04nonsense")
    (error,) = uploading.error
    assert re.fullmatch(r"[A-Z].*[^.]\.", error.value.replace("\\", ""))
    assert not uploading.get("plotly_chart")


def test_an_uploaded_text_stays_when_another_page_was_visited():
    app = upload(opened("/embedding?text=File"), "mine.txt", SENTENCES.encode())
    app.switch_page("pages/data/page.py").run()
    app.switch_page("pages/embedding/page.py").run()
    assert not app.exception
    assert shown_run(app).data.title == "mine.txt"
    assert chart(app, PICTURE)
