"""Writing what a command decided: one key one effect, one approval one run, and nothing unknown is dropped."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from commands.changes import CastVote, StartRun
from commands.ledger import entry_of
from commands.recording import AlreadyDecidedError, commit_effect, record
from domain.approvals import ApprovalState, Vote
from domain.clock import to_text
from domain.decisions import Decision, Verdict
from domain.effects import CancelRun, Deliver, Dispatch, Effect, LinkAddress
from domain.notices import Notice, NoticeKind
from domain.people import Proof, Scope
from domain.requests import Request, RequestKind
from policy.facts import Case, Facts
from store.tables import Tables
from tests.fakes.chat import Chat, chat
from tests.fakes.directory import OWNER
from tests.fakes.records import make_approval, make_run
from tests.fakes.virtual_time import START

DISPATCH = Dispatch("RUN-1", "triage", "github", "acme/shop", "ci.yml", "main", {}, "CORRELATION-1", "d" * 64)
LATER = START + timedelta(minutes=30)
UNKNOWN: Any = "something nobody has heard of"


def asking(until: datetime) -> Notice:
    """Return a request whose buttons die at that moment: later it is worth nothing."""
    return Notice("k", NoticeKind.APPROVAL_REQUEST, "text", choices_until=until)


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Chat]:
    async with chat(tmp_path) as made:
        yield made


async def put(bot: Chat, change: Any) -> None:
    await bot.store.transact(lambda tables: record(change, tables, bot.clock.now()))


@pytest.mark.parametrize(
    ("effect", "key", "expires"),
    [
        (DISPATCH, "dispatch:RUN-1", "2026-11-22T14:15:00.000Z"),
        (CancelRun("RUN-1", "github", "CORRELATION-1"), "cancel:RUN-1", "2026-11-22T14:15:00.000Z"),
        (Deliver("web:ann", Notice("k", NoticeKind.FINAL, "text")), "k:web:ann", "2026-11-23T14:00:00.000Z"),
        (Deliver("sms:ann", Notice("k", NoticeKind.REPLY, "text")), "k:sms:ann", "2026-11-22T15:00:00.000Z"),
        (Deliver("sms:ann", Notice("k", NoticeKind.TOAST, "text")), "k:sms:ann", "2026-11-22T14:02:00.000Z"),
        (Deliver("web:ann", asking(LATER)), "k:web:ann", "2026-11-22T14:30:00.000Z"),
        (Deliver("web:ann", asking(START + timedelta(days=9))), "k:web:ann", "2026-11-23T14:00:00.000Z"),
        (
            LinkAddress("ann", "sms:+41790000001"),
            "link:sms:+41790000001:2026-11-22T14:00:00.000Z",
            "2026-11-22T14:15:00.000Z",
        ),
    ],
)
async def test_an_effect_goes_into_the_outbox_once_under_its_key(
    bot: Chat, effect: Effect, key: str, expires: str
) -> None:
    for _ in range(2):
        await bot.store.transact(lambda tables: commit_effect(effect, tables, START))
    assert [(row.key, row.effect, row.state, row.expires_at) for row in bot.outbox()] == [
        (key, effect, "pending", expires)
    ]


async def test_one_notice_to_two_people_is_two_effects(bot: Chat) -> None:
    notice = Notice("k", NoticeKind.FINAL, "text")

    def tell(tables: Tables) -> None:
        for to in ("web:ann", "web:ben"):
            commit_effect(Deliver(to, notice), tables, START)

    await bot.store.transact(tell)
    assert [row.key for row in bot.outbox()] == ["k:web:ann", "k:web:ben"]


async def test_what_is_urgent_goes_out_before_what_was_committed_earlier(bot: Chat) -> None:
    now = bot.clock.now()

    def fill(tables: Tables) -> None:
        commit_effect(DISPATCH, tables, now)
        commit_effect(Deliver("web:ann", Notice("k", NoticeKind.FINAL, "text")), tables, now)
        commit_effect(Deliver("web:ben", Notice("k", NoticeKind.FINAL, "text")), tables, now, urgent=True)
        commit_effect(CancelRun("RUN-2", "github", "CORRELATION-2"), tables, now)
        commit_effect(LinkAddress("ann", "sms:+41790000001"), tables, now)

    await bot.store.transact(fill)
    leased = await bot.store.transact(lambda tables: tables.outbox.lease("me", now, LATER, 3))
    assert [row.key.partition(":")[0] for row in leased] == ["k", "cancel", "link"]
    assert leased[0].key == "k:web:ben"


async def test_a_run_of_an_approval_that_is_not_approved_is_not_started(bot: Chat) -> None:
    await bot.store.transact(lambda tables: tables.approvals.open(make_approval()))
    start = StartRun(make_run(approval="APPROVAL-1"), "slot", DISPATCH)
    with pytest.raises(AlreadyDecidedError):
        await put(bot, start)
    assert (await bot.runs(), bot.outbox()) == ([], [])


async def test_an_approval_starts_no_second_run(bot: Chat) -> None:
    def approve(tables: Tables) -> None:
        tables.approvals.open(make_approval())
        tables.approvals.decide("APPROVAL-1", ApprovalState.APPROVED, "ann", START)

    await bot.store.transact(approve)
    await put(bot, StartRun(make_run(1, approval="APPROVAL-1"), "slot 1", DISPATCH))
    second = StartRun(make_run(2, approval="APPROVAL-1"), "slot 2", replace(DISPATCH, run_id="RUN-2"))
    with pytest.raises(AlreadyDecidedError):
        await put(bot, second)
    assert [run.id for run in await bot.runs()] == ["RUN-1"]


async def test_a_vote_on_an_approval_that_expired_meanwhile_is_undone(bot: Chat) -> None:
    approval = make_approval()
    await bot.store.transact(lambda tables: tables.approvals.open(approval))
    bot.clock.advance(15 * 60)
    with pytest.raises(AlreadyDecidedError):
        await put(bot, CastVote(approval, Vote("ann", True, bot.clock.now(), ""), ApprovalState.APPROVED))
    kept = await bot.read(lambda tables: tables.approvals.get("APPROVAL-1"))
    assert kept == approval


async def test_an_unknown_change_or_effect_is_an_error_and_never_dropped(bot: Chat) -> None:
    with pytest.raises(AssertionError, match="unreachable"):
        await put(bot, UNKNOWN)
    with pytest.raises(AssertionError, match="unreachable"):
        await bot.store.transact(lambda tables: commit_effect(UNKNOWN, tables, START))
    facts = Facts("web", bot.context().mode)
    case = Case(Request("menu", RequestKind.READ, Scope.READ), OWNER, Proof.SESSION, facts, bot.policy)
    decision = Decision(Verdict.ALLOW, "allowed", "fine")
    with pytest.raises(AssertionError, match="unreachable"):
        entry_of(bot.message("menu"), case, decision, (UNKNOWN,), START)
    assert entry_of(bot.message("menu"), case, decision, (), START).at == to_text(START)
