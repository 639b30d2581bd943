"""A number alone proves little: what it asks for runs after a one-time code that went to that very number (I4, E1)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyotp import TOTP

from commands.answer import Answer
from commands.confirming import LOCKED, PROMPTS_PER_HOUR, WRONG_CODES
from domain.clock import to_text
from domain.confirmations import Confirmation
from domain.decisions import Verdict
from domain.effects import CancelRun, Deliver, LinkAddress
from domain.messages import CarrierWord, Press
from domain.modes import Mode
from domain.notices import Choice, Notice, NoticeKind, Urgency
from domain.people import AddressKind, Proof
from domain.runs import RunState
from tests.fakes.chat import Chat, chat, every_channel, handle_in
from tests.fakes.virtual_time import VirtualTime

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
LIFETIME_SECONDS = 600


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Chat]:
    async with chat(tmp_path, policy=every_channel()) as made:
        yield made


async def challenged(bot: Chat, text: str = "run triage", who: str = "olga", channel: str = "sms") -> tuple[str, str]:
    """Ask for something that needs a code; return the confirmation's handle and the code that was sent."""
    asked = await bot.text(text, who, channel)
    assert asked.verdict is Verdict.NEEDS, asked
    code = await bot.code()
    assert code is not None
    return handle_in(asked).removesuffix(":"), code


async def confirmation(bot: Chat, handle: str) -> Confirmation:
    meaning = await bot.read(lambda tables: tables.handles.meaning(handle, "confirmation"))
    assert meaning is not None
    found = await bot.read(lambda tables: tables.confirmations.get(meaning[1]))
    assert found is not None
    return found


async def enrol(bot: Chat, who: str = "olga") -> None:
    await bot.store.transact(lambda tables: tables.authenticators.put(who, SECRET, bot.clock.now()))


def other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def replies(bot: Chat, to: str = "sms:olga") -> list[Notice]:
    return [one for one in bot.sent_to(to) if one.kind is NoticeKind.REPLY]


async def test_a_command_by_text_waits_for_a_code_and_the_challenge_is_the_one_answer(bot: Chat) -> None:
    asked = await bot.text("run triage dev", "olga")
    handle = handle_in(asked).removesuffix(":")
    waiting = await confirmation(bot, handle)
    assert (asked.verdict, asked.rule) == (Verdict.NEEDS, "proof_too_weak")
    assert asked.text == f"{handle}: run triage dev? Send ok {handle} <code> within 10 min."
    (row,) = bot.outbox()
    assert row.effect == Deliver(
        "sms:olga",
        Notice(
            f"code:{waiting.id}",
            NoticeKind.CHALLENGE,
            f"{handle}: run triage dev? Send ok {handle} {{code}} within 10 min.",
            urgency=Urgency.HIGH,
            subject=waiting.id,
        ),
    )
    assert (waiting.person, waiting.to, waiting.text) == ("olga", "sms:olga", "run triage dev")
    assert waiting.expires_at == bot.clock.now() + timedelta(seconds=LIFETIME_SECONDS)
    audited = (await bot.audit_rows())[-1]
    assert (audited["outcome"], audited["evidence"]["changes"]) == ("waiting", [f"confirmation {waiting.id} opened"])
    assert (await bot.runs(), bot.relay_calls) == ([], 1)


async def test_the_right_code_runs_the_command_as_proven_by_it_once(bot: Chat) -> None:
    handle, code = await challenged(bot)
    answer = await bot.text(f"ok {handle} {code}", "olga")
    (run,) = await bot.runs()
    assert (answer.rule, run.action, run.requested_by, run.reply_to) == ("allowed", "triage", "olga", "sms:olga")
    row = (await bot.audit_rows())[-1]
    assert (row["proof"], row["action"], row["correlation"]) == ("code", "run", run.id)
    assert [one.text for one in replies(bot)] == [answer.text]
    used = await confirmation(bot, handle)
    assert (used.consumed_at, used.consumed_by) == (bot.clock.now(), 2)
    await bot.finish(run.handle, RunState.SUCCEEDED)
    again = await bot.text(f"ok {handle} {code}", "olga")
    assert (again.verdict, again.rule) == (Verdict.DENY, "confirmation_used")
    assert len(await bot.runs()) == len(bot.dispatches()) == 1


async def test_a_code_confirms_whatever_needed_one(bot: Chat) -> None:
    started = await bot.say("run triage", "olga")
    handle, code = await challenged(bot, f"abort {handle_in(started)}")
    assert (await bot.text(f"ok {handle} {code}", "olga")).rule == "allowed"
    assert [type(row.effect) for row in bot.outbox()].count(CancelRun) == 1
    handle, code = await challenged(bot, "subscribe mutation", who="vic")
    assert (await bot.text(f"ok {handle} {code}", "vic")).rule == "allowed"


async def test_a_request_for_approval_by_text_opens_with_its_code(bot: Chat) -> None:
    handle, code = await challenged(bot, "run strict")
    answer = await bot.text(f"ok {handle} {code}", "olga")
    assert answer.rule == "approval_needed"
    assert len(await bot.read(lambda tables: tables.approvals.waiting(bot.clock.now()))) == 1
    assert (await bot.text(f"ok {handle} {code}", "olga")).rule == "confirmation_used"


@pytest.mark.parametrize("text", ["run deploy image=api:1", "resume", "ok {approval}"])
async def test_what_a_code_cannot_prove_asks_for_none(tmp_path: Path, text: str) -> None:
    async with chat(tmp_path, policy=every_channel(), mode=Mode.OPERATE) as bot:
        waiting = handle_in(await bot.say("run strict", "olga"))
        await bot.say("pause") if text == "resume" else None
        answer = await bot.text(text.format(approval=waiting), "ann")
        assert (answer.verdict, answer.rule) == (Verdict.NEEDS, "proof_too_weak")
        assert NoticeKind.CHALLENGE not in {one.kind for one in bot.notices()}


async def test_who_shows_the_answer_itself_and_a_button_are_never_asked_for_a_code(bot: Chat) -> None:
    await enrol(bot)
    typed = bot.message("run triage", "olga", Proof.ADDRESS, "ntfy")
    assert (await bot.dispatcher.handle(typed)).rule == "proof_too_weak"
    keys = (Choice("run triage", "run triage"),)
    (token,) = await bot.show("ntfy:olga", Notice("n", NoticeKind.ALARM, "text", choices=keys, choices_for="olga"))
    pressed = bot.message("", "olga", Proof.ADDRESS, "ntfy")
    answer = await bot.dispatcher.handle(replace(pressed, reply_to=pressed.sender, press=Press(token)))
    assert answer.rule == "proof_too_weak"
    assert NoticeKind.CHALLENGE not in {one.kind for one in bot.notices()}


async def test_without_an_authenticator_only_a_phone_number_can_be_asked_for_a_code(bot: Chat) -> None:
    first = await bot.text("run triage", "olga", "ntfy")
    assert (first.text or "").startswith("Not yet (proof_too_weak)")
    await enrol(bot)
    second = await bot.text("run triage", "olga", "ntfy")
    assert "Send ok" in (second.text or "")


async def test_a_code_lies_nowhere_but_on_its_way_to_the_phone(bot: Chat) -> None:
    handle, code = await challenged(bot)
    wrong = other(code)
    for text in (
        f"ok {handle} {wrong}",
        f"OK  {handle}   {wrong}.",
        f"ok {handle} {wrong} please",
        f"ok {wrong}",
        wrong,
        f"ok {handle}\n{wrong}",
        f"code {wrong}",
        f"ok {handle} {code}",
    ):
        await bot.text(text, "olga")
    everything = bot.dump()
    assert code not in everything
    assert wrong not in everything
    assert f"ok {handle} ******" in everything


async def test_a_mistyped_code_is_not_echoed(bot: Chat) -> None:
    assert ((await bot.text("ok 482913", "olga")).text or "").startswith(
        "Not done: ****** is no id of two or three characters"
    )


async def wrong_codes(bot: Chat, handle: str, code: str, count: int, channel: str = "sms") -> Answer:
    for _ in range(count):
        answer = await bot.text(f"ok {handle} {other(code)}", "olga", channel)
    return answer


async def test_wrong_codes_say_how_many_tries_are_left_and_the_fifth_locks_the_address(bot: Chat) -> None:
    handle, code = await challenged(bot)
    for left in ("4 tries left", "3 tries left", "2 tries left", "1 try left", "that was the last try for 24 h"):
        answer = await wrong_codes(bot, handle, code, 1)
        assert (answer.verdict, answer.rule) == (Verdict.DENY, "code_wrong")
        assert left in (answer.text or "")
    locked = await bot.text(f"ok {handle} {code}", "olga")
    assert (locked.verdict, locked.rule) == (Verdict.DENY, "code_locked")
    assert await bot.runs() == []


async def test_a_new_challenge_does_not_open_a_locked_address_and_a_day_does(bot: Chat) -> None:
    handle, code = await challenged(bot)
    await wrong_codes(bot, handle, code, WRONG_CODES)
    assert (await bot.text(f"ok {handle} {code}", "olga")).rule == "code_locked"
    for seconds in (0.0, 24 * 3600 - 0.001):
        bot.clock.advance(seconds)
        before = len(bot.sent_to("sms:olga"))
        assert (await bot.text("run mutation", "olga")).text == LOCKED  # no code is sent that could not work
        assert [one.kind for one in bot.sent_to("sms:olga")[before:]] == [NoticeKind.REPLY]
    bot.clock.advance(0.001)
    handle, code = await challenged(bot)
    assert (await bot.text(f"ok {handle} {code}", "olga")).rule == "allowed"


async def test_a_locked_address_still_reads_and_lowers_the_mode_and_others_are_not_locked(bot: Chat) -> None:
    handle, code = await challenged(bot)
    await wrong_codes(bot, handle, code, WRONG_CODES)
    assert (await bot.text("status", "olga")).rule == "allowed"
    assert (await bot.text("pause", "olga")).rule == "lowering_is_always_allowed"
    await enrol(bot)
    handle = handle_in(await bot.text("run triage", "olga", "ntfy")).removesuffix(":")
    assert (await bot.text(f"ok {handle} {totp(bot.clock.now())}", "olga", "ntfy")).rule == "allowed"
    handle, code = await challenged(bot, "run mutation", who="ann")
    assert (await bot.text(f"ok {handle} {code}", "ann")).rule == "allowed"
    assert (await bot.text("halt", "olga")).rule == "lowering_is_always_allowed"


async def test_guesses_at_several_confirmations_of_one_address_add_up(bot: Chat) -> None:
    for _ in range(WRONG_CODES):
        handle, code = await challenged(bot)
        await wrong_codes(bot, handle, code, 1)
    assert (await bot.text(f"ok {handle} {code}", "olga")).rule == "code_locked"


async def test_an_ok_without_a_code_is_no_guess(bot: Chat) -> None:
    handle, code = await challenged(bot)
    for _ in range(WRONG_CODES + 1):
        assert "5 tries left" in ((await bot.text(f"ok {handle}", "olga")).text or "")
    assert (await bot.text(f"ok {handle} {code}", "olga")).rule == "allowed"


@pytest.mark.parametrize("typed", ["12345", "1234567", "abcdef", "٤٨٢٩١٣"])
async def test_what_is_no_code_is_a_wrong_one(bot: Chat, typed: str) -> None:
    handle, _ = await challenged(bot)
    assert (await bot.text(f"ok {handle} {typed}", "olga")).rule == "code_wrong"
    assert await bot.runs() == []


async def test_before_its_code_was_made_nothing_confirms(bot: Chat) -> None:
    handle = handle_in(await bot.text("run triage", "olga")).removesuffix(":")
    assert (await bot.text(f"ok {handle} 000000", "olga")).rule == "code_wrong"


async def test_a_newer_code_takes_the_place_of_the_older_one(bot: Chat) -> None:
    handle, first = await challenged(bot)
    second = await bot.code()
    assert (await bot.text(f"ok {handle} {first}", "olga")).rule == "code_wrong"
    assert (await bot.text(f"ok {handle} {second}", "olga")).rule == "allowed"


async def test_a_code_lives_for_ten_minutes_from_the_question_whenever_it_was_sent(bot: Chat) -> None:
    handle, _ = await challenged(bot)
    bot.clock.advance(LIFETIME_SECONDS - 0.001)
    late = await bot.code()
    assert (await bot.text(f"ok {handle} {late}", "olga")).rule == "allowed"
    handle, code = await challenged(bot, "run mutation")
    bot.clock.advance(LIFETIME_SECONDS)
    assert await bot.code() is None
    expired = await bot.text(f"ok {handle} {code}", "olga")
    assert (expired.verdict, expired.rule) == (Verdict.DENY, "confirmation_expired")
    assert [run.action for run in await bot.runs()] == ["triage"]


async def test_a_code_that_was_made_for_a_shorter_time_ends_before_its_confirmation(bot: Chat) -> None:
    handle, code = await challenged(bot)
    waiting, now = await confirmation(bot, handle), bot.clock.now()
    assert waiting.code_hash is not None
    hashed, until = waiting.code_hash, now + timedelta(seconds=60)
    await bot.store.transact(lambda tables: tables.confirmations.set_code(waiting.id, hashed, now, until))
    bot.clock.advance(60)
    assert (await bot.text(f"ok {handle} {code}", "olga")).rule == "code_wrong"


async def test_another_persons_confirmation_is_neither_used_nor_shown(bot: Chat) -> None:
    handle, code = await challenged(bot, "run triage dev", who="ann")
    stolen = await bot.text(f"ok {handle} {code}", "ben")
    assert (stolen.verdict, stolen.rule) == (Verdict.DENY, "confirmation_foreign")
    assert "triage" not in (stolen.text or "")
    for _ in range(WRONG_CODES):
        await bot.text(f"ok {handle} {other(code)}", "ben")
    mine, my_code = await challenged(bot, "run mutation", who="ben")  # that was no guessing at one's own codes
    assert (await bot.text(f"ok {mine} {my_code}", "ben")).rule == "allowed"
    assert (await bot.text(f"ok {handle} {code}", "ann")).rule == "allowed"


async def test_a_confirmation_is_good_at_the_address_that_asked_only(bot: Chat) -> None:
    handle, code = await challenged(bot, who="ann")
    elsewhere = await bot.text(f"ok {handle} {code}", "ann", "telegram")
    assert elsewhere.rule == "confirmation_foreign"
    assert (await bot.say(f"ok {handle} {code}", "ann")).rule == "confirmation_foreign"
    assert (await bot.text(f"ok {handle} {code}", "ann")).rule == "allowed"


async def test_of_many_messages_with_one_right_code_one_acts(bot: Chat) -> None:
    handle, code = await challenged(bot)
    answers = await asyncio.gather(*(bot.text(f"ok {handle} {code}", "olga") for _ in range(8)))
    assert sorted({answer.rule or "" for answer in answers}) == ["allowed", "confirmation_used"]
    assert len(await bot.runs()) == len(bot.dispatches()) == 1


class Hurrying(VirtualTime):
    """A clock that moves on whenever somebody looks at it, once `hurry` is set, in seconds."""

    hurry = 0

    def now(self) -> datetime:
        self.advance(self.hurry)
        return super().now()


@pytest.mark.parametrize("left", range(1, 10))
async def test_a_confirmation_that_runs_out_while_it_is_looked_at_is_either_in_time_or_said_to_be_late(
    tmp_path: Path, left: int
) -> None:
    async with chat(tmp_path, policy=every_channel()) as bot:
        clock = bot.clock = Hurrying()
        await bot.restart()
        handle, code = await challenged(bot)
        clock.advance(LIFETIME_SECONDS - left)
        clock.hurry = 1
        answer = await bot.text(f"ok {handle} {code}", "olga")
        assert answer.rule in ("allowed", "confirmation_expired")
        started = int(answer.rule == "allowed")
        assert len(await bot.runs()) == len(bot.dispatches()) == started


def totp(moment: datetime) -> str:
    return TOTP(SECRET).at(moment)


async def test_an_authenticators_code_is_taken_once(bot: Chat) -> None:
    await enrol(bot)
    handle = handle_in(await bot.text("run triage", "olga")).removesuffix(":")
    assert await bot.code() is None
    code = totp(bot.clock.now())
    assert (await bot.text(f"ok {handle} {code}", "olga")).rule == "allowed"
    handle = handle_in(await bot.text("run mutation", "olga")).removesuffix(":")
    assert (await bot.text(f"ok {handle} {code}", "olga")).rule == "code_wrong"
    bot.clock.advance(30)
    assert (await bot.text(f"ok {handle} {totp(bot.clock.now())}", "olga")).rule == "allowed"
    assert len(await bot.runs()) == 2


@pytest.mark.parametrize(
    ("steps_off", "rule"), [(-2, "code_wrong"), (-1, "allowed"), (0, "allowed"), (1, "allowed"), (2, "code_wrong")]
)
async def test_an_authenticators_clock_may_be_one_step_off(bot: Chat, steps_off: int, rule: str) -> None:
    await enrol(bot)
    handle = handle_in(await bot.text("run triage", "olga", "ntfy")).removesuffix(":")
    code = totp(bot.clock.now() + timedelta(seconds=30 * steps_off))
    assert (await bot.text(f"ok {handle} {code}", "olga", "ntfy")).rule == rule


async def test_after_a_later_steps_code_an_earlier_one_is_worth_nothing(bot: Chat) -> None:
    await enrol(bot)
    for action, seconds, rule in (("triage", 30, "allowed"), ("mutation", 0, "code_wrong")):
        handle = handle_in(await bot.text(f"run {action}", "olga")).removesuffix(":")
        code = totp(bot.clock.now() + timedelta(seconds=seconds))
        assert (await bot.text(f"ok {handle} {code}", "olga")).rule == rule


async def test_who_has_an_authenticator_is_not_confirmed_by_a_code_that_was_sent(bot: Chat) -> None:
    handle, code = await challenged(bot)
    await enrol(bot)
    assert (await bot.text(f"ok {handle} {code}", "olga")).rule == "code_wrong"


async def test_a_number_is_asked_for_a_code_at_most_six_times_an_hour(bot: Chat) -> None:
    bot.clock.advance(-bot.clock.now().minute * 60)
    answers = [await bot.text("run triage", "olga") for _ in range(PROMPTS_PER_HOUR + 2)]
    prompted = [("Send ok" in (answer.text or "")) for answer in answers]
    assert prompted == [True] * PROMPTS_PER_HOUR + [False] * 2
    assert (answers[-1].text or "").startswith("Not yet (proof_too_weak)")
    assert [one.kind for one in bot.sent_to("sms:olga")] == ["challenge"] * PROMPTS_PER_HOUR + ["reply"] * 2
    await challenged(bot, who="ann")
    bot.clock.advance(3600)
    await challenged(bot)


async def test_why_explains_a_confirmation_to_whom_it_belongs(bot: Chat) -> None:
    handle, code = await challenged(bot)
    until = to_text((await confirmation(bot, handle)).expires_at)
    waits = await bot.text(f"why {handle}", "olga")
    assert waits.text == f"{handle}: run triage waits for its code, until {until}."
    foreign = await bot.text(f"why {handle}", "ann")
    assert foreign.text == f"The record behind {handle} is past its retention."
    await bot.text(f"ok {handle} {code}", "olga")
    confirmed = await bot.text(f"why {handle}", "olga")
    assert confirmed.text == f"{handle}: run triage was confirmed, until {until}."
    missed, _ = await challenged(bot, "run mutation")
    bot.clock.advance(LIFETIME_SECONDS)
    assert "ran out before its code came" in ((await bot.text(f"why {missed}", "olga")).text or "")


async def test_a_forgotten_confirmation_is_said_to_be_past_its_retention(bot: Chat) -> None:
    await bot.store.transact(lambda tables: tables.handles.give("ZZ", "confirmation", "GONE", bot.clock.now()))
    assert (await bot.say("why ZZ")).text == "The record behind ZZ is past its retention."
    assert (await bot.text("ok ZZ 482913", "ann")).rule == "approval_unknown"


TRIES = [
    "run triage",
    "run strict",
    "run deploy image=a:1",
    "resume",
    "ok {report}",
    "no {report}",
    "subscribe all",
    "ok {medium} {number}",
    "ok {high}",
    "no {high}",
    "ok {confirmation}",
    "ok {confirmation} 482913",
]
HANDLES = st.sampled_from(["{report}", "{medium}", "{high}", "{run}", "{confirmation}", "ZZ"])
NUMBERS = st.sampled_from(["", " {number}", " 47", " 482913", " 000000", " yes"])
ANSWERS = st.builds(
    lambda verb, handle, number: f"{verb} {handle}{number}", st.sampled_from(["ok", "no", "why"]), HANDLES, NUMBERS
)
ASKS = st.sampled_from(
    ["resume", "operate", "/resume", "RESUME.", "yes", "y", "ok", "1", "link 7F3C9K2M", "abort {run}", *TRIES]
)
TEXTS = st.one_of(ANSWERS, ASKS, st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
SENT = st.tuples(TEXTS, st.sampled_from(["owner", "ann", "olga"]), st.sampled_from(["sms", "ntfy"]))


@settings(max_examples=40, deadline=None)  # each example starts a whole bot
@given(st.lists(st.tuples(SENT, st.none() | st.sampled_from([*CarrierWord])), min_size=1, max_size=10))
@example([((text, "ann", channel), None) for text in TRIES for channel in ("sms", "ntfy")])
def test_a_message_proven_by_its_address_alone_raises_no_mode_grants_nothing_and_starts_nothing(
    tmp_path_factory: pytest.TempPathFactory, sent: list[tuple[tuple[str, str, str], CarrierWord | None]]
) -> None:
    async def hold() -> None:
        reachable = [AddressKind.SMS, AddressKind.NTFY]
        async with chat(
            tmp_path_factory.mktemp("talk"), policy=every_channel(), mode=Mode.OPERATE, reachable=reachable
        ) as bot:
            marks = await everything_waits(bot)
            people, dispatched = bot.people.all(), bot.dispatches()
            for (text, who, channel), word in sent:
                for mark, meant in marks.items():
                    text = text.replace(f"{{{mark}}}", meant)  # noqa: PLW2901 - the marks of this example's own bot
                assert (await bot.text(text, who, channel, carrier_word=word)).rule != "fault"
                assert (await bot.read(lambda tables: tables.mode.value())).rank <= Mode.READ_ONLY.rank
            waiting = await bot.read(lambda tables: tables.approvals.waiting(bot.clock.now()))
            assert [(one.state, one.votes) for one in waiting] == [("open", ())] * 3
            assert (bot.dispatches(), bot.people.all()) == (dispatched, people)
            assert not [row for row in bot.outbox() if isinstance(row.effect, LinkAddress | CancelRun)]

    asyncio.run(hold())


async def everything_waits(bot: Chat) -> dict[str, str]:
    """Leave something of every kind that a text could try to decide, and the mode lowered but ready to be raised."""
    for _ in range(2):
        await bot.finish(handle_in(await bot.say("run triage")))
    bot.clock.advance(7 * 86_400)
    asked = {
        "report": await bot.say("run strict", "olga"),
        "medium": await bot.say("run deploy image=api:1", "olga"),
        "high": await bot.say("run release image=api:1", proof=Proof.DEVICE),
        "run": await bot.say("run triage"),
        "confirmation": await bot.text("run mutation", "owner"),
    }
    marks = {name: handle_in(answer).removesuffix(":") for name, answer in asked.items()}
    waiting = await bot.read(lambda tables: tables.approvals.waiting(bot.clock.now()))
    marks["number"] = next(one.match_number for one in waiting if one.match_number) or ""
    await bot.say("pause")
    return marks
