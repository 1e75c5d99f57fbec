"""The section Rules of the Segments page."""

import pytest

from tests.pages.app import latest, opened, opened_with_pasted
from tests.pages.segments.test_page import TEXT, shown, shown_html


def test_rules_are_sentences_and_code_with_their_price():
    app = opened("/segments?table=Iris&source=Built-in&segments_section=Rules")
    page, rules = shown(app), latest(app, "rules")
    assert "The tree's loss is 1." in page.replace("\\", "")
    assert f"puts {rules.price.moved:.1%} of the rows into another segment" in page.replace("\\", "")
    assert "petal_length ≤ 2.5 → Cluster 1: 50 rows, 100% of them in this segment" in shown_html(app)
    assert [code.value for code in app.get("code")] == [rules.text, rules.python, rules.sql]
    assert len(app.get("plotly_chart")) == 1


def test_more_leaves_cost_less():
    app = opened("/segments?n=300&k=4&segments_section=Rules")
    first = latest(app, "rules")
    app.number_input(key="segments_leaves 4").set_value(16).run()
    second = latest(app, "rules")
    assert len(second.leaves) > len(first.leaves) == 4
    assert second.price.tree_loss < first.price.tree_loss
    assert "extended by ExKMC" in shown(app).replace("\\", "")
    assert not app.exception


def test_names_and_columns_with_any_characters_are_shown_as_they_are():
    app = opened_with_pasted(TEXT.replace("age", "<b>age*").replace("spend", "a_b$c"))
    app.switch_page("pages/segments/page.py").run()
    app.text_input[-3].set_value("R&D <i>").run()
    app.button_group(key="segments_section").set_value("rules").run()
    html = shown_html(app)
    assert "R&amp;D &lt;i&gt;" in html
    assert "&lt;b&gt;age*" in html or "a_b$c" in html
    assert not app.exception


@pytest.mark.parametrize("title", ["Gaussian mixture", "Fuzzy c-means", "K-medoids", "Hierarchical clustering"])
def test_other_methods_have_rules(title):
    app = opened(f"/segments?algorithm={title}&n=100&segments_section=Rules")
    assert len(latest(app, "rules").leaves) == 3


def test_a_distance_matrix_has_no_rules():
    app = opened_with_pasted("5\na\nb 1\nc 5 5\nd 6 6 1\ne 9 9 9 9\n")
    app.switch_page("pages/segments/page.py").run()
    app.selectbox(key="algorithm").set_value("kmedoids").run()
    app.button_group(key="segments_section").set_value("rules").run()
    assert "There are no rules: these data are a distance matrix, without columns" in shown(app).replace("\\", "")
    assert not app.exception
    assert not app.error
