"""Which work each role of the process takes on."""

import asyncio
from pathlib import Path

import pytest

from bot.cli.initialise import set_up
from bot.cli.installation import Installation
from bot.home import Home
from bot.serve import Role, running
from bot.settings import Settings
from bot.wiring import wire
from domain.clock import SystemClock
from domain.ids import SystemEntropy

ALWAYS = {"housekeeping", "health"}
WORK = {"liveness", "relay", "watch", "local-forge"}


@pytest.mark.parametrize(
    ("role", "wanted"), [(Role.ALL, ALWAYS | WORK), (Role.WEB, ALWAYS), (Role.WORKER, ALWAYS | WORK)]
)
async def test_each_role_starts_its_own_work(tmp_path: Path, role: Role, wanted: set[str]) -> None:
    settings = Settings(home=tmp_path / "home")
    await asyncio.to_thread(set_up, Installation(settings, Home.of(settings), SystemClock(), SystemEntropy()))
    async with running(wire(settings), role) as probe:
        assert {task.name for task in probe._supervisor.tasks} == wanted
