"""Starting a server as a user would, in a process of its own on the server core, and looking at its memory."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import MappingProxyType

from tests.bench.bench import ROOT, Bench

START_LIMIT_SECONDS = 60  # a start takes under a second; this only ends a benchmark that would hang
STOP_LIMIT_SECONDS = 30
POLL_SECONDS = 0.002  # how finely a start is measured
BYTES_PER_MB = 1_000_000
_KIB = re.compile(r"^(Rss|Pss): +([0-9]+) kB$", re.MULTILINE)


class ServerFailedError(Exception):
    """A server did not start, or did not end cleanly; the message holds the end of what it printed."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What a process holds: all of it, and its share where pages are shared with others."""

    rss_mb: float
    pss_mb: float

    def __str__(self) -> str:
        return f"RSS {self.rss_mb:.1f} MB, PSS {self.pss_mb:.1f} MB"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server and how long it took from its start to its first answer."""

    port: int
    process_id: int
    start_seconds: float

    def memory(self) -> Memory:
        held = dict(_KIB.findall(Path(f"/proc/{self.process_id}/smaps_rollup").read_text(encoding="ascii")))
        return Memory(int(held["Rss"]) * 1024 / BYTES_PER_MB, int(held["Pss"]) * 1024 / BYTES_PER_MB)


@contextmanager
def serving_bot(
    bench: Bench, home: Path, settings: Mapping[str, str] = MappingProxyType({}), role: str = "all"
) -> Iterator[Server]:
    """Run `python -m bot serve` on a home folder; `settings` are variables of its environment."""
    port = _free_port()
    own = {"REINS_HOME": str(home), "REINS_PORT": str(port), **settings}
    with _serving(bench, ["bot", "serve", "--role", role], port, own, home) as server:
        yield server


@contextmanager
def serving_bare(bench: Bench) -> Iterator[Server]:
    """Run the bare handler."""
    port = _free_port()
    with _serving(bench, ["tests.bench.bare", str(port)], port, {}, bench.folder) as server:
        yield server


@contextmanager
def _serving(
    bench: Bench, module: Sequence[str], port: int, settings: Mapping[str, str], folder: Path
) -> Iterator[Server]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("REINS_", "AUTONOMY_"))}
    log = folder / f"server-{port}.log"
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", *module],
            cwd=folder,  # not the checkout, whose reins.toml is somebody's own
            env={**inherited, **settings, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            os.sched_setaffinity(process.pid, {bench.cores.server})
            _wait_for_answer(process, port, log)
            yield Server(port, process.pid, time.perf_counter() - started)
        finally:
            process.terminate()
            code = _ended(process)
    if code != 0:
        raise ServerFailedError(f"{module[0]} ended with {code}:\n{_end_of(log)}")


def _end_of(log: Path) -> str:
    return log.read_text(encoding="utf-8")[-2000:]


def _ended(process: "subprocess.Popen[bytes]") -> int:
    try:
        return process.wait(STOP_LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _wait_for_answer(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    give_up_at = time.perf_counter() + START_LIMIT_SECONDS
    while not _answers(port):
        if process.poll() is not None or time.perf_counter() > give_up_at:
            raise ServerFailedError(f"no answer on port {port}:\n{_end_of(log)}")
        time.sleep(POLL_SECONDS)


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=START_LIMIT_SECONDS)
    try:
        connection.request("GET", "/v1/health")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):  # not listening yet
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
