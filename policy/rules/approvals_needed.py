"""Some actions run only after other people agreed, and on GitHub they agree to one commit."""

from domain.decisions import Decision, Verdict
from domain.requests import RequestKind
from policy.facts import Case


def judge(case: Case) -> Decision | None:
    """Ask for the approvals the policy demands, unless this dispatch already carries them.

    Nobody is asked to approve a commit that is not known.
    """
    if case.request.kind is not RequestKind.DISPATCH or case.facts.approved:
        return None
    assert case.state.policy is not None, "the policy rule comes first"
    name = case.request.action or ""
    action = case.state.policy.actions[name]
    needed = action.approvals.needed
    if needed == 0:
        return None
    if action.forge == "github" and not case.facts.head_known:
        where = f"{case.request.ref or action.refs[0]} of {action.repository}"
        reason = f"nobody has seen for 15 min where {where} stands, so no commit can be approved; see `reins doctor`"
        return Decision(Verdict.DENY, "head_unknown", reason)
    people = "1 approval" if needed == 1 else f"{needed} approvals"
    return Decision(Verdict.NEEDS, "approval_needed", f"{name} needs {people}", ("approval",))
