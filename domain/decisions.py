"""The gate's answer: allow, deny or needs, with a stable rule code and one sentence."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What the gate can say. `needs` does nothing yet: it names the proof or approval that is missing."""

    ALLOW = "allow"
    DENY = "deny"
    NEEDS = "needs"


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer. `rule` is the stable code of the rule that decided; `needs` names what would change the answer."""

    verdict: Verdict
    rule: str
    reason: str
    needs: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        """Tell whether anything may happen."""
        return self.verdict is Verdict.ALLOW
