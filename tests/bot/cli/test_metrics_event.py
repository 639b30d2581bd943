"""Metrics events: one line per command, no secret in it, and no command ever fails for one."""

import fcntl
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.metrics_event import CommandRun, append_event, metrics_event, redacted_arguments
from tests.bot.cli.command_line import CommandLine

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
WRITER = """
import sys
from pathlib import Path
from bot.metrics_event import append_event
for number in range(100):
    append_event(Path(sys.argv[1]), {"writer": sys.argv[2], "number": number, "filler": "x" * 20_000})
"""
WRITER_ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from bot.metrics_event import append_event
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
append_event(Path(sys.argv[1]), {"a": 1})
append_event(Path(sys.argv[1]), {"b": "x" * 500})
"""


def event_of(*argv: str, returncode: int = 0, **environment: str) -> dict[str, Any]:
    return metrics_event(CommandRun(" ".join(argv[:1]), argv, returncode, 1.239, NOW), environment)


def test_every_command_leaves_one_event(reins: CommandLine) -> None:
    reins.run("people", "list")
    reins.run("people", "show", "bob")
    reins.run("people", "lst")
    reins.run("--nonsense")
    reins.run("audit", "verify", "-x")
    told = [(event["command"], event["returncode"], event["success"]) for event in reins.events()]
    assert told == [
        ("init", 0, True),
        ("people list", 0, True),
        ("people show", 2, False),
        ("people", 2, False),
        ("none", 2, False),
        ("audit verify", 2, False),
    ]


def test_an_event_has_all_fields() -> None:
    event = event_of("mutation-loop", "--artifacts", "x", returncode=3)
    assert event == {
        "timestamp": "2026-11-22T14:00:00.000Z",
        "cycle_id": "local",
        "area": "loops",
        "step": "reins:mutation-loop",
        "command": "mutation-loop",
        "execution_source": "other",
        "actor": None,
        "automated": None,
        "success": False,
        "returncode": 3,
        "duration_seconds": 1.24,
        "retries": 0,
        "manual_reason": None,
        "repeated_workaround": False,
        "dry_run": False,
        "argv": ["mutation-loop", "--artifacts", "x"],
    }


@pytest.mark.parametrize(
    ("source", "stored", "actor", "automated"),
    [
        ("script_only", "script_only", "script", True),
        ("ai_assisted", "ai_assisted", "ai", True),
        ("human_manual", "human_manual", "human", False),
        ("human", "other", None, None),
        ("", "other", None, None),
    ],
)
def test_a_source_nobody_knows_is_other_and_never_counted_as_automated(
    source: str, stored: str, actor: str | None, automated: bool | None
) -> None:
    event = event_of("doctor", REINS_EXECUTION_SOURCE=source)
    assert (event["execution_source"], event["actor"], event["automated"]) == (stored, actor, automated)


@pytest.mark.parametrize(("text", "retries"), [("3", 3), ("abc", None), ("-1", None), ("9" * 5000, None), ("²", None)])
def test_a_count_that_is_none_is_unknown_and_breaks_nothing(text: str, retries: int | None) -> None:
    assert event_of("doctor", REINS_METRICS_RETRIES=text)["retries"] == retries


def test_the_environment_fills_in_what_only_the_caller_knows() -> None:
    event = event_of(
        "doctor",
        REINS_METRICS_CYCLE_ID="night-7",
        REINS_METRICS_AREA="release",
        REINS_METRICS_STEP="step 4",
        REINS_METRICS_AUTOMATED="no",
        REINS_EXECUTION_ACTOR="hybrid",
        REINS_MANUAL_REASON="call +41 79 123 45 67\n",
        REINS_REPEATED_WORKAROUND="on",
    )
    assert (event["cycle_id"], event["area"], event["step"]) == ("night-7", "release", "step 4")
    assert (event["automated"], event["actor"], event["repeated_workaround"]) == (False, "hybrid", True)
    assert "123" not in str(event["manual_reason"])


def test_a_dry_run_is_flagged() -> None:
    assert event_of("triage-loop", "--dry-run")["dry_run"] is True


@pytest.mark.parametrize(
    ("argv", "secret"),
    [
        (["chat", "--token", "hunter2"], "hunter2"),
        (["chat", "--token=hunter2"], "hunter2"),
        (["chat", "--url", f"https://r.test/#login={'ab' * 16}"], "ab" * 16),
        (["people", "add", "ann", "--address", "sms:+41791234567"], "9123456"),
        (["people", "address", "ann", "sms:+41791234567"], "9123456"),
    ],
)
def test_secrets_and_phone_numbers_never_reach_the_file(argv: list[str], secret: str) -> None:
    shown = redacted_arguments(argv)
    assert secret not in str(shown)
    assert len(shown) == len(argv)
    assert shown[0] == argv[0]


def test_the_arguments_are_bounded() -> None:
    shown = redacted_arguments(["x" * 10_000] * 1_000)
    assert len(shown) == 64
    assert all(len(argument) <= 200 for argument in shown)


def test_the_policy_says_where_events_go_and_the_switch_turns_them_off(reins: CommandLine) -> None:
    policy = json.loads(reins.paths().policy_file.read_text())
    policy["audit_metrics"] = {"event_log_path": "figures/use.jsonl"}
    reins.paths().policy_file.write_text(json.dumps(policy))
    reins.done("people", "list")
    assert len((reins.home / "figures" / "use.jsonl").read_text().splitlines()) == 1
    reins.set("REINS_METRICS_DISABLE", "1")
    reins.done("people", "list")
    assert len((reins.home / "figures" / "use.jsonl").read_text().splitlines()) == 1


def test_no_installation_means_no_event_and_no_folder(bare: CommandLine) -> None:
    bare.run("people", "list")
    assert not bare.home.exists()


def test_a_log_that_cannot_be_written_never_changes_how_a_command_ends(reins: CommandLine) -> None:
    log = reins.home / "metrics" / "events.jsonl"
    log.unlink()
    log.mkdir()
    ended = reins.run("people", "list")
    assert ended.code == 0
    assert "no metrics event was written" in ended.err
    assert reins.run("people", "show", "bob").code == 2


def test_settings_that_cannot_be_read_end_as_themselves(reins: CommandLine) -> None:
    reins.set("REINS_PORT", "many")
    ended = reins.run("people", "list")
    assert ended.code == 2
    assert "port" in ended.err


def test_a_link_in_place_of_the_log_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("as it was")
    (tmp_path / "events.jsonl").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="symbolic link"):
        append_event(tmp_path / "events.jsonl", {})
    assert (tmp_path / "precious").read_text() == "as it was"


def test_a_lock_that_is_never_given_back_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    waited: list[float] = []
    with path.open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(TimeoutError):
            append_event(path, {}, waited.append)
    assert sum(waited) == pytest.approx(0.5)
    assert path.read_text() == ""


def test_a_lock_that_is_given_back_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with path.open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        append_event(path, {"n": 1}, lambda _seconds: fcntl.flock(holder, fcntl.LOCK_UN))
    assert path.read_text() == '{"n":1}\n'


def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    ended = subprocess.run(
        [sys.executable, "-c", WRITER_ON_A_FULL_DISK, path], check=False, capture_output=True, text=True
    )
    assert "removed again" in ended.stderr
    assert path.read_text() == '{"a":1}\n'


def test_eight_processes_write_whole_lines_only(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, path, str(number)]) for number in range(8)]
    assert [writer.wait() for writer in writers] == [0] * 8
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert {(line["writer"], line["number"]) for line in lines} == {(str(w), n) for w in range(8) for n in range(100)}
    assert len(lines) == 800
    assert path.stat().st_mode & 0o777 == 0o600
