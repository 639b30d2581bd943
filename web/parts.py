"""What the HTTP handlers work with, handed to the application once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from commands.dispatcher import Dispatcher
from commands.surroundings import Surroundings
from domain.clock import Clock
from domain.ids import Entropy
from domain.people import Address, Person
from store.people import PeopleDirectory
from store.port import Store
from web.hub import Hub
from web.session_cache import SessionCache

Health = Callable[[], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Parts:
    """The wired pieces; `url` is where people open the page, without a slash at its end."""

    dispatcher: Dispatcher
    store: Store
    people: PeopleDirectory
    around: Surroundings
    clock: Clock
    entropy: Entropy
    hub: Hub
    sessions: SessionCache
    health: Health
    url: str
    extra_hosts: frozenset[str]

    def person_at(self, address: Address) -> Person | None:
        """Return who is enrolled with this address."""
        return self.people.find(address)


PARTS: web.AppKey[Parts] = web.AppKey("parts", Parts)
