"""SMS through Twilio: every notice is one segment, sent by one form post that is never repeated blindly."""

import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from channels.calls import Answer, Caller
from channels.marks import reference
from channels.port import Arrival, Broken, Desk, Earlier, Handed, MaybeSent, Never
from channels.pulse import Pulse
from channels.sms_fields import MESSAGE_SID
from channels.sms_history import SmsHistory
from channels.sms_refusals import OPTED_OUT, document_of, error_code, failure
from channels.sms_settings import E164, SmsSettings
from channels.sms_text import body, challenge_body
from domain.clock import Clock
from domain.notices import Notice, NoticeKind
from domain.people import AddressKind

LOOK_BACK_AFTER_SECONDS = 20.0  # a message is listed by then
DEADLINE_SECONDS = 600  # an old question must not arrive when its answer is worth nothing any more
OTHER_SECONDS = 14_400  # news that is four hours old comes by the page
_WITH_DEADLINE = frozenset({NoticeKind.CHALLENGE, NoticeKind.APPROVAL_REQUEST})
# Nothing on a phone can be brought up to date or answered without sending one more text.
_NOTHING_TO_SEND = frozenset({NoticeKind.TOAST, NoticeKind.CARD})
_CREATED = frozenset({200, 201})


@dataclass(frozen=True, slots=True)
class SmsParts:
    """What the channel works with; `on_opt_out` learns of a number that Twilio says has opted out.

    `policy_countries` are the calling codes that the policy narrows texts to; none means those of the settings.
    """

    caller: Caller
    desk: Desk
    clock: Clock
    pulse: Pulse
    on_opt_out: Callable[[str], Awaitable[None]]
    policy_countries: Callable[[], tuple[str, ...]] = tuple


class SmsChannel:
    """The port over Twilio's Messages resource."""

    name = AddressKind.SMS.value
    look_back_after_seconds = LOOK_BACK_AFTER_SECONDS

    def __init__(self, settings: SmsSettings, parts: SmsParts) -> None:
        """Serve one account."""
        account_and_token = f"{settings.account_sid}:{settings.auth_tokens[0]}"
        self._headers = {"Authorization": "Basic " + base64.b64encode(account_and_token.encode()).decode()}
        self._settings = settings
        self._parts = parts
        self._history = SmsHistory(settings, parts.caller, self._headers)

    async def deliver(self, value: str, notice: Notice, *, repeat: bool) -> Handed:
        """Send a notice to a number as one segment; see the port for what is raised."""
        if notice.kind in _NOTHING_TO_SEND:
            return Handed()
        narrowed = self._parts.policy_countries() or self._settings.countries
        if not E164.fullmatch(value) or not (value.startswith(self._settings.countries) and value.startswith(narrowed)):
            raise Never("the number's country is not one of those that may be texted")
        text = await self._text(notice, repeat=repeat)
        url = f"{self._settings.api_base}/2010-04-01/Accounts/{self._settings.account_sid}/Messages.json"
        answer = await self._parts.caller.post(url, self._form(value, notice, text), self._headers)
        if answer.status not in _CREATED:
            await self._refused(value, answer)
        sid = document_of(answer).get("sid")
        if not isinstance(sid, str) or not MESSAGE_SID.fullmatch(sid):
            raise MaybeSent("Twilio took it, but its answer names no message")
        self._parts.pulse.accepted(self._parts.clock.now())
        self._parts.pulse.well()
        return Handed(sid, awaits_receipt=True)

    async def look_back(self, value: str, notice: Notice, earlier: Earlier) -> Arrival:
        """Look for an earlier try among what Twilio has sent; see the port for what is raised."""
        if notice.kind in _NOTHING_TO_SEND:
            return Arrival.NOT_THERE
        return await self._history.arrival(value, reference(notice.key), earlier, self._parts.clock.now())

    async def _text(self, notice: Notice, *, repeat: bool) -> str:
        if notice.kind is not NoticeKind.CHALLENGE:
            return body(notice, notice.text, repeat=repeat)
        if notice.subject is None:
            raise Never("the challenge names no confirmation that a code could be for")
        return challenge_body(notice, await self._parts.desk.code(notice.subject), repeat=repeat)

    def _form(self, to: str, notice: Notice, text: str) -> dict[str, str]:
        settings = self._settings
        sender = (
            {"From": settings.from_number}
            if settings.messaging_service_sid is None
            else {"MessagingServiceSid": settings.messaging_service_sid}
        )
        seconds = DEADLINE_SECONDS if notice.kind in _WITH_DEADLINE else OTHER_SECONDS
        return {
            "To": to,
            **sender,
            "Body": text,
            "StatusCallback": settings.status_url,
            "ValidityPeriod": str(seconds),
        }

    async def _refused(self, value: str, answer: Answer) -> None:
        error = failure(answer)
        if error_code(answer) == OPTED_OUT:
            await self._parts.on_opt_out(value)
        if isinstance(error, Broken):
            self._parts.pulse.trouble(str(error), self._parts.clock.now())
        raise error
