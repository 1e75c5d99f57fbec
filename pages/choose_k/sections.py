"""Sections of the Choose K page: criteria, and the clusters for each K."""

from dataclasses import replace
from functools import partial

import pandas as pd
import streamlit as st

from pages.choose_k import figures as sweep_figures
from pages.choose_k.sweep import BestRun
from pages.choose_k.verdict import MIN_SILHOUETTE, MIN_STABILITY, NAMES, Criterion, Verdict, matched_colors
from pages.datasets.formatting import escape_markdown, format_number, minus_signs
from pages.export.spreadsheets import table_csv
from pages.figures import plots
from pages.figures.markup import table
from pages.figures.thumbnails import as_html, thumbnail
from pages.methods import methods
from pages.runs.known_groups import NAMES as SCORES
from pages.runs.known_groups import TEXTS as SCORE_TEXTS
from pages.runs.known_groups import KnownGroups
from pages.ui.charts import show_chart
from pages.ui.export_menu import download
from pages.ui.navigation import open_in_watch
from pages.ui.placing import plane_of
from pages.ui.widgets import session_cache

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
INFORMATION_TEXT = (
    "BIC, ICL and AIC weigh the likelihood against the number of parameters; lower is better. BIC looks for a good density "
    "and may use several components for one non-Gaussian group; ICL also favors well-separated components; AIC tends to "
    "suggest too many."
)


def show_methods_that_find_k() -> None:
    titles = [view.title_in_sentence for view in methods().values() if view.traits.k == "found"]
    if titles:
        listed = " and ".join(filter(None, [", ".join(titles[:-1]), titles[-1]]))
        st.caption(f"Not here: {listed}. They find the number of clusters themselves, which depends on their options.")


def show(verdict: Verdict) -> None:
    st.subheader(escape_markdown(verdict.headline))
    rows = [
        [criterion.name, criterion.choice if criterion.supported else "1", evidence_text(name, criterion)]
        for name, criterion in verdict.criteria.items()
    ]
    st.html(table(["Criterion", "Suggested K", "Evidence"], rows, "Suggested K by criterion", row_headers=True))
    st.caption(
        (
            "Gray bands: the same criteria on reference data sets, from the minimum to the maximum over these sets. They are "
            "uniform in the bounding box of the points along their principal components. SD: standard deviation of the "
            "criterion on reference data at its best K, with a correction for their number. A criterion whose best value is "
            "not clearly better than on reference data suggests K = 1 (hollow marker)."
            if verdict.reference
            else f"Without reference data, fixed thresholds apply: silhouette {MIN_SILHOUETTE}, stability {MIN_STABILITY}."
        )
        + f" The suggested K above ignores the elbow{' and AIC' if verdict.information else ''}."
    )
    drawn = [name for name in TEXTS if name in verdict.criteria]
    with st.container(key="criteria"):
        for column, name in zip(st.columns(len(drawn), gap="medium"), drawn, strict=True):
            with column:
                criterion = verdict.criteria[name]
                st.markdown(f"**{NAMES[name]}**", help=TEXTS[name])
                figure = sweep_figures.elbow(criterion) if name == "elbow" else sweep_figures.curve(criterion)
                show_chart(figure, key=f"curve {name}", alt=f"{NAMES[name]} over K; {criterion.evidence}.")
    if verdict.information:
        show_information(verdict)
    if verdict.sweep.data.groups:
        show_known_groups(verdict)
    show_best_runs(verdict)


def evidence_text(name: str, criterion: Criterion) -> str:
    """The evidence for the suggested K, or why another K is not suggested."""
    if criterion.supported or name == "gap":
        return criterion.evidence
    return f"K = {criterion.choice}: {criterion.evidence}"


def show_information(verdict: Verdict) -> None:
    view = verdict.sweep.view
    model = f"{view.model_option.label.lower()} model"
    st.markdown(f"**BIC, ICL and AIC**, by number of {view.traits.cluster}s and {model}")
    figure = sweep_figures.information_criteria(verdict)
    show_chart(figure, key="information", alt=f"BIC, ICL and AIC over K and {model}.")
    st.caption(INFORMATION_TEXT)


def show_known_groups(verdict: Verdict) -> None:
    data, ks = verdict.sweep.data, verdict.ks
    scores = [KnownGroups.of(data.labels, best.labels) for best in verdict.best_runs]
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(f"**Agreement with the {escape_markdown(data.true_labels_name)}** by K")
        figure = sweep_figures.known_groups(ks, scores, data.groups)
        show_chart(figure, key="known groups", alt="Adjusted Rand index and V-measure over K.")
        st.caption(f"Not used for the suggestions above. Dotted line: number of known groups, {data.groups}.")
    values = pd.DataFrame({SCORES[name]: [getattr(one, name) for one in scores] for name in SCORES}, index=ks)
    with right, st.expander("More scores"):
        rows = [
            [k, *(minus_signs(f"{value:.3f}") for value in row)] for k, row in zip(ks.tolist(), values.values, strict=True)
        ]
        st.html(table(["K", *SCORES.values()], rows, "Agreement with the true labels by K", row_headers=True))
        st.caption(" ".join(f"{SCORES[name]}: {text}." for name, text in SCORE_TEXTS.items()))
        content = (plots.token(data.key, verdict.sweep.settings, ks.tolist(), verdict.sweep.runs),)
        create = partial(table_csv, values.rename_axis("K").reset_index())
        download("Scores (CSV)", "scores-by-k.csv", "text/csv", content, create)


def show_best_runs(verdict: Verdict) -> None:
    sweep = verdict.sweep
    data, settings = sweep.data, sweep.settings
    colors = matched_colors(verdict.best_runs)
    plane = plane_of(data)
    st.subheader("Clusters for each K")
    st.caption(
        "Best run for each K. Clusters keep the color of the matching cluster at the previous K; the additional cluster gets "
        f"a new color.{plots.colors_note(len(verdict.ks))}"
    )
    with st.container(key="best_runs"):
        columns = st.columns(len(verdict.ks), gap="medium")
        for column, best, own in zip(columns, verdict.best_runs, colors, strict=True):
            with column:
                name = ("k picture", data.key, settings, best.k, tuple(own.tolist()))
                source = session_cache().get(
                    name, lambda best=best, own=own: thumbnail(data, plane, own[best.labels], best.centers)
                )
                st.html(as_html(source, f"Points colored by cluster, K = {best.k}."))
                st.button(
                    f"K = {best.k}, loss {format_number(best.loss)}",
                    key=f"watch {best.k}",
                    icon=":material/play_circle:",
                    help="Open on the Watch page",
                    on_click=open_in_watch,
                    args=(replace(settings, k=best.k, seed=best.seed),),
                )
    if len(verdict.ks) < 2:
        return
    st.markdown("**How clusters split as K grows**")
    show_chart(
        sweep_figures.flow(verdict.best_runs, colors),
        key="flow",
        alt="Points that the clusters for consecutive values of K share.",
    )
    show_silhouettes(verdict.best_runs, colors, [k for k in verdict.votes if k > 1])


@st.fragment
def show_silhouettes(best_runs: list[BestRun], colors: list, suggested: list[int]) -> None:
    available = [best.k for best in best_runs if best.silhouette is not None]
    if not available:
        return
    default = next((k for k in suggested if k in available), available[0])
    k = (
        st.select_slider("Silhouette plot for K", available, default, key=f"silhouettes {available} {default}")
        if available[1:]
        else default
    )
    best, best_colors = next((best, own) for best, own in zip(best_runs, colors, strict=True) if best.k == k)
    show_chart(
        sweep_figures.silhouettes(best, best_colors),
        key="silhouettes",
        alt=minus_signs(f"Silhouette widths of points in {k} clusters, mean {best.silhouette.mean:.2f}."),
    )
    mean = minus_signs(f"{best.silhouette.mean:.3f}")
    st.caption(
        f"One line for each of {len(best.silhouette.rows):,} points; dashed line: mean ({mean}). A "
        "cluster with many short or negative lines probably splits or merges groups."
    )
