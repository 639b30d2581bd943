"""A script of faults for a fake provider: what goes wrong with its next calls, and what the provider really did then.

fake.faults.add(Fault.ACCEPT_THEN_DROP)              # the next call takes effect, its answer never comes
fake.faults.add(Fault.TOO_MANY, retry_after_seconds=7, times=3)
fake.faults.always(Fault.REFUSE_CONNECTION)          # until `clear()`: an outage
fake.faults.mixed(0.4, random.Random(1))             # 40 % of calls get a random fault, until `clear()`
"""

import random
from collections import deque
from dataclasses import dataclass
from enum import Enum


class Fault(Enum):
    """What goes wrong. Where `took_effect` is true the provider has done it all the same."""

    ACCEPT_THEN_DROP = "accept then drop the connection"
    ERROR_AFTER_ACCEPT = "accept, then answer 500"
    BAD_JSON_AFTER_ACCEPT = "accept, then answer 200 with a body that is no JSON"
    HUGE_BODY_AFTER_ACCEPT = "accept, then answer with 8 MB"
    SLOW_AFTER_ACCEPT = "accept, then never answer while the client waits"
    TOO_MANY = "answer 429, with the provider's own way of saying how long"
    ERROR = "answer 503 without doing anything"
    RESET = "reset the connection before reading the request"
    OUTAGE = "reset every connection at once"

    @property
    def took_effect(self) -> bool:
        """Tell whether the provider did what it was asked."""
        return self.name.endswith("ACCEPT") or self is Fault.ACCEPT_THEN_DROP


ONE_CALL_FAULTS = tuple(fault for fault in Fault if fault not in (Fault.OUTAGE, Fault.SLOW_AFTER_ACCEPT))


@dataclass(frozen=True, slots=True)
class Planned:
    """One fault that a call will meet."""

    fault: Fault
    retry_after_seconds: int | None = None


class Faults:
    """What the next calls meet: first the queue, then what lasts, then chance."""

    def __init__(self) -> None:
        self._queue: deque[Planned | None] = deque()
        self._lasting: Planned | None = None
        self._share = 0.0
        self._random = random.Random(0)
        self._kinds: tuple[Fault, ...] = ()

    def add(self, fault: Fault, *, times: int = 1, retry_after_seconds: int | None = None) -> None:
        """Let the next calls meet a fault."""
        self._queue.extend([Planned(fault, retry_after_seconds)] * times)

    def skip(self, times: int = 1) -> None:
        """Let the next calls go well, before what is added afterwards."""
        self._queue.extend([None] * times)

    def always(self, fault: Fault, *, retry_after_seconds: int | None = None) -> None:
        """Let every call meet a fault until `clear`."""
        self._lasting = Planned(fault, retry_after_seconds)

    def mixed(self, share: float, chance: random.Random, kinds: tuple[Fault, ...] = ONE_CALL_FAULTS) -> None:
        """Let that share of calls meet a random fault until `clear`."""
        self._share, self._random, self._kinds = share, chance, kinds

    def clear(self) -> None:
        """Let everything go well from now on."""
        self._queue.clear()
        self._lasting, self._share = None, 0.0

    def next(self) -> Planned | None:
        """Return what this call meets, None for nothing; called once per request by the fake."""
        if self._queue:
            return self._queue.popleft()
        if self._lasting is not None:
            return self._lasting
        if self._share and self._random.random() < self._share:
            return Planned(self._random.choice(self._kinds), 1)
        return None
