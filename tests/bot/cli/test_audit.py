"""`reins audit`: whatever was done to the log behind the bot's back is found and named."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from audit.row import Entry
from audit.seals import SealKey
from bot.cli.installation import Installation
from bot.cli.policy_case import Question, case_of
from commands.ledger import entry_of
from domain.decisions import Decision, Verdict
from domain.messages import Inbound
from domain.people import Address, AddressKind, Person, Proof
from policy.gate import evaluate
from store.sqlite import SqliteStore
from store.tables import Tables
from tests.bot.cli.command_line import CommandLine

OWNER = Person("owner", "Owner", ("owner",), (Address(AddressKind.WEB, "owner"),))
NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)


def record(reins: CommandLine, entries: list[Entry], *, keep_policy: bool = True) -> None:
    async def write() -> None:
        store = SqliteStore(reins.paths().database)
        await store.open()

        def append(tables: Tables) -> None:
            for entry in entries:
                tables.audit.append(entry)
            if keep_policy:
                here = Installation.here()
                tables.policies.keep(here.policy().version, here.home.policy_file.read_bytes(), NOW)

        await store.transact(append)
        await store.close()

    asyncio.run(write())


def decided(reins: CommandLine, text: str, decision: Decision | None = None) -> Entry:
    """Make the row of a message, decided by the gate unless a decision is given."""

    async def judge() -> Entry:
        store = SqliteStore(reins.paths().database)
        await store.open()
        question = Question(OWNER, text.split(), AddressKind.WEB, Proof.SESSION)
        case = await store.read(lambda tables: case_of(question, Installation.here(), tables))
        await store.close()
        message = Inbound("web", "page", "m1", Address(AddressKind.WEB, "owner"), text, Proof.SESSION, NOW)
        gate = evaluate(case.request, case.person, case.proof, case.facts, case.state)
        return entry_of(message, case, decision or gate, (), NOW)

    return asyncio.run(judge())


def test_the_newest_rows_are_shown_oldest_first(reins: CommandLine) -> None:
    reins.done("people", "role", "owner", "owner")
    lines = reins.done("audit", "tail", "-n", "3").splitlines()
    assert [line.split()[0] for line in lines] == ["2", "3", "4"]
    assert "people-role owner: done" in lines[2]


def test_tail_prints_the_exact_bytes_for_programs(reins: CommandLine) -> None:
    stored = [body.decode() for (body,) in reins.sql("SELECT body FROM audit ORDER BY seq")]
    assert reins.done("audit", "tail", "--json").splitlines() == stored


def test_text_from_outside_cannot_steer_the_screen(reins: CommandLine) -> None:
    record(reins, [replace(decided(reins, "status"), target="\x1b[2J\u202eevil", reason="a\nb" * 400)])
    out = reins.done("audit", "tail", "-n", "1")
    assert out.count("\n") == 1
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert len(out) <= 201


def test_a_whole_log_is_proven_with_the_bots_own_key(reins: CommandLine) -> None:
    out = reins.done("audit", "verify")
    assert "rows 1 to 2" in out
    assert "head audit 2·" in out
    assert "OK: everything was proven" in out


def test_rows_without_a_seal_are_counted_with_their_age(reins: CommandLine) -> None:
    record(reins, [decided(reins, "status")])
    assert "the last 1 rows have no seal yet" in reins.done("audit", "verify")


def test_an_edited_row_is_named_with_its_kind(reins: CommandLine) -> None:
    reins.sql("UPDATE audit SET body = CAST(replace(body, 'owner', 'ownex') AS BLOB) WHERE seq = 2")
    ended = reins.run("audit", "verify")
    assert ended.code == 3
    assert "NOT OK: row 2, edited" in ended.out


def test_rows_cut_off_with_their_seal_are_found_by_a_receipt(reins: CommandLine) -> None:
    reins.done("people", "role", "owner", "owner")
    receipt = reins.done("audit", "verify").partition("head ")[2].splitlines()[0]
    assert "1 anchors met" in reins.done("audit", "verify", "--receipt", receipt)
    reins.sql("DELETE FROM audit WHERE seq > 2")
    reins.sql("DELETE FROM seals WHERE size > 2")
    assert reins.run("audit", "verify").code == 0
    ended = reins.run("audit", "verify", "--receipt", receipt)
    assert ended.code == 3
    assert "truncated" in ended.out


def test_a_seal_that_is_no_seal_is_malformed(reins: CommandLine) -> None:
    reins.sql("UPDATE seals SET body = ?", b"{}")
    ended = reins.run("audit", "verify")
    assert ended.code == 3
    assert "malformed: seal number 1" in ended.out


def test_only_the_named_keys_are_trusted(reins: CommandLine) -> None:
    own = reins.done("audit", "key").strip()
    assert own == SealKey(reins.paths().audit_key_file.read_bytes()).public_hex
    assert reins.run("audit", "verify", "--key", own).code == 0
    stranger = SealKey(b"s" * 32).public_hex
    ended = reins.run("audit", "verify", "--key", stranger)
    assert ended.code == 3
    assert "wrong_key" in ended.out
    assert reins.run("audit", "verify", "--key", stranger, "--key", own).code == 0


@pytest.mark.parametrize("arguments", [["--key", "abc"], ["--receipt", "12"], ["--export", "nowhere.jsonl"]])
def test_arguments_of_a_wrong_shape_are_usage_errors(reins: CommandLine, arguments: list[str]) -> None:
    assert reins.run("audit", "verify", *arguments).code == 2


def test_an_export_is_proven_elsewhere_with_the_public_key_alone(
    reins: CommandLine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    key = reins.done("audit", "key").strip()
    file = tmp_path_factory.mktemp("elsewhere") / "log.jsonl"
    reins.done("audit", "export", "--output", str(file))
    assert reins.done("audit", "export") == file.read_text()
    reins.set("REINS_HOME", str(file.parent / "nothing-here"))
    assert reins.run("audit", "verify", "--export", str(file), "--key", key).code == 0
    file.write_bytes(file.read_bytes()[:-20])
    ended = reins.run("audit", "verify", "--export", str(file), "--key", key)
    assert ended.code == 3
    assert "truncated" in ended.out


def test_a_log_whose_seals_cannot_be_read_is_not_exported_as_if_it_were_whole(reins: CommandLine) -> None:
    reins.sql("UPDATE seals SET body = ?", b"{}")
    ended = reins.run("audit", "export", "--output", str(reins.folder / "log.jsonl"))
    assert ended.code == 3
    assert "seal number 1" in ended.err
    assert not (reins.folder / "log.jsonl").exists()


def test_decisions_are_derived_again(reins: CommandLine) -> None:
    record(reins, [decided(reins, text) for text in ("status", "run mutation", "run mutation-strict", "ok 3K")])
    assert "4 decisions derived again and the same, 0 differ" in reins.done("audit", "replay")


def test_a_decision_that_does_not_follow_from_its_facts_is_named(reins: CommandLine) -> None:
    bent = decided(reins, "run mutation-strict", Decision(Verdict.ALLOW, "allowed", "because"))
    record(reins, [decided(reins, "status"), bent])
    ended = reins.run("audit", "replay")
    assert ended.code == 1
    assert "row 4: recorded allow (allowed), derived needs (approval_needed)" in ended.out


def test_replay_begins_where_it_is_told_to(reins: CommandLine) -> None:
    bent = decided(reins, "status", Decision(Verdict.DENY, "scope_missing", "because"))
    record(reins, [bent, decided(reins, "status")])
    assert reins.run("audit", "replay", "--from", "3").code == 1
    assert "1 decisions" in reins.done("audit", "replay", "--from", "4")


def test_what_cannot_be_derived_is_never_counted_as_agreeing(reins: CommandLine) -> None:
    entry = decided(reins, "status")
    record(reins, [entry, replace(entry, evidence={"verb": "status"})], keep_policy=False)
    ended = reins.run("audit", "replay")
    assert ended.code == 3
    assert "0 decisions derived" in ended.out
    assert "was not kept" in ended.out
    record(reins, [])
    assert "its evidence is incomplete" in reins.run("audit", "replay").out


def test_decisions_without_a_policy_are_derived_under_none(reins: CommandLine) -> None:
    reins.paths().policy_file.unlink()
    record(reins, [decided(reins, "run mutation")], keep_policy=False)
    assert "1 decisions derived again" in reins.done("audit", "replay")


def test_what_is_no_row_is_told_and_never_counted_as_agreeing(reins: CommandLine) -> None:
    record(reins, [decided(reins, "status")])
    reins.sql("UPDATE audit SET body = ? WHERE seq = 3", b"\x00")
    assert "no audit row" in reins.done("audit", "tail", "-n", "1")
    ended = reins.run("audit", "replay")
    assert ended.code == 3
    assert "row 3: is no audit row" in ended.out
    assert reins.run("audit", "verify").code == 3


def test_only_the_first_hundred_disagreements_are_written_out(reins: CommandLine) -> None:
    bent = decided(reins, "status", Decision(Verdict.DENY, "scope_missing", "because"))
    record(reins, [bent] * 105)
    ended = reins.run("audit", "replay")
    assert ended.out.count("recorded deny") == 100
    assert "105 differ" in ended.out


def test_a_row_that_tells_no_time_has_an_unknown_age(reins: CommandLine) -> None:
    record(reins, [replace(decided(reins, "status"), at="yesterday")])
    assert "age of the oldest: unknown" in reins.done("audit", "verify")
    assert "FAIL  clock" in reins.run("doctor").out


def test_what_the_dispatcher_refuses_by_itself_is_left_out_of_the_replay(reins: CommandLine) -> None:
    record(reins, [decided(reins, "status", Decision(Verdict.DENY, "id_reused", "another message"))])
    assert "0 decisions derived again and the same, 0 differ" in reins.done("audit", "replay")
