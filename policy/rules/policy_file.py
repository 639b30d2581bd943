"""Without a valid policy file nothing may be written (D20, D24)."""

from domain.decisions import Decision, Verdict
from policy.facts import Case
from policy.loading import PolicyStatus


def judge(case: Case) -> Decision | None:
    """Deny writes while the policy is missing or invalid; the rule code is the policy's status.

    Raises:
        ValueError: the state contradicts itself; the gate takes that for a denial.
    """
    if not case.request.kind.writes:
        return None
    if case.state.status is PolicyStatus.LOADED:
        if case.state.policy is None:
            raise ValueError("the policy state says loaded and holds no policy")
        return None
    first = case.state.problems[0] if case.state.problems else "no reason given"
    return Decision(Verdict.DENY, case.state.status.value, f"{case.state.status.value}: {first}")
