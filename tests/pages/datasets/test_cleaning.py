"""Description of columns, and preparation of the points from a table."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, RobustScaler, StandardScaler

from clustering import impute
from pages.datasets import catalog, cleaning, readers
from pages.datasets.cleaning import (
    Preparation,
    default_preparation,
    default_scaling,
    dominance_warning,
    missing_effects,
    prepare,
    select_columns,
)
from pages.datasets.columns import KINDS, describe, histogram, possible_kinds, to_floats, with_kind
from tests.core.tables import examples

UNUSUAL_NAMES = ("<b>a</b>", "%{x}", "{curly}", "[l](http://x)", "a = b", "*", " ", "$x$")


def column(values, name="a", **options):
    return describe(pd.DataFrame({"z": np.arange(len(values)) * 0.5, name: pd.Series(values, **options)}))[1]


def prepared(columns, preparation=None, **options):
    table = pd.DataFrame(columns)
    return prepare(table, "title", replace(preparation or Preparation(tuple(table.columns)), **options))


# Column types


@pytest.mark.parametrize(
    ("values", "options", "kind"),
    [
        ([1.5, 2.5, 1.5], {}, "number"),
        ([3, 1, 2], {}, "number"),
        ([1, 2, 3], {}, "number"),
        ([1, None, 5, 5], dict(dtype="Int64"), "number"),
        ([1.0, np.inf, 2.0], {}, "number"),
        ([1e308, -1e308, 0.0], {}, "number"),
        ([0.3, 0.1 + 0.2, 0.3], {}, "number"),
        ([5e-324, 0.0, 0.0], {}, "number"),
        (["x", "y", "x", "y"], {}, "category"),
        (["x", None, "x", "y", "y"], dict(dtype="string"), "category"),
        (["x", None, "x", "y", "y"], dict(dtype="category"), "category"),
        ([True, False, True], {}, "category"),
        ([True, None, False, True], dict(dtype="boolean"), "category"),
        ([True, None, False, True], dict(dtype=object), "category"),
        ([1, "1", None, True, True, 1], dict(dtype=object), "category"),
        (["red apple", "green pear", "blue plum", "old fig"], {}, "text"),
        (["A1", "A2", "A3", "A4"], {}, "identifier"),
        ([7, 7, 7], {}, "constant"),
        ([7.0, np.nan, 7.0], {}, "constant"),
        (["x", "x"], {}, "constant"),
        ([np.nan, np.nan], {}, "constant"),
        ([None, None], dict(dtype="string"), "constant"),
        ([None, None], dict(dtype="datetime64[ns]"), "constant"),
        (pd.to_datetime(["2020-01-01", "2021-01-01"]), {}, "date"),
        (pd.to_datetime(["2020-01-01", "2021-01-01"], utc=True), {}, "date"),
    ],
    ids=str,
)
def test_the_type_of_a_column_is_detected_from_its_values(values, options, kind):
    assert column(values, **options).kind == kind


def test_whole_numbers_are_an_identifier_if_the_name_says_so_or_if_the_first_column_numbers_the_rows():
    kinds = [c.kind for c in describe(pd.DataFrame({"a": [1, 2, 3], "b": [1, 2, 3], "patient_id": [9, 5, 7], "c": [9, 5, 7]}))]
    assert kinds == ["identifier", "number", "identifier", "number"]
    assert describe(pd.DataFrame({"a": [5, 6, 7]}))[0].kind == "number"
    assert column([1.5, 2.5, 3.0], name="id").kind == "number"
    assert column([4, 4, 3], name="id").kind == "number"


def test_identifiers_beyond_the_precision_of_floats_remain_distinct():
    found = column(2**60 + np.array([0, 9, 1, 5]), name="id")
    assert (found.kind, found.distinct) == ("identifier", 4)
    assert column(pd.array([2**60, 2**60 + 1, None], dtype="Int64"), name="x").distinct == 2


def test_the_summary_of_a_column_is_its_range_or_its_most_frequent_values():
    found = column([-1.5, np.nan, np.inf, 2000.0])
    assert (found.summary, found.missing, found.distinct) == ("−1.5 to 2,000", 2, 2)
    found = column(["y", "x", None, "y", "z", "w", "y", "x"])
    assert found.summary == "y (3), x (2), z (1), …"
    assert (found.missing, found.distinct, found.counts) == (1, 4, (3, 2, 1, 1))
    found = column(pd.to_datetime(["1969-12-30 12:00", None, "1970-01-02"], format="ISO8601"))
    assert (found.summary, found.missing) == ("1969-12-30 to 1970-01-02", 1)
    berlin = pd.to_datetime(["2024-01-01 00:30", "2024-07-01 00:30"]).tz_localize("Europe/Berlin")
    assert column(berlin).summary == "2024-01-01 to 2024-07-01"
    assert column(["x" * 30, "y", "y", "y"]).summary.endswith("x… (1)")


@examples(60)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=40))
def test_any_column_of_floats_can_be_described_and_its_histogram_counts_every_value(values):
    found = describe(pd.DataFrame({"a": values}))[0]
    finite = np.isfinite(values)
    assert sum(found.counts) == finite.sum() == len(values) - found.missing
    assert found.distinct == len(set(np.array(values)[finite]))


def test_the_counts_of_a_numeric_column_are_its_histogram():
    for values in (np.random.default_rng(0).normal(size=500), np.arange(100) ** 2, np.array([1.0, 5.0, 5.0])):
        assert column(values).counts == tuple(np.histogram(values, bins=20)[0])


def test_a_histogram_accepts_very_wide_and_very_narrow_ranges():
    np.testing.assert_array_equal(histogram(np.array([-1e308, 0.0, 1e308]), 2, -1e308, 1e308), [1, 2])
    np.testing.assert_array_equal(histogram(np.array([0.3, 0.1 + 0.2]), 2, 0.3, 0.1 + 0.2), [1, 1])
    np.testing.assert_array_equal(histogram(np.full(3, 7.0), 5, 7, 7), [0, 0, 3, 0, 0])


def test_only_usable_columns_can_be_features():
    table = pd.DataFrame({"row": [1, 2, 3, 4], "number": [1.0, 5.0, 2.0, 2.0], "constant": 1, "kind": ["x", "y", "x", "y"]})
    table["name"] = ["Anna B", "Bert C", "Carl D", "Dora E"]
    table["day"] = pd.to_datetime(["2020-01-01", "2020-01-01", "2021-01-01", "2022-01-01"])
    assert [c.name for c in describe(table) if c.usable] == ["row", "number", "kind", "day"]


def test_a_type_can_be_changed_to_one_that_fits_the_values():
    table = pd.DataFrame(
        {
            "id": np.arange(60),
            "number": np.arange(60) * 1.5,
            "code": np.resize([1, 2, 3], 60),
            "kind": np.resize(["x", "y"], 60),
            "city": np.resize([f"city of {i}" for i in range(45)], 60),
            "name": [f"Anna B{'c' * i}" for i in range(60)],
            "day": pd.date_range("2020-01-01", periods=60),
            "constant": 1,
        }
    )
    columns = {column.name: column for column in describe(table)}
    assert {name: possible_kinds(column) for name, column in columns.items()} == {
        "id": ("identifier", "number"),
        "number": ("number", "identifier"),
        "code": ("number", "identifier", "category"),
        "kind": ("category", "text", "identifier"),
        "city": ("text", "identifier", "category"),
        "name": ("text", "identifier"),
        "day": ("date",),
        "constant": ("constant",),
    }
    for column in columns.values():
        for kind in KINDS:
            if kind not in possible_kinds(column):
                with pytest.raises(ValueError, match=f"The type of column {column.name} can be .*, not {kind}"):
                    with_kind(column, kind)
                continue
            changed = with_kind(column, kind)
            assert changed.kind == kind
            numeric = column.name in ("id", "number", "code")
            assert changed.usable == (kind in ("number", "category", "date") or (kind == "identifier" and numeric))


def test_initial_features_are_numeric_without_identifiers_constants_and_true_labels():
    table = pd.DataFrame({"id": [4, 2, 3, 1], "length": [1.0, 5.0, 2.0, 2.0], "constant": 1, "Species": ["x", "y", "x", "y"]})
    table["name"] = ["Anna B", "Bert C", "Carl D", "Dora E"]
    table["cluster"] = [0, 1, 0, 1]
    initial = default_preparation(describe(table))
    assert (initial.columns, initial.label, initial.names) == (("length", "cluster"), "Species", "name")
    initial = default_preparation(describe(table[["id", "Species"]].assign(color=["r", "g", "g", "r"])))
    assert (initial.columns, initial.label, initial.names) == (("color",), "Species", "id")
    assert default_preparation([]) == Preparation(())
    wide = pd.DataFrame(np.eye(60) * 2.5, columns=[f"x{j}" for j in range(60)])
    assert default_preparation(describe(wide)).columns == tuple(f"x{j}" for j in range(50))


LABELS = [
    *("species", "Species", "species_name", "SPECIES NAME", "cell_type", "CellType", "celltype", "customer_segment"),
    *("Customer segment", "trueLabel", "true_labels", "class", "class_label", "classId", "target", "ground_truth", "cluster"),
    *("group", "category", "type", "type_name", "subject.group"),
]
NO_LABELS = [
    *("type of payment", "payment_type", "PaymentType", "product category", "age_group", "blood group", "travelClass"),
    *("number_of_labels", "n_classes", "n_clusters", "target_price", "class_size", "classification", "typed", "Country"),
    *("name", "code", "id", "", "12", "group_mean", "segment length"),
]


@pytest.mark.parametrize("name", LABELS + NO_LABELS)
def test_true_labels_are_recognized_by_the_words_of_the_name(name):
    table = pd.DataFrame({"x": [1.0, 5.0, 2.0, 4.0, 3.0], name: list("pqpqp")})
    assert default_preparation(describe(table)).label == (name if name in LABELS else None)


def test_numbers_are_true_labels_only_if_they_are_repeated():
    for values, label in ((np.arange(40) % 4, "target"), (np.arange(40) * 1.5, None), (np.arange(40) // 1.5, None)):
        table = pd.DataFrame({"x": np.arange(40.0) ** 2, "target": values})
        initial = default_preparation(describe(table))
        assert initial.label == label
        assert ("target" in initial.columns) == (label is None)


def test_of_several_columns_of_true_labels_the_first_with_a_single_word_is_chosen():
    table = pd.DataFrame(dict(x=[1.0, 5, 2, 4], cell_type=list("ppqq"), label=list("pqqq"), target=list("qpqp")))
    assert default_preparation(describe(table)).label == "label"
    assert default_preparation(describe(table[["x", "cell_type"]])).label == "cell_type"


# Numbers


def test_dates_become_fractional_days_and_missing_dates_nan():
    days = to_floats(pd.Series(pd.to_datetime(["1970-01-02", "1969-12-31 12:00:00.25", None], format="ISO8601")))
    np.testing.assert_allclose(days, [1, -0.5 + 0.25 / 86_400, np.nan], rtol=0, atol=1e-12)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_dates_in_every_unit_become_the_same_days(unit):
    np.testing.assert_array_equal(to_floats(pd.Series(pd.to_datetime(["2000-01-01"])).dt.as_unit(unit)), [10_957])


def test_daylight_saving_time_does_not_distort_time_differences():
    berlin = pd.Series(pd.to_datetime(["2024-03-31 00:30", "2024-03-31 12:30"])).dt.tz_localize("Europe/Berlin")
    assert np.diff(to_floats(berlin))[0] * 24 == pytest.approx(11)


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "int64[pyarrow]", "Float32"])
def test_nullable_numbers_become_floats_with_nan(dtype):
    np.testing.assert_array_equal(to_floats(pd.Series([1, None, 3], dtype=dtype)), [1, np.nan, 3])


def test_infinities_become_nan_without_changing_the_table():
    table = pd.Series([1.0, np.inf, -np.inf])
    np.testing.assert_array_equal(to_floats(table), [1, np.nan, np.nan])
    assert np.isinf(table[1])


# Selecting columns


@pytest.mark.parametrize(
    ("values", "dtype", "categories", "codes"),
    [
        ([True, None, False], "boolean", ("True", "False"), [0, -1, 1]),
        ([True, False, True], bool, ("True", "False"), [0, 1, 0]),
        (["y", None, "x"], "string", ("y", "x"), [0, -1, 1]),
        (["y", None, "x"], "str", ("y", "x"), [0, -1, 1]),
        (["y", None, "x"], "category", ("x", "y"), [1, -1, 0]),
        ([1, "1", None, 2.5, True], object, ("1", "2.5", "True"), [0, 0, -1, 1, 2]),
    ],
    ids=str,
)
def test_categories_of_every_type_get_codes_and_missing_ones_minus_one(values, dtype, categories, codes):
    found = select_columns(pd.DataFrame({"a": pd.Series(values, dtype=dtype)}), Preparation(("a",)))
    np.testing.assert_array_equal(
        [found.categories[0][code] if code >= 0 else "" for code in found.codes[:, 0]],
        [categories[code] if code >= 0 else "" for code in codes],
    )
    assert sorted(found.categories[0]) == sorted(categories)


def test_numeric_codes_become_sorted_categories_with_distinct_names():
    table = pd.DataFrame(
        {"zip": [1234568.0, np.inf, 1234567.0, 0.5, np.nan], "n": pd.array([2**60 + 1, 2**60, 3, None, 3], "Int64")}
    )
    found = select_columns(table, Preparation(("zip", "n"), as_categories=("zip", "n")))
    assert found.categories == (("0.5", "1234567", "1234568"), ("3", str(2**60), str(2**60 + 1)))
    np.testing.assert_array_equal(found.codes, [[2, 2], [-1, 1], [1, 0], [0, -1], [-1, 0]])
    np.testing.assert_array_equal(found.missing, [0, 1, 0, 1, 1])


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([np.nan, np.inf], "Column a has no values"),
        ([None, None], "Column a has no values"),
        ([1e308, 1.0], "Column a contains numbers as large as 1e\\+308"),
        ([1.0, -1e200], "as large as 1e\\+200"),
        ([f"v{i}" for i in range(51)], "Column a has 51 distinct values; a categorical column may have at most 50"),
        ([], "Column a has no values"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_the_error_names_a_column_that_cannot_be_used(values, sentence):
    with pytest.raises(ValueError, match=sentence):
        prepare(pd.DataFrame({"a": values}), "title", Preparation(("a",), scaling="standardize"))


def test_at_least_one_feature_is_required():
    with pytest.raises(ValueError, match="Choose at least one feature"):
        prepared({"a": [1.0, 2.0]}, Preparation(()))


def test_fifty_categories_are_allowed():
    assert prepared({"a": [f"v{i}" for i in range(50)]}).points.shape == (50, 50)


# Missing values

INCOMPLETE = {"a": [1.0, np.nan, 3.0, 10.0, np.inf], "b": [2.0, 4.0, 7.0, 8.0, np.nan], "c": ["x", "y", None, "y", None]}


def test_the_effect_of_each_missing_value_option_is_stated():
    effects = missing_effects(select_columns(pd.DataFrame(INCOMPLETE), Preparation(("a", "b", "c"))))
    assert effects["drop"] == "Drops 3 of 5 rows and keeps 2."
    start, warning = "Imputes 5 values in 3 of 5 rows with ", " 1 row has no value in any feature and would get only averages."
    category = " or the most frequent category."
    assert effects["median"] == f"{start}the column median{category}{warning}"
    predictions = "predictions from the other numeric features (with standard deviations)"
    assert effects["ppca"] == f"{start}{predictions}{category}{warning}"
    effects = missing_effects(select_columns(pd.DataFrame(INCOMPLETE), Preparation(("c",))))
    assert effects["median"] == "Imputes 2 values in 2 of 5 rows with the most frequent category."
    effects = missing_effects(select_columns(pd.DataFrame(INCOMPLETE), Preparation(("a",))))
    assert effects["median"] == "Imputes 2 values in 2 of 5 rows with the column median."
    assert missing_effects(select_columns(pd.DataFrame({"a": [1, 2]}), Preparation(("a",)))) == {}


@examples(40)
@given(st.lists(st.tuples(*[st.one_of(st.none(), st.integers(-5, 5))] * 2), min_size=4, max_size=12))
def test_the_stated_numbers_of_rows_are_dropped_or_imputed(cells):
    table = pd.DataFrame(cells, columns=["a", "b"], dtype=float)
    preparation = Preparation(("a", "b"))
    missing = table.isna().to_numpy()
    if missing.all(axis=0).any() or (~missing.any(axis=1)).sum() < 2:
        return
    effects = missing_effects(select_columns(table, preparation))
    dropped, by_median = prepare(table, "", preparation), prepare(table, "", replace(preparation, missing="median"))
    assert bool(effects) == missing.any()
    if effects:
        assert effects["drop"].endswith(f"keeps {len(dropped.points):,}.")
        assert effects["median"].startswith(f"Imputes {by_median.imputed.sum():,} value")
    np.testing.assert_array_equal(dropped.points, table.dropna())
    np.testing.assert_array_equal(by_median.points, table.fillna(table.median()))
    np.testing.assert_array_equal(dropped.rows, table.dropna().index + 1)


def test_incomplete_rows_are_dropped_and_the_others_keep_row_numbers_names_and_labels():
    data = prepared(
        INCOMPLETE | {"l": ["u", "v", None, "t", "u"], "n": [1.0, 2.0, 3.0, np.nan, 5.0]}, Preparation(("a", "b"), "l", "n")
    )
    np.testing.assert_array_equal(data.points, [[1, 2], [3, 7], [10, 8]])
    np.testing.assert_array_equal(data.rows, [1, 3, 4])
    np.testing.assert_array_equal(data.labels, [1, -1, 0])  # t, u, v
    assert (data.groups, data.label_name) == (2, "l")
    assert data.names_of(np.arange(3)) == ["1", "3", "row 4"]
    assert data.note == "2 of 5 rows were dropped because of missing or infinite values."
    assert data.imputed is None
    assert data.deviations is None


@pytest.mark.parametrize(
    ("values", "sentence"), [([1, np.nan, np.nan], "Only one row has"), ([np.nan, 1, np.nan], "No row has")]
)
def test_fewer_than_two_complete_rows_are_rejected(values, sentence):
    with pytest.raises(ValueError, match=f"{sentence} a value in every feature"):
        prepared({"a": [1.0, np.nan, 3.0], "b": values})


def test_numbers_are_imputed_with_the_median_and_categories_with_the_most_frequent_value():
    data = prepared(INCOMPLETE, missing="median")
    numbers = np.where(
        np.isinf(np.column_stack([INCOMPLETE["a"], INCOMPLETE["b"]])),
        np.nan,
        np.column_stack([INCOMPLETE["a"], INCOMPLETE["b"]]),
    )
    np.testing.assert_array_equal(data.points[:, :2], SimpleImputer(strategy="median").fit_transform(numbers))
    assert data.columns == ("a", "b", "c = y")
    np.testing.assert_array_equal(data.points[:, 2], [0, 1, 1, 1, 1])
    np.testing.assert_array_equal(data.imputed, [[0, 0, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0], [1, 1, 1]])
    assert data.note.startswith("5 values in 3 of 5 rows were imputed with the column median or the most frequent category.")
    np.testing.assert_array_equal(data.mixed[0], data.points[:, :2])


def test_probabilistic_pca_imputes_in_the_units_of_the_columns_with_standard_deviations():
    rng = np.random.default_rng(0)
    true = rng.normal(size=(200, 1)) @ [[1.0, -2.0, 0.5, 3.0]] + rng.normal(size=(200, 4)) * 0.1
    true = true * [1000, 1, 1e-3, 5] + [0, 50, 0, 2]
    cells = np.where(rng.random(true.shape) < 0.1, np.nan, true)
    missing = np.isnan(cells)
    data = prepared(pd.DataFrame(cells, columns=list("abcd")), missing="ppca", components=1)
    shift, scale = np.nanmean(cells, axis=0), np.nanstd(cells, axis=0)
    core = impute((cells - shift) / scale, 1)
    np.testing.assert_allclose(data.points, core.points * scale + shift)
    np.testing.assert_array_equal(data.points[~missing], cells[~missing])
    np.testing.assert_array_equal(data.imputed, missing)
    np.testing.assert_array_equal(data.deviations > 0, missing)
    errors = ((data.points - true) / np.where(missing, data.deviations, 1))[missing]
    assert 0.8 < errors.std() < 1.25
    scaled = prepared(pd.DataFrame(cells, columns=list("abcd")), missing="ppca", components=1, scaling="range")
    np.testing.assert_allclose(scaled.deviations, data.deviations / np.ptp(data.points, axis=0))


def test_probabilistic_pca_accepts_more_columns_than_rows_and_too_many_components():
    cells = np.random.default_rng(0).normal(size=(3, 6))
    cells[0, 0] = np.nan
    cells[:, 5] = 0.1
    data = prepared(pd.DataFrame(cells, columns=list("abcdef")), missing="ppca", components=9)
    assert np.isfinite(data.points).all()
    assert data.imputed.sum() == 1


def test_probabilistic_pca_needs_two_numeric_columns_and_at_most_100_000_rows(monkeypatch):
    with pytest.raises(ValueError, match="only one numeric feature"):
        prepared({"a": [1.0, np.nan, 2.0], "c": ["x", "y", "x"]}, missing="ppca")
    monkeypatch.setattr(cleaning, "MAX_ROWS_FOR_PPCA", 2)
    table = pd.DataFrame({"a": [1.0, np.nan, 2.0], "b": [1.0, 2.0, 3.0]})
    with pytest.raises(ValueError, match="limited to 100,000 rows") as error:
        prepared(table, missing="ppca")
    assert missing_effects(select_columns(table, Preparation(("a", "b"))))["ppca"] == str(error.value)


def test_the_number_of_components_is_limited_by_the_numeric_columns_with_missing_values():
    def largest(*columns):
        return cleaning.max_components(select_columns(pd.DataFrame(INCOMPLETE).assign(d=1.5), Preparation(columns)))

    assert [largest("a", "b", "d"), largest("a", "b"), largest("a"), largest("c", "d"), largest("c")] == [2, 1, 0, 0, 0]


# Scaling

NUMBERS = np.column_stack(
    [np.random.default_rng(0).normal(1e6, 3, 40), np.random.default_rng(1).gamma(0.3, 1e-9, 40), np.arange(40) % 7]
)
SCALERS = {"standardize": StandardScaler, "range": MinMaxScaler, "robust": RobustScaler}


@pytest.mark.parametrize("scaling", SCALERS)
def test_scaling_equals_that_of_scikit_learn_and_is_stated_in_the_column_names(scaling):
    data = prepared(pd.DataFrame(NUMBERS, columns=list("abc")), scaling=scaling)
    np.testing.assert_allclose(data.points, SCALERS[scaling]().fit_transform(NUMBERS), rtol=1e-9, atol=1e-9)
    assert data.columns == tuple(name + cleaning.SCALING_SUFFIXES[scaling] for name in "abc")


@pytest.mark.parametrize("scaling", SCALERS)
@pytest.mark.parametrize("value", [0.0, 0.1, 1e-5, 1e9 / 3, 1e17, 1e143])
def test_a_constant_column_becomes_zeros(scaling, value):
    data = prepared({"a": [value] * 7, "b": range(7)}, scaling=scaling)
    np.testing.assert_array_equal(data.points[:, 0], np.zeros(7))
    assert np.ptp(data.points[:, 1]) > 0


@pytest.mark.parametrize("scaling", SCALERS)
@pytest.mark.parametrize("unit", [1e-200, 1e-9, 1e142])
def test_scaled_columns_do_not_depend_on_the_unit(scaling, unit):
    values = np.array([1.0, 2.0, 4.0, 9.0])
    scaled = prepared({"a": values * unit}, scaling=scaling).points
    np.testing.assert_allclose(scaled, prepared({"a": values}, scaling=scaling).points, atol=1e-12)


def test_robust_scaling_uses_the_standard_deviation_if_the_interquartile_range_is_zero():
    values = np.array([0.0] * 8 + [3.0, 5.0])
    np.testing.assert_allclose(prepared({"a": values}, scaling="robust").points[:, 0], values / values.std())


def test_columns_are_unchanged_without_scaling():
    data = prepared({"a": [2**53, 1, 5], "b": [0.1, 0.2, 0.3]})
    np.testing.assert_array_equal(data.points, [[2.0**53, 0.1], [1, 0.2], [5, 0.3]])
    assert data.columns == ("a", "b")


def test_scaling_follows_imputation_and_does_not_apply_to_categories():
    data = prepared(INCOMPLETE, missing="median", scaling="standardize")
    numbers = prepared(INCOMPLETE, missing="median").points
    np.testing.assert_allclose(data.points[:, :2], StandardScaler().fit_transform(numbers[:, :2]))
    np.testing.assert_array_equal(data.points[:, 2:], numbers[:, 2:])
    assert data.columns[1:3] == ("b (standardized)", "c = y")


def test_the_warning_names_a_column_that_dominates_the_distances():
    assert dominance_warning(prepared({"a": [1.0, 2.0, 3.0], "b": [100.0, 50.0, 900.0]})).startswith(
        "The column “b” accounts for 99.9% of the squared"
    )
    columns = {"a": [0.0, 2.0], "b": [0.0, 4.0]}
    assert dominance_warning(prepared(columns)).startswith("The column “b” accounts for 80.0% of the squared")
    assert dominance_warning(prepared({"a": [0.0, 2.0], "b": [0.0, 3.9]})) == ""
    assert dominance_warning(prepared(columns, scaling="standardize")) == ""
    assert dominance_warning(prepared({"a": [1.0, 2.0]})) == ""


def test_the_advice_for_standardized_columns_is_not_to_standardize():
    columns = {"a": np.arange(20.0), "b": np.arange(20) % 2 == 0}
    for scaling, advice in (
        ("none", "Consider standardizing."),
        ("standardize", "Columns of 0 and 1 are not scaled; consider Gower distance."),
    ):
        assert dominance_warning(prepared(columns, scaling=scaling)).endswith(f"will dominate the result. {advice}")


@pytest.mark.parametrize(
    ("deviations", "scaling"),
    [
        ([1.0], "none"),
        ([1, 1.9], "none"),
        ([1, 2], "standardize"),  # one column accounts for 80 % of the distances
        ([1, 2, 2], "none"),
        ([2, 10, 20, 20], "standardize"),
        ([2.1, 10, 20, 20], "none"),
        ([*[1] * 2, *[9] * 12], "none"),  # a few columns that hardly vary
        ([0, 5, 5], "none"),
        ([], "none"),
    ],
    ids=str,
)
def test_columns_with_unlike_units_are_standardized_by_default(deviations, scaling):
    table = pd.DataFrame({str(i): [7 - deviation, 7 + deviation, np.nan] for i, deviation in enumerate(deviations)})
    assert default_scaling(table, table.columns) == scaling


def test_the_default_scaling_ignores_categories_and_accepts_huge_and_missing_numbers():
    table = pd.DataFrame(dict(c=["p", "q", "q"], a=[1.0, 2, 3], b=[1e200, -1e200, 0], d=[np.inf, np.nan, np.nan]))
    assert default_scaling(table, ["c", "a"]) == "none"
    assert default_scaling(table, ["a", "b"]) in cleaning.SCALINGS
    assert default_scaling(table[["a"]].assign(d=[np.nan, np.nan, 5.0]), ["a", "d"]) == "none"


@pytest.mark.parametrize(("name", "scaling"), [("iris", "none"), ("ruspini", "none"), ("faithful", "standardize")])
def test_published_tables_with_unlike_units_are_recognized(name, scaling):
    table = catalog.read_table(name)
    assert default_scaling(table, default_preparation(describe(table)).columns) == scaling


def test_constant_columns_do_not_cause_a_warning():
    assert dominance_warning(prepared({"a": [1.0, 2.0, 3.0], "b": [0.1, 0.1, 0.1]})) == ""
    assert dominance_warning(prepared({"a": [0.1] * 7, "b": [0.7] * 7})) == ""
    assert dominance_warning(prepared({"a": [1e143, -1e143], "b": [1.0, 2.0]})).startswith("The column “a” accounts for 99.9%")


# Categories


def test_categories_are_one_hot_as_in_scikit_learn():
    values = np.array(["x", "y", "z", "x", "z"], dtype=object)
    data = prepared({"c": values, "n": [5, 1, 5, 2, 1]}, Preparation(("c", "n"), as_categories=("n",)))
    encoder = OneHotEncoder(sparse_output=False)
    np.testing.assert_array_equal(data.points[:, :3], encoder.fit_transform(values[:, None]))
    assert data.columns == ("c = x", "c = y", "c = z", "n = 1", "n = 2", "n = 5")
    np.testing.assert_array_equal(data.points[:, 3:].argmax(axis=1), [2, 0, 2, 1, 0])


@pytest.mark.parametrize(
    ("values", "indicator", "column"),
    [
        (["no", "yes", None, "no"], "c = yes", [0, 1, 0, 0]),
        (["Yes", "No", None, "No"], "c = Yes", [1, 0, 0, 0]),
        ([True, False, None, False], "c = True", [1, 0, 0, 0]),
        (["m", "f", None, "m"], "c = f", [0, 1, 0, 0]),
        ([1.0, 2.0, np.nan, 1.0], "c = 2", [0, 1, 0, 0]),
    ],
    ids=str,
)
def test_two_categories_are_one_column_of_the_second_or_affirmative_one(values, indicator, column):
    data = prepared({"x": [1.0, 2, 3, 4], "c": values}, Preparation(("x", "c"), as_categories=("c",), missing="median"))
    assert data.columns == ("x", indicator)
    np.testing.assert_array_equal(data.points[:, 1], column)
    assert data.imputed.tolist() == [[False, False]] * 2 + [[False, True], [False, False]]
    (categories,) = data.origin.categories.values()
    assert indicator == f"c = {categories[1]}"
    np.testing.assert_array_equal(data.mixed[1][:, 0], column)  # the codes, on which Gower distance depends
    assert (
        "c was encoded as one column of 0 and 1. For mixed types consider K-prototypes, or K-medoids with Gower distance."
        in data.note
    )


def test_the_note_names_the_columns_with_two_categories():
    two, three = ["p", "q", "p"], ["p", "q", "r"]
    for columns, sentences in (
        (dict(a=two, b=two), "a, b were encoded as one column of 0 and 1 each."),
        (dict(a=three, b=two), "Categories were one-hot encoded (3 columns). b was encoded as one column of 0 and 1."),
        (dict(a=two, b=two, c=two, d=two), "4 columns with two categories were encoded as one column of 0 and 1 each."),
    ):
        assert prepared(columns).note.startswith(sentences)


def test_gower_distances_use_ranges_and_equality():
    data = prepared({"a": [0.0, 1.0, 4.0], "c": ["x", "x", "y"], "k": [7.0, 7.0, 7.0]}, scaling="standardize")
    assert data.metrics[0] == "gower"
    expected = np.array([[0, 1 / 4, 2], [1 / 4, 0, 3 / 4 + 1], [2, 3 / 4 + 1, 0]]) / 3
    np.testing.assert_allclose(data.proximities("gower"), expected)
    codes = prepared({"c": ["x", "y", "x"], "d": [True, True, False]})
    np.testing.assert_allclose(codes.proximities("gower"), np.array([[0, 1, 1], [1, 0, 2], [1, 2, 0]]) / 2)
    assert "gower" not in prepared({"a": [1.0, 2.0]}).metrics


# Labels and names


@pytest.mark.parametrize(
    ("labels", "codes"),
    [
        (pd.Series(["b", None, "a", "b"]), [1, -1, 0, 1]),
        (pd.Series(["b", None, "a", "b"], dtype="string"), [1, -1, 0, 1]),
        (pd.Series(["b", None, "a", "b"], dtype="category"), [1, -1, 0, 1]),
        (pd.Series(["b", None, 1, "b"], dtype=object), [1, -1, 0, 1]),
        (pd.Series([True, None, False, True], dtype="boolean"), [1, -1, 0, 1]),
        (pd.Series([10.0, np.nan, 9.0, 10.0]), [1, -1, 0, 1]),
        (pd.Series(pd.to_datetime(["2021-01-01", None, "2020-01-01", "2021-01-01"])), [1, -1, 0, 1]),
        (pd.Series(pd.Categorical(["b", None, 1, "b"])), [1, -1, 0, 1]),
        (pd.Series([None] * 4, dtype=object), [-1, -1, -1, -1]),
    ],
    ids=lambda v: str(v.dtype) if isinstance(v, pd.Series) else "",
)
def test_labels_of_every_type_get_sorted_codes_and_missing_ones_minus_one(labels, codes):
    data = prepared({"a": [1.0, 2.0, 3.0, 4.0], "l": labels}, Preparation(("a",), "l"))
    np.testing.assert_array_equal(data.labels, codes)
    assert data.points.shape == (4, 1)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Anna", None, "<b>"], ["Anna", "row 2", "<b>"]),
        ([1.0, np.nan, 2.5], ["1", "row 2", "2.5"]),
        (pd.array([7, None, 2**60], dtype="Int64"), ["7", "row 2", str(2**60)]),
        (pd.array([True, None, False], dtype="boolean"), ["True", "row 2", "False"]),
        ([np.nan] * 3, ["row 1", "row 2", "row 3"]),
        (pd.Categorical(["u", None, "v"]), ["u", "row 2", "v"]),
        (pd.array(["u", None, "v"], dtype="string"), ["u", "row 2", "v"]),
    ],
    ids=str,
)
def test_row_labels_come_from_the_names_column_or_the_row_number(names, expected):
    assert prepared({"a": [1.0, 2.0, 3.0], "n": names}, Preparation(("a",), names="n")).names_of(np.arange(3)) == expected


def test_unusual_and_duplicate_column_names_are_accepted():
    table = pd.DataFrame({name: np.arange(3.0) + i for i, name in enumerate(UNUSUAL_NAMES)})
    assert prepare(table, "title", Preparation(UNUSUAL_NAMES)).columns == UNUSUAL_NAMES
    table = readers.read(b"a,a,b\n1,2,x\n3,5,y\n2,2,x\n", "").table
    data = prepare(table, "title", default_preparation(describe(table)))
    np.testing.assert_array_equal(data.points, [[1, 2], [3, 5], [2, 2]])
    assert len(set(data.columns)) == 2


# Keys

TABLE = pd.DataFrame(
    {
        "a": [1.0, 2.0, np.nan, 4.0, 5.0],
        "b": [1.0, 3.0, 2.0, 4.0, 9.0],
        "c": list("xyxyx"),
        "d": list("yxyxy"),
        "l": list("uuvvv"),
        "m": list("uvuvu"),
        "k": [2.0, 1.0, 2.0, 1.0, 2.0],
    }
)
PREPARATIONS = [
    Preparation(("a",)),
    Preparation(("b",)),
    Preparation(("a", "b")),
    Preparation(("b", "a")),
    Preparation(("a", "b", "c")),
    Preparation(("a", "b", "d")),
    Preparation(("a", "b", "k")),
    Preparation(("a", "b", "k"), as_categories=("k",)),
    Preparation(("a", "b"), "l"),
    Preparation(("a", "b"), "m"),
    Preparation(("a", "b"), None, "l"),
    Preparation(("a", "b"), None, "m"),
    Preparation(("a", "b"), "m", "l"),
    Preparation(("a", "b"), missing="median"),
    Preparation(("a", "b"), missing="ppca", components=1),
    Preparation(("a", "b", "k"), missing="ppca", components=1),
    Preparation(("a", "b", "k"), missing="ppca", components=2),
    Preparation(("a", "b"), scaling="standardize"),
    Preparation(("a", "b"), scaling="range"),
    Preparation(("a", "b"), scaling="robust"),
]


def test_keys_are_equal_exactly_for_equal_preparations():
    keys = [prepare(TABLE, "title", preparation).key for preparation in PREPARATIONS]
    assert len(set(keys)) == len(keys)
    assert keys == [prepare(TABLE.copy(), "title", preparation).key for preparation in PREPARATIONS]
    assert prepare(TABLE, "another", PREPARATIONS[2]).key != keys[2]


def test_keys_differ_if_anything_but_the_points_differs():
    preparation = Preparation(("a", "c"), "l", "m", missing="median")
    original = prepare(TABLE, "title", preparation)
    swapped = TABLE.assign(m=TABLE.m.iloc[::-1].to_numpy())
    assert prepare(swapped, "title", preparation).key == original.key  # u v u v u is a palindrome
    for changed in (
        TABLE.assign(m=list("uvuvw")),
        TABLE.assign(l=list("uuuvv")),
        TABLE.assign(a=TABLE.a.fillna(3.0)),
        TABLE.assign(c=list("xyxyy")),
    ):
        assert prepare(changed, "title", preparation).key != original.key
    shifted = pd.concat([TABLE.iloc[[2]], TABLE.iloc[[0, 1, 3, 4]]])
    one, other = (prepare(t, "", Preparation(("a",))) for t in (TABLE, shifted))
    np.testing.assert_array_equal(one.points, other.points)
    assert one.key != other.key  # the rows differ


@pytest.mark.parametrize("name", catalog.TABLES)
def test_each_bundled_table_can_be_prepared_with_each_missing_value_option(name):
    table = catalog.read_table(name)
    columns = describe(table)
    assert all(c.missing == table[c.name].isna().sum() for c in columns)
    initial = default_preparation(columns)
    if initial.columns:
        for missing in cleaning.MISSING_OPTIONS:
            data = prepare(table, name, replace(initial, missing=missing, scaling="standardize"))
            assert np.isfinite(data.points).all()
            assert len(data.points) == len(table) if missing != "drop" else len(data.points) <= len(table)


def test_300_000_rows_are_prepared():
    n = 300_000
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n), "l": rng.choice(["x", "y"], n)})
    table.iloc[::10, 0] = np.nan
    data = prepare(table, "", replace(default_preparation(describe(table)), label="l", missing="median", scaling="robust"))
    assert data.points.shape == (n, 2)
    assert data.imputed.sum() == n / 10


def test_points_keep_the_whole_table_and_how_it_was_prepared():
    table = pd.DataFrame({"a": [1.0, np.nan, 3.0, 5.0], "c": list("xyxy"), "not a feature": list("pqrs")})
    preparation = Preparation(("a", "c"), scaling="standardize")
    data = prepare(table, "", preparation)
    assert data.origin.table is table
    assert data.origin.preparation == preparation
    assert (data.origin.numbers, data.origin.categories) == (("a",), {"c": ("x", "y")})
    assert data.origin.table.iloc[data.rows - 1]["not a feature"].tolist() == ["p", "r", "s"]


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        ([0, 0, 0, 5], "Column w is 0 in all rows that are used"),
        ([1, 1e200, 1, 1], "Column w exceeds 1e+100 in row 2"),
        ([1e-200, 0, 0, 5], "Column w is below 1e-100 in all rows that are used"),
        (["a", "b", "c", "d"], "Column w does not hold numbers"),
        ([True, False, True, True], "Column w does not hold numbers"),
    ],
)
def test_columns_that_cannot_be_weights_are_rejected(weights, sentence):
    table = {"x": [1.0, 2.0, 3.0, np.nan], "w": weights}
    with pytest.raises(ValueError, match=re.escape(sentence)):
        prepared(table, Preparation(("x",), weight="w"))


def test_weights_are_those_of_the_rows_that_are_kept_and_may_be_missing_elsewhere():
    data = prepared({"x": [1.0, np.nan, 3.0], "w": [2.0, np.nan, 0.5]}, Preparation(("x",), weight="w"))
    assert data.row_weights.tolist() == [2.0, 0.5]
    assert data.weight_name == "w"


def test_a_column_of_weights_cannot_be_a_feature():
    with pytest.raises(ValueError, match="Column w holds the weights of rows, so it cannot be a feature"):
        prepared({"x": [1.0, 2.0], "w": [1.0, 2.0]}, Preparation(("x", "w"), weight="w"))
