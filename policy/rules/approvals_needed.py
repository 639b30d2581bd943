"""Some actions run only after other people agreed."""

from domain.decisions import Decision, Verdict
from domain.requests import RequestKind
from policy.facts import Case


def judge(case: Case) -> Decision | None:
    """Ask for the approvals the policy demands, unless this dispatch already carries them."""
    if case.request.kind is not RequestKind.DISPATCH or case.facts.approved:
        return None
    assert case.state.policy is not None, "the policy rule comes first"
    approvals = case.state.policy.actions[case.request.action or ""].approvals
    if approvals.needed == 0:
        return None
    people = "1 approval" if approvals.needed == 1 else f"{approvals.needed} approvals"
    return Decision(Verdict.NEEDS, "approval_needed", f"{case.request.action} needs {people}", ("approval",))
