"""Thousands of injections in every place of an order, by message, button and API: nothing starts but what the policy names.

What may start is judged by the oracle of tests/policy, which knows the policy as it stands in the file, and nothing else of us.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot.home import Home
from bot.settings import Settings
from commands.answer import Answer
from domain.effects import Dispatch
from domain.notices import Choice, Notice, NoticeKind
from domain.people import AddressKind
from domain.runs import RunState
from store.port import Store
from store.tables import Tables
from tests.fakes.policies import example_policy, loaded
from tests.fakes.served_bot import served_bot
from tests.fakes.whole_bot import whole_bot
from tests.forgery.payloads import around
from tests.policy.oracle import fits

REF = "release/1"
INPUTS: dict[str, Any] = {
    "image": {"type": "string", "pattern": "[a-z0-9][a-z0-9./:=_-]*", "default": "app"},
    "word": {"type": "string", "pattern": "[^;&|$`]+", "default": "x"},
    "level": {"type": "string", "enum": ["low", "high"], "default": "low"},
    "count": {"type": "integer", "min": 50, "max": 100, "default": 50},
    "force": {"type": "boolean", "default": False},
}
GOOD = {"image": "app", "word": "x", "level": "low", "count": "50", "force": "true"}
# Where a payload stands in an order, and what would be allowed there. Each place has an action of its own to begin with,
# so that an order that is accepted is in the way of none but those of its own place.
PLACES: dict[str, tuple[str, str]] = {
    "verb": ("run", "{} act-0 release/1 image=app"),
    "action": ("act-1", "run {} release/1 image=app"),
    "ref": (REF, "run act-2 {} image=app"),
    "name of an input": ("image", "run act-3 release/1 {}=app"),
    **{f"input {name}": (good, f"run act-{n} release/1 {name}={{}}") for n, (name, good) in enumerate(GOOD.items(), 4)},
}
FEWEST = 500  # payloads in each place
EVERYTHING = 1_000_000  # more rows than there are


@dataclass(frozen=True, slots=True)
class Said:
    """What came of one order: the reply, None where there was none, and whether something of ours broke."""

    reply: str | None
    broke: bool

    @classmethod
    def by(cls, answer: Answer) -> "Said":
        return cls(answer.text, answer.problem is not None or answer.rule == "gate_error")

    @property
    def accepted(self) -> bool:
        return self.reply is not None and " accepted. " in self.reply


@dataclass(frozen=True, slots=True)
class Way:
    """One way to give orders, and the store of the bot that takes them."""

    say: Callable[[str], Awaitable[Said]]
    store: Store


def policy() -> dict[str, Any]:
    document = example_policy()
    triage = {key: value for key, value in document["actions"]["triage"].items() if key != "loop"}
    for number in range(len(PLACES)):
        more = {"refs": ["main", REF], "inputs": INPUTS, "rate": {"per_hour": 3600}}
        document["actions"][f"act-{number}"] = triage | more
    limits = {"max_scope": "approve", "per_person_per_hour": EVERYTHING}
    return document | {"channels": {kind.value: limits for kind in AddressKind}}


def orders(place: str) -> list[str]:
    """Return the order that is allowed, and then one for each payload."""
    good, order = PLACES[place]
    payloads = list(around(good))
    assert len(payloads) >= FEWEST
    return [order.replace("{}", text) for text in (good, *payloads)]


def outside_the_policy(started: Dispatch) -> list[str]:
    """Return what of a dispatch the policy does not name."""
    action = policy()["actions"].get(started.action)
    if action is None:
        return [f"action {started.action!r}"]
    where = {name: getattr(started, name) for name in ("forge", "repository", "workflow")}
    wrong = [f"{name} {value!r}" for name, value in where.items() if value != action[name]]
    wrong += [f"ref {started.ref!r}"] if started.ref not in action["refs"] else []
    wrong += [f"input {name!r}" for name in started.inputs.keys() ^ action["inputs"].keys()]
    declared = [(value, action["inputs"].get(name)) for name, value in started.inputs.items()]
    return wrong + [f"value {value!r}" for value, spec in declared if spec is not None and not fits(spec, value)]


@asynccontextmanager
async def by_message(folder: Path) -> AsyncIterator[Way]:
    async with whole_bot(folder, policy=loaded(policy())) as bot:

        async def say(order: str) -> Said:
            return Said.by(await bot.text(order, "olga", "telegram"))

        yield Way(say, bot.store)


@asynccontextmanager
async def by_button(folder: Path) -> AsyncIterator[Way]:
    """Let a message offer the order as its button, and somebody press that."""
    async with whole_bot(folder, policy=loaded(policy())) as bot:

        async def say(order: str) -> Said:
            if not is_text(order):
                return Said(None, broke=False)  # no message can offer it: what is no text cannot be kept
            offer = Notice("offer", NoticeKind.ALARM, "Again?", choices=(Choice("Again", order),))
            (token,) = await bot.show("telegram:olga", offer)
            return Said.by(await bot.press(token, "olga"))

        yield Way(say, bot.store)


@asynccontextmanager
async def by_api(folder: Path) -> AsyncIterator[Way]:
    def prepare(settings: Settings) -> None:
        Home.of(settings).policy_file.write_text(json.dumps(policy()), encoding="utf-8")

    async with served_bot(folder, prepare=prepare) as bot:
        owner = await bot.sign_in()

        async def say(order: str) -> Said:
            reply = await owner.say(order)
            assert reply.status in (200, 400), reply
            if reply.status == 400:
                return Said(reply.body["detail"], broke=False)
            return Said(reply.body["entry"]["text"], reply.body["entry"]["rule"] == "gate_error")

        yield Way(say, bot.bot.store)


def is_text(order: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in order)


async def end(handle: str, store: Store) -> None:
    """Let a run be over, so that it is in nobody's way."""

    def over(tables: Tables) -> None:
        meaning = tables.handles.meaning(handle, "run")
        assert meaning is not None
        run = tables.runs.get(meaning[1])
        assert run is not None
        tables.runs.change(replace(run, state=RunState.SUCCEEDED, finished_at=run.created_at), run.created_at)

    await store.transact(over)


async def give_all(place: str, way: Way) -> int:
    """Give every order of one place, and return how many were accepted: the one that is allowed, and what means the same."""
    accepted = 0
    for number, order in enumerate(orders(place)):
        said = await way.say(order)
        assert not said.broke, (order, said)
        assert said.reply is None or all(line.isprintable() for line in said.reply.split("\n")), (order, said)
        assert said.accepted or number, said
        if said.accepted:
            accepted += 1
            await end(str(said.reply).split()[0], way.store)
    return accepted


async def started(store: Store) -> list[Dispatch]:
    rows = await store.read(lambda tables: tables.outbox.listing(None, EVERYTHING))
    return [row.effect for row in rows if isinstance(row.effect, Dispatch)]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep a line for each of thousands of refusals out of memory."""
    kept = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.configure(**kept)


@pytest.mark.parametrize("open_way", [by_message, by_button, by_api], ids=lambda way: way.__name__)
async def test_nothing_starts_but_what_the_policy_names(
    tmp_path: Path, open_way: Callable[[Path], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_way(tmp_path) as way:
        accepted = await asyncio.gather(*(give_all(place, way) for place in PLACES))
        dispatches = await started(way.store)
    given = {place: len(orders(place)) for place in PLACES}
    with capsys.disabled():
        print(f"\n{open_way.__name__}: {sum(given.values()):,} orders, {len(dispatches)} accepted")  # noqa: T201 - the figures are what a reader wants
        for (place, many), taken in zip(given.items(), accepted, strict=True):
            print(f"  {place:18}{many:6,} orders{taken:5} accepted")  # noqa: T201 - as above
    assert len(dispatches) == sum(accepted)
    assert [wrong for wrong in map(outside_the_policy, dispatches) if wrong] == []


def test_the_judge_of_dispatches_finds_each_thing_that_can_be_wrong() -> None:
    action = policy()["actions"]["act-0"]
    where = {name: action[name] for name in ("forge", "repository", "workflow")}
    fine = Dispatch("r", "act-0", ref=REF, inputs=GOOD, correlation="c", digest="d", **where)
    wrong: list[dict[str, Any]] = [
        {"action": "act-00"},
        {"forge": "local"},
        {"repository": "acme/Shop"},
        {"workflow": "CI.yml"},
        {"ref": "refs/heads/main"},
        {"inputs": GOOD | {"other": "1"}},
        {"inputs": {}},
        *({"inputs": GOOD | {name: "; id"}} for name in GOOD),
    ]
    assert outside_the_policy(fine) == []
    assert [change for change in wrong if not outside_the_policy(replace(fine, **change))] == []
