"""What every method of the app must pass, as the checks of scikit-learn's and river's estimators: functions of a view that
raise AssertionError.

Where it can be, a check goes through every kind of data that the method can cluster, every initialization, and K = 1.
"""

import base64
import csv
import io
import json
import re
from collections.abc import Iterator
from contextlib import redirect_stdout

import numpy as np
import pytest
from PIL import Image

from clustering import adjusted_rand_index, proximity_matrix
from pages.compare.comparison import make_comparison, panel_names
from pages.compare.scores import scores
from pages.datasets import catalog
from pages.datasets.data import Data
from pages.datasets.matrices import matrix_data
from pages.datasets.planes import column_plane
from pages.export import files, offline, scripts
from pages.export.report import report
from pages.figures import palette
from pages.figures.markup import cell
from pages.methods import available_methods
from pages.methods.base import MethodView, NoScript
from pages.methods.formulas import typeset
from pages.methods.options import Option
from pages.methods.starts import MANUAL, SEEDED, TREE, ManualStart, NamedStart, RowsStart, Start, TreeStart
from pages.methods.traits import CHOOSE_K, COMPARE, POINTS, PROXIMITIES, RESTARTS, WATCH
from pages.runs import curves, pictures
from pages.runs.cache import RecentCache
from pages.runs.frames import aligned_frames, frames_of
from pages.runs.run import Run, make_run
from pages.runs.run_pictures import RunPictures
from pages.ui.widgets import option_key, panel_ending
from tests.pages.app import latest, opened

PAINTED, MARKED = 0, 1_000
"""above how many points a picture is painted"""


def silent(*_) -> None:
    """Hears of the progress of a run."""


def sample(name: str = "three", n: int = 60, seed: int = 3) -> Data:
    values = {s.name: catalog.SAMPLES[name].default(s) for s in catalog.SAMPLES[name].settings}
    return catalog.draw_sample(name, n, seed, values)


def proximities() -> Data:
    """Data of which only the proximities are known."""
    points = sample(n=45).points
    return matrix_data(proximity_matrix(points, "manhattan"), [f"thing {i}" for i in range(45)], "Things")


def kinds_of_data(view: MethodView) -> list[Data]:
    """Data of each kind that the method can cluster."""
    return [data for kind, data in ((POINTS, sample()), (PROXIMITIES, proximities())) if kind in view.traits.data]


def run_of(view: MethodView, data: Data, k: int = 3, start: Start | None = None, **options) -> Run:
    return make_run(data, view.settings(k, start, data=data, **options), RecentCache(), silent)


def starts_of(view: MethodView, data: Data, k: int) -> list[Start | None]:
    """A start by each initialization of the method, and at points that panels share; the default if it has none."""
    if not view.initializations:
        return [None]
    rows = [1, 20, 40][:k]
    from_tree = TreeStart("ward", "euclidean") if data.precomputed is None else TreeStart("average", data.metrics[0])
    by_hand = ManualStart(tuple(map(tuple, (data.points[rows] + 0.25).tolist())))
    special = {TREE.name: from_tree, MANUAL.name: by_hand}
    starts = [special.get(initialization.name, NamedStart(initialization.name)) for initialization in view.initializations]
    return starts + [RowsStart(tuple(rows), view.initializations[0].name)]


def runs_of(view: MethodView) -> Iterator[Run]:
    """A run for each kind of data, each initialization, and K = 1 beside 3."""
    for data in kinds_of_data(view):
        for k in (3, 1) if view.traits.groups == "chosen" else (3,):
            for start in starts_of(view, data, k):
                yield run_of(view, data, k, start)


def runs_with_options(view: MethodView) -> Iterator[Run]:
    """A run with each value of each option, at points."""
    data = sample()
    for option in view.options:
        for value in others(option, data):
            yield run_of(view, data, **{option.name: value})


def pictures_of(run: Run, markers: int = MARKED) -> RunPictures:
    frames, left_out = frames_of(run)
    plane = column_plane(run.data.columns, 0, 1)
    ground = pictures.Regions if run.has_regions else None
    picture = pictures.picture(run, frames, plane, "name", background=ground, markers=markers)
    return RunPictures("name", frames, left_out, picture, curves.loss_curve(run, frames, "name"))


def others(option: Option, data: Data) -> list:
    """Values of an option that are not its default."""
    values = list(option.values(data)) or [round(option.default + steps * option.step, 9) for steps in (1, 2)]
    return [value for value in values if value != option.default_value(data)]


def differ(a: Run, b: Run) -> bool:
    """Whether two runs came to different results."""
    if len(a.history) != len(b.history) or not np.array_equal(a.history.last.labels, b.history.last.labels):
        return True
    return not np.allclose(a.history.losses, b.history.losses, rtol=1e-12, atol=0, equal_nan=True)


def home_of(view: MethodView) -> str:
    """The module that the process must come from: clustering.<file of the view>; for a method of tests the view's own."""
    files_of_app = [cls.__module__ for cls in type(view).__mro__ if cls.__module__.startswith("pages.methods.")]
    name = files_of_app[0].rpartition(".")[2]
    return type(view).__module__ if name == "base" else f"clustering.{name}"


def check_that_it_is_the_one_it_names(view: MethodView) -> None:
    home = home_of(view)
    for run in runs_of(view):
        settings, process = run.settings, run.history.process
        assert settings.method == view.name, f"{view.name} makes settings of {settings.method}"
        assert run.view is view, f"a run of {view.name} is shown as {run.view.name}"
        assert type(process).__module__ == home, f"{view.name} runs {type(process).__module__}.{type(process).__name__}"
        assert type(view.process(settings)) is type(process)
        assert [name for name, _ in settings.options] == [option.name for option in view.options]
        assert process.k == settings.k
        assert (settings.k is None) == (view.traits.groups != "chosen")
        assert (process.loss_name is None) == (view.traits.loss is None), "loss of the process and of the traits"
        assert all((state.loss is None) == (view.traits.loss is None) for state in run.history.states[1:])


def check_that_every_option_changes_the_result(view: MethodView) -> None:
    tried = [(sample(), 3), (sample("stretched"), 4), (sample("spreads", 50, 0), 6), (sample("overlap", 80), 5)]
    for option in view.options:
        for value in others(option, tried[0][0]):
            assert any(differ(run_of(view, data, k), run_of(view, data, k, **{option.name: value})) for data, k in tried), (
                f"{option.name} = {value} changes nothing"
            )


def check_that_every_option_is_reported(view: MethodView) -> None:
    """In the name of a panel, in the report, in JSON and in the script."""
    data = sample()
    for option in view.options:
        plain = run_of(view, data)
        values = [option.default_value(data), *others(option, data)]
        assert len({option.label_of(value) for value in values}) == len(values), f"values of {option.name} are called the same"
        for value in values[1:]:
            other = run_of(view, data, **{option.name: value})
            names = [name.split(". ", 1)[1] for name in panel_names([plain.settings, other.settings])]
            assert names[0] != names[1], f"{option.name} is in no name of a panel"
            content = json.loads(files.parameters_json(other))
            assert content["options"].get(option.name) == value, f"{option.name} is not in JSON"
            assert scripts.with_clustering(plain) != scripts.with_clustering(other), f"{option.name} is not in the script"
        page = report(other, pictures_of(other), [], "")
        entry = f"<dt>{cell(option.label)}</dt><dd>{cell(option.label_of(value))}</dd>"
        assert entry in page, f"{option.name} is not in the report"


def check_that_shares_are_exported_exactly_if_it_is_soft(view: MethodView) -> None:
    name = view.traits.share
    for run in runs_of(view):
        shares = run.history.last.assignment.shares
        assert (shares is None) == (name is None), "a share without a name, or a name without shares"
        header, *rows = csv.reader(io.StringIO(files.assignments_csv(run).decode("utf-8-sig")))
        first = header.index("cluster") + 1
        assert header[first:] == ([] if name is None else [f"{name}_{i + 1}" for i in range(run.k)]), (
            f"columns of shares: {header[first:]}"
        )
        with np.load(io.BytesIO(files.history_npz(run)), allow_pickle=False) as archive:
            plural = None if name is None else f"{name.removesuffix('y')}ies" if name.endswith("y") else f"{name}s"
            assert name is None or np.array_equal(archive[plural], shares), f"there are no {plural} in the history"
        if name is not None:
            written = np.array([row[first:] for row in rows], dtype=float)
            assert np.allclose(written, shares[:, np.argsort(run.ranks)], atol=1e-12)
            assert shares.sum(axis=1).max() <= 1 + 1e-9


def check_that_it_can_be_exported(view: MethodView) -> None:
    for run in [*runs_of(view), *runs_with_options(view)]:
        numbers = np.full(len(run.data.points), -1)
        for i, rank in enumerate(run.ranks):
            numbers[run.history.last.labels == i] = rank + 1
        rows = list(csv.DictReader(io.StringIO(files.assignments_csv(run).decode("utf-8-sig"))))
        assert [int(row["cluster"]) for row in rows] == numbers.tolist()
        rows = list(csv.DictReader(io.StringIO(files.clusters_csv(run).decode("utf-8-sig"))))
        assert [int(row["cluster"]) for row in rows] == list(range(1, run.k + 1))
        sizes = run.history.last.assignment.sizes[np.argsort(run.ranks)]
        assert np.allclose([float(row["size"]) for row in rows], sizes)
        if view.traits.share is None:
            assert sizes.tolist() == [np.count_nonzero(numbers == i) for i in range(1, run.k + 1)]
        content = json.loads(files.parameters_json(run))
        assert (content["method"], content["k"], content["loss"]) == (view.name, run.settings.k, run.history.last.loss)
        assert [one["number"] for one in content["clusters"]] == list(range(1, run.k + 1))
        with np.load(io.BytesIO(files.history_npz(run)), allow_pickle=False) as archive:
            assert np.array_equal(archive["labels"], run.history.last.labels)
            assert np.array_equal(archive["losses"], run.history.losses, equal_nan=True)
            for name in view.arrays(run):
                assert len(archive[name]) == len(run.history), f"{name} has not one entry for each iteration"


def check_that_its_report_is_written(view: MethodView) -> None:
    for data in kinds_of_data(view):
        run = run_of(view, data)
        shown = pictures_of(run)
        page = report(run, shown, [], "")
        assert page.count("<tr>") > run.k
        assert f"<dt>Algorithm</dt><dd>{cell(view.title)}</dd>" in page
        assert ("<dt>Final loss</dt>" in page) == (view.traits.loss is not None)
        assert ("<dt>Seed</dt>" in page) == view.traits.random
        assert not re.search(r"\b(None|nan|Nones)\b", re.sub(r"src='[^']*'", "", page).replace(">None.<", "><"))


def check_that_it_moves_in_files(view: MethodView) -> None:
    run = run_of(view, sample(n=30))
    shown = pictures_of(run)
    assert files.animation_gif(run, shown.picture, shown.frames[:3], "Title").startswith(b"GIF89a")
    sentences = [frame.sentence for frame in shown.frames]
    assert json.dumps(sentences[-1])[1:-1].encode() in offline.animation(shown.picture, sentences, "Title")


def check_that_it_explains_itself(view: MethodView) -> None:
    for run in [*runs_of(view), *runs_with_options(view)]:
        frames, left_out = frames_of(run)
        assert left_out or len(frames) == len(run.history.states)
        assert all(re.fullmatch(r"[A-Z].*\.", frame.sentence) for frame in frames)
        assert not any(re.search(r"\b(None|nan|Nones)\b", frame.sentence) for frame in frames)
        assert {frame.phase for frame in frames if frame.explanation} == {state.phase for state in run.history.states}
        if view.initializations:
            phrase = view.initialization(run.settings.start.initialization).phrase
            assert phrase in frames[0].sentence, f"the first sentence does not say {phrase}"
        assert all(pictures.alt_text(run, frame) for frame in frames)
        for cluster in {0, run.k - 1}:
            formulas = view.formulas(run, 1, cluster)
            shown = typeset(formulas, frames)
            places = shown.html.count("class='value'")
            assert {len(values) for values in shown.values} == {places}, "quantities of formulas have other places"
            assert {one.phase for one in formulas} <= {"", *(state.phase for state in run.history.states)}


def check_that_its_pictures_can_be_drawn(view: MethodView) -> None:
    for run in runs_of(view):
        for markers in (MARKED, PAINTED):
            shown = pictures_of(run, markers)
            assert len(shown.picture.frames) == len(shown.curve.frames) == len(shown.frames)
            traces = {trace for frame in shown.picture.frames for trace in frame.traces}
            assert max(traces, default=0) < len(shown.picture.data)
            assert all(len(frame.data) == len(frame.traces) for frame in shown.picture.frames)
            images = len(shown.picture.layout.images)
            assert images == (markers == PAINTED) + run.has_regions, f"{images} images"
            assert {bool(frame.layout.images) for frame in shown.picture.frames[:1]} == {images > 0}
            if markers == MARKED:
                check_colors(run, shown)


def check_colors(run: Run, shown: RunPictures) -> None:
    """Each cluster has one color in a frame, no cluster the neutral one, and a center that of its cluster."""
    first, last = shown.picture.data[0].marker.color, run.history.last.labels
    looks = {len(shown.frames) - 1: first}
    looks |= {i: drawn.data[0].marker.color for i, drawn in enumerate(shown.picture.frames) if 0 in drawn.traces}
    for i, colors in looks.items():
        assert len(colors) == len(last)
        assigned = shown.frames[i].assigned
        labels = np.full(len(last), -1) if assigned is None else run.history.assignment(assigned).labels
        pairs = set(zip(colors, labels.tolist(), strict=True))
        assert {color for color, label in pairs if label < 0} <= {palette.NEUTRAL}, "a point in no cluster has a color"
        if run.view.traits.share is None:
            assert len(pairs) == len(np.unique(labels)), "colors are not those of the clusters"
    if run.centers is None:
        return
    badge, mark = shown.picture.data[-2:]
    assert list(mark.marker.color) == [palette.color_of(rank) for rank in run.ranks], "a center has another color"
    assert isinstance(badge.marker.color, str), "the badge below a center has the color of a cluster"
    for drawn in shown.picture.frames:
        moving = dict(zip(drawn.traces, drawn.data, strict=True))
        badge, mark = (moving[len(shown.picture.data) - left] for left in (2, 1))
        assert len(badge.x) == len(mark.x)
        assert badge.marker.color is None, "the badge below a center takes the color of a cluster"
        assert mark.marker.color is None or len(mark.marker.color) == len(mark.x), "centers have not one color each"


def check_that_every_place_belongs_to_a_cluster_if_it_says_so(view: MethodView) -> None:
    for run in runs_of(view):
        assert not (run.has_regions and run.data.precomputed is not None)
        if not run.has_regions:
            continue
        plane = column_plane(run.data.columns, 0, 1)
        ground = pictures.Regions(run, plane, pictures.extent_of([run], plane))
        for state in (1, len(run.history.states) - 1):
            now = run.history.states[state]
            found = view.regions(run, now.parameters, ground.grid)
            assert found.shape == ground.grid.shape
            assert set(np.unique(found)) <= set(range(len(now.assignment.sizes)))
            image = Image.open(io.BytesIO(base64.b64decode(ground.source(state).partition(",")[2]))).convert("RGBA")
            shades = {f"#{red:02x}{green:02x}{blue:02x}" for _, (red, green, blue, _) in image.getcolors()}
            assert shades <= set(palette.COLORS), "a region has a color that no cluster has"
            assert len(shades) == min(len(np.unique(found)), len(palette.COLORS)), "regions share a color"


def executed(script: str) -> dict:
    """What there is after the script has run."""
    names: dict = {}
    with redirect_stdout(io.StringIO()):
        exec(script, names)
    return names


def check_that_its_script_repeats_the_run(view: MethodView) -> None:
    for run in [*runs_of(view), *runs_with_options(view)]:
        if run.data.precomputed is not None:
            with pytest.raises(NoScript, match="proximities that are given"):
                scripts.with_clustering(run)
            continue
        names = executed(scripts.with_clustering(run))
        assert np.array_equal(names["labels"], run.history.last.labels), "the script comes to other labels"
        if "state" in names:
            state = names["state"]
            assert type(state.parameters) is type(run.history.parameters[-1]), "the script has other parameters"
            assert state.iteration == run.history.iterations, "the script takes another number of iterations"
            same = np.isclose(np.float64(state.loss), run.history.losses[-1], rtol=1e-12, equal_nan=True)
            assert same, "the script comes to another loss"
        if "tree" in names:
            assert np.allclose(names["tree"].heights, run.model_input.tree.heights, rtol=1e-12), "the script has another tree"
        assert {"state", "tree"} & names.keys(), "the script leaves nothing but labels"


def is_sure(run: Run) -> np.ndarray:
    """(n,) whether the label of a point is no tie between equal shares."""
    shares = run.history.last.assignment.shares
    if shares is None or run.k == 1:
        return np.ones(len(run.data.points), dtype=bool)
    shares = np.sort(shares, axis=1)
    return shares[:, -1] - shares[:, -2] > 1e-9


def check_that_its_peer_script_repeats_the_run(view: MethodView) -> None:
    """Where scikit-learn has the method: the same groups, loss and centers from the same start."""
    for run in [*runs_of(view), *runs_with_options(view)]:
        try:
            script = scripts.with_scikit_learn(run)
        except NoScript:
            continue
        names = executed(script)
        sure = is_sure(run)
        assert adjusted_rand_index(names["labels"][sure], run.history.last.labels[sure]) == 1.0, "the peer has other groups"
        assert "loss" not in names or np.isclose(names["loss"], run.history.losses[-1], rtol=1e-6), "the peer has another loss"
        if "found" in names:
            assert np.allclose(names["found"], run.centers[-1], rtol=1e-4, atol=1e-6), "the peer has other centers"


NOT_IN_A_LINK = "This link"


def shown_by(page: str, address: dict[str, str]):
    """The app as it comes to a page by a link with this query, of which everything can be had."""
    app = opened(f"/{page}?" + "&".join(f"{name}={value}" for name, value in address.items()))
    assert not app.error, [error.value for error in app.error]
    assert not [warning.value for warning in app.warning if NOT_IN_A_LINK in warning.value]
    return app


def shown_run(app, page: str) -> Run:
    """The run that a page shows; of a comparison the first."""
    return latest(app, "comparison").runs[0] if page == COMPARE else latest(app, "run")


def page_of(view: MethodView, option: Option | None = None) -> str:
    """A page on which a run of the method is shown, and this option is chosen."""
    if option is not None and option.pages:
        return min(option.pages)
    return WATCH if view.name in available_methods(WATCH) else COMPARE


def address_of(view: MethodView, page: str) -> tuple[dict[str, str], str]:
    """The query that chooses the method on a page, and how its keys end there."""
    ending = panel_ending(sample(), 1) if page == COMPARE else ""
    chosen = {f"algorithm{ending}": view.title} if view.name in available_methods(page) or page == "report" else {}
    return chosen | {"n": "100"}, ending


def check_that_links_open_it_with_every_option(view: MethodView) -> None:
    data = sample()
    pages = [page for page in (WATCH, COMPARE) if view.name in available_methods(page)]
    for page in [*pages, *["report"] * (WATCH in pages)]:
        address, _ = address_of(view, page)
        assert shown_run(shown_by(page, address), page).settings.method == view.name
    for option in view.options:
        page = page_of(view, option)
        address, ending = address_of(view, page)
        value = others(option, data)[0]
        address |= {option_key(view, option, data, ending): option.label_of(value)}
        settings = shown_run(shown_by(page, address), page).settings
        assert settings.method == view.name
        assert settings.option(option.name) == value, f"{option.name} is not taken from the link"


def check_that_what_is_chosen_is_in_the_link(view: MethodView) -> None:
    """An option that is chosen on the page goes into the address, and this address opens the same run.

    The browser writes it there (a test without one sees only that the widget is bound to its key), as the widget shows it.
    """
    data = sample()
    for option in view.options:
        page = page_of(view, option)
        address, ending = address_of(view, page)
        app = shown_by(page, address)
        value, key = others(option, data)[-1], option_key(view, option, data, ending)
        choices = list(option.values(data))
        widget = (app.selectbox if choices else app.number_input)(key=key)
        assert widget.proto.query_param_key == key, f"{option.name} is not written into the address"
        text = widget.options[choices.index(value)] if choices else repr(value)
        widget.set_value(value).run()
        assert not app.exception
        run = shown_run(app, page)
        assert run.settings.option(option.name) == value, f"{option.name} is not taken from its widget"
        kept = {name: "".join(app.query_params[name]) for name in app.query_params}
        assert kept == address, "the address lost what it had"
        again = shown_run(shown_by(page, kept | {key: text}), page)
        assert again.settings == run.settings
        assert again.data.key == run.data.key
        assert not differ(again, run)


def check_that_a_comparison_carries_it(view: MethodView) -> None:
    """Beside another method, on each kind of data: its run is the one that it makes alone."""
    if view.name not in available_methods(COMPARE):
        return
    for data in kinds_of_data(view):
        beside = next(other for other in available_methods(COMPARE, data).values() if other.initializations)
        panels = [view.settings(3, data=data), beside.settings(3, data=data)]
        comparison = make_comparison(data, panels, RecentCache(), silent, shared=[False, False], k=3, start=SEEDED[0].name)
        assert not [run for run in comparison.runs if isinstance(run, str)], comparison.runs
        assert not differ(comparison.runs[0], run_of(view, data))
        runs = comparison.runs
        frames, _ = aligned_frames(runs)
        extent = pictures.extent_of(runs, plane := column_plane(data.columns, 0, 1))
        for run, own in zip(runs, frames, strict=True):
            assert len(pictures.picture(run, own, plane, "name", extent=extent).frames) == len(own)
        assert len(curves.loss_curves(runs, frames, "name", comparison.names).frames) == max(map(len, frames))
        assert np.isfinite(comparison.adjusted_rand).all()
        row = scores(comparison)[0]
        assert row.seconds >= 0
        assert (row.loss is None) == (view.traits.loss is None)


def check_that_other_pages_run_it(view: MethodView) -> None:
    """Restarts and the choice of K come to the losses of its own process."""
    from pages.choose_k.sweep import Sweep
    from pages.restarts.study import RestartStudy

    data = sample()
    value = {option.name: others(option, data)[-1] for option in view.options}
    settings = view.settings(2, data=data, **value)
    if view.name in available_methods(RESTARTS):
        study = RestartStudy.of(data, settings, RecentCache())
        for initialization in (initialization for initialization in view.initializations if initialization.repeatable):
            losses = [study.compute_run(initialization.name, i, silent).loss for i in (0, 1)]
            wanted = [view.settings(2, initialization.name, seed, data, **value) for seed in (1, 2)]
            own = [make_run(data, one, RecentCache(), silent).history.losses[-1] for one in wanted]
            assert np.allclose(losses, own, rtol=1e-12), f"many starts by {initialization.name} are of another method"
    if view.name in available_methods(CHOOSE_K):
        sweep = Sweep.of(data, settings, 3, 1)
        sweep.results["data", 2] = sweep.run_task(("data", 2), silent)
        own = make_run(data, view.settings(2, "k-means++", settings.seed, data, **value), RecentCache(), silent)
        assert np.isclose(sweep.results["data", 2].loss, own.history.losses[-1], rtol=1e-12), "the sweep is of another method"


CHECKS = [check for name, check in sorted(globals().items()) if name.startswith("check_that")]
