"""A GitHub App's tokens: minted with the permissions a call needs, used until five minutes before their end."""

from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from forge.github_settings import READ_ACTIONS, WRITE_ACTIONS, GitHubApp
from forge.github_tokens import AppTokens, FixedToken
from forge.port import JobState, Refused, Unclear, Unreachable
from tests.fakes.github_rig import GitHubRig, github_rig, order, sought
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.github_shapes import App
from tests.fakes.virtual_time import VirtualTime

GRANTED = {"actions": "write", "contents": "read", "metadata": "read"}
INSTALLATION = 77


@cache
def key_pair() -> tuple[str, str]:
    private = rsa.generate_private_key(65537, 2048)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode(), public.decode()


def our_app(key: str | None = None) -> GitHubApp:
    return GitHubApp("4711", str(INSTALLATION), key or key_pair()[0])


def install(rig: GitHubRig, **granted: str) -> None:
    rig.github.tokens.install(INSTALLATION, App(4711, "reins", key_pair()[1]), granted or GRANTED)


def minted(rig: GitHubRig) -> list[str]:
    return [seen.path for seen in rig.github.seen if seen.path.endswith("/access_tokens")]


async def test_an_app_dispatches_and_polls_with_tokens_of_their_own() -> None:
    async with github_rig(app=our_app()) as rig:
        install(rig)
        job = await rig.forge.dispatch(order())
        found = await rig.forge.find(sought(url=job.url))
        assert found is not None
        assert found.state is JobState.QUEUED
        permissions = [one.permissions for one in rig.github.tokens.known.values() if one.app is not None]
        assert permissions == [{"contents": "read"}, {"actions": "write"}, {"actions": "read"}]
        assert minted(rig) == [f"/app/installations/{INSTALLATION}/access_tokens"] * 3


async def test_a_token_is_used_until_five_minutes_before_its_end() -> None:
    async with github_rig(app=our_app()) as rig:
        install(rig)
        for seconds in (0, 55 * 60 - 1, 1):
            rig.clock.advance(seconds)
            await rig.forge.find(sought())
        assert len(minted(rig)) == 2


async def test_a_revoked_token_is_replaced_for_the_next_call() -> None:
    async with github_rig(app=our_app()) as rig:
        install(rig)
        await rig.forge.find(sought())
        rig.github.tokens.known = {}
        with pytest.raises(Unreachable, match="401"):
            await rig.forge.find(sought())
        await rig.forge.find(sought())


async def test_a_permission_that_the_installation_lacks_is_refused() -> None:
    async with github_rig(app=our_app()) as rig:
        install(rig, actions="read")
        with pytest.raises(Refused, match="not granted to this installation"):
            await rig.forge.dispatch(order())
        assert rig.github.effects.dispatches == []


async def test_a_mint_that_goes_wrong_has_started_nothing() -> None:
    async with github_rig(app=our_app()) as rig:
        install(rig)
        for fault in (Fault.ERROR, Fault.RESET, Fault.BAD_JSON_AFTER_ACCEPT):
            rig.github.faults.add(fault)
            with pytest.raises(Unreachable):
                await rig.forge.dispatch(order())
        assert rig.github.effects.dispatches == []


async def test_an_installation_that_is_gone_is_not_taken_for_a_run_that_is_gone() -> None:
    async with github_rig(app=our_app()) as rig:
        with pytest.raises(Refused, match="404") as refused:
            await rig.forge.find(sought())
        assert refused.value.reason == "app_refused"


async def test_a_key_that_cannot_sign_is_refused_and_not_quoted() -> None:
    async with github_rig(app=our_app("-----BEGIN RSA PRIVATE KEY-----\nmade-up-key\n")) as rig:
        install(rig)
        with pytest.raises(Refused) as refused:
            await rig.forge.dispatch(order())
        assert refused.value.reason == "app_key_unusable"
        assert "made-up" not in repr(refused.value)


@pytest.mark.parametrize("answer", [None, {}, {"token": "t"}, {"token": "t", "expires_at": "2026-11-22T15:00:00"}])
async def test_an_answer_without_a_token_is_no_token(answer: object) -> None:
    async def mint(_signed: str, _need: object) -> object:
        return answer

    with pytest.raises(Unreachable, match="no installation token"):
        await AppTokens(our_app(), VirtualTime()).token(READ_ACTIONS, mint)


async def test_a_fixed_token_is_never_minted_and_stays() -> None:
    async def mint(_signed: str, _need: object) -> object:
        raise Unclear("nobody mints")

    source = FixedToken("t")
    source.forget("t")
    assert [await source.token(need, mint) for need in (READ_ACTIONS, WRITE_ACTIONS)] == ["t", "t"]
