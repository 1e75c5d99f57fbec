"""The Gaussian mixture page without a browser, and the formulas on the Watch page."""

import base64
import json
import re
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
import scipy.stats
from streamlit.testing.v1 import AppTest

from clustering import GaussianMixture, fit, three_gaussians
from pages.datasets import catalog
from pages.figures import plots
from pages.hierarchy import sections as hierarchy_sections
from pages.mixture import figures, limit, sections
from pages.runs import pictures
from pages.ui.failure_examples import FAILURES
from tests.pages.app import component, latest

DASHBOARD = Path(__file__).resolve().parents[3] / "dashboard.py"
PAGE, WATCH = "pages/mixture/page.py", "pages/watch/page.py"
ALL = ("responsibilities", "parameters", "low_density", "sampling", "models", "limit", "bootstrap", "truth")


def opened(page=PAGE, ground="none", **address):
    """Opens a page, by default without the density in the background, which takes the most time."""
    app = AppTest.from_file(str(DASHBOARD), default_timeout=60)
    app.session_state["ground"] = ground
    for name, value in address.items():
        app.query_params[name] = value
    return app.switch_page(page).run()


@pytest.fixture
def no_plots(monkeypatch):
    """Replaces the animated plots, which take most of the time, by empty ones; other tests check them."""
    monkeypatch.setattr(pictures, "picture", lambda *_, **options: plots.Figure([], {}))
    monkeypatch.setattr(hierarchy_sections, "draw_figures", lambda *_: [go.Figure()] * 4)


@pytest.fixture
def app(no_plots):
    """The page with fewer points and iterations than by default."""
    return opened(n="100", start_mixture="K-means")


def points_of(n=100):
    return three_gaussians(n, np.random.default_rng(0)).points


@pytest.fixture(scope="module")
def step():
    """The final state of the run that `app` shows."""
    return fit(GaussianMixture(3, init="k-means"), points_of(), rng=1, max_iter=500)


def has_no_error(app):
    return not app.exception and not app.error


def texts(app):
    return " ".join(element.value.replace("\\", "") for element in (*app.warning, *app.error, *app.info, *app.caption))


def metrics(app):
    return {metric.label: metric.value for metric in app.metric}


def chart(app, key):
    """The figure with this key as sent to the browser; None if it is not on the page."""
    found = [one.proto for one in app.get("plotly_chart") if f"-{key}" in one.proto.id]
    return json.loads(found[0].spec) if found else None


def players(app):
    """The data sent to each player on the page, by its key."""
    drawn = {one.proto.id.split("-")[-1]: one.proto.json for one in app.get("bidi_component")}
    return {key: json.loads(given) for key, given in drawn.items() if "player" in key}


def table(app, label):
    """The cells of a table on the page as text, a list for each row, headers first."""
    page = next(element.proto.body for element in app.get("html") if f"aria-label='{label}'" in element.proto.body)
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall("<tr>(.*?)</tr>", page)]
    return [[re.sub("<[^>]*>", " ", cell.replace("−", "-")).strip() for cell in row] for row in rows]


def open_section(app, section):
    return app.button_group(key="section").set_value(section).run()


def button(app, label):
    return next(one for one in app.button if one.label == label)


def numbers(text):
    return [float(one) for one in re.findall(r"-?\d+\.\d+", text)]


def test_the_page_opens_with_a_mixture_fitted_to_three_gaussians():
    app = opened(ground="density")
    assert has_no_error(app)
    assert [title.value for title in app.title] == ["Gaussian mixture"]
    step = fit(GaussianMixture(3, init="random"), points_of(500), rng=1, max_iter=500)
    assert metrics(app)["Iteration"] == str(step.iteration)
    assert metrics(app)["Status"] == "converged"
    assert float(metrics(app)["Loss"]) == pytest.approx(step.loss, rel=1e-5)
    assert app.button_group(key="section").value == "responsibilities"
    assert app.button_group(key="failure").value is None
    assert "Gray contours enclose 98" in texts(app)
    assert "Colored ellipses: one and two standard deviations of each component." in texts(app)
    assert list(players(app)) == ["player"]
    player = players(app)["player"]
    assert player["curves"] == ["loss", "triangle"]
    metas = {chart(app, key)["layout"]["meta"] for key in ("moving picture", "loss curve", "triangle chart")}
    assert metas == {player["figures"]}
    frames = {len(chart(app, key)["frames"]) for key in ("moving picture", "loss curve", "triangle chart")}
    assert frames == {2 * step.iteration + 2} == {len(player["phases"])}


ONE_COLUMN = dict(n="50", sample="Round groups", round_d="1")
DATA = {
    "three": (dict(n="50"), ("responsibilities", "limit")),  # the other sections have tests of their own below
    "one column": (ONE_COLUMN, ALL),
    "iris": (
        dict(source="Built-in", table="Iris", start_mixture="K-means"),
        ("responsibilities", "sampling", "limit", "bootstrap"),
    ),
    "many points": (
        dict(n="100", start_mixture="K-means"),
        ("responsibilities", "low_density", "sampling", "limit", "bootstrap"),
    ),
    "one component": (dict(n="50", k="1"), ("responsibilities", "models", "limit", "bootstrap", "truth")),
    "many components": (dict(n="50", k="11", start_mixture="K-means"), ("responsibilities", "sampling")),
    "alike": (dict(n="50", start_mixture="Identical means"), ("responsibilities", "limit", "truth")),
    "by a tree": (dict(n="50", start_mixture="Hierarchical clustering"), ("models", "limit")),
}


@pytest.fixture
def small_limits(monkeypatch):
    """More than 60 points are drawn as images or sampled, as large data are."""
    for module in (plots, figures):
        monkeypatch.setattr(module, "MAX_MARKERS", 60)
    monkeypatch.setattr(figures, "MAX_TERNARY_POINTS", 60)
    monkeypatch.setattr(limit, "MAX_POINTS", 60)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("name", DATA)
@pytest.mark.usefixtures("no_plots")
def test_every_section_is_shown_for_every_kind_of_data(name, monkeypatch, request):
    monkeypatch.setattr(sections, "MODEL_RUNS", 1)
    if name == "many points":
        request.getfixturevalue("small_limits")
    address, names = DATA[name]
    app = opened(**address)
    app.session_state["resampled"] = 20
    for section in names:
        if section != "responsibilities":  # it is shown first
            open_section(app, section)
        assert not app.exception, section
        assert not app.error, section
        assert app.button_group(key="section").value == section
        assert ("width player" in players(app)) == (section == "limit")
        for one in players(app).values():
            assert len(one["phases"]) == len(one["captions"][0]) == len(one["ticks"]) + 1


def test_a_single_column_has_no_background_and_no_text_about_contours():
    app = opened(**ONE_COLUMN)
    assert not [one for one in app.button_group if one.key == "ground"]
    assert "ontours" not in texts(app)
    assert "ellipses" not in texts(app)
    assert "xaxis2" not in chart(app, "moving picture")["layout"]


def test_the_background_can_be_the_density_its_logarithm_or_nothing():
    app = opened(ground="density", n="100", start_mixture="K-means")

    def backgrounds():
        return [frame.get("layout", {}).get("images", []) for frame in chart(app, "moving picture")["frames"]]

    before = backgrounds()
    assert all(len(images) == 1 for images in before)
    app.button_group(key="ground").set_value("log").run()
    assert has_no_error(app)
    assert "1.25 nats" in texts(app)
    assert all(images[0]["source"] != other[0]["source"] for images, other in zip(backgrounds(), before, strict=True))
    app.button_group(key="ground").set_value("none").run()
    assert has_no_error(app)
    assert not any(backgrounds())


def test_a_section_that_is_unavailable_for_other_data_is_replaced_by_the_first_one(app):
    open_section(app, "truth")
    assert "Component" in table(app, "Estimated vs. true parameters")[0]
    app.button_group(key="source").set_value("real").run()
    assert has_no_error(app)
    assert app.button_group(key="section").value == "responsibilities"


def test_a_distance_matrix_gets_one_error_message_instead_of_a_mixture():
    app = opened(source="Built-in", table="Number words")
    assert not app.exception
    (error,) = app.error
    assert error.value.replace("\\", "").startswith("Gaussian mixture needs points, because it works with means and")
    assert "choose K-medoids" in texts(app)
    assert not app.get("plotly_chart")
    assert not players(app)


def test_the_method_offered_instead_for_a_distance_matrix_opens_without_an_error():
    app = opened(source="Built-in", table="Number words")
    for one in [one for one in app.button if one.label == "Use K-medoids"]:
        one.click().run()
        assert has_no_error(app)


# responsibilities


def test_the_bars_and_the_history_show_the_responsibilities_of_the_selected_point(app, step):
    shares = step.parameters.responsibilities(points_of())
    for point in (42, 100):
        app.number_input(key="focus").set_value(point).run()
        assert has_no_error(app)
        bars = chart(app, "shares")["data"][0]["text"]
        np.testing.assert_allclose(sorted(map(float, bars)), sorted(shares[point - 1]), atol=6e-4)
        entropy = scipy.stats.entropy(shares[point - 1])
        assert f"Entropy {entropy:.3f} nats." in texts(app)
        assert len(chart(app, "way")["data"]) == 3


def test_a_selected_point_beyond_the_end_of_smaller_data_becomes_the_last_one(app):
    app.number_input(key="focus").set_value(100).run()
    app.number_input(key="focus_cluster").set_value(3).run()
    app.number_input(key="k").set_value(2)
    app.select_slider(key="n").set_value(50).run()
    assert has_no_error(app)
    assert app.number_input(key="focus").value == 50
    assert app.number_input(key="focus_cluster").value == 2


def test_the_slider_sets_the_number_of_uncertain_points_that_are_circled(app):
    for share in (30, 0):
        app.slider(key="uncertain").set_value(share).run()
        assert has_no_error(app)
        x = chart(app, "moving picture")["data"][0]["x"]
        assert len(np.frombuffer(base64.b64decode(x["bdata"]), x["dtype"]) if isinstance(x, dict) else x) == share
        assert (f"{share} points with the highest assignment entropy" in texts(app)) == (share > 0)


# low-density points


def test_low_density_points_are_listed_in_ascending_order_with_their_threshold(app, step):
    open_section(app, "low_density")
    density = np.sort(step.parameters.log_density(points_of()))
    for share in (2, 20):
        app.slider(key="unlikely").set_value(float(share)).run()
        assert has_no_error(app)
        values = [float(value) for _, value in table(app, "Lowest densities")[1:]]
        np.testing.assert_allclose(values, density[:share], atol=6e-3)
        (line,) = chart(app, "log densities")["layout"]["shapes"]
        assert density[share - 1] < line["x0"] < density[share]
        assert f"{share} points, log density below {line['x0']:.2f}".replace("-", "−") in texts(app)


def test_there_is_no_threshold_if_no_point_is_circled(app):
    open_section(app, "low_density")
    app.slider(key="unlikely").set_value(0.0).run()
    assert has_no_error(app)
    assert len(table(app, "Lowest densities")) == 1
    assert "shapes" not in chart(app, "log densities")["layout"]
    assert "No points are circled." in texts(app)


# sample from the model


def test_a_sample_from_the_model_becomes_the_data_set_of_the_whole_app(app):
    open_section(app, "sampling")
    app.number_input(key="new points 100").set_value(321)
    app.number_input(key="new seed").set_value(4).run()
    button(app, "Use as data set").click().run()
    assert has_no_error(app)
    assert app.button_group(key="source").value == "own"
    assert "321 points, 2 columns" in texts(app)
    assert "Sample from the mixture fitted to Three Gaussians" in texts(app)
    first = metrics(app)
    assert float(first["Adjusted Rand index"]) > 0.7  # true labels: the components that generated the points
    open_section(app, "truth")
    assert len(table(app, "Estimated vs. true parameters")) == 4
    for page in (WATCH, "pages/data/page.py", PAGE):
        app.switch_page(page).run()
        assert has_no_error(app)
        title = "“Sample from the mixture fitted to Three Gaussians"
        expected = title if "data" in page else "321 points, 2 columns"
        assert expected in texts(app), page
    assert metrics(app) == first


def test_the_same_seed_gives_the_same_sample_and_another_seed_a_different_one(app):
    open_section(app, "sampling")

    def drawn():
        return json.dumps(chart(app, "generated")["data"][1])

    first = drawn()
    app.number_input(key="new seed").set_value(1).run()
    assert drawn() != first
    app.number_input(key="new seed").set_value(0).run()
    assert drawn() == first


# covariance models


def test_the_covariance_models_are_compared_by_their_bic(app):
    open_section(app, "models")
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


# bootstrap


def test_the_bootstrap_table_has_each_weight_with_its_standard_error_and_interval(app, step):
    open_section(app, "bootstrap")
    app.number_input(key="resampled").set_value(40).run()
    assert "from 40 fits" not in texts(app)  # only after the button is clicked
    button(app, "Run bootstrap").click().run()
    assert has_no_error(app)
    assert "from 40 fits" in texts(app)
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
    # the standard error of a weight is at least about that of a proportion of 100 points
    for value, error, *_ in weights:
        assert error > 0.6 * np.sqrt(value * (1 - value) / 100)


# units


@pytest.mark.usefixtures("no_plots")
def test_means_and_covariances_are_in_original_units_and_scaled_on_request():
    app = opened(source="Built-in", table="Old Faithful", scaling="Standardize", k="2", section="Means and covariances")
    assert has_no_error(app)
    run = latest(app, "run")
    points = catalog.read_table("faithful").to_numpy(dtype=float)
    memberships = run.memberships[:, np.argsort(run.ranks)].T
    names = ["eruptions", "waiting"]
    for scaled in (False, True):
        app.toggle(key="scaled values").set_value(scaled).run()
        values = (points - points.mean(axis=0)) / points.std(axis=0) if scaled else points
        suffixed = [f"{name} (standardized)" if scaled else name for name in names]
        headers, *rows = table(app, "Means and covariances")
        assert headers == ["Component", "Weight", "Column", "Mean", "SD", *(f"Covariance with {name}" for name in suffixed)]
        for i, (rows_of_component, weights) in enumerate(zip((rows[:2], rows[2:]), memberships, strict=True)):
            assert rows_of_component[0][0].endswith(str(i + 1))
            assert rows_of_component[1][:2] == ["", ""]
            covariance = np.cov(values.T, aweights=weights, bias=True)
            means = np.average(values, axis=0, weights=weights)
            expected = np.column_stack([means, np.sqrt(np.diag(covariance)), covariance])
            assert [row[2] for row in rows_of_component] == suffixed
            np.testing.assert_allclose(
                [list(map(float, row[3:])) for row in rows_of_component], expected, rtol=0.02, atol=1e-3
            )
        kind = "The values are scaled." if scaled else "The values are in original units."
        assert f"SD: standard deviation. {kind}" in texts(app)


@pytest.mark.usefixtures("no_plots")
def test_the_bootstrap_warns_of_an_optimum_that_is_not_the_best():
    app = opened(n="100", seed="27", section="Uncertainty (bootstrap)")
    warning = next(warning.value for warning in app.warning if "bootstrap" in warning.value)
    assert warning.startswith("3 of 4 random starts find a better optimum")
    [beside, above] = [one for one in app.button if one.label == "Show the best start (seed 1)"]
    assert beside.key != above.key
    above.click().run()
    assert not app.warning


def test_the_bootstrap_table_is_in_original_units():
    app = opened(source="Built-in", table="Old Faithful", scaling="Standardize", k="1", section="Uncertainty (bootstrap)")
    app.number_input(key="resampled").set_value(20).run()
    button(app, "Run bootstrap").click().run()
    headers, (*_, eruptions, waiting) = table(app, "Standard errors and intervals")
    assert headers[2:] == ["Mean, eruptions", "Mean, waiting"]
    for cell, values in zip((eruptions, waiting), catalog.read_table("faithful").to_numpy(dtype=float).T, strict=True):
        value, error, low, high = numbers(cell)
        assert value == pytest.approx(values.mean(), abs=1e-3)
        assert error == pytest.approx(values.std() / np.sqrt(len(values)), rel=0.6)
        assert low < value < high


# failures


def widget_values(app):
    """The values of the widgets that a failure sets."""
    keys = ("k", "start_mixture", "mixture_covariance", "mixture_floor", "seed", "n", "data_seed")
    boxes = [*app.number_input, *app.selectbox, *app.select_slider]
    return {box.key: box.value for box in boxes if box.key in keys}


@pytest.mark.parametrize("name", [name for name, failure in FAILURES.items() if failure.scene().page == "mixture"])
@pytest.mark.usefixtures("no_plots")
def test_a_failure_sets_the_widgets_and_its_fix_changes_them(name):
    failure = FAILURES[name]
    # other settings, which the failure has to change
    app = opened(
        n="50", k="5", mixture_covariance="Diagonal: axis-aligned", mixture_floor="0.001 × data variance", data_seed="3"
    )
    assert app.button_group(key="failure").value is None
    app.button_group(key="failure").set_value(name).run()
    assert has_no_error(app)
    state = failure.scene().state()
    assert widget_values(app) == {key: state[key] for key in widget_values(app)}
    assert len(widget_values(app)) == 7
    assert app.selectbox(key="sample").value == state["sample"]
    assert app.button_group(key="failure").value == name
    assert failure.text in texts(app)
    assert ("collapsed to a variance " in texts(app)) == (name == "collapse")
    wrong = float(metrics(app)["Loss"])
    button(app, failure.fix).click().run()
    assert has_no_error(app)
    assert widget_values(app) == {key: failure.scene(fixed=True).state()[key] for key in widget_values(app)}
    assert app.button_group(key="failure").value == name
    assert failure.after in texts(app)
    assert "collapsed to " not in texts(app)
    assert float(metrics(app)["Loss"]) != wrong


def test_the_failure_can_be_shown_again_after_its_fix(app):
    app.button_group(key="failure").set_value("alike").run()
    wrong = widget_values(app), metrics(app)
    button(app, FAILURES["alike"].fix).click().run()
    assert widget_values(app) != wrong[0]
    button(app, "Show the failure again").click().run()
    assert (widget_values(app), metrics(app)) == wrong


def test_the_text_of_a_failure_disappears_when_a_setting_changes(app):
    app.button_group(key="failure").set_value("alike").run()
    app.number_input(key="k").set_value(4).run()
    assert has_no_error(app)
    assert app.button_group(key="failure").value is None
    assert FAILURES["alike"].text not in texts(app)


def test_identical_means_disable_the_button_for_a_new_random_start(app):
    app.selectbox(key="start_mixture").set_value("alike").run()
    assert has_no_error(app)
    assert button(app, "New random start").disabled
    assert metrics(app)["Iteration"] == "1"
    assert abs(float(metrics(app)["Adjusted Rand index"].replace("−", "-"))) < 0.15  # equal responsibilities: rounding decides
    assert "at the mean of the data" in str(players(app)["player"]["captions"][0][0])


# formulas


def formulas(app):
    return component(app, "formulas of formulas_beside")


def test_formulas_can_be_switched_on_and_off_and_follow_the_point_and_the_component(app):
    assert not formulas(app)["visible"]  # except in a presentation
    app.toggle(key="formulas").set_value(True).run()
    assert has_no_error(app)
    assert formulas(app)["visible"]
    assert formulas(app)["html"].count("class='math'") == 3
    assert len(formulas(app)["values"]) == len(players(app)["player"]["phases"])
    app.number_input(key="focus").set_value(42)
    app.number_input(key="focus_cluster").set_value(2).run()
    assert "For point 42 and component 2:" in formulas(app)["html"]
    bars = chart(app, "shares")["data"][0]["text"]
    assert formulas(app)["values"][-1][1] == f"= {bars[1]}"
    app.toggle(key="formulas").set_value(False).run()
    assert not formulas(app)["visible"]


def test_watch_has_formulas_for_every_algorithm():
    app = opened(WATCH, n="100")
    app.toggle(key="formulas").set_value(True)
    for algorithm in ("kmeans", "kmedoids", "mixture"):
        app.selectbox(key="algorithm").set_value(algorithm).run()
        assert has_no_error(app)
        shown = formulas(app)
        assert shown["html"].count("class='math'") == 3
        assert shown["values"][-1][0] == f"= {metrics(app)['Loss']}"
        assert {len(values) for values in shown["values"]} == {shown["html"].count("class='value'")}
        labels = {box.label for box in app.number_input}
        assert "Point" in labels
        assert ("Component" if algorithm == "mixture" else "Cluster") in labels


def test_formulas_of_word_distances_contain_the_words():
    app = opened(
        WATCH, source="Built-in", table="Number words", algorithm="K-medoids", kmedoids_update="Alternating, within clusters"
    )
    app.toggle(key="formulas").set_value(True).run()
    assert has_no_error(app)
    word = re.search("For (.*?): ", formulas(app)["html"])[1]
    assert word.split(" ")[0] in set(catalog.read_table("numbers")["word"])
    assert formulas(app)["values"][-1][0] == f"= {metrics(app)['Loss']}"


def test_the_settings_are_kept_after_a_visit_to_another_page(app):
    app.toggle(key="formulas").set_value(True)
    app.number_input(key="focus").set_value(7)
    app.selectbox(key="mixture_floor").set_value(1e-2)
    app.button_group(key="ground").set_value("log").run()
    app.switch_page("pages/hierarchy/page.py").run()
    app.switch_page(PAGE).run()
    assert has_no_error(app)
    assert app.toggle(key="formulas").value is True
    assert app.number_input(key="focus").value == 7
    assert app.selectbox(key="mixture_floor").value == 1e-2
    assert app.button_group(key="ground").value == "log"
