"""The people directory answers from the file as it is now, and every change to it is checked and kept."""

import mmap
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import UserError
from domain.people import Address, AddressKind, Person
from store.atomic_storage import AtomicStorage, LockWait, read_tables
from store.people import SETTLED_AFTER_NS, PeopleDirectory, check_address, parse_address

ROOT = Path(__file__).parents[2]
LONG_AFTER_NS = 4_000_000_000_000_000_000  # the year 2096: every file has settled by then
PHONE = Address(AddressKind.SMS, "+41790000001")
TELEGRAM = Address(AddressKind.TELEGRAM, "123456789")
WEB = Address(AddressKind.WEB, "alice")
ALICE = Person("alice", "Alice", ("operator",), (WEB, PHONE), datetime(2026, 11, 22, 14, 2, tzinfo=UTC))
BOB = Person("bob", "Bob", (), (Address(AddressKind.NTFY, "bob-topic_1"),))
ROW = {"id": "alice", "name": "Alice", "roles": ["operator"], "addresses": ["sms:+41790000001"], "enrolled_at": None}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.json"


@pytest.fixture
def directory(path: Path) -> PeopleDirectory:
    return PeopleDirectory(path, wall_clock_ns=lambda: LONG_AFTER_NS)


def write_rows(path: Path, *rows: object) -> None:
    people = {str(number): row for number, row in enumerate(rows, 1)}
    path.write_bytes(orjson.dumps({"meta": {"1": {"schema_version": 1, "version": 1}}, "people": people}))


def start_writer(path: Path, prefix: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.store.people_writer", str(path), prefix, str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_a_missing_file_knows_nobody_and_is_no_problem(directory: PeopleDirectory) -> None:
    assert (directory.find(PHONE), directory.get("alice"), directory.all()) == (None, None, ())
    assert directory.problem is None


def test_a_person_is_found_by_every_address_and_by_id(directory: PeopleDirectory) -> None:
    assert directory.add(ALICE) == ALICE
    directory.add(BOB)
    assert [directory.find(address) for address in (*ALICE.addresses, *BOB.addresses)] == [ALICE, ALICE, BOB]
    assert directory.get("alice") == ALICE
    assert directory.get("carol") is None
    assert directory.find(TELEGRAM) is None


def test_everybody_is_listed_by_id_whatever_the_order_of_enrolment(directory: PeopleDirectory) -> None:
    directory.add(BOB)
    directory.add(ALICE)
    assert directory.all() == (ALICE, BOB)


def test_another_directory_on_the_same_file_sees_a_removal_at_the_next_call(
    path: Path, directory: PeopleDirectory
) -> None:
    reader = PeopleDirectory(path)
    directory.add(ALICE)
    assert reader.find(PHONE) == ALICE
    assert directory.remove("alice") == ALICE
    assert reader.find(PHONE) is None
    assert reader.get("alice") is None


def test_an_edit_by_hand_counts_at_the_next_call(path: Path, directory: PeopleDirectory) -> None:
    directory.add(ALICE)
    assert directory.find(PHONE) is not None
    path.write_text(path.read_text(encoding="utf-8").replace(PHONE.value, "+41790000002"), encoding="utf-8")
    assert directory.find(PHONE) is None
    assert directory.find(Address(AddressKind.SMS, "+41790000002")) is not None


def test_an_edit_whose_tool_puts_size_and_time_back_still_counts(path: Path, directory: PeopleDirectory) -> None:
    directory.add(ALICE)
    assert directory.find(PHONE) is not None
    before = path.stat()
    path.write_text(path.read_text(encoding="utf-8").replace(PHONE.value, "+41790000002"), encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert directory.find(PHONE) is None


def test_an_unchanged_file_is_not_read_again(directory: PeopleDirectory) -> None:
    directory.add(ALICE)
    assert directory.find(PHONE) is directory.find(PHONE) is not None


def test_a_file_younger_than_the_clock_tick_is_read_again_although_it_looks_the_same(path: Path) -> None:
    write_rows(path, ROW)
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        memory[0:1] = b"{"  # from here on, writes through this memory leave the file's times as they are
        changed_ns = path.stat().st_ctime_ns
        directory = PeopleDirectory(path, wall_clock_ns=lambda: changed_ns + SETTLED_AFTER_NS)
        assert directory.find(PHONE) is not None
        position = memory.find(PHONE.value.encode())
        memory[position : position + len(PHONE.value)] = b"+41790000002"
        assert directory.find(PHONE) is None


@pytest.mark.parametrize("damage", [b"", b'{"meta":', b"{}", b'{"meta":{"1":{"schema_version":9,"version":1}}}'])
def test_a_file_damaged_while_running_knows_nobody_says_why_and_heals(
    path: Path, directory: PeopleDirectory, damage: bytes
) -> None:
    directory.add(ALICE)
    whole = path.read_bytes()
    assert directory.find(PHONE) == ALICE
    path.write_bytes(damage)
    assert directory.find(PHONE) is None
    assert directory.find(PHONE) is None
    assert directory.all() == ()
    assert "people.json" in (directory.problem or "")
    with pytest.raises(UserError, match="not written over"):
        directory.add(BOB)
    assert path.read_bytes() == damage
    path.write_bytes(whole)
    assert directory.find(PHONE) == ALICE
    assert directory.problem is None


def test_a_file_that_cannot_be_read_while_running_knows_nobody(path: Path, directory: PeopleDirectory) -> None:
    directory.add(ALICE)
    assert directory.find(PHONE) == ALICE
    path.unlink()
    path.mkdir()
    assert directory.find(PHONE) is None
    assert "could not be read" in (directory.problem or "")


def test_a_path_that_cannot_even_be_looked_at_is_a_problem_not_an_empty_directory(path: Path) -> None:
    path.touch()
    directory = PeopleDirectory(path / "people.json")
    assert directory.find(PHONE) is None
    assert "could not be read" in (directory.problem or "")


def test_a_removed_file_knows_nobody(path: Path, directory: PeopleDirectory) -> None:
    directory.add(ALICE)
    assert directory.find(PHONE) == ALICE
    path.unlink()
    assert directory.find(PHONE) is None


@pytest.mark.parametrize(
    ("change", "position"),
    [
        ({"id": "Alice"}, "person id: 5 characters"),
        ({"id": "alice\n"}, "person id"),
        ({"id": 7}, "id: must be text"),
        ({"name": "\u202e"}, "name: is empty"),
        ({"name": None}, "name: must be text"),
        ({"roles": "operator"}, "roles: must be a list"),
        ({"roles": [1]}, "roles: must be a list"),
        ({"roles": ["op\u200berator"]}, "roles: each must be"),
        ({"roles": [""]}, "roles: each must be"),
        ({"addresses": {"sms": "+41790000001"}}, "addresses: must be a list"),
        ({"addresses": ["+41790000001"]}, "kind:value"),
        ({"addresses": ["fax:+41790000001"]}, "kind:value"),
        ({"addresses": ["sms:0790000001"]}, "the sms value of 10 characters"),
        ({"addresses": ["web:bob"]}, "own id"),
        ({"addresses": ["web:alice", "web:alice"]}, "has one of them already"),
        ({"enrolled_at": 5}, "enrolled_at: must be text"),
        ({"enrolled_at": "2026-11-22"}, "enrolled_at: must be null or a time"),
        ({"enrolled_at": "0001-01-01T00:00:00+23:00"}, "enrolled_at: must be null or a time"),
        ({"revoked": True}, "look at revoked"),
    ],
)
def test_one_bad_row_closes_the_directory_and_is_named_by_file_row_and_field(
    path: Path, directory: PeopleDirectory, change: dict[str, object], position: str
) -> None:
    write_rows(path, {**ROW, "id": "zoe", "addresses": []}, {**ROW, **change})
    assert directory.get("zoe") is None
    problem = directory.problem or ""
    assert "people.json: people 2: " in problem
    assert position in problem
    assert "+41" not in problem


@pytest.mark.parametrize(
    ("second", "reason"),
    [({"addresses": []}, "alice is there twice"), ({"id": "bob"}, r"sms:…0001 belongs to alice")],
)
def test_a_file_that_gives_an_id_or_address_to_two_people_knows_nobody(
    path: Path, directory: PeopleDirectory, second: dict[str, object], reason: str
) -> None:
    write_rows(path, ROW, {**ROW, **second})
    assert directory.find(PHONE) is None
    assert reason in (directory.problem or "")


def test_a_row_without_a_field_is_refused(path: Path, directory: PeopleDirectory) -> None:
    write_rows(path, {name: value for name, value in ROW.items() if name != "roles"})
    assert "look at roles" in (directory.problem or "")


def test_a_file_without_the_people_table_knows_nobody(path: Path, directory: PeopleDirectory) -> None:
    path.write_bytes(b'{"meta":{"1":{"schema_version":1,"version":1}},"poeple":{}}')
    assert "people: this table is missing" in (directory.problem or "")


@given(content=st.binary(max_size=200))
def test_no_content_of_the_file_makes_a_look_up_fail(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any-people.json"
    path.write_bytes(content)
    directory = PeopleDirectory(path)
    assert directory.find(PHONE) is None
    assert directory.problem is not None


@given(position=st.integers(0), byte=st.integers(0, 255))
def test_one_wrong_byte_makes_no_look_up_fail_and_never_answers_beside_a_problem(
    tmp_path_factory: pytest.TempPathFactory, position: int, byte: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "flipped-people.json"
    write_rows(path, ROW)
    content = bytearray(path.read_bytes())
    content[position % len(content)] = byte
    path.write_bytes(content)
    directory = PeopleDirectory(path)
    assert directory.find(PHONE) is None or directory.problem is None


def test_roles_are_replaced_and_not_judged(directory: PeopleDirectory) -> None:
    directory.add(ALICE)
    changed = directory.set_roles("alice", ("anything at all", "reader"))
    assert changed == replace(ALICE, roles=("anything at all", "reader"))
    assert directory.all() == (changed,)


def test_an_address_is_added_and_taken_away(directory: PeopleDirectory) -> None:
    directory.add(ALICE)
    assert directory.add_address("alice", TELEGRAM).addresses == (WEB, PHONE, TELEGRAM)
    assert directory.find(TELEGRAM) is not None
    assert directory.remove_address("alice", PHONE).addresses == (WEB, TELEGRAM)
    assert directory.find(PHONE) is None
    assert directory.find(TELEGRAM) == directory.get("alice")


def test_a_freed_address_can_go_to_somebody_else(directory: PeopleDirectory) -> None:
    directory.add(ALICE)
    directory.add(BOB)
    directory.remove_address("alice", PHONE)
    assert directory.find(PHONE) is None
    directory.add_address("bob", PHONE)
    assert directory.find(PHONE) == directory.get("bob")


def test_a_change_leaves_everybody_else_as_they_were(directory: PeopleDirectory) -> None:
    directory.add(ALICE)
    directory.add(BOB)
    directory.set_roles("alice", ())
    assert directory.get("bob") == BOB
    directory.remove("alice")
    assert directory.all() == (BOB,)


def test_a_person_is_stored_as_returned_with_a_clean_name_and_whole_milliseconds(
    path: Path, directory: PeopleDirectory
) -> None:
    local = datetime(2026, 11, 22, 15, 2, 0, 123_456, tzinfo=timezone(timedelta(hours=1)))
    stored = directory.add(replace(ALICE, name=" Al\u202eice\n" + "x" * 100, enrolled_at=local))
    assert stored.name == "Alice " + "x" * 57 + "…"
    assert stored.enrolled_at == datetime(2026, 11, 22, 14, 2, 0, 123_000, tzinfo=UTC)
    assert directory.get("alice") == stored
    assert '"2026-11-22T14:02:00.123Z"' in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("attempt", "code"),
    [
        (lambda d: d.add(replace(BOB, id="alice")), "person_exists"),
        (lambda d: d.add(replace(BOB, addresses=(PHONE,))), "address_taken"),
        (lambda d: d.add(replace(BOB, addresses=(TELEGRAM, TELEGRAM))), "address_taken"),
        (lambda d: d.add(replace(BOB, id="Bob")), "bad_input"),
        (lambda d: d.add(replace(BOB, id="b" * 33)), "bad_input"),
        (lambda d: d.add(replace(BOB, name="\n")), "bad_input"),
        (lambda d: d.add(replace(BOB, roles=("two\nlines",))), "bad_input"),
        (lambda d: d.add(replace(BOB, addresses=(WEB,))), "bad_input"),
        (lambda d: d.set_roles("carol", ()), "unknown_person"),
        (lambda d: d.set_roles("alice", ("\udcff",)), "bad_input"),
        (lambda d: d.add_address("carol", TELEGRAM), "unknown_person"),
        (lambda d: d.add_address("alice", PHONE), "address_taken"),
        (lambda d: d.add_address("dave", PHONE), "address_taken"),
        (lambda d: d.add_address("alice", Address(AddressKind.SLACK, "U1")), "bad_input"),
        (lambda d: d.remove_address("alice", TELEGRAM), "unknown_address"),
        (lambda d: d.remove_address("carol", PHONE), "unknown_person"),
        (lambda d: d.remove("carol"), "unknown_person"),
    ],
)
def test_a_change_that_does_not_fit_is_refused_and_writes_nothing(
    path: Path, directory: PeopleDirectory, attempt: Callable[[PeopleDirectory], Person], code: str
) -> None:
    directory.add(ALICE)
    directory.add(Person("dave", "Dave", (), ()))
    before = path.read_bytes()
    with pytest.raises(UserError) as refusal:
        attempt(directory)
    assert refusal.value.code == code
    assert PHONE.value not in str(refusal.value)
    assert path.read_bytes() == before


def test_an_unknown_id_is_shown_cleaned(directory: PeopleDirectory) -> None:
    with pytest.raises(UserError, match=r"nobody here is called ecila\.$"):
        directory.remove("\u202eecila\n")


def test_a_change_waits_no_longer_for_another_writer_than_it_was_told(path: Path) -> None:
    slept: list[float] = []
    patience = LockWait(limit_seconds=3, pause_seconds=1, monotonic=lambda: float(len(slept)), wait=slept.append)
    holder = AtomicStorage(path)
    with pytest.raises(UserError, match="3 s of waiting did not help"):
        PeopleDirectory(path, patience).add(ALICE)
    holder.close()
    assert slept == [1, 1, 1]


@pytest.mark.parametrize(
    "text",
    [
        "web:alice",
        "console:0",
        "console:1000",
        "sms:+6834000",
        "sms:+417900000010000",
        "telegram:1",
        "telegram:4503599627370495",
        "ntfy:" + "aZ0-_" * 12,
    ],
)
def test_an_address_its_channel_could_send_from_is_read(text: str) -> None:
    address = parse_address(text)
    assert f"{address.kind.value}:{address.value}" == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sms",
        "fax:1",
        "SMS:+41790000001",
        "web:",
        "web:Alice",
        "web:al ice",
        "console:007",
        "console:-1",
        "console:root",
        "sms:41790000001",
        "sms:+0790000001",
        "sms:+41 79 000 00 01",
        "sms:+683400",
        "sms:+4179000000100001",
        "sms:+4179000000\u0661",
        "sms:+41790000001\n",
        "telegram:0",
        "telegram:-100123",
        "telegram:+5",
        "telegram:@alice",
        "telegram:\u0661\u0662",
        "telegram:12345678901234567",
        "ntfy:",
        "ntfy:a/b",
        "ntfy:" + "a" * 61,
        "slack:U012345",
    ],
)
def test_an_address_no_channel_could_send_from_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(UserError, match=r"^addresses: ") as refusal:
        parse_address(text)
    value = text.partition(":")[2]
    assert len(value) < 3 or value not in str(refusal.value)


def test_slack_is_named_as_a_channel_without_senders() -> None:
    with pytest.raises(UserError, match="slack only takes notices out"):
        check_address(Address(AddressKind.SLACK, "U012345"))


def test_two_processes_adding_two_hundred_people_each_lose_none(path: Path, directory: PeopleDirectory) -> None:
    writers = [start_writer(path, prefix, 200) for prefix in ("a", "b")]
    for writer in writers:
        writer.communicate()
    assert [writer.returncode for writer in writers] == [0, 0]
    assert {person.id for person in directory.all()} == {f"{prefix}{n}" for prefix in "ab" for n in range(200)}
    tables = read_tables(path)
    assert tables is not None
    assert tables["meta"]["1"]["version"] == 400


@pytest.mark.chaos
def test_a_writer_killed_forty_times_leaves_a_whole_file_with_everybody_it_acknowledged(path: Path) -> None:
    directory = PeopleDirectory(path)
    acknowledged: set[str] = set()
    for round_number in range(40):
        writer = start_writer(path, f"r{round_number}-", 10_000)
        assert writer.stdout is not None
        acknowledged.update(writer.stdout.readline().strip() for _ in range(1 + round_number % 5))
        writer.send_signal(signal.SIGKILL)
        acknowledged.update(writer.communicate()[0].split())
        assert writer.returncode == -signal.SIGKILL
        assert directory.problem is None
        assert acknowledged <= {person.id for person in directory.all()}
    assert directory.add(ALICE) == ALICE
    assert sorted(file.name for file in path.parent.iterdir()) == ["people.json", "people.json.lock"]
