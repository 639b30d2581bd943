"""A whole bot to talk to in tests: real store, real gate, real audit, and a clock that stands still.

    async with chat(tmp_path) as bot:
        answer = await bot.say("run mutation")                       # owner, by web, with a session
        answer = await bot.say("halt", person="vic", channel="sms", proof=Proof.ADDRESS)
        answer = await bot.say("hello", person="nobody")             # not enrolled: a stranger
        answer = await bot.text("status", person="ann")              # by SMS, answered through the outbox
        tokens = await bot.show("telegram:ann", notice)              # a message with buttons, as the relay leaves it
        answer = await bot.press(tokens[0], person="ann")

Everybody of `tests.fakes.directory.PEOPLE` is enrolled on every channel; the policy is that of
`tests.fakes.policies.example_policy`, as a PolicyState in `bot.policy`, which a test may replace at any time. Each text
gets a message id of its own unless `message_id` is given. `reachable` and `team` say which channels notices go out on;
`every_channel` is a policy that lets all of them carry everything. `bot.clock.advance(seconds)` moves time, `bot.brake` is the
HALT file, `await bot.restart()` does what a new process on the same database would. What the bot left behind is read
with `audit_rows`, `outbox`, `dispatches`, `notices`, `sent_to`, `runs`, `dump` (all tables as text), `read` (any tables
function) and `verify_audit`; `code` makes the code of the newest challenge, as the channel that sends it does; `finish`
plays the relay's part for a run, `heads` says where branches on GitHub stand (nobody looks while not `heads_are_seen`),
`relay_calls` counts how often the relay was woken, and `context` is for calling a
command's functions directly.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from audit.report import Report
from audit.seals import Seal, SealKey, TrustedKey
from audit.verify import verify
from bot.desk import StoreDesk
from commands.announcing import Announcer
from commands.answer import Answer
from commands.catalogue import CATALOGUE
from commands.command import Command, Context
from commands.dispatcher import Dispatcher
from commands.surroundings import Surroundings
from domain.ci import Branch
from domain.effects import CancelRun, Deliver, Dispatch, Effect, LinkAddress
from domain.ids import fingerprint, ulid
from domain.messages import CarrierWord, Inbound, Press
from domain.modes import Mode, ModeSources
from domain.notices import Notice, NoticeKind
from domain.people import Address, AddressKind, Person, Proof
from domain.runs import Run, RunState
from policy.branches import github_branches
from policy.loading import PolicyState
from policy.rules.scope import scopes_of
from store.port import StoreUnwritable
from store.sealing import Sealer
from store.sqlite import SqliteStore
from store.sqlite_connection import connect
from store.tables import Tables
from tests.fakes.brake import FakeBrake
from tests.fakes.directory import PEOPLE, FakeDirectory
from tests.fakes.entropy import SeededEntropy
from tests.fakes.policies import example_policy, loaded
from tests.fakes.virtual_time import VirtualTime

T = TypeVar("T")

HEAD = "5eed" * 10
ORIGIN = "reins-test"
SEED = b"x" * 32
_EFFECTS: dict[str, TypeAdapter[Any]] = {
    "dispatch": TypeAdapter(Dispatch),
    "cancel": TypeAdapter(CancelRun),
    "deliver": TypeAdapter(Deliver),
    "link": TypeAdapter(LinkAddress),
}


@dataclass(frozen=True, slots=True)
class Committed:
    """One outbox row as it lies in the database."""

    key: str
    effect: Effect
    state: str
    expires_at: str


def handle_in(answer: Answer) -> str:
    """Return the id an answer begins with, as `3K mutation on ... accepted` and `3K strict waits for ...` do."""
    assert answer.text is not None, answer
    return answer.text.split()[0]


PROOFS = {"sms": Proof.ADDRESS, "ntfy": Proof.ADDRESS, "telegram": Proof.ACCOUNT}


def every_channel(document: dict[str, Any] | None = None, per_hour: int = 6000) -> PolicyState:
    """Load a policy, the example if none is given, under which every channel may carry everything."""
    limits = {"max_scope": "approve", "per_person_per_hour": per_hour}
    return loaded({**(document or example_policy()), "channels": {kind.value: limits for kind in AddressKind}})


class Chat:
    """What `chat` yields; see the module's docstring."""

    def __init__(
        self, path: Path, policy: PolicyState, people: Iterable[Person], catalogue: tuple[Command, ...]
    ) -> None:
        self.path = path
        self.policy = policy
        self.clock = VirtualTime()
        self.entropy = SeededEntropy()
        self.brake = FakeBrake()
        self.people = FakeDirectory(people)
        self.environment_mode: Mode | None = None
        self.catalogue = catalogue
        self.reachable: frozenset[AddressKind] = frozenset()
        self.team: tuple[str, ...] = ()
        self.relay_calls = 0
        self.heads: dict[Branch, str] = {}
        self.heads_are_seen = True
        self._sent = 0
        self._heads_kept: object = None

    async def start(self) -> None:
        """Open the store and build the dispatcher around it."""
        self.store = SqliteStore(self.path)
        await self.store.open()
        self.announcer = Announcer(self.people, self.reachable, self.team, lambda: self.policy)
        self.around = Surroundings(
            people=self.people,
            policy=lambda: self.policy,
            brake=self.brake,
            environment_mode=self.environment_mode,
            clock=self.clock,
            entropy=self.entropy,
            sealer=Sealer(SealKey(SEED), ORIGIN),
            announcer=self.announcer,
            catalogue=self.catalogue,
        )
        self.dispatcher = Dispatcher(self.store, self.around, self._wake_relay)

    async def restart(self) -> None:
        """Stop and start again on the same database, as a new process would; nothing in memory survives."""
        await self.store.close()
        self.brake.ours = False
        await self.start()

    def _wake_relay(self) -> None:
        self.relay_calls += 1

    def message(
        self,
        text: str,
        person: str = "owner",
        proof: Proof = Proof.SESSION,
        channel: str = "web",
        message_id: str | None = None,
        sent_at: datetime | None = None,
    ) -> Inbound:
        """Make the message an adapter would hand on."""
        self._sent += 1
        sender = Address(AddressKind(channel), person)
        key = f"m{self._sent}" if message_id is None else message_id
        return Inbound(channel, f"our-{channel}", key, sender, text, proof, self.clock.now(), sent_at)

    async def say(
        self,
        text: str,
        person: str = "owner",
        proof: Proof = Proof.SESSION,
        channel: str = "web",
        message_id: str | None = None,
        sent_at: datetime | None = None,
    ) -> Answer:
        """Send one text and return the answer."""
        await self.see_heads()
        return await self.dispatcher.handle(self.message(text, person, proof, channel, message_id, sent_at))

    async def text(
        self,
        text: str,
        person: str = "owner",
        channel: str = "sms",
        *,
        chat: str | None = None,
        message_id: str | None = None,
        carrier_word: CarrierWord | None = None,
    ) -> Answer:
        """Send one text by a channel that is answered through the outbox, from a private chat unless `chat` names one."""
        await self.see_heads()
        message = self.message(text, person, PROOFS[channel], channel, message_id)
        place = Address(AddressKind(channel), chat or person)
        return await self.dispatcher.handle(replace(message, reply_to=place, carrier_word=carrier_word))

    async def press(
        self,
        token: str,
        person: str = "owner",
        channel: str = "telegram",
        *,
        on: str | None = "77",
        chat: str | None = None,
        message_id: str | None = None,
    ) -> Answer:
        """Press the button of a token on the message `on`, in the person's private chat unless `chat` names another."""
        await self.see_heads()
        message = self.message("", person, Proof.ACCOUNT, channel, message_id)
        place, press = Address(AddressKind(channel), chat or person), Press(token, on, f"query-{message.message_id}")
        return await self.dispatcher.handle(replace(message, reply_to=place, press=press))

    async def see_heads(self) -> None:
        """Keep where the branches on GitHub stand, as the loop that watches them does: at `HEAD` unless `heads` says else."""
        now, branches = self.clock.now(), github_branches(self.policy.policy)
        stand = {branch: self.heads.get(branch, HEAD) for branch in branches}
        if not self.heads_are_seen or self._heads_kept == (now, stand):
            return

        def keep(tables: Tables) -> None:
            for branch, sha in stand.items():
                tables.heads.put(branch.repository, branch.name, sha, now)

        with suppress(StoreUnwritable):
            await self.store.transact(keep)
            self._heads_kept = (now, stand)

    async def show(self, to: str, notice: Notice, on: str | None = "77") -> tuple[str, ...]:
        """Do what channel and relay do for a notice with buttons, and return their tokens; `on` None: they never got to it."""
        tokens = await StoreDesk(self.store, self.clock, self.entropy).mint(to, notice)
        if on is not None:
            hashes = [fingerprint(token) for token in tokens]
            await self.store.transact(lambda tables: tables.buttons.bind(hashes, on))
        return tokens

    async def code(self) -> str | None:
        """Make the code of the newest challenge, as the channel does while it sends it."""
        challenge = next(one for one in reversed(self.notices()) if one.kind is NoticeKind.CHALLENGE)
        assert challenge.subject is not None
        return await StoreDesk(self.store, self.clock, self.entropy).code(challenge.subject)

    def context(self, person: str = "owner", proof: Proof = Proof.SESSION, mode: Mode = Mode.READ_ONLY) -> Context:
        """Make the context a command is called with."""
        who, now = self.people.people[person], self.clock.now()
        return Context(
            person=who,
            scopes=scopes_of(who, self.policy),
            proof=proof,
            reply_to=Address(AddressKind.WEB, person),
            channel="web",
            state=self.policy,
            mode=ModeSources(self.environment_mode, mode, self.brake.pulled()),
            now=now,
            new_id=lambda: ulid(now, self.entropy),
            two_digits=lambda: "47",
            everyone=self.people.all,
            catalogue=self.catalogue,
        )

    async def read(self, fn: Callable[[Tables], T]) -> T:
        """Read anything from the tables."""
        return await self.store.read(fn)

    async def audit_rows(self) -> list[dict[str, Any]]:
        """Return every audit row as an object, oldest first."""
        return [json.loads(body) for _, body, _ in await self.read(lambda tables: list(tables.audit.each()))]

    async def verify_audit(self) -> Report:
        """Verify the whole audit log with its seals, as `reins audit verify` does."""
        rows, seals = await self.read(lambda tables: (list(tables.audit.each()), list(tables.seals.each())))
        key = TrustedKey(SealKey(SEED).public_hex)
        return verify(rows, [Seal.from_json(body) for body in seals], [key], ORIGIN)

    def outbox(self) -> list[Committed]:
        """Return every committed effect, oldest first, without leasing it."""
        connection = connect(self.path, read_only=True)
        try:
            rows = connection.execute("SELECT key, kind, body, state, expires_at FROM outbox ORDER BY id").fetchall()
        finally:
            connection.close()
        return [
            Committed(key, _EFFECTS[kind].validate_json(body), state, expires)
            for key, kind, body, state, expires in rows
        ]

    def dispatches(self) -> list[Dispatch]:
        """Return every committed dispatch, oldest first."""
        return [row.effect for row in self.outbox() if isinstance(row.effect, Dispatch)]

    def notices(self, person: str | None = None) -> list[Notice]:
        """Return every committed notice, or those to one person's thread."""
        sent = [row.effect for row in self.outbox() if isinstance(row.effect, Deliver)]
        return [one.notice for one in sent if person is None or one.to == f"web:{person}"]

    def sent_to(self, to: str) -> list[Notice]:
        """Return every notice committed for one address, `channel:value`, oldest first."""
        sent = [row.effect for row in self.outbox() if isinstance(row.effect, Deliver)]
        return [one.notice for one in sent if one.to == to]

    def dump(self) -> str:
        """Return everything that lies in the database, texts and the texts inside of blobs."""
        connection = connect(self.path, read_only=True)
        try:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
            rows = [row for table in tables for row in connection.execute(f"SELECT * FROM {table}")]
        finally:
            connection.close()
        return "\n".join(
            value.decode(errors="replace") if isinstance(value, bytes) else str(value) for row in rows for value in row
        )

    async def runs(self) -> list[Run]:
        """Return every run, oldest first."""
        return list(reversed(await self.read(lambda tables: tables.runs.latest(1000))))

    async def finish(self, handle: str, state: RunState = RunState.SUCCEEDED, **fields: Any) -> None:
        """End a run the way the relay and the loops would."""
        run = next(run for run in await self.runs() if run.handle == handle)
        now = self.clock.now()
        ended = replace(run, state=state, finished_at=now, **fields)
        await self.store.transact(lambda tables: tables.runs.change(ended, now))


@asynccontextmanager
async def chat(
    folder: Path,
    *,
    policy: PolicyState | None = None,
    people: Iterable[Person] = PEOPLE,
    catalogue: tuple[Command, ...] = CATALOGUE,
    mode: Mode | None = None,
    reachable: Iterable[AddressKind] = (),
    team: tuple[str, ...] = (),
) -> AsyncIterator[Chat]:
    """Start a bot on a database in `folder`; `mode` sets the stored mode before the first message."""
    bot = Chat(folder / "reins.db", policy or loaded(example_policy()), people, catalogue)
    bot.reachable, bot.team = frozenset(reachable), team
    await bot.start()
    if mode is not None:
        now = bot.clock.now()
        await bot.store.transact(lambda tables: tables.mode.set(mode, "owner", now))
    try:
        yield bot
    finally:
        await bot.store.close()
