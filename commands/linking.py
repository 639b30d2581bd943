"""Linking an address: a stranger who sends the one-time code that was made for a person becomes that person."""

from datetime import timedelta

from commands.ledger import event
from commands.parser import NotUnderstood, Parsed
from domain.effects import LinkAddress
from domain.ids import fingerprint, read_handle
from domain.messages import Inbound
from domain.people import AddressKind
from store.tables import Tables

CODE_CHARACTERS = 8  # of Crockford's 32: 40 bits
CODE_LIFETIME = timedelta(hours=1)
MAX_PENDING_CODES = 3  # per person and channel
MAX_GUESSES_PER_HOUR = 20  # per channel; beyond it codes are not even looked at: 2^40 at 20 an hour is for ever
LINKABLE = (AddressKind.TELEGRAM, AddressKind.SMS)


def purpose_of(kind: AddressKind) -> str:
    """Return what a linking code for this channel is kept under; a code for one channel is worth nothing on another."""
    return f"link:{kind.value}"


def link_by_code(message: Inbound, understood: Parsed | NotUnderstood, tables: Tables) -> LinkAddress | None:
    """Spend the code a stranger sent and return what it makes true; None when it is no code, or a wrong one.

    It never grants a scope: the person's roles stay as they are. Codes work in private only, never in a group.
    """
    if isinstance(understood, NotUnderstood) or understood.command.verb != "link":
        return None
    kind, now = message.sender.kind, message.received_at
    if kind not in LINKABLE:
        return None
    if tables.rates.current(f"link-failed:{kind.value}", now) >= MAX_GUESSES_PER_HOUR:
        return None
    code = read_handle(understood.arguments.values["code"])
    spent = tables.nonces.spend(fingerprint(code), purpose_of(kind), now)
    if spent is None:
        tables.rates.count(f"link-failed:{kind.value}", now)
        return None
    person, _binding = spent
    private = message.reply_to == message.sender  # in a group everybody has read it: it is spent, and links nobody
    evidence: dict[str, object] = {"address": message.sender.masked(), "private": private}
    tables.audit.append(event(now, "link-code", person, "spent", evidence))
    return LinkAddress(person, message.sender.text()) if private else None
