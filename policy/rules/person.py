"""Only people in our directory may ask for anything, and only with some proof that it is them."""

from domain.decisions import Decision, Verdict
from domain.people import Proof
from policy.facts import Case


def judge(case: Case) -> Decision | None:
    """Deny an unknown sender and a message without any proof."""
    if case.person is None:
        return Decision(Verdict.DENY, "unknown_person", "this address belongs to nobody enrolled here")
    if case.proof is Proof.NONE:
        return Decision(Verdict.DENY, "no_proof", "nothing proves who sent this")
    return None
