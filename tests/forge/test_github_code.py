"""What GitHub tells of code: heads, how commits descend and what changed, workflow files, and what protects a branch."""

import base64
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from forge.code import BranchRules, Comparison, WorkflowFile
from forge.github_code import GitHubCode
from forge.port import Refused, Unreachable
from tests.fakes.github_reading import GitHubReading, github_reading
from tests.fakes.github_rig import answering
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.github import HOME
from tests.fakes.providers.github_graph import blob_sha

BRANCH, RULES, FILE, COMPARE = (
    "repos/get-branch",
    "repos/get-branch-rules",
    "repos/get-content",
    "repos/compare-commits",
)
CI = ".github/workflows/ci.yml"
A, B = "a" * 40, "b" * 40


async def answered(document: object, read: Callable[[GitHubCode], Awaitable[Any]]) -> Any:
    """Read from a server that answers this document, whatever it is asked."""

    async def handle(_request: web.Request) -> web.Response:
        return web.json_response(document)

    async with answering(handle) as client:
        return await read(GitHubCode(client))


async def test_a_branch_stands_at_its_last_commit() -> None:
    async with github_reading() as rig:
        names = ("main", "fix/one #1", "release/1.2")
        pushed = [rig.github.home.commits.push(name) for name in names]
        assert [await rig.code.head(HOME, name) for name in names] == pushed
        assert await rig.code.head(HOME, "gone") is None
        assert await rig.code.head("acme/other", "main") is None


@pytest.mark.parametrize("document", [{}, [], {"commit": {"sha": "main"}, "protected": False}, {"commit": None}])
async def test_an_answer_that_is_no_branch_tells_nothing(document: object) -> None:
    with pytest.raises(Unreachable, match="no branch"):
        await answered(document, lambda code: code.head(HOME, "main"))


async def test_a_commit_after_another_one_descends_and_all_changed_paths_are_named() -> None:
    async with github_reading() as rig:
        commits = rig.github.home.commits
        old = commits.push("main", files={"kept": "1", "changed": "1", "gone": "2", "was": "3"})
        commits.push("main", files={"changed": "2", "new": "4"})
        new = commits.push("main", files={"gone": None, "was": None, "is": "3"})
        expected = ("changed", "gone", "is", "new", "was")
        assert await rig.code.compare(HOME, old, new) == Comparison(True, expected, True)
        assert len(rig.github.seen) == 1


async def test_a_commit_descends_from_itself_with_nothing_changed() -> None:
    async with github_reading() as rig:
        head = rig.github.home.commits.push("main", files={"a": "1"})
        assert await rig.code.compare(HOME, head, head) == Comparison(True, (), True)


async def test_a_commit_beside_or_before_another_one_does_not_descend_and_its_files_are_not_all() -> None:
    async with github_reading() as rig:
        commits = rig.github.home.commits
        start = commits.branches["main"]
        ours = commits.push("main", files={"a": "1"})
        theirs = commits.push("topic", onto=start, files={"b": "1"})
        assert await rig.code.compare(HOME, ours, theirs) == Comparison(False, ("b",), False)
        assert await rig.code.compare(HOME, ours, start) == Comparison(False, (), False)


@pytest.mark.parametrize(("count", "complete"), [(299, True), (300, False), (301, False)])
async def test_from_three_hundred_files_on_nobody_knows_whether_they_are_all(count: int, complete: bool) -> None:
    async with github_reading() as rig:
        old = rig.github.home.commits.branches["main"]
        new = rig.github.home.commits.push("main", files={f"{number:03d}": str(number) for number in range(count)})
        found = await rig.code.compare(HOME, old, new)
        assert (len(found.files), found.complete) == (min(count, 300), complete)


@pytest.mark.parametrize("commit", ["main", "mallory:main", A[:7], A.upper(), A + "\n", "", "a\u202e"])
async def test_only_full_commit_ids_are_compared(commit: str) -> None:
    async with github_reading() as rig:
        for base, head in ((commit, B), (A, commit)):
            with pytest.raises(Refused) as refused:
                await rig.code.compare(HOME, base, head)
            assert (refused.value.reason, str(refused.value).isprintable()) == ("bad_commit", True)
        assert rig.github.seen == []


async def test_a_commit_that_is_not_there_cannot_be_compared() -> None:
    async with github_reading() as rig:
        with pytest.raises(Refused) as refused:
            await rig.code.compare(HOME, rig.github.home.commits.branches["main"], B)
        assert refused.value.reason == "not_found"


@pytest.mark.parametrize("document", [{}, {"status": "ahead", "files": [{}]}, {"status": "ahead", "files": None}, []])
async def test_an_answer_that_is_no_comparison_tells_nothing(document: object) -> None:
    with pytest.raises(Unreachable, match="no comparison"):
        await answered(document, lambda code: code.compare(HOME, A, B))


@pytest.mark.parametrize(("status", "descends"), [("ahead", True), ("identical", True), ("brand_new", False)])
async def test_only_words_that_say_so_mean_that_a_commit_descends(status: str, descends: bool) -> None:
    found = await answered({"status": status}, lambda code: code.compare(HOME, A, B))
    assert (found.descends, found.complete) == (descends, descends)


async def test_a_workflow_s_file_is_read_as_it_is_at_a_ref_with_git_s_own_id() -> None:
    async with github_reading() as rig:
        rig.github.workflow("ci.yml", source="name: ci\n")
        commits = rig.github.home.commits
        commits.push("fix/one", files={CI: "name: ä\n"})
        assert blob_sha("name: ci\n") == "c87443c43f5b9bcc3b4087b87d53f1785ee3a05e"  # as git hash-object says
        at_main = await rig.code.workflow_file(HOME, "ci.yml", "main")
        assert at_main == WorkflowFile(blob_sha("name: ci\n"), "name: ci\n")
        here = WorkflowFile(blob_sha("name: ä\n"), "name: ä\n")
        assert await rig.code.workflow_file(HOME, "ci.yml", "fix/one") == here
        assert await rig.code.workflow_file(HOME, "ci.yml", commits.branches["fix/one"]) == here


async def test_a_file_or_a_ref_that_is_not_there_is_none() -> None:
    async with github_reading() as rig:
        assert await rig.code.workflow_file(HOME, "gone.yml", "main") is None
        assert await rig.code.workflow_file(HOME, "ci.yml", "gone") is None


async def test_a_file_that_is_no_text_is_refused() -> None:
    async with github_reading() as rig:
        rig.github.home.commits.push("main", files={CI: b"\xff\xfe"})
        with pytest.raises(Refused) as refused:
            await rig.code.workflow_file(HOME, "ci.yml", "main")
        assert refused.value.reason == "unreadable_workflow"


def file(held: bytes, **changes: Any) -> dict[str, Any]:
    encoded = base64.b64encode(held).decode()
    return {"type": "file", "encoding": "base64", "content": encoded, "sha": blob_sha(held), **changes}


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (file(b"x", type="symlink"), "is no file"),
        (file(b"x", encoding="none", content=""), "is no file"),
        (file(b"x", sha="main"), "is no file"),
        ([file(b"x")], "is no file"),
        (file(b"x", content="x"), "holds no file"),
        (file(b"x", sha=A), "other bytes"),
        (file(b"x", sha="a" * 64), "other bytes"),
    ],
)
async def test_an_answer_that_does_not_hold_the_file_it_names_tells_nothing(document: object, says: str) -> None:
    with pytest.raises(Unreachable, match=says):
        await answered(document, lambda code: code.workflow_file(HOME, "ci.yml", "main"))


async def test_a_repository_with_longer_ids_is_read_as_well() -> None:
    known = hashlib.sha256(b"blob 1\0x").hexdigest()
    read = await answered(file(b"x", sha=known), lambda code: code.workflow_file(HOME, "ci.yml", "main"))
    assert read == WorkflowFile(known, "x")


async def test_a_branch_without_rules_is_open() -> None:
    async with github_reading() as rig:
        assert await rig.code.rules(HOME, "main") == BranchRules(False, False, False, ())


async def test_the_rules_of_a_branch_are_joined_from_its_settings_and_all_rulesets() -> None:
    async with github_reading() as rig:
        commits = rig.github.home.commits
        commits.push("release/1")
        commits.protect("release/1", ["build", "lint"])
        for _ in range(110):
            commits.restrict("release/1", "non_fast_forward")
        commits.rule("release/1", ["lint", "te\u202est"])
        found = await rig.code.rules(HOME, "release/1")
        assert found == BranchRules(True, False, False, ("build", "lint", "test"))
        assert rig.asked(RULES) == 2
        assert await rig.code.rules(HOME, "main") == BranchRules(False, False, False, ())


PULL = {
    "required_approving_review_count": 1,
    "dismiss_stale_reviews_on_push": False,
    "require_code_owner_review": False,
    "require_last_push_approval": False,
    "required_review_thread_resolution": False,
}
QUEUE = {
    "check_response_timeout_minutes": 60,
    "grouping_strategy": "ALLGREEN",
    "max_entries_to_build": 5,
    "max_entries_to_merge": 5,
    "merge_method": "MERGE",
    "min_entries_to_merge": 1,
    "min_entries_to_merge_wait_minutes": 5,
}


@pytest.mark.parametrize(
    ("kind", "parameters", "expected"),
    [
        ("pull_request", PULL, BranchRules(True, True, False, ())),
        ("merge_queue", QUEUE, BranchRules(True, True, False, ())),
        ("update", None, BranchRules(True, False, True, ())),
        ("creation", None, BranchRules(True, False, False, ())),
        ("deletion", None, BranchRules(True, False, False, ())),
    ],
)
async def test_a_rule_says_what_it_asks_of_a_push(kind: str, parameters: Any, expected: BranchRules) -> None:
    async with github_reading() as rig:
        rig.github.home.commits.restrict("main", kind, parameters)
        assert await rig.code.rules(HOME, "main") == expected


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ({"lock_branch": {"enabled": True}}, BranchRules(True, False, True, ())),
        ({"lock_branch": {"enabled": False}}, BranchRules(True, False, False, ())),
        ({"required_pull_request_reviews": None}, BranchRules(True, False, False, ())),
        ({"required_pull_request_reviews": {"require_last_push_approval": True}}, BranchRules(True, True, False, ())),
        ({"required_status_checks": None}, BranchRules(True, False, False, ())),
        ({"required_status_checks": {"checks": [{"context": "a"}]}}, BranchRules(True, False, False, ("a",))),
    ],
)
async def test_what_a_branch_shows_of_its_own_protection_counts(shown: Any, expected: BranchRules) -> None:
    async def handle(request: web.Request) -> web.Response:
        branch = {"commit": {"sha": A}, "protected": True, "protection": shown}
        return web.json_response([] if "/rules/" in request.path else branch)

    async with answering(handle) as client:
        assert await GitHubCode(client).rules(HOME, "main") == expected


async def test_a_branch_that_is_not_there_has_no_rules() -> None:
    async with github_reading() as rig:
        with pytest.raises(Refused, match="shows no branch gone") as refused:
            await rig.code.rules(HOME, "gone")
        assert (refused.value.reason, rig.asked(RULES)) == ("unknown_branch", 0)


async def test_an_answer_that_is_no_rule_tells_nothing() -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.json_response([{"type": 7}] if "/rules/" in request.path else {"commit": {"sha": A}, "protected": 1})

    async with answering(handle) as client:
        with pytest.raises(Unreachable, match="no rule"):
            await GitHubCode(client).rules(HOME, "main")


READS: list[tuple[str, Callable[[GitHubReading], Awaitable[object]]]] = [
    (BRANCH, lambda rig: rig.code.head(HOME, "main")),
    (RULES, lambda rig: rig.code.rules(HOME, "main")),
    (FILE, lambda rig: rig.code.workflow_file(HOME, "ci.yml", "main")),
    (COMPARE, lambda rig: rig.code.compare(HOME, *[rig.github.home.commits.branches["main"]] * 2)),
]


@pytest.mark.parametrize(("operation", "read"), READS)
@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.ACCEPT_THEN_DROP, Fault.BAD_JSON_AFTER_ACCEPT, Fault.TOO_MANY])
async def test_answers_that_fail_or_are_lost_say_that_nobody_can_tell_now(
    operation: str, read: Callable[[GitHubReading], Awaitable[object]], fault: Fault
) -> None:
    async with github_reading() as rig:
        rig.github.faults_on(operation).add(fault, times=2)  # aiohttp asks a second time by itself
        with pytest.raises(Unreachable):
            await read(rig)


@pytest.mark.parametrize(("operation", "read"), READS)
async def test_a_missing_permission_is_named_and_administration_is_never_asked_for(
    operation: str, read: Callable[[GitHubReading], Awaitable[object]]
) -> None:
    token = "github_pat_that_reads_nothing_at_all"
    async with github_reading(token=token) as rig:
        rig.github.tokens.add(token, permissions={} if operation != RULES else {"contents": "read"})
        with pytest.raises(Refused, match="metadata=read" if operation == RULES else "contents=read"):
            await read(rig)


async def test_contents_and_metadata_are_all_that_is_needed() -> None:
    token = "github_pat_that_reads_only_the_code_00"
    async with github_reading(token=token) as rig:
        rig.github.tokens.add(token, permissions={"contents": "read", "metadata": "read"})
        for _, read in READS:
            await read(rig)


async def test_what_has_not_changed_costs_nothing_of_the_hour() -> None:
    async with github_reading() as rig:
        for _, read in READS:
            await read(rig)
        left = rig.github.tokens.figures(rig.github.token)["remaining"]
        answers = [(await read(rig), await read(rig)) for _, read in READS]
        assert [first == second for first, second in answers] == [True] * 4
        assert rig.github.tokens.figures(rig.github.token)["remaining"] == left
