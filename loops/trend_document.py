"""What a trend picture shows, as plain data: the bot writes it, the process that draws reads it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from domain.runs import RunState


@dataclass(frozen=True, slots=True)
class ScorePoint:
    """One measurement in basis points (8123 is 81.23 %); None is an unknown score, never a zero (I11)."""

    at: datetime
    score_basis_points: int | None
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class ScoreTrend:
    """Mutation scores, oldest first, and the threshold they are held to."""

    title: str
    points: tuple[ScorePoint, ...]
    threshold_basis_points: int | None = None
    kind: Literal["score"] = "score"


@dataclass(frozen=True, slots=True)
class RunPoint:
    """One run: its handle, how it stands, and how long it took; None where nobody knows or it is not over."""

    handle: str
    state: RunState
    seconds: float | None


@dataclass(frozen=True, slots=True)
class RunTrend:
    """The last runs, oldest first."""

    title: str
    points: tuple[RunPoint, ...]
    kind: Literal["runs"] = "runs"


Trend = ScoreTrend | RunTrend
