"""What a run on GitHub left behind is measured as it would be on this machine: over a real client, and judged by our policy."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from domain.runs import Run
from domain.snapshots import LoopStatus, MutationSnapshot, TriageSnapshot
from forge.github_archive import ArchiveBounds
from forge.github_results import GitHubResults
from forge.port import Job, JobState, Unreachable
from loops.documents import documents
from loops.measuring import Measuring
from loops.mutation.judge import MutationJudge
from loops.mutation.settings import MutationSettings
from loops.report import started_attempt
from loops.snapshots import read_snapshot
from tests.fakes.github_rig import GitHubRig, github_rig, order, sought
from tests.fakes.loop_artifacts import outcomes, rows
from tests.fakes.policies import example_policy, loaded
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.github import HOME
from tests.fakes.providers.github_plan import completed, in_progress
from tests.fakes.providers.github_runs import Artifact, zipped
from tests.fakes.providers.github_runs import Run as GitHubRun
from tests.fakes.records import make_run
from tests.fakes.source_runs import backlog
from tests.fakes.virtual_time import START

Files = Mapping[str, bytes]
Stamped = Callable[[str], Files]
BACKLOG, OUTCOMES = "reins-backlog-1-1", "mutation-outcomes-shard-0"
DOWNLOAD = "actions/download-artifact"


def uploaded(name: str, files: Stamped, **more: Any) -> Artifact:
    """Return an artifact whose files know the commit of their run."""

    def content(run: GitHubRun) -> bytes:
        return zipped(files(run.head_sha))

    return Artifact(name, content, **more)


def findings(*severities: str) -> Stamped:
    return lambda sha: {"backlog-medium.json": backlog(sha, severities, branch="main")}


def mutants(name: str = "mutants.out/outcomes.json", **amounts: int) -> Files:
    document = outcomes(rows(**amounts), end_time="2026-11-22T13:30:00Z")
    return {name: json.dumps(document).encode()}


def shard(number: int) -> Stamped:
    return lambda _sha: mutants(f"shard-{number}-outcomes.json", killed=8)


@dataclass
class World:
    """A run that is over on GitHub, as the forge shows it, and who measures it."""

    rig: GitHubRig
    measuring: Measuring
    run: Run
    job: Job

    async def measured(self) -> Job:
        return await self.measuring.measure(self.run, "github", self.job)


@asynccontextmanager
async def over(
    *artifacts: Artifact,
    loop: str | None = "triage",
    ended: str = "success",
    bounds: ArchiveBounds | None = None,
    **limits: Any,
) -> AsyncIterator[World]:
    """Let a run of an action with this loop end on GitHub."""
    document = example_policy()
    document["actions"]["work"] = {**document["actions"]["triage"], "loop": loop}
    document["loops"] = {loop: limits} if loop else {}
    policy = loaded(document)
    async with github_rig() as rig:
        workflow = rig.github.home.actions.workflows["ci.yml"]
        workflow.artifacts, workflow.plan = artifacts, (completed(ended),)
        await rig.forge.dispatch(order())
        rig.clock.advance(60)
        job = await rig.forge.find(sought())
        assert job is not None
        assert job.state.final
        results = GitHubResults(rig.client, *([bounds] if bounds else []))
        run = make_run(action="work", repository=HOME, ref="main")
        yield World(rig, Measuring({"github": results}, lambda: policy, rig.clock), run, job)


def triage_of(job: Job) -> TriageSnapshot:
    snapshot = read_snapshot(job.report)
    assert isinstance(snapshot, TriageSnapshot)
    return snapshot


def mutation_of(job: Job) -> MutationSnapshot:
    snapshot = read_snapshot(job.report)
    assert isinstance(snapshot, MutationSnapshot)
    return snapshot


@pytest.mark.parametrize("ended", ["success", "failure"])
async def test_a_backlog_is_read_whatever_the_workflow_made_of_it(ended: str) -> None:
    async with over(uploaded(BACKLOG, findings("high", "medium")), ended=ended) as world:
        job = await world.measured()
        assert (job.state, job.conclusion, job.unresolved) == (JobState.SUCCEEDED, "unresolved", 2)
        assert job.summary == "triage: 1 high, 1 medium; 2 min old"
        snapshot = triage_of(job)
        where = f"ci.yml run {world.job.external_id} at {(world.job.head_sha or '')[:12]}: coderabbit: {BACKLOG}/"
        assert snapshot.source.startswith(where)
        assert (snapshot.high, snapshot.medium, snapshot.head_sha) == (1, 1, world.job.head_sha)
        assert snapshot.taken_at == world.rig.clock.now()
        assert (job.url, job.head_sha, job.attempts) == (world.job.url, world.job.head_sha, world.job.attempts)


async def test_an_empty_backlog_is_resolved_and_zero() -> None:
    async with over(uploaded(BACKLOG, findings())) as world:
        job = await world.measured()
        assert (job.state, job.conclusion, job.unresolved) == (JobState.SUCCEEDED, "resolved", 0)


async def test_a_backlog_of_another_commit_is_unknown_and_never_zero() -> None:
    async with over(uploaded(BACKLOG, lambda _sha: findings()("0" * 40)), ended="failure") as world:
        job = await world.measured()
        assert (job.state, job.conclusion, job.unresolved) == (JobState.FAILED, "source_mismatch", None)
        assert job.summary == "failure on GitHub; triage unknown: the result is of another source"
        assert (triage_of(job).status, triage_of(job).high) == (LoopStatus.UNKNOWN, None)


@pytest.mark.parametrize(("ended", "summary"), [("success", ""), ("failure", "failure on GitHub; ")])
async def test_a_run_that_left_nothing_is_unknown_and_says_what_was_looked_for(ended: str, summary: str) -> None:
    async with over(ended=ended) as world:
        job = await world.measured()
        assert (job.state, job.conclusion) == (JobState.FAILED, "no_artifact")
        assert job.summary == f"{summary}triage unknown: no result was found"
        assert "left no artifact reins-backlog-*, and none of the loop's own report" in triage_of(job).detail


async def test_several_backlogs_in_one_run_hide_each_other_from_nobody() -> None:
    several = (uploaded(BACKLOG, findings()), uploaded("reins-backlog-1-2", findings("high")))
    async with over(*several) as world:
        job = await world.measured()
        assert (job.state, job.conclusion, job.unresolved) == (JobState.FAILED, "ambiguous_artifact", None)


async def test_mutation_shards_are_judged_by_the_threshold_of_the_policy_and_counted() -> None:
    shards = [uploaded(f"mutation-outcomes-shard-{one}", shard(one)) for one in range(2)]
    async with over(*shards, loop="mutation", threshold_percent="90", shards=2) as world:
        job = await world.measured()
        assert (job.state, job.conclusion, job.unresolved) == (JobState.SUCCEEDED, "threshold_met", 0)
    async with over(shards[0], loop="mutation", shards=2) as world:
        job = await world.measured()
        assert (job.state, job.conclusion, job.unresolved) == (JobState.FAILED, "incomplete_shards", None)


async def test_the_runs_own_threshold_counts_where_the_action_has_one() -> None:
    async with over(uploaded(OUTCOMES, lambda _sha: mutants(killed=8, survived=2)), loop="mutation") as world:
        assert (await world.measured()).conclusion == "threshold_met"
        for threshold, reason in (("81", "below_threshold"), ("80.01", "below_threshold"), ("strict", "threshold_met")):
            world.run = replace(world.run, inputs={"threshold": threshold})
            assert (await world.measured()).conclusion == reason


async def test_the_loops_own_report_is_taken_before_raw_results() -> None:
    settings = MutationSettings(HOME, "main", threshold_basis_points=1)
    async with over(loop="mutation") as world:
        started, now = started_attempt(START), world.rig.clock.now()
        source = await GitHubResults(world.rig.client).run(HOME, int(world.job.external_id))
        assert source is not None
        report = MutationJudge(settings).report(mutants(killed=1, survived=1), source, started, now)
    own = {"mutation-loop.json": documents(report)[".json"].encode()}
    both = (uploaded("reins-mutation-loop-1-1", lambda _sha: own), uploaded(OUTCOMES, lambda _sha: mutants(killed=9)))
    async with over(*both, loop="mutation") as world:
        job = await world.measured()
        assert (job.state, job.conclusion, job.unresolved) == (JobState.SUCCEEDED, "below_threshold", 1)
        assert mutation_of(job).score_basis_points == 5000
        assert "reins-mutation-loop-1-1/mutation-loop.json" in mutation_of(job).source


async def test_a_report_that_cannot_be_read_is_no_reason_to_take_the_raw_results_instead() -> None:
    broken = uploaded("triage-loop", lambda _sha: {"triage-loop.json": b"{"})
    async with over(broken, uploaded(BACKLOG, findings())) as world:
        job = await world.measured()
        assert (job.state, job.conclusion, job.unresolved) == (JobState.FAILED, "unreadable_artifact", None)


@pytest.mark.parametrize(
    ("artifact", "bounds", "reason"),
    [
        (uploaded(BACKLOG, findings(), days=0), None, "no_artifact"),
        (uploaded(BACKLOG, findings(), change={"digest": "sha256:" + "0" * 64}), None, "source_mismatch"),
        (uploaded(BACKLOG, findings()), ArchiveBounds(download_bytes=10), "unreadable_artifact"),
        (Artifact(BACKLOG, b"PK\x03\x04 and no more"), None, "unreadable_artifact"),
    ],
)
async def test_what_is_wrong_with_an_artifact_is_a_measurement_of_unknown(
    artifact: Artifact, bounds: ArchiveBounds | None, reason: str
) -> None:
    async with over(artifact, bounds=bounds) as world:
        job = await world.measured()
        assert (job.state, job.conclusion, job.unresolved) == (JobState.FAILED, reason, None)
        assert triage_of(job).status is LoopStatus.UNKNOWN


async def test_a_forge_that_cannot_be_reached_is_no_measurement_until_it_has_been_waited_for_long_enough() -> None:
    async with over(uploaded(BACKLOG, findings())) as world:
        world.rig.github.downloads.faults.add(Fault.ERROR)
        with pytest.raises(Unreachable):
            await world.measured()
        assert (await world.measured()).conclusion == "resolved"
        job = world.measuring.unmeasured(world.run, world.job, "it was silent")
        assert (job.state, job.conclusion, job.unresolved) == (JobState.FAILED, "forge_unreachable", None)
        assert "it was silent" in triage_of(job).detail


async def test_a_run_that_has_begun_again_is_measured_at_its_next_end() -> None:
    async with over(uploaded(BACKLOG, findings())) as world:
        actions = world.rig.github.home.actions
        actions.workflows["ci.yml"].plan = (in_progress(60), completed("success"))
        actions.rerun(actions.runs[int(world.job.external_id)], "bea")
        with pytest.raises(Unreachable, match="not shown as over"):
            await world.measured()
        world.rig.clock.advance(60)
        assert (await world.measured()).conclusion == "resolved"


async def test_a_run_that_is_not_shown_any_more_is_asked_for_again() -> None:
    async with over(uploaded(BACKLOG, findings())) as world:
        world.job = replace(world.job, external_id="1")
        with pytest.raises(Unreachable, match="not shown as over"):
            await world.measured()


async def test_a_run_that_is_of_another_commit_by_now_is_not_measured() -> None:
    async with over(uploaded(BACKLOG, findings())) as world:
        world.job = replace(world.job, head_sha="0" * 40)
        assert (await world.measured()).conclusion == "source_run_sha_mismatch"


@pytest.mark.parametrize(
    ("changes", "forge", "state", "wanted"),
    [
        ({}, "github", JobState.SUCCEEDED, True),
        ({}, "github", JobState.FAILED, True),
        ({}, "github", JobState.CANCELLED, False),
        ({}, "github", JobState.RUNNING, False),
        ({}, "local", JobState.SUCCEEDED, False),
        ({"action": "strict"}, "github", JobState.SUCCEEDED, False),
        ({"action": "gone"}, "github", JobState.SUCCEEDED, False),
    ],
)
async def test_only_runs_of_loops_that_are_over_on_another_forge_are_measured(
    changes: dict[str, Any], forge: str, state: JobState, wanted: bool
) -> None:
    async with over() as world:
        run, job = replace(world.run, **changes), replace(world.job, state=state)
        assert world.measuring.wants(run, forge, job) is wanted


@pytest.mark.parametrize("loop", [None, "autonomy"])
async def test_what_is_no_loop_that_measures_ends_as_its_forge_says(loop: str | None) -> None:
    async with over(uploaded(BACKLOG, findings()), loop=loop) as world:
        assert not world.measuring.wants(world.run, "github", world.job)
        assert await world.measured() == world.job
        assert world.measuring.unmeasured(world.run, world.job, "silence") == world.job
