"""The relay: each fate of an effect, never a blind repetition, one holder at a time, and a record of every try."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.performing import FORGE_LOOK_BACK_AFTER_SECONDS
from bot.relay import LEASE
from bot.retry import CAP_SECONDS
from bot.settling import MAX_TRIES
from channels.port import MaybeSent, Never, NotNow
from commands.recording import DISPATCH_LIFETIME, NOTICE_LIFETIME
from domain.modes import Mode
from domain.notices import DeliveryState
from domain.runs import RunState
from forge.port import JobState, Unreachable
from store.port import StoreUnwritable
from tests.fakes.busy_database import held_for_writing
from tests.fakes.forge import ForgeFault
from tests.fakes.policies import example_policy, loaded
from tests.fakes.told import KEY, tell, tries
from tests.fakes.whole_bot import WholeBot, whole_bot

LOCAL_RUN = "run mutation"


async def only_run(bot: WholeBot) -> Any:
    (run,) = await bot.runs()
    return run


async def test_a_dispatch_that_succeeds_is_done_once_and_the_run_follows(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        await bot.say(LOCAL_RUN)
        assert await bot.relay.tick() == 1
        assert await bot.relay.tick() == 0
        run = await only_run(bot)
        assert (run.state, run.url) == (RunState.DISPATCHED, "https://ci.example/1")
        assert [started.run_id for started in bot.forges["local"].ledger] == [run.id]
        assert await tries(bot, f"dispatch:{run.id}") == [(1, "delivered", None)]


async def test_an_unreachable_forge_is_asked_again_after_a_pause(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        forge = bot.forges["local"]
        forge.faults.extend([ForgeFault.UNREACHABLE] * 3)
        await bot.say(LOCAL_RUN)
        waits = []
        for _ in range(3):
            assert await bot.relay.tick() == 1
            due = await bot.read(lambda tables: tables.outbox.next_due())
            assert due is not None
            waits.append((due - bot.clock.now()).total_seconds())
            assert await bot.relay.tick() == 0  # not before its time
            bot.clock.advance(8)
        await bot.relay.tick()
        assert forge.calls == ["dispatch"] * 4  # nothing had happened, so there was nothing to look back at
        assert all(0 <= wait <= most for wait, most in zip(waits, (2, 4, 8), strict=True))
        run = await only_run(bot)
        assert run.state is RunState.DISPATCHED
        outcomes = [outcome for _, outcome, _ in await tries(bot, f"dispatch:{run.id}")]
        assert outcomes == ["pending", "pending", "pending", "delivered"]


async def test_a_refused_dispatch_ends_the_run_with_one_final_notice(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        bot.forges["local"].faults.append(ForgeFault.REFUSE)
        await bot.say(LOCAL_RUN)
        await bot.relay.tick()
        await bot.settle()
        run = await only_run(bot)
        assert (run.state, run.reason) == (RunState.REFUSED, "not_allowed")
        (final,) = bot.told()
        assert final.startswith(f"REFUSED {run.handle} mutation on local/sample@main: not_allowed: the forge says no.")
        assert "Unresolved unknown" in final


async def test_a_lost_answer_is_looked_up_and_never_repeated(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        forge = bot.forges["local"]
        forge.faults.append(ForgeFault.DROP)
        await bot.say(LOCAL_RUN)
        await bot.relay.tick()
        run = await only_run(bot)
        assert bot.outbox_states()[f"dispatch:{run.id}"] == "ambiguous"
        bot.clock.advance(FORGE_LOOK_BACK_AFTER_SECONDS - 0.001)
        assert await bot.relay.tick() == 0  # a provider needs a moment before a run can be found
        bot.clock.advance(0.001)
        await bot.relay.tick()
        assert forge.calls == ["dispatch", "find"]
        assert len(forge.ledger) == 1
        assert (await only_run(bot)).state is RunState.DISPATCHED


async def test_a_lost_question_is_looked_up_and_then_asked_again(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        forge = bot.forges["local"]
        forge.faults.append(ForgeFault.LOSE)
        await bot.say(LOCAL_RUN)
        await bot.relay.tick()
        bot.clock.advance(CAP_SECONDS)
        await bot.relay.tick()
        assert forge.calls == ["dispatch", "find", "dispatch"]
        assert len(forge.ledger) == 1


async def test_what_cannot_be_looked_up_stays_unclear_and_is_not_repeated(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        forge = bot.forges["local"]
        forge.faults.extend([ForgeFault.DROP, *[ForgeFault.UNREACHABLE] * 3, ForgeFault.REFUSE])
        await bot.say(LOCAL_RUN)
        for _ in range(5):
            await bot.relay.tick()
            bot.clock.advance(60)
        assert forge.calls == ["dispatch", "find", "find", "find", "find"]
        await bot.relay.tick()
        assert len(forge.ledger) == 1


async def test_a_dispatch_that_stays_unclear_until_it_expires_leaves_its_run_to_the_watch(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        forge = bot.forges["local"]
        forge.faults.extend([ForgeFault.DROP, ForgeFault.UNREACHABLE])
        await bot.say(LOCAL_RUN)
        await bot.relay.tick()
        bot.clock.advance(DISPATCH_LIFETIME.total_seconds())
        await bot.relay.tick()
        run = await only_run(bot)
        assert bot.outbox_states()[f"dispatch:{run.id}"] == "expired"
        assert run.state is RunState.ACCEPTED  # not refused: it is running
        forge.begin(run.correlation)
        await bot.settle()
        assert (await only_run(bot)).state is RunState.RUNNING


async def test_a_dispatch_past_its_lifetime_is_not_started_any_more(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        await bot.say(LOCAL_RUN)
        bot.clock.advance(DISPATCH_LIFETIME.total_seconds())
        await bot.relay.tick()
        run = await only_run(bot)
        assert (run.state, run.reason, bot.forges["local"].calls) == (RunState.REFUSED, "expired", [])
        assert await tries(bot, f"dispatch:{run.id}") == [(1, "expired", "expired")]


async def test_a_dispatch_whose_last_try_outlasts_it_ends_as_expired_and_not_with_that_try_s_words(
    tmp_path: Path,
) -> None:
    async with whole_bot(tmp_path) as bot:
        forge = bot.forges["local"]
        forge.meanwhile = lambda: bot.clock.advance(2)
        forge.unreachable = Unreachable("it limits us: for another 3 s")
        forge.faults.append(ForgeFault.UNREACHABLE)
        await bot.say(LOCAL_RUN)
        bot.clock.advance(DISPATCH_LIFETIME.total_seconds() - 1)
        await bot.relay.tick()
        run = await only_run(bot)
        assert (run.state, run.reason, forge.calls) == (RunState.REFUSED, "expired", ["dispatch"])
        assert run.summary == "it limits us: for another 3 s"


async def test_a_forge_that_hangs_counts_as_unclear(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        bot.forges["local"].faults.append(ForgeFault.HANG)
        await bot.say(LOCAL_RUN)
        async with asyncio.timeout(30):
            await bot.another_relay("impatient", try_seconds=0).tick()
        run = await only_run(bot)
        assert bot.outbox_states()[f"dispatch:{run.id}"] == "ambiguous"
        assert await tries(bot, f"dispatch:{run.id}") == [(1, "ambiguous", "no answer within 0 s")]


async def test_a_forge_that_nobody_configured_refuses(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        del bot.forges["github"]
        await bot.restart()
        await bot.say("run triage")
        await bot.settle()
        assert (await only_run(bot)).reason == "the forge github is not configured"


@pytest.mark.parametrize(
    ("lowered", "rule"),
    [
        ("halt", "mode_off"),
        ("HALT file", "mode_off"),
        ("policy gone", "action_unknown"),
        ("ref gone", "digest_changed"),
    ],
)
async def test_a_dispatch_is_refused_when_the_world_changed_after_its_commit(
    tmp_path: Path, lowered: str, rule: str
) -> None:
    async with whole_bot(tmp_path) as bot:
        await bot.say(LOCAL_RUN)
        document = example_policy()
        if lowered == "halt":
            await bot.say("halt", person="vic")
        elif lowered == "HALT file":
            bot.brake.halt_file = True
        elif lowered == "policy gone":
            del document["actions"]["mutation"]
        else:
            document["actions"]["mutation"]["refs"] = ["dev"]
        bot.policy = loaded(document)
        await bot.settle()
        run = await only_run(bot)
        assert (run.state, run.reason, bot.forges["local"].ledger) == (RunState.REFUSED, rule, [])
        finals = [text for text in bot.told() if text.startswith("REFUSED")]
        assert len(finals) == 1
        assert f"{rule}: " in finals[0]


async def test_the_mode_is_read_again_before_a_dispatch_is_repeated(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        bot.forges["local"].faults.append(ForgeFault.LOSE)
        await bot.say(LOCAL_RUN)
        await bot.relay.tick()
        await bot.say("halt")
        bot.clock.advance(CAP_SECONDS)
        await bot.settle()
        assert ((await only_run(bot)).reason, bot.forges["local"].ledger) == ("mode_off", [])


async def test_a_cancel_that_comes_before_its_dispatch_keeps_it_from_starting(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        bot.forges["local"].faults.append(ForgeFault.UNREACHABLE)
        await bot.say(LOCAL_RUN)
        await bot.relay.tick()
        run = await only_run(bot)
        await bot.say(f"abort {run.handle}")
        for _ in range(3):
            await bot.settle()
            bot.clock.advance(CAP_SECONDS)
        assert bot.forges["local"].ledger == []
        assert (await only_run(bot)).reason == "cancelled"
        assert [text.split()[0] for text in bot.told()] == ["REFUSED"]


async def test_a_cancel_waits_for_a_dispatch_that_may_have_arrived_and_then_ends_the_job(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        forge = bot.forges["local"]
        forge.faults.append(ForgeFault.DROP)
        await bot.say(LOCAL_RUN)
        await bot.relay.tick()
        run = await only_run(bot)
        await bot.say(f"abort {run.handle}")
        await bot.relay.tick()
        assert forge.cancelled == []
        for _ in range(3):
            bot.clock.advance(CAP_SECONDS)
            await bot.settle()
        assert forge.cancelled == [run.correlation]
        assert (await only_run(bot)).state is RunState.CANCELLED


async def test_a_run_that_was_given_up_is_not_started_afterwards(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        await bot.say(LOCAL_RUN)
        run = await only_run(bot)
        await bot.finish(run.handle, RunState.UNKNOWN)
        await bot.relay.tick()
        assert bot.forges["local"].ledger == []
        assert bot.outbox_states()[f"dispatch:{run.id}"] == "dead"


async def test_cancelling_a_job_that_is_over_is_done_and_changes_nothing(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        await bot.say(LOCAL_RUN)
        await bot.relay.tick()
        run = await only_run(bot)
        await bot.say(f"abort {run.handle}")
        bot.forges["local"].finish(run.correlation, JobState.SUCCEEDED)
        await bot.settle()
        assert (await only_run(bot)).state is RunState.SUCCEEDED
        assert bot.outbox_states()[f"cancel:{run.id}"] == "delivered"


async def test_an_expired_lease_comes_back_as_unclear_and_is_looked_up(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        await bot.say(LOCAL_RUN)
        now = bot.clock.now()
        (row,) = await bot.store.transact(lambda tables: tables.outbox.lease("dead", now, now + LEASE, 9))
        await bot.forges["local"].dispatch(bot.dispatches()[0])  # done, and then the process died
        assert await bot.relay.tick() == 0
        bot.clock.advance(LEASE.total_seconds())
        assert await bot.relay.tick() == 1
        assert len(bot.forges["local"].ledger) == 1
        assert not await bot.store.transact(
            lambda tables: tables.outbox.settle(row, DeliveryState.DEAD, bot.clock.now(), "too late")
        )
        assert (await only_run(bot)).state is RunState.DISPATCHED


async def test_a_holder_that_answers_after_its_lease_records_nothing(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        forge = bot.forges["local"]
        forge.faults.append(ForgeFault.STALL)
        await bot.say(LOCAL_RUN)
        slow = asyncio.create_task(bot.another_relay("slow", try_seconds=3600).tick())
        await forge.called.wait()
        bot.clock.advance(LEASE.total_seconds())
        await bot.relay.tick()
        before = await bot.audit_rows()
        forge.go.set()
        assert await slow == 1
        assert (len(forge.ledger), await bot.audit_rows()) == (1, before)
        run = await only_run(bot)
        assert await tries(bot, f"dispatch:{run.id}") == [(2, "delivered", None)]


async def test_a_stale_holder_cannot_settle_postpone_or_audit(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        await tell(bot)
        now = bot.clock.now()
        (row,) = await bot.store.transact(lambda tables: tables.outbox.lease("stale", now, now + LEASE, 9))
        bot.clock.advance(LEASE.total_seconds())
        await bot.relay.tick()
        assert await tries(bot) == [(2, "delivered", None)]
        later = bot.clock.now()
        for act in ("settle", "postpone"):
            changed = await bot.store.transact(
                lambda tables, act=act: getattr(tables.outbox, act)(row, DeliveryState.PENDING, later, "")  # type: ignore[misc]
            )
            assert not changed
        assert bot.outbox_states()[KEY] == "delivered"


async def test_notices_of_one_commit_arrive_in_their_order(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        for number in range(40):
            await tell(bot, number)
        while await bot.relay.tick():
            pass
        assert bot.told() == [f"alarm {number}" for number in range(40)]


async def test_one_key_is_told_once_however_often_it_is_committed(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        await tell(bot)
        await bot.relay.tick()
        await tell(bot)
        assert await bot.relay.tick() == 0
        assert bot.told() == ["alarm 1"]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [(NotNow("busy"), "pending"), (MaybeSent("lost"), "ambiguous"), (Never("blocked"), "dead")],
)
async def test_each_failure_of_a_channel_has_its_state_and_its_audit_row(
    tmp_path: Path, fault: Any, expected: str
) -> None:
    async with whole_bot(tmp_path) as bot:
        bot.channels["web"].faults.append(fault)
        await tell(bot)
        await bot.relay.tick()
        assert bot.outbox_states()[KEY] == expected
        assert await tries(bot) == [(1, expected, str(fault))]


async def test_a_wish_for_a_later_try_is_respected(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        bot.channels["web"].faults.append(NotNow("slow down", 77))
        await tell(bot)
        await bot.relay.tick()
        assert await bot.read(lambda tables: tables.outbox.next_due()) == bot.clock.now() + timedelta(seconds=77)


async def test_a_notice_that_may_have_arrived_is_looked_for_before_it_is_sent_again(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        web = bot.channels["web"]
        web.faults.append(MaybeSent("lost"))
        await tell(bot)
        await bot.relay.tick()
        bot.clock.advance(CAP_SECONDS)
        await bot.relay.tick()
        assert (bot.told(), len(web.looks)) == (["alarm 1"], 1)
        assert bot.outbox_states()[KEY] == "delivered"


async def test_a_notice_for_a_channel_nobody_configured_is_dead(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        del bot.channels["slack"]
        bot.relay = bot.another_relay("without-slack")
        await tell(bot, to="slack:owner")
        await bot.relay.tick()
        assert await tries(bot, "alarm-1:slack:owner") == [(1, "dead", "the channel slack is not configured")]


async def test_a_notice_outlives_an_outage_of_a_day_less_a_second_and_expires_after_that(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        bot.channels["web"].faults.extend([NotNow("down", 0)] * MAX_TRIES)
        await tell(bot)
        began, calls = bot.clock.now(), 0
        while bot.outbox_states()[KEY] == "pending":
            calls += await bot.relay.tick()
            bot.clock.advance(60)
        assert bot.outbox_states()[KEY] == "expired"
        assert NOTICE_LIFETIME <= bot.clock.now() - began <= NOTICE_LIFETIME + timedelta(seconds=120)
        assert 200 < calls < MAX_TRIES
        assert len(await tries(bot)) == calls


async def test_a_fault_of_ours_is_logged_under_an_id_and_the_effect_is_kept(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        bot.channels["web"].faults.append(ZeroDivisionError("ours"))  # type: ignore[arg-type]
        await tell(bot)
        with capture_logs() as logs:
            await bot.relay.tick()
        ((_, outcome, error),) = await tries(bot)
        assert (outcome, error) == ("ambiguous", f"fault of ours, log id {logs[0]['problem']}")


async def test_a_store_that_does_not_record_stops_the_relay_until_it_does(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        await tell(bot)
        with capture_logs(), held_for_writing(bot.path), pytest.raises(StoreUnwritable):
            await bot.relay.tick()
        assert bot.told() == []
        await bot.relay.tick()
        assert bot.told() == ["alarm 1"]


async def test_a_channel_that_cannot_record_is_no_fault_of_ours_and_its_row_waits_for_its_lease(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        bot.channels["web"].faults.append(StoreUnwritable("full"))  # type: ignore[arg-type]
        await tell(bot)
        with capture_logs() as logs, pytest.raises(StoreUnwritable):
            await bot.relay.tick()
        assert (logs, bot.outbox_states()[KEY]) == ([], "sending")
        bot.clock.advance(LEASE.total_seconds())
        await bot.relay.tick()
        assert (bot.told(), bot.outbox_states()[KEY]) == (["alarm 1"], "delivered")


async def test_the_relay_sleeps_while_another_process_holds_an_unclear_row(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        bot.channels["web"].faults.append(MaybeSent("lost"))
        await tell(bot)
        await bot.relay.tick()
        bot.clock.advance(CAP_SECONDS)
        now = bot.clock.now()
        await bot.store.transact(lambda tables: tables.outbox.lease("another", now, now + LEASE, 9))
        assert await bot.read(lambda tables: tables.outbox.next_due()) == now + LEASE


async def test_a_running_relay_wakes_for_new_work_and_stops_when_told(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        stop = asyncio.Event()
        running = asyncio.create_task(bot.relay.run_forever(stop))
        await tell(bot)
        bot.relay.wake()
        async with asyncio.timeout(30):
            await bot.channels["web"].called.wait()
            stop.set()
            bot.relay.wake()
            await running
        assert bot.outbox_states()[KEY] == "delivered"


async def test_lowering_to_read_only_holds_back_what_needs_operate(tmp_path: Path) -> None:
    async with whole_bot(tmp_path) as bot:
        document = example_policy()
        document["actions"]["deploy"] |= {"approvals": {"needed": 0}, "risk": "medium"}
        bot.policy = loaded(document)
        now = bot.clock.now()
        await bot.store.transact(lambda tables: tables.mode.set(Mode.OPERATE, "owner", now))
        await bot.say("run deploy image=web:1")
        await bot.say("pause", person="vic")
        await bot.settle()
        assert ((await only_run(bot)).reason, bot.forges["github"].ledger) == ("mode_too_low", [])
