"""Long work in pieces, which can be stopped and resumed: what is done stays."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class Job(ABC):
    """Resumable work with its partial results."""

    done: dict[Hashable, Any] = field(default_factory=dict, init=False)
    """the result of each finished piece"""
    noun = "piece"
    """what a piece is called"""

    @property
    @abstractmethod
    def pieces(self) -> Sequence[Hashable]:
        """All pieces, in the order in which they are done."""

    @abstractmethod
    def make(self, piece: Hashable, on_step: Callable[[Any], None]) -> Any:
        """The result of a piece. `on_step` is called now and then, with the state of a run that has an iteration number, or
        None; an exception that it raises ends the work."""

    @abstractmethod
    def describe(self, piece: Hashable, step: Any) -> str:
        """What is being done, in a sentence."""

    @property
    def missing(self) -> list[Hashable]:
        """The pieces that are not done, in order."""
        return [piece for piece in self.pieces if piece not in self.done]

    def resume(self, tell: Callable[[float, str], None]) -> None:
        """Does what is missing.

        `tell` is called with the share of all pieces that is done and a sentence about what is being done; an exception that
        it raises ends the work, and what was done stays.
        """
        count = len(self.pieces)
        for piece in self.missing:

            def on_step(step, piece=piece):
                within = 0.0 if step is None else share_of(step.iteration)
                tell((len(self.done) + within) / max(count, len(self.done) + 1), self.describe(piece, step))

            on_step(None)
            self.done[piece] = self.make(piece, on_step)


def share_of(iteration: int) -> float:
    """How much of a run of unknown length to show as done: the bar slows down but never stands still."""
    return iteration / (iteration + 30)
