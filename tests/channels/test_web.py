"""A page's message as ours: who wrote it comes from the session, when and under which id from two checked headers."""

from datetime import UTC, datetime, timedelta

import pytest

from channels.web import read_stamp, to_inbound, web_channel
from domain.errors import UserError
from domain.messages import Inbound
from domain.people import Address, AddressKind, Proof
from tests.fakes.virtual_time import START

NONCE = "0123456789abcdef" * 2
SENT = str(int(START.timestamp()))


def test_a_message_carries_its_sender_proof_and_times() -> None:
    received = START + timedelta(seconds=2)
    assert to_inbound("owner", "run mutation", NONCE, SENT, received) == Inbound(
        channel="web",
        account="page",
        message_id=f"owner:{NONCE}",
        sender=Address(AddressKind.WEB, "owner"),
        text="run mutation",
        proof=Proof.SESSION,
        received_at=received,
        sent_at=START,
    )


def test_the_text_stays_as_it_was_typed() -> None:
    assert to_inbound("owner", " Run\tMUTATION ", NONCE, SENT, START).text == " Run\tMUTATION "


def test_ids_of_two_people_never_meet() -> None:
    assert read_stamp("owner", NONCE, SENT)[0] != read_stamp("ann", NONCE, SENT)[0]


@pytest.mark.parametrize("nonce", ["", NONCE[1:], NONCE + "0", NONCE.upper(), "g" * 32, NONCE + "\n", "٣" * 32])
def test_a_nonce_is_32_small_hex_digits(nonce: str) -> None:
    with pytest.raises(UserError, match=r"^Reins-Nonce must be 32 hex digits"):
        read_stamp("owner", nonce, SENT)


@pytest.mark.parametrize("stamp", ["", "1", "12345678", "1" * 12, "1795359600.0", "-795359600", "٣" * 10, SENT + "\n"])
def test_a_time_stamp_is_whole_seconds(stamp: str) -> None:
    with pytest.raises(UserError, match=r"^Reins-Timestamp must be the time of sending in whole seconds"):
        read_stamp("owner", NONCE, stamp)


@pytest.mark.parametrize(
    ("stamp", "moment"),
    [
        ("100000000", datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)),
        ("99999999999", datetime(5138, 11, 16, 9, 46, 39, tzinfo=UTC)),
    ],
)
def test_every_time_stamp_of_that_shape_is_a_moment(stamp: str, moment: datetime) -> None:
    assert read_stamp("owner", NONCE, stamp)[1] == moment


def test_the_way_back_is_called_web() -> None:
    async def append(_person: str, _key: str, _body: bytes) -> None:
        raise AssertionError("nothing is delivered here")

    assert web_channel(lambda _address: None, append).name == "web"
