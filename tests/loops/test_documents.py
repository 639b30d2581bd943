"""Documents hold what the report says, keep unknown unknown, and let no outside text become markup."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loops.bundle import SUFFIX
from loops.documents import documents
from loops.mutation.loop import MutationSettings, run_mutation_loop
from loops.rendering import percent, prose
from loops.report import LoopReport
from loops.triage.loop import TriageSettings, run_triage_loop
from tests.fakes.loop_artifacts import backlog, mutant, rows, write, write_mutmut, write_outcomes
from tests.fakes.virtual_time import VirtualTime

HOSTILE = "a`b|c<img src=x>&*_[x](http://evil.example)\n# head @everyone #1 ~~www.evil.example\u202e"


def mutation(folder: Path, branch: str = "develop") -> LoopReport:
    return run_mutation_loop(folder, MutationSettings("acme/counter", branch), VirtualTime())


def triage(folder: Path, document: object) -> LoopReport:
    write(folder / "backlog-medium.json", document)
    return run_triage_loop(folder, TriageSettings("acme/counter", "develop"), VirtualTime())


def all_values(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [inner for each in value.values() for inner in all_values(each)]
    return [inner for each in value for inner in all_values(each)] if isinstance(value, list) else [value]


def test_a_mutation_report_has_its_documents(tmp_path: Path) -> None:
    write_outcomes(tmp_path, rows(killed=33, survived=7))
    made = documents(mutation(tmp_path))
    assert sorted(made) == ["-comment.json", "-playbook.md", ".json", ".md"]
    assert all(SUFFIX.fullmatch(suffix) for suffix in made)
    assert "- Score: 82.50%" in made[".md"].splitlines()
    assert "- 7 in src/lib.rs: wins" in made[".md"].splitlines()
    assert "- BinaryOperator: 7" in made[".md"].splitlines()
    assert "- Lines: 34, 35, 36, 37, 38, 39, 40" in made["-playbook.md"].splitlines()
    assert "test the boundary itself" in made["-playbook.md"]


def test_the_mutation_json_has_closed_words_zulu_times_and_no_floats(tmp_path: Path) -> None:
    write_outcomes(tmp_path, rows(killed=33, survived=7))
    document = json.loads(documents(mutation(tmp_path))[".json"])
    assert (document["schema_version"], document["loop"], document["mode"]) == (1, "mutation", "report-only")
    assert (document["status"], document["reason"], document["exit_code"]) == ("ok", "threshold_met", 0)
    assert (document["score_basis_points"], document["score_percent"]) == (8_250, "82.50")
    assert (document["taken_at"], document["measured_at"]) == ("2026-11-22T14:00:00.000Z", "2026-11-22T12:00:00.123Z")
    assert document["counts"]["survived"] == document["unresolved"] == 7
    assert document["hot_spots"] == [{"file": "src/lib.rs", "function": "wins", "survivors": 7}]
    assert document["attempts"][0]["correlation"] == "source_not_stated"
    assert not [value for value in all_values(document) if isinstance(value, float)]


def test_nothing_read_gives_null_and_the_word_unknown_and_no_zero_d6(tmp_path: Path) -> None:
    made = documents(mutation(tmp_path))
    document = json.loads(made[".json"])
    counts = [document["score_basis_points"], document["score_percent"], document["unresolved"], document["tool"]]
    assert counts + list(document["counts"].values()) == [None] * 12
    assert "- Score: unknown (no_artifact)" in made[".md"].splitlines()
    assert "- killed: unknown" in made[".md"].splitlines()
    assert "- Unresolved: unknown" in made["-playbook.md"].splitlines()
    assert "No place to work on is known from this report." in made["-playbook.md"]
    assert not [line for line in made[".md"].splitlines() if line.endswith((": 0", "100.00%"))]


def test_a_provisional_score_is_called_so(tmp_path: Path) -> None:
    write_outcomes(tmp_path, rows(killed=1), end_time=None)
    assert "- Score: 100.00% (provisional)" in documents(mutation(tmp_path))[".md"].splitlines()


def test_an_unknown_age_is_called_so_d15(tmp_path: Path) -> None:
    write_mutmut(tmp_path, {"calc.x_add__mutmut_1": 0})
    made = documents(mutation(tmp_path))
    assert "- Measured at: unknown" in made[".md"].splitlines()
    assert json.loads(made[".json"])["measured_at"] is None
    assert "- Lines: not stated" in made["-playbook.md"].splitlines()
    assert "- `mutmut show calc.x_add__mutmut_1`" in made["-playbook.md"].splitlines()


def assert_tame(markdown: str) -> None:
    for raw in ("a`b", "b|c", "<img", "&*", "[x]", "http://evil", "@everyone", " #1", "~~", "www.evil", "\u202e"):
        assert raw not in markdown
    assert "\n# head" not in markdown


def test_hostile_names_stay_text_in_every_mutation_document_d37(tmp_path: Path) -> None:
    hostile = mutant("MissedMutant", file=HOSTILE, function={"function_name": HOSTILE}, genre=HOSTILE)
    write_outcomes(tmp_path, [hostile])
    made = documents(mutation(tmp_path, branch=HOSTILE))
    assert_tame(made[".md"])
    assert_tame(made["-playbook.md"])
    assert json.loads(made[".json"])["branch"].startswith("a`b|c<img")


def test_hostile_findings_stay_text_in_every_triage_document_d37(tmp_path: Path) -> None:
    item = {"severity": "high", "category": HOSTILE, "summary": HOSTILE, "path": HOSTILE}
    made = documents(triage(tmp_path, backlog(items=[item])))
    assert_tame(made[".md"])
    assert_tame(made["-proposal.md"])


def test_a_mutant_that_names_a_backtick_cannot_leave_its_code_span_d37(tmp_path: Path) -> None:
    write_mutmut(tmp_path, {"calc.x_a`[x](http://evil)__mutmut_1": 0})
    assert "mutmut show" not in documents(mutation(tmp_path))["-playbook.md"]


def test_a_triage_report_has_its_documents(tmp_path: Path) -> None:
    items = [
        {"severity": "medium", "category": "docs", "summary": "say so", "path": "docs/a.md", "line": 3},
        {"severity": "critical", "category": "Security", "summary": "hole"},
        {"severity": "what", "category": "gardening", "summary": "look"},
        {"severity": "low", "category": "docs", "summary": "comma"},
    ]
    made = documents(triage(tmp_path, backlog(items=items)))
    assert sorted(made) == ["-comment.json", "-proposal.md", ".json", ".md"]
    assert "- medium, docs: docs/a.md:3 say so" in made[".md"].splitlines()
    proposal = made["-proposal.md"]
    owners = [line for line in proposal.splitlines() if line.startswith("## ")]
    assert owners == ["## security", "## maintainers", "## docs"]
    assert "- [ ] critical, Security: hole" in proposal.splitlines()
    assert "comma" not in proposal
    document = json.loads(made[".json"])
    assert document["counts"] == {"high_or_critical": 1, "medium": 1, "unknown_severity": 1}
    assert (document["unresolved"], document["head_sha"], document["pr_number"]) == (3, "aaa111", 7)
    assert document["findings"][0]["severity"] == "critical"


def test_the_hand_off_for_agents_is_never_passed_on_d37(tmp_path: Path) -> None:
    made = documents(triage(tmp_path, backlog("high")))
    assert "make fix" not in "".join(made.values())


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (backlog(), "- [ ] Close the triage item of this branch."),
        ({}, "Nothing is proposed while the backlog is unknown."),
    ],
)
def test_the_proposal_fits_what_is_known(tmp_path: Path, document: object, sentence: str) -> None:
    assert sentence in documents(triage(tmp_path, document))["-proposal.md"].splitlines()


def test_a_mutation_report_without_its_evidence_is_no_document(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="carries its evidence"):
        documents(replace(mutation(tmp_path), evidence=None))


def test_percent_keeps_two_decimals() -> None:
    assert [percent(points) for points in (0, 5, 8_250, 10_000)] == ["0.00", "0.05", "82.50", "100.00"]


def test_prose_is_capped_before_it_is_escaped() -> None:
    assert prose("*" * 50, 3) == "\\*\\*…"
