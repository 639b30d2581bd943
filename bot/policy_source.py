"""The policy file as it is now: read again whenever it changes."""

import os
import time
from pathlib import Path

import structlog

from policy.loading import PolicyState, load_policy

log = structlog.get_logger("policy")
_Seen = tuple[int, int, int]


class PolicySource:
    """Call it for the policy in force; a file that became broken is broken at once, never the last good one."""

    def __init__(self, path: Path, trusted_seconds: float = 0.0) -> None:
        """Read the file for the first time; for `trusted_seconds` after a look it is not looked at again."""
        self._trusted_seconds = trusted_seconds
        self._trusted_until = 0.0
        self._path = path
        self._text_path = str(path)
        self._seen: _Seen | None = None
        self._state = load_policy(None)
        self()

    def __call__(self) -> PolicyState:
        """Return the policy, re-read if the file has changed since the last call."""
        now = time.monotonic()
        if now < self._trusted_until:
            return self._state
        self._trusted_until = now + self._trusted_seconds
        try:
            found = os.stat(self._text_path)  # noqa: PTH116 - on the path of every message, pathlib doubles its cost
            seen: _Seen | None = (found.st_mtime_ns, found.st_size, found.st_ino)
        except OSError:
            seen = None
        if seen is None or seen != self._seen:
            self._seen = seen
            self._read()
        return self._state

    def _read(self) -> None:
        try:
            raw: bytes | None = self._path.read_bytes()
        except OSError:
            raw = None
        state = load_policy(raw)
        if state.version != self._state.version or state.status is not self._state.status:
            log.info("policy_read", status=state.status.value, version=state.version[:12], problems=state.problems)
        self._state = state
