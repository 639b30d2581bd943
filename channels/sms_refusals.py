"""What Twilio's refusals mean for the relay: this person never, nobody until it is mended, or later."""

import orjson

from channels.calls import Answer
from channels.port import Broken, DeliveryError, MaybeSent, Never, NotNow

OPTED_OUT = 21610
# Faults of our account or number: every text fails by them (Twilio, error and warning dictionary).
_ACCOUNT_WIDE = {
    20003: "Twilio does not accept our account or token",
    20404: "Twilio knows no such account",
    21212: "our sending number is not valid",
    21606: "our sending number is not ours or cannot send texts",
    21659: "our sending number is not a Twilio number",
    21660: "our sending number belongs to another account",
    30002: "Twilio has suspended our account",
    30034: "our number is not registered for texts to the US",
}
_LATER = {20429: "Twilio is asked too often", 21611: "our number's queue at Twilio is full"}
_PERSONAL = {
    21211: "not a valid number",
    21408: "texts to this country are not switched on at Twilio",
    21608: "a trial account may not text this number",
    OPTED_OUT: "the person has opted out of texts",
    21612: "no route to this number",
    21614: "not a mobile number",
}
_WRONG_SETUP = frozenset({401, 403, 404})
_CLIENT_ERRORS = range(400, 500)
_REDIRECTS = range(300, 400)
_TOO_MANY = 429


def document_of(answer: Answer) -> dict[str, object]:
    """Return the JSON object of an answer; empty where there is none that can be read."""
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def error_code(answer: Answer) -> int | None:
    """Return Twilio's own code for a refusal."""
    code = document_of(answer).get("code")
    return code if isinstance(code, int) else None


def failure(answer: Answer) -> DeliveryError:
    """Return what an answer other than a good one means. Twilio's own words are left out: they hold the number."""
    status, code = answer.status, error_code(answer)
    named = f"Twilio {status}" if code is None else f"Twilio {status}/{code}"
    if status == _TOO_MANY or code in _LATER:
        return NotNow(f"{named}: {_LATER.get(code or 0, 'asked too often')}", answer.retry_after_seconds)
    if status in _REDIRECTS:
        return Broken(f"{named}: a redirect, so this is not Twilio's API")
    if status not in _CLIENT_ERRORS:
        return MaybeSent(f"{named}: may have been sent")
    if code in _PERSONAL:
        return Never(f"{named}: {_PERSONAL[code]}")
    if code in _ACCOUNT_WIDE or status in _WRONG_SETUP:
        return Broken(f"{named}: {_ACCOUNT_WIDE.get(code or 0, 'account, token or address is wrong')}")
    return Never(f"{named}: refused for good")
