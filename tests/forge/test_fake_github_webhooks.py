"""Webhooks of the fake GitHub are signed as GitHub signs them, and come in its order, again and forged."""

import hashlib
import hmac
import json

import pytest

from tests.fakes.providers.conformance import NotConformant, conformance_for
from tests.fakes.providers.github_plan import completed, in_progress, queued
from tests.fakes.providers.github_tokens import USUAL_PERMISSIONS
from tests.fakes.providers.github_webhooks import HOOK_ID, SECRET, Forgery, sign
from tests.forge.github_by_hand import REPO, Posted, a_bot, world

PLAN = (queued(5), in_progress(30), completed("success"))
DELIVERIES = f"{REPO}/hooks/{HOOK_ID}/deliveries"


def rightly_signed(one: Posted) -> bool:
    expected = "sha256=" + hmac.new(SECRET.encode(), one.body, hashlib.sha256).hexdigest()
    return one.headers.get("X-Hub-Signature-256") == expected


def test_signing_gives_what_github_documents() -> None:
    signature = sign("It's a Secret to Everybody", b"Hello, World!", "sha256")
    assert signature == "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


async def test_a_run_is_told_step_by_step_and_only_once() -> None:
    posted: list[Posted] = []
    async with world() as (github, clock, _client), a_bot(posted) as url:
        github.webhooks.connect(url)
        github.workflow("ci.yml", plan=PLAN)
        run = github.home.run_by_others("ci.yml")
        told = []
        for seconds in (0, 5, 30, 60):
            clock.advance(seconds)
            await github.webhooks.post_due()
            told.append([one.what for one in posted])
            posted.clear()
        assert told == [
            ["workflow_run requested", "workflow_job queued", "check_run created"],
            ["workflow_run in_progress", "workflow_job in_progress"],
            ["workflow_job completed", "check_run completed", "workflow_run completed"],
            [],
        ]
        github.home.actions.rerun(run, "ann")
        assert await github.webhooks.post_due() == [202, 202, 202]
        again = next(json.loads(one.body) for one in posted if one.what == "workflow_run requested")
        assert (again["workflow_run"]["id"], again["workflow_run"]["run_attempt"]) == (run.id, 2)


async def test_what_a_cancellation_prevented_is_not_told() -> None:
    posted: list[Posted] = []
    async with world() as (github, clock, _client), a_bot(posted) as url:
        github.webhooks.connect(url)
        github.webhooks.events = frozenset({"workflow_run"})
        github.workflow("ci.yml", plan=PLAN)
        run = github.home.run_by_others("ci.yml")
        clock.advance(1)
        github.home.actions.cancel(run)
        clock.advance(100)
        await github.webhooks.post_due()
        assert [one.what for one in posted] == ["workflow_run requested", "workflow_run completed"]


async def test_jobs_that_are_not_run_again_are_not_told_again() -> None:
    posted: list[Posted] = []
    async with world() as (github, clock, _client), a_bot(posted) as url:
        github.webhooks.connect(url)
        github.webhooks.events = frozenset({"workflow_job"})
        github.workflow("ci.yml", plan=PLAN, jobs={"build": "success", "test": "failure"})
        run = github.home.run_by_others("ci.yml")
        clock.advance(35)
        await github.webhooks.post_due()
        posted.clear()
        github.home.actions.rerun(run, "ann", failed_only=True)
        await github.webhooks.post_due()
        assert [json.loads(one.body)["workflow_job"]["name"] for one in posted] == ["test"]


async def test_what_is_told_late_is_told_as_it_was_then() -> None:
    posted: list[Posted] = []
    async with world() as (github, clock, _client), a_bot(posted) as url:
        github.webhooks.connect(url)
        github.webhooks.events = frozenset({"workflow_run"})
        github.workflow("ci.yml", plan=PLAN)
        github.home.run_by_others("ci.yml")
        clock.advance(100)
        await github.webhooks.post_due()
        told = [json.loads(one.body)["workflow_run"] for one in posted]
        assert [(one["status"], one["conclusion"]) for one in told] == [
            ("queued", None),
            ("in_progress", None),
            ("completed", "success"),
        ]


async def test_a_redelivery_is_the_same_but_for_its_time() -> None:
    posted: list[Posted] = []
    async with world() as (github, _clock, client), a_bot(posted) as url:
        github.webhooks.connect(url)
        github.webhooks.events = frozenset({"workflow_run"})
        github.tokens.add("hooks", permissions={**USUAL_PERMISSIONS, "repository_hooks": "write"})
        client.headers["Authorization"] = "Bearer hooks"
        github.workflow("ci.yml")
        github.home.run_by_others("ci.yml")
        assert await github.webhooks.post_due(lose=True) == [502]
        assert posted == []
        (lost,) = (await client.get(f"{DELIVERIES}?status=failure")).body
        assert (lost["status_code"], lost["event"], lost["action"]) == (502, "workflow_run", "requested")
        assert (await client.call("POST", f"{DELIVERIES}/{lost['id']}/attempts")).status == 202
        assert await github.webhooks.post_due() == [202]
        assert posted[0].headers["X-GitHub-Delivery"] == lost["guid"]
        assert await github.webhooks.post_due() == []
        (arrived,) = (await client.get(f"{DELIVERIES}?status=success")).body
        first, second = (await client.get(DELIVERIES)).body
        assert arrived == first
        assert (first["guid"], first["redelivery"], second["redelivery"]) == (second["guid"], True, False)


async def test_deliveries_are_paged_by_a_cursor() -> None:
    async with world() as (github, clock, client), a_bot([]) as url:
        github.webhooks.connect(url)
        github.tokens.add("hooks", permissions={"repository_hooks": "read"})
        client.headers["Authorization"] = "Bearer hooks"
        github.workflow("ci.yml")
        github.home.run_by_others("ci.yml")
        clock.advance(5)
        await github.webhooks.post_due()
        first = await client.get(f"{DELIVERIES}?per_page=3")
        second = await client.get(first.headers["Link"].partition(">")[0].strip("<"))
        assert (len(first.body), len(second.body), "Link" in second.headers) == (3, 2, False)
        assert {one["id"] for one in first.body}.isdisjoint(one["id"] for one in second.body)


@pytest.mark.parametrize("forgery", Forgery)
async def test_no_forgery_is_signed_as_github_signs(forgery: Forgery) -> None:
    posted: list[Posted] = []
    async with world() as (github, _clock, _client), a_bot(posted) as url:
        github.webhooks.connect(url)
        github.workflow("ci.yml", plan=[completed("success")])
        github.home.run_by_others("ci.yml")
        await github.webhooks.post_due()
        assert all(rightly_signed(one) for one in posted)
        genuine = github.webhooks.deliveries[-1]
        await github.webhooks.attack(forgery, genuine)
        forged = posted[-1]
        assert not rightly_signed(forged)
        assert ("X-Hub-Signature" in forged.headers) is (forgery is not Forgery.UNSIGNED)
        assert (forged.body == genuine.body) is (forgery is not Forgery.ALTERED)
        assert forged.headers["X-GitHub-Delivery"] != genuine.guid


async def test_a_new_hook_is_pinged() -> None:
    posted: list[Posted] = []
    async with world() as (github, _clock, _client), a_bot(posted) as url:
        github.webhooks.connect(url)
        assert await github.webhooks.ping() == 202
        (one,) = posted
        assert (one.what, rightly_signed(one), json.loads(one.body)["hook_id"]) == ("ping", True, HOOK_ID)


@pytest.mark.conformance
@pytest.mark.skipif(not conformance_for("github-webhooks").checked, reason="the published descriptions are not here")
async def test_a_webhook_that_github_would_not_post_is_named() -> None:
    async with world() as (github, _clock, _client), a_bot([]) as url:
        github.webhooks.connect(url)
        github.workflow("ci.yml", plan=[completed("success")])
        github.home.run_by_others("ci.yml", head_sha=7)
        with pytest.raises(NotConformant, match="head_sha"):
            await github.webhooks.post_due()
