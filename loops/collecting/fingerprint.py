"""The name of a finding that stays the same from commit to commit, so that a push alone never makes one vanish (D8)."""

import hashlib
import re

HASH_CHARACTERS = 24  # 96 bits, as long as CodeRabbit's own marks: no two findings of a repository share one
FINGERPRINT = re.compile(r"[a-z]{2,10}:[0-9a-f]{1,64}")
_NOT_WORDS = re.compile(r"\W+")


def of_mark(mark: str) -> str:
    """Return the fingerprint of a finding that CodeRabbit marked itself: `cr-comment:v1:<hex>`, the same every round."""
    return f"cr:{mark}"


def of_text(kind: str, *parts: str) -> str:
    """Return the fingerprint of a finding without a mark: where it is, its category, its title, but not its line.

    Case, spaces and punctuation do not matter: they change when a text is written again.
    """
    words = "\0".join(_NOT_WORDS.sub(" ", part.casefold()).strip() for part in parts)
    return f"{kind}:{hashlib.sha256(words.encode('utf-8', 'replace')).hexdigest()[:HASH_CHARACTERS]}"
