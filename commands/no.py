"""no: refuse what somebody asked for; one refusal is final."""

from commands.answering import find_approval, subject_of
from commands.audience import resolved
from commands.changes import CastVote
from commands.command import Arguments, ArgumentType, Command, Context, Outcome, Parameter, Reply, Subject
from domain.approvals import ApprovalState, Vote
from domain.people import Scope
from domain.requests import RequestKind
from store.tables import Tables


def about(arguments: Arguments, context: Context, tables: Tables) -> Subject:
    """Name the approval."""
    return subject_of("no", RequestKind.REFUSE, arguments, context, tables)


def run(arguments: Arguments, context: Context, tables: Tables) -> Outcome:
    """Close the approval and tell the person who asked, with the note."""
    approval = find_approval(arguments.values["id"], tables)
    assert approval is not None, "the gate has checked that it waits"
    note = arguments.get("note") or ""
    vote = Vote(context.person.id, False, context.now, note)
    how = f"refused by {context.person.id}{f': {note}' if note else ''}"
    told = resolved(approval, how, tables, context.now)
    change = CastVote(approval, vote, ApprovalState.DENIED)
    return Outcome(Reply(f"{approval.handle} refused. Nothing was started.", ("approvals",)), (change,), told)


NO = Command(
    verb="no",
    usage="no <id> [note]",
    summary="refuse what somebody asked for",
    examples=("no 3K not today",),
    scope=Scope.APPROVE,
    parameters=(Parameter("id", ArgumentType.HANDLE), Parameter("note", ArgumentType.NOTE, required=False)),
    about=about,
    run=run,
)
