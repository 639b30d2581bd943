"""One path for every message: claimed once, silent to strangers, limited once an hour, and honest about its faults."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from structlog.testing import capture_logs

from commands.answer import Answer
from commands.changes import CastVote
from commands.command import Arguments, Context, Outcome, Reply
from commands.dispatcher import MAX_MESSAGE_ID_CHARACTERS, Dispatcher
from commands.menu import MENU
from commands.recording import AlreadyDecidedError
from commands.run import RUN
from commands.status import STATUS
from domain.approvals import ApprovalState, Vote
from domain.decisions import Verdict
from domain.effects import CancelRun
from domain.errors import UserError
from domain.notices import NoticeKind
from domain.people import Proof
from domain.runs import RunState
from store.port import Store
from store.tables import Tables
from tests.fakes.chat import Chat, chat, handle_in
from tests.fakes.policies import example_policy, loaded
from tests.fakes.records import make_approval

T = TypeVar("T")


async def test_a_run_starts_with_its_row_its_dispatch_and_its_receipt_in_one_commit(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        answer = await bot.say("run Mutation")
        (run,) = await bot.runs()
        (dispatch,) = bot.dispatches()
        rows = await bot.audit_rows()
        assert answer.text == f"{run.handle} mutation on local/sample@main accepted. Notices come here."
        assert answer.keys == (f"why {run.handle}", f"abort {run.handle}", "status")
        assert answer.receipt is not None
        assert answer.receipt.startswith("audit 1·")
        assert (run.state, run.requested_by, run.reply_to) == (RunState.ACCEPTED, "owner", "web:owner")
        assert run.deadline_at == bot.clock.now() + timedelta(seconds=300)
        assert (dispatch.run_id, dispatch.correlation, dispatch.workflow) == (run.id, run.correlation, "ci.yml")
        assert bot.outbox()[0].key == f"dispatch:{run.id}"
        assert rows[0]["digest"] == dispatch.digest
        assert rows[0]["correlation"] == run.id
        assert bot.relay_calls == 1


async def test_a_read_wakes_no_relay(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await bot.say("status")
        assert bot.relay_calls == 0


async def test_an_action_without_a_loop_has_the_default_deadline(tmp_path: Path) -> None:
    document = example_policy()
    document["actions"]["triage"]["loop"] = None
    async with chat(tmp_path, policy=loaded(document)) as bot:
        await bot.say("run triage dev")
        (run,) = await bot.runs()
        assert run.deadline_at == bot.clock.now() + timedelta(minutes=30)
        assert run.ref == "dev"


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_message_that_comes_twice_acts_once_and_gets_the_same_answer(tmp_path: Path, restarted: bool) -> None:
    async with chat(tmp_path) as bot:
        first = await bot.say("run mutation", message_id="same")
        if restarted:
            await bot.restart()
        bot.clock.advance(10_000)
        second = await bot.say("run mutation", message_id="same")
        assert second == replace(first, repeated=True)
        assert not first.repeated
        assert len(await bot.runs()) == len(bot.dispatches()) == len(await bot.audit_rows()) == 1


async def test_sixteen_copies_at_once_act_once(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        answers = await asyncio.gather(*(bot.say("run mutation", message_id="same") for _ in range(16)))
        assert len({answer.text for answer in answers}) == 1
        assert sum(not answer.repeated for answer in answers) == 1
        assert len(await bot.runs()) == len(await bot.audit_rows()) == 1


async def test_the_same_id_on_another_channel_is_another_message(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await bot.say("status", message_id="same")
        again = await bot.say("status", message_id="same", channel="console")
        assert not again.repeated


async def test_another_text_under_a_known_id_is_refused_and_does_nothing(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await bot.say("status", message_id="same")
        for text in ("run mutation", "halt", "gibberish"):
            answer = await bot.say(text, message_id="same")
            assert (answer.verdict, answer.rule) == (Verdict.DENY, "id_reused")
            assert answer.text is not None
            assert answer.text.startswith("Refused (id_reused): another message came under this id. More: why ")
        assert (await bot.runs(), bot.outbox()) == ([], [])
        assert await bot.read(lambda tables: tables.mode.current()) is None
        first = await bot.say("status", message_id="same")
        assert first.repeated
        assert [row["rule"] for row in await bot.audit_rows()] == ["allowed", *["id_reused"] * 3]


async def test_an_answer_is_repeated_to_nobody_but_the_person_who_got_it(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        first = await bot.say("whoami", person="owner", message_id="same")
        other = await bot.say("whoami", person="vic", message_id="same")
        stranger = await bot.say("whoami", person="nobody", message_id="same")
        assert (other.rule, other.repeated) == ("id_reused", False)
        assert (stranger.text, stranger.repeated) == (None, False)
        assert (await bot.say("whoami", person="owner", message_id="same")).text == first.text


@pytest.mark.parametrize("message_id", ["", "x" * (MAX_MESSAGE_ID_CHARACTERS + 1), "grün"])
async def test_a_message_without_a_usable_id_is_refused_as_it_could_act_twice(tmp_path: Path, message_id: str) -> None:
    async with chat(tmp_path) as bot:
        with pytest.raises(UserError, match="message id must be 1 to 160 ASCII characters"):
            await bot.say("run mutation", message_id=message_id)
        assert await bot.audit_rows() == []


async def test_a_message_id_of_160_characters_is_usable(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        assert (await bot.say("status", message_id="x" * MAX_MESSAGE_ID_CHARACTERS)).rule == "allowed"


async def test_a_stranger_gets_silence_and_the_approvers_one_alarm_an_hour(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        for _ in range(3):
            answer = await bot.say("halt", person="+4915112345678", channel="sms", proof=Proof.ADDRESS)
            assert answer.text is answer.receipt is None
            assert (answer.keys, answer.verdict, answer.rule) == ((), Verdict.DENY, "unknown_person")
        alarms = bot.notices()
        assert {notice.kind for notice in alarms} == {NoticeKind.ALARM}
        assert {row.key.split(":")[-1] for row in bot.outbox()} == {"owner", "ann", "ben"}
        assert alarms[0].text == "Somebody unknown wrote on sms (sms:…5678). They got no answer."
        assert bot.relay_calls == 1
        assert await bot.read(lambda tables: tables.mode.current()) is None
        rows = await bot.audit_rows()
        assert [(row["actor"], row["action"], row["rule"]) for row in rows] == [
            ("unknown", "unread", "unknown_person")
        ] * 3
        bot.clock.advance(3600)
        await bot.say("hello", person="nobody", channel="sms")
        assert len(bot.notices("ann")) == 2


async def test_strangers_on_two_channels_raise_two_alarms(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await bot.say("hello", person="nobody", channel="sms")
        await bot.say("hello", person="nobody", channel="telegram")
        assert len(bot.notices("ann")) == 2


async def test_a_stranger_who_repeats_or_reuses_an_id_stays_unanswered(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        for text in ("hello", "hello", "something else"):
            answer = await bot.say(text, person="nobody", message_id="same")
            assert answer.text is None
        assert len(await bot.audit_rows()) == 2


async def test_somebody_who_may_not_do_it_is_shown_nothing_and_asked_nothing(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        answer = await bot.say("run strict", person="vic")
        assert (answer.verdict, answer.rule) == (Verdict.DENY, "scope_missing")
        assert answer.text is not None
        assert "threshold" not in answer.text
        assert await bot.read(lambda tables: tables.approvals.waiting(bot.clock.now())) == []
        assert bot.outbox() == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("run deploy main reff=dev", "input_invalid"),
        ("run deploy image=", "allowed"),  # not understood, so nothing is judged but the reading of the answer
        ("run strict threshold=101", "input_invalid"),
        ("run strict threshold=abc", "input_invalid"),
        ("run mutation other", "ref_not_allowed"),
        ("run mutation 'main'", "ref_not_allowed"),
        ("run rm", "action_unknown"),
        ("run deploy image=a", "mode_too_low"),
        ("abort ZZ", "run_unknown"),
        ("ok ZZ", "approval_unknown"),
        ("no ZZ", "approval_unknown"),
        ("resume", "proof_too_weak"),
    ],
)
async def test_what_does_not_fit_the_policy_starts_nothing_and_names_the_rule(
    tmp_path: Path, text: str, rule: str
) -> None:
    async with chat(tmp_path) as bot:
        answer = await bot.say(text)
        assert answer.rule == rule
        assert (await bot.runs(), bot.outbox()) == ([], [])


async def test_a_value_with_colons_and_slashes_reaches_the_dispatch_whole(tmp_path: Path) -> None:
    document = example_policy()
    document["actions"]["deploy"].update(modes=["read-only", "operate"], risk="report", approvals={"needed": 0})
    async with chat(tmp_path, policy=loaded(document)) as bot:
        await bot.say("run deploy image=ghcr.io/acme/api:v1=2")
        assert bot.dispatches()[0].inputs == {"image": "ghcr.io/acme/api:v1=2"}


@pytest.mark.parametrize("text", ["y", "yes", "Yes.", "YES", "ok", "okay", "no", "1"])
async def test_a_bare_yes_decides_nothing_whatever_waits(tmp_path: Path, text: str) -> None:
    async with chat(tmp_path) as bot:
        await bot.say("run strict", person="olga")
        await bot.say("run strict threshold=80", person="olga")
        await bot.say(text)
        waiting = await bot.read(lambda tables: tables.approvals.waiting(bot.clock.now()))
        assert [approval.votes for approval in waiting] == [(), ()]
        assert bot.dispatches() == []


async def test_a_carrier_word_is_told_what_to_say_instead(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        answer = await bot.say("yes")
        assert answer.text == "YES decides nothing here. Answer a request with ok <id> or no <id>; stop with halt."


async def test_limits_answer_once_an_hour_and_then_fall_silent(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        said = [await bot.say("status", channel="sms", proof=Proof.ADDRESS) for _ in range(8)]
        assert [answer.rule for answer in said] == ["allowed"] * 5 + ["rate_limited"] * 3
        assert [answer.text is None for answer in said] == [False] * 6 + [True, True]
        assert said[5].text is not None
        assert "more than 5 messages in this hour" in said[5].text
        assert len(await bot.audit_rows()) == 8
        assert (await bot.say("status")).rule == "allowed"
        bot.clock.advance(3600)
        assert (await bot.say("status", channel="sms", proof=Proof.ADDRESS)).rule == "allowed"


async def test_halt_and_answers_to_approvals_are_not_limited(tmp_path: Path) -> None:
    document = example_policy()
    document["channels"]["web"]["per_person_per_hour"] = 1
    async with chat(tmp_path, policy=loaded(document)) as bot:
        asked = await bot.say("run strict", person="olga")
        other = await bot.say("run strict", person="owner")
        assert (await bot.say("status")).rule == "rate_limited"
        assert (await bot.say(f"no {handle_in(asked)}")).rule == "allowed"
        assert (await bot.say(f"ok {handle_in(other)}", person="ann")).rule == "allowed"
        assert (await bot.say("halt")).rule == "lowering_is_always_allowed"


async def test_an_action_over_its_own_rate_is_refused_each_time(tmp_path: Path) -> None:
    document = example_policy()
    document["actions"]["triage"]["rate"]["per_hour"] = 1
    async with chat(tmp_path, policy=loaded(document)) as bot:
        started = await bot.say("run triage")
        await bot.finish(handle_in(started))
        for _ in range(2):
            refused = await bot.say("run triage")
            assert refused.rule == "action_rate_limited"
            assert refused.text
        bot.clock.advance(3600)
        assert (await bot.say("run triage")).rule == "allowed"


async def test_a_second_run_in_a_slot_is_refused_until_the_first_is_over(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        (first, second) = await asyncio.gather(bot.say("run triage"), bot.say("run triage", person="olga"))
        assert {first.rule, second.rule} == {"allowed", "slot_busy"}
        assert (await bot.say("run triage dev")).rule == "allowed"
        held = handle_in(first if first.rule == "allowed" else second)
        refused = await bot.say("run triage")
        assert refused.text is not None
        assert f"already running as {held}" in refused.text
        await bot.finish(held, RunState.FAILED)
        assert (await bot.say("run triage")).rule == "allowed"


@pytest.mark.parametrize(
    ("seconds_late", "rule"), [(300, "allowed"), (301, "too_old"), (-30, "allowed"), (-31, "from_the_future")]
)
async def test_a_signed_time_must_be_close_to_ours(tmp_path: Path, seconds_late: int, rule: str) -> None:
    async with chat(tmp_path) as bot:
        sent = bot.clock.now() - timedelta(seconds=seconds_late)
        assert (await bot.say("status", sent_at=sent)).rule == rule


async def test_a_run_is_aborted_by_who_asked_or_may_approve_and_by_nobody_else(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        started = await bot.say("run triage", person="owner")
        handle = handle_in(started)
        assert (await bot.say(f"abort {handle}", person="olga")).rule == "not_your_run"
        answer = await bot.say(f"abort {handle}", person="ann")
        assert answer.text == f"{handle} triage is being cancelled. The final notice comes here."
        (run,) = await bot.runs()
        await bot.say(f"abort {handle}")
        cancels = [row for row in bot.outbox() if isinstance(row.effect, CancelRun)]
        assert [(row.key, row.effect) for row in cancels] == [
            (f"cancel:{run.id}", CancelRun(run.id, "github", run.correlation))
        ]
        await bot.finish(handle, RunState.CANCELLED)
        assert (await bot.say(f"abort {handle}")).rule == "run_is_over"


async def test_a_run_whose_action_left_the_policy_is_cancelled_on_this_machine(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        started = await bot.say("run triage")
        document = example_policy()
        del document["actions"]["triage"]
        bot.policy = loaded(document)
        await bot.say(f"abort {handle_in(started)}")
        assert [row.effect.forge for row in bot.outbox() if isinstance(row.effect, CancelRun)] == ["local"]


def failing_once_written(_arguments: Arguments, context: Context, tables: Tables) -> Outcome:
    tables.rates.count("written before the fault", context.now)
    raise ZeroDivisionError


async def test_a_fault_of_ours_is_logged_under_an_id_the_person_learns_and_changes_nothing(tmp_path: Path) -> None:
    async with chat(tmp_path, catalogue=(STATUS, replace(RUN, run=failing_once_written))) as bot:
        with capture_logs() as logs:
            answer = await bot.say("run mutation", message_id="same")
        assert answer.problem is not None
        assert answer.text == f"Something went wrong on our side and nothing was changed. Log id {answer.problem}."
        assert (answer.verdict, answer.rule, answer.receipt) == (None, "fault", None)
        (logged,) = [line for line in logs if line["event"] == "message_failed"]
        assert logged["problem"] == answer.problem
        assert isinstance(logged["exc_info"], ZeroDivisionError)
        assert (await bot.audit_rows(), await bot.runs(), bot.outbox()) == ([], [], [])
        now = bot.clock.now()
        assert await bot.read(lambda tables: tables.rates.current("written before the fault", now)) == 0
        assert (await bot.say("status")).rule == "allowed"


async def test_a_message_that_failed_is_tried_anew_when_it_comes_again(tmp_path: Path) -> None:
    async with chat(tmp_path, catalogue=(replace(RUN, run=failing_once_written),)) as bot:
        with capture_logs():
            first = await bot.say("run mutation", message_id="same")
            again = await bot.say("run mutation", message_id="same")
        assert not again.repeated
        assert again.problem != first.problem


class Looks:
    """The bot's store, counting how often a message was looked at."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.count = 0

    async def transact(self, fn: Callable[[Tables], T]) -> T:
        self.count += 1
        return await self.store.transact(fn)

    async def read(self, fn: Callable[[Tables], T]) -> T:
        return await self.store.read(fn)


async def race(bot: Chat, lost: int) -> Answer:
    """Ask for something that somebody else was quicker with as often as `lost` says."""
    looks = Looks(bot.store)

    def vote(_arguments: Arguments, context: Context, _tables: Tables) -> Outcome:
        stale = CastVote(make_approval(), Vote("ann", True, context.now, ""), ApprovalState.APPROVED)
        return Outcome(Reply("voted"), (stale,)) if looks.count <= lost else Outcome(Reply("looked again"))

    around = replace(bot.around, catalogue=(replace(MENU, run=vote),))
    return await Dispatcher(looks, around, lambda: None).handle(bot.message("menu"))


async def decided(bot: Chat) -> None:
    """Keep an approval that was refused already."""

    def fill(tables: Tables) -> None:
        tables.approvals.open(make_approval())
        tables.approvals.decide("APPROVAL-1", ApprovalState.DENIED, "ben", bot.clock.now())

    await bot.store.transact(fill)


async def test_who_loses_a_race_gets_a_second_look(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await decided(bot)
        assert (await race(bot, lost=1)).text == "looked again"
        assert len(await bot.audit_rows()) == 1


async def test_who_loses_the_second_look_too_is_told_of_a_fault(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        await decided(bot)
        with capture_logs() as logs:
            assert (await race(bot, lost=2)).rule == "fault"
        assert isinstance(logs[0]["exc_info"], AlreadyDecidedError)
        approval = await bot.read(lambda tables: tables.approvals.get("APPROVAL-1"))
        assert approval is not None
        assert (approval.state, approval.votes) == (ApprovalState.DENIED, ())


async def test_a_halt_counts_for_the_message_right_behind_it(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        answers = await asyncio.gather(
            bot.say("status"), bot.say("halt"), bot.say("run triage"), bot.say("run mutation")
        )
        assert [answer.rule for answer in answers[2:]] == ["mode_off", "mode_off"]


async def test_without_a_policy_reads_answer_and_writes_do_not(tmp_path: Path) -> None:
    async with chat(tmp_path) as bot:
        bot.policy = replace(bot.policy, status=type(bot.policy.status).MISSING, policy=None, problems=())
        assert (await bot.say("status")).rule == "allowed"
        assert (await bot.say("run mutation")).rule == "policy_missing"
        assert (await bot.say("ok 3K")).rule == "policy_missing"
        assert (await bot.say("halt")).rule == "lowering_is_always_allowed"
