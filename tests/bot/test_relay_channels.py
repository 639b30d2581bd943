"""The relay and its channels: repeats that are marked, pacing, the next channel, receipts, and channels given a rest."""

import asyncio
from datetime import timedelta
from pathlib import Path

from bot.relay import MAX_LANES
from bot.retry import CAP_SECONDS
from channels.port import Arrival, Broken, Handed, MaybeSent, Never, NotNow, Paced
from commands.recording import NOTICE_LIFETIME
from domain.notices import NoticeKind
from domain.people import AddressKind
from tests.fakes.chat import every_channel
from tests.fakes.told import KEY, tell, tries
from tests.fakes.whole_bot import whole_bot


async def test_a_channel_that_cannot_tell_gets_a_notice_again_and_every_repeat_is_marked(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        web = bot.channels["web"]
        web.can_tell = False
        # A busy provider between the two must not make the third try look like a first one.
        web.faults.extend([MaybeSent("lost"), NotNow("busy"), Paced(1), None])
        await tell(bot)
        for _ in range(6):
            await bot.relay.tick()
            bot.clock.advance(CAP_SECONDS)
        assert [(one.notice.text, one.repeat) for one in web.ledger] == [("alarm 1", False), ("alarm 1", True)]
        assert bot.outbox_states()[KEY] == "delivered"


async def test_our_own_pacing_counts_as_no_try_and_leaves_no_row(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        bot.channels["web"].faults.extend([Paced(3), Paced(3)])
        await tell(bot)
        for _ in range(2):
            await bot.relay.tick()
            assert await bot.read(lambda tables: tables.outbox.next_due()) == bot.clock.now() + timedelta(seconds=3)
            bot.clock.advance(3)
        await bot.relay.tick()
        assert await tries(bot) == [(1, "delivered", None)]


async def test_a_notice_that_fails_three_times_goes_out_on_the_next_channel_as_well(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        bot.channels["telegram"].faults.extend([NotNow("down")] * 3)
        await tell(bot, to="telegram:7", fallbacks=("ntfy:t", "sms:+41790000001"))
        for _ in range(6):
            await bot.relay.tick()
            bot.clock.advance(9)
        assert bot.told("t", "ntfy") == ["alarm 1"]
        assert bot.told("7", "telegram") == ["alarm 1"]  # the first one goes on and gets there, too
        assert bot.told("+41790000001", "sms") == []
        (fanned,) = [row for row in await bot.audit_rows() if row["action"] == "notice-fanned-out"]
        assert (fanned["evidence"]["from"], fanned["evidence"]["to"]) == ("telegram:7", "ntfy:t")


async def test_a_definite_no_goes_down_the_whole_list_of_channels_at_once(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        bot.channels["telegram"].faults.append(Never("blocked"))
        bot.channels["ntfy"].faults.append(Never("too big"))
        await tell(bot, to="telegram:7", fallbacks=("ntfy:t", "sms:+41790000001"))
        while await bot.relay.tick():
            pass
        assert bot.told("+41790000001", "sms") == ["alarm 1"]


async def test_a_notice_that_waits_for_its_receipt_for_too_long_goes_out_on_the_next_channel(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        sms = bot.channels["sms"]
        sms.hands, sms.says = Handed("SM1", awaits_receipt=True), Arrival.UNDECIDED
        await tell(bot, to="sms:+41790000001", fallbacks=("ntfy:t",))
        await bot.relay.tick()
        assert bot.outbox_states()["alarm-1:sms:+41790000001"] == "sending"
        assert bot.told("t", "ntfy") == []
        bot.clock.advance(59)
        while await bot.relay.tick():
            pass
        assert bot.told("t", "ntfy") == ["alarm 1"]
        bot.clock.advance(1)
        await bot.relay.tick()
        assert sms.looks[0].provider_id == "SM1"
        sms.says = Arrival.ARRIVED
        bot.clock.advance(CAP_SECONDS)
        await bot.relay.tick()
        assert bot.outbox_states()["alarm-1:sms:+41790000001"] == "delivered"
        assert len(sms.ledger) == 1


async def test_a_channel_that_somebody_must_mend_rests_and_its_notices_go_when_a_probe_gets_through(
    tmp_path: Path,
) -> None:
    async with whole_bot(tmp_path) as bot:
        telegram = bot.channels["telegram"]
        telegram.faults.extend([Broken("bad token")] * 24)
        for number in range(20):
            await tell(bot, number, to="telegram:7")
        await tell(bot, 99)
        for _ in range(3):
            await bot.relay.tick()
        assert bot.told() == ["alarm 99"]  # the others are not held up
        assert bot.relay.resting == {"telegram"}
        for _ in range(8):
            bot.clock.advance(15)
            while await bot.relay.tick():
                pass
        assert sorted(bot.told("7", "telegram")) == sorted(f"alarm {number}" for number in range(20))
        assert bot.relay.resting == frozenset()


async def test_notices_of_a_resting_channel_expire_in_their_time(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        bot.channels["telegram"].faults.extend([Broken("bad token")] * 1000)
        for number in range(40):
            await tell(bot, number, to="telegram:7")
        await bot.relay.tick()
        bot.clock.advance(NOTICE_LIFETIME.total_seconds() + 1)
        while await bot.relay.tick():
            pass
        assert set(bot.outbox_states().values()) == {"expired"}


async def test_notices_to_one_address_keep_their_order_behind_one_that_was_paced(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        slack = bot.channels["slack"]
        slack.faults.append(Paced(3))
        await tell(bot, 1, to="slack:team")
        await bot.relay.tick()
        bot.clock.advance(1)
        await tell(bot, 2, to="slack:team")
        await tell(bot, 3, to="web:owner")
        await bot.relay.tick()
        assert (slack.ledger, bot.told()) == ([], ["alarm 3"])  # other lanes go on
        bot.clock.advance(2)
        while await bot.relay.tick():
            pass
        assert bot.told("team", "slack") == ["alarm 1", "alarm 2"]


async def test_the_card_of_a_run_that_ended_before_the_card_was_shown_is_brought_up_to_date(tmp_path: Path) -> None:
    async with whole_bot(tmp_path, policy=every_channel()) as bot:
        bot.reachable = frozenset({AddressKind.TELEGRAM})
        await bot.restart()
        telegram = bot.channels["telegram"]
        telegram.hands = Handed("77")
        await bot.text("run mutation", "olga", "telegram")
        await bot.relay.tick()
        bot.forges["local"].begin(bot.correlation())
        bot.forges["local"].finish(bot.correlation())
        await bot.watch.look()  # start and end of the attempt, and of the run, at once
        assert [one for one in bot.notices() if one.kind is NoticeKind.CARD] == []
        while await bot.relay.tick():
            pass
        kinds = [one.notice.kind for one in telegram.ledger if one.notice.subject is not None]
        assert kinds == [NoticeKind.ATTEMPT_START, NoticeKind.ATTEMPT_DONE, NoticeKind.FINAL, NoticeKind.CARD]


async def test_a_provider_that_hangs_holds_up_neither_other_addresses_nor_more_than_its_share(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        telegram = bot.channels["telegram"]
        telegram.gate = asyncio.Event()
        for number in range(MAX_LANES + 40):
            await tell(bot, number, to=f"telegram:{number}")
        stop = asyncio.Event()
        running = asyncio.create_task(bot.relay.run_forever(stop))
        async with asyncio.timeout(30):
            while telegram.waiting < MAX_LANES - 1:
                bot.relay.wake()
                await asyncio.sleep(0)
        await tell(bot, 1000, to="telegram:0")  # behind the first one, in its lane
        telegram.gate.set()
        async with asyncio.timeout(30):
            while len(telegram.ledger) < MAX_LANES + 41:
                bot.relay.wake()
                await asyncio.sleep(0)
            stop.set()
            bot.relay.wake()
            await running
        assert telegram.most_waiting <= MAX_LANES
        assert bot.told("0", "telegram") == ["alarm 0", "alarm 1000"]
