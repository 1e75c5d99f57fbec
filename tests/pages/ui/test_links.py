"""Links: the address holds all settings of a run, and what is nonsense in it is said. Without a browser."""

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.datasets.formatting import escape_markdown

ROOT = Path(__file__).resolve().parents[3]


def opened(address, page=None):
    """The app as it comes by a link with this query."""
    app = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    if page is not None:
        app.switch_page(page)
    app.run()
    assert not app.exception
    return app


def run_of(app):
    """The run that is shown."""
    return next(value for key, value in reversed(app.session_state["recent"].items()) if key[0] == "run")


def warned(app):
    return [warning.value for warning in app.warning]


@pytest.mark.parametrize(
    "address",
    [
        {"sample": "Stretched groups", "n": "200", "stretched_ratio": "3.5", "k": "4", "data_seed": "7", "seed": "11"},
        {"algorithm": "Gaussian mixture", "mixture_covariance": "Diagonal: axis-aligned",
         "start_mixture": "Farthest-first (maximin)"},
        {"algorithm": "K-medoids", "kmedoids_metric": "Manhattan", "kmedoids_update": "First improving swap", "n": "100"},
        {"start_kmeans": "Hierarchical clustering", "tree_linkage": "Single", "tree_metric": "Manhattan", "n": "100"},
        {"n": "100", "start_kmeans": "Manual", "centers": "-5.5,0.25;0,1;4.5,-1"},
        {"source": "Built-in", "table": "Iris", "across_4": "petal_length", "up_4": "petal_width", "start_kmeans": "Manual",
         "centers": "1.5,0.2;4,1.3;6,2"},
        {"source": "Built-in", "table": "Palmer penguins", "scaling": "Standardize", "penguins_label": "island",
         "penguins_names": "sex", "penguins_gaps True": "Impute with probabilistic PCA", "penguins_components_of_3": "3"},
    ],
    ids=lambda address: " ".join(address),
)  # fmt: skip
def test_a_link_shows_the_same_run_in_another_session(address):
    first = opened(address)
    assert not any("This link" in warning for warning in warned(first))
    kept = {name: "".join(first.query_params[name]) for name in first.query_params}
    assert kept == address
    again = run_of(opened(kept))
    run = run_of(first)
    assert again.settings == run.settings
    assert again.data.key == run.data.key
    assert np.array_equal(again.data.points, run.data.points)
    assert np.array_equal(again.history.losses, run.history.losses)


def test_a_number_of_points_may_be_written_without_commas():
    app = opened({"n": "2000"})
    assert warned(app) == []
    assert len(run_of(app).data.points) == 2_000
    assert app.session_state["in address"]["n"] == (2_000, ["2,000"])
    assert [warning.count("n \\= 2001") for warning in warned(opened({"n": "2001"}))] == [1]


def test_who_comes_by_a_link_to_the_data_of_somebody_else_is_told():
    app = opened({"source": "Upload", "k": "4"})
    told = [info.value for info in app.info if "cannot hold" in info.value]
    assert len(told) == 1
    assert told[0].endswith("Until then this is Three Gaussians.")
    app.button_group(key="source").set_value("sample").run()
    assert not [info.value for info in app.info if "cannot hold" in info.value]


def test_centers_that_were_placed_by_hand_are_where_the_link_says():
    run = run_of(opened({"start_kmeans": "Manual", "centers": "-5.5,0.25;0,1;4.5,-1"}))
    assert run.history.parameters[0].tolist() == [[-5.5, 0.25], [0, 1], [4.5, -1]]


def test_known_groups_come_by_a_link():
    run = run_of(
        opened({"source": "Built-in", "table": "Palmer penguins", "penguins_label": "island", "penguins_names": "sex"})
    )
    assert run.data.label_name == "island"
    assert set(run.data.names) <= {"MALE", "FEMALE", ""}


def test_nonsense_in_a_link_is_named_and_the_defaults_hold():
    app = opened(
        {"k": "-4", "algorithm": "zzz", "seed": "7", "color": "<b>red</b>", "start_kmeans": "Manual", "centers": "1,x"}
    )
    assert warned(app) == [
        escape_markdown(
            "This link asks for k = -4, algorithm = zzz, color = <b>red</b> and centers = 1,x, which cannot be: there the "
            "page shows its defaults."
        )
    ]
    settings = run_of(app).settings
    assert (settings.method, settings.k, settings.seed) == ("kmeans", 3, 7)
    assert "color" not in app.query_params  # nor in what is copied from here


def test_what_is_said_of_a_link_goes_when_it_is_read():
    app = opened({"k": "a hundred"})
    app.number_input(key="seed").set_value(5).run()
    assert len(warned(app)) == 1
    next(button for button in app.button if button.label == "I see").click().run()
    assert warned(app) == []


PAGES = [f"pages/{name}/page.py" for name in ("watch", "hierarchy", "mixture", "compare", "restarts")]


@pytest.mark.parametrize("page", PAGES)
def test_a_default_that_is_named_in_a_link_is_no_nonsense(page):
    app = opened({}, page)
    bound = {box.key: box.options[box.index] for box in app.selectbox if box.key and box.index is not None}
    bound |= {field.key: f"{field.value:g}" for field in app.number_input if field.key and field.value is not None}
    bound |= {"n": "500", "source": "Simulated"}
    kept = {name: value for name, value in bound.items() if " " not in name and not name.startswith(("focus", "height"))}
    assert len(kept) > 4
    said = [warning for warning in warned(opened(kept, page)) if "link" in warning]
    assert said == []


def test_a_start_by_hand_can_be_left_again_on_any_page():
    app = opened({"start_kmeans": "Manual", "centers": "0,1;1,2;2,3"})
    app.selectbox(key="start_kmeans").set_value("random").run()
    app.number_input(key="seed").set_value(3).run()
    assert not app.exception
    app.switch_page("pages/compare/page.py").run()
    assert not app.exception


@pytest.mark.parametrize("name", ["recent", "requested parameters", "utm_source", "last data", "page"])
def test_a_word_of_others_in_the_address_is_named_and_breaks_no_page(name):
    app = opened({name: "mail", "k": "4"})
    assert [f"{name} \\= mail" in warning.replace("\\_", "_") for warning in warned(app)] == [True]
    for page in ("pages/report/page.py", "pages/watch/page.py"):
        app.switch_page(page).run()
        assert not app.exception
        assert run_of(app).settings.k == 4


def test_places_are_told_apart_however_far_from_zero_the_data_are():
    app = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60).run()
    app.switch_page("pages/data/page.py").run()
    app.button_group(key="source").set_value("own").run()
    app.button_group(key="how").set_value("paste").run()
    rows = "\n".join(f"{1_700_000_000 + x},{x % 7}" for x in range(40))
    app.text_area(key="pasted").set_value(f"t,y\n{rows}\n").run()
    app.switch_page("pages/watch/page.py").run()
    app.selectbox(key="start_kmeans").set_value("hand").run()
    assert not app.exception
    starts = run_of(app).history.parameters[0]
    assert len(np.unique(starts[:, 0])) == 3
    assert "centers" not in app.query_params
