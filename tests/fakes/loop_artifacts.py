"""Result files of the shapes their tools write, made small and to order."""

import json
import os
from pathlib import Path
from typing import Any

from tests.fakes.virtual_time import START

NOW = START
ENDED = "2026-11-22T12:00:00.123456Z"  # two hours before the tests' clock
BASELINE = {"scenario": "Baseline", "summary": "Success", "log_path": "log/baseline.log", "phase_results": []}
SUMMARY = {"killed": "CaughtMutant", "survived": "MissedMutant", "timeout": "Timeout", "invalid": "Unviable"}


def mutant(summary: str, line: int = 1, **changes: Any) -> dict[str, Any]:
    """Make one cargo-mutants row; `changes` replace fields of the mutant."""
    described: dict[str, Any] = {
        "name": f"src/lib.rs:{line}:5: replace > with == in wins",
        "package": "counter",
        "file": "src/lib.rs",
        "function": {"function_name": "wins", "return_type": "-> bool", "span": None},
        "span": {"start": {"line": line, "column": 5}, "end": {"line": line, "column": 6}},
        "replacement": "==",
        "genre": "BinaryOperator",
    }
    return {"scenario": {"Mutant": described | changes}, "summary": summary, "phase_results": []}


def rows(first_line: int = 1, **amounts: int) -> list[dict[str, Any]]:
    """Make rows by status, each on a line of its own: `rows(killed=8, survived=2)`."""
    made: list[dict[str, Any]] = []
    for status, amount in amounts.items():
        made += [mutant(SUMMARY[status], first_line + len(made) + index) for index in range(amount)]
    return made


def outcomes(mutants: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """Make a cargo-mutants 27 document; a change to `...` takes the field out."""
    document = {
        "outcomes": [BASELINE, *mutants],
        "total_mutants": len(mutants),
        "start_time": "2026-11-22T11:00:00Z",
        "end_time": ENDED,
        "cargo_mutants_version": "27.1.0",
    }
    return {name: value for name, value in (document | changes).items() if value is not ...}


def write(path: Path, document: object) -> Path:
    """Write JSON, making folders as needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def write_outcomes(folder: Path, mutants: list[dict[str, Any]], **changes: Any) -> Path:
    """Put one finished run into a folder."""
    return write(folder / "mutants.out" / "outcomes.json", outcomes(mutants, **changes))


def write_mutmut(folder: Path, codes: dict[str, int | None], **totals: int) -> None:
    """Put a mutmut folder with one source file into a folder; totals are written when any is given."""
    write(folder / "mutants" / "src" / "calc.py.meta", {"exit_code_by_key": codes, "durations_by_key": {}})
    if totals:
        write_mutmut_totals(folder / "mutants", **totals)


def write_mutmut_totals(folder: Path, **totals: int) -> None:
    """Write what `mutmut export-cicd-stats` writes."""
    names = ("killed", "survived", "total", "no_tests", "skipped", "suspicious", "timeout", "segfault")
    write(folder / "mutmut-cicd-stats.json", dict.fromkeys((*names, "check_was_interrupted_by_user"), 0) | totals)


def backlog(*severities: str | None, **changes: Any) -> dict[str, Any]:
    """Make a backlog file with one item per severity."""
    items = [
        {"category": "quality", "severity": severity, "summary": f"item {number}"}
        for number, severity in enumerate(severities)
    ]
    document = {
        "source": "coderabbit",
        "repository": "acme/counter",
        "pr_number": 7,
        "head_sha": "aaa111",
        "generated_at": "2026-11-22T13:00:00+00:00",
        "items": items,
        "agent_handoff": {"intent": "fix", "recommended_command": "make fix", "notes": []},
    }
    return document | changes


def sparse_file(path: Path, size_bytes: int) -> Path:
    """Make a file that claims a size without holding data."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.truncate(path, size_bytes)
    return path
