"""The SMS alphabet: what a text costs, and how it is made to fit one segment (3GPP TS 23.038)."""

SEGMENT_SEPTETS = 160  # one text that is neither split nor widened to UCS-2, and so costs one
CUT = ".."
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPED = frozenset("\f^{}\\[~]|€")  # sent as ESC and another character
# Only what reads the same in ASCII is replaced: another letter could make one branch name look like another.
_PLAIN = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201a": "'",
        "\u201b": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u201e": '"',
        "\u2010": "-",
        "\u2011": "-",
        "\u2012": "-",
        "\u2013": "-",
        "\u2014": "-",
        "\u2212": "-",
        "\u00b7": ".",
        "\u2022": "*",
        "\u2026": "...",
        "\u00a0": " ",
        "\u202f": " ",
        "\u2192": "->",
        "\u00d7": "x",
        "\t": " ",
    }
)


def septets(text: str) -> int | None:
    """Return how many septets a text takes, or None where it holds a character outside the alphabet."""
    if any(character not in _BASIC and character not in _ESCAPED for character in text):
        return None
    return len(text) + sum(character in _ESCAPED for character in text)


def transliterate(text: str) -> str:
    """Return the text in the alphabet: typographic marks become ASCII, what else does not belong becomes `?`."""
    return "".join(
        character if character in _BASIC or character in _ESCAPED else "?" for character in text.translate(_PLAIN)
    )


def fit(text: str, suffix: str = "", limit_septets: int = SEGMENT_SEPTETS, cut: str = CUT) -> str:
    """Return `text` and `suffix` within the limit: the text is cut at a word and ends with `cut`, the suffix stays whole.

    Raises:
        ValueError: `cut` and `suffix` alone are over the limit.
    """
    plain, ending = transliterate(text), transliterate(suffix)
    if _cost(plain + ending) <= limit_septets:
        return plain + ending
    ending = transliterate(cut) + ending
    room = limit_septets - _cost(ending)
    if room < 0:
        raise ValueError(f"an ending of {_cost(ending)} septets leaves no room in {limit_septets}")
    return _cut_at_word(plain, room) + ending


def _cost(text: str) -> int:
    return sum(2 if character in _ESCAPED else 1 for character in text)


def _cut_at_word(text: str, room: int) -> str:
    """Return what fits of a text that is too long: whole words, or a part of the first where that alone is too long."""
    end = 0
    while (room := room - _cost(text[end])) >= 0:
        end += 1
    last_space = next((i for i in range(end, -1, -1) if text[i].isspace()), 0)
    return text[:last_space].rstrip() or text[:end]
