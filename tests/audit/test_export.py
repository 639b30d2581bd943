"""An export is the rows' exact bytes, each seal right behind the row it covers."""

import json

from audit.export import export_lines
from tests.audit.logs import ORIGIN, make_log, seal_key


def test_an_export_is_header_rows_and_seals_in_order() -> None:
    log = make_log(5, 2)
    lines = log.lines()
    assert lines[0] == b'{"reins_audit":1,"origin":"acme/widgets","rows_from":1}\n'
    assert [line[:8] for line in lines[1:]] == [
        b'{"seq":1',
        b'{"seq":2',
        b'{"seal":',
        b'{"seq":3',
        b'{"seq":4',
        b'{"seal":',
        b'{"seq":5',
        b'{"seal":',
    ]
    assert [line for line in lines if line.startswith(b'{"seq"')] == [body + b"\n" for _, body in log.rows]
    assert [json.loads(line)["seal"]["size"] for line in lines if line.startswith(b'{"seal"')] == [2, 4, 5]


def test_an_export_after_retention_says_where_rows_begin_and_keeps_the_seals_before() -> None:
    log = make_log(6, 2)
    lines = list(export_lines(log.rows[4:], log.seals, ORIGIN))
    assert json.loads(lines[0])["rows_from"] == 5
    assert [next(iter(json.loads(line))) for line in lines[1:]] == ["seal", "seal", "seq", "seq", "seal"]


def test_an_export_of_an_empty_log_is_its_header_and_its_seals() -> None:
    seal = seal_key().sign(ORIGIN, 0, "0" * 64, "2026-11-22T14:02:00.000Z")
    assert len(list(export_lines([], [], ORIGIN))) == 1
    assert len(list(export_lines([], [seal], ORIGIN))) == 2
