"""What may happen to a bot in the invariant tests: messages of every kind, and everything around them, as plain data."""

from dataclasses import dataclass
from typing import TypeAlias

from hypothesis import strategies as st

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
    "menu", "status", "unresolved", "last", "last 3", "mutation", "approvals", "audit", "audit 20", "whoami",
    "run mutation", "run mutation", "run triage", "run triage dev", "RUN Mutation main.", "run strict",
    "run strict threshold=95", "run deploy image=shop:1", "run release image=shop:2", "ok {approval}", "ok {approval}",
    "ok {approval} 123456", "no {approval}", "no {approval} not today", "abort {run}", "why {run}", "why {approval}",
    "why {any}", "abort {any}", "ok {any}", "halt", "pause", "resume", "resume",
]  # fmt: skip
HOSTILE = [
    "hlat", "rnu mutation", "run mutaton", "yes", "ok", "STOP", "run", "run mutation main extra", "run nothing",
    "run mutation ../main", "run strict threshold=101", "run strict threshold=9\u0665", "run strict threshold=95 threshold=96",
    "run deploy image=--flag", "run deploy image=$(id)", "halt now", "pause\nresume", "ok {approval}\nhalt", "/status",
    "run\u202emutation", "ｓｔａｔｕｓ", "run mutation token=" + TYPED_SECRET, "no {approval} password=" + TYPED_SECRET,
    "x" * 501, "", " ", "\x00", "why ' OR 1=1 --", "ok AA", "resume operate", "run release image=shop:2 ref=main",
]  # fmt: skip
TEXTS = st.sampled_from(SENSIBLE) | st.sampled_from(HOSTILE) | st.text(max_size=40)

# Mostly what a real adapter hands on; sometimes a channel with a proof it never gives, to be hard on the gate.
SENDERS = st.sampled_from(
    [
        *[("web", Proof.SESSION)] * 5,
        *[("console", Proof.LOCAL)] * 3,
        *[("sms", Proof.ADDRESS)] * 2,
        ("sms", Proof.CODE),
        *[("telegram", Proof.ACCOUNT)] * 2,
        ("web", Proof.DEVICE),
        ("telegram", Proof.NONE),
        ("console", Proof.ADDRESS),
        ("web", Proof.ADDRESS),
    ]
)
MESSAGES = st.builds(
    lambda text, person, sender, *rest: Say(text, person, *sender, *rest),
    TEXTS,
    st.sampled_from(["owner", "owner", "ann", "ben", "olga", "vic", "stranger", "owner ", "OWNER"]),
    SENDERS,
    st.sampled_from([None, None, None, 0, 5, 300, 301, -30, -31]),
    st.integers(0, 3),
    st.none() | st.none() | st.none() | st.integers(0, 30),
    st.booleans(),
)
FAULTS = st.lists(st.sampled_from([*ForgeFault][:5]), max_size=4).map(tuple)  # without those that never answer
STEPS = st.one_of(
    MESSAGES,
    MESSAGES,
    MESSAGES,
    MESSAGES,
    st.builds(Wait, st.sampled_from([0.5, 5, 20, 61, 130, 901, 3_600, 8 * 86_400, -20, -3_600])),
    st.builds(Break, FAULTS, st.booleans()),
    st.builds(Work, st.sampled_from(["relay", "relay", "relay", "watch", "housekeeping", "die before", "die after"])),
    st.builds(Job, st.integers(0, 5), st.sampled_from(JobState)),
    st.builds(
        Surroundings,
        st.sampled_from(
            ["good policy", "good policy", "no policy", "broken policy", "narrow policy", "HALT", "no HALT"]
        ),
    ),
    st.builds(Surroundings, st.just("restart"), st.sampled_from([None, None, None, *Mode])),
)
HISTORIES = st.lists(STEPS, min_size=60, max_size=100)
