"""The playlist: built, edited, kept and stepped through; and each sentence of the ready-made one is true."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.spatial.distance import cdist
from streamlit.testing.v1 import AppTest

from pages.choose_k.verdict import KVerdict
from pages.export.playlist import Playlist, Step, from_json
from pages.export.tab_store import TabStore
from pages.runs.frames import aligned_frames
from pages.runs.random_starts import MANY_STARTS, RandomStarts
from pages.ui import playlist as module
from pages.ui import project as project_module
from pages.ui.playlist import BAR, OPENING, PLAYLIST, SELECTED, SHOWN, is_step, ready_made
from pages.ui.project import LATEST
from tests.pages.app import DASHBOARD, component, latest, opened
from tests.pages.ui.test_project import reloaded

THREE = Playlist("Lecture", tuple(Step(name, f"?k={k}") for k, name in enumerate("ABC", start=2)))


def with_playlist(link="/?n=50", playlist=THREE, **state):
    app = opened(link)
    app.session_state[PLAYLIST] = playlist
    for name, value in state.items():
        app.session_state[name] = value
    return app


def dialog(app):
    """Opens the dialog; a click in it ends the run, and the dialog is closed."""
    button = app.button(key="open playlist")
    assert button.label == "Playlist"
    button.click().run()
    assert not app.exception
    return app


def press(app, label):
    next(button for button in dialog(app).button if button.label == label).click().run()
    assert not app.exception


def titles(app):
    return "".join(step.title for step in app.session_state[PLAYLIST].steps)


def test_a_view_is_added_with_its_settings_and_frame():
    app = opened("/?n=50&k=4&present=1")
    app.query_params["frame"] = "2"
    press(app, "Add to playlist")
    [step] = app.session_state[PLAYLIST].steps
    assert (step.title, step.page, step.address) == ("Watch: Three Gaussians", "", {"n": ["50"], "k": ["4"], "frame": ["2"]})
    app = opened("/choose_k?n=50&k_up_to=3&best_of=1")  # without a player
    press(app, "Add to playlist")
    assert "frame" not in app.session_state[PLAYLIST].steps[0].address


def test_the_frame_that_is_shown_without_stepping_is_the_last_one():
    app = opened("/?n=50")
    press(app, "Add to playlist")
    assert app.session_state[PLAYLIST].steps[0].address["frame"] == [str(component(app, "player")["rest"])]


def test_steps_are_reordered_renamed_and_removed():
    app = with_playlist(**{SELECTED: 0})
    press(app, "Move down")
    assert titles(app) == "BAC"
    press(app, "Move down")
    assert titles(app) == "BCA"
    press(app, "Move up")
    assert titles(app) == "BAC"
    dialog(app).text_input(key="step title").set_value("Start").run()
    dialog(app).text_input(key="step sentence").set_value("Look at\x00 this.").run()
    changed = app.session_state[PLAYLIST].steps[1]
    assert (changed.title, changed.sentence, changed.link) == ("Start", "Look at this.", "?k=2")
    press(app, "Remove")
    assert titles(app) == "BC"
    dialog(app).text_input(key="playlist title").set_value("First lecture").run()
    assert app.session_state[PLAYLIST].title == "First lecture"


def test_the_toggle_names_the_pages_whose_player_can_fill_the_window():
    dashboard = Path(DASHBOARD)
    titles = dict(re.findall(r'"pages/(\w+)/page\.py",[^)]*?title="([^"]+)"', dashboard.read_text()))
    folders = {path.parent.name for path in dashboard.parent.glob("pages/*/*.py") if "Stage(" in path.read_text()} - {"ui"}
    help = dialog(with_playlist()).toggle(key="step presented").help
    named = re.split(", | and ", help.removeprefix("Only for ").removesuffix("."))
    assert sorted(named) == sorted(titles[folder] for folder in folders)


def test_the_select_box_names_what_it_selects_and_the_number_of_steps():
    app = dialog(with_playlist())
    assert app.selectbox(key="step of the playlist").label == "Step to edit (of 3)"


def test_the_bar_shows_the_step_and_asks_the_browser_once_to_open_its_link():
    app = with_playlist()
    press(app, "Present")
    assert (app.session_state[SHOWN], app.session_state[OPENING][1]) == (0, True)
    found = component(app, BAR)
    assert (found["title"], found["index"], found["count"]) == ("A", 0, 3)
    assert found["open"]["link"] == "?k=2"
    assert found["open"]["present"]
    assert found["open"]["presented"]


def test_a_browser_can_only_ask_for_steps_that_exist(monkeypatch):
    monkeypatch.setattr(module, "playlist", lambda: THREE)
    assert [wanted for wanted in (-1, 0, 2, 3, True, "1", None, 1.0) if is_step(wanted)] == [0, 2]


def test_a_playlist_is_part_of_the_project_and_a_damaged_one_is_ignored(monkeypatch):
    app = with_playlist()
    app.run()
    project = app.session_state[LATEST]
    assert from_json(json.dumps(project.state["playlist"]).encode()) == THREE
    assert "playlist" not in opened("/?n=50").session_state[LATEST].state
    store = TabStore(None)
    monkeypatch.setattr(project_module, "_store", lambda: store)
    assert reloaded(store, project).session_state[PLAYLIST] == THREE
    project.state["playlist"]["steps"] = [3]
    assert PLAYLIST not in reloaded(store, project).session_state


def test_the_playlist_of_a_project_closes_the_bar_of_another_one_and_a_project_without_one_leaves_it():
    def script():
        import streamlit as st

        from pages.ui.playlist import expect_playlist

        expect_playlist(st.session_state["found"])

    other = Playlist("Other", THREE.steps[:2])
    for found, expected in ((None, (THREE, 1, 2)), ({"steps": 3}, (THREE, 1, 2)), (other.content(), (other, None, 0))):
        app = AppTest.from_function(script)
        for name, value in {PLAYLIST: THREE, SHOWN: 1, SELECTED: 2, "found": found}.items():
            app.session_state[name] = value
        app.run()
        assert not app.exception
        assert tuple(app.session_state[name] for name in (PLAYLIST, SHOWN, SELECTED)) == expected


def test_a_step_is_added_to_the_open_playlist_without_closing_its_bar():
    app = with_playlist(**{SHOWN: 1})
    press(app, "Add to playlist")
    assert titles(app).startswith("ABC")
    assert (app.session_state[SHOWN], app.session_state[SELECTED]) == (1, 3)
    press(app, ready_made().title)
    assert (app.session_state[PLAYLIST], app.session_state[SHOWN], app.session_state[SELECTED]) == (ready_made(), None, 0)


def test_a_link_with_a_frame_opens_there_and_a_frame_that_does_not_exist_is_reported():
    app = opened("/?n=50&frame=3")
    assert component(app, "player")["frame"] == 3
    assert not app.warning
    app.run()
    assert component(app, "player")["frame"] is None  # the player has another frame since
    for wrong in ("999", "-1", "1.5", "²", "9" * 30, ""):
        app = opened(f"/?n=50&frame={wrong}")
        assert component(app, "player")["frame"] is None
        assert "frame" in app.warning[0].value
    assert "frame" in opened("/data?frame=1").warning[0].value


# The ready-made playlist


def view(number):
    """The step with this number, counted from 1, and the app opened at its link."""
    step = ready_made().steps[number - 1]
    app = opened(f"/{step.link.replace('+', ' ')}")
    assert not app.error
    assert not app.warning
    assert app.session_state["page"] == step.page
    return step, app


def shown(number):
    """The run of a step, or its several runs, and the frames that are shown of them."""
    step, app = view(number)
    runs = latest(app, "comparison").runs if step.page == "compare" else [latest(app, "run")]
    frame, (frames, _) = int(step.address["frame"][0]), aligned_frames(runs)
    assert frame < max(map(len, frames))
    found = [(run, one[min(frame, len(one) - 1)]) for run, one in zip(runs, frames, strict=True)]
    return found if len(found) > 1 else found[0]


def nearest(run, state):
    return cdist(run.data.points, run.centers[state]).argmin(axis=1)


def labels_at(run, frame):
    return run.history.assignment(frame.assigned).labels


def test_steps_1_to_4_start_assign_update_and_converge():
    run, start = shown(1)
    assert start.assigned is None
    assert cdist(run.centers[start.state], run.data.points).min(axis=1).max() < 1e-9
    run, assignment = shown(2)
    np.testing.assert_array_equal(labels_at(run, assignment), nearest(run, assignment.state))
    run, update = shown(3)
    assert update.phase == "M"
    means = [run.data.points[labels_at(run, update) == cluster].mean(axis=0) for cluster in range(3)]
    np.testing.assert_allclose(run.centers[update.state], means)
    assert update.loss < assignment.loss
    run, end = shown(4)
    assert run.history.converged
    assert run.history.iterations == 8
    assert end.state == len(run.history.states) - 1
    assert run.history.states[end.state].assignment.changed == 0
    assert run.known_groups.adjusted_rand > 0.98


def test_step_5_is_the_bad_start_that_the_search_finds():
    run, end = shown(5)
    assert run.history.converged
    assert end.state == len(run.history.states) - 1
    best = shown(1)[0]
    settings = replace(run.settings, seed=0)
    search = RandomStarts(run.history.process, run.history.prepared, run.data, settings, MANY_STARTS)
    search.resume(lambda share, text: None)
    assert search.found.worst == run.settings.seed
    assert round(run.history.losses[-1] / best.history.losses[-1], 1) == 3.0
    labels = labels_at(run, end)
    counts = [np.bincount(labels[run.data.labels == group], minlength=3) for group in range(3)]
    assert [sum(row > 100) for row in counts] == [2, 1, 1]  # the clusters with most points of each group
    assert counts[1].argmax() == counts[2].argmax()


def test_step_6_outliers_pull_means_away_but_medoids_are_points_of_their_groups():
    (means, _), (medoids, _) = shown(6)
    data = means.data
    groups = np.array([data.points[data.labels == label].mean(axis=0) for label in range(3)])
    from_means, from_medoids = (cdist(groups, run.centers[-1]).min(axis=1) for run in (means, medoids))
    assert (from_means > 3 * from_medoids).all()
    distances = cdist(medoids.centers[-1], data.points)
    assert distances.min(axis=1).max() < 1e-9
    assert sorted(data.labels[distances.argmin(axis=1)].tolist()) == [0, 1, 2]


def test_steps_7_and_8_state_how_certain_the_responsibilities_are():
    (kmeans, _), (mixture, frame) = shown(7)
    assert kmeans.view.traits.membership is None
    largest = mixture.history.assignment(frame.assigned).memberships.max(axis=1)
    assert round(100 * (largest < 0.9).mean()) == 39
    mixture, frame = shown(8)
    responsibilities = mixture.history.assignment(frame.assigned).memberships
    np.testing.assert_allclose(responsibilities.sum(axis=1), 1)
    assert round(100 * (responsibilities.max(axis=1) > 0.99).mean()) == 96


def test_steps_9_and_10_narrow_the_width_and_choose_three():
    path = latest(view(9)[1], "narrowing")
    assert (np.diff(path.certainty) > -1e-12).all()
    assert (path.soft[-1].responsibilities.round(9) % 1 == 0).all()
    assert path.distance[-1] < 1e-9
    verdict = KVerdict(latest(view(10)[1], "sweep"))
    assert (np.diff([best.loss for best in verdict.best_runs]) < 0).all()
    assert {one.name: one.choice for one in verdict.criteria.values() if one.choice != 3} == {}
