"""Programs that misbehave are ended with everything they started; what they write stays within bounds."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from loops.fixing.output import HEAD_BYTES, MARGIN_BYTES, TAIL_BYTES, Captured, program_output, shown
from loops.fixing.running import Ended, Program, run_to_end

LONG_SECONDS = 60.0
# Two children, one of them in a session of its own; nobody listens to SIGTERM; the pids are in the file `pids`.
STUBBORN = """
trap '' TERM
sleep 600 & first=$!
setsid sleep 600 & echo "$$ $first $!" > pids
echo started
"""


def program(folder: Path, script: str) -> Program:
    return Program((sys.executable, "-c", script), folder, {"PATH": os.environ["PATH"]}, LONG_SECONDS)


def shell(folder: Path, script: str, seconds: float = LONG_SECONDS) -> Program:
    return Program(("/bin/sh", "-c", script), folder, {"PATH": os.environ["PATH"]}, seconds)


async def ran(program: Program) -> tuple[Ended, str]:
    captured = program_output()
    ended = await run_to_end(program, captured.add)
    return ended, shown(captured, ())


async def run(folder: Path, script: str) -> tuple[Ended, str]:
    return await ran(program(folder, script))


def alive(folder: Path) -> list[int]:
    """Return which of the processes in the file `pids` still do anything."""
    pids = [int(word) for word in (folder / "pids").read_text().split()]
    found = [pid for pid in pids if psutil.pid_exists(pid)]
    # The one that nobody waited for stays in the table as a zombie until whoever adopted it looks.
    return [pid for pid in found if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


def still_there(path: str) -> bool:
    return Path(path).exists()


async def until_gone(folder: Path) -> list[int]:
    """Return who is left once those that were killed are gone; a kill is sent, not awaited."""
    for _ in range(200):
        if not alive(folder):
            break
        await asyncio.sleep(0.01)
    return alive(folder)


async def test_exit_code_and_both_outputs_are_told(tmp_path: Path) -> None:
    script = "import sys; print('one', flush=True); print('two', file=sys.stderr); sys.exit(7)"
    assert await run(tmp_path, script) == (Ended(7, timed_out=False), "one\ntwo")


async def test_outputs_can_be_taken_apart(tmp_path: Path) -> None:
    written, complained = bytearray(), bytearray()
    script = "import sys; print('one'); print('two', file=sys.stderr)"
    await run_to_end(program(tmp_path, script), written.extend, complained.extend)
    assert (bytes(written), bytes(complained)) == (b"one\n", b"two\n")


async def test_nobody_answers_what_a_program_asks(tmp_path: Path) -> None:
    assert await run(tmp_path, "import sys; print(repr(sys.stdin.read()))") == (Ended(0, timed_out=False), "''")


async def test_its_home_is_empty_and_gone_afterwards(tmp_path: Path) -> None:
    _, said = await run(tmp_path, "import os; print(os.environ['HOME'], os.listdir(os.environ['HOME']))")
    home, _, held = said.partition(" ")
    assert (held, still_there(home), home == os.environ.get("HOME")) == ("[]", False, False)


async def test_it_runs_in_a_session_of_its_own(tmp_path: Path) -> None:
    assert (await run(tmp_path, "import os; print(os.getsid(0) == os.getpid() == os.getpgid(0))"))[1] == "True"


async def test_who_asks_nicely_is_heard_first(tmp_path: Path) -> None:
    script = "trap 'echo cleaned up; exit 0' TERM; echo ready; sleep 600 & wait"
    ended, said = await ran(shell(tmp_path, script, 2.0))
    assert (ended, said) == (Ended(0, timed_out=True), "ready\ncleaned up")


async def test_at_the_deadline_everything_it_started_is_gone(tmp_path: Path) -> None:
    ended, said = await ran(shell(tmp_path, STUBBORN + "wait; wait", 2.0))
    assert (ended, said) == (Ended(-signal.SIGKILL, timed_out=True), "started")
    assert await until_gone(tmp_path) == []


async def test_what_it_leaves_behind_after_a_good_end_is_gone_too(tmp_path: Path) -> None:
    ended, said = await ran(shell(tmp_path, STUBBORN))
    assert (ended, said) == (Ended(0, timed_out=False), "started")
    assert await until_gone(tmp_path) == []


async def test_whoever_gives_up_waiting_leaves_nothing_behind(tmp_path: Path) -> None:
    started = asyncio.Event()
    running = asyncio.create_task(run_to_end(shell(tmp_path, STUBBORN + "wait; wait"), lambda _chunk: started.set()))
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await until_gone(tmp_path) == []


async def test_one_that_escaped_and_holds_the_output_is_not_waited_for(tmp_path: Path) -> None:
    script = """
import pathlib, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], env={}, start_new_session=True)
pathlib.Path("pids").write_text(str(child.pid)); print("gone")
"""
    ended, said = await run(tmp_path, script)
    (escaped,) = alive(tmp_path)
    os.kill(escaped, signal.SIGKILL)
    assert (ended, said) == (Ended(0, timed_out=False), "gone")


async def test_a_program_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    missing = Program(("no-such-program",), tmp_path, {"PATH": "/bin"}, LONG_SECONDS)
    with pytest.raises(FileNotFoundError):
        await run_to_end(missing, lambda _chunk: None)


async def test_a_flood_of_output_is_kept_by_its_ends(tmp_path: Path) -> None:
    script = "import sys; print('first'); sys.stdout.write('x' * 1023 + '\\n'); [print('y' * 99) for _ in range(100_000)]; print('last')"
    captured = program_output()
    ended = await run_to_end(program(tmp_path, script), captured.add)
    said = shown(captured, ())
    assert (ended.exit_code, captured.omitted_bytes > 9_900_000) == (0, True)
    assert (len(captured.head), len(captured.tail)) == (HEAD_BYTES + MARGIN_BYTES, TAIL_BYTES + MARGIN_BYTES)
    assert said.startswith("first\n")
    assert said.endswith("\nlast")
    assert "bytes left out]" in said
    assert len(said) < HEAD_BYTES + TAIL_BYTES + 2 * MARGIN_BYTES


@pytest.mark.parametrize("chunks", [[b"abcdefghij"], [b"abc", b"defghi", b"j"], [b"a"] * 3 + [b"defgh", b"i", b"j"]])
def test_captured_bytes_do_not_depend_on_how_they_came(chunks: list[bytes]) -> None:
    captured = Captured(2, 3)
    for chunk in chunks:
        captured.add(chunk)
    assert (bytes(captured.head)[:1], len(captured.head), len(captured.tail), captured.omitted_bytes) == (b"a", 2, 3, 5)
    assert bytes(captured.tail).endswith(b"ij")
