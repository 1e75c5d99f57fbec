"""The first page of the report: headline, segments, quality, and the paragraph about method and settings."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from clustering import adjusted_rand_index
from pages.datasets import catalog, cleaning
from pages.datasets.cleaning import SCALINGS, Preparation
from pages.datasets.matrices import matrix_data
from pages.export.segment_report import (
    SCALING_SENTENCES,
    headline,
    linked,
    method_and_settings,
    quality,
    segment_blocks,
)
from pages.methods import base, settings
from pages.runs.cache import RecentCache
from pages.runs.profiles import Profiles
from pages.runs.run import make_run
from pages.runs.segments import Edit, segments_of

N = 90
RNG = np.random.default_rng(2)
GROUP = np.arange(N) % 3
TABLE = pd.DataFrame(
    {
        "age": 20.0 + 20 * GROUP + RNG.normal(size=N),
        "<b>income": 10_000.0 * (GROUP == 2) + RNG.normal(size=N),
        "noise": RNG.normal(size=N),
        "plan": np.where(GROUP == 0, "free", "paid"),
        "kind": GROUP,
    }
)


def segments_from(table=TABLE, features=("age", "<b>income"), method="kmeans", k=3, **options):
    options = dict(scaling="standardize") | options
    data = cleaning.prepare(table, "customers.csv", Preparation(features, **options))
    return segments_of(make_run(data, settings(method, k, "k-means++", data=data), RecentCache(), lambda _: None))


def profiles_from(**options):
    return Profiles(segments_from(**options))


def paragraph(segments, pairs=(("Algorithm", "K-means"), ("Clusters (K)", "3"))):
    return method_and_settings(segments, pairs)


def test_the_headline_has_rows_segments_and_the_columns_that_differ_most():
    profiles = profiles_from(label="kind")
    best = sorted(range(len(profiles.variables)), key=lambda j: -profiles.effects[j])
    names = " and ".join([name for j in best if (name := profiles.variables[j].name) != "kind"][:2])
    assert headline(profiles) == f"90 rows of customers.csv fall into 3 segments; they differ most in {names}."


def test_the_headline_does_not_name_true_labels():
    data = catalog.draw_sample("round", 60, 0, {})
    run = make_run(data, settings("kmeans", 3, "k-means++", data=data), RecentCache(), lambda _: None)
    assert headline(Profiles(segments_of(run))).endswith(("differ most in x1 and x2.", "differ most in x2 and x1."))


def test_the_headline_says_how_many_rows_are_in_no_segment():
    segments = segments_from().edited(Edit("drop", (0,)))
    text = headline(Profiles(segments))
    assert text.startswith("60 of the 90 rows of customers.csv fall into 2 segments; the two differ most in ")


def test_the_headline_of_one_segment_or_of_columns_without_effect_has_no_columns():
    assert headline(profiles_from(k=1)) == "90 rows of customers.csv fall into 1 segment."
    noise = replace(segments_from(), labels=np.arange(N) // 30)
    table = TABLE.assign(**{name: np.resize([1.0, 2.0, 3.0], N) for name in TABLE.columns[:3]}, plan="free", kind=1)
    flat = replace(noise, run=replace(noise.run, data=replace(noise.data, origin=replace(noise.data.origin, table=table))))
    assert headline(Profiles(flat)) == "90 rows of customers.csv fall into 3 segments."


def test_each_segment_has_a_block_with_name_size_sentence_and_pictures():
    segments = segments_from().edited(Edit("rename", (1,), name="<i>Savers & Co"))
    profiles = Profiles(segments)
    text = segment_blocks(profiles)
    blocks = re.findall("<section class='segment'>(.*?)</section>", text)
    assert len(blocks) == 3
    assert "&lt;i&gt;Savers &amp; Co" in blocks[1]
    assert "<i>Savers" not in text
    assert "<b>income" not in text
    for i, block in enumerate(blocks):
        assert "30 rows (33%)" in block
        assert profiles.sentence(i).replace("<b>", "&lt;b&gt;") in block
        largest = [one for one in profiles.differences[i] if abs(one.standardized) >= 0.25][:3]
        assert block.count("class='strip") == len(largest) > 0
    widths = [float(width) for width in re.findall(r"width:([\d.]+)%", re.search("class='shares'.*?</div></div>", text)[0])]
    assert widths == pytest.approx([33.33] * 3)


def test_a_strip_shows_quartiles_and_means_between_the_percentiles_of_all_rows():
    profiles = profiles_from(features=("age",), k=3)
    i = int(np.argmax([TABLE["age"][profiles.segments.labels == i].mean() for i in range(3)]))
    member = profiles.segments.labels == i
    block = re.findall("<section class='segment'>(.*?)</section>", segment_blocks(profiles))[i]
    strip = next(part for part in block.split("<div class='strip") if "<span>age</span>" in part)
    low, high = np.quantile(TABLE["age"], [0.02, 0.98])

    def place(value):
        return pytest.approx(100 * min(max((value - low) / (high - low), 0), 1), abs=0.1)

    left, width = map(float, re.search(r"class='bar' style='left:([\d.]+)%;width:([\d.]+)%", strip).groups())
    first, third = np.quantile(TABLE["age"][member], [0.25, 0.75])
    assert (left, left + width) == (place(first), place(third))
    assert float(re.search(r"class='line' style='left:([\d.]+)%", strip)[1]) == place(TABLE["age"][~member].mean())
    assert float(re.search(r"class='disk' style='left:([\d.]+)%", strip)[1]) == place(TABLE["age"][member].mean())


def test_a_category_shows_its_share_in_the_segment_and_in_all_other_rows():
    profiles = profiles_from()
    free = next(i for i in range(3) if (TABLE["plan"][profiles.segments.labels == i] == "free").all())
    block = re.findall("<section class='segment'>(.*?)</section>", segment_blocks(profiles))[free]
    strip = block.partition("<span>plan = free</span>")[2]
    assert strip.startswith("<div><i class='bar' style='left:0.0%;width:100.0%;")
    assert "class='line' style='left:0.0%'" in strip


def test_quality_has_silhouette_agreement_status_and_warnings():
    segments = segments_from(label="kind")
    text = quality(segments, [], "Segments come back in 95% of resamples.")
    assert (
        f"The mean silhouette is {segments.run.silhouette.mean:.2f}, which a rule of thumb calls a strong structure;" in text
    )
    assert f"the adjusted Rand index is {segments.run.agreement:.3f} (1 = identical" in text
    assert f"the V-measure (normalized mutual information) is {segments.run.known_groups.v_measure:.3f}." in text
    assert "Segments come back in 95% of resamples." in text
    assert f"{segments.run.ending}. There were no warnings." in text
    text = quality(segments, ["Cluster <1> is empty."])
    assert text.endswith("<p class='warning'>Cluster &lt;1&gt; is empty.</p>")
    assert "no warnings" not in text


def test_quality_is_about_the_edited_segments():
    segments = segments_from(label="kind").edited(Edit("merge", (0, 1)))
    text = quality(segments, [])
    assert f"the adjusted Rand index is {adjusted_rand_index(GROUP, segments.labels):.3f}" in text
    assert f"{segments.run.silhouette.mean:.2f}, by" not in text
    assert "silhouette" not in quality(segments.edited(Edit("merge", (0, 1))), [])


def test_the_paragraph_names_every_setting_and_edit():
    segments = segments_from().edited(Edit("merge", (0, 1))).edited(Edit("split", (0,))).edited(Edit("rename", (0,), name="A"))
    text = paragraph(segments, [("Algorithm", "K-means"), ("Clusters (K)", "3"), ("Random seed", "7")])
    assert text.startswith(
        "The segments are the clusters of K-means. It ran with these settings: Clusters (K) = 3, Random seed = 7."
    )
    assert "The segments were then edited by hand: 1 merger, 1 split." in text
    assert "The columns are age and <b>income. Numbers were standardized to mean 0 and standard deviation 1." in text
    assert re.search(r"the package clustering \d+\.\d+\.\d+, Python \d+\.\d+\.\d+, NumPy \d.*, SciPy \d.*\.$", text)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_the_paragraph_names_the_scaling(scaling):
    assert SCALING_SENTENCES[scaling] in paragraph(segments_from(scaling=scaling))


def test_the_paragraph_says_why_rows_are_left_out_and_values_imputed():
    table = TABLE.copy()
    table.loc[:4, "age"] = np.nan
    table.loc[4:5, "<b>income"] = np.nan
    segments = segments_from(table)
    text = paragraph(segments.edited(Edit("drop", (2,))))
    dropped = int((segments.labels == 2).sum())
    assert "6 of 90 rows were dropped because of missing or infinite values." in text
    assert (
        f"Reasons for leaving out rows: dropped by hand ({dropped} rows); missing value in age (4 rows); "
        "missing value in age, <b>income (1 row); missing value in <b>income (1 row)."
    ) in text
    text = paragraph(segments_from(table, missing="median"))
    assert "7 values in 6 of 90 rows were imputed with the column median." in text
    assert "Reasons for leaving out" not in text


def test_many_reasons_and_columns_are_cut_short(monkeypatch):
    table = pd.DataFrame(RNG.normal(size=(60, 25)), columns=[f"c{i}" for i in range(25)])
    for i in range(8):
        table.loc[i, f"c{i}"] = np.nan
    text = paragraph(segments_from(table, features=tuple(table.columns)))
    assert "; other such reasons (4 rows)." in text
    assert "c10, c11 and 13 more." in text


def test_the_paragraph_says_that_a_sample_was_used(monkeypatch):
    monkeypatch.setattr(base, "MAX_POINTS_FOR_PROXIMITIES", 40)
    segments = segments_from(method="kmedoids")
    text = paragraph(segments)
    assert segments.run.note in text
    assert "not in the random sample of 40 points (50 rows)" in text


def test_simulated_points_and_distance_matrices_have_a_first_page():
    points = catalog.draw_sample("three", 30, 0, {})
    matrix = matrix_data(np.abs(np.subtract.outer(np.arange(9.0), np.arange(9.0))), [f"t{i}" for i in range(9)], "Things")
    for data, method in ((points, "mixture"), (matrix, "kmedoids")):
        segments = segments_of(make_run(data, settings(method, 2, data=data), RecentCache(), lambda _: None))
        profiles = Profiles(segments)
        assert f" of {data.title} fall into 2 segments" in headline(profiles)
        assert segment_blocks(profiles).count("<section") == 2
        assert (data.matrix_name or "The columns are x1 and x2.") in paragraph(segments)


def test_segments_without_columns_have_their_most_typical_rows():
    matrix = np.abs(np.subtract.outer(np.array([0.0, 1, 2, 10, 11, 12]), np.array([0.0, 1, 2, 10, 11, 12])))
    data = matrix_data(matrix, list("abcdef"), "Letters")
    segments = segments_of(make_run(data, settings("kmedoids", 2, data=data), RecentCache(), lambda _: None))
    text = segment_blocks(Profiles(segments))
    assert {re.sub("[ac]", "?", one) for one in re.findall("Most typical: (.*?)</p>", text)} == {"b, ?, ?.", "e, d, f."}


def test_gower_distance_has_its_own_scaling():
    segments = segments_from(method="kmedoids", features=("age", "plan"))
    gower = segments.run.settings.with_options(metric="gower")
    run = make_run(segments.data, gower, RecentCache(), lambda _: None)
    text = paragraph(segments_of(run))
    assert "Gower distance divides each number by the range of its column." in text
    assert "standardized" not in text


def test_a_link_opens_the_run():
    assert linked("https://a.b/?k=1&n='2'").count("https://a.b/?k=1&amp;n=&#x27;2&#x27;") == 2
    assert linked("There is <no> link.") == "There is &lt;no&gt; link."
