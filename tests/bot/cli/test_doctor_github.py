"""`reins doctor` on GitHub: who we are there, and every action's workflow looked into before anybody starts it."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.cli.checks.finding import Finding, Level
from bot.cli.checks.github import ask_github
from bot.forge_settings import GitHubOptions
from domain.clock import SystemClock
from policy.file import Action
from tests.bot.cli.command_line import CommandLine
from tests.bot.cli.provider_thread import beside
from tests.fakes.policies import example_policy
from tests.fakes.providers.github import HOME, TOKEN, FakeGitHub
from tests.fakes.providers.github_graph import blob_sha
from tests.fakes.providers.github_tokens import Kind
from tests.fakes.virtual_time import VirtualTime

GOOD = """name: ci
run-name: CI [${{ inputs.request_id }}]
on:
  workflow_dispatch:
    inputs:
      request_id:
        type: string
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - run: make test
"""
UNSAFE = GOOD.replace("make test", "echo ${{ inputs.request_id }}")


def action(**changes: Any) -> Action:
    fields = {"title": "CI", "forge": "github", "repository": HOME, "workflow": "ci.yml", "refs": ["main"]}
    return Action.model_validate_json(json.dumps({**fields, "risk": "report", "modes": ["operate"], **changes}))


async def asked(source: str | None, token: str | None = TOKEN, **changes: Any) -> list[Finding]:
    """Return what the doctor says of one action, with this text as its workflow, and pinned unless told otherwise."""
    clock = VirtualTime()
    pins = changes.pop("pins", {ref: blob_sha(source or "") for ref in changes.get("refs", ["main"])})
    async with FakeGitHub(clock) as github:
        github.tokens.add("github_pat_that_reads_no_files_00", permissions={"actions": "read"})
        github.tokens.add("ghp_a_classic_token_0123456789", Kind.CLASSIC, scopes=("repo",))
        if source is not None:
            github.workflow("ci.yml", source=source, state=changes.pop("state", "active"))
        fields = {"api_base": github.url, **({"token": token} if token else {})}
        found = await ask_github(GitHubOptions.model_validate(fields), {"build": action(pins=pins, **changes)}, clock)
        assert github.effects.dispatches == []
    assert TOKEN not in repr(found)
    return found


async def test_a_good_workflow_can_be_started_and_found_again() -> None:
    who, what = await asked(GOOD)
    assert (who.level, what.level) == (Level.OK, Level.OK)
    assert "knows the token as reins-bot" in who.what
    assert what.what == f"build: ci.yml of {HOME} can be started and found again on main"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (None, "push .github/workflows/ci.yml"),
        (GOOD.replace("request_id", "id"), "declare on.workflow_dispatch.inputs.request_id"),
        (GOOD.replace("[$", "$").replace("}}]", "}}"), "run-name: ${{ github.workflow }} [${{ inputs.request_id }}]"),
        (UNSAFE, 'pass it through env: and read it as "$NAME"'),
        (GOOD + "\todd", "in a plainer way"),
    ],
)
async def test_a_workflow_that_cannot_be_used_is_named_with_its_mend(source: str | None, says: str) -> None:
    _, *found = await asked(source)
    assert {one.level for one in found} == {Level.FAIL}
    assert says in " ".join(one.mend for one in found)


async def test_an_input_that_becomes_code_is_shown_with_its_line() -> None:
    _, found = await asked(UNSAFE)
    assert "(line 12: inputs.request_id)" in found.what


async def test_a_workflow_that_is_switched_off_is_named() -> None:
    _, found = await asked(GOOD, state="disabled_manually")
    assert (found.level, found.what) == (Level.FAIL, f"build: ci.yml of {HOME} is disabled_manually")


async def test_each_ref_is_looked_at_and_one_that_is_not_there_is_named() -> None:
    _, found = await asked(GOOD, refs=["main", "gone"])
    assert (found.level, "@gone is not shown by GitHub" in found.what) == (Level.FAIL, True)


async def test_a_token_that_may_not_read_files_is_told_the_permission() -> None:
    _, found = await asked(GOOD, token="github_pat_that_reads_no_files_00")
    assert (found.level, "contents=read" in found.what) == (Level.FAIL, True)


@pytest.mark.parametrize(
    ("pins", "says"),
    [
        ({}, "build: ci.yml of acme/app@main has no pin in the policy: nothing is started there"),
        (
            {"main": "0" * 40},
            f"has changed: it is {blob_sha(GOOD)[:12]}, pinned is 000000000000, so nothing is started there",
        ),
    ],
)
async def test_a_workflow_that_is_not_the_pinned_one_is_named_with_the_mend(pins: dict[str, str], says: str) -> None:
    _, found = await asked(GOOD, pins=pins)
    assert (found.level, says in found.what) == (Level.FAIL, True)
    assert found.mend == "look the file through, then `reins policy pin build`"


async def test_a_missing_pin_is_named_beside_what_else_is_wrong() -> None:
    _, *found = await asked(UNSAFE, pins={})
    assert ["puts inputs into a script" in found[0].what, "has no pin" in found[1].what] == [True, True]


@pytest.mark.parametrize(
    ("token", "level", "says"),
    [
        ("github_pat_nobody_knows_0123456789", Level.FAIL, "401"),
        ("ghp_a_classic_token_0123456789", Level.WARN, "classic one"),
        (None, Level.WARN, "as nobody"),
    ],
)
async def test_who_we_are_is_said(token: str | None, level: Level, says: str) -> None:
    found = (await asked(GOOD, token=token))[0]
    assert (found.level, says in found.what) == (level, True)


def findings(reins: CommandLine) -> list[Any]:
    out = reins.run("doctor", "--json").out
    assert TOKEN not in out
    return [one for one in json.loads(out)["findings"] if one["part"] == "github"]


def write_policy(reins: CommandLine) -> None:
    document = example_policy()
    document["repositories"].append(HOME)
    pins = {"main": blob_sha(GOOD)}
    build = {**document["actions"]["triage"], "repository": HOME, "refs": ["main"], "pins": pins}
    document["actions"] = {"build": build}
    reins.paths().policy_file.write_text(json.dumps(document), encoding="utf-8")


def test_an_action_without_its_forge_is_named(reins: CommandLine) -> None:
    assert findings(reins) == []
    write_policy(reins)
    (found,) = findings(reins)
    assert (found["level"], found["what"]) == ("FAIL", "build: these actions run on GitHub, which is not set up")


def test_the_command_asks_github_where_it_is_set_up(reins: CommandLine) -> None:
    write_policy(reins)
    with beside(FakeGitHub(SystemClock())) as github:
        github.workflow("ci.yml", source=GOOD)
        reins.set("REINS_GITHUB__TOKEN", TOKEN)
        reins.set("REINS_GITHUB__API_BASE", github.url)
        assert [one["level"] for one in findings(reins)] == ["OK", "OK"]


def test_a_key_file_that_others_read_is_named(reins: CommandLine, tmp_path: Path) -> None:
    key = tmp_path / "app.pem"
    key.write_text("-----BEGIN", encoding="ascii")
    key.chmod(0o644)
    reins.set("REINS_GITHUB__APP_ID", "1")
    reins.set("REINS_GITHUB__INSTALLATION_ID", "2")
    reins.set("REINS_GITHUB__PRIVATE_KEY_FILE", str(key))
    (found,) = findings(reins)
    assert (found["level"], "chmod 600" in found["what"]) == ("FAIL", True)
