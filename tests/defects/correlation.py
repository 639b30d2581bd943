"""Proofs that a verdict rests on the run it names, and that what nobody knows never looks good: D1 to D7."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from domain.errors import UserError
from domain.snapshots import LoopReason, LoopStatus
from forge.port import Unreachable
from loops.documents import documents
from loops.mutation.judge import MutationJudge
from loops.mutation.settings import MutationSettings
from loops.report import Correlation, ExitCode, LoopMode, LoopReport
from loops.source import SourceEvent, SourcePin
from tests.fakes.chat import chat
from tests.fakes.loop_artifacts import outcomes, rows
from tests.fakes.source_runs import BRANCH, REPOSITORY, Fixes, SourceRuns, backlog, sha

OURS, OTHERS, FIXED = sha("a"), sha("b"), sha("f")
PINNED = SourcePin(111, OURS, SourceEvent.WORKFLOW_RUN)
FIX = LoopMode.FIX_ONLY


def quoted(report: LoopReport) -> list[tuple[int | None, str | None]]:
    return [(one.source_run_id, one.source_sha) for one in report.attempts]


def assert_unknown(report: LoopReport, reason: LoopReason) -> None:
    assert (report.status, report.reason, report.unresolved) == (LoopStatus.UNKNOWN, reason, None)
    assert report.exit_code is ExitCode.NOT_MEASURED


async def d1_only_the_fixed_commits_run_counts_after_a_fix(_folder: Path) -> None:
    world = SourceRuns()
    world.add(111, OURS, ("high",))
    world.add(222, OTHERS)
    alone = await world.attempts(PINNED, Fixes().pushes(FIXED), mode=FIX).run()
    assert (alone.reason, alone.status, world.read) == (LoopReason.DEADLINE_EXCEEDED, LoopStatus.UNKNOWN, [111])
    report = await world.attempts(PINNED, Fixes().pushes(FIXED, lambda: world.add(333, FIXED)), mode=FIX).run()
    assert (report.reason, quoted(report)) == (LoopReason.RESOLVED, [(111, OURS), (333, FIXED)])
    assert {one.correlation for one in report.attempts} == {Correlation.SHA_VALIDATED}


async def d2_a_run_id_without_its_commit_is_no_pin(_folder: Path) -> None:
    with pytest.raises(UserError, match="needs both --source-run-id and --source-run-sha"):
        SourcePin(111, None, SourceEvent.WORKFLOW_RUN)
    world = SourceRuns()
    world.add(111, OURS)
    report = await world.attempts(SourcePin(111)).run()
    assert (report.reason, quoted(report)) == (LoopReason.RESOLVED, [(111, OURS)])
    assert report.attempts[-1].correlation is Correlation.SHA_VALIDATED


async def d3_the_mutation_loop_reads_the_run_it_was_told(_folder: Path) -> None:
    world = SourceRuns()
    world.add(111, OURS)
    world.add(222, OTHERS)
    for run_id, caught in ((111, 1), (222, 9)):
        document = outcomes(rows(killed=caught, survived=9 - caught))
        world.files[run_id] = {"mutation-outcomes/outcomes.json": json.dumps(document).encode()}
    judge = MutationJudge(MutationSettings(REPOSITORY, BRANCH))
    report = await world.attempts(PINNED, judge=judge).run()
    assert (report.reason, report.unresolved, quoted(report)) == (LoopReason.BELOW_THRESHOLD, 8, [(111, OURS)])
    world.shown[111] = replace(world.shown[111], head_sha=OTHERS)
    assert_unknown(await world.attempts(PINNED, judge=judge).run(), LoopReason.SOURCE_RUN_SHA_MISMATCH)


async def d4_an_artifact_must_be_the_only_one_and_of_its_run(_folder: Path) -> None:
    world = SourceRuns()
    world.add(111, OURS)
    place = "reins-backlog-111-1/{}backlog-medium.json"
    for wrong in (backlog(OTHERS, ()), backlog(OURS, (), repository="acme/other"), backlog(OURS, (), branch="main")):
        world.files[111] = {place.format(""): wrong}
        assert_unknown(await world.attempts(SourcePin()).run(), LoopReason.SOURCE_MISMATCH)
    world.files[111] = {place.format("a/"): backlog(OURS, ()), place.format("b/"): backlog(OURS, ("high",))}
    assert_unknown(await world.attempts(SourcePin()).run(), LoopReason.AMBIGUOUS_ARTIFACT)


async def d5_a_forge_that_does_not_answer_is_unknown(_folder: Path) -> None:
    no_route = Unreachable("error connecting to api.github.com")
    used_up = Unreachable("the rate limit is used up", retry_after_seconds=86_400.0)
    for failures in ([no_route] * 3, [used_up]):
        world = SourceRuns()
        world.add(111, OURS)
        world.failures.extend(failures)
        report = await world.attempts(PINNED).run()
        assert_unknown(report, LoopReason.FORGE_UNREACHABLE)
        assert str(failures[0]) in report.detail


async def d6_what_could_not_be_read_is_never_zero(folder: Path) -> None:
    world = SourceRuns()
    world.add(111, OURS)
    world.files[111] = {}
    report = await world.attempts(PINNED).run()
    assert_unknown(report, LoopReason.NO_ARTIFACT)
    written = documents(report)
    assert json.loads(written[".json"])["unresolved"] is None
    assert "- Unresolved: unknown\n- " in written[".md"]
    async with chat(folder) as bot:
        await bot.store.transact(lambda tables: tables.snapshots.put(report.snapshot))
        for asked in ("status", "unresolved"):
            assert "Backlog: unknown, no report was found" in str((await bot.say(asked)).text).splitlines()


async def d7_the_last_fix_is_measured_before_the_verdict(_folder: Path) -> None:
    world = SourceRuns()
    world.add(111, OURS, ("high",))
    fixes = Fixes().pushes(FIXED, lambda: world.add(222, FIXED))
    report = await world.attempts(PINNED, fixes, mode=FIX, max_fixes=1).run()
    assert (report.reason, report.unresolved, report.escalation_needed) == (LoopReason.RESOLVED, 0, False)
    assert (len(fixes.orders), len(report.attempts)) == (1, 2)
