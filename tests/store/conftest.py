"""The databases that one conformance suite runs on: every test that takes `store` runs on each of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from store.port import Store
from store.sqlite import SqliteStore


@pytest.fixture(params=["sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    assert request.param == "sqlite"
    opened = SqliteStore(tmp_path / "reins.db")
    await opened.open()
    yield opened
    await opened.close()
