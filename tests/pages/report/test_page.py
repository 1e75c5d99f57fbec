"""The report through dashboard.py, without a browser: what is printed is what the run is."""

import html
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.datasets.formatting import number

ROOT = Path(__file__).resolve().parents[3]


def opened(**address):
    app = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    app.switch_page("pages/report/page.py").run()
    assert not app.exception
    return app


def page(app):
    return next(element.proto.body for element in app.get("html") if "class='report'" in element.proto.body)


def pairs(app):
    return {name: html.unescape(value) for name, value in re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", page(app))}


def run_of(app):
    return next(value for key, value in reversed(app.session_state["recent"].items()) if key[0] == "run")


@pytest.mark.parametrize("algorithm", ["K-means", "K-medoids", "Gaussian mixture"])
def test_the_report_has_settings_scores_sizes_and_four_pictures(algorithm):
    app = opened(algorithm=algorithm, k="4", n="200", seed="7")
    run, told = run_of(app), pairs(app)
    assert f"{algorithm}, K = 4: Three Gaussians" in page(app)
    assert (told["K"], told["Seed"], told["Algorithm"]) == ("4", "7", algorithm)
    assert told["Ended"] == f"Converged after {run.history.iterations} iterations"
    assert told["Final loss"] == f"{number(run.history.losses[-1])}, the {run.history.process.loss_name}"
    assert told["Adjusted Rand index"].startswith(f"{run.agreement:.3f}")
    sizes = re.search("aria-label='Clusters'.*?</table>", page(app), re.DOTALL)[0]
    assert len(re.findall("<tr>", sizes)) == 5
    captions = re.findall("<figcaption>(.*?)</figcaption>", page(app))
    assert [caption.split(" frame")[0] for caption in captions[:3]] == ["First", "Middle", "Last"]
    assert "Converged after" in captions[2]
    assert page(app).count("src='data:image/webp;base64,") == 4
    assert ("BIC" in told) == (algorithm == "Gaussian mixture")


def test_warnings_are_printed():
    app = opened(sample="Unequal spreads", n="100", k="5", seed="30")
    assert "lost all points" in re.search("<h3>Warnings</h3>(.*?)<h3>", page(app))[1]
    assert "<p>None.</p>" in re.search("<h3>Warnings</h3>(.*?)<h3>", page(opened(n="100")))[1]


def test_centers_placed_by_hand_come_by_the_address_and_are_printed():
    app = opened(start_kmeans="Manual", centers="-5,0.5;0,1;4.5,-1", n="100")
    assert pairs(app)["Placed at"] == "-5, 0.5; 0, 1; 4.5, -1"
    assert run_of(app).history.parameters[0].tolist() == [[-5, 0.5], [0, 1], [4.5, -1]]


def test_centers_that_are_not_placed_yet_are_those_that_watch_would_begin_with():
    app = opened(start_kmeans="Manual", n="100", seed="4")
    first = run_of(app).history.parameters[0]
    app.switch_page("pages/watch/page.py").run()
    assert run_of(app).history.parameters[0].tolist() == first.tolist()
    app.switch_page("pages/report/page.py").run()
    app.number_input(key="seed").set_value(9).run()
    assert run_of(app).history.parameters[0].tolist() != first.tolist()


def test_places_leave_the_address_when_the_start_is_another_one():
    app = opened(start_kmeans="Manual", n="100")
    assert "centers" in app.query_params
    app.selectbox(key="start_kmeans").set_value("random").run()
    assert not app.exception
    assert "centers" not in app.query_params


def test_proximities_are_reported_without_coordinates():
    app = opened(source="Built-in", table="Number words", algorithm="K-medoids")
    assert "edit distances" in page(app)
    assert "The columns are of" not in page(app)


def test_names_of_columns_are_text_in_the_report_whatever_is_in_them():
    app = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60).run()
    app.switch_page("pages/data/page.py").run()
    app.button_group(key="source").set_value("own").run()
    app.button_group(key="how").set_value("paste").run()
    app.text_area(key="pasted").set_value("<img src=x onerror=alert(1)>,b\n1,2\n2,1\n8,9\n9,8\n").run()
    app.switch_page("pages/report/page.py").run()
    assert not app.exception
    assert "<img src=x" not in page(app)
    assert "&lt;img src=x" in page(app)
    assert "no link can hold them" in page(app)
