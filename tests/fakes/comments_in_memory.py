"""Comments in memory, for tests of very many calls: two identities, and answers that get lost."""

import itertools
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace

from domain.clock import Clock
from forge.comments import Comment, Target
from forge.port import Unclear


@dataclass(slots=True)
class CommentsInMemory:
    """The `Comments` of one target. The next `lost` writes take effect and are answered as unclear."""

    clock: Clock
    shown: dict[int, Comment] = field(default_factory=dict)
    written: int = 0
    lost: int = 0
    not_own_changed: int = 0
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def own(self) -> list[Comment]:
        return [one for one in self.shown.values() if one.own]

    def put(self, body: str, *, own: bool) -> Comment:
        """Let somebody, or another process of ours, write a comment."""
        now, number = self.clock.now(), next(self._ids)
        self.shown[number] = Comment(number, own, body, f"https://github.example/{number}", now, now)
        return self.shown[number]

    async def all(self, _target: Target) -> AsyncIterator[Comment]:
        for one in [*self.shown.values()]:
            yield one

    async def get(self, _target: Target, comment_id: int) -> Comment | None:
        return self.shown.get(comment_id)

    async def create(self, _target: Target, body: str) -> Comment:
        return self._answered(self.put(body, own=True))

    async def update(self, _target: Target, comment_id: int, body: str) -> Comment | None:
        if comment_id not in self.shown:
            return None
        self.not_own_changed += not self.shown[comment_id].own
        self.shown[comment_id] = replace(self.shown[comment_id], body=body)
        return self._answered(self.shown[comment_id])

    async def may_update(self, _target: Target) -> bool:
        return True

    def _answered(self, comment: Comment) -> Comment:
        self.written += 1
        if self.lost:
            self.lost -= 1
            raise Unclear("the answer got lost")
        return comment
