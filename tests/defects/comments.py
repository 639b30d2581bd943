"""Proofs that a loop keeps one comment of its own on each target, over real sockets: D9 to D12."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from domain.findings import Finding, Severity
from loops.comments.delivery import Publisher
from loops.comments.documents import document_of
from loops.comments.marker import read_comment
from loops.comments.memory import NoMemory
from loops.comments.order import USUAL_UPDATES_PER_HOUR, CommentAction, CommentOutcome
from loops.comments.target import TargetWish
from loops.documents import documents
from loops.report import LoopReport
from tests.fakes.comments_rig import PULL, CommentsRig, comments_rig
from tests.fakes.loop_reports import ATTEMPT, TRIAGE, triage_report
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.github_discussion import Comment
from tests.fakes.virtual_time import START

CREATE, UPDATE = "issues/create-comment", "issues/update-comment"
NUMBER = int(PULL.id)
US = "reins-bot"


def of_run(number: int) -> LoopReport:
    """Return the report of one of several source runs, each newer than the one before."""
    attempt = replace(ATTEMPT, source_run_id=number, source_started_at=START + timedelta(minutes=number))
    return triage_report(attempts=(attempt,), detail=f"1 high severity, says run {number}")


async def told(rig: CommentsRig, report: LoopReport) -> CommentOutcome:
    (outcome,) = await Publisher(rig.comments, NoMemory(), rig.clock, rig.wait).deliver(
        document_of(report), TargetWish()
    )
    return outcome


def marked(rig: CommentsRig) -> list[Comment]:
    """Return every comment on GitHub that carries a marker, whoever wrote it."""
    return [one for one in rig.github.home.discussion.comments.values() if read_comment(one.body)]


async def d9_a_comment_really_arrives_over_the_rest_api(_folder: Path) -> None:
    async with comments_rig() as rig:
        outcome = await told(rig, triage_report())
        (shown,) = marked(rig)
        assert (outcome.action, outcome.comment_id) == (CommentAction.CREATED, shown.id)
        assert (shown.author, shown.issue, "Unresolved: 1" in shown.body) == (US, NUMBER, True)


async def d10_our_comment_is_found_behind_150_others(_folder: Path) -> None:
    async with comments_rig() as rig:
        rig.github.home.discussion.comments_by_others(NUMBER, 150)
        actions = [(await told(rig, of_run(number))).action for number in (1, 2, 3)]
        assert actions == [CommentAction.CREATED, CommentAction.UPDATED, CommentAction.UPDATED]
        assert (len(marked(rig)), len(rig.github.home.discussion.comments)) == (1, 151)


async def d11_a_target_has_one_comment_whatever_the_run_and_it_changes_seldom(_folder: Path) -> None:
    async with comments_rig() as rig:
        ended = [await told(rig, of_run(number)) for number in range(1, USUAL_UPDATES_PER_HOUR + 3)]
        assert len({one.comment_id for one in ended}) == len(marked(rig)) == 1
        assert [one.action for one in ended].count(CommentAction.CAPPED) == 2
        assert rig.asked(CREATE) + rig.asked(UPDATE) == USUAL_UPDATES_PER_HOUR
        rig.clock.advance(3600)
        await told(rig, of_run(9))
        written = rig.asked(UPDATE)
        assert ((await told(rig, of_run(9))).action, rig.asked(UPDATE)) == (CommentAction.UNCHANGED, written)


async def d12_a_strangers_comment_is_left_alone_and_trouble_is_no_verdict(_folder: Path) -> None:
    hostile = Finding("security", Severity.HIGH, "@everyone <!-- --> [x](http://evil.example) " + "x" * 99_999)
    report = triage_report(snapshot=replace(TRIAGE, findings=(hostile,)))
    before = documents(report)[".json"]
    async with comments_rig() as rig:
        await told(rig, of_run(1))
        (ours,) = marked(rig)
        copy = rig.github.home.discussion.comment(NUMBER, ours.body, author="mallory")
        rig.github.home.discussion.delete_comment(ours.id)
        assert (await told(rig, report)).action is CommentAction.CREATED
        assert rig.asked(UPDATE) == 0
        (new,) = [one for one in marked(rig) if one.id != copy.id]
        assert [word for word in ("@everyone", "://evil", "<!-- -->") if word in new.body] == []
        assert len(new.body) < 65_536
        rig.github.faults_on(UPDATE).add(Fault.ERROR)
        assert (await told(rig, of_run(9))).failed
    assert documents(report)[".json"] == before
