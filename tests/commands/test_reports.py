"""What reading commands say: from the store, with ages, and unknown is never shown as zero, green or low (I11)."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from commands.wording import final_word, number, percent, reason
from domain.effects import Deliver
from domain.findings import Finding, HotSpot, MutantCounts, Severity
from domain.modes import Mode
from domain.notices import Notice, NoticeKind
from domain.people import Proof
from domain.runs import Attempt, AttemptState, RunState
from domain.snapshots import LoopReason, LoopStatus, MutationSnapshot, TriageSnapshot
from policy.loading import load_policy
from tests.fakes.chat import HEAD, Chat, chat, handle_in
from tests.fakes.virtual_time import START

MEASURED = MutationSnapshot(
    status=LoopStatus.WORK_REMAINS,
    reason=LoopReason.BELOW_THRESHOLD,
    detail="7 of 10 mutants were caught",
    source="artifacts/mutation",
    taken_at=START,
    measured_at=START - timedelta(hours=3),
    tool="mutmut",
    score_basis_points=7_005,
    provisional=False,
    counts=MutantCounts(killed=6, timeout=1, survived=2, no_coverage=1, invalid=4),
    hot_spots=(HotSpot("shop/cart.py", "total", 2),),
    categories=(("boundary", 2),),
)
BACKLOG = TriageSnapshot(
    status=LoopStatus.WORK_REMAINS,
    reason=LoopReason.UNRESOLVED,
    detail="3 findings are open",
    source="artifacts/triage",
    taken_at=START,
    measured_at=START - timedelta(minutes=10),
    high=1,
    medium=2,
    unknown_severity=0,
    findings=(
        Finding("bug", Severity.HIGH, "Total is off by one", "shop/cart.py", 12),
        Finding("style", Severity.MEDIUM, "Long line", "shop/cart.py"),
        Finding("other", Severity.UNKNOWN, "Unclear"),
    ),
)


async def lines(bot: Chat, text: str, person: str = "owner") -> list[str]:
    answer = await bot.say(text, person=person)
    assert answer.text is not None
    return answer.text.splitlines()


async def keep(bot: Chat, snapshot: MutationSnapshot | TriageSnapshot) -> None:
    await bot.store.transact(lambda tables: tables.snapshots.put(snapshot))


async def test_a_fresh_bot_says_that_it_knows_nothing_yet(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        assert await lines(bot, "status") == [
            "Mode read-only, held by the stored mode. Soak: 0/7 days, 0/2 clean runs.",
            "Mutation: unknown, never measured",
            "Backlog: unknown, never measured",
            "CI: 2 unknown; 2 never looked at",
            "Runs open: 0. Approvals waiting: 0.",
            f"Policy {bot.policy.version[:8]}.",
        ]
        assert await lines(bot, "mutation") == ["Mutation: unknown, never measured", "Measure it with run mutation."]
        assert await lines(bot, "unresolved") == ["Backlog: unknown, never measured", "Measure it with run triage."]
        assert await lines(bot, "last") == ["Nothing has run yet. Try run mutation."]
        assert await lines(bot, "why 3K") == ["There is nothing called 3K."]


async def test_status_shows_measurements_runs_approvals_and_the_outbox_with_ages(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await keep(bot, MEASURED)
        await keep(bot, BACKLOG)
        run = handle_in(await bot.say("run triage"))
        await bot.say("run strict")
        bot.clock.advance(300)
        answer = await bot.say("s")
        assert answer.text is not None
        assert answer.text.splitlines()[1:] == [
            "Mutation: 70.05 %, below the threshold, 3 h old, from artifacts/mutation",
            "Backlog: 1 high, 2 medium, 15 min old, from artifacts/triage",
            "CI: 2 unknown; 2 never looked at",
            f"{run} triage: accepted for 5 min",
            "Runs open: 1. Approvals waiting: 1.",
            f"Policy {bot.policy.version[:8]}.",
            "Outbox: 3 waiting, the oldest for 5 min.",
        ]
        assert answer.keys == ("approvals", "last")


async def test_status_shows_at_most_three_open_runs(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        for text in ("run triage", "run triage dev", "run mutation", "run mutation dev"):
            await bot.say(text)
        shown = await lines(bot, "status")
        assert sum("accepted" in line for line in shown) == 3
        assert "Runs open: 4. Approvals waiting: 0." in shown


async def test_status_names_who_set_the_mode_and_what_holds_it(tmp_path: Path) -> None:
    async with chat(tmp_path, mode=Mode.OPERATE) as bot:
        assert (await lines(bot, "status"))[0] == "Mode operate, held by the stored mode, set by owner 0 s ago."
        await bot.say("halt", person="vic")
        bot.clock.advance(120)
        assert (await lines(bot, "status"))[0].startswith(
            "Mode off, held by the stored mode, set by vic 2 min ago. Soak"
        )


async def test_status_tells_when_the_soak_window_has_passed(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        for _ in range(2):
            await bot.finish(handle_in(await bot.say("run triage")))
        bot.clock.advance(8 * 86_400)
        assert (await lines(bot, "status"))[0] == "Mode read-only, held by the stored mode. Soak window passed."


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (None, "policy_missing: nothing may be written. there is no policy file"),
        (b"[]", "policy_invalid: nothing may be written. "),
    ],
)
async def test_status_says_what_is_wrong_with_the_policy(tmp_path: Path, raw: bytes | None, said: str) -> None:
    async with chat(tmp_path) as bot:
        bot.policy = load_policy(raw)
        shown = await lines(bot, "status")
        assert shown[-1].startswith(said)
        assert shown[0] == "Mode read-only, held by the stored mode."
        bot.policy = replace(bot.policy, problems=())
        assert (await lines(bot, "status"))[-1].endswith("nothing may be written. no reason given")


async def test_mutation_shows_counts_hot_spots_and_categories(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await keep(bot, MEASURED)
        assert await lines(bot, "m") == [
            "Mutation: 70.05 %, below the threshold, 3 h old, from artifacts/mutation",
            "caught 6, missed 2, timeout 1, untested 1, invalid 4",
            "2 in shop/cart.py total",
            "boundary 2",
        ]


async def test_a_score_that_is_not_known_is_said_to_be_unknown_with_its_reason(tmp_path: Path) -> None:
    unknown = replace(
        MEASURED,
        status=LoopStatus.UNKNOWN,
        reason=LoopReason.BASELINE_FAILED,
        detail="2 tests fail without any mutation",
        measured_at=None,
        score_basis_points=None,
        counts=None,
        hot_spots=(),
        categories=(),
    )
    async with chat(tmp_path) as bot:
        await keep(bot, unknown)
        assert await lines(bot, "mutation") == [
            "Mutation: unknown, the tests failed before any mutation, age unknown",
            "2 tests fail without any mutation",
        ]


async def test_a_provisional_score_is_marked(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await keep(bot, replace(MEASURED, provisional=True))
        assert (await lines(bot, "mutation"))[
            0
        ] == "Mutation: 70.05 % provisional, below the threshold, 3 h old, from artifacts/mutation"


async def test_unresolved_shows_counts_and_findings_with_their_places(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await keep(bot, replace(BACKLOG, unknown_severity=1))
        assert await lines(bot, "u") == [
            "Backlog: 1 high, 2 medium, 1 of unknown severity, 10 min old, from artifacts/triage",
            "[high] shop/cart.py:12 Total is off by one",
            "[medium] shop/cart.py Long line",
            "[unknown] Unclear",
        ]


@pytest.mark.parametrize(("hours", "stale"), [(168, ""), (169, ", STALE")])
async def test_figures_older_than_a_loop_takes_for_a_measurement_are_marked_wherever_they_are_shown(
    tmp_path: Path, hours: int, stale: str
) -> None:
    long_ago = START - timedelta(hours=hours)
    async with chat(tmp_path) as bot:
        await keep(bot, replace(MEASURED, measured_at=long_ago))
        await keep(bot, replace(BACKLOG, measured_at=long_ago))
        shown = [*(await lines(bot, "status"))[1:3], (await lines(bot, "m"))[0], (await lines(bot, "u"))[0]]
        assert [f"7 d old{stale}, from artifacts/" in line for line in shown] == [True] * 4
        assert [", STALE" in line for line in shown] == [bool(stale)] * 4


async def test_without_a_policy_nothing_is_called_stale_and_a_long_source_is_cut(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        bot.policy = load_policy(None)
        await keep(bot, replace(MEASURED, measured_at=START - timedelta(days=900), source="s" * 400))
        assert (await lines(bot, "m"))[0].endswith(f"900 d old, from {'s' * 69}…")


async def test_a_reason_without_words_of_its_own_is_still_said(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await keep(bot, replace(MEASURED, reason=LoopReason.FORGE_UNREACHABLE, score_basis_points=None, counts=None))
        assert (await lines(bot, "m"))[0] == "Mutation: unknown, forge unreachable, 3 h old"


async def test_unresolved_says_how_many_more_findings_there_are(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await keep(bot, replace(BACKLOG, findings=BACKLOG.findings[:1] * 8))
        shown = await lines(bot, "unresolved")
        assert len(shown) == 7
        assert shown[-1] == "and 3 more in the report"


async def test_a_backlog_that_is_not_known_is_said_to_be_unknown(tmp_path: Path) -> None:
    unknown = replace(
        BACKLOG,
        reason=LoopReason.UNREADABLE_ARTIFACT,
        detail="backlog.json: no JSON",
        high=None,
        medium=None,
        findings=(),
    )
    async with chat(tmp_path) as bot:
        await keep(bot, unknown)
        assert await lines(bot, "unresolved") == [
            "Backlog: unknown, the report cannot be read",
            "backlog.json: no JSON",
        ]
        assert "Backlog: unknown, the report cannot be read" in await lines(bot, "status")


async def test_last_shows_runs_with_attempts_and_where_to_read_them(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        first = handle_in(await bot.say("run triage"))
        attempt = Attempt(1, AttemptState.DONE, START, START, "work remains")
        await bot.finish(first, summary="3 findings", url="https://forge.test/1", attempts=(attempt,))
        bot.clock.advance(60)
        second = handle_in(await bot.say("run mutation"))
        answer = await bot.say("l")
        assert answer.text is not None
        assert answer.text.splitlines() == [
            f"{second} mutation: accepted for 0 s",
            "  no attempt yet; no page, it ran on this machine",
            f"{first} triage: succeeded, 1 min ago. 3 findings",
            "  attempt 1: work remains; https://forge.test/1",
        ]
        assert answer.keys == (f"why {second}", f"why {first}")
        assert len(await lines(bot, "last 1")) == 2


async def test_a_run_without_summary_is_explained_by_its_reason_and_an_open_attempt_by_its_state(
    tmp_path: Path,
) -> None:
    async with chat(tmp_path) as bot:
        handle = handle_in(await bot.say("run triage"))
        await bot.finish(
            handle, RunState.FAILED, reason="deadline passed", attempts=(Attempt(1, AttemptState.STARTED, START),)
        )
        assert await lines(bot, "last") == [
            f"{handle} triage: failed, 0 s ago. deadline passed",
            "  attempt 1: started; no page, it ran on this machine",
        ]


async def test_why_explains_a_run_by_its_changes(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        handle = handle_in(await bot.say("run triage"))
        going = await bot.say(f"why {handle}")
        assert going.keys == (f"abort {handle}", "status")
        bot.clock.advance(65)
        await bot.finish(handle, RunState.FAILED, reason="no artifact", unresolved=4, head_sha="0123456789abcdef")
        over = await bot.say(f"why {handle}")
        assert over.keys == ("last",)
        assert over.text is not None
        assert over.text.splitlines() == [
            f"{handle} triage: failed, 1 min ago. no artifact",
            "asked by owner 1 min ago, acme/shop@main",
            "unresolved 4, commit 0123456789ab",
            "14:00:00 asked > accepted",
            "14:01:05 accepted > failed: no artifact",
        ]


async def test_why_says_what_of_a_run_is_not_known(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        handle = handle_in(await bot.say("run triage"))
        assert "unresolved unknown, commit unknown" in await lines(bot, f"why {handle}")


async def test_why_explains_an_approval_while_it_waits_and_after(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        handle = handle_in(await bot.say("run strict"))
        (waiting,) = await bot.read(lambda tables: tables.approvals.waiting(START))
        asked = await bot.say(f"why {handle}")
        assert asked.keys == (f"ok {handle}", f"no {handle}")
        assert asked.text is not None
        assert asked.text.splitlines() == [
            f"{handle} open: owner asked for strict on main at commit {HEAD[:12]} threshold=90",
            "risk report, 0 of 1 approvals, answered: nobody yet",
            f"until 2026-11-22T14:15:00.000Z, digest {waiting.digest[:12]}",
        ]
        await bot.say(f"no {handle}", person="ann")
        refused = await bot.say(f"why {handle}")
        assert refused.keys == ("last",)
        assert refused.text is not None
        assert "answered: ann no" in refused.text


async def test_why_names_who_agreed(tmp_path: Path) -> None:
    async with chat(tmp_path, mode=Mode.OPERATE) as bot:
        handle = handle_in(await bot.say("run release image=a", proof=Proof.DEVICE))
        await bot.say(f"ok {handle}", person="ann", proof=Proof.DEVICE)
        shown = await lines(bot, f"why {handle}")
        assert shown[1] == "risk high, 1 of 2 approvals, answered: ann ok"


async def test_an_expired_approval_offers_no_answer(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        handle = handle_in(await bot.say("run strict"))
        bot.clock.advance(15 * 60)
        assert (await bot.say(f"why {handle}")).keys == ("last",)


async def test_why_explains_a_refusal_by_its_rule_and_row(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        refused = await bot.say("run rm", person="olga")
        assert refused.keys[0].startswith("why ")
        assert await lines(bot, refused.keys[0]) == [
            "deny by rule action_unknown: the policy names no action rm",
            "olga asked run rm on web with proof session",
            f"at 2026-11-22T14:00:00.000Z, audit row 1, policy {bot.policy.version[:8]}",
        ]


@pytest.mark.parametrize("kind", ["run", "approval", "decision"])
async def test_why_says_when_the_record_is_gone(tmp_path: Path, kind: str) -> None:
    async with chat(tmp_path) as bot:
        await bot.store.transact(lambda tables: tables.handles.give("3K", kind, "999", START))  # type: ignore[arg-type]
        assert await lines(bot, "why 3k") == ["The record behind 3K is past its retention."]


async def test_whoami_tells_who_the_bot_takes_one_for(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        assert await lines(bot, "whoami", "olga") == [
            "You are Olga (olga), roles operator, scopes read, operate. This came by web with proof session."
        ]


async def test_somebody_whose_roles_grant_nothing_may_not_even_ask_that(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        bot.people.people["vic"] = replace(bot.people.people["vic"], roles=())
        assert (await bot.say("whoami", person="vic")).rule == "scope_missing"


async def test_without_a_policy_whoami_shows_no_roles_and_reading_only(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        bot.people.people["vic"] = replace(bot.people.people["vic"], roles=())
        bot.policy = load_policy(None)
        assert (await lines(bot, "whoami", "vic"))[0].startswith("You are Vic (vic), roles none, scopes read.")


async def test_a_notice_that_waits_long_shows_in_status(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        deliver = Deliver("web:owner", Notice("key", NoticeKind.ALARM, "text"))
        await bot.store.transact(lambda tables: tables.outbox.add("key", deliver, START, START + timedelta(days=1)))
        bot.clock.advance(7200)
        assert (await lines(bot, "status"))[-1] == "Outbox: 1 waiting, the oldest for 2 h."


@pytest.mark.parametrize(
    ("basis_points", "said"),
    [(None, "unknown"), (0, "0.00 %"), (5, "0.05 %"), (8_250, "82.50 %"), (10_000, "100.00 %")],
)
def test_a_share_is_written_with_two_places_or_as_unknown(basis_points: int | None, said: str) -> None:
    assert percent(basis_points) == said


def test_a_count_is_written_or_unknown() -> None:
    assert (number(None), number(0), number(3)) == ("unknown", "0", "3")


def test_every_reason_has_its_own_words() -> None:
    assert len({reason(code) for code in LoopReason}) == len(LoopReason)


@pytest.mark.parametrize("state", [state for state in RunState if state.final])
def test_only_a_success_ends_as_done(state: RunState) -> None:
    words = {RunState.SUCCEEDED: "DONE", RunState.CANCELLED: "CANCELLED", RunState.REFUSED: "REFUSED"}
    assert final_word(state) == words.get(state, "FAILED")
