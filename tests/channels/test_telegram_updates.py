"""Reading one Telegram update: who said what, and everything that must give no command."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.telegram_updates import BadUpdate, Ignored, OurBot, UpdateReader
from domain.messages import Inbound, Press
from domain.people import Address, AddressKind, Proof
from tests.fakes.virtual_time import START

USER, GROUP, ANONYMOUS = 7001, -5001, 1087968824
SENT = 1_795_356_000
READER = UpdateReader(OurBot(4242, "Reins_Bot"), frozenset({GROUP}))
PRIVATE_CHAT = {"id": USER, "type": "private", "first_name": "Ann"}
GROUP_CHAT = {"id": GROUP, "type": "supergroup", "title": "Team"}
PERSON = {"id": USER, "is_bot": False, "first_name": "Ann", "username": "owner"}


def message(text: Any = "status", chat: Any = PRIVATE_CHAT, **more: Any) -> dict[str, Any]:
    body = {"message_id": 3, "date": SENT, "chat": chat, "from": PERSON, "text": text}
    return {"update_id": 9, "message": body | more}


def press(chat: Any = PRIVATE_CHAT, date: Any = SENT, **more: Any) -> dict[str, Any]:
    shown = {"message_id": 31, "date": date, "chat": chat}
    query = {"id": "q1", "from": PERSON, "chat_instance": "1", "message": shown, "data": "t0ken_-"}
    return {"update_id": 9, "callback_query": query | more}


def text_of(update: dict[str, Any]) -> str | None:
    read = READER.read(update, START)
    return read.text if isinstance(read, Inbound) else None


def test_a_private_text_becomes_our_message() -> None:
    person = Address(AddressKind.TELEGRAM, "7001")
    assert READER.read(message("run  nightly"), START) == Inbound(
        channel="telegram",
        account="4242",
        message_id="u9",
        sender=person,
        text="run  nightly",
        proof=Proof.ACCOUNT,
        received_at=START,
        sent_at=datetime.fromtimestamp(SENT, UTC),
        reply_to=person,
    )


def test_an_answer_to_a_group_goes_to_the_group_and_the_sender_stays_the_person() -> None:
    read = READER.read(message("/status", GROUP_CHAT), START)
    assert isinstance(read, Inbound)
    assert (read.sender.value, read.reply_to) == ("7001", Address(AddressKind.TELEGRAM, str(GROUP)))


@pytest.mark.parametrize(
    ("said", "chat", "text"),
    [
        ("/status", PRIVATE_CHAT, "status"),
        ("/run nightly a=/b", PRIVATE_CHAT, "run nightly a=/b"),
        ("/status@reins_bot", GROUP_CHAT, "status"),
        ("/run@Reins_Bot nightly", GROUP_CHAT, "run nightly"),
        ("/ok K7M", GROUP_CHAT, "ok K7M"),
        ("/run nightly\nsecond line", PRIVATE_CHAT, "run nightly\nsecond line"),
        ("/start", PRIVATE_CHAT, "menu"),
        ("/start AB12-CD34", PRIVATE_CHAT, "link AB12-CD34"),
        ("/start@reins_bot AB12", PRIVATE_CHAT, "link AB12"),
        ("/start AB12", GROUP_CHAT, "start AB12"),
        ("a/b", PRIVATE_CHAT, "a/b"),
        ("/", PRIVATE_CHAT, "/"),
        ("/status@other_bot", GROUP_CHAT, None),
        ("/status@other_bot", PRIVATE_CHAT, None),
        ("status", GROUP_CHAT, None),
        (" /status", GROUP_CHAT, None),
    ],
)
def test_what_is_taken_as_a_command(said: str, chat: dict[str, Any], text: str | None) -> None:
    assert text_of(message(said, chat)) == text


@pytest.mark.parametrize(
    ("update", "reason"),
    [
        (message(forward_origin={"type": "user"}), "forwarded"),
        (message(forward_date=SENT), "forwarded"),
        (message(is_automatic_forward=True), "forwarded"),
        (message(via_bot={"id": 5}), "another bot"),
        (message(sender_chat={"id": GROUP}), "name of a chat"),
        (message(business_connection_id="x"), "business"),
        (message(edit_date=SENT), "edited"),
        (message(**{"from": PERSON | {"is_bot": True}}), "not from a person"),
        (message(**{"from": {"id": ANONYMOUS, "is_bot": False}}, chat=GROUP_CHAT), "not from a person"),
        (message(**{"from": {"id": USER}}), "not from a person"),
        (message(chat={"id": USER + 1, "type": "private"}), "somebody else"),
        (message("/status", {"id": -77, "type": "group"}), "not listed"),
        (message("/status", {"id": GROUP, "type": "channel"}), "takes no commands"),
        ({"update_id": 9, "edited_message": message()["message"]}, "edited_message"),
        ({"update_id": 9, "channel_post": message()["message"]}, "channel_post"),
        ({"update_id": 9, "my_chat_member": {}}, "my_chat_member"),
        (press(inline_message_id="x"), "not in a chat"),
        (press(data="two words"), "token"),
        (press(data="é"), "token"),
        (press(data="x" * 65), "token"),
        (press(game_short_name="g", data=None), "token"),
        (press(**{"from": PERSON | {"is_bot": True}}), "not from a person"),
        (press({"id": -77, "type": "group"}), "not listed"),
    ],
)
def test_what_gives_no_command_says_why(update: dict[str, Any], reason: str) -> None:
    read = READER.read(update, START)
    assert isinstance(read, Ignored)
    assert reason in read.reason


def test_a_message_without_a_sender_or_text_gives_no_command() -> None:
    for missing, reason in (("from", "sender"), ("text", "without text")):
        update = message()
        del update["message"][missing]
        read = READER.read(update, START)
        assert isinstance(read, Ignored)
        assert reason in read.reason


def test_a_quoted_text_is_never_read() -> None:
    quoted = message("why K7M", reply_to_message=message("run nightly")["message"], quote={"text": "ok K7M"})
    assert text_of(quoted) == "why K7M"


@pytest.mark.parametrize("date", [SENT, 0], ids=["readable", "too old to be readable"])
def test_a_press_carries_its_token_its_message_and_what_answers_it(date: int) -> None:
    read = READER.read(press(GROUP_CHAT, date), START)
    assert isinstance(read, Inbound)
    assert (read.text, read.press) == ("", Press("t0ken_-", "31", "q1"))
    assert (read.sender.value, read.reply_to) == ("7001", Address(AddressKind.TELEGRAM, str(GROUP)))
    assert read.sent_at is None


@pytest.mark.parametrize(
    ("update", "field"),
    [
        ([], "update"),
        ({"message": {}}, "update_id"),
        ({"update_id": True, "message": {}}, "update_id"),
        ({"update_id": 2**60, "message": {}}, "update_id"),
        ({"update_id": 9, "message": "hi"}, "message"),
        (message(chat="here"), "chat"),
        (message(**{"from": PERSON | {"id": "7001"}}), "id"),
        (message(text=["status"]), "text"),
        (message(text="x" * 4097), "text"),
        (message(date="now"), "date"),
        (message(date=2**50), "date"),
        (press(message="here"), "message"),
        (press(id=5), "id"),
        (press(**{"from": None}), "from"),
    ],
)
def test_an_update_of_another_shape_is_bad_and_names_the_field(update: object, field: str) -> None:
    with pytest.raises(BadUpdate, match=field):
        READER.read(update, START)


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from([message(), press()]), st.data())
def test_no_update_however_damaged_raises_anything_else(update: dict[str, Any], data: st.DataObject) -> None:
    kind = next(key for key in update if key != "update_id")
    key = data.draw(st.sampled_from(sorted(update[kind])))
    damaged = update | {kind: update[kind] | {key: data.draw(json)}}
    try:
        read = READER.read(damaged, START)
    except BadUpdate:
        return
    assert isinstance(read, Inbound | Ignored)
