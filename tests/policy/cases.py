"""What the sweep combines: every value a case can have, as the oracle reads it and as the gate does."""

import itertools
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from domain.modes import Mode, ModeSources
from domain.people import Person, Proof, Scope
from domain.requests import Request, RequestKind, Risk
from policy.facts import ApprovalFacts, Case, ConfirmationFacts, ConfirmationState, Facts, NumberState, RunFacts
from policy.loading import PolicyState, PolicyStatus, load_policy

# The value in the oracle's words, and in the gate's.
Pair = tuple[Any, Any]
Choice = Mapping[str, Pair]

SUBSETS = [list(some) for size in range(4) for some in itertools.combinations(("read", "operate", "approve"), size)]
INPUTS = {
    "count": {"type": "integer", "min": -3, "max": 100, "default": 5},
    "dry": {"type": "boolean", "default": False},
    "level": {"type": "string", "enum": ["low", "high"], "default": "low"},
    "tag": {"type": "string", "pattern": "v[0-9]{1,80}", "default": "v1"},
}


def _action(risk: str, modes: list[str], **more: object) -> dict[str, object]:
    fixed = {"title": "an action", "forge": "local", "repository": "local/sample", "workflow": "work"}
    return fixed | {"refs": ["main", "release/1"], "inputs": INPUTS, "risk": risk, "modes": modes} | more


STANDARD: dict[str, Any] = {
    "schema_version": 2,
    "repositories": ["local/sample"],
    "roles": {"-".join(["may", *some]): some for some in SUBSETS},
    "actions": {
        "report": _action("report", ["read-only", "operate"]),
        "report-asked": _action("report", ["read-only", "operate"], approvals={"needed": 1}),
        "report-only": _action("report", ["read-only"], rate={"per_hour": 3}),
        "bare": _action("report", ["operate"], inputs={"tag": {"type": "string", "enum": ["a"]}}),
        "medium": _action("medium", ["operate"]),
        "medium-asked": _action("medium", ["operate"], approvals={"needed": 2, "allow_self": True}),
        "high": _action("high", ["operate"], rate={"per_hour": 1}),
        "high-asked": _action("high", ["operate"], approvals={"needed": 1}),
        "hub": _action("report", ["operate"], forge="github"),
        "hub-asked": _action("report", ["operate"], forge="github", approvals={"needed": 2}),
    },
    "channels": {
        "web": {"max_scope": "approve", "per_person_per_hour": 600},
        "telegram": {"max_scope": "operate", "per_person_per_hour": 40},
        "sms": {"per_person_per_hour": 10},
        "console": {"max_scope": "approve"},
    },
}
LENIENT = STANDARD | {
    "channels": {"web": {"max_scope": "operate"}, "slack": {"max_scope": "approve", "per_person_per_hour": 1}},
    "security": {"replay_window_seconds": 30, "raise_proof": "account", "soak_days": 0, "soak_clean_runs": 1},
}


def _loaded(document: dict[str, Any]) -> Pair:
    state = load_policy(json.dumps(document).encode())
    assert state.status is PolicyStatus.LOADED, state.problems
    return ("loaded", document), state


def _person(name: str, *roles: str) -> Pair:
    return {"id": name, "roles": roles}, Person(name, "", roles, ())


def _mode(environment: Mode | None, stored: Mode, halt_file: bool) -> Pair:
    return (environment, stored, halt_file), ModeSources(environment, stored, halt_file)


def _run(final: bool, requested_by: str) -> Pair:
    state = "succeeded" if final else "running"
    return {"final": final, "requested_by": requested_by}, RunFacts(state, final, requested_by)


def _approvals() -> Iterator[Pair]:
    yield None, None
    flags = (False, True)
    states = ("open", "approved", "denied", "expired")
    for state, by, risk, mine, seconds, voted, same in itertools.product(
        states, ("ann", "bob"), Risk, flags, (-1, 0, 1), flags, flags
    ):
        words = {"state": state, "requested_by": by, "risk": risk.value, "allow_self": mine}
        more = {"seconds_left": seconds, "voted_already": voted, "digest_matches": same}
        decided_by = "cy" if state in {"approved", "denied"} else None
        yield {**words, **more}, ApprovalFacts(state, by, risk, mine, seconds, voted, same, decided_by)


def _codes() -> Iterator[Pair]:
    yield None, None
    yield from ((state.value, ConfirmationFacts(state, 4)) for state in ConfirmationState)
    yield from (("wrong", ConfirmationFacts(ConfirmationState.WRONG, left)) for left in (1, 0))


def _same(*values: object) -> tuple[Pair, ...]:
    return tuple((value, value) for value in values)


FINE_APPROVAL: Pair = (
    {
        "state": "open",
        "requested_by": "bob",
        "risk": "medium",
        "allow_self": False,
        "seconds_left": 600,
        "voted_already": False,
        "digest_matches": True,
    },
    ApprovalFacts("open", "bob", Risk.MEDIUM, False, 600, False, True),
)
MODES = tuple(_mode(*sources) for sources in itertools.product((None, *Mode), Mode, (False, True)))
GIVEN_INPUTS: tuple[dict[str, str], ...] = (
    {},
    {"count": "-3", "dry": "true", "level": "high", "tag": "v" + "9" * 63},
    {"colour": "red"},
    {"tag": "a"},
    *({"count": text} for text in ("100", "101", "-4", "007", "-0", "+1", "1.0", "", " 1", "٣", "1" * 11)),
    *({"dry": text} for text in ("false", "True", "1", "")),
    *({"level": text} for text in ("low", "LOW", "medium", "")),
    *({"tag": text} for text in ("v1\n", "xv1", "v1;rm", "v٣", "v" + "1" * 64)),
)
FEW_INPUTS: tuple[dict[str, str], ...] = ({}, {"count": "101"})

# The first value of each is the harmless one, with which nothing is in the way of anything.
DIMENSIONS: dict[str, tuple[Pair, ...]] = {
    "kind": tuple((kind.value, kind) for kind in RequestKind),
    "scope": tuple((scope.value, scope) for scope in Scope),
    "target": _same("operate", "read-only", "off", ""),
    "action": _same("report", None, "unknown", "", *STANDARD["actions"]),
    "ref": _same(None, "main", "release/1", "evil", ""),
    "inputs": _same(*GIVEN_INPUTS),
    "person": (
        _person("ann", "may-read-operate-approve"),
        (None, None),
        *(_person("ann", "-".join(["may", *some])) for some in SUBSETS),
        _person("ann", "nothing-known", "may-read", "may-operate"),
        _person("bob", "may-read-operate"),
    ),
    "proof": tuple((proof.value, proof) for proof in sorted(Proof, key=lambda proof: -proof.rank)),
    "mode": (_mode(None, Mode.OPERATE, False), *MODES),
    "channel": _same("web", "telegram", "sms", "console", "slack", "ntfy"),
    "audit_writable": _same(True, False),
    "messages": _same(1, 10, 11, 30, 31, 40, 41, 600, 601),
    "age": _same(None, -31, -30, 0, 30, 31, 300, 301),
    "action_runs": _same(0, 1, 2, 3, 11, 12),
    "slot": _same(None, "7K"),
    "approved": _same(True, False),
    "head_known": _same(True, False),
    "soak_days": _same(7, 6, 0),
    "soak_runs": _same(20, 19, 1, 0),
    "run": (_run(False, "ann"), (None, None), _run(True, "ann"), _run(False, "bob"), _run(True, "bob")),
    "approval": (FINE_APPROVAL, *_approvals()),
    "number": tuple(
        (state.value, state) for state in sorted(NumberState, key=lambda state: state is not NumberState.RIGHT)
    ),
    "code": tuple(_codes()),
    "policy": (
        _loaded(STANDARD),
        _loaded(LENIENT),
        (("policy_missing", None), load_policy(None)),
        (("policy_invalid", None), load_policy(b"{")),
    ),
}
HARMLESS: Choice = {name: values[0] for name, values in DIMENSIONS.items()}


def kinds(*names: str) -> tuple[Pair, ...]:
    """Return the pairs of some kinds of request."""
    return tuple((name, RequestKind(name)) for name in names)


def every(*names: str, **some: Sequence[Pair]) -> Iterator[Choice]:
    """Combine all values of the named dimensions and the given ones of others; the rest stays harmless."""
    chosen = {name: DIMENSIONS[name] for name in names} | some
    for values in itertools.product(*chosen.values()):
        yield {**HARMLESS, **dict(zip(chosen, values, strict=True))}


def at_random(count: int, seed: int) -> Iterator[Choice]:
    """Draw from all dimensions at once; most values are harmless, or the first rules would decide nearly everything."""
    rng = random.Random(seed)
    for _ in range(count):
        yield {name: rng.choice(values) if rng.random() < 0.2 else values[0] for name, values in DIMENSIONS.items()} | {
            "kind": rng.choice(DIMENSIONS["kind"])
        }


def plain(choice: Choice) -> dict[str, Any]:
    """Return a case in the oracle's words."""
    return {name: pair[0] for name, pair in choice.items()}


def typed(choice: Choice) -> Case:
    """Return the same case in the gate's words."""
    of = {name: pair[1] for name, pair in choice.items()}
    request = Request(of["kind"].value, of["kind"], of["scope"], of["target"], of["action"], of["ref"], of["inputs"])
    approval: ApprovalFacts | None = of["approval"]
    facts = Facts(
        channel=of["channel"],
        mode=of["mode"],
        audit_writable=of["audit_writable"],
        messages_this_hour=of["messages"],
        sent_age_seconds=of["age"],
        action_runs_this_hour=of["action_runs"],
        slot_busy_with=of["slot"],
        approved=of["approved"],
        soak_days_passed=of["soak_days"],
        soak_clean_runs=of["soak_runs"],
        head_known=of["head_known"],
        run=of["run"],
        approval=approval and replace(approval, number=of["number"]),
        confirmation=of["code"],
    )
    state: PolicyState = of["policy"]
    return Case(request, of["person"], of["proof"], facts, state)
