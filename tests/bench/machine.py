"""The machine a benchmark ran on: what it is, what a durable write costs, and how busy others kept it."""

import os
import platform
import re
import sqlite3
import tempfile
import time
from pathlib import Path
from statistics import median

import psutil

from tests.bench.bench import Cores

SYNCED_WRITES = 200
WRITE_BYTES = 256  # about what a small row adds to the write-ahead log
QUIET_BELOW_CORES = 0.12  # above this, repeated figures were seen to differ by more than a tenth
_MODEL = re.compile(r"^model name\s*: (.+)$", re.MULTILINE)


def describe_machine(folder: Path, cores: Cores) -> str:
    """Say in one line what was measured on."""
    model = _MODEL.search(Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return (
        f"{os.cpu_count()} cores {model[1] if model else platform.machine()} (server on {cores.server}, load on"
        f" {cores.load}), Python {platform.python_version()}, SQLite {sqlite3.sqlite_version},"
        f" fsync of {WRITE_BYTES} B {fsync_microseconds(folder):,.0f} us"
    )


def fsync_microseconds(folder: Path) -> float:
    """Measure what making a small append durable costs where the databases will lie."""
    took = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(SYNCED_WRITES):
            started = time.perf_counter()
            file.write(b"x" * WRITE_BYTES)
            os.fsync(file.fileno())
            took.append(time.perf_counter() - started)
    return median(took) * 1_000_000


class Others:
    """How much of the machine others used since this was made; every child process must have ended by then."""

    def __init__(self) -> None:
        self._before = _others_seconds()
        self._started = time.perf_counter()

    def describe(self) -> str:
        cores = (_others_seconds() - self._before) / (time.perf_counter() - self._started)
        quiet = "quiet" if cores <= QUIET_BELOW_CORES else "not quiet: trust the ratios more than the numbers"
        return f"other processes used {max(cores, 0):.2f} cores meanwhile ({quiet})"


def _others_seconds() -> float:
    everybody, ours = psutil.cpu_times(), os.times()
    # Interrupts are left out: those of the loopback network are ours, but are booked to nobody.
    busy = everybody.user + everybody.nice + everybody.system
    return float(busy - ours.user - ours.system - ours.children_user - ours.children_system)
