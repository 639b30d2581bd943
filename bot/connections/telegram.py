"""Joining Telegram: messages out, updates in by our own polling, or by webhook where the settings say so."""

from dataclasses import replace

import structlog

from bot.channel_settings import TelegramOptions
from bot.connections.tools import Connections, Tools
from bot.supervision import pause
from channels.pulse import Pulse
from channels.telegram import TelegramChannel
from channels.telegram import connect as connect_api
from channels.telegram_polling import TelegramPolling, TelegramWebhook
from channels.telegram_settings import TelegramSettings
from domain.people import AddressKind
from web.hooks.telegram import TelegramHook

log = structlog.get_logger("telegram")


def join(options: TelegramOptions, tools: Tools, connections: Connections) -> None:
    """Take Telegram in."""
    secret = options.webhook_secret.get_secret_value() if options.webhook_secret and options.webhook else None
    settings = TelegramSettings(
        token=options.token.get_secret_value(),
        groups=frozenset(options.groups),
        webhook_secret=secret,
        api_base=options.api_base,
    )
    pulse = Pulse(AddressKind.TELEGRAM.value, polls=not options.webhook)
    api = connect_api(settings, tools.session)
    channel = TelegramChannel(api, tools.desk, tools.draw, _note_migration, tools.clock, pulse)
    connections.add(channel, pulse)
    connections.team = (*connections.team, *(f"telegram:{group}" for group in options.groups))
    commands = [(command.verb, command.summary) for command in tools.catalogue]
    if not options.webhook:
        polling = TelegramPolling(
            api, lambda message: tools.receiving().receive(message), tools.cursors, commands, tools.clock, pulse, pause
        )
        connections.tasks["telegram"] = polling.run_forever
        return
    registering = TelegramWebhook(api, tools.settings.url, commands, tools.clock, pulse, pause)
    connections.tasks["telegram"] = registering.run_forever
    hook = TelegramHook(
        settings=settings,
        us=api.me,
        receive=lambda message: tools.receiving().receive(message),
        refused=lambda channel, reason, sender: tools.receiving().refused(channel, reason, sender),
        clock=tools.clock,
        pulse=pulse,
    )
    connections.hooks = replace(connections.hooks, telegram=hook)


async def _note_migration(old: int, new: int) -> None:
    """Say in the log that a group has another id now: the settings must be changed, or it is no longer listened to."""
    log.warning("group_migrated", old=old, new=new, mend="put the new id into telegram.groups")
