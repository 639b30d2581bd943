"""Proofs that a policy that is missing, broken or misread allows nothing: D20 and D22 to D24."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bot.settings import Settings
from domain.modes import Mode
from domain.people import Proof
from forge.code import BranchRules
from loops.fixing.gate import FixRule, fix_decision
from loops.fixing.order import FixRequest, NamedFix
from loops.report import LoopName
from policy.loading import PolicyState, PolicyStatus, load_policy
from tests.defects.first_job import NOTHING, after_a_run
from tests.fakes.chat import chat
from tests.policy.documents import changed, load

FREE = BranchRules(protected=False, needs_pull_request=False, locked=False, checks=())
MEND = {"name": "mend", "argv": ["tools/mend"], "timeout_seconds": 60}


def fixing(mode: str = "operate", **limits: Any) -> PolicyState:
    """Load a policy whose triage loop may fix `develop` by the action `mend`."""
    document = changed("loops.triage", {"allowed_branches": ["develop"], "fix_actions": [MEND], **limits})
    return load({**document, "autonomy_mode_default": mode})


def rule(state: PolicyState, mode: str = "operate", branch: str = "develop", action: str = "mend") -> str:
    return fix_decision(state, mode, FixRequest(LoopName.TRIAGE, branch, NamedFix(action)), FREE).rule


async def d20_without_a_policy_file_nothing_is_written_and_that_is_said(folder: Path) -> None:
    missing = load_policy(None)
    assert rule(missing) == FixRule.POLICY_MISSING
    async with chat(folder, policy=missing) as bot:
        assert (await bot.say("run triage")).rule == PolicyStatus.MISSING
        assert (await bot.say("resume", proof=Proof.LOCAL)).rule == PolicyStatus.MISSING
        assert (bot.dispatches(), await bot.runs()) == ([], [])
        assert "policy_missing: nothing may be written" in str((await bot.say("status")).text)
        assert (await bot.say("halt")).rule == "lowering_is_always_allowed"


async def d22_what_may_be_done_and_when_it_runs_are_two_settings(folder: Path) -> None:
    for conclusion in ("success", "failure"):
        decided = after_a_run(folder / "mode", conclusion, {"REINS_MUTATION_MODE": "report-only"})
        assert (decided.outputs["report"], decided.outputs["mode"]) == ("true", "report-only")
    confused = after_a_run(folder / "when", "success", {"REINS_MUTATION_WHEN": "report-only"})
    assert (confused.result, confused.outputs) == ("failure", NOTHING)
    assert "REINS_MUTATION_WHEN must be always, failure-only, success-only or disabled." in confused.log


async def d23_the_kill_switch_has_three_values_and_one_meaning(folder: Path) -> None:
    decided = after_a_run(folder, "success", {"AUTONOMY_MODE": "enforce"})
    assert (decided.result, decided.outputs) == ("failure", NOTHING)
    assert "AUTONOMY_MODE must be off, read-only or operate." in decided.log
    assert rule(fixing(), mode="enforce") == FixRule.MODE_INVALID
    with pytest.raises(ValidationError, match="'off', 'read-only' or 'operate'"):
        Settings(home=folder, autonomy_mode="enforce")
    assert [mode.value for mode in Mode] == ["off", "read-only", "operate"]


async def d24_a_broken_policy_is_none_and_the_environment_only_narrows(folder: Path) -> None:
    truncated = load_policy(b'{"schema_version": 2, "roles": {')
    assert truncated.status is PolicyStatus.INVALID
    assert rule(truncated) == FixRule.POLICY_INVALID
    assert rule(fixing()) == FixRule.ALLOWED
    assert rule(fixing("read-only")) == FixRule.MODE_TOO_LOW
    assert rule(fixing(allowed_branches=[])) == FixRule.BRANCH_NOT_ALLOWED
    assert rule(fixing(), action="bash") == FixRule.FIX_ACTION_UNKNOWN
    for widened in ({"max_rounds": 500}, {"max_hours": 900}, {"allowed_prefixes": ["bash"]}):
        assert fixing(**widened).status is PolicyStatus.INVALID
    async with chat(folder) as bot:
        bot.policy = truncated
        assert (await bot.say("run triage")).rule == PolicyStatus.INVALID
        assert "policy_invalid: nothing may be written" in str((await bot.say("status")).text)
