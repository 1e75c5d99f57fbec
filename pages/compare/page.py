"""The race: several runs on the same data, side by side and in step."""

import numpy as np
import streamlit as st

from pages.compare import figures
from pages.compare.agreement import Clustering, disagreement
from pages.compare.comparison import Race, make_race
from pages.compare.scores import Scores, scores
from pages.datasets.data import Data
from pages.datasets.formatting import number, plain
from pages.datasets.planes import Plane
from pages.figures import plots
from pages.figures.markup import Raw, table
from pages.hierarchy import picture as tree_picture
from pages.runs import curves, pictures
from pages.runs.frames import in_step
from pages.ui.data_choice import current
from pages.ui.examples import RACE_EXAMPLES, choose_example
from pages.ui.export_menu import offer
from pages.ui.placing import choose_plane
from pages.ui.player import player
from pages.ui.progress import Progress, share_of
from pages.ui.results import show_notices
from pages.ui.widgets import choose_panel, choose_race, recent

CHART = dict(config={"displayModeBar": False})
HEIGHTS = {2: 380, 3: 310, 4: 280}  # of a picture among so many
MARKERS = 600  # in each picture; above it they are painted, so that several play smoothly
RUNNING = 0.6  # share of the bar that is for the runs; the rest is for their pictures


def lay_out(panels: int) -> list:
    """A place for each panel: in one row, or four in two."""
    if panels < 4:
        return st.columns(panels, gap="medium")
    return [*st.columns(2, gap="medium"), *st.columns(2, gap="medium")]


def show_pictures(race: Race, plane, places, progress: Progress) -> None:
    runs = [run for _, run in race.ran]
    told, left_out = in_step(runs)
    token = plots.token(race.key, plane.names)

    def draw():
        extent = pictures.extent_of(runs, plane)
        drawn_pictures = []
        for i, (run, frames) in enumerate(zip(runs, told, strict=True)):

            def drawn(share, i=i):
                progress.show(RUNNING + (1 - RUNNING) * (i + share) / len(runs), "Drawing the pictures.")

            options = dict(height=HEIGHTS[len(places)], markers=MARKERS, extent=extent)
            if run.settings.algorithm == "tree":
                views = tree_picture.views_of_run(run, frames)
                drawn_pictures.append(tree_picture.picture(run, views, len(views) - 1, plane, token, drawn, **options))
            else:
                drawn_pictures.append(pictures.picture(run, frames, plane, token, drawn, **options))
        titles = [f"{name}: {run.history.method.loss_name}" for name, run in race.ran]
        return drawn_pictures, curves.loss_curves(runs, told, token, titles)

    drawn_pictures, losses = recent().get(("race figures", token), draw)
    drawn_in = [place for place, run in zip(places, race.runs, strict=True) if not isinstance(run, str)]
    keys = [f"race_{i}" for i in range(len(runs))]
    words = [[pictures.described(run, frame) for frame in frames] for run, frames in zip(runs, told, strict=True)]
    for place, key, run, frames, picture, described in zip(drawn_in, keys, runs, told, drawn_pictures, words, strict=True):
        with place:
            with st.container(key=key):
                st.plotly_chart(picture, key=f"picture {key}", alt=described[-1], **plots.SAVED)
            show_notices(run)
            offer(run, picture, frames, key)
    with st.container(key="driver"):
        names = [name for name, _ in race.ran]
        player(plots.token(race.key), token, told, keys, ["race_losses"], names, described=words)
    painted = len(race.data.points) > MARKERS
    st.caption(
        f"All {len(race.data.points):,} points{' of the sample' if race.note else ''} are fitted and drawn"
        + (", as one picture per step: the stronger the colour, the more points." if painted else ".")
        + " The same group has the same colour in every panel."
        + (f" {left_out}" if left_out else "")
        + plots.about_colours(max(run.settings.k for run in runs))
        + f" {plots.about_rings(race.data)}"
    )
    st.subheader("Losses")
    st.caption("Each has its own unit: compare when they fall and when they stop, not how high they are.")
    with st.container(key="race_losses"):
        ends = "; ".join(f"{name} ends at {number(run.history.losses[-1])}" for name, run in race.ran)
        st.plotly_chart(losses, key="losses", alt=f"Loss curves of the panels. {ends}.", **CHART)


def show_scores(race: Race) -> None:
    st.subheader("Scores")
    rows = scores(race)
    known = race.known is not None
    mixtures = any(row.bic is not None for row in rows)
    headers = ["Panel", "Iterations", "Time to converge", "Final loss", "Silhouette"]
    headers += ["Adjusted Rand", "Normalised mutual information"] if known else []
    headers += ["BIC"] if mixtures else []

    def cells(row: Scores) -> list:
        ended = "" if row.converged else " (cut off)"
        return [
            row.name,
            f"{row.iterations:,} merges" if row.of_tree else f"{row.iterations}{ended}",
            f"{1000 * row.seconds:,.2g} ms" if row.seconds < 0.1 else f"{1000 * row.seconds:,.0f} ms",
            Raw(f"{number(row.loss)}<br><small>{row.loss_name}</small>"),
            _rounded(row.silhouette),
            *([_rounded(row.rand), _rounded(row.information)] if known else []),
            *([None if row.bic is None else number(row.bic)] if mixtures else []),
        ]

    st.html(table(headers, [cells(row) for row in rows], "Scores of the panels", row_headers=True))
    sampled = next((width for width in race.silhouettes if width and len(width.rows) < len(race.data.points)), None)
    told = ["Time: E and M steps alone, without start and proximities, on this server."]
    if any(row.of_tree for row in rows):
        told.append("That of a tree is for the whole of it, with its proximities.")
    told.append(
        f"Silhouette, the mean over {'a sample of ' if sampled else 'all '}"
        f"{len(sampled.rows) if sampled else len(race.data.points):,} points, by "
        + ("the proximities" if race.data.given is not None else "Euclidean distance")
        + " in every panel: near 1 is compact and apart, 0 is on the border; none for a single group."
    )
    if known:
        of = "" if (race.data.labels >= 0).all() else ", of the points of which it is known"
        told.append(
            f"Adjusted Rand and mutual information against {race.data.label_name}{of}: 1 is the same groups; for independent "
            "groups the first is about 0."
        )
    if mixtures:
        told.append("BIC: p ln n − 2 ln L, smaller is better; only between mixtures on the same points.")
    st.caption(plain(" ".join(told)))


def _rounded(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f}".replace("-", "−")


@st.fragment
def show_agreement(key: tuple, data: Data, plane: Plane, found: list[Clustering], rand) -> None:
    """How far each two of the clusterings agree. Given no runs, because a fragment keeps what it is given."""
    names = [clustering.name for clustering in found]
    st.subheader("Where they agree, and where not")
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Adjusted Rand index between the panels**")
        rows = [[name, *map(_shaded, rand[i])] for i, name in enumerate(names)]
        numbers = [name.split(".")[0].split()[0] for name in names]
        st.html(table(["", *numbers], rows, "Adjusted Rand index between the panels", row_headers=True))
        a = st.selectbox("Compare", names, 0, key="compared", persist_state="session")
        others = [name for name in names if name != a]
        b = st.selectbox("with", others, key="compared with", persist_state="session")
        pair = disagreement(found[names.index(a)], found[names.index(b)])
        which = plots.token(key, a, b)

        def called(flow) -> str:
            if flow is None:
                return f"All that change group ({pair.count(None):,})"
            i, j = map(figures.group_name, flow)
            return f"{i} by the first, {j} by the second ({pair.count(flow):,})"

        flow = st.selectbox("Highlight", [None, *pair.flows], format_func=called, key=f"highlighted {which}")
    with right:
        st.markdown(f"**{plain(pair.told())}**")

        def clicked():
            picked = st.session_state[f"contingency {which}"]["selection"]["points"]
            flow = tuple(picked[0]["customdata"]) if picked else None
            st.session_state[f"highlighted {which}"] = flow

        st.plotly_chart(
            figures.contingency(pair),
            key=f"contingency {which}",
            on_select=clicked,
            selection_mode="points",
            alt=f"Contingency table of {a} and {b}.",
            **CHART,
        )
        st.caption(
            "Points in each two groups. Click a square to highlight its points; those of a square with a rim change group."
        )
    highlighted = pair.rows(flow)
    if len(highlighted) > plots.MOST_MARKERS:
        some = np.random.default_rng(0).choice(len(highlighted), plots.MOST_MARKERS, replace=False)
        st.caption(f"Of the {len(highlighted):,} points to be highlighted a random {len(some):,} are.")
        highlighted = highlighted[np.sort(some)]
    backdrops = []
    if len(data.points) > plots.MOST_MARKERS:
        backdrops = [
            recent().get(("backdrop", key, plane.names, one.name), lambda one=one: figures.backdrop(data, plane, one))
            for one in (pair.a, pair.b)
        ]
    st.plotly_chart(
        figures.side_by_side(data, plane, pair, highlighted, backdrops),
        key="disagreement",
        alt=f"The points in the groups of {a} and of {b}; {len(highlighted)} are highlighted.",
        **CHART,
    )


def _shaded(rand: float) -> Raw:
    share = max(0.0, min(1.0, float(rand)))
    return Raw(
        f"<span style='display:block;padding:.1rem .4rem;border-radius:.3rem;background:rgba(63,144,218,{0.6 * share:.2f})'>"
        f"{_rounded(rand)}</span>"
    )


st.title("The race")
data = current()
examples = st.container()
panels, k, start, seed = choose_race(data)
progress = Progress()
places = lay_out(panels)
chosen = []
for i, place in enumerate(places):
    with place:
        chosen.append(choose_panel(data, i + 1, k, seed))
with examples:
    choose_example(RACE_EXAMPLES)


def told(i, step) -> None:
    share = (i + share_of(step.iteration)) / panels
    progress.show(RUNNING * share, f"Panel {i + 1}, iteration {step.iteration}: loss {number(step.loss)}.")


race = make_race(
    data,
    [panel.settings for panel in chosen],
    recent(),
    told,
    shared=[panel.shares_start for panel in chosen],
    k=k,
    start=start,
)
if race.note:
    st.info(race.note, icon=":material/info:")
for place, run in zip(places, race.runs, strict=True):
    if isinstance(run, str):
        place.error(plain(run), icon=":material/error:")
    elif run.note and run.note != race.note:
        place.info(run.note, icon=":material/info:")
if race.ran:
    plane = choose_plane(race.data)
    show_pictures(race, plane, places, progress)
    show_scores(race)
    if len(race.clusterings) > 1:
        show_agreement(race.key, race.data, plane, race.clusterings, race.rand)
progress.done()
