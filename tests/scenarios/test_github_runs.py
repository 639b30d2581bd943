"""A run on GitHub from a Telegram message to its end, over a real relay, watch and client: also when the answer got lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from domain.clock import to_text
from domain.runs import RunState
from forge.github import POLL_SECONDS
from tests.fakes.connected_bot import ConnectedWorld, connected_bot, connected_policy
from tests.fakes.github_rig import CANCEL, DISPATCH, PIN, RUN_NAME, RUNS, SOURCE
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.github import HOME, FakeGitHub
from tests.fakes.providers.github_plan import completed, in_progress, queued
from tests.fakes.providers.github_runs import Artifact, Input, zipped
from tests.fakes.providers.github_runs import Run as GitHubRun
from tests.fakes.served_bot import AFTER_THE_SAMPLES
from tests.fakes.source_runs import backlog
from tests.scenarios.github_steps import asked, becomes, dispatch_becomes, eventually, later, the_run

LOOK_BACK_SECONDS = 31.0  # longer than the relay waits before it looks what became of an unclear dispatch


def policy() -> dict[str, Any]:
    document = connected_policy()
    document["repositories"].append(HOME)
    document["actions"]["triage"] |= {"repository": HOME, "refs": ["main"], "pins": {"main": PIN}}
    document["actions"]["careful"] = {**document["actions"]["triage"], "approvals": {"needed": 1}}
    return document


@asynccontextmanager
async def world_with_github(folder: Path) -> AsyncIterator[tuple[ConnectedWorld, FakeGitHub]]:
    async with connected_bot(folder, policy=policy(), github=True) as world:
        assert world.github is not None
        plan = (queued(5), in_progress(60), completed("failure"))
        world.github.workflow("ci.yml", run_name=RUN_NAME, inputs={"request_id": Input()}, plan=plan, source=SOURCE)
        yield world, world.github


@pytest.mark.parametrize("fault", [None, Fault.ACCEPT_THEN_DROP, Fault.ERROR_AFTER_ACCEPT])
async def test_a_run_ordered_on_telegram_is_told_to_its_end_and_started_once(
    tmp_path: Path, fault: Fault | None
) -> None:
    async with world_with_github(tmp_path) as (world, github):
        if fault is not None:
            github.faults_on(DISPATCH).add(fault)
        world.say("ann", "run triage")
        await world.card("ann", "triage on acme/app@main accepted")
        if fault is not None:
            await dispatch_becomes(world, "ambiguous")
            await later(world, LOOK_BACK_SECONDS)
        await dispatch_becomes(world, "delivered")
        await later(world, POLL_SECONDS)
        await world.card("ann", "attempt 1 started on acme/app@main")
        await later(world, 60)
        final = await world.card("ann", "FAILED")
        run = await becomes(world, RunState.FAILED)
        assert "failure on GitHub; triage unknown: no result was found. Unresolved unknown" in final.text
        (started,) = github.effects.dispatches
        assert run.url == f"{github.url}/{HOME}/actions/runs/{started.run_id}"
        assert (run.head_sha, run.unresolved, started.request_id) == (started.head_sha, None, run.correlation)
        assert [(one.number, one.conclusion) for one in run.attempts] == [(1, "failure")]
        assert asked(github, DISPATCH) == 1


async def test_a_dispatch_that_nobody_knows_of_is_looked_for_and_never_sent_again(tmp_path: Path) -> None:
    async with world_with_github(tmp_path) as (world, github):
        github.faults_on(DISPATCH).add(Fault.RESET)
        world.say("ann", "run triage")
        await world.card("ann", "accepted")
        await dispatch_becomes(world, "ambiguous")
        for _ in range(3):
            looks = asked(github, RUNS)
            await later(world, LOOK_BACK_SECONDS)
            await eventually(lambda looks=looks: _more(github, looks))  # type: ignore[misc]
        await later(world, 15 * 60)
        await dispatch_becomes(world, "expired")
        await later(world, 30 * 60)
        assert (await becomes(world, RunState.UNKNOWN)).reason == "lost"
        await world.card("ann", "nobody can tell how it ended")
        assert (asked(github, DISPATCH), github.effects.dispatches) == (1, [])


async def _more(github: FakeGitHub, looks: int) -> bool:
    await asyncio.to_thread(bool)
    return asked(github, RUNS) > looks


async def test_a_run_is_aborted_from_the_phone(tmp_path: Path) -> None:
    async with world_with_github(tmp_path) as (world, github):
        world.say("ann", "run triage")
        await dispatch_becomes(world, "delivered")
        world.say("ann", f"abort {(await the_run(world)).handle}")
        await world.card("ann", "is being cancelled")
        await eventually(lambda: _more_cancels(github))
        await later(world, POLL_SECONDS)
        run = await becomes(world, RunState.CANCELLED)
        assert (run.reason, github.effects.cancels) == ("cancelled", [github.effects.dispatches[0].run_id])
        assert asked(github, CANCEL) == 1


async def _more_cancels(github: FakeGitHub) -> bool:
    await asyncio.to_thread(bool)
    return bool(github.effects.cancels)


async def test_what_github_refuses_ends_the_run_with_its_reason(tmp_path: Path) -> None:
    async with world_with_github(tmp_path) as (world, github):
        github.workflow("ci.yml", run_name=RUN_NAME, source=SOURCE)
        world.say("ann", "run triage")
        refused = await world.card("ann", "REFUSED")
        assert "declare the input request_id" in refused.text
        assert (await becomes(world, RunState.REFUSED)).reason == "unexpected_inputs"


async def test_a_limit_holds_a_dispatch_back_and_it_goes_out_once_when_it_is_over(tmp_path: Path) -> None:
    async with world_with_github(tmp_path) as (world, github):
        github.tokens.block(github.token, 120)
        world.say("ann", "run triage")
        await dispatch_becomes(world, "pending")
        assert github.effects.dispatches == []
        await later(world, 400)
        await dispatch_becomes(world, "delivered")
        assert len(github.effects.dispatches) == 1


def found(run: GitHubRun) -> bytes:
    """Return what the workflow uploads: a backlog of its own commit with one finding."""
    content = backlog(run.head_sha, ("high",), repository=HOME, branch="main", generated_at=to_text(AFTER_THE_SAMPLES))
    return zipped({"backlog-medium.json": content})


async def test_what_a_run_left_behind_is_on_the_phone_with_its_source_when_it_is_over(tmp_path: Path) -> None:
    async with world_with_github(tmp_path) as (world, github):
        workflow = github.home.actions.workflows["ci.yml"]
        workflow.artifacts = (Artifact("reins-backlog-1-1", found),)
        world.say("ann", "run triage")
        await dispatch_becomes(world, "delivered")
        await later(world, POLL_SECONDS)
        await later(world, 60)
        final = await world.card("ann", "DONE")
        run = await becomes(world, RunState.SUCCEEDED)
        (started,) = github.effects.dispatches
        assert "triage: 1 high, 0 medium" in final.text
        assert (run.reason, run.unresolved, run.head_sha) == ("unresolved", 1, started.head_sha)
        world.say("ann", "u")
        shown = await world.card("ann", "Backlog: 1 high")
        assert f"from ci.yml run {started.run_id} at {started.head_sha[:12]}" in shown.text


async def test_an_approval_is_one_of_the_commit_that_the_bot_saw_last(tmp_path: Path) -> None:
    async with world_with_github(tmp_path) as (world, github):
        head = github.home.commits.branches["main"]

        async def seen() -> bool:
            return await world.bot.bot.store.read(lambda tables: tables.heads.get(HOME, "main")) is not None

        await eventually(seen)
        world.say("olga", "run careful")
        card = await world.card("ann", "asks to run careful")
        assert f"{HOME} ci.yml on main at commit {head[:12]}" in card.text
        github.home.commits.push("main")
        world.press("ann", card, "Approve")
        refused = await world.card("olga", "REFUSED")
        assert f"head_moved: main moved from the approved {head[:12]} to" in refused.text
        assert github.effects.dispatches == []
