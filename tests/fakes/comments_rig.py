"""Our comments on a fake GitHub where issue 7 is open, with a wait that only notes what was asked of it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, DummyCookieJar

from forge.comments import Comment, Comments, Target, TargetKind
from forge.github_client import GitHubClient
from forge.github_comments import GitHubComments
from forge.github_settings import GitHubSettings
from tests.fakes.providers.github import HOME, TOKEN, FakeGitHub
from tests.fakes.virtual_time import VirtualTime

PULL = Target(HOME, TargetKind.PULL, "7")


def _nothing(_what: Any) -> None:
    """Let nothing happen."""


@dataclass(slots=True)
class Meddled:
    """Comments where others do something right before ours is made (told its text) or changed (told its id)."""

    comments: Comments
    before_create: Callable[[str], object] = _nothing
    before_update: Callable[[int], object] = _nothing

    def all(self, target: Target) -> AsyncIterator[Comment]:
        return self.comments.all(target)

    async def get(self, target: Target, comment_id: int) -> Comment | None:
        return await self.comments.get(target, comment_id)

    async def create(self, target: Target, body: str) -> Comment:
        self.before_create(body)
        return await self.comments.create(target, body)

    async def update(self, target: Target, comment_id: int, body: str) -> Comment | None:
        self.before_update(comment_id)
        return await self.comments.update(target, comment_id, body)

    async def may_update(self, target: Target) -> bool:
        return await self.comments.may_update(target)


@dataclass(slots=True)
class CommentsRig:
    """A fake GitHub and our side of it; waiting moves the clock."""

    github: FakeGitHub
    clock: VirtualTime
    client: GitHubClient
    comments: GitHubComments
    waited: list[float] = field(default_factory=list)

    async def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.clock.advance(seconds)

    def asked(self, operation: str) -> int:
        """Return how many calls of one operation came in."""
        return [seen.operation for seen in self.github.seen].count(operation)

    def commit(self) -> Target:
        return Target(HOME, TargetKind.COMMIT, self.github.home.commits.branches["main"])


@asynccontextmanager
async def comments_rig(**settings: Any) -> AsyncIterator[CommentsRig]:
    """Start both; `settings` are those of `GitHubSettings`, with the usual token unless told."""
    clock = VirtualTime()
    async with FakeGitHub(clock) as github, ClientSession(cookie_jar=DummyCookieJar()) as session:
        github.home.discussion.open_issue(7)
        settings = settings if "app" in settings else {"token": TOKEN, **settings}
        client = GitHubClient(session, GitHubSettings(api_base=github.url, **settings), clock)
        yield CommentsRig(github, clock, client, GitHubComments(client))
