"""`python -m tests.bench`: measure this checkout, on Linux, against the figures the design holds it to."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from tests.bench import approvals, start, status_growth, texting, throughput, verification
from tests.bench.bench import Bench, Cores, Effort
from tests.bench.generators import choose_generator
from tests.bench.machine import Others, describe_machine
from tests.bench.profiling import profile
from tests.bench.table import Figure, render

MEASUREMENTS: dict[str, Callable[[Bench], list[Figure]]] = {
    "throughput": throughput.measure,
    "texting": texting.measure,
    "start": start.measure,
    "verification": verification.measure,
    "status-growth": status_growth.measure,
    "approvals": approvals.measure,
}
FULL = Effort(
    people=100,
    rounds=5,
    seconds=2,
    warm_up_seconds=1,
    clients=(1, 16, 64),
    starts=5,
    settle_seconds=2,
    verified_rows=200_000,
    few_rows=10_000,
    many_rows=1_000_000,
    approvals=300,
)
QUICK = Effort(
    people=50,
    rounds=1,
    seconds=1,
    warm_up_seconds=0,
    clients=(1, 16, 64),
    starts=3,
    settle_seconds=2,
    verified_rows=50_000,
    few_rows=10_000,
    many_rows=100_000,
    approvals=60,
)
# A disk, where the folder for temporary files is often memory.
DEFAULT_FOLDER = Path("/var/tmp")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the table; a wrong answer of a server ends it with an exception, a slow one does not."""
    chosen = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="reins-bench-", dir=chosen.folder) as scratch:
        if chosen.profile:
            profile(Path(scratch) / "home", chosen.text, chosen.profile, sys.stdout)
            return
        cores = Cores.available()
        os.sched_setaffinity(0, {cores.load})  # load generators inherit this; servers are moved when they start
        bench = Bench(Path(scratch), cores, choose_generator(), QUICK if chosen.quick else FULL)
        report(bench, chosen.only or [*MEASUREMENTS], sys.stdout)


def report(bench: Bench, names: Sequence[str], output: TextIO) -> None:
    """Print what is measured on, then, when all is measured, the table."""
    others, started = Others(), time.perf_counter()
    output.write(f"{describe_machine(bench.folder, bench.cores)}\nload by {bench.generator.name}\n")
    figures: list[Figure] = []
    for name in names:
        output.write(f"measuring {name} ...\n")
        output.flush()
        figures += MEASUREMENTS[name](bench)
    output.write(f"\n{render(figures)}\n\n{others.describe()}; took {time.perf_counter() - started:.0f} s\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute instead of five, with less steady figures")
    parser.add_argument("--only", action="append", choices=[*MEASUREMENTS], help="measure this alone; may be repeated")
    parser.add_argument(
        "--folder", type=Path, default=DEFAULT_FOLDER, help="where databases lie (default: %(default)s)"
    )
    parser.add_argument("--profile", type=int, metavar="N", help="show instead where the time of N messages goes")
    parser.add_argument("--text", default="whoami", help="what the profiled messages say (default: %(default)s)")
    return parser


if __name__ == "__main__":
    main()
