"""Running the bot: start the parts, serve HTTP, wait for a signal, and stop without losing anything."""

import asyncio
import gc
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from pathlib import Path

import structlog
from aiohttp import web

from bot.health import HealthProbe
from bot.settings import Settings
from bot.supervision import Supervisor, pause
from bot.wiring import Bot, web_parts, wire
from commands.ledger import event
from domain.errors import UserError
from web.app import build_app

SHUTDOWN_GRACE_SECONDS = 10.0  # what supervisors give a process before they kill it
HEALTH_REFRESH_SECONDS = 5.0
COLLECT_AFTER_ALLOCATIONS = 10_000  # some 50 messages; Python's own 700 would look after every third one
log = structlog.get_logger("serve")


class Role(StrEnum):
    """Which half of the work this process does; one process may do both."""

    ALL = "all"
    WEB = "web"
    WORKER = "worker"


@asynccontextmanager
async def running(bot: Bot, role: Role = Role.ALL) -> AsyncIterator[HealthProbe]:
    """Open the store and run the background tasks of a role; on the way out everything ends cleanly."""
    await bot.store.open()
    supervisor = Supervisor()
    probe = HealthProbe(bot, supervisor)
    try:
        await bot.store.transact(
            lambda tables: tables.audit.append(event(bot.clock.now(), "start", role.value, "done", {}))
        )
        supervisor.start("housekeeping", bot.housekeeping.run_forever)
        supervisor.start("health", _every(HEALTH_REFRESH_SECONDS, probe.refresh))
        if role is not Role.WEB:
            supervisor.start("relay", bot.relay.run_forever)
            supervisor.start("watch", bot.watch.run_forever)
            supervisor.start("local-forge", bot.local_forge.run_forever)
            supervisor.start("liveness", bot.liveness.run_forever)
            for name, run_forever in bot.connections.tasks.items():
                supervisor.start(name, run_forever)
        yield probe
    finally:

        def wake() -> None:
            bot.relay.wake()
            bot.watch.wake()
            for wake_task in bot.connections.wakes:
                wake_task()

        await supervisor.stop(wake, SHUTDOWN_GRACE_SECONDS)
        await bot.connections.close()
        await bot.store.close()


async def serve(settings: Settings, role: Role, announce: Callable[[Bot], Awaitable[None]]) -> None:
    """Run until SIGINT or SIGTERM; `announce` is called once requests are answered.

    Raises:
        UserError: the address is taken, or something needed is missing.
    """
    bot = wire(settings)
    _spare_the_collector()
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with running(bot, role) as probe:
        if role is Role.WORKER:
            await stop.wait()
            return
        runner = web.AppRunner(
            build_app(web_parts(bot, probe.report), hooks=bot.connections.hooks), access_log=None, shutdown_timeout=2.0
        )
        await runner.setup()
        try:
            await _listen(runner, settings, bot.home.console_socket)
            await announce(bot)
            await stop.wait()
        finally:
            await runner.cleanup()
    log.info("stopped")


async def _listen(runner: web.AppRunner, settings: Settings, console: Path) -> None:
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
    except OSError as error:
        raise UserError(f"{settings.host}:{settings.port} cannot be used ({error.strerror}): set REINS_PORT") from error
    await web.SockSite(runner, _console_socket(console)).start()


def _spare_the_collector() -> None:
    """Keep the garbage collector off what lives as long as the process: code, models, the wired parts.

    Without this every full collection walks all of it, on the path of some message.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER_ALLOCATIONS, 20, 50)


def _console_socket(path: Path) -> socket.socket:
    with suppress(FileNotFoundError):
        path.unlink()  # left behind by a process that was killed
    local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    local.bind(str(path))
    path.chmod(0o600)  # nobody can connect before it listens: only this user ever may
    return local


def _every(seconds: float, action: Callable[[], Awaitable[object]]) -> Callable[[asyncio.Event], Awaitable[None]]:
    async def run_forever(stop: asyncio.Event) -> None:
        while not stop.is_set():
            await action()
            await pause(stop, seconds)

    return run_forever
