"""The Report page without a browser: the report describes the run."""

import html
import re

import numpy as np
import pytest
import scipy

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
from pages.runs.segments import Edit
from pages.ui.segments import EDITS
from tests.pages.app import latest, opened, opened_with_pasted


def page(app):
    return next(element.proto.body for element in app.get("html") if "class='report'" in element.proto.body)


def pairs(app):
    return {name: html.unescape(value) for name, value in re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", page(app))}


def section(text, title):
    """The text below a heading, without tags."""
    return html.unescape(re.sub("<.*?>", "", re.search(f"<h3>{title}</h3>(.*?)<(?:h3|div)", text)[1]))


def settings_in(text):
    """The settings that the paragraph about the method names, as one text."""
    return re.search("It ran with these settings: (.*?)\\. ", section(text, "Method and settings"))[1]


def run_of(app):
    return latest(app, "run")


@pytest.mark.parametrize("algorithm", ["K-means", "K-medoids", "Gaussian mixture"])
def test_the_report_contains_settings_scores_sizes_and_four_plots(algorithm):
    app = opened(f"/report?algorithm={algorithm}&k=4&n=60&seed=7")
    run, values = run_of(app), pairs(app)
    assert f"{algorithm}, K = 4: Three Gaussians. " in page(app)
    paragraph = section(page(app), "Method and settings")
    assert paragraph.startswith(f"The segments are the {run.view.traits.cluster}s of {algorithm}. ")
    named = settings_in(page(app))
    assert named.startswith("Clusters (K) = 4, Initialization = ")
    assert "Random seed = 7" in named
    for option in run.view.options:
        assert f"{option.label} = {option.label_of(run.settings.option(option.name))}" in named
    for package in (np, scipy):
        assert package.__version__ in paragraph
    assert "The columns are x1 and x2. They were not scaled." in paragraph
    assert values["Status"] == f"Converged after {run.history.iterations} iterations"
    definition = run.history.process.loss_name.replace(" (nats per point)", ", nats per point")
    assert values["Final loss"] == f"{format_number(run.history.losses[-1])} ({definition})"
    assert values["Adjusted Rand index"].startswith(f"{run.agreement:.3f}")
    sizes = re.search("aria-label='Clusters'.*?</table>", page(app), re.DOTALL)[0]
    assert len(re.findall("<tr>", sizes)) == 5
    captions = re.findall("<figcaption>(.*?)</figcaption>", page(app))
    assert [caption.split(" frame")[0] for caption in captions[:3]] == ["First", "Middle", "Last"]
    assert "Converged after" in captions[2]
    assert page(app).count("src='data:image/webp;base64,") == 4
    assert ("BIC" in values) == (algorithm == "Gaussian mixture")
    assert "There were no warnings." in section(page(app), "Quality")
    assert re.search(r"Three Gaussians\. [A-Z][a-z]+ [1-9]\d?, \d{4}</p>", page(app))  # the date


def report_of(run):
    """The report of a run, without a page."""
    frames, omitted_note = frames_of(run)
    picture = pictures.picture(run, frames, principal_plane(run.data.points), "")
    return report(run, RunPictures("", frames, omitted_note, picture, curves.curve_of(run, frames, "")), [], "")


def cluster_rows(text):
    """The headers of the table of clusters, and the cells of each row."""
    table = re.search("aria-label='Clusters'.*?</table>", text, re.DOTALL)[0]
    return re.findall("<th scope='col'>(.*?)</th>", table), [
        re.findall("<td>(.*?)</td>", row) for row in re.findall("<tr>(.*?)</tr>", table)[1:]
    ]


def test_each_value_of_a_method_that_is_one_number_or_text_per_cluster_is_a_column(monkeypatch):
    data = catalog.draw_sample("three", 30, 0, {})
    run = make_run(data, settings("kmeans", 2), RecentCache(), lambda _: None)
    values = {
        "spread_inside": np.array([0.5, -1.25]),
        "row": np.array([1234, -7]),
        "who": ["<b>Ann</b>", "Bob"],
        "covariance": np.zeros((2, 2, 2)),
    }
    monkeypatch.setattr(type(method("kmeans")), "cluster_columns", lambda view, run: values)
    headers, rows = cluster_rows(report_of(run))
    assert headers == ["Cluster", "Size", "Spread inside", "Row", "Who", *data.columns]
    of_cluster = dict(zip(np.argsort(run.ranks).tolist(), rows, strict=True))
    assert of_cluster[0][1:4] == ["0.5000", "1,234", "&lt;b&gt;Ann&lt;/b&gt;"]
    assert of_cluster[1][1:4] == ["−1.2500", "−7", "Bob"]


@pytest.mark.parametrize(
    ("name", "own"), [("kmeans", []), ("kmedoids", ["Medoid row", "Medoid name"]), ("mixture", ["Weight"])]
)
def test_the_table_of_clusters_has_the_columns_of_the_method(name, own):
    data = catalog.draw_sample("three", 30, 0, {})
    content = report_of(make_run(data, settings(name), RecentCache(), lambda _: None))
    headers, _ = cluster_rows(content)
    assert headers == ["Cluster", "Size", *own, *data.columns]
    assert ("Size: sum of responsibilities." in content) == (name == "mixture")


def test_negative_numbers_have_a_minus_sign_not_a_hyphen():
    data = catalog.draw_sample("rings", 60, 0, {})
    run = next(
        run
        for seed in range(50)
        if (run := make_run(data, settings("kmeans", 2, seed=seed), RecentCache(), lambda _: None)).agreement < 0
    )
    text = report_of(run)
    scores = dict(re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", text))
    assert scores["Adjusted Rand index"].startswith(f"−{-run.agreement:.3f} vs.")
    assert not re.search(r"-\d", re.sub("<style>.*?</style>|<figure>.*?</figure>", "", text, flags=re.DOTALL))


def test_the_report_contains_warnings():
    text = page(opened("/report?sample=Unequal spreads&n=100&k=5&seed=30"))
    assert re.search("<p class='warning'>.*empty.*?</p>", text)
    assert "There were no warnings." not in text


def test_centers_in_the_link_are_used_and_reported():
    app = opened("/report?start_kmeans=Manual&centers=-5,0.5;0,1;4.5,-1&n=50")
    assert "Initial centers = −5, 0.5; 0, 1; 4.5, −1" in section(page(app), "Method and settings")
    assert run_of(app).history.parameters[0].tolist() == [[-5, 0.5], [0, 1], [4.5, -1]]


def test_manual_initialization_starts_at_the_centers_that_the_watch_page_proposes():
    app = opened("/?start_kmeans=Manual&n=50&seed=4")
    proposed = run_of(app).history.parameters[0].tolist()
    app.switch_page("pages/report/page.py").run()
    assert run_of(app).history.parameters[0].tolist() == proposed
    app.number_input(key="seed").set_value(9).run()
    assert run_of(app).history.parameters[0].tolist() != proposed


def test_centers_are_removed_from_the_address_with_another_initialization():
    app = opened("/report?start_kmeans=Manual&n=50")
    assert "centers" in app.query_params
    app.selectbox(key="start_kmeans").set_value("random").run()
    assert not app.exception
    assert "centers" not in app.query_params


def test_the_report_on_a_distance_matrix_has_no_coordinates():
    app = opened("/report?source=Built-in&table=Number words&algorithm=K-medoids")
    assert "edit distances" in page(app)
    assert "coordinates of the cluster" not in page(app)
    assert "The last 2 columns contain coordinates of the cluster centers." in page(opened("/report?n=50"))


def test_column_names_with_markup_are_escaped():
    app = opened_with_pasted("<img src=x onerror=alert(1)>,b\n1,2\n2,1\n8,9\n9,8\n")
    app.switch_page("pages/report/page.py").run()
    assert not app.exception
    assert "<img src=x" not in page(app)
    assert "&lt;img src=x" in page(app)
    assert "Uploaded data cannot be included in a link." in page(app)


def test_the_report_shows_the_names_and_edits_of_the_session():
    app = opened("/report?n=50&k=4")
    run = run_of(app)
    edits = (Edit("merge", (0, 1)), Edit("rename", (0,), name="Regulars"))
    app.session_state[EDITS] = {(run.data.key, run.settings): edits}
    app.run()
    assert not app.exception
    text = page(app)
    assert " fall into 3 segments; " in text
    blocks = re.findall("<section class='segment'>(.*?)</section>", text)
    assert [name in block for name, block in zip(("Regulars", "Segment 2", "Segment 3"), blocks, strict=True)] == [True] * 3
    assert "The segments were then edited by hand: 1 merger." in section(text, "Method and settings")


def test_methods_without_clusters_have_settings_and_results_first():
    app = opened("/report?n=50&algorithm=Probabilistic PCA")
    assert pairs(app)["Algorithm"] == "Probabilistic PCA"
    assert "<p>None.</p>" in page(app)
    assert "<section class='segment'>" not in page(app)


def test_names_are_in_the_table_of_clusters_which_are_those_before_edits_by_hand():
    before = "The run and its clusters, before they were edited by hand."
    text = page(opened('/report?n=60&edits=[["rename",[0],[],"Loyal <b>"]]'))
    assert "1: Loyal &lt;b&gt;</th>" in text
    assert before not in text
    assert before in page(opened('/report?n=60&edits=[["merge",[0,1]]]'))
