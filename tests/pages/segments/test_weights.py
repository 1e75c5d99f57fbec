"""Every number about segments with weights of rows, compared with a table that repeats rows."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from clustering import eta_squared
from pages.export import segment_files, segment_report
from pages.figures import segment_plots
from pages.figures.segment_plots import ColoredSegments
from pages.methods import method
from pages.runs.cache import RecentCache
from pages.runs.model import model_of
from pages.runs.model_file import from_json, to_json
from pages.runs.profiles import Profiles
from pages.runs.refits import NoiseBand, labels_of, permuted
from pages.runs.resampling import Resampling
from pages.runs.rules import rules_of
from pages.runs.run import make_run
from pages.runs.segments import Edit, segments_of
from pages.segments.edit import edit_texts
from pages.segments.pictures import column_differences, median_heights
from tests.pages.app import opened_with_pasted
from tests.pages.runs.test_row_weights import START, WEIGHTED, data_of, table


def frame(whole: bool = True) -> pd.DataFrame:
    """Three groups, with counts from 0 to 3, and columns that are no features."""
    found, rng = table(), np.random.default_rng(1)
    found["kind"] = rng.choice(["a", "b", "c", None], 60)
    found["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, 60), "D")
    found["extra"] = np.where(rng.random(60) < 0.2, np.nan, rng.integers(0, 9, 60))
    found.loc[0, ["x", "count", "extra"]] = 40.0, 0, 99  # an extreme row that does not count
    if not whole:
        found["count"] = found["count"] / 7
    return found


def data_with(weight, whole=True):
    rows = frame(whole)
    if weight is None:
        rows = rows.loc[rows.index.repeat(frame()["count"])]
    return data_of(rows, weight=weight)


def profiles_of(name, weight, edits=(), whole=True):
    data = data_with(weight, whole)
    settings = method(name).settings(3, START, data=data)
    return Profiles(segments_of(make_run(data, settings, RecentCache(), lambda state: None), edits))


EDITS = {
    "as found": (),
    "merged": (Edit("merge", (0, 1)),),
    "split": (Edit("split", (1,)),),
    "dropped": (Edit("drop", (0,)),),
}


@pytest.fixture(scope="module", params=[(name, edits) for name in WEIGHTED for edits in EDITS], ids=lambda one: " ".join(one))
def both(request):
    """Profiles with weights, and with repeated rows."""
    name, edits = request.param
    return tuple(profiles_of(name, weight, EDITS[edits]) for weight in ("count", None))


def test_sizes_centers_and_labels_are_equal(both):
    ours, theirs = (one.segments for one in both)
    np.testing.assert_allclose(ours.sizes, theirs.sizes)
    assert (ours.total, ours.left_out) == (theirs.total, theirs.left_out)
    np.testing.assert_allclose(ours.centers, theirs.centers, rtol=1e-9)
    np.testing.assert_array_equal(np.repeat(ours.labels, frame()["count"]), theirs.labels)


def first(row):
    return row[0]


def test_effects_means_and_test_values_are_equal(both):
    ours, theirs = both
    np.testing.assert_allclose(ours.effects, theirs.effects, rtol=1e-9, atol=1e-12)
    for j, variable in enumerate(ours.variables):
        assert theirs.variables[j].name == variable.name
        # categories are in order of appearance, which repeated rows may change
        for one, other in zip(sorted(ours.rows_of(j), key=first), sorted(theirs.rows_of(j), key=first), strict=True):
            assert one[:3] == other[:3]
            np.testing.assert_allclose(one[3], other[3], rtol=1e-9, atol=1e-9)
    assert [ours.sentence(i) for i in range(ours.segments.k)] == [theirs.sentence(i) for i in range(theirs.segments.k)]
    for one, other in zip(ours.differences, theirs.differences, strict=True):
        assert [each.text for each in one] == [each.text for each in other]
        np.testing.assert_allclose([each.standardized for each in one], [each.standardized for each in other], rtol=1e-9)


def test_heat_map_and_medians_are_equal(both):
    ours, theirs = both
    for one, other in zip(ours.variables, theirs.variables, strict=True):
        found, expected = (
            column_differences(variable, profiles.segments.labels, profiles.segments.k, profiles.segments.frequencies)
            for profiles, variable in ((ours, one), (theirs, other))
        )
        assert (found[0], found[2]) == (expected[0], expected[2])
        np.testing.assert_allclose(found[1], expected[1], rtol=1e-9)
        if not one.categories:
            found, expected = (
                median_heights(
                    variable.values,
                    [profiles.segments.labels == i for i in range(profiles.segments.k)],
                    profiles.segments.frequencies,
                )
                for profiles, variable in ((ours, one), (theirs, other))
            )
            np.testing.assert_allclose(found, expected, rtol=1e-9)


def groups_of(profiles):
    segments = profiles.segments
    selected = profiles.segments.table["y"].to_numpy() > 4
    return ColoredSegments(segments.labels, segments.names, segments.ranks, None, selected, segments.weights)


@pytest.mark.parametrize("draw", [segment_plots.histogram, segment_plots.density, segment_plots.box_plot])
def test_distributions_are_equal(both, draw):
    for name in ("x", "extra"):
        figures = []
        for profiles in both:
            values = next(variable.values for variable in profiles.variables if variable.name == name)
            figures.append(draw(values, groups_of(profiles), name))
        one, other = figures
        assert len(one.data) == len(other.data) > 1
        for trace, expected in zip(one.data, other.data, strict=True):
            for part in {"x", "y", "q1", "median", "q3", "lowerfence", "upperfence"} & set(trace.to_plotly_json()):
                if part != "y" or draw is not segment_plots.box_plot:
                    np.testing.assert_allclose(trace[part], expected[part], rtol=1e-9)


def test_shares_of_categories_are_equal(both):
    figures = []
    for profiles in both:
        variable = next(variable for variable in profiles.variables if variable.name == "kind")
        order = np.argsort(variable.categories)  # in order of appearance, which repeated rows may change
        codes = np.append(np.argsort(order), -1)[variable.values]
        categories = tuple(np.array(variable.categories)[order].tolist())
        figures.append(segment_plots.category_bars(codes, categories, groups_of(profiles), "kind"))
    for trace, expected in zip(*(one.data for one in figures), strict=True):
        assert list(trace.x) == list(expected.x)
        np.testing.assert_allclose(trace.y, expected.y, rtol=1e-9)


def test_rules_are_equal(both):
    ours, theirs = (rules_of(profiles.segments, profiles.segments.k + 2) for profiles in both)
    np.testing.assert_allclose(ours.price, theirs.price, rtol=1e-9)
    for one, other in zip(ours.by_segment, theirs.by_segment, strict=True):
        assert (one.segment, one.rows, one.inside, one.size) == (other.segment, other.rows, other.inside, other.size)
    assert ours.price_text.replace("weight", "rows") == theirs.price_text
    assert re.search(r"→ \w+ \d: weight \d+, .* of it in this segment", ours.text)


def test_the_summary_is_equal(both):
    one, other = map(segment_files.summary_table, both)
    one = one.rename(columns={"sum of weights": "size"}).drop(columns="count (mean)")
    pd.testing.assert_frame_equal(one[sorted(one)], other[sorted(one)], check_dtype=False, rtol=1e-9)
    assert segment_files.summary_csv(both[0])


def test_the_report_is_equal(both):
    one, other = (segment_report.segment_blocks(profiles) for profiles in both)
    assert re.sub(r"weight (\d+)", r"\1 rows", one) == other
    one, other = (re.sub(r"\d+ rows in no", "rows in no", segment_report._silhouette(each.segments)) for each in both)
    assert one == other != ""


def test_the_model_is_equal(both):
    ours, theirs = (model_of(profiles.segments) for profiles in both)
    assert (ours.n, ours.sizes) == (theirs.n, theirs.sizes)
    assert (ours.limit, ours.agreement) == pytest.approx((theirs.limit, theirs.agreement))
    for one, other in zip(ours.features, theirs.features, strict=True):
        assert (one.mean, one.deviation) == pytest.approx((other.mean, other.deviation))
        np.testing.assert_allclose(one.shares, other.shares)
        np.testing.assert_allclose(one.edges, other.edges)
    saved = from_json(to_json(ours))
    assert saved.sizes == ours.sizes
    assert (saved.weighted, from_json(to_json(theirs)).weighted) == (True, False)
    assert json.loads(to_json(ours))["rows"] == frame()["count"].sum()


def test_edits_are_described_with_weights():
    ours, theirs = (profiles_of("kmeans", weight, EDITS["split"]).segments for weight in ("count", None))
    assert edit_texts(ours) != edit_texts(theirs)
    assert [re.sub(r"weight (\d+)", r"\1 rows", text) for text in edit_texts(ours)] == edit_texts(theirs)


def test_noise_is_clustered_and_described_with_the_weights():
    profiles = profiles_of("kmeans", "count")
    data, settings = profiles.segments.data, profiles.segments.run.settings
    features = [profiles.variables[j] for j in profiles.features]
    noise, orders = permuted(data, np.random.default_rng([settings.seed, 0]))
    np.testing.assert_array_equal(noise.row_weights, data.row_weights)
    labels = labels_of(noise, replace(settings, seed=0), lambda _: None)
    rows = np.repeat(np.arange(60), frame()["count"])
    expected = [
        eta_squared(feature.values[order][rows], labels[rows]) for feature, order in zip(features, orders, strict=True)
    ]
    found = NoiseBand(data, settings, features).run_task(0, lambda _: None)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_resamples_without_rows_that_count_have_no_clusters():
    rows = frame()
    rows["count"] = np.where(np.arange(60) < 2, 1, 0)
    data = data_of(rows)
    run = make_run(data, method("kmeans").settings(2, "random", data=data), RecentCache(), lambda state: None)
    job = Resampling.of(segments_of(run), "bootstrap", 40)
    without = 0
    for task in job.tasks:
        resample = job.run_task(task, lambda _: None)
        without += not np.isin([0, 1], resample.rows).any()
        assert (resample.labels < 0).all() == (not np.isin([0, 1], resample.rows).any())
    assert without > 0


def test_weights_that_are_not_whole_numbers_have_no_test_values_and_leave_other_numbers_as_they_are():
    ours, whole = profiles_of("kmeans", "count", whole=False), profiles_of("kmeans", "count")
    assert not ours.has_test_values
    assert all(np.isnan(values).all() for j in range(len(ours.variables)) for *_, values in ours.rows_of(j))
    np.testing.assert_allclose(ours.segments.sizes, whole.segments.sizes / 7)
    names = [variable.name for variable in whole.variables]
    features = [names.index("x"), names.index("y")]
    np.testing.assert_allclose(ours.effects[features], whole.effects[features])


def test_methods_that_ignore_weights_describe_rows():
    data = data_with("count")
    run = make_run(data, method("fuzzy").settings(3, data=data), RecentCache(), lambda state: None)
    segments = segments_of(run)
    assert segments.weights is None
    assert segments.sizes.sum() == 60


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ("overview", "49 rows with a total weight of 77 in 3 segments"),
        ("columns", "Weights stay with their rows."),
        ("pictures", "Sums of weights of each segment, stacked."),
        ("rules", "of it in this segment"),
        ("edit", "Sum of weights"),
        ("stability", "A row keeps its weight, and counts once in the similarities."),
    ],
)
def test_every_section_says_that_it_uses_weights(section, text):
    app = opened_with_pasted(frame().to_csv(index=False))
    next(box for box in app.selectbox if box.label == "Weights of rows (optional)").set_value("count").run()
    app.switch_page("pages/segments/page.py").run()
    app.button_group(key="segments_section").set_value(section).run()
    assert not app.exception
    shown = " ".join([*(one.value for one in (*app.caption, *app.markdown)), *(one.proto.body for one in app.get("html"))])
    assert text in shown.replace("\\", "")
    assert "are those of a table that repeats rows" in " ".join(one.value for one in app.info)
