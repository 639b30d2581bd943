"""Lines of a stream: messages, presses, what else is said, and what is passed over."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from channels.ntfy_inbound import Heard, UnusableLineError, read_line
from domain.messages import Inbound, Press
from domain.people import Address, AddressKind, Proof

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
TOKEN = "0123456789abcdef" * 2
LINE = {"id": "abcDEF123456", "time": 1_795_356_000, "event": "message", "topic": "ops-cmd", "message": "status"}
OPS = Address(AddressKind.NTFY, "ops")


def read(**changes: Any) -> Inbound | Heard:
    return read_line(orjson.dumps(LINE | changes), frozenset({"ops"}), NOW)


def test_a_typed_line_is_a_message_proven_by_its_topic_only() -> None:
    assert read() == Inbound(
        channel="ntfy",
        account="ops-cmd",
        message_id="abcDEF123456",
        sender=OPS,
        text="status",
        proof=Proof.ADDRESS,
        received_at=NOW,
        sent_at=datetime(2026, 11, 22, 14, 0, tzinfo=UTC),
        reply_to=OPS,
    )


def test_a_buttons_line_is_a_press_and_no_text() -> None:
    pressed = read(message=f"~{TOKEN}")
    assert isinstance(pressed, Inbound)
    assert (pressed.press, pressed.text, pressed.proof) == (Press(TOKEN), "", Proof.ACCOUNT)


@pytest.mark.parametrize(
    "text", [f" ~{TOKEN}", f"~{TOKEN}\n", f"~{TOKEN} ok", "~", "~short", f"~~{TOKEN}", "~" + "a" * 65]
)
def test_what_is_not_exactly_a_press_is_text_with_a_texts_proof(text: str) -> None:
    typed = read(message=text)
    assert isinstance(typed, Inbound)
    assert (typed.press, typed.text, typed.proof) == (None, text, Proof.ADDRESS)


@pytest.mark.parametrize("event", ["open", "keepalive", "message_clear", "message_delete", "poll_request"])
def test_other_events_are_no_messages(event: str) -> None:
    assert read(event=event) == Heard(event, 1_795_356_000)


@pytest.mark.parametrize("time", [None, "1795356000", True, 0, -1, 10**12, 1.5])
def test_a_time_that_is_none_stays_unknown_or_makes_a_message_unusable(time: object) -> None:
    assert read(event="open", time=time) == Heard("open", None)
    with pytest.raises(UnusableLineError, match="id or time"):
        read(time=time)


@pytest.mark.parametrize("message_id", [None, "", "a b", 7, "x" * 65])
def test_a_message_without_a_usable_id_could_act_twice_and_is_passed_over(message_id: object) -> None:
    with pytest.raises(UnusableLineError, match="id or time"):
        read(id=message_id)


@pytest.mark.parametrize("topic", ["ops", "sec-cmd", "OPS-cmd", "ops-cmd-cmd", "", None, ["ops-cmd"]])
def test_a_topic_that_is_nobodys_is_passed_over(topic: object) -> None:
    with pytest.raises(UnusableLineError, match="nobody's"):
        read(topic=topic)


@pytest.mark.parametrize("changes", [{"attachment": {"name": "a"}}, {"encoding": "base64"}, {"message": None}])
def test_a_file_is_no_command(changes: dict[str, Any]) -> None:
    with pytest.raises(UnusableLineError, match="a file, or nothing"):
        read(**changes)


@pytest.mark.parametrize("raw", [b"", b"{", b"[1]", b'"open"', b"\xff"])
def test_a_line_that_is_no_json_object_says_so_without_repeating_it(raw: bytes) -> None:
    with pytest.raises(UnusableLineError, match="it is no JSON"):
        read_line(raw, frozenset({"ops"}), NOW)
