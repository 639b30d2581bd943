"""The bot that most tests of the HTTP side talk to: served, but with nobody who performs effects."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.serve import Role
from tests.fakes.served_bot import ServedBot, served_bot


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[ServedBot]:
    """Serve requests only: runs stay accepted, so what a test sees does not depend on how fast they go."""
    async with served_bot(tmp_path, role=Role.WEB) as served:
        yield served
