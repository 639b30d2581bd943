"""What a notice looks like as one SMS segment, and the reference by which it is found again."""

import hashlib

from channels.gsm7 import CUT, fit
from domain.ids import crockford
from domain.notices import ChoiceStyle, Notice

CODE_MARK = "{code}"
NO_CODE = "<code from your authenticator>"
_REFERENCE_WIDTH = 4  # 20 bits: enough to tell apart the few texts that one number gets within a day


def reference(notice: Notice) -> str:
    """Return the ending of a notice's text, the same at every try: ` #7F3C`."""
    digest = hashlib.sha256(notice.key.encode()).digest()
    return f" #{crockford(int.from_bytes(digest), _REFERENCE_WIDTH)}"


def with_code(text: str, code: str | None) -> str:
    """Put a one-time code where a challenge asks for it, or the words for who has one already."""
    return text.replace(CODE_MARK, code or NO_CODE)


def body(notice: Notice, text: str, *, repeat: bool) -> str:
    """Return one segment that ends with the reference; what is cut says where the rest is."""
    marked = f"(repeat) {text}" if repeat else text
    return fit(marked, reference(notice), cut=_cut_mark(notice))


def challenge_body(notice: Notice, code: str | None, *, repeat: bool) -> str:
    """Return a challenge as one segment; where its text is too long the code stands first, so that it is never cut."""
    whole = body(notice, with_code(notice.text, code), repeat=repeat)
    if code is None or code in whole:
        return whole
    return body(notice, f"Code {code}. {with_code(notice.text, code)}", repeat=repeat)


def _cut_mark(notice: Notice) -> str:
    if any(choice.style is ChoiceStyle.APPROVE for choice in notice.choices):
        return f"{CUT} decide on the page"  # nobody approves what they could not read whole
    return CUT if notice.run_handle is None else f"{CUT} why {notice.run_handle}"
