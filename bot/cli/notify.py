"""`reins notify`: a test notice to every address of a person, and what each channel said."""

import asyncio
import time
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.exit_codes import CommandFailedError, ExitCode
from bot.cli.installation import Installation
from bot.cli.local_changes import local_actor
from bot.cli.people import PersonId, known_person
from bot.cli.tabulation import columns
from commands.ledger import event
from commands.recording import commit_effect
from domain.effects import Deliver
from domain.ids import ulid
from domain.notices import DeliveryState, Notice, NoticeKind, Urgency
from domain.people import Address, AddressKind, Person
from domain.untrusted import clean_line
from store.tables import Tables
from store.tables.outbox import Listed

if TYPE_CHECKING:  # the bot's parts are imported when they are needed, not when the command line is read
    from bot.wiring import Bot

app = typer.Typer(help="Reaching people.", no_args_is_help=True)

LOOK_EVERY_SECONDS = 0.2
MAX_DETAIL_CHARACTERS = 200
_CANNOT_BE_TOLD = frozenset({AddressKind.CONSOLE})  # the console shows the person's thread, which web stands for
_SETTLED = frozenset({DeliveryState.DELIVERED, DeliveryState.DEAD, DeliveryState.EXPIRED})


@app.command("test")
def send_test(
    person_id: PersonId,
    wait_seconds: Annotated[int, typer.Option("--wait", min=0, max=600, help="How long to wait for results.")] = 20,
) -> None:
    """Send PERSON a test notice on every channel they have, and show what became of each; exit 5 if one failed."""
    installation = Installation.here()
    person = known_person(installation, person_id)
    if all(address.kind in _CANNOT_BE_TOLD for address in person.addresses):
        raise CommandFailedError(
            f"{person_id} has no address: give them one with `reins people address` or `reins people link`",
            ExitCode.USAGE,
        )
    results = asyncio.run(_send(installation, person, wait_seconds))
    for line in columns([("address", "result", "detail"), *results]):
        typer.echo(line)
    if any(state != DeliveryState.DELIVERED.value for _address, state, _detail in results):
        raise typer.Exit(ExitCode.NOT_DELIVERED)


async def _send(installation: Installation, person: Person, wait_seconds: int) -> list[tuple[str, str, str]]:
    from bot.wiring import wire  # noqa: PLC0415 - see above

    bot = wire(installation.settings)
    await bot.store.open()
    try:
        keys = await _commit(bot, person)
        return await _follow(bot, keys, wait_seconds)
    finally:
        await bot.connections.close()
        await bot.store.close()


async def _commit(bot: "Bot", person: Person) -> dict[Address, str]:
    now = bot.clock.now()
    number = ulid(now, bot.entropy)
    text = f"Test for {person.id}: this channel works."
    notice = Notice(f"test:{number}", NoticeKind.ALARM, text, urgency=Urgency.HIGH)
    addresses = [address for address in person.addresses if address.kind not in _CANNOT_BE_TOLD]

    def commit(tables: Tables) -> None:
        evidence: dict[str, object] = {"addresses": [one.masked() for one in addresses], "by": local_actor()}
        tables.audit.append(event(now, "notify-test", person.id, "committed", evidence))
        for address in addresses:
            commit_effect(Deliver(address.text(), notice), tables, now, urgent=True)

    await bot.store.transact(commit)
    return {address: f"{notice.key}:{address.text()}" for address in addresses}


async def _follow(bot: "Bot", keys: dict[Address, str], wait_seconds: int) -> list[tuple[str, str, str]]:
    """Send what is due from here, beside a bot that may be running, until every result is known or the time is up."""
    until = time.monotonic() + wait_seconds
    while True:
        await bot.relay.tick()
        rows = await bot.store.read(lambda tables: {one: tables.outbox.by_key(key) for one, key in keys.items()})
        if time.monotonic() >= until or all(row is not None and row.state in _SETTLED for row in rows.values()):
            break
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    return [(address.masked(), *_result(row)) for address, row in rows.items()]


def _result(row: Listed | None) -> tuple[str, str]:
    """Return the state and what there is to say about it."""
    assert row is not None, "it was committed before, and rows stay"
    if row.state is DeliveryState.SENDING and row.provider_id is not None:
        return row.state.value, "the provider took it, its receipt has not come yet; `reins outbox show` tells later"
    return row.state.value, clean_line(row.error or "", MAX_DETAIL_CHARACTERS)
