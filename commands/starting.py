"""Turning an allowed request into a run: used where a run starts at once and where its last approval arrives."""

from dataclasses import dataclass
from datetime import timedelta

from commands.changes import StartRun
from commands.command import Context
from domain.digest import Intent
from domain.effects import Dispatch
from domain.runs import Run, RunState
from policy.file import Action, Policy
from policy.inputs import bind_inputs
from store.tables import Tables

DEFAULT_DEADLINE_SECONDS = 1800


@dataclass(frozen=True, slots=True)
class Ordered:
    """What somebody wants to run, as they said it, and the commit that is to be approved for it, if one is."""

    action: str
    ref: str | None
    inputs: dict[str, str]
    requested_by: str
    head_sha: str | None = None


def slot_of(policy: Policy | None, name: str, ref: str | None) -> str:
    """Return the slot a run holds: the action's own, else one per (loop or action, repository, ref)."""
    action = policy.actions.get(name) if policy else None
    if action is None:
        return name
    return action.slot or f"{action.loop or name}:{action.repository}:{ref or action.refs[0]}"


def intent_of(policy: Policy, version: str, order: Ordered) -> Intent | None:
    """Return exactly what an order would run now, or None when the policy no longer allows it as it stands."""
    action = policy.actions.get(order.action)
    if action is None:
        return None
    inputs = bind_inputs(action.inputs, order.inputs)
    if isinstance(inputs, str):
        return None
    return Intent(
        action=order.action,
        forge=action.forge,
        repository=action.repository,
        workflow=action.workflow,
        ref=order.ref or action.refs[0],
        inputs=inputs,
        requested_by=order.requested_by,
        policy_version=version,
        head_sha=order.head_sha,
    )


def start_run(intent: Intent, context: Context, tables: Tables, reply_to: str, approval: str | None) -> StartRun:
    """Return the change that starts a run of this intent; the gate has allowed it."""
    assert context.state.policy is not None, "the gate allows nothing without a policy"
    action = context.state.policy.actions[intent.action]
    run = Run(
        id=context.new_id(),
        handle=tables.handles.next(context.now),
        action=intent.action,
        repository=intent.repository,
        ref=intent.ref,
        inputs=dict(intent.inputs),
        state=RunState.ACCEPTED,
        requested_by=intent.requested_by,
        reply_to=reply_to,
        correlation=context.new_id(),
        created_at=context.now,
        deadline_at=context.now + timedelta(seconds=_deadline_seconds(context.state.policy, action)),
        approval=approval,
        expected_sha=intent.head_sha,
    )
    dispatch = Dispatch(
        run_id=run.id,
        action=run.action,
        forge=intent.forge,
        repository=run.repository,
        workflow=intent.workflow,
        ref=run.ref,
        inputs=run.inputs,
        correlation=run.correlation,
        digest=intent.digest(),
        pin=action.pins.get(intent.ref),
        approved_sha=intent.head_sha,
    )
    return StartRun(run, slot_of(context.state.policy, intent.action, run.ref), dispatch)


def _deadline_seconds(policy: Policy, action: Action) -> int:
    if action.loop is None:
        return DEFAULT_DEADLINE_SECONDS
    return {
        "triage": policy.loops.triage,
        "mutation": policy.loops.mutation,
        "autonomy": policy.loops.autonomy,
    }[action.loop].deadline_seconds
