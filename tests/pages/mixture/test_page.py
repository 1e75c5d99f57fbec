"""Inside a mixture through dashboard.py, without a browser; and the formulas on Watch."""

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from streamlit.testing.v1 import AppTest

from clustering import GaussianMixture, fit, three_gaussians
from pages.datasets import catalog
from pages.ui.failure_examples import FAILURES

DASHBOARD = Path(__file__).resolve().parents[3] / "dashboard.py"
PAGE, WATCH = "pages/mixture/page.py", "pages/watch/page.py"
ALL = ("responsibilities", "low_density", "sampling", "models", "limit", "bootstrap", "truth")


def opened(page=PAGE, ground="none", **address):
    """Without the density below the points, which takes the most time, where that is not what a test is about."""
    app = AppTest.from_file(str(DASHBOARD), default_timeout=60)
    app.session_state["ground"] = ground
    for name, value in address.items():
        app.query_params[name] = value
    return app.switch_page(page).run()


@pytest.fixture
def app():
    """On fewer points and with fewer iterations than by default, where that does not matter."""
    return opened(n="100", start_mixture="K-means")


def points_of(n=100):
    return three_gaussians(n, np.random.default_rng(0)).points


@pytest.fixture(scope="module")
def step():
    """What the core makes of the run of `app`."""
    return fit(GaussianMixture(3, init="k-means"), points_of(), rng=1, max_iter=500)


def fine(app):
    return not app.exception and not app.error


def said(app):
    return " ".join(element.value.replace("\\", "") for element in (*app.warning, *app.error, *app.info, *app.caption))


def metrics(app):
    return {metric.label: metric.value for metric in app.metric}


def chart(app, key):
    """A figure as Plotly gets it, and None if it is not on the page."""
    found = [one.proto for one in app.get("plotly_chart") if one.proto.id.endswith(f"-{key}")]
    return json.loads(found[0].spec) if found else None


def players(app):
    """What each player on the page is given, by its key."""
    drawn = {one.proto.id.split("-")[-1]: json.loads(one.proto.json) for one in app.get("bidi_component")}
    return {key: given for key, given in drawn.items() if key != "copying"}


def table(app, label):
    """The cells of a table on the page as text, a list per row, the headers first."""
    page = next(element.proto.body for element in app.get("html") if f"aria-label='{label}'" in element.proto.body)
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall("<tr>(.*?)</tr>", page)]
    return [[re.sub("<[^>]*>", " ", cell.replace("−", "-")).strip() for cell in row] for row in rows]


def look_at(app, section):
    return app.button_group(key="section").set_value(section).run()


def button(app, label):
    return next(one for one in app.button if one.label == label)


def numbers(text):
    return [float(one) for one in re.findall(r"-?\d+\.\d+", text)]


def test_it_opens_with_the_mixture_that_the_core_fits_to_three_gaussians():
    app = opened(ground="density")
    assert fine(app)
    assert [title.value for title in app.title] == ["Gaussian mixture"]
    step = fit(GaussianMixture(3, init="random"), points_of(500), rng=1, max_iter=500)
    assert metrics(app)["Iterations"] == str(step.iteration)
    assert metrics(app)["Ended"] == "converged"
    assert float(metrics(app)["Final loss"]) == pytest.approx(step.loss, rel=1e-5)
    assert app.button_group(key="section").value == "responsibilities"
    assert app.button_group(key="failure").value is None
    assert list(players(app)) == ["player"]
    player = players(app)["player"]
    assert player["curves"] == ["loss", "triangle"]
    metas = {chart(app, key)["layout"]["meta"] for key in ("moving picture", "loss curve", "triangle chart")}
    assert metas == {player["figures"]}
    frames = {len(chart(app, key)["frames"]) for key in ("moving picture", "loss curve", "triangle chart")}
    assert frames == {2 * step.iteration + 2} == {len(player["phases"])}


ONE_COLUMN = dict(n="100", sample="Round groups", round_d="1")
DATA = {
    "three": (dict(n="100"), ALL),
    "one column": (ONE_COLUMN, ALL),
    "iris": (dict(source="Built-in", table="Iris", start_mixture="K-means"), ALL[:-1]),
    "many points": (dict(n="5,000"), ALL),
    "one component": (dict(n="50", k="1"), ALL),
    "many components": (dict(n="50", k="11", start_mixture="K-means"), ("responsibilities", "sampling")),
    "alike": (dict(n="50", start_mixture="Identical means"), ("responsibilities", "limit", "truth")),
    "by a tree": (dict(n="50", start_mixture="Hierarchical clustering"), ("models", "limit")),
}


@pytest.mark.parametrize("name", DATA)
def test_every_section_of_every_kind_of_data_is_shown(name):
    address, sections = DATA[name]
    app = opened(**address)
    app.session_state["resampled"] = 20
    for section in sections:
        look_at(app, section)
        assert not app.exception, section
        assert not app.error, section
        assert app.button_group(key="section").value == section
        assert ("width player" in players(app)) == (section == "limit")
        for one in players(app).values():
            assert len(one["phases"]) == len(one["captions"][0]) == len(one["ticks"]) + 1


def test_a_single_column_has_no_ground_and_says_nothing_of_contours():
    app = opened(**ONE_COLUMN)
    assert not [one for one in app.button_group if one.key == "ground"]
    assert "ontours" not in said(app)
    assert "xaxis2" not in chart(app, "moving picture")["layout"]


def test_the_ground_can_be_the_density_or_its_logarithm_or_nothing():
    app = opened(ground="density", n="100", start_mixture="K-means")

    def grounds():
        return [frame.get("layout", {}).get("images", []) for frame in chart(app, "moving picture")["frames"]]

    before = grounds()
    assert all(len(images) == 1 for images in before)
    app.button_group(key="ground").set_value("log").run()
    assert fine(app)
    assert "1.25 nats" in said(app)
    assert all(images[0]["source"] != other[0]["source"] for images, other in zip(grounds(), before, strict=True))
    app.button_group(key="ground").set_value("none").run()
    assert fine(app)
    assert not any(grounds())


def test_a_section_that_other_data_do_not_have_gives_way_to_one_that_they_have(app):
    look_at(app, "truth")
    assert "Component" in table(app, "Found against true")[0]
    app.button_group(key="source").set_value("real").run()
    assert fine(app)
    assert app.button_group(key="section").value == "responsibilities"


def test_proximities_are_one_plain_sentence():
    app = opened(source="Built-in", table="Number words")
    assert not app.exception
    (error,) = app.error
    assert error.value.replace("\\", "").startswith("Gaussian mixture needs points, because it works with means and")
    assert "choose K-medoids" in said(app)
    assert not app.get("plotly_chart")
    assert not players(app)


def test_what_is_offered_instead_for_proximities_leads_somewhere():
    app = opened(source="Built-in", table="Number words")
    for one in [one for one in app.button if one.label == "Use K-medoids"]:
        one.click().run()
        assert fine(app)


# responsibilities


def test_the_bars_and_the_way_are_those_of_the_point_that_is_chosen(app, step):
    shares = step.parameters.responsibilities(points_of())
    for point in (42, 100):
        app.number_input(key="focus").set_value(point).run()
        assert fine(app)
        bars = chart(app, "shares")["data"][0]["text"]
        np.testing.assert_allclose(sorted(map(float, bars)), sorted(shares[point - 1]), atol=6e-4)
        entropy = scipy.stats.entropy(shares[point - 1])
        assert f"Entropy {entropy:.3f} nats." in said(app)
        assert len(chart(app, "way")["data"]) == 3


def test_a_point_beyond_smaller_data_becomes_the_last_one(app):
    app.number_input(key="focus").set_value(100).run()
    app.number_input(key="focus_cluster").set_value(3).run()
    app.number_input(key="k").set_value(2)
    app.select_slider(key="n").set_value(50).run()
    assert fine(app)
    assert app.number_input(key="focus").value == 50
    assert app.number_input(key="focus_cluster").value == 2


def test_as_many_uncertain_points_are_ringed_as_is_asked_for(app):
    for share in (30, 0):
        app.slider(key="uncertain").set_value(share).run()
        assert fine(app)
        x = chart(app, "responsibilities 0")["data"][1]["x"]
        assert len(np.frombuffer(base64.b64decode(x["bdata"]), x["dtype"]) if isinstance(x, dict) else x) == share
        assert (f"{share} points with the highest assignment entropy" in said(app)) == (share > 0)


# what is unlikely


def test_the_least_likely_are_listed_from_the_least_on_with_their_threshold(app, step):
    look_at(app, "low_density")
    density = np.sort(step.parameters.log_density(points_of()))
    for share in (2, 20):
        app.slider(key="unlikely").set_value(float(share)).run()
        assert fine(app)
        values = [float(value) for _, value in table(app, "Lowest densities")[1:]]
        np.testing.assert_allclose(values, density[:share], atol=6e-3)
        (line,) = chart(app, "log densities")["layout"]["shapes"]
        assert density[share - 1] < line["x0"] < density[share]
        assert f"{share} points, log density below {line['x0']:.2f}".replace("-", "−") in said(app)


def test_if_nothing_counts_as_unlikely_there_is_no_threshold(app):
    look_at(app, "low_density")
    app.slider(key="unlikely").set_value(0.0).run()
    assert fine(app)
    assert len(table(app, "Lowest densities")) == 1
    assert "shapes" not in chart(app, "log densities")["layout"]
    assert "No points are circled." in said(app)


# new points


def test_points_that_are_drawn_become_the_data_of_the_whole_app(app):
    look_at(app, "sampling")
    app.number_input(key="new points 100").set_value(321)
    app.number_input(key="new seed").set_value(4).run()
    button(app, "Use as data set").click().run()
    assert fine(app)
    assert app.button_group(key="source").value == "own"
    assert "321 points, 2 columns" in said(app)
    assert "Sample from the mixture fitted to Three Gaussians" in said(app)
    first = metrics(app)
    assert float(first["Adjusted Rand index"]) > 0.7  # known groups: the components that they were drawn from
    look_at(app, "truth")
    assert len(table(app, "Found against true")) == 4
    for page in (WATCH, "pages/data/page.py", PAGE):
        app.switch_page(page).run()
        assert fine(app)
        told = "goes on with Sample from the mixture fitted to Three Gaussians" if "data" in page else "321 points, 2 columns"
        assert told in said(app), page
    assert metrics(app) == first


def test_the_same_seed_draws_the_same_points_and_another_seed_others(app):
    look_at(app, "sampling")

    def drawn():
        return json.dumps(chart(app, "generated")["data"][1])

    first = drawn()
    app.number_input(key="new seed").set_value(1).run()
    assert drawn() != first
    app.number_input(key="new seed").set_value(0).run()
    assert drawn() == first


# models


def test_the_covariance_models_are_compared_by_their_bic(app):
    look_at(app, "models")
    headers, *rows = table(app, "Covariance models")
    assert headers[:2] == ["Covariance", "Parameters"]
    found = {}
    for (name, count, likelihood, criterion, behind), kind in zip(
        rows, ("full", "tied", "diagonal", "spherical"), strict=True
    ):
        step = fit(GaussianMixture(3, kind, init="k-means"), points_of(), rng=1, max_iter=500)
        free = {"full": 17, "tied": 11, "diagonal": 14, "spherical": 11}[kind]
        assert int(count) == free
        assert float(likelihood) == pytest.approx(-100 * step.loss, rel=1e-5)
        assert float(criterion) == pytest.approx(200 * step.loss + free * np.log(100), rel=1e-5)
        found[name] = float(criterion), behind
    best = min(found, key=lambda name: found[name][0])
    assert found[best][1] == "best"
    assert [name for name, (_, behind) in found.items() if behind == "best"] == [best]


# how sure


def test_a_bootstraps_table_has_each_weight_with_its_error_and_interval(app, step):
    look_at(app, "bootstrap")
    app.number_input(key="resampled").set_value(40).run()
    assert "from 40 fits" not in said(app)  # on request
    button(app, "Run bootstrap").click().run()
    assert fine(app)
    assert "from 40 fits" in said(app)
    headers, *rows = table(app, "Standard errors and intervals")
    assert headers == ["Component", "Weight", "Mean, x1", "Mean, x2"]
    weights = [numbers(row[1]) for row in rows]
    np.testing.assert_allclose(sorted(value[0] for value in weights), np.sort(step.parameters.weights), atol=6e-4)
    for row in rows:
        for cell in row[1:]:
            value, error, low, high = numbers(cell)
            assert low <= value + error
            assert high >= value - error
            assert error < (high - low) < 6 * error
    # a share of 100 points cannot be surer than that of a coin
    for value, error, *_ in weights:
        assert error > 0.6 * np.sqrt(value * (1 - value) / 100)


# failures


def shown(app):
    """What the widgets of the page say."""
    keys = ("k", "start_mixture", "mixture_covariance", "mixture_floor", "seed", "n", "data_seed")
    boxes = [*app.number_input, *app.selectbox, *app.select_slider]
    return {box.key: box.value for box in boxes if box.key in keys}


@pytest.mark.parametrize("name", [name for name, failure in FAILURES.items() if failure.scene().page == "mixture"])
def test_a_failure_sets_the_widgets_and_its_remedy_changes_them(name):
    failure = FAILURES[name]
    # something else before, that it has to put right
    app = opened(
        n="50", k="5", mixture_covariance="Diagonal: axis-aligned", mixture_floor="0.001 × data variance", data_seed="3"
    )
    assert app.button_group(key="failure").value is None
    app.button_group(key="failure").set_value(name).run()
    assert fine(app)
    state = failure.scene().state()
    assert shown(app) == {key: state[key] for key in shown(app)}
    assert len(shown(app)) == 7
    assert app.selectbox(key="sample").value == state["sample"]
    assert app.button_group(key="failure").value == name
    assert failure.text in said(app)
    assert ("collapsed onto a few points" in said(app)) == (name == "collapse")
    wrong = float(metrics(app)["Final loss"])
    button(app, failure.remedy).click().run()
    assert fine(app)
    assert shown(app) == {key: failure.scene(remedied=True).state()[key] for key in shown(app)}
    assert app.button_group(key="failure").value == name
    assert failure.after in said(app)
    assert "collapsed onto a few points" not in said(app)
    assert float(metrics(app)["Final loss"]) != wrong


def test_it_can_be_seen_to_go_wrong_again(app):
    app.button_group(key="failure").set_value("alike").run()
    wrong = shown(app), metrics(app)
    button(app, FAILURES["alike"].remedy).click().run()
    assert shown(app) != wrong[0]
    button(app, "Show it go wrong again").click().run()
    assert (shown(app), metrics(app)) == wrong


def test_a_failure_is_no_longer_told_when_something_is_changed(app):
    app.button_group(key="failure").set_value("alike").run()
    app.number_input(key="k").set_value(4).run()
    assert fine(app)
    assert app.button_group(key="failure").value is None
    assert FAILURES["alike"].text not in said(app)


def test_alike_needs_no_new_start(app):
    app.selectbox(key="start_mixture").set_value("alike").run()
    assert fine(app)
    assert button(app, "New start").disabled
    assert metrics(app)["Iterations"] == "1"
    assert abs(float(metrics(app)["Adjusted Rand index"].replace("−", "-"))) < 0.15  # equal shares: rounding decides
    assert "placed by putting all of them in the middle" in str(players(app)["player"]["captions"][0][0])


# formulas


def test_formulas_come_and_go_with_their_switch_and_follow_the_point_and_the_component(app):
    assert "formulas" not in players(app)["player"]
    app.toggle(key="formulas").set_value(True).run()
    assert fine(app)
    player = players(app)["player"]
    assert player["formulas"].count("<math") == 3
    assert len(player["values"]) == len(player["phases"])
    app.number_input(key="focus").set_value(42)
    app.number_input(key="focus_cluster").set_value(2).run()
    player = players(app)["player"]
    assert "For row 42 and component 2:" in player["formulas"]
    bars = chart(app, "shares")["data"][0]["text"]
    assert player["values"][-1][1] == f"= {bars[1]}"
    app.toggle(key="formulas").set_value(False).run()
    assert "formulas" not in players(app)["player"]


def test_watch_has_formulas_for_every_algorithm():
    app = opened(WATCH, n="100")
    assert "formulas" not in players(app)["player"]
    app.toggle(key="formulas").set_value(True)
    for algorithm in ("kmeans", "kmedoids", "mixture"):
        app.selectbox(key="algorithm").set_value(algorithm).run()
        assert fine(app)
        player = players(app)["player"]
        assert player["formulas"].count("<math") == 3
        assert player["values"][-1][0] == f"= {metrics(app)['Final loss']}"
        assert {len(values) for values in player["values"]} == {player["formulas"].count("class='value'")}
        labels = {box.label for box in app.number_input}
        assert "Point" in labels
        assert ("Component" if algorithm == "mixture" else "Cluster") in labels


def test_formulas_of_word_distances_name_the_words():
    app = opened(
        WATCH, source="Built-in", table="Number words", algorithm="K-medoids", kmedoids_update="Alternating, within clusters"
    )
    app.toggle(key="formulas").set_value(True).run()
    assert fine(app)
    player = players(app)["player"]
    word = re.search("For (.*?), dissimilarities", player["formulas"])[1]
    assert word.split(" ")[0] in set(catalog.read_table("numbers")["word"])
    assert player["values"][-1][0] == f"= {metrics(app)['Final loss']}"


def test_what_is_chosen_here_is_still_there_after_another_page(app):
    app.toggle(key="formulas").set_value(True)
    app.number_input(key="focus").set_value(7)
    app.selectbox(key="mixture_floor").set_value(1e-2)
    app.button_group(key="ground").set_value("log").run()
    app.switch_page("pages/hierarchy/page.py").run()
    app.switch_page(PAGE).run()
    assert fine(app)
    assert app.toggle(key="formulas").value is True
    assert app.number_input(key="focus").value == 7
    assert app.selectbox(key="mixture_floor").value == 1e-2
    assert app.button_group(key="ground").value == "log"
