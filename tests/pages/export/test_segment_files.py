"""Segments as tables: every row of the original table with its segment, and the summary against pandas."""

import csv
import io
from dataclasses import replace

import numpy as np
import openpyxl
import pandas as pd
import pytest

from pages.datasets import catalog, cleaning
from pages.datasets.cleaning import Preparation
from pages.datasets.data import POINTS
from pages.export import segment_files
from pages.export.segment_files import (
    NOISE,
    distinct_from,
    rows_csv,
    rows_excel,
    summary_excel,
    summary_table,
    table_with_segments,
)
from pages.methods import base, methods, settings
from pages.runs.cache import RecentCache
from pages.runs.profiles import Profiles
from pages.runs.run import make_run
from pages.runs.segments import Edit, segments_of

RNG = np.random.default_rng(5)
N = 60
CUSTOMERS = pd.DataFrame(
    {
        "name": [f"=Client {i}" for i in range(N)],
        "age": np.where(np.arange(N) % 2, 25.0, 60.0) + RNG.normal(size=N),
        "income": np.where(np.arange(N) % 2, 20_000, 70_000) + RNG.integers(0, 900, N),
        "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(RNG.integers(0, 900, N), unit="D"),
        "country": RNG.choice(["USA", "Peru", "Chad"], N),
        "segment": RNG.choice(["old", "new"], N),
    }
)
GAPS = CUSTOMERS.copy()
GAPS.loc[[3, 10], "age"] = np.nan
GAPS.loc[[10, 20], "country"] = None
GAPS.loc[30, "age"] = np.inf
FEATURES = ("age", "income", "country")


def segments_from(table=CUSTOMERS, method="kmeans", k=3, missing="drop", features=FEATURES, edits=(), **options):
    data = cleaning.prepare(table, "customers.csv", Preparation(features, missing=missing, scaling="standardize", **options))
    return segments_of(make_run(data, settings(method, k, data=data), RecentCache(), lambda _: None), edits)


def in_original(table, original):
    """Checks that the table begins with the original one, and returns the other columns."""
    pd.testing.assert_frame_equal(table[original.columns.tolist()], original)
    assert list(table.columns[: original.shape[1]]) == list(original.columns)
    return table.iloc[:, original.shape[1] :]


@pytest.mark.parametrize(
    "method", [name for name, view in methods().items() if view.traits.clusters and POINTS in view.traits.data]
)
def test_all_rows_and_columns_are_followed_by_segment_name_and_closeness(method):
    segments = segments_from(method=method, features=("age", "income"))
    added = in_original(table_with_segments(segments), CUSTOMERS)
    inside = segments.labels >= 0
    assert added["segment (2)"][inside].tolist() == (segments.labels[inside] + 1).tolist()
    assert added["segment (2)"].isna().tolist() == (~inside).tolist()
    assert added["segment name"][inside].tolist() == [segments.names[label] for label in segments.labels[inside]]
    assert added["left out because"].tolist() == np.where(inside, "", NOISE).tolist()
    run = segments.run
    if run.view.traits.membership is not None:
        name, expected = run.view.traits.membership, run.memberships.max(axis=1)
    elif run.view.traits.pairwise:
        name = "mean distance to segment"
        matrix = run.data.proximities(run.view.matrix_metric(run.settings))
        members = [[j for j in range(N) if j != i and segments.labels[j] == segments.labels[i]] for i in range(N)]
        expected = [matrix[i, own].mean() for i, own in enumerate(members)]
    else:
        name, expected = "distance to center", np.linalg.norm(run.data.points - run.cluster_centers[run.labels], axis=1)
    assert added.columns[2] == name
    np.testing.assert_allclose(added[name], np.where(inside, expected, np.nan))


def test_rows_with_missing_values_stay_in_their_place_with_the_reason():
    segments = segments_from(GAPS)
    added = in_original(table_with_segments(segments), GAPS)
    reasons = added["left out because"]
    assert reasons[reasons != ""].to_dict() == {
        3: "missing value in age",
        10: "missing value in age, country",
        20: "missing value in country",
        30: "infinite value in age",
    }
    out = [3, 10, 20, 30]
    assert added["segment (2)"].isna().to_numpy().nonzero()[0].tolist() == out
    assert added.loc[out, ["segment name", "distance to center"]].isna().all(axis=None)
    kept = np.delete(np.arange(N), out)
    assert added["segment (2)"].iloc[kept].tolist() == (segments.labels + 1).tolist()


def test_rows_with_a_missing_and_an_infinite_value_have_both_reasons():
    table = GAPS.copy()
    table.loc[30, "country"] = None
    assert (
        table_with_segments(segments_from(table))["left out because"][30] == "missing value in country; infinite value in age"
    )


@pytest.mark.parametrize("missing", ["median", "ppca"])
def test_imputed_rows_have_a_segment_and_their_original_cells(missing):
    added = in_original(table_with_segments(segments_from(GAPS, missing=missing)), GAPS)
    assert added["segment (2)"].notna().all()
    assert (added["left out because"] == "").all()


def test_rows_outside_the_sample_of_a_method_with_all_distances_have_this_reason(monkeypatch):
    monkeypatch.setattr(base, "MAX_POINTS_FOR_PROXIMITIES", 20)
    segments = segments_from(GAPS, method="kmedoids")
    added = in_original(table_with_segments(segments), GAPS)
    counts = added["left out because"].value_counts()
    assert counts["not in the random sample of 20 points"] == N - 4 - 20
    assert counts[""] == 20
    assert counts.sum() - counts["not in the random sample of 20 points"] - 20 == 4
    assert added["segment (2)"].dropna().tolist() == (segments.labels + 1).tolist()
    assert (added.index[added["segment (2)"].notna()] + 1).tolist() == segments.data.rows.tolist()


def test_rows_of_dropped_segments_have_a_reason():
    plain = segments_from()
    segments = plain.edited(Edit("drop", (1,))).edited(Edit("rename", (0,), name="Savers"))
    added = in_original(table_with_segments(segments), CUSTOMERS)
    dropped = plain.labels == 1
    assert (added["left out because"] == np.where(dropped, "dropped by hand", "")).all()
    assert added["segment (2)"].isna().tolist() == dropped.tolist()
    assert set(added["segment name"].dropna()) == {"Savers", "Segment 2"}


def test_noise_and_dropped_rows_have_different_reasons():
    run = replace(segments_from().run)
    vars(run)["labels"] = np.where(np.arange(N) < 5, -1, run.labels)  # as of a method that finds noise
    plain = segments_of(run)
    for segments in (plain, plain.edited(Edit("drop", (1,)))):
        added = table_with_segments(segments)
        noise, dropped = np.arange(N) < 5, (plain.labels == 1) & (segments.labels < 0)
        expected = np.where(noise, "noise: not in any segment", np.where(dropped, "dropped by hand", ""))
        assert (added["left out because"] == expected).all()
        for name in ("segment (2)", "segment name", "distance to center"):
            assert (added[name].isna() == (noise | dropped)).all()


def test_rows_that_were_moved_out_before_their_segment_was_dropped_are_kept():
    plain = segments_from()
    row = int(np.flatnonzero(plain.labels == 1)[0])
    segments = plain.edited(Edit("move", (0,), rows=(row,))).edited(Edit("drop", (1,)))
    added = table_with_segments(segments)
    assert (added["segment (2)"][row], added["left out because"][row]) == (1, "")


def test_edited_segments_of_a_soft_method_have_distances():
    segments = segments_from(method="mixture").edited(Edit("merge", (0, 1)))
    added = table_with_segments(segments)
    np.testing.assert_allclose(
        added["distance to center"], np.linalg.norm(segments.data.points - segments.centers[segments.labels], axis=1)
    )


def test_simulated_points_are_a_table_of_their_own():
    run = make_run(catalog.draw_sample("three", 40, 0, {}), settings("kmeans", 3), RecentCache(), lambda _: None)
    table = table_with_segments(segments_of(run))
    np.testing.assert_array_equal(table[["x1", "x2"]], run.data.points)
    assert table["segment"].tolist() == (run.labels_by_rank + 1).tolist()


def test_names_are_numbered_until_they_are_distinct():
    assert distinct_from(["a", "b", "a"], ["a", "a (2)"]) == ["a (3)", "b", "a (4)"]


def test_the_files_contain_the_table():
    segments = segments_from(GAPS)
    table = table_with_segments(segments)
    header, *rows = csv.reader(io.StringIO(rows_csv(segments).decode("utf-8-sig")))
    assert header == list(table.columns)
    assert [row[0] for row in rows] == ["'" + name for name in GAPS["name"]]
    assert [row[-4] for row in rows] == ["" if pd.isna(number) else str(number) for number in table["segment (2)"]]
    assert [row[-1] for row in rows] == table["left out because"].tolist()
    page = openpyxl.load_workbook(io.BytesIO(rows_excel(segments))).active
    header, *rows = page.iter_rows(values_only=True)
    assert list(header) == list(table.columns)
    assert [row[0] for row in rows] == GAPS["name"].tolist()
    assert [row[3] for row in rows] == [date.to_pydatetime() for date in GAPS["since"]]
    assert [row[-4] for row in rows] == [None if pd.isna(number) else number for number in table["segment (2)"]]
    assert [row[-1] or "" for row in rows] == table["left out because"].tolist()


# the summary


def test_the_summary_has_the_figures_of_pandas():
    segments = segments_from(GAPS)
    summary = summary_table(Profiles(segments))
    assert summary["segment"].tolist()[:3] == [1, 2, 3]
    assert pd.isna(summary["segment"][3])
    assert summary["segment name"].tolist() == ["Cluster 1", "Cluster 2", "Cluster 3", "All rows"]
    rows = GAPS.iloc[segments.data.rows - 1].assign(label=segments.labels)
    groups = [rows[rows.label == i] for i in range(3)] + [rows]
    assert summary["size"].tolist() == [len(group) for group in groups]
    np.testing.assert_allclose(summary["share"], [len(group) / len(rows) for group in groups])
    for name in ("age", "income"):
        np.testing.assert_allclose(summary[f"{name} (mean)"], [group[name].mean() for group in groups])
    assert summary["since (mean)"].tolist() == [group["since"].mean().round("D") for group in groups]
    for name in ("country", "segment"):
        for category in CUSTOMERS[name].unique():
            expected = [(group[name] == category).mean() for group in groups]
            np.testing.assert_allclose(summary[f"{name} = {category}"], expected)
    assert "name" not in " ".join(summary.columns[4:])


def test_means_and_shares_are_those_of_the_rows_with_a_value():
    table = CUSTOMERS.copy()
    table.loc[:9, "country"] = None
    table.loc[5:20, "since"] = pd.NaT
    segments = segments_from(table, features=("age", "income"))
    summary = summary_table(Profiles(segments))
    for label in range(3):
        group = table[segments.labels == label]
        assert summary["country = USA"][label] == pytest.approx((group["country"].dropna() == "USA").mean())
        assert summary["since (mean)"][label] == group["since"].mean().round("D")


def test_empty_segments_have_no_means():
    segments = segments_from().edited(Edit("drop", (2,)))
    empty = replace(segments, labels=np.where(segments.labels == 1, 0, segments.labels))
    summary = summary_table(Profiles(empty))
    assert summary["size"].tolist()[1] == 0
    assert summary.iloc[1, 4:].isna().all()
    assert summary["size"].tolist()[-1] == N, "all rows include those in no segment"


def test_a_column_called_segment_does_not_replace_the_number():
    table = CUSTOMERS.rename(columns={"income": "x (mean)", "age": "x"})
    summary = summary_table(Profiles(segments_from(table, features=("x", "x (mean)"))))
    assert summary["segment"].tolist()[:3] == [1, 2, 3]
    assert {"x (mean)", "x (mean) (mean)"} <= set(summary.columns)


def test_the_summary_in_excel_has_percentages_and_the_same_figures():
    profiles = Profiles(segments_from())
    summary = summary_table(profiles)
    page = openpyxl.load_workbook(io.BytesIO(summary_excel(profiles)))["Summary"]
    header, *rows = page.iter_rows(values_only=True)
    assert list(header) == list(summary.columns)
    np.testing.assert_allclose([row[header.index("age (mean)")] for row in rows], summary["age (mean)"], rtol=1e-14)
    percent = {cell.value for cell in page[1] if page.cell(2, cell.column).number_format == "0.0%"}
    assert percent == {"share", *(name for name in summary.columns if " = " in name)}
    assert [row[header.index("since (mean)")] for row in rows] == [date.to_pydatetime() for date in summary["since (mean)"]]


def test_a_distance_matrix_has_no_columns_but_segments():
    from pages.datasets.matrices import matrix_data

    points = RNG.normal(size=(12, 2))
    matrix = np.linalg.norm(points[:, None] - points, axis=2)
    data = matrix_data(matrix, [f"thing {i}" for i in range(12)], "Things")
    segments = segments_of(make_run(data, settings("kmedoids", 2, data=data), RecentCache(), lambda _: None))
    table = table_with_segments(segments)
    assert table.columns.tolist()[1:] == ["segment", "segment name", "mean distance to segment", "left out because"]
    assert len(summary_table(Profiles(segments))) == 3
    assert segment_files.whole_table(segments).iloc[:, 0].tolist() == [f"thing {i}" for i in range(12)]
