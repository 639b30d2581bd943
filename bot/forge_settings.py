"""Settings of the forges: what GitHub needs to be switched on; without them actions run on this machine only."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from bot.channel_settings import https_or_loopback
from domain.errors import UserError
from forge.github_settings import PUBLIC_API, TOKEN_SHAPE, GitHubApp, GitHubSettings

MIN_WEBHOOK_SECRET_CHARACTERS = 20  # whoever guesses it can have us read from GitHub as often as they like
MAX_KEY_BYTES = 16_384  # an RSA key of 4096 bits has 3,300


def _token_shaped(secret: SecretStr) -> SecretStr:
    """Hold a token to its pattern; pydantic's own check would quote it."""
    if not TOKEN_SHAPE.fullmatch(secret.get_secret_value()):
        raise ValueError("must look like github_pat_... or ghp_..., as GitHub shows it once")
    return secret


class GitHubOptions(BaseModel):
    """GitHub Actions as a forge: a token, or a GitHub App (id, installation and private key), or neither to read only.

    The token may be a fine-grained or a classic one. `webhook_secret` is what GitHub signs its webhooks with, where it
    posts any to us. `api_base` is `https://HOST/api/v3` for a server of one's own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    token: Annotated[SecretStr, AfterValidator(_token_shaped)] | None = None
    app_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$", coerce_numbers_to_str=True)] | None = None
    installation_id: Annotated[int, Field(gt=0)] | None = None
    private_key_file: Path | None = None
    webhook_secret: Annotated[SecretStr, Field(min_length=MIN_WEBHOOK_SECRET_CHARACTERS, max_length=255)] | None = None
    api_base: str = PUBLIC_API

    @field_validator("api_base")
    @classmethod
    def _safe(cls, url: str) -> str:
        return https_or_loopback(url)

    @model_validator(mode="after")
    def _one_identity(self) -> "GitHubOptions":
        app = (self.app_id, self.installation_id, self.private_key_file)
        if self.token is not None and any(one is not None for one in app):
            raise ValueError("name a token or an App, not both")
        if any(one is not None for one in app) and None in app:
            raise ValueError("a GitHub App needs app_id, installation_id and private_key_file")
        return self

    def identity(self) -> GitHubSettings:
        """Return what the client works with; the App's key is read from its file.

        Raises:
            UserError: the key file cannot be read, others may read it, or it is no key.
        """
        if self.app_id is None or self.installation_id is None or self.private_key_file is None:
            return GitHubSettings(self.token.get_secret_value() if self.token else None, None, self.api_base)
        app = GitHubApp(self.app_id, str(self.installation_id), _read_key(self.private_key_file))
        return GitHubSettings(None, app, self.api_base)


def _read_key(path: Path) -> str:
    try:
        if path.stat().st_mode & 0o077:
            raise UserError(f"github.private_key_file: others may read {path}; chmod 600 {path}")
        with path.open("rb") as file:
            return file.read(MAX_KEY_BYTES).decode("ascii")
    except OSError as error:
        raise UserError(f"github.private_key_file: {path} cannot be read ({error.strerror})") from error
    except UnicodeDecodeError:
        raise UserError(f"github.private_key_file: {path} is no PEM file") from None
