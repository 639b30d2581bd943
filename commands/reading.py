"""What one message means: its command, the proof it brings, and what speaks against it before any rule is asked."""

from dataclasses import dataclass
from datetime import datetime

from commands.command import Command
from commands.confirming import Confirmed, read_confirmation
from commands.parser import NotUnderstood, Parsed, parse
from commands.pressing import Pressed, read_press
from domain.messages import Inbound
from domain.people import Person, Proof
from policy.facts import ConfirmationFacts, ConfirmationState
from store.tables import Tables

Verbs = dict[str, Command]


@dataclass(frozen=True, slots=True)
class Reading:
    """A message read: what it asks for and how sure we are of who asks. `pressed` is set where a button was pressed.

    `confirmation` is set where it carried a one-time code; a right one has lifted `proof`, and `understood` is then the
    command that waited for it under the id `confirmed`.
    """

    understood: Parsed | NotUnderstood
    proof: Proof
    text: str
    confirmation: ConfirmationFacts | None = None
    confirmed: str | None = None
    pressed: Pressed | None = None


def read(
    message: Inbound, understood: Parsed | NotUnderstood, person: Person, verbs: Verbs, tables: Tables, now: datetime
) -> Reading:
    """Read a message of a known person; `understood` is what its own text says."""
    if message.press is not None:
        pressed = read_press(message, message.press, person, tables, now)
        return Reading(parse(pressed.command, verbs), message.proof, pressed.command, pressed=pressed)
    if isinstance(understood, Parsed):
        confirmed = read_confirmation(understood, message, person.id, tables, now)
        if confirmed is not None and confirmed.facts.state is ConfirmationState.FOREIGN:
            # What somebody else asked for is not read out, not even in a refusal.
            return Reading(understood, message.proof, message.text, confirmed.facts)
        if confirmed is not None:
            return _confirmed(confirmed, message.proof, verbs)
    return Reading(understood, message.proof, message.text)


def _confirmed(confirmed: Confirmed, proof: Proof, verbs: Verbs) -> Reading:
    right = confirmed.facts.state is ConfirmationState.RIGHT
    lifted = Proof.CODE if right and proof.rank < Proof.CODE.rank else proof
    text, confirmed_id = confirmed.confirmation.text, confirmed.confirmation.id if right else None
    return Reading(parse(text, verbs), lifted, text, confirmed.facts, confirmed_id)
