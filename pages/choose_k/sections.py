"""Sections of the Choose K page: criteria, and the clusters for each K or value of an option."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from pages.choose_k import figures as sweep_figures
from pages.choose_k.sweep import Axis, BestRun
from pages.choose_k.verdict import (
    MIN_RANGE_SHARE,
    MIN_SILHOUETTE,
    MIN_STABILITY,
    Criterion,
    KVerdict,
    OptionVerdict,
    Verdict,
    matched_colors,
)
from pages.datasets.data import Data
from pages.datasets.formatting import escape_markdown, format_number, minus_signs, pluralize
from pages.datasets.planes import Plane
from pages.export.spreadsheets import table_csv
from pages.figures import plots
from pages.figures.markup import table
from pages.figures.thumbnails import as_html, thumbnail
from pages.methods import method
from pages.methods.options import Settings
from pages.runs.known_groups import NAMES as SCORES
from pages.runs.known_groups import NOISE_IS_A_GROUP, KnownGroups
from pages.runs.known_groups import TEXTS as SCORE_TEXTS
from pages.runs.run import silhouette_points
from pages.ui.charts import show_chart
from pages.ui.export_menu import download
from pages.ui.navigation import open_in_watch
from pages.ui.placing import plane_of
from pages.ui.widgets import session_cache

MAX_FLOWING = 30
"""number of clusters above which a run is left out of the diagram of how clusters split as K grows"""
TEXTS = {
    "elbow": "Loss of the best run for each K; it decreases with K even in data without groups. Marked: the point farthest "
    "below the dotted line from the first to the last value. Always weak evidence: such a point exists for all data, and it "
    "depends on the maximum K.",
    "silhouette": "How much closer points are to their own cluster than to the nearest other cluster, on average. Unreliable "
    "when groups are elongated or differ in spread; favors round clusters.",
    "gap": "How much tighter the clusters are than those of uniform reference data, with standard errors. Suggested: "
    "the smallest K whose gap is at least the gap of K + 1 minus the standard error of the latter. Unreliable when groups are "
    "nested or elongated.",
    "calinski_harabasz": "Between-cluster over within-cluster sum of squares, each divided by its degrees of freedom. "
    "Unreliable when groups are not round or differ in size.",
    "davies_bouldin": "Similarity of each cluster to the most similar other one, on average; lower is better. Unreliable when "
    "means describe the clusters poorly; one close pair can dominate.",
    "stability": "Agreement of the clusters of two random subsamples (adjusted Rand index; one dot per pair). A wrong K can "
    "be stable too: a uniform square is split into four the same way every time.",
}
CURVE_TITLES = {"range": "Number of clusters"}
"""titles of curves that differ from the name of the criterion"""
OPTION_TEXTS = {
    "range": "Clusters that the method finds; dotted: only those with at least 2% of the points. Shaded: the longest range of "
    "values with the same number of the latter, which contain at least 70% of the points. A number that depends little on the "
    "value is more likely to be a property of the data.",
    "noise": "Points in no cluster. Values with more than 30% noise are not suggested.",
    "silhouette": "How much closer points are to their own cluster than to the nearest other cluster, on average over the "
    "points in clusters; noise is left out, so it can be high if most points are noise (gray). Unreliable when groups are "
    "elongated or differ in spread; favors round clusters.",
    "validity": "Density-based clustering validation: separation of the clusters relative to the sparsest region within each "
    "cluster, for clusters of any shape; noise counts as 0. Sensitive to single points between clusters.",
    "stability": "Agreement of the clusters of two random subsamples (adjusted Rand index; one dot per pair). Noise counts as "
    "one cluster; 0 if neither subsample has two clusters. Values with fewer than two clusters are left out.",
}
INFORMATION_TEXT = (
    "BIC, ICL and AIC weigh the likelihood against the number of parameters; lower is better. BIC looks for a good density "
    "and may use several components for one non-Gaussian group; ICL also favors well-separated components; AIC tends to "
    "suggest too many."
)


def describe(settings: Settings) -> None:
    """Say what is compared and chosen, for a method that finds K."""
    view = method(settings.method)
    if view.tuned is not None:
        st.caption(
            f"{view.title} finds the number of clusters itself. It depends on {view.tuned.phrase}, which is chosen here "
            "instead of K: its values are compared by the number of clusters, their quality and their stability."
        )


def show(verdict: Verdict) -> None:
    axis = verdict.sweep.axis
    st.subheader(escape_markdown(verdict.headline))
    if verdict.criteria:
        none = "1" if axis.option is None else "none"
        rows = [
            [criterion.name, f"{criterion.choice:g}" if criterion.supported else none, evidence_text(name, criterion, axis)]
            for name, criterion in verdict.criteria.items()
        ]
        headers = ["Criterion", f"Suggested {axis.name}", "Evidence"]
        st.html(table(headers, rows, f"Suggested {axis.name} by criterion", row_headers=True))
        st.caption(how_evidence_is_judged(verdict))
    else:
        st.caption(f"Only {pluralize(len(axis.values), 'value')} to compare, so there are no criteria.")
    texts, curves = (TEXTS if axis.option is None else OPTION_TEXTS), verdict.criteria | verdict.further_curves
    drawn = [name for name in texts if name in curves]
    with st.container(key="criteria"):
        for column, name in zip(st.columns(len(drawn), gap="medium") if drawn else [], drawn, strict=True):
            with column:
                criterion = curves[name]
                title = CURVE_TITLES.get(name, criterion.name)
                st.markdown(f"**{title}**", help=texts[name])
                alt = f"{title} over {axis.name}; {criterion.evidence}."
                show_chart(curve(name, criterion, verdict), key=f"curve {name}", alt=alt)
    if isinstance(verdict, KVerdict) and verdict.information:
        show_information(verdict)
    if verdict.sweep.data.groups:
        show_known_groups(verdict)
    show_best_runs(verdict)


def how_evidence_is_judged(verdict: Verdict) -> str:
    """What criteria are compared with, in sentences."""
    if isinstance(verdict, OptionVerdict):
        rules = (
            "Gray bands: the best values of the same criteria on reference data sets, from the minimum to the maximum over "
            "these sets. The reference points are drawn uniformly from the bounding box of the data, aligned with the "
            f"principal components; each set has its own values of {verdict.sweep.view.tuned.phrase}. A criterion that is not "
            "clearly better than on all of them suggests none (hollow marker)."
            if verdict.reference
            else f"Without reference data, fixed thresholds apply: longest range {MIN_RANGE_SHARE:.0%} of the axis, "
            f"silhouette {MIN_SILHOUETTE},{' DBCV 0,' if 'validity' in verdict.criteria else ''} stability {MIN_STABILITY}."
        )
        return (
            f"{rules} Only values are suggested that give several clusters, each with at least 2% of the points and together "
            "with at least 70%. Criteria agree if their values lie in the same range, in which the number of these clusters "
            "does not change."
        )
    rules = (
        "Gray bands: the same criteria on reference data sets, from the minimum to the maximum over these sets. The "
        "reference points are drawn uniformly from the bounding box of the data, aligned with the principal components. SD: "
        "standard deviation of the criterion over the reference data sets, at the K that is best on your data, corrected for "
        "the small number of reference sets. A criterion whose best value is not clearly better than on reference data "
        "suggests K = 1 (hollow marker)."
        if verdict.reference
        else f"Without reference data, fixed thresholds apply: silhouette {MIN_SILHOUETTE}, stability {MIN_STABILITY}."
    )
    ignored = ["the elbow"] * ("elbow" in verdict.criteria) + ["AIC"] * bool(verdict.information)
    return f"{rules} The suggested K above ignores {' and '.join(ignored)}." if ignored else rules


def curve(name: str, criterion: Criterion, verdict: Verdict):
    """The figure of a criterion, given its key."""
    if name == "elbow":
        return sweep_figures.elbow(criterion, verdict.sweep.axis)
    if name == "range":
        return sweep_figures.cluster_counts(verdict)
    return sweep_figures.curve(criterion, verdict.sweep.axis, percent=name == "noise")


def evidence_text(name: str, criterion: Criterion, axis: Axis) -> str:
    """The evidence for the suggested value, or why another one is not suggested."""
    if criterion.supported or name == "gap" or not criterion.choice:
        return criterion.evidence
    return f"{axis.label(criterion.choice)}: {criterion.evidence}"


def show_information(verdict: KVerdict) -> None:
    view = verdict.sweep.view
    model = f"{view.model_option.label.lower()} model"
    st.markdown(f"**BIC, ICL and AIC**, by number of {view.traits.cluster}s and {model}")
    figure = sweep_figures.information_criteria(verdict)
    show_chart(figure, key="information", alt=f"BIC, ICL and AIC over K and {model}.")
    st.caption(INFORMATION_TEXT)


def show_known_groups(verdict: Verdict) -> None:
    sweep = verdict.sweep
    data, axis = sweep.data, sweep.axis
    scores = [KnownGroups.of(data.labels, best.labels, sweep.weights) for best in verdict.best_runs]
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(f"**Agreement with the {escape_markdown(data.true_labels_name)}** by {axis.name}")
        figure = sweep_figures.known_groups(axis, scores, data.groups)
        show_chart(figure, key="known groups", alt=f"Adjusted Rand index and V-measure over {axis.name}.")
        note = f" Dotted line: number of known groups, {data.groups}."
        if axis.option is not None:
            noise = f"; {NOISE_IS_A_GROUP}" if sweep.view.traits.noise else ""
            note = f" There are {data.groups} known groups{noise}."
        st.caption(f"Not used for the suggestions above.{note}")
    values = pd.DataFrame({SCORES[name]: [getattr(one, name) for one in scores] for name in SCORES}, index=axis.values)
    with right, st.expander("More scores"):
        rows = [
            [f"{value:g}", *(minus_signs(f"{score:.3f}") for score in row)]
            for value, row in zip(axis.values, values.values, strict=True)
        ]
        headers = [axis.name, *SCORES.values()]
        st.html(table(headers, rows, f"Agreement with the true labels by {axis.name}", row_headers=True))
        st.caption(" ".join(f"{SCORES[name]}: {text}." for name, text in SCORE_TEXTS.items()))
        content = (plots.token(data.key, sweep.settings, axis.values, sweep.runs),)
        create = partial(table_csv, values.rename_axis(axis.name).reset_index())
        download("Scores (CSV)", f"scores-by-{axis.name.lower().replace(' ', '-')}.csv", "text/csv", content, create)


def show_best_runs(verdict: Verdict) -> None:
    sweep, axis = verdict.sweep, verdict.sweep.axis
    data, settings = sweep.data, sweep.settings
    runs = verdict.best_runs
    first = next((i for i, best in enumerate(runs) if best.value == verdict.first_shown), 0) if axis.option else 0
    colors = matched_colors(runs, first)
    shown = [i for i, best in enumerate(runs) if best.value in verdict.shown]
    plane = plane_of(data)
    if axis.option is None:
        st.subheader("Clusters for each K")
        text = (
            "Best run for each K. Clusters keep the color of the matching cluster at the previous K; the additional cluster "
            "gets a new color."
        )
    else:
        st.subheader(f"Clusters for some values of {sweep.view.tuned.phrase}")
        noise = " Gray: noise." if sweep.view.traits.noise else ""
        text = f"Clusters keep the color of the matching cluster at the previous value.{noise}"
    st.caption(f"{text}{plots.colors_note(max(runs[i].k for i in shown))}")
    with st.container(key="best_runs"):
        columns = st.columns(len(shown), gap="medium")
        for column, i in zip(columns, shown, strict=True):
            with column:
                best, own = runs[i], colors[i]
                name = ("k picture", data.key, settings, best.value, tuple(own.tolist()))
                source = session_cache().get(name, lambda best=best, own=own: picture(data, plane, best, own))
                label = axis.label(best.value)
                st.html(as_html(source, f"Points colored by cluster, {label}."))
                st.button(
                    f"{best.value:g}: {pluralize(best.k, 'cluster')}"
                    if axis.option
                    else f"{label}, loss {format_number(best.loss)}",
                    key=f"watch {best.value}",
                    icon=":material/play_circle:",
                    help="Open on the Watch page",
                    on_click=open_in_watch,
                    args=(replace(axis.settings_at(settings, best.value), seed=best.seed),),
                )
    if len(runs) < 2:
        return
    flowing = [i for i in shown if runs[i].k <= MAX_FLOWING]
    if len(flowing) > 1:
        grows = (
            "How clusters split as K grows"
            if axis.option is None
            else f"How clusters change as {sweep.view.tuned.phrase} grows"
        )
        st.markdown(f"**{grows}**")
        show_chart(
            sweep_figures.flow([runs[i] for i in flowing], [colors[i] for i in flowing], axis, sweep.weights),
            key="flow",
            alt=f"Points that the clusters for consecutive values of {axis.name} share.",
        )
    show_silhouettes(verdict, colors)


def picture(data: Data, plane: Plane, best: BestRun, colors: np.ndarray) -> str:
    """A small picture of the clusters of a run, with color numbers (k,)."""
    # the extra color is that of noise, with the label -1
    return thumbnail(data, plane, np.append(colors, -1)[best.labels], best.centers)


@st.fragment
def show_silhouettes(verdict: Verdict, colors: list) -> None:
    axis = verdict.sweep.axis
    available = [best.value for best in verdict.best_runs if best.silhouette is not None]
    if not available:
        return
    default = verdict.first_shown if verdict.first_shown in available else available[0]
    value = (
        st.select_slider(
            f"Silhouette plot for {axis.name}",
            available,
            default,
            format_func=lambda value: f"{value:g}",
            key=f"silhouettes {available} {default}",
        )
        if available[1:]
        else default
    )
    best, own = next((best, own) for best, own in zip(verdict.best_runs, colors, strict=True) if best.value == value)
    show_chart(
        sweep_figures.silhouettes(best, own),
        key="silhouettes",
        alt=minus_signs(f"Silhouette widths of points in {best.k} clusters, mean {best.silhouette.mean:.2f}."),
    )
    mean = minus_signs(f"{best.silhouette.mean:.3f}")
    noise = silhouette_points(best.silhouette, best.labels, len(best.labels)) if axis.option else ""
    weight = "" if best.silhouette.weights is None else ", as thick as its weight"
    st.caption(
        f"One line for each of {len(best.silhouette.rows):,} points{f' ({noise})' if noise else ''}{weight}; dashed line: "
        f"mean ({mean}). A cluster with many short or negative lines probably splits or merges groups."
    )
