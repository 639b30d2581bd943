"""What finished runs tell and leave behind: the part of a forge that the loops read their verdicts from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SourceRun:
    """One run of a workflow as the forge shows it, whoever started it. Times are aware, in UTC.

    `workflow` is the workflow's file name. `conclusion` is the forge's own word, None while the run is not completed.
    `attempt` counts reruns, which keep the id; `started_at` is when this attempt began. `pull` is the pull request it
    belongs to, None where the forge names none or several. `own_code` is False for code from another repository.
    """

    id: int
    attempt: int
    workflow: str
    repository: str
    branch: str | None
    head_sha: str
    event: str
    completed: bool
    conclusion: str | None
    url: str
    started_at: datetime
    updated_at: datetime
    pull: int | None = None
    own_code: bool = True


@dataclass(frozen=True, slots=True)
class RunsSought:
    """Which runs: of a repository, and where given of one workflow, branch or commit; the newest `most` of them."""

    repository: str
    workflow: str | None = None
    branch: str | None = None
    head_sha: str | None = None
    most: int = 30


@dataclass(frozen=True, slots=True)
class Lane:
    """One job of a run. `conclusion` is None while it goes on; `failed_steps` are the names of those that failed."""

    name: str
    conclusion: str | None
    url: str
    failed_steps: tuple[str, ...] = ()


Wanted = Callable[[str], bool]


class Results(Protocol):
    """Reading what runs did. Every method may raise `ForgeError`; nothing here changes anything."""

    async def run(self, repository: str, run_id: int) -> SourceRun | None:
        """Return one run, or None where the forge shows no such run."""
        ...

    async def runs(self, sought: RunsSought) -> tuple[SourceRun, ...]:
        """Return runs, the newest first."""
        ...

    async def lanes(self, run: SourceRun) -> tuple[Lane, ...]:
        """Return the jobs of the run's newest attempt, over all pages."""
        ...

    async def artifacts(self, run: SourceRun, wanted: Wanted) -> Mapping[str, bytes]:
        """Return the files of all artifacts of this attempt whose name is wanted, as `artifact/path`; none is empty.

        Raises:
            Refused: `artifact_expired`, `artifact_mismatch`, `artifact_too_large`, `unreadable_artifact`,
                `ambiguous_artifact`: what is there must not be used.
        """
        ...
