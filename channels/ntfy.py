"""The ntfy channel: notices as push messages, which replace each other where the server can do that."""

from dataclasses import replace

from channels.marks import reference, with_code
from channels.ntfy_message import Draft, compose, needs_tokens
from channels.ntfy_server import Message, NtfyServer
from channels.ntfy_settings import TOPIC, NtfySettings
from channels.port import Arrival, Broken, Desk, Earlier, Handed, Never
from channels.pulse import Pulse
from domain.clock import Clock
from domain.ids import fingerprint
from domain.notices import Notice, NoticeKind
from domain.people import Address, AddressKind

CLOCKS_DIFFER_SECONDS = 5  # a message's time is the server's
_SEQUENCE_CHARACTERS = 32  # 128 bits; ntfy allows 64
_CARDS = frozenset({NoticeKind.APPROVAL_REQUEST, NoticeKind.ATTEMPT_START, NoticeKind.ATTEMPT_DONE})


class NtfyChannel:
    """Publishes to `value`, the out topic of one person; what they write comes by `channels.ntfy_stream`."""

    name = AddressKind.NTFY.value
    look_back_after_seconds = 5.0

    def __init__(self, server: NtfyServer, settings: NtfySettings, desk: Desk, pulse: Pulse, clock: Clock) -> None:
        """Wire the channel; nothing is asked of the server yet."""
        self._server = server
        self._settings = settings
        self._desk = desk
        self._pulse = pulse
        self._clock = clock

    async def deliver(self, value: str, notice: Notice, *, repeat: bool) -> Handed:
        """Publish a notice. Where the server can replace (2.16 and later), a repeat replaces the first try.

        Raises:
            NotNow: the server cannot be reached or is busy; it never says for how long.
            Broken: it refuses our token or the topic.
            Never: it refuses the message, or the message would hold a code: many may read a topic.
            MaybeSent: its answer says nothing, or never came.
        """
        if not TOPIC.fullmatch(value):
            raise Never("an ntfy address is a topic of at most 60 letters, digits, - and _")
        if notice.kind is NoticeKind.TOAST and self._settings.actions == "hook":
            return Handed()  # the press was answered over HTTP
        if notice.kind is NoticeKind.CHALLENGE:
            notice = await self._without_code(notice)
        try:
            return await self._publish(value, notice, repeat=repeat)
        except Broken as error:
            self._pulse.trouble(str(error), self._clock.now())
            raise

    async def look_back(self, value: str, notice: Notice, earlier: Earlier) -> Arrival:
        """Look for an earlier try among what the server has kept: 12 hours, and nothing after a restart by default.

        Raises:
            NotNow: the server cannot be asked now.
            Broken: it refuses our token, or is no ntfy server.
        """
        replaces = await self._server.replaces(value)
        again = Arrival.NOT_THERE if replaces else Arrival.CANNOT_TELL
        if replaces and notice.kind in _CARDS | {NoticeKind.CARD}:
            return again  # what is found under a card's sequence may be the state before this one
        since_s = int(earlier.since.timestamp()) - CLOCKS_DIFFER_SECONDS
        kept = await self._server.messages_since(value, since_s)
        if kept is None:
            return again
        if not any(_is(message, notice, replaces=replaces) for message in kept):
            return Arrival.NOT_THERE
        # The tokens of its buttons were lost with the answer: what arrived cannot be pressed.
        return again if needs_tokens(notice, self._settings) else Arrival.ARRIVED

    async def _publish(self, value: str, notice: Notice, *, repeat: bool) -> Handed:
        to = Address(AddressKind.NTFY, value).text()
        sequence = await self._sequence(to, notice) if await self._server.replaces(value) else None
        if sequence is None and notice.kind is NoticeKind.CARD:
            return Handed()  # nothing is shown that could be brought up to date
        tokens = await self._desk.mint(to, notice) if needs_tokens(notice, self._settings) else ()
        ending = "" if sequence is not None else reference(notice.key)
        mark = "(repeat) " if repeat else ""
        composed = compose(Draft(value, notice, sequence, tokens, mark, ending), self._settings)
        message_id = await self._server.publish(composed.document)
        self._pulse.accepted(self._clock.now())
        self._pulse.well()
        return Handed(provider_id=sequence or message_id, tokens=composed.tokens)

    async def _sequence(self, to: str, notice: Notice) -> str | None:
        if notice.kind is NoticeKind.CARD:
            return None if notice.subject is None else await self._desk.card(to, notice.subject)
        if notice.kind in _CARDS and notice.subject is not None:
            return _sequence_of(notice.subject)
        return _sequence_of(notice.key)

    async def _without_code(self, notice: Notice) -> Notice:
        if notice.subject is None or await self._desk.code(notice.subject) is not None:
            raise Never("codes are not sent by ntfy: whoever may read the topic would read them")
        return replace(notice, text=with_code(notice.text, None))


def _sequence_of(name: str) -> str:
    return fingerprint(name)[:_SEQUENCE_CHARACTERS]


def _is(message: Message, notice: Notice, *, replaces: bool) -> bool:
    if replaces:
        return message.get("event") == "message" and message.get("sequence_id") == _sequence_of(notice.key)
    return str(message.get("message", "")).endswith(reference(notice.key))
