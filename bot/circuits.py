"""Which channels are given a rest: one that keeps failing is probed with one notice now and then, not with all of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.clock import Clock

RESTS_AFTER = 5  # failures in a row ...
RESTS_AFTER_SILENCE = timedelta(
    seconds=5
)  # ... without a success for this long: of many calls at once some fail in a row
PROBE_EVERY = timedelta(seconds=5)
BACK_FOR = timedelta(seconds=60)  # how long a channel that was away counts as just back


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    worked_at: datetime | None = None
    probe_at: datetime | None = None  # None while the channel works
    back_at: datetime | None = None


class Circuits:
    """One circuit per channel, in memory: a new process finds out anew."""

    def __init__(self, clock: Clock) -> None:
        """Let every channel through."""
        self._clock = clock
        self._circuits: dict[str, _Circuit] = {}

    def resting(self) -> frozenset[str]:
        """Return the channels whose notices wait."""
        return frozenset(name for name, one in self._circuits.items() if one.probe_at is not None)

    def is_back(self, channel: str) -> bool:
        """Tell whether a channel has come back a moment ago."""
        circuit = self._circuits.get(channel)
        return circuit is not None and circuit.back_at is not None and self._clock.now() - circuit.back_at < BACK_FOR

    def probes_due(self) -> list[str]:
        """Return the resting channels that should be tried with one notice now; each is named once per interval."""
        now = self._clock.now()
        due = [name for name, one in self._circuits.items() if one.probe_at is not None and one.probe_at <= now]
        for name in due:
            self._circuits[name].probe_at = now + PROBE_EVERY
        return due

    def next_probe(self) -> datetime | None:
        """Return when the next probe is due, or None while nothing rests."""
        return min((one.probe_at for one in self._circuits.values() if one.probe_at is not None), default=None)

    def worked(self, channel: str) -> bool:
        """Note that the provider answered sensibly; True when the channel had been resting."""
        circuit, now = self._circuits.setdefault(channel, _Circuit()), self._clock.now()
        rested = circuit.probe_at is not None
        circuit.failures, circuit.worked_at, circuit.probe_at = 0, now, None
        if rested:
            circuit.back_at = now
        return rested

    def failed(self, channel: str, *, for_good: bool, retry_after_seconds: int | None = None) -> None:
        """Note a failure. `for_good` is one that somebody has to mend: the channel rests at once."""
        circuit, now = self._circuits.setdefault(channel, _Circuit()), self._clock.now()
        circuit.failures += 1
        silent = circuit.worked_at is None or now - circuit.worked_at >= RESTS_AFTER_SILENCE
        if for_good or (circuit.failures >= RESTS_AFTER and silent):
            wait = max(PROBE_EVERY, timedelta(seconds=retry_after_seconds or 0))
            circuit.probe_at = max(circuit.probe_at or now, now + wait)
