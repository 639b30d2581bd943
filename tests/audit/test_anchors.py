"""Receipts are read as people copy them from a phone."""

import pytest

from audit.anchors import Receipt, read_receipt
from domain.errors import UserError


@pytest.mark.parametrize(
    "text", ["audit 1241·7F3C9K2M", "AUDIT 1241.7f3c9k2m", " 1241·7F3C9K2M ", "1241 7F3C9K2M", "audit  1241-7f3c9k2m"]
)
def test_a_receipt_is_read_however_it_was_copied(text: str) -> None:
    assert read_receipt(text) == Receipt(1241, "7F3C9K2M")


def test_characters_that_people_misread_are_forgiven() -> None:
    assert read_receipt("audit 7·oiL10000") == Receipt(7, "01110000")


@pytest.mark.parametrize(
    "text", ["", "audit", "audit 1241", "1241·7F3C9K2", "0·7F3C9K2M", "1241·7F3C9K2MM", "x 1241·7F3C9K2M"]
)
def test_what_is_no_receipt_is_refused_with_the_mend(text: str) -> None:
    with pytest.raises(UserError, match="copy it from the phone whole"):
        read_receipt(text)
