"""What the webhook handlers work with, handed to the application once; None is a channel that is not set up."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from channels.sms_settings import SmsSettings
from channels.sms_status import SmsStatus
from domain.clock import Clock
from domain.messages import Inbound
from web.hooks.failures import Failures

if TYPE_CHECKING:  # all of them import this module
    from web.hooks.github import GitHubHook
    from web.hooks.ntfy import NtfyHook
    from web.hooks.telegram import TelegramHook

Receive = Callable[[Inbound], Awaitable[bool]]
Refused = Callable[[str, str, str | None], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SmsHook:
    """Twilio's webhooks. `receive` returns whether the text is recorded; `refused(channel, reason, masked sender)`."""

    settings: SmsSettings
    receive: Receive
    note_status: Callable[[SmsStatus], Awaitable[None]]
    refused: Refused
    clock: Clock
    failures: Failures = field(default_factory=Failures)


@dataclass(frozen=True, slots=True)
class Hooks:
    """The webhooks of every provider."""

    sms: SmsHook | None = None
    telegram: "TelegramHook | None" = None
    ntfy: "NtfyHook | None" = None
    github: "GitHubHook | None" = None


HOOKS: web.AppKey[Hooks] = web.AppKey("hooks", Hooks)
