"""Keeping exactly one comment of ours up to date: found before it is made, never older over newer, never too often."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.clock import Clock, from_text, to_text
from forge.comments import Comment, Comments
from forge.port import ForgeError, Unclear
from loops.comments.marker import Marker, read_comment
from loops.comments.memory import CommentMemory
from loops.comments.order import CommentAction, CommentOrder, CommentOutcome, outcome

WRITE_PAUSE_SECONDS = 1.0  # GitHub asks for a second between changes; faster ones meet its secondary limit
HOUR = timedelta(hours=1)
Wait = Callable[[float], Awaitable[None]]
_LOST = "GitHub's answer got lost and no comment shows yet; the next report writes it, or finds it"
_STRANGE = "GitHub shows it as written by somebody else than we take ourselves for, so it is never found again"


async def publish(
    comments: Comments, order: CommentOrder, memory: CommentMemory, clock: Clock, wait: Wait
) -> CommentOutcome:
    """Say it once. Trouble is an outcome, never a `ForgeError`: what a loop found does not depend on it (D12).

    The comment is remembered, or found by its marker among our own on all pages. Two of our own, which processes may
    make that start at the same moment, become one: the older stays, the other one points to it. At most one comment is
    made per call, whatever becomes of answers. `wait` is given seconds.
    """
    async with memory.lock(order.key):
        publication = _Publication(comments, order, memory, clock, wait)
        try:
            ended = await publication.run()
        except ForgeError as error:
            ended = outcome(CommentAction.FAILED, detail=str(error))
        return publication.with_trouble(ended)


@dataclass(frozen=True, slots=True)
class _Own:
    """One comment that carries our marker, and the text below it."""

    comment: Comment
    marker: Marker
    body: str

    @property
    def id(self) -> int:
        return self.comment.id

    @property
    def newness(self) -> tuple[str, int, int]:
        return self.marker.source.order


@dataclass(slots=True)
class _Publication:
    """One call of `publish`."""

    comments: Comments
    order: CommentOrder
    memory: CommentMemory
    clock: Clock
    wait: Wait
    _made: bool = False
    _trouble: str = ""

    async def run(self) -> CommentOutcome:
        own = await self._remembered() or await self._listed()
        return await (self._settle(own) if own else self._missing())

    async def _missing(self) -> CommentOutcome:
        return outcome(CommentAction.ABSENT) if self.order.only_changes else await self._create()

    def with_trouble(self, ended: CommentOutcome) -> CommentOutcome:
        """Add what else went wrong and changes nothing."""
        return replace(ended, detail=f"{ended.detail}; {self._trouble}".removeprefix("; ")) if self._trouble else ended

    async def _remembered(self) -> list[_Own]:
        known = self.memory.recall(self.order.key)
        if known is None or known.id is None:
            return []
        comment = await self.comments.get(self.order.target, known.id)
        found = None if comment is None else self._ours(comment)
        if found is None:
            self._keep(None, known.writes)
        return [] if found is None else [found]

    async def _listed(self) -> list[_Own]:
        """Return all of them, the oldest first."""
        found = [self._ours(comment) async for comment in self.comments.all(self.order.target)]
        return sorted((one for one in found if one is not None), key=lambda one: one.id)

    def _ours(self, comment: Comment) -> _Own | None:
        read = read_comment(comment.body) if comment.own else None
        return None if read is None or not self.order.marks(read[0]) else _Own(comment, *read)

    async def _settle(self, own: Sequence[_Own]) -> CommentOutcome:
        """Bring the oldest up to date with the newest text there is, and let the others point to it."""
        first, *others = own
        newest = max(own, key=lambda one: one.newness)
        superseded = newest.newness > self.order.source.order
        marker, body = (newest.marker, newest.body) if superseded else (self.order.marker(), self.order.body)
        same = first.marker.body == marker.body
        if not others and (superseded or same):
            self._keep(first.id, first.marker.writes)
            return outcome(CommentAction.SUPERSEDED if superseded else CommentAction.UNCHANGED, first.comment)
        recent = self._recent(own)
        if not self._may_write(len(recent), 1 + len(others)):
            return self._capped(first.comment)
        written = replace(marker, writes=(*recent, *[self.clock.now()] * (1 + len(others))))
        changed = await self._change(first.id, written.text() + body)
        if changed is None:  # somebody deleted it meanwhile
            return await (self._settle(others) if others else self._missing())
        self._keep(first.id, written.writes)
        await self._close(others, changed)
        return outcome(CommentAction.SUPERSEDED if superseded else CommentAction.UPDATED, changed)

    async def _create(self) -> CommentOutcome:
        if self._made:
            return outcome(CommentAction.FAILED, detail="the comment was deleted while it was written")
        recent = self._recent(())
        if not self._may_write(len(recent), 1):
            return self._capped(None)
        self._made = True
        marker = replace(self.order.marker(), writes=(*recent, self.clock.now()))
        await self.wait(WRITE_PAUSE_SECONDS)
        try:
            made = await self.comments.create(self.order.target, marker.text() + self.order.body)
        except Unclear:
            return await self._found_after_loss()
        if not made.own:
            return outcome(CommentAction.FAILED, made, _STRANGE)
        self._keep(made.id, marker.writes)
        try:
            return await self._only_one(made, await self._listed())
        except ForgeError as error:
            self._trouble = f"whether there is another one nobody could tell: {error}"
            return outcome(CommentAction.CREATED, made)

    async def _found_after_loss(self) -> CommentOutcome:
        own = await self._listed()
        if not own:
            return outcome(CommentAction.FAILED, detail=_LOST)
        return _as_created(await self._settle(own))

    async def _only_one(self, made: Comment, own: Sequence[_Own]) -> CommentOutcome:
        """Make one of two that were made at the same moment; a list may be too old to hold ours."""
        mine = self._ours(made)
        assert mine is not None, "it was just written with our marker"
        every = {one.id: one for one in (mine, *own)}
        return _as_created(await self._settle([every[key] for key in sorted(every)]))

    async def _change(self, comment_id: int, text: str) -> Comment | None:
        """Write, and where the answer got lost look whether it is there."""
        await self.wait(WRITE_PAUSE_SECONDS)
        try:
            return await self.comments.update(self.order.target, comment_id, text)
        except Unclear:
            shown = await self.comments.get(self.order.target, comment_id)
            if shown is not None and _marker_in(shown.body) != _marker_in(text):
                raise
            return shown

    async def _close(self, others: Sequence[_Own], kept: Comment) -> None:
        """Turn comments that are too many into a line without a marker."""
        for one in others:
            try:
                await self._change(one.id, f"This report is kept in [another comment]({kept.url}).")
            except ForgeError as error:
                self._trouble = f"a second comment of ours is left: {error}"

    def _recent(self, own: Sequence[_Own]) -> tuple[datetime, ...]:
        """Return when we wrote in the last hour, by the comments and by memory: a deleted comment tells no times."""
        now = self.clock.now()
        told = Counter(to_text(at) for one in own for at in one.marker.writes)
        known = self.memory.recall(self.order.key)
        told |= Counter(to_text(at) for at in known.writes) if known is not None else Counter()
        times = sorted(from_text(at) for at in told.elements())
        return tuple(at for at in times if abs(now - at) < HOUR)

    def _may_write(self, used: int, needed: int) -> bool:
        """Hold the hourly cap; what needs more than a whole hour's share waits for an hour without any."""
        most = self.order.max_per_hour
        return used < most and (used == 0 or used + needed <= most)

    def _capped(self, comment: Comment | None) -> CommentOutcome:
        most = self.order.max_per_hour
        return outcome(CommentAction.CAPPED, comment, f"no more than {most} changes an hour are allowed")

    def _keep(self, comment_id: int | None, writes: tuple[datetime, ...]) -> None:
        try:
            self.memory.keep(self.order.key, comment_id, writes)
        except OSError as error:
            self._trouble = f"the comment's id could not be written down: {error.strerror}"


def _marker_in(text: str) -> Marker | None:
    read = read_comment(text)
    return None if read is None else read[0]


def _as_created(ended: CommentOutcome) -> CommentOutcome:
    """Say that a comment is new where bringing it up to date came right after making it."""
    news = (CommentAction.UNCHANGED, CommentAction.UPDATED, CommentAction.CAPPED)
    return replace(ended, action=CommentAction.CREATED) if ended.action in news else ended
