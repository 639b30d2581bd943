"""What `/v1/health` says: alive, able to record, nothing stuck; ages in seconds, unknown as null."""

from collections.abc import Mapping
from datetime import datetime

from bot.supervision import Supervisor
from bot.wiring import Bot

STUCK_AFTER_SECONDS = 120  # an effect this old has survived several tries: somebody should look


class HealthProbe:
    """Keeps the last known facts, so that health answers at once even while the store hangs."""

    def __init__(self, bot: Bot, supervisor: Supervisor) -> None:
        """Know nothing yet."""
        self._bot = bot
        self._supervisor = supervisor
        self._started_at = bot.clock.now()
        self._oldest: datetime | None = None
        self._as_of: datetime | None = None

    async def refresh(self) -> None:
        """Read the outbox's age; called by a timer."""
        _count, self._oldest = await self._bot.store.read(lambda tables: tables.outbox.waiting())
        self._as_of = self._bot.clock.now()

    def report(self) -> Mapping[str, object]:
        """Return the health document."""
        now, policy = self._bot.clock.now(), self._bot.policy()
        oldest = int((now - self._oldest).total_seconds()) if self._oldest else None
        failures = {task.name: task.last_failure for task in self._supervisor.tasks if task.failures}
        recording = self._bot.dispatcher.recording
        ok = recording and (oldest is None or oldest < STUCK_AFTER_SECONDS)
        return {
            "status": "ok" if ok else "degraded",
            "uptime_seconds": int((now - self._started_at).total_seconds()),
            "recording": recording,
            "policy": policy.status.value,
            "people": "unreadable" if self._bot.people.problem else "ok",
            "outbox_oldest_seconds": oldest if self._as_of else None,
            "tasks_restarted": failures,
            "channels": self._bot.liveness.report(),
        }
