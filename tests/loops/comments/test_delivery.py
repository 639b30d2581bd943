"""A loop's report and its question to people reach their target on a fake GitHub, and trouble is an outcome (D12)."""

from dataclasses import replace
from typing import Any

import pytest

from domain.errors import UserError
from domain.snapshots import LoopReason, LoopStatus
from forge.comments import TargetKind
from loops.comments.delivery import Publisher
from loops.comments.documents import CommentDocument, document_of
from loops.comments.marker import read_comment
from loops.comments.memory import NoMemory
from loops.comments.order import CommentAction, CommentOutcome
from loops.comments.target import TargetChoice, TargetWish
from tests.fakes.comments_rig import CommentsRig, comments_rig
from tests.fakes.loop_reports import ATTEMPT, triage_report
from tests.fakes.providers.faults import Fault

ESCALATED = triage_report(escalation_needed=True, reason=LoopReason.ATTEMPTS_EXHAUSTED)
ANYWHERE = TargetWish()
READ_ONLY = {"metadata": "read", "contents": "read", "issues": "write", "pull_requests": "write"}


async def delivered(
    rig: CommentsRig, document: CommentDocument, wish: TargetWish = ANYWHERE, **changes: Any
) -> tuple[CommentOutcome, ...]:
    return await Publisher(rig.comments, NoMemory(), rig.clock, rig.wait, **changes).deliver(document, wish)


def actions(outcomes: tuple[CommentOutcome, ...]) -> list[str]:
    return [one.action.value for one in outcomes]


def without_pull(rig: CommentsRig) -> CommentDocument:
    """Return a report of main's commit, whose run names no pull request."""
    sha = rig.github.home.commits.branches["main"]
    return document_of(triage_report(attempts=(replace(ATTEMPT, source_pull=None, source_sha=sha),)))


async def test_a_report_goes_to_its_pull_request_and_the_question_beside_it() -> None:
    async with comments_rig() as rig:
        assert actions(await delivered(rig, document_of(triage_report()))) == ["created"]
        assert actions(await delivered(rig, document_of(ESCALATED))) == ["updated", "created"]
        assert actions(await delivered(rig, document_of(ESCALATED))) == ["unchanged", "unchanged"]
        found = [read_comment(one.body) for one in rig.github.home.discussion.comments.values()]
        kinds = [(one[0].escalation, one[1].splitlines()[0]) for one in found if one is not None]
        assert kinds == [(False, "### Triage loop: work remains"), (True, "### Triage loop: people have to decide")]
        assert rig.asked("issues/create-comment") == 2


def resolved(run_id: int) -> CommentDocument:
    attempts = (replace(ATTEMPT, source_run_id=run_id),)
    return document_of(triage_report(status=LoopStatus.OK, reason=LoopReason.RESOLVED, unresolved=0, attempts=attempts))


async def test_a_question_is_answered_by_the_run_that_leaves_nothing_to_decide() -> None:
    async with comments_rig() as rig:
        await delivered(rig, document_of(ESCALATED))
        assert actions(await delivered(rig, resolved(112))) == ["updated", "updated"]
        asked = [one.body for one in rig.github.home.discussion.comments.values() if ":escalation" in one.body]
        assert ["### Triage loop: nothing is left to decide" in one for one in asked] == [True]
        assert rig.asked("issues/create-comment") == 2


async def test_where_nobody_was_asked_nothing_is_said_to_be_decided() -> None:
    async with comments_rig() as rig:
        assert actions(await delivered(rig, resolved(112))) == ["created"]
        assert rig.asked("issues/create-comment") == 1


async def test_a_question_stands_while_work_remains() -> None:
    async with comments_rig() as rig:
        await delivered(rig, document_of(ESCALATED))
        newer = replace(ATTEMPT, source_run_id=112)
        assert actions(await delivered(rig, document_of(triage_report(attempts=(newer,))))) == ["updated"]


async def test_a_newer_run_is_not_asked_about_what_an_older_one_could_not_do() -> None:
    async with comments_rig() as rig:
        newer = replace(ATTEMPT, source_run_id=112)
        await delivered(rig, document_of(triage_report(attempts=(newer,))))
        assert actions(await delivered(rig, document_of(ESCALATED))) == ["superseded"]


async def test_the_cap_holds_for_each_comment_by_itself() -> None:
    async with comments_rig() as rig:
        assert actions(await delivered(rig, document_of(triage_report()), max_per_hour=1)) == ["created"]
        assert actions(await delivered(rig, document_of(ESCALATED), max_per_hour=1)) == ["capped", "created"]


@pytest.mark.parametrize(
    ("contents", "issue", "kind"),
    [("write", None, TargetKind.COMMIT), ("read", 7, TargetKind.ISSUE), ("read", None, None)],
)
async def test_without_a_pull_request_the_tokens_rights_decide(
    contents: str, issue: int | None, kind: TargetKind | None
) -> None:
    async with comments_rig() as rig:
        rig.github.token.permissions = {**READ_ONLY, "contents": contents}
        ended = await delivered(rig, without_pull(rig), TargetWish(tracking_issue=issue))
        assert actions(ended) == ["no_target" if kind is None else "created"]
        written = [one.where for one in rig.github.effects.comments]
        sha = rig.github.home.commits.branches["main"]
        places = {TargetKind.COMMIT: [f"acme/app@{sha}"], TargetKind.ISSUE: ["acme/app#7"], None: []}
        assert written == places[kind]
        if kind is None:
            assert "--comment-pr-number" in ended[0].detail
            assert ended[0].failed


async def test_where_nobody_tells_the_tokens_rights_that_is_the_outcome() -> None:
    async with comments_rig() as rig:
        rig.github.faults_on("repos/update-commit-comment").add(Fault.ERROR)
        (ended,) = await delivered(rig, without_pull(rig))
        assert ended.action is CommentAction.FAILED
        assert "no usable answer" in ended.detail


async def test_what_cannot_be_is_the_callers_error() -> None:
    async with comments_rig() as rig:
        document = replace(document_of(triage_report()), pull=None)
        with pytest.raises(UserError, match="--comment-pr-number"):
            await delivered(rig, document, TargetWish(TargetChoice.PULL))
        with pytest.raises(UserError, match="max-per-hour"):
            await delivered(rig, document, TargetWish(pull=7), max_per_hour=61)
