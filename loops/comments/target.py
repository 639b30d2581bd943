"""Choosing what a comment hangs on: a pull request before a commit, and a commit only where we may change it later."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from domain.errors import UserError
from domain.git_names import COMMIT
from forge.comments import Target, TargetKind

MAX_NUMBER = 2**31 - 1
NO_TARGET = (
    "no pull request is known, and the token may not change comments on the commit: name one with"
    " --comment-pr-number, or an issue with --tracking-issue"
)
MayUpdate = Callable[[Target], Awaitable[bool]]


class TargetChoice(StrEnum):
    """Where people want the comment."""

    AUTO = "auto"
    PULL = "pr"
    COMMIT = "commit"


def read_choice(text: str) -> TargetChoice:
    """Read `--comment-target`.

    Raises:
        UserError: it is none of the three.
    """
    try:
        return TargetChoice(text)
    except ValueError:
        raise UserError(f"comment-target: must be one of {', '.join(TargetChoice)}") from None


@dataclass(frozen=True, slots=True)
class TargetWish:
    """What people said: the choice, a pull request of their own naming, and the issue where nothing else is.

    Raises:
        UserError: a number that is none.
    """

    choice: TargetChoice = TargetChoice.AUTO
    pull: int | None = None
    tracking_issue: int | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that no forge has."""
        for name, number in (("comment-pr-number", self.pull), ("tracking-issue", self.tracking_issue)):
            if number is not None and not 0 < number <= MAX_NUMBER:
                raise UserError(f"{name}: must be a whole number above 0")


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What the report knows of its source: the pull request and the commit, None where nobody told."""

    repository: str
    pull: int | None
    sha: str | None


async def choose_target(wish: TargetWish, facts: TargetFacts, may_update: MayUpdate) -> Target | None:
    """Return the place, or None where there is none; `NO_TARGET` then says the mend.

    Raises:
        UserError: a pull request without a number, or a commit without its whole id, was asked for.
        ForgeError: nobody can tell whether comments on the commit could be changed.
    """
    number = wish.pull if wish.pull is not None else facts.pull
    pull = None if number is None else Target(facts.repository, TargetKind.PULL, str(number))
    whole = facts.sha if re.fullmatch(COMMIT, facts.sha or "") else None
    commit = None if whole is None else Target(facts.repository, TargetKind.COMMIT, whole)
    if wish.choice is TargetChoice.AUTO:
        return pull or await _without_pull(wish, facts.repository, commit, may_update)
    if wish.choice is TargetChoice.PULL and pull is None:
        raise UserError("comment-target pr: the report names no pull request; give --comment-pr-number")
    if wish.choice is TargetChoice.COMMIT and commit is None:
        raise UserError("comment-target commit: the report names no whole commit id; choose auto or pr")
    return pull if wish.choice is TargetChoice.PULL else commit


async def _without_pull(
    wish: TargetWish, repository: str, commit: Target | None, may_update: MayUpdate
) -> Target | None:
    if commit is not None and await may_update(commit):
        return commit
    if wish.tracking_issue is None:
        return None
    return Target(repository, TargetKind.ISSUE, str(wish.tracking_issue))
