"""A hundred thousand forged presses on Telegram and as many on ntfy: none decides, starts or changes anything.

They go straight into the path of a message, on a real store; a few hundred more take the real sockets. Every round has
a request of its own, so that each forgery holds a token that is worth something to somebody else, or was until now.
"""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import pytest
import structlog

from bot.receiving import Receiving
from channels.ntfy_inbound import read_line
from commands.answer import Answer
from commands.audience import approval_notices
from domain.approvals import Approval, ApprovalState
from domain.decisions import Verdict
from domain.effects import Tell, TellTeam
from domain.ids import fingerprint
from domain.messages import Inbound
from domain.people import AddressKind
from store.sqlite_connection import connect
from tests.fakes.chat import every_channel, handle_in
from tests.fakes.connected_bot import GROUP as LISTED_GROUP
from tests.fakes.connected_bot import ConnectedWorld, connected_bot, tokens_of
from tests.fakes.policies import example_policy
from tests.fakes.whole_bot import WholeBot, whole_bot

FORGERIES = 100_000  # of each channel
OF_EACH_IN_A_ROUND = 40
GROUP, GROUP_CHAT = "telegram:-100", "-100"
SCREENS = {"telegram:ann": "77", "telegram:ben": "78", GROUP: "79", "ntfy:ann": "s1", "ntfy:ben": "s2"}
LIFETIME_SECONDS = 15 * 60
THROUGH_SOCKETS = 100  # of each kind
Try = Callable[[], Awaitable[bool]]  # tells whether something was accepted
Forger = Callable[["Round"], Try]


@dataclass(frozen=True, slots=True)
class Round:
    """One request and the tokens of its two buttons, by screen; those of `lost` were never bound to a message.

    `said` is what the one press that counted was answered: a repeat of it may be told again.
    """

    bot: WholeBot
    receiving: Receiving
    chance: Random
    approval: Approval
    tokens: dict[str, tuple[str, ...]]
    lost: tuple[str, ...]
    said: set[str] = field(default_factory=set)

    def token(self, screen: str) -> str:
        return self.chance.choice(self.tokens[screen])

    def altered(self, screen: str) -> str:
        token = self.token(screen)
        place = self.chance.randrange(len(token))
        other = self.chance.choice([digit for digit in "0123456789abcdefABCDEF" if digit != token[place]])
        return self.chance.choice([token[:place] + other + token[place + 1 :], token[:-1], token + "0", token + " "])

    def press(self, token: str, person: str, chat: str, on: str | None) -> Try:
        return self._judged(lambda: self.bot.press(token, person, chat=chat, on=on))

    def act(self, token: str) -> Try:
        async def act() -> bool:
            acted = await self.receiving.act(token)
            return acted.status == 200 and acted.text not in self.said

        return act

    def publish(self, value: str, text: str) -> Try:
        """Publish to somebody's command topic, as whoever may write there."""
        now = self.bot.clock.now()
        line = {"event": "message", "id": f"{self.chance.getrandbits(96):024x}", "time": int(now.timestamp())}
        raw = json.dumps({**line, "topic": f"{value}-cmd", "message": text}).encode()
        message = read_line(raw, ["ann", "ben", "vic"], now)
        assert isinstance(message, Inbound)
        return self._judged(lambda: self.bot.dispatcher.handle(message))

    def _judged(self, handle: Callable[[], Awaitable[Answer]]) -> Try:
        async def run() -> bool:
            answer = await handle()
            # A text that is no command is allowed to be told so.
            return answer.verdict is Verdict.ALLOW and not answer.repeated and "Not done" not in (answer.text or "")

        return run


WHILE_OPEN: dict[str, Forger] = {
    "telegram: another's button in their chat": lambda r: r.press(r.token("telegram:ann"), "ben", "ann", "77"),
    "telegram: another's button in one's own chat": lambda r: r.press(r.token("telegram:ann"), "ben", "ben", "77"),
    "telegram: a private button in the group": lambda r: r.press(r.token("telegram:ann"), "ann", GROUP_CHAT, "77"),
    "telegram: the group's button in private": lambda r: r.press(r.token(GROUP), "ann", "ann", "79"),
    "telegram: on another message": lambda r: r.press(
        r.token("telegram:ann"), "ann", "ann", str(r.chance.randrange(78, 10**6))
    ),
    "telegram: never bound to a message": lambda r: r.press(r.chance.choice(r.lost), "ann", "ann", "77"),
    "telegram: without the scope": lambda r: r.press(
        r.token(GROUP), r.chance.choice(["vic", "olga"]), GROUP_CHAT, "79"
    ),
    "telegram: a stranger": lambda r: r.press(r.token(GROUP), "nobody", GROUP_CHAT, "79"),
    "telegram: random": lambda r: r.press(f"{r.chance.getrandbits(128):032x}", "ann", "ann", "77"),
    "telegram: altered": lambda r: r.press(r.altered("telegram:ann"), "ann", "ann", "77"),
    "telegram: the hash that is kept": lambda r: r.press(fingerprint(r.token("telegram:ann")), "ann", "ann", "77"),
    "telegram: a token of ntfy": lambda r: r.press(
        r.token("ntfy:ann"), "ann", "ann", r.chance.choice(["77", "s1", None])
    ),
    "ntfy: a token of Telegram": lambda r: r.act(r.token("telegram:ann")),
    "ntfy: a token of the group": lambda r: r.act(r.token(GROUP)),
    "ntfy: a token of Telegram that never was shown": lambda r: r.act(r.chance.choice(r.lost)),
    "ntfy: random": lambda r: r.act(f"{r.chance.getrandbits(128):032x}"),
    "ntfy: altered": lambda r: r.act(r.altered("ntfy:ann")),
    "ntfy: the hash that is kept": lambda r: r.act(fingerprint(r.token("ntfy:ann"))),
    "ntfy: on another's topic": lambda r: r.publish(r.chance.choice(["ben", "vic"]), f"~{r.token('ntfy:ann')}"),
    "ntfy: a token of Telegram on the topic": lambda r: r.publish("ann", f"~{r.token('telegram:ann')}"),
    "ntfy: a token typed": lambda r: r.publish("ann", r.chance.choice(["", "~ ", "ok ", "/ok "]) + r.token("ntfy:ann")),
    "ntfy: the command typed": lambda r: r.publish("ann", f"{r.chance.choice(['ok', 'no'])} {r.approval.handle}"),
}
# Once a request is over even those for whom its buttons were made hold nothing.
ONCE_OVER: dict[str, Forger] = {
    "telegram: one's own": lambda r: r.press(r.token("telegram:ann"), "ann", "ann", "77"),
    "telegram: another approver's": lambda r: r.press(r.token("telegram:ben"), "ben", "ben", "78"),
    "telegram: the group's": lambda r: r.press(r.token(GROUP), r.chance.choice(["ann", "ben"]), GROUP_CHAT, "79"),
    "ntfy: one's own": lambda r: r.act(r.token("ntfy:ann")),
    "ntfy: another approver's": lambda r: r.act(r.token("ntfy:ben")),
    "ntfy: one's own on the topic": lambda r: r.publish("ann", f"~{r.token('ntfy:ann')}"),
}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep a line for each of 200,000 refusals out of memory."""
    kept = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    yield
    structlog.configure(**kept)


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[WholeBot]:
    async with whole_bot(tmp_path, policy=every_channel()) as made:
        made.reachable, made.team = frozenset({AddressKind.TELEGRAM, AddressKind.NTFY}), (GROUP,)
        await made.restart()
        yield made


async def new_round(bot: WholeBot, chance: Random) -> Round:
    """Have olga ask, and show it on every screen as channels and relay would."""
    handle = handle_in(await bot.say("run strict", person="olga"))
    meaning = await bot.read(lambda tables: tables.handles.meaning(handle, "approval"))
    assert meaning is not None, handle
    approval = await approval_now(bot, meaning[1])
    notices = approval_notices(approval, bot.people.all(), bot.policy)
    asked = {f":{one.person}": one.notice for one in notices if isinstance(one, Tell)}
    (team,) = [replace(one.notice, choices_for=None) for one in notices if isinstance(one, TellTeam)]
    shown = {to: asked.get(to[to.index(":") :], team) for to in SCREENS}
    tokens = {to: await bot.show(to, notice, SCREENS[to]) for to, notice in shown.items()}
    lost = await bot.show("telegram:ann", shown["telegram:ann"], None)
    receiving = Receiving(bot.store, bot.around, bot.dispatcher, bot.relay.settling, lambda: None)
    return Round(bot, receiving, chance, approval, tokens, lost)


async def approval_now(bot: WholeBot, approval: str) -> Approval:
    found = await bot.read(lambda tables: tables.approvals.get(approval))
    assert found is not None
    return found


async def decide(made: Round) -> None:
    """Let ann approve for real, by one of her two screens, and let the run end so that the next one may start."""
    approve, _ = made.tokens[made.chance.choice(["telegram:ann", "ntfy:ann"])]
    if approve in made.tokens["telegram:ann"]:
        text = (await made.bot.press(approve, "ann", on="77")).text or ""
    else:
        text = (await made.receiving.act(approve)).text
    assert text.startswith(f"{made.approval.handle} approved, started as "), text
    made.said.add(text)
    await made.bot.finish(text.split()[-1].rstrip("."))


async def run_out(made: Round) -> None:
    made.bot.clock.advance(LIFETIME_SECONDS)


async def sweep(made: Round) -> None:
    made.bot.clock.advance(LIFETIME_SECONDS)
    await made.bot.housekeeping.tick()


async def change_policy(made: Round) -> None:
    """Let `strict` mean something else now; to refuse it is still everybody's right."""
    made.tokens.update({screen: (approve,) for screen, (approve, _deny) in made.tokens.items()})
    document = example_policy()
    document["actions"]["strict"] |= {"workflow": f"ci-{made.chance.getrandbits(32)}.yml"}
    made.bot.policy = every_channel(document)


ENDS: dict[str, Callable[[Round], Awaitable[None]]] = {
    "decided": decide,
    "run out": run_out,
    "swept": sweep,
    "changed": change_policy,
}


def effects(bot: WholeBot) -> int:
    """Return how many rows of the outbox do anything but tell somebody something."""
    connection = connect(bot.path, read_only=True)
    try:
        (count,) = connection.execute("SELECT count(*) FROM outbox WHERE kind <> 'deliver'").fetchone()
    finally:
        connection.close()
    return int(count)


@pytest.mark.long
async def test_no_forged_press_is_worth_anything(bot: WholeBot) -> None:
    chance = Random(0)
    tried: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    decided = 0

    async def forge(made: Round, when: str, forgers: Mapping[str, Forger]) -> None:
        before = await approval_now(bot, made.approval.id)
        for kind, forger in forgers.items():
            results = await asyncio.gather(*(forger(made)() for _ in range(OF_EACH_IN_A_ROUND)))
            tried[f"{kind}, {when}"] += len(results)
            accepted[f"{kind}, {when}"] += sum(results)
        after = await approval_now(bot, made.approval.id)
        assert (after.state, after.votes) == (before.state, before.votes), (when, after)
        assert effects(bot) == decided

    while (
        min(sum(count for kind, count in tried.items() if kind.startswith(one)) for one in ("tel", "ntfy")) < FORGERIES
    ):
        await forge(await new_round(bot, chance), "while open", WHILE_OPEN)
        for when, end in ENDS.items():
            made = await new_round(bot, chance)
            await end(made)
            decided += when == "decided"
            await forge(made, when, ONCE_OVER)
    for kind, count in sorted(tried.items()):
        print(f"{kind}: {count} forged, {accepted[kind]} accepted")  # noqa: T201 - the figures are what a reader wants
    assert +accepted == Counter()
    assert {run.requested_by for run in await bot.runs()} == {"olga"}
    assert (await bot.verify_audit()).ok


@pytest.mark.parametrize("screen", ["telegram:ann", "ntfy:ann"])
async def test_the_very_same_presses_are_accepted_from_whom_they_were_made_for(bot: WholeBot, screen: str) -> None:
    """Without this the forgeries could all be refused for a reason of their own."""
    made = await new_round(bot, Random(0))
    forger = ONCE_OVER["telegram: one's own" if screen.startswith("tel") else "ntfy: one's own"]
    assert await forger(made)()
    assert (await approval_now(bot, made.approval.id)).state is not ApprovalState.OPEN


async def shown_request(world: ConnectedWorld) -> tuple[str, dict[str, list[str]]]:
    """Have olga ask; return the request's handle and the tokens that ann's chat, the group and carl's phone got."""
    world.say("olga", "run strict")
    card = await world.card("ann", "asks to run")
    group = await world.card("ann", "asks to run", LISTED_GROUP)
    push = await world.push("carl", "asks to run")
    await world.bot.bot.relay.tick()  # all is recorded, too
    tokens = {
        "ann": [button["callback_data"] for row in card.keyboard for button in row],
        "group": [button["callback_data"] for row in group.keyboard for button in row],
        "carl": tokens_of([dict(action) for action in push.actions]),
    }
    return card.text.partition(":")[0], tokens


async def test_forged_updates_from_telegram_itself_press_nothing(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        chance = Random(0)
        handle, tokens = await shown_request(world)
        card, group = await world.card("ann", handle), await world.card("ann", handle, LISTED_GROUP)
        ann, ben, olga, stranger = (world.user(one) for one in ("ann", "ben", "olga", "99887766"))
        world.telegram.start(stranger)
        for _ in range(THROUGH_SOCKETS):
            mine, ours, pushed = (chance.choice(tokens[one]) for one in ("ann", "group", "carl"))
            world.telegram.press_data(ben, ben, card.id, mine)
            world.telegram.press_data(ben, ann, card.id, mine)
            world.telegram.press_data(ann, LISTED_GROUP, card.id, mine)
            world.telegram.press_data(ann, ann, group.id, ours)
            world.telegram.press_data(ann, ann, card.id, pushed)
            world.telegram.press_data(ann, ann, chance.randrange(10**6, 10**7), mine)
            world.telegram.press_data(ann, ann, card.id, f"{chance.getrandbits(128):032x}")
            world.telegram.press_data(olga, LISTED_GROUP, group.id, ours)
            world.telegram.press_data(stranger, LISTED_GROUP, group.id, ours)
        world.say("vic", "whoami")  # updates are taken in order, so by its answer all others have been
        await world.card("vic", "You are Vic")
        rows = [row for row in await world.audit() if row["channel"] == "telegram" and row["decision"] == "deny"]
        print(f"through Telegram's socket: {Counter(row['rule'] for row in rows)}")  # noqa: T201 - as above
        assert len(rows) == 8 * THROUGH_SOCKETS  # one of the nine never gets past the reading of updates
        world.press("ann", card, "Deny")
        await world.toast("ann", f"{handle} refused. Nothing was started.")


async def test_forged_posts_to_the_hook_press_nothing_and_do_not_shut_it(tmp_path: Path) -> None:
    async with connected_bot(tmp_path) as world:
        chance = Random(0)
        handle, tokens = await shown_request(world)
        answers: Counter[int] = Counter()
        for _ in range(THROUGH_SOCKETS):
            for token in (
                chance.choice(tokens["ann"]),
                chance.choice(tokens["group"]),
                f"{chance.getrandbits(128):032x}",
            ):
                answers[(await world.tap_token(token)).status] += 1
        print(f"through the hook's socket: {dict(answers)}")  # noqa: T201 - as above
        assert set(answers) == {404, 429}
        assert [row for row in await world.audit() if row["action"] in ("ok", "no")] == []
        assert (await world.tap("carl", handle, "Deny")).status == 200
