"""`reins people authenticator`: a secret that is shown once, works in every app, and can be taken back."""

import re
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pyotp

from tests.bot.cli.command_line import CommandLine
from tests.fakes.busy_database import held_for_writing


def enrol(reins: CommandLine, person: str = "owner") -> str:
    """Enrol somebody and return the address that their app reads."""
    found = re.search(r"^otpauth://\S+$", reins.done("people", "authenticator", person, "--no-qr"), re.MULTILINE)
    assert found is not None
    return found[0]


def kept(reins: CommandLine) -> dict[str, str]:
    return dict(reins.sql("SELECT person, secret FROM authenticators"))


def test_an_app_that_scans_the_address_makes_the_codes_we_check(reins: CommandLine) -> None:
    address = enrol(reins)
    parts = urlsplit(address)
    secret = parse_qs(parts.query)["secret"][0]
    assert (parts.netloc, parts.path, parse_qs(parts.query)["issuer"]) == ("totp", "/Reins:owner", ["Reins"])
    assert kept(reins) == {"owner": secret}
    moment = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
    app = pyotp.parse_uri(address)
    assert isinstance(app, pyotp.TOTP)
    assert app.at(moment) == pyotp.TOTP(kept(reins)["owner"]).at(moment)


def test_enrolling_anew_ends_the_old_secret(reins: CommandLine) -> None:
    first = parse_qs(urlsplit(enrol(reins)).query)["secret"][0]
    second = parse_qs(urlsplit(enrol(reins)).query)["secret"][0]
    assert kept(reins) == {"owner": second}
    assert first != second
    assert len(second) == 32  # 160 bits, as RFC 4226 recommends


def test_the_code_is_drawn_unless_it_is_not_wanted(reins: CommandLine) -> None:
    assert "█" in reins.done("people", "authenticator", "owner")
    assert "█" not in reins.done("people", "authenticator", "owner", "--no-qr")


def test_removing_goes_back_to_texts_for_that_person_only(reins: CommandLine) -> None:
    reins.done("people", "add", "ann", "--name", "Ann")
    enrol(reins)
    enrol(reins, "ann")
    assert reins.done("people", "authenticator", "owner", "--remove") == "owner gets codes by text again\n"
    assert set(kept(reins)) == {"ann"}


def test_changes_are_in_the_record_without_the_secret(reins: CommandLine) -> None:
    enrol(reins)
    secret = kept(reins)["owner"]
    reins.done("people", "authenticator", "owner", "--remove")
    rows = reins.audit_rows()[2:]
    assert [(row["action"], row["target"], row["outcome"], row["evidence"]) for row in rows] == [
        ("people-authenticator", "owner", outcome, {"what": what})
        for what in ("enrolled", "removed")
        for outcome in ("intended", "done")
    ]
    assert secret not in str(rows)


def test_nobody_unknown_is_enrolled(reins: CommandLine) -> None:
    ended = reins.run("people", "authenticator", "bob")
    assert (ended.code, ended.out) == (2, "")
    assert "'bob'; known: owner" in ended.err
    assert kept(reins) == {}


def test_a_secret_that_cannot_be_recorded_is_not_shown(reins: CommandLine) -> None:
    with held_for_writing(reins.paths().database):
        ended = reins.run("people", "authenticator", "owner")
    assert (ended.code, ended.out) == (4, "")
    assert kept(reins) == {}
