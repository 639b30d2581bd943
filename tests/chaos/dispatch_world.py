"""Dispatches through the real relay, store, forge and client to a GitHub that loses answers, all on one virtual clock.

async with dispatch_world(tmp_path, random.Random(1)) as world:
    await world.order(1000)               # as many runs, in clumps, while the relay works and time goes on
    await world.settle()                  # until no dispatch waits any more
    await world.come_to_an_end()          # past every deadline: the watch ends what nobody can tell of
    world.ordered[run_id]                 # the dispatch as it was committed
    world.github.effects.dispatches       # what GitHub really started

Nothing sleeps: the clock goes on to the relay's own next look, but by a second at least: every figure is the worse for it.
"""

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, DummyCookieJar

from bot.desk import StoreDesk
from bot.performing import Performer
from bot.relay import Relay, RelayParts
from commands.catalogue import CATALOGUE
from commands.changes import StartRun
from commands.recording import DISPATCH_LIFETIME, record
from commands.starting import DEFAULT_DEADLINE_SECONDS
from domain.effects import Dispatch, LinkAddress
from domain.ids import ulid
from domain.runs import Run, RunState
from forge.github import GitHubForge
from forge.github_client import GitHubClient
from forge.github_code import GitHubCode
from forge.github_settings import GitHubSettings
from loops.measuring import Measuring
from loops.progress import LOST_AFTER
from loops.watch import Watch, WatchParts
from store.tables import Tables
from tests.fakes.channel import FakeChannel
from tests.fakes.chat import Chat
from tests.fakes.directory import PEOPLE
from tests.fakes.github_rig import DISPATCH, PIN, RUN_NAME, RUNS, SOURCE
from tests.fakes.policies import example_policy, loaded
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.github import TOKEN, FakeGitHub
from tests.fakes.providers.github_runs import Input

REPOSITORIES = tuple(f"acme/r{number:03d}" for number in range(300))  # so many that lists of runs stay short
# Of a hundred dispatches: 30 are accepted and their answer is lost, 10 accepted and answered with 500, 4 never arrive, 3
# meet a server that is down, 3 are limited. A reset and a 503 look like the first two from here.
_KINDS = {
    Fault.ACCEPT_THEN_DROP: 30,
    Fault.ERROR_AFTER_ACCEPT: 10,
    Fault.RESET: 1,
    Fault.ERROR: 1,
    Fault.TOO_MANY: 4,
}
DISPATCH_FAULTS = tuple(fault for fault, many in _KINDS.items() for _ in range(many))
LIST_FAULTS, LIST_FAULTS_SHARE = (Fault.RESET, Fault.ERROR, Fault.ACCEPT_THEN_DROP, Fault.TOO_MANY), 0.05
HOURLY_CALLS = 15_000  # what GitHub gives the Apps of its enterprise customers
LAG_SECONDS = 8.0  # until a list shows a run: later than the first look
# Forty a minute on average. Sixty would run into GitHub's secondary limit by themselves, which is a pause of a minute.
LARGEST_CLUMP, CLUMP_SECONDS = 15, 12.0
LIMIT_EVERY, LIMIT_SECONDS = timedelta(minutes=10), 20.0  # the secondary limit, as if others used the token as well
SHORTEST_STEP_SECONDS = 1.0
CHECKED_ONE_IN = 100  # calls held against GitHub's description: for all of them that would be most of the work


class DispatchWorld(Chat):
    """What the module's docstring shows."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        super().__init__(folder / "reins.db", loaded(_policy()), PEOPLE, CATALOGUE)
        self.chance = chance
        self.ordered: dict[str, Dispatch] = {}
        self.github = FakeGitHub(self.clock, checked_one_in=CHECKED_ONE_IN)
        self._next_limit = self.clock.now() + LIMIT_EVERY

    async def open(self, stack: AsyncExitStack) -> None:
        """Start GitHub, the store and the relay."""
        await stack.enter_async_context(self.github)
        self.github.token.limit = HOURLY_CALLS
        for name in REPOSITORIES:
            workflow = self.github.world.add(name).actions.workflow("ci.yml", run_name=RUN_NAME, source=SOURCE)
            workflow.inputs, workflow.visible_after_seconds = {"request_id": Input()}, LAG_SECONDS
        self.github.faults_on(DISPATCH).mixed(len(DISPATCH_FAULTS) / 100, self.chance, DISPATCH_FAULTS)
        self.github.faults_on(RUNS).mixed(LIST_FAULTS_SHARE, self.chance, LIST_FAULTS)
        session = await stack.enter_async_context(ClientSession(cookie_jar=DummyCookieJar()))
        client = GitHubClient(session, GitHubSettings(TOKEN, api_base=self.github.url), self.clock)
        await self.start()
        stack.push_async_callback(self._close_store)
        desk = StoreDesk(self.store, self.clock, self.entropy)
        forges = {"github": GitHubForge(client, GitHubCode(client), self.clock, desk.expect)}
        parts = RelayParts(
            store=self.store,
            performer=Performer(forges, {"web": FakeChannel("web")}, _link, self._read_run),
            announcer=self.announcer,
            mode=self.around.mode,
            policy=lambda: self.policy,
            clock=self.clock,
            entropy=self.entropy,
            run_changed=lambda: None,
        )
        self.relay = Relay(parts, "relay")
        measuring = Measuring({}, lambda: self.policy, self.clock)
        self.watch = Watch(
            WatchParts(self.store, forges, measuring, self.around.mode, self.clock, self.announcer, lambda: None)
        )

    async def order(self, many: int) -> None:
        """Commit so many dispatches in clumps of random size, and let the relay work in between."""
        while len(self.ordered) < many:
            clump = min(self.chance.randint(1, LARGEST_CLUMP), many - len(self.ordered))
            orders = [self._order() for _ in range(clump)]

            def commit(tables: Tables, orders: list[StartRun] = orders) -> None:
                for one in orders:
                    record(one, tables, one.run.created_at)

            await self.store.transact(commit)
            self.ordered |= {one.run.id: one.dispatch for one in orders}
            await self.run(CLUMP_SECONDS)

    async def settle(self) -> None:
        """Let time pass until no effect waits, which none does once its lifetime is over."""
        until = self.clock.now() + DISPATCH_LIFETIME + timedelta(minutes=1)
        while (await self.read(lambda tables: tables.outbox.waiting()))[0]:
            assert self.clock.now() < until, await self.read(lambda tables: tables.outbox.states())
            await self.run(60)

    async def come_to_an_end(self) -> None:
        """Go past the deadlines. Runs that reached GitHub end here: how they are followed is another test's matter."""
        now = self.clock.now()

        def end(tables: Tables) -> None:
            for run in tables.runs.unfinished():
                if run.state is not RunState.ACCEPTED:
                    tables.runs.change(replace(run, state=RunState.SUCCEEDED, finished_at=now), now)

        await self.store.transact(end)
        self.github.faults_on(RUNS).clear()
        self.clock.advance(DEFAULT_DEADLINE_SECONDS + LOST_AFTER.total_seconds())
        await self.watch.look()

    async def run(self, seconds: float) -> None:
        """Let that much time pass."""
        until = self.clock.now() + timedelta(seconds=seconds)
        while (now := self.clock.now()) < until:
            if now >= self._next_limit:
                self._next_limit = now + LIMIT_EVERY
                self.github.tokens.block(self.github.token, LIMIT_SECONDS)
            while await self.relay.tick():
                pass
            step = max(await self.relay._pause_seconds(), SHORTEST_STEP_SECONDS)
            self.clock.advance(min(step, (until - now).total_seconds()))

    def _order(self) -> StartRun:
        now, number = self.clock.now(), self.chance.randrange(len(REPOSITORIES))
        run_id, correlation = ulid(now, self.entropy), ulid(now, self.entropy)
        run = Run(
            id=run_id,
            handle=f"{len(self.ordered):05d}-{run_id}",
            action=f"build-{number}",
            repository=REPOSITORIES[number],
            ref="main",
            inputs={},
            state=RunState.ACCEPTED,
            requested_by="owner",
            reply_to="web:owner",
            correlation=correlation,
            created_at=now,
            deadline_at=now + timedelta(seconds=DEFAULT_DEADLINE_SECONDS),
        )
        where = (run.action, "github", run.repository, "ci.yml", run.ref, run.inputs)
        return StartRun(run, run_id, Dispatch(run_id, *where, correlation, "d" * 64, PIN))

    async def _read_run(self, run_id: str) -> Run:
        run = await self.read(lambda tables: tables.runs.get(run_id))
        assert run is not None, "runs are never deleted while open"
        return run

    async def _close_store(self) -> None:
        await self.store.close()


def _policy() -> dict[str, Any]:
    policy = example_policy()
    policy["repositories"] += REPOSITORIES
    for number, name in enumerate(REPOSITORIES):
        there = {"repository": name, "pins": {"main": PIN}}
        policy["actions"][f"build-{number}"] = policy["actions"]["triage"] | there
    return policy


async def _link(_effect: LinkAddress) -> None:
    raise AssertionError("nobody links an address here")


@asynccontextmanager
async def dispatch_world(folder: Path, chance: random.Random) -> AsyncIterator[DispatchWorld]:
    """Start everything; leaving fails on whatever was looked at and did not conform to GitHub's description."""
    async with AsyncExitStack() as stack:
        world = DispatchWorld(folder, chance)
        await world.open(stack)
        yield world
