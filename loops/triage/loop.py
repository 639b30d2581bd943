"""The triage loop in report-only mode: one read of an artifact folder, one report."""

from pathlib import Path

from domain.clock import Clock
from loops.artifacts import ArtifactError
from loops.report import AttemptNote, LoopReport, keep_no_note, started_attempt
from loops.triage.observe import observe
from loops.triage.plan import plan, plan_unread
from loops.triage.settings import TriageSettings

__all__ = ["TriageSettings", "run_triage_loop"]


def run_triage_loop(
    artifacts: Path, settings: TriageSettings, clock: Clock, note: AttemptNote = keep_no_note
) -> LoopReport:
    """Read the backlog below `artifacts` and judge it; `note` hears of the attempt's start and of its end.

    Never raises for what is in the folder: that becomes a report of status `unknown` with the reason.
    """
    started = started_attempt(clock.now())
    note(started)
    try:
        backlog = observe(artifacts, started.started_at)
    except ArtifactError as error:
        report = plan_unread(error, settings, started, clock.now())
    else:
        report = plan(backlog, settings, started, clock.now())
    note(report.attempts[-1])
    return report
