"""Asking a forge for everything that a backlog is made of: what fails becomes a trouble of its own, never a finding (D8)."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from domain.git_names import short
from forge.port import ForgeError, Refused
from forge.results import Lane, Results, RunsSought, SourceRun
from forge.reviews import Annotation, CheckRun, PullRequest, Review, Reviews
from loops.collecting.carry import Previous, ReviewSeen, Seen
from loops.collecting.findings import AUTHOR
from loops.collecting.inline import InlineSeen, inline_seen
from loops.collecting.items import Item, ItemSource, Trouble, TroubleReason
from loops.collecting.lanes import ACTIONS, LanesSeen, bad, checks_seen, lanes_seen
from loops.collecting.order import CollectOrder
from loops.collecting.review_body import BodyFinding, read_body

MAX_RUNS = 100  # of one commit: a page
MAX_ANNOTATED_CHECKS = 30  # whose remarks are read; the checks themselves all count
PULL = "pull"
OPEN_STATE = "open"
_NOT_WANTED = LanesSeen((), frozenset(), settled=True)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Declared:
    """What reviews announce, beside what was found: `actionable` comments on lines, and findings `listed` by themselves."""

    actionable: int = 0
    inline: int = 0
    listed: int = 0
    parsed: int = 0


@dataclass(slots=True)
class Asking:
    """Asks for one part after the other, and keeps what went wrong."""

    reviews: Reviews
    results: Results
    order: CollectOrder
    trouble: list[Trouble]
    declared: Declared = field(default_factory=Declared)

    def note(self, part: str, reason: TroubleReason, detail: str) -> None:
        """Keep a trouble."""
        self.trouble.append(Trouble(part, reason, detail))

    async def pull(self) -> PullRequest | None:
        """Return the pull request; a commit may belong to none, a number that is not there is a trouble."""
        order = self.order
        if order.pr_number is None:
            assert order.head_sha is not None, "an order names a pull request or a commit"
            return await self._asked(PULL, self.reviews.pull_of_commit(order.repository, order.head_sha))
        found = await self._asked(PULL, self._numbered(order.pr_number))
        if found is not None and found.state == OPEN_STATE and order.head_sha not in (None, found.head_sha):
            self.note(PULL, TroubleReason.MOVED_ON, f"the pull request stands at {short(found.head_sha)} by now")
        return found

    def matching(self, previous: Previous | None, number: int | None) -> Previous | None:
        """Return the previous backlog if it is of the same change; another one tells nothing of this one."""
        if previous is None:
            return None
        same = previous.repository.casefold() == self.order.repository.casefold()
        if same and (previous.pr_number is None or number is None or previous.pr_number == number):
            return previous
        detail = f"the previous backlog is of {previous.repository}, pull request {previous.pr_number}"
        self.note("previous", TroubleReason.OTHER_SOURCE, detail)
        return None

    async def seen(self, pull: PullRequest | None, head_sha: str | None) -> Seen:
        """Read everything; what could not be read is None."""
        inline: tuple[InlineSeen, ...] | None = ()
        reviews: tuple[ReviewSeen, ...] | None = ()
        if pull is not None:
            inline, reviews = await self._inline(pull.number), await self._reviews(pull.number)
            self._compare(inline, reviews)
        elif any(one.part == PULL for one in self.trouble):
            inline = reviews = None
        if head_sha is None:
            return Seen(inline, reviews, None, None)
        runs = await self._asked("lanes", self._runs(head_sha))
        lanes = None if runs is None else lanes_seen([(run, jobs) for run, jobs, own in runs if not own])
        ours = {lane.name for _, jobs, own in runs or () if own for lane in jobs}
        return Seen(inline, reviews, lanes, await self._checks(head_sha, ours))

    async def _asked(self, part: str, call: Awaitable[T]) -> T | None:
        """Return an answer, or None where there is none: why is kept."""
        try:
            return await call
        except ForgeError as error:
            reason = TroubleReason.REFUSED if isinstance(error, Refused) else TroubleReason.UNREACHABLE
            self.note(part, reason, str(error))
            return None

    async def _numbered(self, number: int) -> PullRequest | None:
        found = await self.reviews.pull(self.order.repository, number)
        if found is None:
            self.note(PULL, TroubleReason.NOT_FOUND, f"{self.order.repository} shows no pull request {number}")
        return found

    async def _inline(self, number: int) -> tuple[InlineSeen, ...] | None:
        comments = await self._asked("review_comments", self.reviews.review_comments(self.order.repository, number))
        return None if comments is None else tuple(inline_seen(comments))

    async def _reviews(self, number: int) -> tuple[ReviewSeen, ...] | None:
        listed = await self._asked("reviews", self.reviews.reviews(self.order.repository, number))
        if listed is None:
            return None
        read = [(one, review_seen(one)) for one in listed if one.author == AUTHOR]
        for place, (review, seen) in enumerate(read):
            if not _superseded(seen, [later for _, later in read[place + 1 :]]):
                for problem in seen.body.problems:
                    self.note(f"review {review.id}", problem.reason, problem.detail)
        return tuple(seen for _, seen in read)

    def _compare(self, inline: Sequence[InlineSeen] | None, reviews: Sequence[ReviewSeen] | None) -> None:
        """Compare how many comments the reviews say they posted with how many there are."""
        if inline is None or reviews is None:
            return
        self.declared = Declared(
            actionable=sum(one.body.actionable or 0 for one in reviews),
            inline=len(inline),
            listed=sum(one.body.declared for one in reviews),
            parsed=sum(len(one.body.findings) + len(one.body.repeated) for one in reviews),
        )
        missing = self.declared.actionable - self.declared.inline - self.declared.parsed
        if missing > 0:
            detail = f"the reviews announce {self.declared.actionable} actionable comments, {missing} are not there"
            self.note("reviews", TroubleReason.FEWER_POSTED, detail)

    async def _runs(self, head_sha: str) -> list[tuple[SourceRun, tuple[Lane, ...], bool]]:
        """Return the newest run of each workflow and event with its jobs, and whether it is of the workflow that collects."""
        repository = self.order.repository
        listed = await self.results.runs(RunsSought(repository, head_sha=head_sha, most=MAX_RUNS))
        if len(listed) >= MAX_RUNS:
            self.note(
                "lanes", TroubleReason.TOO_MUCH, f"the commit has {MAX_RUNS} runs or more, older ones are not read"
            )
        own = await self._own_workflow(listed)
        newest: dict[tuple[str, str], SourceRun] = {}
        for run in listed:
            newest.setdefault((run.workflow, run.event), run)
        return [(run, await self.results.lanes(run), run.workflow == own) for run in newest.values()]

    async def _own_workflow(self, listed: Sequence[SourceRun]) -> str | None:
        if self.order.run_id is None:
            return None
        among = next((run for run in listed if run.id == self.order.run_id), None)
        own = among or await self.results.run(self.order.repository, self.order.run_id)
        return own.workflow if own else None

    async def _checks(self, head_sha: str, ours: set[str]) -> LanesSeen | None:
        if not self.order.with_checks:
            return _NOT_WANTED
        read = await self._asked("checks", self._annotated(head_sha, ours))
        return None if read is None else checks_seen(read, head_sha)

    async def _annotated(self, head_sha: str, ours: set[str]) -> list[tuple[CheckRun, tuple[Annotation, ...]]]:
        repository, asked = self.order.repository, 0
        found: list[tuple[CheckRun, tuple[Annotation, ...]]] = []
        for check in await self.reviews.checks(repository, head_sha):
            if check.app == ACTIONS and check.name in ours:
                continue
            remarks: tuple[Annotation, ...] = ()
            if bad(check.conclusion) and check.annotations_count and asked < MAX_ANNOTATED_CHECKS:
                asked += 1
                remarks = await self.reviews.annotations(repository, check)
            found.append((check, remarks))
        return found


def review_seen(review: Review) -> ReviewSeen:
    """Return a review with its findings as items."""
    body = read_body(review.body)
    items = tuple(_item(review, one) for one in body.findings)
    return ReviewSeen(review.commit_id, review.submitted_at, body, items)


def _superseded(seen: ReviewSeen, later: Sequence[ReviewSeen]) -> bool:
    """Tell whether later reviews of other commits looked at all its files: then what it may have hidden is closed, too."""
    left = set(seen.body.reviewed)
    for one in later:
        if one.commit and one.commit != seen.commit:
            left -= one.body.reviewed | one.body.passed_by
    return bool(seen.body.reviewed) and not left


def _item(review: Review, finding: BodyFinding) -> Item:
    return Item(
        source=ItemSource.REVIEW_BODY,
        category=finding.said.category,
        severity=finding.said.severity,
        summary=finding.said.title,
        path=finding.path,
        line=finding.line,
        fingerprint=finding.fingerprint,
        url=review.url,
        first_seen_sha=review.commit_id or "",
        seen_sha=review.commit_id or "",
        severity_word=finding.said.word,
        effort=finding.said.effort,
    )
