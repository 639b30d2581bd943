"""A store with an announcer in front of it, and what was announced, for tests of who is told what, where and when.

    async with announcing(tmp_path, team=("slack:team",)) as desk:
        await desk.commit(Tell("ann", notice))
        assert desk.sent() == {"web:ann": [notice], "telegram:ann": [notice]}

Everybody of `tests.fakes.directory.PEOPLE` has one address per channel under their own id. `held` shows what waits,
`housekeeping` is built on the same parts and is ticked by the test, `woken` counts how often it woke the relay.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from audit.seals import SealKey
from commands.announcing import Announcer
from commands.catalogue import CATALOGUE
from commands.surroundings import Surroundings
from domain.effects import Deliver, Outgoing
from domain.notices import Notice
from domain.people import AddressKind, Person
from loops.housekeeping import Housekeeping
from policy.loading import PolicyState
from store.sealing import Sealer
from store.sqlite import SqliteStore
from store.sqlite_connection import connect
from store.tables import Tables
from store.tables.held import Held
from tests.fakes.brake import FakeBrake
from tests.fakes.directory import PEOPLE, FakeDirectory
from tests.fakes.entropy import SeededEntropy
from tests.fakes.policies import example_policy, loaded
from tests.fakes.virtual_time import VirtualTime

T = TypeVar("T")

PUSHING = frozenset({AddressKind.TELEGRAM, AddressKind.NTFY, AddressKind.SMS, AddressKind.SLACK})
_DELIVER = TypeAdapter(Deliver)


@dataclass(frozen=True, slots=True)
class Queued:
    """One delivery as it lies in the outbox."""

    key: str
    deliver: Deliver
    urgent: bool


class AnnouncingDesk:
    """What `announcing` yields; see the module's docstring."""

    def __init__(
        self, path: Path, people: Iterable[Person], reachable: frozenset[AddressKind], team: tuple[str, ...]
    ) -> None:
        self.path = path
        self.clock = VirtualTime()
        self.store = SqliteStore(path)
        self.people = FakeDirectory(people)
        self.policy: PolicyState = loaded(example_policy())
        self.announcer = Announcer(self.people, reachable, team, lambda: self.policy)
        self.around = Surroundings(
            people=self.people,
            policy=lambda: self.policy,
            brake=FakeBrake(),
            environment_mode=None,
            clock=self.clock,
            entropy=SeededEntropy(),
            sealer=Sealer(SealKey(b"x" * 32), "reins-test"),
            announcer=self.announcer,
            catalogue=CATALOGUE,
        )
        self.woken = 0
        self.housekeeping = Housekeeping(self.store, self.around, self.announcer, _no_gap, self._wake)

    def _wake(self) -> None:
        self.woken += 1

    async def commit(self, *outgoing: Outgoing) -> None:
        """Announce these in one transaction."""

        def commit(tables: Tables) -> None:
            for one in outgoing:
                self.announcer.commit(one, tables, self.clock.now())

        await self.store.transact(commit)

    async def write(self, fn: Callable[[Tables], T]) -> T:
        """Change anything in the tables."""
        return await self.store.transact(fn)

    async def held(self) -> list[Held]:
        """Return everything that is held back, whenever it falls due."""
        by_address = await self.store.read(lambda tables: tables.held.due(self.clock.now().replace(year=9000)))
        return sorted((one for held in by_address.values() for one in held), key=lambda one: one.id)

    async def audited(self, action: str) -> list[dict[str, Any]]:
        """Return the audit rows of one action, oldest first."""
        rows = await self.store.read(lambda tables: [json.loads(body) for _, body, _ in tables.audit.each()])
        return [row for row in rows if row["action"] == action]

    def queued(self) -> list[Queued]:
        """Return every committed delivery, oldest first, without leasing it."""
        connection = connect(self.path, read_only=True)
        try:
            rows = connection.execute(
                "SELECT key, body, urgent FROM outbox WHERE kind = 'deliver' ORDER BY id"
            ).fetchall()
        finally:
            connection.close()
        return [Queued(key, _DELIVER.validate_json(body), bool(urgent)) for key, body, urgent in rows]

    def sent(self) -> dict[str, list[Notice]]:
        """Return the committed notices by address, oldest first."""
        found: dict[str, list[Notice]] = {}
        for one in self.queued():
            found.setdefault(one.deliver.to, []).append(one.deliver.notice)
        return found


async def _no_gap() -> None:
    """There is no outage in these tests."""


@asynccontextmanager
async def announcing(
    folder: Path,
    *,
    people: Iterable[Person] = PEOPLE,
    reachable: frozenset[AddressKind] = PUSHING,
    team: tuple[str, ...] = (),
) -> AsyncIterator[AnnouncingDesk]:
    """Start a store with an announcer on a database in `folder`."""
    desk = AnnouncingDesk(folder / "reins.db", people, reachable, team)
    await desk.store.open()
    try:
        yield desk
    finally:
        await desk.store.close()
