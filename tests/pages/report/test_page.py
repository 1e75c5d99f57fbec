"""The report through dashboard.py, without a browser: what is printed is what the run is."""

import html
import re
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.datasets import catalog
from pages.datasets.formatting import format_number
from pages.datasets.planes import principal_plane
from pages.export.report import report
from pages.methods import method, settings
from pages.runs import curves, pictures
from pages.runs.cache import RecentCache
from pages.runs.frames import frames_of
from pages.runs.run import make_run
from pages.runs.run_pictures import RunPictures

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
    assert told["Final loss"] == f"{format_number(run.history.losses[-1])}, the {run.history.process.loss_name}"
    assert told["Adjusted Rand index"].startswith(f"{run.agreement:.3f}")
    sizes = re.search("aria-label='Clusters'.*?</table>", page(app), re.DOTALL)[0]
    assert len(re.findall("<tr>", sizes)) == 5
    captions = re.findall("<figcaption>(.*?)</figcaption>", page(app))
    assert [caption.split(" frame")[0] for caption in captions[:3]] == ["First", "Middle", "Last"]
    assert "Converged after" in captions[2]
    assert page(app).count("src='data:image/webp;base64,") == 4
    assert ("BIC" in told) == (algorithm == "Gaussian mixture")


def report_of(run):
    """The report of a run that need not be on a page."""
    frames, left_out = frames_of(run)
    picture = pictures.picture(run, frames, principal_plane(run.data.points), "")
    return report(run, RunPictures("", frames, left_out, picture, curves.loss_curve(run, frames, "")), [], "")


def cluster_rows(text):
    """The table of the clusters: its headers, and the cells of each row."""
    one = re.search("aria-label='Clusters'.*?</table>", text, re.DOTALL)[0]
    return re.findall("<th scope='col'>(.*?)</th>", one), [
        re.findall("<td>(.*?)</td>", row) for row in re.findall("<tr>(.*?)</tr>", one)[1:]
    ]


def test_what_a_method_knows_of_each_cluster_in_one_number_or_text_is_a_column(monkeypatch):
    data = catalog.draw_sample("three", 60, 0, {})
    run = make_run(data, settings("kmeans", 2), RecentCache(), lambda _: None)
    known = {
        "spread_inside": np.array([0.5, -1.25]),
        "row": np.array([1234, -7]),
        "who": ["<b>Ann</b>", "Bob"],
        "covariance": np.zeros((2, 2, 2)),
    }
    monkeypatch.setattr(type(method("kmeans")), "cluster_columns", lambda view, run: known)
    headers, rows = cluster_rows(report_of(run))
    assert headers == ["Cluster", "Size", "Spread inside", "Row", "Who", *data.columns]
    of_cluster = dict(zip(np.argsort(run.ranks).tolist(), rows, strict=True))
    assert of_cluster[0][1:4] == ["0.5000", "1,234", "&lt;b&gt;Ann&lt;/b&gt;"]
    assert of_cluster[1][1:4] == ["−1.2500", "−7", "Bob"]


@pytest.mark.parametrize(
    ("name", "own"), [("kmeans", []), ("kmedoids", ["Medoid row", "Medoid name"]), ("mixture", ["Weight"])]
)
def test_the_columns_of_the_clusters_are_those_that_the_method_has(name, own):
    data = catalog.draw_sample("three", 60, 0, {})
    headers, _ = cluster_rows(report_of(make_run(data, settings(name), RecentCache(), lambda _: None)))
    assert headers == ["Cluster", "Size", *own, *data.columns]


def test_no_number_has_a_hyphen_for_a_minus():
    data = catalog.draw_sample("rings", 100, 0, {})
    run = next(
        run
        for seed in range(50)
        if (run := make_run(data, settings("kmeans", 2, seed=seed), RecentCache(), lambda _: None)).agreement < 0
    )
    scores = dict(re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", report_of(run)))
    assert scores["Adjusted Rand index"].startswith(f"−{-run.agreement:.3f} against")
    assert not re.search(r"-\d", re.sub("<style>.*?</style>|<figure>.*?</figure>", "", report_of(run), flags=re.DOTALL))


def test_warnings_are_printed():
    app = opened(sample="Unequal spreads", n="100", k="5", seed="30")
    assert "lost all points" in re.search("<h3>Warnings</h3>(.*?)<h3>", page(app))[1]
    assert "<p>None.</p>" in re.search("<h3>Warnings</h3>(.*?)<h3>", page(opened(n="100")))[1]


def test_centers_placed_by_hand_come_by_the_address_and_are_printed():
    app = opened(start_kmeans="Manual", centers="-5,0.5;0,1;4.5,-1", n="100")
    assert pairs(app)["Placed at"] == "−5, 0.5; 0, 1; 4.5, −1"
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
