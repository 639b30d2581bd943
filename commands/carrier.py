"""Words that a carrier acts on by itself: what they mean for us, and who has to know."""

from collections.abc import Sequence
from datetime import datetime

from commands.changes import SetReachable
from commands.command import Outcome, Reply
from domain.clock import to_text
from domain.effects import Tell
from domain.messages import CarrierWord, Inbound
from domain.notices import Notice, NoticeKind, Urgency
from domain.people import Address, Person, Scope
from policy.loading import PolicyState
from policy.rules.scope import scopes_of


def answer_carrier_word(
    message: Inbound, person: Person, everyone: Sequence[Person], state: PolicyState, now: datetime
) -> Outcome:
    """Say nothing to the sender: after an opt-out nothing would arrive, and the carrier has answered the others."""
    if message.carrier_word is CarrierWord.OPT_OUT:
        change = SetReachable(message.sender.text(), reachable=False)
        return Outcome(Reply(""), (change,), tell_opted_out(message.sender, person, everyone, state, now))
    if message.carrier_word is CarrierWord.OPT_IN:
        return Outcome(Reply(""), (SetReachable(message.sender.text(), reachable=True),))
    return Outcome(Reply(""))


def tell_opted_out(
    address: Address, person: Person, everyone: Sequence[Person], state: PolicyState, now: datetime
) -> tuple[Tell, ...]:
    """Tell the person and those who may approve, on every other channel, that this number hears nothing any more."""
    text = (
        f"{address.masked()} of {person.id} has opted out at the carrier: no text arrives there any more."
        " To undo it, send START from that phone."
    )
    notice = Notice(f"opted-out:{person.id}:{to_text(now)}", NoticeKind.ALARM, text, urgency=Urgency.HIGH)
    told = [person, *(one for one in everyone if one.id != person.id and Scope.APPROVE in scopes_of(one, state))]
    return tuple(Tell(one.id, notice, but_not=address.kind.value) for one in told)
