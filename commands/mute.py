"""mute: leave a subscribed loop or action out for some hours."""

from datetime import timedelta

from commands.command import Arguments, ArgumentType, Command, Context, Outcome, Parameter, Reply, Subject
from commands.preference_changes import Mute
from commands.topics import no_such_topic
from domain.clock import to_text
from domain.people import Scope
from domain.requests import Request, RequestKind
from store.tables import Tables

DEFAULT_HOURS = 8  # a night, or a working day
MOST_HOURS = 168  # a week: what is muted for longer is better unsubscribed, else it is forgotten
OFF = "off"


def about(arguments: Arguments, context: Context, tables: Tables) -> Subject:  # noqa: ARG001 - every command has this shape
    """Name what is muted."""
    return Subject(Request("mute", RequestKind.PREFERENCE, Scope.READ, arguments.values["loop"].lower()))


def run(arguments: Arguments, context: Context, tables: Tables) -> Outcome:  # noqa: ARG001 - every command has this shape
    """Mute until so many hours from now, or end that."""
    topic, typed = arguments.values["loop"].lower(), (arguments.get("hours") or str(DEFAULT_HOURS)).lower()
    hours = _read_hours(typed)
    problem = no_such_topic(topic, context.state.policy)
    if problem is None and hours is None:
        problem = f"hours must be a number from 1 to {MOST_HOURS}, or off, not {typed[:32]}"
    if problem is not None:
        return Outcome(Reply(f"Not done: {problem}.", ("subscribe", "menu mute")))
    if not hours:
        return Outcome(Reply(f"{topic} is not muted.", ("subscribe",)), (Mute(context.person.id, topic, None),))
    until = context.now + timedelta(hours=hours)
    text = f"{topic} is muted until {to_text(until)[:16]}Z. What you ask for yourself, approvals and alarms are still told."
    return Outcome(Reply(text, (f"mute {topic} off", "subscribe")), (Mute(context.person.id, topic, until),))


def _read_hours(typed: str) -> int | None:
    """Return the hours, 0 for `off`, None for anything else."""
    if typed == OFF:
        return 0
    fits = typed.isascii() and typed.isdigit() and len(typed) <= len(str(MOST_HOURS)) and 1 <= int(typed) <= MOST_HOURS
    return int(typed) if fits else None


MUTE = Command(
    verb="mute",
    usage="mute <loop> [hours]",
    summary="leave a subscription out for some hours",
    examples=("mute all", "mute mutation 48", "mute all off"),
    scope=Scope.READ,
    parameters=(Parameter("loop", ArgumentType.WORD), Parameter("hours", ArgumentType.WORD, required=False)),
    about=about,
    run=run,
)
