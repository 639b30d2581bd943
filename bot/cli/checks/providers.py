"""Checks that ask the providers: whether they are reached, know our credentials, and let us do what is needed."""

import asyncio
import base64
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from aiohttp import ClientSession, DummyCookieJar

from bot.channel_settings import SlackOptions, SmsOptions
from bot.cli.checks.finding import Finding, fail, ok, warn
from bot.cli.checks.ntfy import check_ntfy
from bot.cli.checks.telegram import check_telegram
from bot.cli.installation import Installation
from bot.settings import Settings
from channels.calls import Caller
from channels.port import Broken, NotNow
from channels.sms_refusals import document_of, failure
from domain.people import Person

OK = 200
SLACK_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})


def ask_providers(installation: Installation) -> list[Finding]:
    """Ask the provider of every configured channel; no person is sent anything."""
    settings = installation.settings
    if not (settings.sms or settings.telegram or settings.ntfy or settings.slack):
        return []
    return asyncio.run(_ask(settings, installation.people().all(), installation.clock.now()))


async def _ask(settings: Settings, people: Sequence[Person], now: datetime) -> list[Finding]:
    found: list[Finding] = []
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        if settings.sms is not None:
            found.append(await check_sms(settings.sms, Caller(session)))
        if settings.telegram is not None:
            found += await check_telegram(settings.telegram, settings.url, session, now)
        if settings.ntfy is not None:
            found += await check_ntfy(settings.ntfy, people, session)
        if settings.slack is not None:
            found.append(check_slack(settings.slack))
    return found


async def check_sms(options: SmsOptions, caller: Caller) -> Finding:
    """Let Twilio list one text of our account: it answers that to the right credentials only."""
    account_and_token = f"{options.account_sid}:{options.auth_token.get_secret_value()}"
    headers = {"Authorization": "Basic " + base64.b64encode(account_and_token.encode()).decode()}
    url = f"{options.api_base}/2010-04-01/Accounts/{options.account_sid}/Messages.json"
    try:
        answer = await caller.get(url, {"PageSize": "1"}, headers)
    except NotNow as error:
        return fail("sms", f"Twilio cannot be asked: {error}", f"let this machine reach {urlsplit(url).netloc}")
    if answer.status == OK and "messages" in document_of(answer):
        return ok("sms", f"Twilio knows the account; texts come from {options.from_number}")
    refused = failure(answer)
    if isinstance(refused, Broken):
        return fail("sms", str(refused), "compare sms.account_sid and sms.auth_token with Twilio's console")
    return fail(
        "sms", f"Twilio answered {answer.status}", "ask again later; https://status.twilio.com tells of outages"
    )


def check_slack(options: SlackOptions) -> Finding:
    """Look at the address only: Slack cannot be asked without posting."""
    address = urlsplit(options.webhook_url.get_secret_value())
    pieces = address.path.strip("/").split("/")
    if address.hostname in SLACK_HOSTS and len(pieces) == 4 and pieces[0] == "services":  # noqa: PLR2004 - T…, B…, secret
        return ok("slack", "slack.webhook_url looks like an incoming webhook; only a post would show whether it works")
    mend = "copy the address from the page Incoming Webhooks of your Slack app"
    return warn("slack", f"slack.webhook_url, at {address.hostname}, does not look like an incoming webhook", mend)
