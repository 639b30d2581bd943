"""Rows are canonical bytes: what was said comes back, and nothing that has two spellings goes in."""

import json
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.row import GENESIS, KEYS, MAX_EVIDENCE_DEPTH, Entry, NotCanonicalError, decode, encode, link, mark, receipt
from domain.people import Proof
from tests.audit.logs import entry

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXTS
EVIDENCE = st.dictionaries(
    TEXTS, st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))
)
ENTRIES = st.builds(Entry, TEXTS, *([st.none() | TEXTS] * 13), EVIDENCE)
GOOD = encode(entry(7), 7, GENESIS)


def nested(levels: int) -> dict[str, Any]:
    return {"in": nested(levels - 1)} if levels else {}


@settings(deadline=None)
@given(ENTRIES, st.integers(1, 2**63))
def test_what_was_said_comes_back_in_the_fixed_order_on_one_line(said: Entry, seq: int) -> None:
    body = encode(said, seq, "ab" * 32)
    row = decode(body)
    assert tuple(row) == KEYS
    assert row == {"seq": seq, "prev": "ab" * 32, **{key: getattr(said, key) for key in KEYS[2:]}}
    assert b"\n" not in body


@settings(deadline=None)
@given(ENTRIES)
def test_two_json_writers_spell_a_row_the_same(said: Entry) -> None:
    body = encode(said, 1, GENESIS)
    assert json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":")).encode() == body


def test_an_enumeration_is_written_by_its_value() -> None:
    said = replace(entry(), proof=Proof.DEVICE, evidence=MappingProxyType({"proofs": [Proof.CODE], "pair": ("a", 1)}))
    row = decode(encode(said, 1, GENESIS))
    assert (row["proof"], row["evidence"]) == ("device", {"proofs": ["code"], "pair": ["a", 1]})


@pytest.mark.parametrize(
    "value", [0.5, float("nan"), b"raw", {1, 2}, 2**64, "\ud800", {7: "x"}, nested(MAX_EVIDENCE_DEPTH)]
)
@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: [value], lambda value: {"deep": [value]}])
def test_evidence_without_a_single_spelling_is_refused(value: object, wrap: Any) -> None:
    with pytest.raises(NotCanonicalError):
        encode(entry(facts=wrap(value)), 1, GENESIS)


def test_evidence_may_be_nested_up_to_the_cap() -> None:
    assert decode(encode(replace(entry(), evidence=nested(MAX_EVIDENCE_DEPTH)), 1, GENESIS))["seq"] == 1


@pytest.mark.parametrize("value", [7, 0.5, True, b"raw", ["x"]])
def test_a_field_that_is_no_text_is_refused_by_name(value: Any) -> None:
    with pytest.raises(NotCanonicalError, match="audit field digest holds a"):
        encode(replace(entry(), digest=value), 1, GENESIS)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'{"seq":7', b'{"seq":0'),
        (b'{"seq":7', b'{"seq":true'),
        (b'{"seq":7', b'{"seq":"7"'),
        (b'{"seq":7', b'{"seq":7.0'),
        (b'"prev":"' + b"0" * 64 + b'"', b'"prev":null'),
        (b'"at":"2026-11-22T14:02:07.000Z"', b'"at":null'),
        (b'"actor":"owner"', b'"actor":7'),
        (b'"actor":"owner"', b'"Actor":"owner"'),
        (b'"actor":"owner",', b""),
        (b'"actor":"owner"', b'"actor":"owner","actor":"owner"'),
        (b'"actor":"owner"', b'"actor": "owner"'),
        (b'"actor":"owner"', b'"actor":"\\u006fwner"'),
        (b'"actor":"owner"', b'"actor":"\xff"'),
        (b'"evidence":{}', b'"evidence":[]'),
        (b'"evidence":{}', b'"evidence":null'),
        (b'"evidence":{}', b'"evidence":{"ratio":0.5}'),
        (b'"evidence":{}', b'"evidence":{"big":18446744073709551616}'),
        (b'"evidence":{}', b'"evidence":{"minus":-0}'),
        (b'"evidence":{}', b'"evidence":{},"extra":1'),
        (b'"evidence":{}}', b'"evidence":{}} '),
        (b'"evidence":{}}', b'"evidence":{}'),
    ],
)
def test_bytes_that_encode_would_not_write_are_refused(old: bytes, new: bytes) -> None:
    damaged = GOOD.replace(old, new)
    assert damaged != GOOD
    with pytest.raises(ValueError, match=r"."):
        decode(damaged)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"7", b'"row"'])
def test_json_that_is_no_object_is_no_row(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(body)


def test_a_row_is_named_by_the_hash_of_its_bytes() -> None:
    assert link(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_receipt_shows_number_and_the_first_forty_bits() -> None:
    assert receipt(1241, "0123456789" + "f" * 54) == "audit 1241·04HMASW9"
    assert mark("ffffffffff" + "0" * 54) == "ZZZZZZZZ"
