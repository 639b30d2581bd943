"""Slack, out only: an incoming webhook that is bound to one channel; its address is the secret."""

from datetime import datetime, timedelta

from channels.calls import Answer, Caller
from channels.port import Arrival, Broken, DeliveryError, Earlier, Handed, MaybeSent, Never, NotNow, Paced
from channels.pulse import Pulse
from channels.slack_text import message
from domain.clock import Clock
from domain.notices import Notice, NoticeKind
from domain.people import AddressKind

LOOK_BACK_AFTER_SECONDS = 5.0
BETWEEN_MESSAGES = timedelta(seconds=1)  # Slack's rate for one webhook
_NOTHING_TO_SEND = frozenset({NoticeKind.TOAST, NoticeKind.CARD})  # a webhook can change nothing it has posted
_OK, _BAD_REQUEST, _TOO_MANY = 200, 400, 429
_SERVER_FAULTS = 500
_DEFAULT_WAIT_SECONDS = 1
# What Slack says in the body of a refusal; anything else is not repeated, since it is text from outside.
_KNOWN_WORDS = frozenset(
    {
        "invalid_payload",
        "user_not_found",
        "no_text",
        "invalid_blocks",
        "too_many_attachments",
        "action_prohibited",
        "invalid_token",
        "channel_not_found",
        "no_service",
        "no_team",
        "channel_is_archived",
        "rate_limited",
        "rollup_error",
    }
)


class SlackChannel:
    """The port over one incoming webhook; the address value is ignored, there is one place only."""

    name = AddressKind.SLACK.value
    look_back_after_seconds = LOOK_BACK_AFTER_SECONDS

    def __init__(self, webhook_url: str, page_url: str, caller: Caller, clock: Clock, pulse: Pulse) -> None:
        """Post to `webhook_url`, which no failure ever shows; `page_url` is where people decide."""
        self._webhook_url = webhook_url
        self._page_url = page_url
        self._caller = caller
        self._clock = clock
        self._pulse = pulse
        self._free_at: datetime | None = None

    async def deliver(self, value: str, notice: Notice, *, repeat: bool) -> Handed:  # noqa: ARG002 - the port's shape
        """Post a notice; see the port for what is raised."""
        if notice.kind in _NOTHING_TO_SEND:
            return Handed()
        if notice.kind is NoticeKind.CHALLENGE:
            raise Never("a one-time code does not go to a shared place")
        now = self._clock.now()
        if self._free_at is not None and now < self._free_at:
            raise Paced((self._free_at - now).total_seconds())
        self._free_at = now + BETWEEN_MESSAGES
        answer = await self._caller.post_json(self._webhook_url, message(notice, self._page_url, repeat=repeat))
        if answer.status != _OK or answer.body != b"ok":
            raise self._failure(answer)
        self._pulse.accepted(self._clock.now())
        self._pulse.well()
        return Handed()

    async def look_back(self, value: str, notice: Notice, earlier: Earlier) -> Arrival:  # noqa: ARG002 - as above
        """Return that nobody can tell: a webhook shows nothing of what it has posted."""
        return Arrival.NOT_THERE if notice.kind in _NOTHING_TO_SEND else Arrival.CANNOT_TELL

    def _failure(self, answer: Answer) -> DeliveryError:
        said = answer.body.decode("ascii", "replace")
        named = f"Slack {answer.status} {said if said in _KNOWN_WORDS else 'without a known word'}"
        if answer.status == _TOO_MANY:
            seconds = answer.retry_after_seconds or _DEFAULT_WAIT_SECONDS
            self._free_at = self._clock.now() + timedelta(seconds=seconds)
            return NotNow(named, seconds)
        if answer.status == _OK or answer.status >= _SERVER_FAULTS:
            return MaybeSent(named)
        if answer.status == _BAD_REQUEST:
            return Never(named)
        self._pulse.trouble(named, self._clock.now())
        return Broken(named)
