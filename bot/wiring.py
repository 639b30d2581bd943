"""The composition root: every part is made and joined here, and nowhere else."""

import os
from dataclasses import dataclass

from bot.audit_key import AUDIT_ORIGIN, read_audit_key
from bot.brake import FileBrake
from bot.home import Home
from bot.performing import Performer
from bot.policy_source import PolicySource
from bot.relay import Relay, RelayParts
from bot.settings import LOOPBACK_HOSTS, Settings
from channels.console import console_channel
from channels.port import Channel
from channels.web import web_channel
from commands.catalogue import CATALOGUE
from commands.dispatcher import Dispatcher
from commands.surroundings import Surroundings
from domain.clock import Clock, SystemClock
from domain.ids import Entropy, SystemEntropy
from forge.local import LocalForge
from forge.local_worker import LocalForgeSettings
from forge.port import Forge
from loops.housekeeping import Housekeeping
from loops.local_workflow import LocalLoops
from loops.watch import Watch
from policy.file import Loops
from store.people import PeopleDirectory
from store.sealing import Sealer
from store.sqlite import SqliteStore
from store.tables import Tables
from web.hub import Hub
from web.parts import Health, Parts
from web.session_cache import SessionCache

FILES_TRUSTED_SECONDS = 0.002  # one message asks for people and policy several times; a look costs as much as a rule


@dataclass(slots=True)
class Bot:
    """One wired bot: its parts, ready to be started. Only `bot/serve.py` starts them."""

    settings: Settings
    home: Home
    clock: Clock
    entropy: Entropy
    store: SqliteStore
    people: PeopleDirectory
    policy: PolicySource
    around: Surroundings
    dispatcher: Dispatcher
    relay: Relay
    watch: Watch
    housekeeping: Housekeeping
    local_forge: LocalForge
    hub: Hub


def wire(
    settings: Settings,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    files_trusted_seconds: float = FILES_TRUSTED_SECONDS,
) -> Bot:
    """Make every part. Call it inside a running event loop; the store is not opened yet.

    For `files_trusted_seconds` after a look at the people or policy file it is not looked at again.

    Raises:
        UserError: something that must be there is missing or open to others.
    """
    clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
    home = Home.of(settings)
    store, people, policy = (
        SqliteStore(home.database),
        PeopleDirectory(home.people_file, trusted_ns=int(files_trusted_seconds * 1e9)),
        PolicySource(home.policy_file, files_trusted_seconds),
    )
    around = Surroundings(
        people=people,
        policy=policy,
        brake=FileBrake(home.halt_file),
        environment_mode=settings.autonomy_mode,
        clock=clock,
        entropy=entropy,
        sealer=Sealer(read_audit_key(home.audit_key_file), AUDIT_ORIGIN),
        catalogue=CATALOGUE,
    )
    hub = Hub()
    owner = f"{os.getpid()}:{entropy.token(8).hex()}"
    forges: dict[str, Forge] = {}
    watch = Watch(store, forges, around.mode, clock, lambda: relay.wake())  # noqa: PLW0108 - the relay is made further down: it needs the watch
    local_forge = _local_forge(home, owner, policy, clock, watch)
    forges[local_forge.name] = local_forge
    performer = Performer(forges, _channels(store, people, hub, clock))
    parts = RelayParts(store, performer, around.mode, policy, clock, entropy, watch.wake)
    relay = Relay(parts, owner)
    dispatcher = Dispatcher(store, around, relay.wake)
    housekeeping = Housekeeping(store, around.sealer, clock, dispatcher.close_gap, relay.wake)
    return Bot(
        settings=settings,
        home=home,
        clock=clock,
        entropy=entropy,
        store=store,
        people=people,
        policy=policy,
        around=around,
        dispatcher=dispatcher,
        relay=relay,
        watch=watch,
        housekeeping=housekeeping,
        local_forge=local_forge,
        hub=hub,
    )


def web_parts(bot: Bot, health: Health) -> Parts:
    """Return what the HTTP handlers work with."""
    return Parts(
        dispatcher=bot.dispatcher,
        store=bot.store,
        people=bot.people,
        around=bot.around,
        clock=bot.clock,
        entropy=bot.entropy,
        hub=bot.hub,
        sessions=SessionCache(bot.store, bot.clock),
        health=health,
        url=bot.settings.url,
        extra_hosts=LOOPBACK_HOSTS,
    )


def _local_forge(home: Home, owner: str, policy: PolicySource, clock: Clock, watch: Watch) -> LocalForge:
    def limits() -> Loops:
        state = policy()
        return state.policy.loops if state.policy else Loops()

    loops = LocalLoops(home.mutation_artifacts, home.triage_artifacts, home.reports_folder, limits, clock)
    return LocalForge(LocalForgeSettings(home.forge_folder, owner), loops.workflows(), clock, watch.wake)


def _channels(store: SqliteStore, people: PeopleDirectory, hub: Hub, clock: Clock) -> dict[str, Channel]:
    async def append(person: str, key: str, body: bytes) -> None:
        def add(tables: Tables) -> None:
            tables.thread.add(person, key, body, clock.now())

        await store.transact(add)
        hub.news_for(person)

    channels: list[Channel] = [web_channel(people.find, append), console_channel(people.find, append)]
    return {channel.name: channel for channel in channels}
