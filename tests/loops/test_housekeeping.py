"""Housekeeping: expiries and reminders are told, what was held back is let go, an idle log is sealed, an outage written down."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from commands.routing import MAX_PUSHES_PER_HOUR
from domain.approvals import Approval, ApprovalState, Vote
from domain.effects import Tell
from domain.notices import Notice, NoticeKind, Urgency
from domain.preferences import QuietHours
from loops.housekeeping import DELIVERIES_KEPT, RATES_KEPT, Housekeeping
from store.port import StoreUnwritable
from store.tables.deliveries import Claim, HookDelivery
from tests.fakes.announcing import AnnouncingDesk, announcing
from tests.fakes.busy_database import held_for_writing
from tests.fakes.chat import Chat, chat, handle_in
from tests.fakes.records import make_approval
from tests.fakes.virtual_time import START

LIFETIME_SECONDS = 15 * 60


def housekeeping_of(bot: Chat) -> Housekeeping:
    return Housekeeping(bot.store, bot.around, bot.announcer, bot.dispatcher.close_gap, lambda: None)


async def seals(bot: Chat) -> int:
    return len(await bot.read(lambda tables: list(tables.seals.each())))


async def wait_for_approval(desk: AnnouncingDesk, approval: Approval) -> None:
    await desk.write(lambda tables: tables.approvals.open(approval))


def keys(desk: AnnouncingDesk, to: str) -> list[str]:
    return [notice.key for notice in desk.sent().get(to, [])]


async def test_an_approval_that_runs_out_is_told_once_to_who_asked_and_wherever_it_is_shown(tmp_path: Path) -> None:
    async with announcing(tmp_path) as desk:
        await wait_for_approval(desk, make_approval(reply_to="ntfy:olga"))
        await desk.write(lambda tables: tables.cards.put("telegram:ann", "APPROVAL-1", "42", START))
        await desk.write(lambda tables: tables.approvals.mark_reminded("APPROVAL-1", START))
        desk.clock.advance(LIFETIME_SECONDS - 1)
        await desk.housekeeping.tick()
        assert (desk.sent(), desk.woken) == ({}, 0)
        desk.clock.advance(1)
        for _ in range(3):
            await desk.housekeeping.tick()
        told = {to: [(one.kind, one.text) for one in notices] for to, notices in desk.sent().items()}
        expired = (NoticeKind.APPROVAL_RESOLVED, "3K strict: expired, nothing was started.")
        assert told == {
            "telegram:ann": [(NoticeKind.CARD, "3K strict: expired, nothing was started, 14:15 UTC.")],
            "web:olga": [expired],
            "ntfy:olga": [expired],
        }
        assert desk.woken == 1
        (row,) = await desk.audited("approval-expired")
        assert row["evidence"] == {"handle": "3K", "action": "strict"}
        approval = await desk.store.read(lambda tables: tables.approvals.get("APPROVAL-1"))
        assert approval is not None
        assert (approval.state, approval.decided_by) == (ApprovalState.EXPIRED, "reins")


async def test_an_expired_approval_starts_nothing_before_or_after_it_was_noticed(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        handle = handle_in(await bot.say("run strict", person="olga"))
        bot.clock.advance(LIFETIME_SECONDS)
        assert (await bot.say(f"ok {handle}", person="ann")).rule == "approval_expired"
        await housekeeping_of(bot).tick()
        assert (await bot.say(f"ok {handle}", person="ann")).rule == "approval_decided"
        assert bot.dispatches() == []


async def test_half_way_those_who_have_not_answered_are_reminded_once(tmp_path: Path) -> None:
    async with announcing(tmp_path) as desk:
        await wait_for_approval(desk, make_approval(needed=2))
        await desk.write(lambda tables: tables.approvals.vote("APPROVAL-1", Vote("ann", True, START, "")))
        desk.clock.advance(LIFETIME_SECONDS / 2 - 1)
        await desk.housekeeping.tick()
        assert (desk.sent(), desk.woken) == ({}, 0)
        desk.clock.advance(1)
        for _ in range(3):
            await desk.housekeeping.tick()
        assert set(desk.sent()) == {f"{channel}:{who}" for channel in ("web", "telegram") for who in ("owner", "ben")}
        assert keys(desk, "telegram:ben") == ["APPROVAL-1:approval-request:reminder"]
        assert desk.woken == 1


async def test_what_was_decided_is_reminded_of_no_more(tmp_path: Path) -> None:
    async with announcing(tmp_path) as desk:
        await wait_for_approval(desk, make_approval())
        await desk.write(lambda tables: tables.approvals.decide("APPROVAL-1", ApprovalState.DENIED, "ann", START))
        desk.clock.advance(LIFETIME_SECONDS / 2)
        await desk.housekeeping.tick()
        assert desk.sent() == {}


def final(key: str, urgency: Urgency = Urgency.NORMAL) -> Notice:
    return Notice(key, NoticeKind.FINAL, f"text of {key}", urgency=urgency)


async def quiet(desk: AnnouncingDesk, hours: QuietHours | None) -> None:
    await desk.write(lambda tables: tables.preferences.set_quiet("ann", hours))


TILL_THREE = QuietHours(14 * 60, 15 * 60, "UTC")  # the tests begin at 14:00


async def test_what_quiet_hours_held_back_comes_at_their_end_as_one_message(tmp_path: Path) -> None:
    async with announcing(tmp_path) as desk:
        await quiet(desk, TILL_THREE)
        for key in ("a", "b", "c"):
            await desk.commit(Tell("ann", final(key)))
        desk.clock.advance(3599)
        await desk.housekeeping.tick()
        assert (keys(desk, "telegram:ann"), desk.woken) == ([], 0)
        desk.clock.advance(1)
        for _ in range(3):
            await desk.housekeeping.tick()
        (digest,) = desk.sent()["telegram:ann"]
        assert digest.text == "Held back for you: 3 final.\ntext of a\ntext of b\ntext of c"
        assert (await desk.held(), desk.woken) == ([], 1)
        assert keys(desk, "web:ann") == ["a", "b", "c"]  # the thread had them at once, and needs no digest


async def test_a_single_one_comes_as_it_is_and_counts_as_a_push(tmp_path: Path) -> None:
    async with announcing(tmp_path) as desk:
        await quiet(desk, TILL_THREE)
        await desk.commit(Tell("ann", final("a")))
        desk.clock.advance(3600)
        await desk.housekeeping.tick()
        assert keys(desk, "telegram:ann") == ["a"]
        assert await desk.store.read(lambda tables: tables.rates.current("push:ann", desk.clock.now())) == 1


async def test_a_full_hour_ends_with_one_digest(tmp_path: Path) -> None:
    async with announcing(tmp_path) as desk:
        for number in range(MAX_PUSHES_PER_HOUR + 3):
            await desk.commit(Tell("ann", final(f"k{number}")))
        desk.clock.advance(3600)
        await desk.housekeeping.tick()
        *pushed, digest = desk.sent()["telegram:ann"]
        assert [one.key for one in pushed] == [f"k{number}" for number in range(MAX_PUSHES_PER_HOUR)]
        assert digest.text == "Held back for you: 3 final.\ntext of k6\ntext of k7\ntext of k8"


async def test_people_and_addresses_get_digests_of_their_own(tmp_path: Path) -> None:
    async with announcing(tmp_path) as desk:
        for who in ("ann", "ben"):
            await desk.write(lambda tables, who=who: tables.preferences.set_quiet(who, TILL_THREE))  # type: ignore[misc]
            await desk.commit(Tell(who, final(f"{who}1")), Tell(who, final(f"{who}2"), origin=f"ntfy:{who}"))
        desk.clock.advance(3600)
        await desk.housekeeping.tick()
        assert {to: keys(desk, to) for to in desk.sent() if not to.startswith("web:")} == {
            "telegram:ann": ["ann1"],
            "ntfy:ann": ["ann2"],
            "telegram:ben": ["ben1"],
            "ntfy:ben": ["ben2"],
        }


async def test_quiet_hours_set_meanwhile_are_kept_too(tmp_path: Path) -> None:
    async with announcing(tmp_path) as desk:
        await quiet(desk, TILL_THREE)
        await desk.commit(Tell("ann", final("a")))
        await quiet(desk, QuietHours(15 * 60, 17 * 60, "UTC"))
        desk.clock.advance(3600)
        await desk.housekeeping.tick()
        assert (keys(desk, "telegram:ann"), desk.woken) == ([], 0)
        desk.clock.advance(2 * 3600)
        await desk.housekeeping.tick()
        assert keys(desk, "telegram:ann") == ["a"]


async def test_an_address_that_is_no_longer_the_persons_gets_nothing_and_that_is_recorded(tmp_path: Path) -> None:
    async with announcing(tmp_path) as desk:
        await quiet(desk, TILL_THREE)
        await desk.commit(Tell("ann", final("a")))
        del desk.people.people["ann"]
        desk.clock.advance(3600)
        for _ in range(2):
            await desk.housekeeping.tick()
        assert keys(desk, "telegram:ann") == []
        (row,) = await desk.audited("held-notices-dropped")
        assert (row["target"], row["evidence"]) == ("ann", {"keys": ["a"]})
        assert await desk.held() == []


async def test_an_idle_log_is_sealed_every_minute_and_no_oftener(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await bot.say("status")
        before, housekeeping = await seals(bot), housekeeping_of(bot)
        for _ in range(60):  # ten minutes of the real timer's steps
            bot.clock.advance(10)
            await housekeeping.tick()
        assert await seals(bot) == before + 10
        assert (await bot.verify_audit()).ok


async def test_an_expiry_is_sealed_at_once(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await bot.say("run strict", person="olga")
        housekeeping = housekeeping_of(bot)
        bot.clock.advance(LIFETIME_SECONDS - 1)
        await housekeeping.tick()  # seals, so that the minute is not up at the expiry
        bot.clock.advance(1)
        await housekeeping.tick()
        assert (await bot.audit_rows())[-1]["action"] == "approval-expired"
        assert (await bot.verify_audit()).unsealed_rows == 0


async def test_a_clock_that_goes_back_neither_breaks_the_log_nor_its_seals(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await bot.say("status")
        for _ in range(3):
            bot.clock.advance(-20)
            await housekeeping_of(bot).tick()
        await bot.say("status")
        assert (await bot.verify_audit()).ok


async def test_an_outage_that_is_over_is_written_down_without_a_message(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await bot.say("status")
        housekeeping = housekeeping_of(bot)
        with capture_logs(), held_for_writing(bot.path):
            await bot.say("halt")
            with pytest.raises(StoreUnwritable):
                await housekeeping.tick()
            assert bot.brake.ours
        await housekeeping.tick()
        rows = await bot.audit_rows()
        assert (rows[-1]["action"], rows[-1]["evidence"]["lowered"]) == ("audit-gap", 1)
        assert not bot.brake.ours
        assert (await bot.say("run mutation")).rule == "mode_off"


async def test_counters_are_forgotten_after_two_days_and_not_before(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        began, housekeeping = bot.clock.now(), housekeeping_of(bot)
        await bot.say("status")
        bot.clock.advance(RATES_KEPT.total_seconds())
        await housekeeping.tick()
        assert await bot.read(lambda tables: tables.rates.current("web:owner", began)) == 1
        bot.clock.advance(timedelta(hours=1).total_seconds())
        await housekeeping.tick()
        assert await bot.read(lambda tables: tables.rates.current("web:owner", began)) == 0


async def test_deliveries_that_are_done_are_forgotten_after_a_week_and_those_that_wait_are_not(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        done, waits = (HookDelivery(f"guid-{n}", "workflow_run", str(n) * 64, b"{}") for n in (1, 2))
        for one in (done, waits):
            await bot.store.transact(lambda tables, one=one: tables.deliveries.claim(one, bot.clock.now()))  # type: ignore[misc]
        await bot.store.transact(lambda tables: tables.deliveries.mark_done([done.id], bot.clock.now()))
        claims = []
        for seconds in (DELIVERIES_KEPT.total_seconds(), 1):
            bot.clock.advance(seconds)
            await housekeeping_of(bot).tick()
            claims.append(await bot.store.transact(lambda tables: tables.deliveries.claim(done, bot.clock.now())))
        assert claims == [Claim.DONE, Claim.NEW]
        assert len(await bot.read(lambda tables: tables.deliveries.waiting())) == 2


async def test_the_timer_survives_an_outage_and_stops_when_told(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        stop = asyncio.Event()
        with capture_logs() as logs, held_for_writing(bot.path):
            ticking = asyncio.create_task(housekeeping_of(bot).run_forever(stop))
            async with asyncio.timeout(30):
                while "housekeeping_unrecorded" not in [line["event"] for line in logs]:  # noqa: ASYNC110 - a log line sets no event
                    await asyncio.sleep(0.01)
        assert not ticking.done()
        stop.set()
        await ticking
