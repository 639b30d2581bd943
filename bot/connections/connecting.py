"""Making the configured channels, and none of the others: what is not named costs neither memory nor time."""

from collections.abc import Callable

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar

from bot.connections.tools import Connections, Tools
from bot.settings import Settings

SESSION_TIMEOUT_SECONDS = 60  # adapters set shorter ones; this ends what they forgot


def connect(settings: Settings, make_tools: Callable[[ClientSession], Tools]) -> Connections:
    """Make the channels; call it inside a running event loop. Nothing is sent or fetched until their tasks run."""
    connections = Connections()
    if not (settings.sms or settings.telegram or settings.ntfy or settings.slack):
        return connections
    session = ClientSession(cookie_jar=DummyCookieJar(), timeout=ClientTimeout(total=SESSION_TIMEOUT_SECONDS))
    connections.session = session
    tools = make_tools(session)
    if settings.sms is not None:
        from bot.connections import sms  # noqa: PLC0415 - see the module's sentence

        sms.join(settings.sms, tools, connections)
    if settings.telegram is not None:
        from bot.connections import telegram  # noqa: PLC0415 - see above

        telegram.join(settings.telegram, tools, connections)
    if settings.ntfy is not None:
        from bot.connections import ntfy  # noqa: PLC0415 - see above

        ntfy.join(settings.ntfy, tools, connections)
    if settings.slack is not None:
        from bot.connections import slack  # noqa: PLC0415 - see above

        slack.join(settings.slack, tools, connections)
    return connections
