"""One running run per slot: a second one would measure or change the same thing twice (docs/design.md)."""

from domain.decisions import Decision, Verdict
from domain.requests import RequestKind
from policy.facts import Case


def judge(case: Case) -> Decision | None:
    """Deny a dispatch while its slot is taken, and name the run that holds it."""
    busy = case.facts.slot_busy_with
    if case.request.kind in (RequestKind.DISPATCH, RequestKind.GRANT) and busy is not None:
        return Decision(Verdict.DENY, "slot_busy", f"{case.request.action} is already running as {busy}")
    return None
