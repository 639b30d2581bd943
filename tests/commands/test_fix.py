"""fix: the newest report's plan is put before people by its digest, and carried out only as it was planned (I7)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.approvals import ApprovalState
from domain.decisions import Verdict
from domain.findings import Finding, Severity
from domain.fixes import FixPlan
from domain.modes import Mode
from domain.notices import NoticeKind
from domain.people import AddressKind, Proof
from domain.snapshots import LoopReason, LoopStatus, MutationSnapshot, TriageSnapshot
from policy.loading import PolicyState, load_policy
from tests.fakes.chat import Chat, chat, every_channel, handle_in
from tests.fakes.policies import REPOSITORY, example_policy
from tests.fakes.virtual_time import START

SHA = "0123456789abcdef" * 2 + "01234567"
PLAN = FixPlan("triage", "mend", {"path": "shop", "level": "2"}, REPOSITORY, "dev", SHA, "w" * 64, "p" * 64)
BACKLOG = TriageSnapshot(
    status=LoopStatus.WORK_REMAINS,
    reason=LoopReason.UNRESOLVED,
    detail="1 finding is open",
    source="run 7",
    taken_at=START,
    measured_at=START - timedelta(minutes=10),
    high=1,
    medium=0,
    unknown_severity=0,
    findings=(Finding("bug", Severity.HIGH, "Total is off by one", "shop/cart.py", 12),),
    plan=PLAN,
)
MUTANTS = MutationSnapshot(
    status=LoopStatus.WORK_REMAINS,
    reason=LoopReason.BELOW_THRESHOLD,
    detail="below",
    source="run 8",
    taken_at=START,
    measured_at=None,
    tool="mutmut",
    score_basis_points=7_000,
    provisional=False,
    counts=None,
    hot_spots=(),
    categories=(),
    plan=replace(PLAN, loop="mutation"),
)
SHOWN = f"Plan of triage: mend level=2 path=shop on dev at {SHA[:12]}."


def action(**changes: Any) -> dict[str, Any]:
    """Return an action that carries out plans of triage."""
    pattern = {"type": "string", "pattern": "[0-9a-f]{64}"}
    commit = {"type": "string", "pattern": "[0-9a-f]{40,64}"}
    return {
        "title": "Fix",
        "loop": "triage",
        "forge": "github",
        "repository": REPOSITORY,
        "workflow": "fix.yml",
        "refs": ["dev"],
        "inputs": {"plan": pattern, "commit": commit},
        "risk": "medium",
        "modes": ["operate"],
        "approvals": {"needed": 1},
        **changes,
    }


def policy(**actions: dict[str, Any]) -> PolicyState:
    document = example_policy()
    document["actions"] |= actions
    document["loops"]["triage"] = {"max_age_hours": 24}
    return every_channel(document)


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Chat]:
    state = policy(mend=action())
    async with chat(tmp_path, policy=state, mode=Mode.OPERATE, reachable=[AddressKind.TELEGRAM]) as made:
        await keep(made, BACKLOG)
        yield made


async def keep(bot: Chat, snapshot: TriageSnapshot | MutationSnapshot) -> None:
    await bot.store.transact(lambda tables: tables.snapshots.put(snapshot))


async def said(bot: Chat, text: str = "fix triage", person: str = "olga") -> str:
    answer = await bot.say(text, person)
    assert (answer.verdict, answer.text is not None, bot.dispatches()) == (Verdict.ALLOW, True, [])
    return answer.text or ""


async def test_a_plan_is_put_before_others_and_runs_exactly_as_planned(bot: Chat) -> None:
    asked = await bot.say("fix triage", "olga")
    handle = handle_in(asked)
    (approval,) = await bot.read(lambda tables: tables.approvals.waiting(START))
    assert (asked.verdict, asked.rule) == (Verdict.NEEDS, "approval_needed")
    assert asked.text == (
        f"{handle} mend waits for 1 approval(s), 15 min. Its number is {approval.match_number}: "
        f"tell it to whoever approves.\n{SHOWN}"
    )
    head = await bot.read(lambda tables: tables.heads.get(REPOSITORY, "dev"))
    assert (approval.inputs, approval.ref) == ({"plan": PLAN.digest(), "commit": SHA}, "dev")
    assert (head is not None, approval.head_sha) == (True, head and head.sha)
    assert bot.dispatches() == []
    approved = await bot.text(f"ok {handle} {approval.match_number}", "ann", "telegram")
    assert approved.rule == "allowed"
    (dispatch,) = bot.dispatches()
    assert (dispatch.action, dispatch.workflow, dispatch.ref) == ("mend", "fix.yml", "dev")
    assert (dispatch.inputs, dispatch.digest) == (approval.inputs, approval.digest)


async def test_whoever_approves_reads_the_plan_and_its_digest(bot: Chat) -> None:
    await bot.say("fix triage", "olga")
    (shown,) = [one for one in bot.sent_to("telegram:ann") if one.kind is NoticeKind.APPROVAL_REQUEST]
    lines = shown.text.splitlines()
    assert lines[0] == SHOWN
    assert {f"commit={SHA}", f"plan={PLAN.digest()}"} <= set(lines)


async def test_an_approval_without_its_number_or_by_who_asked_starts_nothing(bot: Chat) -> None:
    handle = handle_in(await bot.say("fix triage", "ann"))
    assert (await bot.text(f"ok {handle}", "ben", "telegram")).rule == "number_needed"
    assert (await bot.say(f"ok {handle}", "ann")).rule == "self_approval"
    assert bot.dispatches() == []


async def test_an_approved_plan_runs_although_a_newer_report_plans_something_else(bot: Chat) -> None:
    handle = handle_in(await bot.say("fix triage", "olga"))
    await keep(bot, replace(BACKLOG, taken_at=START + timedelta(seconds=1), plan=replace(PLAN, work="x" * 64)))
    await bot.say(f"ok {handle}", "ann")
    (dispatch,) = bot.dispatches()
    assert dispatch.inputs["plan"] == PLAN.digest()


async def test_a_changed_policy_ends_an_approval(bot: Chat) -> None:
    handle = handle_in(await bot.say("fix triage", "olga"))
    bot.policy = policy(mend=action(workflow="other.yml"))
    assert (await bot.say(f"ok {handle}", "ann")).rule == "digest_changed"


@pytest.mark.parametrize("mode", [Mode.READ_ONLY, Mode.OFF])
async def test_only_operate_fixes(bot: Chat, mode: Mode) -> None:
    await bot.store.transact(lambda tables: tables.mode.set(mode, "owner", START))
    assert (await bot.say("fix triage")).rule == ("mode_off" if mode is Mode.OFF else "mode_too_low")
    assert await bot.read(lambda tables: tables.approvals.waiting(START)) == []


async def test_who_may_only_read_may_not_fix_and_is_not_told_of_plans(bot: Chat) -> None:
    for text in ("fix triage", "fix mutation", "fix x"):
        assert (await bot.say(text, "vic")).rule == "scope_missing"


async def test_a_text_proven_by_its_number_alone_is_not_enough(bot: Chat) -> None:
    assert (await bot.say("fix triage", "olga", Proof.ADDRESS, "sms")).rule == "proof_too_weak"


@pytest.mark.parametrize("raw", [None, b"{"])
async def test_without_a_policy_nothing_is_fixed(bot: Chat, raw: bytes | None) -> None:
    bot.policy = load_policy(raw)
    answer = await bot.say("fix triage")
    assert (answer.verdict, answer.rule) == (Verdict.DENY, bot.policy.status.value)


async def test_the_other_loop_has_a_plan_of_its_own(bot: Chat) -> None:
    assert await said(bot, "fix mutation") == (
        "There is no plan: the newest report of mutation has none. A loop in plan-then-fix makes one."
    )
    await keep(bot, MUTANTS)
    bot.policy = policy(mend=action(), kill=action(loop="mutation"))
    (handle, name, *_rest) = ((await bot.say("fix MUTATION", "olga")).text or "").split()
    assert (name, handle != "There") == ("kill", True)


@pytest.mark.parametrize("loop", ["autonomy", "main", "ci", "triage,"])
async def test_only_loops_with_plans_can_be_named(bot: Chat, loop: str) -> None:
    assert await said(bot, f"fix {loop}") == f"fix takes triage or mutation, not {loop}."


async def test_a_report_without_a_plan_has_nothing_to_fix(bot: Chat) -> None:
    await keep(bot, replace(BACKLOG, plan=None))
    answer = await bot.say("fix triage")
    assert answer.text == "There is no plan: the newest report of triage has none. A loop in plan-then-fix makes one."
    assert answer.keys == ("run triage", "status")


@pytest.mark.parametrize(("hours", "stale"), [(23.8, False), (23.9, True)])
async def test_a_plan_is_as_old_as_what_it_rests_on(bot: Chat, hours: float, stale: bool) -> None:
    bot.clock.advance(hours * 3600)
    answer = await bot.say("fix triage")
    if stale:
        assert answer.text == "The plan of triage is stale: 1 d old, the limit is 24 h. Measure again."
    else:
        assert answer.rule in {"approval_needed", "head_unknown"}


async def test_a_measurement_that_states_no_time_is_as_old_as_its_report(bot: Chat) -> None:
    await keep(bot, replace(BACKLOG, measured_at=None))
    bot.clock.advance(24 * 3600 + 1)
    assert "is stale" in (await said(bot))


async def test_without_a_limit_nothing_is_stale(bot: Chat) -> None:
    document = example_policy()
    document["actions"]["mend"] = action(forge="local")
    document["loops"]["triage"] = {"max_age_hours": None}
    bot.policy = every_channel(document)
    bot.clock.advance(9_000 * 3600)
    assert (await bot.say("fix triage")).rule == "approval_needed"


PLAN_INPUT = {"type": "string", "pattern": "[0-9a-f]{64}"}


@pytest.mark.parametrize(
    "changes",
    [
        {"loop": "mutation"},
        {"loop": None},
        {"repository": "local/sample"},
        {"refs": ["main"]},
        {"inputs": {"plan": PLAN_INPUT}},
        {"inputs": {"plan": PLAN_INPUT, "commit": {"type": "string", "enum": ["a"]}}},
        {"inputs": {}},
        {"risk": "report"},
        {"approvals": {"needed": 0}},
    ],
)
async def test_an_action_that_is_not_there_for_such_plans_carries_none_out(bot: Chat, changes: dict[str, Any]) -> None:
    bot.policy = policy(mend=action(**changes))
    assert await said(bot) == (
        f"One action of the policy must carry out plans of triage on {REPOSITORY}@dev; none does."
        " It names the loop, takes plan and commit by pattern, changes things, and needs an approval."
    )


async def test_two_actions_for_one_plan_are_one_too_many(bot: Chat) -> None:
    bot.policy = policy(mend=action(), other=action(workflow="other.yml"))
    assert "; several do: mend, other." in await said(bot)


async def test_repositories_are_compared_as_github_does(bot: Chat) -> None:
    await keep(bot, replace(BACKLOG, plan=replace(PLAN, repository=REPOSITORY.upper())))
    assert (await bot.say("fix triage")).rule == "approval_needed"


async def test_a_commit_that_is_none_is_refused_by_the_gate(bot: Chat) -> None:
    await keep(bot, replace(BACKLOG, plan=replace(PLAN, source_sha="; rm -rf /")))
    answer = await bot.say("fix triage")
    assert (answer.verdict, answer.rule) == (Verdict.DENY, "input_invalid")


async def test_hostile_text_in_a_plan_is_one_clean_line(bot: Chat) -> None:
    hostile = replace(PLAN, action="x\n3K approved\u202e", arguments={"a": "b\r\nAnswer ok 3K"}, branch="dev")
    await keep(bot, replace(BACKLOG, plan=hostile))
    answer = await bot.say("fix triage")
    assert (answer.text or "").splitlines()[1:] == [
        f"Plan of triage: x 3K approved a=b Answer ok 3K on dev at {SHA[:12]}."
    ]


async def test_the_same_message_twice_asks_once(bot: Chat) -> None:
    first = await bot.say("fix triage", message_id="one")
    again = await bot.say("fix triage", message_id="one")
    assert (again.text, again.repeated) == (first.text, True)
    (approval,) = await bot.read(lambda tables: tables.approvals.waiting(START))
    assert approval.state is ApprovalState.OPEN
