"""The Breaking points page without a browser."""

import re

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.breaking_points import study as module
from pages.breaking_points.sections import sentence
from pages.breaking_points.study import DEFORMATIONS, Outcome, ScoreCurve
from tests.pages.app import latest, opened

SMALL = "/breaking_points?breaking_n=100&repeats=3"


@pytest.fixture(autouse=True)
def scores(monkeypatch):
    """Runs that are not computed: the score of K-means is 1 minus a tenth of the stretch, that of the others 0.9."""
    monkeypatch.setattr(
        module.Study,
        "outcome",
        lambda study, case, on_step: Outcome(1 - case.value / 10 if case.method == "kmeans" else 0.9),
    )


def sentences(app):
    return next(one.value for one in app.markdown if " fail" in one.value).replace("\\", "").split("  \n")


def table(app):
    page = next(e.proto.body for e in app.get("html") if "Mean scores by deformation" in e.proto.body)
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall("<tr>(.*?)</tr>", page)]
    return [[re.sub("<[^>]*>", "", cell).strip() for cell in row] for row in rows]


def test_sentences_figure_and_table_say_where_each_algorithm_fails():
    app = opened(SMALL)
    assert sentences(app) == [
        "**K-means** fails at a stretch of 2 or more.",
        "**Gaussian mixture** does not fail at any value tested.",
        "**K-medoids** does not fail at any value tested.",
    ]
    headers, *rows = table(app)
    assert headers[:4] == ["Algorithm", "Breaking point", "1", "1.5"]
    assert rows[0][:4] == ["● K-means", "2", "0.90", "0.85"]
    assert rows[1][1] == "none"
    assert len(app.get("plotly_chart")) == 1
    assert len(latest(app, "breaking points").finished) == 3 * 3 * len(DEFORMATIONS["Stretch"].values)


def test_the_threshold_and_the_algorithms_are_chosen():
    app = opened(f"{SMALL}&threshold=0.5&breaking_methods=K-means")
    assert sentences(app) == ["**K-means** fails at a stretch of 5 or more."]
    app.number_input(key="threshold").set_value(0.95).run()
    assert sentences(app) == ["**K-means** already fails at a stretch of 1."]
    app.multiselect(key="breaking_methods").set_value([]).run()
    assert [one.value.replace("\\", "") for one in app.error] == ["Choose at least one algorithm."]
    assert not app.get("plotly_chart")


def test_overlap_grows_as_the_distance_falls():
    app = opened(f"{SMALL}&deformation=Overlap&breaking_methods=K-means&breaking_methods=Gaussian mixture")
    assert sentences(app)[0] == "**K-means** already fails at a distance of 8."
    app.number_input(key="threshold").set_value(0.15).run()
    assert sentences(app)[0] == "**K-means** does not fail at any value tested."


@pytest.mark.parametrize(
    ("title", "means", "some_missing", "expected"),
    [
        ("Noise", {0: 1.0, 0.05: 0.9, 0.1: 0.7, 0.5: 0.88, 0.6: 0.95}, False, "first fails at a noise fraction of 0.075."),
        ("Noise", {0: 1.0, 0.05: 0.9, 0.1: 0.7, 0.5: 0.5}, False, "fails at a noise fraction of 0.075 or more."),
        ("Noise", {0: 0.5, 0.05: 0.9}, False, "already fails at a noise fraction of 0."),
        ("Dimensions", {2: 1.0, 3: 0.98, 5: 0.78, 10: 0.1}, False, "fails in 5 or more dimensions."),
        ("Dimensions", {2: 1.0, 5: 0.9, 10: 0.5, 20: 0.9}, False, "first fails in 7 dimensions."),  # 6.25 by interpolation
        ("Dimensions", {2: 1.0, 5: 0.9, 10: 0.4}, False, "fails in 6 or more dimensions."),
        ("Dimensions", {2: 1.0, 50: 1.0, 100: 0.8 - 1e-9}, False, "fails in 100 or more dimensions."),
        ("Overlap", {8: 1.0, 6: 0.6}, False, "fails at a distance of 7 or less."),
        ("Overlap", {8: 1.0, 6: 0.6}, True, "first fails at a distance of 7."),
        ("Stretch", {1: 1.0, 2: 0.8}, False, "does not fail at any value tested."),
        ("Stretch", {1: 1.0, 2: 0.8}, True, "does not fail at any value tested so far."),
    ],
)
def test_a_sentence_claims_no_more_than_the_scores_show(title, means, some_missing, expected):
    curve = ScoreCurve("kmeans", DEFORMATIONS[title], {value: np.array([mean]) for value, mean in means.items()})
    assert sentence(curve, 0.8, some_missing).replace("\\", "") == f"**K-means** {expected}"


def test_while_runs_are_missing_the_sentence_says_so_and_the_table_has_the_same_breaking_point(monkeypatch):
    def stop_at_20(study, case, on_step):
        if case.value == 20:
            raise KeyboardInterrupt
        return Outcome(0.98 if case.value < 5 or case.method != "kmeans" else 0.78)

    monkeypatch.setattr(module.Study, "outcome", stop_at_20)
    study = module.Study(DEFORMATIONS["Dimensions"], 100, 0)
    names = ["kmeans", "mixture"]
    with pytest.raises(KeyboardInterrupt):
        module.RemainingCases.of(study, names, 1).resume(lambda *_: None)
    app = AppTest.from_function(show_study, args=(study, names)).run()
    assert not app.exception
    assert sentences(app) == [
        "**K-means** first fails in 5 dimensions.",
        "**Gaussian mixture** does not fail at any value tested so far.",
    ]
    assert [row[1] for row in table(app)[1:]] == ["5", "none"]


def show_study(study, names):
    from pages.breaking_points.sections import show

    show(study, names, 1, 0.8, study.limits(1))


def test_a_case_opens_in_compare_with_the_chosen_algorithms_and_the_data_of_the_case():
    app = opened(f"{SMALL}&breaking_seed=7")
    next(box for box in app.selectbox if box.label == "Length ÷ width of a group").set_value(3).run()
    next(box for box in app.selectbox if box.label == "Algorithm").set_value("mixture").run()
    next(button for button in app.button if button.label == "Open in Compare").click().run()
    assert not app.exception
    app.switch_page("pages/compare/page.py").run()
    assert not app.exception
    comparison = latest(app, "comparison")
    assert [run.view.title for run in comparison.runs] == ["Gaussian mixture", "K-means", "K-medoids"]
    np.testing.assert_array_equal(comparison.data.points, module.Study(DEFORMATIONS["Stretch"], 100, 7).data(3, 0).points)
