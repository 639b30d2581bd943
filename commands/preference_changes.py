"""Changes of what one person wants to be told, as frozen data, and how they are written."""

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from domain.preferences import Level, QuietHours
from store.tables import Tables


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Tell the person about a topic (a loop, an action or `all`) at this level; None ends the subscription."""

    person: str
    topic: str
    level: Level | None


@dataclass(frozen=True, slots=True)
class Mute:
    """Leave a subscribed topic out until then; None ends that."""

    person: str
    topic: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class SetQuietHours:
    """Hold back what is not urgent at these hours; None ends that."""

    person: str
    hours: QuietHours | None


PreferenceChange = Subscribe | Mute | SetQuietHours


def record_preference(change: PreferenceChange, tables: Tables, now: datetime) -> None:  # noqa: ARG001 - the shape of every recorder
    """Write one change."""
    match change:
        case Subscribe(person=person, topic=topic, level=level):
            if level is None:
                tables.preferences.unsubscribe(person, topic)
            else:
                tables.preferences.subscribe(person, topic, level)
        case Mute(person=person, topic=topic, until=until):
            if until is None:
                tables.preferences.unmute(person, topic)
            else:
                tables.preferences.mute(person, topic, until)
        case SetQuietHours(person=person, hours=hours):
            tables.preferences.set_quiet(person, hours)
        case _:
            assert_never(change)


def describe_preference(change: PreferenceChange) -> str:
    """Say in a few words what changed, for the audit row."""
    match change:
        case Subscribe(person=person, topic=topic, level=level):
            return f"{person} is told {level.value if level else 'nothing more'} of {topic}"
        case Mute(person=person, topic=topic, until=until):
            return f"{topic} {'muted' if until else 'unmuted'} for {person}"
        case SetQuietHours(person=person, hours=hours):
            return f"quiet hours {'set' if hours else 'ended'} for {person}"
        case _:
            assert_never(change)
