"""`reins chat` against a whole bot, typed by a pipe: over the local socket and with a one-time link."""

import asyncio
import os
import pty
import signal
import sys
from pathlib import Path

import pytest

from bot.cli.chat import remote_door
from bot.serve import Role
from domain.clock import SystemClock
from domain.errors import UserError
from tests.bot.cli.chat_server import ChatServer
from tests.bot.cli.command_line import CommandLine
from tests.fakes.served_bot import ServedBot, served_bot

GUARD_SECONDS = 60  # only ends a test that would hang; nothing is measured by it
ROOT = Path(__file__).resolve().parents[3]


async def chatted(home: Path, stdin: str | bytes, *arguments: str) -> tuple[int, str, str]:
    """Run `reins chat` in a process of its own with piped input."""
    environment = {"REINS_HOME": str(home), "PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "chat", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env=environment,
    )
    out, err = await asyncio.wait_for(
        process.communicate(stdin.encode() if isinstance(stdin, str) else stdin), GUARD_SECONDS
    )
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def home_of(bot: ServedBot) -> Path:
    return bot.settings.home


async def test_piped_lines_are_answered_and_the_runs_they_start_are_awaited(tmp_path: Path) -> None:
    async with served_bot(tmp_path, clock=SystemClock()) as bot:
        code, out, err = await chatted(home_of(bot), "whoami\n\nrun mutation\n")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "> whoami"
    assert "proof local" in lines[1]
    assert [line for line in lines if line.startswith("> ")] == ["> whoami", "> run mutation"]
    assert lines[-1].startswith("* DONE")


async def test_a_one_time_link_opens_an_ordinary_session_once(tmp_path: Path) -> None:
    async with served_bot(tmp_path, clock=SystemClock()) as bot:
        link = f"{bot.url}/#login={await bot.login_token()}"
        code, out, _err = await chatted(tmp_path, "whoami\n", "--url", link)
        assert code == 0
        assert "proof session" in out
        code, out, err = await chatted(tmp_path, "whoami\n", "--url", link)
        assert (code, out) == (4, "")
        assert "used or is too old" in err


async def test_a_token_may_be_given_apart_from_the_address(tmp_path: Path) -> None:
    async with served_bot(tmp_path, clock=SystemClock()) as bot:
        code, out, _err = await chatted(tmp_path, "whoami\n", "--url", bot.url, "--token", await bot.login_token())
    assert code == 0
    assert "proof session" in out


async def test_a_run_that_takes_too_long_ends_the_wait_with_6(tmp_path: Path) -> None:
    async with served_bot(tmp_path, clock=SystemClock(), role=Role.WEB) as bot:  # nobody performs effects
        code, out, err = await chatted(home_of(bot), "run mutation\n", "--wait-seconds", "0")
    assert code == 6, err
    assert out.startswith("> run mutation\n")
    assert "still going after 0 s" in err


async def test_a_stranger_at_the_socket_is_told_how_to_get_in(tmp_path: Path) -> None:
    async with served_bot(tmp_path, clock=SystemClock()) as bot:
        await asyncio.to_thread(bot.bot.people.remove, "owner")
        code, out, err = await chatted(home_of(bot), "whoami\n")
    assert (code, out) == (4, "")
    assert f"console:{os.getuid()}" in err


async def test_a_refused_line_does_not_end_the_chat(tmp_path: Path) -> None:
    server = ChatServer(refused=frozenset({"status"}), streams=[[]] * 100)
    async with server.serving() as url:
        code, out, err = await chatted(tmp_path, "status\nmenu\n", "--url", url, "--token", "t")
    assert (code, err) == (0, "")
    assert "! You have been told already." in out
    assert "you said menu" in out
    assert server.tokens == ["t"]


async def at_a_terminal(home: Path) -> tuple[asyncio.subprocess.Process, int]:
    """Start `reins chat` on a pseudo-terminal and return the process, greeted, and the terminal's other side."""
    terminal, side = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "chat"),
        stdin=side,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=ROOT,
        env={"REINS_HOME": str(home), "PATH": os.environ["PATH"], "TERM": "dumb"},
    )
    os.close(side)
    assert process.stdout is not None
    greeting = (await asyncio.wait_for(process.stdout.readline(), GUARD_SECONDS)).decode()
    assert "You are Owner, proof local" in greeting
    return process, terminal


async def test_a_person_at_a_terminal_is_greeted_and_leaves_with_end_of_file(tmp_path: Path) -> None:
    async with served_bot(tmp_path, clock=SystemClock()) as bot:
        process, terminal = await at_a_terminal(home_of(bot))
        os.write(terminal, b"whoami\n\x04")
        out, _ = await asyncio.wait_for(process.communicate(), GUARD_SECONDS)
        os.close(terminal)
    assert process.returncode == 0
    assert "This came by console" in out.decode()


async def test_an_interrupt_at_the_prompt_ends_the_chat_at_once_and_quietly(tmp_path: Path) -> None:
    async with served_bot(tmp_path, clock=SystemClock()) as bot:
        process, terminal = await at_a_terminal(home_of(bot))
        process.send_signal(signal.SIGINT)
        out, _ = await asyncio.wait_for(process.communicate(), GUARD_SECONDS)
        os.close(terminal)
    assert process.returncode == 130
    assert out.decode().strip() in ("", ">")


async def test_piped_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    async with served_bot(tmp_path, clock=SystemClock()) as bot:
        code, out, err = await chatted(home_of(bot), b"\xff\xfe\n")
    assert (code, out) == (2, "")
    assert "UTF-8" in err


def test_without_a_bot_the_way_to_start_one_is_named(reins: CommandLine) -> None:
    ended = reins.run("chat", stdin="status\n")
    assert ended.code == 3
    assert "reins serve" in ended.err


@pytest.mark.parametrize(
    ("url", "token", "word"),
    [
        ("reins.test", "t", "url"),
        ("ftp://reins.test", "t", "url"),
        ("http://reins.test/#login=abc", None, "https"),
        ("https://reins.test", None, "token"),
        ("https://reins.test/#login=", None, "token"),
    ],
)
def test_an_address_that_would_not_do_is_refused(url: str, token: str | None, word: str) -> None:
    with pytest.raises(UserError, match=word):
        remote_door(url, token)


@pytest.mark.parametrize("url", ["https://reins.test:8443/#login=abc", "https://reins.test:8443/page?x=1"])
def test_a_link_is_cut_down_to_the_address_and_its_token(url: str) -> None:
    door = remote_door(url, "abc")
    assert (door.name, door.token) == ("https://reins.test:8443", "abc")
