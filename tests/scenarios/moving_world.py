"""Branches and workflows that move while runs on them are asked for, approved, dispatched and started: all on one virtual clock.

    async with moving_world(tmp_path, random.Random(1)) as world:
        await world.race()                    # one round: a race on each branch, from the question to the end of the run
        world.races                           # what moved when, what was approved, and what became of it

The real gate, store, relay, watch, forge and client; GitHub alone is a stand-in. The bot sees where branches stand at the
beginning of a round, and where a race says so.
"""

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, DummyCookieJar

from bot.desk import StoreDesk
from bot.performing import Performer
from bot.relay import Relay, RelayParts
from commands.answering import find_approval
from commands.catalogue import CATALOGUE
from domain.effects import LinkAddress
from domain.runs import Run
from forge.code import WorkflowFile
from forge.github import GitHubForge
from forge.github_client import GitHubClient
from forge.github_code import GitHubCode
from forge.github_settings import GitHubSettings
from loops.measuring import Measuring
from loops.watch import Watch, WatchParts
from store.tables import Tables
from tests.fakes.channel import FakeChannel
from tests.fakes.chat import Chat, handle_in
from tests.fakes.directory import PEOPLE
from tests.fakes.github_rig import CANCEL, DISPATCH, PIN, RUN_NAME, SOURCE, WORKFLOW_PATH
from tests.fakes.policies import example_policy, loaded
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.github import HOME, TOKEN, FakeGitHub
from tests.fakes.providers.github_plan import completed, in_progress, queued
from tests.fakes.providers.github_runs import Input

BRANCHES = tuple(f"b{number:02d}" for number in range(25))  # each race has one of its own, and so a slot of its own
WORK_SECONDS = 600.0  # a run that nobody cancels ends well
LOOK_BACK_SECONDS, POLL_SECONDS = 31.0, 16.0
HOURLY_CALLS = 1_000_000
CHECKED_ONE_IN = 50


class Moment(Enum):
    """When something moves. The bot sees it only at `SEEN`, and when it looks before a dispatch."""

    BEFORE_ASKING = "before it is asked for"
    ASKED = "between question and approval"
    SEEN = "between question and approval, and the bot sees it"
    APPROVED = "between approval and dispatch"
    HEAD_READ = "in the dispatch, after the branch was read"
    FILE_READ = "in the dispatch, after the workflow was read"
    STARTED = "after the start"
    NEVER = "never"


class Move(Enum):
    """What moves."""

    COMMIT = "a commit that leaves the workflow as it is"
    WORKFLOW = "a commit that changes the workflow"
    BACK = "a commit that changes the workflow, and the branch is put back"


@dataclass(slots=True)
class Race:
    """One race. `asked_at` and `rule`, what the gate said to the approver, stay empty where no approval is needed."""

    branch: str
    moment: Moment
    move: Move
    needs_approval: bool
    handle: str = ""
    asked_at: str = ""
    rule: str = ""
    run: Run | None = None
    started: tuple[str, ...] = ()
    changed: bool = False
    cancelled: bool = False


class MovingCode(GitHubCode):
    """GitHub's code, on which somebody works between two questions of the dispatch."""

    def __init__(self, client: GitHubClient, world: "MovingWorld") -> None:
        super().__init__(client)
        self._world = world
        self._branch_of: dict[str, str] = {}

    async def head(self, repository: str, branch: str) -> str | None:
        found = await super().head(repository, branch)
        self._branch_of[found or ""] = branch
        self._world.move(branch, Moment.HEAD_READ)
        return found

    async def workflow_file(self, repository: str, workflow: str, ref: str) -> WorkflowFile | None:
        found = await super().workflow_file(repository, workflow, ref)
        self._world.move(self._branch_of[ref], Moment.FILE_READ)
        return found


class MovingWorld(Chat):
    """What the module's docstring shows."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        super().__init__(folder / "reins.db", loaded(_policy()), PEOPLE, CATALOGUE)
        self.heads_are_seen = False
        self.chance = chance
        self.github = FakeGitHub(self.clock, checked_one_in=CHECKED_ONE_IN)
        self.races: list[Race] = []
        self._round: dict[str, Race] = {}
        self._began = self.clock.now()

    async def open(self, stack: AsyncExitStack) -> None:
        """Start everything."""
        await stack.enter_async_context(self.github)
        self.github.token.limit = HOURLY_CALLS
        plan = (queued(5), in_progress(WORK_SECONDS), completed("success"))
        self.github.workflow("ci.yml", run_name=RUN_NAME, inputs={"request_id": Input()}, plan=plan, source=SOURCE)
        session = await stack.enter_async_context(ClientSession(cookie_jar=DummyCookieJar()))
        client = GitHubClient(session, GitHubSettings(TOKEN, api_base=self.github.url), self.clock)
        await self.start()
        stack.push_async_callback(self._close_store)
        desk = StoreDesk(self.store, self.clock, self.entropy)
        forges = {"github": GitHubForge(client, MovingCode(client, self), self.clock, desk.expect)}
        performer = Performer(forges, {"web": FakeChannel("web")}, _link, self._read_run)
        around = self.around
        self.relay = Relay(
            RelayParts(
                self.store, performer, self.announcer, around.mode, around.policy, self.clock, self.entropy, _nothing
            ),
            "relay",
        )
        measuring = Measuring({}, around.policy, self.clock)
        self.watch = Watch(WatchParts(self.store, forges, measuring, around.mode, self.clock, self.announcer, _nothing))

    async def race(self) -> None:
        """Run one race on every branch, side by side."""
        self._began = self.clock.now()
        self._round = {branch: self._start(branch) for branch in BRANCHES}
        await self._see(self._round)
        await self._ask()
        await self._approve()
        self._move_all(Moment.APPROVED)
        if self.chance.random() < 0.5:  # the answers of some dispatches get lost, those of some cancels too
            self.github.faults_on(DISPATCH).add(Fault.ACCEPT_THEN_DROP, times=5)
            self.github.faults_on(CANCEL).add(Fault.ERROR_AFTER_ACCEPT, times=2)
        await self._work()
        self._move_all(Moment.STARTED)
        for seconds in (LOOK_BACK_SECONDS, POLL_SECONDS, POLL_SECONDS, WORK_SECONDS):
            self.clock.advance(seconds)
            await self._work()
        await self._note()
        self.races += self._round.values()

    def move(self, branch: str, moment: Moment) -> None:
        """Move a branch if its race says that this is the moment."""
        race = self._round[branch]
        if race.moment is not moment:
            return
        commits, before = self.github.home.commits, self.github.home.commits.branches[branch]
        changed = {} if race.move is Move.COMMIT else {WORKFLOW_PATH: f"{SOURCE}# {len(commits.known)}\n"}
        commits.push(branch, files=changed)
        if race.move is Move.BACK:
            commits.push(branch, before)

    def _start(self, branch: str) -> Race:
        """Make a race on a branch that holds the pinned workflow again."""
        self.github.home.commits.push(branch, files={WORKFLOW_PATH: SOURCE})
        chance = self.chance
        return Race(branch, chance.choice([*Moment]), chance.choice([*Move]), chance.random() < 0.7)

    async def _see(self, branches: Any) -> None:
        now, stand = self.clock.now(), self.github.home.commits.branches

        def keep(tables: Tables) -> None:
            for branch in branches:
                tables.heads.put(HOME, branch, stand[branch], now)

        await self.store.transact(keep)

    async def _ask(self) -> None:
        for race in self._round.values():
            self.move(race.branch, Moment.BEFORE_ASKING)
            name = "asked" if race.needs_approval else "plain"
            answer = await self.say(f"run {name} {race.branch}", person="olga")
            assert answer.rule == ("approval_needed" if race.needs_approval else "allowed"), answer
            race.handle = handle_in(answer)

    async def _approve(self) -> None:
        for race in self._round.values():
            if not race.needs_approval:
                self.move(race.branch, Moment.ASKED)
                self.move(race.branch, Moment.SEEN)
                continue
            race.asked_at = await self._asked_at(race.handle)
            for moment in (Moment.ASKED, Moment.SEEN):
                self.move(race.branch, moment)
            if race.moment is Moment.SEEN:
                self.clock.advance(0.001)
                await self._see([race.branch])
            race.rule = (await self.say(f"ok {race.handle}", person="ann")).rule or ""

    async def _asked_at(self, handle: str) -> str:
        approval = await self.read(lambda tables: find_approval(handle, tables))
        assert approval is not None
        assert approval.head_sha is not None
        return approval.head_sha

    def _move_all(self, moment: Moment) -> None:
        for branch in self._round:
            self.move(branch, moment)

    async def _work(self) -> None:
        """Let relay and watch do whatever is due."""
        while await self.relay.tick():
            pass
        await self.watch.look()
        while await self.relay.tick():
            pass

    async def _note(self) -> None:
        """Keep what became of each race: our run, and what GitHub really started for it."""
        runs = await self.read(lambda tables: tables.runs.latest(len(BRANCHES)))
        newest = {run.ref: run for run in runs if run.created_at >= self._began}
        effects, files = self.github.effects, self.github.home.commits.graph.files
        for race in self._round.values():
            race.run = newest.get(race.branch)
            ids = effects.runs_of(race.run.correlation) if race.run else []
            race.started = tuple(one.head_sha for one in effects.dispatches if one.run_id in ids)
            race.cancelled = not set(ids).isdisjoint(effects.cancels)
            race.changed = any(files[sha][WORKFLOW_PATH] != SOURCE for sha in race.started)

    async def _read_run(self, run_id: str) -> Run:
        run = await self.read(lambda tables: tables.runs.get(run_id))
        assert run is not None, "runs are never deleted while open"
        return run

    async def _close_store(self) -> None:
        await self.store.close()


def _policy() -> dict[str, Any]:
    policy = example_policy()
    policy["repositories"].append(HOME)
    pins = dict.fromkeys(BRANCHES, PIN)
    plain = {
        **policy["actions"]["triage"],
        "repository": HOME,
        "refs": [*BRANCHES],
        "pins": pins,
        "rate": {"per_hour": 3600},
    }
    plain.pop("loop")
    policy["actions"] = {"plain": plain, "asked": {**plain, "approvals": {"needed": 1}}}
    policy["channels"]["web"]["per_person_per_hour"] = 1_000_000
    return policy


def _nothing() -> None:
    return None


async def _link(_effect: LinkAddress) -> None:
    raise AssertionError("nobody links an address here")


@asynccontextmanager
async def moving_world(folder: Path, chance: random.Random) -> AsyncIterator[MovingWorld]:
    """Start everything; leaving fails on whatever was looked at and did not conform to GitHub's description."""
    async with AsyncExitStack() as stack:
        world = MovingWorld(folder, chance)
        await world.open(stack)
        yield world
