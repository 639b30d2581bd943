"""The job files: made once, changed whole, moved aside when broken."""

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from forge.durable_files import sync_folder
from forge.local_journal import KEPT_FINISHED_JOBS, JobJournal
from forge.local_record import MAX_RECORD_BYTES, JobRecord
from forge.local_steps import end
from forge.port import JobState, Unclear
from tests.fakes.job_samples import QUEUED
from tests.fakes.local_forge_rig import correlation
from tests.fakes.virtual_time import START, VirtualTime


def numbered(number: int) -> JobRecord:
    return replace(QUEUED, job=replace(QUEUED.job, correlation=correlation(number)))


def cancelled(record: JobRecord) -> JobRecord:
    return end(record, JobState.CANCELLED, "cancelled", "by a test", START)


def test_a_job_is_made_once(tmp_path: Path) -> None:
    journal = JobJournal(tmp_path, VirtualTime())
    assert journal.create(QUEUED) == (QUEUED, True)
    assert journal.create(replace(QUEUED, digest="d2")) == (QUEUED, False)


def test_job_files_are_their_owners_alone(tmp_path: Path) -> None:
    JobJournal(tmp_path / "forge", VirtualTime()).create(QUEUED)
    assert (tmp_path / "forge" / "jobs").stat().st_mode & 0o077 == 0
    assert (tmp_path / "forge" / "jobs" / f"{correlation()}.json").stat().st_mode & 0o077 == 0


def test_every_new_name_is_synced_and_no_temporary_file_stays(tmp_path: Path) -> None:
    synced: list[Path] = []
    journal = JobJournal(tmp_path, VirtualTime(), synced.append)
    journal.create(QUEUED)
    journal.change(correlation(), cancelled)
    assert synced == [tmp_path / "jobs"] * 2
    assert [path.name for path in (tmp_path / "jobs").iterdir()] == [f"{correlation()}.json"]


def test_an_unconfirmed_name_is_unclear_and_the_job_can_be_found(tmp_path: Path) -> None:
    def failing(folder: Path) -> None:
        sync_folder(folder)
        raise OSError(5, "Input/output error")

    journal = JobJournal(tmp_path, VirtualTime(), failing)
    with pytest.raises(Unclear, match="did not confirm"):
        journal.create(QUEUED)
    assert journal.load(correlation()) == QUEUED


def test_a_change_that_changes_nothing_writes_nothing(tmp_path: Path) -> None:
    time = VirtualTime()
    journal = JobJournal(tmp_path, time)
    journal.create(QUEUED)
    time.advance(60)
    assert journal.change(correlation(), lambda record: record) == (QUEUED, False)
    assert journal.load(correlation()) == QUEUED


def test_a_change_carries_its_time_and_replaces_the_whole_file(tmp_path: Path) -> None:
    time = VirtualTime()
    journal = JobJournal(tmp_path, time)
    journal.create(QUEUED)
    before = (tmp_path / "jobs" / f"{correlation()}.json").open("rb")
    time.advance(60)
    outcome = journal.change(correlation(), cancelled)
    assert outcome is not None
    assert outcome[0].job.updated_at == time.now()
    assert journal.load(correlation()) == outcome[0]
    with before:  # whoever had the old file open still reads it whole
        assert b'"queued"' in before.read()


def test_a_job_that_is_not_there_cannot_be_changed(tmp_path: Path) -> None:
    assert JobJournal(tmp_path, VirtualTime()).change(correlation(), cancelled) is None


def test_a_record_that_could_not_be_read_back_is_never_written(tmp_path: Path) -> None:
    journal = JobJournal(tmp_path, VirtualTime())
    journal.create(QUEUED)
    wrong = replace(QUEUED, job=replace(QUEUED.job, unresolved="3"))  # type: ignore[arg-type] # what an untyped workflow could do
    with pytest.raises(ValueError, match="unresolved"):
        journal.change(correlation(), lambda _record: wrong)
    assert journal.load(correlation()) == QUEUED


def test_a_leftover_temporary_name_of_the_live_file_is_never_written_over(tmp_path: Path) -> None:
    """A kill between the link and the removal of the temporary name leaves two names for one file."""
    journal = JobJournal(tmp_path, VirtualTime())
    journal.create(QUEUED)
    live, leftover = tmp_path / "jobs" / f"{correlation()}.json", tmp_path / "jobs" / f"{correlation()}.tmp"
    leftover.hardlink_to(live)
    with live.open("rb") as before:
        journal.change(correlation(), cancelled)
        assert b'"queued"' in before.read()
    leftover.hardlink_to(live)
    journal.sweep()
    assert not leftover.exists()
    assert live.exists()


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 100_000, b"\xff\xfe", b"null"])
def test_an_unreadable_file_is_moved_aside_once_and_reported_as_failed(tmp_path: Path, content: bytes) -> None:
    journal = JobJournal(tmp_path, VirtualTime())
    (tmp_path / "jobs" / f"{correlation()}.json").write_bytes(content)
    os.utime(tmp_path / "jobs" / f"{correlation()}.json", (START.timestamp(), START.timestamp()))
    record = journal.load(correlation())
    assert record is not None
    assert (record.job.state, record.job.conclusion) == (JobState.FAILED, "unreadable_job")
    assert (record.job.updated_at, record.job.unresolved, record.digest) == (START, None, None)
    assert journal.load(correlation()) == record
    assert journal.change(correlation(), lambda known: known) == (record, False)
    assert (tmp_path / "broken" / f"{correlation()}.json").read_bytes() == content


def test_an_oversized_file_is_moved_aside_without_being_read_whole(tmp_path: Path) -> None:
    journal = JobJournal(tmp_path, VirtualTime())
    with (tmp_path / "jobs" / f"{correlation()}.json").open("wb") as sparse:
        sparse.truncate(100 * MAX_RECORD_BYTES)
    record = journal.load(correlation())
    assert record is not None
    assert record.job.conclusion == "unreadable_job"


def test_a_folder_in_a_files_place_is_moved_aside(tmp_path: Path) -> None:
    journal = JobJournal(tmp_path, VirtualTime())
    (tmp_path / "jobs" / f"{correlation()}.json").mkdir()
    record = journal.load(correlation())
    assert record is not None
    assert record.job.conclusion == "unreadable_job"


def test_news_come_oldest_first_and_what_is_over_comes_once(tmp_path: Path) -> None:
    journal = JobJournal(tmp_path, VirtualTime())
    for number in (2, 1, 3):
        journal.create(numbered(number))
    journal.change(correlation(1), cancelled)
    assert [record.job.correlation for record in journal.news()] == [correlation(number) for number in (1, 2, 3)]
    assert [record.job.correlation for record in journal.news()] == [correlation(number) for number in (2, 3)]


@pytest.mark.parametrize("pruned_by_another", [False, True])
def test_a_forgotten_job_that_is_made_anew_is_news_again(tmp_path: Path, pruned_by_another: bool) -> None:
    journal = JobJournal(tmp_path, VirtualTime())
    for number in range(KEPT_FINISHED_JOBS + 1):
        journal.create(cancelled(numbered(number)))
    journal.news()
    if pruned_by_another:
        assert JobJournal(tmp_path, VirtualTime()).prune(START + timedelta(days=1)) == 1
        assert journal.news() == []
    else:
        assert journal.prune(START + timedelta(days=1)) == 1
    journal.create(numbered(0))
    assert journal.news() == [numbered(0)]


def test_a_name_that_is_taken_is_never_written_over(tmp_path: Path) -> None:
    journal = JobJournal(tmp_path, VirtualTime())
    taken = tmp_path / "jobs" / f"{correlation()}.json"
    taken.symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        journal.create(QUEUED)
    assert taken.is_symlink()


def test_one_file_that_the_disk_does_not_give_holds_up_no_other(tmp_path: Path) -> None:
    journal = JobJournal(tmp_path, VirtualTime())
    journal.create(numbered(1))
    loop = tmp_path / "jobs" / f"{correlation(2)}.json"
    loop.symlink_to(loop)
    assert [record.job.correlation for record in journal.news()] == [correlation(1)]


def test_names_that_are_no_correlation_are_not_jobs(tmp_path: Path) -> None:
    journal = JobJournal(tmp_path, VirtualTime())
    (tmp_path / "jobs" / "notes.json").write_text("{}")
    assert journal.news() == []
    assert (tmp_path / "jobs" / "notes.json").exists()


def test_a_folder_has_one_worker_at_a_time(tmp_path: Path) -> None:
    journal, other = JobJournal(tmp_path, VirtualTime()), JobJournal(tmp_path, VirtualTime())
    lock = journal.become_worker()
    assert lock is not None
    assert other.become_worker() is None
    os.close(lock)
    again = other.become_worker()
    assert again is not None
    os.close(again)
