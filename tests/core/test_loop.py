"""The loop of E and M steps: states, convergence, restarts, best of several runs, and the history of a run."""

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
class OneCluster:
    """Three points in one cluster."""

    changed: int
    labels = np.zeros(3, dtype=int)
    sizes = np.array([3])
    memberships = None


class Halving(Alternating):
    """A process that halves a number, which is also its loss, so that every state is known in advance."""

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
        return OneCluster(3 if before is None else 0), parameters

    def m_step(self, prepared, assignment, parameters):
        self.calls.append("m")
        return parameters * 4 if self.calls.count("m") == self.rises_at else parameters / 2

    def m_step_loss(self, prepared, assignment, parameters, new_parameters):
        return 0.75 * parameters

    def has_converged(self, before, parameters, assignment, loss, tol):
        return before.loss - loss <= tol

    def notices(self, prepared, parameters, assignment):
        return (Notice("even", f"{parameters:g} is even"),) if parameters % 2 == 0 else ()

    def rounding_error(self, prepared, assignment, loss):
        return 0.0


@dataclass(frozen=True, eq=False)
class FivePoints:
    """Five points in k clusters."""

    k: int
    changed: int = 5
    memberships = None

    @property
    def labels(self):
        return np.arange(5) % self.k

    @property
    def sizes(self):
        return np.bincount(self.labels)


class Splitting:
    """A process without a loss. No points are assigned at first; each iteration adds a cluster and has three states."""

    k = 1
    loss_name = None
    tol = 0.0

    def prepare(self, data):
        return data

    def states(self, prepared, *, start=None, rng=None, tol=None, max_iter=300):
        for iteration in range(min(3, max_iter) + 1):
            yield State("split", iteration, iteration, FivePoints(iteration, iteration) if iteration else None, None)

    def between(self, prepared, before, after):
        return tuple(
            State(phase, after.iteration, after.parameters, before.assignment, None) for phase in ("search", "select")
        )

    def assign(self, prepared, parameters):
        return FivePoints(parameters) if parameters else None


# iterate


def test_states_are_yielded_after_the_e_step_and_before_the_m_step():
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
        ({"tol": 8}, [64, 32, 16, 8], True),  # the first decrease of at most 8 is from 16 to 8
        ({"tol": 7.9}, [64, 32, 16, 8, 4], True),
        ({"tol": 100}, [64, 32], True),
        ({"tol": 8, "max_iter": 2}, [64, 32, 16], False),
        ({"tol": 8, "max_iter": 3}, [64, 32, 16, 8], True),  # at the limit and converged
        ({"max_iter": 0}, [64], False),
        ({"start": 8, "tol": 2}, [8, 4, 2], True),
    ],
)
def test_a_run_stops_when_the_loss_decreases_by_at_most_tol_or_at_the_limit(options, losses, converged):
    steps = list(iterate(Halving(), 1, **options))
    assert [step.loss for step in steps] == losses
    assert [step.iteration for step in steps] == list(range(len(losses)))
    assert [step.converged for step in steps] == [False] * (len(losses) - 1) + [converged]
    limited = [notices.ITERATION_LIMIT in {notice.name for notice in step.notices} for step in steps]
    assert limited == [False] * (len(losses) - 1) + [not converged]


def test_the_iteration_limit_notice_gives_the_limit_and_a_remedy():
    notice = fit(Halving(), 1, max_iter=4).notices[-1]
    assert notice.sentence == "Stopped at the limit of 4 iterations without converging. Allow more iterations."


def test_an_increase_of_the_loss_is_reported_only_in_its_iteration():
    steps = list(iterate(Halving(rises_at=2), 1, max_iter=3, tol=0))
    assert [step.loss for step in steps] == [64, 32, 128]
    rose = [[notice for notice in step.notices if notice.name == notices.LOSS_ROSE] for step in steps]
    assert [len(found) for found in rose] == [0, 0, 1]
    assert rose[2][0].sentence.startswith("The loss rose by 96 in iteration 2")


@NAMED
def test_parameters_assignment_and_loss_of_a_state_are_consistent(method):
    data = data_for(method)
    prepared = method.prepare(data)
    for step in iterate(method, data, rng=0, max_iter=6):
        assignment, loss = method.e_step(prepared, step.parameters)
        np.testing.assert_array_equal(step.labels, assignment.labels)
        assert step.loss == pytest.approx(loss, rel=1e-12)


@NAMED
def test_assign_recomputes_the_assignment_from_the_parameters(method):
    data = data_for(method)
    prepared = method.prepare(data)
    for state in iterate(method, data, rng=0, max_iter=4):
        recomputed = method.assign(prepared, state.parameters)
        np.testing.assert_array_equal(recomputed.labels, state.labels)
        np.testing.assert_allclose(recomputed.sizes, state.assignment.sizes)
        assert recomputed.changed == len(POINTS)


@NAMED
def test_soft_assignments_have_memberships_and_hard_ones_have_none(method):
    state = fit(method, data_for(method), rng=0)
    assert state.phase == "E"
    memberships = state.assignment.memberships
    if isinstance(method, KMeans | KMedoids):
        assert memberships is None
    else:
        assert memberships.shape == (len(POINTS), 3)
        np.testing.assert_array_equal(memberships, state.assignment.responsibilities)
        np.testing.assert_allclose(memberships.sum(axis=0), state.assignment.sizes)
        np.testing.assert_array_equal(memberships.argmax(axis=1), state.labels)


@NAMED
def test_the_intermediate_state_has_new_parameters_and_the_old_assignment(method):
    prepared = method.prepare(data_for(method))
    before, after = islice(method.states(prepared, rng=6), 2)
    (middle,) = method.between(prepared, before, after)
    assert (middle.phase, middle.iteration, middle.converged, middle.notices) == ("M", 1, False, ())
    assert middle.parameters is after.parameters
    assert middle.assignment is before.assignment
    assert before.loss >= middle.loss >= after.loss
    assert middle.loss == method.m_step_loss(prepared, before.assignment, before.parameters, after.parameters)


def test_a_subclass_without_one_of_the_steps_cannot_be_instantiated():
    for step in ("e_step", "m_step", "m_step_loss", "has_converged"):
        parts = {name: getattr(Halving, name) for name in ("e_step", "m_step", "m_step_loss", "has_converged") if name != step}
        with pytest.raises(TypeError, match=step):
            type("Incomplete", (Alternating,), parts)()


@NAMED
def test_prepared_data_give_the_same_run_as_the_data(method):
    data = data_for(method)
    prepared = method.prepare(data)
    assert method.prepare(prepared) is prepared
    once, twice = fit(method, prepared, rng=3), fit(method, prepared, rng=3)
    assert once.loss == twice.loss == fit(method, data, rng=3).loss


@pytest.mark.parametrize("method", [KMeans, KMedoids, GaussianMixture])
def test_prepared_data_can_be_reused_for_another_k_with_its_own_notices(method):
    points = np.repeat([[0.0], [1.0], [2.0]], 4, axis=0)
    data = proximity_matrix(points) if method is KMedoids else points
    for prepared_for, k in [(2, 5), (5, 2)]:
        found = fit(method(k), method(prepared_for).prepare(data), rng=0).notices
        expected = fit(method(k), data, rng=0).notices
        assert [notice.name for notice in found] == [notice.name for notice in expected]


@NAMED
def test_a_seed_equals_a_generator_with_that_seed_and_seeds_differ(method):
    data = data_for(method)
    one, other = (fit(method, data, rng=rng, max_iter=0) for rng in (4, np.random.default_rng(4)))
    starts = {str(fit(method, data, rng=seed, max_iter=0).parameters) for seed in range(5)}
    assert str(one.parameters) == str(other.parameters)
    assert len(starts) > 1


@NAMED
def test_a_process_holds_no_state_between_runs(method):
    data = data_for(method)
    before = repr(method)
    first = fit(method, data, rng=1).loss
    fit(method, data_for(method, POINTS[::-1] * 7), rng=2)
    assert fit(method, data, rng=1).loss == first
    assert repr(method) == before


@NAMED
def test_interleaved_runs_do_not_affect_each_other(method):
    data = data_for(method)
    prepared = method.prepare(data)
    together = list(zip(iterate(method, prepared, rng=1), iterate(method, prepared, rng=2), strict=False))
    alone = list(zip(iterate(method, data, rng=1), iterate(method, data, rng=2), strict=False))
    assert [(a.loss, b.loss) for a, b in together] == [(a.loss, b.loss) for a, b in alone]


@NAMED
def test_the_first_state_has_the_given_initial_parameters(method):
    data = data_for(method)
    start = method.start(method.prepare(data), np.random.default_rng(0))
    step = next(iterate(method, data, start=start))
    expected, found = (each if isinstance(each, tuple) else (each,) for each in (start, step.parameters))
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)
    assert step.iteration == 0
    assert step.assignment.changed == len(POINTS)


# invalid arguments


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_iter": -1}, r"max_iter must be an integer of at least 0, got -1"),
        ({"max_iter": 2.5}, r"max_iter must be an integer of at least 0, got 2.5"),
        ({"max_iter": float("inf")}, r"max_iter must be an integer of at least 0, got inf"),
        ({"tol": -0.1}, r"tol must be at least 0, got -0.1"),
        ({"tol": float("nan")}, r"tol must be at least 0, got nan"),
    ],
)
def test_iterate_checks_its_settings_when_called(options, message):
    with pytest.raises(ValueError, match=message):
        iterate(KMeans(2), POINTS, **options)


def test_states_checks_its_arguments_when_called():
    process = KMeans(2)
    prepared = process.prepare(POINTS)
    for options in ({"max_iter": -1}, {"tol": -1}, {"start": [[0.0, 0.0]]}):
        with pytest.raises(ValueError, match="must be"):
            process.states(prepared, **options)


@pytest.mark.parametrize("process_class", [KMeans, KMedoids, GaussianMixture])
@pytest.mark.parametrize("k", [0, -1, 121, 2.5, float("nan")])
def test_an_invalid_k_raises_an_error(process_class, k):
    with pytest.raises(ValueError, match=rf"k must lie in 1..n=120, got {k}"):
        iterate(process_class(k), data_for(process_class(1)))


@pytest.mark.parametrize("process_class", [KMeans, KMedoids, GaussianMixture])
def test_an_integral_float_works_like_an_integer_or_raises_an_error(process_class):
    data = data_for(process_class(1))
    try:
        loss = fit(process_class(2.0), data, rng=0, max_iter=5.0).loss
    except ValueError as error:
        assert "got 2.0" in str(error) or "got 5.0" in str(error)  # noqa: PT017
    else:
        assert loss == fit(process_class(2), data, rng=0, max_iter=5).loss


@pytest.mark.parametrize("runs", [0, -2, 1.5])
def test_an_invalid_number_of_runs_raises_an_error(runs):
    with pytest.raises(ValueError, match=rf"runs must be .*at least 1, got {runs}"):
        best_of(runs, KMeans(2), POINTS)


# restarts


@NAMED
def test_each_restart_equals_the_run_with_its_seed(method):
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


def test_restarts_accept_generators_and_seeds():
    mixed = [3, np.random.default_rng(4), np.random.default_rng(5)]
    losses = [run.last.loss for run in restarts(KMeans(5, "random"), POINTS, mixed)]
    assert losses == [fit(KMeans(5, "random"), POINTS, rng=seed).loss for seed in (3, 4, 5)]


def test_restarts_prepare_once_and_are_computed_lazily():
    method = Halving()
    runs = restarts(method, 1, count(), tol=8)
    assert method.calls == []
    assert next(runs).losses.tolist() == [64, 32, 16, 8]
    assert method.calls.count("e") == 4
    losses = [run.losses.tolist() for run in islice(runs, 3)]
    assert losses == [[64, 32, 16, 8]] * 3
    assert method.calls.count("e") == 16


def test_on_step_is_called_with_every_complete_state_and_its_exceptions_propagate():
    seen = []
    runs = list(restarts(Halving(), 1, range(2), tol=16, on_step=seen.append))
    assert [(state.iteration, state.loss) for state in seen] == [(0, 64), (1, 32), (2, 16)] * 2
    assert seen[2] is runs[0].last

    def interrupt(state):
        if state.iteration == 1:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        next(restarts(Halving(), 1, range(2), on_step=interrupt))


def test_no_seeds_give_no_restarts():
    assert list(restarts(KMeans(2), POINTS, [])) == []


@pytest.mark.parametrize(
    ("method", "data", "options", "message"),
    [
        (KMeans(2), [[np.nan]], {}, r"row 0, column 0 is nan"),
        (KMeans(999), POINTS, {}, r"k must lie in 1..n=120, got 999"),
        (KMeans(2, "worst"), POINTS, {}, r"init must be .* got 'worst'"),
        (KMeans(2), POINTS, {"max_iter": -1}, r"max_iter must be an integer of at least 0, got -1"),
        (KMeans(2), POINTS, {"tol": -1}, r"tol must be at least 0, got -1"),
    ],
)
def test_restarts_raise_the_errors_of_iterate(method, data, options, message):
    with pytest.raises(ValueError, match=message):
        next(restarts(method, data, range(3), **options))


def test_a_restart_does_not_keep_earlier_assignments_in_memory():
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
def test_best_of_has_the_lowest_loss_and_more_runs_are_never_worse(method):
    data = data_for(method)
    losses = [best_of(runs, method, data, rng=9, max_iter=4).loss for runs in (1, 2, 4, 8)]
    assert losses == sorted(losses, reverse=True)
    runs = [fit(method, data, rng=child, max_iter=4).loss for child in np.random.default_rng(9).spawn(8)]
    assert losses[-1] == min(runs)


def test_best_of_passes_its_options_to_every_run():
    step = best_of(3, KMeans(5, "random"), POINTS, rng=0, max_iter=1)
    assert step.iteration == 1
    assert notices.ITERATION_LIMIT in {notice.name for notice in step.notices}
    with pytest.raises(ValueError, match="tol must be at least 0"):
        best_of(3, KMeans(5), POINTS, tol=-1)


def test_best_of_needs_a_loss_but_restarts_do_not():
    with pytest.raises(ValueError, match="this process has no loss"):
        best_of(2, Splitting(), None)
    (run,) = restarts(Splitting(), None, [0])
    assert np.isnan(run.losses).tolist() == [True] * 4
    assert run.losses.dtype == float


# History


def test_a_history_has_all_states_in_order():
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
def test_an_intermediate_state_has_the_assignment_of_the_last_complete_state(method):
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


def test_a_history_supports_missing_losses_and_assignments_and_a_varying_number_of_clusters():
    history = History.record(Splitting(), None)
    assert [state.phase for state in history.states] == ["start", "split", *["search", "select", "split"] * 3]
    np.testing.assert_allclose(history.positions, [0, 0, *np.arange(1, 10) / 3])
    assert len(history) == 4
    assert history.parameters == (0, 1, 2, 3)
    assert np.isnan(history.losses).tolist() == [True] * 4
    assert np.isnan(history.half_losses).tolist() == [True] * 6
    assert [sizes.tolist() for sizes in history.sizes] == [[], [5], [3, 2], [2, 2, 1]]
    assert history.changed.tolist() == [0, 1, 2, 3]
    assert history.assignment_of_iteration(0) is None
    assert history.assignment_of_iteration(2).labels.tolist() == [0, 1, 0, 1, 0]
    assert history.assignment_of_iteration(2).changed == 2
    found = [history.assignment(i) for i in range(len(history.states))]
    assert [assignment and assignment.k for assignment in found] == [None] * 4 + [1] * 3 + [2] * 3 + [3]


def test_a_history_supports_processes_without_assignments():
    class WithoutAssignment(Splitting):
        def states(self, prepared, **options):
            return (state._replace(assignment=None) for state in super().states(prepared, **options))

    history = History.record(WithoutAssignment(), None)
    assert history.sizes.shape == (4, 0)
    assert history.changed.tolist() == [0] * 4
    assert {history.assignment(i) for i in range(len(history.states))} == {None}


def test_a_history_has_losses_and_half_losses():
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


def test_unique_notices_give_the_first_iteration_and_the_latest_text():
    history = History.record(Halving(), 1, max_iter=3)
    found = [(t, notice.name, notice.sentence) for t, notice in history.unique_notices()]
    assert found[0] == (0, "even", "8 is even")
    assert [(t, name) for t, name, _ in found] == [(0, "even"), (3, notices.ITERATION_LIMIT)]


def test_a_history_of_zero_iterations_has_one_complete_state_and_no_half_losses():
    history = History.record(KMeans(3), POINTS, rng=0, max_iter=0)
    assert len(history) == 1
    assert history.iterations == 0
    assert history.half_losses.shape == (0,)
    assert not history.converged


@NAMED
def test_losses_and_half_losses_never_increase(method):
    history = History.record(method, data_for(method), rng=6, max_iter=40)
    losses = np.empty(2 * len(history) - 1)
    losses[::2], losses[1::2] = history.losses, history.half_losses
    assert len(losses) > 4
    assert (np.diff(losses) <= 1e-10 * np.abs(losses[:-1])).all()


@NAMED
def test_frames_can_be_indexed_from_both_ends(method):
    history = History.record(method, data_for(method), rng=6, max_iter=12)
    steps = list(iterate(method, data_for(method), rng=6, max_iter=12))
    for t in (0, 1, -2, -1):
        np.testing.assert_array_equal(history.assignment_of_iteration(t).labels, steps[t].labels)
    np.testing.assert_array_equal(
        history.assignment_of_iteration(-len(history)).labels, history.assignment_of_iteration(0).labels
    )
    with pytest.raises(IndexError):
        history.assignment_of_iteration(len(history))


def test_the_time_of_a_history_includes_only_e_and_m_steps(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("clustering.history.perf_counter", lambda: clock[0])

    def timed(name, seconds):
        def function(*arguments):
            clock[0] += seconds
            return getattr(Halving, name)(*arguments)

        return function

    seconds_of = {"prepare": 1e6, "start": 1e5, "e_step": 1, "m_step": 10, "m_step_loss": 1e4}
    slow = type("Slow", (Halving,), {name: timed(name, seconds) for name, seconds in seconds_of.items()})()
    history = History.record(slow, 1, tol=16, on_step=lambda step: clock.__setitem__(0, clock[0] + 1000))
    assert len(history) == 3
    assert history.seconds == 3 * 1 + 2 * 10
    assert clock[0] > 1e6


def test_a_history_does_not_keep_earlier_assignments_in_memory():
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


def test_a_notice_counts_clusters_from_one_and_joins_their_names():
    text = "{who} lost all points."
    assert Notice("x", text, (0,)).sentence == "Cluster 1 lost all points."
    assert Notice("x", text, (4, 1)).sentence == "Clusters 2 and 5 lost all points."
    assert Notice("x", text, (0, 1, 2), "Component").sentence == "Components 1, 2 and 3 lost all points."
    assert Notice("x", text, (0, 1)).message({0: 7, 1: 3}) == "Clusters 3 and 7 lost all points."
    assert Notice("x", "All the same.").sentence == "All the same."
