"""May this fix run here and now: pure, default deny, with a closed list of reasons (D20-D25)."""

from collections.abc import Mapping
from enum import StrEnum

from domain.decisions import Decision, Verdict
from domain.modes import Mode
from forge.code import BranchRules
from loops.fixing.order import FixRequest, limits_of, named_action
from policy.file import FixAction, Policy
from policy.inputs import bind_inputs
from policy.loading import PolicyState


class FixRule(StrEnum):
    """Every rule that can decide about a fix."""

    POLICY_MISSING = "policy_missing"
    POLICY_INVALID = "policy_invalid"
    MODE_INVALID = "mode_invalid"
    MODE_OFF = "mode_off"
    MODE_TOO_LOW = "mode_too_low"
    BRANCH_NOT_ALLOWED = "branch_not_allowed"
    BRANCH_PROTECTED = "branch_protected"
    FIX_ACTION_UNKNOWN = "fix_action_unknown"
    FIX_ARGUMENTS_INVALID = "fix_arguments_invalid"
    ALLOWED = "allowed"


def fix_decision(state: PolicyState, mode: str | None, wanted: FixRequest, rules: BranchRules) -> Decision:
    """Decide one fix. Pure: the same arguments always give the same decision.

    Args:
        state: the policy, read before anything that could change its file was run.
        mode: `AUTONOMY_MODE` as the environment has it, None where it is not set; it can only lower the policy's mode.
        wanted: the loop, the branch and the named action with its arguments.
        rules: what protects the branch on its forge.
    """
    if state.policy is None:
        problem = state.problems[0] if state.problems else "no reason given"
        return _deny(FixRule(state.status.value), f"nothing may be fixed without a policy: {problem}")
    return (
        _mode_objection(state.policy, mode)
        or _branch_objection(state.policy, wanted, rules)
        or _action_objection(state.policy, wanted)
        or Decision(Verdict.ALLOW, FixRule.ALLOWED, "mode, branch and policy allow this fix")
    )


def bound_arguments(action: FixAction, given: Mapping[str, str]) -> dict[str, str] | str:
    """Return the complete arguments as text, or one sentence that names what is wrong.

    Beyond their types they must be printable, and one that only a pattern bounds must not look like an option: a
    program would take `--output=/etc/x` for one, wherever it stands (D25).
    """
    bound = bind_inputs(action.arguments, given)
    if isinstance(bound, str):
        return bound
    for name, value in bound.items():
        option_like = action.arguments[name].pattern is not None and value.startswith("-")
        if option_like or not value.isprintable():
            return f"the input {name} must be printable and must not begin with a dash"
    return bound


def _mode_objection(policy: Policy, environment: str | None) -> Decision | None:
    if environment is not None and environment not in {mode.value for mode in Mode}:
        words = "AUTONOMY_MODE must be off, read-only or operate, or not be set at all; nothing is fixed until it is"
        return _deny(FixRule.MODE_INVALID, words)
    named = Mode(environment) if environment is not None else policy.autonomy_mode_default
    effective = min(named, policy.autonomy_mode_default, key=lambda mode: mode.rank)
    if effective is Mode.OFF:
        return _deny(FixRule.MODE_OFF, "the mode is off")
    if effective is not Mode.OPERATE:
        return _deny(FixRule.MODE_TOO_LOW, f"fixing needs the mode operate; it is {effective.value}")
    return None


def _branch_objection(policy: Policy, wanted: FixRequest, rules: BranchRules) -> Decision | None:
    if wanted.branch not in limits_of(policy, wanted.loop).allowed_branches:
        reason = f"{wanted.branch} is not in loops.{wanted.loop}.allowed_branches"
        return _deny(FixRule.BRANCH_NOT_ALLOWED, reason)
    if rules.locked or rules.needs_pull_request:
        what = "is locked" if rules.locked else "takes changes by pull request only"
        return _deny(FixRule.BRANCH_PROTECTED, f"{wanted.branch} {what}: its protection is not worked around")
    return None


def _action_objection(policy: Policy, wanted: FixRequest) -> Decision | None:
    action = named_action(policy, wanted.loop, wanted.fix.action)
    if action is None:
        known = ", ".join(action.name for action in limits_of(policy, wanted.loop).fix_actions) or "none"
        reason = f"loops.{wanted.loop}.fix_actions names no {wanted.fix.action}; known: {known}"
        return _deny(FixRule.FIX_ACTION_UNKNOWN, reason)
    bound = bound_arguments(action, wanted.fix.arguments)
    if isinstance(bound, str):
        return _deny(FixRule.FIX_ARGUMENTS_INVALID, f"{action.name}: {bound}")
    return None


def _deny(rule: FixRule, reason: str) -> Decision:
    return Decision(Verdict.DENY, rule, reason)
