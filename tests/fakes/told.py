"""Committing plain notices by hand, and reading what the record says of each try to deliver them."""

from commands.recording import commit_effect
from domain.effects import Deliver
from domain.notices import Notice, NoticeKind
from tests.fakes.whole_bot import WholeBot

KEY = "alarm-1:web:owner"


async def tell(bot: WholeBot, number: int = 1, to: str = "web:owner", fallbacks: tuple[str, ...] = ()) -> None:
    notice = Deliver(to, Notice(f"alarm-{number}", NoticeKind.ALARM, f"alarm {number}"), fallbacks)
    now = bot.clock.now()
    await bot.store.transact(lambda tables: commit_effect(notice, tables, now))


async def tries(bot: WholeBot, key: str = KEY) -> list[tuple[int, str, str | None]]:
    """Return number, outcome and error of each recorded try of an effect."""
    rows = [row for row in await bot.audit_rows() if row["action"].startswith("effect-") and row["target"] == key]
    return [(row["evidence"]["try"], row["outcome"], row["evidence"]["error"]) for row in rows]
