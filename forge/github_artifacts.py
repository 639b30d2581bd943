"""Downloading what a run left behind: the right artifact of the right run, fetched without credentials, bounded and checked."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlsplit

import aiohttp
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from forge.github_archive import ArchiveBounds, unpack
from forge.github_client import USER_AGENT, GitHubClient, Variables
from forge.github_errors import GitHubRefused
from forge.github_pages import PER_PAGE, items
from forge.github_settings import LOOPBACK_HOSTS, READ_ACTIONS
from forge.port import Refused, Unreachable

DOWNLOAD_SECONDS = 60.0  # GitHub's address for it is good for a minute
_CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class ArtifactSought:
    """Which artifact: its exact name, and the run it must belong to; `not_before` is when the run's last attempt began."""

    repository: str
    run_id: int
    head_sha: str
    name: str
    not_before: datetime | None = None


class _Origin(BaseModel):
    """The run that GitHub says an artifact is from."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: int | None = None
    repository_id: int | None = None
    head_repository_id: int | None = None
    head_sha: str | None = None


class _Artifact(BaseModel):
    """An artifact as GitHub lists it; `digest` is there for those of upload-artifact 4 and newer."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: int
    name: str
    size_in_bytes: int
    expired: bool
    created_at: AwareDatetime
    digest: str | None = None
    workflow_run: _Origin | None = None


async def fetch(client: GitHubClient, sought: ArtifactSought, bounds: ArchiveBounds) -> dict[str, bytes]:
    """Return the files of a run's artifact by their paths; nothing is written to disk.

    Its bytes are not to be trusted: whoever may open a pull request may have written them (GitHub facts, 1.3).

    Raises:
        Refused: `no_artifact`, `artifact_expired`, `artifact_mismatch`, `artifact_too_large`, `unreadable_artifact`,
            `ambiguous_artifact`, or as `GitHubClient.read`.
        Unreachable: it cannot be had now.
    """
    artifact = await _choose(client, sought, bounds)
    variables: Variables = {"repository": sought.repository, "id": artifact.id}
    path = "/repos/{+repository}/actions/artifacts/{id}/zip"
    try:
        address = await client.redirection(path, variables, READ_ACTIONS)
    except GitHubRefused as error:
        if error.status == HTTPStatus.GONE:
            raise _expired(sought) from None
        raise
    _check_address(address, loopback_allowed=client.settings.on_loopback)
    content = await _download(client.session, address, bounds.download_bytes)
    if artifact.digest is not None and artifact.digest != f"sha256:{hashlib.sha256(content).hexdigest()}":
        raise Refused("artifact_mismatch", f"the bytes of {sought.name} are not those that were uploaded")
    return await asyncio.to_thread(unpack, content, sought.name, bounds)


async def _choose(client: GitHubClient, sought: ArtifactSought, bounds: ArchiveBounds) -> _Artifact:
    """Return the newest artifact of that name which claims to be of that run, and may be fetched."""
    path = "/repos/{+repository}/actions/runs/{id}/artifacts{?name,per_page}"
    variables: Variables = {"repository": sought.repository, "id": sought.run_id, "name": sought.name}
    listed = items(client, path, {**variables, "per_page": PER_PAGE}, READ_ACTIONS, "artifacts")
    named = _read([one async for one in listed if one.get("name") == sought.name])
    recent = [one for one in named if sought.not_before is None or one.created_at >= sought.not_before]
    artifact = max(recent, key=lambda one: one.created_at, default=None)
    if artifact is None:
        raise Refused("no_artifact", f"run {sought.run_id} has no artifact {sought.name} of this attempt")
    origin = artifact.workflow_run or _Origin()
    if (origin.id, origin.head_sha) != (sought.run_id, sought.head_sha):
        raise Refused("artifact_mismatch", f"{sought.name} says that it is of another run or commit")
    if origin.repository_id is None or origin.head_repository_id != origin.repository_id:
        raise Refused("artifact_mismatch", f"{sought.name} was made by code from another repository")
    if artifact.expired:
        raise _expired(sought)
    if artifact.size_in_bytes > bounds.download_bytes:
        raise Refused(
            "artifact_too_large",
            f"{sought.name} has {artifact.size_in_bytes} bytes, the limit is {bounds.download_bytes}",
        )
    return artifact


def _read(documents: Sequence[object]) -> list[_Artifact]:
    try:
        return [_Artifact.model_validate(one) for one in documents]
    except ValidationError as error:
        raise Unreachable(f"GitHub's list of artifacts cannot be read ({error.error_count()} fields)") from None


def _expired(sought: ArtifactSought) -> Refused:
    return Refused("artifact_expired", f"{sought.name} of run {sought.run_id} has expired or was deleted")


def _check_address(address: str, *, loopback_allowed: bool) -> None:
    """Let nothing but https through; plain http only where GitHub itself is a program on this machine."""
    parts = urlsplit(address)
    loopback = loopback_allowed and parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS
    if not loopback and (parts.scheme != "https" or not parts.hostname):
        raise Unreachable("GitHub sends us for the artifact to an address that is not https")


async def _download(session: aiohttp.ClientSession, address: str, max_bytes: int) -> bytes:
    """Fetch without our credential; the address holds its own, so no error quotes it."""
    body = bytearray()
    try:
        async with session.get(
            address,
            headers={"User-Agent": USER_AGENT},
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=DOWNLOAD_SECONDS),
        ) as response:
            if response.status != HTTPStatus.OK:
                raise Unreachable(f"the artifact's storage answers {response.status}")
            async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
                body += chunk
                if len(body) > max_bytes:
                    raise Refused("artifact_too_large", f"the artifact has more than {max_bytes} bytes")
    except (aiohttp.ClientError, TimeoutError, ConnectionError, ValueError) as error:
        raise Unreachable(f"the artifact could not be fetched ({type(error).__name__})") from None
    return bytes(body)
