"""Takes secrets and phone numbers out of text before it is stored, logged or shown; identifiers stay readable."""

import re
from collections.abc import Callable

MASK = "***"
_MIN_MIXED_CHARACTERS = 16
# Random text changes between small letters, capitals and digits every 2 characters, words and names every 4 or more.
_MAX_MEAN_SEGMENT_CHARACTERS = 3

_SENSITIVE_NAME = (
    r"(?:[\w-]*(?:token|secret|password|passwd|passphrase|(?:api|access|secret|private|signing)[_-]?key)"
    r"|(?:[\w-]*[_-])?(?:auth|pwd))_?\d*"
)
_HEADER_NAME = r"(?:[\w-]*-)?(?:authorization|cookie)"
_QUOTED = r"\"(?:[^\"\\\r\n]|\\.)*\"|'[^'\r\n]*'"
_NAMED_SECRET = re.compile(
    rf"(?<![\w-])(?P<name>(?:{_HEADER_NAME}(?P<header>)|{_SENSITIVE_NAME})[\"']?[ \t]*[=:][ \t]*)"
    rf"(?:(?P<quoted>{_QUOTED})|(?(header)[^\r\n]+|[\"']?[^\s\"'&,;)\]}}]+))",
    re.IGNORECASE,
)
_HEX = re.compile(
    r"(?P<label>\b(?:digest|sha-?256|head|prev|policy_version)[\"']?[ \t]*[:= ][ \t]*[\"']?)?"
    r"(?<![0-9A-Za-z])(?P<hex>[0-9A-Fa-f]{32,})(?![0-9A-Za-z])"
)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_DENSE = re.compile(r"(?<![\w+/-])[A-Za-z0-9+/_-]{32,}={0,2}")
_SEGMENT = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


def redact(text: str) -> str:
    """Return the text with tokens, passwords, private keys, long secrets and phone numbers masked.

    Commit SHAs (40 hex digits standing alone), digests (64 hex digits named as such) and ULIDs are kept; phone numbers
    keep their last two digits and Twilio ids their kind and last four. Redacting twice changes nothing more.
    """
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def _mask_named(match: re.Match[str]) -> str:
    quote = match["quoted"][0] if match["quoted"] else ""
    return f"{match['name']}{quote}{MASK}{quote}"


def _mask_hex(match: re.Match[str]) -> str:
    label, digits = match["label"] or "", match["hex"]
    if _COMMIT.fullmatch(digits) or (label and _DIGEST.fullmatch(digits)):
        return match[0]
    return label + MASK


def _mask_dense(match: re.Match[str]) -> str:
    return MASK if any(map(_is_random, re.split(r"[+/_-]", match[0].rstrip("=")))) else match[0]


def _is_random(piece: str) -> bool:
    """Tell random text from words, paths and ULIDs: it mixes small and capital letters and digits, and densely so."""
    if len(piece) < _MIN_MIXED_CHARACTERS or not all(re.search(kind, piece) for kind in ("[a-z]", "[A-Z]", "[0-9]")):
        return False
    return len(piece) < _MAX_MEAN_SEGMENT_CHARACTERS * len(_SEGMENT.findall(piece))


def _mask_phone(match: re.Match[str]) -> str:
    return MASK + match[0].rstrip(")")[-2:]


_RULES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), MASK),
    (re.compile(r"(://[^\s:/@]*:)[^\s/@]+@"), rf"\g<1>{MASK}@"),
    (_NAMED_SECRET, _mask_named),
    (re.compile(r"\b(bearer)[ \t]+[\w.~+/-]{8,}=*", re.IGNORECASE), rf"\g<1> {MASK}"),
    (re.compile(r"(hooks\.slack\.com/services/)[\w/-]+"), rf"\g<1>{MASK}"),
    (re.compile(r"(?<!\d)\d{6,12}:[\w-]{30,}"), MASK),  # Telegram bot token
    (re.compile(r"(?<![A-Za-z0-9])(?:gh[a-z]_|github_pat_)\w{16,}(?:\.[\w-]+)*"), MASK),
    (re.compile(r"(?<![A-Za-z0-9])(?:xox[a-z]-|xapp-)[\w-]{10,}"), MASK),  # Slack
    (re.compile(r"(?<![A-Za-z0-9])tk_[a-z0-9]{20,}"), MASK),  # ntfy
    (re.compile(r"(?<![\w-])eyJ[\w-]+\.[\w-]+\.[\w-]*"), MASK),  # JWT
    (re.compile(r"(?<![A-Za-z0-9])([A-Z]{2})[0-9a-f]{28}([0-9a-f]{4})(?![0-9A-Za-z])"), rf"\1{MASK}\2"),  # Twilio
    (_HEX, _mask_hex),
    (_DENSE, _mask_dense),
    (re.compile(r"(?:\+|%2B|(?<![\w.:-])00)[1-9](?:[ .()/-]{0,2}\d){6,13}(?!\d)", re.IGNORECASE), _mask_phone),
    (re.compile(r"(?<![\w.:+-])(?:1[ .-])?(?:\(\d{3}\)[ ]?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w.-]\d|\d)"), _mask_phone),
)
