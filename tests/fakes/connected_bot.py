"""A whole bot joined to all fake providers: people text, tap and type on their side, and read what reached them.

    async with connected_bot(tmp_path) as world:
        await world.text("olga", "run mutation")          # by SMS
        code = await world.code("olga")
        world.say("ann", "q")                             # by Telegram; chat=GROUP in the group
        card = await world.card("ann", "asks to run")
        world.press("ann", card, "Approve")
        await world.toast("ann", "approved")
        await world.tap("carl", "asks to run", "Deny")    # by ntfy
        await world.type("carl", "status")
        await world.posted("DONE")                        # in Slack
        world.github.workflow("ci.yml")                   # with `github=True`
        await world.pass_time(15 * 60)

Ann and Ben approve, Olga operates, Vic reads, and all of them have every kind of address; Carl approves and has ntfy
alone. The team has a Telegram group and a Slack channel. Everybody has opened a chat with the bot. Time runs, and
`pass_time` moves it ahead.

Leaving fails on whatever did not conform to the providers' published descriptions, and on every secret that was seen
where it must not be: in logs, audit rows, exceptions, other people's messages, health and files (`world.seen` counts).
"""

import asyncio
import base64
import json
import re
import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import orjson

from bot.cli.installation import Installation
from bot.cli.people_linking import _code
from bot.home import Home
from bot.settings import Settings
from channels.port import Arrival, Channel, DeliveryError, Earlier, Handed
from domain.ids import SystemEntropy
from domain.modes import Mode
from domain.notices import Notice
from domain.people import Address, AddressKind, Person
from policy.branches import github_branches
from store.people import PeopleDirectory
from store.tables import Tables
from tests.fakes.canaries import Leak, leaks, listening
from tests.fakes.chat import HEAD
from tests.fakes.policies import example_policy
from tests.fakes.providers.github import TOKEN as GITHUB_TOKEN
from tests.fakes.providers.github import FakeGitHub
from tests.fakes.providers.ledger import Accepted, Ledger
from tests.fakes.providers.ntfy import FakeNtfy, Tapped
from tests.fakes.providers.ntfy import Shown as Push
from tests.fakes.providers.slack import SECRET_PATH, FakeSlack
from tests.fakes.providers.telegram import TOKEN as BOT_TOKEN
from tests.fakes.providers.telegram import FakeTelegram
from tests.fakes.providers.telegram_world import Shown
from tests.fakes.providers.twilio import ACCOUNT, NUMBER, TOKEN, Answer, FakeTwilio
from tests.fakes.running_time import RunningTime
from tests.fakes.served_bot import AFTER_THE_SAMPLES, PATIENCE_SECONDS, ServedBot, served_bot
from tests.fakes.virtual_time import VirtualTime

T = TypeVar("T")

PEOPLE = {"ann": "owner", "ben": "owner", "olga": "operator", "vic": "viewer", "carl": "owner"}
ONLY_NTFY = "carl"
GROUP = -1001234567
BOT_NTFY_TOKEN, PHONE_NTFY_TOKEN, COMMAND_NTFY_TOKEN = "tk_botbotbotbot", "tk_phonephonephone", "tk_commandcommand"
BEHIND_A_PROXY = "https://reins.example"
SHOWN_IN_VAIN = 8
WEBHOOK_SECRET = "made-up-webhook-secret-0123456789"
CODE = re.compile(r"\bSend ok (?P<handle>\w+) (?P<code>\d{6})\b|\bCode (?P<first>\d{6})\b")


class WatchedLedger(Ledger):
    """A ledger that tells whoever waits when something was taken."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = asyncio.Event()

    def append(self, item: Accepted) -> None:
        super().append(item)
        self.changed.set()


class OverheardChannel:
    """A channel whose failures are kept as whole tracebacks."""

    def __init__(self, channel: Channel, failures: list[str]) -> None:
        self._channel = channel
        self._failures = failures
        self.name = channel.name
        self.look_back_after_seconds = channel.look_back_after_seconds

    async def deliver(self, value: str, notice: Notice, *, repeat: bool) -> Handed:
        try:
            return await self._channel.deliver(value, notice, repeat=repeat)
        except DeliveryError as error:
            self._keep(error)
            raise

    async def look_back(self, value: str, notice: Notice, earlier: Earlier) -> Arrival:
        try:
            return await self._channel.look_back(value, notice, earlier)
        except DeliveryError as error:
            self._keep(error)
            raise

    def _keep(self, error: Exception) -> None:
        self._failures.append("".join(traceback.format_exception(error)) + repr(error))


@dataclass(slots=True)
class ConnectedWorld:
    """What `connected_bot` yields; see the module's docstring."""

    bot: ServedBot
    clock: VirtualTime
    ledger: WatchedLedger
    twilio: FakeTwilio
    telegram: FakeTelegram
    ntfy: FakeNtfy
    slack: FakeSlack
    github: FakeGitHub | None
    logged: list[str]
    failures: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    link_codes: list[str] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)

    # --- what people do -----------------------------------------------------------------------------------------

    def phone(self, person: str) -> str:
        """Return somebody's number."""
        return phone_of(person)

    def user(self, person: str) -> int:
        """Return somebody's Telegram id."""
        return user_of(person)

    async def text(self, person: str, words: str) -> Answer:
        """Let somebody send an SMS; a stranger is named by their number."""
        return await self.twilio.text(phone_of(person), words)

    def say(self, person: str, words: str, chat: int | None = None) -> None:
        """Let somebody write to the bot on Telegram, or in a group."""
        self.telegram.say(user_of(person), words, chat)

    def press(self, person: str, message: Shown, label: str) -> None:
        """Let somebody press a button that a Telegram message shows now."""
        chat = None if message.chat > 0 else message.chat
        self.telegram.press(user_of(person), message.id, label, chat)

    async def post_updates(self, secret: str | None = None) -> list[int]:
        """Let Telegram post what waits, through the proxy that stands before the bot; return the statuses."""
        await asyncio.wait_for(self.telegram.webhook_set.wait(), PATIENCE_SECONDS)
        assert self.telegram.webhook is not None
        url = str(self.telegram.webhook["url"])
        self.telegram.webhook["url"] = url.replace(BEHIND_A_PROXY, self.bot.url)
        return await self.telegram.post_updates(secret)

    async def type(self, person: str, words: str) -> None:
        """Let somebody type in the ntfy app."""
        assert await self.ntfy.type(f"{topic_of(person)}-cmd", words) == 200

    async def tap(self, person: str, words: str, label: str) -> Tapped:
        """Let somebody tap a button of their newest notification that holds these words."""
        push = await self.push(person, words)
        tapped = await self.ntfy.tap(topic_of(person), push.key, label)
        if push.actions[push.labels.index(label)]["url"].startswith(self.bot.url):
            self.answered.append(tapped.text)
        return tapped

    async def tap_token(self, token: str) -> Tapped:
        """Post a token to where ntfy's buttons report, as a phone does that shows an old notification."""
        body = orjson.dumps({"token": token})
        async with aiohttp.ClientSession() as http:
            headers = {"Content-Type": "application/json"}
            async with http.post(f"{self.bot.url}/hooks/ntfy/act", data=body, headers=headers) as got:
                tapped = Tapped(got.status, await got.text())
        self.answered.append(tapped.text)
        return tapped

    # --- what they see ------------------------------------------------------------------------------------------

    async def until(self, look: Callable[[], T]) -> T:
        """Return what `look` finds, as soon as it finds something; providers wake it whenever they take something."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not (found := look()):
                    self.ledger.changed.clear()
                    await self.ledger.changed.wait()
                return found
        except TimeoutError:
            last = "\n".join(f"{one.channel} {one.to}: {one.text}" for one in self.ledger[-SHOWN_IN_VAIN:])
            raise AssertionError(f"what was waited for never came; the last that did:\n{last}") from None

    async def texted(self, person: str, words: str) -> str:
        """Return somebody's newest text that holds these words, waiting for it."""
        return (await self.until(lambda: [t for t in self.texts(person) if words in t]))[-1]

    def texts(self, person: str) -> list[str]:
        """Return every text that reached somebody, oldest first."""
        return self.ledger.texts(phone_of(person))

    async def code(self, person: str, words: str = "") -> tuple[str, str]:
        """Return the handle and the one-time code of somebody's newest challenge that holds these words."""
        found = await self.until(lambda: [t for t in self.texts(person) if words in t and CODE.search(t)])
        match = CODE.search(found[-1])
        assert match is not None
        return match["handle"], match["code"]

    async def card(self, person: str, words: str, chat: int | None = None) -> Shown:
        """Return the newest Telegram message that shows these words now, waiting for it."""
        return (await self.until(lambda: [one for one in self.cards(person, chat) if words in one.text]))[-1]

    def cards(self, person: str, chat: int | None = None) -> list[Shown]:
        """Return every Telegram message of somebody's chat as it is shown now, oldest first."""
        where = chat or user_of(person)
        return [one for one in self.telegram.messages.values() if one.chat == where]

    async def toast(self, person: str, words: str, chat: int | None = None) -> str:
        """Return the newest answer to a press in somebody's chat that holds these words, waiting for it."""
        where = str(chat or user_of(person))
        mine = {"method": "answerCallbackQuery"}.items()
        found = await self.until(
            lambda: [one for one in self.ledger if one.to == where and mine <= one.extra.items() and words in one.text]
        )
        return found[-1].text

    async def push(self, person: str, words: str) -> Push:
        """Return somebody's newest notification that shows these words now, waiting for it."""
        topic = topic_of(person)
        return (await self.until(lambda: [one for one in self.ntfy.notifications(topic) if words in one.message]))[-1]

    async def posted(self, words: str) -> Accepted:
        """Return the newest Slack message that holds these words, waiting for it."""
        found = await self.until(lambda: [one for one in self.ledger if one.channel == "slack" and words in one.text])
        return found[-1]

    # --- the bot's side -----------------------------------------------------------------------------------------

    async def pass_time(self, seconds: float) -> None:
        """Move the clock, and let the bot do what has fallen due; what it has in hand is finished and recorded first."""
        await self.bot.bot.relay.tick()
        self.clock.advance(seconds)
        await self.see_heads()
        await self.bot.bot.housekeeping.tick()
        self.bot.bot.relay.wake()

    async def see_heads(self) -> None:
        """Keep where branches stand as if GitHub had been looked at; where it is joined the bot looks by itself."""
        if self.github is not None:
            return
        now, branches = self.clock.now(), github_branches(self.bot.bot.policy().policy)

        def keep(tables: Tables) -> None:
            for branch in branches:
                tables.heads.put(branch.repository, branch.name, HEAD, now)

        await self.bot.bot.store.transact(keep)

    async def set_mode(self, mode: Mode) -> None:
        """Set the stored mode."""
        now = self.clock.now()
        await self.bot.bot.store.transact(lambda tables: tables.mode.set(mode, "ann", now))

    async def link_code(self, person: str, kind: AddressKind) -> str:
        """Have a linking code made on the bot's machine, as `reins people link` does, and return it."""
        installation = Installation(self.bot.settings, self.bot.bot.home, self.clock, SystemEntropy())
        lines, _drawn = await asyncio.to_thread(_code, installation, person, kind)
        made = lines[0].split("start=")[-1].split()[-1]
        self.link_codes.append(made)
        return made

    async def audit(self) -> list[dict[str, Any]]:
        """Return every audit row."""
        rows = await self.bot.bot.store.read(lambda tables: [body for _, body, _ in tables.audit.each()])
        return [json.loads(body) for body in rows]

    # --- secrets ------------------------------------------------------------------------------------------------

    def overhear(self) -> None:
        """Keep every failure of every channel from now on."""
        channels: Any = self.bot.bot.relay._parts.performer._channels
        channels.update({name: OverheardChannel(channel, self.failures) for name, channel in channels.items()})

    def credentials(self) -> list[str]:
        """Return what the bot was given to be believed by its providers."""
        basic = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        ntfy = [BOT_NTFY_TOKEN, PHONE_NTFY_TOKEN, COMMAND_NTFY_TOKEN]
        return [TOKEN, basic, BOT_TOKEN, *ntfy, WEBHOOK_SECRET, GITHUB_TOKEN, SECRET_PATH.removeprefix("/services/")]

    def codes(self) -> dict[str, str]:
        """Return every one-time code that was sent, and to which number."""
        found = [(match, one.to) for one in self.ledger if one.channel == "sms" for match in CODE.finditer(one.text)]
        return {match["code"] or match["first"]: to for match, to in found}

    def button_tokens(self) -> set[str]:
        """Return the tokens of every button that was sent."""
        rows = [call.fields.get("reply_markup", {}).get("inline_keyboard", []) for call in self.telegram.calls]
        on_telegram = {button["callback_data"] for keyboard in rows for row in keyboard for button in row}
        return on_telegram | {token for one in self.ledger for token in tokens_of(one.extra.get("actions"))}

    def phones(self) -> set[str]:
        """Return every number but our own that sent or got a text."""
        known = {text.sender for text in self.twilio.texts.values()} | {text.to for text in self.twilio.texts.values()}
        return {number for number in known | {phone_of(one) for one in PEOPLE} if number and number != NUMBER}

    async def leaks_now(self) -> list[Leak]:
        """Return the secrets that were seen where they must not be, as far as that shows while the bot runs."""
        rows = [json.dumps(row) for row in await self.audit()]
        health = [json.dumps(self.bot.bot.liveness.report())]
        told = [one for one in self.ledger if not one.to.endswith("-cmd")]  # what people typed there is no leak of ours
        shown = [one.text + str(one.extra.get("title", "")) for one in told]
        places = {"log": self.logged, "audit": rows, "exception": self.failures, "health": health}
        codes = self.codes()
        private = {
            "credential": self.credentials(),
            "link code": self.link_codes,
            "button token": self.button_tokens(),
            "phone number": self.phones(),
        }
        self.seen = {kind: len(list(values)) for kind, values in private.items()} | {"one-time code": len(codes)}
        self.seen |= {place: len(texts) for place, texts in places.items()} | {"message": len(shown)}
        found = leaks({**private, "one-time code": codes}, {**places, "hook answer": self.answered})
        found += leaks(private, {"message": shown})
        found += leaks({"credential": self._never_sent()}, {"message": [repr(one.extra) for one in told]})
        for code, to in codes.items():
            found += leaks({"one-time code": [code]}, {"message": [one.text for one in told if one.to != to]})
        return found

    def leaks_on_disk(self) -> list[Leak]:
        """Return the secrets that lie in the clear in a file of the stopped bot."""
        files = [path for path in self.bot.bot.home.root.rglob("*") if path.is_file()]
        texts = {path.name: [path.read_bytes().decode("latin-1")] for path in files}
        self.seen["file"] = len(files)
        secrets = {
            "credential": self.credentials(),
            "link code": self.link_codes,
            "button token": self.button_tokens(),
            "one-time code": self.codes(),
        }
        return leaks(secrets, texts)

    def _never_sent(self) -> list[str]:
        """Return the credentials that no message may carry in any field; a button may carry the one made for it."""
        return [one for one in self.credentials() if one != COMMAND_NTFY_TOKEN]


def tokens_of(actions: object) -> list[str]:
    """Return the tokens that the actions of an ntfy message carry."""
    bodies = [action["body"] for action in actions if "body" in action] if isinstance(actions, list) else []
    return [body.removeprefix("~") if body.startswith("~") else str(json.loads(body)["token"]) for body in bodies]


def phone_of(person: str) -> str:
    """Return somebody's number; strangers are named by theirs."""
    return f"+4179000000{[*PEOPLE].index(person) + 1}" if person in PEOPLE else person


def user_of(person: str) -> int:
    """Return somebody's Telegram id; strangers are named by theirs."""
    return 7000 + [*PEOPLE].index(person) if person in PEOPLE else int(person)


def topic_of(person: str) -> str:
    """Return the topic somebody's phone reads."""
    return f"out-{person}"


@asynccontextmanager
async def connected_bot(
    folder: Path,
    *,
    policy: Mapping[str, Any] | None = None,
    ntfy_version: tuple[int, int] = (2, 17),
    ntfy_actions: str = "hook",
    telegram_webhook: bool = False,
    github: bool = False,
) -> AsyncIterator[ConnectedWorld]:
    """Start the providers, then the bot; see the module's docstring for what leaving fails on."""
    public_url = BEHIND_A_PROXY if telegram_webhook else None  # Telegram posts to https only
    clock, ledger = RunningTime(AFTER_THE_SAMPLES), WatchedLedger()
    async with AsyncExitStack() as stack:
        logged = stack.enter_context(listening())
        telegram = await stack.enter_async_context(FakeTelegram(clock, ledger))
        ntfy = await stack.enter_async_context(FakeNtfy(clock, ledger=ledger, version=ntfy_version))
        slack = await stack.enter_async_context(FakeSlack(clock, ledger))
        twilio = await stack.enter_async_context(FakeTwilio(clock, ledger, "set-below"))
        _populate(telegram, ntfy)
        forge = await stack.enter_async_context(FakeGitHub(clock)) if github else None

        def channels(url: str) -> dict[str, Any]:
            twilio.public_url = public_url or url
            twilio.connect(url)
            if forge is not None:
                forge.webhooks.connect(url, WEBHOOK_SECRET)
            webhook = {"webhook": True, "webhook_secret": WEBHOOK_SECRET} if telegram_webhook else {}
            topic = {"command_token": COMMAND_NTFY_TOKEN} if ntfy_actions == "topic" else {}
            return {
                "sms": {
                    "account_sid": ACCOUNT,
                    "auth_token": TOKEN,
                    "from_number": NUMBER,
                    "countries": ("+41",),
                    "api_base": twilio.url,
                },
                "telegram": {"token": BOT_TOKEN, "groups": (GROUP,), "api_base": telegram.url, **webhook},
                "ntfy": {"server": ntfy.url, "token": BOT_NTFY_TOKEN, "actions": ntfy_actions, **topic},
                "slack": {"webhook_url": slack.webhook_url},
                "github": _github(forge) if forge is not None else None,
            }

        def prepare(settings: Settings) -> None:
            home = Home.of(settings)
            home.policy_file.write_text(json.dumps(policy or connected_policy()), encoding="utf-8")
            directory = PeopleDirectory(home.people_file)
            for person, role in PEOPLE.items():
                directory.add(_somebody(person, role))

        bot = await stack.enter_async_context(
            served_bot(folder, clock=clock, channels=channels, prepare=prepare, public_url=public_url)
        )
        world = ConnectedWorld(bot, clock, ledger, twilio, telegram, ntfy, slack, forge, logged)
        world.overhear()
        await world.see_heads()
        yield world
        found = await world.leaks_now()
    found += world.leaks_on_disk()
    assert not found, found


def _github(forge: FakeGitHub) -> dict[str, str]:
    return {"token": GITHUB_TOKEN, "api_base": forge.url, "webhook_secret": WEBHOOK_SECRET}


def _populate(telegram: FakeTelegram, ntfy: FakeNtfy) -> None:
    ntfy.user(BOT_NTFY_TOKEN, write=["out-*"], read=["*-cmd", "out-*"])
    ntfy.user(PHONE_NTFY_TOKEN, write=["*-cmd"], read=["out-*"])
    ntfy.user(COMMAND_NTFY_TOKEN, write=["*-cmd"])
    ntfy.phone_token = PHONE_NTFY_TOKEN
    for person in PEOPLE:
        telegram.start(user_of(person))
    telegram.group(GROUP, "supergroup")


def connected_policy() -> dict[str, Any]:
    """Return the example policy with every channel open as wide as its proof allows, and `strict` on this machine."""
    policy = example_policy()
    local = {
        "forge": "local",
        "repository": "local/sample",
        "workflow": "mutation-loop",
        "refs": ["main"],
        "inputs": {},
    }
    policy["actions"]["mutation"] |= local
    policy["actions"]["strict"] |= local
    for channel, scope in (("telegram", "approve"), ("ntfy", "approve"), ("sms", "operate")):
        policy["channels"][channel] = {"max_scope": scope, "per_person_per_hour": 60}
    return policy


def _somebody(person: str, role: str) -> Person:
    addresses = [Address(AddressKind.WEB, person), Address(AddressKind.NTFY, topic_of(person))]
    if person != ONLY_NTFY:
        addresses += [
            Address(AddressKind.TELEGRAM, str(user_of(person))),
            Address(AddressKind.SMS, phone_of(person)),
        ]
    return Person(person, person.capitalize(), (role,), tuple(addresses), AFTER_THE_SAMPLES)
