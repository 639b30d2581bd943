"""One line per command in a file of its own, from which figures about use are made; never authority, never secrets."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from audit.redaction import redact
from domain.clock import to_text
from domain.untrusted import clean_line

SOURCES = {"script_only": "script", "ai_assisted": "ai", "human_manual": "human"}  # with the actor each stands for
ACTORS = frozenset({*SOURCES.values(), "hybrid"})
UNKNOWN_SOURCE = "other"
AREAS = {
    "mutation-loop": "loops",
    "triage-loop": "loops",
    "policy": "governance",
    "audit": "governance",
    "doctor": "governance",
    "people": "security",
    "link": "security",
    "migrate": "release",
}
MAX_TEXT_CHARACTERS = 200
MAX_ARGUMENTS = 64
MAX_RETRIES = 1_000_000  # more is no count of retries
LOCK_TRIES = 50
LOCK_PAUSE_SECONDS = 0.01  # half a second in all: a line takes microseconds to write, so a longer holder hangs
_YES, _NO = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class CommandRun:
    """How one command went: its words (`people add`), what stood behind `reins`, its exit code and duration."""

    command: str
    argv: Sequence[str]
    returncode: int
    duration_seconds: float
    ended_at: datetime


def wanted(environment: Mapping[str, str]) -> bool:
    """Tell whether events are to be written at all."""
    return _flag(environment, "REINS_METRICS_DISABLE") is not True


def metrics_event(run: CommandRun, environment: Mapping[str, str]) -> dict[str, object]:
    """Return the event of a command; what the environment does not state is None or `other`, never a flattering guess."""
    source = environment.get("REINS_EXECUTION_SOURCE", "")
    source = source if source in SOURCES else UNKNOWN_SOURCE
    actor = environment.get("REINS_EXECUTION_ACTOR", "")
    automated = _flag(environment, "REINS_METRICS_AUTOMATED")
    if automated is None and source != UNKNOWN_SOURCE:
        automated = source != "human_manual"
    first = run.command.partition(" ")[0]
    return {
        "timestamp": to_text(run.ended_at),
        "cycle_id": _text(environment, "REINS_METRICS_CYCLE_ID") or "local",
        "area": _text(environment, "REINS_METRICS_AREA") or AREAS.get(first, "misc"),
        "step": _text(environment, "REINS_METRICS_STEP") or f"reins:{run.command.replace(' ', ':')}",
        "command": run.command,
        "execution_source": source,
        "actor": actor if actor in ACTORS else SOURCES.get(source),
        "automated": automated,
        "success": run.returncode == 0,
        "returncode": run.returncode,
        "duration_seconds": round(run.duration_seconds, 2),
        "retries": _count(environment.get("REINS_METRICS_RETRIES", "0")),
        "manual_reason": _text(environment, "REINS_MANUAL_REASON"),
        "repeated_workaround": _flag(environment, "REINS_REPEATED_WORKAROUND") is True,
        "dry_run": "--dry-run" in run.argv,
        "argv": redacted_arguments(run.argv),
    }


def redacted_arguments(argv: Sequence[str]) -> list[str]:
    """Return the arguments without secrets: each is judged together with the option before it (`--token abc`)."""
    shown = []
    before = ""
    for argument in argv[:MAX_ARGUMENTS]:
        label = f"{before.lstrip('-')}=" if before.startswith("--") and "=" not in before else ""
        shown.append(clean_line(redact(label + argument).removeprefix(label), MAX_TEXT_CHARACTERS))
        before = argument
    return shown


def append_event(path: Path, event: Mapping[str, object], wait: Callable[[float], None] = time.sleep) -> None:
    """Append one event as one line, whole or not at all, beside other writers (D35).

    Raises:
        OSError: the file cannot be written, is a link, or another process held its lock for too long.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    line = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _lock(file, wait)
        size = os.fstat(file).st_size
        if os.write(file, line) != len(line):
            os.ftruncate(file, size)
            raise OSError(f"{path}: the disk took only a part of the line, which was removed again")
    finally:
        os.close(file)


def _lock(file: int, wait: Callable[[float], None]) -> None:
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            wait(LOCK_PAUSE_SECONDS)
        else:
            return
    raise TimeoutError("another process holds the file's lock")


def _text(environment: Mapping[str, str], name: str) -> str | None:
    return clean_line(redact(environment.get(name, "")), MAX_TEXT_CHARACTERS) or None


def _flag(environment: Mapping[str, str], name: str) -> bool | None:
    value = environment.get(name, "").strip().lower()
    return True if value in _YES else False if value in _NO else None


def _count(text: str) -> int | None:
    fits = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_RETRIES))
    return int(text) if fits and int(text) <= MAX_RETRIES else None
