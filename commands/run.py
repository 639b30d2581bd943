"""run: start an allowlisted action."""

from datetime import timedelta

from commands.audience import approval_notices
from commands.changes import OpenApproval
from commands.command import Arguments, ArgumentType, Command, Context, Outcome, Parameter, Reply, Subject
from commands.starting import Ordered, intent_of, slot_of, start_run
from domain.approvals import Approval, ApprovalState
from domain.digest import Intent
from domain.people import Scope
from domain.requests import Request, RequestKind, Risk
from store.tables import Tables


def about(arguments: Arguments, context: Context, tables: Tables) -> Subject:  # noqa: ARG001 - every command has this shape
    """Name the action, and the run that holds its slot if there is one."""
    action, ref = arguments.values["action"].lower(), arguments.get("ref")
    slot = slot_of(context.state.policy, action, ref)
    request = Request("run", RequestKind.DISPATCH, Scope.OPERATE, action, action, ref, dict(arguments.options))
    return Subject(request, slot=slot)


def run(arguments: Arguments, context: Context, tables: Tables) -> Outcome:
    """Start the action and say under which id its notices come back."""
    intent = _intent(arguments, context)
    start = start_run(intent, context, tables, context.reply_to.text(), None)
    handle = start.run.handle
    text = f"{handle} {intent.action} on {intent.repository}@{intent.ref} accepted. Notices come here."
    return Outcome(Reply(text, (f"why {handle}", f"abort {handle}", "status")), (start,))


def ask(arguments: Arguments, context: Context, tables: Tables) -> Outcome:
    """Ask other people to approve exactly this, and tell the requester under which id it waits."""
    intent = _intent(arguments, context)
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
    )
    text = f"{approval.handle} {intent.action} waits for {approval.needed} approval(s), {rules.approvals.expires_minutes} min."
    if approval.match_number is not None:
        text += f" Its number is {approval.match_number}: tell it to whoever approves."
    asked = approval_notices(approval, context.everyone(), context.state)
    return Outcome(Reply(text, ("approvals", f"why {approval.handle}")), (OpenApproval(approval),), asked)


def _intent(arguments: Arguments, context: Context) -> Intent:
    assert context.state.policy is not None, "the gate allows nothing without a policy"
    order = Ordered(
        arguments.values["action"].lower(), arguments.get("ref"), dict(arguments.options), context.person.id
    )
    intent = intent_of(context.state.policy, context.state.version, order)
    assert intent is not None, "the gate has checked action and inputs"
    return intent


RUN = Command(
    verb="run",
    short="r",
    usage="run <action> [ref] [name=value ...]",
    summary="start an allowlisted action",
    examples=("run mutation", "run triage main"),
    scope=Scope.OPERATE,
    parameters=(Parameter("action", ArgumentType.WORD), Parameter("ref", ArgumentType.WORD, required=False)),
    options=True,
    about=about,
    run=run,
    ask=ask,
)
