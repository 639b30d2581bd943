"""Choosing the load generator: wrk where it is installed, else a client of our own; and loading with it."""

import json
import math
import resource
import shutil
import subprocess
from functools import partial
from pathlib import Path

from tests.bench.bench import Bench, Generator, Load, Target
from tests.bench.client import run_in_process_of_its_own

OURS = Generator("our own asyncio client (wrk is not on PATH)", run_in_process_of_its_own)
_SCRIPT = Path(__file__).with_name("wrk.lua")


class WrongAnswersError(Exception):
    """A server answered otherwise than it had to, so its speed means nothing."""


def choose_generator() -> Generator:
    """Return wrk if it is on PATH."""
    program = shutil.which("wrk")
    return Generator(program, partial(run_wrk, program)) if program else OURS


def load_checked(bench: Bench, target: Target, clients: int) -> Load:
    """Load a target once, for as long as the effort says.

    Raises:
        WrongAnswersError: as `check` does.
    """
    return check(bench.generator.run(target, clients, bench.effort.seconds, bench.effort.warm_up_seconds), target)


def check(seen: Load, target: Target) -> Load:
    """Let through what a load saw if every answer had the target's status.

    Raises:
        WrongAnswersError: one had not, or there was none.
    """
    if seen.unexpected or not seen.answers:
        what = f"{seen.unexpected} answers beside {seen.answers} were not {target.expected_status}"
        raise WrongAnswersError(f"{target.path} {target.text!r}: {what}")
    return seen


def run_wrk(program: str, target: Target, clients: int, seconds: float, warm_up_seconds: float) -> Load:
    """Load a target with wrk, once for the warm-up and once to be counted; it takes whole seconds only."""
    if warm_up_seconds:
        _once(program, target, clients, warm_up_seconds)
    return _once(program, target, clients, seconds)


def _once(program: str, target: Target, clients: int, seconds: float) -> Load:
    options = ["--threads", "1", "--connections", str(clients), "--duration", f"{math.ceil(seconds)}s"]
    url = f"http://127.0.0.1:{target.port}{target.path}"
    cpu_before = _cpu_seconds_of_ended_children()
    done = subprocess.run(
        [program, *options, "--script", _SCRIPT, url, "--", target.text, *target.cookies],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    cpu_used = _cpu_seconds_of_ended_children() - cpu_before
    seen = json.loads(done.stdout.splitlines()[-1])
    return Load(**seen, cpu_share=cpu_used / seen["seconds"])


def _cpu_seconds_of_ended_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
