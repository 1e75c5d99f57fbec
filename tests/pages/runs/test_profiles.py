"""What sets segments apart: means, shares, effects and sentences, against pandas and SciPy."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f_oneway
from scipy.stats.contingency import association

from pages.datasets.cleaning import Preparation, default_preparation, prepare
from pages.datasets.columns import describe
from pages.datasets.data import Data
from pages.methods import settings
from pages.runs.cache import RecentCache
from pages.runs.profiles import Profiles
from pages.runs.run import make_run
from pages.runs.segments import Edit, Segments, segments_of
from tests.pages.checks import proximities, sample, silent


def customers() -> pd.DataFrame:
    """Three clear groups by age and income; "plan" follows them, "region" and "joined" do not; some cells are missing."""
    rng = np.random.default_rng(5)
    groups = np.repeat([0, 1, 2], 40)
    table = pd.DataFrame(
        {
            "id": [f"C{i}" for i in range(120)],
            "age": np.array([25.0, 45.0, 65.0])[groups] + rng.normal(size=120),
            "income": np.array([30_000.0, 90_000.0, 50_000.0])[groups] + 500 * rng.normal(size=120),
            "plan": np.array(["basic", "pro", "team"])[groups],
            "region": rng.choice(["north", "south"], 120),
            "joined": np.datetime64("2024-01-01") + rng.integers(0, 365, 120).astype("timedelta64[D]"),
        }
    )
    table.loc[[3, 50], "age"] = np.nan
    table.loc[7, "plan"] = None
    return table


def profiles_of(table: pd.DataFrame, columns=("age", "income"), edits=(), **options) -> Profiles:
    data = prepare(table, "Customers", Preparation(columns, scaling="standardize", **options))
    return Profiles(segments_of(make_run(data, settings("kmeans", 3, "k-means++"), RecentCache(), silent), edits))


@pytest.fixture(scope="module")
def profiles() -> Profiles:
    return profiles_of(customers())


def frame(profiles: Profiles) -> pd.DataFrame:
    """The rows of the points, grouped by segment in the tests."""
    return profiles.segments.table.assign(segment=profiles.segments.labels)


def test_all_columns_but_identifiers_are_described_and_features_are_marked(profiles):
    kinds = {variable.name: (variable.kind, variable.is_feature) for variable in profiles.variables}
    assert kinds == {
        "age": ("number", True),
        "income": ("number", True),
        "plan": ("category", False),
        "region": ("category", False),
        "joined": ("date", False),
    }


def test_effects_are_those_of_scipy(profiles):
    rows = frame(profiles)
    found = dict(zip((variable.name for variable in profiles.variables), profiles.effects, strict=True))
    groups = [group["income"].to_numpy() for _, group in rows.groupby("segment")]
    f = f_oneway(*groups).statistic
    n, k = len(rows), len(groups)
    assert found["income"] == pytest.approx(f * (k - 1) / (f * (k - 1) + n - k))
    for name in ("plan", "region"):
        assert found[name] == pytest.approx(association(pd.crosstab(rows[name], rows["segment"]).to_numpy(), method="cramer"))


def test_columns_are_ranked_by_effect(profiles):
    names = [profiles.variables[j].name for j in profiles.ranked]
    assert set(names[:3]) == {"age", "income", "plan"}
    assert (np.diff(profiles.effects[profiles.ranked]) <= 0).all()


def test_means_and_shares_are_those_of_pandas(profiles):
    rows = frame(profiles)
    means, shares = rows.groupby("segment")["income"].mean(), pd.crosstab(rows["segment"], rows["region"], normalize="index")
    by_name = {variable.name: j for j, variable in enumerate(profiles.variables)}
    ((name, inside, overall, _),) = profiles.rows_of(by_name["income"])
    assert (name, inside, overall) == (
        "income",
        [f"{mean:,.0f}" for mean in means],
        f"{rows['income'].mean():,.0f}",
    )
    for name, inside, _, _ in profiles.rows_of(by_name["region"]):
        assert inside == [f"{share:.0%}" for share in shares[name.removeprefix("region = ")]]


def test_means_of_dates_are_dates(profiles):
    j = [variable.name for variable in profiles.variables].index("joined")
    ((_, inside, _, _),) = profiles.rows_of(j)
    means = frame(profiles).groupby("segment")["joined"].mean()
    assert [abs(pd.Timestamp(text) - mean) <= pd.Timedelta(days=1) for text, mean in zip(inside, means, strict=True)] == [
        True
    ] * 3


def test_missing_cells_are_left_out_and_rows_with_missing_features_are_not_in_the_table(profiles):
    rows = frame(profiles)
    assert len(rows) == 118
    j = [variable.name for variable in profiles.variables].index("plan")
    _, inside, _, _ = profiles.rows_of(j)[0]
    assert sorted(inside) == ["0%", "0%", "100%"]  # the row without a plan is not counted as another plan


def test_a_sentence_names_the_largest_differences_in_original_units(profiles):
    rows = frame(profiles)
    youngest = int(rows.groupby("segment")["age"].mean().argmin())
    sentence = profiles.sentence(youngest)
    inside, outside = rows[rows["segment"] == youngest], rows[rows["segment"] != youngest]
    assert f"lowest age ({inside['age'].mean():.3g} vs. {outside['age'].mean():.3g})" in sentence.lower()
    assert sentence.startswith("plan = basic more often (100% vs. 0%), ")  # names of columns stay as they are
    assert "region" not in sentence
    assert profiles_of(customers()[["age", "income"]]).sentence(0)[0].isupper()
    assert sentence.endswith(".")


def test_a_column_of_which_segments_are_in_the_middle_is_higher_or_lower_but_not_highest_or_lowest(profiles):
    rows = frame(profiles)
    middle = int(rows.groupby("segment")["income"].mean().argsort().iloc[1])
    words = {one.variable.name: one.text.split()[0] for one in profiles.differences[middle]}
    assert words["income"] == "lower"
    assert words["age"] == "highest"


def test_differences_from_other_rows_are_divided_by_the_standard_deviation_of_all_rows(profiles):
    rows = frame(profiles)
    for segment, differences in enumerate(profiles.differences):
        one = next(one for one in differences if one.variable.name == "income")
        is_inside = rows["segment"] == segment
        expected = rows["income"][is_inside].mean() - rows["income"][~is_inside].mean()
        assert one.standardized == pytest.approx(expected / rows["income"].std(ddof=0))


def test_one_segment_has_no_differences():
    table = customers()
    data = prepare(table, "Customers", default_preparation(describe(table)))
    one = Profiles(segments_of(make_run(data, settings("kmeans", 1), RecentCache(), silent)))
    assert one.sentence(0) == "All rows."
    assert one.effects == pytest.approx(0)


def test_edits_and_an_empty_segment_are_described_too():
    profiles = profiles_of(customers(), edits=[Edit("merge", (0, 1)), Edit("drop", (1,))])
    assert profiles.segments.k == 1
    assert 0 < (profiles.segments.labels < 0).sum() < 118
    segments = profiles.segments
    empty = Profiles(Segments(segments.run, np.where(segments.labels < 0, -1, 1), ("", ""), (0, 1)))
    assert empty.sentence(0) == "No column differs clearly from the other rows."
    assert [inside[0] for _, inside, _, _ in empty.rows_of(0)] == ["–"]


def test_simulated_data_have_their_columns_and_the_true_labels():
    run = make_run(sample(), settings("kmeans", 3), RecentCache(), silent)
    profiles = Profiles(segments_of(run))
    kinds = [(variable.name, variable.kind, variable.is_feature) for variable in profiles.variables]
    assert kinds == [(*column, True) for column in (("x1", "number"), ("x2", "number"))] + [("true label", "category", False)]


def test_a_distance_matrix_has_no_columns_but_typical_rows():
    run = make_run(proximities(), settings("kmedoids", 3, data=proximities()), RecentCache(), silent)
    segments = segments_of(run)
    assert Profiles(segments).variables == []
    matrix = run.data.precomputed
    for segment in range(3):
        members = np.flatnonzero(segments.labels == segment)
        means = matrix[np.ix_(members, members)].sum(axis=1) / (len(members) - 1)
        assert segments.typical_rows(segment, 2).tolist() == members[np.argsort(means, kind="stable")[:2]].tolist()


def test_typical_rows_are_nearest_to_the_center_and_borderline_rows_nearest_to_another_one(profiles):
    segments = profiles.segments
    distances = np.linalg.norm(segments.data.points[:, None] - segments.centers, axis=2)
    for segment in range(segments.k):
        members = np.flatnonzero(segments.labels == segment)
        others = np.delete(distances, segment, axis=1)[members].min(axis=1)
        own = distances[members, segment]
        assert segments.typical_rows(segment, 3).tolist() == members[np.argsort(own)[:3]].tolist()
        assert segments.borderline_rows(segment, 3).tolist() == members[np.argsort(others - own)[:3]].tolist()


def test_borderline_rows_of_a_soft_method_have_nearly_equal_memberships():
    run = make_run(sample(), settings("mixture", 3), RecentCache(), silent)
    segments = segments_of(run)
    for segment in range(3):
        first = segments.borderline_rows(segment, 1)[0]
        ordered = np.sort(segments.memberships, axis=1)
        gaps = ordered[:, -1] - ordered[:, -2]
        assert gaps[first] == gaps[segments.labels == segment].min()


def test_columns_with_the_names_of_added_columns_are_kept():
    table = customers().rename(columns={"region": "true label", "plan": "row"})
    profiles = profiles_of(table)
    assert {"true label", "row"} <= {variable.name for variable in profiles.variables if not variable.is_feature}


def test_a_label_column_of_numbers_is_a_category():
    table = customers().assign(code=np.repeat([1, 2, 3], 40))
    data = prepare(table, "", Preparation(("age", "income"), label="code"))
    run = make_run(data, settings("kmeans", 3), RecentCache(), silent)
    kinds = {variable.name: variable.kind for variable in Profiles(segments_of(run)).variables}
    assert kinds["code"] == "category"


def test_points_without_variation_in_a_column_have_no_effect():
    data = Data("k", "t", ("a", "b"), np.column_stack([np.arange(10.0), np.ones(10)]))
    run = make_run(data, settings("kmeans", 2), RecentCache(), silent)
    profiles = Profiles(segments_of(replace(run, data=data)))
    assert [variable.name for variable in profiles.variables] == ["a", "b"]
    assert profiles.effects[1] == 0


def test_a_category_only_in_rows_without_a_segment_has_no_test_values():
    found = profiles_of(customers())
    (team,) = set(found.segments.labels[found.segments.table["plan"] == "team"].tolist())
    dropped = profiles_of(customers(), edits=(Edit("drop", (team,)),))
    j = [variable.name for variable in dropped.variables].index("plan")
    name, texts, overall, test_values = dropped.rows_of(j)[-1]
    assert (name, texts, overall) == ("plan = team", ["0%", "0%"], "34%")
    assert np.isnan(test_values).all()
