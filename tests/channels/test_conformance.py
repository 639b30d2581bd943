"""The published descriptions of Twilio and Telegram are read as they are meant: right documents pass, wrong ones are named."""

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.providers.conformance import FOLDER, Conformance, NotConformant, conformance_for
from tests.fakes.providers.ledger import Accepted, Ledger

described = [
    pytest.mark.conformance,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="REINS_CONFORMANCE_DIR names no folder of published descriptions"),
]
ACCOUNT = "AC" + "a" * 32
MESSAGE: dict[str, Any] = {
    "account_sid": ACCOUNT,
    "api_version": "2010-04-01",
    "body": "Hello",
    "date_created": "Thu, 24 Aug 2023 05:01:45 +0000",
    "date_sent": None,
    "date_updated": "Thu, 24 Aug 2023 05:01:45 +0000",
    "direction": "outbound-api",
    "error_code": None,
    "error_message": None,
    "from": "+14155552345",
    "messaging_service_sid": None,
    "num_media": "0",
    "num_segments": "1",
    "price": None,
    "price_unit": None,
    "sid": "SM" + "a" * 32,
    "status": "queued",
    "subresource_uris": {"media": "/Media.json"},
    "to": "+14155552345",
    "uri": "/Messages.json",
}
SEND = {"AccountSid": ACCOUNT, "To": "+41790000001", "Body": "hi", "ValidityPeriod": "600"}


def refusal(check: Any, operation: str, document: object) -> str:
    with pytest.raises(NotConformant) as refused:
        check(operation, document)
    return str(refused.value)


@pytest.mark.parametrize("provider", ["twilio", "telegram"])
def test_rules_that_are_absent_check_nothing_and_say_so(provider: Any, tmp_path: Path) -> None:
    rules = conformance_for(provider, tmp_path)
    rules.request("anything", {"at": "all"})
    rules.answer("anything", None)
    assert not rules.checked


class TestTwilio:
    pytestmark = described

    @pytest.fixture
    def rules(self) -> Conformance:
        return conformance_for("twilio")

    def test_what_twilio_shows_in_its_examples_passes(self, rules: Conformance) -> None:
        rules.request("CreateMessage", SEND)
        rules.answer("CreateMessage", MESSAGE)
        rules.request("FetchMessage", {"AccountSid": ACCOUNT, "Sid": "SM" + "f" * 32})
        rules.request("ListMessage", {"AccountSid": ACCOUNT, "To": "+1", "DateSent": "2026-11-22", "PageSize": "50"})
        assert rules.checked

    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            ({"SmartEncode": "true"}, "'SmartEncode' was unexpected"),
            ({"ValidityPeriod": "ten"}, "$.ValidityPeriod: 'ten' is not of type 'integer'"),
            ({"AccountSid": "AC1"}, "$.AccountSid"),
            ({"RiskCheck": "off"}, "$.RiskCheck: 'off' is not one of"),
        ],
    )
    def test_a_wrong_request_is_named(self, rules: Conformance, change: dict[str, str], complaint: str) -> None:
        message = refusal(rules.request, "CreateMessage", SEND | change)
        assert message.startswith("CreateMessage request at $")
        assert complaint in message

    def test_a_request_without_its_receiver_is_named(self, rules: Conformance) -> None:
        fields = {name: value for name, value in SEND.items() if name != "To"}
        assert "'To' is a required property" in refusal(rules.request, "CreateMessage", fields)

    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            ({"sid": "XX1"}, "$.sid"),
            ({"status": "gone"}, "$.status"),
            ({"num_segments": 1}, "$.num_segments"),
            ({"date_created": "2026-11-22T14:00:00Z"}, "$.date_created"),
            ({"invented": 1}, "'invented' was unexpected"),
        ],
    )
    def test_a_wrong_answer_is_named(self, rules: Conformance, change: dict[str, object], complaint: str) -> None:
        message = refusal(rules.answer, "CreateMessage", MESSAGE | change)
        assert message.startswith("CreateMessage answer at $")
        assert complaint in message

    def test_an_answer_holds_every_field_that_twilio_always_gives(self, rules: Conformance) -> None:
        document = {name: value for name, value in MESSAGE.items() if name != "error_code"}
        assert "'error_code' is a required property" in refusal(rules.answer, "CreateMessage", document)

    def test_an_operation_nobody_described_is_refused(self, rules: Conformance) -> None:
        assert "no such operation" in refusal(rules.request, "CreateCall", {})


class TestTelegram:
    pytestmark = described

    @pytest.fixture
    def rules(self) -> Conformance:
        return conformance_for("telegram")

    def test_a_message_with_a_button_passes_as_json_and_as_a_form(self, rules: Conformance) -> None:
        button = {"text": "Deny", "callback_data": "x"}
        rules.request("sendMessage", {"chat_id": 7, "text": "7", "reply_markup": {"inline_keyboard": [[button]]}})
        markup = '{"inline_keyboard":[[{"text":"Deny","callback_data":"x"}]]}'
        rules.request(
            "sendMessage", {"chat_id": "7", "text": "7", "disable_notification": "true", "reply_markup": markup}
        )
        assert rules.checked

    @pytest.mark.parametrize(
        ("fields", "complaint"),
        [
            ({"chat_id": 7}, "missing ['text']"),
            ({"chat_id": 7, "text": "a", "silent": True}, "unknown ['silent']"),
            ({"chat_id": True, "text": "a"}, "$.chat_id: True is no String"),
            ({"chat_id": 7, "text": 8}, "$.text: 8 is no String"),
            ({"chat_id": 7, "text": "a", "disable_notification": "perhaps"}, "$.disable_notification"),
            (
                {"chat_id": 7, "text": "a", "reply_markup": {"inline_keyboard": [[{}]]}},
                "$.reply_markup.inline_keyboard[0][0]: missing ['text']",
            ),
            ({"chat_id": 7, "text": "a", "entities": [{"type": "bold", "offset": 0}]}, "$.entities[0]: missing"),
        ],
    )
    def test_a_wrong_request_is_named(self, rules: Conformance, fields: dict[str, object], complaint: str) -> None:
        message = refusal(rules.request, "sendMessage", fields)
        assert message.startswith("sendMessage request at $")
        assert complaint in message

    def test_right_answers_pass(self, rules: Conformance) -> None:
        rules.answer("getMe", {"ok": True, "result": {"id": 1, "is_bot": True, "first_name": "Reins"}})
        rules.answer("getUpdates", {"ok": True, "result": [{"update_id": 1, "message": {"message_id": 1}}]})
        rules.answer("editMessageText", {"ok": True, "result": True})
        refused = {"ok": False, "error_code": 429, "description": "Too Many Requests: retry after 7"}
        rules.answer("sendMessage", refused | {"parameters": {"retry_after": 7}})
        assert rules.checked

    @pytest.mark.parametrize(
        ("operation", "document", "complaint"),
        [
            ("getMe", [], "an answer is an object"),
            ("getMe", {"ok": True, "result": {"id": 1}}, "missing ['first_name', 'is_bot']"),
            ("getMe", {"ok": True, "result": {}, "extra": 1}, "unknown ['extra']"),
            ("getUpdates", {"ok": True, "result": {}}, "$.result: {} is no Array of Update"),
            ("getUpdates", {"ok": True, "result": [{"update_id": "1"}]}, "$.result[0].update_id"),
            ("sendMessage", {"ok": False, "error_code": 429}, "missing ['description']"),
            (
                "sendMessage",
                {"ok": False, "error_code": 429, "description": "x", "parameters": {"retry_after": "7"}},
                "$.parameters.retry_after",
            ),
        ],
    )
    def test_a_wrong_answer_is_named(
        self, rules: Conformance, operation: str, document: object, complaint: str
    ) -> None:
        message = refusal(rules.answer, operation, document)
        assert message.startswith(f"{operation} answer")
        assert complaint in message

    def test_a_method_nobody_described_is_refused(self, rules: Conformance) -> None:
        assert "no such method" in refusal(rules.request, "sendSong", {})


def test_the_ledger_tells_what_one_address_was_shown() -> None:
    ledger = Ledger([Accepted("sms", "+41790000001", "first", "SM1"), Accepted("sms", "+41790000002", "other", "SM2")])
    ledger.append(Accepted("sms", "+41790000001", "second", "SM3", {"kind": "reply"}))
    assert ledger.texts("+41790000001") == ["first", "second"]
