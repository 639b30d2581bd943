"""An approval on GitHub is one of a commit: nobody is asked about an unknown one, and one that moved is never started."""

from pathlib import Path

import pytest

from commands.answering import find_approval
from commands.heads import HEAD_TRUSTED
from domain.approvals import Approval
from domain.ci import Branch
from domain.decisions import Verdict
from domain.notices import NoticeKind
from tests.fakes.chat import HEAD, Chat, chat, handle_in
from tests.fakes.policies import REPOSITORY, example_policy, loaded

MAIN = Branch(REPOSITORY, "main")
MOVED = "feed" * 10
PIN = "b10b" * 10


async def found(bot: Chat, handle: str) -> Approval:
    approval = await bot.read(lambda tables: find_approval(handle, tables))
    assert approval is not None
    return approval


async def test_the_commit_that_was_seen_last_is_asked_about_and_dispatched(tmp_path: Path) -> None:
    policy = example_policy()
    policy["actions"]["strict"]["pins"] = {"main": PIN}
    async with chat(tmp_path, policy=loaded(policy)) as bot:
        handle = handle_in(await bot.say("run strict", person="olga"))
        assert (await found(bot, handle)).head_sha == HEAD
        assert f"acme/shop ci.yml on main at commit {HEAD[:12]}" in bot.notices("ann")[0].text
        await bot.say(f"ok {handle}", person="ann")
        (dispatch,) = bot.dispatches()
        (run,) = await bot.runs()
        assert (dispatch.approved_sha, dispatch.pin, run.expected_sha) == (HEAD, PIN, HEAD)
        assert dispatch.digest == (await found(bot, handle)).digest


@pytest.mark.parametrize("seconds_more", [0, 1])
async def test_a_head_that_was_seen_too_long_ago_is_asked_nobody_about(tmp_path: Path, seconds_more: int) -> None:
    async with chat(tmp_path) as bot:
        await bot.see_heads()
        bot.heads_are_seen = False
        bot.clock.advance(HEAD_TRUSTED.total_seconds() + seconds_more)
        answer = await bot.say("run strict", person="olga")
        assert (answer.verdict, answer.rule) == (
            (Verdict.DENY, "head_unknown") if seconds_more else (Verdict.NEEDS, "approval_needed")
        )
        assert (bot.notices("ann") == []) is bool(seconds_more)


async def test_a_branch_that_nobody_has_seen_is_asked_nobody_about(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        bot.heads_are_seen = False
        answer = await bot.say("run strict dev", person="olga")
        assert answer.rule == "head_unknown"
        assert answer.text is not None
        assert "where dev of acme/shop stands" in answer.text
        assert bot.notices("ann") == []


async def test_only_what_needs_approval_on_github_needs_a_known_commit(tmp_path: Path) -> None:
    policy = example_policy()
    policy["actions"]["near"] = {**policy["actions"]["strict"], "forge": "local", "slot": "near"}
    async with chat(tmp_path, policy=loaded(policy)) as bot:
        bot.heads_are_seen = False
        assert (await bot.say("run triage")).rule == "allowed"
        handle = handle_in(await bot.say("run near", person="olga"))
        assert (await found(bot, handle)).head_sha is None
        assert "at commit" not in bot.notices("ann")[0].text
        explained = (await bot.say(f"why {handle}")).text
        assert explained is not None
        assert "at commit" not in explained
        await bot.say(f"ok {handle}", person="ann")
        assert [(one.action, one.approved_sha, one.pin) for one in bot.dispatches()] == [
            ("triage", None, None),
            ("near", None, None),
        ]


async def test_a_branch_that_was_seen_to_move_cannot_be_approved_and_who_asked_is_told_once(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        handle = handle_in(await bot.say("run strict", person="olga"))
        bot.clock.advance(1)
        bot.heads[MAIN] = MOVED
        answers = [await bot.say(f"ok {handle}", person=person) for person in ("ann", "ben")]
        assert [answer.rule for answer in answers] == ["digest_changed", "digest_changed"]
        assert (bot.dispatches(), await bot.runs()) == ([], [])
        (told,) = bot.notices("olga")
        assert told.kind is NoticeKind.APPROVAL_RESOLVED
        assert told.text == f"{handle} strict: what it would run has changed since you asked. Ask again."


async def test_a_branch_that_moved_and_came_back_is_what_was_asked_for(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        handle = handle_in(await bot.say("run strict", person="olga"))
        for sha in (MOVED, HEAD):
            bot.clock.advance(1)
            bot.heads[MAIN] = sha
            await bot.see_heads()
        assert (await bot.say(f"ok {handle}", person="ann")).rule == "allowed"


async def test_a_branch_that_went_away_cannot_be_approved(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        handle = handle_in(await bot.say("run strict", person="olga"))
        await bot.store.transact(lambda tables: tables.heads.drop(REPOSITORY, "main"))
        assert (await bot.say(f"ok {handle}", person="ann")).rule == "digest_changed"


async def test_an_action_that_left_the_policy_is_no_commit_to_compare(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        handle = handle_in(await bot.say("run strict", person="olga"))
        policy = example_policy()
        del policy["actions"]["strict"]
        bot.policy = loaded(policy)
        assert (await bot.say(f"ok {handle}", person="ann")).rule == "action_unknown"
