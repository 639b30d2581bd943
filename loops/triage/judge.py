"""The triage loop's verdict on the artifacts of one run: they must be of exactly that run's commit (D4)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase

from forge.results import SourceRun
from loops.artifacts import ArtifactError, held_files
from loops.report import AttemptReport, LoopReport
from loops.triage.observe import is_backlog, observe_files
from loops.triage.plan import plan, plan_unread
from loops.triage.settings import TriageSettings

ARTIFACTS = "reins-backlog-*"


@dataclass(frozen=True, slots=True)
class TriageJudge:
    """Judges backlogs by these settings; `artifacts` is a pattern of names with `*`."""

    settings: TriageSettings
    artifacts: str = ARTIFACTS

    def wants(self, artifact: str) -> bool:
        """Tell whether an artifact holds backlogs; see `Judge`."""
        return fnmatchcase(artifact, self.artifacts)

    def report(self, files: Mapping[str, bytes], run: SourceRun, started: AttemptReport, now: datetime) -> LoopReport:
        """Judge the one backlog of a run; see `Judge`."""
        try:
            backlog = observe_files(held_files(files, is_backlog), f"run {run.id}", now)
        except ArtifactError as error:
            return self.unread(error, started, now)
        return plan(backlog, replace(self.settings, head_sha=run.head_sha), started, now)

    def unread(self, error: ArtifactError, started: AttemptReport, now: datetime) -> LoopReport:
        """Report that nothing could be read; see `Judge`."""
        return plan_unread(error, self.settings, started, now)
