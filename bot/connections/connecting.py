"""Making the configured channels and forges, and none of the others: what is not named costs neither memory nor time."""

from collections.abc import Callable

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar

from bot.connections.tools import Connections, Tools
from bot.settings import Settings

SESSION_TIMEOUT_SECONDS = 60  # adapters set shorter ones; this ends what they forgot


def connect(settings: Settings, make_tools: Callable[[ClientSession], Tools]) -> Connections:
    """Make the channels and forges; call it inside a running event loop. Nothing is sent or fetched by this."""
    connections = Connections()
    if not any((settings.sms, settings.telegram, settings.ntfy, settings.slack, settings.github)):
        return connections
    identity = settings.github.identity() if settings.github else None  # first: it may refuse, and nothing is open yet
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
    if settings.github is not None and identity is not None:
        from bot.connections import github  # noqa: PLC0415 - see above

        github.join(settings.github, identity, tools, connections)
    return connections
