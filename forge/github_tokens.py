"""The credential of each call: a token from the settings, one minted for a GitHub App, or none for what is public."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol, TypeAlias

from pydantic import AwareDatetime, BaseModel, ConfigDict, SecretStr, ValidationError

from domain.clock import Clock
from forge.github_settings import GitHubApp, GitHubSettings, Permissions
from forge.port import Refused, Unclear, Unreachable

JWT_BACKDATED = timedelta(seconds=60)  # GitHub's advice against clocks that differ
JWT_LIFETIME = timedelta(minutes=9)  # of the ten that GitHub takes at most, from the backdated moment
REFRESH_BEFORE = timedelta(minutes=5)  # a token lives for an hour; none runs out under a call

# Asks GitHub for an installation token: the App's JWT and the permissions wanted give GitHub's answer.
Mint: TypeAlias = Callable[[str, Permissions], Awaitable[object]]


class TokenSource(Protocol):
    """Where the credential of a call comes from."""

    async def token(self, need: Permissions, mint: Mint) -> str | None:
        """Return a token with these permissions, None to ask as nobody. Raises a `ForgeError` where there is none."""
        ...

    def forget(self, token: str) -> None:
        """Take note that GitHub does not know this token any more."""
        ...


class FixedToken:
    """One token for everything, or none; which permissions it has was decided when it was made."""

    def __init__(self, token: str | None) -> None:
        """Use this token."""
        self._token = token

    async def token(self, need: Permissions, mint: Mint) -> str | None:  # noqa: ARG002 - every source has this shape
        """Return it."""
        return self._token

    def forget(self, token: str) -> None:
        """Keep it all the same: only a person can put a new one in its place."""


class AppTokens:
    """Installation tokens of a GitHub App, one per set of permissions: polling never holds one that may write."""

    def __init__(self, app: GitHubApp, clock: Clock) -> None:
        """Nothing is minted until a call needs it."""
        self._app = app
        self._clock = clock
        self._kept: dict[tuple[tuple[str, str], ...], _Minted] = {}
        self._minting = asyncio.Lock()

    async def token(self, need: Permissions, mint: Mint) -> str:
        """Return a token that lives for five minutes at least."""
        key = tuple(sorted(need.items()))
        async with self._minting:
            kept = self._kept.get(key)
            if kept is None or self._clock.now() >= kept.expires_at - REFRESH_BEFORE:
                kept = self._kept[key] = await self._mint(need, mint)
            return kept.token.get_secret_value()

    def forget(self, token: str) -> None:
        """Mint a new one for the next call."""
        self._kept = {key: one for key, one in self._kept.items() if one.token.get_secret_value() != token}

    async def _mint(self, need: Permissions, mint: Mint) -> "_Minted":
        try:
            return _Minted.model_validate(await mint(self._signed(), need))
        except ValidationError:
            raise Unreachable("GitHub's answer holds no installation token") from None
        except Unclear as error:  # a token that nobody holds does no harm
            raise Unreachable(str(error)) from None

    def _signed(self) -> str:
        """Return the App's own credential: a JWT, signed with its key (RS256)."""
        import jwt  # noqa: PLC0415 - it brings the cryptography package: nine megabytes that only Apps need

        issued = self._clock.now() - JWT_BACKDATED
        claims = {
            "iat": int(issued.timestamp()),
            "exp": int((issued + JWT_LIFETIME).timestamp()),
            "iss": self._app.app_id,
        }
        try:
            return jwt.encode(claims, self._app.private_key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            raise Refused(
                "app_key_unusable", "the GitHub App's private key cannot sign: make a new one on its settings page"
            ) from None


class _Minted(BaseModel):
    """An installation token as GitHub hands it out."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    token: SecretStr
    expires_at: AwareDatetime


def token_source(settings: GitHubSettings, clock: Clock) -> TokenSource:
    """Return what the settings say we are."""
    return AppTokens(settings.app, clock) if settings.app else FixedToken(settings.token)
