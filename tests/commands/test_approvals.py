"""An approval is bound to exactly what will run, is given by somebody else, in time, and starts one run (I7)."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.approvals import Approval, ApprovalState
from domain.decisions import Verdict
from domain.modes import Mode
from domain.notices import NoticeKind
from domain.people import Proof
from domain.runs import RunState
from tests.fakes.chat import HEAD, Chat, chat, handle_in
from tests.fakes.policies import example_policy, loaded

LIFETIME_SECONDS = 15 * 60


async def approval(bot: Chat, handle: str) -> Approval:
    meaning = await bot.read(lambda tables: tables.handles.meaning(handle, "approval"))
    assert meaning is not None
    found = await bot.read(lambda tables: tables.approvals.get(meaning[1]))
    assert found is not None
    return found


async def ask(bot: Chat, text: str = "run strict", person: str = "olga", **how: Any) -> str:
    answer = await bot.say(text, person=person, **how)
    assert (answer.verdict, answer.rule) == (Verdict.NEEDS, "approval_needed")
    return handle_in(answer)


async def test_asking_starts_nothing_and_tells_the_approvers_exactly_what_would_run(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        answer = await bot.say("run strict main threshold=80", person="olga")
        handle = handle_in(answer)
        waiting = await approval(bot, handle)
        assert answer.text == f"{handle} strict waits for 1 approval(s), 15 min."
        assert (waiting.action, waiting.ref, waiting.inputs) == ("strict", "main", {"threshold": "80"})
        assert waiting.expires_at == bot.clock.now() + timedelta(seconds=LIFETIME_SECONDS)
        assert {row.key for row in bot.outbox()} == {
            f"{waiting.id}:approval-request:web:{person}" for person in ("owner", "ann", "ben")
        }
        assert bot.notices("ann")[0].text == (
            f"{handle}: olga asks to run strict\nacme/shop ci.yml on main at commit {HEAD[:12]}\nthreshold=80\n"
            "risk report, rule approval_needed: 0 of 1 approvals given\n"
            f"digest {waiting.digest[:12]}, until 14:15 UTC\nAnswer ok {handle} or no {handle}."
        )
        assert await bot.runs() == []


async def test_who_asks_is_told_nothing_as_approver_of_the_own_request(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await ask(bot, person="ann")
        assert bot.notices("ann") == []
        assert len(bot.notices("ben")) == 1


async def test_a_second_person_approves_and_exactly_the_asked_for_run_starts(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        handle = await ask(bot, "run strict threshold=80")
        answer = await bot.say(f"ok {handle}", person="ann")
        (run,) = await bot.runs()
        (dispatch,) = bot.dispatches()
        granted = await approval(bot, handle)
        assert answer.text == f"{handle} approved, started as {run.handle}."
        assert dispatch.digest == granted.digest
        assert dispatch.inputs == {"threshold": "80"}
        assert (run.requested_by, run.reply_to, run.approval) == ("olga", "web:olga", granted.id)
        assert (granted.state, [vote.person for vote in granted.votes]) == (ApprovalState.APPROVED, ["ann"])
        (told,) = bot.notices("olga")
        assert told.kind is NoticeKind.APPROVAL_RESOLVED
        assert told.text == f"{handle} strict: approved by ann, started as {run.handle}."
        assert (await bot.audit_rows())[-1]["digest"] == granted.digest


async def test_an_approval_is_used_once(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        handle = await ask(bot)
        answers = await asyncio.gather(*(bot.say(f"ok {handle}", person=one) for one in ("ann", "ben", "owner") * 3))
        assert [answer.rule for answer in answers].count("allowed") == 1
        assert {answer.rule for answer in answers} == {"allowed", "approval_decided"}
        assert len(await bot.runs()) == len(bot.dispatches()) == 1


async def test_who_asked_cannot_approve_it(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        handle = await ask(bot, person="ann")
        for proof in (Proof.SESSION, Proof.DEVICE, Proof.LOCAL):
            assert (await bot.say(f"ok {handle}", person="ann", proof=proof)).rule == "self_approval"
        assert await bot.runs() == []
        assert (await bot.say(f"ok {handle}", person="ben")).rule == "allowed"


@pytest.mark.parametrize(("person", "rule"), [("olga", "scope_missing"), ("vic", "scope_missing")])
async def test_only_people_with_the_scope_approve(tmp_path: Path, person: str, rule: str) -> None:
    async with chat(tmp_path) as bot:
        handle = await ask(bot)
        assert (await bot.say(f"ok {handle}", person=person)).rule == rule
        assert (await bot.say(f"no {handle}", person=person)).rule == rule


async def test_a_weak_channel_or_proof_approves_nothing(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        handle = await ask(bot)
        by_sms = await bot.say(f"ok {handle}", person="ann", channel="sms", proof=Proof.ADDRESS)
        by_address = await bot.say(f"ok {handle}", person="ann", proof=Proof.ADDRESS)
        assert (by_sms.rule, by_address.rule) == ("channel_scope", "proof_too_weak")
        assert by_address.verdict is Verdict.NEEDS
        assert (await approval(bot, handle)).votes == ()


async def test_a_refusal_is_final_and_its_note_is_told(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        handle = await ask(bot)
        answer = await bot.say(f"no {handle} not on a Friday", person="ann")
        assert answer.text == f"{handle} refused. Nothing was started."
        assert bot.notices("olga")[0].text == f"{handle} strict: refused by ann: not on a Friday."
        late = await bot.say(f"ok {handle}", person="ben")
        assert late.rule == "approval_decided"
        assert late.text is not None
        assert "already denied, by ann" in late.text
        assert (await bot.say(f"no {handle}", person="ben")).rule == "approval_decided"
        assert await bot.runs() == []


async def test_a_refusal_needs_no_note(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        handle = await ask(bot)
        await bot.say(f"no {handle}", person="ann")
        assert bot.notices("olga")[0].text == f"{handle} strict: refused by ann."


@pytest.mark.parametrize("answer", ["ok", "no"])
@pytest.mark.parametrize(
    ("seconds", "rule"),
    [
        (LIFETIME_SECONDS - 0.001, "allowed"),
        (LIFETIME_SECONDS, "approval_expired"),
        (LIFETIME_SECONDS + 1, "approval_expired"),
    ],
)
async def test_an_approval_expires_at_exactly_its_time(tmp_path: Path, answer: str, seconds: float, rule: str) -> None:
    async with chat(tmp_path) as bot:
        handle = await ask(bot)
        bot.clock.advance(seconds)
        assert (await bot.say(f"{answer} {handle}", person="ann")).rule == rule
        assert len(await bot.runs()) == int(rule == "allowed" and answer == "ok")


async def test_a_policy_changed_in_between_voids_the_approval(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        handle = await ask(bot)
        document = example_policy()
        document["actions"]["strict"]["title"] = "Something else"
        bot.policy = loaded(document)
        assert (await bot.say(f"ok {handle}", person="ann")).rule == "digest_changed"
        assert await bot.runs() == []
        assert (await bot.say(f"no {handle}", person="ann")).rule == "allowed"


@pytest.mark.parametrize("left", ["no action", "no inputs"])
async def test_what_the_policy_no_longer_names_cannot_be_approved(tmp_path: Path, left: str) -> None:
    async with chat(tmp_path) as bot:
        handle = await ask(bot)
        document = example_policy()
        if left == "no action":
            del document["actions"]["strict"]
        else:
            document["actions"]["strict"]["inputs"] = {}
        bot.policy = loaded(document)
        refused = await bot.say(f"ok {handle}", person="ann")
        assert refused.rule == ("action_unknown" if left == "no action" else "input_invalid")
        assert await bot.runs() == []


async def test_a_taken_slot_stops_an_approval_from_starting_a_second_run(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        first, second = await ask(bot), await ask(bot, "run strict threshold=80")
        await bot.say(f"ok {first}", person="ann")
        assert (await bot.say(f"ok {second}", person="ann")).rule == "slot_busy"
        (run,) = await bot.runs()
        await bot.finish(run.handle, RunState.FAILED)
        assert (await bot.say(f"ok {second}", person="ann")).rule == "allowed"


async def test_a_lowered_mode_stops_an_approval_that_was_asked_for_before(tmp_path: Path) -> None:
    async with chat(tmp_path, mode=Mode.OPERATE) as bot:
        handle = await ask(bot, "run deploy image=api:1", person="owner")
        await bot.say("pause", person="vic")
        assert (await bot.say(f"ok {handle}", person="ann")).rule == "mode_too_low"
        await bot.say("halt", person="vic")
        assert (await bot.say(f"ok {handle}", person="ann")).rule == "mode_off"


async def ask_for_release(bot: Chat) -> str:
    return await ask(bot, "run release image=api:1", person="owner", proof=Proof.DEVICE)


async def test_two_approvals_are_two_peoples_and_the_second_starts_the_run(tmp_path: Path) -> None:
    async with chat(tmp_path, mode=Mode.OPERATE) as bot:
        handle = await ask_for_release(bot)
        first = await bot.say(f"ok {handle}", person="ann", proof=Proof.DEVICE)
        assert first.text == f"{handle} has 1 of 2 approvals."
        assert await bot.runs() == []
        assert (await bot.say(f"ok {handle}", person="ann", proof=Proof.DEVICE)).rule == "voted_already"
        second = await bot.say(f"ok {handle}", person="ben", proof=Proof.DEVICE)
        (run,) = await bot.runs()
        assert second.text == f"{handle} approved, started as {run.handle}."
        assert [vote.person for vote in (await approval(bot, handle)).votes] == ["ann", "ben"]


async def test_who_asked_is_one_of_the_approvers_only_where_the_policy_says_so(tmp_path: Path) -> None:
    async with chat(tmp_path, mode=Mode.OPERATE) as bot:
        handle = await ask_for_release(bot)
        assert {person for person in bot.people.people if bot.notices(person)} == {"owner", "ann", "ben"}
        assert (await bot.say(f"ok {handle}", person="owner", proof=Proof.DEVICE)).rule == "allowed"


async def test_a_high_risk_needs_a_device_to_ask_and_to_approve(tmp_path: Path) -> None:
    async with chat(tmp_path, mode=Mode.OPERATE) as bot:
        weak = await bot.say("run release image=api:1")
        assert (weak.verdict, weak.rule) == (Verdict.NEEDS, "proof_too_weak")
        handle = await ask_for_release(bot)
        assert (await bot.say(f"ok {handle}", person="ann")).rule == "proof_too_weak"


async def test_who_agreed_may_still_refuse_before_the_last_approval(tmp_path: Path) -> None:
    async with chat(tmp_path, mode=Mode.OPERATE) as bot:
        handle = await ask_for_release(bot)
        await bot.say(f"ok {handle}", person="ann", proof=Proof.DEVICE)
        refused = await bot.say(f"no {handle} I was wrong", person="ann")
        assert refused.rule == "allowed"
        ended = await approval(bot, handle)
        assert (ended.state, ended.granted) == (ApprovalState.DENIED, 0)
        assert [(vote.person, vote.grants, vote.note) for vote in ended.votes] == [("ann", False, "I was wrong")]


async def test_two_requests_are_answered_by_their_own_ids(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        first, second = await ask(bot), await ask(bot, "run strict threshold=80")
        assert first != second
        await bot.say(f"ok {second.lower()}", person="ann")
        assert bot.dispatches()[0].inputs == {"threshold": "80"}
        assert (await approval(bot, first)).state is ApprovalState.OPEN


async def test_each_request_has_its_own_expiry(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        first = await ask(bot)
        bot.clock.advance(10 * 60)
        second = await ask(bot, "run strict threshold=80")
        bot.clock.advance(5 * 60)
        assert (await bot.say(f"ok {first}", person="ann")).rule == "approval_expired"
        assert (await bot.say(f"ok {second}", person="ann")).rule == "allowed"


async def test_the_list_shows_what_waits_the_most_urgent_first(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        empty = await bot.say("approvals")
        first = await ask(bot)
        bot.clock.advance(61)
        second = await ask(bot, "run strict threshold=80", person="ann")
        listed = await bot.say("q", person="vic")
        assert empty.text == "Nothing waits for an approval."
        assert listed.text == (
            f"{first} strict on main, asked by olga, risk report, 0 of 1, 13 min left\n"
            f"{second} strict on main, asked by ann, risk report, 0 of 1, 15 min left"
        )
        assert listed.keys == (f"ok {first}", f"no {first}", f"why {first}")
        bot.clock.advance(LIFETIME_SECONDS)
        assert (await bot.say("approvals")).text == "Nothing waits for an approval."
