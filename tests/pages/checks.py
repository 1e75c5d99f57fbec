"""What every method of the app must pass, as the checks of scikit-learn's and river's estimators: functions of a view that
raise AssertionError."""

import csv
import io
import json
import re
from contextlib import redirect_stdout

import numpy as np

from clustering import adjusted_rand_index
from pages.compare.comparison import panel_names
from pages.datasets import catalog
from pages.datasets.data import Data
from pages.datasets.planes import column_plane
from pages.export import files, scripts
from pages.export.report import report
from pages.methods.base import CHOOSE_K, COMPARE, RESTARTS, WATCH, MethodView
from pages.methods.formulas import typeset
from pages.methods.options import Option, Settings
from pages.runs import curves, pictures
from pages.runs.frames import frames_of
from pages.runs.recent import Recent
from pages.runs.run import Run, make_run
from pages.runs.run_pictures import RunPictures
from pages.ui.widgets import option_key, panel_ending
from tests.pages.app import last_made, opened


def sample(name: str = "three", n: int = 60, seed: int = 3) -> Data:
    values = {s.name: catalog.SAMPLES[name].default(s) for s in catalog.SAMPLES[name].settings}
    return catalog.draw_sample(name, n, seed, values)


def run_of(view: MethodView, data: Data, k: int = 3, **options) -> Run:
    return make_run(data, view.settings(k, data=data, **options), Recent(), lambda state: None)


def pictures_of(run: Run) -> RunPictures:
    frames, left_out = frames_of(run)
    plane = column_plane(run.data.columns, 0, 1)
    ground = pictures.Regions if run.has_regions else None
    picture = pictures.picture(run, frames, plane, "name", ground=ground)
    return RunPictures("name", frames, left_out, picture, curves.loss_curve(run, frames, "name"))


def others(option: Option, data: Data) -> list:
    """Values of an option that are not its default."""
    values = list(option.values(data)) or [option.default + option.step, option.default + 2 * option.step]
    return [value for value in values if value != option.first(data)]


def differ(a: Run, b: Run) -> bool:
    """Whether two runs came to different results."""
    if len(a.history) != len(b.history) or not np.array_equal(a.history.last.labels, b.history.last.labels):
        return True
    return not np.allclose(a.history.losses, b.history.losses, rtol=1e-12, atol=0)


def check_that_it_is_the_one_it_names(view: MethodView) -> None:
    data = sample()
    settings = view.settings(3, data=data)
    assert settings.method == view.name
    run = run_of(view, data)
    assert run.view is view
    assert type(run.history.process) is type(view.process(settings))
    assert [name for name, _ in settings.options] == [option.name for option in view.options]


def check_that_every_option_changes_the_result(view: MethodView) -> None:
    tried = [(sample(), 3), (sample("stretched"), 4), (sample("spreads", 50, 0), 6), (sample("overlap", 80), 5)]
    for option in view.options:
        for value in others(option, tried[0][0]):
            assert any(differ(run_of(view, data, k), run_of(view, data, k, **{option.name: value})) for data, k in tried), (
                f"{option.name} = {value} changes nothing"
            )


def check_that_every_option_is_told(view: MethodView) -> None:
    """In the name of a panel, in the report, in JSON and in the script."""
    data = sample()
    for option in view.options:
        value = others(option, data)[0]
        plain, other = run_of(view, data), run_of(view, data, **{option.name: value})
        names = panel_names([plain.settings, other.settings])
        assert names[0].split(". ")[1] != names[1].split(". ")[1], f"{option.name} is in no name of a panel"
        page = report(other, pictures_of(other), [], "")
        assert option.label in page, f"{option.name} is not in the report"
        assert option.label_of(value) in page.replace("&#x27;", "'"), f"{option.name} is not in the report"
        assert json.loads(files.parameters_json(other))[option.name] == value, f"{option.name} is not in JSON"
        assert scripts.with_clustering(plain) != scripts.with_clustering(other), f"{option.name} is not in the script"


def check_that_shares_are_exported_exactly_if_it_is_soft(view: MethodView) -> None:
    run = run_of(view, sample())
    shares, name = run.history.last.assignment.shares, view.traits.share
    assert (shares is None) == (name is None)
    header = next(csv.reader(io.StringIO(files.assignments(run).decode("utf-8-sig"))))
    columns = header[header.index("cluster") + 1 :]
    assert columns == ([] if name is None else [f"{name}_{i + 1}" for i in range(run.k)])
    with np.load(io.BytesIO(files.history(run)), allow_pickle=False) as archive:
        soft = [key for key in archive.files if archive[key].shape == (len(run.data.points), run.k)]
    assert len(soft) == (name is not None)
    if name is not None:
        assert shares.sum(axis=1).max() <= 1 + 1e-9


def check_that_it_explains_itself(view: MethodView) -> None:
    run = run_of(view, sample())
    frames, _ = frames_of(run)
    assert len(frames) == len(run.history.states)
    assert all(re.fullmatch(r"[A-Z].*\.", frame.sentence) for frame in frames)
    assert {frame.phase for frame in frames if frame.explanation} == {state.phase for state in run.history.states}
    assert all(pictures.described(run, frame) for frame in frames)
    formulas = view.formulas(run, 1, 0)
    shown = typeset(formulas, frames)
    places = shown.html.count("class='value'")
    assert {len(values) for values in shown.values} == {places}
    assert {one.phase for one in formulas} <= {"", *(state.phase for state in run.history.states)}


def check_that_its_pictures_can_be_drawn(view: MethodView) -> None:
    run = run_of(view, sample())
    shown = pictures_of(run)
    assert len(shown.picture.frames) == len(shown.curve.frames) == len(shown.frames)
    traces = {trace for frame in shown.picture.frames for trace in frame.traces}
    assert max(traces) < len(shown.picture.data)
    assert all(len(frame.data) == len(frame.traces) for frame in shown.picture.frames)


def check_that_its_script_repeats_the_run(view: MethodView) -> None:
    data = sample()
    for settings in ({}, *({option.name: others(option, data)[-1]} for option in view.options)):
        run = run_of(view, data, **settings)
        names: dict = {}
        with redirect_stdout(io.StringIO()):
            exec(scripts.with_clustering(run), names)
        assert adjusted_rand_index(names["labels"], run.history.last.labels) == 1.0
        if "state" in names:
            assert names["state"].iteration == run.history.iterations
            assert np.isclose(names["state"].loss, run.history.losses[-1], rtol=1e-12)


def shown_run(page: str, address: dict[str, str]) -> Settings:
    """The settings of the run that a page shows when it comes by a link with this query; of a comparison the first."""
    app = opened(f"/{page}?" + "&".join(f"{name}={value}" for name, value in address.items()))
    assert not app.error
    assert not [warning.value for warning in app.warning if "link" in warning.value]
    return last_made(app, "comparison").runs[0].settings if page == COMPARE else last_made(app, "run").settings


def address_of(view: MethodView, page: str) -> tuple[dict[str, str], str]:
    """The query that chooses the method on a page, and how its keys end there."""
    ending = panel_ending(sample(), 1) if page == COMPARE else ""
    chosen = {f"algorithm{ending}": view.title} if page in view.pages else {}
    return chosen | {"n": "100"}, ending


def check_that_links_open_it_with_every_option(view: MethodView) -> None:
    data = sample()
    for page in view.pages & {WATCH, COMPARE}:
        address, _ = address_of(view, page)
        assert shown_run(page, address).method == view.name
    for option in view.options:
        page = min(option.pages) if option.pages else WATCH if WATCH in view.pages else COMPARE
        address, ending = address_of(view, page)
        value = others(option, data)[0]
        settings = shown_run(page, address | {option_key(view, option, data, ending): option.label_of(value)})
        assert settings.method == view.name
        assert settings.option(option.name) == value


def check_that_other_pages_run_it(view: MethodView) -> None:
    """Restarts and the choice of K come to the losses of its own process."""
    from pages.choose_k.sweep import Sweep
    from pages.restarts.study import RestartStudy

    data = sample()
    value = {option.name: others(option, data)[-1] for option in view.options}
    settings = view.settings(2, data=data, **value)
    if RESTARTS in view.pages:
        study = RestartStudy.of(data, settings, Recent())
        losses = [study.run("random", i, lambda state: None).loss for i in (0, 1)]
        wanted = [view.settings(2, "random", seed, data, **value) for seed in (1, 2)]
        own = [make_run(data, one, Recent(), lambda state: None).history.losses[-1] for one in wanted]
        assert np.allclose(losses, own, rtol=1e-12)
    if CHOOSE_K in view.pages:
        sweep = Sweep.of(data, settings, 3, 1)
        sweep.done["data", 2] = sweep.make(("data", 2), lambda state: None)
        own = make_run(data, view.settings(2, "k-means++", settings.seed, data, **value), Recent(), lambda state: None)
        assert np.isclose(sweep.done["data", 2].loss, own.history.losses[-1], rtol=1e-12)


CHECKS = [check for name, check in sorted(globals().items()) if name.startswith("check_that")]
