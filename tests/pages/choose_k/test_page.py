"""The Choose K page without a browser."""

import re

import pytest

from clustering import adjusted_rand_index, fowlkes_mallows_index, purity
from pages.choose_k.sweep import INITIALIZATION
from pages.choose_k.verdict import NAMES
from pages.datasets import catalog
from pages.datasets.data import Data
from pages.datasets.formatting import format_number
from pages.methods import settings
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
