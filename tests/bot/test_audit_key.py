"""The audit key: made once, for the bot's eyes only, and not used when it is anything else."""

from pathlib import Path

import pytest

from bot.audit_key import make_audit_key, read_audit_key
from domain.errors import UserError
from tests.fakes.entropy import SeededEntropy


def test_a_new_key_can_be_read_by_nobody_else(tmp_path: Path) -> None:
    file = tmp_path / "audit.key"
    make_audit_key(file, SeededEntropy())
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(file.read_bytes()) == 32
    assert read_audit_key(file).key_id == read_audit_key(file).key_id


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    file = tmp_path / "audit.key"
    make_audit_key(file, SeededEntropy(1))
    before = file.read_bytes()
    with pytest.raises(FileExistsError):
        make_audit_key(file, SeededEntropy(2))
    assert file.read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o777])
def test_a_key_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "audit.key"
    make_audit_key(file, SeededEntropy())
    file.chmod(mode)
    with pytest.raises(UserError, match=f"can be read by others: chmod 600 {file}"):
        read_audit_key(file)


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_key_of_a_wrong_size_is_refused_without_showing_it(tmp_path: Path, size: int) -> None:
    file = tmp_path / "audit.key"
    file.write_bytes(b"k" * size)
    file.chmod(0o600)
    with pytest.raises(UserError, match=f"has {size} bytes, it must have 32") as refused:
        read_audit_key(file)
    assert "kk" not in str(refused.value)


def test_no_key_is_said_with_the_way_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="make one with reins init"):
        read_audit_key(tmp_path / "audit.key")
