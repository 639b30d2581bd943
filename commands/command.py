"""A command as data: its words, what it may do, how to read its arguments, and the functions that answer it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from commands.changes import Change
from domain.effects import Outgoing
from domain.modes import ModeSources
from domain.people import Address, Person, Proof, Scope
from domain.requests import Request, RequestKind
from policy.facts import ApprovalFacts, RunFacts
from policy.loading import PolicyState
from store.tables import Tables


class ArgumentType(StrEnum):
    """The types an argument can have; everything else is refused by the parser."""

    WORD = "word"
    HANDLE = "handle"
    COUNT = "count"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One positional argument. A `note` takes the rest of the line."""

    name: str
    type: ArgumentType
    required: bool = True
    highest: int = 50  # for counts: what fits on a phone's screen


@dataclass(frozen=True, slots=True)
class Arguments:
    """What was typed behind the verb, by parameter name, and the `name=value` options where the command takes them."""

    values: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str | None:
        """Return an argument's text, or None when it was left out."""
        return self.values.get(name)

    def count(self, name: str, default: int) -> int:
        """Return a count; the parser has already checked its range."""
        return int(self.values.get(name, default))


@dataclass(frozen=True, slots=True)
class Reply:
    """What the person reads, and up to four texts they are likely to send next.

    `short` says the same within one text message; `picture` names a chart that goes with it where pictures can go.
    """

    text: str
    keys: tuple[str, ...] = ()
    short: str | None = None
    picture: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command answers: a reply, changes of our own records, and effects on the world outside."""

    reply: Reply
    changes: tuple[Change, ...] = ()
    effects: tuple[Outgoing, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks, from where, under which policy and mode, and when.

    `new_id` makes ULIDs, `two_digits` numbers to match, `everyone` lists people.
    """

    person: Person
    scopes: frozenset[Scope]
    proof: Proof
    reply_to: Address
    channel: str
    state: PolicyState
    mode: ModeSources
    now: datetime
    new_id: Callable[[], str]
    two_digits: Callable[[], str]
    everyone: Callable[[], Sequence[Person]]
    catalogue: tuple["Command", ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a request is about: the request for the gate, and the facts only its command knows how to find."""

    request: Request
    run: RunFacts | None = None
    approval: ApprovalFacts | None = None
    slot: str | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """One thing people can ask for.

    `about` reads what the gate needs, `run` answers an allowed request, `ask` answers one that needs other people's
    approval first. All three only read.
    """

    verb: str
    usage: str
    summary: str
    examples: tuple[str, ...]
    scope: Scope
    about: Callable[[Arguments, Context, Tables], Subject]
    run: Callable[[Arguments, Context, Tables], Outcome]
    short: str | None = None
    parameters: tuple[Parameter, ...] = ()
    options: bool = False
    ask: Callable[[Arguments, Context, Tables], Outcome] | None = None


def reading(verb: str) -> Callable[[Arguments, Context, Tables], Subject]:
    """Return the `about` of a command that only reads."""
    subject = Subject(Request(verb, RequestKind.READ, Scope.READ))
    return lambda _arguments, _context, _tables: subject
