"""A clock that runs like a real one from a given moment on, and can be moved ahead as well."""

import time
from datetime import datetime, timedelta

from tests.fakes.virtual_time import START, VirtualTime


class RunningTime(VirtualTime):
    def __init__(self, now: datetime = START) -> None:
        super().__init__(now)
        self._since = time.monotonic()

    def now(self) -> datetime:
        return self._now + timedelta(seconds=time.monotonic() - self._since)
