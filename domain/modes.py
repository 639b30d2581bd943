"""The kill switch: three modes, and the lowest one named anywhere wins."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Mode(StrEnum):
    """`off`: only reads and status. `read-only`: also report-only actions. `operate`: also fix mode (docs/design.md)."""

    OFF = "off"
    READ_ONLY = "read-only"
    OPERATE = "operate"

    @property
    def rank(self) -> int:
        """Return the height: off 0, read-only 1, operate 2."""
        return _HEIGHTS[self]


_HEIGHTS = {Mode.OFF: 0, Mode.READ_ONLY: 1, Mode.OPERATE: 2}


@dataclass(frozen=True, slots=True)
class ModeSources:
    """Everything that can hold the mode down: the environment, the stored mode and a `HALT` file."""

    environment: Mode | None
    stored: Mode
    halt_file: bool

    @property
    def effective(self) -> Mode:
        """Return the lowest of all sources."""
        if self.halt_file:
            return Mode.OFF
        if self.environment is None:
            return self.stored
        return min(self.environment, self.stored, key=lambda mode: mode.rank)

    @property
    def held_by(self) -> str:
        """Say which source holds the mode where it is, in words for a person."""
        if self.halt_file:
            return "the HALT file"
        if self.environment is not None and self.environment.rank < self.stored.rank:
            return "AUTONOMY_MODE in the environment"
        return "the stored mode"


@dataclass(frozen=True, slots=True)
class StoredMode:
    """The mode people set, with the version that every change raises by one."""

    mode: Mode
    version: int
    changed_at: datetime
    changed_by: str
