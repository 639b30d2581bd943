"""`make demo`: the real bot between fake providers, and one page that shows every phone. No account, no key."""

import asyncio
import signal
import sys
import tempfile
from pathlib import Path

from aiohttp import web

from tests.demo.bot_process import BotFailedError, free_port
from tests.demo.page import build_page
from tests.demo.world import demonstration

PORT = 8720  # any other one where it is taken


async def main() -> None:
    """Run until Ctrl-C; everything lies in a temporary folder and goes with it."""
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    with tempfile.TemporaryDirectory(prefix="reins-demo-") as folder:
        async with demonstration(Path(folder)) as world:
            runner = web.AppRunner(build_page(world), access_log=None, shutdown_timeout=1.0)
            await runner.setup()
            address = await _listen(runner)
            sys.stdout.write(f"Four phones: {address}\nThe bot's words: {folder}/bot.log\nCtrl-C ends it.\n")
            sys.stdout.flush()
            await stop.wait()
            await runner.cleanup()


async def _listen(runner: web.AppRunner) -> str:
    for port in (PORT, free_port()):
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
        except OSError:
            continue
        return f"http://127.0.0.1:{port}"
    raise OSError(f"neither {PORT} nor another port can be listened on")


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except BotFailedError as error:
        sys.exit(str(error))
