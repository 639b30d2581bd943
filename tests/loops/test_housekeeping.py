"""Housekeeping: expiries are told, an idle log is sealed every minute, and an outage that is over is written down."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from domain.approvals import ApprovalState
from loops.housekeeping import RATES_KEPT
from store.port import StoreUnwritable
from tests.fakes.busy_database import held_for_writing
from tests.fakes.chat import handle_in
from tests.fakes.whole_bot import WholeBot, whole_bot


async def seals(bot: WholeBot) -> int:
    return len(await bot.read(lambda tables: list(tables.seals.each())))


async def test_an_approval_that_runs_out_is_told_once_to_the_person_who_asked(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        handle = handle_in(await bot.say("run strict", person="olga"))
        await bot.settle()
        bot.clock.advance(15 * 60 - 1)
        await bot.housekeeping.tick()
        await bot.settle()
        assert bot.told("olga") == []
        bot.clock.advance(1)
        for _ in range(3):
            await bot.housekeeping.tick()
            await bot.settle()
        assert bot.told("olga") == [f"{handle} strict: expired, nothing was started."]
        expired = [row for row in await bot.audit_rows() if row["action"] == "approval-expired"]
        assert [row["evidence"] for row in expired] == [{"handle": handle, "action": "strict"}]
        approval = await bot.read(lambda tables: tables.approvals.get(expired[0]["target"]))
        assert approval is not None
        assert approval.state is ApprovalState.EXPIRED
        assert (await bot.say(f"ok {handle}", person="ann")).rule == "approval_decided"
        assert bot.dispatches() == []


async def test_an_expired_approval_starts_nothing_even_before_anybody_noticed(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        handle = handle_in(await bot.say("run strict", person="olga"))
        bot.clock.advance(15 * 60)
        assert (await bot.say(f"ok {handle}", person="ann")).rule == "approval_expired"


async def test_an_idle_log_is_sealed_every_minute_and_no_oftener(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        await bot.say("status")
        before = await seals(bot)
        for _ in range(60):  # ten minutes of the real timer's steps
            bot.clock.advance(10)
            await bot.housekeeping.tick()
        assert await seals(bot) == before + 10
        assert (await bot.verify_audit()).ok


async def test_an_expiry_is_sealed_at_once(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        await bot.say("run strict", person="olga")
        bot.clock.advance(15 * 60 - 1)
        await bot.housekeeping.tick()  # seals, so that the minute is not up at the expiry
        bot.clock.advance(1)
        await bot.housekeeping.tick()
        assert (await bot.audit_rows())[-1]["action"] == "approval-expired"
        assert (await bot.verify_audit()).unsealed_rows == 0


async def test_a_clock_that_goes_back_neither_breaks_the_log_nor_its_seals(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        await bot.say("status")
        for _ in range(3):
            bot.clock.advance(-20)
            await bot.housekeeping.tick()
        await bot.say("status")
        assert (await bot.verify_audit()).ok


async def test_an_outage_that_is_over_is_written_down_without_a_message(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        await bot.say("status")
        with capture_logs(), held_for_writing(bot.path):
            await bot.say("halt")
            with pytest.raises(StoreUnwritable):
                await bot.housekeeping.tick()
            assert bot.brake.ours
        await bot.housekeeping.tick()
        rows = await bot.audit_rows()
        assert (rows[-1]["action"], rows[-1]["evidence"]["lowered"]) == ("audit-gap", 1)
        assert not bot.brake.ours
        assert (await bot.say("run mutation")).rule == "mode_off"


async def test_counters_are_forgotten_after_two_days_and_not_before(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        began = bot.clock.now()
        await bot.say("status")
        bot.clock.advance(RATES_KEPT.total_seconds())
        await bot.housekeeping.tick()
        assert await bot.read(lambda tables: tables.rates.current("web:owner", began)) == 1
        bot.clock.advance(timedelta(hours=1).total_seconds())
        await bot.housekeeping.tick()
        assert await bot.read(lambda tables: tables.rates.current("web:owner", began)) == 0


async def test_the_timer_survives_an_outage_and_stops_when_told(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        stop = asyncio.Event()
        with capture_logs() as logs, held_for_writing(bot.path):
            ticking = asyncio.create_task(bot.housekeeping.run_forever(stop))
            async with asyncio.timeout(30):
                while "housekeeping_unrecorded" not in [line["event"] for line in logs]:  # noqa: ASYNC110 - a log line sets no event
                    await asyncio.sleep(0.01)
        assert not ticking.done()
        stop.set()
        await ticking
