"""The attempts of a loop: which run each rests on, what a fix must prove, and where it stops."""

import json

import pytest

from domain.errors import UserError
from domain.snapshots import LoopReason, LoopStatus
from forge.port import Refused, Unreachable
from loops.mutation.judge import MutationJudge
from loops.mutation.settings import MutationSettings
from loops.report import Correlation, ExitCode, LoopMode, LoopReport
from loops.source import SourceEvent, SourcePin
from tests.fakes.loop_artifacts import outcomes, rows
from tests.fakes.source_runs import (
    BRANCH,
    POLL_SECONDS,
    REPOSITORY,
    TIMEOUT_SECONDS,
    Fixes,
    SourceRuns,
    backlog,
    moment_before,
    sha,
)

A, B, C, D = (sha(letter) for letter in "abcd")
FIX = LoopMode.FIX_ONLY
PINNED = SourcePin(111, A, SourceEvent.WORKFLOW_RUN)


def json_bytes(document: object) -> bytes:
    return json.dumps(document).encode()


def quoted(report: LoopReport) -> list[tuple[int | None, str | None]]:
    return [(one.source_run_id, one.source_sha) for one in report.attempts]


async def test_a_pinned_run_is_read_and_quoted_although_newer_ones_are_there() -> None:
    world = SourceRuns()
    world.add(111, A, ("high",))
    world.add(222, B)
    report = await world.attempts(PINNED).run()
    assert (report.reason, report.unresolved, quoted(report)) == (LoopReason.UNRESOLVED, 1, [(111, A)])
    assert report.attempts[0].correlation is Correlation.SHA_VALIDATED
    assert (report.attempts[0].source_conclusion, world.read) == ("failure", [111])


@pytest.mark.parametrize("pin", [{"run_id": 111}, {"sha": A}, {}])
def test_the_end_of_a_run_starts_a_loop_only_with_its_id_and_its_commit(pin: dict[str, object]) -> None:
    with pytest.raises(UserError, match="needs both --source-run-id and --source-run-sha"):
        SourcePin(event=SourceEvent.WORKFLOW_RUN, **pin)  # type: ignore[arg-type]


@pytest.mark.parametrize("commit", ["main", A[:12], A.upper(), A + "a", ""])
def test_a_commit_is_told_whole_and_as_git_writes_it(commit: str) -> None:
    with pytest.raises(UserError, match="must be a whole commit id"):
        SourcePin(sha=commit)


@pytest.mark.parametrize(
    ("changes", "reason", "correlation"),
    [
        ({"head_sha": B}, LoopReason.SOURCE_RUN_SHA_MISMATCH, Correlation.RUN_SHA_MISMATCH),
        ({"workflow": "other.yml"}, LoopReason.SOURCE_RUN_ID_MISMATCH, Correlation.RUN_ID_MISMATCH),
        ({"branch": "main"}, LoopReason.SOURCE_RUN_ID_MISMATCH, Correlation.RUN_ID_MISMATCH),
        ({"branch": None}, LoopReason.SOURCE_RUN_ID_MISMATCH, Correlation.RUN_ID_MISMATCH),
        ({"id": 222}, LoopReason.SOURCE_RUN_ID_MISMATCH, Correlation.RUN_ID_MISMATCH),
        ({"own_code": False}, LoopReason.SOURCE_MISMATCH, Correlation.MISMATCH),
    ],
)
async def test_a_run_that_is_not_what_was_told_is_never_read(
    changes: dict[str, object], reason: LoopReason, correlation: Correlation
) -> None:
    world = SourceRuns()
    world.add(111, A, **changes)  # type: ignore[arg-type]
    report = await world.attempts(PINNED).run()
    assert (report.reason, report.status, report.unresolved) == (reason, LoopStatus.UNKNOWN, None)
    assert (report.attempts[0].correlation, world.read, report.exit_code) == (correlation, [], ExitCode.NOT_MEASURED)


async def test_an_id_that_the_forge_does_not_know_is_said_to_be_missing() -> None:
    report = await SourceRuns().attempts(PINNED).run()
    assert (report.reason, report.attempts[0].correlation) == (LoopReason.NO_SOURCE_RUN, Correlation.NO_RUN)


async def test_without_a_pin_the_newest_run_of_the_branch_is_taken_and_its_end_awaited() -> None:
    world = SourceRuns()
    world.add(111, A, ("medium",))
    world.add(222, B, completed=False)
    world.script.extend([lambda: None, lambda: world.add(333, C, ("critical",)), lambda: world.complete(222)])
    report = await world.attempts(SourcePin()).run()
    assert (report.reason, quoted(report)) == (LoopReason.RESOLVED, [(222, B)])
    assert world.waits == [POLL_SECONDS] * 3


async def test_a_commit_alone_pins_the_run_of_that_commit() -> None:
    world = SourceRuns()
    world.add(111, A, ("medium",))
    world.add(222, B)
    assert quoted(await world.attempts(SourcePin(sha=A)).run()) == [(111, A)]
    report = await world.attempts(SourcePin(sha=C)).run()
    assert (report.reason, "has no run on develop at commit cccc" in report.detail) == (LoopReason.NO_SOURCE_RUN, True)


async def test_a_run_that_never_completes_ends_the_wait_and_not_the_patience_of_the_job() -> None:
    world = SourceRuns()
    world.add(111, A, completed=False)
    report = await world.attempts(PINNED).run()
    assert (report.reason, report.exit_code) == (LoopReason.DEADLINE_EXCEEDED, ExitCode.BOUNDED)
    assert sum(world.waits) == TIMEOUT_SECONDS


async def test_the_deadline_of_everything_cuts_a_wait_short() -> None:
    world = SourceRuns()
    world.add(111, A, completed=False)
    attempts = world.attempts(PINNED)
    attempts.finder = world.finder(PINNED, deadline=100.0)
    assert (await attempts.run()).reason is LoopReason.DEADLINE_EXCEEDED
    assert sum(world.waits) == 100.0


async def test_a_backlog_of_another_commit_than_its_run_proves_nothing() -> None:
    world = SourceRuns()
    world.add(111, A)
    world.files[111] = {"reins-backlog-111-1/backlog-medium.json": backlog(sha("z"), ())}
    report = await world.attempts(SourcePin()).run()
    assert (report.reason, report.unresolved, report.attempts[0].correlation) == (
        LoopReason.SOURCE_MISMATCH,
        None,
        Correlation.MISMATCH,
    )


async def test_a_backlog_that_names_no_commit_proves_nothing() -> None:
    world = SourceRuns()
    world.add(111, A)
    world.files[111] = {"reins-backlog-111-1/backlog-medium.json": backlog(None, ())}
    assert (await world.attempts(SourcePin()).run()).reason is LoopReason.SOURCE_MISMATCH


async def test_an_empty_backlog_does_not_hide_another_one_beside_it() -> None:
    world = SourceRuns()
    world.add(111, A)
    world.files[111] = {
        "reins-backlog-111-1/a/backlog-medium.json": backlog(A, ()),
        "reins-backlog-other/backlog-medium.json": backlog(A, ("high",)),
    }
    assert (await world.attempts(SourcePin()).run()).reason is LoopReason.AMBIGUOUS_ARTIFACT


async def test_artifacts_of_other_names_are_left_alone() -> None:
    world = SourceRuns()
    world.add(111, A)
    world.files[111] = {"logs/backlog-medium.json": backlog(A, ())}
    report = await world.attempts(SourcePin()).run()
    assert (report.reason, report.attempts[0].correlation) == (LoopReason.NO_ARTIFACT, Correlation.RUN_VALIDATED)


@pytest.mark.parametrize("failures", [1, 2])
async def test_a_forge_that_answers_again_is_believed(failures: int) -> None:
    world = SourceRuns()
    world.add(111, A)
    world.failures.extend([Unreachable("no route")] * failures)
    assert (await world.attempts(PINNED).run()).reason is LoopReason.RESOLVED
    assert world.waits == [POLL_SECONDS] * failures


async def test_a_forge_that_cannot_be_reached_leaves_everything_unknown() -> None:
    world = SourceRuns()
    world.failures.extend([Unreachable("error connecting to api.github.com")] * 3)
    report = await world.attempts(PINNED).run()
    assert (report.reason, report.status, report.unresolved) == (LoopReason.FORGE_UNREACHABLE, LoopStatus.UNKNOWN, None)
    assert (report.exit_code, "error connecting" in report.detail) == (ExitCode.NOT_MEASURED, True)


async def test_a_rate_limit_that_lasts_beyond_the_deadline_is_not_waited_for() -> None:
    world = SourceRuns()
    world.failures.append(Unreachable("the limit is used up", 3600.0))
    assert (await world.attempts(PINNED).run()).reason is LoopReason.FORGE_UNREACHABLE
    assert world.waits == []


async def test_a_rate_limit_that_ends_in_time_is_waited_for() -> None:
    world = SourceRuns()
    world.add(111, A)
    world.failures.append(Unreachable("the limit is used up", 90.0))
    assert (await world.attempts(PINNED).run()).reason is LoopReason.RESOLVED
    assert world.waits == [90.0]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("permission_missing", LoopReason.FORGE_REFUSED),
        ("artifact_expired", LoopReason.NO_ARTIFACT),
        ("no_artifact", LoopReason.NO_ARTIFACT),
        ("artifact_mismatch", LoopReason.SOURCE_MISMATCH),
        ("artifact_too_large", LoopReason.UNREADABLE_ARTIFACT),
        ("unreadable_artifact", LoopReason.UNREADABLE_ARTIFACT),
        ("ambiguous_artifact", LoopReason.AMBIGUOUS_ARTIFACT),
    ],
)
async def test_what_the_forge_refuses_is_the_reason_and_is_not_asked_again(code: str, reason: LoopReason) -> None:
    world = SourceRuns()
    world.failures.append(Refused(code, "it says no"))
    report = await world.attempts(PINNED).run()
    assert (report.reason, report.status, world.waits) == (reason, LoopStatus.UNKNOWN, [])


async def test_a_fix_counts_only_with_the_run_of_the_commit_that_it_pushed() -> None:
    world = SourceRuns()
    world.add(111, A, ("high",))
    world.add(222, B)  # somebody else's, of another commit, with an empty backlog
    world.script.extend([lambda: world.add(333, C, (), completed=False), lambda: world.complete(333)])
    report = await world.attempts(PINNED, Fixes().pushes(C), mode=FIX).run()
    assert (report.reason, quoted(report), world.read) == (LoopReason.RESOLVED, [(111, A), (333, C)], [111, 333])
    assert [(one.number, one.fix_commit, one.fix_exit_code) for one in report.attempts] == [(1, C, 0), (2, None, None)]


async def test_a_run_of_a_commit_that_descends_from_the_fix_counts_too() -> None:
    world = SourceRuns()
    world.add(111, A, ("high",))
    world.parents |= {C: A, D: C}
    world.script.append(lambda: world.add(444, D, ("medium",)))
    report = await world.attempts(PINNED, Fixes().pushes(C), mode=FIX, max_fixes=1).run()
    assert (report.reason, quoted(report)) == (LoopReason.ATTEMPTS_EXHAUSTED, [(111, A), (444, D)])


async def test_a_run_beside_the_fix_never_counts_for_it() -> None:
    world = SourceRuns()
    world.add(111, A, ("high",))
    world.parents |= {C: A, B: A}
    world.script.append(lambda: world.add(222, B))
    report = await world.attempts(PINNED, Fixes().pushes(C), mode=FIX).run()
    assert (report.reason, report.unresolved, report.escalation_needed) == (LoopReason.DEADLINE_EXCEEDED, None, True)
    assert world.read == [111]


async def test_the_last_fix_is_verified_before_judging() -> None:
    world = SourceRuns()
    world.add(111, A, ("high",))
    fixes = Fixes().pushes(C, lambda: world.add(222, C))
    report = await world.attempts(PINNED, fixes, mode=FIX, max_fixes=1).run()
    assert (report.reason, report.escalation_needed, len(fixes.orders)) == (LoopReason.RESOLVED, False, 1)


async def test_as_many_fixes_as_allowed_are_tried_and_then_people_are_asked() -> None:
    world = SourceRuns()
    world.add(111, A, ("high",))
    fixes = Fixes().pushes(B, lambda: world.add(222, B, ("high",)))
    fixes.pushes(C, lambda: world.add(333, C, ("medium",)))
    report = await world.attempts(PINNED, fixes, mode=FIX, max_fixes=2).run()
    assert (report.reason, report.unresolved, report.exit_code) == (LoopReason.ATTEMPTS_EXHAUSTED, 1, ExitCode.BOUNDED)
    assert (report.escalation_needed, quoted(report)) == (True, [(111, A), (222, B), (333, C)])


@pytest.mark.parametrize(
    ("reason", "escalates", "code"),
    [
        (LoopReason.FIX_BLOCKED, False, ExitCode.DENIED),
        (LoopReason.PROTECTED_PATH_CHANGED, True, ExitCode.DENIED),
        (LoopReason.FIX_FAILED, True, ExitCode.BOUNDED),
        (LoopReason.FIX_TIMED_OUT, True, ExitCode.BOUNDED),
        (LoopReason.FIX_MADE_NO_COMMIT, True, ExitCode.BOUNDED),
        (LoopReason.FIX_NOT_PUSHED, True, ExitCode.BOUNDED),
    ],
)
async def test_a_fix_that_did_not_work_ends_at_once_with_its_reason(
    reason: LoopReason, escalates: bool, code: ExitCode
) -> None:
    world = SourceRuns()
    world.add(111, A, ("high",))
    world.add(222, B)
    report = await world.attempts(PINNED, Fixes().ends(reason), mode=FIX).run()
    assert (report.reason, report.status, report.unresolved) == (reason, LoopStatus.WORK_REMAINS, 1)
    assert (report.escalation_needed, report.exit_code, world.waits) == (escalates, code, [])
    assert (report.snapshot.reason, report.attempts[0].conclusion) == (reason, LoopReason.UNRESOLVED)
    assert report.attempts[0].fix_exit_code == 1


@pytest.mark.parametrize("reason", [LoopReason.FORGE_UNREACHABLE, LoopReason.FORGE_REFUSED])
async def test_a_fix_of_which_nobody_knows_whether_it_was_pushed_leaves_nothing_known(reason: LoopReason) -> None:
    world = SourceRuns()
    world.add(111, A, ("high",))
    report = await world.attempts(PINNED, Fixes().ends(reason), mode=FIX).run()
    assert (report.reason, report.status, report.unresolved) == (reason, LoopStatus.UNKNOWN, None)
    assert (report.exit_code, report.escalation_needed) == (ExitCode.NOT_MEASURED, True)
    assert quoted(report) == [(111, A)]
    assert report.snapshot.plan is not None


async def test_nothing_is_fixed_where_nothing_is_left() -> None:
    world = SourceRuns()
    world.add(111, A)
    fixes = Fixes()
    assert (await world.attempts(PINNED, fixes, mode=FIX).run()).reason is LoopReason.RESOLVED
    assert fixes.orders == []


@pytest.mark.parametrize("error", [Unreachable("no route"), Refused("permission_missing", "no")])
async def test_rules_that_cannot_be_read_block_the_fix(error: Exception) -> None:
    def refuse() -> None:
        raise error

    world = SourceRuns()
    world.add(111, A, ("high",))
    report = await world.attempts(PINNED, Fixes().pushes(C, refuse), mode=FIX).run()
    assert (report.reason, str(error) in report.detail) == (LoopReason.FIX_BLOCKED, True)


async def test_a_plan_is_posted_and_waits_for_approval() -> None:
    world = SourceRuns()
    world.add(111, A, ("high",))
    fixes = Fixes()
    report = await world.attempts(PINNED, fixes, mode=LoopMode.PLAN_THEN_FIX).run()
    assert (report.reason, report.exit_code, fixes.orders) == (LoopReason.AWAITS_APPROVAL, ExitCode.REPORTED, [])
    assert report.snapshot.plan is not None
    assert (report.snapshot.plan.source_sha, report.snapshot.plan.digest()[:12] in report.detail) == (A, True)


async def test_the_approved_plan_is_carried_out_once_and_what_is_left_is_planned_anew() -> None:
    world = SourceRuns()
    world.add(111, A, ("high",))
    waiting = await world.attempts(PINNED, Fixes(), mode=LoopMode.PLAN_THEN_FIX).run()
    assert waiting.snapshot.plan is not None
    agreed = waiting.snapshot.plan.digest()
    fixes = Fixes().pushes(C, lambda: world.add(222, C, ("medium",)))
    report = await world.attempts(PINNED, fixes, mode=LoopMode.PLAN_THEN_FIX, approved_plan=agreed).run()
    assert (report.reason, len(fixes.orders)) == (LoopReason.AWAITS_APPROVAL, 1)
    assert report.snapshot.plan is not None
    assert report.snapshot.plan.source_sha == C


async def test_another_plan_than_the_approved_one_is_denied() -> None:
    world = SourceRuns()
    world.add(111, A, ("high",))
    fixes = Fixes()
    report = await world.attempts(PINNED, fixes, mode=LoopMode.PLAN_THEN_FIX, approved_plan="0" * 64).run()
    assert (report.reason, report.exit_code, fixes.orders) == (LoopReason.PLAN_CHANGED, ExitCode.DENIED, [])


async def test_every_attempt_is_told_at_its_start_and_at_its_end() -> None:
    world = SourceRuns()
    world.add(111, A, ("high",))
    attempts = world.attempts(PINNED, Fixes().pushes(C, lambda: world.add(222, C)), mode=FIX)
    heard: list[tuple[int, str, int | None]] = []
    attempts.note = lambda one: heard.append((one.number, one.status.value, one.source_run_id))
    await attempts.run()
    assert heard == [(1, "started", None), (1, "done", 111), (2, "started", None), (2, "done", 222)]


def mutation_judge(**changes: object) -> MutationJudge:
    return MutationJudge(MutationSettings(REPOSITORY, BRANCH, 8000, 24, **changes))  # type: ignore[arg-type]


async def test_mutation_results_are_judged_as_those_of_their_run() -> None:
    world = SourceRuns()
    world.add(111, A)
    shards = {
        f"mutation-outcomes-shard-{number}/shard-{number}-outcomes.json": json_bytes(
            outcomes(rows(number * 100, killed=9))
        )
        for number in (1, 2)
    }
    world.files[111] = shards
    report = await world.attempts(PINNED, judge=mutation_judge(expected_shards=2)).run()
    assert (report.reason, report.attempts[0].correlation) == (LoopReason.THRESHOLD_MET, Correlation.SHA_VALIDATED)
    assert quoted(report) == [(111, A)]
    report = await world.attempts(PINNED, judge=mutation_judge(expected_shards=3)).run()
    assert (report.reason, report.unresolved) == (LoopReason.INCOMPLETE_SHARDS, None)


async def test_mutation_results_that_state_another_commit_prove_nothing() -> None:
    world = SourceRuns()
    world.add(111, A)
    stamp = {"finished_at": moment_before(world, 1), "head_sha": B, "run_url": None}
    world.files[111] = {
        "mutation-outcomes/outcomes.json": json_bytes(outcomes(rows(killed=9))),
        "mutation-outcomes/reins-run.json": json_bytes(stamp),
    }
    report = await world.attempts(PINNED, judge=mutation_judge()).run()
    assert (report.reason, report.unresolved) == (LoopReason.SOURCE_MISMATCH, None)


async def test_results_that_state_no_end_are_as_old_as_their_run() -> None:
    world = SourceRuns()
    run = world.add(111, A)
    document = outcomes(rows(killed=9), end_time=..., start_time=..., cargo_mutants_version=...)
    plan = [{"name": str(number)} for number in range(9)]
    world.files[111] = {
        "mutation-outcomes/outcomes.json": json_bytes(document),
        "mutation-outcomes/mutants.json": json_bytes(plan),
    }
    report = await world.attempts(PINNED, judge=mutation_judge()).run()
    assert report.snapshot.measured_at == run.updated_at
