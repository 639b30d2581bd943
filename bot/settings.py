"""Settings of this installation: environment and `reins.toml`, read once at start, nothing read at import."""

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from bot.channel_settings import (
    LOOPBACK_HOSTS,
    NtfyOptions,
    SlackOptions,
    SmsOptions,
    TelegramOptions,
    https_or_loopback,
)
from bot.forge_settings import GitHubOptions
from domain.errors import UserError
from domain.modes import Mode


class Settings(BaseSettings):
    """Where things are and what is switched on.

    Environment names begin with `REINS_` and the environment wins over the file; a channel's own settings follow two
    underscores: `REINS_SMS__AUTH_TOKEN`.
    """

    model_config = SettingsConfigDict(
        env_prefix="REINS_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        toml_file="reins.toml",
        hide_input_in_errors=True,
    )

    home: Path = Path(".reins")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8710
    public_url: str | None = None
    policy_file: Path | None = None
    autonomy_mode: Mode | None = Field(default=None, validation_alias=AliasChoices("AUTONOMY_MODE", "autonomy_mode"))
    mutation_artifacts: Path | None = None
    triage_artifacts: Path | None = None
    log_level: str = "info"
    sms: SmsOptions | None = None
    telegram: TelegramOptions | None = None
    ntfy: NtfyOptions | None = None
    slack: SlackOptions | None = None
    github: GitHubOptions | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library passes it by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library passes it by name
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments first, then the environment, then `reins.toml`."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @model_validator(mode="after")
    def _not_half_secured(self) -> "Settings":
        if self.host not in LOOPBACK_HOSTS and not (self.public_url or "").startswith("https://"):
            raise ValueError("a host beyond loopback needs public_url with https: cookies must not travel in the clear")
        if self.public_url is not None:
            https_or_loopback(self.public_url)
        if self.public_url is None:
            needing = [name for name, needs in self._needs_public_url() if needs]
            if needing:
                raise ValueError(f"{', '.join(needing)}: needs public_url, the address that the provider calls us at")
        return self

    def _needs_public_url(self) -> list[tuple[str, bool]]:
        return [
            ("sms", self.sms is not None),
            ("telegram.webhook", self.telegram is not None and self.telegram.webhook),
            ('ntfy.actions "hook"', self.ntfy is not None and self.ntfy.actions == "hook"),
            ("github.webhook_secret", self.github is not None and self.github.webhook_secret is not None),
        ]

    @property
    def url(self) -> str:
        """Return the address people open, without a slash at its end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")


def read_settings() -> Settings:
    """Read the settings.

    Raises:
        UserError: a setting is unknown or has a wrong shape, the message names each; or the file is no TOML.
    """
    try:
        return Settings()
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"reins.toml cannot be read: {error}") from error
    except SettingsError as error:
        raise UserError(f"the settings cannot be used: {error}; lists are written as JSON") from None
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in detail['loc']) or 'settings'}: {detail['msg']}"
            for detail in error.errors(include_url=False, include_input=False)
        )
        raise UserError(f"the settings cannot be used: {problems}") from error
