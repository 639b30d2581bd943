"""subscribe: be told of runs that somebody else asked for, and see one's own settings."""

from datetime import datetime

from commands.command import Arguments, ArgumentType, Command, Context, Outcome, Parameter, Reply, Subject
from commands.preference_changes import Subscribe
from commands.topics import no_such_topic
from domain.clock import to_text
from domain.people import Scope
from domain.preferences import Level, Preferences
from domain.requests import Request, RequestKind
from store.tables import Tables

NOTHING = "off"
_IN_WORDS = {
    Level.ALL: "every attempt and end",
    Level.FINALS: "how each run ended",
    Level.FAILURES: "runs that did not succeed",
}


def about(arguments: Arguments, context: Context, tables: Tables) -> Subject:  # noqa: ARG001 - every command has this shape
    """Showing one's settings only reads."""
    topic = arguments.get("loop")
    kind = RequestKind.READ if topic is None else RequestKind.PREFERENCE
    return Subject(Request("subscribe", kind, Scope.READ, (topic or "").lower()))


def run(arguments: Arguments, context: Context, tables: Tables) -> Outcome:
    """Set the level of one topic, or list what one has."""
    topic, level = (arguments.get("loop") or "").lower(), (arguments.get("level") or Level.FINALS.value).lower()
    if not topic:
        settings = tables.preferences.of(context.person.id)
        return Outcome(Reply(describe_settings(settings, context.now), ("subscribe all failures", "menu subscribe")))
    problem = no_such_topic(topic, context.state.policy)
    if problem is None and level not in (NOTHING, *Level):
        problem = f"the level must be all, finals, failures or off, not {level[:32]}"
    if problem is not None:
        return Outcome(Reply(f"Not done: {problem}.", ("subscribe", "menu subscribe")))
    person = context.person.id
    if level == NOTHING:
        return Outcome(
            Reply(f"You are not told of {topic} any more.", ("subscribe",)), (Subscribe(person, topic, None),)
        )
    text = f"You are told of {topic}: {_IN_WORDS[Level(level)]}. What you ask for yourself is always told."
    return Outcome(Reply(text, ("subscribe", f"subscribe {topic} off")), (Subscribe(person, topic, Level(level)),))


def describe_settings(settings: Preferences, now: datetime) -> str:
    """Say what somebody is told, what is muted and when it is quiet, a line each."""
    lines = [f"{topic}: {_IN_WORDS[level]}" for topic, level in sorted(settings.subscriptions.items())]
    lines = lines or ["You are told of your own runs only."]
    muted = sorted((topic, until) for topic, until in settings.muted.items() if until > now)
    lines += [f"{topic} is muted until {to_text(until)[:16]}Z" for topic, until in muted]
    quiet = settings.quiet
    if quiet is not None:
        lines.append(f"Quiet from {clock_time(quiet.from_minute)} to {clock_time(quiet.to_minute)} {quiet.zone}")
    return "\n".join(lines)


def clock_time(minute: int) -> str:
    """Write minutes after midnight as `22:30`."""
    return f"{minute // 60:02}:{minute % 60:02}"


SUBSCRIBE = Command(
    verb="subscribe",
    usage="subscribe [loop] [level]",
    summary="be told of other people's runs",
    examples=("subscribe", "subscribe all failures", "subscribe mutation finals", "subscribe all off"),
    scope=Scope.READ,
    parameters=(
        Parameter("loop", ArgumentType.WORD, required=False),
        Parameter("level", ArgumentType.WORD, required=False),
    ),
    about=about,
    run=run,
)
