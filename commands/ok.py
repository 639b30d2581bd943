"""ok: approve what somebody else asked for; the last approval needed starts exactly that. With a code it confirms."""

from commands.answering import find_approval, order_of, subject_of
from commands.audience import resolved
from commands.changes import CastVote
from commands.command import Arguments, ArgumentType, Command, Context, Outcome, Parameter, Reply, Subject
from commands.starting import intent_of, start_run
from domain.approvals import ApprovalState, Vote
from domain.people import Scope
from domain.requests import RequestKind
from store.tables import Tables


def about(arguments: Arguments, context: Context, tables: Tables) -> Subject:
    """Name the approval, the digest of what it would run now, and the slot that would be taken."""
    return subject_of("ok", RequestKind.GRANT, arguments, context, tables)


def run(arguments: Arguments, context: Context, tables: Tables) -> Outcome:
    """Count the vote; with the last one needed, start the run for the person who asked."""
    approval = find_approval(arguments.values["id"], tables)
    assert approval is not None, "the gate has checked that it waits"
    vote = Vote(context.person.id, True, context.now, "")
    granted = approval.granted + 1
    if granted < approval.needed:
        text = f"{approval.handle} has {granted} of {approval.needed} approvals."
        return Outcome(Reply(text, (f"why {approval.handle}",)), (CastVote(approval, vote, None),))
    assert context.state.policy is not None, "the gate allows nothing without a policy"
    intent = intent_of(context.state.policy, context.state.version, order_of(approval))
    assert intent is not None, "the gate has compared the digest"
    start = start_run(intent, context, tables, approval.reply_to, approval.id)
    how = f"approved by {context.person.id}, started as {start.run.handle}"
    told = resolved(approval, how, tables, context.now)
    text = f"{approval.handle} approved, started as {start.run.handle}."
    keys = (f"why {start.run.handle}", "status")
    return Outcome(Reply(text, keys), (CastVote(approval, vote, ApprovalState.APPROVED), start), told)


OK = Command(
    verb="ok",
    usage="ok <id> [code]",
    summary="approve what was asked, or confirm by code",
    examples=("ok 3K", "ok 3K 482913"),
    scope=Scope.APPROVE,
    parameters=(Parameter("id", ArgumentType.HANDLE), Parameter("code", ArgumentType.WORD, required=False)),
    about=about,
    run=run,
)
