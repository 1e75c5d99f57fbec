"""What one session may ask for: refused or done with less, and said in one sentence; and stated on the page."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.datasets import catalog, limits
from pages.methods import settings
from pages.runs import preparation
from pages.runs.cache import RecentCache
from pages.runs.preparation import iteration_limit
from pages.runs.run import make_run

ROOT = Path(__file__).resolve().parents[3]


def opened(page=None, **address):
    app = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    if page:
        app.switch_page(page)
    app.run()
    assert not app.exception
    return app


def test_the_server_takes_as_much_as_is_said_and_is_set_for_many():
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert config["server"]["maxUploadSize"] == limits.MAX_UPLOAD_MB
    assert config["server"]["enableXsrfProtection"]
    assert config["server"]["enableCORS"]
    assert config["client"]["showErrorDetails"] == "none"
    assert config["browser"]["gatherUsageStats"] is False
    assert {"light", "dark"} <= set(config["theme"])


def test_the_page_states_the_limits():
    app = opened("pages/data/page.py")
    page = next(element.proto.body for element in app.get("html") if "aria-label='How much fits'" in element.proto.body)
    for what, most, beyond in limits.told():
        assert f"<th scope='row'>{what}</th><td>{most}</td><td>{beyond}</td>" in page


def test_a_sample_that_does_not_fit_is_refused_with_what_does_and_the_last_one_stays():
    app = opened(sample="Hidden in noise columns", n="200")
    app.select_slider(key="n").set_value(100_000).run()
    assert not app.exception
    assert "49,751 points" in app.error[0].value.replace("\\", "")
    assert len(app.session_state["last data"].points) == 200
    assert app.select_slider(key="n").value == 100_000
    data = catalog.draw_sample("noise", 49_751, 0, {"noise": 400, "distance": 5.0})
    assert data.points.size <= limits.MAX_SAMPLE_VALUES


@pytest.mark.parametrize(
    ("algorithm", "k", "d", "iterations"),
    [("mixture", 3, 2, 500), ("mixture", 3, 402, 205), ("mixture", 20, 402, 30), ("kmeans", 50, 10_000, 200)],
)
def test_large_states_leave_room_for_fewer_of_them(algorithm, k, d, iterations):
    data = catalog.draw_sample("three", 50, 0, {})
    wide = replace(data, points=data.points[:, :1].repeat(d, axis=1), columns=("x",) * d)
    assert iteration_limit(wide, settings(algorithm, k)) == iterations


def test_states_that_do_not_fit_at_all_are_refused_in_one_sentence():
    app = opened(sample="Hidden in noise columns", n="100", algorithm="Gaussian mixture", k="3")
    assert not app.error
    app.number_input(key="k").set_value(50).run()
    assert not app.exception
    assert "8,100,300 numbers" in app.error[0].value.replace("\\", "")
    assert "choose fewer columns, or a K of at most 30" in app.error[0].value.replace("\\", "")
    app.number_input(key="k").set_value(31).run()
    assert len(app.error) == 1


def test_a_run_that_was_cut_off_for_its_size_says_after_how_many_iterations(monkeypatch):
    monkeypatch.setattr(preparation, "MAX_STATE_VALUES", 18 * 25)
    data = catalog.draw_sample("three", 500, 0, {})
    run = make_run(data, settings("mixture", 3, "random", seed=1), RecentCache(), lambda step: None)
    assert run.history.iterations == 25
    assert not run.history.converged


@pytest.mark.parametrize("algorithm", ["K-medoids"])
def test_more_points_than_a_matrix_fits_are_a_stated_sample(algorithm):
    app = opened(n="10,000", algorithm=algorithm)
    assert any(f"a sample of {limits.MAX_POINTS_FOR_PROXIMITIES:,}" in info.value for info in app.info)
