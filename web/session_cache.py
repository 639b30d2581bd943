"""Who a session cookie belongs to, remembered for a few seconds so that not every request reads the store."""

from datetime import datetime, timedelta

from domain.clock import Clock
from domain.ids import fingerprint
from store.port import Store

REMEMBERED = timedelta(seconds=5)  # an ended session is refused everywhere after this, and at once where it was ended
MAX_REMEMBERED = 4096  # bounds memory when somebody tries random cookies


class SessionCache:
    """Looks sessions up by the hash of their cookie; the cookie itself is never kept."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Remember nothing yet."""
        self._store = store
        self._clock = clock
        self._known: dict[str, tuple[str | None, datetime]] = {}

    async def person_of(self, cookie: str) -> str | None:
        """Return the id of the person who is signed in with this cookie."""
        hashed, now = fingerprint(cookie), self._clock.now()
        known = self._known.get(hashed)
        if known is not None and now < known[1]:
            return known[0]
        person = await self._store.read(lambda tables: tables.sessions.person_of(hashed, now))
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        self._known[hashed] = (person, now + REMEMBERED)
        return person

    def forget(self, cookie: str) -> None:
        """Drop a session that was just ended."""
        self._known.pop(fingerprint(cookie), None)
