"""Long computations split into tasks, which can be stopped and resumed."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, Self

from pages.runs.budget import budget, waiting_message


@dataclass(eq=False)
class Job(ABC):
    """A resumable computation with its partial results."""

    results: dict[Hashable, Any] = field(default_factory=dict, init=False)
    """the result of each finished task"""
    noun = "task"
    """what a task is called on the screen"""
    can_be_sent = True
    """whether other processes can run its tasks"""

    @property
    @abstractmethod
    def tasks(self) -> Sequence[Hashable]:
        """All tasks, in the order in which they are run."""

    @abstractmethod
    def run_task(self, task: Hashable, on_step: Callable[[Any], None]) -> Any:
        """Run one task and return its result.

        `on_step` is called from time to time, with a `State` if progress within the task is known and None otherwise. It may
        raise an exception to stop the job.
        """

    @abstractmethod
    def describe(self, task: Hashable, state: Any) -> str:
        """Progress message for a task; `state` is the last argument of `on_step`."""

    @property
    def n_bytes(self) -> int:
        """Approximate memory that a task needs at most."""
        return 0

    def part(self, tasks: Sequence[Hashable]) -> Self:
        """A job without results that can run these tasks in another process."""
        return replace(self)

    def finish(self, task: Hashable, result: Any) -> None:
        """Add the result of a task."""
        self.results[task] = result

    def snapshot(self) -> Self:
        """A copy with the results so far, which stays the same while another thread runs the job."""
        copied = copy(self)
        copied.results = self.results.copy()
        return copied

    @property
    def remaining(self) -> list[Hashable]:
        """Unfinished tasks, in order."""
        return [task for task in self.tasks if task not in self.results]

    def resume(self, on_progress: Callable[[float, str], None]) -> None:
        """Run the remaining tasks. If they are large, each waits for its turn in the memory budget.

        `on_progress` is called with the completed share of all tasks (0 to 1) and a message. It may raise an exception to
        stop the job; the results so far are kept.
        """
        count, n_bytes = len(self.tasks), self.n_bytes
        for task in self.remaining:

            def on_step(state, task=task):
                within = 0.0 if state is None else progress_after(state.iteration)
                share = (len(self.results) + within) / max(count, len(self.results) + 1)
                on_progress(share, self.describe(task, state))

            def on_wait(ahead):
                if ahead:
                    on_progress(len(self.results) / max(count, 1), waiting_message(ahead))

            on_step(None)
            with budget().reserve(n_bytes, on_wait):
                self.finish(task, self.run_task(task, on_step))


@dataclass(eq=False)
class MissingRuns(Job):
    """The runs that a study does not have yet. A task identifies a run."""

    study: Any
    """a dataclass whose `finished` has the result of each finished run, by task"""
    queue: tuple[Hashable, ...]
    """runs that were missing when the job was created"""
    noun = "run"

    @property
    def tasks(self) -> tuple[Hashable, ...]:
        return self.queue

    def part(self, tasks: Sequence[Hashable]) -> Self:
        return replace(self, study=replace(self.study, finished={}), queue=tuple(tasks))

    def finish(self, task: Hashable, result: Any) -> None:
        self.results[task] = self.study.finished[task] = result


def progress_after(iteration: int) -> float:
    """Progress to display for a run of unknown length: increases with every iteration, stays below 1."""
    return iteration / (iteration + 30)
