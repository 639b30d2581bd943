"""What reviewers and checks say of a pull request: the part of a forge that the backlog is collected from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PullRequest:
    """One pull request: the commit and branch that it would bring in. `state` is the forge's own word."""

    number: int
    head_sha: str
    head_branch: str
    state: str


@dataclass(frozen=True, slots=True)
class ReviewComment:
    """One comment on a line, as its author wrote it: text of an outsider. `author` is a login, empty for a deleted one.

    `commit_id` is the commit that the forge shows it at now. `outdated`: the line it was about has changed since.
    """

    id: int
    author: str
    body: str
    path: str
    line: int | None
    original_line: int | None
    commit_id: str
    in_reply_to: int | None
    url: str
    outdated: bool


@dataclass(frozen=True, slots=True)
class Review:
    """One review's own text. `commit_id` is what was reviewed; it and `submitted_at` are None where not told."""

    id: int
    author: str
    body: str
    state: str
    commit_id: str | None
    url: str
    submitted_at: datetime | None


@dataclass(frozen=True, slots=True)
class CheckRun:
    """One check of a commit. `app` is the short name of who runs it; `conclusion` is None while it goes on."""

    id: int
    name: str
    app: str
    status: str
    conclusion: str | None
    url: str
    annotations_count: int


@dataclass(frozen=True, slots=True)
class Annotation:
    """One remark of a check about a line. `level` is the forge's own word."""

    path: str
    line: int
    level: str
    message: str
    title: str


class Reviews(Protocol):
    """Reading what was said of a change, over all pages. Every method may raise `ForgeError`; nothing changes."""

    async def pull(self, repository: str, number: int) -> PullRequest | None:
        """Return one pull request, or None where the forge shows none of that number."""
        ...

    async def pull_of_commit(self, repository: str, sha: str) -> PullRequest | None:
        """Return the pull request a commit belongs to: one whose head it is, else the one that brought it."""
        ...

    async def review_comments(self, repository: str, number: int) -> tuple[ReviewComment, ...]:
        """Return the comments on lines, the oldest first."""
        ...

    async def reviews(self, repository: str, number: int) -> tuple[Review, ...]:
        """Return the reviews, the oldest first."""
        ...

    async def checks(self, repository: str, sha: str) -> tuple[CheckRun, ...]:
        """Return the newest checks of a commit.

        Raises:
            Refused: the token may not read checks; fine-grained tokens never may.
        """
        ...

    async def annotations(self, repository: str, check: CheckRun) -> tuple[Annotation, ...]:
        """Return what a check remarks."""
        ...
