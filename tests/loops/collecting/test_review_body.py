"""A review's own text: every section, every form of it, and the figures it announces held against what was found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.findings import Severity
from loops.collecting.items import TroubleReason
from loops.collecting.review_body import MAX_FINDINGS, MAX_PROBLEMS, ReviewBody, read_body
from tests.fakes.coderabbit_texts import (
    CALLOUT,
    CORRECTNESS,
    NITPICKS,
    SECRET_PROMPT,
    file_part,
    finding,
    looked_at,
    quoted,
    section,
)


def reasons(body: ReviewBody) -> list[TroubleReason]:
    return [one.reason for one in body.problems]


def test_a_section_is_read_file_by_file() -> None:
    body = read_body(f"**Actionable comments posted: 3**\n\n{NITPICKS}")
    first, second = body.findings
    assert (first.path, first.line) == ("packages/slides/src/import/pptx/text.ts", 97)
    assert first.said.title == "Reuse the shared `TextInset` type instead of an inline duplicate."
    assert (first.said.severity, first.said.category, first.said.effort) == (Severity.LOW, "quality", "quick win")
    assert (second.path, second.line) == ("packages/slides/src/view/renderer.ts", 185)
    assert (body.actionable, body.declared, body.problems) == (3, 2, [])
    assert body.reviewed == {first.path, second.path}


def test_a_quoted_section_outside_of_the_diff_is_read() -> None:
    part = file_part("internal/foo.go", finding("Fix the cancellation path.", CORRECTNESS, "42-43", "abcdef"))
    body = read_body(quoted(section("⚠️ Outside diff range comments (1)", part)))
    (found,) = body.findings
    assert (found.path, found.line, found.fingerprint) == ("internal/foo.go", 42, "cr:abcdef")
    assert (found.said.severity, found.said.title) == (Severity.HIGH, "Fix the cancellation path.")
    assert body.problems == []


def test_a_bold_heading_with_a_part_for_each_finding_is_read() -> None:
    body = read_body(f"**Actionable comments posted: 1**\n\n{CALLOUT}\n{looked_at('lib/Module.js')}")
    (found,) = body.findings
    assert (found.path, found.line, found.said.severity) == ("lib/Module.js", 1758, Severity.HIGH)
    assert found.said.title == "Normalize `beforeHook` failures."
    assert found.fingerprint == "cr:494559ee184df094ca5fa571"
    assert SECRET_PROMPT not in str(body)
    assert (body.declared, body.problems) == (1, [])


def test_a_part_of_one_finding_without_lines_takes_them_from_its_place() -> None:
    part = "<details><summary><em>🟡 Minor</em> · T · <code>a.ts:7</code></summary>\n`a.ts:7`\n_🟡 Minor_\n\nWords\n</details>"
    body = read_body(f"**Nitpick comments (2)**\n{part}\n{part.replace(':7', '')}\n\n**Another text.**\n{part}")
    assert [(one.path, one.line, one.said.title) for one in body.findings] == [
        ("a.ts", 7, "Words"),
        ("a.ts", None, "Words"),
    ]
    assert body.problems == []


@pytest.mark.parametrize(
    ("title", "severity"),
    [
        ("🧹 Nitpick comments (1)", Severity.LOW),
        ("🔇 Additional comments (1)", Severity.INFO),
        ("Additional comments not posted (1)", Severity.INFO),
        ("⚠️ Outside diff range comments (1)", Severity.UNKNOWN),
        ("🔴 Critical comments (1)", Severity.CRITICAL),
        ("🟠 Major comments (1)", Severity.HIGH),
        ("🟡 Minor comments (1)", Severity.MEDIUM),
        ("🔵 Trivial comments (1)", Severity.LOW),
        ("🟡 Other comments (1)", Severity.UNKNOWN),
        ("🛑 Comments failed to post (1)", Severity.UNKNOWN),
        ("Outside diff range, codebase verification and nitpick comments (1)", Severity.UNKNOWN),
        ("Outside diff range and nitpick comments (1)", Severity.UNKNOWN),
    ],
)
def test_a_section_names_the_severity_only_where_its_name_says_one(title: str, severity: Severity) -> None:
    body = read_body(section(title, file_part("a.py", "`1-14`: LGTM!")))
    assert [(one.said.severity, one.said.title) for one in body.findings] == [(severity, "LGTM!")]
    assert (body.declared, body.problems) == (1, [])
    labelled = read_body(section(title, file_part("a.py", finding("x", CORRECTNESS))))
    assert labelled.findings[0].said.severity is Severity.HIGH


def test_findings_of_the_section_of_duplicates_are_no_new_ones() -> None:
    body = read_body(NITPICKS.replace("🧹 Nitpick", "♻️ Duplicate"))
    assert body.findings == []
    assert [one.line for one in body.repeated] == [97, 185]
    assert body.problems == []


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("`97-114`: **T**", 97),
        ("`7`: **T**", 7),
        ("`45-46, 50-52`: **T**", 45),
        ("62-75: _🟡 Minor_\n\n**T**", 62),
        ("4: **T**", 4),
        ("Line range hint `4-15`: \n**T**", 4),
        ("`0-0`: **T**", None),
        ("`999999999`: **T**", None),
    ],
)
def test_every_way_to_write_lines_is_read(written: str, line: int | None) -> None:
    (found,) = read_body(section("🛑 Comments failed to post (1)", file_part("a.py", written))).findings
    assert (found.line, found.said.title) == (line, "T")


def test_prose_that_begins_with_a_number_is_no_further_finding() -> None:
    text = finding("T") + "\n404: not found is what it answers\n`x`: neither\n"
    body = read_body(section("🧹 Nitpick comments (1)", file_part("a.py", text)))
    assert len(body.findings) == 1


def test_lines_behind_a_file_name_are_not_part_of_it() -> None:
    part = file_part("docs/export.md-441-443", "`441-443`: **T**")
    (found,) = read_body(section("🟡 Minor comments (1)", part)).findings
    assert found.path == "docs/export.md"
    (other,) = read_body(section("🟡 Minor comments (1)", file_part("docs/2026-10-12", "`441-443`: **T**"))).findings
    assert other.path == "docs/2026-10-12"


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (NITPICKS.replace("comments (2)", "comments (5)"), 3),
        (NITPICKS.replace("text.ts (1)", "text.ts (2)"), 1),
        (section("🧹 Nitpick comments (1)", "nothing folded"), 1),
        (section("🧹 Nitpick comments (1)", file_part("a.py", "no lines", count=1)), 1),
        (section("🧹 Nitpick comments (1)", "<details><summary>odd</summary></details>"), 1),
        ("**⚠️ Outside diff range comments (2)**\n", 2),
    ],
)
def test_a_figure_that_is_not_reached_is_told(text: str, missing: int) -> None:
    body = read_body(text)
    assert reasons(body) == [TroubleReason.SHORTFALL]
    assert f", {missing} of them were not found" in body.problems[0].detail


def test_a_section_nobody_knows_is_told_and_not_skipped() -> None:
    body = read_body(NITPICKS.replace("🧹 Nitpick", "🆕 Speculative"))
    assert reasons(body) == [TroubleReason.UNKNOWN_SECTION]
    assert "Speculative comments" in body.problems[0].detail
    assert body.findings == []
    assert reasons(read_body(section("🆕 New findings (2)"))) == [TroubleReason.UNKNOWN_SECTION]


@pytest.mark.parametrize(
    "title",
    ["⛔ Files ignored due to path filters (1)", "🧰 Additional context used (3)", "🪛 Ruff (0.16.3)", "📥 Commits"],
)
def test_sections_without_findings_are_no_trouble(title: str) -> None:
    body = read_body(section(title, "* `a.svg` is excluded by `!**/*.svg`\n"))
    assert (body.problems, body.findings, body.reviewed) == ([], [], set())


def test_what_a_review_looked_at_is_known() -> None:
    left = looked_at("c.py", title="💤 Files with no reviewable changes")
    body = read_body(looked_at("a.py", "src/b c.py") + left + looked_at("d.py", title="🚧 Files skipped as before"))
    assert (body.reviewed, body.passed_by) == ({"a.py", "src/b c.py"}, {"c.py"})


def test_prompts_are_not_looked_into() -> None:
    prompt = section("🤖 Prompt for all review comments with AI agents", NITPICKS)
    assert read_body(prompt).findings == []


def test_a_section_within_details_is_found_and_one_within_a_finding_is_not() -> None:
    assert len(read_body(section("📜 Review details", NITPICKS)).findings) == 2
    body = read_body(section("🧹 Nitpick comments (1)", file_part("a.py", finding("T") + NITPICKS)))
    assert [one.said.title for one in body.findings] == ["T"]


def test_a_text_that_does_not_end_is_told() -> None:
    assert reasons(read_body(NITPICKS + "\n<details>")) == [TroubleReason.UNREADABLE]


def test_findings_and_problems_are_capped_and_that_is_told() -> None:
    many = file_part("a.py", *(f"`{number}`: **T**" for number in range(1, MAX_FINDINGS + 9)))
    body = read_body(section(f"🧹 Nitpick comments ({MAX_FINDINGS + 8})", many))
    assert (len(body.findings), reasons(body)) == (MAX_FINDINGS, [TroubleReason.TOO_MUCH])
    assert len(read_body(section("🆕 Odd comments (1)") * (MAX_PROBLEMS + 5)).problems) == MAX_PROBLEMS


TAGS = (
    "<details>",
    "</details>",
    "<summary>",
    "</summary>",
    "<!--",
    "-->",
    "<!-- cr-comment:v1:ab -->",
    "<code>a:1</code>",
)
TEXTS = ("🧹 Nitpick comments (2)", "a.py (1)", "`1-2`: ", "**T**", "_🟠 Major_", " | ", "\n", "> ", "```", "text", "(")
PIECES = st.sampled_from((*TAGS, *TEXTS))


@given(st.lists(PIECES, max_size=120).map("".join))
def test_any_text_is_read_without_an_exception_and_within_the_caps(text: str) -> None:
    body = read_body(text)
    assert len(body.findings) <= MAX_FINDINGS
    assert len(body.problems) <= MAX_PROBLEMS


@pytest.mark.parametrize("piece", ["<details>", "<summary>", "`", "**", "`1`: **a** ", "> ", "<!--", "(1", "| _x_ "])
def test_a_hostile_text_of_a_megabyte_is_read_at_once(piece: str) -> None:
    assert len(read_body(piece * (1_000_000 // len(piece))).findings) <= MAX_FINDINGS
