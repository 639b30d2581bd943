"""A channel with a ledger of what really arrived, and a script of faults for its next calls."""

import asyncio
from collections import deque
from dataclasses import dataclass

from channels.port import DeliveryError, MaybeSent
from domain.notices import Notice


@dataclass(frozen=True, slots=True)
class Arrived:
    """One notice at one address."""

    to: str
    notice: Notice


class FakeChannel:
    """Takes one fault per delivery: None is none, `MaybeSent` loses the answer after the notice arrived.

    `can_tell` False stands for a provider that cannot say what arrived.
    """

    def __init__(self, name: str = "web") -> None:
        self.name = name
        self.faults: deque[DeliveryError | None] = deque()
        self.ledger: list[Arrived] = []
        self.can_tell = True
        self.looks = 0
        self.called = asyncio.Event()

    async def deliver(self, value: str, notice: Notice) -> None:
        self.called.set()
        fault = self.faults.popleft() if self.faults else None
        if fault is not None and not isinstance(fault, MaybeSent):
            raise fault
        self.ledger.append(Arrived(value, notice))
        if fault is not None:
            raise fault

    async def arrived(self, value: str, notice: Notice) -> bool | None:
        self.looks += 1
        return any(one == Arrived(value, notice) for one in self.ledger) if self.can_tell else None
