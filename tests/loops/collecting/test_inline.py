"""Comments on lines: whose they are, what they are called, how bad, and when they do not count any more."""

from dataclasses import replace

import pytest

from domain.findings import Severity
from forge.reviews import ReviewComment
from loops.collecting.inline import InlineSeen, inline_seen
from loops.collecting.items import NO_TITLE, ClosedReason, Item, ItemSource
from tests.fakes.coderabbit_texts import CODERABBIT, MARK, NO_TIMEOUT, PIN, REAP, SECRET_PROMPT, TWO_FIELDS, comment

COMMENT = ReviewComment(
    id=1,
    author=CODERABBIT,
    body=NO_TIMEOUT,
    path="src/a.ts",
    line=12,
    original_line=10,
    commit_id="a" * 40,
    in_reply_to=None,
    url="https://github.example/acme/app/pull/7#discussion_r1",
    outdated=False,
)


def seen(body: str, **changes: object) -> InlineSeen:
    (one,) = inline_seen([replace(COMMENT, body=body, **changes)])  # type: ignore[arg-type]
    return one


def item(body: str) -> Item:
    return seen(body).item


def test_a_comment_is_an_item_with_its_place_and_page() -> None:
    found = seen(NO_TIMEOUT)
    assert found.closed is None
    assert found.item == Item(
        source=ItemSource.INLINE,
        category="quality",
        severity=Severity.HIGH,
        summary="No timeout on `fetch` calls — requests can hang indefinitely.",
        path="src/a.ts",
        line=12,
        fingerprint=found.item.fingerprint,
        url=COMMENT.url,
        first_seen_sha="a" * 40,
        seen_sha="a" * 40,
    )


def test_the_title_is_the_first_bold_text_that_is_neither_code_nor_folded_nor_hidden() -> None:
    assert item(REAP).summary == "Reap the process group on `exit`, not only on `close`."
    found = item(PIN)
    assert found.summary == "Pin the markdown-it dependency to a version that has the fix."
    assert (found.category, found.severity, found.effort) == ("security", Severity.MEDIUM, "quick win")
    assert found.fingerprint == f"cr:{MARK}"
    assert item("_🟠 Major_\n\nLooks at `**/node_modules/`.\n\n**Real.**").summary == "Real."


def test_a_prompt_for_programs_is_never_handed_on_folded_or_not() -> None:
    assert SECRET_PROMPT not in str(item(PIN))
    bare = item(f"{TWO_FIELDS}\n\n**🤖 Prompt for AI Agents**\n\n**{SECRET_PROMPT}**")
    assert bare.summary == NO_TITLE
    assert item("_🟠 Major_\n\n**Clean the prompt for our agents.**").summary == "Clean the prompt for our agents."


@pytest.mark.parametrize("author", ["coderabbitai", "coderabbitai[bot]x", "CodeRabbitAI[bot]", "mallory", ""])
def test_whoever_is_called_nearly_so_is_somebody_else(author: str) -> None:
    assert not list(inline_seen([replace(COMMENT, author=author)]))


def test_replies_are_no_findings() -> None:
    assert not list(inline_seen([replace(COMMENT, in_reply_to=9)]))


@pytest.mark.parametrize(
    ("body", "summary", "severity"),
    [
        ("**Only a title.**\n\nHigh and low.", "Only a title.", Severity.UNKNOWN),
        ("no mark at all", "no mark at all", Severity.UNKNOWN),
        ("Medium: this low-level call", "Medium: this low-level call", Severity.MEDIUM),
        ("", NO_TITLE, Severity.UNKNOWN),
        ("_🟠 Major_", NO_TITLE, Severity.HIGH),
        (
            "_⚠️ Potential issue_\n\n**Critical: but that is no label.**",
            "Critical: but that is no label.",
            Severity.UNKNOWN,
        ),
        ("_🧹 Nitpick_\n\n**Say more.**", "Say more.", Severity.LOW),
        ("`src/a.ts:12`\n_🔴 Critical_\n\n**Deep.**", "Deep.", Severity.CRITICAL),
        ("unclosed **bold", "unclosed **bold", Severity.UNKNOWN),
    ],
)
def test_unusual_comments_are_findings_and_never_guessed_low(body: str, summary: str, severity: Severity) -> None:
    found = item(body)
    assert (found.summary, found.severity) == (summary, severity)


def test_an_unknown_severity_keeps_its_word_and_a_known_one_needs_none() -> None:
    assert item(comment("_⚠️ Potential issue_ | _🟣 Catastrophic_", "x")).severity_word == "🟣 Catastrophic"
    assert item(comment("_🟠 Major_ | _🆕 Something_", "x")).severity_word is None


def test_an_outdated_comment_does_not_count_and_tells_its_old_line() -> None:
    found = seen(NO_TIMEOUT, line=None, outdated=True)
    assert (found.closed, found.item.line) == (ClosedReason.OUTDATED, 10)


@pytest.mark.parametrize("words", ["✅ Addressed in commit 7658828", "✅ Addressed in commits c371cce to ec989ea"])
def test_what_its_author_calls_addressed_does_not_count(words: str) -> None:
    assert seen(f"{NO_TIMEOUT}\n\n{words}\n").closed is ClosedReason.ADDRESSED


@pytest.mark.parametrize(
    "words",
    [
        "It is not ✅ Addressed in commit 7658828",
        "```\n✅ Addressed in commit 7658828\n```",
        "<details>\n✅ Addressed in commit 7658828\n</details>",
        "✅ Addressed in commit soon",
    ],
)
def test_quoted_or_other_words_address_nothing(words: str) -> None:
    assert seen(f"{NO_TIMEOUT}\n\n{words}\n").closed is None


def test_the_name_rests_on_path_category_and_title_and_not_on_the_line() -> None:
    first, moved = item(NO_TIMEOUT), seen(NO_TIMEOUT, line=99).item
    assert first.fingerprint == moved.fingerprint
    assert first.fingerprint != seen(NO_TIMEOUT, path="src/b.ts").item.fingerprint


def test_outside_text_is_cleaned_and_capped() -> None:
    found = seen(comment("_🟠 Major_", "a\u202eb" + "x" * 900), path="p\u200b" + "q" * 900).item
    assert found.summary.startswith("abx")
    assert (len(found.summary), len(found.path or "")) == (220, 400)
