"""The mutation loop's verdict on the artifacts of one run: what they state of it must be true of it (D3, D15)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase

from domain.git_names import short
from domain.snapshots import LoopReason
from forge.results import SourceRun
from loops.artifacts import ArtifactError, held_files
from loops.mutation.model import MutationFacts
from loops.mutation.observe import is_result, observe_files
from loops.mutation.plan import plan, plan_unread
from loops.mutation.settings import MutationSettings
from loops.report import AttemptReport, LoopReport

ARTIFACTS = "mutation-outcomes*"


@dataclass(frozen=True, slots=True)
class MutationJudge:
    """Judges mutation results by these settings; `artifacts` is a pattern of names with `*`."""

    settings: MutationSettings
    artifacts: str = ARTIFACTS

    def wants(self, artifact: str) -> bool:
        """Tell whether an artifact holds results; see `Judge`."""
        return fnmatchcase(artifact, self.artifacts)

    def report(self, files: Mapping[str, bytes], run: SourceRun, started: AttemptReport, now: datetime) -> LoopReport:
        """Judge the merged results of a run; see `Judge`."""
        try:
            facts = _of_run(observe_files(held_files(files, is_result), f"run {run.id}", now), run)
        except ArtifactError as error:
            return self.unread(error, started, now)
        return plan(facts, self.settings, started, now)

    def unread(self, error: ArtifactError, started: AttemptReport, now: datetime) -> LoopReport:
        """Report that nothing could be read; see `Judge`."""
        return plan_unread(error, self.settings, started, now)


def _of_run(facts: MutationFacts, run: SourceRun) -> MutationFacts:
    """Complete the facts with what the forge says of their run; its end is the latest they can have been measured.

    Raises:
        ArtifactError: the files state another commit.
    """
    if facts.head_sha is not None and facts.head_sha != run.head_sha:
        problem = f"state commit {short(facts.head_sha)}, their run is of {short(run.head_sha)}"
        mend = "stamp them with the commit that the run shows"
        raise ArtifactError("the results", None, problem, mend, LoopReason.SOURCE_MISMATCH)
    measured = facts.finished_at or run.updated_at
    return replace(facts, head_sha=run.head_sha, run_url=run.url, finished_at=measured)
