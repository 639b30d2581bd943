"""The files of a backlog: written whole, read back the same, and never trusted."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loops.artifacts import ArtifactError
from loops.collecting.collect import Collected, collect
from loops.collecting.document import MAX_SHOWN, priority_json, triage_markdown, write_collected
from loops.collecting.items import Item, ItemStatus
from loops.collecting.order import CollectOrder
from loops.collecting.previous import read_previous
from tests.fakes.change_under_review import FIRST, REPOSITORY, ChangeUnderReview
from tests.fakes.coderabbit_texts import PIN, SECRET_PROMPT, comment
from tests.fakes.loop_artifacts import write
from tests.fakes.virtual_time import START, VirtualTime

FILES = ["backlog-medium.json", "backlog-medium.md", "priority.json", "triage.md"]


async def backlog(*bodies: str, **changes: Any) -> Collected:
    made = ChangeUnderReview()
    made.push(FIRST)
    for body in bodies:
        made.comment(body)
    order = CollectOrder(REPOSITORY, pr_number=7, run_id=5, run_attempt=2)
    return replace(await collect(made, made, order, None, VirtualTime()), **changes)


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


async def test_the_backlog_holds_medium_and_worse_and_the_other_file_everything(tmp_path: Path) -> None:
    collected = await backlog(PIN, comment("_🔵 Trivial_", "small"), comment("_⚠️ Potential issue_ | _🟣 Odd_", "odd"))
    written = write_collected(tmp_path / "new", collected)
    assert sorted(path.name for path in written) == sorted(path.name for path in (tmp_path / "new").iterdir()) == FILES
    document = read(tmp_path / "new" / "backlog-medium.json")
    assert [one["severity"] for one in document["items"]] == ["unknown", "medium"]
    assert document["items"][0]["severity_word"] == "🟣 Odd"
    head = {name: document[name] for name in ("source", "repository", "branch", "pr_number", "head_sha", "run_id")}
    assert head == {
        "source": "coderabbit",
        "repository": REPOSITORY,
        "branch": "feature",
        "pr_number": 7,
        "head_sha": FIRST,
        "run_id": 5,
    }
    assert (document["run_attempt"], document["complete"], document["trouble"]) == (2, True, [])
    assert document["generated_at"] == "2026-11-22T14:00:00.000Z"
    assert document["counts"] == {"critical": 0, "high": 0, "unknown": 1, "medium": 1, "low": 1, "info": 0}
    assert document["declared"] == {"actionable": 0, "inline": 3, "listed": 0, "parsed": 0}
    everything = read(tmp_path / "new" / "priority.json")
    assert [one["severity"] for one in everything["items"]] == ["unknown", "medium", "low"]
    assert everything["items"][1] == {
        "category": "security",
        "severity": "medium",
        "severity_word": None,
        "effort": "quick win",
        "summary": "Pin the markdown-it dependency to a version that has the fix.",
        "path": "src/a.py",
        "line": 3,
        "source": "inline",
        "fingerprint": "cr:89e5b52cfcb0fcabce0e12a0",
        "url": "https://github.example/acme/app/pull/7#discussion_r1",
        "status": "open",
        "first_seen_sha": FIRST,
        "seen_sha": FIRST,
    }


async def test_no_file_holds_what_is_written_for_programs(tmp_path: Path) -> None:
    for path in write_collected(tmp_path, await backlog(PIN)):
        assert SECRET_PROMPT not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("named", ["", "priority.json"])
async def test_what_was_written_is_read_back(tmp_path: Path, named: str) -> None:
    collected = await backlog(PIN, comment("_🟣 Odd_ | _⚡ Quick win_", "odd"))
    write_collected(tmp_path / "artifact", collected)
    place = tmp_path / "artifact" / named if named else tmp_path
    previous = read_previous(place, START)
    assert previous is not None
    assert previous.items == collected.items
    assert (previous.repository, previous.pr_number, previous.generated_at) == (REPOSITORY, 7, START)


async def test_the_smaller_file_is_read_where_only_it_is_there(tmp_path: Path) -> None:
    collected = await backlog(PIN, comment("_🔵 Trivial_", "small"))
    write_collected(tmp_path, collected)
    (tmp_path / "priority.json").unlink()
    previous = read_previous(tmp_path, START)
    assert previous is not None
    assert previous.items == collected.unresolved


def test_no_file_is_no_previous_backlog(tmp_path: Path) -> None:
    assert read_previous(tmp_path, START) is None
    assert read_previous(tmp_path / "nowhere", START) is None


async def test_several_files_are_not_chosen_from(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_collected(tmp_path / folder, await backlog())
    with pytest.raises(ArtifactError, match=r"a/priority\.json is one of 2 files"):
        read_previous(tmp_path, START)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"schema_version": None}, "schema_version must be 1"),
        ({"schema_version": 2}, "schema_version must be 1"),
        ({"generated_at": None}, "generated_at is missing"),
        ({"generated_at": "2030-01-01T00:00:00Z"}, "generated_at lies in the future"),
        ({"repository": 7}, "repository must be text"),
        ({"items": None}, "items must be a list"),
        ({"fingerprint": "cr:../x"}, r"items\[0\].fingerprint must be a kind"),
        ({"url": "javascript:alert(1)"}, r"items\[0\].url must be the address of a page"),
        ({"seen_sha": "../x"}, r"items\[0\].seen_sha must be a commit id"),
        ({"line": -1}, r"items\[0\].line must be a whole number"),
        ({"summary": None}, r"items\[0\].summary is missing"),
    ],
)
async def test_a_file_of_another_shape_is_refused_with_its_field(
    tmp_path: Path, changes: dict[str, object], complaint: str
) -> None:
    document = json.loads(priority_json(await backlog(PIN)))
    for name, value in changes.items():
        (document if name in document else document["items"][0])[name] = value
    with pytest.raises(ArtifactError, match=complaint):
        read_previous(write(tmp_path / "priority.json", document), START)


async def test_an_item_from_nowhere_is_refused(tmp_path: Path) -> None:
    document = json.loads(priority_json(await backlog(PIN)))
    document["items"][0]["source"] = "elsewhere"
    with pytest.raises(ArtifactError, match=r"items\[0\].source must be one of inline, review_body"):
        _items(tmp_path, document)


async def test_text_of_a_file_is_cleaned_and_capped(tmp_path: Path) -> None:
    document = json.loads(priority_json(await backlog(PIN)))
    hostile = "a\u202eb" + "x" * 900
    document["items"][0] |= dict.fromkeys(("summary", "path", "category", "severity_word", "effort"), hostile)
    document["items"][0] |= {"first_seen_sha": None, "severity": "unheard of"}
    previous = read_previous(write(tmp_path / "priority.json", document), START)
    assert previous is not None
    (item,) = previous.items
    texts = (item.summary, item.path, item.category, item.severity_word, item.effort)
    assert [len(text or "") for text in texts] == [220, 400, 40, 60, 60]
    assert "\u202e" not in str(texts)
    assert (item.first_seen_sha, item.severity.value) == ("", "unknown")
    bare = {**document["items"][0], "category": None, "path": "\u202e", "effort": None, "severity_word": None}
    (plain,) = _items(tmp_path, {**document, "items": [bare]})
    assert (plain.category, plain.path, plain.effort) == ("quality", None, None)


def _items(folder: Path, document: dict[str, Any]) -> tuple[Item, ...]:
    previous = read_previous(write(folder / "priority.json", document), START)
    assert previous is not None
    return previous.items


async def test_the_text_for_people_quotes_and_escapes() -> None:
    text = triage_markdown(await backlog(comment("_🟠 Major_", "Ask @ann <b>now</b>, see www.x.example")))
    assert "- high, quality, open: src/a.py:3 Ask @\u200bann" in text
    assert "@ann" not in text
    assert "- Complete: yes" in text
    assert "- Pull request: 7" in text
    assert "0 critical, 1 high, 0 unknown" in text
    assert "## Trouble" not in text
    assert "## Closed" not in text


async def test_the_text_for_people_says_when_nothing_or_not_everything_is_known() -> None:
    assert "## Findings" not in triage_markdown(await backlog())
    made = ChangeUnderReview()
    order = CollectOrder(REPOSITORY, pr_number=7)
    text = triage_markdown(replace(await collect(made, made, order, None, VirtualTime()), pr_number=None))
    assert "- Complete: no" in text
    assert "- Pull request: unknown" in text
    assert "- Commit: unknown" in text
    assert "- pull, not_found: acme/app shows no pull request 7" in text
    none = await collect(made, made, CollectOrder(REPOSITORY, head_sha=FIRST, branch="b"), None, VirtualTime())
    assert "- Pull request: none" in triage_markdown(none)


async def test_long_lists_are_cut_for_people_and_their_length_is_told() -> None:
    many = [comment("_🟠 Major_", f"finding {number}") for number in range(MAX_SHOWN + 2)]
    text = triage_markdown(await backlog(*many))
    assert text.count("- high, quality") == MAX_SHOWN
    assert "- and 2 more" in text


async def test_what_was_closed_is_told() -> None:
    made = ChangeUnderReview()
    made.push(FIRST)
    made.comment(comment("_🟠 Major_", "done"), line=None)
    collected = await collect(made, made, CollectOrder(REPOSITORY, pr_number=7), None, VirtualTime())
    assert "## Closed\n\n- outdated: high, quality, open: src/a.py:3 done" in triage_markdown(collected)
    (closed,) = json.loads(priority_json(collected))["closed"]
    assert (closed["summary"], closed["reason"]) == ("done", "outdated")


async def test_an_item_without_a_line_or_path_has_no_place() -> None:
    collected = await backlog(PIN)
    (item,) = collected.items
    text = triage_markdown(replace(collected, items=(replace(item, line=None), replace(item, path=None))))
    assert "open: src/a.py Pin" in text
    assert "open: Pin" in text
    assert item.status is ItemStatus.OPEN
