"""A posted text becomes our message only when Twilio signed it for us and its fields can be read in one way."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace

import pytest
from multidict import CIMultiDict

from channels.sms_inbound import read_inbound
from channels.sms_settings import INBOUND_PATH, SmsSettings
from channels.sms_signature import Refusal, refuse_forged
from domain.errors import UserError
from domain.messages import CarrierWord, Inbound
from domain.people import Address, AddressKind, Proof
from tests.channels.sms_rig import ANN, SETTINGS
from tests.fakes.providers.conformance import ROOT
from tests.fakes.providers.twilio import ACCOUNT, NUMBER, PUBLIC_URL, TOKEN, FakeTwilio
from tests.fakes.providers.twilio_rules import sign
from tests.fakes.virtual_time import START, VirtualTime

URL = SETTINGS.public_url + INBOUND_PATH
SIGNATURE = "X-Twilio-Signature"
FORM = FakeTwilio(VirtualTime()).inbound_form
BOB = "+41790000002"


def read(
    form: Mapping[str, str],
    *,
    token: str = TOKEN,
    settings: SmsSettings = SETTINGS,
    url: str = URL,
    headers: Mapping[str, str] | None = None,
) -> Inbound | Refusal:
    signed = CIMultiDict({SIGNATURE: sign(token, url, form), **(headers or {})})
    return read_inbound(url, list(form.items()), signed, settings, START)


def reason(result: Inbound | Refusal) -> str:
    assert isinstance(result, Refusal)
    assert result.sender is None
    return result.reason


def test_a_signed_text_becomes_our_message() -> None:
    form = FORM(ANN, "  Status of main: ok? é\n")
    sender = Address(AddressKind.SMS, ANN)
    assert read(form) == Inbound(
        channel="sms",
        account=NUMBER,
        message_id=form["MessageSid"],
        sender=sender,
        text="  Status of main: ok? é\n",
        proof=Proof.ADDRESS,
        received_at=START,
        reply_to=sender,
    )


def test_the_fake_signs_as_the_published_example_does() -> None:
    form = {"CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "Digits": "1234", "From": "+14158675309"}
    signature = sign("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", form | {"To": "+18005551212"})
    assert signature == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_either_of_two_tokens_may_have_signed_during_a_change_over() -> None:
    both = replace(SETTINGS, auth_tokens=("the-newer-token-0123456789", TOKEN))
    assert isinstance(read(FORM(ANN, "status"), settings=both), Inbound)
    assert isinstance(read(FORM(ANN, "status"), settings=both, token="the-newer-token-0123456789"), Inbound)
    assert reason(read(FORM(ANN, "status"), token="the-newer-token-0123456789")) == "wrong signature"


def test_a_form_without_a_signature_is_refused() -> None:
    for headers in (CIMultiDict[str](), CIMultiDict({SIGNATURE: ""})):
        assert reason(read_inbound(URL, list(FORM(ANN, "halt").items()), headers, SETTINGS, START)) == "no signature"


def test_a_header_cannot_choose_another_algorithm() -> None:
    headers = {"x-twilio-webhooks-signature-settings": "key=k,algorithm=HMAC_SHA1"}
    assert reason(read(FORM(ANN, "halt"), headers=headers)) == "signed by another algorithm"


@pytest.mark.parametrize("url", [f"{PUBLIC_URL}/hooks/twilio/", f"{URL}x", "http://127.0.0.1:8080/hooks/twilio"])
def test_a_signature_for_another_address_is_refused(url: str) -> None:
    form = FORM(ANN, "halt")
    signed = CIMultiDict({SIGNATURE: sign(TOKEN, url, form)})
    assert reason(read_inbound(URL, list(form.items()), signed, SETTINGS, START)) == "wrong signature"


def test_an_address_with_a_query_is_refused_since_a_boundary_could_move_into_it() -> None:
    assert reason(read(FORM(ANN, "halt"), url=f"{URL}?a=1")) == "address with a query"


def test_a_name_that_stands_twice_or_is_empty_is_refused() -> None:
    form = FORM(ANN, "halt")
    signed = CIMultiDict({SIGNATURE: sign(TOKEN, URL, form)})
    for more in [("Body", "halt")], [("", "")]:
        assert reason(read_inbound(URL, [*form.items(), *more], signed, SETTINGS, START)) == "a name twice or empty"


def test_half_a_surrogate_pair_is_no_text_that_was_signed() -> None:
    pairs = [*FORM(ANN, "halt").items(), ("Zz", "\ud800")]
    assert refuse_forged(URL, pairs, CIMultiDict({SIGNATURE: "x" * 28}), [TOKEN]) == Refusal("wrong signature")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"AccountSid": "AC" + "6" * 32}, "for another account or number"),
        ({"To": "+15005550009"}, "for another account or number"),
        ({"From": "0790000001"}, "From of a wrong shape"),
        ({"From": "+0790000001"}, "From of a wrong shape"),
        ({"From": "whatsapp:+41790000001"}, "From of a wrong shape"),
        ({"MessageSid": "SM1"}, "MessageSid of a wrong shape"),
        ({"NumMedia": "-1"}, "NumMedia of a wrong shape"),
        ({"FromCountry": "Switzerland"}, "FromCountry of a wrong shape"),
        ({"FromCity": "From+41790000001FromCityRENO"}, "FromCity of a wrong shape"),
        ({"ApiVersion": "2010-04-02"}, "ApiVersion of a wrong shape"),
        ({"Body": "x" * 1601}, "Body of a wrong shape"),
        ({"Zz": "see MessageSid"}, "an unknown field of a wrong shape"),
        ({"Zz_": "1"}, "a name in a wrong place"),
        ({"Z" * 65: "1"}, "a name in a wrong place"),
        ({"Cx": "1"}, "a name in a wrong place"),
        ({"ErrorCode": "11200"}, "a name in a wrong place"),
        ({"ZBody": "1"}, "more than one reading"),
        ({"OptOutTypeSTOP": ""}, "more than one reading"),
        ({"Zz": "NumMedia3"}, "more than one reading"),
    ],
)
def test_a_signed_form_with_a_wrong_field_is_refused(change: dict[str, str], why: str) -> None:
    assert reason(read(FORM(ANN, "halt", **change))) == why


@pytest.mark.parametrize("name", ["AccountSid", "ApiVersion", "Body", "From", "MessageSid", "NumMedia", "To"])
def test_a_signed_form_without_a_field_we_need_is_refused(name: str) -> None:
    form = FORM(ANN, "halt")
    del form[name]
    assert reason(read(form)) == f"no {name}"


def test_fields_that_twilio_adds_later_do_no_harm() -> None:
    result = read(FORM(ANN, "status", AddOns="{}", MessagingServiceSid="MG" + "0" * 32, NewField="any <thing> ü"))
    assert isinstance(result, Inbound)


@pytest.mark.parametrize(
    "text", ["halt\x00", "ok R7\u202e", "\ufeffhalt", "ok \uff127", "a\u200bb", "ma\u0131\u0308n\ue000"]
)
def test_a_text_with_hidden_or_look_alike_characters_is_refused_in_its_senders_name(text: str) -> None:
    assert read(FORM(ANN, text)) == Refusal("text", Address(AddressKind.SMS, ANN))


def test_a_picture_message_is_refused_in_its_senders_name() -> None:
    more = {"MediaUrl0": "https://api.twilio.com/x", "MediaContentType0": "image/png"}
    assert read(FORM(ANN, "halt", NumMedia="1", **more)) == Refusal("media", Address(AddressKind.SMS, ANN))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (" Stop ", CarrierWord.OPT_OUT),
        ("CANCEL", CarrierWord.OPT_OUT),
        ("end\n", CarrierWord.OPT_OUT),
        ("optout", CarrierWord.OPT_OUT),
        ("start", CarrierWord.OPT_IN),
        ("Yes", CarrierWord.OPT_IN),
        ("help", CarrierWord.HELP),
        ("INFO", CarrierWord.HELP),
        ("stop please", None),
        ("status", None),
        ("", None),
    ],
)
def test_what_the_carrier_acts_on_is_marked(text: str, word: CarrierWord | None) -> None:
    result = read(FORM(ANN, text))
    assert isinstance(result, Inbound)
    assert (result.carrier_word, result.text) == (word, text)


def test_twilios_own_word_for_an_opt_out_counts_whatever_the_text_says() -> None:
    result = read(FORM(ANN, "arrêt", OptOutType="STOP"))
    assert isinstance(result, Inbound)
    assert result.carrier_word is CarrierWord.OPT_OUT


# Each was signed for ANN, who wrote the text; each reading would make it another's, or another text.
SHIFTS = {
    "the published one": ("run 3From+41790000002FromCity", {"From": BOB, "FromCity": f"From{ANN}FromCityZURICH"}),
    "a longer name": ("run 3From+41790000002FromA", {"From": BOB, "FromAFrom": ANN}),
    "a name that ends within": ("run 3From+41790000002FromA", {"From": BOB, "FromAF": f"rom{ANN}"}),
    "the text alone": ("halt Cx", {"Body": "halt ", "Cx": ""}),
    "a later text": ("x Body halt", {"ApiVersion2010": "-04-01Bodyx ", "Body": " halt"}),
    "a later text behind a short name": ("x Body halt", {"ApiVersion": "2010-04-01", "Bo": "dyx ", "Body": " halt"}),
    "an error code": ("halt ErrorCode1", {"Body": "halt ", "ErrorCode": "1"}),
}


@pytest.mark.parametrize("name", SHIFTS)
def test_a_signed_text_cannot_be_cut_into_other_fields(name: str) -> None:
    text, change = SHIFTS[name]
    genuine = FORM(ANN, text)
    signed = CIMultiDict({SIGNATURE: sign(TOKEN, URL, genuine)})
    forged = genuine | ({"Body": "run 3"} if "From" in change else {}) | change
    if "ApiVersion2010" in change:
        del forged["ApiVersion"]
    assert sign(TOKEN, URL, forged) == signed[SIGNATURE], "this cut does not hold the signature, so it shows nothing"
    result = read_inbound(URL, list(forged.items()), signed, SETTINGS, START)
    assert isinstance(result, Refusal)
    assert result.sender is None


def test_a_cut_behind_a_key_without_places_is_refused_too() -> None:
    genuine = FORM(ANN, f"run 3From{BOB}G")
    for name in ("FromCity", "FromCountry", "FromState", "FromZip"):
        del genuine[name]
    forged = genuine | {"Body": "run 3", "From": BOB, "GF": f"rom{ANN}"}
    assert sign(TOKEN, URL, forged) == sign(TOKEN, URL, genuine)
    assert reason(read(forged)) == "more than one reading"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"account_sid": "AC1"}, "account"),
        ({"auth_tokens": ()}, "auth token"),
        ({"auth_tokens": ("",)}, "auth token"),
        ({"auth_tokens": (TOKEN, TOKEN, TOKEN)}, "auth token"),
        ({"from_number": "reins"}, "number"),
        ({"countries": ()}, "calling codes"),
        ({"countries": ("",)}, "calling codes"),
    ],
)
def test_settings_by_which_anybody_could_sign_or_be_texted_are_refused(change: dict[str, object], field: str) -> None:
    with pytest.raises(UserError, match=field):
        replace(SETTINGS, **change)  # type: ignore[arg-type]  # wrong values are the point


def test_settings_show_no_token() -> None:
    assert TOKEN not in repr(SETTINGS)
    assert ACCOUNT in repr(SETTINGS)


def test_the_library_is_loaded_only_when_something_is_signed() -> None:
    code = "import sys, channels.sms, channels.sms_inbound, channels.sms_status, web.hooks.twilio; print('twilio' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert loaded.stdout == "False\n"
