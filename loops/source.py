"""Which run a loop's attempt may rest on: told by id and commit, or the branch's newest, and checked either way (D1-D4)."""

import re
from dataclasses import dataclass
from enum import StrEnum

from domain.errors import UserError
from domain.git_names import COMMIT, short
from domain.snapshots import LoopReason
from forge.results import SourceRun
from loops.artifacts import ArtifactError

PLACE = "the source run"


class SourceEvent(StrEnum):
    """What started the loop: the end of the run it is to read, or a person or bot that only names the branch."""

    WORKFLOW_RUN = "workflow_run"
    WORKFLOW_DISPATCH = "workflow_dispatch"


@dataclass(frozen=True, slots=True)
class SourcePin:
    """The run that the first attempt must rest on, as far as it was told.

    Raises:
        UserError: started by a run's end, but its id or its commit is not told (exit code 2, D2); or no commit id.
    """

    run_id: int | None = None
    sha: str | None = None
    event: SourceEvent = SourceEvent.WORKFLOW_DISPATCH

    def __post_init__(self) -> None:
        """Refuse half a pin: with an id and no commit nothing could be compared."""
        if self.event is SourceEvent.WORKFLOW_RUN and (self.run_id is None or self.sha is None):
            raise UserError("source-event workflow_run needs both --source-run-id and --source-run-sha")
        if self.sha is not None and not re.fullmatch(COMMIT, self.sha):
            raise UserError("source-run-sha: must be a whole commit id of 40 or 64 lower-case hex digits")


@dataclass(frozen=True, slots=True)
class SourceSought:
    """Where source runs are looked for: `workflow` is a file name; `branch` must be the run's own."""

    repository: str
    workflow: str
    branch: str
    pin: SourcePin = SourcePin()


def no_source(reason: LoopReason, problem: str, mend: str) -> ArtifactError:
    """Return why an attempt has no run to rest on, as a sentence with its mend."""
    return ArtifactError(PLACE, None, problem, mend, reason)


def check_run(run: SourceRun, sought: SourceSought, sha: str | None) -> None:
    """Hold a run against what was told of it; `sha` is the commit it must be of, None where that was not told.

    Raises:
        ArtifactError: `source_run_id_mismatch` for another workflow or branch, `source_run_sha_mismatch` for another
            commit, `source_mismatch` for code from another repository.
    """
    if run.workflow != sought.workflow or run.branch != sought.branch:
        problem = f"{run.id} is one of {run.workflow} on {run.branch or 'no branch'}"
        mend = f"name one of {sought.workflow} on {sought.branch}"
        raise no_source(LoopReason.SOURCE_RUN_ID_MISMATCH, problem, mend)
    if sha is not None and run.head_sha != sha:
        problem = f"{run.id} is of commit {short(run.head_sha)}, not {short(sha)}"
        raise no_source(LoopReason.SOURCE_RUN_SHA_MISMATCH, problem, "name the commit that the run is of")
    if not run.own_code:
        problem = f"{run.id} ran code from another repository"
        raise no_source(LoopReason.SOURCE_MISMATCH, problem, "its results are not to be trusted here")
