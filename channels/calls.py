"""One HTTP call to a provider: bounded in time and size, never redirected, its failures sorted by what they leave open."""

from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
import orjson

from channels.port import MaybeSent, NotNow

CALL_SECONDS = 10.0  # providers answer within two; the relay gives up on a try after fifteen
CONNECT_SECONDS = 5.0  # part of the above: until then nothing was sent
MAX_ANSWER_BYTES = 65_536
_MAX_WISH_SECONDS = 900  # a provider that asks for more than this is asked again sooner


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answered. `retry_after_seconds` is its wish, None where it has none that can be read."""

    status: int
    body: bytes
    retry_after_seconds: int | None


@dataclass(frozen=True, slots=True)
class Caller:
    """Makes calls over the shared session. No failure tells the address called: it may be a secret."""

    session: aiohttp.ClientSession
    call_seconds: float = CALL_SECONDS

    async def get(self, url: str, params: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        """Ask; nothing changes by it.

        Raises:
            NotNow: there was no answer that can be read.
        """
        try:
            return await self._call("GET", url, headers, params=params)
        except MaybeSent as error:
            raise NotNow(str(error)) from None

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        """Send a form.

        Raises:
            NotNow: it was not sent.
            MaybeSent: it may have been read.
        """
        return await self._call("POST", url, headers, data=form)

    async def post_json(self, url: str, document: object) -> Answer:
        """Send a JSON document.

        Raises:
            NotNow: it was not sent.
            MaybeSent: it may have been read.
        """
        return await self._call("POST", url, {"Content-Type": "application/json"}, data=orjson.dumps(document))

    async def _call(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | bytes | None = None,
    ) -> Answer:
        timeout = aiohttp.ClientTimeout(total=self.call_seconds, connect=min(CONNECT_SECONDS, self.call_seconds))
        try:
            async with self.session.request(
                method, url, headers=headers, params=params, data=data, allow_redirects=False, timeout=timeout
            ) as response:
                body = await _read_capped(response)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotNow(f"no connection ({type(error).__name__})") from None
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise MaybeSent(f"no answer ({type(error).__name__})") from None
        return Answer(response.status, body, _wish(response.headers.get("Retry-After", "")))


async def _read_capped(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise MaybeSent("an answer over 64 KiB")
    return bytes(body)


def _wish(header: str) -> int | None:
    """Read the seconds of a Retry-After; its other form, a date, would trust the provider's clock."""
    return min(int(header), _MAX_WISH_SECONDS) if header.isascii() and header.isdigit() else None
