"""What a ntfy notification says: its title, and its text within the size a phone can be pushed."""

from dataclasses import dataclass

from domain.notices import Notice, NoticeKind
from domain.untrusted import ELLIPSIS, clean_line

# Apple and Google push about 4 KB of a message, fields and all; ntfy turns texts over 4,096 bytes into attachments.
MAX_PUSHED_BYTES = 3000
MAX_TITLE_CHARACTERS = 120
_TITLES = {
    NoticeKind.ATTEMPT_START: "Attempt started",
    NoticeKind.ATTEMPT_DONE: "Attempt done",
    NoticeKind.FINAL: "Run finished",
    NoticeKind.APPROVAL_REQUEST: "Approval wanted",
    NoticeKind.APPROVAL_RESOLVED: "Approval decided",
    NoticeKind.MODE_CHANGED: "Mode changed",
    NoticeKind.ALARM: "Alarm",
    NoticeKind.DIGEST: "Digest",
    NoticeKind.CHALLENGE: "Code wanted",
    NoticeKind.CARD: "Update",
}
# ntfy shows a tag that is the short code of an emoji as that emoji before the title.
_TAGS = {
    NoticeKind.FINAL: "checkered_flag",
    NoticeKind.APPROVAL_REQUEST: "raised_hand",
    NoticeKind.MODE_CHANGED: "vertical_traffic_light",
    NoticeKind.ALARM: "rotating_light",
}


@dataclass(frozen=True, slots=True)
class Fitted:
    """A text that fits, and whether something of it is missing."""

    text: str
    cut: bool


def title_of(notice: Notice) -> str:
    """Return one line: what happened, to which run, where."""
    parts = (_TITLES.get(notice.kind, "Reins"), notice.run_handle, notice.repository)
    return clean_line(" · ".join(part for part in parts if part), MAX_TITLE_CHARACTERS)


def tags_of(notice: Notice) -> list[str]:
    """Return the tags, at most one."""
    return [_TAGS[notice.kind]] if notice.kind in _TAGS else []


def fit(text: str, room_bytes: int, ending: str = "") -> Fitted:
    """Return a text of clean lines and its `ending` in at most `room_bytes` bytes of UTF-8; the ending is never cut."""
    cleaned = "\n".join(clean_line(line, max(len(line), 1)) for line in text.splitlines()).strip()
    room = room_bytes - len(ending.encode())
    if len(cleaned.encode()) <= room:
        return Fitted(cleaned + ending, cut=False)
    # Half a character at the cut is left out.
    kept = cleaned.encode()[: max(room - len(ELLIPSIS.encode()), 0)].decode(errors="ignore").rstrip()
    return Fitted(kept + ELLIPSIS + ending, cut=True)
