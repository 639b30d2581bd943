"""Joining Slack: out only, to the one channel that the webhook is bound to."""

from bot.channel_settings import SlackOptions
from bot.connections.tools import Connections, Tools
from channels.calls import Caller
from channels.pulse import Pulse
from channels.slack import SlackChannel
from domain.people import AddressKind

TEAM = "slack:team"


def join(options: SlackOptions, tools: Tools, connections: Connections) -> None:
    """Take Slack in."""
    pulse = Pulse(AddressKind.SLACK.value)
    url = options.webhook_url.get_secret_value()
    connections.add(SlackChannel(url, tools.settings.url, Caller(tools.session), tools.clock, pulse), pulse)
    connections.team = (*connections.team, TEAM)
