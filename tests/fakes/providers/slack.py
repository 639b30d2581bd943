"""A fake Slack on loopback: one incoming webhook, its checks, its rate limit, and what people see in the channel.

async with FakeSlack(clock) as slack:
    slack.webhook_url                          # the secret address
    slack.refuse(404, "no_service")            # until `slack.accept()`
    slack.faults.add(Fault.ACCEPT_THEN_DROP)
    slack.ledger.texts("team")                 # what was posted, sections joined
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Self

import orjson
from aiohttp import web

from domain.clock import Clock
from tests.fakes.providers.fault_middleware import Served, playing
from tests.fakes.providers.faults import Fault, Faults, Planned
from tests.fakes.providers.ledger import Accepted, Ledger

SECRET_PATH = "/services/T00000000/B00000000/made-up-secret-of-the-webhook"
MAX_BLOCKS, MAX_SECTION, MAX_TEXT = 50, 3000, 40_000
BURST = 3  # this many at once are let through, then one a second


class FakeSlack:
    """See the module's docstring."""

    def __init__(self, clock: Clock, ledger: Ledger | None = None) -> None:
        self.faults = Faults()
        self.ledger = Ledger() if ledger is None else ledger
        self._clock = clock
        self._refusal: tuple[int, str] | None = None
        self._recent: list[datetime] = []
        app = web.Application(middlewares=[playing(self.faults, _unavailable)])
        app.router.add_post("/{path:.*}", self._post)
        self._served = Served(app)

    async def __aenter__(self) -> Self:
        await self._served.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Go away: connections are refused from now on."""
        await self._served.stop()

    @property
    def webhook_url(self) -> str:
        return self._served.url + SECRET_PATH

    def refuse(self, status: int, word: str) -> None:
        """Refuse every post in this way until `accept`."""
        self._refusal = status, word

    def accept(self) -> None:
        """Take posts again."""
        self._refusal = None

    async def _post(self, request: web.Request) -> web.Response:
        if self._refusal is not None:
            return web.Response(status=self._refusal[0], text=self._refusal[1])
        if request.path != SECRET_PATH:
            return web.Response(status=404, text="no_service")
        now = self._clock.now()
        self._recent = [moment for moment in self._recent if now - moment < timedelta(seconds=1)]
        if len(self._recent) >= BURST:
            return web.Response(status=429, text="rate_limited", headers={"Retry-After": "1"})
        document = orjson.loads(await request.read())
        if (complaint := complaint_about(document)) is not None:
            return web.Response(status=400, text=complaint)
        self._recent.append(now)
        sections = [block["text"]["text"] for block in document["blocks"]]
        self.ledger.append(Accepted("slack", "team", "\n".join(sections), str(len(self.ledger) + 1), document))
        return web.Response(text="ok")


def complaint_about(document: Mapping[str, Any]) -> str | None:
    """Return Slack's word for what is wrong with a document, if anything is."""
    if not isinstance(document.get("text"), str) or not document["text"]:
        return "no_text"
    blocks = document.get("blocks", [])
    texts = [block.get("text", {}) for block in blocks]
    fits = all(0 < len(text.get("text", "")) <= MAX_SECTION for text in texts)
    kinds = {text.get("type") for text in texts} <= {"plain_text", "mrkdwn"}
    if len(blocks) > MAX_BLOCKS or len(document["text"]) > MAX_TEXT or not fits or not kinds:
        return "invalid_blocks"
    return None


def _unavailable(planned: Planned) -> web.Response:
    if planned.fault is Fault.ERROR:
        return web.Response(status=500, text="rollup_error")
    wish = {} if planned.retry_after_seconds is None else {"Retry-After": str(planned.retry_after_seconds)}
    return web.Response(status=429, text="rate_limited", headers=wish)
