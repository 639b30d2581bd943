"""A run at another commit than it was meant for is cancelled, told to everybody concerned once, and never a success."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain.effects import CancelRun
from domain.notices import NoticeKind, Urgency
from domain.people import AddressKind
from domain.runs import Run, RunState
from domain.snapshots import LoopReason
from forge.port import Job, JobState
from loops.heads import alarm, newly_strayed, strayed
from loops.progress import follow
from tests.fakes.chat import HEAD
from tests.fakes.policies import example_policy, loaded
from tests.fakes.records import make_run
from tests.fakes.virtual_time import START
from tests.fakes.whole_bot import WholeBot, whole_bot
from tests.loops.test_watch import SNAPSHOT

MOVED = "feed" * 10
MODE = "operate"


def job(head_sha: str | None, state: JobState = JobState.RUNNING, **fields: Any) -> Job:
    made = Job("C1", "1", "ci.yml", "acme/shop", "main", {}, state, START, START, head_sha=head_sha)
    return replace(made, **fields)


@pytest.mark.parametrize(
    ("expected", "found", "strays"),
    [(HEAD, HEAD, False), (HEAD, MOVED, True), (None, MOVED, False), (HEAD, None, False), (None, None, False)],
)
def test_only_another_commit_than_the_expected_one_is_astray(
    expected: str | None, found: str | None, strays: bool
) -> None:
    run = make_run(expected_sha=expected)
    assert (strayed(run, job(found)), newly_strayed(run, job(found))) == (strays, strays)
    assert not newly_strayed(replace(run, head_sha=found), job(found))


@pytest.mark.parametrize(
    ("ended", "state"),
    [
        (JobState.SUCCEEDED, RunState.FAILED),
        (JobState.FAILED, RunState.FAILED),
        (JobState.CANCELLED, RunState.CANCELLED),
    ],
)
def test_what_ran_at_another_commit_is_no_success_and_measured_nothing(ended: JobState, state: RunState) -> None:
    over = job(MOVED, ended, conclusion="success", summary="success on GitHub", unresolved=0)
    progress = follow(make_run(expected_sha=HEAD), over, MODE, START)
    run = progress.run
    assert (run.state, run.reason, run.unresolved) == (state, "head_mismatch", None)
    assert run.summary == f"main moved before the start: it ran at {MOVED[:12]}, not at {HEAD[:12]}"
    assert "Unresolved unknown" in progress.notices[-1].text


def test_while_it_goes_on_it_has_no_reason_yet() -> None:
    run = follow(make_run(expected_sha=HEAD), job(MOVED), MODE, START).run
    assert (run.state, run.reason, run.head_sha) == (RunState.RUNNING, None, MOVED)


def test_the_alarm_names_both_commits_and_what_is_done_about_it() -> None:
    run = make_run(expected_sha=HEAD, approval="APPROVAL-1")
    told = alarm(run, job(MOVED, url="https://ci.example/1"), MODE)
    assert (told.kind, told.urgency, told.reason) == (NoticeKind.ALARM, Urgency.HIGH, "head_mismatch")
    assert (told.run_url, told.subject) == ("https://ci.example/1", "RUN-1")
    assert told.text == (
        f"3K mutation: main moved before the start: it ran at {MOVED[:12]}, not at the approved {HEAD[:12]}."
        " It is being cancelled; its result does not count."
    )
    over = alarm(replace(run, state=RunState.FAILED, approval=None), job(MOVED), MODE)
    assert f"not at {HEAD[:12]}. It is over; its result does not count." in over.text


async def approved_run(bot: WholeBot) -> Run:
    """Have a run of `strict` approved and dispatched, at the head."""
    asked = await bot.say("run strict", person="olga")
    assert asked.text is not None
    await bot.say(f"ok {asked.text.split()[0]}", person="ann")
    await bot.relay.tick()
    return (await bot.runs())[-1]


def cancels(bot: WholeBot) -> list[CancelRun]:
    return [row.effect for row in bot.outbox() if isinstance(row.effect, CancelRun)]


async def mismatches(bot: WholeBot) -> list[tuple[str, Any]]:
    rows = [row for row in await bot.audit_rows() if row["action"] == "head-mismatch"]
    return [(row["outcome"], row["evidence"]) for row in rows]


async def test_a_run_that_strayed_is_cancelled_and_told_once_to_who_asked_and_to_the_team(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        bot.team, bot.reachable = ("slack:team",), frozenset({AddressKind.SLACK})
        await bot.restart()
        run = await approved_run(bot)
        forge = bot.forges["github"]
        forge.begin(run.correlation)
        forge.jobs[run.correlation] = replace(forge.jobs[run.correlation], head_sha=MOVED)
        for _ in range(3):
            await bot.settle()
        assert cancels(bot) == [CancelRun(run.id, "github", run.correlation)]
        assert forge.cancelled == [run.correlation]
        told = [text for text in bot.told("olga") if "its result does not count" in text]
        moved = f"it ran at {MOVED[:12]}, not at the approved {HEAD[:12]}. It is being cancelled;"
        assert [moved in text for text in told] == [True]
        assert [text for text in bot.told("team", "slack") if "its result does not count" in text] != []
        assert await mismatches(bot) == [("cancelling", {"run": run.id, "expected": HEAD, "found": MOVED})]
        ended = (await bot.runs())[-1]
        assert (ended.state, ended.reason) == (RunState.CANCELLED, "head_mismatch")


async def test_one_that_was_over_before_anybody_saw_it_is_told_and_needs_no_cancel(tmp_path: Path) -> None:
    policy = example_policy()
    policy["actions"]["strict"]["loop"] = "mutation"
    async with whole_bot(tmp_path, policy=loaded(policy)) as bot:
        run = await approved_run(bot)
        report: dict[str, object] = {"snapshot": SNAPSHOT}
        bot.forges["github"].finish(run.correlation, head_sha=MOVED, report=report, unresolved=0)
        await bot.settle()
        ended = (await bot.runs())[-1]
        assert (ended.state, ended.reason, ended.unresolved) == (RunState.FAILED, "head_mismatch", None)
        assert cancels(bot) == []
        assert [outcome for outcome, _ in await mismatches(bot)] == ["failed"]
        assert any("It is over; its result does not count." in text for text in bot.told("olga"))
        assert await bot.read(lambda tables: tables.snapshots.mutation()) is None


async def test_a_run_at_the_expected_commit_is_left_alone(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        run = await approved_run(bot)
        bot.forges["github"].finish(run.correlation, head_sha=HEAD, conclusion=LoopReason.RESOLVED.value)
        await bot.settle()
        ended = (await bot.runs())[-1]
        assert (ended.state, ended.reason, cancels(bot), await mismatches(bot)) == (
            RunState.SUCCEEDED,
            "resolved",
            [],
            [],
        )
