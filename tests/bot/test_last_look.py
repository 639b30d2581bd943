"""The second gate before a dispatch: only what would be allowed as it stands now is started."""

from dataclasses import replace
from typing import Any

import pytest

from bot.last_look import objection, overtaken
from domain.effects import Dispatch
from domain.modes import Mode, ModeSources
from domain.runs import RunState
from policy.loading import PolicyState, load_policy
from tests.fakes.policies import example_policy, loaded
from tests.fakes.records import make_run

STRICT = Dispatch("R1", "strict", "github", "acme/shop", "ci.yml", "main", {"threshold": "90"}, "C1", "d" * 64)
OPEN = ModeSources(None, Mode.READ_ONLY, halt_file=False)


def changed(**changes: Any) -> PolicyState:
    document = example_policy()
    document["actions"]["strict"] |= changes
    return loaded(document)


def test_what_was_allowed_and_did_not_change_may_start() -> None:
    assert objection(STRICT, OPEN, changed()) is None


@pytest.mark.parametrize(
    "mode",
    [
        ModeSources(None, Mode.OFF, False),
        ModeSources(Mode.OFF, Mode.OPERATE, False),
        ModeSources(None, Mode.OPERATE, True),
    ],
)
def test_nothing_starts_while_any_source_holds_the_mode_at_off(mode: ModeSources) -> None:
    found = objection(STRICT, mode, changed())
    assert found is not None
    assert found[0] == "mode_off"
    assert mode.held_by in found[1]


def test_nothing_starts_in_a_mode_that_its_action_does_not_name() -> None:
    found = objection(STRICT, OPEN, changed(modes=["operate"]))
    assert found == ("mode_too_low", "the mode went down to read-only before it could start")


@pytest.mark.parametrize("raw", [None, b"{", b'{"schema_version": 2}'])
def test_nothing_starts_without_a_policy_that_can_be_read(raw: bytes | None) -> None:
    found = objection(STRICT, OPEN, load_policy(raw))
    assert found is not None
    assert found[0] == "action_unknown"


@pytest.mark.parametrize(
    "changes",
    [
        {"forge": "local"},
        {"repository": "local/sample"},
        {"workflow": "other.yml"},
        {"refs": ["dev"]},
        {"pins": {"main": "0" * 40}},
        {"inputs": {}},
        {"inputs": {"threshold": {"type": "integer", "min": 95, "max": 100, "default": 95}}},
        {
            "inputs": {
                "threshold": {"type": "integer", "min": 50, "max": 100, "default": 90},
                "depth": {"type": "integer", "min": 1, "max": 9, "default": 2},
            }
        },
    ],
)
def test_nothing_starts_that_the_policy_now_describes_otherwise(changes: dict[str, Any]) -> None:
    found = objection(STRICT, OPEN, changed(**changes))
    assert found == ("digest_changed", "the policy changed what this action runs")


def test_only_the_version_that_was_pinned_when_it_was_asked_for_may_start() -> None:
    pin = "b10b" * 10
    pinned = replace(STRICT, pin=pin)
    assert objection(pinned, OPEN, changed(pins={"main": pin, "dev": "0" * 40})) is None
    for pins in ({}, {"dev": pin}, {"main": "0" * 40}):
        found = objection(pinned, OPEN, changed(pins=pins))
        assert found == ("digest_changed", "the policy changed what this action runs")


@pytest.mark.parametrize("state", list(RunState))
def test_a_run_that_is_over_is_not_started(state: RunState) -> None:
    found = overtaken(make_run(state=state), cancelled=False)
    assert (found is not None) is state.final


def test_a_cancelled_or_vanished_run_is_not_started() -> None:
    assert overtaken(make_run(), cancelled=True) == ("cancelled", "it was cancelled before it could start")
    assert overtaken(None, cancelled=False) == ("run_is_over", "the run ended before it could start: unknown")
