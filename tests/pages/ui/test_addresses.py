"""Links that users may have saved: each must keep opening the same run. Add entries, but do not change them."""

import numpy as np
import pytest

from pages.choose_k import sweep as sweep_module
from pages.ui.failure_examples import GALLERY
from tests.pages.app import latest, opened

LINKS = {
    "/": 946.881,
    "/?k=4&seed=7": 811.245,
    "/?sample=Stretched groups&n=200&stretched_ratio=3.5&k=4&data_seed=7&seed=11&start_kmeans=k-means++": 1636.52,
    "/?algorithm=Gaussian mixture&mixture_covariance=Diagonal: axis-aligned&start_mixture=Farthest-first (maximin)": 3.83694,
    "/?algorithm=K-medoids&kmedoids_metric=Manhattan&kmedoids_update=First improving swap&n=100": 163.689,
    "/?algorithm=K-medoids&start_kmedoids=BUILD&n=100&kmedoids_update=Best swap": 130.69,
    "/?algorithm=K-medoids&kmedoids_metric=Squared euclidean&n=100": 216.705,
    "/?algorithm=K-medoids&kmedoids_metric=Squared Euclidean&n=100": 216.705,
    "/?start_kmeans=Hierarchical clustering&tree_linkage=Single&tree_metric=Manhattan&n=100": 207.297,
    "/?n=100&start_kmeans=Manual&centers=-5.5,0.25;0,1;4.5,-1": 207.297,
    "/?algorithm=Gaussian mixture&start_mixture=Identical means&n=100": 4.58012,
    "/?source=Built-in&table=Iris&start_kmeans=k-means++ (single candidate)": 78.8514,
    "/?source=Built-in&table=Palmer penguins&scaling=Standardize&penguins_gaps True=Impute median": 385.534,
    "/?source=Built-in&table=Number words&algorithm=K-medoids&k=10": 147,
    "/report?k=2&n=100": 587.63,
    "/mixture?mixture_floor=0.01 × data variance&k=6&sample=Unequal spreads&n=50": 3.32478,
    "/compare?panels=2&algorithm_1=Hierarchical clustering&tree_linkage_1=Single&k=2&sample=Rings&n=200": 0.545239,
    "/compare?panels=2&algorithm_1=Gaussian mixture&mixture_covariance_1=Spherical: circles&k_1=5&n=100"
    "&starts=One shared start": 3.86723,
    "/?algorithm=Fuzzy c-means&fuzzy_m=1.5&n=100": 202.46,
    "/?algorithm=Fuzzy c-means&start_fuzzy=k-means++&k=4&seed=3&n=200": 234.722,
    "/?source=Built-in&table=Number words&algorithm=K-medoids&start_kmedoids=BUILD&kmedoids_update=Best swap&k=6": 146,
    "/compare?panels=2&source=Built-in&table=Number words&algorithm_1_given=Hierarchical clustering"
    "&tree_linkage_1_given=Complete&k=10": 4,
    "/compare?panels=2&source=Built-in&table=Number words&start_kmedoids_1_given=BUILD&k_1_given=5": 157,
    "/compare?panels=2&algorithm_1=Fuzzy c-means&fuzzy_m_1=3&start_fuzzy_1=Hierarchical clustering&tree_linkage_1=Average"
    "&k=4&n=100": 48.8051,
    "/?algorithm=Probabilistic PCA&n=100": 4.58012,
    "/?algorithm=Probabilistic PCA&source=Built-in&table=Iris&pca_components=2&pca_hidden=30%&seed=4": 2.38207,
    "/?algorithm=Probabilistic PCA&source=Built-in&table=Iris&pca_components=3&start_pca=PCA (closed form)": 2.53276,
    "/embedding?grammar_n=200&text_seed=2&skipgram_dimension=4&skipgram_window=2&skipgram_negatives=2.5&seed=3"
    "&embedding_section=Analogies": 1.68082,
    "/embedding?text=Baskets&baskets_n=200&skipgram_dimension=5&skipgram_least=9&skipgram_ridge=0.01"
    "&skipgram_subsampling=0.01": 2.57408,
    "/embedding?grammar_n=200&skipgram_dimension=3&skipgram_weighting=Linear (word2vec)&skipgram_ridge=No penalty": 2.55346,
}
"""final loss of the run, or of the first one on the Compare page, by address"""
RESTARTS = {
    "/restarts?n=50&runs=10&k=4&ways_kmeans=Farthest-first (maximin)": (66.7996, 10),
    "/restarts?n=50&runs=10&k=6&first_seed=5": (44.293, 30),
    "/restarts?algorithm=Gaussian mixture&mixture_covariance=Tied: shared&ways_mixture=K-means&n=50&runs=10&k=4": (
        3.73047,
        10,
    ),
    "/restarts?algorithm=K-medoids&kmedoids_update=Best swap&ways_kmedoids=BUILD&n=50&runs=10": (63.7028, 1),
    "/restarts?source=Built-in&table=Number words&k=7&runs=10&ways_kmedoids=Random points": (152, 10),
}
"""lowest loss of all runs and number of runs, by address"""
SWEEPS = {
    "/choose_k?n=50&k_up_to=3&best_of=2": 242.461,
    "/choose_k?algorithm=Gaussian mixture&mixture_covariance=Diagonal: axis-aligned&n=50&k_up_to=3&best_of=1": 4.25703,
    "/choose_k?algorithm=Fuzzy c-means&fuzzy_m=3&n=50&k_up_to=3&best_of=1&first_seed=2": 126.111,
    "/choose_k?source=Built-in&table=Number words&k_up_to=3&best_of=1": 199,
}
"""loss with two clusters, by address"""
DATA = {
    "/data?sample=Rings&n=200&data_seed=4": ("Rings", 200, 441.867),
    "/data?sample=Stretched groups&n=100&stretched_ratio=3.5": ("Stretched groups", 100, 663.254),
    "/data?source=Built-in&table=Palmer penguins&scaling=Standardize&penguins_gaps True=Drop rows": (
        "Palmer penguins",
        342,
        1170.65,
    ),
    "/data?source=Built-in&table=Number words": ("Number words: word", 72, 134.605),
    "/failures?source=Built-in&table=Iris": ("Iris", 150, 2078.7),
}
"""title of the data set in use, number of points, and sum of their absolute coordinates, by address"""
TREES = {
    "/hierarchy?tree_linkage=Complete&k=5&n=100&ordered=true": ("complete", "euclidean", "5", "0.834", "0.789"),
    "/hierarchy?sample=Rings&n=100&k=2&tree_linkage=Single&tree_metric=Manhattan": (
        "single",
        "manhattan",
        "2",
        "0.607",
        "−0.072",
    ),
    "/hierarchy?source=Built-in&table=Number words&k=4": ("average", "as given", "4", "0.739", None),
}
"""linkage, metric, number of clusters, cophenetic correlation and adjusted Rand index, by address"""
SECTIONS = {
    "/segments?segments_section=Pictures&n=50": "pictures",
    "/segments?n=50&segments_section=One row": "one_row",
    "/segments?n=50&segments_section=Plots": "pictures",
    "/segments?segments_section=Explain a row&n=50": "one_row",
    "/segments?segments_section=p-values&n=50": "p_values",
}
"""section of the Segments page, by address"""


def final_loss(app) -> float:
    found = latest(app, "comparison", "run")
    return float((found.runs[0] if hasattr(found, "runs") else found).history.losses[-1])


def opened_without_warning(link: str):
    """Opens the app at a link, all of whose parameters must be accepted."""
    app = opened(link)
    assert not app.error
    assert not [warning.value for warning in app.warning if "link" in warning.value]
    return app


@pytest.mark.one_in(3)
@pytest.mark.parametrize("link", LINKS)
def test_a_saved_link_opens_the_same_run(link):
    assert final_loss(opened_without_warning(link)) == pytest.approx(LINKS[link], rel=1e-5)


@pytest.mark.parametrize(("label", "value"), [("Allowed", "yes"), ("Yes", "yes"), ("Not allowed", "no"), ("No", "no")])
def test_a_link_says_whether_a_single_cluster_is_allowed(label, value):
    app = opened_without_warning(f"/density?density_method=HDBSCAN&n=100&hdbscan_single={label}")
    assert latest(app, "run").settings.option("single") == value


@pytest.mark.parametrize("link", RESTARTS)
def test_a_saved_link_to_restarts_opens_the_same_runs(link):
    study = latest(opened_without_warning(link), "restarts")
    losses = [attempt.loss for attempt in study.finished.values()]
    assert (min(losses), len(losses)) == pytest.approx(RESTARTS[link], rel=1e-5)


@pytest.mark.parametrize("link", SWEEPS)
def test_a_saved_link_to_a_sweep_opens_the_same_sweep(link, monkeypatch):
    # stability and reference data are not the point
    monkeypatch.setattr(sweep_module, "SUBSAMPLE_PAIRS", 1)
    monkeypatch.setattr(sweep_module, "REFERENCE_SETS", 1)
    monkeypatch.setattr(sweep_module, "RESAMPLED_SETS", 0)
    sweep = latest(opened_without_warning(link), "sweep")
    assert sweep.axis.values == (1, 2, 3)
    assert sweep.results["data", 2].loss == pytest.approx(SWEEPS[link], rel=1e-5)


@pytest.mark.parametrize("link", DATA)
def test_a_saved_link_to_data_opens_the_same_data(link):
    app = opened_without_warning(link)
    data = app.session_state["last data"]
    title, n, total = DATA[link]
    assert (data.title, len(data.points)) == (title, n)
    assert np.abs(data.points).sum() == pytest.approx(total, rel=1e-5)


def test_a_link_to_the_failures_page_shows_all_examples():
    buttons = [button.label for button in opened_without_warning("/failures").button]
    assert buttons.count("Show example") == len(GALLERY)


@pytest.mark.parametrize("link", TREES)
def test_a_saved_link_to_a_tree_opens_the_same_cut(link):
    app = opened_without_warning(link)
    metrics = {metric.label: metric.value for metric in app.metric}
    linkage, metric, groups, correlation, rand = TREES[link]
    assert metrics.pop("Adjusted Rand index", None) == rand
    assert (metrics["Cophenetic correlation"], metrics["Clusters"]) == (correlation, groups)
    data_tree = latest(app, "tree")
    assert (data_tree.linkage, data_tree.metric) == (linkage, metric)
    assert ("ordered" in link) == app.toggle(key="ordered").value


@pytest.mark.parametrize("link", SECTIONS)
def test_a_saved_link_to_a_section_opens_it(link):
    app = opened_without_warning(link)
    assert app.button_group(key="segments_section").value == SECTIONS[link]
    assert "Pictures" not in app.query_params.get("segments_section", [])
