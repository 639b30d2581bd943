"""What every call of the fake GitHub passes: its headers, token, limits and permission, the description, the ETag."""

import hashlib
import itertools
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tests.fakes.providers.conformance import NotConformant, conformance_for
from tests.fakes.providers.github_calls import NOT_FOUND, Call, Operation, Refused, Reply
from tests.fakes.providers.github_repository import Repository, World
from tests.fakes.providers.github_tokens import Kind, Token

OLD_VERSION, NEW_VERSION = "2022-11-28", "2026-03-10"
DOCUMENTATION = "https://docs.github.com/rest"
CONTENT = frozenset({"issues/create-comment", "repos/create-commit-comment"})
RATE_LIMIT = "rate-limit/get"
NO_USER_AGENT = (
    "Request forbidden by administrative rules. Please make sure your request has a User-Agent header"
    " (https://docs.github.com/rest/overview/resources-in-the-rest-api#user-agent-required)."
)


class Gate:
    """Answers calls by an operation's handler; notes what the description does not know in `violations`.

    Of so many calls, `checked_one_in`, one is held against the description, question and answer; the first one is.
    """

    def __init__(self, world: World, checked_one_in: int) -> None:
        self.violations: list[NotConformant] = []
        self._world = world
        self._turns = itertools.cycle([True, *[False] * (checked_one_in - 1)])
        self._rules = {version: conformance_for("github", version=version) for version in (OLD_VERSION, NEW_VERSION)}

    async def answer(self, operation: Operation, request: web.Request) -> web.Response:
        """Answer one call."""
        token: Token | None = None
        checked = next(self._turns)
        version = request.headers.get("X-GitHub-Api-Version", OLD_VERSION)
        try:
            self._check_headers(request, version)
            body = await _read(request)
            if checked:
                self._check_request(operation, request, version, body)
            token = self._world.tokens.of(request.headers.get("Authorization"))
            if operation.id != RATE_LIMIT:
                self._world.tokens.admit(token, write=operation.writes, content=operation.id in CONTENT)
            place = self._place(operation, request, token)
            path, query, now = dict(request.match_info), dict(request.query), self._world.clock.now()
            rest = _below_repository(request.path)
            reply = operation.answer(Call(self._world, place, token, version, path, query, body, rest, now))
        except Refused as refused:
            reply = refusal(refused)
        if checked:
            self._check_answer(operation, version, reply)
        return self._finish(operation, request, token, reply)

    async def mint(self, request: web.Request) -> web.Response:
        """Answer an app that asks for an installation's token; the description in use has no such operation."""
        try:
            self._check_headers(request, request.headers.get("X-GitHub-Api-Version", OLD_VERSION))
            installation = int(request.match_info["installation_id"])
            authorization = request.headers.get("Authorization", "")
            minted = self._world.tokens.mint(installation, authorization, await _read(request) or {})
            reply = Reply(minted, 201)
        except Refused as refused:
            reply = refusal(refused)
        return web.json_response(reply.body, status=reply.status)

    def unknown(self, request: web.Request) -> web.Response:
        """Answer a call of something that is not among the operations in use."""
        self.violations.append(NotConformant(f"{request.method} {request.path}: no such operation is described"))
        reply = refusal(Refused(404, NOT_FOUND))
        return web.json_response(reply.body, status=404)

    def _check_headers(self, request: web.Request, version: str) -> None:
        if not request.headers.get("User-Agent"):
            raise Refused(403, NO_USER_AGENT)
        supported = [OLD_VERSION] if self._world.old_server else [NEW_VERSION, OLD_VERSION]
        if version not in supported:
            named = ", ".join(f'"{one}"' for one in supported)
            message = f'The version you specified in the "X-GitHub-API-Version" request header, "{version}", is not a supported version. The following versions are currently supported: {named}'
            raise Refused(400, message)

    def _place(self, operation: Operation, request: web.Request, token: Token) -> Repository | None:
        """Find the repository, and refuse whoever may not do this there."""
        path = dict(request.match_info)
        if "owner" not in path and "repository_id" not in path:
            return None
        repository = self._world.named(path)
        if repository is None or (repository.private and not token.sees(repository.full_name)):
            raise Refused(404, NOT_FOUND)
        open_to_all = not repository.private and not operation.writes and "administration" not in operation.permissions
        if open_to_all or token.may(operation.permissions):
            return repository
        if token.kind is Kind.ANONYMOUS:
            raise Refused(401, "Requires authentication")
        if token.kind is Kind.CLASSIC:
            raise Refused(404, NOT_FOUND)
        raise Refused(403, f"Resource not accessible by {token.kind.value}")

    def _check_request(self, operation: Operation, request: web.Request, version: str, body: Any) -> None:
        path = dict(request.match_info)
        if "repository_id" in path and (repository := self._world.named(path)) is not None:
            del path["repository_id"]
            path |= {"owner": repository.owner, "repo": repository.name}
        fields = {**path, **request.query, **({} if body is None else {"body": body})}
        if operation.described:
            self._note(lambda: self._rules[version].request(operation.id, fields))

    def _check_answer(self, operation: Operation, version: str, reply: Reply) -> None:
        rules = self._rules.get(version)
        if operation.described and rules is not None:
            self._note(lambda: rules.answer(operation.id, {"status": reply.status, "body": reply.body}))

    def _note(self, check: Any) -> None:
        try:
            check()
        except NotConformant as violation:
            self.violations.append(violation)

    def _finish(self, operation: Operation, request: web.Request, token: Token | None, reply: Reply) -> web.Response:
        """Write an answer with the headers that all have; what has not changed is answered by 304 and costs nothing."""
        headers = {**reply.headers, "X-GitHub-Request-Id": "0000:made-up"}
        text = "" if reply.body is None else json.dumps(reply.body)
        known = False
        if token is not None and operation.method == "GET" and reply.status == 200:
            signed = f"{token.text} {request.path_qs} {text}"
            headers["ETag"] = f'W/"{hashlib.sha256(signed.encode()).hexdigest()}"'
            known = headers["ETag"] in request.headers.get("If-None-Match", "")
        if token is not None:
            free = operation.id == RATE_LIMIT or (known and token.kind is not Kind.ANONYMOUS)
            headers |= self._limit_headers(token, free=free or reply.status == 401)
            if token.kind in (Kind.FINE_GRAINED, Kind.INSTALLATION):
                headers["X-Accepted-GitHub-Permissions"] = operation.permissions
            elif token.kind is Kind.CLASSIC:
                headers["X-OAuth-Scopes"] = ", ".join(token.scopes)
        if known:
            return web.Response(status=304, headers=headers)
        kind = "application/json" if reply.body is not None else None
        return web.Response(status=reply.status, text=text, headers=headers, content_type=kind)

    def _limit_headers(self, token: Token, *, free: bool) -> Mapping[str, str]:
        tokens = self._world.tokens
        if not free and tokens.figures(token)["remaining"] > 0:
            tokens.count(token)
        figures = {name: str(value) for name, value in tokens.figures(token).items()}
        return {f"x-ratelimit-{name}": value for name, value in figures.items()} | {"x-ratelimit-resource": "core"}


def refusal(refused: Refused) -> Reply:
    """Write a refusal as GitHub does."""
    body = {"message": str(refused), "documentation_url": DOCUMENTATION, "status": str(refused.status)}
    return Reply(body, refused.status, refused.headers)


def _below_repository(path: str) -> str:
    """Cut `/repos/{owner}/{repo}` or `/repositories/{id}` off a path."""
    parts = path.split("/")
    return "/" + "/".join(parts[4:] if parts[1] == "repos" else parts[3:])


async def _read(request: web.Request) -> Any:
    """Read the JSON of a request; none is None."""
    text = await request.text()
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        raise Refused(400, "Problems parsing JSON") from error
