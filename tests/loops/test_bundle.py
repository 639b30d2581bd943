"""A bundle appears whole or not at all, under names of the agreed form (D42)."""

from pathlib import Path

import pytest

from domain.errors import UserError
from loops.bundle import write_bundle

DOCUMENTS = {".json": "{}\n", ".md": "# é\n", "-playbook.md": "1\n"}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_bundle_is_written_under_its_prefix_with_the_json_last(tmp_path: Path) -> None:
    written = write_bundle(tmp_path / "not" / "yet", "mutation-loop", DOCUMENTS)
    assert [path.name for path in written] == ["mutation-loop-playbook.md", "mutation-loop.md", "mutation-loop.json"]
    assert (tmp_path / "not" / "yet" / "mutation-loop.md").read_text(encoding="utf-8") == "# é\n"
    assert names(tmp_path / "not" / "yet") == ["mutation-loop-playbook.md", "mutation-loop.json", "mutation-loop.md"]


def test_a_failed_write_leaves_the_old_file_and_no_rest_d42(tmp_path: Path) -> None:
    write_bundle(tmp_path, "loop", {".md": "old\n"})
    with pytest.raises(UnicodeEncodeError):
        write_bundle(tmp_path, "loop", {".md": "new " * 100_000 + "\ud800"})
    assert (tmp_path / "loop.md").read_text() == "old\n"
    assert names(tmp_path) == ["loop.md"]


def test_a_reader_who_has_the_old_file_open_keeps_the_old_file_d42(tmp_path: Path) -> None:
    write_bundle(tmp_path, "loop", {".md": "old\n"})
    with (tmp_path / "loop.md").open() as reader:
        write_bundle(tmp_path, "loop", {".md": "new\n"})
        assert reader.read() == "old\n"
    assert (tmp_path / "loop.md").read_text() == "new\n"


def test_a_link_in_place_of_a_document_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("kept")
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "loop.md").symlink_to(outside)
    write_bundle(tmp_path / "bundle", "loop", {".md": "new\n"})
    assert outside.read_text() == "kept"
    assert not (tmp_path / "bundle" / "loop.md").is_symlink()


@pytest.mark.parametrize("prefix", ["", "../up", "a/b", ".hidden", "-dash", "a" * 181, "a\n", "loop.md"])
def test_a_prefix_that_could_lead_elsewhere_is_refused(tmp_path: Path, prefix: str) -> None:
    with pytest.raises(UserError, match="bundle prefix"):
        write_bundle(tmp_path, prefix, DOCUMENTS)
    assert names(tmp_path) == []


@pytest.mark.parametrize("suffix", ["", ".sh", "/../x.md", "-a-b.md", ".md\n"])
def test_a_suffix_of_another_form_is_refused(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(UserError, match="bundle suffix"):
        write_bundle(tmp_path, "loop", {suffix: ""})
    assert names(tmp_path) == []
