"""Measuring what a run on another forge left behind: its artifacts are read, and judged by the bot's own policy."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from fnmatch import fnmatchcase

from domain.clock import Clock
from domain.git_names import short
from domain.runs import Run
from domain.snapshots import LoopReason, LoopStatus
from domain.untrusted import clean_line
from forge.port import Job, JobState, Refused, Unreachable
from forge.results import Results, SourceRun
from loops.artifacts import ArtifactError
from loops.finding_source import refused
from loops.mutation.judge import MutationJudge
from loops.progress import SUMMARY_CHARACTERS
from loops.report import DETAIL_CHARACTERS, AttemptReport, LoopName, LoopReport, started_attempt
from loops.run_settings import mutation_settings, triage_settings
from loops.snapshots import snapshot_values
from loops.source import no_source
from loops.stated import stated_report
from loops.triage.judge import TriageJudge
from policy.loading import PolicyState

MEASURED = frozenset({JobState.SUCCEEDED, JobState.FAILED})  # what was cancelled has measured nothing
LoopJudge = MutationJudge | TriageJudge


class Measuring:
    """Gives the runs of loops on other forges the end that they would have had on this machine.

    Such a run has succeeded when a report could be made, whatever the report says, and failed when there was nothing to
    make one of.
    """

    def __init__(self, results: Mapping[str, Results], policy: Callable[[], PolicyState], clock: Clock) -> None:
        """Read from these forges, by name; the policy is asked at each measurement."""
        self._results = results
        self._policy = policy
        self._clock = clock

    def wants(self, run: Run, forge: str, job: Job) -> bool:
        """Tell whether a job is over, and one whose artifacts are to be read."""
        return job.state in MEASURED and forge in self._results and self._judge(run) is not None

    async def measure(self, run: Run, forge: str, job: Job) -> Job:
        """Return the job as its measurement ends it; what is wrong with its artifacts is a measurement of unknown.

        Raises:
            Unreachable: nobody can tell now.
        """
        judge, started = self._judge(run), started_attempt(self._clock.now())
        if judge is None:  # the policy has changed since it was asked
            return job
        results = self._results[forge]
        try:
            source = await _source(results, run, job)
            files = await results.artifacts(source, lambda name: judge.wants(name) or _is_bundle(name, judge))
        except Refused as error:
            return _ended(job, judge.unread(refused(error), started, self._clock.now()))
        except ArtifactError as error:
            return _ended(job, judge.unread(error, started, self._clock.now()))
        report = await asyncio.to_thread(_judged, judge, files, source, started, self._clock.now())
        where = f"{source.workflow} run {source.id} at {short(source.head_sha)}"
        named = clean_line(f"{where}: {report.snapshot.source}", DETAIL_CHARACTERS)
        return _ended(job, replace(report, snapshot=replace(report.snapshot, source=named)))

    def unmeasured(self, run: Run, job: Job, why: str) -> Job:
        """Return the job as it ends when its forge has shown nothing of it for too long."""
        judge, now = self._judge(run), self._clock.now()
        if judge is None:
            return job
        error = no_source(LoopReason.FORGE_UNREACHABLE, f"cannot be read: {why}", "run it again")
        return _ended(job, judge.unread(error, started_attempt(now), now))

    def _judge(self, run: Run) -> LoopJudge | None:
        """Return what judges a run by the policy as it is now; None for what is no run of a loop that measures."""
        policy = self._policy().policy
        action = policy.actions.get(run.action) if policy else None
        if policy is None or action is None:
            return None
        if action.loop == LoopName.MUTATION.value:
            return MutationJudge(mutation_settings(run.repository, run.ref, run.inputs, policy.loops.mutation))
        if action.loop == LoopName.TRIAGE.value:
            return TriageJudge(triage_settings(run.repository, run.ref, policy.loops.triage))
        return None


async def _source(results: Results, run: Run, job: Job) -> SourceRun:
    """Return the run as those who read results know it: over, and at the commit that it was followed at."""
    source = await results.run(run.repository, int(job.external_id))
    if source is None or not source.completed:
        raise Unreachable("the run is not shown as over any more: it may have begun another attempt")
    if source.head_sha != job.head_sha:
        problem = f"{source.id} is of commit {short(source.head_sha)} now"
        raise no_source(LoopReason.SOURCE_RUN_SHA_MISMATCH, problem, "run it again")
    return source


def _is_bundle(artifact: str, judge: LoopJudge) -> bool:
    """Tell by its name whether an artifact may hold the loop's own report."""
    loop = LoopName.MUTATION if isinstance(judge, MutationJudge) else LoopName.TRIAGE
    return fnmatchcase(artifact, f"*{loop.value}-loop*")


def _judged(
    judge: LoopJudge, files: Mapping[str, bytes], source: SourceRun, started: AttemptReport, now: datetime
) -> LoopReport:
    """Judge the loop's own report where there is one, else the results of the tools."""
    try:
        if not files:
            problem = f"{source.id} left no artifact {judge.artifacts}, and none of the loop's own report"
            raise no_source(LoopReason.NO_ARTIFACT, problem, "let its workflow upload one")
        stated = stated_report(files, judge.settings, source, started, now)
    except ArtifactError as error:
        return judge.unread(error, started, now)
    return stated or judge.report(files, source, started, now)


def _ended(job: Job, report: LoopReport) -> Job:
    """Return the job with the loop's word for its end; the forge's own stays beside it where it may tell why."""
    known = report.status is not LoopStatus.UNKNOWN
    blamed = not known and job.state is JobState.FAILED and job.summary is not None
    return replace(
        job,
        state=JobState.SUCCEEDED if known else JobState.FAILED,
        conclusion=report.reason.value,
        summary=clean_line(f"{job.summary}; {report.summary}" if blamed else report.summary, SUMMARY_CHARACTERS),
        unresolved=report.unresolved,
        report={"snapshot": snapshot_values(report.snapshot)},
    )
