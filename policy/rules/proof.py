"""How sure we must be that it is them, by what they ask for (docs/design.md)."""

from typing import assert_never

from domain.decisions import Decision, Verdict
from domain.people import Proof
from domain.requests import RequestKind, Risk
from policy.facts import Case

HOW_TO_GET = {
    Proof.ADDRESS: "send it from an enrolled address",
    Proof.CODE: "confirm it with a one-time code",
    Proof.ACCOUNT: "send it from the web page or a linked chat account",
    Proof.DEVICE: "send it from `reins chat` on the bot's own machine",
}
_BY_RISK = {Risk.REPORT: Proof.CODE, Risk.MEDIUM: Proof.ACCOUNT, Risk.HIGH: Proof.DEVICE}


def needed_proof(case: Case) -> Proof:
    """Return the weakest proof that is enough for this request."""
    match case.request.kind:
        case RequestKind.READ | RequestKind.LOWER_MODE:
            return Proof.ADDRESS
        case RequestKind.ABORT | RequestKind.REFUSE | RequestKind.PREFERENCE:
            return Proof.CODE
        case RequestKind.RAISE_MODE:
            policy = case.state.policy
            return policy.security.raise_proof if policy else Proof.DEVICE
        case RequestKind.GRANT:
            risk = case.facts.approval.risk if case.facts.approval else Risk.HIGH
            return Proof.DEVICE if risk is Risk.HIGH else Proof.ACCOUNT
        case RequestKind.DISPATCH:
            action = case.state.policy.actions.get(case.request.action or "") if case.state.policy else None
            return _BY_RISK[action.risk if action else Risk.HIGH]
        case _ as forgotten:
            assert_never(forgotten)


def judge(case: Case) -> Decision | None:
    """Ask for a stronger proof where the present one is too weak, and say how to get it."""
    needed = needed_proof(case)
    if case.proof.rank >= needed.rank:
        return None
    reason = (
        f"{case.request.verb} needs the proof {needed.value}, this came with {case.proof.value}: {HOW_TO_GET[needed]}"
    )
    return Decision(Verdict.NEEDS, "proof_too_weak", reason, (f"proof:{needed.value}",))
