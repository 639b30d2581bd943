"""Messages per second through the whole bot against a bare handler, how long each takes, and the memory after it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from tests.bench.bench import Bench, Load, Target
from tests.bench.generators import load_checked
from tests.bench.home import make_home
from tests.bench.servers import serving_bare, serving_bot
from tests.bench.table import Aim, Figure

BARE = "bare"
TEXTS = ("whoami", "status")
RATIO_AIM = {("whoami", 16): Aim(0.35, at_least=True)}
P50_AIM = {("whoami", 1): Aim(0.6)}
P99_AIM = {("whoami", 16): Aim(12)}
Loads = dict[tuple[str, int], list[Load]]


def measure(bench: Bench) -> list[Figure]:
    """Load the bare handler and the bot in turns; a ratio is the median of those of each turn."""
    home = make_home(bench.folder / "throughput", bench.effort.people)
    with serving_bare(bench) as bare, serving_bot(bench, home.paths.root) as bot:
        targets = {BARE: Target(bare.port, "/cmd", "ping")}
        targets |= {text: Target(bot.port, "/v1/messages", text, home.cookies) for text in TEXTS}
        loads = load_in_turns(bench, targets, bench.effort.clients)
        memory = bot.memory()
    figures = [one for clients in bench.effort.clients for text in TEXTS for one in _describe(loads, text, clients)]
    kept = sum(load.answers for (name, _), group in loads.items() if name != BARE for load in group)
    return [
        *figures,
        Figure("memory after load", memory.rss_mb, "MB", None, f"{memory} after {kept:,} counted messages"),
    ]


def load_in_turns(bench: Bench, targets: dict[str, Target], many_clients: Sequence[int]) -> Loads:
    """Load each target with each number of clients, one after the other, and all over again for each round."""
    loads: Loads = defaultdict(list)
    for _ in range(bench.effort.rounds):
        for clients in many_clients:
            for name, target in targets.items():
                loads[name, clients].append(load_checked(bench, target, clients))
    return loads


def _describe(loads: Loads, text: str, clients: int) -> list[Figure]:
    speed, p50, p99 = describe_pair(f"{text}, clients {clients}", loads[text, clients], loads[BARE, clients])
    return [
        replace(speed, aim=RATIO_AIM.get((text, clients))),
        replace(p50, aim=P50_AIM.get((text, clients))),
        replace(p99, aim=P99_AIM.get((text, clients))),
    ]


def describe_pair(case: str, ours: Sequence[Load], bare: Sequence[Load]) -> tuple[Figure, Figure, Figure]:
    """Return speed as a share of the bare handler's, p50 and p99; a turn of ours is compared with the one beside it."""
    ratios = [one.per_second / other.per_second for one, other in zip(ours, bare, strict=True)]
    speed = f"{_per_second(ours)} against {_per_second(bare)} a second; {_spread(ratios)}; {_generator(ours, bare)}"
    return (
        Figure(f"{case}: speed", median(ratios), "of bare", None, speed),
        Figure(f"{case}: p50", _p50(ours), "ms", None, f"bare {_p50(bare):.3g} ms"),
        Figure(f"{case}: p99", _p99(ours), "ms", None, f"bare {_p99(bare):.3g} ms"),
    )


def _per_second(loads: Sequence[Load]) -> str:
    return f"{median(load.per_second for load in loads):,.0f}"


def _spread(ratios: Sequence[float]) -> str:
    return f"turns {min(ratios):.2f} to {max(ratios):.2f}"


def _generator(ours: Sequence[Load], bare: Sequence[Load]) -> str:
    shares = [median(load.cpu_share for load in loads) for loads in (ours, bare)]
    return f"generator used {shares[0]:.0%} and {shares[1]:.0%} of its core"


def _p50(loads: Sequence[Load]) -> float:
    return median(load.p50_ms for load in loads)


def _p99(loads: Sequence[Load]) -> float:
    return median(load.p99_ms for load in loads)
