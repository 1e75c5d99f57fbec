"""The Choose K page without a browser."""

import re

import numpy as np
import pytest

from clustering import adjusted_rand_index, fowlkes_mallows_index, purity
from pages.choose_k.sweep import INITIALIZATION
from pages.choose_k.verdict import NAMES
from pages.datasets import catalog
from pages.datasets.data import Data
from pages.datasets.formatting import format_number
from pages.methods import method, methods, settings
from pages.runs.cache import RecentCache
from pages.runs.run import make_run
from tests.pages.app import latest, opened

pytestmark = pytest.mark.usefixtures("few_resamples")
POINT_CRITERIA = [name for key, name in NAMES.items() if key not in ("bic", "icl", "aic")]


def headline(app):
    return app.main.subheader[0].value.replace("\\", "")


def criteria(app):
    table = next(e.proto.body for e in app.get("html") if "Suggested K by criterion" in e.proto.body)
    return [re.search("<th scope='row'>(.*?)</th>", row)[1] for row in re.findall("<tr>(.*?)</tr>", table)[1:]]


def run_buttons(app):
    return [button for button in app.button if button.label.startswith("K = ")]


def test_it_shows_the_criteria_and_the_clusters_for_each_k_and_opens_a_run():
    app = opened("/choose_k?n=200&best_of=3")
    assert not app.error
    assert [title.value for title in app.title] == ["Choose K"]
    assert headline(app).startswith("Suggested K: 3 (Silhouette")
    assert criteria(app) == POINT_CRITERIA
    known = next(e.proto.body for e in app.get("html") if "Agreement with the true labels by K" in e.proto.body)
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall("<tr>(.*?)</tr>", known)]
    best = latest(app, "sweep").results["data", 3]
    labels = catalog.draw_sample("three", 200, 0, {}).labels
    assert rows[0][:3] == ["K", "Adjusted Rand index", "V-measure"]
    assert rows[3][:2] == ["3", f"{adjusted_rand_index(labels, best.labels):.3f}"]
    assert rows[3][5:] == [f"{fowlkes_mallows_index(labels, best.labels):.3f}", f"{purity(labels, best.labels):.3f}"]
    assert "Scores (CSV)" in [one.proto.label for one in app.get("download_button")]
    buttons = run_buttons(app)
    assert [button.label.split(",")[0] for button in buttons] == [f"K = {k}" for k in range(1, 9)]
    buttons[3].click().run()
    assert not app.exception
    app.switch_page("pages/watch/page.py").run()
    assert app.number_input(key="k").value == 4
    assert app.selectbox(key="start_kmeans").value == INITIALIZATION
    assert f"loss {next(m.value for m in app.metric if m.label == 'Loss')}" in buttons[3].label


def test_uniform_noise_is_no_evidence_for_clusters():
    app = opened("/choose_k?n=100&k_up_to=4&best_of=2&sample=Uniform noise")
    assert headline(app).startswith("Most criteria find no evidence for more than one cluster")


def test_a_distance_matrix_is_judged_by_fixed_thresholds():
    app = opened("/choose_k?k_up_to=4&best_of=2&source=Built-in&table=Number words")
    assert not app.error
    assert criteria(app) == [NAMES[name] for name in ("elbow", "silhouette", "stability")]
    assert any("Without reference data, fixed thresholds apply" in caption.value for caption in app.caption)


def test_the_chosen_options_of_the_method_are_used():
    data = catalog.draw_sample("uniform", 100, 0, {"d": 2})
    app = opened("/choose_k?sample=Uniform noise&n=100&k_up_to=6&best_of=1&algorithm=K-medoids&kmedoids_update=Best swap")
    assert latest(app, "sweep").settings.option("update") == "steepest swap"
    labels = [
        f"K = 6, loss {format_number(make_run(data, chosen, RecentCache(), lambda _: None).history.last.loss)}"
        for update in ("steepest swap", "alternating", "swap")
        for chosen in [settings("kmedoids", 6, INITIALIZATION, data=data, update=update)]
    ]
    assert len(set(labels)) == 3  # each update ends at another loss
    assert run_buttons(app)[5].label == labels[0]


@pytest.mark.parametrize("n", [4, 9])
def test_few_points_have_all_criteria_and_every_k_below_their_number(n, monkeypatch):
    points = catalog.draw_sample("three", 300, 0, {}).points[:n]
    monkeypatch.setattr(catalog, "draw_sample", lambda *_: Data(f"few {n}", "Few", ("a", "b"), points))
    app = opened("/choose_k?best_of=2")
    assert not app.error
    assert criteria(app) == POINT_CRITERIA
    assert [button.label.split(",")[0] for button in run_buttons(app)] == [f"K = {k}" for k in range(1, n)]


TUNED = [name for name, view in methods().items() if view.tuned is not None]


@pytest.mark.one_in(2)
@pytest.mark.parametrize("name", TUNED)
def test_the_main_option_of_a_method_that_finds_k_is_on_the_axis(name):
    view = method(name)
    app = opened(f"/choose_k?n=50&sample=Round groups&round_distance=12&algorithm={view.title}&first_seed=2")
    assert not app.error
    assert not app.warning
    assert [title.value for title in app.title] == ["Choose K"]
    assert any(f"depends on {view.tuned.phrase}, which is chosen here instead of K" in each.value for each in app.caption)
    sweep = latest(app, "sweep")
    assert (sweep.settings.method, sweep.settings.seed, sweep.axis.option) == (name, 2, view.tuned.name)
    assert f"{view.name}_{view.tuned.name}" not in {widget.key for widget in app.number_input}
    assert not {"k_up_to", "best_of"} & {widget.key for widget in app.number_input}
    assert headline(app).startswith(f"Suggested {view.tuned.title}: ")
    body = next(e.proto.body for e in app.get("html") if f"Suggested {view.tuned.title} by criterion" in e.proto.body)
    rows = re.findall(r"<th scope='row'>(.*?)</th>", body)
    assert rows == ["Longest range", "Silhouette", *(["DBCV"] * view.traits.noise), "Stability"]
    titles = [each.value.strip("*") for each in app.markdown]
    assert {"Number of clusters", "Silhouette", "Stability"} <= set(titles)
    assert ("Share of noise" in titles) == view.traits.noise
    known = next(e.proto.body for e in app.get("html") if "Agreement with the true labels by" in e.proto.body)
    assert known.count("<tr>") == 1 + len(sweep.axis.values)
    assert "Scores (CSV)" in [one.proto.label for one in app.get("download_button")]
    shown = [button for button in app.button if re.fullmatch(r"[\d.]+: (no|\d+) clusters?", button.label)]
    assert 4 <= len(shown) <= 8
    three = next(button for button in reversed(shown) if button.label.endswith(": 3 clusters"))
    three.click().run()
    assert not app.exception
    app.switch_page("pages/watch/page.py").run()
    assert app.selectbox(key="algorithm").value == name
    run = latest(app, "run")
    assert f"{run.settings.option(view.tuned.name):g}: {run.k} clusters" == three.label


@pytest.mark.parametrize("name", TUNED)
@pytest.mark.parametrize("points", [[[1.0, 2.0]], [[1.0, 2.0]] * 9], ids=["one point", "identical points"])
def test_without_a_distance_there_is_a_sentence_instead(name, points, monkeypatch):
    data = Data(f"{len(points)} equal", "Equal", ("a", "b"), np.array(points))
    monkeypatch.setattr(catalog, "draw_sample", lambda *_: data)
    app = opened(f"/choose_k?algorithm={method(name).title}")
    assert [error.value.replace("\\", "") for error in app.error] == [
        "All points are identical, so there is only one cluster."
    ]


@pytest.mark.parametrize("name", TUNED)
def test_few_points_have_curves_for_every_method(name, monkeypatch):
    points = catalog.draw_sample("three", 300, 0, {}).points[:4]
    monkeypatch.setattr(catalog, "draw_sample", lambda *_: Data("few 4", "Few", ("a", "b"), points))
    app = opened(f"/choose_k?algorithm={method(name).title}")
    assert not app.error
    assert app.main.subheader[0].value
