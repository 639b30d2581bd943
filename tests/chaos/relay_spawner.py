"""Lives of a bot, one process each, forked from one that has imported everything: an import costs more than such a life.

A child writes its process id, reads its `Life` as one line of JSON, lives it and ends; one that serves a webhook writes
the port in between. Then its wait status is written and the next child is forked. A life may be cut short by whoever knows the id, or by itself at a named moment. The file
named as the only argument takes what children log.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Literal

from aiohttp import web

import channels.telegram_api  # noqa: F401 - the channel would import it when it is joined, in every child anew
from channels.sms_settings import INBOUND_PATH
from domain.effects import Deliver
from domain.notices import Notice, NoticeKind
from domain.people import Address, AddressKind, Person
from tests.chaos.provider_bot import ProviderBot, Providers
from tests.fakes.virtual_time import VirtualTime
from web.hooks.parts import HOOKS
from web.hooks.twilio import inbound

PHONE, USER, TOPIC = "+41790000001", 7001, "out-ann"
ANN = Person(
    "ann",
    "Ann",
    ("owner",),
    (
        Address(AddressKind.WEB, "ann"),
        Address(AddressKind.SMS, PHONE),
        Address(AddressKind.TELEGRAM, str(USER)),
        Address(AddressKind.NTFY, TOPIC),
    ),
)
NO_MORE_LIVES = 3


@dataclass(frozen=True, slots=True)
class Life:
    """What one process does: commit a notice to `to`, take one message in by `listens`, then relay what is due.

    Its clock stands at `now`. `dies` is when it kills itself: once the message is `received`, or
    once the notice is `appended` to the web thread.
    """

    folder: str
    providers: Providers
    now: str
    to: str | None = None
    number: int = 0
    listens: str | None = None
    dies: Literal["received", "appended"] | None = None

    def line(self) -> str:
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def read(cls, line: str) -> "Life":
        fields = json.loads(line)
        return cls(**{**fields, "providers": Providers(**fields["providers"])})


async def live(life: Life, serving: Callable[[int], None]) -> None:
    """Live one life."""
    bot = ProviderBot(Path(life.folder), (ANN,), life.providers)
    bot.clock = VirtualTime(datetime.fromisoformat(life.now))
    if life.dies == "appended":
        bot.when_appended = die
    taken = asyncio.Event()
    try:
        await bot.start()
        bot.receiving.when_received = die if life.dies == "received" else lambda _message: taken.set()
        if life.to is not None:
            text = f"notice {life.number:05d}"
            await bot.commit(Deliver(life.to, Notice(f"told:{life.number:05d}", NoticeKind.ALARM, text)))
        if life.listens == "sms":
            await serve(bot, serving, taken)
        elif life.listens is not None:
            await bot.connections.tasks[life.listens](taken)
        while await bot.relay.tick():
            pass
    finally:
        await bot.stop()


async def serve(bot: ProviderBot, serving: Callable[[int], None], taken: asyncio.Event) -> None:
    """Take one text in by Twilio's webhook."""
    app = web.Application()
    app[HOOKS] = bot.connections.hooks
    app.router.add_post(INBOUND_PATH, inbound)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    serving(runner.addresses[0][1])
    await taken.wait()
    await runner.cleanup()  # the answer goes out first


def die(_what: object) -> None:
    """End as from outside, between two instructions."""
    os.kill(os.getpid(), signal.SIGKILL)


def be_born(log: Path) -> None:
    """Be one child, from its first line to its end."""
    told = os.dup(1)
    with log.open("ab", buffering=0) as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    tell = partial(_tell, told)
    tell(os.getpid())
    order = sys.stdin.readline()
    if not order:
        os._exit(NO_MORE_LIVES)
    asyncio.run(live(Life.read(order), tell))


def _tell(file: int, number: int) -> None:
    os.write(file, f"{number}\n".encode())


def main() -> None:
    """Fork one child after another until nobody asks for a further life."""
    while True:
        child = os.fork()
        if child == 0:
            be_born(Path(sys.argv[1]))
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        if os.waitstatus_to_exitcode(status) == NO_MORE_LIVES:
            return
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
