"""What a backlog is collected of: a pull request by its number, or a commit and its branch."""

from dataclasses import dataclass

from domain.errors import UserError


@dataclass(frozen=True, slots=True)
class CollectOrder:
    """What to collect. A commit beside a pull request's number says which head is meant.

    `run_id` and `run_attempt` are those of the run that collects: its workflow is no lane of its own, or its verdict on
    what is open would be one more thing that is open. Without `with_checks` other apps' checks are not asked for.

    Raises:
        UserError: it names neither a pull request nor a commit with its branch.
    """

    repository: str
    pr_number: int | None = None
    head_sha: str | None = None
    branch: str | None = None
    run_id: int | None = None
    run_attempt: int | None = None
    with_checks: bool = True

    def __post_init__(self) -> None:
        """Refuse what names nothing."""
        if self.pr_number is None and (self.head_sha is None or self.branch is None):
            raise UserError("name a pull request with --pr-number, or a commit with --head-sha and --branch")
