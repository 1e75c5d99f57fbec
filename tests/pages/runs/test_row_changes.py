"""Least changes of a row: applied to the original table, prepared like the run's data, and given to the run's rule."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pages.datasets.cleaning import Preparation, prepare
from pages.datasets.data import Data
from pages.methods import method, settings
from pages.runs.cache import RecentCache
from pages.runs.row_changes import RowChange, RowSpace
from pages.runs.run import make_run
from pages.runs.segments import Edit, segments_of
from tests.pages.checks import proximities, sample, silent

NUMBERS = ("age", "income", "joined")
ALL = (*NUMBERS, "plan", "churn")


def table(n=90) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    groups = np.arange(n) % 3
    return pd.DataFrame(
        {
            "age": np.array([25, 45, 65])[groups] + rng.integers(-9, 10, n),
            "income": np.round(np.array([30_000.0, 90_000.0, 50_000.0])[groups] + 9_000 * rng.normal(size=n), 2),
            "joined": np.datetime64("2024-01-01", "s") + (60 * groups + rng.integers(0, 150, n)).astype("timedelta64[D]"),
            "plan": np.where(rng.random(n) < 0.7, np.array(["basic", "pro", "team"])[groups], "pro"),
            "churn": rng.choice(["yes", "no"], n),
        }
    )


def space_of(name="kmeans", columns=NUMBERS, edits=(), scaling="standardize", k=3, rows=None, **options) -> RowSpace:
    rows = table() if rows is None else rows
    data = prepare(rows, "Customers", Preparation(columns, scaling=scaling))
    return RowSpace.of(segments_of(make_run(data, settings(name, k, data=data, **options), RecentCache(), silent), edits))


def changed(space: RowSpace, row: int, values: dict) -> np.ndarray:
    """(1, d) the row after changes in the units of the original table, scaled like the data of the run."""
    data = space.segments.data
    cells = data.origin.table.iloc[data.rows[row] - 1].to_dict() | values
    columns = []
    for name in data.origin.numbers:
        cell = cells[name]
        columns.append((cell - pd.Timestamp(0)) / pd.Timedelta(days=1) if isinstance(cell, pd.Timestamp) else float(cell))
    for name, categories in data.origin.categories.items():
        columns += [float(cells[name] == category) for category in categories[len(categories) == 2 :]]
    own = np.array(columns)
    return (own if data.scaling is None else (own - data.scaling.shift) / data.scaling.scale)[None]


def value(change) -> object:
    return pd.Timestamp(0) + pd.Timedelta(days=change.new) if change.feature.kind == "date" else change.new


def segment_by_the_run(space: RowSpace, point: np.ndarray) -> int:
    """The segment of a point by the parameters of the run, or by the nearest mean."""
    run, segments = space.segments.run, space.segments
    if segments.is_edited or not run.view.traits.regions:
        means = np.array([segments.data.points[segments.labels == i].mean(axis=0) for i in range(segments.k)])
        return int(np.linalg.norm(means - point, axis=1).argmin())
    if run.view.names_centers:
        metric = {"euclidean": 2, "manhattan": 1}[run.settings.option("metric")]
        cluster = np.linalg.norm(run.cluster_centers - point, ord=metric, axis=1).argmin()
    else:
        cluster = run.history.process.predict(run.history.parameters[-1], point)[0]
    return int(run.ranks[cluster])


CASES = [
    ("kmeans", {}),
    ("fuzzy", {}),
    ("mixture", {"covariance": "diagonal"}),
    ("kmedoids", {"metric": "euclidean"}),
    ("kmedoids", {"metric": "manhattan"}),
    ("tree", {"linkage": "ward", "metric": "euclidean"}),
]


@pytest.mark.parametrize("columns", [NUMBERS, ALL])
@pytest.mark.parametrize("scaling", ["none", "standardize"])
@pytest.mark.parametrize(("name", "options"), CASES)
def test_each_change_moves_the_row_by_the_rule_of_the_run(name, options, scaling, columns):
    space = space_of(name, columns, scaling=scaling, **options)
    checked = 0
    for row in range(0, 90, 30):
        for segment in range(3):
            change = space.change(row, segment)
            if change.is_there:
                assert segment_by_the_run(space, changed(space, row, {})) == segment
                continue
            trials = [{name: value(one)} for name, one in change.columns.items()]
            trials += [{name: category} for name, found in change.categories.items() for category in found]
            trials += [{one.feature.name: value(one) for one in change.together}] if change.together else []
            for trial in trials:
                assert segment_by_the_run(space, changed(space, row, trial)) == segment
                checked += 1
    assert checked > 3


@pytest.mark.parametrize(("name", "options"), CASES[:4])
def test_smaller_changes_do_not_move_the_row(name, options):
    space = space_of(name, **options)
    for row in range(0, 90, 10):
        for segment in {0, 1, 2} - {space.rule_segment(row)}:
            change = space.change(row, segment)
            for feature, one in change.columns.items():
                # whole numbers and days are rounded up to the next one
                unit = {"age": 1.0, "income": 0.1 * abs(one.new - one.old), "joined": 1.0}[feature]
                fewer = one.old + np.sign(one.new - one.old) * (abs(one.new - one.old) - unit) * np.array([0.3, 0.6, 0.999])
                for less in fewer:
                    trial = {feature: value(replace(one, new=less))}
                    assert segment_by_the_run(space, changed(space, row, trial)) != segment


def test_a_column_without_a_change_never_suffices_and_the_least_one_is_the_smallest():
    space = space_of()
    absent = 0
    for row in range(0, 90, 9):
        for segment in {0, 1, 2} - {space.rule_segment(row)}:
            change = space.change(row, segment)
            sizes = [
                abs(one.new - one.old) / table()[name].std(ddof=0) for name, one in change.columns.items() if name != "joined"
            ]
            assert change.least is None or abs(change.least.deviations) <= min([*sizes, np.inf]) * (1 + 1e-9)
            for name in {"age", "income"} - change.columns.keys():
                absent += 1
                spread = 20 * space.deviations * [name == one.name for one in space.model.numbers]
                numbers = space.numbers[row] + np.linspace(-spread, spread, 999)
                assert not (space.segment_of(numbers, np.zeros((999, 0), dtype=np.intp)) == segment).any()
    assert absent


@pytest.mark.parametrize("scaling", ["standardize", "range"])
def test_the_change_of_all_columns_is_shorter_than_that_of_one_and_not_much_longer_than_the_closest_of_a_grid(scaling):
    rows = table()
    rows.loc[4, "income"] = 250_000.0  # so that the range is not a multiple of the standard deviation as in age
    space = space_of(columns=("age", "income"), scaling=scaling, rows=rows)
    grid = np.stack(np.meshgrid(np.linspace(-40, 40, 81), np.linspace(-70_000, 70_000, 141)), axis=-1).reshape(-1, 2)
    for row in (0, 5, 40):
        for segment in {0, 1, 2} - {space.rule_segment(row)}:
            change = space.change(row, segment)
            if change.least is not None:
                assert change.length <= abs(change.least.deviations) * 1.05
            moved = space.segment_of(space.numbers[row] + grid, np.zeros((len(grid), 0), dtype=np.intp)) == segment
            assert change.length <= 1.05 * np.linalg.norm(grid[moved] / space.deviations, axis=1).min() + 0.02


def test_the_search_finds_what_the_closed_form_finds():
    space = space_of()
    for row in range(0, 90, 9):
        for segment in {0, 1, 2} - {space.rule_segment(row)}:
            accepts = lambda numbers, segment=segment: (  # noqa: E731
                space.segment_of(numbers, np.zeros((len(numbers), 0), dtype=np.intp)) == segment
            )
            exact, move = space._by_centers(row, segment)
            found, longer = space._by_search(row, segment, accepts)
            both = ~np.isnan(found)
            assert not np.isnan(exact[both]).any()
            assert np.allclose(found[both], exact[both], rtol=1e-6)
            lengths = [np.linalg.norm(one / space.deviations) for one in (move, longer)]
            assert lengths[0] <= lengths[1] * (1 + 1e-6)


def test_texts_by_hand():
    rows = pd.DataFrame({"size": [0.0, 1.0, 9.0, 10.0], "kind": ["a", "a", "b", "b"]})
    space = space_of(columns=("size",), scaling="none", k=2, rows=rows)
    change = space.change(0, 1)  # means 0.5 and 9.5, so the border is at 5, which belongs to the first
    assert space.sentences(0, change) == [
        "One column: size from 0 to 6 (+6), 1.33 SD.",
        "All columns together: move by 1.13 SD: size +5.1.",
    ]
    space = space_of(columns=("kind",), scaling="none", k=2, rows=rows)
    assert space.sentences(0, space.change(0, 1)) == ["One column: kind from a to b."]
    assert space.sentences(0, space.change(0, 0)) == ["No change is needed: by this rule, the row is there already."]


def test_dates_and_whole_numbers_stay_dates_and_whole_numbers():
    space = space_of()
    found = [space.change(row, segment) for row in range(0, 90, 9) for segment in {0, 1, 2} - {space.rule_segment(row)}]
    dates = [one.columns["joined"] for one in found if "joined" in one.columns]
    assert dates
    assert all(one.new == int(one.new) for one in dates)
    assert all(" days)" in one.text and f"to {str(value(one))[:10]} (" in one.text for one in dates)
    assert all(one.columns["age"].new == int(one.columns["age"].new) for one in found if "age" in one.columns)


def test_edited_segments_belong_to_the_nearest_mean():
    space = space_of(edits=[Edit("merge", (0, 1)), Edit("drop", (1,))], columns=("age", "income"))
    assert space.model.by_means
    row = int(np.flatnonzero(space.segments.labels == -1)[0])
    assert space.change(row, 0).is_there
    space = space_of(edits=[Edit("move", (1,), (0, 3, 6))], columns=("age", "income"))
    for row in (0, 3, 10):
        for segment in {0, 1, 2} - {space.rule_segment(row)}:
            change = space.change(row, segment)
            assert change.columns or change.together
            for name, one in change.columns.items():
                assert segment_by_the_run(space, changed(space, row, {name: value(one)})) == segment


def test_a_segment_without_rows_is_not_reached():
    run = make_run(sample(), settings("kmeans", 2), RecentCache(), silent)
    first = tuple(np.flatnonzero(segments_of(run).labels == 0).tolist())
    space = RowSpace.of(segments_of(run, [Edit("move", (1,), first)]))
    assert space.change(0, 0) == RowChange(0, {}, {}, None)


def test_gower_distances_and_undefined_distances_are_searched():
    space = space_of("kmedoids", ALL, metric="gower")
    reached = 0
    for row in (0, 1, 2):
        for segment in {0, 1, 2} - {space.rule_segment(row)}:
            change = space.change(row, segment)
            reached += len(change.columns) + len(change.categories)
            for name, found in change.categories.items():
                j = list(space.segments.data.origin.categories).index(name)
                for category in found:
                    codes = space.codes[[row]].copy()
                    codes[0, j] = space.model.categorical[j].categories.index(category)
                    assert space.segment_of(space.numbers[[row]], codes)[0] == segment
    assert reached
    points = np.random.default_rng(0).normal(size=(40, 3)) + 0.1
    data = Data("cosine", "Cosine", ("a", "b", "c"), points)
    space = RowSpace.of(segments_of(make_run(data, settings("kmedoids", 3, metric="cosine"), RecentCache(), silent)))
    assert space.segment_of(np.zeros((1, 3)), np.zeros((1, 0), dtype=np.intp)).tolist() == [-1]
    assert space.change(0, int(space.rule_segment(0) == 0)).together


def test_only_methods_that_assign_to_the_nearest_center_say_so():
    nearest = {name: space_of(name, **options).centers is not None for name, options in [*CASES[:3]]}
    assert nearest == {"kmeans": True, "fuzzy": True, "mixture": False}
    for metric, expected in (("euclidean", True), ("squared euclidean", True), ("manhattan", False), ("cosine", False)):
        space = space_of("kmedoids", metric=metric)
        assert (method("kmedoids").nearest_centers(space.segments.run) is not None) == expected


def test_a_distance_matrix_has_no_columns_to_change():
    run = make_run(proximities(), settings("kmedoids", 2, data=proximities()), RecentCache(), silent)
    with pytest.raises(ValueError, match="a distance matrix, without columns"):
        RowSpace.of(segments_of(run))
