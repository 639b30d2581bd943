"""Approving medium risk by a chat account takes the number that whoever asked sees: no tap by reflex (docs/design.md)."""

from typing import assert_never

from domain.decisions import Decision, Verdict
from domain.people import Proof
from domain.requests import RequestKind, Risk
from policy.facts import Case, NumberState


def judge(case: Case) -> Decision | None:
    """Ask for the number where it is missing, and deny a wrong one for good: four buttons must not be tried in turn.

    Stronger proofs, and `session`, come from a screen that shows the whole request: they are not asked.
    """
    if case.request.kind is not RequestKind.GRANT or case.proof is not Proof.ACCOUNT:
        return None
    approval, target = case.facts.approval, case.request.target
    assert approval is not None, "the approval rule comes first"
    if approval.risk is not Risk.MEDIUM:
        return None
    match approval.number:
        case NumberState.RIGHT:
            return None
        case NumberState.MISSING | NumberState.NOT_ASKED:
            reason = f"send `ok {target} <number>`; the number is on the screen of who asked"
            return Decision(Verdict.NEEDS, "number_needed", reason, ("number",))
        case NumberState.WRONG:
            reason = f"that is not the number of {target}; you can no longer approve it, others can"
            return Decision(Verdict.DENY, "number_wrong", reason)
        case NumberState.SPENT:
            reason = f"you gave a wrong number for {target} before; others can still approve it"
            return Decision(Verdict.DENY, "number_spent", reason)
        case _ as forgotten:
            assert_never(forgotten)
