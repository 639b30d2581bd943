"""What channels put into a text in the same way: the reference by which it is found again, and a one-time code."""

import hashlib

from domain.ids import crockford

REFERENCE_CHARACTERS = 4  # 20 bits: enough among the texts of one address and day
CODE_MARK = "{code}"  # where a challenge's text wants its code
NO_CODE = "<code from your authenticator>"


def reference(key: str) -> str:
    """Return the ending that names a notice by its key, the same at every try: ` #7F3C`."""
    digest = hashlib.sha256(key.encode()).digest()
    return f" #{crockford(int.from_bytes(digest), REFERENCE_CHARACTERS)}"


def with_code(text: str, code: str | None) -> str:
    """Put a one-time code where a challenge asks for it, or the words for who has one already."""
    return text.replace(CODE_MARK, code or NO_CODE)
