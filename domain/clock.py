"""Time as the rest of Reins sees it: an injected clock, and UTC with Z whenever a time is written down."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

UNREADABLE_TIME = "a time must look like 2026-11-22T14:02:00Z, with Z or an offset"


class Clock(Protocol):
    """Whoever needs the time is handed one of these, so that tests can hold it still."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return datetime.now(UTC)


@lru_cache(maxsize=64)  # one message writes one moment into several rows
def to_text(moment: datetime) -> str:
    """Write a moment as `2026-11-22T14:02:00.123Z`: fixed width, so that text order is time order (D36).

    Raises:
        ValueError: the moment has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(UNREADABLE_TIME)
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"


def from_text(text: str) -> datetime:
    """Read a time that says its zone, and return it in UTC.

    Raises:
        ValueError: the text is no time, or does not say its zone (naive times misled the original, D36).
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(UNREADABLE_TIME)
    return moment.astimezone(UTC)


def describe_age(moment: datetime, now: datetime) -> str:
    """Say how long ago a moment was, in the largest whole unit: `12 s`, `5 min`, `3 h`, `2 d`."""
    seconds = int((now - moment).total_seconds())
    if seconds < 0:
        return "in the future"
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
