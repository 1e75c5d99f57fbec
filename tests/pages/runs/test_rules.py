"""Rules for segments: each sentence against pandas, its code executed, and thresholds that separate the same rows."""

import re
import sqlite3

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustering import threshold_tree, tree_price
from pages.datasets.cleaning import Preparation, prepare
from pages.methods import methods_for_points, settings
from pages.methods.traits import COMPARE
from pages.runs import rules as module
from pages.runs.cache import RecentCache
from pages.runs.rules import date_text, number_text, rounded_date, rounded_number, rules_of
from pages.runs.run import make_run
from pages.runs.segments import Edit, segments_of
from tests.core.tables import examples
from tests.pages.checks import proximities, sample, silent

COLUMNS = ("Annual 'income'", 'a"ge', "joined", "paid at", "plan", "level", "churn", "member")


def mixed_table(n=150) -> pd.DataFrame:
    """Numbers, whole numbers, dates, times, text, numeric categories, two categories and booleans; values are missing."""
    rng = np.random.default_rng(8)
    groups = np.arange(n) % 3
    start = np.datetime64("2024-01-01", "s")
    table = pd.DataFrame(
        {
            COLUMNS[0]: np.round(np.array([30_000.0, 90_000.0, 50_000.0])[groups] + 20_000 * rng.normal(size=n), 2),
            COLUMNS[1]: np.array([25, 45, 65])[groups] + rng.integers(-19, 20, n),
            "joined": start + (100 * groups + rng.integers(0, 150, n)).astype("timedelta64[D]"),
            "paid at": start + (70_000 * groups + rng.integers(0, 150_000, n)).astype("timedelta64[s]"),
            "plan": rng.choice(["it's", "pro", "team", "none"], n),
            "level": rng.integers(1, 5, n),
            "churn": rng.choice(["yes", "no"], n),
            "member": rng.random(n) < 0.5,
        }
    )
    table.loc[[3, 50], COLUMNS[0]] = np.nan
    table.loc[7, "plan"] = None
    return table


def rules_of_table(columns, leaves=12, k=5, edits=(), scaling="standardize", table=None, **options):
    table = mixed_table() if table is None else table
    data = prepare(table, "Customers", Preparation(columns, as_categories=("level",), scaling=scaling, **options))
    run = make_run(data, settings("kmeans", k, "k-means++"), RecentCache(), silent)
    return rules_of(segments_of(run, edits), leaves)


def labels_of_tree(rules) -> list[str]:
    data = rules.segments.data
    return [rules.segments.names[label] for label in rules.tree.predict(data.points)]


def labels_of_sql(rules, table) -> list[str]:
    with sqlite3.connect(":memory:") as connection:
        table.assign(position=range(len(table))).to_sql("customers", connection, index=False)
        found = connection.execute(f"SELECT {rules.sql} FROM customers ORDER BY position").fetchall()
    connection.close()
    return [label for (label,) in found]


def labels_of_python(rules, table) -> list[str]:
    names: dict = {}
    exec(rules.python, names)
    return [names["segment"](row) for row in table.to_dict("records")]


SELECTIONS = [COLUMNS[:2], COLUMNS, COLUMNS[2:4], COLUMNS[4:], ("level", "plan", COLUMNS[0])]


@pytest.mark.parametrize("columns", SELECTIONS)
@pytest.mark.parametrize("scaling", ["none", "standardize", "robust"])
def test_python_and_sql_give_each_row_of_the_table_the_segment_of_the_tree(columns, scaling):
    rules = rules_of_table(columns, scaling=scaling)
    assert len(rules.leaves) > 3
    expected = labels_of_tree(rules)
    assert len(set(expected)) > 1
    assert labels_of_sql(rules, rules.segments.table) == expected
    assert labels_of_python(rules, rules.segments.table) == expected


def test_dates_with_a_time_zone_are_compared_in_it():
    table = mixed_table()
    table["joined"] = table["joined"].dt.tz_localize("UTC")
    rules = rules_of_table(("joined",), table=table)
    assert labels_of_python(rules, rules.segments.table) == labels_of_tree(rules)


def test_a_row_without_a_needed_value_gets_no_segment_from_the_code():
    rules = rules_of_table(COLUMNS[:1], leaves=5)
    table = mixed_table()
    missing = table[COLUMNS[0]].isna()
    for labels in (labels_of_sql(rules, table), labels_of_python(rules, table)):
        assert [label is None for label in labels] == missing.tolist()


def holds(condition: str, table: pd.DataFrame) -> np.ndarray:
    """Whether the rows of a table of numbers and text meet a condition in words."""
    condition = condition.replace(",", "")
    if " < " in condition:
        low, name, high = re.fullmatch(r"(\S+) < (.+) ≤ (\S+)", condition).groups()
        return ((table[name] > float(low)) & (table[name] <= float(high))).to_numpy()
    for word, compare in (
        (" ≤ ", lambda cells, text: cells <= float(text)),
        (" > ", lambda cells, text: cells > float(text)),
        (" is not ", lambda cells, text: cells != text),
        (" is ", lambda cells, text: cells == text),
    ):
        if word in condition:
            name, text = condition.split(word)
            return compare(table[name], text).to_numpy()
    raise AssertionError(condition)


def test_each_sentence_counts_the_rows_of_the_table():
    table = mixed_table().rename(columns={COLUMNS[0]: "Annual income", COLUMNS[1]: "Age"})
    rules = rules_of_table(("Annual income", "Age", "churn"), leaves=6, table=table, edits=[Edit("drop", (1,))])
    rows, segments = rules.segments.table, rules.segments
    inside = segments.labels >= 0
    sentences = rules.text.splitlines()
    assert len(sentences) == len(rules.by_segment) > 2
    order = []
    for sentence in sentences:
        conditions, name, count, purity, cover = re.fullmatch(
            r"(.+) → (.+): ([\d,]+) rows?, (\d+)% of them in this segment; covers (\d+)% of the segment", sentence
        ).groups()
        met = np.all([holds(condition, rows) for condition in conditions.split(" and ")], axis=0) & inside
        members = segments.labels == segments.names.index(name)
        assert met.sum() == int(count)
        assert f"{(met & members).sum() / met.sum():.0%}" == f"{purity}%"
        assert f"{(met & members).sum() / members.sum():.0%}" == f"{cover}%"
        order.append(name)
    assert order == sorted(order)


def test_categories_are_named_and_two_of_them_are_both_named_by_what_they_are():
    table = pd.DataFrame({"churn": ["yes", "no", "no", "yes"] * 5})
    rules = rules_of_table(("churn",), leaves=2, k=2, table=table)
    conditions = {rule.conditions[0].text for rule in rules.by_segment}
    assert conditions == {"churn is yes", "churn is no"}
    assert rules.question(0).predicate == "is yes"
    table = pd.DataFrame({"plan": ["a", "b", "c", "d"] * 5})
    texts = {rule.conditions[0].text for rule in rules_of_table(("plan",), leaves=3, k=3, table=table).by_segment}
    assert any(re.fullmatch("plan is not . or .", text) for text in texts)
    assert sum(text.startswith("plan is ") and "not" not in text for text in texts) == 2
    texts = {rule.conditions[0].text for rule in rules_of_table(("plan",), leaves=4, k=4, table=table).by_segment}
    assert texts == {"plan is a", "plan is b", "plan is c", "plan is d"}


def test_yes_leads_to_the_rows_that_meet_the_question():
    rules = rules_of_table(("joined", "plan", COLUMNS[1]), leaves=12)
    rows, tree = rules.segments.table, rules.tree
    for node in np.flatnonzero(tree.column >= 0).tolist():
        question = rules.question(node)
        cells, word, value = rows[question.name], *question.predicate.rsplit(" ", 1)
        if word == "before":
            met = cells < pd.Timestamp(value)
        else:
            met = cells <= float(value.replace(",", "")) if word == "≤" else cells == value
        assert np.array_equal(
            rules.segments.data.points[:, tree.column[node]] <= tree.threshold[node], met == (question.yes == tree.left[node])
        )


def test_the_tree_and_its_price_are_those_of_the_core():
    rules = rules_of_table(COLUMNS[:2], leaves=5)
    segments = rules.segments
    tree = threshold_tree(segments.data.points, segments.centers, segments.labels)
    price = tree_price(segments.data.points, segments.labels, tree)
    assert rules.price == price
    assert 0 < price.moved < 1
    moved = (tree.predict(segments.data.points) != segments.labels).mean()
    assert rules.price_text == (
        f"The tree's loss is {price.tree_loss / price.loss:.2f} times that of the clustering, and it puts {moved:.1%} of the "
        "rows into another segment."
    )


@pytest.mark.parametrize("name", [view.name for view in methods_for_points(COMPARE).values()])
def test_every_method_has_rules_that_put_few_rows_of_clear_groups_elsewhere(name):
    segments = segments_of(make_run(sample(), settings(name, 3, data=sample()), RecentCache(), silent))
    rules = rules_of(segments, 6)
    assert rules.price.moved < 0.1
    assert sum(rule.rows for rule in rules.leaves) == segments.sizes.sum() > 20


def test_edited_segments_and_rows_in_none_have_rules():
    run = make_run(sample(), settings("kmeans", 4), RecentCache(), silent)
    rules = rules_of(segments_of(run, [Edit("merge", (0, 1)), Edit("drop", (1,))]), 2)
    assert sum(rule.rows for rule in rules.leaves) == (rules.segments.labels >= 0).sum() < 60
    assert {rule.segment for rule in rules.leaves} == {0, 1}


def test_one_segment_is_all_rows_and_an_empty_one_has_no_rule():
    run = make_run(sample(), settings("kmeans", 1), RecentCache(), silent)
    rules = rules_of(segments_of(run), 4)
    assert rules.text == "All rows → Cluster 1: 60 rows, 100% of them in this segment; covers 100% of the segment"
    assert labels_of_sql(rules, pd.DataFrame({"x": [1]})) == labels_of_python(rules, pd.DataFrame({"x": [1]})) == ["Cluster 1"]
    run = make_run(sample(), settings("kmeans", 2), RecentCache(), silent)
    first = tuple(np.flatnonzero(segments_of(run).labels == 0).tolist())
    rules = rules_of(segments_of(run, [Edit("move", (1,), first)]), 2)
    assert [rule.segment for rule in rules.by_segment] == [1]


def test_there_are_no_rules_without_columns_or_rows():
    run = make_run(proximities(), settings("kmedoids", 2, data=proximities()), RecentCache(), silent)
    with pytest.raises(ValueError, match="a distance matrix, without columns"):
        rules_of(segments_of(run), 2)
    run = make_run(sample(), settings("kmeans", 1), RecentCache(), silent)
    with pytest.raises(ValueError, match="no row is in a segment"):
        rules_of(segments_of(run, [Edit("drop", (0,))]), 1)


def test_large_data_are_represented_by_a_sample_but_all_rows_are_counted(monkeypatch):
    monkeypatch.setattr(module, "MAX_TREE_POINTS", 40)
    rules = rules_of(segments_of(make_run(sample(), settings("kmeans", 3), RecentCache(), silent)), 3)
    assert rules.note.startswith("The thresholds are based on a random sample of 40 rows")
    assert sum(rule.rows for rule in rules.leaves) == 60


@examples(100)
@given(st.floats(-1e9, 1e9), st.floats(1e-9, 1e6), st.floats(0.01, 0.99))
def test_rounded_numbers_lie_between_their_neighbors(low, gap, at):
    high = max(low + gap, np.nextafter(low, np.inf))  # the sum may be rounded to `low`
    rounded = rounded_number(low, high, low + at * gap)
    assert low <= rounded < high
    assert float(number_text(rounded).replace(",", "").replace("−", "-")) == rounded


def test_rounded_numbers_are_short():
    assert rounded_number(40.0, 41.0, 40.5) == 40
    assert rounded_number(41.0, 42.0, 41.5) == 41
    assert rounded_number(52_100.0, 52_900.0, 52_487.3) == 52_500
    assert rounded_number(1.23, 1.29, 1.2612) == 1.26
    assert rounded_number(0.1, 0.3, 0.2) == 0.2
    assert rounded_number(5.3, 5.4, 5.300000000000001) == 5.35
    assert rounded_number(-np.inf, 3.2, 2.7) < 3.2
    assert number_text(1_234_567.5) == "1,234,567.5"
    assert number_text(-0.25) == "−0.25"


@examples(100)
@given(st.integers(0, 10**15), st.integers(1, 10**13), st.floats(0.01, 0.99))
def test_rounded_dates_are_after_the_lower_neighbor_and_readable(start, gap, at):
    day = 86_400_000_000  # microseconds
    low, high = start / day, (start + gap) / day
    rounded = rounded_date(low, high, low + at * (high - low))
    assert low < rounded <= high
    assert pd.Timestamp(date_text(rounded)) == pd.Timestamp(round(rounded * day), unit="us")


def test_rounded_dates_are_whole_days_if_there_is_one_in_between():
    assert date_text(rounded_date(10.0, 11.0, 10.5)) == "1970-01-12"
    assert date_text(rounded_date(10.4, 11.6, 10.9)) == "1970-01-12"
    assert date_text(rounded_date(10.4, 10.5, 10.45)) == "1970-01-11 10:48"
