"""Our own pacing towards a provider: sliding windows, pure, so that a limit is kept before the provider has to say so."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

MAX_REMEMBERED = 1000  # destinations; the ones nothing counts for any more are forgotten beyond that


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `sends` in any stretch of `seconds`."""

    sends: int
    seconds: float


@dataclass(slots=True)
class Pace:
    """Counts sends to each destination and to all of them together."""

    overall: Limit
    _counted: dict[tuple[object, Limit], deque[datetime]] = field(default_factory=dict, init=False, repr=False)

    def reserve(self, destination: object, limits: tuple[Limit, ...], now: datetime) -> float:
        """Count one send and return 0, or count nothing and return the seconds to wait."""
        windows = [(None, self.overall), *((destination, limit) for limit in limits)]
        wait = max(self._seconds_to_wait(window, now) for window in windows)
        if wait == 0:
            for window in windows:
                self._counted[window].append(now)
            if len(self._counted) > MAX_REMEMBERED:
                self._forget_the_idle(now)
        return wait

    def _seconds_to_wait(self, window: tuple[object, Limit], now: datetime) -> float:
        limit, sent = window[1], self._counted.setdefault(window, deque())
        oldest_that_counts = now - timedelta(seconds=limit.seconds)
        while sent and sent[0] <= oldest_that_counts:
            sent.popleft()
        return 0.0 if len(sent) < limit.sends else (sent[0] - oldest_that_counts).total_seconds()

    def _forget_the_idle(self, now: datetime) -> None:
        self._counted = {
            window: sent
            for window, sent in self._counted.items()
            if sent and sent[-1] > now - timedelta(seconds=window[1].seconds)
        }
