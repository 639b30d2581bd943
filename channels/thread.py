"""Handing notices to a person's chat thread: what the web page and the console have in common."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict

import orjson

from channels.port import Never
from domain.notices import Notice, NoticeKind
from domain.people import Address, AddressKind, Person

FindPerson = Callable[[Address], Person | None]
AppendToThread = Callable[[str, str, bytes], Awaitable[None]]


class ThreadChannel:
    """A channel whose provider is our own store: appending is delivering, and a key is appended once."""

    def __init__(self, kind: AddressKind, find_person: FindPerson, append: AppendToThread) -> None:
        """Serve one kind of address; `append(person, key, body)` keeps a notice durably."""
        self.name = kind.value
        self._kind = kind
        self._find_person = find_person
        self._append = append

    async def deliver(self, value: str, notice: Notice) -> None:
        """Append the notice to the thread of the person this address belongs to."""
        person = self._find_person(Address(self._kind, value))
        if person is None:
            raise Never(f"{self._kind.value}:{value} belongs to nobody any more")
        await self._append(person.id, notice.key, _body(notice))

    async def arrived(self, value: str, notice: Notice) -> bool | None:  # noqa: ARG002 - the port's shape
        """Return no: appending again under the same key changes nothing, so sending again is always safe."""
        return False


def _body(notice: Notice) -> bytes:
    keys: tuple[str, ...] = ()
    if notice.run_handle is not None:
        keys = (f"why {notice.run_handle}", "last" if notice.kind is NoticeKind.FINAL else f"abort {notice.run_handle}")
    return orjson.dumps({**asdict(notice), "kind": notice.kind.value, "keys": keys})
