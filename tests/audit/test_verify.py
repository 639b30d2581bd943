"""Verification of stored logs and exports: what passes, what is shown, and what never passes."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.anchors import Anchor, Receipt, read_receipt
from audit.export import export_lines
from audit.report import ProblemKind as Kind
from audit.report import Report
from audit.row import GENESIS, Entry, link
from audit.verify import verify, verify_export
from tests.audit.logs import ORIGIN, AuditLog, entry, make_log, seal_key, seal_rows, time_of, trust, write_rows
from tests.audit.test_row import ENTRIES

LOG = make_log(40, 10)
KEYS = trust("first")


def found(report: Report) -> tuple[Kind, int] | None:
    return (report.problem.kind, report.problem.seq) if report.problem else None


def check(log: AuditLog, anchors: Sequence[Anchor] = ()) -> Report:
    report = verify(log.stored(), log.seals, KEYS, log.origin, anchors)
    assert found(verify_export(log.lines(), KEYS, anchors)) == found(report)
    return report


def test_a_genuine_log_passes_and_the_report_says_what_was_proven() -> None:
    report = check(LOG, [read_receipt(LOG.receipt(7)), read_receipt(LOG.receipt(40)), LOG.seals[2]])
    assert report == Report(ORIGIN, 1, 40, 4, 3, link(LOG.rows[-1][1]), 0, None, None)
    assert report.ok


@settings(max_examples=40, deadline=None)
@given(st.lists(ENTRIES, min_size=1, max_size=12), st.integers(1, 5))
def test_any_log_passes_from_the_database_and_from_its_export(entries: list[Entry], every: int) -> None:
    rows = write_rows(entries)
    seals = seal_rows(rows, [*range(every, len(rows), every), len(rows)], lambda _: seal_key())
    report = check(AuditLog(tuple(rows), tuple(seals)))
    assert (report.problem, report.rows, report.head) == (None, len(rows), link(rows[-1][1]))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.binary(min_size=1, max_size=40), st.integers(0, 10_000))
def test_any_other_bytes_in_a_row_are_found_by_the_hash_beside_it(seq: int, junk: bytes, at: int) -> None:
    stored = LOG.stored()
    body = stored[seq - 1][1]
    changed = body[: at % len(body)] + junk + body[at % len(body) + 1 :]
    if changed == body:
        changed += b" "
    stored[seq - 1] = (seq, changed, stored[seq - 1][2])
    assert found(verify(stored, LOG.seals, KEYS, ORIGIN)) == (Kind.EDITED, seq)


def test_a_stored_hash_may_be_raw_or_in_hex_or_absent() -> None:
    for kept in (bytes.fromhex, str, lambda _: None):
        assert verify([(seq, body, kept(text)) for seq, body, text in LOG.stored()], LOG.seals, KEYS, ORIGIN).ok


def test_a_row_stored_under_another_number_is_found() -> None:
    stored = LOG.stored()
    stored[39] = (41, *stored[39][1:])
    assert found(verify(stored, LOG.seals[:3], KEYS, ORIGIN)) == (Kind.EDITED, 40)


def test_rows_that_changed_places_in_the_database_are_found() -> None:
    stored = LOG.stored()
    stored[4], stored[6] = (5, *stored[6][1:]), (7, *stored[4][1:])
    assert found(verify(stored, LOG.seals, KEYS, ORIGIN)) == (Kind.REORDERED, 5)


def test_the_unsealed_tail_is_shown_with_its_age_and_passes_while_it_is_short() -> None:
    report = check(AuditLog(LOG.rows[:37], LOG.seals[:3]))
    assert (report.ok, report.unsealed_rows, report.unsealed_since) == (True, 7, time_of(31))


@pytest.mark.parametrize(("good", "since"), [(35, time_of(31)), (30, None), (0, None)])
def test_a_malformed_row_in_the_tail_ends_what_was_proven_before_it(good: int, since: str | None) -> None:
    seals = LOG.seals[: min(good // 10, 3)]
    rows = list(LOG.rows[:good])
    rows.append((good + 1, LOG.rows[good][1].replace(b'"actor":', b'"actor": ')))
    head = link(rows[good - 1][1]) if good else None
    rows += write_rows([entry(good + 2)], good + 2, link(rows[-1][1]))
    report = check(AuditLog(tuple(rows), seals))
    assert (found(report), report.rows, report.head) == ((Kind.MALFORMED, good + 1), good, head)
    assert (report.first_row, report.unsealed_rows, report.unsealed_since) == (1 if good else None, good % 10, since)


@pytest.mark.parametrize("sealed_at_end", [True, False])
def test_more_rows_than_a_few_intervals_without_a_seal_are_found(sealed_at_end: bool) -> None:
    log = make_log(300, 300)
    first = seal_rows(log.rows, [43], lambda _: seal_key())
    rows, seals = log.rows, (*first, *(log.seals if sealed_at_end else ()))
    assert found(check(AuditLog(rows, seals))) == (Kind.UNSEALED, 44)
    assert check(AuditLog(rows[:299], tuple(first))).ok


def test_idle_seals_over_the_same_row_pass() -> None:
    again = seal_key().sign(ORIGIN, 40, link(LOG.rows[-1][1]), time_of(100))
    assert check(AuditLog(LOG.rows, (*LOG.seals, again))).seals == 5


def test_an_empty_log_passes_only_under_a_seal() -> None:
    seal = seal_key().sign(ORIGIN, 0, GENESIS, time_of(0))
    report = check(AuditLog((), (seal,)))
    assert (report.ok, report.rows, report.first_row, report.head) == (True, 0, None, None)
    assert found(check(AuditLog((), ()))) == (Kind.UNSEALED, 1)
    assert found(check(AuditLog((), LOG.seals))) == (Kind.TRUNCATED, 40)
    assert check(AuditLog(LOG.rows, (seal, *LOG.seals))).ok


@pytest.mark.parametrize("kept_seals", [slice(None), slice(1, None)])
def test_rows_removed_under_a_kept_seal_are_retention(kept_seals: slice) -> None:
    log = AuditLog(LOG.rows[20:], LOG.seals[kept_seals])
    report = check(log, [read_receipt(LOG.receipt(5)), read_receipt(LOG.receipt(20)), read_receipt(LOG.receipt(21))])
    assert (report.ok, report.first_row, report.rows, report.anchors) == (True, 21, 20, 2)


def test_rows_removed_at_the_front_without_their_seal_are_missing() -> None:
    assert found(check(AuditLog(LOG.rows[20:], LOG.seals[2:]))) == (Kind.MISSING, 1)
    assert found(check(AuditLog(LOG.rows[21:], LOG.seals[1:]))) == (Kind.MISSING, 21)


def test_a_receipt_for_a_row_under_a_kept_seal_still_counts() -> None:
    log = AuditLog(LOG.rows[20:], LOG.seals)
    assert found(check(log, [Receipt(20, "00000000")])) == (Kind.ROLLED_BACK, 20)


def test_a_row_in_front_of_which_its_own_seal_stands_is_out_of_order() -> None:
    lines = LOG.lines()
    assert found(verify_export([lines[0], lines[11], *lines[1:11]], KEYS)) == (Kind.REORDERED, 1)


def test_an_older_row_behind_retained_ones_is_out_of_order() -> None:
    lines = list(export_lines(LOG.rows[20:], LOG.seals[1:], ORIGIN))
    assert found(verify_export([*lines, LOG.rows[3][1] + b"\n"], KEYS)) == (Kind.REORDERED, 4)


def test_an_older_seal_behind_a_newer_one_is_a_roll_back() -> None:
    assert found(verify(LOG.stored(), LOG.seals[::-1], KEYS, ORIGIN)) == (Kind.ROLLED_BACK, 30)


def test_the_last_row_alone_behind_a_seal_is_edited_not_rewritten() -> None:
    log = AuditLog(LOG.rows[:31], (*LOG.seals[:3], *seal_rows(LOG.rows, [31], lambda _: seal_key())))
    other = write_rows([entry(31, "other")], 31, link(LOG.rows[29][1]))
    assert found(check(AuditLog((*log.rows[:30], *other), log.seals))) == (Kind.EDITED, 31)


def test_an_anchor_must_be_trusted_itself() -> None:
    mallory = seal_key("mallory").sign(ORIGIN, 40, LOG.seals[-1].head, time_of(40))
    assert found(check(LOG, [mallory])) == (Kind.WRONG_KEY, 40)
    foreign = seal_key().sign("acme/gadgets", 40, LOG.seals[-1].head, time_of(40))
    assert found(check(LOG, [foreign])) == (Kind.FOREIGN_ORIGIN, 40)


def test_a_log_under_another_name_is_foreign() -> None:
    assert found(verify(LOG.stored(), LOG.seals, KEYS, "acme/gadgets")) == (Kind.FOREIGN_ORIGIN, 10)
    report = verify_export(LOG.lines(), KEYS, origin="acme/gadgets")
    assert (found(report), report.origin) == ((Kind.FOREIGN_ORIGIN, 0), ORIGIN)
    assert verify_export(LOG.lines(), KEYS, origin=ORIGIN).ok


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        ([], Kind.TRUNCATED),
        ([b'{"reins_audit":1,"origin":"o","rows_from":1}'], Kind.TRUNCATED),
        ([b"nonsense\n"], Kind.MALFORMED),
        ([b"[]\n"], Kind.MALFORMED),
    ],
)
def test_a_file_without_a_header_never_passes(lines: list[bytes], kind: Kind) -> None:
    report = verify_export(lines, KEYS)
    assert (found(report), report.rows, report.ok) == ((kind, 0), 0, False)


def test_every_problem_says_in_a_sentence_where_it_is() -> None:
    report = verify_export(LOG.lines()[:-1], KEYS, [read_receipt(LOG.receipt(40)), LOG.seals[-1]])
    assert report.problem is not None
    assert report.problem.sentence == "the seals that are due from row 31 on are not there"
