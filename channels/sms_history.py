"""Looking back at Twilio: what became of a text, by its id or by its reference in the list of what was sent."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from channels.calls import Answer, Caller
from channels.port import Arrival, Broken, Earlier, NotNow
from channels.sms_fields import MESSAGE_SID
from channels.sms_refusals import document_of, failure
from channels.sms_settings import SmsSettings

CLOCKS_APART = timedelta(seconds=5)  # our clock and Twilio's, and its times without fractions
PAGE_SIZE = 30  # a page of our own short texts is below the cap of an answer
MAX_PAGES = 20  # 600 texts to one number within two days: past this somebody else sends by our number
TRIES = 3  # of one question, at once; more belongs to the relay, which waits between them
_OK, _NOT_FOUND, _SERVER_ERRORS = 200, 404, 500
_ARRIVALS = {
    "sent": Arrival.ARRIVED,
    "delivered": Arrival.ARRIVED,
    "read": Arrival.ARRIVED,
    "failed": Arrival.FAILED,
    "undelivered": Arrival.FAILED,
    "canceled": Arrival.FAILED,
}


@dataclass(frozen=True, slots=True)
class SmsHistory:
    """What Twilio knows of the texts that our account sent."""

    settings: SmsSettings
    caller: Caller
    headers: dict[str, str]

    async def arrival(self, to: str, ending: str, earlier: Earlier, now: datetime) -> Arrival:
        """Tell what became of the text that ends with `ending`.

        Raises:
            NotNow: Twilio cannot be asked now, or its answer cannot be read.
            Broken: Twilio does not accept our account.
        """
        if earlier.provider_id is not None:
            return await self._by_id(earlier.provider_id)
        since = earlier.since - CLOCKS_APART
        days = sorted({since.date(), min(now.date(), since.date() + timedelta(days=1))})
        found: list[tuple[datetime, str]] = []
        # What waits at Twilio has no day of sending yet, so the newest page without a day is looked through too.
        for query in (*({"DateSent": day.isoformat()} for day in days), {}):
            async for message in self._listed({"To": to, **query}, pages=MAX_PAGES if query else 1):
                created = _created(message)
                if str(message.get("body", "")).endswith(ending) and created is not None and created >= since:
                    found.append((created, str(message.get("status"))))
        return _ARRIVALS.get(max(found)[1], Arrival.UNDECIDED) if found else Arrival.NOT_THERE

    async def _by_id(self, sid: str) -> Arrival:
        if not MESSAGE_SID.fullmatch(sid):
            return Arrival.CANNOT_TELL
        answer = await self._ask(f"{_messages(self.settings)}/{sid}.json", {})
        if answer.status == _NOT_FOUND:
            return Arrival.CANNOT_TELL  # it was taken, and has been deleted since
        return _ARRIVALS.get(str(_readable(answer).get("status")), Arrival.UNDECIDED)

    async def _ask(self, url: str, params: dict[str, str]) -> Answer:
        """Ask, and ask again at once where that failed: asking changes nothing, and one look takes several answers."""
        for _ in range(TRIES - 1):
            try:
                answer = await self.caller.get(url, params, self.headers)
            except NotNow:
                continue
            if answer.status < _SERVER_ERRORS and (answer.status != _OK or document_of(answer)):
                return answer
        return await self.caller.get(url, params, self.headers)

    async def _listed(self, query: dict[str, str], pages: int) -> AsyncIterator[dict[str, object]]:
        url, params = f"{_messages(self.settings)}.json", {**query, "PageSize": str(PAGE_SIZE)}
        for _ in range(pages):
            page = _readable(await self._ask(url, params))
            messages = page.get("messages")
            if not isinstance(messages, list):
                raise NotNow("Twilio's list cannot be read")
            for message in messages:
                if isinstance(message, dict) and str(message.get("direction", "")).startswith("outbound"):
                    yield message
            following = page.get("next_page_uri")
            if following is None:
                return
            if not isinstance(following, str) or not following.startswith("/"):
                raise NotNow("Twilio's list leads elsewhere")  # our token goes to no other host
            url, params = self.settings.api_base + following, {}
        if "DateSent" in query:
            raise NotNow(f"Twilio's list has over {pages} pages")


def _messages(settings: SmsSettings) -> str:
    return f"{settings.api_base}/2010-04-01/Accounts/{settings.account_sid}/Messages"


def _readable(answer: Answer) -> dict[str, object]:
    """Return the document of a good answer.

    Raises:
        NotNow: there is none.
        Broken: Twilio does not accept our account.
    """
    document = document_of(answer)
    if answer.status == _OK and document:
        return document
    error = failure(answer)
    raise error if isinstance(error, NotNow | Broken) else NotNow(f"Twilio {answer.status}: cannot be read")


def _created(message: dict[str, object]) -> datetime | None:
    try:
        moment = parsedate_to_datetime(str(message.get("date_created")))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
