"""What the doctor asks Telegram: who our bot is, and whether updates come in the way the settings want."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from aiohttp import ClientSession

from bot.channel_settings import TelegramOptions
from bot.cli.checks.finding import Finding, fail, ok, warn
from channels.calls import Caller
from channels.port import MaybeSent, NotNow
from channels.sms_refusals import document_of
from domain.clock import describe_age
from domain.errors import UserError
from domain.untrusted import clean_line

TROUBLE_COUNTS = timedelta(hours=1)  # Telegram tells of its last failed post for ever
MAX_SAID_CHARACTERS = 120


async def check_telegram(
    options: TelegramOptions, public_url: str, session: ClientSession, now: datetime
) -> list[Finding]:
    """Ask who we are and where updates go. Fetching updates is left alone: it would end the running bot's own fetch."""
    from channels.telegram import connect  # noqa: PLC0415 - the library costs memory
    from channels.telegram_failures import TelegramFailure, delivery_error  # noqa: PLC0415 - as above
    from channels.telegram_settings import TelegramSettings  # noqa: PLC0415 - as above

    token = options.token.get_secret_value()
    secret = options.webhook_secret.get_secret_value() if options.webhook_secret and options.webhook else None
    try:
        settings = TelegramSettings(token, frozenset(options.groups), secret, options.api_base)
        expected = settings.webhook(public_url)[0] if options.webhook else ""
        me = await connect(settings, session).me()
        answer = await Caller(session).post(f"{options.api_base}/bot{token}/getWebhookInfo", {}, {})
    except UserError as error:
        return [fail("telegram", str(error), "mend that setting, then ask again")]
    except TelegramFailure as error:
        mend = (
            f"compare telegram.token with what @BotFather shows, and let this machine reach {_host(options.api_base)}"
        )
        return [fail("telegram", str(delivery_error(error)), mend)]
    except (NotNow, MaybeSent) as error:
        return [fail("telegram", f"Telegram cannot be asked: {error}", "ask again later")]
    return [
        ok("telegram", f"Telegram knows the bot as @{me.username}"),
        judge_updates(expected, document_of(answer).get("result"), now),
    ]


def judge_updates(expected: str, info: object, now: datetime) -> Finding:
    """Say whether updates are posted to `expected`, or fetched where that is empty; `info` is Telegram's WebhookInfo."""
    if not isinstance(info, dict):
        return fail("telegram", "Telegram does not say where it posts updates", "ask again later")
    address = str(info.get("url", ""))
    if address != expected and expected:
        what = f"Telegram posts updates to {_host(address) or 'nobody'}, and not to {expected}"
        return warn("telegram", what, "start the bot: it registers its address")
    if address != expected:
        what = f"Telegram posts updates to {_host(address)}, so they cannot be fetched"
        mend = "start the bot: it ends that. If it comes back, somebody else has the token: /revoke it at @BotFather"
        return warn("telegram", what, mend)
    failed_at = info.get("last_error_date")
    if expected and isinstance(failed_at, int):
        moment = datetime.fromtimestamp(failed_at, UTC)
        if now - moment < TROUBLE_COUNTS:
            said = clean_line(str(info.get("last_error_message")), MAX_SAID_CHARACTERS)
            what = f"Telegram could not post updates {describe_age(moment, now)} ago: {said}"
            return warn("telegram", what, f"let Telegram reach {expected}")
    return ok(
        "telegram", f"updates are {'posted' if expected else 'fetched'}; waiting: {info.get('pending_update_count')}"
    )


def _host(url: str) -> str:
    return urlsplit(url).netloc
