"""What the fake GitHub really did for the bot: the truth a test compares the bot's own records with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Dispatched:
    """One run that a dispatch started."""

    request_id: str
    repository: str
    workflow: str
    ref: str
    head_sha: str
    inputs: Mapping[str, str]
    run_id: int


@dataclass(frozen=True, slots=True)
class Written:
    """One comment written or changed; `author` wrote it first, `by` is who did this."""

    kind: Literal["create", "update"]
    comment_id: int
    where: str  # `acme/app#7`, or `acme/app@<sha>`
    body: str
    author: str
    by: str


@dataclass(slots=True)
class Effects:
    """Every change that was carried out, in order, whatever became of its answer."""

    dispatches: list[Dispatched] = field(default_factory=list)
    comments: list[Written] = field(default_factory=list)
    cancels: list[int] = field(default_factory=list)
    reruns: list[int] = field(default_factory=list)

    def runs_of(self, request_id: str) -> list[int]:
        """Return the ids of the runs that one request started: two of them are a repetition."""
        return [one.run_id for one in self.dispatches if one.request_id == request_id]
