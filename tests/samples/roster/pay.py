"""What a week of shifts costs, in whole cents."""

from tests.samples.roster.shifts import Shift

FULL_WEEK_HOURS = 40
NIGHT_PERCENT = 25
OVERTIME_PERCENT = 50


def shift_cents(shift: Shift, cents_per_hour: int) -> int:
    """Return the pay of one shift: night shifts earn a quarter more."""
    base = shift.hours() * cents_per_hour
    return base + base * NIGHT_PERCENT // 100 if shift.is_night() else base


def overtime_hours(shifts: list[Shift]) -> int:
    """Return the hours above a full week."""
    worked = sum(shift.hours() for shift in shifts)
    return max(worked - FULL_WEEK_HOURS, 0)


def week_cents(shifts: list[Shift], cents_per_hour: int) -> int:
    """Return the pay of one person's week, overtime included."""
    base = sum(shift_cents(shift, cents_per_hour) for shift in shifts)
    return base + overtime_hours(shifts) * cents_per_hour * OVERTIME_PERCENT // 100


def cents_text(cents: int) -> str:
    """Write cents as a price: `1234` becomes `12.34`."""
    return f"{cents // 100}.{cents % 100:02d}"
