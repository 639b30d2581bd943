"""From the start of a process to its first answer, and the memory it holds while nobody asks anything."""

import time
from statistics import median

from tests.bench.bench import Bench
from tests.bench.home import make_plain_home
from tests.bench.servers import serving_bare, serving_bot
from tests.bench.table import Aim, Figure

START_AIM = Aim(0.6)
IDLE_AIM = Aim(60)


def measure(bench: Bench) -> list[Figure]:
    """Start the bare handler and the bot in turns on a fresh home; all channels that need an account are off."""
    home = make_plain_home(bench.folder / "start").root
    bare, ours, idle = [], [], []
    for _ in range(bench.effort.starts):
        with serving_bare(bench) as server:
            bare.append(server.start_seconds)
        with serving_bot(bench, home) as server:
            ours.append(server.start_seconds)
            time.sleep(bench.effort.settle_seconds)
            idle.append(server.memory())
    starts = f"{min(ours):.2f} to {max(ours):.2f} s over {len(ours)} starts; bare {median(bare):.2f} s"
    typical = sorted(idle, key=lambda memory: memory.rss_mb)[len(idle) // 2]
    return [
        Figure("start to first answer", median(ours), "s", START_AIM, starts),
        Figure("memory idle", typical.rss_mb, "MB", IDLE_AIM, str(typical)),
    ]
