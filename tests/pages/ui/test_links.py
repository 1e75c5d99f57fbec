"""Links: the address contains all settings of a run, and invalid parameters are reported."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies
from streamlit.testing.v1 import AppTest

from pages.datasets.formatting import escape_markdown
from tests.pages.app import latest, opened, opened_with_pasted


def link(page, parameters):
    return f"/{page}?" + "&".join(f"{name}={value}" for name, value in parameters.items())


def run_of(app):
    return latest(app, "run")


def warnings(app):
    return [warning.value for warning in app.warning]


@pytest.mark.parametrize(
    "parameters",
    [
        {"sample": "Stretched groups", "n": "100", "stretched_ratio": "3.5", "k": "4", "data_seed": "7", "seed": "11"},
        {"algorithm": "Gaussian mixture", "mixture_covariance": "Diagonal: axis-aligned",
         "start_mixture": "Farthest-first (maximin)", "n": "50"},
        {"algorithm": "K-medoids", "kmedoids_metric": "Manhattan", "kmedoids_update": "First improving swap", "n": "50"},
        {"start_kmeans": "Hierarchical clustering", "tree_linkage": "Single", "tree_metric": "Manhattan", "n": "50"},
        {"n": "50", "start_kmeans": "Manual", "centers": "-5.5,0.25;0,1;4.5,-1"},
        {"source": "Built-in", "table": "Iris", "across_4": "petal_length", "up_4": "petal_width", "start_kmeans": "Manual",
         "centers": "1.5,0.2;4,1.3;6,2"},
        {"source": "Built-in", "table": "Palmer penguins", "scaling": "Standardize", "penguins_label": "island",
         "penguins_names": "sex", "penguins_gaps True": "Impute with probabilistic PCA", "penguins_components_of_3": "3"},
    ],
    ids=lambda parameters: " ".join(parameters),
)  # fmt: skip
def test_a_link_shows_the_same_run_in_another_session(parameters):
    first = opened(link("", parameters))
    assert not any("in the link" in warning for warning in warnings(first))
    address = {name: "".join(first.query_params[name]) for name in first.query_params}
    assert address == parameters
    other, run = run_of(opened(link("", address))), run_of(first)
    assert other.settings == run.settings
    assert other.data.key == run.data.key
    assert np.array_equal(other.data.points, run.data.points)
    assert np.array_equal(other.history.losses, run.history.losses)
    if "centers" in parameters and "across_4" not in parameters:
        assert run.history.parameters[0].tolist() == [[-5.5, 0.25], [0, 1], [4.5, -1]]
    if "penguins_label" in parameters:
        assert run.data.label_name == "island"
        assert set(run.data.names) <= {"MALE", "FEMALE", ""}


def test_a_number_of_points_can_be_written_without_commas():
    app = opened("/data?n=2000")
    assert warnings(app) == []
    assert len(app.session_state["last data"].points) == 2_000
    assert app.query_params == {"n": "2,000"}
    assert [warning.count("n \\= 2001") for warning in warnings(opened("/data?n=2001"))] == [1]


def test_a_link_to_uploaded_data_explains_that_they_are_missing():
    app = opened("/?source=Upload&k=4&n=50")

    def explanations():
        return [info.value for info in app.info if "This link was made with uploaded data" in info.value]

    assert len(explanations()) == 1
    assert explanations()[0].endswith("until then “Three Gaussians” is shown.")
    app.button_group(key="source").set_value("sample").run()
    assert explanations() == []


def test_invalid_parameters_are_listed_and_replaced_by_defaults():
    app = opened("/?k=-4&algorithm=zzz&seed=7&color=<b>red</b>&start_kmeans=Manual&centers=1,x&n=50")
    assert warnings(app) == [
        escape_markdown(
            "Ignored unavailable settings in the link: k = -4, algorithm = zzz, color = <b>red</b>, centers = 1,x. Defaults "
            "are used."
        )
    ]
    settings = run_of(app).settings
    assert (settings.method, settings.k, settings.seed) == ("kmeans", 3, 7)
    assert "color" not in app.query_params  # and so not in links copied from here


def test_a_warning_about_a_link_stays_until_it_is_dismissed():
    app = opened("/data?k=a hundred")
    app.run()
    assert len(warnings(app)) == 1
    next(button for button in app.button if button.label == "Dismiss").click().run()
    assert warnings(app) == []


@pytest.mark.one_in(3)
@pytest.mark.parametrize("page", ["", "hierarchy", "density", "mixture", "compare", "restarts"])
def test_defaults_in_a_link_are_valid(page):
    n = "500" if page == "" else "50"
    app = opened(link(page, {"n": n}))
    defaults = {box.key: box.options[box.index] for box in app.selectbox if box.key and box.index is not None}
    defaults |= {field.key: f"{field.value:g}" for field in app.number_input if field.key and field.value is not None}
    defaults |= {"n": n, "source": "Simulated"}
    bound = {name: value for name, value in defaults.items() if " " not in name and not name.startswith(("focus", "height"))}
    assert len(bound) > 4
    assert [warning for warning in warnings(opened(link(page, bound))) if "link" in warning] == []


def test_manual_initialization_can_be_replaced_on_any_page():
    app = opened("/?start_kmeans=Manual&centers=0,1;1,2;2,3&n=50")
    app.selectbox(key="start_kmeans").set_value("random").run()
    app.number_input(key="seed").set_value(3).run()
    assert not app.exception
    app.switch_page("pages/compare/page.py").run()
    assert not app.exception


def k_and_seed(app):
    """The values of the fields for K and the random seed; None for fields that the page does not have."""
    fields = {field.key: field.value for field in app.number_input}
    return fields.get("k"), fields.get("seed", fields.get("first_seed"))


OWNERS = {"hierarchy": (3, None), "mixture": (3, 1), "compare": (3, 1), "restarts": (3, 1)}
"""K and seed of each page with settings of its own, when it is opened for the first time"""


@pytest.mark.one_in(2)
@pytest.mark.parametrize("page", OWNERS)
def test_k_and_seed_of_the_current_run_do_not_leak_into_other_pages_and_come_back(page):
    app = opened("/?k=4&seed=9&n=50&algorithm=Gaussian mixture&mixture_covariance=Spherical: circles")
    app.switch_page(f"pages/{page}/page.py").run()
    assert k_and_seed(app) == OWNERS[page]
    assert len(app.session_state["last data"].points) == 50  # data are shared
    assert app.query_params == {"n": "50"}
    app.number_input(key="k").set_value(6).run()
    for shared in ("report", "segments", "watch"):
        app.switch_page(f"pages/{shared}/page.py").run()
        assert k_and_seed(app) == (4, 9)
        assert app.selectbox(key="mixture_covariance").value == "spherical"
        assert set(app.query_params) >= {"n", "k", "seed", "algorithm", "mixture_covariance"}
    app.number_input(key="k").set_value(2).run()
    app.switch_page(f"pages/{page}/page.py").run()
    assert k_and_seed(app) == (6, *OWNERS[page][1:])
    assert app.query_params == {"n": "50", "k": "6"}


def test_settings_of_a_link_do_not_leak_from_the_first_page():
    app = opened("/restarts?n=50&k=5&first_seed=7&runs=10")
    app.switch_page("pages/mixture/page.py").run()
    assert k_and_seed(app) == (3, 1)
    app.switch_page("pages/restarts/page.py").run()
    assert k_and_seed(app) == (5, 7)
    assert app.query_params == {"n": "50", "k": "5", "first_seed": "7", "runs": "10"}


def test_manually_placed_centers_are_in_the_addresses_of_the_pages_that_use_them():
    centers = "-5.5,0.25;0,1;4.5,-1"
    app = opened(f"/?start_kmeans=Manual&centers={centers}&n=50")
    for page, used in (("compare", False), ("segments", True), ("failures", False), ("watch", True)):
        app.switch_page(f"pages/{page}/page.py").run()
        assert app.query_params.get("centers") == (centers if used else None)


def test_unknown_parameters_are_reported_and_break_no_page():
    # all but one are keys of the session that do not belong to widgets
    names = ["recent", "requested parameters", "utm_source", "last data", "page"]
    app = opened(link("", {**dict.fromkeys(names, "mail"), "k": "4", "n": "50"}))
    (warning,) = warnings(app)
    for name in names:
        assert f"{name} \\= mail" in warning.replace("\\_", "_")
    for page in ("pages/report/page.py", "pages/watch/page.py"):
        app.switch_page(page).run()
        assert not app.exception
        assert run_of(app).settings.k == 4


NONSENSE = [
    "inf",
    "-inf",
    "nan",
    "1e400",
    "9" * 310,
    "9" * 4_300,
    "-1e-400",
    "²",
    "0x10",
    "",
    " ",
    "$$ID-1",
    "%",
    "\x00",
    "[]",
]
NUMBERS = {
    "": ["k", "seed", "data_seed", "n", "three_spread"],
    "segments": ["k", "seed", "edits"],
    "hierarchy": ["k", "n"],
    "density": ["n", "optics_min_points", "optics_xi", "optics_eps"],
    "mixture": ["k", "seed"],
    "compare": ["k", "k_1", "panels", "seed"],
    "restarts": ["k", "runs", "first_seed"],
    "choose_k": ["k_up_to", "best_of", "first_seed"],
    "grid": ["grid_seed"],
    "breaking_points": ["repeats", "breaking_seed", "threshold"],
    "embedding": ["text_seed", "grammar_n"],
    "data": ["data_seed", "n"],
    "report": ["k", "seed"],
    "failures": ["k", "seed"],
}
"""for each page, parameters that are numbers on it"""


@pytest.mark.one_in(3)
@pytest.mark.usefixtures("few_resamples")
@pytest.mark.parametrize("page", NUMBERS)
@given(data=strategies.data())
@settings(max_examples=3)
def test_nonsense_in_a_link_is_listed_and_breaks_no_page(page, data):
    names = [*NUMBERS[page], "", "$$ID-abc-k", "$$WIDGET", "utm"]
    values = {name: data.draw(strategies.sampled_from(NONSENSE), label=name) for name in names}
    app = opened(link(page, {"n": "50"} | values))  # asserts that there is no exception
    # a parameter without a value is as good as none
    assert bool(warnings(app)) == any(values[name] for name in names)


def test_a_link_with_invalid_settings_opens_with_the_defaults():
    app = opened("/?k=999&n=7&algorithm=K-modes&seed=-5&sample=<b>x</b>&source=Nowhere")
    [warning] = warnings(app)
    assert "Defaults are used" in warning
    assert run_of(app).settings == run_of(opened("/")).settings
    assert len(run_of(app).history.last.parameters) == 3


def test_numbers_that_are_too_large_are_named():
    app = opened("/?k=1e400&seed=7&$$ID=x&n=50")
    assert warnings(app) == [
        escape_markdown("Ignored unavailable settings in the link: k = 1e400, $$ID = x. Defaults are used.")
    ]
    assert (run_of(app).settings.k, run_of(app).settings.seed) == (3, 7)


def test_proposed_centers_are_distinct_however_far_from_zero_the_data_are():
    rows = "\n".join(f"{1_700_000_000 + x},{x % 7}" for x in range(40))
    app = opened_with_pasted(f"t,y\n{rows}\n")
    app.switch_page("pages/watch/page.py").run()
    app.selectbox(key="start_kmeans").set_value("hand").run()
    assert not app.exception
    centers = run_of(app).history.parameters[0]
    assert len(np.unique(centers[:, 0])) == 3
    assert "centers" not in app.query_params


def test_values_of_a_link_are_sent_again_after_a_run_that_was_interrupted():
    def page():
        import streamlit as st

        from pages.ui import links

        links.restore_address("")
        st.number_input("K", 1, 9, 3, key="k", bind="query-params")
        links.note_parameters()
        if "interrupted" not in st.session_state:
            st.session_state["interrupted"] = True
            st.stop()
        links.write_address()

    app = AppTest.from_function(page)
    app.query_params["k"] = "5"
    assert [app.run().number_input(key="k").proto.set_value for _ in range(3)] == [True, True, False]
    assert app.number_input(key="k").value == 5
