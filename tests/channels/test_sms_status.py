"""What Twilio reports of a text becomes a rank and, at the end, a state; forged reports become nothing."""

import pytest
from multidict import CIMultiDict

from channels.sms_signature import Refusal
from channels.sms_status import SmsStatus, read_status
from domain.notices import DeliveryState
from tests.channels.sms_rig import ANN, SETTINGS
from tests.fakes.providers.twilio import ACCOUNT, NUMBER, TOKEN
from tests.fakes.providers.twilio_rules import sign

SID = "SM" + "a" * 32
FORM = {"MessageSid": SID, "SmsSid": SID, "SmsStatus": "sent", "To": ANN, "From": NUMBER, "ApiVersion": "2010-04-01"}
FORM |= {"AccountSid": ACCOUNT, "MessageStatus": "sent"}


def read(form: dict[str, str], token: str = TOKEN) -> SmsStatus | Refusal:
    headers = CIMultiDict({"X-Twilio-Signature": sign(token, SETTINGS.status_url, form)})
    return read_status(SETTINGS.status_url, list(form.items()), headers, SETTINGS)


@pytest.mark.parametrize(
    ("status", "rank", "state"),
    [
        ("accepted", 0, None),
        ("scheduled", 0, None),
        ("queued", 1, None),
        ("sending", 2, None),
        ("sent", 3, None),
        ("delivered", 4, DeliveryState.DELIVERED),
        ("read", 4, DeliveryState.DELIVERED),
        ("undelivered", 4, DeliveryState.DEAD),
        ("failed", 4, DeliveryState.DEAD),
        ("canceled", 4, DeliveryState.DEAD),
    ],
)
def test_a_status_ranks_and_ends_where_it_is_final(status: str, rank: int, state: DeliveryState | None) -> None:
    assert read(FORM | {"MessageStatus": status}) == SmsStatus(SID, rank, state, status, None)


def test_a_failure_keeps_its_code_and_new_fields_do_no_harm() -> None:
    form = FORM | {"MessageStatus": "failed", "ErrorCode": "30003", "ErrorMessage": "x", "RawDlrDoneDate": "2611221400"}
    assert read(form) == SmsStatus(SID, 4, DeliveryState.DEAD, "failed", 30003)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"MessageStatus": "arrived"}, "for another account, or an unknown status"),
        ({"AccountSid": "AC" + "6" * 32}, "for another account, or an unknown status"),
        ({"MessageSid": "SM1"}, "MessageSid of a wrong shape"),
        ({"ErrorCode": "x"}, "ErrorCode of a wrong shape"),
        ({"Zz": "MessageStatusdelivered"}, "more than one reading"),
    ],
)
def test_a_signed_report_with_a_wrong_field_is_refused(change: dict[str, str], reason: str) -> None:
    assert read(FORM | change) == Refusal(reason)


@pytest.mark.parametrize("name", ["MessageSid", "MessageStatus", "AccountSid"])
def test_a_report_without_a_field_we_need_is_refused(name: str) -> None:
    assert read({one: value for one, value in FORM.items() if one != name}) == Refusal(f"no {name}")


def test_a_forged_report_is_refused() -> None:
    assert read(FORM, token="another-token-0123456789") == Refusal("wrong signature")
