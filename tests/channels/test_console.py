"""A console line as our message: the kernel says who wrote it."""

from datetime import timedelta

import pytest

from channels.console import address_of, console_channel, to_inbound
from domain.errors import UserError
from domain.messages import Inbound
from domain.people import Address, AddressKind, Proof
from tests.fakes.virtual_time import START

NONCE = "0123456789abcdef" * 2


def test_an_operating_system_user_is_an_address() -> None:
    assert address_of(1000) == Address(AddressKind.CONSOLE, "1000")


def test_a_line_carries_the_user_and_the_strongest_proof() -> None:
    received, sent = START + timedelta(seconds=2), str(int(START.timestamp()))
    assert to_inbound(1000, "halt", NONCE, sent, received) == Inbound(
        channel="console",
        account="socket",
        message_id=f"1000:{NONCE}",
        sender=Address(AddressKind.CONSOLE, "1000"),
        text="halt",
        proof=Proof.LOCAL,
        received_at=received,
        sent_at=START,
    )


@pytest.mark.parametrize(("nonce", "stamp"), [("", "1795359600"), (NONCE, "")])
def test_a_line_needs_nonce_and_time_stamp_as_well(nonce: str, stamp: str) -> None:
    with pytest.raises(UserError, match=r"^Reins-(Nonce|Timestamp) must be"):
        to_inbound(1000, "halt", nonce, stamp, START)


def test_the_way_back_is_called_console() -> None:
    async def append(_person: str, _key: str, _body: bytes) -> None:
        raise AssertionError("nothing is delivered here")

    assert console_channel(lambda _address: None, append).name == "console"
