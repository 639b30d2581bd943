"""Every way to change a log is found, named and placed, and a second verifier agrees on each."""

from collections.abc import Callable, Sequence
from random import Random

import pytest

from audit.anchors import Anchor, Receipt
from audit.report import Report
from audit.seals import TrustedKey
from audit.verify import verify_export
from tests.audit.second_verifier import find_fault
from tests.audit.tampering import TAMPERINGS, Tampered, genuine

EDITS_PER_KIND = 25
EDITS_PER_KIND_IN_CHAOS = 400  # 25 kinds make 10,000 edits


def second_opinion(lines: Sequence[bytes], keys: Sequence[TrustedKey], anchors: Sequence[Anchor]) -> int | None:
    return find_fault(
        list(lines),
        [(key.public_hex, key.from_size, 2**64 if key.until_size is None else key.until_size) for key in keys],
        [(anchor.seq, anchor.mark) for anchor in anchors if isinstance(anchor, Receipt)],
        [
            {
                "origin": a.origin,
                "size": a.size,
                "head": a.head,
                "at": a.at,
                "key_id": a.key_id,
                "signature": a.signature,
            }
            for a in anchors
            if not isinstance(a, Receipt)
        ],
    )


def judge(case: Tampered) -> Report:
    report = verify_export(case.lines, case.keys, case.anchors)
    assert second_opinion(case.lines, case.keys, case.anchors) == (report.problem.seq if report.problem else None)
    return report


@pytest.mark.parametrize("tamper", TAMPERINGS)
def test_a_tampered_log_is_found_named_and_placed(tamper: Callable[[Random], Tampered]) -> None:
    for seed in range(EDITS_PER_KIND):
        case = tamper(Random(f"{tamper.__name__} {seed}"))
        problem = judge(case).problem
        assert problem is not None, seed
        assert (problem.kind in case.kinds, problem.seq) == (True, case.seq), (seed, problem)


def test_the_genuine_log_passes_both_verifiers() -> None:
    assert judge(Tampered(genuine().lines(), frozenset(), 0)).ok


@pytest.mark.chaos
def test_ten_thousand_edits_are_all_found(capsys: pytest.CaptureFixture[str]) -> None:
    edits = named = 0
    for tamper in TAMPERINGS:
        for seed in range(EDITS_PER_KIND_IN_CHAOS):
            case = tamper(Random(f"chaos {tamper.__name__} {seed}"))
            problem = judge(case).problem
            assert problem is not None, (tamper.__name__, seed)
            edits += 1
            named += problem.kind in case.kinds and problem.seq == case.seq
    with capsys.disabled():
        print(f"\n{edits} edits of {len(TAMPERINGS)} kinds: all found, {named} named and placed right")  # noqa: T201 - the figure is the point
    assert (edits, named) == (10_000, 10_000)
