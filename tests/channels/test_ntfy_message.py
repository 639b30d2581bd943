"""What is published for a notice: sizes, buttons, and what may not be in them."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.marks import reference
from channels.ntfy_actions import offered
from channels.ntfy_message import Composed, Draft, compose, needs_tokens
from channels.ntfy_settings import ButtonMode, NtfySettings
from channels.ntfy_text import MAX_PUSHED_BYTES, fit
from domain.notices import Choice, ChoiceStyle, Notice, NoticeKind
from tests.fakes.providers.ntfy_rules import new_message

APPROVE = Choice("Approve", "ok 3K", ChoiceStyle.APPROVE)
DENY = Choice("Deny", "no 3K", ChoiceStyle.DENY)
MENU = Choice("menu", "menu")
TOKENS = ("a" * 32, "b" * 32)


def settings(actions: ButtonMode = "hook", command_token: str | None = "tk_write") -> NtfySettings:
    return NtfySettings("https://ntfy.example", "https://reins.example", "tk_secret", command_token, actions)


def composed(text: str, actions: ButtonMode = "hook", ending: str = "", **fields: str) -> Composed:
    asked = Notice("key", NoticeKind.APPROVAL_REQUEST, text, choices=(APPROVE, DENY), **fields)  # type: ignore[arg-type]
    tokens = () if actions == "none" else TOKENS
    return compose(Draft("ops", asked, "seq", tokens, "", ending), settings(actions))


def labels(made: Composed) -> list[str]:
    actions = made.document["actions"]
    assert isinstance(actions, list)
    return [action["label"] for action in actions]


def test_hook_buttons_post_their_token_to_us_and_hold_no_other_secret() -> None:
    made = composed("may it?")
    assert made.tokens == TOKENS
    assert made.document["actions"] == [
        {
            "action": "http",
            "label": "Approve",
            "url": "https://reins.example/hooks/ntfy/act",
            "method": "POST",
            "headers": {"Content-Type": "application/json"},
            "body": '{"token":"' + "a" * 32 + '"}',
            "clear": True,
        },
        {
            "action": "http",
            "label": "Deny",
            "url": "https://reins.example/hooks/ntfy/act",
            "method": "POST",
            "headers": {"Content-Type": "application/json"},
            "body": '{"token":"' + "b" * 32 + '"}',
            "clear": True,
        },
        {"action": "view", "label": "Open", "url": "https://reins.example"},
    ]


@pytest.mark.parametrize("command_token", ["tk_write", None])
def test_topic_buttons_publish_their_token_with_the_write_only_token(command_token: str | None) -> None:
    asked = Notice("key", NoticeKind.APPROVAL_REQUEST, "may it?", choices=(DENY,))
    made = compose(Draft("ops", asked, None, TOKENS[:1], "", ""), settings("topic", command_token))
    actions = made.document["actions"]
    assert isinstance(actions, list)
    assert (actions[0]["url"], actions[0]["body"]) == ("https://ntfy.example/ops-cmd", "~" + "a" * 32)
    expected = {"Content-Type": "text/plain"} | ({"Authorization": "Bearer tk_write"} if command_token else {})
    assert actions[0]["headers"] == expected


@pytest.mark.parametrize("mode", ["hook", "topic", "none"])
def test_our_own_token_is_in_nothing_that_is_published(mode: ButtonMode) -> None:
    assert b"tk_secret" not in orjson.dumps(composed("may it?", mode).document)


def test_without_buttons_that_press_there_is_a_way_to_the_page() -> None:
    made = composed("may it?", "none")
    assert (labels(made), made.tokens) == (["Open"], ())
    assert not needs_tokens(Notice("k", NoticeKind.REPLY, "t", choices=(MENU,)), settings("none"))


@pytest.mark.parametrize(
    ("choices", "cut", "shown"),
    [
        ((DENY, APPROVE), False, (APPROVE, DENY)),
        ((APPROVE, DENY), True, (DENY,)),
        ((APPROVE, APPROVE, DENY), False, (DENY,)),
        ((MENU, DENY, APPROVE), False, (APPROVE, DENY)),
        ((MENU, MENU, MENU), False, (MENU, MENU)),
        ((APPROVE,), True, ()),
        ((), False, ()),
    ],
)
def test_two_buttons_at_most_and_approving_only_by_one_that_can_be_read(
    choices: tuple[Choice, ...], cut: bool, shown: tuple[Choice, ...]
) -> None:
    assert offered(choices, cut=cut) == shown


def test_a_text_that_had_to_be_cut_offers_no_approval_and_says_where_to_decide() -> None:
    made = composed("x" * 5000, ending=" #ABCD")
    assert labels(made) == ["Deny", "Open"]
    assert made.tokens == TOKENS[1:]
    assert str(made.document["message"]).endswith("…\nThis text is cut. Decide at https://reins.example #ABCD")


def test_a_cut_text_that_asks_for_nothing_says_nothing_of_deciding() -> None:
    made = compose(Draft("ops", Notice("key", NoticeKind.FINAL, "x" * 5000), None, (), "", ""), settings())
    assert str(made.document["message"]).endswith("x…")


def test_the_receipt_is_a_line_of_its_own_that_is_never_cut() -> None:
    made = composed("x" * 5000, ending=" #ABCD", receipt="audit 7·85EY8JK0")
    assert str(made.document["message"]).endswith("at https://reins.example\naudit 7·85EY8JK0 #ABCD")
    assert composed("done", receipt="audit 7·85EY8JK0").document["message"] == "done\naudit 7·85EY8JK0"


def test_an_icon_is_named_only_where_phones_can_fetch_it() -> None:
    secure, plain = settings(), NtfySettings("https://ntfy.example", "http://127.0.0.1:8710")
    draft = Draft("ops", Notice("key", NoticeKind.REPLY, "hi"), None, (), "", "")
    assert compose(draft, secure).document["icon"] == "https://reins.example/icon.svg"
    assert "icon" not in compose(draft, plain).document


def test_a_sequence_is_named_only_where_there_is_one() -> None:
    assert composed("t").document["sequence_id"] == "seq"
    draft = Draft("ops", Notice("key", NoticeKind.REPLY, "hi"), None, (), "", "")
    assert "sequence_id" not in compose(draft, settings()).document


@given(st.text(max_size=4000), st.text(max_size=300))
def test_whatever_the_text_it_is_pushed_whole_or_cut_by_us_and_never_becomes_an_attachment(
    text: str, place: str
) -> None:
    made = composed(text, ending=" #ABCD", repository=place)
    message, title = made.document["message"], made.document["title"]
    assert isinstance(message, str)
    assert isinstance(title, str)
    pushed = len(message.encode()) + len(title.encode()) + len(orjson.dumps(made.document["actions"]))
    assert pushed <= MAX_PUSHED_BYTES
    assert message.endswith(" #ABCD")
    assert not any(ord(c) < 32 and c != "\n" for c in message + title)
    kept = new_message(orjson.loads(orjson.dumps(made.document)), 0, (2, 17), attachments=False)
    assert kept["message"] == message
    assert ("Approve" in labels(made)) is ("This text is cut." not in message or "This text is cut." in text)


def test_a_cut_never_leaves_half_a_character() -> None:
    assert fit("äöü", 6).text == "äöü"
    assert fit("äöü€", 8).text == "äö…"
    assert fit("äöü€", 8).cut
    assert fit("ab", 0, " #ABCD").text == "… #ABCD"


def test_lines_stay_and_what_steers_a_screen_goes() -> None:
    assert fit("one\x07\r\n\ttwo \u202ethree\n\n", 100).text == "one\ntwo three"


def test_a_reference_is_short_and_follows_from_the_key() -> None:
    assert reference("RUN:final:1") == reference("RUN:final:1")
    assert reference("RUN:final:1") != reference("RUN:final:2")
    assert len(reference("x")) == 6
