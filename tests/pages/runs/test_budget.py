"""The memory of all sessions: turns of large runs, and results that are dropped where memory is short."""

import os
import threading
import time
import tracemalloc
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest

from pages.compare.comparison import make_comparison
from pages.datasets.data import Data
from pages.datasets.server.configuration import configured_memory
from pages.methods import settings
from pages.runs import budget as module
from pages.runs import preparation, run
from pages.runs.budget import Budget, budget, estimated_bytes
from pages.runs.cache import RecentCache
from pages.runs.run import make_run
from pages.runs.sizes import large_parts

MEGABYTE = 2**20


@pytest.fixture(autouse=True)
def predictable(monkeypatch):
    """Only kept results and reserved memory count, and nobody waits long between two looks at the queue."""
    monkeypatch.setattr(module, "resident_bytes", lambda: 0)
    monkeypatch.setattr(module, "POLL_SECONDS", 0.001)


def megabytes(n):
    return np.zeros(n * MEGABYTE, dtype=np.uint8)


def ignore(ahead):
    pass


def blobs(n, d=2):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(n, d)) + 3.0 * rng.integers(0, 5, size=(n, 1))
    return Data(f"{n} {d}", "", tuple(f"c{i}" for i in range(d)), points)


class Script(threading.Thread):
    """A script that needs memory until `finish`; `places` are the numbers of large runs ahead, as reported to it."""

    def __init__(self, shared, n_bytes, cache=None, stop_at=None):
        super().__init__(daemon=True)
        self.shared, self.n_bytes, self.stop_at = shared, n_bytes, stop_at
        self.cache = RecentCache() if cache is None else cache
        self.places, self.error = [], None
        self.has_begun, self.may_end = threading.Event(), threading.Event()
        self.start()

    def run(self):
        try:
            with self.shared.turn(self.cache, self.on_wait), self.shared.reserve(self.n_bytes):
                self.has_begun.set()
                self.may_end.wait(10)
        except BaseException as error:
            self.error = error

    def on_wait(self, ahead):
        self.places.append(ahead)
        if ahead == self.stop_at:
            raise InterruptedError

    def is_told(self, ahead):
        return wait_until(lambda: self.places and self.places[-1] == ahead)

    def finish(self):
        self.may_end.set()
        self.join(10)


def wait_until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    return True


@contextmanager
def session(shared, *keys, cache=None, kind="thing"):
    """A script that uses results of 2 MB."""
    cache = RecentCache() if cache is None else cache
    with shared.script(cache):
        for key in keys:
            cache.get((kind + str(key), key), lambda: megabytes(2))
        yield cache


def keys_of(cache):
    return [key[1] for key in cache]


@pytest.mark.parametrize(
    ("name", "n", "d", "k"),
    [
        ("kmeans", 150_000, 2, 50),
        ("kmeans", 50_000, 30, 5),
        ("mixture", 100_000, 2, 50),
        ("mixture", 20_000, 20, 10),
        ("fuzzy", 40_000, 2, 50),
        ("kmedoids", 1_500, 2, 8),
    ],
)
def test_the_estimate_is_within_a_factor_of_two_of_the_measured_memory(name, n, d, k, monkeypatch):
    monkeypatch.setattr(preparation, "MAX_ITERATIONS", 1)
    data = blobs(n, d)
    chosen = settings(name, k, data=data)
    tracemalloc.start()
    try:
        make_run(data, chosen, RecentCache(), lambda state: None)
        measured = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 0.5 < estimated_bytes(data, chosen) / measured < 2


def test_a_run_that_can_never_fit_is_rejected_with_what_to_choose_instead(monkeypatch):
    data = blobs(1_000)
    monkeypatch.setattr(run, "budget", lambda: Budget(MEGABYTE, 1))
    with pytest.raises(
        ValueError, match=r"^This needs about 2 MB of memory, but this server allows 1 MB: choose fewer"
    ) as error:
        make_run(data, settings("mixture", 50, data=data), RecentCache(), lambda state: None)
    assert str(error.value).endswith("choose fewer points or fewer clusters")
    make_run(data, settings("mixture", 5, data=data), RecentCache(), lambda state: None)


def test_large_runs_get_their_turn_in_the_order_of_their_requests_and_are_told_how_many_are_ahead():
    shared = Budget(10 * MEGABYTE, at_once=2)
    first, second = Script(shared, 5 * MEGABYTE), Script(shared, 5 * MEGABYTE)
    assert first.has_begun.wait(10)
    assert second.has_begun.wait(10)
    third = Script(shared, 5 * MEGABYTE)
    assert third.is_told(2)
    fourth = Script(shared, MEGABYTE)  # would fit if the third one did not come first
    assert fourth.is_told(3)
    assert not third.has_begun.is_set()
    second.finish()
    assert third.has_begun.wait(10)
    assert third.places[-1] == 0
    assert fourth.is_told(2)
    assert not fourth.has_begun.is_set()
    first.finish()
    assert fourth.has_begun.wait(10)
    for script in (third, fourth):
        script.finish()
        assert script.error is None


def test_no_more_large_runs_are_computed_at_once_than_fit():
    shared = Budget(10 * MEGABYTE, at_once=8)
    first, second = Script(shared, 6 * MEGABYTE), None
    assert first.has_begun.wait(10)
    second = Script(shared, 5 * MEGABYTE)
    assert second.is_told(1)
    first.finish()
    assert second.has_begun.wait(10)
    second.finish()


def test_small_runs_do_not_wait():
    shared = Budget(100 * MEGABYTE, at_once=1)
    large = Script(shared, 90 * MEGABYTE)
    assert large.has_begun.wait(10)
    small = Script(shared, 5 * MEGABYTE)
    assert small.has_begun.wait(10)
    assert not small.places
    for script in (large, small):
        script.finish()


def test_who_stops_waiting_leaves_the_queue():
    shared = Budget(10 * MEGABYTE, at_once=1)
    first = Script(shared, 5 * MEGABYTE)
    assert first.has_begun.wait(10)
    second = Script(shared, 5 * MEGABYTE, stop_at=1)
    assert wait_until(lambda: second.error)
    assert isinstance(second.error, InterruptedError)
    third = Script(shared, 5 * MEGABYTE)
    assert third.is_told(1)
    first.finish()
    assert third.has_begun.wait(10)
    third.finish()


@pytest.mark.parametrize("context", [lambda shared: shared.turn(RecentCache(), ignore), lambda shared: nullcontext()])
def test_an_exception_ends_the_turn(context):
    shared = Budget(10 * MEGABYTE, at_once=1)

    def fail():
        with context(shared), shared.reserve(5 * MEGABYTE):
            raise KeyboardInterrupt

    for _ in range(2):  # the second one would wait forever
        with pytest.raises(KeyboardInterrupt):
            fail()


def test_a_turn_keeps_its_memory_until_it_ends_and_does_not_wait_for_itself():
    shared = Budget(10 * MEGABYTE, at_once=1)
    with shared.turn(RecentCache(), ignore):
        with shared.reserve(5 * MEGABYTE):
            pass
        other = Script(shared, 5 * MEGABYTE)
        assert other.is_told(1)
        with shared.reserve(6 * MEGABYTE):
            pass
        assert not other.has_begun.is_set()
    assert other.has_begun.wait(10)
    other.finish()


def test_a_reservation_within_another_one_does_not_wait_for_it():
    shared = Budget(100 * MEGABYTE, at_once=1)
    ended = threading.Event()

    def nested():
        with shared.reserve(60 * MEGABYTE), shared.reserve(60 * MEGABYTE):
            ended.set()

    threading.Thread(target=nested, daemon=True).start()
    assert ended.wait(10)
    with shared.reserve(60 * MEGABYTE):  # the memory is free again
        pass


def test_what_is_not_shown_is_dropped_first_from_the_session_used_least_recently():
    shared = Budget(12 * MEGABYTE, at_once=1)
    with session(shared, 1, 2) as old:
        pass
    with session(shared, 3, 4) as new:
        pass
    for cache, shown in ((new, 4), (old, 2)):  # now the new one is the one used least recently
        with session(shared, shown, cache=cache):
            pass
    with shared.turn(RecentCache(), ignore), shared.reserve(6 * MEGABYTE):
        assert (keys_of(old), keys_of(new)) == ([1, 2], [4])
    with shared.turn(RecentCache(), ignore), shared.reserve(8 * MEGABYTE):
        assert (keys_of(old), keys_of(new)) == ([2], [4])


def test_the_largest_results_of_a_session_are_dropped_first():
    shared = Budget(12 * MEGABYTE, at_once=1)
    with session(shared) as cache:
        for key, size in ((1, 2), (2, 4), (3, 2)):
            cache.get((f"thing{key}", key), lambda size=size: megabytes(size))
    with session(shared, 3, cache=cache):
        pass
    with shared.turn(RecentCache(), ignore), shared.reserve(5 * MEGABYTE):
        assert keys_of(cache) == [1, 3]


def test_what_is_shown_is_dropped_only_if_nothing_else_is_left_and_no_large_run_will_end():
    shared = Budget(10 * MEGABYTE, at_once=2)
    with session(shared, 1, 2) as cache:
        pass
    running = Script(shared, 5 * MEGABYTE)
    assert running.has_begun.wait(10)
    waiting = Script(shared, 5 * MEGABYTE)
    assert waiting.is_told(1)
    assert keys_of(cache) == [1, 2]
    running.finish()
    assert waiting.has_begun.wait(10)
    assert keys_of(cache) == [1, 2]
    waiting.finish()
    with shared.turn(RecentCache(), ignore), shared.reserve(9 * MEGABYTE):
        assert not keys_of(cache)


def test_what_a_running_script_uses_is_never_dropped():
    shared = Budget(10 * MEGABYTE, at_once=1)
    with session(shared, 1, 2) as cache:
        pass
    with session(shared, 2, 3, cache=cache):
        other = Script(shared, 10 * MEGABYTE)
        assert other.has_begun.wait(10)
        assert keys_of(cache) == [1, 2, 3]  # of the last script, and of this one
        other.finish()
    with session(shared, 2, 3, cache=cache):
        other = Script(shared, 10 * MEGABYTE)
        assert other.has_begun.wait(10)
        assert keys_of(cache) == [2, 3]
        other.finish()


def test_dropped_data_forget_their_cached_values_even_if_something_else_keeps_them():
    cache, data = RecentCache(), blobs(10)
    assert data.cached("canvas", 1, lambda: "image") == "image"
    cache.get(("data", 1), lambda: data)
    assert cache.drop(("data", 1), also_shown=True)
    assert data.cached("canvas", 1, lambda: "another image") == "another image"


def test_a_session_knows_that_a_dropped_result_was_computed_again():
    shared = Budget(10 * MEGABYTE, at_once=1)
    with session(shared, 1, 2) as cache:
        pass
    with session(shared, 2, cache=cache):
        pass
    with shared.turn(RecentCache(), ignore), shared.reserve(8 * MEGABYTE):
        assert keys_of(cache) == [2]
    with session(shared, 2, cache=cache):
        assert not cache.recomputed
    with session(shared, 1, cache=cache):
        assert cache.recomputed
        cache.recomputed = False
    with session(shared, 1, cache=cache):
        assert not cache.recomputed


def test_no_more_is_dropped_than_the_process_uses_above_the_budget(monkeypatch):
    shared = Budget(20 * MEGABYTE, at_once=1)
    with session(shared, 1, 2, 3) as cache:
        pass
    with session(shared, 3, cache=cache):
        pass
    monkeypatch.setattr(module, "resident_bytes", lambda: 21 * MEGABYTE)  # for example because of fragmentation
    with session(shared):
        pass
    assert keys_of(cache) == [2, 3]


def test_closed_sessions_do_not_count():
    shared = Budget(10 * MEGABYTE, at_once=1)
    with session(shared, 1, 2) as cache:
        pass
    with session(shared, 3, 4):
        pass
    with shared.turn(RecentCache(), ignore), shared.reserve(6 * MEGABYTE):
        assert keys_of(cache) == [1, 2]


def test_parts_that_results_share_count_once():
    one = megabytes(3)
    assert sorted(large_parts(one).values()) == [3 * MEGABYTE]
    assert large_parts([one[5:], {"view": one.reshape(3, -1)}]) == large_parts(one)
    text, small = "x" * 2 * MEGABYTE, np.zeros(10)
    assert sorted(large_parts((one, text, small)).values()) == [2 * MEGABYTE, 3 * MEGABYTE]


def test_the_size_of_a_run_includes_its_memberships(monkeypatch):
    monkeypatch.setattr(preparation, "MAX_ITERATIONS", 1)
    data = blobs(10_000)
    result = make_run(data, settings("mixture", 20, data=data), RecentCache(), lambda state: None)
    assert 10_000 * 20 * 8 in large_parts(result).values()


def test_dropping_and_computing_at_the_same_time_is_safe():
    shared, ends = Budget(10 * MEGABYTE, at_once=1), time.monotonic() + 1.0
    errors = []

    def visit(seed):
        rng, cache = np.random.default_rng(seed), RecentCache()
        try:
            while time.monotonic() < ends:
                with session(shared, *rng.integers(0, 9, 3).tolist(), cache=cache):
                    list(cache.items())
                    with shared.reserve(int(rng.integers(0, 8 * MEGABYTE))):
                        pass
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=visit, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_a_comparison_whose_runs_cannot_fit_together_is_rejected(monkeypatch):
    data, shared = blobs(1_000), Budget(3 * MEGABYTE, 1)
    monkeypatch.setattr("pages.compare.comparison.budget", lambda: shared)
    panels = [settings("mixture", k, data=data) for k in (20, 21, 22, 23)]
    options = dict(shared=[False] * 4, k=20, initialization="maxmin")
    assert sum(estimated_bytes(data, panel) for panel in panels) > shared.limit
    comparison = make_comparison(data, panels, RecentCache(), lambda i, state: None, **options)
    assert len(comparison.runs) == 4
    assert all("choose fewer points or fewer panels" in message for message in comparison.runs)


@pytest.mark.parametrize(
    ("files", "lines", "limits"),
    [
        ({"app/memory.max": "1000", "memory.max": "max"}, "0::/app", [1000]),
        ({"memory.max": "2000"}, "0::/", [2000]),
        ({"memory/a/b/memory.limit_in_bytes": "5", "memory/a/memory.limit_in_bytes": "7"}, "4:memory:/a/b\n3:cpu:/", [5, 7]),
        ({"memory/memory.limit_in_bytes": "9"}, "4:memory:/not/visible/here", [9]),
        ({}, "0::/", []),
    ],
)
def test_limits_of_control_groups_are_read(tmp_path, files, lines, limits):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "groups").write_text(lines)
    assert list(module._control_group_limits(tmp_path, tmp_path / "groups")) == limits


@pytest.mark.parametrize(
    ("text", "size"),
    [("8 GB", 2**33), ("8GiB", 2**33), ("1.5g", 3 * 2**29), ("700 MB", 700 * 2**20), ("1024", 1024), ("", None)],
)
def test_the_operator_can_set_the_budget_which_processes_share(text, size, monkeypatch):
    monkeypatch.setenv("CLUSTERING_MEMORY", text)
    assert configured_memory() == size
    monkeypatch.setenv("CLUSTERING_PROCESSES", "2")
    assert budget.__wrapped__().limit == (size or module.machine_bytes() * 60 // 100) // 2


@pytest.mark.parametrize("text", ["much", "0", "-1 GB", "8 PB"])
def test_a_budget_that_is_no_size_is_rejected(text, monkeypatch):
    monkeypatch.setenv("CLUSTERING_MEMORY", text)
    with pytest.raises(ValueError, match=f'CLUSTERING_MEMORY must be a positive size such as "8 GB", got "{text}"'):
        configured_memory()


def test_the_memory_of_the_machine_is_plausible():
    assert 2**28 < module.machine_bytes() <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
