"""Flipped bits and cut files: every one is found, and both verifiers agree where."""

import os
from collections.abc import Iterator
from io import BytesIO
from random import Random

import pytest

from audit.verify import verify_export
from tests.audit.logs import AuditLog, make_log, trust
from tests.audit.tampering import genuine
from tests.audit.test_tampering import second_opinion

KEYS = trust("first")
FULL_SWEEP = os.environ.get("REINS_FULL_SWEEP") == "1"  # every bit of the big log: some minutes


def flips(data: bytes, every_bit: bool) -> Iterator[bytes]:
    random = Random(len(data))
    for at in range(len(data)):
        for bit in range(8) if every_bit else (random.randrange(8),):
            yield data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def agree_on(damaged: bytes, log: AuditLog) -> None:
    lines, anchors = list(BytesIO(damaged)), [log.seals[-1]]
    problem = verify_export(lines, KEYS, anchors).problem
    assert problem is not None, damaged
    assert second_opinion(lines, KEYS, anchors) == problem.seq, damaged


def test_a_flipped_bit_in_any_byte_is_found() -> None:
    log = make_log(2, 2)
    for damaged in flips(b"".join(log.lines()), every_bit=False):
        agree_on(damaged, log)


@pytest.mark.chaos
def test_every_flipped_bit_of_a_small_log_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    log = make_log(5, 3)
    data = b"".join(log.lines())
    for damaged in flips(data, every_bit=True):
        agree_on(damaged, log)
    with capsys.disabled():
        print(f"\n{8 * len(data)} flipped bits in {len(data)} bytes: all found, both verifiers agree on the place")  # noqa: T201 - the figure is the point


@pytest.mark.chaos
def test_a_flipped_bit_in_any_byte_of_a_big_log_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    log = make_log(50, 25, reason="x" * 600)
    data = b"".join(log.lines())
    assert len(data) >= 50_000
    for damaged in flips(data, FULL_SWEEP):
        assert verify_export(BytesIO(damaged), KEYS).problem is not None, damaged
    with capsys.disabled():
        print(f"\n{len(data) * (8 if FULL_SWEEP else 1)} flipped bits in {len(data)} bytes: all found")  # noqa: T201 - the figure is the point


def test_a_file_cut_at_any_byte_is_found() -> None:
    log = make_log(5, 3)
    data = b"".join(log.lines())
    for size in range(len(data)):
        agree_on(data[:size], log)


def test_a_file_cut_behind_any_line_is_found() -> None:
    lines = genuine().lines()
    for count in range(len(lines)):
        agree_on(b"".join(lines[:count]), genuine())
