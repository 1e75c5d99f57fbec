"""Links that people may have kept: each must go on opening the same run. Entries are only ever added here."""

import pytest

from tests.pages.app import last_made, opened

LINKS = {
    "/": 946.881,
    "/?k=4&seed=7": 811.245,
    "/?sample=Stretched groups&n=200&stretched_ratio=3.5&k=4&data_seed=7&seed=11&start_kmeans=k-means++": 1636.52,
    "/?algorithm=Gaussian mixture&mixture_covariance=Diagonal: axis-aligned&start_mixture=Farthest-first (maximin)": 3.83694,
    "/?algorithm=K-medoids&kmedoids_metric=Manhattan&kmedoids_update=First improving swap&n=100": 163.689,
    "/?algorithm=K-medoids&start_kmedoids=BUILD&n=100&kmedoids_update=Best swap": 130.69,
    "/?start_kmeans=Hierarchical clustering&tree_linkage=Single&tree_metric=Manhattan&n=100": 207.297,
    "/?n=100&start_kmeans=Manual&centers=-5.5,0.25;0,1;4.5,-1": 207.297,
    "/?algorithm=Gaussian mixture&start_mixture=Identical means&n=100": 4.58012,
    "/?source=Built-in&table=Iris&start_kmeans=k-means++ (single candidate)": 78.8514,
    "/?source=Built-in&table=Palmer penguins&scaling=Standardize&penguins_gaps True=Impute median": 385.534,
    "/?source=Built-in&table=Number words&algorithm=K-medoids&k=10": 147,
    "/report?k=2&n=100": 587.63,
    "/mixture?mixture_floor=0.01 × data variance&k=6&sample=Unequal spreads&n=50": 3.32478,
    "/compare?panels=2&algorithm_1=Hierarchical clustering&tree_linkage_1=Single&k=2&sample=Rings&n=200": 0.545239,
    "/compare?panels=2&algorithm_1=Gaussian mixture&mixture_covariance_1=Spherical: circles&k_1=5&n=100": 3.86723,
}
"""the final loss of the run that is shown, of a comparison that of its first panel, by address"""


def final_loss(app) -> float:
    found = last_made(app, "comparison", "run")
    return float((found.runs[0] if hasattr(found, "runs") else found).history.losses[-1])


@pytest.mark.parametrize("link", LINKS)
def test_a_link_that_was_kept_opens_the_same_run(link):
    app = opened(link)
    assert not [warning.value for warning in app.warning if "link" in warning.value]
    assert final_loss(app) == pytest.approx(LINKS[link], rel=1e-5)


def test_a_link_to_a_tree_that_was_kept_opens_the_same_cut():
    app = opened("/hierarchy?tree_linkage=Complete&k=5&n=100&ordered=true")
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics == {"Cophenetic correlation": "0.834", "Groups": "5", "Adjusted Rand index": "0.789"}
    assert app.selectbox(key="tree_linkage").value == "complete"
    assert app.toggle(key="ordered").value
