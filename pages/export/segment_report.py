"""The first page of the report of a run: its segments for readers who do not know the method, and a paragraph about it."""

import platform
import tomllib
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from clustering import weighted_quantiles
from pages.datasets.formatting import minus_signs, pluralize
from pages.export.segment_files import reasons
from pages.figures import palette
from pages.figures.markup import Raw, cell, cluster_mark
from pages.runs.known_groups import NOISE_IS_A_GROUP, KnownGroups
from pages.runs.profiles import MAX_PARTS, MIN_DIFFERENCE, Difference, Profiles
from pages.runs.run import silhouette_of, silhouette_points
from pages.runs.segments import TRUE_LABEL, Segments

MIN_EFFECT = 0.1
"""smallest effect of a column that the headline mentions"""
MAX_NAMES = 12
"""maximum number of columns that are named"""
MAX_REASONS = 4
"""maximum number of reasons for leaving out rows that are named"""
STRUCTURES = (
    (0.7, "a strong structure"),
    (0.5, "a reasonable structure"),
    (0.25, "a weak structure that could be artificial"),
    (-np.inf, "no substantial structure"),
)
"""what a mean silhouette above each threshold stands for, by Kaufman and Rousseeuw (1990, doi 10.1002/9780470316801)"""
SCALING_SENTENCES = {
    "none": "They were not scaled.",
    "standardize": "Numbers were standardized to mean 0 and standard deviation 1.",
    "range": "Numbers were scaled to the range from 0 to 1.",
    "robust": "Numbers were scaled to median 0 and interquartile range 1.",
}
STRIP_NOTES = {
    "strip": "Strips run from the 2nd to the 98th percentile of all rows: the disk is the mean of the segment, the colored "
    "bar its middle half, and the vertical line the mean of all other rows.",
    "strip share": "For categories, strips run from 0 to 100%: the colored bar is the share in the segment, the vertical line "
    "the share in all other rows.",
}
"""what the strips of columns show, by class"""
EDIT_NOUNS = {"merge": "merger", "split": "split", "move": "move", "create": "new segment", "drop": "dropped segment"}
PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def headline(profiles: Profiles) -> str:
    """One sentence: how many rows fall into how many segments, and in which columns other than true labels they differ."""
    segments = profiles.segments
    inside = int((segments.labels >= 0).sum())
    verb = "falls" if inside == 1 else "fall"
    text = f"{_rows_of(segments, inside)} {verb} into {pluralize(segments.k, 'segment')}"
    known = (TRUE_LABEL, segments.data.label_name)
    ranked = [j for j in profiles.ranked if profiles.variables[j].name not in known]
    names = [profiles.variables[j].name for j in ranked[:2] if profiles.effects[j] >= MIN_EFFECT]
    if segments.k > 1 and names:
        text += f"; {'they differ' if segments.k > 2 else 'the two differ'} most in {_listed(names)}"
    return f"{text}."


def _rows_of(segments: Segments, inside: int) -> str:
    """The rows in segments, such as "1,715 rows of customers.csv" or "90 of the 100 points of Three Gaussians"."""
    data, n = segments.data, len(segments.labels)
    if data.all_rows is not None:
        return f"{inside:,} rows of {data.title}, from a random sample of {n:,} of its {data.n:,} rows,"
    if inside < n:
        return f"{inside:,} of the {pluralize(n, data.noun)} of {data.title}"
    return f"{pluralize(n, data.noun)} of {data.title}"


def _listed(names: Sequence[str]) -> str:
    """The names as an enumeration: "a, b and c", of at most `MAX_NAMES`."""
    if len(names) > MAX_NAMES:
        names = [*names[:MAX_NAMES], f"{len(names) - MAX_NAMES:,} more"]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def segment_blocks(profiles: Profiles) -> str:
    """A bar of the shares of all segments, and a block for each: name, size, sentence, and strips of its differences."""
    segments = profiles.segments
    colors = [palette.color_of(rank) for rank in segments.ranks]
    shares = segments.sizes / segments.total
    bar = "".join(
        f"<div style='width:{100 * share:.2f}%;background:{color}'></div>" for share, color in zip(shares, colors, strict=True)
    )
    if (segments.labels < 0).any():
        bar += f"<div style='width:{100 * (1 - shares.sum()):.2f}%;background:{palette.NEUTRAL}'></div>"
    blocks = "".join(_block(profiles, i, shares[i], colors[i]) for i in range(segments.k))
    notes = [text for kind, text in STRIP_NOTES.items() if f"class='{kind}'" in blocks]
    legend = f"<p class='note'>{' '.join(notes)}</p>" if notes else ""
    return f"<div class='shares' aria-hidden='true'>{bar}</div><div class='segments'>{blocks}</div>{legend}"


def _block(profiles: Profiles, i: int, share: float, color: str) -> str:
    segments = profiles.segments
    largest = [one for one in profiles.differences[i] if abs(one.standardized) >= MIN_DIFFERENCE][:MAX_PARTS]
    strips = "".join(_strip(one, segments.labels == i, color, segments.frequencies) for one in largest)
    size = f"{segments.amount_text(segments.sizes[i])} ({share:.0%})"
    return (
        f"<section class='segment'><h3>{cluster_mark(segments.ranks[i], segments.names[i])} "
        f"<small>{cell(size)}</small></h3><p>{cell(_sentence(profiles, i))}</p>{strips}</section>"
    )


def _sentence(profiles: Profiles, i: int) -> str:
    """What sets a segment apart; its most typical rows if there are no columns, as for a distance matrix."""
    segments = profiles.segments
    if profiles.variables or not segments.sizes[i]:
        return profiles.sentence(i)
    return f"Most typical: {', '.join(segments.data.names_of(segments.typical_rows(i, MAX_PARTS)))}."


def _strip(difference: Difference, member: np.ndarray, color: str, weights: np.ndarray | None) -> str:
    """The values of a segment on a line, next to those of all other rows; its text alternative is the sentence above it."""
    if difference.category:
        name = f"{difference.variable.name} = {difference.category}"
        kind, bar, line, disk = "strip share", (0.0, difference.inside), difference.outside, ""
    else:
        name, values = difference.variable.name, difference.variable.values
        known = ~np.isnan(values) & (True if weights is None else weights > 0)
        parts = [(values[rows], None if weights is None else weights[rows]) for rows in (known, known & member)]
        (low, high), ends = (
            weighted_quantiles(part, shares, own)
            for (part, own), shares in zip(parts, ([0.02, 0.98], [0.25, 0.75]), strict=True)
        )
        *bar, line, center = np.clip(
            (np.array([*ends, difference.outside, difference.inside]) - low) / (high - low or 1), 0, 1
        )
        kind, disk = "strip", f"<i class='disk' style='left:{100 * center:.1f}%;background:{color}'></i>"
    left, right = bar
    return (
        f"<div class='{kind}' aria-hidden='true'><span>{cell(name)}</span><div>"
        f"<i class='bar' style='left:{100 * left:.1f}%;width:{100 * (right - left):.1f}%;background:{color}'></i>"
        f"<i class='line' style='left:{100 * line:.1f}%'></i>{disk}</div></div>"
    )


def quality(segments: Segments, notices: Sequence[str], stability: str = "") -> str:
    """Paragraphs about the quality of the segments: silhouette, stability, agreement with true labels, status and warnings."""
    run = segments.run
    sentences = [_silhouette(segments), stability, _agreement(segments), f"{run.ending}."]
    sentences.append("There were no warnings." if not notices else "")
    warnings = "".join(f"<p class='warning'>{cell(notice)}</p>" for notice in notices)
    return f"<p>{cell(' '.join(filter(None, sentences)))}</p>{warnings}"


def _silhouette(segments: Segments) -> str:
    run = segments.run
    width = silhouette_of(run.data, segments.labels, run.view.matrix_metric(run.settings), segments.frequencies)
    if width is None:
        return ""
    structure = next(name for threshold, name in STRUCTURES if width.mean > threshold)
    points = silhouette_points(width, segments.labels, len(segments.labels), run.data.noun, segments.weights)
    sample = f" ({points})" if points else ""
    return (
        f"The mean silhouette is {minus_signs(f'{width.mean:.2f}')}{sample}, which a rule of thumb calls {structure}; 1 "
        "means that the segments are well separated, about 0 that they overlap."
    )


def _agreement(segments: Segments) -> str:
    data = segments.data
    known = KnownGroups.of(data.labels, segments.labels, segments.weights) if data.groups else None
    if known is None:
        return ""
    rand = minus_signs(f"{known.adjusted_rand:.3f}")
    noise = f"; {NOISE_IS_A_GROUP}" if (known.clusters < 0).any() else ""
    return (
        f"Compared with the {data.true_labels_name}, the adjusted Rand index is {rand} (1 = identical, 0 = as expected by "
        f"chance) and the V-measure (normalized mutual information) is {known.v_measure:.3f}{noise}."
    )


def method_and_settings(segments: Segments, settings: Sequence[tuple[str, str]]) -> str:
    """A paragraph in whole sentences: algorithm, settings, edits, rows, columns, scaling and versions.

    settings : names and values of all settings, of which the first one is the algorithm
    """
    (_, algorithm), *others = settings
    run = segments.run
    sentences = [f"The segments are the {run.view.traits.cluster}s of {algorithm}."]
    if others:
        sentences.append(f"It ran with these settings: {', '.join(f'{name} = {value}' for name, value in others)}.")
    counts = Counter(edit.kind for edit in segments.edits)
    edits = [pluralize(counts[kind], noun) for kind, noun in EDIT_NOUNS.items() if counts[kind]]
    if edits:
        sentences.append(f"The segments were then edited by hand: {', '.join(edits)}.")
    sentences += [*_about_data(segments), _versions()]
    return " ".join(filter(None, sentences))


def _about_data(segments: Segments) -> list[str]:
    """Sentences about rows that were left out, imputed values, columns and scaling."""
    run, data = segments.run, segments.data
    notes = [data.note, run.note]
    found = Counter(reason for reason in reasons(segments).tolist() if reason).most_common()
    if found:
        parts = [f"{reason} ({pluralize(count, data.noun)})" for reason, count in found[:MAX_REASONS]]
        rest = sum(count for _, count in found[MAX_REASONS:])
        parts += [f"other such reasons ({pluralize(rest, data.noun)})"] * bool(rest)
        notes.append(f"Reasons for leaving out {data.noun}s: {'; '.join(parts)}.")
    if data.precomputed is not None:
        return [*notes, f"The data are {data.matrix_name}."]
    if data.origin is not None:
        columns = [*data.origin.numbers, *data.origin.categories]
    else:
        columns = data.columns if data.scaling is None else data.scaling.columns
    scaling = SCALING_SENTENCES["none" if data.scaling is None else data.scaling.name]
    if run.view.matrix_metric(run.settings) == "gower":
        scaling = "Gower distance divides each number by the range of its column."
    return [*notes, f"The columns are {_listed(columns)}." if len(columns) > 1 else f"The column is {columns[0]}.", scaling]


def _versions() -> str:
    packages = ", ".join(f"{name} {version(package)}" for name, package in (("NumPy", "numpy"), ("SciPy", "scipy")))
    own = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["version"]
    return f"Computed with the package clustering {own}, Python {platform.python_version()}, {packages}."


def linked(link: str) -> Raw:
    """A sentence with the address of the run, or the sentence that explains why there is none."""
    if not link.startswith(("http://", "https://")):
        return cell(link)
    return Raw(f"This link opens the run: <a href='{cell(link)}'>{cell(link)}</a>")
