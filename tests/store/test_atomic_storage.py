"""The people file stays whole whatever happens to a writer, and one writer at a time changes it."""

import fcntl
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
from tinydb import TinyDB

from domain.errors import UserError
from store.atomic_storage import MAX_FILE_BYTES, AtomicStorage, LockWait, read_tables

META = b'"meta":{"1":{"schema_version":1,"version":4}}'


class WaitingClock:
    """Time that passes only while somebody waits, and an event at one moment of it."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.release: AtomicStorage | None = None

    def monotonic(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> None:
        self.seconds += seconds
        if self.release is not None and self.seconds >= 1:
            self.release.close()

    def patience(self) -> LockWait:
        return LockWait(limit_seconds=2, pause_seconds=0.5, monotonic=self.monotonic, wait=self.wait)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.json"


@contextmanager
def opened(path: Path, patience: LockWait | None = None) -> Iterator[TinyDB]:
    with TinyDB(path, patience, storage=AtomicStorage) as database:
        yield database


def insert(path: Path, **row: object) -> None:
    with opened(path) as database:
        database.table("people").insert(row)


def test_rows_come_back_as_they_were_written_and_each_write_raises_the_version(path: Path) -> None:
    insert(path, id="alice")
    insert(path, id="bob")
    assert read_tables(path) == {
        "meta": {"1": {"schema_version": 1, "version": 2}},
        "people": {"1": {"id": "alice"}, "2": {"id": "bob"}},
    }


def test_the_file_is_indented_for_human_readers_and_private(path: Path) -> None:
    insert(path, id="alice")
    text = path.read_text(encoding="utf-8")
    assert text.endswith("}\n")
    assert text.splitlines()[:3] == ["{", '  "meta": {', '    "1": {']
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.with_name("people.json.lock").stat().st_mode & 0o777 == 0o600


def test_reading_makes_no_file(path: Path) -> None:
    assert read_tables(path) is None
    assert list(path.parent.iterdir()) == []


def test_a_reader_that_opened_the_file_before_a_write_still_reads_the_old_version_whole(path: Path) -> None:
    insert(path, id="alice")
    before = path.read_bytes()
    with path.open("rb") as reader:
        insert(path, id="bob")
        assert reader.read() == before
    assert path.read_bytes() != before


def test_content_is_synced_before_the_rename_and_the_folder_after(path: Path) -> None:
    seen = []

    def note(_frame: object, event: str, function: object) -> None:
        if event == "c_call" and (function is os.fsync or function is os.replace):
            seen.append(function)

    with opened(path) as database:
        sys.setprofile(note)
        try:
            database.table("people").insert({"id": "alice"})
        finally:
            sys.setprofile(None)
    assert seen == [os.fsync, os.replace, os.fsync]


def test_what_a_killed_writer_left_is_neither_read_nor_kept(path: Path) -> None:
    leftover = path.with_name("people.json.new")
    leftover.write_bytes(b'{"meta":')
    leftover.chmod(0o644)
    insert(path, id="alice")
    assert not leftover.exists()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_symbolic_link_stays_a_link_and_its_target_is_written(path: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "everybody.json"
    path.symlink_to(target)
    insert(path, id="alice")
    assert path.is_symlink()
    assert not target.is_symlink()
    assert target.exists()
    assert read_tables(path) == read_tables(target)


def test_an_edit_by_root_leaves_the_file_with_its_owner(path: Path) -> None:
    owner = 12_345 if os.geteuid() == 0 else os.geteuid()  # only root can see the difference; others keep their own
    os.chown(path.parent, owner, -1)
    insert(path, id="alice")
    assert {path.stat().st_uid, path.with_name("people.json.lock").stat().st_uid} == {owner}
    os.chown(path, owner + 1 if owner == 12_345 else owner, -1)
    expected = path.stat().st_uid
    insert(path, id="bob")
    assert path.stat().st_uid == expected


def test_a_second_writer_gives_up_in_time_and_names_the_file_and_the_holder(path: Path) -> None:
    clock = WaitingClock()
    with opened(path), pytest.raises(UserError, match=rf"people\.json\.lock.*process {os.getpid()}\b") as refusal:
        AtomicStorage(path, clock.patience())
    assert refusal.value.code == "file_busy"
    assert clock.seconds == 2


def test_a_second_writer_goes_on_as_soon_as_the_first_is_done(path: Path) -> None:
    clock = WaitingClock()
    clock.release = AtomicStorage(path)
    second = AtomicStorage(path, clock.patience())
    assert clock.seconds == 1
    second.close()


def test_a_lock_held_by_another_program_is_not_blamed_on_the_last_writer(path: Path) -> None:
    insert(path, id="alice")
    with path.with_name("people.json.lock").open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="held by another process"):
            AtomicStorage(path, WaitingClock().patience())


def test_the_lock_is_free_again_after_a_refused_write_and_a_double_close(path: Path) -> None:
    path.write_bytes(b"{")
    with pytest.raises(UserError):
        insert(path, id="alice")
    storage = AtomicStorage(path, WaitingClock().patience())
    storage.close()
    storage.close()
    AtomicStorage(path, WaitingClock().patience()).close()


@pytest.mark.parametrize(
    ("content", "position"),
    [
        (b"", "line 1 column 1"),
        (b'{"people":{', "line 1"),
        (b"\xff\xfe{}", "JSON"),
        (b"[]", "top level"),
        (b"[" * 1010 + b"]" * 1010, ""),
        (b'{"people":{"1":{}}}', "meta 1"),
        (b'{"meta":{"1":{"schema_version":true,"version":1}}}', "meta 1"),
        (b'{"meta":{"1":{"schema_version":1,"version":-1}}}', "meta 1"),
        (b'{"meta":{"1":{"schema_version":1,"version":"4"}}}', "meta 1"),
        (b'{"meta":{"1":{"schema_version":2,"version":1}}}', "meta 1: schema_version is 2, known is 1"),
        (b"{" + META + b',"people":[]}', "people: must be"),
        (b"{" + META + b',"people":{"01":{}}}', "people 01"),
        (b"{" + META + b',"people":{"alice":{}}}', "people alice"),
        (b"{" + META + b',"people":{"3":"alice"}}', "people 3"),
        (b"{" + META + b',"people":{"1":{"id":"a"},"1":{"id":"b"}}}', "the key 1 is written twice"),
        (b"{" + META + b',"no\\u202etes":{},"no\\u202etes":{}}', "the key notes is written twice"),
        (b"{" + META + b',"pe\\u202eople":[]}', "people: must be"),
        (b" " * (MAX_FILE_BYTES + 1), "size"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused_by_name_and_position_and_never_written_over(
    path: Path, content: bytes, position: str
) -> None:
    path.write_bytes(content)
    with pytest.raises(UserError) as refusal:
        read_tables(path)
    assert str(path) in str(refusal.value)
    assert position in str(refusal.value)
    assert "Mend it by hand" in str(refusal.value)
    assert refusal.value.code == "file_damaged"
    with pytest.raises(UserError, match="not written over"):
        insert(path, id="alice")
    with opened(path) as database, pytest.raises(UserError, match="not written over"):
        database.drop_tables()
    assert path.read_bytes() == content


def test_every_truncation_of_a_file_is_refused(path: Path) -> None:
    insert(path, id="alice", name="Alice")
    whole = path.read_bytes().rstrip()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(UserError, match="Mend it by hand"):
            read_tables(path)


def test_a_file_that_would_grow_too_large_to_read_again_is_not_written(path: Path) -> None:
    insert(path, id="alice")
    before = path.read_bytes()
    with pytest.raises(UserError, match="would grow to"):
        insert(path, name="x" * MAX_FILE_BYTES)
    assert path.read_bytes() == before


@pytest.mark.parametrize("place", ["no-such-folder/people.json", "plain-file/people.json"])
def test_a_folder_that_is_not_there_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "plain-file").touch()
    with pytest.raises(UserError, match=rf"{place}: could not be locked"):
        insert(tmp_path / place, id="alice")


def test_a_folder_in_the_place_of_the_file_is_named(path: Path) -> None:
    path.mkdir()
    with pytest.raises(UserError, match=r"people\.json: could not be read"):
        read_tables(path)


def test_a_write_that_does_not_fit_on_the_disk_leaves_the_old_file_and_no_litter(path: Path) -> None:
    insert(path, id="alice")
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with opened(path) as database:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
        try:
            with pytest.raises(UserError, match="could not be written"):
                database.table("people").insert({"name": "x" * 1000})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert sorted(file.name for file in path.parent.iterdir()) == ["people.json", "people.json.lock"]


def test_tables_of_the_same_schema_that_nobody_touched_stay(path: Path) -> None:
    path.write_bytes(b"{" + META + b',"people":{},"notes":{"7":{"text":"kept"}}}')
    insert(path, id="alice")
    tables = orjson.loads(path.read_bytes())
    assert tables["notes"] == {"7": {"text": "kept"}}
    assert tables["meta"]["1"]["version"] == 5
