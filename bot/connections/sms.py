"""Joining SMS through Twilio: texts out, texts in by webhook, receipts by webhook."""

from dataclasses import replace

from bot.channel_settings import SmsOptions
from bot.connections.tools import Connections, Tools
from channels.calls import Caller
from channels.pulse import Pulse
from channels.sms import SmsChannel, SmsParts
from channels.sms_settings import SmsSettings
from domain.people import AddressKind
from web.hooks.parts import SmsHook


def join(options: SmsOptions, tools: Tools, connections: Connections) -> None:
    """Take SMS in."""
    assert tools.settings.public_url is not None, "the settings insist on it"
    tokens = [one.get_secret_value() for one in (options.auth_token, options.auth_token_old) if one is not None]
    settings = SmsSettings(
        account_sid=options.account_sid,
        auth_tokens=tuple(tokens),
        from_number=options.from_number,
        messaging_service_sid=options.messaging_service_sid,
        public_url=tools.settings.url,
        countries=options.countries,
        api_base=options.api_base,
    )
    pulse = Pulse(AddressKind.SMS.value)

    async def opted_out(number: str) -> None:
        await tools.receiving().opted_out(number)

    def countries() -> tuple[str, ...]:
        policy = tools.policy().policy
        limits = policy.channels.get(AddressKind.SMS) if policy else None
        return limits.countries if limits else ()

    parts = SmsParts(Caller(tools.session), tools.desk, tools.clock, pulse, opted_out, countries)
    connections.add(SmsChannel(settings, parts), pulse)
    hook = SmsHook(
        settings=settings,
        receive=lambda message: tools.receiving().receive(message),
        note_status=lambda status: tools.receiving().note_sms_status(status),
        refused=lambda channel, reason, sender: tools.receiving().refused(channel, reason, sender),
        clock=tools.clock,
    )
    connections.hooks = replace(connections.hooks, sms=hook)
