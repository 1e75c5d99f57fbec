"""All rows of a table on the server as points: summarized in one pass, then read in blocks by each run."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from clustering.points import MAX_MAGNITUDE
from pages.datasets.formatting import pluralize
from pages.datasets.server.cluster import cluster_client, computed
from pages.datasets.server.tables import Part, ServerTable, UnreadableTable, numbers_of

SAMPLE_ROWS = 5_000
"""number of rows in memory, for which everything is shown that is shown per point"""
GROUP = 8
"""number of summaries that one task combines"""


@dataclass(frozen=True, eq=False)
class AllRows:
    """The complete rows of a table on the server, scaled."""

    name: str
    """name of the table"""
    parts: tuple[Part, ...]
    """parts with at least one complete row"""
    counts: tuple[int, ...]
    """number of complete rows of each part"""
    columns: tuple[str, ...]
    """names of the d columns in the table"""
    shift: np.ndarray
    """(d,)"""
    scale: np.ndarray
    """(d,) a point is (row - shift) / scale"""

    @property
    def n(self) -> int:
        """Number of points."""
        return sum(self.counts)

    def submit(self) -> list:
        """Futures of the blocks of points, arrays (count, d)."""
        client = cluster_client()
        arguments = list(self.columns), self.name
        scaling = self.shift, self.scale
        return [
            client.submit(read_points, part, *arguments, count, scaling, pure=False)
            for part, count in zip(self.parts, self.counts, strict=True)
        ]

    def array(self):
        """(n, d) Dask array with one block per part. Raises UnreadableTable if the cluster does not answer."""
        cluster_client()
        import dask
        import dask.array

        scaling = dask.delayed((self.shift, self.scale), pure=False)
        blocks = [
            dask.array.from_delayed(
                dask.delayed(read_points, pure=False)(part, list(self.columns), self.name, count, scaling),
                (count, len(self.columns)),
                float,
            )
            for part, count in zip(self.parts, self.counts, strict=True)
        ]
        return dask.array.concatenate(blocks)


class Summary(NamedTuple):
    """What is known about the rows of some parts after reading them."""

    rows: tuple[int, ...]
    """number of rows of each part"""
    complete: tuple[int, ...]
    """number of complete rows of each part"""
    values: np.ndarray
    """(d,) number of values of each column that are neither missing nor infinite"""
    mean: np.ndarray
    """(d,) mean of the complete rows, to which all following fields refer"""
    squares: np.ndarray
    """(d,) sum of the squared deviations from the mean"""
    low: np.ndarray
    high: np.ndarray
    keys: np.ndarray
    """(s,) sorted random numbers; the rows with the smallest numbers are the sample"""
    sample: np.ndarray
    """(s, d) rows of the sample"""
    labels: np.ndarray
    """(s,) their values in the column of true labels; empty strings without such a column"""
    places: np.ndarray
    """(s, 2) their part, and their position in it"""


def summarize(
    table: ServerTable, columns: list[str], label: str | None, on_progress: Callable[[float], None]
) -> tuple[Summary, list[Part]]:
    """Read all rows of a table once, on the cluster.

    Raises UnreadableTable as in `computed`, or if the table has fewer than two complete rows or too large values.
    """
    wanted = columns + [label] * (label is not None and label not in columns)
    client = cluster_client()
    parts = computed([], client.submit(table.parts, wanted, pure=False), on_progress)
    if not parts:
        raise UnreadableTable(f"The table “{table.name}” has no rows. Choose another table.")
    leaves = [client.submit(_summary, part, i, columns, label, table.name, pure=False) for i, part in enumerate(parts)]
    nodes = leaves
    while len(nodes) > 1:
        nodes = [client.submit(_combined, nodes[i : i + GROUP], pure=False) for i in range(0, len(nodes), GROUP)]
    summary = computed(leaves, nodes[0], on_progress)
    complete = sum(summary.complete)
    if complete < 2:
        raise UnreadableTable(
            f"The table “{table.name}” has {complete} of {sum(summary.rows):,} rows with a value in each of these columns, "
            f"but clustering needs at least two. The column “{columns[summary.values.argmin()]}” has "
            f"{pluralize(int(summary.values.min()), 'value')}. Choose other columns."
        )
    if max(summary.high.max(), -summary.low.min()) > MAX_MAGNITUDE / 1e6:
        raise UnreadableTable(f"The table “{table.name}” has too large values in these columns. Choose other columns.")
    return summary, parts


def read_points(part: Part, columns: list[str], name: str, count: int, scaling: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """(count, d) scaled complete rows of a part; raises UnreadableTable if there is another number of them."""
    numbers, kept = _complete_rows(numbers_of(part.read(columns), columns, name))
    if len(kept) != count:
        raise UnreadableTable(f"The table “{name}” has changed since it was opened. Choose it again.")
    shift, scale = scaling
    return (numbers - shift) / scale


def _complete_rows(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(m, d) rows without a gap, and their positions (m,)."""
    kept = np.flatnonzero(~np.isnan(numbers).any(axis=1))
    return (numbers if len(kept) == len(numbers) else numbers[kept]), kept


def _summary(part: Part, number: int, columns: list[str], label: str | None, name: str) -> Summary:
    frame = part.read(columns + [label] * (label is not None and label not in columns))
    numbers = numbers_of(frame, columns, name)
    values = (~np.isnan(numbers)).sum(axis=0)
    numbers, kept = _complete_rows(numbers)
    keys = np.random.default_rng([SAMPLE_ROWS, number]).random(len(kept))
    chosen = np.argsort(keys)[:SAMPLE_ROWS]
    mean = numbers.mean(axis=0) if len(kept) else np.zeros(len(columns))
    labels = np.full(len(chosen), "", dtype=object)
    if label is not None:
        values = frame[label].iloc[kept[chosen]]
        labels = np.where(values.isna(), "", values.astype(str)).astype(object)
    return Summary(
        (len(frame),),
        (len(kept),),
        values,
        mean,
        np.square(numbers - mean).sum(axis=0),
        numbers.min(axis=0, initial=np.inf),
        numbers.max(axis=0, initial=-np.inf),
        keys[chosen],
        numbers[chosen],
        labels,
        np.column_stack([np.full(len(chosen), number), kept[chosen]]),
    )


def _combined(summaries: list[Summary]) -> Summary:
    total = summaries[0]
    for other in summaries[1:]:
        n, m = sum(total.complete), sum(other.complete)
        step, share = other.mean - total.mean, m / max(n + m, 1)
        keys = np.concatenate([total.keys, other.keys])
        chosen = np.argsort(keys, kind="stable")[:SAMPLE_ROWS]
        total = Summary(
            total.rows + other.rows,
            total.complete + other.complete,
            total.values + other.values,
            total.mean + share * step,
            total.squares + other.squares + n * share * step**2,
            np.minimum(total.low, other.low),
            np.maximum(total.high, other.high),
            keys[chosen],
            *(np.concatenate(pair)[chosen] for pair in zip(total[8:], other[8:], strict=True)),
        )
    return total


def summary_key(summary: Summary, *settings) -> str:
    """A key computed from everything that is known about the rows."""
    digest = hashlib.sha256(repr((settings, summary.complete, summary.labels.tolist())).encode())
    for array in (summary.mean, summary.squares, summary.sample, summary.places):
        digest.update(np.ascontiguousarray(array))
    return f"server/{digest.hexdigest()[:24]}"
