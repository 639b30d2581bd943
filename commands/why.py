"""why: one decision, run or approval, explained from the record."""

import json

from channels.gsm7 import transliterate
from commands.answer import Answer
from commands.command import Arguments, ArgumentType, Command, Context, Outcome, Parameter, Reply, reading
from commands.wording import number, run_line
from domain.approvals import Approval
from domain.clock import describe_age, to_text
from domain.confirmations import Confirmation
from domain.git_names import short
from domain.people import Scope
from domain.runs import Run
from store.tables import Tables


def run(arguments: Arguments, context: Context, tables: Tables) -> Outcome:
    """Explain what a handle points at; the newest bearer of the handle counts."""
    handle = arguments.values["id"]
    meaning = tables.handles.meaning(handle)
    if meaning is None:
        return Outcome(Reply(f"There is nothing called {handle}.", ("last", "approvals")))
    kind, target = meaning
    if kind == "run":
        found = tables.runs.get(target)
        return _explain_run(found, context, tables) if found else _gone(handle)
    if kind == "approval":
        approval = tables.approvals.get(target)
        return _explain_approval(approval, context) if approval else _gone(handle)
    if kind == "answer":
        return _go_on(handle, target, context, tables)
    if kind == "confirmation":
        confirmation = tables.confirmations.get(target)
        return _explain_confirmation(confirmation, context) if confirmation else _gone(handle)
    row = tables.audit.row(int(target))
    return _explain_decision(row) if row else _gone(handle)


def _gone(handle: str) -> Outcome:
    return Outcome(Reply(f"The record behind {handle} is past its retention.", ("last",)))


def _go_on(handle: str, target: str, context: Context, tables: Tables) -> Outcome:
    """Show the rest of a long answer, to the person it was given to."""
    number, _, start = target.partition(":")
    answered = tables.inbox.answered(int(number))
    if answered is None or answered[0] != context.person.id:
        return _gone(handle)
    answer = Answer.from_json(answered[1])
    return Outcome(Reply(transliterate(answer.text or "")[int(start) :].lstrip(), answer.keys))


def _explain_confirmation(confirmation: Confirmation, context: Context) -> Outcome:
    if confirmation.person != context.person.id:
        return _gone(confirmation.handle)
    state = "was confirmed" if confirmation.consumed_at else "waits for its code"
    if confirmation.consumed_at is None and context.now >= confirmation.expires_at:
        state = "ran out before its code came"
    text = f"{confirmation.handle}: {confirmation.text} {state}, until {to_text(confirmation.expires_at)}."
    return Outcome(Reply(text, ("menu",)))


def _explain_run(run_: Run, context: Context, tables: Tables) -> Outcome:
    lines = [
        run_line(run_, context.now),
        f"asked by {run_.requested_by} {describe_age(run_.created_at, context.now)} ago, {run_.repository}@{run_.ref}",
        f"unresolved {number(run_.unresolved)}, commit {short(run_.head_sha) if run_.head_sha else 'unknown'}",
    ]
    for at, was, became, reason in tables.runs.transitions(run_.id):
        lines.append(f"{to_text(at)[11:19]} {was or 'asked'} > {became}{f': {reason}' if reason else ''}")
    return Outcome(Reply("\n".join(lines), ("last",) if run_.state.final else (f"abort {run_.handle}", "status")))


def _explain_approval(approval: Approval, context: Context) -> Outcome:
    inputs = " ".join(f"{name}={value}" for name, value in sorted(approval.inputs.items()))
    commit = f" at commit {short(approval.head_sha)}" if approval.head_sha else ""
    votes = ", ".join(f"{vote.person} {'ok' if vote.grants else 'no'}" for vote in approval.votes) or "nobody yet"
    text = (
        f"{approval.handle} {approval.state.value}: {approval.requested_by} asked for {approval.action} on {approval.ref}"
        f"{commit} {inputs}\nrisk {approval.risk.value}, {approval.granted} of {approval.needed} approvals, answered: {votes}\n"
        f"until {to_text(approval.expires_at)}, digest {short(approval.digest)}"
    )
    waits = approval.expires_at > context.now and approval.state.value == "open"
    return Outcome(Reply(text, (f"ok {approval.handle}", f"no {approval.handle}") if waits else ("last",)))


def _explain_decision(body: bytes) -> Outcome:
    row = json.loads(body)
    text = (
        f"{row['decision']} by rule {row['rule']}: {row['reason']}\n"
        f"{row['actor']} asked {row['action']} {row['target']} on {row['channel']} with proof {row['proof']}\n"
        f"at {row['at']}, audit row {row['seq']}, policy {row['policy_version'][:8]}"
    )
    return Outcome(Reply(text, ("menu", "status")))


WHY = Command(
    verb="why",
    usage="why <id>",
    summary="explain a decision, run or refusal",
    examples=("why 3K",),
    scope=Scope.READ,
    parameters=(Parameter("id", ArgumentType.HANDLE),),
    about=reading("why"),
    run=run,
)
