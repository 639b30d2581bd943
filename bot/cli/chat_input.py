"""Lines from a person or a pipe, read in a thread so that notices can be shown meanwhile."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress


async def lines_of(read: Callable[[], str]) -> AsyncIterator[str]:
    """Yield line after line; the next one is only asked for when the one before was dealt with.

    `read` blocks and raises EOFError at the end. Its thread is a daemon: nobody waits for a line when the chat ends.
    """
    loop = asyncio.get_running_loop()
    while True:
        line: asyncio.Future[str | None] = loop.create_future()
        threading.Thread(target=_read_one, args=(read, loop, line), daemon=True, name="chat-input").start()
        text = await line
        if text is None:
            return
        yield text


def _read_one(read: Callable[[], str], loop: asyncio.AbstractEventLoop, line: "asyncio.Future[str | None]") -> None:
    def settle(text: str | None) -> None:
        if not line.done():
            line.set_result(text)

    try:
        text: str | None = read()
    except (EOFError, UnicodeDecodeError):  # bytes that are no text end a chat like Ctrl-D does
        text = None
    with suppress(RuntimeError):  # the chat has ended meanwhile, and its loop is closed
        loop.call_soon_threadsafe(settle, text)


def next_piped_line() -> str:
    """Return the next line of standard input without its end.

    Raises:
        EOFError: there is no more.
    """
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\n")


@contextmanager
def line_editing() -> Iterator[None]:
    """Give `input` history and editing where the machine has them, and put the terminal back as it was.

    Ctrl-C ends the chat while the input thread still holds the terminal, which would stay without echo.
    """
    import termios  # noqa: PLC0415 - only an interactive chat needs a terminal

    with suppress(ImportError):  # a Python built without it still chats
        import readline  # noqa: F401, PLC0415 - importing it is what changes `input`
    before = termios.tcgetattr(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
