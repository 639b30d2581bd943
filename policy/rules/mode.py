"""The kill switch: what may start in which mode (docs/design.md)."""

from domain.decisions import Decision, Verdict
from domain.modes import Mode
from domain.requests import RequestKind
from policy.facts import Case


def judge(case: Case) -> Decision | None:
    """Deny starting or approving work that the effective mode does not let the action do."""
    if case.request.kind not in (RequestKind.DISPATCH, RequestKind.GRANT):
        return None
    mode = case.facts.mode.effective
    if mode is Mode.OFF:
        return Decision(Verdict.DENY, "mode_off", f"the mode is off, held by {case.facts.mode.held_by}")
    policy = case.state.policy
    action = policy.actions.get(case.request.action or "") if policy else None
    if action is not None and mode not in action.modes:
        allowed = " or ".join(allowed.value for allowed in action.modes)
        return Decision(
            Verdict.DENY, "mode_too_low", f"{case.request.action} needs the mode {allowed}; it is {mode.value}"
        )
    return None
