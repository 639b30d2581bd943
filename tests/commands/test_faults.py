"""A fault of ours is told under an id where the answer would have gone, and what was not recorded is not said to be."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from structlog.testing import capture_logs

from commands.catalogue import CATALOGUE
from commands.command import Arguments, Context, Subject
from commands.dispatcher import Dispatcher
from commands.run import RUN
from domain.clock import to_text
from domain.decisions import Verdict
from domain.notices import NoticeKind, Urgency
from store.port import Store, StoreUnwritable
from store.tables import Tables
from tests.fakes.chat import chat, every_channel
from tests.fakes.full_disk import full_disk

T = TypeVar("T")


def failing(_arguments: Arguments, _context: Context, _tables: Tables) -> Subject:
    raise ZeroDivisionError


BROKEN_RUN = tuple(replace(one, about=failing) if one is RUN else one for one in CATALOGUE)


@pytest.mark.parametrize("channel", ["sms", "telegram", "ntfy"])
async def test_a_fault_of_ours_is_told_by_its_log_id_where_the_answer_would_have_gone(
    tmp_path: Path, channel: str
) -> None:
    async with chat(tmp_path, policy=every_channel(), catalogue=BROKEN_RUN) as bot:
        with capture_logs() as logs:
            answer = await bot.text("run triage", "olga", channel, message_id="m1")
        assert (answer.rule, answer.verdict, answer.recorded) == ("fault", None, True)
        assert [line["problem"] for line in logs if line["event"] == "message_failed"] == [answer.problem]
        (row,) = bot.outbox()
        (notice,) = bot.sent_to(f"{channel}:olga")
        assert row.key == f"fault:{answer.problem}:{channel}:olga"
        assert row.expires_at == to_text(bot.clock.now() + timedelta(hours=1))
        assert (notice.kind, notice.urgency, notice.text) == (NoticeKind.REPLY, Urgency.HIGH, answer.text)
        assert notice.text == f"Something went wrong on our side and nothing was changed. Log id {answer.problem}."
        assert (await bot.audit_rows(), bot.relay_calls) == ([], 1)


async def test_a_fault_is_told_in_the_chat_that_asked(tmp_path: Path) -> None:
    async with chat(tmp_path, policy=every_channel(), catalogue=BROKEN_RUN) as bot:
        with capture_logs():
            await bot.text("run triage", "olga", "telegram", chat="-100")
        assert len(bot.sent_to("telegram:-100")) == 1


async def test_the_page_shows_its_faults_itself(tmp_path: Path) -> None:
    async with chat(tmp_path, policy=every_channel(), catalogue=BROKEN_RUN) as bot:
        with capture_logs():
            answer = await bot.say("run triage", "olga")
        assert answer.problem is not None
        assert bot.outbox() == []


class Failing:
    """A store in which nothing can be changed because of a mistake of ours; reads and, from then on, notes work."""

    def __init__(self, store: Store, error: Exception) -> None:
        self.store = store
        self.errors: list[Exception] = [error]

    async def transact(self, fn: Callable[[Tables], T]) -> T:
        if self.errors:
            raise self.errors.pop(0)
        return await self.store.transact(fn)

    async def read(self, fn: Callable[[Tables], T]) -> T:
        return await self.store.read(fn)


async def test_a_stranger_learns_nothing_of_a_fault(tmp_path: Path) -> None:
    async with chat(tmp_path, policy=every_channel()) as bot:
        dispatcher = Dispatcher(Failing(bot.store, ZeroDivisionError()), bot.around, lambda: None)
        message = bot.message("hello", "nobody", channel="telegram")
        with capture_logs():
            answer = await dispatcher.handle(replace(message, reply_to=message.sender))
        assert answer.rule == "fault"
        assert bot.outbox() == []


async def test_a_fault_that_cannot_be_told_is_logged(tmp_path: Path) -> None:
    async with chat(tmp_path, policy=every_channel()) as bot:
        store = Failing(bot.store, ZeroDivisionError())
        store.errors.append(StoreUnwritable("the disk is full"))
        message = bot.message("status", "olga", channel="telegram")
        with capture_logs() as logs:
            answer = await Dispatcher(store, bot.around, lambda: None).handle(replace(message, reply_to=message.sender))
        assert answer.rule == "fault"
        (untold,) = [line for line in logs if line["event"] == "fault_untold"]
        assert (untold["problem"], untold["error"]) == (answer.problem, "the disk is full")
        assert bot.outbox() == []


@pytest.mark.parametrize("text", ["status", "run triage", "halt", "gibberish", "ok 3K 482913"])
@pytest.mark.parametrize("who", ["olga", "nobody"])
async def test_what_could_not_be_recorded_says_so_to_whoever_confirms_it_to_the_provider(
    tmp_path: Path, text: str, who: str
) -> None:
    async with chat(tmp_path, policy=every_channel()) as bot:
        kept = await bot.text("whoami", who, message_id="SM0")
        before = len(bot.outbox())
        with capture_logs(), full_disk(bot.path):
            answer = await bot.text(text, who, message_id="SM1")
            again = await bot.text("whoami", who, message_id="SM0")
        assert not answer.recorded
        assert (kept.recorded, again.recorded, again.repeated) == (True, True, True)
        assert len(bot.outbox()) == before
        assert (await bot.text(text, who, message_id="SM1")).recorded  # the provider sent it again


async def test_a_code_is_not_spent_while_nothing_can_be_recorded(tmp_path: Path) -> None:
    async with chat(tmp_path, policy=every_channel()) as bot:
        asked = await bot.text("run triage", "olga")
        code, handle = await bot.code(), (asked.text or "").partition(":")[0]
        with capture_logs(), full_disk(bot.path):
            denied = await bot.text(f"ok {handle} {code}", "olga")
        assert (denied.verdict, denied.recorded) == (Verdict.DENY, False)
        assert (await bot.text(f"ok {handle} {code}", "olga")).rule == "allowed"
