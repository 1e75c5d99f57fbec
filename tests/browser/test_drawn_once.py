"""Figures on pages are drawn once, see `page_figure`: drawing them takes most of the time of a click."""

import pytest

from tests.browser.waiting import LOSS, PLOT, another_run, visit

pytestmark = pytest.mark.browser

DATA = "source=Built-in&table=Old Faithful"
"""Columns with different units. With equal scales, Plotly adjusts the ranges of the axes, and sometimes draws again."""
COUNT = """() => {
    window.drawings = new Map();
    new MutationObserver(records => {
        for (const { target } of records) if (target.matches('.point')) drawings.set(target, (drawings.get(target) ?? 0) + 1);
    }).observe(document.body, { subtree: true, attributes: true, attributeFilter: ['d'] });
}"""


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    ("path", "charts"),
    [
        (f"?{DATA}", [PLOT, LOSS]),
        (f"compare?{DATA}&panels=2", [f".st-key-race_{name} .js-plotly-plot" for name in (0, 1, "loss_0")]),
    ],
)
def test_each_point_of_a_new_run_gets_its_shape_twice_which_is_one_drawing(page, server, path, charts):
    visit(page, f"{server}/{path}", *charts)
    page.evaluate(COUNT)
    with another_run(page, *charts):
        page.get_by_role("button", name="New random start").click()
    counts = page.evaluate(
        "charts => charts.flatMap(chart => [...document.querySelectorAll(chart + ' .point')].map(p => drawings.get(p)))",
        charts[:1],
    )
    assert len(counts) >= 50
    assert max(counts) == 2  # Plotly sets the shape when it plots the point and again when it styles it
