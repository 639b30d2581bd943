"""What cannot be recorded is not done."""

from domain.decisions import Decision, Verdict
from policy.facts import Case


def judge(case: Case) -> Decision | None:
    """Deny writes while the audit log cannot be written; reads still answer (docs/design.md)."""
    if case.request.kind.writes and not case.facts.audit_writable:
        return Decision(Verdict.DENY, "audit_unwritable", "the audit log cannot be written, so nothing may be changed")
    return None
