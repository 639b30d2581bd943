"""What the dispatcher needs from outside, as narrow ports, and the facts it gathers from them for the gate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from commands.command import Command, Context, Subject
from commands.heads import binds_commit, fresh_head
from domain.clock import Clock
from domain.effects import Outgoing
from domain.ids import Entropy
from domain.messages import Inbound
from domain.modes import Mode, ModeSources
from domain.people import Address, Person
from domain.requests import Request, RequestKind
from policy.facts import Facts
from policy.loading import PolicyState
from store.sealing import Sealer
from store.tables import Tables


class Directory(Protocol):
    """Who is enrolled."""

    def find(self, address: Address) -> Person | None:
        """Return whose address this is."""
        ...

    def all(self) -> Sequence[Person]:
        """Return everybody."""
        ...


class Brake(Protocol):
    """The part of the kill switch that works without the store."""

    def pulled(self) -> bool:
        """Tell whether the HALT file is there or the brake was pulled in this process."""
        ...

    def pull(self) -> None:
        """Hold the mode at off although nothing can be recorded."""
        ...

    def release_ours(self) -> None:
        """Undo our own `pull` once the stored mode says off; a HALT file that people made stays."""
        ...


class Announcing(Protocol):
    """Where effects and notices are committed; whom a notice reaches is decided there."""

    def commit(self, outgoing: Outgoing, tables: Tables, now: datetime) -> None:
        """Put an effect into the outbox, or everything that telling somebody takes."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything around the dispatcher; the composition root fills it in."""

    people: Directory
    policy: Callable[[], PolicyState]
    brake: Brake
    environment_mode: Mode | None
    clock: Clock
    entropy: Entropy
    sealer: Sealer
    announcer: Announcing
    catalogue: tuple[Command, ...]

    def mode(self, tables: Tables) -> ModeSources:
        """Read the mode, inside the transaction it will be used in."""
        return ModeSources(self.environment_mode, tables.mode.value(), self.brake.pulled())


def gather(message: Inbound, subject: Subject, context: Context, tables: Tables, messages_this_hour: int) -> Facts:
    """Count and read what the gate looks at besides the request."""
    request = subject.request
    sent = message.sent_at
    holder = None
    runs_this_hour = 0
    if request.kind in (RequestKind.DISPATCH, RequestKind.GRANT) and subject.slot is not None:
        holder = tables.runs.holder_of(subject.slot)
        runs_this_hour = tables.rates.current(f"action:{request.action}", context.now)
    days, clean = 0, 0
    if request.kind is RequestKind.RAISE_MODE:
        clean, first = tables.runs.clean_report_runs()
        days = (context.now - first).days if first else 0
    return Facts(
        channel=message.channel,
        mode=context.mode,
        messages_this_hour=messages_this_hour,
        sent_age_seconds=None if sent is None else (message.received_at - sent) // timedelta(seconds=1),
        action_runs_this_hour=runs_this_hour,
        slot_busy_with=holder.handle if holder else None,
        soak_days_passed=days,
        soak_clean_runs=clean,
        run=subject.run,
        approval=subject.approval,
        head_known=_head_known(request, context, tables),
    )


def _head_known(request: Request, context: Context, tables: Tables) -> bool:
    """Tell whether it is known what commit an approval that a dispatch needs would be bound to."""
    policy = context.state.policy
    action = policy.actions.get(request.action or "") if policy and request.kind is RequestKind.DISPATCH else None
    if action is None or not binds_commit(action):
        return False
    return fresh_head(action, request.ref or action.refs[0], tables, context.now) is not None
