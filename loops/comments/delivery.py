"""Publishing what a loop has to say: its report, and beside it the question to people where there is one."""

from dataclasses import dataclass

from domain.clock import Clock
from forge.comments import Comments
from forge.port import ForgeError
from loops.comments.documents import CommentDocument
from loops.comments.memory import CommentMemory
from loops.comments.order import USUAL_UPDATES_PER_HOUR, CommentAction, CommentOrder, CommentOutcome, outcome
from loops.comments.target import NO_TARGET, TargetFacts, TargetWish, choose_target
from loops.comments.upsert import Wait, publish


@dataclass(frozen=True, slots=True)
class Publisher:
    """Where comments go, and how often one may change."""

    comments: Comments
    memory: CommentMemory
    clock: Clock
    wait: Wait
    max_per_hour: int = USUAL_UPDATES_PER_HOUR

    async def deliver(self, document: CommentDocument, wish: TargetWish) -> tuple[CommentOutcome, ...]:
        """Publish the report, and what people have to decide unless a newer run has already said more.

        Raises:
            UserError: what was asked for as target, or as cap, cannot be.
        """
        facts = TargetFacts(document.repository, document.pull, document.source.sha)
        try:
            target = await choose_target(wish, facts, self.comments.may_update)
        except ForgeError as error:
            return (outcome(CommentAction.FAILED, detail=str(error)),)
        if target is None:
            return (outcome(CommentAction.NO_TARGET, detail=NO_TARGET),)
        order = CommentOrder(document.loop, target, document.body, document.source, self.max_per_hour)
        report = await self._publish(order)
        if document.escalation is None or report.action is CommentAction.SUPERSEDED:
            return (report,)
        question = CommentOrder(
            document.loop,
            target,
            document.escalation,
            document.source,
            self.max_per_hour,
            escalation=True,
            only_changes=not document.asks,
        )
        asked = await self._publish(question)
        return (report,) if asked.action is CommentAction.ABSENT else (report, asked)

    async def _publish(self, order: CommentOrder) -> CommentOutcome:
        return await publish(self.comments, order, self.memory, self.clock, self.wait)
