"""Sections of the Breaking points page: settings, sentences, the curves, and the table."""

from collections.abc import Sequence

import streamlit as st

from pages.breaking_points import figures
from pages.breaking_points.study import BAND, DEFORMATIONS, GROUPS, SAMPLE, Deformation, RemainingCases, ScoreCurve, Study
from pages.datasets.formatting import escape_markdown, minus_signs, pluralize
from pages.datasets.limits import MAX_PANELS
from pages.figures import plots
from pages.figures.markup import mark, table
from pages.methods import method, methods_for_points
from pages.methods.traits import COMPARE
from pages.runs.random_starts import BEST_OF
from pages.ui.charts import show_chart
from pages.ui.navigation import open_sample_in_comparison
from pages.ui.widgets import IN_LINK, PANEL_DEFAULTS

SIZES = (100, 200, 500)
REPEATS = (3, 50)
"""smallest and largest number of data sets for each value"""


def choose() -> tuple[Deformation, list[str], int, int, int, float]:
    """Choose the deformation, methods, points, data sets for each value, their first seed, and the threshold."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        deformation = DEFORMATIONS[st.selectbox("Deformation", list(DEFORMATIONS), key="deformation", width=175, **IN_LINK)]
        n = int(st.selectbox("Points", SIZES, 1, key="breaking_n", width=110, **IN_LINK))
        help = "Data sets for each value of the deformation. The band shows how the scores vary between them."
        repeats = int(st.number_input("Data sets", *REPEATS, 10, key="repeats", width=128, help=help, **IN_LINK))
        seed = int(st.number_input("Random seed (data)", 0, 10_000, 0, key="breaking_seed", width=150, **IN_LINK))
        help = "A method fails where its mean adjusted Rand index falls below this value."
        threshold = float(
            st.number_input("Fails below", 0.05, 0.95, 0.8, 0.05, key="threshold", width=128, help=help, **IN_LINK)
        )
    names = list(methods_for_points(COMPARE))
    default = list(dict.fromkeys(name for name, _ in PANEL_DEFAULTS))
    titles = {name: view.title for name, view in methods_for_points(COMPARE).items()}
    chosen = st.multiselect("Algorithms", names, default, format_func=titles.get, key="breaking_methods", **IN_LINK)
    return deformation, chosen, n, repeats, seed, threshold


def show(study: Study, names: Sequence[str], repeats: int, threshold: float, limits: ScoreCurve) -> None:
    """Show where each method fails, once the first runs have finished."""
    curves = study.curves(names, repeats)
    if not curves:
        return
    deformation = study.deformation
    missing = {case.method for case in RemainingCases.of(study, names, repeats).tasks}
    st.markdown("  \n".join(sentence(curve, threshold, curve.method in missing) for curve in curves))
    # a new key after each click, so that the selection is not repeated on return to this page
    key = f"curves {plots.token(deformation.title, study.n, study.seed, names, repeats)} {st.session_state.get('opened', 0)}"

    def on_select():
        points = st.session_state[key]["selection"]["points"]
        if selected := [point["customdata"] for point in points if "customdata" in point]:
            open_case(study, *selected[0], names)

    figure = figures.scores_by_deformation(deformation, curves, limits, threshold)
    show_chart(figure, key=key, on_select=on_select, selection_mode="points", alt="Scores of the algorithms by deformation.")
    st.caption(
        f"Adjusted Rand index relative to the true groups: mean over the data sets; band: {100 * BAND[0]:.0f}th to "
        f"{100 * BAND[1]:.0f}th percentile. Dashed: the Bayes classifier (true parameters), which has the lowest expected "
        f"error rate. K is {GROUPS} where it is needed; other options have their defaults; of {BEST_OF} random starts, the "
        "best is used. Simulated noise is not scored; other points that an algorithm calls noise count as one cluster. "
        "Click a point to open a typical data set with this value on the Compare page."
    )
    choose_case(study, curves, names)
    show_table(curves, threshold)
    errors = {outcome.error for case, outcome in list(study.finished.items()) if outcome.error and case.method in names}
    for error in sorted(errors):
        st.warning(escape_markdown(f"Some runs stopped with an error: {error}"), icon=":material/warning:")


def sentence(curve: ScoreCurve, threshold: float, some_missing: bool) -> str:
    """Where a method fails, in words; `some_missing` is whether some of its runs have not finished."""
    title, point, deformation = escape_markdown(method(curve.method).title), curve.breaking_point(threshold), curve.deformation
    if point is None:
        return f"**{title}** does not fail at any value tested{' so far' if some_missing else ''}."
    if point == curve.values[0]:
        return f"**{title}** already fails {deformation.place.format(f'{point:g}')}."
    if some_missing or curve.recovers(threshold):
        return f"**{title}** first fails {deformation.place.format(deformation.text_of(point))}."
    direction = "less" if deformation.is_descending else "more"
    return f"**{title}** fails {deformation.place.format(f'{deformation.text_of(point)} or {direction}')}."


def open_case(study: Study, value: float, name: str, names: Sequence[str]) -> None:
    """Callback: open a data set with this value on the Compare page, with this method and the others."""
    others = [other for other in names if other != name]
    chosen = [name, *others, *(other for other in methods_for_points(COMPARE) if other not in names)]
    count = min(max(len(names), 2), MAX_PANELS)
    seed = study.seed + study.typical(value, name)
    open_sample_in_comparison(SAMPLE, study.n, seed, {study.deformation.setting: value}, GROUPS, chosen[:count])


def choose_case(study: Study, curves: Sequence[ScoreCurve], names: Sequence[str]) -> None:
    """Choose a case without a click in the figure."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        values = list(curves[0].values)
        value = st.selectbox(
            study.deformation.axis.capitalize(), values, len(values) - 1, format_func=lambda x: f"{x:g}", width=330
        )
        shown = [curve.method for curve in curves if value in curve.scores]
        name = st.selectbox("Algorithm", shown, format_func=lambda name: method(name).title, width=220)
        arguments = study, value, name, list(names)
        st.button("Open in Compare", icon=":material/view_column:", on_click=open_case, args=arguments)


def show_table(curves: Sequence[ScoreCurve], threshold: float) -> None:
    """Show the breaking points and all mean scores."""
    deformation = curves[0].deformation
    rows = []
    for curve in curves:
        point = curve.breaking_point(threshold)
        means = dict(zip(curve.values, curve.means, strict=True))
        rows.append(
            [
                mark("●", figures.color_of_method(curve.method), method(curve.method).title),
                "none" if point is None else deformation.text_of(point),
                *(minus_signs(f"{means[value]:.2f}") if value in means else "" for value in deformation.values),
            ]
        )
    headers = ["Algorithm", "Breaking point", *(f"{value:g}" for value in deformation.values)]
    st.html(table(headers, rows, "Mean scores by deformation", row_headers=True))
    fewest = min(len(scores) for curve in curves for scores in curve.scores.values())
    most = max(len(scores) for curve in curves for scores in curve.scores.values())
    count = pluralize(most, "data set") if fewest == most else f"{fewest} to {pluralize(most, 'data set')}"
    st.caption(
        f"Columns: {deformation.axis}. Mean adjusted Rand index over {count}. The breaking point is interpolated between the "
        f"values{' and rounded up' if deformation.is_whole else ''}."
    )
