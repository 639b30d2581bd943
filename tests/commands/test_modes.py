"""Anybody enrolled lowers the mode on any channel; raising it takes scope, soak window and the strongest proof (I4, I6)."""

from pathlib import Path

import pytest

from domain.decisions import Verdict
from domain.modes import Mode, StoredMode
from domain.notices import NoticeKind
from domain.people import AddressKind, Proof
from domain.runs import RunState
from tests.fakes.chat import Chat, chat, handle_in

SECONDS_A_DAY = 86_400


async def stored(bot: Chat) -> Mode:
    return await bot.read(lambda tables: tables.mode.value())


async def pass_soak_window(bot: Chat) -> None:
    """Have the two clean runs and seven days that the test policy asks for."""
    for _ in range(2):
        await bot.finish(handle_in(await bot.say("run triage")))
    bot.clock.advance(7 * SECONDS_A_DAY)


@pytest.mark.parametrize("channel", [*AddressKind])
@pytest.mark.parametrize("mode", [*Mode])
async def test_anybody_enrolled_halts_on_any_channel_in_any_mode(
    tmp_path: Path, channel: AddressKind, mode: Mode
) -> None:
    async with chat(tmp_path, mode=mode) as bot:
        answer = await bot.say("halt", person="vic", channel=channel, proof=Proof.ADDRESS)
        assert (answer.verdict, answer.rule) == (Verdict.ALLOW, "lowering_is_always_allowed")
        assert await stored(bot) is Mode.OFF


async def test_halting_tells_everybody_else_and_says_what_still_goes_on(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await bot.say("run triage")
        answer = await bot.say("halt", person="vic")
        assert answer.text == "Mode is now off, it was read-only. 1 run(s) still going, abort <id> ends one."
        notices = bot.notices()
        assert {(notice.kind, notice.mode) for notice in notices} == {(NoticeKind.MODE_CHANGED, "off")}
        assert {notice.text for notice in notices} == {"Mode is now off, set by vic on web."}
        assert {person for person in bot.people.people if bot.notices(person)} == {"owner", "ann", "ben", "olga"}
        assert len({row.key for row in bot.outbox()}) == len(bot.outbox())
        assert await bot.read(lambda tables: tables.mode.current()) == StoredMode(Mode.OFF, 1, bot.clock.now(), "vic")


async def test_halting_twice_changes_nothing_more(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await bot.say("halt")
        told = len(bot.outbox())
        again = await bot.say("halt")
        assert again.text == "The mode was set to off already; it is off."
        assert len(bot.outbox()) == told
        current = await bot.read(lambda tables: tables.mode.current())
        assert current is not None
        assert current.version == 1


async def test_pause_lowers_from_operate_and_raises_from_off(tmp_path: Path) -> None:
    async with chat(tmp_path, mode=Mode.OPERATE) as bot:
        assert (await bot.say("pause", person="vic")).text == "Mode is now read-only, it was operate."
        await bot.say("halt", person="vic")
        assert (await bot.say("pause", person="vic")).rule == "scope_missing"
        assert (await bot.say("pause")).rule == "proof_too_weak"
        assert await stored(bot) is Mode.OFF
        assert (await bot.say("pause", proof=Proof.DEVICE)).text == "Mode is now read-only, it was off."


async def test_resume_needs_scope_soak_window_and_device(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        early = await bot.say("resume", proof=Proof.DEVICE)
        assert early.text is not None
        assert "operate opens after the soak window: 0 of 7 days, 0 of 2 clean runs" in early.text
        await pass_soak_window(bot)
        assert (await bot.say("resume", person="olga", proof=Proof.DEVICE)).rule == "scope_missing"
        assert (await bot.say("resume", proof=Proof.SESSION)).rule == "proof_too_weak"
        assert await stored(bot) is Mode.READ_ONLY
        assert (await bot.say("resume", proof=Proof.DEVICE)).text == "Mode is now operate, it was read-only."
        assert await stored(bot) is Mode.OPERATE


async def test_runs_that_failed_do_not_count_for_the_soak_window(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        for state in (RunState.FAILED, RunState.SUCCEEDED, RunState.UNKNOWN):
            await bot.finish(handle_in(await bot.say("run triage")), state)
        bot.clock.advance(8 * SECONDS_A_DAY)
        answer = await bot.say("resume", proof=Proof.DEVICE)
        assert answer.text is not None
        assert "7 of 7 days, 1 of 2 clean runs" in answer.text


@pytest.mark.parametrize("proof", [Proof.ADDRESS, Proof.CODE])
async def test_a_message_proven_by_its_number_never_raises(tmp_path: Path, proof: Proof) -> None:
    async with chat(tmp_path) as bot:
        await pass_soak_window(bot)
        await bot.say("halt")
        for text in ("pause", "resume"):
            assert (await bot.say(text, channel="sms", proof=proof)).verdict is not Verdict.ALLOW
        assert await stored(bot) is Mode.OFF


async def test_a_halt_file_holds_the_mode_whatever_is_set(tmp_path: Path) -> None:
    async with chat(tmp_path, mode=Mode.OPERATE) as bot:
        bot.brake.halt_file = True
        refused = await bot.say("run triage")
        assert refused.rule == "mode_off"
        assert refused.text is not None
        assert "held by the HALT file" in refused.text
        lowered = await bot.say("pause")
        assert lowered.text == "Mode is now read-only, it was operate. It stays off while the HALT file is there."


async def test_the_environment_holds_the_mode_down(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await pass_soak_window(bot)
        bot.environment_mode = Mode.READ_ONLY
        await bot.restart()
        raised = await bot.say("resume", proof=Proof.DEVICE)
        assert raised.text == "Mode is now operate, it was read-only. AUTONOMY_MODE keeps it at read-only."
        assert (await bot.say("run deploy image=a")).rule == "mode_too_low"
        lowered = await bot.say("pause")
        assert lowered.text == "Mode is now read-only, it was operate."


async def test_the_mode_survives_a_restart(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await bot.say("halt")
        await bot.restart()
        assert (await bot.say("run triage")).rule == "mode_off"
