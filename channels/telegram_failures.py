"""How a call to Telegram can fail, without the library's types, and what each failure means for a delivery."""

from audit.redaction import redact
from channels.port import Broken, DeliveryError, MaybeSent, Never, NotNow
from domain.untrusted import clean_line

MAX_DESCRIPTION_CHARACTERS = 200


class TelegramFailure(Exception):  # noqa: N818 - the root of this file's own small tree
    """A call did not go well. No text in here ever holds the token."""


class NotSent(TelegramFailure):
    """Telegram never saw the call: no connection came about."""


class Unclear(TelegramFailure):
    """Telegram may have done it: the answer did not come, was a server error or cannot be read."""


class Refused(TelegramFailure):
    """A definite no. `by_telegram` False means that something in between answered in its place.

    Telegram tells refusals apart by their sentences only; matching ignores case because wording moves.
    """

    def __init__(
        self,
        status: int,
        description: str,
        *,
        retry_after_seconds: int | None = None,
        moved_to: int | None = None,
        by_telegram: bool = True,
    ) -> None:
        """Keep the answer; the description is text from outside, and ends in the audit log."""
        self.status = status
        self.description = clean_line(redact(description), MAX_DESCRIPTION_CHARACTERS)
        self.retry_after_seconds = retry_after_seconds
        self.moved_to = moved_to
        self.by_telegram = by_telegram
        super().__init__(f"{status} {self.description}")

    @property
    def unchanged(self) -> bool:
        """Tell whether an edit was refused because the message already shows exactly that."""
        return self._says("message is not modified")

    @property
    def too_late(self) -> bool:
        """Tell whether a press cannot be answered any more; nobody looks at it then."""
        return self._says("query is too old")

    @property
    def unreadable_markup(self) -> bool:
        """Tell whether Telegram could not read our HTML."""
        return self._says("can't parse entities")

    @property
    def card_gone(self) -> bool:
        """Tell whether the message to edit is not there, or is none that can be edited."""
        wordings = ("message to edit not found", "message can't be edited", "message_id_invalid", "there is no text in")
        return any(self._says(wording) for wording in wordings)

    def _says(self, wording: str) -> bool:
        return wording in self.description.lower()


def delivery_error(failure: TelegramFailure) -> DeliveryError:
    """Tell the relay what it may do next."""
    match failure:
        case NotSent():
            return NotNow(str(failure))
        case Refused(status=429 | 409, retry_after_seconds=seconds):
            return NotNow(str(failure), seconds)
        case Refused(by_telegram=False):
            return Broken(f"something other than Telegram answers in its place ({failure.status})")
        case Refused(status=401 | 404):
            return Broken("Telegram does not know the bot's token")
        case Refused():
            return Never(failure.description)
        case _:
            return MaybeSent(str(failure))
