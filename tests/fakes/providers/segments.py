"""How many segments a provider counts for a text: its own count, apart from the bot's."""

import math

# 3GPP TS 23.038, 6.2.1: the default alphabet by its code, row by row; ESC stands at 0x1B.
_DEFAULT = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
_BEHIND_ESC = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}


def segments(text: str) -> int:
    """Return how many segments the text is billed as: 160 or 153 septets each, or 70 or 67 UTF-16 units."""
    codes: list[int] = []
    for character in text:
        if character in _BEHIND_ESC.values():
            codes += [0x1B, 0]
        elif character in _DEFAULT and character != "\x1b":
            codes.append(_DEFAULT.index(character))
        else:
            units = len(text.encode("utf-16-le")) // 2
            return 1 if units <= 70 else math.ceil(units / 67)
    return 1 if len(codes) <= 160 else math.ceil(len(codes) / 153)
