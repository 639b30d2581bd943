"""The mode rises to operate only after a soak window of days and clean report-only runs (docs/design.md)."""

from domain.decisions import Decision, Verdict
from domain.modes import Mode
from domain.requests import RequestKind
from policy.facts import Case


def judge(case: Case) -> Decision | None:
    """Ask for patience before the soak window has passed, and show the progress."""
    if case.request.kind is not RequestKind.RAISE_MODE or case.request.target != Mode.OPERATE.value:
        return None
    assert case.state.policy is not None, "the policy rule comes first"
    security, facts = case.state.policy.security, case.facts
    if facts.soak_days_passed >= security.soak_days and facts.soak_clean_runs >= security.soak_clean_runs:
        return None
    days = f"{min(facts.soak_days_passed, security.soak_days)} of {security.soak_days} days"
    runs = f"{min(facts.soak_clean_runs, security.soak_clean_runs)} of {security.soak_clean_runs} clean runs"
    return Decision(Verdict.NEEDS, "soak_not_passed", f"operate opens after the soak window: {days}, {runs}", ("soak",))
