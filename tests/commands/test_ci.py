"""ci: failing lanes with links, source and age; stale and unknown look like neither green nor zero (I11)."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.gsm7 import septets
from commands.command import Arguments
from commands.lanes import SHOWN_LANES, in_one_text, summary, worst
from commands.paging import ROOM_SEPTETS
from commands.status import run as status
from domain.ci import STALE_AFTER, Branch, CiReason, CiSnapshot, CiStatus, FailingLane
from domain.people import AddressKind
from domain.snapshots import LoopReason, LoopStatus, MutationSnapshot, TriageSnapshot
from tests.fakes.chat import Chat, chat, every_channel
from tests.fakes.policies import example_policy, loaded
from tests.fakes.virtual_time import START

MAIN, DEV = Branch("acme/shop", "main"), Branch("acme/shop", "dev")
GREEN = CiSnapshot(
    CiStatus.GREEN, CiReason.ALL_PASSED, "every workflow that ran has passed", MAIN, "github", START, "a" * 40, START,
    failing=0, pending=0,
)  # fmt: skip
TEST, WHOLE = (
    FailingLane("test (3.12)", "ci.yml", "timed_out", "https://git.example/job/1"),
    FailingLane("lint.yml", "lint.yml", "startup_failure", "https://git.example/runs/2"),
)
FAILING = replace(GREEN, status=CiStatus.FAILING, reason=CiReason.LANES_FAIL, lanes=(TEST, WHOLE), failing=2, pending=1)
RUNNING = replace(GREEN, status=CiStatus.RUNNING, reason=CiReason.RUNS_PENDING, pending=3)
UNKNOWN = replace(
    GREEN, status=CiStatus.UNKNOWN, reason=CiReason.NO_BRANCH, detail="there is no such branch", head_sha=None,
    failing=None, pending=None,
)  # fmt: skip


async def keep(bot: Chat, *snapshots: CiSnapshot) -> None:
    for snapshot in snapshots:
        await bot.store.transact(lambda tables, one=snapshot: tables.snapshots.put(one))  # type: ignore[misc]


async def lines(bot: Chat, text: str = "ci") -> list[str]:
    answer = await bot.say(text, person="vic")
    assert answer.text is not None
    return answer.text.splitlines()


def without_github() -> dict[str, Any]:
    document = example_policy()
    document["actions"] = {"mutation": document["actions"]["mutation"]}
    return document


async def test_every_branch_is_shown_with_its_lanes_links_time_source_and_age(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await keep(bot, FAILING, replace(RUNNING, branch=DEV))
        bot.clock.advance(12)
        assert await lines(bot) == [
            "acme/shop@main: failing 2 lanes, 1 workflows still running",
            "  commit aaaaaaaaaaaa, as of 2026-11-22T14:00Z, 12 s old, from github",
            "  test (3.12) (ci.yml): timed out https://git.example/job/1",
            "  lint.yml: startup failure https://git.example/runs/2",
            "acme/shop@dev: running, 3 workflows still running",
            "  commit aaaaaaaaaaaa, as of 2026-11-22T14:00Z, 12 s old, from github",
        ]


async def test_what_nobody_looked_at_is_unknown_and_says_so(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await keep(bot, UNKNOWN)
        assert await lines(bot) == [
            "acme/shop@main: unknown, there is no such branch",
            "  commit unknown, as of 2026-11-22T14:00Z, 0 s old, from github",
            "acme/shop@dev: unknown, never looked at",
        ]


@pytest.mark.parametrize(
    ("snapshot", "said"),
    [
        (GREEN, "STALE, it was green"),
        (FAILING, "STALE, it was failing 2 lanes, 1 workflows still running"),
        (UNKNOWN, "STALE, it was unknown, there is no such branch"),
    ],
)
async def test_what_was_seen_too_long_ago_is_stale_whatever_it_was(
    tmp_path: Path, snapshot: CiSnapshot, said: str
) -> None:
    async with chat(tmp_path) as bot:
        await keep(bot, snapshot)
        bot.clock.advance(STALE_AFTER.total_seconds())
        assert "STALE" not in (await lines(bot, "ci main"))[0]
        bot.clock.advance(1)
        assert (await lines(bot, "ci main"))[0] == f"acme/shop@main: {said}"


async def test_of_many_lanes_the_first_are_named_and_all_are_counted(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await keep(bot, replace(FAILING, lanes=(TEST,) * (SHOWN_LANES + 2), failing=90))
        shown = await lines(bot, "ci main")
        assert len(shown) == 2 + SHOWN_LANES + 1
        assert shown[-1] == f"  and {90 - SHOWN_LANES} more"
        await keep(bot, replace(FAILING, lanes=(TEST,) * SHOWN_LANES, failing=SHOWN_LANES))
        assert "more" not in "".join(await lines(bot, "ci main"))


async def test_one_branch_is_asked_for_by_its_name_whatever_its_case(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await keep(bot, GREEN)
        assert (await lines(bot, "ci Main"))[0] == "acme/shop@main: green"
        assert len(await lines(bot, "CI main")) == 2
        nowhere = await bot.say("ci mian")
        assert (nowhere.text, nowhere.keys) == ("No action runs on GitHub at mian. ci shows every branch.", ("ci",))


async def test_without_actions_on_github_there_is_nothing_to_show_in_ci_or_status(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        bot.policy = loaded(without_github())
        assert await lines(bot) == ["No action runs on GitHub, so there are no lanes to show."]
        answer = await bot.say("status")
        assert answer.text is not None
        assert "CI" not in answer.text


def test_a_text_message_says_the_state_the_age_and_the_first_lanes_the_worst_branch_first() -> None:
    now = START + timedelta(minutes=1)
    said = in_one_text([(DEV, None), (MAIN, FAILING)], now)
    assert said == "CI main failing 2 (1 min): test (3.12), lint.yml. dev unknown."
    late = START + STALE_AFTER + timedelta(minutes=1)
    dev = replace(GREEN, taken_at=late - timedelta(minutes=15))
    assert in_one_text([(DEV, dev), (MAIN, FAILING)], late) == "CI main stale (16 min). dev green (15 min)."


def test_where_branches_of_several_repositories_are_shown_each_names_its_own() -> None:
    other = Branch("acme/lib", "main")
    assert in_one_text([(MAIN, GREEN), (other, None)], START) == "CI lib@main unknown. shop@main green (0 s)."


@pytest.mark.parametrize("name", ["main", "x" * 200, "[" * 200, "\u00e9\u4e2d" * 100])
@pytest.mark.parametrize("count", [1, 2, 300])
def test_however_much_there_is_to_say_it_fits_into_one_text_message(name: str, count: int) -> None:
    lane = replace(TEST, name=name)
    worst_case = replace(FAILING, lanes=(lane,) * 5, failing=99_999)
    said = in_one_text([(Branch(f"acme/{name}{n}", name), worst_case) for n in range(count)], START)
    used = septets(said)
    assert used is not None
    assert used <= ROOM_SEPTETS
    assert said.startswith("CI ")
    assert "failing" in said
    assert said.endswith("more.") is (count > 2 or (count == 2 and name != "main"))


async def test_by_text_message_the_short_form_is_sent(tmp_path: Path) -> None:
    async with chat(tmp_path, policy=every_channel(), reachable=(AddressKind.SMS,)) as bot:
        await keep(bot, FAILING)
        await bot.text("ci main", person="ann")
        assert [one.text for one in bot.sent_to("sms:ann")] == ["CI main failing 2 (0 s): test (3.12), lint.yml."]


def test_the_summary_counts_the_worst_first_and_names_the_oldest_look() -> None:
    now = START + timedelta(minutes=20)
    fresh = replace(FAILING, taken_at=now - timedelta(minutes=2))
    found = [(DEV, GREEN), (MAIN, fresh), (MAIN, None), (DEV, replace(GREEN, taken_at=now)), (MAIN, fresh)]
    assert summary(found, now) == "CI: 2 failing, 1 unknown, 1 stale, 1 green; looked at 20 min ago; 1 never looked at"
    assert summary([(MAIN, None)], now) == "CI: 1 unknown; 1 never looked at"
    assert summary([(MAIN, RUNNING)], START) == "CI: 1 running; looked at 0 s ago"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([(MAIN, GREEN), (DEV, FAILING)], "CI failing 1/2."),
        ([(MAIN, GREEN), (DEV, None)], "CI unknown 1/2."),
        ([(MAIN, GREEN), (DEV, RUNNING)], "CI running 1/2."),
        ([(MAIN, GREEN), (DEV, GREEN)], "CI green 2/2."),
    ],
)
def test_the_worst_is_said_in_a_few_letters(found: list[tuple[Branch, CiSnapshot | None]], said: str) -> None:
    assert worst(found, START) == said


async def test_status_has_one_line_for_all_branches(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await keep(bot, FAILING)
        assert "CI: 1 failing, 1 unknown; looked at 0 s ago; 1 never looked at" in await lines(bot, "status")


async def test_the_short_status_fits_into_one_text_message_with_the_branches(tmp_path: Path) -> None:
    measured = START - timedelta(days=99)
    mutation = MutationSnapshot(
        LoopStatus.OK, LoopReason.THRESHOLD_MET, "", "s", START, measured, "pit", 10_000, True, None, (), ()
    )  # fmt: skip
    backlog = TriageSnapshot(LoopStatus.OK, LoopReason.RESOLVED, "", "s", START, measured, 999, 999, 0, ())
    async with chat(tmp_path) as bot:
        await bot.store.transact(lambda tables: tables.snapshots.put(mutation))
        await bot.store.transact(lambda tables: tables.snapshots.put(backlog))
        await bot.say("run strict")
        outcome = await bot.read(lambda tables: status(Arguments(), bot.context(), tables))
    assert outcome.reply.short is not None
    assert outcome.reply.short.endswith(" CI unknown 2/2.")
    used = septets(outcome.reply.short)
    assert used is not None
    assert used <= ROOM_SEPTETS
