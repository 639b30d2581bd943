"""A whole bot on a virtual clock: `tests.fakes.chat` with its relay, watch and housekeeping, over forges and channels with ledgers.

    async with whole_bot(tmp_path) as bot:
        await bot.say("run mutation")
        await bot.settle()                            # the relay and the watch work until nothing is due now
        bot.forges["local"].begin(bot.correlation())  # the newest run's job
        bot.told("owner")                             # texts that really arrived on the person's web thread

Nothing happens by itself: a test ticks `bot.relay`, looks with `bot.watch`, ticks `bot.housekeeping` and moves `bot.clock`.
`restart` makes all of them new on the same database; forges and channels are the world outside and stay as they are.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from bot.performing import Performer
from bot.relay import Relay, RelayParts
from channels.port import Channel
from commands.catalogue import CATALOGUE
from commands.command import Command
from domain.effects import LinkAddress
from domain.people import Person
from domain.runs import Run
from forge.port import Forge
from forge.results import Results
from loops.housekeeping import Housekeeping
from loops.measuring import Measuring
from loops.watch import Watch, WatchParts
from policy.loading import PolicyState
from tests.fakes.channel import FakeChannel
from tests.fakes.chat import Chat
from tests.fakes.directory import PEOPLE
from tests.fakes.forge import FakeForge
from tests.fakes.policies import example_policy, loaded


class WholeBot(Chat):
    """What `whole_bot` yields; see the module's docstring."""

    def __init__(
        self, path: Path, policy: PolicyState, people: Iterable[Person], catalogue: tuple[Command, ...]
    ) -> None:
        super().__init__(path, policy, people, catalogue)
        self.forges = {name: FakeForge(self.clock, name) for name in ("local", "github")}
        self.channels = {name: FakeChannel(name) for name in ("web", "console", "sms", "telegram", "ntfy", "slack")}
        self.results: dict[str, Results] = {}
        self.linked: list[LinkAddress] = []
        self.processes = 0

    async def start(self) -> None:
        """Open the store and build everything around it."""
        await super().start()
        self.processes += 1
        around = self.around
        self.relay = self.another_relay(f"process-{self.processes}")
        forges: dict[str, Forge] = {**self.forges}
        measuring = Measuring(self.results, lambda: self.policy, self.clock)
        parts = WatchParts(self.store, forges, measuring, around.mode, self.clock, self.announcer, lambda: None)
        self.watch = Watch(parts)
        self.housekeeping = Housekeeping(
            self.store, around, self.announcer, self.dispatcher.close_gap, self._wake_relay
        )

    def another_relay(self, owner: str, try_seconds: float = 15.0) -> Relay:
        """Make a second relay over the same store and the same world, as another process would have."""
        forges: dict[str, Forge] = {**self.forges}
        channels: dict[str, Channel] = {**self.channels}
        parts = RelayParts(
            store=self.store,
            performer=Performer(forges, channels, self._link, self._read_run),
            announcer=self.announcer,
            mode=self.around.mode,
            policy=lambda: self.policy,
            clock=self.clock,
            entropy=self.entropy,
            run_changed=lambda: None,
        )
        return Relay(parts, owner, try_seconds)

    async def _read_run(self, run_id: str) -> Run:
        run = await self.store.read(lambda tables: tables.runs.get(run_id))
        assert run is not None
        return run

    async def _link(self, effect: LinkAddress) -> None:
        self.linked.append(effect)

    async def settle(self) -> None:
        """Let relay and watch work until nothing is due now."""
        await self.look()
        while await self.relay.tick():
            await self.look()

    async def look(self) -> None:
        """Let the watch look once, and wait for what it measures."""
        await self.watch.look()
        await self.watch.measured()

    def correlation(self) -> str:
        """Return the correlation of the newest dispatch that was committed."""
        return self.dispatches()[-1].correlation

    def told(self, person: str = "owner", channel: str = "web") -> list[str]:
        """Return the texts that really arrived at an address, oldest first."""
        return [one.notice.text for one in self.channels[channel].ledger if one.to == person]

    def outbox_states(self) -> dict[str, str]:
        """Return the state of every committed effect, by key."""
        return {row.key: row.state for row in self.outbox()}


@asynccontextmanager
async def whole_bot(
    folder: Path, *, policy: PolicyState | None = None, people: Iterable[Person] = PEOPLE
) -> AsyncIterator[WholeBot]:
    """Start a bot on a database in `folder`."""
    bot = WholeBot(folder / "reins.db", policy or loaded(example_policy()), people, CATALOGUE)
    await bot.start()
    try:
        yield bot
    finally:
        await bot.store.close()
