"""Checks that every method of the app must pass, similar to scikit-learn's `check_estimator`.

Each check is a function of a `MethodView` that raises AssertionError. Checks of results and texts cover every kind of data
that the method can cluster, every initialization, every option, and K = 1; checks of figures cover a few of these runs.
"""

import base64
import csv
import io
import json
import re
from collections.abc import Iterator
from contextlib import chdir, redirect_stdout
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from clustering import adjusted_rand_index, proximity_matrix
from pages.compare.comparison import make_comparison, panel_names
from pages.compare.scores import scores
from pages.datasets import catalog
from pages.datasets.cleaning import Preparation, prepare
from pages.datasets.data import MIXED, POINTS, PROXIMITIES, Data
from pages.datasets.grammar import draw_grammar
from pages.datasets.matrices import matrix_data
from pages.datasets.planes import column_plane
from pages.datasets.texts import TEXT, Text
from pages.export import files, offline, scripts
from pages.export.pipeline import pipeline
from pages.export.report import report
from pages.export.segment_files import rows_csv
from pages.figures import palette
from pages.figures.markup import cell
from pages.methods import available_methods
from pages.methods.base import MethodView, NoScript
from pages.methods.formulas import typeset
from pages.methods.options import Option, Settings
from pages.methods.starts import MANUAL, SEEDED, TREE, ManualStart, NamedStart, RowsStart, Start, TreeStart
from pages.methods.traits import CHOOSE_K, COMPARE, RESTARTS, WATCH
from pages.runs import curves, pictures
from pages.runs.cache import RecentCache
from pages.runs.frames import aligned_frames, frames_of
from pages.runs.model import model_of
from pages.runs.model_file import from_json, to_json
from pages.runs.new_rows import assign
from pages.runs.run import Run, make_run
from pages.runs.run_pictures import RunPictures
from pages.runs.segments import Edit, segments_of
from pages.ui.widgets import option_key, panel_ending
from tests.pages.app import latest, opened

PAINTED, MARKED = 0, 1_000
"""values of the argument `markers` of `pictures.picture`"""


def silent(*_) -> None:
    """Ignores the progress of a run."""


@cache
def sample(name: str = "three", n: int = 60, seed: int = 3) -> Data:
    values = {s.name: catalog.SAMPLES[name].default(s) for s in catalog.SAMPLES[name].settings}
    return catalog.draw_sample(name, n, seed, values)


@cache
def wide_sample() -> Data:
    """A sample with four columns."""
    values = {s.name: catalog.SAMPLES["round"].default(s) for s in catalog.SAMPLES["round"].settings} | {"d": 4}
    return catalog.draw_sample("round", 60, 3, values)


WIDE_QUERY = {"sample": "Round groups", "round_d": "4"}


@cache
def text() -> Text:
    return draw_grammar(150, 3)


TEXT_QUERY = {"grammar_n": "150", "text_seed": "3"}


MIXED_COLUMNS = ["bill_length_mm", "island", "sex"]
MIXED_QUERY = {"source": "Built-in", "table": "Palmer penguins", "penguins_columns": MIXED_COLUMNS}


@cache
def mixed_table(columns: tuple[str, ...] = tuple(MIXED_COLUMNS)) -> Data:
    """A table with numbers and categories, or with categories alone."""
    return prepare(catalog.read_table("penguins"), "Palmer penguins", Preparation(columns, "species"))


def sample_for(view: MethodView) -> Data | Text:
    """Data on which each option of the method has several values: a sample if it can work with points.

    Otherwise a table with categories or a text.
    """
    if POINTS not in view.traits.data:
        return mixed_table() if MIXED in view.traits.data else text()
    return sample() if all(other_values(option, sample()) for option in view.options) else wide_sample()


@cache
def proximities() -> Data:
    """A distance matrix without points."""
    points = sample(n=45).points
    return matrix_data(proximity_matrix(points, "manhattan"), [f"thing {i}" for i in range(45)], "Things")


def kinds_of_data(view: MethodView) -> list[Data]:
    """A data set of each kind that the method can cluster."""
    kinds = {POINTS: [sample], MIXED: [mixed_table, lambda: mixed_table(("island", "sex"))]}
    kinds |= {PROXIMITIES: [proximities], TEXT: [text]}
    return [data() for kind, several in kinds.items() if kind in view.traits.data for data in several]


RUNS: dict[tuple[MethodView, str, Settings], Run] = {}
"""runs are immutable and shared by the checks"""


def run_of(view: MethodView, data: Data, k: int = 3, start: Start | None = None, **options) -> Run:
    settings = view.settings(k, start, data=data, **options)
    key = view, data.key, settings
    if key not in RUNS:
        RUNS[key] = make_run(data, settings, RecentCache(), silent)
    return RUNS[key]


def starts_of(view: MethodView, data: Data, k: int) -> list[Start | None]:
    """A start from each initialization of the method, and one from shared rows; the default start if it has none."""
    if not view.initializations:
        return [None]
    rows = [1, 20, 40][:k]
    tree = TreeStart("ward", "euclidean") if data.precomputed is None else TreeStart("average", data.metrics[0])
    manual = ManualStart(tuple(map(tuple, (data.points[rows] + 0.25).tolist())))
    special = {TREE.name: tree, MANUAL.name: manual}
    starts = [special.get(initialization.name, NamedStart(initialization.name)) for initialization in view.initializations]
    return starts + [RowsStart(tuple(rows), view.initializations[0].name)]


def runs_of(view: MethodView) -> Iterator[Run]:
    """Runs for each kind of data and each initialization, with K = 3 and K = 1."""
    for data in kinds_of_data(view):
        for k in (3, 1) if view.traits.k == "chosen" else (3,):
            for start in starts_of(view, data, k):
                yield run_of(view, data, k, start)


def few_runs_of(view: MethodView) -> Iterator[Run]:
    """For each kind of data, runs with the first initialization, with K = 3 and K = 1, and one with manual centers."""
    for data in kinds_of_data(view):
        yield run_of(view, data)
        if view.traits.k == "chosen":
            yield run_of(view, data, 1)
        if MANUAL in view.initializations:
            yield run_of(view, data, 3, next(s for s in starts_of(view, data, 3) if isinstance(s, ManualStart)))


def runs_with_options(view: MethodView) -> Iterator[Run]:
    """Runs on points with each value of each option."""
    data = sample_for(view)
    for option in view.options:
        for value in other_values(option, data):
            yield run_of(view, data, **{option.name: value})


def pictures_of(run: Run, markers: int = MARKED, n_frames: int | None = None) -> RunPictures:
    """Figures of a run, or of its first frames only."""
    frames, omitted_note = frames_of(run)
    frames = frames[:n_frames]
    plane = column_plane(run.data.columns, 0, 1)
    background = pictures.Regions if run.has_regions else None
    picture = pictures.picture(run, frames, plane, "name", background=background, markers=markers)
    return RunPictures("name", frames, omitted_note, picture, curves.curve_of(run, frames, "name"))


def other_values(option: Option, data: Data) -> list:
    """Values of an option that are not its default."""
    values = list(option.values(data)) or [round(option.default + steps * option.step, 9) for steps in (1, 2)]
    return [value for value in values if value != option.default_value(data)]


def differ(a: Run, b: Run) -> bool:
    """Whether two runs have different results."""
    if len(a.history) != len(b.history) or not np.array_equal(a.labels, b.labels):
        return True
    return not np.allclose(a.history.losses, b.history.losses, rtol=1e-12, atol=0, equal_nan=True)


def module_of(view: MethodView) -> str:
    """Expected module of the process: clustering.<file of the view>, or the module of the view for methods in tests."""
    app_modules = [cls.__module__ for cls in type(view).__mro__ if cls.__module__.startswith("pages.methods.")]
    name = app_modules[0].rpartition(".")[2]
    return type(view).__module__ if name == "base" else f"clustering.{name}"


def check_that_it_runs_its_own_process(view: MethodView) -> None:
    module = module_of(view)
    for run in runs_of(view):
        settings, process = run.settings, run.history.process
        assert settings.method == view.name, f"{view.name} has settings of {settings.method}"
        assert run.view is view, f"a run of {view.name} has the view of {run.view.name}"
        assert type(process).__module__ == module, f"{view.name} runs {type(process).__module__}.{type(process).__name__}"
        assert type(view.process(settings)) is type(process)
        assert [name for name, _ in settings.options] == [option.name for option in view.options]
        assert process.k == settings.k
        assert (settings.k is None) == (view.traits.k != "chosen")
        assert (process.loss_name is None) == (view.traits.loss is None), "process and traits disagree about the loss"
        assert all((state.loss is None) == (view.traits.loss is None) for state in run.history.states[1:])


def check_that_every_option_changes_the_result(view: MethodView) -> None:
    cases = [(sample_for(view), 3)]
    if POINTS in view.traits.data:
        cases += [
            (sample("stretched"), 4),
            (sample("spreads", 50, 0), 6),
            (sample("overlap", 80), 5),
            (sample("stretched", 120), 4),
        ]
    if MIXED in view.traits.data:
        cases += [(mixed_table(), 5), (mixed_table(), 6)]
    for option in view.options:
        for value in other_values(option, cases[0][0]):
            assert any(differ(run_of(view, data, k), run_of(view, data, k, **{option.name: value})) for data, k in cases), (
                f"{option.name} = {value} changes nothing"
            )


def check_that_every_option_is_reported(view: MethodView) -> None:
    """In the names of runs in a comparison, in JSON, in the script and in the report."""
    data = sample_for(view)
    default = run_of(view, data)
    shown = pictures_of(default, n_frames=1)
    for option in view.options:
        values = [option.default_value(data), *other_values(option, data)]
        assert len({option.label_of(value) for value in values}) == len(values), f"values of {option.name} share a label"
        for value in values[1:]:
            other = run_of(view, data, **{option.name: value})
            names = [name.split(". ", 1)[1] for name in panel_names([default.settings, other.settings])]
            assert names[0] != names[1], f"{option.name} is not in the name of a run"
            content = json.loads(files.parameters_json(other))
            assert content["options"].get(option.name) == value, f"{option.name} is not in JSON"
            assert scripts.with_clustering(default) != scripts.with_clustering(other), f"{option.name} is not in the script"
        page = report(other, shown, [], "")
        assert setting_entry(view, option.label, option.label_of(value)) in page, f"{option.name} is not in the report"


def check_that_memberships_are_exported_if_and_only_if_it_is_soft(view: MethodView) -> None:
    name = view.traits.membership
    for run in runs_of(view):
        memberships = run.memberships
        assert (memberships is None) == (name is None), "memberships without a name, or a name without memberships"
        header, *rows = csv.reader(io.StringIO(files.assignments_csv(run).decode("utf-8-sig")))
        if not view.traits.clusters:
            assert "cluster" not in header
            continue
        first = header.index("cluster") + 1
        columns = [] if name is None else [f"{name}_{i + 1}" for i in range(run.k)]
        assert header[first:] == [*columns, *view.point_columns(run)], f"membership columns: {header[first:]}"
        with np.load(io.BytesIO(files.history_npz(run)), allow_pickle=False) as archive:
            plural = None if name is None else f"{name.removesuffix('y')}ies" if name.endswith("y") else f"{name}s"
            assert name is None or np.array_equal(archive[plural], memberships), f"no {plural} in the history"
        if name is not None:
            exported = np.array([row[first : first + run.k] for row in rows], dtype=float)
            assert np.allclose(exported, memberships[:, np.argsort(run.ranks)], atol=1e-12)
            assert memberships.sum(axis=1).max() <= 1 + 1e-9


def check_that_exported_tables_and_arrays_match_the_run(view: MethodView) -> None:
    for run in [*runs_of(view), *runs_with_options(view)]:
        if not view.traits.clusters:
            check_exports_without_clusters(run)
            continue
        numbers = np.full(len(run.data.points), -1)
        for i, rank in enumerate(run.ranks):
            numbers[run.history.last.labels == i] = rank + 1
        rows = list(csv.DictReader(io.StringIO(files.assignments_csv(run).decode("utf-8-sig"))))
        assert [int(row["cluster"]) for row in rows] == numbers.tolist()
        rows = list(csv.DictReader(io.StringIO(files.parameters_csv(run).decode("utf-8-sig"))))
        assert [int(row["cluster"]) for row in rows] == list(range(1, run.k + 1))
        if view.traits.membership is None or view.traits.noise:
            sizes = [np.count_nonzero(numbers == i) for i in range(1, run.k + 1)]
        else:
            sizes = run.memberships.sum(axis=0)[np.argsort(run.ranks)]
        assert np.allclose([float(row["size"]) for row in rows], sizes)
        content = json.loads(files.parameters_json(run))
        assert (content["method"], content["k"], content["loss"]) == (view.name, run.settings.k, run.history.last.loss)
        assert [cluster["number"] for cluster in content["clusters"]] == list(range(1, run.k + 1))
        with np.load(io.BytesIO(files.history_npz(run)), allow_pickle=False) as archive:
            assert np.array_equal(archive["labels"], run.history.last.labels)
            assert np.array_equal(archive["losses"], run.history.losses, equal_nan=True)
            for name in view.arrays(run):
                assert len(archive[name]) == len(run.history), f"{name} does not have one entry per iteration"


def check_exports_without_clusters(run: Run) -> None:
    """The method's own columns of points and parameters are exported, and nothing about clusters."""
    view = run.view
    for create, own in ((files.assignments_csv, view.point_columns(run)), (files.parameters_csv, view.parameter_columns(run))):
        rows = list(csv.DictReader(io.StringIO(create(run).decode("utf-8-sig"))))
        assert own
        assert not {"cluster", "size"} & rows[0].keys()
        for name, values in own.items():
            exported = [row[name] for row in rows]
            assert exported == list(map(str, values)), f"{name} is not exported"
    content = json.loads(files.parameters_json(run))
    assert (content["method"], content["loss"]) == (view.name, run.history.last.loss)
    assert content["parameters"].keys() == view.parameter_columns(run).keys()
    with np.load(io.BytesIO(files.history_npz(run)), allow_pickle=False) as archive:
        assert not {"labels", "sizes"} & set(archive)
        assert np.array_equal(archive["losses"], run.history.losses, equal_nan=True)
        arrays = view.arrays(run)
        assert arrays
        for name, values in arrays.items():
            assert np.array_equal(archive[name], values), f"{name} is not in the history"


def setting_entry(view: MethodView, name: str, value: str) -> str:
    """How the report writes a setting: in a sentence, or in a list if the method has no clusters."""
    name, value = cell(name), cell(value)
    return f"{name} = {value}" if view.traits.clusters else f"<dt>{name}</dt><dd>{value}</dd>"


NO_VALUE = r"\b(None|nan|Nones)\b"


def check_that_the_report_is_complete(view: MethodView) -> None:
    for data in kinds_of_data(view):
        run = run_of(view, data)
        page = report(run, pictures_of(run), [], "")
        assert page.count("<tr>") > run.k
        if view.traits.clusters:
            assert f"The segments are the {view.traits.cluster}s of {cell(view.title)}." in page
            assert page.count("<section class='segment'>") == run.k
        else:
            assert setting_entry(view, "Algorithm", view.title) in page
        assert ("<h3>Clusters</h3>" in page) == view.traits.clusters
        assert all(cell(result.title) in page for result in view.tables(run) if not view.traits.clusters)
        assert ("<dt>Final loss</dt>" in page) == (view.traits.loss is not None)
        assert (setting_entry(view, "Random seed", str(run.settings.seed)) in page) == view.traits.random
        assert not re.search(NO_VALUE, re.sub(r"src='[^']*'", "", page).replace(">None.<", "><"))


def check_that_the_animation_can_be_exported(view: MethodView) -> None:
    run = run_of(view, sample(n=30) if POINTS in view.traits.data else sample_for(view))
    shown = pictures_of(run, n_frames=2)
    assert files.animation_gif(run, shown.picture, shown.frames, "Title").startswith(b"GIF89a")
    sentences = [frame.sentence for frame in shown.frames]
    assert json.dumps(sentences[-1])[1:-1].encode() in offline.animation(shown.picture, sentences, "Title")


def check_that_every_state_is_explained(view: MethodView) -> None:
    """By a caption, an explanation of each phase, an alternative text, and formulas with all their values."""
    for run in [*runs_of(view), *runs_with_options(view)]:
        frames, omitted_note = frames_of(run)
        assert omitted_note or len(frames) == len(run.history.states)
        assert all(re.fullmatch(r"[A-Z].*\.", frame.sentence) for frame in frames)
        assert not any(re.search(NO_VALUE, frame.sentence) for frame in frames)
        assert {frame.phase for frame in frames if frame.explanation} == {state.phase for state in run.history.states}
        if view.initializations:
            phrase = view.initialization(run.settings.start.initialization).phrase
            assert phrase in frames[0].sentence, f"the first caption does not contain {phrase}"
        assert all(pictures.alt_text(run, frame) for frame in frames)
        for cluster in {0, max(run.k - 1, 0)}:
            formulas = view.formulas(run, 1, cluster)
            shown = typeset(formulas, frames)
            places = shown.html.count("class='value'")
            assert {len(values) for values in shown.values} == {places}, (
                "the number of values differs from the number of places"
            )
            phases = {phase for formula in formulas for phase in formula.phase.split()}
            assert phases <= {state.phase for state in run.history.states}


def check_that_every_frame_can_be_plotted(view: MethodView) -> None:
    for run in few_runs_of(view):
        for markers in (MARKED, PAINTED):
            shown = pictures_of(run, markers)
            figure = shown.picture
            assert len(figure.frames) == len(shown.curve.frames) == len(shown.frames)
            traces = {trace for frame in figure.frames for trace in frame.traces}
            assert max(traces, default=0) < len(figure.data)
            assert all(len(frame.data) == len(frame.traces) for frame in figure.frames)
            images = len(figure.layout.images)
            assert images == (markers == PAINTED) + run.has_regions, f"{images} images"
            assert {bool(frame.layout.images) for frame in figure.frames[:1]} == {images > 0}
            if view.traits.moves_points:
                check_moves_of_points(run, shown)
            if markers == MARKED and view.traits.clusters:
                check_colors(run, shown)


def check_moves_of_points(run: Run, shown: RunPictures) -> None:
    """Each frame has the positions of its state; the figure initially has those of the last. Without a move, points stay."""
    plane = column_plane(run.data.columns, 0, 1)
    before = None
    for frame, spec in zip(shown.frames, shown.picture.frames, strict=True):
        xy = run.view.plane_positions(run, frame.state, plane)
        assert spec.traces[0] == 0
        assert spec.baseframe is None
        assert np.allclose(np.column_stack([spec.data[0].x, spec.data[0].y]), xy, rtol=1e-5, atol=1e-5)
        assert before is None or frame.moves or np.allclose(xy, before, atol=1e-9), "points jump"
        before = xy
    assert np.allclose(np.column_stack([shown.picture.data[0].x, shown.picture.data[0].y]), xy)
    assert any(frame.moves for frame in shown.frames)


def check_colors(run: Run, shown: RunPictures) -> None:
    """In each frame a cluster has one color, which is not the neutral one, and its center has the same color."""
    figure, last = shown.picture, run.history.last.labels
    colors_of_frames = {len(shown.frames) - 1: figure.data[0].marker.color}
    colors_of_frames |= {i: frame.data[0].marker.color for i, frame in enumerate(figure.frames) if 0 in frame.traces}
    for i, colors in colors_of_frames.items():
        assert len(colors) == len(last)
        assigned = shown.frames[i].assigned
        labels = np.full(len(last), -1) if assigned is None else run.history.assignment(assigned).labels
        pairs = set(zip(colors, labels.tolist(), strict=True))
        assert {color for color, label in pairs if label < 0} <= {palette.NEUTRAL}, "a noise point has a color"
        if run.view.traits.membership is None:
            assert len(pairs) == len(np.unique(labels)), "the colors are not those of the clusters"
    if run.centers is None:
        return
    badge, mark = figure.data[-2:]
    assert list(mark.marker.color) == [palette.color_of(rank) for rank in run.ranks], "a center has another color"
    assert isinstance(badge.marker.color, str), "the badge below a center has the color of a cluster"
    for frame in figure.frames:
        moving = dict(zip(frame.traces, frame.data, strict=True))
        badge, mark = (moving[len(figure.data) - left] for left in (2, 1))
        assert len(badge.x) == len(mark.x)
        assert badge.marker.color is None, "the badge below a center takes the color of a cluster"
        assert mark.marker.color is None or len(mark.marker.color) == len(mark.x), "the number of center colors is wrong"


def check_that_cluster_regions_fill_the_plane(view: MethodView) -> None:
    """If the method has regions."""
    for run in few_runs_of(view):
        assert not (run.has_regions and run.data.precomputed is not None)
        if not run.has_regions:
            continue
        plane = column_plane(run.data.columns, 0, 1)
        background = pictures.Regions(run, plane, pictures.extent_of([run], plane))
        for state in (1, len(run.history.states) - 1):
            now = run.history.states[state]
            clusters = view.regions(run, now.parameters, background.grid)
            assert clusters.shape == background.grid.shape
            assert set(np.unique(clusters)) <= {-1, *range(len(now.assignment.sizes))}
            image = Image.open(io.BytesIO(base64.b64decode(background.source(state).partition(",")[2]))).convert("RGBA")
            colors = {f"#{red:02x}{green:02x}{blue:02x}" for _, (red, green, blue, alpha) in image.getcolors() if alpha}
            assert colors <= set(palette.COLORS), "a region has a color that no cluster has"
            assert len(colors) == min(len(np.unique(clusters[clusters >= 0])), len(palette.COLORS)), "regions share a color"


def executed(script: str, run: Run) -> dict:
    """The variables that a script defines, in a folder with the method's own files and the exported tables of the run."""
    names: dict = {}
    with TemporaryDirectory() as folder, chdir(folder), redirect_stdout(io.StringIO()):
        for file in run.view.files(run):
            Path(file.name).write_bytes(file.create())
        if run.data.origin is not None:
            Path(scripts.TABLE).write_bytes(files.assignments_csv(run))
            Path("rows.csv").write_bytes(rows_csv(segments_of(run)))
        exec(script, names)
    return names


def check_that_the_script_repeats_the_run(view: MethodView) -> None:
    for run in [*runs_of(view), *runs_with_options(view)]:
        if run.data.precomputed is not None:
            with pytest.raises(NoScript, match="a script cannot load a precomputed distance matrix"):
                scripts.with_clustering(run)
            continue
        names = executed(scripts.with_clustering(run), run)
        if view.traits.clusters:
            assert np.array_equal(names["labels"], run.labels), "the script gives other labels"
        if "state" in names:
            state = names["state"]
            assert type(state.parameters) is type(run.history.parameters[-1]), "the script has other parameters"
            assert state.iteration == run.history.iterations, "the script takes another number of iterations"
            same = np.isclose(np.float64(state.loss), run.history.losses[-1], rtol=1e-12, equal_nan=True)
            assert same, "the script gives another loss"
        if "tree" in names:
            assert np.allclose(names["tree"].heights, run.model_input.tree.heights, rtol=1e-12), "the script has another tree"
        assert {"state", "tree"} & names.keys(), "the script defines only labels"


def check_that_the_script_of_segments_repeats_the_run(view: MethodView) -> None:
    if not view.traits.clusters:
        return
    for run in few_runs_of(view):
        if run.data.precomputed is None:
            script = pipeline(segments_of(run, [Edit("rename", (0,), name="First")]), "rows.csv")
            names = executed(script, run)
            assert np.array_equal(names["labels"], run.labels), "the script gives other labels"
            assert ((names["segment"] == "First") == (run.labels_by_rank == 0)).all()


def has_unique_label(run: Run) -> np.ndarray:
    """(n,) whether the largest membership of a point is unique up to rounding."""
    memberships = run.history.last.assignment.memberships
    if memberships is None or run.k == 1:
        return np.ones(len(run.data.points), dtype=bool)
    memberships = np.sort(memberships, axis=1)
    return memberships[:, -1] - memberships[:, -2] > 1e-9


def check_that_the_scikit_learn_script_repeats_the_run(view: MethodView) -> None:
    """If scikit-learn has the method: same clusters, loss and centers from the same start."""
    for run in [*runs_of(view), *runs_with_options(view)]:
        try:
            script = scripts.with_scikit_learn(run)
        except NoScript:
            continue
        names = executed(script, run)
        if view.traits.clusters:
            rows = has_unique_label(run)
            agreement = adjusted_rand_index(names["labels"][rows], run.labels[rows])
            assert agreement == 1.0, "scikit-learn gives other clusters"
        same = "loss" not in names or np.isclose(names["loss"], run.history.losses[-1], rtol=1e-6)
        assert same, "scikit-learn gives another loss"
        if "found" in names:
            same = np.allclose(names["parameters"], run.centers[-1], rtol=1e-4, atol=1e-6)
            assert same, "scikit-learn gives other centers"


UNAVAILABLE = "Ignored unavailable settings in the link"


def opened_without_warning(page: str, query: dict[str, str | list[str]]):
    """The app, opened by a link in which every setting is available."""
    several = {name: value if isinstance(value, list) else [value] for name, value in query.items()}
    app = opened(f"/{page}?" + "&".join(f"{name}={value}" for name, values in several.items() for value in values))
    assert not app.error, [error.value for error in app.error]
    assert not [warning.value for warning in app.warning if UNAVAILABLE in warning.value]
    return app


def shown_run(app, page: str) -> Run:
    """The run that a page shows; the first one of a comparison."""
    return latest(app, "comparison").runs[0] if page == COMPARE else latest(app, "run")


def options_by_page(view: MethodView) -> dict[str, list[Option]]:
    """For each page on which the method can be shown, the options it has there."""
    pages = [page for page in (WATCH, COMPARE) if view.name in available_methods(page)]
    pages += ["report"] * (WATCH in pages)
    pages += sorted({min(option.pages) for option in view.options if option.pages})
    return {page: [option for option in view.options if option.pages is None or page in option.pages] for page in pages}


def query_of(view: MethodView, page: str) -> tuple[dict[str, str | list[str]], str]:
    """Query parameters that select the method on a page, and the ending of its widget keys there."""
    ending = panel_ending(sample(), 1) if page == COMPARE else ""
    chosen = {f"algorithm{ending}": view.title} if view.name in available_methods(page) or page == "report" else {}
    queries = {wide_sample().key: WIDE_QUERY, mixed_table().key: MIXED_QUERY, text().key: TEXT_QUERY}
    return chosen | queries.get(sample_for(view).key, {}) | ({"n": "50"} if POINTS in view.traits.data else {}), ending


def check_that_a_saved_model_assigns_the_points_to_their_segments(view: MethodView) -> None:
    """Exactly as in the run, or by the nearest mean if the method has no rule for new points."""
    if not view.traits.clusters or not {POINTS, MIXED} & view.traits.data:
        return  # a distance matrix and a text have no rows that could be new
    for run in [*runs_of(view), *runs_with_options(view)]:
        if run.data.precomputed is not None:
            continue
        segments = segments_of(run)
        model = from_json(to_json(model_of(segments)))
        assert (model.settings.method, model.settings.options) == (view.name, run.settings.options)
        assert model.by_means == (not view.placement_arrays(run))
        assert not (view.traits.regions and model.by_means), "a method with regions has a rule for new points"
        table = pd.DataFrame(run.data.points, columns=list(run.data.columns))
        rows = assign(model, table if run.data.origin is None else run.data.origin.table.iloc[run.data.rows - 1])
        assert (rows.labels >= 0).all() or (view.traits.noise and (rows.labels[segments.labels >= 0] >= 0).all())
        assert model.by_means or np.array_equal(rows.labels, segments.labels), "points changed their segment"
        assert model.agreement == (rows.labels == segments.labels)[segments.labels >= 0].mean()
        inside = segments.labels >= 0
        assert rows.unlike[inside].mean() <= 0.011 + 1 / inside.sum()
        assert view.placement_distance(run.settings) != ""
        assert view.placement_rule(run.settings) != ""


def check_that_links_set_every_option(view: MethodView) -> None:
    data = sample_for(view)
    for page, options in options_by_page(view).items():
        query, ending = query_of(view, page)
        values = [(option, other_values(option, data)[0]) for option in options]
        query |= {option_key(view, option, data, ending): option.label_of(value) for option, value in values}
        settings = shown_run(opened_without_warning(page, query), page).settings
        assert settings.method == view.name
        for option, value in values:
            assert settings.option(option.name) == value, f"{option.name} is not set by the link"


def check_that_links_contain_every_option(view: MethodView) -> None:
    """Values chosen on a page go into its link, and the link opens the same run.

    Without a browser, a test can only see that a widget is bound to a query parameter, and how its value is written there.
    """
    data = sample_for(view)
    checked: set[str] = set()
    for page, options in options_by_page(view).items():
        options = [option for option in options if option.name not in checked]
        if not options:
            continue
        checked.update(option.name for option in options)
        query, ending = query_of(view, page)
        app = opened_without_warning(page, query)
        values = [(option, other_values(option, data)[-1]) for option in options]
        link = dict(query)
        for option, value in values:
            key, choices = option_key(view, option, data, ending), list(option.values(data))
            widget = (app.selectbox if choices else app.number_input)(key=key)
            assert widget.proto.query_param_key == key, f"{option.name} is not bound to a query parameter"
            link[key] = widget.options[choices.index(value)] if choices else repr(value)
            widget.set_value(value)
        app.run()
        assert not app.exception
        run = shown_run(app, page)
        for option, value in values:
            assert run.settings.option(option.name) == value, f"{option.name} is not set by its widget"
        now = {name: app.query_params[name] for name in app.query_params}
        now = {name: value if isinstance(link.get(name), list) else "".join(value) for name, value in now.items()}
        assert now == link, f"the address has {now} instead of {link}"
        again = shown_run(opened_without_warning(page, link), page)
        assert again.settings == run.settings
        assert again.data.key == run.data.key
        assert not differ(again, run)
    assert checked == {option.name for option in view.options}


def check_that_it_can_be_compared(view: MethodView) -> None:
    """With another method, on each kind of data; its run in the comparison is the same as alone."""
    if view.name not in available_methods(COMPARE):
        return
    for data in kinds_of_data(view):
        other = next(other for other in available_methods(COMPARE, data).values() if other.initializations)
        panels = [view.settings(3, data=data), other.settings(3, data=data)]
        comparison = make_comparison(
            data, panels, RecentCache(), silent, shared=[False, False], k=3, initialization=SEEDED[0].name
        )
        assert not [run for run in comparison.runs if isinstance(run, str)], comparison.runs
        assert not differ(comparison.runs[0], run_of(view, data))
        runs = comparison.runs
        frames_of_runs, _ = aligned_frames(runs)
        extent = pictures.extent_of(runs, plane := column_plane(data.columns, 0, 1))
        for run, frames in zip(runs, frames_of_runs, strict=True):
            assert len(pictures.picture(run, frames, plane, "name", extent=extent).frames) == len(frames)
            assert len(curves.curve_of(run, frames, "name", runs).frames) == len(frames)
        assert np.isfinite(comparison.adjusted_rand).all()
        row = scores(comparison)[0]
        assert row.seconds >= 0
        assert (row.loss is None) == (view.traits.loss is None)


def check_that_other_pages_run_it(view: MethodView) -> None:
    """Restarts and Choose K give the same losses and clusters as the method itself."""
    from pages.choose_k.sweep import Sweep
    from pages.restarts.study import RestartStudy

    data = sample_for(view)
    options = {option.name: other_values(option, data)[-1] for option in view.options}
    settings = view.settings(2, data=data, **options)
    if view.name in available_methods(RESTARTS):
        study = RestartStudy.of(data, settings, RecentCache())
        for initialization in view.repeatable:
            losses = [study.compute_run(initialization.name, i, silent).loss for i in (0, 1)]
            expected = [view.settings(2, initialization.name, seed, data, **options) for seed in (1, 2)]
            own = [make_run(data, one, RecentCache(), silent).history.losses[-1] for one in expected]
            assert np.allclose(losses, own, rtol=1e-12), f"restarts from {initialization.name} run another method"
    if view.name in available_methods(CHOOSE_K):
        sweep = Sweep.of(data, settings, 3, 1)
        for value in sweep.axis.values[1::8]:
            best = sweep.run_task(("data", value), silent)
            own = make_run(data, sweep.axis.settings_at(sweep.settings, value), RecentCache(), silent)
            assert np.array_equal(best.labels, own.history.last.labels), "the sweep runs another method"
            if view.traits.loss is not None:
                assert np.isclose(best.loss, own.history.losses[-1], rtol=1e-12), "the sweep runs another method"


CHECKS = [check for name, check in sorted(globals().items()) if name.startswith("check_that")]
