"""Opening another page with a run sets its widgets and query parameters."""

import pytest
import streamlit as st

from pages.datasets import catalog
from pages.methods import method, methods, settings
from pages.methods.metric import METRIC
from pages.methods.starts import NamedStart, RowsStart, TreeStart
from pages.methods.tree_cut import TREE_METRIC
from pages.ui import navigation
from pages.ui.navigation import REQUEST, open_from_tree, open_in_comparison, open_in_watch
from tests.pages.methods.fakes import FAKES


@pytest.fixture
def state(monkeypatch):
    """The session state, as a dictionary."""
    session = {}
    monkeypatch.setattr(navigation.st, "session_state", session)
    assert st.session_state is session
    return session


@pytest.fixture
def data():
    return catalog.draw_sample("three", 60, 0, {})


def test_the_watch_page_gets_method_k_initialization_and_seed_of_the_run(state):
    open_in_watch(settings("kmedoids", 5, "build", seed=7))
    assert {key: state[key] for key in ("algorithm", "k", "start_kmedoids", "seed")} == {
        "algorithm": "kmedoids",
        "k": 5,
        "start_kmedoids": "build",
        "seed": 7,
    }
    assert state[REQUEST] == ("watch", {"algorithm": "K-medoids", "k": "5", "start_kmedoids": "BUILD", "seed": "7"})


def test_defaults_are_not_written_into_the_address(state):
    open_in_watch(settings("kmeans", 3, NamedStart("random"), seed=1))
    assert state[REQUEST] == ("watch", {})


@pytest.mark.parametrize("start", [RowsStart((1, 2), "maxmin"), NamedStart("maxmin")])
def test_a_run_with_shared_initial_points_is_opened_with_its_initialization(state, start):
    open_in_watch(settings("kmeans", 2, start))
    assert state["start_kmeans"] == "maxmin"


def test_a_method_without_k_and_initialization_sets_neither(state, data, monkeypatch):
    monkeypatch.setitem(methods(), "scan", FAKES["scan"])
    state["k"] = 4
    scan = settings("scan", None)
    open_in_watch(scan)
    assert state["k"] == 4
    assert not any(key.startswith("start_") for key in state)
    assert state[REQUEST] == ("watch", {"algorithm": "Density scan"})
    open_in_comparison(scan, data)
    assert state["k"] == 4
    assert "k" not in state[REQUEST][1]
    assert state["algorithm_1"] == "scan"


@pytest.mark.parametrize("metric", [METRIC, TREE_METRIC])
def test_the_metric_of_a_method_is_set_to_that_of_the_tree(state, data, metric, monkeypatch):
    assert METRIC != TREE_METRIC
    view = method("kmedoids")
    options = tuple(metric if option.name == METRIC.name else option for option in view.options)
    monkeypatch.setattr(type(view), "options", options)
    open_from_tree(view.settings(4, TreeStart("complete", "manhattan"), data=data), data)
    assert (state["kmedoids_metric"], state["tree_metric"], state["tree_linkage"]) == ("manhattan", "manhattan", "complete")
    assert (state["start_kmedoids"], state["seed"]) == ("tree", 1)


def test_a_method_without_a_metric_is_opened_without_one(state, data):
    open_from_tree(settings("kmeans", 4, TreeStart("complete", "manhattan"), data=data), data)
    assert "kmeans_metric" not in state
    assert state["tree_metric"] == "manhattan"
