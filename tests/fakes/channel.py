"""A channel with a ledger of what really arrived, and a script of faults for its next calls."""

import asyncio
from collections import deque
from dataclasses import dataclass

from channels.port import Arrival, DeliveryError, Earlier, Handed, MaybeSent
from domain.notices import Notice


@dataclass(frozen=True, slots=True)
class Arrived:
    """One notice at one address."""

    to: str
    notice: Notice
    repeat: bool = False


class FakeChannel:
    """Takes one fault per delivery: None is none, `MaybeSent` loses the answer after the notice arrived.

    `can_tell` False stands for a provider that cannot say what arrived; `says` overrides what looking back shows,
    `hands` what it answers a good delivery with.
    """

    def __init__(self, name: str = "web") -> None:
        self.name = name
        self.look_back_after_seconds = 5.0
        self.faults: deque[DeliveryError | None] = deque()
        self.ledger: list[Arrived] = []
        self.can_tell = True
        self.says: Arrival | None = None
        self.hands = Handed()
        self.looks: list[Earlier] = []
        self.called = asyncio.Event()
        self.gate: asyncio.Event | None = None  # calls wait for it
        self.waiting = self.most_waiting = 0

    async def deliver(self, value: str, notice: Notice, *, repeat: bool) -> Handed:
        self.called.set()
        if self.gate is not None:
            self.waiting += 1
            self.most_waiting = max(self.most_waiting, self.waiting)
            await self.gate.wait()
            self.waiting -= 1
        fault = self.faults.popleft() if self.faults else None
        if fault is not None and not isinstance(fault, MaybeSent):
            raise fault
        self.ledger.append(Arrived(value, notice, repeat))
        if fault is not None:
            raise fault
        return self.hands

    async def look_back(self, value: str, notice: Notice, earlier: Earlier) -> Arrival:
        self.looks.append(earlier)
        if self.says is not None:
            return self.says
        if not self.can_tell:
            return Arrival.CANNOT_TELL
        arrived = any((one.to, one.notice) == (value, notice) for one in self.ledger)
        return Arrival.ARRIVED if arrived else Arrival.NOT_THERE
