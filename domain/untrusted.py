"""Text from outside is data: strip what could steer a screen or a reader, cap its length."""

import unicodedata

ELLIPSIS = "…"
# Bidirectional controls and invisible format characters can make a screen show what was not written.
_DROPPED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean_line(text: str, limit: int) -> str:
    """Return one printable line of at most `limit` characters; line ends and tabs become single spaces.

    Control, format, surrogate, private and unassigned characters are dropped.
    """
    if len(text) <= limit and text.isascii() and text.isprintable() and text.split(" ") == text.split():
        return text  # most texts are clean already, and this is on the path of every message
    # Cutting first keeps the work bounded for a huge input; a character is never worth more than one.
    cut = text[: limit * 8]
    # Dropping comes before joining: what stood around an invisible character must not become two spaces.
    kept = " ".join(
        "".join(c for c in cut if c.isspace() or unicodedata.category(c) not in _DROPPED_CATEGORIES).split()
    )
    if len(kept) <= limit and len(text) <= limit * 8:
        return kept
    return kept[: max(limit - 1, 0)].rstrip() + ELLIPSIS
