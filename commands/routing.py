"""Which addresses of a person a notice goes to, in which order, and whether it waits: pure, so that every case can be tried."""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

from domain.notices import Notice, NoticeKind, Urgency
from domain.people import AddressKind, Person
from domain.preferences import Preferences

MAX_PUSHES_PER_HOUR = 6  # more than one in ten minutes and people stop reading; the rest comes as one digest
# SMS costs money and attention: only what is urgent goes there unasked.
_ORDER = {
    Urgency.LOW: (AddressKind.TELEGRAM, AddressKind.NTFY),
    Urgency.NORMAL: (AddressKind.TELEGRAM, AddressKind.NTFY),
    Urgency.HIGH: (AddressKind.TELEGRAM, AddressKind.NTFY, AddressKind.SMS),
}
# What answers a request goes back to where it was asked, also by SMS; its progress does too, but never by SMS.
_ANSWERS = frozenset({NoticeKind.FINAL, NoticeKind.APPROVAL_RESOLVED})
_PROGRESS = frozenset({NoticeKind.ATTEMPT_START, NoticeKind.ATTEMPT_DONE})


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a route depends on besides the notice and the person.

    `reachable` are the channels that are configured, `opted_out` and `groups` hold addresses as `channel:value`,
    `origin` is the address the matter was asked from, `but_not` a channel that must not carry it.
    """

    now: datetime
    reachable: frozenset[AddressKind]
    opted_out: Container[str] = ()
    groups: Container[str] = ()
    pushed_this_hour: int = 0
    origin: str | None = None
    but_not: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Where a notice goes: the first address, then what is tried where that fails. None of it before `held_until`."""

    addresses: tuple[str, ...]
    held_until: datetime | None = None


def route(notice: Notice, person: Person, preferences: Preferences, around: Circumstances) -> Route:
    """Choose a person's push addresses for one notice (docs/design.md, 9).

    Quiet hours and a full hour hold back what is neither urgent nor waits for an answer; a full hour does not hold back
    what answers the person where they asked.
    """
    candidates = dict.fromkeys(_candidates(notice, person, around))  # one address once, in order
    addresses = tuple(address for address in candidates if _may_carry(address, around))
    answers = notice.kind in _ANSWERS and addresses[:1] == (around.origin,)
    return Route(addresses, _held_until(notice, preferences, around, answers=answers) if addresses else None)


def end_of_hour(now: datetime) -> datetime:
    """Return when the counters of the present hour start anew."""
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def quiet_until(preferences: Preferences, moment: datetime) -> datetime | None:
    """Return when the quiet hours around a moment end, None outside of them.

    A zone this machine does not know holds nothing back: a notice too early harms less than a commit that fails.
    """
    try:
        return preferences.quiet.holds_until(moment) if preferences.quiet else None
    except ZoneInfoNotFoundError:
        return None


def _candidates(notice: Notice, person: Person, around: Circumstances) -> Iterator[str]:
    if around.origin is not None and _goes_back(notice, person, around.origin, around.groups):
        yield around.origin
    for kind in _ORDER[notice.urgency]:
        for address in person.addresses:
            if address.kind is kind:
                yield address.text()


def _goes_back(notice: Notice, person: Person, origin: str, groups: Container[str]) -> bool:
    """Tell whether a notice goes first to where its matter was asked from: an own push address, or a listed group."""
    own = {address.text() for address in person.addresses if address.kind in _ORDER[Urgency.HIGH]}
    if origin not in own and origin not in groups:
        return False
    by_sms = origin.startswith(f"{AddressKind.SMS.value}:")
    return notice.kind in _ANSWERS or (notice.kind in _PROGRESS and not by_sms)


def _may_carry(address: str, around: Circumstances) -> bool:
    channel = address.partition(":")[0]
    return channel in around.reachable and channel != around.but_not and address not in around.opted_out


def _held_until(notice: Notice, preferences: Preferences, around: Circumstances, *, answers: bool) -> datetime | None:
    if notice.urgency is Urgency.HIGH or notice.choices:
        return None
    full = around.pushed_this_hour >= MAX_PUSHES_PER_HOUR and not answers
    until = end_of_hour(around.now) if full else None
    return quiet_until(preferences, until or around.now) or until
