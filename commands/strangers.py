"""What strangers cause: silence for them, one audit row, and at most one alarm an hour for those who may approve."""

from collections.abc import Sequence
from datetime import datetime

from domain.clock import to_text
from domain.effects import Tell
from domain.messages import Inbound
from domain.notices import Notice, NoticeKind, Urgency
from domain.people import Person, Scope
from policy.loading import PolicyState
from policy.rules.scope import scopes_of
from store.tables import Tables


def alarms_about(
    message: Inbound, everyone: Sequence[Person], state: PolicyState, tables: Tables, now: datetime
) -> tuple[Tell, ...]:
    """Return the alarm for the first stranger of an hour on a channel; later ones are only recorded."""
    if tables.rates.count(f"stranger:{message.channel}", now) > 1:
        return ()
    text = f"Somebody unknown wrote on {message.channel} ({message.sender.masked()}). They got no answer."
    key = f"stranger:{message.channel}:{to_text(now)}"
    notice = Notice(key, NoticeKind.ALARM, text, urgency=Urgency.HIGH)
    return tuple(Tell(person.id, notice) for person in everyone if Scope.APPROVE in scopes_of(person, state))
