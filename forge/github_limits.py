"""GitHub's two rate limits: when the next call may be made, so that a limited client does not go on asking."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from domain.clock import Clock
from forge.port import Unreachable

SECONDARY_SECONDS = 60.0  # GitHub: without a wish in the answer wait at least a minute, then longer each time
LONGEST = timedelta(hours=1)  # the primary limit's window; what asks for more is asked again after that
_LIMITED = (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)  # both kinds of limit come as either
_WORDS = ("rate limit", "abuse detection")


class RateLimits:
    """The limits of one identity. GitHub: `retry-after` wins, then the reset of a limit used up, then a doubling wait."""

    def __init__(self, clock: Clock) -> None:
        """Nothing is known yet: the first call may be made."""
        self._clock = clock
        self._until: datetime | None = None
        self._why = ""
        self._strikes = 0

    def check(self) -> None:
        """Let a call through, or not.

        Raises:
            Unreachable: it must wait; the error says for how many seconds.
        """
        if self._until is None:
            return
        seconds = (self._until - self._clock.now()).total_seconds()
        if seconds > 0:
            raise Unreachable(f"GitHub limits us for another {seconds:.0f} s ({self._why})", seconds)
        self._until = None

    def note(self, status: int, headers: Mapping[str, str], said: str) -> None:
        """Take in an answer. `headers` must be case-insensitive, `said` is what an error document says.

        Raises:
            Unreachable: this answer is a limit: the call did nothing.
        """
        wish, reset = _number(headers.get("Retry-After")), self._reset(headers)
        refused = status in _LIMITED
        limited = status == HTTPStatus.TOO_MANY_REQUESTS or any(word in said.lower() for word in _WORDS)
        if refused and (wish is not None or reset is not None or limited):
            self._strikes += 1
            self._hold(*self._wait(wish, reset))
            self.check()
        elif reset is not None:
            self._hold(reset, "the hourly limit is used up")
        elif not refused:
            self._strikes = 0

    def _wait(self, wish: float | None, reset: datetime | None) -> tuple[datetime, str]:
        now = self._clock.now()
        if wish is not None:
            return now + timedelta(seconds=max(wish, 1.0)), "it asked for a pause"
        if reset is not None:
            return max(reset, now + timedelta(seconds=1)), "the hourly limit is used up"
        doubled = SECONDARY_SECONDS * 2 ** min(self._strikes - 1, 10)
        return now + timedelta(seconds=doubled), "too many calls in a short time"

    def _reset(self, headers: Mapping[str, str]) -> datetime | None:
        """Return when a limit that is used up begins anew, or None where calls are left."""
        epoch = _number(headers.get("X-RateLimit-Reset"))
        if headers.get("X-RateLimit-Remaining") != "0" or epoch is None:
            return None
        latest = self._clock.now() + LONGEST
        return datetime.fromtimestamp(min(epoch, latest.timestamp()), UTC)

    def _hold(self, until: datetime, why: str) -> None:
        self._until, self._why = min(until, self._clock.now() + LONGEST), why


def _number(header: str | None) -> float | None:
    """Read whole seconds; a date, GitHub's other form of a wish, is never sent by its API."""
    return float(header) if header and header.isascii() and header.isdigit() and len(header) <= 12 else None  # noqa: PLR2004 - no moment has more digits
