"""Secrets stay where they belong: one long life on every channel, with everything going wrong, and no word too many.

Every conversation of these scenarios is watched in the same way (`connected_bot`); here the providers fail as well, people
mistype their codes, and the search itself is shown to find what it is there for.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import structlog

from domain.people import AddressKind
from tests.fakes.canaries import leaks, listening
from tests.fakes.connected_bot import BOT_NTFY_TOKEN, WEBHOOK_SECRET, ConnectedWorld, connected_bot, tokens_of
from tests.fakes.providers.faults import ONE_CALL_FAULTS, Fault, Faults
from tests.fakes.providers.ledger import Accepted
from tests.fakes.providers.slack import SECRET_PATH
from tests.fakes.providers.telegram import TOKEN as BOT_TOKEN
from tests.fakes.providers.twilio import TOKEN

STRANGER, NEW_NUMBER, NEW_USER = "+41791112233", "+41794445566", "8877665544"
MISTYPED = (
    "ok{handle} {code}",
    "{code}",
    "ok {code} {handle}",
    "okay {handle} {code}",
    "no {handle} {code}",
    "link {code}",
)


def faults_of(world: ConnectedWorld) -> dict[str, Faults]:
    return {
        "sms": world.twilio.faults,
        "telegram": world.telegram.faults,
        "polling": world.telegram.poll_faults,
        "ntfy": world.ntfy.faults,
        "slack": world.slack.faults,
    }


async def confirm_badly(world: ConnectedWorld, person: str) -> None:
    """Let somebody send a code in every wrong way, to the wrong places, and at last rightly."""
    await world.text(person, "run mutation")
    handle, code = await world.code(person)
    for form in MISTYPED:
        words = form.format(handle=handle, code=code)
        await world.text(person, words)
        world.say("vic", words)
        await world.type("carl", words)
        await world.text(STRANGER, words)
    await world.text(person, f"ok {handle} {code}")
    await world.texted(person, "accepted")


async def link_somebody(world: ConnectedWorld) -> None:
    """Make codes, let them be sent from the wrong side first, and link two new addresses."""
    by_sms, by_telegram = [await world.link_code("vic", kind) for kind in (AddressKind.SMS, AddressKind.TELEGRAM)]
    world.telegram.start(int(NEW_USER))
    world.say("olga", f"link {by_telegram}")
    await world.text("olga", f"link {by_sms}")
    await world.text(STRANGER, f"link{by_sms}")
    world.say(NEW_USER, f"/start {by_telegram}")
    await world.text(NEW_NUMBER, f"link {by_sms}")
    await world.texted(NEW_NUMBER, "is linked")
    await world.card(NEW_USER, "is linked")


async def decide_by_buttons(world: ConnectedWorld) -> None:
    """Ask, press with wrong and right hands, and show the tokens to those who should not have them."""
    before = len([one for one in world.cards("ann") if "asks to run" in one.text])
    world.say("olga", "run strict")
    card = (await world.until(lambda: [one for one in world.cards("ann") if "asks to run" in one.text][before:]))[0]
    push = await world.push("carl", "asks to run")
    token = card.button("Approve")["callback_data"]
    world.say("vic", token)
    await world.type("vic", f"~{token}")
    await world.text("olga", f"ok {token}")
    await world.tap_token(token)
    world.telegram.press_data(world.user("ben"), world.user("ben"), card.id, token)
    await world.type("carl", tokens_of([dict(action) for action in push.actions])[0])
    world.press("ann", card, "Deny")
    await world.toast("ann", "refused. Nothing was started.")


async def test_a_life_on_every_channel_shows_no_secret_to_anybody(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        await world.ntfy.opened(1)
        await confirm_badly(world, "olga")
        await world.texted("olga", "DONE")
        await link_somebody(world)
        await decide_by_buttons(world)
        for words in ("audit 50", "last", "whoami", "menu", "status", "approvals"):
            world.say("ann", words)
            await world.type("carl", words)
            await world.text("olga", words)
        await world.card("ann", "You are Ann")
        await world.push("carl", "You are Carl")
        world.say("vic", "halt")
        await world.posted("Mode is now off, set by vic")
    print(f"watched: {world.seen}; found: 0")  # noqa: T201 - the figures are what a reader wants
    assert world.seen["one-time code"] >= 1
    assert world.seen["link code"] == 2
    assert world.seen["button token"] >= 10


async def cause_news(world: ConnectedWorld) -> None:
    """Let every channel have something to tell, and let the bot have tried to, more than once."""
    page = await world.bot.sign_in("vic")
    for word in ("halt", "status"):
        await page.say(word)
        await world.text("olga", word)
        world.say("ann", word)
        await world.bot.bot.relay.tick()
        await world.bot.console().say("pause")
        await world.pass_time(60)
        await world.bot.bot.liveness.look()
    await world.bot.bot.relay.tick()


@pytest.mark.parametrize("fault", ONE_CALL_FAULTS, ids=[fault.name.lower() for fault in ONE_CALL_FAULTS])
async def test_no_failure_tells_a_secret(tmp_path: Path, fault: Fault) -> None:
    async with connected_bot(tmp_path) as world:
        await world.ntfy.opened(1)
        for faults in faults_of(world).values():
            faults.add(fault, times=3)
        world.ntfy.hang_up()
        await cause_news(world)
    print(f"{fault.value}: watched {world.seen}; found: 0")  # noqa: T201 - as above
    assert world.seen["exception"] >= 3


@pytest.mark.parametrize("provider", ["twilio", "telegram", "ntfy", "slack"])
async def test_a_provider_that_is_gone_tells_no_secret(tmp_path: Path, provider: str) -> None:
    async with connected_bot(tmp_path) as world:
        await getattr(world, provider).close()
        await cause_news(world)
    assert world.seen["exception"] >= 1


async def test_providers_that_refuse_us_tell_no_secret_even_where_they_repeat_it(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        world.twilio.opted_out.add(world.phone("olga"))
        world.telegram.block(world.user("ann"), f"Forbidden: 123456{BOT_TOKEN} for +41790000001")
        world.ntfy.user(BOT_NTFY_TOKEN)  # known, and with no right to anything
        world.slack.refuse(403, f"invalid_token {SECRET_PATH}")
        await cause_news(world)
    assert world.seen["exception"] >= 4


def test_what_is_logged_is_searched_before_anything_is_masked() -> None:
    async def fail() -> None:
        raise ValueError(f"https://api.telegram.org/bot{BOT_TOKEN}/getMe")

    with listening() as lines:
        log = structlog.get_logger("canaries")
        log.debug("sent", to="+41790000003", note=f"ok 3K 482913 {SECRET_PATH}")
        logging.getLogger("some.library").debug("Authorization: Bearer %s", BOT_NTFY_TOKEN)
        try:
            asyncio.run(fail())
        except ValueError:
            log.exception("failed")
    secrets = {
        "phone number": ["+41790000003"],
        "code": ["482913"],
        "credential": [BOT_TOKEN, BOT_NTFY_TOKEN, SECRET_PATH.removeprefix("/services/")],
        "never said": [TOKEN, WEBHOOK_SECRET, "48291"],
    }
    found = leaks(secrets, {"log": lines})
    assert Counter(leak.kind for leak in found) == {"phone number": 1, "code": 1, "credential": 3}


def into_the_database(world: ConnectedWorld, secret: str) -> Awaitable[None]:
    now, body = world.clock.now(), f"the code is {secret}".encode()
    return world.bot.bot.store.transact(lambda tables: tables.thread.add("olga", "planted", body, now))


PLANTS: dict[str, Callable[[ConnectedWorld, str], object]] = {
    "log": lambda _world, secret: structlog.get_logger("canaries").info("said", code=secret),
    "message": lambda world, secret: world.ledger.append(Accepted("slack", "team", f"it is {secret}", "1")),
    "exception": lambda world, secret: world.failures.append(f"no answer for ok 3K {secret}"),
    "hook answer": lambda world, secret: world.answered.append(f'{{"text":"{secret}"}}'),
    "notes.txt": lambda world, secret: (world.bot.bot.home.root / "notes.txt").write_text(f"{secret}, and more"),
    "reins.db": into_the_database,
}


async def live_with(folder: Path, plant: Callable[[ConnectedWorld, str], object]) -> None:
    async with connected_bot(folder) as world:
        await world.text("olga", "run mutation")
        _, code = await world.code("olga")
        planted = plant(world, code)
        if isinstance(planted, Awaitable):
            await planted


@pytest.mark.parametrize("place", PLANTS)
async def test_a_secret_that_is_planted_is_found(tmp_path: Path, place: str) -> None:
    with pytest.raises(AssertionError, match=f"Leak.*one-time code.*{place}"):
        await live_with(tmp_path, PLANTS[place])
