"""Many starts through dashboard.py, without a browser."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.datasets import catalog
from pages.datasets.formatting import format_number
from pages.figures import plots
from pages.methods import initializations, method, settings
from pages.restarts.examples import STARTS_EXAMPLES
from pages.restarts.study import RemainingRuns, RestartStudy
from pages.runs.cache import RecentCache

DASHBOARD = Path(__file__).resolve().parents[3] / "dashboard.py"
PAGE = "pages/restarts/page.py"
EXAMPLES = "example s1"
DEFAULT_WAYS = ["random", "k-means++", "maxmin"]


def opened(**address):
    app = AppTest.from_file(str(DASHBOARD), default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    return app.switch_page(PAGE).run()


@pytest.fixture
def app():
    """With a few runs only, on a few points."""
    return opened(n="100", runs="10")


def plain_text(element):
    return element.value.replace("\\", "")


def said(app):
    return " ".join(map(plain_text, (*app.warning, *app.error, *app.info, *app.caption)))


def summary(app):
    """How many runs, how many solutions and the best loss, as the page says."""
    told = next(text for text in map(plain_text, app.markdown) if "came to" in text)
    found = re.fullmatch(
        r"\*\*([\d,]+) runs? came to (\d+) distinct solutions?\. The best loss, (\S+), was reached by (\d+) of them\.\*\*",
        told,
    )
    return int(found[1].replace(",", "")), int(found[2]), found[3], int(found[4])


def table(app):
    """Headers and rows of the scores."""
    page = next(e.proto.body for e in app.get("html") if "aria-label='Scores of the initializations'" in e.proto.body)
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall("<tr>(.*?)</tr>", page)]
    return [[re.sub("<[^>]*>", "", cell).strip() for cell in row] for row in rows]


def button(app, label):
    return next(button for button in app.button if button.label == label)


def by_the_core(data, initializations, runs, method="kmeans", **options):
    study = RestartStudy.of(data, settings(method, **options), RecentCache())
    RemainingRuns.of(study, initializations, runs).resume(lambda *_: None)
    return study.findings(initializations, runs)


def expected(found):
    return len(found.runs), len(found.solutions), format_number(found.best.loss), found.reached


def test_it_opens_with_a_hundred_runs_of_each_of_three_ways():
    app = opened()
    assert not app.exception
    assert not app.error
    assert [title.value for title in app.title] == ["Many starts"]
    found = by_the_core(catalog.draw_sample("three", 500, 0, {}), DEFAULT_WAYS, 100)
    assert summary(app) == expected(found)
    headers, *rows = table(app)
    assert headers[:4] == ["Start", "Runs", "Reach the best loss", "Best loss"]
    assert [row[0] for row in rows] == [f"● {initializations()[initialization].label}" for initialization in DEFAULT_WAYS]
    assert [row[1:4] for row in rows] == [["100", f"{row.reached:.1%}", format_number(row.best)] for row in found.scores]
    assert [row[5:7] for row in rows] == [[f"{row.index:.2f}", f"{row.right:.1%}"] for row in found.scores]
    assert not any(header.startswith("Published") for header in headers)
    assert len(app.get("plotly_chart")) == 2


@pytest.mark.parametrize("algorithm", ["kmedoids", "mixture"])
def test_every_algorithm_has_its_own_ways_of_starting(app, algorithm):
    app.selectbox(key="algorithm").set_value(algorithm).run()
    app.multiselect(key=f"ways_{algorithm}").set_value(["build" if algorithm == "kmedoids" else "k-means", "maxmin"]).run()
    assert not app.exception
    assert "ways_kmeans" not in {box.key for box in app.multiselect}
    chosen = app.multiselect(key=f"ways_{algorithm}").value
    found = by_the_core(catalog.draw_sample("three", 100, 0, {}), chosen, 10, algorithm)
    assert summary(app) == expected(found)
    assert ("Nothing in BUILD is random: one run tells all." in said(app)) == (algorithm == "kmedoids")
    assert [row[1] for row in table(app)[1:]] == (["1", "10"] if algorithm == "kmedoids" else ["10", "10"])


def test_without_a_way_of_starting_there_is_one_sentence_and_nothing_else(app):
    app.multiselect(key="ways_kmeans").set_value([]).run()
    assert not app.exception
    assert list(map(plain_text, app.error)) == ["Choose at least one initialization."]
    assert not app.get("plotly_chart")
    app.multiselect(key="ways_kmeans").set_value(["maxmin"]).run()
    assert not app.error
    assert summary(app)[0] == 10


def test_more_runs_continue_and_fewer_are_the_first_of_them(app):
    first = summary(app)
    study = next(kept for key, kept in app.session_state["recent"].items() if key[0] == "restarts")
    before = dict(study.attempts)
    app.number_input(key="runs").set_value(20).run()
    assert summary(app)[0] == 60
    assert all(study.attempts[task] is attempt for task, attempt in before.items())
    assert len(before) == 30
    assert len(study.attempts) == 60
    app.number_input(key="runs").set_value(10).run()
    assert summary(app) == first
    assert len(study.attempts) == 60


def test_the_first_seed_is_that_of_the_first_run(app):
    app.number_input(key="first_seed").set_value(40).run()
    found = by_the_core(catalog.draw_sample("three", 100, 0, {}), DEFAULT_WAYS, 10, seed=40)
    assert summary(app) == expected(found)
    assert min(run.seed for run in found.runs) == 40


@pytest.mark.parametrize("name", STARTS_EXAMPLES)
def test_every_ready_made_comparison_opens_with_its_text_and_its_runs(app, name):
    example = STARTS_EXAMPLES[name]
    app.button_group(key=EXAMPLES).set_value(name).run()
    assert not app.exception
    assert not app.error
    assert [info.value for info in app.info] == [example.text]
    assert {key: app.session_state[key] for key in example.state()} == example.state()
    assert summary(app)[0] == 4 * example.runs
    headers, *rows = table(app)
    assert len(rows) == 4
    assert ("Published: index" in headers) == (name == "s1")
    address = dict(app.query_params)
    assert example.address.items() <= address.items()
    fewer = opened(**(address | dict(runs="10")))  # which are the first of these, and sooner made
    assert not fewer.exception
    assert summary(fewer)[0] == 40
    assert ("Published: index" in table(fewer)[0]) == (name == "s1")
    assert fewer.number_input(key="k").value == example.k
    app.number_input(key="runs").set_value(10).run()
    assert not app.info  # it is not that comparison any more
    assert summary(fewer) == summary(app)
    check_claims(name, app, headers, rows)


def check_claims(name, app, headers, rows):
    if name == "uniform":
        runs, solutions, *_ = summary(app)
        assert solutions > runs / 2  # none of them frequent
    right = [float(row[headers.index("Index 0")].strip("%")) for row in rows]
    if name == "s1":
        random, plain, greedy, maxmin = right
        assert 1 <= random <= 8
        assert random < plain < greedy
        assert random < maxmin
        assert [row[headers.index("Published: index 0")] for row in rows] == ["3%", "–", "–", "–"]
        assert [row[headers.index("Published: index")] for row in rows] == ["1.8–1.95", "0.94", "–", "0.7"]
        known = method("kmeans").published(app.session_state["last data"], settings("kmeans", 15))
        assert format_number(known.best_loss) in [row[headers.index("Best loss")] for row in rows]
    if name == "grid":
        assert right[0] < right[1] < right[2]


def test_stopped_work_shows_what_was_made_and_goes_on_when_asked(app):
    data = catalog.draw_sample("three", 100, 0, {})
    before = summary(app)
    app.session_state["stopped"] = plots.token(data.key, settings("kmeans"), DEFAULT_WAYS, 20)
    app.number_input(key="runs").set_value(20).run()
    assert not app.exception
    assert "Stopped with 30 runs still to be made; what follows is about what was." in said(app)
    assert summary(app) == before
    button(app, "Go on").click().run()
    assert "Stopped" not in said(app)
    assert "Go on" not in [button.label for button in app.button]
    assert summary(app) == expected(by_the_core(data, DEFAULT_WAYS, 20))


def test_work_that_was_stopped_before_its_first_run_shows_only_how_to_go_on(app):
    data = catalog.draw_sample("three", 100, 7, {})
    app.session_state["stopped"] = plots.token(data.key, settings("kmeans"), DEFAULT_WAYS, 10)
    app.number_input(key="data_seed").set_value(7).run()
    assert not app.exception
    assert "Stopped with 30 runs still to be made" in said(app)
    assert not app.get("plotly_chart")
    button(app, "Go on").click().run()
    assert summary(app) == expected(by_the_core(data, DEFAULT_WAYS, 10))


def test_other_work_is_done_although_some_was_stopped(app):
    data = catalog.draw_sample("three", 100, 0, {})
    app.session_state["stopped"] = plots.token(data.key, settings("kmeans"), DEFAULT_WAYS, 20)
    app.number_input(key="runs").set_value(30).run()
    assert "Stopped" not in said(app)
    assert summary(app)[0] == 90


def test_proximities_are_clustered_by_k_medoids_without_being_asked_to(app):
    app.button_group(key="source").set_value("real").run()
    app.selectbox(key="table").set_value("numbers").run()
    assert not app.exception
    assert not app.error
    assert app.selectbox(key="algorithm_given").options == ["K-medoids"]
    assert summary(app)[0] == 30
    assert "by the proximities: 0 is the same structure" in said(app)
    app.button_group(key="source").set_value("sample").run()
    assert app.selectbox(key="algorithm").value == "kmeans"


def test_k_medoids_of_many_points_says_that_it_works_on_a_sample(app):
    app.selectbox(key="algorithm").set_value("kmedoids").run()
    app.multiselect(key="ways_kmedoids").set_value(["random"])
    app.number_input(key="k").set_value(1)
    app.select_slider(key="n").set_value(10_000).run()
    assert not app.exception
    assert "this is a sample of 5,000 of the 10,000 points" in said(app)


def test_a_solution_is_watched_with_its_start_and_its_seed(app):
    app.selectbox(key="sample").set_value("uniform")
    app.number_input(key="k").set_value(6).run()
    data = app.session_state["last data"]
    found = by_the_core(data, DEFAULT_WAYS, 10, k=6)
    told = [text.split(". ")[1] for text in map(plain_text, app.caption) if ". Centroid index" in text]
    assert sorted(told) == sorted(f"Centroid index {found.index(solution.best)}." for solution in found.solutions[:6])
    solution = found.solutions[1]
    app.button(key="solution 1").click().run()
    assert not app.exception
    assert "" in [link.proto.page for link in app.get("page_link")]  # of Watch, which is then followed
    app.switch_page("pages/watch/page.py").run()
    assert app.selectbox(key="start_kmeans").value == solution.best.initialization
    assert app.number_input(key="seed").value == solution.best.seed
    final = next(metric.value for metric in app.metric if metric.label == "Final loss")
    assert final == format_number(solution.best.loss)
    app.switch_page(PAGE).run()
    assert summary(app)[0] == 30  # and does not go there again
