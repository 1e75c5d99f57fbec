"""Clustering algorithms as sequences of states: by centers, by mixtures, hierarchical, and by density.

K-means with its mini-batch, bisecting and soft variants, K-modes, K-prototypes, K-medoids, fuzzy c-means, mixtures of
Gaussians and of t distributions, hierarchical and spectral clustering, DBSCAN, OPTICS, HDBSCAN and mean shift; also
probabilistic PCA, and word vectors by skip-gram with negative sampling (word2vec).

>>> import numpy as np
>>> from clustering import KMeans, iterate, three_gaussians
>>> points = three_gaussians(500, np.random.default_rng(0)).points
>>> for state in iterate(KMeans(k=3), points, rng=0):
...     print(state.iteration, round(state.loss, 1))  # doctest: +SKIP

Requires only NumPy and SciPy. Tables larger than memory are Dask arrays or dataframes, see `clustering.blocks`.
"""

from clustering.bisecting_kmeans import BisectingKMeans, Splits
from clustering.block_table import sample_rows
from clustering.bootstrap import bootstrap
from clustering.cooccurrences import Cooccurrences, cooccurrences, pointwise_mutual_information, tokenize
from clustering.criteria import (
    Gap,
    aic,
    calinski_harabasz,
    clusters_of_most,
    davies_bouldin,
    elbow,
    entropies,
    entropy,
    gap_statistic,
    icl,
    subsample_agreement,
    subsample_size,
    uniform_reference,
    within_groups,
)
from clustering.dbcv import density_based_validity
from clustering.dbscan import DBSCAN, eps_range, suggested_eps, suggested_min_points
from clustering.edit_distance import edit_distances
from clustering.fuzzy_c_means import FuzzyCMeans
from clustering.gaussians import Gaussians, check_gaussians, kl_divergence
from clustering.gower import gower_matrix
from clustering.hdbscan import HDBSCAN, CondensedTree, DensityHierarchy, density_hierarchy
from clustering.hierarchy import LINKAGES, Tree, tree_of_points, tree_of_proximities
from clustering.history import History
from clustering.k_prototypes import KModes, KPrototypes, MixedTable, Prototypes
from clustering.kmeans import KMeans, bisect
from clustering.kmedoids import KMedoids
from clustering.least_change import (
    least_changes_by_search,
    least_changes_to_nearest,
    least_move_by_search,
    least_move_to_nearest,
)
from clustering.mean_shift import MeanShift, suggested_bandwidth
from clustering.mini_batch_kmeans import BatchCenters, MiniBatchKMeans
from clustering.mixture import GaussianMixture
from clustering.notices import Notice
from clustering.optics import OPTICS, ReachabilityOrder, labels_below, labels_of_valleys, reachability_order, valleys
from clustering.pixels import pixel_counts, quantile_extent
from clustering.points import WeightedPoints
from clustering.ppca import ProbabilisticPCA, impute
from clustering.process import Alternating, Assignment, Process, Restart, State, best_of, fit, iterate, restarts
from clustering.profiles import (
    category_test_values,
    cramers_v,
    eta_squared,
    mean_test_values,
    noise_effects,
    standardized_differences,
)
from clustering.projection import PrincipalComponents, classical_scaling, principal_components
from clustering.proximity import check_proximities, proximity_matrix
from clustering.radii import CoreTree, core_tree
from clustering.sampling import Dataset, sample_mixture, three_gaussians
from clustering.selective_inference import (
    MeanTest,
    kmeans_mean_test,
    mean_test_by_sampling,
    median_sigma,
    rows_of_centers,
    tree_mean_test,
)
from clustering.silhouettes import Silhouette, silhouette, silhouette_of_proximities
from clustering.similarity import analogy, most_similar, unit_vectors
from clustering.skip_gram import SkipGram, Vectors
from clustering.soft_kmeans import SoftKMeans, SoftMeans, soft_kmeans
from clustering.spectral_clustering import SpectralClustering, Spectrum
from clustering.stability import Resample, Stability, noisy_points, resampled, resampled_with_noise
from clustering.student_mixture import StudentMixture, Students, check_students
from clustering.threshold_tree import ThresholdTree, TreePrice, threshold_tree, tree_price
from clustering.tree_cut import TreeCut
from clustering.validation import (
    ConfusionMatrix,
    VMeasure,
    adjusted_rand_index,
    bic,
    centroid_index,
    centroid_index_of_distances,
    confusion_matrix,
    contingency_table,
    distinct_partitions,
    fowlkes_mallows_index,
    match_clusters,
    normalized_mutual_information,
    purity,
    v_measure,
)
from clustering.variational_mixture import VariationalGaussians, VariationalMixture, check_variational_gaussians
from clustering.weights import as_frequencies, weighted_quantiles

__all__ = [
    "DBSCAN",
    "HDBSCAN",
    "LINKAGES",
    "OPTICS",
    "Alternating",
    "Assignment",
    "BatchCenters",
    "BisectingKMeans",
    "CondensedTree",
    "ConfusionMatrix",
    "Cooccurrences",
    "CoreTree",
    "Dataset",
    "DensityHierarchy",
    "FuzzyCMeans",
    "Gap",
    "GaussianMixture",
    "Gaussians",
    "History",
    "KMeans",
    "KMedoids",
    "KModes",
    "KPrototypes",
    "MeanShift",
    "MeanTest",
    "MiniBatchKMeans",
    "MixedTable",
    "Notice",
    "PrincipalComponents",
    "ProbabilisticPCA",
    "Process",
    "Prototypes",
    "ReachabilityOrder",
    "Resample",
    "Restart",
    "Silhouette",
    "SkipGram",
    "SoftKMeans",
    "SoftMeans",
    "SpectralClustering",
    "Spectrum",
    "Splits",
    "Stability",
    "State",
    "StudentMixture",
    "Students",
    "ThresholdTree",
    "Tree",
    "TreeCut",
    "TreePrice",
    "VMeasure",
    "VariationalGaussians",
    "VariationalMixture",
    "Vectors",
    "WeightedPoints",
    "adjusted_rand_index",
    "aic",
    "analogy",
    "as_frequencies",
    "best_of",
    "bic",
    "bisect",
    "bootstrap",
    "calinski_harabasz",
    "category_test_values",
    "centroid_index",
    "centroid_index_of_distances",
    "check_gaussians",
    "check_proximities",
    "check_students",
    "check_variational_gaussians",
    "classical_scaling",
    "clusters_of_most",
    "confusion_matrix",
    "contingency_table",
    "cooccurrences",
    "core_tree",
    "cramers_v",
    "davies_bouldin",
    "density_based_validity",
    "density_hierarchy",
    "distinct_partitions",
    "edit_distances",
    "elbow",
    "entropies",
    "entropy",
    "eps_range",
    "eta_squared",
    "fit",
    "fowlkes_mallows_index",
    "gap_statistic",
    "gower_matrix",
    "icl",
    "impute",
    "iterate",
    "kl_divergence",
    "kmeans_mean_test",
    "labels_below",
    "labels_of_valleys",
    "least_changes_by_search",
    "least_changes_to_nearest",
    "least_move_by_search",
    "least_move_to_nearest",
    "match_clusters",
    "mean_test_by_sampling",
    "mean_test_values",
    "median_sigma",
    "most_similar",
    "noise_effects",
    "noisy_points",
    "normalized_mutual_information",
    "pixel_counts",
    "pointwise_mutual_information",
    "principal_components",
    "proximity_matrix",
    "purity",
    "quantile_extent",
    "reachability_order",
    "resampled",
    "resampled_with_noise",
    "restarts",
    "rows_of_centers",
    "sample_mixture",
    "sample_rows",
    "silhouette",
    "silhouette_of_proximities",
    "soft_kmeans",
    "standardized_differences",
    "subsample_agreement",
    "subsample_size",
    "suggested_bandwidth",
    "suggested_eps",
    "suggested_min_points",
    "three_gaussians",
    "threshold_tree",
    "tokenize",
    "tree_mean_test",
    "tree_of_points",
    "tree_of_proximities",
    "tree_price",
    "uniform_reference",
    "unit_vectors",
    "v_measure",
    "valleys",
    "weighted_quantiles",
    "within_groups",
]
