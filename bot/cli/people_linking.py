"""`reins people link`: a one-time code or QR by which a person makes a channel theirs; it never grants anything."""

import asyncio
from datetime import datetime
from typing import Annotated

import typer

from bot.cli.exit_codes import CommandFailedError, ExitCode
from bot.cli.installation import Installation
from bot.cli.local_changes import LocalChange, change_audited
from bot.cli.people import PersonId, known_person
from bot.settings import Settings
from commands.linking import CODE_CHARACTERS, CODE_LIFETIME, MAX_PENDING_CODES, purpose_of
from domain.errors import UserError
from domain.ids import crockford, fingerprint
from domain.people import Address, AddressKind
from store.tables import Tables

TOPIC_RANDOM_BYTES = 16  # a topic's name is all that guards it on a server without access rules
_CHANNELS = {"telegram": AddressKind.TELEGRAM, "sms": AddressKind.SMS, "ntfy": AddressKind.NTFY}


def link(
    person_id: PersonId,
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="telegram, sms or ntfy.")],
    qr: Annotated[bool, typer.Option(help="Draw the QR code.")] = True,
) -> None:
    """Let PERSON make a channel theirs: they send a code once, or scan a code that subscribes them."""
    installation = Installation.here()
    known_person(installation, person_id)
    kind = _CHANNELS.get(channel)
    if kind is None:
        raise UserError(f"channel: {channel} cannot be linked; name telegram, sms or ntfy")
    if kind is AddressKind.NTFY:
        lines, drawn = _subscribe(installation, person_id)
    else:
        lines, drawn = _code(installation, person_id, kind)
    for line in lines:
        typer.echo(line)
    if qr:
        import segno  # noqa: PLC0415 - only this command draws

        segno.make(drawn, micro=False).terminal(compact=True)


def _code(installation: Installation, person_id: str, kind: AddressKind) -> tuple[list[str], str]:
    number = int.from_bytes(installation.entropy.token(8), "big")
    code, now = crockford(number, CODE_CHARACTERS), installation.clock.now()
    lines, drawn = _how_to_send(installation.settings, kind, code)  # first, so that no code is kept for nothing
    asyncio.run(_keep(installation, person_id, kind, code, now))
    minutes = int(CODE_LIFETIME.total_seconds() // 60)
    return [*lines, f"Once, within {minutes} minutes. Whoever sends it is {person_id} there from then on."], drawn


def _how_to_send(settings: Settings, kind: AddressKind, code: str) -> tuple[list[str], str]:
    """Return what to tell the person, and what the QR code holds."""
    if kind is AddressKind.SMS:
        if settings.sms is None:
            raise UserError("sms is not set up: see docs/channels.md")
        number = settings.sms.from_number
        return [f"From their phone, text to {number}:  link {code}"], f"SMSTO:{number}:link {code}"
    name = asyncio.run(_bot_name(settings))
    address = f"https://t.me/{name}?start={code}"
    return [f"Open in Telegram: {address}", f"or send the bot:  link {code}"], address


async def _keep(installation: Installation, person_id: str, kind: AddressKind, code: str, now: datetime) -> None:
    async with installation.opened_store() as store:
        purpose = purpose_of(kind)
        pending = await store.read(lambda tables: tables.nonces.pending(purpose, person_id, now))
        if pending >= MAX_PENDING_CODES:
            raise CommandFailedError(
                f"{person_id} has {pending} unused codes for {kind.value}: use one, or wait until they run out",
                ExitCode.DENIED,
            )

        def keep(tables: Tables) -> None:
            tables.nonces.add(fingerprint(code), purpose, person_id, "", (now, now + CODE_LIFETIME))

        change = LocalChange("people-link", person_id, {"channel": kind.value})
        await change_audited(installation, store, change, lambda: None, keep)


async def _bot_name(settings: Settings) -> str:
    """Ask Telegram what our bot is called there: deep links name it."""
    if settings.telegram is None:
        raise UserError("telegram is not set up: see docs/channels.md")
    from aiohttp import ClientSession  # noqa: PLC0415 - only this command asks

    from channels.telegram import connect  # noqa: PLC0415 - the library costs memory
    from channels.telegram_failures import TelegramFailure  # noqa: PLC0415 - as above
    from channels.telegram_settings import TelegramSettings  # noqa: PLC0415 - as above

    options = settings.telegram
    async with ClientSession() as session:
        try:
            api = connect(TelegramSettings(options.token.get_secret_value(), api_base=options.api_base), session)
            return (await api.me()).username
        except TelegramFailure as failure:
            raise CommandFailedError(f"Telegram was not reached: {failure}", ExitCode.NOT_MEASURED) from failure


def _subscribe(installation: Installation, person_id: str) -> tuple[list[str], str]:
    """Make a new topic the person's own; nobody else knows its name, and the server's rules should guard it, too."""
    settings = installation.settings
    if settings.ntfy is None:
        raise UserError("ntfy is not set up: see docs/channels.md")
    topic = f"reins-{person_id[:16]}-{installation.entropy.token(TOPIC_RANDOM_BYTES).hex()}"
    address, people = Address(AddressKind.NTFY, topic), installation.people()
    change = LocalChange("people-link", person_id, {"channel": "ntfy", "address": address.masked()})

    async def add() -> None:
        async with installation.opened_store() as store:
            await change_audited(installation, store, change, lambda: people.add_address(person_id, address))

    asyncio.run(add())
    server = settings.ntfy.server
    scheme, _, host = server.partition("://")
    insecure = "" if scheme == "https" else "&secure=false"
    lines = [
        f"Subscribe in the ntfy app to: {server}/{topic}",
        f"Commands are published to:    {server}/{topic}-cmd",
        "On the server, let their ntfy user read the first and write the second, ours the other way round, nobody else.",
    ]
    return lines, f"ntfy://{host}/{topic}?display=Reins{insecure}"
