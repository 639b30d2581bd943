"""What a notice looks like in Slack: plain text in sections, so that nothing in it is markup, and a link to our page."""

from domain.notices import Notice
from domain.untrusted import ELLIPSIS, clean_line

SECTION_CHARACTERS = 3000  # Slack's limit for the text of one section, counted after escaping
MAX_SECTIONS = 4  # a notice is a few lines; more than this is a fault elsewhere, and nobody would read it
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def message(notice: Notice, page_url: str, *, repeat: bool) -> dict[str, object]:
    """Return the webhook's document: sections, and the first of them as the text that notifications show.

    Slack has no buttons of ours: a notice that asks something links to the page.
    """
    lines = [clean_line(line, SECTION_CHARACTERS) for line in notice.text.splitlines()]
    shown = "\n".join(["(repeat)", *lines] if repeat else lines)
    sections = _sections(shown) or [ELLIPSIS]
    blocks: list[dict[str, object]] = [
        {"type": "section", "text": {"type": "plain_text", "text": section, "emoji": False}} for section in sections
    ]
    if notice.choices:
        link = f"<{_escape(page_url)}|Decide on the page>"
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": link}})
    return {"text": sections[0], "blocks": blocks}


def _escape(text: str) -> str:
    return "".join(_ESCAPED.get(character, character) for character in text)


def _sections(text: str) -> list[str]:
    """Cut a text into escaped pieces within the limit; no escaped character is cut in half."""
    pieces, piece = [], ""
    for character in text:
        escaped = _escape(character)
        if len(piece) + len(escaped) > SECTION_CHARACTERS:
            pieces.append(piece)
            piece = ""
        piece += escaped
    pieces += [piece] if piece else []
    if len(pieces) > MAX_SECTIONS:
        pieces = [*pieces[:MAX_SECTIONS], ELLIPSIS]
    return pieces
