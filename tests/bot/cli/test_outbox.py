"""`reins outbox`: what waits is shown without numbers, and changed by hand only where that is safe, with a record."""

import asyncio
import re
from datetime import timedelta

import pytest

from commands.recording import commit_effect
from domain.clock import SystemClock, from_text
from domain.effects import Deliver, Dispatch, Effect, LinkAddress
from domain.notices import DeliveryState, Notice, NoticeKind, Urgency
from store.port import Store
from store.sqlite import SqliteStore
from store.tables import Tables
from tests.bot.cli.command_line import CommandLine
from tests.fakes.busy_database import held_for_writing

NUMBER = "+41791234567"
NOTICE = Notice("final:R1", NoticeKind.FINAL, "DONE 3K mutation\non main", urgency=Urgency.HIGH)
TEXT = Deliver(f"sms:{NUMBER}", NOTICE)
START = Dispatch("R1", "mutation", "local", "local/sample", "mutation", "main", {}, "c1", "d1")
LINK = LinkAddress("owner", f"sms:{NUMBER}")


def put(reins: CommandLine, effect: Effect, state: DeliveryState = DeliveryState.PENDING, error: str = "") -> int:
    """Commit an effect, bring it to a state the way the relay does, and return its row's number."""

    async def work() -> int:
        store = SqliteStore(reins.paths().database)
        await store.open()
        try:
            return await _put(store, effect, state, error)
        finally:
            await store.close()

    return asyncio.run(work())


async def _put(store: Store, effect: Effect, state: DeliveryState, error: str) -> int:
    now = SystemClock().now()

    def write(tables: Tables) -> int:
        commit_effect(effect, tables, now)
        number = tables.outbox.listing(None, 1)[0].id
        if state is DeliveryState.PENDING:
            return number
        row = tables.outbox.lease("test", now, now + timedelta(seconds=60), 1)[0]
        if state in (DeliveryState.DELIVERED, DeliveryState.DEAD, DeliveryState.EXPIRED):
            assert tables.outbox.settle(row, state, now, error or None, "SM1")
        elif state is DeliveryState.AMBIGUOUS:
            assert tables.outbox.postpone(row, state, now, error)
        return number

    return await store.transact(write)


def state_of(reins: CommandLine, row_id: int) -> str:
    return str(reins.sql("SELECT state FROM outbox WHERE id = ?", row_id)[0][0])


def test_an_empty_outbox_says_so(reins: CommandLine) -> None:
    assert reins.done("outbox", "list") == "the outbox is empty\n"


def test_the_list_counts_states_and_shows_the_newest_first_with_masked_addresses(reins: CommandLine) -> None:
    put(reins, LINK, DeliveryState.DEAD, "the address belongs to ann")
    put(reins, START)
    put(reins, TEXT)
    lines = reins.done("outbox", "list").splitlines()
    assert lines[0] == "dead 1, pending 2"
    assert lines[1].split() == ["id", "state", "tries", "age", "what", "to", "last", "error"]
    assert [line.split()[0] for line in lines[2:]] == ["3", "2", "1"]
    assert ("final" in lines[2], "sms:…4567" in lines[2]) == (True, True)
    assert "dispatch" in lines[3]
    assert ("sms:…4567" in lines[4], "the address belongs to ann" in lines[4]) == (True, True)
    assert NUMBER not in "".join(lines)


def test_the_list_can_be_narrowed_to_a_state_and_a_number_of_rows(reins: CommandLine) -> None:
    put(reins, START, DeliveryState.DEAD, "refused")
    put(reins, TEXT)
    put(reins, LINK)
    assert [line.split()[0] for line in reins.done("outbox", "list", "-n", "1").splitlines()[2:]] == ["3"]
    assert [line.split()[0] for line in reins.done("outbox", "list", "--state", "dead").splitlines()[2:]] == ["1"]
    assert reins.run("outbox", "list", "--state", "lost").code == 2


def test_one_row_is_shown_with_its_text_and_without_its_number(reins: CommandLine) -> None:
    row_id = put(reins, TEXT, DeliveryState.DELIVERED)
    shown = reins.done("outbox", "show", str(row_id))
    facts = dict(
        line.split(maxsplit=1) for line in shown.splitlines() if not line.startswith(("provider", "last", " "))
    )
    assert facts["state"] == "delivered"
    assert facts["to"] == "sms:…4567"
    assert from_text(facts["settled"]) >= from_text(facts["made"])
    assert "provider's id  SM1" in shown
    assert "final, urgency high:\n  DONE 3K mutation\n  on main\n" in shown
    assert NUMBER not in shown


def test_a_row_that_is_no_notice_is_shown_without_a_text(reins: CommandLine) -> None:
    shown = reins.done("outbox", "show", str(put(reins, START)))
    assert re.search(r"^what +dispatch$", shown, re.MULTILINE)
    assert re.search(r"^to +-$", shown, re.MULTILINE)
    assert "urgency" not in shown


def test_what_a_provider_said_cannot_steer_the_screen(reins: CommandLine) -> None:
    row_id = put(reins, TEXT, DeliveryState.DEAD, "no\x1b[2J way")
    assert "\x1b" not in reins.done("outbox", "show", str(row_id))
    assert "\x1b" not in reins.done("outbox", "list")


@pytest.mark.parametrize("command", ["show", "retry", "drop"])
def test_a_row_nobody_knows_is_refused(reins: CommandLine, command: str) -> None:
    ended = reins.run("outbox", command, "7")
    assert (ended.code, ended.out) == (2, "")
    assert "there is no row 7; see `reins outbox list`" in ended.err
    assert len(reins.audit_rows()) == 2


@pytest.mark.parametrize("state", [DeliveryState.DEAD, DeliveryState.EXPIRED, DeliveryState.AMBIGUOUS])
def test_a_notice_that_did_not_go_is_tried_again_for_a_day(reins: CommandLine, state: DeliveryState) -> None:
    row_id = put(reins, TEXT, state, "no route")
    assert reins.done("outbox", "retry", str(row_id)) == f"{row_id} is tried again\n"
    assert state_of(reins, row_id) == "pending"
    (due_at, expires_at), *_ = reins.sql("SELECT due_at, expires_at FROM outbox WHERE id = ?", row_id)
    assert from_text(due_at) <= SystemClock().now()
    assert from_text(expires_at) - from_text(due_at) == timedelta(hours=24)


@pytest.mark.parametrize("state", list(DeliveryState))
def test_what_starts_a_run_is_never_repeated_by_hand(reins: CommandLine, state: DeliveryState) -> None:
    row_id = put(reins, START, state, "unclear")
    before = state_of(reins, row_id)
    ended = reins.run("outbox", "retry", str(row_id))
    assert ended.code == 4
    assert "it is never repeated by hand; ask for the run anew" in ended.err
    assert state_of(reins, row_id) == before


def test_what_started_a_run_and_cannot_be_read_is_not_repeated_either(reins: CommandLine) -> None:
    row_id = put(reins, START, DeliveryState.DEAD, "unreadable")
    reins.sql("UPDATE outbox SET body = CAST('{}' AS BLOB) WHERE id = ?", row_id)
    assert reins.run("outbox", "retry", str(row_id)).code == 4


@pytest.mark.parametrize("state", [DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.DELIVERED])
def test_what_waits_or_arrived_is_not_tried_again(reins: CommandLine, state: DeliveryState) -> None:
    row_id = put(reins, TEXT, state)
    ended = reins.run("outbox", "retry", str(row_id))
    assert ended.code == 2
    assert f"{row_id} is {state.value}: there is nothing to change" in ended.err
    assert state_of(reins, row_id) == state.value
    assert [row["outcome"] for row in reins.audit_rows()[-2:]] == ["intended", "failed"]


@pytest.mark.parametrize("state", [DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.AMBIGUOUS])
@pytest.mark.parametrize("effect", [TEXT, START])
def test_what_waits_can_be_given_up(reins: CommandLine, effect: Effect, state: DeliveryState) -> None:
    row_id = put(reins, effect, state)
    assert reins.done("outbox", "drop", str(row_id)) == f"{row_id} is dropped\n"
    assert reins.sql("SELECT state, error FROM outbox") == [("dead", "dropped by hand")]


@pytest.mark.parametrize("state", [DeliveryState.DELIVERED, DeliveryState.DEAD, DeliveryState.EXPIRED])
def test_what_is_settled_cannot_be_given_up(reins: CommandLine, state: DeliveryState) -> None:
    row_id = put(reins, TEXT, state, "so it ended")
    ended = reins.run("outbox", "drop", str(row_id))
    assert (ended.code, state_of(reins, row_id)) == (2, state.value)
    assert [row["outcome"] for row in reins.audit_rows()[-2:]] == ["intended", "failed"]


def test_changes_by_hand_are_in_the_record_without_numbers(reins: CommandLine) -> None:
    row_id = put(reins, TEXT, DeliveryState.DEAD, "no route")
    reins.done("outbox", "retry", str(row_id))
    reins.done("outbox", "drop", str(row_id))
    reins.done("outbox", "drop", str(put(reins, LINK)))
    reins.done("outbox", "drop", str(put(reins, START)))
    rows = reins.audit_rows()[2:]
    assert [(row["action"], row["target"], row["outcome"]) for row in rows] == [
        (action, target, outcome)
        for action, target in (("outbox-retry", "1"), ("outbox-drop", "1"), ("outbox-drop", "2"), ("outbox-drop", "3"))
        for outcome in ("intended", "done")
    ]
    assert {(row["channel"], row["proof"]) for row in rows} == {("cli", "local")}
    assert rows[0]["evidence"] == {"key": "final:R1:sms:…4567", "was": "dead"}
    assert [rows[4]["evidence"]["key"], rows[6]["evidence"]["key"]] == ["link", "dispatch:R1"]
    assert NUMBER not in str(rows)
    assert reins.run("audit", "verify").code == 0


def test_without_a_writable_record_nothing_is_changed(reins: CommandLine) -> None:
    row_id = put(reins, TEXT)
    with held_for_writing(reins.paths().database):
        assert reins.run("outbox", "drop", str(row_id)).code == 4
    assert state_of(reins, row_id) == "pending"


def test_before_init_the_way_out_is_named(bare: CommandLine) -> None:
    ended = bare.run("outbox", "list")
    assert ended.code == 2
    assert "reins init" in ended.err
