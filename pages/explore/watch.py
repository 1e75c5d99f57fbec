"""Watch: one run of one algorithm, step by step."""

import html
import time
from dataclasses import replace

import numpy as np
import streamlit as st

from clustering import KMeans, bic, match_clusters
from pages.shared import figures, paint, palette, summaries
from pages.shared.choosing import current
from pages.shared.drawing import place_centers
from pages.shared.planes import Plane, column_plane, principal_plane, spread_out
from pages.shared.player import player
from pages.shared.runs import MOST_ITERATIONS, NeedsPoints, Run, Settings, make_run
from pages.shared.storyboard import number, storyboard
from pages.shared.widgets import choose_settings, plain, recent

MIDDLES = {"kmeans": "center", "kmedoids": "medoid", "mixture": "mean"}
ENDINGS = {True: "converged", False: "cut off"}


def choose_plane(data) -> Plane:
    """Which two directions to look along, where there are more than two."""
    columns = data.columns
    if len(columns) < 3:
        return column_plane(columns, 0, len(columns) - 1)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        principal = "Principal components"
        across = st.selectbox("Across", [principal, *columns], key=f"across {columns}", width=240, persist_state="session")
        if across == principal:
            plane = recent().get(("principal plane", data.key), lambda: principal_plane(data.points))
            st.caption("The two directions along which the points vary most. Groups that overlap here may be apart in others.")
            return plane
        others = [column for column in columns if column != across]
        up = st.selectbox("Up", others, key=f"up {columns}", width=240, persist_state="session")
    return column_plane(columns, columns.index(across), columns.index(up))


def place_by_hand(data, settings: Settings, plane: Plane) -> Settings:
    """The settings with the centers where a person put them; at first where a random start does."""
    k = settings.k
    method = KMeans(k, init="random")
    xy = plane.project(data.points)
    if len(data.columns) == 1:
        xy[:, 1] = spread_out(len(xy))
    first = plane.project(method.start(method.prepare(data.points), np.random.default_rng(settings.seed)))
    to_scale = data.same_units and len(data.columns) > 1
    extent = figures.padded(xy, 1.2 if to_scale else None)
    middle = MIDDLES[settings.algorithm]
    st.markdown(f"**Drag the starting {middle}s**")
    backdrop = recent().get(
        ("backdrop", data.key, plane.names),
        lambda: paint.Canvas(*xy.T, extent).paint(palette.rgb([palette.NEUTRAL])),
    )
    token = (data.key, k, settings.seed, plane.names)
    before, where = st.session_state.get("placed", (None, None))
    placed = place_centers(
        "placing",
        where if before == token else first,
        [f"{middle.capitalize()} {i + 1}" for i in range(k)],
        [palette.color_of(i) for i in range(k)],
        [palette.symbol_of(i) for i in range(k)],
        extent,
        backdrop,
        plane.names,
        token=token,
        height=330,
        to_scale=to_scale,
    )
    st.session_state["placed"] = token, placed
    if len(data.columns) > 2:
        st.caption("In all other directions the centers start in the middle of the data.")
    return replace(settings, centers=tuple(map(tuple, plane.lift(placed).tolist())))


class Progress:
    """A bar that appears when work takes longer than a moment. A change of any setting leaves the work behind it."""

    def __init__(self):
        self.place, self.began = st.empty(), time.monotonic()

    def show(self, share: float, text: str) -> None:
        if time.monotonic() - self.began > 0.4:
            self.place.progress(share, text=f"{text} Change any setting to leave this.")

    def step(self, step) -> None:
        # nobody knows how many iterations it takes: the bar slows down but never stands, and leaves room for the pictures
        share = 0.7 * step.iteration / (step.iteration + 30)
        self.show(share, f"Iteration {step.iteration} of at most {MOST_ITERATIONS}: loss {number(step.loss)}.")

    def drawn(self, share: float) -> None:
        self.show(0.7 + 0.3 * share, "Drawing the pictures.")


def show_numbers(run: Run) -> None:
    history, n = run.history, len(run.data.points)
    with st.container(horizontal=True):
        st.metric("Iterations", history.iterations, width="content")
        st.metric("Ended", ENDINGS[history.converged], width="content")
        if run.agreement is not None:
            st.metric(
                "Adjusted Rand index",
                f"{run.agreement:.3f}",
                help=plain(f"Agreement with the known groups ({run.data.label_name}): 1 is the same, 0 is chance."),
                width="content",
            )
    with st.container(horizontal=True):
        st.metric("Final loss", number(history.losses[-1]), width="content")
        if run.settings.algorithm == "mixture":
            likelihood = -history.losses[-1] * n
            parameters = history.method.parameter_count(run.data.points.shape[1])
            st.metric("Log-likelihood (sum, nats)", f"{likelihood:.3f}".replace("-", "−"), width="content")
            st.metric(
                "BIC",
                number(bic(likelihood, parameters, n)),
                help=f"{parameters} parameters; p ln n − 2 ln L, smaller is better. R's mclust shows the negative.",
                width="content",
            )
    st.caption(f"The loss is the {history.method.loss_name}.")


def show_sizes(run: Run) -> None:
    """A row per cluster: its mark, its size, and where its middle is."""
    sizes, middles = run.history.sizes[-1], run.centers[-1]
    largest = max(sizes.max(), 1)
    rows = []
    for k in np.argsort(run.ranks):
        rank = run.ranks[k]
        size = f"{sizes[k]:,.1f}" if run.settings.algorithm == "mixture" else f"{int(sizes[k]):,}"
        color = palette.color_of(rank)
        what = html.escape(run.data.called(run.history.parameters[-1][[k]])[0]) if run.settings.algorithm == "kmedoids" else ""
        if run.data.given is None:
            place = ", ".join(f"{value:.4g}".replace("-", "−") for value in middles[k][:4])
            what += f" ({place}{', …' if middles.shape[1] > 4 else ''})"
        rows.append(
            f"<tr><td><span style='color:{color};font-size:1.15em' aria-hidden='true'>{palette.mark_of(rank)}</span> "
            f"{rank + 1}</td>"
            f"<td class='number'>{size}</td>"
            f"<td class='bar'><div style='width:{100 * sizes[k] / largest:.1f}%;background:{color}'></div></td>"
            f"<td class='number'>{what}</td></tr>"
        )
    middle = MIDDLES[run.settings.algorithm].capitalize()
    st.html(
        "<style>.sizes{width:100%;border-collapse:collapse;font-size:.9rem}"
        ".sizes th,.sizes td{text-align:left;padding:.25rem .5rem"
        ";border-bottom:1px solid #8883}.sizes .number{font-variant-numeric:tabular-nums;white-space:nowrap}"
        ".sizes td:last-child{white-space:normal}.sizes .bar{width:18%;min-width:3rem}"
        ".sizes .bar div{height:.6rem;border-radius:.3rem;min-width:2px}.scroll{overflow-x:auto;max-height:340px}</style>"
        "<div class='scroll' tabindex='0' role='region' aria-label='Sizes of the clusters'><table class='sizes'><thead><tr>"
        f"<th scope='col'>Cluster</th><th scope='col'>Size</th><td></td><th scope='col'>{middle}</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def show_truth(run: Run) -> None:
    """Found against true components, matched by the points that they share."""
    truth, found = run.data.truth, run.history.parameters[-1]
    k = max(len(truth.weights), len(found.weights))
    partner = match_clusters(run.history.last.labels, run.data.labels, k)
    st.markdown("**Found against true**")

    def vector(values):
        return "(" + ", ".join(f"{value:.2f}" for value in values) + ")"

    def matrix(values):
        return "; ".join(" ".join(f"{value:.2f}" for value in row) for row in values)

    rows = []
    for i in np.argsort(run.ranks):
        j = partner[i]
        row = {"Component": f"{palette.mark_of(run.ranks[i])} {run.ranks[i] + 1}", "Weight found": f"{found.weights[i]:.3f}"}
        known = j < len(truth.weights)
        row["Weight true"] = f"{truth.weights[j]:.3f}" if known else "none"
        row["Mean found"], row["Mean true"] = vector(found.means[i]), vector(truth.means[j]) if known else "none"
        row["Covariance found"] = matrix(found.covariances[i])
        row["Covariance true"] = matrix(truth.covariances[j]) if known else "none"
        rows.append(row)
    st.dataframe(rows, hide_index=True)
    missed = np.setdiff1d(np.arange(len(truth.weights)), partner[: len(found.weights)])
    if len(missed):
        st.caption(f"{len(missed)} of the {len(truth.weights)} true components have no partner among those found.")


def show_proximities(run: Run) -> None:
    """The matrix that was clustered, with the members of each cluster together, and who they are."""
    labels = run.ranks[run.history.last.labels]
    nearest = run.history.last.assignment.nearest
    order = np.lexsort((nearest, labels))
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**The proximities, ordered by cluster**")
        figure = recent().get(("heat", figures.token(run)), lambda: summaries.heat_map(run.data, order, labels, 420))
        st.plotly_chart(figure, config={"displayModeBar": False}, alt="Heat map of the proximities, ordered by cluster.")
        st.caption("Dark blocks along the diagonal: clusters whose members are near each other.")
    with right:
        st.markdown("**Who is with whom**, the nearest to the medoid first")
        rows = []
        for rank in range(run.settings.k):
            members = order[labels[order] == rank]
            names = html.escape(", ".join(run.data.called(members[1:41])))
            if len(members) > 41:
                names += f" and {len(members) - 41:,} more"
            rows.append(
                "<dt style='font-weight:600;margin-top:.6rem'>"
                f"<span style='color:{palette.color_of(rank)}' aria-hidden='true'>{palette.mark_of(rank)}</span> "
                f"{html.escape(run.data.called(members[:1])[0])}</dt><dd>{names}</dd>"
            )
        st.html(
            "<div style='max-height:420px;overflow-y:auto' tabindex='0' role='region' aria-label='Members of the clusters'>"
            f"<dl style='margin:0'>{''.join(rows)}</dl></div>"
        )


def show(run: Run, plane: Plane, left, right, progress: Progress) -> None:
    data, settings = run.data, run.settings
    with left:
        if run.note:
            st.info(run.note, icon=":material/info:")
        shade = (
            plane.shows_all
            and run.has_regions
            and st.toggle("Shade the region of each cluster", True, key="shade", persist_state="session")
        )
        frames, left_out = storyboard(run)
        # the name of these pictures; the player keeps its place as long as the run is the same
        name = figures.token(run, plane.names, shade)
        picture, curve = recent().get(
            ("figures", name),
            lambda: (
                figures.picture(run, frames, plane, shade, name, progress.drawn),
                figures.loss_curve(run, frames, name),
            ),
        )
        with st.container(key="picture"):
            st.plotly_chart(picture, config={"displayModeBar": False}, alt=figures.described(run, frames))
        player(figures.token(run), name, frames, ["picture", "loss"])
        painted = len(data.points) > figures.MOST_MARKERS
        st.caption(
            f"All {len(data.points):,} points are fitted and drawn"
            + (", as one picture per step: the stronger the colour, the more points." if painted else ".")
            + (f" {left_out}" if left_out else "")
            + (" Colours repeat after ten clusters." if settings.k > len(palette.COLORS) else "")
            + f" {figures.about_rings(data)}"
        )
    with right:
        with st.container(key="loss"):
            st.plotly_chart(
                curve,
                config={"displayModeBar": False},
                alt=f"Loss curve: {number(run.history.losses[0])} at the start, {number(run.history.losses[-1])} at the end.",
            )
        for iteration, notice in run.history.named_notices():
            st.warning(plain(f"Iteration {iteration}, {notice.name}: {notice.told(run.ranks + 1)}"), icon=":material/warning:")
        show_numbers(run)
        show_sizes(run)
    if data.given is not None:
        show_proximities(run)
    if settings.algorithm == "mixture" and data.truth is not None:
        show_truth(run)


def use_medoids() -> None:
    st.session_state["algorithm"] = "kmedoids"


st.title("Watch it cluster")
data = current()
settings = choose_settings(data)
progress = Progress()
with st.container(key="stage"):
    # dragging needs room
    left, right = st.columns([3, 2] if settings.start == "hand" else [2, 1], gap="medium")
try:
    with left:
        plane = choose_plane(data)
    if settings.start == "hand":
        with right:
            settings = place_by_hand(data, settings, plane)
    run = make_run(data, settings, recent(), progress.step)
except ValueError as fault:
    sentence = str(fault)
    st.error(plain(f"{sentence[:1].upper()}{sentence[1:]}."), icon=":material/error:")
    if isinstance(fault, NeedsPoints):
        st.button("Use K-medoids", on_click=use_medoids, type="primary")
else:
    show(run, plane, left, right, progress)
progress.place.empty()
