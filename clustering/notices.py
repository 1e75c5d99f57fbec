"""What can go wrong, or at least strangely, in a run: each case has a name and a plain sentence with a remedy.

A notice is not an error. The run goes on, its numbers are finite, and a page can show the sentence as it is.
"""

from typing import NamedTuple

EMPTY_CLUSTER = "empty cluster"
COLLAPSING_COMPONENT = "collapsing component"
IDENTICAL_POINTS = "identical points"
FEWER_DISTINCT_POINTS = "fewer distinct points than K"
ITERATION_LIMIT = "iteration limit"
LOSS_ROSE = "loss rose"
INVERSION = "inversion"


class Notice(NamedTuple):
    name: str
    """one of the constants of this module"""
    text: str
    """what happened and what to do about it, in plain words; `{who}` stands for the clusters that it happened to"""
    clusters: tuple[int, ...] = ()
    """numbers of these clusters, from 0"""
    noun: str = "Cluster"

    @property
    def sentence(self) -> str:
        """The text with clusters counted from one."""
        return self.message({cluster: cluster + 1 for cluster in self.clusters})

    def message(self, numbers) -> str:
        """The text, where `numbers[cluster]` is what a cluster is called."""
        who = sorted(numbers[cluster] for cluster in self.clusters)
        if len(who) > 6:
            who[4:] = [f"{len(who) - 4} others"]
        names = ", ".join(map(str, who[:-1])) + " and " * (len(who) > 1) + "".join(map(str, who[-1:]))
        return self.text.replace("{who}", f"{self.noun}{'s' * (len(who) > 1)} {names}")


def few_distinct_notices(distinct: int, k: int) -> tuple[Notice, ...]:
    """The notice that `distinct` different points call for when k clusters are asked of them, if any."""
    if distinct >= k:
        return ()
    if distinct == 1:
        return (
            Notice(
                IDENTICAL_POINTS,
                f"All points are identical, so only one of the {k} clusters can be told from the others: choose K = 1.",
            ),
        )
    return (
        Notice(
            FEWER_DISTINCT_POINTS,
            f"There are only {distinct} distinct points for {k} clusters, so some clusters stay empty or share a place: "
            f"choose K = {distinct} or less.",
        ),
    )
