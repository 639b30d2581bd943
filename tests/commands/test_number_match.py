"""Approving medium risk by a chat account takes the number that who asked sees; one wrong number is all one has."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from commands.answer import Answer
from domain.approvals import Approval, ApprovalState
from domain.decisions import Verdict
from domain.modes import Mode
from domain.notices import ChoiceStyle, NoticeKind
from domain.people import AddressKind, Proof
from tests.fakes.chat import Chat, chat, every_channel, handle_in


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Chat]:
    reachable = [AddressKind.TELEGRAM]
    async with chat(tmp_path, policy=every_channel(), mode=Mode.OPERATE, reachable=reachable) as made:
        yield made


async def ask(bot: Chat) -> tuple[str, str]:
    """Have olga ask for a deployment; return its handle and its number."""
    handle = handle_in(await bot.say("run deploy image=api:1", "olga"))
    number = (await approval(bot, handle)).match_number
    assert number is not None
    return handle, number


async def approval(bot: Chat, handle: str) -> Approval:
    meaning = await bot.read(lambda tables: tables.handles.meaning(handle, "approval"))
    assert meaning is not None
    found = await bot.read(lambda tables: tables.approvals.get(meaning[1]))
    assert found is not None
    return found


def other(number: str) -> str:
    return f"{(int(number) + 1) % 100:02}"


async def ok(bot: Chat, text: str, who: str = "ann") -> Answer:
    return await bot.text(text, who, "telegram")


async def test_the_number_is_on_the_screen_of_who_asked_and_nowhere_alone(bot: Chat) -> None:
    asked = await bot.say("run deploy image=api:1", "olga")
    handle = handle_in(asked)
    number = (await approval(bot, handle)).match_number
    assert asked.text == (
        f"{handle} deploy waits for 1 approval(s), 15 min. Its number is {number}: tell it to whoever approves."
    )
    (shown,) = [one for one in bot.sent_to("telegram:ann") if one.kind is NoticeKind.APPROVAL_REQUEST]
    approving = [choice for choice in shown.choices if choice.style is ChoiceStyle.APPROVE]
    assert [choice.command for choice in approving] == [f"ok {handle} {choice.label}" for choice in approving]
    assert len({choice.label for choice in approving}) == 4
    assert number in {choice.label for choice in approving}
    read = (await bot.say(f"why {handle}", "ann"), await bot.say("approvals", "ann"), await bot.say("status", "ann"))
    for text in (shown.text, *(answer.text or "" for answer in read)):
        assert number not in re.split(r"\W+", text)


async def test_without_its_number_a_chat_account_is_asked_for_it(bot: Chat) -> None:
    handle, number = await ask(bot)
    answer = await ok(bot, f"ok {handle}")
    assert (answer.verdict, answer.rule) == (Verdict.NEEDS, "number_needed")
    assert (await approval(bot, handle)).votes == ()
    assert (await ok(bot, f"ok {handle} {number}")).rule == "allowed"
    assert len(bot.dispatches()) == 1


async def test_a_wrong_number_locks_that_person_out_of_that_approval_and_nobody_else(bot: Chat) -> None:
    handle, number = await ask(bot)
    wrong = await ok(bot, f"ok {handle} {other(number)}")
    assert (wrong.verdict, wrong.rule) == (Verdict.DENY, "number_wrong")
    for _ in range(2):
        assert (await ok(bot, f"ok {handle} {number}")).rule == "number_spent"
    assert (await ok(bot, f"ok {handle}")).rule == "number_spent"
    assert bot.dispatches() == []
    second, its_number = await ask(bot)
    assert (await ok(bot, f"ok {handle} {number}", "ben")).rule == "allowed"
    (run,) = await bot.runs()
    await bot.finish(run.handle)
    assert (await ok(bot, f"ok {second} {its_number}")).rule == "allowed"


async def test_who_gave_a_wrong_number_may_still_refuse_and_approve_where_the_whole_request_is_shown(bot: Chat) -> None:
    handle, number = await ask(bot)
    await ok(bot, f"ok {handle} {other(number)}")
    assert (await bot.say(f"ok {handle}", "ann")).rule == "allowed"
    (run,) = await bot.runs()
    await bot.finish(run.handle)
    handle, number = await ask(bot)
    await ok(bot, f"ok {handle} {other(number)}")
    assert (await ok(bot, f"no {handle}")).rule == "allowed"
    assert (await approval(bot, handle)).state is ApprovalState.DENIED


@pytest.mark.parametrize("proof", [Proof.SESSION, Proof.DEVICE, Proof.LOCAL])
async def test_a_screen_that_shows_the_whole_request_needs_no_number(bot: Chat, proof: Proof) -> None:
    handle, _ = await ask(bot)
    assert (await bot.say(f"ok {handle}", "ann", proof)).rule == "allowed"


async def test_only_medium_risk_has_a_number(bot: Chat) -> None:
    report = handle_in(await bot.say("run strict", "olga"))
    high = handle_in(await bot.say("run release image=api:1", "owner", Proof.DEVICE))
    assert (await approval(bot, report)).match_number is None
    assert (await approval(bot, high)).match_number is None
    assert (await ok(bot, f"ok {high} 47")).rule == "proof_too_weak"
    assert (await ok(bot, f"ok {report}")).rule == "allowed"


async def test_pressing_a_wrong_number_kills_the_right_one_for_that_person(bot: Chat) -> None:
    handle, number = await ask(bot)
    (shown,) = [one for one in bot.sent_to("telegram:ann") if one.kind is NoticeKind.APPROVAL_REQUEST]
    labels = [choice.label for choice in shown.choices]
    tokens = dict(zip(labels, await bot.show("telegram:ann", shown), strict=True))
    wrong = next(label for label in labels if label not in (number, "Deny"))
    assert (await bot.press(tokens[wrong], "ann")).rule == "number_wrong"
    assert (await bot.press(tokens[number], "ann")).rule == "number_spent"
    assert (await bot.press(tokens["Deny"], "ann")).rule == "allowed"
    assert (await approval(bot, handle)).state is ApprovalState.DENIED


async def test_pressing_the_right_number_approves(bot: Chat) -> None:
    _, number = await ask(bot)
    (shown,) = [one for one in bot.sent_to("telegram:ann") if one.kind is NoticeKind.APPROVAL_REQUEST]
    labels = [choice.label for choice in shown.choices]
    tokens = dict(zip(labels, await bot.show("telegram:ann", shown), strict=True))
    assert (await bot.press(tokens[number], "ann")).rule == "allowed"
    assert len(bot.dispatches()) == 1


async def test_who_may_not_approve_learns_nothing_from_guessing(bot: Chat) -> None:
    handle, number = await ask(bot)
    answers = [await ok(bot, f"ok {handle} {guess}", "vic") for guess in (number, other(number))]
    assert {answer.rule for answer in answers} == {"scope_missing"}
    own = [await ok(bot, f"ok {handle} {guess}", "olga") for guess in (number, other(number))]
    assert {answer.rule for answer in own} == {"scope_missing"}


async def test_a_wrong_number_is_noted_once_with_the_decision_that_refused_it(bot: Chat) -> None:
    handle, number = await ask(bot)
    asked = (await approval(bot, handle)).id
    for who, noted in (("ann", True), ("ben", False)):
        await ok(bot, f"ok {handle} {other(number)}" if noted else f"ok {handle}", who)
        assert await bot.read(lambda tables, one=who: tables.approvals.wrong_number(asked, one)) is noted  # type: ignore[misc]
