"""A plan from a report on GitHub to the dispatch that carries it out: offered, agreed to by somebody else, and bound to both (I7)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from domain.fixes import FixPlan
from domain.modes import Mode
from domain.runs import RunState
from domain.snapshots import LoopReason
from forge.github import POLL_SECONDS
from loops.documents import documents
from loops.report import LoopMode
from tests.fakes.connected_bot import ConnectedWorld, connected_bot, connected_policy
from tests.fakes.github_rig import PIN, RUN_NAME, SOURCE
from tests.fakes.loop_reports import TRIAGE, triage_report
from tests.fakes.providers.github import HOME, FakeGitHub
from tests.fakes.providers.github_plan import completed, in_progress, queued
from tests.fakes.providers.github_runs import Artifact, Input, zipped
from tests.fakes.providers.github_runs import Run as GitHubRun
from tests.fakes.served_bot import AFTER_THE_SAMPLES
from tests.scenarios.github_steps import dispatch_becomes, eventually, later

REPORTS, FIXES = "ci.yml", "fix.yml"
HEX = "[0-9a-f]{64}"


def policy() -> dict[str, Any]:
    document = connected_policy()
    document["autonomy_mode_default"] = "operate"
    document["repositories"].append(HOME)
    document["actions"]["triage"] |= {"repository": HOME, "refs": ["main"], "pins": {"main": PIN}}
    document["actions"]["triage-fix"] = {
        **document["actions"]["triage"],
        "title": "Fix",
        "workflow": FIXES,
        "inputs": {
            "plan": {"type": "string", "pattern": HEX},
            "commit": {"type": "string", "pattern": "[0-9a-f]{40}"},
        },
        "risk": "medium",
        "modes": ["operate"],
        "approvals": {"needed": 1},
    }
    return document


def plan_of(run: GitHubRun) -> FixPlan:
    return FixPlan("triage", "format", {"level": "2"}, HOME, "main", run.head_sha, "a" * 64, "b" * 64)


def bundle(run: GitHubRun) -> bytes:
    """Return what the loop's workflow uploads: its own report, with a plan that waits."""
    snapshot = replace(TRIAGE, plan=plan_of(run), reason=LoopReason.AWAITS_APPROVAL, head_sha=run.head_sha)
    snapshot = replace(snapshot, taken_at=AFTER_THE_SAMPLES, measured_at=AFTER_THE_SAMPLES)
    report = triage_report(
        mode=LoopMode.PLAN_THEN_FIX,
        reason=LoopReason.AWAITS_APPROVAL,
        branch="main",
        snapshot=snapshot,
        unresolved=1,
    )
    return zipped({"triage-loop.json": documents(report)[".json"].encode()})


@asynccontextmanager
async def world_with_a_plan(folder: Path) -> AsyncIterator[tuple[ConnectedWorld, FakeGitHub]]:
    """Run the loop until its report has come with a plan; the mode lets fixes through."""
    async with connected_bot(folder, policy=policy(), github=True) as world:
        github = world.github
        assert github is not None
        ends = (queued(5), in_progress(60), completed("success"))
        request = {"request_id": Input()}
        artifacts = (Artifact("triage-loop-1-1", bundle),)
        github.workflow(REPORTS, run_name=RUN_NAME, inputs=request, plan=ends, source=SOURCE, artifacts=artifacts)
        inputs = {**request, "plan": Input(required=True), "commit": Input(required=True)}
        github.workflow(FIXES, run_name=RUN_NAME, inputs=inputs, plan=ends, source=SOURCE)
        await world.set_mode(Mode.OPERATE)
        world.say("ann", "run triage")
        await dispatch_becomes(world, "delivered")
        await later(world, POLL_SECONDS)
        await later(world, 60)
        yield world, github


async def test_a_plan_is_offered_agreed_to_by_somebody_else_and_dispatched_with_its_digest_and_commit(
    tmp_path: Path,
) -> None:
    async with world_with_a_plan(tmp_path) as (world, github):
        final = await world.card("ann", "awaits approval")
        (reported,) = github.home.actions.runs.values()
        plan = plan_of(reported)
        world.press("ann", final, "Fix")
        told = (await world.card("ann", "Its number is")).text
        assert f"Plan of triage: format level=2 on main at {plan.source_sha[:12]}." in told
        number = told.partition("Its number is ")[2][:2]
        asked = await world.card("ben", "asks to run triage-fix")
        assert plan.digest() in asked.text
        world.press("ben", asked, number)
        await dispatched(world, github, 2)
        order = github.effects.dispatches[-1]
        given = {name: given for name, given in order.inputs.items() if name != "request_id"}
        assert given == {"plan": plan.digest(), "commit": plan.source_sha}
        assert order.workflow == FIXES


async def test_who_asked_for_the_fix_cannot_agree_to_it(tmp_path: Path) -> None:
    async with world_with_a_plan(tmp_path) as (world, github):
        world.press("ann", await world.card("ann", "awaits approval"), "Fix")
        told = (await world.card("ann", "Its number is")).text
        handle, number = told.split()[0], told.partition("Its number is ")[2][:2]
        world.say("ann", f"ok {handle} {number}")
        await world.card("ann", "Refused (self_approval)")
        assert len(github.effects.dispatches) == 1


async def test_a_plan_is_not_carried_out_below_operate(tmp_path: Path) -> None:
    async with world_with_a_plan(tmp_path) as (world, github):
        final = await world.card("ann", "awaits approval")
        world.say("ben", "pause")
        await world.card("ben", "read-only")
        world.press("ann", final, "Fix")
        await world.toast("ann", "Refused (mode_too_low)")
        assert len(github.effects.dispatches) == 1


async def dispatched(world: ConnectedWorld, github: FakeGitHub, count: int) -> None:
    async def look() -> bool:
        await world.audit()
        return len(github.effects.dispatches) == count

    await eventually(look)


async def test_a_branch_that_moved_after_the_agreement_starts_nothing(tmp_path: Path) -> None:
    async with world_with_a_plan(tmp_path) as (world, github):
        world.press("ann", await world.card("ann", "awaits approval"), "Fix")
        number = (await world.card("ann", "Its number is")).text.partition("Its number is ")[2][:2]
        asked = await world.card("ben", "asks to run triage-fix")
        github.home.commits.push("main")
        world.press("ben", asked, number)
        refused = await world.card("ann", "REFUSED")
        assert "head_moved" in refused.text
        assert (await world.bot.bot.store.read(lambda tables: tables.runs.latest(1)))[0].state is RunState.REFUSED
        assert len(github.effects.dispatches) == 1
        assert github.effects.cancels == []
