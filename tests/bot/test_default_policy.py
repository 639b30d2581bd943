"""The policy that ships for the first minutes: it loads, and lets the roles do what they are there for and no more."""

from pathlib import Path

import pytest

from domain.modes import Mode, ModeSources
from domain.people import Person, Proof, Scope
from domain.requests import Request, RequestKind, Risk
from policy.facts import Facts
from policy.file import Policy
from policy.gate import evaluate
from policy.loading import PolicyStatus, load_policy

STATE = load_policy(
    (Path(__file__).resolve().parents[2] / "bot" / "defaults" / "control_plane_policy.json").read_bytes()
)
READ_ONLY = ModeSources(None, Mode.READ_ONLY, halt_file=False)


def policy() -> Policy:
    assert STATE.status is PolicyStatus.LOADED, STATE.problems
    assert STATE.policy is not None
    return STATE.policy


def run(role: str, action: str, proof: Proof = Proof.SESSION, **inputs: str) -> str:
    """Return the rule that decides when somebody with this role starts this action from the web page."""
    request = Request("run", RequestKind.DISPATCH, Scope.OPERATE, action, action, None, inputs)
    facts = Facts(channel="web", mode=READ_ONLY, messages_this_hour=1)
    return evaluate(request, Person("ann", "Ann", (role,), ()), proof, facts, STATE).rule


def test_it_starts_read_only_and_knows_one_local_repository() -> None:
    assert policy().autonomy_mode_default is Mode.READ_ONLY
    assert policy().repositories == ("local/sample",)


def test_every_action_only_reports_on_this_machine() -> None:
    assert list(policy().actions) == ["mutation", "triage", "mutation-strict"]
    for action in policy().actions.values():
        assert (action.forge, action.risk, action.refs) == ("local", Risk.REPORT, ("main",))
        assert action.modes == (Mode.READ_ONLY, Mode.OPERATE)
        assert action.rate.per_hour == 60


@pytest.mark.parametrize("role", ["owner", "operator"])
def test_who_operates_starts_a_loop_in_read_only_mode_at_once(role: str) -> None:
    assert run(role, "mutation") == "allowed"
    assert run(role, "triage") == "allowed"


def test_a_viewer_only_reads() -> None:
    assert run("viewer", "mutation") == "scope_missing"


def test_the_strict_loop_waits_for_one_other_person() -> None:
    assert run("owner", "mutation-strict") == "approval_needed"
    assert run("owner", "mutation-strict", threshold="100") == "approval_needed"
    assert run("owner", "mutation-strict", threshold="49") == "input_invalid"
    strict = policy().actions["mutation-strict"]
    assert (strict.approvals.needed, strict.approvals.allow_self) == (1, False)
    assert strict.inputs["threshold"].default == 90


def test_samples_that_grow_old_stay_measurable() -> None:
    for loop in (policy().loops.mutation, policy().loops.triage):
        assert loop.max_age_hours is None
        assert (loop.allowed_branches, loop.threshold_percent, loop.deadline_seconds) == (("main",), "80", 300)


def test_every_channel_carries_what_its_proofs_allow() -> None:
    limits = {kind.value: (limit.max_scope, limit.per_person_per_hour) for kind, limit in policy().channels.items()}
    assert limits == {
        "web": (Scope.APPROVE, 600),
        "console": (Scope.APPROVE, 600),
        "telegram": (Scope.APPROVE, 120),
        "ntfy": (Scope.APPROVE, 120),
        "sms": (Scope.OPERATE, 30),
    }


def test_raising_the_mode_asks_for_a_device_and_a_soak_window() -> None:
    security = policy().security
    assert (security.raise_proof, security.soak_days, security.soak_clean_runs) == (Proof.DEVICE, 7, 20)
