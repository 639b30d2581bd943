"""What the relay takes as a sign that a channel works: an answer of its provider, and nothing that was never asked."""

from pathlib import Path

from channels.port import Arrival, Broken, Handed, MaybeSent, NotNow
from commands.recording import NOTICE_LIFETIME
from tests.fakes.told import tell
from tests.fakes.whole_bot import WholeBot, whole_bot


async def work(bot: WholeBot) -> None:
    """Let the relay work until nothing is due."""
    while await bot.relay.tick():
        pass


async def test_texts_that_are_still_on_their_way_do_not_put_their_channel_to_rest(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        sms = bot.channels["sms"]
        sms.hands, sms.says = Handed("SM1", awaits_receipt=True), Arrival.UNDECIDED
        for number in range(10):
            await tell(bot, number, to=f"sms:+4179000000{number}")
        await work(bot)
        bot.clock.advance(60)
        await work(bot)
        assert len(sms.looks) == 10
        assert bot.relay.resting == frozenset()


async def test_a_text_that_is_still_on_its_way_shows_that_a_resting_channel_works_again(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        sms = bot.channels["sms"]
        sms.faults.extend([MaybeSent("no answer")] * 5)
        for number in range(5):
            await tell(bot, number, to="sms:+41790000001")
        await work(bot)
        assert bot.relay.resting == {"sms"}
        sms.says = Arrival.UNDECIDED
        bot.clock.advance(30)
        await work(bot)
        assert bot.relay.resting == frozenset()


async def test_a_repeat_that_is_not_taken_does_not_wake_a_resting_channel(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        telegram = bot.channels["telegram"]
        telegram.can_tell = False
        telegram.faults.extend([MaybeSent("no answer")] * 5 + [NotNow("refused")] * 100)
        for number in range(20):
            await tell(bot, number, to="telegram:7")
        await work(bot)
        left = len(telegram.faults)
        for probes in range(1, 9):
            bot.clock.advance(15)
            await work(bot)
            assert bot.relay.resting == {"telegram"}
            assert left - len(telegram.faults) == probes  # one each time, never all that waits


async def test_a_notice_that_expires_untried_does_not_wake_a_resting_channel(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        bot.channels["telegram"].faults.extend([Broken("bad token")] * 1000)
        for number in range(40):
            await tell(bot, number, to="telegram:7")
        await work(bot)
        bot.clock.advance(NOTICE_LIFETIME.total_seconds() + 1)
        await work(bot)
        assert set(bot.outbox_states().values()) == {"expired"}
        assert bot.relay.resting == {"telegram"}
