"""Comments on a forge as the loops need them: listed whole, told apart by author, written and changed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class TargetKind(StrEnum):
    """What a comment hangs on."""

    PULL = "pr"
    COMMIT = "commit"
    ISSUE = "issue"


@dataclass(frozen=True, slots=True)
class Target:
    """One place for comments: `id` is a number for pull requests and issues, a full commit id for commits."""

    repository: str
    kind: TargetKind
    id: str


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment. `own` tells whether we wrote it: decided by the forge's own record of the author, never by its text."""

    id: int
    own: bool
    body: str
    url: str
    created_at: datetime
    updated_at: datetime


class Comments(Protocol):
    """Reading and writing comments. Every method may raise `ForgeError`."""

    def all(self, target: Target) -> AsyncIterator[Comment]:
        """Yield every comment of a target, over all pages, the oldest first."""
        ...

    async def get(self, target: Target, comment_id: int) -> Comment | None:
        """Return one comment, or None where it was deleted."""
        ...

    async def create(self, target: Target, body: str) -> Comment:
        """Write a new comment.

        Raises:
            Unclear: it may have been written: list, never repeat.
        """
        ...

    async def update(self, target: Target, comment_id: int, body: str) -> Comment | None:
        """Change a comment to this body; None where it was deleted. Doing it twice is safe.

        Raises:
            Refused: we may not change it.
        """
        ...

    async def may_update(self, target: Target) -> bool:
        """Tell whether we could change a comment of our own there later: on commits that takes a right of its own."""
        ...
