"""Mini-batch K-means on the pages of the app."""

import numpy as np
import pytest

from clustering import MiniBatchKMeans, fit
from pages.datasets.planes import column_plane
from pages.export import scripts
from pages.methods import method, settings
from pages.methods.base import NoScript
from pages.runs.cache import RecentCache
from pages.runs.run import make_run
from pages.ui.widgets import new_start
from tests.pages.app import latest, opened
from tests.pages.checks import sample

RISES = "It can rise from one iteration to the next"


def run_of(start="random", **options):
    data = sample(n=200)
    return make_run(data, settings("minibatch", 3, start, 1, data=data, **options), RecentCache(), lambda state: None)


def test_watch_shows_the_same_results_as_the_core_and_says_that_the_loss_can_rise():
    app = opened("/?algorithm=Mini-batch K-means&n=100&minibatch_batch=20")
    assert not app.error
    run = latest(app, "run")
    assert run.history.losses[-1] == fit(MiniBatchKMeans(3, 20, init="random"), run.data.points, rng=1).loss
    assert any(RISES in caption.value for caption in app.caption)
    app = opened("/?n=100")
    assert not any(RISES in caption.value for caption in app.caption)


def test_the_points_of_the_batch_are_circled_while_they_move_the_centers():
    run = run_of(batch=10)
    plane = column_plane(run.data.columns, 0, 1)
    for i, state in enumerate(run.history.states):
        circled = run.view.highlight(run, i, plane)
        assert (circled is None) == (state.phase != "M")
        if circled is not None:
            np.testing.assert_array_equal(circled, run.data.points[state.parameters.batch])


def test_captions_say_when_the_loss_rose():
    run = run_of(batch=10)
    rose = np.flatnonzero(np.diff(run.history.losses) > 0) + 1
    assert rose.size
    sentences = {
        state.iteration: run.view.sentence(run, i) for i, state in enumerate(run.history.states) if state.phase == "E"
    }
    assert [t for t, sentence in sentences.items() if "the loss rose to" in sentence] == rose.tolist()


def test_a_new_random_seed_gives_another_run_also_from_the_cut_of_a_tree():
    tree = method("minibatch").settings(3, "tree")
    callback, why_not = new_start(tree)
    assert callback is not None
    assert why_not == ""
    assert new_start(method("kmeans").settings(3, "tree"))[0] is None


def test_the_scikit_learn_script_lists_the_batches_unless_they_are_too_many(monkeypatch):
    run = run_of()
    assert "batches = [[" in scripts.with_scikit_learn(run)
    with pytest.raises(NoScript, match="fewer points than clusters"):
        scripts.with_scikit_learn(run_of(batch=2))
    monkeypatch.setattr("pages.methods.mini_batch_kmeans.MAX_LISTED", 100)
    with pytest.raises(NoScript, match="would have to list the"):
        scripts.with_scikit_learn(run)
