"""python-telegram-bot's HTTP over our own aiohttp session: one HTTP stack, and failures told apart by what they mean."""

from typing import Any

import aiohttp
import orjson
from telegram.error import TelegramError
from telegram.request import BaseRequest, RequestData

from channels.telegram_failures import NotSent, Refused, TelegramFailure, Unclear

ANSWER_SECONDS = 10.0  # the whole call; a person who waits for a reply has looked away by then
CONNECT_SECONDS = 5.0  # a part of it: what fails in here was certainly not sent
MAX_ANSWER_BYTES = 65_536
SERVER_ERRORS = 500


class Carried(TelegramError):  # noqa: N818 - it is no error of its own
    """One of our failures on its way through the library, which passes its own kind of error unchanged."""

    def __init__(self, failure: TelegramFailure) -> None:
        """Carry a failure."""
        super().__init__(str(failure))
        self.failure = failure


class TelegramRequest(BaseRequest):
    """Posts calls over a session that somebody else opens and closes. Redirects are not followed."""

    def __init__(self, session: aiohttp.ClientSession, answer_seconds: float = ANSWER_SECONDS) -> None:
        """Use a session; `answer_seconds` is the most that one call may take."""
        self._session = session
        self._answer_seconds = answer_seconds

    @property
    def read_timeout(self) -> float:
        """Return the seconds one call may take."""
        return self._answer_seconds

    async def initialize(self) -> None:
        """Do nothing: the session is open."""

    async def shutdown(self) -> None:
        """Do nothing: the session belongs to somebody else."""

    async def do_request(  # noqa: PLR0913, PLR0917 - the library's signature
        self,
        url: str,
        method: str,  # noqa: ARG002 - we only make calls, and calls are posts
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002 - one time-out for all of a call
        write_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002 - the same
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002 - the same
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002 - the same
    ) -> tuple[int, bytes]:
        """Make one call for the library.

        Raises:
            Carried: it did not go well.
        """
        try:
            body = await self.call(url, _form(request_data), self._answer_seconds, MAX_ANSWER_BYTES)
        except TelegramFailure as failure:
            raise Carried(failure) from failure
        return 200, body

    async def call(
        self, url: str, form: aiohttp.FormData | dict[str, str] | None, seconds: float, most_bytes: int
    ) -> bytes:
        """Make one call and return the body of an answer that is ok.

        Raises:
            NotSent: no connection came about.
            Refused: Telegram, or something before it, answered with a definite no.
            Unclear: anything else.
        """
        timeout = aiohttp.ClientTimeout(total=seconds, connect=min(CONNECT_SECONDS, seconds))
        try:
            async with self._session.post(url, data=form, allow_redirects=False, timeout=timeout) as response:
                body = await _read(response, most_bytes)
                status = response.status
        # The library's own errors may quote the URL, and the token is in it: they are left out of what is logged.
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotSent(f"no connection to Telegram ({type(error).__name__})") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unclear(f"no answer from Telegram ({type(error).__name__})") from None
        _judge(status, body)
        return body


def _form(request_data: RequestData | None) -> aiohttp.FormData | dict[str, str] | None:
    if request_data is None or not request_data.contains_files:
        return request_data.json_parameters if request_data is not None else None
    form = aiohttp.FormData()
    for name, value in request_data.json_parameters.items():
        form.add_field(name, value)
    for name, (filename, content, content_type) in request_data.multipart_data.items():
        form.add_field(name, content, filename=filename, content_type=content_type)
    return form


async def _read(response: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most_bytes:
            raise Unclear(f"Telegram's answer is longer than {most_bytes} bytes")
    return bytes(body)


def _judge(status: int, body: bytes) -> None:
    """Raise what an answer means, unless it is one that went well."""
    if status >= SERVER_ERRORS:
        raise Unclear(f"Telegram answered {status}")
    document = _document(body)
    if status == 200:  # noqa: PLR2004 - the one status of a call that went well
        if document is None or document.get("ok") is not True or "result" not in document:
            raise Unclear("Telegram's answer cannot be read")
        return
    if document is None or document.get("ok") is not False:
        raise Refused(status, "", by_telegram=False)
    parameters = document.get("parameters")
    known: dict[str, Any] = parameters if isinstance(parameters, dict) else {}
    raise Refused(
        status,
        str(document.get("description", "")),
        retry_after_seconds=_integer(known.get("retry_after")),
        moved_to=_integer(known.get("migrate_to_chat_id")),
    )


def _document(body: bytes) -> dict[str, Any] | None:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) else None
