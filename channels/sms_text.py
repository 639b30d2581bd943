"""What a notice looks like as one SMS segment."""

from channels.gsm7 import CUT, fit
from channels.marks import reference, with_code
from domain.notices import ChoiceStyle, Notice


def body(notice: Notice, text: str, *, repeat: bool) -> str:
    """Return one segment that ends with the reference; what is cut says where the rest is."""
    marked = f"(repeat) {text}" if repeat else text
    return fit(marked, reference(notice.key), cut=_cut_mark(notice))


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
