"""Whose tokens the fake GitHub knows, what they may do, and how many calls each may make."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

import jwt
from jwt.types import Options

from domain.clock import Clock
from tests.fakes.providers.github_calls import Refused
from tests.fakes.providers.github_shapes import App, number_of

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
HOURLY_CALLS, HOURLY_ANONYMOUS_CALLS = 5_000, 60
POINTS_PER_MINUTE, COMMENTS_PER_MINUTE = 900, 80
READ_POINTS, WRITE_POINTS = 1, 5
LONGEST_JWT = timedelta(minutes=10)
LEVELS = ("read", "write", "admin")
# What the documentation of the bot asks for: everything that a fine-grained token can have of it.
USUAL_PERMISSIONS = {
    "metadata": "read",
    "actions": "write",
    "contents": "read",
    "issues": "write",
    "pull_requests": "write",
    "statuses": "read",
}


class Kind(Enum):
    """What sort of token it is; the value is the name GitHub uses in refusals."""

    CLASSIC = "personal access token (classic)"
    FINE_GRAINED = "personal access token"
    INSTALLATION = "integration"
    ANONYMOUS = "anonymous"


@dataclass(slots=True)
class Token:
    """One token. Empty `repositories` are all that there are, others are names with or without their owner; a classic token with the scope `repo` may do anything."""

    text: str = field(repr=False)
    kind: Kind
    login: str
    permissions: Mapping[str, str] = field(default_factory=dict)
    repositories: frozenset[str] = frozenset()
    scopes: tuple[str, ...] = ()
    expires_at: datetime | None = None
    app: App | None = None
    limit: int = HOURLY_CALLS
    used: int = 0
    window_began: datetime | None = None
    points: deque[tuple[datetime, int]] = field(default_factory=deque)
    written: deque[datetime] = field(default_factory=deque)
    blocked_until: datetime | None = None

    def __post_init__(self) -> None:
        if self.kind is Kind.FINE_GRAINED and "checks" in self.permissions:
            raise ValueError("GitHub knows no fine-grained token with the permission checks")

    def sees(self, repository: str) -> bool:
        names = {repository, repository.partition("/")[2]}
        return self.kind is not Kind.ANONYMOUS and (not self.repositories or bool(names & self.repositories))

    def may(self, alternatives: str) -> bool:
        """Tell whether it has one of the permissions, written as in `actions=read; checks=read`."""
        if self.kind is Kind.CLASSIC:
            return "repo" in self.scopes
        wanted = (one.strip().partition("=") for one in alternatives.split(";"))
        return any(_rank(self.permissions.get(name)) >= LEVELS.index(level) for name, _, level in wanted)


def _rank(level: str | None) -> int:
    return -1 if level is None else LEVELS.index(level)


class Tokens:
    """Every token and app that GitHub knows; what it answers to others."""

    def __init__(self, clock: Clock) -> None:
        self.known: dict[str, Token] = {}
        self.installations: dict[int, tuple[App, Mapping[str, str]]] = {}
        self.points_per_minute, self.comments_per_minute = POINTS_PER_MINUTE, COMMENTS_PER_MINUTE
        self.limit_status = 403  # GitHub may also say 429
        self._anonymous = Token("", Kind.ANONYMOUS, "", limit=HOURLY_ANONYMOUS_CALLS)
        self._clock = clock

    def add(self, text: str, kind: Kind = Kind.FINE_GRAINED, login: str = "reins-bot", **more: Any) -> Token:
        """Make a token known; a fine-grained one has the usual permissions unless told."""
        if kind is Kind.FINE_GRAINED:
            more.setdefault("permissions", USUAL_PERMISSIONS)
        self.known[text] = Token(text, kind, login, **more)
        return self.known[text]

    def install(self, installation: int, app: App, permissions: Mapping[str, str]) -> None:
        """Install an app, so that it may have tokens with at most these permissions."""
        self.installations[installation] = (app, permissions)

    def of(self, authorization: str | None) -> Token:
        """Return whose call it is.

        Raises:
            Refused: nobody's.
        """
        if authorization is None:
            return self._anonymous
        scheme, _, text = authorization.partition(" ")
        token = self.known.get(text)
        good = token is not None and (token.expires_at is None or self._clock.now() < token.expires_at)
        if token is None or not good or scheme.lower() not in ("bearer", "token"):
            raise Refused(401, "Bad credentials")
        return token

    def mint(self, installation: int, authorization: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Give an app a token of one hour, with fewer permissions where it asks for fewer.

        Raises:
            Refused: the JWT is not the app's, or it asks for more than it has.
        """
        if installation not in self.installations:
            raise Refused(404, "Not Found")
        app, granted = self.installations[installation]
        self._check_jwt(authorization.removeprefix("Bearer "), app)
        if unknown := sorted(asked.keys() - {"permissions", "repositories"}):
            raise Refused(422, f"the fake does not know {unknown}")
        wanted = asked.get("permissions", granted)
        if any(_rank(granted.get(name)) < _rank(level) for name, level in wanted.items()):
            raise Refused(422, "The permissions requested are not granted to this installation.")
        text = f"ghs_{app.slug}_{len(self.known):04d}_made_up"
        expires = self._clock.now() + HOUR
        names = frozenset(asked.get("repositories", ()))
        more = {"permissions": wanted, "repositories": names, "app": app, "expires_at": expires}
        self.add(text, Kind.INSTALLATION, app.login, **more)
        expiry = expires.strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"token": text, "expires_at": expiry, "permissions": dict(wanted), "repository_selection": "all"}

    def _check_jwt(self, text: str, app: App) -> None:
        try:
            # The clock of the test decides, not that of the library.
            options: Options = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
            claims = jwt.decode(text, app.public_key, algorithms=["RS256"], options=options)
        except jwt.InvalidTokenError as error:
            raise Refused(401, "A JSON web token could not be decoded") from error
        now = self._clock.now().timestamp()
        if str(claims.get("iss")) != str(app.id):
            raise Refused(401, "'Issuer' claim ('iss') must be an Integer")
        if not now < claims.get("exp", 0) <= now + LONGEST_JWT.total_seconds():
            raise Refused(401, "'Expiration time' claim ('exp') is too far in the future")
        if claims.get("iat", now + 1) > now:
            raise Refused(401, "'Issued at' claim ('iat') must be an Integer representing the time it was issued")

    # --- limits -------------------------------------------------------------------------------------------------

    def admit(self, token: Token, *, write: bool, content: bool) -> None:
        """Let a call in, or refuse it by the secondary limit or the primary one.

        Raises:
            Refused: too many calls; a header says when to come back.
        """
        now = self._clock.now()
        self._forget_old(token, now)
        if (seconds := self._secondary_wait(token, now, content)) is not None:
            message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
            raise Refused(self.limit_status, message, {"retry-after": str(seconds)})
        if token.used >= token.limit:
            raise Refused(self.limit_status, f"API rate limit exceeded for user ID {number_of(token.login)}.")
        token.points.append((now, WRITE_POINTS if write else READ_POINTS))
        if content:
            token.written.append(now)

    def exhaust(self, token: Token) -> None:
        """Let the token's hour be used up."""
        token.window_began, token.used = token.window_began or self._clock.now(), token.limit

    def block(self, token: Token, seconds: float) -> None:
        """Let the secondary limit hold the token for that long."""
        token.blocked_until = self._clock.now() + timedelta(seconds=seconds)

    def figures(self, token: Token) -> dict[str, int]:
        """Return what is left of the token's hour."""
        self._forget_old(token, self._clock.now())
        began = token.window_began or self._clock.now()
        return {
            "limit": token.limit,
            "remaining": token.limit - token.used,
            "reset": int((began + HOUR).timestamp()),
            "used": token.used,
        }

    def count(self, token: Token) -> None:
        """Charge a call to the token's hour."""
        token.window_began = token.window_began or self._clock.now()
        token.used += 1

    def _forget_old(self, token: Token, now: datetime) -> None:
        if token.window_began is not None and now >= token.window_began + HOUR:
            token.window_began, token.used = None, 0
        while token.points and token.points[0][0] <= now - MINUTE:
            token.points.popleft()
        while token.written and token.written[0] <= now - MINUTE:
            token.written.popleft()

    def _secondary_wait(self, token: Token, now: datetime, content: bool) -> int | None:
        if token.blocked_until is not None and now < token.blocked_until:
            return int((token.blocked_until - now).total_seconds())
        too_many = sum(points for _, points in token.points) >= self.points_per_minute
        too_much = content and len(token.written) >= self.comments_per_minute
        return int(MINUTE.total_seconds()) if too_many or too_much else None
