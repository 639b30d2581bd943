"""Tokens, limits and conditional requests on the fake GitHub."""

from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.fakes.providers.github_shapes import App
from tests.fakes.providers.github_tokens import USUAL_PERMISSIONS, Kind
from tests.fakes.virtual_time import START
from tests.forge.github_by_hand import DISPATCH, REPO, world

WORKFLOWS = f"{REPO}/actions/workflows"
NOW = int(START.timestamp())


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


class TestTokens:
    async def test_a_call_without_a_user_agent_is_refused(self) -> None:
        async with world() as (github, _clock, client):
            url, headers = github.url + WORKFLOWS, client.headers
            async with client.session.get(url, headers=headers, skip_auto_headers=["User-Agent"]) as response:
                assert (response.status, "User-Agent" in await response.text()) == (403, True)

    @pytest.mark.parametrize(
        ("authorization", "status"),
        [("Bearer wrong", 401), ("Basic github_pat_made_up_for_tests_0123456789", 401), (None, 404)],
    )
    async def test_nobodys_token_is_401_and_none_sees_no_private_repository(
        self, authorization: str | None, status: int
    ) -> None:
        async with world() as (_github, _clock, client):
            assert (await client.get(WORKFLOWS, Authorization=authorization)).status == status

    async def test_a_public_repository_is_read_by_all_and_written_by_some(self) -> None:
        async with world(private=False) as (github, _clock, client):
            github.workflow("ci.yml")
            assert (await client.get(WORKFLOWS, Authorization=None)).status == 200
            assert (await client.get(f"{REPO}/commits/main/check-runs")).status == 200
            assert (await client.call("POST", DISPATCH, {"ref": "main"}, Authorization=None)).status == 401

    async def test_a_missing_permission_is_403_and_named(self) -> None:
        async with world() as (github, _clock, client):
            github.workflow("ci.yml")
            github.tokens.add("reader", permissions={**USUAL_PERMISSIONS, "actions": "read"})
            refused = await client.call("POST", DISPATCH, {"ref": "main"}, Authorization="Bearer reader")
            assert refused.status == 403
            assert refused.headers["X-Accepted-GitHub-Permissions"] == "actions=write"
            assert refused.body["message"] == "Resource not accessible by personal access token"
            assert github.effects.dispatches == []

    async def test_a_classic_token_needs_its_scope_and_a_token_its_repository(self) -> None:
        async with world() as (github, clock, client):
            github.tokens.add("narrow", Kind.CLASSIC, scopes=("gist",))
            github.tokens.add("elsewhere", repositories=frozenset({"acme/other"}))
            github.tokens.add("old", expires_at=clock.now())
            asked = [
                await client.get(WORKFLOWS, Authorization=f"Bearer {one}") for one in ("narrow", "elsewhere", "old")
            ]
            assert [one.status for one in asked] == [404, 404, 401]
            assert asked[0].headers["X-OAuth-Scopes"] == "gist"


class TestApps:
    def app(self, key: rsa.RSAPrivateKey) -> App:
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return App(77, "reins", public.decode())

    def signed(self, key: rsa.RSAPrivateKey, **change: Any) -> str:
        return "Bearer " + jwt.encode({"iss": "77", "iat": NOW - 60, "exp": NOW + 540} | change, key, algorithm="RS256")

    async def test_an_app_gets_a_token_of_an_hour_and_writes_as_itself(self, key: rsa.RSAPrivateKey) -> None:
        async with world() as (github, clock, client):
            github.tokens.install(5, self.app(key), {"issues": "write", "actions": "write"})
            github.home.discussion.open_issue(7)
            path, asked = "/app/installations/5/access_tokens", {"permissions": {"issues": "write"}}
            minted = await client.call("POST", path, asked, Authorization=self.signed(key))
            assert (minted.status, minted.body["expires_at"]) == (201, "2026-11-22T15:00:00Z")
            assert minted.body["permissions"] == {"issues": "write"}
            authorization = f"Bearer {minted.body['token']}"
            comments = f"{REPO}/issues/7/comments"
            written = await client.call("POST", comments, {"body": "hi"}, Authorization=authorization)
            assert (written.body["user"]["login"], written.body["user"]["type"]) == ("reins[bot]", "Bot")
            assert written.body["performed_via_github_app"]["id"] == 77
            assert (await client.get(WORKFLOWS, Authorization=authorization)).status == 403
            clock.advance(3_600)
            assert (await client.get(comments, Authorization=authorization)).status == 401

    @pytest.mark.parametrize(
        ("change", "asked", "status"),
        [
            ({"iss": "78"}, {}, 401),
            ({"exp": NOW + 601}, {}, 401),
            ({"exp": NOW}, {}, 401),
            ({"iat": NOW + 1}, {}, 401),
            ({}, {"permissions": {"actions": "write"}}, 422),
            ({}, {"repository": "app"}, 422),
        ],
    )
    async def test_an_app_that_is_another_or_asks_for_more_gets_none(
        self, key: rsa.RSAPrivateKey, change: dict[str, Any], asked: dict[str, Any], status: int
    ) -> None:
        async with world() as (github, _clock, client):
            github.tokens.install(5, self.app(key), {"actions": "read"})
            path, signed = "/app/installations/5/access_tokens", self.signed(key, **change)
            assert (await client.call("POST", path, asked, Authorization=signed)).status == status

    async def test_an_app_with_another_key_or_place_gets_none(self, key: rsa.RSAPrivateKey) -> None:
        async with world() as (github, _clock, client):
            github.tokens.install(5, self.app(key), {})
            stranger = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
            for installation, signer, status in ((5, stranger, 401), (6, key, 404)):
                path = f"/app/installations/{installation}/access_tokens"
                assert (await client.call("POST", path, {}, Authorization=self.signed(signer))).status == status


class TestLimits:
    async def test_every_answer_says_what_is_left(self) -> None:
        async with world() as (_github, _clock, client):
            headers = [(await client.get(path)).headers for path in (WORKFLOWS, f"{REPO}/actions/runs/1")]
            assert [one["x-ratelimit-remaining"] for one in headers] == ["4999", "4998"]
            assert (headers[0]["x-ratelimit-limit"], headers[0]["x-ratelimit-resource"]) == ("5000", "core")
            assert headers[0]["x-ratelimit-reset"] == str(NOW + 3_600)

    @pytest.mark.parametrize("status", [403, 429])
    async def test_an_exhausted_hour_refuses_until_its_reset(self, status: int) -> None:
        async with world() as (github, clock, client):
            github.tokens.limit_status = status
            github.tokens.exhaust(github.token)
            refused = await client.get(WORKFLOWS)
            assert (refused.status, refused.headers["x-ratelimit-remaining"]) == (status, "0")
            assert "retry-after" not in refused.headers
            assert (await client.get("/rate_limit")).status == 200
            clock.advance(3_599)
            assert (await client.get(WORKFLOWS)).status == status
            clock.advance(1)
            assert (await client.get(WORKFLOWS)).headers["x-ratelimit-remaining"] == "4999"

    async def test_the_secondary_limit_names_its_seconds_and_leaves_some_of_the_hour(self) -> None:
        async with world() as (github, clock, client):
            github.tokens.block(github.token, 30)
            refused = await client.get(WORKFLOWS)
            assert (refused.status, refused.headers["retry-after"]) == (403, "30")
            assert refused.headers["x-ratelimit-remaining"] != "0"
            clock.advance(30)
            assert (await client.get(WORKFLOWS)).status == 200

    async def test_points_are_counted_over_a_minute_and_a_write_costs_five(self) -> None:
        async with world() as (github, clock, client):
            github.tokens.points_per_minute = 6
            github.home.discussion.open_issue(7)
            write = ("POST", f"{REPO}/issues/7/comments", {"body": "x"})
            statuses = [(await client.call(*write)).status, (await client.get(WORKFLOWS)).status]
            statuses.append((await client.get(WORKFLOWS)).status)
            clock.advance(60)
            assert [*statuses, (await client.get(WORKFLOWS)).status] == [201, 200, 403, 200]

    async def test_comments_are_counted_apart(self) -> None:
        async with world() as (github, _clock, client):
            github.tokens.comments_per_minute = 1
            github.home.discussion.open_issue(7)
            write = ("POST", f"{REPO}/issues/7/comments", {"body": "x"})
            assert [(await client.call(*write)).status for _ in range(2)] == [201, 403]
            assert (await client.get(WORKFLOWS)).status == 200


class TestConditionalRequests:
    async def test_what_has_not_changed_costs_nothing(self) -> None:
        async with world() as (github, clock, client):
            github.workflow("ci.yml")
            github.home.run_by_others("ci.yml")
            runs = f"{REPO}/actions/runs?per_page=30"
            first = await client.get(runs)
            again = await client.get(runs, If_None_Match=first.headers["ETag"])
            assert (again.status, again.body) == (304, None)
            assert again.headers["x-ratelimit-remaining"] == first.headers["x-ratelimit-remaining"] == "4999"
            clock.advance(5)
            changed = await client.get(runs, If_None_Match=first.headers["ETag"])
            assert (changed.status, changed.headers["x-ratelimit-remaining"]) == (200, "4998")

    async def test_another_token_or_address_has_another_tag(self) -> None:
        async with world() as (github, _clock, client):
            github.tokens.add("second")
            first = await client.get(WORKFLOWS)
            other = {"Authorization": "Bearer second", "If_None_Match": first.headers["ETag"]}
            assert (await client.get(WORKFLOWS, **other)).status == 200
            assert (await client.get(f"{WORKFLOWS}?page=1", If_None_Match=first.headers["ETag"])).status == 200
