"""The Restarts page without a browser."""

import re
from dataclasses import replace

import pytest

from pages.datasets import catalog
from pages.datasets.formatting import format_number
from pages.figures import plots
from pages.methods import base, initializations, method, settings
from pages.restarts.examples import EXAMPLES
from pages.restarts.figures import label_of_run
from pages.restarts.study import RemainingRuns, RestartStudy
from pages.runs.cache import RecentCache
from tests.pages.app import latest, opened

EXAMPLE = "example s1"
DEFAULTS = ["random", "k-means++", "maxmin"]
SMALL = "/restarts?n=100&runs=10"


def plain_text(element):
    return element.value.replace("\\", "")


def messages(app):
    return " ".join(map(plain_text, (*app.warning, *app.error, *app.info, *app.caption)))


def summary(app):
    """Numbers of runs, of solutions and of runs that reach the best loss, and the best loss, as shown."""
    text = next(text for text in map(plain_text, app.markdown) if "distinct solution" in text)
    found = re.fullmatch(
        r"\*\*([\d,]+) runs? gave (\d+) distinct solutions?; (\d+) of the runs reached the best loss, (\S+)\.\*\*", text
    )
    return int(found[1].replace(",", "")), int(found[2]), int(found[3]), found[4]


def table(app):
    """Headers and rows of the scores."""
    page = next(e.proto.body for e in app.get("html") if "aria-label='Scores of the initializations'" in e.proto.body)
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall("<tr>(.*?)</tr>", page)]
    return [[re.sub("<[^>]*>", "", cell).strip() for cell in row] for row in rows]


def button(app, label):
    return next(button for button in app.button if button.label == label)


def findings_of(data, initializations, runs, method="kmeans", **options):
    study = RestartStudy.of(data, settings(method, **options), RecentCache())
    RemainingRuns.of(study, initializations, runs).resume(lambda *_: None)
    return study.findings(initializations, runs)


def three(seed=0):
    return catalog.draw_sample("three", 100, seed, {})


def expected(found):
    return len(found.runs), len(found.solutions), found.reached_count, format_number(found.best.loss)


def test_it_opens_with_a_hundred_runs_of_three_initializations():
    app = opened("/restarts")
    assert not app.error
    assert [title.value for title in app.title] == ["Restarts"]
    found = findings_of(catalog.draw_sample("three", 500, 0, {}), DEFAULTS, 100)
    assert summary(app) == expected(found)
    headers, *rows = table(app)
    assert headers[:4] == ["Initialization", "Runs", "Best loss reached", "Best loss"]
    assert [row[0] for row in rows] == [f"● {initializations()[name].label}" for name in DEFAULTS]
    assert [row[1:4] for row in rows] == [
        ["100", f"{row.best_loss_rate:.1%}", format_number(row.best_loss)] for row in found.scores
    ]
    assert headers[5:7] == ["Centroid index (mean)", "Runs with centroid index 0"]
    assert [row[5:7] for row in rows] == [
        [f"{row.mean_centroid_index:.2f}", f"{row.success_rate:.1%}"] for row in found.scores
    ]
    assert not any(header.startswith("Published") for header in headers)
    assert len(app.get("plotly_chart")) == 2
    box = next(box for box in app.selectbox if box.label == "Select a run (best first)")
    assert box.index == 0
    assert box.options[0].endswith(f": {label_of_run(found.best.initialization, found.best.seed)}")  # the bold curve


@pytest.mark.parametrize(
    ("algorithm", "names", "runs"),
    [("kmedoids", ["build", "maxmin"], ["1", "10"]), ("mixture", ["k-means", "maxmin"], ["10", "10"])],
)
def test_every_algorithm_has_its_own_initializations(algorithm, names, runs):
    labels = [initializations()[name].label for name in names]
    app = opened(f"{SMALL}&algorithm={method(algorithm).title}&ways_{algorithm}={labels[0]}")
    app.multiselect(key=f"ways_{algorithm}").set_value(names).run()
    assert not app.exception
    assert "ways_kmeans" not in {box.key for box in app.multiselect}
    assert summary(app) == expected(findings_of(three(), names, 10, algorithm))
    assert ("BUILD is deterministic, so one run is enough." in messages(app)) == (algorithm == "kmedoids")
    assert [row[1] for row in table(app)[1:]] == runs


def test_without_an_initialization_there_is_an_error_message_only():
    app = opened(SMALL)
    app.multiselect(key="ways_kmeans").set_value([]).run()
    assert not app.exception
    assert list(map(plain_text, app.error)) == ["Choose at least one initialization."]
    assert not app.get("plotly_chart")
    app.multiselect(key="ways_kmeans").set_value(["maxmin"]).run()
    assert not app.error
    assert summary(app)[0] == 10


def test_more_runs_keep_the_finished_ones_and_fewer_select_the_first_ones():
    app = opened(SMALL)
    first = summary(app)
    study = latest(app, "restarts")
    before = dict(study.finished)
    app.number_input(key="runs").set_value(20).run()
    assert summary(app)[0] == 60
    assert all(study.finished[task] is run for task, run in before.items())
    assert len(before) == 30
    assert len(study.finished) == 60
    app.number_input(key="runs").set_value(10).run()
    assert summary(app) == first
    assert len(study.finished) == 60


def test_the_first_run_has_the_first_seed():
    app = opened(f"{SMALL}&first_seed=40")
    found = findings_of(three(), DEFAULTS, 10, seed=40)
    assert summary(app) == expected(found)
    assert min(run.seed for run in found.runs) == 40


@pytest.fixture(scope="module")
def page():
    """A page on which the examples, with 20 runs each, are selected one after the other."""
    with pytest.MonkeyPatch.context() as patch:
        for name, example in EXAMPLES.items():
            patch.setitem(EXAMPLES, name, replace(example, runs=20))
        yield opened(SMALL)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_shows_its_text_and_runs_and_its_link_does_too(page, name):
    example = EXAMPLES[name]
    page.button_group(key=EXAMPLE).set_value(name).run()
    assert not page.exception
    assert not page.error
    assert [info.value for info in page.info] == [example.text]
    assert {key: page.session_state[key] for key in example.state()} == example.state()
    assert summary(page)[0] == 4 * 20
    headers, *rows = table(page)
    assert len(rows) == 4
    if name == "s1":
        assert [row[headers.index("Published: runs with index 0")] for row in rows] == ["3%", "–", "–", "–"]
        assert [row[headers.index("Published: mean index")] for row in rows] == ["1.8–1.95", "0.94", "–", "0.7"]
        known = method("kmeans").published(page.session_state["last data"], settings("kmeans", 15))
        assert format_number(known.best_loss) in [row[headers.index("Best loss")] for row in rows]
    address = dict(page.query_params)
    assert example.query_params.items() <= address.items()
    pairs = [
        (key, text)
        for key, value in (address | {"runs": "10"}).items()
        for text in ([value] if isinstance(value, str) else value)
    ]
    fewer = opened("/restarts?" + "&".join(f"{key}={text}" for key, text in pairs))
    assert summary(fewer)[0] == 40
    assert ("Published: mean index" in headers) == ("Published: mean index" in table(fewer)[0]) == (name == "s1")
    assert fewer.number_input(key="k").value == example.k
    page.number_input(key="runs").set_value(10).run()
    assert not page.info  # any change deselects the example
    assert summary(fewer) == summary(page)


def test_a_stopped_job_shows_partial_results_and_can_be_resumed():
    app = opened(SMALL)
    before = summary(app)
    app.session_state["stopped"] = plots.token(three().key, settings("kmeans"), DEFAULTS, 20)
    app.number_input(key="runs").set_value(20).run()
    assert not app.exception
    assert "Stopped with 30 runs remaining. The results so far are shown." in messages(app)
    assert summary(app) == before
    button(app, "Resume").click().run()
    assert "Stopped" not in messages(app)
    assert "Resume" not in [button.label for button in app.button]
    assert summary(app) == expected(findings_of(three(), DEFAULTS, 20))
    # another job is not stopped
    app.session_state["stopped"] = plots.token(three().key, settings("kmeans"), DEFAULTS, 20)
    app.number_input(key="runs").set_value(30).run()
    assert "Stopped" not in messages(app)
    assert summary(app)[0] == 90


def test_a_job_stopped_before_its_first_run_shows_no_results():
    app = opened(SMALL)
    data = three(seed=7)
    app.session_state["stopped"] = plots.token(data.key, settings("kmeans"), DEFAULTS, 10)
    app.number_input(key="data_seed").set_value(7).run()
    assert not app.exception
    assert "Stopped with 30 runs remaining" in messages(app)
    assert not app.get("plotly_chart")
    button(app, "Resume").click().run()
    assert summary(app) == expected(findings_of(data, DEFAULTS, 10))


def test_a_distance_matrix_is_clustered_by_k_medoids():
    app = opened(f"{SMALL}&source=Built-in&table=Number words")
    assert not app.error
    assert app.selectbox(key="algorithm_given").options == ["K-medoids", "Spectral clustering"]
    assert summary(app)[0] == 30
    assert "relative to the best run, by the" in messages(app)
    app.button_group(key="source").set_value("sample").run()
    assert app.selectbox(key="algorithm").value == "kmeans"


def test_a_method_without_initialization_is_run_with_several_seeds():
    app = opened(f"{SMALL}&algorithm=Bisecting K-means&sample=Uniform noise&k=6&runs=12")
    assert not app.error
    assert not app.multiselect
    found = findings_of(app.session_state["last data"], [""], 12, "bisecting", k=6)
    assert len({run.loss for run in found.runs}) > 1
    assert summary(app) == expected(found)
    _, row = table(app)
    assert row[:2] == ["● Random seed", "12"]
    assert app.number_input(key="runs").label == "Runs"
    choice = next(box for box in app.selectbox if box.label == "Select a run (best first)")
    assert re.fullmatch(r"\S+: seed \d+", choice.options[0])
    button(app, "Open run").click().run()
    app.switch_page("pages/watch/page.py").run()
    run = latest(app, "run")
    assert (run.settings.method, run.settings.seed, run.history.losses[-1]) == ("bisecting", found.best.seed, found.best.loss)


def test_solutions_of_a_method_without_centers_are_compared_by_their_clusters():
    app = opened(f"{SMALL}&algorithm=Spectral clustering&k=3")
    assert not app.error
    text = messages(app)
    assert "number of groups without a cluster of their own, relative to the true groups, by the share of common" in text
    assert "Solid ring" not in text
    assert summary(app) == expected(findings_of(app.session_state["last data"], DEFAULTS, 10, "spectral", k=3))


def test_k_medoids_of_many_points_shows_that_it_uses_a_sample(monkeypatch):
    monkeypatch.setattr(base, "MAX_POINTS_FOR_PROXIMITIES", 80)
    app = opened(f"{SMALL}&algorithm=K-medoids&k=1")
    assert "a sample of 80 of the 100 points" in messages(app)


def test_a_solution_is_opened_on_the_watch_page_with_its_initialization_and_seed():
    app = opened(f"{SMALL}&sample=Uniform noise&k=6")
    data = app.session_state["last data"]
    found = findings_of(data, DEFAULTS, 10, k=6)
    indices = [text.split(". ")[1] for text in map(plain_text, app.caption) if ". Centroid index " in text]
    assert sorted(indices) == sorted(
        f"Centroid index {found.centroid_index(solution.best)}." for solution in found.solutions[:6]
    )
    solution = found.solutions[1]
    app.button(key="solution 1").click().run()
    assert not app.exception
    assert "" in [link.proto.page for link in app.get("page_link")]  # the link to the Watch page, which is then followed
    app.switch_page("pages/watch/page.py").run()
    assert app.selectbox(key="start_kmeans").value == solution.best.initialization
    assert app.number_input(key="seed").value == solution.best.seed
    final = next(metric.value for metric in app.metric if metric.label == "Loss")
    assert final == format_number(solution.best.loss)
    app.switch_page("pages/restarts/page.py").run()
    assert summary(app)[0] == 30  # without going to the Watch page again
