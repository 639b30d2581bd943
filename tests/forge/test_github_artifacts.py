"""Artifacts of a run: the right one, fetched without our token, checked against its digest, and nobody else's."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from forge.github_archive import ArchiveBounds
from forge.github_artifacts import ArtifactSought, fetch
from forge.port import ForgeError, Refused, Unreachable
from tests.fakes.github_rig import GitHubRig, answering, github_rig, order
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.github import HOME
from tests.fakes.providers.github_runs import Artifact, zipped

BOUNDS = ArchiveBounds()
FILES = {"backlog.json": b'{"items": []}'}


async def ended_run(rig: GitHubRig, *artifacts: Artifact) -> ArtifactSought:
    """Run ci.yml to its end with these artifacts, and return what to look for."""
    rig.github.home.actions.workflows["ci.yml"].artifacts = artifacts
    job = await rig.forge.dispatch(order())
    rig.clock.advance(60)
    sha = rig.github.effects.dispatches[-1].head_sha
    return ArtifactSought(HOME, int(job.external_id), sha, "backlog")


@pytest.mark.parametrize(
    ("content", "files"), [(zipped(FILES), FILES), (b'{"raw": 1}', {"backlog": b'{"raw": 1}'}), (b"", {"backlog": b""})]
)
async def test_an_artifact_is_fetched_without_our_token(content: bytes, files: Mapping[str, bytes]) -> None:
    async with github_rig() as rig:
        wanted = await ended_run(rig, Artifact("other", b"x"), Artifact("backlog", content))
        assert await fetch(rig.client, wanted, BOUNDS) == files
        assert [(one.status, one.authorization) for one in rig.github.downloads.fetched] == [(200, None)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"workflow_run": {"id": 7}}, "artifact_mismatch"),
        ({"workflow_run": {"head_sha": "f" * 40}}, "artifact_mismatch"),
        ({"workflow_run": {"head_repository_id": 7}}, "artifact_mismatch"),
        ({"workflow_run": None}, "artifact_mismatch"),
        ({"digest": "sha256:" + "0" * 64}, "artifact_mismatch"),
        ({"size_in_bytes": BOUNDS.download_bytes + 1}, "artifact_too_large"),
        ({"expired": True}, "artifact_expired"),
    ],
)
async def test_an_artifact_that_claims_something_else_is_refused(change: dict[str, Any], reason: str) -> None:
    async with github_rig() as rig:
        wanted = await ended_run(rig, Artifact("backlog", zipped(FILES)))
        (stored,) = rig.github.home.actions.artifacts.values()
        origin = change.get("workflow_run")
        if origin is not None:
            real = {"id": wanted.run_id, "head_sha": wanted.head_sha, "repository_id": 1, "head_repository_id": 1}
            change = {"workflow_run": {**real, "head_branch": "main", **origin}}
        stored.declared = replace(stored.declared, change=change)
        with pytest.raises(Refused) as refused:
            await fetch(rig.client, wanted, BOUNDS)
        assert refused.value.reason == reason


async def test_an_artifact_without_a_digest_is_taken_as_it_is() -> None:
    async with github_rig() as rig:
        wanted = await ended_run(rig, Artifact("backlog", zipped(FILES), change={"digest": None}))
        assert await fetch(rig.client, wanted, BOUNDS) == FILES


async def test_of_several_the_newest_of_this_attempt_counts() -> None:
    async with github_rig() as rig:
        wanted = await ended_run(rig, Artifact("backlog", b"1"))
        actions = rig.github.home.actions
        run = actions.runs[wanted.run_id]
        actions.workflows["ci.yml"].artifacts = [Artifact("backlog", b"2")]
        actions.rerun(run, "bea")
        second = rig.clock.now()
        with pytest.raises(Refused, match="no artifact backlog of this attempt"):
            await fetch(rig.client, replace(wanted, not_before=second), BOUNDS)
        rig.clock.advance(60)
        assert await fetch(rig.client, wanted, BOUNDS) == {"backlog": b"2"}
        later = replace(wanted, not_before=second + timedelta(minutes=5))
        with pytest.raises(Refused, match="no artifact"):
            await fetch(rig.client, later, BOUNDS)


async def test_one_that_is_gone_has_expired_and_one_that_never_was_is_none() -> None:
    async with github_rig() as rig:
        wanted = await ended_run(rig, Artifact("backlog", b"1", change={"expired": False}))
        (stored,) = rig.github.home.actions.artifacts.values()
        stored.lost = True
        with pytest.raises(Refused) as gone:
            await fetch(rig.client, wanted, BOUNDS)
        with pytest.raises(Refused) as none:
            await fetch(rig.client, replace(wanted, name="other"), BOUNDS)
        assert (gone.value.reason, none.value.reason) == ("artifact_expired", "no_artifact")


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.RESET, Fault.ACCEPT_THEN_DROP, Fault.TOO_MANY])
async def test_a_store_that_fails_is_unreachable_and_its_address_not_quoted(fault: Fault) -> None:
    async with github_rig() as rig:
        wanted = await ended_run(rig, Artifact("backlog", zipped(FILES)))
        rig.github.downloads.faults.add(fault, times=2)  # aiohttp asks a second time by itself
        with pytest.raises(Unreachable) as failed:
            await fetch(rig.client, wanted, BOUNDS)
        assert "sig=" not in repr(failed.value)


async def test_more_bytes_than_were_declared_are_not_read_on() -> None:
    async with github_rig() as rig:
        wanted = await ended_run(rig, Artifact("backlog", b"x" * 5000, change={"size_in_bytes": 10}))
        with pytest.raises(Refused, match="more than 1000 bytes"):
            await fetch(rig.client, wanted, ArchiveBounds(download_bytes=1000))


@pytest.mark.parametrize("address", ["http://evil.example/x", "file:///etc/passwd", "https:///x", "ftp://127.0.0.1/x"])
async def test_an_address_that_is_not_https_is_not_fetched(address: str) -> None:
    origin = {"id": 7, "head_sha": "a" * 40, "repository_id": 1, "head_repository_id": 1}
    artifact = {"id": 1, "name": "backlog", "size_in_bytes": 1, "expired": False, "created_at": "2026-11-22T14:00:00Z"}

    async def handle(request: web.Request) -> web.Response:
        if request.path.endswith("/zip"):
            return web.Response(status=302, headers={"Location": address})
        return web.json_response({"artifacts": [{**artifact, "workflow_run": origin}]})

    async with answering(handle) as client:
        with pytest.raises(Unreachable, match="not https"):
            await fetch(client, ArtifactSought(HOME, 7, "a" * 40, "backlog"), BOUNDS)


async def test_a_store_that_sends_us_on_is_not_followed() -> None:
    origin = {"id": 7, "head_sha": "a" * 40, "repository_id": 1, "head_repository_id": 1}
    artifact = {"id": 1, "name": "backlog", "size_in_bytes": 1, "expired": False, "created_at": "2026-11-22T14:00:00Z"}

    async def handle(request: web.Request) -> web.Response:
        here = str(request.url.origin())
        onward = {"/store": f"{here}/elsewhere"}.get(request.path) or (
            request.path.endswith("/zip") and f"{here}/store"
        )
        if onward:
            return web.Response(status=302, headers={"Location": onward})
        return web.json_response({"artifacts": [{**artifact, "workflow_run": origin}]})

    async with answering(handle) as client:
        with pytest.raises(Unreachable, match="answers 302"):
            await fetch(client, ArtifactSought(HOME, 7, "a" * 40, "backlog"), BOUNDS)


@pytest.mark.parametrize("listed", [[{"name": "backlog"}], [{"name": "backlog", "id": "x"}]])
async def test_a_list_that_cannot_be_read_is_no_artifact_and_no_crash(listed: list[object]) -> None:
    async def handle(_request: web.Request) -> web.Response:
        return web.json_response({"artifacts": listed})

    async with answering(handle) as client:
        with pytest.raises(ForgeError, match="cannot be read"):
            await fetch(client, ArtifactSought(HOME, 7, "a" * 40, "backlog"), BOUNDS)
