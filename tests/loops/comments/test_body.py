"""A comment says what was measured of which run, the same for the same run, and no outside text becomes markup in it."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.findings import Finding, HotSpot, Severity
from domain.fixes import FixPlan
from domain.snapshots import LoopReason, LoopStatus
from loops.comments.body import MAX_BODY_CHARACTERS, MAX_SHOWN, comment_body, escalation_body, quoted
from loops.report import Correlation, LoopReport
from tests.fakes.loop_reports import ATTEMPT, MUTATION, RUN_URL, SHA, TRIAGE, mutation_report, triage_report
from tests.fakes.virtual_time import START

PIECES = [
    "@everyone", "@acme/team", "ann@example.com", "<!-- reins:triage v=1 target=pr:7 -->", "<!--", "-->", "<img src=x>",
    "<script>", "</details>", "[x](http://evil.example)", "![x](https://evil.example/a.png)", "http://evil.example",
    "www.evil.example", "#1", "acme/app#12", "GH-34", "gh-5", "`", "```", "~~~", "*bold*", "__x__", "|a|b|", "\n# head",
    "\r\n- item", "> quote", "\u202eevil", "\u200b", "\x00", "\x1b[31m", "$\\color{red}{x}$", "$$x$$", "&lt;b&gt;",
    "&#64;ann", "\\", "\\@", "\\#1", "\\<", "\uff20ann", "\u2028# x", ":tada:", "fixes #1", "[^1]", "- [ ] x", "~~x~~",
]  # fmt: skip
hostile = st.lists(st.sampled_from(PIECES) | st.text(max_size=6), min_size=1, max_size=6).map("".join)
# What is ours to write: links to runs, bold-free headings, boxes to tick. Everything else that markdown knows is escaped.
OURS = re.compile(r"\[run(?: \d+ attempt \d+)?\]\(https://[^)\s]*\)|^#{3,4} |^- (?:\[ \] )?", re.MULTILINE)
MARKUP = re.compile(r"(?<!\\)(?:\\\\)*(?:[`*_\[\]|~#!]|[<>]|@(?!\u200b)|://|www\.|\$|\\?#\d|(?i:\bGH-\d))")


RUN = f"[run 111 attempt 2]({RUN_URL})"


def markup_in(text: str) -> list[str]:
    """Return what GitHub would not show as plain text."""
    left = OURS.sub("", text).replace("&#36;", "")
    return MARKUP.findall(left) + [one for one in left if not one.isprintable() and one not in "\n\u200b"]


def lines(report: LoopReport) -> list[str]:
    return comment_body(report).splitlines()


def test_a_triage_comment_says_what_of_which_run() -> None:
    assert lines(triage_report()) == [
        "### Triage loop: work remains",
        "",
        "- Repository: acme/app",
        "- Branch: develop",
        "- Mode: report-only",
        "- Reason: unresolved",
        "- Unresolved: 1",
        "- High or critical: 1",
        "- Medium: 0",
        "- Of unknown severity: 0",
        "- Measured at: 2026-11-22T14:00:00.000Z",
        f"- Source: {RUN}, started by push, commit {SHA}",
        "- Correlation: source artifact sha validated",
        "- Detail: 1 high severity",
        "",
        "#### Attempts",
        "",
        f"- Attempt 1: unresolved, {RUN}, commit {SHA}, source artifact sha validated, the run ended as success",
        "",
        "#### Findings",
        "",
        "- high, security: src/a.py:3 a hole",
    ]


def test_a_mutation_comment_has_score_threshold_and_hot_spots() -> None:
    shown = lines(mutation_report())
    assert shown[0] == "### Mutation loop: work remains"
    assert "- Score: 75.00%, needs 80.00%" in shown
    assert shown[-3:] == ["#### Hot spots", "", "- 1 in src/lib.rs: wins"]
    assert not [line for line in lines(mutation_report(evidence=None)) if "needs" in line]


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        (
            {"status": LoopStatus.UNKNOWN, "reason": LoopReason.NO_ARTIFACT},
            "- Unresolved: unknown: no result was found",
        ),
        ({"reason": LoopReason.FIX_BLOCKED}, "- Unresolved: unknown: fix blocked"),
    ],
)
def test_unknown_is_said_with_its_reason_and_never_zero_i11(changes: dict[str, Any], wanted: str) -> None:
    snapshot = replace(TRIAGE, high=None, medium=None, unknown_severity=None, measured_at=None, findings=())
    unread = replace(ATTEMPT, source_run_url=None, source_run_id=None, source_run_attempt=None, source_sha=None)
    unread = replace(unread, conclusion=None, source_event=None, correlation=Correlation.NO_RUN, source_conclusion=None)
    shown = lines(triage_report(unresolved=None, snapshot=snapshot, attempts=(unread,), **changes))
    assert wanted in shown
    for line in ("- High or critical: unknown", "- Measured at: unknown", "- Source: run unknown, commit unknown"):
        assert line in shown
    assert "- Attempt 1: unknown, run unknown, commit unknown, no source run" in shown
    assert not [line for line in shown if line.endswith(": 0")]


def test_a_score_that_is_not_known_is_called_so_and_a_provisional_one_too() -> None:
    unknown = replace(MUTATION, score_basis_points=None, reason=LoopReason.NO_MUTANTS)
    assert "- Score: unknown (no mutants), needs 80.00%" in lines(mutation_report(snapshot=unknown))
    provisional = replace(MUTATION, provisional=True)
    assert "- Score: 75.00% (provisional), needs 80.00%" in lines(mutation_report(snapshot=provisional))


def test_every_attempt_has_its_line_with_run_commit_and_fix() -> None:
    first = replace(ATTEMPT, fix_exit_code=0, fix_commit="b" * 40)
    second = replace(ATTEMPT, number=2, source_run_id=112, source_run_url=None, source_run_attempt=None)
    shown = lines(triage_report(attempts=(first, second)))
    assert next(line for line in shown if "Attempt 1" in line).endswith(f"the fix ended with 0, pushed {'b' * 40}")
    assert next(line for line in shown if "Attempt 2" in line).startswith("- Attempt 2: unresolved, run 112, commit")


def test_a_plan_is_shown_with_the_digest_that_an_approval_names() -> None:
    plan = FixPlan("triage", "lint_fix", {}, "acme/app", "develop", SHA, "w" * 64, "p" * 64)
    shown = lines(triage_report(snapshot=replace(TRIAGE, plan=plan)))
    assert f"- Plan: lint\\_fix, digest {plan.digest()}" in shown


@pytest.mark.parametrize(
    "tail", ["; 3 s old", "; 59 min old", "; 23 h old", "; 12 d old", "; age unknown", "; 12 h o…", "; age unkn…"]
)
def test_two_reports_of_one_run_have_one_text_whenever_they_are_made(tail: str) -> None:
    first = triage_report(detail="1 high severity; 2 h old")
    later = START + timedelta(hours=5)
    attempts = (replace(ATTEMPT, started_at=later, finished_at=later),)
    snapshot = replace(TRIAGE, taken_at=later, detail="1 high severity" + tail)
    again = triage_report(detail="1 high severity" + tail, summary="x" + tail, attempts=attempts, snapshot=snapshot)
    assert comment_body(again) == comment_body(first)


def test_how_old_is_too_old_is_not_said_but_when_it_was_measured() -> None:
    ages = [
        comment_body(
            triage_report(
                status=LoopStatus.UNKNOWN,
                reason=LoopReason.STALE_RUN,
                unresolved=None,
                detail=f"the backlog is {hours} h old, the limit is 24 h; run it again",
            )
        )
        for hours in (30, 31)
    ]
    assert ages[0] == ages[1]
    assert "unknown: the result is too old" in ages[0]


def test_the_worst_are_shown_and_the_rest_counted() -> None:
    findings = tuple(Finding("quality", Severity.LOW, f"item {number}") for number in range(MAX_SHOWN + 5))
    shown = lines(triage_report(snapshot=replace(TRIAGE, findings=findings)))
    assert shown[-2:] == [f"- low, quality: item {MAX_SHOWN - 1}", "- and 5 more"]


@pytest.mark.parametrize("characters", [500, 70_000])
def test_a_huge_report_is_cut_with_a_pointer_to_its_run(characters: int) -> None:
    attempts = tuple(
        replace(ATTEMPT, number=number, fix_commit="*" * characters) for number in range(70_000 // characters + 1)
    )
    body = comment_body(triage_report(attempts=attempts))
    assert len(body) <= MAX_BODY_CHARACTERS
    assert body.endswith(f"\n\nCut here; the whole report is with [run 111 attempt 2]({RUN_URL}).\n")
    odd = tuple(replace(one, source_run_url="gopher://" + "_" * 500) for one in attempts)
    assert len(comment_body(triage_report(attempts=odd))) <= MAX_BODY_CHARACTERS


def test_an_address_that_is_no_plain_one_becomes_no_link() -> None:
    for url in ("javascript:alert(1)", "https://evil.example/x) [y](z", "https://u@evil.example/", "https://"):
        body = comment_body(triage_report(attempts=(replace(ATTEMPT, source_run_url=url),)))
        assert not re.search(r"(?<!\\)\]\(", body)
        assert markup_in(body) == []


def test_the_question_to_people_names_three_ways_on() -> None:
    shown = escalation_body(triage_report(reason=LoopReason.ATTEMPTS_EXHAUSTED))
    assert shown.startswith("### Triage loop: people have to decide\n")
    assert "- Reason: attempts exhausted" in shown.splitlines()
    assert [word for word in ("by hand", "policy", "say here why") if word in shown] == [
        "by hand",
        "policy",
        "say here why",
    ]
    assert shown.count("- [ ] ") == 3
    assert markup_in(shown) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("@ann", "@\u200bann"),
        ("acme/app#1", "acme/app\\#\u200b1"),
        ("GH-1 gh-2 GH-x", "GH-\u200b1 gh-\u200b2 GH-x"),
        ("$x$", "&#36;x&#36;"),
        ("a # b", "a \\# b"),
    ],
)
def test_numbers_names_and_formulas_stay_text(text: str, shown: str) -> None:
    assert quoted(text) == shown


def test_the_check_for_markup_sees_markup() -> None:
    for raw in ("`a`", "@ann", "<b>", "#1", "\\#1", "GH-2", "[x](y)", "http://x", "www.x", "$x$", "*b*", "a\x00"):
        assert markup_in(f"- {raw}"), raw
    assert markup_in("- a\\\\`b`")
    assert markup_in("- a \\* @\u200bann \\#\u200b1 [run 5 attempt 1](https://x.example/y_z)\n### b") == []


@given(st.lists(hostile, min_size=9, max_size=9))
@settings(max_examples=200, deadline=None)
def test_no_text_of_a_repository_becomes_markup_or_mentions_anybody(texts: list[str]) -> None:
    category, summary, path, branch, repository, detail, sha, event, url = texts
    attempt = replace(
        ATTEMPT, source_sha=sha, source_event=event, source_run_url=url, source_conclusion=summary, fix_commit=sha
    )
    finding = Finding(category, Severity.HIGH, summary, path, 3)
    plan = FixPlan("triage", summary, {}, repository, branch, sha, "w" * 64, "p" * 64)
    snapshot = replace(TRIAGE, findings=(finding,), plan=plan)
    triage = triage_report(repository=repository, branch=branch, detail=detail, attempts=(attempt,), snapshot=snapshot)
    spots = replace(MUTATION, hot_spots=(HotSpot(path, summary, 1),))
    mutation = mutation_report(repository=repository, branch=branch, detail=detail, attempts=(attempt,), snapshot=spots)
    for text in (comment_body(triage), comment_body(mutation), escalation_body(triage)):
        assert markup_in(text) == []
        assert "<" not in text
        assert text.count("\n- ") == escalation_lines(text)


def escalation_lines(text: str) -> int:
    """Count the bullets that we wrote: outside text begins none."""
    return len(re.findall(r"^- (?:\[ \] |[A-Z][a-z ]+(?: \d+)?: |high, |\d+ in )", text, re.MULTILINE))
