"""Running a program that may misbehave: a deadline, its own process group, bounded output, and nothing left behind (D13)."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

GRACE_SECONDS = 5.0  # between being asked to end and being killed: enough to remove a lock file
DRAIN_SECONDS = 1.0  # nobody we know of holds the pipe any more; whoever does all the same is not waited for
HUNTS = 20  # each ends all processes it finds; one that forks faster than that is cut off here
PROCESSES = Path("/proc")  # where Linux shows them; elsewhere only the process group is ended
Take = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: the argument vector, the folder it runs in, and its whole environment but for its `HOME`.

    `deadline_seconds` is when everything is over: it is asked to end `GRACE_SECONDS` before, or at half of a short time.
    """

    argv: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    deadline_seconds: float


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: its exit code, negative for the signal that ended it."""

    exit_code: int
    timed_out: bool


async def run_to_end(program: Program, take: Take, take_errors: Take | None = None) -> Ended:
    """Run a program and everything it starts to their end; `take` gets both outputs unless `take_errors` gets one.

    Its `HOME` is an empty folder of this run's own: by that name those of its processes are known that left its group.
    Whatever it left running is killed when this returns, also when this is cancelled.

    Raises:
        OSError: it could not be started.
    """
    with TemporaryDirectory(prefix="reins-home-", ignore_cleanup_errors=True) as home:
        return await _run(program, home, take, take_errors)


async def _run(program: Program, home: str, take: Take, take_errors: Take | None) -> Ended:
    async with _pipe(take) as output, _pipe(take_errors or take) as errors:
        process = await asyncio.create_subprocess_exec(
            *program.argv,
            cwd=program.folder,
            env={**program.environment, "HOME": home},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=errors if take_errors else output,
            start_new_session=True,
        )
        try:
            in_time = await _ended_in_time(process, program.deadline_seconds)
        finally:
            _kill_everything(process.pid, home)
            exit_code = await process.wait()
    return Ended(exit_code, timed_out=not in_time)


async def _ended_in_time(process: asyncio.subprocess.Process, seconds: float) -> bool:
    grace = min(GRACE_SECONDS, seconds / 2)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds - grace):
            await process.wait()
            return True
    _signal_group(process.pid, signal.SIGTERM)
    with suppress(TimeoutError):
        async with asyncio.timeout(grace):
            await process.wait()
    return False


def _kill_everything(leader: int, home: str) -> None:
    """Kill the process group, then those who left it with `setsid`: they still carry the run's own `HOME`."""
    _signal_group(leader, signal.SIGKILL)
    killed: set[int] = set()
    for _ in range(HUNTS):
        found = set(_processes_of(home)) - killed
        if not found:
            return
        for process in found:
            with suppress(ProcessLookupError):  # it ended by itself
                os.kill(process, signal.SIGKILL)
        killed |= found


def _signal_group(leader: int, number: signal.Signals) -> None:
    # The number of a group is not given to anybody else while one member lives.
    with suppress(ProcessLookupError):  # all of them have ended
        os.killpg(leader, number)


def _processes_of(home: str) -> Iterator[int]:
    mark = b"HOME=" + os.fsencode(home)
    for entry in PROCESSES.glob("[0-9]*"):
        with suppress(OSError):  # ended meanwhile, or another user's
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                yield int(entry.name)


class _Reading(asyncio.Protocol):
    """Hands on what arrives in a pipe."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self.over = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self._take(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's shape; an end is an end
        self.over.set()


@asynccontextmanager
async def _pipe(take: Take) -> AsyncIterator[int]:
    """Open a pipe and yield the end a program writes to; at the end what still lies in it is read.

    asyncio's own pipes would keep `wait` from returning for as long as anybody holds them.
    """
    reader, writer = os.pipe()
    loop = asyncio.get_running_loop()
    transport, reading = await loop.connect_read_pipe(lambda: _Reading(take), os.fdopen(reader, "rb", 0))
    try:
        yield writer
    finally:
        os.close(writer)
        with suppress(TimeoutError):  # somebody who escaped still holds it
            async with asyncio.timeout(DRAIN_SECONDS):
                await reading.over.wait()
        transport.close()
