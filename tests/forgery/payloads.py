"""Text that has broken command lines, workflows, parsers and screens before, alone and beside a value that is allowed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

# Look-alikes are the same to an eye, or after NFKC, lower or case folding. Broken text has half a surrogate pair.
FAMILIES: Mapping[str, Sequence[str]] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="ascii"))
CONTROLS = tuple(chr(code) for code in (*range(9), *range(0x0E, 0x1C), 0x1F, 0x7F, 0x80, 0x90, 0x9B, 0x9F))
# Around every bound there is: of an input, a word, a command, a message by API.
_SIZES = (64, 65, 200, 201, 499, 500, 501, 4000, 4001)
LONG = (*("a" * size for size in _SIZES), "a=" * 200, "\u00e9" * 300, "\u202e" * 300, "../" * 99)
EVERY = (*(one for family in FAMILIES.values() for one in family), *CONTROLS, *LONG)


def around(good: str) -> Iterator[str]:
    """Yield every payload alone, behind, and within a value that is allowed, each once."""
    middle = len(good) // 2
    forms = ((one, good + one, good[:middle] + one + good[middle:]) for one in EVERY)
    yield from dict.fromkeys(form for several in forms for form in several)
