"""The composition root: every part is made and joined here, and nowhere else."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import ClientSession

from bot.audit_key import AUDIT_ORIGIN, read_audit_key
from bot.brake import FileBrake
from bot.channel_settings import LOOPBACK_HOSTS
from bot.connections.connecting import connect
from bot.connections.tools import Connections, Tools
from bot.desk import StoreCursors, StoreDesk
from bot.home import Home
from bot.liveness import Liveness
from bot.performing import Performer
from bot.pictures import Pictures
from bot.policy_source import PolicySource
from bot.receiving import Receiving
from bot.relay import Relay, RelayParts
from bot.settings import Settings
from channels.console import console_channel
from channels.port import Channel
from channels.web import web_channel
from commands.announcing import Announcer
from commands.catalogue import CATALOGUE
from commands.dispatcher import Dispatcher
from commands.surroundings import Surroundings
from domain.clock import Clock, SystemClock
from domain.effects import LinkAddress
from domain.ids import Entropy, SystemEntropy
from domain.runs import Run
from forge.local import LocalForge
from forge.local_worker import LocalForgeSettings
from forge.port import Forge
from loops.housekeeping import Housekeeping
from loops.local_workflow import LocalLoops
from loops.measuring import Measuring
from loops.watch import Watch, WatchParts
from policy.file import Loops
from store.people import PeopleDirectory, parse_address
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
    liveness: Liveness
    receiving: Receiving
    connections: Connections
    local_forge: LocalForge
    hub: Hub


def wire(
    settings: Settings,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    files_trusted_seconds: float = FILES_TRUSTED_SECONDS,
) -> Bot:
    """Make every part. Call it inside a running event loop; the store is not opened yet.

    For `files_trusted_seconds` after a look at the people or policy file it is not looked at again. Raises a UserError
    where something that must be there is missing or open to others.
    """
    clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
    home = Home.of(settings)
    sealer = Sealer(read_audit_key(home.audit_key_file), AUDIT_ORIGIN)  # first: it may refuse, and nothing is open yet
    store, policy = SqliteStore(home.database), PolicySource(home.policy_file, files_trusted_seconds)
    people = PeopleDirectory(home.people_file, trusted_ns=int(files_trusted_seconds * 1e9))
    tools = _tools(settings, clock, entropy, (store, people, policy), (lambda: receiving, lambda: watch))
    connections = connect(settings, tools)
    announcer = Announcer(people, connections.reachable, connections.team, policy)
    around = Surroundings(
        people=people,
        policy=policy,
        brake=FileBrake(home.halt_file),
        environment_mode=settings.autonomy_mode,
        clock=clock,
        entropy=entropy,
        sealer=sealer,
        announcer=announcer,
        catalogue=CATALOGUE,
    )
    hub, owner = Hub(), f"{os.getpid()}:{entropy.token(8).hex()}"
    forges: dict[str, Forge] = {}
    measuring = Measuring(connections.results, policy, clock)
    watch = Watch(WatchParts(store, forges, measuring, around.mode, clock, announcer, lambda: relay.wake()))  # noqa: PLW0108 - the relay is made further down: it needs the watch
    local_forge = _local_forge(home, owner, policy, clock, watch)
    forges.update({one.name: one for one in (local_forge, *connections.forges)})  # this machine is asked first
    channels = {one.name: one for one in (*_own_channels(store, people, hub, clock), *connections.channels)}
    performer = Performer(forges, channels, _link_with(people), _reading_runs(store))
    relay = Relay(RelayParts(store, performer, announcer, around.mode, policy, clock, entropy, watch.wake), owner)
    dispatcher = Dispatcher(store, around, relay.wake)
    receiving = Receiving(store, around, dispatcher, relay.settling, relay.wake)
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
        housekeeping=Housekeeping(store, around, announcer, dispatcher.close_gap, relay.wake),
        liveness=Liveness(store, around, connections.pulses, lambda: relay.resting, relay.wake),
        receiving=receiving,
        connections=connections,
        local_forge=local_forge,
        hub=hub,
    )


def _tools(
    settings: Settings,
    clock: Clock,
    entropy: Entropy,
    records: tuple[SqliteStore, PeopleDirectory, PolicySource],
    later: tuple[Callable[[], Receiving], Callable[[], Watch]],
) -> Callable[[ClientSession], Tools]:
    """Return what makes the adapters' tools once there is a session."""
    store, people, policy = records
    receiving, watch = later

    def make(session: ClientSession) -> Tools:
        return Tools(
            settings=settings,
            session=session,
            clock=clock,
            entropy=entropy,
            store=store,
            desk=StoreDesk(store, clock, entropy),
            cursors=StoreCursors(store, clock),
            draw=Pictures(store).draw,
            everyone=people.all,
            policy=policy,
            catalogue=CATALOGUE,
            receiving=receiving,
            watch=watch,
        )

    return make


def _link_with(people: PeopleDirectory) -> Callable[[LinkAddress], Awaitable[None]]:
    async def link(effect: LinkAddress) -> None:
        await asyncio.to_thread(people.add_address, effect.person, parse_address(effect.address))

    return link


def _reading_runs(store: SqliteStore) -> Callable[[str], Awaitable[Run]]:
    async def read(run_id: str) -> Run:
        run = await store.read(lambda tables: tables.runs.get(run_id))
        assert run is not None, "an effect names a run that was committed with it"
        return run

    return read


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


def _own_channels(store: SqliteStore, people: PeopleDirectory, hub: Hub, clock: Clock) -> list[Channel]:
    async def append(person: str, key: str, body: bytes) -> None:
        def add(tables: Tables) -> None:
            tables.thread.add(person, key, body, clock.now())

        await store.transact(add)
        hub.news_for(person)

    return [web_channel(people.find, append), console_channel(people.find, append)]
