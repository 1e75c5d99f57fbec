"""Notices about a radius with which hardly any point, or nearly every point, is a core point."""

from clustering.notices import Notice

FEW, NEARLY_ALL = 0.02, 0.98
"""shares of core points below and above which there is a notice; above, only if there is a single cluster"""
MANY = 0.25
"""number of clusters, as a share of the points, above which there is a notice"""
FEW_CORE_POINTS = "few core points"
MANY_CORE_POINTS = "many core points"
MANY_CLUSTERS = "many clusters"


def core_point_notices(core: int, n: int, k: int, radius: str) -> tuple[Notice, ...]:
    """Notice about settings that find hardly any structure, or an empty tuple.

    Parameters
    ----------
    core : number of core points
    n : number of points
    k : number of clusters
    radius : what the radius is called
    """
    advice = f"Choose a larger {radius} or fewer min points."
    if not core:
        return (Notice(FEW_CORE_POINTS, f"None of {n:,} points is a core point, so all points are noise. {advice}"),)
    if core < FEW * n:
        text = f"Only {core:,} of {n:,} points are core points, so nearly all points are noise. {advice}"
        return (Notice(FEW_CORE_POINTS, text),)
    if k > MANY * n and k > 1:
        text = f"There are {k:,} clusters for {n:,} points. Choose a larger {radius} or more min points."
        return (Notice(MANY_CLUSTERS, text),)
    if core > NEARLY_ALL * n and k == 1:
        text = (
            f"{core:,} of {n:,} points are core points of a single cluster. Choose a smaller {radius} or more min points, "
            "unless there is indeed only one cluster."
        )
        return (Notice(MANY_CORE_POINTS, text),)
    return ()
