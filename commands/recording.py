"""Writing what a command decided: the only place where changes of our own records and outbox rows are made."""

from datetime import datetime, timedelta
from typing import assert_never

from commands.changes import (
    CastVote,
    Change,
    OpenApproval,
    OpenConfirmation,
    SetMode,
    SetReachable,
    StartRun,
)
from commands.preference_changes import record_preference
from domain.clock import to_text
from domain.effects import CancelRun, Deliver, Dispatch, Effect, LinkAddress
from domain.notices import Notice, NoticeKind
from store.tables import Tables

NOTICE_LIFETIME = timedelta(hours=24)  # docs/design.md: a notice older than a day tells nobody anything
REPLY_LIFETIME = timedelta(hours=1)  # an answer this late answers a question that nobody remembers
TOAST_LIFETIME = timedelta(minutes=2)  # the app that shows it gives up sooner (Telegram: about ten seconds)
DISPATCH_LIFETIME = timedelta(minutes=15)  # later than this the person has moved on, and the ref too


class AlreadyDecidedError(Exception):
    """Somebody else decided between our reading and our writing; the whole transaction is undone."""


def record(change: Change, tables: Tables, now: datetime) -> None:
    """Write one change.

    Raises:
        AlreadyDecidedError: an approval was decided or expired meanwhile.
    """
    match change:
        case StartRun():
            _start(change, tables, now)
        case SetMode(mode=mode, person=person):
            tables.mode.set(mode, person, now)
        case OpenApproval(approval=approval):
            tables.approvals.open(approval)
            tables.handles.give(approval.handle, "approval", approval.id, now)
        case CastVote():
            _vote(change, tables, now)
        case OpenConfirmation(confirmation=confirmation):
            tables.confirmations.open(confirmation)
            tables.handles.give(confirmation.handle, "confirmation", confirmation.id, now)
        case SetReachable():
            _set_reachable(change, tables, now)
        case _:
            record_preference(change, tables, now)


def _start(change: StartRun, tables: Tables, now: datetime) -> None:
    run = change.run
    if run.approval is not None and not tables.approvals.consume(run.approval, now):
        raise AlreadyDecidedError(run.approval)
    tables.runs.add(run, change.slot)
    tables.handles.give(run.handle, "run", run.id, now)
    tables.rates.count(f"action:{run.action}", now)
    commit_effect(change.dispatch, tables, now)


def _vote(change: CastVote, tables: Tables, now: datetime) -> None:
    approval, closes = change.approval, change.closes
    tables.approvals.vote(approval.id, change.vote)
    if closes is None:
        return
    if not tables.approvals.decide(approval.id, closes, change.vote.person, now):
        raise AlreadyDecidedError(approval.id)
    tables.buttons.kill(approval.id, now)


def _set_reachable(change: SetReachable, tables: Tables, now: datetime) -> None:
    if change.reachable:
        tables.reachability.opt_in(change.address)
    else:
        tables.reachability.opt_out(change.address, now, "the carrier acted on an opt-out word")


def cancel_key(run_id: str) -> str:
    """Return the outbox key of a run's cancel; a row under it says that somebody asked for the run's end."""
    return f"cancel:{run_id}"


def commit_effect(effect: Effect, tables: Tables, now: datetime, *, urgent: bool = False) -> None:
    """Put one effect into the outbox under its idempotency key; urgent ones go out before all others."""
    match effect:
        case Dispatch(run_id=run_id):
            tables.outbox.add(f"dispatch:{run_id}", effect, now, now + DISPATCH_LIFETIME)
        case CancelRun(run_id=run_id):
            tables.outbox.add(cancel_key(run_id), effect, now, now + DISPATCH_LIFETIME, urgent=True)
        case LinkAddress(address=address):
            tables.outbox.add(f"link:{address}:{to_text(now)}", effect, now, now + DISPATCH_LIFETIME, urgent=True)
        case Deliver(to=to, notice=notice):
            tables.outbox.add(f"{notice.key}:{to}", effect, now, _expiry(notice, now), urgent=urgent)
        case _:
            assert_never(effect)


def _expiry(notice: Notice, now: datetime) -> datetime:
    """Return until when a notice is worth telling; one with buttons no longer than they live."""
    lifetime = {NoticeKind.TOAST: TOAST_LIFETIME, NoticeKind.REPLY: REPLY_LIFETIME}.get(notice.kind, NOTICE_LIFETIME)
    return min(now + lifetime, notice.choices_until or now + lifetime)
