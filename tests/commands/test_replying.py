"""An answer goes out with the commit that made it, worded for its medium; nothing is sent where nothing was said."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.gsm7 import SEGMENT_SEPTETS, septets, transliterate
from channels.marks import reference, with_code
from channels.sms_text import body, challenge_body
from commands.catalogue import CATALOGUE
from domain.clock import to_text
from domain.effects import Deliver
from domain.findings import Finding, HotSpot, MutantCounts, Severity
from domain.messages import CarrierWord
from domain.modes import Mode
from domain.notices import ChoiceStyle, Notice, NoticeKind, Urgency
from domain.runs import RunState
from domain.snapshots import LoopReason, LoopStatus, MutationSnapshot, TriageSnapshot
from store.tables import Tables
from tests.fakes.chat import Chat, Committed, chat, every_channel, handle_in
from tests.fakes.directory import person
from tests.fakes.policies import example_policy
from tests.fakes.records import make_approval, make_run
from tests.fakes.virtual_time import START

ROOM_BEHIND_REFERENCE = SEGMENT_SEPTETS - len(" #7F3C")


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Chat]:
    async with chat(tmp_path, policy=every_channel()) as made:
        yield made


def replies(bot: Chat) -> list[tuple[Committed, Deliver]]:
    """Return every committed answer."""
    sent = [(row, row.effect) for row in bot.outbox() if isinstance(row.effect, Deliver)]
    return [(row, one) for row, one in sent if one.notice.kind is NoticeKind.REPLY]


@pytest.mark.parametrize("channel", ["sms", "telegram", "ntfy"])
async def test_an_answer_is_committed_with_its_message_under_a_key_of_its_own(bot: Chat, channel: str) -> None:
    answer = await bot.text("whoami", "vic", channel, message_id="m/1")
    ((row, sent),) = replies(bot)
    assert row.key == f"reply:{channel}:our-{channel}:m/1:{channel}:vic"
    assert row.expires_at == to_text(bot.clock.now() + timedelta(hours=1))
    notice = sent.notice
    assert (sent.to, sent.fallbacks, notice.urgency) == (f"{channel}:vic", (), Urgency.HIGH)
    assert [(one.label, one.command, one.style) for one in notice.choices] == [
        (key, key, ChoiceStyle.PLAIN) for key in ("menu", "status")
    ]
    assert (notice.choices_for, notice.choices_until) == ("vic", bot.clock.now() + timedelta(hours=24))
    assert (notice.receipt, notice.subject, notice.acknowledges) == (answer.receipt, None, None)
    assert bot.relay_calls == 1


@pytest.mark.parametrize("channel", ["telegram", "ntfy", "sms"])
async def test_an_answer_brings_its_receipt_for_channels_with_room_to_show_it(bot: Chat, channel: str) -> None:
    answer = await bot.text("approvals", "vic", channel)
    notice = replies(bot)[-1][1].notice
    assert notice.text == answer.text == "Nothing waits for an approval."
    assert notice.receipt == answer.receipt
    assert answer.receipt is not None


async def test_an_answer_in_a_group_goes_to_the_group_with_keys_of_who_asked(bot: Chat) -> None:
    await bot.text("status", "vic", "telegram", chat="-100")
    ((_, sent),) = replies(bot)
    assert (sent.to, sent.notice.choices_for) == ("telegram:-100", "vic")


async def test_no_more_than_four_keys_become_buttons(bot: Chat) -> None:
    await bot.text("menu", "owner", "telegram")
    ((_, sent),) = replies(bot)
    assert 1 <= len(sent.notice.choices) <= 4


async def test_a_chart_is_named_where_there_is_one(bot: Chat) -> None:
    await keep(bot, MEASURED)
    await bot.text("mutation", "vic", "telegram")
    await bot.text("whoami", "vic", "telegram")
    assert [sent.notice.picture for _, sent in replies(bot)] == ["mutation", None]


@pytest.mark.parametrize("channel", ["web", "console"])
async def test_what_shows_its_answers_itself_gets_none_through_the_outbox(bot: Chat, channel: str) -> None:
    await bot.say("status", channel=channel)
    assert (bot.outbox(), bot.relay_calls) == ([], 0)


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_message_that_comes_again_is_not_answered_again(bot: Chat, restarted: bool) -> None:
    await bot.text("status", "vic", message_id="SM1")
    before = bot.outbox()
    if restarted:
        await bot.restart()
    bot.clock.advance(60)
    assert (await bot.text("status", "vic", message_id="SM1")).repeated
    assert bot.outbox() == before


async def test_a_reused_id_is_refused_without_a_second_answer_under_its_key(bot: Chat) -> None:
    await bot.text("status", "vic", message_id="SM1")
    before = bot.outbox()
    assert (await bot.text("whoami", "vic", message_id="SM1")).rule == "id_reused"
    assert bot.outbox() == before


async def test_a_refusal_is_sent_like_any_answer(bot: Chat) -> None:
    answer = await bot.text("run triage", "vic", "telegram")
    assert answer.rule == "scope_missing"
    assert replies(bot)[0][1].notice.text == answer.text


async def test_where_the_answer_is_silence_nothing_is_sent(tmp_path: Path) -> None:
    async with chat(tmp_path, policy=every_channel(per_hour=1)) as bot:
        await bot.text("hello", "nobody", "telegram")
        await bot.text("STOP", "vic", carrier_word=CarrierWord.HELP)
        assert replies(bot) == []
        limited = [await bot.text("status", "vic", "telegram") for _ in range(3)]
        assert [answer.text is None for answer in limited] == [False, False, True]
        assert len(replies(bot)) == 2


MEASURED = MutationSnapshot(
    status=LoopStatus.WORK_REMAINS,
    reason=LoopReason.BELOW_THRESHOLD,
    detail="d" * 200,
    source="artifacts/mutation",
    taken_at=START,
    measured_at=START - timedelta(days=9999),
    tool="mutmut",
    score_basis_points=10_000,
    provisional=True,
    counts=MutantCounts(killed=99_999, timeout=99_999, survived=99_999, no_coverage=99_999, invalid=99_999),
    hot_spots=tuple(HotSpot(f"{'f' * 190}/{number}.py", "g" * 100, 99_999) for number in range(9)),
    categories=tuple((f"{'c' * 40}{number}", 99_999) for number in range(9)),
)
BACKLOG = TriageSnapshot(
    status=LoopStatus.WORK_REMAINS,
    reason=LoopReason.UNRESOLVED,
    detail="d" * 200,
    source="artifacts/triage",
    taken_at=START,
    measured_at=START - timedelta(days=9999),
    high=99_999,
    medium=99_999,
    unknown_severity=99_999,
    findings=tuple(Finding(f"f{number}", Severity.HIGH, "t€ " * 66, "p" * 200, 99_999) for number in range(20)),
)


async def keep(bot: Chat, *snapshots: MutationSnapshot | TriageSnapshot) -> None:
    def put(tables: Tables) -> None:
        for snapshot in snapshots:
            tables.snapshots.put(snapshot)

    await bot.store.transact(put)


async def crowd(bot: Chat) -> None:
    """Leave 999 open runs and 999 waiting approvals with ids of three characters."""

    def fill(tables: Tables) -> None:
        for number in range(999):
            tables.runs.add(make_run(number, handle="ZZZ", action="a" * 32, ref="r" * 200), f"slot {number}")
            tables.approvals.open(make_approval(number, handle="ZZZ", action="a" * 32, ref="r" * 200))

    await bot.store.transact(fill)


UNKNOWN = replace(MEASURED, score_basis_points=None, measured_at=START + timedelta(days=1))
UNKNOWN_BACKLOG = replace(BACKLOG, high=None, medium=None, measured_at=START + timedelta(days=1))


@pytest.mark.parametrize("mode", [*Mode])
@pytest.mark.parametrize(
    ("mutation", "backlog"),
    [(MEASURED, BACKLOG), (UNKNOWN, UNKNOWN_BACKLOG), (None, None)],
    ids=["most", "unknown", "none"],
)
async def test_status_fits_one_text_whatever_the_figures(
    bot: Chat, mode: Mode, mutation: MutationSnapshot | None, backlog: TriageSnapshot | None
) -> None:
    await bot.store.transact(lambda tables: tables.mode.set(mode, "owner", START))
    await crowd(bot)
    await keep(bot, *[one for one in (mutation, backlog) if one])
    answer = await bot.text("status", "vic")
    notice = replies(bot)[0][1].notice
    assert (septets(notice.text) or 999) <= ROOM_BEHIND_REFERENCE
    assert body(notice, notice.text, repeat=False) == notice.text + reference(notice.key)
    assert notice.text.startswith(f"Mode {mode.value}. Mutation ")
    assert "Runs open 999, waiting 999: ZZZ." in notice.text
    lanes_fit = mutation is None or (mutation is MEASURED and mode is not Mode.READ_ONLY)
    assert notice.text.endswith("ZZZ. CI unknown 2/2." if lanes_fit else "ZZZ.")
    assert notice.text != answer.text  # elsewhere the whole of it is shown


async def test_status_by_text_says_the_figures(bot: Chat) -> None:
    await keep(bot, replace(MEASURED, score_basis_points=7_005, provisional=False), BACKLOG)
    await bot.text("status", "vic")
    assert replies(bot)[0][1].notice.text == (
        "Mode read-only. Mutation 70.05 % (9999 d). Backlog 99999 high, 99999 medium (9999 d). Runs open 0, waiting 0."
        " CI unknown 2/2."
    )


def wide_policy() -> dict[str, Any]:
    """Return the example policy with every name in it as long as it may be."""
    document = example_policy()
    wide = {
        **document["actions"]["triage"],
        "title": "T" * 80,
        "refs": ["r" * 200],
        "repository": f"{'o' * 39}/{'n' * 100}",
    }
    document["repositories"].append(wide["repository"])
    document["actions"]["w" * 32] = {**wide, "workflow": "y" * 200}
    document["actions"]["v" * 32] = {**wide, "approvals": {"needed": 5, "expires_minutes": 60}}
    document["actions"]["m" * 32] = {
        **wide,
        "risk": "medium",
        "modes": ["operate"],
        "approvals": {"needed": 5, "expires_minutes": 60},
    }
    document["roles"] |= {f"{letter * 32}": ["read", "operate", "approve"] for letter in "abcdefgh"}
    return document


ROLES = [letter * 32 for letter in "abcdefgh"]
WIDE = replace(person("x" * 32, *ROLES), name="€" * 64)
TYPED = sorted(
    {example for command in CATALOGUE for example in command.examples}
    | {word for command in CATALOGUE for word in (command.verb, command.short) if word}
    | {
        f"run {'w' * 32}",
        f"run {'v' * 32}",
        f"run {'m' * 32}",
        f"run {'z' * 200}",
        f"run strict {'z' * 200}",
        "why ZZZ",
    }
    | {"yes", "z" * 500, "z" * 501, "two\nlines", "", f"why {'z' * 100}", f"run {'[]' * 90} {'{}' * 90}={'|' * 100}"}
)


@pytest.mark.parametrize("text", TYPED)
async def test_every_answer_fits_one_text_with_its_reference_and_is_not_cut_by_the_channel(
    tmp_path: Path, text: str
) -> None:
    people = [WIDE, person("ann", "owner")]
    async with chat(tmp_path, policy=every_channel(wide_policy()), people=people, mode=Mode.OPERATE) as bot:
        await keep(bot, MEASURED, BACKLOG)
        ran = handle_in(await bot.say("run triage", WIDE.id))
        await bot.finish(
            ran, RunState.FAILED, summary="s" * 200, reason="r" * 200, url="https://x.example/" + "u" * 400
        )
        for one in (text, text.replace("3K", ran)):
            await bot.text(one, WIDE.id)
            code = await bot.code() if bot.notices()[-1].kind is NoticeKind.CHALLENGE else None
            if code:
                await bot.text(f"ok {bot.notices()[-1].text.split(':')[0]} {code}", WIDE.id)
        sent = bot.sent_to(f"sms:{WIDE.id}")
        assert sent
        for notice in sent:
            assert fits(notice), notice


def fits(notice: Notice) -> bool:
    """Tell whether a notice arrives whole; one that asks for a code with the code, or the words that stand for it."""
    if notice.kind is not NoticeKind.CHALLENGE:
        return body(notice, notice.text, repeat=False) == transliterate(notice.text) + reference(notice.key)
    texts = {code: transliterate(with_code(notice.text, code)) for code in ("482913", None)}
    return all(
        challenge_body(notice, code, repeat=False) == text + reference(notice.key) for code, text in texts.items()
    )


async def test_the_answer_of_a_repeated_question_is_the_recorded_one(bot: Chat) -> None:
    await bot.text("whoami", "vic", message_id="SM1")
    taken = await bot.read(
        lambda tables: tables.inbox.taken(bot.message("whoami", "vic", channel="sms", message_id="SM1"))
    )
    assert taken is not None
    assert json.loads(taken.answer)[0] == replies(bot)[0][1].notice.text
