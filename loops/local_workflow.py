"""The loops as workflows of the local forge: the same code as on the command line, over the configured folders."""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from domain.clock import Clock
from domain.runs import Attempt
from domain.snapshots import LoopStatus
from forge.local_execution import Workflow
from forge.local_steps import WorkflowResult
from forge.port import Job
from loops.bundle import write_bundle
from loops.documents import documents
from loops.mutation.loop import run_mutation_loop
from loops.report import AttemptNote, AttemptReport, LoopReport
from loops.run_settings import mutation_settings, triage_settings
from loops.snapshots import snapshot_values
from loops.triage.loop import run_triage_loop
from policy.file import Loops

MUTATION_WORKFLOW = "mutation-loop"
TRIAGE_WORKFLOW = "triage-loop"
_UNSAFE_IN_A_NAME = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class LocalLoops:
    """Where the loops read and write on this machine, and where their limits come from."""

    mutation_artifacts: Path
    triage_artifacts: Path
    reports: Path
    limits: Callable[[], Loops]
    clock: Clock

    def workflows(self) -> Mapping[str, Workflow]:
        """Return the workflows by the names that policy files use."""
        return {MUTATION_WORKFLOW: self._mutation, TRIAGE_WORKFLOW: self._triage}

    def _mutation(self, job: Job, note: Callable[[Attempt], None], cancelled: threading.Event) -> WorkflowResult:
        settings = mutation_settings(job.repository, job.ref, job.inputs, self.limits().mutation)
        report = run_mutation_loop(self.mutation_artifacts, settings, self.clock, _noting(note))
        return self._finish(job, report, cancelled)

    def _triage(self, job: Job, note: Callable[[Attempt], None], cancelled: threading.Event) -> WorkflowResult:
        settings = triage_settings(job.repository, job.ref, self.limits().triage)
        report = run_triage_loop(self.triage_artifacts, settings, self.clock, _noting(note))
        return self._finish(job, report, cancelled)

    def _finish(self, job: Job, report: LoopReport, cancelled: threading.Event) -> WorkflowResult:
        if not cancelled.is_set():
            self.reports.mkdir(parents=True, exist_ok=True)
            branch = _UNSAFE_IN_A_NAME.sub("-", report.branch).strip("-")
            write_bundle(self.reports, f"{job.workflow}-{branch}", documents(report))
        return WorkflowResult(
            conclusion=report.reason.value,
            summary=report.summary,
            unresolved=report.unresolved,
            ok=report.status is not LoopStatus.UNKNOWN,
            head_sha=report.attempts[-1].source_sha,
            report={"snapshot": snapshot_values(report.snapshot)},
        )


def _noting(note: Callable[[Attempt], None]) -> AttemptNote:
    def write(attempt: AttemptReport) -> None:
        conclusion = attempt.conclusion.value if attempt.conclusion else None
        note(Attempt(attempt.number, attempt.status, attempt.started_at, attempt.finished_at, conclusion))

    return write
