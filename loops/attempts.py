"""The attempts of one loop run: measure a proven source, fix where that is allowed, and measure again before judging (D7)."""

from dataclasses import dataclass, field, replace

from domain.clock import Clock
from domain.fixes import FixPlan
from domain.git_names import short
from domain.runs import AttemptState
from domain.snapshots import LoopReason, LoopStatus
from domain.untrusted import clean_line
from forge.port import ForgeError, Refused
from forge.results import SourceRun
from loops.artifacts import ArtifactError
from loops.finding_source import SourceFinder
from loops.fixing.port import Fixer, FixOrder, FixOutcome
from loops.judging import Judge
from loops.report import (
    DETAIL_CHARACTERS,
    SUMMARY_CHARACTERS,
    AttemptNote,
    AttemptReport,
    Correlation,
    LoopMode,
    LoopReport,
    keep_no_note,
    started_attempt,
)
from loops.source import no_source
from loops.verdicts import NEEDS_PEOPLE, status_of

_CORRELATIONS = {
    LoopReason.NO_SOURCE_RUN: Correlation.NO_RUN,
    LoopReason.SOURCE_RUN_ID_MISMATCH: Correlation.RUN_ID_MISMATCH,
    LoopReason.SOURCE_RUN_SHA_MISMATCH: Correlation.RUN_SHA_MISMATCH,
    LoopReason.SOURCE_MISMATCH: Correlation.MISMATCH,
}


@dataclass(frozen=True, slots=True)
class FixLimits:
    """What may be done about findings: at most `max_fixes` tries; `approved_plan` is the digest that people agreed to."""

    mode: LoopMode = LoopMode.REPORT_ONLY
    max_fixes: int = 3
    approved_plan: str | None = None


@dataclass(slots=True)
class Attempts:
    """One run of a loop. The verdict always rests on the last attempt in the report, and quotes its run and commit.

    `fixer` is None in report-only mode. `note` hears of every attempt's start and end.
    """

    judge: Judge
    finder: SourceFinder
    clock: Clock
    limits: FixLimits = field(default_factory=FixLimits)
    fixer: Fixer | None = None
    note: AttemptNote = keep_no_note
    _done: list[AttemptReport] = field(default_factory=list)

    async def run(self) -> LoopReport:
        """Measure, and fix as far as that is allowed. Never raises for what the forge or the artifacts hold."""
        report, source = await self._measure(None, None)
        fixes = 0
        while self.fixer is not None and source is not None and report.status is LoopStatus.WORK_REMAINS:
            order = FixOrder(report, source, fixes + 1, self.finder.patience.deadline_at)
            plan = self.fixer.plan(order)
            stop = self._stop(plan, fixes)
            if stop is not None:
                report = _stopped(_planned(report, plan), *stop)
                break
            outcome = await self._fix(self.fixer, order)
            self._done[-1] = replace(self._done[-1], fix_exit_code=outcome.exit_code, fix_commit=outcome.commit)
            if outcome.reason is not None or outcome.commit is None:
                report = self._ended(_planned(report, plan), outcome)
                break
            fixes += 1
            report, source = await self._measure(outcome.commit, source)
        unproven = fixes > 0 and report.status is LoopStatus.UNKNOWN  # something was pushed, and nobody saw what it did
        escalation = report.escalation_needed or unproven
        return replace(report, mode=self.limits.mode, attempts=tuple(self._done), escalation_needed=escalation)

    def _stop(self, plan: FixPlan, fixes: int) -> tuple[LoopReason, str] | None:
        """Return why the plan is not carried out now."""
        if self.limits.mode is LoopMode.PLAN_THEN_FIX:
            digest, agreed = plan.digest(), self.limits.approved_plan
            if agreed is None or fixes:
                return (
                    LoopReason.AWAITS_APPROVAL,
                    f"the plan {short(digest)} for {short(plan.source_sha)} waits for approval",
                )
            if digest != agreed:
                why = "what is to be done has changed since it was agreed to; approve the new plan"
                return LoopReason.PLAN_CHANGED, f"the plan is {short(digest)}, agreed was {short(agreed)}: {why}"
        if fixes >= self.limits.max_fixes:
            tries = "1 fix" if fixes == 1 else f"{fixes} fixes"
            return LoopReason.ATTEMPTS_EXHAUSTED, f"work remains after {tries}; people have to decide"
        return None

    def _ended(self, report: LoopReport, outcome: FixOutcome) -> LoopReport:
        """Return the report as a fix that went wrong leaves it; where nobody can tell what was pushed, nothing is known."""
        reason = outcome.reason or LoopReason.FIX_FAILED
        if status_of(reason) is not LoopStatus.UNKNOWN:
            return _stopped(report, reason, outcome.detail)
        error = no_source(reason, f"is not known any more: {outcome.detail}", "look at the branch")
        unread = self.judge.unread(error, report.attempts[-1], self.clock.now())
        return replace(_planned(unread, report.snapshot.plan), escalation_needed=True)

    async def _measure(self, commit: str | None, before: SourceRun | None) -> tuple[LoopReport, SourceRun | None]:
        """Read one source: the told one, or that of the commit a fix has pushed."""
        started = replace(started_attempt(self.clock.now()), number=len(self._done) + 1)
        self.note(started)
        source: SourceRun | None = None
        try:
            source = await (self.finder.after(commit, before) if commit and before else self.finder.first())
            report = await self._read(source, started)
        except ArtifactError as error:
            report = self.judge.unread(error, started, self.clock.now())
            correlation = _CORRELATIONS.get(error.reason, Correlation.UNREAD)
            report = replace(report, attempts=(replace(report.attempts[-1], correlation=correlation),))
        attempt = _quoting(report.attempts[-1], source)
        self._done.append(attempt)
        self.note(attempt)
        return replace(report, attempts=(attempt,)), source

    async def _read(self, source: SourceRun, started: AttemptReport) -> LoopReport:
        files = await self.finder.asking(lambda: self.finder.results.artifacts(source, self.judge.wants))
        now = self.clock.now()
        if not files:
            problem = f"{source.id} left no artifact that this loop reads"
            error = no_source(LoopReason.NO_ARTIFACT, problem, "let its workflow upload one")
            return self.judge.unread(error, started, now)
        report = self.judge.report(files, source, started, now)
        attempt = report.attempts[-1]
        proven = report.status is not LoopStatus.UNKNOWN or attempt.correlation is Correlation.STATED
        if proven:  # the forge's own record of the artifact, and what the files state, both name this run's commit
            attempt = replace(attempt, correlation=Correlation.SHA_VALIDATED)
        return replace(report, attempts=(attempt,))

    async def _fix(self, fixer: Fixer, order: FixOrder) -> FixOutcome:
        try:
            return await fixer.fix(order)
        except Refused as error:
            return FixOutcome(LoopReason.FIX_BLOCKED, f"the branch's rules cannot be read: {error}")
        except ForgeError as error:
            return FixOutcome(LoopReason.FIX_BLOCKED, f"nothing was fixed: {error}")


def _quoting(attempt: AttemptReport, source: SourceRun | None) -> AttemptReport:
    """Name the run that an attempt rests on, or would have."""
    if source is None:
        return replace(attempt, status=AttemptState.DONE)
    return replace(
        attempt,
        source_run_id=source.id,
        source_run_attempt=source.attempt,
        source_run_url=source.url,
        source_sha=source.head_sha,
        source_conclusion=source.conclusion,
        source_event=source.event,
        source_started_at=source.started_at,
        source_pull=source.pull,
        correlation=attempt.correlation if attempt.correlation is not Correlation.UNREAD else Correlation.RUN_VALIDATED,
    )


def _planned(report: LoopReport, plan: FixPlan | None) -> LoopReport:
    return replace(report, snapshot=replace(report.snapshot, plan=plan))


def _stopped(report: LoopReport, reason: LoopReason, detail: str) -> LoopReport:
    """Return a measured report that goes no further; what was measured stays in its snapshot, with the reason."""
    return replace(
        report,
        status=status_of(reason),
        reason=reason,
        detail=clean_line(f"{detail}; {report.detail}", DETAIL_CHARACTERS),
        summary=clean_line(f"{report.summary}; {reason.value.replace('_', ' ')}", SUMMARY_CHARACTERS),
        snapshot=replace(report.snapshot, reason=reason),
        escalation_needed=reason in NEEDS_PEOPLE,
    )
