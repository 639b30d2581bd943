"""GitHub tells the bot what happened: at once where its webhooks arrive, by polling where they do not, never twice."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict

from domain.ci import Branch, CiStatus
from domain.runs import Run, RunState
from forge.github import POLL_SECONDS
from forge.github_webhooks import Delivery as Accepted
from forge.github_webhooks import read_delivery, to_stored
from loops.ci.watching import LOOK_EVERY
from store.tables.deliveries import Claim, HookDelivery
from tests.fakes.connected_bot import WEBHOOK_SECRET, ConnectedWorld, connected_bot, connected_policy
from tests.fakes.github_rig import PIN, RUN, RUN_NAME, SOURCE
from tests.fakes.providers.github import HOME, FakeGitHub
from tests.fakes.providers.github_plan import completed, in_progress, queued
from tests.fakes.providers.github_runs import Input
from tests.fakes.providers.github_webhooks import PATH, Delivery, Forgery, sign
from tests.fakes.served_bot import PATIENCE_SECONDS

MEASURED_RUNS = 12
QUEUED_SECONDS, RUNNING_SECONDS = 5, 60
AN_HOUR_SECONDS = 3600.0


def policy() -> dict[str, Any]:
    document = connected_policy()
    document["repositories"].append(HOME)
    hourly = {"rate": {"per_hour": 600}}
    document["actions"]["build"] = {
        **{name: value for name, value in document["actions"]["triage"].items() if name != "loop"},
        "title": "Build",
        "repository": HOME,
        "refs": ["main"],
        "pins": {"main": PIN},
        **hourly,
    }
    document["channels"]["telegram"] |= {"per_person_per_hour": 6000}
    return document


@asynccontextmanager
async def world_with_webhooks(folder: Path) -> AsyncIterator[tuple[ConnectedWorld, FakeGitHub]]:
    async with connected_bot(folder, policy=policy(), github=True) as world:
        github = world_github(world)
        plan = (queued(QUEUED_SECONDS), in_progress(RUNNING_SECONDS), completed("failure"))
        github.workflow("ci.yml", run_name=RUN_NAME, inputs={"request_id": Input()}, plan=plan, source=SOURCE)
        yield world, github


async def eventually(look: Callable[[], Awaitable[bool]]) -> None:
    """Look until it is so; the bot works in between, because every look waits for the store."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await look():
            pass


async def newest(world: ConnectedWorld) -> Run:
    return (await world.bot.bot.store.read(lambda tables: tables.runs.latest(1)))[0]


async def order(world: ConnectedWorld) -> Run:
    """Have a run started, and wait until GitHub was asked about it once: from now on polling pauses."""
    known, questions = await world.bot.bot.store.read(lambda tables: len(tables.runs.latest(99))), asked(world, RUN)
    world.say("ann", "run build")

    async def followed() -> bool:
        runs = await world.bot.bot.store.read(lambda tables: tables.runs.latest(99))
        return len(runs) > known and runs[0].state is RunState.DISPATCHED and asked(world, RUN) > questions

    await eventually(followed)
    return await newest(world)


async def becomes(world: ConnectedWorld, state: RunState) -> Run:
    async def look() -> bool:
        return (await newest(world)).state is state

    await eventually(look)
    return await newest(world)


def asked(world: ConnectedWorld, operation: str) -> int:
    return [seen.operation for seen in world_github(world).seen].count(operation)


def told(world: ConnectedWorld, words: str) -> int:
    """Return how often these words reached Ann's chat, whatever became of that message later."""
    return sum(words in one.text for one in world.ledger if one.to == str(world.user("ann")))


async def worked_off(world: ConnectedWorld) -> None:
    async def look() -> bool:
        return not await world.bot.bot.store.read(lambda tables: tables.deliveries.waiting())

    await eventually(look)


async def post(world: ConnectedWorld, body: bytes, guid: str, secret: str = WEBHOOK_SECRET) -> int:
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "workflow_run",
        "X-GitHub-Delivery": guid,
        "X-Hub-Signature-256": "sha256=" + sign(secret, body, "sha256"),
    }
    async with aiohttp.ClientSession() as http, http.post(world.bot.url + PATH, data=body, headers=headers) as answer:
        return answer.status


async def test_news_of_a_run_reaches_the_phone_while_polling_pauses(tmp_path: Path) -> None:
    taken = []
    async with world_with_webhooks(tmp_path) as (world, github):
        for _ in range(MEASURED_RUNS):
            run = await order(world)
            for seconds, words in (
                (QUEUED_SECONDS, f"{run.handle} build: attempt 1 started"),
                (RUNNING_SECONDS, f"FAILED {run.handle}"),
            ):
                await world.pass_time(seconds)
                began = time.monotonic()
                assert set(await github.webhooks.post_due()) <= {200, 202}
                await world.card("ann", words)
                taken.append(time.monotonic() - began)
            await becomes(world, RunState.FAILED)
            await world.pass_time(AN_HOUR_SECONDS)  # six pushes an hour, then what is not urgent is held back
        assert len(github.effects.dispatches) == MEASURED_RUNS
    taken.sort()
    p95 = taken[int(len(taken) * 0.95)]
    print(f"event to notice: median {taken[len(taken) // 2] * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms of {len(taken)}")  # noqa: T201 - the figure is what a reader wants


async def test_with_every_webhook_lost_all_arrives_by_polling_alone(tmp_path: Path) -> None:
    async with world_with_webhooks(tmp_path) as (world, github):
        run = await order(world)
        for seconds, words in (
            (POLL_SECONDS, f"{run.handle} build: attempt 1 started"),
            (QUEUED_SECONDS + RUNNING_SECONDS, f"FAILED {run.handle}"),
        ):
            await world.pass_time(seconds)
            assert set(await github.webhooks.post_due(lose=True)) == {502}
            world.bot.bot.watch.wake()
            await world.card("ann", words)
        assert (await becomes(world, RunState.FAILED)).reason == "failure"


async def test_news_that_come_late_twice_and_in_the_wrong_order_are_told_once_and_right(tmp_path: Path) -> None:
    async with world_with_webhooks(tmp_path) as (world, github):
        run = await order(world)
        await world.pass_time(QUEUED_SECONDS + RUNNING_SECONDS)
        posted = github.webhooks._new()
        statuses = [await github.webhooks._post(one, github.webhooks.signed(one)) for one in [*reversed(posted)] * 2]
        assert statuses[: len(posted)] == [202] * len(posted)
        assert set(statuses[len(posted) :]) <= {200, 202}
        await world.card("ann", f"FAILED {run.handle}")
        await worked_off(world)
        await world.bot.bot.watch.look()
        await world.bot.bot.relay.tick()
        assert (await newest(world)).state is RunState.FAILED
        words = (
            f"{run.handle} build: attempt 1 started",
            f"{run.handle} build: attempt 1 done",
            f"FAILED {run.handle}",
        )
        assert [told(world, one) for one in words] == [1, 1, 1]


async def test_what_was_kept_before_a_crash_is_worked_off_by_the_next_process_and_once(tmp_path: Path) -> None:
    async with world_with_webhooks(tmp_path) as (world, github):
        run = await order(world)
        await world.pass_time(QUEUED_SECONDS + RUNNING_SECONDS)
        await github.webhooks.post_due(lose=True)
        ended = github.webhooks.deliveries[-1]
        await keep_and_crash(world, ended)
        await world.card("ann", f"FAILED {run.handle}")
        await worked_off(world)
        github.webhooks.redeliver(ended)
        assert await github.webhooks.post_due() == [200]
        await world.bot.bot.watch.look()
        assert told(world, f"FAILED {run.handle}") == 1


async def keep_and_crash(world: ConnectedWorld, delivery: Delivery) -> None:
    """Do what the webhook does before it answers, and nothing of what comes after it, in this process."""
    read = read_delivery(CIMultiDict(world_github(world).webhooks.signed(delivery)), delivery.body, WEBHOOK_SECRET)
    assert isinstance(read, Accepted)
    assert read.said is not None
    kept = HookDelivery(read.guid, read.event, read.digest, to_stored(read.said))
    now = world.clock.now()
    assert await world.bot.bot.store.transact(lambda tables: tables.deliveries.claim(kept, now)) is Claim.NEW
    await world.bot.restart()


def world_github(world: ConnectedWorld) -> FakeGitHub:
    assert world.github is not None
    return world.github


async def test_a_forgery_is_worth_nothing_not_even_a_question(tmp_path: Path) -> None:
    async with world_with_webhooks(tmp_path) as (world, github):
        run = await order(world)
        await world.pass_time(1)
        await github.webhooks.post_due(lose=True)
        genuine: Delivery = next(one for one in github.webhooks.deliveries if one.event == "workflow_run")
        before = asked(world, RUN)
        for forgery in Forgery:
            assert await github.webhooks.attack(forgery, genuine) == 403
        assert await post(world, genuine.body, genuine.guid, secret="another secret of twenty") == 403
        kept = await world.bot.bot.store.read(lambda tables: tables.deliveries.waiting())
        await world.bot.bot.watch.look()
        assert (kept, asked(world, RUN)) == ([], before)
        assert await post(world, genuine.body, genuine.guid) == 202
        await worked_off(world)
        altered = genuine.body.replace(b'"queued"', b'"completed"')
        assert altered != genuine.body
        assert await post(world, altered, genuine.guid) == 403
        assert (await newest(world)).state in (RunState.DISPATCHED, RunState.ACCEPTED)
        assert run.id == (await newest(world)).id


async def test_signed_nonsense_is_written_down_and_stops_nothing(tmp_path: Path) -> None:
    async with world_with_webhooks(tmp_path) as (world, github):
        guid = "00000000-0000-4000-8000-000000000001"
        assert await post(world, b'{"action": "completed", "workflow_run": 7}', guid) == 202
        await worked_off(world)
        rows = [row for row in await world.audit() if row["action"] == "github-delivery"]
        assert [(row["target"], row["outcome"]) for row in rows] == [(guid, "unreadable")]
        run = await order(world)
        await world.pass_time(QUEUED_SECONDS + RUNNING_SECONDS)
        await github.webhooks.post_due()
        await world.card("ann", f"FAILED {run.handle}")


@pytest.mark.parametrize("lost", [False, True], ids=["webhooks", "polling alone"])
async def test_failing_lanes_are_seen_on_the_phone_and_gone_when_a_rerun_passes(tmp_path: Path, *, lost: bool) -> None:
    async with world_with_webhooks(tmp_path) as (world, github):
        github.workflow("push.yml", plan=[in_progress(20), completed("failure")], jobs={"a": "failure", "b": "success"})
        run = github.home.run_by_others("push.yml")
        await tell_of_lanes(world, lost=lost)
        await lanes_become(world, CiStatus.FAILING)
        world.say("ann", "ci main")
        said = (await world.card("ann", "@main: failing 1 lanes")).text
        assert f"a (push.yml): failure {github.url}/{HOME}/actions/runs/{run.id}/job/" in said
        assert f"commit {run.head_sha[:12]}, as of " in said
        run.workflow.plan, run.workflow.jobs = [in_progress(20), completed("success")], {"a": None, "b": None}
        github.home.actions.rerun(run, "bea")
        await tell_of_lanes(world, lost=lost)
        await lanes_become(world, CiStatus.GREEN)
        world.say("ann", "ci main")
        await world.card("ann", "@main: green")


async def tell_of_lanes(world: ConnectedWorld, *, lost: bool) -> None:
    """Let a run end and GitHub tell of it; where that is lost, let the minute pass after which everybody looks."""
    await world.pass_time(LOOK_EVERY.total_seconds() if lost else LOOK_EVERY.total_seconds() / 2)
    await world_github(world).webhooks.post_due(lose=lost)
    if lost:
        for wake in world.bot.bot.connections.wakes:
            wake()


async def lanes_become(world: ConnectedWorld, status: CiStatus) -> None:
    async def look() -> bool:
        seen = await world.bot.bot.store.read(lambda tables: tables.snapshots.ci(Branch(HOME, "main")))
        return seen is not None and seen.status is status

    await eventually(look)
