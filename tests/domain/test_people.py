"""Proofs are ordered, addresses are written one way, and long ones are shown masked."""

import pytest

from domain.people import PERSON_ID, Address, AddressKind, Proof


def test_proofs_rise_and_account_is_as_good_as_session() -> None:
    order = [Proof.NONE, Proof.ADDRESS, Proof.CODE, Proof.ACCOUNT, Proof.DEVICE, Proof.LOCAL]
    ranks = [proof.rank for proof in order]
    assert ranks == sorted(set(ranks))
    assert Proof.SESSION.rank == Proof.ACCOUNT.rank
    assert {*order, Proof.SESSION} == set(Proof)


def test_an_address_is_written_as_kind_and_value() -> None:
    assert Address(AddressKind.WEB, "owner").text() == "web:owner"


@pytest.mark.parametrize(
    ("value", "shown"),
    [("+4915112345678", "sms:…5678"), ("123456789", "sms:…6789"), ("12345678", "sms:12345678"), ("", "sms:")],
)
def test_an_address_of_more_than_eight_characters_is_shown_by_its_last_four(value: str, shown: str) -> None:
    assert Address(AddressKind.SMS, value).masked() == shown


@pytest.mark.parametrize("text", ["ann", "a", "a-1", "a" * 32])
def test_a_person_id_is_short_lower_case_and_begins_with_a_letter(text: str) -> None:
    assert PERSON_ID.fullmatch(text)


@pytest.mark.parametrize("text", ["", "Ann", "1a", "-a", "a b", "a" * 33, "ann\n", "änn", "a:b"])
def test_anything_else_is_no_person_id(text: str) -> None:
    assert not PERSON_ID.fullmatch(text)
