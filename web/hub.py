"""Waking the event streams of a person when something was appended to their thread."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from domain.errors import UserError

STREAMS_PER_PERSON = 8  # a phone, a laptop and some forgotten tabs; more is a loop


class Hub:
    """In-process wake-ups only; the thread in the store is what is true, so a missed wake-up loses nothing."""

    def __init__(self) -> None:
        """Start with nobody listening."""
        self._listening: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self.closing = asyncio.Event()

    @contextmanager
    def listen(self, person: str) -> Iterator[asyncio.Event]:
        """Yield an event that is set whenever there is news for a person.

        Raises:
            UserError: the person has too many streams open.
        """
        if len(self._listening[person]) >= STREAMS_PER_PERSON:
            raise UserError(f"more than {STREAMS_PER_PERSON} event streams are open: close some pages", "too_many")
        wake = asyncio.Event()
        self._listening[person].add(wake)
        try:
            yield wake
        finally:
            self._listening[person].discard(wake)
            if not self._listening[person]:
                del self._listening[person]

    def news_for(self, person: str) -> None:
        """Wake a person's streams."""
        for wake in self._listening.get(person, ()):
            wake.set()

    def close(self) -> None:
        """End every stream: the process is going down."""
        self.closing.set()
        for wakes in self._listening.values():
            for wake in wakes:
                wake.set()
