"""Handing notices to a person's chat thread: what the web page and the console have in common."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict

import orjson

from channels.port import Arrival, Earlier, Handed, Never
from domain.notices import Notice, NoticeKind
from domain.people import Address, AddressKind, Person

_SHOWN = ("key", "text", "run_handle", "repository", "branch", "run_url", "unresolved", "mode", "reason")
FindPerson = Callable[[Address], Person | None]
AppendToThread = Callable[[str, str, bytes], Awaitable[None]]


class ThreadChannel:
    """A channel whose provider is our own store: appending is delivering, and a key is appended once."""

    def __init__(self, kind: AddressKind, find_person: FindPerson, append: AppendToThread) -> None:
        """Serve one kind of address; `append(person, key, body)` keeps a notice durably."""
        self.name = kind.value
        self.look_back_after_seconds = 0.0
        self._kind = kind
        self._find_person = find_person
        self._append = append

    async def deliver(self, value: str, notice: Notice, *, repeat: bool) -> Handed:  # noqa: ARG002 - the port's shape
        """Append the notice to the thread of the person this address belongs to; a key is appended once, so repeats are no matter."""
        person = self._find_person(Address(self._kind, value))
        if person is None:
            raise Never(f"{self._kind.value}:{value} belongs to nobody any more")
        await self._append(person.id, notice.key, _body(notice))
        return Handed()

    async def look_back(self, value: str, notice: Notice, earlier: Earlier) -> Arrival:  # noqa: ARG002 - the port's shape
        """Say that it is not there: appending again under the same key changes nothing, so sending again is safe."""
        return Arrival.NOT_THERE


def _body(notice: Notice) -> bytes:
    # The page and the console show the whole request and prove more than a button: they need no number behind `ok 3K`.
    keys = tuple(dict.fromkeys(" ".join(choice.command.split()[:2]) for choice in notice.choices))
    if notice.run_handle is not None:
        keys = (f"why {notice.run_handle}", "last" if notice.kind is NoticeKind.FINAL else f"abort {notice.run_handle}")
    shown = {name: value for name, value in asdict(notice).items() if name in _SHOWN}
    return orjson.dumps({**shown, "kind": notice.kind.value, "keys": keys})
