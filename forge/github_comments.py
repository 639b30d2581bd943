"""Comments on GitHub: on issues and pull requests, which share one kind, and on commits, which have another."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from forge.comments import Comment, Target, TargetKind
from forge.github_client import GitHubClient, Variables
from forge.github_errors import GitHubRefused
from forge.github_identity import Author, GitHubIdentity, ViaApp
from forge.github_pages import PER_PAGE, items
from forge.github_settings import (
    READ_CONTENTS,
    READ_ISSUES,
    READ_METADATA,
    READ_PULLS,
    WRITE_CONTENTS,
    WRITE_ISSUES,
    WRITE_PULLS,
    Permissions,
)
from forge.port import ForgeError, Refused, Unclear, Unreachable

NO_COMMENT = 0  # GitHub counts from 1
_MAY_NOT = frozenset({"permission_missing", "app_refused"})
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one kind of comment lies, and what calls there need. To change one takes more than to write it on commits."""

    thread: str
    one: str
    page: str
    read: Permissions
    create: Permissions
    change: Permissions


_ON_ISSUE, _ISSUE_COMMENT = (
    "/repos/{+repository}/issues/{id}/comments",
    "/repos/{+repository}/issues/comments/{comment}",
)
_PLACES = {
    TargetKind.PULL: _Place(_ON_ISSUE, _ISSUE_COMMENT, "pull/{}#issuecomment-{}", READ_PULLS, WRITE_PULLS, WRITE_PULLS),
    TargetKind.ISSUE: _Place(
        _ON_ISSUE, _ISSUE_COMMENT, "issues/{}#issuecomment-{}", READ_ISSUES, WRITE_ISSUES, WRITE_ISSUES
    ),
    TargetKind.COMMIT: _Place(
        "/repos/{+repository}/commits/{id}/comments",
        "/repos/{+repository}/comments/{comment}",
        "commit/{}#commitcomment-{}",
        READ_METADATA,
        READ_CONTENTS,
        WRITE_CONTENTS,
    ),
}


class _Written(BaseModel):
    """A comment as GitHub shows it; its author is null once that account is gone."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    id: int = Field(gt=0)
    body: str | None = None
    user: Author | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    performed_via_github_app: ViaApp | None = None


class GitHubComments:
    """The `Comments` of GitHub."""

    def __init__(self, client: GitHubClient) -> None:
        """Use this client; who we are is asked when the first comment is read."""
        self._client = client
        self._identity = GitHubIdentity(client)

    async def all(self, target: Target) -> AsyncIterator[Comment]:
        """Yield every comment of a target; see `Comments.all`."""
        place = _PLACES[target.kind]
        variables: Variables = {**_variables(target), "per_page": PER_PAGE}
        async for document in items(self._client, place.thread + "{?per_page}", variables, place.read):
            yield await self._comment(target, _read(document))

    async def get(self, target: Target, comment_id: int) -> Comment | None:
        """Return one comment, or None where it was deleted."""
        place = _PLACES[target.kind]
        try:
            document = await self._client.read(place.one, _variables(target, comment_id), place.read)
        except GitHubRefused as error:
            if error.status in _GONE:
                return None
            raise
        return await self._comment(target, _read(document))

    async def create(self, target: Target, body: str) -> Comment:
        """Write a new comment; see `Comments.create`."""
        place = _PLACES[target.kind]
        document = await self._client.write(place.thread, _variables(target), {"body": body}, place.create)
        return await self._written(target, document)

    async def update(self, target: Target, comment_id: int, body: str) -> Comment | None:
        """Change a comment; see `Comments.update`."""
        place = _PLACES[target.kind]
        try:
            document = await self._client.change(
                place.one, _variables(target, comment_id), {"body": body}, place.change
            )
        except GitHubRefused as error:
            if error.status in _GONE:
                return None
            raise
        return await self._written(target, document)

    async def may_update(self, target: Target) -> bool:
        """Tell whether comments of our own can be changed there later.

        On a commit that takes Contents: write, and no token tells its permissions: a comment that cannot exist is
        changed. A server that looked for it before it looked at the token would say 404 to everybody: then the first
        comment is written and its first change is refused, which the publisher reports.
        """
        if target.kind is not TargetKind.COMMIT:
            return True
        try:
            return await self.update(target, NO_COMMENT, "?") is None
        except Refused as error:
            if error.reason in _MAY_NOT:
                return False
            raise

    async def _written(self, target: Target, document: Any) -> Comment:
        """Return what was just written, whatever GitHub's answer looks like: it did happen."""
        try:
            return await self._comment(target, _read(document))
        except ForgeError as error:
            raise Unclear(str(error)) from None

    async def _comment(self, target: Target, written: _Written) -> Comment:
        own = await self._identity.wrote(target.kind, written.user, written.performed_via_github_app)
        place = _PLACES[target.kind].page.format(target.id, written.id)
        url = f"{self._client.settings.pages}/{target.repository}/{place}"
        return Comment(written.id, own, written.body or "", url, written.created_at, written.updated_at)


def _variables(target: Target, comment_id: int | None = None) -> dict[str, str | int]:
    place = {"id": target.id} if comment_id is None else {"comment": comment_id}
    return {"repository": target.repository, **place}


def _read(document: object) -> _Written:
    try:
        return _Written.model_validate(document)
    except ValidationError as error:
        raise Unreachable(f"GitHub's answer is no comment ({error.error_count()} fields)") from None
