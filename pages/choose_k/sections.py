"""The parts of the page: what the criteria say, and what each K finds."""

from dataclasses import replace

import streamlit as st

from pages.choose_k import figures as sweep_figures
from pages.choose_k.sweep import BestRun
from pages.choose_k.verdict import NAMES, Criterion, Verdict, matched_colors
from pages.datasets.formatting import number, plain
from pages.figures import plots
from pages.figures.markup import table
from pages.figures.plots import CHART
from pages.figures.thumbnails import as_html, thumbnail
from pages.ui.navigation import open_in_watch
from pages.ui.placing import plane_of
from pages.ui.widgets import session_cache

TEXTS = {
    "elbow": "The loss of the best run with each K, which falls with every cluster more; the mark is the point farthest below "
    "the dotted chord. Weak evidence: there always is such a point, and it moves with the largest K.",
    "silhouette": "How much nearer points are to their own cluster than to the next, on average. Misleads where groups are "
    "long or of unequal spread: it likes round ones.",
    "gap": "How much tighter the clusters are than those of uniform noise in the same box, with its error; the smallest K "
    "whose gap is not clearly below the next. Misleads where there are groups within groups, or long ones.",
    "calinski_harabasz": "Variance between clusters over variance within, each by its degrees of freedom. Misleads where "
    "groups are not round, or of unequal size.",
    "davies_bouldin": "How alike each cluster is to the one most like it, on average: less is better. Misleads as it looks at "
    "means and mean distances only, and one bad pair counts much.",
    "stability": "Whether two random subsamples come to the same clusters (adjusted Rand index; each dot is a pair). Misleads "
    "because a wrong K can be stable too, as a square is cut into four the same way each time.",
}
INFORMATION_TEXT = (
    "BIC, ICL and AIC weigh the likelihood of a mixture against its number of parameters; less is better. BIC asks for a good "
    "density and may take several components for one group that is not Gaussian; ICL asks for components that are apart; AIC "
    "asks for too many."
)


def show(verdict: Verdict) -> None:
    st.subheader(plain(verdict.headline))
    rows = [
        [criterion.name, criterion.choice if criterion.evidence else "1", plain_words(name, criterion)]
        for name, criterion in verdict.criteria.items()
    ]
    st.html(table(["Criterion", "Prefers K =", "How clearly"], rows, "What each criterion prefers", row_headers=True))
    st.caption(
        "The gray bands are the same criteria on sets of uniform noise of the same extent: what is no better than these "
        "counts as one cluster, and its mark is open. The elbow and AIC have no vote."
        if verdict.noise
        else "There is no noise to compare these data with, so fixed limits count: a silhouette of 0.25, an agreement of 0.8."
    )
    drawn = [name for name in TEXTS if name in verdict.criteria]
    for begin in range(0, len(drawn), 3):
        for place, name in zip(st.columns(3, gap="medium"), drawn[begin : begin + 3], strict=False):
            with place:
                criterion = verdict.criteria[name]
                st.markdown(f"**{NAMES[name]}**")
                figure = sweep_figures.elbow(criterion) if name == "elbow" else sweep_figures.curve(criterion)
                st.plotly_chart(figure, key=f"curve {name}", alt=f"{NAMES[name]} over K; {criterion.clarity}.", **CHART)
                st.caption(TEXTS[name])
    if verdict.information:
        show_information(verdict)
    show_best_runs(verdict)


def plain_words(name: str, criterion: Criterion) -> str:
    return criterion.clarity if criterion.evidence or name == "gap" else f"K = {criterion.choice} is {criterion.clarity}"


def show_information(verdict: Verdict) -> None:
    view = verdict.sweep.view
    model = f"{view.model_option.label.lower()} model"
    st.markdown(f"**BIC, ICL and AIC**, by number of {view.traits.cluster}s and {model}")
    figure = sweep_figures.information_criteria(verdict)
    st.plotly_chart(figure, key="information", alt=f"BIC, ICL and AIC over K and {model}.", **CHART)
    st.caption(INFORMATION_TEXT)


def show_best_runs(verdict: Verdict) -> None:
    sweep = verdict.sweep
    data, settings = sweep.data, sweep.settings
    colors = matched_colors(verdict.best_runs)
    plane = plane_of(data)
    st.subheader("What each K finds")
    st.caption(
        "The best run with each K. A cluster keeps the color that most of its points had before; the one that is left over "
        f"gets a new color.{plots.about_colors(len(verdict.ks))}"
    )
    for begin in range(0, len(verdict.ks), 4):
        shown = list(zip(verdict.best_runs, colors, strict=True))[begin : begin + 4]
        for place, (best, own) in zip(st.columns(4, gap="medium"), shown, strict=False):
            with place:
                name = ("k picture", data.key, settings, best.k, tuple(own.tolist()))
                source = session_cache().get(
                    name, lambda best=best, own=own: thumbnail(data, plane, own[best.labels], best.centers)
                )
                st.html(as_html(source, f"The points in {best.k} clusters."))
                st.button(
                    f"K = {best.k}, loss {number(best.loss)}",
                    key=f"watch {best.k}",
                    icon=":material/play_circle:",
                    help="Watch this run",
                    on_click=open_in_watch,
                    args=(replace(settings, k=best.k, seed=best.seed),),
                )
    if len(verdict.ks) < 2:
        return
    st.markdown("**Where the members go** from each K to the next")
    st.plotly_chart(
        sweep_figures.flow(verdict.best_runs, colors), key="flow", alt="Flow of members from each K to the next.", **CHART
    )
    show_silhouettes(verdict.best_runs, colors, [k for k in verdict.votes if k > 1])


@st.fragment
def show_silhouettes(best_runs: list[BestRun], colors: list, preferred: list[int]) -> None:
    several = [best.k for best in best_runs if best.silhouette is not None]
    if not several:
        return
    begin = next((k for k in preferred if k in several), several[0])
    k = st.select_slider("Silhouettes of K =", several, begin, key=f"silhouettes {several} {begin}") if several[1:] else begin
    best, own = next((best, own) for best, own in zip(best_runs, colors, strict=True) if best.k == k)
    st.plotly_chart(
        sweep_figures.silhouettes(best, own),
        key="silhouettes",
        alt=f"Silhouette widths of all points in {k} clusters, mean {best.silhouette.mean:.2f}.",
        **CHART,
    )
    st.caption(
        f"One line for each of {len(best.silhouette.rows):,} points; the dashed line is the mean, {best.silhouette.mean:.3f}. "
        "A cluster with many short or negative lines is cut through a group or covers two."
    )
