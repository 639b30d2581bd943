"""From the commits a program left to a branch on the forge: only what comes after the source and leaves protected paths alone."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from domain.git_names import short
from domain.snapshots import LoopReason
from forge.code import Code
from forge.port import ForgeError, Unreachable
from loops.fixing.checkout import Checkout, Judged, Remote, judged_apart
from loops.fixing.git import GitError
from loops.fixing.port import FixOrder, FixOutcome
from loops.fixing.protected import first_protected

MAX_CHANGED_PATHS = 299  # a forge's comparison names 300 at most: with more, nobody could look at it once more


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try's commits on their way; `protected` are the paths that must not differ."""

    order: FixOrder
    checkout: Checkout
    protected: AbstractSet[str]
    code: Code
    remote: Remote

    async def hand_over(self) -> FixOutcome:
        """Push the commit that is checked out, if there is a new one that may be; never raises for what went wrong."""
        source = self.order.source.head_sha
        try:
            head = await self.checkout.head()
            if head == source:  # said at once: no run will ever come of it (D13)
                detail = "the program ended well and made no commit"
                return FixOutcome(LoopReason.FIX_MADE_NO_COMMIT, detail)
            async with judged_apart(self.checkout, source) as judged:
                return await self._objection(judged, head) or await self._deliver(judged, head)
        except GitError as error:
            return FixOutcome(LoopReason.FIX_NOT_PUSHED, f"nothing was pushed: {error}")

    async def _objection(self, judged: Judged, head: str) -> FixOutcome | None:
        source = self.order.source.head_sha
        if not await judged.descends(source, head):
            detail = f"{short(head)} does not come after the measured commit {short(source)}"
            return FixOutcome(LoopReason.FIX_NOT_PUSHED, detail)
        changed = await judged.changed_paths(source, head)
        hit = first_protected(changed, self.protected)
        if hit is not None:
            detail = f"{short(head)} changes the protected path {hit}: it is not pushed"
            return FixOutcome(LoopReason.PROTECTED_PATH_CHANGED, detail)
        if len(changed) > MAX_CHANGED_PATHS:
            detail = f"{short(head)} changes {len(changed)} paths, more than the {MAX_CHANGED_PATHS} we can check"
            return FixOutcome(LoopReason.FIX_NOT_PUSHED, detail)
        return None

    async def _deliver(self, judged: Judged, head: str) -> FixOutcome:
        """Push, unless the program has done it; then look at what the forge shows now."""
        try:
            problem = await self._put(judged, head)
        except ForgeError as error:
            return FixOutcome(_reason(error), f"nothing is known to be pushed: {error}")
        if problem is not None:
            return FixOutcome(LoopReason.FIX_NOT_PUSHED, problem)
        try:
            objection = await self._objection_afterwards(head)
        except ForgeError as error:
            detail = f"{short(head)} was pushed, and the forge does not show what it changes: {error}"
            return FixOutcome(_reason(error), detail, head)
        if objection is not None:
            return FixOutcome(LoopReason.PROTECTED_PATH_CHANGED, objection, head)
        return FixOutcome(None, f"pushed {short(head)} to {self.order.report.branch}", head)

    async def _put(self, judged: Judged, head: str) -> str | None:
        """Bring the branch to this commit, or return why it is not there. A lost answer is looked up, never repeated."""
        repository, branch = self.order.source.repository, self.order.report.branch
        at = await self.code.head(repository, branch)
        if at == head:
            return None  # the program has pushed by itself: what the forge shows decides
        if at != self.order.source.head_sha:
            moved = f"it is at {short(at)}" if at else "it is gone"
            return f"{branch} has moved since it was measured: {moved}"
        try:
            await judged.push(head, branch, self.remote)
        except GitError as error:
            return None if await self.code.head(repository, branch) == head else str(error)
        return None

    async def _objection_afterwards(self, head: str) -> str | None:
        shown = await self.code.compare(self.order.source.repository, self.order.source.head_sha, head)
        if not shown.descends:
            return f"the forge shows that {short(head)} does not come after what was measured"
        hit = first_protected(shown.files, self.protected)
        if hit is not None:
            return f"the forge shows that {short(head)} changes the protected path {hit}"
        if not shown.complete:
            return f"the forge shows only a part of what {short(head)} changes: nobody can tell what else is in it"
        return None


def _reason(error: ForgeError) -> LoopReason:
    return LoopReason.FORGE_UNREACHABLE if isinstance(error, Unreachable) else LoopReason.FORGE_REFUSED
