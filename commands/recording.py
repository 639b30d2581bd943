"""Writing what a command decided: the only place where changes of our own records and outbox rows are made."""

from datetime import datetime, timedelta
from typing import assert_never

from commands.changes import CastVote, Change, OpenApproval, SetMode, StartRun
from domain.effects import CancelRun, Deliver, Dispatch, Effect
from store.tables import Tables

NOTICE_LIFETIME = timedelta(hours=24)  # docs/design.md: a notice older than a day tells nobody anything
DISPATCH_LIFETIME = timedelta(minutes=15)  # later than this the person has moved on, and the ref too


class AlreadyDecidedError(Exception):
    """Somebody else decided between our reading and our writing; the whole transaction is undone."""


def record(change: Change, tables: Tables, now: datetime) -> None:
    """Write one change.

    Raises:
        AlreadyDecidedError: an approval was decided or expired meanwhile.
    """
    match change:
        case StartRun(run=run, slot=slot, dispatch=dispatch):
            if run.approval is not None and not tables.approvals.consume(run.approval, now):
                raise AlreadyDecidedError(run.approval)
            tables.runs.add(run, slot)
            tables.handles.give(run.handle, "run", run.id, now)
            tables.rates.count(f"action:{run.action}", now)
            tables.outbox.add(f"dispatch:{run.id}", dispatch, now, now + DISPATCH_LIFETIME)
        case SetMode(mode=mode, person=person):
            tables.mode.set(mode, person, now)
        case OpenApproval(approval=approval):
            tables.approvals.open(approval)
            tables.handles.give(approval.handle, "approval", approval.id, now)
        case CastVote(approval=approval, vote=vote, closes=closes):
            tables.approvals.vote(approval.id, vote)
            if closes is not None and not tables.approvals.decide(approval.id, closes, vote.person, now):
                raise AlreadyDecidedError(approval.id)
        case _:
            assert_never(change)


def cancel_key(run_id: str) -> str:
    """Return the outbox key of a run's cancel; a row under it says that somebody asked for the run's end."""
    return f"cancel:{run_id}"


def commit_effect(effect: Effect, tables: Tables, now: datetime) -> None:
    """Put one effect into the outbox under its idempotency key."""
    match effect:
        case Dispatch(run_id=run_id):
            tables.outbox.add(f"dispatch:{run_id}", effect, now, now + DISPATCH_LIFETIME)
        case CancelRun(run_id=run_id):
            tables.outbox.add(cancel_key(run_id), effect, now, now + DISPATCH_LIFETIME)
        case Deliver(to=to, notice=notice):
            tables.outbox.add(f"{notice.key}:{to}", effect, now, now + NOTICE_LIFETIME)
        case _:
            assert_never(effect)
