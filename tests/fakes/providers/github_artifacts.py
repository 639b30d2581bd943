"""The fake GitHub's operations on artifacts, and the second host that their bytes lie on."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from domain.clock import Clock
from tests.fakes.providers.fault_middleware import Served, playing
from tests.fakes.providers.faults import Faults, Planned
from tests.fakes.providers.github_calls import NOT_FOUND, Call, Operation, Refused, Reply, number_in, paged
from tests.fakes.providers.github_run_documents import artifact_document
from tests.fakes.providers.github_runs import Stored

ADDRESS_LIFETIME = timedelta(seconds=60)  # "Look for Location: in the response header to find the URL, one minute"
READ = "actions=read"


@dataclass(frozen=True, slots=True)
class Fetched:
    """One request to the second host, and what it showed of whoever asked."""

    status: int
    authorization: str | None


class Downloads:
    """The store behind GitHub: an address is good for a minute, and credentials are refused there."""

    def __init__(self, clock: Clock) -> None:
        self.faults = Faults()
        self.fetched: list[Fetched] = []
        self._clock = clock
        self._granted: dict[str, tuple[datetime, Stored]] = {}
        app = web.Application(middlewares=[playing(self.faults, _busy)])
        app.router.add_get("/artifacts/{key}", self._fetch)
        self.served = Served(app)

    def grant(self, stored: Stored) -> str:
        """Return an address of the artifact's bytes."""
        key = secrets.token_hex(16)
        self._granted[key] = (self._clock.now() + ADDRESS_LIFETIME, stored)
        return f"{self.served.url}/artifacts/{key}?sig=made-up"

    async def _fetch(self, request: web.Request) -> web.Response:
        until, stored = self._granted.get(request.match_info["key"], (None, None))
        authorization = request.headers.get("Authorization")
        if authorization is not None:
            response = web.Response(status=400, text="<Code>InvalidAuthenticationInfo</Code>")
        elif until is None or stored is None or self._clock.now() >= until:
            response = web.Response(status=403, text="<Code>AuthenticationFailed</Code>")
        else:
            packed = stored.content.startswith(b"PK\x03\x04")
            kind = "application/zip" if packed else "application/octet-stream"
            response = web.Response(body=stored.content, content_type=kind)
        self.fetched.append(Fetched(response.status, authorization))
        return response


def _busy(planned: Planned) -> web.Response:
    return web.Response(status=503, text=f"<Code>ServerBusy</Code><!-- {planned.fault.name} -->")


def _list(call: Call) -> Reply:
    run = call.repository.actions.runs.get(number_in(call, "run_id"))
    if run is None:
        raise Refused(404, NOT_FOUND)
    found = call.repository.actions.uploaded(run)
    if "name" in call.query:
        found = [one for one in found if one.declared.name == call.query["name"]]
    if call.query.get("direction") == "asc":
        found.reverse()
    return paged(call, found, lambda one: _document(call, one), "artifacts")


def _document(call: Call, stored: Stored) -> dict[str, Any]:
    return artifact_document(call.repository.named, stored, call.now)


def _stored(call: Call) -> Stored:
    stored = call.repository.actions.artifact(number_in(call, "artifact_id"))
    if stored is None:
        raise Refused(404, NOT_FOUND)
    return stored


def _get(call: Call) -> Reply:
    return Reply(_document(call, _stored(call)))


def _download(call: Call) -> Reply:
    stored = _stored(call)
    if call.path["archive_format"] != "zip":
        raise Refused(404, NOT_FOUND)
    if stored.expired(call.now):
        raise Refused(410, "Artifact has expired")
    return Reply(None, 302, {"Location": call.world.downloads.grant(stored)})


_ARTIFACT = "/actions/artifacts/{artifact_id}"
OPERATIONS = (
    Operation("actions/list-workflow-run-artifacts", "GET", "/actions/runs/{run_id}/artifacts", READ, _list),
    Operation("actions/get-artifact", "GET", _ARTIFACT, READ, _get),
    Operation("actions/download-artifact", "GET", f"{_ARTIFACT}/{{archive_format}}", READ, _download),
)
