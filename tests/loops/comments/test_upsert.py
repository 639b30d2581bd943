"""One comment of ours per loop and target on a fake GitHub: found, written once, kept up to date, never too often."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.errors import UserError
from forge.comments import Comments, Target, TargetKind
from loops.comments.marker import SourceStamp, read_comment
from loops.comments.memory import CommentMemory, FileMemory, NoMemory
from loops.comments.order import CommentAction, CommentOrder, CommentOutcome
from loops.comments.upsert import publish
from loops.report import LoopName
from tests.fakes.comments_rig import PULL, CommentsRig, Meddled, comments_rig
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.github_discussion import Comment
from tests.fakes.virtual_time import START

SHA = "a1" * 20
CREATE, UPDATE, LIST = "issues/create-comment", "issues/update-comment", "issues/list-comments"
GET = "issues/get-comment"


def stamp(run: int, attempt: int = 1) -> SourceStamp:
    return SourceStamp(run, attempt, START + timedelta(minutes=run), SHA)


def order(run: int = 1, body: str = "", target: Target = PULL, **changes: Any) -> CommentOrder:
    return CommentOrder(LoopName.TRIAGE, target, body or f"report of run {run}\n", stamp(run), **changes)


async def said(
    rig: CommentsRig, what: CommentOrder, memory: CommentMemory | None = None, comments: Comments | None = None
) -> CommentOutcome:
    return await publish(comments or rig.comments, what, memory or NoMemory(), rig.clock, rig.wait)


def own(rig: CommentsRig) -> list[Comment]:
    """Return every comment that carries a marker and is ours, as GitHub has it."""
    every = rig.github.home.discussion.comments.values()
    return [one for one in every if one.author == "reins-bot" and read_comment(one.body) is not None]


def text(comment: Comment) -> str:
    read = read_comment(comment.body)
    assert read is not None
    return read[1]


def writes(rig: CommentsRig) -> int:
    return rig.asked(CREATE) + rig.asked(UPDATE)


async def test_a_thread_of_strangers_copies_and_three_runs_gets_one_comment_per_target_d10_d11() -> None:
    async with comments_rig() as rig:
        talk = rig.github.home.discussion
        talk.open_issue(8)
        copied = (await said(rig, order(1, target=Target(PULL.repository, TargetKind.PULL, "8")))).comment_id
        assert copied is not None
        talk.comments_by_others(7, 75)
        talk.comment(7, talk.comments[copied].body.replace("pr:8", "pr:7"), author="mallory")
        talk.comments_by_others(7, 75)
        for run in (1, 2, 3):
            assert (await said(rig, order(run))).action is (
                CommentAction.CREATED if run == 1 else CommentAction.UPDATED
            )
            talk.comments_by_others(7, 50)
        first, second = own(rig)
        assert (first.issue, text(first)) == (8, "report of run 1\n")
        assert (second.issue, text(second)) == (7, "report of run 3\n")
        assert writes(rig) == 4
        assert [one.body.count("mallory") for one in own(rig)] == [0, 0]


async def test_loops_and_escalations_have_comments_of_their_own() -> None:
    async with comments_rig() as rig:
        await said(rig, order())
        await said(rig, replace(order(), loop=LoopName.MUTATION))
        await said(rig, order(escalation=True))
        assert len(own(rig)) == 3
        assert (await said(rig, order(escalation=True))).action is CommentAction.UNCHANGED


async def test_an_identical_body_is_no_call_that_writes() -> None:
    async with comments_rig() as rig:
        created = await said(rig, order())
        rig.waited.clear()
        rig.clock.advance(7200)
        again = await said(rig, order())
        assert (again.action, again.comment_id) == (CommentAction.UNCHANGED, created.comment_id)
        assert (writes(rig), rig.waited) == (1, [])


async def test_a_second_lies_between_two_writes() -> None:
    async with comments_rig() as rig:
        for run in (1, 2, 3):
            await said(rig, order(run))
        assert rig.waited == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("attempts", [(1, 1), (2, 1)], ids=["an older run", "an older attempt"])
async def test_an_older_run_never_overwrites_a_newer_one(attempts: tuple[int, int]) -> None:
    async with comments_rig() as rig:
        new, old = (replace(order(), body=f"{one}", source=stamp(9, one)) for one in attempts)
        if attempts == (1, 1):
            old = order(8)
        await said(rig, new)
        ended = await said(rig, old)
        assert (ended.action, ended.comment_id) == (CommentAction.SUPERSEDED, own(rig)[0].id)
        assert [text(one) for one in own(rig)] == [new.body]


class TestMemory:
    async def test_a_remembered_comment_is_not_looked_for(self, tmp_path: Path) -> None:
        async with comments_rig() as rig:
            memory = FileMemory(tmp_path / "comments.json")
            await said(rig, order(1), memory)
            listed = rig.asked(LIST)
            assert (await said(rig, order(2), memory)).action is CommentAction.UPDATED
            assert (await said(rig, order(2), memory)).action is CommentAction.UNCHANGED
            assert rig.asked(LIST) == listed

    async def test_a_deleted_comment_is_forgotten_and_made_anew(self, tmp_path: Path) -> None:
        async with comments_rig() as rig:
            memory = FileMemory(tmp_path / "comments.json")
            made = await said(rig, order(1), memory)
            assert made.comment_id is not None
            rig.github.home.discussion.delete_comment(made.comment_id)
            again = await said(rig, order(2), memory)
            assert again.action is CommentAction.CREATED
            assert [one.id for one in own(rig)] == [again.comment_id]
            assert (await said(rig, order(2), memory)).comment_id == again.comment_id

    async def test_deleting_our_comment_does_not_lift_the_cap(self, tmp_path: Path) -> None:
        async with comments_rig() as rig:
            memory = FileMemory(tmp_path / "comments.json")
            for run in range(1, 9):
                ended = await said(rig, order(run, max_per_hour=3), memory)
                if ended.comment_id is not None:
                    rig.github.home.discussion.delete_comment(ended.comment_id)
            assert (ended.action, writes(rig)) == (CommentAction.CAPPED, 3)

    async def test_a_remembered_comment_of_somebody_else_is_not_ours(self, tmp_path: Path) -> None:
        async with comments_rig() as rig:
            memory = FileMemory(tmp_path / "comments.json")
            made = await said(rig, order(1))
            assert made.comment_id is not None
            talk = rig.github.home.discussion
            stolen = talk.comment(7, talk.comments[made.comment_id].body, author="mallory")
            memory.keep(order().key, stolen.id, ())
            ended = await said(rig, order(2), memory)
            assert (ended.action, ended.comment_id) == (CommentAction.UPDATED, made.comment_id)

    async def test_what_cannot_be_written_down_is_said_and_changes_nothing(self, tmp_path: Path) -> None:
        async with comments_rig() as rig:
            ended = await said(rig, order(), FileMemory(tmp_path / "gone" / "comments.json"))
            assert ended.action is CommentAction.CREATED
            assert ended.detail == "the comment's id could not be written down: No such file or directory"


class TestTheHourlyCap:
    async def test_no_more_writes_than_allowed_and_an_hour_later_again(self) -> None:
        async with comments_rig() as rig:
            actions = [(await said(rig, order(run, max_per_hour=4))).action for run in range(1, 8)]
            assert actions == [CommentAction.CREATED, *[CommentAction.UPDATED] * 3, *[CommentAction.CAPPED] * 3]
            assert (writes(rig), text(own(rig)[0])) == (4, "report of run 4\n")
            rig.clock.advance(3597)
            assert (await said(rig, order(8, max_per_hour=4))).action is CommentAction.UPDATED
            assert (await said(rig, order(9, max_per_hour=4))).action is CommentAction.UPDATED
            assert writes(rig) == 6

    async def test_none_at_all_can_be_allowed(self) -> None:
        async with comments_rig() as rig:
            ended = await said(rig, order(max_per_hour=0))
            assert (ended.action, ended.comment_id, writes(rig)) == (CommentAction.CAPPED, None, 0)
            assert "no more than 0 changes an hour" in ended.detail

    @pytest.mark.parametrize("most", [-1, 61])
    def test_a_cap_that_no_policy_allows_is_refused(self, most: int) -> None:
        with pytest.raises(UserError, match="max-per-hour"):
            order(max_per_hour=most)


class TestLostAnswers:
    LOST = pytest.mark.parametrize("fault", [Fault.ACCEPT_THEN_DROP, Fault.ERROR_AFTER_ACCEPT])

    @LOST
    async def test_a_lost_answer_to_a_new_comment_makes_no_second_one(self, fault: Fault) -> None:
        async with comments_rig() as rig:
            rig.github.faults_on(CREATE).add(fault)
            ended = await said(rig, order())
            assert (ended.action, ended.comment_id) == (CommentAction.CREATED, own(rig)[0].id)
            assert (len(own(rig)), rig.asked(CREATE)) == (1, 1)

    async def test_a_comment_that_was_not_written_is_not_tried_twice_in_one_call(self) -> None:
        async with comments_rig() as rig:
            rig.github.faults_on(CREATE).add(Fault.ERROR)
            ended = await said(rig, order())
            assert (ended.action, rig.asked(CREATE), own(rig)) == (CommentAction.FAILED, 1, [])
            assert "the next report writes it" in ended.detail
            assert (await said(rig, order())).action is CommentAction.CREATED

    @LOST
    async def test_a_lost_answer_to_a_change_is_looked_up(self, fault: Fault) -> None:
        async with comments_rig() as rig:
            await said(rig, order(1))
            rig.github.faults_on(UPDATE).add(fault)
            assert (await said(rig, order(2))).action is CommentAction.UPDATED
            assert rig.asked(UPDATE) == 1

    async def test_a_change_that_did_not_happen_is_a_failure(self) -> None:
        async with comments_rig() as rig:
            await said(rig, order(1))
            rig.github.faults_on(UPDATE).add(Fault.ERROR)
            assert (await said(rig, order(2))).action is CommentAction.FAILED
            assert text(own(rig)[0]) == "report of run 1\n"

    async def test_after_a_lost_answer_nobody_may_tell_what_there_is(self) -> None:
        async with comments_rig() as rig:
            rig.github.faults_on(CREATE).add(Fault.ACCEPT_THEN_DROP)
            rig.github.faults_on(LIST).skip()
            rig.github.faults_on(LIST).add(Fault.ERROR)
            assert (await said(rig, order())).action is CommentAction.FAILED
            assert (await said(rig, order())).action is CommentAction.UNCHANGED

    async def test_a_new_comment_stays_new_where_no_twin_can_be_looked_for(self) -> None:
        async with comments_rig() as rig:
            rig.github.faults_on(LIST).skip()
            rig.github.faults_on(LIST).add(Fault.ERROR)
            ended = await said(rig, order())
            assert (ended.action, ended.comment_id) == (CommentAction.CREATED, own(rig)[0].id)
            assert ended.detail.startswith("whether there is another one nobody could tell: ")


class TestTwins:
    async def twins(self, rig: CommentsRig, *runs: int) -> list[int]:
        """Let processes that know nothing of each other make a comment each."""
        made = []
        for run in runs:
            kept = dict(rig.github.home.discussion.comments)
            rig.github.home.discussion.comments.clear()
            made.append((await said(rig, order(run))).comment_id)
            rig.github.home.discussion.comments.update(kept)
        return [number for number in made if number is not None]

    @pytest.mark.parametrize("runs", [(1, 2), (2, 1), (3, 1, 2)])
    async def test_the_oldest_comment_stays_with_the_newest_text(self, runs: tuple[int, ...]) -> None:
        async with comments_rig() as rig:
            first, *others = await self.twins(rig, *runs)
            ended = await said(rig, order(9))
            assert (ended.action, ended.comment_id) == (CommentAction.UPDATED, first)
            assert [text(one) for one in own(rig)] == ["report of run 9\n"]
            pointers = {rig.github.home.discussion.comments[number].body for number in others}
            assert pointers == {f"This report is kept in [another comment]({ended.url})."}

    async def test_an_older_run_leaves_one_comment_too_with_the_newest_text(self) -> None:
        async with comments_rig() as rig:
            first, _ = await self.twins(rig, 3, 5)
            ended = await said(rig, order(4))
            assert (ended.action, ended.comment_id) == (CommentAction.SUPERSEDED, first)
            assert [text(one) for one in own(rig)] == ["report of run 5\n"]
            assert (await said(rig, order(4))).action is CommentAction.SUPERSEDED

    async def test_a_twin_made_at_the_same_moment_is_closed_at_once(self) -> None:
        async with comments_rig() as rig:

            def race(body: str) -> None:
                rival = body.replace("id=1 ", "id=2 ").replace("14:01:00.000Z sha", "14:02:00.000Z sha")
                rig.github.home.discussion.comment(7, rival.replace("run 1", "run 2"), author="reins-bot")

            ended = await said(rig, order(1), comments=Meddled(rig.comments, before_create=race))
            assert ended.action is CommentAction.SUPERSEDED
            assert [text(one) for one in own(rig)] == ["report of run 2\n"]

    async def test_twins_are_closed_within_the_cap(self) -> None:
        async with comments_rig() as rig:
            await self.twins(rig, 1, 2)
            capped = await said(rig, order(3, max_per_hour=3))
            assert (capped.action, writes(rig)) == (CommentAction.CAPPED, 2)
            rig.clock.advance(3600)
            assert (await said(rig, order(3, max_per_hour=1))).action is CommentAction.UPDATED
            assert len(own(rig)) == 1
            assert (await said(rig, order(4, max_per_hour=2))).action is CommentAction.CAPPED

    async def test_a_twin_that_cannot_be_closed_is_said(self) -> None:
        async with comments_rig() as rig:
            await self.twins(rig, 1, 2)
            rig.github.faults_on(UPDATE).skip()
            rig.github.faults_on(UPDATE).add(Fault.ERROR)
            ended = await said(rig, order(3))
            assert (ended.action, len(own(rig))) == (CommentAction.UPDATED, 2)
            assert ended.detail.startswith("a second comment of ours is left: ")
            assert (await said(rig, order(3, max_per_hour=9))).action is CommentAction.UPDATED
            assert len(own(rig)) == 1

    @pytest.mark.parametrize("which", [0, 1])
    async def test_a_twin_that_is_deleted_meanwhile_leaves_the_other(self, which: int) -> None:
        async with comments_rig() as rig:
            made = await self.twins(rig, 1, 2)
            meddled = Meddled(rig.comments, before_update=self.deleting(rig, made[which]))
            ended = await said(rig, order(3), comments=meddled)
            assert (ended.action, ended.detail, ended.comment_id) == (CommentAction.UPDATED, "", made[1 - which])
            assert [text(one) for one in own(rig)] == ["report of run 3\n"]

    async def test_a_comment_deleted_while_it_is_written_is_made_once(self) -> None:
        async with comments_rig() as rig:
            made = await said(rig, order(1))
            assert made.comment_id is not None
            meddled = Meddled(rig.comments, before_update=self.deleting(rig, made.comment_id))
            ended = await said(rig, order(2), comments=meddled)
            assert (ended.action, len(own(rig))) == (CommentAction.CREATED, 1)

    async def test_two_comments_are_never_made_in_one_call(self) -> None:
        async with comments_rig() as rig:
            rivals: list[Comment] = []

            def race(body: str) -> None:
                rival = re.sub("body=[0-9a-f]{12}", "body=000000000000", body)
                rivals.append(rig.github.home.discussion.comment(7, rival, author="reins-bot"))

            def delete(comment_id: int) -> None:
                assert comment_id == rivals[0].id
                rig.github.home.discussion.delete_comment(comment_id)

            rig.github.faults_on(CREATE).add(Fault.ERROR)
            ended = await said(rig, order(1), comments=Meddled(rig.comments, race, delete))
            assert (ended.action, rig.asked(CREATE), own(rig)) == (CommentAction.FAILED, 1, [])
            assert ended.detail == "the comment was deleted while it was written"

    def deleting(self, rig: CommentsRig, number: int) -> Callable[[int], None]:
        """Let somebody delete a comment right before it is changed."""

        def delete(comment_id: int) -> None:
            if comment_id == number:
                rig.github.home.discussion.delete_comment(number)

        return delete


async def test_two_tasks_of_one_process_wait_for_each_other() -> None:
    async with comments_rig() as rig:
        memory = NoMemory()
        ended = await asyncio.gather(*(said(rig, order(run), memory) for run in (1, 2, 3)))
        assert [one.action for one in ended] == [CommentAction.CREATED, CommentAction.UPDATED, CommentAction.UPDATED]
        assert (len(own(rig)), rig.asked(CREATE)) == (1, 1)


def _lock(rig: CommentsRig) -> None:
    rig.github.home.discussion.issues[7].locked = True


def _delete(rig: CommentsRig) -> None:
    rig.github.home.discussion.issues[7].deleted = True


def _revoke(rig: CommentsRig) -> None:
    rig.github.tokens.known.clear()


def _limit(rig: CommentsRig) -> None:
    rig.github.tokens.block(rig.github.token, 90)


@pytest.mark.parametrize(
    ("trouble", "says"), [(_lock, "locked"), (_delete, "deleted"), (_revoke, "401"), (_limit, "limits us for another")]
)
async def test_trouble_is_an_outcome_and_no_exception_d12(trouble: Callable[[CommentsRig], None], says: str) -> None:
    async with comments_rig() as rig:
        trouble(rig)
        ended = await said(rig, order())
        assert (ended.action, ended.failed, says in ended.detail) == (CommentAction.FAILED, True, True)
        assert own(rig) == []


async def test_an_unreachable_github_is_an_outcome_too() -> None:
    async with comments_rig() as rig:
        await rig.github.close()
        assert (await said(rig, order())).action is CommentAction.FAILED


async def test_a_comment_that_github_shows_as_somebody_elses_is_a_failure() -> None:
    async with comments_rig() as rig:
        rig.github.home.discussion.comment(7, "so that we ask who we are")
        [_ async for _ in rig.comments.all(PULL)]
        rig.github.token.login = "renamed"
        ended = await said(rig, order())
        assert (ended.action, rig.asked(CREATE)) == (CommentAction.FAILED, 1)
        assert "somebody else" in ended.detail


async def test_a_comment_on_a_commit_that_may_not_change_is_reported() -> None:
    async with comments_rig() as rig:
        target = rig.commit()
        assert (await said(rig, order(1, target=target))).action is CommentAction.CREATED
        assert (await said(rig, order(1, target=target))).action is CommentAction.UNCHANGED
        refused = await said(rig, order(2, target=target))
        assert (refused.action, "contents=write" in refused.detail) == (CommentAction.FAILED, True)
