"""`reins doctor`: each part that can be wrong is found, named, and comes with a mend."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from audit.report import Report
from audit.row import GENESIS
from bot.cli.checks.finding import Finding, Level
from bot.cli.checks.machine import check_address, check_disk, check_running, check_versions, judge_disk
from bot.cli.checks.record import judge_audit
from bot.home import Home
from bot.settings import Settings
from domain.clock import to_text
from tests.bot.cli.command_line import CommandLine

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)


def findings(reins: CommandLine) -> list[Finding]:
    document = json.loads(reins.run("doctor", "--json").out)
    return [Finding(Level(one["level"]), one["part"], one["what"], one["mend"]) for one in document["findings"]]


def worst(reins: CommandLine, part: str) -> Finding:
    found = [finding for finding in findings(reins) if finding.part == part]
    return max(found, key=lambda finding: list(Level).index(finding.level))


def test_a_fresh_installation_has_nothing_to_mend(reins: CommandLine) -> None:
    found = findings(reins)
    parts = {finding.part for finding in found}
    assert parts >= {
        "versions",
        "state folder",
        "disk",
        "policy",
        "people",
        "store",
        "audit",
        "clock",
        "mode",
        "outbox",
    }
    assert parts >= {"artifacts", "address", "bot"}
    assert [finding for finding in found if finding.level is Level.FAIL] == []
    assert all(finding.mend for finding in found if finding.level is not Level.OK)
    assert reins.run("doctor").code == 0


def test_lines_name_level_part_and_mend(reins: CommandLine) -> None:
    reins.paths().policy_file.write_text("{")
    ended = reins.run("doctor")
    assert ended.code == 3
    assert "FAIL  policy: policy_invalid" in ended.out
    assert "      mend: " in ended.out


def test_json_says_whether_all_is_well(reins: CommandLine) -> None:
    assert json.loads(reins.done("doctor", "--json"))["ok"] is True
    reins.paths().policy_file.unlink()
    ended = reins.run("doctor", "--json")
    assert (ended.code, json.loads(ended.out)["ok"]) == (3, False)


def test_before_init_it_says_so_and_goes_on(bare: CommandLine) -> None:
    assert worst(bare, "state folder").level is Level.FAIL
    assert "reins init" in worst(bare, "store").what
    assert worst(bare, "bot").level is Level.WARN
    assert not bare.home.exists()


def test_settings_that_cannot_be_used_are_a_finding(reins: CommandLine) -> None:
    reins.set("REINS_HOST", "0.0.0.0")
    ended = reins.run("doctor")
    assert ended.code == 3
    assert "FAIL  settings" in ended.out
    assert "public_url" in ended.out


def test_a_folder_others_may_read_is_seen(reins: CommandLine) -> None:
    reins.home.chmod(0o755)
    assert worst(reins, "state folder").level is Level.WARN
    reins.paths().people_file.chmod(0o644)
    assert worst(reins, "state folder") == Finding(
        Level.FAIL, "state folder", "people.json: others may read it", f"chmod 600 {reins.paths().people_file}"
    )


def test_a_damaged_people_file_is_seen(reins: CommandLine) -> None:
    reins.paths().people_file.write_text("[")
    assert worst(reins, "people").level is Level.FAIL


def test_nobody_to_approve_is_seen(reins: CommandLine) -> None:
    reins.done("people", "role", "owner", "viewer")
    assert "nobody may approve" in worst(reins, "people").what
    reins.done("people", "remove", "owner")
    assert "nobody is enrolled" in worst(reins, "people").what


def test_a_role_that_means_nothing_is_seen(reins: CommandLine) -> None:
    reins.done("people", "add", "ann", "--name", "Ann", "--role", "operatr")
    assert worst(reins, "people").level is Level.WARN
    assert "operatr" in worst(reins, "people").what


def test_a_policy_nobody_can_read_is_seen(reins: CommandLine) -> None:
    reins.paths().policy_file.unlink()
    reins.paths().policy_file.mkdir()
    assert "cannot be read" in worst(reins, "policy").what


def test_an_edited_audit_row_is_seen(reins: CommandLine) -> None:
    reins.sql("UPDATE audit SET hash = ? WHERE seq = 1", GENESIS)
    assert "row 1, edited" in worst(reins, "audit").what


@pytest.mark.parametrize("damage", ["lost", "open"])
def test_an_audit_key_that_is_lost_or_open_to_others_is_seen(reins: CommandLine, damage: str) -> None:
    key = reins.paths().audit_key_file
    key.unlink() if damage == "lost" else key.chmod(0o644)
    assert worst(reins, "audit").level is Level.FAIL


def test_a_database_that_is_none_is_a_finding_and_the_other_checks_go_on(reins: CommandLine) -> None:
    reins.paths().database.write_bytes(b"this is no database, it only has its name" * 100)
    assert "DatabaseError" in worst(reins, "store").what
    assert worst(reins, "artifacts").level is Level.OK


def test_a_clock_before_the_newest_row_is_seen(reins: CommandLine) -> None:
    row = reins.audit_rows()[-1]
    future = json.dumps({**row, "seq": 3, "at": "2999-01-01T00:00:00.000Z"}).encode()
    reins.sql("INSERT INTO audit (seq, body, hash) VALUES (3, ?, ?)", future, GENESIS)
    assert worst(reins, "clock").level is Level.FAIL


def test_a_log_without_rows_has_nothing_to_hold_the_clock_against(bare: CommandLine) -> None:
    bare.done("migrate")
    assert worst(bare, "clock").level is Level.OK


def test_whatever_holds_the_mode_is_named(reins: CommandLine) -> None:
    reins.set("AUTONOMY_MODE", "off")
    assert "AUTONOMY_MODE in the environment" in worst(reins, "mode").what
    assert worst(reins, "mode").level is Level.WARN
    reins.paths().halt_file.touch()
    assert str(reins.paths().halt_file) in worst(reins, "mode").mend


@pytest.mark.parametrize(("age_seconds", "level"), [(10, Level.OK), (90, Level.WARN), (3600, Level.FAIL)])
def test_effects_that_do_not_go_out_are_seen(reins: CommandLine, age_seconds: int, level: Level) -> None:
    made = to_text(datetime.now(UTC) - timedelta(seconds=age_seconds))
    reins.sql(
        "INSERT INTO outbox (key, kind, body, state, made_at, due_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        *("k", "deliver", b"{}", "pending", made, made, made),
    )
    assert worst(reins, "outbox").level is level
    assert "1 effects wait" in worst(reins, "outbox").what


def test_missing_artifact_folders_are_seen(reins: CommandLine) -> None:
    reins.set("REINS_MUTATION_ARTIFACTS", str(reins.folder / "nowhere"))
    assert "REINS_MUTATION_ARTIFACTS" in worst(reins, "artifacts").mend


@pytest.mark.parametrize(
    ("since_seconds", "level"), [(None, Level.OK), (60, Level.OK), (180, Level.OK), (181, Level.WARN)]
)
def test_rows_that_stay_unsealed_are_seen(since_seconds: int | None, level: Level) -> None:
    since = None if since_seconds is None else to_text(NOW - timedelta(seconds=since_seconds))
    report = Report("reins", 1, 3, 1, 0, GENESIS, 2, since, None)
    assert judge_audit(report, NOW).level is level


@pytest.mark.parametrize(
    ("version", "level"),
    [
        ((3, 6, 23), Level.OK),
        ((3, 7, 0), Level.WARN),
        ((3, 40, 1), Level.WARN),
        ((3, 51, 2), Level.WARN),
        ((3, 51, 3), Level.OK),
    ],
)
def test_sqlite_versions_with_the_wal_reset_defect_are_warned_of(version: tuple[int, int, int], level: Level) -> None:
    finding = check_versions(version)
    assert finding.level is level
    assert ".".join(map(str, version)) in finding.what


def test_the_version_of_this_machine_is_looked_at_unless_told() -> None:
    assert "SQLite 3." in check_versions().what


@pytest.mark.parametrize(
    ("free_mib", "level"), [(1024, Level.OK), (1023, Level.WARN), (64, Level.WARN), (63, Level.FAIL), (0, Level.FAIL)]
)
def test_a_disk_that_fills_up_is_seen(free_mib: int, level: Level) -> None:
    assert judge_disk(free_mib * 1024 * 1024).level is level


def test_a_disk_nobody_can_ask_is_no_disk_with_room(tmp_path: Path) -> None:
    assert check_disk(Home.of(Settings(home=tmp_path / "nowhere"))).level is Level.FAIL
    assert "MiB free" in check_disk(Home.of(Settings(home=tmp_path))).what


@pytest.mark.parametrize(
    ("public_url", "this_machine_only"),
    [(None, True), ("http://localhost:9", True), ("https://reins.test", False)],
)
def test_an_address_that_phones_cannot_open_is_told_as_such(public_url: str | None, this_machine_only: bool) -> None:
    finding = check_address(Settings(public_url=public_url))
    assert (finding.level, "this machine only" in finding.what) == (Level.OK, this_machine_only)


@contextmanager
def something_answers(status: int, body: bytes) -> Iterator[Settings]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/v1/health"
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Settings(port=server.server_port)
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "body", "level", "word"),
    [
        (200, b'{"status": "ok"}', Level.OK, "runs"),
        (503, b'{"status": "degraded", "recording": false}', Level.FAIL, "recording: False"),
        (200, b"<html>", Level.FAIL, "something else"),
        (404, b"[]", Level.FAIL, "something else"),
    ],
)
def test_the_bot_is_asked_how_it_is(status: int, body: bytes, level: Level, word: str) -> None:
    with something_answers(status, body) as settings:
        finding = check_running(settings)
    assert finding.level is level
    assert word in finding.what


def test_a_bot_that_does_not_run_is_a_warning() -> None:
    with something_answers(200, b"") as settings:
        pass
    finding = check_running(settings)
    assert finding.level is Level.WARN
    assert "reins serve" in finding.mend
