"""A fake Twilio on loopback: the Messages API the bot calls, and the phones and carriers on the other side.

    async with FakeTwilio(clock) as twilio:
        twilio.connect(bot_url)                            # where forms are posted; they are signed for `public_url`
        answer = await twilio.text("+41790000001", "status")   # a signed webhook; answer.status, answer.text
        await twilio.text_again("+41790000001")            # Twilio's own retry of that person's last text
        await twilio.attack(Forgery.WRONG_TOKEN, "+41790000001", "halt")
        await twilio.report(sid, "sent", "delivered")      # signed status callbacks for a text the bot sent
        twilio.faults.add(Fault.ACCEPT_THEN_DROP)          # the next call of the bot meets it
        twilio.opted_out.add("+41790000001")               # sending there is answered with 21610
        twilio.ledger.texts("+41790000001")                # what arrived on that phone

Every request and answer is held against Twilio's published description; leaving the block fails on what did not conform.
"""

import base64
import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Self
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from domain.clock import Clock
from tests.fakes.providers.conformance import NotConformant, conformance_for
from tests.fakes.providers.fault_middleware import Served, playing
from tests.fakes.providers.faults import Fault, Faults, Planned
from tests.fakes.providers.ledger import Accepted, Ledger
from tests.fakes.providers.twilio_rules import OPT_IN_WORDS, OPT_OUT_WORDS, Text, refusal_of, sign

ACCOUNT = "AC" + "5" * 32
TOKEN = "made-up-twilio-token-0123456789"
NUMBER = "+15005550006"
PUBLIC_URL = "https://reins.example"
INBOUND_PATH = "/hooks/twilio/sms"


class Forgery(Enum):
    """What an attacker may post."""

    WRONG_TOKEN = "signed with another token"
    UNSIGNED = "no signature"
    ALTERED = "the text changed after signing"
    OTHER_ADDRESS = "signed for another address"
    OTHER_ALGORITHM = "names another algorithm in a header"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bot answered to a webhook."""

    status: int
    content_type: str
    text: str


class FakeTwilio:
    """See the module's docstring. `accounts` may hold several tokens: Basic authentication with any of them is good."""

    def __init__(self, clock: Clock, ledger: Ledger | None = None, public_url: str = PUBLIC_URL) -> None:
        self.faults = Faults()
        self.ledger = Ledger() if ledger is None else ledger
        self.opted_out: set[str] = set()
        self.tokens = [TOKEN]
        self.texts: dict[str, Text] = {}
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.violations: list[NotConformant] = []
        self.public_url = public_url
        self._clock = clock
        self._bot_url = ""
        self._rules = conformance_for("twilio")
        app = web.Application(middlewares=[playing(self.faults, _unavailable)])
        base = "/2010-04-01/Accounts/{account}/Messages"
        app.router.add_post(base + ".json", self._create)
        app.router.add_get(base + ".json", self._list)
        app.router.add_get(base + "/{sid}.json", self._fetch)
        self._served = Served(app)

    async def __aenter__(self) -> Self:
        await self._served.start()
        self._http = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()
        await self._served.stop()
        if self.violations:
            raise self.violations[0]

    @property
    def url(self) -> str:
        """The base of the API."""
        return self._served.url

    def connect(self, bot_url: str) -> None:
        """Post webhooks to this address of the bot."""
        self._bot_url = bot_url

    async def close(self) -> None:
        """Go away: connections are refused from now on."""
        await self._served.stop()

    # --- the API ------------------------------------------------------------------------------------------------

    async def _create(self, request: web.Request) -> web.Response:
        fields = {name: str(value) for name, value in (await request.post()).items()}
        if (unknown := self._called("CreateMessage", request, fields)) is not None:
            return unknown
        refused = refusal_of(fields, self.opted_out)
        if refused is not None:
            return _error(400, *refused)
        text = Text(
            sid=f"SM{len(self.texts) + 1:032x}",
            account=ACCOUNT,
            to=fields["To"],
            sender=fields.get("From"),
            body=fields["Body"],
            direction="outbound-api",
            status="queued",
            created=self._clock.now().replace(microsecond=0),
            service=fields.get("MessagingServiceSid"),
            callback=fields.get("StatusCallback"),
        )
        self.texts[text.sid] = text
        self.ledger.append(Accepted("sms", text.to, text.body, text.sid, fields))
        return self._answer("CreateMessage", text.document(), 201)

    async def _list(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        if (unknown := self._called("ListMessage", request, query)) is not None:
            return unknown
        found = [text.document() for text in reversed(self.texts.values()) if _matches(text, query)]
        size, page = int(query.get("PageSize", "50")), int(query.get("Page", "0"))
        start = page * size
        more = urlencode({**query, "Page": str(page + 1)}) if start + size < len(found) else None
        document = {
            "messages": found[start : start + size],
            "page": page,
            "page_size": size,
            "start": start,
            "end": min(start + size, len(found)) - 1,
            "uri": request.path_qs,
            "first_page_uri": request.path,
            "previous_page_uri": None,
            "next_page_uri": None if more is None else f"{request.path}?{more}",
        }
        return self._answer("ListMessage", document, 200)

    async def _fetch(self, request: web.Request) -> web.Response:
        sid = request.match_info["sid"]
        if (unknown := self._called("FetchMessage", request, {"Sid": sid})) is not None:
            return unknown
        text = self.texts.get(sid)
        return _error(404, 20404, "not found") if text is None else self._answer("FetchMessage", text.document(), 200)

    def _called(self, operation: str, request: web.Request, fields: dict[str, str]) -> web.Response | None:
        """Note and check a call; return the refusal of one that does not prove whose it is."""
        self.calls.append((operation, fields))
        account = request.match_info["account"]
        good = ["Basic " + base64.b64encode(f"{ACCOUNT}:{token}".encode()).decode() for token in self.tokens]
        if account != ACCOUNT or request.headers.get("Authorization") not in good:
            return _error(401, 20003, "Authenticate")
        try:
            self._rules.request(operation, {"AccountSid": account, **fields})
        except NotConformant as violation:
            self.violations.append(violation)
        return None

    def _answer(self, operation: str, document: Mapping[str, object], status: int) -> web.Response:
        try:
            self._rules.answer(operation, document)
        except NotConformant as violation:
            self.violations.append(violation)
        return web.json_response(document, status=status)

    # --- people and carriers ------------------------------------------------------------------------------------

    async def text(self, sender: str, body: str, **more: str) -> Answer:
        """Let a person send a text; `more` adds or replaces fields of the webhook."""
        word = body.strip().upper()
        if word in OPT_OUT_WORDS:
            self.opted_out.add(sender)
        elif word in OPT_IN_WORDS:
            self.opted_out.discard(sender)
        form = self.inbound_form(sender, body, **more)
        sid = form["MessageSid"]
        self.texts[sid] = Text(sid, ACCOUNT, NUMBER, sender, body, "inbound", "received", self._clock.now(), form=form)
        return await self.post(INBOUND_PATH, form, sign(self.tokens[0], self.public_url + INBOUND_PATH, form))

    async def text_again(self, sender: str) -> Answer:
        """Post that person's last text once more, as Twilio's own retry does: the same MessageSid and token."""
        form = next(text.form for text in reversed(self.texts.values()) if text.form and text.sender == sender)
        return await self.post(INBOUND_PATH, form, sign(self.tokens[0], self.public_url + INBOUND_PATH, form))

    async def attack(self, forgery: Forgery, sender: str, body: str) -> Answer:
        """Post a forged text."""
        form = self.inbound_form(sender, body)
        token = "another-token-0123456789abcdef" if forgery is Forgery.WRONG_TOKEN else self.tokens[0]
        address = "https://elsewhere.example" if forgery is Forgery.OTHER_ADDRESS else self.public_url
        signature: str | None = sign(token, address + INBOUND_PATH, form)
        headers = {}
        if forgery is Forgery.ALTERED:
            form["Body"] = f"{body} x"
        if forgery is Forgery.UNSIGNED:
            signature = None
        if forgery is Forgery.OTHER_ALGORITHM:
            headers["X-Twilio-Webhooks-Signature-Settings"] = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
        return await self.post(INBOUND_PATH, form, signature, headers)

    def inbound_form(self, sender: str, body: str, **more: str) -> dict[str, str]:
        """Return the form of a received text, as Twilio posts it."""
        sid = f"SM{len(self.texts) + 1:032x}"
        return {
            "ToCountry": "US",
            "ToState": "CA",
            "SmsMessageSid": sid,
            "NumMedia": "0",
            "ToCity": "",
            "FromZip": "8001",
            "SmsSid": sid,
            "FromState": "",
            "SmsStatus": "received",
            "FromCity": "ZURICH",
            "Body": body,
            "FromCountry": "CH",
            "To": NUMBER,
            "ToZip": "",
            "NumSegments": "1",
            "MessageSid": sid,
            "AccountSid": ACCOUNT,
            "From": sender,
            "ApiVersion": "2010-04-01",
        } | more

    async def report(
        self, sid: str, *statuses: str, error_code: int | None = None, chance: random.Random | None = None
    ) -> list[Answer]:
        """Bring a sent text to each status in turn and post the callbacks; `chance` shuffles and repeats them."""
        text = self.texts[sid]
        forms = []
        for status in statuses:
            text.status = status
            text.sent = text.sent or self._clock.now().replace(microsecond=0)
            form = {"MessageSid": sid, "SmsSid": sid, "MessageStatus": status, "SmsStatus": status, "To": text.to}
            form |= {"From": text.sender or NUMBER, "AccountSid": ACCOUNT, "ApiVersion": "2010-04-01"}
            if error_code is not None and status in ("failed", "undelivered"):
                form["ErrorCode"] = str(error_code)
                text.error_code = error_code
            forms.append(form)
        if chance is not None:
            forms += chance.choices(forms, k=len(forms))
            chance.shuffle(forms)
        assert text.callback is not None, "this text was sent without a StatusCallback"
        path = text.callback.removeprefix(self.public_url)
        return [await self.post(path, form, sign(self.tokens[0], text.callback, form)) for form in forms]

    async def post(
        self, path: str, form: Mapping[str, str], signature: str | None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Post a form to the bot; no redirects, as Twilio's own retry policy would."""
        sent: dict[str, str] = {"I-Twilio-Idempotency-Token": form.get("MessageSid", ""), **(headers or {})}
        if signature is not None:
            sent["X-Twilio-Signature"] = signature
        async with self._http.post(self._bot_url + path, data=dict(form), headers=sent) as response:
            return Answer(response.status, response.content_type, await response.text())


def _matches(text: Text, query: Mapping[str, str]) -> bool:
    if query.get("To", text.to) != text.to or query.get("From", text.sender) != text.sender:
        return False
    # What has not been sent yet has no day: Twilio does not promise to list it by one, so this fake does not.
    return "DateSent" not in query or (text.sent is not None and text.sent.date().isoformat() == query["DateSent"])


def _error(status: int, code: int, message: str) -> web.Response:
    document = {"code": code, "message": message, "more_info": f"https://www.twilio.com/docs/errors/{code}"}
    return web.json_response({**document, "status": status}, status=status)


def _unavailable(planned: Planned) -> web.Response:
    if planned.fault is Fault.ERROR:
        return _error(503, 20503, "Service unavailable")
    response = _error(429, 20429, "Too many requests")
    if planned.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(planned.retry_after_seconds)
    return response
