"""What the mutation loop is told: whose results, how good is good enough, how old is too old."""

from dataclasses import dataclass

from domain.errors import UserError

DEFAULT_THRESHOLD_BASIS_POINTS = 8_000  # 80 %, the original's default
FULL_BASIS_POINTS = 10_000
DEFAULT_MAX_AGE_HOURS = 24 * 7  # a nightly run may fail for a week before its score stops counting


@dataclass(frozen=True, slots=True)
class MutationSettings:
    """Settings of one run: `max_age_hours` None means no limit, `expected_shards` None means nobody counts them.

    Raises:
        UserError: a number is outside its range (exit code 2).
    """

    repository: str
    branch: str
    threshold_basis_points: int = DEFAULT_THRESHOLD_BASIS_POINTS
    max_age_hours: int | None = DEFAULT_MAX_AGE_HOURS
    expected_shards: int | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that would make every run good or every run bad."""
        if not 1 <= self.threshold_basis_points <= FULL_BASIS_POINTS:
            raise UserError(f"threshold_basis_points is {self.threshold_basis_points}, must be from 1 to 10000")
        if self.max_age_hours is not None and self.max_age_hours < 1:
            raise UserError(f"max_age_hours is {self.max_age_hours}, must be 1 or more, or left out for no limit")
        if self.expected_shards is not None and self.expected_shards < 1:
            raise UserError(f"expected_shards is {self.expected_shards}, must be 1 or more, or left out")
