"""The pulse of one channel: when it last worked, and what is wrong with it now; the liveness watch reads it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class Pulse:
    """Facts an adapter notes as they happen. None means that it has not happened since the start, not that it failed.

    `polls` is true for a channel that fetches messages by itself: only then does silence mean anything.
    """

    name: str
    polls: bool = False
    last_poll: datetime | None = None
    last_accepted: datetime | None = None
    problem: str | None = None
    problem_since: datetime | None = None

    def polled(self, now: datetime) -> None:
        """Note a completed poll or a line of a stream: the provider is there and knows us."""
        self.last_poll = now
        self.well()

    def accepted(self, now: datetime) -> None:
        """Note that the provider took something from us."""
        self.last_accepted = now

    def trouble(self, reason: str, now: datetime) -> None:
        """Note what is wrong; the same trouble again keeps its first time. `reason` must hold no secret."""
        if self.problem is None:
            self.problem_since = now
        self.problem = reason

    def well(self) -> None:
        """Note that nothing is wrong any more."""
        self.problem = self.problem_since = None
