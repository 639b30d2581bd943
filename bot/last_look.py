"""The second gate: what was allowed when it was committed is looked at once more before it is done."""

from domain.effects import Dispatch
from domain.modes import Mode, ModeSources
from policy.loading import PolicyState

MODE_OFF = "mode_off"


def objection(effect: Dispatch, mode: ModeSources, state: PolicyState) -> tuple[str, str] | None:
    """Return rule and sentence when a dispatch may no longer happen: mode lowered, or action gone from the policy (I2)."""
    if mode.effective is Mode.OFF:
        return MODE_OFF, f"the mode went off before it could start, held by {mode.held_by}"
    action = state.policy.actions.get(effect.action) if state.policy else None
    if action is None:
        return "action_unknown", "the policy no longer names this action"
    if mode.effective not in action.modes:
        return "mode_too_low", f"the mode went down to {mode.effective.value} before it could start"
    if action.workflow != effect.workflow or effect.ref not in action.refs or action.repository != effect.repository:
        return "digest_changed", "the policy changed what this action runs"
    return None
