"""What a run's loop is told: the run's own inputs where it has them, else the limits of the policy."""

import re
from collections.abc import Mapping

from loops.mutation.settings import MutationSettings
from loops.triage.settings import TriageSettings
from policy.file import LoopLimits

THRESHOLD_INPUT = "threshold"
_PERCENT = re.compile(r"(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)")


def mutation_settings(repository: str, branch: str, inputs: Mapping[str, str], limits: LoopLimits) -> MutationSettings:
    """Return what judges a mutation run."""
    return MutationSettings(
        repository=repository,
        branch=branch,
        threshold_basis_points=_threshold(inputs, limits),
        max_age_hours=limits.max_age_hours,
        expected_shards=limits.shards,
    )


def triage_settings(repository: str, branch: str, limits: LoopLimits) -> TriageSettings:
    """Return what judges a triage run."""
    return TriageSettings(repository=repository, branch=branch, max_age_hours=limits.max_age_hours)


def _threshold(inputs: Mapping[str, str], limits: LoopLimits) -> int:
    """Return the threshold in basis points; an input of that name that is no percentage is some workflow's own affair."""
    given = inputs.get(THRESHOLD_INPUT, "")
    percent = given if _PERCENT.fullmatch(given) else limits.threshold_percent
    whole, _, fraction = percent.partition(".")
    return int(whole) * 100 + int(fraction.ljust(2, "0") or 0)
