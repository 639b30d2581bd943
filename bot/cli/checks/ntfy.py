"""What the doctor asks the ntfy server: whether we may use people's topics, and whether strangers may read them."""

from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from aiohttp import ClientSession

from bot.channel_settings import NtfyOptions
from bot.cli.checks.finding import Finding, fail, ok, warn
from channels.ntfy_server import Forbidden, NtfyServer
from channels.ntfy_settings import command_topic
from channels.port import Broken, NotNow
from domain.people import Address, AddressKind, Person

MAX_TOPICS = 10  # three requests each, of the 60 that ntfy lets through at once
PROBE_TOPIC = "reins-doctor"  # nobody reads it: only whether the server knows our token is asked


async def check_ntfy(options: NtfyOptions, people: Sequence[Person], session: ClientSession) -> list[Finding]:
    """Ask about the topics of the first people; messages are neither sent nor read."""
    topics = [(person.id, one) for person in people for one in person.addresses if one.kind is AddressKind.NTFY]
    try:
        if not topics:
            return [await _check_server(_ours(options, session))]
        troubles = [
            finding
            for person, address in topics[:MAX_TOPICS]
            for finding in await _check_topic(options, session, person, address)
        ]
    except NotNow as error:
        return [fail("ntfy", str(error), f"let this machine reach {urlsplit(options.server).netloc}")]
    except Broken as error:
        return [fail("ntfy", str(error), "compare ntfy.server and ntfy.token with `ntfy token list` on the server")]
    asked = f"{len(topics[:MAX_TOPICS])} of {len(topics)} topics asked about"
    return troubles or [ok("ntfy", f"we may write and read, and strangers may not; {asked}")]


async def _check_server(ours: NtfyServer) -> Finding:
    with suppress(Forbidden):  # then it knows the token, which is what was asked
        await ours.replaces(PROBE_TOPIC)
    return warn("ntfy", "the server answers, but nobody has a topic yet", "reins people link <person> ntfy")


async def _check_topic(options: NtfyOptions, session: ClientSession, person: str, address: Address) -> list[Finding]:
    ours, strangers = _ours(options, session), NtfyServer(session, options.server, None)
    found, named = [], f"{person}, {address.masked()}"
    try:
        # It writes that a message which never was is cleared: phones show nothing. Servers before 2.16 do not tell.
        await ours.replaces(address.value)
    except Forbidden:
        found.append(fail("ntfy", f"{named}: we may not write to it", "ntfy access <our user> <topic> write-only"))
    if not await ours.may_read(command_topic(address.value)):
        mend = "ntfy access <our user> <topic>-cmd read-only"
        found.append(fail("ntfy", f"{named}: we may not read what they write to its -cmd topic", mend))
    if await strangers.may_read(address.value):
        mend = "ntfy access everyone <topic> deny, or auth-default-access: deny-all in the server's settings"
        found.append(warn("ntfy", f"{named}: whoever learns the topic's name may read it", mend))
    return found


def _ours(options: NtfyOptions, session: ClientSession) -> NtfyServer:
    """Return the server as we meet it; a new one each time, because it asks only once whether it may write."""
    return NtfyServer(session, options.server, options.token.get_secret_value())
