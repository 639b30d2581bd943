"""One ntfy server over HTTP: publishing, looking back, following topics, and what its refusals mean."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson

from channels.port import Broken, DeliveryError, MaybeSent, Never, NotNow

TIMEOUT_SECONDS = 10.0  # for a whole call; ntfy answers in milliseconds
CONNECT_SHARE = 0.5  # of the above; a call that has no connection by then was not sent
MAX_ANSWER_BYTES = 65_536
MAX_LINE_BYTES = 65_536  # a message has 4,096 bytes of text and a handful of short fields
BUSY_SECONDS = 5  # ntfy lets one more request through every 5 s, and its 429 does not say so
_PROBE_SEQUENCE = "reins-probe"  # never used for a message, so clearing it changes nothing
_NOT_FOUND_CODE = 40401  # what a server says of a path that it does not know
_OK, _BAD_REQUEST, _FORBIDDEN, _NOT_FOUND, _TOO_LARGE, _TOO_MANY = 200, 400, 403, 404, 413, 429
_REFUSALS_OF_READERS = frozenset({401, _FORBIDDEN})
_SERVER_FAULTS = 500

Message = dict[str, Any]


class Forbidden(Broken):
    """The server knows us and does not let us do this with that topic."""


class NtfyServer:
    """A server and our token for it; whether it can replace messages is asked once."""

    def __init__(
        self, http: aiohttp.ClientSession, url: str, token: str | None, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        """Wire the server; nothing is asked yet."""
        self._http = http
        self._url = url.rstrip("/")
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._timeout_seconds = timeout_seconds
        self._probing = asyncio.Lock()
        self._replaces: bool | None = None

    async def publish(self, document: Mapping[str, object]) -> str:
        """Publish a message as JSON and return its id.

        Raises:
            NotNow: the server cannot be reached or is busy.
            Broken: it refuses our token, or is no ntfy server.
            Never: it refuses this message.
            MaybeSent: its answer says nothing, or never came.
        """
        status, raw = await self._exchange("POST", "/", orjson.dumps(document))
        if status != _OK:
            raise refusal(status, raw)
        message = _object(raw)
        if not isinstance(message.get("id"), str):
            raise MaybeSent("ntfy answered 200 with something that names no message")
        return str(message["id"])

    async def replaces(self, topic: str) -> bool:
        """Tell whether a message can be replaced by its sequence id: servers before 2.16 silently show a second one.

        Raises:
            NotNow: the server cannot be asked now.
            Broken: it refuses our token, or is no ntfy server.
        """
        async with self._probing:
            if self._replaces is None:
                status, raw = await self._ask("PUT", f"/{topic}/{_PROBE_SEQUENCE}/clear")
                unknown_path = status == _NOT_FOUND and _object(raw).get("code") == _NOT_FOUND_CODE
                if status != _OK and not unknown_path:
                    raise _to_read(refusal(status, raw))
                self._replaces = not unknown_path
            return self._replaces

    async def messages_since(self, topic: str, unix_s: int) -> list[Message] | None:
        """Return what the server still has of a topic; None where we may not read it, or where it is too much.

        Raises:
            NotNow: the server cannot be asked now.
            Broken: it is no ntfy server any more.
        """
        status, raw = await self._ask("GET", f"/{topic}/json?poll=1&since={unix_s}")
        if status in _REFUSALS_OF_READERS or len(raw) > MAX_ANSWER_BYTES:
            return None
        if status != _OK:
            raise _to_read(refusal(status, raw))
        messages = [_object(line) for line in raw.splitlines()]
        if not all(messages):
            raise NotNow("ntfy answered 200 with something that is no list of messages")
        return messages

    async def may_read(self, topic: str) -> bool:
        """Tell whether we may read a topic.

        Raises:
            NotNow: the server cannot be asked now.
            Broken: it is no ntfy server any more.
        """
        status, raw = await self._ask("GET", f"/{topic}/auth")
        if status not in (_OK, *_REFUSALS_OF_READERS):
            raise _to_read(refusal(status, raw))
        return status == _OK

    @asynccontextmanager
    async def subscription(self, topics: Sequence[str], since: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Follow topics: yields the lines as they come; leaving hangs up. Reading them raises `NotNow` when it breaks.

        Raises:
            NotNow: the server cannot be reached or is busy.
            Forbidden: we may not read one of the topics.
            Broken: the server refuses our token, or is no ntfy server.
        """
        response = await self._open(f"{self._url}/{','.join(topics)}/json", since)
        async with response:
            if response.status != _OK:
                raise _to_read(refusal(response.status, await self._rest(response)))
            yield _lines(response)

    async def _open(self, url: str, since: str) -> aiohttp.ClientResponse:
        """Return a stream's response once its headers are there; its body has no time limit."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._http.get(
                    url,
                    params={"since": since},
                    headers=self._headers,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None),
                )
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise NotNow(f"ntfy cannot be reached: {type(error).__name__}") from None

    async def _rest(self, response: aiohttp.ClientResponse) -> bytes:
        """Return a refusal's body; one that does not come is as good as an empty one."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await _read_capped(response)
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            return b""

    async def _ask(self, method: str, path: str) -> tuple[int, bytes]:
        """Send a request that changes nothing, so that an unclear end is as good as none."""
        try:
            return await self._exchange(method, path)
        except MaybeSent as error:
            raise NotNow(str(error)) from None

    async def _exchange(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connect_seconds = self._timeout_seconds * CONNECT_SHARE
        try:
            async with self._http.request(
                method,
                self._url + path,
                data=body,
                headers=self._headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self._timeout_seconds, connect=connect_seconds),
            ) as response:
                return response.status, await _read_capped(response)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotNow(f"ntfy cannot be reached: {type(error).__name__}") from None
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise MaybeSent(f"ntfy did not answer: {type(error).__name__}") from None


def refusal(status: int, raw: bytes) -> DeliveryError:
    """Return what an answer other than 200 to a POST means; the text names status and code, never the request."""
    code = _object(raw).get("code")
    said = f"ntfy answered {status}" + (f" (code {code})" if isinstance(code, int) else "")
    if status == _TOO_MANY:
        return NotNow(said, BUSY_SECONDS)
    if status >= _SERVER_FAULTS or _OK < status < 300:  # noqa: PLR2004 - the other answers of success, which ntfy never gives
        return MaybeSent(said)
    if status in (_BAD_REQUEST, _TOO_LARGE):
        return Never(said)
    if status == _FORBIDDEN:
        return Forbidden(f"{said}: give the token's user access to this topic")
    return Broken(f"{said}: check the server's address and the token")


def _to_read(error: DeliveryError) -> DeliveryError:
    return NotNow(str(error)) if isinstance(error, MaybeSent) else error


async def _read_capped(response: aiohttp.ClientResponse) -> bytes:
    """Read an answer up to one byte over the cap, which tells that it was cut."""
    raw = b""
    async for chunk in response.content.iter_any():
        raw += chunk
        if len(raw) > MAX_ANSWER_BYTES:
            response.close()
            return raw[: MAX_ANSWER_BYTES + 1]
    return raw


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Yield whole lines; what is over the cap of a line is dropped, and so is a last line without its end."""
    begun = b""
    try:
        async for chunk in response.content.iter_any():
            *ends, rest = chunk.split(b"\n")
            for end in ends:
                yield (begun + end)[:MAX_LINE_BYTES]
                begun = b""
            begun = (begun + rest)[:MAX_LINE_BYTES]
    except (aiohttp.ClientError, ConnectionError) as error:
        raise NotNow(f"the stream broke: {type(error).__name__}") from None


def _object(raw: bytes) -> Message:
    """Return a JSON object, or an empty one for anything else."""
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}
