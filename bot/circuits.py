"""Which channels are given a rest: one that keeps failing is probed with one notice now and then, not with all of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.clock import Clock

RESTS_AFTER = 5  # failures in a row: at 40 % bad luck this is chance one time in a hundred
PROBE_EVERY = timedelta(seconds=15)


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    probe_at: datetime | None = None  # None while the channel works


class Circuits:
    """One circuit per channel, in memory: a new process finds out anew."""

    def __init__(self, clock: Clock) -> None:
        """Let every channel through."""
        self._clock = clock
        self._circuits: dict[str, _Circuit] = {}

    def resting(self) -> frozenset[str]:
        """Return the channels whose notices wait."""
        return frozenset(name for name, one in self._circuits.items() if one.probe_at is not None)

    def probes_due(self) -> list[str]:
        """Return the resting channels that should be tried with one notice now; each is named once per interval."""
        now = self._clock.now()
        due = [name for name, one in self._circuits.items() if one.probe_at is not None and one.probe_at <= now]
        for name in due:
            self._circuits[name].probe_at = now + PROBE_EVERY
        return due

    def next_probe(self) -> datetime | None:
        """Return when the next probe is due, or None while nothing rests."""
        return min(_probe_times(self._circuits.values()), default=None)

    def worked(self, channel: str) -> bool:
        """Note that the provider answered sensibly; True when the channel had been resting."""
        was = self._circuits.pop(channel, None)
        return was is not None and was.probe_at is not None

    def failed(self, channel: str, *, for_good: bool, retry_after_seconds: int | None = None) -> None:
        """Note a failure. `for_good` is one that somebody has to mend: the channel rests at once."""
        circuit = self._circuits.setdefault(channel, _Circuit())
        circuit.failures += 1
        if for_good or circuit.failures >= RESTS_AFTER:
            wait = max(PROBE_EVERY, timedelta(seconds=retry_after_seconds or 0))
            circuit.probe_at = max(circuit.probe_at or self._clock.now(), self._clock.now() + wait)


def _probe_times(circuits: Iterable[_Circuit]) -> list[datetime]:
    return [one.probe_at for one in circuits if one.probe_at is not None]
