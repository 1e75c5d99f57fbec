"""The loop: what it yields and when, when it ends, the best of several runs, and the history of one."""

import gc
import weakref
from dataclasses import dataclass
from itertools import count, islice

import numpy as np
import pytest

from clustering import (
    Alternating,
    GaussianMixture,
    History,
    KMeans,
    KMedoids,
    Notice,
    SoftKMeans,
    State,
    best_of,
    fit,
    iterate,
    notices,
    proximity_matrix,
    restarts,
)
from clustering import three_gaussians as sample

POINTS = sample(120, np.random.default_rng(0)).points
METHODS = [
    KMeans(3, "random"),
    KMedoids(3, "random"),
    KMedoids(3, "random", "swap"),
    KMedoids(3, "random", "steepest swap"),
    *(GaussianMixture(3, covariance, "random") for covariance in ("full", "tied", "diagonal", "spherical")),
    SoftKMeans(3, 2.0, "random"),
]
NAMED = pytest.mark.parametrize("method", METHODS, ids=lambda method: f"{type(method).__name__} {method}"[:60])


def data_for(method, points=POINTS):
    return proximity_matrix(points) if isinstance(method, KMedoids) else points


@dataclass(frozen=True, eq=False)
class Whole:
    """Three points in one cluster."""

    changed: int
    labels = np.zeros(3, dtype=int)
    sizes = np.array([3])
    shares = None


class Halving(Alternating):
    """A process that halves a number: the loss is the number, so every step is known beforehand."""

    k = 1
    loss_name = "the number"
    tol = 0.0

    def __init__(self, rises_at=None):
        self.rises_at, self.calls = rises_at, []

    def prepare(self, data):
        self.calls.append("prepare")
        return data

    def start(self, prepared, rng):
        return float(rng.integers(64, 65)) * prepared

    def check_start(self, prepared, start):
        return float(start)

    def e_step(self, prepared, parameters, before=None):
        self.calls.append("e")
        return Whole(3 if before is None else 0), parameters

    def m_step(self, prepared, assignment, parameters):
        self.calls.append("m")
        return parameters * 4 if self.calls.count("m") == self.rises_at else parameters / 2

    def half_step_loss(self, prepared, assignment, parameters, new_parameters):
        return 0.75 * parameters

    def has_converged(self, before, parameters, assignment, loss, tol):
        return before.loss - loss <= tol

    def notices(self, prepared, parameters, assignment):
        return (Notice("even", f"{parameters:g} is even"),) if parameters % 2 == 0 else ()

    def rounding_error(self, prepared, assignment, loss):
        return 0.0


@dataclass(frozen=True, eq=False)
class Groups:
    """k groups of one point each."""

    k: int
    changed: int = 5
    shares = None

    @property
    def labels(self):
        return np.arange(5) % self.k

    @property
    def sizes(self):
        return np.bincount(self.labels)


class Splitting:
    """A process without a loss: nothing is assigned at first, and each iteration has one group more, in three states."""

    k = 1
    loss_name = None
    tol = 0.0

    def prepare(self, data):
        return data

    def states(self, prepared, *, start=None, rng=None, tol=None, max_iter=300):
        for iteration in range(min(3, max_iter) + 1):
            yield State("split", iteration, iteration, Groups(iteration, iteration) if iteration else None, None)

    def between(self, prepared, before, after):
        return tuple(State(phase, after.iteration, after.parameters, before.assignment, None) for phase in ("look", "choose"))

    def assign(self, prepared, parameters):
        return Groups(parameters) if parameters else None


# iterate


def test_steps_are_yielded_after_the_e_step_and_before_the_m_step():
    method = Halving()
    steps = iterate(method, 1, tol=8)
    assert method.calls == ["prepare"]
    assert next(steps).parameters == 64
    assert method.calls == ["prepare", "e"]
    assert next(steps).parameters == 32
    assert method.calls == ["prepare", "e", "m", "e"]


@pytest.mark.parametrize(
    ("options", "losses", "converged"),
    [
        ({"tol": 8}, [64, 32, 16, 8], True),  # the first fall of no more than 8 is that from 16 to 8
        ({"tol": 7.9}, [64, 32, 16, 8, 4], True),
        ({"tol": 100}, [64, 32], True),
        ({"tol": 8, "max_iter": 2}, [64, 32, 16], False),
        ({"tol": 8, "max_iter": 3}, [64, 32, 16, 8], True),  # at the limit and converged
        ({"max_iter": 0}, [64], False),
        ({"start": 8, "tol": 2}, [8, 4, 2], True),
    ],
)
def test_a_run_ends_when_the_loss_falls_by_no_more_than_tol_or_at_the_limit(options, losses, converged):
    steps = list(iterate(Halving(), 1, **options))
    assert [step.loss for step in steps] == losses
    assert [step.iteration for step in steps] == list(range(len(losses)))
    assert [step.converged for step in steps] == [False] * (len(losses) - 1) + [converged]
    limited = [notices.ITERATION_LIMIT in {notice.name for notice in step.notices} for step in steps]
    assert limited == [False] * (len(losses) - 1) + [not converged]


def test_the_limit_is_told_with_its_number_and_a_remedy():
    said = fit(Halving(), 1, max_iter=4).notices[-1]
    assert said.sentence == "Stopped at the limit of 4 iterations without converging. Allow more iterations."


def test_a_rise_is_reported_in_the_step_that_rose_and_only_there():
    steps = list(iterate(Halving(rises_at=2), 1, max_iter=3, tol=0))
    assert [step.loss for step in steps] == [64, 32, 128]
    rose = [[notice for notice in step.notices if notice.name == notices.LOSS_ROSE] for step in steps]
    assert [len(found) for found in rose] == [0, 0, 1]
    assert rose[2][0].sentence.startswith("The loss rose by 96 in iteration 2")


@NAMED
def test_parameters_assignment_and_loss_of_a_step_belong_together(method):
    data = data_for(method)
    prepared = method.prepare(data)
    for step in iterate(method, data, rng=0, max_iter=6):
        assignment, loss = method.e_step(prepared, step.parameters)
        np.testing.assert_array_equal(step.labels, assignment.labels)
        assert step.loss == pytest.approx(loss, rel=1e-12)


@NAMED
def test_an_assignment_is_recomputed_from_its_parameters(method):
    data = data_for(method)
    prepared = method.prepare(data)
    for state in iterate(method, data, rng=0, max_iter=4):
        again = method.assign(prepared, state.parameters)
        np.testing.assert_array_equal(again.labels, state.labels)
        np.testing.assert_allclose(again.sizes, state.assignment.sizes)
        assert again.changed == len(POINTS)


@NAMED
def test_soft_assignments_have_shares_and_hard_ones_have_none(method):
    state = fit(method, data_for(method), rng=0)
    assert state.phase == "E"
    shares = state.assignment.shares
    if isinstance(method, KMeans | KMedoids):
        assert shares is None
    else:
        assert shares.shape == (len(POINTS), 3)
        np.testing.assert_array_equal(shares, state.assignment.responsibilities)
        np.testing.assert_allclose(shares.sum(axis=0), state.assignment.sizes)
        np.testing.assert_array_equal(shares.argmax(axis=1), state.labels)


@NAMED
def test_between_two_states_are_the_new_parameters_with_the_old_assignment(method):
    prepared = method.prepare(data_for(method))
    before, after = islice(method.states(prepared, rng=6), 2)
    (middle,) = method.between(prepared, before, after)
    assert (middle.phase, middle.iteration, middle.converged, middle.notices) == ("M", 1, False, ())
    assert middle.parameters is after.parameters
    assert middle.assignment is before.assignment
    assert before.loss >= middle.loss >= after.loss
    assert middle.loss == method.half_step_loss(prepared, before.assignment, before.parameters, after.parameters)


def test_a_loop_without_one_of_its_steps_cannot_be_made():
    for step in ("e_step", "m_step", "half_step_loss", "has_converged"):
        parts = {
            name: getattr(Halving, name) for name in ("e_step", "m_step", "half_step_loss", "has_converged") if name != step
        }
        with pytest.raises(TypeError, match=step):
            type("Incomplete", (Alternating,), parts)()


@NAMED
def test_prepared_data_gives_the_run_of_the_data_itself(method):
    data = data_for(method)
    prepared = method.prepare(data)
    assert method.prepare(prepared) is prepared
    once, twice = fit(method, prepared, rng=3), fit(method, prepared, rng=3)
    assert once.loss == twice.loss == fit(method, data, rng=3).loss


@pytest.mark.parametrize("method", [KMeans, KMedoids, GaussianMixture])
def test_prepared_data_serves_another_number_of_clusters_with_the_notices_of_that_number(method):
    points = np.repeat([[0.0], [1.0], [2.0]], 4, axis=0)
    data = proximity_matrix(points) if method is KMedoids else points
    for prepared_for, k in [(2, 5), (5, 2)]:
        found = fit(method(k), method(prepared_for).prepare(data), rng=0).notices
        expected = fit(method(k), data, rng=0).notices
        assert [notice.name for notice in found] == [notice.name for notice in expected]


@NAMED
def test_a_seed_and_a_generator_of_that_seed_give_the_same_run_and_another_seed_another(method):
    data = data_for(method)
    one, other = (fit(method, data, rng=rng, max_iter=0) for rng in (4, np.random.default_rng(4)))
    starts = {str(fit(method, data, rng=seed, max_iter=0).parameters) for seed in range(5)}
    assert str(one.parameters) == str(other.parameters)
    assert len(starts) > 1


@NAMED
def test_a_method_keeps_nothing_of_a_run(method):
    data = data_for(method)
    before = repr(method)
    first = fit(method, data, rng=1).loss
    fit(method, data_for(method, POINTS[::-1] * 7), rng=2)
    assert fit(method, data, rng=1).loss == first
    assert repr(method) == before


@NAMED
def test_two_runs_drawn_in_turn_do_not_disturb_each_other(method):
    data = data_for(method)
    prepared = method.prepare(data)
    together = list(zip(iterate(method, prepared, rng=1), iterate(method, prepared, rng=2), strict=False))
    alone = list(zip(iterate(method, data, rng=1), iterate(method, data, rng=2), strict=False))
    assert [(a.loss, b.loss) for a, b in together] == [(a.loss, b.loss) for a, b in alone]


@NAMED
def test_the_first_step_shows_the_start_that_was_given(method):
    data = data_for(method)
    start = method.start(method.prepare(data), np.random.default_rng(0))
    step = next(iterate(method, data, start=start))
    given, shown = (each if isinstance(each, tuple) else (each,) for each in (start, step.parameters))
    for one, other in zip(given, shown, strict=True):
        np.testing.assert_array_equal(one, other)
    assert step.iteration == 0
    assert step.assignment.changed == len(POINTS)


# the door


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"max_iter": -1}, r"max_iter must be an integer of at least 0, got -1"),
        ({"max_iter": 2.5}, r"max_iter must be an integer of at least 0, got 2.5"),
        ({"max_iter": float("inf")}, r"max_iter must be an integer of at least 0, got inf"),
        ({"tol": -0.1}, r"tol must be at least 0, got -0.1"),
        ({"tol": float("nan")}, r"tol must be at least 0, got nan"),
    ],
)
def test_settings_of_the_loop_are_checked_at_the_call(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        iterate(KMeans(2), POINTS, **options)


def test_the_states_of_a_process_are_checked_at_the_call():
    process = KMeans(2)
    prepared = process.prepare(POINTS)
    for options in ({"max_iter": -1}, {"tol": -1}, {"start": [[0.0, 0.0]]}):
        with pytest.raises(ValueError, match="must be"):
            process.states(prepared, **options)


@pytest.mark.parametrize("make", [KMeans, KMedoids, GaussianMixture])
@pytest.mark.parametrize("k", [0, -1, 121, 2.5, float("nan")])
def test_a_number_of_clusters_that_the_points_do_not_allow_is_refused(make, k):
    with pytest.raises(ValueError, match=rf"k must lie in 1..n=120, got {k}"):
        iterate(make(k), data_for(make(1)))


@pytest.mark.parametrize("make", [KMeans, KMedoids, GaussianMixture])
def test_a_whole_number_that_is_a_float_is_as_good_or_is_refused(make):
    data = data_for(make(1))
    try:
        loss = fit(make(2.0), data, rng=0, max_iter=5.0).loss
    except ValueError as refusal:
        assert "got 2.0" in str(refusal) or "got 5.0" in str(refusal)  # noqa: PT017
    else:
        assert loss == fit(make(2), data, rng=0, max_iter=5).loss


@pytest.mark.parametrize("runs", [0, -2, 1.5])
def test_a_number_of_runs_that_is_none_is_refused(runs):
    with pytest.raises(ValueError, match=rf"runs must be .*at least 1, got {runs}"):
        best_of(runs, KMeans(2), POINTS)


# restarts


@NAMED
def test_each_restart_is_the_run_of_its_seed(method):
    data = data_for(method)
    several = list(restarts(method, data, range(7, 12), max_iter=30))
    assert len(several) == 5
    for seed, run in zip(range(7, 12), several, strict=True):
        steps = list(iterate(method, data, rng=seed, max_iter=30))
        assert str(run.start) == str(steps[0].parameters)
        assert run.losses.tolist() == [step.loss for step in steps]
        assert str(run.last.parameters) == str(steps[-1].parameters)
        np.testing.assert_array_equal(run.last.labels, steps[-1].labels)
        assert run.last._replace(parameters=None, assignment=None) == steps[-1]._replace(parameters=None, assignment=None)


def test_restarts_take_generators_as_well_as_seeds():
    mixed = [3, np.random.default_rng(4), np.random.default_rng(5)]
    losses = [run.last.loss for run in restarts(KMeans(5, "random"), POINTS, mixed)]
    assert losses == [fit(KMeans(5, "random"), POINTS, rng=seed).loss for seed in (3, 4, 5)]


def test_restarts_prepare_once_and_without_end_are_drawn_one_at_a_time():
    method = Halving()
    runs = restarts(method, 1, count(), tol=8)
    assert method.calls == []
    assert next(runs).losses.tolist() == [64, 32, 16, 8]
    assert method.calls.count("e") == 4
    losses = [run.losses.tolist() for run in islice(runs, 3)]
    assert losses == [[64, 32, 16, 8]] * 3
    assert method.calls.count("e") == 16


def test_restarts_report_every_complete_state_and_end_when_that_raises():
    seen = []
    runs = list(restarts(Halving(), 1, range(2), tol=16, on_step=seen.append))
    assert [(state.iteration, state.loss) for state in seen] == [(0, 64), (1, 32), (2, 16)] * 2
    assert seen[2] is runs[0].last

    def interrupt(state):
        if state.iteration == 1:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        next(restarts(Halving(), 1, range(2), on_step=interrupt))


def test_no_seeds_make_no_restarts():
    assert list(restarts(KMeans(2), POINTS, [])) == []


@pytest.mark.parametrize(
    ("method", "data", "options", "sentence"),
    [
        (KMeans(2), [[np.nan]], {}, r"row 0, column 0 is nan"),
        (KMeans(999), POINTS, {}, r"k must lie in 1..n=120, got 999"),
        (KMeans(2, "worst"), POINTS, {}, r"init must be .* got 'worst'"),
        (KMeans(2), POINTS, {"max_iter": -1}, r"max_iter must be an integer of at least 0, got -1"),
        (KMeans(2), POINTS, {"tol": -1}, r"tol must be at least 0, got -1"),
    ],
)
def test_restarts_refuse_what_iterate_refuses(method, data, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        next(restarts(method, data, range(3), **options))


def test_a_restart_keeps_no_earlier_assignment_alive():
    seen = []

    class Watched(KMeans):
        def e_step(self, *arguments):
            assignment, loss = super().e_step(*arguments)
            seen.append(weakref.ref(assignment))
            return assignment, loss

    runs = [next(restarts(Watched(3, "random"), POINTS, [6]))]
    gc.collect()
    assert len(seen) == len(runs[0].losses) > 3
    assert [reference() is not None for reference in seen] == [False] * (len(seen) - 1) + [True]


# best_of


@NAMED
def test_the_best_of_several_runs_is_the_least_loss_and_never_worse_with_more(method):
    data = data_for(method)
    losses = [best_of(runs, method, data, rng=9, max_iter=4).loss for runs in (1, 2, 4, 8)]
    assert losses == sorted(losses, reverse=True)
    runs = [fit(method, data, rng=child, max_iter=4).loss for child in np.random.default_rng(9).spawn(8)]
    assert losses[-1] == min(runs)


def test_options_reach_every_run_of_the_best_of_them():
    step = best_of(3, KMeans(5, "random"), POINTS, rng=0, max_iter=1)
    assert step.iteration == 1
    assert notices.ITERATION_LIMIT in {notice.name for notice in step.notices}
    with pytest.raises(ValueError, match="tol must be at least 0"):
        best_of(3, KMeans(5), POINTS, tol=-1)


def test_runs_without_a_loss_cannot_be_ranked_but_can_be_repeated():
    with pytest.raises(ValueError, match="this process has no loss"):
        best_of(2, Splitting(), None)
    (run,) = restarts(Splitting(), None, [0])
    assert np.isnan(run.losses).tolist() == [True] * 4
    assert run.losses.dtype == float


# History


def test_a_history_has_all_states_in_their_order():
    history = History.record(Halving(), 1, tol=16)
    assert [state.phase for state in history.states] == ["start", "E", "M", "E", "M", "E"]
    assert [state.iteration for state in history.states] == [0, 0, 1, 1, 2, 2]
    assert [state.parameters for state in history.states] == [64, 64, 32, 32, 16, 16]
    assert [state.loss for state in history.states] == [None, 64, 48, 32, 24, 16]
    assert [state.converged for state in history.states] == [False] * 5 + [True]
    assert history.positions.tolist() == [0, 0, 0.5, 1, 1.5, 2]
    start, first, middle = history.states[:3]
    assert start.assignment is None
    assert start.labels is None
    assert (first.assignment.sizes.tolist(), first.assignment.changed) == ([3], 3)
    assert middle.assignment.changed == 3
    assert history.states[-1].assignment.changed == 0
    assert not hasattr(history.states[-1].assignment, "labels")
    assert history.last.labels.tolist() == [0, 0, 0]


@NAMED
def test_the_assignment_of_a_state_is_that_of_the_last_complete_state(method):
    history = History.record(method, data_for(method), rng=6, max_iter=4)
    states = list(iterate(method, data_for(method), rng=6, max_iter=4))
    assert history.assignment(0) is None
    assert history.assignment(-len(history.states)) is None
    expected = [state for state in states for _ in range(2)]
    for i in range(1, len(history.states)):
        found = history.assignment(i)
        np.testing.assert_array_equal(found.labels, expected[i - 1].labels)
        assert found.changed == expected[i - 1].assignment.changed
    assert history.assignment(-1) is history.last.assignment
    np.testing.assert_array_equal(history.assignment(-2).labels, states[-2].labels)
    with pytest.raises(IndexError):
        history.assignment(len(history.states))


def test_a_history_copes_with_no_loss_no_assignment_and_another_number_of_groups_in_each_state():
    history = History.record(Splitting(), None)
    assert [state.phase for state in history.states] == ["start", "split", *["look", "choose", "split"] * 3]
    np.testing.assert_allclose(history.positions, [0, 0, *np.arange(1, 10) / 3])
    assert len(history) == 4
    assert history.parameters == (0, 1, 2, 3)
    assert np.isnan(history.losses).tolist() == [True] * 4
    assert np.isnan(history.half_losses).tolist() == [True] * 6
    assert [sizes.tolist() for sizes in history.sizes] == [[], [5], [3, 2], [2, 2, 1]]
    assert history.changed.tolist() == [0, 1, 2, 3]
    assert history.frame(0) is None
    assert history.frame(2).labels.tolist() == [0, 1, 0, 1, 0]
    assert history.frame(2).changed == 2
    found = [history.assignment(i) for i in range(len(history.states))]
    assert [assignment and assignment.k for assignment in found] == [None] * 4 + [1] * 3 + [2] * 3 + [3]


def test_a_process_that_never_assigns_anything_has_a_history():
    class Placing(Splitting):
        def states(self, prepared, **options):
            return (state._replace(assignment=None) for state in super().states(prepared, **options))

    history = History.record(Placing(), None)
    assert history.sizes.shape == (4, 0)
    assert history.changed.tolist() == [0] * 4
    assert {history.assignment(i) for i in range(len(history.states))} == {None}


def test_a_history_keeps_both_halves_of_every_iteration():
    history = History.record(Halving(), 1, tol=8)
    assert history.parameters == (64, 32, 16, 8)
    assert history.losses.tolist() == [64, 32, 16, 8]
    assert history.half_losses.tolist() == [48, 24, 12]
    assert history.changed.tolist() == [3, 0, 0, 0]
    assert history.sizes.tolist() == [[3]] * 4
    assert len(history) == 4
    assert history.iterations == 3
    assert history.converged
    assert history.last.loss == 8


def test_a_history_names_each_kind_of_notice_once_with_where_it_began_and_what_it_last_said():
    history = History.record(Halving(), 1, max_iter=3)
    found = [(t, notice.name, notice.sentence) for t, notice in history.unique_notices()]
    assert found[0] == (0, "even", "8 is even")
    assert [(t, name) for t, name, _ in found] == [(0, "even"), (3, notices.ITERATION_LIMIT)]


def test_a_history_of_no_iteration_has_one_state_and_no_half_step():
    history = History.record(KMeans(3), POINTS, rng=0, max_iter=0)
    assert len(history) == 1
    assert history.iterations == 0
    assert history.half_losses.shape == (0,)
    assert not history.converged


@NAMED
def test_losses_and_half_losses_in_their_order_never_rise(method):
    history = History.record(method, data_for(method), rng=6, max_iter=40)
    told = np.empty(2 * len(history) - 1)
    told[::2], told[1::2] = history.losses, history.half_losses
    assert len(told) > 4
    assert (np.diff(told) <= 1e-10 * np.abs(told[:-1])).all()


@NAMED
def test_frames_of_a_history_are_counted_from_both_ends(method):
    history = History.record(method, data_for(method), rng=6, max_iter=12)
    steps = list(iterate(method, data_for(method), rng=6, max_iter=12))
    for t in (0, 1, -2, -1):
        np.testing.assert_array_equal(history.frame(t).labels, steps[t].labels)
    np.testing.assert_array_equal(history.frame(-len(history)).labels, history.frame(0).labels)
    with pytest.raises(IndexError):
        history.frame(len(history))


def test_the_seconds_of_a_history_are_those_of_its_e_and_m_steps_alone(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("clustering.history.perf_counter", lambda: clock[0])

    def timed(name, seconds):
        def function(*arguments):
            clock[0] += seconds
            return getattr(Halving, name)(*arguments)

        return function

    took = {"prepare": 1e6, "start": 1e5, "e_step": 1, "m_step": 10, "half_step_loss": 1e4}
    slow = type("Slow", (Halving,), {name: timed(name, seconds) for name, seconds in took.items()})()
    history = History.record(slow, 1, tol=16, on_step=lambda step: clock.__setitem__(0, clock[0] + 1000))
    assert len(history) == 3
    assert history.seconds == 3 * 1 + 2 * 10
    assert clock[0] > 1e6


def test_a_history_of_many_steps_does_not_keep_their_assignments_alive():
    seen = []
    history = History.record(
        KMeans(3, "random"),
        POINTS,
        rng=6,
        on_step=lambda step: seen.append(weakref.ref(step.assignment)),
    )
    gc.collect()
    assert len(seen) == len(history) > 3
    assert [reference() is not None for reference in seen] == [False] * (len(seen) - 1) + [True]


# notices


def test_a_notice_counts_clusters_from_one_and_joins_them_in_words():
    text = "{who} lost all points."
    assert Notice("x", text, (0,)).sentence == "Cluster 1 lost all points."
    assert Notice("x", text, (4, 1)).sentence == "Clusters 2 and 5 lost all points."
    assert Notice("x", text, (0, 1, 2), "Component").sentence == "Components 1, 2 and 3 lost all points."
    assert Notice("x", text, (0, 1)).message({0: 7, 1: 3}) == "Clusters 3 and 7 lost all points."
    assert Notice("x", "All the same.").sentence == "All the same."
