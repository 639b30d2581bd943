"""The chat's side of the HTTP API: sending a line so that it acts once, and hearing notices as they come."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp

from bot.cli.exit_codes import CommandFailedError, ExitCode
from domain.clock import Clock
from domain.ids import Entropy, secret
from domain.untrusted import clean_line

ANSWER_TIMEOUT = aiohttp.ClientTimeout(total=15)  # it answers in milliseconds; longer is a broken connection
# The stream says "still here" every 15 s: twice that without a byte is a dead connection.
STREAM_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=15, sock_read=35)
RETRY_PAUSES_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0)  # 75 s with the time-outs, well inside the replay window of 300 s
RECONNECT_SECONDS = 2.0
MAX_DETAIL_CHARACTERS = 400
_LOST = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError)

Entry = dict[str, Any]
Wait = Callable[[float], Awaitable[None]]


class ChatClient:
    """One conversation over an open session; `where` names the bot in messages to the person."""

    def __init__(self, session: aiohttp.ClientSession, where: str, clock: Clock, entropy: Entropy) -> None:
        """Use this session, whose base URL is the bot's."""
        self._session = session
        self._where = where
        self._clock = clock
        self._entropy = entropy

    async def sign_in(self, token: str) -> None:
        """Swap a one-time token for a session.

        Raises:
            CommandFailedError: the token was used or is too old, or the bot cannot be reached.
        """
        await self._ask("POST", "/v1/sessions", json={"token": token})

    async def who(self) -> Entry:
        """Return who the bot takes us for: id, name, roles, scopes, proof."""
        return await self._ask("GET", "/v1/people/me")

    async def newest_event(self) -> str:
        """Return the id of the newest notice, behind which the stream is to begin."""
        page = await self._ask("GET", "/v1/messages", params={"limit": "1"})
        return str(page["last_event_id"])

    async def send(self, text: str, wait: Wait = asyncio.sleep) -> Entry:
        """Send one line and return the answer; a lost connection repeats it under the same nonce, so it acts once.

        Raises:
            CommandFailedError: the bot refused the request, or did not answer in any of the tries.
        """
        headers = {
            "Reins-Nonce": secret(self._entropy),
            "Reins-Timestamp": str(int(self._clock.now().timestamp())),
        }
        for pause in RETRY_PAUSES_SECONDS:
            try:
                answer = await self._request("POST", "/v1/messages", headers=headers, json={"text": text})
            except _LOST:
                await wait(pause)
            else:
                return dict(answer["entry"])
        answer = await self._ask("POST", "/v1/messages", headers=headers, json={"text": text})
        return dict(answer["entry"])

    async def notices(self, after: str, wait: Wait = asyncio.sleep) -> AsyncIterator[Entry]:
        """Yield notices behind `after` for ever; a broken stream picks up where it stopped.

        Raises:
            CommandFailedError: the bot no longer knows us.
        """
        while True:
            try:
                async with self._session.get(
                    "/v1/events", params={"after": after}, timeout=STREAM_TIMEOUT, allow_redirects=False
                ) as response:
                    await self._check(response)
                    async for event_id, entry in _events(response):
                        after = event_id
                        yield entry
            except _LOST:
                pass  # what was missed comes with the next connection: `after` says where to go on
            await wait(RECONNECT_SECONDS)

    async def _ask(self, method: str, path: str, **options: Any) -> Entry:
        try:
            return await self._request(method, path, **options)
        except _LOST as error:
            what = f"no answer from the bot at {self._where} ({type(error).__name__})"
            raise CommandFailedError(f"{what}; is it running? `reins doctor` says", ExitCode.NOT_DELIVERED) from error

    async def _request(self, method: str, path: str, **options: Any) -> Entry:
        async with self._session.request(
            method, path, timeout=ANSWER_TIMEOUT, allow_redirects=False, **options
        ) as response:
            await self._check(response)
            return dict(await response.json())

    async def _check(self, response: aiohttp.ClientResponse) -> None:
        if response.ok and response.content_type in ("application/json", "text/event-stream"):
            return
        if response.content_type != "application/problem+json":
            what = f"something other than Reins answered at {self._where} (HTTP {response.status})"
            raise CommandFailedError(f"{what}; check the address", ExitCode.NOT_DELIVERED)
        problem = await response.json(content_type=None)
        log_id = f" (log id {problem['log_id']})" if "log_id" in problem else ""
        detail = clean_line(str(problem.get("detail") or problem.get("title")), MAX_DETAIL_CHARACTERS)
        denied = response.status < 500  # noqa: PLR2004 - the border between their fault and ours (RFC 9110)
        raise CommandFailedError(f"{detail}{log_id}", ExitCode.DENIED if denied else ExitCode.NOT_DELIVERED)


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Entry]]:
    """Read server-sent events (WHATWG HTML, 9.2) as the bot writes them: an id and one line of data each."""
    event_id = ""
    async for raw in response.content:
        name, _, value = raw.decode("utf-8", "replace").rstrip("\n").partition(": ")
        if name == "id":
            event_id = value
        elif name == "data":
            yield event_id, json.loads(value)
