"""Settings of the channels: what each needs to be switched on; a channel that is not named is off and costs nothing."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
MIN_WEBHOOK_SECRET_CHARACTERS = 16  # Telegram takes one character and calls that a secret; we do not

PhoneNumber = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$")]


def _shaped(pattern: str, sentence: str) -> AfterValidator:
    """Hold a secret to a pattern; pydantic's own check would quote it."""

    def check(secret: SecretStr) -> SecretStr:
        if not re.fullmatch(pattern, secret.get_secret_value()):
            raise ValueError(f"must look like {sentence}")
        return secret

    return AfterValidator(check)


AccessToken = Annotated[SecretStr, _shaped(r"tk_[A-Za-z0-9]{8,64}", "tk_..., an access token of ntfy")]


class _Closed(BaseModel):
    """Unknown keys are refused; values in error messages are hidden, because some are secrets."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class SmsOptions(_Closed):
    """SMS through Twilio: account, signing tokens (`auth_token_old` only while rotating), and who we are."""

    account_sid: str = Field(pattern=r"^AC[0-9a-f]{32}$")
    auth_token: SecretStr = Field(min_length=16)
    auth_token_old: SecretStr | None = Field(default=None, min_length=16)
    from_number: PhoneNumber
    messaging_service_sid: str | None = Field(default=None, pattern=r"^MG[0-9a-f]{32}$")
    countries: tuple[Annotated[str, Field(pattern=r"^\+[1-9][0-9]{0,3}$")], ...] = Field(min_length=1)
    api_base: str = "https://api.twilio.com"

    @field_validator("api_base")
    @classmethod
    def _safe(cls, url: str) -> str:
        return https_or_loopback(url)


class TelegramOptions(_Closed):
    """A Telegram bot: its token, the groups it serves, and for webhook mode (else it polls) the secret of the webhook."""

    token: Annotated[SecretStr, _shaped(r"[0-9]{1,16}:[A-Za-z0-9_-]{20,100}", "123456:ABC..., as BotFather shows it")]
    groups: tuple[Annotated[int, Field(lt=0)], ...] = ()
    webhook: bool = False
    webhook_secret: Annotated[SecretStr, _shaped(r"[A-Za-z0-9_-]{1,256}", "A-Z a-z 0-9 _ - only")] | None = None
    api_base: str = "https://api.telegram.org"

    @field_validator("api_base")
    @classmethod
    def _safe(cls, url: str) -> str:
        return https_or_loopback(url)

    @model_validator(mode="after")
    def _secured(self) -> "TelegramOptions":
        secret = self.webhook_secret.get_secret_value() if self.webhook_secret else ""
        if self.webhook and len(secret) < MIN_WEBHOOK_SECRET_CHARACTERS:
            raise ValueError(
                f"webhook mode needs webhook_secret of {MIN_WEBHOOK_SECRET_CHARACTERS} to 256 characters of"
                " A-Z a-z 0-9 _ -: without one anybody could send updates"
            )
        return self


class NtfyOptions(_Closed):
    """An ntfy server. `actions` is where buttons report: to our `hook`, by publishing to the command `topic`, or `none`."""

    server: str
    token: AccessToken
    actions: Literal["hook", "topic", "none"] = "hook"
    command_token: AccessToken | None = None

    @field_validator("server")
    @classmethod
    def _safe(cls, url: str) -> str:
        return https_or_loopback(url)

    @model_validator(mode="after")
    def _secured(self) -> "NtfyOptions":
        if self.actions != "topic":
            return self
        if self.command_token is None:
            raise ValueError('actions "topic" needs command_token, of a user who may only write the command topics')
        if self.command_token.get_secret_value() == self.token.get_secret_value():
            raise ValueError("command_token must not be our own token: everybody who reads the topic can read it")
        return self


class SlackOptions(_Closed):
    """A Slack incoming webhook; its whole address is the secret."""

    webhook_url: SecretStr

    @field_validator("webhook_url")
    @classmethod
    def _safe(cls, url: SecretStr) -> SecretStr:
        https_or_loopback(url.get_secret_value())
        return url


def is_loopback(url: str) -> bool:
    """Tell whether an address stays on this machine."""
    return (urlsplit(url).hostname or "") in LOOPBACK_HOSTS


def https_or_loopback(url: str) -> str:
    """Return an address without a slash at its end.

    Raises:
        ValueError: it is none, holds a user, a query or a fragment, or would send secrets in the clear.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError("must be an address such as https://host, without user, query or fragment")
    if parts.scheme == "http" and not is_loopback(url):
        raise ValueError("must be https: secrets must not travel in the clear")
    return url.rstrip("/")
