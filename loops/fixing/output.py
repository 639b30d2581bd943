"""What a program writes, kept within bounds and shown without secrets: its beginning and its end, never all of a flood."""

from collections.abc import Iterable

from audit.redaction import MASK, redact
from domain.untrusted import clean_line

HEAD_BYTES = 4_096  # how it began: the command's own header
TAIL_BYTES = 12_288  # how it ended: a compiler's summary or a traceback
# What is cut off beside an omission, so that no half of a secret stays: longer than any token of a forge.
MARGIN_BYTES = 1_024
LINE_CHARACTERS = 400


class Captured:
    """Bytes as they come: the first `head_bytes` and the last `tail_bytes` are kept, the rest is only counted."""

    def __init__(self, head_bytes: int, tail_bytes: int) -> None:
        """Keep nothing yet."""
        self._head_bytes = head_bytes
        self._tail_bytes = tail_bytes
        self.head = bytearray()
        self.tail = bytearray()
        self.omitted_bytes = 0

    def add(self, chunk: bytes) -> None:
        """Take the next bytes."""
        room = self._head_bytes - len(self.head)
        self.head += chunk[:room]
        self.tail += chunk[room:]
        surplus = len(self.tail) - self._tail_bytes
        if surplus > 0:
            del self.tail[:surplus]
            self.omitted_bytes += surplus


def program_output() -> Captured:
    """Return what a fix program's output is captured in."""
    return Captured(HEAD_BYTES + MARGIN_BYTES, TAIL_BYTES + MARGIN_BYTES)


def shown(captured: Captured, secrets: Iterable[str]) -> str:
    """Return the text for people: secrets masked, control characters dropped, lines capped, an omission said."""
    if not captured.omitted_bytes:
        return _lines(bytes(captured.head + captured.tail), secrets)
    head, tail = _before_cut(bytes(captured.head)), _after_cut(bytes(captured.tail))
    omitted = captured.omitted_bytes + len(captured.head) + len(captured.tail) - len(head) - len(tail)
    return f"{_lines(head, secrets)}\n[{omitted} bytes left out]\n{_lines(tail, secrets)}"


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return the text without our own secrets and without anything that looks like one."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return redact(text)


def _before_cut(head: bytes) -> bytes:
    """Drop the line that was cut, or where lines are long as much as a secret can be."""
    end = head.rfind(b"\n", len(head) - MARGIN_BYTES)
    return head[: end if end >= 0 else len(head) - MARGIN_BYTES]


def _after_cut(tail: bytes) -> bytes:
    end = tail.find(b"\n", 0, MARGIN_BYTES)
    return tail[end + 1 if end >= 0 else MARGIN_BYTES :]


def _lines(raw: bytes, secrets: Iterable[str]) -> str:
    text = masked(raw.decode(errors="replace"), secrets)
    return "\n".join(clean_line(line, LINE_CHARACTERS) for line in text.splitlines())
