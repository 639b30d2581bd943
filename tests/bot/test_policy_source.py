"""The policy in force is the file as it is now: a change counts at once, and a broken file is never papered over."""

import json
import os
from pathlib import Path

from bot.policy_source import PolicySource
from policy.loading import PolicyStatus
from tests.fakes.policies import example_policy


def write(file: Path, document: object) -> None:
    file.write_text(json.dumps(document), encoding="utf-8")


def test_a_changed_file_counts_at_once(tmp_path: Path) -> None:
    file, document = tmp_path / "policy.json", example_policy()
    write(file, document)
    source = PolicySource(file)
    first = source()
    del document["actions"]["strict"]
    write(file, document)
    assert source().version != first.version
    assert source().policy is not None
    assert "strict" not in source().policy.actions  # type: ignore[union-attr]


def test_a_file_that_is_swapped_in_counts_at_once(tmp_path: Path) -> None:
    file, other, document = tmp_path / "policy.json", tmp_path / "next.json", example_policy()
    write(file, document)
    source = PolicySource(file)
    before = source()
    document["security"]["soak_days"] = 8  # the same size, and given the same times
    write(other, document)
    times = file.stat()
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(file)
    assert source().version != before.version


def test_a_file_that_became_broken_is_broken_and_not_the_last_good_one(tmp_path: Path) -> None:
    file, document = tmp_path / "policy.json", example_policy()
    write(file, document)
    source = PolicySource(file)
    assert source().status is PolicyStatus.LOADED
    file.write_text("{", encoding="utf-8")
    assert (source().status, source().policy) == (PolicyStatus.INVALID, None)
    write(file, document | {"surprise": 1})
    assert (source().status, source().policy) == (PolicyStatus.INVALID, None)
    file.unlink()
    assert (source().status, source().policy) == (PolicyStatus.MISSING, None)
    write(file, document)
    assert source().status is PolicyStatus.LOADED


def test_a_file_that_cannot_be_read_is_no_policy(tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    write(file, example_policy())
    source = PolicySource(file)
    file.unlink()
    file.mkdir()
    assert source().policy is None


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    write(file, example_policy())
    source = PolicySource(file)
    assert source() is source()
