"""Nothing is dispatched that the policy file does not name, at no ref and with no input it does not name."""

from domain.decisions import Decision, Verdict
from domain.requests import RequestKind
from policy.facts import Case
from policy.inputs import bind_inputs


def judge(case: Case) -> Decision | None:
    """Deny an unknown action, a ref that is not listed, and inputs that do not fit their types (D28)."""
    kind, name = case.request.kind, case.request.action
    if kind is not RequestKind.DISPATCH and (kind is not RequestKind.GRANT or name is None):
        return None
    if name is None:
        return Decision(Verdict.DENY, "action_unknown", "no action is named")
    policy = case.state.policy
    action = policy.actions.get(name) if policy else None
    if action is None:
        return Decision(Verdict.DENY, "action_unknown", f"the policy names no action {name}")
    if case.request.ref is not None and case.request.ref not in action.refs:
        return Decision(Verdict.DENY, "ref_not_allowed", f"{name} may not run on {case.request.ref}")
    bound = bind_inputs(action.inputs, case.request.inputs)
    if isinstance(bound, str):
        return Decision(Verdict.DENY, "input_invalid", bound)
    return None
