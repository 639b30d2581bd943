"""When people are on duty: shifts in whole hours of one week, and where they meet."""

from dataclasses import dataclass

HOURS_PER_WEEK = 168
REST_HOURS = 11  # the least time between two shifts of one person (EU directive 2003/88/EC, article 3)


@dataclass(frozen=True, slots=True)
class Shift:
    """One stretch of duty: `start` and `end` count hours from Monday 00:00, end excluded."""

    person: str
    start: int
    end: int

    def hours(self) -> int:
        """Return the length in hours."""
        return self.end - self.start

    def overlaps(self, other: "Shift") -> bool:
        """Tell whether two shifts share an hour."""
        return self.start < other.end and other.start < self.end

    def is_night(self) -> bool:
        """Tell whether the shift begins between 22:00 and 06:00."""
        hour = self.start % 24
        return hour >= 22 or hour < 6


def rested(earlier: Shift, later: Shift) -> bool:
    """Tell whether a person may take the later shift after the earlier one."""
    if earlier.person != later.person:
        return True
    return later.start - earlier.end >= REST_HOURS


def uncovered_hours(shifts: list[Shift], start: int, end: int) -> list[int]:
    """List the hours in which nobody is on duty."""
    hour = start
    empty = []
    while hour < end:
        if not any(shift.start <= hour < shift.end for shift in shifts):
            empty.append(hour)
        hour += 1
    return empty
