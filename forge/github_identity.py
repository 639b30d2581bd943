"""Who we are on GitHub, and so which comments are our own: told by GitHub's record of the author, never by a text."""

from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from forge.comments import TargetKind
from forge.github_client import GitHubClient
from forge.github_errors import GitHubRefused
from forge.github_settings import READ_METADATA
from forge.port import Refused, Unclear, Unreachable

ACTIONS_BOT = "github-actions[bot]"  # who writes with the token that GitHub gives to each job of a workflow
_BOT = "Bot"
_QUESTION = {"query": "{viewer{login}}"}


class Author(BaseModel):
    """Who wrote something."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    login: str = Field(min_length=1)
    type: str


class ViaApp(BaseModel):
    """The App whose token something was written with; newer Apps sign in by their client id."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: int
    client_id: str | None = None


class _Viewer(BaseModel):
    login: str = Field(min_length=1)


class _Data(BaseModel):
    viewer: _Viewer


class _Answer(BaseModel):
    data: _Data


class GitHubIdentity:
    """One identity, asked for once. Its methods raise `ForgeError` where GitHub does not tell."""

    def __init__(self, client: GitHubClient) -> None:
        """Ask with this client."""
        self._client = client
        self._login: str | None = None

    async def wrote(self, kind: TargetKind, author: Author | None, via: ViaApp | None) -> bool:
        """Tell whether a comment by this author, written with this App's token, is ours; None is not told."""
        app = self._client.settings.app
        if author is None or (app is not None and author.type != _BOT):
            return False
        if app is not None and kind is not TargetKind.COMMIT:  # comments on commits do not tell their App
            return via is not None and app.app_id in (str(via.id), via.client_id)
        if self._login is None:
            self._login = await self._ask()
        return author.login.casefold() == self._login.casefold()

    async def _ask(self) -> str:
        if self._client.settings.app is not None:
            login = await self._viewer()
            if login is None:
                raise Refused("unknown_identity", "GitHub does not tell the name that the App writes under")
            return login
        try:
            return Author.model_validate(await self._client.read("/user", {}, {})).login
        except ValidationError:
            raise Unreachable("GitHub's answer names no user") from None
        except GitHubRefused as error:
            if error.status != HTTPStatus.FORBIDDEN:
                raise
        # An installation's token: of a workflow's job, or one that somebody minted for an App of their own.
        return await self._viewer() or ACTIONS_BOT

    async def _viewer(self) -> str | None:
        """Ask GraphQL, which tells every kind of token its name; None where this server or token has no answer."""
        address = f"{self._client.settings.api_base.removesuffix('/v3')}/graphql"
        try:
            answer = await self._client.write(address, {}, _QUESTION, READ_METADATA)
            return _Answer.model_validate(answer).data.viewer.login
        except (GitHubRefused, ValidationError):
            return None
        except Unclear as error:  # asked by POST, but nothing was to happen
            raise Unreachable(str(error)) from None
