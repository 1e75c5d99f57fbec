"""K-prototypes on the pages of the app."""

import csv
import io
import json

import numpy as np
import pytest

from clustering import KPrototypes, MixedTable, fit
from pages.choose_k.sweep import Sweep
from pages.datasets.data import MIXED, POINTS
from pages.export import files, scripts
from pages.methods import available_methods, method, methods, settings
from pages.methods.base import NeedsCategories, NoScript
from pages.methods.traits import CHOOSE_K, COMPARE, RESTARTS, WATCH
from pages.runs.cache import RecentCache
from pages.runs.frames import frames_of
from pages.runs.preparation import check_data_kind
from pages.runs.resampling import schemes_for
from pages.runs.run import make_run
from pages.runs.segments import segments_of
from tests.pages.app import latest, opened
from tests.pages.checks import MIXED_QUERY, mixed_table, proximities, run_of, sample, silent

VIEW = method("kprototypes")
TABLE = "&".join(
    f"{name}={value}" for name, values in MIXED_QUERY.items() for value in (values if isinstance(values, list) else [values])
)


def shown_html(app) -> str:
    return "".join(element.proto.body for element in app.get("html"))


def test_it_is_offered_where_there_are_categories_and_other_methods_stay():
    assert mixed_table().kinds == {POINTS, MIXED}
    for page in (WATCH, COMPARE, RESTARTS, CHOOSE_K):
        with_categories, numbers = available_methods(page, mixed_table()), available_methods(page, sample())
        assert "kprototypes" in with_categories
        assert numbers.keys() == with_categories.keys() - {"kprototypes"}
    assert "kprototypes" not in available_methods(COMPARE, proximities())


def test_watch_shows_the_same_results_as_the_core():
    app = opened(f"/?algorithm=K-prototypes&{TABLE}")
    assert not app.error
    run, data = latest(app, "run"), mixed_table()
    expected = fit(KPrototypes(3, init="random"), MixedTable(data.points[:, :1], data.mixed[1]), rng=1)
    gamma = 0.5 * data.points[:, 0].std()
    assert run.settings.option("gamma") == pytest.approx(gamma, rel=1e-3)
    assert run.history.last.loss == pytest.approx(expected.loss, rel=1e-3)
    np.testing.assert_array_equal(run.labels, expected.labels)
    assert "Torgersen (" in shown_html(app) or "Biscoe (" in shown_html(app)


def test_for_numbers_alone_another_method_is_offered():
    app = opened("/?algorithm=K-prototypes&n=50")
    [error] = [error.value.replace("\\", "") for error in app.error]
    assert error.startswith("K-prototypes needs at least one column of categories, but these data have only numbers")
    app.button[[button.label for button in app.button].index("Use K-means")].click().run()
    assert not app.error
    assert latest(app, "run").settings.method == "kmeans"
    with pytest.raises(NeedsCategories):
        check_data_kind(sample(), settings("kprototypes"))


def test_without_numbers_it_is_k_modes_and_gamma_has_no_effect():
    data = mixed_table(("island", "sex"))
    run = run_of(VIEW, data)
    assert run.note == "These data have no numbers, and K-prototypes without numbers is K-modes."
    assert run.settings.option("gamma") is None
    differing = (data.mixed[1] != run.history.last.parameters.modes[run.labels]).sum()
    assert run.history.last.loss == differing
    assert "means moved" not in " ".join(VIEW.sentence(run, i) for i in range(len(run.history.states)))


def test_prototypes_are_drawn_at_their_means_and_the_indicators_of_their_modes():
    data = mixed_table()
    run = run_of(VIEW, data)
    modes = run.history.parameters[-1].modes
    for center, mode in zip(run.centers[-1], modes, strict=True):
        rows = (data.mixed[1] == mode).all(axis=1)
        assert rows.any()
        np.testing.assert_array_equal(data.points[rows][0, 1:], center[1:])
    for i in range(3):
        assert run.centers[-1][i, 0] == pytest.approx(data.points[run.labels == i, 0].mean())


def test_a_manual_start_has_the_categories_nearest_to_its_centers():
    data = mixed_table()
    rows = [0, 150, 300]
    start = VIEW.start_at(data, VIEW.model_input(data, None, None), 3, centers=data.points[rows] + 0.2)
    np.testing.assert_array_equal(start.modes, data.mixed[1][rows])
    np.testing.assert_allclose(start.numbers, data.points[rows, :1] + 0.2)


def test_tables_and_exports_have_the_modes_by_name():
    run = run_of(VIEW, mixed_table())
    categories = run.data.origin.categories
    modes = run.history.parameters[-1].modes[np.argsort(run.ranks)]
    names = [[names[code] for names, code in zip(categories.values(), row, strict=True)] for row in modes]
    rows = list(csv.DictReader(io.StringIO(files.parameters_csv(run).decode("utf-8-sig"))))
    assert [[row["mode_island"], row["mode_sex"]] for row in rows] == names
    clusters = json.loads(files.parameters_json(run))["clusters"]
    assert [[cluster["mode_island"], cluster["mode_sex"]] for cluster in clusters] == names
    with np.load(io.BytesIO(files.history_npz(run)), allow_pickle=False) as archive:
        assert archive["modes"].shape == (len(run.history), 3, 2)
        np.testing.assert_array_equal(archive["modes"][-1][np.argsort(run.ranks)], modes)
    [table] = VIEW.tables(run)
    for (_, *texts), row, rank in zip(table.rows, names, range(3), strict=True):
        members = run.data.mixed[1][run.labels_by_rank == rank]
        shares = (members == modes[rank]).mean(axis=0)
        assert texts == [f"{name} ({share:.0%})" for name, share in zip(row, shares, strict=True)]


def test_there_is_no_script_with_scikit_learn():
    with pytest.raises(NoScript, match="scikit-learn has neither K-prototypes nor K-modes"):
        scripts.with_scikit_learn(run_of(VIEW, mixed_table()))


def test_restarts_choose_k_and_compare_run_it():
    app = opened(f"/restarts?algorithm=K-prototypes&{TABLE}&runs=10")
    assert not app.error
    study = latest(app, "restarts")
    assert {type(study.process(initialization)) for initialization, _ in study.finished} == {KPrototypes}
    app = opened(f"/choose_k?algorithm=K-prototypes&{TABLE}&k_up_to=3&best_of=1")
    assert not app.error
    sweep = latest(app, "sweep")
    assert (sweep.view, {task[0] for task in sweep.results}) == (VIEW, {"data", "stability"})
    app = opened(f"/compare?{TABLE}&panels=2&algorithm_1=K-prototypes&algorithm_2=K-medoids&kprototypes_gamma_1=1.5")
    assert not app.error
    runs = latest(app, "comparison").runs
    assert [type(run.history.process).__name__ for run in runs] == ["KPrototypes", "KMedoids"]
    assert runs[0].settings.option("gamma") == 1.5


def test_methods_that_work_with_points_cluster_tables_with_categories_as_before():
    for name, view in methods().items():
        if POINTS in view.traits.data and view.traits.clusters:
            run = make_run(mixed_table(), settings(name, 3, data=mixed_table()), RecentCache(), silent)
            assert len(run.labels) == len(mixed_table().points)


def test_the_sweep_has_no_reference_data_without_categories():
    chosen = VIEW.settings(3, data=mixed_table())
    kinds = {task[0] for task in Sweep.of(mixed_table(), chosen, 3, 1).tasks}
    assert kinds == {"data", "stability"}
    kinds = {task[0] for task in Sweep.of(mixed_table(), settings("kmeans"), 3, 1).tasks}
    assert "reference" in kinds


SECTIONS = {
    "overview": "Overview",
    "columns": "Columns",
    "pictures": "Plots",
    "rules": "Rules",
    "one_row": "Explain a row",
    "edit": "Edit",
    "stability": "Stability",
    "new_rows": "New rows",
}


@pytest.mark.parametrize("section", SECTIONS)
def test_all_sections_of_segments_show_it(section):
    app = opened(f"/segments?algorithm=K-prototypes&{TABLE}&segments_section={SECTIONS[section]}")
    assert not app.error
    assert not app.exception
    assert latest(app, "segments").run.view is VIEW
    assert app.session_state["segments_section"] == section


def test_segments_are_not_disturbed_by_noise_that_has_no_categories():
    assert schemes_for(segments_of(run_of(VIEW, mixed_table()))) == ["bootstrap", "subset"]


def test_formulas_have_the_values_of_a_point():
    app = opened(f"/?algorithm=K-prototypes&{TABLE}")
    app.toggle(key="formulas").set_value(True).run()
    assert not app.exception
    run = latest(app, "run")
    formulas = VIEW.formulas(run, 0, 1)
    last = frames_of(run)[0][-1]
    prototypes, data = run.history.parameters[-1], run.data
    gamma = run.settings.option("gamma")
    expected = np.square(prototypes.numbers - data.points[0, :1]).sum(axis=1) + gamma * (
        prototypes.modes != data.mixed[1][0]
    ).sum(axis=1)
    values = formulas[1].values(last)
    assert values[0] == f"= {run.ranks[expected.argmin()] + 1}"
    assert f"γ = {gamma:g}" in formulas[0].note
    names = [names[code] for names, code in zip(data.origin.categories.values(), prototypes.modes[1], strict=True)]
    assert ", ".join(names) in formulas[2].values(last)[1]
