"""Warnings about a run, such as an empty cluster, each with an explanation and a remedy.

A notice is not an error: the run continues with finite values.
"""

from typing import NamedTuple

EMPTY_CLUSTER = "empty cluster"
COLLAPSING_COMPONENT = "collapsing component"
IDENTICAL_POINTS = "identical points"
FEWER_DISTINCT_POINTS = "fewer distinct points than K"
ITERATION_LIMIT = "iteration limit"
LOSS_ROSE = "loss rose"
INVERSION = "inversion"
NO_CLUSTER = "no cluster"


class Notice(NamedTuple):
    """A warning about a state."""

    name: str
    """kind of notice, such as `EMPTY_CLUSTER`"""
    text: str
    """what happened and what to do about it; `{who}` is replaced with the names of the affected clusters"""
    clusters: tuple[int, ...] = ()
    """numbers of the affected clusters, from 0"""
    noun: str = "Cluster"
    """what the method calls a cluster, such as "Component\""""

    @property
    def sentence(self) -> str:
        """The text with cluster numbers counted from 1."""
        return self.message({cluster: cluster + 1 for cluster in self.clusters})

    def message(self, numbers) -> str:
        """The text with the clusters numbered as in the display: `numbers[cluster]` for each."""
        who = sorted(numbers[cluster] for cluster in self.clusters)
        if len(who) > 6:
            who[4:] = [f"{len(who) - 4} others"]
        names = ", ".join(map(str, who[:-1])) + " and " * (len(who) > 1) + "".join(map(str, who[-1:]))
        return self.text.replace("{who}", f"{self.noun}{'s' * (len(who) > 1)} {names}")


def few_distinct_notices(distinct: int, k: int) -> tuple[Notice, ...]:
    """Notice about fewer than k distinct points, or an empty tuple."""
    if distinct >= k:
        return ()
    if distinct == 1:
        return (
            Notice(
                IDENTICAL_POINTS,
                f"All points are identical, so the {k} clusters cannot be distinguished. Choose K = 1.",
            ),
        )
    return (
        Notice(
            FEWER_DISTINCT_POINTS,
            f"There are only {distinct} distinct points for {k} clusters, so some clusters are empty or coincide. "
            f"Choose K = {distinct} or less.",
        ),
    )
