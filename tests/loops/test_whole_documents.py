"""Each document compared from its first line to its last, so that no line can vanish or change unseen."""

import json
from pathlib import Path

from domain.snapshots import LoopReason
from loops.documents import documents
from loops.mutation.loop import MutationSettings, run_mutation_loop
from loops.report import LoopMode
from loops.snapshots import read_snapshot
from loops.source import SourcePin
from loops.triage.loop import TriageSettings, run_triage_loop
from tests.fakes.loop_artifacts import backlog, write, write_mutmut
from tests.fakes.source_runs import Fixes, SourceRuns, sha
from tests.fakes.virtual_time import VirtualTime

MUTATION_HEAD = """
- Repository: acme/counter
- Branch: develop
- Mode: report-only
- Status: work_remains
- Reason: below_threshold
- Unresolved: 3
- Read at: 2026-11-22T14:00:00.000Z
- Measured at: 2026-11-22T12:00:00.000Z
- From: mutants/mutmut-cicd-stats.json
- Commit: aaa111
- Run: https://ci.example/runs/5
- Correlation: source_stated

25.00% is below the threshold of 80.00%: of 4 mutants 1 were killed, 0 timed out, 2 survived, 1 are run by no test; 2 h old
"""

MUTATION_REPORT = f"""# Mutation report
{MUTATION_HEAD}
## Score

- Tool: mutmut 3
- Score: 25.00%
- Threshold: 80.00%
- Convention: detected share: (killed + timeout) / (killed + timeout + survived + no coverage)

## Counts

- killed: 1
- timeout: 0
- survived: 2
- no coverage: 1
- invalid: 0
- ignored: 0
- error: 0
- pending: 0

## Hot spots

- 2 in src/calc.py: Board.move
- 1 in src/calc.py: add

## Survivors by operator

- not stated: 2
- no\\_coverage: 1
"""

PLAYBOOK = f"""# Mutation playbook
{MUTATION_HEAD}
## 1. Board.move

- File: src/calc.py
- Survived: 2
- Run by no test: 0
- Lines: not stated
- The report does not hold the change: look at it and assert what it alters.
- `mutmut show calc.xǁBoardǁmove__mutmut_1`
- `mutmut show calc.xǁBoardǁmove__mutmut_2`

## 2. add

- File: src/calc.py
- Survived: 0
- Run by no test: 1
- Lines: not stated
- No test runs this: write one that calls it and checks the result.
"""

TRIAGE_HEAD = """
- Repository: acme/counter
- Branch: develop
- Mode: report-only
- Status: work_remains
- Reason: unresolved
- Unresolved: 3
- Read at: 2026-11-22T14:00:00.000Z
- Measured at: 2026-11-22T13:00:00.000Z
- From: coderabbit: backlog-medium.json
- Commit: aaa111
- Run: unknown
- Correlation: source_stated

1 high, 1 medium, 1 unknown severity; 1 h old
"""

TRIAGE_REPORT = f"""# Triage report
{TRIAGE_HEAD}
## Open

- High or critical: 1
- Medium: 1
- Of unknown severity: 1

## Findings

- high, security: src/a.py:3 a hole
- unknown, not stated: look
- medium, docs: src/b.py say so
- low, docs: a comma
"""

PROPOSAL = f"""# Triage proposal
{TRIAGE_HEAD}
A proposal only: nothing was changed, and the texts below are quoted from reviews.

## security

- [ ] high, security: src/a.py:3 a hole

## maintainers

- [ ] unknown, not stated: look

## docs

- [ ] medium, docs: src/b.py say so
"""

MUTATION_JSON = {
    "schema_version": 1,
    "loop": "mutation",
    "repository": "acme/counter",
    "branch": "develop",
    "mode": "report-only",
    "status": "work_remains",
    "reason": "below_threshold",
    "detail": MUTATION_HEAD.splitlines()[-1],
    "unresolved": 3,
    "summary": "mutation 25.00%, needs 80.00%; 3 of 4 missed; 2 h old",
    "exit_code": 0,
    "taken_at": "2026-11-22T14:00:00.000Z",
    "measured_at": "2026-11-22T12:00:00.000Z",
    "source": "mutants/mutmut-cicd-stats.json",
    "attempts": [
        {
            "number": 1,
            "status": "done",
            "conclusion": "below_threshold",
            "started_at": "2026-11-22T14:00:00.000Z",
            "finished_at": "2026-11-22T14:00:00.000Z",
            "source_run_url": "https://ci.example/runs/5",
            "source_run_id": None,
            "source_run_attempt": None,
            "source_conclusion": None,
            "source_event": None,
            "source_started_at": None,
            "source_pull": None,
            "source_sha": "aaa111",
            "correlation": "source_stated",
            "fix_exit_code": None,
            "fix_commit": None,
        }
    ],
    "source_correlation": "source_stated",
    "completed_attempts": 1,
    "escalation_needed": False,
    "plan": None,
    "tool": "mutmut 3",
    "convention": "detected share: (killed + timeout) / (killed + timeout + survived + no coverage)",
    "threshold_basis_points": 8000,
    "score_basis_points": 2500,
    "score_percent": "25.00",
    "provisional": False,
    "counts": {
        "killed": 1,
        "timeout": 0,
        "survived": 2,
        "no_coverage": 1,
        "invalid": 0,
        "ignored": 0,
        "error": 0,
        "pending": 0,
    },
    "hot_spots": [
        {"file": "src/calc.py", "function": "Board.move", "survivors": 2},
        {"file": "src/calc.py", "function": "add", "survivors": 1},
    ],
    "categories": [{"name": "not stated", "count": 2}, {"name": "no_coverage", "count": 1}],
    "playbook": [
        {
            "file": "src/calc.py",
            "function": "Board.move",
            "survived": 2,
            "no_coverage": 0,
            "lines": [],
            "steps": ["The report does not hold the change: look at it and assert what it alters."],
            "commands": [
                "mutmut show calc.xǁBoardǁmove__mutmut_1",
                "mutmut show calc.xǁBoardǁmove__mutmut_2",
            ],
        },
        {
            "file": "src/calc.py",
            "function": "add",
            "survived": 0,
            "no_coverage": 1,
            "lines": [],
            "steps": ["No test runs this: write one that calls it and checks the result."],
            "commands": [],
        },
    ],
    "survivors": [
        {
            "file": "src/calc.py",
            "function": function,
            "line": None,
            "operator": "not stated",
            "replacement": key,
        }
        for function, key in (
            ("add", "calc.x_add__mutmut_1"),
            ("Board.move", "calc.xǁBoardǁmove__mutmut_1"),
            ("Board.move", "calc.xǁBoardǁmove__mutmut_2"),
        )
    ],
}


def test_every_line_of_the_mutation_documents(tmp_path: Path) -> None:
    codes: dict[str, int | None] = {
        "calc.x_add__mutmut_1": 33,
        "calc.x_add__mutmut_2": 1,
        "calc.xǁBoardǁmove__mutmut_1": 0,
        "calc.xǁBoardǁmove__mutmut_2": 0,
    }
    write_mutmut(tmp_path, codes, killed=1, survived=2, no_tests=1, total=4)
    record = {"finished_at": "2026-11-22T12:00:00Z", "head_sha": "aaa111", "run_url": "https://ci.example/runs/5"}
    write(tmp_path / "reins-run.json", record)
    report = run_mutation_loop(tmp_path, MutationSettings("acme/counter", "develop"), VirtualTime())
    made = documents(report)
    assert made[".md"] == MUTATION_REPORT
    assert made["-playbook.md"] == PLAYBOOK
    document = json.loads(made[".json"])
    assert read_snapshot(document) == report.snapshot
    del document["snapshot"]
    assert document == MUTATION_JSON
    assert made[".json"].startswith('{\n  "schema_version": 1,\n')
    assert made[".json"].endswith("}\n")


def test_every_line_of_the_triage_documents(tmp_path: Path) -> None:
    items = [
        {"severity": "low", "category": "docs", "summary": "a comma"},
        {"severity": "medium", "category": "docs", "summary": "say so", "path": "src/b.py"},
        {"severity": "?", "summary": "look", "line": 9},
        {"severity": "high", "category": "security", "summary": "a hole", "path": "src/a.py", "line": 3},
    ]
    write(tmp_path / "backlog-medium.json", backlog(items=items))
    made = documents(run_triage_loop(tmp_path, TriageSettings("acme/counter", "develop"), VirtualTime()))
    assert made[".md"] == TRIAGE_REPORT
    assert made["-proposal.md"] == PROPOSAL


async def test_attempts_a_plan_and_the_need_for_people_show_in_every_document() -> None:
    world = SourceRuns()
    world.add(111, sha("a"), ("high",))
    fixes = Fixes().pushes(sha("b"), lambda: world.add(222, sha("b"), ("medium",)))
    fixes.ends(LoopReason.FIX_MADE_NO_COMMIT)
    report = await world.attempts(SourcePin(), fixes, mode=LoopMode.FIX_ONLY).run()
    made = documents(report)
    plan = report.snapshot.plan
    assert plan is not None
    for text in (made[".md"], made["-proposal.md"]):
        assert (
            f"\n- Planned: mend, for commit {sha('b')}\n- Plan: {plan.digest()}\n- People have to decide: yes\n" in text
        )
        assert (
            "\n## Attempts\n\n"
            "- 1: run 111.1 of aaaaaaaaaaaa, source_artifact_sha_validated: unresolved; a fix pushed bbbbbbbbbbbb\n"
            "- 2: run 222.1 of bbbbbbbbbbbb, source_artifact_sha_validated: unresolved\n"
        ) in text
    document = json.loads(made[".json"])
    assert document["plan"] == {"digest": plan.digest(), "action": "mend", "arguments": {}, "commit": sha("b")}
    assert (document["reason"], document["exit_code"]) == ("fix_made_no_commit", 6)
    assert (document["escalation_needed"], document["completed_attempts"]) == (True, 2)
    assert [one["source_run_id"] for one in document["attempts"]] == [111, 222]
    assert [one["fix_commit"] for one in document["attempts"]] == [sha("b"), None]
    assert read_snapshot(document) == report.snapshot
