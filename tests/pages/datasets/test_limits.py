"""Limits on what one session may use: they are enforced with a message, and listed on the Data page."""

import re
import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from pages.datasets import catalog, limits
from pages.methods import base, settings
from pages.runs import preparation
from pages.runs.preparation import iteration_limit
from tests.pages.app import latest, opened

ROOT = Path(__file__).resolve().parents[3]
LIMITS = [name for name in vars(limits) if name.isupper()]


def increased(name):
    """A larger value for a limit, different from those of all other limits."""
    value, change = getattr(limits, name), 101 + 2 * LIMITS.index(name)
    if name.endswith("_BYTES"):
        return value + change * 2**20
    return tuple(part + change for part in value) if isinstance(value, tuple) else value + change


def stated(name):
    """The texts with which the table states a limit."""
    value = getattr(limits, name)
    if name.endswith("_BYTES"):
        return [f"{value // 2**20} MB"]
    return [f"{part:,}" for part in (value if isinstance(value, tuple) else (value,))]


def test_the_server_has_the_upload_limit_and_settings_for_many_users():
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert config["server"]["maxUploadSize"] == limits.MAX_UPLOAD_MB
    assert config["server"]["enableXsrfProtection"]
    assert config["server"]["enableCORS"]
    assert config["client"]["showErrorDetails"] == "none"
    assert config["browser"]["gatherUsageStats"] is False
    assert {"light", "dark"} <= set(config["theme"])


@pytest.mark.parametrize("name", LIMITS)
def test_the_table_states_each_limit_with_its_current_value(monkeypatch, name):
    before, old = limits.limit_rows(), stated(name)
    monkeypatch.setattr(limits, name, increased(name))
    changed = [(row, other) for row, other in zip(before, limits.limit_rows(), strict=True) if row != other]
    assert changed
    for row, other in changed:
        assert row[0] == other[0]
        assert all(text in " ".join(row[1:]) for text in old)
        assert all(text in " ".join(other[1:]) for text in stated(name))


def test_the_data_page_shows_the_table_of_limits(monkeypatch):
    app = opened("/data?n=50")
    for name in LIMITS:  # only now, because modules that are imported later would keep these values
        monkeypatch.setattr(limits, name, increased(name))
    app.run()
    page = next(element.proto.body for element in app.get("html") if "aria-label='Limits'" in element.proto.body)
    for item, limit, consequence in limits.limit_rows():
        assert f"<th scope='row'>{item}</th><td>{limit}</td><td>{consequence}</td>" in page
    for name in LIMITS:
        assert all(text in page for text in stated(name)), name


def test_each_limit_is_used_outside_the_table():
    used = set()
    for path in (ROOT / "pages").rglob("*.py"):
        if path != Path(limits.__file__):
            names = Counter(re.findall(r"\b[A-Z][A-Z_]+\b", path.read_text()))
            used |= {name for name, count in names.items() if count > 1}  # the import, and at least one use
    assert set(LIMITS) - used == set()


def test_a_sample_that_is_too_large_is_rejected_with_the_largest_size_and_the_previous_one_stays(monkeypatch):
    with pytest.raises(ValueError, match="49,751 points, or fewer columns"):
        catalog.draw_sample("noise", 100_000, 0, {"noise": 400, "distance": 5.0})
    assert 49_751 * 402 <= limits.MAX_SAMPLE_VALUES < 49_752 * 402
    monkeypatch.setattr(catalog, "MAX_SAMPLE_VALUES", 250)
    assert len(catalog.draw_sample("three", 125, 0, {}).points) == 125
    app = opened("/data?n=50")
    app.select_slider(key="n").set_value(200).run()
    assert not app.exception
    assert "choose at most 125 points" in app.error[0].value.replace("\\", "")
    assert len(app.session_state["last data"].points) == 50
    assert app.select_slider(key="n").value == 200


def wide_data(d):
    data = catalog.draw_sample("three", 50, 0, {})
    return replace(data, points=data.points[:, :1].repeat(d, axis=1), columns=("x",) * d)


@pytest.mark.parametrize(
    ("algorithm", "k", "d", "iterations"),
    [
        ("mixture", 3, 2, 500),
        ("mixture", 3, 402, 205),
        ("mixture", 20, 402, 30),
        ("mixture", 30, 402, 20),
        ("kmeans", 50, 10_000, 200),
    ],
)
def test_large_states_allow_fewer_iterations(algorithm, k, d, iterations):
    assert iteration_limit(wide_data(d), settings(algorithm, k)) == iterations


@pytest.mark.parametrize("k", [31, 50])
def test_too_large_states_are_rejected_with_their_size_and_the_largest_k(k):
    with pytest.raises(ValueError, match="fewer features, or K at most 30") as error:
        iteration_limit(wide_data(402), settings("mixture", k))
    if k == 50:
        assert "8,100,300 parameters per iteration, so only 12 iterations fit into memory" in str(error.value)


def test_a_single_iteration_is_not_plural(monkeypatch):
    monkeypatch.setattr(preparation, "MAX_STATE_VALUES", 8_100_300)
    with pytest.raises(ValueError, match="only 1 iteration fits into memory"):
        iteration_limit(wide_data(402), settings("mixture", 50))


def test_watch_rejects_too_large_states_and_reports_a_reduced_iteration_limit(monkeypatch):
    monkeypatch.setattr(preparation, "MAX_STATE_VALUES", 18 * 25)
    app = opened("/?n=200&algorithm=Gaussian mixture&k=4")
    assert ["K at most 3" in error.value for error in app.error] == [True]
    app.number_input(key="k").set_value(3).run()
    assert not app.exception
    assert not app.error
    history = latest(app, "run").history
    assert history.iterations == 25
    assert not history.converged
    assert any("stopped at the limit of 25 iterations" in warning.value for warning in app.warning)


def test_k_medoids_uses_a_stated_sample_of_too_many_points(monkeypatch):
    monkeypatch.setattr(base, "MAX_POINTS_FOR_PROXIMITIES", 60)
    app = opened("/?n=100&algorithm=K-medoids")
    assert any("a sample of 60 of the 100 points" in info.value for info in app.info)
    assert limits.MAX_POINTS_FOR_PROXIMITIES == 5_000
