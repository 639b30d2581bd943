"""What may happen to a bot in the invariant tests: messages of every kind, and everything around them, as plain data."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from domain.modes import Mode
from domain.people import Proof
from forge.port import JobState
from tests.fakes.forge import ForgeFault


@dataclass(frozen=True, slots=True)
class Say:
    """One message. `{run}`, `{approval}` and `{any}` stand for handles; `repeats` is an earlier message's id to use again."""

    text: str
    person: str
    channel: str
    proof: Proof
    age_seconds: int | None
    handle: int
    repeats: int | None
    same_text: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """The clock moves, also backwards."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Break:
    """The next calls of a forge, or the next deliveries of a channel, go wrong."""

    faults: tuple[ForgeFault, ...]
    channels: bool


@dataclass(frozen=True, slots=True)
class Work:
    """One part of the bot works once: relay, watch, housekeeping; `die` is a relay that dies before or after its effect."""

    part: str


@dataclass(frozen=True, slots=True)
class Job:
    """A job of the forge goes on."""

    number: int
    state: JobState


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The policy file, the HALT file or the environment change; a new environment needs a restart, which it gets."""

    what: str
    environment: Mode | None = None


Step: TypeAlias = Say | Wait | Break | Work | Job | Surroundings

TYPED_SECRET = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
SENSIBLE = [
    *["run mutation", "run triage", "run strict", "ok {approval}", "run deploy image=shop:1", "abort {run}"] * 4,
    "menu", "status", "unresolved", "last", "last 3", "mutation", "approvals", "audit", "audit 20", "whoami",
    "run triage dev", "RUN Mutation main.", "run strict threshold=95",
    "run release image=shop:2", "ok {approval} 123456", "no {approval}", "no {approval} not today", "why {run}", "why {approval}",
    "why {any}", "abort {any}", "ok {any}", "halt", "pause", "resume", "resume",
]  # fmt: skip
HOSTILE = [
    "hlat", "rnu mutation", "run mutaton", "yes", "ok", "STOP", "run", "run mutation main extra", "run nothing",
    "run mutation ../main", "run strict threshold=101", "run strict threshold=9\u0665", "run strict threshold=95 threshold=96",
    "run deploy image=--flag", "run deploy image=$(id)", "halt now", "pause\nresume", "ok {approval}\nhalt", "/status",
    "run\u202emutation", "\uff53tatus", "run mutation token=" + TYPED_SECRET, "no {approval} password=" + TYPED_SECRET,
    "x" * 501, "", " ", "\x00", "why ' OR 1=1 --", "ok AA", "resume operate", "run release image=shop:2 ref=main",
]  # fmt: skip
# Mostly what a real adapter hands on; sometimes a channel with a proof it never gives, to be hard on the gate.
SENDERS = [
    *[("web", Proof.SESSION)] * 6,
    *[("console", Proof.LOCAL)] * 4,
    *[("sms", Proof.ADDRESS)] * 2,
    *[("telegram", Proof.ACCOUNT)] * 2,
    ("sms", Proof.CODE),
    ("web", Proof.DEVICE),
    ("telegram", Proof.NONE),
    ("console", Proof.ADDRESS),
    ("web", Proof.ADDRESS),
]
PEOPLE = [*["owner", "ann", "olga"] * 3, "ben", "vic", "stranger", "owner ", "OWNER"]
AGES = [*[None] * 8, 0, 5, 300, 301, -30, -31]
JUMPS = [*[0.5, 5, 20, 61] * 4, 130, 901, 3_600, 8 * 86_400, -20, -3_600]
PARTS = [*["relay"] * 6, *["watch"] * 3, "housekeeping", "die before", "die after"]
CHANGES = [*["good policy", "no HALT"] * 3, "no policy", "broken policy", "narrow policy", "HALT"]
RECOVERY = [
    Surroundings("good policy"),
    Surroundings("no HALT"),
    Surroundings("restart"),
    Say("pause", "owner", "console", Proof.LOCAL, None, 0, None, same_text=True),
]
QUICK_FAULTS = [*ForgeFault][:5]  # those that answer in time
PRINTABLE = "".join(chr(code) for code in range(32, 0x250)) + "\t\n\u202e\u200b\ufeff\U0001f680"


def history(random: Random, length: int) -> list[Step]:
    """Return that many steps; the same randomness gives the same ones."""
    makers: list[tuple[int, Callable[[Random], Step]]] = [
        (50, _message),
        (12, lambda r: Wait(r.choice(JUMPS))),
        (5, lambda r: Break(tuple(r.choices(QUICK_FAULTS, k=r.randrange(5))), r.random() < 0.5)),
        (22, lambda r: Work(r.choice(PARTS))),
        (8, lambda r: Job(r.randrange(6), r.choice([*JobState]))),
        (3, lambda r: Surroundings(r.choice(CHANGES))),
        (2, lambda r: Surroundings("restart", r.choice([*[None] * 6, *Mode]))),
    ]
    weights, functions = zip(*makers, strict=True)
    steps = [make(random) for make in random.choices(functions, weights, k=length)]
    for start in range(0, length, 15):  # left alone, most histories would end up halted and stay so
        steps[start:start] = RECOVERY if random.random() < 0.6 else []
    return steps


def _message(random: Random) -> Say:
    channel, proof = random.choice(SENDERS)
    return Say(
        text=_text(random),
        person=random.choice(PEOPLE),
        channel=channel,
        proof=proof,
        age_seconds=random.choice(AGES),
        handle=random.randrange(4),
        repeats=random.randrange(1000) if random.random() < 0.15 else None,
        same_text=random.random() < 0.6,
    )


def _text(random: Random) -> str:
    kind = random.random()
    if kind < 0.7:
        return random.choice(SENSIBLE)
    if kind < 0.9:
        return random.choice(HOSTILE)
    return "".join(random.choices(PRINTABLE, k=random.randrange(40)))
