"""How many failed proofs came from one remote lately, so that a flood of forgeries fills no log."""

from collections import OrderedDict
from datetime import datetime, timedelta

FAILURES_TOLD = 30  # within a minute; a wrong set-up shows in the first, a flood needs no thirty-first
WINDOW = timedelta(minutes=1)
MAX_REMOTES = 4096  # past this the remote that failed longest ago is forgotten: memory stays bounded


class Failures:
    """Failed proofs per remote within the running minute."""

    def __init__(self) -> None:
        """Start with none."""
        self._of: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def note(self, remote: str, now: datetime) -> bool:
        """Count one failure, and tell whether this remote has had its share."""
        since, count = self._of.pop(remote, (now, 0))
        if now - since >= WINDOW:
            since, count = now, 0
        self._of[remote] = since, count + 1
        if len(self._of) > MAX_REMOTES:
            self._of.popitem(last=False)
        return count >= FAILURES_TOLD
