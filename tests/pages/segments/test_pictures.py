"""The section Plots of the Segments page."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from scipy.stats import percentileofscore

from pages.runs.segments import Edit
from pages.segments.pictures import column_differences, median_heights, rows_of, shown_columns
from pages.ui.segments import SELECTED
from tests.core.tables import examples, seeds
from tests.pages.app import latest, opened, opened_with_pasted
from tests.pages.runs.test_profiles import customers, profiles_of

TEXT = "name,age,<b>plan,spend\n" + "\n".join(
    f"c{i},{20 + i % 3 * 20 + i % 5},{'abc'[i % 3]},{100 * (i % 3) + i % 7}" for i in range(60)
)


@pytest.fixture(scope="module")
def profiles():
    return profiles_of(customers())


def frame(profiles) -> pd.DataFrame:
    return profiles.segments.table.assign(segment=profiles.segments.labels)


def opened_pictures(select: int = 0):
    """The section for a pasted table, with the first rows selected."""
    app = opened_with_pasted(TEXT)
    app.switch_page("pages/segments/page.py").run()
    if select:
        app.session_state[SELECTED] = latest(app, "segments").data.key, np.arange(select)
    app.segmented_control(key="segments_section").set_value("pictures").run()
    assert not app.exception
    return app


def button(app, label: str):
    return next(one for one in app.button if one.label == label)


def test_standardized_differences_are_those_of_pandas(profiles):
    rows, labels = frame(profiles), profiles.segments.labels
    age, plan = profiles.variables[0], profiles.variables[2]
    name, z, texts = column_differences(age, labels, 3)
    means = rows.groupby("segment").age.mean()
    np.testing.assert_allclose(z, (means - rows.age.mean()) / rows.age.std(ddof=0))
    assert (name, texts) == ("age", [age.text(mean) for mean in means])
    name, z, texts = column_differences(plan, labels, 3)
    category = name.removeprefix("plan = ")
    known = rows[rows.plan.notna()]
    shares = (known.plan == category).groupby(known.segment).mean()
    overall = (known.plan == category).mean()
    np.testing.assert_allclose(z, (shares - overall) / np.sqrt(overall * (1 - overall)))
    assert texts == [f"{share:.0%}" for share in shares]


def test_a_segment_without_values_has_no_difference_and_no_median(profiles):
    labels = np.where(profiles.segments.labels == 2, -1, profiles.segments.labels)
    _, z, texts = column_differences(profiles.variables[0], labels, 3)
    assert np.isnan(z[2])
    assert texts[2] == "–"
    medians, heights = median_heights(np.array([1.0, np.nan]), [np.array([True, True]), np.array([False, True])])
    np.testing.assert_array_equal(medians, [1, np.nan])
    np.testing.assert_array_equal(heights, [0.5, np.nan])


@examples(30)
@given(seeds)
def test_the_height_of_a_median_is_its_percentile_rank(seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 9, 30).astype(float)
    part = rng.random(30) < 0.4
    part[0] = True
    medians, heights = median_heights(values, [part])
    assert medians[0] == pd.Series(values[part]).median()
    assert heights[0] == pytest.approx(percentileofscore(values, medians[0], "mean") / 100)


def test_columns_used_for_clustering_come_first(profiles):
    names = [profiles.variables[j].name for j in shown_columns(profiles, only_numbers=False)]
    assert names == ["age", "income", "plan", "region", "joined"]
    assert [profiles.variables[j].name for j in shown_columns(profiles, only_numbers=True)] == ["age", "income", "joined"]


def test_the_table_of_selected_rows_has_all_columns_after_row_and_segment(profiles):
    segments = profiles.segments.edited(Edit("drop", (0,)))
    dropped = np.flatnonzero(segments.labels < 0)[:2]
    table = rows_of(segments, dropped)
    assert list(table.columns) == ["Row", "Segment", *profiles.segments.table.columns]
    assert table.Segment.tolist() == ["", ""]
    pd.testing.assert_frame_equal(table.iloc[:, 2:], profiles.segments.table.iloc[dropped])
    taken = profiles_of(customers().rename(columns={"plan": "Segment"})).segments
    assert len(set(rows_of(taken, np.array([0])).columns)) == 8


def test_there_are_four_pictures_and_no_table_until_rows_are_selected():
    app = opened_pictures()
    assert len(app.get("plotly_chart")) == 4
    assert not app.dataframe
    assert app.selectbox(key="segments_column").value in ("age", "<b>plan", "spend")


@pytest.mark.parametrize("plot", ["histogram", "density", "box"])
def test_each_plot_of_a_column_is_drawn_with_and_without_a_selection(plot):
    app = opened_pictures(select=7)
    app.selectbox(key="segments_column").set_value("age").run()
    app.segmented_control(key="segments_plot").set_value(plot).run()
    assert len(app.get("plotly_chart")) == 4
    button(app, "Clear selection").click().run()
    assert len(app.get("plotly_chart")) == 4
    assert not app.exception


def test_selected_rows_become_a_segment_with_a_name_and_are_no_longer_selected():
    app = opened_pictures(select=7)
    assert "**7 rows selected**" in [element.value for element in app.markdown]
    assert len(app.dataframe[0].value) == 7
    app.text_input(key="segments_new_name").set_value("First")
    button(app, "Make these a segment").click().run()
    segments = latest(app, "segments")
    assert segments.names[-1] == "First"
    assert np.flatnonzero(segments.labels == 3).tolist() == list(range(7))
    assert not app.dataframe
    assert not app.exception


def test_selected_rows_move_to_the_chosen_segment():
    app = opened_pictures(select=5)
    app.selectbox(key="segments_target 3").set_value(1).run()
    button(app, "Move to this segment").click().run()
    assert latest(app, "segments").labels[:5].tolist() == [1] * 5


def test_picking_a_segment_clears_the_selection_and_keeps_all_pictures():
    app = opened_pictures(select=5)
    pills = next(one for one in app.pills if one.key.startswith("segments_picked"))
    pills.set_value(1).run()
    assert len(app.get("plotly_chart")) == 4
    assert not app.dataframe
    assert not app.exception


def test_selected_rows_become_the_data_of_all_pages_and_there_is_a_way_back():
    app = opened_pictures(select=12)
    everything = latest(app, "segments").data
    button(app, "Look only at these").click().run()
    assert latest(app, "run").data.rows.tolist() == list(range(1, 13))
    app.switch_page("pages/data/page.py").run()
    assert app.segmented_control(key="input").value == "subset"
    app.switch_page("pages/watch/page.py").run()
    assert len(latest(app, "run").data.points) == 12
    button(app, "Back to all rows").click().run()
    assert latest(app, "run").data.key == everything.key
    app.switch_page("pages/data/page.py").run()
    assert app.segmented_control(key="input").value == "paste"
    assert app.text_area(key="pasted").value == TEXT
    assert "Back to all rows" not in [one.label for one in app.button]


def test_points_of_a_simulated_sample_can_be_selected_and_left_again():
    app = opened("/segments?segments_section=Plots&n=50")
    app.session_state[SELECTED] = latest(app, "segments").data.key, np.arange(9)
    app.run()
    button(app, "Look only at these").click().run()
    assert len(latest(app, "run").data.points) == 9
    button(app, "Back to all rows").click().run()
    assert (len(latest(app, "run").data.points), app.session_state["source"]) == (50, "sample")
    assert not app.exception


@pytest.mark.parametrize(
    "query", ["k=1", "algorithm=K-medoids&k=6", "algorithm=Mixture&sample=Rings", "table=Iris&source=Built-in"]
)
def test_pictures_are_drawn_for_other_methods_and_data(query):
    app = opened(f"/segments?segments_section=Plots&n=50&{query}")
    assert len(app.get("plotly_chart")) == 4
