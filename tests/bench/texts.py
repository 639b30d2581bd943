"""Texts as Twilio posts them to a webhook, made and signed as fast as a load generator needs them."""

import base64
import hmac
import random
from collections.abc import Callable
from urllib.parse import urlencode

from channels.sms_settings import INBOUND_PATH
from tests.bench.bench import Target
from tests.fakes.providers.twilio import ACCOUNT, NUMBER, PUBLIC_URL, TOKEN

_SID = "SM" + "?" * 32  # stands for the text's own id
_FORM = {
    "AccountSid": ACCOUNT,
    "ApiVersion": "2010-04-01",
    "Body": "",
    "From": "",
    "FromCity": "ZURICH",
    "FromCountry": "CH",
    "FromState": "",
    "FromZip": "8001",
    "MessageSid": _SID,
    "NumMedia": "0",
    "NumSegments": "1",
    "SmsMessageSid": _SID,
    "SmsSid": _SID,
    "SmsStatus": "received",
    "To": NUMBER,
    "ToCity": "",
    "ToCountry": "US",
    "ToState": "CA",
    "ToZip": "",
}


def text_maker(target: Target) -> Callable[[], bytes]:
    """Return a function that makes the next signed text: a new id each, the target's numbers in turn.

    What is signed is the configured address of the bot, whichever port it is posted to.
    """
    texts = [_text(target, number) for number in target.numbers]
    random_bits, turn = random.Random().getrandbits, -1

    def make() -> bytes:
        nonlocal turn
        turn = (turn + 1) % len(texts)
        return texts[turn](f"SM{random_bits(128):032x}")

    return make


def _text(target: Target, number: str) -> Callable[[str], bytes]:
    form = {**_FORM, "Body": target.text, "From": number}
    body = urlencode(form).split(urlencode({"": _SID})[1:])
    signed = (PUBLIC_URL + INBOUND_PATH + "".join(name + form[name] for name in sorted(form))).split(_SID)
    length = len(_SID.join(body))
    head = (
        f"POST {target.path} HTTP/1.1\r\nHost: 127.0.0.1:{target.port}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\nX-Twilio-Signature: "
    )

    def make(sid: str) -> bytes:
        signature = hmac.digest(TOKEN.encode(), sid.join(signed).encode(), "sha1")
        return f"{head}{base64.b64encode(signature).decode()}\r\n\r\n{sid.join(body)}".encode()

    return make
