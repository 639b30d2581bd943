"""The mutation loop in report-only mode: one read of an artifact folder, one report."""

from pathlib import Path

from domain.clock import Clock
from loops.artifacts import ArtifactError
from loops.mutation.observe import observe
from loops.mutation.plan import plan, plan_unread
from loops.mutation.settings import MutationSettings
from loops.report import AttemptNote, LoopReport, keep_no_note, started_attempt

__all__ = ["MutationSettings", "run_mutation_loop"]


def run_mutation_loop(
    artifacts: Path, settings: MutationSettings, clock: Clock, note: AttemptNote = keep_no_note
) -> LoopReport:
    """Read the results below `artifacts` and judge them; `note` hears of the attempt's start and of its end.

    Never raises for what is in the folder: that becomes a report of status `unknown` with the reason.
    """
    started = started_attempt(clock.now())
    note(started)
    try:
        facts = observe(artifacts, started.started_at)
    except ArtifactError as error:
        report = plan_unread(error, settings, started, clock.now())
    else:
        report = plan(facts, settings, started, clock.now())
    note(report.attempts[-1])
    return report
