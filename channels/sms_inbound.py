"""One posted SMS as our message: signature, then grammar, then the text."""

import unicodedata
from collections.abc import Mapping
from datetime import datetime

from channels.sms_fields import wrong_field
from channels.sms_settings import SmsSettings
from channels.sms_signature import Pairs, Refusal, refuse_forged
from domain.messages import CarrierWord, Inbound
from domain.people import Address, AddressKind, Proof

_REQUIRED = ("AccountSid", "ApiVersion", "Body", "From", "MessageSid", "NumMedia", "To")
_LINE_ENDS = frozenset("\n\r\t")
# Controls, invisible and bidirectional characters: what is shown would not be what is read.
_NO_TEXT = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
# What carriers act on by themselves when it is the whole message (Twilio, opt-out keywords).
_CARRIER_WORDS = {
    **dict.fromkeys(
        ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"), CarrierWord.OPT_OUT
    ),
    **dict.fromkeys(("START", "YES", "UNSTOP"), CarrierWord.OPT_IN),
    **dict.fromkeys(("HELP", "INFO"), CarrierWord.HELP),
}


def read_inbound(
    url: str, pairs: Pairs, headers: Mapping[str, str], settings: SmsSettings, received_at: datetime
) -> Inbound | Refusal:
    """Turn a posted form into our message, or say why not. `url` is the configured address with the path as received.

    A refusal with a `sender` is a real text that we do not take; any other is a forgery or not meant for us.
    """
    forged = refuse_forged(url, pairs, headers, settings.auth_tokens)
    if forged is not None:
        return forged
    fields = dict(pairs)
    wrong = wrong_field(fields, _REQUIRED)
    if wrong is not None:
        return Refusal(wrong)
    if fields["AccountSid"] != settings.account_sid or fields["To"] != settings.from_number:
        return Refusal("for another account or number")
    sender = Address(AddressKind.SMS, fields["From"])
    if int(fields["NumMedia"]) > 0:
        return Refusal("media", sender)
    text = fields["Body"]
    if not _is_plain(text):
        return Refusal("text", sender)
    return Inbound(
        channel=AddressKind.SMS.value,
        account=fields["To"],
        message_id=fields["MessageSid"],
        sender=sender,
        text=text,
        proof=Proof.ADDRESS,
        received_at=received_at,
        reply_to=sender,
        carrier_word=_CARRIER_WORDS.get(fields.get("OptOutType") or text.strip().upper()),
    )


def _is_plain(text: str) -> bool:
    return unicodedata.is_normalized("NFKC", text) and all(
        character in _LINE_ENDS or unicodedata.category(character) not in _NO_TEXT for character in text
    )
