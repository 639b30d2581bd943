"""Who is told what: approvers about a request, everybody about the mode."""

from collections.abc import Iterator

from commands.command import Context
from domain.approvals import Approval
from domain.effects import Deliver
from domain.modes import Mode
from domain.notices import Notice, NoticeKind
from domain.people import AddressKind, Person, Scope
from policy.rules.scope import scopes_of


def thread_of(person: Person) -> str:
    """Return the address of a person's own chat thread, which every enrolled person has."""
    return f"{AddressKind.WEB.value}:{person.id}"


def approvers(context: Context, approval: Approval) -> Iterator[str]:
    """Return the threads of the people who may answer an approval."""
    for person in context.everyone():
        may = Scope.APPROVE in scopes_of(person, context.state)
        if may and (approval.allow_self or person.id != approval.requested_by):
            yield thread_of(person)


def approval_notice(approval: Approval, to: str) -> Deliver:
    """Ask one approver: who wants it, what exactly would run, the risk, and until when."""
    inputs = " ".join(f"{name}={value}" for name, value in sorted(approval.inputs.items()))
    what = f"{approval.action} on {approval.ref} {inputs}".rstrip()
    text = (
        f"{approval.handle}: {approval.requested_by} asks to run {what}. Risk {approval.risk.value}."
        f" Answer ok {approval.handle} or no {approval.handle} before {approval.expires_at:%H:%M} UTC."
    )
    return Deliver(to, Notice(f"{approval.id}:{NoticeKind.APPROVAL_REQUEST.value}", NoticeKind.APPROVAL_REQUEST, text))


def resolved_notice(approval: Approval, how: str, to: str) -> Deliver:
    """Tell one person how an approval ended."""
    key = f"{approval.id}:{NoticeKind.APPROVAL_RESOLVED.value}"
    return Deliver(to, Notice(key, NoticeKind.APPROVAL_RESOLVED, f"{approval.handle} {approval.action}: {how}."))


def mode_notices(context: Context, mode: Mode) -> tuple[Deliver, ...]:
    """Tell everybody else that the mode changed and who did it."""
    text = f"Mode is now {mode.value}, set by {context.person.id} on {context.channel}."
    notice = Notice(f"mode:{context.new_id()}", NoticeKind.MODE_CHANGED, text, mode=mode.value)
    return tuple(Deliver(thread_of(person), notice) for person in context.everyone() if person.id != context.person.id)
