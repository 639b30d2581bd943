"""What every adapter is joined with, and what joining them gives."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import ClientSession

from bot.desk import StoreCursors, StoreDesk
from bot.receiving import Receiving
from bot.settings import Settings
from bot.supervision import RunForever
from channels.port import Channel
from channels.pulse import Pulse
from commands.command import Command
from domain.clock import Clock
from domain.ids import Entropy
from domain.people import AddressKind, Person
from forge.port import Forge
from forge.results import Results
from loops.watch import Watch
from policy.loading import PolicyState
from store.port import Store
from web.hooks.parts import Hooks

Draw = Callable[[str], Awaitable[bytes | None]]


@dataclass(frozen=True, slots=True)
class Tools:
    """What adapters work with. `receiving` and `watch` are asked only when something comes in: they are made later."""

    settings: Settings
    session: ClientSession
    clock: Clock
    entropy: Entropy
    store: Store
    desk: StoreDesk
    cursors: StoreCursors
    draw: Draw
    everyone: Callable[[], tuple[Person, ...]]
    policy: Callable[[], PolicyState]
    catalogue: tuple[Command, ...]
    receiving: Callable[[], Receiving]
    watch: Callable[[], Watch]


@dataclass(slots=True)
class Connections:
    """The channels to the outside, their pulses, tasks and webhooks, and the forges beyond this machine's own.

    `team` are the shared places, as addresses; `results` is what runs leave behind, by the name of their forge.
    `wakes` bring the tasks back to where they see that they shall stop.
    """

    session: ClientSession | None = None
    channels: list[Channel] = field(default_factory=list)
    pulses: list[Pulse] = field(default_factory=list)
    forges: list[Forge] = field(default_factory=list)
    results: dict[str, Results] = field(default_factory=dict)
    tasks: dict[str, RunForever] = field(default_factory=dict)
    wakes: list[Callable[[], None]] = field(default_factory=list)
    hooks: Hooks = field(default_factory=Hooks)
    team: tuple[str, ...] = ()

    @property
    def reachable(self) -> frozenset[AddressKind]:
        """Return the kinds of address that can be written to."""
        return frozenset(AddressKind(channel.name) for channel in self.channels)

    def add(self, channel: Channel, pulse: Pulse) -> None:
        """Take one channel in."""
        self.channels.append(channel)
        self.pulses.append(pulse)

    async def close(self) -> None:
        """End every connection."""
        if self.session is not None:
            await self.session.close()
