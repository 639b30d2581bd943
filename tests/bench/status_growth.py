"""Whether `status` stays as fast when the audit log has grown long."""

from collections.abc import Sequence
from statistics import median

from tests.bench.audit_rows import add_audit_rows
from tests.bench.bench import Bench, Effort, Target
from tests.bench.generators import load_checked
from tests.bench.home import BenchHome, make_home
from tests.bench.servers import serving_bot
from tests.bench.table import Aim, Figure

GROWTH_AIM = Aim(1.5)


def measure(bench: Bench) -> list[Figure]:
    """Ask two bots in turns, one client each: one with a short log, one with a long one."""
    effort = bench.effort
    short, long = (_grown_home(bench, rows) for rows in (effort.few_rows, effort.many_rows))
    with serving_bot(bench, short.paths.root) as one, serving_bot(bench, long.paths.root) as other:
        targets = [
            Target(server.port, "/v1/messages", "status", home.cookies)
            for server, home in ((one, short), (other, long))
        ]
        turns = [[load_checked(bench, target, 1) for target in targets] for _ in range(effort.rounds)]
    return [
        _growth("p50", [(few.p50_ms, many.p50_ms) for few, many in turns], effort),
        _growth("p99", [(few.p99_ms, many.p99_ms) for few, many in turns], effort),
    ]


def _grown_home(bench: Bench, rows: int) -> BenchHome:
    home = make_home(bench.folder / f"status-{rows}", bench.effort.people)
    add_audit_rows(home.paths.database, home.seal_key, rows)
    return home


def _growth(name: str, turns: Sequence[tuple[float, float]], effort: Effort) -> Figure:
    few, many = (median(turn[place] for turn in turns) for place in (0, 1))
    detail = f"{many:.3g} ms with {effort.many_rows:,} audit rows, {few:.3g} ms with {effort.few_rows:,}"
    aim = GROWTH_AIM if name == "p99" else None
    return Figure(f"status, long log: {name}", median(long / short for short, long in turns), "of short", aim, detail)
