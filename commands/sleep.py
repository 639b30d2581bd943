"""sleep: the hours in which nothing but the urgent may wake one."""

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from commands.command import Arguments, ArgumentType, Command, Context, Outcome, Parameter, Reply, Subject
from commands.preference_changes import SetQuietHours
from commands.subscribe import clock_time
from domain.people import Scope
from domain.preferences import QuietHours
from domain.requests import Request, RequestKind
from store.tables import Tables

OFF = "off"
UTC_NAME = "UTC"
_TIME = r"([01]?[0-9]|2[0-3])(?::([0-5][0-9]))?"
_HOURS = re.compile(f"{_TIME}-{_TIME}", re.ASCII)


def about(arguments: Arguments, context: Context, tables: Tables) -> Subject:  # noqa: ARG001 - every command has this shape
    """Name the hours."""
    return Subject(Request("sleep", RequestKind.PREFERENCE, Scope.READ, arguments.values["hours"].lower()))


def run(arguments: Arguments, context: Context, tables: Tables) -> Outcome:
    """Set or end the quiet hours; without a zone the one set before stays, else it is UTC."""
    person, typed = context.person.id, arguments.values["hours"].lower()
    if typed == OFF:
        return Outcome(Reply("No quiet hours any more.", ("subscribe",)), (SetQuietHours(person, None),))
    before = tables.preferences.of(person).quiet
    hours = _read_hours(typed, arguments.get("zone") or (before.zone if before else UTC_NAME))
    if isinstance(hours, str):
        return Outcome(Reply(f"Not done: {hours}.", ("sleep 22-7", "menu sleep")))
    text = (
        f"Quiet from {clock_time(hours.from_minute)} to {clock_time(hours.to_minute)} {hours.zone}: what is urgent or"
        " waits for your answer still comes, the rest afterwards."
    )
    return Outcome(Reply(text, ("sleep off", "subscribe")), (SetQuietHours(person, hours),))


def _read_hours(typed: str, zone: str) -> QuietHours | str:
    """Return the hours, or what is wrong with them."""
    found = _HOURS.fullmatch(typed)
    if found is None:
        return f"hours are written as 22-7 or 22:30-06:45, or off, not {typed[:32]}"
    from_hour, from_minute, to_hour, to_minute = (int(part or 0) for part in found.groups())
    begins, ends = from_hour * 60 + from_minute, to_hour * 60 + to_minute
    if begins == ends:
        return "quiet hours must end at another time than they begin"
    known = _zone_named(zone)
    if known is None:
        return f"there is no time zone {zone[:32]}; zones are written as Europe/Zurich or UTC"
    return QuietHours(begins, ends, known)


def _zone_named(typed: str) -> str | None:
    """Return a zone's proper name; lower case, as phones type it, is forgiven where the words are simply capitalised."""
    if typed.upper() == UTC_NAME:
        return UTC_NAME
    for name in (typed, typed.title()):
        try:
            return ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError, OSError):  # a path, a folder of zones, or a file that is none
            continue
    return None


SLEEP = Command(
    verb="sleep",
    usage="sleep <hours> [zone]",
    summary="your quiet hours",
    examples=("sleep 22-7", "sleep 22:30-06:45 Europe/Zurich", "sleep off"),
    scope=Scope.READ,
    parameters=(Parameter("hours", ArgumentType.WORD), Parameter("zone", ArgumentType.WORD, required=False)),
    about=about,
    run=run,
)
