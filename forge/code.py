"""What a forge tells of code: where branches stand, how commits descend, what changed, and what protects a branch."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two commits. `descends`: the second is the first or comes after it. `complete`: `files` names every changed path.

    For a renamed file both names are there.
    """

    descends: bool
    files: tuple[str, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class WorkflowFile:
    """One version of a workflow's file: the id of its bytes in git, and its text."""

    blob_sha: str
    text: str


@dataclass(frozen=True, slots=True)
class BranchRules:
    """What a branch asks of a push, as far as it shows without administration rights.

    `needs_pull_request`: nothing may be pushed to it directly. `checks` are the lanes that must be green.
    """

    protected: bool
    needs_pull_request: bool
    locked: bool
    checks: tuple[str, ...]


class Code(Protocol):
    """Reading code and its rules. Every method may raise `ForgeError`; nothing here changes anything."""

    async def head(self, repository: str, branch: str) -> str | None:
        """Return the commit a branch stands at, or None where there is no such branch."""
        ...

    async def compare(self, repository: str, base: str, head: str) -> Comparison:
        """Return how one commit comes after another."""
        ...

    async def workflow_file(self, repository: str, workflow: str, ref: str) -> WorkflowFile | None:
        """Return a workflow's file as it is at a ref, or None where it is not there."""
        ...

    async def rules(self, repository: str, branch: str) -> BranchRules:
        """Return what protects a branch."""
        ...
