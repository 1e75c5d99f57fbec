"""The section of p-values on the Segments page."""

import html
import re

import numpy as np
import pytest

from pages.datasets.formatting import format_p_value
from pages.figures.p_values import p_value_histogram
from pages.runs.mean_tests import MeanTests, verdict
from pages.runs.segments import Edit
from tests.pages.app import latest, opened

SECTION = "segments_section=p-values"


def shown_rows(app) -> list[list[str]]:
    """The texts of the cells of the table."""
    text = "".join(element.proto.body for element in app.get("html"))
    rows = re.findall(r"<tr>(.*?)</tr>", text)[1:]
    return [[html.unescape(re.sub("<.*?>", "", one)) for one in re.findall(r"<t[dh].*?</t[dh]>", row)] for row in rows]


def shown(app) -> str:
    return " ".join(element.value for kind in ("markdown", "caption", "info", "warning") for element in app.get(kind))


@pytest.mark.parametrize("algorithm", ["K-means", "Hierarchical clustering"])
def test_the_table_has_a_row_for_each_pair_with_its_p_values(algorithm):
    app = opened(f"/segments?n=60&algorithm={algorithm}&{SECTION}")
    job = latest(app, "mean tests")
    rows = shown_rows(app)
    assert [row[:2] for row in rows] == [
        ["● Cluster 1", "■ Cluster 2"],
        ["● Cluster 1", "◆ Cluster 3"],
        ["■ Cluster 2", "◆ Cluster 3"],
    ]
    for row, found, adjusted in zip(rows, job.results.values(), job.adjusted, strict=True):
        assert row[3:6] == [format_p_value(p) for p in (found.p_value, found.naive_p_value, adjusted)]
    assert [row[-1] for row in rows] == [verdict(adjusted) for adjusted in job.adjusted]
    assert "Holm" in shown(app)
    assert f"a wrong verdict “{verdict(0)}” for any of them" in shown(app)
    assert ("random seed" in shown(app)) == (algorithm == "K-means")


def test_two_segments_need_no_adjustment():
    app = opened(f"/segments?n=60&k=2&{SECTION}")
    (row,) = shown_rows(app)
    assert len(row) == 6
    assert "Holm" not in shown(app)


def test_a_given_sigma_replaces_the_estimate():
    app = opened(f"/segments?n=60&{SECTION}")
    assert "estimated as" in shown(app)
    before = shown_rows(app)
    app.number_input(key="segments_sigma").set_value(20.0).run()
    assert not app.exception
    assert "estimated as" not in shown(app)
    assert shown_rows(app) != before


def test_noise_that_cannot_be_estimated_must_be_entered(monkeypatch):
    monkeypatch.setattr("pages.runs.mean_tests.median_sigma", lambda points: 0.0)
    app = opened(f"/segments?n=60&{SECTION}")
    assert "σ cannot be estimated: enter it" in shown(app)
    assert not shown_rows(app)
    app.number_input(key="segments_sigma").set_value(1.0).run()
    assert len(shown_rows(app)) == 3


def test_names_are_in_the_table_and_edited_segments_have_no_p_values():
    app = opened(f"/segments?n=60&{SECTION}")
    run = latest(app, "run")
    app.session_state["segment edits"] = {(run.data.key, run.settings): (Edit("rename", (0,), name="<b> & co"),)}
    app.run()
    assert shown_rows(app)[0][0] == "● <b> & co"
    app.session_state["segment edits"] = {(run.data.key, run.settings): (Edit("merge", (0, 1)),)}
    app.run()
    assert "There is no valid p-value here" in shown(app)
    assert "edited by hand" in shown(app)
    assert not app.exception


def test_the_page_says_why_there_are_no_p_values():
    app = opened(f"/segments?n=60&start_kmeans=k-means++&{SECTION}")
    assert "depends on the data in a way that the test does not account for" in shown(app)
    assert "segments_sigma" not in app.session_state


def test_many_rows_and_unlike_columns_are_mentioned(monkeypatch):
    monkeypatch.setattr("pages.segments.p_values.LITTLE_POWER", 100)
    page = shown(opened(f"/segments?source=Built-in&table=Iris&{SECTION}"))
    assert "With 150 rows" in page
    assert "spreads differ" in page


def test_noise_is_simulated_on_request(monkeypatch):
    monkeypatch.setattr("pages.runs.mean_tests.SIMULATIONS", 20)
    app = opened(f"/segments?n=60&{SECTION}")
    assert "null tests" not in {key[0] for key in app.session_state["recent"]}
    app.toggle(key="segments_noise_p_values").set_value(True).run()
    assert not app.exception
    selective, naive = latest(app, "null tests").p_values
    assert len(selective) == 20
    assert f"Naive p-value: {(naive < 0.05).mean():.0%} below 0.05" in shown(app)


def test_a_stopped_computation_shows_its_results(monkeypatch):
    finished = MeanTests.resume

    def resume_one(job, on_progress):
        finished(job, on_progress)
        del job.results[1, 2]

    monkeypatch.setattr(MeanTests, "resume", resume_one)
    assert len(shown_rows(opened(f"/segments?n=60&{SECTION}"))) == 2


def test_the_first_bar_counts_p_values_below_5_percent_and_the_line_is_the_mean_height():
    figure = p_value_histogram(np.array([0.01, 0.049, 0.06, 1.0]), "#000000")
    assert figure.data[0].y[0] == 2
    assert sum(figure.data[0].y) == 4
    assert tuple(figure.data[1].y) == (0.2, 0.2)
