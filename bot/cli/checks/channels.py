"""Checks of the channels that need nobody else: secrets in the settings file, addresses, people and the policy."""

import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretStr

from bot.channel_settings import NtfyOptions, SlackOptions, SmsOptions, TelegramOptions, is_loopback
from bot.cli.checks.finding import Finding, ok, warn
from bot.cli.installation import Installation
from bot.forge_settings import GitHubOptions
from bot.settings import Settings
from channels.sms_settings import INBOUND_PATH, STATUS_PATH
from channels.telegram_settings import WEBHOOK_PATH
from domain.errors import UserError
from domain.people import AddressKind

_OPTIONS: Mapping[str, type[BaseModel]] = {
    "sms": SmsOptions,
    "telegram": TelegramOptions,
    "ntfy": NtfyOptions,
    "slack": SlackOptions,
}
NTFY_ACT_PATH = "/hooks/ntfy/act"
_PUSHES = (AddressKind.TELEGRAM, AddressKind.NTFY, AddressKind.SMS)  # they wake a phone, and commands come by them


def check_channels(installation: Installation) -> Iterator[Finding]:
    """Look at what the settings switch on, and whether people and policy go along with it."""
    settings = installation.settings
    yield from check_settings_file(Path(str(settings.model_config["toml_file"])))
    configured = [name for name in _OPTIONS if getattr(settings, name) is not None]
    if not configured:
        yield ok("channels", "the page and the console only; docs/channels.md tells how to set up others")
        return
    yield ok("channels", f"set up: {', '.join(configured)}")
    yield from _check_webhooks(settings)
    pushes = [kind for kind in _PUSHES if kind.value in configured]
    yield from _check_reach(installation, pushes)
    yield from _check_policy(installation, pushes)


def check_settings_file(path: Path) -> Iterator[Finding]:
    """Warn of a settings file that holds secrets and that others may read."""
    try:
        mode, text = stat.S_IMODE(path.stat().st_mode), path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    secrets = list(_secrets_in(tomllib.loads(text)))
    if secrets and mode & 0o077:
        what = f"{path} holds {', '.join(secrets)}, and others may read it ({mode:04o})"
        yield warn("settings", what, f"chmod 600 {path}")


def _secrets_in(document: Mapping[str, Any]) -> Iterator[str]:
    tables: dict[str, type[BaseModel]] = {**_OPTIONS, "github": GitHubOptions}
    for part, options in tables.items():
        table = document.get(part, {})
        for name, field in options.model_fields.items():
            if name in table and _is_secret(field.annotation):
                yield f"{part}.{name}"


def _is_secret(annotation: object) -> bool:
    """Tell whether a type is a secret, also within an optional or annotated one."""
    return annotation is SecretStr or any(map(_is_secret, get_args(annotation)))


def _check_webhooks(settings: Settings) -> Iterator[Finding]:
    """Name the addresses that others must reach: whether they can is seen from outside only."""
    called = dict(_called_from_outside(settings))
    if called and is_loopback(settings.url):
        what = f"{settings.url} is on this machine: {', '.join(called)} cannot reach it"
        yield warn("webhooks", what, "set REINS_PUBLIC_URL to the https address that the outside knows")
        return
    for who, what in called.items():
        yield ok("webhooks", f"{who}: {what}")


def _called_from_outside(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.sms is not None:
        inbound, status = settings.url + INBOUND_PATH, settings.url + STATUS_PATH
        yield (
            "Twilio",
            f"enter {inbound} (HTTP POST) where the number says `A message comes in`; receipts go to {status}",
        )
    if settings.telegram is not None and settings.telegram.webhook:
        yield "Telegram", f"posts to {settings.url}{WEBHOOK_PATH}; the bot registers it by itself"
    if settings.ntfy is not None and settings.ntfy.actions == "hook":
        yield "phones", f"ntfy buttons post to {settings.url}{NTFY_ACT_PATH}"


def _check_reach(installation: Installation, pushes: list[AddressKind]) -> Iterator[Finding]:
    for person in installation.people().all():
        if pushes and not any(address.kind in pushes for address in person.addresses):
            what = f"{person.id} has no address on {', '.join(pushes)}: they learn only what they look up on the page"
            yield warn("people", what, f"reins people link {person.id} {pushes[0].value}")


def _check_policy(installation: Installation, pushes: list[AddressKind]) -> Iterator[Finding]:
    try:
        policy = installation.policy().policy
    except UserError:
        return  # the policy's own check says what is wrong with it
    for kind in pushes:
        if policy is not None and kind not in policy.channels:
            what = f"{kind.value} is set up, but the policy's channels do not name it: it carries reading and halt only"
            mend = f'add "{kind.value}": {{"max_scope": "operate"}} to its channels, or as much as it is trusted with'
            yield warn("policy", what, mend)
