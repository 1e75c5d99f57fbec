"""The Embedding page in a browser: labels that never overlap, words that move and can be clicked."""

import numpy as np
import pytest

from clustering import History, SkipGram, cooccurrences, most_similar
from pages.datasets.grammar import draw_grammar
from tests.browser.waiting import (
    LOSS,
    PLOT,
    idle,
    leave_unchanged,
    play_to_end,
    still,
    to_frame,
    visit,
    wait_for_charts,
    wait_for_player,
)

pytestmark = pytest.mark.browser

ADDRESS = "/embedding?grammar_n=200&skipgram_dimension=3&skipgram_ridge=0.01&seed=2"
NEIGHBORS = ".st-key-neighbors .js-plotly-plot"


@pytest.fixture(scope="module")
def counts():
    return cooccurrences(draw_grammar(200, 0).sequences)


@pytest.fixture(scope="module")
def history(counts):
    """The run at ADDRESS, computed without the app."""
    return History.record(SkipGram(3, ridge=0.01), counts, rng=2, max_iter=500)


def open_embedding(page, server):
    visit(page, server + ADDRESS, PLOT, LOSS, NEIGHBORS)
    wait_for_player(page, PLOT, LOSS, NEIGHBORS)


def words(page):
    """(n, 2) positions of the words as drawn now."""
    return np.column_stack(
        page.evaluate(
            "chart => { const t = document.querySelector(chart)._fullData[0]; return [Array.from(t.x), Array.from(t.y)] }",
            PLOT,
        )
    )


def labels(page):
    """The visible labels with their boxes: left, top, right and bottom."""
    return page.evaluate(
        """chart => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(() => resolve(
            [...document.querySelectorAll(chart + ' .scatterlayer .textpoint text')]
                .filter(text => getComputedStyle(text).visibility === 'visible')
                .map(text => [text.textContent, text.getBoundingClientRect()])
                .filter(([, box]) => box.width > 0)
                .map(([text, box]) => [text, box.left, box.top, box.right, box.bottom])
        ))))""",
        PLOT,
    )


def check_labels(page, most_frequent):
    found = labels(page)
    boxes = np.array([box for _, *box in found])
    left, top, right, bottom = boxes.T
    apart = (left[:, None] >= right) | (right[:, None] <= left) | (top[:, None] >= bottom) | (bottom[:, None] <= top)
    overlapping = [(found[i][0], found[j][0]) for i, j in np.argwhere(~apart) if i < j]
    assert overlapping == []
    assert most_frequent in [text for text, *_ in found]
    return len(found)


def test_labels_never_overlap_and_that_of_the_most_frequent_word_is_visible(page, server, counts):
    open_embedding(page, server)
    last = int(page.locator(".scrub").get_attribute("max"))
    shown = {}
    for width in (420, 1400):
        page.set_viewport_size(dict(width=width, height=1000))
        page.wait_for_function(
            """([chart, width]) => {
                const graph = document.querySelector(chart);
                const full = graph.closest('[data-testid=stMainBlockContainer]').clientWidth;
                const drawn = graph.querySelector('.main-svg').clientWidth === graph.clientWidth;
                return innerWidth === width && full <= width && drawn && (width > 500) === (graph.clientWidth > 420);
            }""",
            arg=[PLOT, width],
        )
        for frame in (0, last // 4, last):
            to_frame(page, frame)
            shown[width, frame] = check_labels(page, counts.words[0])
        to_frame(page, last - 4)
        play_to_end(page)
        assert check_labels(page, counts.words[0]) == shown[width, last]
    assert shown[1400, last] > shown[420, last] >= 10  # a narrow plot has room for fewer labels
    assert shown[1400, last] < len(counts.words)
    leave_unchanged(page, server + ADDRESS)


def test_words_move_while_playing_and_the_line_of_the_neighbors_is_at_the_iteration_of_the_frame(page, server, history):
    open_embedding(page, server)
    last = int(page.locator(".scrub").get_attribute("max"))
    cursor = "chart => [...document.querySelector(chart)._fullData.at(-1).x]"
    assert page.evaluate(cursor, NEIGHBORS) == [history.iterations] * 2
    final = words(page)
    places = []
    for frame, position in ((1, 0), (2, 0.5), (3, 1)):
        to_frame(page, frame)
        assert page.evaluate(cursor, NEIGHBORS) == [position] * 2
        places.append(words(page))
    np.testing.assert_allclose(places[2], places[1], atol=1e-6)  # only the contexts were updated
    page.evaluate(
        """([plot, neighbors]) => {
            const graph = document.querySelector(plot);
            window.seen = [];
            graph.on('plotly_animatingframe', () => {
                if (document.querySelector(neighbors)._fullData.at(-1).x[0] === 0)
                    window.seen.push([...graph._fullData[0].x]);
            });
        }""",
        [PLOT, NEIGHBORS],
    )
    to_frame(page, 1)
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("chart => document.querySelector(chart)._fullData.at(-1).x[0] >= 0.5", arg=NEIGHBORS)
    page.get_by_role("button", name="Pause").click()
    still(page)
    start, end = places[0][:, 0], places[1][:, 0]
    far = np.abs(end - start).argmax()
    shares = [(x[far] - start[far]) / (end[far] - start[far]) for x in page.evaluate("window.seen")]
    gliding = [share for share in shares if 0.01 < share < 0.99]
    assert len(gliding) >= 3
    assert gliding == sorted(gliding)
    to_frame(page, last)
    np.testing.assert_allclose(words(page), final, atol=1e-6)
    leave_unchanged(page, server + ADDRESS)


def test_a_click_on_a_word_chooses_it_and_shows_its_neighbors(page, server, counts, history):
    open_embedding(page, server)
    xy = words(page)
    distances = np.linalg.norm(xy[:, None] - xy, axis=2) + 99 * np.eye(len(xy))
    vectors = history.last.parameters.words
    for row in np.argsort(-distances.min(axis=1), kind="stable")[[0, 2]].tolist():
        idle(page)
        # away from the player, which sticks to the lower edge of the window
        page.locator(PLOT).evaluate("graph => graph.scrollIntoView({block: 'center', behavior: 'instant'})")
        x, y = page.evaluate(
            """([chart, x, y]) => {
                const graph = document.querySelector(chart), l = graph._fullLayout, box = graph.getBoundingClientRect();
                return [box.x + l.xaxis._offset + l.xaxis.l2p(x), box.y + l.yaxis._offset + l.yaxis.l2p(y)];
            }""",
            [PLOT, *xy[row].tolist()],
        )
        page.mouse.move(x - 2, y)
        page.mouse.move(x, y)
        page.wait_for_function("chart => document.querySelector(chart)._hoverdata?.length", arg=PLOT)
        page.mouse.click(x, y)
        page.get_by_text(f"Cosine of “{counts.words[row]}”").wait_for()
        wait_for_charts(page, PLOT, LOSS, NEIGHBORS)
        names = page.evaluate("chart => document.querySelector(chart)._fullData.slice(0, -1).map(t => t.name)", NEIGHBORS)
        nearest, _ = most_similar(vectors, row, 8)
        assert names == [counts.words[i] for i in nearest]
        wait_for_player(page, PLOT, LOSS, NEIGHBORS)
