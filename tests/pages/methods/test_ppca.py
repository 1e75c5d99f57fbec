"""Probabilistic PCA in the app: the closed form, hidden and missing values, axes and exports, checked by plain loops."""

import math
import re
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from pages.datasets import catalog
from pages.datasets.data import Data
from pages.datasets.planes import column_plane, principal_plane
from pages.export import scripts
from pages.methods import ppca, settings
from pages.methods.base import NoScript
from pages.runs.cache import RecentCache
from pages.runs.run import make_run
from tests.pages.app import latest, opened


def run_on(data, **options):
    return make_run(data, settings("pca", data=data, **options), RecentCache(), lambda _: None)


def iris() -> Data:
    rows = catalog.read_table("iris")
    points = rows.select_dtypes("number").to_numpy(dtype=float)
    return Data("iris", "Iris", tuple(rows.select_dtypes("number").columns), points)


@pytest.fixture(scope="module")
def whole():
    return run_on(iris(), components=2)


@pytest.fixture(scope="module")
def hiding():
    return run_on(iris(), components=2, hidden=0.3, seed=4)


def imputed_iris() -> Data:
    """Three values are missing, and were imputed on the Data page with values that are far from all others."""
    data = iris()
    imputed = np.zeros(data.points.shape, dtype=bool)
    imputed[[3, 60, 60], [1, 0, 2]] = True
    return replace(data, key="imputed iris", points=np.where(imputed, 50.0, data.points), imputed=imputed)


@pytest.fixture(scope="module")
def missing():
    return run_on(imputed_iris(), components=1)


def scores_of(run) -> dict[str, str]:
    return {score.name: score.text for score in run.view.scores(run)}


def numbers(text: str) -> list[float]:
    return [float(one.replace("−", "-")) for one in re.findall(r"−?\d+\.?\d*(?:e[+−-]?\d+)?", text)]


def posterior_means(parameters, row) -> np.ndarray:
    """(q,) scores of a row, NaN where missing: (W_o'W_o + s2 I)^-1 W_o'(x_o - mean_o)."""
    loadings, mean, noise = parameters
    o = ~np.isnan(row)
    inner = loadings[o].T @ loadings[o] + noise * np.eye(loadings.shape[1])
    return np.linalg.solve(inner, loadings[o].T @ (row - mean)[o])


def test_a_run_without_missing_values_starts_elsewhere_and_ends_at_pca(whole):
    points = whole.data.points
    assert ppca.largest_angle(whole.view.axes(whole, 0), ppca.closed_form(whole)[1]) > 20
    variances, axes = np.linalg.eigh(np.cov(points.T, bias=True))
    found = np.linalg.svd(whole.history.parameters[-1].loadings, full_matrices=False)[0]
    angle = math.degrees(math.acos(min(1.0, np.linalg.svd(found.T @ axes[:, -2:])[1].min())))
    assert angle < 0.5
    noise = variances[:-2].mean()
    smallest = (4 * math.log(2 * math.pi) + np.log(variances[-2:]).sum() + 2 * math.log(noise) + 4) / 2
    assert smallest - 1e-9 <= whole.history.losses[-1] < smallest + 1e-4
    assert ppca.closed_form_loss(whole) == pytest.approx(smallest, rel=1e-10)
    shown = scores_of(whole)
    assert numbers(shown["Angle to PCA"]) == [pytest.approx(angle, abs=0.0051)]
    assert numbers(shown["Loss of PCA"]) == [pytest.approx(smallest, rel=1e-5)]
    assert f"{angle:.1f}° from PCA" in whole.view.sentence(whole, len(whole.history.states) - 2)


def test_a_start_at_the_closed_form_stays_there():
    run = run_on(iris(), components=2, start="closed form")
    assert run.history.iterations == 1
    assert scores_of(run)["Angle to PCA"] == "0.00°"
    assert "0.0° from PCA" in run.view.sentence(run, 0)


@pytest.mark.parametrize("degrees", [0, 20, 90, 130, 180])
def test_the_angle_between_two_lines_is_at_most_90_degrees(degrees):
    turned = 3 * np.array([[math.cos(math.radians(degrees)), math.sin(math.radians(degrees))]])
    assert ppca.largest_angle(np.array([[2.0, 0.0]]), turned) == pytest.approx(min(degrees, 180 - degrees), abs=1e-6)


def test_the_table_of_components_has_the_standard_deviations_of_the_model_and_of_pca(whole):
    loadings, _, noise = whole.history.parameters[-1]
    fitted = np.sqrt(np.linalg.eigvalsh(loadings @ loadings.T + noise * np.eye(4))[::-1][:2])
    variances = np.linalg.eigvalsh(np.cov(whole.data.points.T))[::-1]
    (table,) = whole.view.tables(whole)
    for i, row in enumerate(table.rows):
        assert row[0] == str(i + 1)
        assert numbers(row[1]) == [pytest.approx(fitted[i], rel=1e-5)]
        assert numbers(row[2]) == [pytest.approx(math.sqrt(variances[i]), rel=1e-5)]
        assert row[3] == f"{variances[i] / variances.sum():.1%}"
    assert len(table.rows) == 2


def test_hidden_values_are_left_out_except_in_the_first_row(hiding):
    hidden, values = hiding.model_input.hidden, hiding.model_input.values
    np.testing.assert_array_equal(np.isnan(values), hidden)
    np.testing.assert_array_equal(values[~hidden], iris().points[~hidden])
    np.testing.assert_array_equal(hiding.model_input.points, iris().points)
    assert not hidden[0].any()
    assert 0.2 < hidden.mean() < 0.4
    for share in (0.1, 0.5, 1.0):
        mask = ppca.hidden_values((50, 3), share, 0)
        assert not mask[0].any()
        assert abs(mask[1:].mean() - share) < 0.12


def test_the_exported_script_hides_the_same_values(hiding):
    lines, name, _ = hiding.view.input_code(hiding.settings)
    names = dict(np=np, points=iris().points.copy())
    exec(lines, names)
    np.testing.assert_array_equal(names[name], hiding.model_input.values)
    assert hiding.view.input_code(settings("pca"))[0] == ""
    assert "rng=4" in scripts.with_clustering(hiding)
    assert "default_rng(4)" in scripts.with_clustering(hiding)


def test_the_error_of_hidden_values_is_the_root_mean_squared_difference_from_the_true_ones(hiding):
    for state in (0, 1, len(hiding.history.states) - 1):
        shown, true = hiding.view.positions(hiding, state), iris().points
        squares = [
            (shown[i, j] - true[i, j]) ** 2 for i in range(150) for j in range(4) if np.isnan(hiding.model_input.values[i, j])
        ]
        assert ppca.hidden_error(hiding, state) == pytest.approx(math.sqrt(sum(squares) / len(squares)))
    (error,) = numbers(scores_of(hiding)["Error of hidden values"])
    assert error == pytest.approx(math.sqrt(sum(squares) / len(squares)), rel=1e-5)
    assert "hidden values imputed with an error (RMS) of " in hiding.view.sentence(hiding, 1)
    assert "Loss of PCA" not in scores_of(hiding)


def test_hidden_values_are_imputed_better_than_with_column_means(hiding):
    assert ppca.hidden_error(hiding, len(hiding.history.states) - 1) < 0.7 * ppca.hidden_error(hiding, 0)


def test_without_hidden_values_there_is_no_error(whole):
    assert ppca.hidden_error(whole, 1) is None
    assert "Error of hidden values" not in scores_of(whole)
    assert "scores computed" in whole.view.sentence(whole, 1)


@pytest.mark.parametrize("name", ["hiding", "missing"])
def test_missing_values_are_at_the_column_means_first_and_then_at_w_z_plus_mean(name, request):
    run = request.getfixturevalue(name)
    values = run.model_input.values
    start = run.view.positions(run, 0)
    np.testing.assert_allclose(start, np.where(np.isnan(values), np.nanmean(values, axis=0), values), rtol=1e-12)
    for state in (1, 3, len(run.history.states) - 1):
        parameters = run.history.states[state].parameters
        shown = run.view.positions(run, state)
        for i in np.flatnonzero(np.isnan(values).any(axis=1))[:20].tolist():
            predicted = parameters.loadings @ posterior_means(parameters, values[i]) + parameters.mean
            np.testing.assert_allclose(shown[i], np.where(np.isnan(values[i]), predicted, values[i]), rtol=1e-6)
    np.testing.assert_allclose(run.data.points, shown)


def test_points_stay_where_they_are_if_nothing_is_missing(whole):
    assert all(whole.view.positions(whole, i) is whole.data.points for i in range(len(whole.history.states)))


def test_values_imputed_on_the_data_page_are_treated_as_missing(missing):
    imputed = imputed_iris().imputed
    np.testing.assert_array_equal(np.isnan(missing.model_input.values), imputed)
    np.testing.assert_array_equal(missing.history.prepared.observed, ~imputed)
    np.testing.assert_array_equal(missing.data.imputed, imputed)
    assert missing.data.points[imputed].max() < 10  # on the Data page they were 50
    assert "Error of hidden values" not in scores_of(missing)
    assert "its missing values are predicted from the others" in missing.view.phases(missing)["E"]


def test_hidden_values_are_marked_as_imputed(hiding):
    np.testing.assert_array_equal(hiding.data.imputed, hiding.model_input.hidden)
    assert "Rings: points with imputed values." in hiding.view.phases(hiding)["start"]


def test_with_missing_values_there_is_no_script_for_a_plain_reason(missing, hiding):
    with pytest.raises(
        NoScript, match="a script cannot know which values were missing, because the exported table contains imputed"
    ):
        scripts.with_clustering(missing)
    for run in (missing, hiding):
        with pytest.raises(NoScript, match="scikit-learn has no PCA with missing values"):
            scripts.with_scikit_learn(run)


@pytest.mark.parametrize("options", [dict(components=3), dict(components=2, hidden=0.5), dict(components=1)], ids=str)
def test_axes_keep_their_number_and_sign_from_one_state_to_the_next(options):
    run = run_on(iris(), **options)
    q, last = options["components"], len(run.history.states) - 1
    others = ppca.closed_form(run)[1]
    for state in range(last, -1, -1):
        axes = run.view.axes(run, state)
        covariance = run.history.states[state].parameters
        model = covariance.loadings @ covariance.loadings.T + covariance.noise_variance * np.eye(4)
        for axis in axes:  # an eigenvector, as long as the standard deviation along it
            np.testing.assert_allclose(model @ axis, axis * (axis @ axis), rtol=1e-6, atol=1e-8)
        cosines = (others @ axes.T) / np.outer(np.linalg.norm(others, axis=1), np.linalg.norm(axes, axis=1))
        assert (np.diag(cosines) >= 0).all()
        # no other numbering of the axes would be nearer to the axes of the next state
        products = np.abs(others @ axes.T)
        best = max(sum(products[i, order[i]] for i in range(q)) for order in permutations(range(q)))
        assert np.trace(products) == pytest.approx(best)
        others = axes


def test_axes_are_matched_by_order_and_sign():
    axes = np.array([[3.0, 0.1], [0.1, -2.0]])
    np.testing.assert_array_equal(ppca.aligned_axes(axes, np.array([[0.0, 1.0], [-1.0, 0.0]])), [[-0.1, 2.0], [-3.0, -0.1]])


def test_outlines_are_two_standard_deviations_long_on_both_sides_of_the_mean(whole):
    plane = principal_plane(whole.data.points)
    state = len(whole.history.states) - 1
    parameters = whole.history.states[state].parameters
    outlines = whole.view.outlines(whole, state, plane)
    assert len(outlines) == 2
    for outline, axis in zip(outlines, whole.view.axes(whole, state), strict=True):
        np.testing.assert_allclose(outline.mean(axis=0), plane.project(parameters.mean[None])[0], atol=1e-9)
        np.testing.assert_allclose(outline[1] - outline[0], 4 * plane.axes @ axis, atol=1e-9)
    deviations = np.sqrt(np.linalg.eigvalsh(np.cov(whole.data.points.T))[::-1])
    for i, line in enumerate(whole.view.static_outlines(whole, plane)):
        assert abs(line[1, i] - line[0, i]) == pytest.approx(4 * deviations[i])
        assert abs(line[1, 1 - i] - line[0, 1 - i]) < 1e-9


@pytest.mark.parametrize("limit", [1_000, 40])
def test_gray_lines_lead_from_points_to_their_reconstructions(hiding, limit, monkeypatch):
    monkeypatch.setattr(ppca, "RECONSTRUCTED", limit)
    plane = column_plane(hiding.data.columns, 2, 1)
    assert hiding.view.highlight(hiding, 0, plane) is None
    for state in (1, 4):
        line = hiding.view.highlight(hiding, state, plane)
        ends = np.vstack([line, np.full((1, 2), np.nan)]).reshape(-1, 3, 2)
        assert np.isnan(ends[:, 2]).all()
        assert len(ends) == min(limit, 150)
        parameters = hiding.history.states[state].parameters
        scores = hiding.history.assignment(state).means
        shown = hiding.view.positions(hiding, state)
        rows = hiding.data.sample_indices(len(ends))
        assert len(set(rows)) == len(ends)
        for row, (begin, end, _) in zip(rows.tolist(), ends, strict=True):
            reconstruction = parameters.loadings @ scores[row] + parameters.mean
            np.testing.assert_allclose(begin, shown[row, [2, 1]], atol=1e-9)
            np.testing.assert_allclose(end, reconstruction[[2, 1]], atol=1e-9)


def test_exports_have_the_scores_and_the_parameters(whole):
    loadings, mean, noise = whole.history.parameters[-1]
    own = whole.view.point_columns(whole)
    assert list(own) == ["score_1", "score_2"]
    for i in (0, 77, 149):
        expected = posterior_means(whole.history.parameters[-1], whole.data.points[i])
        np.testing.assert_allclose([own["score_1"][i], own["score_2"][i]], expected, rtol=1e-6, atol=1e-9)
    columns = whole.view.parameter_columns(whole)
    assert list(columns) == ["column", "mean", "loading_1", "loading_2", "noise_variance"]
    assert columns["column"] == list(iris().columns)
    np.testing.assert_array_equal(columns["mean"], mean)
    np.testing.assert_array_equal(columns["loading_2"], [row[1] for row in loadings])
    assert columns["noise_variance"].tolist() == [noise] * 4
    arrays = whole.view.arrays(whole)
    iterations = whole.history.iterations + 1
    assert {name: array.shape for name, array in arrays.items()} == {
        "loadings": (iterations, 4, 2),
        "means": (iterations, 4),
        "noise_variances": (iterations,),
        "scores": (150, 2),
    }
    np.testing.assert_array_equal(arrays["loadings"][0], whole.history.states[0].parameters.loadings)
    np.testing.assert_array_equal(arrays["noise_variances"][-1], noise)
    np.testing.assert_array_equal(arrays["scores"][:, 0], own["score_1"])


def test_the_captions_of_m_steps_have_the_angle_by_which_the_plane_turned(whole):
    for i, state in enumerate(whole.history.states):
        if state.phase == "M":
            old, new = (np.linalg.qr(whole.history.states[j].parameters.loadings)[0] for j in (i - 1, i))
            angle = math.degrees(math.acos(min(1.0, np.linalg.svd(old.T @ new)[1].min())))
            found = re.search(r"Update \(M\): turned by ([\d.]+)°", whole.view.sentence(whole, i))
            assert float(found[1]) == pytest.approx(angle, abs=0.0501)


def test_watch_offers_fewer_components_than_columns_and_shows_hidden_values_as_rings():
    app = opened("/?source=Built-in&table=Iris&algorithm=Probabilistic PCA&pca_components=2")
    assert not app.error
    assert app.selectbox(key="pca_components").options == ["1", "2", "3"]
    app.selectbox(key="pca_hidden").set_value(0.3).run()
    assert not app.exception
    run = latest(app, "run")
    assert (run.settings.option("components"), run.settings.option("hidden")) == (2, 0.3)
    assert {metric.label for metric in app.metric} >= {"Angle to PCA", "Error of hidden values"}
    assert not {metric.label for metric in app.metric} & {"Adjusted Rand index", "Silhouette"}
    captions = " ".join(caption.value.replace("\\", "") for caption in app.caption)
    assert "Rings mark rows with imputed values" in captions


def test_a_single_column_gives_one_plain_sentence():
    app = opened("/?sample=Round groups&round_d=1&n=50&algorithm=Probabilistic PCA")
    assert [error.value for error in app.error] == ["Probabilistic PCA needs at least two columns, got 1\\."]
    assert not app.get("plotly_chart")


def test_values_imputed_on_the_data_page_are_not_hidden_values_with_known_truth():
    data = catalog.draw_sample("three", 60, 3, {})
    hidden = ppca.hidden_values(data.points.shape, 0.3, 1)
    row, column = np.argwhere(hidden)[0]
    imputed = np.zeros(data.points.shape, dtype=bool)
    imputed[row, column] = True
    points = data.points.copy()
    points[row, column] = 1000.0
    model_input = ppca.METHOD.model_input(replace(data, points=points, imputed=imputed), settings("pca", hidden=0.3), None)
    assert np.isnan(model_input.values[row, column])
    assert not model_input.hidden[row, column]
    assert model_input.hidden.sum() == hidden.sum() - 1
