"""A bot whose relay calls the fake providers over real sockets: its parts and adapters are joined as the real one's are.

    bot = ProviderBot(tmp_path, people, Providers(twilio.url, telegram.url, ntfy.url, slack.webhook_url))
    await bot.start()
    await bot.commit(Deliver("sms:+41790000001", notice))
    while await bot.relay.tick():
        ...
    await bot.stop()

Time stands still; `bot.clock` moves it. `bot.connections` holds what polls, what streams and the webhooks' parts.
`bot.when_received` is called with each message once it is recorded and before its provider is told, `bot.when_appended`
with each notice that a web thread has taken, before the outbox says so.
"""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientSession

from bot.connections.connecting import connect
from bot.connections.tools import Connections, Tools
from bot.desk import StoreCursors, StoreDesk
from bot.performing import Performer
from bot.receiving import Receiving
from bot.relay import Relay, RelayParts
from bot.settings import Settings
from channels.web import web_channel
from commands.catalogue import CATALOGUE
from commands.recording import commit_effect
from domain.effects import Deliver, LinkAddress
from domain.messages import Inbound
from domain.people import Person
from domain.runs import Run
from loops.watch import Watch
from store.tables import Tables
from tests.fakes.chat import Chat, every_channel
from tests.fakes.entropy import SeededEntropy
from tests.fakes.providers.telegram import TOKEN as BOT_TOKEN
from tests.fakes.providers.twilio import ACCOUNT, NUMBER, PUBLIC_URL, TOKEN

BOT_NTFY_TOKEN = "tk_botbotbotbot"


@dataclass(frozen=True, slots=True)
class Providers:
    """Where the providers are; of Slack the whole webhook."""

    twilio: str
    telegram: str
    ntfy: str
    slack: str


class WatchedReceiving(Receiving):
    """Says when a message is recorded, at the last moment before its provider could learn of it."""

    when_received: Callable[[Inbound], None] = staticmethod(lambda _message: None)

    async def receive(self, message: Inbound) -> bool:
        recorded = await super().receive(message)
        self.when_received(message)
        return recorded


class ProviderBot(Chat):
    """See the module's docstring."""

    def __init__(self, folder: Path, people: Iterable[Person], providers: Providers) -> None:
        super().__init__(folder / "reins.db", every_channel(), people, CATALOGUE)
        self.settings = _settings(folder, providers)
        self.entropy = SeededEntropy(secrets.randbits(64))  # two processes on one database must not make the same ids
        self.connections = Connections()
        self.when_appended: Callable[[str], None] = lambda _key: None

    async def start(self) -> None:
        await super().start()
        self.connections = connect(self.settings, self._tools)
        web = web_channel(self.people.find, self._append)
        channels = {channel.name: channel for channel in (web, *self.connections.channels)}
        parts = RelayParts(
            store=self.store,
            performer=Performer({}, channels, _link, self._read_run),
            announcer=self.announcer,
            mode=self.around.mode,
            policy=lambda: self.policy,
            clock=self.clock,
            entropy=self.entropy,
            run_changed=lambda: None,
        )
        self.relay = Relay(parts, f"relay-{self.entropy.token(4).hex()}")
        self.receiving = WatchedReceiving(
            self.store, self.around, self.dispatcher, self.relay.settling, self.relay.wake
        )

    async def _read_run(self, run_id: str) -> Run:
        run = await self.read(lambda tables: tables.runs.get(run_id))
        assert run is not None, "runs are never deleted while open"
        return run

    async def stop(self) -> None:
        await self.connections.close()
        await self.store.close()

    async def commit(self, *effects: Deliver) -> None:
        """Commit notices in one transaction, as whatever caused them would."""
        now = self.clock.now()

        def add(tables: Tables) -> None:
            for effect in effects:
                commit_effect(effect, tables, now)

        await self.store.transact(add)

    async def _append(self, person: str, key: str, body: bytes) -> None:
        now = self.clock.now()
        await self.store.transact(lambda tables: tables.thread.add(person, key, body, now))
        self.when_appended(key)

    def _tools(self, session: ClientSession) -> Tools:
        return Tools(
            settings=self.settings,
            session=session,
            clock=self.clock,
            entropy=self.entropy,
            store=self.store,
            desk=StoreDesk(self.store, self.clock, self.entropy),
            cursors=StoreCursors(self.store, self.clock),
            draw=_no_picture,
            everyone=lambda: tuple(self.people.all()),
            catalogue=CATALOGUE,
            receiving=lambda: self.receiving,
            watch=_no_watch,
            policy=lambda: self.policy,
        )


def _settings(folder: Path, providers: Providers) -> Settings:
    return Settings(
        home=folder,
        public_url=PUBLIC_URL,
        sms={
            "account_sid": ACCOUNT,
            "auth_token": TOKEN,
            "from_number": NUMBER,
            "countries": ("+41",),
            "api_base": providers.twilio,
        },
        telegram={"token": BOT_TOKEN, "api_base": providers.telegram},
        ntfy={"server": providers.ntfy, "token": BOT_NTFY_TOKEN},
        slack={"webhook_url": providers.slack},
    )


async def _link(_effect: LinkAddress) -> None:
    raise AssertionError("nobody links an address here")


def _no_watch() -> Watch:
    raise AssertionError("only a forge's webhooks ask for the watch")


async def _no_picture(_document: str) -> None:
    return None
