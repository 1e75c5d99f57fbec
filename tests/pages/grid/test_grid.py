"""The Grid page without a browser, and its runs."""

import base64
import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import adjusted_rand_score

from pages.datasets import catalog
from pages.datasets.planes import column_plane
from pages.figures.thumbnails import thumbnail
from pages.grid import study as module
from pages.grid.study import SAMPLES, Cell, GridStudy, RemainingCells, Result
from pages.methods import method, methods_for_points
from pages.methods.traits import COMPARE
from pages.runs.cache import RecentCache
from tests.pages.app import latest, opened

SMALL = (
    "/grid?grid_n=100&grid_samples=Round groups&grid_samples=Uniform noise&grid_methods=K-means&grid_methods=Gaussian mixture"
)


def cells(app):
    return {button.key.removeprefix("grid cell "): button for button in app.button if button.key.startswith("grid cell")}


def images(app):
    return [found for e in app.get("html") for found in re.findall("<img src='([^']*)'.* alt='([^']*)'", e.proto.body)]


def test_each_cell_has_a_picture_its_score_and_its_time():
    app = opened(SMALL)
    found = cells(app)
    assert list(found) == ["round kmeans", "round mixture", "uniform kmeans", "uniform mixture"]
    study = latest(app, "grid")
    for name, button in found.items():
        result = study.finished[Cell(*name.split())]
        score = "no true groups" if name.startswith("uniform") else f"{result.agreement:.2f}"
        assert re.fullmatch(rf"{score}, [\d.]+ m?s", button.label)
    assert [alt for _, alt in images(app)] == [
        f"{algorithm}, {sample}: points colored by cluster."
        for sample in ("Round groups", "Uniform noise")
        for algorithm in ("K-means", "Gaussian mixture")
    ]
    assert len({source for source, _ in images(app)}) == 4
    assert not app.error


def test_a_cell_opens_its_run_on_the_watch_page():
    app = opened(f"{SMALL}&grid_seed=5")
    result = latest(app, "grid").finished[Cell("round", "mixture")]
    cells(app)["round mixture"].click().run()
    assert not app.exception
    app.switch_page("pages/watch/page.py").run()
    run = latest(app, "run")
    assert run.settings == result.settings
    np.testing.assert_array_equal(run.data.points, GridStudy(100, 5).data("round").points)
    assert run.agreement == pytest.approx(result.agreement)


def test_something_must_be_chosen():
    app = opened(SMALL)
    app.multiselect(key="grid_samples").set_value([]).run()
    assert "at least one algorithm and one data set" in app.error[0].value
    assert not cells(app)


def test_scores_are_those_of_the_best_start_and_are_kept(monkeypatch):
    study = GridStudy(100, 0)
    RemainingCells.of(study, ["moons"], ["kmeans"]).resume(lambda *_: None)
    result = study.finished[Cell("moons", "kmeans")]
    data = catalog.draw_sample("moons", 100, 0, {})
    runs = {
        seed: module.make_run(data, method("kmeans").settings(2, seed=seed), RecentCache(), lambda _: None)
        for seed in range(1, 11)
    }
    best = runs[result.settings.seed]
    assert best.history.losses[-1] == pytest.approx(min(run.history.losses[-1] for run in runs.values()))
    assert result.agreement == pytest.approx(adjusted_rand_score(data.labels, best.labels))
    assert result.clusters == 2
    rest = RemainingCells.of(study, ["moons", "rings"], ["kmeans"])
    assert rest.tasks == (Cell("rings", "kmeans"),)

    def refuse(*arguments):
        raise ValueError("the points are too few")

    monkeypatch.setattr(module, "make_run", refuse)
    rest.resume(lambda *_: None)
    assert study.finished[Cell("rings", "kmeans")].error == "the points are too few"
    assert study.finished[Cell("rings", "kmeans")].picture == ""


@pytest.mark.one_in(3)
@pytest.mark.parametrize("name", list(methods_for_points(COMPARE)))
def test_every_method_has_a_cell_for_every_data_set(name):
    study = GridStudy(50, 0)
    for sample, k in SAMPLES.items():
        result = study.result(Cell(sample, name), lambda _: None)
        assert isinstance(result, Result)
        assert not result.error
        assert result.picture.startswith("data:image/svg+xml;base64,")
        assert (result.agreement is None) == (sample == "uniform")
        if method(name).traits.k == "chosen":
            assert result.clusters == k


def test_noise_is_gray_in_small_images():
    data = catalog.draw_sample("round", 50, 0, {})
    plane = column_plane(data.columns, 0, 1)

    def picture(labels):
        return base64.b64decode(thumbnail(data, plane, labels, np.empty((0, 2))).partition(",")[2]).decode()

    noise = np.full(50, -1)
    assert picture(noise) != picture(np.zeros(50, dtype=int))
    [points] = re.findall("<image href='data:image/png;base64,([^']*)'", picture(noise))
    colors = np.asarray(Image.open(BytesIO(base64.b64decode(points))).convert("RGBA"))
    assert [140, 140, 150] in colors[colors[..., 3] > 0][:, :3].tolist()
