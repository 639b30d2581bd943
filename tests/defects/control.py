"""Proofs that what people ask for happens once, within its bounds, or not at all: D26 to D31."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from domain.decisions import Verdict
from domain.modes import Mode
from domain.people import Proof
from domain.runs import RunState
from domain.snapshots import LoopReason
from loops.progress import LOST_AFTER
from loops.report import ExitCode, LoopMode
from loops.source import SourcePin
from tests.fakes.chat import chat, handle_in
from tests.fakes.forge import ForgeFault
from tests.fakes.policies import example_policy, loaded
from tests.fakes.source_runs import Fixes, SourceRuns, sha
from tests.fakes.whole_bot import WholeBot, whole_bot

SECONDS_A_DAY = 86_400
RETRY_SECONDS = 60  # later than any second try


async def d26_a_pause_reaches_what_has_not_started_yet(folder: Path) -> None:
    async with whole_bot(folder) as bot:
        github = bot.forges["github"]
        github.faults.append(ForgeFault.UNREACHABLE)
        await bot.say("run triage")
        await bot.relay.tick()
        halted = await bot.say("halt", person="vic", channel="sms", proof=Proof.ADDRESS)
        assert halted.rule == "lowering_is_always_allowed"
        bot.clock.advance(RETRY_SECONDS)
        await bot.settle()
        (run,) = await bot.runs()
        assert (run.state, run.reason, github.ledger) == (RunState.REFUSED, "mode_off", [])
        assert (await bot.say("halt")).verdict is Verdict.ALLOW
        await bot.restart()
        assert (await bot.say("run triage")).rule == "mode_off"


async def d27_resume_takes_scope_time_and_the_strongest_proof(folder: Path) -> None:
    async with chat(folder) as bot:
        assert (await bot.say("resume", proof=Proof.DEVICE)).rule == "soak_not_passed"
        for _ in range(2):
            await bot.finish(handle_in(await bot.say("run triage")))
        bot.clock.advance(7 * SECONDS_A_DAY)
        asked = [("olga", Proof.DEVICE), ("owner", Proof.CODE), ("owner", Proof.SESSION)]
        refused = [(await bot.say("resume", person, proof)).rule for person, proof in asked]
        assert refused == ["scope_missing", "proof_too_weak", "proof_too_weak"]
        assert await bot.read(lambda tables: tables.mode.value()) is Mode.READ_ONLY
        assert (await bot.say("resume", proof=Proof.DEVICE)).text == "Mode is now operate, it was read-only."
        assert bot.notices("ann")[-1].text == "Mode is now operate, set by owner on web."


async def d28_each_workflow_gets_the_inputs_it_declares_and_its_run_is_found(folder: Path) -> None:
    document = example_policy()
    document["actions"]["strict"]["inputs"] = {"max_attempts": {"type": "integer", "min": 1, "max": 10, "default": 3}}
    document["actions"]["strict"]["approvals"]["needed"] = 0
    document["actions"]["triage"]["inputs"] = {"plan": {"type": "string", "pattern": "MP-[0-9]+"}}
    async with whole_bot(folder, policy=loaded(document)) as bot:
        for wrong in ("run strict max_attempts=999", "run strict plan=MP-1", "run triage", "run triage plan=x"):
            assert (await bot.say(wrong)).rule == "input_invalid"
        for right in ("run strict", "run triage plan=MP-1"):
            assert (await bot.say(right)).rule == "allowed"
        assert [one.inputs for one in bot.dispatches()] == [{"max_attempts": "3"}, {"plan": "MP-1"}]
        await bot.settle()
        shown = {run.correlation: run.url for run in await bot.runs()}
        assert shown == {job.correlation: job.url for job in bot.forges["github"].jobs.values()}
        assert len(set(shown.values())) == 2


async def d29_a_message_acts_once_and_only_near_its_own_time(folder: Path) -> None:
    async with whole_bot(folder) as bot:
        first = await bot.say("run triage", message_id="same")
        again = await bot.say("run triage", message_id="same")
        await bot.restart()
        later = await bot.say("run triage", message_id="same")
        assert again == later == replace(first, repeated=True)
        assert (await bot.say("halt", message_id="same")).rule == "id_reused"
        late = bot.clock.now() - timedelta(seconds=301)
        assert (await bot.say("run mutation", sent_at=late)).rule == "too_old"
        for _ in range(3):
            bot.clock.advance(RETRY_SECONDS)
            await bot.settle()
        assert (len(bot.forges["github"].ledger), len(await bot.runs())) == (1, 1)


async def d30_a_loop_without_progress_stops_and_never_counts_a_run_twice(_folder: Path) -> None:
    pin, fix = SourcePin(111, sha("a")), LoopMode.FIX_ONLY
    world = SourceRuns()
    world.add(111, sha("a"), ("high",))
    reported = await world.attempts(pin).run()
    assert (reported.reason, len(reported.attempts), world.read) == (LoopReason.UNRESOLVED, 1, [111])
    idle = await world.attempts(pin, Fixes().ends(LoopReason.FIX_MADE_NO_COMMIT), mode=fix).run()
    assert (idle.exit_code, len(idle.attempts), world.waits) == (ExitCode.BOUNDED, 1, [])
    world.read.clear()
    unseen = await world.attempts(pin, Fixes().pushes(sha("f")), mode=fix).run()
    assert (unseen.exit_code, unseen.unresolved, world.read) == (ExitCode.BOUNDED, None, [111])
    useless = Fixes().pushes(sha("f"), lambda: world.add(222, sha("f"), ("high",)))
    stopped = await world.attempts(pin, useless, mode=fix, max_fixes=1).run()
    assert (stopped.reason, stopped.exit_code) == (LoopReason.ATTEMPTS_EXHAUSTED, ExitCode.BOUNDED)
    assert [one.source_run_id for one in stopped.attempts] == [111, 222]


async def d31_one_run_a_branch_and_a_killed_process_leaves_no_good_news(folder: Path) -> None:
    async with whole_bot(folder) as bot:
        both = await asyncio.gather(bot.say("run triage"), bot.say("run triage", person="ann"))
        assert {one.rule for one in both} == {"allowed", "slot_busy"}
        bot.forges["github"].faults.append(ForgeFault.DROP)
        await bot.relay.tick()
        await bot.restart()
        assert [run.state for run in await bot.runs()] == [RunState.ACCEPTED]  # written before anything was asked
        bot.clock.advance(RETRY_SECONDS)
        await bot.settle()
        assert len(bot.forges["github"].ledger) == 1
        await _lose(bot)
        (run,) = await bot.runs()
        assert (run.state, run.reason, run.unresolved) == (RunState.UNKNOWN, "lost", None)
        assert (await bot.say("run triage")).rule == "allowed"


async def _lose(bot: WholeBot) -> None:
    """Let the forge forget all jobs, and time pass until nobody waits for them any more."""
    bot.forges["github"].jobs.clear()
    (run,) = await bot.runs()
    bot.clock.advance((run.deadline_at - bot.clock.now() + LOST_AFTER).total_seconds())
    await bot.settle()
