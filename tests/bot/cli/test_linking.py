"""`reins link` and the links themselves: once, ten minutes, and only as a hash."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from bot.links import make_login_link
from bot.settings import Settings
from domain.ids import fingerprint
from store.sqlite import SqliteStore
from store.tables.nonces import LOGIN
from tests.bot.cli.command_line import CommandLine
from tests.fakes.entropy import SeededEntropy
from tests.fakes.virtual_time import VirtualTime


@pytest.mark.parametrize(("late_seconds", "signed_in"), [(0, True), (599.999, True), (600, False), (3600, False)])
async def test_a_link_opens_for_ten_minutes_and_not_at_their_end(
    tmp_path: Path, late_seconds: float, signed_in: bool
) -> None:
    store, clock = SqliteStore(tmp_path / "reins.db"), VirtualTime()
    await store.open()
    try:
        link = await make_login_link(store, "ann", Settings(public_url="https://r.test/"), clock, SeededEntropy())
        address, _, token = link.partition("/#login=")
        assert address == "https://r.test"
        now = clock.now() + timedelta(seconds=late_seconds)
        spent = await store.transact(lambda tables: tables.nonces.spend(fingerprint(token), LOGIN, now))
        assert spent == (("ann", "") if signed_in else None)
    finally:
        await store.close()


def test_the_token_itself_is_nowhere_on_the_disk(reins: CommandLine) -> None:
    token = reins.done("link", "owner").partition("#login=")[2][:32]
    assert len(token) == 32
    for path in reins.home.rglob("*"):
        assert path.is_dir() or token.encode() not in path.read_bytes(), path


def test_a_link_is_audited_with_who_made_it_and_sealed(reins: CommandLine) -> None:
    reins.done("link", "owner", "--no-qr")
    row = reins.audit_rows()[-1]
    assert (row["action"], row["target"], row["outcome"]) == ("login-link", "owner", "made")
    assert row["actor"].startswith("local:")
    assert "no seal yet" not in reins.done("audit", "verify")


def test_the_code_is_drawn_unless_it_is_not_wanted(reins: CommandLine) -> None:
    assert "█" in reins.done("link", "owner")
    assert "█" not in reins.done("link", "owner", "--no-qr")


def test_nobody_unknown_gets_a_link(reins: CommandLine) -> None:
    ended = reins.run("link", "bob")
    assert (ended.code, ended.out) == (2, "")
    assert reins.sql("SELECT count(*) FROM nonces") == [(0,)]


def test_somebody_without_a_web_address_gets_no_link(reins: CommandLine) -> None:
    reins.done("people", "remove-address", "owner", "web:owner")
    ended = reins.run("link", "owner", "--no-qr")
    assert (ended.code, ended.out) == (2, "")
    assert "has no web address: reins people address owner web:owner" in ended.err


async def test_a_link_that_cannot_be_recorded_is_not_made(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "reins.db")
    await store.open()
    try:
        made = [
            await make_login_link(store, "ann", Settings(), VirtualTime(), SeededEntropy(seed)) for seed in range(2)
        ]
        with pytest.raises(Exception, match="UNIQUE"):  # the same token again: the transaction fails as a whole
            await make_login_link(store, "ann", Settings(), VirtualTime(), SeededEntropy(0))
        rows = await store.read(lambda tables: len(list(tables.audit.each())))
        assert rows == len(set(made)) == 2
    finally:
        await asyncio.shield(store.close())
