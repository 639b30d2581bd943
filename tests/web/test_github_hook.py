"""GitHub's webhook over a real socket: what GitHub signed is kept before it is answered, whatever else comes is not."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from bot.serve import Role
from store.tables.deliveries import HookDelivery
from tests.fakes.providers.github import FakeGitHub
from tests.fakes.providers.github_plan import completed
from tests.fakes.providers.github_webhooks import SECRET, Delivery, Forgery, sign
from tests.fakes.served_bot import ServedBot, served_bot
from tests.fakes.virtual_time import VirtualTime
from web.hooks.failures import FAILURES_TOLD
from web.hooks.github import MAX_DELIVERY_BYTES

PATH = "/hooks/github"
PAYLOAD: dict[str, Any] = {
    "action": "completed",
    "workflow_run": {"id": 7, "display_title": "CI", "head_branch": "main"},
    "repository": {"full_name": "acme/app"},
}


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[ServedBot]:
    """Serve requests only: what comes in is kept, and nobody works it off."""
    github = {"webhook_secret": SECRET, "api_base": "http://127.0.0.1:1"}
    async with served_bot(tmp_path, role=Role.WEB, channels=lambda _url: {"github": github}) as served:
        yield served


@pytest.fixture
async def github(bot: ServedBot) -> AsyncIterator[FakeGitHub]:
    """Post to the bot: one run that has ended, told in three deliveries."""
    async with FakeGitHub(VirtualTime()) as fake:
        fake.webhooks.connect(bot.url)
        fake.workflow("ci.yml", plan=[completed("success")])
        fake.home.run_by_others("ci.yml")
        yield fake


async def post(bot: ServedBot, body: bytes, **headers: str) -> int:
    sent = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "workflow_run",
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": "sha256=" + sign(SECRET, body, "sha256"),
    }
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    async with bot.browser().http.post(PATH, data=body, headers=sent) as answer:
        return answer.status


def payload(number: int = 7) -> bytes:
    return json.dumps(PAYLOAD | {"workflow_run": PAYLOAD["workflow_run"] | {"id": number}}).encode()


async def kept(bot: ServedBot) -> list[HookDelivery]:
    return await bot.bot.store.read(lambda tables: tables.deliveries.waiting())


async def refusals(bot: ServedBot) -> list[str]:
    rows = await bot.bot.store.read(lambda tables: [json.loads(body) for _, body, _ in tables.audit.each()])
    return [row["evidence"]["reason"] for row in rows if row["action"] == "github-request"]


async def test_what_github_posts_is_kept_in_our_own_words_and_answered_as_accepted(
    bot: ServedBot, github: FakeGitHub
) -> None:
    assert await github.webhooks.post_due() == [202, 202, 202]
    assert sorted(one.event for one in await kept(bot)) == ["check_run", "workflow_job", "workflow_run"]
    (run,) = [json.loads(one.body) for one in await kept(bot) if one.event == "workflow_run"]
    assert run.keys() == {"repository", "completed", "branch", "run_id", "correlations"}
    assert await refusals(bot) == []


async def test_a_ping_and_an_event_that_nobody_needs_are_answered_and_not_kept(
    bot: ServedBot, github: FakeGitHub
) -> None:
    assert await github.webhooks.ping() == 200
    assert await post(bot, b'{"ref": "refs/heads/main"}', X_GitHub_Event="push") == 200
    assert await kept(bot) == []


async def test_a_redelivery_of_what_is_not_done_waits_once_and_of_what_is_done_does_nothing(
    bot: ServedBot, github: FakeGitHub
) -> None:
    github.webhooks.events = frozenset({"workflow_run"})
    await github.webhooks.post_due()
    first: Delivery = github.webhooks.deliveries[0]
    github.webhooks.redeliver(first)
    assert await github.webhooks.post_due() == [202]
    assert [one.id for one in await kept(bot)] == [first.guid]
    await bot.bot.store.transact(lambda tables: tables.deliveries.mark_done([first.guid], bot.clock.now()))
    github.webhooks.redeliver(first)
    assert await github.webhooks.post_due() == [200]
    assert await kept(bot) == []


@pytest.mark.parametrize("forgery", Forgery)
async def test_a_forgery_is_refused_written_down_and_not_kept(
    bot: ServedBot, github: FakeGitHub, forgery: Forgery
) -> None:
    github.webhooks.events = frozenset({"workflow_run"})
    await github.webhooks.post_due(lose=True)
    assert await github.webhooks.attack(forgery, github.webhooks.deliveries[0]) == 403
    reasons = {Forgery.UNSIGNED: "no signature", Forgery.SHA1_ONLY: "only the old signature"}
    assert (await kept(bot), await refusals(bot)) == ([], [reasons.get(forgery, "wrong signature")])


async def test_an_id_that_comes_again_with_another_body_is_refused_and_the_first_body_stays(bot: ServedBot) -> None:
    guid = str(uuid.uuid4())
    assert await post(bot, payload(7), X_GitHub_Delivery=guid) == 202
    assert await post(bot, payload(8), X_GitHub_Delivery=guid) == 403
    assert [json.loads(one.body)["run_id"] for one in await kept(bot)] == [7]
    assert await refusals(bot) == ["another delivery's id"]


async def test_a_body_that_comes_again_under_other_ids_is_kept_once(bot: ServedBot) -> None:
    assert [await post(bot, payload()) for _ in range(4)] == [202, 200, 200, 200]
    assert len(await kept(bot)) == 1


async def test_a_flood_of_forgeries_is_written_down_thirty_times_a_minute_and_shuts_github_not_out(
    bot: ServedBot,
) -> None:
    statuses = [await post(bot, payload(), X_Hub_Signature_256="sha256=0") for _ in range(FAILURES_TOLD + 2)]
    assert statuses == [403] * FAILURES_TOLD + [429] * 2
    assert len(await refusals(bot)) == FAILURES_TOLD
    assert await post(bot, payload()) == 202


async def test_what_cannot_be_kept_is_answered_so_that_it_may_come_again(bot: ServedBot) -> None:
    guid = str(uuid.uuid4())
    async with bot.outage():
        with capture_logs():
            assert await post(bot, payload(), X_GitHub_Delivery=guid) == 503
    assert await post(bot, payload(), X_GitHub_Delivery=guid) == 202
    assert len(await kept(bot)) == 1


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", ""])
async def test_only_json_is_read(bot: ServedBot, content_type: str) -> None:
    assert await post(bot, payload(), Content_Type=content_type) == 415
    assert await refusals(bot) == []


async def test_what_says_that_it_is_too_long_is_not_read(bot: ServedBot) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bot.port)
    length = MAX_DELIVERY_BYTES + 1
    writer.write(f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n\r\n".encode())
    assert (await reader.readline()).split()[1] == b"413"
    writer.close()


async def test_what_turns_out_too_long_is_let_go(bot: ServedBot) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MAX_DELIVERY_BYTES // 65_536 + 2):
            yield b" " * 65_536

    headers = {"Content-Type": "application/json"}
    async with bot.browser().http.post(PATH, data=endless(), headers=headers) as answer:
        assert answer.status == 413


async def test_a_delivery_of_a_megabyte_is_read_though_other_requests_may_not_be_that_long(bot: ServedBot) -> None:
    assert await post(bot, payload() + b" " * 1_000_000) == 202


async def test_without_a_secret_there_is_no_such_place(tmp_path: Path) -> None:
    async with (
        served_bot(tmp_path, role=Role.WEB) as bot,
        aiohttp.ClientSession() as http,
        http.post(bot.url + PATH, data=b"{}", headers={"Content-Type": "application/json"}) as answer,
    ):
        assert answer.status == 404
