"""Whether a form was signed by Twilio: over the configured address, with a token of ours, in one reading only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.people import Address

SIGNATURE = "X-Twilio-Signature"
SIGNATURE_SETTINGS = "X-Twilio-Webhooks-Signature-Settings"
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a form was not taken. `sender` is set where Twilio vouches for it, so that answering an error helps nobody."""

    reason: str
    sender: Address | None = None


def refuse_forged(url: str, pairs: Pairs, headers: Mapping[str, str], tokens: Sequence[str]) -> Refusal | None:
    """Return why a form cannot be from Twilio, or None. `headers` must find names whatever their case.

    The signature covers the address and all fields as one string, without marks between them (Twilio, webhook
    security). So the address must have no query into which a boundary could be shifted, a name stands once only, and
    the algorithm is ours to choose: a header that names another is refused.
    """
    signature = headers.get(SIGNATURE)
    if not signature:
        return Refusal("no signature")
    if SIGNATURE_SETTINGS in headers:
        return Refusal("signed by another algorithm")
    if "?" in url:
        return Refusal("address with a query")
    fields = dict(pairs)
    if len(fields) != len(pairs) or "" in fields:
        return Refusal("a name twice or empty")
    if not any(_signed(url, fields, signature, token) for token in tokens):
        return Refusal("wrong signature")
    return None


def _signed(url: str, fields: Mapping[str, str], signature: str, token: str) -> bool:
    # Loaded here, so that a bot without SMS never loads it; the library ships no types.
    from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # noqa: PLC0415 - lazily

    try:
        return bool(RequestValidator(token).validate(url, fields, signature))
    except UnicodeEncodeError:  # half a surrogate pair: Twilio signs UTF-8, so this is nothing it sent
        return False
