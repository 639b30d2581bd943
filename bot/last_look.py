"""The second gate: what was allowed when it was committed is looked at once more before it is done."""

from datetime import datetime

from domain.approvals import ApprovalState
from domain.effects import Dispatch
from domain.modes import Mode, ModeSources
from domain.notices import Notice
from domain.runs import Run
from policy.file import Action
from policy.inputs import bind_inputs
from policy.loading import PolicyState
from store.tables import Tables

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
    if not _still_runs(action, effect):
        return "digest_changed", "the policy changed what this action runs"
    return None


def overtaken(run: Run | None, cancelled: bool) -> tuple[str, str] | None:
    """Return rule and sentence when the run of a dispatch ended, or was cancelled, before it could start."""
    if run is None or run.state.final:
        return "run_is_over", f"the run ended before it could start: {run.state.value if run else 'unknown'}"
    return ("cancelled", "it was cancelled before it could start") if cancelled else None


def closed_meanwhile(notice: Notice, tables: Tables, now: datetime) -> tuple[str, str] | None:
    """Return rule and sentence when a notice offers buttons for an approval that was decided or ran out meanwhile."""
    approval = tables.approvals.get(notice.subject) if notice.subject else None
    if approval is None:
        return None
    if approval.state is not ApprovalState.OPEN:
        return "approval_decided", f"{approval.handle} was {approval.state.value} before this was sent"
    if now >= approval.expires_at:
        return "approval_expired", f"{approval.handle} ran out before this was sent"
    return None


def _still_runs(action: Action, effect: Dispatch) -> bool:
    now = (action.forge, action.repository, action.workflow)
    return (
        now == (effect.forge, effect.repository, effect.workflow)
        and effect.ref in action.refs
        and action.pins.get(effect.ref) == effect.pin
        and bind_inputs(action.inputs, effect.inputs) == effect.inputs
    )
