"""Artifacts of a run: the right one, fetched without our token, checked against its digest, and nobody else's."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from forge.github_archive import ArchiveBounds
from forge.github_artifacts import artifacts_of, fetch
from forge.github_client import GitHubClient
from forge.port import ForgeError, Refused, Unreachable
from forge.results import SourceRun
from tests.fakes.github_reading import github_reading
from tests.fakes.github_rig import answering
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.github import HOME
from tests.fakes.providers.github_runs import Artifact, zipped
from tests.fakes.virtual_time import START

BOUNDS = ArchiveBounds()
FILES = {"backlog.json": b'{"items": []}'}


RUN = SourceRun(
    id=7,
    attempt=1,
    workflow="ci.yml",
    repository=HOME,
    branch="main",
    head_sha="a" * 40,
    event="push",
    completed=True,
    conclusion="success",
    url="https://github.com/acme/app/actions/runs/7",
    started_at=START,
    updated_at=START + timedelta(minutes=1),
)
ORIGIN = {"id": 7, "head_sha": "a" * 40, "repository_id": 1, "head_repository_id": 1}
LISTED = {"id": 1, "name": "backlog", "size_in_bytes": 1, "expired": False, "created_at": "2026-11-22T14:00:00Z"}


async def fetched(client: GitHubClient, run: SourceRun, bounds: ArchiveBounds = BOUNDS) -> dict[str, bytes] | None:
    """Return the files of the run's artifact `backlog`, None where it has none."""
    chosen = await artifacts_of(client, run, "backlog".__eq__)
    return await fetch(client, run, chosen[0], bounds) if chosen else None


@pytest.mark.parametrize(
    ("content", "files"), [(zipped(FILES), FILES), (b'{"raw": 1}', {"backlog": b'{"raw": 1}'}), (b"", {"backlog": b""})]
)
async def test_an_artifact_is_fetched_without_our_token(content: bytes, files: Mapping[str, bytes]) -> None:
    async with github_reading() as rig:
        run = await rig.ended_run(Artifact("other", b"x"), Artifact("backlog", content))
        assert await fetched(rig.client, run) == files
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
    async with github_reading() as rig:
        run = await rig.ended_run(Artifact("backlog", zipped(FILES)))
        (stored,) = rig.github.home.actions.artifacts.values()
        origin = change.get("workflow_run")
        if origin is not None:
            real = {"id": run.id, "head_sha": run.head_sha, "repository_id": 1, "head_repository_id": 1}
            change = {"workflow_run": {**real, "head_branch": "main", **origin}}
        stored.declared = replace(stored.declared, change=change)
        with pytest.raises(Refused) as refused:
            await fetched(rig.client, run)
        assert refused.value.reason == reason


async def test_an_artifact_without_a_digest_is_taken_as_it_is() -> None:
    async with github_reading() as rig:
        run = await rig.ended_run(Artifact("backlog", zipped(FILES), change={"digest": None}))
        assert await fetched(rig.client, run) == FILES


async def test_of_several_the_newest_of_this_attempt_counts() -> None:
    async with github_reading() as rig:
        run = await rig.ended_run(Artifact("backlog", b"1"))
        actions = rig.github.home.actions
        actions.workflows["ci.yml"].artifacts = [Artifact("backlog", b"2")]
        actions.rerun(actions.runs[run.id], "bea")
        second = rig.clock.now()
        assert await fetched(rig.client, replace(run, started_at=second)) is None
        rig.clock.advance(60)
        assert await fetched(rig.client, run) == {"backlog": b"2"}
        assert await fetched(rig.client, replace(run, started_at=second)) == {"backlog": b"2"}
        assert await fetched(rig.client, replace(run, started_at=second + timedelta(minutes=5))) is None


async def test_of_two_made_in_the_same_second_the_later_one_counts() -> None:
    async with github_reading() as rig:
        run = await rig.ended_run(Artifact("backlog", b"1"), Artifact("backlog", b"2"))
        assert await fetched(rig.client, run) == {"backlog": b"2"}


async def test_one_that_is_gone_has_expired() -> None:
    async with github_reading() as rig:
        run = await rig.ended_run(Artifact("backlog", b"1", change={"expired": False}))
        (stored,) = rig.github.home.actions.artifacts.values()
        stored.lost = True
        with pytest.raises(Refused) as gone:
            await fetched(rig.client, run)
        assert gone.value.reason == "artifact_expired"


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.RESET, Fault.ACCEPT_THEN_DROP, Fault.TOO_MANY])
async def test_a_store_that_fails_is_unreachable_and_its_address_not_quoted(fault: Fault) -> None:
    async with github_reading() as rig:
        run = await rig.ended_run(Artifact("backlog", zipped(FILES)))
        rig.github.downloads.faults.add(fault, times=2)  # aiohttp asks a second time by itself
        with pytest.raises(Unreachable) as failed:
            await fetched(rig.client, run)
        assert "sig=" not in repr(failed.value)


async def test_more_bytes_than_were_declared_are_not_read_on() -> None:
    async with github_reading() as rig:
        run = await rig.ended_run(Artifact("backlog", b"x" * 5000, change={"size_in_bytes": 10}))
        with pytest.raises(Refused, match="more than 1000 bytes"):
            await fetched(rig.client, run, ArchiveBounds(download_bytes=1000))


@pytest.mark.parametrize("address", ["http://evil.example/x", "file:///etc/passwd", "https:///x", "ftp://127.0.0.1/x"])
async def test_an_address_that_is_not_https_is_not_fetched(address: str) -> None:
    async def handle(request: web.Request) -> web.Response:
        if request.path.endswith("/zip"):
            return web.Response(status=302, headers={"Location": address})
        return web.json_response({"artifacts": [{**LISTED, "workflow_run": ORIGIN}]})

    async with answering(handle) as client:
        with pytest.raises(Unreachable, match="not https"):
            await fetched(client, RUN)


async def test_a_store_that_sends_us_on_is_not_followed() -> None:
    async def handle(request: web.Request) -> web.Response:
        here = str(request.url.origin())
        onward = {"/store": f"{here}/elsewhere"}.get(request.path) or (
            request.path.endswith("/zip") and f"{here}/store"
        )
        if onward:
            return web.Response(status=302, headers={"Location": onward})
        return web.json_response({"artifacts": [{**LISTED, "workflow_run": ORIGIN}]})

    async with answering(handle) as client:
        with pytest.raises(Unreachable, match="answers 302"):
            await fetched(client, RUN)


@pytest.mark.parametrize("listed", [[{"name": "backlog"}], [{"name": "backlog", "id": "x"}]])
async def test_a_list_that_cannot_be_read_is_no_artifact_and_no_crash(listed: list[object]) -> None:
    async def handle(_request: web.Request) -> web.Response:
        return web.json_response({"artifacts": listed})

    async with answering(handle) as client:
        with pytest.raises(ForgeError, match="cannot be read"):
            await fetched(client, RUN)


async def test_what_cannot_be_read_and_is_not_wanted_does_not_matter() -> None:
    async def handle(_request: web.Request) -> web.Response:
        return web.json_response({"artifacts": [{"name": "other"}, {"name": 7}, {}]})

    async with answering(handle) as client:
        assert await fetched(client, RUN) is None


@pytest.mark.parametrize("name", ["a/b", "..", "", "a\\b", "back\u202elog", "a\nb"])
async def test_a_name_that_is_no_plain_part_of_a_path_is_refused(name: str) -> None:
    async def handle(_request: web.Request) -> web.Response:
        return web.json_response({"artifacts": [{**LISTED, "name": name, "workflow_run": ORIGIN}]})

    async with answering(handle) as client:
        with pytest.raises(Refused, match="not a plain one"):
            await artifacts_of(client, RUN, lambda _name: True)


async def test_one_that_was_deleted_since_it_was_listed_is_refused() -> None:
    async def handle(request: web.Request) -> web.Response:
        if request.path.endswith("/zip"):
            return web.json_response({"message": "Not Found"}, status=404)
        return web.json_response({"artifacts": [{**LISTED, "workflow_run": ORIGIN}]})

    async with answering(handle) as client:
        with pytest.raises(Refused) as refused:
            await fetched(client, RUN)
        assert refused.value.reason == "not_found"
