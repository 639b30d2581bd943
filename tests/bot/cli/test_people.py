"""`reins people`: changes are audited before and after, and refused where they cannot be."""

import asyncio
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from bot.cli.exit_codes import CommandFailedError, ExitCode
from bot.cli.installation import Installation
from bot.cli.local_changes import LocalChange, change_audited
from domain.people import Address, AddressKind
from store.people import PeopleDirectory
from store.sqlite import SqliteStore
from tests.bot.cli.command_line import CommandLine
from tests.fakes.busy_database import held_for_writing

NUMBER = "+41791234567"


def add_ann(reins: CommandLine) -> None:
    reins.done("people", "add", "ann", "--name", "Ann", "--role", "operator", "--address", f"sms:{NUMBER}")


def test_a_person_is_enrolled_with_a_web_address_of_their_own(reins: CommandLine) -> None:
    add_ann(reins)
    people = PeopleDirectory(reins.paths().people_file)
    ann = people.find(Address(AddressKind.SMS, NUMBER))
    assert ann is not None
    assert (ann.id, ann.name, ann.roles) == ("ann", "Ann", ("operator",))
    assert people.find(Address(AddressKind.WEB, "ann")) == ann


def test_lists_mask_addresses_and_show_has_them_in_full(reins: CommandLine) -> None:
    add_ann(reins)
    assert "sms:…4567" in reins.done("people", "list")
    assert NUMBER not in reins.done("people", "list")
    assert f"sms:{NUMBER}" in reins.done("people", "show", "ann")


def test_every_change_leaves_its_intent_and_its_outcome_and_no_phone_number(reins: CommandLine) -> None:
    add_ann(reins)
    reins.done("people", "role", "ann", "viewer")
    reins.done("people", "address", "ann", "telegram:12345")
    reins.done("people", "remove-address", "ann", "telegram:12345")
    reins.done("people", "remove", "ann")
    rows = reins.audit_rows()[2:]
    told = [(row["action"], row["target"], row["outcome"]) for row in rows]
    actions = ("people-add", "people-role", "people-address", "people-remove-address", "people-remove")
    assert told == [(action, "ann", outcome) for action in actions for outcome in ("intended", "done")]
    assert {row["channel"] for row in rows} == {"cli"}
    assert {row["proof"] for row in rows} == {"local"}
    assert NUMBER not in str(rows)
    assert rows[2]["evidence"] == {"was": ["operator"], "became": ["viewer"]}
    assert PeopleDirectory(reins.paths().people_file).get("ann") is None
    assert reins.run("audit", "verify").code == 0


def test_a_change_that_is_refused_is_recorded_as_failed(reins: CommandLine) -> None:
    add_ann(reins)
    ended = reins.run("people", "add", "bob", "--name", "Bob", "--address", f"sms:{NUMBER}")
    assert ended.code == 2
    assert "belongs to ann" in ended.err
    row = reins.audit_rows()[-1]
    assert (row["action"], row["outcome"]) == ("people-add", "failed")
    assert NUMBER not in str(row)


def test_without_a_writable_audit_log_nothing_is_changed(reins: CommandLine) -> None:
    with held_for_writing(reins.paths().database):
        ended = reins.run("people", "role", "owner", "viewer")
    assert ended.code == 4
    assert "nothing was changed" in ended.err
    owner = PeopleDirectory(reins.paths().people_file).get("owner")
    assert owner is not None
    assert owner.roles == ("owner",)


async def test_a_change_whose_outcome_cannot_be_recorded_is_told_as_made(reins: CommandLine) -> None:
    made: list[bool] = []
    with ExitStack() as held:

        def apply() -> None:
            made.append(True)
            held.enter_context(held_for_writing(reins.paths().database))

        installation = Installation.here()
        async with installation.opened_store() as store:
            with pytest.raises(CommandFailedError, match="was done, but its outcome") as ended:
                await change_audited(installation, store, LocalChange("test", "x", {}), apply)
    assert made
    assert ended.value.exit_code is ExitCode.NOT_MEASURED
    assert reins.audit_rows()[-1]["outcome"] == "intended"


def test_without_the_audit_key_nothing_is_changed(reins: CommandLine) -> None:
    reins.paths().audit_key_file.unlink()
    assert reins.run("people", "remove", "owner").code == 2
    assert PeopleDirectory(reins.paths().people_file).get("owner") is not None


def test_removing_a_person_ends_their_sessions_and_nobody_elses(reins: CommandLine) -> None:
    add_ann(reins)
    now = datetime.now(UTC)

    async def sign_both_in() -> None:
        store = SqliteStore(reins.paths().database)
        await store.open()
        for person in ("ann", "owner"):
            await store.transact(lambda t, p=person: t.sessions.add(f"{p}-hash", p, now, now + timedelta(hours=1)))  # type: ignore[misc]
        await store.close()

    asyncio.run(sign_both_in())
    reins.done("people", "remove", "ann")
    ended = dict(reins.sql("SELECT person, ended_at IS NOT NULL FROM sessions"))
    assert ended == {"ann": 1, "owner": 0}


def test_a_policy_nobody_can_read_does_not_undo_what_was_done(reins: CommandLine) -> None:
    reins.paths().policy_file.unlink()
    reins.paths().policy_file.mkdir()
    ended = reins.run("people", "role", "owner", "viewer")
    assert ended.code == 0
    assert "warning" in ended.err


def test_a_role_the_policy_does_not_name_is_warned_of(reins: CommandLine) -> None:
    ended = reins.run("people", "add", "ann", "--name", "Ann", "--role", "operatr")
    assert ended.code == 0
    assert "'operatr'" in ended.err
    assert "owner, operator, viewer" in ended.err
    assert "'operatr'" in reins.run("people", "list").err


def test_without_a_policy_every_role_is_warned_of(reins: CommandLine) -> None:
    reins.paths().policy_file.unlink()
    assert "policy_missing" in reins.run("people", "role", "owner", "owner").err


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "bob"],
        ["role", "bob", "viewer"],
        ["address", "bob", "telegram:1"],
        ["remove-address", "bob", "telegram:1"],
        ["remove", "bob"],
    ],
)
def test_a_person_nobody_knows_is_named_with_those_who_are_known(reins: CommandLine, arguments: list[str]) -> None:
    ended = reins.run("people", *arguments)
    assert ended.code == 2
    assert "'bob'; known: owner" in ended.err
    assert len(reins.audit_rows()) == 2


@pytest.mark.parametrize("address", ["sms:0791234567", "pigeon:7", "telegram:-1", "slack:U1"])
def test_an_address_of_a_wrong_form_is_refused_before_anything_is_recorded(reins: CommandLine, address: str) -> None:
    assert reins.run("people", "address", "owner", address).code == 2
    assert reins.run("people", "remove-address", "owner", address).code == 2
    assert len(reins.audit_rows()) == 2


def test_bytes_that_are_no_text_end_up_cleaned_in_the_record(reins: CommandLine) -> None:
    assert reins.run("people", "add", "a\udcff\x1b[31m", "--name", "Ann", "--address", "telegram:1").code == 2
    assert all("\x1b" not in str(row) for row in reins.audit_rows())


def test_a_damaged_directory_is_told_and_never_taken_for_an_empty_one(reins: CommandLine) -> None:
    reins.paths().people_file.write_text('{"people": ')
    for command in (["list"], ["show", "owner"]):
        ended = reins.run("people", *command)
        assert ended.code == 3
        assert "nobody is known" in ended.err


def test_an_empty_directory_says_how_to_enrol(reins: CommandLine) -> None:
    reins.done("people", "remove", "owner")
    assert "reins people add" in reins.done("people", "list")


def test_before_init_the_way_out_is_named(bare: CommandLine) -> None:
    ended = bare.run("people", "add", "ann", "--name", "Ann")
    assert ended.code == 2
    assert "reins init" in ended.err
    assert not bare.home.exists()
