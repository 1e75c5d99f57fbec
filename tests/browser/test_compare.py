"""The Compare page in a browser."""

import numpy as np
import pytest

from clustering import GaussianMixture, History, KMeans, KMedoids, proximity_matrix, three_gaussians
from pages.compare.examples import EXAMPLES
from tests.browser.waiting import leave_unchanged, play_to_end, step, still, to_frame, visit, wait_for_charts, wait_for_query

pytestmark = pytest.mark.browser

ADDRESS = "/compare?panels=3&n=50&data_seed=1&starts=One+shared+start&seed=5"  # short runs of different lengths
CONTINGENCY = "[class*=st-key-contingency] .js-plotly-plot"


def plot(i):
    return f".st-key-race_{i} .js-plotly-plot"


def loss(i):
    return f".st-key-race_loss_{i} .js-plotly-plot"


def charts(panels=3):
    return [*map(plot, range(panels)), *map(loss, range(panels))]


def centers(page, i):
    x, y = page.evaluate("c => { const t = document.querySelector(c)._fullData.at(-1); return [[...t.x], [...t.y]] }", plot(i))
    return np.column_stack([x, y]).astype(float)


def markers(page, panels=3):
    """(iteration, loss) at the marker of each loss curve."""
    marker = "c => { const t = document.querySelector(c)._fullData.at(-1); return [t.x[0] ?? null, t.y[0] ?? null] }"
    return [tuple(page.evaluate(marker, loss(i))) for i in range(panels)]


def states(page):
    return page.locator(".caption .name").evaluate_all("names => names.map(name => name.dataset.state)")


def sentences(page):
    return page.locator(".caption .sentence").all_inner_texts()


def centers_of(parameters, points):
    if hasattr(parameters, "means"):
        return parameters.means
    return points[parameters] if parameters.ndim == 1 else parameters


@pytest.fixture(scope="module")
def histories():
    """The runs at ADDRESS, computed without the app, each with its centers in each state."""
    points = three_gaussians(50, np.random.default_rng(1)).points
    runs = [
        History.record(KMeans(3, init="random"), points, rng=5),
        History.record(GaussianMixture(3, init="random"), points, rng=5),
        History.record(KMedoids(3, init="random", update="swap"), proximity_matrix(points), rng=5),
    ]
    return [(run, [centers_of(parameters, points) for parameters in run.parameters]) for run in runs]


def check_frame(page, histories, index):
    """Checks that each panel shows this half-step of its run, or the final state if the run is shorter."""
    still(page)
    ends = [2 * run.iterations + 1 for run, _ in histories]
    shown = sentences(page)
    for i, (run, centers_by_state) in enumerate(histories):
        frame = min(index, ends[i])
        t, half = divmod(frame - 1, 2) if frame else (0, 0)
        np.testing.assert_allclose(centers(page, i), centers_by_state[t + half], atol=1e-3)
        if frame:
            assert markers(page)[i] == (t + half / 2, pytest.approx(run.half_losses[t] if half else run.losses[t], rel=1e-12))
        else:
            assert markers(page)[i] == (None, None)
        assert ("Converged after" in shown[i]) == (frame == ends[i])
    assert states(page) == ["" if index < end else "finished" for end in ends]


def test_all_panels_show_the_same_half_step_and_finished_runs_wait(page, server, histories):
    visit(page, server + ADDRESS, *charts())
    ends = [2 * run.iterations + 1 for run, _ in histories]
    last = max(ends)
    assert len(set(ends)) == 3
    assert page.locator(".scrub").get_attribute("max") == str(last)
    check_frame(page, histories, last)
    to_frame(page, 0)
    check_frame(page, histories, 0)
    for index in range(1, sorted(ends)[1] + 3):
        step(page, "forward")
        check_frame(page, histories, index)
    step(page, "back")
    check_frame(page, histories, index - 1)
    to_frame(page, last - 1)
    check_frame(page, histories, last - 1)
    to_frame(page, last)
    leave_unchanged(page, server + ADDRESS)


def test_all_panels_play_in_step_to_the_end(page, server, histories):
    visit(page, server + ADDRESS, *charts())
    ends = [run.iterations for run, _ in histories]
    page.evaluate(
        """([losses, plot]) => {
            window.seen = [];
            const markers = () => losses.map(loss => document.querySelector(loss)._fullData.at(-1));
            const first = () => [...document.querySelector(plot)._fullData.at(-1).x];
            document.querySelector(losses.at(-1)).on('plotly_animatingframe', () => requestAnimationFrame(() =>
                window.seen.push([markers().map(t => t.x[0] ?? null), first()])));
        }""",
        [[*map(loss, range(3))], plot(0)],
    )
    play_to_end(page)
    check_frame(page, histories, 2 * max(ends) + 1)
    seen = page.evaluate("window.seen")
    begin = next(i for i, (places, _) in enumerate(seen) if None in places)
    frames = [(places, x) for places, x in seen[begin:] if None not in places]
    assert len({tuple(places) for places, _ in frames}) > max(ends)
    longest = [max(places) for places, _ in frames]
    assert longest == sorted(longest)
    for places, x in frames:
        assert places == [min(max(places), end) for end in ends]
        if max(places) > ends[0] + 1:  # K-means has converged and waits for the others
            np.testing.assert_allclose(x, histories[0][1][-1][:, 0], atol=1e-3)
    assert any(max(places) > ends[0] + 1 for places, _ in frames)
    leave_unchanged(page, server + ADDRESS)


def highlighted(page):
    """Number of highlighted points in the plot of each clustering."""
    return page.evaluate(
        """() => {
            const graph = document.querySelector('.st-key-disagreement .js-plotly-plot');
            return graph._fullData.filter(t => t.customdata).map(t => t.x.length);
        }"""
    )


def test_a_click_on_a_cell_of_the_contingency_table_highlights_its_points(page, server):
    visit(page, server + ADDRESS, *charts())
    page.locator(CONTINGENCY).wait_for()
    squares = page.locator(f"{CONTINGENCY} .scatterlayer .point")
    squares.first.wait_for()
    counts = [
        int(text.replace(",", ""))
        for text in page.evaluate("c => [...document.querySelector(c)._fullData[0].text]", CONTINGENCY)
    ]
    assert squares.count() == len(counts) > 2
    assert sum(counts) == 50
    largest = sorted(range(len(counts)), key=lambda i: -counts[i])[:2]
    assert counts[largest[0]] != counts[largest[1]]

    def click(i):
        page.wait_for_timeout(300)  # for Plotly, a second click within this time is a double click
        squares.nth(i).scroll_into_view_if_needed()
        box = None
        while box != (box := squares.nth(i).bounding_box()):  # elements above it may still move
            page.wait_for_timeout(50)
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    for i in largest:
        click(i)
        page.wait_for_function(
            """n => {
                const graph = document.querySelector('.st-key-disagreement .js-plotly-plot');
                return graph?._fullData?.filter(t => t.customdata).every(t => t.x.length === n)
                    && document.querySelector('input[aria-label=Highlight]')?.value.endsWith(`(${n})`);
            }""",
            arg=counts[i],
        )
        assert highlighted(page) == [counts[i]] * 2
    click(largest[1])  # a click on the selected cell deselects it
    page.wait_for_function("() => document.querySelector('input[aria-label=Highlight]').value.startsWith('All disagreements')")


def test_an_example_is_opened_by_one_click_and_is_in_the_address(page, server):
    if not page.url.startswith(f"{server}/compare"):  # any comparison will do
        visit(page, server + ADDRESS, *charts())
    page.get_by_role("radio", name=EXAMPLES["outliers"].title).click()
    page.get_by_text(EXAMPLES["outliers"].text).wait_for()
    # the link of the example, as tests/pages/compare opens it
    address = dict(sample="With outliers", outliers_share="0.1", algorithm_2="K-medoids", seed="5")
    wait_for_query(page, names=address, **address)
    wait_for_charts(page, *charts(2))
    assert all("Converged after" in sentence for sentence in sentences(page))
