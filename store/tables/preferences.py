"""Each person's own settings for notices: subscriptions, mutings and quiet hours."""

from datetime import datetime

from domain.clock import from_text, to_text
from domain.preferences import Level, Preferences, QuietHours
from store.rows import Rows


class PreferencesTable:
    """Settings by person; `loop` is a loop's or action's name, or `all`."""

    def __init__(self, rows: Rows) -> None:
        """Use this connection."""
        self._rows = rows

    def of(self, person: str) -> Preferences:
        """Return a person's settings, empty where they never set any."""
        levels = self._rows.all("SELECT loop, level FROM subscriptions WHERE person = ? ORDER BY loop", (person,))
        mutes = self._rows.all("SELECT loop, until FROM mutes WHERE person = ? ORDER BY loop", (person,))
        quiet = self._rows.one("SELECT from_minute, to_minute, zone FROM quiet_hours WHERE person = ?", (person,))
        return Preferences(
            subscriptions={loop: Level(level) for loop, level in levels},
            muted={loop: from_text(until) for loop, until in mutes},
            quiet=QuietHours(*quiet) if quiet else None,
        )

    def subscribe(self, person: str, loop: str, level: Level) -> None:
        """Subscribe a person to a loop, or change the level."""
        self._rows.run(
            "INSERT INTO subscriptions (person, loop, level) VALUES (?, ?, ?)"
            " ON CONFLICT (person, loop) DO UPDATE SET level = excluded.level",
            (person, loop, level.value),
        )

    def unsubscribe(self, person: str, loop: str) -> None:
        """End a subscription, if there is one."""
        self._rows.run("DELETE FROM subscriptions WHERE person = ? AND loop = ?", (person, loop))

    def mute(self, person: str, loop: str, until: datetime) -> None:
        """Mute a loop for a person until a moment, sooner or later than it was before."""
        self._rows.run(
            "INSERT INTO mutes (person, loop, until) VALUES (?, ?, ?)"
            " ON CONFLICT (person, loop) DO UPDATE SET until = excluded.until",
            (person, loop, to_text(until)),
        )

    def unmute(self, person: str, loop: str) -> None:
        """End a muting, if there is one."""
        self._rows.run("DELETE FROM mutes WHERE person = ? AND loop = ?", (person, loop))

    def set_quiet(self, person: str, quiet: QuietHours | None) -> None:
        """Set a person's quiet hours, or take them away."""
        self._rows.run("DELETE FROM quiet_hours WHERE person = ?", (person,))
        if quiet is not None:
            self._rows.run(
                "INSERT INTO quiet_hours (person, from_minute, to_minute, zone) VALUES (?, ?, ?, ?)",
                (person, quiet.from_minute, quiet.to_minute, quiet.zone),
            )

    def subscribers(self) -> dict[str, dict[str, Level]]:
        """Return everybody's subscriptions: the level of each loop, by person."""
        found: dict[str, dict[str, Level]] = {}
        for person, loop, level in self._rows.all(
            "SELECT person, loop, level FROM subscriptions ORDER BY person, loop"
        ):
            found.setdefault(person, {})[loop] = Level(level)
        return found
