"""What one check found, and how to mend it."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """`ok`: as it should be. `warn`: works, but look at it. `fail`: mend it."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report; `mend` is empty where nothing is to be done."""

    level: Level
    part: str
    what: str
    mend: str = ""


def ok(part: str, what: str) -> Finding:
    """Return a finding that asks for nothing."""
    return Finding(Level.OK, part, what)


def warn(part: str, what: str, mend: str) -> Finding:
    """Return a finding that deserves a look."""
    return Finding(Level.WARN, part, what, mend)


def fail(part: str, what: str, mend: str) -> Finding:
    """Return a finding that must be mended."""
    return Finding(Level.FAIL, part, what, mend)
