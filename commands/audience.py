"""Who is told what, and in which words: approvers about a request, everybody about its outcome and about the mode."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from commands.command import Context
from domain.approvals import Approval, ApprovalState
from domain.effects import Deliver, Outgoing, Tell, TellTeam
from domain.ids import fingerprint
from domain.modes import Mode
from domain.notices import Choice, ChoiceStyle, Notice, NoticeKind, Urgency
from domain.people import AddressKind, Person, Scope
from domain.requests import Risk
from policy.loading import PolicyState
from policy.rules.scope import scopes_of
from store.tables import Tables

NUMBERS_SHOWN = 4  # one right number among four: who did not see the requester's screen is wrong three times of four
DIGEST_SHOWN_CHARACTERS = 12
COMMIT_SHOWN_CHARACTERS = 12
_OUTCOMES = {
    ApprovalState.OPEN: "still waits",
    ApprovalState.APPROVED: "approved",
    ApprovalState.DENIED: "refused",
    ApprovalState.EXPIRED: "expired, nothing was started",
}


def thread_of(person: str) -> str:
    """Return the address of a person's own chat thread, which everybody enrolled has."""
    return f"{AddressKind.WEB.value}:{person}"


def approvers(approval: Approval, everyone: Sequence[Person], state: PolicyState) -> Iterator[Person]:
    """Return the people who may answer an approval."""
    for person in everyone:
        may = Scope.APPROVE in scopes_of(person, state)
        if may and (approval.allow_self or person.id != approval.requested_by):
            yield person


def approval_notices(
    approval: Approval, everyone: Sequence[Person], state: PolicyState, purpose: str = ""
) -> tuple[Outgoing, ...]:
    """Ask every approver, with buttons of their own, and show the request to the team; its `purpose` comes first."""
    key, text = f"{approval.id}:{NoticeKind.APPROVAL_REQUEST.value}", f"{purpose}\n{_request(approval, state)}".lstrip()
    asked = [_ask(approval, key, text, person.id) for person in approvers(approval, everyone, state)]
    return (*asked, TellTeam(_request_notice(approval, key, text, None)))


def reminder(approval: Approval, everyone: Sequence[Person], state: PolicyState) -> tuple[Outgoing, ...]:
    """Ask those approvers once more who have not answered; the buttons stay on the first message, so that one card dies."""
    key = f"{approval.id}:{NoticeKind.APPROVAL_REQUEST.value}:reminder"
    text = f"Still waiting, on the message above or here. {_request(approval, state)}"
    notice = replace(_request_notice(approval, key, text, None), choices=())
    answered = {vote.person for vote in approval.votes}
    return tuple(
        Tell(person.id, notice) for person in approvers(approval, everyone, state) if person.id not in answered
    )


def resolved(approval: Approval, how: str, tables: Tables, now: datetime) -> tuple[Outgoing, ...]:
    """Bring every message that shows a request up to date, and tell who asked how it ended.

    `how` says the outcome and who brought it about, such as `approved by ann, started as 4M`.
    """
    text = f"{approval.handle} {approval.action}: {how}"
    cards = (_card(approval, f"{text}, {now:%H:%M} UTC.", to) for to in tables.cards.showing(approval.id))
    key = f"{approval.id}:{NoticeKind.APPROVAL_RESOLVED.value}"
    told = Notice(key, NoticeKind.APPROVAL_RESOLVED, f"{text}.", subject=approval.id)
    # The groups' messages are brought up to date above; Slack's cannot be, so it is told anew.
    team = TellTeam(told, but_not=AddressKind.TELEGRAM.value)
    return (*cards, Tell(approval.requested_by, told, origin=approval.reply_to), team)


def outdated(approval: Approval) -> Tell:
    """Tell who asked that nobody can approve it any more: what it would run is no longer what they asked for."""
    text = f"{approval.handle} {approval.action}: what it would run has changed since you asked. Ask again."
    notice = Notice(f"{approval.id}:outdated", NoticeKind.APPROVAL_RESOLVED, text, subject=approval.id)
    return Tell(approval.requested_by, notice, origin=approval.reply_to)


def outcome_card(approval: Approval, to: str) -> Deliver:
    """Bring one message up to date that was sent while its request was being decided."""
    by = f" by {approval.decided_by}" if approval.decided_by and approval.state is not ApprovalState.EXPIRED else ""
    return _card(approval, f"{approval.handle} {approval.action}: {_OUTCOMES[approval.state]}{by}.", to)


def mode_notices(context: Context, mode: Mode) -> tuple[Outgoing, ...]:
    """Tell everybody else and the team that the mode changed and who did it."""
    text = f"Mode is now {mode.value}, set by {context.person.id} on {context.channel}."
    key = f"mode:{context.new_id()}"
    notice = Notice(key, NoticeKind.MODE_CHANGED, text, mode=mode.value, urgency=Urgency.HIGH)
    others = (person.id for person in context.everyone() if person.id != context.person.id)
    return (*(Tell(person, notice) for person in others), TellTeam(notice))


def _card(approval: Approval, text: str, to: str) -> Deliver:
    notice = Notice(f"{approval.id}:{NoticeKind.CARD.value}", NoticeKind.CARD, text, subject=approval.id)
    return Deliver(to, notice)


def _ask(approval: Approval, key: str, text: str, person: str) -> Tell:
    return Tell(person, _request_notice(approval, key, text, person))


def _request_notice(approval: Approval, key: str, text: str, choices_for: str | None) -> Notice:
    return Notice(
        key=key,
        kind=NoticeKind.APPROVAL_REQUEST,
        text=text,
        urgency=Urgency.HIGH,
        subject=approval.id,
        choices=_choices(approval),
        choices_for=choices_for,
        choices_until=approval.expires_at,
        digest=approval.digest,
    )


def _request(approval: Approval, state: PolicyState) -> str:
    """Write out everything that would run: nothing is shortened, so that nobody approves what they cannot see.

    Inputs are shown as they will be sent: they came through the parser's cleaning or stand in the policy file.
    """
    action = state.policy.actions.get(approval.action) if state.policy else None
    where = f"{action.repository} {action.workflow}" if action else "an action that the policy no longer names"
    return "\n".join(
        [
            f"{approval.handle}: {approval.requested_by} asks to run {approval.action}",
            f"{where} on {approval.ref}{_at_commit(approval)}",
            *(f"{name}={value}" for name, value in sorted(approval.inputs.items())),
            f"risk {approval.risk.value}, rule approval_needed: {approval.granted} of {approval.needed} approvals given",
            f"digest {approval.digest[:DIGEST_SHOWN_CHARACTERS]}, until {approval.expires_at:%H:%M} UTC",
            _how_to_answer(approval),
        ]
    )


def _at_commit(approval: Approval) -> str:
    return f" at commit {approval.head_sha[:COMMIT_SHOWN_CHARACTERS]}" if approval.head_sha else ""


def _how_to_answer(approval: Approval) -> str:
    ok, no = f"ok {approval.handle}", f"no {approval.handle}"
    if approval.risk is Risk.HIGH:
        return f"Approve it at the console, or on the page with a passkey. Refuse it with {no}."
    if approval.risk is Risk.MEDIUM:
        seen = f"{approval.requested_by} sees the number; the page and the console need none."
        return f"Answer {ok} <number> or {no}. {seen}"
    return f"Answer {ok} or {no}."


def _choices(approval: Approval) -> tuple[Choice, ...]:
    """Return the buttons: what is risky cannot be approved by one tap, what is riskier by none."""
    ok, deny = f"ok {approval.handle}", Choice("Deny", f"no {approval.handle}", ChoiceStyle.DENY)
    if approval.risk is Risk.REPORT:
        return (Choice("Approve", ok, ChoiceStyle.APPROVE), deny)
    if approval.risk is Risk.MEDIUM and approval.match_number is not None:
        numbers = _numbers_around(approval.match_number, approval.digest)
        return (*(Choice(one, f"{ok} {one}", ChoiceStyle.APPROVE) for one in numbers), deny)
    return (deny,)


def _numbers_around(right: str, digest: str) -> list[str]:
    """Return the right two-digit number among three others.

    The digest deals all numbers into fixed hands of four, and the hand that holds the right one is shown: any of its
    four would have shown the same hand, so nobody can work out which one is right.
    """
    dealt = sorted((f"{number:02}" for number in range(100)), key=lambda one: fingerprint(f"{digest}:{one}"))
    start = dealt.index(right) // NUMBERS_SHOWN * NUMBERS_SHOWN
    return dealt[start : start + NUMBERS_SHOWN]
