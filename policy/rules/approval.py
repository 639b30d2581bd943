"""Answering an approval: it must be open, unexpired, unchanged, and asked for by somebody else (I7)."""

from domain.decisions import Decision, Verdict
from domain.requests import RequestKind
from policy.facts import ApprovalFacts, Case

OPEN = "open"


def judge(case: Case) -> Decision | None:
    """Deny an answer to an approval that is unknown, decided, expired, changed, one's own, or answered before."""
    if case.request.kind not in (RequestKind.GRANT, RequestKind.REFUSE):
        return None
    approval, target = case.facts.approval, case.request.target
    if approval is None:
        return Decision(Verdict.DENY, "approval_unknown", f"nothing called {target} waits for an answer")
    if approval.state != OPEN:
        return Decision(Verdict.DENY, "approval_decided", _decided(target, approval))
    if approval.expires_in_seconds <= 0:
        return Decision(Verdict.DENY, "approval_expired", f"{target} has expired; ask again")
    return _judge_grant(case, approval) if case.request.kind is RequestKind.GRANT else None


def _decided(target: str, approval: ApprovalFacts) -> str:
    if approval.decided_by is None:
        return f"{target} is already decided: {approval.state}"
    return f"{target} is already {approval.state}, by {approval.decided_by}"


def _judge_grant(case: Case, approval: ApprovalFacts) -> Decision | None:
    target = case.request.target
    assert case.person is not None, "the person rule comes first"
    if not approval.digest_matches:
        return Decision(Verdict.DENY, "digest_changed", f"what {target} would run has changed since it was asked for")
    if approval.requested_by == case.person.id and not approval.allow_self:
        return Decision(Verdict.DENY, "self_approval", f"you asked for {target}; somebody else must approve it")
    if approval.voted_already:
        return Decision(Verdict.DENY, "voted_already", f"you have already approved {target}")
    return None
