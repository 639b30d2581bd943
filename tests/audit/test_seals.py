"""Seals are signed checkpoints: they come back byte for byte, only their key makes them, and they fall due in time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from audit.seals import Keyring, Seal, SealKey, SealVerdict, TrustedKey, seal_due
from domain.errors import UserError
from tests.audit.logs import ORIGIN, START, seal_key, trust

SEAL = seal_key().sign(ORIGIN, 64, "ab" * 32, "2026-11-22T14:02:00.000Z")


def test_a_seal_comes_back_from_its_json_byte_for_byte() -> None:
    assert Seal.from_json(SEAL.to_json()) == SEAL
    assert SEAL.to_json().startswith(b'{"origin":"acme/widgets","size":64,"head":"abab')


def test_the_signature_is_ed25519_over_the_canonical_fields() -> None:
    # RFC 8032, 7.1, test 1 gives the public key of this seed.
    key = SealKey(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    assert key.public_hex == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert key.key_id == "21fe31dfa154a261"
    assert SEAL.signed_bytes() == (
        b'{"origin":"acme/widgets","size":64,"head":"%s","at":"2026-11-22T14:02:00.000Z","key_id":"%s"}'
        % (b"ab" * 32, seal_key().key_id.encode())
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"size":64', b'"size":-1'),
        (b'"size":64', b'"size":"64"'),
        (b'"size":64', b'"size":6.4'),
        (b'"size":64', b'"size": 64'),
        (b'"size":64', b'"Size":64'),
        (b'"size":64', b'"size":64,"extra":1'),
        (b'"head":"ab', b'"head":"AB'),
        (b'"head":"ab', b'"head":"b'),
        (b'"at":"2026-11-22T14:02:00.000Z"', b'"at":7'),
        (b'"at":"2026', b'"at":"\\u0032026'),
        (b'"origin":"acme/widgets"', b'"origin":null'),
        (b'"key_id":"', b'"key_id":"A'),
        (b'"signature":"', b'"signature":"A'),
        (b'"}', b'"} '),
        (b'"}', b'"'),
    ],
)
def test_a_seal_that_is_spelled_otherwise_is_refused(old: bytes, new: bytes) -> None:
    damaged = SEAL.to_json().replace(old, new)
    assert damaged != SEAL.to_json()
    with pytest.raises(ValueError, match=r"."):
        Seal.from_json(damaged)


def test_json_that_is_no_object_is_no_seal() -> None:
    with pytest.raises(ValueError, match="keys"):
        Seal.from_json(b"[]")


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "other"},
        {"size": 65},
        {"head": "cd" * 32},
        {"at": "2026-11-22T14:02:00.001Z"},
        {"signature": "0" * 128},
    ],
)
def test_a_changed_seal_has_no_good_signature(change: dict[str, object]) -> None:
    assert Keyring(trust("first")).check(replace(SEAL, **change)) is SealVerdict.BAD_SIGNATURE  # type: ignore[arg-type]


def test_only_trusted_keys_in_their_range_are_good() -> None:
    public = seal_key().public_hex
    assert Keyring([*trust("other"), TrustedKey(public)]).check(SEAL) is SealVerdict.GOOD
    assert Keyring([TrustedKey(public, 64, 64)]).check(SEAL) is SealVerdict.GOOD
    assert Keyring([TrustedKey(public, 65)]).check(SEAL) is SealVerdict.OUTSIDE_RANGE
    assert Keyring([TrustedKey(public, 0, 63)]).check(SEAL) is SealVerdict.OUTSIDE_RANGE
    assert Keyring(trust("other")).check(SEAL) is SealVerdict.UNKNOWN_KEY
    assert Keyring([]).check(SEAL) is SealVerdict.UNKNOWN_KEY


def test_a_key_that_is_trusted_twice_is_refused_because_one_range_would_be_lost() -> None:
    with pytest.raises(UserError, match="named twice"):
        Keyring([*trust("first"), TrustedKey(seal_key().public_hex, 0, 48)])


@pytest.mark.parametrize("text", ["", "ab", "AB" * 32, "zz" * 32, "ab" * 33])
def test_what_is_no_public_key_is_refused_with_the_mend(text: str) -> None:
    with pytest.raises(UserError, match="64 lower-case hex digits"):
        TrustedKey(text)


def test_a_seed_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SealKey(b"short")


@pytest.mark.parametrize(
    ("added", "seconds", "privileged", "due"),
    [
        (0, 0, False, False),
        (63, 59, False, False),
        (64, 0, False, True),
        (0, 60, False, True),
        (1, 0, True, True),
        (0, 0, True, False),
        (1, -1, False, True),
    ],
)
def test_a_seal_falls_due_by_rows_by_time_and_by_write_commands(
    added: int, seconds: int, privileged: bool, due: bool
) -> None:
    assert seal_due(100 + added, 100, START, START + timedelta(seconds=seconds), privileged) is due


def test_a_log_without_any_seal_is_due_at_once() -> None:
    assert seal_due(1, 0, None, START, privileged=False)
