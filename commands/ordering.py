"""What `run` and `fix` share: an order described to the gate, made exact, and put before other people."""

from dataclasses import replace
from datetime import timedelta

from commands.audience import approval_notices
from commands.changes import OpenApproval
from commands.command import Context, Outcome, Reply, Subject
from commands.heads import binds_commit, fresh_head
from commands.starting import Ordered, intent_of, slot_of
from domain.approvals import Approval, ApprovalState
from domain.digest import Intent
from domain.people import Scope
from domain.requests import Request, RequestKind, Risk
from store.tables import Tables


def describe(verb: str, order: Ordered, context: Context) -> Subject:
    """Name the action for the gate, and the slot its run would hold."""
    action, ref = order.action, order.ref
    request = Request(verb, RequestKind.DISPATCH, Scope.OPERATE, action, action, ref, order.inputs)
    return Subject(request, slot=slot_of(context.state.policy, action, ref))


def put_to_others(order: Ordered, context: Context, tables: Tables, purpose: str = "") -> Outcome:
    """Ask other people to approve exactly this, and tell the requester under which id it waits.

    `purpose` is one line that they and the requester read as well: what the inputs stand for.
    """
    intent = exactly(order, context, tables)
    assert context.state.policy is not None, "the gate asks for approvals only under a policy"
    rules = context.state.policy.actions[intent.action]
    approval = Approval(
        id=context.new_id(),
        handle=tables.handles.next(context.now),
        state=ApprovalState.OPEN,
        action=intent.action,
        ref=intent.ref,
        inputs=dict(intent.inputs),
        digest=intent.digest(),
        risk=rules.risk,
        requested_by=context.person.id,
        reply_to=context.reply_to.text(),
        needed=rules.approvals.needed,
        allow_self=rules.approvals.allow_self,
        made_at=context.now,
        expires_at=context.now + timedelta(minutes=rules.approvals.expires_minutes),
        match_number=context.two_digits() if rules.risk is Risk.MEDIUM else None,
        head_sha=intent.head_sha,
    )
    text = f"{approval.handle} {intent.action} waits for {approval.needed} approval(s), {rules.approvals.expires_minutes} min."
    if approval.match_number is not None:
        text += f" Its number is {approval.match_number}: tell it to whoever approves."
    asked = approval_notices(approval, context.everyone(), context.state, purpose)
    reply = Reply(f"{text}\n{purpose}".rstrip(), ("approvals", f"why {approval.handle}"))
    return Outcome(reply, (OpenApproval(approval),), asked)


def exactly(order: Ordered, context: Context, tables: Tables) -> Intent:
    """Return exactly what an order runs, at the commit that is to be approved where one is; the gate has checked it."""
    assert context.state.policy is not None, "the gate allows nothing without a policy"
    action = context.state.policy.actions[order.action]
    ref = order.ref or action.refs[0]
    head = fresh_head(action, ref, tables, context.now) if binds_commit(action) else None
    intent = intent_of(context.state.policy, context.state.version, replace(order, head_sha=head))
    assert intent is not None, "the gate has checked action and inputs"
    return intent
