"""What every measurement is handed: where it may write, which cores it uses, how long it may take."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Target:
    """One message, sent again and again. Without cookies it goes to the bare handler, which knows no sessions.

    With `numbers` it is a text that Twilio posts, signed, from each of them in turn.
    """

    port: int
    path: str
    text: str
    cookies: tuple[str, ...] = ()
    expected_status: int = 200
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Load:
    """What a load generator saw within its measured seconds; `cpu_share` near 1 means that it was the limit itself."""

    answers: int
    unexpected: int
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu_share: float

    @property
    def per_second(self) -> float:
        return self.answers / self.seconds


@dataclass(frozen=True, slots=True)
class Generator:
    """A load generator: `run(target, clients, seconds, warm_up_seconds)`; each client sends when it was answered."""

    name: str
    run: Callable[[Target, int, float, float], Load]


@dataclass(frozen=True, slots=True)
class Cores:
    """Servers on one core, load on another, so that neither takes the other's time. One core alone serves for both."""

    server: int
    load: int

    @classmethod
    def available(cls) -> "Cores":
        usable = sorted(os.sched_getaffinity(0))
        return cls(usable[0], usable[-1])


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured; the more, the steadier the figures."""

    people: int
    rounds: int
    seconds: float
    warm_up_seconds: float
    clients: tuple[int, ...]
    starts: int
    settle_seconds: float
    verified_rows: int
    few_rows: int
    many_rows: int
    approvals: int


@dataclass(frozen=True, slots=True)
class Bench:
    """One run of the benchmark. Each measurement makes a folder of its own below `folder`."""

    folder: Path
    cores: Cores
    generator: Generator
    effort: Effort
