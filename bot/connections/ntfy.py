"""Joining ntfy: pushes out, commands in over one stream, buttons in by webhook."""

from dataclasses import replace

from bot.channel_settings import NtfyOptions
from bot.connections.tools import Connections, Tools
from bot.supervision import pause
from channels.ntfy import NtfyChannel
from channels.ntfy_server import NtfyServer
from channels.ntfy_settings import NtfySettings
from channels.ntfy_stream import NtfyStream, StreamParts
from channels.pulse import Pulse
from domain.people import AddressKind
from web.hooks.ntfy import NtfyHook


def join(options: NtfyOptions, tools: Tools, connections: Connections) -> None:
    """Take ntfy in."""
    settings = NtfySettings(
        server=options.server,
        public_url=tools.settings.url,
        token=options.token.get_secret_value(),
        command_token=options.command_token.get_secret_value() if options.command_token else None,
        actions=options.actions,
    )
    pulse = Pulse(AddressKind.NTFY.value, polls=True)
    server = NtfyServer(tools.session, settings.server, settings.token)
    connections.add(NtfyChannel(server, settings, tools.desk, pulse, tools.clock), pulse)

    def topics() -> list[str]:
        everybody = (address for person in tools.everyone() for address in person.addresses)
        return [address.value for address in everybody if address.kind is AddressKind.NTFY]

    stream = NtfyStream(
        StreamParts(
            server=server,
            topics=topics,
            receive=lambda message: tools.receiving().receive(message),
            cursors=tools.cursors,
            pulse=pulse,
            clock=tools.clock,
            entropy=tools.entropy,
            wait=pause,
        )
    )
    connections.tasks["ntfy"] = stream.run_forever
    hook = NtfyHook(server=settings.server, act=lambda token: tools.receiving().act(token), clock=tools.clock)
    connections.hooks = replace(connections.hooks, ntfy=hook)
