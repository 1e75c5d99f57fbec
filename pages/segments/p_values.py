"""Tests whether two segments differ beyond noise: p-values that account for the clustering, next to the naive ones."""

from dataclasses import replace
from functools import partial

import streamlit as st

from clustering import MeanTest
from pages.datasets.formatting import as_sentence, escape_markdown, format_p_value, format_short
from pages.figures import palette, plots
from pages.figures.markup import Raw, cell, cluster_mark, table
from pages.figures.p_values import p_value_histogram
from pages.runs.mean_tests import (
    CLUSTERS_OF_NOISE,
    LEVEL,
    LITTLE_POWER,
    ROWS_OF_NOISE,
    MeanTests,
    NullTests,
    cautions,
    summary,
    verdict,
)
from pages.runs.profiles import Profiles
from pages.runs.segments import Segments
from pages.ui.charts import show_chart
from pages.ui.progress import run_job
from pages.ui.widgets import PERSISTENT, session_cache


def show(profiles: Profiles) -> None:
    segments = profiles.segments
    key = ("mean tests", *segments.run.key, segments.is_edited)  # names do not matter
    try:
        job = session_cache().get(key, lambda: MeanTests.of(segments))
    except ValueError as error:
        st.info(f"There is no valid p-value here. {escape_markdown(as_sentence(error))}", icon=":material/info:")
        return
    sigma = st.number_input(
        "Noise σ",
        min_value=1e-9,
        value=None,
        format="%g",
        placeholder=f"estimated: {format_short(job.sigma)}",
        key="segments_sigma",
        width=200,
        help="Standard deviation of the noise in each column, in the units of the clustered points. Enter it if it is known, "
        "such as from repeated measurements. The spread within the segments is no substitute: it is smaller than the noise.",
        **PERSISTENT,
    )
    if sigma is not None:
        key = (*key, sigma)
        job = session_cache().get(key, partial(replace, job, sigma=sigma))
    elif job.sigma == 0:
        st.info("Most values equal the median of their column, so σ cannot be estimated: enter it.", icon=":material/info:")
        return
    for text in cautions(segments.data):
        st.warning(escape_markdown(text), icon=":material/warning:")
    rows = len(segments.labels)
    if rows > LITTLE_POWER:
        st.info(
            f"With {rows:,} rows, the test takes so much as given that it has little power: a large p-value says nothing "
            "here.",
            icon=":material/info:",
        )
    job = run_job(plots.token(*key), job)
    if job.results:
        _show_pairs(segments, job, sigma is None)
    _show_noise(segments)


def _show_pairs(segments: Segments, job: MeanTests, estimated: bool) -> None:
    several = len(job.tasks) > 1
    st.markdown(f"**{escape_markdown(summary(job))}**")
    rows = []
    for task, adjusted in zip(job.tasks, job.adjusted, strict=True):
        names = [cluster_mark(segments.ranks[i], segments.names[i]) for i in task]
        found = job.results.get(task)
        if isinstance(found, MeanTest):
            texts = [format_short(found.difference), format_p_value(found.p_value)]
            texts += [_styled(format_p_value(found.naive_p_value), "opacity:.6"), *[format_p_value(adjusted)] * several]
            rows.append([*names, *texts, _styled(verdict(adjusted), "white-space:nowrap")])
        elif found is not None:
            rows.append([*names, *[None] * (3 + several), found])
    headers = ["Segment A", "Segment B", "Distance of means", "p-value", "Naive p-value", *["Adjusted"] * several, "Verdict"]
    st.html(table(headers, rows, "Tests of pairs of segments", True))
    st.caption(_explanation(segments, job, estimated))


def _styled(text: str, style: str) -> Raw:
    return Raw(f"<span style='{style}'>{cell(text)}</span>")


def _explanation(segments: Segments, job: MeanTests, estimated: bool) -> str:
    view = segments.run.view
    parts = [
        "The naive p-value treats the segments as if they had been known before. But the algorithm chose them to be far "
        "apart, so it is tiny even for pure noise.",
        f"The p-value accounts for that: among data sets in which {view.mean_test_condition}, how often are two means at "
        "least this far apart if they are truly equal?",
        "\n\nModel: each row has its own true mean, to which independent Gaussian noise is added, with the same standard "
        "deviation σ in all columns.",
    ]
    if estimated:
        parts.append(
            f"σ is estimated as {format_short(job.sigma)}, from the median absolute deviation from the column medians. Groups "
            "that are far apart make this estimate too large, and with it the p-values; with a few dozen rows, an estimated σ "
            "makes p-values slightly too small."
        )
    chosen = "The columns, K and the random seed" if view.traits.random else "The columns and K"
    parts.append(f"{chosen} must not have been chosen by looking at the result.")
    if len(job.tasks) > 1:
        parts.append(
            f"Adjusted: by Holm's method for {len(job.tasks)} pairs, so that a wrong verdict “{verdict(0)}” for any of them "
            f"has a probability of at most {LEVEL:.0%}."
        )
    return " ".join(parts)


def _show_noise(segments: Segments) -> None:
    settings = segments.run.settings
    if not st.toggle("What would noise give?", key="segments_noise_p_values", **PERSISTENT):
        return
    key = ("null tests", settings.method, settings.options)
    job = session_cache().get(key, lambda: NullTests(settings))
    job = run_job(plots.token(*key), job)
    if not job.results:
        return
    selective, naive = job.p_values
    columns = st.columns(2, gap="medium")
    for column, title, p_values, color in zip(
        columns,
        ("p-value that accounts for the clustering", "Naive p-value"),
        (selective, naive),
        (palette.CURVE, palette.NEUTRAL),
        strict=True,
    ):
        below = f"{(p_values < LEVEL).mean():.0%} below {LEVEL:g}"
        with column:
            st.markdown(f"**{title}: {below}**")
            show_chart(p_value_histogram(p_values, color), key=f"noise {title}", alt=f"Histogram of p-values: {below}.")
    st.caption(
        f"{len(selective):,} simulated data sets of {ROWS_OF_NOISE} rows without any groups, each split into "
        f"{CLUSTERS_OF_NOISE} clusters by {segments.run.view.title_in_sentence}, and two of them tested. σ is known here, not "
        "estimated. A valid p-value is uniform: all bars are about as high as the dashed line."
    )
