"""A disk that is full or hangs for real: no writes, plain words, a brake that works, and the truth afterwards."""

import asyncio
import os
import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from store.sqlite import ANSWER_TIMEOUT_SECONDS
from tests.chaos.installed_bot import Client, InstalledBot
from tests.fakes.busy_database import held_for_writing

pytestmark = pytest.mark.chaos

# A denial comes within the store's own patience; the rest is what a loaded machine takes for one HTTP exchange.
DENIAL_SECONDS = ANSWER_TIMEOUT_SECONDS + 1.0
TMPFS_BYTES = 8 * 1024 * 1024


async def installed(folder: Path) -> InstalledBot:
    return await asyncio.to_thread(InstalledBot, folder)


@contextmanager
def no_room_to_grow(process: subprocess.Popen[str], bot: InstalledBot) -> Iterator[None]:
    """Let no file of the process grow beyond its database's log: the kernel refuses, as a full disk does."""
    grown = bot.home.database.with_name("reins.db-wal").stat().st_size
    unlimited = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (grown, unlimited[1]))
    try:
        yield
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, unlimited)


async def check_refusals(client: Client, bot: InstalledBot) -> None:
    """Check what people see while nothing can be recorded, and halt."""
    runs = bot.rows("SELECT id FROM runs")
    began = time.monotonic()
    denied = await client.say("run mutation")
    assert time.monotonic() - began < DENIAL_SECONDS
    assert (denied.status, denied.body["entry"]["rule"]) == (200, "audit_unwritable")
    assert denied.reply == "Refused (audit_unwritable): the audit log cannot be written, so nothing may be changed."
    assert denied.body["entry"]["receipt"] is None
    status = await client.say("status")
    assert status.reply.startswith("Mode read-only")
    assert "(The audit log cannot be written: this answer is not in it.)" in status.reply
    halted = await client.say("halt")
    assert halted.reply.startswith("Mode is held at off from now on. The audit log cannot be written")
    assert bot.home.halt_file.exists()
    assert (await client.say("status")).reply.startswith("Mode off, held by the HALT file")
    async with client.http.get("/v1/health") as response:
        assert (response.status, (await response.json())["recording"]) == (503, False)
    assert bot.rows("SELECT id FROM runs") == runs


async def check_recovery(client: Client, bot: InstalledBot) -> None:
    """Check that the gap is written down with its counts, that the mode stays off, and that the brake's file is gone."""
    after = await client.say("status")
    assert after.reply.startswith("Mode off, held by the stored mode, set by reins")
    (gap,) = bot.audit("audit-gap")
    # Denied run, two statuses, halt; the housekeeping tick may have found the gap before this message did.
    assert {name: gap["evidence"][name] for name in ("answered", "refused", "lowered")} == {
        "answered": 2,
        "refused": 1,
        "lowered": 1,
    }
    assert bot.rows("SELECT mode FROM mode") == [("off",)]
    assert not bot.home.halt_file.exists()
    assert (await client.say("run mutation")).body["entry"]["rule"] == "mode_off"
    report = bot.verified()
    assert report.ok, report.problem


async def test_a_disk_without_room(tmp_path: Path) -> None:
    bot = await installed(tmp_path)
    with bot.process() as process:
        async with bot.client() as client:
            await client.say("status")
            with no_room_to_grow(process, bot):
                await check_refusals(client, bot)
            await check_recovery(client, bot)


async def test_a_halt_on_a_full_disk_survives_a_kill(tmp_path: Path) -> None:
    bot = await installed(tmp_path)
    with bot.process() as process:
        async with bot.client() as client:
            await client.say("status")
            with no_room_to_grow(process, bot):
                await check_refusals(client, bot)
                process.kill()
    with bot.process():
        async with bot.client() as client:
            assert (await client.say("status")).reply.startswith("Mode off, held by the HALT file")
            assert (await client.say("run mutation")).body["entry"]["rule"] == "mode_off"
            assert bot.rows("SELECT id FROM runs") == []
    assert bot.verified().ok


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of a few megabytes, which takes root and a machine that lets root do it."""
    disk = tmp_path / "d"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_BYTES}", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("only root can mount a small disk, and not on every machine")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


async def test_a_small_disk_that_is_really_full(small_disk: Path) -> None:
    bot = await installed(small_disk)
    with bot.process():
        async with bot.client() as client:
            await client.say("status")
            fill(small_disk / "full")
            await check_refusals(client, bot)
            (small_disk / "full").unlink()
            await check_recovery(client, bot)


def fill(file: Path) -> None:
    """Write until the disk takes nothing more, down to single bytes."""
    size = 65_536
    with file.open("wb", buffering=0) as full:
        while size:
            try:
                full.write(b"x" * size)
            except OSError:
                size //= 2


async def test_a_database_that_somebody_holds_on_to(tmp_path: Path) -> None:
    bot = await installed(tmp_path)
    with bot.process():
        async with bot.client() as client:
            await client.say("status")
            with held_for_writing(bot.home.database):
                await check_refusals(client, bot)
            await check_recovery(client, bot)


async def test_a_run_in_progress_is_reported_after_the_disk_has_room_again(tmp_path: Path) -> None:
    bot = await installed(tmp_path)
    with bot.process() as process:
        async with bot.client() as client:
            await client.say("run triage")
            with no_room_to_grow(process, bot):
                assert (await client.say("run mutation")).body["entry"]["rule"] == "audit_unwritable"
            assert (await client.say("run mutation")).body["entry"]["rule"] == "allowed"
            await bot.at_rest()
            assert bot.check_runs() == 2
    assert bot.verified().ok
