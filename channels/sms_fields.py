"""The grammar of the fields Twilio posts, and why one signed string can be read in one way only.

Twilio signs all fields as one string without marks between them: `…Body<text>From+41…FromCity…`. Somebody who has seen
a signed text of their own could cut that string at other places: their words `run 3From+41<operator>FromX` would give
another sender under a right signature. These rules leave one reading for what we use, whatever the text holds:

- `From+` stands in the whole string once, so that `From` can be nowhere else and ends before the next letter;
- no other name sorts beside `Body`, so that it begins where `ApiVersion` ends and ends where `From` begins;
- outside of `Body`, the names we read stand nowhere but as names; all known values have a strict shape.
"""

import re
from collections.abc import Mapping

from channels.sms_settings import E164

NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")
MESSAGE_SID = re.compile(r"(?:SM|MM)[0-9a-fA-F]{32}")
_PLACE = re.compile(r"[\w .,'\u2019()/&-]{0,100}")
_POSTCODE = re.compile(r"[A-Za-z0-9 -]{0,20}")
_COUNT = re.compile(r"[0-9]{1,3}")
_WORD = re.compile(r"[A-Za-z_-]{0,32}")
_GRAMMAR: dict[str, re.Pattern[str]] = {
    "AccountSid": re.compile(r"AC[0-9a-fA-F]{32}"),
    "ApiVersion": re.compile(r"2010-04-01"),
    # Twilio's own limit for one message
    "Body": re.compile(r".{0,1600}", re.DOTALL),
    "ErrorCode": re.compile(r"[0-9]{1,6}"),
    "From": E164,
    "FromCity": _PLACE,
    "FromCountry": re.compile(r"[A-Z]{0,2}"),
    "FromState": _PLACE,
    "FromZip": _POSTCODE,
    "MessageSid": MESSAGE_SID,
    "MessageStatus": _WORD,
    "MessagingServiceSid": re.compile(r"MG[0-9a-fA-F]{32}"),
    "NumMedia": _COUNT,
    "NumSegments": _COUNT,
    "OptOutType": _WORD,
    "SmsMessageSid": MESSAGE_SID,
    "SmsSid": MESSAGE_SID,
    "SmsStatus": _WORD,
    "To": E164,
    "ToCity": _PLACE,
    "ToCountry": re.compile(r"[A-Z]{0,2}"),
    "ToState": _PLACE,
    "ToZip": _POSTCODE,
}
# Names we decide by: outside of Body each stands only in the known names that hold it, such as SmsMessageSid.
_SEALED = ("AccountSid", "Body", "MessageSid", "MessageStatus", "NumMedia", "OptOutType")
_NO_VALUE_HOLDS = re.compile(r"From|MessageSid|AccountSid")
_TEXT_OF_A_BOUNDARY = "From+"


def wrong_field(fields: Mapping[str, str], required: tuple[str, ...]) -> str | None:
    """Return what is wrong with the fields, in words without their values, or None."""
    missing = [name for name in required if name not in fields]
    if missing:
        return f"no {missing[0]}"
    for name, value in fields.items():
        grammar = _GRAMMAR.get(name)
        if not NAME.fullmatch(name) or ("Body" in fields and name != "Body" and "ApiVersion" < name < "From"):
            return "a name in a wrong place"
        if (grammar is not None and not grammar.fullmatch(value)) or (name != "Body" and _NO_VALUE_HOLDS.search(value)):
            return f"{name if grammar else 'an unknown field'} of a wrong shape"
    return None if _read_one_way(fields) else "more than one reading"


def _read_one_way(fields: Mapping[str, str]) -> bool:
    names = sorted(fields)
    outside = "".join(name + ("\n" if name == "Body" else fields[name]) for name in names)
    whole = "".join(name + fields[name] for name in names)
    return whole.count(_TEXT_OF_A_BOUNDARY) <= 1 and all(
        outside.count(word) == sum(word in name for name in names if name in _GRAMMAR) for word in _SEALED
    )
