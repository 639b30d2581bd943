"""Health: what cannot be recorded, what is stuck and what keeps failing is seen from outside."""

import asyncio
from pathlib import Path

from structlog.testing import capture_logs

from bot.health import STUCK_AFTER_SECONDS, HealthProbe
from bot.serve import Role
from bot.supervision import Supervisor
from commands.recording import commit_effect
from domain.effects import Deliver
from domain.notices import Notice, NoticeKind
from tests.fakes.served_bot import ServedBot, served_bot


async def tell(bot: ServedBot) -> None:
    notice = Deliver("web:owner", Notice("alarm-1", NoticeKind.ALARM, "look"))
    now = bot.clock.now()
    await bot.bot.store.transact(lambda tables: commit_effect(notice, tables, now))


async def test_what_nobody_has_looked_at_yet_is_unknown_and_not_zero(tmp_path: Path) -> None:
    async with served_bot(tmp_path) as bot:
        report = HealthProbe(bot.bot, Supervisor()).report()
        assert (report["status"], report["outbox_oldest_seconds"]) == ("ok", None)


async def test_an_effect_that_waits_too_long_degrades_health(tmp_path: Path) -> None:
    async with served_bot(tmp_path, role=Role.WEB) as bot:  # nobody relays anything
        probe = HealthProbe(bot.bot, Supervisor())
        await tell(bot)
        await probe.refresh()
        bot.clock.advance(STUCK_AFTER_SECONDS - 1)
        assert (probe.report()["status"], probe.report()["outbox_oldest_seconds"]) == ("ok", STUCK_AFTER_SECONDS - 1)
        bot.clock.advance(1)
        assert probe.report()["status"] == "degraded"


async def test_a_task_that_was_started_again_is_named(tmp_path: Path) -> None:
    async with served_bot(tmp_path) as bot:
        failed = asyncio.Event()

        async def run_forever(stop: asyncio.Event) -> None:
            if not failed.is_set():
                failed.set()
                raise OSError("once")
            await stop.wait()

        async def at_once(_stop: asyncio.Event, _seconds: float) -> None:
            return

        supervisor = Supervisor(at_once)
        probe = HealthProbe(bot.bot, supervisor)
        with capture_logs():
            supervisor.start("watch", run_forever)
            await failed.wait()
            await asyncio.sleep(0)
        assert probe.report()["tasks_restarted"] == {"watch": "OSError"}
        await supervisor.stop(lambda: None, 30)


async def test_policy_and_people_are_reported_as_they_are_now(tmp_path: Path) -> None:
    async with served_bot(tmp_path) as bot:
        probe = HealthProbe(bot.bot, Supervisor())
        assert (probe.report()["policy"], probe.report()["people"]) == ("loaded", "ok")
        with capture_logs():
            bot.bot.home.policy_file.write_text("{", encoding="utf-8")
            assert probe.report()["policy"] == "policy_invalid"
