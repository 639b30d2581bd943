"""The brake's file: what people made stays, what cannot be read halts, and the bot removes only its own."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.brake import OUR_MARK, FileBrake
from tests.fakes.full_disk import no_room_at_all


def test_no_file_means_no_brake(tmp_path: Path) -> None:
    assert not FileBrake(tmp_path / "HALT").pulled()


def test_a_file_is_seen_at_once_and_so_is_its_end(tmp_path: Path) -> None:
    file = tmp_path / "HALT"
    brake = FileBrake(file)
    for _ in range(2):
        file.touch()
        assert brake.pulled()
        file.unlink()
        assert not brake.pulled()


def test_whatever_bears_the_name_halts(tmp_path: Path) -> None:
    (tmp_path / "HALT").mkdir()
    assert FileBrake(tmp_path / "HALT").pulled()


def test_a_folder_that_cannot_be_read_halts(tmp_path: Path) -> None:
    # A name below a file, and one no file system takes: both fail with something other than "not there".
    (tmp_path / "home").write_text("no folder")
    assert FileBrake(tmp_path / "home" / "HALT").pulled()
    assert FileBrake(tmp_path / ("x" * 300)).pulled()


def test_a_pull_outlives_the_process_and_a_release_ends_it(tmp_path: Path) -> None:
    file = tmp_path / "HALT"
    brake = FileBrake(file)
    brake.pull()
    assert file.read_bytes() == OUR_MARK
    assert brake.pulled()
    assert FileBrake(file).pulled()
    brake.release_ours()
    assert not brake.pulled()
    assert not file.exists()


@pytest.mark.parametrize("content", [b"", b"stop, we are moving servers\n", OUR_MARK])
@pytest.mark.parametrize("pulled", [False, True])
def test_a_file_that_this_process_did_not_make_stays(tmp_path: Path, content: bytes, pulled: bool) -> None:
    file = tmp_path / "HALT"
    file.write_bytes(content)
    brake = FileBrake(file)
    if pulled:
        brake.pull()
    brake.release_ours()
    assert brake.pulled()
    assert file.read_bytes() == content


def test_a_file_that_people_wrote_over_ours_stays(tmp_path: Path) -> None:
    file = tmp_path / "HALT"
    brake = FileBrake(file)
    brake.pull()
    file.write_text("it stays until Monday")
    brake.release_ours()
    assert brake.pulled()


def test_a_file_that_people_removed_is_no_trouble(tmp_path: Path) -> None:
    brake = FileBrake(tmp_path / "HALT")
    brake.pull()
    (tmp_path / "HALT").unlink()
    assert brake.pulled()  # the stored mode does not say off yet
    brake.release_ours()
    assert not brake.pulled()


def test_a_pull_holds_in_memory_where_no_file_can_be_made(tmp_path: Path) -> None:
    brake = FileBrake(tmp_path / "gone" / "HALT")
    with capture_logs() as logs:
        brake.pull()
    assert logs[0]["event"] == "halt_file_unwritable"
    assert brake.pulled()
    brake.release_ours()
    assert not brake.pulled()


def test_a_full_disk_leaves_an_empty_file_that_halts_and_is_ours_to_remove(tmp_path: Path) -> None:
    file = tmp_path / "HALT"
    brake = FileBrake(file)
    with capture_logs() as logs, no_room_at_all():
        brake.pull()
    assert [line["event"] for line in logs] == ["halt_file_unwritable"]
    assert file.read_bytes() == b""
    assert FileBrake(file).pulled()
    brake.release_ours()
    assert not file.exists()


def test_a_file_that_cannot_be_removed_goes_on_halting(tmp_path: Path) -> None:
    file = tmp_path / "HALT"
    brake = FileBrake(file)
    brake.pull()
    file.unlink()
    file.mkdir()
    with capture_logs() as logs:
        brake.release_ours()
    assert [line["event"] for line in logs] == ["halt_file_stays"]
    assert brake.pulled()
