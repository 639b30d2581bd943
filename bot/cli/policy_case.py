"""A question to the gate as a message would ask it, built from the records of this installation and sent by nobody."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.cli.installation import Installation
from commands.catalogue import CATALOGUE
from commands.command import Context
from commands.parser import NotUnderstood, index_by_verb, parse
from commands.surroundings import gather
from domain.errors import UserError
from domain.ids import ulid
from domain.messages import Inbound
from domain.people import Address, AddressKind, Person, Proof
from policy.facts import Case
from policy.rules.scope import scopes_of
from store.tables import Tables


@dataclass(frozen=True, slots=True)
class Question:
    """Who would ask what, on which channel and with which proof."""

    person: Person
    words: Sequence[str]
    channel: AddressKind
    proof: Proof


def case_of(question: Question, installation: Installation, tables: Tables) -> Case:
    """Return what the gate would be handed; only reads, so nothing is counted or recorded.

    Raises:
        UserError: the words are no command.
    """
    person, now = question.person, installation.clock.now()
    text = " ".join(question.words)
    understood = parse(text, index_by_verb(CATALOGUE))
    if isinstance(understood, NotUnderstood):
        raise UserError(f"command: {understood.problem}; see `menu` in `reins chat`")
    channel = question.channel.value
    state = installation.policy()
    # Notices of a question nobody sent go nowhere; the web thread is the one address everybody has.
    sender = Address(AddressKind.WEB, person.id)
    context = Context(
        person=person,
        scopes=scopes_of(person, state),
        proof=question.proof,
        reply_to=sender,
        channel=channel,
        state=state,
        mode=installation.mode(tables),
        now=now,
        new_id=lambda: ulid(now, installation.entropy),
        two_digits=lambda: "00",  # nobody is shown it: the question is only asked
        everyone=lambda: (person,),
        catalogue=CATALOGUE,
    )
    subject = understood.command.about(understood.arguments, context, tables)
    message = Inbound(channel, channel, "what-if", sender, text, question.proof, now)
    used = tables.rates.current(f"{channel}:{person.id}", now) + 1
    return Case(subject.request, person, question.proof, gather(message, subject, context, tables, used), state)
