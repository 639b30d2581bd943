"""Lowering the mode is never blocked: anybody enrolled, any channel, whatever else is broken (I6)."""

from domain.decisions import Decision, Verdict
from domain.requests import RequestKind
from policy.facts import Case


def judge(case: Case) -> Decision | None:
    """Allow every request that lowers the mode; it comes right after the person is known."""
    if case.request.kind is RequestKind.LOWER_MODE:
        return Decision(Verdict.ALLOW, "lowering_is_always_allowed", "lowering the mode is always allowed")
    return None
