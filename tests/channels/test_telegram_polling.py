"""Fetching updates: recorded before confirmed, whatever fails in between."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from channels.pulse import Pulse
from channels.telegram_failures import Refused
from channels.telegram_patience import SECOND_POLLER, UNKNOWN_TOKEN
from channels.telegram_polling import Position, TelegramPolling, TelegramWebhook
from domain.errors import UserError
from domain.messages import Inbound
from domain.notices import NoticeKind
from tests.channels.telegram_rig import (
    APPROVE,
    DENY,
    GROUP,
    USER,
    ClaimingReceiver,
    MemoryCursors,
    Rig,
    notice,
    telegram_rig,
)
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.telegram import TOKEN
from tests.fakes.providers.telegram_world import BOT_ID, FIRST_UPDATE_ID, Waiting
from tests.fakes.virtual_time import START

CURSOR = f"telegram:{BOT_ID}"
COMMANDS = (("status", "what goes on"), ("?", "no verb for Telegram"), ("halt", "stop everything " * 40), ("no", ""))


class CrashError(Exception):
    """Stands for the process dying."""


@dataclass(slots=True)
class Bench:
    """A poller whose waits move the clock at once. It stops when somebody says `enough`."""

    rig: Rig
    receiver: ClaimingReceiver = field(default_factory=ClaimingReceiver)
    cursors: MemoryCursors = field(default_factory=MemoryCursors)
    pulse: Pulse = field(default_factory=lambda: Pulse("telegram", polls=True))
    waits: list[tuple[float, str | None]] = field(default_factory=list)
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.receiver.after = self._stop_at_enough

    def polling(self, token: str = TOKEN) -> TelegramPolling:
        api = self.rig.api(token)
        return TelegramPolling(api, self.receiver, self.cursors, COMMANDS, self.rig.time, self.pulse, self.wait)

    async def run(self) -> None:
        """Poll until `enough` was recorded."""
        self.stop.clear()
        await self.polling().run_forever(self.stop)

    async def wait(self, _stop: asyncio.Event, seconds: float) -> None:
        self.waits.append((seconds, self.pulse.problem))
        self.rig.time.advance(seconds)

    def _stop_at_enough(self, message: Inbound) -> None:
        if message.text == "enough":
            self.stop.set()

    @property
    def polls(self) -> list[int | None]:
        """Return the offsets that were asked for."""
        return [call.fields.get("offset") for call in self.rig.fake.calls if call.method == "getUpdates"]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with telegram_rig() as rig:
        yield Bench(rig)


async def test_before_the_first_poll_the_webhook_is_taken_away_and_the_menu_set(bench: Bench) -> None:
    bench.rig.fake.webhook = {"url": "https://old.example"}
    bench.rig.fake.say(USER, "enough")
    await bench.run()
    assert bench.rig.fake.webhook is None
    assert [command["command"] for command in bench.rig.fake.commands] == ["status", "halt"]
    assert bench.rig.fake.allowed == ["message", "callback_query", "my_chat_member"]


async def test_updates_are_recorded_first_and_confirmed_by_the_next_poll(bench: Bench) -> None:
    for text in ("status", "last", "enough"):
        bench.rig.fake.say(USER, text)
    await bench.run()
    assert bench.receiver.texts == ["status", "last", "enough"]
    assert len(bench.rig.fake.updates.pending()) == 3
    assert Position.read(bench.cursors.kept[CURSOR]) == Position(FIRST_UPDATE_ID + 3, START)
    bench.rig.fake.say(USER, "enough")
    await bench.run()
    assert bench.polls == [None, FIRST_UPDATE_ID + 3]
    assert bench.rig.fake.updates.pending() == [FIRST_UPDATE_ID + 3]


async def test_a_crash_between_recording_and_confirming_loses_nothing_and_does_nothing_twice(bench: Bench) -> None:
    for text in ("one", "two", "three", "enough"):
        bench.rig.fake.say(USER, text)

    def crash(message: Inbound) -> None:
        if message.text == "two":
            raise CrashError

    bench.receiver.after = crash
    with pytest.raises(CrashError):
        await bench.run()
    assert bench.cursors.kept == {}
    bench.receiver.after = bench._stop_at_enough
    await bench.run()
    assert bench.receiver.texts == ["one", "two", "three", "enough"]
    assert len(bench.receiver.calls) == 6


async def test_what_cannot_be_recorded_now_is_taken_again_and_nothing_is_confirmed(bench: Bench) -> None:
    bench.receiver.script = [True, False, False]
    for text in ("one", "two", "enough"):
        bench.rig.fake.say(USER, text)
    await bench.run()
    assert bench.receiver.texts == ["one", "two", "enough"]
    assert [seconds for seconds, _ in bench.waits] == [2.0, 2.0]
    assert bench.polls == [None]


async def test_a_stop_while_nothing_can_be_recorded_confirms_nothing(bench: Bench) -> None:
    bench.receiver.script = [False]
    bench.rig.fake.say(USER, "enough")
    await bench.run()
    assert bench.receiver.effects == []
    assert bench.cursors.kept == {}


async def test_an_odd_update_is_passed_over_and_holds_up_nobody(bench: Bench) -> None:
    bench.rig.fake.push({"message": {"chat": "nowhere"}})
    bench.rig.fake.updates.waiting.append(Waiting({"message": {}}, START + timedelta(hours=1)))
    bench.rig.fake.forward(USER, "run nightly")
    bench.rig.fake.say(USER, "enough")
    await bench.run()
    assert bench.receiver.texts == ["enough"]
    assert Position.read(bench.cursors.kept[CURSOR]).offset == FIRST_UPDATE_ID + 3
    bench.rig.fake.violations.clear()  # an update without an id is what this test asked for


async def test_a_batch_without_a_single_id_is_trouble_and_no_endless_loop(bench: Bench) -> None:
    odd = Waiting({"message": {}}, START + timedelta(seconds=1))
    bench.rig.fake.updates.waiting.append(odd)
    bench.rig.fake.say(USER, "enough")
    bench.rig.fake.updates.waiting[1].document.pop("update_id")
    enough = bench.rig.fake.updates.waiting.pop()

    async def wait(_stop: asyncio.Event, seconds: float) -> None:
        await bench.wait(_stop, seconds)
        bench.rig.fake.updates.waiting = [enough]
        enough.document["update_id"] = FIRST_UPDATE_ID

    polling = bench.polling()
    polling.wait = wait
    await polling.run_forever(bench.stop)
    assert bench.waits == [(1.0, "Telegram's updates have no ids")]
    bench.rig.fake.violations.clear()


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault not in (Fault.TOO_MANY, Fault.SLOW_AFTER_ACCEPT)])
async def test_a_poll_that_fails_is_made_again_and_says_meanwhile_what_is_wrong(bench: Bench, fault: Fault) -> None:
    bench.rig.fake.poll_faults.add(fault, times=7)
    bench.rig.fake.say(USER, "enough")
    await bench.run()
    assert [seconds for seconds, _ in bench.waits] == [1, 2, 4, 8, 16, 32, 60]
    assert None not in [problem for _, problem in bench.waits]
    assert bench.receiver.texts == ["enough"]
    assert bench.pulse.problem is None


async def test_a_poll_waits_as_long_as_telegram_asks(bench: Bench) -> None:
    bench.rig.fake.poll_faults.add(Fault.TOO_MANY, retry_after_seconds=17)
    bench.rig.fake.say(USER, "enough")
    await bench.run()
    assert [seconds for seconds, _ in bench.waits] == [17]


async def test_a_failing_start_is_tried_again(bench: Bench) -> None:
    bench.rig.fake.faults.add(Fault.ERROR, times=2)
    bench.rig.fake.say(USER, "enough")
    await bench.run()
    assert bench.receiver.texts == ["enough"]
    assert [seconds for seconds, _ in bench.waits] == [1, 2]


async def test_an_unknown_token_is_told_and_tried_again(bench: Bench) -> None:
    async def wait(stop: asyncio.Event, seconds: float) -> None:
        await bench.wait(stop, seconds)
        if len(bench.waits) == 3:
            stop.set()

    polling = bench.polling("4242:another-made-up-token-01234")
    polling.wait = wait
    await polling.run_forever(bench.stop)
    assert bench.waits == [(1, UNKNOWN_TOKEN), (2, UNKNOWN_TOKEN), (4, UNKNOWN_TOKEN)]


async def test_a_second_poller_is_told_as_trouble_and_polling_goes_on(bench: Bench) -> None:
    polling = asyncio.create_task(bench.run())
    await bench.rig.time.someone_waits(25)
    rival = asyncio.create_task(bench.rig.api().updates(None, 40))
    with pytest.raises(Refused, match="409 Conflict"):  # ours has come back, and it is the other's turn to go
        await rival
    bench.rig.fake.say(USER, "enough")
    await polling
    assert bench.waits == [(1.0, SECOND_POLLER)]
    assert bench.receiver.texts == ["enough"]
    assert bench.pulse.problem is None


async def test_an_empty_poll_keeps_the_pulse(bench: Bench) -> None:
    polling = asyncio.create_task(bench.run())
    await bench.rig.time.someone_waits(25)
    assert bench.pulse.last_poll is None
    bench.rig.time.advance(25)
    await bench.rig.time.someone_waits(25)
    assert bench.pulse.last_poll == START + timedelta(seconds=25)
    bench.stop.set()
    await polling


async def test_a_stop_does_not_wait_for_the_poll_to_end(bench: Bench) -> None:
    polling = asyncio.create_task(bench.run())
    await bench.rig.time.someone_waits(25)
    bench.stop.set()
    await polling
    assert bench.rig.time.now() == START


async def test_a_position_older_than_telegrams_own_numbering_is_not_used(bench: Bench) -> None:
    bench.cursors.kept[CURSOR] = Position(FIRST_UPDATE_ID + 10**6, START - timedelta(days=7)).text()
    bench.rig.fake.say(USER, "enough")
    await bench.run()
    assert bench.receiver.texts == ["enough"]


async def test_a_press_brings_back_the_token_that_its_button_was_sent_with(bench: Bench) -> None:
    asked = notice(NoticeKind.APPROVAL_REQUEST, choices=(APPROVE, DENY))
    handed = await bench.rig.channel().deliver(str(GROUP), asked, repeat=False)
    bench.rig.fake.press(USER, int(handed.provider_id or 0), "Deny", GROUP)
    bench.rig.fake.say(USER, "enough")
    await bench.run()
    press = bench.receiver.effects[0].press
    assert press is not None
    assert (press.token, press.message_id) == (handed.tokens[1], handed.provider_id)


async def test_whatever_mixture_of_faults_polls_meet_everything_is_recorded_once_and_in_order(bench: Bench) -> None:
    said = [f"status {number}" for number in range(60)]
    for text in said:
        bench.rig.fake.say(USER, text)
    bench.rig.fake.say(USER, "enough")
    bench.rig.fake.poll_faults.mixed(0.5, random.Random(7))
    bench.receiver.script = [number % 3 > 0 for number in range(50)]
    await bench.run()
    assert bench.receiver.texts == [*said, "enough"]


# --- the other way: a webhook ---------------------------------------------------------------------------------------


async def test_a_webhook_is_registered_with_its_secret_until_that_works(bench: Bench) -> None:
    bench.rig.fake.faults.skip()
    bench.rig.fake.faults.add(Fault.ERROR)
    webhook = TelegramWebhook(
        bench.rig.api(), "https://reins.example/", COMMANDS, bench.rig.time, bench.rig.pulse, bench.wait
    )
    bench.stop.set()
    await webhook.run_forever(bench.stop)
    assert bench.rig.fake.webhook is None
    bench.stop.clear()
    running = asyncio.create_task(webhook.run_forever(bench.stop))
    await bench.rig.fake.webhook_set.wait()
    bench.stop.set()
    await running
    assert bench.rig.fake.webhook == {
        "url": "https://reins.example/hooks/telegram",
        "secret_token": "a-secret-of-the-webhook",
        "allowed_updates": ["message", "callback_query", "my_chat_member"],
    }
    assert [seconds for seconds, _ in bench.waits] == [1]


@pytest.mark.parametrize("url", ["http://reins.example", "https://reins.example:9000"])
async def test_an_address_that_telegram_posts_to_no_update_is_refused(bench: Bench, url: str) -> None:
    webhook = TelegramWebhook(bench.rig.api(), url, COMMANDS, bench.rig.time, bench.rig.pulse, bench.wait)
    with pytest.raises(UserError, match="443, 80, 88 or 8443"):
        await webhook.run_forever(bench.stop)
