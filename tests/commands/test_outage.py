"""While the audit log cannot be written: no writes, reads answer, the brake works, and a gap row says so afterwards."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from structlog.testing import capture_logs

from commands.dispatcher import Dispatcher
from commands.outage import Outage, Unrecorded
from domain.clock import to_text
from domain.decisions import Verdict
from domain.modes import Mode
from store.port import Store, StoreUnwritable
from store.tables import Tables
from tests.fakes.busy_database import held_for_writing
from tests.fakes.chat import Chat, chat, handle_in
from tests.fakes.full_disk import full_disk
from tests.fakes.virtual_time import START

T = TypeVar("T")

NOT_IN_IT = "(The audit log cannot be written: this answer is not in it.)"


@contextmanager
def outage(bot: Chat) -> Iterator[None]:
    with capture_logs() as logs, full_disk(bot.path):
        yield
    assert "unrecorded" in {line["event"] for line in logs}


async def gaps(bot: Chat) -> list[dict[str, object]]:
    return [row for row in await bot.audit_rows() if row["action"] == "audit-gap"]


@pytest.mark.parametrize("text", ["run triage", "ok 3K", "no 3K", "abort 3K", "resume"])
async def test_writes_are_denied_with_a_plain_sentence(tmp_path: Path, text: str) -> None:
    async with chat(tmp_path) as bot:
        await bot.say("status")
        assert bot.dispatcher.recording
        with outage(bot):
            answer = await bot.say(text)
        assert not bot.dispatcher.recording
        assert (answer.verdict, answer.rule, answer.receipt) == (Verdict.DENY, "audit_unwritable", None)
        assert answer.text == (
            "Refused (audit_unwritable): the audit log cannot be written, so nothing may be changed."
        )
        assert answer.keys == ("status", "halt")
        assert (await bot.runs(), bot.outbox()) == ([], [])


async def test_reads_answer_and_say_that_they_are_not_recorded(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        usual = await bot.say("whoami")
        with outage(bot):
            read = await bot.say("whoami")
            typo = await bot.say("whoamy")
        assert read.text == f"{usual.text}\n{NOT_IN_IT}"
        assert read.keys == usual.keys
        assert typo.text is not None
        assert typo.text.startswith("Not done: there is no command whoamy. Did you mean whoami")
        assert len(await bot.audit_rows()) == 1


async def test_the_brake_works_at_once_and_is_written_down_afterwards(tmp_path: Path) -> None:
    async with chat(tmp_path, mode=Mode.OPERATE) as bot:
        await bot.say("status")
        with outage(bot):
            answer = await bot.say("halt", person="vic")
            assert answer.text == (
                "Mode is held at off from now on. The audit log cannot be written;"
                " this is written down as soon as it can be."
            )
            assert bot.brake.ours
            held = await bot.say("status")
            assert held.text is not None
            assert held.text.startswith("Mode off, held by the HALT file")
        after = await bot.say("status")
        assert after.text is not None
        assert after.text.startswith("Mode off, held by the stored mode, set by reins")
        assert not bot.brake.ours
        assert (await gaps(bot))[0]["evidence"] == {"since": to_text(START), "answered": 1, "refused": 0, "lowered": 1}


async def test_a_pause_pulls_the_brake_too_as_nothing_finer_can_be_kept(tmp_path: Path) -> None:
    async with chat(tmp_path, mode=Mode.OPERATE) as bot:
        await bot.say("status")
        with outage(bot):
            await bot.say("pause")
        assert (await bot.say("run triage")).rule == "mode_off"


async def test_naming_the_mode_that_is_set_anyway_pulls_no_brake(tmp_path: Path) -> None:
    async with chat(tmp_path, mode=Mode.OPERATE) as bot:
        await bot.say("status")
        with outage(bot):
            answer = await bot.say("resume", person="vic")
        assert answer.text == f"The mode was set to operate already; it is operate.\n{NOT_IN_IT}"
        assert not bot.brake.ours
        await bot.say("status")
        assert await bot.read(lambda tables: tables.mode.value()) is Mode.OPERATE


async def test_a_halt_file_of_people_stays_when_the_outage_is_over(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await bot.say("status")
        bot.brake.halt_file = True
        with outage(bot):
            await bot.say("halt")
        await bot.say("status")
        assert bot.brake.pulled()


async def test_the_gap_row_counts_what_happened_and_comes_before_the_next_message(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await bot.say("status")
        with outage(bot):
            bot.clock.advance(10)
            began = bot.clock.now()
            await bot.say("status")
            bot.clock.advance(10)
            await bot.say("status")
            await bot.say("run triage")
            await bot.say("hello", person="nobody")
        bot.clock.advance(10)
        await bot.say("whoami")
        gap = (await bot.audit_rows())[1]
        assert (gap["action"], gap["actor"], gap["outcome"], gap["decision"]) == (
            "audit-gap",
            "reins",
            "recovered",
            None,
        )
        assert gap["at"] == to_text(began + timedelta(seconds=20))
        assert gap["evidence"] == {"since": to_text(began), "answered": 2, "refused": 2, "lowered": 0}
        assert [row["action"] for row in await bot.audit_rows()] == ["status", "audit-gap", "whoami"]
        assert await bot.read(lambda tables: tables.mode.current()) is None
        assert (await bot.verify_audit()).ok


async def test_a_stranger_stays_unanswered_and_is_counted(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await bot.say("status")
        with outage(bot):
            answer = await bot.say("halt", person="nobody")
        assert (answer.text, answer.rule) == (None, "unknown_person")
        assert not bot.brake.ours
        await bot.dispatcher.close_gap()
        assert (await gaps(bot))[0]["evidence"] == {"since": to_text(START), "answered": 0, "refused": 1, "lowered": 0}


async def test_a_message_seen_before_gets_its_answer_again(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        first = await bot.say("run triage", message_id="same")
        with capture_logs(), held_for_writing(bot.path):
            again = await bot.say("run triage", message_id="same")
        assert (again.text, again.repeated) == (first.text, True)
        await bot.say("status")
        assert await gaps(bot) == []


async def test_a_refused_message_may_come_again_and_then_counts(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await bot.say("status")
        with outage(bot):
            assert (await bot.say("run triage", message_id="same")).rule == "audit_unwritable"
        started = await bot.say("run triage", message_id="same")
        assert (started.rule, started.repeated) == ("allowed", False)
        assert (await bot.runs())[0].handle == handle_in(started)


async def test_many_messages_after_an_outage_write_its_gap_once(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await bot.say("status")
        with outage(bot):
            await bot.say("run triage")
        await asyncio.gather(*(bot.say("status") for _ in range(16)))
        assert [gap["evidence"] for gap in await gaps(bot)] == [
            {"since": to_text(START), "answered": 0, "refused": 1, "lowered": 0}
        ]
        with outage(bot):
            await bot.say("status")
        await bot.say("status")
        assert (await gaps(bot))[1]["evidence"] == {"since": to_text(START), "answered": 1, "refused": 0, "lowered": 0}


async def test_messages_of_an_outage_that_come_together_are_all_counted(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await bot.say("status")
        with outage(bot):
            for _ in range(2):
                await asyncio.gather(*(bot.say(text) for text in ("status", "run triage", "halt") * 5))
        await bot.say("status")
        (gap,) = await gaps(bot)
        assert gap["evidence"] == {"since": to_text(START), "answered": 10, "refused": 10, "lowered": 10}


async def test_closing_a_gap_that_is_not_over_says_so_and_loses_no_count(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await bot.dispatcher.close_gap()  # there was none
        await bot.say("status")
        with outage(bot):
            await bot.say("halt")
            with pytest.raises(StoreUnwritable):
                await bot.dispatcher.close_gap()
            assert bot.brake.ours
        await bot.dispatcher.close_gap()
        assert not bot.brake.ours
        assert [gap["evidence"] for gap in await gaps(bot)] == [
            {"since": to_text(START), "answered": 0, "refused": 0, "lowered": 1}
        ]


class FillsUpAgain:
    """The bot's store; right behind its next commit, `meanwhile` happens."""

    def __init__(self, store: Store, meanwhile: Callable[[], Awaitable[object]]) -> None:
        self.store = store
        self.meanwhile: Callable[[], Awaitable[object]] | None = meanwhile

    async def transact(self, fn: Callable[[Tables], T]) -> T:
        result = await self.store.transact(fn)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return result

    async def read(self, fn: Callable[[Tables], T]) -> T:
        return await self.store.read(fn)


async def test_a_brake_pulled_while_an_older_gap_was_written_stays_pulled(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:

        async def halt_on_a_full_disk() -> None:
            with outage(bot):
                await bot.say("halt")

        await bot.say("status")
        bot.dispatcher = Dispatcher(FillsUpAgain(bot.store, halt_on_a_full_disk), bot.around, lambda: None)
        with outage(bot):
            await bot.say("status")
        await bot.dispatcher.close_gap()
        assert bot.brake.ours
        assert await bot.read(lambda tables: tables.mode.current()) is None
        await bot.dispatcher.close_gap()
        assert not bot.brake.ours
        assert await bot.read(lambda tables: tables.mode.value()) is Mode.OFF
        assert [gap["evidence"] for gap in await gaps(bot)] == [
            {"since": to_text(START), "answered": 1, "refused": 0, "lowered": 0},
            {"since": to_text(START), "answered": 0, "refused": 0, "lowered": 1},
        ]


def test_counts_of_one_outage_add_up_and_keep_its_beginning() -> None:
    earlier, later = Outage(), Outage()
    earlier.note(START, Unrecorded.REFUSED)
    later.note(START + timedelta(seconds=5), Unrecorded.REFUSED)
    later.note(START + timedelta(seconds=6), Unrecorded.LOWERED)
    assert earlier.plus(later) == Outage(START, 0, 2, 1)
