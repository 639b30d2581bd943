"""Downloading what a run left behind: the right artifact of the right run, fetched without credentials, bounded and checked."""

import asyncio
import hashlib
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

import aiohttp
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from forge.github_archive import ArchiveBounds, is_plain, unpack
from forge.github_client import USER_AGENT, GitHubClient, Variables
from forge.github_errors import GitHubRefused
from forge.github_pages import PER_PAGE, items
from forge.github_settings import LOOPBACK_HOSTS, READ_ACTIONS
from forge.port import Refused, Unreachable
from forge.results import SourceRun, Wanted

DOWNLOAD_SECONDS = 60.0  # GitHub's address for it is good for a minute
_CHUNK_BYTES = 65_536


class _Origin(BaseModel):
    """The run that GitHub says an artifact is from."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: int | None = None
    repository_id: int | None = None
    head_repository_id: int | None = None
    head_sha: str | None = None


class Artifact(BaseModel):
    """An artifact as GitHub lists it; `digest` is there for those of upload-artifact 4 and newer."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: int = Field(gt=0)
    name: str
    size_in_bytes: int = Field(ge=0)
    expired: bool
    created_at: AwareDatetime
    digest: str | None = None
    workflow_run: _Origin | None = None


async def artifacts_of(client: GitHubClient, run: SourceRun, wanted: Wanted) -> tuple[Artifact, ...]:
    """Return, by name, the newest wanted artifacts that were made since the run's attempt began; there may be none.

    Raises:
        Refused: `artifact_expired`, `artifact_mismatch`, `unreadable_artifact`: one of them must not be used.
    """
    path = "/repos/{+repository}/actions/runs/{id}/artifacts{?per_page}"
    variables: Variables = {"repository": run.repository, "id": run.id, "per_page": PER_PAGE}
    listed = items(client, path, variables, READ_ACTIONS, "artifacts")
    named = _read([one async for one in listed if isinstance(one.get("name"), str) and wanted(one["name"])])
    newest: dict[str, Artifact] = {}
    for artifact in sorted(named, key=lambda one: (one.created_at, one.id)):
        if artifact.created_at >= run.started_at:  # those of earlier attempts stay in the list
            newest[artifact.name] = artifact
    for artifact in newest.values():
        _check(artifact, run)
    return tuple(newest[name] for name in sorted(newest))


async def fetch(client: GitHubClient, run: SourceRun, artifact: Artifact, bounds: ArchiveBounds) -> dict[str, bytes]:
    """Return the files of a run's artifact by their paths; nothing is written to disk.

    Its bytes are not to be trusted: whoever may open a pull request may have written them (GitHub facts, 1.3).

    Raises:
        Refused: `artifact_expired`, `artifact_mismatch`, `artifact_too_large`, `unreadable_artifact`,
            `ambiguous_artifact`, or as `GitHubClient.read`.
        Unreachable: it cannot be had now.
    """
    if artifact.size_in_bytes > bounds.download_bytes:
        sentence = f"{artifact.name} has {artifact.size_in_bytes} bytes, the limit is {bounds.download_bytes}"
        raise Refused("artifact_too_large", sentence)
    variables: Variables = {"repository": run.repository, "id": artifact.id}
    path = "/repos/{+repository}/actions/artifacts/{id}/zip"
    try:
        address = await client.redirection(path, variables, READ_ACTIONS)
    except GitHubRefused as error:
        if error.status == HTTPStatus.GONE:
            raise _expired(artifact, run) from None
        raise
    _check_address(address, loopback_allowed=client.settings.on_loopback)
    content = await _download(client.session, address, bounds.download_bytes)
    if artifact.digest is not None and artifact.digest != f"sha256:{hashlib.sha256(content).hexdigest()}":
        raise Refused("artifact_mismatch", f"the bytes of {artifact.name} are not those that were uploaded")
    return await asyncio.to_thread(unpack, content, artifact.name, bounds)


def _check(artifact: Artifact, run: SourceRun) -> None:
    """Let an artifact through that claims to be of this run and of the repository's own code, and is still there."""
    if "/" in artifact.name or not is_plain(artifact.name):  # it becomes the first part of its files' names
        raise Refused("unreadable_artifact", f"run {run.id} has an artifact whose name is not a plain one")
    origin = artifact.workflow_run or _Origin()
    if (origin.id, origin.head_sha) != (run.id, run.head_sha):
        raise Refused("artifact_mismatch", f"{artifact.name} says that it is of another run or commit")
    if origin.repository_id is None or origin.head_repository_id != origin.repository_id:
        raise Refused("artifact_mismatch", f"{artifact.name} was made by code from another repository")
    if artifact.expired:
        raise _expired(artifact, run)


def _read(documents: Sequence[object]) -> list[Artifact]:
    try:
        return [Artifact.model_validate(one) for one in documents]
    except ValidationError as error:
        raise Unreachable(f"GitHub's list of artifacts cannot be read ({error.error_count()} fields)") from None


def _expired(artifact: Artifact, run: SourceRun) -> Refused:
    return Refused("artifact_expired", f"{artifact.name} of run {run.id} has expired or was deleted")


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
