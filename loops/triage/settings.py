"""What the triage loop is told: whose backlog, of which commit, how old is too old."""

from dataclasses import dataclass

from domain.errors import UserError

DEFAULT_MAX_AGE_HOURS = 72  # over a weekend a backlog may rest; the original's packets used the same figure


@dataclass(frozen=True, slots=True)
class TriageSettings:
    """Settings of one run: None for repository or commit means nobody knows it, for the age that there is no limit.

    Raises:
        UserError: the age is below one hour (exit code 2).
    """

    repository: str | None
    branch: str
    head_sha: str | None = None
    max_age_hours: int | None = DEFAULT_MAX_AGE_HOURS

    def __post_init__(self) -> None:
        """Refuse a limit that would make every backlog stale."""
        if self.max_age_hours is not None and self.max_age_hours < 1:
            raise UserError(f"max_age_hours is {self.max_age_hours}, must be 1 or more, or left out for no limit")
