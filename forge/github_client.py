"""GitHub's REST API over gidgethub: its version, both rate limits, conditional requests, bounds, and failures of the port."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from gidgethub import sansio
from gidgethub.aiohttp import GitHubAPI

from domain.clock import Clock
from domain.ids import fingerprint
from forge.github_cache import AnswerCache, Kept
from forge.github_errors import MOVED, GitHubRefused, message_of, refusal, unanswered
from forge.github_limits import RateLimits
from forge.github_settings import GitHubSettings, Permissions
from forge.github_tokens import token_source
from forge.port import Refused, Unreachable

VERSION, OLDER_VERSION = "2026-03-10", "2022-11-28"  # the older one is what servers of one's own may know
USER_AGENT = "Reins"  # GitHub refuses calls without one
ACCEPT = "application/vnd.github+json"
CALL_SECONDS = 8.0  # GitHub answers within two; a token, a dispatch and a change of version fit into the relay's 25
CONNECT_SECONDS = 5.0  # part of the above: until then nothing was sent
MAX_ANSWER_BYTES = 4 * 1024 * 1024  # a page of 100 runs has about 2 MB
_GOOD = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT)
_JSON = "application/json; charset=utf-8"
Variables = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came back; `headers` are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class GitHubClient(GitHubAPI):
    """One identity at one GitHub. Paths are URI templates such as `/repos/{+repository}/actions/runs`.

    Every method raises `GitHubRefused` for a definite no, `Unreachable` where nothing happened (also while a rate limit
    lasts, then with the seconds), and for writing `Unclear` where it may have happened. No error holds a token.
    """

    def __init__(self, session: aiohttp.ClientSession, settings: GitHubSettings, clock: Clock) -> None:
        """Use this session; nothing is asked yet."""
        super().__init__(session, USER_AGENT, base_url=settings.api_base)
        self.settings = settings
        self.session = session
        self._tokens = token_source(settings, clock)
        self._limits = RateLimits(clock)
        self._answers = AnswerCache()
        self._version = VERSION

    async def read(self, path: str, variables: Variables, need: Permissions) -> Any:
        """Return a JSON document."""
        return (await self.read_page(path, variables, need))[0]

    async def read_page(self, path: str, variables: Variables, need: Permissions) -> tuple[Any, str | None]:
        """Return a JSON document and the address of the next page, None on the last one."""
        return await self._call("GET", path, variables, b"", need)

    async def write(self, path: str, variables: Variables, document: Any, need: Permissions) -> Any:
        """Post a JSON document, or nothing for `b""`, and return the one that is answered; None for an empty answer."""
        return (await self._call("POST", path, variables, document, need))[0]

    async def change(self, path: str, variables: Variables, document: Any, need: Permissions) -> Any:
        """Patch something with a JSON document and return what it is now."""
        return (await self._call("PATCH", path, variables, document, need))[0]

    async def redirection(self, path: str, variables: Variables, need: Permissions) -> str:
        """Return where GitHub sends us for something it serves from elsewhere; the address holds a credential."""
        token = await self._tokens.token(need, self._mint)
        headers = sansio.create_headers(self.requester, accept=ACCEPT, oauth_token=token)
        answer = await self._ask("GET", sansio.format_url(path, variables, base_url=self.base_url), headers, b"")
        location = answer.headers.get("Location")
        if answer.status == HTTPStatus.FOUND and location:
            return location
        raise _failure("GET", answer)

    async def _call(
        self, method: str, path: str, variables: Variables, document: Any, need: Permissions
    ) -> tuple[Any, str | None]:
        token = await self._tokens.token(need, self._mint)
        with _reading(method):
            data, more, _ = await self._make_request(method, path, variables, document, ACCEPT, oauth_token=token)
        return data, more

    async def _mint(self, signed: str, permissions: Permissions) -> object:
        """Ask for an installation token with these permissions, as the App."""
        assert self.settings.app is not None, "only an App mints tokens"
        path, variables = "/app/installations/{id}/access_tokens", {"id": self.settings.app.installation_id}
        wanted = {"permissions": dict(permissions)}
        try:
            with _reading("POST"):
                data: object = (await self._make_request("POST", path, variables, wanted, ACCEPT, jwt=signed))[0]
        except GitHubRefused as error:  # it says nothing of what was to be asked for with the token
            raise Refused("app_refused", f"the GitHub App gets no token: {error}") from None
        return data

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Ask once and hand on what gidgethub has to read: a good answer, whose headers were looked at before."""
        identity = fingerprint(headers.get("authorization", ""))
        kept = self._answers.get(identity, url) if method == "GET" else None
        answer = await self._ask(method, url, {**headers, "if-none-match": kept.etag} if kept else headers, body)
        if kept is not None and answer.status == HTTPStatus.NOT_MODIFIED:
            return HTTPStatus.OK, _readable(kept.link), kept.body
        if answer.status not in _GOOD:
            raise _failure(method, answer)
        if answer.body and "json" not in answer.headers.get("Content-Type", ""):
            raise unanswered(method, "something else answers in its place")
        link, etag = answer.headers.get("Link"), answer.headers.get("ETag")
        if method == "GET" and etag is not None:
            self._answers.put(identity, url, Kept(etag, link, answer.body))
        return answer.status, _readable(link), answer.body

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> _Answer:
        """Send one call, in the older version of the API where the server does not know the one we want."""
        if urlsplit(url)[:2] != urlsplit(self.base_url)[:2]:
            raise unanswered(method, "it points to another server, which must not see our token")
        self._limits.check()
        answer = await self._exchange(method, url, headers, body)
        if self._version != OLDER_VERSION and _knows_no_such_version(answer):
            self._version = OLDER_VERSION
            answer = await self._exchange(method, url, headers, body)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self._tokens.forget(_credential(headers))
        self._limits.note(answer.status, answer.headers, _said(answer))
        return answer

    async def _exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> _Answer:
        timeout = aiohttp.ClientTimeout(total=CALL_SECONDS, connect=CONNECT_SECONDS)
        versioned = {**headers, "x-github-api-version": self._version}
        if "authorization" in headers:  # gidgethub's scheme is an older one
            versioned["authorization"] = "Bearer " + _credential(headers)
        try:
            async with self.session.request(
                method, url, headers=versioned, data=body, allow_redirects=False, timeout=timeout
            ) as response:
                content = await _read_capped(method, response)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Unreachable(f"GitHub cannot be reached ({type(error).__name__})") from None
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise unanswered(method, type(error).__name__) from None
        return _Answer(response.status, response.headers, content)


def _credential(headers: Mapping[str, str]) -> str:
    return headers.get("authorization", "").partition(" ")[2]


@contextmanager
def _reading(method: str) -> Iterator[None]:
    """Turn what gidgethub raises for a body that it cannot read into a failure of the port."""
    try:
        yield
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        raise unanswered(method, "its body is no JSON") from None


async def _read_capped(method: str, response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise unanswered(method, f"it has more than {MAX_ANSWER_BYTES} bytes")
    return bytes(body)


def _readable(link: str | None) -> dict[str, str]:
    """Return the headers that gidgethub needs: it would stumble over odd values in the others."""
    return {"content-type": _JSON, **({"link": link} if link is not None else {})}


def _failure(method: str, answer: _Answer) -> Exception:
    if answer.status in MOVED or HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return refusal(answer.status, answer.headers, _said(answer))
    return unanswered(method, f"it answers {answer.status}")


def _said(answer: _Answer) -> str:
    """Return what an error says; its body may be anything."""
    if answer.status < HTTPStatus.BAD_REQUEST:
        return ""
    try:
        return message_of(json.loads(answer.body))
    except (ValueError, RecursionError):
        return ""


def _knows_no_such_version(answer: _Answer) -> bool:
    """Recognise the 400 that quotes the header by its name; some servers send it as plain text."""
    return answer.status == HTTPStatus.BAD_REQUEST and b"x-github-api-version" in answer.body.lower()
