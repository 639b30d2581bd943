"""Files from elsewhere are read with caps, without links, and refused with a sentence that names the place."""

import os
import tracemalloc
from pathlib import Path

import pytest

from loops import artifacts
from loops.artifacts import ArtifactError, ArtifactFile, find_files, read_bytes, read_json
from tests.fakes.loop_artifacts import sparse_file


def everything(_name: str) -> bool:
    return True


def one_file(path: Path) -> ArtifactFile:
    return ArtifactFile(path, path.name, path.stat().st_size)


def test_files_are_found_below_the_folder_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b/wanted.json", "a/deep/wanted.json", "a/other.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    found = find_files(tmp_path, lambda name: name == "wanted.json")
    assert [file.name for file in found] == ["a/deep/wanted.json", "b/wanted.json"]


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert find_files(tmp_path / "missing", everything) == ()


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError, match="cannot be listed"):
        find_files(tmp_path / "file", everything)


@pytest.mark.parametrize("target", ["outside.json", "folder"])
def test_a_symbolic_link_is_refused_and_named_d37(tmp_path: Path, target: str) -> None:
    (tmp_path / "outside.json").write_text("{}")
    (tmp_path / "folder").mkdir()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / target)
    with pytest.raises(ArtifactError, match="link is a symbolic link; put the file itself"):
        find_files(tmp_path / "in", everything)


def test_a_file_that_became_a_link_after_the_walk_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("{}")
    path = tmp_path / "outcomes.json"
    path.write_text("{}")
    file = one_file(path)
    path.unlink()
    path.symlink_to(tmp_path / "secret")
    with pytest.raises(ArtifactError, match=r"outcomes.json cannot be read"):
        read_bytes(file)


def test_a_pipe_is_refused_without_waiting_for_its_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "outcomes.json")
    with pytest.raises(ArtifactError, match="is not a regular file"):
        read_bytes(one_file(tmp_path / "outcomes.json"))


def test_a_file_of_100_mb_is_refused_by_its_size_without_being_read(tmp_path: Path) -> None:
    path = sparse_file(tmp_path / "outcomes.json", 100 * artifacts.MIB)
    tracemalloc.start()
    try:
        with pytest.raises(ArtifactError, match=r"outcomes.json is larger than 32 MiB; split the run"):
            read_bytes(one_file(path))
        assert tracemalloc.get_traced_memory()[1] < artifacts.MIB
    finally:
        tracemalloc.stop()


def test_many_large_files_are_refused_together(tmp_path: Path) -> None:
    for number in range(9):
        sparse_file(tmp_path / f"{number}.json", 31 * artifacts.MIB)
    with pytest.raises(ArtifactError, match="more than 4096 files and 256 MiB"):
        find_files(tmp_path, everything)


def test_folders_nested_without_end_are_refused(tmp_path: Path) -> None:
    deepest = tmp_path.joinpath(*["d"] * artifacts.MAX_DEPTH)
    deepest.mkdir(parents=True)
    (deepest / "outcomes.json").touch()
    assert len(find_files(tmp_path, everything)) == 1
    (deepest / "d").mkdir()
    (deepest / "d" / "outcomes.json").touch()
    with pytest.raises(ArtifactError, match="deeper than 16 folders"):
        find_files(tmp_path, everything)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b'{"outcomes": [', "is not JSON (unexpected end of data at line 1, column 15)"),
        (b'{"caf\xe9": 1}', "is not UTF-8 text (byte 5)"),
        (b"\xef\xbb\xbf{}", "is not JSON"),
        (b"[" * 5_000 + b"]" * 5_000, "is not JSON (depth limit exceeded"),
        (b'{"score": NaN}', "is not JSON"),
        (b"[" + b"{}," * (artifacts.MAX_JSON_VALUES // 2) + b"{}]", "holds more than 4000000 values"),
    ],
    ids=["empty", "blank", "truncated", "latin-1", "byte-order-mark", "deep", "nan", "full"],
)
def test_what_is_no_json_is_refused_with_the_file_and_the_reason(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "outcomes.json"
    path.write_bytes(content)
    with pytest.raises(ArtifactError) as refused:
        read_json(one_file(path))
    assert str(refused.value).startswith(f"outcomes.json {problem}")
    assert refused.value.code == "unreadable_artifact"


def test_a_name_that_could_steer_a_screen_is_cleaned_in_the_complaint(tmp_path: Path) -> None:
    path = tmp_path / "out\n\x1b[31mcomes\u202e.json"
    path.write_text("")
    with pytest.raises(ArtifactError) as refused:
        read_json(ArtifactFile(path, path.name, 0))
    assert str(refused.value).startswith("out [31mcomes.json is empty")


def test_a_walk_ends_after_its_share_of_entries(tmp_path: Path) -> None:
    for name in ("a/1", "a/2", "b/3"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert len(find_files(tmp_path, everything, max_entries=5)) == 3
    with pytest.raises(ArtifactError, match="is entry 5, more than a folder may hold"):
        find_files(tmp_path, everything, max_entries=4)
