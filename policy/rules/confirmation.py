"""A one-time code must be right, in time, unused, and sent by whom it was made for (docs/design.md)."""

from domain.decisions import Decision, Verdict
from policy.facts import Case, ConfirmationState

_DENIALS = {
    ConfirmationState.LOCKED: Decision(
        Verdict.DENY,
        "code_locked",
        "five wrong codes: no codes from this address for 24 h; everything else still works",
    ),
    ConfirmationState.EXPIRED: Decision(
        Verdict.DENY, "confirmation_expired", "the confirmation has expired; send the command again"
    ),
    ConfirmationState.USED: Decision(
        Verdict.DENY, "confirmation_used", "this was confirmed before; nothing is done twice"
    ),
    ConfirmationState.FOREIGN: Decision(
        Verdict.DENY, "confirmation_foreign", "this confirmation waits for somebody else, or at another address"
    ),
}


def judge(case: Case) -> Decision | None:
    """Deny a message whose code is not right; one without a code, or with the right one, is judged by the other rules.

    Raises:
        KeyError: a state nobody thought of; the gate takes that for a denial.
    """
    confirmation = case.facts.confirmation
    if confirmation is None or confirmation.state is ConfirmationState.RIGHT:
        return None
    if confirmation.state is ConfirmationState.WRONG:
        return Decision(Verdict.DENY, "code_wrong", f"the code is wrong; {_tries(confirmation.tries_left)}")
    return _DENIALS[confirmation.state]


def _tries(left: int) -> str:
    if left <= 0:
        return "that was the last try for 24 h, everything else still works"
    return "1 try left" if left == 1 else f"{left} tries left"
