"""What each person wants to be told of other people's runs, and when they must not be woken."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo

MINUTES_A_DAY = 1440


class Level(StrEnum):
    """How much of a loop somebody wants to hear: everything, ends of runs, or runs that did not succeed."""

    ALL = "all"
    FINALS = "finals"
    FAILURES = "failures"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A stretch of every day, in minutes after local midnight; it may pass midnight. `zone` is an IANA name or UTC.

    Raises:
        ValueError: a minute is not within the day, or both are the same.
    """

    from_minute: int
    to_minute: int
    zone: str

    def __post_init__(self) -> None:
        """Refuse what names no stretch."""
        within = 0 <= self.from_minute < MINUTES_A_DAY and 0 <= self.to_minute < MINUTES_A_DAY
        if not within or self.from_minute == self.to_minute:
            raise ValueError("quiet hours begin and end at two different minutes from 0 to 1439")

    def holds_until(self, now: datetime) -> datetime | None:
        """Return when the quiet hours around `now` end, in UTC, or None when `now` is outside of them.

        A stretch is told by its two moments, so that it keeps its end on a night when the clock changes: of a time
        that the clock shows twice the first counts, one that it leaves out comes as much later (RFC 5545, 3.3.5).

        Raises:
            ZoneInfoNotFoundError: this machine does not know the zone.
        """
        zone = UTC if self.zone == "UTC" else ZoneInfo(self.zone)
        today = now.astimezone(zone).date()
        nights = 1 if self.to_minute < self.from_minute else 0
        for day in (today - timedelta(days=1), today):
            end = _moment(day + timedelta(days=nights), self.to_minute, zone)
            if _moment(day, self.from_minute, zone) <= now < end:
                return end
        return None


@dataclass(frozen=True, slots=True)
class Preferences:
    """One person's settings: the level of each subscribed loop, until when a loop is muted, and their quiet hours.

    A loop is `all` where every loop is meant; a muting that is over may still be listed.
    """

    subscriptions: Mapping[str, Level] = field(default_factory=dict)
    muted: Mapping[str, datetime] = field(default_factory=dict)
    quiet: QuietHours | None = None


def _moment(day: date, minute: int, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(minute // 60, minute % 60), zone).astimezone(UTC)
