"""The local forge as the relay sees it: dispatch once, find, cancel, refuse."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from forge.local import MAX_ORDER_BYTES
from forge.port import Forge, JobState, Refused, Unclear, Unreachable
from tests.fakes.local_forge_rig import HeldWorkflow, Rig, correlation, order, sought
from tests.fakes.virtual_time import START

NOT_CORRELATIONS = [
    "",
    "../../etc/passwd",
    "01JD9ZK000000000000000000/",
    "01jd9zk0000000000000000001",
    "Z" * 26,
    "0" * 27,
]


def rig_of(folder: Path) -> Rig:
    return Rig(folder, {"triage": HeldWorkflow()})


async def test_an_order_becomes_one_queued_job_that_can_be_found(tmp_path: Path) -> None:
    rig = rig_of(tmp_path)
    forge: Forge = rig.forge
    job = await forge.dispatch(order())
    assert (job.state, job.workflow, job.repository, job.ref) == (JobState.QUEUED, "triage", "octo/demo", "main")
    assert (job.inputs, job.created_at, job.unresolved, job.url) == ({"depth": "2"}, START, None, None)
    assert await forge.find(sought()) == job
    assert rig.changes == [correlation()]


async def test_the_same_order_twice_makes_one_job(tmp_path: Path) -> None:
    rig = rig_of(tmp_path)
    first = await rig.forge.dispatch(order())
    rig.time.advance(60)
    assert await rig.forge.dispatch(order()) == first
    await asyncio.sleep(0)
    assert rig.changes == [correlation()]
    assert len(list((tmp_path / "jobs").glob("*.json"))) == 1


async def test_another_order_under_a_used_correlation_is_refused(tmp_path: Path) -> None:
    rig = rig_of(tmp_path)
    await rig.forge.dispatch(order(digest="d1"))
    with pytest.raises(Refused, match="another order") as refusal:
        await rig.forge.dispatch(order(digest="d2"))
    assert refusal.value.reason == "correlation_reused"


async def test_an_unknown_workflow_is_refused_and_leaves_no_job(tmp_path: Path) -> None:
    rig = rig_of(tmp_path)
    with pytest.raises(Refused, match="triage") as refusal:
        await rig.forge.dispatch(order(workflow="rm -rf"))
    assert refusal.value.reason == "unknown_workflow"
    assert await rig.forge.find(sought()) is None


@pytest.mark.parametrize("name", NOT_CORRELATIONS)
async def test_what_is_no_ulid_is_refused_everywhere(tmp_path: Path, name: str) -> None:
    forge, unknown = rig_of(tmp_path).forge, replace(sought(), correlation=name)
    for asked in (forge.dispatch(replace(order(), correlation=name)), forge.find(unknown), forge.cancel(unknown)):
        with pytest.raises(Refused, match="ULID") as refusal:
            await asked
        assert refusal.value.reason == "bad_correlation"


async def test_an_oversized_order_is_refused(tmp_path: Path) -> None:
    forge = rig_of(tmp_path).forge
    with pytest.raises(Refused) as refusal:
        await forge.dispatch(replace(order(), inputs={"note": "x" * MAX_ORDER_BYTES}))
    assert refusal.value.reason == "order_too_large"
    assert await forge.find(sought()) is None


async def test_an_order_that_json_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refusal:
        await rig_of(tmp_path).forge.dispatch(replace(order(), inputs={"note": "\ud800"}))
    assert refusal.value.reason == "order_unusable"


async def test_a_folder_that_cannot_be_written_is_unreachable_and_a_cancel_unclear(tmp_path: Path) -> None:
    forge = rig_of(tmp_path).forge
    (tmp_path / "jobs").rmdir()
    (tmp_path / "jobs").write_text("a file where the folder was")
    with pytest.raises(Unreachable, match="could not be written"):
        await forge.dispatch(order())
    with pytest.raises(Unreachable, match="could not be read"):
        await forge.find(sought())
    with pytest.raises(Unclear, match="may not have been written"):
        await forge.cancel(sought())


async def test_a_queued_job_is_cancelled_at_once(tmp_path: Path) -> None:
    rig = rig_of(tmp_path)
    await rig.forge.dispatch(order())
    await rig.forge.cancel(sought())
    job = await rig.until_over()
    assert (job.state, job.conclusion) == (JobState.CANCELLED, "cancelled")
    assert rig.changes == [correlation()] * 2


async def test_a_cancelled_job_never_runs(tmp_path: Path) -> None:
    held, other = HeldWorkflow(), HeldWorkflow()
    rig = Rig(tmp_path, {"triage": held, "mutation": other})
    await rig.forge.dispatch(order(1))
    await rig.forge.cancel(sought(1))
    await rig.forge.dispatch(order(2, workflow="mutation"))
    async with rig.working():
        other.go.set()
        await rig.until_over(2)
    assert held.jobs == []


async def test_cancelling_what_is_over_changes_nothing(tmp_path: Path) -> None:
    rig = rig_of(tmp_path)
    await rig.forge.dispatch(order())
    await rig.forge.cancel(sought())
    over = await rig.until_over()
    rig.time.advance(60)
    await rig.forge.cancel(sought())
    assert await rig.forge.find(sought()) == over


async def test_cancelling_what_never_was_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refusal:
        await rig_of(tmp_path).forge.cancel(sought())
    assert refusal.value.reason == "unknown_job"


async def test_a_job_whose_file_is_broken_is_found_as_failed_and_not_dispatched_again(tmp_path: Path) -> None:
    rig = rig_of(tmp_path)
    await rig.forge.dispatch(order())
    (tmp_path / "jobs" / f"{correlation()}.json").write_bytes(b'{"job": ')
    job = await rig.forge.find(sought())
    assert job is not None
    assert (job.state, job.conclusion) == (JobState.FAILED, "unreadable_job")
    assert await rig.forge.dispatch(order()) == job
    assert (tmp_path / "broken" / f"{correlation()}.json").read_bytes() == b'{"job": '


async def test_only_old_finished_jobs_are_pruned(tmp_path: Path) -> None:
    rig = rig_of(tmp_path)
    for number in range(1, 204):
        await rig.forge.dispatch(order(number))
        if number != 1:
            await rig.forge.cancel(sought(number))
        rig.time.advance(60)
    assert await rig.forge.prune(older_than=START) == 0
    assert await rig.forge.prune(older_than=rig.time.now()) == 2
    assert [await rig.state(number) for number in (1, 2, 3, 4)] == [JobState.QUEUED, None, None, JobState.CANCELLED]
